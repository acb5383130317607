"""
What a vocabulary says of committed exchanges, as authors write it: books, promises, settlement, statistics, shares, registers of transfers.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import Field

from engine.policy_language.document_text import Day, DocumentText, Id, Prose, Reviewed, Status, Text, Window


class BookLimitsText(DocumentText):
    """The facts that limit a grant."""

    purposes: str
    """The fact of the purposes that a grant is for."""
    territory: str
    """The fact of the places that it is for."""
    term: str
    """The fact of how long it lasts."""


class BookMarksText(DocumentText):
    """The facts that say whether a grant is exclusive, and whether it may be passed on."""

    exclusive: str
    """The fact of whether a grant is exclusive."""
    onward: str
    """The fact of whether its holder may pass it on."""


class BookText(DocumentText):
    """A book of rights: what a commitment writes into it, and which facts it fills in a later exchange."""

    title: Text
    """What it is called."""
    of: str
    """The fact of the id of the asset."""
    granted: str
    """The fact of the rights that an exchange conveys."""
    by: str
    """The fact of the id of the party that grants them."""
    to: str
    """The fact of the id of the party that gets them."""
    within: BookLimitsText
    """What limits a grant."""
    marks: BookMarksText
    """Whether it is exclusive, and whether it may be passed on."""
    fills: dict[str, Literal["held", "beyond", "bound", "encumbered", "older"]]
    """Which facts the book fills: with `held`, `beyond`, `bound`, `encumbered` and `older`."""
    proof: str
    """The kind of evidence that shows what the book does not have."""
    consent: str
    """The kind of evidence by which the holder of an exclusive grant agrees to another."""


class PromiseText(DocumentText):
    """What a party promises by an exchange: until which day, who to whom, what shows that it is kept, and which fact counts the overdue."""

    title: Text
    """What it is called."""
    due: str
    """The fact with the last day; who states it promises."""
    by: str
    """The fact with the id of the party that promises."""
    to: str
    """The fact with the id of the party to which it promises."""
    terms: dict[str, str] = {}
    """What is promised: a name for each fact that says it."""
    number: str | None = None
    """The fact that says how much is promised. The reports add up to it; without it one report shows the whole."""
    evidence: Annotated[list[str], Field(min_length=1)]
    """The kinds of documents that show that it was kept."""
    fills: str
    """The fact that counts the overdue promises of the party."""
    disputed: str | None = None
    """The fact that counts the reports on promises of the party that are in dispute: none where no ledger says so."""
    beside: str
    """The fact beside which that count is filled in: an exchange without it is decided without the count."""
    note: Prose | None = None
    """What else a reader should know about the promise."""


class SettlementText(DocumentText):
    """How the price of an exchange becomes money that is payable, named once for all files."""

    price: str
    """The fact that states the price."""
    shares: str
    """The family of facts that states each role's share of the price."""
    parties: dict[str, str] = {}
    """For each role the fact that names its parties. A role without one has an account of its own."""
    free: dict[str, str] = {}
    """For each fact the value with which nothing is payable."""
    accounts: list[str] = []
    """The roles that have an account of their own and need name no party."""
    countries: dict[str, str] = {}
    """For each role that stands for a country the fact that says which."""
    book: str | None = None
    """The name of the book of benefits, by which agreements divide a price."""
    title: Text | None = None
    """What the book is called."""
    by: str | None = None
    """The fact with the id of the party that supplies: it pays the others."""
    agreement: str | None = None
    """The fact with the id of the agreement that divides the price."""
    made_from: str | None = None
    """The fact with the ids of what the data were made from."""
    data: str | None = None
    """The fact with the id of the data."""
    sources: dict[str, list[str]] = {}
    """For each fact the values of data that were made from others: of these it must be said what they were made from."""
    fills: dict[str, Literal["named", "overdue", "settlement"]] = {}
    """Which facts the book fills: with `named`, `overdue` and `settlement`."""


