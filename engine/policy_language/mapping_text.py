"""
A mapping as authors write it: how what another program sends becomes facts. `mapping_facts` decides what it means.

`door` says which door reads it, and so which model it has: requests of programs by JSON Pointers (`opa`, `ext_authz`), or terms of
another vocabulary by their names (`odrl`, `dpv`).
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, get_args

from pydantic import ConfigDict, Field, model_validator

from engine.policy_language.document_text import DocumentText, FileText, Id, Prose, Text, YesNo

RequestDoor = Literal["opa", "ext_authz"]
TermDoor = Literal["odrl", "dpv"]
REQUEST_DOORS: tuple[str, ...] = get_args(RequestDoor)
TERM_DOORS: tuple[str, ...] = get_args(TermDoor)


class TranslatedText(DocumentText):
    """A fact that a place of a request states, in words that are translated."""

    fact: str
    """The fact that the place states."""
    values: Annotated[dict[str, Any], Field(min_length=1)]
    """Each word that the program sends, and the value that it stands for. Any other word is refused."""


class RequestEntityText(DocumentText):
    """Something that a request names by its id: a party, a data set, or an entity of another kind of the register."""

    entity: Prose
    """What the register calls such entities, like `party` or `asset`."""
    at: str | Annotated[list[str], Field(min_length=1)] | None = None
    """Where the id stands: a JSON Pointer, or `path.NAME`; several are joined to one id."""
    join: Prose = "."
    """What stands between the parts of an id that several places give."""
    constant: Prose | None = None
    """The id, where each request is about the same entity."""
    id: str | None = None
    """The fact that the id states, like `exporter.id`. For an entity in the register, its first id counts."""
    facts: dict[str, str] = {}
    """What the register's properties of an entity of another kind state, by the name of the property."""

    @model_validator(mode="after")
    def _one_of_two(self) -> RequestEntityText:
        if (self.at is None) == (self.constant is None):
            raise ValueError("say one of `at` and `constant`")
        return self


class RequestReadingText(DocumentText):
    """What a request states."""

    constants: dict[str, Any] = {}
    """Facts that are the same in each request."""
    facts: dict[str, str | TranslatedText] = {}
    """What each place states: a JSON Pointer or `path.NAME`, and a fact, a family or a group of facts like `evidence`."""
    entities: dict[str, RequestEntityText] = {}
    """What the request names by ids, under a name of your choice."""


class ProgramOperationText(DocumentText):
    """One operation that the program asks for: decided, or named as one that moves no data."""

    decided: RequestReadingText | None = None
    """It is decided as an exchange; here stands what it states beside what each request states."""
    moves_no_data: Text | None = None
    """Why it moves no data. It is allowed, and nothing is decided."""
    query: list[str] = []
    """Of a gateway's request: parameters of the query that may come with it, like `page`. With any other it is refused."""

    @model_validator(mode="after")
    def _one_of_two(self) -> ProgramOperationText:
        if (self.decided is None) == (self.moves_no_data is None):
            raise ValueError("say one of `decided` and `moves_no_data`")
        return self


class RequestMappingText(RequestReadingText, FileText):
    """How the requests of a program are read as exchanges. An operation that is not named here is refused."""

    model_config = ConfigDict(
        json_schema_extra={
            "$id": "urn:fifthfactor:request-mapping:1",
            "examples": [
                {
                    "mapping": "reports",
                    "door": "opa",
                    "title": "The gateway before our reports",
                    "operation": ["/request/method", "/request/path"],
                    "entities": {
                        "we": {"entity": "party", "constant": "hospital-1", "id": "exporter.id"},
                        "reader": {"entity": "party", "at": "/consumer/username", "id": "recipient.id"},
                    },
                    "operations": {
                        "GET /health": {"moves_no_data": "It says whether the service is up."},
                        "GET /reports/{report}": {
                            "decided": {"entities": {"report": {"entity": "asset", "at": "path.report", "id": "data.id"}}}
                        },
                    },
                }
            ],
        }
    )

    mapping: Id
    """The name of the mapping: the program asks at an address with this name."""
    door: RequestDoor
    """Which door reads it: `opa` (`/v1/data/NAME`) or `ext_authz` (`/ext_authz/NAME/…`)."""
    title: Text
    """Whose requests it reads."""
    operation: str | Annotated[list[str], Field(min_length=1, max_length=4)]
    """The JSON Pointers that say which operation is asked for; several are joined by one space, as in `GET /reports`."""
    from_client: list[str] = []
    """Places that a client of the program can set. What they say is only stated; the rest is from whoever runs the program."""
    carries: list[str] = []
    """Duties that the program carries out; a provision or a requirement stands for all its duties. Where another is owed, it is denied."""
    operations: Annotated[dict[str, ProgramOperationText], Field(min_length=1)]
    """Each operation that the program sends. In a path, `{NAME}` stands for one step of it, which is then the place `path.NAME`."""


class TermText(DocumentText):
    """A term of another vocabulary: the fact that it states, or why it is none."""

    fact: str | None = None
    """The fact that it states."""
    also: list[str] = []
    """Other facts that a value of the other vocabulary may state at the same place."""
    values: dict[str, Any] = {}
    """Each of the other vocabulary's values, and ours. Without it, the value's own form is read."""
    operators: list[str] = []
    """The operators with which a constraint on it is a limit that can be read."""
    units: dict[str, str] = {}
    """Each unit of the other vocabulary, and ours: a currency, or `day`, `month`, `year`. `""`: a number without a unit."""
    no_fact: Text | None = None
    """Why it is no fact, though it is known."""
    asked: Literal["yes", "no", "constraint"] = "yes"
    """Of what is no fact: whether something hangs on it all the same, so that it is asked; `constraint`: where it is constrained."""
    written: list[str] = []
    """Of `odrl`: the facts of an exchange that a contract of a permit limits by this term. Values of each are written, of several both."""
    leaves_open: list[str] = []
    """The facts that stay unknown where the term occurs, whatever else is said of them."""
    part: YesNo = "no"
    """Whether it leads to a part of the same record, whose statements are the record's too."""
    provisions: list[str] = []
    """The provisions that rest on what the term names, by policy and provision. The term is written where one of them stands."""

    @model_validator(mode="after")
    def _one_of_two(self) -> TermText:
        if self.fact is not None and self.no_fact is not None:
            raise ValueError("say one of `fact` and `no_fact`")
        if self.fact is None and self.no_fact is None and self.part == "no" and not self.provisions:
            raise ValueError("say one of `fact` and `no_fact`")
        if self.fact is None and (self.also or self.values or self.operators or self.units or self.written):
            raise ValueError("what is no fact has no `also`, `values`, `operators`, `units` or `written`")
        if self.fact is not None and self.asked != "yes":
            raise ValueError(f"`asked: {self.asked}` is said of what is no fact")
        return self


class TermMappingText(FileText):
    """What the terms of another vocabulary are called here. A term that is not named here is unknown, and asked."""

    model_config = ConfigDict(json_schema_extra={"$id": "urn:fifthfactor:term-mapping:1"})

    mapping: Id
    """The name of the mapping."""
    door: TermDoor
    """Which door reads it: `odrl` or `dpv`."""
    title: Text
    """Which vocabulary it is about."""
    namespaces: dict[str, str] = {}
    """Beginnings of names that are read as another beginning, like those of an earlier version; as `""`, the rest is a bare name."""
    terms: Annotated[dict[str, TermText], Field(min_length=1)]
    """Each term by its full name (IRI). Of DPV by short ones, like `dpv:hasRecipient/dpv:hasCountry`."""
