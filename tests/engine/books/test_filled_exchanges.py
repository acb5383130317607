"""Exchanges that the books of rights and benefits fill, decided by the bundled policies: the power company's product of policies/factor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from decimal import Decimal
from typing import Any

import pytest
import yaml

import engine
from engine.authoring.testing import build
from engine.books.grants import PERPETUAL, Grant
from engine.books.page import RightsPage
from engine.deciding.judgement import Judgement
from engine.exchange import Exchange
from engine.values import Disputed, Duration, ExactRatio, Missing, Money, Range, SetOf

DAY = date(2026, 11, 24)
PROOF = "evidence.rights-beyond-the-book"
A_HAS = tuple(
    Grant(
        "opened", right, None, "A", frozenset(["green-transition"]), frozenset(["worldwide"]), date(2025, 1, 1), PERPETUAL, None,
        True, 0, opened=True,
    )
    for right in ("hold", "use", "operate")
)  # fmt: skip


def grant(id: str, right: str, granter: str, holder: str, order: int, **more: object) -> Grant:
    line = Grant(
        id, right, granter, holder, frozenset(["green-transition"]), frozenset(["KE"]), date(2026, 1, 1), date(2029, 6, 1), False,
        True, order,
    )  # fmt: skip
    return replace(line, **more)  # type: ignore[arg-type]


USE, OPERATE = grant("c1", "use", "A", "B", 1), grant("c2", "operate", "A", "B", 2)


@pytest.fixture(scope="module")
def pdp() -> engine.PDP:
    return engine.PDP(engine.load(engine.bundled_policies()), "checked")


class Sale:
    """B's supply of its product to C, with what the book says of B."""

    def __init__(self, pdp: engine.PDP) -> None:
        self.pdp = pdp
        self.reader = pdp.bundle.reader
        name = engine.bundled_policies() / "factor" / "data-twenty.test.yaml"
        self.sent: dict[str, Any] = yaml.load(name.read_bytes(), Loader=yaml.BaseLoader)["exchange"]
        self.sent |= {"data.id": "readings", "exporter.id": "B", "recipient.id": "C"}

    def page(self, *lines: Grant, holder: str | None = "B", complete: bool = False) -> RightsPage:
        return self.reader.books[0].reckoner.page([*A_HAS, *lines], holder, "C", DAY, complete)

    def exchange(self, page: RightsPage | None, change: Mapping[str, Any] | None = None) -> Exchange:
        flat = {name: value for name, value in (self.sent | dict(change or {})).items() if value is not None}
        exchange = build(self.pdp.bundle, flat)
        return exchange if page is None else self.reader.with_books(exchange, {"data-rights": page})

    def judged(self, page: RightsPage | None, change: Mapping[str, Any] | None = None) -> Judgement:
        return self.pdp.judge(self.exchange(page, change), as_of=DAY)

    def outcome(self, page: RightsPage | None, change: Mapping[str, Any] | None = None) -> tuple[str, list[str]]:
        judged = self.judged(page, change)
        assert judged.agreed
        return judged.outcome.word, list(judged.open_facts)


@pytest.fixture
def sale(pdp: engine.PDP) -> Sale:
    return Sale(pdp)


def test_without_a_line_of_the_asset_what_is_stated_counts_as_before(sale: Sale) -> None:
    assert sale.outcome(None) == ("permitted", [])
    named = {each.fact: each.source for each in sale.pdp.rests_on(sale.judged(None))}
    assert named["rights.held"] == "stated"
    assert not {"rights.beyond", "rights.bound_elsewhere", "rights.encumbered"} & named.keys()


def test_a_right_that_was_not_granted_is_asked_about_where_the_book_is_not_complete(sale: Sale) -> None:
    assert sale.outcome(sale.page(USE)) == ("undetermined", [PROOF])
    shown = {PROOF: {"dated": "2026-01-01", "covers": "yes"}}
    assert sale.outcome(sale.page(USE), shown) == ("permitted", [])
    assert PROOF in {each.fact for each in sale.pdp.rests_on(sale.judged(sale.page(USE), shown))}
    assert sale.outcome(sale.page(USE), {PROOF: "none"}) == ("requirements_unmet", [])
    assert sale.outcome(sale.page(USE), {PROOF: {"dated": "2027-01-01", "covers": "yes"}})[0] == "undetermined"


