"""The page of what was promised by country: lines of promises go in, a page comes out."""

from collections.abc import Mapping, Sequence
from itertools import groupby
from urllib.parse import urlencode

from service.console.pages import rendered
from service.console.reader import PageReader
from service.ledger.promise_countries import PromisedForCountries


def promised_page(asked: Mapping[str, str], lines: Sequence[PromisedForCountries] | None, reader: PageReader) -> str:
    """The page. `asked` are the filters of its address; `lines` is None where there are too many promises to add up."""
    groups = [(name, list(some)) for name, some in groupby(lines or (), lambda line: line.promise)]
    known = reader.bundle.vocabulary.promises
    return rendered(
        "promised.html",
        reader,
        "/ledger/promised",
        l=reader.words.ledger,
        b=reader.words.books,
        filters=asked,
        too_many=lines is None,
        table=f"/ledger/promised/lines?{urlencode({**asked, 'format': 'csv'})}",
        groups=[
            (
                known[name].title.in_(reader.lang) if name in known else name,
                some,
                _sum(some, "reported"),
                _sum(some, "promised"),
            )
            for name, some in groups
        ],
        named=lambda line: ", ".join(reader.place(each) for each in line.countries),
    )


def _sum(lines: Sequence[PromisedForCountries], name: str) -> int:
    return sum(getattr(line, name) for line in lines)
