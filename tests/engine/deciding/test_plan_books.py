"""Rights over the legs of a plan, without a ledger: what one leg conveys binds the legs after it (semantics 4.14)."""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest

import engine
from tests.service.ledger.test_rights_book import POLICIES, supply

DAY = date(2026, 11, 25)
PDPS = {mode: engine.PDP(engine.load(POLICIES), mode) for mode in ("bitset", "checked", "reference")}
PROOF = {"rights-beyond-the-book": {"dated": "2026-01-01", "covers": True}}


def shown(granter: str | None, holder: str, **more: Any) -> dict[str, Any]:
    """A grant by whoever has the title and shows it; None leaves out who that is."""
    sent = supply(granter or "", holder, **more)
    if granter is None:
        del sent["exporter"]["id"]
    return {**sent, "evidence": PROOF}


def decide(*legs: dict[str, Any], mode: str = "bitset") -> engine.PlanDecision:
    pdp = PDPS[mode]
    plan = engine.read_plan(pdp.bundle, json.dumps({"legs": [{"exchange": each} for each in legs]}).encode())
    return engine.decide_plan(pdp, plan, as_of=DAY, today=DAY, id="plan")


EXCLUSIVE = shown("met", "mill", exclusive=True)


@pytest.mark.parametrize("mode", PDPS)
@pytest.mark.parametrize(
    ("legs", "outcomes"),
    [
        ([shown("met", "mill"), shown("met", "bank")], ["permitted", "permitted"]),
        ([EXCLUSIVE, shown("met", "bank")], ["permitted", "prohibited"]),
        ([EXCLUSIVE, shown("MET", "bank", asset="Weather ")], ["permitted", "prohibited"]),
        ([EXCLUSIVE, shown("met", "mill")], ["permitted", "permitted"]),
        ([EXCLUSIVE, shown("met", "bank", asset="tides")], ["permitted", "permitted"]),
        ([EXCLUSIVE, shown("other", "bank")], ["permitted", "permitted"]),
        ([shown("met", "mill", exclusive=True, purposes=["credit"]), shown("met", "bank", purposes=["research"])], None),
        ([shown("met", "mill", exclusive=True, territory=["KE"]), shown("met", "bank", territory=["CN"])], None),
        ([shown("met", "mill"), shown("met", "bank", exclusive=True)], ["permitted", "review"]),
        ([shown(None, "mill", exclusive=True), shown("met", "bank")], ["permitted", "review"]),
        ([EXCLUSIVE, shown("met", "bank", rights=[])], ["permitted", "prohibited"]),
    ],
)
def test_what_an_earlier_leg_conveys_binds_the_later_ones(
    legs: list[dict[str, Any]], outcomes: list[str] | None, mode: str
) -> None:
    """Whether or not each leg is permitted by itself; for another asset, party, purpose or place nothing is bound."""
    alone = [decide(each, mode=mode).outcome for each in legs]
    assert alone == ["permitted"] * len(legs)
    found = decide(*legs, mode=mode)
    assert [part.decision.outcome for part in found.legs] == (outcomes or alone)
