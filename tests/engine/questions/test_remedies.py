"""
Remedies: what they may change, in which order they come, and that the search finds what trying everything finds.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Iterator, Sequence
from datetime import date
from itertools import chain, combinations, product
from typing import Any

import pytest
import yaml

import engine
from engine.authoring.testing import build
from engine.backends.bitset import Bitset
from engine.backends.lanes.lane_runner import LaneRunner
from engine.deciding.combine import Combiner, Evaluate
from engine.decision import RemediesPart
from engine.exchange import Exchange
from engine.questions import combined_ways
from engine.questions import levers as levers_module
from engine.questions.combined_ways import CombinedWays, VariantLanes
from engine.questions.levers import Levers
from engine.questions.refusal_ends import RefusalEnds
from engine.questions.remedies import REFUSALS, Remedies
from engine.questions.taken_ways import TakenWays
from engine.values import Document, Missing
from engine.values.outcome_levels import Level
from tests.chance import some
from tests.engine.backends.random_bundles import AS_OF, REFUSED, Maker, completed, read
from tests.engine.backends.test_cases import VOCABULARY, policy

DAY = date(2026, 6, 15)
CHANGEABLE = ("recipient.country", "data.sold", "data.category", "data.categories", "data.people", "data.files", "data.price")
BASE = {
    "exporter.country": "AA",
    "recipient.country": "BB",
    "data.personal": "no",
    "data.sold": "yes",
    "data.categories": ["weather"],
    "data.people_in": [],
}
HOSPITAL = {
    "exporter.country": "CN",
    "exporter.zone": "none",
    "exporter.kind": "hospital",
    "exporter.role": "controller",
    "exporter.cn_ciio": "no",
    "recipient.country": "US",
    "recipient.kind": "university",
    "recipient.relation": "unrelated",
    "data.personal": "yes",
    "data.state": "identified",
    "data.kind": "dataset",
    "data.categories": ["health"],
    "data.grades": ["general"],
    "data.people.ordinary": "0",
    "data.people.sensitive": "12_000",
    "data.people_in": ["CN"],
    "data.collected_in": ["CN"],
    "data.stored_in": ["CN"],
    "act.kind": "provide",
    "act.trigger": "own",
    "act.evades": "no",
    "act.bars": [],
    "act.security_concern": "no",
    "data.lawful_source": "yes",
    "data.source": "self-produced",
    "data.controls": [],
    "recipient.listed_on": [],
    "purpose.is": ["medical-research"],
    "purpose.end_use": ["civil"],
    "safeguards.basis": ["consent"],
}


def bundle(
    *rules: dict[str, Any],
    change: tuple[str, ...] = CHANGEABLE,
    upwards: tuple[str, ...] = (),
    never: tuple[dict[str, Any], ...] = (),
    **more: Any,
) -> engine.Bundle:
    """One law over the words of the cases, of which some facts are changeable; `never` are conditions that cannot be true."""
    words = yaml.load(VOCABULARY.read_bytes(), Loader=yaml.BaseLoader)
    for fact in (*change, *upwards):
        words["facts"][fact]["change"] = "upwards" if fact in upwards else "yes"
    words["coherence"] = {f"never-{n}": {"never": each, "says": "it cannot be so"} for n, each in enumerate(never)}
    law = policy({"policy": "p", "rules": list(rules), **more})
    return engine.load_sources(
        {"words.yaml": yaml.safe_dump(words, sort_keys=False).encode(), "law.yaml": json.dumps(law).encode()}
    )


def looking(made: engine.Bundle) -> Evaluate:
    back_end, combiner = Bitset(made.rules), Combiner(made)

    def look(exchange: Exchange, as_of: date) -> Any:
        verdict = back_end.evaluate(exchange, as_of)
        return verdict, combiner.outcome(exchange, verdict, as_of)

    return look


def runner(made: engine.Bundle) -> LaneRunner:
    return LaneRunner.of(made.rules, made.vocabulary, made.coherence.never, made.settings)


def find(made: engine.Bundle, as_of: date = DAY, **facts: Any) -> RemediesPart:
    flat = {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}}
    return Remedies(made).find(build(made, flat), as_of, looking(made), runner(made))


def moved(part: RemediesPart) -> list[list[str]]:
    """The facts that each remedy changes."""
    return [[change.fact for change in remedy.changes] for remedy in part.remedies]


NEED = {"id": "need", "when": {"data.sold": "yes"}, "require": "certificate"}
GROUND = {"id": "ground", "when": [{"evidence": {"has": "certificate"}}], "satisfies": "certificate"}
NEED_MORE = {"id": "need-more", "when": {"data.sold": "yes"}, "require": "report"}
REPORT = {"id": "report", "when": [{"evidence": {"has": "report"}}], "satisfies": "report"}


# What they are


def test_the_document_comes_before_the_fact() -> None:
    """One change is one change, but a document is got, and a fact is another exchange."""
    part = find(bundle(NEED, GROUND))
    assert moved(part) == [["evidence.certificate"], ["data.sold"]]
    assert part.searched == "all"


def test_a_remedy_says_what_to_do() -> None:
    """A document with the day it may be dated, how its requirement is met, and a fact from what to what."""
    first, second = find(bundle(NEED, GROUND)).remedies
    assert first.changes[0].do == "Obtain: certificate, dated 2026-06-15 and covering this exchange."
    assert first.changes[0].how == "be certified"
    assert first.changes[0].to == {"dated": "2026-06-15", "covers": True}
    assert second.changes[0].do == "Change: sold, from yes to no."
    assert (second.changes[0].from_, second.changes[0].to) == (True, False)
    assert first.outcome == "permitted"


BEYOND = {"id": "beyond", "when": {"data.people_in": {"not": {"only": {"fact": "limits.people_in"}}}}, "prohibit": "no"}


@pytest.mark.parametrize(
    ("fact", "to"),
    [("data.people_in", ["BB"]), ("limits.people_in", ["BB", "CC", "DD"])],
)
def test_a_set_is_brought_within_the_one_it_is_compared_with(fact: str, to: list[str]) -> None:
    """Two members are outside: they are left out together, or the other set takes them both in."""
    part = find(bundle(BEYOND, change=(fact,)), data__people_in=["BB", "CC", "DD"], limits__people_in=["BB"])
    [remedy] = part.remedies
    assert [(change.fact, change.to) for change in remedy.changes] == [(fact, to)]


def test_the_duties_that_then_fall_due_are_told() -> None:
    """Whoever relies on the contract has to file it."""
    need = {**NEED, "require": "filed-contract"}
    ground = {"id": "ground", "when": [{"evidence": {"has": "contract"}}], "satisfies": "filed-contract"}
    first = find(bundle(need, ground)).remedies[0]
    assert (first.outcome, first.duties) == ("permitted_with_obligations", ["file the contract"])


def test_two_things_that_are_wanted_are_got_together() -> None:
    """Neither document alone is a remedy."""
    part = find(bundle(NEED, GROUND, NEED_MORE, REPORT))
    assert moved(part) == [["data.sold"], ["evidence.certificate", "evidence.report"]]


def test_fewest_changes_come_first_and_none_holds_another() -> None:
    """What one change does is not said again with a second."""
    either = {**NEED, "require": {"any_of": ["certificate", {"all_of": ["report", "contract"]}]}}
    contract = {"id": "contract", "when": [{"evidence": {"has": "contract"}}], "satisfies": "contract"}
    part = find(bundle(either, GROUND, REPORT, contract))
    assert moved(part) == [["evidence.certificate"], ["data.sold"], ["evidence.contract", "evidence.report"]]


def test_a_long_list_of_documents_is_one_remedy() -> None:
    """An export from nothing wants more than three papers."""
    kinds = ("certificate", "contract", "report")
    more = [{"id": f"n-{kind}", "require": kind} for kind in kinds]
    grounds = [{"id": f"g-{kind}", "when": [{"evidence": {"has": kind}}], "satisfies": kind} for kind in kinds]
    licensed = {"id": "licensed", "unless": [{"evidence": {"has": "licence"}}], "review": "Nobody has licensed this."}
    part = find(bundle(*more, *grounds, licensed), evidence__licence={"dated": "2027-01-01", "covers": "yes"})
    assert moved(part) == [["evidence.certificate", "evidence.contract", "evidence.report", "evidence.licence"]]


def test_an_exemption_is_a_remedy() -> None:
    """A bar is lifted by what its exemption asks for."""
    bar = {"id": "bar", "when": {"data.personal": "no"}, "prohibit": "No."}
    free = {"id": "free", "when": [{"evidence": {"has": "licence"}}], "exempts": ["bar"]}
    assert moved(find(bundle(bar, free))) == [["evidence.licence"]]


def test_a_document_that_is_there_is_completed_and_keeps_its_day() -> None:
    """A contract whose filing is not told is filed; it is not signed again."""
    filed = {"id": "filed", "unless": [{"evidence.contract.filed": {"until": "as_of"}}], "review": "File the contract."}
    certified = {"id": "certified", "unless": [{"evidence": {"has": "certificate"}}], "review": "Be certified."}
    part = find(bundle(filed, certified), evidence__contract={"dated": "2026-05-01", "covers": "yes"})
    assert [change.do for change in part.remedies[0].changes] == [
        "Obtain: certificate, dated 2026-06-15 and covering this exchange.",
        "Complete: contract, filed on 2026-06-15.",
    ]
    assert part.remedies[0].changes[1].to == {"dated": "2026-05-01", "filed": "2026-06-15", "covers": True}


def test_a_document_that_ran_out_is_renewed() -> None:
    """The new one is dated on the day, not before."""
    change = find(bundle(NEED, GROUND), evidence__certificate={"dated": "2024-05-01", "expires": "2025-05-01", "covers": "yes"})
    assert change.remedies[0].changes[0].do.startswith("Renew: certificate, dated 2026-06-15")


def test_a_country_that_no_rule_names_stands_for_others() -> None:
    """Where any other would do as well, the remedy says so."""
    bar = {"id": "bar", "when": {"recipient.country": "BB"}, "prohibit": "Not there."}
    change = find(bundle(bar)).remedies[0].changes[0]
    assert change.do == "Change: recipient's country, from BB to AA, or another value that the rules treat alike."


# What they never are


def test_what_is_permitted_or_undetermined_has_none() -> None:
    """Where facts are missing, the questions come first."""
    made = bundle(NEED, GROUND)
    assert find(made, data__sold="no") == RemediesPart(remedies=[], searched="all")
    assert find(made, data__sold="unknown") == RemediesPart(remedies=[], searched="all")


def test_a_fact_that_is_not_marked_changeable_stays() -> None:
    """The vocabulary says what an exporter can change."""
    assert moved(find(bundle(NEED, GROUND, change=()))) == [["evidence.certificate"]]


def test_a_claim_is_never_proposed() -> None:
    """Necessity is so or is not; nobody is told to claim it."""
    free = {"id": "free", "when": [{"claims": {"has": "necessity"}}], "exempts": ["certificate"]}
    assert moved(find(bundle(NEED, GROUND, free))) == [["evidence.certificate"], ["data.sold"]]


def test_a_count_is_never_changed() -> None:
    """Fewer people than the purpose needs, or fewer at a time, is no remedy; nor is a larger number."""
    many = {"id": "many", "when": {"data.people.ordinary": {"at_least": "100"}}, "review": "Many people."}
    files = {"id": "files", "when": {"data.files": {"less_than": "5"}}, "review": "Few files."}
    part = find(bundle(many, files), data__people__ordinary="1_000", data__files="1")
    assert (moved(part), part.searched) == ([], "all")


def test_a_document_is_never_dated_before_the_day() -> None:
    """A ground that wants an old certificate cannot be had today."""
    old = {"id": "old", "when": [{"evidence.certificate.dated": {"until": "2026-01-01"}}], "satisfies": "certificate"}
    assert moved(find(bundle(NEED, old))) == [["data.sold"]]


def test_a_document_is_never_taken_away() -> None:
    """What is shown stays shown."""
    shown = {"id": "shown", "when": [{"evidence": {"has": "report"}}], "review": "The report is bad."}
    assert moved(find(bundle(shown), evidence__report={"dated": "2026-05-01", "covers": "yes"})) == []


def test_a_set_is_never_emptied() -> None:
    """Leaving out the last category would say that the data are about nothing."""
    weather = {"id": "weather", "when": {"data.categories": {"has": "weather"}}, "review": "Weather."}
    health = {"id": "health", "when": {"data.categories": {"has": "health"}}, "prohibit": "Health."}
    assert find(bundle(weather, health)).remedies == []
    part = find(bundle(weather, health), data__categories=["contact", "weather"])
    assert [remedy.changes[0].to for remedy in part.remedies] == [["contact"]]


def test_what_is_personal_is_not_repeated() -> None:
    """Who attested the old document is not in the remedy that renews it."""
    expired = {"dated": "2024-05-01", "expires": "2025-05-01", "covers": "yes", "attested_by": "Somebody"}
    part = find(bundle(NEED, GROUND), evidence__certificate=expired)
    assert part.remedies[0].changes[0].do.startswith("Renew")
    assert "Somebody" not in part.model_dump_json()


# The bundled policies


@pytest.fixture(scope="module")
def bundled() -> engine.PDP:
    return engine.PDP(engine.load(engine.bundled_policies()), "bitset")


def test_a_hospital_that_shows_nothing_learns_what_to_show(bundled: engine.PDP) -> None:
    """Four documents, the passed assessment among them, or anonymised data; each remedy, decided again by every engine, may proceed."""
    exchange = build(bundled.bundle, HOSPITAL)
    day = date(2026, 11, 24)
    decision = bundled.decide(exchange, as_of=day, today=day, id="1", include=["remedies"])
    assert decision.remedies
    kinds = ("export-notice", "separate-consent", "impact-assessment", "assessment")
    wanted = [f"evidence.cn-{kind}" for kind in kinds]
    assert ["data.state", "data.personal"] in moved(decision.remedies)
    assert wanted in moved(decision.remedies)
    checked = engine.PDP(bundled.bundle)
    for remedy in decision.remedies.remedies:
        sent = json.loads(json.dumps(dict(exchange.document)))
        for change in remedy.changes:
            group, _, name = change.fact.partition(".")
            sent.setdefault(group, {})[name] = change.to
        again = checked.decide(engine.parse_exchange(bundled.bundle, json.dumps(sent).encode()), as_of=day, today=day, id="2")
        assert again.proceed
        assert again.outcome == remedy.outcome


def test_documents_are_completed_by_the_fact_that_they_are_for(bundled: engine.PDP) -> None:
    """Four documents settle nothing while nobody says on which basis the staff's data are handled; stated with them, it is a way."""
    counts = {name: {"ordinary": 800, "sensitive": 0} for name in ("cn", "cn_all", "cn_group")}
    staff = {
        "data": {
            "personal": True, "state": "identified", "kind": "dataset", "categories": ["employee"], "people_in": ["CN"], "grades": [],
            "controls": [], "lawful_source": True, "people": {"ordinary": 800, "sensitive": 0},
        },
        "act": {"bars": [], "kind": "provide", "trigger": "own", "evades": False, "security_concern": False, "ai_service": "none"},
        "purpose": {"end_use": ["civil"], "is": ["hr"]},
        "exporter": {"country": "CN", "role": "controller", "kind": "other-company", "cn_ciio": False, "zone": "none", "targets": []},
        "recipient": {
            "country": "DE", "role": "controller", "kind": "other-company", "listed_on": [], "us_ties": [], "relation": "same-group",
        },
        "counts": counts,
    }  # fmt: skip
    day = date(2026, 11, 28)
    decision = bundled.decide(build(bundled.bundle, staff), as_of=day, today=day, id="1", include=["remedies"])
    assert decision.remedies
    documents = [f"evidence.cn-{each}" for each in ("export-notice", "separate-consent", "export-need", "impact-assessment")]
    assert [*documents, "safeguards.basis"] in moved(decision.remedies)
    assert ["data.state", "data.personal"] in moved(decision.remedies)


