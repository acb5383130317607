"""
`POST /access/v1/…` and `GET /.well-known/authzen-configuration`: AuthZEN Authorization API 1.0.

Evaluations are decided and recorded like exchanges. Searches decide on candidates and record nothing. A malformed request gets a 400
here, and so does a wrong content type, since the standard has no other status for it.
"""

from collections.abc import Callable, Coroutine, Mapping
from functools import partial
from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, Field

from service.api import access_requests as review_requests
from service.api.operations import json_body, operation
from service.api.request_bodies import Plain, body
from service.authzen import access_requests, requests, responses
from service.authzen.decision_point import MOST_RESULTS, AccessDecisionPoint, Blank
from service.authzen.mapping import AccessMapping
from service.authzen.responses import OBLIGATION, AccessAnswer, AccessAnswers, Why
from service.callers.caller import Caller, caller_of
from service.decisions.batch_limits import LargeRequests, RequestMemory
from service.decisions.recording import Outgoing, record_and_answer
from service.log.leaf import SealedRecord
from service.mappings.entity_store import Entities
from service.policies.live import Live
from service.policies.shadow import GivenToShadow
from service.problems import Kind, RequestRefused
from service.service import Service

_EVALUATION = "/access/v1/evaluation"
_EVALUATIONS = "/access/v1/evaluations"
_SEARCH = "/access/v1/search"


Endpoint = Callable[[Request], Coroutine[Any, Any, Response]]


class EntityFound(BaseModel, frozen=True):
    """A subject or resource for which the decision would be true."""

    type: str
    id: str


class ActionFound(BaseModel, frozen=True):
    """An action for which the decision would be true."""

    name: str


class PageFound(BaseModel, frozen=True):
    """How to get more results: send `next_token` as `page.token` of the same search. It is empty at the end."""

    next_token: str
    count: int


class EntitiesFound(BaseModel, frozen=True):
    """The entities for which the decision would be true. `page` is there if the request has one, or if there are more results."""

    page: PageFound | None = None
    results: tuple[EntityFound, ...]


class ActionsFound(BaseModel, frozen=True):
    """The actions for which the decision would be true. `page` is there if the request has one, or if there are more results."""

    page: PageFound | None = None
    results: tuple[ActionFound, ...]


class Configuration(BaseModel, frozen=True):
    """The addresses of this decision point, and the obligations that it may issue."""

    policy_decision_point: str
    access_evaluation_endpoint: str
    access_evaluations_endpoint: str
    search_subject_endpoint: str
    search_resource_endpoint: str
    search_action_endpoint: str
    access_request_endpoint: str | None = Field(default=None, description="only where a review can be asked for")
    capabilities: tuple[str, ...] | None = Field(
        default=None, description="of drafts: what this decision point has beside the standard"
    )
    supported_obligations: tuple[str, ...] = Field(default=(OBLIGATION,))
    obligations_supported: tuple[str, ...] = Field(default=(OBLIGATION,), description="the name in newer drafts")


class _Current:
    """The access of the policies that decide now. Call it once per request."""

    def __init__(self, service: Service, entities: Entities) -> None:
        self._service = service
        self._entities = entities
        self._made: tuple[Live, AccessDecisionPoint | None] | None = None

    def __call__(self) -> AccessDecisionPoint:
        """Raises RequestRefused where the loaded vocabulary does not say how access requests are read."""
        live = self._service.live
        if self._made is None or self._made[0] is not live:
            text = live.bundle.vocabulary.authzen
            mapping = AccessMapping(live.bundle, text) if text else None
            self._made = live, AccessDecisionPoint(self._service, live, mapping, self._entities) if mapping else None
        access = self._made[1]
        if access is None:
            raise RequestRefused("not-found", "the loaded vocabulary does not say how access requests are read (`authzen:`)")
        return access


