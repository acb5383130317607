"""
`fifthfactor diff OLD NEW`: find two bundles and the exchanges to try, hold one against the other, tell it in Markdown or JSON.

OLD and NEW are each a folder, a git revision or the digest of a bundle. From a revision come the bytes that were committed, read
by git's plumbing without a shell, a checkout or a filter. The exchanges are the tests of both bundles, files, and the records of
a decision log, which is opened for reading only; nothing is recorded here, and no value of a real exchange is printed.
"""

import json
import os
import re
import sqlite3
import subprocess
import sys
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass, field
from datetime import date, datetime
from functools import partial
from itertools import chain, groupby
from pathlib import Path, PurePosixPath
from typing import Any

import engine
from service.commands import UsedWrongly
from service.log.leaf import Entry, Opening, clear
from service.log.record import SCHEMA as RECORD
from service.log.store import SCHEMA_VERSION, Stored
from service.telling import DISCLAIMER

FAIL_ON = {
    "permits-more": ("permits more", "may permit more"),
    "permits-less": ("permits less", "may permit less"),
    "any-outcome": tuple(direction for direction in engine.DIRECTIONS if direction != "same outcome"),
    "any-change": engine.DIRECTIONS,
}
POLICY_SUFFIXES = (".yaml", ".yml")
LINES_SUFFIXES = (".jsonl", ".ndjson")
DIGEST = re.compile(r"[0-9a-f]{8,64}")
RULES = ("policy", "rule", "definition", "requirement")  # what the Markdown tells first
MAX_COMMITS = 200  # how far back a digest is looked for
MAX_LISTED = 50  # changes in one list of the Markdown
MAX_DETAILS = 12
MAX_FINDINGS = 5
MAX_CAUSES = 5
GIT_SECONDS = 60


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for on the command line."""

    old: str
    new: str
    policies: Path | None = None
    exchanges: tuple[Path, ...] = ()
    log: Path | None = None
    only: str = ""
    as_of: str | None = None
    mode: str = "checked"
    examples: int = 20
    fail_on: str | None = None
    as_json: bool = False


@dataclass(frozen=True, slots=True)
class Side:
    """A bundle that was found, and how it is called."""

    label: str
    bundle: engine.Bundle


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
    finder = _Finder(request)
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
        progress=lambda number: _progress(f"{number:,} exchanges"),
    )
    _progress("")
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


# Finding OLD and NEW


class _GitRefused(Exception):
    """Git ended with an error; the message is its first line."""


class _Finder:
    """Finds bundles by what they are called."""

    def __init__(self, request: Request) -> None:
        if request.policies and not request.policies.exists():
            raise UsedWrongly(f"there is no file or folder {request.policies}")
        # Which repository is meant, and where the policies lie in it: as said, else the first of these that lies in one.
        folders = [Path(text) for text in (request.new, request.old, "policies") if _exists(text)]
        self.places = [request.policies] if request.policies else [*folders, engine.bundled_policies()]
        around = [(place, _Repository.around(place)) for place in self.places]
        self.place, self.repository = next((each for each in around if each[1]), around[0])
        # As git reads REVISION:path, which names the place itself.
        self.named = (None if request.policies or folders else _Repository.around(Path())) or self.repository

    def side(self, text: str) -> Side:
        """The bundle that `text` names."""
        if text.startswith("-"):
            raise UsedWrongly(f"`{text}` begins with `-`, as no revision does; a folder of that name is `./{text}`")
        if _exists(text):
            return Side(text, _loaded(text, partial(engine.load, Path(text))))
        repository = self.repository
        commit = repository.commit(text) if repository else None
        if repository and commit:
            return self.committed(text, repository, commit, repository.inside(self.place))
        # Only now, for a revision may hold a colon of its own.
        revision, colon, path = text.partition(":")
        commit = self.named.commit(revision) if self.named and colon else None
        if self.named and commit:
            return self.committed(text, self.named, commit, self.named.path(path))
        if DIGEST.fullmatch(text.lower()):
            return self.by_digest(text.lower(), repository)
        where = f"a git revision of {repository.root}" if repository else f"a git revision ({self.place} lies in no repository)"
        raise UsedWrongly(f"`{text}` is neither a folder here, nor {where}, nor a digest of at least 8 hexadecimal digits")

    def committed(self, text: str, repository: "_Repository", commit: str, place: PurePosixPath) -> Side:
        """The bundle at a place in a commit."""
        label = f"{text} ({commit[:10]})"
        return Side(label, _loaded(label, partial(repository.bundle, repository.policies(commit, place))))

    def by_digest(self, digest: str, repository: "_Repository | None") -> Side:
        """The bundle whose meaning or source has the digest: among the policies here, then back through their history."""
        looked = []
        for folder in dict.fromkeys(place.resolve() for place in self.places):
            looked.append(str(folder))
            bundle = _sound(partial(engine.load, folder))
            if bundle and _has(bundle, digest):
                return Side(f"{digest[:12]} ({folder.name})", bundle)
        if repository:
            place = repository.inside(self.place)
            seen: set[tuple[tuple[str, str], ...]] = set()
            unsound = 0
            commits = repository.history(place)
            for number, commit in enumerate(commits, 1):
                _progress(f"looking for {digest[:12]}: {number:,} of {len(commits):,} commits")
                listing = repository.listing(commit, place)
                if tuple(listing.items()) in seen:
                    continue
                seen.add(tuple(listing.items()))
                bundle = _sound(partial(repository.bundle, listing))
                unsound += bundle is None
                if bundle and _has(bundle, digest):
                    _progress("")
                    return Side(f"{digest[:12]} ({commit[:10]})", bundle)
            _progress("")
            passed = f" ({unsound:,} of which this version refuses)" if unsound else ""
            looked.append(f"the last {_count(len(commits), 'commit')} that touch `{place}` in {repository.root}{passed}")
        raise UsedWrongly(
            f"no policies with the digest `{digest}` were found in {' or '.join(looked)}; name a folder or a git revision"
        )


def _exists(text: str) -> bool:
    try:
        return bool(text) and not text.startswith("-") and Path(text).exists()
    except OSError:  # too long for a name
        return False


def _has(bundle: engine.Bundle, digest: str) -> bool:
    return bundle.digests.meaning.startswith(digest) or bundle.digests.source.startswith(digest)


def _sound(load: Callable[[], engine.Bundle]) -> engine.Bundle | None:
    """A bundle, or None where this version refuses it."""
    try:
        return load()
    except (engine.BundleRefused, FileNotFoundError):
        return None


def _loaded(label: str, load: Callable[[], engine.Bundle]) -> engine.Bundle:
    try:
        return load()
    except FileNotFoundError as missing:
        raise UsedWrongly(str(missing)) from None
    except engine.BundleRefused as refused:
        texts = {name: data.decode("utf-8", "replace") for name, data in refused.sources.items()}
        findings = [finding.render(texts) for finding in refused.diagnostics]
        more = f"\n\n… and {_count(len(findings) - MAX_FINDINGS, 'more finding')}" if len(findings) > MAX_FINDINGS else ""
        shown = "\n\n".join(findings[:MAX_FINDINGS])
        raise UsedWrongly(f"{shown}{more}\n\nthe policies of `{label}` do not hold, so they cannot be compared") from None


@dataclass(frozen=True, slots=True)
class _Repository:
    """A git repository, asked by its plumbing: no hook, filter, pager or shell runs."""

    root: Path

    @classmethod
    def around(cls, place: Path) -> "_Repository | None":
        """The repository a file or folder lies in."""
        folder = place if place.is_dir() else place.parent
        try:
            found = _git(folder.resolve(), "rev-parse", "--show-toplevel")
        except _GitRefused as refused:
            if "dubious ownership" in str(refused):
                raise UsedWrongly(f"git will not read the repository around {place}: {refused}") from None
            return None
        return cls(Path(os.fsdecode(found).removesuffix("\n")))

    def commit(self, revision: str) -> str | None:
        """The hash of the commit that a revision names, or None."""
        if not revision or revision.startswith("-"):
            return None
        try:
            # In two steps, since what stands behind `:/words` is part of the words.
            named = _git(self.root, "rev-parse", "--verify", "--quiet", revision).decode().strip()
            return _git(self.root, "rev-parse", "--verify", "--quiet", f"{named}^{{commit}}").decode().strip()
        except _GitRefused:
            return None

    def inside(self, place: Path) -> PurePosixPath:
        """Where a file or folder lies in the repository."""
        whole = place.resolve() if place.is_dir() else place.parent.resolve() / place.name
        return PurePosixPath(whole.relative_to(self.root.resolve()).as_posix())

    def path(self, written: str) -> PurePosixPath:
        """The path of `REVISION:path`: from the root, or from here where it begins with `./` or `../`, as git reads it."""
        from_here = written.startswith(("./", "../")) or written in (".", "..")
        whole = Path(os.path.normpath((Path.cwd() if from_here else self.root.resolve()) / written))
        if not whole.is_relative_to(self.root.resolve()):
            raise UsedWrongly(f"`{written}` lies outside the repository {self.root}")
        return PurePosixPath(whole.relative_to(self.root.resolve()).as_posix())

    def history(self, place: PurePosixPath) -> list[str]:
        """The latest commits that touch a place, on any branch."""
        try:
            found = _git(self.root, "rev-list", "--all", f"--max-count={MAX_COMMITS}", "--", str(place))
        except _GitRefused as refused:
            raise UsedWrongly(f"git cannot list the history of `{place}` in {self.root}: {refused}") from None
        return found.decode().split()

    def policies(self, commit: str, place: PurePosixPath) -> dict[str, str]:
        """The listing of a place in a commit, which must hold policies."""
        listing = self.listing(commit, place)
        if not listing:
            raise UsedWrongly(
                f"there are no policies under `{place}` in {commit[:10]} of {self.root};"
                " name where they lie with REVISION:path or `--policies`"
            )
        return listing

    def listing(self, commit: str, place: PurePosixPath) -> dict[str, str]:
        """The hashes of the YAML files at a place in a commit, by the names that a folder of them would give."""
        try:
            lines = _git(self.root, "ls-tree", "-r", "-z", "--full-tree", commit, "--", *([str(place)] if place.parts else []))
        except _GitRefused as refused:
            raise UsedWrongly(f"git cannot read {commit[:10]} of {self.root}: {refused}") from None
        found = {}
        for line in filter(None, lines.split(b"\0")):
            about, _, name = line.partition(b"\t")
            mode, kind, hash_ = about.decode().split()
            path = PurePosixPath(os.fsdecode(name))
            if kind == "commit" or (mode == "120000" and path.suffix in POLICY_SUFFIXES):
                what = "a submodule" if kind == "commit" else "a symbolic link"
                raise UsedWrongly(f"`{path}` in {commit[:10]} is {what}, which is not followed; compare a folder instead")
            if path.suffix in POLICY_SUFFIXES:
                base = self.root.name if not place.parts else place.name
                found[(base / path.relative_to(place)).as_posix()] = hash_
        return found

    def bundle(self, listing: dict[str, str]) -> engine.Bundle:
        """The bundle of the files listed. Raises BundleRefused."""
        return engine.load_sources(self.read(listing))

    def read(self, listing: dict[str, str]) -> dict[str, bytes]:
        """The bytes of the files listed, by name."""
        asked = "".join(f"{hash_}\n" for hash_ in listing.values()).encode()
        try:
            told = _git(self.root, "cat-file", "--batch", given=asked)
        except _GitRefused as refused:
            raise UsedWrongly(f"git cannot read files of {self.root}: {refused}") from None
        found, at = {}, 0
        for name in listing:
            end = told.index(b"\n", at)
            hash_, _, about = told[at:end].partition(b" ")
            kind, _, size = about.partition(b" ")
            if kind != b"blob":
                raise UsedWrongly(f"git has no bytes for `{name}` ({hash_.decode()}) in {self.root}")
            found[name] = told[end + 1 : end + 1 + int(size)]
            at = end + 1 + int(size) + 1
        return found


def _git(folder: Path, *arguments: str, given: bytes = b"") -> bytes:
    """What git prints. Raises _GitRefused."""
    # The folder says which repository is meant: inside a hook the environment names another.
    environment = {name: value for name, value in os.environ.items() if name not in ("GIT_DIR", "GIT_WORK_TREE")}
    try:
        done = subprocess.run(
            ["git", "--literal-pathspecs", "--no-optional-locks", "-C", str(folder), *arguments],
            input=given,
            capture_output=True,
            env={**environment, "LC_ALL": "C", "GIT_TERMINAL_PROMPT": "0"},
            timeout=GIT_SECONDS,
            check=False,
        )
    except FileNotFoundError:
        raise _GitRefused("git is not installed") from None
    except subprocess.TimeoutExpired:
        raise UsedWrongly(f"git took more than {GIT_SECONDS} seconds in {folder}") from None
    if done.returncode:
        raise _GitRefused(next(iter(done.stderr.decode("utf-8", "replace").splitlines()), f"exit code {done.returncode}"))
    return done.stdout


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

    path: Path | None
    erased: int = field(default=0)

    def trials(self) -> Iterator[engine.Trial]:
        """Each record's request under the law of its day, in the order of the log."""
        if self.path is None:
            return
        for stored in _records(self.path):
            at = f"{self.path}#{stored.sequence}"
            faults = stored.faults()
            if faults:
                yield engine.Trial(stored.entry.id, at, "log", problem=f"the record is not sound: {faults[0]}")
                continue
            record = clear(stored.entry.leaf, stored.entry.openings)
            if record.get("schema") != RECORD:
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


