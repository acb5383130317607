"""
Decides access requests: questions in, answers out, with decisions to record. Searches are never recorded.

An evaluation becomes an exchange and is decided like any other exchange. A search asks what an evaluation would say for one candidate
after another, and returns the candidates for which the answer is yes.
"""

import asyncio
import base64
import hashlib
import json
import re
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any, Literal, TypeVar

import sqlalchemy as sa

import engine
from service.authzen import responses
from service.authzen.mapping import AccessMapping, NotNamed
from service.authzen.requests import Evaluation, PageRequest, Search, refusal
from service.authzen.responses import AccessAnswer
from service.callers.caller import Caller
from service.decisions.answer_options import AnswerOptions
from service.decisions.decider import DecidedNow, Decider
from service.decisions.exchange_judge import ExchangeJudge
from service.decisions.ledger_counts import LedgerCounts
from service.mappings.entity_store import Entities, EntityNotValid, KnownEntities
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused, not_readable
from service.service import Service

_NO_ID = re.compile("[\x00-\x1f\x7f\ud800-\udfff]")  # characters that must not reach a database
MOST_RESULTS = 100  # on a page
MOST_CANDIDATES = 200  # that one search decides on
Blank = Literal["subject", "resource", "action"]
Found = TypeVar("Found")


@dataclass(frozen=True, slots=True)
class SearchResults:
    """The results of a search. `next_token` is empty at the end."""

    results: Sequence[Mapping[str, str]]
    next_token: str


