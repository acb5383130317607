"""The files of monitoring: the expressions of the dashboard and the rules, and the parts of an alert that have a value if it is quiet."""

import json
import re
from collections.abc import Iterator
from typing import Any

import yaml

from tests.pages import ROOT

FOLDER = ROOT / "service" / "deploy" / "monitoring"
RULES = FOLDER / "rules.yaml"
DASHBOARD = FOLDER / "dashboard.json"

_SET = re.compile(r"\s(?:and|or|unless)\s(?:(?:on|ignoring)\s*\([^)]*\)\s)?")
_COMPARISON = re.compile(r"\s(?:==|!=|>=|<=|>|<)\s")
_NUMBER = re.compile(r"[\d.e+*\s-]+")


def rules() -> list[dict[str, Any]]:
    """The rules, in order."""
    return [rule for group in yaml.safe_load(RULES.read_text())["groups"] for rule in group["rules"]]


def alerts() -> dict[str, dict[str, Any]]:
    """The alerts, by name."""
    return {rule["alert"]: rule for rule in rules() if "alert" in rule}


def dashboard() -> dict[str, Any]:
    """The dashboard."""
    found: dict[str, Any] = json.loads(DASHBOARD.read_text())
    return found


def panels() -> list[dict[str, Any]]:
    """The panels of the dashboard that show something."""
    return [each for each in dashboard()["panels"] if each["type"] != "row"]


def operands(expression: str) -> list[str]:
    """The sides of the comparisons in an alert: each has a value also where the alert is quiet. Numbers are left out."""
    parts = [side.strip() for part in _SET.split(expression) for side in _COMPARISON.split(part)]
    found = [each for each in parts if not _NUMBER.fullmatch(each)]
    assert all(each.count("(") == each.count(")") for each in found), expression
    return found


def expressions() -> Iterator[tuple[str, str]]:
    """Where each expression stands, and the expression as it is asked of Prometheus."""
    for panel in panels():
        for target in panel["targets"]:
            yield f"dashboard: {panel['title']}", asked(target["expr"])
    for each in dashboard()["annotations"]["list"]:
        yield f"dashboard: {each['name']}", asked(operands(each["expr"])[0])
    for rule in rules():
        if "record" in rule:
            yield rule["record"], rule["expr"]
        else:
            for operand in operands(rule["expr"]):
                yield rule["alert"], operand


def asked(expression: str) -> str:
    """An expression of the dashboard with its variables filled in, as Grafana does."""
    return expression.replace("$__rate_interval", "5s").replace("$job", ".+")
