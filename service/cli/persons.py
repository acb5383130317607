"""`fifthfactor persons …`: list the persons whom the database knows, and erase who one of them is."""

import json
from datetime import UTC, datetime
from typing import Annotated

import typer

from service.cli.command import BY, AsJson, Commands, Database, UsedWrongly, address, log_key
from service.cli.output import complain

app = Commands(help="List the persons who signed in or to whom keys belong, and erase who one of them is.")


@app.add("persons list", name="list")
def list_(database: Database = None, as_json: AsJson = False) -> int:
    """
    List every person: her id, as records name it, who she is, and since when she is known.
    """
    from service.callers.known_persons import listed
    from service.store.upgrade import reading

    with reading(address(database)) as connection:
        found = listed(connection)
    if as_json:
        print(json.dumps([each.shown() for each in found], ensure_ascii=False))
        return 0
    for each in found:
        who = "erased" if each.person is None else f"{each.person.shown}  {each.person.subject} at {each.person.issuer}"
        print(f"{each.id}  {each.known_at}  {who}")
    return 0


@app.add("persons erase 3f9c02ab17de4411")
def erase(
    id: Annotated[str, typer.Argument(help="Id of the person, as the list shows it: the part after `person:` in records.")],
    database: Database = None,
) -> int:
    """
    Erase who a person is, for good, and end her sessions. Her id stays in records and can still be verified.

    Her keys must be revoked first. Backups still hold who she is. Ends with 1 where there is no such person, or where she has keys.
    """
    import asyncio

    from service.callers.known_persons import KeysLeft, forget
    from service.log.store import Store
    from service.store.upgrade import open_present
    from service.store.writer import NotRecorded
    from service.telemetry.log_lines import audit, logger

    url = address(database)
    open_present(url).close()  # so that a mistyped name creates no database
    with Store.open(url, log_key=log_key()) as store:
        try:
            erased = asyncio.run(store.do(lambda transaction: forget(store.writer, transaction, id, BY, datetime.now(UTC))))
        except KeysLeft as left:
            complain(f"error: {left.detail}")
            return 1
        except NotRecorded as failed:
            raise UsedWrongly(f"the log cannot be written: {failed}") from None
    if not erased:
        complain("error: no person has this id, or she was erased before; `fifthfactor persons list` shows all")
        return 1
    audit(logger(), "person-erased", caller=BY, person=id)
    return 0
