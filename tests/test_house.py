"""The house stays easy to walk through: few modules in the roots, and no circle between rooms that is not named here."""

import ast
from collections import defaultdict
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
# One circle is left: a commitment decides again, and a decision fills in what commitments counted.
CIRCLES = {("service.decisions", "service.ledger")}


@pytest.mark.parametrize(("package", "most"), [("engine", 12), ("service", 5)])
def test_the_roots_have_few_modules(package: str, most: int) -> None:
    """A new module goes into the room of its noun."""
    assert len([each for each in (ROOT / package).glob("*.py") if each.name != "__init__.py"]) <= most


def test_no_two_rooms_import_each_other() -> None:
    """Rooms are the folders and modules right below the packages; a circle that is gone leaves the list."""
    imported = defaultdict(set)
    for package in ("engine", "service"):
        for file in (ROOT / package).rglob("*.py"):
            module = (*file.relative_to(ROOT).parts[:-1], file.stem)
            room = ".".join(module[:2])
            for name in _imports(file, module):
                other = ".".join(name.split(".")[:2])
                if name.startswith(("engine.", "service.")) and other != room:
                    imported[room].add(other)
    for one, other in CIRCLES:
        assert {one, other} <= imported[one] | imported[other], f"{one} and {other} are no circle any more"
        imported[one].discard(other)
    try:
        TopologicalSorter(imported).prepare()
    except CycleError as error:
        pytest.fail(f"a circle of rooms: {' -> '.join(error.args[1])}")


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
