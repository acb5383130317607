"""Agreements on benefit: proposed, accepted or opened, changed and ended, told to those whom they name, and made again by the leaves."""

from datetime import timedelta
from typing import Any

import pytest

from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.market import Market, market, share

__all__ = ["market"]
pytestmark = pytest.mark.usefixtures("audited")

UPWARD = share("platform", "hospital", "1/4", survives=True, cap={"USD": "500.00"})


def states(told: Any) -> list[str]:
    return [each["state"] for each in told["versions"]]


@BOTH_DATABASES
def test_an_agreement_stands_once_each_party_that_it_names_has_accepted_it(market: Market) -> None:
    """Also by the key of a payee; who is named in nothing accepts nothing, and one acceptance is not two."""
    made = market.propose(UPWARD, share("platform", "studio", "0.1", "price"), who="platform")
    assert (made["state"], made["versions"][0]["awaits"]) == ("proposed", ["platform", "hospital", "studio"])
    told = market.accept(made, "platform", "platform", "studio")
    assert (told["state"], states(told)) == ("proposed", ["proposed"])
    assert market.post(f"/v1/agreements/{made['id']}/accept", {"digest": "0" * 64}, "hospital").status_code == 409
    told = market.accept(made, "hospital")
    assert (told["state"], told["versions"][0]["since"]) == ("stands", "2026-11-25")
    again = market.post(f"/v1/agreements/{made['id']}/accept", {"digest": made["versions"][0]["digest"]}, "hospital")
    assert (again.status_code, again.json()["type"]) == (409, "urn:fifthfactor:problem:agreement-refused")
    seen = market.get(f"/v1/agreements/{made['id']}").json()["versions"][0]
    assert [each["party"] for each in seen["accepted"]] == ["platform", "studio", "hospital"]


def test_a_role_without_a_party_is_paid_only_by_what_was_shown(market: Market) -> None:
    """However many accept: nobody can accept for the public. An operator opens it with evidence."""
    told = market.propose(share("hospital", None, "0.1", "price", role="public"), who="hospital")
    told = market.accept(told, "hospital")
    assert told["state"] == "proposed"
    refused = market.post(f"/v1/agreements/{told['id']}/open", {}, "hospital")
    assert refused.status_code == 403
    opened = market.open(told)
    assert (opened["state"], opened["versions"][0]["opened"]["evidence"][0]["kind"]) == ("stands", "contract")
    assert market.post(f"/v1/agreements/{told['id']}/accept", {"digest": "0" * 64}).status_code == 403


def test_other_terms_and_an_end_stand_only_as_the_agreement_did(market: Market) -> None:
    """Until then the version before stands; whoever is left out must accept, too. What was known on a day is told as it was."""
    id = market.accept(market.propose(UPWARD), "platform", "hospital")["id"]
    market.now[0] += timedelta(days=2)
    sent = {"shares": [share("platform", "studio", "1/2")], "reason": "sold"}
    told = market.done(f"/v1/agreements/{id}/amend", sent, "platform")
    assert (told["state"], states(told)) == ("stands", ["stands", "proposed"])
    told = market.accept(told, "platform", "studio")
    assert states(told) == ["dropped"] or states(told) == ["proposed"]  # the studio sees its own version alone
    assert market.get(f"/v1/agreements/{id}").json()["versions"][1]["awaits"] == ["hospital"]
    told = market.accept(market.get(f"/v1/agreements/{id}").json(), "hospital")
    whole = market.get(f"/v1/agreements/{id}").json()
    assert states(whole) == ["replaced", "stands"]
    assert states(market.get(f"/v1/agreements/{id}", on="2026-11-26").json()) == ["stands", "not-begun"]
    assert states(market.get(f"/v1/agreements/{id}", known="2026-11-26").json()) == ["stands"]
    ended = market.done(f"/v1/agreements/{id}/end", {"from": "2026-12-01", "reason": "over"}, "studio")
    assert ended["state"] == "stands"
    market.accept(ended, "studio", "platform")
    for day, state in (("2026-11-30", "stands"), ("2026-12-01", "over")):
        assert market.get(f"/v1/agreements/{id}", on=day).json()["state"] == state
    assert market.post(f"/v1/agreements/{id}/end", {"from": "2026-12-05", "reason": "x"}).status_code == 409
    assert market.post(f"/v1/agreements/{id}/end", {"from": "2026-11-01", "reason": "x"}).status_code == 409


