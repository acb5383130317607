"""
The policies that decide now, and all that was made from them.

One value, replaced as a whole when policies are loaded anew: whoever reads it once a request never mixes two bundles.
"""

from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import engine
from service.log.record import Digests, EngineVersion, RecordWriter
from service.settings import SettingRefused, Settings


@dataclass(frozen=True, eq=False)
class Live:
    """A loaded bundle, the point that decides by it, and who writes its records."""

    bundle: engine.Bundle
    pdp: engine.PDP
    records: RecordWriter
    digests: Digests

    @classmethod
    def load(cls, settings: Settings) -> Self:
        """Load the policies of the settings. Raises engine.BundleRefused, SettingRefused."""
        if settings.mode not in engine.MODES:
            raise SettingRefused(f"there is no mode `{settings.mode}`; use one of {', '.join(engine.MODES)}")
        policies: Path = settings.policies or engine.bundled_policies()
        try:
            bundle = engine.load(policies, engine.Settings(trust=settings.trust, norms=settings.norms))
        except OSError as refused:
            raise SettingRefused(f"the policies `{policies}` cannot be read: {refused.strerror or refused}") from None
        return cls.of(bundle, settings.mode)

    @classmethod
    def of(cls, bundle: engine.Bundle, mode: str) -> Self:
        """A bundle, made ready to decide."""
        digests = Digests(meaning=bundle.digests.meaning, source=bundle.digests.source)
        records = RecordWriter(digests, EngineVersion(version=engine.__version__))
        return cls(bundle, engine.PDP(bundle, mode=mode), records, digests)


@dataclass
class Policies:
    """Holds what is live."""

    live: Live = field()
