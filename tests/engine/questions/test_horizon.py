"""
Until when an outcome holds: the exact last day, what comes then, and what ends it.
"""

from __future__ import annotations

import json
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import pytest

import engine
from engine.authoring.testing import build, prepare
from engine.backends.bitset import Bitset
from engine.backends.lanes.lane_runner import LaneRunner
from engine.deciding.changed_exchanges import bounds_on
from engine.deciding.combine import Combiner, Evaluate
from engine.decision import HorizonPart
from engine.exchange import Exchange
from engine.questions import horizon as horizon_module
from engine.questions.horizon import Horizon, Words
from engine.values.outcome_levels import outcome_word
from tests.engine.backends.random_bundles import AS_OF, Maker, completed, read
from tests.engine.backends.test_cases import VOCABULARY, policy
from tests.engine.covering import covering

DAY = date(2026, 6, 15)
BASE = {
    "exporter.country": "AA",
    "recipient.country": "BB",
    "data.personal": "no",
    "data.categories": ["weather"],
    "data.people_in": [],
}
NEED = {"id": "need", "require": "certificate"}
GROUND = {"id": "ground", "when": [{"evidence": {"has": "certificate"}}], "satisfies": "certificate"}
SHOWN = {"dated": "2026-06-01", "covers": "yes"}
LOOKED_AHEAD = 400  # days, one by one


def bundle(*rules: dict[str, Any], **more: Any) -> engine.Bundle:
    law = policy({"policy": "p", "rules": list(rules), **more})
    return engine.load_sources(covering(VOCABULARY.read_bytes(), [law]))


def looking(made: engine.Bundle) -> Evaluate:
    back_end, combiner = Bitset(made.rules), Combiner(made)

    def look(exchange: Exchange, as_of: date) -> Any:
        verdict = back_end.evaluate(exchange, as_of)
        return verdict, combiner.outcome(exchange, verdict, as_of)

    return look


def by_lanes(made: engine.Bundle) -> Words:
    """The words of many days in one pass of the program."""
    program = LaneRunner.of(made.rules, made.vocabulary, made.coherence.never, made.settings)
    return lambda exchange, days: [outcome_word(each) for each in bounds_on(program, [(exchange, day) for day in days], {})]


def holds(made: engine.Bundle, as_of: date = DAY, most: int = 400, **facts: Any) -> HorizonPart:
    flat = {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}}
    return Horizon(made).of(build(made, flat), as_of, looking(made), most)


def test_what_nothing_ends_has_no_last_day() -> None:
    """No date in the rules or the exchange lies ahead."""
    assert holds(bundle(NEED, GROUND), evidence__certificate=SHOWN) == HorizonPart(searched="all")


def test_a_document_holds_on_its_last_day() -> None:
    """Until it expires, and what is required is not shown the day after."""
    part = holds(bundle(NEED, GROUND), evidence__certificate={**SHOWN, "expires": "2026-09-30"})
    assert (part.holds_until, part.then) == (date(2026, 9, 30), "requirements_unmet")
    assert part.because == ["certificate expires on 2026-09-30"]
    assert part.provisions == ["p/ground"]


def test_a_length_of_time_ends_the_day_before_its_anniversary() -> None:
    """`within` a year of 1 June ends on 31 May."""
    fresh = {**GROUND, "when": [{"evidence": {"has": "certificate"}, "evidence.certificate.dated": {"within": "1 year"}}]}
    part = holds(bundle(NEED, fresh), evidence__certificate=SHOWN)
    assert (part.holds_until, part.then) == (date(2027, 5, 31), "requirements_unmet")
    assert part.because == ["1 year has passed since the date of the certificate (2026-06-01)"]


def test_a_document_of_a_day_to_come_begins_to_count() -> None:
    """What is refused today is not tomorrow."""
    part = holds(bundle(NEED, GROUND), evidence__certificate={"dated": "2026-06-20", "covers": "yes"})
    assert (part.holds_until, part.then) == (date(2026, 6, 19), "permitted")
    assert part.because == ["certificate is dated 2026-06-20"]


