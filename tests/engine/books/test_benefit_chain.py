"""Benefit along the chain: who is paid what by agreements, to the unit; and what the book fills in an exchange."""

from __future__ import annotations

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

from engine.books.benefit_filling import BenefitsReader
from engine.books.benefit_page import BenefitShare, BenefitsPage, BenefitStep
from engine.books.page import read_pages
from engine.books.settlement import Settlement, SettlementFacts, settle
from engine.values import Disputed, ExactRatio, Missing, Money, Range, SetOf, Value

DAY = date(2026, 11, 25)
ROLES = ("provider", "operator", "people", "public")
WORDS = SettlementFacts(
    price="terms.price",
    shares={role: f"terms.share.{role}" for role in ROLES},
    parties={role: f"terms.parties.{role}" for role in ROLES},
    free={"terms.pricing": "free"},
    accounts=frozenset({"public"}),
    name="benefits",
    by="exporter.id",
    agreement="terms.agreement",
    made_from="data.made_from",
    named="benefits.named",
    overdue="benefits.overdue",
    settlement="benefits.settlement",
)
READER = BenefitsReader(WORDS)


def share(payee: str, ratio: str, of: str = "income", **more: Any) -> BenefitShare:
    return BenefitShare.model_validate({"payee": payee, "ratio": ratio, "of": of, **more})


def step(
    *shares: BenefitShare, payer: str = "exporter", after: int | None = None, by: str = "asset:1", agreement: str = "a"
) -> BenefitStep:
    return BenefitStep(agreement=agreement, version=1, payer=payer, after=after, by=by, shares=shares)


def page(*steps: BenefitStep, named: BenefitStep | None = None, **more: Any) -> BenefitsPage:
    return BenefitsPage.model_validate({"on": DAY, "state": "read", "named": named, "steps": steps, **more})


def values(price: str = "1000.00 CNY", shares: dict[str, str] | None = None, **more: Value) -> dict[str, Value]:
    amount, currency = price.split()
    found: dict[str, Value] = {"terms.price": Money(Decimal(amount), currency), "exporter.id": "x"}
    if shares is not None:
        found |= {fact: Range.exact(Decimal(shares.get(role, "0"))) for role, fact in WORDS.shares.items()}
    return found | {name.replace("__", "."): value for name, value in more.items()}


def settled(of: BenefitsPage | None, told: dict[str, Value]) -> Settlement:
    found = settle(WORDS, lambda fact: told.get(fact, Missing.LEFT_OUT), of)
    assert found is not None
    return found


def net(found: Settlement) -> dict[str, str]:
    """What each keeps of the price, as an amount: what it gets less what it pays on."""
    assert found.state == "settled", found
    units: dict[str, int] = {}
    for each in found.lines:
        payee = each.payee or each.party or f"role:{each.role}"
        units[payee] = units.get(payee, 0) + each.units
        if each.step is not None:
            units[each.payer] = units.get(each.payer, 0) - each.units
    assert found.price is not None
    assert sum(units.values()) == int(found.price.amount * 10**found.scale)
    return {name: found.amount(each) for name, each in units.items()}


THREE = step(
    share("exporter", "0.6", "price", role="provider"),
    share("platform", "0.3", "price", role="operator"),
    share("role:public", "0.1", "price", role="public"),
    by="",
    agreement="sale",
)
UP = (step(share("g", "1/4"), agreement="g"), step(share("h", "1/3"), payer="g", after=0, by="c1", agreement="h"))


def test_what_a_granter_receives_is_the_base_of_the_next_step_up() -> None:
    """Of a thousand the exporter has six hundred; a quarter of it goes to its granter, and a third of that further up."""
    found = settled(page(*UP, named=THREE), values())
    assert net(found) == {"exporter": "450.00", "platform": "300.00", "role:public": "100.00", "g": "100.00", "h": "50.00"}
    assert [(each.payee, each.kind, each.step, found.amount(each.base)) for each in found.lines] == [
        ("exporter", "share", None, "1000.00"),
        ("platform", "share", None, "1000.00"),
        ("role:public", "public", None, "1000.00"),
        ("g", "upward", 0, "600.00"),
        ("h", "upward", 1, "150.00"),
    ]
    assert [each.due for each in found.lines] == [None, 30, 30, 30, 30]


def test_a_third_of_what_a_third_gets_is_exact() -> None:
    """Thirds of a hundred leave one unit to the first, and nothing is lost."""
    thirds = step(*(share(each, "1/3", "price") for each in ("a", "b", "c")), by="")
    assert net(settled(page(named=thirds), values("100.00 CNY"))) == {"a": "33.34", "b": "33.33", "c": "33.33"}


