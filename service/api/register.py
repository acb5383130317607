"""
The register over HTTP: `/v1/parties`, `/v1/assets`, `/v1/entities/{kind}`, and `/v1/register/…` for all of them at once.

Reading needs the scope `read`, writing `administer`. A write is answered once it is durable. An answer about one entity carries its
version as `ETag`. `If-Match` and `If-None-Match` stop a write that is based on another version.
"""

import json
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.convertors import PathConvertor, register_url_convertor

import engine
from service.api import paging
from service.api.operations import in_header, in_path, json_body, operation, schema_of
from service.api.parameters import parameter, single, wrong
from service.api.sent import Plain, body
from service.callers.caller import Caller, caller_of
from service.decisions.idempotency import KeptAnswer, forget, once
from service.problems import PLACES_SHOWN, Kind, ProblemPlace, RequestRefused
from service.register import entity_versions, import_export
from service.register.entity import (
    ASSET,
    MOST_BYTES,
    MOST_OF_AN_ID,
    PARTY,
    WRONG_ID,
    Content,
    Entity,
    EntityToWrite,
    Version,
    Wrong,
    is_id,
    is_kind,
    read_content,
)
from service.register.entity_versions import Changed, Condition, NotHeld
from service.register.stated_facts import stating
from service.service import Service
from service.store.moments import moment_text
from service.telemetry.log_lines import audit, note

MOST_LISTED = 1_000
LISTED = 100

_VERSIONS = re.compile(r'\s*((W/)?"[^"]{0,40}"\s*(,\s*(W/)?"[^"]{0,40}"\s*)*)')
_KIND_SCHEMA = {"type": "string", "pattern": "^[a-z0-9][a-z0-9_.-]{0,63}$"}
_KIND_IN_PATH = in_path("kind", "the kind of the entity", _KIND_SCHEMA)
_IF_MATCH = in_header("If-Match", "the `ETag` of the version that the write is based on, or `*` for any")
_IF_NONE_MATCH = in_header("If-None-Match", "`*`: only if there is no such entity yet", {"type": "string", "enum": ["*"]})
_ERASE = parameter(
    "erase", "whether to erase its names and all its stated facts for good", {"type": "boolean", "default": False}
)
_AS_OF = parameter(
    "as_of", "the day for which the entity is read; without it, the newest version", {"type": "string", "format": "date"}
)
_TAGGED = {"headers": {"ETag": {"description": "the version of the entity, for `If-Match`", "schema": {"type": "string"}}}}
_REFUSED: tuple[Kind, ...] = ("register-refused", "not-found", "changed-meanwhile")
_TAG = re.compile(r'(W/)?"([^"]*)"')


class Listed(BaseModel):
    """A page of entities, in the order of their ids."""

    model_config = ConfigDict(frozen=True)

    entities: tuple[Entity, ...]
    next: str | None = Field(description=paging.NEXT)


class History(BaseModel):
    """The versions of an entity, newest first, in pages."""

    model_config = ConfigDict(frozen=True)

    versions: tuple[Entity, ...]
    next: str | None = Field(description=paging.NEXT)


class Imported(BaseModel):
    """The result of an import: how many entities are new, changed or unchanged."""

    model_config = ConfigDict(frozen=True)

    created: int
    changed: int
    unchanged: int


