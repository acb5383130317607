"""
A file is put in its place whole or not at all, with the mode it had.

What is written stands on the disk before it takes the name; a link stays a link.
"""

import os
import tempfile
from pathlib import Path

from service.cli.commands import UsedWrongly


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


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask
