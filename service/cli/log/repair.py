"""`fifthfactor log repair`: puts the rows right that say otherwise than the leaves of the log."""

from typing import Annotated

import typer

from service.cli.command import BY, Commands, Database, UsedWrongly, address, log_key
from service.cli.output import complain, progress

app = Commands()


@app.add('log repair --reason "a disk was restored in part"')
def repair(
    reason: Annotated[str, typer.Option(help="Why; it is kept beside a leaf of the log.")],
    database: Database = None,
) -> int:
    """
    Put the rows right that `log verify --deep` finds, by the leaves of the log. A leaf records it. Stop the service first.

    Ends with 1 where something is left that no leaf can make again.
    """
    from service.audit.repair import NotRepairable
    from service.audit.repair import repair as put_right
    from service.store.upgrade import existing

    if not reason.strip():
        raise UsedWrongly("`--reason` is empty: say why the rows are put right")
    with existing(address(database), log_key()) as opened:
        try:
            done = put_right(opened, BY, reason.strip(), lambda what, number: progress(f"{number:,} {what}", number))
        except NotRepairable as fault:
            raise UsedWrongly(f"the log itself has a fault, so nothing is repaired: {fault}") from None
        progress("")
    for name, number in sorted(done.tables.items()):
        print(f"{name}: {number:,} row{'s' if number != 1 else ''} put right")
    if not done.tables:
        print("every row says what the leaves of the log say")
    for each in done.left:
        complain(f"not repaired: {each}")
    return int(bool(done.left))
