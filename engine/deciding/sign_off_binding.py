"""
To what a sign-off is bound: the facts of the exchange that it was given for.

The exchange of a later request goes in, and whether an earlier signature still holds for it comes out. It does where every fact that was
sent then is sent again with the same value (a range may be narrower), where the facts that the signed provision or coverage reads and
that were left out then are left out still, and where parties, countries, purposes and numbers of people are the same, even those left
out. Documents, claims and other answers that came later leave it standing. So does a book that says something else, unless the provision
reads what the book fills in. Ids are folded: one that looks like another counts as the same. Source: semantics 1.9, 4.6.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from typing import Any

from engine.books.page import BOOKS
from engine.bundle import Bundle
from engine.deciding.coverage import GAP, REACH
from engine.exchange_input.ledger_shares import SHARES
from engine.policy_language.public_recipient import EVERYONE
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, stated_in
from engine.rules import AS_OF, Condition, Defined, tests
from engine.values.id_spellings import folded_id

UNBOUND = (AS_OF, "schema", SHARES)  # members of an exchange that no approval is bound to, beside its counters
DAY = "on"  # of a page of a book: a signature given on one day holds on another
ENDS = frozenset({"at_least", "at_most"})
UNKNOWN, REST = "unknown", "rest"
PUBLIC = next(iter(EVERYONE))
_encode = json.JSONEncoder(sort_keys=True, separators=(",", ":")).encode


def anchor_of(bundle: Bundle, sent: Mapping[str, Any]) -> str:
    """
    A digest of what two exchanges have in common if a sign-off of one may hold for the other: parties, countries, purposes. Hex SHA-256.

    It finds candidates; `still_holds` decides.
    """
    leaves = _leaves(bundle, sent)
    fixed = {path: value for path, value in leaves if _fixed(bundle, path) and not _counts(bundle, path)}
    return hashlib.sha256(_encode(fixed).encode()).hexdigest()


def still_holds(bundle: Bundle, earlier: Mapping[str, Any], later: Mapping[str, Any], name: str) -> bool:
    """Whether a sign-off of a provision, gap or reach (`name`), given for an earlier exchange, still holds for a later one."""
    before, after = dict(_leaves(bundle, earlier)), dict(_leaves(bundle, later))
    if not all(path in after and _within(value, after[path]) for path, value in before.items()):
        return False
    came = {member for path in after.keys() - before.keys() for member in _members(bundle, path)}
    read = _read(bundle, name)
    if any(path in read or _fixed(bundle, path) for path in came):
        return False
    books = [name for name, book in bundle.vocabulary.books.items() if not read.isdisjoint((book.held, *book.fills))]
    benefits = bundle.vocabulary.settlement
    if benefits is not None and benefits.book is not None and not read.isdisjoint(benefits.fills):
        books.append(benefits.book)
    return all(_page(earlier, book) == _page(later, book) for book in books)


def without_days(sent: Mapping[str, Any]) -> dict[str, Any]:
    """An exchange whose pages of books do not say for which day they were read."""
    return {**sent, BOOKS: {book: _page(sent, book) for book in sent[BOOKS]}} if BOOKS in sent else dict(sent)


def _page(sent: Mapping[str, Any], book: str) -> dict[str, Any]:
    """What a book says in an exchange, whatever the day."""
    return {name: value for name, value in sent.get(BOOKS, {}).get(book, {}).items() if name != DAY}


def _members(bundle: Bundle, path: str) -> tuple[str, ...]:
    """What a stated fact speaks of: itself, or with `rest` every number of its family."""
    family, _, last = path.rpartition(".")
    if last != REST or path in bundle.vocabulary.facts:
        return (path,)
    return tuple(name for name in bundle.vocabulary.facts if name.startswith(f"{family}."))


def _leaves(bundle: Bundle, sent: Mapping[str, Any]) -> Iterator[tuple[str, Any]]:
    """The facts that an exchange states, by path, each with its value in one spelling; ids are folded."""
    facts = bundle.vocabulary.facts
    for path, value in _spelt(bundle, sent):
        if path in facts and facts[path].type.kind == "id":
            if isinstance(value, str):
                value = folded_id(value)
            elif isinstance(value, list):
                value = sorted((folded_id(each) if isinstance(each, str) else each for each in value), key=_encode)
        yield path, PUBLIC if path == bundle.vocabulary.recipient else value


def _spelt(bundle: Bundle, sent: Mapping[str, Any], under: str = "") -> Iterator[tuple[str, Any]]:
    """The facts that an exchange states, by path; what is unknown is not stated."""
    vocabulary = bundle.vocabulary
    for name, value in sent.items():
        path = f"{under}.{name}" if under else name
        if (not under and name in (*UNBOUND, BOOKS)) or path in vocabulary.counters:
            continue
        document = under in DOCUMENT_GROUPS
        if isinstance(value, Mapping) and not document and not (value.keys() <= ENDS and value):
            yield from _spelt(bundle, value, path)
        elif value != UNKNOWN:
            scalars = isinstance(value, list) and not any(isinstance(each, dict | list) for each in value)
            yield path, sorted(value, key=_encode) if scalars else value


def _within(before: Any, after: Any) -> bool:
    """Whether a value is the one that was sent, or a narrower range of numbers."""
    if isinstance(before, Mapping) and before and before.keys() <= ENDS:
        ends = after if isinstance(after, Mapping) and after.keys() <= ENDS else {"at_least": after, "at_most": after}
        if all(isinstance(each, int) for each in (*before.values(), *ends.values())):
            low = "at_least" not in before or ends.get("at_least", -1) >= before["at_least"]
            high = "at_most" not in before or ("at_most" in ends and ends["at_most"] <= before["at_most"])
            return low and high
    return bool(before == after)


def _fixed(bundle: Bundle, path: str) -> bool:
    """Whether a signature is bound to a fact even where it was left out: an id, a country, a purpose, a number of people, the public."""
    fact = bundle.vocabulary.facts.get(path)
    if fact is None:
        return path == bundle.vocabulary.recipient
    return fact.binds or fact.type.kind == "id" or fact.type.values is bundle.vocabulary.values.get("country")


def _counts(bundle: Bundle, path: str) -> bool:
    fact = bundle.vocabulary.facts.get(path)
    return fact is not None and fact.type.kind == "count"


def _read(bundle: Bundle, name: str) -> frozenset[str]:
    """What a provision and what exempts from it reads, or the coverage of a gap or a reach: facts, and documents."""
    conditions = _of_coverage(bundle, name) if name.startswith((GAP, REACH)) else _of_provision(bundle, name)
    found: set[str] = set()
    definitions = bundle.rules.definitions
    for condition in conditions:
        for atom in tests(condition, definitions):
            for fact in filter(None, (atom.fact, atom.other)):
                found.update(stated_in(each) for each in bundle.rules.families.get(fact, ("", (fact,)))[1])
    return frozenset(found)


def _of_provision(bundle: Bundle, name: str) -> Iterator[Condition]:
    """The conditions of a provision's rules, of all that exempts from them, and of what comes before what holds otherwise."""
    waiting = [rule for rule in bundle.rules.rules if rule.provision.id == name]
    keys = {rule.key for rule in waiting}
    while waiting:
        rule = waiting.pop()
        yield rule.condition
        for each in bundle.rules.rules:
            if each.key not in keys and (rule.key in each.exempts or each.key in rule.otherwise):
                keys.add(each.key)
                waiting.append(each)


def _of_coverage(bundle: Bundle, name: str) -> Iterator[Condition]:
    """Which subject matters the data are of and which countries are touched, and the law of the country on the one that is signed for."""
    definitions = bundle.rules.definitions
    yield from (Defined(key) for key in definitions if key.startswith(("subject/", "touch/")))
    _, country, subject = name.split("/")
    for floor in bundle.rules.floors:
        text = bundle.vocabulary.jurisdictions[floor.jurisdiction]
        countries = bundle.vocabulary.registers[text.countries].entries if isinstance(text.countries, str) else text.countries
        if country not in countries:
            continue
        cell = text.covers.get(subject)
        mine = {f"subject/{each}" for each in (subject, *(cell.wider if cell else ()))}
        yield from (Defined(key) for each in floor.spoken if each.subject in mine for key in each.by)
        left = (each for each in bundle.rules.not_reached if each.jurisdiction == floor.jurisdiction)
        yield from (Defined(each.key) for each in left)
