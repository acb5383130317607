"""The page of the accounts of data assets: a roll-forward goes in, a table comes out, with a line for each amount."""

from collections.abc import Mapping
from urllib.parse import urlencode

from service.console.pages import rendered
from service.console.reader import PageReader
from service.languages.words import text_for, text_if_any
from service.ledger.account_statement import BLOCKS, AssetAccounts, RollForward

_CLOSING = "closing"


def accounts_page(asked: Mapping[str, str], found: RollForward, reader: PageReader) -> str:
    """The page. `asked` are the filters of its address."""
    words = reader.words.books

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
        classes=[(treatment(each.treatment), each.model_dump(mode="json")) for each in found.classes],
        blocks=[
            (text_for(words, f"block_{block}"), [(name, column(name)) for name in names]) for block, names in BLOCKS.items()
        ],
        entry_title=lambda each: column(each.kind),
        asset=found if isinstance(found, AssetAccounts) else None,
        closing=_CLOSING,
        table=f"/ledger/accounts/classes?{urlencode({**asked, 'format': 'csv'})}",
    )
