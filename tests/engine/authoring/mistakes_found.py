"""
What finds each of the mistakes that authors make, and whether its first message says enough.

The entries of `mistakes/` go in; what finds them comes out, by class: `check`, `analyse`, `lint`, the policy tests, mutation, or nothing.
By hand: `python -m tests.engine.authoring.mistakes_found`, and `--list` for each with its first message.
"""

from __future__ import annotations

import argparse
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass, replace
from datetime import date
from functools import cache
from pathlib import Path

import yaml

import engine
from engine.policy_language.tree import TreeCache
from service.cli.case_report import failure_lines
from service.policies import loading

HERE = Path(__file__).parent / "mistakes"
BUNDLED = Path(engine.bundled_policies())
DAY = date(2026, 11, 30)
KINDS = ("form", "logic", "wording")
SILENT = "silent"
PLACE = re.compile(r"\(([\w./-]+):(\d+)\)")  # of a provision beside the one at which a finding stands


@dataclass(frozen=True)
class Mistake:
    """One edit of one file, what is wrong with it, and what the first message has to say."""

    kind: str
    id: str
    group: str
    wrong: str
    file: str
    under: str
    was: str
    now: str
    says: tuple[str, ...]
    tests: str = ""

    @property
    def named(self) -> str:
        """What the edit stands under: a rule, a definition, a register."""
        return self.under.removeprefix("- id: ").partition("  #")[0].removesuffix(":")

    @property
    def tested(self) -> str:
        """A part of the names of the test files that are its own."""
        return self.tests or self.file.removesuffix(".yaml").removesuffix(".test")


@dataclass(frozen=True)
class Message:
    """What somebody is told, and where."""

    file: str
    line: int
    text: str


@dataclass(frozen=True)
class Found:
    """Who found a mistake first, and what it said."""

    mistake: Mistake
    by: str
    first: Message | None
    sufficed: bool
    proven: bool = False
    """Whether `analyse` finds it, whoever else found it before."""


@cache
def mistakes() -> tuple[Mistake, ...]:
    """Every mistake, in the order of the files."""
    found = []
    for kind in KINDS:
        for each in yaml.safe_load((HERE / f"{kind}.yaml").read_text())["mistakes"]:
            group, says = each.pop("class"), tuple(map(str, each.pop("says")))
            found.append(Mistake(kind=kind, group=group, says=says, **each))
    return tuple(found)


