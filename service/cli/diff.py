"""
`fifthfactor diff OLD NEW`: find two bundles and the exchanges to try, hold one against the other, tell it in Markdown or JSON.

OLD and NEW are each a folder, a git revision or the digest of a bundle. From a revision come the bytes that were committed, read
by git's plumbing without a shell, a checkout or a filter. The exchanges are the tests of both bundles, files, and the records of
a decision log, which is opened for reading only; nothing is recorded here, and no value of a real exchange is printed.
"""

import json
import re
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from itertools import chain, groupby
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import engine
from service.cli.commands import UsedWrongly, count, progress
from service.cli.revisions import Finder
from service.log.leaf import clear
from service.log.record import SHAPES
from service.log.store import Stored, scan
from service.store.database import DatabaseRefused, file_of, plain
from service.store.upgrade import look

FAIL_ON = {
    "permits-more": ("permits more", "may permit more"),
    "permits-less": ("permits less", "may permit less"),
    "any-outcome": tuple(direction for direction in engine.DIRECTIONS if direction != "same outcome"),
    "any-change": engine.DIRECTIONS,
}
LINES_SUFFIXES = (".jsonl", ".ndjson")
RULES = ("policy", "rule", "definition", "requirement")  # what the Markdown tells first
MAX_LISTED = 50  # changes in one list of the Markdown
MAX_DETAILS = 12
MAX_CAUSES = 5


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line."""

    old: str
    new: str
    policies: Path | None = None
    exchanges: tuple[Path, ...] = ()
    log: str | None = None
    only: str = ""
    as_of: str | None = None
    mode: str = "checked"
    examples: int = 20
    fail_on: str | None = None
    as_json: bool = False


def diff(request: Request) -> int:
    """Hold NEW against OLD; 1 where `fail_on` finds what it names, else 0."""
    if request.mode not in engine.MODES:
        raise UsedWrongly(f"there is no mode `{request.mode}`; use one of {', '.join(engine.MODES)}")
    if request.fail_on is not None and request.fail_on not in FAIL_ON:
        raise UsedWrongly(f"`--fail-on` knows no `{request.fail_on}`; use one of {', '.join(FAIL_ON)}")
    try:
        today = date.fromisoformat(request.as_of) if request.as_of else datetime.now().astimezone().date()
    except ValueError:
        raise UsedWrongly(f"`{request.as_of}` is not a date; write it like 2024-03-22") from None
    finder = Finder(request.old, request.new, request.policies, progress, request.log)
    old, new = finder.side(request.old), finder.side(request.new)
    tests = engine.trials(old.bundle, new.bundle, request.only)
    if request.only and not tests:
        raise UsedWrongly(f"no test file's name contains `{request.only}`")
    log = _Log(request.log)
    difference = engine.compare(
        old.bundle,
        new.bundle,
        chain(tests, _from_files(request.exchanges), log.trials()),
        today=today,
        mode=request.mode,
        progress=lambda number: progress(f"{number:,} exchanges"),
    )
    progress("")
    directions = FAIL_ON[request.fail_on] if request.fail_on else ()
    if directions and request.fail_on != "any-change" and not difference.tried and not difference.same_meaning:
        raise UsedWrongly(
            f"there is no exchange to compare, so `--fail-on {request.fail_on}` can find nothing; name some with `--exchanges`"
        )
    if request.as_json:
        print(difference.model_dump_json(by_alias=True, indent=2))
    else:
        print("\n".join(_markdown(difference, old.label, new.label, request.examples, log.erased)))
    moved = any(move.direction in directions for move in difference.moves)
    return int(moved or (request.fail_on == "any-change" and not difference.same_meaning))


# Real exchanges


def _from_files(paths: Sequence[Path]) -> Iterator[engine.Trial]:
    """The exchanges of folders and files: one of a `.json` file, one a line of any other."""
    for path in paths:
        if not path.exists():
            raise UsedWrongly(f"there is no file or folder {path}")
        suffixes = (".json", *LINES_SUFFIXES)
        files = sorted(file for file in path.rglob("*") if file.suffix in suffixes) if path.is_dir() else [path]
        if not files:
            raise UsedWrongly(f"{path} holds no file that ends in {', '.join(suffixes)}")
        for file in files:
            try:
                if file.suffix == ".json":
                    yield engine.Trial(file.stem, str(file), "file", file.read_bytes())
                else:
                    yield from _lines(file)
            except OSError as error:
                raise UsedWrongly(f"cannot read {file}: {error.strerror}") from None


def _lines(file: Path) -> Iterator[engine.Trial]:
    with file.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            if line.strip():
                yield engine.Trial(f"line {number}", f"{file}:{number}", "file", line)


@dataclass(slots=True)
class _Log:
    """The requests of a decision log. `erased` counts those of which personal values are gone."""

    url: str | None
    erased: int = field(default=0)

    def trials(self) -> Iterator[engine.Trial]:
        """Each record's request under the law of its day, in the order of the log."""
        if self.url is None:
            return
        for stored in _records(self.url):
            at = f"{file_of(self.url) or 'log'}#{stored.sequence}"
            faults = stored.faults()
            if faults:
                yield engine.Trial(stored.entry.id, at, "log", problem=f"the record is not sound: {faults[0]}")
                continue
            record = clear(stored.entry.leaf, stored.entry.openings)
            if record.get("schema") not in SHAPES:
                yield engine.Trial(stored.entry.id, at, "log", problem="the record has a shape that this version does not know")
                continue
            gone = [opening.pointer for opening in stored.entry.openings if opening.value is None]
            for pointer in gone:
                _leave_out(record["request"], pointer)
            self.erased += bool(gone)
            raw = json.dumps(record["request"], ensure_ascii=False).encode()
            yield engine.Trial(stored.entry.id, at, "log", raw, date.fromisoformat(record["as_of"]))


