"""
The words of pages and reports in each language: a code goes in, the texts by group and name come out.

`en.yaml` is the list of names; the other catalogues have the same. They are read once, when the first page or report is made.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from dataclasses import fields
from functools import cache
from pathlib import Path

import engine
from service.languages.names import Wording

HERE = Path(__file__).parent


class Group(Mapping[str, str]):
    """The texts of one group by their names. It has few members of its own, since templates read texts as members."""

    __slots__ = ("_texts",)

    def __init__(self, texts: Mapping[str, str]) -> None:
        self._texts = texts

    def __getitem__(self, name: str) -> str:
        return self._texts[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._texts)

    def __len__(self) -> int:
        return len(self._texts)


def wording(lang: str) -> Wording:
    """The texts of a language that the engine speaks."""
    return _read()[lang]


def text_for(texts: Mapping[str, object], name: str) -> str:
    """The text of a name that is put together, such as `state_` and a state."""
    return str(texts[name])


def text_if_any(texts: Mapping[str, object], name: str) -> str:
    """The same; "" where there is no such text."""
    return str(texts.get(name, ""))


@cache
def _read() -> dict[str, Wording]:
    read = engine.read_catalogues(HERE, list(engine.LANGUAGES))
    names = {each.name for each in fields(Wording)}
    for lang, groups in read.items():
        if groups.keys() != names:
            raise engine.CatalogueRefused(f"{lang}.yaml: its groups are not those of names.py, which is made from en.yaml")
    made: Callable[..., Wording] = Wording  # whose members have the names that were just compared
    return {lang: made(**{name: Group(texts) for name, texts in groups.items()}) for lang, groups in read.items()}
