"""`fifthfactor diff`: what two bundles differ in, which outcomes move, where OLD and NEW are found, and how it ends."""

from __future__ import annotations

import asyncio
import json
import sqlite3
import subprocess
import sys
from collections.abc import Sequence
from datetime import date
from io import StringIO
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient
from typer.testing import CliRunner

import engine
from service.cli.main import app
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines

ROOT = Path(__file__).resolve().parents[3]
TODAY = date(2026, 11, 24)

WORDS = """\
vocabulary: words

facts:
  exporter.id: {type: id, title: exporter's identifier, personal: yes}
  exporter.country: {type: country, title: exporter's country}
  recipient.country: {type: country, title: recipient's country}
  data.people: {type: count, title: people}
  data.kinds: {type: set of kind, title: kinds of data}
  data.made_on: {type: date, title: day it was made}
  counts.sent: {type: count, title: people sent}

values:
  country: {title: country, values: {AA: Aland, BB: Beland, CC: Celand}}
  town: {title: town, inside: country, complete: [AA], values: {none: {}, one: {in: AA}, two: {also: [Duo], in: BB}}}
  kind: {title: kind, values: {report: {}, image: {}, scan: {under: image}, photo: {under: image, rest: yes}}}

registers:
  FRIENDS:
    title: friendly countries
    of: country
    source: made up
    status: confirmed
    entries: {BB: {from: 2024-01-01}}

calendars:
  AA:
    title: working days in Aland
    source: made up
    status: confirmed
    weekend: [sun]
    known_from: 2024-01-01
    known_until: 2024-12-31
    holidays: [2024-01-01]

evidence:
  contract: {title: contract}
claims:
  need: {title: need}

requirements:
  a.contract:
    title: a contract
    how: Conclude it.
    jurisdiction: AA
    duties:
      - {duty: File the contract., who: exporter, due: {within: 10 days, after: evidence.contract.dated}}

counters:
  counts.sent: {counts: distinct data.people, per: [exporter.id], window: calendar year in UTC, leaves_out: [a.law/ground]}

jurisdictions:
  AA: {title: Aland, countries: [AA], covers: {all: {from: 2020-01-01, by: [a.law]}, images: {from: 2024-01-01, by: [a.law]}}}

subjects:
  all: {title: all data, when: {exporter.country: AA}}
  images: {title: images, when: {data.kinds: {has: image}}}

touches:
  - {fact: exporter.country, as: exporter}

coherence:
  nobody-pictured:
    never: {data.people: {at_most: 0}, data.kinds: {has: image}}
    unless_said: {recipient.country: CC}
    says: an image shows somebody

lanes:
  fast: {title: the fast lane}

factor:
  volume: {title: volume, lines: {people: {title: people, fact: data.people}}}
"""

LAW = """\
policy: a.law
title: The Law of Aland
jurisdiction: AA
instrument: {issuer: a ministry, force: law}
in_force: {from: 2020-01-01}
applies:
  exporter.country: AA

define:
  abroad:
    recipient.country: {not: AA}

rules:
  - id: art-1
    title: Many people need a contract
    cite: Art. 1
    says: Data of many people leave under a contract.
    source: made up
    status: confirmed
    when:
      - abroad
      - data.people: {at_least: 10 thousand}
    require: a.contract

  - id: ground
    title: A contract is one
    cite: Art. 1(2)
    says: The contract meets Article 1.
    source: made up
    status: confirmed
    when:
      - evidence: {has: contract}
    satisfies: a.contract

  - id: art-2
    title: Images are looked at
    cite: Art. 2
    says: Images are reviewed.
    source: made up
    status: confirmed
    in_force: {from: 2024-01-01}
    when:
      - data.kinds: {has: image}
    review: Look at the images.
"""

CASES = """\
test: a.law
as_of: 2024-06-01
exchange:
  exporter.country: AA
  recipient.country: BB
  data.people: 10
  data.kinds: [report]
cases:
  - case: A few people need nothing
    expect: {outcome: permitted}
  - case: Ten thousand people need a contract
    change: {data.people: 10 thousand}
    expect: {outcome: requirements_unmet}
  - case: A contract is shown
    change: {data.people: 10 thousand, evidence.contract: {dated: 2024-05-30, covers: yes}}
    expect: {outcome: permitted_with_obligations}
  - case: A million people need a contract, and friends need none
    change: {data.people: 1 million}
    expect: {outcome: requirements_unmet}
  - case: Elsewhere nobody knows how many
    change: {recipient.country: CC, data.people: {at_least: 20 thousand}}
    expect: {outcome: requirements_unmet}
  - case: Images are looked at
    change: {data.kinds: [image]}
    expect: {outcome: review}
  - case: Images to Celand | are [looked] at
    as_of: 2026-06-01
    change: {recipient.country: CC, data.kinds: [image]}
    expect: {outcome: review}
"""

