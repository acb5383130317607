"""
Writing commitments: a decided exchange that really happens goes in; its commitment, what it adds to the counters, and its later changes
are written.

The id of a decision goes in; a commitment comes out, or the reason why there is none. Everything is done inside one writing
transaction, so the counters cannot move between the judgement and the commitment. Only the state of a commitment changes, and whether
its movements count. Everything that happens to it is added as an event.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa
from pydantic import Field
from uuid_utils import uuid7

import engine
from service.callers import known_persons
from service.callers.caller import LOCAL, Caller
from service.callers.context import Administering, Committing, Reading
from service.callers.sending import Reason, Sending
from service.decisions.answer_options import AnswerOptions
from service.decisions.decider import DecidedNow, Decider
from service.decisions.exchange_judge import ExchangeJudge, JudgedExchange
from service.ledger import commitment_references, flow_lines, money_sums, party_view, repeated_people
from service.ledger.benefit_book import book_settlement, check_within, reverse_settlement
from service.ledger.commitment_events import carry_stages, note, standing
from service.ledger.commitment_list import Commitment, CounterMovePart, State, counted_part, known
from service.ledger.commitment_references import CommitmentReference, References
from service.ledger.counter_book import Book
from service.ledger.counter_marks import bare
from service.ledger.counter_totals import Moment
from service.ledger.exchange_counters import CounterFiller, FilledExchange
from service.ledger.party_view import EXPORTER
from service.ledger.promise_book import Replaced
from service.ledger.recorded_exchange import exchange_again
from service.log import tree_leaves
from service.log.canonical_json import canonical
from service.log.leaf import with_personal_values
from service.log.record import exchange_of
from service.log.store import Stored, find
from service.log.tree_leaves import LogEvent
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused
from service.register import entity_versions, named_exchanges
from service.register.stated_facts import ROLES
from service.service import Service
from service.store.counter_secret import LOST
from service.store.moments import moment_text
from service.store.tables import commitment, counted, movement
from service.store.tables import record as records

ID = r"^[!-~]{1,64}$"
_CHUNK = 25
_REFERENCES = "numbers of orders, contracts and invoices by which others know the exchange"


class CommitSent(Sending):
    decision: str = Field(pattern=ID, description="the id of the decision")
    references: References = Field(default=[], description=_REFERENCES)


class WithdrawSent(Sending):
    reason: Reason


class EndSent(Sending):
    from_: date = Field(alias="from", description="the first day on which the rights no longer stand")
    reason: Reason = Field(description="why they end")


class AmendSent(Sending):
    decision: str = Field(pattern=ID, description="the id of the decision on the exchange as it really happens")
    reason: Reason
    references: References = Field(default=[], description=_REFERENCES + ", beside those of the commitment that it replaces")


@dataclass(frozen=True, slots=True)
class CommitResult:
    """The result of committing: the new decision, the number of its record, and the commitment."""

    decided: DecidedNow
    sequence: int
    commitment: Commitment


class NoLongerPermitted(Exception):
    """
    An exchange may not proceed with the present counters, and nothing was written.

    `tell` gives the decision, which says why. This takes longer than judging; done after the transaction, it holds up no other commitment.
    """

    def __init__(self, tell: Callable[[], DecidedNow]) -> None:
        super().__init__("the decision moved")
        self.tell = tell


@dataclass(frozen=True, slots=True)
class _Ready:
    """A decision that may be committed: its record, its exchange, which is decided again, and who asked for it."""

    stored: Stored
    exchange: engine.Exchange
    moment: Moment
    asker: Caller | None


class CommitmentWriter:
    """Commits for one service. The methods that write are work for `Store.do`."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._decider = Decider(service)
        self._judge = ExchangeJudge(service)
        self._book = Book()
        self._counts = CounterFiller(service.settings, self._book)
        self._flows = flow_lines.FlowLines(self._book)

    # --- work that writes --------------------------------------------------------------------------------------------

    def commit(
        self,
        context: Committing,
        decision: str,
        transaction: sa.Connection,
        old: str = "",
        reason: str | None = None,
        references: Sequence[CommitmentReference] = (),
    ) -> CommitResult:
        """
        Judge the exchange of a decision again with the present counters, and commit it if it may still proceed.

        `old` is the commitment that it replaces. Raises Moved if the exchange may not proceed, and RequestRefused.
        """
        live, now, caller, request_id = context.live, context.now, context.caller, context.request_id
        if old:
            party_view.check_commitment(transaction, self._book, old, caller)
            standing(transaction, old)
        ready = self._ready(transaction, live, decision, now, caller, instead=bool(old))
        replaced = None
        if old:
            replaced = self._replaced(transaction, live, old)
            self._end(transaction, old, "superseded", now)
        filled = self._filled(transaction, live, ready)
        settled = engine.settle(live.bundle.vocabulary, filled.exchange)
        check_within(settled, filled.exchange.benefits, caller)
        judged = self._judge.judge(live, ready.exchange, now, request_id, filled, transaction, ready.asker)
        tell = partial(self._decider.tell, judged, AnswerOptions(), request_id, caller, contract=_contract(ready.stored))
        if not judged.proceeds:
            raise NoLongerPermitted(tell)  # this undoes everything: the old commitment counts as before
        moved = _contributions(live, judged.unsigned, ready.moment)
        _check_keys(moved, judged.unsigned.exchange)
        decided = tell()
        (sequence,) = self._service.store.record(transaction, [decided.entry])
        id, at = str(uuid7()), moment_text(now)
        exporter = None if EXPORTER in filled.exchange.disputed else live.counting.part(EXPORTER, filled.exchange)
        shown: dict[str, Any] = {
            "id": id,
            "decision": decision,
            "evaluation": decided.id,
            "sequence": sequence,
            "as_of": ready.moment.as_of.isoformat(),
            "replaces": old or None,
            "counting": live.counting.meaning,
        }
        hashed = None if exporter is None else self._book.hashed(transaction, (EXPORTER,), (exporter,))
        row = {**shown, "exporter": hashed, "committed_at": at, "state": "committed"}
        transaction.execute(sa.insert(commitment).values(row))
        tree_leaves.append(transaction, LogEvent("commitment", at, shown, {"exporter": hashed}))
        if old:
            note(transaction, old, "amended", at, caller.id, reason, id)
        note(transaction, id, "committed", at, caller.id, reason, old or None)
        if old:
            carry_stages(transaction, old, id, at, caller.id)
            commitment_references.carry(transaction, old, id, decided.id, at, caller.id)
        commitment_references.add(transaction, id, decided.id, references, at, caller.id)
        self._counts.rights.write(transaction, live, filled.exchange, id, sequence, ready.moment.as_of, at)
        self._counts.benefits.name(transaction, live, filled.exchange, id, filled.benefits, at)
        data = repeated_people.data_set(transaction, self._book, live, filled.exchange)
        shares = self._counts.shares.moved(transaction, live, filled.exchange, ready.moment.as_of)
        self._book.move(transaction, id, sequence, [*moved, *shares], data)
        self._counts.promises.make(transaction, live, id, filled.exchange, at, replaced)
        self._book.note(transaction, live.counting, _last_day(ready.moment, moved))
        accounts = {} if filled.benefits is None else filled.benefits.accounts
        book_settlement(transaction, self._book, id, filled.exchange, settled, ready.moment.as_of, at, accounts)
        self._flows.enter(transaction, live, id, ready.moment.as_of, judged.unsigned)
        told = known(id, transaction)
        return CommitResult(decided, sequence, told.model_copy(update={"counters": _moves(filled, moved)}))

    def withdraw(self, context: Committing, id: str, sent: WithdrawSent, transaction: sa.Connection) -> Commitment:
        """End a commitment whose exchange does not happen: it no longer counts. Raises RequestRefused."""
        party_view.check_commitment(transaction, self._book, id, context.caller)
        standing(transaction, id)
        self._end(transaction, id, "withdrawn", context.now)
        note(transaction, id, "withdrawn", moment_text(context.now), context.caller.id, sent.reason, None)
        return known(id, transaction)

    def end_rights(self, context: Committing, id: str, sent: EndSent, transaction: sa.Connection) -> Commitment:
        """End the rights that a commitment granted, from a day on. It stays committed, and counts as before. Raises RequestRefused."""
        party_view.check_commitment(transaction, self._book, id, context.caller)
        standing(transaction, id)
        at, by = moment_text(context.now), context.caller.id
        self._counts.rights.end(transaction, id, sent.from_, at)
        note(transaction, id, "ended", at, by, sent.reason, None, {"from": sent.from_.isoformat()})
        return known(id, transaction)

    def recount(self, context: Administering, after: int, transaction: sa.Connection) -> tuple[int, list[str], int | None]:
        """
        Count some commitments again under the present meanings of the counters: the first ones after a record.

        Returns the number of those counted, the ids of those that cannot be, and the record to go on after, None at the end.
        """
        live = context.live
        rows = transaction.execute(
            sa.select(commitment)
            .where(commitment.c.state == "committed", commitment.c.sequence > after, _counted_otherwise(live))
            .order_by(commitment.c.sequence)
            .limit(_CHUNK)
        ).all()
        if not rows:
            self._forget_meanings(transaction, live)
            return 0, [], None
        failed = [row.id for row in rows if not self._recounted(transaction, context, row)]
        return len(rows) - len(failed), failed, rows[-1].sequence

    # --- work that reads ---------------------------------------------------------------------------------------------

    def judged_now(self, context: Reading, decision: str, connection: sa.Connection) -> JudgedExchange:
        """
        The exchange of a decision as it would be committed now: judged again, with the present counters. Nothing is written.

        Raises RequestRefused where it cannot be committed. Whether it may proceed is for the caller to see.
        """
        live, now = context.live, context.now
        ready = self._ready(connection, live, decision, now, context.caller, instead=False)
        filled = self._filled(connection, live, ready)
        return self._judge.judge(live, ready.exchange, now, context.request_id, filled, connection, ready.asker)

    # --- inside ------------------------------------------------------------------------------------------------------

    def _ready(
        self, transaction: sa.Connection, live: Live, decision: str, now: datetime, caller: Caller, *, instead: bool
    ) -> _Ready:
        """
        The exchange of a decision that can be committed. Raises RequestRefused.

        `instead`: it replaces another commitment, which was in the counters when the decision was made. So the decision may say no:
        only the judgement without that commitment matters.
        """
        stored = find(transaction, decision)
        if stored is None:
            raise RequestRefused("not-found", "no decision with this id is recorded")
        party_view.check_decision(stored, caller)
        # Committing makes a second decision on the same exchange, which is then committed too.
        same = sa.or_(commitment.c.decision == decision, commitment.c.evaluation == decision)
        taken = transaction.execute(sa.select(commitment.c.id).where(same)).scalars().first()
        if taken is not None:
            raise RequestRefused("not-committable", f"the decision was committed already, as {taken}")
        record = with_personal_values(stored.entry.leaf, stored.entry.openings)
        said = record["decision"]
        if said.get("hypothetical") is not False:
            raise RequestRefused("not-committable", "the decision is hypothetical: evaluate the exchange as of today")
        if said.get("proceed") is not True and not instead:
            raise RequestRefused("not-committable", "the decision does not let the exchange proceed")
        if "denied" in record:
            raise RequestRefused("not-committable", f"the caller was answered no: {record['denied']}")
        today = self._service.settings.day_of(now)
        as_of = date.fromisoformat(record["as_of"])
        if not today - timedelta(days=self._service.settings.commit_within_days) <= as_of <= today:
            raise RequestRefused("not-committable", "the day of the decision is over: evaluate the exchange again")
        exchange = self._exchange(live, record, today)
        party_view.check_counted(live, exchange, caller)
        leaf = transaction.execute(sa.select(records.c.leaf_index).where(records.c.sequence == stored.sequence)).scalar_one()
        for name, kind, id, version in _entities(exchange, record):
            if version is None:
                as_before = named_exchanges.unknown(transaction, kind, id)
                as_before = as_before and not entity_versions.looks_like(transaction, kind, id)
            else:
                as_before = named_exchanges.stands(transaction, kind, id, version, leaf, today)
            if not as_before:
                detail = (
                    f"the register no longer says what it said of `{name}` when this was decided: evaluate the exchange again"
                )
                raise RequestRefused("not-committable", detail)
        return _Ready(stored, exchange, Moment(today, now), self._asker(transaction, record))

    def _filled(self, connection: sa.Connection, live: Live, ready: _Ready) -> FilledExchange:
        """The exchange of a decision with the present counters. Raises RequestRefused."""
        try:
            return self._counts.fill(connection, live, ready.exchange, ready.moment, after=ready.stored.sequence)
        except RequestRefused as refused:
            if refused.kind != "exchange-refused":  # rows that somebody else changed, for one
                raise
            raise RequestRefused("not-committable", f"{refused.detail}: evaluate the exchange again") from None

    def _asker(self, transaction: sa.Connection, record: Mapping[str, Any]) -> Caller | None:
        """Who asked for a decision: what she confirmed herself is not shown, whoever commits."""
        id = record.get("asked_by")
        if id is None:
            return LOCAL
        who = known_persons.behind(transaction, id, self._service.settings.jwt_issuer or None)
        return Caller(id, frozenset(), person=who)

    def _replaced(self, transaction: sa.Connection, live: Live, id: str) -> Replaced | None:
        """A commitment that another one replaces; None where the policies can no longer read its exchange."""
        evaluation = transaction.execute(sa.select(commitment.c.evaluation).where(commitment.c.id == id)).scalar_one()
        stored = find(transaction, evaluation)
        assert stored is not None
        exchange = exchange_again(live, stored)
        return None if exchange is None else Replaced(id, exchange)

    def _exchange(self, live: Live, record: dict[str, Any], today: date) -> engine.Exchange:
        """The exchange of a record as its caller sent it, as of today. Raises RequestRefused."""
        request = dict(bare(exchange_of(record), record.get("counted", {})))
        if request.get("as_of") != today.isoformat():
            request.pop("as_of", None)
        try:
            return engine.parse_exchange(live.bundle, canonical(request))
        except engine.ExchangeRefused:
            raise RequestRefused(
                "not-committable",
                "the policies can no longer read the exchange, or a personal value was erased: evaluate the exchange again",
            ) from None

    def _end(self, transaction: sa.Connection, id: str, state: State, now: datetime) -> None:
        at = moment_text(now)
        transaction.execute(sa.update(commitment).where(commitment.c.id == id).values(state=state))
        self._counts.shares.pass_on(transaction, id)
        self._book.end(transaction, id)
        self._counts.promises.end(transaction, id)
        self._counts.rights.void(transaction, id, at)
        reverse_settlement(transaction, id, self._service.settings.day_of(now), at)
        self._flows.end(transaction, id)

    def _recounted(self, transaction: sa.Connection, context: Administering, row: Any) -> bool:
        """Count one commitment under the present meanings of the counters, with the day and the facts of the commitment."""
        live, caller = context.live, context.caller
        stored = find(transaction, row.evaluation)
        assert stored is not None
        exchange = exchange_again(live, stored)
        if exchange is None:
            return False
        moment = Moment(date.fromisoformat(row.as_of), datetime.fromisoformat(row.committed_at))
        try:
            judgement = context.judge_again(stored.entry.id, live.pdp, exchange, moment.as_of, ())
        except engine.EnginesFailed:
            return False
        if not judgement.agreed:
            return False  # nobody knows how it counts; what it counted before stays
        shares = self._counts.shares.moved(transaction, live, exchange, moment.as_of)
        moved = [*_contributions(live, judgement, moment), *shares]
        rows = transaction.execute(sa.select(movement).where(movement.c.commitment == row.id)).all()
        current = set(live.counting.meanings)
        self._book.end(transaction, row.id, {each.meaning for each in rows} - current)
        counts = {(each.fact, each.meaning) for each in rows if each.live}
        known = {(each.fact, each.meaning) for each in rows}
        for each in moved:
            place = each[0].place, each[1].meaning
            if place in known and place not in counts:
                self._book.revive(transaction, row.id, *place)
        new = [each for each in moved if (each[0].place, each[1].meaning) not in known]
        data = repeated_people.data_set(transaction, self._book, live, exchange)
        self._book.move(transaction, row.id, row.sequence, new, data, first=False)
        self._counts.promises.again(transaction, live, row.id, exchange, moment_text(self._service.clock()))
        self._book.note(transaction, live.counting, _last_day(moment, moved))
        self._flows.enter(transaction, live, row.id, moment.as_of, judgement)
        transaction.execute(sa.update(commitment).where(commitment.c.id == row.id).values(counting=live.counting.meaning))
        at = moment_text(self._service.clock())
        live_now = transaction.execute(
            sa.select(movement.c.fact, movement.c.meaning)
            .where(movement.c.commitment == row.id, movement.c.live.is_(sa.true()))
            .order_by(movement.c.fact, movement.c.meaning)
        )
        told: dict[str, Any] = {
            "counting": live.counting.meaning,
            "before": row.counting,
            "counts": [list(each) for each in live_now],
        }
        note(transaction, row.id, "recounted", at, caller.id, None, None, told)
        return True

    def _forget_meanings(self, transaction: sa.Connection, live: Live) -> None:
        """Delete the meanings under which no commitment is counted any more."""
        self._book.note(transaction, live.counting, self._service.today)
        used = sa.exists().where(commitment.c.counting == counted.c.counting, commitment.c.state == "committed")
        gone = (counted.c.counting.not_in((live.counting.meaning, LOST)), ~used)
        forgotten = transaction.execute(sa.select(counted.c.counting).where(*gone).distinct()).scalars().all()
        if forgotten:
            transaction.execute(sa.delete(counted).where(*gone))
            members: dict[str, Any] = {"countings": sorted(forgotten)}
            tree_leaves.append(transaction, LogEvent("counting-forgotten", moment_text(self._service.clock()), members))