def test_a_right_that_was_not_granted_is_contradicted_where_the_book_is_complete(sale: Sale) -> None:
    page = sale.page(USE, complete=True)
    assert sale.outcome(page) == ("requirements_unmet", [])
    assert sale.outcome(page, {PROOF: {"dated": "2026-01-01", "covers": "yes"}})[0] == "requirements_unmet"
    written = sale.pdp.write(sale.exchange(page), as_of=DAY, today=DAY, id="x")
    assert "the book of rights in data contradicts what was stated" in written.answer
    (disputed,) = written.disputed
    assert (disputed.fact, disputed.stated, disputed.registered) == ("rights.held", ["operate", "use"], ["use"])
    assert (disputed.entity, disputed.kind) == ("data.id", "data-rights")


def test_what_was_granted_is_filled_in_and_counted(sale: Sale) -> None:
    for change in ({}, {"rights.held": None}):
        judged = sale.judged(sale.page(USE, OPERATE), change)
        assert judged.outcome.word == "permitted"
        named = {each.fact: each.source for each in sale.pdp.rests_on(judged)}
        for fact in ("rights.held", "rights.beyond", "rights.bound_elsewhere", "rights.encumbered"):
            assert named[fact] == "counted"
        assert named["exporter.id"] == named["data.id"] == "stated"
    registered = sale.judged(sale.page(holder="A"), {"exporter.id": "A"})
    assert {each.fact: each.source for each in sale.pdp.rests_on(registered)}["rights.held"] == "registered"


BEYOND: dict[str, dict[str, Any]] = {
    "term": {"terms.term": "5 years"},
    "territory": {"terms.territory": ["KE", "CN"]},
    "purpose": {"terms.purposes": ["green-transition", "industry"]},
    "right": {"rights.conveyed": ["use", "hold"]},
}


@pytest.mark.parametrize("limit", BEYOND)
def test_what_goes_beyond_its_own_limits_is_not_let_through(sale: Sale, limit: str) -> None:
    page, change = sale.page(USE, OPERATE, complete=True), BEYOND[limit]
    exchange = sale.exchange(page, change)
    assert exchange.values["rights.beyond"] == SetOf(frozenset((limit,)))
    assert sale.outcome(page, change) == ("requirements_unmet", [])
    # Raw data are looked at anyway, so that nothing but the proof of the right is open.
    assert sale.outcome(sale.page(USE, OPERATE), change) == ("review" if limit == "right" else "undetermined", [PROOF])


def test_every_limit_that_an_exchange_goes_beyond_is_named(sale: Sale) -> None:
    change = {fact: value for each in BEYOND.values() for fact, value in each.items()}
    kept = [replace(each, onward=False) for each in (USE, OPERATE)]
    for number in range(1, len(BEYOND) + 1):
        some = [*BEYOND][:number]
        few = {fact: value for limit in some for fact, value in BEYOND[limit].items()}
        assert sale.exchange(sale.page(USE, OPERATE, complete=True), few).values["rights.beyond"] == SetOf(frozenset(some))
    assert sale.exchange(sale.page(*kept, complete=True), change).values["rights.beyond"] == SetOf(
        frozenset((*BEYOND, "onward"))
    )
    lines = account(sale, sale.page(*kept, complete=True), change)
    assert lines["beyond"]["value"] == sorted((*BEYOND, "onward"))


def test_two_lines_of_which_neither_may_be_passed_on_for_so_long_are_gone_beyond_in_both_limits(sale: Sale) -> None:
    short, kept = replace(USE, until=date(2027, 1, 1)), replace(USE, id="c3", onward=False, order=3)
    exchange = sale.exchange(sale.page(short, kept, complete=True), {"rights.conveyed": ["use"], "terms.term": "1 year"})
    assert exchange.values["rights.beyond"] == SetOf(frozenset(("term", "onward")))


