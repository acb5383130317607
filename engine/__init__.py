"""
Fifth Factor's engine: it reads policies in YAML and decides exchanges.

The names in this module are the whole interface; everything else may change. The engine has no HTTP, no logging, no clock and no
randomness: the caller passes days and ids.
"""

from __future__ import annotations

from engine.analysis.analyse import Analysis, analyse
from engine.analysis.finding import Finding
from engine.analysis.solver import SolverMissing, need_solver
from engine.answer import Answer, AskedPart, BesidePart, Explanation, GapPart, UnmetPart
from engine.authoring.brief import brief, brief_parts, organisation_brief
from engine.authoring.bundle_changes import PolicyChangePart
from engine.authoring.case_check import test_findings
from engine.authoring.case_coverage import CaseCoverage, CoveredPlace, PolicyCoverage
from engine.authoring.case_outcomes import CaseOutcome, case_of, case_of_finding, case_outcome, case_places, stated_exchange
from engine.authoring.case_reasons import ExpectationLine, Reason
from engine.authoring.case_yaml import case_yaml
from engine.authoring.cell_mutation import CellMutant, CellMutationTester, cell_mutants
from engine.authoring.difference import DIRECTIONS, Difference, ExchangePart, MovePart, TrialExchange, compare, trials
from engine.authoring.empty_cells import empty_cells
from engine.authoring.false_statements import FREE_NOTHING, FalseStatement, LanesWrong, StatementTester
from engine.authoring.false_statements import KINDS as KINDS_OF_LIES
from engine.authoring.first_files import NotBegun, first_fact, first_house, first_law
from engine.authoring.impact import IMPACT_BATCH, ImpactComparison, ImpactRow
from engine.authoring.impact_totals import Impact, ImpactTotals, MoveGroupPart, RowCountPart
from engine.authoring.layout import NotLaidOut, lay_out
from engine.authoring.lint import lint
from engine.authoring.mutation import Mutant, mutants
from engine.authoring.mutation_cases import MutationTester
from engine.authoring.mutation_proofs import MutantProof, MutantProver
from engine.authoring.name_uses import Name, NamePlaces, NameUse, kind_of_text
from engine.authoring.paired_cases import CasePair, PairedCase, written_pairs
from engine.authoring.prepared_case import PreparedCase
from engine.authoring.proven_difference import DifferenceProof, MovedInstrumentPart, ProvenPairPart, moving, prove
from engine.authoring.register_mutation import register_mutants
from engine.authoring.relevance import Relevance
from engine.authoring.rulesets import rulesets
from engine.authoring.schema_places import OpenPlace, Proposal, open_place
from engine.authoring.schemas import editor_schemas
from engine.authoring.testing import Result, WrittenCase, named_cases, result_of, run, run_policy, why, written_cases
from engine.authoring.text_findings import untranslated_texts
from engine.backends.durable import EngineUnavailable
from engine.books.benefit_page import EXPORTER as EXPORTER_KEY
from engine.books.benefit_page import BenefitPricing, BenefitShare, BenefitsPage, BenefitStep
from engine.books.chains import Reckoner
from engine.books.filling import BookReader
from engine.books.grants import PERPETUAL, BookFacts, Grant, grants
from engine.books.page import BOOKS, BookPage, RightScope, RightsPage
from engine.books.settlement import PayableLine, Settlement, SettlementState, amount_text
from engine.bundle import (
    Bundle,
    BundleRefused,
    accept_exchange,
    counted,
    in_present_shape,
    load,
    load_sources,
    parse_exchange,
    with_books,
    with_shares,
)
from engine.deciding.contributions import BundleCounters, Contribution, Counter, Key, covering
from engine.deciding.contributions import definition as counter_definition
from engine.deciding.counter_thresholds import CounterThreshold, counter_thresholds
from engine.deciding.exchange_settlement import settle
from engine.deciding.flow import REACHED, UNKNOWN, Flow, Flows
from engine.deciding.judgement import Judgement
from engine.deciding.money_counts import in_currency, money_parts
from engine.deciding.plan_books import conveyed_lines
from engine.deciding.promises import DatedPromise, Promise
from engine.deciding.rests_on import Statement
from engine.deciding.search_pauses import pausing
from engine.deciding.share_counts import COUNTER as SHARE_COUNTER
from engine.deciding.share_counts import PARTIES, ExchangeShare, ShareCount, ShareCounts
from engine.deciding.sign_off_binding import anchor_of, still_holds
from engine.deciding.sign_off_scope import Approval, Signature, Unsignable, facts_digest, meaning_of, persons_asked
from engine.deciding.tally import Tally
from engine.decision import (
    BoundsPart,
    CarriedPart,
    ConflictPart,
    Decision,
    DutyPart,
    NeedPart,
    QuestionPart,
    RemediesPart,
    SignaturePart,
    SignedOffPart,
    WaysPart,
)
from engine.exchange import REGISTER, Exchange
from engine.exchange_input.exchange_problems import INCOHERENT, ExchangeProblem, ExchangeRefused
from engine.exchange_input.exchange_reader import MAX_BYTES
from engine.exchange_input.exchange_shape import SHAPES as EXCHANGE_SHAPES
from engine.exchange_input.ledger_shares import SHARES
from engine.exchange_input.strict_json import read_object
from engine.explaining.carried_parts import condition_facts, condition_text
from engine.explaining.owed_duties import OwedDuty
from engine.explaining.phrasebook import Phrasebook
from engine.explaining.plain_text import PlainText
from engine.explaining.plan_decision import PlanDecision
from engine.explaining.settlement_account import with_own_settlement
from engine.explaining.written_decision import WrittenDecision
from engine.languages import LANGUAGES, Language
from engine.languages.word_catalogue import CatalogueRefused
from engine.languages.word_catalogue import read_all as read_catalogues
from engine.pdp import INCLUDES, MODES, PARTS, PDP, SEARCHED, EnginesFailed, need_engines
from engine.pdp.briefs import Brief, brief_of, briefs
from engine.plan import Leg, decide_plan, read_plan
from engine.policy_language.authzen_text import ActionText, AttributesText, AuthZenText, ContextText, EntityText
from engine.policy_language.bundle_digests import Digests, source_digest
from engine.policy_language.consequences import following
from engine.policy_language.diagnostic import CODES, Diagnostic, Findings, Span, did_you_mean
from engine.policy_language.document_text import DocumentText, Status, is_placeholder
from engine.policy_language.dpv_terms import NAMESPACES as DPV_NAMESPACES
from engine.policy_language.dpv_terms import RDF_TYPE, DpvTerm, dpv_terms
from engine.policy_language.dpv_terms import VERSION as DPV_VERSION
from engine.policy_language.everyday_words import EverydayWords, WordPlace
from engine.policy_language.exchange_places import NotAnObject, Path, Places
from engine.policy_language.fact_catalogue import FactEntry
from engine.policy_language.known_findings import FINDINGS
from engine.policy_language.ledger_text import TransferColumnText, TransferRegisterText
from engine.policy_language.mapping_facts import AnyMapping, RequestMapping, TermMapping, owner_of
from engine.policy_language.mapping_text import (
    REQUEST_DOORS,
    ProgramOperationText,
    RequestEntityText,
    RequestMappingText,
    RequestReadingText,
    TermMappingText,
    TermText,
    TranslatedText,
)
from engine.policy_language.plain_yaml import NotYaml, plain_yaml
from engine.policy_language.presets import Preset
from engine.policy_language.public_recipient import EVERYONE
from engine.policy_language.read_document import InvalidDocument, read_document
from engine.policy_language.request_operations import (
    OperationPattern,
    operation_places,
    path_name,
    pattern,
    places_of,
    pointer_steps,
)
from engine.policy_language.source_files import (
    NameTaken,
    SourceFile,
    bundled_policies,
    by_folder,
    gather_sources,
    policies_at,
    source_files,
    stands_alone,
)
from engine.policy_language.transfer_columns import GROUNDS, RECORD
from engine.policy_language.tree import TreeCache
from engine.policy_language.vocabulary import Register
from engine.policy_language.written_effects import PolicySettings
from engine.policy_language.written_policies import Instrument, instrument, instruments
from engine.questions.horizon import OutcomeMove, OutcomesAhead, SteadyPermit, TurnCause
from engine.rules import Truth
from engine.values import BadValue, Document, Duration, Missing, Money, MoneyRange, Range, SetOf, Value, read_duration, to_json
from engine.values.currencies import minor_units
from engine.values.document_facts import fact_at, nested, put_at, with_fact_set, with_facts_set
from engine.values.exact_ratio import ratio_text
from engine.values.id_spellings import folded_id, id_form
from engine.values.outcome_levels import Bounds, Level, outcome_word
from engine.values.typed_values import ValueSet
from engine.version import SEMANTICS, semantics_of, shape_of
from engine.version import VERSION as __version__

