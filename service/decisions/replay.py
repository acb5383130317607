"""
Replay: deciding a recorded exchange again, and comparing the two decisions.

Input: a stored record, and the policies that decided it. Output: the differences. The same version of the engine must give the same
bytes, another version the same meaning. Under other semantics whatever comes out now is no fault: the result tells both (semantics 5.5).
Erased values are gone: the exchange is decided without them, and the result says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from functools import partial
from itertools import islice
from threading import Lock
from typing import Any, Literal, Self

import sqlalchemy as sa
from fastapi import FastAPI

import engine
from service.callers.context import Reading
from service.decisions import log_access
from service.ledger import counter_marks
from service.log.canonical_json import canonical
from service.log.leaf import erased as erased_of
from service.log.leaf import with_personal_values
from service.log.record import SCHEMA, PolicyDigests, exchange_of, shown_until
from service.log.store import Stored
from service.policies.kept_bundles import NotKept, load_kept
from service.problems import RequestRefused
from service.reviews.sign_off import REVIEW
from service.service import Service
from service.telemetry.incidents import JudgeAgain, judge_again

MOST_DIFFERENCES = 20
ENGLISH = "en"  # in which a record names no language
_HORIZON = "holds_until"
Finding = Literal["bytes", "meaning", "nothing"]

# The decision point for the digests of a bundle and the mode of the engine. Raises CannotReplay.
Deciders = Callable[[PolicyDigests, str], engine.PDP]


# Why a record cannot be replayed: its bytes are not sound, it needs policies that are not here or another version of this program, the
# exchange is no longer accepted, no engine could decide it, or there is no such record.
Cause = Literal["unsound", "policies", "version", "refused", "failed", "missing"]


class CannotReplay(RequestRefused):
    """The record cannot be replayed here; the message says why, and `cause` in a word."""

    def __init__(self, message: str, cause: Cause) -> None:
        super().__init__("cannot-replay", message)
        self.cause: Cause = cause

    def __str__(self) -> str:
        return self.detail


@dataclass(frozen=True, slots=True)
class ReplayDifference:
    """A place in the decision, as a JSON Pointer, with the recorded and the replayed value there; None if there is no value."""

    pointer: str
    recorded: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """
    The result of a replay. `same` says what is the same: the bytes, the meaning but not the bytes, or nothing.

    `holds`: the result is as expected for these versions and these erased values. `erased` has pointers into the request. `refused` says
    why this version would refuse the exchange, where the record is of other semantics; then nothing was decided.
    """

    id: str
    holds: bool
    same: Finding
    recorded_by: str
    replayed_by: str
    recorded_under: int
    replayed_under: int
    bundle: str
    erased: tuple[str, ...]
    differences: tuple[ReplayDifference, ...]
    refused: str | None = None


@dataclass(frozen=True, slots=True)
class ReopenedRecord:
    """A record whose exchange was judged again: by `pdp/judging`, on its day, with the approvals that it rests on."""

    record: dict[str, Any]
    erased: tuple[str, ...]
    pdp: engine.PDP
    judgement: engine.Judgement
    today: date

    def whole(self, lang: str | None = None) -> dict[str, Any]:
        """The whole decision on the record's exchange, as this version decides and tells it; its language by default."""
        decision = self.pdp.tell(
            self.judgement, today=self.today, id=self.record["id"], lang=lang or self.record.get("lang", ENGLISH)
        )
        found: dict[str, Any] = json.loads(decision.canonical())
        return found

    def explanation(self, parts: Collection[str], lang: str | None = None) -> str:
        """Parts of the explanation, as JSON: those that the caller would have got with the answer."""
        lang = lang or self.record.get("lang", ENGLISH)
        return self.pdp.explain(self.judgement, today=self.today, id=self.record["id"], parts=parts, lang=lang)

    @property
    def same_verdict(self) -> bool:
        """Whether this version comes to the recorded verdict."""
        return bool(self.record["decision"]["verdict"] == self.pdp.digest(self.judgement))

    def last_day(self) -> date | None:
        """The last day on which the same facts certainly have the same outcome; None if it does not change within years."""
        if not self.same_verdict:
            return date.fromisoformat(self.record["as_of"])
        last: str | None = json.loads(self.explanation((_HORIZON,)))[_HORIZON]["holds_until"]
        return None if last is None else date.fromisoformat(last)


