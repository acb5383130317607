"""
Ways: which a requirement has, what each needs and lacks, in which order they come, and which lead to a permit.
"""

from __future__ import annotations

import json
from datetime import date
from typing import Any

import pytest
import yaml

import engine
from engine.authoring.testing import build
from engine.decision import MeansPart, NeedPart, WaysPart
from engine.questions.remedies import Remedies
from engine.questions.ways import Way, lacking, prohibiting
from tests.engine.backends.test_cases import VOCABULARY, policy
from tests.engine.questions.test_remedies import BASE, DAY, GROUND, NEED, NEED_MORE, REPORT, bundle, find, moved

DAY_OF_LAW = date(2026, 11, 28)
NECESSARY = {"id": "necessary", "when": [{"claims": {"has": "necessity"}}], "satisfies": "certificate"}
BY_TWO = {"id": "by-two", "when": [{"evidence": {"has_all": ["contract", "report"]}}], "satisfies": "certificate"}


def read(made: engine.Bundle, **facts: Any) -> tuple[Remedies, engine.Judgement]:
    flat = {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}}
    return Remedies(made), engine.PDP(made, "bitset").judge(build(made, flat), as_of=DAY)


def ways(made: engine.Bundle, **facts: Any) -> list[Way]:
    """The ways to the certificate."""
    remedies, judgement = read(made, **facts)
    return list(remedies.ways.reading(judgement).to("certificate", lacking(judgement)["certificate"]))


def ids(found: list[Way]) -> list[str]:
    return [way.rule.provision.id.removeprefix("p/") for way in found]


def told(made: engine.Bundle, lang: str = "en", **facts: Any) -> tuple[dict[str, Any], list[dict[str, Any]]]:
    """The answer, and the ways of its explanation."""
    pdp = engine.PDP(made, "bitset")
    flat = {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}}
    written = pdp.answer(pdp.judge(build(made, flat), as_of=DAY), today=DAY, id="1", parts=["ways", "remedies"], lang=lang)
    answer = engine.Answer.model_validate_json(written.json())
    assert answer.explanation is not None
    return json.loads(written.json()), json.loads(written.json())["explanation"].get("ways", [])


# Which ways there are


def test_a_ground_an_excuse_and_an_exemption_are_ways() -> None:
    """What meets the requirement, what lifts it, and what lifts the rule that asks for it."""
    excuse = {"id": "excuse", "when": [{"evidence": {"has": "licence"}}], "exempts": ["certificate"]}
    exempt = {"id": "exempt", "when": [{"evidence": {"has": "notice"}}], "exempts": ["need"]}
    found = ways(bundle(NEED, GROUND, excuse, exempt))
    assert {(way.rule.provision.id, way.kind) for way in found} == {
        ("p/ground", "ground"),
        ("p/excuse", "excuse"),
        ("p/exempt", "exemption"),
    }


def test_an_exemption_from_one_of_two_rules_that_ask_is_no_way() -> None:
    """The other rule would still ask for it."""
    again = {**NEED, "id": "again"}
    exempt = {"id": "exempt", "when": [{"evidence": {"has": "notice"}}], "exempts": ["need"]}
    assert ids(ways(bundle(NEED, again, GROUND, exempt))) == ["ground"]


def test_those_that_lack_least_come_first_and_a_claim_weighs_more_than_a_document() -> None:
    """A document can be obtained; a claim is so or is not. What is unsure comes last."""
    unsure = {"id": "unsure", "when": [{"evidence": {"has": "notice"}}], "satisfies": "certificate", "status": "unsure"}
    made = bundle(NEED, unsure, BY_TWO, NECESSARY, GROUND)
    shown = {"dated": "2026-05-01", "covers": "yes"}
    assert ids(ways(made))[0] == "ground"
    assert ids(ways(made))[-1] == "unsure"
    assert ids(ways(made, evidence__contract=shown)) == ["by-two", "ground", "necessary", "unsure"]


def test_what_other_facts_exclude_is_left_out() -> None:
    """Nobody can change the fact, and whoever denied the claim need not hear of it."""
    fixed = {**GROUND, "id": "fixed", "when": [{"data.personal": "yes"}, {"evidence": {"has": "report"}}]}
    made = bundle(NEED, GROUND, fixed, NECESSARY)
    assert ids(ways(made)) == ["ground", "necessary"]
    assert ids(ways(made, claims__necessity="none")) == ["ground"]
    assert ids(ways(made)) == ["ground", "necessary"]  # what was found for another exchange is not told of this one


