"""
A reviewer at a desk: the newest decisions, a search, one decision told, an export, and whether all of it is sound.

Each prints for people, or JSON for programs, and returns the exit code: 0 done, 1 a finding. The log is only read, but by `reindex` and
`erase`.
"""

import asyncio
import csv
import json
import os
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import Any, TextIO

import sqlalchemy as sa

import engine
from service.cli.commands import UsedWrongly, load_or_stop, painted, print_decision, told_in
from service.decisions.replay import CannotReplay, Replay, decider, kept_decider
from service.decisions.replay import replay as decide_again
from service.log.index import take_in, unindexed
from service.log.leaf import clear
from service.log.record import Digests
from service.log.search import OUTCOMES, Query, Row, everything, find, moment, newer
from service.log.shown import kept, written_row
from service.log.store import Store, Stored, scan
from service.log.store import find as read
from service.policies.kept import NotKept, load_kept
from service.store.database import Database, DatabaseRefused, plain
from service.store.tables import entry, head
from service.store.upgrade import look
from service.store.writer import NotRecorded
from service.telemetry.log_lines import audit, logger

FORMATS = ("csv", "jsonl")
COLUMNS = tuple(Row.__dataclass_fields__)
FOLLOWED_EVERY = 0.5  # seconds
BY = "command-line"
_FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")


def tail(url: str, lines: int, follow: bool, as_json: bool) -> int:
    """Print the newest decisions, and go on with those that come."""
    with _reading(url) as connection:
        rows = list(reversed(find(connection, Query(), None, lines).rows)) if lines else []
        # By their place in the log: a record may come a little after one that is later by its moment.
        last = max((row.sequence for row in rows), default=-1)
        if not rows and not follow:
            _say_none(lines == 0)
        if follow and not rows:
            highest = connection.execute(sa.select(sa.func.max(entry.c.sequence))).scalar_one()
            last = -1 if highest is None else highest
        _print_rows(rows, as_json)
    while follow:
        time.sleep(FOLLOWED_EVERY)
        with _reading(url) as connection:
            while rows := newer(connection, last, 1_000):
                last = rows[-1].sequence
                _print_rows(rows, as_json)
    return 0


def search(url: str, sent: dict[str, Any], limit: int, as_json: bool) -> int:
    """Print what a query finds."""
    query = _query(sent)
    with _reading(url) as connection:
        rows = list(islice(everything(connection, query, min(limit + 1, 1_000)), limit + 1))
        _print_rows(rows[:limit], as_json)
        _warn(connection)
    if not rows:
        _say_none()
    elif len(rows) > limit:
        print(
            f"there are more than {limit}; ask for more with --limit, or write all with `fifthfactor log export`",
            file=sys.stderr,
        )
    return 0


def show(url: str, id: str, as_json: bool, lang: str) -> int:
    """Tell one decision."""
    if lang not in engine.LANGUAGES:
        raise UsedWrongly(f"there is no language `{lang}`; use one of {', '.join(engine.LANGUAGES)}")
    with _reading(url) as connection:
        stored = read(connection, id)
        if stored is None:
            print(f"no decision has the id `{safe(id)}`", file=sys.stderr)
            return 1
        if as_json:
            print(json.dumps(kept(stored), ensure_ascii=False, indent=2))
            return 0
        record = clear(stored.entry.leaf, stored.entry.openings)
        try:
            # Chinese says names that are in the policies.
            policies = load_kept(connection, **record["bundle"]) if lang == "zh" else None
        except NotKept as not_kept:
            raise UsedWrongly(f"Chinese needs the policies that decided: {not_kept}") from None
    asked_by = f" for {safe(record['asked_by'])}" if record.get("asked_by") else ""
    print(f"{record['id']}, number {stored.sequence} in the log, recorded {record['recorded_at']}{asked_by}\n")
    if record.get("denied"):
        print(f"Whoever asked was told no: {safe(record['denied'])}.\n")
    print_decision(engine.Decision.model_validate(record["decision"]), told_in(policies, lang), whole=True)
    return 0


def export(url: str, sent: dict[str, Any], form: str, whole: bool, output: Path | None) -> int:
    """Write all that a query finds, to a file or standard output."""
    if form not in FORMATS:
        raise UsedWrongly(f"there is no format `{form}`; use one of {', '.join(FORMATS)}")
    query = _query(sent)
    with _reading(url) as connection, _writing(output) as file:
        write = _whole(connection, file) if whole else _rows(file, form)
        count = 0
        for count, row in enumerate(everything(connection, query), 1):
            write(row)
            _progress(f"{count:,} decisions", count)
        _progress("")
        _warn(connection)
    if not count:
        _say_none()
    return 0


