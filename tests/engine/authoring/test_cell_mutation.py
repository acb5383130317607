"""
A cell of the coverage is changed, and a change that no case notices is named.
"""

from __future__ import annotations

import pytest

import engine
from tests.engine.deciding.ice import BY, SURE, sources

CIVIL = f"krill: {{free: yes, when: {{purpose.end_use: civil}}, {SURE}}}"
UNDER = f"krill: {{under: personal, {SURE}}}"
UNREAD = f"krill: {{unread: the Krill Act, {SURE}}}"
DOUBTFUL = UNDER.replace("confirmed", "unsure")
PARTLY = "krill: {partly: yes, by: [aq.law]}"
TWO = "krill: {from: 2020-01-01, by: [aq.law/bar, aq.law/more]}"
MORE = """\
  - {id: more, title: more, cite: Art. 2, says: so, source: made up, status: confirmed, when: {act.label: watch}, review: look at it}
"""
EXCHANGE = """\
test: aq.law
as_of: 2026-06-15
exchange:
  exporter.country: AQ
  recipient.country: BV
  act.label: plain
  purpose.end_use: civil
  data.personal: yes
  data.categories: [krill]
  data.people_in: [AQ]
  data.collected_in: [AQ]
cases:
"""
FREE_OR_UNDER = ["krill: it could be free", "krill: it could stand under personal"]


def bundle(cells: str, *cases: str) -> engine.Bundle:
    """The bundle with some cells of AQ, and with cases: what each changes, and what it expects."""
    written = (
        "".join(f"  - {{case: number {n}, {case}}}\n" for n, case in enumerate(cases))
        or "  - {case: none, expect: {outcome: x}}\n"
    )
    made = {**sources(cells, MORE), "aq.test.yaml": (EXCHANGE + written).encode()}
    return engine.load_sources(made)


def mutants(made: engine.Bundle, subject: str = "krill") -> list[engine.CellMutant]:
    """The changed cells of one subject matter of AQ."""
    return [each for each in engine.cell_mutants(made) if (each.jurisdiction, each.subject) == ("AQ", subject)]


def sentences(made: engine.Bundle, subject: str = "krill") -> list[str]:
    """What is said of the changed cells of one subject matter of AQ."""
    return [each.sentence for each in mutants(made, subject)]


def unnoticed(made: engine.Bundle, subject: str = "krill") -> list[str]:
    """The changes of one subject matter of AQ that no case notices."""
    court = engine.CellMutationTester(made)
    return [each.sentence for each in mutants(made, subject) if not court.notices(each)]


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        (CIVIL, ["krill: it could be unread, and not free", "krill: it could be free whatever is asked"]),
        (UNDER, ["krill: it could be unread, and not under"]),
        (UNREAD, FREE_OR_UNDER),
        (DOUBTFUL, FREE_OR_UNDER),
        ("", FREE_OR_UNDER),
        (PARTLY, ["krill: it could be covered in full"]),
        (TWO, ["krill: aq.law/bar could say nothing of it", "krill: aq.law/more could say nothing of it"]),
        (f"krill: {BY}", []),
    ],
)
def test_a_cell_is_changed_in_what_it_might_say_instead(cells: str, expected: list[str]) -> None:
    """What settles something might not, what settles nothing might, and one law of two might be silent."""
    assert sentences(bundle(cells)) == expected


def test_a_guarded_subject_and_one_that_the_law_does_not_know_are_left_alone() -> None:
    """Nobody could write that secrets are free, nor anything in AQ on a grade of another law."""
    made = bundle("")
    assert sentences(made, "secrets") == sentences(made, "grade") == []
    assert ("BV", "grade") in [(each.jurisdiction, each.subject) for each in engine.cell_mutants(made)]


def test_a_changed_cell_says_where_it_stands() -> None:
    """The file and line are those of the jurisdiction, under whose coverage it is listed; the bundle has the cell no more."""
    mutant, _ = mutants(bundle(CIVIL))
    assert (mutant.file, mutant.policy) == ("words.yaml", "coverage of AQ")
    assert sources(CIVIL)["words.yaml"].decode().splitlines()[mutant.line - 1].strip().startswith("AQ:")
    assert "krill" not in mutant.bundle.vocabulary.jurisdictions["AQ"].covers


def test_only_the_jurisdictions_of_some_files_are_changed() -> None:
    """They are chosen by a part of the name of their file."""
    made = bundle(CIVIL)
    assert {each.jurisdiction for each in engine.cell_mutants(made, "words")} == {"AQ", "BV"}
    assert list(engine.cell_mutants(made, "elsewhere")) == []


@pytest.mark.parametrize(
    ("cells", "widens"),
    [(CIVIL, [False, True]), (UNDER, [False]), (UNREAD, [True, True]), (PARTLY, [True]), (TWO, [False, False])],
)
def test_what_frees_more_than_was_read_is_marked(cells: str, widens: list[bool]) -> None:
    """Such a change is the dangerous one: with it an exchange is permitted which is a review."""
    assert [each.widens for each in mutants(bundle(cells))] == widens


PERMITTED = "expect: {outcome: permitted}"
REVIEW = "expect: {outcome: review}"
MILITARY = f"change: {{purpose.end_use: military}}, {REVIEW}"
ELSEWHERE = f"change: {{data.categories: []}}, {PERMITTED}"


@pytest.mark.parametrize(
    ("cells", "case"),
    [
        (UNDER, PERMITTED),
        (UNREAD, REVIEW),
        (DOUBTFUL, REVIEW),
        ("", REVIEW),
        (PARTLY, REVIEW),
        (PARTLY, 'expect: {not_modelled: ["AQ:krill"]}'),
    ],
)
def test_a_change_is_noticed_where_a_case_defends_the_cell(cells: str, case: str) -> None:
    """A case on krill defends its cell; one on other data does not."""
    assert unnoticed(bundle(cells, case)) == []
    assert unnoticed(bundle(cells, ELSEWHERE)) == sentences(bundle(cells)) != []


def test_each_half_of_a_condition_is_defended_by_a_case_of_its_own() -> None:
    """That it is free for peaceful ends, and that it is not for others."""
    free, whatever = sentences(bundle(CIVIL))
    assert unnoticed(bundle(CIVIL, PERMITTED)) == [whatever]
    assert unnoticed(bundle(CIVIL, MILITARY)) == [free]
    assert unnoticed(bundle(CIVIL, PERMITTED, MILITARY)) == []


def test_a_law_that_need_not_speak_is_named() -> None:
    """Of two provisions of one law each speaks wherever the other does, so that no case can tell them apart."""
    assert unnoticed(bundle(TWO, PERMITTED)) == sentences(bundle(TWO))


def test_a_bundle_without_its_tests_defends_nothing() -> None:
    """Where no case touches the jurisdiction nothing is noticed."""
    assert unnoticed(engine.load_sources(sources(CIVIL, MORE))) == sentences(bundle(CIVIL))
