"""
The policies that decide now, and all that was made from them.

One value, replaced as a whole when policies are loaded anew: whoever reads it once a request never mixes two bundles.
"""

from dataclasses import dataclass
from typing import Self

import engine
from service.log.record import EngineVersion, PolicyDigests, RecordWriter


@dataclass(frozen=True, eq=False)
class Live:
    """A loaded bundle, the point that decides by it, and who writes its records."""

    bundle: engine.Bundle
    pdp: engine.PDP
    records: RecordWriter
    digests: PolicyDigests
    counting: engine.Counting

    @classmethod
    def of(cls, bundle: engine.Bundle, mode: str) -> Self:
        """A bundle, made ready to decide."""
        digests = PolicyDigests(meaning=bundle.digests.meaning, source=bundle.digests.source)
        records = RecordWriter(digests, EngineVersion(version=engine.__version__))
        return cls(bundle, engine.PDP(bundle, mode=mode), records, digests, engine.Counting(bundle))