class EntityOfAKind(Content):
    """An entity in a file: its kind, its id, and the facts stated of it."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    kind: str = Field(description="`party`, `asset`, or another kind in lower-case letters")
    id: str


class RegisterEndpoints(BaseModel):
    """A file of entities, for export and import."""

    model_config = ConfigDict(frozen=True, populate_by_name=True, extra="forbid")

    schema_: Literal["fifthfactor/register/1"] = Field(default="fifthfactor/register/1", alias="schema")
    entities: tuple[EntityOfAKind, ...]


@dataclass(frozen=True, slots=True)
class Shelf:
    """The path of the entities of one kind, and what they are called. `kind` is None where the path itself names the kind."""

    path: str
    kind: str | None
    one: str
    many: str
    name: str
    names: str


class _NoHistory(PathConvertor):
    """An id in a path, with slashes; not the path of a history, of rights or of accounts, which accept other methods."""

    regex = "(?!.*/(history|rights|accounts|accounts/entries)$).*"


register_url_convertor("entity", _NoHistory())

SHELVES = (
    Shelf("/v1/parties", PARTY, "party", "parties", "Party", "Parties"),
    Shelf("/v1/assets", ASSET, "data asset", "data assets", "Asset", "Assets"),
    Shelf("/v1/entities/{kind}", None, "entity of another kind", "entities of another kind", "Entity", "Entities"),
)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    for shelf in SHELVES:
        _Endpoints(service, shelf).add(app)
    _add_bulk(app, service)


class _Endpoints:
    """The endpoints of one shelf."""

    def __init__(self, service: Service, shelf: Shelf) -> None:
        self._service = service
        self._shelf = shelf

    def add(self, app: FastAPI) -> None:
        # An id may have slashes; a caller may send them as they are, or as %2F.
        shelf, one = self._shelf, f"{self._shelf.path}/{{id:entity}}"
        named = [in_path("id", f"the id of the {shelf.one}", {"type": "string", "maxLength": MOST_OF_AN_ID})]
        if shelf.kind is None:
            named.append(_KIND_IN_PATH)
        add = app.router.add_api_route
        add(
            one,
            self.put,
            methods=["PUT"],
            response_model=Entity,
            route_class_override=Plain,
            **operation(
                f"put{shelf.name}",
                "register",
                f"Create or change a {shelf.one}",
                *_REFUSED,
                needs="administer",
                parameters=[*named, _IF_MATCH, _IF_NONE_MATCH],
                body=json_body(schema_of(Content)),
                repeatable=True,
                answers={200: _TAGGED, 201: {**_TAGGED, "model": Entity, "description": "The entity is new"}},
            ),
        )
        add(
            one,
            self.delete,
            methods=["DELETE"],
            response_model=History,
            route_class_override=Plain,
            **operation(
                f"delete{shelf.name}",
                "register",
                f"Withdraw a {shelf.one}, or erase everything stated of it",
                *_REFUSED,
                needs="administer",
                parameters=[*named, _IF_MATCH, _ERASE],
                repeatable=True,
                answers={200: _TAGGED},
            ),
        )
        # These are not `async`: reading waits for the disk, so each call runs in a thread.
        add(
            f"{shelf.path}/{{id:path}}/history",
            self.history,
            methods=["GET"],
            response_model=History,
            **operation(
                f"list{shelf.name}Versions",
                "register",
                f"Every version of a {shelf.one}",
                "not-found",
                needs="read",
                parameters=[*named, *paging.parameters(LISTED, MOST_LISTED, "versions")],
            ),
        )
        add(
            one,
            self.get,
            methods=["GET"],
            response_model=Entity,
            **operation(
                f"get{shelf.name}",
                "register",
                f"A {shelf.one}, by its id or another of its ids",
                "not-found",
                needs="read",
                parameters=[*named, _AS_OF],
                answers={200: _TAGGED},
            ),
        )
        add(
            shelf.path,
            self.list,
            methods=["GET"],
            response_model=Listed,
            **operation(
                f"list{shelf.names}",
                "register",
                f"The {shelf.many} in the register",
                *(() if shelf.kind else ("not-found",)),
                needs="read",
                parameters=[*named[1:], *paging.parameters(LISTED, MOST_LISTED, shelf.many), _AS_OF],
            ),
        )

    # --- writing -----------------------------------------------------------------------------------------------------

    async def put(self, request: Request) -> Response:
        """Writes a new version if the body differs from the last one. The body replaces everything stated before."""
        caller = caller_of(request.scope, "administer")
        kind, id = self._kind(request), request.path_params["id"]
        condition = _condition(request)
        raw = await body(request, MOST_BYTES)
        async with self._service.turns.of(caller.id):
            entry = _entry(kind, id, raw)
            if places := stating(self._service.live).places(entry):
                raise refusal(places)
        store = self._service.store

        def tell(version: Version, new: bool) -> None:
            note(request.scope, version=version.version, new=new)
            if new:
                self._audit(request, "register-changed", caller, kind, version.version)

        def work(transaction: sa.Connection) -> KeptAnswer:
            at = moment_text(self._service.clock())
            [(version, new)] = entity_versions.write(transaction, store.database, [entry], at, caller.id, condition)
            status = 201 if new and version.version == 1 else 200
            told = _written(version.document())
            subject = _subject(kind, version.id)
            return KeptAnswer(told, status, etag=_etag(version.version), subject=subject, after=lambda: tell(version, new))

        with _refusing():
            return await once(self._service, request, caller, raw, work)

    async def delete(self, request: Request) -> Response:
        """Withdraws the entity: its new version states nothing. With `erase=true`, its names and all its stated facts are erased."""
        caller = caller_of(request.scope, "administer")
        kind, name = self._kind(request), request.path_params["id"]
        erase = _flag(request, "erase")
        condition = _condition(request)
        store = self._service.store

        def work(transaction: sa.Connection) -> KeptAnswer:
            if erase:
                store.writer.erased()
                before = entity_versions.newest(transaction, kind, name)
                versions = list(entity_versions.erase(transaction, kind, name, caller.id, condition))
                if before is not None:  # `before` has the entity's own id, which is erased now
                    forget(transaction, _subject(kind, before.id))
            else:
                at = moment_text(self._service.clock())
                entity_versions.withdraw(transaction, store.database, kind, name, at, caller.id, condition)
                versions = list(entity_versions.history(transaction, kind, name))
            newest, action = versions[0], "register-erased" if erase else "register-withdrawn"
            return KeptAnswer(
                _written({"versions": [each.document() for each in versions], "next": None}),
                etag=_etag(newest.version),
                subject=_subject(kind, newest.id),
                after=lambda: self._audit(request, action, caller, kind, newest.version),
            )

        with _refusing():
            return await once(self._service, request, caller, b"", work)

    def _audit(self, request: Request, action: str, caller: Caller, kind: str, version: int) -> None:
        # The line is without the id, which may be a person's name.
        request_id = request.scope["request_id"]
        audit(self._service.say, action, caller=caller.id, kind=kind, version=version, request_id=request_id)

    # --- reading -----------------------------------------------------------------------------------------------------

    def get(self, request: Request) -> Response:
        """The entity in its newest version, or in the version that applies to the day `as_of`."""
        caller_of(request.scope, "read")
        kind, name = self._kind(request), request.path_params["id"]
        day = _day(single(request).get("as_of"))

        def look(connection: sa.Connection) -> Version | None:
            if day is None:
                return entity_versions.newest(connection, kind, name)
            return entity_versions.speaking(connection, kind, name, day)

        version = self._service.read(look, "register")
        if version is None:
            raise RequestRefused(
                "not-found", "the register has no entity with this id" + ("" if day is None else " for this day")
            )
        return _answer(version, 200)

    def history(self, request: Request) -> Response:
        """Every version of the entity, newest first."""
        caller_of(request.scope, "read")
        kind, name = self._kind(request), request.path_params["id"]
        versions = self._service.read(lambda connection: entity_versions.history(connection, kind, name), "register")
        if not versions:
            raise RequestRefused("not-found", "the register has no entity with this id")
        asked = paging.Asked.of(request, LISTED, MOST_LISTED)
        page, cursor = asked.cut(versions, lambda each: str(each.version), "versions")
        return _json({"versions": [each.document() for each in page], "next": cursor})

    def list(self, request: Request) -> Response:
        """Entities in the order of their ids, in pages. With `as_of`: the entities that are valid on that day, as stated for that day."""
        caller_of(request.scope, "read")
        kind = self._kind(request)
        day, asked = _day(single(request).get("as_of")), paging.Asked.of(request, LISTED, MOST_LISTED)
        limit, [cursor] = asked.limit, asked.after("entities", str, filters=(kind, day)) or [""]
        versions = self._service.read(
            lambda connection: entity_versions.listed(connection, kind, (kind, cursor), limit + 1, day), "register"
        )
        more = len(versions) > limit
        page = versions[:limit]
        following = paging.written("entities", page[-1].id, filters=(kind, day)) if more else None
        return _json({"entities": [each.document() for each in page], "next": following})

    def _kind(self, request: Request) -> str:
        if self._shelf.kind is not None:
            return self._shelf.kind
        kind: str = request.path_params["kind"]
        for shelf in SHELVES:
            if shelf.kind == kind:
                raise RequestRefused("not-found", f"find {shelf.many} under {shelf.path}")
        if not is_kind(kind):
            raise RequestRefused("not-found", "a kind is a word of lower-case letters, digits, `_`, `.` and `-`")
        return kind


def _add_bulk(app: FastAPI, service: Service) -> None:
    async def import_(request: Request) -> Response:
        """Imports the whole file or nothing. Each entity in the file becomes as the file states it; all others stay as they are."""
        caller = caller_of(request.scope, "administer")
        kind = dict(reversed(request.scope["headers"])).get(b"content-type", b"").partition(b";")[0].strip().lower()
        form = "csv" if kind == b"text/csv" else "json"
        raw = await body(request, import_export.MOST_BYTES, import_export.MEDIA_TYPES[form])
        states = stating(service.live)
        found: list[EntityToWrite | Wrong] = []
        try:
            rows = import_export.read(raw, form, states)
            while True:
                async with service.turns.of(caller.id):
                    if (each := next(rows, None)) is None:
                        break
                    found.append(each)
            entries = import_export.gathered(iter(found))
        except Wrong as wrong:
            raise refusal(list(wrong.places)) from None
        store, request_id = service.store, request.scope["request_id"]

        def work(transaction: sa.Connection) -> KeptAnswer:
            written = entity_versions.write(transaction, store.database, entries, moment_text(service.clock()), caller.id)
            new = sum(1 for version, is_new in written if is_new and version.version == 1)
            changed = sum(1 for version, is_new in written if is_new and version.version > 1)
            return KeptAnswer(
                _written({"created": new, "changed": changed, "unchanged": len(written) - new - changed}),
                after=lambda: audit(
                    service.say, "register-imported", caller=caller.id, created=new, changed=changed, request_id=request_id
                ),
            )

        with _refusing():
            return await once(service, request, caller, raw, work)

    def export(request: Request) -> Response:
        """Every entity of the register in its newest version, in a form that can be imported again."""
        caller_of(request.scope, "read")
        query = single(request)
        form, kind = query.get("format", "json"), query.get("kind")
        if form not in import_export.FORMATS:
            raise wrong("format", "`format` takes `json` or `csv`")
        if kind is not None and not is_kind(kind):
            raise wrong("kind", "a kind is a word of lower-case letters, digits, `_`, `.` and `-`")
        versions = service.read(lambda connection: list(entity_versions.everything(connection, kind)), "register")
        text = import_export.to_csv(versions, stating(service.live)) if form == "csv" else import_export.to_json(versions)
        headers = {"Content-Disposition": f'attachment; filename="register.{form}"'}
        return Response(text, media_type=import_export.MEDIA_TYPES[form], headers=headers)

    table = {"schema": {"type": "string", "description": "a table, with the columns of an export"}}
    app.router.add_api_route(
        "/v1/register/import",
        import_,
        methods=["POST"],
        response_model=Imported,
        route_class_override=Plain,
        **operation(
            "importRegister",
            "register",
            "Import a file of entities, all or none",
            "register-refused",
            needs="administer",
            body={**json_body(schema_of(RegisterEndpoints)), "text/csv": table},
            repeatable=True,
        ),
    )
    app.router.add_api_route(
        "/v1/register/export",
        export,
        methods=["GET"],
        response_model=RegisterEndpoints,
        **operation(
            "exportRegister",
            "register",
            "Export every entity",
            needs="read",
            parameters=[
                parameter(
                    "format",
                    "the form of the file",
                    {"type": "string", "enum": list(import_export.FORMATS), "default": import_export.FORMATS[0]},
                ),
                parameter("kind", "only entities of this kind", _KIND_SCHEMA),
            ],
            answers={200: {"content": {"text/csv": table}}},
        ),
    )


def refusal(places: list[ProblemPlace]) -> RequestRefused:
    """The problem document for a body that the register cannot take."""
    count = len(places)
    detail = "1 place in the body is wrong" if count == 1 else f"{count} places in the body are wrong"
    if count >= PLACES_SHOWN:
        detail = f"at least {PLACES_SHOWN} places in the body are wrong; {PLACES_SHOWN} are listed"
    return RequestRefused("register-refused", detail, errors=tuple(places))


def _entry(kind: str, id: str, raw: bytes) -> EntityToWrite:
    """The entity that a body states. Raises RequestRefused."""
    if not is_id(id):
        raise RequestRefused("bad-request", f"an id {WRONG_ID}")
    try:
        return EntityToWrite(kind, id, read_content(engine.read_object(raw, MOST_BYTES, "register entry")))
    except engine.ExchangeRefused as refused:
        raise refusal([ProblemPlace(pointer=p.pointer, code=p.code, detail=p.detail) for p in refused.problems]) from None
    except Wrong as wrong:
        raise refusal(list(wrong.places)) from None


@contextmanager
def _refusing() -> Iterator[None]:
    """Turns the errors of a write into refusals."""
    try:
        yield
    except Wrong as wrong:
        raise refusal(list(wrong.places)) from None
    except Changed:
        raise RequestRefused("changed-meanwhile", "read the entity again; its ETag is its version") from None
    except NotHeld:
        raise RequestRefused("not-found", "the register has no entity with this id") from None


def _condition(request: Request) -> Condition:
    """The condition in the headers of a write. Raises RequestRefused."""
    match, none = request.headers.getlist("if-match"), request.headers.getlist("if-none-match")
    if len(match) > 1 or len(none) > 1 or (match and none) or (none and none[0].strip() != "*"):
        raise RequestRefused("bad-request", 'send one `If-Match: "VERSION"`, or one `If-None-Match: *`')
    if none:
        return Condition(absent=True)
    if not match:
        return entity_versions.ALWAYS
    if match[0].strip() == "*":
        return Condition(held=True)
    if not _VERSIONS.fullmatch(match[0]):
        raise RequestRefused("bad-request", '`If-Match` must be the ETag of an answer, like `"3"`')
    # A weak tag matches nothing here (RFC 9110, section 13.1.1).
    strong = [tag for weak, tag in _TAG.findall(match[0]) if not weak]
    return Condition(versions=frozenset(int(tag) for tag in strong if tag.isascii() and tag.isdigit() and len(tag) < 10))


def _flag(request: Request, name: str) -> bool:
    value = single(request).get(name, "false")
    if value not in ("true", "false"):
        raise wrong(name, f"`{name}` takes `true` or `false`")
    return value == "true"


def _day(text: str | None) -> str | None:
    if text is None:
        return None
    try:
        if date.fromisoformat(text).isoformat() == text:
            return text
    except ValueError:
        pass
    raise wrong("as_of", "`as_of` takes a day like 2024-03-22")


def _answer(version: Version, status: int) -> Response:
    return _json(version.document(), status, version.version)


def _json(document: Any, status: int = 200, version: int | None = None) -> Response:
    headers = {} if version is None else {"ETag": _etag(version)}
    return Response(_written(document), status, headers=headers, media_type="application/json")


def _written(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _etag(version: int) -> str:
    return f'"{version}"'


def _subject(kind: str, id: str) -> str:
    """The name under which an erasure finds kept answers about this entity."""
    return f"{kind}/{id}"
