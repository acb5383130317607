"""
The settlement of a case as the factor account shows it: a case goes in, JSON comes out, without the ids of parties that may be personal.

The lines that divide the price stand in `lines`. What is paid further up stands apart, in `upward`: it is paid out of what the payer gets.
The exporter is told what it pays itself, and not what others pay one another.
"""

from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

from engine.books.benefit_filling import BenefitsReader
from engine.books.benefit_page import EXPORTER, ROLE
from engine.books.settlement import PayableLine, SettlementFacts, amount_text
from engine.deciding.exchange_settlement import settle
from engine.exchange import Exchange
from engine.explaining.encoding import encode
from engine.explaining.phrasebook import Phrasebook
from engine.explaining.written_decision import WrittenDecision
from engine.policy_language.settlement_facts import settlement_facts
from engine.register_facts import REGISTERED
from engine.values.exact_ratio import ratio_text


def settlement_shown(book: Phrasebook, exchange: Exchange) -> dict[str, Any] | None:
    """The settlement of an exchange as JSON, of the shape `engine.decision.SettlementPart`; None where there is nothing to settle."""
    vocabulary = book.bundle.vocabulary
    found = settle(vocabulary, exchange)
    if found is None:
        return None
    shown: dict[str, Any] = {"state": found.state, "says": book.language.word("settlement", found.state)}
    if found.price is not None:
        shown |= {"price": str(found.price), "currency": found.price.currency}
    if found.exceeding:
        shown["exceeding"] = list(found.exceeding)
    if found.state != "settled":
        return shown
    words = settlement_facts(vocabulary)
    assert words is not None
    lines = [{**_line(book, words, each), "amount": found.amount(each.units)} for each in found.divided]
    upward = [
        {
            **_line(book, words, each),
            "agreement": each.agreement,
            "step": each.step,
            "payer": each.payer,
            "base": found.amount(each.base),
            "amount": found.amount(each.units),
        }
        for each in found.upward
    ]
    return {**shown, "unit": amount_text(1, found.scale), "lines": lines, **({"upward": upward} if upward else {})}


def _line(book: Phrasebook, words: SettlementFacts, line: PayableLine) -> dict[str, Any]:
    """What a line says of who is paid, and which share."""
    facts = book.bundle.vocabulary.facts
    if line.role:
        shown = {"role": line.role, "title": facts[words.shares[line.role]].member.in_(book.language.code)}
    else:
        shown = {"title": book.language.word("settlement_line", "exporter" if line.payee == EXPORTER else "party")}
    shown["share"] = ratio_text(line.share)
    if line.kind not in ("share", "public"):
        shown["kind"] = line.kind
    if line.party is not None:
        shown["party"] = "personal" if facts[line.fact].personal else line.party
    elif line.payee is not None and not line.payee.startswith(ROLE):
        shown["party"] = line.payee
    return shown


def with_own_settlement(told: WrittenDecision, written: WrittenDecision) -> WrittenDecision:
    """
    A decision without its reasons as its exporter is told it: with the settlement, but for what others pay one another further up.

    `written` is the decision with its reasons. Where the register states something that the settlement follows from, it stays out.
    """
    exchange = written.judgement.exchange
    page = exchange.benefits
    explanation = json.loads(written.members.get("explanation", "{}"))
    settlement = (explanation.get("factor") or {}).get("settlement")
    reader = next((each.reader for each in exchange.books if isinstance(each.reader, BenefitsReader)), None)
    if page is None or reader is None or settlement is None or "explanation" in told.members:
        return told
    if REGISTERED in map(exchange.source, reader.inputs) or not reader.inputs.isdisjoint(exchange.disputed):
        return told
    own = {step.agreement for step in (page.named, *page.steps) if step is not None and step.payer == EXPORTER}
    passed_on = [each for each in settlement.pop("upward", ()) if each["payer"] == EXPORTER]
    exceeding = [each for each in settlement.pop("exceeding", ()) if each in own]
    settlement |= ({"upward": passed_on} if passed_on else {}) | ({"exceeding": exceeding} if exceeding else {})
    factor = {"account": {}, "computed": {}, "lanes": [], "settlement": settlement}
    return replace(told, members={**told.members, "explanation": encode({"factor": factor})})
