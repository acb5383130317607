"""
Random ledgers through the service, against the plain models of pages, of chains and of payments in one.

Several assets with agreements, grants under them and without, products, caps, prices, and what ends, is withdrawn, refunded and paid in
parts. After each step each row of the book is what the models say. `make fuzz` makes ledger after ledger, in both databases; FUZZ_LEDGERS
says how many.
"""

import os
import random
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from fractions import Fraction
from pathlib import Path
from typing import Any

import pytest

import engine
from engine.books.benefit_page import BenefitShare, BenefitsPage, BenefitStep
from tests.chance import seed, some
from tests.engine.books import test_benefit_chain_random as chains
from tests.service.callers.test_callers import bearer
from tests.service.conftest import Lines, copied, unlike_the_leaves
from tests.service.databases import KINDS
from tests.service.ledger.market import PARTIES, POLICIES, Market, held, share
from tests.service.ledger.test_benefit_pages_random import World
from tests.service.ledger.test_benefit_payment_model import SCALE, Line, Model, Sale
from tests.service.ledger.test_shares import told

LEDGERS = int(os.environ.get("FUZZ_LEDGERS", "200"))  # of each kind of database
STEPS = 60  # of a ledger of the long run
ASSETS = ["images", "model", "notes"]
STATED = {"provider": "0.5", "platform": "0.3", "public": "0.2", "rest": "0"}
PUBLIC = "role:public"
SHARE = "ledger.share.exporter-purpose"
LEAST = 3, 2  # exchanges and exporters

# What the policies of the market have beside: how much of the ledger is its exporter's. The rule reads it and holds nobody up.
BESIDE = {
    "vocabulary.yaml": {
        "\nfacts:\n": """
facts:
  ledger.share: {type: ratio, by: side, title: share of this ledger, from: register-only, change: no}
""",
        "\nvalues:\n": """
shares:
  ledger.share:
    title: shares of this ledger
    least: {exchanges: 3, parties: 2}
    members:
      exporter-purpose: {of: exporter.id, by: terms.purposes}

values:
  side: {title: side, values: [exporter-purpose]}
""",
    },
    "rules.yaml": {
        "\nrules:\n": """
rules:
  - id: concentration
    title: What concentrates on one exporter is looked at
    cite: Art. 2
    says: More than all is for a person to look at.
    source: none
    status: confirmed
    when:
      ledger.share.exporter-purpose: {more_than: 1}
    review: It concentrates.
"""
    },
}


def policies(folder: Path) -> Path:
    """The policies of the market, with shares of the ledger."""
    folder.mkdir()
    for name, changes in BESIDE.items():
        text = (POLICIES / name).read_text()
        for old, new in changes.items():
            assert text.count(old) == 1
            text = text.replace(old, new)
        (folder / name).write_text(text)
    return folder


@dataclass
class LineOfAChain(Line):
    """A line of a chain; `of` is who pays it to whom in the page of the sale, and by which agreement."""

    of: tuple[str, str, str] = ("", "", "")

    @property
    def account(self) -> str:
        return self.payee or self.of[1]


@dataclass(kw_only=True)
class SaleOfAChain(Sale):
    """A commitment whose price is divided by its page, or by the shares that it states."""

    page: BenefitsPage
    stated: dict[str, Fraction] | None

    @property
    def page_of_the_rest(self) -> BenefitsPage:
        """The page by which what is left is divided: under a cap nobody gets more by a refund."""

        def again(step: BenefitStep) -> BenefitStep:
            shares = [each if each.room is None else self.with_no_more(step.agreement, each) for each in step.shares]
            return step.model_copy(update={"shares": tuple(shares)})

        named = self.page.named and again(self.page.named)
        return self.page.model_copy(update={"named": named, "steps": tuple(map(again, self.page.steps))})

    def with_no_more(self, agreement: str, share: BenefitShare) -> BenefitShare:
        lines = [each for each in self.lines.values() if isinstance(each, LineOfAChain)]
        has = [
            each.payable for each in lines if (each.of[1], each.of[2]) == (share.payee, agreement) and each.payer != each.payee
        ]
        scale = SCALE[self.currency]
        return share.model_copy(update={"room": {self.currency: engine.amount_text(int(sum(has) * 10**scale), scale)}})

    def paid(self, left: Fraction) -> chains.Paid | str:
        """Who pays whom what of what is left of the price, or the word for why nobody does."""
        units = int(left * 10 ** SCALE[self.currency])
        found = chains.expected(self.page_of_the_rest if left < self.price else self.page, units, self.currency, self.stated)
        if isinstance(found, str):
            return found
        purse, paid = found
        assert sum(purse.values()) == units
        assert min(purse.values()) >= 0
        return paid

    def divides(self, left: Fraction) -> bool:
        return not left or not isinstance(self.paid(left), str)

    def divide(self) -> None:
        left = self.price - self.refunded
        paid = self.paid(left) if left else {}
        assert not isinstance(paid, str)
        for line in self.lines.values():
            assert isinstance(line, LineOfAChain)
            line.payable = paid.get(line.of, Fraction(0)) / 10 ** SCALE[self.currency]


