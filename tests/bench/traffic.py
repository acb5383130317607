"""
The exchanges to measure with: a few that are named, and those of the policies' own tests.

*Repeated* traffic is one exchange again and again. *Varied* traffic is every exchange of the policies' tests once, whatever its outcome,
all on one day, in a random order that is the same each time. *Different* traffic never brings an exchange twice.
"""

from __future__ import annotations

import json
import random
from collections.abc import Iterable, Iterator
from datetime import date
from pathlib import Path
from typing import Any

import engine

DAY = date(2026, 11, 24)
SEED = 20261124
EXAMPLES = Path(__file__).parents[2] / "policies" / "examples"

HOSPITAL: dict[str, Any] = {
    "exporter": {"country": "CN", "zone": "none", "kind": "hospital", "role": "controller", "cn_ciio": False},
    "recipient": {"country": "US", "kind": "university", "listed_on": []},
    "data": {
        "personal": True,
        "state": "identified",
        "kind": "dataset",
        "categories": ["health"],
        "grades": ["general"],
        "people": {"ordinary": 0, "sensitive": 12000},
        "people_in": ["CN"],
        "collected_in": ["CN"],
        "stored_in": ["CN"],
        "controls": [],
        "source": "self-produced",
        "lawful_source": True,
    },
    "act": {"kind": "provide", "trigger": "own", "evades": False, "bars": [], "security_concern": False},
    "safeguards": {"basis": ["consent"]},
}
SHOWN = {
    kind: {"dated": "2026-10-01", "covers": True}
    for kind in ("cn-assessment", "cn-export-notice", "cn-separate-consent", "cn-export-need", "cn-impact-assessment")
}
EVERYTHING_SHOWN = json.dumps({**HOSPITAL, "evidence": SHOWN}).encode()
ONE_FACT = b'{"exporter": {"country": "CN"}}'
NOTHING = b"{}"
README_EXAMPLE = (EXAMPLES / "staff-data-shanghai-munich.json").read_bytes()


def three_sovereigns(bundle: engine.Bundle) -> bytes:
    """The policies' own case of an export that three jurisdictions regulate and that is settled."""
    [raw] = [
        trial.raw
        for trial in engine.trials(bundle, bundle, "court-order")
        if "Through legal assistance and with approval in Beijing" in trial.name
    ]
    return raw


def varied(bundle: engine.Bundle) -> list[bytes]:
    """The exchanges of the policies' tests without their days, each once, in a random order. `bundle` has its files of tests."""
    sent: dict[bytes, None] = {}
    for trial in engine.trials(bundle, bundle):
        if trial.raw:
            document = json.loads(trial.raw)
            document.pop("as_of", None)
            if engine.REGISTER in document:
                continue  # what the register says; no caller may send it
            sent[json.dumps(document, ensure_ascii=False).encode()] = None
    found = [raw for raw in sent if accepted(bundle, raw)]
    random.Random(SEED).shuffle(found)
    return found


def accepted(bundle: engine.Bundle, raw: bytes) -> bool:
    """Whether the vocabulary accepts an exchange."""
    try:
        engine.parse_exchange(bundle, raw)
    except engine.ExchangeRefused:
        return False
    return True


def different(exchanges: Iterable[bytes]) -> Iterator[bytes]:
    """These exchanges, each between parties of its own and about another number of people, so that none comes twice."""
    for number, raw in enumerate(exchanges):
        document = json.loads(raw)
        for role in ("exporter", "recipient"):
            if isinstance(party := document.setdefault(role, {}), dict):
                party["id"] = f"{role}-{number}"
        data = document.get("data")
        people = data.get("people") if isinstance(data, dict) else None
        if isinstance(people, dict) and all(type(each) is int for each in people.values()):
            data["people"] = {kind: told + number % 997 if told else 0 for kind, told in people.items()}
        yield json.dumps(document, ensure_ascii=False).encode()
