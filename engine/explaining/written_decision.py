"""
A written decision: the JSON of its document, and the typed values that recording and answering need.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import date
from json.encoder import encode_basestring as quote
from typing import Self

from engine.deciding.judgement import Judgement
from engine.deciding.rests_on import Statement
from engine.decision import (
    CarriedPart,
    ConflictPart,
    Decision,
    DisputedPart,
    DutyPart,
    EnginePart,
    MissingPart,
    Outcome,
    QuestionPart,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class WrittenDecision:
    """
    A written decision.

    `members` are the JSON of each member of the document, in the order of the document; `lang` is the language of its sentences.
    `answer`, `hypothetical`, `duties`, `conflicts`, `carried`, `disputed` and `missing` hold the same values as the members of these
    names.

    Of an answer that permits, `rests_on` are the statements that it gives, `also_rests_on` the names of others, and `further` counts those
    that it does not give or name, as its `more`.

    `verdict` is the verdict of an answer in compact form, as JSON, for its record. `judgement` is what the decision was written from.
    `signable` are the provisions that a person may sign off, those signed off included.

    `named` are the names by which a log is searched: "jurisdiction" (those whose law applies, or may), "provision" (standing for
    certain), "requirement" (required, and not met for certain), "missing" (facts asked for), "category" (of data), "exporter" and
    "recipient" (ids, which may be personal), "exporter_country" and "recipient_country".

    INVARIANT (canonical members): every member is in the canonical form of RFC 8785. The document is therefore in that form once its
    members are sorted, and nothing needs to be written twice.
    """

    id: str
    as_of: date
    hypothetical: bool
    proceed: bool
    outcome: Outcome
    answer: str
    lang: str
    engine: EnginePart
    duties: tuple[DutyPart, ...]
    conflicts: tuple[ConflictPart, ...]
    carried: tuple[CarriedPart, ...]
    disputed: tuple[DisputedPart, ...]
    missing: tuple[MissingPart, ...]
    signable: tuple[str, ...]
    named: Mapping[str, tuple[str, ...]]
    members: Mapping[str, str]
    judgement: Judgement
    verdict: str = ""
    rests_on: tuple[Statement, ...] = ()
    also_rests_on: tuple[str, ...] = ()
    further: Mapping[str, int] = field(default_factory=dict)

    @property
    def asked(self) -> tuple[QuestionPart, ...]:
        """The next questions of an answer, or of a whole decision the questions of its first list."""
        return tuple(self.missing[0].facts) if self.missing else ()

    def under(self, id: str) -> Self:
        """The same decision under another id."""
        return replace(self, id=id, members={**self.members, "id": quote(id)})

    def json(self) -> str:
        """The document, with its members in their own order."""
        return "{" + ",".join(f'"{name}":{text}' for name, text in self.members.items()) + "}"

    def canonical(self) -> str:
        """The document in the canonical form of RFC 8785."""
        return "{" + ",".join(f'"{name}":{self.members[name]}' for name in sorted(self.members)) + "}"

    def document(self) -> Decision:
        """The document as a model."""
        return Decision.model_validate_json(self.json())
