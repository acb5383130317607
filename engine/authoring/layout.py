"""
The one layout of a document: its bytes go in, the same document comes out in this layout.

The layout is printed from the engine's own tree and the comments, and is read again before it is returned: a layout that would change
a word or lose a comment is never returned. Source: semantics 7.1 (block style; a line is a thought).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field

from engine.bundle import BEGIN_WITH
from engine.policy_language.case_text import CaseText, TestText
from engine.policy_language.diagnostic import Diagnostic, Findings, Span
from engine.policy_language.document_text import DocumentText, FileText
from engine.policy_language.mapping_text import RequestMappingText
from engine.policy_language.organisation_text import AcceptanceText, OrganisationText
from engine.policy_language.policy_text import CellText, PolicyText, RuleText, StepsText, TableText
from engine.policy_language.rule_tables import CELLS
from engine.policy_language.tree import Comment, Mapping, Node, Scalar, Sequence, comments, read
from engine.policy_language.vocabulary_text import VocabularyText

WIDTH = 128
# A collection inside a collection may share its line, as in `not: {only: [a, b]}`; a fourth level starts a line of its own.
DEPTH_ON_A_LINE = 3
# A list of words that is too long for one line has a line for each word; one with more words than this has several words a line.
MOST_LINES = 8
EDITOR_LINE = "# yaml-language-server: $schema="

# Keys whose values are conditions; in a condition each test has its own line.
_CONDITIONS = frozenset({"applies", "when", "unless", "done_when", "where", "any_of", "all_of", "none_of"})
_GROUPS = frozenset({"any_of", "all_of", "none_of"})
# The parts of a document, each after an empty line; and the parts in which each entry stands after an empty line too.
_SAID = OrganisationText.model_fields.keys() - {"organisation", "title"}
_MAPPED = frozenset({"constants", "facts", "entities", "operations", "terms"})
_PARTS = frozenset({"define", "groups", "rules", "cases", *_SAID, *_MAPPED, *VocabularyText.model_fields}) - {
    "vocabulary",
    *FileText.model_fields,
}
_SET_APART = frozenset({"rules", "cases", "accepts", "switched_off"})
_KINDS: tuple[tuple[str, type[DocumentText], str, type[DocumentText] | None], ...] = (
    ("policy", PolicyText, "rules", RuleText),
    ("test", TestText, "cases", CaseText),
    ("vocabulary", VocabularyText, "", None),
    ("organisation", OrganisationText, "accepts", AcceptanceText),
    ("mapping", RequestMappingText, "", None),
)

_LINES = re.compile(r"\r\n|[\r\n\x85\u2028\u2029]")
_PRINTABLE = re.compile(r"[\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")
# What an unquoted text may begin with, and what it may not contain: YAML would read it as something other than text.
_PLAIN = re.compile(r"(?![-?:](?:\s|$))(?![,\[\]{}#&*!|>'\"%@`])(?!(?:---|\.\.\.)(?:\s|$)).+")
_NOT_PLAIN = re.compile(r": | #|:$|^\s|\s$")
_NOT_PLAIN_IN_BRACKETS = re.compile(r"[,\[\]{}?:]|^[-=]$")
_NULL = frozenset({"", "~", "null", "Null", "NULL"})  # editors read these as null, not as text
_ESCAPES = {'"': '\\"', "\\": "\\\\", "\n": "\\n", "\t": "\\t", "\r": "\\r"}
_SINGLE_SPACE = re.compile(r"(?<! ) (?! )")


class NotLaidOut(ValueError):
    """A file that is left as it is. `str()` says why; `diagnostics` are the findings where the file itself is wrong."""

    def __init__(self, reason: str, diagnostics: tuple[Diagnostic, ...] = ()) -> None:
        super().__init__(reason)
        self.diagnostics = diagnostics


def lay_out(file: str, data: bytes, schemas: str = "") -> bytes:
    """
    The document in the one layout, in UTF-8.

    `schemas` is the folder, as seen from the file, where an editor finds the JSON Schema of each kind of document; the first line
    then names the schema. Without `schemas`, such a line stays as it is. Raises NotLaidOut, with a finding where the file cannot be
    read or is no document of a known kind.
    """
    tree, kind = _read(file, data)
    notes = comments(file, data)
    root = _LayoutBuilder(_LINES.split(data.decode("utf-8-sig"))).build(tree, notes)
    _in_order(root, kind)
    if schemas:
        _name_schema(root, f"{schemas}/{kind}.json")
    _settle(root, 0, conditions=False)
    laid_out = "".join(f"{line}\n" for line in _lines(root, 0)).encode()
    _must_be_the_same(tree, kind, notes, laid_out, file, replaced=bool(schemas))
    return laid_out


def _read(file: str, data: bytes) -> tuple[Mapping, str]:
    findings = Findings()
    tree = read(file, data, findings)
    kind = _kind(tree)
    if tree is None and not findings.all:
        findings.error(Span(file, 1, 1), "empty-file", "the file is empty", help="delete it, or begin with `policy:`")
    elif tree is not None and not kind:
        message = "this is not a Fifth Factor document"
        findings.error(
            tree.span,
            "unknown-document",
            message,
            help=BEGIN_WITH,
        )
    if findings.errors:
        text = {file: data.decode("utf-8", "replace")}
        raise NotLaidOut("\n\n".join(finding.render(text) for finding in findings.errors), findings.errors)
    assert isinstance(tree, Mapping)
    return tree, kind


def _kind(tree: Node | None) -> str:
    """The kind of a document; the empty string where a tree is of none, or of several."""
    found = [name for name, *_ in _KINDS if isinstance(tree, Mapping) and tree.get(name) is not None]
    return found[0] if len(found) == 1 else ""


@dataclass(slots=True, eq=False)
class _Block:
    """A mapping or a list. `on_a_line`: its author wrote it in brackets. `foot`: the comments after its last entry."""

    column: int
    brackets: int
    on_a_line: bool
    named: bool
    parent: _Block | None
    entries: list[_Entry] = field(default_factory=list)
    foot: list[str] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class _Entry:
    """
    A key with its value, or an item of a list.

    `above` are the lines before it: comments, and the empty string for an empty line. `beside` are the comments at the end of
    its line. `begins` is where its value begins; for a block that is not in brackets, where the entry begins. `short` is the value
    in brackets, where it stands on the entry's line. `filled`: the value stands in brackets over several lines.
    """

    key: str | None
    at: tuple[int, int]
    begins: tuple[int, int]
    block: _Block
    value: str | _Block = ""
    above: list[str] = field(default_factory=list)
    beside: list[str] = field(default_factory=list)
    short: str = ""
    filled: bool = False


class _LayoutBuilder:
    """Gives each comment to the entry it belongs to."""

    def __init__(self, lines: list[str]) -> None:
        self.lines = lines
        self.entries: list[_Entry] = []

    def build(self, tree: Mapping, notes: tuple[Comment, ...]) -> _Block:
        root = self.block(tree, None)
        waiting = list(reversed(notes))
        previous: _Entry | None = None
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

    def block(self, node: Mapping | Sequence, parent: _Block | None) -> _Block:
        line, column = _place(node.span)
        in_brackets = self.lines[line - 1][column - 1 : column] in ("[", "{")
        brackets = (parent.brackets if parent else 0) + in_brackets
        block = _Block(column, brackets, brackets > 0, isinstance(node, Mapping), parent)
        pairs: Iterable[tuple[Scalar | None, Node]]
        pairs = node.entries if isinstance(node, Mapping) else ((None, item) for item in node.items)
        for key, value in pairs:
            begins = _place(value.span)
            entry = _Entry(key.text if key else None, _place(key.span) if key else begins, begins, block)
            block.entries.append(entry)
            self.entries.append(entry)
            entry.value = value.text if isinstance(value, Scalar) else self.block(value, block)
            if isinstance(entry.value, _Block) and not entry.value.on_a_line:
                entry.begins = entry.at
        return block

    def between(self, previous: _Entry | None, alone: list[Comment], entry: _Entry | None) -> None:
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


def _around(entry: _Entry, brackets: int) -> _Entry:
    """The entry itself, or the outer entry whose brackets were closed before a comment."""
    while entry.block.brackets > brackets and entry.block.parent:
        entry = next(e for e in entry.block.parent.entries if e.value is entry.block)
    return entry


def _closed(previous: _Entry | None, entry: _Entry | None) -> list[_Block]:
    """The blocks that end between two entries, the innermost first."""
    found: list[_Block] = []
    block = previous.block if previous else None
    while block is not None and (entry is None or block is not entry.block):
        found.append(block)
        block = block.parent
    return found if entry is None or block is not None else []


def _in_order(root: _Block, kind: str) -> None:
    """The keys of a document, of a rule and of a case stand in the order of their models."""
    _, model, items, item_model = next(each for each in _KINDS if each[0] == kind)
    if item_model is None:
        return
    _sort(root, model)
    for entry in root.entries:
        if entry.key == items and isinstance(entry.value, _Block) and not entry.value.named:
            for item in entry.value.entries:
                if isinstance(item.value, _Block) and item.value.named:
                    _sort_item(item.value, item_model)


def _sort_item(block: _Block, model: type[DocumentText]) -> None:
    """The keys of a rule or a case; those of a table or of steps stand around them."""
    cells = next((entry.value for entry in block.entries if entry.key == CELLS and model is RuleText), None)
    _sort(block, *((StepsText, TableText) if cells else ()), model)
    if isinstance(cells, _Block):
        block.entries.sort(key=lambda entry: entry.value is cells)
        for cell in (each.value for each in cells.entries):
            if isinstance(cell, _Block) and cell.named:
                _sort(cell, CellText, model)


def _sort(block: _Block, *models: type[DocumentText]) -> None:
    """Put the keys of a block into the order of some models."""
    shared = FileText.model_fields.keys()
    keys = [each.alias or name for model in models for name, each in model.model_fields.items() if name not in shared]
    keys[1:1] = shared  # behind the name of the file
    order, first = {key: number for number, key in enumerate(keys)}, block.entries[:1]
    block.entries.sort(key=lambda entry: order.get(entry.key or "", len(order)))
    if block.entries[:1] != first and first[0].above[:1] == [""]:  # the empty line before the item
        del first[0].above[0]


def _name_schema(root: _Block, schema: str) -> None:
    first = root.entries[0]
    above = [line for line in first.above if not _names_schema(line)]
    while above and not above[0]:
        above.pop(0)
    first.above = [f"{EDITOR_LINE}{schema}", *([""] if above else []), *above]


def _names_schema(comment: str) -> bool:
    return re.match(r"#\s*yaml-language-server\s*:\s*\$schema\s*=", comment) is not None


def _settle(block: _Block, indent: int, conditions: bool) -> None:
    """Decide which values stand on one line, and give every comment a line of its own or the end of a line."""
    for entry in block.entries:
        inner = _holds_conditions(entry, conditions)
        if isinstance(entry.value, _Block):
            entry.short = _short(entry, indent, inner)
            entry.filled = not entry.short and not inner and _fills_rows(entry.value)
            if not entry.short:
                _settle(entry.value, indent + 2, inner)
        entry.above += entry.beside[:-1]
        del entry.beside[:-1]
        if entry.key is None and isinstance(entry.value, _Block) and not (entry.short or entry.filled):
            # The first line of the item stands beside the dash, so comments beside the dash or above that line go above the item.
            first = entry.value.entries[0]
            entry.above += [*entry.beside, *(line for line in first.above if line)]
            entry.beside, first.above = [], []


def _holds_conditions(entry: _Entry, conditions: bool) -> bool:
    """Whether the value is a condition, or a list or mapping of conditions. Under a fact stands a test, which holds no condition."""
    if entry.key is None or entry.key in _GROUPS:
        return conditions
    return entry.key in _CONDITIONS or _key_of(entry.block) == "define"


def _short(entry: _Entry, indent: int, conditions: bool) -> str:
    """The block under an entry in brackets, if it may share the entry's line; else the empty string."""
    block = entry.value
    assert isinstance(block, _Block)
    if block.entries and (conditions or (indent == 0 and entry.key in _PARTS) or not _was_short(block)):
        return ""
    text = _in_brackets(block)
    return text if not block.entries or _columns(f"{_head(entry, indent)} {text}") <= WIDTH else ""


