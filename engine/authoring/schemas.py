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

import re
from collections.abc import Collection, Iterable, Mapping
from typing import Any, TypeAlias, get_args

from engine.authoring.hints import OPERATORS, of_keys, shapes_of
from engine.authoring.table_schemas import with_tables
from engine.bundle import Bundle
from engine.decision import Outcome, RequirementPart
from engine.exchange import REGISTER
from engine.policy_language.case_text import TestText
from engine.policy_language.claim_needs import NEEDS
from engine.policy_language.conditions import DATES, FITS, MADE, ORDER
from engine.policy_language.document_text import DocumentText, Text
from engine.policy_language.duty_deadlines import DUE_ANCHORS
from engine.policy_language.exchange_places import Places
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
from engine.values import SPELLINGS, Type

Schema: TypeAlias = dict[str, Any]

DIALECT = "https://json-schema.org/draft/2020-12/schema"
MOST_NAMED = 20  # the most words that an editor lists where one is wrong

_TEXT: Schema = {"type": ["string", "number", "boolean"]}
# `true` and `false` are accepted too, but editors do not propose them.
_YES_NO: Schema = {"anyOf": [{"enum": ["yes", "no"]}, {"type": ["boolean", "string"], "pattern": "^(true|false)$"}]}
# Names that the same file may give to a definition or a rule. A rule's name has no dots here, so that a misspelt requirement is found.
_OWN_DEFINITION: Schema = {"type": "string", "pattern": "^[a-zA-Z0-9]+([.-][a-zA-Z0-9]+)*$"}
_OWN_RULE: Schema = {"type": ["string", "number"], "pattern": "^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$"}
_CORE_NUMBER = re.compile(r"[-+]?(\d+|\d*\.\d+|\d+\.)([eE][-+]?\d+)?", re.ASCII)


