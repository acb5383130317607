"""
A mapping: which column of a table states which fact, what every row states, and what the words of a column mean.

YAML goes in, a checked mapping comes out, or a refusal that names each place by its line, with what the door of exchanges proposes:

    map:
      sender_country: exporter.country        # a column, and the fact that it states
      kinds:
        fact: data.categories
        split: ";"                            # the cell holds several values
        values: {HR: employee}                # a word of the table, and the value that it means
        titles: yes                           # the title of a value means it
    constants:
      recipient.kind: company                 # what every row states
    key: transfer_number                      # the column that names a row
    ignore: [comment]                         # columns that state nothing

A table whose columns are named by facts needs none.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import astuple, dataclass, field
from functools import cached_property
from typing import Any, Literal

from pydantic import Field, model_validator

from engine.bundle import Bundle, accept_exchange
from engine.exchange_input.exchange_problems import INCOHERENT, ExchangeProblem, ExchangeRefused, pointer
from engine.policy_language import tree
from engine.policy_language.diagnostic import Diagnostic, Findings, Span
from engine.policy_language.document_text import DocumentText, YesNo
from engine.policy_language.read_document import read_model
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.rules import AS_OF
from engine.tables.cell_values import cell_value
from engine.values import Type

SPOKEN = "unknown"  # what any fact may be, so that the door says whether there is such a fact
OTHER = (AS_OF, "relies_on", "carried", "schema")  # members of an exchange that are no facts; the recipient may be the public
_AN_ID = re.compile(
    r"(?i:key|no|nr|number|row|uuid|.*[ _-](id|no|number|key)|id|.*[a-z](?-i:Id|ID))"
)  # how a key is often called
MISPLACED = ("unknown-fact", "wrong-type", "register-only")  # codes of problems with a name, and not with its value


class MappingRefused(ValueError):
    """The mapping cannot be used. `str()` gives the findings, each with its line."""

    def __init__(self, findings: tuple[Diagnostic, ...], file: str, data: bytes) -> None:
        self.findings = findings
        texts = {file: data.decode("utf-8", "replace")}
        super().__init__("\n\n".join(each.render(texts) for each in findings))


class ColumnsRefused(ValueError):
    """Columns of a table state no fact. `str()` has a line for each."""


@dataclass(frozen=True, slots=True)
class FactColumn:
    """A column that states a fact: what the words in it mean, by their text, what parts several values, and whether titles are values."""

    column: str
    fact: str
    values: Mapping[str, Any] = field(default_factory=dict)
    split: str = ""
    titles: bool = False


@dataclass(frozen=True, slots=True)
class TableMapping:
    """What the columns of a table state. Columns that it does not name state the fact whose name they have."""

    columns: tuple[FactColumn, ...] = ()
    constants: Mapping[str, Any] = field(default_factory=dict)
    key: str = ""
    ignored: frozenset[str] = frozenset()

    def by_column(self) -> Mapping[str, Sequence[FactColumn]]:
        """What each column that it names states."""
        found: dict[str, list[FactColumn]] = {}
        for each in self.columns:
            found.setdefault(each.column, []).append(each)
        return found


class _ColumnText(DocumentText):
    fact: list[str]
    split: str = Field(default="", max_length=8)
    values: dict[str, Any] = Field(default_factory=dict)
    titles: YesNo = "no"

    @model_validator(mode="before")
    @classmethod
    def _facts(cls, sent: Any) -> Any:
        """A column that states a fact, or several, may be said by no more than that."""
        told = sent if isinstance(sent, dict) else {"fact": sent}
        facts = told.get("fact", [""])
        facts = [facts] if isinstance(facts, str) else facts
        if not isinstance(facts, list) or not facts or not all(isinstance(each, str) for each in facts):
            raise ValueError(
                "a column states a fact, or several that have the same words: `exporter.country`, `[data.people_in, data.stored_in]`, or"
                " one of these under `fact` beside `values`"
            )
        return {**told, "fact": facts} if "fact" in told else told


class _MappingText(DocumentText):
    map: dict[str, _ColumnText] = Field(default_factory=dict)
    constants: dict[str, Any] = Field(default_factory=dict)
    key: str = ""
    ignore: list[str] = Field(default_factory=list)

    @model_validator(mode="before")
    @classmethod
    def _says_something(cls, sent: Any) -> Any:
        if isinstance(sent, dict) and not sent:
            raise ValueError("a mapping says which column states which fact, under `map:`")
        return sent


class FactPlaces:
    """The facts of a bundle as places in the JSON of an exchange, and what its door says of a name or a value."""

    def __init__(self, bundle: Bundle) -> None:
        self._bundle = bundle
        self._words = bundle.vocabulary
        self._titles: dict[str, Mapping[str, str]] = {}

    @cached_property
    def names(self) -> frozenset[str]:
        """The names that a column may have: facts, what closes a family, documents and their fields, and other members."""
        words = self._words
        documents = [f"{group}.{kind}" for group in DOCUMENT_GROUPS for kind in words.kinds[group]]
        fields = [f"{document}.{name}" for document in documents for name in words.fields]
        return frozenset(
            (*words.facts, *(f"{each}.rest" for each in words.families), *documents, *fields, *OTHER, words.recipient)
        )

    def steps(self, name: str) -> tuple[str, ...]:
        """The members that lead to a name; the name of a kind of document may hold dots."""
        group, _, rest = name.partition(".")
        if group in DOCUMENT_GROUPS and rest not in self._words.kinds[group]:
            kind, _, last = rest.rpartition(".")
            if kind in self._words.kinds[group]:
                return group, kind, last
        return (group, rest) if group in DOCUMENT_GROUPS and rest else tuple(name.split("."))

    def type(self, name: str) -> Type | None:
        """The type of what a name states; None where it is a document or no fact."""
        if name == AS_OF:
            return Type("date")
        family, _, last = name.rpartition(".")
        if last == "rest" and family in self._words.families:
            return self._words.facts[self._words.families[family][0]].type
        return self._words.type_of(name)

    def value(self, column: FactColumn, cell: Any) -> Any:
        """The JSON of a cell of a column; None where it states nothing."""
        type, words = self.type(column.fact), column.values
        titles = self._titled(type) if column.titles else {}
        if type is not None and type.many and (words or titles):
            found = cell_value(cell, type, column.split)
            if not isinstance(found, list):
                return words.get(found, found)
            members = [_meant(each, words, titles) if isinstance(each, str) else each for each in found]
            flat = [each for member in members for each in (member if isinstance(member, list) else [member])]
            told = [each for each in flat if each is not None]
            return SPOKEN if told == [SPOKEN] else told or ([] if not flat else None)
        text = str(cell).lower() if isinstance(cell, bool) else str(cell)
        if text in words:
            return words[text]
        found = self.json(column.fact, cell, column.split)
        return _meant(found, {}, titles) if isinstance(found, str) else found

    def json(self, name: str, said: Any, split: str = "") -> Any:
        """What is said of a fact or a document, as JSON; None where nothing is."""
        return cell_value(said, self.type(name), split, lambda part: self._words.type_of(f"{name}.{part}"))

    def _titled(self, type: Type | None) -> Mapping[str, str]:
        """The values of a type by their titles, in any case and each language; not what two values are called, or one beside another."""
        if type is None or type.values is None:
            return {}
        if type.values.name not in self._titles:
            called: dict[str, set[str]] = {}
            for value, words in type.values.titles.items():
                for title in filter(None, astuple(words)):
                    called.setdefault(title.strip().casefold(), set()).add(value)
            ids = {each.casefold(): each for each in (*type.values.values, SPOKEN)}
            self._titles[type.values.name] = {
                title: min(meant) for title, meant in called.items() if len(meant | {ids.get(title, min(meant))}) == 1
            }
        return self._titles[type.values.name]

    def misnamed(self, name: str) -> str:
        """Why nothing can be stated under a name, with what the door proposes; "" where it can."""
        if name in (*OTHER, self._words.recipient):
            return ""
        if name in self.names:
            return next((each.detail for each in self._problems(name, SPOKEN) if each.code in MISPLACED), "")
        return next((each.detail for each in self._problems(name, SPOKEN)), f"there is no fact `{name[:80]}`")

    def wrong(self, name: str, value: Any) -> str:
        """Why a value cannot be stated under a name, with what the door proposes; "" where it can."""
        at = pointer(self.steps(name))
        found = [each for each in self._problems(name, value) if each.code != INCOHERENT and each.pointer.startswith(at)]
        return found[0].detail if found else ""

    def _problems(self, name: str, value: Any) -> tuple[ExchangeProblem, ...]:
        document: Any = value
        for step in reversed(self.steps(name)):
            document = {step: document}
        try:
            accept_exchange(self._bundle, document)
        except ExchangeRefused as refused:
            return refused.problems
        return ()


def _meant(text: str, words: Mapping[str, Any], titles: Mapping[str, str]) -> Any:
    """What a text means: by the words of a mapping, else as a title, else itself."""
    return words[text] if text in words else titles.get(text.strip().casefold(), text)


def fact_names(bundle: Bundle) -> frozenset[str]:
    """The names of facts, documents and their fields that a column may have."""
    return frozenset(name for name in FactPlaces(bundle).names if "." in name)


def read_mapping(bundle: Bundle, file: str, data: bytes) -> TableMapping:
    """Read a mapping against a bundle. `file` is the name that findings carry. Raises MappingRefused with all that is wrong."""
    findings = Findings()
    node = tree.read(file, data, findings)
    if node is None and not findings.errors:
        findings.error(Span(file, 1, 1), "empty-file", "the mapping is empty", help="name the columns under `map:`")
    text = read_model(_MappingText, node, findings) if node is not None else None
    if text is None or node is None or findings.errors:
        raise MappingRefused(findings.errors, file, data)
    places = FactPlaces(bundle)
    columns = tuple(_columns(text, node, places, findings))
    constants = dict(_constants(text, node, places, findings))
    _told_twice(columns, constants, text, node, findings)
    if findings.errors:
        raise MappingRefused(findings.errors, file, data)
    return TableMapping(columns, constants, text.key, frozenset(text.ignore))


def _columns(text: _MappingText, node: tree.Node, places: FactPlaces, findings: Findings) -> Iterator[FactColumn]:
    """What the columns of a mapping state; what they cannot state becomes a finding."""
    for column, told in text.map.items():
        for fact in told.fact:
            if why := places.misnamed(fact):
                span = tree.locate(node, ("map", column, "fact"))[0].span
                findings.error(span, "unknown-fact", f"the column `{column}`: {why}")
                continue
            yield _column(column, fact, told, node, places, findings)


def _column(column: str, fact: str, told: _ColumnText, node: tree.Node, places: FactPlaces, findings: Findings) -> FactColumn:
    """A fact that a column states; where its words or titles cannot, that becomes a finding."""
    type = places.type(fact)
    if told.split and (type is None or not type.many):
        span = tree.locate(node, ("map", column, "split"))[1]
        findings.error(span, "bad-value", f"`{fact}` holds one value, so there is nothing to split", help="drop `split`")
    if told.titles == "yes" and (type is None or type.values is None):
        span = tree.locate(node, ("map", column, "titles"))[1]
        findings.error(
            span, "bad-value", f"`{fact}` has no values with titles", help="drop `titles`, and say words under `values`"
        )
    values = {}
    for word, meant in told.values.items():
        value = places.json(fact, meant)
        if value is not None and (why := places.wrong(fact, value)):
            findings.error(tree.locate(node, ("map", column, "values", word))[0].span, "bad-value", f"`{fact}`: {why}")
        values[word] = value
    return FactColumn(column, fact, values, told.split, told.titles == "yes")


def _constants(text: _MappingText, node: tree.Node, places: FactPlaces, findings: Findings) -> Iterator[tuple[str, Any]]:
    """What every row states; what cannot be stated becomes a finding."""
    for name, said in text.constants.items():
        value = places.json(name, said)
        if why := places.misnamed(name):
            findings.error(tree.locate(node, ("constants", name))[1], "unknown-fact", why)
        elif value is None:
            findings.error(tree.locate(node, ("constants", name))[1], "bad-value", f"`{name}` states nothing", help="drop it")
        elif why := places.wrong(name, value):
            findings.error(tree.locate(node, ("constants", name))[0].span, "bad-value", f"`{name}`: {why}")
        else:
            yield name, value


def _told_twice(
    columns: Iterable[FactColumn], constants: Mapping[str, Any], text: _MappingText, node: tree.Node, findings: Findings
) -> None:
    """A fact that two columns state, or a column and every row; and a column that is left out and states something."""
    known: dict[str, str] = {}
    for each in columns:
        at = tree.locate(node, ("map", each.column))[1]
        if other := known.get(each.fact):
            said = f"`{each.fact}` is stated by the columns `{other}` and `{each.column}`"
            said = said if other != each.column else f"the column `{other}` states `{each.fact}` twice"
            findings.error(at, "duplicate-id", said, help="leave one of them out")
        known[each.fact] = each.column
        if each.fact in constants:
            findings.error(at, "duplicate-id", f"`{each.fact}` is stated by a column and under `constants`", help="keep one")
        if each.column in text.ignore:
            findings.error(at, "duplicate-id", f"the column `{each.column}` is mapped and ignored", help="keep one")


@dataclass(frozen=True, slots=True)
class StatedColumns:
    """Where the facts of a table are: by number the columns that state one, and the column of the key, -1 where there is none."""

    facts: tuple[tuple[int, FactColumn], ...]
    key: int


def stated_columns(
    names: Iterable[str], mapping: TableMapping, places: FactPlaces, source: Literal["table", "rows"] = "table"
) -> StatedColumns:
    """
    What each column of a table states, by the mapping and by their names.

    Raises ColumnsRefused with every column that states nothing and is not ignored, so that no misspelt fact is overlooked, and every
    column that the mapping names and the table lacks.
    """
    mapped = mapping.by_column()
    found: list[tuple[int, FactColumn]] = []
    wrong = []
    key = -1
    there = list(names)
    for number, name in enumerate(there):
        if there.index(name) < number:
            wrong.append(f"`{name}`: two columns have this name")
        elif name in mapped:
            found += [(number, each) for each in mapped[name]]
        elif name not in mapping.ignored and name in places.names and not places.misnamed(name):
            found.append((number, FactColumn(name, name)))
        elif name not in mapping.ignored and name != mapping.key:
            key_too = "" if mapping.key or not _AN_ID.fullmatch(name) else f"; if it names the rows, give `--key {name}`"
            wrong.append(f"`{name}`: {places.misnamed(name)}{key_too}")
        if name == mapping.key:
            key = number
    stated: dict[str, str] = {}
    for _, each in found:
        if (other := stated.setdefault(each.fact, each.column)) != each.column:
            wrong.append(f"`{each.column}` and `{other}`: both state `{each.fact}`")
        if each.fact in mapping.constants:
            wrong.append(f"`{each.column}`: `{each.fact}` is stated by every row already, under `constants`")
    if source == "table":
        wrong += [f"`{name}`: the mapping names it, and the table has no such column" for name in mapped if name not in there]
    if mapping.key and key < 0 and source == "table":
        wrong.append(f"`{mapping.key}`: the key, and the table has no such column")
    if wrong:
        raise ColumnsRefused("\n".join(wrong))
    return StatedColumns(tuple(found), key)