def test_a_right_that_one_never_had_is_not_sold_though_the_book_is_complete(sale: Sale) -> None:
    """Outside China no norm looks at it: what the parties promised does."""
    british = {"exporter.country": "GB", "rights.conveyed": ["hold"], "rights.held": None}
    judged = sale.judged(sale.page(USE, OPERATE, complete=True), british)
    assert judged.exchange.values["rights.beyond"] == SetOf(frozenset(("right",)))
    assert judged.outcome.jurisdictions["CONTRACT"].low.word == "requirements_unmet"


def test_a_promise_of_onward_supply_is_kept_whatever_norms_say(sale: Sale) -> None:
    kept = [replace(each, onward=False) for each in (USE, OPERATE)]
    judged = sale.judged(sale.page(*kept, complete=True))
    assert judged.outcome.jurisdictions["CONTRACT"].low.word == "requirements_unmet"
    agreed = {"evidence.granter-consent": {"dated": "2026-11-01", "covers": "yes"}}
    assert sale.judged(sale.page(*kept, complete=True), agreed).outcome.jurisdictions["CONTRACT"].low.word == "permitted"


def test_an_exclusive_grant_stands_in_the_way_where_purpose_place_and_time_meet(sale: Sale) -> None:
    exclusive = grant("x", "use", "B", "D", 3, exclusive=True)
    assert sale.outcome(sale.page(USE, OPERATE, exclusive)) == ("requirements_unmet", [])
    elsewhere = replace(exclusive, territory=frozenset(["CN"]))
    assert sale.outcome(sale.page(USE, OPERATE, elsewhere)) == ("permitted", [])
    over = replace(exclusive, until=date(2026, 11, 23))
    assert sale.outcome(sale.page(USE, OPERATE, over)) == ("permitted", [])
    unknown = replace(exclusive, exclusive=None)
    assert sale.outcome(sale.page(USE, OPERATE, unknown))[0] in ("undetermined", "review")
    open_, asked = sale.outcome(sale.page(USE, OPERATE, elsewhere), {"terms.territory": None})
    assert (open_, asked[:1]) == ("undetermined", ["terms.territory"])


@pytest.mark.parametrize("role", ["controller", "processor"])
def test_an_exclusive_grant_is_not_evaded_by_conveying_nothing(sale: Sale, role: str) -> None:
    exclusive = grant("x", "use", "B", "D", 3, exclusive=True)
    change: dict[str, Any] = {"rights.conveyed": [], "recipient.role": role}
    judged = sale.judged(sale.page(USE, OPERATE, exclusive), change)
    assert judged.exchange.values["rights.bound_elsewhere"] is True
    promised = judged.outcome.jurisdictions.get("CONTRACT")
    assert (promised.high.word if promised else "") == ("requirements_unmet" if role == "controller" else "")
    nowhere = change | {"terms.purposes": None, "terms.territory": None}
    judged = sale.judged(sale.page(USE, OPERATE, exclusive), nowhere)
    assert judged.exchange.values["rights.bound_elsewhere"] is Missing.UNKNOWN
    assert judged.exchange.asked_for("rights.bound_elsewhere") == ("terms.purposes", "terms.territory")
    for limit in ("terms.purposes", "terms.territory"):
        assert sale.exchange(sale.page(USE, OPERATE, exclusive), change | {limit: []}).values["rights.bound_elsewhere"] is True


