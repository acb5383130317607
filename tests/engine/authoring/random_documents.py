"""
Random documents in awkward YAML, from a seed: brackets over many lines, block texts, quotes, odd characters, and comments at every
place where YAML allows one. Some are not YAML at all; those are for the caller to skip.
"""

from __future__ import annotations

import json
import random

KEYS = (
    "when", "any_of", "unless", "title", "define", "rules", "cases", "expect", "require", "data.personal", "id", "effect", "NO", "k", "x y",
)  # fmt: skip
WORDS = (
    "a", "NO", "yes", "2024-03-22", "1_000", "1.10", "x: y", "- dash", "#hash", "a #b", "", "\"q\"", "it's",
    "back\\slash", "中文 字", "中" * 90, "tab\there", "end ", "  lead", "two\nlines", "one\n\ntwo", "trail\n", "trails\n\n",
    "a\n b\nc", "\n", " ", "a\r\nb", "a, b", "{b", "[c", "? q", "?q", "q?", ":x", "x:", "pd:Contact", "null", "~",
    "---", "...", "--- a", "%d", "@at", "`t", "!x", "&a", "*a", "|", "> x", "=", "<<", "-", "?", ":", "- ", "\u2028",
    "\u0085", "\ufeff", "\u007f", "😀", "x" * 200, "long " + "word " * 40 + "end", "two  " + "words  " * 30 + "end",
)  # fmt: skip


class Maker:
    """Makes one document."""

    def __init__(self, seed: int) -> None:
        self.random = random.Random(seed)
        self.comments = 0

    def document(self) -> str:
        kind = self.random.choice(("policy: p", "test: t", "vocabulary: v"))
        lines = [*self.between(0), kind + self.beside(), *self.block(0, 4, named=True), *self.between(0)]
        return "\n".join(lines) + self.random.choice(("", "\n", "\n\n"))

    def block(self, indent: int, depth: int, named: bool | None = None) -> list[str]:
        lines: list[str] = []
        named = self.chance(0.6) if named is None else named
        used: set[str] = set()
        for _ in range(self.random.randint(1, 4)):
            lines += self.between(indent)
            if named:
                lines += self.value(" " * indent + self.key(used) + ":", indent, depth)
            elif depth and self.chance(0.4):
                inner = self.block(indent + 2, depth - 1)
                on_the_dash = inner[0].strip() and not inner[0].lstrip().startswith("#")
                lines += (
                    [" " * indent + "- " + inner[0][indent + 2 :], *inner[1:]] if on_the_dash else [" " * indent + "-", *inner]
                )
            else:
                lines += self.value(" " * indent + "-", indent, depth)
        return lines

    def value(self, head: str, indent: int, depth: int) -> list[str]:
        chance = self.random.random()
        if depth and chance < 0.35:
            return [head + self.beside(), *self.block(indent + self.random.choice((1, 2, 4)), depth - 1)]
        if depth and chance < 0.55:
            return f"{head} {self.brackets(depth - 1)}{self.beside()}".split("\n")
        text = self.random.choice(WORDS)
        if self.chance(0.2) and text.strip() and text.isprintable() and not text.startswith(" "):
            style = self.random.choice("|>") + self.random.choice(("", "-", "+"))
            return [f"{head} {style}{self.beside()}", " " * (indent + 2) + text]
        return [f"{head} {self.text()}{self.beside()}"]

    def text(self) -> str:
        if self.chance(0.4):
            return self.random.choice("abcdef") * self.random.randint(1, 8)
        escaped = json.dumps(self.random.choice(WORDS))
        return escaped if self.chance(0.5) else escaped.replace("\\u4e2d", "中")

    def brackets(self, depth: int) -> str:
        named = self.chance(0.5)
        used: set[str] = set()
        parts = []
        for _ in range(self.random.choice((0, 1, 2, 3, 12))):
            value = self.brackets(depth - 1) if depth and self.chance(0.3) else self.text()
            parts.append(self.gap() + (f"{self.key(used)}: {self.gap()}{value}" if named else value) + self.gap())
        inner = ", ".join(parts) + self.gap()
        return f"{{{inner}}}" if named else f"[{inner}]"

    def gap(self) -> str:
        """What may stand between two words in brackets."""
        return self.random.choice(("", "", "", f" {self.comment()}\n      ", "\n      ", f"\n\n      {self.comment()}\n      "))

    def between(self, indent: int) -> list[str]:
        """Empty lines and comments between two entries, some at odd margins."""
        lines = []
        while self.chance(0.25):
            margin = indent if self.chance(0.6) else self.random.randint(0, 8)
            lines.append(self.random.choice(("", "", " ", " " * margin + self.comment())))
        return lines

    def beside(self) -> str:
        return f"  {self.comment()}" if self.chance(0.15) else ""

    def comment(self) -> str:
        self.comments += 1
        return f"# c{self.comments}" + self.random.choice(("", " ", "  x: y", " [", "\t"))

    def key(self, used: set[str]) -> str:
        key = self.random.choice([key for key in KEYS if key not in used])
        used.add(key)
        return key

    def chance(self, probability: float) -> bool:
        return self.random.random() < probability
