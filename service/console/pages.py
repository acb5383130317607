"""
Renders records and log entries as HTML pages.

The input is the answer of `GET /v1/decisions/{id}`; the output is a page for a reviewer. Records of every version are shown: members
that a record lacks are left out. The text in a record comes from others, so the templates escape all of it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import ChainableUndefined, Environment, FileSystemLoader

import engine
from service.console.wording import WORDS
from service.log.search import Page
from service.reviews.sign_offs import offered

HERE = Path(__file__).parent / "templates"
STYLE = (HERE / "style.css").read_bytes()
EFFECTS = (
    "prohibit",
    "review",
    "require",
    "compels",
    "oblige",
    "exempts",
    "satisfies",
)  # effects that block an exchange come first
Part = Mapping[str, Any]

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class EmptyPart(ChainableUndefined):
    """A member that a record lacks. It is empty, and so are all its members."""


class Templates(Environment):
    """The templates. In them, `part.values` of a mapping is its member, not its method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


@dataclass(frozen=True)
class PageReader:
    """The reader of a page: the language, and the bundle that gives the titles of facts."""

    bundle: engine.Bundle
    lang: str

    @cached_property
    def book(self) -> engine.Phrasebook:
        return engine.Phrasebook(self.bundle, self.language)

    @cached_property
    def titles(self) -> Mapping[str, str]:
        families = self.bundle.vocabulary.family_titles.items()
        found = {entry.name: entry.title.in_(self.lang) for entry in self.bundle.facts()}
        return found | {name: title.in_(self.lang) for name, title in families}

    @cached_property
    def language(self) -> engine.Language:
        return engine.LANGUAGES[self.lang]

    def code(self, kind: str, code: Any) -> str:
        """A code of a record in words. An unknown code is shown with spaces."""
        return self.language.word(kind, str(code))

    def label(self, kind: str, code: Any) -> str:
        """The same words, with a capital first letter."""
        word = self.code(kind, code)
        return word[:1].upper() + word[1:]

    def told(self, fact: str, value: Any) -> str:
        """A value by its titles in the loaded vocabulary, or as it was sent if there are none."""
        try:
            return self.book.told(fact, value)
        except (LookupError, ValueError, TypeError, AttributeError):
            return self.language.as_sent(value)

    def disputed(self, part: Part) -> str:
        """A fact that the register states otherwise, with both values and the entity."""
        stated, registered = (self.told(part["fact"], part.get(name)) for name in ("stated", "registered"))
        contradiction = self.language.contradiction(stated, registered)
        return self.language.disputed_line(
            part.get("kind", ""), part["entity"], part.get("version"), self.title(part["fact"]), contradiction
        )

    def title(self, fact: str) -> str:
        """The title of a fact, or its name if the loaded vocabulary has no title."""
        return self.titles.get(fact, fact)

    def statement(self, name: Any) -> str:
        """The title of a statement on which a permit rests, or its name if the loaded vocabulary has no title."""
        try:
            return self.book.statement(str(name))
        except LookupError:
            return str(name)

    def subject(self, name: Any) -> str:
        """The title of a subject matter."""
        try:
            return self.book.subject(str(name))
        except LookupError:
            return str(name)

    def place(self, code: Any) -> str:
        """The name of a country or jurisdiction."""
        try:
            return self.book.place(str(code))
        except LookupError:
            return str(code)

    def account(self, part: str) -> str:
        """The title of a part of the account."""
        try:
            return self.book.account(part)
        except LookupError:
            return part.replace("-", " ")


@dataclass(frozen=True)
class FactShown:
    """A line of the facts as sent, or as the register states them."""

    name: str
    title: str
    value: str
    personal: bool = False
    erased: bool = False
    registered: bool = False


