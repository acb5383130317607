"""
The one layout of a document: its bytes go in, the same document comes out in this layout.

The layout is printed from the engine's own tree and the comments, and is read again before it is returned: a layout that would change
a word or lose a comment is never returned. Source: semantics 7.1 (block style; a line is a thought).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator

from engine.authoring.commented_tree import CommentedBlock, CommentedEntry, CommentPlacement
from engine.authoring.yaml_texts import WIDTH, columns, quoted, text_lines
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
    root = CommentPlacement(_LINES.split(data.decode("utf-8-sig"))).build(tree, notes)
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


def _in_order(root: CommentedBlock, kind: str) -> None:
    """The keys of a document, of a rule and of a case stand in the order of their models."""
    _, model, items, item_model = next(each for each in _KINDS if each[0] == kind)
    if item_model is None:
        return
    _sort(root, model)
    for entry in root.entries:
        if entry.key == items and isinstance(entry.value, CommentedBlock) and not entry.value.named:
            for item in entry.value.entries:
                if isinstance(item.value, CommentedBlock) and item.value.named:
                    _sort_item(item.value, item_model)


def _sort_item(block: CommentedBlock, model: type[DocumentText]) -> None:
    """The keys of a rule or a case; those of a table or of steps stand around them."""
    cells = next((entry.value for entry in block.entries if entry.key == CELLS and model is RuleText), None)
    _sort(block, *((StepsText, TableText) if cells else ()), model)
    if isinstance(cells, CommentedBlock):
        block.entries.sort(key=lambda entry: entry.value is cells)
        for cell in (each.value for each in cells.entries):
            if isinstance(cell, CommentedBlock) and cell.named:
                _sort(cell, CellText, model)


def _sort(block: CommentedBlock, *models: type[DocumentText]) -> None:
    """Put the keys of a block into the order of some models."""
    shared = FileText.model_fields.keys()
    keys = [each.alias or name for model in models for name, each in model.model_fields.items() if name not in shared]
    keys[1:1] = shared  # behind the name of the file
    order, first = {key: number for number, key in enumerate(keys)}, block.entries[:1]
    block.entries.sort(key=lambda entry: order.get(entry.key or "", len(order)))
    if block.entries[:1] != first and first[0].above[:1] == [""]:  # the empty line before the item
        del first[0].above[0]


def _name_schema(root: CommentedBlock, schema: str) -> None:
    first = root.entries[0]
    above = [line for line in first.above if not _names_schema(line)]
    while above and not above[0]:
        above.pop(0)
    first.above = [f"{EDITOR_LINE}{schema}", *([""] if above else []), *above]


def _names_schema(comment: str) -> bool:
    return re.match(r"#\s*yaml-language-server\s*:\s*\$schema\s*=", comment) is not None


def _settle(block: CommentedBlock, indent: int, conditions: bool) -> None:
    """Decide which values stand on one line, and give every comment a line of its own or the end of a line."""
    for entry in block.entries:
        inner = _holds_conditions(entry, conditions)
        if isinstance(entry.value, CommentedBlock):
            entry.short = _short(entry, indent, inner)
            entry.filled = not entry.short and not inner and _fills_rows(entry.value)
            if not entry.short:
                _settle(entry.value, indent + 2, inner)
        entry.above += entry.beside[:-1]
        del entry.beside[:-1]
        if entry.key is None and isinstance(entry.value, CommentedBlock) and not (entry.short or entry.filled):
            # The first line of the item stands beside the dash, so comments beside the dash or above that line go above the item.
            first = entry.value.entries[0]
            entry.above += [*entry.beside, *(line for line in first.above if line)]
            entry.beside, first.above = [], []


def _holds_conditions(entry: CommentedEntry, conditions: bool) -> bool:
    """Whether the value is a condition, or a list or mapping of conditions. Under a fact stands a test, which holds no condition."""
    if entry.key is None or entry.key in _GROUPS:
        return conditions
    return entry.key in _CONDITIONS or _key_of(entry.block) == "define"


def _short(entry: CommentedEntry, indent: int, conditions: bool) -> str:
    """The block under an entry in brackets, if it may share the entry's line; else the empty string."""
    block = entry.value
    assert isinstance(block, CommentedBlock)
    if block.entries and (conditions or (indent == 0 and entry.key in _PARTS) or not _was_short(block)):
        return ""
    text = _in_brackets(block)
    return text if not block.entries or columns(f"{_head(entry, indent)} {text}") <= WIDTH else ""


def _head(entry: CommentedEntry, indent: int) -> str:
    return " " * indent + ("-" if entry.key is None else f"{quoted(entry.key, in_brackets=False)}:")


def _lines(block: CommentedBlock, indent: int) -> Iterator[str]:
    """A settled block as lines."""
    apart = (key := _key_of(block)) == CELLS or (indent == 2 and key in _SET_APART)
    for number, entry in enumerate(block.entries):
        if number and (apart or (indent == 0 and entry.key in _PARTS)) and entry.above[:1] != [""]:
            entry.above.insert(0, "")
        yield from _paragraphs(entry.above, " " * indent, first=not number)
        head = _head(entry, indent)
        beside = "".join(f"  {comment}" for comment in entry.beside)
        if isinstance(entry.value, str):
            yield from text_lines(head, entry.value, indent + 2, beside)
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


def _fills_rows(block: CommentedBlock) -> bool:
    """Whether a list is too long for a line and has too many words for a line each."""
    words = all(isinstance(entry.value, str) for entry in block.entries)
    return words and not block.named and len(block.entries) > MOST_LINES and _was_short(block)


def _rows(block: CommentedBlock, indent: int) -> Iterator[str]:
    """Words in lines as full as possible. Where its author began a line, a line begins here too."""
    row, line = "", 0
    for entry in block.entries:
        assert isinstance(entry.value, str)
        word = f"{quoted(entry.value, in_brackets=True)},"
        if row and (entry.at[0] > line or indent + columns(f"{row} {word}") > WIDTH):
            yield " " * indent + row
            row = ""
        row, line = f"{row} {word}" if row else word, entry.at[0]
    yield " " * indent + row


def _key_of(block: CommentedBlock) -> str | None:
    parent = block.parent
    return next((entry.key for entry in parent.entries if entry.value is block), None) if parent else None


def _was_short(block: CommentedBlock, depth: int = DEPTH_ON_A_LINE) -> bool:
    """Whether its author wrote it in brackets, without comments, and not too deep."""
    return (
        (block.on_a_line or not block.entries)
        and depth > 0
        and not block.foot
        and not any(comment for entry in block.entries for comment in (*entry.above, *entry.beside))
        and all(_was_short(entry.value, depth - 1) for entry in block.entries if isinstance(entry.value, CommentedBlock))
    )


def _in_brackets(block: CommentedBlock) -> str:
    parts = []
    for entry in block.entries:
        text = quoted(entry.value, in_brackets=True) if isinstance(entry.value, str) else _in_brackets(entry.value)
        parts.append(f"{quoted(entry.key, in_brackets=True)}: {text}" if entry.key is not None else text)
    return f"{{{', '.join(parts)}}}" if block.named else f"[{', '.join(parts)}]"


def _paragraphs(lines: Iterable[str], margin: str, first: bool) -> Iterator[str]:
    """Comments at a margin; several empty lines are one, and a block begins with none."""
    empty = first
    for line in lines:
        if line or not empty:
            yield margin + line if line else ""
        empty = not line


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
