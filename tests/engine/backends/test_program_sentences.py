"""
Which sentences of the semantics are in the program of a bundle, and which are worked out outside it, and why.

What is in the program is shown by the cases of its number, which `test_cases` tries on the lanes back end, and by whole outcomes.
"""

from __future__ import annotations

from typing import Any

import engine
from engine.authoring.testing import build
from engine.backends.lanes.lane_cases import alone
from engine.backends.reference import Reference
from engine.deciding.combine import Combiner
from engine.deciding.disputed_facts import choices
from engine.deciding.rests_on import shown_only
from engine.exchange import Exchange
from tests.engine.backends.test_cases import SENTENCES, Case, cases, engines, engines_of_everyone
from tests.engine.backends.test_lanes import decided, runner

IN, OUTSIDE = "in the program", "outside it"
LAST = {1: 9, 2: 11, 3: 8, 4: 14}  # the last sentence of each section; 1.1 is about documents alone
TABLE: dict[str, tuple[str, str]] = {
    "1.2": (IN, "the rules for everyone are a program of their own, and no country of the public is named"),
    "1.3": (IN, "what a document states that it covers is read with 2.3"),
    "1.4": (IN, "the day is given like a fact; what is hypothetical is said of the day by whoever asks"),
    "1.5": (
        IN,
        "the entries of the vocabulary; that a place lies in its country and a document ends after its date is the door's",
    ),
    "1.6": (OUTSIDE, "the door refuses what is no value before anything is coded"),
    "1.7": (OUTSIDE, "the door refuses an empty set before anything is coded"),
    "1.8": (IN, "a disputed value is read as both; the lanes under each of the two are cases of their own"),
    "1.9": (OUTSIDE, "the door folds ids; the program compares what came through it"),
    "2.1": (IN, "pairs of slots; a fact that follows is among the values that are coded"),
    "2.2": (IN, "each use of a test is a test of its own in the checked rules"),
    "2.3": (IN, "a document by its parts, when it is coded"),
    "2.4": (IN, "in the classes of sets"),
    "2.5": (IN, "in the classes of values"),
    "2.6": (IN, "in the classes of ordered values"),
    "2.7": (IN, "a class is of all members of a family"),
    "2.8": (IN, "a counter is a range like any other; what the ledger adds up is filled in before"),
    "2.9": (IN, "a class is of a date and the day"),
    "2.10": (IN, "a class is of both facts"),
    "2.11": (IN, "a fact like others, which the register fills in before"),
    "3.1": (IN, "conditions, and windows as tests of the day"),
    "3.2": (IN, "each effect; open lanes are told by whoever explains"),
    "3.3": (IN, "exemptions in the order of the rules"),
    "3.4": (IN, "the states of requirements"),
    "3.5": (IN, "ways in order; a way that is named is one slot"),
    "3.6": (IN, "duties done, overdue and owed; last days are told by whoever explains"),
    "3.7": (IN, "doubt of exemptions and grounds"),
    "3.8": (IN, "the checked rules are written so, with the setting `norms`"),
    "4.1": (IN, "levels as rows of slots; what stands besides is read of the rules that stand"),
    "4.2": (IN, "floors and `otherwise`"),
    "4.3": (IN, "the code for one country of each jurisdiction"),
    "4.4": (IN, "bounds over all, with conditions that came with the data; the word is read of the bounds"),
    "4.5": (OUTSIDE, "questions are searches over lanes"),
    "4.6": (
        IN,
        "a signature is one slot, and so are all that may be given, for `beneath`; whether one is bound is worked out outside",
    ),
    "4.7": (
        IN,
        "by the rule that compels and the jurisdiction that refuses; which provisions refuse is told by whoever explains",
    ),
    "4.8": (OUTSIDE, "answers are written from a judgement"),
    "4.9": (OUTSIDE, "remedies are searches over lanes"),
    "4.10": (OUTSIDE, "a property of outcomes, which is tested on random bundles"),
    "4.11": (OUTSIDE, "what a permit rests on is a search over lanes"),
    "4.12": (IN, "what a claim needs stands in the checked rules; in an exemption of an exemption a test stays open"),
    "4.13": (OUTSIDE, "ways are read of conditions, and tried as lanes"),
    "4.14": (OUTSIDE, "a plan decides several exchanges; each is a lane"),
}


def test_the_table_has_every_sentence_once() -> None:
    """From 1.2 to 4.14, each in the program or outside it, with a reason."""
    numbers = [f"{section}.{number}" for section, last in LAST.items() for number in range(1, last + 1)]
    assert list(TABLE) == numbers[1:]
    assert {where for where, _ in TABLE.values()} == {IN, OUTSIDE}


def test_what_is_in_the_program_has_cases() -> None:
    """Each of its sentences that a verdict or an outcome shows is tried on the lanes back end."""
    elsewhere = {"1.4", "1.5"}  # hypothetical days and coherence have tests of their own
    assert {number for number, (where, _) in TABLE.items() if where == IN} - elsewhere <= SENTENCES


def test_the_whole_outcome_of_each_case_is_that_of_the_reference() -> None:
    """Every case of every back end, with its organisation, its signatures and its recipient, comes out over all as the reference has it."""
    for case in (each.values[0] for each in cases()):
        if "refused" in case.expect:
            continue
        bundle = engines(case.file)[0]
        exchange = shown_only(build(bundle, case.exchange), bundle.vocabulary.must_be_shown)
        if exchange.everyone:
            bundle = engines_of_everyone(case.file)[0]
        for each in (exchange, *(choices(exchange) if exchange.disputed else ())):
            compare(bundle, each, case)


RUNNERS: dict[int, tuple[engine.Bundle, Any, Reference, Combiner]] = {}


def compare(bundle: engine.Bundle, exchange: Exchange, case: Case) -> None:
    """The program's outcome of a case beside the reference's."""
    if id(bundle) not in RUNNERS:
        RUNNERS[id(bundle)] = bundle, runner(bundle), Reference(bundle.rules), Combiner(bundle)
    _, run, reference, combiner = RUNNERS[id(bundle)]
    wanted = decided(bundle, reference, combiner, exchange, case.as_of, case.signed)
    outcomes = run.decide(alone(exchange, case.as_of, case.signed), exchange.everyone)
    assert (outcomes.overall.of(0), outcomes.beneath.of(0)) == (wanted.outcome.bounds, wanted.beneath), case
    found = {name: levels.of(0) for name, levels in outcomes.jurisdictions.items()}
    assert {name: bounds for name, bounds in found.items() if bounds.high} == wanted.outcome.jurisdictions, case
    conflicts = {(each.rule.key, each.jurisdiction): each.certain for each in wanted.outcome.conflicts}
    assert {key: bool(must) for key, (must, may) in outcomes.conflicts.items() if may} == conflicts, case
