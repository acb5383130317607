"""Random agreements, grants, ends and withdrawals read into pages, against a plain model of the ledger: lists of dicts."""

import random
from datetime import date, timedelta
from typing import Any

import pytest

from tests.chance import examples, seed
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.market import PARTIES, Market, market, share

__all__ = ["market"]
pytestmark = pytest.mark.usefixtures("audited")

STEPS = 26  # of a world
QUESTIONS = 8


class Plain:
    """The ledger as lists of dicts, and a page as the design says it in words."""

    def __init__(self) -> None:
        self.openings: list[dict[str, Any]] = []
        self.grants: list[dict[str, Any]] = []
        self.agreements: dict[str, dict[str, Any]] = {}

    def standing(self, asset: str, day: date) -> dict[str, dict[str, Any]]:
        return {
            id: each
            for id, each in self.agreements.items()
            if each["asset"] == asset and each["stands"] and (each["until"] is None or each["until"] >= day)
        }

    def alive(self, grant: dict[str, Any], day: date, clock: int) -> bool:
        """Whether a grant stood on a day, by what was known before a moment."""
        void = grant["void"] is not None and grant["void"] < clock
        ended = grant["ended"] is not None and grant["ended"] <= day
        return grant["at"] < clock and grant["day"] <= day and not void and not ended

    def best(self, asset: str, party: str, day: date, clock: int, before: int, known: bool = True) -> list[Any] | None:
        """The shortest chain of grants to a party up to an opening, of several the oldest; [] where it opened it itself."""
        opened = [each for each in self.openings if each["at"] < clock]
        if any(each["asset"] == asset and each["party"] == party for each in opened):
            return []
        found = []
        for grant in self.grants:
            if (
                grant["asset"] == asset
                and grant["holder"] == party
                and grant["order"] < before
                and self.alive(grant, day, clock)
            ):
                rest = self.best(asset, grant["granter"], day, clock, grant["order"], known)
                if rest is not None:
                    found.append([grant, *rest])
                elif not known:
                    found.append([grant])
        return min(found, key=lambda chain: (len(chain), [each["order"] for each in chain]), default=None)

    def chain(self, asset: str, party: str, day: date, clock: int) -> list[Any]:
        sure = self.best(asset, party, day, clock, 10**9)
        return sure if sure is not None else self.best(asset, party, day, clock, 10**9, known=False) or []

    def owed(self, id: str, payer: str, day: date, as_of: tuple[date, int]) -> list[dict[str, Any]]:
        """The shares that a payer pays, without those that ended with the grants for which they were agreed."""
        agreed = self.agreements[id]
        shares = [each for each in agreed["shares"] if each["payer"] == payer]
        mine = [each for each in self.grants if each["agreement"] == id and each["holder"] == payer]
        mine = [each for each in mine if each["day"] <= as_of[0]]
        if mine and not any(self.alive(each, *as_of) for each in mine):
            return [each for each in shares if each["survives"]]
        return shares

    def page(self, exporter: str, asset: str, named: str | None, made_from: list[str], today: date) -> Any:
        """The state, the shares that divide the price, and the steps: agreement, payer, after, for what, shares."""
        now, mine = (today, 10**9), self.standing(asset, today)
        asked = named is None and any(share["payer"] == exporter for each in mine.values() for share in each["shares"])
        direct = self.owed(named, exporter, today, now) if named is not None else []
        steps: list[Any] = []

        def take(id: str, payer: str, after: int | None, by: str, shares: list[Any]) -> None:
            if shares and not any(step[:2] == (id, payer) for step in steps):
                steps.append((id, payer, after, by, shares))

        def climb(of: str, chain: list[Any], as_of: tuple[date, int]) -> None:
            nonlocal direct
            payer, after, passed = exporter, None, {exporter}
            for grant in chain:
                id, granter = grant["agreement"], grant["granter"]
                if id not in self.standing(of, today):
                    id = None
                if payer == exporter and id in (None, named) and named is not None and of == asset:
                    apart = [each for each in direct if each["payee"] == granter and granter != exporter]
                    direct = [each for each in direct if each not in apart]
                    take(named, payer, after, grant["id"], apart)
                elif id is not None:
                    take(id, payer, after, grant["id"], self.owed(id, payer, today, now if after is None else as_of))
                paid = [
                    at
                    for at, step in enumerate(steps)
                    if step[1] == payer and any(each["payee"] == granter for each in step[4])
                ]
                if not paid or granter in passed:
                    return
                passed.add(granter)
                payer, after = granter, paid[0]

        def chains(of: str) -> list[Any]:
            found = [(self.chain(of, exporter, *now), now)]
            seen = {each["id"] for each in found[0][0]}
            for grant in self.grants:
                if (grant["asset"], grant["holder"]) != (of, exporter) or not grant["agreement"] or grant["id"] in seen:
                    continue
                if not self.alive(grant, *now):
                    last = grant["void_day"] if grant["void"] is not None else date.max
                    last = min(last, grant["ended"] - timedelta(days=1)) if grant["ended"] else last
                    if last < grant["day"]:
                        continue
                    as_of = (last, grant["void"] if grant["void"] is not None else self.end_of(last))
                    then = self.chain(of, exporter, *as_of)
                    if then and then[0]["id"] == grant["id"]:
                        found.append((then, as_of))
            return found

        if mine:
            for chain, as_of in chains(asset):
                climb(asset, chain, as_of)
        unheld = False
        for number, each in enumerate(sorted(made_from), 1):
            if each == asset:
                continue
            of_it = self.standing(each, today)
            pays = False
            for id in of_it:
                pays = pays or any(share["payer"] == exporter for share in of_it[id]["shares"])
                take(id, exporter, None, f"asset:{number}", self.owed(id, exporter, today, now))
            under = False
            for chain, as_of in chains(each) if of_it else ():
                under = under or bool(chain and chain[0]["agreement"])
                climb(each, chain, as_of)
            own = any(opened["asset"] == each and opened["party"] == exporter for opened in self.openings)
            unheld = unheld or not (pays or under or own)
        state = "asked" if asked else "unheld" if unheld else "read" if steps or named else "none"
        return state, direct, steps

    def end_of(self, day: date) -> int:
        """The first moment after a day."""
        return min((at for at, each in self.moments if each > day), default=10**9)

    moments: list[tuple[int, date]]


