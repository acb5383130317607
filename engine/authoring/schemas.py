"""
The JSON Schemas of the documents, for editors: a bundle in, one schema for each kind of document out.

The keys of a document come from its model, the words that may stand there from the loaded vocabulary and rules. A schema helps an
author who writes: it completes, explains and underlines. Only `check` decides what is sound.

An editor reads YAML by the core schema: `12` is a number, `true` a boolean, and `yes`, `NO` and `2024-03-22` are texts. So where
authors write text, numbers and booleans are accepted too. The keywords mean the same in JSON Schema 2020-12, which the schemas
declare, and in draft 7, which older editors assume; `markdownDescription`, `enumDescriptions` and `errorMessage` are for editors only.
`x-names` says what the words of a place name (a fact, a rule), `x-keys` what its keys name: by them `schema_places` knows a name.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import get_args

from engine.authoring.hints import of_keys, shapes_of
from engine.authoring.schema_parts import (
    DAY,
    TEXT,
    Schema,
    by_shape,
    closed,
    each_of,
    keyed,
    list_of,
    naming,
    one_of,
    one_or_more,
    or_new,
    plain_schema,
    ref,
    shape_name,
    titled,
    titles_of,
    told,
    used_defs,
)
from engine.authoring.table_schemas import with_tables
from engine.authoring.word_schemas import OWN_DEFINITION, WordSchemas
from engine.bundle import Bundle
from engine.decision import Outcome, RequirementPart
from engine.policy_language.case_text import TestText
from engine.policy_language.document_text import DocumentText, Text
from engine.policy_language.exchange_places import Places
from engine.policy_language.mapping_text import RequestMappingText, TermMappingText
from engine.policy_language.organisation_text import OrganisationText
from engine.policy_language.policy_in_full import SHARED
from engine.policy_language.policy_text import PolicyText, RuleText, TravelsText
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, PRIMITIVES, Vocabulary
from engine.policy_language.vocabulary_text import VocabularyText

DIALECT = "https://json-schema.org/draft/2020-12/schema"


def editor_schemas(bundle: Bundle) -> dict[str, Schema]:
    """The schemas by kind of document, and that of an exchange, for the words and rules of the bundle."""
    words = WordSchemas(bundle)
    places = _Places(words)
    policy = {**places.conditions(), **places.effects()}
    registers: dict[str, list[str]] = {}
    for name, register in bundle.vocabulary.registers.items():
        registers.setdefault(register.of.name, []).append(name)
    return {
        "policy": with_tables(places.document(PolicyText, policy), words.facts, registers, ref),
        "test": places.document(TestText, places.exchanges()),
        "vocabulary": places.document(VocabularyText, policy | places.words()),
        "organisation": places.document(OrganisationText, places.organisations()),
        "mapping": places.either("door", RequestMappingText, TermMappingText, places.mappings()),
        "exchange": bundle.exchange_schema(),
    }


class _Places:
    """What the loaded words and rules allow at each place that the models leave open."""

    def __init__(self, words: WordSchemas) -> None:
        self.vocabulary: Vocabulary = words.vocabulary
        self.rules = words.rules
        self.policies = words.policies
        self.facts = words.facts
        self.definitions = words.definitions
        self.needs = words.needs
        self.defs = words.defs()

    def document(self, model: type[DocumentText], places: Mapping[str, Schema]) -> Schema:
        """The schema of a document; `places` maps the name of a model and of a key to what may stand there."""
        written = plain_schema(model.model_json_schema())
        shapes = {model.__name__: written, **written.pop("$defs", {})}
        hints = {shape.__name__: of_keys(shape) for shape in shapes_of(model)}
        for shape, schema in shapes.items():
            schema["properties"] = {
                key: places.get(f"{shape}.{key}", inner) | told(hints.get(shape, {}).get(key, ""))
                for key, inner in schema.get("properties", {}).items()
            }
        if RuleText.__name__ in shapes:  # a policy's `defaults` may say it for the rule
            required = shapes[RuleText.__name__]["required"]
            shapes[RuleText.__name__]["required"] = [key for key in required if key not in SHARED]
        root = shapes.pop(model.__name__)
        if TravelsText.__name__ in shapes:
            alone = {"anyOf": [{"required": [lang]} for lang in Text.model_fields]}
            either = {"if": alone, "then": ref("text"), "else": shapes[TravelsText.__name__]}
            shapes[TravelsText.__name__] = by_shape(TEXT, mapping=either)
        if Text.__name__ in shapes:
            shapes[Text.__name__] = by_shape(TEXT, mapping=shapes[Text.__name__])
        named = {shape_name(name): schema for name, schema in shapes.items()}
        return {"$schema": DIALECT, **root, "$defs": used_defs(root, named | self.defs)}

    def either(self, key: str, first: type[DocumentText], other: type[DocumentText], places: Mapping[str, Schema]) -> Schema:
        """The schema of a document of two models; a word under `key` says which, and each model lists its own words there."""
        both = {shape_name(model.__name__): self.document(model, places) for model in (first, other)}
        defs = {name: schema for each in both.values() for name, schema in each.pop("$defs").items()}
        for each in both.values():
            del each["$schema"]
        own = both[shape_name(first.__name__)]["properties"][key]
        named = {"properties": {key: {"enum": own["enum"]}}, "required": [key]}
        chosen = {"if": named, "then": ref(shape_name(first.__name__)), "else": ref(shape_name(other.__name__))}
        return {"$schema": DIALECT, "type": "object", **chosen, "$defs": dict(sorted({**defs, **both}.items()))}

    def conditions(self) -> dict[str, Schema]:
        condition = ref("condition")
        named = {"propertyNames": {"pattern": OWN_DEFINITION["pattern"]}, "additionalProperties": condition}
        return {
            "PolicyText.applies": condition,
            "PolicyText.define": {"type": "object", **named},
            "RuleText.when": condition,
            "RuleText.unless": by_shape(
                {"not": {}},
                list={"type": "array", "items": condition},
                mapping={"allOf": [ref("tests"), {"maxProperties": 1}]},
            ),
            "JurisdictionText.define": {"type": "object", **named},
            "DutyText.done_when": condition,
            "TravelsText.when": condition,
            "CounterText.where": condition,
            "SubjectText.when": condition,
            "TouchText.when": condition,
            "NotReachedText.when": condition,
            "ReachInDoubtText.when": condition,
            "CoverText.when": condition,
            "ClaimText.needs": condition,
            "CoherenceText.never": condition,
            "CoherenceText.unless_said": condition,
        }

    def effects(self) -> dict[str, Schema]:
        return {
            "PolicyText.jurisdiction": ref("name of jurisdiction"),
            "RuleText.require": ref("need"),
            "RuleText.satisfies": one_or_more(ref("name of requirement")),
            "RuleText.exempts": {"type": "array", "items": ref("exempted")},
            "RuleText.document": one_or_more(ref("name of document")),
            "RuleText.claim": one_or_more(ref("name of claim")),
            "RuleText.duties": list_of({"anyOf": [ref("duty"), ref("name of group")]}),
            "RuleText.lane": ref("name of lane"),
            "DutyText.due": ref("due"),
        }

    def words(self) -> dict[str, Schema]:
        """A vocabulary file may use words that it names itself, so known words are proposed there, not required."""
        sets = {name: each.title for name, each in self.vocabulary.values.items()}
        fact = or_new(one_of([*self.vocabulary.facts, *self.vocabulary.families])) | naming("fact")
        speaking = or_new(one_of({**self.policies, **self.rules})) | naming("policy", "rule")
        counted = [f"distinct {family}" for family in self.vocabulary.families]
        cover = {"anyOf": [DAY, ref("cover")]}
        subjects = {name: cover | told(text.title.en) for name, text in self.vocabulary.subjects.items()}
        # A condition, with a word in it that is no value of any fact.
        condition_of_a_place = {"type": ["object", "array"], "minProperties": 1, "minItems": 1}
        return {
            "FactText.type": or_new(one_of([*PRIMITIVES, *sets, "set of id", *(f"set of {name}" for name in sets)])),
            "VocabularyText.more_values": self.more_values(),
            "FactText.by": or_new(one_of(sets, sets)),
            "FactText.lies_in": fact,
            "PhraseText.of": or_new(one_of(sets, sets)),
            "PhraseText.means": condition_of_a_place,
            "ReachedText.applies": condition_of_a_place,
            "ValueSetText.inside": or_new(one_of(sets, sets)),
            "RegisterText.of": or_new(one_of(sets, sets)),
            "RequirementText.jurisdiction": or_new(ref("name of jurisdiction")),
            "CounterText.counts": or_new(one_of([*counted, "exchanges"])),
            "CounterText.per": {"type": "array", "items": fact},
            "CounterText.currency": fact,
            "CounterText.same": fact,
            "CounterText.kept": fact,
            "EntityKindText.states": {"type": "array", "items": fact},
            "CoverText.by": {"type": "array", "items": speaking},
            "CounterText.leaves_out": {"type": "array", "items": ref("name of rule")},
            **{f"PromiseText.{name}": fact for name in ("due", "by", "to", "number", "fills", "disputed", "beside")},
            "PromiseText.terms": {"type": "object", "additionalProperties": fact},
            "ShareText.of": fact,
            "ShareText.by": fact,
            "JurisdictionText.covers": {"type": "object", "properties": subjects, "additionalProperties": cover},
            "TouchText.fact": fact,
            "FactorLineText.fact": fact,
            "SettlementText.price": fact,
            "SettlementText.shares": fact,
            "SettlementText.parties": {"type": "object", "additionalProperties": fact},
            "ComputedLineText.to": fact,
            **self.access(),
        }

    def more_values(self) -> Schema:
        """Values may be added to the sets that are known, each under a value of the set."""
        added = {"type": "object", "additionalProperties": ref("morevalue")}
        return {
            "type": "object",
            "properties": {name: added | told(each.title) for name, each in self.vocabulary.values.items()},
            "additionalProperties": added,
        }

    def organisations(self) -> dict[str, Schema]:
        """What an organisation may name: words and policies that the bundle has."""
        vocabulary = self.vocabulary
        countries = vocabulary.values.get("country")
        documents = {
            f"{group}.{kind}": text.title.en for group in DOCUMENT_GROUPS for kind, text in vocabulary.kinds[group].items()
        }
        facts = {name: vocabulary.title(name).en for name in vocabulary.facts}
        families = {name: title.en for name, title in vocabulary.family_titles.items()}
        shown = facts | families | documents
        subjects = titles_of(vocabulary.subjects)
        return {
            "AcceptanceText.country": one_or_more(one_of(countries.lineage if countries else (), what="country")),
            "AcceptanceText.subjects": list_of(one_of(subjects, subjects, what="subject matter") | naming("subject")),
            "OrganisationText.must_be_shown": {"type": "array", "items": one_of(shown, shown) | naming("fact")},
            "SwitchedOffText.jurisdiction": ref("name of jurisdiction"),
            "SwitchedOffText.policy": or_new(one_of(self.policies, self.policies)) | naming("policy"),
        }

    def mappings(self) -> dict[str, Schema]:
        """What places of a request, ids and terms may state, and which duties a program may carry out."""
        names = dict.fromkeys(Places(self.vocabulary).names())
        place = one_of(names, what="fact") | naming("fact")
        facts = {"type": "object", "additionalProperties": place}
        constants = closed(
            {name: by_shape(TEXT, list={"type": "array"}, mapping={"type": "object"}) for name in names}
        ) | keyed("fact")
        found: dict[str, Schema] = {
            "TranslatedText.fact": place,
            "RequestEntityText.id": place,
            "RequestEntityText.facts": facts,
            "TermText.fact": place,
        }
        for shape in ("RequestReadingText", "RequestMappingText"):
            found[f"{shape}.constants"] = constants
            found[f"{shape}.facts"] = {"type": "object", "additionalProperties": by_shape(place, mapping=ref("translated"))}
        return found

    def access(self) -> dict[str, Schema]:
        """What an attribute of an access request may state, and which entities it may name."""
        place = or_new(one_of(dict.fromkeys(Places(self.vocabulary).names()))) | naming("fact")
        access = self.vocabulary.authzen
        types = or_new(one_of({**access.subjects, **access.resources} if access else ()))
        places: dict[str, Schema] = {}
        for shape in ("EntityText", "ActionText", "ContextText"):
            places[f"{shape}.under"] = place
            places[f"{shape}.facts"] = {"type": "object", "additionalProperties": place}
            places[f"{shape}.names"] = {"type": "object", "additionalProperties": types}
        return {**places, "EntityText.type": place, "EntityText.id": place, "ActionText.name": place}

    def exchanges(self) -> dict[str, Schema]:
        vocabulary = self.vocabulary
        outcome = one_of(get_args(Outcome))
        state = one_of(get_args(RequirementPart.model_fields["state"].annotation))
        lane = one_of(("open", "closed", "possible"))
        rules: Schema = {"type": "array", "items": {"anyOf": [ref("name of rule"), ref("name of group")]}}
        asked = [*self.facts, *(f"{group}.{kind}" for group in DOCUMENT_GROUPS for kind in vocabulary.kinds[group])]
        return {
            "TestText.test": or_new(one_of(self.policies, self.policies)) | naming("policy"),
            "TestText.exchange": ref("exchange"),
            "CaseText.change": ref("exchange"),
            "PairText.of": ref("name of rule"),
            "Expectation.outcome": outcome,
            "Expectation.jurisdictions": closed(each_of(titles_of(vocabulary.jurisdictions), outcome)) | keyed("jurisdiction"),
            "Expectation.instruments": closed(each_of(self.policies, outcome)) | keyed("policy"),
            "Expectation.applies": closed(each_of(self.policies, one_of(("yes", "no", "unknown")))) | keyed("policy"),
            "Expectation.because": rules,
            "Expectation.silent": rules,
            "Expectation.beaten": rules,
            "Expectation.conflicts": {"type": "array", "items": ref("name of rule")},
            "Expectation.requirements": closed(each_of(titles_of(vocabulary.requirements), state)) | keyed("requirement"),
            "Expectation.missing": {"type": "array", "items": one_of(asked, what="fact") | naming("fact")},
            "Expectation.rests_on": {
                "type": "array",
                "items": {
                    "anyOf": [one_of([*asked, "relies_on"], what="fact") | naming("fact"), ref("name of rule")],
                },
            },
            # A key is the name of a lane, or of the provision that opens it.
            "Expectation.lanes": {
                "type": "object",
                "properties": each_of(titles_of(vocabulary.lanes), lane),
                **keyed("lane", "rule"),
                "additionalProperties": lane,
            },
            "Expectation.factor": closed(
                {
                    f"{part}.{name}": titled(title.en)
                    for part, (_, lines) in vocabulary.factor.items()
                    for name, title in [
                        *((name, line.title) for name, line in lines.items()),
                        *((name, line.title) for name, line in vocabulary.computed.get(part, {}).items()),
                    ]
                }
            ),
            "Expectation.define": closed({name: one_of(("yes", "no", "unknown")) for name in (*self.definitions, *self.needs)})
            | keyed("definition"),
        }
