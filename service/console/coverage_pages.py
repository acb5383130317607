"""
Renders the page of the coverage that an organisation may accept: for which law that was not read decisions wait, by country and subject.

What was read goes in, HTML comes out.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from service.console.pages import rendered
from service.console.reader import PageReader, capital
from service.reviews.coverage_to_accept import CellShown, CoverageToAccept

PATH = "/review/coverage"


@dataclass(frozen=True, slots=True)
class CoverageShown:
    """
    The cells for which decisions wait, and what the form is to hold. `yaml` is what was asked for, `done` how many were accepted just now.

    `folder`: the organisation has a folder into which it can be put.
    """

    waiting: CoverageToAccept
    token: str
    folder: bool
    by: str
    today: date
    default_until: date
    last_until: date
    yaml: str = ""
    done: str = ""
    wrong: str = ""
    findings: Sequence[str] = ()
    sent: Mapping[str, Sequence[str]] | None = None


def coverage_page(shown: CoverageShown, reader: PageReader) -> str:
    """The page."""
    return rendered(
        "review_coverage.html",
        reader,
        PATH,
        w=reader.words.reviews,
        shown=shown,
        cells=[_cell(each, shown.today, reader) for each in shown.waiting.cells],
        standing=_standing(shown.today, reader),
        first=lambda name: next(iter((shown.sent or {}).get(name, ())), ""),
        chosen=frozenset((shown.sent or {}).get("cell", ())),
    )


def _cell(cell: CellShown, today: date, reader: PageReader) -> dict[str, Any]:
    """A cell in words, with the law that is known by name and was not read."""
    vocabulary = reader.bundle.vocabulary
    covering = (text for text in vocabulary.jurisdictions.values() if cell.country in vocabulary.countries(text, today))
    covered = next((text.covers.get(cell.subject) for text in covering), None)
    unread = covered.unread.in_(reader.lang) if covered is not None and covered.unread is not None else ""
    return {
        "of": cell,
        "value": f"{cell.country}/{cell.subject}",
        "title": capital(reader.language.pair(reader.place(cell.country), reader.subject(cell.subject))),
        "unread": unread,
    }


def _standing(today: date, reader: PageReader) -> list[tuple[str, str, str, date]]:
    """What is accepted today: of which countries and subject matters, by whom, why, and until when; what ends first is first."""
    found = [each for each in reader.bundle.vocabulary.accepts if each.on(today)]
    return [
        (
            reader.language.pair(
                reader.language.joined([reader.place(country) for country in each.countries]),
                reader.language.joined([reader.subject(subject) for subject in each.subjects]),
            ),
            each.by.in_(reader.lang),
            each.because.in_(reader.lang),
            each.until,
        )
        for each in sorted(found, key=lambda each: (each.until, each.id))
    ]
