"""
Seals of subjects: the rows that speak of a key, a person, an entity or the sign-offs of a decision go in, and whether they may be believed
comes out.

Whoever can write to the database lacks the log's key. So the rows of each subject have one seal, a code by a key that is derived from the
log's key, over a digest of the rows and the number of the last leaf that there was:

    code = HMAC("fifthfactor/subject-seal/1" || 00 || RFC 8785 of [subject, leaf, rows])                     (under the log's seal key)

- INVARIANT (checked before it is sealed): a transaction changes a subject inside of `changing`, which checks the seal before the change.
  So no change that was made by other means is ever sealed.
- INVARIANT (nobody acts on a broken seal): readers on whose rows a decision or an admission rests call `check`, and pass SealBroken on.
- An older row can be put back with its own seal. Nothing here finds that: `log verify --deep` does, by what records used.
"""

import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

from service.problems import RequestRefused
from service.store.log_key import LogKey, LogKeyRefused
from service.store.log_tree import growth_of
from service.store.tables import (
    about,
    caller,
    entity,
    opening,
    person,
    session,
    sign_off,
    subject_seal,
    tally,
    tally_month,
    tree_leaf,
)

_DOMAIN = b"fifthfactor/subject-seal/1\x00"
_KEYS = "fifthfactor.seal_keys"
_AT_ONCE = 400  # subjects in one statement

# Written once: each transaction that changes a subject runs some of them.
_NOTE = sa.select(about.c.value).where(about.c.name == sa.bindparam("named"))
_WITHOUT_NOTE, _WITH_NOTE = sa.delete(about).where(about.c.name == sa.bindparam("named")), sa.insert(about)
_LAST_LEAF = (
    sa.select(tree_leaf.c.index).where(tree_leaf.c.kind == sa.bindparam("kind")).order_by(tree_leaf.c.index.desc()).limit(1)
)
_WITHOUT_SEAL = sa.delete(subject_seal).where(subject_seal.c.subject.in_(sa.bindparam("subjects", expanding=True)))
_WITH_SEAL = sa.insert(subject_seal)

Keys = Callable[[bool], LogKey]  # the log's key; with True it is read anew, since another process may have replaced it


class SealBroken(RequestRefused):
    """Rows were changed by other means than the service, or taken away: nothing is decided by them."""

    def __init__(self, what: str) -> None:
        super().__init__(
            "seal-broken",
            f"{what} was changed in the database by other means than the service, so nothing rests on it: stop the service, run"
            " `fifthfactor log verify --deep`, and put the rows right with `fifthfactor log repair`",
        )


@dataclass(frozen=True, eq=False)
class SealedKind:
    """
    A kind of subjects: the tables that speak of one, each with the column that has its id, and those whose values an id belongs to (SQL).
    """

    name: str
    parts: tuple[tuple[sa.Table, str, tuple[str, ...]], ...]

    def subject(self, id: str, within: tuple[str, ...] = ()) -> str:
        """The name of a subject."""
        return "/".join((self.name, *within, id))


MONTH = 'substr("day", 1, 7)'
KEY = SealedKind("key", ((caller, '"id"', ()), (session, '"key"', ())))
PERSON = SealedKind("person", ((person, '"id"', ()), (session, '"person"', ())))
ENTITY = SealedKind("entity", ((entity, '"id"', ('"kind"',)),))
SIGN_OFFS = SealedKind("sign-offs", ((sign_off, '"decision"', ()),))
# Sums of a counter by month, the days of one month, and with what it was opened; by the meaning of the counter and its key.
COUNTER = SealedKind("counter", ((tally_month, '"key"', ('"meaning"',)),))
COUNTER_DAYS = SealedKind("counter-days", ((tally, '"key"', ('"meaning"', MONTH)),))
OPENINGS = SealedKind("openings", ((opening, '"key"', ('"meaning"',)),))
NOTED = SealedKind("noted", ((about, '"name"', ()),))
KINDS = (KEY, PERSON, ENTITY, SIGN_OFFS, COUNTER, COUNTER_DAYS, OPENINGS)


def rows_in(connection: sa.Connection, table: sa.Table, wanted: Mapping[str, Sequence[str]], *more: str) -> Sequence[Any]:
    """
    The rows of a table of which columns have one of some values, after columns `more`. All columns are SQL texts.

    Every decision waits for it, so it goes to the driver as directly as possible.
    """
    counts = tuple((column, len(values)) for column, values in wanted.items())
    statement = _statement(connection.dialect.name, table, counts, more)
    return connection.exec_driver_sql(statement, tuple(value for values in wanted.values() for value in values)).fetchall()


@lru_cache(maxsize=1024)
def _statement(dialect: str, table: sa.Table, counts: tuple[tuple[str, int], ...], more: tuple[str, ...]) -> str:
    place = "?" if dialect == "sqlite" else "%s"
    columns = ", ".join((*more, *(f'"{column.name}"' for column in table.columns)))
    where = " AND ".join(f"{column} IN ({', '.join([place] * count) or 'NULL'})" for column, count in counts)
    return f'SELECT {columns} FROM "{table.name}" WHERE {where}'


