"""
One commitment, decided again: what it rests on now goes in, what has moved since it was last decided comes out, and what will.

The outcome that is expected on a day is the one that was told last for this day, or the one by which it was committed. The commitment is
decided with what it rests on now. If that gives another outcome on the day up to which it was told already, a ground has moved, and is
named. From there on the days are walked on which a test can change, as far ahead as the round looks. Its own contribution is taken out of
the counters and comes back as that of the exchange itself, so it counts once. Counters are those of today on every day.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from hashlib import sha256
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

import engine
from service.decisions.decider import Decider
from service.ledger.counts import Counts
from service.log.canonical_json import canonical
from service.problems import RequestRefused
from service.register.stated_facts import ROLES
from service.watch.committed import Committed, NotDecidable
from service.watch.findings import EventKind, Explained, WatchFinding, explain, named
from service.watch.grounds import Due, Grounds, Reason, Tokens, of_row

MOST_REMEMBERED = 2_000
UNDECIDABLE = "undecidable"
_DAY = timedelta(days=1)

Key = TypeVar("Key")
Found = TypeVar("Found")


class Remembered(Generic[Key, Found]):
    """The results of the same work for the same key; what was not used for longest goes first."""

    def __init__(self) -> None:
        self._found: OrderedDict[Key, Found] = OrderedDict()

    def get(self, key: Key, make: Callable[[], Found]) -> Found:
        """What was made for a key."""
        if key not in self._found:
            self._found[key] = make()
            if len(self._found) > MOST_REMEMBERED:
                self._found.popitem(last=False)
        self._found.move_to_end(key)
        return self._found[key]


@dataclass(frozen=True, slots=True)
class Told:
    """What was told of a commitment earlier: an outcome for the days from `since` on."""

    kind: str
    cause: str
    since: date
    outcome: str | None


@dataclass(frozen=True, slots=True)
class Looked:
    """What is to be told of a commitment, and what is kept of it."""

    committed: Committed
    findings: tuple[WatchFinding, ...]
    told_until: date
    next_day: date | None
    sign_offs: int
    erased: bool
    grounds: Grounds


@dataclass(frozen=True, slots=True)
class _State:
    """
    How a commitment stands on a day: its exchange and the judgement, or why it cannot be decided.

    `key` is the same for exchanges that are decided alike; the judgement may be that of another one.
    """

    key: bytes = b""
    exchange: engine.Exchange | None = None
    judgement: engine.Judgement | None = None
    why: str = ""

    @property
    def outcome(self) -> str | None:
        """The outcome, None where there is none."""
        return self.judgement.outcome.word if self.judgement else None


class Outlook:
    """Decides commitments again, in one round. The same exchange is decided once, whoever its parties are."""

    def __init__(self, decider: Decider, counts: Counts, tokens: Tokens, today: date, until: date) -> None:
        self._decider = decider
        self.counts, self.tokens, self.live = counts, tokens, tokens.live
        self.today, self.until = today, until
        self._judged: Remembered[tuple[bytes, date], engine.Judgement] = Remembered()
        self._ahead: Remembered[tuple[bytes, date, date], engine.OutcomesAhead] = Remembered()
        self._duties: Remembered[tuple[bytes, date], Any] = Remembered()
        self._explained: Remembered[tuple[bytes, date], Explained] = Remembered()
        tested = self.live.pdp.tested
        self._nameless = tuple(role for role in ROLES if f"{role}.id" not in tested)

    def look(self, connection: sa.Connection, committed: Committed, reasons: Sequence[Reason], told: Sequence[Told]) -> Looked:
        """Decide a commitment again. Raises engine.EnginesFailed."""
        return _Look(self, connection, committed, reasons, told).looked()

    # --- for a look --------------------------------------------------------------------------------------------------

    def state(self, connection: sa.Connection, committed: Committed, day: date) -> _State:
        """How a commitment stands on a day."""
        try:
            exchange = committed.exchange(self.live, connection, day)
            filled = self.counts.fill(
                connection,
                self.live,
                exchange,
                self.tokens.moment,
                after=committed.row.named,
                without=committed.row.id,
            )
        except NotDecidable as cannot:
            return _State(why=cannot.why)
        except RequestRefused:
            return _State(why="policies")
        key = self._key(connection, filled.exchange)

        def judge() -> engine.Judgement:
            return self._decider.judged(self.live, filled.exchange, day, day, connection)[1]

        return _State(key, filled.exchange, self._judged.get((key, day), judge))

    def ahead(self, state: _State, until: date) -> engine.OutcomesAhead:
        """The days on which the outcome of a state moves, up to a day."""
        judgement = state.judgement
        if judgement is None:
            return engine.OutcomesAhead()
        return self._ahead.get((state.key, judgement.as_of, until), lambda: self.live.pdp.ahead(judgement, until))

    def duties(self, state: _State) -> Sequence[Mapping[str, Any]]:
        """The duties that are owed in a state."""
        judgement = state.judgement
        if judgement is None:
            return ()

        def make() -> Any:
            told = self.live.pdp.explain(judgement, today=judgement.as_of, id="", parts=("duties",))
            return json.loads(told)["duties"]

        found: Sequence[Mapping[str, Any]] = self._duties.get((state.key, judgement.as_of), make)
        return found

    def explain(self, state: _State) -> Explained:
        """Why a state has its outcome, and what to do."""
        judgement = state.judgement
        if judgement is None:
            return Explained(remedy={"do": "withdraw" if state.why == "erased" else "evaluate-again"})
        return self._explained.get((state.key, judgement.as_of), lambda: explain(self.live, judgement))

    def _key(self, connection: sa.Connection, exchange: engine.Exchange) -> bytes:
        """The same for exchanges that are decided alike. Approvals stand for the facts of one exchange, ids included."""
        document: Mapping[str, Any] = exchange.document
        if self.tokens.sign_offs == 0:
            for role in self._nameless:
                document = engine.put(document, f"{role}.id", None) if isinstance(document.get(role), dict) else document
        return sha256(canonical(dict(document))).digest()


class _Look:
    """One commitment on its way through the days."""

    def __init__(
        self,
        outlook: Outlook,
        connection: sa.Connection,
        committed: Committed,
        reasons: Sequence[Reason],
        told: Sequence[Told],
    ) -> None:
        self._outlook, self._connection, self._committed = outlook, connection, committed
        self._reasons, self._told = reasons, told
        self._today, self._until = outlook.today, outlook.until
        seen = committed.row.watched
        self._held = of_row(seen)
        self._from = date.fromisoformat(seen.watched_told_until) if seen is not None else committed.row.as_of
        self._names = {(each.cause, each.since) for each in told}
        self._found: list[WatchFinding] = []
        self._states: dict[date, _State] = {}

    def looked(self) -> Looked:
        """What is to be told, and what is kept."""
        today, changed = self._today, set(self._reasons) != {"day"}
        begin = min(self._from, today) if changed else self._from
        state = self._state(begin)
        if state.outcome != self._expected(begin) or (state.why and not self._told_undecidable(state.why)):
            state, begin = self._state(today), today
            self._ground_moved(state)
        runs = self._runs_until(state)
        until = self._until if runs is None else min(self._until, runs)
        days = self._days_of_register()
        state = self._walk(state, begin, until, [day for day in days if begin < day <= until])
        if changed:
            self._averted(begin, until)
        dues = self._dues()
        upcoming = [self._outlook.ahead(state, max(until, begin)).next_day if runs is None or until < runs else None]
        upcoming += [next((day for day in days if day > until), None), min((each.day for each in dues), default=None)]
        found = {(each.cause, each.since): each for each in reversed(self._found)}
        told = tuple(each for name, each in reversed(found.items()) if name not in self._names)
        return Looked(
            self._committed,
            told,
            max(until, begin),
            min((day for day in upcoming if day is not None), default=None),
            self._outlook.tokens.sign_offs if self._signable(state) else -1,
            self._committed.erased,
            replace(self._grounds(state), dues=dues),
        )

    # --- the days ----------------------------------------------------------------------------------------------------

    def _walk(self, state: _State, begin: date, until: date, days: Sequence[date]) -> _State:
        """From a day to another, over the days on which what the register says changes; returns the state on the last stretch."""
        for day in (*days, None):
            last = until if day is None else day - _DAY
            outcome, standing = state.outcome, state
            if begin < last:
                for move in self._outlook.ahead(state, last).moves:
                    standing = self._state(move.day)
                    if standing.outcome != outcome:
                        self._day_moved(move, outcome, standing)
                        outcome = standing.outcome
            if day is not None:
                before, state, begin = outcome, self._state(day), day
                if state.outcome != before:
                    self._add(state, day, before, "register", ("register",))
        return state

    def _day_moved(self, move: engine.OutcomeMove, before: str | None, standing: _State) -> None:
        explained = self._outlook.explain(standing)
        if move.provisions:
            explained = replace(explained, provisions=move.provisions)
        causes = move.causes or ("date",)
        name = "+".join(causes) + named(explained.provisions)
        kind = self._kind(move.day)
        self._found.append(WatchFinding(kind, name, move.day, before, standing.outcome, causes, move.because, explained))

    def _ground_moved(self, state: _State) -> None:
        """Tell that the outcome of today is another one, by a ground that is not the day."""
        before = self._expected(self._today)
        if state.outcome == before and not state.why:
            return
        if state.why and self._told_undecidable(state.why):
            return
        causes = self._causes()
        name = causes[0]
        more: dict[str, Any] = {}
        if name == "bundle":
            name = f"bundle:{self._outlook.live.digests.source[:12]}"
        if "counters" in causes:
            more["counters"] = self._outlook.tokens.moved_counters(self._connection, self._held)
        self._add(state, self._today, before, name, causes, more)

    def _add(
        self,
        state: _State,
        since: date,
        before: str | None,
        cause: str,
        causes: tuple[str, ...],
        more: Mapping[str, Any] | None = None,
    ) -> None:
        if state.why:
            found = WatchFinding(
                "undecidable",
                f"{UNDECIDABLE}:{state.why}",
                since,
                before,
                None,
                ("erased",) if state.why in ("erased", "entity-erased") else causes,
                (),
                self._outlook.explain(state),
                {"why": state.why},
            )
        else:
            explained = self._outlook.explain(state)
            name = cause if cause.startswith("bundle:") else cause + named(explained.provisions)
            kind = self._kind(since)
            found = WatchFinding(kind, name, since, before, state.outcome, causes, (), explained, more or {})
        self._found.append(found)

    def _averted(self, begin: date, until: date) -> None:
        """Tell that an outcome that was expected will not come about."""
        found = {each.since for each in self._found}
        last = {each.since: each for each in sorted(self._told, key=lambda each: each.since)}
        for since, told in last.items():
            if told.kind in ("expected", "undecidable") and max(begin, self._today) < since <= until and since not in found:
                after = self._expected_with_found(since)
                if after != told.outcome:
                    self._found.append(
                        WatchFinding("averted", f"averted:{told.cause}", since, told.outcome, after, self._causes())
                    )

    # --- what is kept ------------------------------------------------------------------------------------------------

    def _grounds(self, state: _State) -> Grounds:
        tokens, connection = self._outlook.tokens, self._connection
        names = [tokens.hashed(connection, kind, id) for kind, id, _ in self._committed.entities]
        counters = self._held.counters
        if state.exchange is not None:
            counting, counts, exchange = self._outlook.live.counting, self._outlook.counts, state.exchange
            counters = ()
            for counter in counting.counters:
                keys = counts.book.covering(connection, counter, counting.key(counter, exchange))
                token = tokens.counter(connection, counter.meaning, keys)
                counters = (*counters, (counter.name, counter.meaning, keys, token))
        return Grounds({name: tokens.entity(name) for name in names}, counters)

    def _dues(self) -> tuple[Due, ...]:
        """The duties that are not told yet; those that fall due soon are told."""
        left = []
        for due in self._held.dues if self._committed.row.watched is not None else self._promised():
            if due.day > self._until:
                left.append(due)
                continue
            remedy = {"do": "perform", "duty": due.duty, "who": due.who}
            self._found.append(
                WatchFinding("due", f"due:{due.duty}"[:300], due.day, None, None, ("duty",), (), Explained(remedy=remedy))
            )
        return tuple(left)

    def _promised(self) -> Iterator[Due]:
        """The duties with a last day that were owed when this was committed. Of an answer that leaves some out, all are found again."""
        decision = self._committed.record["decision"]
        owed: Sequence[Mapping[str, Any]] = decision.get("owed") or ()
        if (decision.get("more") or {}).get("owed") and not self._committed.erased:
            owed = self._outlook.duties(self._state(self._committed.row.as_of)) or owed
        for each in owed:
            if each.get("due") and each.get("overdue") != "yes":
                yield Due(date.fromisoformat(each["due"]), each["duty"], each["who"])

    # --- small questions ---------------------------------------------------------------------------------------------

    def _state(self, day: date) -> _State:
        if day not in self._states:
            self._states[day] = self._outlook.state(self._connection, self._committed, day)
        return self._states[day]

    def _kind(self, since: date) -> EventKind:
        return "expected" if since > self._today else "moved"

    def _expected(self, day: date) -> str | None:
        """The outcome that was told for a day."""
        return _last([(each.since, each.kind, each.outcome) for each in self._told], day, self._committed.outcome)

    def _expected_with_found(self, day: date) -> str | None:
        now = [(each.since, each.kind, each.after) for each in self._found]
        before = [(each.since, each.kind, each.outcome) for each in self._told if each.since <= self._today]
        return _last([*before, *now], day, self._committed.outcome)

    def _told_undecidable(self, why: str) -> bool:
        """Whether it was told last that it cannot be decided, for the same reason."""
        last = [each for each in self._told if each.kind != "due" and each.since <= self._today]
        latest = max(last, key=lambda each: each.since, default=None) if last else None
        return latest is not None and latest.cause == f"{UNDECIDABLE}:{why}"

    def _causes(self) -> tuple[str, ...]:
        """The grounds that have moved. Those of a commitment that is new to the watch are found by its record."""
        if "new" not in self._reasons:
            return tuple(each for each in self._reasons if each != "day") or ("date",)
        record = self._committed.record
        found = ["bundle"] if record["bundle"]["meaning"] != self._outlook.live.digests.meaning else []
        filled = record["request"].get(engine.REGISTER, {})
        known = sorted(str(each.get("version")) for each in filled.values())
        try:
            now = self._committed.exchange(self._outlook.live, self._connection, self._today).document
            versions = sorted(str(each.get("version")) for each in now.get(engine.REGISTER, {}).values())
        except NotDecidable:
            versions = []
        found += ["register"] if known != versions else []
        return tuple(found) or (("sign-offs",) if record.get("signed_off") else ("counters",))

    def _runs_until(self, state: _State) -> date | None:
        return self._committed.runs_until(state.exchange) if state.exchange is not None else None

    def _signable(self, state: _State) -> bool:
        judgement = state.judgement
        return judgement is not None and bool(judgement.signable or judgement.signed)

    def _days_of_register(self) -> list[date]:
        """The days on which another version of an entity begins to speak, or on which it may no longer be named."""
        if not self._outlook.tokens.registers or self._committed.erased:
            return []
        days = set()
        for version in self._committed.versions(self._connection):
            if version.content.valid_from:
                days.add(date.fromisoformat(version.content.valid_from))
            if version.content.valid_until:
                days.add(date.fromisoformat(version.content.valid_until) + _DAY)
        return sorted(days)


def _last(told: Sequence[tuple[date, str, str | None]], day: date, first: str) -> str | None:
    """The outcome of the last of some events for a day; `first` without any."""
    outcome: str | None = first
    for _, _, after in sorted((each for each in told if each[0] <= day and each[1] != "due"), key=lambda each: each[0]):
        outcome = after
    return outcome
