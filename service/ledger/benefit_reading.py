"""
The page of the book of benefits for one exchange: which agreement divides its price, and which take a share further up the chain.

An exchange goes in, a page comes out that names nobody, with the accounts behind its keys. The exchange names an agreement of its asset, in
which its exporter pays, or its recipient pays its exporter for what is granted. Upward counts, named or not: of each asset that the data
were made from, every agreement in which the exporter pays, and for each grant by which the conveyed rights are proven, the agreement that
its commitment named; then, for what a granter so receives, the grants behind its own right. An agreement takes its share once for each
payer. A share goes with the grant for which it was agreed, unless it survives: then the chain is read as it stood on the last day on which
the grant proved the rights.

INVARIANT (nobody is passed over): where more leads upward than is read, the page says so and nothing is divided.
"""

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, tzinfo
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa

import engine
from service.ledger import agreement_book, hashed_names
from service.ledger.agreed_grants import AgreedGrant, AgreedGrants
from service.ledger.agreement_book import AgreedVersion, Share
from service.ledger.counter_book import Book
from service.ledger.overdue_benefits import overdue_lines
from service.ledger.proof_chains import Chain, ChainQuery, TooManyChains
from service.ledger.rights_book import (
    ALWAYS,
    EarlierCommitment,
    RightsBook,
    TooManyLines,
    stated_id,
)
from service.log.leaf import with_personal_values
from service.log.store import of_numbers
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused
from service.register import entity_versions
from service.register.entity import ASSET
from service.store.database import Database
from service.store.tables import agreement, benefit

MOST_STEPS = 64
MOST_PARTIES = 500
EXPORTER = "exporter"  # the key of whoever supplies
OTHERWISE = "differs from the agreement that the exchange names; leave it out, or name no agreement"

_State = Literal["none", "read", "asked", "unsaid", "unheld"]
_EVER = sa.select(sa.exists().select_from(agreement), sa.exists().select_from(benefit))
_ANY_OVERDUE = (
    sa.select(benefit.c.number)
    .where(benefit.c.kind == "payable", benefit.c.due < sa.bindparam("day"), benefit.c.paid < benefit.c.net)
    .where(benefit.c.payer != benefit.c.account)
    .limit(1)
)
Account = tuple[
    str, str, str
]  # a keyed hash, the agreement that names the party, and the place of its name: agreement_book.name_at


@dataclass(frozen=True, slots=True)
class FoundBenefits:
    """A page, who is behind its keys, and the agreement that the exchange names, with its version."""

    page: engine.BenefitsPage
    accounts: Mapping[str, Account] = field(default_factory=dict)
    named: tuple[str, int] | None = None

    def by_book(self, live: Live) -> dict[str, engine.BookPage]:
        """The page by the name of its book."""
        reader = live.bundle.reader.benefits
        return {} if reader is None else {reader.book.name: self.page}


