"""
The version of Fifth Factor that files say they need: the tree of a file goes in, a finding comes out where this version is too old.

A word that came with a later version is unknown here, and what it would have meant is not guessed. So such a file is refused by one
sentence that names the version, and not by all that follows from it.
"""

from __future__ import annotations

import re

from engine.policy_language.diagnostic import Findings
from engine.policy_language.tree import Mapping, Node, Scalar
from engine.version import VERSION

KEY = "needs_version"
_NUMBERS = re.compile(r"([0-9]{1,4})\.([0-9]{1,4})(?:\.([0-9]{1,4}))?")


def needs_later(root: Node | None, findings: Findings) -> bool:
    """Whether a file needs a later version than this one, which is a finding then."""
    named = root.get(KEY) if isinstance(root, Mapping) else None
    if not isinstance(named, Scalar):
        return False  # what is no text is found with the other keys
    match = _NUMBERS.fullmatch(named.text)
    if match is None:
        findings.error(named.span, "bad-value", f"`{named.text}` is not a version", help="write it like `1.1`")
        return False
    if _numbers(match) <= _numbers(_this()):
        return False
    said = f"this file needs version {named.text} of Fifth Factor, and this is {VERSION}"
    findings.error(named.span, "needs-version", said, help=f"install version {named.text} or a later one")
    return True


def _this() -> re.Match[str]:
    match = _NUMBERS.match(VERSION)
    assert match, VERSION
    return match


def _numbers(match: re.Match[str]) -> tuple[int, ...]:
    return tuple(int(each or 0) for each in match.groups())
