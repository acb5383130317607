"""
Which of these recipients may take it: an exchange without a recipient and recipients go in, and what each comes to comes out, in brief.

Each recipient is read as the one of an exchange of its own, with what the register, the ledger and the books say. All are decided in one
pass of the program over lanes. What a pass cannot say is judged as any exchange is: who may take it, what is still to be asked, what a
person may approve. Nothing is recorded, so nothing can be committed: evaluate the exchange with the recipient before it happens.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any

from uuid_utils import uuid7

import engine
from service.callers.caller import Caller
from service.decisions.exchange_bodies import ExchangeBodies, refusal
from service.decisions.exchange_judge import ExchangeJudge
from service.limits import RECIPIENTS, RECIPIENTS_BYTES
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused, wrong_places
from service.register.named_exchanges import NAMED
from service.reviews import sign_off, standing_sign_off
from service.service import Service

RECIPIENT = "recipient"


@dataclass(frozen=True, slots=True)
class RecipientQuestion:
    """The next fact to find out, with the question that asks for it."""

    fact: str
    question: str


@dataclass(frozen=True, slots=True)
class RecipientDecided:
    """What comes of one recipient. `unmet` are titles of requirements, `prohibited_by` ids of provisions, each with its citation."""

    brief: engine.Brief
    proceed: bool
    unmet: Sequence[str]
    prohibited_by: Sequence[tuple[str, str]]
    question: RecipientQuestion | None


@dataclass(frozen=True, slots=True)
class RecipientsDecided:
    """What comes of each recipient, in their order, or why one was refused; all by the policies of `live`, under the law of `as_of`."""

    live: Live
    as_of: date
    hypothetical: bool
    each: Sequence[RecipientDecided | RequestRefused]


@dataclass(frozen=True, slots=True)
class _Filled:
    """An exchange with one of the recipients, ready to be judged."""

    exchange: engine.Exchange
    as_of: date


class Recipients:
    """Decides on the recipients of one service."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._bodies = ExchangeBodies(service)
        self._judge = ExchangeJudge(service)

    def decide(self, raw: bytes, caller: Caller, request_id: str, lang: str) -> RecipientsDecided:
        """What comes of each recipient in these bytes. It takes a while, so call it in a thread. Raises RequestRefused."""
        live, now = self._service.live, self._service.clock()
        exchange, recipients = _sent(raw)
        alone = self._read(live, exchange, now, caller, lang, "/exchange")
        today = self._service.settings.day_of(now)
        as_of = alone.as_of or today
        read = [self._filled(live, exchange, number, each, now, caller, lang) for number, each in enumerate(recipients)]
        ready = [each for each in read if isinstance(each, _Filled)]
        found = iter(self._decided(live, ready, now, today, caller, request_id, lang))
        return RecipientsDecided(
            live, as_of, as_of != today, [each if isinstance(each, RequestRefused) else next(found) for each in read]
        )

    def _decided(
        self, live: Live, ready: Sequence[_Filled], now: datetime, today: date, caller: Caller, request_id: str, lang: str
    ) -> list[RecipientDecided]:
        """What comes of each exchange that could be read. Raises RequestRefused."""
        if not ready:
            return []
        passed = engine.briefs(live.pdp, [(each.exchange, each.as_of) for each in ready])
        approvals = standing_sign_off.may_be_any(self._service.store.database)
        book = engine.Phrasebook(live.bundle, engine.LANGUAGES[lang])
        found = []
        for each, brief in zip(ready, passed, strict=True):
            permits = brief is not None and not brief.bounds.high.refused
            # INVARIANT (never a wrong permit): who may take it is judged by the engines that decide, whatever the pass says.
            if brief is None or permits or (approvals and brief.outcome in sign_off.OPEN):
                found.append(self._judged(live, each, now, today, caller, request_id, lang, book))
            else:
                found.append(_told(live, brief, False, None, book))
        return found

    def _judged(
        self,
        live: Live,
        ready: _Filled,
        now: datetime,
        today: date,
        caller: Caller,
        request_id: str,
        lang: str,
        book: engine.Phrasebook,
    ) -> RecipientDecided:
        """The same by an ordinary judgement. Raises RequestRefused."""
        id = str(uuid7())
        try:
            judgement = self._judge.look_on(live, ready.exchange, ready.as_of, now, caller)
            written = live.pdp.answer(judgement, today=today, id=id, lang=lang)
        except engine.EnginesFailed as failed:
            raise self._service.incidents.failure(live.pdp, request_id, id, ready.as_of, failed) from None
        if not written.engine.agreed:
            self._service.incidents.disagreement(live.pdp, request_id, written, recorded=False)
        asked = next(iter(json.loads(written.json())["questions"]), None)
        question = None if asked is None else RecipientQuestion(asked["fact"], asked["question"])
        return _told(live, engine.brief_of(judgement), judgement.proceeds(today), question, book)

    def _filled(
        self, live: Live, exchange: Mapping[str, Any], number: int, recipient: Any, now: datetime, caller: Caller, lang: str
    ) -> _Filled | RequestRefused:
        """The exchange with one recipient and what the ledger says of it; a refusal that is the recipient's fault is returned."""
        at = f"/recipients/{number}"
        try:
            read = self._read(live, _with(exchange, recipient, at), now, caller, lang, "/exchange", at)
        except RequestRefused as refused:
            if refused.kind == "exchange-refused":
                return refused
            raise
        return _Filled(*self._judge.filled_on(live, read, now, caller))

    def _read(
        self, live: Live, exchange: Mapping[str, Any], now: datetime, caller: Caller, lang: str, at: str, recipient_at: str = ""
    ) -> engine.Exchange:
        """An exchange with what the register says. Its places are told as places of the body. Raises RequestRefused."""
        try:
            return self._bodies.read(live, json.dumps(exchange, ensure_ascii=False).encode(), now, caller, lang)
        except RequestRefused as refused:
            if refused.kind == "exchange-refused" and refused.errors:
                refused.errors = tuple(
                    each.model_copy(update={"pointer": _placed(each.pointer, at, recipient_at)}) for each in refused.errors
                )
            raise


