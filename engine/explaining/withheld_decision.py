"""
The decision for a caller without access to the register: the outcome, the duties and the questions, without reasons.

A written decision goes in; the same decision without everything from which a registered value could be read comes out. The record keeps
the whole. Source: semantics 1.8.
"""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import date
from typing import Any

from engine.decision import DutyPart
from engine.explaining.answer_room import MOST
from engine.explaining.encoding import encode
from engine.explaining.owed_duties import short_duty, urgency
from engine.explaining.sentence import ASKED, SHOWN
from engine.explaining.written_decision import WrittenDecision
from engine.languages import Language
from engine.values import Document

# Members that have only reasons, each with what it is without them.
REASONS: dict[str, Any] = {"jurisdictions": [], "unmet": [], "conflicts": [], "gaps": [], "lanes": []}
ADDED = (
    "besides",
    "besides_possible",
    "elsewhere",
    "items",
    "rests_on",
    "also_rests_on",
    "stands_on",
    "carried",
    "disputed",
    "signed_off",
    "verdict",
    "explanation",
)  # members that are left out


def without_reasons(written: WrittenDecision, say: Language) -> WrittenDecision:
    """The decision without its reasons. Last days are left out if the register states a day from which they may be counted."""
    entities = [entity for entity in written.judgement.exchange.register.values() if entity]
    dated = any(isinstance(value, date | Document) for entity in entities for value in entity.states.values())
    duties = tuple(each.model_copy(update={"due": None}) if dated else each for each in written.duties)
    engine = written.engine.model_copy(update={"disagreement": []})
    told: dict[str, Any] = json.loads(written.members["engine"])
    told.pop("disagreement", None)
    text = _answer(written, duties, say)
    members = {name: member for name, member in written.members.items() if name not in ADDED}
    members |= {name: encode(empty) for name, empty in REASONS.items()}
    members["answer"] = encode(text)
    members["owed"] = encode([json.loads(short_duty(each)) for each in sorted(duties, key=urgency)[: MOST["owed"]]])
    left = {**json.loads(members["more"]), "owed": len(duties) - MOST["owed"]}
    members["more"] = encode({name: count for name, count in left.items() if count > 0 and name in members.keys() - REASONS})
    members["engine"] = encode(told)
    members["withheld"] = "true"
    return replace(
        written,
        answer=text,
        engine=engine,
        duties=duties,
        conflicts=(),
        carried=(),
        disputed=(),
        named=dict.fromkeys(written.named, ()),
        rests_on=(),
        also_rests_on=(),
        further={},
        members=members,
    )


def _answer(written: WrittenDecision, duties: tuple[DutyPart, ...], say: Language) -> str:
    bounds = written.judgement.outcome.bounds
    match written.outcome:
        case "permitted":
            text = say.permitted([])
        case "permitted_with_obligations":
            due = [say.clause(each.duty) for each in duties if each.arises == "exchange"]
            text = say.permitted_with_duties([], len(due), say.listed(due[:SHOWN], more=max(0, len(due) - SHOWN)))
        case "not_applicable":
            text = say.not_applicable("")
        case "undetermined":
            asked = [each.question for each in written.asked[:ASKED]]
            text = say.undecided([], bounds.low, bounds.high, asked, len(written.judgement.open_facts) - len(asked))
        case _:
            text = say.refused(written.outcome)
    text += say.reasons_withheld()
    return say.hypothetically(written.as_of, text) if written.hypothetical else text
