"""`fifthfactor log erase`: erases the personal values of decisions for good."""

from typing import Annotated

import typer

from service.cli.command import BY, Commands, Database, UsedWrongly, address, log_key, settings
from service.cli.output import complain, count, safe

app = Commands()


@app.add("log erase 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")
def erase(ids: Annotated[list[str], typer.Argument(help="Ids of decisions.")], database: Database = None) -> int:
    """
    Erase the personal values of decisions for good. The records stay and can still be verified. The service may run.

    Nothing of a decision is erased while a law asks to keep the proof, or while an open commitment, counter, duty or approval rests on it;
    the reasons are printed. Backups still hold the values. Ends with 1 where a decision does not exist or is still needed.
    """
    import asyncio

    from service.decisions import retention
    from service.log.store import Store
    from service.store.upgrade import open_present
    from service.store.writer import NotRecorded
    from service.telemetry.log_lines import audit, logger

    url, zone = address(database), settings().zone
    open_present(url).close()  # so that a mistyped name creates no database
    left = 0
    with Store.open(url, log_key=log_key()) as store:
        for id in ids:
            stored = store.read(id)
            if stored is None:
                complain(f"no decision has the id `{safe(id)}`")
                left = 1
                continue
            try:
                erased = asyncio.run(retention.erase_alone(store, stored, zone, BY))
            except retention.StillNeeded as needed:
                complain("\n  ".join([f"{id}: {needed.detail}", *(each.detail for each in needed.holds)]))
                left = 1
                continue
            except NotRecorded as failed:
                raise UsedWrongly(f"the log cannot be written: {failed}") from None
            audit(logger(), "decision-erased", caller=BY, decision_id=id, values=erased)
            print(f"{id}: {count(erased, 'value')} erased")
    return left
