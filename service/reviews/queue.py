"""
The queue: every decision that waits for a person, and no other.

What waits is a review or a doubtful lift that may be signed off and is not, also where it waits for a second person; and a gap, for which
whoever has read the law may sign, or which an acceptance would close. Of several decisions on the same facts only the newest waits. What
was approved waits again once the approval ended, and waits at once where who approved it asks for it herself: another person has to. What
was refused, erased, or decided otherwise since does not wait.

The rows of `review_case` say what may wait; their sign-offs say what does. A page reads the rows that it shows, in its order and by its
filters. What is counted is counted among the `MOST_CASES` oldest. Source: semantics 4.3, 4.6.
"""

import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any, Literal

import sqlalchemy as sa

from service.log.review_cases import APPROVED, WAITS
from service.log.search_index import datetime_of, moment_of
from service.policies.live import Live
from service.reviews import standing_sign_off
from service.reviews.own_requests import Counting
from service.reviews.reviewer import Reviewer
from service.reviews.standing_sign_off import Row
from service.store.tables import entry, person, review_case, sign_off

MOST_CASES = 2_000  # that are counted, the oldest first
MOST_LOOKED_AT = 2_000  # rows that a page looks at, at most, for those that do wait
MOST_SIGNED = 10_000  # cases among which a page looks for those that wait for a second person
MOST_ENDING = 200  # approvals that end soon
MOST_IN_FRAME = 99  # that are counted for the frame of a page; of more it says that there are more
ENDS_WITHIN = 30  # days; an approval that ends so soon is listed beside what waits
SECOND = "second"  # what waits for a second person, beside the kinds of `recorded_case`

_AT_ONCE = 500
_NEVER = date.max.isoformat()

Order = Literal["oldest", "newest", "due"]
Place = tuple[
    str, int, str
]  # the day on which something falls due, where that is the order; the moment and the id of the decision


@dataclass(frozen=True, slots=True)
class WaitingCase:
    """
    A decision in the queue.

    `kinds` are of `review`, `lift`, `reach`, `gap` and `second`: somebody has signed, and another person has to. `provisions` are those
    that may be signed off, `signed` those that lack a second signature, with who gave the first. `due` is the first day on which a duty
    of it falls due, and `ends` the last day of an approval that still stands. `askers` asked for decisions on its facts.
    """

    id: str
    facts: str
    recorded_at: datetime
    as_of: date
    exporter_country: str | None
    recipient_country: str | None
    answer: str
    asked_by: str | None
    askers: tuple[str, ...]
    kinds: tuple[str, ...]
    provisions: tuple[str, ...]
    signed: Mapping[str, tuple[str, ...]]
    due: date | None
    ends: date | None
    assignee: str | None
    bundle: str


@dataclass(frozen=True, slots=True)
class QueueFilter:
    """
    Which cases are wanted: of a kind, assigned to somebody (`none`: nobody), so many days old or older, by countries and provision.

    `group` is one of `reviewer.GROUPS`.
    """

    kind: str | None = None
    assignee: str | None = None
    older_than: int | None = None
    exporter_country: str | None = None
    recipient_country: str | None = None
    provision: str | None = None
    group: str | None = None


@dataclass(frozen=True, slots=True)
class CountedCase:
    """A case of the queue in short: what waits, what may be signed off of it, by whom it was signed, who asked, and what decided."""

    id: str
    kinds: tuple[str, ...]
    provisions: tuple[str, ...]
    signed: Mapping[str, tuple[str, ...]]
    askers: tuple[str, ...]
    bundle: str


@dataclass(frozen=True, slots=True)
class ReviewQueue:
    """
    What waits, oldest first, and what was approved and ends soon. `more`: there are more cases than were looked at.
    """

    waiting: tuple[CountedCase, ...]
    ending: tuple[WaitingCase, ...]
    more: bool

    def groups(self, reviewer: Reviewer) -> dict[str, int]:
        """How many wait of each of `reviewer.GROUPS`."""
        return dict(Counter(map(reviewer.group, self.waiting)))