ADDED = """
  - id: art-3
    title: Friends need no contract
    cite: Art. 3
    says: Article 1 does not hold for friends.
    source: made up
    status: confirmed
    when:
      - recipient.country: {in: FRIENDS}
    exempts: [a.contract]

  - id: art-4
    title: No scans to Celand
    cite: Art. 4
    says: Images do not go to Celand.
    source: made up
    status: confirmed
    when:
      - recipient.country: CC
      - data.kinds: {has: image}
    prohibit: Images do not go to Celand.
"""

OLD = {"words.yaml": WORDS, "law.yaml": LAW, "law.test.yaml": CASES}
NEW = {
    **OLD,
    "law.yaml": LAW.replace("10 thousand", "100 thousand").replace("{from: 2024-01-01}", "{from: 2025-01-01}") + ADDED,
}

FEW = {**OLD, "law.test.yaml": CASES[: CASES.index("  - case: A contract")]}
GOLDEN = """\
## Policies: `old` → `new`

Of 2 exchanges of tests: **1 permitted that was not**. Rules and words: 1 changed.

### Outcomes

| from | to | | exchanges | by |
|---|---|---|---:|---|
| requirements unmet | permitted | **permits more** | 1 | `a.law/art-1` no longer stands |

requirements unmet → permitted, permits more:

- Ten thousand people need a contract (`new/law.test.yaml:11`, as of 2024-06-01): `a.law/art-1` no longer stands; \
requirement `a.contract` unmet → not asked for

### Rules

Changed:

- rule `a.law/art-1`, Many people need a contract: moves 1 exchange
  - at least 10,000 → 100,000 people (`data.people`)

Meaning `OLD` → `NEW`, decided in the mode `checked`. Engineering research, not legal advice.
"""


def bundle(sources: dict[str, str]) -> engine.Bundle:
    """A bundle from texts."""
    return engine.load_sources({name: text.encode() for name, text in sources.items()})


def difference(old: dict[str, str], new: dict[str, str], *more: engine.Trial) -> engine.Difference:
    """What the test exchanges and some others show."""
    before, after = bundle(old), bundle(new)
    return engine.compare(before, after, [*engine.trials(before, after), *more], today=TODAY)


def folder(place: Path, sources: dict[str, str]) -> Path:
    """A folder of texts."""
    place.mkdir(parents=True)
    for name, text in sources.items():
        (place / name).write_text(text)
    return place


