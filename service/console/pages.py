"""
Records and log entries as pages of HTML.

Goes from what `GET /v1/decisions/{id}` answers to a page that a reviewer reads. Records of every shape are shown: a member that one
has not is left out. Everything in a record is text somebody else wrote, so the templates escape all of it.
"""

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cached_property
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

from jinja2 import ChainableUndefined, Environment, FileSystemLoader

import engine
from service.console.wording import WORDS
from service.log.search import Page

HERE = Path(__file__).parent / "templates"
STYLE = (HERE / "style.css").read_bytes()
EFFECTS = ("prohibit", "review", "require", "compels", "oblige", "exempts", "satisfies")  # what bars comes first
Part = Mapping[str, Any]

_CONTROLS = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069]")


class EmptyPart(ChainableUndefined):
    """What a record has not: empty, whatever is asked of it."""


class Templates(Environment):
    """The templates. Of a mapping, `part.values` is its member and not its method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)


@dataclass(frozen=True)
class PageReader:
    """Who reads: in which language, under which bundle (for the titles of facts)."""

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
        """A code of a record in words; one that is not known stands spelled out."""
        return self.language.word(kind, str(code))

    def label(self, kind: str, code: Any) -> str:
        """The same, where it stands alone."""
        word = self.code(kind, code)
        return word[:1].upper() + word[1:]

    def told(self, fact: str, value: Any) -> str:
        """A value by its titles where the loaded vocabulary knows them, as it was sent where not."""
        try:
            return self.book.told(fact, value)
        except (LookupError, ValueError, TypeError, AttributeError):
            return self.plain(value)

    def plain(self, value: Any) -> str:
        """A value as it was sent."""
        say = self.language
        match value:
            case None:
                return say.not_sent()
            case bool():
                return say.truth(value)
            case int():
                return f"{value:,}"
            case [*values]:
                return ", ".join(map(self.plain, values)) or say.no_value(known=True)
            case {**members}:
                return ", ".join(f"{name} {self.plain(inner)}" for name, inner in members.items())
        return str(value)

    def title(self, fact: str) -> str:
        """What a fact is called; its name where the loaded vocabulary has no title for it."""
        return self.titles.get(fact, fact)

    def place(self, code: Any) -> str:
        """A country or jurisdiction by its name."""
        try:
            return self.book.place(str(code))
        except LookupError:
            return str(code)

    def account(self, part: str) -> str:
        """What a part of the account is called."""
        try:
            return self.book.account(part)
        except LookupError:
            return part.replace("-", " ")


@dataclass(frozen=True)
class FactShown:
    """A line of the facts as sent."""

    name: str
    title: str
    value: str
    personal: bool = False
    erased: bool = False


def decision_page(kept: Part, sign_offs: Sequence[Part], reader: PageReader, query: str = "") -> str:
    """
    The page of one decision.

    `kept` is a record with its place in the log, as the endpoint answers it; `sign_offs` those given for it; `query` leads back to
    the list as it was.
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
        facts=sorted(_facts(record, log, reader), key=lambda fact: place(fact.name)),
        sign_offs=sign_offs,
        open_review=not sign_offs and _may_be_signed(record, decision),
    )


def list_page(page: Page, filters: Mapping[str, str], paged: bool, reader: PageReader) -> str:
    """The page of the list: rows that a search found by these filters; `paged` where it is not the first of its pages."""
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
    """A page that says why there is none."""
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
    """An address on these pages; English needs no word of it."""
    parts = {name: value for name, value in {"lang": lang, **query}.items() if value not in (None, "")}
    if parts.get("lang") == "en":
        del parts["lang"]
    return path + (f"?{urlencode(parts)}" if parts else "")


def _tone(decision: Part) -> str:
    """Which colour a decision has; only a permit is green."""
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
    """The parts of the account in the vocabulary's order, each with the lines that something was stated of."""
    account = (decision.get("factor") or {}).get("account") or {}
    known = reader.bundle.vocabulary.factor
    for name in sorted(account, key=_order(known)):
        lines = account[name]
        stated = [
            (str(line.get("title", key)), reader.told(str(line.get("fact", "")), line.get("value")))
            for key, line in ((key, lines[key]) for key in sorted(lines, key=_order(known[name][1] if name in known else ())))
            if line.get("value") is not None
        ]
        # A party's id is withheld and stands in several parts; alone it states nothing of one.
        told = any(line.get("value") not in (None, "personal") for line in lines.values())
        yield reader.account(name), stated if told else []


def _places(reader: PageReader) -> Callable[[str], int]:
    """The place of a fact in the vocabulary; a family has that of its first member."""
    return _order(dict.fromkeys(entry.family or entry.name for entry in reader.bundle.facts()))


def _order(known: Iterable[str]) -> Callable[[str], int]:
    """The place of a name among those known; others come after them, as they stand."""
    places = {name: place for place, name in enumerate(known)}
    return lambda name: places.get(name, len(places))


def _facts(record: Part, log: Part, reader: PageReader) -> Iterator[FactShown]:
    """The facts of the request, one a line; a document is one line."""
    personal = {each["pointer"]: each.get("salt") is None for each in log.get("personal") or ()}
    for pointer, value in _leaves(record.get("request") or {}, ""):
        covering = [each for each in personal if (pointer + "/").startswith(each + "/")]
        inside = [each for each in personal if each.startswith(pointer + "/")]
        name = pointer[1:].replace("/", ".").replace("~1", "/").replace("~0", "~")
        erased = any(personal[each] for each in covering)
        if erased:
            told = WORDS[reader.lang]["erased"]
        elif covering:
            told = reader.plain(value)
        else:
            told = reader.told(name, _without_commitments(value, reader) if inside else value)
        yield FactShown(name, reader.title(name), told, bool(covering or inside), erased)


def _leaves(value: Any, at: str) -> Iterator[tuple[str, Any]]:
    """Each value of a request with its pointer; documents, families and ranges stay whole where they stand two steps down."""
    match value:
        case {"commitment": str()} if len(value) == 1:
            yield at, value
        case {"at_least": _} | {"at_most": _}:
            yield at, value
        case {**members} if members and at.count("/") < 2:
            for key, inner in members.items():
                yield from _leaves(inner, f"{at}/{str(key).replace('~', '~0').replace('/', '~1')}")
        case _ if at:
            yield at, value


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
    """Whether there is something to sign off; of a record from before it said so there may be, and it is known when it is tried."""
    if "signable" in record:
        return bool(record.get("signable"))
    return decision.get("outcome") == "review" and decision.get("engine", {}).get("agreed") is not False


def _visible(value: Any) -> Any:
    """A text with a mark in place of what controls a terminal, or turns the direction of the text around it."""
    return _CONTROLS.sub("\ufffd", value) if type(value) is str else value


def _day(text: Any) -> str:
    return str(text or "")


def _moment(text: Any) -> str:
    """A moment to the minute, in UTC; what is none stays as it is."""
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
