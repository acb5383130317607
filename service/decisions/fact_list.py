"""
The facts that an exchange may state, as a caller asks for them: all of the vocabulary, or those that matter for one exchange.

An entry is the JSON of a fact of the vocabulary. For one exchange it says its `state`: first come those that are open, the best to ask
for first, then those that the exchange has. A caller who may not read the register is not told what only the register states.
"""

from collections.abc import Collection, Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import engine
from service.callers.context import Evaluating, Reading
from service.decisions.replay import Replayer
from service.log.record import PolicyDigests
from service.policies.live import Live


class AskingForRecorded(Reading, scope="evaluate", of_party=True, also=("read",)):
    """Asks what matters for the exchange of a decision, so reads the decision."""


@dataclass(frozen=True, slots=True)
class FactList:
    """Facts, the policies whose vocabulary has them, and what people call them."""

    digests: PolicyDigests
    facts: Sequence[dict[str, Any]]
    words: engine.EverydayWords

    def named(self, prefix: str, word: str) -> list[dict[str, Any]]:
        """Those whose name begins so, and that people call so; each then `says` which of its values the word means."""
        found = [each for each in self.facts if each["name"].startswith(prefix)]
        if not word:
            return found
        said = self.words.values_of(word)
        return [{**each, "says": said.get(each["name"], [])} for each in found if _called(each["name"], said)]


def of_vocabulary(context: Evaluating) -> FactList:
    """Every fact of the loaded vocabulary."""
    return FactList(context.live.digests, _known(context.live), context.live.bundle.words)


def of_decision(context: AskingForRecorded, id: str, replaying: Replayer) -> FactList:
    """Those that matter for the exchange of a decision, judged again on its day and by its policies. Raises RequestRefused."""
    again = replaying.reopened_of(context, id)
    found = _that_matter(_entries(again.pdp.bundle), again.judgement, reads=True)
    return FactList(PolicyDigests(**again.record["bundle"]), list(found), again.pdp.bundle.words)


def of_judgement(context: Evaluating, judgement: engine.Judgement) -> FactList:
    """Those that matter for an exchange that was judged by the policies of the context."""
    found = _that_matter(_known(context.live), judgement, context.caller.reads)
    return FactList(context.live.digests, list(found), context.live.bundle.words)


@lru_cache(maxsize=1)
def _known(live: Live) -> list[dict[str, Any]]:
    return _entries(live.bundle)


def _entries(bundle: engine.Bundle) -> list[dict[str, Any]]:
    return [each.model_dump(mode="json") for each in bundle.facts.values()]


def _that_matter(entries: Sequence[dict[str, Any]], judgement: engine.Judgement, reads: bool) -> Iterator[dict[str, Any]]:
    """The facts that are open, in the order of asking, and those that are stated. `reads`: the caller may read the register."""
    by_name = {each["name"]: each for each in entries}
    for name in judgement.open_facts:
        if name in by_name:
            yield {**by_name[name], "state": "open"}
    exchange = judgement.exchange
    hidden = set() if reads else {name for name, source in exchange.sources.items() if source == "registered"}
    for name, entry in by_name.items():
        if name in exchange.values and name not in judgement.open_facts and name not in hidden:
            yield {**entry, "state": "stated"}


def _called(fact: str, said: Collection[str]) -> bool:
    """Whether a fact, or a family or group that it belongs to, is among those that a word means."""
    return fact in said or any(fact.startswith(f"{name}.") for name in said)
