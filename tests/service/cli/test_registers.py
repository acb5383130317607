"""The registers of countries are what the table says, and a table that is no table is refused at its line."""

from __future__ import annotations

import csv
import shutil
from pathlib import Path

import pytest

import engine
from service.cli import registers
from service.cli.command import UsedWrongly

WORDS = engine.bundled_policies() / "vocabulary"
TABLE = WORDS / "countries.csv"
HEAD = ",".join(registers.COLUMNS)


@pytest.fixture(scope="module")
def bundle() -> engine.Bundle:
    return engine.load(engine.bundled_policies())


def test_the_registers_are_what_the_table_says(bundle: engine.Bundle) -> None:
    """`fifthfactor registers` would write the file as it stands."""
    rows = registers.read(TABLE.read_text(), "countries.csv")
    assert registers.text(bundle, rows) == (WORDS / "registers.yaml").read_text()


def test_every_row_is_in_its_register_or_weaker_than_it(bundle: engine.Bundle) -> None:
    """Each row has its entry with its days; what is missing there is marked weaker than the register."""
    left_out = []
    for row in csv.DictReader(TABLE.open()):
        register = bundle.vocabulary.registers[row["register"]]
        if row["country"] in register.entries:
            (entry,) = register.entries[row["country"]]
            assert (str(entry.from_ or ""), str(entry.until or "")) == (row["from"], row["until"])
        else:
            left_out.append(row)
            assert row["status"] != "confirmed"
    assert left_out, "the table has no doubtful row, so this shows nothing"


def test_no_row_stands_twice() -> None:
    """A country is in a register once."""
    rows = [(row["register"], row["country"]) for row in csv.DictReader(TABLE.open())]
    assert len(rows) == len(set(rows))


def test_the_command_writes_what_the_table_says(tmp_path: Path) -> None:
    """A country that leaves the table leaves the register, and one that enters it enters."""
    policies = tmp_path / "policies"
    shutil.copytree(engine.bundled_policies(), policies)
    table = policies / "vocabulary" / "countries.csv"
    lines = [line for line in table.read_text().splitlines() if not line.startswith("UK-ADEQUATE,AD,")]
    table.write_text("\n".join([*lines, "UK-ADEQUATE,SG,2026-11-01,2027-10-31,confirmed,,made up"]) + "\n")
    assert registers.registers([policies], None, policies / "vocabulary" / "registers.yaml") == 0
    entries = engine.load(policies).vocabulary.registers["UK-ADEQUATE"].entries
    assert "AD" not in entries
    assert (str(entries["SG"][0].from_), str(entries["SG"][0].until)) == ("2026-11-01", "2027-10-31")


@pytest.mark.parametrize(
    ("line", "said"),
    [
        ("UK-ADEQUATE,FR", "2: 2 cells, not 7"),
        ("UK-ADEQUATE,FR,,,certain,,", "`certain` is not a mark"),
        ('UK-ADEQUATE,"FR', "unexpected end of data"),
        ("NOWHERE,FR,,,confirmed,,", "the vocabulary has no register `NOWHERE`"),
        ("UK-ADEQUATE,ZZ,,,confirmed,,", "`ZZ` is not a value of `country`"),
    ],
)
def test_a_row_that_is_none_is_refused(line: str, said: str, bundle: engine.Bundle) -> None:
    """The line and what is wrong with it are named."""
    with pytest.raises(UsedWrongly, match=said):
        registers.text(bundle, registers.read(f"{HEAD}\n{line}\n", "table.csv"))


def test_another_head_is_refused() -> None:
    """The columns are as they should be, in their order."""
    with pytest.raises(UsedWrongly, match=r"table\.csv:1: the columns are register, country"):
        registers.read("country,register\n", "table.csv")


def test_a_table_that_is_not_there_is_named(tmp_path: Path) -> None:
    """The command says which table it looked for."""
    with pytest.raises(UsedWrongly, match="there is no table"):
        registers.registers([], tmp_path / "no.csv", None)
