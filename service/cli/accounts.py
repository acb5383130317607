"""`fifthfactor accounts`: the accounts of all data assets, rolled forward for a period."""

from typing import Annotated

import typer

from service.cli.command import AsJson, Commands, Database, UsedWrongly, settings
from service.cli.output import complain, day

app = Commands()

Day = Annotated[str | None, typer.Option(help="Last day of the period, like 2026-12-31. [today]")]


@app.add("accounts", "accounts --from 2026-01-01 --until 2026-12-31 --csv > 2026.csv")
def accounts(
    first: Annotated[str | None, typer.Option("--from", help="First day of the period. [the year's first of January]")] = None,
    until: Day = None,
    known: Annotated[str | None, typer.Option(help="Only entries that were posted up to this day count.")] = None,
    entity: Annotated[str | None, typer.Option(help="The id of a legal entity: its accounts alone.")] = None,
    as_csv: Annotated[bool, typer.Option("--csv", help="Print a table as CSV.")] = False,
    as_json: AsJson = False,
    database: Database = None,
) -> int:
    """
    Roll the accounts of all data assets forward for a period, by class and currency.

    The entries are posted over HTTP. A service may run meanwhile. Ends with 1 where there is nothing in the accounts.
    """
    from datetime import UTC, datetime

    from service.api import csv_tables
    from service.ledger.account_statement import COLUMNS, NOTE, AccountPeriod, cells, roll_accounts
    from service.store.upgrade import reading

    chosen = settings(database=database)
    zone = chosen.tzinfo
    last = day(until) if until else datetime.now(UTC).astimezone(zone).date()
    begun = day(first) if first else last.replace(month=1, day=1)
    if begun > last:
        raise UsedWrongly("`--from` is not after `--until`")
    if as_csv and as_json:
        raise UsedWrongly("choose `--csv` or `--json`")
    with reading(chosen.database) as connection:
        found = roll_accounts(AccountPeriod(begun, last, day(known) if known else None, entity), zone, connection)
    if as_json:
        print(found.model_dump_json(by_alias=True, exclude_none=True, indent=1))
    elif as_csv:
        print(csv_tables.written(COLUMNS, map(cells, found.classes)), end="")
    else:
        for each in found.classes:
            told = zip(COLUMNS[3:], cells(each)[3:], strict=True)
            amounts = "  ".join(f"{name.replace('_', '-')} {value:f}" for name, value in told if value or name == "closing")
            print(f"{each.treatment} {each.currency}  {amounts}")
    if not found.classes:
        complain("there is nothing in the accounts up to this day")
        return 1
    complain(NOTE)
    return 0
