"""Rounds by themselves: of a running service, of two on one database, and at a terminal."""

from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from typing import Any

import pytest
from typer.testing import CliRunner

import engine
from service.cli.main import app
from service.watch import daily_rounds
from service.watch.lease import Lease
from service.watch.round import sign
from tests.service.conftest import BOTH_DATABASES, Lines, eventually
from tests.service.ledger.desk import before_ids_were_asked
from tests.service.watch.test_week import POLICIES, Desk, changed
from tests.service.watch.test_week import opened as opened  # a fixture


@BOTH_DATABASES
def test_services_on_one_database_do_each_round_once(opened: Any, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Each day and with new policies, by one of them; the other finds it done."""
    monkeypatch.setattr(daily_rounds, "LOOK_SECONDS", 0.02)
    monkeypatch.setattr(daily_rounds, "AGAIN_SECONDS", 0.04)
    desks: list[Desk] = [opened(watch_commitments=True, watch_days=0) for _ in range(2)]
    for number in range(3):
        desks[0].commit(f"n{number}", data__kind="new-rule")

    def go(day: datetime) -> None:
        for each in desks:
            each.now[0] = day
        wanted = sign(desks[0].service, day.date())

        def done() -> str | None:
            with desks[0].service.store.database.reading.connect() as connection:
                return Lease.of("round").done(connection)

        eventually(lambda: done() == wanted)

    for number in range(4, 7):
        go(datetime(2027, 3, number, 12, tzinfo=UTC))
    assert len(desks[0].events()) == 3
    # Both have them at once: one that has not looked at the day yet would do its round by the policies of before, after the new ones.
    later = [changed(("in_force: {from: 2027-03-04}", "in_force: {from: 2028-03-04}")) for _ in desks]
    for each, live in zip(desks, later, strict=True):
        each.service.policies.live = live
    go(datetime(2027, 3, 6, 12, tzinfo=UTC))
    assert [each["data"]["after"] for each in desks[0].events()] == ["prohibited"] * 3 + ["permitted"] * 3
    # The line of a round comes after the round.
    eventually(lambda: [each["told"] for each in lines.events("watch_round") if each["told"]] == [3, 3])
    assert lines.events("watch_round_failed") == []

    def sums(name: str) -> float:
        pages = [each.client.get("/metrics").text for each in desks]
        return sum(float(page.partition(f"\n{name} ")[2].partition("\n")[0]) for page in pages)

    eventually(lambda: sums("fifthfactor_watch_due_seconds") == 0)
    eventually(lambda: sums("fifthfactor_watch_rounds_total") >= 4)
    assert sums("fifthfactor_watch_events_total") == 6
    assert sums("fifthfactor_watch_backlog") == sums("fifthfactor_watch_undecided_total") == 0


def test_what_stays_permitted_is_not_judged(opened: Any, lines: Lines, monkeypatch: pytest.MonkeyPatch) -> None:
    """Of many commitments one by one the engines judge only what moves, and one that does not; if that differs, they judge all."""
    desk: Desk = opened(watch_days=0)
    ids = [desk.commit(f"n{number}", data__people=100 + number) for number in range(8)]
    moving = desk.commit("new", data__kind="new-rule")
    judge, judged = engine.PDP.judge, []

    def counted(self: engine.PDP, *args: Any, **more: Any) -> engine.Judgement:
        judged.append(more["as_of"])
        return judge(self, *args, **more)

    monkeypatch.setattr(engine.PDP, "judge", counted)
    desk.round(date(2027, 3, 4))
    assert [each["data"]["commitment"] for each in desk.events()] == [moving]
    assert 0 < len(judged) < 6
    assert lines.events("watch_lanes_differ") == []

    steady = engine.PDP.steady

    def refused(self: engine.PDP, exchanges: Any, until: date) -> list[Any]:
        return [each and replace(each, word="prohibited") for each in steady(self, exchanges, until)]

    monkeypatch.setattr(engine.PDP, "steady", refused)
    judged.clear()
    desk.reload(("in_force: {from: 2027-03-04}", "in_force: {from: 2028-03-04}"))
    desk.round(date(2027, 3, 4))
    assert [each["data"]["after"] for each in desk.events(commitment=moving)] == ["prohibited", "permitted"]
    assert desk.events(commitment=ids[0]) == []
    assert len(judged) >= len(ids)
    assert [each["commitments"] for each in lines.events("watch_lanes_differ")] == [len(ids) + 1]


def test_a_round_at_a_terminal_says_what_it_found(opened: Any, database: str) -> None:
    """It ends with 1 where something was told, with 0 where nothing was, with 2 where another process is at work."""
    desk: Desk = opened()
    id = desk.commit("a", data__kind="new-rule")

    def watch(*options: str) -> tuple[int, str, str]:
        command = ["watch", *options, "--policies", str(POLICIES), "--days", "0"]
        result = CliRunner().invoke(
            app, command, env={"FIFTHFACTOR_DATABASE": database, "FIFTHFACTOR_LEDGER_SINCE": "2026-01-01"}
        )
        return result.exit_code, result.stdout, result.stderr

    code, said, _ = watch("--once", "--today", "2027-03-03")
    assert (code, said) == (0, "1 commitment watched, 1 decided again, 0 events\n")
    code, said, _ = watch("--once", "--today", "2027-03-04")
    assert code == 1
    assert said.splitlines() == [
        f"2027-03-04 moved {id}: prohibited (begins:cn.test/new-rule)",
        "1 commitment watched, 1 decided again, 1 event",
    ]
    assert watch("--once", "--today", "2027-03-04")[:2] == (0, "1 commitment watched, 0 decided again, 0 events\n")
    assert watch("--today", "2027-03-04")[0] == 2
    now = datetime.now(UTC)
    with desk.service.store.database.transaction() as transaction:
        Lease.of("round").take(transaction, now)
    code, _, error = watch("--once")
    assert (code, "another process" in error) == (2, True)


def test_an_exchange_that_was_counted_is_counted_once(opened: Any) -> None:
    """Its own contribution is in the ledger and in the exchange: 998 people stay 998, in this year and in the next."""
    desk: Desk = opened(watch_days=0)
    id = desk.commit("e", data__people=998)
    for day in (date(2027, 2, 27), date(2027, 12, 31), date(2028, 1, 1)):
        desk.round(day)
    assert desk.events(commitment=id) == []
    more = desk.commit("e", data__people=1, evidence__contract={"dated": "2026-01-01", "covers": True})
    assert desk.round(date(2028, 1, 2)).told == 0
    desk.post(f"/v1/commitments/{more}/withdraw", {"reason": "not sent"})
    assert desk.round(date(2028, 1, 3) + timedelta(days=1)).told == 0


def test_what_goes_back_and_forth_in_a_day_is_told_at_last(opened: Any) -> None:
    """A cause is told once a day. What the day's last change leaves untold is told by the next day's round."""
    desk: Desk = opened(watch_days=0)
    desk.client.put("/v1/parties/lab", json={"facts": {"listed": False}})
    desk.commit("b", recipient={"id": "lab"}, lab=None)
    day = date(2027, 3, 1)
    told = []
    for listed in (True, False, True):
        assert desk.client.put("/v1/parties/lab", json={"facts": {"listed": listed}}).status_code == 200
        told.append(desk.round(day).told)
    assert told == [1, 1, 0]
    assert [desk.round(day + timedelta(days=number)).told for number in (1, 2)] == [1, 0]
    assert [(each["data"]["since"], each["data"]["after"]) for each in desk.events()] == [
        ("2027-03-01", "prohibited"),
        ("2027-03-01", "permitted"),
        ("2027-03-02", "prohibited"),
    ]


def test_what_was_committed_of_nobody_knows_whom_is_told(opened: Any) -> None:
    """One of before ids were asked: nothing adds up what it counts for, until it is attributed or withdrawn."""
    desk: Desk = opened(watch_days=0)
    with before_ids_were_asked():
        id = desk.commit("x", exporter__id="unknown", counts__year={"at_least": 100, "at_most": 600})
    desk.commit("other", data__people=300)
    assert desk.round().told == 1
    (event,) = desk.events()
    assert event["data"]["commitment"] == id
