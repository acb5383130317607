"""The units of a vocabulary in, the table by which quantities are turned into base units out; a unit of no base unit is a finding."""

from __future__ import annotations

from decimal import Decimal

from engine.policy_language.diagnostic import did_you_mean
from engine.policy_language.tree import locate
from engine.policy_language.written_vocabulary import WrittenVocabulary
from engine.values import Units


def read_units(words: WrittenVocabulary) -> Units:
    """The table of units, the base units and what is written `of` them."""
    texts = words.text.units
    bases = [name for name, text in texts.items() if text.of is None]
    for name, text in texts.items():
        if text.of is not None and text.of not in bases:
            at = locate(words.nodes["units", name], ("of",))[0].span
            said = f"`{text.of}` is not a base unit"
            words.findings.error(at, "unknown-unit", said, help=did_you_mean(text.of, bases) or "name a unit without `of`")
    table = {name: (text.of or name, Decimal(text.times)) for name, text in texts.items() if (text.of or name) in bases}
    spelt = {name: (*filter(None, (text.title.en, text.title.zh)), *text.also) for name, text in texts.items()}
    return Units(table, spelt)
