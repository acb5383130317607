"""
Agreements on benefit: proposed, accepted by each party that they name or opened with evidence, changed and ended in the same way.

What somebody wants to agree goes in, and becomes a version with a digest, which is the hash of its leaf in the log. A version stands once
each named party has accepted this digest, those of the version that it would replace too; or once an administrator opened it with what was
shown, as the only way where a role is paid and no party. An end is a version with a last day. Nothing here changes what was booked.
"""

import json
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from uuid_utils import uuid7

from service.callers.context import Administering, Committing, Context
from service.ledger import hashed_names
from service.ledger.agreement_book import AgreementTerms, names, parties_of, told
from service.ledger.agreement_readings import AgreementPart, AgreementQuery, digests, involves, none_there, told_of
from service.ledger.agreement_terms import (
    AcceptAgreementSent,
    EndAgreementSent,
    OpenAgreementSent,
    TermsSent,
    read_terms,
)
from service.ledger.counter_book import Book
from service.log import tree_leaves
from service.log.tree_leaves import LogEvent
from service.problems import RequestRefused
from service.register import entity_versions
from service.register.entity import ASSET, PARTY
from service.store.moments import moment_text
from service.store.row_seals import AGREEMENT, changing, check
from service.store.tables import agreement, agreement_event, agreement_party

MOST_VERSIONS = 200  # of an agreement
MOST_OF_AN_ASSET = 500  # agreements
_HASHES = Book()
_version, _event = agreement.c, agreement_event.c


def propose(context: Committing, asset: str, sent: TermsSent, transaction: sa.Connection) -> AgreementPart:
    """Propose an agreement for an asset. It gives nothing until it stands. Raises RequestRefused."""
    terms, parties = _read(context, sent, transaction)
    if context.party is not None and context.party not in parties:
        raise RequestRefused("forbidden", "the caller's key belongs to a party: name it among those who pay or are paid")
    named = asset if context.party is not None else entity_versions.known_as(transaction, ASSET, asset)
    hashed = hashed_names.asset(_HASHES, transaction, named)
    count = sa.select(sa.func.count(sa.distinct(_version.id))).where(_version.asset == hashed)
    if transaction.execute(count).scalar_one() >= MOST_OF_AN_ASSET:
        raise RequestRefused("bad-request", f"an asset has at most {MOST_OF_AN_ASSET} agreements")
    id = str(uuid7())
    _write(context, transaction, id, 1, "proposed", named, hashed, terms, parties, sent.reason)
    return _now(context, transaction, id)


def amend(context: Committing, id: str, sent: TermsSent, transaction: sa.Connection) -> AgreementPart:
    """Propose other terms for an agreement, for exchanges that are committed once they stand. Raises RequestRefused."""
    held = _Held.of(transaction, id, context)
    terms, parties = _read(context, sent, transaction)
    mine = held.mine
    if mine is not None and not all(involves(share, held.parties[-1], mine) for share in held.terms.shares):
        detail = "the agreement has shares of others that a key of this party is not told: ask the operator to amend it"
        raise RequestRefused("forbidden", detail)
    asset = held.asset_name(transaction)
    _write(context, transaction, id, held.next(), "amended", asset, held.rows[-1].asset, terms, parties, sent.reason)
    return _now(context, transaction, id)


def end(context: Committing, id: str, sent: EndAgreementSent, transaction: sa.Connection) -> AgreementPart:
    """Propose that an agreement no longer stands from a day on. Raises RequestRefused."""
    held = _Held.of(transaction, id, context)
    stood = held.stood
    if stood is None:
        raise _refused("the agreement never stood, so there is nothing to end")
    if sent.from_ < context.today:
        raise _refused("an agreement ends on a day that has not passed: what was committed under it stays")
    last = sent.from_ - timedelta(days=1)
    if stood.until is not None and stood.until <= last.isoformat():
        raise _refused(f"the last day of the agreement is {stood.until} anyhow")
    parties = held.names_of(transaction, stood)
    terms = replace(AgreementTerms.of(stood.terms), until=last.isoformat())
    asset, hashes = held.asset_name(transaction), held.parties_of(stood)
    _write(context, transaction, id, held.next(), "ended", asset, stood.asset, terms, parties, sent.reason, hashes)
    return _now(context, transaction, id)


