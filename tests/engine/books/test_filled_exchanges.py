"""Exchanges that the book of rights fills, decided by the bundled policies: the power company's product of policies/factor."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import replace
from datetime import date
from typing import Any

import pytest
import yaml

import engine
from engine.authoring.testing import build
from engine.books.grants import PERPETUAL, Grant
from engine.books.page import Page
from engine.deciding.judgement import Judgement
from engine.exchange import Exchange
from engine.values import Disputed, Duration, SetOf

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

    def page(self, *lines: Grant, holder: str | None = "B", complete: bool = False) -> Page:
        return self.reader.books[0].reckoner.page([*A_HAS, *lines], holder, "C", DAY, complete)

    def exchange(self, page: Page | None, change: Mapping[str, Any] | None = None) -> Exchange:
        flat = {name: value for name, value in (self.sent | dict(change or {})).items() if value is not None}
        exchange = build(self.pdp.bundle, flat)
        return exchange if page is None else self.reader.with_books(exchange, {"data-rights": page})

    def judged(self, page: Page | None, change: Mapping[str, Any] | None = None) -> Judgement:
        return self.pdp.judge(self.exchange(page, change), as_of=DAY)

    def outcome(self, page: Page | None, change: Mapping[str, Any] | None = None) -> tuple[str, list[str]]:
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


@pytest.mark.parametrize(
    ("change", "limit"),
    [
        ({"terms.term": "5 years"}, "term"),
        ({"terms.territory": ["KE", "CN"]}, "territory"),
        ({"terms.purposes": ["green-transition", "industry"]}, "purpose"),
        ({"rights.conveyed": ["use", "hold"]}, "right"),
    ],
)
def test_what_goes_beyond_its_own_limits_is_not_let_through(sale: Sale, change: dict[str, Any], limit: str) -> None:
    page = sale.page(USE, OPERATE, complete=True)
    exchange = sale.exchange(page, change)
    assert exchange.values["rights.beyond"] == SetOf(frozenset((limit,)))
    # Raw data are looked at anyway, so that nothing but the proof of the right is open.
    assert sale.outcome(page, change) == ("review" if limit == "right" else "requirements_unmet", [])
    assert sale.outcome(sale.page(USE, OPERATE), change) == ("review" if limit == "right" else "undetermined", [PROOF])


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


def account(sale: Sale, page: Page | None, change: Mapping[str, Any] | None = None, lang: str = "en") -> dict[str, Any]:
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
