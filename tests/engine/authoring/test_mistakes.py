"""A hundred mistakes of authors are found, and the first message says enough."""

from __future__ import annotations

import random
import re
from collections import Counter
from pathlib import Path

import pytest

import engine
from engine.authoring.said_numbers import numbers, said
from engine.policy_language import tree
from engine.policy_language.diagnostic import Findings
from tests import chance
from tests.engine.authoring.mistakes_found import HERE, SILENT, Author, Found, Mistake, messages_of, mistakes, table

BUNDLED = sorted(Path(engine.bundled_policies()).glob("*/*.yaml"))
KEY = re.compile(r"\s*(- )?[\w.-]+: ")
BY_CHECK = ("has-own", "comma-own", "backwards-own", "february-own", "step-empty-own")
BY_LINT = (
    "says-number-own",
    "says-day-own",
    "cite-article-own",
    "title-languages-own",
    "no-chinese-question-own",
)


@pytest.fixture(scope="module")
def author() -> Author:
    """One author: what she wrote before is read once."""
    return Author()


def slips(line: str) -> dict[str, tuple[str, str]]:
    """A line with one slip of the finger each, and the word that has to be said."""
    key, indented = KEY.match(line), line.startswith(" ")
    return {
        "tab": (f"\t{line.lstrip()}" if indented else "", "tab"),
        "one short": (line[1:] if indented else "", "indent"),
        "one deep": (f" {line}", "indent"),
        "no colon": (line.replace(":", "", 1) if key else "", "colon"),
        "no blank": (line.replace(": ", ":", 1) if key else "", "colon"),
    }


@pytest.mark.random
def test_a_slip_in_a_text_is_said_at_its_line() -> None:
    """Whatever line of whatever file: where the text is no YAML any more, the finding names the slip, at the line that was changed."""
    choose = random.Random(chance.seed(7))
    tried: Counter[bool] = Counter()
    missed = []
    for file in chance.some(choose.sample([each for each in BUNDLED if each.stat().st_size < 12_000], 10), 10):
        lines = file.read_text().split("\n")
        for row in choose.sample(range(len(lines)), 3):
            if not lines[row].strip() or lines[row].lstrip().startswith("#"):
                continue
            for slip, (line, word) in slips(lines[row]).items():
                findings = Findings()
                tree.read("f", "\n".join([*lines[:row], line, *lines[row + 1 :]]).encode() if line else b"a: b", findings)
                if found := [each for each in findings.errors if each.code == "not-yaml"]:
                    told = found[0].at.line == row + 1 and word in f"{found[0].message} {found[0].help}"
                    tried[told] += 1
                    missed += [] if told else [f"{slip} at {file}:{row + 1}: {found[0]}"]
    assert tried.total() >= 50
    # Of few that a share of the time leaves, one line that is missed is missed by two slips.
    most = tried.total() / 50 if chance.share() is None else 2 + tried.total() / 100
    assert tried[False] <= most, "\n".join(missed)


@pytest.mark.parametrize("ids", [BY_CHECK, BY_LINT])
def test_several_mistakes_are_each_said_at_their_lines(author: Author, ids: tuple[str, ...]) -> None:
    """Several mistakes in the same files are all found together, each at its line and by its name."""
    made: dict[str, tuple[Mistake, range, range]] = {}
    sources = None
    for mistake in (each for each in mistakes() if each.id in ids):
        sources, changed, under = author.make(mistake, sources)
        made[mistake.id] = (mistake, changed, under)
    assert sources is not None
    assert made.keys() == set(ids)
    if ids == BY_CHECK:
        with pytest.raises(engine.BundleRefused) as refused:
            author.load(sources)
        messages = messages_of(each for each in refused.value.diagnostics if not each.follows)
    else:
        bundle = author.load(sources)
        messages = messages_of(author.lint(bundle, "stations"))
    for mistake, changed, under in made.values():
        told = [author.suffices(mistake, each, changed, under) for each in messages]
        assert any(told), f"{mistake.id}: {messages}"
    assert len(messages) == len(ids)


def test_the_mistakes_are_of_every_class_and_half_are_in_the_bundled_law() -> None:
    """Each class has two mistakes at least, their names differ, and about half change a bundled file."""
    every = mistakes()
    assert len({each.id for each in every}) == len(every) >= 100
    assert min(Counter(each.group for each in every).values()) >= 2
    bundled = sum(not (HERE / "own" / each.file).exists() for each in every)
    assert 0.4 <= bundled / len(every) <= 0.6


@pytest.mark.parametrize(
    ("en", "zh"),
    [
        ("within ten working days", "在十个工作日内"),
        ("a million people, or 10,000 of them", "100万人或者1万人"),
        ("valid for three years and 6 months", "有效期三年，满6个月"),
        ("by 31 March", "3月31日前"),
        ("since 2 March 2026", "自2026年3月2日起"),
        ("thirty-five thousand people", "3.5万人"),
        ("an act of January 2025", "2025年1月的法令"),
    ],
)
def test_two_languages_say_the_same(en: str, zh: str) -> None:
    """A number, a length and a day have one form, in whichever language they are written."""
    one, other = ({(each.kind, each.value) for each in said(text)} for text in (en, zh))
    assert one == other
    assert bool(one) is ("January" not in en)


def test_a_citation_names_the_same_numbers_in_two_languages() -> None:
    """Digits and Chinese numerals are the same numbers."""
    assert numbers("Arts. 26 and 27(2)") == numbers("第二十六、二十七条第二款") == [26, 27, 2]


LEAST = 10  # of form and wording


@pytest.mark.fuzz(weight=8)
def test_nearly_every_mistake_is_found_and_its_first_message_suffices() -> None:
    """No slip of form is silent, three at most of all are, and of form and wording nine first messages in ten say enough."""
    author = Author()
    every = mistakes()
    found: list[Found] = [author.find(each) for each in chance.some(every, 10)]
    written = [each.sufficed for each in found if each.mistake.kind != "logic"]
    found_ids = {each.mistake.id for each in found}
    left = [each for each in every if each.kind != "logic" and each.id not in found_ids]
    found += map(author.find, left[: max(0, LEAST - len(written))])  # so that the share of those below is one of enough
    print("\n".join(table(found)))
    silent = [each.mistake.id for each in found if each.by == SILENT]
    assert len(silent) <= 3, silent
    assert not [each.mistake.id for each in found if each.by == SILENT and each.mistake.kind == "form"]
    written = [each.sufficed for each in found if each.mistake.kind != "logic"]
    # Of few that a share of the time leaves, more may be among those of which the first message says too little.
    whole = sum(each.kind != "logic" for each in every)
    most = min(0.1 * whole, 0.1 * len(written) + (0 if len(written) == whole else 3))
    assert len(written) >= LEAST
    assert len(written) - sum(written) <= most, [each.mistake.id for each in found if not each.sufficed]
