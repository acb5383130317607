"""
What is proven of a difference between two bundles, as a document: of each pair of outcomes a witness, a proof of none, or neither.

In: two bundles. Out: a DifferenceProof, permits that are new first. `analysis.outcome_moves` asks; nothing here knows a solver.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from engine.analysis import Example, InstrumentMove, OpenQuestion, OutcomeMoves, OutcomePair, Proof, ProofAnswer
from engine.bundle import Bundle
from engine.decision import BoundsPart, Outcome, Part
from engine.values.outcome_levels import Bounds

Answer = Literal["proof", "witness", "open"]
Side = Outcome | Literal["refused", "perhaps"]


class MovedPlacePart(Part):
    """The bounds of a jurisdiction under the old policies and under the new ones."""

    old: BoundsPart
    new: BoundsPart


class ProvenPairPart(Part):
    """
    A pair of outcomes, and what is known of it.

    `answer` is `proof` where no exchange moves so, complete or not; `witness` where `exchange` does: it goes into `evaluate` as it is, and
    the engines of both bundles decided it so; `open` where neither is shown. `jurisdictions` are those whose bounds move in the witness,
    `provisions` those that stand otherwise in it, and `accepted` what an organisation accepts on which it rests. A pair from and to
    `perhaps` is of exchanges that were certainly refused, and of which a permit now lies within the bounds.
    """

    old: Side
    new: Side
    permits_more: bool
    answer: Answer
    exchange: Mapping[str, Any] | None = None
    jurisdictions: dict[str, MovedPlacePart] = Field(default_factory=dict)
    provisions: tuple[str, ...] = ()
    accepted: tuple[str, ...] = ()


class MovedInstrumentPart(Part):
    """
    An instrument that may be more lenient or stricter by itself, or both.

    `more_lenient` and `stricter` are `proof` where no exchange that both sides accept moves so, complete or not; `witness` where the
    engines of both bundles decided one so; `open` where neither is shown. `exchange` is the witness, of the more lenient direction where
    there is one, and `old` and `new` are the bounds of the instrument in it.
    """

    instrument: str
    jurisdiction: str
    more_lenient: Answer
    stricter: Answer
    exchange: Mapping[str, Any] | None = None
    old: BoundsPart | None = None
    new: BoundsPart | None = None


class DifferenceProof(Part):
    """
    What is proven of a difference.

    `nothing_more` says that no exchange is permitted, or may perhaps be, that was not and could not be. `pairs` are all pairs of outcomes
    that are not proven to be empty, those that permit more first. `moving` are the jurisdictions whose outcome may move; of all others it
    is proven that it does not. `instruments` are those that may be more lenient or stricter by themselves, in this order; so many
    others, `unmoved_instruments`, are proven to be neither. `beside` names what decides exchanges, differs, and is in no formula: while it
    does, nothing is proven.
    """

    nothing_more: bool
    pairs: tuple[ProvenPairPart, ...]
    moving: tuple[str, ...]
    instruments: tuple[MovedInstrumentPart, ...] = ()
    unmoved_instruments: int = 0
    beside: tuple[str, ...] = ()


def prove(old: Bundle, new: Bundle) -> DifferenceProof:
    """What is proven of the difference between two bundles. Raises SolverMissing where the extra `analyse` is not installed."""
    moves = OutcomeMoves(old, new)
    pairs = [each for each in (*moves.permits_more, *moves.others) if not isinstance(each.answer, Proof)]
    return DifferenceProof(
        nothing_more=moves.proven,
        pairs=tuple(map(_pair, pairs)),
        moving=moves.moving,
        instruments=tuple(map(_instrument, moves.instruments)),
        unmoved_instruments=len(moves.policies) - len(moves.instruments),
        beside=moves.beside,
    )


def moving(old: Bundle, new: Bundle) -> tuple[str, ...] | None:
    """
    The jurisdictions whose outcome may move; of all others it is proven that it does not. None where nothing is proven.

    Raises SolverMissing where the extra `analyse` is not installed.
    """
    moves = OutcomeMoves(old, new)
    return None if moves.beside else moves.moving


def _pair(pair: OutcomePair) -> ProvenPairPart:
    shown = pair.answer if isinstance(pair.answer, Example) else None
    return ProvenPairPart(
        old=pair.before,
        new=pair.after,
        permits_more=pair.permits_more,
        answer=_answer(pair.answer),
        exchange=dict(shown.exchange) if shown else None,
        jurisdictions={name: MovedPlacePart(old=_bounds(one), new=_bounds(two)) for name, (one, two) in pair.places.items()},
        provisions=pair.provisions,
        accepted=pair.accepted,
    )


def _instrument(move: InstrumentMove) -> MovedInstrumentPart:
    old, new = map(_bounds, move.bounds) if move.bounds else (None, None)
    return MovedInstrumentPart(
        instrument=move.policy,
        jurisdiction=move.jurisdiction,
        more_lenient=_answer(move.more_lenient),
        stricter=_answer(move.stricter),
        exchange=dict(move.witness.exchange) if move.witness else None,
        old=old,
        new=new,
    )


def _answer(answer: ProofAnswer) -> Answer:
    return "witness" if isinstance(answer, Example) else "open" if isinstance(answer, OpenQuestion) else "proof"


def _bounds(bounds: Bounds) -> BoundsPart:
    return BoundsPart(lowest=bounds.low.word, highest=bounds.high.word)
