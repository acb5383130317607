"""The page of agreements on benefit: agreements with their versions go in, a table for each version comes out."""

from collections.abc import Sequence

from service.console.counts_in_words import role_title
from service.console.pages import rendered
from service.console.reader import PageReader, Part


def agreements_page(asked: Part, agreements: Sequence[Part], following: str | None, reader: PageReader) -> str:
    """
    The page of the agreements on an asset. `asked` has `asset`, `on` and `known`, as sent.

    `agreements` are those of a page of `GET /v1/assets/{id}/agreements`, `following` is the cursor of the next.
    """
    words = reader.words.books
    states = {
        "proposed": words["agreement_state_proposed"],
        "not-begun": words["agreement_state_not_begun"],
        "stands": words["agreement_state_stands"],
        "over": words["agreement_state_over"],
        "replaced": words["agreement_state_replaced"],
        "dropped": words["agreement_state_dropped"],
    }
    return rendered(
        "agreements.html",
        reader,
        "/ledger/agreements",
        l=reader.words.ledger,
        b=words,
        asked=asked,
        filters={name: value for name, value in asked.items() if value},
        agreements=agreements,
        next=following,
        state=lambda state: states[state],
        role=lambda role: role_title(role, reader),
    )