def run(*arguments: object) -> Any:
    """`fifthfactor diff` in this process."""
    return CliRunner().invoke(app, ["diff", *map(str, arguments)])


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The folder in which the command runs, with `old` and `new` in it."""
    folder(tmp_path / "old", OLD)
    folder(tmp_path / "new", NEW)
    monkeypatch.chdir(tmp_path)
    return tmp_path


# Outcomes


def test_the_markdown_leads_with_what_is_permitted_and_tells_the_rule(here: Path) -> None:
    """A threshold that moved: one sentence, a table of outcomes, examples at their lines, the rule in words."""
    folder(here / "few" / "old", FEW)
    folder(here / "few" / "new", {**FEW, "law.yaml": LAW.replace("10 thousand", "100 thousand")})
    done = run("few/old", "few/new")
    digests = [engine.load(here / "few" / side).digests.meaning[:12] for side in ("old", "new")]
    text = done.stdout.replace("few/old", "old").replace("few/new", "new")
    assert text.replace(digests[0], "OLD").replace(digests[1], "NEW") == GOLDEN
    assert done.exit_code == 0


def test_every_outcome_that_moves_is_told_with_its_direction_and_its_rules() -> None:
    """A threshold and a date moved, an exemption and a bar added: each case as it moves, those that permit more first."""
    moved = [
        (
            move.direction,
            move.exchange.name.partition(" need")[0],
            move.old.told,
            move.new.told,
            [f"{cause.name.partition('/')[2]} {cause.text}" for cause in move.causes if cause.kind == "rule"],
        )
        for move in difference(OLD, NEW).moves
    ]
    bounds = "not decided (permitted to requirements unmet)"
    unmet, owing = "requirements unmet", "permitted with obligations"
    gone, now = "art-1 no longer stands", "art-3 stands now"
    assert moved == [
        ("permits more", "Ten thousand people", unmet, "permitted", [gone, now]),
        ("permits more", "A million people", unmet, "permitted", [now]),
        ("permits more", "Images are looked at", "subject to review", "permitted", ["art-2 no longer stands", now]),
        ("may permit more", "Elsewhere nobody knows how many", unmet, bounds, ["art-1 only may stand now"]),
        ("stricter", "Images to Celand | are [looked] at", "subject to review", "prohibited", ["art-4 stands now"]),
        ("milder", "A contract is shown", owing, "permitted", [gone, now]),
        ("same outcome", "A few people", "permitted", "permitted", [now]),
    ]


def test_the_way_back_permits_less() -> None:
    """What permits more one way permits less the other way."""
    there, back = difference(OLD, NEW), difference(NEW, OLD)
    opposite = {"permits more": "permits less", "may permit more": "may permit less", "milder": "stricter"}
    opposite |= {after: before for before, after in opposite.items()}
    assert {(move.exchange.name, opposite.get(move.direction, move.direction)) for move in there.moves} == {
        (move.exchange.name, move.direction) for move in back.moves
    }


def test_a_rule_that_no_exchange_shows_is_said_to_be_unseen(here: Path) -> None:
    """A threshold that no test comes near is a change without a witness."""
    folder(here / "unseen", {**OLD, "law.yaml": LAW.replace("10 thousand", "9_999")})
    done = run("old", "unseen")
    assert "no outcome changes" in done.stdout
    assert "rule `a.law/art-1`, Many people need a contract: **no exchange here shows it**" in done.stdout


def test_layout_comments_and_file_names_are_no_change(here: Path) -> None:
    """Bundles of one meaning are not decided, and nothing is said to move."""
    folder(here / "laid-out", {"w.yaml": WORDS, "l.yaml": "# a comment\n" + LAW, "l.test.yaml": CASES})
    done = run("old", "laid-out", "--fail-on", "any-change")
    assert done.exit_code == 0
    assert "Both mean the same: no outcome changes." in done.stdout
    assert "###" not in done.stdout


def test_an_exchange_that_a_vocabulary_refuses_is_no_permit_under_it() -> None:
    """A fact that only the new policies know: refused before, permitted now, which permits more; and the other way round."""
    words = WORDS.replace("values:", "  data.new: {type: yes/no, title: new}\n\nvalues:", 1)
    cases = CASES.replace("  data.people: 10\n", "  data.people: 10\n  data.new: yes\n", 1)
    new = {"words.yaml": words, "law.yaml": LAW, "law.test.yaml": cases[: cases.index("  - case: Ten")]}
    old = {**OLD, "law.test.yaml": CASES[: CASES.index("  - case: Ten")]}
    (there,), (back,) = difference(old, new).moves, difference(new, old).moves
    assert (there.old.outcome, there.new.outcome, there.direction) == ("refused", "permitted", "permits more")
    assert (back.old.outcome, back.new.outcome, back.direction) == ("permitted", "refused", "permits less")
    assert there.old.problems == back.new.problems == ("/data/new (unknown-fact)",)


def test_an_exchange_that_neither_can_read_is_listed() -> None:
    """It is not among those tried, and what is wrong is named by its place, never by its value."""
    trial = engine.Trial("line 1", "x.jsonl:1", "file", b'{"exporter": {"contry": "a secret"}, "data": {"people": "secret"}}')
    found = difference(OLD, NEW, trial)
    assert found.tried == {"test": 7}
    assert [(each.exchange.at, each.problem) for each in found.unread] == [
        ("x.jsonl:1", "/exporter/contry (unknown-fact); /data/people (wrong-value)")
    ]


def test_where_no_engine_can_decide_it_is_no_permit_and_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    """A failure under the new policies permits less; it is listed apart, too."""

    def fails(pdp: engine.PDP, exchange: engine.Exchange, **options: Any) -> engine.Decision:
        if pdp.bundle.digests.meaning == bundle(NEW).digests.meaning:
            raise engine.EnginesFailed("broken")
        return decide(pdp, exchange, **options)

    decide = engine.PDP.decide
    monkeypatch.setattr(engine.PDP, "decide", fails)
    found = difference(FEW, {**NEW, "law.test.yaml": FEW["law.test.yaml"]})
    assert {(move.new.outcome, move.direction) for move in found.moves} == {
        ("failed", "permits less"),
        ("failed", "no longer read"),
    }
    assert {each.problem for each in found.disagreements} == {"no engine could decide it under the new policies"}


def test_a_test_that_both_bundles_have_is_tried_once() -> None:
    """An exchange of a day is one, whatever its case is called; one that only the old tests have is named as theirs."""
    renamed = {
        **NEW,
        "law.test.yaml": CASES.replace("A few people need nothing", "Renamed").replace(
            "people: 1 million", "people: 2 million"
        ),
    }
    found = engine.trials(bundle(OLD), bundle(renamed))
    assert len(found) == 8
    assert [trial.at for trial in found if trial.name.startswith("A million")] == ["law.test.yaml:17", "law.test.yaml:17 (old)"]
    assert not [trial for trial in found if trial.name.startswith("A few")]


# Rules and words

# file, what is written there, what is written instead; what has changed by that, and how it is said
EDITS = {
    "a threshold": (
        "law.yaml",
        "10 thousand",
        "100 thousand",
        "rule a.law/art-1",
        "at least 10,000 → 100,000 people (`data.people`)",
    ),
    "a test": (
        "law.yaml",
        "at_least: 10",
        "more_than: 10",
        "rule a.law/art-1",
        "at least → more than 10,000 people (`data.people`)",
    ),
    "a rule's date": (
        "law.yaml",
        "{from: 2024-01-01}",
        "{from: 2024-01-01, until: 2025-01-01}",
        "rule a.law/art-2",
        "in force: from 2024-01-01 → from 2024-01-01 until 2025-01-01",
    ),
    "a policy's date": (
        "law.yaml",
        "{from: 2020-01-01}",
        "[{from: 2020-01-01, until: 2021-01-01}, {from: 2022-01-01}]",
        "policy a.law",
        "in force: from 2020-01-01 → from 2020-01-01 until 2021-01-01; from 2022-01-01",
    ),
    "where a policy applies": (
        "law.yaml",
        "applies:\n  exporter.country: AA",
        "applies:\n  exporter.country: [AA, BB]",
        "policy a.law",
        "applies: the exporter is in Aland → Aland or Beland (`exporter.country`)",
    ),
    "a condition more": (
        "law.yaml",
        "    require: a.contract",
        "      - recipient.country: CC\n    require: a.contract",
        "rule a.law/art-1",
        "condition added: the recipient is in Celand",
    ),
    "a condition less": ("law.yaml", "      - abroad\n", "", "rule a.law/art-1", "condition dropped: `a.law/abroad`"),
    "an exception": (
        "law.yaml",
        "    require: a.contract",
        "    unless:\n      - recipient.country: {in: FRIENDS}\n      - data.made_on: {until: 2020-01-01}\n    require: a.contract",
        "rule a.law/art-1",
        "exception added: the recipient is in friendly countries",
    ),
    "an alternative": (
        "law.yaml",
        "      - data.kinds: {has: image}",
        "      - any_of: [{data.kinds: {has: image}}, {data.people: 7}]",
        "rule a.law/art-2",
        "alternative added: at least 7 people and at most 7 people",
    ),
    "a definition": (
        "law.yaml",
        "recipient.country: {not: AA}",
        "recipient.country: {not: [AA, BB]}",
        "definition a.law/abroad",
        "exception: the recipient is in Aland → Aland or Beland (`recipient.country`)",
    ),
    "an effect": (
        "law.yaml",
        "review: Look at the images.",
        "prohibit: Look at the images.",
        "rule a.law/art-2",
        "effect: review → prohibit",
    ),
    "a mark": (
        "law.yaml",
        "status: confirmed\n    in_force",
        "status: from-memory\n    in_force",
        "rule a.law/art-2",
        "mark: confirmed → from-memory",
    ),
    "what is required": (
        "law.yaml",
        "require: a.contract",
        "require: {any_of: [a.contract, a.contract]}",
        "rule a.law/art-1",
        "requires: `a.contract` → `a.contract` or `a.contract`",
    ),
    "what is exempted": (
        "law.yaml",
        "    review: Look",
        "    exempts: [art-1]\n    review: Look",
        "rule a.law/art-2",
        "exempts added: `a.law/art-1`",
    ),
    "a ground's duty": (
        "law.yaml",
        "    satisfies: a.contract",
        "    satisfies: a.contract\n    duties: [{duty: Keep it., who: exporter}]",
        "rule a.law/ground",
        "duty added: Keep it.",
    ),
    "the force": ("law.yaml", "force: law", "force: order", "policy a.law", "force: law → order"),
    "a requirement's duty": (
        "words.yaml",
        "within: 10 days",
        "within: 20 days",
        "requirement a.contract",
        "duty “File the contract.”: due: within 10 days after `evidence.contract.dated` → within 20 days after `evidence.contract.dated`",
    ),
    "a register's date": (
        "words.yaml",
        "{BB: {from: 2024-01-01}}",
        "{BB: {from: 2025-01-01}}",
        "register FRIENDS",
        "entries: `BB` from 2024-01-01 → from 2025-01-01",
    ),
    "a register's entry": (
        "words.yaml",
        "{BB: {from: 2024-01-01}}",
        "{BB: {from: 2024-01-01}, CC: {}}",
        "register FRIENDS",
        "entries added: `CC` at any time",
    ),
    "a holiday": (
        "words.yaml",
        "holidays: [2024-01-01]",
        "holidays: [2024-01-01, 2024-01-02]",
        "calendar AA",
        "holidays added: `2024-01-02`",
    ),
    "a counter": (
        "words.yaml",
        "calendar year in UTC",
        "preceding 12 months",
        "counter counts.sent",
        "window: calendar year in UTC → preceding 12 months",
    ),
    "what a counter counts": (
        "words.yaml",
        "window: calendar",
        "where: {data.kinds: {has: image}}, window: calendar",
        "counter counts.sent",
        "condition added: kinds of data include image",
    ),
    "coverage": (
        "words.yaml",
        "images: {from: 2024-01-01, by: [a.law]}",
        "images: {from: 2025-01-01, by: [a.law]}",
        "jurisdiction AA",
        "covers: `images` from 2024-01-01, by a.law → from 2025-01-01, by a.law",
    ),
    "a subject matter": (
        "words.yaml",
        "when: {data.kinds: {has: image}}",
        "when: {data.kinds: {has: scan}}",
        "subject images",
        "kinds of data include image → scan (`data.kinds`)",
    ),
    "a touch": (
        "words.yaml",
        "as: exporter}",
        "as: exporter, when: {data.people: {at_least: 1}}}",
        "touch exporter.country as exporter",
        "condition added: some people",
    ),
    "a fact": (
        "words.yaml",
        "data.people: {type: count,",
        "data.people: {type: count, change: yes,",
        "fact data.people",
        "change: no → yes",
    ),
    "a value": ("words.yaml", "scan: {under: image}", "scan: {}, map: {}", "value set kind", "`scan` lies under image → none"),
    "where a place lies": ("words.yaml", "Duo], in: BB", "Duo], in: CC", "value set town", "`two` lies in BB → CC"),
    "whose places are complete": (
        "words.yaml",
        "complete: [AA]",
        "complete: [AA, BB]",
        "value set town",
        "complete country added: `BB`",
    ),
    "the value for nothing": (
        "words.yaml",
        "{report: {}, image",
        "{report: {nothing: yes}, image",
        "value set kind",
        "the value that says that nothing applies: none → report",
    ),
    "a set that is never empty": (
        "words.yaml",
        "{type: set of kind,",
        "{type: set of kind, some: yes,",
        "fact data.kinds",
        "some: no → yes",
    ),
    "what cannot be true": (
        "words.yaml",
        "never: {data.people: {at_most: 0}, data.kinds: {has: image}}",
        "never: {data.people: {at_most: 0}, data.kinds: {has: scan}}",
        "contradiction nobody-pictured",
        "kinds of data include image → scan (`data.kinds`)",
    ),
    "an exception to it": (
        "words.yaml",
        "    unless_said: {recipient.country: CC}\n",
        "",
        "contradiction nobody-pictured",
        "unless: condition dropped: the recipient is in Celand",
    ),
    "a kind of evidence": (
        "words.yaml",
        "contract: {title: contract}",
        "contract: {title: contract}\n  licence: {title: licence}",
        "evidence licence",
        "",
    ),
    "a kind of claim": ("words.yaml", "need: {title: need}", "want: {title: want}", "claim need", ""),
    "a lane": ("words.yaml", "fast: {title", "slow: {title", "lane slow", ""),
    "the account": (
        "words.yaml",
        "fact: data.people}",
        "fact: counts.sent}",
        "account volume.people",
        "fact: data.people → counts.sent",
    ),
}


@pytest.mark.parametrize("name", EDITS)
def test_a_change_is_said_in_words(name: str) -> None:
    """Each thing that an author may change is found by its name, and said as it was and as it is."""
    file, before, after, changed, detail = EDITS[name]
    assert before in OLD[file]
    found = {
        f"{each.what} {each.name}": each for each in difference(OLD, {**OLD, file: OLD[file].replace(before, after)}).changes
    }
    assert changed in found, list(found)
    if detail:
        assert detail in found[changed].details
    else:
        assert found[changed].change in ("added", "dropped")


def test_what_is_only_worded_otherwise_is_named_and_not_compared(here: Path) -> None:
    """Titles and paraphrases are one line at the end; no exchange moves."""
    folder(
        here / "worded",
        {**OLD, "law.yaml": LAW.replace("says: Images are", "says: All images are").replace("The Law", "A Law")},
    )
    done = run("old", "worded", "--fail-on", "any-outcome")
    assert "Only wording changes." in done.stdout
    assert "Only the wording changes: policy `a.law` (instrument); rule `a.law/art-2` (says)" in done.stdout
    assert done.exit_code == 0
    assert run("old", "worded", "--fail-on", "any-change").exit_code == 1


def test_another_spelling_is_no_change() -> None:
    """What is proposed for a misspelt value is in no decision, so that it has no part in the digest of the meaning."""
    assert not difference(OLD, {**OLD, "words.yaml": WORDS.replace("[Duo]", "[Duo, Deux]")}).changes


def test_a_change_that_has_no_words_is_still_said() -> None:
    """Conditions in another order have another digest, though nothing else tells them apart."""
    swapped = LAW.replace(
        "      - abroad\n      - data.people: {at_least: 10 thousand}",
        "      - data.people: {at_least: 10 thousand}\n      - abroad",
    )
    (change,) = difference(OLD, {**OLD, "law.yaml": swapped}).changes
    assert (change.what, change.details) == ("bundle", ())
    assert change.wording


def test_the_order_of_provisions_is_told_since_it_decides_between_ways() -> None:
    """It is the policy that has changed, not each of its rules."""
    ground, rest = LAW[LAW.index("  - id: ground") : LAW.index("  - id: art-2")], LAW[LAW.index("  - id: art-2") :]
    moved = LAW.replace(ground, "").rstrip() + "\n\n" + ground
    assert rest in moved
    (change,) = difference(OLD, {**OLD, "law.yaml": moved}).changes
    assert (change.what, change.name) == ("policy", "a.law")
    assert change.details == ("its provisions are in another order, which decides which of several ways is relied on",)


def test_a_definition_is_told_once_with_the_rules_that_rest_on_it() -> None:
    """Not in each rule that names it."""
    found = difference(OLD, {**OLD, "law.yaml": LAW.replace("{not: AA}", "{not: [AA, BB]}")}).changes
    assert [(change.what, change.name, change.under, change.moves) for change in found] == [
        ("definition", "a.law/abroad", ("a.law/art-1",), 3)
    ]


# How it ends


@pytest.mark.parametrize(
    ("old", "new", "fail_on", "code"),
    [
        ("old", "new", None, 0),
        ("old", "new", "permits-more", 1),
        ("old", "new", "permits-less", 0),
        ("new", "old", "permits-more", 0),
        ("new", "old", "permits-less", 1),
        ("old", "new", "any-outcome", 1),
        ("old", "old", "any-change", 0),
        ("old", "new", "any-change", 1),
    ],
)
def test_it_ends_with_1_where_it_finds_what_it_is_to_fail_on(
    here: Path, old: str, new: str, fail_on: str | None, code: int
) -> None:
    """And with 0 elsewhere."""
    assert run(old, new, *(["--fail-on", fail_on] if fail_on else [])).exit_code == code


def test_a_permit_that_has_only_become_possible_is_more_too(here: Path) -> None:
    """Bounds that reach down to a permit, and did not, fail a check on `permits-more`."""
    case = (
        CASES[: CASES.index("  - case: A few")]
        + CASES[CASES.index("  - case: Elsewhere") : CASES.index("  - case: Images are")]
    )
    folder(here / "perhaps" / "old", {**OLD, "law.test.yaml": case})
    folder(here / "perhaps" / "new", {**NEW, "law.test.yaml": case})
    done = run("perhaps/old", "perhaps/new", "--fail-on", "permits-more")
    assert done.exit_code == 1
    assert "**1 perhaps permitted that could not be**" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (["old", "nowhere"], "`nowhere` is not a folder, not a git revision"),
        (["old", "new", "--mode", "guess"], "there is no mode `guess`"),
        (["old", "new", "--fail-on", "anything"], "`--fail-on` cannot be `anything`"),
        (["old", "new", "--only", "nothing"], "no test file has `nothing` in its name"),
        (["old", "new", "--as-of", "today"], "`today` is not a date"),
        (["old", "new", "--exchanges", "nowhere"], "there is no file or folder nowhere"),
        (["old", "new", "--exchanges", "old"], "holds no file that ends in .json"),
        (["old", "new", "--log", "nowhere.db"], "nowhere.db` does not exist"),
        (["old", "bad"], "the policies of `bad` are not sound"),
        (["untested/old", "untested/new", "--fail-on", "permits-more"], "there is no exchange to compare"),
        (["--", "old", "--output=x"], "`--output=x` begins with `-`"),
        (["old", ""], "`` is not a folder"),
        (["old", "x" * 5_000], "is not a folder"),
    ],
)
def test_what_cannot_be_done_is_said_and_ends_with_2(here: Path, arguments: Sequence[str], words: str) -> None:
    """One sentence on standard error, and nothing on standard output."""
    folder(here / "bad", {**OLD, "law.yaml": LAW.replace("data.people", "data.peple")})
    folder(here / "untested" / "old", {name: text for name, text in OLD.items() if "test" not in name})
    folder(here / "untested" / "new", {name: text for name, text in NEW.items() if "test" not in name})
    done = run(*arguments)
    assert (done.exit_code, done.stdout) == (2, "")
    assert words in done.stderr


def test_the_json_is_the_whole_document(here: Path) -> None:
    """It validates as a Difference, and leaves no example out."""
    done = run("old", "new", "--json", "--examples", "0")
    assert engine.Difference.model_validate_json(done.stdout) == engine.compare(
        engine.load(here / "old"),
        engine.load(here / "new"),
        engine.trials(engine.load(here / "old"), engine.load(here / "new")),
        today=TODAY,
    )


def test_examples_are_limited_and_the_rest_is_counted(here: Path) -> None:
    """Every kind of move shows one example at least."""
    text = run("old", "new", "--examples", "1").stdout
    assert text.count("(`new/law.test.yaml") == 6
    assert "- … and 1 more" in text


# Finding OLD and NEW


def git(place: Path, *arguments: str) -> str:
    """Run git in a folder, as somebody who has no settings."""
    settings = ("-c", "user.name=Tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(place), *settings, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose folder `law/policies` was once OLD, and is NEW now; the command runs in its root."""
    root = tmp_path / "repository"
    place = folder(root / "law" / "policies", OLD)
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "old: the first")
    for name, text in NEW.items():
        (place / name).write_text(text)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "new")
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("HEAD~1", "law/policies"),
        ("main~1:law/policies", "main:law/policies"),
        ("main~1:./law/policies", "main:law/policies/"),
        (":/old: the first", "law/policies"),
    ],
)
def test_a_git_revision_is_read_as_it_was_committed(repository: Path, old: str, new: str) -> None:
    """The place in the repository is where the other side lies, or is named after a colon."""
    found = json.loads(run(old, new, "--json").stdout)
    assert (found["old"], found["new"]) == tuple(
        {"meaning": digests.meaning, "source": digests.source}
        for digests in (
            engine.load_sources({f"policies/{name}": text.encode() for name, text in sources.items()}).digests
            for sources in (OLD, NEW)
        )
    )
    assert found["moves"][0]["direction"] == "permits more"


