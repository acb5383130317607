"""
Files by day: events go in, a line of JSON each comes out, in a file for each day (UTC).

    2026-03-30.jsonl          a day that is over: it never changes any more
    2026-03-31.jsonl.open     the present day: lines are appended

- INVARIANT (no line torn or lost): lines are on the disk when `send` returns. A kill in mid-write leaves at most a piece without its end of
  line; it is cut off before the next line is written, and its event comes again, since the cursor did not move.
- INVARIANT (each line once): sequences rise from line to line and from file to file. What is in a file already is not written again. It is
  looked up by its id: a log that was restored from a backup gives numbers a second time, and what has them then is not there yet.
- INVARIANT (finished is finished): a file gets its last name when the first event of a later day comes, or the log has none of its day any
  more. An event that was recorded late stands in the file of the day on which it came. A day without events has an empty file.

Several processes may not write at once: whoever writes locks the file `.lock` of the folder.
"""

import fcntl
import json
import os
import re
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import takewhile
from pathlib import Path

from pydantic_core import to_json

from service.outbox.day_lines import written_from
from service.outbox.sink_settings import FilesSettings
from service.outbox.sinks import SinkUnreachable
from service.outbox.stream_event import StreamEvent
from service.store.durable_file import sync_folder

OPEN, FINISHED = ".jsonl.open", ".jsonl"
_NAME = re.compile(r"(\d{4}-\d{2}-\d{2})\.jsonl(\.open)?")
_DAY = timedelta(days=1)
_TAIL = 1 << 16  # bytes that are read at once from the end of a file


@dataclass(frozen=True, slots=True)
class _Written:
    """What the folder holds: the file that is open with its size, the last day that is finished, and the last sequence in any file."""

    open: date | None
    finished: date | None
    size: int
    last: int

    @property
    def earliest(self) -> date | None:
        """The first day into whose file something may be written."""
        return self.open or (None if self.finished is None else self.finished + _DAY)