class BenefitsBook:
    """Reads the book of benefits of one database. `zone` is that of the days up to whose end something is known."""

    def __init__(self, hashes: Book, rights: RightsBook, zone: tzinfo) -> None:
        self._hashes, self._rights, self._zone = hashes, rights, zone

    def silent(self, database: Database, live: Live, document: Mapping[str, Any]) -> bool:
        """
        Whether the book says nothing of an exchange: it names no agreement and nothing that its data were made from, and nothing was
        ever agreed or booked. Otherwise it may. Raises sqlalchemy.exc.SQLAlchemyError.
        """
        reader = live.bundle.reader.benefits
        if reader is None:
            return True
        register: Mapping[str, Any] = document.get(engine.REGISTER, {})
        said = (document, *(each.get("states", {}) for each in register.values()))
        stated = any(engine.fact_at(each, fact) for each in said for fact in (reader.book.agreement, reader.book.made_from))
        return not stated and not database.has_rows(agreement) and not database.has_rows(benefit)

    def found(
        self, connection: sa.Connection, live: Live, exchange: engine.Exchange, day: date, made: EarlierCommitment | None = None
    ) -> FoundBenefits | None:
        """
        The page of an exchange on a day; None where no agreement matters and the data were made from nothing that is named.

        Of a commitment it is the page that it was made with: what was agreed later is for later ones. Raises RequestRefused where the
        exchange names an agreement that is not one of its own.
        """
        reader = live.bundle.reader.benefits
        if reader is None or not live.bundle.reader.books:
            return None
        if made is not None:
            return _of_record(connection, made, reader.book.name)
        found = _Reading(self._hashes, self._rights, self._zone, connection, live, exchange, day).found()
        for fact in reader.differing(found.page, exchange.as_stated().values) if found is not None else ():
            raise _refused(fact, OTHERWISE)
        return found

    def name(
        self, transaction: sa.Connection, live: Live, exchange: engine.Exchange, id: str, found: FoundBenefits | None, at: str
    ) -> None:
        """Write which agreement the exchange of a commitment names."""
        if found is None or found.named is None:
            return
        book = live.bundle.reader.books[0].book
        asset = stated_id(exchange, book.of)
        parties = [stated_id(exchange, role) for role in (book.by, book.to)]
        granter, holder = (None if party is None else hashed_names.party(self._hashes, transaction, party) for party in parties)
        of = hashed_names.asset(self._hashes, transaction, asset or "")
        agreement_book.name_use(transaction, id, found.named, of, granter, holder, at)


def _of_record(connection: sa.Connection, made: EarlierCommitment, book: str) -> FoundBenefits | None:
    """The page that a commitment was made with."""
    for stored in of_numbers(connection, [made.sequence]):
        request = with_personal_values(stored.entry.leaf, stored.entry.openings)["request"]
        page = request.get(engine.BOOKS, {}).get(book)
        return None if page is None else FoundBenefits(engine.BenefitsPage.model_validate(page))
    return None


class _TooLong(Exception):
    """The chain is not read to its end."""


