"""
Random sound bundles and random exchanges for them, from a seed.

The bundles use every type, operator and effect of the language; the exchanges leave facts out, send `unknown`, ranges, open sets,
documents in every state. What cannot be true together is random too, and every exchange can be true. Made through YAML, so that the
whole pipeline is in the test. The same seed gives the same bundle on every machine.
"""

from __future__ import annotations

import json
import random
import re
from collections.abc import Collection
from datetime import date, timedelta
from decimal import Decimal
from functools import cache
from typing import Any

import yaml

import engine
from engine.exchange_input.exchange_problems import INCOHERENT

AS_OF = date(2026, 6, 30)
REFUSED = {"cycle", "always-true"}  # what the generator may be refused for
DUMPER = getattr(yaml, "CSafeDumper", yaml.SafeDumper)  # in C where PyYAML was built so
KINDS = ("contract", "certificate", "report")
CLAIMS = ("necessity", "public-interest")
MUST_SAY = {"certificate": ["purposes"], "report": ["people", "for"]}
POLICIES = ("aa.law", "aa.more", "bb.law")
REQUIREMENTS = ("aa.one", "aa.two", "aa.three", "aa.four")
SOURCE = {"source": "made up", "status": "confirmed"}
VOCABULARY: dict[str, Any] = {
    "vocabulary": "random",
    "values": {
        "country": {"title": "country", "values": {c: {} for c in ("AA", "BB", "CC", "DD", "NO")}},
        "category": {
            "title": "category",
            "values": {
                "health": {},
                "clinical": {"under": "health"},
                "image": {"under": "clinical"},
                "no-image": {"under": "clinical", "rest": "yes"},
                "not-clinical": {"under": "health", "rest": "yes"},
                "gene": {"exact": "yes"},
                "genome": {"under": "gene"},
                "other": {},
            },
        },
        "grade": {"title": "grade", "ordered": "yes", "values": ["general", "important", "core"]},
        "kind": {"title": "sensitivity", "values": ["ordinary", "sensitive"]},
        "role": {"title": "role", "values": ["provider", "operator", "public"]},
        # AA has two places and a rest, BB has nothing but its two places, the others have none.
        "place": {
            "title": "place",
            "inside": "country",
            "complete": ["BB"],
            "values": {
                "none": {},
                "AA-city": {"in": "AA", "exact": "yes"},
                "AA-port": {"in": "AA", "under": "AA-city"},
                "BB-east": {"in": "BB"},
                "BB-west": {"in": "BB"},
            },
        },
    },
    "more_values": {"category": {"portrait": {"under": "image"}, "no-portrait": {"under": "image", "rest": "yes"}}},
    "units": {
        "MJ": {"title": "megajoule"},
        "GJ": {"title": "gigajoule", "of": "MJ", "times": "1000"},
        "kWh": {"title": "kilowatt-hour", "of": "MJ", "times": "3.6"},
        "kg": {"title": "kilogram"},
    },
    "registers": {
        "CLUB": {
            "title": "club",
            "of": "country",
            **SOURCE,
            "entries": {"BB": {}, "CC": {"from": "2026-01-01"}, "DD": {"until": "2026-06-29"}},
        },
        "PORTS": {"title": "ports", "of": "place", **SOURCE, "entries": {"AA-port": {"until": "2026-06-29"}, "BB-east": {}}},
        "SENSITIVE": {"title": "sensitive", "of": "category", **SOURCE, "entries": ["health", "genome"]},
    },
    "facts": {
        "from.country": {"type": "country", "title": "from"},
        "to.country": {"type": "country", "title": "to"},
        "from.place": {"type": "place", "title": "from", "lies_in": "from.country"},
        "to.place": {"type": "place", "title": "to", "lies_in": "to.country"},
        "to.flag": {"type": "yes/no", "title": "flag", "frees": "yes"},
        "from.flag": {"type": "yes/no", "title": "flag"},
        "data.category": {"type": "category", "title": "category"},
        "data.categories": {"type": "set of category", "title": "categories"},
        "data.grade": {"type": "grade", "title": "grade", "frees": "yes"},
        "data.grades": {"type": "set of grade", "title": "grades"},
        "data.people": {"type": "count", "by": "kind", "title": "people"},
        "data.in": {"type": "set of country", "title": "where"},
        "counts.year": {"type": "count", "by": "kind", "title": "this year"},
        "terms.share": {"type": "ratio", "by": "role", "title": "share"},
        "terms.rate": {"type": "ratio", "title": "rate"},
        "terms.fee": {"type": "money", "by": "role", "title": "fee"},
        "terms.until": {"type": "date", "title": "until"},
        "terms.term": {"type": "duration", "title": "term"},
        "terms.price": {"type": "money", "title": "price"},
        "terms.power": {"type": "quantity", "title": "power", "units": ["MJ", "kg"]},
        "terms.use": {"type": "quantity", "by": "role", "title": "use"},
        "data.id": {"type": "id", "title": "id"},
        "limits.category": {"type": "category", "title": "category allowed"},
        "limits.categories": {"type": "set of category", "title": "categories allowed"},
        "limits.in": {"type": "set of country", "title": "where allowed"},
        "limits.grade": {"type": "grade", "title": "grade allowed"},
        "limits.people": {"type": "count", "title": "people allowed"},
        "limits.until": {"type": "date", "title": "until at most"},
        "limits.term": {"type": "duration", "title": "term allowed"},
        "limits.price": {"type": "money", "title": "price allowed"},
        "limits.power": {"type": "quantity", "title": "power allowed"},
        "limits.id": {"type": "id", "title": "id allowed"},
    },
    # What is known ends shortly before AS_OF and begins not long before, so that the answer is often not known.
    "calendars": {
        "AA": {
            "title": "Aland", **SOURCE, "weekend": ["sat", "sun"], "known_from": "2026-05-15", "known_until": "2026-06-26",
            "holidays": ["2026-05-25", "2026-06-19", "2026-06-23", "2026-06-24"], "workdays": ["2026-06-20"],
        },
        "BB": {"title": "Beland", **SOURCE, "weekend": ["fri"], "known_from": "2020-01-01", "known_until": "2027-12-31"},
    },
    "counters": {"counts.year": {"counts": "distinct data.people", "per": ["from.country"], "window": "calendar year in UTC"}},
    "evidence": {kind: {"title": kind, "must_say": MUST_SAY.get(kind, [])} for kind in KINDS},
    "claims": {kind: {"title": kind} for kind in CLAIMS},
    "lanes": {"fast": {"title": "fast"}},
    "measures": {"people": "data.people.total", "for": "data.id", "purposes": "data.categories", "data": "limits.id"},
}  # fmt: skip
ROLES = ["provider", "operator", "public"]
SUMS = [{"at_least": "50 CNY", "at_most": "100 CNY"}, {"at_least": "100 CNY"}, {"at_least": "100.01 USD", "at_most": "200 USD"}]
QUANTITIES = {"terms.price": "terms.power", "limits.price": "limits.power", "terms.fee": "terms.use"}  # in place of money
MEASURED = ["0 MJ", "100 MJ", "0.1 GJ", "27.777 kWh", "27.778 kWh", "100.000000000001 MJ", "1e25 GJ", "100 kg"]
USED = ["0 kWh", "60 MJ", "0.04 GJ", "10 kWh", "60 kg", {"at_least": "10 kWh"}]
SPANS = [{"at_least": "50 MJ", "at_most": "0.1 GJ"}, {"at_least": "27.778 kWh"}, {"at_least": "101 kg", "at_most": "200 kg"}]
SUBJECTS = ["one", "two"]
TOUCHES = [
    {"fact": "from.country", "as": "exporter"},
    {"fact": "to.country", "as": "recipient"},
    {"fact": "data.in", "as": "collection"},
]
BINDING = {"prohibit", "require", "oblige", "review", "allows"}
COUNTRIES = ["AA", "BB", "CC", "DD", "NO"]
PLACES = ["AA-city", "AA-port", "BB-east", "BB-west"]
SIDES = ("from", "to")
CATEGORIES = ["health", "clinical", "image", "portrait", "no-portrait", "no-image", "not-clinical", "gene", "genome", "other"]
NARROWER = {
    "health": ["clinical", "image", "portrait", "no-portrait", "no-image", "not-clinical"],
    "clinical": ["image", "portrait", "no-portrait", "no-image"],
    "image": ["portrait", "no-portrait"],
}
GRADES = ["general", "important", "core"]
DURATIONS = ["1 month", "2 years", "24 months", "90 days", "730 days", "3 hours", "1 day"]
WORKING = [f"{n} working days in {place}" for n in (1, 2, 5, 10, 22) for place in ("AA", "AA", "BB")]
SINCE = (-800, -731, -730, -366, -91, -90, -32, -31, -30, -25, -15, -14, -7, -6, -4, -3, -2, -1, 0, 1, 30)
DAYS = [(AS_OF + timedelta(days=d)).isoformat() for d in SINCE]
# Facts that may be compared: all of one type.
COMPARED = [
    ("from.country", "to.country"),
    ("from.place", "to.place"),
    ("to.flag", "from.flag"),
    ("data.category", "limits.category"),
    ("data.grade", "limits.grade"),
    ("data.people.sensitive", "data.people.total", "counts.year.ordinary", "limits.people", "evidence.contract.people"),
    ("terms.share.total", "terms.rate", "terms.share.public"),
    ("terms.until", "limits.until", "evidence.report.dated", "evidence.report.expires"),
    ("evidence.contract.dated", "evidence.contract.filed", "evidence.contract.expires", "limits.until"),
    ("terms.term", "limits.term"),
    ("terms.price", "limits.price", "terms.fee.total"),
    ("data.id", "limits.id"),
]
IDS = ["data.id", "limits.id"]
# Sets that may be compared.
COMPARED_SETS = [("data.categories", "limits.categories"), ("data.in", "limits.in")]
UNORDERED = ("from.country", "from.place", "to.flag", "data.category", "data.id")  # first of the facts above that have no order


