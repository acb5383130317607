"""
Presets: everyday exchanges to begin with, each with the facts that are nearly always so in it.

A vocabulary goes in; exchanges as JSON come out, with the facts that whoever begins with one has to confirm. A preset frees nothing by
itself: it states no document and no claim, nothing that may leave data free, and each of its sets stays open, so that the rest is asked.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.everyday_text import PresetText
from engine.policy_language.vocabulary import Vocabulary
from engine.policy_language.written_exchange import exchange_json
from engine.values.multilingual import Words

_OPEN = "unknown"  # in a set: there may be others


@dataclass(frozen=True, slots=True)
class Preset:
    """An everyday exchange: what it states, as JSON, and these facts by name. All of them are to be confirmed."""

    id: str
    title: Words
    says: Words
    exchange: Mapping[str, Any]
    to_confirm: tuple[str, ...]


def presets(vocabulary: Vocabulary) -> tuple[Preset, ...]:
    """The presets of a vocabulary, in its order."""
    return tuple(
        Preset(id, text.title.words, text.says.words, _exchange(vocabulary, text), tuple(text.exchange))
        for id, text in vocabulary.presets.items()
    )


def check_presets(vocabulary: Vocabulary, accept: Callable[[Mapping[str, Any]], object], findings: Findings) -> None:
    """Report presets that are no exchanges, or that could free something. `accept` reads one, and raises ValueError if it is none."""
    for id, text in vocabulary.presets.items():
        at = vocabulary.spans["presets", id]
        unknown = [name for name in text.exchange if name not in vocabulary.facts and name != vocabulary.recipient]
        for name in unknown:
            help = did_you_mean(name, vocabulary.facts) or "name facts; a preset states no document and no claim"
            findings.error(at, "unknown-fact", f"the preset `{id}` states `{name}`, which is no fact", help=help)
        for name in text.exchange.keys() & vocabulary.facts.keys():
            fact = vocabulary.facts[name]
            if fact.frees or fact.personal or fact.register_only or fact.follows:
                said = f"the preset `{id}` states `{name}`, which each exchange has to state by itself"
                findings.error(at, "preset-frees", said, help="leave it out: it is asked")
        if unknown:
            continue
        try:
            accept(_exchange(vocabulary, text))
        except ValueError as refused:
            findings.error(at, "bad-value", f"the preset `{id}` is no exchange: {refused}")


def _exchange(vocabulary: Vocabulary, text: PresetText) -> dict[str, Any]:
    """What a preset states, as JSON; its sets are open."""
    return exchange_json(vocabulary, {name: _opened(vocabulary, name, value) for name, value in text.exchange.items()})


def _opened(vocabulary: Vocabulary, name: str, value: Any) -> Any:
    if name not in vocabulary.facts or not vocabulary.facts[name].type.many:
        return value
    return [*dict.fromkeys([*(value if isinstance(value, list) else [value]), _OPEN])]
