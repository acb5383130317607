"""
`fifthfactor keys …`: make, list and revoke API keys, directly in the database.

Operators of the service need no key for it, so that they can make the first one. A key is printed once, on standard output, and nowhere
else. Standard error gets an audit line.
"""

import json
from datetime import UTC, date, datetime
from typing import Annotated

import typer

from service.cli.command import BY, AsJson, Commands, Database, UsedWrongly, address, log_key
from service.cli.output import complain

app = Commands(help="Make, list and revoke the keys that callers need.")


@app.add(
    "keys create --name gateway --scope evaluate --scope commit",
    "keys create --name desk --scope read --scope review --issuer https://id.example.org --subject 7f3a",
    "keys create --name clinic --party clinic-7 --scope evaluate --scope commit --scope read",
)
def create(
    name: Annotated[str, typer.Option(help="A name that says what the key is for; the list shows it.")],
    scope: Annotated[
        list[str], typer.Option(help="What the key allows: evaluate, commit, read, review or administer; may be repeated.")
    ],
    expires: Annotated[str | None, typer.Option(help="Last day of the key, in UTC, like 2027-03-31. [none]")] = None,
    party: Annotated[
        str | None,
        typer.Option(help="Id of the party to which the key belongs, as the register has it. [none: an operator's key]"),
    ] = None,
    issuer: Annotated[
        str | None,
        typer.Option(help="With --subject: the address of the issuer that knows the person to whom the key belongs."),
    ] = None,
    subject: Annotated[str | None, typer.Option(help="Who the person is there, as in the claim `sub` of the issuer.")] = None,
    database: Database = None,
) -> int:
    """
    Make a key and print it. It is shown only once.

    A key of a party acts as that exporter, and reads what belongs to it; it may have the scopes evaluate, commit and read.
    What is done with the key of a person, this person did: she cannot review what she asked for.
    """
    from service.callers import keys as held
    from service.callers.caller import OF_A_PARTY, SCOPES, is_party
    from service.callers.person import Person, is_person
    from service.store.upgrade import writing

    if not name.isprintable() or not 1 <= len(name) <= held.MOST_CHARACTERS:
        raise UsedWrongly(f"`--name` must be 1 to {held.MOST_CHARACTERS} printable characters")
    if unknown := [each for each in scope if each not in SCOPES]:
        raise UsedWrongly(f"there is no scope `{unknown[0]}`; use one of {', '.join(SCOPES)}")
    if party is not None and not is_party(party):
        raise UsedWrongly("`--party` must be the id of a party: printable characters")
    if party is not None and (other := [each for each in scope if each not in OF_A_PARTY]):
        raise UsedWrongly(f"a party's key cannot have the scope `{other[0]}`; use some of {', '.join(OF_A_PARTY)}")
    if (issuer is None) != (subject is None) or (issuer is not None and not is_person(issuer, subject or "")):
        raise UsedWrongly("a person is an address of an `--issuer` and a `--subject` of visible ASCII characters; give both")
    person = None if issuer is None or subject is None else Person(issuer, subject)
    last = _last_day(expires) if expires is not None else None
    with writing(address(database), log_key()) as transaction:
        key, told = held.create(transaction, name, scope, last, BY, datetime.now(UTC), party, person)
    _audit("key-created", key.id, key.scopes)
    print(told)
    return 0


@app.add("keys list --json", name="list")
def list_(database: Database = None, as_json: AsJson = False) -> int:
    """
    List all keys that were ever made, with their scopes, and whether they are good, expired or revoked.
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
        of = f" of {key.party}" if key.party else ""
        by = f" by {key.person.shown}" if key.person else ""
        print(f"{key.id}  {state}{until}{of}{by}  {','.join(key.scopes)}  {key.name}")
    return 0


@app.add("keys revoke 3f9c02ab17de")
def revoke(
    id: Annotated[str, typer.Argument(help="Id of the key, as the list shows it: the part after `ff_`.")],
    database: Database = None,
) -> int:
    """
    Revoke a key for good. Every running process refuses it within five seconds.

    Ends with 1 where there is no such key.
    """
    from service.callers import keys as held
    from service.store.upgrade import writing

    with writing(address(database), log_key()) as transaction:
        key = held.revoke(transaction, id, BY, datetime.now(UTC))
    if key is None:
        complain("error: no key has this id; `fifthfactor keys list` shows all keys")
        return 1
    _audit("key-revoked", key.id, key.scopes)
    return 0


def _last_day(text: str) -> date:
    try:
        day = date.fromisoformat(text)
    except ValueError:
        raise UsedWrongly(f"`--expires` must be a day like 2027-03-31, not `{text}`") from None
    if day < datetime.now(UTC).date():
        raise UsedWrongly("the day of `--expires` has passed; name today or a later day")
    return day


def _audit(action: str, id: str, scopes: tuple[str, ...]) -> None:
    from service.telemetry import log_lines

    log_lines.audit(log_lines.logger(), action, caller=BY, key=id, scopes=scopes)
