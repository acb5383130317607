"""
The sentences that the program says to people: one class for each language, all with the same methods and the same tables.
"""

from __future__ import annotations

from collections.abc import Callable

from engine.languages.chinese import Chinese
from engine.languages.english import English
from engine.languages.language import Language
from engine.values.multilingual import Words

ENGLISH, CHINESE = English(), Chinese()
LANGUAGES: dict[str, Language] = {language.code: language for language in (ENGLISH, CHINESE)}

__all__ = ["CHINESE", "ENGLISH", "LANGUAGES", "Language", "in_each"]


def in_each(say: Callable[[Language], str]) -> Words:
    """One sentence in every language."""
    return Words(**{code: say(language) for code, language in LANGUAGES.items()})
