"""
A template of a compliance document, as its author writes it: sections, their fields and tables, and what a person must write.

A template is content. It says which facts fill a field and which place in the law asks for it. Every text is in both languages. Keys are
closed, and each error is told with its line (`template_files`).
"""

from typing import Annotated, Literal, Self

from pydantic import Field, StringConstraints, model_validator

import engine

Name = Annotated[str, StringConstraints(pattern=r"^[a-z0-9]+(-[a-z0-9]+)*$", max_length=40)]
Line = Annotated[str, StringConstraints(min_length=1, max_length=1_200, strip_whitespace=True)]
TableKind = Literal["requirements", "duties", "documents", "claims", "approvals", "gaps"]
OURS: Literal["ours"] = "ours"
Writer = Literal["exporter", "importer", "counsel"]

RECORD_MEMBERS = ("id", "as_of", "recorded_at", "outcome", "policies", "asked_by")
COMMITMENT_MEMBERS = ("id", "day", "committed_at", "state", "ended")
COMMITMENT = "commitment."


class BothText(engine.DocumentText):
    """A text in English and in Chinese."""

    en: Line
    """In English."""
    zh: Line
    """In Chinese."""

    def in_(self, lang: str) -> str:
        """The text in a language of the engine."""
        return str(getattr(self, lang))


class CalledText(engine.DocumentText):
    """What the law of a document calls a fact and its values, where the policies say it in the words of another law."""

    title: BothText | None = None
    """The fact."""
    values: dict[str, BothText] = Field(default_factory=dict)
    """Its values."""


class TermsText(engine.DocumentText):
    """The terms of a law: what it calls facts and parties, and the full names of its instruments. Templates name the file."""

    terms: Name
    """Its name, which is that of the file."""
    called: dict[str, CalledText] = Field(default_factory=dict)
    """Facts that this law calls otherwise than the policies do."""
    instruments: dict[str, BothText] = Field(default_factory=dict)
    """The full names of its instruments, by policy, as a lawyer cites them; without one the title of the policy stands."""
    writers: dict[Writer, BothText]
    """What it calls those who write: the parties, and who answers a question of law."""


class FieldText(engine.DocumentText):
    """A field: what fills it, and what a person must write in it. It has one of the two, or both."""

    title: BothText
    """What it is called."""
    cite: BothText | None = None
    """The place in the law that asks for it; without it that of the section."""
    status: engine.Status | Literal["ours"]
    """
    How sure it is that this place in the law asks for the field; `ours` where no law does. Each field says it itself, since one that is
    added later is not as sure as its section.
    """
    from_: str | Annotated[list[str], Field(min_length=1)] | None = Field(None, alias="from")
    """
    What fills it: a fact, a family, `evidence.KIND`, `claims.KIND`, `grounds.REQUIREMENT` (how it was met), `record.MEMBER` or
    `commitment.MEMBER`; or a list of these.
    """
    write: BothText | None = None
    """What a person must write."""
    by: Writer = "exporter"
    """Who writes it: a party, or `counsel` where it is a question of law."""

    @property
    def sources(self) -> tuple[str, ...]:
        """What fills it, in its order."""
        return (self.from_,) if isinstance(self.from_, str) else tuple(self.from_ or ())

    @model_validator(mode="after")
    def _says_something(self) -> Self:
        if self.from_ is None and self.write is None:
            raise ValueError("a field is filled `from` something, or a person must `write` it")
        if self.status == OURS and self.cite is not None:
            raise ValueError("a field for which no law asks has no `cite`")
        return self


class RecordTableText(engine.DocumentText):
    """A table of what the record holds of one kind."""

    kind: TableKind
    """
    What it lists: `requirements` with their state, `duties`, `documents`, `claims`, `approvals` of persons, or `gaps`: the laws that the
    decision does not rest on.
    """
    title: BothText
    """What it is called."""
    of: list[str] | None = None
    """Only those of these jurisdictions."""
    without: tuple[str, ...] = ()
    """Requirements that are not listed, such as the one that the document itself is to meet."""


class SectionText(engine.DocumentText):
    """A part of the document."""

    title: BothText
    """Its heading."""
    cite: BothText | None = None
    """The place in the law, or in the guidance, that asks for it."""
    status: engine.Status | None = None
    """How sure the citation is. A section with `cite` has it."""
    says: BothText | None = None
    """What the part is about, in your own words."""
    terms: Name | None = None
    """The terms of its law, where it is not that of the document."""
    of: str | None = None
    """A jurisdiction: if the decision does not name its law, the part says so and is left out."""
    where: dict[str, Annotated[list[str], Field(min_length=1)]] = Field(default_factory=dict)
    """Facts, each with values as text: the part is left out where the record states another value of one of them."""
    fields: tuple[FieldText, ...] = ()
    """Its fields, in their order."""
    tables: tuple[RecordTableText, ...] = ()
    """Its tables, after the fields."""
    beside: bool = False
    """It stands after the end of the document, with what is taken off before the document is signed."""

    @model_validator(mode="after")
    def _has_something(self) -> Self:
        if not self.fields and not self.tables:
            raise ValueError("a section has `fields` or `tables`")
        if (self.cite is None) != (self.status is None):
            raise ValueError("a section has both `cite` and `status`, or neither")
        return self


class WarningText(engine.DocumentText):
    """What stands above a draft where the record states one of some documents, such as an assessment that is said to exist."""

    if_stated: Annotated[list[str], Field(min_length=1)]
    """`evidence.KIND` or `claims.KIND`."""
    says: BothText
    """The sentence."""


class DoubtText(engine.DocumentText):
    """What does not fit together where the record states all of these; a reader is told, and nothing is decided."""

    where: Annotated[dict[str, Annotated[list[str], Field(min_length=1)]], Field(min_length=2)]
    """Facts, each with values as text: the fact is, or has among its values, one of them."""
    says: BothText
    """The sentence."""


class TemplateText(engine.DocumentText):
    """A template of a compliance document."""

    document: Name
    """Its name, which is that of the file."""
    title: BothText
    """What the document is called."""
    about: BothText
    """What it is for, in your own words."""
    cite: BothText
    """The place in the law that asks for it."""
    status: engine.Status
    """How sure that is."""
    terms: Name
    """The terms of its law."""
    source: Line
    """Where its structure was read."""
    verify_by: Annotated[str, StringConstraints(pattern=r"^\d{4}-\d{2}-\d{2}$")]
    """The day by which it should be read again."""
    asked_by: Annotated[list[str], Field(min_length=1)]
    """Provisions, as `policy/id`: where one of them stands in the record, the document is asked for."""
    warns: tuple[WarningText, ...] = ()
    """What stands above the draft, on a condition."""
    doubts: tuple[DoubtText, ...] = ()
    """What does not fit together, in a box above the draft."""
    sections: Annotated[list[SectionText], Field(min_length=1)]
    """Its parts, in their order."""
