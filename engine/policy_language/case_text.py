"""Tests of policies as authors write them: a base exchange, and cases that change it."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import ConfigDict, Field, model_validator

from engine.policy_language.document_text import Day, DocumentText, Id, Prose, TruthWord, YesNo


class DutyOnDay(DocumentText):
    """A duty that a case expects, in its words, with its last day."""

    duty: str
    due: Day


class Expectation(DocumentText):
    """What a case expects of the decision; only what is written is compared."""

    outcome: str | None = None
    proceed: YesNo | None = None
    jurisdictions: dict[str, str] = {}
    instruments: dict[str, str] = {}
    applies: dict[str, TruthWord] = {}
    because: list[str] | None = None
    silent: list[str] | None = None
    beaten: list[str] | None = None
    requirements: dict[str, str] = {}
    duties: list[str | DutyOnDay] | None = None
    overdue: list[str] | None = None
    missing: list[str] | None = None
    not_modelled: list[str] | None = None
    conflicts: list[str] | None = None
    lanes: dict[str, Literal["open", "closed", "possible"]] = {}
    factor: dict[str, Any] = {}
    rests_on: list[str] | None = None
    define: dict[str, TruthWord] = {}

    @model_validator(mode="after")
    def _something(self) -> Expectation:
        # An empty list is an expectation only where the list is whole: `duties: []` says that there is none.
        whole = (self.duties, self.overdue, self.missing, self.not_modelled, self.conflicts)
        if all(each is None for each in whole) and not any(dict(self).values()):
            raise ValueError("the case expects nothing; name what it shows, such as a rule under `because`")
        return self


class CaseText(DocumentText):
    case: Prose
    as_of: Day | None = None
    change: dict[str, Any] = {}
    expect: Expectation


class TestText(DocumentText):
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
    as_of: Day
    exchange: dict[str, Any] = {}
    cases: list[CaseText] = Field(min_length=1)
