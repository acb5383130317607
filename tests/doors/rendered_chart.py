"""
The chart as Helm renders it: values go in, objects come out, and what Kubernetes' own schemas say of them.

`kubernetes-validate` passes over a misspelt member of an object in a list, so every member is looked up in the schema here too.
"""

from __future__ import annotations

import json
import os
import subprocess
from collections.abc import Iterator
from functools import cache
from pathlib import Path
from typing import Any

import kubernetes_validate  # in the environment of `make doors` alone
import yaml

DOORS = Path(os.environ.get("DOORS", ".venv/doors")).resolve()
HELM = DOORS / "helm" / "helm" / "helm"
KUBECTL = DOORS / "helm" / "kubectl" / "kubectl"
ROOT = Path(__file__).resolve().parents[2]
CHART = ROOT / "service" / "deploy" / "helm" / "fifthfactor"
VALUES = Path(__file__).parent / "helm" / "values"
RENDERED = VALUES.with_name("rendered")
CASES = sorted(each.stem for each in VALUES.glob("*.yaml"))
NEWEST, OLDEST = "1.37", "1.27"
# Not in Kubernetes itself: who installs them brings their schemas.
BROUGHT = {"HTTPRoute": "gateway-api", "ServiceMonitor": "prometheus-operator"}
_SCHEMAS = Path(kubernetes_validate.__file__).parent / "kubernetes-json-schema"

Object = dict[str, Any]


def helm(*arguments: str, given: str | None = None) -> subprocess.CompletedProcess[str]:
    """Run Helm. It reads no settings of whoever runs the tests."""
    environment = {"PATH": os.environ["PATH"], "HOME": "/nonexistent", "HELM_CACHE_HOME": "/nonexistent"}
    command = [str(HELM), *arguments]
    return subprocess.run(command, input=given, env=environment, cwd=ROOT, capture_output=True, text=True, check=False)


def template(values: str) -> subprocess.CompletedProcess[str]:
    """Render the chart with some values, given as YAML."""
    return helm("template", "release", str(CHART), "--namespace", "pdp", "--values", "-", given=values)


def values_of(case: str) -> str:
    """The values of a case."""
    return (VALUES / f"{case}.yaml").read_text("utf-8")


@cache
def rendered(case: str) -> str:
    """What Helm makes of the values of a case."""
    done = template(values_of(case))
    assert done.returncode == 0, done.stderr
    return done.stdout


def objects(text: str) -> list[Object]:
    """The objects in rendered files."""
    return [each for each in yaml.safe_load_all(text) if each]


def of_kind(case: str, kind: str) -> list[Object]:
    """The objects of a kind."""
    return [each for each in objects(rendered(case)) if each["kind"] == kind]


def pods(case: str) -> dict[str, Object]:
    """The pods by their component: that of the service, of `helm test`, and of the Job that makes the first key."""
    found = objects(rendered(case))
    every = [each if each["kind"] == "Pod" else each.get("spec", {}).get("template") for each in found]
    return {each["metadata"]["labels"]["app.kubernetes.io/component"]: each for each in every if each}


def service(case: str) -> tuple[Object, Object]:
    """The pod of the service, its spec, and its container."""
    spec = pods(case)["service"]["spec"]
    (container,) = spec["containers"]
    return spec, container


def variables(container: Object) -> dict[str, Any]:
    """The variables of a container: the value, or where it comes from."""
    named = [each["name"] for each in container["env"]]
    assert len(named) == len(set(named)), "a variable is set twice"
    return {each["name"]: each.get("value", each.get("valueFrom")) for each in container["env"]}


def unknown_members(thing: Object, version: str = NEWEST) -> list[str]:
    """The members of an object, at any depth, that the schema of its kind does not have."""
    group, _, number = thing["apiVersion"].rpartition("/")
    short = group.partition(".")[0]
    name = "-".join(filter(None, (thing["kind"].lower(), short, number)))
    return list(_unknown(thing, _schema(version, name), version, thing["kind"]))


@cache
def _schema(version: str, name: str) -> Any:
    return json.loads((_SCHEMAS / f"v{version}.0-local" / f"{name}.json").read_text("utf-8"))


def _unknown(thing: Any, schema: Any, version: str, at: str) -> Iterator[str]:
    reference = schema.get("$ref", "")
    if reference:
        schema = _schema(version, "_definitions")["$defs" if "$defs" in reference else "definitions"][
            reference.rpartition("/")[2]
        ]
    if isinstance(thing, dict):
        known = schema.get("properties")
        others = schema.get("additionalProperties")
        for name, member in thing.items():
            if known and name in known:
                yield from _unknown(member, known[name], version, f"{at}.{name}")
            elif isinstance(others, dict):
                yield from _unknown(member, others, version, f"{at}.{name}")
            else:
                yield f"{at}.{name}"
    elif isinstance(thing, list):
        for number, each in enumerate(thing):
            yield from _unknown(each, schema.get("items", {}), version, f"{at}[{number}]")
