"""
What is wrong in a file, said at its place.

A Span names a stretch of one line of one file; a Diagnostic says what is wrong there and what to do. Passes collect
diagnostics and go on, so that an author sees all of them at once, each once, in file order.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file: 1-based line and column, length in characters (at least 1)."""

    file: str
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """One finding: where, what, and what to do. `code` is stable and explained in the authors' README."""

    at: Span
    code: str
    message: str
    label: str = ""
    help: str = ""
    severity: str = "error"

    def render(self, texts: Mapping[str, str], colour: bool = False) -> str:
        """The finding with an excerpt of its line, underlined. `texts` maps file names to their text."""

        def paint(code: str, text: str) -> str:
            return f"\x1b[{code}m{text}\x1b[0m" if colour else text

        tone = "1;31" if self.severity == "error" else "1;33"
        number = str(self.at.line)
        gutter = " " * len(number)
        out = [f"{paint(tone, f'{self.severity}[{self.code}]')}: {self.message}", f"{gutter} --> {self.at}"]
        lines = texts.get(self.at.file, "").splitlines()
        if 0 < self.at.line <= len(lines):
            line = lines[self.at.line - 1].replace("\t", " ")[:200]
            room = max(1, len(line) - self.at.column + 1)
            underline = " " * (self.at.column - 1) + "^" * min(max(1, self.at.length), room)
            out += [
                f"{gutter} |",
                f"{number} | {line}",
                f"{gutter} | {paint(tone, f'{underline} {self.label}'.rstrip())}",
            ]
        if self.help:
            out.append(f"{gutter} = help: {self.help}")
        return "\n".join(out)


class Findings:
    """The growing list of what a load found wrong; kept in file order, each finding once."""

    def __init__(self) -> None:
        self._found: set[Diagnostic] = set()

    def error(self, at: Span, code: str, message: str, label: str = "", help: str = "") -> None:
        self._found.add(Diagnostic(at, code, message, label, help))

    def warn(self, at: Span, code: str, message: str, label: str = "", help: str = "") -> None:
        self._found.add(Diagnostic(at, code, message, label, help, severity="warning"))

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        return tuple(sorted(self._found))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.all if d.severity == "error")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion for a misspelt name, or the empty string where nothing is near."""
    near = difflib.get_close_matches(word, list(known), n=2, cutoff=0.6)
    return f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