def test_a_party_is_told_its_own_shares_and_nobody_else_that_there_is_an_agreement(market: Market) -> None:
    """Field by field: a payee gets its share and its payer, a payer all that it pays; the words for others are those for no agreement."""
    bank = share("platform", "bank", "0.05", "price", kind="commission")
    role = share("platform", None, "0.1", "price", role="public")
    sold = share("studio", "platform", "0.5", "price")
    pricing = {"kind": "per-unit", "amount": "2.50 USD", "unit": "call"}
    made = market.standing(UPWARD, bank, role, sold, pricing=pricing, tax="VAT 6 % beside")
    path = f"/v1/agreements/{made['id']}"
    plain = {"role": None, "factor": None, "cap": None, "until": None, "survives": False, "country": None}
    whole = {
        "hospital": [{**plain, **UPWARD, "kind": "share"}],
        "bank": [{**plain, **bank}],
        "platform": [
            {**plain, **each, "kind": each.get("kind", "share")} for each in (UPWARD, bank, role | {"payee": None}, sold)
        ],
        "studio": [{**plain, **sold, "kind": "share"}],
    }
    for party, shares in whole.items():
        (told,) = market.get(path, party).json()["versions"]
        pays = party in ("platform", "studio")
        assert told == {
            "version": 1,
            "change": "proposed",
            "state": "stands",
            "digest": made["versions"][0]["digest"],
            "shares": shares,
            "days": 30,
            "until": None,
            "pricing": {**pricing, "period": None, "ratio": None} if pays else None,
            "tax": "VAT 6 % beside" if pays else None,
            "proposed_at": "2026-11-25T12:00:00Z",
            "proposed_by": None,
            "reason": None,
            "since": "2026-11-25",
            "accepted": [],
            "awaits": [],
            "opened": {"at": "2026-11-25T12:00:00Z", "by": None, "evidence": None, "reason": None},
        }
        assert [each["id"] for each in market.get("/v1/assets/images/agreements", party).json()["agreements"]] == [made["id"]]
    hidden, none = market.get(path, "stranger").json(), market.get("/v1/agreements/none", "stranger").json()
    assert {**hidden, "instance": "", "request_id": ""} == {**none, "instance": "", "request_id": ""}
    assert market.get("/v1/assets/images/agreements", "stranger").json()["agreements"] == []
    for what, sent in (
        ("accept", {"digest": made["versions"][0]["digest"]}),
        ("end", {"from": "2027-01-01", "reason": "x"}),
        ("amend", {"shares": [share("stranger", "bank", "1")], "reason": "x"}),
    ):
        assert market.post(f"{path}/{what}", sent, "stranger").status_code == 404
    amended = {"shares": [share("hospital", "bank", "1")], "reason": "x"}
    assert market.post(f"{path}/amend", amended, "hospital").status_code == 403