def give_keys(connection_info: dict[Any, Any], keys: Keys | None) -> None:
    """Let a connection check seals by the log's key; with None it checks none, since its rows were made from leaves."""
    connection_info[_KEYS] = keys


def check(connection: sa.Connection, kind: SealedKind, ids: Sequence[str], within: tuple[str, ...] = ()) -> None:
    """
    Raises SealBroken if the rows of one of these subjects do not have their seal. A subject without rows must have no seal.

    Whoever lacks the log's key, as a command on another machine may, checks nothing.
    """
    keys: Keys | None = connection.info.get(_KEYS)
    if keys is None:
        return
    try:
        key = keys(False)
    except LogKeyRefused:
        return
    for broken in _broken(connection, key, kind, ids, within):
        # Another process may have given the log another key, and sealed by it.
        if (other := _renewed(keys, key)) is key or [*_broken(connection, other, kind, [broken], within)]:
            raise SealBroken(f"`{kind.subject(broken, within)[:120]}`")


def check_rows(connection: sa.Connection, subjects: Mapping[str, tuple[sa.Table, Sequence[Any]]]) -> None:
    """
    The same for rows that were read already: all rows of each subject, whole, with their table. Raises SealBroken.

    A subject without rows is passed over: what has no row adds nothing.
    """
    keys: Keys | None = connection.info.get(_KEYS)
    held = {subject: of for subject, of in subjects.items() if of[1]}
    if keys is None or not held:
        return
    try:
        key = keys(False)
    except LogKeyRefused:
        return
    seals = {row.subject: row for row in rows_in(connection, subject_seal, {'"subject"': list(held)})}
    for subject, (table, rows) in held.items():
        texts, seal = sorted(_text(table, row) for row in rows), seals.get(subject)
        if seal is None or not (_holds(key, seal, texts) or _holds(_renewed(keys, key), seal, texts)):
            raise SealBroken(f"`{subject[:120]}`")


def _renewed(keys: Keys, key: LogKey) -> LogKey:
    """The key as it is in its file now; the one at hand where the file is gone, so that what is broken is told as broken."""
    try:
        return keys(True)
    except LogKeyRefused:
        return key


def _holds(key: LogKey, seal: Any, texts: Sequence[str]) -> bool:
    return hmac.compare_digest(bytes(seal.code), _code(key, seal.subject, seal.leaf, texts))


@contextmanager
def changing(transaction: sa.Connection, kind: SealedKind, *ids: str, within: tuple[str, ...] = ()) -> Iterator[None]:
    """The change of some subjects in a writing transaction: their seals are checked before it, and made after it. Raises SealBroken."""
    for start in range(0, len(ids), _AT_ONCE):
        check(transaction, kind, ids[start : start + _AT_ONCE], within)
    yield
    for start in range(0, len(ids), _AT_ONCE):
        _seal(transaction, growth_of(transaction).key(), kind, ids[start : start + _AT_ONCE], within)


def noted(transaction: sa.Connection, name: str, kind: str) -> str | None:
    """
    What was noted under a name with the last leaf of a kind; None where nothing was, or not by the service, or with an earlier leaf.

    Whoever reads None notes it again, with a leaf. So nothing else than a leaf can make a service believe that it was noted.
    """
    key = growth_of(transaction).key()
    value = transaction.execute(_NOTE, {"named": name}).scalar_one_or_none()
    seal = _seals(transaction, NOTED, [name], ()).get(name)
    leaf = transaction.execute(_LAST_LEAF, {"kind": kind}).scalar_one_or_none()
    sealed = seal is not None and leaf is not None and seal.leaf == leaf and not [*_broken(transaction, key, NOTED, [name], ())]
    return str(value) if sealed and value is not None else None


def note(transaction: sa.Connection, name: str, value: str) -> None:
    """Note something under a name, directly after its leaf was appended."""
    transaction.execute(_WITHOUT_NOTE, {"named": name})
    transaction.execute(_WITH_NOTE, {"name": name, "value": value})
    _seal(transaction, growth_of(transaction).key(), NOTED, [name], ())


def all_subjects(connection: sa.Connection) -> Iterator[tuple[SealedKind, tuple[str, ...], list[str]]]:
    """Every subject that has rows: its kind, what it is within, and its ids, some at once."""
    for kind in KINDS:
        found: dict[tuple[str, ...], set[str]] = {}
        for table, column, within_columns in kind.parts:
            columns = ", ".join((*within_columns, column))
            asked = f'SELECT DISTINCT {columns} FROM "{table.name}" WHERE {column} IS NOT NULL'
            for *names, id in connection.exec_driver_sql(asked):
                found.setdefault(tuple(names), set()).add(id)
        for within, ids in sorted(found.items()):
            every = sorted(ids)
            for start in range(0, len(every), _AT_ONCE):
                yield kind, within, every[start : start + _AT_ONCE]


