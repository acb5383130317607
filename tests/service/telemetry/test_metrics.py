"""What `/metrics` tells."""

import asyncio
import re
import threading
import time
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa
from prometheus_client.openmetrics.parser import text_string_to_metric_families
from starlette.testclient import TestClient

import engine
from service.log.review_cases import APPROVED, WAITS
from service.problems import KINDS
from service.reviews.waiting_count import WaitingReviews, waiting_reviews
from service.server import database_figures
from service.server.app import create_app
from service.server.database_figures import DatabaseFigures
from service.store.tables import review_case
from service.telemetry import log_lines, metrics
from service.telemetry.metrics import Metrics
from tests.service.conftest import BOTH_DATABASES, PERSONAL, body, eventually, running


def figures(client):
    """The samples of the page, by name and labels as written."""
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert answer.headers["content-type"].startswith("text/plain; version=0.0.4")
    lines = [line for line in answer.text.splitlines() if not line.startswith("#")]
    return {name: float(value) for name, _, value in (line.rpartition(" ") for line in lines)}


def test_decisions_are_counted_by_outcome(client, evaluate):
    """Alone and in a batch; and how long they took, what was recorded, and by which policies."""
    outcomes = [evaluate().json()["outcome"] for _ in range(3)]
    batch = client.post("/v1/evaluate/batch", json={"exchanges": [{}, {"exporter": {"contry": "CN"}}]})
    outcomes.append(batch.json()["results"][0]["decision"]["outcome"])
    found = figures(client)
    for outcome in set(outcomes):
        assert found[f'fifthfactor_decisions_total{{outcome="{outcome}"}}'] == outcomes.count(outcome)
    assert found["fifthfactor_decision_duration_seconds_count"] == 4
    assert found["fifthfactor_log_entries_total"] == 4
    assert found["fifthfactor_log_failures_total"] == found["fifthfactor_incidents_total"] == 0
    policies = client.get("/readyz").json()["policies"]
    assert found[f'fifthfactor_policy_info{{meaning="{policies["meaning"]}",source="{policies["source"]}"}}'] == 1
    assert found["fifthfactor_policy_reloads_total"] == found["fifthfactor_policy_refusals_total"] == 0
    assert time.time() - 600 < found["fifthfactor_policy_last_reload_success_timestamp_seconds"] <= time.time()
    assert found["process_resident_memory_bytes"] > 1e6


def test_requests_are_counted_by_route_and_status(client, evaluate):
    """The route as it is declared; what has none is `other`."""
    evaluate()
    evaluate(b"[]")
    client.get("/v1/decisions/one")
    client.get("/v1/decisions/two")
    for number in range(50):
        client.get(f"/practice-of-dr-li-na/{number}")
    found = figures(client)
    assert found['fifthfactor_http_requests_total{route="/v1/evaluate",status="200"}'] == 1
    assert found['fifthfactor_http_requests_total{route="/v1/evaluate",status="400"}'] == 1
    assert found['fifthfactor_http_requests_total{route="/v1/decisions/{id}",status="404"}'] == 2
    assert found['fifthfactor_http_requests_total{route="other",status="404"}'] == 50
    assert found['fifthfactor_http_request_duration_seconds_count{route="other"}'] == 50


def test_nothing_that_a_caller_sent_becomes_a_label(client, evaluate):
    """Not a value of an exchange, not an address, not a header, not a method."""
    evaluate(body(), **{"x-request-id": "practice-of-dr-li-na"})
    client.get("/v1/decisions/lab-of-dr-smith?include=secret")
    client.request("BREW", "/v1/evaluate")
    text = client.get("/metrics").text
    for value in (*PERSONAL.values(), "secret", "BREW"):
        assert value not in text
    labels = {name for line in text.splitlines() if "{" in line for name in re.findall(r'(\w+)="', line)}
    assert labels == {
        *("outcome", "route", "status", "le", "meaning", "source", "kind", "result", "state"),
        *("version", "python", "database", "mode"),  # of the build
    }


def test_requests_that_are_refused_are_counted_by_kind(client, evaluate):
    """The kind of the problem, whoever refused: the gate, an endpoint, or the router."""
    evaluate(b"[]")
    evaluate(b"{")
    client.get("/nowhere")
    client.get("/livez", headers={"host": "elsewhere.example"})
    client.get("/v1/decisions/none")
    found = {name: value for name, value in figures(client).items() if name.startswith("fifthfactor_refusals_total")}
    assert len(found) == len(KINDS)
    assert {name: value for name, value in found.items() if value} == {
        'fifthfactor_refusals_total{kind="exchange-refused"}': 2,
        'fifthfactor_refusals_total{kind="not-found"}': 2,
        'fifthfactor_refusals_total{kind="misdirected"}': 1,
    }