def test_the_repository_around_the_policies_is_asked_and_no_other(
    repository: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the command runs, and whatever a hook's environment says."""
    monkeypatch.chdir(here)
    monkeypatch.setenv("GIT_DIR", str(here / "no-repository"))
    done = run("HEAD~1", "HEAD", "--policies", repository / "law" / "policies", "--fail-on", "permits-more")
    assert done.exit_code == 1, done.output
    assert "## Policies: `HEAD~1 (" in done.stdout


def test_what_lies_elsewhere_in_a_repository_is_said(repository: Path) -> None:
    """A place without policies, a place outside, and a link that git holds no bytes for."""
    assert "there are no policies under `law/other`" in run("HEAD:law/other", "law/policies").stderr
    assert "is outside the repository" in run("HEAD:../other", "law/policies").stderr
    (repository / "law" / "policies" / "more.yaml").symlink_to("law.yaml")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "a link")
    done = run("HEAD", "HEAD~1:law/policies", "--policies", "law/policies")
    assert done.exit_code == 2
    assert "`law/policies/more.yaml` in" in done.stderr
    assert "is a symbolic link" in done.stderr


@pytest.mark.parametrize(("kind", "digits"), [("meaning", 64), ("source", 8)])
def test_a_digest_is_looked_for_in_the_history_of_the_policies(repository: Path, kind: str, digits: int) -> None:
    """A decision names its policies by digest, and a prefix of eight digits finds them."""
    old = engine.load_sources({f"policies/{name}": text.encode() for name, text in OLD.items()}).digests
    found = json.loads(run(getattr(old, kind)[:digits].upper(), "--policies", "law/policies", "main", "--json").stdout)
    assert found["old"] == {"meaning": old.meaning, "source": old.source}