def _head(entry: _Entry, indent: int) -> str:
    return " " * indent + ("-" if entry.key is None else f"{_quoted(entry.key, in_brackets=False)}:")


def _lines(block: _Block, indent: int) -> Iterator[str]:
    """A settled block as lines."""
    apart = (key := _key_of(block)) == CELLS or (indent == 2 and key in _SET_APART)
    for number, entry in enumerate(block.entries):
        if number and (apart or (indent == 0 and entry.key in _PARTS)) and entry.above[:1] != [""]:
            entry.above.insert(0, "")
        yield from _paragraphs(entry.above, " " * indent, first=not number)
        head = _head(entry, indent)
        beside = "".join(f"  {comment}" for comment in entry.beside)
        if isinstance(entry.value, str):
            yield from _text(head, entry.value, indent + 2, beside)
        elif entry.short:
            yield f"{head} {entry.short}{beside}"
        elif entry.filled:
            yield f"{head} ["
            yield from _rows(entry.value, indent + 2)
            yield f"{' ' * indent}]{beside}"
        elif entry.key is None:
            lines = _lines(entry.value, indent + 2)
            yield f"{head} {next(lines).lstrip()}"
            yield from lines
        else:
            yield head + beside
            yield from _lines(entry.value, indent + 2)
    yield from _paragraphs(block.foot, " " * indent, first=False)


