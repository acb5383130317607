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

from collections.abc import Collection, Mapping
from typing import get_args

from engine.authoring.hints import of_keys, shapes_of
from engine.authoring.schema_parts import (
    DAY,
    TEXT,
    YES_NO,
    Schema,
    by_shape,
    closed,
    each_of,
    keyed,
    list_of,
    naming,
    needed,
    one_key,
    one_of,
    one_or_more,
    operator_told,
    or_new,
    plain_schema,
    ref,
    shape_name,
    some_of,
    spelt,
    titled,
    titles_of,
    told,
    used_defs,
)
from engine.authoring.table_schemas import with_tables
from engine.bundle import Bundle
from engine.decision import Outcome, RequirementPart
from engine.exchange import REGISTER
from engine.policy_language.case_text import TestText
from engine.policy_language.claim_needs import NEEDS
from engine.policy_language.conditions import MADE
from engine.policy_language.document_text import DocumentText, Text
from engine.policy_language.duty_deadlines import DUE_ANCHORS
from engine.policy_language.exchange_places import Places
from engine.policy_language.mapping_text import RequestMappingText, TermMappingText
from engine.policy_language.operators import DATES, FITS, ORDER
from engine.policy_language.organisation_text import OrganisationText
from engine.policy_language.phrases import GROUPS, PhraseText
from engine.policy_language.policy_in_full import SHARED, SHOWN
from engine.policy_language.policy_text import PolicyText, RuleText, TravelsText
from engine.policy_language.public_recipient import EVERYONE
from engine.policy_language.tree import plain
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, PRIMITIVES, Vocabulary
from engine.policy_language.vocabulary_text import VocabularyText
from engine.policy_language.written_exchange import LEFT_OUT
from engine.rules import AS_OF
from engine.values import AMOUNTS, Type
from engine.values.exact_ratio import FRACTION

DIALECT = "https://json-schema.org/draft/2020-12/schema"

# Names that the same file may give to a definition or a rule. A rule's name has no dots here, so that a misspelt requirement is found.
_OWN_DEFINITION: Schema = {"type": "string", "pattern": "^[a-zA-Z0-9]+([.-][a-zA-Z0-9]+)*$"}
_OWN_RULE: Schema = {"type": ["string", "number"], "pattern": "^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$"}


def editor_schemas(bundle: Bundle) -> dict[str, Schema]:
    """The schemas by kind of document, and that of an exchange, for the words and rules of the bundle."""
    words = _Words(bundle)
    policy = {**words.conditions(), **words.effects()}
    registers: dict[str, list[str]] = {}
    for name, register in bundle.vocabulary.registers.items():
        registers.setdefault(register.of.name, []).append(name)
    return {
        "policy": with_tables(words.document(PolicyText, policy), words.facts, registers, ref),
        "test": words.document(TestText, words.exchanges()),
        "vocabulary": words.document(VocabularyText, policy | words.words()),
        "organisation": words.document(OrganisationText, words.organisations()),
        "mapping": words.either("door", RequestMappingText, TermMappingText, words.mappings()),
        "exchange": bundle.exchange_schema(),
    }


