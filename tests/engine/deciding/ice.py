"""
A small world of ice: AQ, whose cells a test writes, BV, whose law speaks of everything, and HM, of which nothing was read.

What a test asks of it is decided by all three engines, which must agree.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass
from datetime import date
from functools import cache
from typing import Any

import engine
from engine.authoring.testing import build
from engine.deciding.judgement import Judgement

DAY = date(2026, 6, 15)
UNTIL = date(2026, 12, 31)
MODES = ("checked", "bitset", "reference")
BY = "{from: 2020-01-01, by: [aq.law]}"
READ = "read: all of it, source: a library, read_on: 2026-06-01, verify_by: 2027-06-01"
SURE = f"{READ}, status: confirmed"
UNSURE = f"{READ}, status: unsure"
WORDS = """\
vocabulary: ice
facts:
  exporter.id: {type: id, title: exporter}
  exporter.country: {type: country, title: exporter's country}
  recipient.id: {type: id, title: recipient}
  recipient.country: {type: country, title: recipient's country}
  act.label: {type: label, title: label}
  act.hurry: {type: yes/no, title: hurry}
  act.sealed: {type: yes/no, title: sealed}
  purpose.code: {type: purpose, title: purpose, binds: yes}
  purpose.end_use: {type: end-use, title: end use, frees: yes}
  data.personal: {type: yes/no, title: personal}
  data.categories: {type: set of category, title: categories}
  data.people: {type: count, title: people, binds: yes}
  data.people_in: {type: set of country, title: where the people are}
  data.collected_in: {type: set of country, title: where the data were collected}
values:
  country: {title: country, values: [AQ, BV, HM]}
  category: {title: category, values: [krill, whale, grade, secret, contact]}
  end-use: {title: end use, values: [civil, military]}
  purpose: {title: purpose, values: [science, trade]}
  label: {title: label, values: [plain, watch, bar, need]}
evidence:
  permit: {title: permit}
  report: {title: report}
requirements:
  aq.permit: {title: a permit, how: ask for it, jurisdiction: AQ}
subjects:
  personal: {title: personal data, when: {data.personal: yes}}
  non-personal: {title: data about nobody, when: {data.personal: no}, other_than: personal}
  krill: {title: data on krill, when: {data.categories: {has: krill}}}
  whale: {title: data on whales, when: {data.categories: {has: whale}}}
  grade: {title: graded data, when: {data.categories: {has: grade}}, only_in: [BV]}
  secrets: {title: secrets, when: {data.categories: {has: secret}}, guarded: yes}
touches:
  - {fact: exporter.country, as: exporter}
  - {fact: recipient.country, as: recipient}
  - {fact: data.people_in, as: people, when: {data.personal: yes}}
  - {fact: data.collected_in, as: collection}
"""
LAW = """\
policy: NAME
title: a law
jurisdiction: PLACE
instrument: {issuer: a ministry, force: law}
in_force: {from: 2020-01-01}
applies: {exporter.country: PLACE}
rules:
  - {id: bar, title: a bar, cite: Art. 1, says: it says so, source: made up, status: confirmed,
     when: {act.label: bar}, prohibit: It is barred.}
"""
BASE: dict[str, Any] = {
    "exporter.country": "AQ",
    "recipient.country": "BV",
    "act.label": "plain",
    "act.hurry": "no",
    "act.sealed": "no",
    "data.personal": "yes",
    "data.categories": ["krill"],
    "data.people_in": ["AQ"],
    "data.collected_in": ["AQ"],
}


def law(place: str, rules: str = "") -> str:
    """The law of a place, which bars one label, with further rules."""
    return LAW.replace("NAME", f"{place.lower()}.law").replace("PLACE", place) + rules


def rule(id: str, says: str, status: str = "confirmed") -> str:
    """One more rule of a law: what it says after its title and source."""
    return f"  - {{id: {id}, title: {id}, cite: Art. 2, says: so, source: made up, status: {status}, {says}}}\n"


def sources(cells: str, rules: str = "", head: str = "", **others: str) -> dict[str, bytes]:
    """The files: `cells` are those of AQ beside its personal and other data, `head` is added to its law before its rules."""
    covers = f"personal: {others.pop('personal', BY)}, non-personal: {others.pop('nobody', BY)}" + (
        f", {cells}" if cells else ""
    )
    theirs = "{from: 2020-01-01, by: [bv.law]}"
    words = f"{WORDS}jurisdictions:\n  AQ: {{title: the ice, countries: [AQ], covers: {{{covers}}}}}\n"
    words += (
        f"  BV: {{title: the isle, countries: [BV], covers: {{personal: {theirs}, non-personal: {theirs}, krill: {theirs}}}}}\n"
    )
    ours = law("AQ", rules).replace("rules:\n", f"{head}rules:\n", 1)
    written = {"words.yaml": words, "aq.yaml": ours, "bv.yaml": law("BV"), **others}
    return {name.replace("__", "."): text.encode() for name, text in written.items()}


@dataclass(frozen=True, eq=False)
class World:
    """A bundle, with a decision point of each mode."""

    bundle: engine.Bundle
    deciders: dict[str, engine.PDP]


@cache
def world(cells: str, rules: str = "", head: str = "", trust: Any = "confirmed", **others: str) -> World:
    """The world with some cells of AQ and some rules of its law, made once."""
    made = engine.load_sources(sources(cells, rules, head, **others), engine.PolicySettings(trust=trust))
    return World(made, {mode: engine.PDP(made, mode) for mode in MODES})


def approvals(*names: str) -> list[engine.Approval]:
    """Approvals under some names, all by one person."""
    return [engine.Approval(name, f"s-{name}", "counsel", UNTIL) for name in names]


def judged(made: World, signed: Collection[str] = (), **facts: Any) -> Judgement:
    """The judgement on an exchange; `__` in a fact's name is a dot. Two engines decide, the reference decides the same."""
    exchange = build(made.bundle, {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}})
    found, meaning = (
        made.deciders[mode].judge(exchange, as_of=DAY, signed=approvals(*signed)) for mode in ("checked", "reference")
    )
    assert found.agreed, found.engine.disagreement
    assert not meaning.verdict.differences(found.verdict)
    assert (found.outcome, found.beneath, found.signable) == (meaning.outcome, meaning.beneath, meaning.signable)
    assert found.open_facts == meaning.open_facts
    return found


def span(found: Judgement) -> str:
    """The bounds of a judgement: `permitted`, or `permitted to review`."""
    bounds = found.outcome.bounds
    return " to ".join(dict.fromkeys((bounds.low.word, bounds.high.word)))


def gaps(found: Judgement) -> list[str]:
    """The gaps that are reviewed, each with its kind; those of a recipient's country alone are not."""
    reviewed = (gap for gap in found.outcome.coverage.gaps if gap.reviewed)
    return [f"{gap.country}/{gap.subject} {gap.kind}{'' if gap.certain else ' ?'}" for gap in reviewed]
