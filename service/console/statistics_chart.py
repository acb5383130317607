"""The page of statistics: cells of sums go in, a table with bars comes out; of months a chart too."""

from collections.abc import Mapping, Sequence
from typing import Any

from service.console import charts
from service.console.pages import rendered
from service.console.reader import PageReader
from service.ledger.flow_sums import DIMENSIONS
from service.ledger.statistics import MONTH, FlowCell, Statistics

CELLS = 100  # on a page


def statistics_page(
    asked: Mapping[str, str], found: Statistics | None, table: str, sees_all: bool, wrong: str, reader: PageReader
) -> str:
    """
    The page of statistics. `asked` are the filters of its address; `found` is None where the question cannot be answered, and `wrong`
    says why by a name of the wording. `table` is the address of the same question as CSV.
    """
    cells = [] if found is None else list(found.cells)
    by_month = found is not None and found.by == [MONTH]
    if not by_month:
        cells.sort(key=lambda cell: -cell.exchanges)
    months = [(cell.of[MONTH], {"certain": cell.exchanges}) for cell in cells] if by_month else []
    return rendered(
        "statistics.html",
        reader,
        "/ledger/statistics",
        l=reader.words.ledger,
        b=reader.words.books,
        filters=asked,
        found=found,
        cells=cells[:CELLS],
        more=max(0, len(cells) - CELLS),
        largest=max((cell.exchanges for cell in cells), default=0),
        drawn=charts.bars(months, ("certain",)) if len(months) > 1 else [],
        charts=charts,
        dimensions=(MONTH, *DIMENSIONS),
        named=lambda cell: _named(cell, found.by if found else (), reader),
        sees_all=sees_all,
        wrong=wrong,
        table=table,
    )


def _named(cell: FlowCell, by: Sequence[str], reader: PageReader) -> list[str]:
    """The words of a cell by their titles."""
    return [_word(name, cell.of[name], reader) for name in by]


def _word(name: str, word: str, reader: PageReader) -> str:
    words = reader.words.books
    if name == "pair":
        start, _, end = word.partition(">")
        return " → ".join(words["unknown_word"] if each in ("?", "") else reader.place(each) for each in (start, end))
    if word in ("?", ""):
        return words["unknown_word"] if word else words["no_word"]
    if name == MONTH:
        return word
    if name.endswith("_register"):
        registers = reader.bundle.vocabulary.registers
        return ", ".join(registers[each].title.in_(reader.lang) if each in registers else each for each in word.split(" "))
    statistics: Any = reader.bundle.vocabulary.statistics
    fact = getattr(statistics, name, None)
    several = word.split(" ")
    return str(reader.told(fact, several if len(several) > 1 else word)) if fact else word