class _Reading:
    """One exchange, as it is read."""

    def __init__(
        self,
        hashes: Book,
        rights: RightsBook,
        zone: tzinfo,
        connection: sa.Connection,
        live: Live,
        exchange: engine.Exchange,
        day: date,
    ) -> None:
        reader = live.bundle.reader.benefits
        assert reader is not None
        words = reader.book
        self._hashes, self._connection, self._day, self._words = hashes, connection, day, words
        self._exchange = exchange.as_stated()
        self._reader = live.bundle.reader.books[0]
        self._grants = AgreedGrants(connection, rights, self._reader, zone)
        book = self._reader.book
        self._exporter, self._recipient = (self._party(fact) for fact in (words.by, book.to))
        id = stated_id(exchange, book.of)
        self._asset = None if id is None else hashed_names.asset(hashes, connection, id)
        self._keys: dict[str, str] = {}
        self._accounts: dict[str, Account] = {}
        self._steps: list[tuple[AgreedVersion, str, int | None, str, Sequence[Share]]] = []
        self._pays: list[tuple[str, frozenset[str]]] = []  # of each step, who pays, and whom
        self._taken: dict[tuple[str, str], int] = {}  # the step of each agreement and payer
        self._named: AgreedVersion | None = None
        self._direct: list[Share] = []  # those by which the named agreement divides the price
        self._booked: Mapping[tuple[str, str, str], Decimal] = {}

    def found(self) -> FoundBenefits | None:
        assets, more = self._made_from()
        agreed, booked = self._connection.execute(_EVER).one()
        if not (agreed or booked or assets or more or isinstance(self._exchange.value(self._words.agreement), str)):
            return None  # as of most exchanges
        mine = {} if self._asset is None else self._standing(assets=[self._asset])
        self._named = self._named_of(mine)
        asked = self._named is None and self._stands_unnamed(mine)
        unsaid = agreed and self._named is None and self._unsaid()
        overdue = self._overdue() if booked else 0
        if not (mine or assets or more or asked or unsaid or overdue != 0):
            return None
        beyond = self._standing(assets=assets) if assets else {}
        self._booked = agreement_book.booked(self._connection, [*mine, *beyond])
        try:
            unheld = more or (bool(assets) if self._exporter is None else self._upward(mine, beyond, assets))
            named = (
                self._step(self._named, self._exporter or "", None, "", self._direct) if self._named and self._direct else None
            )
            steps = tuple(self._step(*step) for step in self._steps)
            if len(self._accounts) > MOST_PARTIES:
                raise _TooLong
        except (_TooLong, TooManyLines, TooManyChains):
            return FoundBenefits(engine.BenefitsPage(on=self._day, state="chain-too-long", overdue=overdue), {}, self._of_use())
        found: list[tuple[_State, bool]] = [("asked", asked), ("unsaid", unsaid), ("unheld", unheld)]
        found += [("read", bool(self._named or self._steps)), ("none", True)]
        state = next(word for word, holds in found if holds)
        page = engine.BenefitsPage(
            on=self._day, state=state, named=named, steps=steps, overdue=overdue, pricing=self._pricing(self._named)
        )
        return FoundBenefits(page, self._accounts, self._of_use())

    # --- the named agreement -------------------------------------------------------------------------------------------

    def _named_of(self, mine: Mapping[str, AgreedVersion]) -> AgreedVersion | None:
        """The agreement that the exchange names. Raises RequestRefused where it is none of its own."""
        id = self._exchange.value(self._words.agreement)
        if not isinstance(id, str):
            return None
        found = mine.get(id)
        pays = found is not None and (
            bool(found.paid_by(self._exporter, self._day))
            or any(found.payee(share) == self._exporter for share in found.paid_by(self._recipient, self._day))
        )
        if found is None or self._exporter is None or not pays:
            raise _refused(self._words.agreement, "there is no agreement with this id")
        if found.paid_by(self._exporter, self._day):
            self._check_parties(found)
        return found

    def _check_parties(self, version: AgreedVersion) -> None:
        """The parties that the exchange states must be those whom the agreement pays of its price. Raises RequestRefused."""
        for role, fact in self._words.parties.items():
            value = self._exchange.value(fact)
            stated = {value} if isinstance(value, str) else value.members if isinstance(value, engine.SetOf) else None
            if stated is None:
                continue
            shares = [each for each in version.paid_by(self._exporter, self._day) if (each.role, each.of) == (role, "price")]
            agreed = {version.payee(each) for each in shares}
            if {hashed_names.party(self._hashes, self._connection, id) for id in stated} != agreed:
                raise _refused(fact, OTHERWISE)

    def _stands_unnamed(self, mine: Mapping[str, AgreedVersion]) -> bool:
        """Whether an agreement stands in which the exporter pays, or may where nobody knows who it is."""
        if self._exporter is None:
            return bool(mine)
        return any(each.paid_by(self._exporter, self._day) for each in mine.values())

    def _unsaid(self) -> bool:
        """Whether the exporter pays by some agreement for what is sold, and the exchange does not say of what it is a price."""
        if self._exporter is None or self._exchange.value(self._words.price) is engine.Missing.LEFT_OUT:
            return False
        if not self._words.unsaid(self._exchange.value):
            return False
        return any(each.paid_by(self._exporter, self._day) for each in self._standing(party=self._exporter).values())

    def _overdue(self) -> int | None:
        """How many lines of the exporter are past their due day and not paid; None where nobody knows."""
        exporter = self._exchange.value(self._words.by)
        if not isinstance(exporter, str):
            # Somebody owes what is overdue, and nobody knows whether it is who sells here.
            sold = self._exchange.value(self._words.price) is not engine.Missing.LEFT_OUT
            return None if sold and self._connection.execute(_ANY_OVERDUE, {"day": self._day.isoformat()}).first() else 0
        return overdue_lines(self._connection, self._hashes, exporter, self._day)

    def _of_use(self) -> tuple[str, int] | None:
        return None if self._named is None else (self._named.id, self._named.version)

    # --- upward --------------------------------------------------------------------------------------------------------

    def _upward(self, mine: Mapping[str, AgreedVersion], beyond: Mapping[str, AgreedVersion], assets: Sequence[str]) -> bool:
        """Read all steps; whether an asset that the data were made from is neither held by an opening nor under an agreement."""
        exporter, asset = self._exporter, self._asset
        assert exporter is not None
        if self._named is not None:
            self._direct = self._owed(self._named, exporter, self._grants.to(exporter, self._named.asset, self._day))
        if asset is not None and mine:
            conveyed, purposes, territory = (
                self._members(fact) for fact in (self._reader.book.granted, *self._reader.book.scope[:2])
            )
            self._chains(asset, mine, ChainQuery(conveyed, purposes, territory))
        unheld = False
        for number, each in enumerate(assets, 1):
            if each == asset:
                continue
            of_it = {id: version for id, version in beyond.items() if version.asset == each}
            grants = self._grants.to(exporter, each, self._day) if of_it else {}
            for version in of_it.values():
                self._take(version, exporter, None, f"asset:{number}", self._owed(version, exporter, grants))
            named = self._chains(each, of_it, ChainQuery()) if of_it else False
            covered = named or any(version.paid_by(exporter, self._day) for version in of_it.values())
            unheld = unheld or not (covered or self._grants.opened(exporter, each, self._day))
        return unheld

    def _chains(self, asset: str, versions: Mapping[str, AgreedVersion], wanted: ChainQuery) -> bool:
        """Read the grants behind what the exporter has of an asset, as it stands and as survives; whether one named an agreement."""
        exporter = self._exporter
        assert exporter is not None
        read = [(chain, self._day, ALWAYS) for chain in self._grants.proofs(exporter, asset, self._day, ALWAYS, wanted)]
        now = {grant.id for chain, _, _ in read for grant in chain}
        for gone in self._grants.to(exporter, asset, self._day).values():
            if gone.on is not None and not gone.stands and gone.id not in now:
                chains = self._grants.proofs(exporter, asset, gone.on, gone.known, ChainQuery())
                read += [(chain, gone.on, gone.known) for chain in chains if chain[0].id == gone.id][:1]
        ids = {grant.id for chain, _, _ in read for grant in chain if not grant.opened}
        used = {row.commitment: row.agreement for row in agreement_book.uses(self._connection, asset, of=ids)} if ids else {}
        for chain, on, known in read:
            self._climb(asset, chain, versions, used, on, known)
        return any(chain[0].id in used for chain, _, _ in read)

    def _climb(
        self, asset: str, chain: Chain, versions: Mapping[str, AgreedVersion], used: Mapping[str, str], on: date, known: str
    ) -> None:
        """Take the steps along one chain of an asset as it stood on a day, as long as each granter receives something."""
        payer: str = self._exporter or ""
        passed, after = {payer}, None
        for grant in chain:
            granter = grant.granter
            if granter is None:
                return
            version = versions.get(used.get(grant.id, ""))
            if version is not None:
                as_it_stood = (self._day, ALWAYS) if after is None else (on, known)
                shares = self._owed(version, payer, self._grants.to(payer, version.asset, *as_it_stood))
                own = version is self._named and payer == self._exporter
                self._take(version, payer, after, grant.id, self._apart(granter) if own else shares)
            elif after is None and self._named is not None and payer == self._exporter and asset == self._asset:
                self._take(self._named, payer, None, grant.id, self._apart(granter))
            paid = next((place for place, (by, to) in enumerate(self._pays) if by == payer and granter in to), None)
            if paid is None or granter in passed:
                return
            passed.add(granter)
            payer, after = granter, paid

    def _apart(self, granter: str) -> list[Share]:
        """The shares of the named agreement that are paid to a granter: they are a step, from which the chain goes on."""
        assert self._named is not None
        named = self._named
        found = [share for share in self._direct if named.payee(share) == granter and granter != self._exporter]
        self._direct = [share for share in self._direct if share not in found]
        return found

    def _take(self, version: AgreedVersion, payer: str, after: int | None, by: str, shares: Sequence[Share]) -> None:
        """Add a step, unless the agreement has taken its share of this payer."""
        place = (version.id, payer)
        if not shares or place in self._taken:
            return
        if len(self._steps) >= MOST_STEPS:
            raise _TooLong
        self._taken[place] = len(self._steps)
        self._steps.append((version, payer, after, by, shares))
        self._pays.append((payer, frozenset(filter(None, map(version.payee, shares)))))

    def _owed(self, version: AgreedVersion, payer: str, grants: Mapping[str, AgreedGrant]) -> list[Share]:
        """The shares that a payer pays by an agreement: where no grant for which it was agreed stands, those that survive."""
        shares = version.paid_by(payer, self._day)
        agreed = [
            grants[row.commitment]
            for row in agreement_book.uses(self._connection, version.asset, payer)
            if row.agreement == version.id and row.commitment in grants
        ]
        if agreed and not any(grant.stands for grant in agreed):
            return [share for share in shares if share.survives]
        return shares

    # --- rows ----------------------------------------------------------------------------------------------------------

    def _standing(self, **of: Any) -> dict[str, AgreedVersion]:
        return agreement_book.standing(self._connection, self._day, **of)

    # --- parts of the page ---------------------------------------------------------------------------------------------

    def _step(
        self, version: AgreedVersion, payer: str, after: int | None, by: str, shares: Sequence[Share]
    ) -> engine.BenefitStep:
        pays = self._key(payer, version)
        parts = tuple(self._share(version, share) for share in shares)
        return engine.BenefitStep(
            agreement=version.id,
            version=version.version,
            payer=pays,
            after=after,
            by=by,
            shares=parts,
            days=version.terms.days,
        )

    def _share(self, version: AgreedVersion, share: Share) -> engine.BenefitShare:
        payee = version.payee(share)
        account = f"role:{share.role}" if payee is None else payee
        return engine.BenefitShare(
            payee=account if payee is None else self._key(payee, version),
            role=share.role,
            ratio=share.ratio,
            of=share.of,
            kind=share.kind,
            room=None
            if share.cap is None
            else {currency: self._room(version.id, account, currency, most) for currency, most in sorted(share.cap.items())},
            until=None if share.until is None else date.fromisoformat(share.until),
        )

    def _room(self, id: str, account: str, currency: str, most: str) -> str:
        """What is left under a cap."""
        left = Decimal(most) - self._booked.get((id, account, currency), Decimal(0))
        return f"{max(left, Decimal(0)):f}"

    def _key(self, party: str, version: AgreedVersion) -> str:
        """The key of a party within the page."""
        if party not in self._keys:
            self._keys[party] = EXPORTER if party == self._exporter else f"p{len(self._keys.keys() - {self._exporter}) + 1}"
            place = agreement_book.places(version)[party]
            self._accounts[self._keys[party]] = (party, version.id, place)
        return self._keys[party]

    @staticmethod
    def _pricing(version: AgreedVersion | None) -> engine.BenefitPricing | None:
        pricing = None if version is None else version.terms.pricing
        return None if pricing is None else engine.BenefitPricing.model_validate(pricing)

    # --- the exchange --------------------------------------------------------------------------------------------------

    def _party(self, fact: str) -> str | None:
        id = stated_id(self._exchange, fact)
        return None if id is None else hashed_names.party(self._hashes, self._connection, id)

    def _members(self, fact: str) -> Collection[str]:
        value = self._exchange.value(fact)
        return value.members if isinstance(value, engine.SetOf) else ()

    def _made_from(self) -> tuple[list[str], bool]:
        """The assets that the data were made from, in the order of their ids, and whether there may be more."""
        value = self._exchange.value(self._words.made_from)
        if not isinstance(value, engine.SetOf):
            return [], False
        ids = [entity_versions.known_as(self._connection, ASSET, id) for id in sorted(value.members)]
        return [hashed_names.asset(self._hashes, self._connection, id) for id in ids], value.open


def benefits_of(live: Live, exchange: engine.Exchange) -> dict[str, engine.BookPage]:
    """The page that an exchange has, by the name of its book."""
    return {} if exchange.benefits is None else FoundBenefits(exchange.benefits).by_book(live)


def _refused(fact: str, detail: str) -> RequestRefused:
    place = ProblemPlace(pointer="/" + fact.replace(".", "/"), code="wrong-value", detail=detail)
    return RequestRefused("exchange-refused", detail, errors=(place,))
