"""
Renders the page of a contract that was read: each fact that it states with its place, and what was not understood.

Nothing is kept: the page holds the exchange that a draft may begin with, and a person begins it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from service.console.draft_pages import Viewer
from service.console.pages import rendered
from service.console.reader import PageReader


@dataclass(frozen=True, slots=True)
class ContractFactShown:
    """A fact that a contract states: its title, its value in words, and its places in the contract."""

    title: str
    value: str
    places: Sequence[str]


@dataclass(frozen=True, slots=True)
class ContractTermShown:
    """A term of a contract that states no fact: what is said of it, its name, and its place."""

    says: str
    term: str
    place: str


@dataclass(frozen=True, slots=True)
class ContractShown:
    """A contract that was read. `exchange` is what a draft may begin with, as JSON."""

    id: str
    type: str
    facts: Sequence[ContractFactShown]
    unread: Sequence[ContractTermShown]
    never: Sequence[ContractTermShown]
    kept: Sequence[ContractTermShown]
    exchange: str


def contract_page(contract: ContractShown, viewer: Viewer, reader: PageReader) -> str:
    """The page of a contract that was read."""
    return rendered("ask_contract.html", reader, "/ask", a=reader.words.drafts, contract=contract, viewer=viewer)
