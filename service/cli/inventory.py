"""`fifthfactor import`: an inventory of systems, vendors and countries, as a company has it, becomes drafts of exchanges to decide."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.command import Commands, Policies, UsedWrongly, need, typed_with
from service.cli.output import complain, count, painted, print_json, safe

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from service.tables.inventory import Inventory, InventoryDraft
    from service.tables.inventory_columns import InventoryColumn
    from service.tables.inventory_file import InventoryTable

app = Commands()
MOST_KEY_FILE = 4_096  # bytes
NAME = 60  # characters of the name of a row
SEPARATED_BY = {"comma": ",", "semicolon": ";", "tab": "\t"}


@app.add(
    "import inventory.csv",
    "import inventory.csv --column vendor=recipient.id --column country=recipient.country",
    "import inventory.csv --map columns.yaml --encoding gb18030",
    "import inventory.csv --write --service https://decide.example.org --key-file inventory.key",
    name="import",
)
def import_inventory(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="The inventory as CSV, with a header; - for a pipe.")],
    mapping: Annotated[
        Path | None,
        typer.Option(
            "--map", help="YAML, as for `decide`: which column states which fact, what words mean, what all rows state."
        ),
    ] = None,
    column: Annotated[
        list[str] | None,
        typer.Option(
            metavar="COLUMN=FACT",
            help="Which fact a column states, short for --map; may be repeated. With nothing after = the column states nothing.",
        ),
    ] = None,
    encoding: Annotated[str, typer.Option(help="Encoding of a file that is not UTF-8, such as gb18030. [UTF-8]")] = "",
    separator: Annotated[str, typer.Option(help="What separates the cells: comma, semicolon or tab. [by the header]")] = "",
    policies: Policies = None,
    write: Annotated[
        bool, typer.Option("--write", help="Make the drafts in the service, and print where each one is.")
    ] = False,
    leave_open: Annotated[
        bool, typer.Option("--leave-open", help="Make them although something was not understood: it is left open, and asked.")
    ] = False,
    service: Annotated[str, typer.Option(help="Address of the service that gets the drafts.")] = "http://127.0.0.1:8080",
    key_file: Annotated[
        Path | None, typer.Option(help="File with the key for the service. [the key in FIFTHFACTOR_KEY, if any]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON.")] = False,
) -> int:
    """
    Read an inventory of systems, vendors and countries: each row becomes the draft of an exchange, to be decided at /ask.

    It prints what was understood of each column and row. What was not understood states nothing, and is told with what it may mean; nothing
    is guessed. With --write the drafts are made in a running service. Nothing is decided and nothing is recorded.

    Ends with 0 where everything was understood and done, with 1 where somebody has to say what something means, or the service refused a
    draft, with 2 where the file cannot be read.
    """
    try:
        from service.tables.inventory import read_inventory
        from service.tables.inventory_columns import FactlessTable, mapping_with
    except ModuleNotFoundError as missing:  # the extra `tables`
        raise UsedWrongly(str(missing)) from None
    from service.cli.files import load_or_stop, mapping_in, read
    from service.tables.inventory_file import ENCODINGS, MOST_BYTES, InventoryRefused, read_table

    if encoding:
        need("encoding", encoding.lower(), ENCODINGS)
    if separator:
        need("separator", separator, SEPARATED_BY)
    try:
        table = read_table(read(file, MOST_BYTES + 1), encoding.lower(), SEPARATED_BY.get(separator, ""))
        bundle = load_or_stop(policies or [], tests=False)
        said = mapping_with(bundle, table.columns, mapping_in(bundle, mapping, "")[0], column or ())
        inventory = read_inventory(bundle, table, said)
    except InventoryRefused as refused:
        told = [
            *map(safe, refused.faults),
            *_line_to_paste(context, refused.columns if isinstance(refused, FactlessTable) else ()),
        ]
        raise UsedWrongly("\n  ".join((f"{file} cannot be read as an inventory:", *told))) from None
    shown = _document(inventory, table)
    if not as_json:
        _print(context, inventory, table, file)
    may_write = write and (inventory.understood or leave_open)
    made = _written(inventory, service, _key(key_file), shown["rows"], quiet=as_json) if may_write else not write
    if as_json:
        print_json(shown)
    if write and not may_write:
        complain("no draft was made: say what is unclear with --column or --map, or leave it open with --leave-open")
    if leave_open:
        return int(not made or any(each.refused for each in inventory.drafts))
    return int(not made or not inventory.understood)


def _print(context: typer.Context, inventory: "Inventory", table: "InventoryTable", file: Path) -> None:
    """What was understood, for people."""
    width = max(len(each.name) for each in inventory.columns)
    print(painted("bold", f"{safe(str(file))}: {count(len(table.rows), 'row')}, {table.encoding}"))
    for each in inventory.columns:
        states = ", ".join(fact.fact for fact in each.facts) or each.told
        print(f"  {safe(each.name):{width}}  {states}{'; say which with --column' if each.unclear else ''}")
    for draft in inventory.drafts:
        print(painted("bold", f"{draft.line} {_name(draft)}"))
        if draft.stated:
            print(f"  {'; '.join(f'{fact}: {_told(value)}' for fact, value in draft.stated.items())}")
        for cell in draft.unclear:
            print(f"  not understood in `{safe(cell.column)}`: {safe(cell.why)}{_quoted(cell.text, cell.why)}")
        for why in draft.refused:
            print(f"  no exchange can be so: {safe(why)}")
    unclear = sum(len(each.unclear) for each in inventory.drafts)
    print(f"{count(len(inventory.drafts), 'draft')}, {count(unclear, 'place')} not understood")
    for line in _line_to_paste(context, inventory.columns):
        print(line)


def _line_to_paste(context: typer.Context, columns: "Sequence[InventoryColumn]") -> "Iterator[str]":
    """The same command with what unclear columns may state, after what it is; nothing where no column is unclear."""
    from service.tables.inventory_columns import proposals

    options = [part for each in proposals(columns) for part in ("--column", each)]
    if options:
        yield "if this is what the columns state (look for other facts with `fifthfactor facts WORD`):"
        yield f"  {safe(typed_with(context, *options))}"


def _written(inventory: "Inventory", service: str, key: str | None, rows: list[dict[str, Any]], *, quiet: bool) -> bool:
    """Make the drafts, and say where they are; whether all were made. Raises UsedWrongly."""
    from service.client import Client, ClientError, Refused

    try:
        client = Client(service, key=key)
    except ValueError as wrong:
        raise UsedWrongly(f"--service: {wrong}") from None
    done = True
    with client:
        for number, (draft, row) in enumerate(zip(inventory.drafts, rows, strict=True)):
            if draft.refused:
                done = False
                continue
            try:
                made = client.make_draft(draft.exchange)
            except Refused as refused:
                row["refused"] = [str(refused)]
                complain(f"{draft.line} {_name(draft)}: {safe(str(refused))}")
                done = False
                if refused.status in (401, 403, 404):  # the next one is refused for the same reason
                    break
                continue
            except ClientError as failed:
                left = len(inventory.drafts) - number
                raise UsedWrongly(f"{failed}; {count(left, 'draft')} of {len(inventory.drafts)} are not made") from None
            row |= {"draft": made.id, "address": f"{service.rstrip('/')}{made.address}", "outcome": made.outcome}
            if not quiet:
                print(f"{draft.line} {_name(draft)}: {row['address']} ({made.outcome})")
    return done


def _document(inventory: "Inventory", table: "InventoryTable") -> dict[str, Any]:
    """What was understood, for programs."""
    columns = [
        {"name": each.name, "facts": [fact.fact for fact in each.facts], "why": each.why, "may_mean": [*each.may_mean]}
        for each in inventory.columns
    ]
    rows = [
        {
            "line": each.line,
            "name": each.name,
            "exchange": each.exchange,
            "unclear": [{"column": cell.column, "text": cell.text, "why": cell.why} for cell in each.unclear],
            "refused": [*each.refused],
        }
        for each in inventory.drafts
    ]
    return {"encoding": table.encoding, "understood": inventory.understood, "columns": columns, "rows": rows}


def _name(draft: "InventoryDraft") -> str:
    name = safe(draft.name)
    return name if len(name) <= NAME else f"{name[: NAME - 1]}…"


def _told(value: Any) -> str:
    """A value as it is stated; a set that may have others ends with `…`."""
    if isinstance(value, list):
        return ", ".join("…" if each == "unknown" else safe(str(each)) for each in value)
    return {True: "yes", False: "no"}.get(value, safe(str(value))) if isinstance(value, bool) else safe(str(value))


def _quoted(text: str, why: str) -> str:
    """The text of a cell, where the reason does not have it already."""
    return "" if f"`{text}`" in why else f" (`{safe(text[:NAME])}`)"


def _key(file: Path | None) -> str | None:
    """The key in a file; None where the client takes it from the environment. Raises UsedWrongly."""
    from service.cli.files import read

    if file is None:
        return None
    key = read(file, MOST_KEY_FILE).decode("ascii", "replace").strip()
    if not key or not key.isprintable() or " " in key or "\ufffd" in key:
        raise UsedWrongly("the key file must have one key and nothing else")
    return key