def test_a_completed_list_has_no_document_that_is_not_needed() -> None:
    """Where the fact alone, or with fewer documents, is a way, that is the remedy, in the place of those that contain it."""
    free = {"id": "free", "when": {"data.category": "weather"}, "satisfies": "report"}
    made = bundle(NEED, GROUND, NEED_MORE, REPORT, free, change=("data.category",))
    part = find(made)
    found = [set(each) for each in moved(part)]
    assert {"evidence.certificate", "data.category"} in found
    assert {"evidence.certificate", "evidence.report"} in found
    assert not any(one < other for one in found for other in found)


def test_what_is_found_is_decided_again_and_nothing_else_is(bundled: engine.PDP, monkeypatch: pytest.MonkeyPatch) -> None:
    """Hundreds of combinations pass through the program; where they are too many, the search says that it was cut short."""
    exchange = build(bundled.bundle, HOSPITAL)
    calls: list[Exchange] = []

    def look(changed: Exchange, as_of: date) -> Any:
        calls.append(changed)
        return bundled.look(changed, as_of)

    part = bundled._remedies.find(exchange, date(2026, 11, 24), look, bundled.lanes)
    assert part.searched == "all"
    assert part.remedies
    assert len(calls) <= 1 + 2 * len(part.remedies)
    monkeypatch.setattr(combined_ways, "MAX_SETS", 0)
    assert bundled._remedies.find(exchange, date(2026, 11, 24), look, bundled.lanes) == RemediesPart(searched="partly")


