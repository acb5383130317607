"""
Agreements on benefit as somebody sees them: on a day, by what was known at the end of another.

A caller who belongs to a party sees the versions that name it, and of these the shares that it pays or is paid, with who else takes part in
them. To anybody else there is no such agreement.
"""

import json
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Any, Literal

import sqlalchemy as sa
from pydantic import Field

from service.callers.context import Context, Reading
from service.ledger import hashed_names
from service.ledger.agreement_book import AgreementTerms, Share, names, parties_of, told
from service.ledger.agreement_terms import DAYS, TAX, UNTIL, PricingSent, SharePart
from service.ledger.commitment_list import LedgerPart
from service.ledger.counter_book import Book
from service.ledger.rights_book import known_until
from service.ledger.rights_openings import RightsEvidencePart
from service.log import tree_leaves
from service.problems import RequestRefused
from service.store.log_tree import growth_of
from service.store.tables import agreement, agreement_event, agreement_party, tree_leaf
from service.transparency.merkle_tree import leaf_hash

VersionState = Literal["proposed", "not-begun", "stands", "over", "replaced", "dropped"]
_HASHES = Book()
_version, _event = agreement.c, agreement_event.c


class AcceptancePart(LedgerPart):
    """A party that accepted a version."""

    party: str | None = Field(description="the party; null if its name is erased")
    at: datetime = Field(description="when it accepted")


class AgreementOpeningPart(LedgerPart):
    """By what a version was opened. A caller who belongs to a party is not told who opened it, and why."""

    at: datetime = Field(description="when it was opened")
    by: str | None = Field(description="who opened it")
    evidence: list[RightsEvidencePart] | None = Field(description="what was shown")
    reason: str | None = Field(description="where it comes from")


class AgreementVersionPart(LedgerPart):
    """
    A version of an agreement. It is `proposed` until it stands, or a newer one is proposed, which drops it; one that stood is `replaced`
    when a later one stands, and `over` after its last day.
    """

    version: int = Field(description="its number, from 1")
    change: Literal["proposed", "amended", "ended"] = Field(description="how it came about")
    state: VersionState = Field(description="how it is on the day")
    digest: str = Field(description="what a party accepts: the hash of the leaf of this version, hexadecimal")
    shares: list[SharePart] = Field(description="who pays whom which part")
    days: int = Field(description=DAYS)
    until: date | None = Field(description=UNTIL)
    pricing: PricingSent | None = Field(description="how the price comes about; told to those who pay")
    tax: str | None = Field(description=TAX)
    proposed_at: datetime = Field(description="when it was proposed")
    proposed_by: str | None = Field(description="who proposed it; null for a caller who belongs to a party")
    reason: str | None = Field(description="where it comes from; null for a caller who belongs to a party")
    since: date | None = Field(description="the day from which on it stands; null where it never did")
    accepted: list[AcceptancePart] = Field(description="who accepted it")
    awaits: list[str | None] = Field(description="who has not, of those who must")
    opened: AgreementOpeningPart | None = Field(description="by what it was opened; null where it was not")


class AgreementPart(LedgerPart):
    """An agreement on benefit, with its versions, the oldest first. `state` is that of the version that counts on the day."""

    id: str = Field(description="the id of the agreement; exchanges name it")
    asset: str | None = Field(description="the asset; null if its name is erased")
    on: date = Field(description="the day")
    state: VersionState = Field(description="how it stands on the day")
    digest: str = Field(description="the digest of its newest version, of those that the caller sees")
    versions: list[AgreementVersionPart] = Field(description="its versions")


@dataclass(frozen=True, slots=True)
class AgreementQuery:
    """How agreements are read: as they stand `on` a day, by what was `known` at the end of another, None for now."""

    on: date
    known: date | None = None


def one(context: Reading, id: str, asked: AgreementQuery, connection: sa.Connection) -> AgreementPart:
    """An agreement. Raises RequestRefused."""
    (found,) = told_of(context, connection, [id], asked) or (None,)
    if found is None:
        raise none_there()
    return found


