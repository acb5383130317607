"""Decisions as lines of a list, for `tail` and `search`."""

import json
from collections.abc import Iterable
from typing import TYPE_CHECKING

from service.cli.output import complain, painted, safe

if TYPE_CHECKING:
    from service.log.search import RecordRow


def print_rows(rows: "Iterable[RecordRow]", as_json: bool) -> None:
    """Print a line for each decision."""
    from service.log.record_views import written_row

    for row in rows:
        print(json.dumps(written_row(row), ensure_ascii=False) if as_json else _line(row), flush=True)


def warn_of_unindexed(number: int) -> None:
    """Report the number of records that no search finds."""
    if number:
        complain(f"{number:,} older records are not searched; add them to the index with `fifthfactor log reindex`")


def say_none() -> None:
    """Report that nothing is found."""
    complain("no decision is found")


def _line(row: "RecordRow") -> str:
    import engine

    tone = "green" if row.proceed else "yellow" if row.outcome in ("undetermined", "review") else "red"
    outcome = engine.LANGUAGES["en"].level(row.outcome)
    word = painted(tone, f"{outcome + (' (hypothetical)' if row.hypothetical else ''):26}")
    countries = f"{row.exporter_country or '?'} > {row.recipient_country or '?'}"
    parties = f"{row.exporter or '-'} > {row.recipient or '-'}" if row.exporter or row.recipient else ""
    return safe(f"{row.recorded_at:%Y-%m-%d %H:%M:%S}Z  {row.id}  ") + word + safe(f"  {countries:8} {parties}")
