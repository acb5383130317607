"""Two services on one database, with one name of a sink and two receivers: the events are not split between them."""

from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

from service.cli.main import app
from service.outbox.delivery import PLACE_SECONDS, TURN_SECONDS, Delivery, ReceiverOther, put
from service.outbox.sink_settings import read
from service.watch.lease import LeaseLost
from service.watch.transactions import writing
from tests.service.cli.test_doctor import codes, examined
from tests.service.conftest import BOTH_DATABASES, Lines
from tests.service.outbox.test_delivery import Kept, busy, drained, everything, settings
from tests.service.watch.test_week import Desk
from tests.service.watch.test_week import opened as opened  # a fixture

ONE = "- {name: kept, kind: files, folder: one, from: beginning}\n"
TWO = ONE.replace("one", "two")


def delivery(desk: Desk, sink: Kept, **more: Any) -> Delivery:
    """What sends to a receiver of the name `kept`."""
    return Delivery(desk.service, settings(**more), sink, writing(desk.service))


@BOTH_DATABASES
def test_the_second_receiver_of_a_name_says_so_and_gets_nothing_while_the_first_runs(opened: Any, lines: Lines) -> None:
    """Also when there is nothing to send for long. When the first is gone, the second goes on where it was: nothing is missing."""
    desk: Desk = opened(watch_days=0)
    one, two = Kept(), Kept()
    first, second = delivery(desk, one, folder="one"), delivery(desk, two, folder="two")
    busy(desk)
    drained(first)
    for _ in range(6):
        desk.now[0] += timedelta(seconds=TURN_SECONDS - 1)
        assert not first.step()
        with pytest.raises(ReceiverOther):
            second.step()
    desk.commit("later")
    with pytest.raises(ReceiverOther):
        second.step()
    assert two.events == []
    (line,) = lines.events("sink_receiver_other")
    assert (line["level"], line["sink"]) == ("error", "kept")
    desk.now[0] += timedelta(seconds=PLACE_SECONDS + 1)
    drained(second)
    assert len(lines.events("sink_receiver_here")) == 1
    with pytest.raises(ReceiverOther):
        first.step()
    assert one.events + two.events == everything(desk)


@BOTH_DATABASES
def test_the_receiver_that_a_person_names_goes_on_at_once(opened: Any) -> None:
    """By the settings of the command that puts the sink at a place."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    one, two = Kept(), Kept()
    first, second = delivery(desk, one, folder="one"), delivery(desk, two, folder="two")
    drained(first)
    first.close()
    with pytest.raises(ReceiverOther):
        second.step()
    writing(desk.service)(lambda transaction: put(transaction, settings(folder="two"), "beginning", desk.now[0]))
    drained(second)
    assert two.events == everything(desk)
    with pytest.raises(ReceiverOther):
        first.step()


@BOTH_DATABASES
def test_processes_with_one_receiver_share_its_place(opened: Any, lines: Lines) -> None:
    """They differ in what is no receiver, and take turns as before."""
    desk: Desk = opened(watch_days=0)
    busy(desk)
    one, two = Kept(), Kept()
    first, second = delivery(desk, one, most=2), delivery(desk, two, most=500)
    first.step()
    with pytest.raises(LeaseLost) as other:
        second.step()
    assert not isinstance(other.value, ReceiverOther)
    first.close()
    drained(second)
    assert one.events + two.events == everything(desk)
    assert lines.events("sink_receiver_other") == []


def test_the_digest_of_a_receiver_is_of_where_events_go(tmp_path: Path) -> None:
    """Not of how many go at once or which secret signs them; and it shows no address."""
    webhook = "- {name: kept, kind: webhook, address: 'https://x.example/events?token=abc', secret: s}\n"
    kafka = "- {name: kept, kind: kafka, servers: ['a:1', 'b:2'], topic: events}\n"

    def digest(text: str) -> str:
        (tmp_path / "sinks.yaml").write_text(text)
        return read(tmp_path / "sinks.yaml")[0].receiver

    same = (
        (webhook, webhook.replace("secret: s", "secret: t, most: 3")),
        (kafka, kafka.replace("'a:1', 'b:2'", "'b:2', 'a:1'")),
        (ONE, ONE.replace("beginning", "now")),
    )
    assert all(digest(each) == digest(other) for each, other in same)
    others = [digest(each) for each in (webhook, webhook.replace("abc", "abd"), kafka, kafka.replace("b:2", "b:3"), ONE, TWO)]
    assert len(set(others)) == len(others)
    assert "example" not in "".join(others)


def test_an_operator_sees_which_receiver_has_the_name(opened: Any, database: str, tmp_path: Path) -> None:
    """`events sinks` ends with 1 and says what to do, `events deliver` sends nothing, and the doctor names it."""
    desk: Desk = opened(watch_days=0)
    desk.commit("n")
    for name, text in (("one", ONE), ("two", TWO)):
        (tmp_path / f"{name}.yaml").write_text(text)

    def run(name: str, *arguments: str) -> Any:
        environment = {"FIFTHFACTOR_SINKS": str(tmp_path / f"{name}.yaml"), "FIFTHFACTOR_DATABASE": database}
        return CliRunner().invoke(app, ["events", *arguments], env=environment)

    assert run("one", "deliver", "--once").exit_code == 0
    assert run("one", "sinks").exit_code == 0
    other = run("two", "sinks")
    assert (other.exit_code, "to another receiver" in other.stdout) == (1, True)
    assert '"other_receiver_until": "2' in run("two", "sinks", "--json").stdout
    refused = run("two", "deliver", "--once")
    assert (refused.exit_code, "to another receiver" in refused.stdout) == (1, True)
    assert not (tmp_path / "two").exists()
    assert run("two", "move", "kept", "--from", "beginning").exit_code == 0
    assert run("two", "deliver", "--once").exit_code == 0
    assert (tmp_path / "two").exists()
    assert run("one", "sinks").exit_code == 1
    assert "sink-receiver-other" in codes(examined(database, sinks=str(tmp_path / "one.yaml")))
    assert "sink-receiver-other" not in codes(examined(database, sinks=str(tmp_path / "two.yaml")))
