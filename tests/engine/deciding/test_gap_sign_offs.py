"""
A gap, a law that was not read and a reach may be signed off for one exchange, where it is certain what the data are (semantics 4.6).
"""

from __future__ import annotations

from typing import Any

import pytest

from engine.values.outcome_levels import Level
from tests.engine.deciding.ice import BY, DAY, SURE, approvals, gaps, judged, span, world

UNREAD = f"{{unread: the Krill Act, {SURE}}}"
FROM_BV: dict[str, Any] = {"exporter__country": "BV", "data__categories": []}


@pytest.mark.parametrize(
    ("cells", "facts", "name", "accepts"),
    [
        ("", {}, "gap/AQ/krill", "gap"),
        (f"krill: {UNREAD}", {}, "gap/AQ/krill", "gap"),
        ("", {"exporter__country": "BV", "data__people_in": ["BV"], "data__categories": ["whale"], "data__collected_in": []},
         "gap/BV/whale", "gap"),
        ("", FROM_BV, "reach/AQ/personal", "reach"),
    ],
)  # fmt: skip
def test_silent_law_is_signed_off_by_name(cells: str, facts: dict[str, Any], name: str, accepts: str) -> None:
    """It is a review with this name alone; signed, the exchange may go ahead, and the permit rests on the signature."""
    made = world(cells)
    before = judged(made, **facts)
    assert (span(before), before.signable, before.beneath.high) == ("review", (name,), Level.PERMITTED)
    after = judged(made, [name], **facts)
    assert (span(after), gaps(after)) == ("permitted", [])
    assert [(part.provision, part.accepts) for part in after.signed_off] == [(name, accepts)]
    for decider in made.deciders.values():
        rests_on = [each for each in decider.rests_on(after) if each.source == "signed"]
        assert [(each.fact, each.without) for each in rests_on] == [(name, Level.REVIEW)]


def test_the_decision_says_that_it_rests_on_a_signature() -> None:
    """Its document lists the signature under its name, and among what the permit rests on."""
    made = world("")
    found = made.deciders["checked"].write(
        judged(made).exchange, as_of=DAY, today=DAY, id="1", include=("rests_on",), signed=approvals("gap/AQ/krill")
    ).document()  # fmt: skip
    assert (found.proceed, found.outcome) == (True, "permitted")
    assert [(part.provision, part.sign_off, part.by) for part in found.signed_off or ()] == [
        ("gap/AQ/krill", "s-gap/AQ/krill", "counsel")
    ]
    assert "signed" in [each.source for each in found.rests_on or ()]


def test_a_signature_gives_the_floor_and_nothing_above_it() -> None:
    """What a law prohibits stays prohibited, whatever silence beside it was signed off."""
    made = world("")
    assert span(judged(made, ["gap/AQ/krill"], act__label="bar")) == "prohibited"
    assert span(judged(made, ["gap/AQ/krill"], act__label="plain")) == "permitted"


def test_a_country_of_which_nothing_was_read_is_signed_for_each_subject_matter() -> None:
    """One name for each subject matter of the data; while one is missing the review stays, with all of them it is a permit."""
    made = world("")
    home: dict[str, Any] = {"exporter__country": "HM", "data__people_in": ["HM"], "data__collected_in": ["HM"]}
    names = ("gap/HM/personal", "gap/HM/krill")
    before = judged(made, **home)
    assert (span(before), before.signable) == ("review", names)
    assert span(judged(made, names[:1], **home)) == "review"
    assert span(judged(made, names, **home)) == "permitted"


def test_one_signature_of_two_leaves_the_review_of_the_other() -> None:
    """Krill and whales are two gaps, and each is signed for by itself."""
    made, both = world(""), ["krill", "whale"]
    assert judged(made, data__categories=both).signable == ("gap/AQ/krill", "gap/AQ/whale")
    one = judged(made, ["gap/AQ/krill"], data__categories=both)
    assert (span(one), gaps(one)) == ("review", ["AQ/whale gap"])
    assert [part.provision for part in one.signed_off] == ["gap/AQ/krill"]
    assert span(judged(made, ["gap/AQ/krill", "gap/AQ/whale"], data__categories=both)) == "permitted"


@pytest.mark.parametrize(
    "facts",
    [
        {"data__categories": ["krill", "unknown"]},
        {"data__categories": "unknown"},
        {"data__categories": "left out"},
        {"data__personal": "unknown"},
        {"data__people_in": "unknown"},
        {"data__people_in": ["AQ", "unknown"]},
        {"exporter__country": "unknown"},
    ],
)
def test_nobody_signs_while_a_subject_matter_or_a_country_is_not_known(facts: dict[str, Any]) -> None:
    """A signature never takes the place of a missing fact: no name is offered, and one that is given counts for nothing."""
    made = world("")
    plain, signed = judged(made, **facts), judged(made, ["gap/AQ/krill"], **facts)
    assert plain.signable == ()
    assert (signed.outcome, signed.signed_off) == (plain.outcome, ())


def test_a_gap_that_depends_on_a_fact_is_not_signed_for() -> None:
    """While the end use may be peaceful, the gap only may be there."""
    made = world(f"krill: {{free: yes, when: {{purpose.end_use: civil}}, {SURE}}}")
    found = judged(made, ["gap/AQ/krill"])
    assert (span(found), found.signable, found.signed_off) == ("permitted to review", (), ())
    assert found.unsignable("gap/AQ/krill") == "possible"


def test_a_guarded_subject_has_no_name() -> None:
    """Of krill and a secret only the krill can be signed for, and the review stays."""
    made = world("")
    found = judged(made, ["gap/AQ/krill", "gap/AQ/secrets"], data__categories=["krill", "secret"])
    assert (span(found), found.signable, gaps(found)) == ("review", ("gap/AQ/krill",), ["AQ/secrets gap"])
    assert [part.provision for part in found.signed_off] == ["gap/AQ/krill"]


def test_a_reach_that_is_not_certain_has_no_name() -> None:
    """Where nobody knows where the data were collected, AQ's law only may reach them."""
    found = judged(world(""), ["reach/AQ/personal"], **{**FROM_BV, "data__collected_in": "unknown"})
    assert (found.signable, found.signed_off) == ((), ())
    assert found.outcome.bounds.high is Level.REVIEW


def test_a_signature_for_what_the_law_speaks_of_counts_for_nothing() -> None:
    """Where nothing is silent there is nothing to sign, and the decision tells of no signature."""
    found = judged(world(f"krill: {BY}"), ["gap/AQ/krill", "reach/AQ/krill"])
    assert (span(found), found.signed_off, found.signable) == ("permitted", (), ())
    assert found.unsignable("gap/AQ/krill") == "nothing"


def test_what_is_accepted_of_a_country_permits_nothing_elsewhere() -> None:
    """An acceptance gives a country its floor only where the exchange touches it."""
    house = (
        "organisation: acme\ntitle: Acme\naccepts:\n  - {id: ice, country: AQ, subjects: [krill, personal], by: counsel,"
        " because: the act was read, from: 2026-01-01, until: 2026-12-31}\n"
    )
    made = world("", house=house)
    assert judged(made).outcome.jurisdictions["AQ"].low is Level.PERMITTED
    far = {"exporter__country": "BV", "recipient__country": "HM", "data__people_in": ["BV"], "data__collected_in": ["BV"]}
    assert "AQ" not in judged(made, **far).outcome.jurisdictions