def _fills_rows(block: _Block) -> bool:
    """Whether a list is too long for a line and has too many words for a line each."""
    words = all(isinstance(entry.value, str) for entry in block.entries)
    return words and not block.named and len(block.entries) > MOST_LINES and _was_short(block)


def _rows(block: _Block, indent: int) -> Iterator[str]:
    """Words in lines as full as possible. Where its author began a line, a line begins here too."""
    row, line = "", 0
    for entry in block.entries:
        assert isinstance(entry.value, str)
        word = f"{_quoted(entry.value, in_brackets=True)},"
        if row and (entry.at[0] > line or indent + _columns(f"{row} {word}") > WIDTH):
            yield " " * indent + row
            row = ""
        row, line = f"{row} {word}" if row else word, entry.at[0]
    yield " " * indent + row


def _key_of(block: _Block) -> str | None:
    parent = block.parent
    return next((entry.key for entry in parent.entries if entry.value is block), None) if parent else None


def _was_short(block: _Block, depth: int = DEPTH_ON_A_LINE) -> bool:
    """Whether its author wrote it in brackets, without comments, and not too deep."""
    return (
        (block.on_a_line or not block.entries)
        and depth > 0
        and not block.foot
        and not any(comment for entry in block.entries for comment in (*entry.above, *entry.beside))
        and all(_was_short(entry.value, depth - 1) for entry in block.entries if isinstance(entry.value, _Block))
    )


