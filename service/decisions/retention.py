"""
Retention: a record goes in, the reasons why its personal values may not be erased yet come out.

- A law asks that the proof of the exchange be kept (`keep` of a duty, semantics 3.6). The time begins on the day of the exchange, or on
  the day on which the commitment ended. Duties that only may be owed count too. Exchanges that were not let through have no proof to keep,
  except of duties that arise from a refusal.
- A duty that falls due later and is not done rests on the record, and so do a commitment that runs, a counter in whose window it still
  counts, and an approval that has not ended.

INVARIANT (nothing by force): every reason rests on the record as a whole, so while one stands none of its values is erased. The legal
reasons are found before the writing transaction, since the exchange is judged again for them. The others are found in it.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from functools import partial
from typing import Literal

import sqlalchemy as sa

import engine
from service.callers.context import Administering
from service.decisions.replay import CannotReplay, ReopenedRecord, kept_decider, reopen
from service.ledger.commitment_term import runs_until
from service.ledger.counter_totals import Moment
from service.ledger.share_book import OF_COUNTERS
from service.log.leaf import HIDDEN, with_personal_values
from service.log.store import Store, Stored
from service.policies import kept_bundles
from service.problems import ProblemPlace, RequestRefused
from service.settings.setting_values import time_zone
from service.store.tables import commitment, commitment_event, document_confirmation, movement, sign_off

MOST_SHOWN = 20
_AGAIN = "count the commitments again first (`POST /v1/ledger/recount`)"

Code = Literal[
    "kept-by-law",
    "duty-open",
    "commitment-runs",
    "counter-counts",
    "signed-off",
    "document-confirmed",
    "document-signed",
    "not-decidable",
]


@dataclass(frozen=True, slots=True)
class ErasureHold:
    """A reason why no value of a record may be erased. `until` is its last day; None where it ends with an act and not with a day."""

    code: Code
    detail: str
    until: date | None


@dataclass(frozen=True, slots=True)
class RetentionTerm:
    """
    What the law says of a record: its duties, and the last day on which its exchange runs, None if it runs until it is ended.

    `why_not` says why this cannot be found; it is empty where it can. `erased`: all personal values are erased already.
    """

    as_of: date
    duties: tuple[engine.OwedDuty, ...]
    runs_until: date | None
    why_not: str = ""
    erased: bool = False


def bound(stored: Stored, reopened: Callable[[Stored], ReopenedRecord]) -> RetentionTerm:
    """
    What the law says of a record, by the policies that decided it. It takes as long as deciding.

    `reopened` judges the exchange of a record again, as `replay.reopen` does.
    """
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    as_of, decision = date.fromisoformat(record["as_of"]), record["decision"]
    left = {each.value is not None for each in stored.entry.openings if each.pointer not in HIDDEN}
    if left == {False}:
        return RetentionTerm(as_of, (), as_of, erased=True)
    if decision["hypothetical"]:
        return RetentionTerm(as_of, (), as_of)
    try:
        again = reopened(stored)
    except (CannotReplay, engine.ExchangeRefused) as failed:
        return RetentionTerm(as_of, (), None, str(failed) if decision["proceed"] else "")
    duties = (each for each in again.pdp.owed(again.judgement) if decision["proceed"] or each.part.arises == "refusal")
    return RetentionTerm(as_of, tuple(duties), runs_until(again.judgement.exchange, as_of))


def holds(
    connection: sa.Connection,
    id: str,
    law: RetentionTerm,
    counting: Callable[[], engine.BundleCounters | None],
    now: datetime,
    zone: str,
) -> list[ErasureHold]:
    """
    Why the values of a record may not be erased, the reasons without a last day and the latest first; none where they may be.

    `counting` gives the counters of the policies that decide now, None if there are none; it is asked only if the record counts. `zone` is
    the time zone of today.
    """
    if law.erased:
        return []
    today = now.astimezone(time_zone(zone)).date()
    found = [
        *_of_commitments(connection, id, law, counting, Moment(today, now)),
        *_of_sign_offs(connection, id),
        *_of_confirmations(connection, id),
    ]
    since = max([law.as_of, *_ends(connection, id, law, zone)])
    found += _of_law(law, since)
    standing = [each for each in found if each.until is None or each.until >= today]
    return sorted(standing, key=lambda each: each.until or date.max, reverse=True)


class StillNeeded(RequestRefused):
    """The values of a record may not be erased yet; `holds` are the reasons, as `holds` gives them."""

    def __init__(self, found: Sequence[ErasureHold]) -> None:
        last = found[0].until
        until = f"until {last}" if last else "for as long as a reason without a last day stands"
        places = tuple(ProblemPlace(pointer="", code=each.code, detail=each.detail) for each in found[:MOST_SHOWN])
        super().__init__("not-erasable", f"the personal values are needed {until}; nothing was erased", errors=places)
        self.holds = tuple(found)


def erase(context: Administering, id: str, law: RetentionTerm, store: Store, transaction: sa.Connection) -> int:
    """
    Erase the personal values of a record, of which the law says what `bound` found; returns the number of values.

    Raises StillNeeded.
    """
    if found := holds(transaction, id, law, lambda: context.live.counting, context.now, context.settings.zone):
        raise StillNeeded(found)
    return store.erase_in(transaction, id, context.caller.id)


async def erase_alone(store: Store, stored: Stored, zone: str, by: str) -> int:
    """
    Erase the personal values of a record where no service runs the policies: they are loaded from the database.

    Returns the number of values. Raises StillNeeded, NotRecorded, DatabaseRefused.
    """

    def reopened(stored: Stored) -> ReopenedRecord:
        with store.database.reading.connect() as connection:
            return reopen(stored, partial(kept_decider, connection))

    def work(transaction: sa.Connection) -> int:
        def counting() -> engine.BundleCounters | None:
            try:
                now = kept_bundles.active_bundle(transaction)
                return engine.BundleCounters(kept_bundles.load_kept(transaction, now.source, now.meaning))
            except kept_bundles.NotKept:
                return None

        if found := holds(transaction, stored.entry.id, law, counting, datetime.now(UTC), zone):
            raise StillNeeded(found)
        return store.erase_in(transaction, stored.entry.id, by)

    law = bound(stored, reopened)
    return await store.do(work)


def _of_law(law: RetentionTerm, since: date) -> Iterator[ErasureHold]:
    if law.why_not:
        yield ErasureHold("not-decidable", f"nobody can say how long a law asks to keep it: {law.why_not}", None)
    for each in law.duties:
        part = each.part
        cited = f"{part.under}, {part.citation}" if part.citation and part.citation not in part.under else part.under
        may = "asks" if part.certain else "may ask"
        if part.keep:
            until = each.kept_until(since)
            end = f"until {until}" if until else "from which no last day can be read"
            yield ErasureHold("kept-by-law", f"{cited} {may} to keep the proof for {part.keep}, {end}", until)
        if part.due and not each.done:
            yield ErasureHold("duty-open", f"{cited} {may} for something that is due on {part.due} and not done", part.due)


def _of_commitments(
    connection: sa.Connection, id: str, law: RetentionTerm, counting: Callable[[], engine.BundleCounters | None], today: Moment
) -> Iterator[ErasureHold]:
    for row in connection.execute(sa.select(commitment).where(_of(id), commitment.c.state == "committed")):
        if law.runs_until is None:
            yield ErasureHold("commitment-runs", f"the commitment {row.id} runs until it is withdrawn or amended", None)
        else:
            yield ErasureHold("commitment-runs", f"the commitment {row.id} runs until {law.runs_until}", law.runs_until)
        mine = sa.select(movement).where(movement.c.commitment == row.id, movement.c.live.is_(sa.true()), OF_COUNTERS)
        moved = connection.execute(mine.order_by(movement.c.fact)).all()
        present = counting() if moved else None
        counters = {(each.name, each.meaning): each for each in present.counters} if present else {}
        for each in moved:
            counter = counters.get((each.counter, each.meaning))
            if counter is None:
                yield ErasureHold("counter-counts", f"`{each.counter}` has another meaning now, or is gone: {_AGAIN}", None)
            elif (last := counter.window.last(date.fromisoformat(each.day))) >= today.day(counter):
                yield ErasureHold("counter-counts", f"`{each.fact}` counts it until {last}", max(last, today.as_of))


def _of_sign_offs(connection: sa.Connection, id: str) -> Iterator[ErasureHold]:
    later = sign_off.alias("later")
    # What one person approved may count beside what another one approved later.
    replaces = sa.or_(later.c.verdict == "refuse", later.c.person.is_not_distinct_from(sign_off.c.person))
    overtaken = sa.exists().where(
        later.c.provision == sign_off.c.provision,
        later.c.facts == sign_off.c.facts,
        later.c.number > sign_off.c.number,
        replaces,
    )
    mine = (sign_off.c.decision == id, sign_off.c.verdict == "approve", sign_off.c.facts.is_not(None), ~overtaken)
    for row in connection.execute(sa.select(sign_off.c.provision, sign_off.c.until).where(*mine).order_by(sign_off.c.number)):
        yield ErasureHold(
            "signed-off", f"the approval of `{row.provision}` stands until {row.until}", date.fromisoformat(row.until)
        )
    # INVARIANT (no erasure approves): a refusal without its facts would no longer end what was approved for another decision.
    earlier, refusal = sign_off.alias("earlier"), sign_off
    ends = sa.and_(
        earlier.c.provision == refusal.c.provision,
        earlier.c.facts == refusal.c.facts,
        earlier.c.decision != id,
        earlier.c.number < refusal.c.number,
        earlier.c.verdict == "approve",
    )
    ended = sa.select(refusal.c.provision, sa.func.max(earlier.c.until).label("until")).join_from(refusal, earlier, ends)
    ended = ended.where(refusal.c.decision == id, refusal.c.verdict == "refuse").group_by(refusal.c.provision)
    for row in connection.execute(ended.order_by(refusal.c.provision)):
        why = f"the refusal of `{row.provision}` ends an approval that was given until {row.until} for another decision"
        yield ErasureHold("signed-off", why, date.fromisoformat(row.until))


def _of_confirmations(connection: sa.Connection, id: str) -> Iterator[ErasureHold]:
    later = document_confirmation.alias("later")
    withdrawn = sa.exists().where(
        later.c.binding == document_confirmation.c.binding,
        later.c.decision == id,
        later.c.verdict == "withdraw",
        later.c.number > document_confirmation.c.number,
    )
    mine = (document_confirmation.c.decision == id, document_confirmation.c.verdict != "withdraw")
    columns = (document_confirmation.c.name, document_confirmation.c.until, document_confirmation.c.verdict)
    rows = sa.select(*columns).where(*mine, document_confirmation.c.binding.is_not(None), ~withdrawn)
    for row in connection.execute(rows.order_by(document_confirmation.c.number)):
        until = date.fromisoformat(row.until)
        if row.verdict == "confirm":
            yield ErasureHold("document-confirmed", f"`{row.name}` is confirmed until {until}", until)
        else:
            yield ErasureHold("document-signed", f"the signed statement on `{row.name}` runs until {until}", until)


def _ends(connection: sa.Connection, id: str, law: RetentionTerm, zone: str) -> Iterator[date]:
    """The days, in a time zone, on which the commitments of a record end or ended."""
    if law.runs_until is not None:
        yield law.runs_until
    ended = sa.select(commitment_event.c.at).join(commitment, commitment.c.id == commitment_event.c.commitment)
    of_an_end = ("withdrawn", "amended")
    for at in connection.execute(ended.where(_of(id), commitment_event.c.kind.in_(of_an_end))).scalars():
        yield datetime.fromisoformat(at).astimezone(time_zone(zone)).date()


def _of(id: str) -> sa.ColumnElement[bool]:
    """The commitments of a record: of the decision that the caller named, and of the one that was made when it was committed."""
    return sa.or_(commitment.c.decision == id, commitment.c.evaluation == id)
