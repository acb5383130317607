"""
Requests for the review of a denied access evaluation, and what has become of them.

The base of the AuthZEN Access Request and Approval Profile, draft 1 of 2026: a denial that a person may lift says so in its context. The
caller asks for a review of it by its `evaluation_id`, and polls the task. There are no callbacks, no bulk requests and no signed tokens:
the decision point and the access request service share their state. A task follows the review of the same facts, as the queue has it. An
approval is no permit: the caller evaluates again. Nothing of the profile's shape is in the log, whose leaf has who asked, and why.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Literal

from pydantic import BaseModel, Field

from service.languages.visible_text import is_plain
from service.limits import DENIAL_HOURS, JUSTIFICATION_CHARACTERS, TASK_DAYS
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused
from service.reviews import standing_sign_off
from service.reviews.standing_sign_off import Row

CAPABILITY = "urn:openid:authzen:capability:access-request"
PATH = "/access/v1/requests"
REASON = "approval_required"

Status = Literal["pending", "approved", "denied", "expired"]


class Requestable(BaseModel, frozen=True):
    """That a person may lift the denial: where to ask for it, and until when."""

    endpoint: str
    expires_at: datetime


class Task(BaseModel, frozen=True):
    """A request for a review, and what has become of it."""

    id: str
    status: Status
    status_endpoint: str
    expires_at: datetime


class ApprovalReference(BaseModel, frozen=True):
    """The approval of a task. It permits nothing by itself: evaluate again."""

    id: str
    approved_until: datetime


class Completion(BaseModel, frozen=True):
    """How a task was completed."""

    mode: Literal["reevaluate"] = "reevaluate"
    approval: ApprovalReference


class TaskAnswer(BaseModel, frozen=True):
    """A task, with a result once it is approved."""

    task: Task
    result: Completion | None = Field(default=None, description="only of a task that is approved")


@dataclass(frozen=True, slots=True)
class Denial:
    """The denial that a request is about, as the caller echoes it."""

    evaluation_id: str
    expires_at: datetime


def denial_of(sent: Mapping[str, Any]) -> Denial:
    """The denial in a body. Raises RequestRefused."""
    found = sent.get("denial")
    if not isinstance(found, Mapping):
        raise refused("/denial", "invalid_denial_binding", "name the denial: `evaluation_id` and `expires_at`")
    id = found.get("evaluation_id")
    if not isinstance(id, str) or not 0 < len(id) <= 64:
        raise refused("/denial/evaluation_id", "invalid_denial_binding", "name the evaluation that was denied")
    try:
        expires = datetime.fromisoformat(str(found.get("expires_at")))
    except ValueError:
        raise refused("/denial/expires_at", "invalid_denial_binding", "must be the `expires_at` of the denial") from None
    if "items" in sent or "callback" in sent:
        raise refused("", "invalid_request", "several items and callbacks are not supported")
    return Denial(id, expires if expires.tzinfo else expires.replace(tzinfo=UTC))


def justification_of(sent: Mapping[str, Any]) -> str:
    """Why a caller asks, in plain text: `context.business_justification`; "" if it does not say. Raises RequestRefused."""
    context = sent.get("context")
    text = context.get("business_justification", "") if isinstance(context, Mapping) else ""
    if not isinstance(text, str) or len(text) > JUSTIFICATION_CHARACTERS or not is_plain(text):
        detail = f"must be plain text of at most {JUSTIFICATION_CHARACTERS} characters"
        raise refused("/context/business_justification", "invalid_request", detail)
    return text.strip()


def expires(recorded_at: datetime) -> datetime:
    """Until when a review of a decision can be asked for, to the second."""
    return recorded_at.replace(microsecond=0) + timedelta(hours=DENIAL_HOURS)


def answer(id: str, asked_at: datetime, base: str, became: tuple[Status, Completion | None], now: datetime) -> TaskAnswer:
    """A task as it is now; one that is still pending after its time has expired."""
    ends = asked_at.replace(microsecond=0) + timedelta(days=TASK_DAYS)
    status, result = became
    if status == "pending" and now > ends:
        status = "expired"
    return TaskAnswer(task=Task(id=id, status=status, status_endpoint=f"{base}{PATH}/{id}", expires_at=ends), result=result)


def review_state(live: Live, signable: Sequence[str], said: Sequence[Row], today: date) -> tuple[Status, Completion | None]:
    """
    What has become of the review of some facts: approved where an approval stands for each provision that can be signed off, denied where
    one was refused last. `said` has the sign-offs of the facts, in order.
    """
    last = {row["provision"]: row["verdict"] for row in said}
    if any(last.get(each) == "refuse" for each in signable):
        return "denied", None
    standing = {each.provision: each for each in standing_sign_off.approvals_on(live, said, today)}
    if not signable or not standing.keys() >= set(signable):
        return "pending", None
    first = min((standing[each] for each in signable), key=lambda each: each.until)
    until = datetime.combine(first.until, time(23, 59, 59), UTC)
    return "approved", Completion(approval=ApprovalReference(id=first.id, approved_until=until))


def refused(pointer: str, code: str, detail: str) -> RequestRefused:
    """The refusal of a request, with the profile's name for what is wrong as the code of its place."""
    place = ProblemPlace(pointer=pointer, code=code.replace("_", "-"), detail=detail)
    return RequestRefused("access-refused", detail, errors=(place,))