def test_a_document_from_before_a_day_comes_last() -> None:
    """Nobody can obtain it any more; who has it may show it, so it stays a way, and it leads to no permit."""
    old = {"id": "old", "when": [{"evidence.report.dated": {"until": "2026-01-01"}}], "satisfies": "certificate"}
    made = bundle(NEED, BY_TWO, old)
    assert ids(ways(made)) == ["by-two", "old"]
    assert [way["to_yes"] for way in told(made)[1][0]["ways"]] == [True, False]


def test_a_way_that_another_rule_lifts_needs_that_rule_not_to_hold() -> None:
    """A ground that is exempted meets nothing; where its exempter is certain it is no way."""
    bar = {"id": "bar", "when": [{"data.category": "weather"}], "exempts": ["ground"]}
    made = bundle(NEED, GROUND, BY_TWO, bar, change=())
    assert ids(ways(made, data__category="weather")) == ["by-two"]
    assert ids(ways(made, data__category="health")) == ["ground", "by-two"]
    [way, _] = ways(made)
    assert (way.lack, way.unknown) == (("evidence.certificate",), ("data.category",))


# What each needs


def test_needs_are_a_tree_of_what_is_there_lacking_and_unknown() -> None:
    """Alternatives stay alternatives; where one of them is complete it stands alone."""
    ground = {
        "id": "ground",
        "when": [
            {"data.sold": "yes"},
            {"data.shared": "yes"},
            {"any_of": [{"evidence": {"has": "contract"}}, {"evidence": {"has_all": ["report", "notice"]}}]},
        ],
        "satisfies": "certificate",
    }
    made = bundle(NEED, ground)
    _, [part] = told(made)
    needs = WaysPart.model_validate(part).ways[0].needs
    assert needs is not None
    assert needs.all_of is not None
    assert [(each.fact, each.state) for each in needs.all_of[:2]] == [("data.sold", "have"), ("data.shared", "unknown")]
    [alternatives] = [each.any_of for each in needs.all_of if each.any_of]
    assert alternatives is not None
    assert alternatives[0] == NeedPart(fact="evidence.contract", says="contract", state="lack")
    assert [each.fact for each in alternatives[1].all_of or ()] == ["evidence.report", "evidence.notice"]
    _, [part] = told(made, evidence__contract={"dated": "2026-05-01", "covers": "yes"})
    needs = MeansPart.model_validate(part["ways"][0]).needs
    assert needs is not None
    assert needs.all_of is not None
    assert [each.fact for each in needs.all_of] == ["data.sold", "data.shared", "evidence.contract"]


def test_that_nothing_makes_it_lawful_is_said_only_where_no_change_would_either() -> None:
    """Where a fact that may change ends a prohibition without an exemption, the sentence says that the exchange would have to change."""
    fixed, free = bundle(BAR, change=("data.sold",)), bundle(BAR, change=("data.sold", "data.personal"))
    for made, nothing in ((fixed, True), (free, False)):
        answer, [part] = told(made)
        for says in (answer["answer"], part["says"]):
            assert ("Nothing makes this exchange lawful as it is." in says) is nothing
            assert ("No exemption helps; the exchange itself would have to change." in says) is not nothing
        found = answer["explanation"]["remedies"]
        assert bool(found["remedies"]) is not nothing
        assert found["searched"] == "all"
    sentence = "没有可以适用的例外，须改变本次交换本身。"
    assert sentence in told(free, "zh")[0]["answer"]
    assert sentence not in told(fixed, "zh")[0]["answer"]


def test_where_nothing_helps_for_good_no_remedy_is_found(bundled: engine.PDP) -> None:
    """Of the cases of the policies. What moving a party would end is not for good, though no way says so."""
    for_good = moving = 0
    taking = Remedies(bundled.bundle)
    for trial in engine.trials(bundled.bundle, bundled.bundle)[::5]:
        judgement = bundled.judge(engine.parse_exchange(bundled.bundle, trial.raw), as_of=DAY_OF_LAW)
        if judgement.outcome.word != "prohibited":
            continue
        read = taking.ways.reading(judgement)
        for rule in prohibiting(judgement):
            if read.for_good(rule):
                for_good += 1
                assert not read.out_of(rule)
                found = taking.find(judgement.exchange, DAY_OF_LAW, bundled.look, bundled.lanes)
                assert not found.remedies
                break
            moving += not read.out_of(rule)
    assert for_good > 3
    assert moving > 3


