"""Which lines are written at which level."""

import httpx
import pytest
from starlette.testclient import TestClient

from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.telemetry import log_lines
from tests.service.conftest import POLICIES, Lines, running


def test_a_line_below_the_level_is_left_out():
    """From the level on, each is written."""
    for level, written in (
        ("debug", ["one", "two", "three", "four"]),
        ("info", ["two", "three", "four"]),
        ("warning", ["three", "four"]),
        ("error", ["four"]),
    ):
        lines = Lines()
        say = log_lines.logger(lines, level)
        for method, event in (("debug", "one"), ("info", "two"), ("warning", "three"), ("error", "four")):
            getattr(say, method)(event)
        assert [event for event in ("one", "two", "three", "four") if lines.events(event)] == written


@pytest.mark.parametrize("level", log_lines.LEVELS)
def test_the_audit_is_written_at_every_level(level):
    """Who was refused, and who made a key, is never left out."""
    lines = Lines()
    log_lines.audit(log_lines.logger(lines, level), "refused", status=403)
    [line] = lines.events("audit")
    assert (line["action"], line["level"]) == ("refused", "info")


def _routes(lines, level, database):
    """The routes of the requests that have a line, with their levels."""
    settings = Settings(watch=False, policies=POLICIES, database=database, log_level=level)
    service = Service.open(settings, say=log_lines.logger(lines, level))
    with TestClient(create_app(settings, service), base_url="http://127.0.0.1:8080") as client:
        for path in ("/livez", "/readyz", "/metrics", "/v1/facts"):
            assert client.get(path).status_code == 200
        assert client.get("/metrics", headers={"host": "elsewhere.example"}).status_code == 421
    return [(each["route"], each["level"], each["status"]) for each in lines.events("request")]


def test_probes_and_scrapes_are_not_logged_at_the_ordinary_level(database, lines):
    """They come every few seconds. One that is refused has its line."""
    assert _routes(lines, "info", database) == [("/v1/facts", "info", 200), ("/metrics", "info", 421)]


def test_probes_and_scrapes_are_logged_at_the_level_debug(database, lines):
    """For whoever looks for a probe that does not come."""
    assert _routes(lines, "debug", database) == [
        ("/livez", "debug", 200),
        ("/readyz", "debug", 200),
        ("/metrics", "debug", 200),
        ("/v1/facts", "info", 200),
        ("/metrics", "info", 421),
    ]


def test_the_setting_is_that_of_the_process(tmp_path):
    """At `debug` a server writes the line of a probe, by its setting."""
    with running(tmp_path / "log.db", environment={"FIFTHFACTOR_LOG_LEVEL": "debug"}) as server:
        httpx.get(f"{server.address}/livez").raise_for_status()
        assert server.stop() == 0
    assert [each["level"] for each in server.events("request")] == ["debug"]
