"""
The grants of assets as the agreements that they were made under look at them: how each stands, and by which chains a right is proven.

A party, an asset and a day go in, as known at a moment; grants and chains of grants come out.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, tzinfo
from typing import Any

import sqlalchemy as sa

import engine
from service.ledger import agreement_book
from service.ledger.proof_chains import Chain, ChainQuery, ProofChains
from service.ledger.rights_book import ALWAYS, RightsBook, as_known, known_until, rows_as_of
from service.store.row_seals import GRANTS, check
from service.store.tables import commitment, right_line


@dataclass(frozen=True, slots=True)
class AgreedGrant:
    """
    A grant under an agreement: whether it stands, and the day and the moment as of which the chain behind it is read.

    `on` is None of one that proved nothing on any day, since it ended on its first.
    """

    id: str
    stands: bool
    on: date | None
    known: str


class AgreedGrants:
    """Reads the grants of one database. `zone` is that of the days on which something stands."""

    def __init__(self, connection: sa.Connection, rights: RightsBook, reader: engine.BookReader, zone: tzinfo) -> None:
        self._connection, self._rights, self._reader, self._zone = connection, rights, reader, zone

    def to(self, holder: str, asset: str, on: date, known: str = ALWAYS) -> dict[str, AgreedGrant]:
        """
        The grants of an asset to a party for which an agreement was named, as they stood on a day by what was known at a moment.

        One that another commitment replaced is none.
        """
        ids = [row.commitment for row in agreement_book.uses(self._connection, asset, holder)]
        if not ids:
            return {}
        check(self._connection, GRANTS, ids)
        replaced = sa.select(commitment.c.id).where(commitment.c.id.in_(ids), commitment.c.state == "superseded")
        gone = {*self._connection.execute(replaced).scalars()}
        lines: dict[str, list[Any]] = {}
        for row in self._connection.execute(sa.select(right_line).where(right_line.c.source.in_(ids))):
            lines.setdefault(row.source, []).append(row)
        found = {id: self._grant(id, rows, on, known) for id, rows in sorted(lines.items()) if id not in gone}
        return {id: grant for id, grant in found.items() if grant is not None}

    def _grant(self, id: str, rows: Sequence[Any], day: date, known: str) -> AgreedGrant | None:
        """How a grant stands on a day; None of one that had not begun."""
        if any(each.stands(day) for each in as_known(rows, known)):
            return AgreedGrant(id, True, day, known)
        voided = rows[0].voided_at
        grants = as_known(rows, voided or ALWAYS)
        last = max(each.last or engine.PERPETUAL for each in grants)
        if voided is not None:
            last = min(last, datetime.fromisoformat(voided).astimezone(self._zone).date())
        first = min(each.first for each in grants)
        if first > day:
            return None
        return AgreedGrant(id, False, None if last < first else last, voided or known_until(last, self._zone))

    def proofs(self, holder: str, asset: str, day: date, known: str, wanted: ChainQuery) -> list[Chain]:
        """The chains of grants to a party on a day. Raises TooManyLines, TooManyChains."""
        rows = self._rights.chains(self._connection, rows_as_of(self._reader.book.name, asset, known=known), [holder])
        check(self._connection, GRANTS, sorted({row.source for row in rows}))
        return ProofChains(self._reader.reckoner, as_known(rows, known), day).of(holder, wanted)

    def opened(self, holder: str, asset: str, day: date) -> bool:
        """Whether a party holds an asset by its own opening."""
        here = (right_line.c.holder == holder, right_line.c.asset == asset, right_line.c.sequence.is_(None))
        rows = self._connection.execute(sa.select(right_line).where(*here, right_line.c.voided_at.is_(None))).all()
        check(self._connection, GRANTS, sorted({row.source for row in rows}))
        return any(each.stands(day) for each in as_known(rows, ALWAYS))
