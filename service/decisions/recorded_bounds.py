"""
The bounds that records say, compared with those of the lanes, hundreds of records in a pass.

Records that the same policies decided go in. Out come those that lanes can decide, each with whether they come to the same outcome and to
the same bounds, overall and in each jurisdiction. Lanes are not asked about a record with erased values, approvals, shown documents,
conditions that came with the data, disputed facts or engines that disagreed, nor about one whose parts contradict each other.
"""

from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import date
from hashlib import sha256
from typing import Any

import engine
from service.decisions.replay import CannotReplay, Deciders, reopened_exchange
from service.log.leaf import erased
from service.log.store import Stored

LEVELS = {each.word: each for each in engine.Level}
PERMITS = (engine.Level.PERMITTED.word, engine.Level.PERMITTED_WITH_OBLIGATIONS.word)
OVERALL = ""  # the name of the bounds over all jurisdictions


@dataclass(frozen=True, slots=True)
class ReplaySample:
    """Which records are decided again although lanes agree with them: one in `one_in`, chosen by a seed and the number of the record."""

    seed: int
    one_in: int

    def has(self, number: int) -> bool:
        """Whether the record of a number is among them."""
        return int.from_bytes(sha256(f"{self.seed} {number}".encode()).digest()[:8]) % self.one_in == 0


def agreeing(records: Sequence[Stored], deciders: Deciders) -> dict[int, bool]:
    """By the number of each record that lanes can decide: whether they come to what it says."""
    numbers: list[int] = []
    exchanges: list[tuple[engine.Exchange, date]] = []
    said: list[Mapping[str, engine.Bounds]] = []
    pdp: engine.PDP | None = None
    for stored in records:
        with suppress(CannotReplay, engine.ExchangeRefused, LookupError, TypeError, ValueError, AttributeError):
            if erased(stored.entry.openings):
                continue
            again = reopened_exchange(stored, deciders)
            bounds = _said(again.record)
            if bounds is None or again.signed or again.exchange.carried or again.exchange.disputed:
                continue
            pdp = again.pdp
            numbers.append(stored.sequence)
            exchanges.append((again.exchange, again.as_of))
            said.append(bounds)
    if pdp is None:
        return {}
    others = set(pdp.differing(exchanges, said))
    return {number: place not in others for place, number in enumerate(numbers)}


def _said(record: Mapping[str, Any]) -> dict[str, engine.Bounds] | None:
    """The bounds that a record says, by jurisdiction and overall; None where its parts contradict each other, or lanes cannot tell."""
    decision = record["decision"]
    bounds = {name: engine.Bounds(LEVELS[low], LEVELS[high]) for name, (low, high) in record["verdict"]["bounds"].items()}
    told = [(OVERALL, decision["outcome"], decision["bounds"])]
    told += [(each["jurisdiction"], each["outcome"], each.get("bounds")) for each in decision["jurisdictions"]]
    consistent = all(
        outcome == engine.outcome_word(bounds[name])
        and (ends is None or ends == {"lowest": bounds[name].low.word, "highest": bounds[name].high.word})
        for name, outcome, ends in told
    )
    proceeds = decision["outcome"] in PERMITS and not decision["hypothetical"]
    sound = consistent and decision["proceed"] is proceeds and decision["as_of"] == record["as_of"]
    return bounds if sound and decision["engine"]["agreed"] and not record.get("shown") else None