@dataclass(frozen=True, slots=True)
class ReplayConditions:
    """What to decide a record by instead of what decided it: other policies, the law of another day; None leaves it as it was."""

    bundle: PolicyDigests | None = None
    as_of: date | None = None


@dataclass(frozen=True, slots=True)
class ReopenedExchange:
    """The exchange of a record as it is judged again: by `pdp`, under the law of `as_of`, with the approvals `signed`."""

    record: dict[str, Any]
    erased: tuple[str, ...]
    pdp: engine.PDP
    exchange: engine.Exchange
    as_of: date
    today: date
    signed: list[engine.Approval]


def reopened_exchange(stored: Stored, deciders: Deciders, otherwise: ReplayConditions | None = None) -> ReopenedExchange:
    """
    Read the exchange of a record again, by what decided it or otherwise. Raises CannotReplay, engine.ExchangeRefused.

    Of the approvals that it rests on, those that ran out before the day do not count, and none counts under other policies. What was shown
    when it was decided is shown until its last day.
    """
    record = _record(stored)
    wanted = otherwise or ReplayConditions()
    recorded, decided_by = record["decision"], PolicyDigests(**record["bundle"])
    bundle = wanted.bundle or decided_by
    erased = erased_of(stored.entry.openings)
    request = exchange_of(record)
    for pointer in erased:
        _remove(request, pointer)
    pdp = deciders(bundle, recorded["engine"]["mode"])
    recorded_as_of = date.fromisoformat(record["as_of"])
    as_of = wanted.as_of or recorded_as_of
    # The present day decides only whether the decision is hypothetical.
    hypothetical = recorded["hypothetical"] or as_of != recorded_as_of or bundle != decided_by
    today = as_of + (timedelta(days=1 if as_of < date.max else -1) if hypothetical else timedelta())
    signed = [engine.Approval.told(part) for part in record.get("signed_off", ())]
    if otherwise:
        signed = [each for each in signed if each.until >= as_of and bundle == decided_by]
    exchange = engine.parse_exchange(pdp.bundle, json.dumps(request, ensure_ascii=False).encode())
    exchange = exchange.as_shown(shown_until(record))
    marks = record.get("counted", {})
    exchange = engine.counted(pdp.bundle, exchange, **counter_marks.sources(marks))
    return ReopenedExchange(record, erased, pdp, exchange, as_of, today, signed)


def reopen(
    stored: Stored, deciders: Deciders, otherwise: ReplayConditions | None = None, judge: JudgeAgain = judge_again
) -> ReopenedRecord:
    """Judge the exchange of a record again, by what decided it or otherwise. Raises CannotReplay, engine.ExchangeRefused."""
    again = reopened_exchange(stored, deciders, otherwise)
    try:
        judgement = judge(stored.entry.id, again.pdp, again.exchange, again.as_of, again.signed)
    except engine.EnginesFailed as failed:
        raise CannotReplay(f"no engine could decide: {failed}", "failed") from None
    return ReopenedRecord(again.record, again.erased, again.pdp, judgement, again.today)


def whole_decision(stored: Stored, deciders: Deciders, lang: str) -> dict[str, Any]:
    """
    The whole decision of a record, told again in a language.

    Raises CannotReplay, also where this version comes to another verdict: what it would tell is then not the decision that was recorded.
    """
    try:
        again = reopen(stored, deciders)
        if not again.same_verdict:
            told = "this version comes to another verdict, so it cannot tell why the recorded one was given"
            raise CannotReplay(told, "version")
        return again.whole(lang)
    except engine.ExchangeRefused as refused:
        raise CannotReplay(f"engine {engine.__version__} no longer accepts this exchange: {refused}", "refused") from None


def replay(stored: Stored, deciders: Deciders, judge: JudgeAgain = judge_again) -> Replay:
    """Decide the request of a record again, on its day and under its policies. Raises CannotReplay."""
    return replay_with_members(stored, deciders, judge)[0]


