"""The members that the record of a decision has only where there is something to say: a judged exchange goes in, they come out."""

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import engine
from service.log.record import ShownDocument
from service.reviews import sign_off

ENGLISH = "en"  # in which a record names no language


def optional_members(
    outcome: str,
    lang: str,
    signable: Sequence[str],
    counted: bytes,
    denied: str = "",
    signed_off: Sequence[engine.SignedOffPart] = (),
    overdue: Mapping[str, Sequence[str]] = MappingProxyType({}),
    shown: Mapping[str, Any] = MappingProxyType({}),
    shares: Mapping[str, Any] = MappingProxyType({}),
    mapping: Mapping[str, Any] = MappingProxyType({}),
    contract: Mapping[str, Any] = MappingProxyType({}),
) -> dict[str, Any]:
    """The optional members that the record of a decision has; `counted` is canonical JSON already."""
    members = {
        "contract": contract or None,
        "counted": counted or None,
        "denied": denied or None,
        "lang": None if lang == ENGLISH else lang,
        "mapping": mapping or None,
        "overdue": {fact: list(ids) for fact, ids in overdue.items()} or None,
        "signable": list(signable) if outcome == sign_off.REVIEW else None,
        "signed_off": [each.model_dump(mode="json") for each in signed_off] or None,
        "shares": shares or None,
        "shown": shown or None,
    }
    return {name: value for name, value in members.items() if value is not None}


def awaited(judgement: engine.Judgement) -> Sequence[str] | None:
    """
    The provisions that wait for a person, without those that she signed off for an earlier exchange of these facts; None where facts are
    to be found out first (semantics 4.5).
    """
    if not judgement.waits:
        return None
    signed = {each.provision for each in judgement.signed if each.earlier}
    return [name for name in judgement.signable if name not in signed]


def shown_members(judgement: engine.Judgement, shown: Mapping[str, ShownDocument]) -> dict[str, Any]:
    """What counted as shown in a judgement, of what somebody checked."""
    counted = judgement.exchange.shown_until
    return {name: each.model_dump(mode="json") for name, each in shown.items() if name in counted}