@pytest.mark.parametrize(
    ("window", "last", "then", "told"),
    [
        ({"from": "2026-08-01"}, date(2026, 7, 31), "requirements_unmet", "this comes into force on 2026-08-01"),
        ({"until": "2026-08-01"}, date(2026, 8, 1), "permitted", "this is in force until 2026-08-01"),
    ],
)
def test_a_rule_comes_and_goes(window: dict[str, str], last: date, then: str, told: str) -> None:
    """Both ends of a window are inclusive."""
    keep = {"id": "keep", "when": {"data.personal": "yes"}, "oblige": {"duty": "keep a copy", "who": "exporter"}}
    part = holds(bundle({**NEED, "in_force": window}, GROUND, keep))
    assert (part.holds_until, part.then) == (last, then)
    assert part.because == [f"{told}: a rule (a law, Art. 1)"]


def test_a_law_comes_and_goes() -> None:
    """The window of the whole instrument."""
    part = holds(bundle({"id": "bar", "prohibit": "No."}, in_force={"from": "2020-01-01", "until": "2026-12-31"}))
    assert (part.holds_until, part.because) == (date(2026, 12, 31), ["this is in force until 2026-12-31: a law"])


def test_an_acceptance_comes_and_goes() -> None:
    """Nobody models Celand; an organisation accepts it for half a year, the last day included."""
    law = policy({"policy": "p", "rules": [{"id": "fine", "when": {"data.personal": "no"}, "allows": "yes"}]})
    sources = covering(VOCABULARY.read_bytes(), [law])
    accepted = {"country": ["CC"], "subjects": ["anything"], "by": "counsel", "because": "she read its law"}
    one = {"id": "one", **accepted, "from": "2026-06-20", "until": "2026-12-31"}
    sources["acme.yaml"] = json.dumps({"organisation": "acme", "title": "Acme", "accepts": [one]}).encode()
    made = engine.load_sources(sources)
    celand: dict[str, Any] = {"exporter__country": "CC", "recipient__country": "AA"}
    part = holds(made, date(2026, 6, 15), **celand)
    assert (part.holds_until, part.because) == (date(2026, 6, 19), ["an acceptance by counsel begins on 2026-06-20"])
    part = holds(made, date(2026, 6, 20), **celand)
    assert (part.holds_until, part.because) == (date(2026, 12, 31), ["an acceptance by counsel ends on 2026-12-31"])


def test_a_country_leaves_a_register() -> None:
    """Registers are dated; BB is a friend until the end of June."""
    foes = {"id": "foes", "when": {"recipient.country": {"not": {"in": "FRIENDS"}}}, "prohibit": "Not there."}
    part = holds(bundle(foes))
    assert (part.holds_until, part.then) == (date(2026, 6, 30), "prohibited")
    assert part.because == ["BB is among friendly countries until 2026-06-30"]


def test_a_subject_begins_to_be_modelled() -> None:
    """Health is covered from July; until then it is reviewed."""
    part = holds(bundle({"id": "bar", "when": {"data.personal": "yes"}, "prohibit": "No."}), data__categories=["health"])
    assert (part.holds_until, part.then) == (date(2026, 6, 30), "permitted")
    assert part.because == ["the law of Aland on health data is modelled from 2026-07-01"]


def test_a_duty_falls_overdue() -> None:
    """The last day of a duty is the last day of the outcome."""
    file = {"duty": "file it", "who": "exporter", "due": {"within": "30 days", "after": "evidence.certificate.dated"}}
    part = holds(bundle(NEED, {**GROUND, "duties": [file]}), evidence__certificate=SHOWN)
    assert (part.holds_until, part.then) == (date(2026, 7, 1), "review")
    assert part.because == ["the last day of a duty passes: file it"]


def test_working_days_are_counted_by_their_calendar() -> None:
    """Five working days after Monday 15 June, with a holiday on Friday, end on the Tuesday after."""
    file = {
        "duty": "file it",
        "who": "exporter",
        "due": {"within": "5 working days in AA", "after": "evidence.certificate.dated"},
    }
    made = bundle(NEED, {**GROUND, "duties": [file]})
    part = holds(made, evidence__certificate={"dated": "2026-06-15", "covers": "yes"})
    assert (part.holds_until, part.then) == (date(2026, 6, 23), "review")


