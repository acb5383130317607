"""
What is wrong with an exchange that cannot be read: a refusal, with every place that is wrong.

`Refusals` reads what pydantic found, place by place, as problems: sentences with what the sender may mean.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from pydantic import ValidationError
from pydantic_core import SchemaValidator

from engine.policy_language.proposals import Proposals
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.values.multilingual import NO_WORDS, Words

INCOHERENT = "incoherent"  # the code of a problem: with other statements of the exchange it cannot be true
MAX_PROBLEMS = 100
MOST_PROPOSED = 16  # places for which a refusal says what may be meant


@dataclass(frozen=True, slots=True)
class ExchangeProblem:
    """One thing wrong with an exchange: a JSON Pointer to it, a stable code, and a sentence. `words` is the sentence in each language."""

    pointer: str
    code: str
    detail: str
    words: Words = NO_WORDS

    def told(self, lang: str) -> str:
        """The sentence in a language, as far as there is one."""
        return self.words.in_(lang) or self.detail


class ExchangeRefused(ValueError):
    """The exchange cannot be read. `problems` names each place."""

    def __init__(self, problems: tuple[ExchangeProblem, ...]) -> None:
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.detail}" for p in problems))
        self.problems = problems


def pointer(path: Iterable[str | int]) -> str:
    """A JSON Pointer (RFC 6901); steps that are too long are cut."""
    return "".join("/" + str(step).replace("~", "~0").replace("/", "~1")[:120] for step in path)


class Refusals:
    """Says what is wrong with documents of one vocabulary. `shape` gives that of exchanges."""

    def __init__(self, vocabulary: Vocabulary, shape: Callable[[], SchemaValidator]) -> None:
        self._shape = shape
        self._proposals = Proposals(vocabulary)
        self.words = self._proposals.words

    def problems(self, failed: ValidationError, sent: Any, under: tuple[str | int, ...] = ()) -> list[ExchangeProblem]:
        """The problems of a document that stands `under` some keys, in the order in which it was sent."""
        found: list[ExchangeProblem] = []
        for error in failed.errors(include_url=False)[:MAX_PROBLEMS]:
            path = error["loc"]
            if path[0:1] and path[0] in DOCUMENT_GROUPS and len(path) > 2:
                path = (*path[:2], *path[3:])  # without the name of the union's member
            # What may be meant takes time to find.
            content = error["input"] if len(found) < MOST_PROPOSED else None
            found += self._of(error["type"], error["msg"], path, content, under)
        return sorted(found, key=lambda each: _place(each.pointer, sent, len(under)))

    def _of(
        self, type: str, said: str, path: tuple[str | int, ...], content: Any, under: tuple[str | int, ...]
    ) -> Iterator[ExchangeProblem]:
        """The problems at one place."""
        names = tuple(map(str, path))
        match type:
            case "extra_forbidden":
                yield _problem((*under, *path), "unknown-fact", self._proposals.unknown(names, content))
                group = self._proposals.group_of(names) if isinstance(content, dict) else ""
                if group:
                    yield from self._as_group(group, content, (*under, *path))
            case "dict_type":
                yield _problem((*under, *path), "wrong-type", self._proposals.no_object(names, content, "must be an object"))
            case "register_only":
                yield _problem((*under, *path), "register-only", Words(said))
            case _:
                for place, words in self._proposals.wrong(path, content, said):
                    yield _problem((*under, *place), "wrong-value", words)

    def _as_group(self, group: str, content: Mapping[str, Any], at: tuple[str | int, ...]) -> Iterator[ExchangeProblem]:
        """What else is wrong with an object whose name may mean a group of facts, so that all is named at once."""
        try:
            self._shape().validate_python({group: content})
        except ValidationError as failed:
            # INVARIANT (this ends): a group is a name that the shape knows, and what is looked at lies deeper each time.
            for each in self.problems(failed, {group: content}):
                inner = each.pointer.removeprefix(pointer((group,)))
                yield ExchangeProblem(pointer(at) + inner, each.code, each.detail, each.words)


def _problem(path: Iterable[str | int], code: str, said: Words) -> ExchangeProblem:
    return ExchangeProblem(pointer(path), code, said.en, said)


def _place(at: str, sent: Any, under: int) -> tuple[int, ...]:
    """Where in what was sent a pointer leads, as numbers that can be compared; its first steps lead to what was sent."""
    found = []
    for step in at.split("/")[1 + under :]:
        name = step.replace("~1", "/").replace("~0", "~")
        if isinstance(sent, dict) and name in sent:
            found.append(list(sent).index(name))
            sent = sent[name]
        elif isinstance(sent, list) and name.isdigit():
            found.append(int(name))
            sent = None
        else:
            break
    return tuple(found)
