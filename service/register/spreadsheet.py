"""
The register as a table: entities to CSV (RFC 4180, UTF-8) and back.

Each entity is a row. The columns are `kind`, `id`, `aliases`, `valid_from`, `valid_until`, `attested_by`, `note`, `title`, `holder`,
`hash`, `travels`, a column `facts.NAME` for each fact, and `evidence.KIND.FIELD` or `claims.KIND.FIELD` for each field of a document. A
document that is `none` or `unknown` is in the column `evidence.KIND`. An empty cell states nothing. The type of a fact in the vocabulary
says how its cell is read: as `true` or `false`, a number, a text, or a list separated by `;`. Any other value is written as `json:` and its
JSON.

A spreadsheet program may take a cell for a formula because of its first character. Such a cell is written with `'` before it, and one
`'` at the beginning of a cell is removed when it is read.
"""

import csv
import json
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from io import StringIO
from typing import Any, Literal, TypeAlias

import engine
from service.problems import ProblemPlace
from service.register.entity import ASSET, PARTY, WRONG_ID, EntityRefused, EntityToWrite, is_id, is_kind, read_content
from service.register.stated_facts import DOCUMENTS, OF_ASSETS, Path, StatableFacts

LEADING = ("kind", "id", "aliases", "valid_from", "valid_until", "attested_by", "note")
TRAVELS = "travels"
TRAILING = (*OF_ASSETS, TRAVELS)  # only where an entity has them
MOST_COLUMNS = 2_000
_FORMULA = tuple("=+-@＝＋－＠'\t\r\n")
_JSON = "json:"

Shape: TypeAlias = Literal["text", "yes/no", "count", "many", "any"]

_FIELDS: Mapping[str, Shape] = {
    "dated": "text",
    "filed": "text",
    "expires": "text",
    "covers": "yes/no",
    "people": "count",
    "hash": "text",
    "attested_by": "text",
}


def entities_csv(entries: Sequence[EntityToWrite], states: StatableFacts) -> str:
    """Entities as CSV."""
    rows = [_row(entry, states) for entry in entries]
    columns = {name for row in rows for name in row}
    order = [*LEADING, *sorted(columns.difference(LEADING, TRAILING)), *(name for name in TRAILING if name in columns)]
    text = StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow([_guarded(name) for name in order])
    writer.writerows([_guarded(row.get(name, "")) for name in order] for row in rows)
    return text.getvalue()


def read(raw: bytes, states: StatableFacts) -> Iterator[EntityToWrite | EntityRefused]:
    """
    The entities of a table, one by one, with a Wrong for each row that is not an entity. The place of each is `/LINE`, its last line.

    Raises Wrong if the file as a whole is not such a table.
    """
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise _wrong("", "the table is not UTF-8") from None
    rows = csv.reader(StringIO(text, newline=""), strict=True)
    try:
        columns = [_bare(name) for name in next(rows, [])]
        _check_columns(columns)
        for row in rows:
            if row:
                yield _tried(_entry, columns, [_bare(cell) for cell in row], f"/{rows.line_num}", states)
    except csv.Error as bad:
        raise _wrong(f"/{rows.line_num}", f"line {rows.line_num} is not CSV: {bad}") from None


def _check_columns(columns: Sequence[str]) -> None:
    if len(columns) > MOST_COLUMNS:
        raise _wrong("/1", f"a table has at most {MOST_COLUMNS} columns")
    for name in columns:
        head, _, rest = name.partition(".")
        if columns.count(name) > 1:
            raise _wrong("/1", f"the column `{name[:80]}` stands twice")
        if name not in (*LEADING, *TRAILING) and not (head in ("facts", *DOCUMENTS) and rest):
            raise _wrong(
                "/1",
                f"there is no column `{name[:80]}`; the columns are {', '.join((*LEADING, *TRAILING))}, `facts.NAME`,"
                " `evidence.KIND.FIELD` and `claims.KIND.FIELD`",
            )
    for name in ("kind", "id"):
        if name not in columns:
            raise _wrong("/1", f"the column `{name}` is missing")


def _row(entry: EntityToWrite, states: StatableFacts) -> dict[str, str]:
    content = entry.content
    row = {"kind": entry.kind, "id": entry.id}
    row |= {name: getattr(content, name) or "" for name in LEADING[3:]}
    if content.aliases:
        row["aliases"] = to_cell(content.aliases, "many")
    for path, value in states.flat(entry.kind, content.facts):
        row[f"facts.{'.'.join(path)}"] = to_cell(value, _shape(entry.kind, path, states))
    for group in DOCUMENTS:
        for kind, document in getattr(content, group).items():
            if not isinstance(document, dict) or not document or not document.keys() <= _FIELDS.keys():
                row[f"{group}.{kind}"] = to_cell(document, "any")
                continue
            for name, value in document.items():
                row[f"{group}.{kind}.{name}"] = to_cell(value, _FIELDS[name])
    row |= {name: value for name in OF_ASSETS if (value := getattr(content, name))}
    if content.travels:
        row[TRAVELS] = to_cell([each.model_dump(by_alias=True) for each in content.travels], "any")
    return row