def test_a_document_is_told_by_what_a_company_calls_it() -> None:
    """With who issues it and where it is filed, in either language; a document without such words goes by its title."""
    words = yaml.load(VOCABULARY.read_bytes(), Loader=yaml.BaseLoader)
    words["evidence"]["certificate"] |= {
        "called": {"en": "the badge", "zh": "徽章"},
        "issued_by": {"en": "the guild", "zh": "行会"},
        "filed_with": "the town",
    }
    law = policy({"policy": "p", "rules": [NEED, GROUND, {**REPORT, "satisfies": "certificate"}]})
    made = engine.load_sources({"words.yaml": yaml.safe_dump(words).encode(), "law.yaml": json.dumps(law).encode()})
    lines = told(made)[0]["unmet"][0]["ways"][0][0]["by"]
    assert lines[0]["needs"] == [
        {
            "fact": "evidence.certificate",
            "says": "the badge",
            "state": "lack",
            "issued_by": "the guild",
            "filed_with": "the town",
        }
    ]
    assert lines[1]["needs"] == [{"fact": "evidence.report", "says": "report", "state": "lack"}]
    assert told(made, "zh")[0]["unmet"][0]["ways"][0][0]["by"][0]["needs"][0]["issued_by"] == "行会"


# Which lead to a permit


def test_a_way_is_to_yes_only_where_the_whole_exchange_is_then_permitted() -> None:
    """The certificate alone is enough where nothing else is required."""
    _, [part] = told(bundle(NEED, GROUND))
    assert [way["to_yes"] for way in part["ways"]] == [True]
    _, parts = told(bundle(NEED, GROUND, NEED_MORE, REPORT))
    assert [way["to_yes"] for part in parts for way in part["ways"]] == [False, False]


def test_a_requirement_without_a_way_says_so() -> None:
    """Other facts exclude the only ground that there is."""
    fixed = {**GROUND, "when": [{"data.personal": "yes"}]}
    answer, [part] = told(bundle(NEED, fixed, change=()))
    assert (part["ways"], part["left_out"]) == ([], 1)
    assert part["says"] == "Other facts of this exchange exclude every way to meet this."
    assert "by" not in answer["unmet"][0]["ways"][0][0]


BAR = {"id": "bar", "when": {"data.personal": "no"}, "prohibit": "No."}


def test_beside_a_prohibition_that_nothing_lifts_nothing_is_proposed() -> None:
    """The answer says so, in either language; what is required beside it is no way out."""
    made = bundle(BAR, NEED, GROUND, change=("data.sold",))
    for lang, sentence in (
        ("en", "Nothing makes this exchange lawful as it is."),
        ("zh", "按现有情形，没有任何办法使本次交换合法。"),
    ):
        answer, parts = told(made, lang)
        assert (answer["outcome"], answer["unmet"]) == ("prohibited", [])
        assert sentence in answer["answer"]
        assert answer["explanation"]["remedies"] == {"remedies": [], "searched": "all"}
        assert parts[0]["ways"] == []
        assert parts[0]["says"] == sentence


def test_out_of_a_prohibition_that_is_lifted_there_are_ways() -> None:
    """Then what is required beside it is told too."""
    free = {"id": "free", "when": [{"evidence": {"has": "licence"}}], "exempts": ["bar"]}
    answer, parts = told(bundle(BAR, free, NEED, GROUND))
    assert "Nothing makes" not in answer["answer"]
    assert [way["way"] for way in parts[0]["ways"]] == ["p/free"]
    assert len(answer["unmet"]) == 1


# The answer