# What no condition of `coherence:` may test: the day, a register, whether an id is in the register or a document counts, a counter.
BEYOND = re.compile(
    r'"(in|has_all)": "|"registered"|"in": \[|"within"|"registered"|"older_than"|"as_of"|"(evidence|claims)":|"counts\.'
)


def measured(fact: str) -> str:
    """The fact that is a quantity, in place of one that is money."""
    name = next(each for each in QUANTITIES if fact.startswith(each))
    return fact.replace(name, QUANTITIES[name])


def binds(policy: dict[str, Any]) -> bool:
    """Whether a policy can give a floor: one of its rules binds, or it says what holds otherwise."""
    return "otherwise" in policy or any(BINDING & rule.keys() for rule in policy["rules"])


class Maker:
    """Makes one bundle and its exchanges. `made` is the bundle for which exchanges can be true."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.aside = random.Random(f"aside {seed}")  # for what is rare, so that the seeds give what they gave without it
        self.needing = random.Random(f"needs {seed}")  # the same for what claims need
        self.measuring = random.Random(f"quantities {seed}")  # the same for quantities, which stand in place of money
        self.needy = self.needing.random() < 0.5
        self.definitions: list[str] = []
        self.made: engine.Bundle | None = None

    def bundle(self) -> engine.Bundle:
        """A bundle that loads; what the checker refuses is thrown away and made again."""
        return self._accepted()[0]

    def accepted(self) -> tuple[dict[str, Any], engine.PolicySettings]:
        """The documents of that bundle, before they are written, and its settings."""
        _, sources, settings = self._accepted()
        return {name: yaml.safe_load(text) for name, text in sources.items()}, settings

    def _accepted(self) -> tuple[engine.Bundle, dict[str, bytes], engine.PolicySettings]:
        while True:
            sources, settings = self.sources(), engine.PolicySettings(trust=self.pick(["confirmed", "from-memory"]))
            try:
                self.made = engine.load_sources(sources, settings)
                return self.made, sources, settings
            except engine.BundleRefused as refused:
                # Only circles of exemptions, and what contradicts everything; anything else is a fault of this generator.
                if not {d.code for d in refused.diagnostics} <= REFUSED:
                    raise

    def sources(self) -> dict[str, bytes]:
        self.definitions = []
        vocabulary = {**VOCABULARY, "requirements": {name: self.requirement(name) for name in REQUIREMENTS}}
        vocabulary["claims"] = {kind: {"title": kind, **self.needs()} for kind in CLAIMS}
        policies = {name: self.policy(name) for name in POLICIES}
        self.definitions = []
        vocabulary["subjects"] = {name: {"title": name, "when": self.condition(1)} for name in SUBJECTS}
        if self.aside.random() < 0.5:
            self.contrary(vocabulary["subjects"])
        covered = {place: self.coverage(place, policies) for place in ("AA", "BB")} if self.chance(0.5) else {}
        people = {"fact": "data.in", "as": "people", "when": self.condition(0)}
        vocabulary["touches"] = [*TOUCHES, people] if covered else []
        vocabulary["jurisdictions"] = {
            place: {"title": place, **({"countries": [place], "covers": covered[place]} if covered.get(place) else {})}
            for place in ("AA", "BB")
        }
        vocabulary["coherence"] = {f"c{number}": self.contradiction() for number in range(self.random.randint(0, 3))}
        documents = {"vocabulary.yaml": vocabulary, **{f"{name}.yaml": text for name, text in policies.items()}}
        if self.chance(0.3):
            documents["ours.yaml"] = {"organisation": "ours", "title": "ours", "accepts": [self.acceptance()]}
        missed = [name for name, text in policies.items() if covered.get(text["jurisdiction"])]
        if missed and self.aside.random() < 0.3:
            off = {"policy": self.aside.choice(missed), "by": "nobody", "because": "made up"}
            documents["acme.yaml"] = {"organisation": "acme", "title": "acme", "switched_off": [off]}
        return self.written(documents)

    def coverage(self, place: str, policies: dict[str, Any]) -> dict[str, Any]:
        """Which policies of a jurisdiction speak of which subject matters; only those that bind can."""
        binding = [name for name, text in policies.items() if text["jurisdiction"] == place and binds(text)]
        covers = {}
        for subject in SUBJECTS if binding else ():
            if self.chance(0.7):
                since = (
                    {"partly": "yes"} if self.chance(0.2) else {"from": self.pick(["2020-01-01", "2026-06-30", "2026-07-01"])}
                )
                covers[subject] = {**since, "by": self.some(binding, 2)}
        return self.cells(covers)

    def contrary(self, subjects: dict[str, Any]) -> None:
        """Let one subject matter be other than another, with a condition of its own at times."""
        first, second = self.aside.sample(SUBJECTS, 2)
        when = {"when": subjects[second]["when"]} if self.aside.random() < 0.5 else {}
        subjects[second] = {"title": second, "other_than": first, **when}

    def cells(self, covers: dict[str, Any]) -> dict[str, Any]:
        """Coverage of which some cells stand under others, are free, or are not read; each may be in doubt."""
        if self.aside.random() < 0.4:
            return covers
        cells = dict(covers)
        for subject in SUBJECTS:
            roll = self.aside.random()
            status = self.aside.choice(["confirmed", "confirmed", "from-memory", "unsure"])
            read = {"read": "so", "source": "so", "read_on": "2026-01-01", "status": status, "verify_by": "2027-01-01"}
            others = [name for name, cell in cells.items() if name != subject and "under" not in cell]
            used = any(subject in (cell.get("under"), cell.get("also", {}).get("subject")) for cell in cells.values())
            if roll < 0.25 and others and not used:
                cells[subject] = {"under": self.aside.choice(others), **read}
                if len(others) > 1 and self.aside.random() < 0.5:
                    also = self.aside.choice([name for name in others if name != cells[subject]["under"]])
                    cells[subject]["also"] = {"subject": also, "source": "so"}
            elif roll < 0.5:
                when = self.aside.choice([None, {"to.flag": "no"}, {"data.grade": {"at_most": "general"}}])
                cells[subject] = {"free": "yes", **({"when": when} if when else {}), **read}
            elif roll < 0.65:
                cells[subject] = {"unread": "a law", **read}
        return cells

    def acceptance(self) -> dict[str, Any]:
        days = self.pick([("2026-01-01", "2026-12-31"), ("2026-07-01", "2027-06-30")])
        return {
            "id": "one",
            "country": self.some(COUNTRIES, 2),
            "subjects": self.some(SUBJECTS, 2),
            "by": "counsel",
            "because": "so",
            "from": days[0],
            "until": days[1],
        }

    @staticmethod
    def written(documents: dict[str, Any]) -> dict[str, bytes]:
        """Documents as the bytes of their files."""
        return {
            name: yaml.dump(text, Dumper=DUMPER, sort_keys=False, allow_unicode=True).encode()
            for name, text in documents.items()
        }

    # Policies

    def requirement(self, name: str) -> dict[str, Any]:
        text: dict[str, Any] = {"title": name, "how": "get it", "jurisdiction": "AA"}
        if self.chance(0.5):
            text["duties"] = [self.duty() for _ in range(self.random.randint(1, 2))]
        return text

    def duty(self) -> dict[str, Any]:
        text: dict[str, Any] = {"duty": f"do {self.random.randint(1, 99)}", "who": "exporter"}
        if self.chance(0.6):
            text["due"] = self.due(2)
        if self.chance(0.6):
            text["done_when"] = self.condition(1)
        text["overdue"] = self.pick(["review", "prohibited", "requirements_unmet", "permitted_with_obligations"])
        if self.chance(0.1):
            text["arises"] = "refusal"
        return text

    def due(self, depth: int) -> dict[str, Any]:
        after = self.pick([f"evidence.{self.pick(KINDS)}.dated", "exchanged_at", "decided_on", "terms.until", "terms.until"])
        roll = self.random.random()
        if depth and roll < 0.2:
            return {"earliest_of": [self.due(depth - 1) for _ in range(self.random.randint(2, 3))]}
        if roll < 0.35:
            return {"on": self.pick(["1 March", "29 February", "29 June", "30 June", "1 July", "31 December"]), "after": after}
        if roll < 0.45:
            return {"on": self.pick(DAYS)}
        return {"within": self.pick([*DURATIONS, *WORKING]), "after": after}

    def policy(self, name: str) -> dict[str, Any]:
        self.definitions = []
        define: dict[str, Any] = {}
        for number in range(self.random.randint(0, 3)):
            define[f"thing-{number}"] = self.condition(2)
            self.definitions.append(f"thing-{number}")
        ids = [f"r{number}" for number in range(self.random.randint(3, 9))]
        text: dict[str, Any] = {
            "policy": name,
            "title": name,
            "jurisdiction": name[:2].upper(),
            "instrument": {"issuer": "nobody", "force": "law"},
            "in_force": self.windows(),
            "applies": self.condition(1),
            "rules": [self.rule(rule, ids, name) for rule in ids],
        }
        if self.chance(0.15):
            text["otherwise"] = self.pick(["prohibited", "review"])
        if self.chance(0.3):
            text["not_reached"] = [{"when": self.condition(1), "cite": "so", "says": "so"}]
        if self.aside.random() < 0.1:
            text["applies"] = "always"
        if any("require" in rule for rule in text["rules"]) and self.aside.random() < 0.4:
            when = {"from.country": self.aside.choice(["AA", "BB"])}
            text["reach_in_doubt"] = {"when": when, "cite": "so", "says": "so"}
        return text | ({"define": define} if define else {})

    def windows(self) -> Any:
        window = {"from": self.pick(["2020-01-01", "2026-06-30", "2026-07-01"])} if self.chance(0.3) else {"from": "2020-01-01"}
        return [window, {"from": "2027-01-01"}] if self.chance(0.1) else window

    def rule(self, id: str, ids: list[str], policy: str) -> dict[str, Any]:
        status = self.pick(["confirmed"] * 6 + ["from-memory", "unsure"])
        text: dict[str, Any] = {"id": id, "title": id, "cite": id, "says": "so", "source": "made up", "status": status}
        if self.chance(0.2):
            text["in_force"] = self.windows()
        if self.chance(0.9):
            text["when"] = self.condition(2)
        if self.chance(0.4):
            text["unless"] = [self.condition(1) for _ in range(self.random.randint(1, 2))]
        aa = policy.startswith("aa")
        effect = self.pick(
            [
                "prohibit",
                "review",
                "oblige",
                "advise",
                "allows",
                "exempts",
                "exempts",
                *(["require"] * 3 + ["satisfies"] * 4 if aa else []),
            ]
        )
        if effect == "require":
            text["require"] = self.need(2)
        elif effect == "satisfies":
            text["satisfies"] = self.some(REQUIREMENTS, 2)
            if self.chance(0.4):
                text["duties"] = [self.duty()]
        elif effect == "oblige":
            text["oblige"] = self.duty()
        elif effect == "allows":
            text["allows"] = "yes"
        elif effect in ("prohibit", "review", "advise"):
            text[effect] = f"{effect} {id}"
            if effect == "advise" and status != "unsure" and self.chance(0.5):
                text["lane"] = "fast"
        if effect == "exempts" or self.chance(0.1):
            others = [i for i in ids if i != id]
            text["exempts"] = self.some([*others, *(REQUIREMENTS if aa else ())], 3)
        return text

    def need(self, depth: int) -> Any:
        if depth == 0 or self.chance(0.5):
            return self.pick(REQUIREMENTS)
        return {self.pick(["any_of", "all_of"]): [self.need(depth - 1) for _ in range(self.random.randint(1, 3))]}

    def needs(self) -> dict[str, Any]:
        """What a claim needs where it lifts: in half of the bundles often something."""
        if not self.needy:
            return {}
        conditions = [
            "always",
            {"to.flag": "no"},
            {"data.grade": {"at_most": "important"}},
            {"data.categories": {"has": "health"}},
        ]
        conditions += [{"none_of": [{"data.people.total": {"at_least": 1000}}, {"data.in": {"has": ["BB", "CC"]}}]}]
        return {"needs": self.needing.choice(conditions)}

    # Conditions

    def contradiction(self) -> dict[str, Any]:
        """What cannot be true together; a vocabulary's own condition names no definition."""
        self.definitions = []
        never = [self._stated(), *([self._stated()] if self.chance(0.7) else [])]
        return {"never": never, "says": "it cannot be so"} | ({"unless_said": self._stated()} if self.chance(0.3) else {})

    def _stated(self) -> Any:
        """A condition on what an exchange itself states."""
        return next(made for made in iter(lambda: self.condition(1), None) if not BEYOND.search(json.dumps(made)))

    def condition(self, depth: int) -> Any:
        roll = self.random.random()
        if depth and roll < 0.25:
            return {
                self.pick(["any_of", "all_of", "none_of"]): [
                    self.condition(depth - 1) for _ in range(self.random.randint(1, 3))
                ]
            }
        if depth and roll < 0.35:
            return [self.condition(depth - 1) for _ in range(self.random.randint(1, 3))]
        if self.definitions and roll < 0.5:
            return self.pick(self.definitions)
        return dict(self.test() for _ in range(self.random.randint(1, 2)))

    def test(self) -> tuple[str, Any]:
        of_facts = [
            self.flag, self.country, self.place, self.category, self.categories, self.countries, self.name, self.grade,
        ]  # fmt: skip
        of_amounts = [self.people, self.shares, self.day, self.term, self.price]
        of_documents = [self.shown, self.shown, self.field]
        compared = [self.against, self.against, self.sets]
        made: tuple[str, Any] = self.pick([*of_facts, *of_amounts, *of_documents, *compared])()
        return made

    def negate(self, test: Any) -> Any:
        return {"not": test} if self.chance(0.25) else test

    def flag(self) -> tuple[str, Any]:
        return self.pick(["to.flag", "from.flag"]), self.negate(self.pick(["yes", "no"]))

    def country(self) -> tuple[str, Any]:
        test = self.pick([self.pick(COUNTRIES), self.some(COUNTRIES, 3), {"in": "CLUB"}])
        return self.pick(["to.country", "from.country"]), self.negate(test)

    def category(self) -> tuple[str, Any]:
        return "data.category", self.negate(self.pick([self.pick(CATEGORIES), self.some(CATEGORIES, 2), {"in": "SENSITIVE"}]))

    def categories(self) -> tuple[str, Any]:
        operator = self.pick(["has", "has", "has_all", "only"])
        target = self.some(CATEGORIES, 3) if operator == "has_all" or self.chance(0.7) else {"in": "SENSITIVE"}
        return "data.categories", self.negate({operator: target})

    def place(self) -> tuple[str, Any]:
        test = self.pick([self.pick(PLACES), self.some(PLACES, 3), {"in": "PORTS"}])
        return self.pick(["to.place", "from.place"]), self.negate(test)

    def countries(self) -> tuple[str, Any]:
        return "data.in", self.negate({self.pick(["has", "only"]): self.pick([self.some(COUNTRIES, 2), {"in": "CLUB"}])})

    def name(self) -> tuple[str, Any]:
        test = self.pick([self.some(["d1", "d2", "d3"], 2), {"registered": self.pick(["yes", "no"])}])
        return self.pick(["data.id", "limits.id"]), self.negate(test)

    def grade(self) -> tuple[str, Any]:
        return self.pick(["data.grade", "data.grades"]), self.negate({self.order(): self.pick(GRADES)})

    def people(self) -> tuple[str, Any]:
        fact = self.pick(
            [
                "data.people.ordinary",
                "data.people.sensitive",
                "counts.year.ordinary",
                "counts.year.sensitive",
                "data.people.total",
            ]
        )
        return fact, self.negate(self.numbers(["0", "1", "100", "10 thousand", "1 million"]))

    def shares(self) -> tuple[str, Any]:
        return self.pick(["terms.share.total", "terms.share.public", "terms.rate"]), self.negate(
            self.numbers(["0", "0.1", "0.5", "1"])
        )

    def numbers(self, cuts: list[str]) -> Any:
        if self.chance(0.2):
            return self.pick(cuts)
        if self.chance(0.5):
            return {self.order(): self.pick(cuts)}
        low, high = sorted(self.random.sample(range(len(cuts)), 2))  # the cuts rise; an end before its beginning is refused
        return {self.pick(["at_least", "more_than"]): cuts[low], self.pick(["at_most", "less_than"]): cuts[high]}

    def day(self) -> tuple[str, Any]:
        test = self.pick(
            [
                {"within": self.pick([*DURATIONS, *WORKING])},
                {"older_than": self.pick([*DURATIONS, *WORKING])},
                {"from": self.pick([*DAYS, "as_of"])},
                {"until": self.pick([*DAYS, "as_of"])},
                self.pick(DAYS),
            ]
        )
        return "terms.until", self.negate(test)

    def term(self) -> tuple[str, Any]:
        return "terms.term", self.negate({self.order(): self.pick([*DURATIONS, "5 working days in AA"])})

    def price(self) -> tuple[str, Any]:
        fact = self.pick(["terms.price", "terms.fee.total", "terms.fee.operator"])
        order, limit = self.order(), self.pick(["0 CNY", "100 CNY", "100 USD"])
        if self.measuring.random() < 0.5:
            fact, limit = measured(fact), self.measuring.choice(MEASURED)
        return fact, self.negate({order: limit})

    def shown(self) -> tuple[str, Any]:
        group, kinds = self.pick([("evidence", KINDS), ("claims", CLAIMS)])
        return group, self.negate({self.pick(["has", "has_all"]): self.some(kinds, 2)})

    def field(self) -> tuple[str, Any]:
        field, test = self.pick(
            [
                ("dated", {"within": self.pick([*DURATIONS, *WORKING])}),
                ("dated", {"older_than": self.pick([*DURATIONS, *WORKING])}),
                ("filed", {"until": "as_of"}),
                ("expires", {"from": self.pick(DAYS)}),
                ("covers", "yes"),
                ("people", {self.order(): "100"}),
            ]
        )
        return f"evidence.{self.pick(KINDS)}.{field}", self.negate(test)

    def against(self) -> tuple[str, Any]:
        """A fact against another."""
        facts = self.pick(COMPARED)
        fact, other = self.random.sample(facts, 2)
        if "terms.price" in facts and self.measuring.random() < 0.5:
            fact, other = measured(fact), measured(other)
        if self.chance(0.3) or facts[0] in UNORDERED:
            return fact, self.negate({"fact": other})
        dated = facts[0] in ("terms.until", "evidence.contract.dated")
        return fact, self.negate({self.pick(["from", "until"]) if dated else self.order(): {"fact": other}})

    def sets(self) -> tuple[str, Any]:
        """A set against another."""
        fact, other = self.random.sample(self.pick(COMPARED_SETS), 2)
        return fact, self.negate({self.pick(["has", "has_all", "only"]): {"fact": other}})

    def order(self) -> str:
        return str(self.pick(["at_least", "at_most", "more_than", "less_than"]))

    # Exchanges

    def exchange(self) -> dict[str, Any]:
        """An exchange as JSON that can be true; about a third of the facts are left out or unknown."""
        return next(sent for sent in iter(self.anything, None) if can_be_true(self.made, sent))

    def anything(self) -> dict[str, Any]:
        """An exchange, whether it can be true or not."""
        flat = {
            "from.country": lambda: self.pick(COUNTRIES),
            "to.country": lambda: self.pick(COUNTRIES),
            "to.flag": lambda: self.chance(0.5),
            "from.flag": lambda: self.chance(0.5),
            "data.category": lambda: self.pick(CATEGORIES),
            "data.categories": lambda: self.some([*CATEGORIES, "unknown"], 4, least=0),
            "data.grade": lambda: self.pick(GRADES),
            "data.grades": lambda: self.some([*GRADES, "unknown"], 3, least=0),
            "data.in": lambda: self.some([*COUNTRIES, "unknown"], 3, least=0),
            "data.people.ordinary": lambda: self.count(0),
            "data.people.sensitive": lambda: self.count(0),
            "terms.share.provider": lambda: self.pick(["0", "0.1", "1/3", "0.5", "1"]),
            "terms.share.operator": lambda: self.pick(["0", "1/6", "0.4", "2/4"]),
            "terms.share.public": lambda: self.pick(["0", "0.1", "0.5"]),
            "terms.rate": lambda: self.pick(["0", "0.1", "0.5", "5/6", "1", "2.5"]),
            **{
                f"terms.fee.{role}": lambda: self.pick(["0 CNY", "60 CNY", "60 CNY", "60 USD", {"at_least": "60 CNY"}])
                for role in ROLES
            },
            "terms.until": lambda: self.pick(DAYS),
            "terms.term": lambda: self.pick([*DURATIONS, "5 working days in AA"]),
            "terms.price": lambda: self.pick(["0 CNY", "100 CNY", "100.01 USD", "5 EUR", *SUMS]),
            "data.id": lambda: self.pick(["d1", "d2", "other"]),
            "limits.category": lambda: self.pick(CATEGORIES),
            "limits.categories": lambda: self.some([*CATEGORIES, "unknown"], 4, least=0),
            "limits.in": lambda: self.some([*COUNTRIES, "unknown"], 3, least=0),
            "limits.grade": lambda: self.pick(GRADES),
            "limits.people": lambda: self.count(0),
            "limits.until": lambda: self.pick(DAYS),
            "limits.term": lambda: self.pick(DURATIONS),
            "limits.price": lambda: self.pick(["0 CNY", "100 CNY", "100.01 USD", *SUMS]),
            "limits.id": lambda: self.pick(["d1", "d2"]),
            **{f"evidence.{kind}": self.document for kind in KINDS},
            **{f"claims.{kind}": self.document for kind in CLAIMS},
        }
        nested: dict[str, Any] = self.quantities()
        for name, make in flat.items():
            roll = self.random.random()
            if roll < 0.25:
                continue
            *path, last = name.split(".")
            here = nested
            for step in path:
                here = here.setdefault(step, {})
            here[last] = "unknown" if roll < 0.35 else make()
        for side in SIDES:
            party = nested.setdefault(side, {})
            options = places_in(party.get("country", "unknown"))
            if options and self.chance(0.65):
                party["place"] = "unknown" if self.chance(0.1) else self.pick(options)
        for kind in ("ordinary", "sensitive"):
            own = nested.get("data", {}).get("people", {}).get(kind)
            if self.chance(0.5):
                least = own if isinstance(own, int) else own.get("at_least", 0) if isinstance(own, dict) else 0
                nested.setdefault("counts", {}).setdefault("year", {})[kind] = self.count(least)
        if self.chance(0.15):
            share = nested.setdefault("terms", {}).setdefault("share", {})
            share["rest"] = "0"
        if self.chance(0.2):
            nested["relies_on"] = self.some(REQUIREMENTS, 2)
        return nested

    def quantities(self) -> dict[str, Any]:
        """What an exchange states of quantities."""
        terms: dict[str, Any] = {}
        pick, of_power = self.measuring.choice, [*MEASURED, *SPANS, "unknown"]
        if self.measuring.random() < 0.7:
            terms["power"] = pick(of_power)
        if self.measuring.random() < 0.7:
            terms["use"] = {role: pick([*USED, "unknown"]) for role in ROLES if self.measuring.random() < 0.9}
        limits = {"limits": {"power": pick(of_power)}} if self.measuring.random() < 0.7 else {}
        return {"terms": terms, **limits}

    def registered(self, exchange: dict[str, Any]) -> dict[str, Any]:
        """The same exchange with what the register says of its ids: of one what another exchange states, of the other nothing."""
        other, known = self.random.sample(IDS, 2)
        told = self.exchange()
        states = {part: self.part(told[part]) for part in (*PARTS, "evidence", "claims") if part in told and self.chance(0.6)}
        register: dict[str, Any] = {known: {"kind": "asset", "version": 3, "states": states}}
        if self.chance(0.5):
            register[other] = self.pick([{"known": False}, {}])
        return {**exchange, "register": register}

    def part(self, told: dict[str, Any]) -> dict[str, Any]:
        """Some of the facts of a group."""
        return {name: value for name, value in told.items() if self.chance(0.7)}

    def count(self, least: int) -> Any:
        low = least + self.pick([0, 0, 1, 99, 100, 9_999, 10_000, 999_999, 1_000_000])
        if self.chance(0.75):
            return low
        return {"at_least": low} if self.chance(0.3) else {"at_least": low, "at_most": low + self.pick([0, 1, 100, 1_000_000])}

    def document(self) -> Any:
        if self.chance(0.2):
            return "none"
        fields = {
            "dated": lambda: self.pick(DAYS),
            "filed": lambda: self.pick(DAYS),
            "expires": lambda: self.pick(DAYS),
            "covers": lambda: self.chance(0.8),
            "people": lambda: self.count(0),
        }
        odds = {"dated": 0.9, "filed": 0.4, "expires": 0.4, "covers": 0.9, "people": 0.3}
        made = {name: "unknown" if self.chance(0.08) else make() for name, make in fields.items() if self.chance(odds[name])}
        if made.get("expires", "unknown") < made.get("dated", ""):  # a document does not expire before it is dated
            made["dated"], made["expires"] = made["expires"], made["dated"]
        return made | {name: options for name, options in self.covered().items() if self.aside.random() < 0.2}

    def covered(self) -> dict[str, Any]:
        """For whom, for what and for which data a document may be."""
        limits = {
            "for": ["d1", "d2", "other", "unknown"],
            "purposes": [*CATEGORIES, "unknown"],
            "data": ["d1", "d2", "unknown"],
        }
        return {
            name: "unknown" if self.aside.random() < 0.1 else self.aside.sample(options, self.aside.randint(0, 3))
            for name, options in limits.items()
        }

    # Chance

    def chance(self, odds: float) -> bool:
        return self.random.random() < odds

    def pick(self, options: Any) -> Any:
        return self.random.choice(list(options))

    def some(self, options: Any, most: int, least: int = 1) -> list[Any]:
        options = list(options)
        return self.random.sample(options, min(len(options), self.random.randint(least, most)))


