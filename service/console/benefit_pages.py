"""The page of benefits: balances and lines of the book go in, a page comes out."""

from collections.abc import Mapping, Sequence
from typing import get_args
from urllib.parse import urlencode

from service.console.counts_in_words import role_title
from service.console.pages import rendered
from service.console.reader import PageReader
from service.ledger.benefit_lines import BenefitLine, LineKind, LineState
from service.ledger.benefit_statement import BenefitBalance, NotDivided
from service.ledger.income_reports import UnreportedPrice

MONTHS = 12  # of a balance that are told
_OF_LINES = frozenset({"commitment", "asset", "state", "due_until"})  # filters that balances do not take


def benefits_page(
    asked: Mapping[str, str],
    balances: Sequence[BenefitBalance],
    lines: Sequence[BenefitLine],
    missed: Sequence[NotDivided],
    unreported: Sequence[UnreportedPrice],
    following: Mapping[str, str | None],
    paged: bool,
    reader: PageReader,
) -> str:
    """
    The page of benefits. `asked` are the filters of its address, `following` has the cursors of the next balances and of the next lines.
    """
    settlement = reader.bundle.vocabulary.settlement
    members = reader.bundle.vocabulary.families.get(settlement.shares, ()) if settlement else ()
    query = urlencode({**asked, "format": "csv"})
    tables = {"lines": f"/ledger/benefits/lines?{query}"}
    if _OF_LINES.isdisjoint(asked):
        tables["balances"] = f"/ledger/benefits/balances?{query}"
    return rendered(
        "benefits.html",
        reader,
        "/ledger/benefits",
        l=reader.words.ledger,
        b=reader.words.books,
        filters=asked,
        roles=[member.rpartition(".")[2] for member in members],
        kinds=get_args(LineKind),
        states=get_args(LineState),
        role_title=lambda role: role_title(role, reader),
        balances=balances,
        months=MONTHS,
        lines=lines,
        missed=missed,
        unreported=unreported,
        following=following,
        paged=paged,
        tables=tables,
    )
