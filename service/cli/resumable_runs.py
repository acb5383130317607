"""
A file of the finished parts of a long run, so that an interrupted run resumes.

The first line says what the work is, each further line is the result of a part, as JSON. A line that was cut off is left out: its part is
done again. The file is removed when the work is finished. Only its owner can read it, since results may name people.
"""

import json
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, BinaryIO

from service.cli.command import UsedWrongly
from service.cli.files import for_its_owner

SCHEMA = "fifthfactor/unfinished/1"


class UnfinishedWork:
    """The finished parts of one work; without a path, nothing is kept. `work` says what the work is."""

    def __init__(self, path: Path | None, work: Mapping[str, Any]) -> None:
        self._path = path
        self._first = {"schema": SCHEMA, "work": json.loads(json.dumps(work))}
        self._file: BinaryIO | None = None

    def begin(self) -> Iterator[dict[str, Any]]:
        """
        The parts that are finished already, in order; after the last of them more can be added.

        Raises UsedWrongly where the file is of other work, before any part is given.
        """
        if self._path is None:
            return iter(())
        try:
            self._file = open(self._path, "a+b", opener=for_its_owner)  # noqa: SIM115 # stays open until the work is finished
            self._file.seek(0)
            first = self._file.readline()
            if not _line(self._first).startswith(first):
                raise UsedWrongly(f"{self._path} is of other work; name another file, or remove it")
            return self._finished(self._file, first)
        except OSError as failed:
            raise UsedWrongly(f"cannot use {self._path}: {failed.strerror}") from None

    def _finished(self, file: BinaryIO, first: bytes) -> Iterator[dict[str, Any]]:
        sound = len(first) if first.endswith(b"\n") else 0
        for line in file:
            found = _object(line)
            if found is None:
                break
            sound += len(line)
            yield found
        file.truncate(sound)
        if not sound:
            self.add(self._first)

    def add(self, part: Mapping[str, Any]) -> None:
        """Keep a part that is finished. Raises UsedWrongly."""
        if self._file is None:
            return
        try:
            self._file.write(_line(part))
            self._file.flush()
        except OSError as failed:
            raise UsedWrongly(f"cannot write {self._path}: {failed.strerror}") from None

    def finish(self) -> None:
        """The work is finished: the file goes."""
        if self._file is not None and self._path is not None:
            self._file.close()
            self._path.unlink(missing_ok=True)


def shown(url: str) -> str:
    """The database in the file of an unfinished work, without a password."""
    from service.store.database import file_of

    file = file_of(url)
    return str(file.absolute()) if file else url.rpartition("@")[2]


def goes_on(path: Path | None) -> str:
    """How a command goes on that was stopped."""
    return "the same command goes on from there" if path else "with `--resume FILE` a command that was stopped can go on"


def _line(part: Mapping[str, Any]) -> bytes:
    return json.dumps(part, ensure_ascii=False, separators=(",", ":")).encode() + b"\n"


def _object(line: bytes) -> dict[str, Any] | None:
    """The JSON object in a whole line; None for a line that was cut off."""
    try:
        found = json.loads(line) if line.endswith(b"\n") else None
    except ValueError:
        return None
    return found if isinstance(found, dict) else None
