"""
What an editor shows beside a key or an operator: one or two sentences for each.

`KEYS` has a line for every key of every document in `policy_language.model`, `OPERATORS` for every operator and group of
`policy_language.conditions`; a test holds both to it.
"""

from __future__ import annotations

_TITLE = "What it is called: a text, or one by language (`en`, `zh`)."
_ASK = "The question that asks for it, as the exporter would be asked."
_BY_LANGUAGE = " A text, or one by language (`en`, `zh`)."
_JURISDICTION = "Whose law it is: a jurisdiction of the vocabulary."
_SOURCE = "Where it was read: the text, or whoever quotes it, with its date."
_STATUS = "How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`."
_FROM = "The first day, inclusive; left out, there is no first."
_UNTIL = "The last day, inclusive; left out, there is no last."
_ATTRIBUTES = {
    "under": "Every attribute not named in `facts` states the fact of its own name under this group.",
    "facts": "What each attribute states: a fact, a family, a group of facts like `evidence`, or `as_of`.",
    "names": "Attributes that are ids of entities, with the type of these: any id of an entity then counts as its first.",
}
_DPV = "The nearest term of the Data Privacy Vocabulary."

KEYS: dict[str, dict[str, str]] = {
    "Text": {"en": "In English.", "zh": "In Chinese."},
    "Window": {"from": _FROM, "until": _UNTIL},
    "DutyText": {
        "duty": "What is to be done.",
        "who": "Who owes it, like `exporter`.",
        "cite": "The provision, where it is another than the rule's.",
        "due": (
            "The last day: `{within: 10 days, after: FACT}`, `{on: 1 March, after: FACT}`, `{on: 2026-03-01}`, or"
            " `{earliest_of: […]}`."
        ),
        "done_when": "The condition under which it counts as done.",
        "overdue": "What the decision becomes where it was due and is not done; `review` where left out.",
        "keep": "How long the proof is kept, like `3 years`.",
        "arises": "`exchange`, or `refusal`: then it is owed where the jurisdiction refuses the exchange.",
    },
    "Reviewed": {"by": "Who read the provision against its source, by role.", "on": "On which day."},
    "RuleText": {
        "id": "The name of the rule in this policy; others write `policy/id`.",
        "title": "The rule in one sentence: a text, or one by language (`en`, `zh`).",
        "cite": f"The provision, like `Art. 5(1)`.{_BY_LANGUAGE}",
        "says": f"What the provision says, faithfully and in own words.{_BY_LANGUAGE}",
        "source": _SOURCE,
        "status": f"{_STATUS} An unsure rule is a review; an unsure or remembered lift lifts nothing.",
        "reviewed": "Who read it against its source, and when.",
        "verify_by": "The day by which it should be read again.",
        "in_force": "When the rule is in force, within the policy's own time: one period or a list.",
        "when": "What must hold: a mapping or a list, all of it.",
        "unless": "A list, none of which may hold.",
        "prohibit": f"Effect: nothing cures it. Says why.{_BY_LANGUAGE}",
        "require": "Effect: a requirement, or `any_of` or `all_of` with a list; the exchange is refused until it is met.",
        "satisfies": "Effect: the requirement, or requirements, that this ground meets.",
        "oblige": "Effect: a duty that is owed.",
        "review": f"Effect: a person must look at it. Says at what.{_BY_LANGUAGE}",
        "advise": f"Effect: advice; it lifts and refuses nothing.{_BY_LANGUAGE}",
        "compels": f"Effect: what this law orders, though another may forbid it; the conflict is shown.{_BY_LANGUAGE}",
        "exempts": "Rules that then do not hold, or requirements that are not owed, of the same jurisdiction.",
        "lane": "Beside `advise`: the lane that it opens.",
        "duties": "Beside `satisfies`: what is owed by whoever relies on this ground.",
        "travels": (
            "What goes with the data to the next legs: a text to observe, or one by language (`en`, `zh`), or `condition`, `when` and"
            " `else`."
        ),
    },
    "TravelsText": {
        "condition": f"What whoever has the data must observe.{_BY_LANGUAGE}",
        "when": "What a later leg must meet.",
        "else": "What a leg that does not meet it comes to: `review`, or `prohibited`; `review` where left out.",
    },
    "InstrumentText": {
        "issuer": "Who issued it.",
        "number": "Its number, like `Order 16`.",
        "force": (
            "How it binds: `law` and `order` decide, a `norm` prohibits nothing, a `contract` binds its parties, `soft` and"
            " `aspiration` only advise."
        ),
    },
    "PolicyText": {
        "policy": "The name of the policy, like `cn.order-16`.",
        "title": "The title of the instrument: a text, or one by language (`en`, `zh`).",
        "jurisdiction": _JURISDICTION,
        "instrument": "Who issued it and how it binds.",
        "in_force": "When it is in force: one period or a list, both ends inclusive.",
        "applies": "When the instrument speaks of an exchange at all.",
        "define": "Names for conditions; in a list, a name alone is the condition.",
        "rules": "The provisions, in the order of the text.",
    },
    "FactText": {
        "type": "Its type: one of the basic types, a value set, or `set of` one.",
        "title": _TITLE,
        "ask": _ASK,
        "dpv": _DPV,
        "change": "Whether the exporter can change it, so that a remedy may.",
        "personal": "Whether its value may be personal; it is then kept apart from the record.",
        "from": "`register`: it may stand in an organisation's own register of parties.",
        "by": "A value set; the fact is then a family, with one fact for each value.",
    },
    "ValueText": {
        "title": _TITLE,
        "under": "The value, or values, that it is a kind of.",
        "exact": "Whether the value, sent as such, is none of those under it.",
        "dpv": _DPV,
    },
    "ValueSetText": {
        "title": _TITLE,
        "ordered": "Whether the values are ranked, the lowest first.",
        "open": "Whether an exchange may send values that are not listed.",
        "values": "A list, or a mapping of each value to its title or to what it lies `under`.",
    },
    "EntryText": {
        "from": _FROM,
        "until": _UNTIL,
        "scope": "How far the entry goes, in words.",
        "source": _SOURCE,
        "status": _STATUS,
    },
    "RegisterText": {
        "title": _TITLE,
        "of": "The value set whose values it lists.",
        "source": _SOURCE,
        "status": _STATUS,
        "entries": "A list of values, or a mapping of each to the days between which it is listed.",
    },
    "CalendarText": {
        "title": _TITLE,
        "source": _SOURCE,
        "status": _STATUS,
        "weekend": "The days of the week that are not worked.",
        "known_from": "The first day that is known.",
        "known_until": "The last day that is known; what depends on a later one is unknown.",
        "library": "The place as the package `holidays` calls it, for `fifthfactor calendars`.",
        "holidays": "The days that are not worked.",
        "workdays": "The days of a weekend that are worked.",
    },
    "KindText": {"title": _TITLE, "ask": _ASK},
    "RequirementText": {
        "title": _TITLE,
        "how": "How to meet it.",
        "jurisdiction": _JURISDICTION,
        "duties": "What is owed by whoever relies on it.",
    },
    "CounterText": {
        "counts": "The fact that is counted; `distinct` before it counts each person once.",
        "per": "The facts whose values the counts are kept by.",
        "window": "`calendar year in UTC`, or `preceding 12 months`.",
        "where": "Which exchanges count; left out, all do.",
        "leaves_out": "Rules: an exchange for which one of them stands does not count.",
        "note": "What else is to be known of the count.",
    },
    "JurisdictionText": {
        "title": _TITLE,
        "countries": "The countries it covers: a list, or the name of a register.",
        "covers": "The subject matters it covers, each with the first day.",
        "note": "What of its law is not modelled.",
    },
    "SubjectText": {"title": _TITLE, "when": "When the data are of this subject matter."},
    "TouchText": {
        "fact": "A fact that names countries.",
        "as": "As what the exchange touches them.",
        "when": "When the fact counts; left out, always.",
    },
    "FactorLineText": {
        "title": _TITLE,
        "fact": "The fact that the line shows.",
        "take": "`all` of its values, or the `highest`.",
    },
    "FactorPartText": {"title": _TITLE, "lines": "The lines of this part of the account."},
    "LaneText": {"title": _TITLE},
    "EntityText": {
        **_ATTRIBUTES,
        "entity": "What the register calls such entities, where that is another name than the type's.",
        "type": "The fact that the name of the type states.",
        "id": "The fact that the id states; where the register has the entity, its first id.",
    },
    "ActionText": {**_ATTRIBUTES, "name": "The fact that the name of the action states."},
    "ContextText": {**_ATTRIBUTES, "entities": "Attributes that stand for an entity: its id, or `{id: …, properties: …}`."},
    "AuthZenText": {
        "subjects": "Types of subjects, and what their ids and properties state.",
        "actions": "Actions, and what their names and properties state.",
        "resources": "Types of resources, and what their ids and properties state.",
        "context": "What the context of a request states.",
    },
    "VocabularyText": {
        "vocabulary": "The name of this file; several files add up.",
        "facts": "What an exchange may state, as `group.fact`.",
        "values": "The sets of values that facts take.",
        "registers": "Dated lists of values.",
        "calendars": "Working days by place.",
        "evidence": "The kinds of documents that can be shown.",
        "claims": "The kinds of reasons that can be relied on.",
        "requirements": "What rules may require, how to meet it, and what is then owed.",
        "counters": "What is counted over time; each has a fact of its name.",
        "jurisdictions": "Which countries and subject matters each jurisdiction covers, from when.",
        "subjects": "What kinds of matter data can be, by the facts that tell it.",
        "touches": "Which facts name a country that an exchange touches, and as what.",
        "lanes": "Names for the ways that advice opens.",
        "factor": "The account of the data as a factor of production, part by part.",
        "authzen": "How access requests (AuthZEN) are read as exchanges; in one file only.",
    },
    "Expectation": {
        "outcome": "The outcome over all jurisdictions.",
        "proceed": "Whether the exchange may happen.",
        "jurisdictions": "The outcome in each.",
        "because": "Rules that stand for certain.",
        "silent": "Rules that certainly do not stand.",
        "beaten": "Rules that would hold, but are exempted.",
        "requirements": "The state of each: `met`, `unmet`, `unknown`, `doubtful`.",
        "duties": "Every duty that is owed, in its words; `[]` for none.",
        "overdue": "Every duty that is overdue, in its words; `[]` for none.",
        "missing": "Every fact that is asked for; `[]` for none.",
        "not_modelled": "Every country, or `country:subject`, that no policy covers; `[]` for none.",
        "conflicts": "The provisions that conflict; `[]` for none.",
        "lanes": "The state of each: `open`, `closed`, `possible`.",
        "factor": "Lines of the account, as `part.line`.",
        "define": "Definitions, as `policy/name`: `yes`, `no` or `unknown`.",
    },
    "CaseText": {
        "case": "What the case shows, as a sentence.",
        "as_of": "The day whose law counts, where it is another than the file's.",
        "change": "Facts that differ from the exchange above; `left out` takes one away.",
        "expect": "What the decision must say; what is not named is not compared.",
    },
    "TestText": {
        "test": "The policy under test; its rules may be named without it.",
        "as_of": "The day whose law counts.",
        "exchange": "The facts that every case begins with.",
        "cases": "Each changes something and says what must come of it.",
    },
}

OPERATORS = {
    "at_least": "This or more; on a set of ordered values, any member.",
    "at_most": "This or less; on a set of ordered values, any member.",
    "more_than": "More than this; on a set of ordered values, any member.",
    "less_than": "Less than this; on a set of ordered values, any member.",
    "from": "On this day or after it; `as_of` is the day of the decision.",
    "until": "On this day or before it; `as_of` is the day of the decision.",
    "within": "No longer ago than this; a later date is not.",
    "older_than": "Longer ago than this; a later date is not.",
    "has": "Holds any of these.",
    "has_all": "Holds all of these.",
    "only": "Holds nothing outside these.",
    "in": "Is in the register on the day; of several, in any.",
    "not": "This test does not hold.",
    "fact": "Is the same as another fact of its type.",
    "all_of": "All of these hold.",
    "any_of": "Any of these holds.",
    "none_of": "None of these holds.",
}