def read(bundle: engine.Bundle, exchange: dict[str, Any]) -> engine.Exchange:
    """An exchange through the door every caller uses."""
    return engine.parse_exchange(bundle, json.dumps(exchange).encode())


def can_be_true(bundle: engine.Bundle | None, exchange: dict[str, Any]) -> bool:
    """Whether nothing in an exchange contradicts the rest of it; no other fault is passed over."""
    try:
        if bundle is not None:
            read(bundle, exchange)
    except engine.ExchangeRefused as refused:
        assert {problem.code for problem in refused.problems} == {INCOHERENT}, refused  # noqa: PT017
        return False
    return True


PARTS = ("from", "to", "data", "terms", "limits")
TRIES = 50


def places_in(country: str) -> list[str]:
    """The places that can be said of a country; all where it is unknown."""
    if country == "unknown":
        return ["none", *PLACES]
    return [place for place in PLACES if place.startswith(country)] + (["none"] if country != "BB" else [])


def completed(
    maker: Maker, exchange: dict[str, Any], others: list[dict[str, Any]], kept: frozenset[str] = frozenset()
) -> dict[str, Any]:
    """
    A random coherent completion (semantics 4.10): unknown and left-out facts get values, ranges a number, open sets an end, and values
    that may turn out narrower perhaps narrower ones.

    The values come from other exchanges, and where these have none, from ones that have all. Where none of many is coherent, the
    exchange stays as it is.

    What place reads as not shown, an evidence or claim left out, is completed only as `none`. What the register says stays as it is:
    `kept` are the facts whose value it gives, or which it disputes.
    """
    made = (_completed(maker, exchange, others, kept) for _ in range(TRIES))
    return next((full for full in made if can_be_true(maker.made, full)), exchange)


