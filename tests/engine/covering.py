"""
The words of the cases, with countries: AA and BB are jurisdictions that cover their own, and an exchange touches countries.

BB has a law that applies to nobody, unless a test brings one, so that there is always law on what happens there.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

BINDING = {"prohibit", "require", "oblige", "review", "allows"}
SILENT = {
    "policy": "silent",
    "title": "a law of Beland",
    "jurisdiction": "BB",
    "instrument": {"issuer": "a ministry", "force": "law"},
    "in_force": {"from": "2020-01-01"},
    "applies": {"exporter.country": "CC", "recipient.country": "CC"},
    "rules": [
        {
            "id": "bar",
            "title": "a bar",
            "cite": "Art. 1",
            "says": "no",
            "source": "made up",
            "status": "confirmed",
            "prohibit": "no",
        }
    ],
}
TOUCHES = """
touches:
  - {fact: exporter.country, as: exporter}
  - {fact: recipient.country, as: recipient}
  - {fact: data.people_in, as: people, when: {data.personal: yes}}
"""
ANYTHING = """subjects:
  anything: {title: anything, when: {any_of: [{data.personal: yes}, {data.personal: no}]}}
"""


def covering(words: bytes, policies: Sequence[dict[str, Any]]) -> dict[str, bytes]:
    """
    The sources of some policies and of a vocabulary in which AA and BB cover their country; CC is not covered.

    Both cover `anything` (whatever says whether it is personal) and personal data, AA health data from July 2026; each names all
    of its own laws.
    """
    laws = [*policies, *([] if any(each["jurisdiction"] == "BB" for each in policies) else [SILENT])]
    text = words.decode().replace("subjects:\n", ANYTHING, 1) + TOUCHES
    for name, title in (("AA", "Aland"), ("BB", "Beland")):
        by = ", ".join(each["policy"] for each in laws if each["jurisdiction"] == name and _binds(each))
        covers = f"anything: {{from: 2020-01-01, by: [{by}]}}, personal: {{from: 2020-01-01, by: [{by}]}}"
        covers += f", health: {{from: 2026-07-01, by: [{by}]}}" if name == "AA" else ""
        if by:
            covered = f"  {name}: {{title: {title}, countries: [{name}], covers: {{{covers}}}}}\n"
            text = text.replace(f"  {name}: {{title: {title}}}\n", covered)
    return {f"{each['policy']}.yaml": json.dumps(each, indent=1).encode() for each in laws} | {"words.yaml": text.encode()}


def _binds(law: dict[str, Any]) -> bool:
    return law["instrument"]["force"] in ("law", "order") and any(BINDING & rule.keys() for rule in law["rules"])
