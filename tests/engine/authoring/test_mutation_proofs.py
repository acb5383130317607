"""
What a solver says of a change that no test notices: that no exchange tells it from the law, or a case that does.
"""

from __future__ import annotations

import engine
from tests.engine.authoring.test_mutation import LAW, sources

TWICE = (
    "  - {id: art-4, title: four, cite: four, says: four, source: four, status: confirmed,\n"
    "     when: [{x.people: {at_least: 200}}, {x.people: {at_least: 100}}], prohibit: no}\n"
)
CASES = """\
  - {case: two hundred are too many, change: {x.people: 200}, expect: {because: [art-4]}}
  - {case: one fewer are not, change: {x.people: 199}, expect: {silent: [art-4]}}
"""


def proofs(law: str, cases: str = "", *without: str) -> dict[str, engine.MutantProof]:
    """What is said of each change that no test notices."""
    made = sources(*without)
    bundle = engine.load_sources(
        made | {"law/law.yaml": law.encode(), "law/law.test.yaml": made["law/law.test.yaml"] + cases.encode()}
    )
    mutants = list(engine.mutants(bundle))
    court = engine.MutationTester(bundle, mutants)
    left = [mutant for mutant in mutants if not court.notices(mutant)]
    prover = engine.MutantProver(bundle, left)
    return {mutant.sentence: prover.proof(mutant) for mutant in left}


def test_what_no_exchange_tells_from_the_law_is_equivalent() -> None:
    """Who has two hundred has a hundred, so that the second condition decides nothing."""
    found = proofs(LAW + TWICE, CASES)
    assert {sentence: proof.shown for sentence, proof in found.items()} == {
        "art-4: that “at least 100 people” matters": "equivalent",
        "art-4: “at least 100 people”, not 99": "equivalent",
        "art-4: “at least 100 people”, not 101": "equivalent",
    }


def test_a_condition_that_only_matters_where_a_fact_is_unknown_is_not_equivalent() -> None:
    """Of complete exchanges none is told apart; where nobody says whether it is here, one is."""
    either = TWICE.replace("{x.people: {at_least: 100}}", "{any_of: [{x.here: yes}, {x.here: no}]}").replace("LAW", "")
    found = proofs((LAW + either).replace("applies:\n  x.here: yes", "applies: always"), CASES)
    dropped = {sentence: proof.shown for sentence, proof in found.items() if sentence.startswith("art-4: that")}
    assert "equivalent" not in dropped.values()


def test_any_other_change_comes_with_a_case_that_notices_it() -> None:
    """The case is near the exchange of its file, and says what the law says."""
    proof = proofs(LAW, "", "one fewer does not")["`many`: “at least 100 people”, not 99"]
    assert (proof.shown, proof.file) == ("told apart", "law/law.test.yaml")
    assert proof.case.splitlines()[1:] == [
        "    change:",
        "      x.people: 99",
        "    expect:",
        "      jurisdictions: {AA: permitted}",
        "      silent: [art-1]",
    ]
    assert proofs(LAW, proof.case, "one fewer does not") == {}
