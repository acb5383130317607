"""
Runs the tests of policies: all, those of some files, named cases, those that failed last, or those of what changes.

Which cases failed last is kept for each set of folders in a file under `$XDG_CACHE_HOME/fifthfactor`, else `~/.cache/fifthfactor`. A case
is forgotten there once it passes. Where that folder cannot be written, nothing is kept.
"""

import json
import os
import re
import time
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, replace
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from service.cli.case_report import failure_lines, junit, reason_documents, result_document, shared_lines, why_lines
from service.cli.command import UsedWrongly
from service.cli.coverage_report import cobertura, coverage_document, coverage_lines
from service.cli.files import put
from service.cli.output import count, print_json, progress
from service.cli.stopping import BEGINS_ANEW, stoppable

if TYPE_CHECKING:
    import engine

Reached: TypeAlias = "dict[tuple[str, str | int], int]"
Chosen: TypeAlias = dict[str, frozenset[str]]  # the sentences of the cases to run, by file; none for all of a file
STOPPED = 128  # and the number of a signal: how a command ends that was stopped
LOOK_AGAIN = 0.5  # seconds between two looks at the files
MOST_NAMED = 20  # cases that one name may mean


@dataclass(frozen=True, slots=True)
class TestOptions:
    """What to run, and what to write about it."""

    __test__ = False  # not a pytest class

    paths: tuple[Path, ...]
    only: str = ""
    failed: bool = False
    coverage: bool = False
    junit: Path | None = None
    cobertura: Path | None = None
    as_json: bool = False


class TimedResult(NamedTuple):
    """How a case came out, and how long it took."""

    result: "engine.Result"
    seconds: float


def split(paths: Sequence[Path]) -> tuple[tuple[Path, ...], list[str]]:
    """The folders and files among paths, and the cases that are named like `FILE::CASE`."""
    named = [str(path) for path in paths if "::" in str(path)]
    return tuple(path for path in paths if "::" not in str(path)), named


def run_named(paths: Sequence[Path], names: Sequence[str], only: str, why: bool, as_json: bool) -> int:
    """Run some cases that are named, with `why` each with every condition on which it turns. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop

    bundle = load_or_stop(paths)
    pdp = engine.PDP(bundle)
    cases = [case for name in names for case in cases_named(bundle, name, only)]
    told, documents = [engine.result_of(bundle, pdp, case) for case in cases], []
    for case, result in zip(cases, told, strict=True):
        found = engine.why(pdp, case) if why and isinstance(case, engine.PreparedCase) else []
        if as_json:
            expected = [{**each._asdict(), "why": reason_documents(of)} for each, of in found]
            documents.append({**result_document(result), **({"expected": expected} if why else {})})
        elif why:
            print("\n".join(why_lines(result, found)))
        elif result.problems:
            print("\n".join(failure_lines(result)))
    failed = sum(1 for result in told if result.problems)
    if as_json:
        print_json(documents)
    else:
        print(f"{len(told) - failed} passed, {failed} failed")
    return int(failed > 0)


def cases_named(bundle: "engine.Bundle", name: str, only: str = "") -> "list[engine.PreparedCase | engine.Result]":
    """The cases that `FILE::CASE`, or CASE alone, names: a sentence, a part of it, or a line. Raises UsedWrongly."""
    import engine

    file, _, case = name.rpartition("::")
    try:
        cases = engine.named_cases(bundle, file or only, case)
    except ValueError as wrong:
        elsewhere = file and file not in dict(bundle.tests) and Path(file).exists()
        raise UsedWrongly(
            f"{file} is not among the policies; name its folder and `bundled` too" if elsewhere else str(wrong)
        ) from None
    if len(cases) > MOST_NAMED:
        raise UsedWrongly(f"{count(len(cases), 'case')} have `{case}` in their sentence; name one like FILE::CASE")
    return cases


def run_tests(options: TestOptions, chosen: Chosen | None = None) -> int:
    """Run tests. The last line is `N passed, N failed`. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop
    from service.cli.processes import in_processes

    bundle = load_or_stop(options.paths)
    began = time.monotonic()
    kept = _read_failed(options.paths)
    files = [file for file, _ in bundle.tests if options.only in file]
    if not files:
        only = options.only
        raise UsedWrongly(
            f"no test file has `{only}` in its name" if only else "there are no test files; a test file begins with `test:`"
        )
    if chosen is None:
        chosen = {file: frozenset(kept[file]) for file in files if file in kept} if options.failed else {}
        if options.failed and not chosen:
            print("nothing failed last; all are run")
    chosen = chosen or dict.fromkeys(files, frozenset())
    results: list[TimedResult] = []
    coverage = engine.CaseCoverage(bundle) if options.coverage or options.cobertura else None
    done: list[str] = []
    with stoppable() as stopping:
        work = partial(_of_file, bundle, engine.PDP(bundle), chosen, coverage is not None)
        for file, (of_file, reached) in zip(chosen, stopping.until(in_processes(work, list(chosen))), strict=False):
            done.append(file)
            results += of_file
            if coverage:
                coverage.join(reached)
            progress("" if options.as_json else count(len(results), "case"))
            for result, _ in of_file:
                if result.problems and not options.as_json:
                    progress("")
                    print("\n".join(failure_lines(result)))
    progress("")
    failed = _write_failed(options.paths, {file: chosen[file] for file in done}, kept, results)
    covered = list(coverage.policies()) if coverage else []
    if options.as_json:
        cases = [result_document(each) for each, _ in results]
        print_json({"cases": cases, "coverage": coverage_document(covered)} if options.coverage else cases)
    else:
        print("\n".join(coverage_lines(covered) if options.coverage else ()), end="\n" if options.coverage else "")
        for line in shared_lines(result for result, _ in results):
            print(line)
        print(f"{time.monotonic() - began:.1f} s")
        print(f"{len(results) - failed} passed, {failed} failed")
    if options.junit:
        put(options.junit, junit(results))
    if options.cobertura:
        put(options.cobertura, cobertura(covered))
    if len(done) < len(chosen):
        return stopping.told(
            f"after {len(done):,} of {count(len(chosen), 'test file')}", f"{BEGINS_ANEW}; `--only NAME` runs some files"
        )
    return int(failed > 0)


