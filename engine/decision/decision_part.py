"""What all parts of a decision have in common: they are frozen, refuse other members, and use the same words for levels and truth."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import Literal

from pydantic import BaseModel, ConfigDict

from engine.rules import Truth

LevelWord = Literal[
    "not_applicable", "permitted", "permitted_with_obligations", "requirements_unmet", "review", "prohibited"
]  # fmt: skip
Outcome = Literal[
    "not_applicable", "permitted", "permitted_with_obligations", "requirements_unmet", "review", "prohibited", "undetermined"
]  # fmt: skip
TruthWord = Literal["yes", "no", "unknown"]
TRUTH_WORDS: Mapping[Truth, TruthWord] = MappingProxyType({Truth.NO: "no", Truth.UNKNOWN: "unknown", Truth.YES: "yes"})


class Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class BoundsPart(Part):
    """The mildest and the strictest outcome that are possible while facts are unknown."""

    lowest: LevelWord
    highest: LevelWord
