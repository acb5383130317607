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
_CLASSES: tuple[type[Language], ...] = (English, Chinese)
_TEXTS = read_all(HERE, [each.code for each in _CLASSES])
LANGUAGES = {each.code: each(_TEXTS[each.code]) for each in _CLASSES}
ENGLISH, CHINESE = LANGUAGES[English.code], LANGUAGES[Chinese.code]

__all__ = ["CHINESE", "ENGLISH", "LANGUAGES", "Language", "in_each"]


def in_each(say: Callable[[Language], str]) -> Words:
    """One sentence in every language."""
    return Words(**{code: say(language) for code, language in LANGUAGES.items()})
