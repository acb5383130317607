"""
What commands read and write: policies, sent documents, and files that are put in their place whole or not at all.

What is written stands on the disk before it takes the name, with the mode that was there; a link stays a link.
"""

import os
import sys
import tempfile
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.command import UsedWrongly

if TYPE_CHECKING:
    import engine


def load(paths: Sequence[Path]) -> "engine.Bundle":
    """The bundle of folders, files and bundle files, of none the bundled one. Raises engine.BundleRefused, SourceRefused."""
    import engine
    from service.policies import loading

    files, _ = loading.sources(paths or [engine.bundled_policies()], engine.PolicySettings())
    return engine.load_sources(files)


def load_or_stop(paths: Sequence[Path]) -> "engine.Bundle":
    """The bundle of policies that hold. Raises UsedWrongly, SourceRefused."""
    import engine

    try:
        return load(paths)
    except engine.BundleRefused as refused:
        raise UsedWrongly(f"{refused}\n\nthe policies do not hold; mend them first (`fifthfactor check`)") from None


def read(file: Path, most: int = -1) -> bytes:
    """The bytes of a file, or of standard input for `-`, so many at most. Raises UsedWrongly."""
    if str(file) == "-":
        return sys.stdin.buffer.read(most)
    try:
        with file.open("rb") as opened:
            return opened.read(most)
    except OSError as error:
        raise UsedWrongly(f"cannot read {file}: {error.strerror}") from None


def put(path: Path, data: bytes, over: bytes | None = None) -> None:
    """Write a file; with `over`, only while it still holds those bytes. Raises UsedWrongly, with the file as it was."""
    place = path.resolve()
    temporary = None
    try:
        descriptor, name = tempfile.mkstemp(dir=place.parent, prefix=f".{place.name}.")
        temporary = Path(name)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
        temporary.chmod(place.stat().st_mode & 0o7777 if place.exists() else 0o666 & ~_umask())
        if over is not None and place.read_bytes() != over:
            raise UsedWrongly(f"{path} was changed in the meantime; run it again")
        temporary.replace(place)
    except OSError as error:
        raise UsedWrongly(f"cannot write {path}: {error.strerror}") from None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


def make_folder(path: Path) -> None:
    """A folder to write into, made where it is not there. Raises UsedWrongly."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsedWrongly(f"cannot make the folder {path}: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