def accept(context: Committing, id: str, sent: AcceptAgreementSent, transaction: sa.Connection) -> AgreementPart:
    """Accept the newest version for the caller's party. It stands once all have whom it names. Raises RequestRefused."""
    held = _Held.of(transaction, id, context)
    if held.mine is None:
        detail = "a version is accepted with a key that belongs to a party; an operator opens it, with what was shown"
        raise RequestRefused("forbidden", detail)
    version = held.awaiting(transaction, sent.digest)
    if held.mine not in held.must_accept:
        raise _refused("the newest version does not await this party")
    accepted = held.accepted(version) | {held.mine}
    if held.mine not in held.accepted(version):
        whole = held.must_accept <= accepted and all(each.payee is not None for each in held.terms.shares)
        happened = {"kind": "accepted", "party": held.mine, "evidence": None, "reason": None}
        _happens(context, transaction, held, sent.digest, happened, context.today if whole else None)
    return _now(context, transaction, id)


def open_version(context: Administering, id: str, sent: OpenAgreementSent, transaction: sa.Connection) -> AgreementPart:
    """Let the newest version stand by what was shown. Raises RequestRefused."""
    held = _Held.of(transaction, id, context)
    held.awaiting(transaction, sent.digest)
    shown = [each.model_dump(mode="json", exclude_none=True) for each in sent.evidence]
    kept = json.dumps(shown, ensure_ascii=False, separators=(",", ":"))
    happened = {"kind": "opened", "party": None, "evidence": kept, "reason": sent.reason}
    _happens(context, transaction, held, sent.digest, happened, context.today)
    return _now(context, transaction, id)


def _now(context: Context, connection: sa.Connection, id: str) -> AgreementPart:
    (found,) = told_of(context, connection, [id], AgreementQuery(context.today))
    return found


# --- writing -----------------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class _Held:
    """An agreement in a writing transaction: its versions with the parties of each, and its events. `mine` is the caller's party."""

    rows: Sequence[Any]
    parties: Sequence[tuple[str, ...]]
    events: Sequence[Any]
    mine: str | None

    @classmethod
    def of(cls, transaction: sa.Connection, id: str, context: Context) -> "_Held":
        """Raises RequestRefused."""
        rows = transaction.execute(sa.select(agreement).where(_version.id == id).order_by(_version.version)).all()
        by_version = parties_of(transaction, rows)
        parties = [by_version[row.id, row.version] for row in rows]
        mine = None if context.party is None else hashed_names.party(_HASHES, transaction, context.party)
        if not rows or (mine is not None and not any(mine in each for each in parties)):
            raise none_there()
        check(transaction, AGREEMENT, [id])
        events = transaction.execute(sa.select(agreement_event).where(_event.agreement == id).order_by(_event.number)).all()
        return cls(rows, parties, events, mine)

    @property
    def terms(self) -> AgreementTerms:
        """The terms of the newest version."""
        return AgreementTerms.of(self.rows[-1].terms)

    @property
    def stood(self) -> Any:
        """The last version that stood; None where none did."""
        return next((row for row in reversed(self.rows) if row.stood_at is not None), None)

    @property
    def must_accept(self) -> frozenset[str]:
        """Those whom the newest version names, and those of the one that it would replace."""
        stood = self.stood
        return frozenset(self.parties[-1]) | frozenset(() if stood is None else self.parties_of(stood))

    def parties_of(self, row: Any) -> tuple[str, ...]:
        """The parties of a version."""
        return self.parties[self.rows.index(row)]

    def accepted(self, row: Any) -> frozenset[str]:
        """Those who accepted a version."""
        return frozenset(each.party for each in self.events if each.version == row.version and each.party is not None)

    def awaiting(self, transaction: sa.Connection, digest: str) -> Any:
        """The newest version, which must have this digest and not stand yet. Raises RequestRefused."""
        row = self.rows[-1]
        if self.mine is not None and self.mine not in self.must_accept:
            raise _refused("the newest version does not await this party")
        if digests(transaction, [row])[row.leaf] != digest:
            raise _refused("the newest version has another digest: read the agreement again")
        if row.stood_at is not None:
            raise _refused("the newest version stands already")
        return row

    def next(self) -> int:
        """The number of a further version. Raises RequestRefused."""
        if len(self.rows) >= MOST_VERSIONS:
            raise RequestRefused("bad-request", f"an agreement has at most {MOST_VERSIONS} versions")
        return int(self.rows[-1].version) + 1

    def asset_name(self, transaction: sa.Connection) -> str | None:
        """The name of the asset."""
        leaf = self.rows[-1].leaf
        name = tree_leaves.opened(transaction, [leaf]).get(leaf, {}).get("asset")
        return name if isinstance(name, str) else None

    def names_of(self, transaction: sa.Connection, row: Any) -> Sequence[str | None]:
        """The names of the parties of a version."""
        return names(tree_leaves.opened(transaction, [row.leaf]).get(row.leaf, {}), len(self.parties_of(row)))