def read(connection: sa.Connection, live: Live, today: date, token_issuer: str | None) -> ReviewQueue:
    """The whole queue on a day, for its counts: the oldest cases. `token_issuer` is the issuer of tokens that is set."""
    counting = Counting(connection, token_issuer)
    rows = _first(connection, _COUNTED, (), today, "oldest", MOST_CASES + 1)
    waiting = tuple(_counted(connection, live, rows[:MOST_CASES], counting, today))
    return ReviewQueue(waiting, _ending(connection, live, today, counting), len(rows) > MOST_CASES)


def for_frame(connection: sa.Connection, live: Live, today: date, token_issuer: str | None, reviewer: Reviewer) -> int:
    """
    How many cases a reviewer can sign something of, among the oldest that are counted; one more than MOST_IN_FRAME stands for more.

    Every page of hers waits for it, so no more rows are read than it takes.
    """
    counting, found, looked_at = Counting(connection, token_issuer), 0, 0
    after: Place | None = None
    while looked_at < MOST_CASES:
        rows = _first(connection, _COUNTED, (), today, "oldest", 2 * MOST_IN_FRAME, after)
        found += sum(map(reviewer.may_take, _counted(connection, live, rows, counting, today)))
        looked_at += len(rows)
        if found > MOST_IN_FRAME or len(rows) < 2 * MOST_IN_FRAME:
            break
        after = "", rows[-1].moment, rows[-1].decision
    return min(found, MOST_IN_FRAME + 1)


def _counted(
    connection: sa.Connection, live: Live, rows: Sequence[Any], counting: Counting, today: date
) -> Iterator[CountedCase]:
    """Those of some rows that wait, in short."""
    said = _said_of(connection, [row.facts for row in rows if row.signed is not None])
    texts = _Texts()
    for row in rows:
        kinds, provisions, askers = tuple(filter(None, row.kinds.split(","))), texts.of(row.provisions), texts.of(row.askers)
        signed: Mapping[str, tuple[str, ...]] = {}
        if row.facts in said:
            standing = _Standing(live, provisions, said[row.facts], counting.for_id(said[row.facts], row.caller), today)
            if not standing.waits(kinds):
                continue
            signed = standing.signed
        yield CountedCase(row.decision, (*kinds, SECOND) if signed else kinds, provisions, signed, askers, row.bundle)


def page(
    connection: sa.Connection,
    live: Live,
    now: datetime,
    today: date,
    token_issuer: str | None,
    wanted: QueueFilter,
    order: Order,
    after: Place | None,
    limit: int,
    reviewer: Reviewer | None = None,
) -> list[WaitingCase]:
    """At most `limit` cases that wait on a day and are wanted, in an order, after a place. A wanted group is that for `reviewer`."""
    counting = Counting(connection, token_issuer)
    found: list[WaitingCase] = []
    looked_at, at_once = 0, _AT_ONCE if wanted.kind == SECOND else limit + 25
    while len(found) < limit and looked_at < MOST_LOOKED_AT:
        rows = _first(connection, _KEY, _wanted(wanted, now), today, order, at_once, after, signed=wanted.kind == SECOND)
        facts = [row.facts for row in rows]
        whole, said = _cases(connection, facts), _said_of(connection, facts)
        for row in rows:
            after = (row.due or _NEVER) if order == "due" else "", row.moment, row.decision
            if row.facts not in whole:
                continue
            case, waits = _case(whole[row.facts], live, said.get(row.facts, ()), counting, today)
            # Again, since one database does not tell capital letters apart, and only sign-offs say who has signed.
            named = wanted.provision is None or wanted.provision in case.provisions
            mine = wanted.group is None or (reviewer is not None and reviewer.group(case) == wanted.group)
            if waits and named and mine and (wanted.kind is None or wanted.kind in case.kinds):
                found.append(case)
        looked_at += len(rows)
        if len(rows) < at_once:
            break
        at_once = _AT_ONCE
    return found[:limit]


