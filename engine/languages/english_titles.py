"""The titles of authors inside an English sentence: whether one names several things, and where it takes an article or a verb."""

from __future__ import annotations

import re

# Titles that a test can turn into a sentence: "where the data are stored", "recipient's country", "recipient's place", "the data are
# personal".
WHERE = re.compile(r"where (?P<subject>.+?) (?P<verb>is|are|was|were)\b(?: (?P<rest>.+))?")
COUNTRY = re.compile(r"(?P<subject>\w+)'s (country|place)")
VERB = re.compile(r"\b(is|are|was|were|may|can)\b")
_ASKS = re.compile(r"(how|what|who)\b")
# Places that stand with an article inside a sentence, and without one in a list.
_THE = re.compile(
    r"(United|European|British|Isle) |.* (Islands|Republic)$|(Bahamas|Comoros|Gambia|Maldives|Netherlands|Philippines)$"
)
# The first words of a title, up to the words that qualify them.
_HEAD = re.compile(r"[,:(]| (?:of|that|which|who|whom|whose|the|from|on|under|in|to|against|other|able|at|by|for|with)\b")
_PLURAL = re.compile(r"\bpeople\b|\b\w{3,}(?<![isu])s\b(?<!'s)")


def where_sentence(words: dict[str, str | None], denied: str, only: str, target: str) -> str:
    """`the data are not stored only in X`, for a title that asks where."""
    subject, verb, rest = words["subject"], words.get("verb"), words.get("rest") or ""
    if verb is None:
        return f"the {subject} is {denied}{only}in {target}"
    if rest.startswith(("who ", "whom ", "that ")):
        return f"{subject} {rest} {verb} {denied}{only}in {target}"
    stem, _, last = rest.rpartition(" ") if rest.endswith(" from") else (rest, "", "in")
    return f"{subject} {verb} {denied}{f'{stem} ' if stem else ''}{only}{last} {target}"


def is_plural(title: str) -> bool:
    """Whether a title names several things, as far as its first words show."""
    return not _ASKS.match(title) and bool(_PLURAL.search(_HEAD.split(title, maxsplit=1)[0]))


def with_article(title: str) -> str:
    return title if title.startswith(("the ", "The ")) else f"the {title}"


def place_in_sentence(title: str) -> str:
    return with_article(title) if _THE.match(title) else title


def is_or_are(title: str) -> str:
    return "are" if is_plural(title) else "is"
