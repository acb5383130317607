"""
Writes what a decision says of coverage: the law that is modelled, its gaps, its reach, and what an organisation accepted.

It is the same for every exchange that the law covers alike, so it is written once for each such coverage and kept.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from engine.deciding.coverage import Coverage, Gap
from engine.explaining.encoding import encode
from engine.explaining.phrasebook import Phrasebook

WHY: Mapping[str, str] = {"gap": "not_modelled", "unread": "unread", "doubtful": "doubtful"}
REMEMBERED = 4_096  # coverages that are kept as they are written


class CoverageWriter:
    """Writes the coverage of decisions under one bundle in one language."""

    def __init__(self, book: Phrasebook) -> None:
        self.bundle = book.bundle
        self.book = book
        self._covered: dict[Coverage, str] = {}

    def of(self, covered: Coverage) -> str:
        """The member `coverage` of a decision, as JSON."""
        found = self._covered.get(covered)
        if found is None:
            if len(self._covered) >= REMEMBERED:
                self._covered.clear()
            found = self._covered[covered] = self._written(covered)
        return found

    def _written(self, covered: Coverage) -> str:
        gaps = [self._gap(gap) for gap in covered.gaps]
        jurisdictions = self.bundle.vocabulary.jurisdictions
        notes = [self.book.text(note) for name in covered.jurisdictions if (note := jurisdictions[name].note)]
        reach = [
            {
                "certain": reach.certain,
                "country": reach.country or "unknown",
                "sign_off": next(iter(reach.names), None),
                "subject": reach.subject,
            }
            for reach in covered.reaches
        ]
        not_reached = [
            {
                "citation": self.book.text(because.citation) if because else "",
                "jurisdiction": each.jurisdiction,
                "policy": because.policy if because else "",
                "says": self.book.text(because.says) if because else "",
                "subject": each.subject,
            }
            for each in covered.not_reached
            for because in (each.because,)
        ]
        accepted = [
            {
                "acceptance": each.acceptance.id,
                "because": self.book.text(each.acceptance.because),
                "by": self.book.text(each.acceptance.by),
                "country": each.country,
                "organisation": each.acceptance.organisation,
                "subject": each.subject,
                "until": each.acceptance.until.isoformat(),
            }
            for each in covered.accepted
        ]
        switched_off = [
            {
                "because": self.book.text(off.because),
                "by": self.book.text(off.by),
                "jurisdiction": off.jurisdiction,
                "organisation": off.organisation,
                "policy": off.policy,
            }
            for off in self.bundle.vocabulary.switched_off
        ]
        return encode(
            {
                "accepted": accepted,
                "jurisdictions": list(covered.jurisdictions),
                "not_modelled": gaps,
                "not_reached": not_reached,
                "notes": notes,
                "reach": reach,
                "stands_on": [self._stands_on(*each) for each in covered.stands_on],
                "switched_off": switched_off,
            }
        )

    def _gap(self, gap: Gap) -> dict[str, Any]:
        """A gap, with what was read of the law and what would close it."""
        cell = self.book.cell(gap.jurisdiction, gap.subject)
        law = self.book.text(cell.unread) if cell and cell.unread else ""
        since = cell.from_ if cell and gap.kind == "gap" else None
        return {
            "certain": gap.certain,
            "country": gap.country or "unknown",
            "covered_from": since and since.isoformat(),
            "law": law,
            "read": (cell.read if cell else None) or "",
            "reviewed": gap.reviewed,
            "says": self.book.silent(gap),
            "sign_off": list(gap.names) if gap.reviewed else [],
            "source": (cell.source if cell else None) or "",
            "subject": gap.subject or "all",
            "touched_as": list(gap.roles),
            "why": WHY[gap.kind],
        }

    def _stands_on(self, jurisdiction: str, subject: str) -> dict[str, Any]:
        """What was read of the law on a subject matter that it settles."""
        cell = self.book.cell(jurisdiction, subject)
        assert cell is not None
        return {
            "by": cell.by,
            "free": cell.kind == "free",
            "jurisdiction": jurisdiction,
            "read": cell.read or "",
            "read_on": cell.read_on and cell.read_on.isoformat(),
            "source": cell.source or "",
            "status": cell.status or "",
            "subject": subject,
            "under": list(cell.wider),
        }