def _read(context: Committing, sent: TermsSent, transaction: sa.Connection) -> tuple[AgreementTerms, list[str]]:
    """
    The terms that were sent, and the parties. Raises RequestRefused.

    A caller who belongs to a party names others as the register has them: it may not find out by which other names.
    """
    if context.party is not None:
        return read_terms(context.live, sent, context.today)
    known: dict[str, str] = {}

    def named(party: str | None) -> str | None:
        return None if party is None else known.setdefault(party, entity_versions.known_as(transaction, PARTY, party))

    shares = [each.model_copy(update={"payer": named(each.payer), "payee": named(each.payee)}) for each in sent.shares]
    return read_terms(context.live, sent.model_copy(update={"shares": shares}), context.today)


def _write(
    context: Committing,
    transaction: sa.Connection,
    id: str,
    number: int,
    change: str,
    asset: str | None,
    asset_hash: str,
    terms: AgreementTerms,
    parties: Sequence[str | None],
    reason: str,
    hashes: Sequence[str] | None = None,
) -> None:
    """Write a version, which does not stand yet. `hashes` are those of the parties, where their names may be erased."""
    at, by = moment_text(context.now), context.caller.id
    hashes = hashes or [hashed_names.party(_HASHES, transaction, party) for party in parties if party is not None]
    named = {f"party_{place}": party for place, party in enumerate(parties) if party is not None}
    members: dict[str, Any] = {
        "agreement": id,
        "version": number,
        "change": change,
        "parties": len(hashes),
        "shares": len(terms.shares),
    }
    hidden: dict[str, Any] = {
        "asset": asset,
        "asset_hash": asset_hash,
        "by": by,
        "reason": reason,
        "hashes": list(hashes),
        "terms": terms.beside,
        **named,
        **{f"share_{place}": told(share) for place, share in enumerate(terms.shares)},
    }
    subjects = {name: f"entity/{PARTY}/{party}" for name, party in named.items()}
    (leaf,) = tree_leaves.append(transaction, LogEvent("agreement-version", at, members, hidden, subjects=subjects))
    row = {"id": id, "version": number, "leaf": leaf, "asset": asset_hash, "change": change, "terms": terms.text}
    row |= {"until": terms.until, "reason": reason, "at": at, "by": by}
    payers = {share.payer for share in terms.shares}
    with changing(transaction, AGREEMENT, id):
        transaction.execute(sa.insert(agreement).values(row))
        transaction.execute(
            sa.insert(agreement_party),
            [
                {"agreement": id, "version": number, "number": place, "party": party, "pays": place in payers}
                for place, party in enumerate(hashes)
            ],
        )


def _happens(
    context: Context, transaction: sa.Connection, held: _Held, digest: str, happened: dict[str, Any], stands_on: date | None
) -> None:
    """Note an event of the newest version, which stands by it from a day on, if one is given."""
    version, at, by = held.rows[-1], moment_text(context.now), context.caller.id
    row = {"agreement": version.id, "number": len(held.events), "version": version.version, **happened, "at": at, "by": by}
    since = None if stands_on is None else stands_on.isoformat()
    members: dict[str, Any] = {
        "agreement": version.id,
        "number": row["number"],
        "version": version.version,
        "event": row["kind"],
        "digest": digest,
        "stands_on": since,
    }
    hidden: dict[str, Any] = {name: row[name] for name in ("party", "evidence", "reason", "by")}
    tree_leaves.append(transaction, LogEvent("agreement-event", at, members, hidden))
    with changing(transaction, AGREEMENT, version.id):
        transaction.execute(sa.insert(agreement_event).values(row))
        if since is not None:
            here = (_version.id == version.id, _version.version == version.version)
            transaction.execute(sa.update(agreement).where(*here).values(stood_at=at, stood_on=since))


def _refused(detail: str) -> RequestRefused:
    return RequestRefused("agreement-refused", detail)
