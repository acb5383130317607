"""Tests of policies as authors write them: a base exchange, and cases that change it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from engine.policy_language.document_text import Day, DocumentText, FileText, Id, Prose, TruthWord, YesNo


class DutyOnDay(DocumentText):
    """A duty that a case expects, in its words, with its last day."""

    duty: str
    """The duty, in its words."""
    due: Day
    """Its last day."""


class Expectation(DocumentText):
    """What a case expects of the decision; only what is written is compared."""

    outcome: str | None = None
    """The outcome over all jurisdictions."""
    proceed: YesNo | None = None
    """Whether the exchange may happen."""
    jurisdictions: dict[str, str] = {}
    """The outcome in each."""
    instruments: dict[str, str] = {}
    """What each instrument makes of the exchange by itself, by policy."""
    applies: dict[str, TruthWord] = {}
    """Whether policies apply: `yes`, `no` or `unknown`."""
    because: list[str] | None = None
    """Rules that certainly stand."""
    silent: list[str] | None = None
    """Rules that certainly do not stand although their policy applies."""
    beaten: list[str] | None = None
    """Rules that would hold, but are exempted."""
    requirements: dict[str, str] = {}
    """The state of each: `met`, `unmet`, `unknown`, `doubtful`."""
    duties: list[str | DutyOnDay] | None = None
    """Every duty that is owed, in its words; with its last day as `{duty: …, due: …}`. `[]` for none."""
    overdue: list[str] | None = None
    """Every duty that is overdue, in its words; `[]` for none."""
    missing: list[str] | None = None
    """Every fact that is asked for; `[]` for none."""
    not_modelled: list[str] | None = None
    """Every country, or `country:subject`, that no policy covers; `[]` for none."""
    conflicts: list[str] | None = None
    """The provisions that conflict; `[]` for none."""
    lanes: dict[str, Literal["open", "closed", "possible"]] = {}
    """The state of each: `open`, `closed`, `possible`."""
    factor: dict[str, Any] = {}
    """Lines of the account, as `part.line`."""
    rests_on: list[str] | None = None
    """Statements on which the permit rests, perhaps among others."""
    define: dict[str, TruthWord] = {}
    """Definitions, as `policy/name`: `yes`, `no` or `unknown`."""

    @model_validator(mode="after")
    def _something(self) -> Expectation:
        # An empty list is an expectation only where the list is whole: `duties: []` says that there is none.
        whole = (self.duties, self.overdue, self.missing, self.not_modelled, self.conflicts)
        if all(each is None for each in whole) and not any(dict(self).values()):
            raise ValueError("the case expects nothing; name what it shows, such as a rule under `because`")
        return self


class PairText(DocumentText):
    """Two cases, one after the other, whose answers differ because of a provision; of context there is one case."""

    of: str
    """The provision, as `policy/rule`."""
    differs: Literal["outcome", "duty", "lane", "advice", "context"]
    """What of the answer differs. `context`: nothing does, and the case shows what stands beside the answer."""


class CaseText(DocumentText):
    case: Prose
    """What the case shows, as a sentence."""
    pair: PairText | None = None
    """The provision for which the case is one of a pair."""
    as_of: Day | None = None
    """The day whose law counts, where it is not the day of the file."""
    change: dict[str, Any] = {}
    """Facts that differ from the exchange above; `left out` removes a fact."""
    expect: Expectation
    """What the decision must say. Only what is named here is compared."""


class TestText(FileText):
    """A base exchange and cases that change it. In `change`, the text `left out` removes a fact."""

    __test__ = False  # not a pytest class
    model_config = ConfigDict(
        json_schema_extra={
            "$id": "urn:fifthfactor:test:1",
            "examples": [
                {
                    "test": "xx.export",
                    "as_of": "2026-11-24",
                    "exchange": {"exporter.country": "CN", "data.personal": "yes"},
                    "cases": [{"case": "Personal data need a contract", "expect": {"because": ["art-1"]}}],
                }
            ],
        }
    )

    test: Id
    """The policy under test. In this file, its rules may be named without it."""
    as_of: Day
    """The day whose law counts."""
    exchange: dict[str, Any] = {}
    """The facts that every case begins with."""
    cases: list[CaseText] = Field(min_length=1)
    """Each case changes something and says what the decision must then say."""
