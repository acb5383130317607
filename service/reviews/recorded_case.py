"""
What a decision is to the queue of reviews, as it is recorded: which facts it is on, and what of it waits for a person.

Three things wait: a review of a provision that certainly stands, or of a law that reaches the data; a lift that is in doubt; and a gap in
coverage, which whoever has read the law signs for one exchange, or an acceptance in the organisation's policies closes. What nobody can
settle by a decision of her own does not: missing facts, requirements, conflicts, overdue duties, and engines that disagree. Source:
semantics 4.3, 4.6.
"""

import json
from collections.abc import Mapping, Sequence
from typing import Any
from weakref import WeakKeyDictionary

import engine
from service.log.record import RecordedDecision
from service.log.review_cases import ReviewCase
from service.policies.live import Live

REVIEW = "review"  # the outcome, and the kind
LIFT, REACH, GAP = "lift", "reach", "gap"
KINDS = (REVIEW, LIFT, REACH, GAP)

_SILENT = ("reach/", "gap/")  # what the names of reaches and of gaps begin with
_UNREAD = ("not_modelled", "unread", "doubtful")
_REVIEWS: WeakKeyDictionary[Live, frozenset[str]] = WeakKeyDictionary()


def case_of(live: Live, recorded: RecordedDecision, document: Mapping[str, Any], signable: Sequence[str] | None) -> ReviewCase:
    """
    The case of a decision on the exchange of a document; `signable` are the provisions that a person may sign off, None where she is not
    asked yet.
    """
    facts = engine.facts_digest(live.bundle, document)
    if recorded.outcome != REVIEW or signable is None:
        return ReviewCase(facts)
    decision = json.loads(recorded.decision)
    return ReviewCase(facts, kinds_of(live, decision, signable), tuple(signable), _due(decision))


def kinds_of(live: Live, decision: Mapping[str, Any], signable: Sequence[str]) -> tuple[str, ...]:
    """What waits of a decision whose outcome is a review, of KINDS; `decision` is its answer."""
    if decision.get("engine", {}).get("agreed") is False:
        return ()
    found = {kind_of(live, provision) for provision in signable}
    subjects = live.bundle.vocabulary.subjects
    guarded = {name for name, text in subjects.items() if text.guarded == "yes"}  # nobody signs for these, or accepts them
    if any(part.get("subject") not in guarded for part in gaps_of(decision)):
        found.add(GAP)
    return tuple(kind for kind in KINDS if kind in found)


def kind_of(live: Live, provision: str) -> str:
    """What a provision that can be signed off asks for: a review, or that its lift be accepted; or that it is a reach."""
    if provision.startswith(_SILENT):
        return REACH if provision.startswith(_SILENT[0]) else GAP
    if live not in _REVIEWS:
        _REVIEWS[live] = frozenset(rule.provision.id for rule in live.bundle.rules.rules if rule.effect == REVIEW)
    return REVIEW if provision in _REVIEWS[live] else LIFT


def gaps_of(decision: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """The gaps of an answer that ask for a review, in countries that are known: an acceptance would close each."""
    return [
        part
        for part in decision.get("gaps") or ()
        if part.get("why") in _UNREAD and part.get("reviewed") and part.get("place") != "unknown"
    ]


def _due(decision: Mapping[str, Any]) -> str | None:
    """The first day on which a duty of a decision falls due."""
    return min((str(part["due"]) for part in decision.get("owed") or () if part.get("due")), default=None)
