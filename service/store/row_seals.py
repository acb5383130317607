"""
Seals of subjects: the rows that speak of a key, a person, an entity or the sign-offs of a decision go in, and whether they may be believed
comes out.

Whoever can write to the database lacks the log's key. So the rows of each subject have one seal, a code by a key that is derived from the
log's key, over a digest of the rows and the number of the last leaf that there was:

    code = HMAC("fifthfactor/subject-seal/1" || 00 || RFC 8785 of [subject, leaf, rows])                     (under the log's seal key)

- INVARIANT (checked before it is sealed): a transaction changes a subject inside of `changing`, which checks the seal before the change.
  So no change that was made by other means is ever sealed.
- INVARIANT (nobody acts on a broken seal): readers on whose rows a decision or an admission rests call `check`, or read by `sealed_rows`,
  and pass SealBroken on.
- An older row can be put back with its own seal. Of who may be let in `service.store.admissions` finds that. Of other rows nothing here
  does, but `log verify --deep`, by what records used.
"""

import hmac
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from functools import cache, lru_cache
from hashlib import sha256
from typing import Any

import sqlalchemy as sa

from service.problems import RequestRefused
from service.store.log_key import LogKey, LogKeyRefused
from service.store.log_tree import growth_of, sealed_tree
from service.store.tables import (
    about,
    agreement,
    agreement_event,
    agreement_party,
    agreement_use,
    caller,
    counter_sum,
    document_confirmation,
    entity,
    movement,
    opening,
    person,
    right_line,
    right_opening,
    session,
    sign_off,
    subject_seal,
    tree_leaf,
)

_DOMAIN = b"fifthfactor/subject-seal/1\x00"
_KEYS = "fifthfactor.seal_keys"
_AT_ONCE = 400  # subjects in one statement
_TRIES = 2  # more looks at rows that do not have their seal

_quoted = json.encoder.encode_basestring_ascii

# Written once: each transaction that changes a subject runs some of them.
_NOTE = sa.select(about.c.value).where(about.c.name == sa.bindparam("named"))
_WITHOUT_NOTE, _WITH_NOTE = sa.delete(about).where(about.c.name == sa.bindparam("named")), sa.insert(about)
_LAST_LEAF = (
    sa.select(tree_leaf.c.index).where(tree_leaf.c.kind == sa.bindparam("kind")).order_by(tree_leaf.c.index.desc()).limit(1)
)

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
    always: str = ""  # the id of the only subject of the kind, which is there without rows too
    only: str = "TRUE"  # which rows of the tables belong to subjects (SQL)

    def subject(self, id: str, within: tuple[str, ...] = ()) -> str:
        """The name of a subject."""
        return "/".join((self.name, *within, id))


KEY = SealedKind("key", ((caller, '"id"', ()), (session, '"key"', ())))
PERSON = SealedKind("person", ((person, '"id"', ()), (session, '"person"', ())))
ENTITY = SealedKind("entity", ((entity, '"id"', ('"kind"',)),))
SIGN_OFFS = SealedKind("sign-offs", ((sign_off, '"decision"', ()),))
# The sums of a counter, of which the row of all years has digests of the others, and with what it was opened; by its meaning and its key.
COUNTER = SealedKind("counter", ((counter_sum, '"key"', ('"meaning"',)),), only="\"period\" = 'all'")
OPENINGS = SealedKind("openings", ((opening, '"key"', ('"meaning"',)),))
NOTED = SealedKind("noted", ((about, '"name"', ()),))
# What a commitment granted, or an opening states.
GRANTS = SealedKind("grants", ((right_line, '"source"', ()), (right_opening, '"id"', ())))
# An agreement on benefit with all its versions; and which one a commitment named.
_OF_AGREEMENT = ((agreement, '"id"', ()), (agreement_party, '"agreement"', ()), (agreement_event, '"agreement"', ()))
AGREEMENT = SealedKind("agreement", _OF_AGREEMENT)
AGREED = SealedKind("agreed", ((agreement_use, '"commitment"', ()),))
# What a commitment of a data set that has a name moves; and by meaning and key, what was moved by those who are said to be counted already.
OF_DATA_SET = '"data_set" IS NOT NULL OR "same_as" IS NOT NULL'
MOVED = SealedKind("moved", ((movement, '"commitment"', ()),), only=OF_DATA_SET)
AGAIN = SealedKind("again", ((movement, '"key"', ('"meaning"',)),), only='"same_as" IS NOT NULL')
# What was confirmed, signed and withdrawn of a document, by what it is bound to.
CONFIRMED = SealedKind("confirmed", ((document_confirmation, '"binding"', ()),))
# Every key, and every session that ended: service.store.admissions.
_ENDED = "CASE WHEN \"ended_at\" IS NOT NULL THEN 'all' END"
ADMISSIONS = SealedKind("admissions", ((caller, "'all'", ()), (session, _ENDED, ())), "all")
KINDS = (KEY, PERSON, ENTITY, SIGN_OFFS, COUNTER, OPENINGS, MOVED, AGAIN, GRANTS, AGREEMENT, AGREED, CONFIRMED, ADMISSIONS)


