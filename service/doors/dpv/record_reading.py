"""
Records in terms of the Data Privacy Vocabulary read as exchanges: statements of a document go in, facts with their places come out.

A record is taken to name all purposes, categories and countries that it means. What is not understood is listed by name, and leaves open
what it may have said: a set then holds `unknown`, and a fact with one value is left out. Nothing is decided here.
"""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import engine
from service.doors.dpv.term_table import LOCATIONS, DpvTable, PropertyPath
from service.doors.graphs import TYPE, GraphRefused, GraphTerm, GraphTriple

UNKNOWN = "unknown"
MOST_RECORDS = 1_000
_MEANS_MORE = "it means more than any value here does"
_CUT = 200  # characters of a name in a sentence


@dataclass(frozen=True, slots=True)
class DpvFact:
    """A fact that a record states: its value, the places in the document, and the terms there."""

    fact: str
    value: Any
    pointers: tuple[str, ...]
    terms: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class DpvUnread:
    """A term that was not understood, where it stands, and why."""

    term: str
    pointer: str
    why: str


@dataclass(frozen=True, slots=True)
class DpvReading:
    """
    One record: its name in the document, the exchange as nested facts, where each is from, and what was not understood.

    `others` are the properties of other vocabularies that it has; they are not read.
    """

    record: str
    exchange: dict[str, Any]
    facts: tuple[DpvFact, ...]
    not_understood: tuple[DpvUnread, ...]
    others: tuple[str, ...] = ()

    @property
    def terms_not_understood(self) -> tuple[str, ...]:
        """The terms that were not understood, each once."""
        return tuple(dict.fromkeys(each.term for each in self.not_understood))


@dataclass(slots=True)
class _Stated:
    """What was said of one fact: each place that spoke of it, with the values read there."""

    places: list[tuple[frozenset[Any], tuple[str, ...], str]] = field(default_factory=list)
    open: bool = False


def read_records(triples: Sequence[GraphTriple], table: DpvTable, lang: str = "en") -> tuple[DpvReading, ...]:
    """Every record of a document, in its order. Raises GraphRefused where there is none, or more than MOST_RECORDS."""
    document = _Document(triples, table)
    roots = document.records()
    if not roots:
        raise GraphRefused(
            "the document has no record: nothing in it has a property of DPV that states a fact, like `dpv:hasPurpose`; "
            f"the namespace of DPV is {engine.DPV_NAMESPACES['dpv']}"
        )
    if len(roots) > MOST_RECORDS:
        raise GraphRefused(f"the document has more than {MOST_RECORDS:,} records; send them in several documents")
    return tuple(_RecordReader(document, table, root, lang).read() for root in roots)


