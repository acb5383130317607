"""
The pairs of cases in the test files of a bundle: the bundle goes in, and each provision comes out with the two exchanges whose answers
differ because of it, as their author wrote them. Of a provision that only stands beside the answer there is one exchange.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Any

from engine.authoring.testing import flat_document
from engine.bundle import Bundle
from engine.policy_language.case_text import Expectation, PairText, TestText
from engine.policy_language.diagnostic import Findings
from engine.policy_language.read_document import read_model

_NAMES_ONE = b"\n    pair:"


@dataclass(frozen=True, slots=True)
class PairedCase:
    """One exchange of a pair: what it shows, its facts as written and as JSON, its day, and what the answer must say."""

    case: str
    as_of: date
    facts: Mapping[str, Any]
    exchange: Mapping[str, Any]
    expect: Expectation


@dataclass(frozen=True, slots=True)
class CasePair:
    """The exchanges of one provision: the one in which it counts, and the one in which it does not."""

    file: str
    of: str
    differs: str
    cases: tuple[PairedCase, ...]

    @property
    def apart(self) -> Sequence[str]:
        """The facts in which the two exchanges differ."""
        first, last = self.cases[0].facts, self.cases[-1].facts
        return [fact for fact in {**first, **last} if first.get(fact) != last.get(fact)]


def written_pairs(bundle: Bundle) -> list[CasePair]:
    """
    Every pair of the test files of a bundle, in their order. None is decided.

    They are read from the bytes of the bundle, so it may have been loaded without its tests.
    """
    found: dict[tuple[str, PairText], list[PairedCase]] = {}
    for file, data in bundle.sources.items():
        node = bundle.test(file) if _NAMES_ONE in data else None
        text = read_model(TestText, node, Findings()) if node is not None else None
        for case in text.cases if text else ():
            if text and case.pair:
                facts = {**text.exchange, **case.change}
                paired = PairedCase(case.case, case.as_of or text.as_of, facts, flat_document(bundle, facts), case.expect)
                found.setdefault((file, case.pair), []).append(paired)
    return [CasePair(file, pair.of, pair.differs, tuple(cases)) for (file, pair), cases in found.items()]