def rows_in(
    connection: sa.Connection, table: sa.Table, wanted: Mapping[str, Sequence[str]], *more: str, only: str = "TRUE"
) -> Sequence[Any]:
    """
    The rows of a table of which columns have one of some values, after columns `more`. All columns, and `only`, are SQL texts.

    Every decision waits for it, so it goes to the driver as directly as possible.
    """
    counts = tuple((column, len(values)) for column, values in wanted.items())
    statement = _statement(connection.dialect.name, table, counts, more, only)
    return connection.exec_driver_sql(statement, tuple(value for values in wanted.values() for value in values)).fetchall()


@lru_cache(maxsize=1024)
def _statement(dialect: str, table: sa.Table, counts: tuple[tuple[str, int], ...], more: tuple[str, ...], only: str) -> str:
    place = "?" if dialect == "sqlite" else "%s"
    columns = ", ".join((*more, *(f'"{column.name}"' for column in table.columns)))
    where = " AND ".join(f"{column} IN ({', '.join([place] * count) or 'NULL'})" for column, count in counts)
    return f'SELECT {columns} FROM "{table.name}" WHERE {where} AND ({only})'


@lru_cache(maxsize=1024)
def _joined(dialect: str, kind: SealedKind, counts: tuple[tuple[str, int], ...], beside: bool) -> str:
    ((table, column, within),) = kind.parts
    place = "?" if dialect == "sqlite" else "%s"
    columns = ", ".join(f'r."{each.name}"' for each in table.columns)
    subject = " || '/' || ".join((f"'{kind.name}'", *(f"r.{name}" for name in (*within, column))))
    where = " AND ".join(f"r.{name} IN ({', '.join([place] * count) or 'NULL'})" for name, count in counts)
    belongs, only = (f", {kind.only}", "TRUE") if beside else ("", kind.only)
    joined = f"s.subject = {subject}" + (f" AND ({kind.only})" if beside else "")
    return (
        f'SELECT {columns}, s.leaf, s.code{belongs} FROM "{table.name}" r LEFT JOIN subject_seal s ON {joined}'
        f" WHERE {where} AND ({only})"
    )


@cache
def _putting(dialect: str, table: sa.Table) -> str:
    names, keys = ([f'"{column.name}"' for column in some] for some in (table.columns, table.primary_key))
    others = ", ".join(f"{name} = excluded.{name}" for name in names if name not in keys)
    places = ", ".join(["?" if dialect == "sqlite" else "%s"] * len(names))
    return (
        f'INSERT INTO "{table.name}" ({", ".join(names)}) VALUES ({places})'
        f" ON CONFLICT ({', '.join(keys)}) DO UPDATE SET {others}"
    )


def give_keys(connection_info: dict[Any, Any], keys: Keys | None) -> None:
    """Let a connection check seals by the log's key; with None it checks none, since its rows were made from leaves."""
    connection_info[_KEYS] = keys


def check(connection: sa.Connection, kind: SealedKind, ids: Sequence[str], within: tuple[str, ...] = ()) -> None:
    """
    Raises SealBroken if the rows of one of these subjects do not have their seal. A subject without rows must have no seal.

    Whoever lacks the log's key, as a command on another machine may, checks nothing.
    """
    keys: Keys | None = connection.info.get(_KEYS)
    if keys is None or not ids:
        return
    try:
        key = keys(False)
    except LogKeyRefused:
        return
    for broken in _broken(connection, key, kind, ids, within):
        # Another process may have changed the rows between two statements, or given the log another key and sealed by it.
        if all([*_broken(connection, _renewed(keys, key), kind, [broken], within)] for _ in range(_TRIES)):
            raise SealBroken(f"`{kind.subject(broken, within)[:120]}`")


