"""
What happens to commitments: an event goes in, its row and its leaf come out.

Among the events are the stages that an exchange reaches, each on a day: listed, signed, delivered, settled. A stage may be passed over, as
a direct sale is never listed. None comes back: a later stage has a later place in the order, and no earlier day.

The reason of an event is free text. It stands in its leaf as a salted commitment, and is erased with the personal values of the record by
which the exchange was committed.
"""

from collections.abc import Mapping
from datetime import date
from types import MappingProxyType
from typing import Any, Literal, get_args

import sqlalchemy as sa
from pydantic import Field

from service.callers.context import Committing
from service.callers.sending import Sending
from service.ledger import party_view
from service.ledger.counter_book import Book
from service.log import tree_leaves
from service.log.store import subject_of_decision
from service.log.tree_leaves import LogEvent
from service.problems import RequestRefused, wrong_value
from service.store.moments import moment_text
from service.store.tables import commitment, commitment_event

Stage = Literal["listed", "signed", "delivered", "settled"]
STAGES: tuple[Stage, ...] = get_args(Stage)

_BOOK = Book()
_NOTHING: Mapping[str, Any] = MappingProxyType({})


class StageSent(Sending):
    """A stage that an exchange reached."""

    stage: Stage = Field(description="the stage; one that was passed over is not reached later")
    on: date = Field(
        description="the day; not before the commitment, not before the stage that was reached last, and not after today"
    )
    evidence: str | None = Field(default=None, pattern="^[0-9a-f]{64}$", description="the SHA-256 of what shows it")


def note(
    transaction: sa.Connection,
    id: str,
    kind: str,
    at: str,
    by: str,
    reason: str | None = None,
    other: str | None = None,
    told: Mapping[str, Any] = _NOTHING,
) -> None:
    """Note an event of a commitment; `told` are further members of its leaf."""
    number = transaction.execute(
        sa.select(sa.func.count()).select_from(commitment_event).where(commitment_event.c.commitment == id)
    ).scalar_one()
    day, evidence = (told.get(name) for name in ("day", "evidence"))
    row = {"commitment": id, "number": number, "kind": kind, "at": at, "by": by, "reason": reason, "other": other}
    transaction.execute(sa.insert(commitment_event).values({**row, "day": day, "evidence": evidence}))
    shown = {name: value for name, value in told.items() if name != "evidence"}
    hidden = {"by": by, "reason": reason, **({} if evidence is None else {"evidence": evidence})}
    event: dict[str, Any] = {"commitment": id, "number": number, "event": kind, "other": other, **shown}
    tree_leaves.append(transaction, LogEvent("commitment-event", at, event, hidden, *_erased_with(transaction, id, reason)))


def _erased_with(transaction: sa.Connection, id: str, reason: str | None) -> tuple[str | None, frozenset[str]]:
    """What the reason of an event is erased with, if it has one, and the name of its opening."""
    if reason is None:
        return None, frozenset()
    evaluation = transaction.execute(sa.select(commitment.c.evaluation).where(commitment.c.id == id)).scalar_one()
    return subject_of_decision(evaluation), frozenset({"reason"})


def standing(transaction: sa.Connection, id: str) -> Any:
    """The row of a commitment that was neither withdrawn nor replaced. Raises RequestRefused."""
    row = transaction.execute(sa.select(commitment).where(commitment.c.id == id)).one_or_none()
    if row is None:
        raise RequestRefused("not-found", "there is no commitment with this id")
    if row.state != "committed":
        raise RequestRefused("commitment-ended", f"the commitment is {row.state} already")
    return row


def reach(context: Committing, id: str, sent: StageSent, transaction: sa.Connection) -> None:
    """Note that the exchange of a commitment reached a stage. Raises RequestRefused."""
    party_view.check_commitment(transaction, _BOOK, id, context.caller)
    row = standing(transaction, id)
    if row.stage is not None and STAGES.index(sent.stage) <= STAGES.index(row.stage):
        raise RequestRefused("stage-reached", f"the exchange is `{row.stage}` already, and stages do not come back")
    reached = _stages(transaction, id)
    first = reached[-1].day if reached else row.as_of
    if not date.fromisoformat(first) <= sent.on <= context.today:
        after = f"when it was `{row.stage}`" if reached else "when it was committed"
        detail = f"must be a day from {first}, {after}, until today"
        raise wrong_value("/on", detail)
    _reached(transaction, id, sent.stage, sent.on.isoformat(), sent.evidence, moment_text(context.now), context.caller.id)


def carry_stages(transaction: sa.Connection, old: str, id: str, at: str, by: str) -> None:
    """The exchange of a commitment has reached what that of the commitment which it replaces had reached."""
    for each in _stages(transaction, old):
        _reached(transaction, id, each.kind, each.day, each.evidence, at, by)


def _stages(connection: sa.Connection, id: str) -> list[Any]:
    mine = (commitment_event.c.commitment == id, commitment_event.c.kind.in_(STAGES))
    return list(connection.execute(sa.select(commitment_event).where(*mine).order_by(commitment_event.c.number)))


def _reached(transaction: sa.Connection, id: str, stage: str, day: str, evidence: str | None, at: str, by: str) -> None:
    note(transaction, id, stage, at, by, told={"day": day, "evidence": evidence})
    transaction.execute(sa.update(commitment).where(commitment.c.id == id).values(stage=stage))