class DayFiles:
    """A folder of files by day."""

    def __init__(self, settings: FilesSettings, source: str) -> None:
        self.name = settings.name
        self._folder, self._source = settings.folder, source
        self._written: _Written | None = None  # as this process left the folder

    def send(self, events: Sequence[StreamEvent]) -> None:
        """Append what is not there yet."""
        with self._locked():
            state = self._state()
            self._same([each for each in events if each.sequence <= state.last])
            lines: list[bytes] = []
            for each in events:
                if each.sequence <= state.last:
                    continue
                own = date.fromisoformat(each.time[:10])
                day = own if state.earliest is None else max(own, state.earliest)
                if day != state.open:
                    state = self._append(state, lines)
                    lines = []
                    state = self._finish(state, day)
                    state = _Written(day, state.finished, 0, state.last)
                lines.append(to_json(each.cloud_event(self._source)) + b"\n")
                state = _Written(state.open, state.finished, state.size, each.sequence)
            self._written = self._append(state, lines)

    def over(self, today: date) -> None:
        """Finish the days before this one."""
        with self._locked():
            self._written = self._finish(self._state(), today)

    def close(self) -> None:
        """Nothing is kept open."""

    # --- under the lock ----------------------------------------------------------------------------------------------

    @contextmanager
    def _locked(self) -> Iterator[None]:
        try:
            self._folder.mkdir(mode=0o700, parents=True, exist_ok=True)
            lock = os.open(self._folder / ".lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                yield
            finally:
                os.close(lock)
        except BlockingIOError:
            raise SinkUnreachable("another process writes into the folder") from None
        except OSError as failed:
            self._written = None
            raise SinkUnreachable(f"the folder cannot be written: {failed.strerror}") from None
        except SinkUnreachable:
            self._written = None
            raise

    def _state(self) -> _Written:
        """What the folder holds. The piece of a line at the end of the open file is cut off."""
        known = self._written
        if known is not None and known.open is not None:
            path = self._path(known.open, OPEN)
            if path.exists() and path.stat().st_size == known.size:
                return known
        days = sorted(
            (match[1], match[2]) for match in (_NAME.fullmatch(each.name) for each in self._folder.iterdir()) if match
        )
        finished = [date.fromisoformat(day) for day, open in days if not open]
        opened = [date.fromisoformat(day) for day, open in days if open]
        if len(opened) > 1 or (opened and finished and opened[0] <= finished[-1]):
            raise SinkUnreachable(f"the folder has `{opened[0]}{OPEN}` beside a later day: look which of them is right")
        size, last = 0, None
        if opened:
            path = self._path(opened[0], OPEN)
            size = _cut(path)
            last = self._sequence(path)
        for day in reversed(finished):
            if last is not None:
                break
            last = self._sequence(self._path(day, FINISHED))
        return _Written(opened[0] if opened else None, finished[-1] if finished else None, size, -1 if last is None else last)

    def _same(self, again: Sequence[StreamEvent]) -> None:
        """What comes again must be what the files have under its numbers, or have been in files that were taken away since."""
        if not again:
            return
        files = [each for each in sorted(self._folder.iterdir()) if _NAME.fullmatch(each.name)]
        refused = SinkUnreachable(
            "the folder has other events under the same numbers: if the log was restored, name another folder"
        )
        try:
            lines = written_from(files, again[0].sequence)
            first = next(lines, (0, ""))
            written = dict([first, *takewhile(lambda each: each[0] <= again[-1].sequence, lines)])
            latest = max((json.loads(_last_line(each))["time"] for each in files if each.stat().st_size), default="")
        except (ValueError, KeyError, TypeError):
            raise SinkUnreachable("a line of the folder is no event") from None
        for each in again:
            if each.sequence < first[0]:
                if each.time > latest:
                    raise refused
            elif written.get(each.sequence) != each.id:
                raise refused

    def _append(self, state: _Written, lines: Sequence[bytes]) -> _Written:
        if not lines:
            return state
        assert state.open is not None
        path = self._path(state.open, OPEN)
        made = not path.exists()
        content = b"".join(lines)
        file = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            rest = memoryview(content)
            while rest:
                rest = rest[os.write(file, rest) :]
            os.fsync(file)
        finally:
            os.close(file)
        if made:
            sync_folder(path)
        return _Written(state.open, state.finished, state.size + len(content), state.last)

    def _finish(self, state: _Written, today: date) -> _Written:
        """Give the last names to the files of the days before `today`."""
        first, finished = state.earliest, state.finished
        if first is None or first >= today:
            return state
        for number in range((today - first).days):
            day = first + number * _DAY
            path = self._path(day, FINISHED)
            if path.exists():
                raise SinkUnreachable(f"the folder has `{path.name}` already")
            if day == state.open:
                self._path(day, OPEN).rename(path)
            else:
                os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600))
            finished = day
        sync_folder(path)
        return _Written(None, finished, 0, state.last)

    def _sequence(self, path: Path) -> int | None:
        """The sequence of the last event in a file of whole lines; None without any."""
        line = _last_line(path)
        if not line:
            return None
        try:
            event = json.loads(line)
            source, sequence = event["source"], int(event["sequence"])
        except (ValueError, KeyError, TypeError):
            raise SinkUnreachable(f"the last line of `{path.name}` is no event") from None
        if source != self._source:
            raise SinkUnreachable(f"`{path.name}` has the events of another log: name another folder")
        return sequence

    def _path(self, day: date, ending: str) -> Path:
        return self._folder / f"{day.isoformat()}{ending}"


def _cut(path: Path) -> int:
    """Cut off what stands behind the last end of a line; the size of what is left."""
    with open(path, "r+b", opener=lambda name, flags: os.open(name, flags | os.O_NOFOLLOW)) as file:
        size = file.seek(0, os.SEEK_END)
        end = size
        while end > 0:
            start = max(end - _TAIL, 0)
            file.seek(start)
            at = file.read(end - start).rfind(b"\n")
            if at >= 0:
                end = start + at + 1
                break
            end = start
        if end < size:
            file.truncate(end)
            os.fsync(file.fileno())
        return end


def _last_line(path: Path) -> bytes:
    with path.open("rb") as file:
        end = file.seek(0, os.SEEK_END)
        found = b""
        while end > 0 and found.count(b"\n") < 2:
            start = max(end - _TAIL, 0)
            file.seek(start)
            found = file.read(end - start) + found
            end = start
        return found.rstrip(b"\n").rpartition(b"\n")[2]