def test_it_says_what_runs_and_what_the_log_takes(client, evaluate, service):
    """The version, the size of the database and its tree, and how long the writer waited for the lock."""
    evaluate()
    found = figures(client)
    [build] = [name for name in found if name.startswith("fifthfactor_build_info")]
    assert f'version="{engine.__version__}"' in build
    assert 'database="sqlite"' in build
    path = service.store.database.path
    assert found["fifthfactor_database_size_bytes"] >= path.stat().st_size
    assert found["fifthfactor_database_disk_free_bytes"] > 0
    assert found["fifthfactor_log_leaves"] >= 2  # the policies and the record
    assert found["fifthfactor_log_refused"] == found["fifthfactor_policy_refused"] == 0
    assert found["fifthfactor_log_writing_seconds_total"] > 0
    assert found["fifthfactor_log_lock_wait_seconds_total"] >= 0
    assert time.time() - 60 < found["fifthfactor_database_read_timestamp_seconds"] <= time.time()
    assert found['fifthfactor_webhook_events{state="waiting"}'] == found["fifthfactor_watch_backlog"] == 0


def test_kept_answers_that_are_given_again_are_counted(client, evaluate):
    """The first exchange is a miss, the second a hit; one whose explanation is asked for depends on more, and bypasses them."""
    evaluate()
    evaluate()
    client.post("/v1/evaluate?include=questions", content=body(), headers={"content-type": "application/json"})
    found = figures(client)
    results = {name: found[f'fifthfactor_answer_cache_lookups_total{{result="{name}"}}'] for name in ("hit", "miss", "bypass")}
    assert results == {"hit": 1, "miss": 1, "bypass": 1}
    assert found["fifthfactor_answer_cache_bytes"] > 0


def test_a_decision_between_a_quarter_of_a_second_and_a_second_has_its_bucket(client):
    """The slow ones are told apart."""
    bounds = re.findall(r'fifthfactor_decision_duration_seconds_bucket{le="([0-9.]+)"}', client.get("/metrics").text)
    assert len([each for each in map(float, bounds) if 0.25 < each < 1]) >= 3


def families_of(page: httpx.Response) -> set[str]:
    """The names of the families on a page in either form."""
    return {name.removesuffix("_total") for name in re.findall(r"^# TYPE (\w+)", page.text, re.MULTILINE)}


@pytest.mark.parametrize("workers", ["1", "2"])
def test_openmetrics_is_given_where_it_is_asked_for(tmp_path, workers):
    """A strict reader takes the page, and finds the same names and values as on the page of Prometheus; so too of several workers."""
    wanted = {"accept": "application/openmetrics-text; version=1.0.0, text/plain; version=0.0.4; q=0.5"}
    with running(tmp_path / "log.db", "--workers", workers) as server:
        json_body = {"content-type": "application/json"}
        httpx.post(f"{server.address}/v1/evaluate", content=body(), headers=json_body).raise_for_status()
        pages: list[httpx.Response] = []

        def asked() -> bool:
            pages[:] = [httpx.get(f"{server.address}/metrics", headers=each) for each in ({}, wanted)]
            # Until each worker has the decision, has looked into its database, and knows all its figures.
            return (
                families_of(pages[0]) == families_of(pages[1])
                and all(re.search(r"^fifthfactor_decisions_total.* 1\.0$", each.text, re.MULTILINE) for each in pages)
                and all("\nfifthfactor_database_size_bytes " in each.text for each in pages)
            )

        eventually(asked)
    plain, answer = pages
    assert answer.headers["content-type"].startswith("application/openmetrics-text; version=1.0.0")
    assert answer.text.endswith("# EOF\n")
    families = {family.name: family for family in text_string_to_metric_families(answer.text)}
    assert families["fifthfactor_decisions"].type == "counter"
    assert [sample.value for sample in families["fifthfactor_decisions"].samples] == [1]
    assert families["fifthfactor_decision_duration_seconds"].type == "histogram"
    assert families_of(plain) == set(families)


