"""`fifthfactor where`: the condition of SQL under which a row of a table certainly may proceed."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import Commands, Policies, UsedWrongly, need
from service.cli.output import complain, day, safe, today

app = Commands()


@app.add("where mapping.yaml", "where mapping.yaml --dialect postgres --as-of 2026-11-24")
def where(
    mapping: Annotated[
        Path, typer.Argument(help="YAML: which column states which fact, and under `constants` what all rows state.")
    ],
    column: Annotated[
        list[str] | None, typer.Option(help="Column named by its fact, beside those of the mapping; may be repeated.")
    ] = None,
    policies: Policies = None,
    as_of: Annotated[str | None, typer.Option(help="Day whose law counts, like 2024-03-22. [today]")] = None,
    dialect: Annotated[str, typer.Option(help="duckdb, or postgres.")] = "duckdb",
) -> int:
    """
    Print the condition of a WHERE that lets a row pass only if it certainly may proceed, by its cells in the columns of a mapping.

    What all rows state, such as the recipient and the purpose, stands under `constants`. A cell that no test can tell in SQL is not
    known, and its row does not pass. `decide` with the same mapping comes to a permit for each row that passes.

    Ends with 0, also where no row passes; with 2 where a column states nothing, or there are too many combinations of cells.
    """
    try:
        import engine.tables
    except ModuleNotFoundError as missing:
        raise UsedWrongly(str(missing)) from None
    from service.cli.files import columns_sentence, load_or_stop, mapping_in

    need("dialect", dialect, engine.tables.DIALECTS)
    bundle = load_or_stop(policies or [], tests=False)
    mapped, _ = mapping_in(bundle, mapping, "")
    names = dict.fromkeys((*(each.column for each in mapped.columns), *(column or [])))
    when = day(as_of) if as_of else today()
    try:
        found = engine.tables.filter_rows(bundle, list(names), mapped, when)
        told = engine.tables.write_sql(found, dialect)
    except engine.tables.FilterRefused as refused:
        raise UsedWrongly(str(refused)) from None
    except engine.tables.ColumnsRefused as refused:
        raise UsedWrongly(columns_sentence(refused)) from None
    except ModuleNotFoundError as missing:
        raise UsedWrongly(str(missing)) from None
    print(told)
    complain(f"of {found.rows:,} combinations of cells {found.permits:,} may proceed on {when.isoformat()}")
    for each in found.columns:
        if each.left_out:
            complain(f"`{safe(each.name)}`: {each.left_out} cannot be told in SQL; their rows do not pass")
    return 0