def test_a_commission_comes_before_the_shares_and_a_share_of_the_price_before_one_of_the_income() -> None:
    """The shares divide what the commission leaves; further up a share of the price is one of the whole price."""
    sale = step(
        share("exporter", "0.9", "price"),
        share("role:public", "0.1", "price", role="public"),
        share("broker", "0.05", "price", kind="commission"),
        by="",
    )
    up = step(share("g", "0.5"), share("h", "0.1", "price"))
    found = settled(page(up, named=sale), values())
    # 50 for the broker; 95 and 855 of the rest; 100 of the whole price, and half of what that leaves.
    assert net(found) == {"broker": "50.00", "exporter": "377.50", "role:public": "95.00", "h": "100.00", "g": "377.50"}


def test_what_no_other_party_takes_is_the_exporters_own() -> None:
    """Without a named agreement a role's line without a party is its own, but for the public's, which has an account."""
    up = page(step(share("g", "0.5")))
    assert net(settled(up, values())) == {"exporter": "500.00", "g": "500.00"}
    stated = values(shares={"provider": "0.6", "operator": "0.3", "public": "0.1"}, terms__parties__operator="platform")
    found = settled(up, stated)
    assert [(each.role, each.party, each.payee, found.amount(each.units)) for each in found.lines] == [
        ("operator", "platform", None, "300.00"),
        ("provider", None, None, "600.00"),
        ("public", None, None, "100.00"),
        ("", None, "g", "300.00"),
    ]
    owning = stated | {"terms.parties.provider": SetOf(frozenset({"x", "other"}))}
    assert settled(up, owning).amount(settled(up, owning).upward[0].units) == "150.00"


@pytest.mark.parametrize(
    ("steps", "who"),
    [
        ((step(share("g", "0.7"), agreement="one"), step(share("h", "0.7"), agreement="two")), ("one", "two")),
        ((step(share("g", "0.7", "price"), agreement="one"),), ("one",)),
        ((*UP[:1], step(share("h", "0.2", "price"), payer="g", after=0, by="c", agreement="up")), ("up",)),
    ],
)
def test_agreements_that_give_away_more_than_a_payer_gets_exceed(steps: tuple[BenefitStep, ...], who: tuple[str, ...]) -> None:
    """The settlement says which; nothing is divided."""
    found = settled(page(*steps, named=THREE), values())
    assert (found.state, found.exceeding, found.lines) == ("exceeds", who, ())


def test_a_named_agreement_that_divides_too_much_divides_nothing_and_what_it_leaves_is_the_exporters() -> None:
    """More than one exceeds; what no other party takes the exporter has, with a share of its own and without one."""
    much = step(share("a", "0.7", "price"), share("b", "0.7", "price"), by="", agreement="sale")
    assert (settled(page(named=much), values()).state, settled(page(named=much), values()).exceeding) == ("exceeds", ("sale",))
    little = step(share("exporter", "0.6", "price"), share("b", "0.3", "price"), by="")
    assert net(settled(page(named=little), values())) == {"exporter": "700.00", "b": "300.00"}
    assert net(settled(page(named=step(share("b", "0.3", "price"), by="")), values())) == {"b": "300.00", "exporter": "700.00"}


def test_what_a_cap_cuts_off_stays_with_its_payer() -> None:
    """The room is that of the agreement and the payee, however many of its shares come out of it."""
    up = page(
        step(share("g", "0.5", room={"CNY": "120.005"}), by="asset:1"),
        step(share("g", "0.25", room={"CNY": "120.005"}), by="asset:2"),
        step(share("h", "1/2"), payer="g", after=0, by="c", agreement="h"),
    )
    assert net(settled(up, values())) == {"exporter": "880.00", "g": "60.00", "h": "60.00"}
    sale = step(share("exporter", "0.5", "price"), share("b", "0.5", "price", room={"CNY": "0"}), by="")
    assert net(settled(page(named=sale), values())) == {"exporter": "1000.00", "b": "0.00"}


def test_a_cap_that_names_no_sum_in_the_currency_leaves_the_settlement_open() -> None:
    """Nobody knows how much is left under it."""
    assert settled(page(step(share("g", "0.5", room={"EUR": "10"}))), values()).state == "cap-without-the-currency"


def test_what_the_data_were_made_from_and_a_grant_take_their_share_once() -> None:
    """However many paths reach it; by two agreements one asset may take two."""
    once = page(
        step(share("g", "0.1"), by="asset:1"),
        step(share("g", "0.1"), by="asset:1"),
        step(share("g", "0.1"), by="asset:1", agreement="b"),
        step(share("h", "0.5"), payer="g", after=0, by="c", agreement="h"),
        step(share("h", "0.5"), payer="g", after=2, by="c", agreement="h"),
    )
    assert net(settled(once, values())) == {"exporter": "800.00", "g": "150.00", "h": "50.00"}


