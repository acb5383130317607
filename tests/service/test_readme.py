"""The lists on the service's pages that no table generates: each names what is there, all of it and nothing else."""

import re

from starlette.testclient import TestClient

from service.server.app import create_app
from service.store.tables import metadata
from tests.pages import ROOT, text_of
from tests.service.conftest import EXCHANGE


def test_it_says_what_it_is_not():
    """No legal advice, in the first lines of each folder that speaks of decisions."""
    for page in ("README.md", "policies/README.md", "service/README.md"):
        assert "legal advice" in " ".join(text_of(page).splitlines()[:12])


def test_every_event_is_listed():
    """The table of log lines has each event that the code writes."""
    calls = re.compile(r'\b_?say(?:\.(?:debug|info|warning|error))?\(\s*"(\w+)"')
    written = {event for file in (ROOT / "service").rglob("*.py") for event in calls.findall(file.read_text())}
    assert set(_first_cells("service/docs/log-lines.md", "Lines")) == written


def test_every_table_of_the_database_is_listed():
    """With the one that Alembic keeps."""
    assert set(_first_cells("service/docs/database.md", "Tables")) == {*metadata.tables, "alembic_version"}


def test_every_metric_is_listed(in_file):
    """Those of the process are a family. Some are only where something is set: the code has their names. What is told has its labels."""
    with TestClient(create_app(in_file.settings, in_file), base_url="http://127.0.0.1:8080") as client:
        client.post("/v1/evaluate", json=EXCHANGE).raise_for_status()
        page = client.get("/metrics").text
    told = set(re.findall(r"^# TYPE (fifthfactor_\w+)", page, re.MULTILINE))
    listed = dict(re.findall(r"`(fifthfactor_\w+)(?:\{([\w,]+)\})?`", text_of("service/docs/metrics.md")))
    for name, labels in re.findall(r"^(fifthfactor_\w+)(?:\{(.*)\})? ", page, re.MULTILINE):
        on_the_page = listed[re.sub("_(bucket|sum|count)$", "", name)]
        assert {*re.findall(r'(\w+)="', labels)} - {"le"} == {*on_the_page.split(",")} - {""}, name
    called = re.compile(r'"(?:counter|gauge)",\s*"(fifthfactor_\w+)"')
    told |= {name for file in (ROOT / "service").rglob("*.py") for name in called.findall(file.read_text())}
    assert set(_first_cells("service/docs/metrics.md", "What is counted")) - {"process_"} == told


def _first_cells(page: str, heading: str) -> list[str]:
    """What the first cells of the table under a heading name."""
    section = text_of(page).partition(f"## {heading}\n")[2].partition("\n## ")[0]
    return [name for cell in re.findall(r"^\| (`[^|]*) \|", section, re.MULTILINE) for name in re.findall(r"`(\w+)", cell)]