def watch_tests(options: TestOptions) -> int:
    """Run tests, and again those of what changes, until somebody stops it. Raises UsedWrongly."""
    import engine
    from service.policies.loading import SourceRefused
    from service.policies.reload_triggers import state

    folders = options.paths or (engine.bundled_policies(),)
    before, sources = frozenset[tuple[str, int, int]](), dict[str, bytes]()
    while True:
        now = frozenset(each for folder in folders for each in state(folder))
        if now != before:
            try:
                after = engine.gather_sources(engine.source_files(folders))
                chosen = changed_tests(sources, after, options.only) if sources else None
                if chosen is None or chosen:
                    ended = run_tests(options, chosen)
                    if ended >= STOPPED:
                        return ended
                else:
                    print("no test is of what changed; `fifthfactor test` runs all")
                sources = after
            except (UsedWrongly, SourceRefused, FileNotFoundError, engine.NameTaken) as wrong:
                print(wrong)
            before, options = now, replace(options, failed=False)
            print("waiting for changes; Ctrl-C ends", flush=True)
        time.sleep(LOOK_AGAIN)


def changed_tests(before: Mapping[str, bytes], after: Mapping[str, bytes], only: str) -> Chosen | None:
    """The test files that changed, and those of policies that did; None for all, where words or organisations did."""
    changed = [name for name in {**before, **after} if before.get(name) != after.get(name)]
    texts = [text for name in changed for text in (before.get(name), after.get(name)) if text is not None]
    kinds = [match.groups() for text in texts if (match := _KIND.search(text))]
    if len(kinds) < len(texts) or any(kind not in (b"policy", b"test") for kind, _ in kinds):
        return None
    policies = {name for kind, name in kinds if kind == b"policy"}
    tests = {
        name: match.group(2) for name, text in after.items() if (match := _KIND.search(text)) and match.group(1) == b"test"
    }
    return {name: frozenset() for name, of in tests.items() if only in name and (name in changed or of in policies)}


_KIND = re.compile(rb"^(policy|test|vocabulary|organisation):[ ]*[\"']?([^\s\"'#]*)", re.MULTILINE)


def _of_file(
    bundle: "engine.Bundle", pdp: "engine.PDP", chosen: Chosen, covering: bool, file: str
) -> "tuple[list[TimedResult], Reached]":
    import engine

    coverage = engine.CaseCoverage(bundle)
    found, began = [], time.perf_counter()
    for result in engine.run(bundle, file, pdp, chosen[file], **({"seen": coverage.add} if covering else {})):
        now = time.perf_counter()
        found.append(TimedResult(result, now - began))
        began = now
    return found, coverage.reached


# --- what failed last ------------------------------------------------------------------------------------------------


def _kept_in(paths: Sequence[Path]) -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or "~/.cache"
    named = "\0".join(sorted(str(path.resolve()) for path in paths))
    return Path(base).expanduser() / "fifthfactor" / f"failed-{sha256(named.encode()).hexdigest()[:16]}.json"


def _read_failed(paths: Sequence[Path]) -> dict[str, list[str]]:
    """The sentences of the cases that failed last, by file."""
    with suppress(OSError, RuntimeError, ValueError):
        found = json.loads(_kept_in(paths).read_bytes()[: 1 << 24])
        return {file: cases for file, cases in found.items() if isinstance(cases, list)}
    return {}


def _write_failed(
    paths: Sequence[Path], ran: Mapping[str, frozenset[str]], kept: Mapping[str, Sequence[str]], results: Sequence[TimedResult]
) -> int:
    """Keep which cases fail now, beside those that failed and were not run; how many failed now."""
    failed = [result for result, _ in results if result.problems]
    found = {
        file: [each for each in cases if file not in ran or (ran[file] and each not in ran[file])]
        for file, cases in kept.items()
    }
    for result in failed:
        found.setdefault(result.file, []).append(result.case)
    found = {file: cases for file, cases in found.items() if cases}
    with suppress(OSError, RuntimeError):
        place = _kept_in(paths)
        if found:
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_text(json.dumps(found))
        else:
            place.unlink(missing_ok=True)
    return len(failed)
