"""
One commitment, decided again: the present basis of its outcome goes in; changes since the last decision, and those ahead, come out.

The outcome that is expected on a day is the one that was told last for this day, or the one by which it was committed. The commitment is
decided with what it rests on now. If that gives another outcome on the day up to which it was told already, a ground has moved, and is
named. From there on the days are walked on which a test can change, as far ahead as the round looks.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from functools import partial
from typing import Any

import sqlalchemy as sa

import engine
from service.documents.stated_documents import states_a_hash
from service.watch.findings import WITHOUT_OUTCOME, EarlierFinding, EventKind, OutcomeExplanation, WatchFinding, provisions_key
from service.watch.outcome_basis import ANY_KEY, Grounds, PromisedDuty, Reason
from service.watch.outlook import CommitmentState, Outlook
from service.watch.watched_commitments import NotDecidable, WatchedCommitment

UNDECIDABLE = "undecidable"
_DAY = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class CommitmentReview:
    """What is to be told of a commitment, and what is kept of it."""

    committed: WatchedCommitment
    findings: tuple[WatchFinding, ...]
    told_until: date
    next_day: date | None
    sign_offs: int
    erased: bool
    grounds: Grounds


class OneCommitment:
    """One commitment on its way through the days."""

    def __init__(
        self,
        outlook: Outlook,
        connection: sa.Connection,
        committed: WatchedCommitment,
        reasons: Sequence[Reason],
        told: Sequence[EarlierFinding],
    ) -> None:
        self._outlook, self._connection, self.committed = outlook, connection, committed
        self._reasons, self._told = reasons, told
        self._changed = set(reasons) != {"day"}
        self._today, self._until = outlook.today, outlook.until
        seen = committed.row.watched
        self._held = Grounds() if seen is None else Grounds.read(seen.watched_grounds)
        self._from = date.fromisoformat(seen.watched_told_until) if seen is not None else committed.row.as_of
        self._found: list[WatchFinding] = []
        self._states: dict[date, CommitmentState] = {}

    @property
    def begin(self) -> date:
        """The day from which on it is looked at."""
        return min(self._from, self._today) if self._changed else self._from

    def looked(self) -> CommitmentReview:
        """What is to be told, and what is kept. Raises engine.EnginesFailed."""
        today, changed, begin = self._today, self._changed, self.begin
        state = self._state(begin)
        runs = self.committed.runs_until(state.exchange) if state.exchange is not None else None
        over = runs is not None and runs < today
        if not over and (state.outcome != self._expected(begin) or (state.why and not self._told_undecidable(state.why))):
            state, begin = self._state(today), today
            self._ground_moved(state)
        until = self._until if runs is None else min(self._until, runs)
        days = {} if over else self._days_of_register() | self._days_of_rights(state)
        state = self._walk(state, begin, until, {day: cause for day, cause in sorted(days.items()) if begin < day <= until})
        if changed:
            self._averted(begin, self._until)  # also what lay behind an end that is new
        dues = self._dues()
        upcoming = [self._outlook.ahead(state, max(until, begin)).next_day if runs is None or until < runs else None]
        upcoming += [next((day for day in sorted(days) if day > until), None), min((each.day for each in dues), default=None)]
        told = self._not_told()
        if len(told) < len(self._found) and begin <= today and self._said(told) != self._state(today).outcome:
            upcoming.append(today + _DAY)  # the same cause has moved it back and forth in one day: another day tells it
        return CommitmentReview(
            self.committed,
            told,
            max(until, begin),
            min((day for day in upcoming if day is not None), default=None),
            self._outlook.tokens.sign_offs if state.signable else -1,
            self.committed.erased,
            replace(self._grounds(state), dues=dues),
        )

    # --- the days ----------------------------------------------------------------------------------------------------

    def _walk(self, state: CommitmentState, begin: date, until: date, days: Mapping[date, Reason]) -> CommitmentState:
        """From a day to another, over the days on which what the register or a book says changes; returns the state on the last stretch."""
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
                    self._add(state, day, before, days[day], (days[day],))
        return state

    def _day_moved(self, move: engine.OutcomeMove, before: str | None, standing: CommitmentState) -> None:
        explained = self._outlook.explain(standing)
        if move.provisions:
            explained = replace(explained, provisions=move.provisions)
        causes = move.causes or ("date",)
        name = "+".join(causes) + provisions_key(explained.provisions)
        kind = self._kind(move.day)
        self._found.append(WatchFinding(kind, name, move.day, before, standing.outcome, causes, move.because, explained))

    def _ground_moved(self, state: CommitmentState) -> None:
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
        state: CommitmentState,
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
            name = cause if cause.startswith("bundle:") else cause + provisions_key(explained.provisions)
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

    def _grounds(self, state: CommitmentState) -> Grounds:
        tokens, connection = self._outlook.tokens, self._connection
        names = [tokens.hashed(connection, kind, id) for kind, id, _ in self.committed.entities]
        counters = self._held.counters
        if state.exchange is not None:
            counting, counts, exchange = self._outlook.live.counting, self._outlook.counts, state.exchange
            counters, counted = (), self.committed.record.get("counted", {})
            for counter in counting.counters:
                _, keys = counts.book.keys(connection, counter, counting.key(counter, exchange))
                if not keys and any(counted[fact]["from"] != "ledger" for fact in counter.facts if fact in counted):
                    keys = (ANY_KEY,)
                token = tokens.counter(connection, counter.meaning, keys)
                counters = (*counters, (counter.name, counter.meaning, keys, token))
        rights = self._held.rights
        if state.exchange is not None:
            assets = self._outlook.counts.rights.assets(connection, self._outlook.live, state.exchange)
            rights = {asset: tokens.rights(connection, asset) for asset in assets}
        hashed = state.exchange is not None and states_a_hash(state.exchange.document)
        documents = tokens.documents if hashed else ""
        return Grounds({name: tokens.entity(name) for name in names}, counters, rights=rights, documents=documents)

    def _dues(self) -> tuple[PromisedDuty, ...]:
        """The duties that are not told yet; those that fall due soon are told."""
        left = []
        for due in self._held.dues if self.committed.row.watched is not None else self._promised():
            if due.day > self._until:
                left.append(due)
                continue
            remedy = {"do": "perform", "duty": due.duty, "who": due.who}
            self._found.append(
                WatchFinding(
                    "due", f"due:{due.duty}"[:300], due.day, None, None, ("duty",), (), OutcomeExplanation(remedy=remedy)
                )
            )
        return tuple(left)

    def _promised(self) -> Iterator[PromisedDuty]:
        """The duties with a last day that were owed when this was committed. Of an answer that leaves some out, all are found again."""
        decision = self.committed.record["decision"]
        owed: Sequence[Mapping[str, Any]] = decision.get("owed") or ()
        if (decision.get("more") or {}).get("owed") and not self.committed.erased:
            owed = self._outlook.duties(self._state(self.committed.row.as_of)) or owed
        for each in owed:
            if each.get("due") and each.get("overdue") != "yes":
                yield PromisedDuty(date.fromisoformat(each["due"]), each["duty"], each["who"])

    # --- small questions ---------------------------------------------------------------------------------------------

    def _state(self, day: date) -> CommitmentState:
        if day not in self._states:
            self._states[day] = self._outlook.state(self._connection, self.committed, day)
        return self._states[day]

    def _kind(self, since: date) -> EventKind:
        return "expected" if since > self._today else "moved"

    def _expected(self, day: date) -> str | None:
        """The outcome that was told for a day."""
        return _last([(each.since, each.kind, each.outcome) for each in self._told], day, self.committed.outcome)

    def _expected_with_found(self, day: date) -> str | None:
        now = [(each.since, each.kind, each.after) for each in self._found]
        before = [(each.since, each.kind, each.outcome) for each in self._told if each.since <= self._today]
        return _last([*before, *now], day, self.committed.outcome)

    def _said(self, told: Sequence[WatchFinding]) -> str | None:
        """The outcome that is told for today, with what is told now."""
        now = [(each.since, each.kind, each.after) for each in told]
        before = [(each.since, each.kind, each.outcome) for each in self._told]
        return _last([*before, *now], self._today, self.committed.outcome)

    def _not_told(self) -> tuple[WatchFinding, ...]:
        """What was found and is not told yet, each cause once for a day."""
        first: dict[tuple[str, date], WatchFinding] = {}
        for each in self._found:
            first.setdefault((each.cause, each.since), each)
        names = {(each.cause, each.since) for each in self._told}
        return tuple(each for name, each in first.items() if name not in names)

    def _told_undecidable(self, why: str) -> bool:
        """Whether it was told last that it cannot be decided, for the same reason."""
        last = [each for each in self._told if each.kind not in WITHOUT_OUTCOME and each.since <= self._today]
        return bool(last) and sorted(last, key=lambda each: each.since)[-1].cause == f"{UNDECIDABLE}:{why}"

    def _causes(self) -> tuple[str, ...]:
        """The grounds that have moved. Those of a commitment that is new to the watch are found by its record."""
        if "new" not in self._reasons:
            return tuple(each for each in self._reasons if each != "day") or ("date",)
        record = self.committed.record
        found = ["bundle"] if record["bundle"]["meaning"] != self._outlook.live.digests.meaning else []
        filled = record["request"].get(engine.REGISTER, {})
        known = sorted(str(each.get("version")) for each in filled.values())
        try:
            tokens = self._outlook.tokens
            now = self.committed.exchange(
                self._outlook.live, self._connection, self._today, partial(tokens.held, self._connection)
            ).document
            versions = sorted(str(each.get("version")) for each in now.get(engine.REGISTER, {}).values())
        except NotDecidable:
            versions = []
        found += ["register"] if known != versions else []
        exchange = self._state(self._today).exchange
        if exchange is not None and exchange.document.get(engine.BOOKS) != record["request"].get(engine.BOOKS):
            found.append("rights")
        return tuple(found) or (("sign-offs",) if record.get("signed_off") else ("counters",))

    def _days_of_rights(self, state: CommitmentState) -> dict[date, Reason]:
        """The days on which a line of a book begins or ends on which the exchange rests."""
        if state.exchange is None:
            return {}
        outlook, connection = self._outlook, self._connection
        days = outlook.counts.rights.days(connection, outlook.live, state.exchange, outlook.made(self.committed, self._today))
        return dict.fromkeys(days, "rights")

    def _days_of_register(self) -> dict[date, Reason]:
        """The days on which another version of an entity begins to speak, or on which it may no longer be named."""
        if not self._outlook.tokens.registers or self.committed.erased:
            return {}
        days = set()
        for version in self.committed.versions(self._connection):
            if version.content.valid_from:
                days.add(date.fromisoformat(version.content.valid_from))
            if version.content.valid_until:
                days.add(date.fromisoformat(version.content.valid_until) + _DAY)
        return dict.fromkeys(days, "register")


def _last(told: Sequence[tuple[date, str, str | None]], day: date, first: str) -> str | None:
    """The outcome of the last of some events for a day; `first` without any."""
    outcome: str | None = first
    for _, _, after in sorted(
        (each for each in told if each[0] <= day and each[1] not in WITHOUT_OUTCOME), key=lambda each: each[0]
    ):
        outcome = after
    return outcome