def told(page: Any, names: dict[str, str]) -> Any:
    """A page in the words of the model; `names` are the parties behind its keys."""
    if page is None:
        return None

    def shares(step: Any) -> list[Any]:
        return [(names.get(each["payee"], each["payee"]), each["ratio"], each["of"]) for each in step["shares"]]

    steps = [
        (step["agreement"], names[step["payer"]], step.get("after"), step["by"], shares(step)) for step in page.get("steps", ())
    ]
    return page["state"], shares(page["named"]) if "named" in page else [], steps


def said(plain: Any) -> Any:
    """What the model says, as `told` does."""
    state, direct, steps = plain

    def shares(some: list[Any]) -> list[Any]:
        return [(each["payee"], each["ratio"], each["of"]) for each in some]

    return state, shares(direct), [(*step[:4], shares(step[4])) for step in steps]


def keys(plain: Any, exporter: str) -> dict[str, str]:
    """The parties by their keys within the page: in the order in which they first appear."""
    _, direct, steps = plain
    order = [exporter, *(each["payee"] for each in direct)]
    for step in steps:
        order += [step[1], *(each["payee"] for each in step[4])]
    others = [each for each in dict.fromkeys(order) if each != exporter and not each.startswith("role:")]
    return {"exporter": exporter, **{f"p{number}": each for number, each in enumerate(others, 1)}}


