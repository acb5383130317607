"""
The reader of exchanges: JSON bytes in, an exchange of typed facts out.

The pydantic model and the JSON Schema are made from the loaded vocabulary. An unknown fact, a wrong type, a `null` or a bad date is
therefore refused at its place, before anything is decided. So is what cannot be true together, at every place that takes part. Source:
semantics 1.2 to 1.5, 1.7, 1.8, 2.1, 2.3, 2.7, 2.8, 2.11.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import replace
from datetime import date
from functools import cache, partial
from typing import Any

from pydantic import ValidationError

from engine.books.benefit_filling import BenefitsReader
from engine.books.chains import Reckoner
from engine.books.filling import BookReader
from engine.books.grants import BookFacts
from engine.books.page import BOOKS, BookPage, read_pages
from engine.exchange import REGISTER, Contradiction, Exchange, OpenBook
from engine.exchange_input.exchange_problems import (
    INCOHERENT,
    MAX_PROBLEMS,
    ExchangeProblem,
    ExchangeRefused,
    Refusals,
    pointer,
)
from engine.exchange_input.exchange_shape import SHAPES, in_present_shape, registered_validator, sent_shape, sent_validator
from engine.exchange_input.ledger_shares import SHARES, LedgerShares, ShareSaid
from engine.exchange_input.own_counts import OwnCounts
from engine.exchange_input.sent_statements import Statements
from engine.exchange_input.strict_json import read_object
from engine.policy_language.derived_facts import Followers
from engine.policy_language.diagnostic import did_you_mean
from engine.policy_language.public_recipient import EVERYONE
from engine.policy_language.settlement_facts import settlement_facts
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary, stated_in
from engine.register_facts import IN_REGISTER, REGISTERED, RegisteredEntity, doubt_facts, join_facts, with_known_ids
from engine.rules import AS_OF
from engine.values import MAX_TEXT, Document, Range, Value
from engine.values.multilingual import Words

MAX_BYTES = 256 * 1024
MAX_ENTITIES = 16
MAX_ALIASES = 16  # of an entity
MAX_KEY = 100  # characters of the name of a fact, and of a kind of entities


class ExchangeReader:
    """Reads exchanges against one vocabulary. Each bundle makes one."""

    def __init__(
        self,
        vocabulary: Vocabulary,
        requirements: frozenset[str],
        grounds: frozenset[str],
        travelling: frozenset[str] = frozenset(),
        contradictions: Callable[..., Iterable[Contradiction]] = lambda *_, **__: (),
    ) -> None:
        self._vocabulary = vocabulary
        self._recipient = vocabulary.recipient
        self._contradictions = contradictions
        self._travelling = travelling
        self._ways = requirements | grounds
        # Made when they are first needed: that takes long, and many bundles read no exchange, or none with a register.
        self._model = cache(partial(sent_shape, vocabulary))
        self._sent = cache(partial(sent_validator, vocabulary))
        self._states = cache(partial(registered_validator, vocabulary))
        self._sets = {fact.name: fact.type.values for fact in vocabulary.facts.values()}
        self._closing = {f"{family}.rest": members for family, members in vocabulary.families.items()}
        self.own_counts = OwnCounts(vocabulary)
        self._shares = LedgerShares.of(vocabulary)
        self._refusals = Refusals(vocabulary, self._sent)
        self.words = self._refusals.words  # what people call facts, values and documents
        self._followers = Followers(vocabulary.facts.values())
        self._books = tuple(map(self._book_reader, vocabulary.books.values()))
        settlement = settlement_facts(vocabulary)
        self.benefits = BenefitsReader(settlement) if settlement is not None and settlement.name else None
        self._personal = {fact.name: pointer(fact.name.split(".")) for fact in vocabulary.facts.values() if fact.personal}

    def make_ready(self) -> None:
        """Make what would otherwise be made for the first exchange, which would wait."""
        self._sent()
        self._states()

    def schema(self) -> dict[str, Any]:
        """The JSON Schema (2020-12) of an exchange under this vocabulary, as a sender writes it: without `register`."""
        found = self._model().json_schema(mode="validation")
        ways = found["properties"]["relies_on"]
        # JSON Schema has no empty enumeration.
        ways |= {"items": {"enum": sorted(self._ways)}} if self._ways else {"items": {"type": "string"}, "maxItems": 0}
        return {"$schema": "https://json-schema.org/draft/2020-12/schema", **found}

    def read(self, raw: bytes) -> Exchange:
        """Read the bytes of one JSON object. Raises ExchangeRefused with every problem found."""
        return self.accept(read_object(raw, MAX_BYTES))

    def accept(self, document: Mapping[str, Any]) -> Exchange:
        """Read an exchange from a JSON object that was read strictly. Raises ExchangeRefused with every problem found."""
        return self.put_together(document, self.statements(document))

    def statements(self, document: Mapping[str, Any]) -> Statements:
        """What a JSON object states, each by itself. Raises ExchangeRefused where one has not the shape that it must have."""
        sent = {name: value for name, value in document.items() if name not in (REGISTER, BOOKS, SHARES)}
        problems: list[ExchangeProblem] = []
        register, personal = self._registered(document[REGISTER], problems) if REGISTER in document else ({}, [])
        try:
            tree = self._sent().validate_python(in_present_shape(self._vocabulary, sent, sent.get("schema")))
        except ValidationError as failed:
            raise ExchangeRefused((*self._refusals.problems(failed, sent), *problems)[:MAX_PROBLEMS]) from None
        as_of: date | None = tree.pop(AS_OF, None)
        relies_on: tuple[str, ...] = tree.pop("relies_on", ())
        carried: tuple[tuple[str, str], ...] = tree.pop("carried", ())
        tree.pop("schema", None)
        recipient = self._recipient
        everyone = recipient if isinstance(tree.get(recipient), str) else ""
        tree.pop(everyone, None)  # nothing is stated of one party
        values: dict[str, Value] = {}
        _flatten(tree, "", values)
        return Statements(values, as_of, relies_on, carried, everyone, register, tuple(personal), tuple(problems))

    def put_together(self, document: Mapping[str, Any], stated: Statements, beside: Exchange | None = None) -> Exchange:
        """
        The exchange in a document that states this, with all that follows. Raises ExchangeRefused with every problem found.

        `beside` is an accepted exchange: what contradicts nothing there is not read again where it is the same here.
        """
        problems, register, everyone = list(stated.problems), stated.register, stated.everyone
        values = dict(stated.values)
        personal = [*stated.personal, *self._personal_in(values)]
        follows = self._close(values)
        problems += _otherwise(self._followers.said_of_sets(values, follows))
        sources: Mapping[str, str] = {}
        if register:
            values, sources = join_facts(values, self._of_all(values, register, problems), self._sets)
            values |= with_known_ids(values, register, self._vocabulary.measures)
            values = doubt_facts(values, self._of_alike(register))
        self._followers.follow(values, follows)
        pages = self._pages(document[BOOKS], problems) if BOOKS in document else {}
        problems += self._not_public(values, everyone)
        problems += [
            *self.own_counts.count(values, follows),
            *self._unknown_ways(stated.relies_on),
            *self._not_travelling(stated.carried),
        ]
        exchange = Exchange(
            document,
            values,
            stated.as_of,
            stated.relies_on,
            tuple(sorted(personal)),
            stated.carried,
            follows,
            register=register,
            sources=sources,
            everyone=everyone,
        )
        for fact, value in self.own_counts.without_ledger.items():
            if fact not in values:
                values[fact], follows[fact] = value, ()
        if self._books or self.benefits:
            exchange = self._opened(exchange, pages)
            problems += self._not_agreed(exchange, stated.values)
        if self._shares.each:
            exchange = self._shares.filled(
                exchange, self._said_of_shares(document[SHARES], problems) if SHARES in document else {}
            )
        problems += self._incoherent(exchange, frozenset(stated.values), beside)
        if problems:
            raise ExchangeRefused(tuple(problems[:MAX_PROBLEMS]))
        return exchange

    def _not_public(self, values: Mapping[str, Value], everyone: str) -> Iterator[ExchangeProblem]:
        """A problem where the public is named as if it were one party, by an id, or where the register has facts of one beside it."""
        if everyone and any(name.startswith(f"{everyone}.") for name in values):
            detail = "is the public, and the register states facts of one party; name one of the two"
            yield ExchangeProblem(pointer((everyone,)), "two-values", detail)
        fact = f"{self._recipient}.id"
        id = values.get(fact)
        if isinstance(id, str) and id.casefold() in EVERYONE:
            detail = f'is no id of a party; write `{{"{self._recipient}": "{id.casefold()}"}}`'
            yield ExchangeProblem(pointer(fact.split(".")), "wrong-value", detail)

    def _not_agreed(self, exchange: Exchange, sent: Mapping[str, Value]) -> Iterator[ExchangeProblem]:
        """A problem at each share that is stated otherwise than the agreement says that the exchange names."""
        if self.benefits is not None and exchange.benefits is not None:
            for fact in self.benefits.differing(exchange.benefits, sent):
                detail = "differs from the agreement that the exchange names; leave it out, or name no agreement"
                yield ExchangeProblem(pointer(fact.split(".")), INCOHERENT, detail)

    def with_books(self, exchange: Exchange, pages: Mapping[str, BookPage]) -> Exchange:
        """
        The same exchange with what some books say of it, in its document too; `pages` are those of its exporter and asset, by book.

        Books that it was opened with before are closed first.
        """
        values = dict(exchange.values)
        for book in exchange.books:
            for fact in book.entry.values.keys() - book.stated.keys():
                values.pop(fact, None)
            values |= book.stated
        document = {name: value for name, value in exchange.document.items() if name != BOOKS}
        if pages:
            document[BOOKS] = {
                name: page.model_dump(mode="json", exclude_defaults=True) for name, page in sorted(pages.items())
            }
        before = {book.reader.book.name for book in exchange.books}
        touched = [reader.book for reader in self._books if reader.book.name in before or reader.book.name in pages]
        filled = {fact for book in touched for fact in (book.held, *book.fills)}
        filled |= {fact for book in exchange.books for fact in book.entry.values}
        follows = {name: sent for name, sent in exchange.follows.items() if name not in filled}
        sources = {name: source for name, source in exchange.sources.items() if name not in filled or source == REGISTERED}
        bare = replace(exchange, document=document, values=values, follows=follows, sources=sources, books=())
        return self._opened(bare, pages)

    def with_shares(self, exchange: Exchange, said: Any) -> Exchange:
        """An exchange with what a ledger says of its shares, as JSON, in its document too. Raises ValueError."""
        return self._shares.filled(replace(exchange, document={**exchange.document, SHARES: said}), self._shares.read(said))

    def _said_of_shares(self, sent: Any, problems: list[ExchangeProblem]) -> dict[str, ShareSaid]:
        """What the ledger says of shares; a problem where it cannot be read."""
        try:
            return self._shares.read(sent)
        except ValueError as wrong:
            problems.append(ExchangeProblem(f"/{SHARES}", "wrong-value", str(wrong)))
            return {}

    @property
    def books(self) -> tuple[BookReader, ...]:
        """The books of the vocabulary."""
        return self._books

    def _book_reader(self, book: BookFacts) -> BookReader:
        purposes, territory = (self._vocabulary.facts[fact].type.values for fact in (book.purposes, book.territory))
        assert purposes and territory
        measures = self._vocabulary.measures_of(book.proof) if book.proof else ()
        return BookReader(book, Reckoner(purposes, territory), measures)

    def _pages(self, sent: Any, problems: list[ExchangeProblem]) -> dict[str, BookPage]:
        """What the books say; a problem where it cannot be read."""
        try:
            return read_pages(sent, self._vocabulary.books, self.benefits.book.name if self.benefits else "")
        except ValueError as wrong:
            problems.append(ExchangeProblem(f"/{BOOKS}", "wrong-value", str(wrong)))
            return {}

    def _opened(self, exchange: Exchange, pages: Mapping[str, BookPage]) -> Exchange:
        """The exchange with what the books fill in: of a book without a page, that it has no line of the asset, or which asset it is."""
        values, follows, sources = dict(exchange.values), dict(exchange.follows), dict(exchange.sources)
        opened = []
        for reader in self._books:
            book = OpenBook.at(reader, pages.get(reader.book.name), values)
            values |= book.entry.values
            follows |= book.entry.follows
            sources |= book.entry.sources
            if book.page is not None or not isinstance(values.get(reader.book.of), str):
                opened.append(book)
        if self.benefits is not None:
            book = OpenBook.at(self.benefits, pages.get(self.benefits.book.name), values)
            values |= book.entry.values
            follows |= book.entry.follows
            sources |= book.entry.sources
            opened.append(book)
        return replace(exchange, values=values, follows=follows, sources=sources, books=tuple(opened))

    def _incoherent(self, exchange: Exchange, sent: frozenset[str], beside: Exchange | None) -> Iterator[ExchangeProblem]:
        """A problem for each place that takes part in a contradiction. What follows from other facts was not sent and has no place."""
        for each in self._contradictions(exchange, changed=_differing(exchange.values, beside.values) if beside else None):
            for name in dict.fromkeys(self._place(fact, exchange, sent) for fact in each.facts):
                if name:
                    yield ExchangeProblem(name, INCOHERENT, each.says.en, each.says)

    def _place(self, fact: str, exchange: Exchange, sent: frozenset[str]) -> str:
        """Where a fact was stated: by the register, or where it was sent itself or what closes its family; as a pointer."""
        stated = stated_in(fact)
        if exchange.sources.get(stated) == REGISTERED:
            key = next(key for key, entity in exchange.register.items() if entity and stated in entity.states)
            return pointer((REGISTER, key, "states", *_steps(fact)))
        group, _, rest = fact.partition(".")
        if group in DOCUMENT_GROUPS:
            kind, _, field = rest.rpartition(".")
            return pointer((group, kind, field) if f"{group}.{kind}" in sent else (group, rest))
        family = self._vocabulary.facts[fact].family
        found = next((name for name in (fact, f"{family}.rest") if name in sent), "")
        return pointer(found.split(".")) if found else ""

    def _close(self, values: dict[str, Value]) -> dict[str, tuple[str, ...]]:
        """Close families that have `rest`; gives each member that follows from it, with that statement."""
        follows: dict[str, tuple[str, ...]] = {}
        for rest, members in self._closing.items():
            if values.pop(rest, None) is not None:
                for member in members:
                    if member not in values:
                        values[member] = Range.exact(0)
                        follows[member] = (rest,)
        return follows

    def _registered(self, sent: Any, problems: list[ExchangeProblem]) -> tuple[dict[str, RegisteredEntity | None], list[str]]:
        """What the register says of each entity, and pointers to the personal values in it. Adds every problem to `problems`."""
        found: dict[str, RegisteredEntity | None] = {}
        personal: list[str] = []
        if not isinstance(sent, dict) or len(sent) > MAX_ENTITIES:
            detail = f'must be an object with at most {MAX_ENTITIES} members like {{"recipient.id": {{"states": …}}}}'
            problems.append(ExchangeProblem(f"/{REGISTER}", "wrong-type", detail))
            return found, personal
        for key, entry in sent.items():
            at, states = (REGISTER, key), dict[str, Value]()
            match entry:
                case _ if not 0 < len(key) <= MAX_KEY:
                    problems.append(ExchangeProblem(pointer(at), "unknown-key", f"a name has 1 to {MAX_KEY} characters"))
                case {"known": False, **rest} if not rest.keys() - {"kind"} and isinstance(rest.get("kind", ""), str):
                    found[key] = None
                case dict() as members if (entity := _entity(members, states)) is not None:
                    said = in_present_shape(self._vocabulary, members.get("states", {}), members.get("schema"))
                    try:
                        _flatten(self._states().validate_python(said), "", states)
                    except ValidationError as failed:
                        problems += self._refusals.problems(failed, said, (*at, "states"))
                    personal += self._personal_in(states, pointer((*at, "states")))
                    self._close(states)
                    problems += _otherwise(self._followers.said_of_sets(states, {}), (*at, "states"))
                    found[key] = entity
                    if key in self._personal and "also" in members:
                        personal.append(pointer((*at, "also")))
                case _:
                    detail = 'must be {"kind": …, "version": …, "states": {…}}, or {"kind": …, "known": false}'
                    problems.append(ExchangeProblem(pointer(at), "wrong-value", detail))
        return found, personal

    def _of_all(
        self, stated: Mapping[str, Value], register: Mapping[str, RegisteredEntity | None], problems: list[ExchangeProblem]
    ) -> dict[str, Value]:
        """What all entities state together, and which ids are in the register; two values of one fact are a problem."""
        found: dict[str, Value] = {}
        for key, entity in register.items():
            if self._is_id(key):
                found[key + IN_REGISTER] = entity is not None and not entity.alike
            for fact, value in entity.states.items() if entity and not entity.alike else ():
                mine = stated.get(fact)
                presented = isinstance(mine, Document) and mine.state == "shown"
                if found.setdefault(fact, value) != value and not presented:
                    detail = "differs from what another entity of the exchange states; send the one that counts"
                    at = (REGISTER, key, "states", *_steps(fact))
                    problems.append(ExchangeProblem(pointer(at), "two-values", detail))
        return found

    def _of_alike(self, register: Mapping[str, RegisteredEntity | None]) -> dict[str, Value]:
        """What the entities state together that ids only look like, and that these ids are in the register."""
        alike = {key: entity for key, entity in register.items() if entity and entity.alike}
        found = {fact: value for entity in alike.values() for fact, value in entity.states.items()}
        return found | {key + IN_REGISTER: True for key in alike if self._is_id(key)}

    def _is_id(self, fact: str) -> bool:
        known = self._vocabulary.facts.get(fact)
        return known is not None and known.type.kind == "id"

    def _unknown_ways(self, relies_on: Any) -> list[ExchangeProblem]:
        return [
            ExchangeProblem(
                f"/relies_on/{n}",
                "unknown-way",
                f"`{way[:80]}` is neither a requirement nor a ground; {did_you_mean(way, self._ways)}".rstrip("; "),
            )
            for n, way in enumerate(relies_on)
            if way not in self._ways
        ]

    def _not_travelling(self, carried: Iterable[tuple[str, str]]) -> list[ExchangeProblem]:
        return [
            ExchangeProblem(
                f"/carried/{n}/provision",
                "unknown-provision",
                f"`{provision[:80]}` is not a provision whose conditions travel; {did_you_mean(provision, self._travelling)}".rstrip(
                    "; "
                ),
            )
            for n, (provision, _) in enumerate(carried)
            if provision not in self._travelling
        ]

    def _personal_in(self, sent: Mapping[str, Value], under: str = "") -> list[str]:
        """Pointers to the personal values among those that were sent; `under` is the pointer to the whole of them."""
        found = [under + at for name, at in self._personal.items() if name in sent]
        for name, value in sent.items():
            if isinstance(value, Document):
                group, _, kind = name.partition(".")
                personal = self._vocabulary.personal_fields(name)
                found += [under + pointer((group, kind, field)) for field in personal & value.fields.keys()]
        return found


def _flatten(tree: Mapping[str, Any], prefix: str, into: dict[str, Value]) -> None:
    """In the order of canonical JSON: a record has its request so, and what was decided on it must be found again."""
    for key, value in sorted(tree.items()):
        if isinstance(value, dict):
            _flatten(value, f"{prefix}{key}.", into)
        else:
            into[prefix + key] = value


def _differing(values: Mapping[str, Value], others: Mapping[str, Value]) -> set[str]:
    """The names under which the values differ, or only one of the two has one."""
    return {name for name, value in values.items() if others.get(name) != value} | (others.keys() - values.keys())


def _otherwise(found: Iterable[tuple[Words, tuple[str, ...]]], under: tuple[str, ...] = ()) -> Iterator[ExchangeProblem]:
    """A problem at each place of what a follower says otherwise than its set; the places stand `under` some keys."""
    for says, facts in found:
        yield from (ExchangeProblem(pointer((*under, *fact.split("."))), INCOHERENT, says.en, says) for fact in facts)


def _entity(members: Mapping[str, Any], states: Mapping[str, Value]) -> RegisteredEntity | None:
    """An entity of the register with what it states, if its other members are those that it may have."""
    match (
        members.get("kind", ""),
        members.get("version"),
        members.get("id", ""),
        members.get("alike", False),
        members.get("also", []),
    ):
        case str() as kind, (int() | None) as version, str(), bool() as alike, list() as also if not isinstance(version, bool):
            known = not members.keys() - {"kind", "version", "id", "schema", "states", "also", "alike"}
            sound = len(kind) <= MAX_KEY and (version is None or version > 0) and members.get("schema", SHAPES[-1]) in SHAPES
            names = len(also) <= MAX_ALIASES and all(isinstance(each, str) and 0 < len(each) <= MAX_TEXT for each in also)
            if known and sound and names:
                return RegisteredEntity(kind, version, states, tuple(also), alike)
    return None


def _steps(fact: str) -> list[str]:
    """The steps to a fact; the name of a kind of document may hold dots."""
    group, _, kind = fact.partition(".")
    return [group, kind] if group in DOCUMENT_GROUPS else fact.split(".")
