"""
What is answered to an access request: a decision as AuthZEN wants it, with what is owed as obligations.

`decision` is what our decision calls `proceed`. Duties are obligations of the type `custom` (Obligations Profile, draft): those of an
exchange where it may happen, those that arise from a refusal where it may not. Where whoever asks says which types it can carry out,
and what is owed is of none of them, the decision is false: nobody may act on a permit whose obligations nobody carries out.
"""

from collections.abc import Mapping
from typing import Literal, Self

from pydantic import BaseModel, ConfigDict, Field

import engine
from service.authzen.requests import EntitySent
from service.problems import KINDS, RequestRefused

OBLIGATION = "custom"  # the one type of obligations that there are


class Owed(BaseModel):
    """A duty. `certain` is false where facts that are not known decide whether it is owed; `due` is its last day, where that is known."""

    model_config = ConfigDict(frozen=True, extra="ignore")

    duty: str
    who: str
    under: str = Field(description="the provision")
    citation: str | None = None
    due: str | None = None
    keep: str | None = Field(default=None, description="how long the proof is kept")
    certain: bool

    @classmethod
    def of(cls, duty: engine.DutyPart) -> Self:
        """A duty as the decision tells it; what it does not say is left out."""
        return cls(
            duty=duty.duty,
            who=duty.who,
            under=duty.under,
            citation=duty.citation or None,
            due=duty.due.isoformat() if duty.due else None,
            keep=duty.keep or None,
            certain=duty.certain,
        )


class Obligation(BaseModel):
    """What whoever acts on the decision must see to."""

    model_config = ConfigDict(frozen=True)

    id: str
    type: Literal["custom"] = "custom"
    properties: Owed


class Why(BaseModel):
    """Of which decision the answer is, and why; the keys of the reasons are statuses of HTTP."""

    model_config = ConfigDict(frozen=True)

    decision_id: str = Field(description="under which the record of the decision is kept")
    outcome: str
    reason_admin: dict[str, str] = Field(description="the outcome, and the rules that make it")
    reason_user: dict[str, str] = Field(description="the answer in a sentence")
    obligations: tuple[Obligation, ...] | None = None


class WhyNot(BaseModel):
    """Why nothing was decided, and therefore nothing is permitted."""

    model_config = ConfigDict(frozen=True)

    reason_admin: dict[str, str] | None = None
    reason_user: dict[str, str] | None = None
    error: dict[str, int | str] | None = Field(default=None, description="`status` and `message` of a malformed evaluation")


class AccessAnswer(BaseModel):
    """The answer to one evaluation."""

    model_config = ConfigDict(frozen=True)

    decision: bool
    context: Why | WhyNot


class AccessAnswers(BaseModel):
    """The answers to several evaluations, in their order; fewer where the semantic ends at one of them."""

    model_config = ConfigDict(frozen=True)

    evaluations: tuple[AccessAnswer, ...]


def denied(written: engine.Written, supported: frozenset[str] | None) -> str:
    """Why the answer is no to what may proceed: that nobody carries out what is owed; "" where it is not, or may not proceed anyway."""
    if carries_out(supported) or not written.proceed:
        return ""
    owed = any(duty.arises == "exchange" for duty in written.duties)
    return f"obligations of the type `{OBLIGATION}` are owed, and cannot be carried out" if owed else ""


def carries_out(supported: frozenset[str] | None) -> bool:
    """Whether whoever asks carries out what may be owed; `supported` are the types of obligations, None where nobody says."""
    return supported is None or OBLIGATION in supported


def answer(written: engine.Written, supported: frozenset[str] | None) -> AccessAnswer:
    """The answer that tells of a decision; `supported` are the types of obligations that can be carried out, None where nobody says."""
    arises = "exchange" if written.proceed else "refusal"
    owed = [duty for duty in written.duties if duty.arises == arises]
    obligations = tuple(Obligation(id=f"obl-{number}", properties=Owed.of(duty)) for number, duty in enumerate(owed, 1))
    unable = denied(written, supported)
    decision = written.proceed and not unable
    status = "200" if decision else "403"
    user = written.answer
    return AccessAnswer(
        decision=decision,
        context=Why(
            decision_id=written.id,
            outcome=written.outcome,
            reason_admin={status: unable or _admin(written)},
            reason_user={status: f"What is owed cannot be carried out. {user}" if unable else user},
            obligations=obligations or None,
        ),
    )


def not_named(reason: str) -> AccessAnswer:
    """The answer about a type or an action that the vocabulary has no word for."""
    context = WhyNot(reason_admin={"403": reason}, reason_user={"403": "The policies permit nothing of this kind."})
    return AccessAnswer(decision=False, context=context)


def malformed(refused: RequestRefused) -> AccessAnswer:
    """The answer in place of an evaluation that is refused, among others that are not."""
    return AccessAnswer(decision=False, context=WhyNot(error={"status": KINDS[refused.kind][0], "message": refused.detail}))


def entity(sent: EntitySent) -> Mapping[str, str]:
    """An entity in the results of a search."""
    return {"type": sent.type, "id": sent.id}


def _admin(written: engine.Written) -> str:
    """The outcome and the ids of what makes it."""
    against = [each.provision for each in written.carried if each.state in ("violated", "unknown")]
    said = (
        ("as of", [written.as_of.isoformat()] if written.hypothetical else []),
        ("by", written.named["provision"]),
        ("by what came with the data:", against),
        ("not met:", written.named["requirement"]),
        ("not known:", written.named["missing"]),
    )
    outcome = f"hypothetical: {written.outcome}" if written.hypothetical else written.outcome
    return "; ".join([outcome, *(f"{word} {', '.join(ids)}" for word, ids in said if ids)])
