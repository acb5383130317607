"""
Words for codes (outcomes, effects, states, marks): one word for one code, in each language.

Decisions, records and policies hold codes for programs. Pages and commands that show a code to a person take its word from here.
"""

from __future__ import annotations

from collections.abc import Mapping

Codes = Mapping[str, Mapping[str, str]]  # by kind, then by code

ENGLISH: Codes = {
    "outcome": {
        "not_applicable": "not applicable",
        "permitted": "permitted",
        "permitted_with_obligations": "permitted with obligations",
        "requirements_unmet": "requirements unmet",
        "review": "subject to review",
        "prohibited": "prohibited",
        "undetermined": "not decided",
    },
    "proceed": {"yes": "proceed", "no": "do not proceed"},
    "truth": {"yes": "yes", "no": "no", "unknown": "not known"},
    "effect": {
        "prohibit": "prohibits",
        "review": "asks for a review",
        "require": "requires",
        "compels": "compels",
        "oblige": "obliges",
        "exempts": "exempts",
        "satisfies": "meets a requirement",
        "advise": "advises",
    },
    "force": {
        "law": "law",
        "order": "order",
        "norm": "norm",
        "contract": "contract",
        "soft": "soft law",
        "aspiration": "aspiration",
    },
    "mark": {"confirmed": "confirmed", "from-memory": "from memory", "unsure": "unsure"},
    "requirement": {"met": "met", "unmet": "unmet", "unknown": "not known", "doubtful": "in doubt"},
    "lane": {"open": "open", "possible": "perhaps open", "closed": "closed"},
    "carried": {"observe": "to observe", "met": "met", "violated": "violated", "unknown": "not known"},
    "standing": {"certain": "certain", "possible": "perhaps"},
    "overdue": {"yes": "overdue", "no": "in time", "unknown": "perhaps overdue"},
    "arises": {"exchange": "owed by the exchange", "refusal": "owed because the exchange is refused"},
    "notice": {"conflict": "conflict", "notice": "notice"},
    "verdict": {"approve": "approved", "refuse": "refused"},
    "engines": {"yes": "agreed", "no": "disagreed"},
    "role": {
        "exporter": "exporter",
        "recipient": "recipient",
        "people": "people concerned",
        "collection": "place of collection",
        "storage": "place of storage",
        "access": "place of access",
    },
    "field": {
        "dated": "dated",
        "filed": "filed",
        "expires": "expires",
        "covers": "covers this exchange",
        "people": "people covered",
        "hash": "hash",
        "attested_by": "attested by",
    },
}
CHINESE: Codes = {
    "outcome": {
        "not_applicable": "不适用",
        "permitted": "可以进行",
        "permitted_with_obligations": "可以进行但负有义务",
        "requirements_unmet": "要求未满足",
        "review": "须经人工审查",
        "prohibited": "禁止",
        "undetermined": "尚不能确定",
    },
    "proceed": {"yes": "可以进行", "no": "不得进行"},
    "truth": {"yes": "是", "no": "否", "unknown": "尚不清楚"},
    "effect": {
        "prohibit": "禁止",
        "review": "须经人工审查",
        "require": "要求",
        "compels": "强制",
        "oblige": "设定义务",
        "exempts": "豁免",
        "satisfies": "满足要求",
        "advise": "建议",
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
    "carried": {"observe": "须遵守", "met": "已满足", "violated": "违反", "unknown": "尚不清楚"},
    "standing": {"certain": "确定", "possible": "可能"},
    "overdue": {"yes": "已逾期", "no": "未逾期", "unknown": "可能已逾期"},
    "arises": {"exchange": "因交换而产生", "refusal": "因不予许可而产生"},
    "notice": {"conflict": "冲突", "notice": "提示"},
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
        "hash": "哈希值",
        "attested_by": "证明人",
    },
}