class StatisticsText(DocumentText):
    """
    Which facts the statistics of committed exchanges are made of.

    By `source` and `destination`, their `registers`, `venue`, `grade`, `sector`, `kind` and `purpose` exchanges are told apart; of a
    `grade` the highest counts. The others are added up. What is left out is not told.
    """

    source: str | None = None
    """The fact that names the country that the data come from."""
    destination: str | None = None
    """The fact that names the country that the data go to."""
    venue: str | None = None
    """The fact that says where the exchange is made."""
    grade: str | None = None
    """The fact with the grades of the data; of several the highest counts."""
    sector: str | None = None
    """The fact with the sectors."""
    kind: str | None = None
    """The fact with the kind of data."""
    purpose: str | None = None
    """The fact with the purposes."""
    registers: list[str] = []
    """Registers of countries: exchanges are told apart by those in which the country of source stands, and that of destination."""
    people: str | None = None
    """The count of people that is added up: a fact, or a family."""
    price: str | None = None
    """The price that is added up, by currency."""
    source_country_share: str | None = None
    """The share of the price that is for the country of source."""
    public_share: str | None = None
    """The share of the price that is for the public."""
    exclusive: str | None = None
    """The fact that says whether the terms are exclusive."""
    supplier: str | None = None
    """The id of the party that supplies."""
    recipient: str | None = None
    """The id of the party that receives."""

    @property
    def facts(self) -> dict[str, str]:
        """The facts by their uses."""
        return {use: fact for use, fact in self if isinstance(fact, str)}


class LeastText(DocumentText):
    """How many there must be, or nothing is told of a share."""

    exchanges: Annotated[int, Field(ge=1)]
    """How many exchanges a cell must have."""
    parties: Annotated[int, Field(ge=1)]
    """How many parties it must have on the side of the share."""


class ShareText(DocumentText):
    """A share of the committed exchanges of a cell."""

    of: str
    """The fact that says whose share it is."""
    by: str | None = None
    """The fact whose values are the cells; of several values the highest share counts. Left out where all exchanges are one cell."""


class SharesText(DocumentText):
    """Shares of the exchanges that a ledger has of a calendar year, the one that is decided included."""

    title: Text
    """What they are called."""
    least: LeastText
    """How many exchanges and parties a cell must have; with fewer a share is 0."""
    members: Annotated[dict[str, ShareText], Field(min_length=1)]
    """The share that fills each member of the family."""
    note: Prose | None = None
    """What else a reader should know about the shares."""


class TransferColumnText(DocumentText):
    """A column of a register of transfers, with the place in the law that asks for it."""

    title: Text
    """What it is called."""
    cite: Text
    """The place in the law that asks for the column."""
    status: Status
    """How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`."""
    from_: Annotated[str | Annotated[list[str], Field(min_length=1)], Field(alias="from")]
    """
    What it shows: a fact, a family, `evidence.KIND`, `claims.KIND`, `grounds.REQUIREMENT` (how it was met), `record.day` or
    `record.ended`; or a list of these.
    """

    @property
    def sources(self) -> tuple[str, ...]:
        """What the column shows, in its order."""
        return (self.from_,) if isinstance(self.from_, str) else tuple(self.from_)


class KeptElsewhereText(DocumentText):
    """What the law asks to be recorded too, and no exchange states, so that it is kept elsewhere."""

    title: Text
    """What it is called."""
    cite: Text
    """The place in the law that asks for it."""
    status: Status
    """How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`."""


class TransferRegisterText(DocumentText):
    """A register of transfers that a law asks to be kept: which committed exchanges it takes, and its columns."""

    title: Text
    """What it is called."""
    jurisdiction: str
    """Whose law it is: a jurisdiction of the vocabulary."""
    cite: Text
    """The provisions that ask for the register."""
    says: Text
    """What they ask for, faithfully and in your own words."""
    source: Prose
    """Where it was read: the text itself, or a work that quotes it, with its date."""
    status: Status
    """How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`."""
    reviewed: Reviewed | None = None
    """Who read it against its source, and when."""
    verify_by: Day | None = None
    """The day by which it should be read again."""
    in_force: Window
    """The days of the exchanges that it takes."""
    kept_by: Text
    """Who keeps it."""
    keep: Prose | None = None
    """How long it is kept, like `3 years`; left out where the law names no time."""
    takes: Annotated[list[str], Field(min_length=1)]
    """Provisions, as `policy/id`; it takes each committed exchange for which one of them stands."""
    columns: Annotated[dict[Id, TransferColumnText], Field(min_length=1)]
    """Its columns, in their order."""
    elsewhere: list[KeptElsewhereText] = []
    """What the law asks to be recorded too, and no exchange states."""


# What a column of a register of transfers may show of the record of a commitment, as `record.NAME`.
RECORDED = ("day", "ended")
