"""
To what a signature is bound: which later exchanges it still holds for (semantics 4.6).
"""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from engine.authoring.testing import build
from engine.bundle import load
from engine.deciding.sign_off_binding import anchor_of, still_holds
from engine.deciding.sign_off_scope import facts_digest, meaning_of
from tests.engine.deciding.ice import BASE, BY, SURE, rule, world

SIGNED = "aq.law/watch"
GAP = "gap/AQ/krill"
RULES = rule("watch", "when: {act.label: watch}, unless: [{evidence: {has: report}}], review: look at it")
RULES += rule("hurried", "when: {act.hurry: yes}, exempts: [watch]")
WORLD = world(f"krill: {{free: yes, when: {{purpose.end_use: civil}}, {SURE}}}, whale: {BY}", RULES)
SHOWN = {"dated": "2026-06-01", "covers": "yes"}
THEN = {"act.label": "watch", "data.people": {"at_least": "10", "at_most": "100"}, "data.categories": ["krill", "whale"]}
LEFT_OUT = dict.fromkeys(("act.hurry", "act.sealed", "data.collected_in"), "left out")


def sent(**facts: Any) -> dict[str, Any]:
    """What was sent of an exchange, as JSON; `__` in a fact's name is a dot."""
    flat = {**BASE, **LEFT_OUT, **THEN, **{name.replace("__", "."): value for name, value in facts.items()}}
    return dict(build(WORLD.bundle, flat).document)


def holds(name: str = SIGNED, **facts: Any) -> bool:
    """Whether a signature for what was sent first holds for it with some other facts."""
    return still_holds(WORLD.bundle, sent(), sent(**facts), name)


@pytest.mark.parametrize("name", [SIGNED, GAP])
def test_what_comes_later_and_is_not_read_leaves_it_standing(name: str) -> None:
    """A document that the provision does not read, an answer to another question, another day; and nothing at all."""
    assert holds(name)
    assert holds(name, evidence__permit=SHOWN)
    assert holds(name, act__sealed="yes")
    assert holds(name, as_of="2026-06-16")
    assert anchor_of(WORLD.bundle, sent()) == anchor_of(WORLD.bundle, sent(evidence__permit=SHOWN, act__sealed="yes"))


@pytest.mark.parametrize(
    "facts",
    [
        {"recipient__id": "another"},
        {"exporter__id": "another"},
        {"recipient__country": "HM"},
        {"exporter__country": "BV"},
        {"data__people_in": ["AQ", "BV"]},
        {"data__collected_in": ["AQ"]},
        {"purpose__code": "trade"},
        {"recipient": "the public"},
    ],
)
@pytest.mark.parametrize("name", [SIGNED, GAP])
def test_another_party_country_or_purpose_voids_it(name: str, facts: dict[str, Any]) -> None:
    """Each of them, even where nothing was said of it then; and such an exchange is not even looked for."""
    assert not holds(name, **facts)
    assert anchor_of(WORLD.bundle, sent()) != anchor_of(WORLD.bundle, sent(**facts))


def test_a_signature_for_the_public_is_for_nobody_alone() -> None:
    """Worldwide is the same; a recipient that was left out then was not the public."""
    public, worldwide = sent(recipient="the public"), sent(recipient="worldwide")
    nobody = {name: value for name, value in sent().items() if name != "recipient"}
    for name in (SIGNED, GAP):
        assert still_holds(WORLD.bundle, public, worldwide, name)
        assert not still_holds(WORLD.bundle, public, sent(), name)
        assert not still_holds(WORLD.bundle, nobody, public, name)
    assert anchor_of(WORLD.bundle, public) == anchor_of(WORLD.bundle, worldwide)
    assert anchor_of(WORLD.bundle, public) != anchor_of(WORLD.bundle, nobody)


@pytest.mark.parametrize(
    ("people", "still"),
    [
        ({"at_least": "10", "at_most": "100"}, True),
        ({"at_least": "20", "at_most": "50"}, True),
        ("10", True),
        ("100", True),
        ("9", False),
        ("101", False),
        ({"at_least": "10"}, False),
        ({"at_most": "100"}, False),
        ({"at_least": "10", "at_most": "101"}, False),
        ({"at_least": "9", "at_most": "100"}, False),
        ("unknown", False),
        ("left out", False),
    ],
)
@pytest.mark.parametrize("name", [SIGNED, GAP])
def test_a_range_may_only_narrow(name: str, people: Any, still: bool) -> None:
    """A number within the range that was signed for holds, a wider range does not; the anchor is the same, so that it is looked for."""
    assert holds(name, data__people=people) is still
    assert anchor_of(WORLD.bundle, sent()) == anchor_of(WORLD.bundle, sent(data__people=people))


def test_a_number_of_people_that_comes_later_voids_it() -> None:
    """Who signed without one has signed for no number; a range without an end narrows to one with."""
    none, some = sent(data__people="left out"), sent(data__people="50")
    assert not still_holds(WORLD.bundle, none, some, SIGNED)
    open_ = sent(data__people={"at_least": "10"})
    assert still_holds(WORLD.bundle, open_, some, SIGNED)
    assert not still_holds(WORLD.bundle, some, open_, SIGNED)
    assert not still_holds(WORLD.bundle, some, sent(data__people="51"), SIGNED)


