"""
A decision as lines for a person at a desk, in one language.

Goes from the decision document to titled sections. Sentences of the decision are in its language already; what is said around them,
and the codes that stand in it (outcomes, states, forces), are said here.
"""

from __future__ import annotations

import textwrap
import unicodedata
from abc import ABC, abstractmethod
from collections.abc import Iterator
from typing import Any, ClassVar

import engine

WIDTH = 110
DISCLAIMER = "Engineering research, not legal advice."
Part = dict[str, Any]


def sections(decision: engine.Decision, lines: Lines) -> Iterator[tuple[str, list[str]]]:
    """The sections of a decision that hold something, each with its title."""
    d = decision.model_dump(mode="json", by_alias=True)
    stated = [
        lines.account(part, line)
        for part, each in d["factor"]["account"].items()
        for line in each.values()
        if line["value"] is not None
    ]
    found = {
        "jurisdictions": [lines.jurisdiction(part) for part in d["jurisdictions"]],
        "why": [line for part in d["reasons"] for line in lines.reason(part)],
        "beaten": [lines.beaten(part) for part in d["beaten"]],
        "requirements": [lines.requirement(part) for part in d["requirements"]],
        "duties": [lines.duty(part) for part in d["duties"]],
        "to find out": [f"{part['question']} [{part['fact']}]" for each in d["missing"][:1] for part in each["facts"]],
        "conflicts": [part["text"] for part in d["conflicts"]],
        "advice": [lines.advice(part) for part in d["advice"]],
        "lanes": [lines.lane(part) for part in d["factor"]["lanes"]],
        "account": stated,
        "not modelled": [lines.gap(part) for part in d["coverage"]["not_modelled"]],
        "about coverage": d["coverage"]["notes"],
        "decided by": [lines.decided(d["engine"], d["bundle"]["meaning"][:12])],
    }
    yield from ((lines.TITLES[name], each) for name, each in found.items() if each)


class Lines(ABC):
    """How the parts of a decision read in one language; a part is the JSON of one."""

    TITLES: ClassVar[dict[str, str]]
    DISCLAIMER: ClassVar[str]

    @abstractmethod
    def fill(self, text: str, first: str = "", rest: str = "") -> str:
        """A text in lines of WIDTH; `first` and `rest` stand before the first and the others."""

    @abstractmethod
    def verdict(self, proceed: bool) -> str: ...

    @abstractmethod
    def outcome(self, decision: engine.Decision) -> str: ...

    @abstractmethod
    def jurisdiction(self, part: Part) -> str: ...

    @abstractmethod
    def reason(self, part: Part) -> Iterator[str]: ...

    @abstractmethod
    def beaten(self, part: Part) -> str: ...

    @abstractmethod
    def requirement(self, part: Part) -> str: ...

    @abstractmethod
    def duty(self, part: Part) -> str: ...

    @abstractmethod
    def advice(self, part: Part) -> str: ...

    @abstractmethod
    def lane(self, part: Part) -> str: ...

    @abstractmethod
    def account(self, name: str, part: Part) -> str: ...

    @abstractmethod
    def gap(self, part: Part) -> str: ...

    @abstractmethod
    def decided(self, part: Part, bundle: str) -> str: ...


