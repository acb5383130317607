"""The values of the chart with their sentences, as `values.yaml` has them: a comment `# -- …` in the line before each value."""

from __future__ import annotations

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

_LINE = re.compile(r"( *)([A-Za-z]+):(.*)")
_SENTENCE = re.compile(r" *# -- (.+)")


@dataclass(frozen=True, slots=True)
class ValueRow:
    """One value: its path, its default and its sentence."""

    path: str
    default: str
    sentence: str


def rows(file: Path) -> list[ValueRow]:
    """The values of a file in order. Raises ValueError where one has no sentence."""
    text = file.read_text("utf-8")
    document = yaml.safe_load(text)
    found: list[ValueRow] = []
    above: list[tuple[int, str]] = []  # the names that a line stands below, with their indentation
    sentence, inside = "", -1
    for line in text.splitlines():
        if said := _SENTENCE.match(line):
            sentence = said[1]
            inside = -1
            continue
        named = _LINE.match(line)
        if not named or line.lstrip().startswith(("#", "-")):
            continue
        indent = len(named[1])
        if inside >= 0 and indent > inside:
            continue  # a part of the value before
        above = [each for each in above if each[0] < indent] + [(indent, named[2])]
        path = ".".join(name for _, name in above)
        if sentence:
            found.append(ValueRow(path, _shown(_at(document, path)), sentence))
            sentence, inside = "", indent
        elif named[3].strip():
            raise ValueError(f"`{path}` in {file} has no sentence")
        else:
            inside = -1
    return found


def _at(document: Any, path: str) -> Any:
    for name in path.split("."):
        document = document[name]
    return document


def _shown(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False)