def of_decision(
    connection: sa.Connection, live: Live, decision: str, today: date, token_issuer: str | None
) -> tuple[WaitingCase, bool] | None:
    """The case of a decision, if it is the newest on its facts, and whether it waits; None if it has none."""
    row = connection.execute(_CASES.where(review_case.c.decision == decision)).one_or_none()
    if row is None:
        return None
    case, waits = _case(
        row, live, standing_sign_off.said_of_facts(connection, row.facts), Counting(connection, token_issuer), today
    )
    return case, waits and row.state in (WAITS, APPROVED)


def newest_of(connection: sa.Connection, facts: str) -> str | None:
    """The newest decision on some facts, if a review was ever recorded of them."""
    return connection.execute(sa.select(review_case.c.decision).where(review_case.c.facts == facts)).scalar_one_or_none()


def place_of(case: WaitingCase, order: Order) -> Place:
    """The place of a case in an order: by age, or by the day on which something falls due, without one last."""
    due = (case.due or date.max).isoformat() if order == "due" else ""
    return due, moment_of(case.recorded_at), case.id


_OF_ENTRY = (
    entry.c.as_of,
    entry.c.answer,
    entry.c.exporter_country,
    entry.c.recipient_country,
    entry.c.caller,
    entry.c.bundle,
)
_CASES = sa.select(review_case, *_OF_ENTRY).join(entry, entry.c.sequence == review_case.c.sequence)
_KEY = (review_case.c.facts, review_case.c.decision, review_case.c.moment, review_case.c.due)


def _signed(*more: sa.ColumnElement[bool]) -> sa.ScalarSelect[Any]:
    """Whether the facts of a case have a sign-off, of which more may be asked; null if not."""
    given = sa.select(sa.literal(1)).where(sign_off.c.facts == review_case.c.facts, *more)
    return given.limit(1).correlate(review_case).scalar_subquery()


def _indexed(column: sa.ColumnElement[Any], name: str) -> sa.ColumnElement[Any]:
    """What the index has of the decision of a case."""
    found = sa.select(column).where(entry.c.sequence == review_case.c.sequence).correlate(review_case)
    return found.scalar_subquery().label(name)


_COUNTED: Sequence[sa.ColumnElement[Any]] = (
    *_KEY,
    *(review_case.c.kinds, review_case.c.provisions, review_case.c.askers),
    _signed().label("signed"),
    _indexed(entry.c.caller, "caller"),
    _indexed(entry.c.bundle, "bundle"),
)


def _wanted(wanted: QueueFilter, now: datetime) -> list[sa.ColumnElement[bool]]:
    """The conditions of a filter, as far as the rows of cases and of the index have what it is about."""
    found: list[sa.ColumnElement[bool]] = []
    if wanted.kind is not None and wanted.kind != SECOND:
        found.append(("," + review_case.c.kinds + ",").contains(f",{wanted.kind},", autoescape=True))
    if wanted.assignee is not None:
        found.append(review_case.c.assignee == (None if wanted.assignee == "none" else wanted.assignee))
    if wanted.older_than is not None:
        found.append(review_case.c.moment <= moment_of(now - timedelta(days=wanted.older_than)))
    if wanted.provision is not None:
        found.append(review_case.c.provisions.contains(json.dumps(wanted.provision), autoescape=True))
    countries = {
        entry.c.exporter_country: wanted.exporter_country,
        entry.c.recipient_country: wanted.recipient_country,
    }
    asked = [column == country for column, country in countries.items() if country is not None]
    if asked:  # looked up row by row: joined, a database might begin with the other table, and read all of it
        there = sa.select(sa.literal(1)).where(entry.c.sequence == review_case.c.sequence, *asked).limit(1)
        found.append(there.correlate(review_case).scalar_subquery().is_not(None))
    return found