class World:
    """One random ledger on assets of its own, in the service and in the model."""

    def __init__(self, market: Market, chance: random.Random, number: int) -> None:
        self.market, self.chance, self.plain = market, chance, Plain()
        self.assets = [f"{name}-{number}" for name in ("images", "notes", "model")]
        self.plain.moments = []
        self.clock = 0

    @property
    def today(self) -> date:
        return self.market.now[0].date()

    def tick(self) -> None:
        self.market.now[0] += timedelta(seconds=1)
        self.clock += 1
        self.plain.moments.append((self.clock, self.today))

    def step(self) -> None:
        self.tick()
        chance = self.chance
        act = chance.choices(
            (self.open, self.agree, self.grant, self.end, self.withdraw, self.over, self.day), (2, 6, 8, 2, 2, 1, 2)
        )[0]
        act()

    def open(self) -> None:
        party, asset = self.chance.choice(PARTIES), self.chance.choice(self.assets)
        self.market.opened(party, asset)
        self.plain.openings.append({"party": party, "asset": asset, "at": self.clock})

    def agree(self) -> None:
        chance, asset = self.chance, self.chance.choice(self.assets)
        shares = []
        for payer in chance.sample(PARTIES, chance.choice((1, 1, 2))):
            for payee in chance.sample([each for each in PARTIES if each != payer], chance.choice((1, 1, 2))):
                more = {"survives": chance.random() < 0.5}
                shares.append(share(payer, payee, chance.choice(("1/3", "0.25")), chance.choice(("income", "price")), **more))
        id = self.market.standing(*shares, asset=asset)["id"]
        self.plain.agreements[id] = {"asset": asset, "shares": shares, "stands": True, "until": None}

    def own(self, exporter: str, recipient: str | None, asset: str) -> list[str]:
        """The agreements that an exchange may name."""
        found = []
        for id, each in self.plain.standing(asset, self.today).items():
            pairs = {(share["payer"], share["payee"]) for share in each["shares"]}
            if any(payer == exporter for payer, _ in pairs) or (recipient, exporter) in pairs:
                found.append(id)
        return found

    def grant(self) -> None:
        chance, asset = self.chance, self.chance.choice(self.assets)
        granter, holder = chance.sample(PARTIES, 2)
        own = self.own(granter, holder, asset)
        named = chance.choice(own) if own else None
        if named is None and chance.random() < 0.5:
            return
        more = {} if named is None else {"terms__agreement": named}
        id = self.market.commit(granter, holder, asset, terms__term="perpetual", **more)
        self.granted(id, granter, holder, asset, named)

    def granted(self, id: str, granter: str, holder: str, asset: str, named: str | None) -> None:
        self.plain.grants.append(
            {
                "id": id, "asset": asset, "granter": granter, "holder": holder, "order": len(self.plain.grants), "day": self.today,
                "at": self.clock, "ended": None, "void": None, "void_day": None, "agreement": named,
            }
        )  # fmt: skip

    def running(self) -> Any:
        some = [each for each in self.plain.grants if each["void"] is None and each["ended"] is None]
        return self.chance.choice(some) if some else None

    def end(self) -> None:
        if (grant := self.running()) is not None:
            first = self.today + timedelta(days=self.chance.choice((0, 1)))
            self.market.done(f"/v1/commitments/{grant['id']}/end", {"from": first.isoformat(), "reason": "over"})
            grant["ended"] = first

    def withdraw(self) -> None:
        if (grant := self.running()) is not None:
            self.market.done(f"/v1/commitments/{grant['id']}/withdraw", {"reason": "never"})
            grant |= {"void": self.clock, "void_day": self.today}

    def over(self) -> None:
        if self.plain.agreements:
            id = self.chance.choice([*self.plain.agreements])
            if self.plain.agreements[id]["until"] is None:
                told = self.market.done(f"/v1/agreements/{id}/end", {"from": self.today.isoformat(), "reason": "over"})
                self.market.open(told)
                self.plain.agreements[id]["until"] = self.today - timedelta(days=1)

    def day(self) -> None:
        self.market.now[0] += timedelta(days=1)

    def check(self) -> None:
        self.tick()
        chance = self.chance
        exporter, asset = chance.choice(PARTIES), chance.choice(self.assets)
        own = self.own(exporter, None, asset)
        named = chance.choice([*own, None]) if own else None
        made_from = chance.sample(self.assets, chance.choice((0, 0, 1, 2)))
        more: dict[str, Any] = {} if named is None else {"terms__agreement": named}
        more |= {"data__made_from": made_from} if made_from else {}
        page = self.market.page(exporter, "nobody", asset, **more)
        plain = self.plain.page(exporter, asset, named, made_from, self.today)
        expected = said(plain)
        nothing = page is None and not made_from and not self.plain.standing(asset, self.today)
        found = told(page, keys(plain, exporter))
        assert nothing or found == expected, (exporter, asset, made_from, self.today, found, expected, vars(self.plain))


@pytest.mark.random
@BOTH_DATABASES
def test_random_ledgers_are_read_as_a_plain_model_reads_them(market: Market) -> None:
    """Each page: what divides the price, and each step with its payer, its base and its shares."""
    chance = random.Random(seed(36))
    for number in examples(3):
        world = World(market, chance, number)
        for _ in range(STEPS):
            world.step()
        for _ in range(QUESTIONS):
            world.check()
