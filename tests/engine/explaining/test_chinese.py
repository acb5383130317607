"""
Decisions told in Chinese as in English: the same document, its sentences in the language that is asked for.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import engine
from engine.authoring.difference import trials
from engine.authoring.testing import build
from engine.explaining.plain_text import WIDTH, wrap
from engine.languages import CHINESE, ENGLISH, Language
from service.cli.main import app
from tests.engine.covering import SILENT

DAY = date(2026, 6, 15)
VOCABULARY = """
vocabulary: both
values:
  country:
    title: country
    values:
      AA: {title: {en: Aland, zh: 甲国}}
      BB: {title: {en: Beland, zh: 乙国}}
      CC: Celand
  grade:
    title: grade
    ordered: yes
    values:
      general: {title: {en: general data, zh: 一般数据}}
      core: {title: {en: core data, zh: 核心数据}}
  label:
    title: label
    values: [none, keep, need, watch, bar, ask]
  kind:
    title: kind
    values:
      map: {title: {en: maps, zh: 地图}}
      picture: {title: {en: pictures, zh: 图像}}
      sound: {title: {en: sounds, zh: 声音}}
  sensitivity:
    title: sensitivity
    values:
      ordinary: {title: {en: ordinary data, zh: 一般个人信息}}
      sensitive: {title: {en: sensitive data, zh: 敏感个人信息}}