def faults(connection: sa.Connection, key: LogKey) -> Iterator[str]:
    """A sentence for each subject without its seal, and for each seal without a subject."""
    known: set[str] = set()
    for kind, within, ids in all_subjects(connection):
        known |= {kind.subject(id, within) for id in ids}
        for broken in _broken(connection, key, kind, ids, within):
            yield f"the rows of `{kind.subject(broken, within)[:120]}` do not have the seal of the log's key"
    for subject in connection.execute(sa.select(subject_seal.c.subject).order_by(subject_seal.c.subject)).scalars():
        if subject not in known and not subject.startswith(NOTED.subject("")):
            yield f"there are no rows of `{subject[:120]}`, which has a seal"


def seal_again(transaction: sa.Connection, key: LogKey) -> int:
    """
    Seal every subject that has not its seal, as its rows are; returns how many there were. Call this where the rows were compared with
    the leaves. Of sessions leaves do not have the secrets, so those of such a subject are deleted: whoever had one signs in again.
    """
    known: set[str] = set()
    again = 0
    for kind, within, ids in list(all_subjects(transaction)):
        known |= {kind.subject(id, within) for id in ids}
        broken = [*_broken(transaction, key, kind, ids, within)]
        for table, column, _ in kind.parts:
            if table is session:
                transaction.execute(sa.delete(session).where(session.c[column.strip('"')].in_(broken)))
        _seal(transaction, key, kind, broken, within)
        again += len(broken)
    every = transaction.execute(sa.select(subject_seal.c.subject)).scalars().all()
    without = [subject for subject in every if subject not in known]  # those of what is noted, too: it is noted again
    for start in range(0, len(without), _AT_ONCE):
        transaction.execute(sa.delete(subject_seal).where(subject_seal.c.subject.in_(without[start : start + _AT_ONCE])))
    return again + len(without)


def reseal(transaction: sa.Connection, before: LogKey, after: LogKey) -> None:
    """Seal by another key what has the seal of the one before it. What does not have it stays as it is, and is believed by nobody."""
    for kind, within, ids in [*all_subjects(transaction), (NOTED, (), [*_names(transaction)])]:
        broken = frozenset(_broken(transaction, before, kind, ids, within))
        rows = _rows(transaction, kind, ids, within)
        for id, row in _seals(transaction, kind, ids, within).items():
            if id not in broken:
                code = _code(after, row.subject, row.leaf, rows[id])
                here = subject_seal.c.subject == row.subject
                transaction.execute(sa.update(subject_seal).where(here).values(code=code))


def _names(connection: sa.Connection) -> Iterator[str]:
    """The names under which something is noted with a seal."""
    begin = NOTED.subject("")
    for subject in connection.execute(
        sa.select(subject_seal.c.subject).where(subject_seal.c.subject.startswith(begin))
    ).scalars():
        yield subject.removeprefix(begin)


def _seals(connection: sa.Connection, kind: SealedKind, ids: Sequence[str], within: tuple[str, ...]) -> dict[str, Any]:
    """The seals of those subjects that have one."""
    subjects = {kind.subject(id, within): id for id in ids}
    return {subjects[row.subject]: row for row in rows_in(connection, subject_seal, {'"subject"': list(subjects)})}


def _broken(
    connection: sa.Connection, key: LogKey, kind: SealedKind, ids: Sequence[str], within: tuple[str, ...]
) -> Iterator[str]:
    """The subjects that do not have their seals."""
    seals = _seals(connection, kind, ids, within)
    rows = _rows(connection, kind, ids, within)
    for id in ids:
        seal, held = seals.get(id), rows.get(id)
        if held is None and seal is None:
            continue
        if held is None or seal is None or not _holds(key, seal, held):
            yield id


def _seal(transaction: sa.Connection, key: LogKey, kind: SealedKind, ids: Sequence[str], within: tuple[str, ...]) -> None:
    subjects = {id: kind.subject(id, within) for id in ids}
    rows = _rows(transaction, kind, ids, within)
    leaf = growth_of(transaction).last()
    transaction.execute(_WITHOUT_SEAL, {"subjects": [*subjects.values()]})
    sealed = [
        {"subject": subjects[id], "leaf": leaf, "code": _code(key, subjects[id], leaf, held)} for id, held in rows.items()
    ]
    if sealed:
        transaction.execute(_WITH_SEAL, sealed)


def _rows(connection: sa.Connection, kind: SealedKind, ids: Sequence[str], within: tuple[str, ...]) -> dict[str, list[str]]:
    """The rows of each subject as texts, in an order of their own."""
    found: dict[str, list[str]] = {}
    for table, column, within_columns in kind.parts:
        wanted = {name: [value] for name, value in zip(within_columns, within, strict=True)}
        for id, *values in rows_in(connection, table, {**wanted, column: ids}, column):
            found.setdefault(id, []).append(_text(table, values))
    return {id: sorted(each) for id, each in found.items()}


def _text(table: sa.Table, values: Iterable[Any]) -> str:
    plain = [bytes(each).hex() if isinstance(each, bytes | memoryview) else each for each in values]
    return json.dumps([table.name, *plain], separators=(",", ":"))


def _code(key: LogKey, subject: str, leaf: int, rows: Sequence[str]) -> bytes:
    return key.seal(_DOMAIN + json.dumps([subject, leaf, *rows], separators=(",", ":")).encode())