def test_a_consent_that_is_older_than_the_exclusive_grant_is_none(sale: Sale) -> None:
    page = sale.page(USE, OPERATE, grant("x", "use", "B", "D", 3, exclusive=True))  # since 2026-01-01
    for dated, word in (("2026-01-01", "permitted"), ("2025-12-31", "requirements_unmet")):
        shown = {"evidence.exclusive-holder-consent": {"dated": dated, "covers": "yes"}}
        assert sale.judged(page, shown).outcome.jurisdictions["CONTRACT"].high.word == word
    undated = {"evidence.exclusive-holder-consent": {"covers": "yes"}}
    assert "evidence.exclusive-holder-consent.dated" in sale.outcome(page, undated)[1]
    newest = sale.page(
        USE, OPERATE, grant("x", "use", "B", "D", 3, exclusive=True),
        grant("y", "use", "B", "E", 4, exclusive=True, first=date(2026, 6, 1)),
    )  # fmt: skip
    between = {"evidence.exclusive-holder-consent": {"dated": "2026-03-01", "covers": "yes"}}
    assert sale.judged(newest, between).outcome.jurisdictions["CONTRACT"].high.word == "requirements_unmet"


def test_an_asset_that_is_not_named_is_asked_for_where_rights_are_spoken_of(sale: Sale) -> None:
    unnamed: dict[str, Any] = {"data.id": None}
    assert sale.outcome(None, unnamed) == ("undetermined", ["data.id"])
    assert sale.outcome(None, {"data.id": "unknown"})[0] != "permitted"
    exchange = sale.exchange(None, unnamed)
    assert exchange.with_values({"data.id": "readings"}).values == sale.exchange(None).values
    use = SetOf(frozenset(("use",)))
    spoken = sale.exchange(None, unnamed | {"rights.conveyed": None}).with_values({"rights.conveyed": use})
    assert spoken.values["rights.bound_elsewhere"] is Missing.UNKNOWN
    nothing = sale.exchange(None, unnamed | {"rights.conveyed": []})
    assert nothing.values["rights.bound_elsewhere"] is Missing.UNKNOWN
    assert nothing.values["rights.beyond"] == SetOf(frozenset())
    silent = sale.exchange(None, unnamed | {"rights.conveyed": None})
    assert silent.values["rights.bound_elsewhere"] is False


def test_an_exclusive_grant_beside_earlier_ones_is_looked_at(sale: Sale) -> None:
    earlier = grant("c3", "use", "B", "D", 3)
    assert sale.judged(sale.page(USE, OPERATE, earlier)).outcome.word == "permitted"
    judged = sale.judged(sale.page(USE, OPERATE, earlier), {"terms.exclusive": "yes"})
    assert judged.outcome.jurisdictions["CONTRACT"].low.word == "review"
    assert "terms.exclusive" in sale.outcome(sale.page(USE, OPERATE, earlier), {"terms.exclusive": None})[1]


def test_an_exporter_that_is_not_named_is_asked_for(sale: Sale) -> None:
    assert sale.outcome(sale.page(USE, holder=None), {"exporter.id": None}) == ("undetermined", ["exporter.id"])


def test_an_answer_is_held_against_the_page_again(sale: Sale) -> None:
    exchange = sale.exchange(sale.page(USE, OPERATE, complete=True), {"terms.term": None})
    assert exchange.values["rights.beyond"].open  # type: ignore[union-attr]
    assert exchange.with_values({"terms.term": Duration(months=12)}).values["rights.beyond"] == SetOf(frozenset())
    assert exchange.with_values({"terms.term": Duration(months=120)}).values["rights.beyond"] == SetOf(frozenset(("term",)))


def test_a_filled_exchange_reads_the_same_from_its_document(sale: Sale) -> None:
    for page in (sale.page(USE), sale.page(USE, OPERATE, complete=True), sale.page(holder=None)):
        exchange = sale.exchange(page)
        again = sale.reader.read(json.dumps(exchange.document).encode())
        assert (again.values, again.sources, again.follows) == (exchange.values, exchange.sources, exchange.follows)
        assert sale.reader.with_books(again, {}).values == sale.exchange(None).values