def test_an_answer_has_three_ways_to_the_first_requirement_and_one_to_each_other() -> None:
    """The number of those that are left out stands beside them."""
    kinds = ("certificate", "contract", "notice", "licence")
    first = [{"id": f"by-{kind}", "when": [{"evidence": {"has": kind}}], "satisfies": "certificate"} for kind in kinds]
    more = {"id": "by-notice-too", "when": [{"evidence": {"has": "notice"}}], "satisfies": "report"}
    answer, _ = told(bundle(NEED, *first, NEED_MORE, REPORT, more))
    assert len(json.dumps(answer)) < 10_000
    parts = [part for unmet in answer["unmet"] for way in unmet["ways"] for part in way]
    assert [(len(part["by"]), part.get("more", 0)) for part in parts] == [(3, 1), (1, 1)]


# Ways in combination


def test_a_long_combination_of_ways_is_found() -> None:
    """Four documents and two facts: more than are tried by counting changes."""
    kinds = ("certificate", "contract", "report", "filed-contract")
    papers = ("certificate", "contract", "report", "licence")
    wants = [{"id": f"n-{kind}", "require": kind} for kind in kinds]
    grounds = [
        {"id": f"g-{kind}", "when": [{"evidence": {"has": paper}}], "satisfies": kind}
        for kind, paper in zip(kinds[1:], papers[1:], strict=True)
    ]
    both = {
        "id": "both",
        "when": [{"evidence": {"has": "certificate"}}, {"data.category": "weather"}, {"data.grade": "core"}],
        "satisfies": "certificate",
    }
    made = bundle(*wants, *grounds, both, change=("data.category", "data.grade"))
    part = find(made, data__category="health", data__grade="general")
    names = {"data.category", "data.grade", *(f"evidence.{paper}" for paper in papers)}
    assert names in [set(each) for each in moved(part)]


def test_a_claim_is_proposed_only_where_nothing_else_helps_and_only_if_it_is_so() -> None:
    """Nobody is told to claim what another way makes needless."""
    need = {"id": "need", "require": "certificate"}
    made = bundle(need, NECESSARY, change=())
    [remedy] = find(made).remedies
    assert [change.do for change in remedy.changes] == ["Only if it is so, state: necessity."]
    other = bundle(need, NECESSARY, GROUND, change=())
    assert moved(find(other)) == [["evidence.certificate"]]


# The bundled policies


@pytest.fixture(scope="module")
def bundled() -> engine.PDP:
    return engine.PDP(engine.load(engine.bundled_policies()), "bitset")


def asked(pdp: engine.PDP, document: dict[str, Any]) -> dict[str, Any]:
    exchange = engine.parse_exchange(pdp.bundle, json.dumps(document).encode())
    judgement = pdp.judge(exchange, as_of=DAY_OF_LAW)
    written = pdp.answer(judgement, today=DAY_OF_LAW, id="1", parts=["ways", "remedies"])
    found: dict[str, Any] = json.loads(written.json())
    return found


def documents(*kinds: str) -> dict[str, Any]:
    return {kind: {"dated": "2026-05-01", "covers": True} for kind in kinds}


STAFF: dict[str, Any] = {
    "exporter": {"country": "CN", "role": "controller", "kind": "other-company", "cn_ciio": False, "zone": "none", "targets": []},
    "recipient": {"country": "US", "role": "controller", "kind": "other-company", "listed_on": [], "relation": "same-group"},
    "data": {
        "personal": True, "state": "identified", "kind": "dataset", "categories": ["employee"], "people_in": ["CN"],
        "grades": ["general"], "controls": [], "lawful_source": True, "source": "self-produced",
        "people": {"ordinary": 800, "sensitive": 0}, "collected_in": ["CN"], "stored_in": ["CN"],
    },
    "act": {"bars": [], "kind": "provide", "trigger": "own", "evades": False, "security_concern": False, "ai_service": "none"},
    "purpose": {"end_use": ["civil"], "is": ["hr"]},
    "safeguards": {"basis": ["hr-management"]},
    "counts": {name: {"ordinary": 800, "sensitive": 0} for name in ("cn", "cn_all", "cn_group")},
}  # fmt: skip


