"""
The queue: every decision that waits for a person, and no other.

What waits is a review or a doubtful lift that may be signed off and is not, also where it waits for a second person; and a gap that an
acceptance in the organisation's policies would close. Of several decisions on the same facts only the newest waits. What was approved waits
again once the approval ended, and waits at once where who approved it asks for it herself: another person has to. What was refused,
erased, or decided otherwise since does not wait.

The rows of `review_case` say what may wait; their sign-offs say what does. Both are read at once, at most `MOST_CASES` cases, the oldest
first. Source: semantics 4.3, 4.6.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from service.log.index import datetime_of, moment_of
from service.log.review_cases import APPROVED, WAITS
from service.policies.live import Live
from service.reviews import approvals
from service.reviews.approvals import Row
from service.reviews.own_requests import Counting
from service.store.tables import entry, person, review_case, sign_off

_AT_ONCE = 500
MOST_CASES = 5_000  # that are looked at, the oldest first
ENDS_WITHIN = 30  # days; an approval that ends so soon is listed beside what waits
SECOND = "second"  # what waits for a second person, beside the kinds of `recorded_case`

Order = Literal["oldest", "newest", "due"]


@dataclass(frozen=True, slots=True)
class WaitingCase:
    """
    A decision in the queue.

    `kinds` are of `review`, `lift`, `reach`, `gap` and `second`: somebody has signed, and another person has to. `provisions` are those
    that may be signed off, `signed` those that lack a second signature, with who gave the first. `due` is the first day on which a duty
    of it falls due, and `ends` the last day of an approval that still stands. `current` says whether the loaded policies decided it.
    """

    id: str
    facts: str
    recorded_at: datetime
    as_of: date
    exporter_country: str | None
    recipient_country: str | None
    answer: str
    asked_by: str | None
    kinds: tuple[str, ...]
    provisions: tuple[str, ...]
    signed: Mapping[str, tuple[str, ...]]
    due: date | None
    ends: date | None
    assignee: str | None
    bundle: str


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """Which cases are wanted: of a kind, assigned to somebody (`none`: nobody), so many days old or older, by countries and provision."""

    kind: str | None = None
    assignee: str | None = None
    older_than_days: int | None = None
    exporter_country: str | None = None
    recipient_country: str | None = None
    provision: str | None = None

    def matches(self, case: WaitingCase, now: datetime) -> bool:
        """Whether a case is wanted."""
        wanted = (
            self.kind is None or self.kind in case.kinds,
            self.assignee is None or (case.assignee or "none") == self.assignee,
            self.older_than_days is None or case.recorded_at <= now - timedelta(days=self.older_than_days),
            self.exporter_country is None or case.exporter_country == self.exporter_country,
            self.recipient_country is None or case.recipient_country == self.recipient_country,
            self.provision is None or self.provision in case.provisions,
        )
        return all(wanted)


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """
    What waits, oldest first, and what was approved and ends soon. `more`: there are more cases than were looked at.
    """

    waiting: tuple[WaitingCase, ...]
    ending: tuple[WaitingCase, ...]
    more: bool

    def counts(self) -> dict[str, int]:
        """How many wait of each kind."""
        found: dict[str, int] = {}
        for case in self.waiting:
            for kind in case.kinds:
                found[kind] = found.get(kind, 0) + 1
        return found


def read(connection: sa.Connection, live: Live, today: date, token_issuer: str | None) -> ReviewQueue:
    """The whole queue on a day. `token_issuer` is the issuer of tokens that is set."""
    ended = sa.and_(review_case.c.state == APPROVED, review_case.c.until < (today + timedelta(days=ENDS_WITHIN)).isoformat())
    rows = [
        *connection.execute(_CASES.where(review_case.c.state == WAITS).order_by(*_BY_AGE).limit(MOST_CASES + 1)),
        *connection.execute(_CASES.where(ended).order_by(review_case.c.until).limit(MOST_CASES + 1)),
    ]
    more = len(rows) > MOST_CASES
    said = _said(connection, [row.facts for row in rows[:MOST_CASES]])
    counting = Counting(connection, token_issuer)
    waiting, ending = [], []
    for row in rows[:MOST_CASES]:
        case, waits = _case(row, live, said.get(row.facts, ()), counting, today)
        if waits:
            waiting.append(case)
        elif case.ends is not None:
            ending.append(case)
    return ReviewQueue(tuple(sorted(waiting, key=lambda each: (each.recorded_at, each.id))), tuple(ending), more)


def of_decision(
    connection: sa.Connection, live: Live, decision: str, today: date, token_issuer: str | None
) -> tuple[WaitingCase, bool] | None:
    """The case of a decision, if it is the newest on its facts, and whether it waits; None if it has none."""
    row = connection.execute(_CASES.where(review_case.c.decision == decision)).one_or_none()
    if row is None:
        return None
    case, waits = _case(row, live, approvals.said_of(connection, row.facts), Counting(connection, token_issuer), today)
    return case, waits and row.state in (WAITS, APPROVED)


def newest_of(connection: sa.Connection, facts: str) -> str | None:
    """The newest decision on some facts, if a review was ever recorded of them."""
    return connection.execute(sa.select(review_case.c.decision).where(review_case.c.facts == facts)).scalar_one_or_none()


def place_of(case: WaitingCase, order: Order) -> str:
    """The place of a case in an order, as a text that sorts: by age, or by the day on which something falls due, without one last."""
    due = (case.due or date.max).isoformat() if order == "due" else ""
    return f"{due} {moment_of(case.recorded_at):020d} {case.id}"


def ordered(cases: Iterable[WaitingCase], order: Order, after: str | None = None) -> list[WaitingCase]:
    """Cases in an order, those after a place."""
    newest = order == "newest"
    found = sorted(cases, key=lambda each: place_of(each, order), reverse=newest)
    if after is None:
        return found
    return [each for each in found if (place_of(each, order) < after if newest else place_of(each, order) > after)]


_CASES = sa.select(
    review_case,
    entry.c.as_of,
    entry.c.answer,
    entry.c.exporter_country,
    entry.c.recipient_country,
    entry.c.caller,
    entry.c.bundle,
).join(entry, entry.c.sequence == review_case.c.sequence)
_BY_AGE = (review_case.c.moment, review_case.c.sequence)


def _case(row: Any, live: Live, said: Sequence[Row], counting: Counting, today: date) -> tuple[WaitingCase, bool]:
    """A case from its row and the sign-offs of its facts, and whether it waits: for another person than who asked."""
    provisions = tuple(json.loads(row.provisions))
    last = {each["provision"]: each["verdict"] for each in said}
    others = counting.for_id(said, row.caller)
    under = {each.provision: each for each in approvals.signatures(live, others, today) if each.provision in provisions}
    open_ = [each for each in provisions if not (each in under and under[each].complete)]
    refused = any(last.get(each) == "refuse" for each in provisions)
    signed = {
        name: tuple(each["given_by"] for each in under[name].given) for name in open_ if name in under and under[name].given
    }
    ends = [date.fromisoformat(each["until"]) for name in under if name not in open_ for each in under[name].given]
    kinds = tuple(filter(None, row.kinds.split(",")))
    case = WaitingCase(
        id=row.decision,
        facts=row.facts,
        recorded_at=datetime_of(row.moment),
        as_of=date.fromisoformat(row.as_of),
        exporter_country=row.exporter_country,
        recipient_country=row.recipient_country,
        answer=row.answer,
        asked_by=row.caller,
        kinds=(*kinds, SECOND) if signed else kinds,
        provisions=provisions,
        signed=signed,
        due=None if row.due is None else date.fromisoformat(row.due),
        ends=min(ends, default=None) if not open_ else None,
        assignee=row.assignee,
        bundle=row.bundle,
    )
    return case, not refused and bool(kinds) and (bool(open_) or not provisions)


def _said(connection: sa.Connection, facts: Sequence[str]) -> Mapping[str, list[Row]]:
    """The sign-offs of some facts, by their digest, each in order."""
    found: dict[str, list[Row]] = {}
    of_person = sa.select(sign_off, person.c.issuer, person.c.subject)
    joined = of_person.select_from(sign_off.outerjoin(person, person.c.id == sign_off.c.person)).order_by(sign_off.c.number)
    for at in range(0, len(facts), _AT_ONCE):
        for row in connection.execute(joined.where(sign_off.c.facts.in_(facts[at : at + _AT_ONCE]))).mappings():
            found.setdefault(row["facts"], []).append(dict(row))
    return found