def _entry(columns: Sequence[str], cells: Sequence[str], place: str, states: StatableFacts) -> EntityToWrite:
    if len(cells) != len(columns):
        raise _wrong(place, f"line {place[1:]} has {len(cells)} cells, but there are {len(columns)} columns")
    said = {name: cell for name, cell in zip(columns, cells, strict=True) if cell != ""}
    kind, id = said.pop("kind", ""), said.pop("id", "")
    document: dict[str, Any] = {}
    for name, cell in said.items():
        head, _, rest = name.partition(".")
        try:
            if name == "aliases":
                document[name] = from_cell(cell, "many")
            elif name == TRAVELS:
                document[name] = from_cell(cell, "any")
            elif name in (*LEADING, *OF_ASSETS):
                document[name] = cell
            elif head == "facts":
                path = tuple(rest.split(".")) if states.declares(kind) else (rest,)
                _put_once(document, ("facts", *path), from_cell(cell, _shape(kind, path, states)))
            else:
                of, _, field = rest.rpartition(".")
                shape = _FIELDS.get(field) if of else None
                _put_once(document, (head, of, field) if shape else (head, rest), from_cell(cell, shape or "any"))
        except (TypeError, AttributeError):
            raise _wrong(f"{place}/{name}", "another column of this row fills the same place") from None
        except ValueError:
            raise _wrong(f"{place}/{name}", f"the text after `{_JSON}` is not JSON") from None
    return _named(kind, id, document, place)


def _put_once(document: dict[str, Any], path: Path, value: Any) -> None:
    """Put a value in an empty place. Raises TypeError if there is a value already, there or on the way."""
    here: Any = document
    for step in path[:-1]:
        here = here.get(step, {})
    if path[-1] in here:
        raise TypeError
    engine.put_at(document, path, value)


def _shape(kind: str, path: Path, states: StatableFacts) -> Shape:
    match states.type_of(kind, path):
        case None:
            return "any"
        case (_, True):
            return "many"
        case ("yes/no", _):
            return "yes/no"
        case ("count", _):
            return "count"
    return "text"


# --- cells ---------------------------------------------------------------------------------------------------------------


def to_cell(value: Any, shape: Shape) -> str:
    """A value as a cell. `from_cell` returns the same value."""
    cell = _plain(value, shape)
    if cell is not None and cell != "" and not cell.startswith(_JSON):
        try:
            if _same(from_cell(cell, shape), value):
                return cell
        except ValueError:
            pass
    return _JSON + json.dumps(value, ensure_ascii=False)


def from_cell(cell: str, shape: Shape) -> Any:
    """The value that a cell holds. Raises ValueError if the text after `json:` is not JSON."""
    if cell.startswith(_JSON):
        return _loads(cell.removeprefix(_JSON))
    match shape:
        case "yes/no":
            return {"true": True, "yes": True, "false": False, "no": False}.get(cell.strip().lower(), cell)
        case "count":
            text = cell.strip()
            return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else cell
        case "many":
            return "unknown" if cell == "unknown" else [each.strip() for each in cell.split(";")]
        case "any":
            try:
                return _loads(cell)
            except ValueError:
                return cell
    return cell


def _plain(value: Any, shape: Shape) -> str | None:
    match value:
        case True | False if shape in ("yes/no", "any"):
            return "true" if value else "false"
        case int() if shape in ("count", "any"):
            return str(value)
        case list() if shape == "many" and all(isinstance(each, str) for each in value):
            return "; ".join(value)
        case str():
            # A text that a spreadsheet or an editor may change is written as JSON.
            return value if value.isprintable() else None
    return None


def _loads(text: str) -> Any:
    try:
        return json.loads(text, object_pairs_hook=_once, parse_constant=_no_number)
    except RecursionError:
        raise ValueError("nested too deeply") from None


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    table = dict(pairs)
    if len(table) < len(pairs):
        raise ValueError("a key stands twice")
    return table


def _no_number(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _same(one: Any, other: Any) -> bool:
    """Whether two values are the same JSON; `true` and `1` are not."""
    return type(one) is type(other) and bool(one == other)


def _guarded(cell: str) -> str:
    return f"'{cell}" if cell.startswith(_FORMULA) else cell


def _bare(cell: str) -> str:
    return cell.removeprefix("'")


def _wrong(pointer: str, detail: str) -> EntityRefused:
    return EntityRefused(
        [ProblemPlace(pointer=pointer, code="wrong-table" if pointer in ("", "/1") else "wrong-value", detail=detail)]
    )


def entries(documents: Iterable[Any]) -> Iterator[EntityToWrite | EntityRefused]:
    """Entities from JSON objects with a kind and an id, with a Wrong for each that is not an entity. The place of each is its pointer."""
    for number, document in enumerate(documents):
        yield _tried(_said, document, f"/entities/{number}")


def _said(document: Any, place: str) -> EntityToWrite:
    if not isinstance(document, dict):
        raise EntityRefused([ProblemPlace(pointer=place, code="wrong-type", detail="must be an object")])
    rest = dict(document)
    kind, id = rest.pop("kind", None), rest.pop("id", None)
    return _named(kind if isinstance(kind, str) else "", id if isinstance(id, str) else "", rest, place)


def _named(kind: str, id: str, document: dict[str, Any], place: str) -> EntityToWrite:
    if not is_kind(kind):
        raise _wrong(f"{place}/kind", f"must be `{PARTY}`, `{ASSET}` or another kind, in small letters")
    if not is_id(id):
        raise _wrong(f"{place}/id", WRONG_ID)
    return EntityToWrite(kind, id, read_content(document, place), place)


def _tried(make: Callable[..., EntityToWrite], *given: Any) -> EntityToWrite | EntityRefused:
    try:
        return make(*given)
    except EntityRefused as wrong:
        return wrong
