"""
Fifth Factor's engine: policies in YAML in, decisions on exchanges out.

What is named here is the whole interface; everything else may change. No HTTP, no logging, no clock, no randomness: the caller
passes days and ids.
"""

from __future__ import annotations

from engine.backends.durable import EngineUnavailable
from engine.brief import brief
from engine.bundle import (
    Bundle,
    BundleRefused,
    Digests,
    accept_exchange,
    bundled_policies,
    load,
    load_sources,
    parse_exchange,
)
from engine.catalogue import FactEntry
from engine.changes import PolicyChangePart
from engine.check import Settings
from engine.counting import Contribution, Counter, Counting, Key, Tally, covering, put
from engine.decision import Decision, PlanDecision, Written
from engine.diagnostic import CODES, Diagnostic, did_you_mean
from engine.difference import DIRECTIONS, Difference, ExchangePart, MovePart, Trial, compare, trials
from engine.exchange import MAX_BYTES, Exchange, ExchangeRefused, Problem, read_object
from engine.instruments import Instrument, instruments
from engine.languages import LANGUAGES
from engine.layout import NotLaidOut, lay_out
from engine.lint import lint
from engine.listing import rulesets
from engine.model import ActionText, AttributesText, AuthZenText, ContextText, EntityText, Status
from engine.mutation import Court, Mutant, mutants
from engine.pdp import INCLUDES, MODES, PDP, EnginesFailed
from engine.places import NotAnObject, Path, Places
from engine.plan import Leg, decide_plan, read_plan
from engine.schemas import editor_schemas
from engine.signing import SignOff, facts_digest, meaning_of
from engine.testing import Result, run
from engine.values import Range
from engine.version import VERSION as __version__
from engine.vocabulary import Register
from engine.words import Phrasebook

__all__ = [
    "CODES",
    "DIRECTIONS",
    "INCLUDES",
    "LANGUAGES",
    "MAX_BYTES",
    "MODES",
    "PDP",
    "ActionText",
    "AttributesText",
    "AuthZenText",
    "Bundle",
    "BundleRefused",
    "ContextText",
    "Contribution",
    "Counter",
    "Counting",
    "Court",
    "Decision",
    "Diagnostic",
    "Difference",
    "Digests",
    "EngineUnavailable",
    "EnginesFailed",
    "EntityText",
    "Exchange",
    "ExchangePart",
    "ExchangeRefused",
    "FactEntry",
    "Instrument",
    "Key",
    "Leg",
    "MovePart",
    "Mutant",
    "NotAnObject",
    "NotLaidOut",
    "Path",
    "Phrasebook",
    "Places",
    "PlanDecision",
    "PolicyChangePart",
    "Problem",
    "Range",
    "Register",
    "Result",
    "Settings",
    "SignOff",
    "Status",
    "Tally",
    "Trial",
    "Written",
    "__version__",
    "accept_exchange",
    "brief",
    "bundled_policies",
    "compare",
    "covering",
    "decide_plan",
    "did_you_mean",
    "editor_schemas",
    "facts_digest",
    "instruments",
    "lay_out",
    "lint",
    "load",
    "load_sources",
    "meaning_of",
    "mutants",
    "parse_exchange",
    "put",
    "read_object",
    "read_plan",
    "rulesets",
    "run",
    "trials",
]
