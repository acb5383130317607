"""
A run: a table in files is decided part by part, and a manifest is written beside the output.

For each part: its rows in the output's format, in the same order, none dropped; what the door of exchanges refused, in a side file; the
entries of the tree over the rows; and a sample to be explained. A run that was broken off goes on with the next part. The sample is
explained by the ordinary engines, which must come to the same outcome.
"""

import json
import os
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack, suppress
from dataclasses import dataclass, field, replace
from datetime import date
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import IO, Any

import engine
import engine.tables
from engine.tables import DecidedRows, TableDecider
from service.tables import TableRefused
from service.tables.committed_rows import RowCommitter
from service.tables.manifest import CountersFrom, DecidedBy, RunFaults, RunKey, RunManifest, RunPart, RunTree
from service.tables.part_processes import in_children
from service.tables.row_tree import BUCKETS, RowEntries, merged, read_entries, row_entry, row_tree
from service.tables.run_state import PartState, RunState
from service.tables.sampled_rows import RowSample, SampledRow
from service.tables.table_input import TablePart, file_digest, reading
from service.tables.table_output import SUFFIX, write_rows

STDOUT = "-"
MOST_DIFFERING = 100  # rows on which engines differ, and that are named
AT_ONCE = engine.tables.CHUNK

Progress = Callable[[str, int, float], None]  # the part, rows so far, seconds


@dataclass(frozen=True, kw_only=True)
class RunRequest:
    """
    What is to be decided: the `parts` into `output`, a file, a folder or standard output, in a format ("" is that of the first part).

    `explain` is how many rows of each outcome are explained, in `lang`. `counters` and `register` are None where rows state them;
    `counters_are` and `register_of` say in the manifest what they are. `restart` drops what an unfinished run had done. `log` may make
    the run a leaf of a log, and gives the manifest with the place of that leaf. `committer` commits the rows that may proceed.
    `processes` decide the parts of a run that could go on; `waiting` is called while they do.
    """

    bundle: engine.Bundle
    parts: list[TablePart]
    output: Path
    folder: bool
    as_of: date
    today: date
    form: str = ""
    mapping: engine.tables.TableMapping = field(default_factory=engine.tables.TableMapping)
    mapping_sha256: str | None = None
    mode: str = "bitset"
    program: str = "lanes"
    counters: str | engine.tables.CounterSource = "stated"
    counters_are: CountersFrom = "stated"
    register: engine.tables.Register | None = None
    register_of: str | None = None
    explain: int = 1_000
    lang: str = "en"
    chunk: int = AT_ONCE
    processes: int = 1
    restart: bool = False
    log: Callable[[RunManifest], RunManifest] = lambda manifest: manifest
    committer: RowCommitter | None = None
    progress: Progress = lambda part, rows, seconds: None
    waiting: Callable[[], None] = lambda: None


@dataclass(frozen=True, slots=True)
class SideFiles:
    """The files beside an output."""

    manifest: Path
    problems: Path
    explained: Path
    committed: Path
    state: Path

    @classmethod
    def of(cls, output: Path, folder: bool) -> "SideFiles":
        """Beside a file they begin with its name, in a folder they lie in it, and for standard output in the current folder."""
        if folder:
            return cls(
                *(
                    output / f"_{each}"
                    for each in ("manifest.json", "problems.jsonl", "explained.jsonl", "committed.jsonl", "unfinished")
                )
            )
        stem = Path("decisions") if str(output) == STDOUT else output.with_suffix("")
        names = ("manifest.json", "problems.jsonl", "explained.jsonl", "committed.jsonl", "unfinished")
        return cls(*(stem.with_name(f"{stem.name}.{each}") for each in names))


def decide_run(request: RunRequest) -> RunManifest:
    """Decide a table, and write its manifest. Raises TableRefused, ColumnsRefused, OSError."""
    return _Run(request).manifest()


