"""
The chart without Helm: its version, its values, their schema and their table.

What Helm makes of it is tested by `make doors`. `RECORD=1` writes the parts of the schema anew that follow from the settings.
"""

from __future__ import annotations

import json
import os
import re
from functools import cache
from typing import Any

import jsonschema
import pytest
import yaml

import engine
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from tests.service.conftest import ROOT
from tests.service.deploy import chart_settings, chart_values

CHART = ROOT / "service" / "deploy" / "helm" / "fifthfactor"
SCHEMA = CHART / "values.schema.json"
TEMPLATES = sorted((CHART / "templates").rglob("*.*"))


@cache
def schema() -> Any:
    """The schema of the values."""
    return json.loads(SCHEMA.read_text("utf-8"))


@cache
def values() -> Any:
    """The values as they come."""
    return yaml.safe_load((CHART / "values.yaml").read_text("utf-8"))


def test_its_version_is_that_of_the_engine() -> None:
    """The chart installs the image of its own version."""
    chart = yaml.safe_load((CHART / "Chart.yaml").read_text("utf-8"))
    assert (chart["apiVersion"], chart["name"]) == ("v2", "fifthfactor")
    assert chart["version"] == chart["appVersion"] == engine.__version__.partition("+")[0]


def test_the_schema_knows_the_settings_of_the_service() -> None:
    """Each by its name, its kind and its limits: a setting that the service would refuse is refused before anything is installed."""
    if os.environ.get("RECORD"):
        found = schema() | {"definitions": schema()["definitions"] | chart_settings.definitions()}
        SCHEMA.write_text(json.dumps(found, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        schema.cache_clear()
    definitions = schema()["definitions"]
    assert {name: definitions[name] for name in chart_settings.definitions()} == chart_settings.definitions()


def test_every_setting_can_be_given_and_no_secret_by_its_value() -> None:
    """By a value of the chart, in `settings`, in `files` or from a Secret."""
    definitions = schema()["definitions"]
    places = {name: set(definitions[name]["properties"]) for name in ("settings", "fromSecret", "files")}
    given = places["settings"] | places["fromSecret"] | places["files"] | chart_settings.OWN
    assert given >= set(Settings.model_fields)
    assert not places["settings"] & {"oidc_client_secret", "database", *places["files"]}
    pods = "".join(each.read_text("utf-8") for each in TEMPLATES)
    assert {name for name in chart_settings.OWN if f"FIFTHFACTOR_{name.upper()}" not in pods} == set()


def test_the_schema_is_strict_at_every_depth() -> None:
    """No object of the chart's own takes a name that it does not know. A volume is in the words of Kubernetes."""
    jsonschema.Draft7Validator.check_schema(schema())
    loose = [
        at
        for at, each in _objects(schema()["properties"], "")
        if "properties" in each and each.get("additionalProperties", True)
    ]
    assert loose == ["/extraVolumes/items"]
    assert schema()["additionalProperties"] is False


def _objects(thing: Any, at: str) -> list[tuple[str, Any]]:
    if isinstance(thing, list):
        return [found for each in thing for found in _objects(each, at)]
    if not isinstance(thing, dict):
        return []
    own = [(at, thing)] if thing.get("type") == "object" else []
    return own + [found for name, each in thing.items() for found in _objects(each, f"{at}/{name}")]


def test_the_values_as_they_come_are_good_and_all_there() -> None:
    """Each member that the schema knows has a value, except the one that Helm itself brings."""
    assert [*jsonschema.Draft7Validator(schema()).iter_errors(values())] == []
    for name, each in schema()["properties"].items():
        if name != "global":
            assert name in values()
            inner = each.get("properties", {})
            assert name == "resources" or not inner or name == "affinity" or set(inner) == set(values()[name])


@pytest.mark.parametrize(
    "wrong",
    [
        {"replicas": 2},
        {"database": {"kind": "postgresql"}},
        {"tls": {"enabled": True, "secret": ""}},
        {"settings": {"oidc_client_secret": "x"}},
        {"setting": {}},
    ],
)
def test_combinations_that_cannot_be_are_refused(wrong: dict[str, Any]) -> None:
    """By the schema itself, so that an editor shows it. Helm's own messages are tested by `make doors`."""
    assert [*jsonschema.Draft7Validator(schema()).iter_errors(values() | wrong)]


def test_every_value_has_a_sentence() -> None:
    """They are the table of the chart's page; each ends with a full stop and each value of the file has one."""
    rows = chart_values.rows(CHART / "values.yaml")
    assert len(rows) > 80
    assert [row for row in rows if not row.sentence.endswith(".")] == []
    assert {row.path.partition(".")[0] for row in rows} == set(values())


def test_every_value_is_used() -> None:
    """A value that no template reads would be a promise that nobody keeps."""
    text = "".join(each.read_text("utf-8") for each in TEMPLATES)
    unused = []
    for row in chart_values.rows(CHART / "values.yaml"):
        parent, _, last = row.path.rpartition(".")
        read = re.search(rf"\.Values\.{re.escape(row.path)}\b", text) or (
            parent == "resources" or f".Values.{parent}\n" in text
        )
        unused += [] if read else [f"{row.path} {last}"]
    assert unused == []


def test_the_probes_ask_paths_that_the_service_has(in_file: Service) -> None:
    """And Prometheus too; all three need no name of a host."""
    text = "".join(each.read_text("utf-8") for each in TEMPLATES)
    asked = set(re.findall(r"^\s+path: (/[a-z]+)$", text, re.MULTILINE))
    assert asked == {"/livez", "/metrics", "/readyz"}
    paths = {getattr(route, "path", None) for route in create_app(in_file.settings, in_file).routes}
    assert asked <= paths
