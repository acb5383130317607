"""
Seals of the answers that are kept for retries: the caller and the key of a call go in, and the row that may be answered comes out.

A retry gets what its row of `idempotency` holds, and no leaf has it. So each row has a seal of its own, in two parts: the digest of its
body, which is nothing once the body is erased; and a code over this digest and every other column, by a key derived from the log's key:

    code = HMAC("fifthfactor/kept-answer/1" || 00 || JSON of [every column but `body` and `seal`, digest of the body])

- INVARIANT (nobody is answered by a broken seal): `kept` is the one way to a row. It raises SealBroken where a value of the row was
  changed, where the row was another call's, and where somebody else added it.
- Versions before 1.0 sealed no answer. So nothing vouches for theirs, nor for those of their workers that went on while the tables got this
  column: nobody is answered by them, and none of their calls is done a second time.
- INVARIANT (an erasure seals nothing that it did not find sealed): a row whose seal was broken before has none after its body is erased.
- A row that was taken away cannot be told from one that never was: its call is done anew, and recorded. One that is put back as it was
  before an erasure has its own seal, so an answer with values of a record is looked up in what was erased of the record, too.
"""

import hmac
import json
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from service.problems import RequestRefused, not_readable
from service.store.log_key import LogKey, LogKeyRefused
from service.store.log_tree import growth_of
from service.store.moments import moment_text
from service.store.row_seals import Keys, SealBroken, keys_of, put_rows
from service.store.tables import idempotency, personal, tree_leaf

_DOMAIN = b"fifthfactor/kept-answer/1\x00"
_UNTIL = "fifthfactor.unsealed_until"
_DIGEST = 32  # bytes of SHA-256
_TRIES = 2  # more looks at a row that has not its seal
_BODIES = 20  # bodies in memory
_AT_ONCE = 500  # rows at once, without their bodies
_SINCE = (1, 0)  # the version that brought these seals
_OLD_WORKERS = timedelta(days=1)  # so long, at most, workers of the version before go on after an upgrade
_BESIDE = ("body", "seal")
_SEALED = tuple(column.name for column in idempotency.columns if column.name not in _BESIDE)

# What somebody else wrote may be of another type than its column: both are read as bytes.
_BYTES = tuple(sa.cast(idempotency.c[name], sa.LargeBinary).label(name) for name in _BESIDE)
_OTHERS = tuple(idempotency.c[name] for name in _SEALED)
_HERE = (idempotency.c.caller == sa.bindparam("of_caller"), idempotency.c.key == sa.bindparam("of_key"))
_UPGRADES = sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == "tables-upgraded")
_KEPT = sa.select(*_OTHERS, *_BYTES).where(*_HERE)
_NEXT = (
    sa.select(*_OTHERS, _BYTES[1])
    .where(sa.tuple_(*idempotency.primary_key) > sa.tuple_(sa.bindparam("after_caller"), sa.bindparam("after_key")))
    .order_by(*idempotency.primary_key)
    .limit(_AT_ONCE)
)
_EMPTIED = sa.update(idempotency).where(*_HERE).values(body=None, digest="", seal=sa.bindparam("sealed"))
_RESEALED = sa.update(idempotency).where(*_HERE).values(seal=sa.bindparam("sealed"))
_OF_ERASED = sa.exists().where(
    personal.c.sequence.between(idempotency.c.first_record, idempotency.c.last_record), personal.c.erased_at.is_not(None)
)
_ANY_ERASED = (
    sa.select(sa.literal(1))
    .where(personal.c.sequence.between(sa.bindparam("first"), sa.bindparam("last")), personal.c.erased_at.is_not(None))
    .limit(1)
)


def put(transaction: sa.Connection, row: Mapping[str, Any]) -> None:
    """Keep an answer, by its columns, in the place of one of the same caller and key."""
    digest = sha256(row["body"]).digest()
    sealed = {**row, "seal": digest + _code(growth_of(transaction).key(), row, digest)}
    put_rows(transaction, idempotency, [tuple(sealed[column.name] for column in idempotency.columns)])


def kept(connection: sa.Connection, caller: str, key: str, since: str) -> Any:
    """
    The row of an answer that is kept since a moment or later, or None.

    Raises SealBroken, and RequestRefused without the log's key, or if the answer is one of an earlier version.
    """
    for _ in range(1 + _TRIES):  # another process may give the log another key between two statements
        row = connection.execute(_KEPT, {"of_caller": caller, "of_key": key}).one_or_none()
        if row is None:
            return None
        sealed = any(_holds(each, row) for each in _keys(connection))
        earlier = not sealed and row.seal is None and str(row.created_at) < _unsealed_until(connection)
        if (sealed or earlier) and row.created_at < since:
            return None
        if sealed:
            return row
        if earlier:
            raise RequestRefused(
                "idempotency-erased", "this call was answered by an earlier version, whose answers are not kept"
            )
    raise SealBroken("the answer that is kept for a retry")


def is_of_erased(connection: sa.Connection, row: Any) -> bool:
    """Whether a value of the records of an answer was erased."""
    if row.first_record is None:
        return False
    return connection.execute(_ANY_ERASED, {"first": row.first_record, "last": row.last_record}).first() is not None


