"""
From the bytes of an answer to what it says, or to the reason why it says nothing.

Read with suspicion: a document whose parts contradict each other, in which a key stands twice, or which is not quite of the shape
that is promised, is Malformed, whatever its `proceed` is. What a later version adds is let through; what it renames is not.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from service.client.errors import Malformed, Place, Refused

SCHEMA = "fifthfactor/decision/1"
PERMITTING = ("permitted", "permitted_with_obligations")
OUTCOMES = (*PERMITTING, "not_applicable", "requirements_unmet", "review", "prohibited", "undetermined")

_PROBLEM = "urn:fifthfactor:problem:"


@dataclass(frozen=True, slots=True)
class Answer:
    """
    A decision that is recorded. Act on `proceed` and nothing else.

    `sentence` is the same in words; `document` the whole decision, as `engine/README.md` explains it.
    """

    proceed: bool
    outcome: str
    id: str
    sentence: str = field(repr=False)
    as_of: str
    document: Mapping[str, Any] = field(repr=False, compare=False)

    def __bool__(self) -> bool:
        """Refused: an answer is there whatever it says, and `if answer:` would let everything through."""
        raise TypeError("an answer is neither true nor false: ask for `.proceed`")


@dataclass(frozen=True, slots=True)
class Committed:
    """An exchange that happens, as the ledger has it. `state`: committed, withdrawn or superseded."""

    id: str
    decision: str
    state: str
    document: Mapping[str, Any] = field(repr=False, compare=False)


def document(body: bytes) -> dict[str, Any]:
    """The JSON object in a body. Raises Malformed."""
    try:
        read = json.loads(body.decode("utf-8"), object_pairs_hook=_once, parse_constant=_no_number)
    except (ValueError, RecursionError):  # of which UnicodeDecodeError and JSONDecodeError are kinds
        raise Malformed("the answer is no JSON") from None
    if not isinstance(read, dict):
        raise Malformed("the answer is no JSON object")
    return read


def answer(read: Any) -> Answer:
    """A decision. Raises Malformed."""
    if not isinstance(read, dict) or read.get("schema") != SCHEMA:
        raise Malformed(f"the answer is no `{SCHEMA}`")
    proceed, outcome, bounds, engine = (read.get(name) for name in ("proceed", "outcome", "bounds", "engine"))
    if not isinstance(proceed, bool) or outcome not in OUTCOMES or read.get("hypothetical") not in (True, False):
        raise Malformed("the answer has no `proceed`, `outcome` or `hypothetical` that can be read")
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
    )
    if proceed and not permits:
        raise Malformed("the answer says `proceed`, and the rest of it says otherwise")
    return Answer(proceed, outcome, _text(read, "id"), _text(read, "answer"), _text(read, "as_of"), read)


def _lets_pass(part: Any) -> bool:
    """Whether what one jurisdiction says goes with a permit."""
    bounds = part.get("bounds") if isinstance(part, dict) else None
    if not isinstance(bounds, dict):
        return False
    return all(word in (*PERMITTING, "not_applicable") for word in (bounds.get("lowest"), bounds.get("highest")))


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
        raise Malformed("one decision stands twice in the answer")
    return found


def commitment(read: Any) -> Committed:
    """A commitment. Raises Malformed."""
    if not isinstance(read, dict) or read.get("state") not in ("committed", "withdrawn", "superseded"):
        raise Malformed("the answer is no commitment")
    return Committed(_text(read, "id"), _text(read, "decision"), read["state"], read)


def refusal(problem: Mapping[str, Any], status: int) -> Refused:
    """A problem document, by the status of the answer it came in, or its own where that is 0. Raises Malformed."""
    kind, own = problem.get("type"), problem.get("status")
    if not isinstance(kind, str) or type(own) is not int or (status and own != status):
        raise Malformed(f"the answer is no problem document of status {status}")
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


def _text(read: Mapping[str, Any], name: str) -> str:
    value = read.get(name)
    if not isinstance(value, str) or not value:
        raise Malformed(f"the answer has no `{name}`")
    return value


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) < len(pairs):
        raise ValueError("a key stands twice")
    return found


def _no_number(text: str) -> Any:
    raise ValueError(f"{text} is no JSON")
