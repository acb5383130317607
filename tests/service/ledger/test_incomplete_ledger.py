"""What a ledger does not know: before it began, what callers bring, under other policies. Whatever is not known may be any number."""

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

import engine
from service.ledger.counter_marks import bare
from service.store import counter_secret
from tests.service.conftest import BOTH_DATABASES
from tests.service.ledger.desk import Desk, before_ids_were_asked, desk, open_with, opened

__all__ = ["desk", "opened"]

pytestmark = pytest.mark.usefixtures("audited")


# --- what the ledger does not know -----------------------------------------------------------------------------------


def test_an_empty_ledger_is_no_permit(opened: Any) -> None:
    """What was sent before the ledger began is not known, unless somebody says since when it is complete."""
    desk = opened()
    decision = desk.evaluate(100)
    assert decision["outcome"] == "undetermined"
    assert "counted" not in desk.record(decision["id"])
    told = desk.counter()
    assert told["counts"]["counts.year.ordinary"] == {"at_least": 0}
    assert not told["complete"]


def test_a_ledger_that_began_within_the_window_is_not_complete(opened: Any) -> None:
    """It becomes so when the window moves past that day."""
    desk = opened(ledger_since="2026-11-01")
    assert desk.ordinary() == (0, None)
    assert desk.counter("counts.week", recipient__id="lab")["complete"]
    desk.now[0] = datetime(2027, 1, 1, tzinfo=UTC)
    assert desk.ordinary() == (0, 0)


def test_a_counter_is_opened_with_a_count(opened: Any) -> None:
    """From that day on the ledger adds to it; the next year begins without it."""
    desk = opened()
    assert open_with(desk, "2026-11-25", {"at_least": 400, "at_most": 500}).status_code == 201
    assert desk.ordinary() == (400, 500)
    assert desk.ordinary(exporter__id="hospital") == (0, None)
    assert desk.evaluate(499, counts__week=1)["proceed"]
    assert not desk.evaluate(500, counts__week=1)["proceed"]
    desk.commit(300, counts__week=1)
    assert desk.ordinary() == (400, 800)
    assert desk.counter()["opening"]["on"] == "2026-11-25"
    desk.now[0] = datetime(2027, 1, 1, tzinfo=UTC)
    assert desk.ordinary() == (0, 0)


def test_the_last_opening_is_the_one_that_holds(opened: Any) -> None:
    """Of the latest day, the one told last; what was committed before its day is in it."""
    desk = opened(ledger_since="2026-01-01")
    desk.commit(300)
    desk.now[0] += timedelta(days=1)
    for on, count in (("2026-11-26", 900), ("2026-11-26", 350), ("2026-11-20", 10)):
        assert open_with(desk, on, count).status_code == 201
    assert desk.ordinary() == (350, 350)


def test_an_opening_below_what_the_ledger_has_for_certain_is_no_upper_end(opened: Any) -> None:
    """What is attested and what was committed contradict each other, so nobody knows how many there are."""
    desk = opened(ledger_since="2026-01-01")
    desk.commit(900)
    desk.now[0] += timedelta(days=1)
    assert open_with(desk, "2026-11-26", 0).status_code == 201
    assert desk.ordinary() == (900, None)
    assert desk.evaluate(50)["outcome"] == "undetermined"


def test_an_opening_by_a_clock_that_was_ahead_is_no_upper_end_until_its_day_begins(opened: Any) -> None:
    """What is committed before that day is in no sum since it. So nobody knows how many there are."""
    desk = opened(ledger_since="2026-01-01")
    right = desk.now[0]
    desk.now[0] = right + timedelta(days=1)
    decided = desk.evaluate(50, exporter="other")
    assert open_with(desk, "2026-11-26", 900).status_code == 201
    desk.now[0] = right
    assert decided["outcome"] == "permitted"
    assert desk.ordinary() == (900, None)
    assert desk.evaluate(50)["outcome"] == "undetermined"
    desk.now[0] = right + timedelta(days=1)
    assert desk.ordinary() == (900, 900)
    assert desk.evaluate(50)["outcome"] == "permitted"


@pytest.mark.parametrize(
    ("change", "status"),
    [
        ({"counter": "counts.none"}, 404),
        ({"per": {}}, 400),
        ({"per": {"exporter.id": "unknown"}}, 400),
        ({"counts": {"counts.week": 1}}, 400),
        ({"counts": {"counts.year.ordinary": "unknown"}}, 400),
        ({"counts": {"counts.year.ordinary": -1}}, 400),
        ({"on": "2026-11-26"}, 400),
        ({"on": "2026-13-01"}, 400),
        ({"reason": ""}, 400),
        ({"more": 1}, 400),
        ({"per": {"exporter.id": "a\0b"}}, 400),
        ({"counts": {"counts.year.ordinary": 2**80}}, 400),
    ],
)
def test_an_opening_that_says_nothing_sound_is_refused(desk: Desk, change: dict[str, Any], status: int) -> None:
    """Whose, when, how many and why are all needed."""
    sent = {
        "counter": "counts.year", "per": {"exporter.id": "clinic"}, "on": "2026-11-25",
        "counts": {"counts.year.ordinary": 1}, "reason": "books",
    }  # fmt: skip
    assert desk.post("/v1/ledger/openings", {**sent, **change}).status_code == status