def page(
    context: Reading, asset: str, asked: AgreementQuery, after: str | None, limit: int, connection: sa.Connection
) -> tuple[list[AgreementPart], str | None]:
    """The agreements of an asset that the caller may see, after one of them; and the one to go on after, None at the end."""
    hashed = hashed_names.asset(_HASHES, connection, asset)
    ids = sa.select(_version.id).distinct().where(_version.asset == hashed, _version.id > (after or ""))
    if context.party is not None:
        mine = agreement_party.c.party == hashed_names.party(_HASHES, connection, context.party)
        ids = ids.where(_version.id.in_(sa.select(agreement_party.c.agreement).where(mine)))
    found = connection.execute(ids.order_by(_version.id).limit(limit + 1)).scalars().all()
    return told_of(context, connection, found[:limit], asked), found[limit - 1] if len(found) > limit else None


def digests(connection: sa.Connection, rows: Sequence[Any]) -> dict[int, str]:
    """The hashes of the leaves of some versions, by the leaves' indexes; of one that this transaction appends, as it will be."""
    leaves = sa.select(tree_leaf.c.index, tree_leaf.c.leaf).where(tree_leaf.c.index.in_([row.leaf for row in rows]))
    found = {index: leaf_hash(bytes(leaf)).hex() for index, leaf in connection.execute(leaves)}
    return found | {row.leaf: growth_of(connection).hash_of(row.leaf).hex() for row in rows if row.leaf not in found}


def told_of(context: Context, connection: sa.Connection, ids: Collection[str], asked: AgreementQuery) -> list[AgreementPart]:
    """Some agreements, as far as the caller may see them."""
    known = known_until(asked.known, context.settings.tzinfo)
    chosen = sa.select(agreement).where(_version.id.in_(sorted(ids)), _version.at < known)
    rows = connection.execute(chosen.order_by(_version.id, _version.version)).all()
    parties, hashes = parties_of(connection, rows), digests(connection, rows)
    happened = sa.select(agreement_event).where(_event.agreement.in_(sorted(ids)), _event.at < known)
    events = connection.execute(happened.order_by(_event.agreement, _event.number)).all()
    opened = tree_leaves.opened(connection, [row.leaf for row in rows])
    mine = None if context.party is None else hashed_names.party(_HASHES, connection, context.party)
    found = []
    for id in dict.fromkeys(row.id for row in rows):
        some = [row for row in rows if row.id == id]
        view = _View(some, parties, opened, hashes, [each for each in events if each.agreement == id], mine, asked.on, known)
        if versions := view.versions():
            asset = opened.get(some[0].leaf, {}).get("asset")
            found.append(
                AgreementPart(
                    id=id, asset=asset, on=asked.on, state=view.state(), digest=versions[-1].digest, versions=versions
                )
            )
    return found


