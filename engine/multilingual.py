"""
What an author or this program says, in each language that decisions are told in.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """A text by language; English stands in where there is no Chinese."""

    en: str = ""
    zh: str = ""

    def __bool__(self) -> bool:
        return bool(self.en)

    def in_(self, lang: str) -> str:
        """The text in a language."""
        return self.zh or self.en if lang == "zh" else self.en


NO_WORDS = Words()
