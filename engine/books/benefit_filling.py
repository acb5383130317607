"""
The facts of an exchange that a book of benefits fills in.

A page and the values of an exchange go in. Out come whether everybody who is paid is named, how much is overdue, whether the price is
divided, and the shares of the agreement that the exchange names. Without a page they follow from what the exchange states.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping

from engine.books.benefit_chain import shares_by_role
from engine.books.benefit_page import ROLE, BenefitsPage, BenefitStep
from engine.books.filling import BookEntry
from engine.books.settlement import Settlement, SettlementFacts, SettlementState, owed, settle
from engine.register_facts import COUNTED
from engine.rules import Truth
from engine.values import Disputed, Missing, Range, SetOf, Value
from engine.values.exact_ratio import exact_ratio

OPEN = "open"
# What `benefits.settlement` says of a settlement. A word that only a page brings says that something is owed by an agreement.
WORDS: Mapping[SettlementState, str] = {
    "settled": "settled",
    "nothing-payable": "nothing",
    "not-reported": "not-reported",
    "exceeds": "exceeds",
    "chain-too-long": "chain-too-long",
}
UNDIVIDED = "undivided"
OF_A_PAGE = ("not-reported", OPEN, "exceeds", "chain-too-long")
VALUES = ("settled", "nothing", UNDIVIDED, *OF_A_PAGE)


class BenefitsReader:
    """Fills the facts of the book of benefits. `inputs` are the facts from which what it fills is made."""

    def __init__(self, book: SettlementFacts) -> None:
        self.book = book
        self.inputs = book.inputs

    def fill(self, page: BenefitsPage | None, values: Mapping[str, Value]) -> BookEntry:
        """What a page says of an exchange with these values, as they are stated; without one, what follows from them."""
        book = self.book
        value = _reading(values)
        filled: dict[str, Value] = {book.overdue: _overdue(page)}
        found = settle(book, value, page)
        word = _word(found, page)
        asks = {book.settlement: tuple(self._lacking(found, value))}
        # What the sender can still say is asked for; what nobody says by an answer is required.
        filled[book.settlement] = Missing.UNKNOWN if word == OPEN and asks[book.settlement] else word
        lacks: list[str] = []
        named = self._agreed(page) if page is not None and page.named is not None else self._stated(value, page, lacks)
        if page is not None and page.named is None:
            named = min(named, _all_named((payee for step in page.steps for payee in _payees(step)), book.accounts))
        if named is not Truth.UNKNOWN:
            filled[book.named] = named is Truth.YES
        asks[book.named] = tuple(lacks)
        nobody_knows = page is not None and page.overdue is None and book.by not in values
        asks[book.overdue] = (book.by,) if nobody_knows else ()
        shares = self._shares(page, values)
        sent = tuple(fact for fact in book.divides if fact in values)
        ledger = (fact for fact in (book.agreement, book.made_from, book.by) if fact in values)
        follows = dict.fromkeys(filled, sent if page is None else (*sent, *ledger))
        follows[book.overdue] = ()
        follows |= dict.fromkeys(shares, (book.agreement,) if book.agreement in values else ())
        filled |= shares
        return BookEntry(filled, {} if page is None else dict.fromkeys(filled, COUNTED), follows, asks)

    def differing(self, page: BenefitsPage | None, values: Mapping[str, Value]) -> Iterator[str]:
        """The shares that are stated otherwise than the agreement says that the exchange names."""
        yield from (fact for fact, value in self._shares(page, values).items() if isinstance(value, Disputed))

    def _shares(self, page: BenefitsPage | None, values: Mapping[str, Value]) -> dict[str, Value]:
        """The shares of the agreement that the exchange names; open between both where another one is stated."""
        if page is None or page.named is None:
            return {}
        agreed = shares_by_role(page)
        found: dict[str, Value] = {}
        for role, fact in self.book.shares.items():
            share = Range.exact(exact_ratio(agreed.get(role, 0)))
            stated = values.get(fact, share)
            found[fact] = share if stated == share or isinstance(stated, Missing) else Disputed(stated, share)
        return found

    def _agreed(self, page: BenefitsPage) -> Truth:
        """Whether everybody is named whom the agreements of a page pay."""
        steps = page.steps if page.named is None else (page.named, *page.steps)
        return _all_named((payee for step in steps for payee in _payees(step)), self.book.accounts)

    def _stated(self, value: Callable[[str], Value], page: BenefitsPage | None, lacks: list[str]) -> Truth:
        """Whether each role that has a share names a party; `lacks` gets what must be known to say so."""
        book, found = self.book, Truth.YES
        shares = {role: value(fact) for role, fact in book.shares.items() if role not in book.accounts}
        if all(value(fact) is Missing.LEFT_OUT for fact in book.shares.values()):
            if owed(page):
                return Truth.YES  # all of it is the exporter's, but for what it pays further up
            lacks += book.shares.values()
            return Truth.UNKNOWN
        for role, share in shares.items():
            least, most = (share.low, share.high) if isinstance(share, Range) else (0, None)
            party = value(book.parties[role]) if role in book.parties else Missing.LEFT_OUT
            known = _names(party)
            if most == 0 or known is Truth.YES:
                continue
            truth = known if least > 0 else Truth.UNKNOWN
            if truth is Truth.UNKNOWN:
                lacks.append(book.parties[role] if least > 0 else book.shares[role])
            found = min(found, truth)
        return found

    def _lacking(self, found: Settlement | None, value: Callable[[str], Value]) -> Iterator[str]:
        """What the sender can say to close an open settlement."""
        book = self.book
        match found.state if found is not None else None:
            case "price-unknown":
                yield book.price
            case "shares-unknown":
                yield from (fact for fact in book.shares.values() if isinstance(value(fact), Missing))
            case "parties-unknown":
                yield from (fact for fact in book.parties.values() if _names(value(fact)) is Truth.UNKNOWN)
            case "agreement-not-named" if book.agreement:
                yield book.agreement
            case "sources-unknown":
                yield from book.unsaid(value) or (book.made_from,)


def _overdue(page: BenefitsPage | None) -> Range:
    """The number of lines that are overdue; it has no upper end where nobody knows it."""
    number = 0 if page is None else page.overdue
    return Range(Range.exact(0).low, None) if number is None else Range.exact(number)


def _reading(values: Mapping[str, Value]) -> Callable[[str], Value]:
    return lambda fact: values.get(fact, Missing.LEFT_OUT)


def _word(found: Settlement | None, page: BenefitsPage | None) -> str:
    if found is None:
        return "nothing"
    return WORDS.get(found.state, OPEN if owed(page) else UNDIVIDED)


def _names(party: Value) -> Truth:
    """Whether a fact names at least one party."""
    if isinstance(party, str) or (isinstance(party, SetOf) and party.members):
        return Truth.YES
    unknown = party is Missing.UNKNOWN or isinstance(party, Disputed) or (isinstance(party, SetOf) and party.open)
    return Truth.UNKNOWN if unknown else Truth.NO


def _payees(step: BenefitStep) -> Iterator[tuple[str, str | None]]:
    yield from ((share.payee, share.role) for share in step.shares)


def _all_named(payees: Iterator[tuple[str, str | None]], accounts: frozenset[str]) -> Truth:
    named = all(not payee.startswith(ROLE) or role in accounts for payee, role in payees)
    return Truth.YES if named else Truth.NO
