"""
Reads the bodies of access requests strictly: bytes in; subject, action, resource and context out.

Members that the standard does not describe are ignored, as it requires. A described member of a wrong type is refused, and the refusal
lists every wrong place. Source: Authorization API 1.0, sections 5 to 8.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, NoReturn, get_args

import engine
from service.problems import ProblemPlace, RequestRefused, refused_at

Semantic = Literal["execute_all", "deny_on_first_deny", "permit_on_first_permit"]
SEMANTICS: tuple[Semantic, ...] = get_args(Semantic)
MOST_TEXT = 256  # characters in a type, an id or a name, as many as in a fact
MOST_TOKEN = 2048
SUPPORTED = ("supported_obligations", "obligations_supported")  # members of the context: the names in drafts of the profile
_PARTS = ("subject", "action", "resource", "context")


@dataclass(frozen=True, slots=True)
class RequestedEntity:
    """A subject or resource. `id` is empty in a search for it."""

    type: str
    id: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class RequestedAction:
    """An action. `name` is empty in a search for it."""

    name: str
    properties: Mapping[str, Any]


@dataclass(frozen=True, slots=True)
class Evaluation:
    """
    One question: may the subject do the action to the resource?

    `supported` are the obligations that the caller can carry out; None where it does not say. `at` is a JSON Pointer to the question.
    """

    subject: RequestedEntity
    action: RequestedAction
    resource: RequestedEntity
    context: Mapping[str, Any]
    supported: frozenset[str] | None
    at: str = ""


@dataclass(frozen=True, slots=True)
class Evaluations:
    """Several questions. A malformed one is the refusal that it would get alone."""

    items: Sequence[Evaluation | RequestRefused]
    semantic: Semantic


@dataclass(frozen=True, slots=True)
class PageRequest:
    """The requested part of the results. With `limit` 0 the service chooses."""

    token: str = ""
    limit: int = 0


@dataclass(frozen=True, slots=True)
class Search:
    """A question with a blank, and the requested page; None where the request has no page."""

    question: Evaluation
    page: PageRequest | None


def refusal(places: Sequence[ProblemPlace]) -> RequestRefused:
    """The refusal of a body. Its detail is the message that the standard requires in the body of an error."""
    return refused_at("access-refused", places)


def document(raw: bytes, limit: int) -> dict[str, Any]:
    """The JSON object in these bytes. Raises RequestRefused."""
    try:
        return engine.read_object(raw, limit, "request")
    except engine.ExchangeRefused as refused:
        places = tuple(ProblemPlace(pointer=each.pointer, code=each.code, detail=each.detail) for each in refused.problems)
        raise RequestRefused("access-refused", places[0].detail, errors=places) from None


def evaluation(sent: Mapping[str, Any]) -> Evaluation:
    """One access evaluation request. Raises RequestRefused."""
    reader = _BodyReader()
    read = reader.evaluation(sent)
    reader.end()
    return read


def evaluations(sent: Mapping[str, Any], most: int) -> Evaluations | Evaluation:
    """An access evaluations request. Without items it is one evaluation. Raises RequestRefused."""
    reader = _BodyReader()
    semantic = reader.semantic(sent)
    items = sent.get("evaluations", [])
    if not isinstance(items, list):
        reader.wrong("/evaluations", "must be an array")
    elif not items:
        read = reader.evaluation(sent)
        reader.end()
        return read
    else:
        reader.defaults(sent)
    reader.end()
    if len(items) > most:
        raise RequestRefused("batch-too-large", f"a request has at most {most} evaluations")
    defaults = {part: sent[part] for part in _PARTS if part in sent}
    return Evaluations([_item(number, item, defaults) for number, item in enumerate(items)], semantic)


def search(sent: Mapping[str, Any], blank: Literal["subject", "resource", "action"]) -> Search:
    """A search request for the part that is blank. Raises RequestRefused."""
    reader = _BodyReader()
    question = reader.evaluation(sent, blank)
    page = reader.page(sent)
    reader.end()
    return Search(question, page)


def _item(number: int, item: Any, defaults: Mapping[str, Any]) -> Evaluation | RequestRefused:
    """One of several evaluations. A missing part is the default; a present part replaces the default as a whole."""
    reader = _BodyReader(f"/evaluations/{number}")
    try:
        if not isinstance(item, dict):
            reader.wrong("", "must be an object")
            reader.end()
        read = reader.evaluation({**defaults, **item})
        reader.end()
        return read
    except RequestRefused as refused:
        return refused


@dataclass(slots=True)
class _BodyReader:
    """Reads the parts of one body and collects the errors in them. `at` is a JSON Pointer to the body."""

    at: str = ""
    places: list[ProblemPlace] = field(default_factory=list)

    def wrong(self, pointer: str, detail: str, code: str = "wrong-type") -> None:
        self.places.append(ProblemPlace(pointer=self.at + pointer, code=code, detail=detail))

    def end(self) -> None:
        """Raises RequestRefused if there were errors."""
        if self.places:
            self._refuse()

    def _refuse(self) -> NoReturn:
        raise refusal(self.places)

    def evaluation(self, sent: Mapping[str, Any], blank: str = "") -> Evaluation:
        subject = self.entity(sent, "subject", blank)
        action = RequestedAction("", {}) if blank == "action" else self.action(sent)
        resource = self.entity(sent, "resource", blank)
        context = self.object(sent, "context", "") or {}
        return Evaluation(subject, action, resource, context, self.supported(context), self.at)

    def entity(self, sent: Mapping[str, Any], name: str, blank: str, partly: bool = False) -> RequestedEntity:
        found = self.object(sent, name, "", needed=not partly)
        if found is None:
            return RequestedEntity("", "", {})
        type = self.text(found, "type", f"/{name}", needed=not partly)
        # In a search for entities, an id has no meaning.
        id = "" if name == blank else self.text(found, "id", f"/{name}", needed=not partly)
        return RequestedEntity(type, id, self.object(found, "properties", f"/{name}") or {})

    def action(self, sent: Mapping[str, Any], partly: bool = False) -> RequestedAction:
        found = self.object(sent, "action", "", needed=not partly)
        if found is None:
            return RequestedAction("", {})
        name = self.text(found, "name", "/action", needed=not partly)
        return RequestedAction(name, self.object(found, "properties", "/action") or {})

    def defaults(self, sent: Mapping[str, Any]) -> None:
        """Check the defaults. They need not be complete, but each member must have its type."""
        self.entity(sent, "subject", "", partly=True)
        self.action(sent, partly=True)
        self.entity(sent, "resource", "", partly=True)
        self.supported(self.object(sent, "context", "") or {})

    def supported(self, context: Mapping[str, Any]) -> frozenset[str] | None:
        """The obligations that the caller can carry out, under either of their names."""
        named = [name for name in SUPPORTED if name in context]
        for name in named:
            if not isinstance(context[name], list) or not all(isinstance(each, str) for each in context[name]):
                self.wrong(f"/context/{name}", "must be an array of strings")
                return None
        return frozenset.intersection(*(frozenset(context[name]) for name in named)) if named else None

    def semantic(self, sent: Mapping[str, Any]) -> Semantic:
        options = self.object(sent, "options", "") or {}
        said = options.get("evaluations_semantic", SEMANTICS[0])
        for semantic in SEMANTICS:
            if said == semantic:
                return semantic
        self.wrong("/options/evaluations_semantic", f"must be one of {', '.join(SEMANTICS)}", "wrong-value")
        return SEMANTICS[0]

    def page(self, sent: Mapping[str, Any]) -> PageRequest | None:
        page = self.object(sent, "page", "")
        if page is None:
            return None
        token, limit = page.get("token", ""), page.get("limit", 0)
        self.object(page, "properties", "/page")
        if not isinstance(token, str) or len(token) > MOST_TOKEN:
            self.wrong("/page/token", "must be the `next_token` of an answer")
        if isinstance(limit, float) and limit.is_integer():
            limit = int(limit)  # `1.0` is a whole number in JSON
        if isinstance(limit, bool) or not isinstance(limit, int) or ("limit" in page and limit < 1):
            self.wrong("/page/limit", "must be a whole number from 1")
        return None if self.places else PageRequest(token, limit)

    def object(self, sent: Mapping[str, Any], name: str, under: str, needed: bool = False) -> Mapping[str, Any] | None:
        """A member that is an object; None where it is missing or not an object."""
        if name not in sent:
            if needed:
                self.wrong(under, f"`{name}` is missing", "missing")
            return None
        found = sent[name]
        if isinstance(found, dict):
            return found
        self.wrong(f"{under}/{name}", "must be an object")
        return None

    def text(self, sent: Mapping[str, Any], name: str, under: str, needed: bool) -> str:
        if name not in sent:
            if needed:
                self.wrong(under, f"`{name}` is missing", "missing")
            return ""
        found = sent[name]
        if isinstance(found, str) and 0 < len(found) <= MOST_TEXT:
            return found
        self.wrong(f"{under}/{name}", f"must be a string of 1 to {MOST_TEXT} characters")
        return ""