def test_a_digest_of_the_policies_at_hand_needs_no_history(here: Path) -> None:
    """The folder itself is looked at first."""
    digest = engine.load(here / "new").digests.source
    assert "Both mean the same" in run(digest, "new").stdout


def test_a_digest_that_is_nowhere_is_said_with_where_it_was_looked_for(repository: Path) -> None:
    """Two folders, and the commits that touch the policies."""
    done = run("0123456789abcdef", "law/policies")
    assert done.exit_code == 2
    assert "no policies with the digest `0123456789abcdef` are in" in done.stderr
    assert "the last 2 commits that touch `law/policies`" in done.stderr


# Real exchanges


def exchange(people: object, **more: Any) -> dict[str, Any]:
    """An exchange from Aland to Celand."""
    return {
        "exporter": {"country": "AA"},
        "recipient": {"country": "CC"},
        "data": {"people": people, "kinds": ["report"]},
        **more,
    }


def test_exchanges_come_from_files_and_lines(here: Path) -> None:
    """One of a JSON file, one a line of JSON lines, under the day each names, else under the day given."""
    place = folder(here / "real", {"a.json": json.dumps(exchange(50_000)), "note.txt": "no exchange"})
    folder(place / "more", {"b.jsonl": "\n".join(json.dumps(exchange(n, as_of="2025-03-01")) for n in (5, 50_000)) + "\n\n"})
    found = json.loads(run("old", "new", "--exchanges", "real", "--as-of", "2024-02-01", "--json").stdout)
    assert found["tried"] == {"test": 7, "file": 3}
    assert [
        (move["exchange"]["name"], move["exchange"]["at"], move["exchange"]["as_of"], move["direction"])
        for move in found["moves"]
        if move["exchange"]["source"] == "file"
    ] == [
        ("a", "real/a.json", "2024-02-01", "permits more"),
        ("line 2", "real/more/b.jsonl:2", "2025-03-01", "permits more"),
    ]