def _in_brackets(block: _Block) -> str:
    parts = []
    for entry in block.entries:
        text = _quoted(entry.value, in_brackets=True) if isinstance(entry.value, str) else _in_brackets(entry.value)
        parts.append(f"{_quoted(entry.key, in_brackets=True)}: {text}" if entry.key is not None else text)
    return f"{{{', '.join(parts)}}}" if block.named else f"[{', '.join(parts)}]"


def _paragraphs(lines: Iterable[str], margin: str, first: bool) -> Iterator[str]:
    """Comments at a margin; several empty lines are one, and a block begins with none."""
    empty = first
    for line in lines:
        if line or not empty:
            yield margin + line if line else ""
        empty = not line


def _text(head: str, text: str, indent: int, beside: str) -> Iterator[str]:
    """A key or dash with a text: on its line if it fits there, else folded or line by line below it."""
    on_a_line = _quoted(text, in_brackets=False)
    body = text.removesuffix("\n")
    lines = body.split("\n")
    keeps_its_lines = len(lines) > 1 and all(indent + _columns(line) <= WIDTH for line in lines)
    folded = [] if keeps_its_lines else list(_folded(lines, WIDTH - indent))
    fits = "\n" not in text and _columns(head) + 1 + _columns(on_a_line) <= WIDTH
    if fits or not _may_stand_below(lines) or len(folded or lines) == 1 == len(lines):
        yield f"{head} {on_a_line}{beside}"
        return
    yield f"{head} {'|' if keeps_its_lines else '>'}{'' if text.endswith(chr(10)) else '-'}{beside}"
    for line in lines if keeps_its_lines else folded:
        yield " " * indent + line if line else ""