def test_days_that_a_calendar_does_not_know_leave_it_open() -> None:
    """The calendar ends with June: from a day in July on it is not known whether the last day has passed."""
    file = {
        "duty": "file it",
        "who": "exporter",
        "due": {"within": "5 working days in AA", "after": "evidence.certificate.dated"},
    }
    made = bundle(NEED, {**GROUND, "duties": [file]})
    part = holds(made, as_of=date(2026, 6, 29), evidence__certificate={"dated": "2026-06-29", "covers": "yes"})
    assert (part.holds_until, part.then) == (date(2026, 7, 4), "undetermined")


def test_a_day_on_which_nothing_comes_of_it_does_not_end_it() -> None:
    """A certificate that runs out beside another ground ends nothing."""
    other = {"id": "other", "when": [{"evidence": {"has": "contract"}}], "satisfies": "certificate"}
    made = bundle(NEED, GROUND, other)
    part = holds(made, evidence__certificate={**SHOWN, "expires": "2026-09-30"}, evidence__contract=SHOWN)
    assert part.holds_until is None


def test_ten_years_ahead_is_far_enough() -> None:
    """A day behind the horizon is not looked at."""
    made = bundle(NEED, GROUND)
    assert holds(made, evidence__certificate={**SHOWN, "expires": "2036-06-14"}).holds_until == date(2036, 6, 14)
    assert holds(made, evidence__certificate={**SHOWN, "expires": "2036-06-15"}).holds_until is None


def test_a_search_that_is_cut_short_says_how_far_it_came() -> None:
    """The outcome holds at least until the day before the first that was not looked at."""
    made = bundle(NEED, GROUND)
    part = holds(made, most=1, evidence__certificate={**SHOWN, "expires": "2026-09-30"})
    assert (part.searched, part.then) == ("partly", None)
    assert part.holds_until is not None
    assert DAY <= part.holds_until <= date(2026, 9, 30)


def test_the_bundled_assessment_holds_three_years() -> None:
    """An assessment of October 2026 carries the export until the day before its third anniversary."""
    from tests.engine.questions.test_remedies import HOSPITAL

    pdp = engine.PDP(engine.load(engine.bundled_policies()), "bitset")
    kinds = ("export-notice", "separate-consent", "export-need", "impact-assessment", "assessment")
    papers: dict[str, Any] = {f"evidence.cn-{kind}": {"dated": "2026-10-01", "covers": "yes"} for kind in kinds}
    papers["evidence.cn-impact-assessment"]["people"] = 10_000_000
    day = date(2026, 11, 24)
    decision = pdp.decide(build(pdp.bundle, {**HOSPITAL, **papers}), as_of=day, today=day, id="1", include=["holds_until"])
    assert decision.proceed
    assert decision.holds_until
    assert (decision.holds_until.holds_until, decision.holds_until.then) == (date(2029, 9, 30), "requirements_unmet")
    assert "cn.order-16/art-9" in decision.holds_until.provisions


# Against looking every day


def differences(seed: int, exchanges: int) -> list[str]:
    """Where the last day is another than that of looking every day, on one random bundle; empty is exact."""
    maker = Maker(seed)
    made = maker.bundle()
    look, horizon, lanes = looking(made), Horizon(made), by_lanes(made)
    found = []
    for number in range(exchanges):
        sent = maker.exchange()
        exchange = read(made, completed(maker, sent, [sent]) if number % 2 else sent)
        start = AS_OF - timedelta(days=maker.random.randint(0, 800)) if number % 3 else AS_OF
        at_once = lanes if number % 4 else None
        part = horizon.of(exchange, start, look, words=at_once)
        words = [look(exchange, start + timedelta(days=day))[1].word for day in range(LOOKED_AHEAD)]
        changed = next((day for day, word in enumerate(words) if word != words[0]), None)
        last = start + timedelta(days=changed - 1) if changed else None
        told = part.holds_until if part.holds_until and part.holds_until < start + timedelta(days=LOOKED_AHEAD - 1) else None
        if told != last or (changed and (part.then != words[changed] or not part.because)):
            found.append(f"seed {seed}, from {start}: {last} {part} on {json.dumps(sent)}")
        ahead = horizon.ahead(exchange, start, start + timedelta(days=LOOKED_AHEAD - 1), look, words=at_once)
        days = enumerate(pairwise(words), 1)
        moved = [(start + timedelta(days=day), before, after) for day, (before, after) in days if before != after]
        if [(each.day, each.before, each.after) for each in ahead.moves] != moved or not all(
            each.because and each.causes for each in ahead.moves
        ):
            found.append(f"seed {seed}, from {start}: {moved} {ahead} on {json.dumps(sent)}")
    return found


