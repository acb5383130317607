"""The planted changes: what permits more has a witness that both versions' engines confirm, and what permits nothing more is proven."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pytest

import engine
from engine.analysis import Example, OpenQuestion, OutcomeMoves, Proof
from engine.bundle import Bundle
from engine.decision import InstrumentPart
from tests.engine.analysis.planted import Edit, Planted, load, planted, sound
from tests.engine.backends.random_bundles import Maker

MORE, NOTHING_MORE, NOT_SHOWN = (
    planted("differences.yaml", key) for key in ("permit_more", "permit_nothing_more", "not_shown")
)


def sides(one: Planted) -> tuple[Bundle, Bundle]:
    """The bundles before and after a change."""
    both = engine.load_sources(sound(one.small), tests=False), load(one)
    return (both[1], both[0]) if one.said.get("backwards") else both


def witnessed(one: Planted) -> None:
    """A change that permits more: a witness of the pair that it names, decided by whole decision points of both bundles."""
    old, new = sides(one)
    moves = OutcomeMoves(old, new)
    assert not moves.proven
    found = [each for each in moves.permits_more if each.before == one.said["from"] and isinstance(each.answer, Example)]
    assert found
    for move in found:
        assert isinstance(move.answer, Example)
        exchange = dict(move.answer.exchange)
        if move.before == "refused":
            with pytest.raises(engine.ExchangeRefused):
                engine.accept_exchange(old, exchange)
        else:
            before = engine.PDP(old, "bitset").judge(engine.accept_exchange(old, exchange), as_of=move.answer.verdict.day)
            # An open outcome of which no fact can be asked is a review (4.5), and stays as open.
            assert before.own.bounds == move.old.outcome.bounds if move.old and move.old.outcome else False
        after = engine.PDP(new, "bitset").judge(engine.accept_exchange(new, exchange), as_of=move.answer.verdict.day)
        assert after.outcome.word == move.after
        assert after.outcome.permits


def proven(one: Planted) -> None:
    """A change that permits nothing more."""
    moves = OutcomeMoves(*sides(one))
    assert moves.proven
    assert all(isinstance(each.answer, Proof) for each in moves.permits_more)


def name(one: Planted) -> str:
    """How a change is called among the tests."""
    return one.id


@pytest.mark.parametrize("one", [each for each in MORE if each.small], ids=name)
def test_what_permits_more_has_a_witness(one: Planted) -> None:
    """In the small law."""
    witnessed(one)


@pytest.mark.parametrize("one", [each for each in NOTHING_MORE if each.small], ids=name)
def test_what_permits_nothing_more_is_proven(one: Planted) -> None:
    """In the small law."""
    proven(one)


def told(bundle: Bundle, exchange: Mapping[str, Any]) -> dict[str, InstrumentPart]:
    """The instruments that weigh in the decision on an exchange."""
    accepted = engine.accept_exchange(bundle, dict(exchange))
    assert accepted.as_of
    decision = engine.PDP(bundle, "bitset").decide(accepted, as_of=accepted.as_of, today=accepted.as_of, id="0")
    return {each.instrument: each for place in decision.jurisdictions for each in place.instruments}


CELAND_BANS = Planted("celand-bans", "small/cc.yaml", (Edit("allows: yes", "prohibit: Data stay."),), {})
GENOMES = next(each for each in MORE if each.id == "genomes-of-companies")


@pytest.mark.parametrize(
    ("one", "policy", "lenient"),
    [(GENOMES, "aa.exports", True), (CELAND_BANS, "cc.exports", False)],
    ids=["more lenient", "stricter"],
)
def test_a_change_moves_the_instrument_that_it_is_in_and_no_other(one: Planted, policy: str, lenient: bool) -> None:
    """In one direction, with an exchange whose decisions under both versions have it so; backwards it is the other direction."""
    old, new = sides(one)
    proof = engine.prove(old, new)
    (moved,) = proof.instruments
    assert (moved.instrument, proof.unmoved_instruments) == (policy, 2)
    assert (moved.more_lenient, moved.stricter) == (("witness", "proof") if lenient else ("proof", "witness"))
    assert moved.exchange is not None
    before, after = (told(side, moved.exchange) for side in (old, new))
    assert before[policy].bounds == moved.old != moved.new == after[policy].bounds
    assert all(before[name] == after[name] for name in before if name != policy)
    (back,) = engine.prove(new, old).instruments
    assert (back.more_lenient, back.stricter) == (moved.stricter, moved.more_lenient)


@pytest.mark.parametrize("id", ["another-order", "more-people-than-held"])
def test_what_changes_no_instrument_moves_none(id: str) -> None:
    """Two rules in another order, and what only the door refused: three instruments are proven to stay."""
    proof = engine.prove(*sides(next(each for each in (*MORE, *NOTHING_MORE) if each.id == id)))
    assert (proof.instruments, proof.unmoved_instruments) == ((), 3)


@pytest.mark.fuzz
@pytest.mark.parametrize("one", [each for each in MORE if not each.small], ids=name)
def test_what_permits_more_in_the_law_has_a_witness(one: Planted) -> None:
    """In the bundled policies, of which two versions take some ten seconds."""
    witnessed(one)


@pytest.mark.fuzz
@pytest.mark.parametrize("one", [each for each in NOTHING_MORE if not each.small], ids=name)
def test_what_permits_nothing_more_in_the_law_is_proven(one: Planted) -> None:
    """In the bundled policies."""
    proven(one)


@pytest.mark.fuzz
@pytest.mark.parametrize("one", NOT_SHOWN, ids=name)
def test_what_a_calendar_decides_is_not_shown(one: Planted) -> None:
    """Between a doubtful ground and none, which permits nothing; so that much is proven."""
    moves = OutcomeMoves(*sides(one))
    assert not all(isinstance(each.answer, Proof) for each in moves.others)
    assert moves.proven


def test_two_bundles_of_one_meaning_are_proven_at_once() -> None:
    """No formula is made, and no jurisdiction moves."""
    sources = sound(small=True)
    commented = {file: b"# as before\n" + data for file, data in sources.items()}
    moves = OutcomeMoves(*(engine.load_sources(each, tests=False) for each in (sources, commented)))
    assert moves.same
    assert moves.proven
    assert moves.moving == ()
    assert moves.instruments == ()
    assert "_sides" not in vars(moves)


HOUSE = {
    "house/house.yaml": b"organisation: house\ntitle: House\n",
    "house/words.yaml": b"vocabulary: house\n\njurisdictions:\n  HOUSE: {title: the house}\n\nevidence:\n  check: {title: check}\n",
    "house/rules.yaml": b"""policy: house.rules