def editor_schemas(bundle: Bundle) -> dict[str, Schema]:
    """The schemas by kind of document, and that of an exchange, for the words and rules of the bundle."""
    words = _Words(bundle)
    policy = {**words.conditions(), **words.effects()}
    registers: dict[str, list[str]] = {}
    for name, register in bundle.vocabulary.registers.items():
        registers.setdefault(register.of.name, []).append(name)
    return {
        "policy": with_tables(words.document(PolicyText, policy), words.facts, registers, _ref),
        "test": words.document(TestText, words.exchanges()),
        "vocabulary": words.document(VocabularyText, policy | words.words()),
        "organisation": words.document(OrganisationText, words.organisations()),
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
        written = _plain(model.model_json_schema())
        shapes = {model.__name__: written, **written.pop("$defs", {})}
        hints = {shape.__name__: of_keys(shape) for shape in shapes_of(model)}
        for shape, schema in shapes.items():
            schema["properties"] = {
                key: places.get(f"{shape}.{key}", inner) | _told(hints.get(shape, {}).get(key, ""))
                for key, inner in schema.get("properties", {}).items()
            }
        if RuleText.__name__ in shapes:  # a policy's `defaults` may say it for the rule
            required = shapes[RuleText.__name__]["required"]
            shapes[RuleText.__name__]["required"] = [key for key in required if key not in SHARED]
        root = shapes.pop(model.__name__)
        if TravelsText.__name__ in shapes:
            alone = {"anyOf": [{"required": [lang]} for lang in Text.model_fields]}
            either = {"if": alone, "then": _ref("text"), "else": shapes[TravelsText.__name__]}
            shapes[TravelsText.__name__] = _by_shape(_TEXT, mapping=either)
        if Text.__name__ in shapes:
            shapes[Text.__name__] = _by_shape(_TEXT, mapping=shapes[Text.__name__])
        named = {_shape(name): schema for name, schema in shapes.items()}
        return {"$schema": DIALECT, **root, "$defs": _used(root, named | self.defs)}

    def conditions(self) -> dict[str, Schema]:
        condition = _ref("condition")
        named = {"propertyNames": {"pattern": _OWN_DEFINITION["pattern"]}, "additionalProperties": condition}
        return {
            "PolicyText.applies": condition,
            "PolicyText.define": {"type": "object", **named},
            "RuleText.when": condition,
            "RuleText.unless": _by_shape(
                {"not": {}},
                list={"type": "array", "items": condition},
                mapping={"allOf": [_ref("tests"), {"maxProperties": 1}]},
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
            "PolicyText.jurisdiction": _ref("name of jurisdiction"),
            "RuleText.require": _ref("need"),
            "RuleText.satisfies": _one_or_more(_ref("name of requirement")),
            "RuleText.exempts": {"type": "array", "items": _ref("exempted")},
            "RuleText.document": _one_or_more(_ref("name of document")),
            "RuleText.claim": _one_or_more(_ref("name of claim")),
            "RuleText.duties": _list({"anyOf": [_ref("duty"), _ref("name of group")]}),
            "RuleText.lane": _ref("name of lane"),
            "DutyText.due": _ref("due"),
        }

    def words(self) -> dict[str, Schema]:
        """A vocabulary file may use words that it names itself, so known words are proposed there, not required."""
        sets = {name: each.title for name, each in self.vocabulary.values.items()}
        fact = _or_new(_one_of([*self.vocabulary.facts, *self.vocabulary.families])) | _naming("fact")
        speaking = _or_new(_one_of({**self.policies, **self.rules})) | _naming("policy", "rule")
        counted = [f"distinct {family}" for family in self.vocabulary.families]
        cover = {"anyOf": [_DAY, _ref("cover")]}
        subjects = {name: cover | _told(text.title.en) for name, text in self.vocabulary.subjects.items()}
        # A condition, with a word in it that is no value of any fact.
        condition_of_a_place = {"type": ["object", "array"], "minProperties": 1, "minItems": 1}
        return {
            "FactText.type": _or_new(_one_of([*PRIMITIVES, *sets, "set of id", *(f"set of {name}" for name in sets)])),
            "VocabularyText.more_values": self.more_values(),
            "FactText.by": _or_new(_one_of(sets, sets)),
            "FactText.lies_in": fact,
            "PhraseText.of": _or_new(_one_of(sets, sets)),
            "PhraseText.means": condition_of_a_place,
            "ReachedText.applies": condition_of_a_place,
            "ValueSetText.inside": _or_new(_one_of(sets, sets)),
            "RegisterText.of": _or_new(_one_of(sets, sets)),
            "RequirementText.jurisdiction": _or_new(_ref("name of jurisdiction")),
            "CounterText.counts": _or_new(_one_of([*counted, "exchanges"])),
            "CounterText.per": {"type": "array", "items": fact},
            "CounterText.currency": fact,
            "CounterText.same": fact,
            "CounterText.kept": fact,
            "EntityKindText.states": {"type": "array", "items": fact},
            "CoverText.by": {"type": "array", "items": speaking},
            "CounterText.leaves_out": {"type": "array", "items": _ref("name of rule")},
            **{f"PromiseText.{name}": fact for name in ("due", "by", "to", "fills", "beside")},
            "PromiseText.terms": {"type": "object", "additionalProperties": fact},
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
        added = {"type": "object", "additionalProperties": _ref("morevalue")}
        return {
            "type": "object",
            "properties": {name: added | _told(each.title) for name, each in self.vocabulary.values.items()},
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
        subjects = _titles(vocabulary.subjects)
        return {
            "AcceptanceText.country": _one_or_more(_one_of(countries.lineage if countries else (), what="country")),
            "AcceptanceText.subjects": _list(_one_of(subjects, subjects, what="subject matter") | _naming("subject")),
            "OrganisationText.must_be_shown": {"type": "array", "items": _one_of(shown, shown) | _naming("fact")},
            "SwitchedOffText.jurisdiction": _ref("name of jurisdiction"),
            "SwitchedOffText.policy": _or_new(_one_of(self.policies, self.policies)) | _naming("policy"),
        }

    def access(self) -> dict[str, Schema]:
        """What an attribute of an access request may state, and which entities it may name."""
        place = _or_new(_one_of(dict.fromkeys(Places(self.vocabulary).names()))) | _naming("fact")
        access = self.vocabulary.authzen
        types = _or_new(_one_of({**access.subjects, **access.resources} if access else ()))
        places: dict[str, Schema] = {}
        for shape in ("EntityText", "ActionText", "ContextText"):
            places[f"{shape}.under"] = place
            places[f"{shape}.facts"] = {"type": "object", "additionalProperties": place}
            places[f"{shape}.names"] = {"type": "object", "additionalProperties": types}
        return {**places, "EntityText.type": place, "EntityText.id": place, "ActionText.name": place}

    def exchanges(self) -> dict[str, Schema]:
        vocabulary = self.vocabulary
        outcome = _one_of(get_args(Outcome))
        state = _one_of(get_args(RequirementPart.model_fields["state"].annotation))
        lane = _one_of(("open", "closed", "possible"))
        rules: Schema = {"type": "array", "items": {"anyOf": [_ref("name of rule"), _ref("name of group")]}}
        asked = [*self.facts, *(f"{group}.{kind}" for group in DOCUMENT_GROUPS for kind in vocabulary.kinds[group])]
        return {
            "TestText.test": _or_new(_one_of(self.policies, self.policies)) | _naming("policy"),
            "TestText.exchange": _ref("exchange"),
            "CaseText.change": _ref("exchange"),
            "Expectation.outcome": outcome,
            "Expectation.jurisdictions": _closed(_each(_titles(vocabulary.jurisdictions), outcome)) | _keyed("jurisdiction"),
            "Expectation.instruments": _closed(_each(self.policies, outcome)) | _keyed("policy"),
            "Expectation.applies": _closed(_each(self.policies, _one_of(("yes", "no", "unknown")))) | _keyed("policy"),
            "Expectation.because": rules,
            "Expectation.silent": rules,
            "Expectation.beaten": rules,
            "Expectation.conflicts": {"type": "array", "items": _ref("name of rule")},
            "Expectation.requirements": _closed(_each(_titles(vocabulary.requirements), state)) | _keyed("requirement"),
            "Expectation.missing": {"type": "array", "items": _one_of(asked, what="fact") | _naming("fact")},
            "Expectation.rests_on": {
                "type": "array",
                "items": {
                    "anyOf": [_one_of([*asked, "relies_on"], what="fact") | _naming("fact"), _ref("name of rule")],
                },
            },
            # A key is the name of a lane, or of the provision that opens it.
            "Expectation.lanes": {
                "type": "object",
                "properties": _each(_titles(vocabulary.lanes), lane),
                **_keyed("lane", "rule"),
                "additionalProperties": lane,
            },
            "Expectation.factor": _closed(
                {
                    f"{part}.{name}": _titled(title.en)
                    for part, (_, lines) in vocabulary.factor.items()
                    for name, title in [
                        *((name, line.title) for name, line in lines.items()),
                        *((name, line.title) for name, line in vocabulary.computed.get(part, {}).items()),
                    ]
                }
            ),
            "Expectation.define": _closed(
                {name: _one_of(("yes", "no", "unknown")) for name in (*self.definitions, *self.needs)}
            )
            | _keyed("definition"),
        }

    # What the places refer to

    def names(self) -> dict[str, Schema]:
        vocabulary = self.vocabulary
        exempted = _titles(vocabulary.requirements) | self.rules
        documents, claims = (_titles(vocabulary.kinds[group]) for group in SHOWN.values())
        return {
            "name of jurisdiction": _one_of(vocabulary.jurisdictions, _titles(vocabulary.jurisdictions))
            | _naming("jurisdiction"),
            "name of lane": _one_of(vocabulary.lanes, _titles(vocabulary.lanes), what="lane") | _naming("lane"),
            "name of requirement": _one_of(vocabulary.requirements, _titles(vocabulary.requirements), what="requirement")
            | _naming("requirement"),
            "name of rule": _one_of(self.rules, self.rules, what="rule") | _naming("rule"),
            "name of document": _one_of(documents, documents, what="kind of document") | _naming("evidence"),
            "name of claim": _one_of(claims, claims, what="kind of claim") | _naming("claims"),
            "name of group": {"anyOf": [_one_of(self.groups, what="group"), _OWN_RULE], **_naming("group", "rule")},
            "exempted": {
                "anyOf": [
                    _one_of(exempted, exempted, what="rule or requirement") | _naming("requirement", "rule"),
                    _ref("name of group"),
                ]
            },
            "name of definition": {
                "anyOf": [_one_of(self.definitions, what="definition"), _OWN_DEFINITION],
                **_naming("definition"),
            },
        }

    def shapes(self) -> dict[str, Schema]:
        dates = [name for name, type in self.facts.items() if type.kind == "date" and not type.many]
        due = {
            "within": _ref("value duration") | _told("How long after."),
            "after": _one_of([*DUE_ANCHORS, *dates], what="date of an exchange") | _naming("fact") | _told("After which date."),
            "on": {"anyOf": [_DAY, _spelt("day of the year", "`1 March`")]} | _told("A date; with `after`, a day of the year."),
            "earliest_of": _list(_ref("due")) | _told("The earliest of these."),
        }
        complete = [{"required": ["within", "after"]}, {"required": ["on"]}, {"required": ["earliest_of"]}]
        needs = {word: _list(_ref("need")) | _operator(word) for word in ("any_of", "all_of")}
        need = _one_key(
            needs | {"document": _ref("name of document") | _told("This document is shown: a requirement and its ground.")}
        )
        document = _closed({name: _ref(f"sent {type.name}") for name, type in self.vocabulary.fields.items()})
        return {
            "need": _by_shape(_ref("name of requirement"), mapping=need),
            "due": _closed(due) | {"anyOf": complete},
            "condition": _by_shape(_ref("name of definition"), list=_list(_ref("condition")), mapping=_ref("tests")),
            "tests": self.tests(),
            "exchange": self.exchange(),
            "document": _by_shape(_one_of(("none", "unknown", LEFT_OUT)), mapping=document),
        }

    def tests(self) -> Schema:
        """A mapping of facts to tests, and of groups to conditions."""
        tests = {name: _ref(f"test {type.name}") | self.hint(name) for name, type in self.facts.items()}
        for group in DOCUMENT_GROUPS:
            tests[group] = _ref(f"test {group}") | _told(f"`{group}: {{has: KIND}}`: one of the kind is shown.")
        for name, phrase in self.vocabulary.phrases.items():
            tests[name] = self.phrase(phrase) | _titled(phrase.title.en) | _told(phrase.title.zh or phrase.title.en)
        groups = {word: _list(_ref("condition")) | _operator(word) for word in GROUPS}
        return _some(tests | groups) | _keyed("fact", "phrase")

    def phrase(self, text: PhraseText) -> Schema:
        """What may stand behind a phrase: a value of its set, a list of them, or a register."""
        values = self.vocabulary.values.get(text.of)
        if values is None:
            return {}
        value = self.value(Type("value", False, values))
        listed = {name: each.title.en for name, each in self.vocabulary.registers.items() if each.of is values}
        register = {"in": _one_or_more(_one_of(listed, listed, what="register of such values")) | _operator("in")}
        return _by_shape(value, list=_list(value), mapping=_needed(register))

    def exchange(self) -> Schema:
        """The facts of an exchange, flat, as a test writes them."""
        vocabulary = self.vocabulary
        facts = {
            name: _ref(f"sent {fact.type.name}") | self.hint(name) | ({"minItems": 1} if fact.some else {})
            for name, fact in vocabulary.facts.items()
        }
        rest = {"enum": [0, "0", LEFT_OUT]} | _told("`0`: the members that are not named are zero.")
        relies_on = _told("Which requirements or grounds the exporter relies on, where several would do.")
        documents = {
            f"{group}.{kind}": _ref("document") | _titled(text.title.en) | _told(text.ask.en if text.ask else "")
            for group in DOCUMENT_GROUPS
            for kind, text in vocabulary.kinds[group].items()
        }
        ways = _one_of([*vocabulary.requirements, *self.grounds], what="requirement or ground") | _naming("requirement", "rule")
        travelling = _one_of(self.travelling, what="provision that travels") | _naming("rule")
        came = _closed({"provision": travelling, "from": {"type": "string"}})
        stated = {**facts, **{f"{family}.rest": rest for family in vocabulary.families}, **documents}
        entity = _by_shape(_one_of(("none",)), mapping=_closed(stated) | _keyed("fact"))
        said = _told(
            "What the register says of an entity, by the fact that states its id; `none`: the register does not have it."
        )
        public = {vocabulary.recipient: {"enum": [*EVERYONE, LEFT_OUT]} | _told("The recipient is every party, everywhere.")}
        return _closed(
            {
                **stated,
                **(public if vocabulary.recipient else {}),
                "relies_on": {"type": "array", "items": ways, **relies_on},
                "carried": {"type": "array", "items": came, **_told("The conditions that came with the data, and from where.")},
                REGISTER: {"type": "object", "additionalProperties": entity, **said},
            }
        ) | _keyed("fact")

    def typed(self) -> dict[str, Schema]:
        """For each type one value, a test of a fact, and what a test's exchange may send."""
        defs = {}
        for name, type in self.types.items():
            defs[f"value {_one(type).name}"] = self.value(type)
            defs[f"test {name}"] = self.test(type)
            defs[f"sent {name}"] = self.sent(type)
        for group in DOCUMENT_GROUPS:
            kinds = self.vocabulary.kinds[group]
            listed = _one_of(kinds, _titles(kinds), what="kind") | _naming(group)
            kind = _one_or_more(self.or_group(listed, kinds))
            operators = {"has": kind, "has_all": kind, MADE: _ref("test date"), "not": _ref(f"test {group}")}
            defs[f"test {group}"] = _some({word: schema | _operator(word) for word, schema in operators.items()})
        return defs

    def value(self, type: Type) -> Schema:
        """One value as an author writes it."""
        if type.values:
            titles = {value: words.en for value, words in type.values.titles.items()}
            return _one_of(type.values.values, titles, what=f"value of `{type.values.name}`") | _naming(
                f"value of {type.values.name}"
            )
        match type.kind:
            case "yes/no":
                return _YES_NO
            case "count":
                return _spelt("count", "`100 thousand`, `1 million` or `250`", number="integer")
            case "ratio":
                return _spelt("ratio", "`0.25`", number="number")
            case "money":
                return _spelt("money", "`20000000 USD`")
            case "date":
                return _DAY
            case "duration":
                return _spelt("duration", "`3 years`, `90 days` or `10 working days in CN`")
        return _TEXT

    def test(self, type: Type) -> Schema:
        """What may stand under a fact in a condition: operators, and for one value the value or a list of values."""
        value = self.or_group(_ref(f"value {_one(type).name}"), type.values.lineage if type.values else ())
        # Under `coherence:` a set may be compared with a fact of one value.
        alike = (type.name, type.name.removeprefix("set of "))
        same = _one_of((name for name, other in self.facts.items() if other.name in alike), what="fact of this type")
        same |= _naming("fact")
        listed = {name: each.title.en for name, each in self.vocabulary.registers.items() if each.of is type.values}
        listed |= dict.fromkeys(self.vocabulary.ids if type.kind == "id" else (), "")
        register = _one_of(listed, listed, what="register of such values") | _naming("register")
        against = _needed({"fact": same | _operator("fact")})
        in_register = {"in": _one_or_more(register) | _operator("in"), "fact": same | _operator("fact")}
        in_one = {"in": register | _operator("in"), "fact": same | _operator("fact")}
        operands = {
            **dict.fromkeys(ORDER, _by_shape(value, mapping=against)),
            **dict.fromkeys(DATES, _by_shape({"anyOf": [value, {"const": AS_OF}]}, mapping=against)),
            **dict.fromkeys(("within", "older_than"), _ref("value duration")),
            "has": _by_shape(value, list=_list(value), mapping=_one_key(in_register)),
            "has_all": _by_shape(value, list=_list(value), mapping=against),
            "only": _by_shape(value, list={"type": "array", "items": value}, mapping=_one_key(in_one)),
            "in": _one_or_more(register),
            "not": _ref(f"test {type.name}"),
            "fact": same,
            "registered": _YES_NO,
        }
        fitting = {word: operands[word] | _operator(word) for word, fits in FITS.items() if fits(type)}
        operators = _some({word: schema for word, schema in fitting.items() if word != "in" or listed})
        return operators if type.many else _by_shape(value, list=_list(value), mapping=operators)

    def or_group(self, value: Schema, words: Collection[str]) -> Schema:
        """A word, or a group that lists only such words."""
        listed = {name: [plain(item) for item in group.items] for name, group in self.groups.items() if words}
        fitting = [name for name, items in listed.items() if all(isinstance(each, str) and each in words for each in items)]
        names = [each for name in fitting for each in (name.partition("/")[2], name)]
        return {"anyOf": [value, _one_of(names) | _naming("group")]} if names else value

    def sent(self, type: Type) -> Schema:
        """The value of a fact in a test's exchange, or the word that says there is none."""
        value = _ref(f"value {_one(type).name}")
        none = _one_of(("unknown", LEFT_OUT))
        if type.many:
            return _by_shape(none, list={"type": "array", "items": {"anyOf": [value, {"const": "unknown"}]}})
        if type.kind in ("count", "money"):
            ends = _some({end: value | _operator(end) for end in ("at_least", "at_most")})
            return _by_shape({"anyOf": [value, none]}, mapping=ends)
        return {"anyOf": [value, none]}

    def hint(self, name: str) -> Schema:
        """What an editor shows beside a fact: its title, the question that asks for it, its type."""
        fact = self.vocabulary.facts.get(name)
        title = self.vocabulary.title(name)
        also = f"{title.zh}. " if title.zh else ""
        ask = f"{fact.ask.en} " if fact and fact.ask else ""
        return _titled(title.en) | _told(f"{also}{ask}({self.facts[name].name})")


def _one(type: Type) -> Type:
    return Type(type.kind, False, type.values)


def _shape(model: str) -> str:
    """What an editor calls a model: `RuleText` is a rule."""
    return (model.removesuffix("Text") or model).lower()


def _ref(name: str) -> Schema:
    return {"$ref": f"#/$defs/{_key(name)}"}


def _key(name: str) -> str:
    """A name as it may stand in a reference."""
    return name.replace(" ", "-").replace("/", "--")


def _titled(text: str) -> Schema:
    return {"title": text}


def _told(text: str) -> Schema:
    """What an editor shows: as plain text, and with its marks for editors that know Markdown."""
    return {"description": text, "markdownDescription": text} if text else {}


def _naming(*kinds: str) -> Schema:
    return {"x-names": list(kinds)}


def _keyed(*kinds: str) -> Schema:
    return {"x-keys": list(kinds)}


def _operator(word: str) -> Schema:
    return _told(OPERATORS[word])


def _closed(properties: Mapping[str, Schema]) -> Schema:
    return {"type": "object", "properties": dict(properties), "additionalProperties": False}


def _needed(properties: Mapping[str, Schema]) -> Schema:
    return _closed(properties) | {"required": list(properties)}


def _some(properties: Mapping[str, Schema]) -> Schema:
    return _closed(properties) | {"minProperties": 1}


def _one_key(properties: Mapping[str, Schema]) -> Schema:
    return _some(properties) | {"maxProperties": 1}


def _list(item: Schema) -> Schema:
    return {"type": "array", "items": item, "minItems": 1}


def _by_shape(scalar: Schema, *, list: Schema | None = None, mapping: Schema | None = None) -> Schema:
    """
    The schema for the shape that a value has, so that an error is about that shape; with `anyOf` alone it would not be.

    Editors propose no values from `else`. They take them from the `anyOf`, which every value fits.
    """
    rest = scalar if list is None else {"if": {"type": "array"}, "then": list, "else": scalar}
    whole = rest if mapping is None else {"if": {"type": "object"}, "then": mapping, "else": rest}
    return {**whole, "anyOf": [scalar, {}]}


def _one_or_more(item: Schema) -> Schema:
    return _by_shape(item, list=_list(item))


def _or_new(known: Schema) -> Schema:
    return {"anyOf": [known, _TEXT]}


def _each(titles: Mapping[str, str], schema: Schema) -> dict[str, Schema]:
    return {name: schema | _titled(title) for name, title in titles.items()}


def _titles(texts: Mapping[str, Any]) -> dict[str, str]:
    return {name: text.title.en for name, text in texts.items()}


def _one_of(words: Iterable[str], titles: Mapping[str, str] | None = None, what: str = "") -> Schema:
    """
    One of some words, each in the types that an editor reads it as; without words, nothing fits.

    With `what` and many words, the error for a wrong word does not list them: it names only `what` they are.
    """
    listed = [(each, (titles or {}).get(word, "")) for word in words for each in _typed(word)]
    if not listed:
        return {"not": {}}
    described = {"enumDescriptions": [title for _, title in listed]} if any(title for _, title in listed) else {}
    told = {"errorMessage": f"there is no such {what}"} if what and len(listed) > MOST_NAMED else {}
    return {"enum": [each for each, _ in listed], **described, **told}


def _typed(word: str) -> list[Any]:
    """A word, and what YAML's core schema makes of it."""
    if word.lower() in ("true", "false"):
        return [word, word.lower() == "true"]
    return [word, float(word)] if _CORE_NUMBER.fullmatch(word) else [word]


def _spelt(kind: str, example: str, number: str = "") -> Schema:
    """A text spelt in one way; where `number` is given, a number too."""
    types = {"type": [number, "string"], "minimum": 0} if number else {"type": "string"}
    return {**types, "pattern": f"^(?:{SPELLINGS[kind]})$", "errorMessage": f"write it like {example}"}


_DAY = _spelt("date", "`2024-03-22`")


def _plain(schema: Any) -> Any:
    """A model's schema without what pydantic says of Python: titles made of names, defaults, `null` for what is left out."""
    match schema:
        case list():
            return [_plain(each) for each in schema if each != {"type": "null"}]
        case {"type": "string", "format": "date"}:
            return _DAY
        case {"type": "string", **rest} if "enum" not in rest and "const" not in rest:
            return _TEXT | {key: value for key, value in rest.items() if key in ("pattern", "minLength", "maxLength")}
        case {"anyOf": [only, {"type": "null"}]}:
            return _plain(only)
        case dict():
            kept = {key: inner for key, inner in schema.items() if key not in ("title", "default", "$id", "examples")}
            if "$ref" in kept:
                return _ref(_shape(kept["$ref"].rpartition("/")[2]))
            return {
                key: {name: _plain(each) for name, each in inner.items()} if key in ("properties", "$defs") else _plain(inner)
                for key, inner in kept.items()
            }
    return schema


def _used(root: Schema, defs: Mapping[str, Schema]) -> dict[str, Schema]:
    """The definitions that a schema refers to, directly or through others."""
    found: dict[str, Schema] = {}
    named = {_key(name): schema for name, schema in defs.items()}
    todo = list(_references(root))
    while todo:
        name = todo.pop()
        if name not in found:
            found[name] = named[name]
            todo += _references(named[name])
    return dict(sorted(found.items()))


def _references(schema: Any) -> Iterable[str]:
    if isinstance(schema, dict):
        if isinstance(schema.get("$ref"), str):
            yield schema["$ref"].rpartition("/")[2]
        for inner in schema.values():
            yield from _references(inner)
    elif isinstance(schema, list):
        for inner in schema:
            yield from _references(inner)