_Part = tuple[sa.Select[Any], Sequence[sa.ColumnElement[Any]], Sequence[str | int] | None]  # rows, their order, and after which


def _first(
    connection: sa.Connection,
    columns: Sequence[sa.ColumnElement[Any]],
    where: Sequence[sa.ColumnElement[bool]],
    today: date,
    order: Order,
    limit: int,
    after: Place | None = None,
    *,
    signed: bool = False,
) -> list[Any]:
    """
    The first rows of cases that wait by their state, or whose approval has ended, in an order, after a place.

    `signed`: those under which a signature stands, among so many.
    """
    place: list[sa.ColumnElement[Any]] = [review_case.c.moment, review_case.c.decision]
    cases = sa.select(*columns, *([_signed(sign_off.c.until >= today.isoformat()).label("signed")] if signed else [])).where(
        *where
    )
    parts: list[_Part] = [(cases, place, None if after is None else after[1:])]
    if order == "due":  # first those with a day, then those without one: each part is read by an index
        due, days = review_case.c.due, [review_case.c.due, *place]
        with_day, without = cases.where(due.is_not(None)), cases.where(due.is_(None))
        begun = after is not None and after[0] != _NEVER
        parts = [(with_day, days, after if begun else None)] if after is None or begun else []
        parts.append((without, place, None if after is None or begun else after[1:]))
    rows: list[Any] = []
    for part, sorted_by, beyond in parts:
        if len(rows) < limit:
            rows += _first_of(connection, part, sorted_by, beyond, today, limit - len(rows), order, signed)
    return rows


def _first_of(
    connection: sa.Connection,
    cases: sa.Select[Any],
    sorted_by: Sequence[sa.ColumnElement[Any]],
    after: Sequence[str | int] | None,
    today: date,
    limit: int,
    order: Order,
    signed: bool,
) -> list[Any]:
    """The first rows of some cases by some columns, after a place."""
    if after is not None:
        here, there = sa.tuple_(*sorted_by), sa.tuple_(*map(sa.literal, after))
        cases = cases.where(here < there if order == "newest" else here > there)
    cases = cases.order_by(*(each.desc() if order == "newest" else each for each in sorted_by))
    # `coalesce` keeps a database from the index of these days: most approvals of an old log have ended, and all would be sorted.
    # What ends soon is among them: new policies may have ended it already.
    soon = (today + timedelta(days=ENDS_WITHIN)).isoformat()
    ended = sa.and_(review_case.c.state == APPROVED, sa.func.coalesce(review_case.c.until, _NEVER) < soon)
    rows: list[Any] = []
    for state, most in ((review_case.c.state == WAITS, MOST_SIGNED), (ended, _AT_ONCE)):
        chosen = cases.where(state).limit(most if signed else limit)
        if signed:
            among = chosen.subquery()
            chosen = sa.select(among).where(among.c.signed.is_not(None)).limit(limit)
        rows += connection.execute(chosen)

    def key(row: Any) -> tuple[Any, ...]:
        return ((row.due or "") if order == "due" else "", row.moment, row.decision)

    return sorted(rows, key=key, reverse=order == "newest")[:limit]


def _cases(connection: sa.Connection, facts: Sequence[str]) -> Mapping[str, Any]:
    """The cases of some facts, each with what the index has of its decision."""
    return {row.facts: row for row in connection.execute(_CASES.where(review_case.c.facts.in_(facts)))}


def _ending(connection: sa.Connection, live: Live, today: date, counting: Counting) -> tuple[WaitingCase, ...]:
    """What was approved until a day that is near, the nearest first."""
    until = review_case.c.until
    near = until.between(today.isoformat(), (today + timedelta(days=ENDS_WITHIN - 1)).isoformat())
    chosen = _CASES.where(review_case.c.state == APPROVED, near).order_by(until, review_case.c.decision).limit(MOST_ENDING)
    rows = connection.execute(chosen).all()
    said = _said_of(connection, [row.facts for row in rows])
    cases = [_case(row, live, said.get(row.facts, ()), counting, today) for row in rows]
    return tuple(case for case, waits in cases if not waits and case.ends is not None)


