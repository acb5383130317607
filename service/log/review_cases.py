"""
The cases of the reviews: one row for each set of facts of which a review was recorded, kept as the records are written.

A row has the newest decision on the facts. If that is no review any more, nothing waits. What is signed off moves the state of a row, and
the queue (`service.reviews.queue`) looks at the sign-offs themselves again: no row says that an approval stands. The rows can be lost:
`begin_again` finds them anew from the records. Facts are known by a digest, which could confirm a guess at erased values, so an erasure
of the decision deletes the row.
"""

import json
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

from service.store.tables import about, entry, review_case

WAITS, APPROVED, REFUSED, OVER = "waits", "approved", "refused", "over"
MOST_ASKERS = 50  # callers that a row remembers, the first and the newest
EARLIER = "review_cases"  # in `about`: the records below this place are still to be looked at for cases

_AT_ONCE = 500
_MARK = {"sqlite": "?", "postgresql": "%s"}


@dataclass(frozen=True, slots=True)
class ReviewCase:
    """
    What a decision is to the queue: the digest of its facts, and what of it waits for a person.

    `kinds` are of `review`, `lift`, `reach` and `gap`; none where it is no review that anybody could settle. `due` is the first day on
    which a duty of it falls due.
    """

    facts: str
    kinds: tuple[str, ...] = ()
    provisions: tuple[str, ...] = ()
    due: str | None = None


@dataclass(frozen=True, slots=True)
class RecordedCase:
    """A case with the record that it is of: its number, its decision, the moment in microseconds since 1970, and who asked."""

    case: ReviewCase
    sequence: int
    decision: str
    moment: int
    asked_by: str | None


def add_cases(transaction: sa.Connection, recorded: Iterable[RecordedCase]) -> None:
    """Take in what was recorded, in order, in the transaction that records it."""
    newest: dict[str, RecordedCase] = {}
    asked: dict[str, list[str]] = {}
    for each in recorded:
        facts = each.case.facts
        newest[facts] = each
        if each.asked_by is not None:
            asked.setdefault(facts, []).append(each.asked_by)
    known = _known(transaction, list(newest))
    made: list[dict[str, Any]] = []
    for facts, each in newest.items():
        row = known.get(facts)
        if row is None and not each.case.kinds:
            continue
        askers = _remembered([*(json.loads(row.askers) if row else ()), *asked.get(facts, ())])
        provisions = json.dumps(each.case.provisions)
        state = WAITS if each.case.kinds else OVER
        if row is not None and row.state == REFUSED and state == WAITS and row.provisions == provisions:
            state = REFUSED
        values = {
            "decision": each.decision,
            "sequence": each.sequence,
            "moment": each.moment,
            "state": state,
            "until": None,
            "kinds": ",".join(each.case.kinds),
            "provisions": provisions,
            "due": each.case.due,
            "askers": json.dumps(askers),
        }
        if row is None:
            made.append({"facts": facts, **values, "assignee": None})
        else:
            transaction.execute(sa.update(review_case).where(review_case.c.facts == facts).values(values))
    if made:
        names = list(made[0])
        marks = ", ".join(_MARK[transaction.dialect.name] for _ in names)
        rows = [tuple(row.values()) for row in made]
        transaction.exec_driver_sql(f"INSERT INTO review_case ({', '.join(names)}) VALUES ({marks})", rows)


def _known(transaction: sa.Connection, facts: Sequence[str]) -> dict[str, Any]:
    """The rows of some facts. Every record waits for it, so it goes to the driver as directly as possible."""
    found: dict[str, Any] = {}
    for at in range(0, len(facts), _AT_ONCE):
        some = facts[at : at + _AT_ONCE]
        marks = ", ".join([_MARK[transaction.dialect.name]] * len(some))
        asked = f"SELECT facts, state, provisions, askers FROM review_case WHERE facts IN ({marks})"
        found |= {row.facts: row for row in transaction.exec_driver_sql(asked, tuple(some))}
    return found


def settle(transaction: sa.Connection, facts: str, approved_until: dict[str, str], refused: frozenset[str]) -> None:
    """
    Move the case of some facts after a sign-off.

    `approved_until` has the last day of each approval that stands, by provision, `refused` the provisions whose last word is a refusal.
    """
    row = transaction.execute(sa.select(review_case).where(review_case.c.facts == facts)).one_or_none()
    if row is None or row.state == OVER:
        return
    provisions = frozenset(json.loads(row.provisions))
    state, until = WAITS, None
    if provisions & refused:
        state = REFUSED
    elif provisions and provisions <= approved_until.keys():
        state, until = APPROVED, min(approved_until[each] for each in provisions)
    transaction.execute(sa.update(review_case).where(review_case.c.facts == facts).values(state=state, until=until))


def assign(transaction: sa.Connection, decision: str, assignee: str | None) -> None:
    """Note to whom the case of a decision is assigned, if it has one."""
    transaction.execute(sa.update(review_case).where(review_case.c.decision == decision).values(assignee=assignee))


def askers_of(connection: sa.Connection, facts: str) -> list[str]:
    """The callers who asked for decisions on some facts, as far as their case remembers them."""
    found = connection.execute(sa.select(review_case.c.askers).where(review_case.c.facts == facts)).scalar_one_or_none()
    return [] if found is None else list(json.loads(found))


def newest_asker(connection: sa.Connection, facts: str) -> str | None:
    """Who asked for the newest decision on some facts, as the id of a caller; None if nobody is known, or there is no case."""
    of_case = sa.select(entry.c.caller).join(review_case, review_case.c.sequence == entry.c.sequence)
    return connection.execute(of_case.where(review_case.c.facts == facts)).scalar_one_or_none()


def forget(transaction: sa.Connection, decision: str) -> None:
    """Delete the case of a decision whose values are erased."""
    transaction.execute(sa.delete(review_case).where(review_case.c.decision == decision))


def begin_again(transaction: sa.Connection) -> None:
    """Have the cases of all records found anew, in the background of a service."""
    transaction.execute(sa.delete(review_case))
    transaction.execute(sa.delete(about).where(about.c.name == EARLIER))
    transaction.execute(sa.insert(about).values(name=EARLIER, value=""))


def _remembered(askers: Sequence[str]) -> list[str]:
    """Each caller once. Of too many the first and the newest are remembered."""
    once = list(dict.fromkeys(askers))
    return once if len(once) <= MOST_ASKERS else [once[0], *once[-(MOST_ASKERS - 1) :]]