def _completed(maker: Maker, exchange: dict[str, Any], others: list[dict[str, Any]], kept: frozenset[str]) -> dict[str, Any]:
    full: dict[str, Any] = json.loads(json.dumps(exchange))
    donor: dict[str, Any] = {}
    for told in (*maker.random.choices(others, k=6), _having_all()):
        _fill(donor, {part: told[part] for part in PARTS if part in told})
    counts = full.get("counts", {}).get("year", {})
    for group in ("evidence", "claims"):
        kinds = KINDS if group == "evidence" else CLAIMS
        shown = full.setdefault(group, {})
        for kind in (each for each in kinds if f"{group}.{each}" not in kept):
            document = shown.get(kind, "none")
            if document == "unknown":
                document = (
                    "none"
                    if maker.chance(0.3)
                    else _document(maker, {}, maker.random.sample(["people", "for", "purposes", "data"], 2))
                )
            elif document != "none":
                document = _document(maker, document, {*document, *MUST_SAY.get(kind, ())})
            shown[kind] = document
    for part in PARTS:
        _settle(maker, full.setdefault(part, {}), donor.get(part, {}), kept, f"{part}.")
    for side in SIDES:
        # Coherent (1.5): what was sent of country and place decides what the other may be.
        sent, party = exchange.get(side, {}), full[side]
        if not kept.isdisjoint((f"{side}.country", f"{side}.place")):
            continue  # what the register says stays
        if sent.get("country", "unknown") == "unknown" and sent.get("place", "unknown") != "unknown":
            party["country"] = maker.pick([each for each in COUNTRIES if sent["place"] in places_in(each)])
        elif sent.get("place", "unknown") == "unknown":
            party.pop("place", None)
            if options := places_in(party.get("country", "unknown")):
                party["place"] = maker.pick(options)
    share = full["terms"].get("share", {})
    if share.pop("rest", None) is not None:
        for role in ("provider", "operator", "public"):
            if role not in exchange.get("terms", {}).get("share", {}) and f"terms.share.{role}" not in kept:
                share[role] = "0"
    register = full.setdefault("register", {})
    for name in IDS:
        register.setdefault(name, maker.pick([{"known": False}, {}]))
    for kind in (each for each in ("ordinary", "sensitive") if f"data.people.{each}" not in kept):
        # A counter includes this exchange, so a counter that was sent bounds the people of it too.
        low, high = _ends(counts.get(kind, "unknown"))
        people = full["data"]["people"]
        people[kind] = min(people[kind], high)
        low = max(low, people[kind])
        full.setdefault("counts", {}).setdefault("year", {})[kind] = maker.random.randint(low, max(low, high))
    return full


