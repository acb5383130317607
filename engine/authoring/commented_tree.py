"""
The tree of a document with its comments: each belongs to an entry, or stands at the end of a block.

A tree and the comments of its file go in, which know only their places; blocks with entries come out, as their author wrote them.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field

from engine.policy_language.diagnostic import Span
from engine.policy_language.tree import Comment, Mapping, Node, Scalar, Sequence


@dataclass(slots=True, eq=False)
class CommentedBlock:
    """A mapping or a list. `on_a_line`: its author wrote it in brackets. `foot`: the comments after its last entry."""

    column: int
    brackets: int
    on_a_line: bool
    named: bool
    parent: CommentedBlock | None
    entries: list[CommentedEntry] = field(default_factory=list)
    foot: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class CommentedEntry:
    """
    A key with its value, or an item of a list.

    `above` are the lines before it: comments, and the empty string for an empty line. `beside` are the comments at the end of
    its line. `begins` is where its value begins; for a block that is not in brackets, where the entry begins. `short` is the value
    in brackets, where it stands on the entry's line. `filled`: the value stands in brackets over several lines.
    """

    key: str | None
    at: tuple[int, int]
    begins: tuple[int, int]
    block: CommentedBlock
    value: str | CommentedBlock = ""
    above: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    short: str = ""
    filled: bool = False


class CommentPlacement:
    """Gives each comment to the entry it belongs to."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.entries: list[CommentedEntry] = []

    def build(self, tree: Mapping, notes: tuple[Comment, ...]) -> CommentedBlock:
        root = self.block(tree, None)
        waiting = list(reversed(notes))
        previous: CommentedEntry | None = None
        for entry in [*self.entries, None]:
            alone = []
            while waiting and (entry is None or _place(waiting[-1].span) < entry.at):
                note = waiting.pop()
                if previous is None:
                    alone.append(note)
                elif not self.stands_alone(note.span):
                    _around(previous, note.brackets).beside.append(note.text)
                elif _place(note.span) < previous.begins:
                    previous.above.append(note.text)
                else:
                    alone.append(note)
            self.between(previous, alone, entry)
            previous = entry
        return root

    def block(self, node: Mapping | Sequence, parent: CommentedBlock | None) -> CommentedBlock:
        line, column = _place(node.span)
        in_brackets = self.lines[line - 1][column - 1 : column] in ("[", "{")
        brackets = (parent.brackets if parent else 0) + in_brackets
        block = CommentedBlock(column, brackets, brackets > 0, isinstance(node, Mapping), parent)
        pairs: Iterable[tuple[Scalar | None, Node]]
        pairs = node.entries if isinstance(node, Mapping) else ((None, item) for item in node.items)
        for key, value in pairs:
            begins = _place(value.span)
            entry = CommentedEntry(key.text if key else None, _place(key.span) if key else begins, begins, block)
            block.entries.append(entry)
            self.entries.append(entry)
            entry.value = value.text if isinstance(value, Scalar) else self.block(value, block)
            if isinstance(entry.value, CommentedBlock) and not entry.value.on_a_line:
                entry.begins = entry.at
        return block

    def between(self, previous: CommentedEntry | None, alone: list[Comment], entry: CommentedEntry | None) -> None:
        """Place the comments on lines of their own. One that is indented deeper than the next entry ends the block before it."""
        closed = _closed(previous, entry)
        column = 0 if entry is None else entry.block.column if entry.key is None else entry.at[1]
        leads = list(alone)
        while leads and closed and (entry is None or self.depth(leads[0]) > (entry.block.brackets, column)):
            note = leads.pop(0)
            brackets, margin = self.depth(note)
            inner = [n for n, b in enumerate(closed) if b.brackets == brackets and (brackets or b.column <= margin)]
            # Comments keep their order, so a later one stands no deeper than one before it.
            closed = closed[inner[0] if inner else -1 :]
            closed[0].foot += [*self.gap(note.span), note.text]
        if entry is not None:
            for note in leads:
                entry.above += [*self.gap(note.span), note.text]
            entry.above += self.gap(Span("", *entry.at))
        elif previous is not None and leads:
            previous.above += [note.text for note in leads]

    def depth(self, note: Comment) -> tuple[int, int]:
        return note.brackets, len(self.lines[note.span.line - 1]) - len(self.lines[note.span.line - 1].lstrip()) + 1

    def stands_alone(self, span: Span) -> bool:
        """Whether nothing but the dash of a list stands before a place on its line."""
        return not self.lines[span.line - 1][: span.column - 1].strip(" \t-\ufeff")

    def gap(self, span: Span) -> list[str]:
        """The empty line before a place that begins its line, where there is one."""
        before = self.lines[span.line - 2] if span.line > 1 else "no line"
        return [] if before.strip() or not self.stands_alone(span) else [""]


def _place(span: Span) -> tuple[int, int]:
    return span.line, span.column


def _around(entry: CommentedEntry, brackets: int) -> CommentedEntry:
    """The entry itself, or the outer entry whose brackets were closed before a comment."""
    while entry.block.brackets > brackets and entry.block.parent:
        entry = next(e for e in entry.block.parent.entries if e.value is entry.block)
    return entry


def _closed(previous: CommentedEntry | None, entry: CommentedEntry | None) -> list[CommentedBlock]:
    """The blocks that end between two entries, the innermost first."""
    found: list[CommentedBlock] = []
    block = previous.block if previous else None
    while block is not None and (entry is None or block is not entry.block):
        found.append(block)
        block = block.parent
    return found if entry is None or block is not None else []