class _Document:
    def __init__(self, triples: Sequence[GraphTriple], table: DpvTable) -> None:
        self.table = table
        self.of: dict[str, list[GraphTriple]] = {}
        self.short = {iri: table.short(iri) for each in triples for iri in (each.predicate, each.object.text)}
        for each in triples:
            self.of.setdefault(each.subject, []).append(each)

    def property_of(self, triple: GraphTriple) -> str:
        """The property of a statement by its short name, or the nearest broader one that the mapping reads."""
        name = self.short[triple.predicate]
        read = {path.steps[0] for path in self.table.paths} | self.table.parts
        return next((each for each in self.table.leads_to(name) if each in read or each in self.table.texts), name)

    def records(self) -> tuple[str, ...]:
        """
        The records, in the order of the document: each thing with a property that states facts, that is no other's party or data.

        A part is read with the record that has it. Of a record with several parts each part is read by itself.
        """
        first = {path.steps[0] for path in self.table.paths}
        parts = {name: self._parts(name) for name in self.of}
        inside = {part for found in parts.values() for part in found}
        speaks = []
        for name, said in self.of.items():
            if not self._is_rule(said) and any(self.property_of(each) in first for each in said):
                speaks.append(name)
        # Whatever else a property of DPV leads to, such as a prohibition, is no record of its own.
        inside |= {
            each.object.text
            for name, said in self.of.items()
            for each in said
            if each.object.kind != "literal" and each.object.text != name and self.table.is_dpv(self.short[each.predicate])
        }
        found: dict[str, None] = {}
        todo = [name for name in self.of if (name in speaks or parts[name]) and name not in inside][::-1]
        seen: set[str] = set()
        while todo:
            name = todo.pop()
            if name in seen:
                continue
            seen.add(name)
            below = parts.get(name, ())
            while len(below) == 1 and len(parts.get(below[0], ())) == 1 and below[0] not in seen:
                seen.add(below[0])
                below = parts[below[0]]
            deeper = below if len(below) > 1 else parts.get(below[0], ()) if below else ()
            if len(deeper) > 1:
                todo += reversed(deeper)
            else:
                found[name] = None
        return tuple(found)

    def _is_rule(self, said: Sequence[GraphTriple]) -> bool:
        """Whether the classes of a thing say that it is no record of what is done."""
        return any(each.predicate == TYPE and self.table.why_no_fact(self.short[each.object.text], "en") for each in said)

    def _parts(self, name: str) -> tuple[str, ...]:
        return tuple(
            each.object.text
            for each in self.of[name]
            if each.object.kind != "literal"
            and each.object.text in self.of
            and each.object.text != name
            and self.property_of(each) in self.table.parts
        )

    def holders(self, record: str) -> Iterator[str]:
        """What has a record as its part, the nearest first; what it says is said of the part too."""
        seen, level = {record}, [record]
        while level:
            level = [
                subject
                for subject, said in self.of.items()
                if subject not in seen
                and any(each.object.text in level and self.property_of(each) in self.table.parts for each in said)
            ]
            seen |= set(level)
            yield from level

    def parts_of(self, record: str) -> Iterator[str]:
        """The parts of a record, however deep."""
        seen, todo = {record}, [record]
        while todo:
            for each in self.of.get(todo.pop(), ()):
                name = each.object.text
                if name not in seen and each.object.kind != "literal" and self.property_of(each) in self.table.parts:
                    seen.add(name)
                    todo.append(name)
                    yield name


