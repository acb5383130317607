"""
An exchange and what was decided of it as a record in terms of the Data Privacy Vocabulary: facts go in, statements come out.

What is written is what the record states. A value without a term of DPV gets a name of this project, so that nobody takes the rest for
all; a value for which DPV has only a broader term is written as that. The ground of a transfer is the one that a standing provision rests
on. A fact that was not stated, or was erased, is not written.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import engine
from service.doors.dpv.term_table import OURS, DpvTable, PropertyPath
from service.doors.graphs import TYPE, GraphTerm, GraphTriple

DCT = "http://purl.org/dc/terms/"
SKOS = "http://www.w3.org/2004/02/skos/core#"
XSD = "http://www.w3.org/2001/XMLSchema#"
RECORD, REGISTER, SAFEGUARD, CONSENT_RECORD = (
    "dpv:DataTransferRecord", "dpv:RecordsOfActivities", "dpv:SafeguardForDataTransfer", "dpv:ConsentRecord"
)  # fmt: skip
_BY_CLASS = (  # by which property a record has a document, by the broadest class that says so
    ("dpv:Notice", "dpv:hasNotice"),
    ("dpv:ImpactAssessment", "dpv:hasImpactAssessment"),
    ("dpv:RecordsOfActivities", "dpv:hasRecordOfActivity"),
)
_OTHERWISE = "dpv:hasOrganisationalMeasure"


@dataclass(frozen=True, slots=True)
class DecidedTransfer:
    """
    What is written: the exchange as stated, the keys of the provisions that stand, and what the record says of itself.

    `request` is an exchange as JSON; what the register stated stands in it under `register`. `outcome` and `answer` are those of the
    decision. `committed` is the day on which the exchange was committed; "" if it was only decided.
    """

    id: str
    request: Mapping[str, Any]
    standing: Sequence[str]
    day: str
    outcome: str = ""
    answer: str = ""
    committed: str = ""
    ended: bool = False


def iri(short: str) -> str:
    """A short name in full."""
    prefix, _, local = short.partition(":")
    namespaces = {**engine.DPV_NAMESPACES, "dct": DCT, "skos": SKOS, "xsd": XSD, "loc": "https://w3id.org/dpv/loc#"}
    return namespaces[prefix] + local if prefix in namespaces else short


def record_name(id: str) -> str:
    """The name of the record of a decision."""
    return f"urn:uuid:{id}"


def write_record(table: DpvTable, transfer: DecidedTransfer, lang: str = "en") -> list[GraphTriple]:
    """The record of one transfer."""
    return list(_RecordWriter(table, transfer, lang).triples())


def write_register(name: str, title: str, records: Sequence[str], lang: str) -> list[GraphTriple]:
    """What holds records together: the register by its name, with its title."""
    subject = f"urn:fifthfactor:register:{name}"
    found = [
        GraphTriple(subject, TYPE, GraphTerm(iri(REGISTER))),
        GraphTriple(subject, iri("dct:identifier"), GraphTerm(name, "literal")),
        GraphTriple(subject, iri("dct:title"), GraphTerm(title, "literal", language=lang)),
    ]
    return found + [GraphTriple(subject, iri("dct:hasPart"), GraphTerm(each)) for each in records]


class _RecordWriter:
    def __init__(self, table: DpvTable, transfer: DecidedTransfer, lang: str) -> None:
        self.table = table
        self.transfer = transfer
        self.lang = lang
        self.vocabulary = table.bundle.vocabulary
        self.subject = record_name(transfer.id)
        self.found: dict[GraphTriple, None] = {}
        self.nodes: dict[str, str] = {}
        self.paths: dict[str, list[PropertyPath]] = {}
        for path in table.paths:
            for fact in path.facts:
                self.paths.setdefault(fact, []).append(path)

    def triples(self) -> Iterator[GraphTriple]:
        self._of_itself()
        for group, path in self._parties():
            node = self._node(path.steps[0])
            if group == "recipient" and isinstance(self.transfer.request.get(group), str):
                self._own(node, TYPE, "recipient", str(self.transfer.request[group]))
        self._data()
        for fact in self.paths:
            if fact not in self._data_facts:
                self._fact(fact)
        for key in self.transfer.standing:
            if key in self.table.grounds:
                self._say(self.subject, "dpv:hasLegalBasis", self.table.grounds[key])
        self._documents()
        return iter(self.found)

    def _of_itself(self) -> None:
        transfer = self.transfer
        self._say(self.subject, TYPE, RECORD)
        self._text(self.subject, "dct:identifier", transfer.id)
        self._text(self.subject, "dct:date", transfer.committed or transfer.day, "date")
        if transfer.answer:
            self._text(self.subject, "dct:description", transfer.answer, language=self.lang)
        if transfer.outcome:
            self._own(self.subject, iri("dpv:hasOutcome"), "outcome", transfer.outcome)
        done = "dpv:ActivityCompleted" if transfer.ended else "dpv:ActivityOngoing"
        self._say(self.subject, "dpv:hasActivityStatus", done if transfer.committed else "dpv:ActivityProposed")

    def _parties(self) -> Iterator[tuple[str, PropertyPath]]:
        """The first path to each party."""
        seen = set()
        for path in self.table.paths:
            group = path.facts[0].partition(".")[0]
            if len(path.steps) > 1 and group in ("exporter", "recipient") and group not in seen:
                seen.add(group)
                yield group, path

    @property
    def _data_facts(self) -> frozenset[str]:
        """The facts that classes of the data state."""
        return frozenset(fact for path in self.table.paths if path.text.also and len(path.steps) == 1 for fact in path.facts)

    def _data(self) -> None:
        """The data as one thing of several classes; what a person is, such as an employee, is said of the people."""
        paths = [path for path in self.table.paths if path.facts[0] in self._data_facts and len(path.steps) == 1]
        if not paths:
            return
        categories, *others = paths[0].facts
        classes: dict[str, None] = {}
        people: dict[str, None] = {}
        owned: list[tuple[str, str]] = []
        by_property = {path.steps[0]: self.table.implied_by(path.steps[0]) for path in paths}
        for_people = [name for name, implied in by_property.items() if not _fits(implied, next(iter(by_property.values())))]
        for value in _members(self._value(categories)):
            term = self.table.term_of(categories, value)
            if term is not None and any(_related(term[0], by_property[name]) for name in for_people):
                people[term[0]] = None
            elif term is None or self._says_more(paths[0], term[0]):
                owned.append((categories, value))
            else:
                classes[term[0]] = None
        for fact in others:
            value = self._value(fact)
            yes = self.vocabulary.facts[fact].dpv
            if isinstance(value, bool) and yes:
                no = next((name for name, text in self.table.texts.items() if text.fact == fact and name in text.values), "")
                classes[yes if value else no] = None
            elif isinstance(value, str) and (term := self.table.term_of(fact, value)):
                if self._says_more(paths[0], term[0]):
                    owned.append((fact, value))
                else:
                    classes[term[0]] = None
        classes.pop("", None)
        if classes or owned:
            personal = [name for name, implied in by_property.items() if implied in classes and name not in for_people]
            general = [name for name in by_property if name not in for_people]
            node = self._node(personal[0] if personal else general[-1])
            for each in classes:
                self._say(node, TYPE, each)
            for fact, value in owned:
                self._own(node, TYPE, _set_name(self.vocabulary, fact), value)
        for name in for_people[:1]:
            for each in people:
                node = self._node(name)
                self._say(node, TYPE, each)

    def _says_more(self, path: PropertyPath, term: str) -> bool:
        """Whether a term would say of the data what the exchange does not: that they are personal, or are not."""
        return any(
            (meant := self.table.read(path, fact, term)) is not None and meant.value != self._value(fact)
            for fact in path.facts
            if self.vocabulary.facts[fact].dpv
        )

    def _fact(self, fact: str) -> None:
        value = self._value(fact)
        if value is None or value in ([], UNKNOWN, {}):
            return
        path = self.paths[fact][0]
        type = self.vocabulary.facts[fact].type
        for each in _members(value):
            if type.kind == "id":
                self._text(self._node(path.steps[0]), path.steps[-1], each)
            elif type.values is not None and type.values.name == "country":
                if each in type.values.lineage:
                    self._say(self._node(path.steps[0]), path.steps[-1], f"loc:{each}")
                else:
                    self._own(self._node(path.steps[0]), iri(path.steps[-1]), "country", each)
            elif term := self.table.term_of(fact, each):
                subject = self.subject if len(path.steps) == 1 else self._node(path.steps[0])
                self._say(subject, path.steps[-1], term[0])
            elif type.many:
                self._own(self.subject, iri(path.steps[-1]), _set_name(self.vocabulary, fact), each)

    def _documents(self) -> None:
        for term, kinds in self.table.documents.items():
            for kind, _ in kinds:
                group, _, name = kind.partition(".")
                shown = self.transfer.request.get(group)
                document = shown.get(name) if isinstance(shown, Mapping) else None
                if not isinstance(document, Mapping) or group != "evidence":
                    continue
                classes = {term, *_upwards(term)}
                if term in self.table.grounds.values():
                    term_of_it = CONSENT_RECORD if "dpv:Consent" in classes else SAFEGUARD
                    classes = {term_of_it, *_upwards(term_of_it)}
                else:
                    term_of_it = term
                property = next((name for top, name in _BY_CLASS if top in classes), _OTHERWISE)
                node = self._unnamed(f"{group}-{name}")
                self._add(self.subject, iri(property), GraphTerm(node, "blank"))
                self._say(node, TYPE, term_of_it)
                self._text(node, "dct:identifier", kind)
                title = self.vocabulary.kinds["evidence"][name].title.in_(self.lang)
                self._text(node, "dct:title", title, language=self.lang)
                for member, said in (("dated", "dct:issued"), ("expires", "dct:valid")):
                    if isinstance(day := document.get(member), str) and day != UNKNOWN:
                        self._text(node, said, day, "date")

    def _value(self, fact: str) -> Any:
        """What the exchange states of a fact, else what the register stated; None where neither does, or it was erased."""
        found = engine.fact_at(self.transfer.request, fact)
        if found is None:
            states = (each.get("states") for each in (self.transfer.request.get(engine.REGISTER) or {}).values())
            found = next((value for each in states if each and (value := engine.fact_at(each, fact)) is not None), None)
        return None if isinstance(found, Mapping) else found

    def _node(self, property: str) -> str:
        """What a property of the record leads to: one thing, with the class that the property implies."""
        if property not in self.nodes:
            node = self.nodes[property] = self._unnamed(property.partition(":")[2].removeprefix("has"))
            self._add(self.subject, iri(property), GraphTerm(node, "blank"))
            implied = {"dpv:hasStorageCondition": "dpv:StorageLocation"}.get(property, self.table.implied_by(property))
            if implied:
                self._say(node, TYPE, implied)
        return self.nodes[property]

    def _unnamed(self, what: str) -> str:
        """A thing without a name: of this record only, whatever else stands in the document."""
        return f"_:{self.transfer.id}-{what}"

    def _own(self, subject: str, predicate: str, of: str, value: str) -> None:
        """A value with a name of this project, and its title."""
        name = f"{OURS}{of}:{value}"
        self._add(subject, predicate, GraphTerm(name))
        values = self.vocabulary.values.get(of)
        title = values.titles[value].in_(self.lang) if values is not None and value in values.titles else value
        self._text(name, "skos:prefLabel", title, language=self.lang)

    def _say(self, subject: str, predicate: str, term: str) -> None:
        self._add(subject, TYPE if predicate in (TYPE, engine.RDF_TYPE) else iri(predicate), GraphTerm(iri(term)))

    def _text(self, subject: str, predicate: str, text: str, type: str = "", language: str = "") -> None:
        self._add(subject, iri(predicate), GraphTerm(text, "literal", XSD + type if type else "", language))

    def _add(self, subject: str, predicate: str, object: GraphTerm) -> None:
        self.found[GraphTriple(subject, predicate, object)] = None


UNKNOWN = "unknown"


def _members(value: Any) -> list[str]:
    if isinstance(value, list):
        return [each for each in value if isinstance(each, str)]
    return [value] if isinstance(value, str) else []


def _set_name(vocabulary: Any, fact: str) -> str:
    values = vocabulary.facts[fact].type.values
    return str(values.name) if values is not None else fact


def _upwards(short: str) -> tuple[str, ...]:
    found: dict[str, None] = {}
    level = [short]
    while level:
        term = [engine.dpv_terms()[each] for each in level if each in engine.dpv_terms()]
        level = [above for each in term for above in (*each.broader, *each.kinds) if above not in found]
        found |= dict.fromkeys(level)
    return tuple(found)


def _fits(implied: str, general: str) -> bool:
    """Whether two properties lead to things of one class, or one to a kind of the other's."""
    return implied == general or general in _upwards(implied) or implied in _upwards(general)


def _related(term: str, implied: str) -> bool:
    """Whether a term is said of what a property leads to: it means less, or both are of one kind."""
    above = set(_upwards(term))
    return implied in above or bool(above & set(engine.dpv_terms()[implied].broader))