def decision_page(kept: Part, sign_offs: Sequence[Part], reader: PageReader, query: str = "") -> str:
    """
    The page of one decision.

    `kept` is a record with its place in the log, as the endpoint answers it. `sign_offs` are those given for it. `query` leads back to
    the same view of the list.
    """
    record, log = kept["record"], kept.get("log", {})
    decision: Part = record.get("decision") or {}
    reasons = decision.get("reasons") or []
    place = _places(reader)
    certain = [part for part in reasons if part.get("standing") != "possible"]
    return _page(
        "decision.html",
        reader,
        f"/log/{record.get('id', '')}",
        query=query,
        record=record,
        log=log,
        decision=decision,
        tone="stop" if record.get("denied") else _tone(decision),
        certain=_by_effect(certain),
        perhaps=_by_effect([part for part in reasons if part.get("standing") == "possible"]),
        account=list(_account(decision, reader)),
        disputed=[reader.disputed(part) for part in decision.get("disputed") or ()],
        facts=sorted(_facts(record, log, reader), key=lambda fact: place(fact.name)),
        sign_offs=sign_offs,
        open_review=not sign_offs and _may_be_signed(record, decision),
    )


def list_page(page: Page, filters: Mapping[str, str], paged: bool, reader: PageReader) -> str:
    """The page of the list: the rows that match these filters. `paged` is true where it is not the first page."""
    words = WORDS[reader.lang]
    names = {
        "missing": reader.language.sections["missing"],
        "caller": words["asked_by"],
        "since": words["since"],
        "until": words["until_day"],
    }
    return _page(
        "list.html",
        reader,
        "/log",
        rows=page.rows,
        next=page.next,
        unindexed=page.unindexed,
        filters=filters,
        paged=paged,
        outcomes=reader.language.codes["outcome"],
        names={name: names.get(name) or words.get(name) or reader.label("role", name) for name in filters},
        with_=lambda name, value: {**filters, name: value},
    )


def missing_page(reader: PageReader, title: str, text: str) -> str:
    """A page that says why there is nothing to show."""
    return _page("missing.html", reader, "/log", title=title, text=text)


def _page(template: str, reader: PageReader, path: str, **members: Any) -> str:
    return _PAGES.get_template(template).render(
        t=WORDS[reader.lang],
        titles=reader.language.sections,
        reader=reader,
        path=path,
        others=[language for code, language in engine.LANGUAGES.items() if code in WORDS and code != reader.lang],
        link=lambda to, **query: _link(to, reader.lang, query),
        link_in=lambda lang, to, **query: _link(to, lang, query),
        day=_day,
        moment=_moment,
        **members,
    )


def _link(path: str, lang: str, query: Mapping[str, Any]) -> str:
    """An address on these pages. It names the language unless that is English."""
    parts = {name: value for name, value in {"lang": lang, **query}.items() if value not in (None, "")}
    if parts.get("lang") == "en":
        del parts["lang"]
    return path + (f"?{urlencode(parts)}" if parts else "")


def _tone(decision: Part) -> str:
    """The colour of a decision. Only a permit is green."""
    if decision.get("proceed") is True:
        return "go"
    outcome = decision.get("outcome")
    return {"prohibited": "stop", "requirements_unmet": "unmet", "review": "review"}.get(str(outcome), "open")


def _by_effect(reasons: Sequence[Part]) -> list[tuple[str, list[Part]]]:
    groups: dict[str, list[Part]] = {}
    for part in reasons:
        groups.setdefault(str(part.get("effect", "")), []).append(part)
    order = [*EFFECTS, *(effect for effect in groups if effect not in EFFECTS)]
    return [(effect, groups[effect]) for effect in order if effect in groups]


def _account(decision: Part, reader: PageReader) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The parts of the account in the vocabulary's order, each with the lines of stated facts."""
    account = (decision.get("factor") or {}).get("account") or {}
    known = reader.bundle.vocabulary.factor
    for name in sorted(account, key=_order(known)):
        lines = account[name]
        stated = [
            (str(line.get("title", key)), reader.told(str(line.get("fact", "")), line.get("value")))
            for key, line in ((key, lines[key]) for key in sorted(lines, key=_order(known[name][1] if name in known else ())))
            if line.get("value") is not None
        ]
        # A party's id is withheld and occurs in several parts. Alone it does not make a part stated.
        told = any(line.get("value") not in (None, "personal") for line in lines.values())
        yield reader.account(name), stated if told else []