class _Run:
    def __init__(self, request: RunRequest) -> None:
        self.request = request
        self.files = SideFiles.of(request.output, request.folder)
        self.form = request.form or request.parts[0].form
        self.state = RunState(self.files.state)
        self.began = time.monotonic()
        self.rows = 0
        mapping = request.mapping
        taken = {
            mapping.key,
            *mapping.ignored,
            *(each.column for each in mapping.columns),
        }  # what the mapping names stays whole
        self.facts = frozenset(each for each in engine.tables.fact_names(request.bundle) if each.partition(".")[0] not in taken)
        self.parts: list[tuple[PartState, int]] = []
        # A pipe cannot be read again, sums go through all parts, and what a register and a ledger say is of one moment.
        files = str(request.output) != STDOUT and all(each.path for each in request.parts)
        self.resumes = files and request.counters == "stated" and request.register is None

    def manifest(self) -> RunManifest:
        request = self.request
        self._need_outputs()
        if request.folder:
            request.output.mkdir(parents=True, exist_ok=True)
        today = self.state.begin(self._settings(), request.today.isoformat(), request.restart or not self.resumes)
        self.today = date.fromisoformat(today)
        as_of = self.today if request.as_of == request.today else request.as_of
        decider = self._decider(as_of)
        try:
            if request.processes > 1 and self.resumes and request.committer is None:
                in_children(
                    partial(self._decide_in_child, decider), range(len(request.parts)), request.processes, request.waiting
                )
            for number, part in enumerate(request.parts):
                self._decide(number, part, decider)
            manifest = request.log(self._finish(decider, as_of))
            self.files.manifest.write_bytes(manifest.written())
        except BaseException:
            if not self.resumes or not self.parts:
                self.state.end()
            raise
        self.state.end()
        return manifest

    def _decider(self, as_of: date) -> TableDecider:
        request = self.request
        return TableDecider(
            request.bundle,
            as_of=as_of,
            today=self.today,
            mapping=request.mapping,
            counters=request.counters,
            register=request.register,
            decider=engine.tables.OneByOne(request.bundle, request.mode),
            program=request.program,
        )

    def _settings(self) -> dict[str, Any]:
        """What must be the same where a run goes on."""
        request = self.request
        return {
            "bundle": request.bundle.digests.source,
            "engine": engine.__version__,
            "mode": request.mode,
            "program": request.program,
            "mapping": request.mapping_sha256,
            "key": request.mapping.key,
            "as_of": None if request.as_of == request.today else request.as_of.isoformat(),
            "counters": request.counters_are,
            "register": request.register_of,
            "form": self.form,
            "explain": request.explain,
            "parts": [each.name for each in request.parts],
        }

    def _need_outputs(self) -> None:
        """Look whether each part has an output of its own, which is no input. Raises TableRefused."""
        inputs = {each.path.resolve() for each in self.request.parts if each.path is not None}
        outputs: dict[Path, str] = {}
        for part in self.request.parts:
            output = self._output(part).resolve()
            if output in inputs:
                raise TableRefused(f"{self._output(part)} is read and would be written; name another output")
            if other := outputs.get(output):
                raise TableRefused(
                    f"`{other}` and `{part.name}` would both be decided into {output.name}; give one another name"
                )
            outputs[output] = part.name

    # --- a part ------------------------------------------------------------------------------------------------------

    def _decide(self, number: int, part: TablePart, decider: TableDecider) -> None:
        """Decide a part, unless it was decided before."""
        output = self._output(part)
        if self.resumes and part.path is not None:
            done = self.state.done(number, file_digest(part.path), output)
            if done is not None:
                self.parts.append((done, number))
                self.rows += done.rows
                return
        with reading(part, self.request.chunk, self.facts) as source, ExitStack() as stack:
            if source.names is not None:
                decider.check(source.names)
            written = _PartWriter(self, number, part, stack)
            try:
                digest = self._write(output, written.watched(decider.chunks(source.chunks, part.name)))
            except BaseException as told:  # noqa: BLE001 (what fails while arro3 asks for rows comes back in its words)
                raise (written.failed or told) from None
            written.entries.write(self.state.file(number, "entries"))
            written.sample.write(self.state.file(number, "sample"))
            state = PartState(
                input=part.name,
                input_sha256=source.digest(),
                output=output.name,
                output_sha256=digest,
                rows=written.rows,
                outcomes=dict(written.outcomes),
                missing=dict(written.missing),
                distinct=written.distinct,
                without_key=written.without_key,
                problems=written.refused,
            )
        self.state.note(number, state)
        self.parts.append((state, number))

    def _decide_in_child(self, decider: TableDecider, number: int) -> None:
        """Decide a part in a process of its own, which reports nothing: what it decided is on the disk."""
        self.request = replace(self.request, progress=lambda part, rows, seconds: None)
        self._decide(number, self.request.parts[number], decider)

    def _output(self, part: TablePart) -> Path:
        if not self.request.folder:
            return self.request.output
        stem = part.name.removesuffix(Path(part.name).suffix)
        return self.request.output / f"{stem}{SUFFIX[self.form]}"

    def _write(self, output: Path, rows: Iterable[DecidedRows]) -> str:
        """Write the rows of a part, and give the digest of what was written. A file gets its name once it is whole."""
        if str(output) == STDOUT:
            stream = HashedWriter(os.fdopen(os.dup(1), "wb"))
            write_rows(self.form, stream, rows)  # type: ignore[arg-type]
            stream.close()
            return stream.digest()
        unfinished = output.with_name(f".{output.name}.part")
        try:
            write_rows(self.form, unfinished, rows)
            with unfinished.open("rb") as file:
                os.fsync(file.fileno())
            digest = file_digest(unfinished)
            unfinished.replace(output)
        finally:
            unfinished.unlink(missing_ok=True)
        return digest

    # --- the whole ---------------------------------------------------------------------------------------------------

    def _finish(self, decider: TableDecider, as_of: date) -> RunManifest:
        request = self.request
        with ExitStack() as stack:
            entries = [stack.enter_context(self.state.file(at, "entries").open("rb")) for _, at in self.parts]
            tree = row_tree(merged([*map(read_entries, entries)]))
        problems = self._joined("problems", self.files.problems)
        sample = RowSample(request.explain)
        for _, number in self.parts:
            sample.read(self.state.lines(number, "sample"))
        explained, differing = self._explain(sample)
        outcomes: Counter[str] = Counter()
        missing: Counter[str] = Counter()
        for state, _ in self.parts:
            outcomes.update(state.outcomes)
            missing.update(state.missing)
        bundle = request.bundle
        return RunManifest(
            decided_by=DecidedBy(
                meaning=bundle.digests.meaning,
                source=bundle.digests.source,
                semantics=bundle.semantics,
                engine=engine.__version__,
                program=decider.program,
                as_of=as_of.isoformat(),
                today=self.today.isoformat(),
                mapping=request.mapping_sha256,
                counters=request.counters_are,
                register_of=request.register_of,
            ),
            format=self.form,
            parts=[
                RunPart(
                    input=state.input,
                    input_sha256=state.input_sha256,
                    output=state.output,
                    output_sha256=state.output_sha256,
                    rows=state.rows,
                    problems=state.problems,
                )
                for state, _ in self.parts
            ],
            rows=tree.rows,
            outcomes=dict(sorted(outcomes.items())),
            distinct=sum(state.distinct for state, _ in self.parts),
            missing=dict(sorted(missing.items())),
            problems=sum(state.problems for state, _ in self.parts),
            problems_sha256=problems,
            key=RunKey(column=request.mapping.key or None),
            tree=RunTree(buckets=BUCKETS, root=tree.root.hex(), heads=tree.heads),
            faults=RunFaults(
                rows_without_key=sum(state.without_key for state, _ in self.parts),
                keys_twice=tree.twice,
                keys_twice_count=tree.twice_count,
                engines_differ=differing,
            ),
            explained=explained,
            commits=request.committer.commits() if request.committer else None,
        )

    def _joined(self, kind: str, path: Path) -> str:
        """Join the files of the parts into one, and give its digest; where they have nothing there is no file."""
        found = sha256()
        written = False
        with path.open("wb") as file:
            for _, number in self.parts:
                for line in self.state.lines(number, kind):
                    file.write(line)
                    found.update(line)
                    written = True
        if not written:
            path.unlink()
        return found.hexdigest()

    def _explain(self, sample: RowSample) -> tuple[int, list[str]]:
        """Write short answers for the sample; how many there are, and the keys of rows that came out otherwise."""
        request = self.request
        if request.counters == "summed" or not request.explain:  # what a row's counters were is not kept
            self.files.explained.unlink(missing_ok=True)
            return 0, []
        answers = SampleAnswers(request, self.today)
        count = 0
        differing: list[str] = []
        with self.files.explained.open("w", encoding="utf-8") as file:
            for row in sample:
                answer, agrees = answers.of(row)
                told = {"part": row.part, "row": row.row, "key": row.key}
                file.write(json.dumps(told, ensure_ascii=False)[:-1] + f', "answer": {answer}}}\n')
                count += 1
                request.progress("explaining", count, time.monotonic() - self.began)
                if not agrees and len(differing) < MOST_DIFFERING:
                    differing.append(row.key)
        return count, differing


