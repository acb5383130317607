"""
What the watch finds of a commitment, in the form of its events: the kind, the cause, since when, by which provisions, and what to do.

Nothing here is personal but `because` and `changes`: their sentences may quote dates and values of the exchange, so they stand in the
leaf of an event as commitments only.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date
from typing import Any, Literal

import engine
from service.policies.live import Live

# `moved`: the outcome has become another one. `expected`: it will, on a later day. `averted`: what was expected will not come about.
# `due`: a duty or a promise falls due. `overdue`: a promise was not kept by its last day. `undecidable`: it cannot be decided any more, or
# not from that day on.
EventKind = Literal["moved", "expected", "averted", "due", "overdue", "undecidable"]
WITHOUT_OUTCOME = ("due", "overdue")

MOST_PROVISIONS = 20
# By which effects a provision makes an outcome what it is.
_EFFECTS = {
    "prohibited": {"prohibit"},
    "requirements_unmet": {"require"},
    "review": {"review"},
    "undetermined": {"prohibit", "require", "review"},
    "permitted_with_obligations": {"oblige"},
}


@dataclass(frozen=True, slots=True)
class OutcomeExplanation:
    """By which provisions an outcome is as it is, and what to do; `changes` are the same changes with their values."""

    provisions: tuple[str, ...] = ()
    remedy: Mapping[str, Any] = field(default_factory=dict)
    changes: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class WatchFinding:
    """
    Something to tell of a commitment. `cause` and `since` name it: it is told once.

    `before` and `after` are outcomes, None where there is none. `causes` say in general what changes.
    """

    kind: EventKind
    cause: str
    since: date
    before: str | None
    after: str | None
    causes: tuple[str, ...] = ()
    because: tuple[str, ...] = ()
    explained: OutcomeExplanation = OutcomeExplanation()
    more: Mapping[str, Any] = field(default_factory=dict)

    @property
    def document(self) -> dict[str, Any]:
        """What may be read by everybody who may read events."""
        return {
            "before": self.before,
            "after": self.after,
            "causes": list(self.causes),
            "provisions": list(self.explained.provisions[:MOST_PROVISIONS]),
            "remedy": dict(self.explained.remedy),
            **self.more,
        }

    @property
    def hidden(self) -> dict[str, Any]:
        """What may quote the exchange."""
        parts = {"because": list(self.because), "changes": list(self.explained.changes)}
        return {name: each for name, each in parts.items() if each}


@dataclass(frozen=True, slots=True)
class EarlierFinding:
    """What was told of a commitment earlier: an outcome for the days from `since` on."""

    kind: str
    cause: str
    since: date
    outcome: str | None


def explain(live: Live, judgement: engine.Judgement) -> OutcomeExplanation:
    """
    Why a judged exchange has its outcome, and what to do about it.

    `remedy.do` is `nothing`, `perform` (what is owed), `answer` (open `facts`), `sign-off` (`provisions`), `change` (one list of `changes`
    is enough), or `withdraw`: no change was found that would let it proceed.
    """
    effects = _EFFECTS.get(judgement.outcome.word, set())
    if judgement.outcome.permits and not effects:
        return OutcomeExplanation(remedy={"do": "nothing"})
    parts = ("reasons", "possible") if judgement.open_facts else ("reasons",)
    parts = parts if judgement.outcome.permits else (*parts, "remedies")
    told = json.loads(live.pdp.explain(judgement, today=judgement.as_of, id="", parts=parts))
    reasons: Sequence[Mapping[str, Any]] = [*(told.get("reasons") or ()), *(told.get("possible") or ())]
    provisions = tuple(dict.fromkeys(each["provision"] for each in reasons if each["effect"] in effects))
    if judgement.outcome.permits:
        return OutcomeExplanation(provisions, {"do": "perform"})
    if judgement.open_facts:
        return OutcomeExplanation(provisions, {"do": "answer", "facts": list(judgement.open_facts)[:MOST_PROVISIONS]})
    remedies = (told.get("remedies") or {}).get("remedies", ())
    changes = tuple(each["changes"] for each in remedies)
    if changes:
        named = [[{"fact": change["fact"], "how": change["how"]} for change in each] for each in changes]
        return OutcomeExplanation(provisions, {"do": "change", "changes": named}, changes)
    if judgement.signable:
        return OutcomeExplanation(provisions, {"do": "sign-off", "provisions": list(judgement.signable)[:MOST_PROVISIONS]})
    return OutcomeExplanation(provisions, {"do": "withdraw"})


def provisions_key(provisions: Sequence[str]) -> str:
    """Provisions as a part of the name of a cause: they come out the same whenever the same provisions move."""
    return "".join(f":{each}" for each in sorted(provisions)[:3]) + (f":{len(provisions)}" if len(provisions) > 3 else "")
