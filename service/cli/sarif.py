"""
Findings of `check` and `lint` as SARIF 2.1.0 (OASIS, "Static Analysis Results Interchange Format"), for code review.

A finding names its file relative to the folder that was checked. A code review needs it relative to the root of the repository, which is
taken to be the current folder. A file outside that folder gets an absolute address.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import quote

import engine

SCHEMA = "https://docs.oasis-open.org/sarif/sarif/v2.1.0/errata01/os/schemas/sarif-schema-2.1.0.json"


def document(
    findings: Sequence[engine.Diagnostic],
    folders: Sequence[Path],
    root: Path,
    status: int,
    explained: Mapping[str, str] = engine.CODES,
) -> dict[str, Any]:
    """The log of one run over `folders` that ended with `status`; addresses are relative to `root`, `explained` has all codes."""
    codes = list(explained)
    driver = {
        "name": "Fifth Factor",
        "semanticVersion": engine.__version__,
        "rules": [_rule(code, text) for code, text in explained.items()],
    }
    run = {
        "tool": {"driver": driver},
        "columnKind": "unicodeCodePoints",
        "invocations": [{"executionSuccessful": True, "exitCode": status}],
        "results": [_result(finding, codes.index(finding.code), folders, root) for finding in findings],
    }
    return {"$schema": SCHEMA, "version": "2.1.0", "runs": [run]}


def _rule(code: str, text: str) -> dict[str, Any]:
    level = "warning" if text.endswith("(a warning)") or code in engine.FINDINGS else "error"
    return {"id": code, "shortDescription": {"text": text}, "defaultConfiguration": {"level": level}}


def _result(finding: engine.Diagnostic, index: int, folders: Sequence[Path], root: Path) -> dict[str, Any]:
    at = finding.at
    said = [finding.message, finding.label, finding.help]
    region = {"startLine": at.line, "startColumn": at.column, "endLine": at.line, "endColumn": at.column + at.length}
    return {
        "ruleId": finding.code,
        "ruleIndex": index,
        "level": finding.severity,
        "message": {"text": "; ".join(text for text in said if text)},
        "locations": [{"physicalLocation": {"artifactLocation": _address(at.file, folders, root), "region": region}}],
    }


def _address(file: str, folders: Sequence[Path], root: Path) -> dict[str, str]:
    """The address of a file: relative to `root`, or absolute where it is outside."""
    bases = [folder.resolve().parent for folder in folders]
    path = next((base / file for base in bases if (base / file).exists()), root / file)
    if path.is_relative_to(root):
        return {"uri": quote(path.relative_to(root).as_posix()), "uriBaseId": "%SRCROOT%"}
    return {"uri": path.as_uri()}