def test_the_last_day_is_that_of_looking_every_day() -> None:
    """On random bundles, for more than a year from days in three years, with every move; and something is always said to end it."""
    assert [d for seed in range(4) for d in differences(seed, 5)] == []


def one_by_one(made: engine.Bundle, exchange: Exchange) -> date | None:
    """The last day by looking every day."""
    look = looking(made)
    first = look(exchange, DAY)[1].word
    days = (DAY + timedelta(days=number) for number in range(LOOKED_AHEAD))
    return next((day - timedelta(days=1) for day in days if look(exchange, day)[1].word != first), None)


FOES = {"id": "foes", "when": {"recipient.country": {"not": {"in": "FRIENDS"}}}, "prohibit": "Not there."}
FRESH = {**GROUND, "when": [{"evidence.certificate.dated": {"within": "2 months"}}]}
FILE = {"duty": "file it", "who": "exporter", "due": {"within": "30 days", "after": "evidence.certificate.dated"}}
FAULTS: dict[str, tuple[str, tuple[dict[str, Any], ...], dict[str, Any]]] = {
    "documents do not run out": ("_document", (NEED, GROUND), {"evidence.certificate": {**SHOWN, "expires": "2026-09-30"}}),
    "lengths of time do not end": ("_ends", (NEED, FRESH), {"evidence.certificate": SHOWN}),
    "duties are never past": ("_past", (NEED, {**GROUND, "duties": [FILE]}), {"evidence.certificate": SHOWN}),
    "registers do not change": ("_register", (FOES,), {}),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_source_of_days_that_is_left_out_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Looking every day tells a horizon that forgets one from one that does not."""
    name, rules, facts = FAULTS[fault]
    made = bundle(*rules)
    exchange = build(made, {**BASE, **facts})
    part = Horizon(made).of(exchange, DAY, looking(made))
    assert part.holds_until == one_by_one(made, exchange)
    monkeypatch.setattr(horizon_module.Horizon, name, lambda *_: iter(()))
    # A day that another source has as well is still found, but not why.
    assert Horizon(made).of(exchange, DAY, looking(made)) != part


def test_a_steady_permit_is_what_engines_find_with_nothing_ahead() -> None:
    """Of exchanges of the policies' tests, side by side: the outcome, the days that count, and that nothing may be signed off."""
    made = engine.load(engine.bundled_policies())
    pdp = engine.PDP(made, "bitset")
    files = [file for file, _ in made.tests][::13]
    every = [(case.exchange, case.as_of) for file in files for case in prepare(made, file)]
    until = sorted(day for _, day in every)[len(every) * 9 // 10] + timedelta(days=30)  # a few look far ahead
    cases = [(exchange, day) for exchange, day in every if until - timedelta(days=400) < day < until][::8]
    judged = steady = moved = 0
    for (exchange, day), found in zip(cases, pdp.steady(cases, until), strict=True):
        judgement = pdp.judge(exchange, as_of=day)
        ahead = pdp.ahead(judgement, until)
        moved += bool(ahead.moves)
        if judgement.outcome.permits and not judgement.signable and not ahead.moves:
            judged += 1
        if found:
            steady += 1
            assert (found.word, found.ahead(until)) == (judgement.outcome.word, ahead)
            assert judgement.outcome.permits
            assert not judgement.signable
            assert found.ahead(day) == pdp.ahead(judgement, day)
    assert 0 < moved < len(cases) // 2
    assert judged >= steady > judged * 3 // 4 > 2
