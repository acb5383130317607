"""`fifthfactor sessions …`: list the sessions that run at the pages, and end them."""

import json
from datetime import UTC, datetime, timedelta
from typing import Annotated

import typer

from service.cli.command import BY, AsJson, Commands, Database, address, log_key, settings
from service.cli.output import complain

app = Commands(help="List the sessions of those who signed in at the pages, and end them.")


@app.add("sessions list --json", name="list")
def list_(database: Database = None, as_json: AsJson = False) -> int:
    """
    List the sessions that run: id, last use, end, caller and scopes. The newest come first, a thousand at most.
    """
    from service.callers.sessions import running
    from service.store.upgrade import reading

    idle = timedelta(minutes=settings().session_idle_minutes)
    with reading(address(database)) as connection:
        found = running(connection, datetime.now(UTC), idle)
    if as_json:
        print(json.dumps([each.shown() for each in found], ensure_ascii=False))
        return 0
    for each in found:
        name = f" {each.person.shown}" if each.person else ""
        of = f" of {each.party}" if each.party else ""
        print(f"{each.id}  seen {each.seen_at} until {each.expires_at}  {each.caller_id}{name}{of}  {','.join(each.scopes)}")
    return 0


@app.add("sessions end 3f9c02ab17de")
def end(
    id: Annotated[str, typer.Argument(help="Id of the session, as the list shows it.")],
    database: Database = None,
) -> int:
    """
    End a session. Every running process refuses it within five seconds.

    Ends with 1 where there is no such session.
    """
    from service.callers import sessions
    from service.store.upgrade import writing
    from service.telemetry import log_lines

    with writing(address(database), log_key()) as transaction:
        ended = sessions.end(transaction, id, datetime.now(UTC))
    if ended is None:
        complain("error: no session has this id; `fifthfactor sessions list` shows those that run")
        return 1
    log_lines.audit(log_lines.logger(), "session-ended", caller=BY, of=ended.caller_id)
    return 0
