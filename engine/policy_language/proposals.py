"""
What a refusal proposes: for a name that is no fact and for a text that is no value, what the sender may mean, as she would write it.

A place of an exchange and what was sent there go in; a sentence in each language comes out. Nothing is accepted by a proposal. A word that
means something elsewhere is proposed for there, with the value that says it. Source: semantics 1.6.
"""

from __future__ import annotations

import difflib
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from typing import Any

from engine.languages import CHINESE, Language, in_each
from engine.policy_language.everyday_words import EverydayWords, WordPlace, groups
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.values import MAX_MEMBERS, Type, ValueSet
from engine.values.multilingual import Words

MOST = 3  # places that a refusal proposes
MOST_WORDS = 16  # of a list that are looked at; each takes time
MAX_NAME = 120  # characters of a name in a refusal
_TRUTH = {
    "yes": True,
    "true": True,
    "y": True,
    "1": True,
    "no": False,
    "false": False,
    "n": False,
    "0": False,
    "是": True,
    "否": False,
}
_WITH_POINT = re.compile(r"\.0{1,2}$")
_ANY = "…"  # in place of a value that the sender knows
_CLOSE = 0.8  # how much of two names must be alike, of 1
_DOCUMENT = '{"dated": …, "covers": true}'

Path = tuple[str | int, ...]


@dataclass(frozen=True, slots=True)
class _Proposal:
    """What to write, and the titles of the values in it. Of a register `members` are its values: one of them is meant."""

    text: str
    titles: tuple[Words, ...] = ()
    members: tuple[str, ...] = ()
    fact: str = ""

    def told(self, language: Language) -> str:
        titles = [each.in_(language.code) for each in self.titles]
        return language.one_of_these(titles[0], self.members) if self.members else language.titled(self.text, titles)


