"""The style sheet of the pages is whole: each block ends, and each holds what belongs into it. Browsers pass over what is wrong."""

import re
from collections.abc import Iterator

import pytest

from service.console.pages import STYLE

_LONG = re.compile(r"""/\*.*?(?:\*/|\Z)|"[^"\n]*"|'[^'\n]*'|[{};]|[^{};"'/]+|/""", re.DOTALL)
_GROUPS = ("@media", "@supports")  # blocks of rules
_DECLARATION = re.compile(r"-{0,2}[a-z][a-z-]*\s*:\s*\S.*", re.DOTALL)


def faults(style: str) -> Iterator[str]:
    """What is wrong with a style sheet, with the line."""
    open_blocks: list[tuple[int, str]] = []
    text, line, begun = "", 1, 1
    for token in _LONG.findall(style):
        if token.startswith("/*"):
            if not token.endswith("*/"):
                yield f"line {line}: a comment does not end"
        elif token in ("{", "}", ";"):
            said, text = text.strip(), ""
            within = open_blocks[-1][1] if open_blocks else ""
            if token == "{":
                if not said:
                    yield f"line {line}: a block without a selector"
                if within and not within.startswith(_GROUPS):
                    yield f"line {line}: a block within `{within}`"
                open_blocks.append((begun, said))
            elif said and (not within or within.startswith(_GROUPS) or not _DECLARATION.fullmatch(said)):
                yield f"line {begun}: `{said}` is no declaration"
            if token == "}":
                if open_blocks:
                    open_blocks.pop()
                else:
                    yield f"line {line}: nothing is open"
        else:
            if not text.strip():
                begun = line + token[: len(token) - len(token.lstrip())].count("\n")
            text += token
        line += token.count("\n")
    if text.strip():
        yield f"line {begun}: `{text.strip()}` is no rule"
    for number, selector in open_blocks:
        yield f"line {number}: the block `{selector}` does not end"


def test_the_style_sheet_has_no_fault() -> None:
    """Each block ends."""
    assert [*faults(STYLE.decode())] == []


@pytest.mark.parametrize(
    ("style", "said"),
    [
        ("a { color: red }\n/* x */ b::after { content: '}'; }\n@media print {\n a { b: c; }\n}\n", []),
        ("a { color: red; }\n@media print {\n  b { c: d; }\n", ["line 2: the block `@media print` does not end"]),
        ("a { color: red; }\n}\n", ["line 2: nothing is open"]),
        ("a { color: red;\nb { c: d; }\n", ["line 2: a block within `a`", "line 1: the block `a` does not end"]),
        ("a { color red; }", ["line 1: `color red` is no declaration"]),
        ("{ a: b; }", ["line 1: a block without a selector", "line 1: `a: b` is no declaration"]),
        ("a { b: c; } /* no end", ["line 1: a comment does not end"]),
        ("a: b;", ["line 1: `a: b` is no declaration"]),
        ("a { b: c; }\nd", ["line 2: `d` is no rule"]),
    ],
)
def test_a_fault_of_a_style_sheet_is_found(style: str, said: list[str]) -> None:
    """With its line."""
    assert [*faults(style)] == said