# --- counts that a caller brings ---------------------------------------------------------------------------------------


def test_a_caller_s_count_stands_in_where_the_ledger_is_not_complete(opened: Any) -> None:
    """It is marked as the caller's, and never less than the ledger has for certain."""
    desk = opened()
    decision = desk.evaluate(100, counts__year__ordinary=400, counts__week=1)
    assert decision["proceed"]
    mark = {"from": "caller", "at_least": 400, "at_most": 400}  # as the caller brought it
    assert desk.record(decision["id"])["counted"]["counts.year.ordinary"] == mark
    desk.commit(500, counts__year__ordinary=500, counts__week=1)
    low = desk.evaluate(100, counts__year__ordinary=450, counts__week=2)
    assert low["proceed"]  # the ledger adds up six hundred
    mark = {"from": "both", "at_least": 500, "at_most": 600, "brought": {"at_least": 450, "at_most": 450}}
    assert desk.record(low["id"])["counted"]["counts.year.ordinary"] == mark


def test_what_a_caller_sent_is_read_back_from_every_record() -> None:
    """Records of before 0.9.1 have a caller's own count twice; what the ledger filled in was never sent."""
    count: dict[str, Any] = {"at_least": 4, "at_most": 4}
    request, other = {"counts": {"year": count}}, {"brought": {"at_least": 3}}
    assert bare(request, {"counts.year": {"from": "caller", **count}}) == request
    assert bare(request, {"counts.year": {"from": "caller", **count, "brought": count}}) == request
    assert bare(request, {"counts.year": {"from": "both", **count, **other}}) == {"counts": {"year": {"at_least": 3}}}
    assert bare(request, {"counts.year": {"from": "ledger", **count}}) == {"counts": {}}


def test_what_was_committed_since_is_added_to_a_caller_s_count(opened: Any) -> None:
    """Callers who each bring a count that fits cannot together cross what neither knew."""
    desk = opened()
    first, second = (desk.evaluate(600, counts__year__ordinary=600, counts__week=1) for _ in range(2))
    assert desk.post("/v1/commitments", {"decision": first["id"]}).status_code == 201
    refused = desk.post("/v1/commitments", {"decision": second["id"]})
    assert refused.status_code == 409
    counted = desk.record(refused.json()["decision"]["id"])["counted"]["counts.year.ordinary"]
    assert counted == {"from": "both", "at_least": 600, "at_most": 1200, "brought": {"at_least": 600, "at_most": 600}}