class Proposals:
    """What refusals propose under one vocabulary."""

    def __init__(self, vocabulary: Vocabulary) -> None:
        self._vocabulary = vocabulary
        self.words = EverydayWords(vocabulary)
        # A fact of one party is no other name for that of another party.
        self._parties = {touch.fact.partition(".")[0] for touch in vocabulary.touches if touch.as_ in ("exporter", "recipient")}

    # --- names that are no facts -------------------------------------------------------------------------------------

    def unknown(self, path: Sequence[str], content: Any) -> Words:
        """The sentence about members that are no fact, and what they may mean. Names with dots are no members: facts nest."""
        name = ".".join(path)[:MAX_NAME]
        nested = self._nesting.get(name)
        if nested:
            said = f"a fact is written as nested members: `{_nested(nested)}`, not `{path[-1][:MAX_NAME]}`"
            return Words(said, CHINESE.write_so(said, [f"`{_nested(nested)}`"]))
        found = self._meant(path, name, content)
        return in_each(lambda lang: lang.no_fact(name, [each.told(lang) for each in found]))

    def group_of(self, path: Sequence[str]) -> str:
        """The group of facts that an unknown member may mean, if it is one group; "" otherwise."""
        if len(path) != 1 or path[0] in self._nesting:
            return ""
        meant = [each.name for each in self.words.meanings(path[0]) if not each.of and each.name in self._groups]
        return meant[0] if len(meant) == 1 else ""

    def _meant(self, path: Sequence[str], name: str, content: Any) -> list[_Proposal]:
        """What a name may mean: facts that end or are called so, with what was sent; else what was sent, or a value that is called so."""
        if (family := ".".join(path[:-1])) in self._vocabulary.families:
            return [_Proposal(self._family(family))]
        ends = [each for each in self._vocabulary.facts if each.endswith(f".{name}")]
        called = list(self._facts_called(path))
        if isinstance(content, dict) and (meant := [each for each in called if each in self._groups]):
            return [self._bare(path, each) for each in meant[:MOST]]
        if facts := ends or called:
            said = {fact: self._said_there(fact, content) for fact in facts}
            # What takes the value that was sent comes first, then the names alone.
            taken = [each for fact, forms in said.items() for each in forms if each.fact == fact]
            elsewhere = [each for forms in said.values() for each in forms if each.fact not in said]
            bare = [self._bare(path, fact) for fact, forms in said.items() if not any(each.fact == fact for each in forms)]
            return list(dict.fromkeys([*taken, *bare, *elsewhere] if elsewhere or taken else bare))[:MOST]
        if near := self._spelt_almost(path, name):
            return [self._bare(path, each) for each in near]
        if content is True or content is None:
            said_so = [each for each in self.words.places(path[-1]) if each.value and self._fits(each.fact, path[0])]
            ranked = sorted(said_so, key=lambda each: each.fact.partition(".")[0] != path[0])
            if ranked:
                return [self._form(each.fact, [each]) for each in ranked[:MOST]]
        return list(self._grouped(self._in_group(path[0], each) for each in _texts(content)))[:MOST]

    def _spelt_almost(self, path: Sequence[str], name: str) -> list[str]:
        """The names that are spelt almost so: beside the place of the name, or in the whole where it has no place."""
        before = f"{'.'.join(path[:-1])}." if len(path) > 1 else ""
        beside = {each.removeprefix(before): each for each in self._nesting if before and each.startswith(before)}
        if beside:
            return [beside[each] for each in difflib.get_close_matches(path[-1], beside, MOST - 1, _CLOSE)]
        return difflib.get_close_matches(name, self._nesting, MOST - 1, _CLOSE)

    def _facts_called(self, path: Sequence[str]) -> Iterator[str]:
        """The facts, families, groups and documents that people call so: those of the same group, if there are any."""
        meant = [each.name for each in self.words.meanings(path[-1]) if not each.of]
        if len(path) == 1:
            yield from sorted(meant, key=lambda each: each not in self._groups)
            return
        beside = [each for each in meant if each.startswith(f"{path[0]}.")]
        yield from beside or (each for each in meant if each not in self._groups and self._fits(each, path[0]))

    def _fits(self, fact: str, group: str) -> bool:
        """Whether a fact may be meant inside a group: one of another party is not."""
        return group not in self._parties or fact.partition(".")[0] not in self._parties - {group}

    def _bare(self, path: Sequence[str], fact: str) -> _Proposal:
        """A fact by its name; nested where the sender wrote dots. A document comes with its title."""
        group, _, kind = fact.partition(".")
        if group in DOCUMENT_GROUPS and kind in self._vocabulary.kinds[group]:
            return self._form(fact, [WordPlace(fact, "", self._vocabulary.title(fact).words)])
        if fact in self._vocabulary.families:
            return _Proposal(self._family(fact))
        return _Proposal(f"`{_nested(self._nesting[fact])}`" if "." in path[-1] else f"`{fact}`")

    # --- texts that are no values --------------------------------------------------------------------------------------

    def wrong(self, path: Path, content: Any, said: str) -> Iterator[tuple[Path, Words]]:
        """What is wrong with a value, at each place: each member of a set by itself. `said` is the sentence of its type."""
        fact = ".".join(map(str, path))
        type = self._vocabulary.type_of(fact)
        if type is None:
            yield path, Words(said)
            return
        values = type.values
        if values and type.many and isinstance(content, list) and all(isinstance(each, str) for each in content):
            wrong = [
                (n, each) for n, each in enumerate(content[:MAX_MEMBERS]) if each not in values.lineage and each != "unknown"
            ]
            if wrong and fact in self._vocabulary.facts:
                for number, (n, each) in enumerate(wrong):
                    yield (*path, n), self._no_value(fact, values, each, propose=number < MOST_WORDS)
                return
        if values and not type.many and isinstance(content, str) and fact in self._vocabulary.facts:
            yield path, self._no_value(fact, values, content)
            return
        if written := self._as_type(fact, type, content):
            short = said.partition(";")[0]
            yield path, in_each(lambda lang: lang.write_so(short, [each.told(lang) for each in written]))
            return
        yield path, Words(said)

    def _no_value(self, fact: str, values: ValueSet, word: str, propose: bool = True) -> Words:
        found: list[_Proposal] = []
        if propose:
            found = [self._proposal(fact, each) for each in self._resolved(fact, word)] + list(self._registers(values, word))
        return in_each(
            lambda lang: lang.no_value_of(
                word[:40], values.name, values.values, [each.told(lang) for each in found[:MOST]], fact
            )
        )

    def _resolved(self, fact: str, word: str) -> list[WordPlace]:
        """What a word may say: a value of the fact that is spelt so, else something elsewhere that is, else a value that is near."""
        values = self._vocabulary.facts[fact].type.values
        assert values

        def here(found: Iterable[str]) -> list[WordPlace]:
            return [WordPlace(fact, each, values.titles.get(each, Words())) for each in found]

        if word in values.lineage:
            return here([word])
        group = fact.partition(".")[0]
        if same := values.spelt(word):
            return here(same[:MOST])
        places = [each for each in self.words.places(word) if each.fact != fact and self._fits(each.fact, group)]
        # A code of two letters is a word for nothing else.
        places = [each for each in places if len(word) > 2 or each.value.casefold() != word.casefold()]
        said = [each for each in places if each.value or each.fact.partition(".")[0] in DOCUMENT_GROUPS]
        if said:
            return sorted(said, key=lambda each: each.fact.partition(".")[0] != group)[:MOST]
        return here(values.nearest(word))

    def _proposal(self, fact: str, said: WordPlace) -> _Proposal:
        """A value alone where it is one of the fact itself, otherwise with the place where it can be said."""
        return _Proposal(f"`{said.value}`", _some(said.title)) if said.fact == fact else self._form(said.fact, [said])

    def _registers(self, values: ValueSet, word: str) -> Iterator[_Proposal]:
        """The registers of a set that a word means: its values, one of which is meant."""
        for meaning in self.words.meanings(word):
            register = self._vocabulary.registers.get(meaning.name)
            if register is not None and meaning.of == register.of.name == values.name:
                yield _Proposal("", (register.title.words,), tuple(register.entries))

    def _as_type(self, fact: str, type: Type, content: Any) -> list[_Proposal]:
        """What was sent, as its type is written; nothing where this cannot be known."""
        if type.values and fact in self._vocabulary.facts:
            words = [content] if isinstance(content, str) else content
            # A list that holds one text, or a text in place of a list.
            if isinstance(words, list) and len(words) == 1 and type.many == isinstance(content, str):
                return self._said_there(fact, content)
            if isinstance(content, str) and content in type.values.lineage:
                return [self._form(fact, [WordPlace(fact, content, type.values.titles.get(content, Words()))])]
        if type.many:
            return []
        text = str(content).strip().casefold() if isinstance(content, str | int) else ""
        if type.kind == "yes/no" and text in _TRUTH:
            return [_Proposal(f"`{json.dumps(_TRUTH[text])}`")]
        whole = _WITH_POINT.sub("", text)  # not `1.000`, which may be a thousand
        number = whole.replace(",", "").replace("_", "").replace(" ", "")
        if type.kind == "count" and number.isascii() and number.isdigit() and len(number) <= 15:
            return [_Proposal(f"`{int(number)}`")]
        return []

    # --- groups that are no objects --------------------------------------------------------------------------------------

    def no_object(self, path: Sequence[str], content: Any, said: str) -> Words:
        """What is wrong with a text, a number or a list in place of a group of facts, and which of its facts it may state."""
        name = ".".join(path)
        if name in self._vocabulary.families:
            found = [_Proposal(self._family(name))]
        else:
            found = list(self._grouped(self._in_group(name, each) for each in _texts(content)))
        if not found:
            inside = [each for each in self._vocabulary.facts if each.startswith(f"{name}.")]
            usual = [each for each in inside if each in self._vocabulary.said and self._vocabulary.facts[each].type.values]
            found = [_Proposal(f"`{_nested(self._nesting[each])}`") for each in (usual or inside)[:1]]
        return in_each(lambda lang: lang.write_so(said, [each.told(lang) for each in found[:MOST]]))

    def _in_group(self, group: str, word: str) -> list[WordPlace]:
        """What a word says in a group of facts; if nothing, what it says elsewhere."""
        places = [each for each in self.words.places(word) if each.value or each.fact.partition(".")[0] in DOCUMENT_GROUPS]
        if whole := [each for each in places if each.fact == group]:
            return whole  # the public, in place of a recipient
        inside = [each for each in places if each.fact.startswith(f"{group}.")]
        alone = [each for each in inside if each.value and not self._vocabulary.facts[each.fact].type.many]
        return alone or inside or [each for each in places if self._fits(each.fact, group.partition(".")[0])]

    # --- how it is written -------------------------------------------------------------------------------------------------

    def _said_there(self, fact: str, content: Any) -> list[_Proposal]:
        """What was sent as a fact has it, or as others have it; nothing where it is as it has to be, or means nothing."""
        type = self._vocabulary.facts[fact].type if fact in self._vocabulary.facts else None
        if fact in self._groups:
            return list(self._grouped(self._in_group(fact, each) for each in _texts(content)))
        if type is None or type.values is None:
            return []
        words = _texts(content)
        if not words or (all(each in type.values.lineage for each in words) and type.many == isinstance(content, list)):
            return []
        return list(self._grouped(self._resolved(fact, each) for each in words))

    def _grouped(self, words: Iterable[Sequence[WordPlace]]) -> Iterator[_Proposal]:
        """
        What some words say, written together where one fact takes them all; of a single word everything that it may say.
        """
        several = [each for each in words if each]
        if len(several) == 1:
            yield from (self._form(each.fact, [each]) for each in several[0][:MOST])
            return
        by_fact: dict[str, list[WordPlace]] = {}
        for each in several:
            by_fact.setdefault(each[0].fact, []).append(each[0])
        yield from (self._form(fact, said) for fact, said in by_fact.items())

    def _form(self, fact: str, said: Sequence[WordPlace]) -> _Proposal:
        """A fact with values, or a document, as it is written."""
        titles = tuple(dict.fromkeys(each.title for each in said if each.title))
        group = fact.partition(".")[0]
        if group in DOCUMENT_GROUPS:
            return _Proposal(f"`{_nested(self._nesting[fact], _DOCUMENT)}`", titles, fact=fact)
        values = list(dict.fromkeys(each.value for each in said))
        if fact == self._vocabulary.recipient:
            return _Proposal(f"`{json.dumps({fact: values[0]})}`", titles[:1], fact=fact)
        type = self._vocabulary.facts[fact].type
        if not type.many and len(values) > 1:
            values, titles = values[:1], titles[:1]
        value = json.dumps(values if type.many else values[0])
        return _Proposal(f"`{_nested(self._nesting[fact], value)}`", titles, fact=fact)

    def _family(self, family: str) -> str:
        """A family as it is written: a number for each member."""
        last = [json.dumps(each.rpartition(".")[2]) for each in self._vocabulary.families[family]]
        members = "{" + ", ".join(f"{each}: {_ANY}" for each in last) + "}"
        return f"`{_nested(family.split('.'), members)}`"

    @cached_property
    def _groups(self) -> frozenset[str]:
        return frozenset(groups(self._vocabulary))

    @cached_property
    def _nesting(self) -> Mapping[str, tuple[str, ...]]:
        """Each name that a sender may write, and each beginning of one, with its steps; made when the first unknown name is refused."""
        vocabulary = self._vocabulary
        found: dict[str, tuple[str, ...]] = {}
        kinds = ((group, kind) for group in DOCUMENT_GROUPS for kind in vocabulary.kinds[group])
        documents = [(*kind, field) for kind in kinds for field in vocabulary.fields]
        closing = (f"{family}.rest" for family in vocabulary.families)
        facts = [tuple(name.split(".")) for name in (*vocabulary.facts, *closing)]
        for steps in (*facts, *documents):
            for end in range(len(steps), 0, -1):
                found.setdefault(".".join(steps[:end]), steps[:end])
        return found


def _some(title: Words) -> tuple[Words, ...]:
    return (title,) if title else ()


def _texts(content: Any) -> list[str]:
    """The texts that were sent: one, or those of a list."""
    found = content if isinstance(content, list) else [content]
    return [each for each in found[:MOST_WORDS] if isinstance(each, str)]


def _nested(steps: Sequence[str], value: str = _ANY) -> str:
    """How a fact is written: its steps as members, each inside the one before."""
    *outer, last = map(json.dumps, steps)
    return "".join(f"{{{each}: " for each in outer) + f"{{{last}: {value}}}" + "}" * len(outer)