def _leave_out(document: Any, pointer: str) -> None:
    *path, last = (step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:])
    for step in path:
        document = document[step]
    del document[last]


def _records(url: str) -> Iterator[Stored]:
    """Every record of a log, which a service may be writing at the same time."""
    try:
        with closing(look(url)) as database, database.reading.connect() as connection:
            yield from scan(connection)
    except DatabaseRefused as refused:
        raise UsedWrongly(str(refused)) from None
    except sa.exc.DBAPIError as failed:
        raise UsedWrongly(f"the log cannot be read: {plain(failed)}") from None


# Telling


def _markdown(difference: engine.Difference, old: str, new: str, examples: int, erased: int) -> Iterator[str]:
    """The difference as a comment on a change: first what it permits, then the rules."""
    yield f"## Policies: {_code(old)} → {_code(new)}"
    yield ""
    yield _summary(difference)
    yield from _outcomes(difference, examples)
    rules = [change for change in difference.changes if change.what in RULES]
    yield from _changes("Rules", rules)
    yield from _changes("Words", [change for change in difference.changes if change.what not in RULES])
    yield from _bullets(
        "Not compared", [f"{_named(each.exchange)}: {_text(each.problem)}" for each in difference.unread], MAX_LISTED
    )
    yield from _bullets(
        "Engines in trouble", [f"{_named(each.exchange)}: {each.problem}" for each in difference.disagreements], MAX_LISTED
    )
    yield ""
    left_out = f" Erased personal values of {count(erased, 'record')} are left out." if erased else ""
    yield (
        f"Meaning {_code(difference.old.meaning[:12])} → {_code(difference.new.meaning[:12])},"
        f" decided in the mode {_code(difference.mode)}.{left_out} {engine.LANGUAGES['en'].disclaimer}"
    )


def _summary(difference: engine.Difference) -> str:
    by_direction = Counter(move.direction for move in difference.moves)
    others = sum(by_direction[direction] for direction in ("stricter", "milder", "read now", "no longer read"))
    told = [
        text.format(number, "was" if number == 1 else "were")
        for number, text in (
            (by_direction["permits more"], "**{} permitted that {} not**"),
            (by_direction["may permit more"], "**{} perhaps permitted that could not be**"),
            (by_direction["permits less"], "{} no longer permitted"),
            (by_direction["may permit less"], "{} no longer perhaps permitted"),
            (others, "{} otherwise"),
            (by_direction["same outcome"], "{} the same for other reasons"),
        )
        if number
    ]
    places = {"test": "{} of tests", "file": "{} from files", "log": "{} of the log"}
    where = " and ".join(places[source].format(count(number, "exchange")) for source, number in difference.tried.items())
    changes = Counter(change.change for change in difference.changes if change.details or change.change != "changed")
    counted = ", ".join(f"{changes[change]} {change}" for change in ("added", "dropped", "changed") if changes[change])
    worded = "Only wording changes." if difference.changes else "No rule changes."
    rules = f"Rules and words: {counted}." if counted else worded
    if difference.same_meaning:
        return "Both mean the same: no exchange comes out otherwise."
    if not difference.tried:
        return f"No exchange was decided under both, so only the policies are compared. {rules}"
    return f"Of {where}: {', '.join(told) or 'none comes out otherwise'}. {rules}"


def _outcomes(difference: engine.Difference, examples: int) -> Iterator[str]:
    """A table of the moves, and under it the first examples of each row; each row has at least one."""
    rows = [
        (direction, list(moves))
        for (direction, _, _), moves in groupby(
            difference.moves, key=lambda move: (move.direction, move.old.told, move.new.told)
        )
    ]
    if not rows:
        return
    yield from ("", "### Outcomes", "", "| from | to | | exchanges | by |", "|---|---|---|---:|---|")
    for direction, moves in rows:
        old, new = moves[0].old.told, moves[0].new.told
        yield f"| {old} | {new} | {_strong(direction)} | {len(moves):,} | {_causes(moves)} |"
    left = examples
    for direction, moves in rows:
        shown = moves[: max(1, left)]
        left -= len(shown)
        old, new = moves[0].old.told, moves[0].new.told
        yield from ("", f"{old} → {new}, {direction}:" if old != new else f"{old}, {direction}:", "")
        yield from (f"- {_named(move.exchange)}: {_why(move)}" for move in shown)
        if len(moves) > len(shown):
            yield f"- … and {len(moves) - len(shown):,} more"


