"""
The register over HTTP: `/v1/parties`, `/v1/assets`, `/v1/entities/{kind}`, and `/v1/register/…` for all of them at once.

Reading needs the scope `read`, writing `administer`. A write is answered once it is durable. An answer about one entity carries its
version as `ETag`. `If-Match` and `If-None-Match` stop a write that is based on another version.
"""

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import partial
from typing import Any, Literal

import sqlalchemy as sa
from fastapi import Request, Response
from pydantic import BaseModel, ConfigDict, Field
from starlette.concurrency import run_in_threadpool
from starlette.convertors import PathConvertor, register_url_convertor

from service.api import paging
from service.api.operations import in_header, in_path, json_body, schema_of
from service.api.parameters import day, flag, matching, text, word, wrong
from service.api.request_bodies import body
from service.api.router import Call, Router, written
from service.callers.context import Administering, Context, ReadingAll
from service.decisions.idempotency import KeptAnswer, forget
from service.problems import Kind, RequestRefused
from service.register import alike_assets, entity_changes, entity_search, entity_versions, import_export
from service.register.entity import (
    ASSET,
    MOST_BYTES,
    MOST_OF_AN_ID,
    PARTY,
    Content,
    Entity,
    EntityRefused,
    EntityToWrite,
    Version,
    is_kind,
)
from service.register.entity_changes import Imported
from service.register.entity_versions import Condition
from service.register.stated_facts import stating
from service.telemetry.log_lines import audit, note

MOST_LISTED = 1_000
LISTED = 100

_VERSIONS = re.compile(r'\s*((W/)?"[^"]{0,40}"\s*(,\s*(W/)?"[^"]{0,40}"\s*)*)')
_TAG = re.compile(r'(W/)?"([^"]*)"')
_KIND_FORM = "a word of lower-case letters, digits, `_`, `.` and `-`"
_KIND = matching("kind", "only entities of this kind", "^[a-z0-9][a-z0-9_.-]{0,63}$", _KIND_FORM)
_KIND_IN_PATH = in_path("kind", "the kind of the entity", _KIND.schema)
_IF_MATCH = in_header("If-Match", "the `ETag` of the version that the write is based on, or `*` for any")
_IF_NONE_MATCH = in_header("If-None-Match", "`*`: only if there is no such entity yet", {"type": "string", "enum": ["*"]})
_ERASE = flag("erase", "whether to erase its names and all its stated facts for good")
_AS_OF = day("as_of", "the day for which the entity is read; without it, the newest version")
_LIKE = text(
    "like", "the id of an asset: only others that have its hash, or its holder and a like title, all at once", MOST_OF_AN_ID
)
_FORMAT = word("format", "the form of the file", import_export.FORMATS, default=import_export.FORMATS[0])
_TABLE = {"schema": {"type": "string", "description": "a table, with the columns of an export"}}
_TAGGED = {"headers": {"ETag": {"description": "the version of the entity, for `If-Match`", "schema": {"type": "string"}}}}
_REFUSED: tuple[Kind, ...] = ("register-refused", "not-found", "changed-meanwhile")

router = Router("register", "register")


class Listed(BaseModel, frozen=True):
    """A page of entities, in the order of their ids."""

    entities: tuple[Entity, ...]
    next: str | None = Field(description=paging.NEXT)


class History(BaseModel, frozen=True):
    """The versions of an entity, newest first, in pages."""

    versions: tuple[Entity, ...]
    next: str | None = Field(description=paging.NEXT)


class EntityOfAKind(Content, frozen=True, extra="forbid"):
    """An entity in a file: its kind, its id, and the facts stated of it."""

    kind: str = Field(description="`party`, `asset`, or another kind in lower-case letters")
    id: str


class RegisterFile(BaseModel):
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

    def kind_of(self, call: Call[None]) -> str:
        """The kind that an address names. Raises RequestRefused."""
        if self.kind is not None:
            return self.kind
        kind = call.path["kind"]
        for shelf in SHELVES:
            if shelf.kind == kind:
                raise RequestRefused("not-found", f"find {shelf.many} under {shelf.path}")
        if not is_kind(kind):
            raise RequestRefused("not-found", f"a kind is {_KIND_FORM}")
        return kind


class _NoHistory(PathConvertor):
    """An id in a path, with slashes; not the path of a history, of rights or of accounts, which accept other methods."""

    regex = "(?!.*/(history|rights|accounts|accounts/entries)$).*"


register_url_convertor("entity", _NoHistory())