def _records(path: Path) -> Iterator[Stored]:
    """Every record of a log, which a service may be writing at the same time."""
    try:
        with closing(sqlite3.connect(f"{path.resolve().as_uri()}?mode=ro", uri=True)) as connection:
            version = connection.execute("SELECT value FROM about WHERE name = 'schema'").fetchone()
            if version != (str(SCHEMA_VERSION),):
                raise UsedWrongly(f"the log {path} has a schema that this version does not know")
            for sequence, id_, leaf, leaf_hash in connection.execute(
                # A cast, since what was tampered with may be of any type.
                "SELECT sequence, id, CAST(leaf AS BLOB), CAST(leaf_hash AS BLOB) FROM record ORDER BY sequence"
            ):
                openings = connection.execute(
                    "SELECT pointer, CAST(salt AS BLOB), CAST(value AS BLOB) FROM personal WHERE sequence = ? ORDER BY pointer",
                    (sequence,),
                )
                yield Stored(sequence, Entry(id_, leaf, leaf_hash, tuple(Opening(*each) for each in openings)))
    except sqlite3.Error as error:
        raise UsedWrongly(f"the log {path} cannot be read: {error}") from None


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
    left_out = f" Erased personal values of {_count(erased, 'record')} are left out." if erased else ""
    yield (
        f"Meaning {_code(difference.old.meaning[:12])} → {_code(difference.new.meaning[:12])},"
        f" decided in the mode {_code(difference.mode)}.{left_out} {DISCLAIMER}"
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
    where = " and ".join(places[source].format(_count(number, "exchange")) for source, number in difference.tried.items())
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
            shown = f": moves {_count(change.moves, 'exchange')}" if change.moves else ": **no exchange here shows it**"
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


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def _progress(text: str) -> None:
    """Where standard error is a terminal, one line that is written over."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