@cache
def _having_all() -> dict[str, Any]:
    """Facts of several exchanges, so that every one has a value."""
    maker = Maker(0)
    facts: dict[str, Any] = {}
    for _ in range(60):
        told = maker.exchange()
        _fill(facts, {part: told[part] for part in PARTS if part in told})
    return facts


def _fill(into: dict[str, Any], source: dict[str, Any]) -> None:
    """Known values for every fact, from several exchanges."""
    for key, value in source.items():
        if isinstance(value, dict) and key not in ("at_least", "at_most") and not {"at_least", "at_most"} & set(value):
            _fill(into.setdefault(key, {}), value)
        elif value != "unknown" and not (isinstance(value, list) and "unknown" in value) and not isinstance(value, dict):
            into.setdefault(key, value)


def _settle(maker: Maker, here: dict[str, Any], donor: dict[str, Any], kept: frozenset[str], at: str) -> None:
    for key, value in donor.items():
        known = here.get(key, "unknown")
        if at + key in kept:
            continue
        if isinstance(value, dict):
            _settle(maker, here.setdefault(key, {}), value, kept, f"{at}{key}.")
        elif known == "unknown":
            here[key] = value
        elif isinstance(known, dict) and isinstance(known.get("at_least"), str):
            least, _, currency = known["at_least"].partition(" ")
            most = known.get("at_most", "1000 any").partition(" ")[0]
            here[key] = f"{maker.pick([least, most, (Decimal(least) + Decimal(most)) / 2])} {currency}"
        elif isinstance(known, dict):
            low, high = _ends(known)
            here[key] = maker.random.randint(low, high)
        elif isinstance(known, list):
            members = {m for m in known if m != "unknown"}
            # A member that stands beside a narrower one has said which it is.
            vague = [m for m in sorted(members) if m in NARROWER and members.isdisjoint(NARROWER[m])]
            for member in vague:
                members = members - {member} | set(maker.some([member, *NARROWER[member]], 2))
            if "unknown" in known:
                options = GRADES if key == "grades" else COUNTRIES if key == "in" else CATEGORIES
                members |= set(maker.some(options, 2, least=0))
            here[key] = sorted(members)
        elif key == "category" and known in NARROWER:
            here[key] = maker.pick([known, *NARROWER[known]])