SHELVES = (
    Shelf("/v1/parties", PARTY, "party", "parties", "Party", "Parties"),
    Shelf("/v1/assets", ASSET, "data asset", "data assets", "Asset", "Assets"),
    Shelf("/v1/entities/{kind}", None, "entity of another kind", "entities of another kind", "Entity", "Entities"),
)


def _put_on(shelf: Shelf) -> None:
    """Put the operations of a shelf on the router."""
    # An id may have slashes; a caller may send them as they are, or as %2F.
    one = f"{shelf.path}/{{id:entity}}"
    named = [in_path("id", f"the id of the {shelf.one}", {"type": "string", "maxLength": MOST_OF_AN_ID})]
    if shelf.kind is None:
        named.append(_KIND_IN_PATH)
    versions = paging.Listing[Version]("versions", "versions", (int,), LISTED, MOST_LISTED)
    entities = paging.Listing[Version]("entities", shelf.many, (str,), LISTED, MOST_LISTED)

    @router.add(
        "PUT",
        one,
        f"put{shelf.name}",
        f"Create or change a {shelf.one}",
        *_REFUSED,
        parameters=[*named, _IF_MATCH, _IF_NONE_MATCH],
        body=json_body(schema_of(Content)),
        repeatable=True,
        answers={200: _TAGGED, 201: {**_TAGGED, "model": Entity, "description": "The entity is new"}},
    )
    async def put(context: Administering, call: Call[None]) -> Entity | Response:
        """Writes a new version if the body differs from the last one. The body replaces everything stated before."""
        kind, condition = shelf.kind_of(call), _condition(call.request)
        call.raw = await body(call.request, MOST_BYTES)
        async with call.service.turns.of(context.caller.id):
            entity = entity_changes.read(context, kind, call.path["id"], call.raw)
        told = await run_in_threadpool(call.service.read, partial(alike_assets.notice, context, entity), "register")
        database = call.service.store.database

        def work(transaction: sa.Connection) -> KeptAnswer:
            context = call.context(Administering)
            version, new = entity_changes.write(context, entity, condition, database, transaction)

            def tell() -> None:
                note(call.request.scope, version=version.version, new=new)
                if new:
                    _audit(call, context, "register-changed", kind=kind, version=version.version)

            return KeptAnswer(
                _written({**version.document(), **({} if told is None else {"notice": told})}),
                201 if new and version.version == 1 else 200,
                etag=_etag(version.version),
                subject=_subject(kind, version.id),
                after=tell,
            )

        return await call.once(context, work)

    @router.add(
        "DELETE",
        one,
        f"delete{shelf.name}",
        f"Withdraw a {shelf.one}, or erase everything stated of it",
        *_REFUSED,
        parameters=[*named, _IF_MATCH, _ERASE],
        repeatable=True,
        answers={200: _TAGGED},
    )
    def delete(context: Administering, call: Call[None], transaction: sa.Connection) -> History | KeptAnswer:
        """Withdraws the entity: its new version states nothing. With `erase=true`, its names and all its stated facts are erased."""
        kind, name, condition = shelf.kind_of(call), call.path["id"], _condition(call.request)
        store = call.service.store
        if _ERASE.of(call.query):
            before = entity_versions.newest(transaction, kind, name)
            found = entity_changes.erase(context, kind, name, condition, store.writer, transaction)
            if before is not None:  # `before` has the entity's own id, which is erased now
                forget(transaction, _subject(kind, before.id))
            action = "register-erased"
        else:
            found = entity_changes.withdraw(context, kind, name, condition, store.database, transaction)
            action = "register-withdrawn"
        return KeptAnswer(
            _page("versions", found, None),
            etag=_etag(found[0].version),
            subject=_subject(kind, found[0].id),
            after=lambda: _audit(call, context, action, kind=kind, version=found[0].version),
        )

    @router.get(
        f"{shelf.path}/{{id:path}}/history",
        f"list{shelf.name}Versions",
        f"Every version of a {shelf.one}",
        "not-found",
        parameters=[*named, *versions.parameters],
    )
    def history(context: ReadingAll, call: Call[None], connection: sa.Connection) -> History | Response:
        """Every version of the entity, newest first."""
        kind, name = shelf.kind_of(call), call.path["id"]
        found, following = versions.page(
            call.query,
            lambda before, limit: entity_search.history(context, kind, name, before, limit, connection),
            (kind, name),
        )
        return _json(_page("versions", found, following))

    @router.get(
        one,
        f"get{shelf.name}",
        f"A {shelf.one}, by its id or another of its ids",
        "not-found",
        parameters=[*named, _AS_OF],
        answers={200: _TAGGED},
    )
    def get(context: ReadingAll, call: Call[None], connection: sa.Connection) -> Entity | Response:
        """The entity in its newest version, or in the version that applies to the day `as_of`."""
        found = entity_search.one(context, shelf.kind_of(call), call.path["id"], _AS_OF.of(call.query), connection)
        return _json(_written(found.document()), ETag=_etag(found.version))

    @router.get(
        shelf.path,
        f"list{shelf.names}",
        f"The {shelf.many} in the register",
        *(() if shelf.kind == PARTY else ("not-found",)),
        parameters=[*named[1:], *entities.parameters, _AS_OF, *([_LIKE] if shelf.kind == ASSET else ())],
    )
    def listed(context: ReadingAll, call: Call[None], connection: sa.Connection) -> Listed | Response:
        """Entities in the order of their ids, in pages. With `as_of`: the entities that are valid on that day, as stated for that day."""
        kind, on, like = shelf.kind_of(call), _AS_OF.of(call.query), _LIKE.of(call.query)
        if like is not None:
            if len(call.query) > 1:
                raise wrong("like", "`like` gives all at once, in their newest versions: send no other parameter")
            alike = alike_assets.alike_to(context, like, connection)
            return _json(_written({"entities": [each.document() for each in alike], "next": None}))
        found, following = entities.page(
            call.query,
            lambda after, limit: entity_search.page(context, kind, on, after, limit, connection),
            (kind, on and on.isoformat()),
        )
        return _json(_page("entities", found, following))