class English(Lines):
    """Values stand as they were sent: their codes are English words."""

    TITLES: ClassVar = {
        "jurisdictions": "Jurisdictions",
        "why": "Why",
        "beaten": "Beaten",
        "requirements": "Requirements",
        "duties": "Duties",
        "to find out": "To find out",
        "conflicts": "Conflicts and notices",
        "advice": "Advice",
        "lanes": "Lanes",
        "account": "Data factor account",
        "not modelled": "Not modelled",
        "about coverage": "About what is covered",
        "decided by": "Decided by",
    }
    DISCLAIMER: ClassVar = DISCLAIMER

    def fill(self, text: str, first: str = "", rest: str = "") -> str:
        return textwrap.fill(text, WIDTH, initial_indent=first, subsequent_indent=rest)

    def verdict(self, proceed: bool) -> str:
        return "PROCEED" if proceed else "DO NOT PROCEED"

    def outcome(self, decision: engine.Decision) -> str:
        between = ""
        if decision.outcome == "undetermined":
            between = f" ({decision.bounds.lowest} to {decision.bounds.highest})"
        return f"{decision.outcome}{between}".replace("_", " ") + f", as of {decision.as_of}"

    def jurisdiction(self, part: Part) -> str:
        return f"{part['title']}: {part['outcome'].replace('_', ' ')}"

    def reason(self, part: Part) -> Iterator[str]:
        sure = "" if part["standing"] == "certain" else "perhaps: "
        mark = "" if part["mark"] == "confirmed" else f", {part['mark']}"
        kind = f"{part['force']}{mark}; {part['effect']}"
        yield f"{sure}{part['title']} - {part['instrument']}, {part['citation']} ({kind}) at {part['at']}"
        facts = [f"{each['test']} [{self._value(each['value'])}]" for each in part["evidence"] if each["truth"] == "yes"]
        if facts:
            yield "    because " + "; ".join(facts)

    def beaten(self, part: Part) -> str:
        return f"{part['provision']} by {', '.join(part['by'])}{' (in doubt, so it is reviewed)' if part['doubtful'] else ''}"

    def requirement(self, part: Part) -> str:
        met = f" (met by {', '.join(part['met_by'])})" if part["met_by"] else f" - {part['how']}"
        return f"{part['state']}: {part['title']}{met}"

    def duty(self, part: Part) -> str:
        due = f", by {part['due']}" if part["due"] else ""
        late = {"yes": ", OVERDUE", "unknown": ", perhaps overdue"}.get(part["overdue"], "")
        keep = f", keep for {part['keep']}" if part["keep"] else ""
        return f"{'' if part['certain'] else 'perhaps: '}{part['who']}: {part['duty']} ({part['under']}{due}{late}{keep})"

    def advice(self, part: Part) -> str:
        return f"{part['advice']} ({part['provision']}, {part['citation']}; {part['force']})"

    def lane(self, part: Part) -> str:
        text = f"{part['state']}: {part['title']} ({part['provision']}, {part['citation']}; {part['force']})"
        if part["state"] == "possible":
            return f"{text}; facts are missing (`--json` has what would open it)"
        if part["closed_by"]:
            text += f"; closed by {', '.join(part['closed_by'])}"
        return text + (f"; opens when {'; '.join(part['opens_when'])}" if part["opens_when"] else "")

    def account(self, name: str, part: Part) -> str:
        return f"{name}, {part['title']}: {self._value(part['value'])}"

    def gap(self, part: Part) -> str:
        perhaps, reviewed = "" if part["certain"] else ", perhaps", ", so reviewed" if part["reviewed"] else ""
        return f"{part['country']}: {part['subject']} (touched as {', '.join(part['touched_as'])}){perhaps}{reviewed}"

    def decided(self, part: Part, bundle: str) -> str:
        agreed = "agreed" if part["agreed"] else "DISAGREED"
        return f"{' and '.join(part['engines'])} ({agreed}), version {part['version']}, bundle {bundle}"

    def _value(self, value: Any) -> str:
        match value:
            case None:
                return "not stated"
            case bool():
                return "yes" if value else "no"
            case list():
                return ", ".join(map(str, value)) or "none"
            case dict():
                return ", ".join(f"{key} {self._value(inner)}" for key, inner in value.items())
        return str(value)