def test_a_figure_of_several_workers_is_added_or_is_the_largest_or_that_of_the_one_that_answers(tmp_path, lines):
    """What one worker wrote for the others, and what the one that answers knows by itself."""

    def worker(number):
        metrics = Metrics()
        metrics.tell("gauge", "added", "It is added.", lambda: number)
        metrics.tell("gauge", "largest", "The largest counts.", lambda: number, over="largest")
        metrics.tell("gauge", "read_here", "Only the one that answers reads it.", lambda: number, over="answering")
        metrics.share(tmp_path, log_lines.logger(lines))
        return metrics

    async def page():
        one, other = worker(1), worker(5)
        async with other.sharing():
            await asyncio.to_thread(eventually, lambda: list(tmp_path.glob("*.json")))
            (file,) = tmp_path.glob("*.json")
            file.rename(tmp_path / "other.json")
            return (await one.page())[0].decode()

    found = dict(
        line.split() for line in asyncio.run(page()).splitlines() if line.startswith(("added", "largest", "read_here"))
    )
    assert found == {"added": "6.0", "largest": "5.0", "read_here": "1.0"}


@pytest.mark.parametrize(
    ("accept", "media_type"),
    [
        ("application/openmetrics-text;q=0, text/plain", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;q=0.1,text/plain;version=0.0.4;q=0.9", "text/plain; version=0.0.4"),
        ("application/openmetrics-text;q=0.1,*/*;q=0.2", "text/plain; version=0.0.4"),
        (
            "text/plain;version=0.0.4;q=0.2,application/openmetrics-text;version=1.0.0;q=0.5,*/*;q=0.1",
            "application/openmetrics-text",
        ),
        ("application/openmetrics-text", "application/openmetrics-text"),
        ("application/openmetrics-text;q=one", "text/plain; version=0.0.4"),
        ("image/png", "text/plain; version=0.0.4"),
    ],
)
def test_the_form_that_is_preferred_is_given(accept, media_type):
    """By the weights of the header (RFC 9110); what has the weight 0 is never given, what has none that can be read neither."""
    page, given = asyncio.run(Metrics().page(accept))
    assert given.startswith(media_type)
    assert page.endswith(b"# EOF\n") == (media_type == "application/openmetrics-text")


def test_a_worker_that_ends_writes_its_last_figures_when_nothing_else_writes_them(tmp_path, lines, monkeypatch):
    """Two writings at once tear the file: the process above, which adds it to the sums, would end over it."""
    write, writing, together = metrics._write, [0], []

    def slow(file, snapshot):
        writing[0] += 1
        together.append(writing[0])
        time.sleep(0.2)
        write(file, snapshot)
        writing[0] -= 1

    monkeypatch.setattr(metrics, "_write", slow)
    counts = [1]

    async def work():
        worker = Metrics()
        worker.tell("counter", "counted_total", "Counted.", lambda: counts[0])
        worker.share(tmp_path, log_lines.logger(lines))
        async with worker.sharing():
            while not writing[0]:  # noqa: ASYNC110 - a thread sets it
                await asyncio.sleep(0.01)
            counts[0] = 2

    asyncio.run(work())
    assert set(together) == {1}
    (file,) = tmp_path.glob("*.json")
    assert '["counted_total", {}, 2]' in file.read_text()


def test_figures_that_a_worker_learns_of_while_it_shares_are_shared_too(tmp_path, lines, monkeypatch):
    """A service tells of some only when its parts have started, and one may fail for a moment: the sharing goes on, with one line."""
    monkeypatch.setattr(metrics, "SHARE_SECONDS", 0.01)
    fails = [True, True, True]

    def late():
        worker.tell("counter", "late_total", "It is known late.", lambda: 7)
        return 1

    def failing():
        if fails:
            fails.pop()
            raise ZeroDivisionError
        return 3

    async def work():
        worker.tell("counter", "failing_total", "It fails at first.", failing)
        worker.tell("counter", "early_total", "It is known early.", late)
        worker.share(tmp_path, log_lines.logger(lines))
        async with worker.sharing():
            await asyncio.to_thread(
                eventually, lambda: [each for each in tmp_path.glob("*.json") if "late" in each.read_text()]
            )

    worker = Metrics()
    asyncio.run(work())
    (file,) = tmp_path.glob("*.json")
    told = file.read_text()
    assert all(each in told for each in ('["late_total", {}, 7]', '["early_total", {}, 1]', '["failing_total", {}, 3]'))
    [line] = lines.events("figures_not_shared")
    assert (line["level"], line["error"], "reason" in line) == ("warning", "ZeroDivisionError", False)
    assert line["at"][-1].endswith("failing")


def test_a_folder_that_cannot_be_written_is_told_once(tmp_path, lines, monkeypatch):
    """With the reason of the system; the worker goes on, and ends, without it."""
    monkeypatch.setattr(metrics, "SHARE_SECONDS", 0.001)
    rounds = []

    def told():
        rounds.append(1)
        return len(rounds)

    async def work():
        worker = Metrics()
        worker.tell("counter", "rounds_total", "Rounds.", told)
        worker.share(tmp_path / "gone", log_lines.logger(lines))
        async with worker.sharing():
            await asyncio.to_thread(eventually, lambda: len(rounds) > 3)

    asyncio.run(work())
    [line] = lines.events("figures_not_shared")
    assert (line["error"], line["reason"]) == ("FileNotFoundError", "No such file or directory")


@BOTH_DATABASES
def test_what_is_in_the_database_is_read_now_and_then(service, monkeypatch):
    """Reviews that wait and those whose approval has ended; after ten seconds it is read again, and before it is not."""
    today = service.clock().date()

    async def rows(*states):
        fixed = {"kinds": "review", "provisions": "[]", "askers": "[]", "due": None, "assignee": None}
        values = [
            fixed
            | {"facts": f"facts-{at}", "decision": f"decision-{at}", "sequence": at, "moment": (at + 1) * 1_000_000}
            | {"state": state, "until": until and until.isoformat()}
            for at, (state, until) in enumerate(states)
        ]
        await service.store.do(lambda transaction: transaction.execute(sa.insert(review_case), values) and None)

    yesterday, tomorrow = today - timedelta(days=1), today + timedelta(days=1)
    states = (("over", None), (WAITS, None), (APPROVED, yesterday), (APPROVED, tomorrow), ("refused", None), (WAITS, None))

    async def told(figures):
        await figures.refresh()
        return figures.found.reviews

    async def run():
        monkeypatch.setattr(database_figures, "FRESH_SECONDS", 600.0)
        figures = DatabaseFigures(service)
        before = await told(figures)
        await rows(*states)
        same = await told(figures)
        monkeypatch.setattr(database_figures, "FRESH_SECONDS", 0.0)
        return before, same, await told(figures), figures

    before, same, after, figures = asyncio.run(run())
    assert before == same == WaitingReviews(0, None)
    assert after == WaitingReviews(3, 2_000_000)
    assert figures.found.size > 0
    with service.store.database.reading.connect() as connection:
        assert waiting_reviews(connection, today).count == 3


def test_a_database_that_does_not_answer_leaves_what_was_read_before(in_file, monkeypatch):
    """The page is answered all the same, and says when its figures were read."""
    with TestClient(create_app(in_file.settings, in_file), base_url="http://127.0.0.1:8080") as client:
        before = figures(client)
        monkeypatch.setattr(database_figures, "FRESH_SECONDS", 0.0)
        monkeypatch.setattr(in_file.store.database, "path", in_file.store.database.path.parent / "gone" / "log.db")
        after = figures(client)
    for name in ("fifthfactor_database_size_bytes", "fifthfactor_database_read_timestamp_seconds"):
        assert after[name] == before[name]


def test_a_slow_look_delays_no_page_for_long(in_file, monkeypatch):
    """The page waits a little, and shows what it has; the look goes on, and is not begun twice."""
    monkeypatch.setattr(database_figures, "PATIENCE_SECONDS", 0.05)
    looks, may_look = [], threading.Event()

    async def run():
        figures = DatabaseFigures(in_file)
        look = figures._look

        def slow():
            looks.append(1)
            assert may_look.wait(60), "the pages waited for it"
            return look()

        monkeypatch.setattr(figures, "_look", slow)
        await figures.refresh()
        await figures.refresh()
        assert figures.found is None
        may_look.set()
        monkeypatch.setattr(database_figures, "PATIENCE_SECONDS", 60)
        await figures.refresh()
        assert figures.found is not None

    asyncio.run(run())
    assert looks == [1]


@pytest.mark.parametrize(
    "accept",
    [
        "application/openmetrics-text; version=abc",
        "application/openmetrics-text; version=1.0.0-rc1",
        "text/plain; version=x",
        "application/openmetrics-text; version=99.0.0; escaping=x",
        "text/plain; version=1.0.0; escaping=allow-utf-8",
        "application/openmetrics-text; version=1..0",
        "application/openmetrics-text; version=\u0661.0.0",
        "=;,;=",
        "application/openmetrics-text; version=",
    ],
)
def test_an_odd_accept_gets_a_page(accept):
    """In one of the two formats."""
    page, media_type = asyncio.run(Metrics().page(accept))
    assert b"fifthfactor_" in page
    assert media_type.startswith(("text/plain", "application/openmetrics-text"))