# What can be true


def test_no_remedy_contradicts_what_stays_as_it_is() -> None:
    """A change that cannot be true together with a fact that nobody can change is none, and so is the way through it."""
    part = find(bundle(NEED, GROUND, never=({"data.sold": "no", "data.personal": "no"},)))
    assert moved(part) == [["evidence.certificate"]]
    assert part.searched == "all"


def test_a_change_that_is_possible_only_with_another_is_proposed_with_it() -> None:
    """Each of the two contradicts what was sent, and both together do not."""
    tied = (
        {"data.sold": "no", "recipient.country": "BB"},
        {"data.sold": "yes", "recipient.country": {"not": "BB"}},
    )
    assert moved(find(bundle(NEED, never=tied))) == [["recipient.country", "data.sold"]]


def test_a_document_is_not_proposed_where_its_claim_cannot_be_true() -> None:
    """A certificate that covers what it cannot cover is no remedy, whatever day it bears."""
    never = {"evidence.certificate.covers": "yes", "data.personal": "no"}
    assert moved(find(bundle(NEED, GROUND, never=(never,)))) == [["data.sold"]]


ABOVE = {"id": "above", "when": {"data.grade": {"not": "important"}}, "prohibit": "Not that grade."}


@pytest.mark.parametrize(("grade", "proposed"), [("general", ["important"]), ("core", []), ("left out", [])])
def test_a_fact_that_changes_upwards_is_never_moved_down(grade: str, proposed: list[str]) -> None:
    """From below the value is reached, from above it is not; where it is not known nothing says that it would be a step up."""
    made = bundle(ABOVE, change=(), upwards=("data.grade",))
    part = find(made, data__grade=grade)
    assert [change.to for remedy in part.remedies for change in remedy.changes] == proposed