def _strong(direction: str) -> str:
    return f"**{direction}**" if direction in FAIL_ON["permits-more"] else direction


def _causes(moves: Sequence[engine.MovePart]) -> str:
    """What stands otherwise, most often first; what is no rule only where no rule does."""
    found = Counter((cause.kind, cause.name, cause.text) for move in moves for cause in move.causes)
    rules = {cause: number for cause, number in found.items() if cause[0] == "rule"} or found
    ranked = sorted(rules.items(), key=lambda each: (-each[1], each[0]))
    told = [
        f"{_cause(kind, name)} {text}" + (f" ({number:,})" if number > 1 or len(moves) > 1 else "")
        for (kind, name, text), number in ranked[:MAX_CAUSES]
    ]
    return "; ".join(told + [f"{len(ranked) - MAX_CAUSES} more"] * (len(ranked) > MAX_CAUSES)).replace("|", "\\|")


def _cause(kind: str, name: str) -> str:
    return _code(name) if kind == "rule" else f"{kind} {_text(name) if kind == 'duty' else _code(name)}"


def _why(move: engine.MovePart) -> str:
    told = [f"{_cause(cause.kind, cause.name)} {cause.text}" for cause in move.causes]
    if len(told) > 2 * MAX_CAUSES:
        told = [*told[: 2 * MAX_CAUSES], f"{len(told) - 2 * MAX_CAUSES} more"]
    for side, which in ((move.old, "old"), (move.new, "new")):
        told += [f"the {which} policies cannot read {_text(place)}" for place in side.problems[:MAX_CAUSES]]
    return "; ".join(told) or "no rule stands otherwise"


def _named(exchange: engine.ExchangePart) -> str:
    as_of = f", as of {exchange.as_of}" if exchange.as_of else ""
    return f"{_text(exchange.name)} ({_code(exchange.at)}{as_of})"


def _changes(heading: str, changes: Sequence[engine.PolicyChangePart]) -> Iterator[str]:
    """What was added, dropped, changed, and what is only worded otherwise."""
    told: dict[str, list[str]] = {"added": [], "dropped": [], "changed": []}
    worded = []
    for change in changes:
        name = f"{change.what} {_code(change.name)}" + (f", {_text(change.title)}" if change.title else "")
        if change.under:
            more = f" and {len(change.under) - MAX_CAUSES:,} more" if len(change.under) > MAX_CAUSES else ""
            name += f", under {', '.join(map(_code, change.under[:MAX_CAUSES]))}{more}"
        wording = f"wording: {', '.join(change.wording)}"
        if change.change == "changed" and not change.details:
            worded.append(f"{change.what} {_code(change.name)} ({', '.join(change.wording)})")
            continue
        shown = ""
        if change.moves is not None:
            shown = f": moves {count(change.moves, 'exchange')}" if change.moves else ": **no exchange here shows it**"
        if change.change != "changed":
            about = "; ".join(change.details)
            told[change.change].append(f"{name}{f' ({about})' if about else ''}{shown}")
            continue
        details = [*change.details[:MAX_DETAILS], *([wording] if change.wording else [])]
        if len(change.details) > MAX_DETAILS:
            details.append(f"… and {len(change.details) - MAX_DETAILS:,} more")
        told["changed"].append("\n".join([f"{name}{shown}", *(f"  - {_detail(each)}" for each in details)]))
    if any(told.values()) or worded:
        yield from ("", f"### {heading}")
    for how, lines in told.items():
        yield from _bullets(how.capitalize(), lines, MAX_LISTED, level="")
    if worded:
        yield from ("", f"Only worded otherwise: {'; '.join(worded[:MAX_LISTED])}" + (" …" if len(worded) > MAX_LISTED else ""))


def _bullets(heading: str, lines: Sequence[str], most: int, level: str = "### ") -> Iterator[str]:
    if lines:
        yield from ("", f"{level}{heading}{'' if level else ':'}", "")
        yield from (f"- {line}" for line in lines[:most])
        if len(lines) > most:
            yield f"- … and {len(lines) - most:,} more"


def _text(text: str) -> str:
    """An author's words in Markdown: nothing in them makes a link, a tag or a cell."""
    return re.sub(r"([\\`*\[\]<|])", r"\\\1", " ".join(text.split()))


def _detail(text: str) -> str:
    """Words of ours around names in backticks and words of authors."""
    return re.sub(r"([\\*\[\]<|])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"
