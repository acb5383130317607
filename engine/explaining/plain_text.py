"""
A decision as plain text, for a person at a desk, in one language.

Turns the decision document into titled sections of lines. The sentences of a decision are already in its language; titles and the
words for codes come from `engine.languages`.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Any

from engine.bundle import Bundle
from engine.decision import (
    Decision,
    DisputedPart,
    EvidencePart,
    JurisdictionPart,
    NeedPart,
    NotModelledPart,
    ReachPart,
    ReasonPart,
    SettlementPart,
    StatementPart,
    WaysPart,
)
from engine.explaining.phrasebook import Phrasebook
from engine.languages import ENGLISH, Language

WIDTH = 110  # columns of a line; a Chinese character takes two


class PlainText:
    """
    Writes decisions in one language.

    With the bundle that decided, values and names are shown by their titles; without it they are shown as they are in the decision.
    """

    def __init__(self, language: Language = ENGLISH, bundle: Bundle | None = None) -> None:
        self.language = language
        self._book = Phrasebook(bundle, language) if bundle else None

    def proceed(self, decision: Decision) -> str:
        """Whether the exchange may proceed, in one to three words."""
        return self.language.word("proceed", "yes" if decision.proceed else "no")

    def outcome(self, decision: Decision) -> str:
        """The outcome and the day whose law counts."""
        return self.language.outcome_line(decision.outcome, decision.bounds, decision.as_of)

    def sections(self, decision: Decision) -> Iterator[tuple[str, list[str]]]:
        """The sections of a decision that are not empty, each with its title."""
        say, factor, coverage = self.language, decision.factor, decision.coverage
        elsewhere = set(decision.elsewhere.places) if decision.elsewhere else set()
        line = [decision.elsewhere.says] if decision.elsewhere else []
        found = {
            "jurisdictions": [
                *(
                    told
                    for each in decision.jurisdictions
                    if each.jurisdiction not in elsewhere
                    for told in self._jurisdiction(each)
                ),
                *line,
            ],
            "why": [told for each in decision.reasons if each.jurisdiction not in elsewhere for told in self._reason(each)],
            "beaten": [say.beaten_line(part) for part in decision.beaten],
            "requirements": [say.requirement_line(part) for part in decision.requirements],
            "ways": [line for part in decision.ways or () for line in self._ways(part)],
            "duties": [say.duty_line(part) for part in decision.duties],
            "rests_on": list(self._statements(decision.rests_on or ())),
            "missing": [say.tested(part.question, part.fact) for each in decision.missing[:1] for part in each.facts],
            "carried": [say.carried_line(part) for part in decision.carried or ()],
            "disputed": [self._disputed(part) for part in decision.disputed or ()],
            "conflicts": [part.text for part in decision.conflicts],
            "advice": [say.advice_line(part) for part in decision.advice],
            "lanes": [say.lane_line(part) for part in factor.lanes],
            "computed": [
                say.account_line(group.title, line.title, line.says)
                for group in factor.computed.values()
                for line in group.lines
            ],
            "account": [
                say.account_line(self._account(account), line.title, self._value(line.fact, line.value))
                for account, lines in factor.account.items()
                for line in lines.values()
                if line.value is not None
            ],
            "settlement": self._settlement(factor.settlement),
            "gaps": [self._gap(part) for part in coverage.not_modelled],
            "reach": [self._reach(part) for part in coverage.reach],
            "notes": coverage.notes,
            "engines": [say.engines_line(decision.engine, decision.bundle.meaning[:12])],
        }
        yield from ((say.sections[name], lines) for name, lines in found.items() if lines)

    def filled(self, text: str, first: str = "", rest: str = "") -> str:
        """A text in lines of at most WIDTH columns; `first` is put before the first line, `rest` before the others."""
        return "\n".join(wrap(text, first, rest))

    def _jurisdiction(self, part: JurisdictionPart) -> Iterator[str]:
        """A jurisdiction, and the instruments that weigh in it where there are several, or where one differs from the whole."""
        yield self.language.jurisdiction_line(part)
        if len(part.instruments) > 1 or any(each.outcome != part.outcome for each in part.instruments):
            yield from (f"    {self.language.instrument_line(each)}" for each in part.instruments)

    def _ways(self, part: WaysPart) -> Iterator[str]:
        """The ways to a requirement, or out of a prohibition."""
        yield self.language.headed(part.title, part.says) if part.says else part.title
        for way in part.ways:
            yield f"    {self.language.means_line(way, _lacking(way.needs))}"

    def _reason(self, part: ReasonPart) -> Iterator[str]:
        yield self.language.reason_line(part)
        tests = [self._test(each) for each in part.evidence if each.truth == "yes"]
        if tests:
            yield "    " + self.language.because_line(tests)

    def _settlement(self, part: SettlementPart | None) -> list[str]:
        """The amounts of a price, or the reason why there are none."""
        if part is None:
            return []
        lines = [self.language.account_line(each.title, each.share, f"{each.amount} {part.currency}") for each in part.lines]
        return lines or [part.says]

    def _test(self, part: EvidencePart) -> str:
        """A test, followed by the value that was sent unless the test itself shows it."""
        if part.value is None or isinstance(part.value, bool):
            return part.test
        value = self._value(part.fact, part.value)
        said = re.search(rf"(?<![0-9A-Za-z,]){re.escape(value)}(?![0-9A-Za-z]|,[0-9])", part.test)
        return part.test if said else self.language.tested(part.test, value)

    def _disputed(self, part: DisputedPart) -> str:
        value = self.language.contradiction(*(self._value(part.fact, each) for each in (part.stated, part.registered)))
        title = self._book.title(part.fact) if self._book else part.fact
        return self.language.disputed_line(part.kind, part.entity, part.version, title, value)

    def _gap(self, part: NotModelledPart) -> str:
        place, subject = part.country, part.subject
        if self._book:
            place = "" if place == "unknown" else self._book.place(place)
            subject = "" if subject == "all" else self._book.subject(subject)
        return self.language.gap_line(place, subject, part)

    def _statements(self, parts: Sequence[StatementPart]) -> Iterator[str]:
        """What a reader would want proven, and the number of the ordinary facts."""
        ordinary = sum(part.ordinary for part in parts)
        for part in parts:
            if not part.ordinary:
                yield self.language.statement_line(self._book.statement(part.fact) if self._book else part.fact, part)
        if ordinary:
            yield self.language.ordinary_facts(ordinary)

    def _reach(self, part: ReachPart) -> str:
        place, subject = part.country, part.subject
        if self._book:
            place, subject = "" if place == "unknown" else self._book.place(place), self._book.subject(subject)
        return self.language.reach_line(place, subject, part.certain)

    def _account(self, name: str) -> str:
        return self._book.account(name) if self._book else name

    def _value(self, fact: str, value: Any) -> str:
        if value is not None and self._book:
            return self._book.told(fact, value)
        return self.language.as_sent(value)


def _lacking(tree: NeedPart | None) -> list[str]:
    """What part of a way lacks or leaves unknown; of alternatives, of which it lacks least."""
    if tree is None or tree.state == "have":
        return []
    if tree.any_of is not None:
        return min(map(_lacking, tree.any_of), key=len)
    if tree.all_of is not None:
        return list(dict.fromkeys(text for each in tree.all_of for text in _lacking(each)))
    return [tree.says or ""]


def wrap(text: str, first: str, rest: str) -> Iterator[str]:
    """Lines no wider than WIDTH. Chinese text breaks anywhere but before punctuation; words in letters are kept whole."""
    line, width = first, len(first)
    for piece in _pieces(text.rstrip().replace("\n", " ")):
        wide = _width(piece)
        if width + wide > WIDTH and line.strip():
            yield line.rstrip()
            line, width, piece = rest, len(rest), piece.lstrip()
            wide = _width(piece)
        line, width = line + piece, width + wide
    yield line.rstrip()


def _pieces(text: str) -> Iterator[str]:
    """The pieces of a text that a line break may not divide."""
    piece = ""
    for before, after in zip(text, [*text[1:], ""], strict=True):
        piece += before
        closes = after in "，。；：、？！）》”］…—" if after else True
        word = not _wide(before) and not _wide(after) and not before.isspace()
        if (not closes and not word and before not in "（《“［—") or not after:
            yield piece
            piece = ""


def _width(text: str) -> int:
    return sum(2 if _wide(character) else 1 for character in text)


def _wide(character: str) -> bool:
    return bool(character) and unicodedata.east_asian_width(character) in "WF"