def _told(
    live: Live, brief: engine.Brief, proceed: bool, question: RecipientQuestion | None, book: engine.Phrasebook
) -> RecipientDecided:
    """A brief in words."""
    rules = live.bundle.rules
    cited = {rule.provision.id: rule.provision.citation for rule in rules.rules if rule.provision.id in brief.prohibited_by}
    unmet = [book.text(rules.requirements[name].title) for name in brief.unmet]
    return RecipientDecided(
        brief, proceed, unmet, [(name, book.text(cited[name])) for name in brief.prohibited_by if name in cited], question
    )


def _sent(raw: bytes) -> tuple[Mapping[str, Any], Sequence[Any]]:
    """The exchange and the recipients in a body. Raises RequestRefused."""
    try:
        sent = engine.read_object(raw, engine.MAX_BYTES)
    except engine.ExchangeRefused as refused:
        raise refusal(refused, "en") from None
    places = [
        ProblemPlace(
            pointer=f"/{name[:80]}", code="unknown-key", detail="the body has `exchange` and `recipients`, and nothing else"
        )
        for name in sent
        if name not in ("exchange", "recipients")
    ]
    exchange, recipients = sent.get("exchange"), sent.get("recipients")
    if not isinstance(exchange, dict):
        places.append(_wrong("/exchange", "must be an exchange without its recipient"))
    else:
        named = exchange.get(NAMED)
        if RECIPIENT in exchange or (isinstance(named, dict) and RECIPIENT in named):
            at = f"/exchange/{RECIPIENT}" if RECIPIENT in exchange else f"/exchange/{NAMED}/{RECIPIENT}"
            places.append(_wrong(at, "leave the recipient out: `recipients` has those to choose from"))
    if not isinstance(recipients, list) or not recipients:
        places.append(_wrong("/recipients", 'must be a list of recipients, like ["lab-2", {"country": "KE"}]'))
    if places:
        raise RequestRefused("exchange-refused", "the body is not an exchange and its recipients", errors=tuple(places))
    assert isinstance(exchange, dict)
    assert isinstance(recipients, list)
    if len(recipients) > RECIPIENTS:
        raise RequestRefused("batch-too-large", f"a call has at most {RECIPIENTS} recipients; send them in parts")
    if len(json.dumps(exchange)) * len(recipients) > RECIPIENTS_BYTES:
        detail = (
            f"the exchange, once for each recipient, has more than {RECIPIENTS_BYTES:,} bytes; send fewer recipients at once"
        )
        raise RequestRefused("batch-too-large", detail)
    return exchange, recipients


def _with(exchange: Mapping[str, Any], recipient: Any, at: str) -> Mapping[str, Any]:
    """
    The exchange with one of the recipients: an id of the register, the public, or what an exchange has under `recipient`.

    A word for the public is no id: an exchange may not name a party by it. Raises RequestRefused.
    """
    if isinstance(recipient, dict) or recipient in engine.EVERYONE:
        return {**exchange, RECIPIENT: recipient}
    if isinstance(recipient, str):
        named = exchange.get(NAMED, {})
        return {**exchange, NAMED: {**named, RECIPIENT: recipient} if isinstance(named, dict) else named}
    detail = 'must be an id of the register, like "lab-2", facts of a recipient, like {"country": "KE"}, or "the public"'
    place = _wrong(at, detail)
    raise RequestRefused("exchange-refused", wrong_places(1), errors=(place,))


def _wrong(at: str, detail: str) -> ProblemPlace:
    return ProblemPlace(pointer=at, code="wrong-type", detail=detail)


def _placed(pointer: str, at: str, recipient_at: str) -> str:
    """A place of an exchange as a place of the body."""
    for mine in (f"/{NAMED}/{RECIPIENT}", f"/{RECIPIENT}"):
        if recipient_at and (pointer == mine or pointer.startswith(f"{mine}/")):
            return recipient_at + pointer.removeprefix(mine)
    return at + pointer
