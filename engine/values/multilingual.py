"""
Texts of an author or of this program, in each language that decisions are written in.
"""

from __future__ import annotations

from dataclasses import dataclass, fields


@dataclass(frozen=True, slots=True)
class Words:
    """One text, with a field for each language. English is used if another language has no text."""

    en: str = ""
    zh: str = ""

    def __bool__(self) -> bool:
        return bool(self.en)

    def in_(self, lang: str) -> str:
        """The text in a language, or in English if there is none."""
        return getattr(self, lang) or self.en


NO_WORDS = Words()
LANGUAGE_CODES = tuple(each.name for each in fields(Words))