def test_no_remedy_reverses_what_protects_people(bundled: engine.PDP) -> None:
    """Of bundled policies: data without names stay so, and data with names are not called anonymised."""
    state = levers_module.Levers(bundled.bundle)
    number = state.names.index("data.state")
    day = date(2026, 11, 24)
    for sent, values in (
        ("anonymised", []),
        ("pseudonymised", ["anonymised"]),
        ("identified", ["pseudonymised", "anonymised"]),
    ):
        personal = "no" if sent == "anonymised" else "yes"
        stated = build(bundled.bundle, {**HOSPITAL, "data.state": sent, "data.personal": personal})
        assert state.values(number, stated, day) == values
    named = build(bundled.bundle, {**HOSPITAL, "data.categories": ["health", "identity"]})
    part = bundled._remedies.find(named, day, bundled.look, bundled.lanes)
    assert not any(change.to == "anonymised" for remedy in part.remedies for change in remedy.changes)


# Against trying everything


# What ties changes together: some contradict what stays as it is, some are possible only with another change.
TIED: dict[str, dict[str, Any]] = {
    "flag-and-country": {"never": {"to.flag": "yes", "to.country": ["AA", "BB"]}},
    "flag-or-country": {"never": {"to.flag": "no", "to.country": {"not": ["AA", "BB"]}}},
    "graded-data": {"never": {"data.grade": "core", "terms.rate": {"at_most": "0.1"}}},
    "contract-with-a-flag": {"never": {"evidence.contract.covers": "yes", "to.flag": "no"}},
    "certificate": {
        "never": {"evidence.certificate.covers": "yes", "from.flag": "yes"},
        "unless_said": {"data.grade": "general"},
    },
}


