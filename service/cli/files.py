"""
What commands read and write: policies, documents, and files that are written whole or not at all.

A file is on the disk before it gets its name. It keeps the mode of the file that it replaces. A link stays a link.
"""

import gc
import os
import sys
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, TextIO

from service.cli.command import UsedWrongly
from service.cli.output import problems

if TYPE_CHECKING:
    import engine
    import engine.tables


def load(
    paths: Sequence[Path], *, earlier: bool = False, tests: bool = True, settings: "engine.PolicySettings | None" = None
) -> "engine.Bundle":
    """
    The bundle of folders, files and bundle files, or of the bundled policies. Raises engine.BundleRefused, SourceRefused.

    With `earlier` it may be one of earlier semantics, to compare with and not to decide by. Without `tests` those are not read.

    A command keeps what it loads, so Python does not search that for cycles: it would each time take a tenth of the time of a command.
    """
    import engine
    from service.policies import loading

    settings = settings or engine.PolicySettings()
    files, _ = loading.sources(paths or [engine.bundled_policies()], settings)
    with _kept():
        if earlier:
            return engine.load_sources(files, settings, semantics=1, replay=True)
        return engine.load_sources(files, settings, tests=tests)


@contextmanager
def _kept() -> Iterator[None]:
    """What is made in the block stays until the command ends."""
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
        gc.freeze()
    finally:
        if searching:
            gc.enable()


def load_or_stop(
    paths: Sequence[Path], *, tests: bool = True, settings: "engine.PolicySettings | None" = None
) -> "engine.Bundle":
    """The bundle of policies that must be sound; see `load`. Raises UsedWrongly, SourceRefused."""
    import engine

    try:
        return load(paths, tests=tests, settings=settings)
    except engine.BundleRefused as refused:
        raise UsedWrongly(f"{refused}\n\nthe policies are not sound; correct them first (`fifthfactor check`)") from None


def read(file: Path, most: int = -1) -> bytes:
    """At most `most` bytes of a file, or of standard input for `-`; all of them for -1. Raises UsedWrongly."""
    if str(file) == "-":
        return sys.stdin.buffer.read(most)
    try:
        with file.open("rb") as opened:
            return opened.read(most)
    except OSError as error:
        raise UsedWrongly(f"cannot read {file}: {error.strerror}") from None


def read_exchange(bundle: "engine.Bundle", file: Path, lang: str) -> "engine.Exchange":
    """The exchange in a file, or on standard input for `-`. Raises UsedWrongly, with what is wrong in a language."""
    import engine

    try:
        return engine.parse_exchange(bundle, read(file, engine.MAX_BYTES + 1))
    except engine.ExchangeRefused as refused:
        raise UsedWrongly(f"the exchange in {file} cannot be read:\n{problems(refused, lang)}") from None


def put(path: Path, data: bytes, over: bytes | None = None) -> None:
    """Write a file; with `over`, only where it still holds these bytes. Raises UsedWrongly, and then leaves the file as it was."""
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
            raise UsedWrongly(f"{path} was changed in the meantime; run the command again")
        temporary.replace(place)
    except OSError as error:
        raise UsedWrongly(f"cannot write {path}: {error.strerror}") from None
    finally:
        if temporary:
            temporary.unlink(missing_ok=True)


@contextmanager
def writing(output: Path | None) -> Iterator[TextIO]:
    """A file to write bit by bit, or standard output. Only its owner can read a new file. Raises UsedWrongly."""
    if output is None:
        yield sys.stdout
        return
    try:
        with open(output, "w", encoding="utf-8", newline="", opener=for_its_owner) as file:
            yield file
    except OSError as failed:
        raise UsedWrongly(f"cannot write {output}: {failed.strerror}") from None


def for_its_owner(path: str, flags: int) -> int:
    """Opens a file that only its owner can read, where it is new."""
    return os.open(path, flags, 0o600)


def make_folder(path: Path) -> None:
    """Create a folder to write into, where it does not exist. Raises UsedWrongly."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsedWrongly(f"cannot make the folder {path}: {error.strerror}") from None


def _umask() -> int:
    mask = os.umask(0)
    os.umask(mask)
    return mask


def mapping_in(bundle: "engine.Bundle", file: Path | None, key: str) -> "tuple[engine.tables.TableMapping, str | None]":
    """The mapping in a file, with the key that an option names, and the digest of the file. Raises UsedWrongly."""
    from dataclasses import replace
    from hashlib import sha256

    from engine.tables import MappingRefused, TableMapping, read_mapping

    if file is None:
        return TableMapping(key=key), None
    data = read(file, 1 << 21)
    try:
        found = read_mapping(bundle, file.name, data)
    except MappingRefused as refused:
        raise UsedWrongly(f"the mapping cannot be used\n\n{refused}") from None
    return replace(found, key=key or found.key), sha256(data).hexdigest()


def columns_sentence(refused: ValueError) -> str:
    """What is wrong with a table, or with its columns, and what to do."""
    lines = str(refused).splitlines()
    if len(lines) == 1 and not lines[0].startswith("`"):
        return lines[0]
    told = "\n".join(f"  {each}" for each in lines)
    return f"columns state nothing:\n{told}\nrename them, map them with --map, or list them there under `ignore`"
