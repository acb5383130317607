"""
The pages of the project: every Markdown file, with the blocks, links, headings and generated tables that stand on it.

A page is named by its path from the top, `service/docs/ledger.md`. What a page shows is held against what is there by `test_readmes`.
"""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

ROOT = Path(__file__).resolve().parent.parent
DRAFTS = ROOT / "tests" / "service" / "compliance_documents" / "examples"  # what a test compares, and no pages
FOLDERS = ("engine", "policies", "service", "tests")
PAGES = (
    *sorted(file.name for file in ROOT.glob("*.md")),
    *sorted(
        file.relative_to(ROOT).as_posix()
        for name in FOLDERS
        for file in (ROOT / name).rglob("*.md")
        if DRAFTS not in file.parents
    ),
)

_MARKDOWN = MarkdownIt().enable("table")
_GENERATED = re.compile(r"<!-- generated: ([\w-]+) -->\n(.*?)<!-- end -->\n", re.DOTALL)


@dataclass(frozen=True, slots=True)
class Block:
    """A fenced block: its page, its first line, the words behind its fence (`sh`, `sh serve`), its text."""

    page: str
    line: int
    kind: str
    text: str

    def __str__(self) -> str:
        return f"{self.page}:{self.line}"


def text_of(page: str) -> str:
    """The page as it is written."""
    return (ROOT / page).read_text(encoding="utf-8")


def blocks(page: str) -> list[Block]:
    """Every block of a page, in order; one without a fence has the kind ``."""
    return [
        Block(page, token.map[0] + 1 if token.map else 0, token.info.strip(), token.content)
        for token in _MARKDOWN.parse(text_of(page))
        if token.type in ("fence", "code_block")
    ]


def links(page: str) -> list[str]:
    """Where the links of a page lead, as they are written."""
    return [str(token.attrs["href"]) for token in _inline(page) if token.type == "link_open"]


def named(page: str) -> list[str]:
    """What stands between backticks in the text of a page."""
    return [token.content for token in _inline(page) if token.type == "code_inline"]


def anchors(page: str) -> set[str]:
    """The names by which links lead to the headings of a page, as GitHub makes them."""
    seen: Counter[str] = Counter()
    found = set()
    tokens = _MARKDOWN.parse(text_of(page))
    for before, token in pairwise(tokens):
        if before.type == "heading_open":
            name = re.sub(r"[^\w\- ]", "", token.content.lower()).replace(" ", "-")
            found.add(f"{name}-{seen[name]}" if seen[name] else name)
            seen[name] += 1
    return found


def generated(page: str) -> dict[str, str]:
    """The generated tables of a page as they stand there, by name."""
    return dict(_GENERATED.findall(text_of(page)))


def with_table(page: str, name: str, table: str) -> str:
    """The text of a page with another table in the place of the one of that name."""

    def fresh(match: re.Match[str]) -> str:
        return f"<!-- generated: {name} -->\n{table}<!-- end -->\n" if match.group(1) == name else match.group(0)

    return _GENERATED.sub(fresh, text_of(page))


def without_tables(page: str) -> str:
    """The text of a page that people write."""
    return _GENERATED.sub("", text_of(page))


def _inline(page: str) -> Iterator[Token]:
    for token in _MARKDOWN.parse(text_of(page)):
        yield from token.children or ()