def test_staff_data_under_two_documents_learn_what_else_it_takes(bundled: engine.PDP) -> None:
    """The way of managing staff comes first, with what is there and what is lacking; documents that make a permit are found."""
    answer = asked(bundled, {**STAFF, "evidence": documents("cn-export-notice", "cn-separate-consent")})
    assert answer["outcome"] == "requirements_unmet"
    basis = answer["unmet"][0]["ways"][0][0]
    staff = next(way for way in answer["explanation"]["ways"][0]["ways"] if way["way"] == "cn.pipl/art-13-staff")
    assert basis["requirement"] == "cn.lawful-basis"
    assert (staff["lacks"], staff["unknown"]) == (3, 0)
    found = [{change["fact"] for change in remedy["changes"]} for remedy in answer["explanation"]["remedies"]["remedies"]]
    assert {"safeguards.basis", "evidence.cn-export-need", "evidence.cn-impact-assessment"} in found
    handbook = asked(bundled, {**STAFF, "evidence": documents("cn-labour-rules", "cn-collective-contract")})
    [first] = handbook["unmet"][0]["ways"][0][0]["by"][:1]
    assert first["way"] == "cn.pipl/art-13-staff"
    assert [(need["says"], need["state"]) for need in first["needs"]] == [
        ("needed for managing staff across the border", "lack"),
        ("employee handbook (labour rules)", "have"),
        ("collective contract", "have"),
    ]


def test_signed_clauses_to_america_are_the_first_way(bundled: engine.PDP) -> None:
    """They lack one assessment, and with it the exchange is permitted; the Privacy Framework and consent come after them."""
    document = {
        "exporter": {"country": "DE", "sectors": ["commerce"], "kind": "company", "role": "controller", "targets": ["DE"]},
        "recipient": {
            "country": "US", "listed_on": [], "kind": "company", "role": "controller", "relation": "unrelated", "under": [],
            "carve_outs": [],
        },
        "data": {
            "kind": "dataset", "personal": True, "state": "identified", "categories": ["contact"], "grades": [],
            "people": {"ordinary": 500, "sensitive": 0}, "few_people": False, "people_can_consent": True, "people_in": ["DE"],
            "collected_in": ["DE"], "stored_in": ["DE"], "controls": [], "lawful_source": True,
        },
        "act": {
            "kind": "provide", "trigger": "own", "frequency": "repeated", "public_power": False, "bars": [],
            "security_concern": False,
        },
        "purpose": {"is": ["service-provision"], "end_use": ["civil"]},
        "safeguards": {"basis": ["legitimate-interest"], "measures": []},
        "evidence": documents("eu-transfer-record", "eu-transfer-notice", "eu-scc-m1"),
    }  # fmt: skip
    answer = asked(bundled, document)
    assert len(json.dumps({k: v for k, v in answer.items() if k != "explanation"}, ensure_ascii=False)) <= 4_096
    [first, second, third] = answer["unmet"][0]["ways"][0][0]["by"]
    assert [way["way"].partition("/")[2] for way in (first, second, third)] == ["scc-module-1", "art-45-us", "art-49-1-a"]
    assert [(need["says"], need["state"]) for need in first["needs"]] == [
        ("transfer impact assessment", "lack"),
        ("standard contractual clauses, module one", "have"),
    ]
    [part] = answer["explanation"]["ways"]
    assert not any(way["way"].endswith("art-45-jp") for way in part["ways"])  # nobody is told to go elsewhere
    assert part["ways"][0]["to_yes"] is True
    assert len(part["ways"]) + part["left_out"] == len(
        [rule for rule in bundled.bundle.rules.rules if "eu.transfer-ground" in (*rule.satisfies, *rule.excuses)]
    )


def test_beside_a_party_on_the_list_of_the_united_nations_nothing_is_proposed(bundled: engine.PDP) -> None:
    """No consent is asked for, and no remedy is found."""
    recipient = {**STAFF["recipient"], "listed_on": ["un-sanctions"]}
    answer = asked(bundled, {**STAFF, "recipient": recipient})
    assert (answer["outcome"], answer["unmet"]) == ("prohibited", [])
    assert "Nothing makes this exchange lawful as it is." in answer["answer"]
    assert answer["explanation"]["remedies"] == {"remedies": [], "searched": "all"}


def test_the_vocabulary_names_the_thirty_commonest_documents() -> None:
    """Those that most grounds test, in both languages; nearly all of them say who issues them."""
    words = engine.load(engine.bundled_policies()).vocabulary.kinds["evidence"].values()
    called = [kind for kind in words if kind.called is not None]
    assert len(called) >= 30
    assert all(kind.called and kind.called.zh and (not kind.issued_by or kind.issued_by.zh) for kind in called)
