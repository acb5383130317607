"""
Reads the bytes of an answer, or says why they cannot be read.

The reading is strict. A document is Malformed, whatever its `proceed` is, if its parts contradict each other, if a key occurs twice,
or if it does not have the promised shape. Members that a later version adds are accepted; renamed members are not.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from typing import Annotated, Any, Literal

from . import explanation as explained
from .answer_parts import Bounds, Gap, Outcome, Owed, Question, SignedOff, Unmet
from .errors import Malformed, Place, Refused
from .explanation import Explanation
from .reasons import Statement
from .reviews import Review
from .shapes import WHOLE, Named, member
from .shapes import read as shaped

SCHEMA = "fifthfactor/decision/2"
RECORD = "fifthfactor/record/3"
PERMITTING = ("permitted", "permitted_with_obligations")
OUTCOMES = (*PERMITTING, "not_applicable", "requirements_unmet", "review", "prohibited", "undetermined")

_PROBLEM = "urn:fifthfactor:problem:"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A recorded decision. Act on `proceed` and on nothing else.

    `sentence` says the answer in words. `questions` are the missing facts to find out next, `unmet` what is required and not shown, `owed`
    the duties, `gaps` the law that does not speak of the exchange, `signed_off` the approvals that counted, `rests_on` the statements
    of a permit to prove, and `also_rests_on` the names of the others. `more` counts for each list of the answer what it leaves out.
    `explanation` has the parts that were asked for. A permit may be used again until `keep_until`, None where not; `kept` says that the
    client gave it again without asking. `document` is the whole answer; `service/docs/evaluating.md` explains it.
    """

    proceed: bool
    outcome: Outcome
    id: str
    sentence: Annotated[str, Named("answer")] = field(repr=False)
    as_of: str
    bounds: Bounds = field(repr=False)
    questions: tuple[Question, ...] = field(repr=False)
    unmet: tuple[Unmet, ...] = field(repr=False)
    owed: tuple[Owed, ...] = field(repr=False)
    gaps: tuple[Gap, ...] = field(repr=False)
    signed_off: tuple[SignedOff, ...] = field(repr=False)
    rests_on: tuple[Statement, ...] = field(repr=False)
    also_rests_on: tuple[str, ...] = field(repr=False)
    more: Mapping[str, int] = field(repr=False, hash=False)
    explanation: Explanation | None = field(repr=False, compare=False)
    document: Annotated[Mapping[str, Any], WHOLE] = field(repr=False, compare=False)
    keep_until: datetime | None = field(default=None, repr=False, compare=False)
    kept: Annotated[bool, Named(None)] = field(default=False, compare=False)

    def __bool__(self) -> bool:
        """Raises TypeError: an answer object is there even for a refusal, so `if answer:` would permit everything."""
        raise TypeError("an answer is neither true nor false: use `.proceed`")


Stage = Literal["listed", "signed", "delivered", "settled"]
ReferenceKind = Literal["order", "contract", "invoice"]


@dataclass(frozen=True, slots=True)
class Committed:
    """
    A commitment of the ledger. `document` has the rest: its references, what it replaces, what it moved, and what became of it.

    `stage` is the last one that the exchange reached, None before the first; the days are in `stages` of `document`.
    """

    id: str
    decision: str
    state: Literal["committed", "withdrawn", "superseded"]
    document: Annotated[Mapping[str, Any], WHOLE] = field(repr=False, compare=False)
    stage: Stage | None = None


@dataclass(frozen=True, slots=True)
class Count:
    """
    A counted number, or a sum of money like `1200.00 CNY`: at least and at most so much. Without `at_most` it has no upper end.
    """

    at_least: Any
    at_most: Any = None


@dataclass(frozen=True, slots=True)
class CounterRead:
    """
    A counter of the ledger as of today, for the `per` that was asked for; `counts` has each of its facts.

    `complete`: the ledger has every exchange of the window. `recount`: policies have changed what it counts, and the ledger was not counted
    again. `document` has the rest: the window, the opening count, and of money the maximum of the period and what was carried into it.
    """

    counter: str
    counts: Mapping[str, Count]
    complete: bool
    recount: bool
    document: Annotated[Mapping[str, Any], WHOLE] = field(repr=False, compare=False)