__all__ = [
    "BOOKS",
    "CODES",
    "DIRECTIONS",
    "DPV_NAMESPACES",
    "DPV_VERSION",
    "EVERYONE",
    "EXCHANGE_SHAPES",
    "EXPORTER_KEY",
    "FINDINGS",
    "FREE_NOTHING",
    "GROUNDS",
    "IMPACT_BATCH",
    "INCLUDES",
    "INCOHERENT",
    "KINDS_OF_LIES",
    "LANGUAGES",
    "MAX_BYTES",
    "MODES",
    "PARTIES",
    "PARTS",
    "PDP",
    "PERPETUAL",
    "RDF_TYPE",
    "REACHED",
    "RECORD",
    "REGISTER",
    "REQUEST_DOORS",
    "SEARCHED",
    "SEMANTICS",
    "SHARES",
    "SHARE_COUNTER",
    "UNKNOWN",
    "ActionText",
    "Analysis",
    "Answer",
    "AnyMapping",
    "Approval",
    "AskedPart",
    "AttributesText",
    "AuthZenText",
    "BadValue",
    "BenefitPricing",
    "BenefitShare",
    "BenefitStep",
    "BenefitsPage",
    "BesidePart",
    "BookFacts",
    "BookPage",
    "BookReader",
    "Bounds",
    "BoundsPart",
    "Brief",
    "Bundle",
    "BundleCounters",
    "BundleRefused",
    "CarriedPart",
    "CaseCoverage",
    "CaseOutcome",
    "CasePair",
    "CatalogueRefused",
    "CellMutant",
    "CellMutationTester",
    "ConflictPart",
    "ContextText",
    "Contribution",
    "Counter",
    "CounterThreshold",
    "CoveredPlace",
    "DatedPromise",
    "Decision",
    "Diagnostic",
    "Difference",
    "DifferenceProof",
    "Digests",
    "Document",
    "DocumentText",
    "DpvTerm",
    "Duration",
    "DutyPart",
    "EngineUnavailable",
    "EnginesFailed",
    "EntityText",
    "EverydayWords",
    "Exchange",
    "ExchangePart",
    "ExchangeProblem",
    "ExchangeRefused",
    "ExchangeShare",
    "ExpectationLine",
    "Explanation",
    "FactEntry",
    "FalseStatement",
    "Finding",
    "Findings",
    "Flow",
    "Flows",
    "GapPart",
    "Grant",
    "Impact",
    "ImpactComparison",
    "ImpactRow",
    "ImpactTotals",
    "Instrument",
    "InvalidDocument",
    "Judgement",
    "Key",
    "LanesWrong",
    "Language",
    "Leg",
    "Level",
    "Missing",
    "Money",
    "MoneyRange",
    "MoveGroupPart",
    "MovePart",
    "MovedInstrumentPart",
    "Mutant",
    "MutantProof",
    "MutantProver",
    "MutationTester",
    "Name",
    "NamePlaces",
    "NameTaken",
    "NameUse",
    "NeedPart",
    "NotAnObject",
    "NotBegun",
    "NotLaidOut",
    "NotYaml",
    "OpenPlace",
    "OperationPattern",
    "OutcomeMove",
    "OutcomesAhead",
    "OwedDuty",
    "PairedCase",
    "Path",
    "PayableLine",
    "Phrasebook",
    "Places",
    "PlainText",
    "PlanDecision",
    "PolicyChangePart",
    "PolicyCoverage",
    "PolicySettings",
    "PreparedCase",
    "Preset",
    "ProgramOperationText",
    "Promise",
    "Proposal",
    "ProvenPairPart",
    "QuestionPart",
    "Range",
    "Reason",
    "Reckoner",
    "Register",
    "Relevance",
    "RemediesPart",
    "RequestEntityText",
    "RequestMapping",
    "RequestMappingText",
    "RequestReadingText",
    "Result",
    "RightScope",
    "RightsPage",
    "RowCountPart",
    "SetOf",
    "Settlement",
    "SettlementState",
    "ShareCount",
    "ShareCounts",
    "Signature",
    "SignaturePart",
    "SignedOffPart",
    "SolverMissing",
    "SourceFile",
    "Span",
    "Statement",
    "StatementTester",
    "Status",
    "SteadyPermit",
    "Tally",
    "TermMapping",
    "TermMappingText",
    "TermText",
    "TransferColumnText",
    "TransferRegisterText",
    "TranslatedText",
    "TreeCache",
    "TrialExchange",
    "Truth",
    "TurnCause",
    "UnmetPart",
    "Unsignable",
    "Value",
    "ValueSet",
    "WaysPart",
    "WordPlace",
    "WrittenCase",
    "WrittenDecision",
    "__version__",
    "accept_exchange",
    "amount_text",
    "analyse",
    "anchor_of",
    "brief",
    "brief_of",
    "brief_parts",
    "briefs",
    "bundled_policies",
    "by_folder",
    "case_of",
    "case_of_finding",
    "case_outcome",
    "case_places",
    "case_yaml",
    "cell_mutants",
    "compare",
    "condition_facts",
    "condition_text",
    "conveyed_lines",
    "counted",
    "counter_definition",
    "counter_thresholds",
    "covering",
    "decide_plan",
    "did_you_mean",
    "dpv_terms",
    "editor_schemas",
    "empty_cells",
    "fact_at",
    "facts_digest",
    "first_fact",
    "first_house",
    "first_law",
    "folded_id",
    "following",
    "gather_sources",
    "grants",
    "id_form",
    "in_currency",
    "in_present_shape",
    "instrument",
    "instruments",
    "is_placeholder",
    "kind_of_text",
    "lay_out",
    "lint",
    "load",
    "load_sources",
    "meaning_of",
    "minor_units",
    "money_parts",
    "moving",
    "mutants",
    "named_cases",
    "need_engines",
    "need_solver",
    "nested",
    "open_place",
    "operation_places",
    "organisation_brief",
    "outcome_word",
    "owner_of",
    "parse_exchange",
    "path_name",
    "pattern",
    "pausing",
    "persons_asked",
    "places_of",
    "plain_yaml",
    "pointer_steps",
    "policies_at",
    "prove",
    "put_at",
    "ratio_text",
    "read_catalogues",
    "read_document",
    "read_duration",
    "read_object",
    "read_plan",
    "register_mutants",
    "result_of",
    "rulesets",
    "run",
    "run_policy",
    "semantics_of",
    "settle",
    "shape_of",
    "source_digest",
    "source_files",
    "stands_alone",
    "stated_exchange",
    "still_holds",
    "test_findings",
    "to_json",
    "trials",
    "untranslated_texts",
    "why",
    "with_books",
    "with_fact_set",
    "with_facts_set",
    "with_own_settlement",
    "with_shares",
    "written_cases",
    "written_pairs",
]
