"""
The rows of drafts: exchanges that somebody is asked about, and that are not decided yet.

A draft is no decision, and the log has nothing of it. Its values, which may be personal, are in its one row only. The row is emptied when
the draft is decided, and deleted when its owner erases it or when it was not changed for `draft_days` days.

The writing functions are work for `Store.do`, or are called in one. INVARIANT (no lost answer): a change names the version that it changes.
"""

import asyncio
import json
import secrets
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import Any, Self

import sqlalchemy as sa

import engine
from service.callers.context import ReadingAll
from service.limits import DRAFTS_OF_ONE
from service.problems import RequestRefused
from service.service import Service
from service.settings import Settings
from service.store.moments import moment_text
from service.store.tables import draft as rows
from service.store.writer import NotRecorded

MOST_LISTED = 20
PURGED_AT_ONCE = 100
PURGE_SECONDS = 600.0


@dataclass(frozen=True, slots=True)
class Draft:
    """
    An exchange so far, and the facts that its owner does not know (`skipped`).

    `before` is the exchange before the last change, and `was` its outcome then. `asking` is the fact that the owner wants to be asked
    for. A trial (`trial_of`) states what is not so yet, and is never decided; its `before` is what its draft states. Of a decided draft
    only `decision` and `commitment` are left.
    """

    id: str
    owner: str
    document: Mapping[str, Any]
    version: int = 0
    before: Mapping[str, Any] | None = None
    was: str | None = None
    skipped: tuple[str, ...] = ()
    asking: str | None = None
    trial_of: str | None = None
    decision: str | None = None
    commitment: str | None = None
    changed_at: str = ""

    @classmethod
    def of(cls, row: Any) -> Self:
        """The draft of a row."""
        return cls(
            id=row.id,
            owner=row.owner,
            document=json.loads(row.document),
            version=row.version,
            before=None if row.before is None else json.loads(row.before),
            was=row.was,
            skipped=tuple(json.loads(row.skipped)),
            asking=row.asking,
            trial_of=row.trial_of,
            decision=row.decision,
            commitment=row.commitment,
            changed_at=row.changed_at,
        )

    @property
    def raw(self) -> bytes:
        """The exchange as the bytes of a body."""
        return json.dumps(self.document, ensure_ascii=False).encode()

    def _values(self, service: Service) -> dict[str, Any]:
        before = None if self.before is None else json.dumps(self.before, ensure_ascii=False)
        return {
            "owner": self.owner,
            "document": json.dumps(self.document, ensure_ascii=False),
            "version": self.version + 1,
            "before": before,
            "was": self.was,
            "skipped": json.dumps(self.skipped),
            "asking": self.asking,
            "trial_of": self.trial_of,
            "decision": self.decision,
            "commitment": self.commitment,
            "changed_at": moment_text(service.clock()),
        }


def new_id() -> str:
    """The id of a new draft. Nobody can guess it."""
    return secrets.token_urlsafe(16)


def find(context: ReadingAll, id: str, connection: sa.Connection) -> Draft | None:
    """A draft in the present shape of exchanges, or None where there is none, or none any more."""
    query = sa.select(rows).where(rows.c.id == id, rows.c.changed_at >= _since(context.now, context.settings))
    row = connection.execute(query).one_or_none()
    if row is None:
        return None
    found, bundle = Draft.of(row), context.live.bundle
    before = None if found.before is None else engine.in_present_shape(bundle, found.before)
    return replace(found, document=engine.in_present_shape(bundle, found.document), before=before)


def list_drafts(context: ReadingAll, connection: sa.Connection) -> Sequence[Draft]:
    """The drafts of the caller that were changed last, the newest first; trials and decided ones are left out."""
    query = (
        sa.select(rows)
        .where(rows.c.owner == context.caller.id, rows.c.changed_at >= _since(context.now, context.settings))
        .where(rows.c.trial_of.is_(None), rows.c.decision.is_(None))
        .order_by(rows.c.changed_at.desc())
        .limit(MOST_LISTED)
    )
    return [Draft.of(row) for row in connection.execute(query)]


def make(service: Service, transaction: sa.Connection, draft: Draft) -> None:
    """Keep a new draft. Raises RequestRefused where its owner has very many."""
    count = sa.select(sa.func.count()).select_from(rows).where(rows.c.owner == draft.owner)
    if transaction.execute(count).scalar_one() >= DRAFTS_OF_ONE:
        raise RequestRefused("forbidden", f"a caller may have {DRAFTS_OF_ONE} drafts at most: erase some first")
    transaction.execute(sa.insert(rows).values(id=draft.id, **draft._values(service)))


def change(service: Service, transaction: sa.Connection, draft: Draft) -> bool:
    """Write a draft in the place of the version that it was made from; false where that version is not the newest any more."""
    here = (rows.c.id == draft.id, rows.c.version == draft.version)
    done = transaction.execute(sa.update(rows).where(*here).values(draft._values(service))).rowcount == 1
    service.store.writer.erased()
    return done


def close_draft(service: Service, transaction: sa.Connection, draft: Draft, decision: str) -> bool:
    """Empty a draft that is decided now, and delete its trials; false where it was changed meanwhile."""
    transaction.execute(sa.delete(rows).where(rows.c.trial_of == draft.id))
    left = Draft(draft.id, draft.owner, {}, draft.version, decision=decision)
    return change(service, transaction, left)


def erase(service: Service, transaction: sa.Connection, id: str) -> None:
    """Delete a draft and its trials."""
    transaction.execute(sa.delete(rows).where(sa.or_(rows.c.id == id, rows.c.trial_of == id)))
    service.store.writer.erased()


async def purge_drafts_now_and_then(service: Service) -> None:
    """Delete drafts that were not changed for long enough, until cancelled."""
    while True:
        with suppress(NotRecorded, sa.exc.SQLAlchemyError):
            while await asyncio.to_thread(_any_old, service):
                await service.store.do(lambda transaction: purge(service, transaction))
        await asyncio.sleep(PURGE_SECONDS)


def purge(service: Service, transaction: sa.Connection) -> int:
    """Delete some of the drafts that were not changed for long enough; returns how many."""
    old = sa.select(rows.c.id).where(rows.c.changed_at < _since(service.clock(), service.settings)).limit(PURGED_AT_ONCE)
    service.store.writer.erased()
    return transaction.execute(sa.delete(rows).where(rows.c.id.in_(old))).rowcount


def _any_old(service: Service) -> bool:
    old = sa.select(rows.c.id).where(rows.c.changed_at < _since(service.clock(), service.settings)).limit(1)
    with service.store.database.reading.connect() as connection:
        return connection.execute(old).first() is not None


def _since(now: datetime, settings: Settings) -> str:
    """The moment since which drafts are kept."""
    return moment_text(now - timedelta(days=settings.draft_days))
