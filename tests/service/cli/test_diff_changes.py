"""`fifthfactor diff`: what two bundles differ in, said in words."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.cli.differing_bundles import LAW, OLD, WORDS, difference, folder, run

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


GATEWAY = """mapping: gateway
door: opa
title: a gateway
operation: /operation
facts: {/from: exporter.country}
operations:
  read: {decided: {}}
"""


def test_a_mapping_that_reads_otherwise_may_permit_more(here: Path) -> None:
    """No exchange comes out otherwise, and a request that was decided is allowed: the report says so, and the change does not pass."""
    folder(here / "mapped", {**OLD, "gateway.yaml": GATEWAY})
    folder(here / "laxer", {**OLD, "gateway.yaml": GATEWAY.replace("{decided: {}}", "{moves_no_data: it only reads}")})
    folder(here / "titled", {**OLD, "gateway.yaml": GATEWAY.replace("a gateway", "our gateway")})
    done = run("mapped", "laxer", "--fail-on", "permits-more", "--proof-only")
    assert done.exit_code == 1, done.output
    assert "Nothing more is permitted" in done.stdout
    assert "**Requests of programs are read otherwise" in done.stdout
    assert "- mapping `gateway`" in done.stdout
    worded = run("mapped", "titled", "--fail-on", "permits-more", "--proof-only")
    assert worded.exit_code == 0, worded.output
    assert "read otherwise" not in worded.stdout
