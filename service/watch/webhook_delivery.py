"""
Webhooks: each event is sent to each address of the settings, at least once.

What is to be sent is written in the transaction that tells the event, so a crash loses nothing. Before an attempt the time of the next one
is written; so whatever happens during an attempt, there is another until the receiver answers with a 2xx. After MOST attempts, or a 410,
it is given up. Bodies are CloudEvents without anything that may quote the exchange. They are signed as Standard Webhooks say
(HMAC-SHA256, `v1`); the id is the same in each attempt, so that a receiver can drop what it has.
"""

import base64
import hmac
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from functools import partial
from urllib.parse import urlsplit

import sqlalchemy as sa

from service.service import Service
from service.settings import Settings, webhook_secrets
from service.store.moments import moment_text
from service.store.tables import watch_delivery
from service.watch import events, webhook_connections
from service.watch.transactions import Write
from service.watch.webhook_connections import WebhookUnreachable, digest_of

MEDIA_TYPE = "application/cloudevents+json; charset=utf-8"
# The pauses after the first attempt, the second, …
PAUSES = tuple(timedelta(seconds=each) for each in (60, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400))
MOST = len(PAUSES) + 1
DELIVERED, GIVEN_UP = "delivered", "given-up"
FAILED = "failed"  # and is tried again
MOST_COUNTED = 10_000
_GONE = 410


@dataclass(frozen=True, slots=True)
class Attempt:
    """An event to be sent to an address, for the `number`th time."""

    event: events.WatchEvent
    address: str
    number: int


def signature(secrets: tuple[bytes, ...], id: str, at: int, body: bytes) -> dict[str, str]:
    """The headers of Standard Webhooks for a body that is sent at a second since 1970."""
    content = f"{id}.{at}.".encode() + body
    codes = (base64.b64encode(hmac.digest(each, content, "sha256")).decode() for each in secrets)
    return {"webhook-id": id, "webhook-timestamp": str(at), "webhook-signature": " ".join(f"v1,{code}" for code in codes)}


class Deliveries:
    """Sends the events of one service. Raises SettingRefused if the secret cannot be used."""

    def __init__(self, service: Service) -> None:
        self.counts = dict.fromkeys((DELIVERED, FAILED, GIVEN_UP), 0)  # of attempts
        self._service = service
        settings: Settings = service.settings
        self._addresses: Mapping[str, str] = {digest_of(each): each for each in settings.webhooks}
        self._secrets = webhook_secrets(settings.webhook_secret) if settings.webhook_secret else ()
        self._source = events.source_of(service.store.database.log_key().origin)

    def deliver(self, write: Write, stopped: Callable[[], bool] = lambda: False) -> tuple[int, int]:
        """
        Send what is due; returns how many events arrived, and how many did not.

        An address that fails is left alone until the next call. It waits, so call it in a thread. `stopped` is called between attempts.
        """
        arrived = failed = 0
        left = set(self._addresses)
        while left and not stopped() and (attempt := write(lambda transaction: self._take(transaction, left))):
            digest = digest_of(attempt.address)
            state = self._send(attempt)
            self.counts[state or FAILED] += 1
            if state is not None:
                write(partial(_settle, event=attempt.event.number, address=digest, state=state))
            if state == DELIVERED:
                arrived += 1
            else:
                failed += 1
                left.discard(digest)
        return arrived, failed

    def any_due(self) -> bool:
        """Whether something is to be sent now."""
        query = sa.select(watch_delivery.c.event).where(*self._due(self._service.clock())).limit(1)
        with self._service.store.database.reading.connect() as connection:
            return connection.execute(query).first() is not None

    def _take(self, transaction: sa.Connection, left: set[str]) -> Attempt | None:
        """The next event for one of some addresses; when it is to be sent again is written before it is sent."""
        now = self._service.clock()
        here = watch_delivery.c
        query = sa.select(watch_delivery).where(*self._due(now), here.address.in_(left)).order_by(here.next_at, here.event)
        row = transaction.execute(query.limit(1)).one_or_none()
        if row is None:
            return None
        again = moment_text(now + PAUSES[min(row.attempts, len(PAUSES) - 1)])
        mine = sa.and_(here.event == row.event, here.address == row.address)
        transaction.execute(sa.update(watch_delivery).where(mine).values(attempts=row.attempts + 1, next_at=again))
        (event,) = events.page(transaction, row.event - 1, 1)
        return Attempt(event, self._addresses[row.address], row.attempts + 1)

    def _due(self, now: datetime) -> tuple[sa.ColumnElement[bool], ...]:
        here = watch_delivery.c
        return here.state == events.WAITING, here.next_at <= moment_text(now), here.address.in_(list(self._addresses))

    def _send(self, attempt: Attempt) -> str | None:
        """Send an event. Returns its state from now on, None if it is to be sent again."""
        settings, say = self._service.settings, self._service.say
        body = json.dumps(attempt.event.cloud_event(self._source, whole=False), ensure_ascii=False).encode()
        signed = signature(self._secrets, attempt.event.id, int(self._service.clock().timestamp()), body)
        headers = {"content-type": MEDIA_TYPE, "user-agent": "fifthfactor", **signed}
        try:
            status = webhook_connections.post(
                attempt.address, body, headers, private=settings.webhook_private, authorities=settings.webhook_authorities
            )
            if 200 <= status < 300:
                return DELIVERED
            reason = f"status {status}"
        except WebhookUnreachable as failed:
            status, reason = 0, str(failed)
        given_up = status == _GONE or attempt.number >= MOST
        say.warning(
            "webhook_failed",
            host=urlsplit(attempt.address).hostname,  # the rest of the address may hold a secret
            event_id=attempt.event.id,
            attempt=attempt.number,
            reason=reason,
            given_up=given_up,
        )
        return GIVEN_UP if given_up else None


def undelivered(connection: sa.Connection) -> tuple[int, int]:
    """How many events wait to be sent to an address, and how many were given up; at most MOST_COUNTED of each."""
    return count(connection, events.WAITING), count(connection, GIVEN_UP)


def count(connection: sa.Connection, state: str) -> int:
    """How many deliveries are in a state, up to MOST_COUNTED."""
    few = sa.select(watch_delivery.c.event).where(watch_delivery.c.state == state).limit(MOST_COUNTED).subquery()
    found: int = connection.execute(sa.select(sa.func.count()).select_from(few)).scalar_one()
    return found


def _settle(transaction: sa.Connection, event: int, address: str, state: str) -> None:
    """Forget what has arrived, or note that it is given up."""
    mine = sa.and_(watch_delivery.c.event == event, watch_delivery.c.address == address)
    if state == DELIVERED:
        transaction.execute(sa.delete(watch_delivery).where(mine))
    else:
        transaction.execute(sa.update(watch_delivery).where(mine).values(state=state))
