"""
The state of a commitment: a commitment and a day go in, its judgement under the present counters, register and policies comes out.

A commitment's own contribution is taken out of the counters and comes back as that of the exchange itself, so it counts once. Counters are
those of today on every day. The same exchange is decided once, whoever its parties are: what was found is remembered for a round.

Many commitments are foreseen in passes of lanes, each on all days that count. Those that stay permitted as they are need no engine. One of
each pass is judged all the same: where the judgement is another, nothing is foreseen, and the engines decide all.
"""

import json
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from datetime import date
from functools import cached_property, partial
from hashlib import sha256
from typing import Any, Generic, TypeVar

import sqlalchemy as sa

import engine
from service.decisions.exchange_judge import ExchangeJudge
from service.ledger.exchange_counters import CounterFiller
from service.ledger.rights_book import EarlierCommitment
from service.log.canonical_json import canonical
from service.problems import RequestRefused
from service.register.stated_facts import ROLES
from service.watch.findings import OutcomeExplanation, explain
from service.watch.outcome_basis import GroundTokens
from service.watch.watched_commitments import NotDecidable, WatchedCommitment

MOST_REMEMBERED = 2_000

Key = TypeVar("Key")
Found = TypeVar("Found")


class RecentResults(Generic[Key, Found]):
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


@dataclass(frozen=True)
class CommitmentState:
    """
    How a commitment stands on a day: its exchange and the judgement, or why it cannot be decided.

    `key` is the same for exchanges that are decided alike; the judgement may be that of another one. It is made when it is first wanted:
    where the permit is `steady`, the outcome is known without it.
    """

    day: date
    key: bytes = b""
    exchange: engine.Exchange | None = None
    judge: Callable[[], engine.Judgement | None] = lambda: None
    why: str = ""
    steady: engine.SteadyPermit | None = None

    @cached_property
    def judgement(self) -> engine.Judgement | None:
        """The judgement, None where there is none."""
        return self.judge()

    @property
    def outcome(self) -> str | None:
        """The outcome, None where there is none."""
        if self.steady:
            return self.steady.word
        return self.judgement.outcome.word if self.judgement else None

    @property
    def signable(self) -> bool:
        """Whether a person may sign off something in it, or did."""
        return not self.steady and self.judgement is not None and bool(self.judgement.signable or self.judgement.signed)