class Author:
    """Somebody who writes the bundled law, a small law and house rules, and asks all that can be asked of them."""

    def __init__(self) -> None:
        self.trees = TreeCache()
        self.sound: dict[bool, engine.Bundle] = {}  # without and with the law and the rules of her own
        self.known: dict[str, set[tuple[str, str]]] = {}
        self.odd: dict[str, set[str]] = {}
        self.undefended: dict[str, set[str]] = {}

    def load(self, sources: dict[str, bytes]) -> engine.Bundle:
        """The bundle of these files; what did not change is not read again. Raises engine.BundleRefused."""
        return engine.load_sources(sources, read=self.trees.read)

    def before(self, mistake: Mistake) -> engine.Bundle:
        """The sound bundle that a mistake is made in: the bundled law, and beside it her own files only where she changes these."""
        own = (HERE / "own" / mistake.file).exists()
        if own not in self.sound:
            paths = [BUNDLED, *((HERE / "own" / "stations", HERE / "own" / "acme") if own else ())]
            self.sound[own] = self.load(loading.sources(paths, engine.PolicySettings())[0])
        return self.sound[own]

    def name(self, mistake: Mistake) -> str:
        """The name of its file among the sources."""
        return mistake.file if (HERE / "own" / mistake.file).exists() else f"{BUNDLED.name}/{mistake.file}"

    def make(self, mistake: Mistake, sources: dict[str, bytes] | None = None) -> tuple[dict[str, bytes], range, range]:
        """The sources with a mistake, the lines that it changed, and the lines of what it stands under."""
        file, sources = self.name(mistake), sources or self.before(mistake).sources
        text = sources[file].decode()
        lines = text.splitlines(keepends=True)
        head = next(number for number, line in enumerate(lines) if line.strip() == mistake.under)
        at = text.index(mistake.was, sum(map(len, lines[:head])))
        changed = text[:at] + mistake.now + text[at + len(mistake.was) :]
        first = text.count("\n", 0, at) + 1
        last = first + mistake.now.rstrip("\n").count("\n")
        depth = _depth(lines[head])
        within = [n for n in range(head + 1, len(lines)) if lines[n].strip() and _depth(lines[n]) <= depth]
        end = (within or [len(lines)])[0] + mistake.now.count("\n") - mistake.was.count("\n")
        assert first <= end, f"{mistake.id}: there is no such text under `{mistake.under}`"
        return {**sources, file: changed.encode()}, range(first, last + 1), range(head + 1, end + 1)

    def find(self, mistake: Mistake) -> Found:
        """Who finds it first."""
        sources, changed, under = self.make(mistake)
        try:
            bundle = self.load(sources)
        except engine.BundleRefused as refused:
            return self.found(mistake, "check", messages_of(refused.diagnostics), changed, under)
        proven = self.analysed(mistake, bundle)
        told: dict[str, Callable[[Mistake, engine.Bundle], list[Message]]] = {
            "check": self.warned,
            "analyse": lambda *_: proven,
            "lint": self.linted,
            "tests": tested,
            "mutation": self.mutated,
        }
        for by, ask in told.items():
            if messages := ask(mistake, bundle):
                return self.found(mistake, by, messages, changed, under, bool(proven))
        return Found(mistake, SILENT, None, False)

    def found(
        self, mistake: Mistake, by: str, messages: list[Message], changed: range, under: range, proven: bool = False
    ) -> Found:
        first = messages[0]
        return Found(mistake, by, first, self.suffices(mistake, first, changed, under, by), proven)

    def suffices(self, mistake: Mistake, message: Message, changed: range, under: range, by: str = "check") -> bool:
        """Whether a message stands at the line of the cause and names it (`mistakes/README.md`)."""
        there = message.line in changed or (mistake.kind != "form" and message.line in under)
        there = (there and message.file == self.name(mistake)) or (by == "tests" and mistake.named in message.text)
        beside = PLACE.findall(message.text) if by == "analyse" else ()
        there = there or any(file == self.name(mistake) and int(line) in under for file, line in beside)
        said = message.text.casefold()
        return there and all(any(word.casefold() in said for word in words.split("|")) for words in mistake.says)

    # Those who look

    def warned(self, mistake: Mistake, bundle: engine.Bundle) -> list[Message]:
        known = {(each.code, each.message) for each in self.before(mistake).warnings}
        found = sorted((*bundle.warnings, *engine.test_findings(_with_tests(bundle, mistake.tested))))
        return messages_of(each for each in found if (each.code, each.message) not in known)

    def linted(self, mistake: Mistake, bundle: engine.Bundle) -> list[Message]:
        folder = self.name(mistake).rpartition("/")[0]
        if folder not in self.known:
            self.known[folder] = {(each.code, each.message) for each in self.lint(self.before(mistake), folder)}
        return messages_of(each for each in self.lint(bundle, folder) if (each.code, each.message) not in self.known[folder])

    def lint(self, bundle: engine.Bundle, folder: str) -> tuple[engine.Diagnostic, ...]:
        """What lint says of a folder, with the tests of that folder only: all tests of the law would take ten seconds each time."""
        return engine.lint(_with_tests(bundle, f"{folder}/"), DAY, f"{folder}/")

    def analysed(self, mistake: Mistake, bundle: engine.Bundle) -> list[Message]:
        """What is proven of the file, and was not before; of a file of words, of the policies whose tests are run."""
        name = self.name(mistake)
        file = name if b"policy:" in bundle.sources[name] else mistake.tested
        if name not in self.odd:
            self.odd[name] = {each.text for each in _odd(self.before(mistake), file)}
        return [each for each in _odd(bundle, file) if each.text not in self.odd[name]]

    def mutated(self, mistake: Mistake, bundle: engine.Bundle) -> list[Message]:
        """What no test of the touched rule defends, and was defended before."""
        if b"policy:" not in bundle.sources[self.name(mistake)]:
            return []
        if mistake.id not in self.undefended:
            self.undefended[mistake.id] = {each.text for each in self.survivors(mistake, self.before(mistake))}
        return [each for each in self.survivors(mistake, bundle) if each.text not in self.undefended[mistake.id]]

    def survivors(self, mistake: Mistake, bundle: engine.Bundle) -> Iterator[Message]:
        made = [
            each
            for each in engine.mutants(bundle, self.name(mistake))
            if each.sentence.startswith((f"{mistake.named}: ", f"`{mistake.named}`: "))
        ]
        if not made:
            return
        court = engine.MutationTester(_with_tests(bundle, mistake.tested), made)
        for each in made:
            if not court.notices(each):
                yield Message(each.file, each.line, each.sentence)


