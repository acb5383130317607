"""
What an author or this program says, in each language that decisions are written in.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Words:
    """A text by language, a field each; English stands in where there is none in another."""

    en: str = ""
    zh: str = ""

    def __bool__(self) -> bool:
        return bool(self.en)

    def in_(self, lang: str) -> str:
        """The text in a language."""
        return getattr(self, lang) or self.en


NO_WORDS = Words()