def sealed_rows(
    connection: sa.Connection, kind: SealedKind, wanted: Mapping[str, Sequence[str]], *, beside: bool = False
) -> Sequence[Any]:
    """
    The rows of the only table of a kind of which columns have one of some values: all rows of each subject. Raises SealBroken.

    `beside`: also rows that belong to no subject, which nothing here checks.

    Rows come with their seals in one statement: in two, a commit in between would look like a change by other means.
    """
    ((table, _, _),) = kind.parts
    keys: Keys | None = connection.info.get(_KEYS)
    if keys is None:
        return rows_in(connection, table, wanted, only="TRUE" if beside else kind.only)
    counts = tuple((column, len(values)) for column, values in wanted.items())
    statement = _joined(connection.dialect.name, kind, counts, beside)
    rows = connection.exec_driver_sql(statement, tuple(value for values in wanted.values() for value in values)).fetchall()
    if not rows:
        return rows
    try:
        key = keys(False)
    except LogKeyRefused:
        return rows
    width, places = len(table.columns), _places(kind)
    texts: dict[str, tuple[Any, list[str]]] = {}
    for row in rows:
        if not beside or row[width + 2]:
            subject = "/".join((kind.name, *(row[place] for place in places)))
            texts.setdefault(subject, (row, []))[1].append(_text(table, row[:width]))
    for subject, (row, held) in texts.items():
        held.sort()
        leaf, code = row[width], b"" if row[width + 1] is None else bytes(row[width + 1])
        if hmac.compare_digest(code, _code(key, subject, leaf, held)):
            continue
        if not hmac.compare_digest(code, _code(_renewed(keys, key), subject, leaf, held)):
            raise SealBroken(f"`{subject[:120]}`")
    return rows


@cache
def _places(kind: SealedKind) -> tuple[int, ...]:
    """Where the rows of the only table of a kind have what makes the name of a subject."""
    ((table, column, within),) = kind.parts
    names = [each.name for each in table.columns]
    return tuple(names.index(name.strip('"')) for name in (*within, column))


def keys_of(connection: sa.Connection) -> Keys | None:
    """The log's key, for a connection that checks seals."""
    keys: Keys | None = connection.info.get(_KEYS)
    return keys


def checks(connection: sa.Connection) -> bool:
    """Whether a connection checks seals."""
    keys = keys_of(connection)
    try:
        return keys is not None and keys(False) is not None
    except LogKeyRefused:
        return False


def seal_rows(transaction: sa.Connection, subjects: Mapping[str, Sequence[tuple[sa.Table, Sequence[Any]]]]) -> None:
    """
    Seal subjects of which these are all rows after a change, each with its table, and with a value for every column in order.

    They are new, or `sealed_rows` checked them before the change.
    """
    growth = growth_of(transaction)
    key, leaf = growth.key(), growth.last()
    texts = {subject: sorted(_text(*row) for row in rows) for subject, rows in subjects.items()}
    put_rows(transaction, subject_seal, [(each, leaf, _code(key, each, leaf, held)) for each, held in texts.items()])


def put_rows(transaction: sa.Connection, table: sa.Table, rows: Sequence[tuple[Any, ...]]) -> None:
    """Add rows, each with a value for every column in order, or put them in the place of those with the same key."""
    if rows:
        transaction.exec_driver_sql(_putting(transaction.dialect.name, table), list(rows))


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
        if kind.always:
            yield kind, (), [kind.always]
            continue
        found: dict[tuple[str, ...], set[str]] = {}
        for table, column, within_columns in kind.parts:
            columns = ", ".join((*within_columns, column))
            asked = f'SELECT DISTINCT {columns} FROM "{table.name}" WHERE {column} IS NOT NULL AND ({kind.only})'
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
        for table, column, _ in kind.parts if broken else ():
            if table is session:
                hers = sa.true() if kind.always else session.c[column.strip('"')].in_(broken)
                transaction.execute(sa.delete(session).where(hers))
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
                code = _code(after, row.subject, row.leaf, rows.get(id, []))
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
        if kind.always:
            last = _last_admitting(connection)
            if seal is None and not held and last < 0:
                continue
            if seal is None or seal.leaf < last:
                yield id
                continue
            held = held or []
        if held is None and seal is None:
            continue
        if held is None or seal is None or not _holds(key, seal, held):
            yield id