def replay_with_members(
    stored: Stored, deciders: Deciders, judge: JudgeAgain = judge_again
) -> tuple[Replay, tuple[ReplayDifference, ...]]:
    """
    A replay, and the differences in what the record holds beside its decision: the verdict, who may sign off, and what is signed off.

    Those are compared where the same version decides the whole exchange again; their pointers lead into the record. Raises CannotReplay.
    """
    record = _record(stored)
    recorded, version, under = record["decision"], record["engine"]["version"], record["engine"]["semantics"]
    erased = erased_of(stored.entry.openings)

    def found(holds: bool, same: Finding, differences: Iterable[ReplayDifference] = (), refused: str | None = None) -> Replay:
        return Replay(
            id=stored.entry.id,
            holds=holds or under != engine.SEMANTICS,
            same=same,
            recorded_by=version,
            replayed_by=engine.__version__,
            recorded_under=under,
            replayed_under=engine.SEMANTICS,
            bundle=record["bundle"]["source"],
            erased=erased,
            differences=tuple(islice(differences, MOST_DIFFERENCES)),
            refused=refused,
        )

    try:
        again = reopen(stored, deciders, judge=judge)
    except engine.ExchangeRefused as refused:
        if under != engine.SEMANTICS:
            return found(True, "nothing", refused=str(refused)), ()
        raise CannotReplay(f"engine {engine.__version__} no longer accepts this exchange: {refused}", "refused") from None
    beside: tuple[ReplayDifference, ...] = ()
    written = _answered(again)
    replayed: dict[str, Any] = json.loads(written.canonical())
    if version == engine.__version__ and not erased:
        beside = tuple(_beside(again, written))
    differences = tuple(_differences(meaning(recorded), meaning(replayed), ""))
    same: Finding = "nothing" if differences else "meaning"
    if canonical(replayed) == canonical(recorded):
        same = "bytes"
    elif not differences:
        differences = tuple(_differences(recorded, replayed, ""))
    holds = same == "bytes" or (same == "meaning" and (bool(erased) or version != engine.__version__))
    return found(holds, same, differences), beside


def kept_decider(connection: sa.Connection, bundle: PolicyDigests, mode: str) -> engine.PDP:
    """The policies that a database keeps, ready to decide. Raises CannotReplay, also where their bytes do not have their digest."""
    try:
        kept = load_kept(connection, bundle.source, bundle.meaning)
    except NotKept as not_kept:
        told = f"the replay needs the policies with the source digest {bundle.source}: {not_kept}"
        raise CannotReplay(told, "policies") from None
    if kept.digests.source != bundle.source:
        told = f"the policies that are kept with the source digest {bundle.source} have another digest: they were changed"
        raise CannotReplay(told, "unsound")
    return decider(kept, bundle, mode)


def decider(policies: engine.Bundle, bundle: PolicyDigests, mode: str) -> engine.PDP:
    """These policies, ready to decide, if they are those that decided. Raises CannotReplay."""
    if policies.digests.source != bundle.source:
        raise CannotReplay(
            f"these policies did not decide this record; the replay needs the policies with the source digest {bundle.source}",
            "policies",
        )
    if mode not in engine.MODES:
        raise CannotReplay(f"the record was decided in the mode `{mode}`, which this version does not have", "version")
    return engine.PDP(policies, mode)


def meaning(decision: dict[str, Any]) -> dict[str, Any]:
    """What an answer means, however it is worded: outcomes, and the digest of its verdict."""
    plain = {name: decision.get(name) for name in ("proceed", "outcome", "bounds", "beneath", "as_of", "hypothetical")}
    plain["jurisdictions"] = {part["jurisdiction"]: [part["outcome"], part.get("bounds")] for part in decision["jurisdictions"]}
    return plain | {"verdict": decision["verdict"], "signed_off": _signed_off(decision)}


def _signed_off(decision: dict[str, Any]) -> list[list[str]]:
    return [[part["provision"], part["accepts"]] for part in decision.get("signed_off") or ()]


