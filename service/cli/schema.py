"""
The command `schema`, and where editors find what it writes.

A policy, test or vocabulary file names its schema in its first line, which `fmt` writes; the line leads to the nearest folder of
schemas above the file.
"""

import json
import os
from pathlib import Path
from typing import Any

import engine
from service.cli import files
from service.cli.commands import UsedWrongly, load_or_stop

FOLDER = ".schemas"


def schema(kind: str, write: Path | None, paths: list[Path]) -> int:
    """Print one schema, or write each into a folder."""
    schemas = engine.editor_schemas(load_or_stop(paths))
    if kind and kind not in schemas:
        raise UsedWrongly(f"there is no schema `{kind}`; name one of {', '.join(schemas)}")
    if bool(kind) == bool(write):
        raise UsedWrongly(f"name one of {', '.join(schemas)} to print it, or `--write` with a folder for all of them")
    if write is None:
        print(_text(schemas[kind]), end="")
        return 0
    try:
        write.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UsedWrongly(f"cannot make the folder {write}: {error.strerror}") from None
    for name, each in schemas.items():
        files.put(write / f"{name}.json", _text(each).encode())
    print(f"{len(schemas)} schemas in {write}")
    return 0


def way_to_schemas(file: Path) -> str:
    """The way from a file to the nearest folder of schemas above it; the empty string where there is none."""
    folder = file.resolve().parent
    for above in (folder, *folder.parents):
        if (above / FOLDER / "policy.json").is_file():
            return Path(os.path.relpath(above / FOLDER, folder)).as_posix()
    return ""


def _text(schema: dict[str, Any]) -> str:
    return json.dumps(schema, ensure_ascii=False, indent=1) + "\n"