def verify(url: str, as_json: bool) -> int:
    """Check every record, and that their numbers are dense."""
    faults: list[dict[str, Any]] = []
    expected = 0
    with _reading(url) as connection:
        lowest = unindexed(connection)
        upto: int = connection.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one()
        for stored in scan(connection):
            if stored.sequence >= upto:
                break  # recorded since
            if stored.sequence != expected:
                faults.append({"sequence": expected, "id": None, "fault": "there is no record of this number"})
            faults += ({"sequence": stored.sequence, "id": stored.entry.id, "fault": fault} for fault in stored.faults())
            expected = stored.sequence + 1
            _progress(f"{expected:,} of {upto:,} records", expected)
        if expected < upto:
            faults.append({"sequence": expected, "id": None, "fault": "there is no record of this number"})
        held = connection.execute(sa.select(sa.func.count()).where(entry.c.sequence.between(lowest, upto - 1))).scalar_one()
        if held != upto - min(lowest, upto):
            faults.append({"sequence": None, "id": None, "fault": "the index lacks records, or has some that are not there"})
        _progress("")
        _warn(connection)
    if as_json:
        print(json.dumps({"sound": not faults, "records": upto, "faults": faults}, ensure_ascii=False, indent=2))
    else:
        for each in faults:
            print(f"{painted('red', 'fault')} in record {each['sequence']} {each['id'] or ''}: {each['fault']}")
        print(f"{upto:,} records, {len(faults) or 'no'} fault{'s' if len(faults) != 1 else ''}")
    return 1 if faults else 0


def reindex(url: str) -> int:
    """Take older records into the index."""
    with _opened(url) as database:
        with database.reading.connect() as connection:
            before = unindexed(connection)
        take_in(database, before, lambda left: _progress(f"{before - left:,} of {before:,} records", 0))
        _progress("")
    print(f"{before:,} records taken into the index" if before else "every record is in the index already")
    return 0


def replays(url: str, ids: list[str], policies: Path | None, as_json: bool) -> int:
    """Decide again what was decided."""
    given = load_or_stop([policies]) if policies else None
    ready: dict[tuple[Digests, str], engine.PDP] = {}
    found: list[dict[str, Any]] = []
    with _reading(url) as connection:

        def deciders(bundle: Digests, mode: str) -> engine.PDP:
            if (bundle, mode) not in ready:
                made = decider(given, bundle, mode) if given else kept_decider(connection, bundle, mode)
                ready.clear()  # one is as much as a service holds
                ready[bundle, mode] = made
            return ready[bundle, mode]

        for id in ids:
            try:
                stored = read(connection, id)
                if stored is None:
                    raise CannotReplay("no decision has this id")
                replayed = decide_again(stored, deciders)
            except CannotReplay as cannot:
                found.append({"id": id, "holds": False, "error": str(cannot)})
                if not as_json:
                    print(f"{safe(id)}: {painted('red', 'not replayed')}: {cannot}")
                continue
            found.append(asdict(replayed))
            if not as_json:
                _print_replay(replayed)
    if as_json:
        print(json.dumps(found, ensure_ascii=False, indent=2))
    return 0 if all(each["holds"] for each in found) else 1


def _print_replay(replayed: Replay) -> None:
    said = {"bytes": "the same, byte for byte", "meaning": "the same in meaning, not in its bytes", "nothing": "different"}
    versions = f"engine {replayed.recorded_by}"
    if replayed.recorded_by != replayed.replayed_by:
        versions += f", replayed by {replayed.replayed_by}"
    tone = "green" if replayed.holds else "red"
    print(f"{replayed.id}: {painted(tone, said[replayed.same])} ({versions}, policies {replayed.bundle[:12]})")
    if replayed.erased:
        print(f"  erased, so left out, and not to be replayed exactly: {', '.join(replayed.erased)}")
    for each in replayed.differences:
        print(f"  {each.pointer}: recorded {_short(each.recorded)}, now {_short(each.replayed)}")


def _short(value: Any) -> str:
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:97]}..."


