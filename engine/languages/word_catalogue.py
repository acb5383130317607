"""
Catalogues of words: a YAML file for each language goes in, its texts by group and name come out.

The first language is the list of names: another one has the same groups and names, and in each text the same placeholders. Whatever a file
lacks, or has beyond that, is told with its line, and nothing is loaded. Values are text, so `no` is a word. A catalogue comes with the
program and not from a sender.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from string import Formatter
from typing import Any

import yaml

_LOADER: Any = getattr(yaml, "CBaseLoader", yaml.BaseLoader)


class CatalogueRefused(ValueError):
    """A catalogue cannot be used; the message has a line for each fault."""


@dataclass(slots=True)
class Catalogue:
    """A file of one language: its texts by group and name, and the line of each. A group inside a group is named `outer.inner`."""

    file: str
    groups: dict[str, dict[str, str]] = field(default_factory=dict)
    lines: dict[tuple[str, str], int] = field(default_factory=dict)
    faults: list[str] = field(default_factory=list)

    def compared(self, first: Catalogue) -> list[str]:
        """What this one lacks of the first language, and what it has beyond that."""
        found = list(self.faults)
        for group, names in first.groups.items():
            here = self.groups.get(group, {})
            found += [f"{self.file}: `{group}.{name}` is missing" for name in names if name not in here]
        for group, texts in self.groups.items():
            expected = first.groups.get(group, {})
            for name, text in texts.items():
                at = f"{self.file}:{self.lines[group, name]}: `{group}.{name}`"
                if name not in expected:
                    found.append(f"{at} is not in {first.file}")
                    continue
                mine, theirs = placeholders(text), placeholders(expected[name])
                if mine != theirs:
                    found.append(f"{at} has the placeholders {_listed(mine)}, and {first.file} has {_listed(theirs)}")
        return found


def read(file: str, data: bytes) -> Catalogue:
    """One catalogue with the faults that it has by itself."""
    catalogue = Catalogue(file)
    try:
        root = _LOADER(data).get_single_node()
    except yaml.YAMLError as error:
        raise CatalogueRefused(f"{file}: this is not YAML: {error}") from error
    _gather(root, (), catalogue)
    return catalogue


def read_all(folder: Path, codes: Sequence[str]) -> dict[str, dict[str, dict[str, str]]]:
    """The texts of each language from `<code>.yaml` by group and name; the first of the codes is the list of names."""
    catalogues = {code: read(f"{code}.yaml", (folder / f"{code}.yaml").read_bytes()) for code in codes}
    first = catalogues[codes[0]]
    if faults := [fault for each in catalogues.values() for fault in each.compared(first)]:
        raise CatalogueRefused("\n".join(faults))
    return {code: each.groups for code, each in catalogues.items()}


def placeholders(text: str) -> dict[str, str] | None:
    """How each placeholder of a text is written, by its name or its place; None where the braces do not match."""
    found: dict[str, str] = {}
    if "{" not in text and "}" not in text:
        return found
    try:
        for _, name, form, conversion in Formatter().parse(text):
            if name is not None:
                found[name or str(len(found))] = f"{'!' + conversion if conversion else ''}{':' + form if form else ''}"
    except ValueError:
        return None
    return found


def _gather(node: Any, path: tuple[str, ...], catalogue: Catalogue) -> None:
    """Take in the groups and texts below a node."""
    if not isinstance(node, yaml.MappingNode):
        line = node.start_mark.line + 1 if node else 1
        catalogue.faults.append(f"{catalogue.file}:{line}: a catalogue has groups, each with texts under their names")
        return
    group = ".".join(path)
    for key, value in node.value:
        name, line = key.value, key.start_mark.line + 1
        if not isinstance(value, yaml.ScalarNode):
            _gather(value, (*path, name), catalogue)
        elif not path:
            catalogue.faults.append(f"{catalogue.file}:{line}: `{name}` is in no group")
        elif not value.value or placeholders(value.value) is None:
            catalogue.faults.append(
                f"{catalogue.file}:{line}: `{group}.{name}` is empty, or its braces do not match: a placeholder is `{{}}`, a brace `{{{{`"
            )
        elif (group, name) in catalogue.lines:
            catalogue.faults.append(f"{catalogue.file}:{line}: `{group}.{name}` is here twice")
        else:
            catalogue.groups.setdefault(group, {})[name] = value.value
            catalogue.lines[group, name] = line


def _listed(found: Mapping[str, str] | None) -> str:
    return " ".join(f"{{{name}{form}}}" for name, form in (found or {}).items()) or "none"