def _may_stand_below(lines: list[str]) -> bool:
    """Whether a block of text would keep these lines as they are."""
    return all(_PRINTABLE.fullmatch(line) and line == line.strip(" ") for line in lines) and bool(lines[0] and lines[-1])


def _folded(lines: list[str], width: int) -> Iterator[str]:
    """Lines broken at single spaces; where the text itself breaks, an empty line."""
    for number, line in enumerate(lines):
        if number:
            yield ""
        if not line:
            continue
        open_line = ""
        for word in _SINGLE_SPACE.split(line):
            if open_line and _columns(open_line) + 1 + _columns(word) > width:
                yield open_line
                open_line = word
            else:
                open_line = f"{open_line} {word}" if open_line else word
        yield open_line


def _quoted(text: str, in_brackets: bool) -> str:
    """A text as it may stand on a line; with quotes only where YAML would otherwise read something else."""
    if (
        text not in _NULL
        and _PRINTABLE.fullmatch(text)
        and _PLAIN.fullmatch(text)
        and not _NOT_PLAIN.search(text)
        and not (in_brackets and _NOT_PLAIN_IN_BRACKETS.search(text))
    ):
        return text
    if _PRINTABLE.fullmatch(text) and ('"' in text or "\\" in text):
        return "'" + text.replace("'", "''") + "'"
    return '"' + "".join(_escaped(character) for character in text) + '"'


def _escaped(character: str) -> str:
    if character in _ESCAPES:
        return _ESCAPES[character]
    if _PRINTABLE.fullmatch(character):
        return character
    return f"\\u{ord(character):04X}" if ord(character) <= 0xFFFF else f"\\U{ord(character):08X}"


def _columns(text: str) -> int:
    """How wide a text is on a screen."""
    return len(text) if text.isascii() else sum(2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _must_be_the_same(tree: Mapping, kind: str, notes: tuple[Comment, ...], laid_out: bytes, file: str, replaced: bool) -> None:
    """INVARIANT (a layout changes nothing): the tree has the same words at the same places, and each comment is there as often."""
    again = read(file, laid_out, Findings())
    if (
        again is None
        or _words(again, kind) != _words(tree, kind)
        or _told(comments(file, laid_out), replaced) != _told(notes, replaced)
    ):
        raise NotLaidOut(
            f"the layout of `{file}` would change what it says, so the file stays as it is; please report this bug"
        )


def _told(notes: tuple[Comment, ...], replaced: bool) -> list[str]:
    """The comments, without the one that names a schema where it was `replaced`."""
    return sorted(note.text for note in notes if not (replaced and _names_schema(note.text)))


def _words(tree: Node, kind: str = "", path: tuple[str | None, ...] = ()) -> object:
    """Everything a tree says, in its order; keys that `_in_order` may move are in alphabetical order."""
    if isinstance(tree, Scalar):
        return tree.text
    if isinstance(tree, Sequence):
        return [_words(item, kind, (*path, None)) for item in tree.items]
    pairs = [(key.text, _words(value, kind, (*path, key.text))) for key, value in tree.entries]
    _, _, items, item_model = next(each for each in _KINDS if each[0] == kind)
    free = item_model is not None and path in ((), (items, None), (items, None, CELLS, None))
    return ("mapping", sorted(pairs, key=lambda pair: pair[0]) if free else pairs)