class Chains(World):
    """One random ledger, in the service and in the models."""

    def __init__(self, market: Market, chance: random.Random) -> None:
        super().__init__(market, chance, 0)
        self.assets = ASSETS
        market.client.headers.update(bearer(market.keys["ops"]))
        self.money = Model(market, chance, PARTIES)
        self.did: Counter[str] = Counter()
        for _ in range(4):
            self.tick()
            self.agree()

    def step(self) -> None:
        self.tick()
        money = self.money
        acts: dict[Callable[[], None], int] = {self.open: 3, self.agree: 5, self.grant: 3, self.sell: 14, self.end: 2}
        acts |= {self.withdraw: 2, self.over: 1, self.day: 1, money.wait: 1, self.check: 2}
        acts |= {money.pay: 6, money.judge: 4, money.refund: 4} if money.sales else {}
        act = self.chance.choices([*acts], [*acts.values()])[0]
        act()
        self.did["steps"] += 1
        self.did[act.__name__] += 1
        money.agree()
        self.check_caps()

    # --- what is done ------------------------------------------------------------------------------------------------------

    def agree(self) -> None:
        """An agreement stands; often somebody then grants the asset to whoever pays by it."""
        chance, asset = self.chance, self.chance.choice(self.assets)
        pairs: list[tuple[str, str | None]] = []
        for payer in chance.sample(PARTIES, chance.choice((1, 1, 2))):
            others = [*(each for each in PARTIES if each != payer), None]
            further = [each for each in self.payers(asset) if each != payer]
            some: list[str | None] = [chance.choice(further)] if further and chance.random() < 0.7 else []
            some += chance.sample([each for each in others if each not in some], chance.choice((0, 1)) if some else 1)
            pairs += ((payer, payee) for payee in some)
        payees = Counter(payee for _, payee in pairs)
        shares = [self.some_share(payer, payee, payees[payee] == 1) for payer, payee in pairs]
        days = chance.choice((5, 30))
        id = self.market.standing(*shares, asset=asset, days=days)["id"]
        plain = [{"payee": PUBLIC, **each} for each in shares]
        self.plain.agreements[id] = {"asset": asset, "shares": plain, "stands": True, "until": None, "days": days}
        payer, payee = pairs[0]
        if payee is not None and chance.random() < 0.8:
            granted = self.market.commit(payee, payer, asset, terms__term="perpetual", terms__agreement=id)
            self.granted(granted, payee, payer, asset, id)

    def payers(self, asset: str) -> list[str]:
        """Who pays by the agreements of an asset that stand."""
        return [each["payer"] for agreed in self.plain.standing(asset, self.today).values() for each in agreed["shares"]]

    def some_share(self, payer: str, payee: str | None, alone: bool) -> dict[str, Any]:
        chance = self.chance
        kind = chance.choice(("share", "share", "share", "share", "commission", "component"))
        of = chance.choice(("income", "income", "price")) if kind == "share" else "price"
        more: dict[str, Any] = {"survives": chance.random() < 0.5, "kind": kind}
        more |= {"factor": "capital"} if kind == "component" else {}
        more |= {"role": "public"} if payee is None else {}
        if (
            alone and chance.random() < 0.3
        ):  # one room for two payers is taken in the order in which they pay, which the model has not
            currencies = chance.sample([*SCALE], chance.choice((2, 3, 3)))
            more["cap"] = {each: engine.amount_text(chance.randint(0, 10**4), SCALE[each]) for each in currencies}
        return share(payer, payee, chance.choice(("1/3", "0.25", "1/7", "0.1")), of, **more)

    def sell(self) -> None:
        """Commit an exchange with a price: often of an agreement, at times of a product, or with stated shares."""
        chance, asset = self.chance, self.chance.choice(self.assets)
        exporter, recipient = chance.sample(PARTIES, 2)
        payers = self.payers(asset)
        pages = {each: self.plain.page(each, asset, None, [], self.today) for each in PARTIES}
        deep = [each for each, (_, _, steps) in pages.items() if any(step[2] is not None for step in steps)]
        if payers and chance.random() < 0.8:
            exporter = chance.choice(deep if deep and chance.random() < 0.7 else payers)
            recipient = chance.choice([each for each in PARTIES if each != exporter])
        own = self.own(exporter, recipient, asset)
        named = chance.choice([*own, *own, *own, None]) if own else None
        sources = [each for each in self.assets if chance.random() < 0.2 or exporter in self.payers(each)]
        made_from = chance.sample(sources, min(len(sources), chance.choice((0, 0, 1, 2, 3))))
        currency = chance.choice([*SCALE])
        units = chance.choice((chance.randint(1, 20), chance.randint(1, 10**4), chance.randint(1, 10**7)))
        pays = named is not None and any(each["payer"] == exporter for each in self.plain.agreements[named]["shares"])
        state = not pays and chance.random() < 0.6
        stated = {role: Fraction(ratio) for role, ratio in STATED.items() if role != "rest"} if state else None
        terms: dict[str, Any] = {"terms__price": f"{engine.amount_text(units, SCALE[currency])} {currency}"}
        terms |= {"terms__agreement": named} if named else {}
        terms |= {"data__made_from": made_from} if made_from else {}
        terms |= {"terms__share": STATED} if state else {}
        state_of_page, direct, steps = self.plain.page(exporter, asset, named, made_from, self.today)
        page = self.page(exporter, named, direct, steps)
        sale = SaleOfAChain(price=Fraction(units, 10 ** SCALE[currency]), currency=currency, lines={}, page=page, stated=stated)
        self.did[state_of_page] += 1
        closed = state_of_page in ("asked", "unheld") or not (direct or steps or state) or self.unbounded(page, currency)
        paid: Any = {} if closed else sale.paid(sale.price)
        decided = self.market.evaluated(exporter, recipient, asset, terms__term="perpetual", **terms)
        assert decided["proceed"], decided
        self.check_share(exporter, decided["id"])
        answer = self.market.post("/v1/commitments", {"decision": decided["id"]})
        if paid == "exceeds":
            assert answer.status_code == 409, (answer.text, page)
            self.did["exceeds"] += 1
            return
        assert answer.status_code == 201, (answer.text, page)
        id = answer.json()["id"]
        self.granted(id, exporter, recipient, asset, named)
        lines = self.market.get("/v1/ledger/benefits", commitment=id, limit=1000).json()["lines"]
        for each in lines:
            sale.lines[each["number"]] = self.line(id, exporter, each)
        ways = [line.of for line in sale.lines.values() if isinstance(line, LineOfAChain)]
        assert len({*ways}) == len(ways), lines
        assert {way for way, sum in paid.items() if sum} <= {*ways}, (lines, paid, page)
        self.did["of several payers" if len({payer for payer, _, _ in ways}) > 1 else "divided" if ways else "open"] += 1
        if ways:
            sale.divide()
            self.money.sales[id] = sale
        assert bool(ways) == bool(paid), (lines, paid, page)

    def withdraw(self) -> None:
        super().withdraw()
        for each in self.plain.grants:
            if each["void"] is not None and each["id"] in self.money.sales:
                self.money.sales[each["id"]].reverse()

    # --- what the models say ---------------------------------------------------------------------------------------------

    def page(self, exporter: str, named: str | None, direct: list[Any], steps: list[Any]) -> BenefitsPage:
        """The page of the model, with what is left under the caps. Whoever is no exporter is its own key."""

        def step(id: str, payer: str, after: int | None, by: str, shares: list[Any]) -> BenefitStep:
            parts = [
                BenefitShare(
                    payee=key(exporter, each["payee"]),
                    role=each.get("role"),
                    ratio=each["ratio"],
                    of=each["of"],
                    kind=each["kind"],
                    room=self.room(id, each),
                )
                for each in shares
            ]
            return BenefitStep(agreement=id, version=1, payer=key(exporter, payer), after=after, by=by, shares=tuple(parts))

        first = step(named, exporter, None, "", direct) if named is not None and direct else None
        return BenefitsPage(on=self.today, state="read", named=first, steps=tuple(step(*each) for each in steps))

    def unbounded(self, page: BenefitsPage, currency: str) -> bool:
        """Whether a cap that counts has no sum in a currency, so that nobody knows how much is left."""
        walked = [page.steps[each] for each in chains.World(page, 0, currency, exactly=True).walked]
        walked += [page.named] if page.named is not None else []
        return any(each.room is not None and currency not in each.room for step in walked for each in step.shares)

    def taken(self, id: str, payee: str, currency: str) -> int:
        """What a payee is to get by an agreement of all that was sold and not withdrawn, in minor units."""
        sales = [each for each in self.money.sales.values() if each.currency == currency]
        lines = [line for sale in sales for line in sale.lines.values() if isinstance(line, LineOfAChain)]
        mine = [each for each in lines if (each.of[2], each.account) == (id, payee) and each.payer != each.payee]
        return int(sum((each.payable for each in mine), Fraction(0)) * 10 ** SCALE[currency])

    def room(self, id: str, share: dict[str, Any]) -> dict[str, str] | None:
        if "cap" not in share:
            return None
        left = {
            currency: int(Fraction(most) * 10 ** SCALE[currency]) - self.taken(id, share["payee"], currency)
            for currency, most in share["cap"].items()
        }
        return {currency: engine.amount_text(units, SCALE[currency]) for currency, units in left.items()}

    def line(self, commitment: str, exporter: str, told: dict[str, Any]) -> LineOfAChain:
        """A line without its amount: who pays it to whom, by what, until when."""
        agreement, payer, party = told.get("agreement"), told["payer"], told.get("party")
        due = self.today + timedelta(days=self.plain.agreements[agreement]["days"] if agreement else 30)
        assert told.get("due") == (None if payer == party else due.isoformat()), told
        to = f"role:{told['role']}" if party is None else party
        of = key(exporter, payer), key(exporter, to), agreement or ""
        return LineOfAChain(commitment, payer, party, Fraction(0), due, of=of)

    # --- what must hold ----------------------------------------------------------------------------------------------------

    def check_caps(self) -> None:
        """No payee is to get more than its cap."""
        for id, agreed in self.plain.agreements.items():
            for each in agreed["shares"]:
                room = self.room(id, each) or {}
                assert not any(left.startswith("-") for left in room.values()), (id, each, room)

    def check_share(self, exporter: str, decision: str) -> None:
        """The record says how much of the ledger is the exporter's, this exchange included."""
        running = [
            each["granter"] for each in self.plain.grants if each["void"] is None and each["day"].year == self.today.year
        ]
        every = [*running, exporter]
        enough = len(every) >= LEAST[0] and len({*every}) >= LEAST[1]
        wanted = told(every.count(exporter), len(every)) if enough else "too-few"
        shares = self.market.get(f"/v1/decisions/{decision}").json()["record"].get("shares")
        assert shares == {SHARE: wanted} or (shares is None and not running), (shares, wanted)
        self.did["with a share"] += enough

    def replay(self) -> None:
        """Each decision of the ledger is made again, byte for byte."""
        following: str | None = None
        while True:
            more = {} if following is None else {"cursor": following}
            found = self.market.get("/v1/decisions", limit=100, **more).json()
            for each in found["decisions"]:
                again = self.market.get(f"/v1/decisions/{each['id']}/replay").json()
                assert (again["holds"], again["same"]) == (True, "bytes"), (each, again)
                self.did["replayed"] += 1
            following = found["next"]
            if following is None:
                return


