"""
The rows of agreements on benefit: which version stands on a day, which exchange named one, and what was booked by it.

Reading takes a moment from which on nothing is known yet. A row names no party and no asset; the names are beside the leaf of a version.
Whoever decides by rows reads them here, where their seals are checked.
"""

import json
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from decimal import Decimal
from typing import Any, Literal

import sqlalchemy as sa

from service.ledger.rights_book import ALWAYS
from service.log import tree_leaves
from service.log.canonical_json import canonical
from service.log.tree_leaves import LogEvent
from service.store.row_seals import AGREED, AGREEMENT, check, seal_rows
from service.store.tables import agreement, agreement_party, agreement_use, benefit, commitment

_version, _party, _use = agreement.c, agreement_party.c, agreement_use.c
_VERSIONS = sa.select(agreement).where(_version.stood_at.is_not(None)).order_by(_version.id, _version.version)


@dataclass(frozen=True, slots=True)
class Share:
    """A share as a row has it: `payer` and `payee` are numbers of parties of its version."""

    payer: int
    payee: int | None
    role: str | None
    kind: Literal["share", "commission", "component"]
    factor: str | None
    ratio: str
    of: Literal["price", "income"]
    cap: Mapping[str, str] | None
    until: str | None
    survives: bool
    country: str | None

    def stands(self, day: date) -> bool:
        """Whether its last day has not passed."""
        return self.until is None or self.until >= day.isoformat()


@dataclass(frozen=True, slots=True)
class AgreementTerms:
    """The terms of a version as a row has them."""

    shares: tuple[Share, ...]
    days: int
    until: str | None
    pricing: Mapping[str, Any] | None
    tax: str | None

    @classmethod
    def of(cls, text: str) -> "AgreementTerms":
        """Those that a row keeps."""
        told = json.loads(text)
        return cls(**{**told, "shares": tuple(Share(**each) for each in told["shares"])})

    @property
    def beside(self) -> dict[str, Any]:
        """All but the shares."""
        return {"days": self.days, "until": self.until, "pricing": self.pricing, "tax": self.tax}

    @property
    def text(self) -> str:
        """What a row keeps."""
        return canonical({**self.beside, "shares": [told(each) for each in self.shares]}).decode()


def told(share: Share) -> dict[str, Any]:
    """A share as JSON."""
    return {name: getattr(share, name) for name in Share.__slots__}


@dataclass(frozen=True, slots=True)
class AgreedVersion:
    """A version of an agreement as it stands. `parties` are keyed hashes, by their numbers."""

    id: str
    version: int
    asset: str
    terms: AgreementTerms
    parties: tuple[str, ...]

    def paid_by(self, party: str | None, day: date) -> list[Share]:
        """The shares that a party pays on a day."""
        return [each for each in self.terms.shares if self.parties[each.payer] == party and each.stands(day)]

    def payee(self, share: Share) -> str | None:
        """The party that is paid a share; None where only a role is."""
        return None if share.payee is None else self.parties[share.payee]


def standing(
    connection: sa.Connection,
    day: date,
    *,
    assets: Collection[str] = (),
    ids: Collection[str] = (),
    party: str | None = None,
    known: str = ALWAYS,
) -> dict[str, AgreedVersion]:
    """
    The agreements that stand on a day, by their ids: of some assets, those with some ids, and those that name a party.

    Of an agreement the last version counts that stood by then. `known`: what was recorded from that moment on is not known.
    Raises SealBroken.
    """
    wanted: list[sa.ColumnElement[bool]] = [_version.asset.in_(sorted(assets)), _version.id.in_(sorted(ids))]
    if party is not None:
        wanted.append(_version.id.in_(sa.select(_party.agreement).where(_party.party == party)))
    found = connection.execute(
        _VERSIONS.where(sa.or_(*wanted), _version.stood_at < known, _version.stood_on <= day.isoformat())
    )
    last = {row.id: row for row in found}
    last = {id: row for id, row in last.items() if row.until is None or row.until >= day.isoformat()}
    check(connection, AGREEMENT, sorted(last))
    parties = parties_of(connection, last.values())
    return {
        id: AgreedVersion(id, row.version, row.asset, AgreementTerms.of(row.terms), parties[id, row.version])
        for id, row in last.items()
    }