class _Texts:
    """Lists of texts from their JSON. Few callers ask, and few provisions are reviewed, so the same come again and again."""

    def __init__(self) -> None:
        self._known: dict[str, tuple[str, ...]] = {}

    def of(self, text: str) -> tuple[str, ...]:
        found = self._known.get(text)
        if found is None:
            found = self._known[text] = tuple(json.loads(text))
        return found


class _Standing:
    """
    How the sign-offs of some facts stand on a day, for the provisions of a case.

    `others` are those of `said` that count for who asked: refusals, and what others approved.
    """

    def __init__(self, live: Live, provisions: Sequence[str], said: Sequence[Row], others: Sequence[Row], today: date) -> None:
        last = {each["provision"]: each["verdict"] for each in said}
        self.provisions = provisions
        self.refused = any(last.get(each) == "refuse" for each in provisions)
        self.under = {
            each.provision: each for each in standing_sign_off.signatures(live, others, today) if each.provision in provisions
        }
        self.open = [each for each in provisions if not (each in self.under and self.under[each].complete)]

    @property
    def signed(self) -> dict[str, tuple[str, ...]]:
        """What lacks another signature, with who gave the first."""
        under = self.under
        return {
            name: tuple(each["given_by"] for each in under[name].given)
            for name in self.open
            if name in under and under[name].given
        }

    @property
    def ends(self) -> date | None:
        """The last day of the approvals, where everything is approved."""
        given = (each for name, under in self.under.items() if name not in self.open for each in under.given)
        return None if self.open else min((date.fromisoformat(each["until"]) for each in given), default=None)

    def waits(self, kinds: Sequence[str]) -> bool:
        """Whether a case of some kinds waits."""
        return not self.refused and bool(kinds) and (bool(self.open) or not self.provisions)


def _case(row: Any, live: Live, said: Sequence[Row], counting: Counting, today: date) -> tuple[WaitingCase, bool]:
    """A case from its row and the sign-offs of its facts, and whether it waits: for another person than who asked."""
    provisions = tuple(json.loads(row.provisions))
    standing = _Standing(live, provisions, said, counting.for_id(said, row.caller), today)
    kinds, signed = tuple(filter(None, row.kinds.split(","))), standing.signed
    case = WaitingCase(
        id=row.decision,
        facts=row.facts,
        recorded_at=datetime_of(row.moment),
        as_of=date.fromisoformat(row.as_of),
        exporter_country=row.exporter_country,
        recipient_country=row.recipient_country,
        answer=row.answer,
        asked_by=row.caller,
        askers=tuple(json.loads(row.askers)),
        kinds=(*kinds, SECOND) if signed else kinds,
        provisions=provisions,
        signed=signed,
        due=None if row.due is None else date.fromisoformat(row.due),
        ends=standing.ends,
        assignee=row.assignee,
        bundle=row.bundle,
    )
    return case, standing.waits(kinds)


_SIGNED = (
    sa.select(sign_off, person.c.issuer, person.c.subject)
    .select_from(sign_off.outerjoin(person, person.c.id == sign_off.c.person))
    .order_by(sign_off.c.number)
)


def _said_of(connection: sa.Connection, facts: Sequence[str]) -> Mapping[str, list[Row]]:
    """The sign-offs of some facts, by their digest, each in order."""
    found: dict[str, list[Row]] = {}
    for at in range(0, len(facts), _AT_ONCE):
        for row in connection.execute(_SIGNED.where(sign_off.c.facts.in_(facts[at : at + _AT_ONCE]))).mappings():
            found.setdefault(row["facts"], []).append(dict(row))
    return found
