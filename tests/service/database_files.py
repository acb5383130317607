"""The files of an SQLite database that lie beside one another, read while the service may write them."""

from __future__ import annotations

from contextlib import suppress
from pathlib import Path


def database_files(database: Path | str) -> dict[Path, bytes]:
    """
    The bytes of the database's file and of each file beside it that has its name: the write-ahead log, the key, the checkpoint.

    A checkpoint is written under another name and then renamed, at any time. A file that is gone when it is read is left out.
    """
    found = {}
    for path in sorted(Path(database).parent.glob(f"{Path(database).name}*")):
        with suppress(FileNotFoundError):
            found[path] = path.read_bytes()
    return found