@dataclass(frozen=True, slots=True)
class _View:
    """An agreement as somebody sees it on a day, by what was known at a moment; `mine` is the party of a caller who belongs to one."""

    rows: Sequence[Any]
    parties: dict[tuple[str, int], tuple[str, ...]]
    opened: dict[int, dict[str, Any]]
    digests: dict[int, str]
    events: Sequence[Any]
    mine: str | None
    on: date
    known: str

    def versions(self) -> list[AgreementVersionPart]:
        return [self._part(row) for row in self.rows if self.mine is None or self.mine in self._concerned(row)]

    def state(self) -> VersionState:
        """That of the version which counts on the day: what stands, or was the last to do so, otherwise the newest."""
        states = [self._state(row) for row in self.rows]
        return next((each for word in ("stands", "over", "not-begun") for each in states if each == word), states[-1])

    def _concerned(self, row: Any) -> tuple[str, ...]:
        """Whom a version names; a proposed one also those whom it would leave out, since they must accept it."""
        stood = [each for each in self.rows if self._stood(each)][-1:] if self._state(row) == "proposed" else []
        return tuple(party for each in (row, *stood) for party in self._parties(each))

    def _parties(self, row: Any) -> tuple[str, ...]:
        return self.parties[row.id, row.version]

    def _called(self, row: Any) -> dict[str, str | None]:
        """The names of the parties of a version, by their hashes."""
        parties = self._parties(row)
        return dict(zip(parties, names(self.opened.get(row.leaf, {}), len(parties)), strict=True))

    def _shown(self, row: Any, terms: AgreementTerms) -> list[Share]:
        """The shares of a version that are told."""
        return [each for each in terms.shares if self.mine is None or involves(each, self._parties(row), self.mine)]

    def _seen(self, row: Any) -> frozenset[str]:
        """The parties of the shares that are told."""
        parties = self._parties(row)
        shares = self._shown(row, AgreementTerms.of(row.terms))
        return frozenset(parties[place] for each in shares for place in (each.payer, each.payee) if place is not None)

    def _stood(self, row: Any) -> bool:
        return row.stood_at is not None and row.stood_at < self.known

    def _state(self, row: Any) -> VersionState:
        day = self.on.isoformat()
        if not self._stood(row):
            return "proposed" if row is self.rows[-1] else "dropped"
        if row.stood_on > day:
            return "not-begun"
        if any(self._stood(each) and each.stood_on <= day for each in self.rows if each.version > row.version):
            return "replaced"
        return "stands" if row.until is None or row.until >= day else "over"

    def _awaited(self, row: Any) -> list[str | None]:
        """Who must accept a version and has not, of those whom the caller knows of: whoever the version that stands names must, too."""
        stood = [each for each in self.rows if self._stood(each)][-1:]
        called = {party: name for each in (*stood, row) for party, name in self._called(each).items()}
        accepted = {each.party for each in self.events if each.version == row.version}
        seen = set(called) if self.mine is None else self._seen(row)
        return [name for party, name in called.items() if party in seen and party not in accepted]

    def _part(self, row: Any) -> AgreementVersionPart:
        terms, parties = AgreementTerms.of(row.terms), self._parties(row)
        called = self._called(row)
        shown = self._shown(row, terms)
        pays = self.mine is None or any(parties[each.payer] == self.mine for each in shown)
        mine = [each for each in self.events if each.version == row.version]
        accepted = {each.party: each.at for each in mine if each.kind == "accepted"}
        by = next((each for each in mine if each.kind == "opened"), None)
        return AgreementVersionPart(
            version=row.version,
            change=row.change,
            state=self._state(row),
            digest=self.digests[row.leaf],
            shares=[_share(each, [called[party] for party in parties]) for each in shown],
            days=terms.days,
            until=None if terms.until is None else date.fromisoformat(terms.until),
            pricing=None if terms.pricing is None or not pays else PricingSent.model_validate(terms.pricing),
            tax=terms.tax if pays else None,
            proposed_at=datetime.fromisoformat(row.at),
            proposed_by=row.by if self.mine is None else None,
            reason=row.reason if self.mine is None else None,
            since=date.fromisoformat(row.stood_on) if self._stood(row) else None,
            accepted=[
                AcceptancePart(party=called.get(party), at=datetime.fromisoformat(at))
                for party, at in accepted.items()
                if self.mine is None or party in self._seen(row)
            ],
            awaits=self._awaited(row) if self._state(row) == "proposed" else [],
            opened=None if by is None else self._opening(by),
        )

    def _opening(self, event: Any) -> AgreementOpeningPart:
        told = self.mine is None
        return AgreementOpeningPart(
            at=datetime.fromisoformat(event.at),
            by=event.by if told else None,
            evidence=[RightsEvidencePart.model_validate(each) for each in json.loads(event.evidence)] if told else None,
            reason=event.reason if told else None,
        )


def involves(share: Share, parties: Sequence[str], party: str) -> bool:
    """Whether a party pays a share or is paid it."""
    return party in (parties[share.payer], None if share.payee is None else parties[share.payee])


def _share(share: Share, called: Sequence[str | None]) -> SharePart:
    more = {"until": None if share.until is None else date.fromisoformat(share.until), "payer": called[share.payer]}
    return SharePart.model_validate({**told(share), **more, "payee": None if share.payee is None else called[share.payee]})


def none_there() -> RequestRefused:
    """What is said of an agreement that is not there, or that the caller may not see."""
    return RequestRefused("not-found", "there is no agreement with this id")
