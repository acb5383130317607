"""
The provisions of the policies that decide, searched: words in, the provisions that have all of them out, in the order of the policies.

A word is looked for in what a reader sees of a provision, in every language: its id, titles, citation, what it says and its instrument.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from service.policies.live import Live


@dataclass(frozen=True, slots=True)
class ListedProvision:
    """A provision with its effect, and the text in which words are looked for. `shown` is what a reader sees of it."""

    shown: Any
    effect: str
    text: str


@lru_cache(maxsize=2)
def _listed(live: Live) -> Sequence[ListedProvision]:
    """Every provision once. Of one that exempts beside another effect, the other one is told."""
    effects: dict[str, str] = {}
    shown: dict[str, Any] = {}
    for rule in live.bundle.rules.rules:
        name = rule.provision.id
        shown[name] = rule.provision
        if effects.get(name, "exempts") == "exempts":
            effects[name] = rule.effect
    places: dict[str, list[str]] = {}
    for name, each in shown.items():
        places.setdefault(each.policy, []).append(name)
    return [ListedProvision(shown[name], effects[name], _text(shown[name])) for some in places.values() for name in some]


def search(live: Live, words: str, jurisdiction: str | None, policy: str | None) -> Iterator[ListedProvision]:
    """The provisions that have every word, of one jurisdiction or of one policy if it is named."""
    wanted = words.casefold().split()
    for each in _listed(live):
        if jurisdiction not in (None, each.shown.jurisdiction) or policy not in (None, each.shown.policy):
            continue
        if all(word in each.text for word in wanted):
            yield each


def _text(shown: Any) -> str:
    words = (shown.title, shown.citation, shown.says, shown.instrument)
    return "\n".join(
        [shown.id, shown.jurisdiction, *(text for each in words for text in (each.en, each.zh) if text)]
    ).casefold()
