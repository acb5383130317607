"""
Diagnostics: what is wrong in the files while they are written, a moment after each change.

First the changed file is read as YAML, then all files are checked together, then the open files are searched by the finders, the changed
one first. Each step publishes what it finds at once. A further change begins anew; what is still being searched then counts for nothing.
"""

import asyncio
from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import date
from typing import Any

from lsprotocol import types

import engine
from service.language_server.loaded_policies import PolicyLoader
from service.language_server.policy_files import PolicyFiles
from service.language_server.positions import Positions, uri_of

DELAY = 0.2  # seconds without a change, after which the files are read
SOURCE = "fifthfactor"
SEVERITIES = {"error": types.DiagnosticSeverity.Error, "warning": types.DiagnosticSeverity.Warning}


@dataclass(frozen=True)
class FileFinding:
    """
    A finding of one file; `witness` is the JSON of an exchange that shows it, where there is one. `beside` names the other provision where
    it takes two.
    """

    diagnostic: engine.Diagnostic
    witness: Mapping[str, Any] | None = None
    beside: str = ""


# What finds something in one file of a sound bundle, beyond what `check` finds; the day is today.
Finder = Callable[[engine.Bundle, str, date], Iterable[FileFinding]]


def case_findings(bundle: engine.Bundle, file: str, today: date) -> Iterable[FileFinding]:
    """What `fifthfactor check` says of a test file of sound policies."""
    return [FileFinding(each) for each in engine.test_findings(bundle, file) if each.at.file == file]


def lint_findings(bundle: engine.Bundle, file: str, today: date) -> Iterable[FileFinding]:
    """What `fifthfactor lint` says of a file."""
    return [FileFinding(each) for each in engine.lint(bundle, today, file) if each.at.file == file]


def analysis_findings(bundle: engine.Bundle, file: str, today: date) -> Iterable[FileFinding]:
    """What `fifthfactor analyse` says of a file, with the exchanges that show it; nothing without the extra `analyse`."""
    try:
        found = engine.analyse(bundle, today, file=file).findings
    except engine.SolverMissing:
        return []
    return [FileFinding(each.diagnostic(), each.witness, each.beside) for each in found if each.at.file == file]


FINDERS: tuple[Finder, ...] = (case_findings, lint_findings)
SLOW_FINDERS: tuple[Finder, ...] = (analysis_findings,)  # these take seconds: only the file that was changed is searched anew


class Diagnosis:
    """Searches the files after each change, and publishes by file what is found."""

    def __init__(
        self,
        files: PolicyFiles,
        loader: PolicyLoader,
        positions: Callable[[], Positions],
        publish: Callable[[types.PublishDiagnosticsParams], None],
        news: Callable[[], None],
        today: Callable[[], date],
        finders: tuple[Finder, ...] = FINDERS,
        slow: tuple[Finder, ...] = SLOW_FINDERS,
    ) -> None:
        self.files = files
        self.loader = loader
        self.positions = positions
        self.publish = publish
        self.news = news
        self.today = today
        self.finders = finders
        self.slow = slow
        self.worker = ThreadPoolExecutor(1, "check")
        self.slow_worker = ThreadPoolExecutor(
            1, "analyse"
        )  # so that a check need not wait for what was begun before the change
        self._checked: dict[str, tuple[engine.Diagnostic, ...]] = {}
        self._found: dict[tuple[Finder, str], tuple[FileFinding, ...]] = {}
        self._shown: set[str] = set()
        self._task: asyncio.Task[None] | None = None

    def changed(self, file: str = "") -> None:
        """Begin anew, because a file was changed, opened or closed; without a name, any."""
        if self._task is not None:
            self._task.cancel()
        self._task = asyncio.get_running_loop().create_task(self._search(file))

    def close(self) -> None:
        """End, without waiting for what is being searched."""
        if self._task is not None:
            self._task.cancel()
        for worker in (self.worker, self.slow_worker):
            worker.shutdown(wait=False, cancel_futures=True)

    async def finished(self) -> None:
        """Wait until the last change is searched through."""
        while self._task is not None and not self._task.done():
            await asyncio.wait([self._task])

    def proven(self, file: str) -> tuple[FileFinding, ...] | None:
        """What the slow finders say of a file; None where they have not looked at it as it stands now."""
        found = [self._found.get((finder, file)) for finder in self.slow]
        return None if None in found else tuple(each for several in found for each in several or ())

    async def _search(self, file: str) -> None:
        await asyncio.sleep(DELAY)
        sources = dict(self.files.sources)
        if file in sources:
            wrong = self.loader.syntax(file, sources[file])
            if wrong:
                self._checked[file] = wrong
                self._found = {key: found for key, found in self._found.items() if key[1] != file}
                self._show([file])
        loop = asyncio.get_running_loop()
        found, loaded = await loop.run_in_executor(self.worker, self.loader.load, sources)
        by_file: dict[str, list[engine.Diagnostic]] = defaultdict(list)
        for each in found:
            by_file[each.at.file].append(each)
        self._checked = {name: tuple(each) for name, each in by_file.items()}
        if loaded is None:  # what was found in a file before it was changed stands on other lines now
            self._found = {key: each for key, each in self._found.items() if key[1] != file}
        self._show([*self._shown, *by_file])
        if loaded is None:
            return
        for finder in self.slow:
            self._found.pop((finder, file), None)
        searched = sorted((name for name in self.files.open if not self.files.is_bundled(name)), key=lambda name: name != file)
        first = [name for name in searched if name == file]
        if self.loader.latest is None:
            await loop.run_in_executor(self.worker, self.loader.keep, loaded)
        for finder in (*self.finders, *self.slow):
            for name in first:
                await self._find(finder, loaded.bundle, name)
        await loop.run_in_executor(self.worker, self.loader.keep, loaded)
        self.news()
        for name in searched[len(first) :]:
            for finder in self.finders:
                await self._find(finder, loaded.bundle, name)
            for finder in self.slow:
                if (finder, name) not in self._found:
                    await self._find(finder, loaded.bundle, name)

    async def _find(self, finder: Finder, bundle: engine.Bundle, name: str) -> None:
        worker = self.slow_worker if finder in self.slow else self.worker
        found = await asyncio.get_running_loop().run_in_executor(worker, finder, bundle, name, self.today())
        self._found[finder, name] = tuple(found)
        self._show([name])
        if finder in self.slow:
            self.news()

    def _show(self, names: Iterable[str]) -> None:
        positions = self.positions()
        for name in dict.fromkeys(names):
            found = [FileFinding(each) for each in self._checked.get(name, ())]
            found += [each for key, several in self._found.items() if key[1] == name for each in several]
            once = {(each.diagnostic.at, each.diagnostic.code, each.diagnostic.message): each for each in found}
            listed = [protocol_diagnostic(positions, once[key]) for key in sorted(once)]
            self._shown = self._shown | {name} if listed else self._shown - {name}
            self.publish(types.PublishDiagnosticsParams(uri_of(self.files.path(name)), listed))


def protocol_diagnostic(positions: Positions, finding: FileFinding) -> types.Diagnostic:
    """A finding as the protocol has it."""
    each = finding.diagnostic
    message = f"{each.message}\n{each.help}" if each.help else each.message
    unused = each.code in ("unused-word", "unused-definition")
    return types.Diagnostic(
        range=positions.range(each.at),
        message=message,
        severity=types.DiagnosticSeverity.Information if each.follows else SEVERITIES[each.severity],
        code=each.code,
        source=SOURCE,
        tags=[types.DiagnosticTag.Unnecessary] if unused else None,
        data={"witness": finding.witness} if finding.witness else None,
    )
