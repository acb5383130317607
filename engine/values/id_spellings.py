"""
Spellings: the one form in which ids are compared, and the nearest values to a text that is no value of a set.

An id is compared in its form, without what nobody sees (semantics 1.9). Folded, it is the same as every id that a person would take for
it: case and look-alike letters do not count either. Which letters look alike is Unicode's table (UTS 39), as `lookalikes.txt` has it.

A value is spelt by its code, by its titles and by the other spellings that the vocabulary gives it. Case, accents, punctuation and spaces
do not count, nor does the order of words. Nothing is accepted by this: the text stays refused, and these are what its sender may mean.
"""

from __future__ import annotations

import difflib
import re
import unicodedata
from collections.abc import Hashable, Iterable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, lru_cache
from pathlib import Path
from typing import Generic, TypeVar

MOST = 3  # values
LONGEST = 100  # characters of a text that is still compared
CLOSE = 0.75  # how much of two spellings must be alike, of 1
SHORT = 4  # letters; a shorter spelling is part of too many others, and a near miss of too many
K = TypeVar("K", bound=Hashable)
_HAN = re.compile(r"[\u3400-\u9fff]")
# Characters that are not seen, beside those of the categories Cc and Cf: joiners, fillers, selectors of variants, and the empty braille.
_UNSEEN = re.compile(
    "[\u034f\u115f\u1160\u17b4\u17b5\u180b-\u180f\u2028\u2029\u2065\u2800\u3164\ufe00-\ufe0f\uffa0\ufff0-\ufff8\U000e0000-\U000e0fff]"
)
_ALIKE = Path(__file__).with_name("lookalikes.txt")


def id_form(text: str) -> str:
    """The form in which an id is compared: NFKC, trimmed, no control or invisible characters. It may be empty."""
    if text.isascii() and text.isprintable():
        return text.strip()
    seen = _UNSEEN.sub("", unicodedata.normalize("NFKC", text))
    seen = "".join(each for each in seen if unicodedata.category(each) not in ("Cc", "Cf"))
    return unicodedata.normalize("NFKC", seen).strip()


@lru_cache(maxsize=4096)
def folded_id(text: str) -> str:
    """What an id has in common with every id that looks like it: its form, without case, with one letter for those that look alike."""
    alike = _alike()
    whole = "".join(alike.get(each) or "".join(alike.get(c, c) for c in each.casefold()) for each in id_form(text))
    return " ".join(unicodedata.normalize("NFKC", whole).split())


@cache
def _alike() -> dict[str, str]:
    """What counts in place of a character, of those that are not their own case folding."""
    found = {}
    for line in _ALIKE.read_text("utf-8").splitlines():
        if not line.startswith("#"):
            target, _, alike = line.partition(" <- ")
            counts = "".join(chr(int(each, 16)) for each in target.split())
            found.update({chr(int(each, 16)): counts for each in alike.split()})
    return found


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

    def marks(self) -> tuple[str | frozenset[str], ...]:
        """What two spellings have in common if they are the same: the letters without the `s` of a plural, or the words."""
        return self.letters.removesuffix("s") if len(self.letters) >= SHORT else self.letters, self.words

    def shared(self, other: _Spelt) -> float:
        """What part of the longer spelling the shorter one is, if the longer one holds it whole; otherwise 0."""
        short, long = sorted((self.letters, other.letters), key=len)
        han = bool(_HAN.search(short))
        if len(short) < (2 if han else SHORT):
            return 0
        inside = self.words <= other.words or other.words <= self.words or (han and short in long)
        return len(short) / len(long) if inside else 0


class Spellings(Generic[K]):
    """The spellings of some values, such as those of one set. A value is spelt as it is printed, too."""

    def __init__(self, spelt: Mapping[K, Iterable[str]]) -> None:
        self._spelt = spelt

    def exact(self, text: str) -> tuple[K, ...]:
        """The values that are spelt so."""
        sent = _Spelt.read(text[: LONGEST + 1])
        if len(text) > LONGEST or not sent.letters:
            return ()
        places = sorted({place for key in sent.marks() for place in self._places.get(key, ())})
        return tuple(dict.fromkeys(self._all[place][0] for place in places))

    def nearest(self, text: str) -> tuple[K, ...]:
        """At most three values: those spelt so; if there are none, those spelt with more or fewer words; if none, near misses."""
        sent = _Spelt.read(text[: LONGEST + 1])
        if len(text) > LONGEST or not sent.letters:
            return ()
        same = list(self.exact(text))
        if not same:
            shares = sorted(((each.shared(sent), value) for value, each in self._all), key=lambda pair: -pair[0])
            same = [value for share, value in shares if share]
        if not same and len(sent.letters) >= SHORT:
            near = difflib.get_close_matches(sent.letters, {each.letters for _, each in self._all}, MOST, CLOSE)
            same = [value for letters in near for value, each in self._all if each.letters == letters]
        return tuple(dict.fromkeys(same))[:MOST]

    @cached_property
    def _places(self) -> dict[str | frozenset[str], list[int]]:
        """Where the spellings stand that are the same as others, by what they have in common."""
        found: dict[str | frozenset[str], list[int]] = {}
        for place, (_, each) in enumerate(self._all):
            for key in each.marks():
                found.setdefault(key, []).append(place)
        return found

    @cached_property
    def _all(self) -> list[tuple[K, _Spelt]]:
        """Each spelling with its value; read when the first text is refused, since most sets never see one."""
        return [(value, _Spelt.read(text)) for value, texts in self._spelt.items() for text in (str(value), *texts)]
