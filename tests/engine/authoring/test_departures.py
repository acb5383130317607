"""
What the authors' tests report: each way in which a case comes out otherwise than it expects.

The tests that stand beside the bundled policies are run by `fifthfactor test policies`, in the mode `checked`; here the reference decides
some of their exchanges too.
"""

from __future__ import annotations

from pathlib import Path

import pytest

import engine
from engine.pdp import PDP
from engine.values.outcome_levels import outcome_word
from tests.chance import some

POLICIES = Path(__file__).parents[2] / "service" / "bundle" / "policies"
# Of a contract nothing is known, so that it is open whether a review is needed.
OPEN = "exporter.country: CN, data.people: 12000, evidence.cn-standard-contract: unknown"
CLOSED = "exporter.country: CN, data.people: 12000"
WRITTEN = 40  # of the same cases one in so many is written
EVERY = 160  # of the bundled policies' cases the reference decides one in so many


def departures(facts: str, expect: str, more: str = "") -> tuple[str, ...]:
    """What a test of one case reports; `more` are rules that are added."""
    text = f"test: cn.test\nas_of: 2024-06-01\nexchange: {{{facts}}}\ncases:\n  - case: it is so\n    expect: {{{expect}}}\n"
    sources = {file.name: file.read_bytes() for file in POLICIES.glob("*.yaml")}
    sources["rules.yaml"] += more.encode()
    (result,) = engine.run(engine.load_sources({**sources, "one.test.yaml": text.encode()}))
    return result.problems


@pytest.mark.parametrize("facts", [OPEN, CLOSED])
def test_what_is_as_expected_is_no_departure(facts: str) -> None:
    """Whether an exchange is decided or stays open."""
    outcome, stands = ("undetermined", "") if facts == OPEN else ("review", ", because: [art-1]")
    expect = f"outcome: {outcome}, jurisdictions: {{CN: {outcome}}}, applies: {{cn.test: yes}}, silent: []{stands}"
    assert departures(facts, expect) == ()


def test_a_case_that_expects_nothing_is_refused_at_its_line() -> None:
    """It would pass whatever the law says; an empty list expects something only where the list is whole."""
    for expect in ("", "silent: []", "because: [], jurisdictions: {}"):
        (problem,) = departures(CLOSED, expect)
        assert problem.startswith("one.test.yaml:6:13: the case expects nothing; name what it shows"), problem
    assert departures(CLOSED, "duties: []") == ()


def test_what_a_permit_rests_on_is_expected() -> None:
    """Each statement that is named is among those that the decision names; where there is no permit, none is."""
    free = "exporter.country: CN, exporter.id: x, recipient.country: CN, data.people: 9999"
    assert departures(free, "rests_on: [data.people]") == ()
    assert departures(free, "rests_on: [data.people, exporter.id]") == ("the permit does not rest on exporter.id",)
    said = "nothing is said to rest on any statement, because there is no permit"
    assert departures(CLOSED, "rests_on: [data.people]") == (said,)


def test_a_duty_is_expected_with_its_day() -> None:
    """Every duty is named; of those that have a day in the case, it is compared."""
    duty = """\
  - {id: art-2, title: two, cite: Art. 2, says: so, source: none, status: confirmed,
     oblige: {duty: file it, who: exporter, due: {within: 10 days, after: evidence.cn-standard-contract.dated}}}
  - {id: art-3, title: three, cite: Art. 3, says: so, source: none, status: confirmed, oblige: {duty: keep it, who: exporter}}
"""
    facts = "exporter.country: CN, evidence.cn-standard-contract: {dated: 2024-05-31, covers: yes}"

    def said(expect: str) -> tuple[str, ...]:
        return departures(facts, f"duties: [{expect}]", more=duty)

    assert said("file it, keep it") == said("{duty: file it, due: 2024-06-10}, keep it") == ()
    assert said("{duty: file it, due: 2024-06-11}, keep it") == ("the duty “file it” is due 2024-06-10, not 2024-06-11",)
    assert said("file it, {duty: keep it, due: 2024-06-09}") == (
        "the duty “keep it” is due on no day that is known, not 2024-06-09",
    )
    assert said("{duty: file it, due: 2024-06-10}") == ("duties are file it, keep it, not file it",)
    (problem,) = said("{duty: file it}")
    assert problem.startswith("one.test.yaml:6:23: `due` is missing here"), problem


