"""The tools, called by the official client: what a key is offered, what each answers, and what it rests on."""

from typing import Any

import pytest

from tests.engine.test_everyday_exchanges import EXCHANGES
from tests.service.doors.agents.agent_desk import Desk, at_a_desk
from tests.service.doors.agents.conftest import House

ASKING = ["begin", "missing", "decide", "ways_to_yes", "explain", "which_recipients", "find_facts", "search_law", "draft_test"]
OF_A_PARTY = ["begin", "missing", "decide", "ways_to_yes", "explain", "find_facts", "whoami", "commit"]
PERMITTED = EXCHANGES["Indian payroll to Britain"][0]
REFUSED = EXCHANGES["South African payroll to Germany"][0]
WITHOUT = {name: value for name, value in PERMITTED.items() if name != "recipient"}


@pytest.mark.parametrize(
    ("key", "tools"),
    [
        ("agent", [*ASKING, "whoami"]),
        ("evaluator", ["begin", "missing", "decide", "find_facts", "draft_test", "whoami"]),
        ("reader", ["explain", "search_law", "whoami"]),
        ("clinic", OF_A_PARTY),
        ("all", [*ASKING, "whoami", "commit", "sign_off", "register_party"]),
    ],
)
def test_a_key_is_offered_what_it_may_do(house: House, key: str, tools: list[str]) -> None:
    """Nothing commits, signs or registers unless the scopes of the key say so; a party's key has nothing of all parties."""

    async def talk(desk: Desk) -> None:
        assert await desk.tools() == tools

    at_a_desk(house.address, house.keys[key], talk)


def test_a_tool_that_is_not_offered_is_refused(house: House) -> None:
    """Whoever calls it all the same is told what key it would need, and the service was not asked."""

    async def talk(desk: Desk) -> None:
        for tool, sent in (("commit", {"decision": "x"}), ("register_party", {"id": "a", "facts": {}})):
            came = await desk.call(tool, **sent)
            assert (came.error, came.content["error"]) == (True, "forbidden")
            assert "needs a key" in came.content["detail"]

    at_a_desk(house.address, house.keys["agent"], talk)


def test_every_tool_says_what_it_takes_and_whether_it_changes_something(house: House) -> None:
    """Strict schemas, short words, and hints that a client shows to its user."""

    async def talk(desk: Desk) -> None:
        listed = {each.name: each for each in (await desk.client.list_tools()).tools}
        for each in listed.values():
            assert each.input_schema["additionalProperties"] is False
            assert each.description
            assert len(each.description) < 240
            assert each.output_schema
            assert all(
                "description" in member or "enum" in member for member in each.input_schema.get("properties", {}).values()
            )
        hints = {name: each.annotations for name, each in listed.items() if each.annotations}
        assert [name for name, hint in hints.items() if hint.destructive_hint] == [
            "commit",
            "sign_off",
            "register_party",
        ]
        assert hints["decide"].read_only_hint is False
        assert hints["missing"].read_only_hint is True
        assert "Unknown is not false" in (desk.client.instructions or "")

    at_a_desk(house.address, house.keys["all"], talk)


def test_a_decision_is_recorded_under_the_key_of_the_connection(house: House) -> None:
    """The service has it, with the caller's id; the answer says on what the permit rests."""

    async def talk(desk: Desk) -> Any:
        me = (await desk.call("whoami")).result["caller"]
        return me, await desk.call("decide", exchange=PERMITTED)

    me, came = at_a_desk(house.address, house.keys["agent"], talk)
    assert came.result["proceed"] is True
    rests_on = came.content["rests_on"]
    assert rests_on["statements"] or rests_on["also"]
    with house.client("all") as client:
        record = client.decision(came.result["decision"])["record"]
    assert record["asked_by"] == me
    assert came.result["decision"] in rests_on["recorded"]


def test_what_records_nothing_records_nothing(house: House) -> None:
    """Searches, what is missing, and which recipients may take it."""

    async def talk(desk: Desk) -> None:
        await desk.call("begin")
        await desk.call("missing", exchange={"exporter": {"country": "CN"}})
        came = await desk.call(
            "which_recipients", exchange=WITHOUT, recipients=[PERMITTED["recipient"], {"country": "CN"}, "lab-9"]
        )
        first, second, third = came.result["recipients"]
        assert (first["outcome"], first["would_proceed"]) == ("permitted", True)
        assert second["would_proceed"] is False
        assert third["recipient"] == "lab-9"
        assert came.result["questions"][second["ask_next"]]
        await desk.call("find_facts", word="salary")
        await desk.call("search_law", words="standard contract")
        await desk.call(
            "draft_test", policy="cn.gba-macau", case="It is so", outcome="review", exchange={"exporter": {"country": "CN"}}
        )

    with house.client("all") as client:
        before = len([*client.each_decision()])
        at_a_desk(house.address, house.keys["agent"], talk)
        assert len([*client.each_decision()]) == before


def test_what_was_stated_and_says_too_little_is_asked_again(house: House) -> None:
    """A preset leaves its sets open; the answer shows what was stated of them."""

    async def talk(desk: Desk) -> None:
        exchange = (await desk.call("begin", preset="payroll")).result["exchange"]
        asked = {each["fact"]: each for each in (await desk.call("missing", exchange=exchange)).result["open"]}
        assert asked["data.categories"]["says_too_little"] == exchange["data"]["categories"]
        assert all("says_too_little" not in each for fact, each in asked.items() if fact.startswith("recipient."))

    at_a_desk(house.address, house.keys["agent"], talk)