def _contract(stored: Stored) -> Mapping[str, Any]:
    """The contract that was read into the exchange of a decision, as its record has it; nothing where there is none, or it was erased."""
    found: Mapping[str, Any] = with_personal_values(stored.entry.leaf, stored.entry.openings).get("contract", {})
    return found if "digest" in found else {}


def _entities(exchange: engine.Exchange, record: Mapping[str, Any]) -> Iterator[tuple[str, str, str, int | None]]:
    """
    The entities of a record: the fact that states the id, the kind, the id, and the version used, None where the register did not have it.
    """
    for name, entity in record["request"].get(engine.REGISTER, {}).items():
        known = exchange.register.get(name)
        # Of an entity that the id only looks like, what the register states has its own id.
        id = entity.get("id") or (known.states.get(name) if known and known.alike else exchange.value(name))
        yield name, entity["kind"], id if isinstance(id, str) else "", entity.get("version")
    for role, kind in ROLES.items():
        name = f"{role}.id"
        id = exchange.value(name)
        if name not in exchange.register and role not in exchange.register and isinstance(id, str):
            yield name, kind, id, None


def _contributions(
    live: Live, judgement: engine.Judgement, moment: Moment
) -> list[tuple[engine.Contribution, engine.Counter, date]]:
    """What a judged exchange adds to each counter, and on which day of that counter's calendar."""
    counters = {each.name: each for each in live.counting.counters}
    if not counters:
        return []
    # The engines are not compared in what counts, and a count too low could permit too much later: so it is read by the reference.
    defined = live.pdp.defined(judgement.exchange, judgement.as_of, live.counting.definitions)
    found = live.counting.contributions(judgement.exchange, judgement.verdict, defined)
    return [(each, counters[each.counter], moment.day(counters[each.counter])) for each in found]


