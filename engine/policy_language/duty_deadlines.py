"""Duties as authors write them to duties with their last days (semantics 3.6)."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from engine.policy_language.conditions import Conditions
from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.document_text import DutyText
from engine.policy_language.operators import Use
from engine.policy_language.tree import Mapping, Node, Scalar, locate
from engine.policy_language.tree import Sequence as ListNode
from engine.policy_language.vocabulary import Vocabulary
from engine.rules import AS_OF, Due, Duty, Earliest, OnDate, OnDay, Period
from engine.values import BadValue, read_date, read_day_of_year, read_duration
from engine.values.multilingual import NO_WORDS
from engine.values.outcome_levels import Level

DUE_ANCHORS = ("exchanged_at", "decided_on")
T = TypeVar("T")


class Duties:
    """Lowers the duties of rules and of requirements."""

    def __init__(self, vocabulary: Vocabulary, conditions: Conditions, findings: Findings) -> None:
        self.vocabulary = vocabulary
        self.conditions = conditions
        self.findings = findings

    def lower(self, key: str, text: DutyText, node: Node, policy: str) -> Duty:
        done = node.get("done_when") if isinstance(node, Mapping) else None
        return Duty(
            key=key,
            text=text.duty.words,
            who=text.who,
            cite=text.cite.words if text.cite else NO_WORDS,
            due=self._due(locate(node, ("due",))[0]) if text.due is not None else None,
            done_when=self.conditions.lower(done, policy, Use.LIFTS) if done else None,
            overdue=Level[text.overdue.upper()],
            keep=text.keep or "",
            arises=text.arises,
        )

    def _due(self, node: Node) -> Due | None:
        """A last day (semantics 3.6); None where it is refused."""
        parts = {key.text: value for key, value in node.entries} if isinstance(node, Mapping) else {}
        match parts:
            case {"within": Scalar() as within, "after": Scalar() as after} if len(parts) == 2:
                length = self._read(within, read_duration)
                anchor = self._anchor(after)
                if length is None:
                    return None
                self.conditions.tests.known_calendar(length, within.span)
                return Period(length, anchor)
            case {"on": Scalar() as on, "after": Scalar() as after} if len(parts) == 2:
                anchor = self._anchor(after)
                day = self._read(on, read_day_of_year)
                return OnDay(*day, anchor) if day else None
            case {"on": Scalar() as on} if len(parts) == 1:
                written = self._read(on, read_date)
                return OnDate(written) if written else None
            case {"earliest_of": ListNode(items=items)} if len(parts) == 1 and len(items) > 1:
                return Earliest(tuple(due for due in map(self._due, items) if due))
        self.findings.error(
            node.span,
            "bad-due",
            "`due` does not say the last day in a known way",
            help="write `{within: 10 days, after: evidence.KIND.dated}`, `{on: 1 March, after: FACT}`, `{on: 2026-03-01}` or"
            " `{earliest_of: […]}` with two or more of these",
        )
        return None

    def _read(self, scalar: Scalar, read: Callable[[str], T]) -> T | None:
        try:
            return read(scalar.text)
        except BadValue as bad:
            self.findings.error(scalar.span, "bad-value", str(bad), help=bad.help)
            return None

    def _anchor(self, after: Scalar) -> str:
        """The date that a last day is counted from."""
        if after.text in DUE_ANCHORS:
            return AS_OF
        type = self.vocabulary.type_of(after.text)
        if type is None or type.kind != "date":
            self.findings.error(
                after.span,
                "unknown-fact",
                f"`{after.text}` is not a date of an exchange",
                help=did_you_mean(after.text, [*self.vocabulary.names(), *DUE_ANCHORS]),
            )
        return after.text