def test_nobody_states_what_the_book_says(sale: Sale) -> None:
    with pytest.raises(engine.ExchangeRefused, match="only the register may state this"):
        build(sale.pdp.bundle, {"rights.beyond": []})
    with pytest.raises(engine.ExchangeRefused, match="/books"):
        sale.reader.read(b'{"books": {"data-rights": {"on": "2026-11-24", "holder": "B"}}}')


def account(sale: Sale, page: RightsPage | None, change: Mapping[str, Any] | None = None, lang: str = "en") -> dict[str, Any]:
    """What is computed of rights, by line."""
    told = json.loads(sale.pdp.explain(sale.judged(page, change), today=DAY, id="x", parts=("factor",), lang=lang))
    group = told["factor"]["computed"].get("data-rights", {"lines": []})
    return {line["name"]: line for line in group["lines"]}


def test_the_account_tells_the_rights_before_and_after_and_the_commitments_behind_them(sale: Sale) -> None:
    exclusive = grant("x", "use", "B", "D", 3, exclusive=True)
    lines = account(sale, sale.page(USE, OPERATE, exclusive, complete=True), {"terms.term": "5 years"})
    assert lines["before"]["state"] == "complete"
    assert [(each["right"], each["by"]) for each in lines["before"]["value"]] == [
        ("use", ["c1", "opened"]),
        ("operate", ["c2", "opened"]),
    ]
    assert "right to process and use data (green transition, Kenya, until 2029-06-01; by c1)" in lines["before"]["says"]
    assert lines["after"]["says"] == "right to process and use data (green transition, Kenya, 5 years)"
    assert (lines["beyond"]["value"], lines["beyond"]["says"]) == (["term"], "term")
    assert lines["exclusive"]["value"] == ["x"]
    assert "earlier" not in lines
    assert account(sale, None) == {}
    chinese = account(sale, sale.page(USE), lang="zh")
    assert "权利簿可能不完整" in chinese["before"]["says"]


def test_who_says_that_there_is_no_proof_is_held_to_the_book_though_a_line_of_it_is_not_proven(sale: Sale) -> None:
    unproven = replace(USE, granter="nobody here")
    assert sale.outcome(sale.page(unproven)) == ("undetermined", [PROOF])
    judged = sale.judged(sale.page(unproven), {PROOF: "none"})
    assert judged.outcome.bounds.low.word == "requirements_unmet"
    assert judged.exchange.values["rights.held"] == Disputed(SetOf(frozenset(("use", "operate"))), SetOf(frozenset()))


# --- the book of benefits -----------------------------------------------------------------------------------------------

NAMED = {
    "agreement": "sale", "version": 1, "payer": "exporter",
    "shares": [
        {"payee": "exporter", "role": "operator", "ratio": "2/3", "of": "price"},
        {"payee": "p1", "role": "provider", "ratio": "1/3", "of": "price"},
    ],
}  # fmt: skip
UP = {
    "agreement": "images", "version": 1, "payer": "exporter", "by": "asset:1",
    "shares": [{"payee": "p2", "ratio": "1/7", "of": "income"}],
}  # fmt: skip
PRICED = {"terms.price": "1000.00 CNY", "terms.pricing": "market-negotiated", "data.made_from": [], "terms.agreement": "sale"}


class Benefits(Sale):
    """The same with what the book of benefits says."""

    def sold(self, page: Mapping[str, Any] | None, change: Mapping[str, Any] | None = None) -> Exchange:
        bare = {name: None for name in self.sent if name.startswith(("terms.share", "terms.parties"))}
        exchange = self.exchange(None, bare | PRICED | dict(change or {}))
        if page is None:
            return exchange
        said = {"on": DAY.isoformat(), "state": "read", **page}
        return self.reader.with_books(exchange, {"benefits": engine.BenefitsPage.model_validate(said)})

    def said(self, page: Mapping[str, Any] | None, change: Mapping[str, Any] | None = None) -> tuple[str, list[str]]:
        judged = self.pdp.judge(self.sold(page, change), as_of=DAY)
        assert judged.agreed
        contract = judged.outcome.jurisdictions.get("CONTRACT")
        return contract.high.word if contract else "nothing", list(judged.open_facts)


