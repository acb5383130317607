"""
Answers to access requests: a decision in AuthZEN's form, with duties as obligations.

`decision` is the `proceed` of a Fifth Factor decision. Duties are obligations of the type `custom` (Obligations Profile, draft): the
duties of the exchange if it may happen, or those that arise from a refusal. If the caller lists the types that it can carry out, and
the type of the duties is not in the list, the decision is false: a permit needs a caller that carries out its obligations.
"""

from collections.abc import Mapping
from datetime import datetime
from typing import Literal, Self

from pydantic import BaseModel, Field

import engine
from service.authzen.access_requests import REASON, Requestable, expires
from service.authzen.requests import RequestedEntity
from service.problems import KINDS, RequestRefused

REVIEW = "review"
OBLIGATION = "custom"  # the only type of obligations


class Owed(BaseModel, frozen=True, extra="ignore"):
    """A duty. `certain` is false where unknown facts decide whether it is owed. `due` is its last day, if that is known."""

    duty: str
    who: str
    under: str = Field(description="the provision that makes the duty")
    citation: str | None = None
    due: str | None = None
    keep: str | None = Field(default=None, description="how long the proof is kept")
    certain: bool

    @classmethod
    def of(cls, duty: engine.DutyPart) -> Self:
        """A duty of the decision; members without a value are left out."""
        return cls(
            duty=duty.duty,
            who=duty.who,
            under=duty.under,
            citation=duty.citation or None,
            due=duty.due.isoformat() if duty.due else None,
            keep=duty.keep or None,
            certain=duty.certain,
        )


class Obligation(BaseModel, frozen=True):
    """A duty that the caller must carry out when it acts on the decision."""

    id: str
    type: Literal["custom"] = "custom"
    properties: Owed


class StatementToProve(BaseModel, frozen=True):
    """A statement on which a permit rests, where it is from, and the worst outcome that may come without it alone."""

    fact: str
    source: str
    without: str

    @classmethod
    def of(cls, statement: engine.Statement) -> Self:
        """A statement of the answer."""
        return cls(fact=statement.fact, source=statement.source, without=statement.without.word)


class Why(BaseModel, frozen=True):
    """The decision behind the answer, and its reasons. The keys of the reasons are HTTP statuses."""

    decision_id: str = Field(description="the id of the recorded decision")
    outcome: str
    reason_admin: dict[str, str] = Field(description="the outcome, and the provisions that lead to it")
    reason_user: dict[str, str] = Field(description="the answer in a sentence")
    obligations: tuple[Obligation, ...] | None = None
    rests_on: tuple[StatementToProve, ...] | None = Field(
        default=None, description="of a permit, the statements to prove, those first that a reader would want proven"
    )
    also_rests_on: tuple[str, ...] | None = Field(
        default=None, description="the names of the statements that `rests_on` leaves out, as many as there is room for"
    )
    more: dict[str, int] | None = Field(
        default=None, description="how many statements each list leaves out, and how many ordinary facts the permit rests on"
    )
    evaluation_id: str | None = Field(
        default=None, description="the id of the recorded decision, where its review can be asked for"
    )
    evaluated_at: datetime | None = None
    reason: str | None = Field(default=None, description="`approval_required` where a person may lift the denial")
    access_request: Requestable | None = Field(default=None, description="only where a person may lift the denial")
    ignored: tuple[str, ...] | None = Field(
        default=None, description="JSON Pointers to attributes of the request that state nothing"
    )


class WhyNot(BaseModel, frozen=True):
    """The reason why nothing was decided, and so nothing is permitted."""

    reason_admin: dict[str, str] | None = None
    reason_user: dict[str, str] | None = None
    error: dict[str, int | str] | None = Field(default=None, description="`status` and `message` of a malformed evaluation")


class OwedOnly(BaseModel, frozen=True):
    """What is owed, where an answer to several evaluations does not say why."""

    obligations: tuple[Obligation, ...]


class AccessAnswer(BaseModel, frozen=True):
    """The answer to one evaluation. Among several, `context` is there only if the settings ask for it, something is owed, or it failed."""

    decision: bool
    context: Why | WhyNot | OwedOnly | None = None

    def without_reasons(self) -> Self:
        """The same answer without its reasons, so that equal questions have equal answers. Nothing that is owed is lost, and no error."""
        match self.context:
            case Why(obligations=tuple(owed)):
                return self.model_copy(update={"context": OwedOnly(obligations=owed)})
            case WhyNot(error=dict()):
                return self
        return self.model_copy(update={"context": None})


