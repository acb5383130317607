"""
A contract's reading and what a request states beside it, as one exchange.

The contract states its facts; the request adds what the contract leaves out. What both state, they state alike: otherwise the request is
refused, and the refusal names both places. A set that the contract leaves open may be said more closely, with all that the contract names.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from service.doors.odrl.contract_reading import ContractReading, StatedTerm
from service.doors.odrl.contract_refusals import shown
from service.doors.odrl.term_values import UNKNOWN
from service.problems import ProblemPlace, RequestRefused

CARRIED = "carried"


def merged(
    reading: ContractReading,
    request: Mapping[str, Any],
    at: str = "",
    contract: str = "/contract",
    same_id: Callable[[str, str, str], bool] = lambda fact, one, other: one == other,
) -> dict[str, Any]:
    """
    The exchange of a contract and a request. Raises RequestRefused with the places of what they state differently.

    `at` is the pointer to the request's exchange, `contract` that to the contract. `same_id` says whether two ids of a fact are of one
    entity, as the register knows them; the request's then stays.
    """
    differ: list[ProblemPlace] = []
    exchange: dict[str, Any] = _copy(request)
    for fact, stated in {each.fact: each for each in reading.stated}.items():
        *groups, last = fact.split(".")
        here: Any = exchange
        for depth, group in enumerate(groups):
            inner = here.setdefault(group, {})
            if not isinstance(inner, dict):
                pointer = "/".join(["", *groups[: depth + 1]])
                differ.append(_differ(f"{at}{pointer}", stated, contract, "the request has no facts there"))
                break
            here = inner
        else:
            own = here.get(last, UNKNOWN)
            if own == UNKNOWN:
                here[last] = stated.value
            elif not _alike(own, stated.value) and not (_are_ids(own, stated.value) and same_id(fact, own, stated.value)):
                differ.append(
                    _differ(f"{at}/{'/'.join((*groups, last))}", stated, contract, f"the request states {_told(own)}")
                )
    if differ:
        names = " and ".join(dict.fromkeys(shown(each.pointer) for each in differ))
        raise RequestRefused(
            "contract-refused",
            f"the request states otherwise than the contract at {names}: leave it out there",
            errors=tuple(differ),
        )
    laid = reading.exchange[CARRIED]
    own = exchange.get(CARRIED, [])
    exchange[CARRIED] = [*own, *(each for each in laid if each not in own)] if isinstance(own, list) else own
    return exchange


def _alike(own: Any, stated: Any) -> bool:
    if isinstance(own, list) and isinstance(stated, list):
        mine, theirs = ({str(each) for each in listed} for listed in (own, stated))
        return mine == theirs or (UNKNOWN in theirs and mine >= theirs - {UNKNOWN})
    return type(own) is type(stated) and bool(own == stated)


def _are_ids(own: Any, stated: Any) -> bool:
    return isinstance(own, str) and isinstance(stated, str)


def _differ(pointer: str, stated: StatedTerm, contract: str, why: str) -> ProblemPlace:
    at = f"{contract}{stated.pointer}" if stated.pointer.startswith("/") or not stated.pointer else stated.pointer
    detail = f"{why}; the contract, at {shown(at)}, states {_told(stated.value)}"
    return ProblemPlace(pointer=pointer, code="contract-differs", detail=detail)


def _told(value: Any) -> str:
    return shown(", ".join(map(str, value)) if isinstance(value, list) else str(value))


def _copy(value: Any) -> Any:
    if isinstance(value, Mapping):
        return {str(key): _copy(each) for key, each in value.items()}
    return [_copy(each) for each in value] if isinstance(value, list) else value