class Outlook:
    """Decides commitments again, in one round. The same exchange is decided once, whoever its parties are."""

    def __init__(self, judge: ExchangeJudge, counts: CounterFiller, tokens: GroundTokens, today: date, until: date) -> None:
        self._judge = judge
        self.counts, self.tokens, self.live = counts, tokens, tokens.live
        self.today, self.until = today, until
        self._judged: RecentResults[tuple[bytes, date], engine.Judgement] = RecentResults()
        self._ahead: RecentResults[tuple[bytes, date, date], engine.OutcomesAhead] = RecentResults()
        self._duties: RecentResults[tuple[bytes, date], Any] = RecentResults()
        self._explained: RecentResults[tuple[bytes, date], OutcomeExplanation] = RecentResults()
        self._foreseen: dict[tuple[str, date], CommitmentState] = {}
        tested = self.live.pdp.tested
        self._nameless = tuple(role for role in ROLES if f"{role}.id" not in tested)

    def foresee(self, connection: sa.Connection, each: Sequence[tuple[WatchedCommitment, date]]) -> bool:
        """
        Find the permits that stay as they are, of many commitments, each from a day on.

        False where the engines contradict the lanes, so that the engines decide all of them.
        """
        self._foreseen.clear()
        found: dict[tuple[str, date], CommitmentState] = {}
        for committed, day in each:
            with suppress(Exception):  # whatever it is, it is raised when this one is looked at
                found[committed.row.id, day] = self._read(connection, committed, day)
        first: dict[tuple[bytes, date], tuple[engine.Exchange, date]] = {}
        for state in found.values():
            if state.exchange is not None:
                first.setdefault((state.key, state.day), (state.exchange, state.day))
        steady = dict(zip(first, self.live.pdp.steady(list(first.values()), self.until), strict=True))
        foreseen = {place: replace(state, steady=steady.get((state.key, state.day))) for place, state in found.items()}
        one = next((each for each in foreseen.values() if each.steady), None)
        judgement = one.judgement if one else None
        alike = one is None or (judgement is not None and judgement.outcome.word == one.outcome and not judgement.signable)
        self._foreseen = foreseen if alike else found
        return alike

    def state(self, connection: sa.Connection, committed: WatchedCommitment, day: date) -> CommitmentState:
        """How a commitment stands on a day. It is judged when that is wanted. Raises engine.EnginesFailed then."""
        foreseen = self._foreseen.get((committed.row.id, day))
        return self._read(connection, committed, day) if foreseen is None else foreseen

    def _read(self, connection: sa.Connection, committed: WatchedCommitment, day: date) -> CommitmentState:
        """A commitment on a day, before it is judged."""
        try:
            exchange = committed.exchange(self.live, connection, day, partial(self.tokens.held, connection))
            filled = self.counts.fill(
                connection,
                self.live,
                exchange,
                self.tokens.moment,
                after=committed.row.named,
                made=self.made(committed, day),
            )
        except NotDecidable as cannot:
            return CommitmentState(day, why=cannot.why)
        except RequestRefused:
            return CommitmentState(day, why="policies")
        exchange = self._judge.with_shown(self.live, filled.exchange, day, connection)
        key = self._key(connection, exchange)

        def judged() -> engine.Judgement:
            return self._judged.get((key, day), lambda: self._judge.judgements(self.live, exchange, day, day, connection)[1])

        return CommitmentState(day, key, exchange, judged)

    @staticmethod
    def made(committed: WatchedCommitment, day: date) -> EarlierCommitment:
        """A commitment, as it is held on a day against what was granted before it."""
        return EarlierCommitment(committed.row.id, committed.row.sequence, committed.row.as_of, day, committed.row.at)

    def ahead(self, state: CommitmentState, until: date) -> engine.OutcomesAhead:
        """The days on which the outcome of a state moves, up to a day."""
        if state.steady and until <= state.steady.until:
            return state.steady.ahead(until)
        judgement = state.judgement
        if judgement is None:
            return engine.OutcomesAhead()
        return self._ahead.get((state.key, judgement.as_of, until), lambda: self.live.pdp.ahead(judgement, until))

    def duties(self, state: CommitmentState) -> Sequence[Mapping[str, Any]]:
        """The duties that are owed in a state."""
        judgement = state.judgement
        if judgement is None:
            return ()

        def make() -> Any:
            told = self.live.pdp.explain(judgement, today=judgement.as_of, id="", parts=("duties",))
            return json.loads(told)["duties"]

        found: Sequence[Mapping[str, Any]] = self._duties.get((state.key, judgement.as_of), make)
        return found

    def explain(self, state: CommitmentState) -> OutcomeExplanation:
        """Why a state has its outcome, and what to do."""
        judgement = state.judgement
        if judgement is None:
            return OutcomeExplanation(remedy={"do": "withdraw" if state.why == "erased" else "evaluate-again"})
        return self._explained.get((state.key, judgement.as_of), lambda: explain(self.live, judgement))

    def _key(self, connection: sa.Connection, exchange: engine.Exchange) -> bytes:
        """The same for exchanges that are decided alike. Approvals stand for the facts of one exchange, ids included."""
        document: Mapping[str, Any] = exchange.document
        if self.tokens.sign_offs == 0:
            for role in self._nameless:
                document = (
                    engine.with_fact_set(document, f"{role}.id", None) if isinstance(document.get(role), dict) else document
                )
        shown = {name: until.isoformat() for name, until in exchange.shown_until.items()}
        alike: dict[str, Any] = {"exchange": dict(document), "shown": shown}
        return sha256(canonical(alike)).digest()