class Chinese(Lines):
    """Values stand by their titles, which a phrasebook of the bundle knows."""

    TITLES: ClassVar = {
        "jurisdictions": "各法域",
        "why": "理由",
        "beaten": "因豁免而不适用的规定",
        "requirements": "要求",
        "duties": "义务",
        "to find out": "待查明事项",
        "conflicts": "冲突与提示",
        "advice": "建议",
        "lanes": "便利通道",
        "account": "数据要素账户",
        "not modelled": "尚未收录的法律",
        "about coverage": "收录范围说明",
        "decided by": "推理引擎",
    }
    DISCLAIMER: ClassVar = "本结果为工程研究，不构成法律意见。"
    FORCES: ClassVar = {
        "law": "法律",
        "order": "命令",
        "norm": "规范性文件",
        "contract": "合同",
        "soft": "软法",
        "aspiration": "倡议",
    }
    MARKS: ClassVar = {"from-memory": "凭记忆", "unsure": "存疑"}
    EFFECTS: ClassVar = {
        "prohibit": "禁止",
        "require": "要求",
        "satisfies": "满足要求",
        "oblige": "设定义务",
        "review": "审查",
        "advise": "建议",
        "compels": "强制",
        "exempts": "豁免",
    }
    STATES: ClassVar = {"met": "已满足", "unmet": "未满足", "unknown": "尚不能确定", "doubtful": "存疑"}
    LANES: ClassVar = {"open": "开放", "possible": "可能开放", "closed": "关闭"}

    def __init__(self, book: engine.Phrasebook) -> None:
        self._book = book
        self._say = book.language

    def fill(self, text: str, first: str = "", rest: str = "") -> str:
        return "\n".join(_wrapped(text, first, rest))

    def verdict(self, proceed: bool) -> str:
        return "可以进行" if proceed else "不得进行"

    def outcome(self, decision: engine.Decision) -> str:
        between = ""
        if decision.outcome == "undetermined":
            between = f"（{self._say.level(decision.bounds.lowest)}至{self._say.level(decision.bounds.highest)}）"
        return f"结果：{self._say.level(decision.outcome)}{between}，依{self._say.day(decision.as_of)}的法律"

    def jurisdiction(self, part: Part) -> str:
        return f"{part['title']}：{self._say.level(part['outcome'])}"

    def reason(self, part: Part) -> Iterator[str]:
        sure = "" if part["standing"] == "certain" else "可能："
        kind = "，".join([*self._kind(part), self.EFFECTS[part["effect"]]])
        source = self._say.source(part["instrument"], part["citation"])
        yield f"{sure}{part['title']}——{source}（{kind}），见{part['at']}"
        facts = [each["test"] + self._sent(each) for each in part["evidence"] if each["truth"] == "yes"]
        if facts:
            yield "    依据：" + "；".join(facts)

    def beaten(self, part: Part) -> str:
        return f"{part['provision']}，被{'、'.join(part['by'])}豁免{'（存疑，故须审查）' if part['doubtful'] else ''}"

    def requirement(self, part: Part) -> str:
        met = f"（依{'、'.join(part['met_by'])}）" if part["met_by"] else f"——{part['how']}"
        return f"{self.STATES[part['state']]}：{part['title']}{met}"

    def duty(self, part: Part) -> str:
        due = [f"最迟{part['due']}"] if part["due"] else []
        late = {"yes": ["已逾期"], "unknown": ["可能已逾期"]}.get(part["overdue"], [])
        keep = [f"保存{part['keep']}"] if part["keep"] else []
        about = "，".join([part["under"], *due, *late, *keep])
        return f"{'' if part['certain'] else '可能：'}{part['who']}：{part['duty']}（{about}）"

    def advice(self, part: Part) -> str:
        return f"{part['advice']}（{part['provision']}，{part['citation']}；{'，'.join(self._kind(part))}）"

    def lane(self, part: Part) -> str:
        about = f"{part['provision']}，{part['citation']}；{'，'.join(self._kind(part))}"
        text = f"{self.LANES[part['state']]}：{part['title']}（{about}）"
        if part["state"] == "possible":
            return f"{text}；有事实尚未提供（开放条件见 --json）"
        if part["closed_by"]:
            text += f"；因下列规定关闭：{'、'.join(part['closed_by'])}"
        return text + (f"；开放条件：{'；'.join(part['opens_when'])}" if part["opens_when"] else "")

    def account(self, name: str, part: Part) -> str:
        return f"{self._book.account(name)}，{part['title']}：{self._book.told(part['fact'], part['value'])}"

    def gap(self, part: Part) -> str:
        known, about = part["country"] != "unknown", part["subject"] != "all"
        place = self._book.place(part["country"]) if known else "未知的国家或地区"
        subject = self._book.subject(part["subject"]) if about else "全部事项"
        roles = "、".join(self._say.role(role) for role in part["touched_as"])
        perhaps, reviewed = "" if part["certain"] else "，可能涉及", "，故须审查" if part["reviewed"] else ""
        return f"{place}：{subject}（涉及：{roles}）{perhaps}{reviewed}"

    def decided(self, part: Part, bundle: str) -> str:
        agreed = "结论一致" if part["agreed"] else "结论不一致"
        return f"{'、'.join(part['engines'])}（{agreed}），版本{part['version']}，规则集{bundle}"

    def _kind(self, part: Part) -> list[str]:
        """The force of a provision, and its mark where it is not sure."""
        return [self.FORCES[part["force"]], *([self.MARKS[part["mark"]]] if part["mark"] in self.MARKS else [])]

    def _sent(self, part: Part) -> str:
        """What was sent, where the test does not say it."""
        value = "未提供" if part["value"] is None else self._book.told(part["fact"], part["value"])
        return "" if part["test"].endswith(value) else f"［{value}］"


def _wrapped(text: str, first: str, rest: str) -> Iterator[str]:
    """Lines no wider than WIDTH, where Chinese takes two places and breaks anywhere but before a stop; other words are kept whole."""
    line, width = first, len(first)
    for piece in _pieces(text):
        wide = _width(piece)
        if width + wide > WIDTH and line.strip():
            yield line.rstrip()
            line, width, piece = rest, len(rest), piece.lstrip()
            wide = _width(piece)
        line, width = line + piece, width + wide
    yield line


def _pieces(text: str) -> Iterator[str]:
    """What no line break may stand inside of."""
    piece = ""
    for before, after in zip(text, [*text[1:], ""], strict=True):
        piece += before
        closes = after in "，。；：、？！）》”］…—" if after else True
        word = before.isascii() and after.isascii() and not before.isspace()
        if (not closes and not word and before not in "（《“［—") or not after:
            yield piece
            piece = ""


def _width(text: str) -> int:
    return sum(2 if unicodedata.east_asian_width(character) in "WF" else 1 for character in text)
