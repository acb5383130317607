"""
The archive: all sources of a bundle in one file, as canonical JSON.

    {"files":{"policies/cn/order-16.yaml":"policy: cn.order-16\\n…"},"schema":"fifthfactor/bundle/1"}

INVARIANT (one archive for one set of sources): `read` refuses every file that `write` would not have written, byte for byte. So
an archive holds nothing but its sources: no link, no date, no second entry of a name, no compressed data.
"""

import json
from collections.abc import Mapping

from service.log.canonical_json import NotCanonical, canonical

SCHEMA = "fifthfactor/bundle/1"
SUFFIXES = (".yaml", ".yml")
MAX_BYTES = 32 * 1024 * 1024
MAX_FILES = 5_000
MAX_FILE_BYTES = 1 << 20
MAX_NAME_BYTES = 300
_LONGEST = 6  # bytes that JSON needs for one character, at most
_ROOM = 100  # bytes, more than JSON needs around a file, and more than it needs around them all


class ArchiveRefused(ValueError):
    """These bytes are not an archive, or these sources cannot become one; the message says why."""


def check(sources: Mapping[str, bytes]) -> None:
    """Whether `write` would write an archive of some sources; it is written only if it may be too large. Raises ArchiveRefused."""
    files = _files(sources)
    if _LONGEST * sum(len(name) + len(text) for name, text in files.items()) > MAX_BYTES - _ROOM * (1 + len(files)):
        write(sources)


def write(sources: Mapping[str, bytes]) -> bytes:
    """The archive of some sources. Raises ArchiveRefused."""
    written = canonical({"schema": SCHEMA, "files": {**_files(sources)}})
    if len(written) > MAX_BYTES:
        raise ArchiveRefused(f"the files take more than {MAX_BYTES >> 20} MiB together")
    return written


def read(archive: bytes) -> dict[str, bytes]:
    """The sources in an archive, by name. Raises ArchiveRefused."""
    if len(archive) > MAX_BYTES:
        raise ArchiveRefused(f"it is larger than {MAX_BYTES >> 20} MiB")
    try:
        document = json.loads(archive.decode())
    except (ValueError, RecursionError):
        raise ArchiveRefused("it is not a bundle; make one with `fifthfactor bundle build`") from None
    match document:
        case {"schema": str(schema), **rest} if schema != SCHEMA:
            raise ArchiveRefused(f"its schema is not `{SCHEMA}`; another version of the service made it")
        case {"schema": str(), "files": dict(files), **rest} if not rest and all(
            isinstance(text, str) for text in files.values()
        ):
            pass
        case _:
            raise ArchiveRefused("it is not a bundle; make one with `fifthfactor bundle build`")
    try:
        sources = {name: text.encode() for name, text in files.items()}
        again = write(sources)
    except (UnicodeEncodeError, NotCanonical):
        raise ArchiveRefused("it holds half a character") from None
    if again != archive:
        raise ArchiveRefused("it was not written by `fifthfactor bundle build`, or it was changed since")
    return sources


def _files(sources: Mapping[str, bytes]) -> dict[str, str]:
    if len(sources) > MAX_FILES:
        raise ArchiveRefused(f"there are {len(sources):,} files; a bundle holds at most {MAX_FILES:,}")
    return {_name(name): _text(name, data) for name, data in sources.items()}


def _name(name: str) -> str:
    """A name that stays inside the folder it is unpacked into, on any machine."""
    parts = name.split("/")
    if (
        not name.endswith(SUFFIXES)
        or len(name.encode(errors="replace")) > MAX_NAME_BYTES
        or any(part in ("", ".", "..") for part in parts)
        or not name.isprintable()
        or "\\" in name
    ):
        raise ArchiveRefused(f"a file cannot be named `{name[:MAX_NAME_BYTES]}` in a bundle")
    return name


def _text(name: str, data: bytes) -> str:
    if len(data) > MAX_FILE_BYTES:
        raise ArchiveRefused(f"`{name}` is larger than {MAX_FILE_BYTES >> 20} MiB")
    try:
        return data.decode()
    except UnicodeDecodeError:
        raise ArchiveRefused(f"`{name}` is not UTF-8 text") from None
