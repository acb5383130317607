"""
The files of policies as an editor holds them: folders and unsaved texts go in, the sources of a bundle come out.

A file has two names: its path, by which the editor knows it, and its name in the bundle, which begins with that of its folder.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

import engine

SUFFIXES = (".yaml", ".yml")
FOLDER = "policies"  # where policies lie in a repository that has other files too


def folders_of(workspace: Path) -> list[Path]:
    """
    The folders that make the bundle of a workspace: its `policies`, or else the workspace itself.

    One that does not name the version of the semantics holds rules of an organisation or a further law. It stands beside the bundled ones.
    """
    named = workspace / FOLDER
    own = named if any(named.glob("**/*.y*ml")) else workspace
    bundled = engine.bundled_policies()
    if own.resolve() == bundled or engine.stands_alone(own):
        return [own]
    return [bundled, own]


class PolicyFiles:
    """Some folders of policies; what the editor has open counts as it stands there."""

    def __init__(self) -> None:
        self.folders: list[Path] = []
        self.sources: dict[str, bytes] = {}
        self._open: dict[str, bytes] = {}
        self._names: dict[str, Path] = {}

    def take(self, folders: Sequence[Path]) -> None:
        """Be the files of these folders from now on. They are not read yet."""
        self.folders = list(dict.fromkeys(folder.resolve() for folder in folders))
        self._names = {self._folder_name(folder): folder for folder in self.folders}

    def read(self) -> None:
        """Read the files anew. Raises engine.NameTaken, OSError."""
        self.sources = engine.gather_sources(engine.source_files(self.folders)) | self._open

    def put(self, path: Path, text: str) -> None:
        """A file that the editor has open, with its text there."""
        name = self.name(path)
        if name:
            self._open[name] = self.sources[name] = text.encode()

    def drop(self, path: Path) -> None:
        """The editor has closed a file: what is on the disk counts again."""
        name = self.name(path)
        self._open.pop(name, None)
        self.sources.pop(name, None)
        if name and path.is_file():
            self.sources[name] = path.read_bytes()

    @property
    def open(self) -> Iterable[str]:
        """The names of the files that the editor has open."""
        return tuple(self._open)

    def name(self, path: Path) -> str:
        """The name of a file in the bundle; empty where it belongs to none of the folders."""
        real = path.resolve()
        if real.suffix not in SUFFIXES:
            return ""
        for name, folder in self._names.items():
            if real.is_relative_to(folder):
                return f"{name}/{real.relative_to(folder).as_posix()}"
        return ""

    def path(self, name: str) -> Path:
        """The path of a file by its name in the bundle."""
        folder, _, rest = name.partition("/")
        return self._names[folder] / rest

    def is_bundled(self, name: str) -> bool:
        """Whether a file comes with the project while the author writes in another folder."""
        return len(self.folders) > 1 and self._names[name.partition("/")[0]] == engine.bundled_policies()

    def tests_of(self, policy: str) -> Iterator[str]:
        """The test files of a policy."""
        head = re.compile(rb"^test: *[\"']?%s[\"']?\s*$" % re.escape(policy).encode(), re.MULTILINE)
        return (name for name, data in self.sources.items() if head.search(data))

    @staticmethod
    def _folder_name(folder: Path) -> str:
        return FOLDER if folder == engine.bundled_policies() else folder.name
