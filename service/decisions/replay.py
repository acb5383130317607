"""
Replay: deciding a recorded exchange again, and comparing the two decisions.

Input: a stored record, and the policies that decided it. Output: the differences. The same version of the engine must give the same
bytes, another version the same meaning. Under other semantics whatever comes out now is no fault: the result tells both (semantics 5.5).
Erased values are gone: the exchange is decided without them, and the result says so.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import islice
from typing import Any, Literal

import sqlalchemy as sa

import engine
from service.log.canonical_json import canonical
from service.log.leaf import clear
from service.log.record import SHAPES, PolicyDigests
from service.log.store import Stored
from service.policies.kept import NotKept, load_kept

MOST_DIFFERENCES = 20
SHOWN_BY = {"rests_on": "exact"}  # the member that shows that a part was asked for, where it is not the part itself
Finding = Literal["bytes", "meaning", "nothing"]

# The decision point for the digests of a bundle and the mode of the engine. Raises CannotReplay.
Deciders = Callable[[PolicyDigests, str], engine.PDP]


class CannotReplay(Exception):
    """The record cannot be replayed here; the message says why."""


@dataclass(frozen=True, slots=True)
class ReplayDifference:
    """A place in the decision, as a JSON Pointer, with the recorded and the replayed value there; None if there is no value."""

    pointer: str
    recorded: Any
    replayed: Any


@dataclass(frozen=True, slots=True)
class Replay:
    """
    The result of a replay. `same` says what is the same: the bytes, the meaning but not the bytes, or nothing.

    `holds`: the result is as expected for these versions and these erased values. `erased` has pointers into the request. `refused` says
    why this version would refuse the exchange, where the record is of other semantics; then nothing was decided.
    """

    id: str
    holds: bool
    same: Finding
    recorded_by: str
    replayed_by: str
    recorded_under: int
    replayed_under: int
    bundle: str
    erased: tuple[str, ...]
    differences: tuple[ReplayDifference, ...]
    refused: str | None = None


def replay(stored: Stored, deciders: Deciders) -> Replay:
    """Decide the request of a record again, on its day and under its policies. Raises CannotReplay."""
    record = _record(stored)
    recorded, bundle, version = record["decision"], PolicyDigests(**record["bundle"]), record["engine"]["version"]
    erased = tuple(each.pointer for each in stored.entry.openings if each.value is None)
    request = record["request"]
    for pointer in erased:
        _remove(request, pointer)
    pdp = deciders(bundle, recorded["engine"]["mode"])
    under = record["engine"].get("semantics") or engine.semantics_of(version)

    def found(holds: bool, same: Finding, differences: Iterable[ReplayDifference] = (), refused: str | None = None) -> Replay:
        return Replay(
            id=stored.entry.id,
            holds=holds or under != engine.SEMANTICS,
            same=same,
            recorded_by=version,
            replayed_by=engine.__version__,
            recorded_under=under,
            replayed_under=engine.SEMANTICS,
            bundle=bundle.source,
            erased=erased,
            differences=tuple(islice(differences, MOST_DIFFERENCES)),
            refused=refused,
        )

    try:
        exchange = engine.parse_exchange(pdp.bundle, json.dumps(request, ensure_ascii=False).encode())
        marks = record.get("counted", {})
        exchange = engine.counted(pdp.bundle, exchange, [fact for fact, mark in marks.items() if mark["from"] == "ledger"])
        replayed = _again(pdp, exchange, date.fromisoformat(record["as_of"]), record)
    except engine.ExchangeRefused as refused:
        if under != engine.SEMANTICS:
            return found(True, "nothing", refused=str(refused))
        raise CannotReplay(f"engine {engine.__version__} no longer accepts this exchange: {refused}") from None
    except engine.EnginesFailed as failed:
        raise CannotReplay(f"no engine could decide: {failed}") from None
    differences = tuple(_differences(meaning(recorded), meaning(replayed), ""))
    same: Finding = "nothing" if differences else "meaning"
    if canonical(replayed) == canonical(recorded):
        same = "bytes"
    elif not differences:
        differences = tuple(_differences(recorded, replayed, ""))
    holds = same == "bytes" or (same == "meaning" and (bool(erased) or version != engine.__version__))
    return found(holds, same, differences)


def kept_decider(connection: sa.Connection, bundle: PolicyDigests, mode: str) -> engine.PDP:
    """The policies that a database keeps, ready to decide. Raises CannotReplay."""
    try:
        return decider(load_kept(connection, bundle.source, bundle.meaning), bundle, mode)
    except NotKept as not_kept:
        raise CannotReplay(f"the replay needs the policies with the source digest {bundle.source}: {not_kept}") from None


def decider(policies: engine.Bundle, bundle: PolicyDigests, mode: str) -> engine.PDP:
    """These policies, ready to decide, if they are those that decided. Raises CannotReplay."""
    if policies.digests.source != bundle.source:
        raise CannotReplay(
            f"these policies did not decide this record; the replay needs the policies with the source digest {bundle.source}"
        )
    if mode not in engine.MODES:
        raise CannotReplay(f"the record was decided in the mode `{mode}`, which this version does not have")
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
        "signed_off": [[part["provision"], part["accepts"]] for part in decision.get("signed_off") or ()],
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
    """The decision of a record again, in its language. If the record names no language, the one that fits best is taken."""
    recorded = record["decision"]
    # The optional parts that the caller asked for are in the recorded decision.
    include = [name for name in engine.INCLUDES if recorded.get(SHOWN_BY.get(name, name)) is not None]
    # The present day decides only whether the decision is hypothetical.
    today = as_of + (timedelta(days=1 if as_of < date.max else -1) if recorded["hypothetical"] else timedelta())
    signed = [engine.Approval.told(part) for part in recorded.get("signed_off") or ()]

    def written(lang: str) -> dict[str, Any]:
        again = pdp.write(exchange, as_of=as_of, today=today, id=recorded["id"], include=include, lang=lang, signed=signed)
        decision: dict[str, Any] = json.loads(again.canonical())
        return decision

    if "lang" in record:
        if record["lang"] not in engine.LANGUAGES:
            raise CannotReplay(f"the decision was written in the language `{record['lang']}`, which this version does not have")
        return written(record["lang"])
    # The decision is in English, or its record is too old to name a language.
    english, *others = engine.LANGUAGES
    first = written(english)
    return first if first == recorded else _nearest(recorded, [first, *map(written, others)])


def _nearest(recorded: dict[str, Any], replayed: list[dict[str, Any]]) -> dict[str, Any]:
    """The decision in the language of the record, as far as this can be known."""
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