def _record(stored: Stored) -> dict[str, Any]:
    if faults := stored.faults():
        raise CannotReplay(f"the record is not sound: {'; '.join(faults)}", "unsound")
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    if record.get("schema") != SCHEMA:
        raise CannotReplay("the record has a shape that this version does not know", "version")
    return record


def _answered(again: ReopenedRecord) -> engine.WrittenDecision:
    """The answer of a record again, in its language."""
    id, lang = again.record["id"], _known(again.record.get("lang", ENGLISH))
    return again.pdp.answer(again.judgement, today=again.today, id=id, lang=lang)


def _beside(again: ReopenedRecord, written: engine.WrittenDecision) -> Iterator[ReplayDifference]:
    """The differences in what a record holds beside its answer."""
    signed = [part.model_dump(mode="json") for part in again.judgement.signed_off]
    members = {
        "verdict": json.loads(written.verdict),
        "signable": list(written.signable) if written.outcome == REVIEW else None,
        "signed_off": signed or None,
    }
    for name, value in members.items():
        yield from _differences(again.record.get(name), value, f"/{name}")


def _known(lang: str) -> str:
    """The language of a record. Raises CannotReplay."""
    if lang not in engine.LANGUAGES:
        raise CannotReplay(f"the decision was written in the language `{lang}`, which this version does not have", "version")
    return lang


def _remove(document: Any, pointer: str) -> None:
    *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for step in steps:
        document = document[int(step)] if isinstance(document, list) else document[step]
    del document[int(last) if isinstance(document, list) else last]


def _differences(recorded: Any, replayed: Any, at: str) -> Iterator[ReplayDifference]:
    match recorded, replayed:
        case dict(), dict():
            for name in sorted(recorded.keys() | replayed.keys()):
                yield from _differences(
                    recorded.get(name), replayed.get(name), f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
                )
        case list(), list() if len(recorded) == len(replayed):
            for number, (one, other) in enumerate(zip(recorded, replayed, strict=True)):
                yield from _differences(one, other, f"{at}/{number}")
        case _ if recorded != replayed:
            yield ReplayDifference(at, recorded, replayed)


class Replayer:
    """Replays one decision at a time. It keeps the last policies it loaded, since loading them takes as long as a start."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._lock = Lock()
        self._last: tuple[tuple[str, str, str], engine.PDP] | None = None

    @classmethod
    def shared(cls, app: FastAPI, service: Service) -> Self:
        """The one of an application: each could keep policies of its own, which take as much memory as those that decide."""
        found: Self = app.state.shared.setdefault(cls, cls(service))
        return found

    def replay_of(self, context: Reading, id: str) -> Replay:
        """A decision made again, and compared with what is recorded. Raises RequestRefused."""
        stored = self._service.read(lambda connection: log_access.record(context, id, connection))
        with self._lock:
            return replay(stored, self._decider, context.judge_again)

    def reopened_of(self, context: Reading, id: str) -> ReopenedRecord:
        """The record of a decision whose exchange is judged again. Raises RequestRefused."""
        stored = self._service.read(lambda connection: log_access.record(context, id, connection))
        return self.reopened(stored, request_id=context.request_id)

    def reopened(
        self, stored: Stored, otherwise: ReplayConditions | None = None, request_id: str | None = None
    ) -> ReopenedRecord:
        """A record whose exchange is judged again, by what decided it or otherwise. Raises CannotReplay, RequestRefused."""
        judge = partial(self._service.incidents.judge_again, request_id)
        with self._lock:
            try:
                return reopen(stored, self._decider, otherwise, judge)
            except engine.ExchangeRefused as refused:
                raise CannotReplay(
                    f"engine {engine.__version__} no longer accepts this exchange: {refused}", "refused"
                ) from None

    def _decider(self, bundle: PolicyDigests, mode: str) -> engine.PDP:
        live = self._service.live
        if live.digests == bundle and live.pdp.mode == mode:
            return live.pdp
        key = (bundle.source, bundle.meaning, mode)
        if self._last is None or self._last[0] != key:
            self._last = None
            self._last = (key, self._service.read(lambda connection: kept_decider(connection, bundle, mode)))
        return self._last[1]
