"""
Jurisdictions as authors write them: their countries, the subject matters that their law covers, and what was read of it (semantics 4.3).

`declared_coverage` decides what it means.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Annotated, Any, Literal, get_args

from pydantic import Field, model_validator

from engine.policy_language.document_text import Condition, Day, DocumentText, Id, Prose, Status, Text, YesNo
from engine.policy_language.known_findings import KnownText
from engine.policy_language.reach_text import ReachText

Role = Literal["exporter", "recipient", "people", "collection", "storage", "access"]
ROLES: tuple[str, ...] = get_args(Role)  # of the countries that an exchange touches, in the order in which they are told (4.8)


class AlsoText(DocumentText):
    """A second subject matter under which data of a cell stand, with a source of its own."""

    subject: str
    """The subject matter."""
    source: Prose
    """Where it was read that such data stand under it."""


class CoverText(DocumentText):
    """What was read of a jurisdiction's law on one subject matter: one cell of the coverage (semantics 4.3). A day alone is `from`."""

    from_: Day | None = Field(None, alias="from")
    """The first day from which it is covered in full."""
    partly: YesNo = "no"
    """`yes` if policies speak of it and it is not covered in full: what they leave alone is still reviewed."""
    by: list[str] = []
    """The laws and orders that speak of it: policies, or single provisions (`POLICY/RULE`)."""
    under: str | None = None
    """The wider subject matter whose law governs it, where nothing was found beside that law on sending it abroad."""
    also: AlsoText | None = None
    """A second subject matter that governs data which are not of the wider one, with a source of its own."""
    free: YesNo = "no"
    """`yes` if no rule on sending it abroad is known beyond what everybody is asked."""
    when: Condition = None
    """What everybody is asked; where it does not hold, a person looks at it."""
    unread: Text | None = None
    """A law by its name, which was not read. Beside `partly: yes` it is the law that the policies leave alone."""
    read: Prose | None = None
    """What was read, in your own words."""
    source: Prose | None = None
    """Where it was read: which document, of whom, of which day."""
    read_on: Day | None = None
    """The day on which it was read."""
    status: Status | None = None
    """How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`."""
    verify_by: Day | None = None
    """The day by which somebody should read it again."""
    known: KnownText | Annotated[list[KnownText], Field(min_length=1)] | None = Field(None, repr=False)
    """What `fifthfactor analyse` finds of it and the author knows: a finding, why, and until when; one or a list."""

    @model_validator(mode="before")
    @classmethod
    def _day_alone(cls, value: Any) -> Any:
        return {"from": value} if isinstance(value, str | date) else value

    @model_validator(mode="after")
    def _one_of_four(self) -> CoverText:
        kinds = [name for name in ("by", "under", "unread") if getattr(self, name)] + (["free"] if self.free == "yes" else [])
        if self.partly == "yes" and kinds == ["by", "unread"]:
            kinds = ["by"]  # what the policies leave alone is a law that was not read
        if len(kinds) > 1:
            raise ValueError(f"`{kinds[0]}` and `{kinds[1]}` do not go together: say one of `by`, `under`, `free`, `unread`")
        if self.kind == "by":
            if (self.from_ is None) == (self.partly == "no"):
                raise ValueError("say from which day the subject matter is covered (`from`), or that it is not (`partly: yes`)")
        elif self.partly == "yes":
            raise ValueError("`partly` belongs to `by`")
        if (self.kind != "by" or self.unread) and None in (self.read, self.source, self.read_on, self.status, self.verify_by):
            raise ValueError("say what was read: `read`, `source`, `read_on`, `status` and `verify_by`")
        if self.also is not None and self.under is None:
            raise ValueError("`also` belongs to `under`")
        if self.when is not None and self.free == "no":
            raise ValueError("`when` belongs to `free: yes`")
        return self

    @property
    def kind(self) -> Literal["by", "under", "free", "unread"]:
        return "under" if self.under else "free" if self.free == "yes" else "unread" if self.unread and not self.by else "by"

    @property
    def wider(self) -> tuple[str, ...]:
        """The subject matters whose law governs it."""
        return tuple(name for name in (self.under, self.also.subject if self.also else None) if name)

    def in_doubt(self, trust: str) -> bool:
        """Whether nobody may rely on a cell that settles something, where `trust` is the lowest mark that is relied on."""
        doubtful = self.status == "unsure" or (self.status == "from-memory" and trust == "confirmed")
        return self.kind in ("under", "free") and doubtful

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests of what coverage means are made from its text. A cell of policies reads as before there were other cells.
        args = tuple(super().__repr_args__())
        yield from args[:3] if self.kind == "by" and not self.unread else args


class ReadingText(DocumentText):
    """What every cell of a jurisdiction says that tells what was read and does not say it itself."""

    read_on: Day | None = None
    """The day on which it was read."""
    verify_by: Day | None = None
    """The day by which somebody should read it again."""


class JurisdictionText(DocumentText):
    """Which countries a jurisdiction covers, and for which subject matters by which policies."""

    title: Text
    """What it is called."""
    countries: list[str] | str = []
    """The countries it covers: a list, or the name of a register."""
    defaults: ReadingText | None = Field(None, repr=False)
    """What every cell that tells what was `read` says, unless it says it itself: `read_on` and `verify_by`."""
    covers: dict[str, CoverText] = {}
    """The subject matters it covers, each with its first day and the policies that speak of it."""
    reach: ReachText | None = Field(None, repr=False)
    """What was read of its law's reach over exporters abroad. It becomes the policy `JURISDICTION.reach`."""
    define: dict[Id, Condition] = Field({}, repr=False)
    """Conditions that several of its policies use. Each that uses the name alone has the definition as its own."""
    note: Text | None = None
    """Which parts of its law are not modelled."""


class SubjectText(DocumentText):
    """A subject matter of data."""

    title: Text
    """What it is called."""
    when: Condition = None
    """When the data are of this subject matter."""
    other_than: str | None = None
    """Another subject matter: the data are of this one where they are not of that one."""
    only_in: list[str] = []
    """The jurisdictions whose law knows it; elsewhere nobody is asked about it."""
    guarded: YesNo = "no"
    """`yes`: it is never free nor under another one, and nobody accepts it or signs it off."""

    @model_validator(mode="after")
    def _some_of_the_two(self) -> SubjectText:
        if self.when is None and self.other_than is None:
            raise ValueError("a subject matter has `when`, or `other_than`, or both")
        return self


class TouchText(DocumentText):
    """A fact that names a country which the exchange touches, and the role of that country."""

    fact: str
    """A fact that names countries."""
    as_: Role = Field(alias="as")
    """The role in which the exchange touches them."""
    when: Condition = None
    """When the fact counts; by default, always."""
