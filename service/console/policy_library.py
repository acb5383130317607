"""
The loaded policies as the pages read them: provisions and instruments by their ids. Made once for the policies that decide, part by part as
pages ask for them.
"""

from collections.abc import Mapping
from functools import cached_property, lru_cache
from typing import Any

import engine
from service.policies.live import Live


class PolicyLibrary:
    """The policies of one bundle by their ids."""

    def __init__(self, bundle: engine.Bundle) -> None:
        self.bundle = bundle

    @cached_property
    def provisions(self) -> Mapping[str, Any]:
        """What a reader sees of each provision."""
        return {rule.provision.id: rule.provision for rule in self.bundle.rules.rules}

    @cached_property
    def instruments(self) -> Mapping[str, engine.Instrument]:
        """Each policy as its authors wrote it, by jurisdiction and then by name."""
        return {each.text.policy: each for each in engine.instruments(self.bundle)}


@lru_cache(maxsize=2)
def library_of(live: Live) -> PolicyLibrary:
    """The library of the live policies."""
    return PolicyLibrary(live.bundle)