@pytest.fixture
def log(here: Path) -> Path:
    """The log of a service that decided by OLD: three exchanges, of which one lost its personal value since."""
    settings = Settings(policies=here / "old", database=here / "log.db")
    service = Service.open(settings, say=log_lines.logger(StringIO()))
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        for number, people in enumerate((5, 50_000, 60_000)):
            sent = exchange(people, exporter={"id": f"person-{number}", "country": "AA"}, as_of="2024-06-01")
            answer = client.post("/v1/evaluate", json=sent)
            assert answer.status_code == 200, answer.text
        assert asyncio.run(service.store.erase(answer.json()["id"])) == 1
    return here / "log.db"


def test_the_requests_of_a_log_are_decided_again(here: Path, log: Path) -> None:
    """Each under the law of its day; an erased value is left out and counted, and no value is printed."""
    done = run("old", "new", "--log", "log.db", "--fail-on", "permits-more")
    assert done.exit_code == 1
    assert "Of 7 exchanges of tests and 3 exchanges of the log:" in done.stdout
    assert "(`log.db#1`, as of 2024-06-01): `a.law/art-1` no longer stands" in done.stdout
    assert "(`log.db#2`, as of 2024-06-01)" in done.stdout
    assert "Erased personal values of 1 record are left out." in done.stdout
    assert "person-" not in done.output


