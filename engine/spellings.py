"""
The nearest values to a text that is none of them, in any spelling that a person would write.

A value is spelt by its code, by its titles and by the other spellings that the vocabulary gives it. Case, accents, punctuation and spaces
do not count, nor does the order of words. Nothing is accepted by this: the text stays refused, and these are what its sender may mean.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from functools import cached_property

MOST = 3  # values
LONGEST = 100  # characters of a text that is still compared
CLOSE = 0.75  # how much of two spellings must be alike, of 1
SHORT = 4  # letters; a shorter spelling is part of too many others, and a near miss of too many
_HAN = re.compile(r"[\u3400-\u9fff]")


@dataclass(frozen=True, slots=True)
class _Spelt:
    """What counts of a spelling: its letters in a row, and its words. Chinese has no spaces: a run of characters is one word."""

    letters: str
    words: frozenset[str]

    @classmethod
    def read(cls, text: str) -> _Spelt:
        plain = "".join(c for c in unicodedata.normalize("NFKD", text.casefold()) if not unicodedata.combining(c))
        words = re.findall(r"[^\W_]+", plain.replace("&", " and "))
        return cls("".join(words), frozenset(words))

    def shared(self, other: _Spelt) -> float:
        """What part of the longer spelling the shorter one is, if the longer one holds it whole; otherwise 0."""
        short, long = sorted((self.letters, other.letters), key=len)
        han = bool(_HAN.search(short))
        if len(short) < (2 if han else SHORT):
            return 0
        inside = self.words <= other.words or other.words <= self.words or (han and short in long)
        return len(short) / len(long) if inside else 0


class Spellings:
    """The spellings of the values of one set."""

    def __init__(self, spelt: Mapping[str, Iterable[str]]) -> None:
        self._spelt = spelt

    def nearest(self, text: str) -> tuple[str, ...]:
        """At most three values: those spelt so; if there are none, those spelt with more or fewer words; if none, near misses."""
        sent = _Spelt.read(text[: LONGEST + 1])
        if len(text) > LONGEST or not sent.letters:
            return ()
        same = [value for value, each in self._all if each.letters == sent.letters or each.words == sent.words]
        if not same:
            shares = sorted(((each.shared(sent), value) for value, each in self._all), key=lambda pair: -pair[0])
            same = [value for share, value in shares if share]
        if not same and len(sent.letters) >= SHORT:
            near = difflib.get_close_matches(sent.letters, {each.letters for _, each in self._all}, MOST, CLOSE)
            same = [value for letters in near for value, each in self._all if each.letters == letters]
        return tuple(dict.fromkeys(same))[:MOST]

    @cached_property
    def _all(self) -> list[tuple[str, _Spelt]]:
        """Each spelling with its value; read when the first text is refused, since most sets never see one."""
        return [(value, _Spelt.read(text)) for value, texts in self._spelt.items() for text in (value, *texts)]
