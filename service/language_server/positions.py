"""Places in both counts: a span of the engine counts letters from 1, a range of the protocol counts the units of the client from 0."""

from collections.abc import Mapping
from pathlib import Path

from lsprotocol import types
from pygls import uris
from pygls.workspace.position_codec import PositionCodec

import engine


class Positions:
    """The spans and ranges of some files, by their names in the bundle."""

    def __init__(self, codec: PositionCodec, sources: Mapping[str, bytes]) -> None:
        self.codec = codec
        self.sources = sources

    def range(self, span: engine.Span) -> types.Range:
        """The range of a span; where the file is shorter by now, the one that is left."""
        line, start = span.line - 1, span.column - 1
        places = [types.Position(line, start), types.Position(line, start + span.length)]
        lines = self.lines(span.file)
        if line >= len(lines):
            return types.Range(types.Position(line, 0), types.Position(line, 0))
        return types.Range(*(self.codec.position_to_client_units(lines, each) for each in places))

    def place(self, file: str, position: types.Position) -> tuple[int, int]:
        """The line and column of a position, from 1."""
        lines = self.lines(file)
        if position.line >= len(lines):
            return position.line + 1, 1
        found = self.codec.position_from_client_units(lines, position)
        return found.line + 1, found.character + 1

    def lines(self, file: str) -> list[str]:
        return self.sources.get(file, b"").decode("utf-8", "replace").splitlines(keepends=True)


def path_of(uri: str) -> Path | None:
    """The file that a URI names; None where it names none, such as a text that was never saved."""
    found = uris.to_fs_path(uri)
    return Path(found) if found and uri.startswith("file:") else None


def uri_of(path: Path) -> str:
    """The URI of a file."""
    found: str | None = uris.from_fs_path(str(path))
    assert found is not None
    return found