def test_a_log_is_read_while_a_service_writes_it(here: Path, log: Path) -> None:
    """Reading takes no lock and leaves the log as it was."""
    service = Service.open(Settings(policies=here / "old", database=log), say=log_lines.logger(StringIO()))
    try:
        assert json.loads(run("old", "new", "--log", log, "--json").stdout)["tried"]["log"] == 3
        assert asyncio.run(service.store.probe()) == 3
    finally:
        service.close()


@pytest.mark.parametrize(
    ("change", "fault"),
    [
        ("UPDATE record SET leaf = replace(leaf, '2024', '2025')", "the leaf does not have the stored hash"),
        (
            "UPDATE personal SET value = replace(value, '50000', '50001') WHERE pointer = 'request' AND sequence = 1",
            "the value of `request` does not open its commitment",
        ),
    ],
)
def test_a_record_that_was_changed_is_not_believed(here: Path, log: Path, change: str, fault: str) -> None:
    """It is listed with what is wrong, and not decided: whether the leaf was changed, or the request beside it."""
    with sqlite3.connect(log) as connection:
        connection.execute(change if "sequence" in change else f"{change} WHERE sequence = 1")
    connection.close()
    found = json.loads(run("old", "new", "--log", "log.db", "--json").stdout)
    assert found["tried"]["log"] == 2
    assert [(each["exchange"]["at"], each["problem"]) for each in found["unread"]] == [
        ("log.db#1", f"the record has a fault: {fault}")
    ]


def test_help_shows_an_example() -> None:
    """One line to copy."""
    done = subprocess.run(
        [sys.executable, "-m", "service.cli", "diff", "--help"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert "Example: fifthfactor diff" in done.stdout
