"""
Decisions in Chinese, as counsel in the mainland would read them: full-width stops, 《》 around instruments, days written out.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from datetime import date

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
from engine.languages.grammar import MOST_OF_A_GROUP
from engine.languages.language import Language
from engine.values import MOST_LISTED, Duration, Number
from engine.values.outcome_levels import Level

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
_HAN = re.compile(r"[\u3400-\u9fff]")
_PARTS = r"(?:\(\w+\))"
_ARTICLES = re.compile(rf"Arts?\. (\d+[A-Z]?{_PARTS}*(?:(?:, | and | to )(?:\d+[A-Z]?{_PARTS}*|{_PARTS}+))*)")
_ARTICLE = re.compile(rf"(\d+[A-Z]?)?({_PARTS}+)|(\d+[A-Z]?)")
_BETWEEN = {", ": "、", " and ": "和", " to ": "至"}
_PLACE = re.compile("第|附|序言|全文|关于")  # the first words of a place in an instrument


# One word for one code.
class Chinese(Language):
    code = "zh"
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

    def citation(self, text: str) -> str:
        return text if _HAN.search(text) else "；".join(map(_articles, text.split("; ")))

    def source(self, instrument: str, citation: str) -> str:
        named = self.instrument(instrument)
        if not _HAN.search(instrument):
            return f"{named}, {citation}"
        citation = self.citation(citation)
        return f"{named}{'' if _PLACE.match(citation) else '，' if _HAN.match(citation) else ' '}{citation}"

    def cited(self, text: str, sources: Sequence[str]) -> str:
        return f"{text}（{'；'.join(sources)}）"

    # Values and titles

    def day(self, day: date) -> str:
        return f"{day.year}年{day.month}月{day.day}日"

    def day_in_words(self, day: date) -> str:
        return self.day(day)

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

    def span(self, low: Number, high: Number | None) -> str:
        return f"{low:,}以上" if high is None else f"{low:,}至{high:,}"

    def sums(self, low: str, high: str | None) -> str:
        return f"{low}以上" if high is None else f"{low}至{high}"

    def no_value(self, known: bool) -> str:
        return "无" if known else self.word("truth", "unknown")

    def other_members(self, alone: bool) -> str:
        return "各项" if alone else "其余各项"

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

    def contradicted(self, facts: str, book: str) -> str:
        return f"{book or '登记'}内容与所述不一致：{facts}。"

    def disputed(self, level: Level, facts: str, reasons: str, book: str) -> str:
        stop = {Level.REQUIREMENTS_UNMET: "暂不得进行", Level.REVIEW: "未经人工审查不得进行"}.get(level, "不得进行")
        why = f"因此可能适用：{reasons}。" if reasons else ""
        return f"{stop}：{book or '登记'}内容与所述不一致，以较严者为准：{facts}。{why}"

    def disputed_line(self, kind: str, entity: str, version: int | None, title: str, value: str) -> str:
        return self.headed(title, f"{value}（`{entity}`所指登记主体{f'，第{version}版' if version else ''}）")

    # The answer

    def permitted(self, places: Sequence[str]) -> str:
        return f"{self._under(places)}本次交换可以进行。"

    def permitted_with_duties(self, places: Sequence[str], number: int, duties: str) -> str:
        return f"{self._under(places)}本次交换可以进行，但须履行{number}项义务：{duties}。"

    def headed_by(self, law: str, subject: str, statement: str) -> str:
        return f"{law}中关于{subject}的部分（见收录说明）"

    def unmet(self, number: int, needed: str) -> str:
        return f"暂不得进行，有{number}项要求尚未证明已经满足：{needed}。"

    def review(self, reasons: str, questions: Sequence[str]) -> str:
        first = f"请先回答：{''.join(questions)}" if questions else ""
        return f"未经人工审查不得进行：{reasons}。{first}"

    def no_exemption(self, for_good: bool) -> str:
        return "按现有情形，没有任何办法使本次交换合法。" if for_good else "没有可以适用的例外，须改变本次交换本身。"

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

    def to_everyone(self, stays_open: Sequence[str]) -> str:
        said = "接收方为公众，不限国家和地区：法律对任何一方的规定均予计入。"
        return f"{said}无法就所有主体查明而未定的事项：{self.joined(stays_open)}。" if stays_open else said

    def _under(self, places: Sequence[str]) -> str:
        return f"依{self.joined(places)}的法律，" if places else ""

    # What came with the data

    def carried_beside(self, state: str, condition: str, origin: str) -> str:
        found = "是否满足尚不清楚" if state == "unknown" else "未满足"
        return f"数据附带的下列条件（来自{origin}）{found}：{condition}。"

    def carried_violated(self, prohibited: bool, condition: str, origin: str) -> str:
        stop = "不得进行" if prohibited else "未经人工审查不得进行"
        return f"{stop}：本次交换不满足数据附带的下列条件（来自{origin}）：{condition}。"

    # Plans

    def plan_held_back(self, leg: str, answer: str, others: int) -> str:
        more = f"另有{others}个环节也使本计划不能进行。" if others else ""
        return f"环节{leg}使本计划不能进行。{answer}{more}"

    def plan_whole(self, first: str, leg: str, outcome: str, sources: Sequence[str]) -> str:
        together = f"从环节{first}的提供方到环节{leg}的接收方"
        by = f"（{'；'.join(sources)}）" if sources else ""
        return f"{together}，结果为{outcome}{by}。" if outcome else f"{together}，能否进行取决于尚未提供的事实{by}。"

    # Why a person must look

    def otherwise(self, outcome: str) -> str:
        return f"其他条款均未作规定的，{'禁止交换' if outcome == 'prohibited' else '须经人工审查'}"

    def not_modelled(self, place: str, subject: str, roles: Sequence[str], since: date | None = None) -> str:
        about = f"有关{subject}" if subject else ""
        before = f"{self.day(since)}以前" if since else ""
        where = self.joined([self.role(role) for role in roles])
        return f"此处未收录{place}{before}{about}的法律，而{where}在该地"

    # Beside the answer

    def conflict(self, source: str, what: str, law: str, refusing: str, compels: bool, refuses: bool) -> str:
        does, refuse = "强制要求" if compels else "可能强制要求", "不许" if refuses else "可能不许"
        return f"{source}{does}（{what}），而{law}{refuse}：{refusing}。"

    def open_lane(self, lanes: Sequence[str], low: Level) -> str:
        return f"便利通道（{'、'.join(lanes)}）已经开放，但不豁免任何法律：结果仍为“{self.level(low.word)}”。"

    def ask_besides(self, said: Sequence[str], question: str) -> str:
        return f"除{self.joined([f'“{each}”' for each in said])}外，{question}"

    def ask_narrower(self, title: str, meant: Sequence[str], choices: Sequence[str], several: bool) -> str:
        said = self.joined([f"“{each}”" for each in meant])
        if not choices:
            return f"{title}中的{said}具体指什么？"
        return f"{title}中的{said}具体指下列哪{'些（请全部列出）' if several else '一项'}：{'；'.join(choices)}？"

    # Remedies

    def change(self, title: str, old: str, new: str, alike: bool) -> str:
        return f"变更“{title}”：{f'由{old}' if old else ''}改为{new}{'，或者规则同等对待的其他值' if alike else ''}。"

    def obtain(self, title: str, step: str, fields: Sequence[tuple[str, str]]) -> str:
        said = [self.texts["field_values"][field].format(value) for field, value in fields]
        return f"{self.texts['steps'][step]}“{title}”，{'，'.join(said)}。"

    # Why an outcome ends

    def has_come(self, title: str, day: date) -> str:
        return f"{title}（{self.day(day)}）已到"

    def has_passed(self, title: str, day: date) -> str:
        return f"{title}（{self.day(day)}）已过"

    def has_run(self, title: str, length: str, day: date) -> str:
        return f"自{title}（{self.day(day)}）起已满{length}"

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


def _articles(citation: str) -> str:
    """
    A citation that only names articles, as Chinese writes it; any other stays as it is.

    `Art. 49(1)(e)` is 第49条第1款(e)项, and `Art. 6(1)(a) and (3)` is 第6条第1款(a)项和第3款.
    """
    found = _ARTICLES.fullmatch(citation)
    if found is None:
        return citation

    def article(match: re.Match[str]) -> str:
        number, parts = match[1] or match[3], re.findall(r"\((\w+)\)", match[2] or "")
        told = "".join(_part(part, first=not place) for place, part in enumerate(parts))
        return f"第{number}条{told}" if number else told

    said = _ARTICLE.sub(article, found[1])
    return re.sub("|".join(map(re.escape, _BETWEEN)), lambda match: _BETWEEN[match[0]], said)


def _part(part: str, *, first: bool) -> str:
    """A part of an article: a number that comes first is a paragraph, and any other a point."""
    return f"第{part}款" if first and part[0].isdigit() else f"({part})项"


def _meant(forms: Sequence[str]) -> str:
    """What a sender may mean."""
    return f"是否指{'或者'.join(forms)}？"
