"""
The secret with which the keys of counters are hashed: sealed under the log's key it lies in the database, and opened it hashes.

Rows and leaves of the ledger hold keyed hashes of parties and other values that counters are kept per. Whoever has the database but not
the log's key cannot check a guess at such a value, also after it was erased from the records. The secret itself never changes, so the
rows stay as they are when the log gets another key; then `reseal` seals it anew.

    sealed = nonce || secret XOR HMAC(pad || nonce) || HMAC(tag || nonce || what is between)       (HMAC-SHA-256 under the log's seal key)
"""

import hmac
import os
from collections.abc import Callable
from typing import Any

import sqlalchemy as sa

from service.store.log_key import LogKey, LogKeyRefused
from service.store.log_tree import growth_of
from service.store.tables import about, counted, head

SECRET_BYTES = 32
LOST = "lost"  # in `counted`, in place of the meanings of counters: its `meaning` is the number of records at that time
_NONCE_BYTES = 16
_PAD_DOMAIN = b"fifthfactor/counter-secret/pad/1\x00"
_TAG_DOMAIN = b"fifthfactor/counter-secret/tag/1\x00"
_SEALED = "sealed_ledger_secret"  # a row of `about`
_KEY = "fifthfactor.log_key"


def give_key(connection_info: dict[Any, Any], key: Callable[[sa.Connection], LogKey]) -> None:
    """Let a connection to the database open the secret; `key` gives the log's key for the connection."""
    connection_info[_KEY] = key


def open_secret(connection: sa.Connection) -> bytes:
    """The secret of the database that a connection leads to. Raises LogKeyRefused."""
    return _opened(connection, connection.info[_KEY](connection))


def begin(transaction: sa.Connection, key: LogKey) -> None:
    """Make the secret of a new database, in the transaction that begins its log."""
    transaction.execute(sa.insert(about).values(name=_SEALED, value=sealed(key, os.urandom(SECRET_BYTES))))


def check(connection: sa.Connection, key: LogKey) -> None:
    """Raises LogKeyRefused if the secret cannot be opened by the key."""
    _opened(connection, key)


def reseal(transaction: sa.Connection, before: LogKey, after: LogKey) -> None:
    """Seal the secret under the key that replaces the log's key, in the transaction that replaces it. Raises LogKeyRefused."""
    value = sealed(after, _opened(transaction, before))
    transaction.execute(sa.update(about).where(about.c.name == _SEALED).values(value=value))


def renew(transaction: sa.Connection, key: LogKey) -> None:
    """
    Make another secret, since the log's key is lost and the secret with it. Call this in the transaction that gives the log another key.

    What was counted before is found by nobody any more. So until the window of a counter lies behind today, or the counter is opened on
    a later day, the ledger says of it that it is not complete.
    """
    transaction.execute(sa.delete(about).where(about.c.name == _SEALED))
    begin(transaction, key)
    last = transaction.execute(sa.select(sa.func.max(counted.c.last))).scalar_one_or_none()
    if last is not None:
        records: int = transaction.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one()
        transaction.execute(sa.delete(counted).where(counted.c.counting == LOST))
        transaction.execute(sa.insert(counted).values(counting=LOST, meaning=str(records), last=last))
        growth_of(transaction).note("counters-lost", {"records": records, "last": last})


def _opened(connection: sa.Connection, key: LogKey) -> bytes:
    raw = _from_hex(_row(connection, _SEALED))
    nonce, hidden, tag = raw[:_NONCE_BYTES], raw[_NONCE_BYTES:-32], raw[-32:]
    if len(hidden) != SECRET_BYTES or not hmac.compare_digest(tag, key.seal(_TAG_DOMAIN + nonce + hidden)):
        raise LogKeyRefused(
            "the secret of the counters is missing, or was not sealed by the log's key: put the row `sealed_ledger_secret` of `about` back"
            " from a backup"
        )
    return _xor(hidden, key.seal(_PAD_DOMAIN + nonce))


def sealed(key: LogKey, secret: bytes) -> str:
    """A secret as the database keeps it, under the log's key."""
    nonce = os.urandom(_NONCE_BYTES)
    hidden = _xor(secret, key.seal(_PAD_DOMAIN + nonce))
    return (nonce + hidden + key.seal(_TAG_DOMAIN + nonce + hidden)).hex()


def _xor(left: bytes, right: bytes) -> bytes:
    return bytes(a ^ b for a, b in zip(left, right, strict=True))


def _from_hex(text: str | None) -> bytes:
    try:
        return bytes.fromhex(text or "")
    except ValueError:
        return b""


def _row(connection: sa.Connection, name: str) -> str | None:
    value: str | None = connection.execute(sa.select(about.c.value).where(about.c.name == name)).scalar_one_or_none()
    return value
