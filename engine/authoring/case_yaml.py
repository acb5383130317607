"""
A test case in YAML: an exchange and what its decision must say go in; what an author pastes into a test file comes out.

Facts are written as authors write them, dotted and with `yes` and `100 thousand`. Beside a test file a case says only how its exchange
differs from the one of the file.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterable, Iterator, Mapping
from datetime import date
from typing import Any

from engine.authoring.testing import base_of, build, flat_document
from engine.bundle import Bundle
from engine.exchange import REGISTER, Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.policy_language import tree
from engine.policy_language.diagnostic import Findings
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.policy_language.written_exchange import LEFT_OUT
from engine.values import BadValue

_PLAIN = re.compile(r"(?!- )[\w+./-](?:[\w +./-]*[\w+./-])?")  # what YAML reads as a text without quotes, in brackets too
_SENTENCE = re.compile(r"\w(?:(?!: | #).)*[^\s:]")  # the same of a value that stands alone on its line
_SCALES = ((1_000_000, "million"), (1_000, "thousand"))


def case_yaml(
    bundle: Bundle, exchange: Exchange, as_of: date, case: str, expect: Mapping[str, Any], *, file: str = "", policy: str = ""
) -> str:
    """
    A case, to be pasted under the `cases` of a test file of the bundle; without a file, a whole test file of a policy.

    `expect` has the keys of an author's `expect`. "" where no case can state the exchange, such as one with an id that only looks like one.
    """
    base, day = base_of(bundle, file) if file else ({}, as_of)
    before, after = (
        written_facts(bundle.vocabulary, document) for document in (flat_document(bundle, base), exchange.document)
    )
    change = {name: text for name, text in after.items() if before.get(name) != text}
    change |= {name: LEFT_OUT for name in before if name not in after}
    facts = [f"      {name}: {text}" for name, text in change.items()]
    if not _says(bundle, base, facts, exchange):
        return ""
    lines = [f"  - case: {_text(case, _SENTENCE)}"]
    if file:
        lines += [f"    as_of: {as_of}"] if as_of != day else []
        lines += ["    change:", *facts] if facts else []
    else:
        lines = [f"test: {policy}", f"as_of: {as_of}", "exchange:", *(each[4:] for each in facts), "cases:", *lines]
    return "\n".join([*lines, "    expect:", *(f"      {key}: {written_value(value)}" for key, value in expect.items())]) + "\n"


def written_facts(vocabulary: Vocabulary, document: Mapping[str, Any]) -> dict[str, str]:
    """The facts that the JSON of an exchange states, dotted, each with its value in an author's YAML."""
    return {name: written_value(value) for name, value in _facts(vocabulary, document, ()) if name not in ("schema", "as_of")}


def written_value(value: Any) -> str:
    """A value, as JSON, in an author's YAML on one line. The order of a list says nothing, so lists are sorted."""
    match value:
        case bool():
            return "yes" if value else "no"
        case int():
            scale, word = next(((s, w) for s, w in _SCALES if value and value % s == 0), (1, ""))
            return f"{value // scale} {word}" if word else f"{value:_}" if value > 9_999 else str(value)
        case Mapping():
            return "{" + ", ".join(f"{_text(key)}: {written_value(inner)}" for key, inner in value.items()) + "}"
        case list() | tuple():
            return f"[{', '.join(sorted(map(written_value, value)))}]"
        case None:
            return "none"
    return _text(str(value))


def _facts(vocabulary: Vocabulary, sent: Mapping[str, Any], path: tuple[str, ...]) -> Iterator[tuple[str, Any]]:
    for key, value in sent.items():
        here = (*path, key)
        name = ".".join(here)
        whole = name in vocabulary.facts or key == "rest" or (here[0] in DOCUMENT_GROUPS and len(here) == 2)
        if name == REGISTER and isinstance(value, Mapping):
            yield name, {id: _entity(vocabulary, entity) for id, entity in value.items()}
        elif isinstance(value, Mapping) and not whole:
            yield from _facts(vocabulary, value, here)
        else:
            yield name, value


def _entity(vocabulary: Vocabulary, entity: Mapping[str, Any]) -> Any:
    """What the register says of an entity, as a test states it."""
    return "none" if entity.get("known") is False else dict(_facts(vocabulary, entity.get("states", {}), ()))


def _says(bundle: Bundle, base: Mapping[str, Any], change: Iterable[str], exchange: Exchange) -> bool:
    """Whether the facts of a base, changed by some lines of YAML, state just this exchange."""
    lines = tree.plain(tree.read("case", "\n".join(change).encode(), Findings())) or {}
    try:
        read = build(bundle, {**base, **lines})
    except (ExchangeRefused, BadValue):
        return False
    return all(getattr(read, each) == getattr(exchange, each) for each in ("values", "relies_on", "carried", "everyone"))


def _text(text: str, plain: re.Pattern[str] = _PLAIN) -> str:
    return text if plain.fullmatch(text) else json.dumps(text, ensure_ascii=False)