def test_a_refusal_has_ways_and_an_explanation_in_pages(house: House) -> None:
    """Each page says where the next begins; all pages together have every item once."""

    async def talk(desk: Desk) -> None:
        decided = await desk.call("decide", exchange=REFUSED, lang="zh")
        assert decided.result["proceed"] is False
        assert decided.result["unmet"]
        ways = await desk.call("ways_to_yes", decision=decided.result["decision"])
        assert ways.result["ways"] or ways.result["remedies"]
        id = (await desk.call("decide", exchange={"exporter": {"country": "CN"}})).result["decision"]
        found: list[Any] = []
        first: int | None = 0
        while first is not None:
            page = await desk.call("explain", decision=id, part="possible", first=first)
            found += [(each["provision"], each["effect"]) for each in page.result["possible"]]
            first = page.result["next"]
            assert (first is not None) == ("rest" in page.content)
        with house.client("all") as client:
            whole = client.explanation(id, ["possible"]).document["possible"]
        assert found == [(each["provision"], each["effect"]) for each in whole]
        for part in ("reasons", "coverage", "duties", "requirements", "trace", "factor", "remedies"):
            assert part in (await desk.call("explain", decision=id, part=part)).result

    at_a_desk(house.address, house.keys["agent"], talk)


def test_law_and_facts_are_found_by_words(house: House) -> None:
    """Everyday words find the fact and the value; words of the law find its provisions, page by page."""

    async def talk(desk: Desk) -> None:
        (fact,) = (await desk.call("find_facts", word="salary")).result["facts"]
        assert (fact["fact"], fact["says"]) == ("data.categories", ["employee"])
        chinese = (await desk.call("find_facts", prefix="exporter.country", lang="zh")).result["facts"]
        assert not chinese[0]["question"].isascii()
        first = await desk.call("search_law", words="contract", jurisdiction="CN")
        assert all(each["jurisdiction"] == "CN" for each in first.result["provisions"])
        second = await desk.call("search_law", words="contract", jurisdiction="CN", first=first.result["next"])
        names = [each["provision"] for page in (first, second) for each in page.result["provisions"]]
        assert len(names) == len(set(names))
        assert (await desk.call("search_law", words="zzzz qqqq")).result["provisions"] == []

    at_a_desk(house.address, house.keys["agent"], talk)


def test_a_draft_of_a_test_is_text_and_says_whether_it_passes(house: House) -> None:
    """The YAML is that of a test file of the policy; the policies say what they come to."""

    async def talk(desk: Desk) -> None:
        sent = {"policy": "in.dpdp", "case": "A payroll of India may go to Britain", "exchange": PERMITTED}
        with house.client("all") as client:
            policy = next(client.provisions("India", jurisdiction="IN")).policy
        sent["policy"] = policy
        came = await desk.call("draft_test", outcome="permitted", **sent)
        assert came.result["passes"] is True
        assert came.result["yaml_lines"][0] == f"test: {policy}"
        assert (await desk.call("draft_test", outcome="prohibited", **sent)).result["passes"] is False
        wrong = await desk.call("draft_test", outcome="permitted", **{**sent, "policy": f"{policy}x"})
        assert "did you mean" in str(wrong.content["places"])

    at_a_desk(house.address, house.keys["evaluator"], talk)


def test_a_party_s_key_stays_within_its_party(house: House) -> None:
    """It decides its own exchanges, and gets nothing of another one."""

    async def talk(desk: Desk) -> None:
        own = {**PERMITTED, "exporter": {**PERMITTED["exporter"], "id": "clinic-7"}}
        assert not (await desk.call("decide", exchange=own)).error
        for other in (PERMITTED, {**PERMITTED, "exporter": {**PERMITTED["exporter"], "id": "bank-1"}}):
            for tool in ("decide", "missing"):
                came = await desk.call(tool, exchange=other)
                assert (came.error, came.content["error"]) == (True, "forbidden")
        assert (await desk.call("whoami")).result["party"] == "clinic-7"
        came = await desk.call("search_law", words="contract")
        assert "belongs to no party" in came.content["detail"]

    at_a_desk(house.address, house.keys["clinic"], talk)


def test_a_key_that_may_act_acts_when_it_is_told_to(house: House) -> None:
    """It commits what proceeds, registers a party once, and an approval needs its last day."""

    async def talk(desk: Desk) -> None:
        named = {**PERMITTED, **{role: {**PERMITTED[role], "id": f"{role}-1"} for role in ("exporter", "recipient")}}
        decided = await desk.call("decide", exchange=named)
        assert (await desk.call("commit", decision=decided.result["decision"])).result["state"] == "committed"
        refused = await desk.call("decide", exchange=REFUSED)
        came = await desk.call("commit", decision=refused.result["decision"])
        assert (came.error, came.content["error"]) == (True, "not-committable")
        party = {"id": "agent-lab", "facts": {"country": "KE"}}
        assert (await desk.call("register_party", **party)).result["version"] == 1
        assert (await desk.call("register_party", **party)).content["error"] == "changed-meanwhile"
        sent = {"decision": refused.result["decision"], "provisions": ["x"], "reason": "because"}
        assert "until" in (await desk.call("sign_off", verdict="approve", **sent)).content["detail"]
        assert (await desk.call("sign_off", verdict="approve", until="2026-02-30", **sent)).error
        assert (await desk.call("sign_off", verdict="refuse", **sent)).error

    at_a_desk(house.address, house.keys["all"], talk)
