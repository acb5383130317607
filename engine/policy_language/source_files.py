"""
The files of a bundle: which are read from the folders that somebody gives, and by which names.

Paths go in; names in the bundle with bytes come out. No file is parsed here. Source: semantics 5.5.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import NamedTuple

from engine.policy_language import tree
from engine.policy_language.overlay import BUNDLED_NAME, folder_of

BUNDLED = "bundled"  # names the policies that come with the project
MAX_FILES = 5_000
_TRIES = 5  # to read a volume that changes meanwhile
_NAMES_SEMANTICS = re.compile(rb"^semantics:", re.MULTILINE)


class NameTaken(ValueError):
    """Two folders or files would have the same name in the bundle; the message names both and says what to do."""


class SourceFile(NamedTuple):
    """A file of a bundle: its name there, the folder, file or archive that it was given with, and its bytes."""

    name: str
    given: Path
    data: bytes


def bundled_policies() -> Path:
    """The folder of the project's policies: beside the packages in a checkout, inside the package once it is installed."""
    here = Path(__file__).resolve().parent.parent
    installed = here / "_policies"
    return installed if installed.is_dir() else here.parent / "policies"


def stands_alone(folder: Path) -> bool:
    """Whether the files of a folder are a bundle by themselves: one of them names the version of the semantics."""
    return any(_NAMES_SEMANTICS.search(data) for _, _, data in source_files([folder]))


def policies_at(text: str) -> Path:
    """The folder or file that a text names; `bundled` names the policies that come with the project."""
    return bundled_policies() if text == BUNDLED else Path(text)


def source_files(paths: Iterable[Path]) -> Iterator[SourceFile]:
    """
    Every YAML file in the given folders, and every given file. A file that several paths lead to is read once. Raises FileNotFoundError.

    A file is named by its folder and its path in it. The bundled policies are the folder `policies`, wherever they lie. Of a volume of
    Kubernetes the files behind the link `..data` are read: it changes them all at once, and the folder behind it is named after a moment.
    """
    known: set[Path] = set()
    bundled = bundled_policies()
    for given in paths:
        if not given.exists():
            raise FileNotFoundError(f"there is no file or folder {given}")
        whole = given.resolve()
        folder = BUNDLED_NAME if whole == bundled else whole.name
        read, files = _read(given)
        for file, data in files:
            real = file.resolve()
            if real in known:
                continue
            known.add(real)
            name = whole.name if real == whole else f"{folder}/{real.relative_to(read).as_posix()}"
            yield SourceFile(name, given, data)


def _read(given: Path) -> tuple[Path, list[tuple[Path, bytes]]]:
    """
    The folder that is read for a path, and its files with their bytes. Raises FileNotFoundError.

    INVARIANT (a volume is read whole): the folder behind `..data` is deleted once the link leads to another. What was read while that
    happened may lack files, so it is read again.
    """
    for _ in range(_TRIES):
        read = _behind(given)
        try:
            files = [given] if given.is_file() else sorted(f for f in read.rglob("*.y*ml") if f.suffix in (".yaml", ".yml"))
            if len(files) > MAX_FILES:
                raise FileNotFoundError(f"{given} holds more than {MAX_FILES:,} YAML files")
            found = [(file, _bytes_of(file)) for file in files]
        except FileNotFoundError:
            if _behind(given) == read:
                raise
        else:
            if _behind(given) == read:
                return read, found
    raise FileNotFoundError(f"{given} changes while it is read")


def _behind(given: Path) -> Path:
    """Where the files of a path lie: of a volume of Kubernetes, behind its link."""
    link = given / "..data"
    return link.resolve() if link.is_symlink() else given.resolve()


def _bytes_of(file: Path) -> bytes:
    """The bytes of a file, one more than is allowed: one that is too large is then refused without being read whole."""
    with file.open("rb") as handle:
        return handle.read(tree.MAX_BYTES + 1)


def gather_sources(files: Iterable[SourceFile]) -> dict[str, bytes]:
    """The bytes of each file, by its name in the bundle. Raises NameTaken."""
    found: dict[str, bytes] = {}
    folders: dict[str, Path] = {}
    for file in files:
        folder = folder_of(file.name)
        first = folders.setdefault(folder, file.given)
        if first != file.given:
            help = "rename one of the two"
            if folder == BUNDLED_NAME:
                help = f"`{folder}` is the name of the bundled policies, so give your own folder another one, such as your company's"
            raise NameTaken(
                f"{first} and {file.given} would both be `{folder}` in the bundle, and one would hide the other; {help}"
            )
        found[file.name] = file.data
    return found


def by_folder(sources: Mapping[str, bytes]) -> dict[str, dict[str, bytes]]:
    """The files of each folder, by the name of the folder and in its order."""
    folders: dict[str, dict[str, bytes]] = {}
    for name, data in sorted(sources.items()):
        folders.setdefault(folder_of(name), {})[name] = data
    return folders