def changeable(seed: int) -> tuple[Maker, engine.Bundle]:
    """A random bundle some of whose facts can be changed."""
    maker = Maker(seed)
    while True:
        sources = maker.sources()
        words = yaml.safe_load(sources["vocabulary.yaml"])
        for fact in ("to.country", "to.flag", "data.categories", "data.grade", "terms.until", "terms.rate", "data.people"):
            words["facts"][fact]["change"] = "yes"
        if seed % 4:  # where countries matter, few exchanges are permitted whatever is changed
            words |= {"jurisdictions": {place: {"title": place} for place in ("AA", "BB")}, "touches": []}
            sources.pop("acme.yaml", None)
        words["coherence"] = {name: {"says": "it cannot be so", **entry} for name, entry in TIED.items()}
        sources["vocabulary.yaml"] = yaml.safe_dump(words, sort_keys=False).encode()
        try:
            maker.made = engine.load_sources(sources)
            return maker, maker.made
        except engine.BundleRefused as refused:
            assert {d.code for d in refused.diagnostics} <= REFUSED  # noqa: PT017 - the generator's only other way out


def everything(levers: Levers, exchange: Exchange, look: Evaluate, most: int) -> tuple[set[tuple[int, ...]], bool]:
    """
    The least sets of levers that make a permit, by trying all values of all sets that can be true.

    And whether with some of these no law applies: no way leads on from there.
    """
    lawless = False
    values = {number: levers.values(number, exchange, AS_OF) for number in range(len(levers.names))}
    found: list[tuple[int, ...]] = []
    for size in range(1, most + 1):
        for chosen in combinations(values, size):
            if any(set(less) <= set(chosen) for less in found):
                continue
            for told in product(*(values[number] for number in chosen)):
                changed = exchange.with_values(dict(zip((levers.names[n] for n in chosen), told, strict=True)))
                if not levers.bundle.coherence.contradictions(changed):
                    outcome = look(changed, AS_OF)[1]
                    lawless = lawless or outcome.bounds.high is Level.NOT_APPLICABLE
                    if outcome.permits:
                        found.append(chosen)
                        break
    return set(found), lawless


