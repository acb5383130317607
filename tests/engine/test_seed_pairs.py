"""Each system of the seed has two exchanges whose answers differ because of it, and each pair that is written is one."""

from typing import Any

import pytest

import engine
from engine.authoring.testing import build
from engine.verdict import numbers

BUNDLE = engine.load(engine.bundled_policies())
PAIRS = engine.written_pairs(BUNDLE)
FOLDERS = ("frameworks", "factor", "licences")  # of the systems that the seed names; what it names elsewhere stands below
ELSEWHERE = {
    "cn.algorithm-recommendation",
    "cn.deep-synthesis",
    "cn.generative-ai",
    "cn.ai-labelling",
    "cn.dsl",
    "cn.order-16",
    "cn.technology-export",
    "us.ai-action-plan",
    "us.ai-exports-order",
    "us.bis-letters",
    "us.data-security-program",
    "us.ear",
    "us.frontier-review-order",
    "us.model-bills",
    "us.model-output-measures",
    "us.ndaa-2026",
    "us.state-model-bans",
}
# Tests what came with the data of a contract; the seed names no contract that is read.
CONTRACTS = {"contract.terms"}


@pytest.fixture(scope="module")
def pdp() -> engine.PDP:
    """The engines that check each other."""
    return engine.PDP(BUNDLE, "checked")


def test_every_system_of_the_seed_has_a_pair() -> None:
    """A system that is added without one is noticed."""
    systems = {rule.provision.policy for rule in BUNDLE.rules.rules if rule.provision.file.split("/")[-2] in FOLDERS}
    assert systems
    assert (systems | ELSEWHERE) - CONTRACTS - {pair.of.partition("/")[0] for pair in PAIRS} == set()


@pytest.mark.parametrize("pair", PAIRS, ids=lambda pair: pair.of)
def test_the_answers_of_a_pair_differ_because_of_its_provision(pair: engine.CasePair, pdp: engine.PDP) -> None:
    """The provision counts in the first and not in the second, and what is said to differ does; of context there is one exchange."""
    answers = [_answer(pdp, pair, case) for case in pair.cases]
    assert [case.expect.outcome for case in pair.cases] == [each["outcome"] for each in answers]
    assert [each["counts"] for each in answers] == [True, False][: len(answers)]
    if pair.differs == "context":
        assert (len(answers), pair.apart) == (1, [])
        assert answers[0]["advice"]
        return
    first, second = answers
    assert pair.apart
    assert first[pair.differs] != second[pair.differs]
    if pair.differs != "outcome":
        assert first[pair.differs]
        assert not second[pair.differs]


def _answer(pdp: engine.PDP, pair: engine.CasePair, case: engine.PairedCase) -> dict[str, Any]:
    """What an answer says, and what of it comes from the provision. A requirement that is met does not count."""
    judgement = pdp.judge(build(BUNDLE, dict(case.facts)), as_of=case.as_of)
    assert judgement.agreed
    decision = pdp.tell(judgement, today=case.as_of, id="pair").document()
    standing = {judgement.verdict.rules[number] for number in numbers(judgement.verdict.stands.possible)}
    own = [rule for rule in standing if rule.provision.id == pair.of]
    met = {each.requirement for each in decision.requirements if each.state == "met"}
    words = {duty.text.en for rule in own for duty in rule.duties}
    return {
        "outcome": decision.outcome,
        "counts": any(not (rule.need and met.issuperset(rule.need.requirements())) for rule in own),
        "duty": [duty.duty for duty in decision.duties if duty.duty in words],
        "lane": [lane.lane for lane in decision.factor.lanes if lane.provision == pair.of and lane.state == "open"],
        "advice": [advice.advice for advice in decision.advice if advice.provision == pair.of],
    }
