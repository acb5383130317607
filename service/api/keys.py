"""`/v1/keys`: make, list and revoke API keys over HTTP. Callers need the scope `administer`."""

from typing import Any

import sqlalchemy as sa
from pydantic import BaseModel, Field

from service.api import paging
from service.api.operations import in_path
from service.api.router import Call, Router, written
from service.callers import administration, known_persons
from service.callers.administration import NewKey, PersonSent
from service.callers.caller import Scope
from service.callers.context import Administering
from service.callers.keys import Key
from service.decisions.idempotency import KeptAnswer
from service.telemetry.log_lines import audit

MOST_BYTES = 4096  # in a body

_KEYS = paging.Listing[Key]("keys", "keys", (str, str), 100, 1_000)

router = Router("callers", "keys")


class KeyInfo(BaseModel, frozen=True):
    """A key without its secret; only a hash of the secret is kept."""

    id: str = Field(description="the part of the key after `ff_`; records name the caller as `key:` and this id")
    name: str
    scopes: tuple[Scope, ...]
    created_at: str
    created_by: str = Field(description="the caller who made it, or `command-line`")
    expires_on: str | None
    revoked_at: str | None
    revoked_by: str | None
    party: str | None = Field(
        default=None, description="the id of the party to which the key belongs; null for an operator's key"
    )
    person: PersonSent | None = Field(default=None, description="to whom the key belongs; null for a program's key")


class MadeKey(KeyInfo):
    """A key that was just made."""

    key: str | None = Field(description="the whole key; it is shown only once")


class KeyList(BaseModel, frozen=True):
    """A page of all keys that were ever made, the oldest first."""

    keys: tuple[KeyInfo, ...]
    next: str | None = Field(description=paging.NEXT)


@router.post("/v1/keys", "createKey", "Make an API key", body=NewKey, limit=MOST_BYTES, status=201)
def create(context: Administering, call: Call[NewKey], transaction: sa.Connection) -> MadeKey | KeptAnswer:
    """
    Makes a key. Only this answer shows it.

    A retry with the same Idempotency-Key makes no second key, and gets the first answer with `key` null.
    """
    key, secret = administration.make_key(context, call.sent, transaction)
    answer, kept = (written(MadeKey(**_shown(key), key=each), nulls=True) for each in (secret, None))
    return _changed(context, call, "key-created", key, transaction, answer, status=201, kept=kept)


@router.get("/v1/keys", "listKeys", "The API keys", parameters=_KEYS.parameters, nulls=True)
def listing(context: Administering, call: Call[None], connection: sa.Connection) -> KeyList:
    """All keys that were ever made, with their scopes. Secrets are not shown, since only their hashes are kept."""
    found, following = _KEYS.page(call.query, lambda after, limit: administration.every_key(context, after, limit, connection))
    return KeyList(keys=tuple(KeyInfo(**_shown(each)) for each in found), next=following)


@router.post(
    "/v1/keys/{id}/revoke",
    "revokeKey",
    "Revoke an API key",
    "not-found",
    parameters=[in_path("id", "the id of the key")],
)
def revoke(context: Administering, call: Call[None], transaction: sa.Connection) -> KeyInfo | KeptAnswer:
    """Revokes a key for good. This process refuses it at once, other processes within five seconds. A second call changes nothing."""
    key = administration.revoke_key(context, call.path["id"], transaction)
    return _changed(context, call, "key-revoked", key, transaction, written(KeyInfo(**_shown(key)), nulls=True))


def _shown(key: Key) -> dict[str, Any]:
    """The members of a key that is shown. Her name is shown as it is kept, whatever an issuer says when she signs in."""
    shown = key.shown()
    return {**shown, "person": None if shown["person"] is None else PersonSent.model_construct(**shown["person"])}


def _changed(
    context: Administering, call: Call[Any], action: str, key: Key, transaction: sa.Connection, answer: bytes, **more: Any
) -> KeptAnswer:
    """The answer about a key that was changed; it is erased with the person who is in it."""
    service, who = call.service, key.person
    subject = None if who is None else known_persons.subject(known_persons.known(transaction, who, context.now))

    def tell() -> None:
        service.keys.changed(key.id)
        audit(service.say, action, caller=context.caller.id, key=key.id, scopes=key.scopes, request_id=context.request_id)

    return KeptAnswer(answer, subject=subject, after=tell, **more)
