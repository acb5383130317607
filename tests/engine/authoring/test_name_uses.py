"""Where names are defined and used, in the short forms too, and what may stand in a file that is not whole."""

from __future__ import annotations

from collections.abc import Iterator
from functools import cache

import pytest

import engine
from engine.authoring.name_uses import Name, NamePlaces
from engine.authoring.schema_places import open_place
from engine.policy_language.tree import TreeCache
from tests.engine.authoring.test_lint import WORDS

SOURCES = {
    "p/words.yaml": WORDS.replace("aa.paper", "aa.other").replace(
        "  AA: {title: {en: Aland, zh: 甲}}\n",
        "  AA:\n    title: {en: Aland, zh: 甲}\n    define:\n      shared: {x.here: yes}\n      idle: {x.here: no}\n",
    ),
    "p/one.yaml": """\
policy: aa.one
title: one
jurisdiction: AA
instrument: {issuer: somebody, force: law}
in_force: {from: 2020-02-01}
defaults: {source: one}
applies: shared
groups:
  both: [art-1, art-2]
rules:
  - {id: art-1, title: 1, cite: 1, says: 1, status: confirmed, require: {document: paper}}
  - {id: art-2, title: 2, cite: 2, says: 2, status: confirmed, when: [{x.rank: high}], review: look}
  - {id: art-3, title: 3, cite: 3, says: 3, status: confirmed, when: [{x.rank: low}], exempts: [both]}
""",
    "p/two.yaml": """\
policy: aa.two
title: two
jurisdiction: AA
instrument: {issuer: somebody, force: law}
in_force: {from: 2020-02-01}
defaults: {source: two}
applies: [aa.one/shared, {x.rank: "high"}]
define:
  mine: {x.here: yes}
rules:
  - {id: art-1, title: 1, cite: 1, says: 1, status: confirmed, when: [mine], exempts: [aa.one/both]}
  - {id: art-2, title: 2, cite: 2, says: 2, status: confirmed, when: [{evidence.paper.dated: {until: as_of}}], review: look}
""",
    "p/one.test.yaml": """\
test: aa.one
as_of: 2026-11-24
exchange: {x.here: yes, evidence.paper: none}
cases:
  - {case: some, expect: {silent: [both], because: [art-1, aa.two/art-1], requirements: {aa.paper: met}}}
""",
}


@cache
def names() -> NamePlaces:
    trees = TreeCache()
    sources = {file: text.encode() for file, text in SOURCES.items()}
    bundle = engine.load_sources(sources, read=trees.read)
    return NamePlaces(bundle, engine.editor_schemas(bundle), sources, trees.read)


def places(name: Name) -> Iterator[str]:
    """The text of each place of a name, with its file, line and column."""
    for use in names().uses(name):
        line = SOURCES[use.at.file].splitlines()[use.at.line - 1]
        text = line[use.at.column - 1 : use.at.column - 1 + use.at.length]
        yield f"{use.at.file.removeprefix('p/')}:{use.at.line} {text}{' defines' if use.defines else ''}"


@pytest.mark.parametrize(
    ("name", "found"),
    [
        (Name("definition", "AA/shared"), ["one.yaml:7 shared", "two.yaml:7 shared", "words.yaml:15 shared defines"]),
        (Name("definition", "aa.two/mine"), ["two.yaml:9 mine defines", "two.yaml:11 mine"]),
        (Name("definition", "AA/idle"), ["words.yaml:16 idle defines"]),
        (
            Name("group", "aa.one/both"),
            ["one.test.yaml:5 both", "one.yaml:9 both defines", "one.yaml:13 both", "two.yaml:11 both"],
        ),
        (Name("rule", "aa.two/art-1"), ["one.test.yaml:5 art-1", "two.yaml:11 art-1 defines"]),
        (
            Name("evidence", "paper"),
            ["one.test.yaml:3 paper", "one.yaml:11 paper", "two.yaml:12 paper", "words.yaml:8 paper defines"],
        ),
        (Name("value of rank", "high"), ["one.yaml:12 high", "two.yaml:7 high", "words.yaml:3 high defines"]),
    ],
    ids=lambda each: each.id if isinstance(each, Name) else "",
)
def test_a_name_is_found_wherever_it_stands(name: Name, found: list[str]) -> None:
    """In short forms and in full, within a longer word, behind a quotation mark; and nowhere else."""
    assert sorted(places(name)) == sorted(found)


@pytest.mark.parametrize(
    ("text", "words"),
    [
        ("policy: aa.x\napplies:\n  x.rank: |", {"low", "high"}),
        ("policy: aa.x\napplies:\n  x.rank: {at_least: |", {"low", "high"}),
        ("policy: aa.x\napplies:\n  x.rank: [low, |]\nrules: [", {"low", "high"}),
        ("policy: aa.x\nrules:\n  - id: a\n    exempts: [|", {"aa.one/art-1", "aa.paper"}),
        ("policy: aa.x\nrules:\n  - document: |", {"paper"}),
        ("policy: aa.x\ninstrument: {|}", {"issuer", "number", "force"}),
        ("policy: aa.x\ninstrument: {force: |, issuer: me}", {"law", "norm"}),
        ("policy: aa.x\nrules:\n  - says: what is said |", set()),
    ],
)
def test_what_may_stand_is_known_in_a_file_that_is_not_whole(text: str, words: set[str]) -> None:
    """The cursor is at the mark; brackets may be open before it and after it; within a text nothing is proposed."""
    schema = engine.editor_schemas(engine.load_sources({file: text.encode() for file, text in SOURCES.items()}))["policy"]
    before = text.partition("|")[0]
    place = open_place(schema, text.replace("|", ""), before.count("\n") + 1, len(before.rpartition("\n")[2]) + 1)
    found = {each.word for each in place.proposals} if place else set()
    assert words <= found
    assert bool(words) == bool(found)