class _Words:
    """What the loaded words and rules allow at each place that the models leave open."""

    def __init__(self, bundle: Bundle) -> None:
        self.vocabulary: Vocabulary = bundle.vocabulary
        provisions = {rule.provision.id: rule.provision for rule in bundle.rules.rules}
        self.rules = {name: provision.title.en for name, provision in provisions.items()}
        self.policies = {provision.policy: provision.instrument.en for provision in provisions.values()}
        self.travelling = list(dict.fromkeys(rule.provision.id for rule in bundle.rules.rules if rule.travels))
        self.grounds = [rule.key for rule in bundle.rules.rules if rule.effect == "satisfies"]
        names = (name.partition("!")[0] for name in bundle.rules.definitions if "#" not in name)
        self.definitions = list(dict.fromkeys(name for name in names if name.partition("/")[0] in self.policies))
        self.groups = bundle.forms.groups
        self.needs = [name for name in bundle.rules.definitions if name.startswith(NEEDS)]
        self.facts = {name: type for name in self.vocabulary.names() if (type := self.vocabulary.type_of(name))}
        self.types = {type.name: type for type in (*self.facts.values(), Type("duration"), Type("date"))}
        self.defs = {**self.names(), **self.shapes(), **self.typed()}

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
        named = {"propertyNames": {"pattern": _OWN_DEFINITION["pattern"]}, "additionalProperties": condition}
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

    # What the places refer to

    def names(self) -> dict[str, Schema]:
        vocabulary = self.vocabulary
        exempted = titles_of(vocabulary.requirements) | self.rules
        documents, claims = (titles_of(vocabulary.kinds[group]) for group in SHOWN.values())
        return {
            "name of jurisdiction": one_of(vocabulary.jurisdictions, titles_of(vocabulary.jurisdictions))
            | naming("jurisdiction"),
            "name of lane": one_of(vocabulary.lanes, titles_of(vocabulary.lanes), what="lane") | naming("lane"),
            "name of requirement": one_of(vocabulary.requirements, titles_of(vocabulary.requirements), what="requirement")
            | naming("requirement"),
            "name of rule": one_of(self.rules, self.rules, what="rule") | naming("rule"),
            "name of document": one_of(documents, documents, what="kind of document") | naming("evidence"),
            "name of claim": one_of(claims, claims, what="kind of claim") | naming("claims"),
            "name of group": {"anyOf": [one_of(self.groups, what="group"), _OWN_RULE], **naming("group", "rule")},
            "exempted": {
                "anyOf": [
                    one_of(exempted, exempted, what="rule or requirement") | naming("requirement", "rule"),
                    ref("name of group"),
                ]
            },
            "name of definition": {
                "anyOf": [one_of(self.definitions, what="definition"), _OWN_DEFINITION],
                **naming("definition"),
            },
        }

    def shapes(self) -> dict[str, Schema]:
        dates = [name for name, type in self.facts.items() if type.kind == "date" and not type.many]
        due = {
            "within": ref("value duration") | told("How long after."),
            "after": one_of([*DUE_ANCHORS, *dates], what="date of an exchange") | naming("fact") | told("After which date."),
            "on": {"anyOf": [DAY, spelt("day of the year", "`1 March`")]} | told("A date; with `after`, a day of the year."),
            "earliest_of": list_of(ref("due")) | told("The earliest of these."),
        }
        complete = [{"required": ["within", "after"]}, {"required": ["on"]}, {"required": ["earliest_of"]}]
        needs = {word: list_of(ref("need")) | operator_told(word) for word in ("any_of", "all_of")}
        need = one_key(
            needs | {"document": ref("name of document") | told("This document is shown: a requirement and its ground.")}
        )
        document = closed({name: ref(f"sent {type.name}") for name, type in self.vocabulary.fields.items()})
        return {
            "need": by_shape(ref("name of requirement"), mapping=need),
            "due": closed(due) | {"anyOf": complete},
            "condition": by_shape(ref("name of definition"), list=list_of(ref("condition")), mapping=ref("tests")),
            "tests": self.tests(),
            "exchange": self.exchange(),
            "document": by_shape(one_of(("none", "unknown", LEFT_OUT)), mapping=document),
        }

    def tests(self) -> Schema:
        """A mapping of facts to tests, and of groups to conditions."""
        tests = {name: ref(f"test {type.name}") | self.hint(name) for name, type in self.facts.items()}
        for group in DOCUMENT_GROUPS:
            tests[group] = ref(f"test {group}") | told(f"`{group}: {{has: KIND}}`: one of the kind is shown.")
        for name, phrase in self.vocabulary.phrases.items():
            tests[name] = self.phrase(phrase) | titled(phrase.title.en) | told(phrase.title.zh or phrase.title.en)
        groups = {word: list_of(ref("condition")) | operator_told(word) for word in GROUPS}
        return some_of(tests | groups) | keyed("fact", "phrase")

    def phrase(self, text: PhraseText) -> Schema:
        """What may stand behind a phrase: a value of its set, a list of them, or a register."""
        values = self.vocabulary.values.get(text.of)
        if values is None:
            return {}
        value = self.value(Type("value", False, values))
        listed = {name: each.title.en for name, each in self.vocabulary.registers.items() if each.of is values}
        register = {"in": one_or_more(one_of(listed, listed, what="register of such values")) | operator_told("in")}
        return by_shape(value, list=list_of(value), mapping=needed(register))

    def exchange(self) -> Schema:
        """The facts of an exchange, flat, as a test writes them."""
        vocabulary = self.vocabulary
        facts = {
            name: ref(f"sent {fact.type.name}") | self.hint(name) | ({"minItems": 1} if fact.some else {})
            for name, fact in vocabulary.facts.items()
        }
        rest = {"enum": [0, "0", LEFT_OUT]} | told("`0`: the members that are not named are zero.")
        relies_on = told("Which requirements or grounds the exporter relies on, where several would do.")
        documents = {
            f"{group}.{kind}": ref("document") | titled(text.title.en) | told(text.ask.en if text.ask else "")
            for group in DOCUMENT_GROUPS
            for kind, text in vocabulary.kinds[group].items()
        }
        ways = one_of([*vocabulary.requirements, *self.grounds], what="requirement or ground") | naming("requirement", "rule")
        travelling = one_of(self.travelling, what="provision that travels") | naming("rule")
        came = closed({"provision": travelling, "from": {"type": "string"}})
        summed = (
            name for name, members in vocabulary.families.items() if vocabulary.facts[members[0]].type.kind not in AMOUNTS
        )
        stated = {**facts, **{f"{family}.rest": rest for family in summed}, **documents}
        entity = by_shape(one_of(("none",)), mapping=closed(stated) | keyed("fact"))
        said = told(
            "What the register says of an entity, by the fact that states its id; `none`: the register does not have it."
        )
        public = {vocabulary.recipient: {"enum": [*EVERYONE, LEFT_OUT]} | told("The recipient is every party, everywhere.")}
        return closed(
            {
                **stated,
                **(public if vocabulary.recipient else {}),
                "relies_on": {"type": "array", "items": ways, **relies_on},
                "carried": {"type": "array", "items": came, **told("The conditions that came with the data, and from where.")},
                REGISTER: {"type": "object", "additionalProperties": entity, **said},
            }
        ) | keyed("fact")

    def typed(self) -> dict[str, Schema]:
        """For each type one value, a test of a fact, and what a test's exchange may send."""
        defs = {}
        for name, type in self.types.items():
            defs[f"value {type.one.name}"] = self.value(type)
            defs[f"test {name}"] = self.test(type)
            defs[f"sent {name}"] = self.sent(type)
        for group in DOCUMENT_GROUPS:
            kinds = self.vocabulary.kinds[group]
            listed = one_of(kinds, titles_of(kinds), what="kind") | naming(group)
            kind = one_or_more(self.or_group(listed, kinds))
            operators = {"has": kind, "has_all": kind, MADE: ref("test date"), "not": ref(f"test {group}")}
            defs[f"test {group}"] = some_of({word: schema | operator_told(word) for word, schema in operators.items()})
        return defs

    def value(self, type: Type) -> Schema:
        """One value as an author writes it."""
        if type.values:
            titles = {value: words.en for value, words in type.values.titles.items()}
            return one_of(type.values.values, titles, what=f"value of `{type.values.name}`") | naming(
                f"value of {type.values.name}"
            )
        match type.kind:
            case "yes/no":
                return YES_NO
            case "count":
                return spelt("count", "`100 thousand`, `1 million` or `250`", number="integer")
            case "ratio":
                return spelt("ratio", "`0.25`", number="number")
            case "money":
                return spelt("money", "`20000000 USD`")
            case "quantity":
                assert type.units
                return spelt("quantity", "`120 kWh` or `1e25 FLOP`", pattern=type.units.pattern)
            case "date":
                return DAY
            case "duration":
                return spelt("duration", "`3 years`, `90 days` or `10 working days in CN`")
        return TEXT

    def test(self, type: Type) -> Schema:
        """What may stand under a fact in a condition: operators, and for one value the value or a list of values."""
        value = self.or_group(ref(f"value {type.one.name}"), type.values.lineage if type.values else ())
        # A set may be compared with a fact of one value, also where its values include those of the fact.
        alike = (
            name
            for name, other in self.facts.items()
            if other.many <= type.many and (other.like(type) or (type.many and type.includes(other)))
        )
        same = one_of(alike, what="fact of this type")
        same |= naming("fact")
        listed = {name: each.title.en for name, each in self.vocabulary.registers.items() if each.of is type.values}
        listed |= dict.fromkeys(self.vocabulary.ids if type.kind == "id" else (), "")
        register = one_of(listed, listed, what="register of such values") | naming("register")
        against = needed({"fact": same | operator_told("fact")})
        in_register = {"in": one_or_more(register) | operator_told("in"), "fact": same | operator_told("fact")}
        in_one = {"in": register | operator_told("in"), "fact": same | operator_told("fact")}
        operands = {
            **dict.fromkeys(ORDER, by_shape(value, mapping=against)),
            **dict.fromkeys(DATES, by_shape({"anyOf": [value, {"const": AS_OF}]}, mapping=against)),
            **dict.fromkeys(("within", "older_than"), ref("value duration")),
            "has": by_shape(value, list=list_of(value), mapping=one_key(in_register)),
            "has_all": by_shape(value, list=list_of(value), mapping=against),
            "only": by_shape(value, list={"type": "array", "items": value}, mapping=one_key(in_one)),
            "in": one_or_more(register),
            "not": ref(f"test {type.name}"),
            "fact": same,
            "registered": YES_NO,
        }
        fitting = {word: operands[word] | operator_told(word) for word, fits in FITS.items() if fits(type)}
        operators = some_of({word: schema for word, schema in fitting.items() if word != "in" or listed})
        return operators if type.many else by_shape(value, list=list_of(value), mapping=operators)

    def or_group(self, value: Schema, words: Collection[str]) -> Schema:
        """A word, or a group that lists only such words."""
        listed = {name: [plain(item) for item in group.items] for name, group in self.groups.items() if words}
        fitting = [name for name, items in listed.items() if all(isinstance(each, str) and each in words for each in items)]
        names = [each for name in fitting for each in (name.partition("/")[2], name)]
        return {"anyOf": [value, one_of(names) | naming("group")]} if names else value

    def sent(self, type: Type) -> Schema:
        """The value of a fact in a test's exchange, or the word that says there is none."""
        value = ref(f"value {type.one.name}")
        none = one_of(("unknown", LEFT_OUT))
        if type.many:
            return by_shape(none, list={"type": "array", "items": {"anyOf": [value, {"const": "unknown"}]}})
        if type.kind in ("count", *AMOUNTS):
            ends = some_of({end: value | operator_told(end) for end in ("at_least", "at_most")})
            return by_shape({"anyOf": [value, none]}, mapping=ends)
        fraction = [{"type": "string", "pattern": f"^{FRACTION}$"}] if type.kind == "ratio" else []
        return {"anyOf": [value, none, *fraction]}

    def hint(self, name: str) -> Schema:
        """What an editor shows beside a fact: its title, the question that asks for it, its type."""
        fact = self.vocabulary.facts.get(name)
        title = self.vocabulary.title(name)
        also = f"{title.zh}. " if title.zh else ""
        ask = f"{fact.ask.en} " if fact and fact.ask else ""
        return titled(title.en) | told(f"{also}{ask}({self.facts[name].name})")