title: Rules of the house
jurisdiction: HOUSE
instrument: {issuer: the house, force: contract}
in_force: {from: 2020-01-01}
applies: always

rules:
  - id: no-finance
    title: Data on finance stay
    cite: Rule 1
    says: Data on finance stay.
    source: the house
    status: confirmed
    when:
      data.categories: {has: finance}
    unless:
      - evidence: {has: check}
    prohibit: Data on finance stay.
""",
}


def test_an_organisation_beside_the_law_is_proven_to_be_stricter_only() -> None:
    """Its ban permits nothing more, and a kind of document that only it knows is no other law's word."""
    law = sound(small=True)
    moves = OutcomeMoves(*(engine.load_sources(each, tests=False) for each in (law, law | HOUSE)))
    assert moves.proven
    assert moves.moving == ("HOUSE",)
    assert [each for each in moves.others if isinstance(each.answer, Example) and each.after == "prohibited"]


def test_an_acceptance_that_makes_the_law_laxer_is_named() -> None:
    """Of random bundles with an organisation that accepts something: each witness rests on it."""
    found: list[bool] = []
    for seed in (6, 12):
        bundle = Maker(seed).bundle()
        law = {file: data for file, data in bundle.sources.items() if file != "ours.yaml"}
        moves = OutcomeMoves(engine.load_sources(law, bundle.settings), bundle)
        shown = [each for each in moves.permits_more if isinstance(each.answer, Example)]
        assert all(each.accepted == ("ours/one",) for each in shown)
        assert moves.proven or shown
        found.append(moves.proven)
    assert set(found) == {True, False}


def test_what_no_formula_has_is_not_proven() -> None:
    """What must be shown decides exchanges beside the law: where that differs, nothing is proven."""
    sources = sound(small=True)
    house = b"organisation: house\ntitle: House\nmust_be_shown: [evidence.contract]\n"
    old, new = (engine.load_sources(each, tests=False) for each in (sources, sources | {"house/house.yaml": house}))
    moves = OutcomeMoves(old, new)
    assert moves.beside == ("what must be shown",)
    assert not moves.proven
    assert {each.policy for each in moves.instruments} == {"aa.exports", "bb.exports", "cc.exports"}
    assert all(isinstance(each.stricter, OpenQuestion) for each in moves.instruments)