def _places(reader: PageReader) -> Callable[[str], int]:
    """The place of a fact in the vocabulary. A family has the place of its first member."""
    return _order(dict.fromkeys(entry.family or entry.name for entry in reader.bundle.facts()))


def _order(known: Iterable[str]) -> Callable[[str], int]:
    """The place of a name among the known names. Other names come last, in their own order."""
    places = {name: place for place, name in enumerate(known)}
    return lambda name: places.get(name, len(places))


def _facts(record: Part, log: Part, reader: PageReader) -> Iterator[FactShown]:
    """The facts of the request, one per line, and those of the register. A document is one line."""
    request = record.get("request") or {}
    yield from _lines({name: value for name, value in request.items() if name != engine.REGISTER}, "", log, reader)
    for name, entity in (request.get(engine.REGISTER) or {}).items():
        for line in _lines(entity.get("states") or {}, f"/{engine.REGISTER}/{_step(name)}/states", log, reader):
            yield replace(line, registered=True)


def _lines(document: Part, under: str, log: Part, reader: PageReader) -> Iterator[FactShown]:
    """The facts of a document at a place of the request."""
    personal = {
        each["pointer"].removeprefix(under): each.get("salt") is None
        for each in log.get("personal") or ()
        if each["pointer"].startswith(f"{under}/")
    }
    for pointer, value in _leaves(document, ""):
        covering = [each for each in personal if (pointer + "/").startswith(each + "/")]
        inside = [each for each in personal if each.startswith(pointer + "/")]
        name = pointer[1:].replace("/", ".").replace("~1", "/").replace("~0", "~")
        erased = any(personal[each] for each in covering)
        if erased:
            told = WORDS[reader.lang]["erased"]
        elif covering:
            told = reader.language.as_sent(value)
        else:
            told = reader.told(name, _without_commitments(value, reader) if inside else value)
        yield FactShown(name, reader.title(name), told, bool(covering or inside), erased)


def _leaves(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Each value of a request with its pointer. Documents, families and ranges two steps down are one value each."""
    match value:
        case {"commitment": str()} if len(value) == 1:
            yield at, value
        case {"at_least": _} | {"at_most": _}:
            yield at, value
        case {**members} if members and at.count("/") < 2:
            for key, inner in members.items():
                yield from _leaves(inner, f"{at}/{_step(str(key))}")
        case _ if at:
            yield at, value


def _step(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")


def _without_commitments(value: Any, reader: PageReader) -> Any:
    match value:
        case {"commitment": str()} if len(value) == 1:
            return WORDS[reader.lang]["erased"]
        case {**members}:
            return {name: _without_commitments(inner, reader) for name, inner in members.items()}
        case [*values]:
            return [_without_commitments(inner, reader) for inner in values]
    return value


def _may_be_signed(record: Part, decision: Part) -> bool:
    """Whether there may be something to sign off. An older record does not say; then a sign-off has to be tried."""
    named = offered(record)
    if named is not None:
        return bool(named)
    return decision.get("outcome") == "review" and decision.get("engine", {}).get("agreed") is not False


def _visible(value: Any) -> Any:
    """A text in which a mark replaces control characters and characters that change the direction of text."""
    return _CONTROLS.sub("\ufffd", value) if type(value) is str else value


def _day(text: Any) -> str:
    return str(text or "")


def _moment(text: Any) -> str:
    """A moment to the minute, in UTC. A text that is not a moment is unchanged."""
    try:
        return datetime.fromisoformat(str(text)).strftime("%Y-%m-%d %H:%M") + " UTC"
    except ValueError:
        return str(text)


_PAGES = Templates(
    loader=FileSystemLoader(HERE),
    autoescape=True,
    undefined=EmptyPart,
    finalize=_visible,
    trim_blocks=True,
    lstrip_blocks=True,
)
