"""
The words that people use for facts, values and documents: what a word may mean.

Files of the vocabulary say under `words:` what people call something, in each language. A word may mean several things, and nothing is
decided by it: it is what a refusal, a search and a list of facts propose. A vocabulary goes in; places of an exchange come out.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from engine.policy_language.diagnostic import did_you_mean
from engine.policy_language.public_recipient import EVERYONE, TITLES
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.policy_language.written_vocabulary import WrittenVocabulary
from engine.values import ValueSet
from engine.values.id_spellings import Spellings
from engine.values.multilingual import Words

RECIPIENT = "recipient"  # under this key stand the words for the public
FACTS = "facts"  # under this key stand the words for facts, families and groups of facts
_BETWEEN = "/"  # between a value set and one of its registers


def everyday_names(
    said: Mapping[str, Mapping[str, Sequence[str]]], values: Mapping[str, ValueSet]
) -> dict[str, tuple[str, ...]]:
    """
    What people call each thing that is no value: a fact, family or group by its name, `evidence.KIND`, a register as `SET/REGISTER`, and
    the public as `recipient/WORD`.
    """
    return {
        name if kind == FACTS else f"{kind}.{name}" if kind in DOCUMENT_GROUPS else f"{kind}{_BETWEEN}{name}": tuple(words)
        for kind, called in said.items()
        for name, words in called.items()
        if kind not in values or name not in values[kind].lineage
    }


def check_words(words: WrittenVocabulary, vocabulary: Vocabulary) -> None:
    """Report each word that is said of something which does not exist."""
    for kind, called in words.said.items():
        of = vocabulary.values.get(kind)
        registers = [name for name, register in vocabulary.registers.items() if register.of is of]
        known: Sequence[str] = [*of.values, *registers] if of else list(vocabulary.kinds.get(kind, ()))
        if kind == FACTS:
            known = [*vocabulary.facts, *vocabulary.families, *groups(vocabulary)]
        elif kind == RECIPIENT:
            known = list(EVERYONE)
        for name in called:
            at = words.spans["words", f"{kind}{_BETWEEN}{name}"]
            if not of and kind not in (FACTS, RECIPIENT, *DOCUMENT_GROUPS):
                help = did_you_mean(kind, [FACTS, RECIPIENT, *DOCUMENT_GROUPS, *vocabulary.values])
                words.findings.error(at, "unknown-value-set", f"there is no value set `{kind}`", help=help)
            elif name not in known:
                what = (
                    "neither a fact nor a group"
                    if kind == FACTS
                    else f"no word for every `{kind}`"
                    if kind == RECIPIENT
                    else f"no value or register of `{kind}`"
                    if of
                    else f"no kind of {kind}"
                )
                code = "unknown-fact" if kind == FACTS else "unknown-value" if of else "unknown-kind"
                help = did_you_mean(name, known)
                words.findings.error(at, code, f"`{name}` is {what}", "people cannot mean it", help)


def groups(vocabulary: Vocabulary) -> tuple[str, ...]:
    """The groups of facts and documents: what an exchange has as objects."""
    above = (".".join(steps[:end]) for name in vocabulary.facts if (steps := name.split(".")) for end in range(1, len(steps)))
    return tuple(dict.fromkeys([*above, *DOCUMENT_GROUPS]))


@dataclass(frozen=True, slots=True)
class Meaning:
    """
    Something that a word may mean, by its name: a fact, a family, a group or a document, or a value or register of the value set `of`.
    """

    name: str
    of: str = ""

    def __str__(self) -> str:
        return self.name.replace(".", " ") if not self.of else self.name


@dataclass(frozen=True, slots=True)
class WordPlace:
    """A place where a word can be said: a fact, family, group or document, and the value that says it there; with its title."""

    fact: str
    value: str
    title: Words


class EverydayWords:
    """What each word may mean under one vocabulary. The spellings are read when the first word is looked for."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary

    def meanings(self, word: str) -> tuple[Meaning, ...]:
        """What a word means, in any spelling, in the order of the vocabulary: facts first, then documents, then values."""
        return self._spellings.exact(word)

    def places(self, word: str) -> Iterator[WordPlace]:
        """Where a word can be said; a value in each fact that takes it."""
        for meaning in self.meanings(word):
            yield from self.places_of(meaning)

    def values_of(self, word: str) -> dict[str, list[str]]:
        """What a word means, by fact, family, group or document: the values of the fact that it says, if it says some."""
        found: dict[str, list[str]] = {}
        for each in self.places(word):
            found.setdefault(each.fact, []).extend([each.value] if each.value else [])
        return found

    def alike(self, word: str) -> tuple[str, ...]:
        """At most three facts, documents or values to which a word comes near that means nothing, as they are printed."""
        near = self._spellings.nearest(word)
        return tuple(dict.fromkeys(each.name for each in near))

    def places_of(self, meaning: Meaning) -> Iterator[WordPlace]:
        """Where something can be said; of a register nothing is, since it is no value."""
        vocabulary = self._vocabulary
        if not meaning.of:
            yield WordPlace(meaning.name, "", vocabulary.title(meaning.name).words)
        elif meaning.of == RECIPIENT:
            yield WordPlace(vocabulary.recipient, meaning.name, TITLES[meaning.name])
        elif meaning.name in vocabulary.values[meaning.of].lineage:
            for fact in self.facts_of(meaning.of):
                yield WordPlace(fact, meaning.name, vocabulary.values[meaning.of].titles.get(meaning.name, Words(meaning.name)))

    def facts_of(self, values: str) -> tuple[str, ...]:
        """The facts that a sender may state and whose values are of a set."""
        return tuple(
            name
            for name, fact in self._vocabulary.facts.items()
            if fact.type.values and fact.type.values.name == values and not fact.register_only and not fact.follows
        )

    @cached_property
    def _spellings(self) -> Spellings[Meaning]:
        vocabulary = self._vocabulary
        spelt: dict[Meaning, Sequence[str]] = {}
        documents = [f"{group}.{kind}" for group in DOCUMENT_GROUPS for kind in vocabulary.kinds[group]]
        for name in (*vocabulary.facts, *vocabulary.families, *groups(vocabulary), *documents):
            title = vocabulary.family_titles.get(name) or vocabulary.title(name)
            called = vocabulary.said.get(name, ())
            # Who writes the group before the word means the same.
            spelt[Meaning(name)] = (
                *filter(None, (title.en, title.zh)),
                *called,
                *(f"{name.partition('.')[0]} {w}" for w in called),
            )
        for name, values in vocabulary.values.items():
            for value in values.values:
                titles = values.titles.get(value)
                spelt[Meaning(value, name)] = (
                    *filter(None, (titles.en, titles.zh) if titles else ()),
                    *values.also.get(value, ()),
                )
        for name, words in vocabulary.said.items():
            of, between, register = name.partition(_BETWEEN)
            if between:
                spelt[Meaning(register, of)] = (register, *words) if of == RECIPIENT else words
        return Spellings(spelt)