def add(app: FastAPI, service: Service, entities: Entities) -> None:
    """Put the endpoints on the application. `entities` are those that requests may name by id."""
    settings = service.settings
    current = _Current(service, entities)
    large = LargeRequests(service.load, "requests of several evaluations")

    async def evaluation(request: Request) -> Response:
        """Decides one access request, records the decision, and answers with it."""
        caller = caller_of(request.scope, "evaluate")
        raw, document = await _document(request, settings.body_limit)
        return await one(request, raw, requests.evaluation(document), caller)

    async def one(request: Request, raw: bytes, asked: requests.Evaluation, caller: Caller) -> Response:
        async def decide() -> Outgoing:
            access, now = current(), service.clock()
            answer, decided = await access.evaluate(asked, access.known(), now, request.scope["request_id"], caller)
            if decided is None:
                return Outgoing((), (), (_written(answer),), {})
            if settings.access_requests:
                base = settings.public_url or f"{request.url.scheme}://{request.headers['host']}"
                answer = responses.requestable(answer, decided.written, now, base + access_requests.PATH)
            return Outgoing.of(decided, _written(answer), _noted(answer))

        return await record_and_answer(service, request, caller, raw, decide)

    async def evaluations(request: Request) -> Response:
        """Decides access requests until `evaluations_semantic` says to stop, records all decisions in one commit, and answers with them."""
        caller = caller_of(request.scope, "evaluate")
        with large.place(caller):
            raw, document = await _document(request, settings.batch_body_limit)
            sent = requests.evaluations(document, settings.batch_limit)
            if isinstance(sent, requests.Evaluation):
                return await one(request, raw, sent, caller)
            with large.holding(request) as holding:
                return await record_and_answer(service, request, caller, raw, partial(several, request, sent, caller, holding))

    async def several(request: Request, sent: requests.Evaluations, caller: Caller, holding: RequestMemory) -> Outgoing:
        """The decisions, and the answers up to the one where the semantic stops. Raises RequestRefused, ClientDisconnect."""
        access = current()  # one bundle for all of them
        now, known = service.clock(), access.known()
        found: list[AccessAnswer] = []
        entries: list[SealedRecord] = []
        given: list[GivenToShadow | None] = []
        last = {"deny_on_first_deny": False, "permit_on_first_permit": True}.get(sent.semantic)
        for asked in sent.items:
            await holding.room()
            await service.turns.let_in()
            try:
                if isinstance(asked, RequestRefused):
                    raise asked
                answer, decided = await access.evaluate(asked, known, now, request.scope["request_id"], caller)
            except RequestRefused as refused:
                if refused.kind in ("not-ready", "seal-broken"):  # the evaluation is not at fault
                    raise
                answer, decided = responses.malformed(refused), None
            found.append(answer if settings.evaluations_context else answer.without_reasons())
            if decided is not None:
                entries.append(decided.entry)
                given.append(decided.given)
                holding.add(decided.entry)
            if answer.decision is last:
                break
        noted = {"decisions": len(entries), "problems": len(found) - len(entries)}
        return Outgoing(entries, given, (_written(AccessAnswers(evaluations=tuple(found))),), noted)

    async def search(request: Request, blank: Blank) -> Mapping[str, Any]:
        caller = caller_of(request.scope, "evaluate")
        _, document = await _document(request, settings.body_limit)
        sent = requests.search(document, blank)
        found = await current().search(sent, blank, service.clock(), request.scope["request_id"], caller)
        page = PageFound(next_token=found.next_token, count=len(found.results))
        return {"page": page if sent.page is not None or found.next_token else None, "results": found.results}

    async def search_subject(request: Request) -> Response:
        """Finds the stored subjects of a type for which the decision would be true. Nothing is recorded."""
        return _json(EntitiesFound.model_validate(await search(request, "subject")))

    async def search_resource(request: Request) -> Response:
        """Finds the stored resources of a type for which the decision would be true. Nothing is recorded."""
        return _json(EntitiesFound.model_validate(await search(request, "resource")))

    async def search_action(request: Request) -> Response:
        """Finds the actions of the vocabulary for which the decision would be true. Nothing is recorded."""
        return _json(ActionsFound.model_validate(await search(request, "action")))

    async def configuration(request: Request) -> Response:
        """The addresses of this decision point, for callers that do not know them yet. Needs no key."""
        current()
        base = settings.public_url or f"{request.url.scheme}://{request.headers['host']}"
        return _json(
            Configuration(
                policy_decision_point=base,
                access_evaluation_endpoint=base + _EVALUATION,
                access_evaluations_endpoint=base + _EVALUATIONS,
                search_subject_endpoint=f"{base}{_SEARCH}/subject",
                search_resource_endpoint=f"{base}{_SEARCH}/resource",
                search_action_endpoint=f"{base}{_SEARCH}/action",
                access_request_endpoint=base + access_requests.PATH if settings.access_requests else None,
                capabilities=(access_requests.CAPABILITY,) if settings.access_requests else None,
            )
        )

    def add_endpoint(
        path: str, endpoint: Endpoint, name: str, summary: str, model: Any, shape: dict[str, Any], repeatable: bool
    ) -> None:
        kinds: tuple[Kind, ...] = ("batch-too-large",) if path == _EVALUATIONS else ()
        described = operation(
            name,
            "access requests",
            summary,
            "access-refused",
            "not-found",
            *kinds,
            needs="evaluate",
            body=json_body(shape),
            repeatable=repeatable,
        )
        del described["responses"][415]  # the standard has no such answer: a wrong content type is a malformed request
        app.router.add_api_route(
            path,
            endpoint,
            methods=["POST"],
            response_model=model,
            response_model_exclude_none=True,
            route_class_override=Plain,
            **described,
        )

    several_shape = _evaluations_schema(settings.batch_limit)
    add_endpoint(
        _EVALUATION, evaluation, "evaluateAccess", "Decide an access request", AccessAnswer, _evaluation_schema(), True
    )
    add_endpoint(
        _EVALUATIONS,
        evaluations,
        "evaluateAccesses",
        "Decide several access requests",
        AccessAnswers | AccessAnswer,
        several_shape,
        True,
    )
    searches: tuple[tuple[Blank, Endpoint, str, str, type[BaseModel]], ...] = (
        ("subject", search_subject, "searchSubjects", "Search the subjects that may do an action", EntitiesFound),
        ("resource", search_resource, "searchResources", "Search the resources that an action may be done to", EntitiesFound),
        ("action", search_action, "searchActions", "Search the actions that a subject may do", ActionsFound),
    )
    for blank, endpoint, name, summary, model in searches:
        add_endpoint(f"{_SEARCH}/{blank}", endpoint, name, summary, model, _search_schema(blank), False)
    review_requests.add(app, service, current)
    app.router.add_api_route(
        "/.well-known/authzen-configuration",
        configuration,
        methods=["GET"],
        response_model=Configuration,
        route_class_override=Plain,
        **operation("getAccessConfiguration", "access requests", "The addresses of this decision point", "not-found"),
    )


