"""
A policy's tree in, the same tree out with each table and each flight of steps written out as rules, one for each cell.

Places are counted here, without any solver: each lies in exactly one cell, which may be said to be empty. Below this line there are only
rules; each has the place of its cell, so that whatever names the rule names the cell. Source: semantics 7.2.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from math import prod

from engine.policy_language.axes import ABOVE, AT, Axis, AxisPart, AxisReader
from engine.policy_language.diagnostic import Findings, Span, did_you_mean
from engine.policy_language.policy_text import RuleText
from engine.policy_language.tree import Mapping, Node, Scalar, Sequence, key_named
from engine.policy_language.vocabulary import Vocabulary

STEPS, TABLE, CELLS, EMPTY = "steps", "table", "cells", "empty"
OWN = ("id", "title", "cite", "says")  # what each cell says for itself
ADDED = ("when", "unless")  # what the cell adds to what the head says
ENDS = {"at_least": AT, "more_than": ABOVE, "from": AT, "less_than": "", "at_most": "", "until": "", "below": ""}
MOST_CELLS = 2_000
MOST_NAMED = 3


def written_out(tree: Node, vocabulary: Vocabulary, findings: Findings) -> Node:
    """
    The tree of a policy with nothing but rules under `rules:`; its cells say already what their heads say (`shared_out`).

    What is wrong becomes a finding at its place.
    """
    rules = tree.get("rules") if isinstance(tree, Mapping) else None
    if not isinstance(rules, Sequence) or not any(_heads(item) for item in rules.items):
        return tree
    assert isinstance(tree, Mapping)
    writer = _CellWriter(vocabulary, findings)
    items = [rule for item in rules.items for rule in writer.rules(item)]
    replaced = Sequence(tuple(items), rules.span)
    return Mapping(tuple((key, replaced if value is rules else value) for key, value in tree.entries), tree.span)


def shared_out(item: Node) -> Node:
    """An entry of `rules:` in which each cell says what the head of its table says for it; anything but a table or steps as it is."""
    cells = item.get(CELLS) if isinstance(item, Mapping) else None
    if not _heads(item) or not isinstance(item, Mapping) or not isinstance(cells, Sequence):
        return item
    full = Sequence(tuple(_with_head(item, cell) for cell in cells.items), cells.span)
    return Mapping(tuple((key, full if value is cells else value) for key, value in item.entries), item.span)


def rules_of(tree: Node) -> Iterator[Node]:
    """The rules of a policy, those among them that are cells of a table too."""
    rules = tree.get("rules") if isinstance(tree, Mapping) else None
    for item in rules.items if isinstance(rules, Sequence) else ():
        cells = item.get(CELLS) if isinstance(item, Mapping) else None
        yield from cells.items if isinstance(cells, Sequence) else (item,)


def _with_head(item: Mapping, cell: Node) -> Node:
    if not isinstance(cell, Mapping) or cell.get(EMPTY) is not None:
        return cell
    said = {key.text for key, _ in cell.entries}
    shared = [
        (key, value)
        for key, value in item.entries
        if key.text not in (STEPS, TABLE, CELLS, *OWN, *ADDED) and key.text not in said
    ]
    added = []
    for name in ADDED:
        found = [value for node in (item, cell) if (value := node.get(name)) is not None]
        unclear = [
            each for each in found if name == "unless" and isinstance(each, Mapping) and len(each.entries) > 1
        ]  # refused
        if found:
            joined = Sequence(tuple(each for value in found for each in _listed(value)), found[0].span)
            added.append(
                (cell.key(name) or Scalar(name, _place(cell)), (*unclear, *found)[0] if unclear or len(found) < 2 else joined)
            )
    mine = [(key, value) for key, value in cell.entries if key.text not in ADDED]
    return Mapping((*mine, *shared, *added), cell.span)


def _heads(item: Node) -> bool:
    return isinstance(item, Mapping) and any(item.get(word) is not None for word in (STEPS, TABLE))


class _CellWriter:
    def __init__(self, vocabulary: Vocabulary, findings: Findings) -> None:
        self.findings = findings
        self.reader = AxisReader(vocabulary, findings)

    def rules(self, item: Node) -> Iterator[Node]:
        """The rules that an entry of `rules:` stands for."""
        if not isinstance(item, Mapping) or not _heads(item):
            yield item
            return
        for key, _ in item.entries:
            if key.text in OWN:
                said = f"`{key.text}` is said by each cell for itself"
                self.findings.error(key.span, "unknown-key", said, help=f"move it into the cells, under `{CELLS}:`")
        cells = self._cells(item)
        word = STEPS if item.get(STEPS) is not None else TABLE
        places = self._steps(item, cells) if word == STEPS else self._table(item, cells)
        for cell, place in zip(cells, places, strict=True):
            if cell.get(EMPTY) is None:
                yield self._rule(item, cell, place)
            else:
                self._is_empty(cell)

    def _cells(self, item: Mapping) -> list[Mapping]:
        written, at = item.get(CELLS), item.entries[0][0].span
        if not isinstance(written, Sequence) or not written.items:
            said = f"`{item.entries[0][0].text}` needs `{CELLS}:` with a list of cells"
            self.findings.error(written.span if written else at, "missing-key", said, help="write each like a rule, after `- `")
            return []
        for each in written.items:
            if not isinstance(each, Mapping):
                self.findings.error(each.span, "wrong-shape", "a cell is a mapping", help="write it like a rule")
        return [each for each in written.items if isinstance(each, Mapping)]

    # Steps

    def _steps(self, item: Mapping, cells: list[Mapping]) -> list[list[Node]]:
        """For each step the tests of its place."""
        fact = item.get(STEPS)
        if not isinstance(fact, Scalar):
            assert fact is not None
            self.findings.error(fact.span, "wrong-shape", f"`{STEPS}` takes the name of one fact")
            return [[] for _ in cells]
        parts = [self._begins(fact, number, cell) for number, cell in enumerate(cells)]
        known = [part for part in parts if part is not None]
        axis = self.reader.steps(fact, known) if known else None
        if len(cells) == 1:
            said = f"one step of `{fact.text}` is a rule"
            self.findings.error(fact.span, "wrong-shape", said, help="write a rule, or the next step")
        self._tested_beside({fact.text}, item, cells)
        if axis is None or len(known) < len(cells):
            return [[] for _ in cells]
        return [axis.tests({number}, _place(cell)) for number, cell in enumerate(cells)]

    def _begins(self, fact: Scalar, number: int, cell: Mapping) -> AxisPart | None:
        """Where a step begins; the first one begins at nothing."""
        self._ends(cell)
        found = [(key, value) for key, value in cell.entries if key.text in (AT, ABOVE)]
        if not number:
            for key, value in found:
                word = value.text if isinstance(value, Scalar) else "…"
                said = f"nothing is said of `{fact.text}` below `{word}`"
                help = f"begin with a step without `{key.text}`; where the law says nothing there, write `- {EMPTY}: why`"
                self.findings.error(key.span, "table-gap", said, "the first step", help)
            return AxisPart(AT, Scalar("", cell.span))
        if len(found) != 1:
            at = found[1][0].span if found else _place(cell)
            said = "this step says twice where it begins" if found else "this step does not say where it begins"
            help = f"write `{AT}:` with the first number that belongs to it, or `{ABOVE}:` with the last that does not"
            self.findings.error(at, "table-overlap", said, help=help)
            return None
        ((key, value),) = found
        if not isinstance(value, Scalar):
            self.findings.error(value.span, "wrong-shape", f"`{key.text}` takes one number")
            return None
        return AxisPart(key.text, value)

    def _ends(self, cell: Mapping) -> None:
        """A step does not say where it ends: the next one says where it begins."""
        for key, _ in cell.entries:
            if key.text in ENDS:
                said = f"`{key.text}` is not said of a step" if ENDS[key.text] else "a step ends where the next one begins"
                help = f"write `{ENDS[key.text]}:`" if ENDS[key.text] else f"drop `{key.text}`, and write the next step"
                self.findings.error(key.span, "table-overlap", said, help=help)

    def _tested_beside(self, facts: set[str], item: Mapping, cells: list[Mapping]) -> None:
        """Nothing else tests the fact of an axis: that could leave a gap, or a number in two steps."""
        for node in (item, *cells):
            for name in ADDED:
                inner = node.get(name)
                for fact in sorted(facts):
                    if inner is not None and (at := key_named(inner, fact)):
                        said = f"`{fact}` is tested beside its own axis, which could leave a gap"
                        self.findings.error(at.span, "table-gap", said, help="say where the cell lies, and nothing more")

    # Tables

    def _table(self, item: Mapping, cells: list[Mapping]) -> list[list[Node]]:
        """For each cell the tests of its place."""
        none: list[list[Node]] = [[] for _ in cells]
        written = item.get(TABLE)
        if not isinstance(written, Mapping) or not written.entries:
            assert written is not None
            said = f"`{TABLE}` takes a fact for each axis, with its values or steps"
            self.findings.error(written.span, "wrong-shape", said, help="write `FACT: [VALUE, VALUE, others]`, one a line")
            return none
        axes = {key.text: axis for key, value in written.entries if (axis := self.reader.axis(key, value)) is not None}
        self._tested_beside({key.text for key, _ in written.entries}, item, cells)
        if len(axes) < len(written.entries):
            return none
        if prod(len(axis.parts) for axis in axes.values()) > MOST_CELLS:
            said = f"the table has more than {MOST_CELLS:,} cells"
            self.findings.error(written.span, "wrong-shape", said, help="write two tables, or take registers for values")
            return none
        places = [self._places(cell, axes) for cell in cells]
        self._count(item, cells, list(axes.values()), places)
        return [self._where(cell, place, list(axes.values())) for cell, place in zip(cells, places, strict=True)]

    def _places(self, cell: Mapping, axes: dict[str, Axis]) -> list[list[set[int]]]:
        """The boxes that a cell covers: for each the parts on every axis."""
        written = cell.get(AT)
        boxes = written.items if isinstance(written, Sequence) else (written,)
        return [self._box(cell, box, axes) for box in boxes]

    def _box(self, cell: Mapping, box: Node | None, axes: dict[str, Axis]) -> list[set[int]]:
        found = {name: set(range(len(axis.parts))) for name, axis in axes.items()}
        if not isinstance(box, Mapping):
            said = f"this cell does not say where it lies: `{AT}` takes a value for each axis"
            self.findings.error(box.span if box else _place(cell), "missing-key", said, help=f"write `{AT}: {{FACT: VALUE}}`")
            return [set() for _ in axes]
        for key, value in box.entries:
            if key.text in axes:
                found[key.text] = self.reader.chosen(axes[key.text], value)
            else:
                said = f"`{key.text}` is no axis of this table"
                self.findings.error(key.span, "unknown-fact", said, help=did_you_mean(key.text, axes))
        return list(found.values())

    def _count(self, item: Mapping, cells: list[Mapping], axes: list[Axis], places: list[list[list[set[int]]]]) -> None:
        """Report each place of the table that lies in no cell, or in two."""
        owners: dict[tuple[int, ...], Mapping] = {}
        for cell, boxes in zip(cells, places, strict=True):
            mine = {at for box in boxes for at in product(*box)}
            twice = sorted(at for at in mine if at in owners)
            if twice:
                first = owners[twice[0]].get("id")
                named = f"the cell `{first.text}`" if isinstance(first, Scalar) else "another cell"
                said = f"{_spelt(axes, twice[0])} lies in {named} already"
                self.findings.error(_place(cell), "table-overlap", said, "a doubled cell", "take it out of one of the two")
            owners |= dict.fromkeys(mine, cell)
        holes = [at for at in product(*(range(len(axis.parts)) for axis in axes)) if at not in owners]
        if holes and cells:
            named = "; ".join(_spelt(axes, at) for at in holes[:MOST_NAMED])
            more = f", and {len(holes) - MOST_NAMED} more" if len(holes) > MOST_NAMED else ""
            said = f"no cell says anything of {named}{more}"
            help = f"add a cell; where the law says nothing there, give it `{EMPTY}: why` in place of an id"
            self.findings.error(item.entries[0][0].span, "table-gap", said, "a hole", help)

    def _where(self, cell: Mapping, boxes: list[list[set[int]]], axes: list[Axis]) -> list[Node]:
        at = _place(cell)
        found = [
            [test for axis, chosen in zip(axes, box, strict=True) if chosen for test in axis.tests(chosen, at)] for box in boxes
        ]
        if len(found) == 1:
            return found[0]
        boxed: list[Node] = [Mapping(((Scalar("all_of", at), Sequence(tuple(tests), at)),), at) for tests in found if tests]
        return [Mapping(((Scalar("any_of", at), Sequence(tuple(boxed), at)),), at)] if len(boxed) == len(found) else []

    # Rules

    def _rule(self, item: Mapping, cell: Mapping, place: list[Node]) -> Mapping:
        """A cell as the rule that it is, at the place of the cell."""
        places = (AT, ABOVE, *ENDS) if item.get(STEPS) is not None else (AT,)
        when = [*place, *_listed(cell.get("when"))]
        kept = tuple((key, value) for key, value in cell.entries if key.text not in (*places, "when"))
        at = _place(cell)
        return Mapping((*kept, *([(Scalar("when", at), Sequence(tuple(when), at))] if when else ())), cell.span)

    def _is_empty(self, cell: Mapping) -> None:
        """Report what an empty cell says beside why it is empty."""
        why = cell.get(EMPTY)
        if not isinstance(why, Scalar) or not why.text.strip():
            assert why is not None
            self.findings.error(why.span, "wrong-shape", f"`{EMPTY}` says in words why the law says nothing there")
        for key, _ in cell.entries:
            if key.text in RuleText.model_fields:
                said = f"a cell that is empty has no `{key.text}`"
                self.findings.error(key.span, "unknown-key", said, help=f"drop it, or drop `{EMPTY}`")


def _place(cell: Mapping) -> Span:
    """The place to point at: the cell's own words on where it lies, else its first word."""
    return next((key.span for key, _ in cell.entries if key.text in (AT, ABOVE)), cell.span)


def _listed(node: Node | None) -> tuple[Node, ...]:
    return () if node is None else node.items if isinstance(node, Sequence) else (node,)


def _spelt(axes: list[Axis], at: tuple[int, ...]) -> str:
    """`HK × 100 thousand`: a place of a table by the part on each axis."""
    return "`" + " × ".join(axis.parts[number].name for axis, number in zip(axes, at, strict=True)) + "`"