def _document(maker: Maker, known: dict[str, Any], says: Collection[str]) -> dict[str, Any]:
    """
    A presented document whose unknown fields are told; a left-out `expires` stays away, it means no end.

    So does what it covers, since absence limits nothing (2.3), unless the document `says` it.
    """
    end = known.get("expires", "unknown")
    told = {
        "dated": lambda: maker.pick([day for day in DAYS if day <= end]),  # "unknown" is after every day
        "filed": lambda: maker.pick(DAYS),
        "covers": lambda: maker.chance(0.5),
        "people": lambda: maker.random.randint(0, 200),
    }
    full = {name: known[name] if known.get(name, "unknown") != "unknown" else make() for name, make in told.items()}
    if "expires" in known:
        full["expires"] = end if end != "unknown" else maker.pick([day for day in DAYS if day >= full["dated"]])
    if isinstance(full["people"], dict):
        full["people"] = maker.random.randint(*_ends(full["people"]))
    if "people" not in says:
        del full["people"]
    for name, options in maker.covered().items():
        sent = known.get(name, "unknown")
        if name in says:
            more = options if "unknown" in sent and options != "unknown" else []
            full[name] = sorted({each for each in (*(sent if sent != "unknown" else ()), *more) if each != "unknown"})
    return full


def _ends(count: Any) -> tuple[int, int]:
    if isinstance(count, int):
        return count, count
    if count == "unknown":
        return 0, 2_000_000
    low = count.get("at_least", 0)
    return low, count.get("at_most", low + 2_000_000)
