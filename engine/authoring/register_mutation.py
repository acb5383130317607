"""
Mutation of registers: one entry is taken away, or one of its dates is moved by a day.

A bundle goes in, its mutants come out, in file order. Conditions stay as they are; the changed rules have another register.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from datetime import date, timedelta
from typing import TypeAlias

from engine.authoring.mutation import Mutant
from engine.bundle import Bundle
from engine.policy_language.tree import locate
from engine.rules import RegisterEntry

Windows: TypeAlias = tuple[RegisterEntry, ...]
ONE_DAY = timedelta(days=1)


def register_mutants(bundle: Bundle, only: str = "") -> Iterator[Mutant]:
    """Every mutant of the registers in files whose name contains `only`."""
    spans = {name: bundle.vocabulary.spans["registers", name] for name in bundle.rules.registers}
    for name, at in sorted(spans.items(), key=lambda each: (each[1].file, each[1].line)):
        if only not in at.file:
            continue
        entries = bundle.rules.registers[name]
        node = bundle.vocabulary.nodes["registers", name]
        for value, windows in entries.items():
            line = locate(node, ("entries", value))[1].line
            for said, changed in _changed(windows):
                register = {**entries, value: changed} if changed else {each: w for each, w in entries.items() if each != value}
                rules = replace(bundle.rules, registers={**bundle.rules.registers, name: register})
                yield Mutant(f"register {name}", at.file, line, f"{name}: that {value} is in it{said}", rules)


def _changed(windows: Windows) -> Iterator[tuple[str, Windows]]:
    """The days of an entry, changed, each with what a test that notices it would defend; none where the entry is taken away."""
    yield "", ()
    for number, window in enumerate(windows):
        for word, name in (("from", "from_"), ("until", "until")):
            day: date | None = getattr(window, name)
            if day is None or not date.min < day < date.max:
                continue
            for other in (day - ONE_DAY, day + ONE_DAY):
                moved = replace(window, **{name: other})
                yield f" {word} {day}, not {other}", (*windows[:number], moved, *windows[number + 1 :])
