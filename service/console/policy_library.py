"""
The loaded policies as the pages read them: made once for the policies that decide, part by part as pages ask for them.

Reading a policy's file again takes a moment, so only those that were asked for last are kept in memory.
"""

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from typing import Any

import engine
from service.policies.live import Live

MOST_READ = 24  # policies, each in one language


@dataclass(frozen=True, slots=True)
class PolicySummary:
    """A policy in short. `marks` counts its provisions by how sure they are."""

    id: str
    jurisdiction: str
    title: Any
    force: str
    provisions: int
    marks: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class PolicyBrief:
    """A policy as a brief: what stands before its provisions, and each provision by its id, in Markdown; and as it was written."""

    written: engine.Instrument
    head: str
    provisions: tuple[tuple[str, str], ...]


class PolicyLibrary:
    """The policies of one bundle by their ids."""

    def __init__(self, bundle: engine.Bundle) -> None:
        self.bundle = bundle
        self.brief = lru_cache(maxsize=MOST_READ)(self._brief)
        self.cases = lru_cache(maxsize=MOST_READ)(self._cases)

    @cached_property
    def provisions(self) -> Mapping[str, Any]:
        """What a reader sees of each provision."""
        return {rule.provision.id: rule.provision for rule in self.bundle.rules.rules}

    @cached_property
    def effects(self) -> Mapping[str, str]:
        """The effect of each provision; of one that exempts beside another effect, that other one."""
        found: dict[str, str] = {}
        for rule in self.bundle.rules.rules:
            if found.get(rule.provision.id, "exempts") == "exempts":
                found[rule.provision.id] = rule.effect
        return found

    @cached_property
    def policies(self) -> Mapping[str, PolicySummary]:
        """Every policy in short, by jurisdiction and then by name."""
        by_policy: dict[str, list[Any]] = {}
        for provision in self.provisions.values():
            by_policy.setdefault(provision.policy, []).append(provision)
        found = [
            PolicySummary(
                id, some[0].jurisdiction, some[0].instrument, some[0].force, len(some), Counter(each.status for each in some)
            )
            for id, some in by_policy.items()
        ]
        return {each.id: each for each in sorted(found, key=lambda each: (each.jurisdiction, each.id))}

    def _brief(self, policy: str, lang: str) -> PolicyBrief | None:
        written = engine.instrument(self.bundle, policy)
        if written is None:
            return None
        head, provisions = engine.brief_parts(self.bundle, written, lang)
        return PolicyBrief(written, head.partition("\n\n- ")[1][2:] + head.partition("\n\n- ")[2], provisions)

    def _cases(self, policy: str) -> Sequence[engine.WrittenCase]:
        return engine.written_cases(self.bundle, policy)


@lru_cache(maxsize=2)
def library_of(live: Live) -> PolicyLibrary:
    """The library of the live policies."""
    return PolicyLibrary(live.bundle)
