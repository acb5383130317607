"""The files of monitoring, without Prometheus: each alert has its section on the page, and the dashboard asks only for what there is."""

import itertools
import re

from tests.doors.promql import alerts, dashboard, expressions, panels, rules
from tests.pages import ROOT, anchors, text_of

PAGE = "service/docs/what-to-watch.md"
UNITS = {"ops", "reqps", "s", "short", "bytes", "percentunit"}  # by which Grafana writes numbers


def test_every_alert_has_its_section_and_leads_to_it():
    """A heading that is the name of the alert, with something below it; no section is left of one that is gone."""
    sections = dict(re.findall(r"^### (\w+)\n(.+?)(?=\n#|\Z)", text_of(PAGE), re.MULTILINE | re.DOTALL))
    assert list(sections) == list(alerts())
    assert all(len(text.split()) >= 15 for text in sections.values())
    for name, rule in alerts().items():
        assert rule["annotations"]["runbook_url"] == f"{PAGE}#{name.lower()}"
        assert name.lower() in anchors(PAGE)


def test_every_alert_says_how_urgent_it_is_in_a_sentence():
    """Two words for it, and nothing in the sentence that a label would have to fill."""
    for rule in alerts().values():
        assert rule["labels"]["severity"] in ("critical", "warning")
        assert re.fullmatch(r"[A-Z][^{}]+\.", rule["annotations"]["summary"])
        assert rule["annotations"].keys() == {"summary", "runbook_url"}


def test_every_figure_that_is_asked_for_is_on_the_page_of_metrics():
    """Or is a sum that the rules themselves record."""
    listed = set(re.findall(r"\bfifthfactor_\w+", text_of("service/docs/metrics.md")))
    recorded = {rule["record"] for rule in rules() if "record" in rule}
    for where, expression in expressions():
        for name in re.findall(r"(?:job:)?\bfifthfactor_[\w:]+", expression):
            assert name in recorded or re.sub(r"_(bucket|sum|count)$", "", name) in listed, (where, name)


def test_each_panel_has_a_title_a_unit_and_a_sentence():
    """And a place of its own, and asks the data source that is chosen."""
    for panel in panels():
        assert panel["fieldConfig"]["defaults"]["unit"] in UNITS
        assert re.fullmatch(r"[A-Z].+\.", panel["description"])
        assert {each["datasource"]["uid"] for each in (panel, *panel["targets"])} == {"${datasource}"}
        assert all("$job" in each["expr"] for each in panel["targets"])
    assert len({each["id"] for each in dashboard()["panels"]}) == len(dashboard()["panels"])
    assert len({each["title"] for each in panels()}) == len(panels())
    taken = [
        (x, y)
        for panel in dashboard()["panels"]
        for at in [panel["gridPos"]]
        for x, y in itertools.product(range(at["x"], at["x"] + at["w"]), range(at["y"], at["y"] + at["h"]))
    ]
    assert len(set(taken)) == len(taken)
    assert all(x < 24 for x, _ in taken)


def test_the_dashboard_lets_the_data_source_be_chosen():
    """It names none that only one Grafana would have."""
    first = dashboard()["templating"]["list"][0]
    assert (first["name"], first["type"], first["query"]) == ("datasource", "datasource", "prometheus")
    assert (ROOT / PAGE).name in dashboard()["description"]