async def _document(request: Request, limit: int) -> tuple[bytes, dict[str, Any]]:
    """The body as bytes, and its JSON object. Raises RequestRefused, ClientDisconnect."""
    try:
        raw = await body(request, limit)
    except RequestRefused as refused:
        if refused.kind == "unsupported-media-type":
            raise RequestRefused("access-refused", refused.detail) from None
        raise
    return raw, requests.document(raw, limit)


def _noted(answer: AccessAnswer) -> dict[str, object]:
    why = answer.context
    if not isinstance(why, Why):
        return {}
    return {"decision_id": why.decision_id, "outcome": why.outcome, "proceed": answer.decision}


def _json(found: BaseModel) -> Response:
    return Response(_written(found), media_type="application/json")


def _written(found: BaseModel) -> bytes:
    return found.model_dump_json(exclude_none=True).encode()


_TEXT: dict[str, Any] = {"type": "string", "minLength": 1, "maxLength": requests.MOST_TEXT}
_OBJECT: dict[str, Any] = {"type": "object"}
_CONTEXT: dict[str, Any] = {
    "type": "object",
    "properties": {
        name: {"type": "array", "items": {"type": "string"}} for name in ("supported_obligations", "obligations_supported")
    },
}
_SUBJECT = {"type": "organization", "id": "clinic-7"}
_RESOURCE = {"type": "dataset", "id": "ds-1"}
_ACTION = {"name": "transfer"}


def _shape(properties: Mapping[str, Any], needed: tuple[str, ...], example: Any = None) -> dict[str, Any]:
    examples = {"examples": [example]} if example is not None else {}
    return {"type": "object", "properties": dict(properties), "required": list(needed), **examples}


def _parts(needed: bool, blank: str = "") -> dict[str, Any]:
    """The shapes of subject, action, resource and context. The part that a search looks for has no id."""
    named = {"type": _TEXT, "id": _TEXT, "properties": _OBJECT}

    def entity(name: str) -> dict[str, Any]:
        if name == blank:  # a search does not read its id
            return _shape({"type": _TEXT, "properties": _OBJECT}, ("type",))
        return _shape(named, ("type", "id") if needed else ())

    action = _shape({"name": _TEXT, "properties": _OBJECT}, ("name",) if needed else ())
    parts = {"subject": entity("subject"), "action": action, "resource": entity("resource"), "context": _CONTEXT}
    if blank == "action":
        del parts["action"]
    return parts


def _evaluation_schema() -> dict[str, Any]:
    needed = ("subject", "action", "resource")
    return _shape(_parts(True), needed, {"subject": _SUBJECT, "action": _ACTION, "resource": _RESOURCE})


def _evaluations_schema(most: int) -> dict[str, Any]:
    """Either one complete evaluation, or several items. A malformed item gets an error in its place."""
    options = _shape({"evaluations_semantic": {"type": "string", "enum": list(requests.SEMANTICS)}}, ())
    item = {"anyOf": [_shape(_parts(False), ()), {"description": "a malformed item gets an error in its place"}]}
    items = {"type": "array", "minItems": 1, "maxItems": most, "items": item}
    several = _shape({**_parts(False), "options": options, "evaluations": items}, ("evaluations",))
    alone = _shape(
        {**_parts(True), "options": options, "evaluations": {"type": "array", "maxItems": 0}}, ("subject", "action", "resource")
    )
    example = {
        "subject": _SUBJECT,
        "action": _ACTION,
        "evaluations": [{"resource": _RESOURCE}, {"resource": {**_RESOURCE, "id": "ds-2"}}],
    }
    return {"type": "object", "anyOf": [several, alone], "examples": [example]}


def _search_schema(blank: Blank) -> dict[str, Any]:
    page = _shape(
        {
            "token": {"type": "string", "maxLength": requests.MOST_TOKEN},
            "limit": {"type": "integer", "minimum": 1},
            "properties": _OBJECT,
        },
        (),
    )
    page["description"] = f"a page has at most {MOST_RESULTS} results, and often fewer; `next_token` leads to the next page"
    whole: dict[str, Any] = {"subject": _SUBJECT, "action": _ACTION, "resource": _RESOURCE}
    if blank == "action":
        del whole["action"]
    else:
        whole[blank] = {"type": whole[blank]["type"]}
    parts = {**_parts(True, blank), "page": page}
    return _shape(parts, tuple(whole), whole)