for _shelf in SHELVES:
    _put_on(_shelf)


@router.post(
    "/v1/register/import",
    "importRegister",
    "Import a file of entities, all or none",
    "register-refused",
    body={**json_body(schema_of(RegisterFile)), "text/csv": _TABLE},
)
async def import_(context: Administering, call: Call[None]) -> Imported | Response:
    """Imports the whole file or nothing. Each entity in the file becomes as the file states it; all others stay as they are."""
    kind = dict(reversed(call.request.scope["headers"])).get(b"content-type", b"").partition(b";")[0].strip().lower()
    form = "csv" if kind == b"text/csv" else "json"
    call.raw = await body(call.request, import_export.MOST_BYTES, import_export.MEDIA_TYPES[form])
    rows = import_export.read(call.raw, form, stating(context.live))
    found: list[EntityToWrite | EntityRefused] = []
    while True:
        async with call.service.turns.of(context.caller.id):
            if (each := next(rows, None)) is None:
                break
            found.append(each)
    entities, database = import_export.gather_entities(iter(found)), call.service.store.database

    def work(transaction: sa.Connection) -> KeptAnswer:
        context = call.context(Administering)
        done = entity_changes.import_entities(context, entities, database, transaction)
        tell = {"created": done.created, "changed": done.changed}
        return KeptAnswer(written(done), after=lambda: _audit(call, context, "register-imported", **tell))

    return await call.once(context, work)


@router.get(
    "/v1/register/export",
    "exportRegister",
    "Export every entity",
    parameters=[_FORMAT, _KIND],
    answers={200: {"content": {"text/csv": _TABLE}}},
)
def export(context: ReadingAll, call: Call[None], connection: sa.Connection) -> RegisterFile | Response:
    """Every entity of the register in its newest version, in a form that can be imported again."""
    form, kind = _FORMAT.of(call.query) or import_export.FORMATS[0], _KIND.of(call.query)
    text = import_export.export_entities(entity_versions.every_entity(connection, kind), form, stating(context.live))
    headers = {"Content-Disposition": f'attachment; filename="register.{form}"'}
    return Response(text, media_type=import_export.MEDIA_TYPES[form], headers=headers)


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


def _audit(call: Call[None], context: Context, action: str, **what: object) -> None:
    # The line is without the id, which may be a person's name.
    audit(call.service.say, action, caller=context.caller.id, **what, request_id=context.request_id)


def _page(name: str, found: Sequence[Version], following: str | None) -> bytes:
    return _written({name: [each.document() for each in found], "next": following})


def _json(written: bytes, **headers: str) -> Response:
    return Response(written, headers=headers, media_type="application/json")


def _written(document: Any) -> bytes:
    return json.dumps(document, ensure_ascii=False).encode()


def _etag(version: int) -> str:
    return f'"{version}"'


def _subject(kind: str, id: str) -> str:
    """The name under which an erasure finds kept answers about this entity."""
    return f"{kind}/{id}"
