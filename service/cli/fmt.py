"""
`fifthfactor fmt`: lays authors' files out in the one layout.

`engine.lay_out` knows the layout, and sees to it that no word changes.
"""

import difflib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import Commands, Paths, UsedWrongly
from service.cli.output import count, painted
from service.cli.schema import way_to_schemas

app = Commands()


@dataclass(frozen=True, slots=True)
class LaidOutFile:
    """A file before and after; `after` is None where `problem` keeps it from being laid out."""

    path: Path
    before: bytes
    after: bytes | None
    problem: str = ""

    def diff(self) -> str:
        """The change in the form of `diff -u`."""
        before, after = (text.decode("utf-8", "replace").splitlines(keepends=True) for text in (self.before, self.after or b""))
        return "".join(
            line if line.endswith("\n") else f"{line}\n\\ No newline at end of file\n"
            for line in difflib.unified_diff(before, after, str(self.path), str(self.path))
        )


@app.add("fmt policies --check")
def fmt(
    paths: Paths = None,
    check: Annotated[bool, typer.Option("--check", help="Write nothing; end with 1 where a file would change.")] = False,
    diff: Annotated[bool, typer.Option("--diff", help="Write nothing; print what would change.")] = False,
) -> int:
    """
    Lay out policies, tests and vocabulary in the one layout. No word and no comment changes.

    Ends with 0 where it is done, with 1 where `--check` finds a change or a file cannot be laid out.
    """
    import engine
    from service.cli.files import put

    changed = wrong = unchanged = 0
    for laid in lay_out(paths or [engine.bundled_policies()]):
        if laid.after is None:
            wrong += 1
            print(laid.problem + "\n")
        elif laid.after == laid.before:
            unchanged += 1
        else:
            changed += 1
            if diff:
                print(laid.diff(), end="")
            elif check:
                print(f"{painted('yellow', 'would change')} {laid.path}")
            else:
                put(laid.path, laid.after, over=laid.before)
                print(f"{painted('green', 'laid out')} {laid.path}")
    said = [f"{count(changed, 'file')} {'would change' if check or diff else 'changed'}", f"{unchanged:,} as they should be"]
    print(", ".join([*said, *([painted("red", f"{wrong:,} left as they are")] if wrong else [])]))
    return int(bool(wrong or (check and changed)))


def lay_out(paths: list[Path]) -> Iterator[LaidOutFile]:
    """Each YAML file of the folders and files, with its layout; in the order of names. Raises UsedWrongly."""
    import engine

    for path in dict.fromkeys(file for named in paths for file in _files(named)):
        try:
            before = path.read_bytes()
        except OSError as error:
            raise UsedWrongly(f"cannot read {path}: {error.strerror}") from None
        try:
            yield LaidOutFile(path, before, engine.lay_out(str(path), before, way_to_schemas(path)))
        except engine.NotLaidOut as refused:
            yield LaidOutFile(path, before, None, str(refused))


def _files(path: Path) -> list[Path]:
    if path.is_file():
        return [path]
    if not path.is_dir():
        raise UsedWrongly(f"there is no file or folder {path}")
    return sorted(file for file in path.rglob("*.y*ml") if file.suffix in (".yaml", ".yml") and file.is_file())
