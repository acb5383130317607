"""
The planted faults and changes of `planted_faults/`: what stands in each file of the bundle after the edit, and what is to be found.

An edit replaces a text that stands exactly once in its file. The bundle is the bundled policies, or the small law beside the faults.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from functools import cache
from pathlib import Path
from typing import Any

import yaml

import engine
from engine.bundle import Bundle
from tests import read_once

FOLDER = Path(__file__).with_name("planted_faults")


@dataclass(frozen=True, slots=True)
class Edit:
    """One text of a file that another one replaces."""

    old: str
    new: str


@dataclass(frozen=True, slots=True)
class Planted:
    """One fault or change: its file, its edits and all that the data say of it besides."""

    id: str
    file: str
    edits: tuple[Edit, ...]
    said: dict[str, Any] = field(compare=False)

    @property
    def small(self) -> bool:
        """Whether it is planted in the small law."""
        return self.file.startswith("small/")


@cache
def sound(small: bool) -> dict[str, bytes]:
    """The files before any edit: the small law, or the bundled policies."""
    if small:
        return {f"small/{each.name}": each.read_bytes() for each in sorted((FOLDER / "small").glob("*.yaml"))}
    return engine.gather_sources(engine.source_files([engine.bundled_policies()]))


def planted(file: str, key: str) -> list[Planted]:
    """The faults or changes of one list."""
    return [_read(each) for each in yaml.safe_load((FOLDER / file).read_text("utf-8"))[key]]


def edited(one: Planted) -> dict[str, bytes]:
    """The files with one fault or change in them."""
    sources = sound(one.small)
    text = sources[one.file].decode()
    for edit in one.edits:
        text = text.replace(edit.old, edit.new)
    return sources | {one.file: text.encode()}


def load(one: Planted) -> Bundle:
    """The bundle with one fault or change in it, which is not kept. Raises BundleRefused."""
    return read_once.LOAD(edited(one), tests=False)


def _read(each: dict[str, Any]) -> Planted:
    edits = (Edit(edit["old"].rstrip("\n"), edit["new"].rstrip("\n")) for edit in each.get("edits", [each]))
    return Planted(each["id"], each["file"], tuple(edits), each)
