"""
Renders records and log entries as HTML pages.

The input is the answer of `GET /v1/decisions/{id}`; the output is a page for a reviewer. Records of every version are shown: members
that a record lacks are left out. The text in a record comes from others, so the templates escape all of it.
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any, TypedDict, Unpack
from urllib.parse import urlencode

from jinja2 import ChainableUndefined, Environment, FileSystemLoader

import engine
from service.compliance_documents import docx_file
from service.compliance_documents.template_files import titles_for
from service.console import decision_sections, overview
from service.console.decision_lists import MOST, PROVISIONS, lists
from service.console.list_limits import short
from service.console.outcome_history import HistoryLine
from service.console.overview import DEFAULT, PERIODS, OverviewData
from service.console.page_frame import NOW, SIGNED_IN, STORY, WAITING
from service.console.reader import PageReader, Part, capital
from service.console.request_facts import facts_of, grouped, in_short
from service.console.request_origin import contract_of, mapping_of
from service.decisions.present_outcome import PresentOutcome
from service.languages.names import PagesTexts
from service.languages.visible_text import shown
from service.languages.words import text_for
from service.log.verified_record import VerifiedRecord
from service.reports.transfer_cells import standing
from service.reviews.queue import MOST_IN_FRAME

_LONG_AGO = timedelta(days=31)
_LONG_NUMBER = re.compile(r"(?<![\d.])\d{4,}")
HERE = Path(__file__).parent / "templates"
STYLE = (HERE / "style.css").read_bytes()

# The pages that are reached from every page: the word for each, and its address. The longest address that a page begins with is its own.
_PLACES = (
    ("overview", "/"),
    ("nav_ask", "/ask"),
    ("nav_review", "/review"),
    ("nav_log", "/log"),
    ("nav_register", "/register"),
    ("nav_ledger", "/ledger"),
    ("nav_policies", "/policies"),
    ("nav_reports", "/reports"),
    ("nav_docs", "/docs"),
)


class Beside(TypedDict, total=False):
    """What a page shows of a decision that is not in its record."""

    became: Sequence[HistoryLine]
    verified: VerifiedRecord
    not_verified: str
    policies: Sequence[Any]
    documents: Sequence[Any]
    now: PresentOutcome
    token: str


class EmptyPart(ChainableUndefined):
    """A member that a record lacks. It is empty, and so are all its members."""


class Templates(Environment):
    """The templates. In them, `part.values` of a mapping is its member, not its method; `part["values"]` never is the method."""

    def getattr(self, obj: Any, attribute: str) -> Any:
        if isinstance(obj, Mapping) and attribute in obj:
            return obj[attribute]
        return super().getattr(obj, attribute)

    def getitem(self, obj: Any, argument: Any) -> Any:
        if isinstance(obj, Mapping) and isinstance(argument, str) and argument not in obj:
            return self.undefined(obj=obj, name=argument)
        return super().getitem(obj, argument)


def decision_page(kept: Part, sign_offs: Sequence[Part], reader: PageReader, cannot: str = "", **beside: Unpack[Beside]) -> str:
    """
    The page of one decision.

    `kept` is a record with its place in the log, as the endpoint answers it; its decision has the explanation, if it can be told.
    `sign_offs` are those given for it. `cannot` says why the decision could not be explained. `beside` has what became of it, what was
    verified of its record or why it could not be, and the policies that it can be decided by again.
    """
    record, log = kept["record"], kept.get("log", {})
    decision: Part = record.get("decision") or {}
    reasons = decision.get("reasons") or []
    possible = sum(part.get("standing") == "possible" for part in reasons)
    facts = facts_of(record, log, reader)
    parties = in_short(facts, reader)
    contract = contract_of(record)
    shown = lists(record, decision, facts, parties, sign_offs, beside.get("became", ()), reader)
    return rendered(
        "decision.html",
        reader,
        f"/log/{record.get('id', '')}",
        record=record,
        log=log,
        decision=decision,
        tone="stop" if record.get("denied") else tone(decision),
        stamp="no" if record.get("denied") else stamp(decision),
        parties=parties,
        open_review=not sign_offs and bool(record.get("signable")),
        possible=possible + decision.get("possible_count", 0),
        titled={part["provision"]: part["title"] for part in reasons if part.get("title")},
        cited={part["provision"]: reader.source(part) for part in reasons if part.get("instrument")},
        ways_out=decision_sections.ways_out(decision),
        account=list(decision_sections.account(decision, reader)),
        computed=decision_sections.computed(decision, reader),
        open_facts=grouped(shown["facts"].open, reader),
        folded_facts=grouped(shown["facts"].folded, reader),
        cannot=cannot,
        verified=beside.get("verified"),
        not_verified=beside.get("not_verified"),
        bundles=beside.get("policies", ()),
        documents=beside.get("documents", ()),
        drafts=titles_for(standing(record), reader.lang) if record.get("verdict") else (),
        no_docx=docx_file.unavailable(),
        now=beside.get("now"),
        token=beside.get("token"),
        mapping=mapping_of(record, reader),
        contract=contract,
        erased=sum(fact.erased for fact in facts) + (contract is not None and contract.erased),
        **shown,
    )


def provisions_page(kept: Part, reasons: Sequence[Part], first: int, reader: PageReader) -> str:
    """
    A page of the provisions of a decision, those that stand for certain first, each with its tests and the facts that it read.

    `first` is the number of the first provision on the page; the first of all is 0.
    """
    record = kept["record"]
    found = decision_sections.by_strictness(record.get("decision") or {}, reasons)
    return rendered(
        "provisions.html",
        reader,
        f"/log/{record['id']}/provisions",
        filters={"first": first} if first else {},
        record=record,
        decision=record.get("decision") or {},
        provisions=list(enumerate(found))[first:][:PROVISIONS],
        total=len(found),
        certain=sum(part.get("standing") != "possible" for part in found),
        first=first,
    )


def overview_page(found: OverviewData, period: int, reader: PageReader) -> str:
    """The overview of so many days."""
    return rendered(
        "overview.html",
        reader,
        "/",
        filters={} if period == DEFAULT else {"days": str(period)},
        o=reader.words.overview,
        periods=PERIODS,
        default=DEFAULT,
        period=period,
        **overview.page_members(found, reader),
    )


def documents_page(record: Part, members: Mapping[str, Any], reader: PageReader) -> str:
    """The page of the documents of a decision; `members` are those of `document_list.members`."""
    filters = {"first": members["first"]} if members["first"] else {}
    path = f"/log/{record['id']}/documents"
    return rendered("documents.html", reader, path, filters=filters, record=record, **members)


def missing_page(reader: PageReader, title: str, text: str) -> str:
    """A page that says why there is nothing to show."""
    return rendered("missing.html", reader, "/log", title=title, text=text)


def rendered(template: str, reader: PageReader, path: str, **members: Any) -> str:
    """A template as a page at a path, with what every page needs beside its own `members`."""
    return _PAGES.get_template(template).render(
        t=reader.words.pages,
        titles=reader.language.sections,
        reader=reader,
        path=path,
        places_of=_places,
        others=[language for code, language in engine.LANGUAGES.items() if code != reader.lang],
        link=lambda to, **query: _link(to, reader.lang, query),
        link_in=lambda lang, to, **query: _link(to, lang, query),
        moment=_moment,
        ago=lambda text: _ago(text, reader.words.pages),
        digits=_digits,
        short=short,
        capital=capital,
        signed_in=SIGNED_IN.get(),
        a_story=STORY.get(),
        waiting=WAITING.get(),
        most_waiting=MOST_IN_FRAME,
        sign_in_words=reader.words.sign_in,
        most=MOST,
        **members,
    )


def _places(path: str) -> list[tuple[str, str, bool]]:
    """The places of the navigation, each with its word, its address, and whether the page at a path belongs to it."""
    within = [address for _, address in _PLACES if path == address or (address != "/" and path.startswith(f"{address}/"))]
    own = max(within, key=len, default="")
    return [(word, address, address == own) for word, address in _PLACES]


def _link(path: str, lang: str, query: Mapping[str, Any]) -> str:
    """An address on these pages. It names the language unless that is English."""
    parts = {name: value for name, value in {"lang": lang, **query}.items() if value not in (None, "", ())}
    if parts.get("lang") == "en":
        del parts["lang"]
    return path + (f"?{urlencode(parts, doseq=True)}" if parts else "")


UNDETERMINED = "undetermined"  # the outcome of an exchange that is not decided
REFUSED = frozenset(level.word for level in engine.Level if level.refused)


def tone(decision: Part) -> str:
    """The colour of a decision. Only a permit is green."""
    if decision.get("proceed") is True:
        return "go"
    outcome = decision.get("outcome")
    return {"prohibited": "stop", "requirements_unmet": "unmet", "review": "review"}.get(str(outcome), "open")


def stamp(decision: Part) -> str:
    """Whether an exchange may proceed: `yes`, `no` where it is refused whatever the open facts are, and `open`."""
    if decision.get("proceed") is True:
        return "yes"
    lowest = (decision.get("bounds") or {}).get("lowest")
    return "open" if decision.get("outcome") == UNDETERMINED and lowest not in REFUSED else "no"


def _visible(value: Any) -> Any:
    """A text in which a mark replaces control characters and characters that change the direction of text."""
    return shown(value) if type(value) is str else value


def _moment(text: Any) -> str:
    """A moment to the minute, in UTC. A text that is not a moment is unchanged."""
    try:
        return datetime.fromisoformat(str(text)).strftime("%Y-%m-%d %H:%M") + " UTC"
    except ValueError:
        return str(text)


def _digits(amount: Any) -> str:
    """A number or an amount of money with its digits in groups."""
    return _LONG_NUMBER.sub(lambda found: f"{int(found[0]):,}", str(amount))


def _ago(text: Any, words: PagesTexts) -> str:
    """How long ago a moment is, of one in the last month; of any other, and where the time is not known, nothing."""
    now = NOW.get()
    try:
        moment = datetime.fromisoformat(str(text))
    except ValueError:
        return ""
    if now is None or moment.tzinfo is None or not timedelta(0) <= now - moment < _LONG_AGO:
        return ""
    minutes = int((now - moment).total_seconds() // 60)
    for name, length in (("day", 24 * 60), ("hour", 60), ("minute", 1)):
        if number := minutes // length:
            return text_for(words, f"ago_{name}") if number == 1 else text_for(words, f"ago_{name}s").format(number)
    return words["ago_now"]


_PAGES = Templates(
    loader=FileSystemLoader(HERE),
    autoescape=True,
    undefined=EmptyPart,
    finalize=_visible,
    trim_blocks=True,
    lstrip_blocks=True,
)