def test_one_agreement_takes_its_share_of_each_payer_once() -> None:
    """It may say what a granter gets, and what that one passes on."""
    both = page(
        step(share("g", "0.5"), by="c1"),
        step(share("h", "0.5"), payer="g", after=0, by="c1"),
        step(share("h", "0.5"), payer="g", after=0, by="c1"),
    )
    assert net(settled(both, values())) == {"exporter": "500.00", "g": "250.00", "h": "250.00"}


def test_a_price_that_follows_from_reports_is_not_reported_until_one_is_made() -> None:
    """It is no price of nought, and nothing is asked; a price that is stated is divided."""
    told = values()
    price = told.pop("terms.price")
    reported = page(*UP, named=THREE, pricing={"kind": "per-unit", "amount": "2 CNY", "unit": "call"})
    assert (settled(reported, told).state, filled(reported, told)[0]) == ("not-reported", "not-reported")
    assert settled(reported, told | {"terms.price": price}).state == "settled"
    fixed = page(*UP, named=THREE, pricing={"kind": "fixed", "amount": "1000.00 CNY"})
    assert settled(fixed, told).state == "price-unknown"


def test_a_share_of_the_price_for_the_granter_counts_for_its_role() -> None:
    """The chain goes on from it, so it stands further up; the share of the role is what the agreement says."""
    sale = step(share("exporter", "0.6", "price", role="provider"), by="", agreement="sale")
    up = step(share("g", "0.4", "price", role="operator"), by="c1", agreement="sale")
    found = READER.fill(page(up, named=sale), values()).values
    assert found["terms.share.operator"] == Range.exact(Decimal("0.4"))
    assert net(settled(page(up, named=sale), values())) == {"exporter": "600.00", "g": "400.00"}


def test_a_path_that_comes_back_ends_there() -> None:
    """A party that has paid on the path is paid, and does not pay a second time; what hangs on it is gone too."""
    back = page(
        step(share("g", "0.5")),
        step(share("exporter", "0.5"), payer="g", after=0, by="c1", agreement="b"),
        step(share("g", "0.5"), payer="exporter", after=1, by="c2", agreement="c"),
        step(share("h", "0.5"), payer="g", after=2, by="c3", agreement="d"),
    )
    assert net(settled(back, values())) == {"exporter": "750.00", "g": "250.00"}


def test_a_share_lasts_until_its_last_day() -> None:
    """On that day it is paid, and later not."""
    for until, gets in ((DAY, "500.00"), (date(2026, 11, 24), None)):
        assert net(settled(page(step(share("g", "0.5", until=until))), values())).get("g") == gets


@pytest.mark.parametrize(
    ("state", "expected"),
    [("asked", "agreement-not-named"), ("unheld", "asset-not-held"), ("chain-too-long", "chain-too-long")],
)
def test_what_is_not_read_to_its_end_divides_nothing(state: str, expected: str) -> None:
    """The word says why; with a price of nothing there is nothing to divide."""
    assert settled(page(*UP, state=state), values()).state == expected
    assert settled(page(*UP, state=state), values("0 CNY")).state == "nothing-payable"


def test_what_is_left_of_a_price_after_a_refund_is_divided_by_the_same_agreements() -> None:
    """With the room under the caps that the exchange had."""
    told = values()
    found = settle(WORDS, lambda fact: told.get(fact, Missing.LEFT_OUT), page(*UP, named=THREE), Money(Decimal(100), "CNY"))
    assert found is not None
    assert net(found) == {"exporter": "45.00", "platform": "30.00", "role:public": "10.00", "g": "10.00", "h": "5.00"}


# --- what the book fills ----------------------------------------------------------------------------------------------


def filled(of: BenefitsPage | None, told: dict[str, Value]) -> tuple[Value | None, Value | None, Value | None]:
    found = READER.fill(of, told).values
    return found.get("benefits.settlement"), found.get("benefits.named"), found.get("benefits.overdue")


def test_an_exchange_without_a_price_and_shares_has_nothing_to_settle() -> None:
    """It is known that nothing is owed; whether everybody is named is not, and the shares are asked for."""
    entry = READER.fill(None, {})
    assert filled(None, {}) == ("nothing", None, Range.exact(0))
    assert set(entry.asks["benefits.named"]) == set(WORDS.shares.values())


