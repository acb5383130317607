"""
Decisions in Chinese, as counsel in the mainland would read them: full-width stops, 《》 around instruments, days written out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date
from decimal import Decimal

from engine.decision import (
    AdvicePart,
    BeatenPart,
    BoundsPart,
    CarriedPart,
    DutyPart,
    EnginePart,
    InstrumentPart,
    JurisdictionPart,
    LanePart,
    MeansPart,
    NotModelledPart,
    ReasonPart,
    RequirementPart,
    StatementPart,
)
from engine.languages.language import MOST_OF_A_GROUP, Codes, Labels, Language
from engine.rules import Level
from engine.values import MOST_LISTED, Duration

_FIELD_QUESTIONS = {
    "dated": "“{}”的日期是哪一天？",
    "filed": "“{}”于哪一天备案？",
    "expires": "“{}”的有效期至哪一天？",
    "covers": "“{}”是否涵盖本次交换？",
    "people": "“{}”涉及多少人？",
    "for": "“{}”针对哪些接收方？请列出其标识。",
    "purposes": "“{}”涵盖哪些目的？",
    "data": "“{}”涵盖哪些数据？请列出其标识。",
    "hash": "“{}”的哈希值是什么？",
    "attested_by": "“{}”由谁证明？",
}
# The words for a comparison, and for its opposite.
_AMOUNTS = {
    "at_least": ("不少于", "少于"),
    "at_most": ("不超过", "超过"),
    "more_than": ("超过", "不超过"),
    "less_than": ("少于", "不少于"),
}
_RANKS = {
    "at_least": ("不低于", "低于"),
    "at_most": ("不高于", "高于"),
    "more_than": ("高于", "不高于"),
    "less_than": ("低于", "不低于"),
}
_NAMED = 3  # places that a sentence names
_STEPS = {"obtain": "取得", "complete": "补全", "renew": "更新"}
_HAN = re.compile(r"[\u3400-\u9fff]")
_ARTICLES = re.compile(r"Arts?\. (\d+[A-Z]?(?:\(\w+\))*(?:(?:, | and | to )\d+[A-Z]?(?:\(\w+\))*)*)")
_ARTICLE = re.compile(r"(\d+[A-Z]?)((?:\(\w+\))*)")
_BETWEEN = {", ": "、", " and ": "和", " to ": "至"}
_PLACE = re.compile("第|附|序言|全文|关于")  # the first words of a place in an instrument


# One word for one code.
CODES: Codes = {
    "outcome": {
        "not_applicable": "不适用",
        "permitted": "可以进行",
        "permitted_with_obligations": "可以进行但负有义务",
        "requirements_unmet": "要求未满足",
        "review": "须经人工审查",
        "prohibited": "禁止",
        "undetermined": "尚不能确定",
    },
    "proceed": {"yes": "可以进行", "no": "不得进行", "open": "尚未决定"},
    "truth": {"yes": "是", "no": "否", "unknown": "尚不清楚"},
    "effect": {
        "prohibit": "禁止",
        "review": "须经人工审查",
        "require": "要求",
        "compels": "强制",
        "oblige": "设定义务",
        "exempts": "豁免",
        "doubts": "对法律是否适用存疑",
        "satisfies": "满足要求",
        "advise": "建议",
        "allows": "允许",
    },
    "force": {
        "law": "法律",
        "order": "命令",
        "norm": "规范性文件",
        "contract": "合同",
        "soft": "软法",
        "aspiration": "倡议",
    },
    "mark": {"confirmed": "已核实", "from-memory": "凭记忆", "unsure": "存疑"},
    "requirement": {"met": "已满足", "unmet": "未满足", "unknown": "尚不清楚", "doubtful": "存疑"},
    "lane": {"open": "开放", "possible": "可能开放", "closed": "关闭"},
    "limit": {"within": "未超出", "beyond": "已超出"},
    "validity": {
        "valid": "有效",
        "expired": "已过期",
        "not_yet": "尚未生效",
        "not_covering": "已出示，但不涵盖本次交换",
        "open": "已出示，是否有效尚不清楚",
    },
    "rights": {
        "before": "本次交换前提供方的权利",
        "after": "本次交换后接收方的权利",
        "beyond": "超出提供方自身权利之处",
        "exclusive": "对他人的独家授权",
        "earlier": "对他人的在先授权",
    },
    "carried": {"observe": "须遵守", "met": "已满足", "violated": "违反", "unknown": "尚不清楚"},
    "standing": {"certain": "确定", "possible": "可能"},
    "overdue": {"yes": "已逾期", "no": "未逾期", "unknown": "可能已逾期"},
    "arises": {"exchange": "因交换而产生", "refusal": "因不予许可而产生"},
    "notice": {"conflict": "冲突", "notice": "提示"},
    "statement": {
        "stated": "由请求方陈述",
        "registered": "来自登记",
        "shown": "已出示并核验",
        "counted": "由台账统计",
        "signed": "已签核",
        "accepted": "由本组织接受",
    },
    "settlement": {
        "settled": "价款已分配至最小货币单位。",
        "nothing-payable": "无应付款项。",
        "price-unknown": "价格不明，未作分配。",
        "price-disputed": "登记册所载价格与本次交换所述不同，未作分配。",
        "price-below-zero": "价格小于零，未作分配。",
        "price-of-a-free-supply": "免费提供却有价格，未作分配。",
        "price-too-large": "价格超出账簿可记载的上限，未作分配。",
        "price-finer-than-the-unit": "价格小于该货币的最小单位，未作分配。",
        "unknown-currency": "ISO 4217 无此货币，未作分配。",
        "no-minor-unit": "ISO 4217 未规定该货币的最小单位，未作分配。",
        "shares-unknown": "有份额不明，未作分配。",
        "shares-disputed": "登记册所载份额与本次交换所述不同，未作分配。",
        "shares-do-not-close": "各份额合计不为一，未作分配。",
        "parties-unknown": "某一受益方的主体不全，未作分配。",
        "parties-disputed": "登记册所载主体与本次交换所述不同，未作分配。",
    },
    "verdict": {"approve": "同意", "refuse": "不同意"},
    "engines": {"yes": "结论一致", "no": "结论不一致"},
    "role": {
        "exporter": "提供方",
        "recipient": "接收方",
        "people": "个人",
        "collection": "数据收集地",
        "storage": "数据存储地",
        "access": "数据访问地",
    },
    "field": {
        "dated": "日期",
        "filed": "备案日期",
        "expires": "有效期届满日",
        "covers": "涵盖本次交换",
        "people": "涉及人数",
        "for": "所针对的接收方",
        "purposes": "涵盖的目的",
        "data": "涵盖的数据",
        "hash": "哈希值",
        "attested_by": "证明人",
    },
}
SECTIONS: Labels = {
    "jurisdictions": "各法域",
    "why": "理由",
    "beaten": "因豁免而不适用的规定",
    "requirements": "要求",
    "ways": "满足要求的途径",
    "duties": "义务",
    "rests_on": "许可所依据的陈述",
    "missing": "待查明事项",
    "carried": "随数据而来的条件",
    "disputed": "登记内容与所述不一致",
    "conflicts": "冲突与提示",
    "advice": "建议",
    "lanes": "便利通道",
    "settlement": "价款分配",
    "computed": "数据要素账户（计算所得）",
    "account": "数据要素账户（所述内容）",
    "gaps": "尚未收录的法律",
    "reach": "可能适用于数据的法律",
    "notes": "已收录法律未涵盖的内容",
    "engines": "推理引擎",
}
BRIEF: Labels = {
    "jurisdiction": "法域",
    "issuer": "制定机关",
    "number": "文号",
    "force": "效力",
    "in_force": "施行",
    "applies": "适用条件",
    "terms": "用语",
    "provisions": "规定",
    "when": "条件",
    "unless": "但有下列情形的除外",
    "all": "同时满足：",
    "any": "满足其一：",
    "none": "下列情形不成立：",
    "always": "一律适用",
    "exempts": "豁免",
    "exempted": "有下列规定之一的，不适用",
    "excuses": "此时不再要求",
    "duties": "义务",
    "due": "期限",
    "done": "完成标准",
    "keep": "保存证明",
    "travels": "随数据流转",
    "sign_off": "签核",
    "two_persons": "须由两人签核",
    "source": "来源",
    "mark": "确信程度",
    "reviewed": "已对照来源核读",
    "verify": "须于此日前重新核读",
    "from": "自",
    "until": "至",
    "of": "自",
    "or": "或者",
    "and": "并且",
    "that_day": "交换之日",
    "earliest": "以先到者为准：",
    "lane": "开放便利通道",
    "accepts": "认可已另行处理的事项",
    "countries": "国家和地区",
    "subjects": "数据类型",
    "because": "理由",
    "by": "决定人",
    "must_be_shown": "仅凭声明不予采信的事项",
    "switched_off": "已停用、视同尚未收录的法律",
    "marks": "每条规定均注明确信程度。",
}


class Chinese(Language):
    code = "zh"
    name = "中文"
    english_name = "Chinese"
    codes = CODES
    sections = SECTIONS
    brief = BRIEF
    disclaimer = "本结果为工程研究，不构成法律意见。"

    # Putting together

    def listed(self, texts: Sequence[str], more: int) -> str:
        return "；".join(texts) + (f"；另有{more}项" if more else "")

    def one_after_another(self, sentences: Sequence[str]) -> str:
        return "".join(sentences)

    def joined(self, names: Sequence[str]) -> str:
        return "和".join(["、".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def either(self, names: Sequence[str]) -> str:
        return "或者".join(["、".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def both(self, tests: Sequence[str]) -> str:
        return "，且".join(tests)

    def alternatives(self, tests: Sequence[str]) -> str:
        return "下列任一成立：" + "，或者".join(tests)

    def clause(self, text: str) -> str:
        return text.rstrip("。.")

    def small(self, title: str) -> str:
        return title

    def instrument(self, title: str) -> str:
        # A title that has its own marks keeps them.
        return f"《{title}》" if _HAN.search(title) and "《" not in title else title

    def source(self, instrument: str, citation: str) -> str:
        named = self.instrument(instrument)
        if not _HAN.search(instrument):
            return f"{named}, {citation}"
        if not _HAN.search(citation):
            citation = "；".join(map(_articles, citation.split("; ")))
        return f"{named}{'' if _PLACE.match(citation) else '，' if _HAN.match(citation) else ' '}{citation}"

    def cited(self, text: str, sources: Sequence[str]) -> str:
        return f"{text}（{'；'.join(sources)}）"

    # Values and titles

    def day(self, day: date) -> str:
        return f"{day.year}年{day.month}月{day.day}日"

    def duration(self, length: Duration, calendar: str) -> str:
        if length.working_days:
            return f"{length.working_days}个工作日（{calendar}）"
        for number, unit in (
            (length.months / 12, "年"),
            (length.months, "个月"),
            (length.hours / 24, "日"),
            (length.hours, "小时"),
        ):
            if number and number == int(number):
                return f"{int(number)}{unit}"
        return "0日"

    def span(self, low: Decimal, high: Decimal | None) -> str:
        return f"{low:,}以上" if high is None else f"{low:,}至{high:,}"

    def sums(self, low: str, high: str | None) -> str:
        return f"{low}以上" if high is None else f"{low}至{high}"

    def no_value(self, known: bool) -> str:
        return "无" if known else self.word("truth", "unknown")

    def not_sent(self) -> str:
        return "未提供"

    def others(self) -> str:
        return "可能还有其他"

    def withheld(self) -> str:
        return "个人信息，不予显示"

    def pair(self, name: str, value: str) -> str:
        return f"{name}：{value}"

    def field(self, title: str, field: str) -> str:
        return f"{title}的{self.field_name(field)}"

    def member(self, family: str, member: str) -> str:
        return f"{family}（{member}）"

    def total(self, family: str) -> str:
        return f"{family}（合计）"

    def other_members(self, alone: bool) -> str:
        return "各项" if alone else "其余各项"

    def rest(self, family: str) -> str:
        return f"{family}（其余）"

    def ways(self) -> str:
        return "本次交换所依据的途径"

    def today(self) -> str:
        return "日期"

    def that_day(self) -> str:
        return "本次交换之日"

    def expires_before_dated(self) -> str:
        return "文件的有效期不得早于其日期届满"

    def follows_otherwise(self, follower: str, fact: str) -> str:
        return f"“{follower}”由“{fact}”得出，与所述不符：请更正其一，或者不填前者"

    def lies_elsewhere(self, place: str, title: str, country: str, stated: str, choices: Sequence[str]) -> str:
        listed = "、".join(choices)
        if not country:
            return f"`{place}`（{title}）不适用于{stated}，当地任何人都在下列某一地方：{listed}"
        said = f"`{place}`（{title}）位于{country}，不在{stated}"
        return f"{said}；当地可填写{listed}" if choices else f"{said}；当地无须区分地方，请勿填写"

    # What a refusal proposes

    def titled(self, text: str, titles: Sequence[str]) -> str:
        return f"{text}（{'、'.join(titles)}）" if titles else text

    def one_of_these(self, title: str, members: Sequence[str]) -> str:
        listed = "、".join(f"`{each}`" for each in members[:MOST_OF_A_GROUP])
        return f"“{title}”{len(members)}项之一：{listed}{'等' if len(members) > MOST_OF_A_GROUP else ''}"

    def no_value_of(self, word: str, of: str, values: Sequence[str], meant: Sequence[str], fact: str) -> str:
        if len(values) > MOST_LISTED:
            said = f"`{word}`不是`{of}`的{len(values)}个值之一"
            return f"{said}；{_meant(meant)}" if meant else f"{said}；全部值可用`fifthfactor facts {fact}`查看"
        said = f"`{word}`不是下列值之一：{'、'.join(f'`{each}`' for each in values)}"
        return f"{said}；{_meant(meant)}" if meant else said

    def no_fact(self, name: str, meant: Sequence[str]) -> str:
        said = f"没有名为`{name}`的事实"
        return f"{said}；{_meant(meant)}" if meant else f"{said}；请删去，或者用`fifthfactor facts 词`查找"

    def write_so(self, said: str, forms: Sequence[str]) -> str:
        return f"请写作{'或者'.join(forms)}" if forms else said

    # Tests

    def test(self, name: str, op: str, kind: str, targets: Sequence[str], negated: bool, listed: bool) -> str:
        target, several, unit = "、".join(targets), len(targets) > 1, "个" if listed else "项"
        match op:
            case "in":
                return f"{name}{'不' if negated else ''}属于{target}"
            case "is" if several:
                return f"{name}{'不是' if negated else '为'}{target}{'中的任何一项' if negated else '之一'}"
            case "is":
                return f"{name}{'不是' if negated else '为'}{target}"
            case "has" if several or listed:
                return f"{name}{'不' if negated else ''}包括{target}中的{'任何' if negated else '至少'}一{unit}"
            case "has":
                return f"{name}{'不' if negated else ''}包括{target}"
            case "only" if not targets:
                return f"{name}：{'有' if negated else '无'}"
            case "only":
                return f"{name}{'不' if negated else '仅'}限于{target}"
            case "within":
                return f"{name}{'不' if negated else ''}在最近{target}以内"
            case "older_than":
                return f"{name}距今{'未' if negated else ''}超过{target}"
        if kind == "date":
            earlier, strict = op == "at_most", negated
            word = ("晚于" if earlier else "早于") if strict else ("不晚于" if earlier else "不早于")
        else:
            word = (_RANKS if kind == "value" else _AMOUNTS)[op][negated]
        return f"{name}{word}{target}"

    def yes_no(self, name: str, yes: bool) -> str:
        return f"{name}：{self.truth(yes)}"

    def same(self, name: str, other: str, negated: bool) -> str:
        return f"{name}与{other}{'不同' if negated else '相同'}"

    def of_sets(self, name: str, op: str, other: str, negated: bool) -> str:
        match op:
            case "only":
                return f"{name}{'' if negated else '未'}超出{other}"
            case "has_all":
                return f"{name}{'未' if negated else ''}涵盖{other}的全部"
        return f"{name}与{other}{'没有' if negated else '有'}重合"

    def shown(self, name: str, claim: bool, negated: bool) -> str:
        word = ("未援引并证明" if negated else "已援引并证明") if claim else ("未出示" if negated else "已出示")
        return f"{word}“{name}”"

    def in_register(self, name: str, known: bool) -> str:
        return f"{name}{'已' if known else '未'}登记在册"

    # What the register says otherwise

    def contradiction(self, stated: str, registered: str) -> str:
        return f"所述为{stated}，登记为{registered}"

    def contradicted(self, facts: str, book: str) -> str:
        return f"{book or '登记'}内容与所述不一致：{facts}。"

    def disputed(self, level: Level, facts: str, reasons: str, book: str) -> str:
        stop = {Level.REQUIREMENTS_UNMET: "暂不得进行", Level.REVIEW: "未经人工审查不得进行"}.get(level, "不得进行")
        why = f"因此可能适用：{reasons}。" if reasons else ""
        return f"{stop}：{book or '登记'}内容与所述不一致，以较严者为准：{facts}。{why}"

    def refused(self, outcome: str) -> str:
        return f"不得进行：{self.level(outcome)}。"

    def reasons_withheld(self) -> str:
        return "理由取自登记册，而本调用方无权查阅。"

    def disputed_line(self, kind: str, entity: str, version: int | None, title: str, value: str) -> str:
        return self.headed(title, f"{value}（`{entity}`所指登记主体{f'，第{version}版' if version else ''}）")

    # The answer

    def hypothetically(self, day: date, answer: str) -> str:
        return f"假设按{self.day(day)}的法律：{answer}"

    def disagreement(self) -> str:
        return "不得进行：各推理引擎对本次交换的结论不一致，须经人工审查。"

    def permitted(self, places: Sequence[str]) -> str:
        return f"{self._under(places)}本次交换可以进行。"

    def permitted_with_duties(self, places: Sequence[str], number: int, duties: str) -> str:
        return f"{self._under(places)}本次交换可以进行，但须履行{number}项义务：{duties}。"

    def stands_on(self, provisions: str) -> str:
        return f"依据：{provisions}。"

    def headed_by(self, law: str, subject: str, statement: str) -> str:
        return f"{law}中关于{subject}的部分（见收录说明）"

    def nothing_against(self, laws: str) -> str:
        return f"下列法律中未发现不许本次交换的规定：{laws}。"

    def unmet(self, number: int, needed: str) -> str:
        return f"暂不得进行，有{number}项要求尚未证明已经满足：{needed}。"

    def review(self, reasons: str, questions: Sequence[str]) -> str:
        first = f"请先回答：{''.join(questions)}" if questions else ""
        return f"未经人工审查不得进行：{reasons}。{first}"

    def beside(self, reasons: str) -> str:
        return f"此外须经人工审查：{reasons}。"

    def prohibited(self, reasons: str) -> str:
        return f"不得进行：{reasons}。"

    def no_exemption(self, for_good: bool) -> str:
        return "按现有情形，没有任何办法使本次交换合法。" if for_good else "没有可以适用的例外，须改变本次交换本身。"

    def no_way(self) -> str:
        return "本次交换的其他事实排除了满足该要求的所有途径。"

    def not_applicable(self, left_alone: str) -> str:
        return f"此处收录的法律均未涉及本次交换；这不等于许可{f'：{left_alone}' if left_alone else ''}。"

    def left_alone(self, place: str, subject: str, because: str) -> str:
        return f"{place}有关{subject}的法律不适用于本次交换{f'（{because}）' if because else ''}"

    def undecided(self, places: Sequence[str], low: Level, high: Level, questions: Sequence[str], more: int) -> str:
        others = f"等{len(places)}地" if len(places) > _NAMED else ""
        under = f"依{self.joined(places[:_NAMED])}{others}的法律" if places else ""
        between = f"{under}尚不能作出决定：结果介于“{self.level(low.word)}”与“{self.level(high.word)}”之间"
        if not questions:
            return f"{between}。"
        asked = [f"（{number}）{question}" for number, question in enumerate(questions, 1)] if len(questions) > 1 else questions
        return f"{between}；请先查明：{''.join(asked)}{f'另有{more}项事实待定。' if more else ''}"

    def elsewhere(self, places: Sequence[str], others: Sequence[str], beside: bool) -> str:
        number = f"{'另外' if beside else ''}{len(places)}地的法律"
        law = f"{self.joined(places)}的法律" if len(places) <= _NAMED else number
        return f"视尚未说明的事实，{self.joined([*([law] if places else []), *others])}也可能适用。"

    def nothing_settles(self) -> str:
        return "补充任何事实均不足以确定法律适用的结果"

    def to_everyone(self, stays_open: Sequence[str]) -> str:
        said = "接收方为公众，不限国家和地区：法律对任何一方的规定均予计入。"
        return f"{said}无法就所有主体查明而未定的事项：{self.joined(stays_open)}。" if stays_open else said

    def only_stated(self, titles: Sequence[str]) -> str:
        return f"以下事项仅有陈述，须出示后方予采信：{self.joined(titles)}。"

    def signed_off(self, accepts: str, what: str, until: date) -> str:
        said = {
            "review": "下列审查已经人工签核",
            "gap": "经人工签核，此处未收录的下列法律已经研读并得到遵守",
            "reaches": "经人工签核，下列法律适用于本次交换",
            "lift": "下列存疑的豁免或者依据已经人工签核",
            "reach": "下列法律可能适用一事已经人工签核",
        }[accepts]
        return f"{said}，有效期至{self.day(until)}：{what}。"

    def accepted(self, what: str, by: str, until: date) -> str:
        return f"本结果依据{by}的确认（有效期至{self.day(until)}）：此处未收录的下列法律已另行处理：{what}。"

    def sign_off_ends(self, day: date) -> str:
        return f"签核于{self.day(day)}到期"

    def shown_until(self, title: str, day: date) -> str:
        return f"“{title}”的核验于{self.day(day)}到期"

    def acceptance_begins(self, by: str, day: date) -> str:
        return f"{by}的认可自{self.day(day)}起生效"

    def acceptance_ends(self, by: str, day: date) -> str:
        return f"{by}的认可于{self.day(day)}到期"

    def _under(self, places: Sequence[str]) -> str:
        return f"依{self.joined(places)}的法律，" if places else ""

    # What came with the data

    def carried_to_observe(self, condition: str, origin: str) -> str:
        return f"数据附带下列条件（来自{origin}），须予遵守：{condition}。"

    def carried_beside(self, state: str, condition: str, origin: str) -> str:
        found = "是否满足尚不清楚" if state == "unknown" else "未满足"
        return f"数据附带的下列条件（来自{origin}）{found}：{condition}。"

    def carried_unknown(self, condition: str, origin: str) -> str:
        return f"尚不能作出决定：数据附带的下列条件（来自{origin}）是否满足尚不清楚：{condition}。"

    def carried_violated(self, prohibited: bool, condition: str, origin: str) -> str:
        stop = "不得进行" if prohibited else "未经人工审查不得进行"
        return f"{stop}：本次交换不满足数据附带的下列条件（来自{origin}）：{condition}。"

    def carried_perhaps(self, condition: str, origin: str) -> str:
        return f"尚不能作出决定：本次交换不满足数据可能附带的下列条件（来自{origin}）：{condition}。"

    # Plans

    def leg(self, leg: str) -> str:
        return f"环节{leg}"

    def of_leg(self, leg: str, text: str) -> str:
        return f"环节{leg}：{text}"

    def plan_permitted(self) -> str:
        return "本计划的每个环节均可进行。"

    def plan_held_back(self, leg: str, answer: str, others: int) -> str:
        more = f"另有{others}个环节也使本计划不能进行。" if others else ""
        return f"环节{leg}使本计划不能进行。{answer}{more}"

    def plan_whole(self, first: str, leg: str, outcome: str, sources: Sequence[str]) -> str:
        together = f"从环节{first}的提供方到环节{leg}的接收方"
        by = f"（{'；'.join(sources)}）" if sources else ""
        return f"{together}，结果为{outcome}{by}。" if outcome else f"{together}，能否进行取决于尚未提供的事实{by}。"

    def plan_contradiction(self, leg: str, before: str, kind: str, title: str) -> str:
        match kind:
            case "people":
                return f"环节{leg}涉及的人数多于环节{before}带来的人数（{title}）。"
            case "places":
                return f"环节{leg}涉及的地方与环节{before}带来的不同（{title}）。"
            case "party":
                return f"环节{leg}的提供方与环节{before}的接收方不符（{title}）。"
        return f"环节{before}和环节{leg}不可能是同一次交换（{title}）。"

    def plan_unlinked(self, leg: str, of: str) -> str:
        return f"环节{leg}的提供方可能是环节{of}的接收方。其数据是否来自该环节？请提供`after`，或者`data.derived: other`和两个数据标识。"

    def plan_stopped(self, text: str) -> str:
        return f"本计划各环节合起来不能进行。{text}"

    # Why a person must look

    def unsettled(self, says: str) -> str:
        return f"下列规定是否成立尚无定论：{says}"

    def otherwise(self, outcome: str) -> str:
        return f"其他条款均未作规定的，{'禁止交换' if outcome == 'prohibited' else '须经人工审查'}"

    def unread(self, place: str, subject: str, law: str) -> str:
        return f"{place}有关{subject}的法律尚未研读：{law}"

    def read_in_doubt(self, place: str, subject: str) -> str:
        return f"{place}有关{subject}的法律，所读内容存疑"

    def not_modelled(self, place: str, subject: str, roles: Sequence[str], since: date | None = None) -> str:
        about = f"有关{subject}" if subject else ""
        before = f"{self.day(since)}以前" if since else ""
        where = self.joined([self.role(role) for role in roles])
        return f"此处未收录{place}{before}{about}的法律，而{where}在该地"

    def reached(self, place: str, subject: str) -> str:
        return f"数据来自{place}，该地有关{subject}的法律是否适用尚无定论"

    def doubtful(self, title: str) -> str:
        return f"下列要求仅凭存疑的依据满足：{title}"

    def overdue(self, duty: str) -> str:
        return f"有一项义务已经逾期：{duty}"

    def lifted_in_doubt(self, title: str) -> str:
        return f"“{title}”是否得以豁免存疑"

    # Beside the answer

    def law_of(self, place: str) -> str:
        return f"{place}的法律"

    def conflict(self, source: str, what: str, law: str, refusing: str, compels: bool, refuses: bool) -> str:
        does, refuse = "强制要求" if compels else "可能强制要求", "不许" if refuses else "可能不许"
        return f"{source}{does}（{what}），而{law}{refuse}：{refusing}。"

    def open_lane(self, lanes: Sequence[str], low: Level) -> str:
        return f"便利通道（{'、'.join(lanes)}）已经开放，但不豁免任何法律：结果仍为“{self.level(low.word)}”。"

    def about_member(self, question: str, member: str) -> str:
        return f"{question}（{member}）"

    def ask(self, title: str, kind: str) -> str:
        match kind:
            case "document":
                return f"是否已出示“{title}”，并载明日期和适用范围？"
            case "yes/no":
                return f"是否如此：{title}？"
            case "count":
                return f"{title}是多少？"
            case "date":
                return f"{title}是哪一天？"
        return f"{title}是什么？"

    def ask_besides(self, said: Sequence[str], question: str) -> str:
        return f"除{self.joined([f'“{each}”' for each in said])}外，{question}"

    def ask_narrower(self, title: str, meant: Sequence[str], choices: Sequence[str], several: bool) -> str:
        said = self.joined([f"“{each}”" for each in meant])
        if not choices:
            return f"{title}中的{said}具体指什么？"
        return f"{title}中的{said}具体指下列哪{'些（请全部列出）' if several else '一项'}：{'；'.join(choices)}？"

    def ask_field(self, title: str, field: str) -> str:
        return _FIELD_QUESTIONS[field].format(title)

    # Remedies

    def change(self, title: str, old: str, new: str, alike: bool) -> str:
        return f"变更“{title}”：{f'由{old}' if old else ''}改为{new}{'，或者规则同等对待的其他值' if alike else ''}。"

    def claim(self, title: str) -> str:
        return f"仅在属实的情况下主张：{title}。"

    def obtain(self, title: str, step: str, fields: Sequence[tuple[str, str]]) -> str:
        names = [(field, self.field_name(field), value) for field, value in fields]
        this = {"covers": "", "for": "包括本次接收方", "data": "包括本次数据"}
        said = [f"{name}{this.get(field, f'为{value}')}" for field, name, value in names]
        return f"{_STEPS[step]}“{title}”，{'，'.join(said)}。"

    # Why an outcome ends

    def comes_into_force(self, name: str, day: date) -> str:
        return f"下列规定自{self.day(day)}起施行：{name}"

    def in_force_until(self, name: str, day: date) -> str:
        return f"下列规定施行至{self.day(day)}：{name}"

    def among_from(self, name: str, register: str, day: date) -> str:
        return f"{name}自{self.day(day)}起属于{register}"

    def among_until(self, name: str, register: str, day: date) -> str:
        return f"{name}至{self.day(day)}为止属于{register}"

    def modelled_from(self, place: str, subject: str, day: date) -> str:
        return f"{place}有关{subject}的法律自{self.day(day)}起收录"

    def has_come(self, title: str, day: date) -> str:
        return f"{title}（{self.day(day)}）已到"

    def has_passed(self, title: str, day: date) -> str:
        return f"{title}（{self.day(day)}）已过"

    def has_run(self, title: str, length: str, day: date) -> str:
        return f"自{title}（{self.day(day)}）起已满{length}"

    def is_dated(self, title: str, day: date) -> str:
        return f"“{title}”的日期为{self.day(day)}"

    def expires(self, title: str, day: date) -> str:
        return f"“{title}”的有效期于{self.day(day)}届满"

    def last_day_passes(self, duty: str) -> str:
        return f"一项义务的最后期限已过：{duty}"

    # A decision line by line, for a person at a desk

    def outcome_line(self, outcome: str, bounds: BoundsPart, as_of: date) -> str:
        between = f"（{self.level(bounds.lowest)}至{self.level(bounds.highest)}）" if outcome == "undetermined" else ""
        return f"结果：{self.level(outcome)}{between}，依{self.day(as_of)}的法律"

    def jurisdiction_line(self, part: JurisdictionPart) -> str:
        return self.headed(part.title, self.level(part.outcome))

    def instrument_line(self, part: InstrumentPart) -> str:
        return self.headed(part.title, self.level(part.outcome))

    def reason_line(self, part: ReasonPart) -> str:
        about = "，".join([*self.kind(part.force, part.mark), self.word("effect", part.effect)])
        text = f"{part.title}——{self.source(part.instrument, part.citation)}（{about}），见{part.at}"
        return self.certainly(part.standing == "certain", text)

    def because_line(self, tests: Sequence[str]) -> str:
        return self.headed("依据", "；".join(tests))

    def tested(self, test: str, value: str) -> str:
        return f"{test}［{value}］"

    def beaten_line(self, part: BeatenPart) -> str:
        return f"{part.provision}，被{'、'.join(part.by)}豁免{'（存疑，故须人工审查）' if part.doubtful else ''}"

    def requirement_line(self, part: RequirementPart) -> str:
        met = f"（依{'、'.join(part.met_by)}）" if part.met_by else f"——{part.how}"
        return self.headed(self.word("requirement", part.state), f"{part.title}{met}")

    def means_line(self, part: MeansPart, lacking: Sequence[str]) -> str:
        ends = "可使交换获准" if part.to_yes else "仍须人工审查" if part.doubtful else ""
        wanted = f"尚缺{self.listed(lacking, more=0)}" if lacking else "无所缺"
        return f"{part.title}（{part.citation}）：{wanted}{f'；{ends}' if ends else ''}"

    def duty_line(self, part: DutyPart) -> str:
        due = [f"最迟{part.due}"] if part.due else []
        late = [self.word("overdue", part.overdue)] if part.overdue != "no" else []
        keep = [f"保存{part.keep}"] if part.keep else []
        text = self.headed(part.who, f"{part.duty}（{'，'.join([part.under, *due, *late, *keep])}）")
        return self.certainly(part.certain, text)

    def statement_line(self, title: str, part: StatementPart) -> str:
        alone = part.without not in ("permitted", "permitted_with_obligations")
        without = f"如无此项，结果可能为{self.level(part.without)}" if alone else "与其他陈述一并起作用"
        return self.headed(f"{title}（{self.word('statement', part.source)}）", without)

    def ordinary_facts(self, count: int) -> str:
        return f"{count}项一般事实（`--json`列出全部）"

    def carried_line(self, part: CarriedPart) -> str:
        source = self.source(part.instrument, part.citation)
        return self.headed(self.word("carried", part.state), f"{part.condition}（{source}，来自{part.from_}）")

    def advice_line(self, part: AdvicePart) -> str:
        return f"{part.advice}（{part.provision}，{part.citation}；{'，'.join(self.kind(part.force, part.mark))}）"

    def lane_line(self, part: LanePart) -> str:
        about = f"{part.provision}，{part.citation}；{'，'.join(self.kind(part.force, part.mark))}"
        text = self.headed(self.word("lane", part.state), f"{part.title}（{about}）")
        if part.state == "possible":
            return f"{text}；有事实尚未提供（开放条件见`--json`）"
        if part.closed_by:
            text += f"；因下列规定关闭：{'、'.join(part.closed_by)}"
        all_ = "须同时满足" if len(part.opens_when) > 1 else ""
        return text + (f"；开放条件{all_}：{'；'.join(part.opens_when)}" if part.opens_when else "")

    def account_line(self, account: str, title: str, value: str) -> str:
        return self.headed(f"{account}，{title}", value)

    def not_computed(self) -> str:
        return "未计算：登记内容与提交内容不一致"

    def other_currency(self, of: str, to: str) -> str:
        return f"{of}与{to}币种不同，不作比较：金额从不换算"

    def ratio(self, of: str, to: str, ratio: str, within: str) -> str:
        return f"{of}为{to}的{ratio}倍{f'，{within}' if within else ''}"

    def no_ratio(self, of: str, to: str, within: str) -> str:
        return f"{of}对{to}没有比率{f'，{within}' if within else ''}"

    def highest(self, value: str, signals: Sequence[str], more: bool) -> str:
        others = "，可能还有其他信号，级别可能更高" if more else ""
        return f"{value}，为{len(signals)}个信号（{'、'.join(signals)}）中的最高级{others}"

    def validity(self, document: str, state: str, last: date | None, day: date) -> str:
        return f"{document}：{self.day(day)}{state}{f'（有效期至{self.day(last)}）' if last else ''}"

    def right(self, right: str, reach: Sequence[str], by: str, sure: bool) -> str:
        return f"{right}（{'，'.join(reach)}；依据{by}{'' if sure else '，未经证明'}）"

    def grant(self, id: str, reach: Sequence[str]) -> str:
        return f"{id}（{'，'.join(reach)}）"

    def until(self, day: str) -> str:
        return f"至{day}"

    def endless(self) -> str:
        return "无期限"

    def rights_held(self, rights: Sequence[str], more: int, complete: bool) -> str:
        told = self.listed(rights, more=more) if rights else "权利簿未载明任何权利"
        return told if complete else f"{told}；权利簿可能不完整"

    def rights_conveyed(self, rights: Sequence[str], reach: Sequence[str]) -> str:
        return f"{self.joined(rights)}（{'，'.join(reach)}）" if rights else "无"

    def rights_beyond(self, limits: Sequence[str], more: bool) -> str:
        if not limits:
            return "不明"
        return f"{self.joined(limits)}{'，可能还有其他' if more else ''}"

    def rights_granted(self, grants: Sequence[str], more: int, certain: bool) -> str:
        return f"{'' if certain else '可能：'}{self.listed(grants, more=more)}"

    def total_of_shares(self, total: str, state: str) -> str:
        match state:
            case "closed":
                return "各份额合计为一"
            case "open":
                return f"已知份额合计为{total}，其余尚不清楚"
        return f"各份额合计为{total}，不等于一"

    def reach_line(self, place: str, subject: str, certain: bool) -> str:
        return self.certainly(certain, f"{self.headed(place or '未知的国家或地区', subject)}，故须人工审查")

    def gap_line(self, place: str, subject: str, part: NotModelledPart) -> str:
        roles = self.joined([self.role(role) for role in part.touched_as])
        reviewed = "，故须人工审查" if part.reviewed else ""
        law = self.headed(place or "未知的国家或地区", subject or "全部事项")
        return self.certainly(part.certain, f"{law}（{roles}在该地）{reviewed}")

    def engines_line(self, part: EnginePart, bundle: str) -> str:
        agreed = self.word("engines", "yes" if part.agreed else "no")
        return f"{'、'.join(part.engines)}（{agreed}），版本{part.version}，规则集{bundle}"

    def headed(self, head: str, text: str) -> str:
        return f"{head}：{text}"


def _articles(citation: str) -> str:
    """A citation that only names articles, as Chinese writes it: `Art. 49(1)(e)` is 第49条第1款(e)项. Any other stays as it is."""
    found = _ARTICLES.fullmatch(citation)
    if found is None:
        return citation

    def article(match: re.Match[str]) -> str:
        parts = re.findall(r"\((\w+)\)", match[2])
        told = "".join(f"第{part}款" if part.isdigit() and not number else f"({part})项" for number, part in enumerate(parts))
        return f"第{match[1]}条{told}"

    said = _ARTICLE.sub(article, found[1])
    return re.sub("|".join(map(re.escape, _BETWEEN)), lambda match: _BETWEEN[match[0]], said)


def _meant(forms: Sequence[str]) -> str:
    """What a sender may mean."""
    return f"是否指{'或者'.join(forms)}？"