def parties_of(connection: sa.Connection, versions: Iterable[Any]) -> dict[tuple[str, int], tuple[str, ...]]:
    """The parties of some versions, by id and version, each in the order of their numbers."""
    asked = {(row.id, row.version) for row in versions}
    found: dict[tuple[str, int], list[str]] = {each: [] for each in asked}
    ids = sorted({id for id, _ in asked})
    rows = sa.select(agreement_party).where(_party.agreement.in_(ids)).order_by(*agreement_party.primary_key)
    for row in connection.execute(rows) if ids else ():
        if (row.agreement, row.version) in found:
            found[row.agreement, row.version].append(row.party)
    return {place: tuple(parties) for place, parties in found.items()}


def uses(connection: sa.Connection, asset: str, holder: str | None = None, of: Collection[str] = ()) -> list[Any]:
    """Which agreements were named where a party was granted an asset, or in some commitments. Raises SealBroken."""
    wanted: list[sa.ColumnElement[bool]] = [_use.commitment.in_(sorted(of))]
    if holder is not None:
        wanted.append(_use.holder == holder)
    chosen = sa.select(agreement_use).where(_use.asset == asset, sa.or_(*wanted)).order_by(_use.commitment)
    rows = connection.execute(chosen).all()
    check(connection, AGREED, sorted({row.commitment for row in rows} | {*of}))
    return [*rows]


def name_use(
    transaction: sa.Connection,
    commitment: str,
    named: tuple[str, int],
    asset: str,
    granter: str | None,
    holder: str | None,
    at: str,
) -> None:
    """Write which agreement, in which version, a committed exchange named."""
    id, version = named
    row = {
        "commitment": commitment,
        "agreement": id,
        "version": version,
        "asset": asset,
        "granter": granter,
        "holder": holder,
    }
    transaction.execute(sa.insert(agreement_use).values(row))
    shown = ("commitment", "agreement", "version")
    members: dict[str, Any] = {name: row[name] for name in shown}
    hidden: dict[str, Any] = {name: value for name, value in row.items() if name not in shown}
    tree_leaves.append(transaction, LogEvent("agreement-named", at, members, hidden))
    seal_rows(transaction, {AGREED.subject(commitment): [(agreement_use, [*row.values()])]})


def booked(connection: sa.Connection, ids: Collection[str]) -> dict[tuple[str, str, str], Decimal]:
    """What commitments that stand made payable to others than the payer by some agreements, by agreement, account and currency."""
    if not ids or "agreement" not in benefit.c:
        return {}
    of, account, currency, scale = (benefit.c[name] for name in ("agreement", "account", "currency", "scale"))
    summed = (
        sa.select(of, account, currency, scale, sa.func.sum(benefit.c.units).label("units"))
        .join(commitment, commitment.c.id == benefit.c.commitment)
        .where(of.in_(sorted(ids)), commitment.c.state == "committed", benefit.c.payer.is_distinct_from(account))
        .group_by(of, account, currency, scale)
    )
    found: dict[tuple[str, str, str], Decimal] = {}
    for row in connection.execute(summed):
        place = row.agreement, row.account, row.currency
        found[place] = found.get(place, Decimal(0)) + Decimal(int(row.units)).scaleb(-row.scale)
    return found


def caps(connection: sa.Connection, id: str, version: int) -> dict[tuple[str, str, str], Mapping[str, str]]:
    """The caps of a version, by the account that is paid, of what, and the ratio."""
    row = connection.execute(sa.select(agreement).where(_version.id == id, _version.version == version)).one_or_none()
    if row is None:
        return {}
    parties = parties_of(connection, [row])[id, version]
    return {
        (f"role:{share.role}" if share.payee is None else parties[share.payee], share.of, share.ratio): share.cap
        for share in AgreementTerms.of(row.terms).shares
        if share.cap is not None
    }


def name_at(connection: sa.Connection, id: str, place: str) -> str | None:
    """The name of a party at a place like `/2/party_1`: of a version, by its number; None where it is erased or not there."""
    _, version, name = place.split("/")
    here = (_version.id == id, _version.version == int(version))
    leaf = connection.execute(sa.select(_version.leaf).where(*here)).scalar_one_or_none()
    found = None if leaf is None else tree_leaves.opened(connection, [leaf]).get(leaf, {}).get(name)
    return found if isinstance(found, str) else None


def places(version: AgreedVersion) -> Mapping[str, str]:
    """The places of the names of the parties of a version, by their hashes."""
    return {party: f"/{version.version}/party_{number}" for number, party in enumerate(version.parties)}


def names(beside: Mapping[str, Any], number: int) -> Sequence[str | None]:
    """The names of so many parties, from what opens the leaf of their version."""
    return [beside.get(f"party_{each}") for each in range(number)]