def document(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises Malformed."""
    try:
        read = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):  # UnicodeDecodeError and JSONDecodeError are ValueErrors
        raise Malformed("the answer is not JSON") from None
    if not isinstance(read, dict):
        raise Malformed("the answer is not a JSON object")
    return read


def answer(read: Any) -> Answer:
    """A decision. Raises Malformed."""
    if not isinstance(read, dict) or read.get("schema") != SCHEMA:
        raise Malformed(f"the answer is not a `{SCHEMA}`")
    proceed, outcome, bounds, engine = (read.get(name) for name in ("proceed", "outcome", "bounds", "engine"))
    if not isinstance(proceed, bool) or outcome not in OUTCOMES or read.get("hypothetical") not in (True, False):
        raise Malformed("the answer has no readable `proceed`, `outcome` or `hypothetical`")
    places = read.get("jurisdictions")
    if not isinstance(bounds, dict) or not isinstance(engine, dict) or not isinstance(places, list):
        raise Malformed("the answer has no `bounds` or `jurisdictions`, or does not say which engines decided")
    permits = (
        outcome in PERMITTING
        and bounds.get("lowest") in PERMITTING
        and bounds.get("highest") in PERMITTING
        and read["hypothetical"] is False
        and engine.get("agreed") is True
        and all(map(_lets_pass, places))
        and not read.get("unmet")
    )
    if proceed and not permits:
        raise Malformed("the answer says `proceed`, but its other parts contradict this")
    parts = read.get("explanation")
    return Answer(
        proceed=proceed,
        outcome=outcome,
        id=_text(read, "id"),
        sentence=_text(read, "answer"),
        as_of=_text(read, "as_of"),
        bounds=shaped(Bounds, bounds, "bounds"),
        questions=member(read, "questions", tuple[Question, ...], ()),
        unmet=member(read, "unmet", tuple[Unmet, ...], ()),
        owed=member(read, "owed", tuple[Owed, ...], ()),
        gaps=member(read, "gaps", tuple[Gap, ...], ()),
        signed_off=member(read, "signed_off", tuple[SignedOff, ...] | None, None) or (),
        rests_on=member(read, "rests_on", tuple[Statement, ...] | None, None) or (),
        also_rests_on=member(read, "also_rests_on", tuple[str, ...] | None, None) or (),
        more=member(read, "more", Mapping[str, int], {}),
        explanation=None if parts is None else explanation(parts),
        document=read,
        keep_until=member(read, "keep_until", datetime | None, None),
    )


def _lets_pass(part: Any) -> bool:
    """Whether the part of one jurisdiction is consistent with a permit."""
    if not isinstance(part, dict):
        return False
    bounds = part.get("bounds", {})
    words = (part.get("outcome"), *((bounds.get("lowest"), bounds.get("highest")) if bounds else ()))
    return isinstance(bounds, dict) and all(word in (*PERMITTING, "not_applicable") for word in words)


def explanation(read: Any, verdict: Any = "same") -> Explanation:
    """An explanation; `verdict` is the header of its answer. Raises Malformed."""
    if not isinstance(read, dict) or read.get("schema") != explained.SCHEMA:
        raise Malformed(f"the explanation is not a `{explained.SCHEMA}`")
    if verdict not in ("same", "other"):
        raise Malformed("the explanation does not say whether it is of the recorded verdict")
    return replace(shaped(Explanation, read, "explanation"), verdict=verdict, document=read)


def record(read: Mapping[str, Any], id: str) -> Mapping[str, Any]:
    """The record of a decision. Raises Malformed."""
    found = read.get("record")
    if not isinstance(found, dict) or found.get("id") != id:
        raise Malformed("the answer is not the requested record")
    return found


def review(read: Mapping[str, Any], id: str) -> Review:
    """The review of a decision, from its record. Raises Malformed."""
    kept = record(read, id)
    if kept.get("schema") != RECORD:
        raise Malformed(f"the record is not a `{RECORD}`")
    decided = answer(kept.get("decision"))
    if decided.id != id:
        raise Malformed("the record has another decision")
    request = member(kept, "request", Mapping[str, Any])
    return Review(
        id=id,
        recorded_at=member(kept, "recorded_at", datetime),
        as_of=member(kept, "as_of", date),
        exporter_country=_country(request, "exporter"),
        recipient_country=_country(request, "recipient"),
        sentence=decided.sentence,
        beneath=member(decided.document, "beneath", Bounds, decided.bounds),
        provisions=member(kept, "signable", tuple[str, ...], ()),
        current=None,
        group=None,
    )


def batch(read: Any, sent: int) -> list[Answer | Refused]:
    """The results of a batch, one for each exchange that was sent. Raises Malformed."""
    results = read.get("results") if isinstance(read, dict) else None
    if not isinstance(results, list) or len(results) != sent:
        raise Malformed("the answer does not have a result for each exchange")
    found: list[Answer | Refused] = []
    for each in results:
        match each:
            case {"decision": decision} if len(each) == 1:
                found.append(answer(decision))
            case {"problem": dict(problem)} if len(each) == 1:
                found.append(refusal(problem, 0))
            case _:
                raise Malformed("a result is neither a decision nor a problem")
    ids = [each.id for each in found if isinstance(each, Answer)]
    if len(set(ids)) < len(ids):
        raise Malformed("the answer has one decision twice")
    return found


def refusal(problem: Mapping[str, Any], status: int) -> Refused:
    """A problem document. `status` is that of its answer, or 0 to take the document's own. Raises Malformed."""
    kind, own = problem.get("type"), problem.get("status")
    if not isinstance(kind, str) or type(own) is not int or (status and own != status):
        raise Malformed(f"the answer is not a problem document of status {status}")
    places = problem.get("errors") or ()
    if not isinstance(places, Sequence) or not all(isinstance(each, dict) for each in places):
        raise Malformed("the places of a problem document cannot be read")
    return Refused(
        own,
        kind.removeprefix(_PROBLEM),
        str(problem.get("title", "")),
        str(problem.get("detail", "")),
        str(problem.get("request_id", "")),
        tuple(Place(*(str(each.get(name, "")) for name in ("pointer", "code", "detail"))) for each in places),
    )


def _country(request: Mapping[str, Any], role: str) -> str | None:
    party = request.get(role)
    country = party.get("country") if isinstance(party, dict) else None
    return country if isinstance(country, str) else None


def _text(read: Mapping[str, Any], name: str) -> str:
    value = read.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"the answer has no `{name}`")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key occurs twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is not JSON")
