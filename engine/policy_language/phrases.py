"""
Phrases: conditions that a vocabulary says once, for a value that each use names, as in `leaves: AR`.

A phrase and what stands behind it go in, the condition that it means comes out, as if its author had written it there: below this line
nobody knows phrases. Source: semantics 7.2 (operators, one spelling each).
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator

from engine.policy_language.diagnostic import Findings, Span, did_you_mean
from engine.policy_language.document_text import Condition, DocumentText, Text
from engine.policy_language.tree import Mapping, Node, Scalar, Sequence, locate

THIS = "THIS"  # stands in `means` for what a use names
GROUPS = ("all_of", "any_of", "none_of")
_NAME = re.compile(r"[a-z]+(_[a-z]+)*")


class PhraseText(DocumentText):
    """A condition that is said once, for a value that each use names (semantics 7.2)."""

    title: Text
    """What it says of an exchange; `…` stands for the value."""
    of: str
    """The value set of what stands behind the phrase."""
    means: Condition
    """The condition that it means; `THIS` stands for what stands behind the phrase."""


def meant(means: Node, value: Node, at: Span) -> Node:
    """What a phrase means of a value. Its words have the place of the phrase where it is used, the value has its own."""
    match means:
        case Scalar(text=text, quoted=quoted):
            return value if text == THIS else Scalar(text, at, quoted)
        case Sequence(items=items):
            return Sequence(tuple(meant(item, value, at) for item in items), at)
    entries = tuple((Scalar(key.text, at), meant(inner, value, at)) for key, inner in means.entries)
    return Mapping(entries, at)


def check_phrases(
    written: dict[str, tuple[PhraseText, Node, Span]], sets: Collection[str], taken: Collection[str], findings: Findings
) -> None:
    """
    Report phrases that nobody could use; each is written as its text, its tree and its place.

    `sets` are the value sets, `taken` the words of the language.
    """
    for name, (text, tree, at) in written.items():
        means = locate(tree, ("means",))[0]
        if name in taken or not _NAME.fullmatch(name):
            said = f"`{name}` is a word of the language already" if name in taken else f"`{name}` is not the name of a phrase"
            findings.error(
                at, "bad-id", said, help="choose words of small letters with `_` between them, like `serves_people_in`"
            )
        if text.of not in sets:
            of = locate(tree, ("of",))[0].span
            findings.error(of, "unknown-value-set", f"`of: {text.of}` is not a value set", help=did_you_mean(text.of, sets))
        if not any(each.text == THIS for each in _scalars(means)):
            said = f"`{name}` means the same of every value"
            findings.error(at, "wrong-shape", said, help=f"write `{THIS}` where the value belongs")
        for other in _conditions(means, written):
            said = f"`{other.text}` is a definition or a phrase, which a phrase cannot use"
            findings.error(other.span, "wrong-shape", said, help="write out what it says, or name `POLICY/DEFINITION`")


def _scalars(node: Node) -> Iterator[Scalar]:
    match node:
        case Scalar():
            yield node
        case Sequence(items=items):
            yield from (each for item in items for each in _scalars(item))
        case Mapping(entries=entries):
            yield from (each for _, value in entries for each in _scalars(value))


def _conditions(node: Node, phrases: Collection[str]) -> Iterator[Scalar]:
    """The definitions of no named policy, and the phrases, that a condition names."""
    match node:
        case Scalar(text=text):
            if "/" not in text:
                yield node
        case Sequence(items=items):
            yield from (each for item in items for each in _conditions(item, phrases))
        case Mapping(entries=entries):
            yield from (key for key, _ in entries if key.text in phrases)
            yield from (each for key, value in entries if key.text in GROUPS for each in _conditions(value, phrases))
