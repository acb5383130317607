"""
`fifthfactor keys …`: API keys made, listed and revoked, straight on the database.

For whoever runs the service, who needs no key to make the first one. A key goes to standard output once and nowhere else; who did
what goes to standard error, as a line for the audit.
"""

import json
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from service.cli.command import BY, AsJson, Commands, Database, UsedWrongly, address
from service.cli.output import complain

app = Commands(help="Make, list and revoke the keys that callers need.")


@app.add("keys create --name gateway --scope evaluate --scope commit")
def create(
    name: Annotated[str, typer.Option(help="What the key is for; people see it in the list.")],
    scope: Annotated[
        list[str], typer.Option(help="What it may do: evaluate, commit, read, review or administer; may be repeated.")
    ],
    expires: Annotated[str | None, typer.Option(help="Its last day, in UTC, like 2027-03-31. [it has none]")] = None,
    database: Database = None,
) -> int:
    """
    Make a key and print it, once: it cannot be told again.
    """
    from service.callers import keys as held
    from service.callers.caller import SCOPES
    from service.store.upgrade import writing

    if not name.isprintable() or not 1 <= len(name) <= held.MOST_CHARACTERS:
        raise UsedWrongly(f"`--name` must be 1 to {held.MOST_CHARACTERS} printable characters")
    if unknown := [each for each in scope if each not in SCOPES]:
        raise UsedWrongly(f"there is no scope `{unknown[0]}`; use {', '.join(SCOPES)}")
    last = _last_day(expires) if expires is not None else None
    with writing(address(database)) as transaction:
        key, told = held.create(transaction, name, scope, last, BY, datetime.now(UTC))
    _audit("key-created", key.id, key.scopes)
    print(told)
    return 0


@app.add("keys list --json", name="list")
def list_(database: Database = None, as_json: AsJson = False) -> int:
    """
    List all keys there ever were, with what they may do and whether they still may.
    """
    from service.callers.keys import listed
    from service.store.upgrade import reading

    with reading(address(database)) as connection:
        found = listed(connection)
    now = datetime.now(UTC)
    if as_json:
        print(json.dumps([{**key.shown(), "good": key.good(now)} for key in found], ensure_ascii=False))
        return 0
    for key in found:
        state = "revoked" if key.revoked_at else "good" if key.good(now) else "expired"
        until = f" until {key.expires_on}" if key.expires_on else ""
        print(f"{key.id}  {state}{until}  {','.join(key.scopes)}  {key.name}")
    return 0


@app.add("keys revoke 3f9c02ab17de")
def revoke(
    id: Annotated[str, typer.Argument(help="The id of the key: the part of it after `ff_`, as the list shows it.")],
    database: Database = None,
) -> int:
    """
    Revoke a key for good. Every process that is running refuses it five seconds later.

    Ends with 1 where there is no such key.
    """
    from service.callers import keys as held
    from service.store.upgrade import writing

    with writing(address(database)) as transaction:
        key = held.revoke(transaction, id, BY, datetime.now(UTC))
    if key is None:
        complain("error: there is no key of this id; `fifthfactor keys list` has them all")
        return 1
    _audit("key-revoked", key.id, key.scopes)
    return 0


def _last_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsedWrongly(f"`--expires` must be a day like 2027-03-31, not `{text}`") from None
    if day < datetime.now(UTC).date():
        raise UsedWrongly("`--expires` is over already")
    return day


def _audit(action: str, id: str, scopes: tuple[str, ...]) -> None:
    from service.telemetry import log_lines

    log_lines.audit(log_lines.logger(), action, caller=BY, key=id, scopes=scopes)
