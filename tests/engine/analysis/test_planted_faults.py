"""Each planted fault and each planted change is one edit that `check` lets pass: what finds it is the analysis, or nothing."""

from __future__ import annotations

import pytest
import yaml

from engine.bundle import Bundle
from tests.engine.analysis.planted import FOLDER, Planted, edited, load, planted, sound

FAULTS = planted("faults.yaml", "faults")
CHANGES = [change for key in ("permit_more", "permit_nothing_more", "not_shown") for change in planted("differences.yaml", key)]
SMALL = [each for each in (*FAULTS, *CHANGES) if each.small]
BUNDLED = [each for each in (*FAULTS, *CHANGES) if not each.small]
SAMPLE = BUNDLED[:: len(BUNDLED) // 2]


def name(one: Planted) -> str:
    """How a fault or change is called among the tests."""
    return one.id


def test_there_are_forty_faults_and_each_names_a_finding_that_is_explained() -> None:
    """Forty faults with ids of their own, fifteen of them in the small law, and every code is used and explained."""
    codes = set(yaml.safe_load((FOLDER / "faults.yaml").read_text("utf-8"))["codes"])
    assert len({each.id for each in FAULTS}) == len(FAULTS) == 40
    assert sum(each.small for each in FAULTS) == 15
    assert {each.said["finds"]["code"] for each in FAULTS} == codes


def test_each_edit_stands_once_in_its_file() -> None:
    """An edit that no longer stands in the file, or stands there twice, would plant nothing, or something else."""
    for one in (*FAULTS, *CHANGES):
        text = sound(one.small)[one.file].decode()
        assert {edit.old: text.count(edit.old) for edit in one.edits} == dict.fromkeys((edit.old for edit in one.edits), 1)
        assert edited(one)[one.file] != text.encode()


def test_each_guilty_line_is_a_line_of_its_edit() -> None:
    """The line of a condition that is to be found is written once in the text that the edit brings in."""
    for one in FAULTS:
        if line := one.said["finds"].get("line"):
            assert [each.strip() for each in one.edits[0].new.splitlines()].count(line) == 1, one.id


@pytest.mark.parametrize("one", [*SMALL, *SAMPLE], ids=name)
def test_check_lets_it_pass(one: Planted) -> None:
    """All in the small law, and three in the bundled policies: reading these takes a second or two each."""
    assert isinstance(load(one), Bundle)


@pytest.mark.fuzz
@pytest.mark.parametrize("one", BUNDLED, ids=name)
def test_check_lets_each_one_in_the_bundled_policies_pass(one: Planted) -> None:
    """The same of every edit of the bundled policies."""
    assert isinstance(load(one), Bundle)
