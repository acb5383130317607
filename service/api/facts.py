"""`/v1/facts`: the facts that an exchange may state, from the loaded vocabulary; all of them, or those that matter for one exchange."""

import json
from collections.abc import Collection, Iterator, Sequence
from functools import lru_cache
from typing import Any, Literal

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field

import engine
from service.api import paging
from service.api.operations import EXCHANGE_BODY, operation
from service.api.parameters import parameter, single, wrong
from service.api.sent import Plain, body
from service.callers.caller import caller_of
from service.decisions.decider import Decider
from service.decisions.replay import CannotReplay, Replaying
from service.ledger import party_view
from service.log.record import PolicyDigests
from service.policies.live import Live
from service.problems import RequestRefused
from service.service import Service

LIMIT = 1_000  # facts on a page
_LISTED = [
    parameter(
        "prefix",
        "only facts whose name begins so",
        {"type": "string", "minLength": 1, "maxLength": 100, "examples": ["exporter."]},
    ),
    parameter(
        "word",
        "only facts that people call so, in English or Chinese, or of which a value says it",
        {"type": "string", "minLength": 1, "maxLength": 100, "examples": ["salary"]},
    ),
    *paging.parameters(LIMIT, LIMIT, "facts"),
]
_FOR = parameter(
    "for",
    "the id of a decision: only the facts that matter for its exchange. The caller needs the scope `read` too",
    {"type": "string", "minLength": 1, "maxLength": 64},
)


class FactShown(engine.FactEntry):
    """A fact, and whether it is still open where the facts of one exchange are asked for."""

    state: Literal["open", "stated"] | None = Field(
        default=None,
        description="`open`: it is not known, and may change the outcome; `stated`: the exchange has it. Only for one exchange",
    )
    says: tuple[str, ...] = Field(default=(), description="the values of the fact that the word says which was asked for")


class FactsShown(BaseModel):
    """Facts of the loaded vocabulary. For one exchange: first those that are open, the best to ask for first, then those it states."""

    model_config = ConfigDict(frozen=True)

    bundle: PolicyDigests
    facts: tuple[FactShown, ...]
    next: str | None = Field(description=paging.NEXT)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    decider = Decider(service)
    replaying = Replaying.shared(app, service)

    @lru_cache(maxsize=1)
    def known(live: Live) -> list[dict[str, Any]]:
        return _entries(live.bundle)

    # This is not `async`: a decision may have to be judged again, so each call runs in a thread.
    @app.get(
        "/v1/facts",
        response_model=FactsShown,
        **operation(
            "listFacts",
            "facts",
            "The facts an exchange may state",
            "not-found",
            "cannot-replay",
            needs="evaluate",
            parameters=[*_LISTED[:1], _FOR, *_LISTED[1:]],
        ),
    )
    def facts(request: Request) -> Response:
        """
        Every fact with its type, its title, the question that asks for it, and whether it is personal.

        With `for`, the exchange of that decision is judged again, on its day and by its policies.
        """
        caller = caller_of(request.scope, "evaluate", of_party=True)
        id = single(request).get("for")
        if id is None:
            live = service.live
            return _page(request, live.digests, known(live), live.bundle.words)
        caller_of(request.scope, "read", of_party=True)
        stored = service.stored(id)
        party_view.check_record(stored, caller)
        try:
            again = replaying.reopened(stored)
        except CannotReplay as cannot:
            raise RequestRefused("cannot-replay", str(cannot)) from None
        digests = PolicyDigests(**again.record["bundle"])
        found = list(_that_matter(_entries(again.pdp.bundle), again.judgement, reads=True))
        return _page(request, digests, found, again.pdp.bundle.words, id)

    async def facts_for(request: Request) -> Response:
        """
        The facts that matter for the exchange in the body: those that are open, and those that it states.

        Nothing is recorded. A fact in an address could be logged on its way, so the exchange is in the body.
        """
        caller = caller_of(request.scope, "evaluate", of_party=True)
        raw = await body(request, service.settings.body_limit)
        async with service.turns.of(caller.id):
            live, now = service.live, service.clock()
            exchange = decider.read(live, raw, now, caller)
            try:
                judgement = decider.look(live, exchange, now, caller)
            except engine.EnginesFailed:
                raise RequestRefused("internal", "no engine could decide") from None
            found = list(_that_matter(known(live), judgement, caller.reads))
        return _page(request, live.digests, found, live.bundle.words, "sent")

    app.router.add_api_route(
        "/v1/facts",
        facts_for,
        methods=["POST"],
        response_model=FactsShown,
        route_class_override=Plain,
        **operation(
            "listFactsForExchange",
            "facts",
            "The facts that matter for an exchange",
            "exchange-refused",
            needs="evaluate",
            parameters=_LISTED,
            body=EXCHANGE_BODY,
        ),
    )


def _entries(bundle: engine.Bundle) -> list[dict[str, Any]]:
    return [each.model_dump(mode="json") for each in bundle.facts.values()]


def _that_matter(entries: Sequence[dict[str, Any]], judgement: engine.Judgement, reads: bool) -> Iterator[dict[str, Any]]:
    """The facts that are open, in the order of asking, and those that are stated. `reads`: the caller may read the register."""
    by_name = {each["name"]: each for each in entries}
    for name in judgement.open_facts:
        if name in by_name:
            yield {**by_name[name], "state": "open"}
    exchange = judgement.exchange
    hidden = set() if reads else {name for name, source in exchange.sources.items() if source == "registered"}
    for name, entry in by_name.items():
        if name in exchange.values and name not in judgement.open_facts and name not in hidden:
            yield {**entry, "state": "stated"}


def _page(
    request: Request, bundle: PolicyDigests, facts: Sequence[dict[str, Any]], words: engine.EverydayWords, of: str = ""
) -> Response:
    """A page of those facts that the query asks for; `of` is the exchange they matter for. Raises RequestRefused."""
    prefix = single(request).get("prefix", "")
    if len(prefix) > 100 or ("prefix" in single(request) and not prefix):
        raise wrong("prefix", "`prefix` takes 1 to 100 characters, like `exporter.`")
    word = single(request).get("word", "")
    if len(word) > 100 or ("word" in single(request) and not word):
        raise wrong("word", "`word` takes 1 to 100 characters, like `salary`")
    found = [each for each in facts if each["name"].startswith(prefix)]
    if word:
        said = words.values_of(word)
        found = [{**each, "says": said.get(each["name"], [])} for each in found if _called(each["name"], said)]
    page, cursor = paging.Asked.of(request, LIMIT, LIMIT).cut(
        found, lambda each: str(each["name"]), f"facts {prefix} {word} {of}"
    )
    document = {"bundle": bundle.model_dump(mode="json"), "facts": page, "next": cursor}
    return Response(json.dumps(document, ensure_ascii=False), media_type="application/json")


def _called(fact: str, said: Collection[str]) -> bool:
    """Whether a fact, or a family or group that it belongs to, is among those that a word means."""
    return fact in said or any(fact.startswith(f"{name}.") for name in said)