def key(exporter: str, party: str) -> str:
    return "exporter" if party == exporter else party


@contextmanager
def ledger(database: str, folder: Path, number: int) -> Iterator[Chains]:
    """A random ledger in a new database; at the end each decision is made again, and each row says what its leaf says."""
    try:
        with held(database, Lines(), policies(folder / "policies")) as market:
            made = Chains(market, random.Random(number))
            yield made
            made.replay()
        assert unlike_the_leaves(database) == []
    except BaseException as error:
        error.add_note(f"ledger {number}")
        raise


def test_a_random_ledger_is_as_the_plain_models_have_it(database: str, tmp_path: Path) -> None:
    """Whatever is agreed, sold, paid and taken back in whatever order."""
    with ledger(database, tmp_path, 36) as made:
        for _ in range(30):
            made.step()
    ways = ("of several payers", "divided", "open", "with a share", "refund", "withdraw", "pay", "end", "over")
    assert all(made.did[each] for each in ways), made.did


@pytest.mark.fuzz(weight=10)
@pytest.mark.parametrize("kind", KINDS)
def test_many_random_ledgers_are_as_the_plain_models_have_them(
    kind: str, tables: Path, tmp_path: Path, request: pytest.FixtureRequest
) -> None:
    """The same with other chances; FUZZ_LEDGERS says how often."""
    first, did = seed(0), Counter[str]()
    for number in some(range(first, first + LEDGERS), 1):
        folder = tmp_path / str(number)
        folder.mkdir()
        server = request.getfixturevalue("postgresql") if kind == "postgresql" else None
        database = copied(tables, folder) if server is None else server.new()
        with ledger(database, folder, number) as made:
            for _ in range(STEPS):
                made.step()
        if server is not None:
            server.give_back(database)
        did += made.did
        did["ledgers"] += 1
    print(kind, dict(did))