class SampleAnswers:
    """Short answers to rows, by two engines that check each other; equal exchanges are answered once."""

    def __init__(self, request: RunRequest, today: date) -> None:
        self._request = request
        self._today = today
        self._pdp = engine.PDP(request.bundle, "checked")
        self._known: tuple[str, tuple[str, bool]] | None = None

    def of(self, row: SampledRow) -> tuple[str, bool]:
        """The answer to a row, as JSON, and whether the row came to the same outcome."""
        request, day = self._request, date.fromisoformat(row.day)
        document: Any = row.exchange
        if request.register is not None:
            document = request.register(document, day)
        exchange = engine.accept_exchange(request.bundle, document)
        if not isinstance(request.counters, str):
            exchange = request.counters(exchange, day)
        judgement = self._pdp.judge(exchange, as_of=day)
        bounds = judgement.outcome.bounds
        agrees = judgement.agreed and (judgement.outcome.word, (bounds.low.word, bounds.high.word)) == (row.outcome, row.bounds)
        return self._pdp.answer(judgement, today=self._today, id=row.order[:32], lang=request.lang).json(), agrees


class _PartWriter:
    """What is kept of the rows of a part as they pass on their way to the output."""

    def __init__(self, run: _Run, number: int, part: TablePart, stack: ExitStack) -> None:
        self._run = run
        self._part = part
        self.entries = RowEntries()
        stack.callback(self.entries.close)
        self.sample = RowSample(run.request.explain)
        self._problems: IO[str] = stack.enter_context(run.state.file(number, "problems").open("w", encoding="utf-8"))
        self.rows = self.refused = self.without_key = self.distinct = 0
        self.failed: BaseException | None = None
        self.outcomes: Counter[str] = Counter()
        self.missing: Counter[str] = Counter()

    def watched(self, found: Iterator[DecidedRows]) -> Iterator[DecidedRows]:
        """The same rows; a part without rows has one batch without any."""
        some = False
        try:
            for rows in found:
                some = True
                self._keep(rows)
                yield rows
        except BaseException as failed:
            self.failed = failed
            raise
        if not some:
            yield engine.tables.no_rows()

    def _keep(self, rows: DecidedRows) -> None:
        outcomes = [each.hex() for each in rows.outcomes.digests]
        digests = [sha256(key.encode()).digest() for key in rows.keys]
        self.entries.add(*map(row_entry, rows.keys, (outcomes[number] for number in rows.places.tolist()), digests))
        self.sample.add(self._part.name, rows, digests)
        if self._run.request.committer is not None:
            self._run.request.committer.take(self._part.name, rows)
        for place in rows.problem_rows():
            told = {
                "part": self._part.name,
                "row": rows.first + place,
                "key": rows.keys[place],
                "problems": [
                    {"pointer": each.pointer, "code": each.code, "detail": each.told(self._run.request.lang)}
                    for each in rows.outcome(place).problems
                ],
            }
            self._problems.write(json.dumps(told, ensure_ascii=False) + "\n")
            self.refused += 1
        self.outcomes.update(rows.counts())
        self.missing.update(rows.missing_counts())
        self.distinct += rows.distinct.kinds if not rows.begin else 0
        self.without_key += len(rows.without_key)
        self.rows += len(rows)
        self._run.rows += len(rows)
        self._run.request.progress(self._part.name, self._run.rows, time.monotonic() - self._run.began)


class HashedWriter:
    """A stream that is hashed as it is written."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file
        self._hash = sha256()

    def write(self, data: bytes) -> int:
        self._hash.update(data)
        return self._file.write(data)

    def flush(self) -> None:
        self._file.flush()

    def seek(self, place: int, whence: int = 0) -> int:
        """Nothing is sought in a pipe; who asks where it is gets no answer that could be relied on."""
        return 0

    def writable(self) -> bool:
        return True

    def close(self) -> None:
        with suppress(BrokenPipeError):
            self._file.close()

    def digest(self) -> str:
        return self._hash.hexdigest()
