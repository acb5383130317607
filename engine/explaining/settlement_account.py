"""
The settlement of a case as the factor account shows it: a case goes in, JSON comes out, without the ids of parties that may be personal.
"""

from __future__ import annotations

from typing import Any

from engine.deciding.settlement import amount_text, settle
from engine.exchange import Exchange
from engine.explaining.phrasebook import Phrasebook


def settlement_shown(book: Phrasebook, exchange: Exchange) -> dict[str, Any] | None:
    """The settlement of an exchange as JSON, of the shape `engine.decision.SettlementPart`; None where there is nothing to settle."""
    vocabulary = book.bundle.vocabulary
    found = settle(vocabulary, exchange)
    if found is None:
        return None
    shown: dict[str, Any] = {"state": found.state, "says": book.language.word("settlement", found.state)}
    if found.price is not None:
        shown |= {"price": str(found.price), "currency": found.price.currency}
    if found.state != "settled":
        return shown
    assert vocabulary.settlement is not None
    family = vocabulary.settlement.shares
    lines = []
    for each in found.lines:
        member = vocabulary.facts[f"{family}.{each.role}"].member.in_(book.language.code)
        line = {"role": each.role, "title": member, "share": f"{each.share:f}", "amount": found.amount(each.units)}
        if each.party is not None:
            line["party"] = "personal" if vocabulary.facts[each.fact].personal else each.party
        lines.append(line)
    return {**shown, "unit": amount_text(1, found.scale), "lines": lines}
