"""
Read and check mappings: located trees in, mappings out. Each error is a finding at its place.

Every name must lead to a place of the exchange, every place to something that the program sends, and every value must fit its fact. A
mapping that passes states nothing but what it says; whether a request fits it is found out when one comes.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations
from typing import Any, Generic, TypeVar

from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.document_text import DocumentText, Text
from engine.policy_language.dpv_terms import RDF_TYPE, VERSION, dpv_terms
from engine.policy_language.gateway_places import check_gateway_places
from engine.policy_language.mapping_text import (
    REQUEST_DOORS,
    TERM_DOORS,
    RequestMappingText,
    RequestReadingText,
    TermMappingText,
    TermText,
    TranslatedText,
)
from engine.policy_language.read_document import read_model
from engine.policy_language.request_operations import (
    OperationPattern,
    is_pointer,
    operation_places,
    path_name,
    pattern,
    places_of,
)
from engine.policy_language.stated_places import StatedPlaceCheck, Steps
from engine.policy_language.tree import Node, locate, plain
from engine.policy_language.vocabulary import Vocabulary
from engine.policy_language.written_exchange import exchange_json
from engine.rules import AS_OF, RuleSet

T = TypeVar("T", RequestMappingText, TermMappingText)
_ENTITY = re.compile(r"[a-z][a-z0-9-]{0,39}")  # without dots: it stands beside the ids that facts state


@dataclass(frozen=True, slots=True)
class NamedMapping(Generic[T]):
    """A mapping: its name, the door that reads it, what it says, and the digest of that (hex SHA-256 of its canonical JSON)."""

    name: str
    door: str
    text: T
    digest: str
    file: str
    line: int


RequestMapping = NamedMapping[RequestMappingText]
TermMapping = NamedMapping[TermMappingText]
AnyMapping = RequestMapping | TermMapping


class MappingFiles:
    """The mappings of some files. They are read by `read`; `check_rules` and `check_values` go on once rules and reader are there."""

    def __init__(self, trees: Sequence[Node], vocabulary: Vocabulary, findings: Findings) -> None:
        self.vocabulary = vocabulary
        self.findings = findings
        self.found: dict[str, AnyMapping] = {}
        self.nodes: dict[str, Node] = {}
        for tree in trees:
            self._read(tree)

    def _read(self, tree: Node) -> None:
        door = plain(locate(tree, ("door",))[0]) if isinstance(plain(tree), dict) and "door" in plain(tree) else None
        model: type[RequestMappingText] | type[TermMappingText]
        model = TermMappingText if door in TERM_DOORS else RequestMappingText
        if isinstance(door, str) and door not in (*REQUEST_DOORS, *TERM_DOORS):
            doors = ", ".join(f"`{each}`" for each in (*REQUEST_DOORS, *TERM_DOORS))
            help = did_you_mean(door, (*REQUEST_DOORS, *TERM_DOORS)) or f"the doors are {doors}"
            self.findings.error(locate(tree, ("door",))[0].span, "bad-value", f"there is no door `{door}`", help=help)
            return
        text = read_model(model, tree, self.findings)
        if text is None:
            return
        name = text.mapping
        if name in self.found:
            at = locate(tree, ("mapping",))[0].span
            said = f"the mapping `{name}` is written twice"
            self.findings.error(at, "duplicate-id", said, f"first in {self.found[name].file}", "give each its own name")
            return
        file, line = tree.span.file, tree.span.line
        if isinstance(text, RequestMappingText):
            self.found[name] = NamedMapping(name, text.door, text, digest_of(text), file, line)
            _RequestCheck(self.vocabulary, tree, self.findings).check(text)
            check_gateway_places(text, tree, self.findings)
        else:
            self.found[name] = NamedMapping(name, text.door, text, digest_of(text), file, line)
            _TermCheck(self.vocabulary, tree, self.findings).check(text)
        self.nodes[name] = tree

    def check_rules(self, rules: RuleSet) -> None:
        """Check that duties are owed under what each mapping says its program carries out."""
        owing = [*rules.duties(), *dict.fromkeys(owner_of(key) for key in rules.duties())]
        for name, mapping in self.found.items():
            for number, under in enumerate(mapping.text.carries if isinstance(mapping.text, RequestMappingText) else ()):
                if under not in owing:
                    at = locate(self.nodes[name], ("carries", number))[0].span
                    help = did_you_mean(under, owing) or "name a duty, or the provision or requirement that makes it"
                    self.findings.error(at, "unknown-rule", f"no duty is owed under `{under}`", help=help)
            if isinstance(mapping.text, TermMappingText):
                self._check_provisions(self.nodes[name], mapping.text, rules)

    def _check_provisions(self, node: Node, text: TermMappingText, rules: RuleSet) -> None:
        known = {rule.key for rule in rules.rules}
        for name, term in text.terms.items():
            for number, key in enumerate(term.provisions):
                if key not in known:
                    at = locate(node, ("terms", name, "provisions", number))[0].span
                    help = did_you_mean(key, known) or "name the policy and the provision, like `eu.gdpr-chapter-v/art-44`"
                    self.findings.error(at, "unknown-rule", f"there is no provision `{key}`", help=help)

    def check_values(self, accept: Callable[[Mapping[str, Any]], object]) -> None:
        """Check that each value that a mapping itself states fits its fact. `accept` reads an exchange; raises ValueError if it is none."""
        for name, mapping in self.found.items():
            for path, fact, value in _values(mapping):
                try:
                    accept(mapped_json(self.vocabulary, {fact: value}))
                except ValueError as refused:
                    at = locate(self.nodes[name], path)[0].span
                    problems = getattr(refused, "problems", ())
                    said = "; ".join(dict.fromkeys(each.detail for each in problems)) or str(refused)
                    self.findings.error(at, "bad-value", f"`{fact}` cannot be this: {said}")


def mapped_json(vocabulary: Vocabulary, flat: Mapping[str, Any]) -> dict[str, Any]:
    """The JSON of an exchange, from facts as a mapping states them: of a set, one word stands for itself alone. Raises BadValue."""

    def whole(fact: str, value: Any) -> Any:
        type = vocabulary.type_of(fact)
        return [value] if type is not None and type.many and isinstance(value, str) else value

    return exchange_json(vocabulary, {fact: whole(fact, value) for fact, value in flat.items()})


def owner_of(duty: str) -> str:
    """The provision or requirement that makes a duty, by the key of the duty."""
    return duty.rpartition(".")[0]


def digest_of(text: DocumentText) -> str:
    """The digest of what a mapping says. Places, comments and layout do not change it."""
    said = text.model_dump(mode="json", by_alias=True)
    return hashlib.sha256(json.dumps(said, sort_keys=True, separators=(",", ":")).encode()).hexdigest()


def readings(text: RequestMappingText) -> Iterator[tuple[Steps, RequestReadingText]]:
    """What each request states, and what each decided operation states beside it, with the paths to them in the document."""
    yield (), text
    for name, operation in text.operations.items():
        if operation.decided is not None:
            yield ("operations", name, "decided"), operation.decided


def _values(mapping: AnyMapping) -> Iterator[tuple[Steps, str, Any]]:
    """Every value that a mapping states of a fact, with the path to it."""
    if isinstance(mapping.text, TermMappingText):
        for name, term in mapping.text.terms.items():
            for word, value in term.values.items():
                yield ("terms", name, "values", word), term.fact or "", value
        return
    for where, reading in readings(mapping.text):
        for fact, value in reading.constants.items():
            yield (*where, "constants", fact), fact, value
        for place, said in reading.facts.items():
            if isinstance(said, TranslatedText):
                for word, value in said.values.items():
                    yield (*where, "facts", place, "values", word), said.fact, value


class _RequestCheck(StatedPlaceCheck):
    def check(self, text: RequestMappingText) -> None:
        operations = self._operations(text)
        known = set(operation_places(text))
        for number, place in enumerate(operation_places(text)):
            where: Steps = ("operation",) if isinstance(text.operation, str) else ("operation", number)
            if not is_pointer(place):
                self._misspelt(where, place, key=False)
            self._in_input(where, text.door, place, key=False)
        steps = {name: each.open_steps for name, each in operations.items()}
        anywhere = [step for each in steps.values() for step in each]
        for where, reading in readings(text):
            open_steps = steps.get(str(where[1]), ()) if where else anywhere
            known |= {place for _, place in places_of(reading)}
            self._reading(where, reading, open_steps)
            for path, place in places_of(reading):
                self._in_input((*where, *path), text.door, place, key=path[0] == "facts")
        for number, place in enumerate(text.from_client):
            if place not in known:
                at = locate(self.node, ("from_client", number))[0].span
                said = f"nothing here reads `{place}`"
                self.findings.error(
                    at, "bad-value", said, help=did_you_mean(place, known) or "name a place that states something"
                )
        for name, operation in text.operations.items():
            if operation.moves_no_data is not None:
                # `true` and `no` alike would allow the operation to everybody.
                where = ("operations", name, "moves_no_data")
                _check_reason(self, where, operation.moves_no_data, "it moves no data", "decided")

    def _operations(self, text: RequestMappingText) -> dict[str, OperationPattern]:
        found = {name: pattern(name) for name in text.operations}
        shapes: dict[str, str] = {}
        for name, each in found.items():
            at = locate(self.node, ("operations", name))[1]
            if problem := each.problem(len(operation_places(text))):
                self.findings.error(
                    at, "bad-value", f"the operation `{name}` {problem}", help="write it like `GET /reports/{report}`"
                )
            elif each.shape in shapes:
                said = f"`{name}` and `{shapes[each.shape]}` are the same requests"
                self.findings.error(at, "duplicate-id", said, help="keep one of the two")
            shapes.setdefault(each.shape, name)
        for first, second in combinations(found, 2):
            both = found[first].crossing(found[second])
            if both and both not in shapes:
                at = locate(self.node, ("operations", second))[1]
                said = f"`{first}` and `{second}` both read `{both}`"
                self.findings.error(at, "duplicate-id", said, help="name that operation too, and say what it is")
        return found

    def _reading(self, where: Steps, reading: RequestReadingText, open_steps: Iterable[str]) -> None:
        for path, place in places_of(reading):
            name = path_name(place)
            if name and name not in open_steps:
                named = ", ".join(f"`{{{each}}}`" for each in dict.fromkeys(open_steps)) or "no step of a path"
                node, span = locate(self.node, (*where, *path))
                at = span if path[0] == "facts" else node.span
                self.findings.error(at, "bad-value", f"no operation here has the step `{{{name}}}`", help=f"named are {named}")
            elif not name and not is_pointer(place):
                self._misspelt((*where, *path), place, key=path[0] == "facts")
        for fact in reading.constants:
            if self.known((*where, "constants", fact), fact, key=True):
                self._now((*where, "constants", fact), fact, key=True)
                self._whole((*where, "constants", fact), fact)
        for place, said in reading.facts.items():
            translated = isinstance(said, TranslatedText)
            here: Steps = (*where, "facts", place, "fact") if translated else (*where, "facts", place)
            fact = said.fact if isinstance(said, TranslatedText) else said
            if self.known(here, fact):
                self._now(here, fact, key=False)
                if translated:
                    self._whole(here, fact, key=False)
        for name, entity in reading.entities.items():
            if not _ENTITY.fullmatch(name):
                span = locate(self.node, (*where, "entities", name))[1]
                self.findings.error(
                    span, "bad-id", f"`{name}` is not a name", help="use letters, digits and `-`, like `reader`"
                )
            self.stated((*where, "entities", name, "id"), entity.id, None)
            for attribute, fact in entity.facts.items():
                self.known((*where, "entities", name, "facts", attribute), fact)
            if entity.id is None and not entity.facts:
                span = locate(self.node, (*where, "entities", name))[1]
                said = f"`{name}` states nothing"
                self.findings.error(span, "no-effect", said, help="say with `id:` which fact its id states, or give `facts:`")

    def _now(self, where: Steps, fact: str, *, key: bool) -> None:
        if fact == AS_OF:
            node, span = locate(self.node, where)
            said = "a program asks about today, so nothing here can state the day"
            self.findings.error(span if key else node.span, "bad-value", said, help="leave it out")

    def _whole(self, where: Steps, fact: str, *, key: bool = True) -> None:
        """A value of one fact is written here, so the name must be that of one fact."""
        if not self.one(fact):
            node, span = locate(self.node, where)
            said = f"`{fact}` is several facts, and here stands a value of one"
            self.findings.error(span if key else node.span, "bad-value", said, help="name each fact by itself")

    def _in_input(self, where: Steps, door: str, place: str, *, key: bool) -> None:
        """In OPA's shape a place is one inside `input`, though what answers point to is the whole body."""
        if door == "opa" and place.startswith("/input/"):
            node, span = locate(self.node, where)
            said = f"`{place}` is a place `input` inside `input`"
            help = f"write `{place.removeprefix('/input')}`, unless the program's input has an `input` of its own"
            self.findings.warn(span if key else node.span, "bad-value", said, help=help)

    def _misspelt(self, where: Steps, place: str, *, key: bool) -> None:
        node, span = locate(self.node, where)
        said = f"`{place}` is no place of a request"
        help = "write a JSON Pointer like `/request/method`, or `path.NAME`"
        self.findings.error(span if key else node.span, "bad-value", said, help=help)