def _last_admitting(connection: sa.Connection) -> int:
    tree = sealed_tree(connection)
    return -1 if tree is None else tree.admitting


def _seal(transaction: sa.Connection, key: LogKey, kind: SealedKind, ids: Sequence[str], within: tuple[str, ...]) -> None:
    rows: dict[str, list[str]] = {id: [] for id in ids if id == kind.always}
    rows |= _rows(transaction, kind, ids, within)
    leaf = growth_of(transaction).last()
    sealed = [(kind.subject(id, within), held) for id, held in rows.items()]
    put_rows(transaction, subject_seal, [(subject, leaf, _code(key, subject, leaf, held)) for subject, held in sealed])
    if gone := [kind.subject(id, within) for id in ids if id not in rows]:
        transaction.execute(sa.delete(subject_seal).where(subject_seal.c.subject.in_(gone)))


def seal_code(connection: sa.Connection, kind: SealedKind, id: str) -> bytes:
    """The code of the seal of a subject as the database has it, not checked; empty where it has none."""
    seal = _seals(connection, kind, [id], ()).get(id)
    return b"" if seal is None else bytes(seal.code)


def held_by(connection: sa.Connection, kind: SealedKind, id: str) -> tuple[Any, list[tuple[sa.Table, Any]]]:
    """
    The seal of a subject, None if it has none, and its rows with their tables, of which the seal is. Raises SealBroken.

    Another process may change them between two statements, so they are looked at again before they are said to be broken.
    """
    for _ in range(1 + _TRIES):
        seal, rows = _seals(connection, kind, [id], ()).get(id), _values(connection, kind, [id], ()).get(id, [])
        texts = sorted(_text(*each) for each in rows)
        keys: Keys = connection.info[_KEYS]
        if seal is None and not rows:
            return None, []
        if seal is not None and (_holds(keys(False), seal, texts) or _holds(_renewed(keys, keys(False)), seal, texts)):
            return seal, rows
    raise SealBroken(f"`{kind.subject(id)[:120]}`")


def _rows(connection: sa.Connection, kind: SealedKind, ids: Sequence[str], within: tuple[str, ...]) -> dict[str, list[str]]:
    """The rows of each subject as texts, in an order of their own."""
    return {id: sorted(_text(*row) for row in each) for id, each in _values(connection, kind, ids, within).items()}


def _values(
    connection: sa.Connection, kind: SealedKind, ids: Sequence[str], within: tuple[str, ...]
) -> dict[str, list[tuple[sa.Table, Any]]]:
    """The rows of each subject, each with its table."""
    found: dict[str, list[tuple[sa.Table, Any]]] = {}
    for table, column, within_columns in kind.parts:
        wanted = {name: [value] for name, value in zip(within_columns, within, strict=True)}
        for id, *values in rows_in(connection, table, {**wanted, column: ids}, column, only=kind.only):
            found.setdefault(id, []).append((table, values))
    return found


def _text(table: sa.Table, values: Sequence[Any]) -> str:
    if table is counter_sum:  # long rows are sealed by their digest
        values = (*values[:3], sha256("\n".join(map(str, values[3:])).encode()).hexdigest())
    return _list([table.name, *values])


def _list(values: Iterable[Any]) -> str:
    """Values as a JSON list. Every decision waits for it, so it is written by hand."""
    return f"[{','.join([_quoted(each) if each.__class__ is str else _written(each) for each in values])}]"


def _written(value: Any) -> str:
    """A value that is no text, in the form that both databases share: SQLite has no truth values."""
    if isinstance(value, int):
        return str(int(value))
    return json.dumps(bytes(value).hex() if isinstance(value, bytes | memoryview) else value)


def _code(key: LogKey, subject: str, leaf: int, rows: Sequence[str]) -> bytes:
    return key.seal(_DOMAIN + _list([subject, leaf, *rows]).encode())