def searched(remedies: Remedies, exchange: Exchange, look: Evaluate, most: int) -> tuple[set[tuple[int, ...]], bool]:
    """What the search finds of at most so many levers, and whether it says that it was complete."""

    def coherently(changed: Exchange, as_of: date) -> Any:
        assert not remedies.bundle.coherence.contradictions(changed), "what cannot be true is never proposed"
        return look(changed, as_of)

    levers = remedies.levers
    remedies.ways.places = frozenset()  # places are moved like other facts here
    taken = TakenWays(remedies.ends, levers, exchange, AS_OF, look(exchange, AS_OF)[0].truth)
    search = CombinedWays(taken, VariantLanes(runner(remedies.bundle), exchange, AS_OF), coherently)
    found = [{levers.number(name) for name in each.changes} for each in search.run(1_000_000)]
    told = {tuple(sorted(each)) for each in found if len(each) <= most and len(levers.names) not in each}
    return told, search.complete and taken.complete


def refused(seeds: Iterable[int], exchanges: int) -> Iterator[tuple[int, Remedies, Exchange, Evaluate]]:
    """Refused exchanges of random bundles, half of them with every fact known."""
    for seed in seeds:
        maker, made = changeable(seed)
        remedies, look = Remedies(made), looking(made)
        for number in range(exchanges):
            sent = maker.exchange()
            exchange = read(made, completed(maker, sent, [sent]) if number % 2 else sent)
            if look(exchange, AS_OF)[1].word in REFUSALS:
                yield seed, remedies, exchange, look