def _check_keys(moved: Sequence[tuple[engine.Contribution, engine.Counter, date]], exchange: engine.Exchange) -> None:
    """Raises RequestRefused where an exchange does not say by whom it counts: nobody could add it up (semantics 2.8)."""
    keys = ((counter.per, each.key) for each, counter, _ in moved)
    facts = [*dict.fromkeys(fact for per, key in keys for fact, part in zip(per, key, strict=True) if part is None)]
    if facts:
        named = ", ".join(f"`{fact}`" for fact in facts)
        detail = f"a law counts such exchanges by {named}, which this one does not say: evaluate it again with it"
        places = tuple(ProblemPlace(pointer="/" + fact.replace(".", "/"), code="counts-by", detail=detail) for fact in facts)
        raise RequestRefused("not-committable", detail, errors=places)


def _counted_otherwise(live: Live) -> sa.ColumnElement[bool]:
    """Whether a commitment was counted, or read for the statistics, under another meaning than the present one."""
    otherwise = commitment.c.counting != live.counting.meaning
    return sa.or_(otherwise, flow_lines.lacks_line(live.flows.meaning)) if live.flows.meaning else otherwise


def _last_day(moment: Moment, moved: Sequence[tuple[engine.Contribution, engine.Counter, date]]) -> date:
    return max([moment.as_of, *(day for _, _, day in moved)])


def _moves(
    filled: FilledExchange, moved: Sequence[tuple[engine.Contribution, engine.Counter, date]]
) -> dict[str, CounterMovePart]:
    """The ledger's counts without an exchange, and with it."""
    told = {}
    for each, counter, _ in moved:
        before, currency = filled.others[each.fact], filled.currencies.get(each.fact, "")
        adds = replace(each.tally, most=0) if counter.name in filled.again else each.tally
        after = before + adds if each.currency == currency else money_sums.open_above(before)
        told[each.fact] = CounterMovePart(
            before=counted_part(counter, before, currency), after=counted_part(counter, after, currency)
        )
    return told