def _check_reason(check: StatedPlaceCheck, where: Steps, reason: Text, why: str, instead: str) -> None:
    """Report a reason that is none: a text still to be written, or one word such as `true`."""
    at = locate(check.node, where)[0].span
    if reason.is_placeholder():
        said = "this stands for a text that is still to be written"
        check.findings.error(at, "placeholder", said, help=f"say why {why}")
    elif not reason.en.strip().count(" "):
        said = f"`{reason.en}` does not say why {why}"
        check.findings.error(at, "bad-value", said, help=f"say why in a sentence, or write `{instead}:`")


class _TermCheck(StatedPlaceCheck):
    def check(self, text: TermMappingText) -> None:
        for name, term in text.terms.items():
            if term.fact is not None:
                self.known(("terms", name, "fact"), term.fact)
            for key, named in (("also", term.also), ("leaves_open", term.leaves_open)):
                for number, fact in enumerate(named):
                    self.known(("terms", name, key, number), fact)
            if text.door == "dpv":
                self._of_dpv(name, term)
            if term.no_fact is not None:
                _check_reason(self, ("terms", name, "no_fact"), term.no_fact, "it is no fact", "fact")
            self._written(text.door, name, term)

    def _written(self, door: str, name: str, term: TermText) -> None:
        """Report what cannot be written as a limit: a contract without it would permit more."""
        for number, fact in enumerate(term.written):
            where: Steps = ("terms", name, "written", number)
            at = locate(self.node, where)[0].span
            if door != "odrl" or ":" not in name:
                said = "only a contract (`door: odrl`) has limits that are written, by terms with full names"
                self.findings.error(at, "bad-value", said, help="leave out `written`")
            elif self.known(where, fact):
                type = self.vocabulary.type_of(fact)
                if not self.one(fact) or type is None or type.values is None:
                    said = f"`{fact}` has no values that are named, so no limit can be written of it"
                    self.findings.error(at, "ill-typed", said, help="name a fact whose values are a set of the vocabulary")

    def _of_dpv(self, name: str, term: TermText) -> None:
        """Report each name that the Data Privacy Vocabulary does not have."""
        at = locate(self.node, ("terms", name))
        for step in (*name.split("/"), *term.values):
            if step not in dpv_terms() and step != RDF_TYPE:
                span = (locate(self.node, ("terms", name, "values", step)) if step in term.values else at)[1]
                said = f"the Data Privacy Vocabulary {VERSION} has no term `{step}`"
                self.findings.error(span, "dpv-term", said, help=did_you_mean(step, dpv_terms()) or "drop it")
