"""
The coverage that an acceptance would close: the queue goes in, the subject matters of countries for which something waits come out. What
an organisation accepts of it goes in, YAML for its policies comes out.

Of each it is said how many decisions wait for it, and how many of these for no other signature. What a case names to be signed says it;
of a case that nobody can sign, its record does. Source: semantics 4.3.
"""

from collections.abc import Iterable, Iterator

import sqlalchemy as sa
from pydantic import BaseModel, Field

from service.callers.caller import check
from service.callers.context import Reviewing
from service.log.leaf import with_personal_values
from service.log.store import find
from service.policies import acceptances
from service.policies.acceptances import AcceptanceRequest, Folder
from service.policies.live import Live
from service.policies.reloading import Origin
from service.problems import RequestRefused
from service.reviews import queue
from service.reviews.queue import CountedCase
from service.reviews.recorded_case import GAP, gaps_of
from service.reviews.reviewer import Reviewer

MOST_READ = 100  # records that are read for their gaps
MOST_CELLS = 50  # that are shown, those with most decisions first

ALL = "all"  # the subject matter of a gap that is of every one
_SILENT = ("reach", "gap")  # what the names of reaches and gaps begin with


class CellShown(BaseModel, frozen=True):
    """A subject matter of a country of which the law was not read, or does not say that it reaches the data."""

    country: str
    subject: str
    decisions: int = Field(description="how many decisions wait for it")
    alone: int = Field(description="how many of these wait for no other signature")
    example: str = Field(description="the id of the oldest of these decisions")


class CoverageToAccept(BaseModel, frozen=True):
    """The cells for which decisions wait, those with most decisions first."""

    cells: tuple[CellShown, ...] = Field(description=f"at most {MOST_CELLS}")
    more: bool = Field(description="whether there are more cells, or more decisions than were counted")
    writes: bool = Field(description="whether the caller may have an acceptance put into the organisation's folder")


class AcceptanceMade(BaseModel, frozen=True):
    """What an organisation's policies say, or have to say."""

    yaml: str = Field(description="the entries for `accepts:` in the organisation's document")
    written: str | None = Field(description="the file that has them now; null where they are to be copied")


def waiting_for(context: Reviewing, connection: sa.Connection) -> CoverageToAccept:
    """The cells for which decisions wait."""
    live, issuer = context.live, context.settings.jwt_issuer or None
    found = queue.read(connection, live, context.today, issuer)
    cells = to_accept(connection, live, found.waiting, Reviewer.of(connection, context.caller, live, issuer))
    more = found.more or len(cells) > MOST_CELLS
    writes = context.settings.acceptances is not None and "administer" in context.caller.scopes
    return CoverageToAccept(cells=tuple(cells[:MOST_CELLS]), more=more, writes=writes)


def accept(context: Reviewing, asked: AcceptanceRequest, origin: Origin) -> AcceptanceMade:
    """
    Accept what was asked, in YAML to be copied; or write it into the organisation's folder, where it waits to be loaded.

    It takes as long as loading all policies, which come from `origin`. Raises RequestRefused.
    """
    live, today = context.live.bundle, context.today
    asked = acceptances.check_request(live, asked, today)
    yaml = acceptances.entries_to_copy(asked, today)
    if not asked.write:
        return AcceptanceMade(yaml=yaml, written=None)
    folder = context.settings.acceptances
    if folder is None:
        raise RequestRefused(
            "bad-request", "no setting names a folder for acceptances: copy the YAML into the organisation's policies"
        )
    check(context.caller, "administer", of_party=False)
    return AcceptanceMade(yaml=yaml, written=acceptances.put_in_place(Folder(folder, origin), live, asked, today))


def to_accept(connection: sa.Connection, live: Live, waiting: Iterable[CountedCase], reviewer: Reviewer) -> list[CellShown]:
    """The cells for which decisions of the loaded policies wait, those with most decisions first; no more than MOST_CELLS + 1."""
    known = {name for name, text in live.bundle.vocabulary.subjects.items() if text.guarded != "yes"}
    found: dict[tuple[str, str], list[tuple[str, bool]]] = {}
    read = 0
    for case in waiting:
        if reviewer.group(case) == "again":
            continue
        cells = {cell for name in case.provisions if (cell := _named(name)) and cell[1] in known}
        if not cells and GAP in case.kinds and read < MOST_READ:
            read += 1
            cells = {cell for cell in recorded_gaps(connection, case.id) if cell[1] in known}
        for cell in cells:
            found.setdefault(cell, []).append((case.id, len(case.provisions or cells) == 1))
    cells_of = [
        CellShown(
            country=country,
            subject=subject,
            decisions=len(cases),
            alone=sum(alone for _, alone in cases),
            example=cases[0][0],
        )
        for (country, subject), cases in found.items()
    ]
    return sorted(cells_of, key=lambda each: (-each.decisions, each.country, each.subject))[: MOST_CELLS + 1]


def _named(provision: str) -> tuple[str, str] | None:
    """The country and the subject matter of the name of a gap or a reach."""
    kind, _, rest = provision.partition("/")
    country, slash, subject = rest.partition("/")
    return (country, subject) if kind in _SILENT and slash else None


def recorded_gaps(connection: sa.Connection, id: str) -> Iterator[tuple[str, str]]:
    """The gaps of a record; of a country without any law these are the subject matters that its data certainly are of."""
    stored = find(connection, id)
    if stored is None:
        return
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    certain = (record.get("found_by") or {}).get("category") or ()
    for gap in gaps_of(record.get("decision") or {}):
        for subject in certain if gap["subject"] == ALL else (gap["subject"],):
            yield str(gap["place"]), str(subject)
