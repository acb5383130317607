"""
Deciding again what a record says was decided.

Goes from a stored record, and the policies that decided it, to what differs. The same version of the engine must come to the same
bytes, another version to the same meaning (semantics 5.5). What was erased cannot be decided on again: the rest is, and that is said.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any, Literal

import sqlalchemy as sa

import engine
from service.log.canonical_json import canonical
from service.log.leaf import clear
from service.log.record import SHAPES, PolicyDigests
from service.log.store import Stored
from service.policies.kept import NotKept, load_kept

MOST_DIFFERENCES = 20
Finding = Literal["bytes", "meaning", "nothing"]

# By the digests of a bundle and the mode of the engine: who decides. Raises CannotReplay.
Deciders = Callable[[PolicyDigests, str], engine.PDP]


class CannotReplay(Exception):
    """The decision cannot be decided again here; the message says what is wanting."""


@dataclass(frozen=True, slots=True)
class ReplayDifference:
    """A place in the decision, as a JSON Pointer, and what stands there: recorded, and decided again; None where nothing does."""

    pointer: str
    recorded: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """
    What came of deciding again. `same` tells what is the same: the bytes, the meaning though not the bytes, or neither.

    `holds`: it is what is to be expected of these versions and of what was erased. `erased` are pointers into the request.
    """

    id: str
    holds: bool
    same: Finding
    recorded_by: str
    replayed_by: str
    bundle: str
    erased: tuple[str, ...]
    differences: tuple[ReplayDifference, ...]


def replay(stored: Stored, deciders: Deciders) -> Replay:
    """Decide the request of a record again, on its day and under its policies. Raises CannotReplay."""
    record = _record(stored)
    recorded, bundle, version = record["decision"], PolicyDigests(**record["bundle"]), record["engine"]["version"]
    erased = tuple(each.pointer for each in stored.entry.openings if each.value is None)
    request = record["request"]
    for pointer in erased:
        _remove(request, pointer)
    pdp = deciders(bundle, recorded["engine"]["mode"])
    try:
        exchange = engine.parse_exchange(pdp.bundle, json.dumps(request, ensure_ascii=False).encode())
        replayed = _again(pdp, exchange, date.fromisoformat(record["as_of"]), record)
    except engine.ExchangeRefused as refused:
        raise CannotReplay(f"engine {engine.__version__} does not take this exchange any more: {refused}") from None
    except engine.EnginesFailed as failed:
        raise CannotReplay(f"no engine could decide: {failed}") from None
    differences = tuple(_differences(meaning(recorded), meaning(replayed), ""))
    same: Finding = "nothing" if differences else "meaning"
    if canonical(replayed) == canonical(recorded):
        same = "bytes"
    elif not differences:
        differences = tuple(_differences(recorded, replayed, ""))
    holds = same == "bytes" or (same == "meaning" and (bool(erased) or version != engine.__version__))
    return Replay(
        stored.entry.id, holds, same, version, engine.__version__, bundle.source, erased, differences[:MOST_DIFFERENCES]
    )


def kept_decider(connection: sa.Connection, bundle: PolicyDigests, mode: str) -> engine.PDP:
    """The policies that a database keeps, ready to decide. Raises CannotReplay."""
    try:
        return decider(load_kept(connection, bundle.source, bundle.meaning), bundle, mode)
    except NotKept as not_kept:
        raise CannotReplay(f"the policies that decided are needed, of source digest {bundle.source}: {not_kept}") from None


def decider(policies: engine.Bundle, bundle: PolicyDigests, mode: str) -> engine.PDP:
    """These policies, ready to decide, if they are those that decided. Raises CannotReplay."""
    if policies.digests.source != bundle.source:
        raise CannotReplay(f"these policies are not those that decided, whose source digest is {bundle.source}")
    if mode not in engine.MODES:
        raise CannotReplay(f"it was decided in the mode `{mode}`, which this version does not have")
    return engine.PDP(policies, mode)


def meaning(decision: dict[str, Any]) -> dict[str, Any]:
    """What a decision means, however it is worded: outcomes, what stands, what is met, owed and missing."""
    plain = ("proceed", "outcome", "bounds", "beneath", "as_of", "hypothetical")
    return {
        **{name: decision[name] for name in plain},
        "jurisdictions": {part["jurisdiction"]: part["bounds"] for part in decision["jurisdictions"]},
        "reasons": {part["provision"] + " " + part["effect"]: part["standing"] for part in decision["reasons"]},
        "beaten": {part["provision"]: [part["certain"], part["doubtful"]] for part in decision["beaten"]},
        "requirements": {part["requirement"]: part["state"] for part in decision["requirements"]},
        "duties": sorted([part["arises"], part["certain"], part["overdue"], part["due"] or ""] for part in decision["duties"]),
        "conflicts": [[part["kind"], part["provisions"]] for part in decision["conflicts"]],
        "missing": [[part["settles"], [fact["fact"] for fact in part["facts"]]] for part in decision["missing"]],
        "coverage": [[part["country"], part["subject"], part["certain"]] for part in decision["coverage"]["not_modelled"]],
        "carried": [[part["provision"], part["from"], part["state"]] for part in decision.get("carried") or ()],
        "lanes": {part["lane"] + " " + part["provision"]: part["state"] for part in decision["factor"]["lanes"]},
    }


def _record(stored: Stored) -> dict[str, Any]:
    if faults := stored.faults():
        raise CannotReplay(f"the record is not sound: {'; '.join(faults)}")
    record = clear(stored.entry.leaf, stored.entry.openings)
    if record.get("schema") not in SHAPES:
        raise CannotReplay("the record has a shape that this version does not know")
    return record


def _again(pdp: engine.PDP, exchange: engine.Exchange, as_of: date, record: dict[str, Any]) -> dict[str, Any]:
    """The decision of a record again, in its language; where the record does not say it, in the one that comes nearest."""
    recorded = record["decision"]
    # What was asked for beside the rest stands in it.
    include = [name for name in engine.INCLUDES if recorded.get(name) is not None]
    # Today decides nothing but whether the decision is hypothetical.
    today = as_of + (timedelta(days=1 if as_of < date.max else -1) if recorded["hypothetical"] else timedelta())
    signed = [engine.Approval.told(part) for part in recorded.get("signed_off") or ()]

    def written(lang: str) -> dict[str, Any]:
        again = pdp.write(exchange, as_of=as_of, today=today, id=recorded["id"], include=include, lang=lang, signed=signed)
        decision: dict[str, Any] = json.loads(again.canonical())
        return decision

    if "lang" in record:
        if record["lang"] not in engine.LANGUAGES:
            raise CannotReplay(f"it was written in the language `{record['lang']}`, which this version does not have")
        return written(record["lang"])
    # It is in English, or from before records said their language.
    english, *others = engine.LANGUAGES
    first = written(english)
    return first if first == recorded else _nearest(recorded, [first, *map(written, others)])


def _nearest(recorded: dict[str, Any], replayed: list[dict[str, Any]]) -> dict[str, Any]:
    """That in the language of the record, as far as can be told."""
    same = (each for each in replayed if each == recorded)
    titled = (each for each in replayed if each["jurisdictions"] and each["jurisdictions"] == recorded["jurisdictions"])
    answered = (each for each in replayed if each["answer"] == recorded["answer"])
    return next(same, None) or next(answered, None) or next(titled, None) or replayed[0]


def _remove(document: Any, pointer: str) -> None:
    *steps, last = [step.replace("~1", "/").replace("~0", "~") for step in pointer.split("/")[1:]]
    for step in steps:
        document = document[int(step)] if isinstance(document, list) else document[step]
    del document[int(last) if isinstance(document, list) else last]


def _differences(recorded: Any, replayed: Any, at: str) -> Iterator[ReplayDifference]:
    match recorded, replayed:
        case dict(), dict():
            for name in sorted(recorded.keys() | replayed.keys()):
                yield from _differences(
                    recorded.get(name), replayed.get(name), f"{at}/{name.replace('~', '~0').replace('/', '~1')}"
                )
        case list(), list() if len(recorded) == len(replayed):
            for number, (one, other) in enumerate(zip(recorded, replayed, strict=True)):
                yield from _differences(one, other, f"{at}/{number}")
        case _ if recorded != replayed:
            yield ReplayDifference(at, recorded, replayed)
