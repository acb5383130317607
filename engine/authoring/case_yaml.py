"""
A test case in YAML: an exchange and what its decision must say go in; what an author pastes into a test file comes out.

Facts are written as authors write them, dotted and with `yes` and `100 thousand`. Beside a test file a case says only how its exchange
differs from the one of the file.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import date
from typing import Any

from engine.authoring.testing import base_of, build, flat_document
from engine.bundle import Bundle
from engine.exchange import REGISTER, Exchange
from engine.exchange_input.exchange_problems import ExchangeRefused
from engine.policy_language import tree
from engine.policy_language.diagnostic import Findings
from engine.policy_language.vocabulary import Vocabulary
from engine.policy_language.written_exchange import LEFT_OUT, dotted_facts, written_text, written_value
from engine.values import BadValue


def case_yaml(
    bundle: Bundle, exchange: Exchange, as_of: date, case: str, expect: Mapping[str, Any], *, file: str = "", policy: str = ""
) -> str:
    """
    A case, to be pasted under the `cases` of a test file of the bundle; without a file, a whole test file of a policy.

    `expect` has the keys of an author's `expect`. "" where no case can state the exchange, such as one with an id that only looks like one.
    """
    base, day = base_of(bundle, file) if file else ({}, as_of)
    before, after = (_facts(bundle.vocabulary, document) for document in (flat_document(bundle, base), exchange.document))
    change = {name: text for name, text in after.items() if before.get(name) != text}
    change |= {name: LEFT_OUT for name in before if name not in after}
    facts = [f"      {name}: {text}" for name, text in change.items()]
    if not _says(bundle, base, facts, exchange):
        return ""
    lines = [f"  - case: {written_text(case)}"]
    if file:
        lines += [f"    as_of: {as_of}"] if as_of != day else []
        lines += ["    change:", *facts] if facts else []
    else:
        lines = [f"test: {policy}", f"as_of: {as_of}", "exchange:", *(each[4:] for each in facts), "cases:", *lines]
    return "\n".join([*lines, "    expect:", *(f"      {key}: {written_value(value)}" for key, value in expect.items())]) + "\n"


def _facts(vocabulary: Vocabulary, document: Mapping[str, Any]) -> dict[str, str]:
    """What the JSON of an exchange states, as a test states it; its day is the case's."""
    found = {name: value for name, value in document.items() if name not in ("schema", "as_of", REGISTER)}
    facts = dotted_facts(vocabulary, found)
    if REGISTER in document:
        facts[REGISTER] = {
            id: "none" if entity.get("known") is False else dotted_facts(vocabulary, entity.get("states", {}))
            for id, entity in document[REGISTER].items()
        }
    return {name: written_value(value) for name, value in facts.items()}


def _says(bundle: Bundle, base: Mapping[str, Any], change: Iterable[str], exchange: Exchange) -> bool:
    """Whether the facts of a base, changed by some lines of YAML, state just this exchange."""
    lines = tree.plain(tree.read("case", "\n".join(change).encode(), Findings())) or {}
    try:
        read = build(bundle, {**base, **lines})
    except (ExchangeRefused, BadValue):
        return False
    return all(getattr(read, each) == getattr(exchange, each) for each in ("values", "relies_on", "carried", "everyone"))