@pytest.mark.parametrize(
    ("facts", "expect", "said"),
    [
        (OPEN, "outcome: review", "outcome is undetermined (permitted to review), not review: "),
        (OPEN, "jurisdictions: {CN: permitted}", "CN is undetermined, not permitted"),
        (OPEN, "instruments: {cn.test: review}", "cn.test by itself is undetermined, not review"),
        (CLOSED, "instruments: {cn.test: permitted}", "cn.test by itself is review, not permitted"),
        (OPEN, "instruments: {cn.tests: not_applicable}", "there is no policy `cn.tests`; did you mean `cn.test`?"),
        (OPEN, "because: [art-1]", "`art-1` only may stand"),
        ("exporter.country: CN, data.people: 9999", "because: [art-1]", "`art-1` does not stand"),
        (OPEN, "silent: [art-1]", "`art-1` may stand"),
        (OPEN, "silent: [art-2]", "there is no rule `art-2`; did you mean"),
        (OPEN, "applies: {cn.tests: yes}", "there is no policy `cn.tests`; did you mean `cn.test`?"),
        (OPEN, "applies: {cn.test: no}", "whether `cn.test` applies is yes, not no"),
        (
            "exporter.country: US",
            "silent: [art-1]",
            "`art-1` is silent because `cn.test` does not apply, which shows nothing of it",
        ),
        ("exporter.country: unknown", "applies: {cn.test: yes}", "whether `cn.test` applies is unknown, not yes"),
        (OPEN, "missing: []", "missing facts are evidence.cn-standard-contract, not none"),
        (OPEN, "define: {nothing: yes}", "there is no definition `nothing`"),
        (CLOSED, "outcome: permitted", "outcome is review (review to review), not permitted: "),
        (CLOSED, "proceed: yes", "proceed is no, not yes"),
        (CLOSED, "silent: [art-1]", "`art-1` stands"),
    ],
)
def test_what_departs_is_said(facts: str, expect: str, said: str) -> None:
    """With what was found, what was expected, and the answer where the outcome differs."""
    (problem,) = departures(facts, expect)
    assert said in problem, problem


@pytest.mark.parametrize("facts", [OPEN, CLOSED])
def test_engines_that_disagree_are_a_departure(facts: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Even where the first of them says what is expected."""
    outcome = "undetermined" if facts == OPEN else "review"
    monkeypatch.setattr("engine.backends.durable.Durable.evaluate", _fails)
    assert "the engines disagree: durable failed: RuntimeError" in departures(facts, f"jurisdictions: {{CN: {outcome}}}")


def _fails(*_: object) -> None:
    raise RuntimeError("it cannot")


def test_what_is_written_of_a_case_is_what_was_judged() -> None:
    """Most cases are compared with their verdicts, without a decision. The decision on one in so many says the same."""
    bundle = engine.load(engine.bundled_policies())
    pdp = PDP(bundle)
    sent = [(trial, trial.as_of) for trial in engine.trials(bundle, bundle) if trial.raw and trial.as_of]
    for trial, day in sent[::WRITTEN]:
        judgement = pdp.judge(bundle.reader.read(trial.raw), as_of=day)
        decision = pdp.tell(judgement, today=day, id="case", asking=False).document()
        assert decision.outcome == judgement.outcome.word, trial.at
        said = {each.jurisdiction: each.outcome for each in decision.jurisdictions}
        assert said == {name: outcome_word(each) for name, each in judgement.outcome.jurisdictions.items()}, trial.at


def disagreements(every: int) -> list[str]:
    """Where the three engines differ, definitions too, on one in so many of the exchanges that the bundled policies are tested with."""
    bundle = engine.load(engine.bundled_policies())
    pdp = PDP(bundle)
    sent = [(trial, trial.as_of) for trial in engine.trials(bundle, bundle) if trial.raw and trial.as_of]
    assert len(sent) > 5_000
    return [
        f"{trial.at}: {text}"
        for trial, day in some(sent[::every], len(sent[::EVERY]))
        for exchange in [bundle.reader.read(trial.raw)]
        for verdict in [pdp.verdict(exchange, day)]
        for other in pdp.judge(exchange, as_of=day).verdicts.values()
        for text in verdict.differences(other)
    ]


def test_the_reference_agrees_on_what_policies_are_tested_with() -> None:
    """Real law has what random rules have not."""
    assert disagreements(EVERY) == []


@pytest.mark.fuzz(weight=5)
def test_the_reference_agrees_on_all_that_policies_are_tested_with() -> None:
    """The same for each of them."""
    assert disagreements(1) == []
