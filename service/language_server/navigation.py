"""Go to definition, references and rename: a name at a place goes in, its places in all files come out."""

import re
from collections import defaultdict

from lsprotocol import types

import engine
from service.language_server.loaded_policies import LoadedPolicies, PolicyLoader
from service.language_server.policy_files import PolicyFiles
from service.language_server.positions import Positions, uri_of

_NAME = re.compile(r"[a-zA-Z0-9]+(?:[._-][a-zA-Z0-9]+)*")
RENAMED = ("definition", "rule", "group", "requirement", "register", "fact", "phrase", "evidence", "claims", "lane")


class RenameRefused(ValueError):
    """A name cannot be changed; the message says why."""


def definition(policies: LoadedPolicies, files: PolicyFiles, places: Positions, use: engine.NameUse) -> types.Location | None:
    """Where a name is defined."""
    span = policies.names(places.sources).defined(use.name)
    return _location(files, places, span) if span else None


def references(
    policies: LoadedPolicies, files: PolicyFiles, places: Positions, use: engine.NameUse, declared: bool
) -> list[types.Location]:
    """Every place of a name; with `declared` the one of its definition too."""
    found = policies.names(places.sources).uses(use.name)
    return [_location(files, places, each.at) for each in found if declared or not each.defines]


def rename(
    loader: PolicyLoader, policies: LoadedPolicies, files: PolicyFiles, places: Positions, use: engine.NameUse, new: str
) -> types.WorkspaceEdit:
    """The edits that rename a name in all files. What comes of them is checked first. Raises RenameRefused."""
    if use.name.kind not in RENAMED:
        raise RenameRefused(f"`{use.name.id}` is {use.name.kind}, which is not renamed")
    if not _NAME.fullmatch(new):
        raise RenameRefused(f"`{new}` is no name: use letters, digits, `.` and `-`")
    found = list(policies.names(places.sources).uses(use.name))
    if any(files.is_bundled(each.at.file) for each in found):
        raise RenameRefused(f"`{use.name.id}` is a name of the bundled policies; they are not changed here")
    spans: dict[str, list[engine.Span]] = defaultdict(list)
    for each in found:
        spans[each.at.file].append(each.at)
    after = loader.refused({**places.sources, **{file: _changed(places, file, of, new) for file, of in spans.items()}})
    if after and not loader.refused(places.sources):
        raise RenameRefused(f"{after[0].at}: {after[0].message}")
    return types.WorkspaceEdit(
        changes={
            uri_of(files.path(file)): [types.TextEdit(places.range(span), new) for span in of] for file, of in spans.items()
        }
    )


def _changed(places: Positions, file: str, spans: list[engine.Span], new: str) -> bytes:
    lines = places.lines(file)
    for span in sorted(spans, reverse=True):
        line, start = lines[span.line - 1], span.column - 1
        lines[span.line - 1] = line[:start] + new + line[start + span.length :]
    return "".join(lines).encode()


def use_at(policies: LoadedPolicies, places: Positions, file: str, position: types.Position) -> engine.NameUse | None:
    """The name at a position."""
    return policies.names(places.sources).at(file, *places.place(file, position))


def _location(files: PolicyFiles, places: Positions, span: engine.Span) -> types.Location:
    return types.Location(uri_of(files.path(span.file)), places.range(span))