class _RecordReader:
    def __init__(self, document: _Document, table: DpvTable, record: str, lang: str) -> None:
        self.document = document
        self.table = table
        self.record = record
        self.lang = lang
        self.stated: dict[str, _Stated] = {}
        self.unread: dict[tuple[str, str], DpvUnread] = {}
        self.left_open: set[str] = set()
        self.others: set[str] = set()
        self.documents: dict[str, tuple[Any, str, str]] = {}
        names = (record, *document.parts_of(record), *document.holders(record))
        self.triples = [each for name in names for each in document.of.get(name, ())]
        self.implied: dict[str, list[str]] = {}
        for each in self.triples:
            if each.object.kind != "literal" and (name := table.implied_by(document.short[each.predicate])):
                self.implied.setdefault(each.object.text, []).append(name)

    def read(self) -> DpvReading:
        by_first: dict[str, list[PropertyPath]] = {}
        for path in self.table.paths:
            by_first.setdefault(path.steps[0], []).append(path)
        nodes: dict[str, dict[str, None]] = {}
        exporters = {
            each.object.text
            for each in self.triples
            for path in by_first.get(self.document.property_of(each), ())
            if path.facts[0].partition(".")[0] == "exporter"
        }
        things: dict[str, set[str]] = {}
        for each in self.triples:
            property = self.document.property_of(each)
            paths = by_first.get(property, ())
            groups = {path.facts[0].partition(".")[0] for path in paths if len(path.steps) > 1}
            if "recipient" in groups and each.object.text in exporters and self.document.short[each.predicate] != property:
                paths = ()  # one who exports is named by its role too
            for group in groups if paths else ():
                nodes.setdefault(group, {})[each.object.text] = None
            spoke: dict[str, bool] = {}
            for path in paths:
                things.setdefault(each.object.text, set()).add(property)
                told = self._follow(path, each, exact=self.document.short[each.predicate] == property)
                spoke[path.facts[0]] = told or spoke.get(path.facts[0], False)
            for fact in (name for name, told in spoke.items() if not told):  # of this thing nobody says it
                self._open_fact(fact)
        several = {group for group, found in nodes.items() if len(found) > 1}
        self._rest(by_first, things)
        of_things = {fact for path in self.table.paths if len(path.steps) > 1 for fact in path.facts}
        for fact in [name for name in self.stated if name in of_things and name.partition(".")[0] in several]:
            if not self._is_set(fact):
                del self.stated[fact]
        for group in sorted(several & {"exporter", "recipient"}):
            name = next(iter(nodes[group]))
            self._not_read(
                name, "", f"an exchange has one {group}, and the record names {len(nodes[group])}; send one record for each"
            )
        return self._reading()

    def _follow(self, path: PropertyPath, triple: GraphTriple, exact: bool) -> bool:
        """Whether the record says something at the end of a path that begins here."""
        if len(path.steps) == 1:
            self._end(path, triple.object, triple.pointer, exact, path.steps[0])
            return True
        if triple.object.kind == "literal":
            self._not_read(triple.object.text, triple.pointer, "a text stands where a thing is meant")
            return False
        last = path.steps[1]
        if last == engine.RDF_TYPE:
            name = self.document.short[triple.object.text]
            classes = [each for each in self._classes_of(triple.object) if each != name or self.table.is_dpv(name)]
            self._classes(path, classes, triple.pointer, path.steps[0])
            return True
        ends = [each for each in self.document.of.get(triple.object.text, ()) if self.document.short[each.predicate] == last]
        for each in ends:
            self._end(path, each.object, each.pointer, True, last)
        return bool(ends)

    def _end(self, path: PropertyPath, term: GraphTerm, pointer: str, exact: bool, property: str) -> None:
        fact = path.facts[0]
        type = self.table.bundle.vocabulary.facts[fact].type
        if type.kind == "id":
            if term.kind == "literal" and term.text.strip():
                self._put(fact, [term.text], (), pointer)
            else:
                self._not_read(term.text, pointer, "an identifier is a text")
            return
        if type.values is not None and type.values.name == "country":
            self._country(fact, type.values, term, pointer)
            return
        if term.kind == "literal":
            self._not_read(term.text, pointer, "a text stands where a term of the vocabulary is meant")
            self._open(path)
            return
        self._classes(path, self._classes_of(term), pointer, property)
        if not exact:
            self._open(path)

    def _country(self, fact: str, values: engine.ValueSet, term: GraphTerm, pointer: str) -> None:
        name = term.text.removeprefix(LOCATIONS) if term.kind == "iri" else term.text.strip()
        if name in values.lineage:
            self._put(fact, [name], (self.document.short.get(term.text, name),), pointer)
        else:
            self._not_read(self.document.short.get(term.text, term.text), pointer, "it is no country that is known here")
            self.stated.setdefault(fact, _Stated()).open = True

    def _classes_of(self, term: GraphTerm) -> tuple[str, ...]:
        """The classes of a thing, by short names: itself where it is a term, what its types say, and what the record calls it."""
        found = [
            self.document.short[each.object.text] for each in self.document.of.get(term.text, ()) if each.predicate == TYPE
        ]
        name = self.document.short.get(term.text, term.text)
        if self.table.is_dpv(name):
            return tuple(dict.fromkeys((name, *found)))
        if not found:
            found.append(name)
        found += self.implied.get(term.text, ())
        return tuple(dict.fromkeys(found))

    def _classes(self, path: PropertyPath, classes: Sequence[str], pointer: str, property: str) -> None:
        """What the classes of one thing state at the end of a path."""
        facts = path.facts
        said: dict[str, set[Any]] = {fact: set() for fact in facts}
        terms: dict[str, list[str]] = {fact: [] for fact in facts}
        documents = self._documents(classes, pointer)
        neutral = {self.table.implied_by(property), *self.table.leads_to(self.table.implied_by(property))}
        unsaid = generals = False
        narrow = self.table.most_narrow(classes)
        for name in classes:
            if name in documents or (name not in narrow and not self._is_value_itself(path, name)):
                continue
            understood = False
            for fact in facts:
                if meant := self.table.read(path, fact, name):
                    understood = True
                    said[fact].add(meant.value)
                    terms[fact].append(name)
                    if not meant.whole and self._is_set(fact):
                        self.stated.setdefault(fact, _Stated()).open = True
            general = self.table.is_general(facts[0], name)
            if not understood and general:
                generals = True
                if name not in neutral:
                    only = _MEANS_MORE if self.table.means_more(facts[0], name) else "it says only of which kind this is"
                    self._not_read(name, pointer, only)
            elif not understood and name not in neutral and not (name.startswith("_:") and classes != (name,)):
                unsaid = True
                means_more = any(self.table.means_more(fact, name) for fact in facts)
                self._not_read(name, pointer, _MEANS_MORE if means_more else self._why(name))
        for fact in facts:
            if said[fact] or not self._is_set(fact):
                self._put(fact, sorted(said[fact], key=str), tuple(terms[fact]), pointer)
        if unsaid or (generals and not said[facts[0]]) or (not said[facts[0]] and any(said[fact] for fact in facts[1:])):
            for fact in facts:
                if unsaid or self._is_set(fact) or not said[fact]:
                    self._open_fact(fact)

    def _is_value_itself(self, path: PropertyPath, name: str) -> bool:
        """Whether a class that is broader than another class of the same thing is a value of a set beside it."""
        return any(self._is_set(fact) and (meant := self.table.read(path, fact, name)) and meant.whole for fact in path.facts)

    def _documents(self, classes: Sequence[str], pointer: str) -> frozenset[str]:
        """The classes that name documents or claims; each is presented, or unknown where the term means more than it."""
        found = {name for name in classes if self.table.documents.get(name)}
        for name in found:
            if why := self.table.why_no_fact(name, self.lang):
                self._not_read(name, pointer, why)
                continue
            for kind, same in self.table.documents[name]:
                self.documents.setdefault(kind, ({} if same else UNKNOWN, pointer, name))
            if not any(same for _, same in self.table.documents[name]):
                self._not_read(name, pointer, "it may be any of several documents here, and which it is, is asked")
        return frozenset(found)

    def _why(self, name: str) -> str:
        if why := self.table.why_no_fact(name, self.lang):
            return why
        if self.table.is_dpv(name) and name not in engine.dpv_terms():
            return "; ".join(filter(None, (f"DPV {engine.DPV_VERSION} has no such term", self.table.suggestion(name))))
        return "no fact here means this"

    def _rest(self, by_first: Mapping[str, Sequence[PropertyPath]], things: Mapping[str, set[str]]) -> None:
        """List the properties that state nothing here."""
        for each in self.triples:
            name, property = self.document.short[each.predicate], self.document.property_of(each)
            if property in self.table.parts and (each.object.kind == "literal" or each.object.text not in self.document.of):
                self._not_read(name, each.pointer, "the part is not described in the document")
                self._open_all()
            self._leave_open(property)
            if each.predicate != TYPE and not self.table.is_dpv(name):
                self.others.add(name[:_CUT])
            if each.predicate == TYPE or property in by_first or property in self.table.parts or not self.table.is_dpv(name):
                continue
            if each.object.text in things and self.table.implied_by(name):
                continue  # the role of a party that the record names by its part in the transfer
            self._not_read(name, each.pointer, self._why(name))
            if name not in engine.dpv_terms():
                self._open_all()
        for thing, firsts in things.items():
            seconds = {path.steps[1] for first in firsts for path in by_first[first] if len(path.steps) > 1}
            for each in self.document.of.get(thing, ()):
                name, property = self.document.short[each.predicate], self.document.property_of(each)
                if each.predicate != TYPE and not self.table.is_dpv(name):
                    self.others.add(name[:_CUT])
                if name in seconds or not self.table.is_dpv(name):
                    continue
                self._leave_open(property)
                self._not_read(name, each.pointer, self._why(name))
                # What a record says itself is said here of a part of it, and is not followed: there may be more than was read.
                for path in by_first.get(property, ()):
                    for fact in path.facts:
                        self.stated.setdefault(fact, _Stated()).open = True

    def _leave_open(self, property: str) -> None:
        """Nothing is known of the facts that a property leaves open."""
        text = self.table.texts.get(property)
        for fact in text.leaves_open if text else ():
            self.stated.pop(fact, None)
            self.left_open.add(fact)

    def _is_certain_yes(self, fact: str, value: Any) -> bool:
        """Whether a yes stands whatever else is said: data are personal where some of them are."""
        return value is True and self._is_yes_or_no(fact)

    def _open_all(self) -> None:
        for fact in tuple(self.stated):
            self._open_fact(fact)

    def _is_set(self, fact: str) -> bool:
        return self.table.bundle.vocabulary.facts[fact].type.many

    def _put(self, fact: str, values: Sequence[Any], terms: tuple[str, ...], pointer: str) -> None:
        self.stated.setdefault(fact, _Stated()).places.append((frozenset(values), terms, pointer))

    def _open(self, path: PropertyPath) -> None:
        for fact in path.facts:
            self._open_fact(fact)

    def _open_fact(self, fact: str) -> None:
        """Something may have been said of a fact that was not understood: a set may hold more, and a no is not certain."""
        if self._is_set(fact) or self._is_yes_or_no(fact):
            self.stated.setdefault(fact, _Stated()).open = True

    def _is_yes_or_no(self, fact: str) -> bool:
        return self.table.bundle.vocabulary.facts[fact].type.kind == "yes/no"

    def _not_read(self, term: str, pointer: str, why: str) -> None:
        self.unread.setdefault((term, pointer), DpvUnread(term[:_CUT], pointer, why))

    def _reading(self) -> DpvReading:
        facts = []
        for fact, stated in self.stated.items():
            if fact in self.left_open:
                continue
            spoken = [place for place in stated.places if place[0]]
            values = sorted({value for place in spoken for value in place[0]}, key=str)
            if not values:
                continue
            if self._is_set(fact):
                value: Any = [*values, UNKNOWN] if stated.open else values
            elif len(values) == 1 and (
                self._is_certain_yes(fact, values[0]) or (len(spoken) == len(stated.places) and not stated.open)
            ):
                value = values[0]
            else:
                if len(values) > 1:
                    for place in spoken:
                        said = " and ".join(f"`{each}`" for each in values)
                        self._not_read(
                            ", ".join(place[1]) or fact, place[2], f"`{fact}` has one value, and the record says {said}"
                        )
                continue
            pointers = tuple(dict.fromkeys(place[2] for place in spoken))
            facts.append(DpvFact(fact, value, pointers, tuple(dict.fromkeys(term for place in spoken for term in place[1]))))
        for kind, (document, pointer, term) in sorted(self.documents.items()):
            facts.append(DpvFact(kind, document, (pointer,), (term,)))
        order = {name: number for number, name in enumerate(self.table.bundle.vocabulary.facts)}
        facts.sort(key=lambda each: (order.get(each.fact, len(order)), each.fact))
        unread = sorted(self.unread.values(), key=lambda each: (each.term, each.pointer))
        return DpvReading(
            self.record,
            engine.with_facts_set({}, {each.fact: each.value for each in facts}),
            tuple(facts),
            tuple(unread),
            tuple(sorted(self.others)),
        )
