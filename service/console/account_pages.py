"""The page of the accounts of data assets: a roll-forward goes in, a table with a line for each movement comes out."""

import re
from collections.abc import Mapping
from urllib.parse import urlencode

from service.console.pages import rendered
from service.console.reader import PageReader
from service.languages.words import text_if_any
from service.ledger.account_statement import AssetAccounts, RollForward

_AMOUNT = re.compile(r"-?\d+(\.\d+)?")
_CLOSING = "closing"


def accounts_page(asked: Mapping[str, str], found: RollForward, reader: PageReader) -> str:
    """The page. `asked` are the filters of its address."""
    words = reader.words.books
    classes = [each.model_dump(mode="json") for each in found.classes]
    lines = [name for name in (classes[0] if classes else ()) if _AMOUNT.fullmatch(str(classes[0][name]))]

    def column(name: str) -> str:
        return text_if_any(words, f"column_{name.replace('-', '_')}") or name

    def treatment(name: str) -> str:
        return text_if_any(words, f"treatment_{name.replace('-', '_')}") or name

    return rendered(
        "accounts.html",
        reader,
        "/ledger/accounts",
        l=reader.words.ledger,
        b=words,
        filters=asked,
        found=found,
        classes=[(treatment(each["treatment"]), each) for each in classes],
        lines=[(name, column(name)) for name in lines],
        entry_title=lambda each: column(each.kind),
        asset=found if isinstance(found, AssetAccounts) else None,
        closing=_CLOSING,
        table=f"/ledger/accounts/classes?{urlencode({**asked, 'format': 'csv'})}",
    )