def _query(sent: dict[str, Any]) -> Query:
    fields: dict[str, Any] = {name: tuple(value) if isinstance(value, list) else value for name, value in sent.items()}
    for name in ("since", "until"):
        if name in fields:
            try:
                fields[name] = moment(fields[name], end=name == "until")
            except (ValueError, OverflowError):
                raise UsedWrongly(
                    f"`{fields[name]}` is no day like 2026-11-24, and no moment like 2026-11-24T09:30:00Z"
                ) from None
    for outcome in fields.get("outcome", ()):
        if outcome not in OUTCOMES:
            raise UsedWrongly(f"there is no outcome `{outcome}`; {engine.did_you_mean(outcome, OUTCOMES)}".rstrip("; "))
    return Query(**fields)


def _rows(file: TextIO, form: str) -> Callable[[Row], None]:
    if form == "jsonl":
        return lambda row: print(json.dumps(written_row(row), ensure_ascii=False), file=file)
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    return lambda row: table.writerow([_cell(value) for value in written_row(row).values()])


def _whole(connection: sa.Connection, file: TextIO) -> Callable[[Row], None]:
    def write(row: Row) -> None:
        stored: Stored | None = read(connection, row.id)
        if stored is not None:
            print(json.dumps(kept(stored), ensure_ascii=False), file=file)

    return write


def _cell(value: Any) -> Any:
    """A value as no spreadsheet takes it for a formula."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() if value.startswith(_FORMULA):
            return f"'{value}"
        case _:
            return value


def erase(url: str, ids: Sequence[str]) -> int:
    """Erase the personal values of decisions, and say how many; ends with 1 where a decision is not there."""
    look(url).close()  # of a mistyped name nothing is made
    missing = 0
    with Store.open(url) as store:
        for id in ids:
            if store.read(id) is None:
                print(f"no decision has the id `{safe(id)}`", file=sys.stderr)
                missing = 1
                continue
            try:
                erased = asyncio.run(store.erase(id))
            except NotRecorded as failed:
                raise UsedWrongly(f"the log cannot be written: {failed}") from None
            audit(logger(), "decision-erased", caller=BY, decision_id=id, values=erased)
            print(f"{id}: {erased} value{'' if erased == 1 else 's'} erased")
    return missing


def _print_rows(rows: list[Row], as_json: bool) -> None:
    for row in rows:
        if as_json:
            print(json.dumps(written_row(row), ensure_ascii=False), flush=True)
            continue
        tone = "green" if row.proceed else "yellow" if row.outcome in ("undetermined", "review") else "red"
        word = painted(tone, f"{row.outcome.replace('_', ' ') + (' (hypothetical)' if row.hypothetical else ''):26}")
        countries = f"{row.exporter_country or '?'} > {row.recipient_country or '?'}"
        parties = f"{row.exporter or '-'} > {row.recipient or '-'}" if row.exporter or row.recipient else ""
        print(safe(f"{row.recorded_at:%Y-%m-%d %H:%M:%S}Z  {row.id}  ") + word + safe(f"  {countries:8} {parties}"), flush=True)


def safe(text: str) -> str:
    """A text without what would move the cursor of a terminal."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def _say_none(asked_for_none: bool = False) -> None:
    if not asked_for_none:
        print("no decision is found", file=sys.stderr)


def _warn(connection: sa.Connection) -> None:
    if left := unindexed(connection):
        print(f"{left:,} older records are not searched; take them in with `fifthfactor log reindex`", file=sys.stderr)


def _progress(text: str, count: int = 0) -> None:
    """Tell how far it is, where somebody looks on; of a count only every hundredth."""
    if sys.stderr.isatty() and count % 100 == 0:
        print(f"\r{text:60}" if text else f"\r{'':60}\r", end="", file=sys.stderr, flush=True)


def _for_its_owner(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


@contextmanager
def _writing(output: Path | None) -> Iterator[TextIO]:
    if output is None:
        yield sys.stdout
        return
    try:
        with open(output, "w", encoding="utf-8", newline="", opener=_for_its_owner) as file:
            yield file
    except OSError as failed:
        raise UsedWrongly(f"cannot write {output}: {failed.strerror}") from None


@contextmanager
def _opened(url: str) -> Iterator[Database]:
    with closing(look(url)) as database:
        try:
            yield database
        except sa.exc.SQLAlchemyError as failed:
            raise DatabaseRefused(f"the database `{database.shown}` cannot be read: {plain(failed)}") from None


@contextmanager
def _reading(url: str) -> Iterator[sa.Connection]:
    with _opened(url) as database, database.reading.connect() as connection:
        yield connection
