"""YAML that is neither policy nor vocabulary, like a file of settings: bytes go in; dicts, lists and texts come out."""

from __future__ import annotations

from typing import Any

from engine.policy_language import tree
from engine.policy_language.diagnostic import Findings


class NotYaml(ValueError):
    """The text cannot be read; the message names the line and says what is wrong, and quotes no value."""


def plain_yaml(file: str, data: bytes) -> Any:
    """The document in a file, whose scalars stay texts; None if it is empty. Raises NotYaml."""
    findings = Findings()
    node = tree.read(file, data, findings)
    for each in findings.errors:
        raise NotYaml(f"line {each.at.line}: {each.message}")
    return tree.plain(node)
