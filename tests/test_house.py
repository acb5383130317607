"""The house stays easy to walk through: few modules in the roots, no circle of rooms, and no class name that is there twice."""

import ast
import re
from collections import defaultdict
from functools import cache
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# These show what they are named after: `service/client` mirrors answers, and the faces name a thing as its room does.
FACES = ("service/api/", "service/cli/", "service/client/", "service/console/")
PARTICIPLES = {
    "Answered", "Asked", "Came", "Changed", "Confirmed", "Continued", "Counted", "Decided", "Done", "Explained", "Filled", "Followed",
    "Found", "Given", "Heard", "Judged", "Kept", "Loaded", "Looked", "Made", "Meant", "Moved", "Opened", "Prepared", "Registered",
    "Reopened", "Repaired", "Said", "Seen", "Shown", "Signed", "Stated", "Stood", "Told", "Wanted", "Written",
}  # fmt: skip
_CLASS = re.compile(r"^ *class ([A-Z]\w*)\b", re.MULTILINE)


@pytest.mark.parametrize(("package", "most"), [("engine", 12), ("service", 5)])
def test_the_roots_have_few_modules(package: str, most: int) -> None:
    """A new module goes into the room of its noun."""
    assert len([each for each in (ROOT / package).glob("*.py") if each.name != "__init__.py"]) <= most


def test_no_two_rooms_import_each_other() -> None:
    """Rooms are the folders and modules right below the packages."""
    imported = defaultdict(set)
    for package in ("engine", "service"):
        for file in (ROOT / package).rglob("*.py"):
            module = (*file.relative_to(ROOT).parts[:-1], file.stem)
            room = ".".join(module[:2])
            for name in _imports(file, module):
                other = ".".join(name.split(".")[:2])
                if name.startswith(("engine.", "service.")) and other != room:
                    imported[room].add(other)
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of rooms: {' -> '.join(error.args[1])}")


def test_a_class_name_occurs_once() -> None:
    """Who looks for a class finds one."""
    assert {name: places for name, places in _classes().items() if len(places) > 1} == {}


def test_classes_are_called_by_nouns() -> None:
    """A participle says what was done, and not what the thing is."""
    assert _classes().keys() & PARTICIPLES == set()


@cache
def _classes() -> dict[str, list[str]]:
    """The public classes of both packages without the faces, with the files that define them."""
    found = defaultdict(list)
    for package in ("engine", "service"):
        for file in (ROOT / package).rglob("*.py"):
            place = file.relative_to(ROOT).as_posix()
            if not place.startswith(FACES):
                for name in _CLASS.findall(file.read_text("utf-8")):
                    found[name].append(place)
    return found


def _imports(file: Path, module: tuple[str, ...]) -> list[str]:
    found = []
    for node in ast.walk(ast.parse(file.read_text("utf-8"))):
        if isinstance(node, ast.ImportFrom):
            beside = module[: -node.level] if node.level else ()
            whole = ".".join((*beside, *([node.module] if node.module else [])))
            found += [f"{whole}.{each.name}" for each in node.names] if whole in ("engine", "service") else [whole]
        elif isinstance(node, ast.Import):
            found += [each.name for each in node.names]
    return found
