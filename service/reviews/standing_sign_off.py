"""
Which approvals stand for an exchange: sign-offs of the same facts go in, approvals come out.

Rows of sign-offs are only added. An approval stands for the present meaning of its provision, until its last day. A provision needs the
signatures of one person or of two: its author says so, or a setting does.

- Persons are told apart by issuer and subject, however they come in. A caller who is no person that the service knows is one unnamed
  signer, who is enough where one signature is, and never one of two.
- The last signatures of as many persons as are needed count; the earliest of their last days ends the approval.
- A refusal by anybody clears all signatures for the provision, of whatever meaning.
- INVARIANT (no half approval): what still lacks a signature is no approval for anybody who decides.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any
from weakref import WeakKeyDictionary

import sqlalchemy as sa

import engine
from service.callers.person import one_spelling
from service.log.leaf import with_personal_values
from service.log.store import Stored, find
from service.policies.live import Live
from service.store.database import Database
from service.store.row_seals import PERSON, SIGN_OFFS, check
from service.store.tables import person, sign_off

_MEANINGS: WeakKeyDictionary[Live, dict[str, str | None]] = WeakKeyDictionary()
_ASKED: WeakKeyDictionary[Live, dict[str, int]] = WeakKeyDictionary()

MOST_EARLIER = 50  # earlier decisions whose sign-offs are looked at for one exchange

Row = Mapping[str, Any]  # a sign-off, with the issuer and the subject of its person


@dataclass(frozen=True, slots=True)
class Signatures:
    """The signatures under one provision: how many persons are needed, and those that were given and have not ended, in order."""

    provision: str
    needed: int
    given: tuple[Row, ...]

    @property
    def complete(self) -> bool:
        """Whether enough persons have signed."""
        return len(self.given) >= self.needed


def approvals_of(connection: sa.Connection, live: Live, exchange: engine.Exchange, day: date) -> list[engine.Approval]:
    """The approvals that stand for the facts of an exchange on a day."""
    return approvals_on(live, said_of(connection, live, exchange.document), day)


def any_sign_off(database: Database) -> bool:
    """Whether anything was ever signed off."""
    return database.has_rows(sign_off)


def may_be_any(database: Database) -> bool:
    """The same, and yes where the log cannot be read: whoever decides finds the error again, and says it."""
    try:
        return any_sign_off(database)
    except sa.exc.SQLAlchemyError:
        return True


def said_of_facts(connection: sa.Connection, facts: str) -> list[Row]:
    """All sign-offs of just these facts, which are given by their digest, in order."""
    return _read(connection, sign_off.c.facts == facts)


def said_of(connection: sa.Connection, live: Live, document: Mapping[str, Any]) -> list[Row]:
    """
    All sign-offs that hold for an exchange, in order: those of the same facts, and those of an earlier exchange of which the facts are
    among these and whose provision reads none of the others (semantics 4.6). The latter have the member `earlier`.

    What an earlier sign-off is bound to is in the record of its decision. Where values of this were erased, it holds no more.
    """
    facts = engine.facts_digest(live.bundle, document)
    alike = sa.and_(sign_off.c.anchor == engine.anchor_of(live.bundle, document), sign_off.c.facts.is_not(None))
    found: list[Row] = []
    requests: dict[str, Mapping[str, Any] | None] = {}
    # The newest first: where there are too many, an old approval is left out, and never the refusal that came after it.
    for row in reversed(_read(connection, sa.or_(sign_off.c.facts == facts, alike))):
        if row["facts"] == facts:
            found.append(row)
            continue
        if row["decision"] not in requests and len(requests) < MOST_EARLIER:
            requests[row["decision"]] = _request(connection, row["decision"])
        earlier = requests.get(row["decision"])
        if earlier is not None and engine.still_holds(live.bundle, earlier, document, row["provision"]):
            found.append({**row, "earlier": True})
    return found[::-1]


def _request(connection: sa.Connection, decision: str) -> Mapping[str, Any] | None:
    """The exchange of a recorded decision; None if it is not whole."""
    stored = find(connection, decision)
    if stored is None or any(opening.value is None for opening in stored.entry.openings):
        return None
    request: Mapping[str, Any] | None = with_personal_values(stored.entry.leaf, stored.entry.openings).get("request")
    return request


def _read(connection: sa.Connection, where: sa.ColumnElement[bool]) -> list[Row]:
    of_person = sa.select(sign_off, person.c.issuer, person.c.subject)
    joined = of_person.select_from(sign_off.outerjoin(person, person.c.id == sign_off.c.person))
    rows: list[Row] = [dict(row) for row in connection.execute(joined.where(where).order_by(sign_off.c.number)).mappings()]
    if rows:
        check(connection, SIGN_OFFS, sorted({row["decision"] for row in rows}))
        check(connection, PERSON, sorted({row["person"] for row in rows} - {None}))
    return rows


def said_of_stored(connection: sa.Connection, live: Live, stored: Stored) -> list[Row]:
    """All sign-offs of the facts of a record that was not erased, in order."""
    return said_of(connection, live, with_personal_values(stored.entry.leaf, stored.entry.openings)["request"])


def facts_of(live: Live, record: Mapping[str, Any]) -> str:
    """The digest of the facts of a record that was not erased."""
    return engine.facts_digest(live.bundle, record["request"])


def approvals_on(live: Live, said: Iterable[Row], day: date) -> list[engine.Approval]:
    """The approvals that stand on a day, from all sign-offs of the same facts in order."""
    found = []
    for each in signatures(live, said, day):
        if each.complete:
            counted = each.given[-each.needed :]
            *others, last = counted
            until = min(date.fromisoformat(row["until"]) for row in counted)
            also = tuple(engine.Signature(row["id"], row["given_by"], date.fromisoformat(row["until"])) for row in others)
            earlier = any(row.get("earlier") for row in counted)
            found.append(engine.Approval(each.provision, last["id"], last["given_by"], until, also, earlier))
    return found


def signatures(live: Live, said: Iterable[Row], day: date) -> list[Signatures]:
    """
    The signatures that count on a day under each provision that was ever approved, from all sign-offs of the same facts in order.

    Where one is needed, the last that was given is looked at alone; where two are, the last of each person, and of these the last two.
    """
    given: dict[str, dict[str, dict[Any, Row]]] = {}
    for row in said:
        of_provision = given.setdefault(row["provision"], {})
        if row["verdict"] == "approve":
            by_signer = of_provision.setdefault(row["meaning"], {})
            by_signer.pop(_signer(row), None)
            by_signer[_signer(row)] = row  # at the end: the order is that in which each signed last
        else:
            of_provision.clear()  # approvals of earlier meanings too: the provision may mean the same again
    found = []
    for provision, by_meaning in given.items():
        rows: Sequence[Row] = tuple(by_meaning.get(meaning_of(live, provision) or "", {}).values())
        needed = persons_needed(live, provision)
        if needed > 1:
            rows = [row for row in rows if _signer(row) is not None]
        last = tuple(row for row in rows[-needed:] if row["until"] >= day.isoformat())
        found.append(Signatures(provision, needed, last))
    return found


def persons_needed(live: Live, provision: str) -> int:
    """How many persons must sign a provision off: as many as its author asks for, and at least as many as the setting does."""
    known = _ASKED.setdefault(live, {})
    if provision not in known:
        known[provision] = engine.persons_asked(live.bundle, provision)
    return max(known[provision], live.persons)


def meaning_of(live: Live, provision: str) -> str | None:
    """The digest of a provision's meaning, remembered as long as the bundle is live: making it takes longer than a database query."""
    known = _MEANINGS.setdefault(live, {})
    if provision not in known:
        known[provision] = engine.meaning_of(live.bundle, provision)
    return known[provision]


def _signer(row: Row) -> tuple[str, str] | None:
    """The person who signed; None for a caller who is none that the service knows, and for one whose name was erased."""
    return (one_spelling(row["issuer"]), row["subject"]) if row.get("issuer") is not None else None
