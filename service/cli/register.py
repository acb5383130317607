"""
`fifthfactor register …`: import, export, list and show parties, data assets and other entities, directly in the database.

For operators of the service. An import is checked against the policies, like a request to the service.
"""

import json
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import BY, Commands, Database, ServicePolicies, UsedWrongly, address, log_key, need, settings
from service.cli.output import complain, day

if TYPE_CHECKING:
    from service.register.stated_facts import StatableFacts

app = Commands(help="Import, export, list and show parties, data assets and other entities.")

Kind = Annotated[str | None, typer.Option(help="Only entities of this kind: party, asset or another.")]
SHOWN = 200  # characters in a line of a list


@app.add("register import parties.csv", name="import")
def import_(
    file: Annotated[Path, typer.Argument(help="File to import, .csv or .json; all of it or nothing.")],
    policies: ServicePolicies = None,
    database: Database = None,
) -> int:
    """
    Import a table or a JSON file, as `export` writes it. Entities that are not in the file stay as they are.

    Ends with 0 where everything is imported. Ends with 1 where something is wrong: each place is reported, and nothing is imported.
    """
    import asyncio

    from service.cli.files import read
    from service.log.store import Store
    from service.register import entity_versions, import_export
    from service.register.entity import EntityRefused
    from service.register.entity_changes import Imported
    from service.store.moments import now_text

    form = file.suffix.removeprefix(".").lower()
    if form not in import_export.FORMATS:
        raise UsedWrongly(f"`{file.name}` is neither .csv nor .json")
    raw = read(file, import_export.MOST_BYTES + 1)
    if len(raw) > import_export.MOST_BYTES:
        raise UsedWrongly(f"`{file}` has more than {import_export.MOST_BYTES:,} bytes; import it in parts")
    try:
        entries = import_export.gather_entities(import_export.read(raw, form, _stating(policies)))
        with Store.open(address(database), log_key=log_key()) as store:
            written = asyncio.run(
                store.do(lambda transaction: entity_versions.write(transaction, store.database, entries, now_text(), BY))
            )
    except EntityRefused as wrong:
        for place in wrong.places:
            complain(f"{file}{f':{place.pointer}' if place.pointer else ''}: {place.detail}")
        return 1
    done = Imported.of(written)
    print(f"{done.created} new, {done.changed} changed, {done.unchanged} as they were")
    return 0


@app.add("register export --format csv --kind party > parties.csv")
def export(
    form: Annotated[str, typer.Option("--format", help="How to write: json or csv.")] = "json",
    kind: Kind = None,
    policies: ServicePolicies = None,
    database: Database = None,
) -> int:
    """
    Print all entities in their newest versions, so that they can be imported again.
    """
    from service.register import entity_versions, import_export
    from service.store.upgrade import reading

    need("format", form, import_export.FORMATS)
    with reading(address(database)) as connection:
        text = import_export.export_entities(entity_versions.every_entity(connection, kind), form, _stating(policies))
    sys.stdout.buffer.write(text.encode())
    sys.stdout.buffer.flush()
    return 0


@app.add("register show clinic-7 --history")
def show(
    id: Annotated[str, typer.Argument(help="Id of the entity, or one of its aliases.")],
    kind: Annotated[str, typer.Option(help="Kind of the entity.")] = "party",
    history: Annotated[bool, typer.Option("--history", help="Print every version, newest first.")] = False,
    database: Database = None,
) -> int:
    """
    Print an entity as JSON. Ends with 1 where the register does not have it.
    """
    from service.register import entity_versions
    from service.store.upgrade import reading

    with reading(address(database)) as connection:
        versions = entity_versions.history(connection, kind, id)
    if not versions:
        complain(f"the register has no {kind} `{id}`")
        return 1
    told = [each.document() for each in versions]
    print(json.dumps(told if history else told[0], ensure_ascii=False, indent=2))
    return 0


@app.add("register list --kind asset --as-of 2026-01-01", name="list")
def list_(
    kind: Kind = None,
    as_of: Annotated[str | None, typer.Option(help="Only entities that may be named on this day, as they are on it.")] = None,
    database: Database = None,
) -> int:
    """
    List the entities, one in a line: kind, id, version, first and last day, facts.
    """
    from service.register import entity_versions
    from service.store.upgrade import reading

    on = None if as_of is None else day(as_of).isoformat()
    with reading(address(database)) as connection:
        found = list(entity_versions.every_entity(connection, kind, on))
    for each in found:
        days = f"{each.content.valid_from or '…'} to {each.content.valid_until or '…'}"
        facts = json.dumps(each.facts, ensure_ascii=False)
        print(f"{each.kind}  {each.id}  {each.version}  {days}  {facts}"[:SHOWN])
    return 0


def _stating(policies: list[Path] | None) -> "StatableFacts":
    """What an entity may state, by the policies given, or else by those of the service. Raises UsedWrongly."""
    from service.cli.files import load_or_stop
    from service.register.stated_facts import StatableFacts

    return StatableFacts(load_or_stop(settings(policies=policies or None).policies))
