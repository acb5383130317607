"""
The policies that decide now, and everything that was made from them.

This is one value, which a reload replaces as a whole. A request that reads it only once never mixes two bundles.
"""

from dataclasses import dataclass, replace
from typing import Self

import engine
from service.log.record import EngineVersion, PolicyDigests, RecordWriter
from service.policies.decision_cache import DecisionCache


@dataclass(frozen=True, eq=False)
class Live:
    """
    A loaded bundle, its decision point, the answers that it gave, the writer of its records, its digests, its counting, its
    flows and its shares.

    `persons` must sign each provision off, and more where its author asks for more.
    """

    bundle: engine.Bundle
    pdp: engine.PDP
    decisions: DecisionCache
    records: RecordWriter
    digests: PolicyDigests
    counting: engine.BundleCounters
    flows: engine.Flows
    shares: engine.ShareCounts
    persons: int = 1

    @classmethod
    def of(cls, bundle: engine.Bundle, mode: str, persons: int = 1) -> Self:
        """A bundle, made ready to decide."""
        bundle.reader.make_ready()
        digests = PolicyDigests(meaning=bundle.digests.meaning, source=bundle.digests.source)
        records = RecordWriter(digests, EngineVersion.of_this_one())
        pdp = engine.PDP(bundle, mode=mode)
        counting = engine.BundleCounters(bundle)
        of_ledger = counting, engine.Flows(bundle), engine.ShareCounts(bundle, counting)
        return cls(bundle, pdp, DecisionCache(), records, digests, *of_ledger, persons)

    def noted(self, leaf: int) -> Self:
        """The same, whose records say at which leaf it was noted in the log that it decides."""
        return replace(self, records=RecordWriter(self.digests, EngineVersion.of_this_one(), leaf))
