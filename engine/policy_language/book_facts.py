"""
Read the part `books` of a vocabulary, which says which facts of an exchange a book is kept of, and which facts the book fills.

Each fact must be of the type that the book needs, and each of the five fills must be named once. Each error is a finding at its book.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from engine.books.grants import LIMITS, BookFacts
from engine.policy_language.diagnostic import Findings, Span, did_you_mean
from engine.policy_language.ledger_text import BookText
from engine.policy_language.vocabulary_text import VocabularyText
from engine.values import Type


def read_books(
    text: VocabularyText, spans: Mapping[tuple[str, str], Span], types: Mapping[str, Type], findings: Findings
) -> dict[str, BookFacts]:
    """The books of a vocabulary whose facts have these types, by name; one that does not fit is left out and is a finding."""
    read = {
        name: _read_book(name, book, spans["books", name], types, text.evidence, findings) for name, book in text.books.items()
    }
    return {name: book for name, book in read.items() if book is not None}


def _read_book(
    name: str, text: BookText, at: Span, types: Mapping[str, Type], evidence: Collection[str], findings: Findings
) -> BookFacts | None:
    within, marks = text.within, text.marks
    filled: dict[str, str] = {}
    sound = True
    for fact, what in text.fills.items():
        if what in filled:
            said = f"`{filled[what]}` and `{fact}` are both filled with `{what}`"
            findings.error(at, "duplicate-id", said, help="keep one of the two")
            sound = False
        filled[what] = fact
    for what in ("held", "beyond", "bound", "encumbered", "older"):
        if what not in filled:
            said = f"no fact of `{name}` is filled with `{what}`"
            findings.error(at, "missing-key", said, help=f"name one under `fills:`, like `rights.{what}: {what}`")
            sound = False
    if not sound:
        return None
    shapes = {
        text.of: ("id", False), text.granted: ("value", True), text.by: ("id", False), text.to: ("id", False),
        within.purposes: ("value", True), within.territory: ("value", True), within.term: ("duration", False),
        marks.exclusive: ("yes/no", False), marks.onward: ("yes/no", False), filled["held"]: ("value", True),
        filled["beyond"]: ("value", True), filled["bound"]: ("yes/no", False), filled["encumbered"]: ("yes/no", False),
        filled["older"]: ("yes/no", False),
    }  # fmt: skip
    for fact, (kind, many) in shapes.items():
        known = types.get(fact)
        if known is None:
            help = did_you_mean(fact, types)
            findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", help=help)
            sound = False
        elif (known.kind, known.many) != (kind, many):
            said = f"`{fact}` is of type `{known.name}`, which does not fit the book `{name}`"
            findings.error(at, "ill-typed", said, help=f"a {'set of values' if many else kind} is needed here")
            sound = False
    if sound and types[text.granted].values is not types[filled["held"]].values:
        said = f"`{text.granted}` and `{filled['held']}` have different values"
        findings.error(at, "ill-typed", said, help="make them sets of the same values")
        sound = False
    limits = types[filled["beyond"]].values if sound else None
    if limits is not None and set(limits.values) != set(LIMITS):
        said = f"the values of `{filled['beyond']}` are not {', '.join(f'`{limit}`' for limit in LIMITS)}"
        findings.error(at, "ill-typed", said, help="name exactly these")
        sound = False
    for kind in (text.proof, text.consent):
        if kind not in evidence:
            help = did_you_mean(kind, evidence)
            findings.error(at, "unknown-fact", f"`{kind}` is no kind of evidence", help=help)
            sound = False
    if not sound:
        return None
    return BookFacts(
        name, text.title.words, text.of, text.granted, text.by, text.to, within.purposes, within.territory, within.term,
        marks.exclusive, marks.onward, filled["held"], filled["beyond"], filled["bound"], filled["encumbered"], filled["older"],
        f"evidence.{text.proof}", f"evidence.{text.consent}",
    )  # fmt: skip