def empty(transaction: sa.Connection, *where: sa.ColumnElement[bool]) -> None:
    """
    Erase the bodies of some answers, with the digests of their calls; the rows stay, and are sealed as they are then.

    A digest of a body would confirm a guess at its values, so the seal has none either.
    """
    rows = transaction.execute(sa.select(*_OTHERS, _BYTES[1]).where(*where)).all()
    key = growth_of(transaction).key()
    _empty(transaction, [(row, key if _is_sealed(key, row, _digest(row)) else None) for row in rows])


def faults(connection: sa.Connection, key: LogKey) -> Iterator[str]:
    """A sentence for each answer that has not its seal, and for each that was put back after it was erased."""
    until = _unsealed_until(connection)
    for row in _all(connection):
        if row.seal is None and str(row.created_at) < until:
            continue
        if not _holds(key, row):
            yield f"{_named(row)} does not have the seal of the log's key"
        elif row.body is not None and row.erased:
            yield f"{_named(row)} was erased with its record, and is there"


def empty_broken(transaction: sa.Connection, key: LogKey) -> int:
    """
    Erase the bodies of the answers that `faults` names, and seal their rows; returns how many there were.

    No leaf has an answer. So whoever repeats such a call learns that it was answered, and that the answer is gone.
    """
    until = _unsealed_until(transaction)
    sealed = (row for row in _all(transaction) if row.seal is not None or str(row.created_at) >= until)
    broken = [row for row in sealed if not _holds(key, row) or (row.body is not None and row.erased)]
    _empty(transaction, [(row, key) for row in broken])
    return len(broken)


def reseal(transaction: sa.Connection, before: LogKey, after: LogKey) -> None:
    """Seal by another key what has the seal of the one before it. What does not have it stays as it is, and nobody is answered by it."""
    last: tuple[str, str] = ("", "")
    while rows := transaction.execute(_NEXT, {"after_caller": last[0], "after_key": last[1]}).all():
        last = rows[-1].caller, rows[-1].key
        sealed = [(row, _digest(row)) for row in rows if _is_sealed(before, row, _digest(row))]
        if sealed:
            again = [{**_place(row), "sealed": digest + _code(after, row._mapping, digest)} for row, digest in sealed]
            transaction.execute(_RESEALED, again)


def _unsealed_until(connection: sa.Connection) -> str:
    """The moment until which answers were kept without a seal; none if the log was begun with these seals. A connection reads it once."""
    if _UNTIL not in connection.info:
        upgrades = map(json.loads, map(bytes, connection.execute(_UPGRADES).scalars()))
        to_seals = [each["at"] for each in upgrades if _version(each["from"]) < _SINCE <= _version(each["to"])]
        connection.info[_UNTIL] = moment_text(datetime.fromisoformat(max(to_seals)) + _OLD_WORKERS) if to_seals else ""
    until: str = connection.info[_UNTIL]
    return until


def _version(revision: str) -> tuple[int, ...]:
    return tuple(map(int, revision.split(".")[:2]))


def _all(connection: sa.Connection) -> Iterator[Any]:
    rows = sa.select(*_OTHERS, *_BYTES, _OF_ERASED.label("erased")).order_by(*idempotency.primary_key)
    yield from connection.execute(rows.execution_options(yield_per=_BODIES))


def _keys(connection: sa.Connection) -> Iterator[LogKey]:
    """The log's key, and then as it is in its file, since another process may have replaced it."""
    keys: Keys | None = keys_of(connection)
    try:
        if keys is None:
            raise LogKeyRefused
        yield keys(False)
    except LogKeyRefused:
        raise not_readable("log's key") from None
    try:
        yield keys(True)
    except LogKeyRefused:
        return  # what is broken by the key at hand is told as broken


def _holds(key: LogKey, row: Any) -> bool:
    """Whether a row has its seal, which is read with its body."""
    return _is_sealed(key, row, b"" if row.body is None else sha256(row.body).digest())


def _is_sealed(key: LogKey, row: Any, digest: bytes) -> bool:
    return row.seal is not None and hmac.compare_digest(bytes(row.seal), digest + _code(key, row._mapping, digest))


def _digest(row: Any) -> bytes:
    """The digest of the body, as the seal has it."""
    return b"" if row.seal is None else bytes(row.seal)[:-_DIGEST]


def _code(key: LogKey, row: Mapping[Any, Any], digest: bytes) -> bytes:
    values = [*(row[name] for name in _SEALED), digest.hex()]
    return key.seal(_DOMAIN + json.dumps(values, default=lambda odd: {type(odd).__name__: str(odd)}).encode())


def _empty(transaction: sa.Connection, rows: Sequence[tuple[Any, LogKey | None]]) -> None:
    """Erase bodies. Each row is sealed by its key; without one it has no seal that holds afterwards either."""
    emptied = []
    for row, key in rows:
        without = None if row.seal is None else b""
        sealed = without if key is None else _code(key, {**row._mapping, "digest": ""}, b"")
        emptied.append({**_place(row), "sealed": sealed})
    if emptied:
        transaction.execute(_EMPTIED, emptied)


def _place(row: Any) -> dict[str, Any]:
    return {"of_caller": row.caller, "of_key": row.key}


def _named(row: Any) -> str:
    """A row in words that do not have its key, in which a caller may have written anything."""
    return f"the answer that is kept for retries of `{str(row.caller)[:80]}` since {str(row.created_at)[:40]}"