PAIRS, TRIPLES = range(561, 566), range(541, 544)  # bundles of which some refusals have a remedy, as few have


@pytest.mark.parametrize(
    ("first", "more", "most"),
    [
        pytest.param(PAIRS, (), 2, id="pairs"),
        pytest.param(TRIPLES, (), 3, id="triples"),
        pytest.param(PAIRS, range(30, 230), 2, id="many-pairs", marks=pytest.mark.fuzz(weight=5)),
        pytest.param(TRIPLES, range(544, 641), 3, id="many-triples", marks=pytest.mark.fuzz(weight=5)),
    ],
)
def test_the_search_finds_what_trying_everything_finds(first: range, more: Sequence[int], most: int) -> None:
    """
    What is found is all there is where the search says that it was complete, as it nearly always is; and never more than there is.

    The first bundles are tried however little time there is, so that what is said of all holds of those that were tried.
    """
    remedied = complete = refusals = 0
    for seed, remedies, exchange, look in refused(chain(some(first, len(first)), some(more, 5)), 6):
        found, whole = searched(remedies, exchange, look, most)
        every, lawless = everything(remedies.levers, exchange, look, most)
        whole = whole and (not lawless or found == every)
        assert found == every if whole else found <= every, f"seed {seed}: {json.dumps(exchange.document)}"
        remedied += bool(found)
        complete += whole
        refusals += 1
    assert remedied
    assert complete > refusals * 3 // 4, (complete, refusals)


FAULTS: dict[str, tuple[object, str, object]] = {
    "nothing exempts": (RefusalEnds, "_exempting", lambda *_: []),
    "a ground meets nothing": (RefusalEnds, "_sure", lambda *_: False),
    "one change is enough": (combined_ways, "MAX_CHANGES", 1),
}


@pytest.mark.parametrize("fault", FAULTS)
def test_a_planted_fault_in_the_reasoning_is_found(fault: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """A remedy that a faulty search leaves out is one that trying everything finds."""
    monkeypatch.setattr(*FAULTS[fault])
    free = {"id": "free", "when": [{"evidence": {"has": "licence"}}], "exempts": ["need-more"]}
    made = bundle(NEED, GROUND, NEED_MORE, REPORT, free)
    exchange, remedies, look = build(made, BASE), Remedies(made), looking(made)
    assert searched(remedies, exchange, look, 2)[0] != everything(remedies.levers, exchange, look, 2)[0]


def test_every_document_that_is_proposed_is_dated_on_the_day() -> None:
    """Over random bundles: never earlier, unless it is the one that is there, completed; its date may be unknown."""
    for _, remedies, exchange, _ in refused(range(10), 4):
        levers = remedies.levers
        for number, name in enumerate(levers.names):
            for value in levers.values(number, exchange, AS_OF):
                assert not name.startswith(("data.people", "claims."))
                if isinstance(value, Document):
                    there = exchange.values.get(name)
                    dated = there.fields.get("dated", Missing.UNKNOWN) if isinstance(there, Document) else None
                    kept = value.fields.get("dated", Missing.UNKNOWN) == dated
                    assert value.fields.get("dated") == AS_OF or kept
