"""The page of the book of benefits: which agreement an exchange is under, and who has a share in it further up the chain."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from service.ledger import benefit_reading
from service.watch.round import run as watch
from service.watch.transactions import writing
from tests.service.conftest import BOTH_DATABASES, OTHERWISE, Lines
from tests.service.ledger.market import Market, held, market, share

__all__ = ["market"]
pytestmark = pytest.mark.usefixtures("audited")


def test_each_granter_has_a_share_of_what_the_one_after_it_receives(market: Market) -> None:
    """The example: the studio has 1/4 of the platform's income, the hospital 1/3 of the studio's; the price is divided by what is named."""
    market.opened("hospital")
    first = market.standing(share("studio", "hospital", "1/3"))["id"]
    second = market.standing(share("platform", "studio", "1/4"), share("platform", "bank", "0.3", "price", role="platform"))[
        "id"
    ]
    to_studio = market.commit("hospital", "studio", terms__agreement=first)
    to_platform = market.commit("studio", "platform", terms__agreement=second)
    page = market.page("platform", "stranger", terms__agreement=second, terms__price="1000.00 USD")
    assert page == {
        "on": "2026-11-25",
        "state": "read",
        "named": {
            "agreement": second,
            "version": 1,
            "payer": "exporter",
            "shares": [{"payee": "p1", "role": "platform", "ratio": "0.3", "of": "price"}],
        },
        "steps": [
            {
                "agreement": second,
                "version": 1,
                "payer": "exporter",
                "by": to_platform,
                "shares": [{"payee": "p2", "ratio": "1/4", "of": "income"}],
            },
            {
                "agreement": first,
                "version": 1,
                "payer": "p2",
                "after": 0,
                "by": to_studio,
                "shares": [{"payee": "p3", "ratio": "1/3", "of": "income"}],
            },
        ],
    }


NOBODY = "there is no agreement with this id"


def refused(market: Market, *parties: str, **more: Any) -> tuple[int, list[tuple[str, str]]]:
    """The status of an exchange that is refused, and where and why."""
    answer = market.post("/v1/evaluate", market.exchange(*parties, **more))
    return answer.status_code, [(each["pointer"], each["detail"]) for each in answer.json().get("errors", ())]


def test_an_agreement_that_is_not_one_s_own_is_refused_as_one_that_is_not_there(market: Market) -> None:
    """Of another asset, in which another one pays, only proposed, ended, or no agreement at all: the words are the same."""
    other = market.standing(share("platform", "hospital", "1/4"), asset="sounds")["id"]
    theirs = market.standing(share("studio", "hospital", "1/4"))["id"]
    proposed = market.propose(share("platform", "hospital", "1/4"))["id"]
    ended = market.standing(share("platform", "hospital", "1/4"))["id"]
    market.open(market.done(f"/v1/agreements/{ended}/end", {"from": "2026-11-25", "reason": "over"}))
    late = market.standing(share("bank", "hospital", "1/4"))["id"]
    for id in (other, theirs, proposed, ended, "none"):
        assert refused(market, "platform", "bank", terms__agreement=id) == (400, [("/terms/agreement", NOBODY)]), id
    assert refused(market, "bank", "studio", terms__agreement=late)[0] == 200
    assert refused(market, "bank", "studio", terms__agreement=late, as_of="2026-11-24") == (400, [("/terms/agreement", NOBODY)])


def test_what_is_decided_under_an_agreement_is_not_committed_once_it_has_ended(market: Market) -> None:
    """Committing looks again, within the transaction; a price that is divided by an agreement which came later is asked about, too."""
    id = market.standing(share("platform", "hospital", "1/4"))["id"]
    decided = market.evaluated("platform", "bank", terms__agreement=id)["id"]
    market.open(market.done(f"/v1/agreements/{id}/end", {"from": "2026-11-25", "reason": "over"}))
    answer = market.post("/v1/commitments", {"decision": decided})
    assert (answer.status_code, answer.json()["detail"]) == (409, f"{NOBODY}: evaluate the exchange again")
    assert market.page("platform", "bank") is None


def test_an_agreement_that_stands_and_is_not_named_is_asked(market: Market) -> None:
    """Whoever does not say who supplies is asked, too; of other assets and of who only is paid nothing is said."""
    market.standing(share("platform", "hospital", "1/4"))
    assert market.page("platform", "bank")["state"] == "asked"
    unnamed = market.exchange("platform", "bank", exporter__id=None)
    decided = market.done("/v1/evaluate", unnamed)["id"]
    assert market.get(f"/v1/decisions/{decided}").json()["record"]["request"]["books"]["benefits"]["state"] == "asked"
    assert market.page("hospital", "bank") == {"on": "2026-11-25", "state": "none"}
    assert market.page("platform", "bank", "sounds") is None
    assert market.page("platform", "bank", "", data__id=None) is None
    assert market.page("platform", "bank", "", data__id=None, terms__price="1 USD")["state"] == "unsaid"
    assert market.page("platform", "bank", "sounds", data__kind="product", terms__price="1 USD")["state"] == "unsaid"
    assert market.page("platform", "bank", "sounds", data__kind="product", data__made_from=[], terms__price="1 USD") is None


def test_shares_and_parties_that_are_stated_otherwise_than_agreed_are_refused(market: Market) -> None:
    """Those that are as agreed may be stated."""
    shares = [
        share("platform", "platform", "0.6", "price", role="provider"),
        share("platform", "bank", "0.3", "price", role="platform"),
        share("platform", None, "0.1", "price", role="public"),
    ]
    named = {"terms__agreement": market.standing(*shares)["id"], "terms__price": "10 USD"}
    agreed = {"provider": "0.6", "platform": "0.3", "public": "0.1"}
    assert refused(market, "platform", "studio", **named, terms__share=agreed)[0] == 200
    assert refused(market, "platform", "studio", **named, terms__parties__platform=["bank"])[0] == 200
    status, places = refused(market, "platform", "studio", **named, terms__share={**agreed, "platform": "0.2"})
    assert (status, [place for place, _ in places]) == (400, ["/terms/share/platform"])
    status, places = refused(market, "platform", "studio", **named, terms__parties__platform=["studio"])
    assert (status, [place for place, _ in places]) == (400, ["/terms/parties/platform"])


@pytest.mark.parametrize("gone", ["withdraw", "end"])
def test_a_share_ends_with_its_grant_unless_it_survives(market: Market, gone: str) -> None:
    """What survives is read with the chain as it stood on the last day of the grant."""
    market.opened("hospital")
    up = market.standing(share("studio", "hospital", "1/3"))["id"]
    kept, ends = share("platform", "studio", "1/4", survives=True), share("platform", "bank", "1/10")
    id = market.standing(kept, ends)["id"]
    to_studio = market.commit("hospital", "studio", terms__agreement=up)
    grant = market.commit("studio", "platform", terms__agreement=id)
    before = market.page("platform", "stranger", terms__agreement=id, terms__price="10 USD")
    assert [len(before["named"]["shares"]), *(step["by"] for step in before["steps"])] == [1, grant, to_studio]
    market.now[0] += timedelta(days=1)
    sent = {"reason": "over"} | ({"from": "2026-11-26"} if gone == "end" else {})
    market.done(f"/v1/commitments/{grant}/{gone}", sent)
    market.now[0] += timedelta(days=1)
    market.done(f"/v1/commitments/{to_studio}/{gone}", sent | ({"from": "2026-11-27"} if gone == "end" else {}))
    page = market.page("platform", "stranger", terms__agreement=id, terms__price="10 USD")
    assert "named" not in page
    assert [(step["by"], [each["ratio"] for each in step["shares"]]) for step in page["steps"]] == [
        (grant, ["1/4"]),
        (to_studio, ["1/3"]),
    ]


@pytest.mark.parametrize(
    ("zone", "granted", "withdrawn"),
    [
        ("Asia/Shanghai", "2026-11-25T18:00Z", "2026-11-25T19:00Z"),
        ("America/New_York", "2026-11-25T19:00Z", "2026-11-26T02:00Z"),
    ],
)
def test_a_withdrawn_grant_stood_until_the_day_of_the_zone(
    database: str, lines: Lines, zone: str, granted: str, withdrawn: str
) -> None:
    """Its day of UTC may be the one before, on which the grant had not begun, or the one after, on which the studio had none."""
    with held(database, lines, zone=zone) as market:
        market.opened("hospital")
        up = market.standing(share("studio", "hospital", "1/3"))["id"]
        id = market.standing(share("platform", "studio", "1/4", survives=True))["id"]
        market.now[0] = datetime.fromisoformat(granted)
        to_studio = market.commit("hospital", "studio", terms__agreement=up)
        grant = market.commit("studio", "platform", terms__agreement=id)
        tomorrow = market.service.today + timedelta(days=1)
        market.done(f"/v1/commitments/{to_studio}/end", {"from": tomorrow.isoformat(), "reason": "over"})
        market.now[0] = datetime.fromisoformat(withdrawn)
        market.done(f"/v1/commitments/{grant}/withdraw", {"reason": "over"})
        page = market.page("platform", "stranger", terms__agreement=id, terms__price="10 USD")
        assert [step["by"] for step in page["steps"]] == [grant, to_studio]


def test_what_is_made_from_others_pays_whoever_has_a_share_in_them(market: Market) -> None:
    """Each asset by its agreements; one that is neither held by an opening nor under an agreement leaves the settlement open."""
    market.opened("hospital", "scans")
    market.opened("platform", "notes")
    id = market.standing(share("platform", "hospital", "1/5"), asset="scans")["id"]
    grant = market.commit("hospital", "platform", "scans", terms__agreement=id)
    page = market.page("platform", "bank", "model", data__made_from=["scans", "notes"], terms__price="10 USD")
    assert (page["state"], [(step["by"], step["agreement"]) for step in page["steps"]]) == ("read", [("asset:2", id)])
    assert market.page("platform", "bank", "model", data__made_from=["notes"]) == {"on": "2026-11-25", "state": "none"}
    assert market.page("platform", "bank", "model", data__made_from=["maps"])["state"] == "unheld"
    assert market.page("studio", "bank", "model", data__made_from=["scans"])["state"] == "unheld"
    market.done(f"/v1/commitments/{grant}/withdraw", {"reason": "never happened"})
    assert market.page("platform", "bank", "model", data__made_from=["scans"])["state"] == "none"


def test_a_chain_that_is_not_read_to_its_end_divides_nothing(market: Market, monkeypatch: pytest.MonkeyPatch) -> None:
    """Whether it has too many steps or too many parties."""
    OTHERWISE.append("the books")  # of whoever reads with other bounds
    market.opened("hospital")
    up = market.standing(share("studio", "hospital", "1/3"))["id"]
    id = market.standing(share("platform", "studio", "1/4"))["id"]
    market.commit("hospital", "studio", terms__agreement=up)
    market.commit("studio", "platform", terms__agreement=id)
    for name, most in (("MOST_STEPS", 1), ("MOST_PARTIES", 2)):
        with monkeypatch.context() as patch:
            patch.setattr(benefit_reading, name, most)
            page = market.page("platform", "bank", terms__agreement=id, terms__price="10 USD")
            assert page == {"on": "2026-11-25", "state": "chain-too-long"}


def test_a_party_does_not_read_what_others_pay_further_up(market: Market) -> None:
    """The record of its own exchange is refused with a reason where it has steps of others; the decision is not."""
    market.opened("hospital")
    up = market.standing(share("studio", "hospital", "1/3"))["id"]
    id = market.standing(share("platform", "studio", "1/4"))["id"]
    market.commit("hospital", "studio", terms__agreement=up)
    market.commit("studio", "platform", terms__agreement=id)
    sent = market.exchange("platform", "bank", terms__agreement=id, terms__price="10 USD")
    decided = market.done("/v1/evaluate", sent, "platform")
    answer = market.get(f"/v1/decisions/{decided['id']}", "platform")
    assert (answer.status_code, up in answer.text, up in str(decided)) == (403, False, False)
    own = market.exchange("studio", "bank", terms__agreement=up, terms__price="10 USD")
    assert market.get(f"/v1/decisions/{market.done('/v1/evaluate', own, 'studio')['id']}", "studio").status_code == 200


@BOTH_DATABASES
def test_what_is_left_under_a_cap_is_what_no_running_commitment_took(market: Market) -> None:
    """Over all versions of the agreement, by currency; a withdrawal gives room back, and what a cap cuts off is not taken."""
    capped = share("platform", "hospital", "1/4", cap={"USD": "300.00", "JPY": "40"})
    id = market.standing(capped, share("platform", None, "0.02", "price", role="public", cap={"USD": "1000.00"}))["id"]
    sale = {"terms__agreement": id, "terms__price": "1000.00 USD"}

    def room() -> list[dict[str, str]]:
        return [each["room"] for each in market.page("platform", "bank", **sale)["named"]["shares"]]

    assert room() == [{"JPY": "40", "USD": "300.00"}, {"USD": "1000.00"}]
    first = market.commit("platform", "bank", **sale)
    assert room() == [{"JPY": "40", "USD": "55.00"}, {"USD": "980.00"}]
    amended = {"shares": [{**capped, "ratio": "1/5"}], "reason": "less"}
    market.open(market.done(f"/v1/agreements/{id}/amend", amended))
    assert room() == [{"JPY": "40", "USD": "55.00"}]
    market.commit("platform", "studio", **sale)
    assert room() == [{"JPY": "40", "USD": "0.00"}]
    market.done(f"/v1/commitments/{first}/withdraw", {"reason": "never paid"})
    assert room() == [{"JPY": "40", "USD": "245.00"}]


def test_what_a_payer_keeps_takes_no_room_under_a_cap(market: Market) -> None:
    """The agreement pays the platform nothing of its own sale, so what others may pay it stays."""
    capped = share("hospital", "platform", "1/3", cap={"USD": "100.00"})
    id = market.standing(share("platform", "hospital", "1/4"), capped)["id"]
    market.commit("platform", "bank", terms__agreement=id, terms__price="1000.00 USD")
    (paid,) = market.page("hospital", "bank", terms__agreement=id, terms__price="1000.00 USD")["named"]["shares"]
    assert paid["room"] == {"USD": "100.00"}


def test_a_grant_of_what_data_were_made_from_moves_no_share_of_the_price(market: Market) -> None:
    """The named agreement is of the images, whoever granted the maps: its commission is taken before its other shares."""
    market.opened("hospital", "maps")
    market.commit("hospital", "platform", "maps")
    market.standing(share("platform", "studio", "0.1"), asset="maps")
    commission = share("platform", "hospital", "0.1", "price", kind="commission")
    id = market.standing(commission, share("platform", None, "0.5", "price", role="public"))["id"]
    page = market.page("platform", "bank", terms__agreement=id, data__made_from=["maps"], terms__price="10.00 USD")
    assert [each["payee"] for each in page["named"]["shares"]] == ["p1", "role:public"]
    assert [each["by"] for each in page["steps"]] == ["asset:1"]


def test_a_commitment_keeps_the_page_that_it_was_made_with(market: Market) -> None:
    """The watch tells nothing of it when its agreement has ended: what was agreed later is for later exchanges."""
    market.opened("hospital")
    id = market.standing(share("hospital", None, "0.02", "price", role="public"))["id"]
    market.commit("hospital", "platform", terms__agreement=id, terms__price="10.00 USD")
    market.now[0] += timedelta(days=1)
    market.open(market.done(f"/v1/agreements/{id}/end", {"from": "2026-11-26", "reason": "over"}))
    market.now[0] += timedelta(days=1)
    assert watch(market.service, writing(market.service), market.now[0].date()).whole
    assert [each["kind"] for each in market.get("/v1/watch/events").json()["events"] if each["kind"] != "expected"] == []