def tested(mistake: Mistake, bundle: engine.Bundle) -> list[Message]:
    """The failing cases of the test files of a mistake, each as it is printed."""
    results = (each for each in engine.run(bundle, mistake.tested) if each.problems)
    return [Message(each.file, each.line, " ".join(" ".join(failure_lines(each)).split())) for each in results]


def _odd(bundle: engine.Bundle, file: str) -> list[Message]:
    return messages_of(each.diagnostic() for each in engine.analyse(bundle, DAY, file=file).findings)


def _with_tests(bundle: engine.Bundle, of: str) -> engine.Bundle:
    """The bundle with these test files only."""
    return replace(bundle, tests=tuple((file, root) for file, root in bundle.tests if of in file))


def _depth(line: str) -> int:
    return len(line) - len(line.lstrip())


def messages_of(findings: Iterable[engine.Diagnostic]) -> list[Message]:
    """Findings as what somebody is told."""
    return [Message(each.at.file, each.at.line, f"{each.message} {each.label} {each.help}") for each in findings]


def table(found: Iterable[Found]) -> Iterator[str]:
    """By class: how many were found by whom, and of how many the first message sufficed."""
    every = list(found)
    whom = ("check", "analyse", "lint", "tests", "mutation", SILENT)
    yield f"{'':52}" + "".join(f"{each:>10}" for each in (*whom, "sufficed", "(proven)"))
    for kind in (*KINDS, ""):
        of_kind = [each for each in every if not kind or each.mistake.kind == kind]
        groups = list(dict.fromkeys(each.mistake.group for each in of_kind)) if kind else []
        for group in groups:
            yield _row(f"  {group}", [each for each in of_kind if each.mistake.group == group], whom)
        yield _row(kind or "all", of_kind, whom)


def _row(title: str, of: list[Found], whom: tuple[str, ...]) -> str:
    numbers = [sum(each.by == name for each in of) for name in whom]
    return (
        f"{title:52}"
        + "".join(f"{number or '':>10}" for number in numbers)
        + _of(e.sufficed for e in of)
        + _of(e.proven for e in of)
    )


def _of(those: Iterable[bool]) -> str:
    every = list(those)
    return f"{f'{sum(every)}/{len(every)}':>10}"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--only", default="", help="mistakes whose id or class contains this")
    parser.add_argument("--list", action="store_true", help="print each with its first message")
    arguments = parser.parse_args()
    author = Author()
    found = []
    for mistake in mistakes():
        if arguments.only in mistake.id or arguments.only in mistake.group:
            found.append(author.find(mistake))
            if arguments.list:
                each = found[-1]
                said = f"{each.first.file}:{each.first.line}: {each.first.text}" if each.first else ""
                print(f"{'yes' if each.sufficed else 'no ':3} {mistake.id} [{each.by}] {said[:300]}", flush=True)
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
