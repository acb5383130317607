"""
The JSON Schemas of words, tests and values, to which those of the documents refer: a bundle in, one schema a name out.

A name of the vocabulary is a list of words with their titles; a condition, a need, a deadline and an exchange are what the facts and
their types allow.
"""

from __future__ import annotations

from collections.abc import Collection

from engine.authoring.schema_parts import (
    DAY,
    TEXT,
    YES_NO,
    Schema,
    by_shape,
    closed,
    keyed,
    list_of,
    naming,
    needed,
    one_key,
    one_of,
    one_or_more,
    operator_told,
    ref,
    some_of,
    spelt,
    titled,
    titles_of,
    told,
)
from engine.bundle import Bundle
from engine.exchange import REGISTER
from engine.policy_language.claim_needs import NEEDS
from engine.policy_language.conditions import MADE
from engine.policy_language.duty_deadlines import DUE_ANCHORS
from engine.policy_language.operators import DATES, FITS, ORDER
from engine.policy_language.phrases import GROUPS, PhraseText
from engine.policy_language.policy_in_full import SHOWN
from engine.policy_language.public_recipient import EVERYONE
from engine.policy_language.tree import plain
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.policy_language.written_exchange import LEFT_OUT
from engine.rules import AS_OF
from engine.values import AMOUNTS, Type
from engine.values.exact_ratio import FRACTION

# Names that the same file may give to a definition or a rule. A rule's name has no dots here, so that a misspelt requirement is found.
OWN_DEFINITION: Schema = {"type": "string", "pattern": "^[a-zA-Z0-9]+([.-][a-zA-Z0-9]+)*$"}
_OWN_RULE: Schema = {"type": ["string", "number"], "pattern": "^[a-zA-Z0-9]+(-[a-zA-Z0-9]+)*$"}


class WordSchemas:
    """The schemas of the loaded words: names, conditions, exchanges, and for each type its values and tests."""

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

    def defs(self) -> dict[str, Schema]:
        """The schemas by the names under which documents refer to them."""
        return {**self.names(), **self.shapes(), **self.typed()}

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
                "anyOf": [one_of(self.definitions, what="definition"), OWN_DEFINITION],
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
