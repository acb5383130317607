"""What a vocabulary says of committed exchanges, as authors write it: books, promises, settlement, statistics, registers of transfers."""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.policy_language.document_text import Day, DocumentText, Id, Prose, Reviewed, Status, Text, Window


class BookLimitsText(DocumentText):
    """The facts that limit a grant."""

    purposes: str
    territory: str
    term: str


class BookMarksText(DocumentText):
    """The facts that say whether a grant is exclusive, and whether it may be passed on."""

    exclusive: str
    onward: str


class BookText(DocumentText):
    """
    A book of rights: what a commitment writes into it, and which facts it fills in a later exchange.

    `of` is the asset. Each right in `granted` goes `by` one party `to` another, `within` limits. `fills` maps a fact to what the book
    says of it: `held`, `beyond`, `bound`, `encumbered` or `older`. `proof` is the document that shows what the book does not have,
    `consent` that by which the holder of an exclusive grant agrees to another.
    """

    title: Text
    of: str
    granted: str
    by: str
    to: str
    within: BookLimitsText
    marks: BookMarksText
    fills: dict[str, Literal["held", "beyond", "bound", "encumbered", "older"]]
    proof: str
    consent: str


class PromiseText(DocumentText):
    """What a party promises by an exchange: until which day, who to whom, what shows that it is kept, and which fact counts the overdue."""

    title: Text
    due: str
    by: str
    to: str
    terms: dict[str, str] = {}
    evidence: Annotated[list[str], Field(min_length=1)]
    fills: str
    beside: str
    note: Prose | None = None


class SettlementText(DocumentText):
    """
    How the price of an exchange becomes money that is payable, named once for all files.

    `price` is a fact of type money, `shares` a family of ratios by the role of who benefits. `parties` maps a role to the fact that names
    its parties, an id or a set of ids. `free` maps a fact to the value with which nothing is payable.
    """

    price: str
    shares: str
    parties: dict[str, str] = {}
    free: dict[str, str] = {}


class StatisticsText(DocumentText):
    """
    Which facts the statistics of committed exchanges are made of.

    By `source` and `destination`, `venue`, `grade`, `sector` and `kind` exchanges are told apart; of a `grade` the highest counts. The
    others are added up. What is left out is not told.
    """

    source: str | None = None
    destination: str | None = None
    venue: str | None = None
    grade: str | None = None
    sector: str | None = None
    kind: str | None = None
    people: str | None = None
    price: str | None = None
    source_country_share: str | None = None
    public_share: str | None = None
    exclusive: str | None = None
    supplier: str | None = None
    recipient: str | None = None


class TransferColumnText(DocumentText):
    """
    A column of a register of transfers, with the place in the law that asks for it.

    `from` is what a committed exchange shows in it: facts, families, documents, `grounds.REQUIREMENT` for the ways by which a requirement
    was met, or a member of RECORDED.
    """

    title: Text
    cite: Text
    status: Status
    from_: Annotated[str | Annotated[list[str], Field(min_length=1)], Field(alias="from")]

    @property
    def sources(self) -> tuple[str, ...]:
        """What the column shows, in its order."""
        return (self.from_,) if isinstance(self.from_, str) else tuple(self.from_)


class KeptElsewhereText(DocumentText):
    """What the law asks to be recorded too, and no exchange states, so that it is kept elsewhere."""

    title: Text
    cite: Text
    status: Status


class TransferRegisterText(DocumentText):
    """
    A register of transfers that a law asks to be kept: which committed exchanges it takes, and its columns.

    It takes an exchange where one of the provisions in `takes` stands. `keep` is how long it is kept, where the law says so.
    """

    title: Text
    jurisdiction: str
    cite: Text
    says: Text
    source: Prose
    status: Status
    reviewed: Reviewed | None = None
    verify_by: Day | None = None
    in_force: Window
    kept_by: Text
    keep: Prose | None = None
    takes: Annotated[list[str], Field(min_length=1)]
    columns: Annotated[dict[Id, TransferColumnText], Field(min_length=1)]
    elsewhere: list[KeptElsewhereText] = []


# What a column of a register of transfers may show of the record of a commitment, as `record.NAME`.
RECORDED = ("day", "ended")
