"""
`fifthfactor registers`: writes the registers of countries from one table.

In: the rows of `policies/vocabulary/countries.csv`, and the titles and sources of the registers. Out: the text of a vocabulary file
with the entries filled in. A row whose mark is weaker than that of its register is not written into the register, because an entry
counts in full. Where something about a country is doubtful, the author writes a rule with that mark.
"""

import csv
import io
import json
from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, get_args

import typer

from service.cli.command import Commands, Paths, UsedWrongly

if TYPE_CHECKING:
    import engine

COLUMNS = ("register", "country", "from", "until", "status", "scope", "source")
HEAD = """\
# yaml-language-server: $schema=../.schemas/vocabulary.json
vocabulary: registers

# Which countries are in what: adequacy, treaties, certificates, countries of concern. This file is written by `fifthfactor registers
# --write policies/vocabulary/registers.yaml` from the table `countries.csv` beside it: change an entry there. To add a register, write
# its title, source and mark here with `entries: []`, and its rows in the table. What the table marks weaker than the register is left
# out here.

registers:
"""


@dataclass(frozen=True, slots=True)
class CountryRow:
    """One line of the table: a country in a register, between two days, within `scope`."""

    line: int
    register: str
    country: str
    since: str
    until: str
    status: str
    scope: str
    source: str


app = Commands()


@app.add("registers --write policies/vocabulary/registers.yaml")
def registers(
    paths: Paths = None,
    table: Annotated[
        Path | None, typer.Option(help="File of the table. [vocabulary/countries.csv in one of the folders]")
    ] = None,
    write: Annotated[Path | None, typer.Option(help="File to write. [standard output]")] = None,
) -> int:
    """
    Write the registers of countries again, from the table of countries.

    Each register that the table names gets its entries from it, with their days, scope and mark.
    """
    import engine
    from service.cli.files import load_or_stop, put

    folders = paths or [engine.bundled_policies()]
    bundle = load_or_stop(folders)
    tables = [table] if table else [folder / "vocabulary" / "countries.csv" for folder in folders]
    found = next((each for each in tables if each.is_file()), None)
    if found is None:
        raise UsedWrongly(f"there is no table {' or '.join(map(str, tables))}; name one with `--table`")
    whole = text(bundle, read(found.read_text(), str(found)))
    if write is None:
        print(whole, end="")
    else:
        put(write, whole.encode())
    return 0


def read(content: str, name: str) -> list[CountryRow]:
    """The rows of a table. Raises UsedWrongly, with the line that is not a row."""
    import engine

    reader = csv.reader(io.StringIO(content), strict=True)
    rows: list[CountryRow] = []
    try:
        for number, cells in enumerate(reader, 1):
            if number == 1:
                if tuple(cells) != COLUMNS:
                    raise UsedWrongly(f"{name}:1: the columns are {', '.join(COLUMNS)}")
            elif len(cells) != len(COLUMNS):
                raise UsedWrongly(f"{name}:{number}: {len(cells)} cells, not {len(COLUMNS)}")
            elif cells[4] not in get_args(engine.Status):
                raise UsedWrongly(
                    f"{name}:{number}: `{cells[4]}` is not a mark; use one of {', '.join(get_args(engine.Status))}"
                )
            else:
                rows.append(CountryRow(number, *cells))
    except csv.Error as wrong:
        raise UsedWrongly(f"{name}:{reader.line_num}: {wrong}") from None
    return rows


def text(bundle: "engine.Bundle", rows: Sequence[CountryRow]) -> str:
    """The vocabulary file of every register that the rows name. Raises UsedWrongly for an unknown register or country."""
    import engine

    by_register: dict[str, list[CountryRow]] = defaultdict(list)
    for row in rows:
        register = bundle.vocabulary.registers.get(row.register)
        if register is None:
            raise UsedWrongly(f"line {row.line}: the vocabulary has no register `{row.register}`")
        if row.country not in register.of.values:
            raise UsedWrongly(f"line {row.line}: `{row.country}` is not a value of `{register.of.name}`")
        by_register[row.register].append(row)
    heads = bundle.vocabulary.registers
    entries = "\n".join(_register(name, heads[name], by_register[name]) for name in heads if name in by_register)
    return engine.lay_out("registers.yaml", (HEAD + entries).encode()).decode()


def _register(name: str, head: "engine.Register", rows: Sequence[CountryRow]) -> str:
    import engine

    marks = get_args(engine.Status)
    listed = [row for row in rows if marks.index(row.status) <= marks.index(head.status)]
    title = {tongue: words for tongue, words in head.title if words}
    lines = [
        f"  {name}:",
        f"    title: {json.dumps(title, ensure_ascii=False)}",
        f"    of: {head.of.name}",
        f"    source: {json.dumps(head.source, ensure_ascii=False)}",
        f"    status: {head.status}",
        "    entries:" if listed else "    entries: []",
    ]
    for row in listed:
        cells: Mapping[str, str] = {
            "from": row.since,
            "until": row.until,
            "scope": row.scope,
            "source": row.source,
            "status": row.status if row.status != head.status else "",
        }
        filled = {key: value for key, value in cells.items() if value}
        entry = ", ".join(f"{key}: {json.dumps(value, ensure_ascii=False)}" for key, value in filled.items())
        lines.append(f"      {row.country}: {{{entry}}}")
    return "\n".join(lines) + "\n"
