"""
The figures of a report: the decisions of a period go in; their numbers by outcome, by countries and by what refused come out.

Without a party and a jurisdiction the decisions of each outcome are counted in the index, all of them. Everything else is counted among
the newest decisions, and says of how many. To commit an exchange, it is decided again: that is no second decision.
"""

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime

import sqlalchemy as sa

import engine
from service.languages.words import wording
from service.ledger.committed_records import of_records
from service.log.daily_outcomes import PeriodOutcomes
from service.log.search import RecordRow
from service.log.word_counts import Word, required_by, words_of
from service.reports.report_document import Block, Column, Section, Table, cell
from service.reports.report_scope import Scope

MOST_COUNTED = 5_000  # decisions that are looked through, where nothing else is asked for
_REFUSALS = 500  # refused decisions whose words are counted
_PAIRS = 15
_REFUSING = 10
_REFUSE = ("prohibit", "review")  # the effects of provisions that refuse; one that requires refuses by its requirement


@dataclass(frozen=True, slots=True)
class Figures:
    """
    The figures of a period. `looked` are the newest records of its scope since a moment; `whole`: there are no more.

    `decisions` are those of them that are not decided again for a commitment. `outcomes` are of all decisions where `exact`, else of these.
    `refusing` counts words among `refusals` refused ones.
    """

    outcomes: Counter[str]
    exact: bool
    looked: Sequence[RecordRow]
    decisions: Sequence[RecordRow]
    since: datetime | None
    whole: bool
    refusing: Counter[Word]
    refusals: int


def read(
    connection: sa.Connection,
    scope: Scope,
    outcomes: PeriodOutcomes,
    today: date,
    bundle: engine.Bundle,
    most: int = MOST_COUNTED,
) -> Figures:
    """The figures of a scope, on a day; at most so many records are looked through."""
    looked = list(scope.decisions(connection, most + 1))
    whole = len(looked) <= most
    looked = looked[:most]
    since = looked[-1].recorded_at if looked else None
    looked = scope.touched(connection, looked, bundle)
    again = of_records(connection, [row.sequence for row in looked if row.proceed])
    decisions = [row for row in looked if row.sequence not in again]
    refused = [row.sequence for row in looked if not row.proceed][:_REFUSALS]
    exact = not (scope.party or scope.jurisdiction)
    query = scope.query
    if exact and query.since is not None and query.until is not None:
        counted = outcomes.counts(connection, query.since, query.until, today)
    else:
        counted = Counter(row.outcome for row in decisions)
    refusing = words_of(connection, refused, ("provision", "requirement"), required_by(bundle))
    return Figures(counted, exact or whole, looked, decisions, since, whole, refusing, len(refused))


def section(found: Figures, bundle: engine.Bundle, lang: str) -> Section:
    """The figures as a section."""
    words = wording(lang).reports
    total = f"{found.outcomes.total():,}"
    blocks: list[Block] = [words["figures_whole"].format(total)] if found.exact else []
    if not found.whole and found.since is not None:
        blocks.append(words["figures_sampled"].format(f"{len(found.decisions):,}", in_utc(found.since)))
    if found.outcomes.total():
        blocks += [_outcomes(found, lang), _pairs(found, bundle, lang)]
    if found.refusing:
        blocks += [words["refusals_of"].format(f"{found.refusals:,}"), _refusing(found, bundle, lang)]
    return Section("figures", words["part_figures"], tuple(blocks))


def _outcomes(found: Figures, lang: str) -> Table:
    words, language = wording(lang).reports, engine.LANGUAGES[lang]
    known = language.codes["outcome"]
    codes = [*(code for code in known if found.outcomes[code]), *sorted(found.outcomes.keys() - known.keys())]
    rows = [(cell(language.word("outcome", code)), cell(f"{found.outcomes[code]:,}")) for code in codes]
    return Table(words["by_outcome"], (Column(words["outcome"], width=3), Column(words["decisions"], number=True)), rows)


def _pairs(found: Figures, bundle: engine.Bundle, lang: str) -> Table:
    words = wording(lang).reports
    book = engine.Phrasebook(bundle, engine.LANGUAGES[lang])
    pairs = Counter((row.exporter_country or "", row.recipient_country or "") for row in found.decisions)
    refused = Counter((row.exporter_country or "", row.recipient_country or "") for row in found.decisions if not row.proceed)
    listed = sorted(pairs.items(), key=lambda each: (-each[1], each[0]))
    rows = [
        (
            *(cell(book.place(place) if place else words["not_stated"]) for place in pair),
            cell(f"{count:,}"),
            cell(f"{refused[pair]:,}"),
        )
        for pair, count in listed[:_PAIRS]
    ]
    columns = (
        Column(words["from"], width=3),
        Column(words["to"], width=3),
        Column(words["decisions"], number=True),
        Column(words["refused"], number=True),
    )
    return Table(words["by_pair"], columns, rows, and_more(len(listed) - len(rows), lang))


def _refusing(found: Figures, bundle: engine.Bundle, lang: str) -> Table:
    words = wording(lang).reports
    lines = list(_refusing_lines(found, bundle, lang))
    rows = [(cell(title), cell(kind), cell(f"{count:,}")) for title, kind, count in lines[:_REFUSING]]
    columns = (Column(words["provision"], width=6), Column(words["kind"], width=2), Column(words["decisions"], number=True))
    return Table(words["by_refusal"], columns, rows, and_more(len(lines) - len(rows), lang))


def _refusing_lines(found: Figures, bundle: engine.Bundle, lang: str) -> Iterator[tuple[str, str, int]]:
    """What refuses, by its title, with the word for how, and in how many decisions."""
    language = engine.LANGUAGES[lang]
    book = engine.Phrasebook(bundle, language)
    provisions = {rule.provision.id: rule for rule in reversed(bundle.rules.rules) if rule.effect in _REFUSE}
    for (kind, name), count in sorted(found.refusing.items(), key=lambda each: (-each[1], each[0])):
        if kind == "requirement":
            known = bundle.rules.requirements.get(name)
            yield (known.title.in_(lang) if known else name), language.word("effect", "require"), count
        elif (rule := provisions.get(name)) is not None:
            title = rule.provision.title.in_(lang)
            yield book.cited(title, rule.provision) if title else name, language.word("effect", rule.effect), count


def and_more(count: int, lang: str) -> str:
    """How many rows of a table are not shown; empty where all are."""
    return wording(lang).reports["and_more"].format(f"{count:,}") if count > 0 else ""


def in_utc(moment: datetime) -> str:
    """A moment to the minute, for a cell of a table."""
    return moment.astimezone(UTC).strftime("%Y-%m-%d %H:%M")