facts:
  exporter.country: {type: country, title: {en: exporter's country, zh: 提供方所在国}}
  recipient.country:
    {type: country, title: {en: recipient's country, zh: 接收方所在国}, ask: {en: "Where is it?", zh: 接收方在哪里？}, change: yes}
  data.personal: {type: yes/no, title: {en: the data are personal, zh: 含个人信息}}
  data.people: {type: count, by: sensitivity, title: {en: people in this exchange, zh: 本次涉及人数}}
  data.people_in: {type: set of country, title: {en: where the people are, zh: 个人所在国}}
  data.kinds: {type: set of kind, title: {en: kinds of data, zh: 数据种类}}
  terms.kinds: {type: set of kind, title: {en: kinds that the terms allow, zh: 条款允许的数据种类}}
  data.grade: {type: grade, title: {en: grade, zh: 级别}}
  data.label: {type: label, title: {en: label, zh: 标签}}
  data.collected_on: {type: date, title: {en: day of collection, zh: 收集日期}}
  data.price: {type: money, title: {en: price, zh: 价格}}
  data.plain: {type: yes/no, title: plain}
registers:
  FRIENDS:
    {title: {en: friendly countries, zh: 友好国家}, of: country, source: made up, status: confirmed, entries: {BB: {}}}
evidence:
  certificate: {title: {en: certificate, zh: 认证证书}, ask: {en: "Is there a certificate?", zh: 是否有认证证书？}}
claims:
  necessity: {title: {en: necessity, zh: 确有必要}}
requirements:
  certificate: {title: {en: certificate, zh: 认证}, how: {en: be certified, zh: 申请认证}, jurisdiction: AA}
  contract: {title: {en: contract, zh: 合同}, how: {en: sign one, zh: 订立合同}, jurisdiction: AA}
jurisdictions:
  AA: {title: {en: Aland, zh: 甲国}, countries: [AA], covers: {anything: {from: 2020-01-01, by: BY}, personal: {from: 2020-01-01, by: BY}}}
  BB: {title: {en: Beland, zh: 乙国}, countries: [BB], covers: {anything: {from: 2020-01-01, by: [silent]}}}
subjects:
  anything: {title: {en: anything, zh: 任何数据}, when: {any_of: [{data.personal: yes}, {data.personal: no}]}}
  personal: {title: {en: personal data, zh: 个人信息}, when: {data.personal: yes}}
touches:
  - {fact: exporter.country, as: exporter}
  - {fact: recipient.country, as: recipient}
  - {fact: data.people_in, as: people, when: {data.personal: yes}}
lanes:
  fast: {title: {en: fast lane, zh: 快速通道}}
factor:
  value:
    title: {en: value, zh: 价值}
    lines:
      price: {title: {en: price, zh: 价格}, fact: data.price}
      people: {title: {en: people, zh: 人数}, fact: data.people}
"""
EXPORT_LAW = {"en": "Export Law", "zh": "出口法"}
RULES: list[dict[str, Any]] = [
    {
        "id": "bar",
        "when": {"data.label": "bar"},
        "prohibit": {"en": "Nothing of this kind leaves.", "zh": "此类数据不得出境。"},
    },
    {
        "id": "watch",
        "when": {"data.label": "watch"},
        "review": {"en": "Counsel looks at it", "zh": "须由律师审查"},
    },
    {"id": "need", "when": {"data.label": "need"}, "require": {"any_of": ["certificate", "contract"]}},
    {"id": "ground", "when": [{"evidence": {"has": "certificate"}}], "satisfies": "certificate"},
    {
        "id": "keep",
        "when": {"data.label": "keep"},
        "oblige": {
            "duty": {"en": "keep a copy", "zh": "保存副本"},
            "who": "exporter",
            "cite": {"en": "Art. 9", "zh": "第九条"},
            "due": {"within": "1 month", "after": "data.collected_on"},
            "keep": "3 years",
        },
    },
]
BASE = {"exporter.country": "AA", "recipient.country": "AA", "data.personal": "no", "data.people_in": []}


def law(name: str = "p", rules: list[dict[str, Any]] = RULES, **more: Any) -> dict[str, Any]:
    """A policy whose rules say only what matters."""
    filled = {"title": {"en": "a rule", "zh": "一项规定"}, "cite": {"en": "Art. 1", "zh": "第一条"}, "status": "confirmed"}
    return {
        "policy": name,
        "title": EXPORT_LAW,
        "jurisdiction": "AA",
        "instrument": {"issuer": "a ministry", "force": "law"},
        "in_force": {"from": "2020-01-01"},
        "applies": {"exporter.country": "AA"},
        "rules": [{**filled, "says": "as the law says", "source": "made up", **rule} for rule in rules],
        **more,
    }


def load(*laws: dict[str, Any]) -> engine.Bundle:
    written = {f"{one['policy']}.yaml": json.dumps(one, indent=1).encode() for one in (*(laws or (law(),)), SILENT)}
    by = ", ".join(
        one["policy"] for one in laws or (law(),) if one["jurisdiction"] == "AA" and one["instrument"]["force"] == "law"
    )
    words = VOCABULARY.replace("BY", f"[{by}]")
    return engine.load_sources({**written, "words.yaml": words.encode()})


def decide(made: engine.Bundle, lang: str, include: tuple[str, ...] = (), **facts: Any) -> engine.Decision:
    """The decision on an exchange in a language; `__` in a fact's name is a dot."""
    flat = {**BASE, **{name.replace("__", "."): value for name, value in facts.items()}}
    pdp = engine.PDP(made, "bitset")
    return pdp.decide(build(made, flat), as_of=DAY, today=DAY, id="1", include=include, lang=lang)


# The answer

NOTHING = (
    " Nothing was found against it in the law of Aland on anything (coverage AA/anything).",
    "下列法律中未发现不许本次交换的规定：甲国的法律中关于任何数据的部分（见收录说明）。",
)
ANSWERS: list[tuple[dict[str, Any], str, str, str]] = [
    (
        {"data__label": "keep", "data__collected_on": "2026-05-31"},
        "permitted_with_obligations",
        f"This may go ahead under the law of Aland, with 1 duty: keep a copy.{NOTHING[0]}",
        f"依甲国的法律，本次交换可以进行，但须履行1项义务：保存副本。{NOTHING[1]}",
    ),
    (
        {"data__label": "need"},
        "requirements_unmet",
        "Do not proceed yet: 1 thing is required and not shown: certificate or contract (Export Law, Art. 1).",
        "暂不得进行，有1项要求尚未证明已经满足：认证或者合同（《出口法》第一条）。",
    ),
    (
        {"data__label": "watch"},
        "review",
        "Do not proceed before a person has looked at it: Counsel looks at it (Export Law, Art. 1).",
        "未经人工审查不得进行：须由律师审查（《出口法》第一条）。",
    ),
    (
        {"data__label": "bar"},
        "prohibited",
        "Do not proceed: Nothing of this kind leaves (Export Law, Art. 1). Nothing makes this exchange lawful as it is.",
        "不得进行：此类数据不得出境（《出口法》第一条）。按现有情形，没有任何办法使本次交换合法。",
    ),
    (
        {"data__label": "unknown"},
        "undetermined",
        "Not decided under the law of Aland: the answers below can make it anything from permitted to prohibited. What is the label?"
        " What is the day of collection?",
        "依甲国的法律尚不能作出决定：结果介于“可以进行”与“禁止”之间；请先查明：（1）标签是什么？（2）收集日期是哪一天？",
    ),
    (
        {"exporter__country": "BB"},
        "not_applicable",
        "No law that is modelled here speaks of this exchange, and that is not a permit: the law of Aland on anything does not"
        " reach it; the law of Beland on anything does not reach it.",
        "此处收录的法律均未涉及本次交换；这不等于许可：甲国有关任何数据的法律不适用于本次交换；乙国有关任何数据的法律不适用于本次交换。",
    ),
    (
        {"data__label": "none"},
        "permitted",
        f"This may go ahead under the law of Aland.{NOTHING[0]}",
        f"依甲国的法律，本次交换可以进行。{NOTHING[1]}",
    ),
]


@pytest.mark.parametrize(("facts", "outcome", "english", "chinese"), ANSWERS, ids=[outcome for _, outcome, _, _ in ANSWERS])
def test_the_answer_is_told_in_both_languages(facts: dict[str, Any], outcome: str, english: str, chinese: str) -> None:
    """One decision, its sentence in either language; the outcome keeps its code."""
    told = {lang: decide(load(), lang, **facts) for lang in engine.LANGUAGES}
    assert {decision.outcome for decision in told.values()} == {outcome}
    assert (told["en"].answer, told["zh"].answer) == (english, chinese)


def test_a_hypothetical_answer_says_so() -> None:
    """The law of another day is named with the day written out."""
    made = load()
    exchange = build(made, {**BASE, "data.label": "none"})
    decision = engine.PDP(made, "bitset").decide(exchange, as_of=DAY, today=date(2026, 6, 16), id="1", lang="zh")
    assert decision.answer == f"假设按2026年6月15日的法律：依甲国的法律，本次交换可以进行。{NOTHING[1]}"


def test_a_gap_does_not_hide_what_is_missing_for_certain() -> None:
    """What is required is said first, then, beside it, the gap that a person must look at."""
    facts: dict[str, Any] = {"data__label": "need", "data__personal": "yes", "data__people_in": ["CC"]}
    assert decide(load(), "en", **facts).answer == (
        "Do not proceed yet: 1 thing is required and not shown: certificate or contract (Export Law, Art. 1)."
        " Beside this, a person must look at it: the law of Celand is not modelled here, and the people concerned are there."
    )
    # Celand has no name in Chinese here, so it keeps the one it has.
    assert decide(load(), "zh", **facts).answer == (
        "暂不得进行，有1项要求尚未证明已经满足：认证或者合同（《出口法》第一条）。此外须经人工审查：此处未收录Celand的法律，而个人在该地。"
    )


def test_what_may_be_lifted_is_not_said_to_be_missing() -> None:
    """A requirement that a doubtful exemption reaches is not missing for certain; one that is met is not missing at all."""
    lift = {"id": "lift", "status": "unsure", "exempts": ["need"], "title": {"en": "a lift", "zh": "豁免"}}
    made = load(law(rules=[*RULES, lift]))
    assert decide(made, "en", data__label="need").answer == (
        "Do not proceed before a person has looked at it: it is in doubt whether an exemption lifts this provision: a rule."
    )
    assert decide(made, "zh", data__label="need").answer == "未经人工审查不得进行：“一项规定”是否得以豁免存疑。"
    shown: dict[str, Any] = {"evidence__certificate": {"dated": "2026-06-01", "covers": "yes"}}
    gap = decide(load(), "en", data__label="need", data__personal="yes", data__people_in=["CC"], **shown)
    assert "required" not in gap.answer


# The document


TEXTS = {
    "answer", "title", "instrument", "citation", "says", "message", "test", "how", "duty", "who", "under", "keep", "advice",
    "text", "question", "notes", "opens_when", "closed_by", "do", "duties", "because",
}  # fmt: skip


def without_texts(value: Any) -> Any:
    """A document without what is told in a language; how many texts there are stays."""
    if isinstance(value, dict):
        return {
            name: len(inner) if name in TEXTS and inner and not isinstance(inner[0], dict) and isinstance(inner, list)
            else "a text" if name in TEXTS and isinstance(inner, str)
            else without_texts(inner)
            for name, inner in value.items()
        }  # fmt: skip
    return [without_texts(inner) for inner in value] if isinstance(value, list) else value


@pytest.mark.parametrize("label", ["keep", "need", "watch", "bar", "unknown"])
def test_the_document_has_the_same_members_and_codes(label: str) -> None:
    """Only sentences and titles differ: outcomes, states, forces and values are the same codes."""
    told = [
        json.loads(
            decide(load(), lang, engine.INCLUDES, data__label=label, data__collected_on="2026-05-31").model_dump_json(
                by_alias=True
            )
        )
        for lang in engine.LANGUAGES
    ]
    assert told[0] != told[1]
    assert without_texts(told[0]) == without_texts(told[1])


def test_a_language_that_is_not_there_is_refused() -> None:
    """There is no silent English in the place of a language nobody wrote."""
    with pytest.raises(ValueError, match="no language `fr`; use one of en, zh"):
        decide(load(), "fr", data__label="none")


def test_both_languages_are_told_by_one_pdp() -> None:
    """What is kept between decisions is kept for each language apart."""
    made = load()
    pdp = engine.PDP(made, "bitset")
    exchange = build(made, {**BASE, "data.label": "keep", "data.collected_on": "2026-05-31"})
    told = [pdp.decide(exchange, as_of=DAY, today=DAY, id="1", lang=lang) for lang in ("en", "zh", "en", "zh")]
    assert told[0] == told[2] != told[1] == told[3]
    [english], [chinese] = told[0].duties, told[1].duties
    assert (english.duty, english.who, english.under, english.keep, english.citation) == (
        "keep a copy", "exporter", "Export Law, Art. 1", "3 years", "Art. 9",
    )  # fmt: skip
    assert (chinese.duty, chinese.who, chinese.under, chinese.keep, chinese.citation) == (
        "保存副本", "提供方", "《出口法》第一条", "3年", "第九条",
    )  # fmt: skip


def test_what_has_no_chinese_stays_english() -> None:
    """A rule without Chinese is told in its English words inside the Chinese sentence; a plain text is English."""
    rule = {"id": "r", "cite": "Art. 7", "title": "a title", "when": {"data.plain": "yes"}, "review": "Look at it."}
    decision = decide(load(law(rules=[rule], title="Port Act")), "zh", data__plain="yes")
    assert decision.answer == "未经人工审查不得进行：Look at it（Port Act, Art. 7）。"
    [reason] = decision.reasons
    assert (reason.title, reason.message, reason.instrument) == ("a title", "Look at it.", "Port Act")
    assert [line.test for line in reason.evidence] == ["提供方所在国为甲国", "plain：是"]


def test_what_is_not_settled_says_so() -> None:
    """An unsure rule is a review with what it says, in Chinese as far as it is said there."""
    rule = {"id": "r", "status": "unsure", "says": {"en": "No maps leave.", "zh": "地图不得出境。"}, "prohibit": "no"}
    unsure = {**rule, "prohibit": None, "require": "contract"}
    made = load(law(rules=[{key: value for key, value in unsure.items() if value is not None}]))
    assert decide(made, "en").reasons[0].message == "It is not settled that this holds: No maps leave."
    assert decide(made, "zh").reasons[0].message == "下列规定是否成立尚无定论：地图不得出境。"


# Tests in words

PHRASES: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    ({"data.personal": "yes"}, {"data__personal": "yes"}, "the data are personal", "含个人信息：是"),
    ({"recipient.country": "BB"}, {"recipient__country": "BB"}, "the recipient is in Beland", "接收方所在国为乙国"),
    (
        {"recipient.country": ["BB", "CC"]},
        {"recipient__country": "BB"},
        "the recipient is in Beland or Celand",
        "接收方所在国为乙国、Celand之一",
    ),
    (
        {"recipient.country": {"in": "FRIENDS"}},
        {"recipient__country": "BB"},
        "the recipient is in friendly countries",
        "接收方所在国属于友好国家",
    ),
    ({"data.kinds": {"has": "map"}}, {"data__kinds": ["map"]}, "kinds of data include maps", "数据种类包括地图"),
    (
        {"data.kinds": {"has": ["map", "sound"]}},
        {"data__kinds": ["map"]},
        "kinds of data include maps or sounds",
        "数据种类包括地图、声音中的至少一项",
    ),
    (
        {"data.people_in": {"has": {"in": "FRIENDS"}}},
        {"data__people_in": ["BB"]},
        "the people are in friendly countries",
        "个人所在国包括友好国家中的至少一个",
    ),
    (
        {"data.kinds": {"only": ["map", "sound"]}},
        {"data__kinds": ["map"]},
        "kinds of data are only maps or sounds",
        "数据种类仅限于地图、声音",
    ),
    ({"data.kinds": {"only": []}}, {"data__kinds": []}, "kinds of data: none", "数据种类：无"),
    (
        {"data.people.sensitive": {"at_least": "10 thousand"}},
        {"data__people__sensitive": "12_000", "data__people__ordinary": "0"},
        "at least 10,000 people in this exchange: sensitive data",
        "本次涉及人数（敏感个人信息）不少于10,000",
    ),
    (
        {"data.people.total": {"less_than": "100"}},
        {"data__people__sensitive": "1", "data__people__ordinary": "0"},
        "fewer than 100 people in this exchange, in total",
        "本次涉及人数（合计）少于100",
    ),
    ({"data.grade": {"at_least": "core"}}, {"data__grade": "core"}, "grade is at least core data", "级别不低于核心数据"),
    (
        {"data.price": {"more_than": "1000 USD"}},
        {"data__price": "2000 USD"},
        "price is more than 1000 USD",
        "价格超过1000 USD",
    ),
    (
        {"data.collected_on": {"from": "2024-03-22"}},
        {"data__collected_on": "2025-01-01"},
        "day of collection is on or after 2024-03-22",
        "收集日期不早于2024年3月22日",
    ),
    (
        {"data.collected_on": {"until": "2024-03-21"}},
        {"data__collected_on": "2024-01-01"},
        "day of collection is on or before 2024-03-21",
        "收集日期不晚于2024年3月21日",
    ),
    (
        {"data.collected_on": {"within": "3 years"}},
        {"data__collected_on": "2025-01-01"},
        "day of collection is within the last 3 years",
        "收集日期在最近3年以内",
    ),
    (
        {"data.collected_on": {"older_than": "33 months"}},
        {"data__collected_on": "2020-01-01"},
        "day of collection is older than 33 months",
        "收集日期距今超过33个月",
    ),
    (
        {"recipient.country": {"fact": "exporter.country"}},
        {},
        "recipient's country is the same as exporter's country",
        "接收方所在国与提供方所在国相同",
    ),
    (
        {"data.kinds": {"only": {"fact": "terms.kinds"}}},
        {"data__kinds": ["map"], "terms__kinds": ["map", "sound"]},
        "kinds of data stay within kinds that the terms allow",
        "数据种类未超出条款允许的数据种类",
    ),
    (
        {"data.kinds": {"not": {"has": {"fact": "terms.kinds"}}}},
        {"data__kinds": ["map"], "terms__kinds": ["sound"]},
        "kinds of data overlap with kinds that the terms allow",
        "数据种类与条款允许的数据种类有重合",
    ),
    (
        {"data.kinds": {"has_all": {"fact": "terms.kinds"}}},
        {"data__kinds": ["map", "sound"], "terms__kinds": ["sound"]},
        "kinds of data cover all of kinds that the terms allow",
        "数据种类涵盖条款允许的数据种类的全部",
    ),
]


@pytest.mark.parametrize(("when", "facts", "english", "chinese"), PHRASES, ids=[english for _, _, english, _ in PHRASES])
def test_a_test_is_told_in_both_languages(when: dict[str, Any], facts: dict[str, Any], english: str, chinese: str) -> None:
    """Each operator reads as a lawyer would say it, numbers in digits, days written out in Chinese."""
    made = load(law(rules=[{"id": "r", "when": when, "review": "look"}]))
    for lang, phrase in (("en", english), ("zh", chinese)):
        [reason] = decide(made, lang, **facts).reasons
        assert reason.standing == "certain"
        assert reason.evidence[-1].test == phrase


def test_documents_and_what_is_claimed_are_shown() -> None:
    """A document is shown; what is claimed is relied on and shown."""
    counts = {"dated": "2026-06-01", "covers": "yes"}
    when = [{"evidence": {"has": "certificate"}}, {"claims": {"has": "necessity"}}]
    ground = {"id": "g", "when": when, "satisfies": "contract"}
    made = load(law(rules=[{"id": "n", "require": "contract"}, ground]))
    facts: dict[str, Any] = {"evidence__certificate": counts, "claims__necessity": counts}
    told = [decide(made, lang, **facts).reasons[-1].evidence[1:] for lang in ("en", "zh")]
    assert [[line.test for line in lines] for lines in told] == [
        ["certificate is shown", "necessity is relied on and shown"],
        ["已出示“认证证书”", "已援引并证明“确有必要”"],
    ]


def lanes(made: engine.Bundle, lang: str, **facts: Any) -> list[str]:
    [lane] = decide(made, lang, **facts).factor.lanes
    return [f"{lane.title}: {lane.state}", *lane.opens_when, *lane.closed_by]


def test_what_would_open_a_lane_is_told() -> None:
    """Alternatives are one entry, a failing test is told as what would have to be, what closes a lane is named."""
    either = {"any_of": [{"data.personal": "yes"}, {"data.grade": "core", "data.kinds": {"has": "map"}}]}
    lane = {"id": "lane", "when": [either, {"recipient.country": "BB"}], "advise": "use it", "lane": "fast"}
    stop = {"id": "stop", "when": {"data.label": "bar"}, "exempts": ["lane"], "title": {"en": "no lane", "zh": "不设通道"}}
    made = load(law(rules=[lane, stop, {"id": "w", "when": {"data.label": "watch"}, "review": "look"}]))
    facts = {"data__grade": "general", "data__kinds": ["map"], "data__label": "none"}
    assert lanes(made, "en", **facts) == [
        "fast lane: closed",
        "either the data are personal, or grade is core data",
        "the recipient is in Beland",
    ]
    assert lanes(made, "zh", **facts) == [
        "快速通道: closed",
        "下列任一成立：含个人信息：是，或者级别为核心数据",
        "接收方所在国为乙国",
    ]
    closed = {**facts, "data__personal": "yes", "recipient__country": "BB", "data__label": "bar"}
    assert lanes(made, "en", **closed)[-1] == "no lane (Export Law, Art. 1)"
    assert lanes(made, "zh", **closed)[-1] == "不设通道（《出口法》第一条）"


# Questions


ASKED: list[tuple[dict[str, Any], dict[str, Any], str, str]] = [
    (
        {"data.people.sensitive": {"at_least": "5"}},
        {"data__people__ordinary": "0"},
        "How many are there: people in this exchange? (sensitive data)",
        "本次涉及人数是多少？（敏感个人信息）",
    ),
    ({"data.plain": "yes"}, {}, "Is this so: plain?", "是否如此：plain？"),
    ({"data.label": "bar"}, {}, "What is the label?", "标签是什么？"),
    ({"recipient.country": "BB"}, {"recipient__country": "unknown"}, "Where is it?", "接收方在哪里？"),
    (
        {"data.collected_on": {"until": "2024-03-21"}},
        {},
        "What is the day of collection?",
        "收集日期是哪一天？",
    ),
]


@pytest.mark.parametrize(("when", "facts", "english", "chinese"), ASKED, ids=[english for _, _, english, _ in ASKED])
def test_a_question_is_the_authors_or_reads_well_without(
    when: dict[str, Any], facts: dict[str, Any], english: str, chinese: str
) -> None:
    """A fact without a question is asked for by its title and type, a member of a family by its name behind."""
    made = load(law(rules=[{"id": "r", "when": when, "review": "look"}]))
    for lang, question in (("en", english), ("zh", chinese)):
        [part] = decide(made, lang, **facts).missing
        assert [each.question for each in part.facts] == [question]


def test_a_document_is_asked_for_with_its_own_question() -> None:
    """What the vocabulary asks about a kind of document is what is asked."""
    made = load(law(rules=[{"id": "r", "require": "certificate"}, RULES[3]]))
    for lang, question in (("en", "Is there a certificate?"), ("zh", "是否有认证证书？")):
        [part] = decide(made, lang, evidence__certificate="unknown").missing
        assert [each.question for each in part.facts] == [question]


def test_several_questions_are_numbered_in_chinese() -> None:
    """Two questions in one sentence are told apart."""
    when = {"any_of": [{"data.plain": "yes"}, {"data.label": "bar"}]}
    made = load(law(rules=[{"id": "r", "when": when, "review": "look"}]))
    assert decide(made, "zh").answer.endswith("请先查明：（1）是否如此：plain？（2）标签是什么？")


# Beside the answer


def test_conflicts_and_notices_are_told() -> None:
    """What is compelled and refused, and a lane that meets a bar."""
    order = {"id": "order", "compels": {"en": "hand it over", "zh": "交出数据"}, "cite": {"en": "Art. 3", "zh": "第三条"}}
    title = {"en": "Beland Order", "zh": "乙国命令"}
    foreign = law("b", [order], jurisdiction="BB", applies={"recipient.country": "BB"}, title=title)
    lane = {"id": "lane", "advise": {"en": "use it", "zh": "可以使用"}, "lane": "fast"}
    soft = law("soft", [lane], instrument={"issuer": "x", "force": "soft"})
    decision = decide(load(law(), foreign, soft), "zh", data__label="bar", recipient__country="BB")
    assert [part.text for part in decision.conflicts] == [
        "《乙国命令》第三条强制要求（交出数据），而甲国的法律不许：《出口法》第一条。",
        "便利通道（快速通道）已经开放，但不豁免任何法律：结果仍为“禁止”。",
    ]
    assert [part.advice for part in decision.advice] == ["可以使用"]


def test_remedies_say_what_to_do() -> None:
    """A document to obtain with what it must say, and a fact to change."""
    rules = [{"id": "need", "when": {"recipient.country": "BB"}, "require": "certificate"}, RULES[3]]
    decision = decide(load(law(rules=rules)), "zh", ("remedies",), recipient__country="BB")
    assert decision.remedies
    changes = [change for remedy in decision.remedies.remedies for change in remedy.changes]
    assert changes[0].do == "取得“认证证书”，日期为2026年6月15日，涵盖本次交换。"
    assert changes[0].how == "申请认证"
    assert [change.do for change in changes[1:]] == ["变更“接收方所在国”：由乙国改为Celand。"]


def test_what_ends_an_outcome_is_told() -> None:
    """The last day of a decision has its reason in the language of the decision."""
    rules = [{"id": "r", "when": {"data.collected_on": {"older_than": "3 years"}}, "review": "look"}]
    made = load(law(rules=[*rules, {"id": "s", "in_force": {"from": "2030-01-01"}, "prohibit": "no"}]))
    for lang, because in (
        ("en", "3 years have passed since the day of collection (2024-01-01)"),
        ("zh", "自收集日期（2024年1月1日）起已满3年"),
    ):
        part = decide(made, lang, ("holds_until",), data__collected_on="2024-01-01").holds_until
        assert part
        assert part.because == [because]
    part = decide(made, "zh", ("holds_until",), data__collected_on="2019-01-01").holds_until
    assert part
    assert part.because == ["下列规定自2030年1月1日起施行：一项规定（《出口法》第一条）"]


# The languages themselves


def test_each_language_says_everything() -> None:
    """A sentence that one language has, the other has of its own."""
    said = set(Language.__abstractmethods__)
    assert said
    for language in (ENGLISH, CHINESE):
        assert said <= set(vars(type(language)))


SOURCES = {
    ("出口法", "第一条"): "《出口法》第一条",
    ("出口法", "网信部门的答复"): "《出口法》，网信部门的答复",
    ("出口法", "Art. 1"): "《出口法》第1条",
    ("出口法", "Art. 49(1)(e)"): "《出口法》第49条第1款(e)项",
    ("出口法", "Arts. 5(1), 44A and 48 to 50"): "《出口法》第5条第1款、第44A条和第48条至第50条",
    ("出口法", "Arts. 6(1)(c) and (e), 6(3) and 48"): "《出口法》第6条第1款(c)项和(e)项、第6条第3款和第48条",
    ("出口法", "Art. 46(1A) and (2)(a)"): "《出口法》第46条第1A款和第2款(a)项",
    ("出口法", "Art. 45; Decision (EU) 2022/254, Art. 1"): "《出口法》第45条；Decision (EU) 2022/254, Art. 1",
    ("出口法", "28 CFR 202.249(b)"): "《出口法》 28 CFR 202.249(b)",
    ("登记（《甲办法》、《乙指引》）", "附录I"): "登记（《甲办法》、《乙指引》）附录I",
    ("Port Act", "Art. 1"): "Port Act, Art. 1",
}


@pytest.mark.parametrize("given", SOURCES, ids=str)
def test_a_source_is_written_as_counsel_writes_it(given: tuple[str, str]) -> None:
    """《》 around an instrument, unless it has its own, then the article; an English source keeps its form."""
    assert CHINESE.source(*given) == SOURCES[given]


# The bundled policies

# What has no Chinese: codes of zones, currencies, units and standards, names of statutes and of a case, an address.
NAMES = re.compile(
    r"CLOUD Act|CN-FTZ-[A-Z]{2}|\b[A-Z]{3}\b|DB4403/T|GB/T|HIPAA|GLBA|COPPA|ITAR|Nidec|Broad Ocean|english\.beijing\.gov\.cn"
    r"|none|n/a|tba|tbd|rest|MIT|Apache|APEC|CBPR|CETS|DFFT|ECCN|Kimi K\d|GLM|-JUS|ADGM|GB(?= \d)"
    r"|[kMGTPEZY]?FLOP|GPU-hour|\b[MG]J\b|[kM]Wh|(?:kg|t)CO2e|Mbit/s|\bhour\b"
)
LATIN = re.compile(r"[A-Za-z]{2,}")
HOME = ("CN", "GLOBAL")


def texts(d: dict[str, Any]) -> Iterator[str]:
    """The sentences and titles of a decision that come from Chinese law, or from the vocabulary."""
    if {part["jurisdiction"] for part in d["jurisdictions"]} <= set(HOME):
        yield d["answer"]
        certain = [part for part in d["duties"] if part["certain"]]
        yield from (text for part in certain for text in (part["duty"], part["under"], part["citation"], part["who"]))
    for part in d["reasons"]:
        if part["jurisdiction"] in HOME:
            yield from (part["title"], part["message"], part["citation"], part["instrument"])
            yield from (line["test"] for line in part["evidence"])
    yield from (text for part in d["requirements"] for text in (part["title"], part["how"]))
    yield from (text for part in d["advice"] for text in (part["advice"], part["citation"]))
    yield from d["coverage"]["notes"]
    yield from (each["question"] for part in d["missing"] for each in part["facts"])
    for lane in d["factor"]["lanes"]:
        yield from (lane["title"], lane["citation"], *lane["opens_when"], *lane["closed_by"])
    yield from (line["title"] for part in d["factor"]["account"].values() for line in part.values())


@pytest.fixture(scope="module")
def bundled() -> engine.PDP:
    return engine.PDP(engine.load(engine.bundled_policies()), "bitset")


@pytest.mark.parametrize("folder", ["cn/", "factor/", "frameworks/"])
def test_the_chinese_policies_are_told_in_chinese(bundled: engine.PDP, folder: str) -> None:
    """No English is left in what Chinese law says, over every twelfth test exchange of the bundled policies."""
    seen = 0
    for trial in trials(bundled.bundle, bundled.bundle, folder)[::12]:
        if trial.as_of:
            exchange = engine.parse_exchange(bundled.bundle, trial.raw)
            written = bundled.write(exchange, as_of=trial.as_of, today=trial.as_of, id="1", lang="zh")
            left = {text for text in texts(json.loads(written.json())) if LATIN.search(NAMES.sub("", text))}
            assert left == set(), trial.at
            seen += 1
    assert seen > 15


def test_every_chinese_provision_has_chinese_words(bundled: engine.PDP) -> None:
    """Title, message and place of each provision of Chinese law and of the frameworks, decided on or not."""
    for rule in bundled.bundle.rules.rules:
        provision = rule.provision
        if provision.jurisdiction in HOME:
            words = (provision.title, provision.instrument, rule.message, *(duty.text for duty in rule.duties))
            left = [text.zh for text in words if text and (not text.zh or LATIN.search(NAMES.sub("", text.zh)))]
            assert left == [], provision.id


# At the desk

EXPORT = {
    "exporter": {"country": "CN", "role": "controller", "cn_ciio": False, "kind": "company", "zone": "none"},
    "recipient": {"country": "SG", "kind": "company", "relation": "same-group", "listed_on": []},
    "data": {
        "kind": "dataset", "personal": True, "state": "identified", "categories": ["health", "contact"],
        "people": {"ordinary": 0, "sensitive": 12000}, "people_in": ["CN"], "collected_in": ["CN"], "stored_in": ["CN"],
        "grades": ["general"], "controls": [], "source": "self-produced", "lawful_source": True,
    },
    "counts": {"cn": {"ordinary": 0, "sensitive": 12000}, "cn_all": {"ordinary": 0, "sensitive": 12000}},
    "act": {"kind": "provide", "bars": [], "evades": False, "trigger": "own", "security_concern": False},
    "purpose": {"is": ["service-provision"]},
    "safeguards": {"basis": ["consent"], "delivery": "raw-copy"},
    "evidence": {"cn-export-notice": {"dated": "2026-05-01", "covers": True}},
}  # fmt: skip


def ran(tmp_path: Path, *arguments: str) -> tuple[int, str]:
    file = tmp_path / "exchange.json"
    file.write_text(json.dumps(EXPORT))
    done = CliRunner().invoke(app, [arguments[0], str(file), "--mode", "bitset", *arguments[1:]])
    return done.exit_code, done.output


def test_explain_tells_an_export_in_chinese(tmp_path: Path) -> None:
    """The whole of a decision on an export from the mainland, with values by their titles, in lines that fit the screen."""
    status, told = ran(tmp_path, "explain", "--lang", "zh")
    lines = told.splitlines()
    assert status == 1
    assert lines[0] == f"不得进行  结果：要求未满足，依{CHINESE.day(datetime.now().astimezone().date())}的法律"
    for title in (
        "各法域",
        "理由",
        "要求",
        "义务",
        "数据要素账户（所述内容）",
        "尚未收录的法律",
        "已收录法律未涵盖的内容",
        "推理引擎",
    ):
        assert title in lines
    whole = re.sub(r"\n {6}", "", told)
    assert "  中国内地：要求未满足" in lines
    assert "本年度数据出境累计涉及人数（敏感个人信息）不少于10,000［12,000］" in whole
    assert "  交付，交付方式：原始副本" in lines
    assert "  新加坡：健康数据（接收方在该地）" in lines
    assert "已满足：出境告知（依cn.pipl/art-39-notice-given）" in whole
    assert lines[-1] == "本结果为工程研究，不构成法律意见。"
    codes = re.compile(r"--json|[a-z]+\.[a-z0-9-]+/[a-z0-9-]+|policies/\S+|bitset|\d+\.\d+\S*|规则集\S+|[\w/.-]*\.yaml:\d+")
    assert [line for line in lines if LATIN.search(NAMES.sub("", codes.sub("", line)))] == []
    assert max(sum(2 if ord(character) > 0x2E80 else 1 for character in line) for line in lines) <= WIDTH + 2
    assert [line for line in lines if line.strip()[:1] in "，。；：、）》”" and line.strip()] == []


def test_evaluate_tells_the_first_text_in_chinese(tmp_path: Path) -> None:
    """The verdict and the answer, and as JSON the document of that language."""
    status, told = ran(tmp_path, "evaluate", "--lang", "zh")
    assert (status, len(told.splitlines())) == (1, 3)
    assert told.splitlines()[1].startswith(
        "暂不得进行，有5项要求尚未证明已经满足：处理的合法性基础（《个人信息保护法》第十三条"
    )
    document = json.loads(ran(tmp_path, "evaluate", "--lang", "zh", "--json")[1])
    assert (document["outcome"], document["jurisdictions"][0]["title"]) == ("requirements_unmet", "中国内地")


def test_a_language_the_desk_does_not_know_is_refused(tmp_path: Path) -> None:
    """The message names those there are."""
    status, told = ran(tmp_path, "evaluate", "--lang", "fr")
    assert status == 2
    assert "there is no language `fr`; use one of en, zh" in told


def test_lines_break_where_chinese_may() -> None:
    """No line is wider than the screen, begins with a stop, or breaks a word or a number."""
    text = "依据《个人信息保护法》第三十九条，reference/2026-05 的10,000条记录；" * 12
    lines = list(wrap(text, "  ", "      "))
    assert "".join(line[2:] if number == 0 else line[6:] for number, line in enumerate(lines)).replace(" ", "") == text.replace(
        " ", ""
    )
    assert len(lines) > 3
    assert not [line for line in lines if line.strip()[0] in "，。；：、）》"]
    assert not [line for line in lines if line.endswith(("《", "（"))]
    assert all("reference/2026-05" in line or "refer" not in line for line in lines)