@pytest.mark.parametrize("facts", [{"evidence__report": SHOWN}, {"act__hurry": "no"}, {"act__hurry": "yes"}])
def test_what_the_provision_or_its_exempter_reads_voids_it_when_it_comes(facts: dict[str, Any]) -> None:
    """A report that its exception asks for, or the hurry that would exempt from it; a gap reads neither."""
    assert not holds(SIGNED, **facts)
    assert holds(GAP, **facts)


def test_what_the_cell_reads_voids_a_signature_for_the_gap() -> None:
    """The end use, on which the freedom of krill depends, is nothing to the provision."""
    assert not holds(GAP, purpose__end_use="military")
    assert holds(SIGNED, purpose__end_use="military")
    assert holds("gap/AQ/whale", purpose__end_use="military")


@pytest.mark.parametrize("facts", [{"act__label": "plain"}, {"act__label": "left out"}, {"data__categories": ["krill"]}])
@pytest.mark.parametrize("name", [SIGNED, GAP])
def test_a_fact_that_was_sent_is_sent_again(name: str, facts: dict[str, Any]) -> None:
    """Changed or left out, it voids the signature, whoever reads it."""
    assert not holds(name, **facts)


def test_what_was_unknown_then_was_not_said() -> None:
    """That somebody says it is unknown is as if she said nothing, then and now."""
    assert holds(act__hurry="unknown")
    assert still_holds(WORLD.bundle, sent(act__sealed="unknown"), sent(act__sealed="yes"), SIGNED)
    assert not still_holds(WORLD.bundle, sent(act__sealed="yes"), sent(act__sealed="unknown"), SIGNED)


def test_the_order_of_a_list_does_not_matter() -> None:
    """The same categories and countries in another order are the same."""
    assert holds(data__categories=["whale", "krill"])
    both, turned = sent(data__people_in=["AQ", "BV"]), sent(data__people_in=["BV", "AQ"])
    assert still_holds(WORLD.bundle, both, turned, SIGNED)
    assert anchor_of(WORLD.bundle, both) == anchor_of(WORLD.bundle, turned)


def test_a_document_that_was_sent_stays_as_it_was() -> None:
    """One that changes or goes voids the signature, although the provision does not read it."""
    with_it = sent(evidence__permit=SHOWN)
    assert still_holds(WORLD.bundle, with_it, with_it, SIGNED)
    assert not still_holds(WORLD.bundle, with_it, sent(), SIGNED)
    assert not still_holds(WORLD.bundle, with_it, sent(evidence__permit={**SHOWN, "dated": "2026-06-02"}), SIGNED)


def test_a_page_of_a_book_binds_what_reads_it_and_never_by_its_day() -> None:
    """A signature holds on another day. What the book says meanwhile ends only a signature under a provision that reads the book."""
    bundle = load(Path(__file__).parents[2] / "service" / "ledger" / "rights")
    page = {"on": "2026-06-01", "given": [{"id": "c-1", "purposes": ["research"]}]}
    sent = {"exporter": {"id": "clinic"}, "data": {"id": "scans"}, "books": {"data-rights": page}}
    other_day = {**sent, "books": {"data-rights": {**page, "on": "2026-06-08"}}}
    granted = {**sent, "books": {"data-rights": {"on": "2026-06-08", "given": [*page["given"], {"id": "c-2"}]}}}
    assert facts_digest(bundle, sent) == facts_digest(bundle, other_day) != facts_digest(bundle, granted)
    assert anchor_of(bundle, sent) == anchor_of(bundle, granted)
    assert still_holds(bundle, sent, other_day, "cn.rights/encumbered")
    assert not still_holds(bundle, sent, granted, "cn.rights/encumbered")
    assert still_holds(bundle, sent, granted, "cn.rights/of-nothing-in-the-book")


def test_law_that_is_loaded_later_is_another_meaning() -> None:
    """A cell, another cell of its kind or a law that speaks changes what was signed for; a cell of another subject matter does not."""
    unread = f"{{unread: the Krill Act, {SURE}}}"
    read = [
        f"krill: {unread}",
        f"krill: {unread.replace('all of it', 'half of it')}",
        f"krill: {BY}",
        f"krill: {{under: personal, {SURE}}}",
    ]
    meanings = [meaning_of(world(each).bundle, GAP) for each in ("", *read)]
    assert len({*meanings}) == len(meanings)
    assert None not in meanings
    assert meaning_of(world(f"whale: {BY}").bundle, GAP) == meanings[0]
    assert meaning_of(world("").bundle, "gap/HM/krill") == meaning_of(world(f"krill: {BY}").bundle, "gap/HM/krill")
    assert meaning_of(world("").bundle, "gap/XX/krill") is meaning_of(world("").bundle, "gap/AQ/moss") is None