def test_callers_of_nobody_knows_whom_commit_nothing(opened: Any) -> None:
    """Where the exporter is not named, nobody can add up what it sends."""
    desk = opened()
    sent = {"exporter__id": "unknown", "counts__year__ordinary": 600, "counts__week": 1}
    asked = desk.evaluate(600, **sent)
    assert (asked["outcome"], [each["fact"] for each in asked["questions"]]) == ("undetermined", ["exporter.id"])
    with before_ids_were_asked():
        permitted = desk.evaluate(599, **sent)
    refused = desk.post("/v1/commitments", {"decision": permitted["id"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:decision-moved")


@BOTH_DATABASES
def test_what_was_committed_since_and_before_the_secret_was_lost_may_be_any_number(opened: Any) -> None:
    """No decision is committed on the strength of a caller's count, until the counters are opened on a later day."""
    desk = opened()
    first, second = (desk.evaluate(100, counts__year__ordinary=100, counts__week=1) for _ in range(2))
    assert desk.post("/v1/commitments", {"decision": first["id"]}).status_code == 201
    with desk.service.store.database.transaction() as transaction:
        counter_secret.renew(transaction, desk.service.store.database.log_key())
    desk = opened()
    assert desk.post("/v1/commitments", {"decision": second["id"]}).status_code == 409
    assert not desk.evaluate(100, counts__year__ordinary=100, counts__week=1)["proceed"]


def test_what_was_committed_since_under_other_policies_may_be_any_number(opened: Any) -> None:
    """A caller's count is no upper end where another process, with other policies, committed something since."""
    desk = opened()
    first, second = (desk.evaluate(100, counts__year__ordinary=100, counts__week=1) for _ in range(2))
    assert desk.post("/v1/commitments", {"decision": first["id"]}).status_code == 201
    desk.reload(vocabulary="- exporter.country: CN => - data.staff: no")
    refused = desk.post("/v1/commitments", {"decision": second["id"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:decision-moved")
    desk.reload()
    assert desk.post("/v1/commitments", {"decision": second["id"]}).status_code == 201


@pytest.mark.parametrize(
    ("setting", "brought", "expected"),
    [
        ("combine", 400, {"from": "both", "at_least": 400, "at_most": 500}),
        ("combine", 600, {"from": "caller", "at_least": 600, "at_most": 600}),
        ("trust", 400, {"from": "caller", "at_least": 400, "at_most": 400}),
        ("trust", 350, {"from": "caller", "at_least": 350, "at_most": 350}),
        ("trust", 250, {"from": "both", "at_least": 300, "at_most": 500}),
    ],
)
def test_beside_a_complete_ledger_the_setting_says_what_a_caller_s_count_is_worth(
    opened: Any, setting: str, brought: int, expected: dict[str, Any]
) -> None:
    """`combine` takes the wider, `trust` the caller's; neither goes below what the ledger has."""
    desk = opened(ledger_since="2026-01-01", callers_counts=setting)
    desk.commit(300)
    counted = desk.record(desk.evaluate(200, counts__year__ordinary=brought)["id"])["counted"]["counts.year.ordinary"]
    sent = {"brought": {"at_least": brought, "at_most": brought}}
    assert counted == {**expected, **(sent if expected["from"] == "both" else {})}


def test_counts_that_callers_bring_may_be_refused(opened: Any) -> None:
    """At their places; a counter that says no more than the exchange itself is none."""
    desk = opened(ledger_since="2026-01-01", callers_counts="refuse")
    sent = {"exporter": {"id": "a", "country": "CN"}, "data": {"people": {"ordinary": 5}}, "counts": {"year": {"ordinary": 9}}}
    refused = desk.post("/v1/evaluate", sent)
    assert refused.status_code == 400
    (place,) = refused.json()["errors"]
    assert (place["pointer"], place["code"]) == ("/counts/year/ordinary", "counter-brought")
    assert desk.evaluate(5)["proceed"]


# --- changed policies ----------------------------------------------------------------------------------------------------


def test_what_was_counted_under_another_meaning_may_be_any_number(desk: Desk) -> None:
    """Until it is counted again; then it counts as the counter means now."""
    desk.commit(300)
    desk.commit(400, data__staff=True)
    desk.reload(rules="data.staff: yes => data.staff: no")
    told = desk.counter()
    assert told["recount"]
    assert told["counts"]["counts.year.ordinary"] == {"at_least": 0}
    assert desk.counter("counts.week", recipient__id="lab")["complete"]  # it means what it meant
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 2, "left": []}
    assert desk.ordinary() == (400, 400)
    assert not desk.counter()["recount"]
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 0, "left": []}
    desk.reload()
    assert desk.ordinary() == (0, None)
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 2, "left": []}
    assert desk.ordinary() == (300, 300)


def test_what_the_engines_disagree_on_is_not_counted_again_and_is_an_incident(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What it counted before stays: nobody knows how it counts. The log says which record it was."""
    done = desk.commit(300)
    desk.reload(rules="data.staff: yes => data.staff: no")
    incidents = desk.service.incidents.seen
    live = desk.service.live.pdp
    judge = live.judge

    def differ(*asked: Any, **more: Any) -> engine.Judgement:
        judgement = judge(*asked, **more)
        return replace(judgement, engine=judgement.engine.model_copy(update={"agreed": False, "disagreement": ["planted"]}))

    with monkeypatch.context() as patch:
        patch.setattr(live, "judge", differ)
        assert desk.post("/v1/ledger/recount").json() == {"recounted": 0, "left": [done["id"]]}
    assert desk.service.incidents.seen == incidents + 1
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 1, "left": []}
    assert desk.service.incidents.seen == incidents + 1


def test_a_new_counter_knows_nothing_of_what_was_committed_before(desk: Desk) -> None:
    """It is opened by counting again."""
    desk.commit(300)
    renamed = "counts.week: => counts.month:"
    desk.reload(vocabulary=renamed, rules="counts.week: {more => counts.month: {more")
    told = desk.counter("counts.month", recipient__id="lab")
    assert told["counts"]["counts.month"] == {"at_least": 0}
    assert desk.post("/v1/ledger/recount").json()["recounted"] == 1
    assert desk.counter("counts.month", recipient__id="lab")["counts"]["counts.month"] == {"at_least": 1, "at_most": 1}


def test_an_exchange_whose_values_were_erased_is_counted_again_as_anybody_s(desk: Desk) -> None:
    """And a decision whose values were erased is not committed."""
    done = desk.commit(300)
    other = desk.evaluate(10)
    portal = desk.client.portal
    assert portal is not None
    for id in (done["evaluation"], other["id"]):
        assert portal.call(desk.service.store.erase, id) > 0
    assert desk.ordinary() == (300, 300)
    refused = desk.post("/v1/commitments", {"decision": other["id"]})
    assert (refused.status_code, refused.json()["type"]) == (409, "urn:fifthfactor:problem:not-committable")
    desk.reload(rules="data.staff: yes => data.staff: no")
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 1, "left": []}
    desk.reload()
    assert desk.post("/v1/ledger/recount").json() == {"recounted": 1, "left": []}
