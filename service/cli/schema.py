"""
`fifthfactor schema`: writes the JSON Schemas for editors, and finds them for a file.

A file of policies names its schema in its first line, which `fmt` writes. The line leads to the nearest folder of schemas
above the file.
"""

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.command import Commands, Policies, UsedWrongly, need
from service.cli.output import count

if TYPE_CHECKING:
    import engine

FOLDER = ".schemas"

app = Commands()


@app.add("schema --write policies/.schemas")
def schema(
    kind: Annotated[
        str, typer.Argument(help="Schema to print: policy, test, vocabulary, organisation, mapping or exchange.")
    ] = "",
    write: Annotated[Path | None, typer.Option(help="Folder to write all schemas into.")] = None,
    policies: Policies = None,
) -> int:
    """
    Print or write the JSON Schemas for editors, with the facts, values and names of the policies.
    """
    import engine
    from service.cli.files import load_or_stop

    schemas = engine.editor_schemas(load_or_stop(policies or []))
    if kind:
        need("schema", kind, schemas)
    if bool(kind) == bool(write):
        raise UsedWrongly(f"name one of {', '.join(schemas)} to print, or a folder with `--write` for all of them")
    if write is None:
        print(_text(schemas[kind]), end="")
        return 0
    _write(write, schemas)
    print(f"{count(len(schemas), 'schema')} in {write}")
    return 0


def write_schemas(folder: Path, bundle: "engine.Bundle") -> None:
    """Write the schemas of some policies into a folder. Raises UsedWrongly."""
    import engine

    _write(folder, engine.editor_schemas(bundle))


def _write(folder: Path, schemas: dict[str, dict[str, Any]]) -> None:
    from service.cli.files import make_folder, put

    make_folder(folder)
    for name, each in schemas.items():
        put(folder / f"{name}.json", _text(each).encode())


def way_to_schemas(file: Path) -> str:
    """The relative path from a file to the nearest folder of schemas above it; empty where there is none."""
    folder = file.resolve().parent
    for above in (folder, *folder.parents):
        if (above / FOLDER / "policy.json").is_file():
            return Path(os.path.relpath(above / FOLDER, folder)).as_posix()
    return ""


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