@pytest.mark.parametrize(
    ("shares", "parties", "named"),
    [
        ({"provider": "0.9", "public": "0.1"}, {"provider": "agency"}, True),
        ({"provider": "0.9", "public": "0.1"}, {}, False),
        ({"provider": "0.9", "people": "0.1"}, {"provider": "agency"}, False),
        ({"public": "1"}, {}, True),
        ({"provider": "1"}, {"provider": SetOf(frozenset())}, False),
        ({"provider": "1"}, {"provider": Missing.UNKNOWN}, None),
    ],
)
def test_each_role_with_a_share_names_a_party_but_those_with_an_account(
    shares: dict[str, str], parties: dict[str, Value], named: bool | None
) -> None:
    """The people the data are about have no account: somebody takes their share for them."""
    told = values(shares=shares) | {f"terms.parties.{role}": party for role, party in parties.items()}
    assert filled(None, told)[1] == named


def test_a_share_that_is_not_known_leaves_open_whether_everybody_is_named() -> None:
    """It may be nought; a role that certainly has a share and no party decides all the same."""
    told: dict[str, Value] = {"terms.share.provider": Range.exact(1), "terms.parties.provider": "agency"}
    assert filled(None, told)[1] is None
    assert filled(None, {**told, "terms.share.people": Range.exact(Decimal("0.1"))})[1] is False


def test_a_price_that_is_not_divided_is_open_only_where_an_agreement_gives_a_share() -> None:
    """Without one nobody is owed; with one the sender is asked for what it can say, and the rest is open."""
    told = values()
    del told["terms.price"]
    assert filled(None, told | {"terms.share.provider": Range.exact(1)})[0] == "undivided"
    assert filled(page(*UP), told)[0] is Missing.UNKNOWN
    assert READER.fill(page(*UP), told).asks["benefits.settlement"] == ("terms.price",)
    asked = READER.fill(page(state="asked"), values())
    assert (asked.values["benefits.settlement"], asked.asks["benefits.settlement"]) == (Missing.UNKNOWN, ("terms.agreement",))
    sources = READER.fill(page(*UP), values(data__made_from=Missing.UNKNOWN))
    assert (sources.values["benefits.settlement"], sources.asks["benefits.settlement"]) == (
        Missing.UNKNOWN,
        ("data.made_from",),
    )
    assert filled(page(state="unheld"), values())[0] == "open"
    assert filled(page(state="none"), told)[0] == "nothing"


def test_the_shares_of_an_agreement_follow_from_it_as_fractions() -> None:
    """A share of the income is one of what the shares of the price leave. A share that is stated otherwise is open between both."""
    sale = step(
        share("exporter", "2/3", role="provider"),
        share("p1", "1/3", role="operator"),
        share("role:public", "0.1", "price", role="public"),
        by="",
    )
    entry = READER.fill(page(named=sale, overdue=2), values())
    assert {role: entry.values[fact] for role, fact in WORDS.shares.items()} == {
        "provider": Range.exact(Decimal("0.6")),
        "operator": Range.exact(Decimal("0.3")),
        "people": Range.exact(0),
        "public": Range.exact(Decimal("0.1")),
    }
    assert (entry.values["benefits.named"], entry.values["benefits.overdue"]) == (True, Range.exact(2))
    stated = READER.fill(page(named=sale), values(shares={"provider": "1"})).values["terms.share.provider"]
    assert stated == Disputed(Range.exact(1), Range.exact(Decimal("0.6")))
    third = READER.fill(page(named=step(share("p1", "1/3", "price", role="provider"), by="")), values())
    assert third.values["terms.share.provider"] == Range.exact(ExactRatio(1, 3))


def test_a_payee_without_a_name_is_named_only_where_the_role_has_an_account() -> None:
    """An agreement may pay the account of a role."""
    for role, named in (("public", True), ("people", False)):
        sale = step(share("exporter", "0.9", "price"), share(f"role:{role}", "0.1", "price", role=role), by="")
        assert filled(page(named=sale), values())[1] is named
        assert filled(page(step(share(f"role:{role}", "0.1", role=role))), values(shares={"public": "1"}))[1] is named


@pytest.mark.parametrize(
    "wrong",
    [
        {"ratio": "1/0"},
        {"ratio": "-1"},
        {"ratio": "1e3"},
        {"room": {"CNY": "-1"}},
        {"name": "G"},
        {"payee": ""},
    ],
)
def test_a_page_that_is_none_is_refused_with_its_place(wrong: dict[str, Any]) -> None:
    """Nothing in it is read that its form does not have."""
    good = {"payee": "p1", "ratio": "1/3", "of": "income"}
    sent = {
        "on": "2026-11-25",
        "state": "read",
        "steps": [{"agreement": "a", "version": 1, "payer": "exporter", "shares": [good]}],
    }
    assert read_pages({"benefits": sent}, (), "benefits")
    sent["steps"][0]["shares"] = [good | wrong]  # type: ignore[index]
    with pytest.raises(ValueError, match=r"steps\.0\.shares\.0"):
        read_pages({"benefits": sent}, (), "benefits")