@pytest.fixture
def benefits(pdp: engine.PDP) -> Benefits:
    return Benefits(pdp)


def test_what_an_agreement_gives_others_is_settled_before_the_data_go(benefits: Benefits) -> None:
    """All engines read the shares as fractions; what can be said is asked for, and what cannot is required."""
    assert benefits.said({"named": NAMED, "steps": [UP]})[0] == "nothing"
    word, asked = benefits.said({"named": NAMED, "steps": [UP]}, {"terms.price": None})
    assert (word, "terms.price" in asked) == ("requirements_unmet", True)
    word, asked = benefits.said({"state": "asked"}, {"terms.agreement": None})
    assert (word, "terms.agreement" in asked) == ("requirements_unmet", True)
    assert benefits.said({"state": "unheld"})[0] == "requirements_unmet"
    much = UP | {"shares": [{"payee": "p2", "ratio": "0.7", "of": "price"}]}
    assert benefits.said({"named": NAMED, "steps": [much]})[0] == "requirements_unmet"
    assert benefits.said({"state": "chain-too-long"})[0] == "review"
    assert benefits.said({"state": "none"})[0] == "nothing"


def test_an_exchange_with_a_page_of_benefits_reads_the_same_from_its_document(benefits: Benefits) -> None:
    """Its shares follow from the agreement; one that is stated otherwise is refused at its place."""
    sold = benefits.sold({"named": NAMED, "steps": [UP], "overdue": 1})
    assert sold.values["terms.share.provider"] == Range.exact(ExactRatio(1, 3))
    again = benefits.reader.read(json.dumps(sold.document).encode())
    assert (again.values, again.sources, again.follows) == (sold.values, sold.sources, sold.follows)
    assert benefits.reader.with_books(again, {}).values == benefits.sold(None).values
    with pytest.raises(engine.ExchangeRefused) as refused:
        benefits.reader.accept({**sold.document, "terms": {**sold.document["terms"], "share": {"provider": "0.333333"}}})
    assert [(each.pointer, each.code) for each in refused.value.problems] == [("/terms/share/provider", engine.INCOHERENT)]
    benefits.reader.accept({**sold.document, "terms": {**sold.document["terms"], "share": {"provider": "2/6"}}})


def test_the_account_shows_the_lines_of_the_price_and_apart_those_further_up(benefits: Benefits) -> None:
    """It names nobody, but by keys."""
    sold = benefits.sold({"named": NAMED, "steps": [UP]})
    judged = benefits.pdp.judge(sold, as_of=DAY)
    told = json.loads(benefits.pdp.explain(judged, today=DAY, id="x", parts=("factor",)))["factor"]
    settlement = told["settlement"]
    assert settlement["state"] == "settled"
    assert [(each["role"], each["share"], each["party"], each["amount"]) for each in settlement["lines"]] == [
        ("operator", "2/3", "exporter", "666.67"),
        ("provider", "1/3", "p1", "333.33"),
    ]
    assert settlement["upward"] == [
        {
            "title": "a party to the agreement",
            "share": "1/7",
            "kind": "upward",
            "party": "p2",
            "agreement": "images",
            "step": 0,
            "payer": "exporter",
            "base": "666.67",
            "amount": "95.24",
        }
    ]
    (total,) = (each for group in told["computed"].values() for each in group["lines"] if "terms.share" in each["facts"])
    assert total["state"] == "closed"


def test_an_answer_is_settled_again(benefits: Benefits) -> None:
    """A price that is answered divides; ordinary exchanges have nothing to settle."""
    sold = benefits.sold({"named": NAMED, "steps": [UP]}, {"terms.price": None})
    assert sold.values["benefits.settlement"] is Missing.UNKNOWN
    assert sold.with_values({"terms.price": Money(Decimal(7), "CNY")}).values["benefits.settlement"] == "settled"
    assert benefits.exchange(None, {"terms.price": None}).values["benefits.settlement"] != "open"
