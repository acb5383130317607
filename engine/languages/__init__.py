"""
The sentences that the program says to people: for each language a catalogue of texts, and a class with the sentences that have grammar.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

from engine.languages.chinese import Chinese
from engine.languages.english import English
from engine.languages.language import Language
from engine.languages.word_catalogue import read_all
from engine.values.multilingual import Words

HERE = Path(__file__).parent
_TEXTS = read_all(HERE, [English.code, Chinese.code])
ENGLISH, CHINESE = English(_TEXTS[English.code]), Chinese(_TEXTS[Chinese.code])
LANGUAGES: dict[str, Language] = {language.code: language for language in (ENGLISH, CHINESE)}

__all__ = ["CHINESE", "ENGLISH", "LANGUAGES", "Language", "in_each"]


def in_each(say: Callable[[Language], str]) -> Words:
    """One sentence in every language."""
    return Words(**{code: say(language) for code, language in LANGUAGES.items()})
