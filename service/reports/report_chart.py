"""
The chart of a report: decisions go in; a bar for each month, or for each day of a short period, comes out, in parts by outcome.

The chart is of the decisions that were looked through, and the report says of how many. It is drawn as rows, so that every name and number
can be read, on paper and on a phone.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from datetime import UTC, date

import engine
from service.languages.words import wording
from service.log.search import RecordRow
from service.reports.report_document import Chart, ChartBar

MOST_BARS = 24
_DAYS = 31  # a period of so many days has a bar for each day on which something was decided


def chart(decisions: Sequence[RecordRow], first: date, last: date, lang: str) -> Chart | None:
    """The chart of some decisions of a period; None where there is none."""
    if not decisions:
        return None
    words, language = wording(lang).reports, engine.LANGUAGES[lang]
    by_day = (last - first).days < _DAYS
    counts: dict[str, Counter[str]] = {}
    for row in decisions:
        day = row.recorded_at.astimezone(UTC).date().isoformat()
        counts.setdefault(day if by_day else day[:7], Counter())[row.outcome] += 1
    names = sorted(counts)
    known = language.codes["outcome"]
    used = {code for each in counts.values() for code in each}
    order = [*(code for code in known if code in used), *sorted(used - known.keys())]
    return Chart(
        words["chart_days" if by_day else "chart_months"],
        tuple((code, language.word("outcome", code)) for code in order),
        tuple(ChartBar(name, _parts(counts[name], order)) for name in names[-MOST_BARS:]),
        words["chart_more"].format(len(names) - MOST_BARS) if len(names) > MOST_BARS else "",
    )


def _parts(counts: Counter[str], order: Iterable[str]) -> tuple[tuple[str, int], ...]:
    return tuple((code, counts[code]) for code in order if counts[code])