@pytest.mark.parametrize(
    ("sent", "pointer"),
    [
        ([{"payer": "platform", "ratio": "1/3", "of": "income"}], "/shares/0/payee"),
        ([share("platform", "bank", "1/3", role="king")], "/shares/0/role"),
        ([share("platform", "bank", "4/3")], "/shares/0/ratio"),
        ([share("platform", "bank", "0.0")], "/shares/0/ratio"),
        ([share("platform", "platform", "1/3")], "/shares/0/payee"),
        ([share("platform", "bank", "1/3", kind="component", of="price")], "/shares/0/factor"),
        ([share("platform", "bank", "1/3", kind="commission")], "/shares/0/of"),
        ([share("platform", "bank", "1/3", cap={"JPY": "1.5"})], "/shares/0/cap/JPY"),
        ([share("platform", "bank", "2/3"), share("platform", "hospital", "1/2")], "/shares"),
        ([share("platform", "bank", "1/3", until="2026-11-24")], "/shares/0/until"),
    ],
)
def test_terms_that_cannot_be_are_refused_at_their_place(market: Market, sent: Any, pointer: str) -> None:
    """Nothing is written."""
    refused = market.post("/v1/assets/images/agreements", {"shares": sent, "reason": "x"})
    assert refused.status_code == 400, refused.text
    assert [each["pointer"] for each in refused.json()["errors"]] == [pointer]
    assert market.get("/v1/assets/images/agreements").json()["agreements"] == []


@BOTH_DATABASES
def test_a_party_that_is_erased_has_no_name_in_any_agreement(market: Market) -> None:
    """Its shares stay, and an end that is proposed later has no name of it either."""
    told = market.standing(share("platform", "studio", "1/2"))
    ops = {"authorization": f"Bearer {market.keys['ops']}"}
    assert market.client.put("/v1/parties/studio", json={"facts": {"country": "CN"}}, headers=ops).status_code == 201
    assert market.client.delete("/v1/parties/studio?erase=true", headers=ops).status_code == 200
    seen = market.get(f"/v1/agreements/{told['id']}").json()["versions"][0]["shares"]
    assert [(each["payer"], each["payee"]) for each in seen] == [("platform", None)]
    ended = market.done(f"/v1/agreements/{told['id']}/end", {"from": "2027-01-01", "reason": "over"})
    assert [each["payee"] for each in ended["versions"][1]["shares"]] == [None]
    assert states(market.open(ended)) == ["replaced", "stands"]


def test_a_party_that_is_erased_by_another_of_its_names_has_none_in_any_agreement(market: Market) -> None:
    """It was registered after the agreement, under an id that the agreement does not have; a retry does not name it either."""
    ops = {"authorization": f"Bearer {market.keys['ops']}", "idempotency-key": "k-1"}
    sent = {"shares": [share("platform", "ateliers", "1/2")], "reason": "contract"}
    told = market.client.post("/v1/assets/images/agreements", json=sent, headers=ops).json()
    del ops["idempotency-key"]
    known = {"facts": {"country": "CN"}, "aliases": ["ateliers"]}
    assert market.client.put("/v1/parties/house-9", json=known, headers=ops).status_code == 201
    assert market.client.delete("/v1/parties/house-9?erase=true", headers=ops).status_code == 200
    seen = market.get(f"/v1/agreements/{told['id']}").json()["versions"][0]["shares"]
    assert [(each["payer"], each["payee"]) for each in seen] == [("platform", None)]
    again = market.client.post("/v1/assets/images/agreements", json=sent, headers={**ops, "idempotency-key": "k-1"})
    assert again.status_code == 410


def test_the_page_of_an_asset_shows_each_version_of_its_agreements(market: Market) -> None:
    """In both languages; a name that could be markup is text, and a party's key has no pages of all parties."""
    told = market.standing(UPWARD, share("platform", None, "0.02", "price", role="public"), share("platform", "<b>bank", "1/5"))
    market.done(f"/v1/agreements/{told['id']}/end", {"from": "2027-01-01", "reason": "over"})
    page = market.get("/ledger/agreements", asset="images").text
    for words in (
        "1/4 of the income",
        "0.02 of the price",
        "500.00 USD",
        "Version 2",
        "Version 1",
        "&lt;b&gt;bank",
        told["id"],
    ):
        assert words in page, words
    assert "<b>bank" not in page
    assert "收入的 1/4" in market.get("/ledger/agreements", asset="images", lang="zh").text
    assert "There is no agreement" in market.get("/ledger/agreements", asset="sounds").text
    assert market.get("/ledger/agreements", "hospital", asset="images").status_code == 403