class AccessDecisionPoint:
    """Answers access requests by the bundle of `live`."""

    def __init__(self, service: Service, live: Live, mapping: AccessMapping, entities: Entities) -> None:
        self._service = service
        self._live = live
        self._mapping = mapping
        self._entities = entities
        self._decider = Decider(service)
        self._judge = ExchangeJudge(service)
        self._ledger = LedgerCounts(service)

    def known(self) -> KnownEntities:
        """A view of the store for one request."""
        return KnownEntities(self._entities)

    async def evaluate(
        self, asked: Evaluation, known: KnownEntities, now: datetime, request_id: str, caller: Caller
    ) -> tuple[AccessAnswer, DecidedNow | None]:
        """The answer to one question, and the decision to record before the answer leaves. Raises RequestRefused."""
        today = self._service.settings.day_of(now)
        try:
            exchange = await self._stored(lambda: self._mapping.exchange(asked, known, today, caller.reads))
        except (NotNamed, EntityNotValid) as reason:
            return responses.not_named(str(reason)), None
        async with self._service.turns.of(caller.id):
            self._check_same_people(exchange, now, caller)
            decided = self._decider.decide(
                self._live,
                exchange,
                AnswerOptions(),
                now,
                request_id,
                caller,
                denied=lambda written: responses.why_denied(written, asked.supported),
            )
            return responses.answer(decided.told, asked.supported, self._mapping.ignored(asked)), decided

    async def facts(self, asked: Evaluation, known: KnownEntities, now: datetime, request_id: str, caller: Caller) -> str:
        """The digest of the facts of a question, as approvals are bound to it. Raises RequestRefused."""
        today = self._service.settings.day_of(now)
        try:
            exchange = await self._stored(lambda: self._mapping.exchange(asked, known, today))
        except (NotNamed, EntityNotValid) as reason:
            raise RequestRefused("access-refused", str(reason)) from None
        async with self._service.turns.of(caller.id):
            judgement = self._judge.look(self._live, exchange, now, request_id)
        return engine.facts_digest(self._live.bundle, judgement.exchange.document)

    async def search(self, sent: Search, blank: Blank, now: datetime, request_id: str, caller: Caller) -> SearchResults:
        """The entities or actions for which the answer is yes. Raises RequestRefused."""
        asked, page = sent.question, sent.page or PageRequest()
        digest = _digest(asked, blank)
        after = _after(page.token, digest)
        limit = min(page.limit or MOST_RESULTS, MOST_RESULTS)
        known, today = self.known(), self._service.settings.day_of(now)
        day = self._mapping.day(asked, today)
        try:
            all_known = await self._stored(lambda: self._all_known(asked, blank, known, day))
        except EntityNotValid:
            all_known = False
        if not all_known:
            return SearchResults((), "")
        candidates = await self._stored(lambda: self._candidates(asked, blank, after, known, day))
        results: list[Mapping[str, str]] = []
        for number, (candidate, shown) in enumerate(candidates[:MOST_CANDIDATES]):
            if await self._permits(candidate, known, now, request_id, caller):
                results.append(shown)
            if len(results) == limit and number + 1 < len(candidates):
                return SearchResults(results, _token(_last(candidate, blank), digest))
        more = len(candidates) > MOST_CANDIDATES
        return SearchResults(results, _token(_last(candidates[MOST_CANDIDATES - 1][0], blank), digest) if more else "")

    def _all_known(self, asked: Evaluation, blank: Blank, known: KnownEntities, day: date) -> bool:
        """Whether every named entity, other than the blank, is known. If one is unknown, the search finds nothing."""

        def is_known(kind: str, id: str) -> bool:
            found = known.find(kind, id, day)
            return found is not None and not found.alike

        subject = self._mapping.subject_kind(asked.subject.type)
        resource = self._mapping.resource_kind(asked.resource.type)
        return (
            subject is not None
            and resource is not None
            and (blank == "subject" or is_known(subject, asked.subject.id))
            and (blank == "resource" or is_known(resource, asked.resource.id))
            and (blank == "action" or asked.action.name in self._mapping.actions)
        )

    def _candidates(
        self, asked: Evaluation, blank: Blank, after: str, known: KnownEntities, day: date
    ) -> Sequence[tuple[Evaluation, Mapping[str, str]]]:
        """The question for each of the next candidates, and the candidate's form in the results. There is one more than are decided on."""
        if blank == "action":
            names = [name for name in sorted(self._mapping.actions) if name > after]
            return [(replace(asked, action=replace(asked.action, name=name)), {"name": name}) for name in names]
        sent = asked.subject if blank == "subject" else asked.resource
        kinds = self._mapping.subject_kind if blank == "subject" else self._mapping.resource_kind
        kind = kinds(sent.type)
        assert kind is not None
        found = []
        for each in known.list(kind, after, MOST_CANDIDATES + 1, day):
            filled = replace(sent, id=each.id)
            question = replace(asked, subject=filled) if blank == "subject" else replace(asked, resource=filled)
            found.append((question, responses.entity(filled)))
        return found

    async def _permits(self, asked: Evaluation, known: KnownEntities, now: datetime, request_id: str, caller: Caller) -> bool:
        """
        The answer that an evaluation would give. It refuses the same requests, also where no engine can decide.

        Only a candidate of which the store knows what cannot be true together with the request is no reason to refuse the others.
        """
        today = self._service.settings.day_of(now)
        try:
            exchange = await self._stored(lambda: self._mapping.exchange(asked, known, today))
        except EntityNotValid:
            return False
        except RequestRefused as refused:
            if any(not place.pointer and place.code == engine.INCOHERENT for place in refused.errors or ()):
                return False
            raise
        async with self._service.turns.of(caller.id):
            self._check_same_people(exchange, now, caller)
            judgement = self._judge.look(self._live, exchange, now, request_id)
            if not judgement.proceeds(today) or responses.carries_out(asked.supported):
                return judgement.proceeds(today)
            # Duties are known only once the decision is written.
            return not responses.why_denied(self._live.pdp.tell(judgement, today=today, id=""), asked.supported)

    def _check_same_people(self, exchange: engine.Exchange, now: datetime, caller: Caller) -> None:
        """An earlier data set that a request names must count wherever the exchange does. Raises RequestRefused."""
        try:
            self._ledger.check_same_people(self._live, exchange, now, caller)
        except RequestRefused as refused:
            if refused.kind != "exchange-refused":
                raise
            facts = {each.pointer: each.pointer[1:].replace("/", ".") for each in refused.errors or ()}
            raise refusal(
                [
                    each.model_copy(update={"pointer": "", "detail": f"`{facts[each.pointer]}` {each.detail}"})
                    for each in refused.errors or ()
                ]
            ) from None

    async def _stored(self, look: Callable[[], Found]) -> Found:
        """Run a look-up of the store in a thread. Raises RequestRefused where the store cannot be read."""
        try:
            return await asyncio.to_thread(look)
        except sa.exc.SQLAlchemyError:
            raise not_readable("register") from None


def _last(asked: Evaluation, blank: Blank) -> str:
    match blank:
        case "subject":
            return asked.subject.id
        case "resource":
            return asked.resource.id
    return asked.action.name


def _digest(asked: Evaluation, blank: Blank) -> str:
    """The digest of a search. A token is valid only for its own search."""
    parts: list[Any] = [blank, *([each.type, each.id, each.properties] for each in (asked.subject, asked.resource))]
    parts += [asked.action.name, asked.action.properties, asked.context]
    return hashlib.sha256(json.dumps(parts, sort_keys=True).encode()).hexdigest()[:16]


def _token(after: str, digest: str) -> str:
    return base64.urlsafe_b64encode(json.dumps([digest, after]).encode()).decode("ascii")


def _after(token: str, digest: str) -> str:
    """The candidate after which to go on. Raises RequestRefused where the token belongs to another search."""
    if not token:
        return ""
    try:
        of, after = json.loads(base64.b64decode(token, altchars=b"-_", validate=True))
    except (ValueError, TypeError, RecursionError):
        of = after = None
    if of != digest or not isinstance(after, str) or _NO_ID.search(after):
        raise refusal([ProblemPlace(pointer="/page/token", code="wrong-value", detail="is not a `next_token` of this search")])
    return after
