"""The pairs of exchanges that come with the live policies, read once: the live policies go in, each pair by its provision comes out."""

from collections.abc import Mapping
from functools import lru_cache

import engine
from service.policies.live import Live


@lru_cache(maxsize=2)
def pairs_of(live: Live) -> Mapping[str, engine.CasePair]:
    """The pairs whose provision is among the live policies, by jurisdiction and then by name."""
    known = {rule.provision.id: rule.provision.jurisdiction for rule in live.bundle.rules.rules}
    found = {pair.of: pair for pair in engine.written_pairs(live.bundle) if pair.of in known}
    return {of: found[of] for of in sorted(found, key=lambda of: (known[of], of))}