class AccessAnswers(BaseModel, frozen=True):
    """The answers to several evaluations, in their order. There are fewer if the semantic stops at one of them."""

    evaluations: tuple[AccessAnswer, ...]


def why_denied(written: engine.WrittenDecision, supported: frozenset[str] | None) -> str:
    """Why an exchange that may proceed is answered with no: the caller cannot carry out its obligations. Empty where this is not so."""
    if carries_out(supported) or not written.proceed:
        return ""
    owed = any(duty.arises == "exchange" for duty in written.duties)
    return f"obligations of the type `{OBLIGATION}` are owed, and the caller cannot carry them out" if owed else ""


def carries_out(supported: frozenset[str] | None) -> bool:
    """Whether the caller carries out obligations. `supported` are its types of obligations; None where it does not say."""
    return supported is None or OBLIGATION in supported


def answer(written: engine.WrittenDecision, supported: frozenset[str] | None, ignored: tuple[str, ...] = ()) -> AccessAnswer:
    """
    The answer for a decision. `supported` are the types of obligations that the caller can carry out; None where it does not say.

    `ignored` are pointers to attributes of the request that state nothing.
    """
    arises = "exchange" if written.proceed else "refusal"
    owed = [duty for duty in written.duties if duty.arises == arises]
    obligations = tuple(Obligation(id=f"obl-{number}", properties=Owed.of(duty)) for number, duty in enumerate(owed, 1))
    unable = why_denied(written, supported)
    decision = written.proceed and not unable
    status = "200" if decision else "403"
    user = written.answer
    return AccessAnswer(
        decision=decision,
        context=Why(
            decision_id=written.id,
            outcome=written.outcome,
            reason_admin={status: unable or _admin(written)},
            reason_user={status: f"The caller cannot carry out the obligations. {user}" if unable else user},
            obligations=obligations or None,
            ignored=ignored or None,
            rests_on=tuple(map(StatementToProve.of, written.rests_on)) or None,
            also_rests_on=written.also_rests_on or None,
            more=dict(written.further) or None,
        ),
    )


def requestable(answered: AccessAnswer, written: engine.WrittenDecision, now: datetime, endpoint: str) -> AccessAnswer:
    """The same answer, with where a review of it can be asked for if a person may lift the denial."""
    if answered.decision or written.outcome != REVIEW or not written.signable or not isinstance(answered.context, Why):
        return answered
    more = {
        "evaluation_id": written.id,
        "evaluated_at": now.replace(microsecond=0),
        "reason": REASON,
        "access_request": Requestable(endpoint=endpoint, expires_at=expires(now)),
    }
    return answered.model_copy(update={"context": answered.context.model_copy(update=more)})


def not_named(reason: str) -> AccessAnswer:
    """The answer about a type or an action that the vocabulary does not have."""
    context = WhyNot(reason_admin={"403": reason}, reason_user={"403": "The policies permit nothing of this kind."})
    return AccessAnswer(decision=False, context=context)


def malformed(refused: RequestRefused) -> AccessAnswer:
    """The answer to a malformed evaluation among several."""
    return AccessAnswer(decision=False, context=WhyNot(error={"status": KINDS[refused.kind][0], "message": refused.detail}))


def entity(sent: RequestedEntity) -> Mapping[str, str]:
    """An entity in the results of a search."""
    return {"type": sent.type, "id": sent.id}


def _admin(written: engine.WrittenDecision) -> str:
    """The outcome, and the ids of the provisions that lead to it."""
    against = [each.provision for each in written.carried if each.state in ("violated", "unknown")]
    said = (
        ("as of", [written.as_of.isoformat()] if written.hypothetical else []),
        ("by", written.named["provision"]),
        ("by conditions that came with the data:", against),
        ("not met:", written.named["requirement"]),
        ("not known:", written.named["missing"]),
        ("stated otherwise than registered:", [part.fact for part in written.disputed]),
    )
    outcome = f"hypothetical: {written.outcome}" if written.hypothetical else written.outcome
    return "; ".join([outcome, *(f"{word} {', '.join(ids)}" for word, ids in said if ids)])
