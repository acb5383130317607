"""
What an editor shows beside a key or an operator: one or two sentences for each.

`KEYS` has a line for every key of every document in `policy_language.model`, `OPERATORS` for every operator and group of
`policy_language.conditions`; a test holds both to it.
"""

from __future__ import annotations

_TITLE = "What it is called: a text, or one by language (`en`, `zh`)."
_ASK = "The question that the exporter is asked to find it out."
_BY_LANGUAGE = " A text, or one by language (`en`, `zh`)."
_JURISDICTION = "Whose law it is: a jurisdiction of the vocabulary."
_SOURCE = "Where it was read: the text itself, or a work that quotes it, with its date."
_STATUS = "How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`."
_FROM = "The first day, inclusive. Without it, there is no first day."
_UNTIL = "The last day, inclusive. Without it, there is no last day."
_ATTRIBUTES = {
    "under": "An attribute that `facts` does not name states the fact of the same name in this group.",
    "facts": "What each attribute states: a fact, a family, a group of facts like `evidence`, or `as_of`.",
    "names": "Attributes that hold an entity's id, each with the type of the entity. Every id of an entity counts as its first id.",
}
_DPV = "The nearest term of the Data Privacy Vocabulary."

KEYS: dict[str, dict[str, str]] = {
    "Text": {"en": "In English.", "zh": "In Chinese."},
    "Window": {"from": _FROM, "until": _UNTIL},
    "DutyText": {
        "duty": "What is to be done.",
        "who": "Who owes it, like `exporter`.",
        "cite": "The provision, where it is not the rule's own.",
        "due": (
            "The last day: `{within: 10 days, after: FACT}`, `{on: 1 March, after: FACT}`, `{on: 2026-03-01}`, or"
            " `{earliest_of: […]}`."
        ),
        "done_when": "The condition under which it counts as done.",
        "overdue": "What the decision becomes when the duty is overdue; `review` by default.",
        "keep": "How long the proof is kept, like `3 years`.",
        "arises": "What the duty arises from: `exchange`, or `refusal` (owed where the jurisdiction refuses the exchange).",
    },
    "Reviewed": {"by": "Who read the provision against its source, by role.", "on": "On which day."},
    "RuleText": {
        "id": "The name of the rule in this policy. Other policies write `policy/id`.",
        "title": "The rule in one sentence: a text, or one by language (`en`, `zh`).",
        "cite": f"The provision, like `Art. 5(1)`.{_BY_LANGUAGE}",
        "says": f"What the provision says, faithfully and in your own words.{_BY_LANGUAGE}",
        "source": _SOURCE,
        "status": f"{_STATUS} An unsure rule is a review; a lift that is unsure or from memory lifts nothing.",
        "reviewed": "Who read it against its source, and when.",
        "verify_by": "The day by which it should be read again.",
        "in_force": "When the rule is in force, within the policy's own time: one period or a list.",
        "when": "The conditions, as a mapping or a list. All of them must hold.",
        "unless": "A list of conditions. None of them may hold.",
        "prohibit": f"Effect: the exchange is prohibited and nothing cures that. The value says why.{_BY_LANGUAGE}",
        "require": "Effect: a requirement, or `any_of` or `all_of` with a list; the exchange is refused until it is met.",
        "satisfies": "Effect: the requirement, or requirements, that this ground meets.",
        "oblige": "Effect: a duty that is owed.",
        "review": f"Effect: a person must look at the exchange. The value says at what.{_BY_LANGUAGE}",
        "advise": f"Effect: advice; it lifts and refuses nothing.{_BY_LANGUAGE}",
        "allows": "Effect: the law speaks of this and asks for nothing; `otherwise` then does not stand.",
        "compels": f"Effect: what this law orders. Where another law forbids it, the conflict is shown.{_BY_LANGUAGE}",
        "exempts": "Rules that then do not stand, or requirements that are then not owed; all of the same jurisdiction.",
        "lane": "Beside `advise`: the lane that it opens.",
        "duties": "Beside `satisfies`: the duties that come with relying on this ground.",
        "travels": (
            "What travels with the data to later legs: a text to observe, such a text by language (`en`, `zh`), or `condition`, `when`"
            " and `else`."
        ),
    },
    "TravelsText": {
        "condition": f"What every later holder of the data must observe.{_BY_LANGUAGE}",
        "when": "What a later leg must meet.",
        "else": "The outcome of a leg that does not meet `when`: `review` or `prohibited`; `review` by default.",
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
        "applies": "When the instrument applies to an exchange at all; `always` for every exchange.",
        "otherwise": "The outcome where the policy applies and none of its rules stands: `prohibited` or `review`.",
        "not_reached": "Which data the law leaves alone, although they come from its country.",
        "define": "Names for conditions. In a list, a name alone stands for its condition.",
        "rules": "The provisions, in the order of the text.",
    },
    "NotReachedText": {
        "when": "When the law leaves the data alone.",
        "cite": f"Where it says so.{_BY_LANGUAGE}",
        "says": f"What it says, in your own words.{_BY_LANGUAGE}",
    },
    "FactText": {
        "type": "Its type: one of the basic types, a value set, or `set of` one.",
        "title": _TITLE,
        "ask": _ASK,
        "dpv": _DPV,
        "change": (
            "Whether the exporter can change it, so that a remedy may change it; `upwards`: only to a later value of its ordered set."
        ),
        "some": "Whether the set is never empty: `[]` is then refused.",
        "personal": "Whether its value may be personal. A personal value is kept apart from the record.",
        "from": "`register`: an organisation's own register may state it. `register-only`: nobody else may.",
        "by": "A value set; the fact is then a family, with one fact for each value.",
        "lies_in": "The fact names a place: the fact that names its country.",
    },
    "ValueText": {
        "title": _TITLE,
        "also": "Other spellings, in any language. A sender who writes one of them is told of this value.",
        "under": "The value, or values, that it is a kind of.",
        "in": "The country in which this place lies.",
        "exact": "Whether this value, when it is sent, means none of the values under it.",
        "rest": "Whether this value means none of the other values that lie under the same one.",
        "nothing": "Whether this value says that no other of its set applies; in a set it stands alone.",
        "dpv": _DPV,
    },
    "MoreValueText": {
        "title": _TITLE,
        "under": "The value of the set that it is a kind of; rules that do not name it read it as that value.",
        "rest": "Whether this value means none of the other values that are added under the same one.",
        "dpv": _DPV,
    },
    "ValueSetText": {
        "title": _TITLE,
        "ordered": "Whether the values are ranked, the lowest first.",
        "open": "Gone: in semantics 1 such a set took any text. List every value.",
        "inside": "The values are places: the value set of the countries in which they lie.",
        "complete": "The countries of which these are all the places, so that everybody there is in one of them.",
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
        "known_until": "The last day that is known. What depends on a later day is unknown.",
        "library": "The name of the place in the package `holidays`, for `fifthfactor calendars`.",
        "holidays": "The days that are not worked.",
        "workdays": "The days of a weekend that are worked.",
    },
    "KindText": {
        "title": _TITLE,
        "ask": _ASK,
        "institution": "`yes` where only an institution attests such a document, so that its name is no personal data and is shown",
    },
    "RequirementText": {
        "title": _TITLE,
        "how": "How to meet it.",
        "jurisdiction": _JURISDICTION,
        "duties": "The duties that come with relying on it.",
    },
    "CounterText": {
        "counts": "The fact that is counted; `distinct` before it counts each person once.",
        "per": "The facts by whose values the counts are kept apart.",
        "window": "`calendar year in UTC`, or `preceding 12 months`.",
        "where": "Which exchanges count; by default, all do.",
        "leaves_out": "Rules: an exchange for which one of them stands does not count.",
        "note": "What else a reader should know about the count.",
    },
    "PromiseText": {
        "title": _TITLE,
        "due": "The fact with the last day; who states it promises.",
        "by": "The fact with the id of the party that promises.",
        "to": "The fact with the id of the party to which it promises.",
        "terms": "What is promised: a name for each fact that says it.",
        "evidence": "The kinds of documents that show that it was kept.",
        "fills": "The fact that counts the overdue promises of the party.",
        "beside": "The fact beside which that count is filled in: an exchange without it is decided without the count.",
        "note": "What else a reader should know about the promise.",
    },
    "JurisdictionText": {
        "title": _TITLE,
        "countries": "The countries it covers: a list, or the name of a register.",
        "covers": "The subject matters it covers, each with its first day and the policies that speak of it.",
        "note": "Which parts of its law are not modelled.",
    },
    "CoverText": {
        "from": "The first day from which it is covered in full.",
        "partly": "`yes` if policies speak of it and it is not covered in full: what they leave alone is still reviewed.",
        "by": "The laws and orders that speak of it: policies, or single provisions (`POLICY/RULE`).",
    },
    "SubjectText": {
        "title": _TITLE,
        "when": "When the data are of this subject matter.",
        "other_than": "Another subject matter: the data are of this one where they are not of that one.",
    },
    "TouchText": {
        "fact": "A fact that names countries.",
        "as": "The role in which the exchange touches them.",
        "when": "When the fact counts; by default, always.",
    },
    "CoherenceText": {
        "never": "What cannot be true together; an exchange of which it is certainly true is refused.",
        "unless_said": "What makes it possible after all; it counts only where the exchange certainly says so.",
        "says": f"Why it cannot be so, in a sentence that the sender reads.{_BY_LANGUAGE}",
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
        "entity": "What the register calls such entities, where it does not use the name of the type.",
        "type": "The fact that the name of the type states.",
        "id": "The fact that the id states. For an entity in the register, its first id counts.",
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
        "vocabulary": "The name of this file. Several files together are one vocabulary.",
        "facts": "What an exchange may state, as `group.fact`.",
        "values": "The sets of values that facts take.",
        "semantics": "The version of the semantics that the policies are written for; one file names it for all.",
        "more_values": "Values added to sets that are defined elsewhere, each under a value of its set.",
        "registers": "Dated lists of values.",
        "calendars": "Working days by place.",
        "evidence": "The kinds of documents that can be shown.",
        "claims": "The kinds of reasons that an exporter can rely on.",
        "requirements": "What rules may require, how to meet it, and what is then owed.",
        "counters": "What is counted over time. Each counter has a fact of the same name.",
        "promises": "What parties promise by exchanges, until a last day, and what shows that it was kept.",
        "jurisdictions": "Which countries and subject matters each jurisdiction covers, and from when.",
        "subjects": "The subject matters of data, each with the condition that shows it.",
        "touches": "Which facts name a country that an exchange touches, and in which role.",
        "coherence": "What cannot be true together, whatever the law.",
        "lanes": "Names for the ways that advice opens.",
        "factor": "The account of the data as a factor of production, part by part.",
        "authzen": "How access requests (AuthZEN) are read as exchanges; in one file only.",
    },
    "AcceptanceText": {
        "id": "The name of the acceptance in this organisation.",
        "country": "The country, or countries, whose law is looked after elsewhere.",
        "subjects": "The subject matters that are accepted, and no others.",
        "by": "Who accepts, by role or name.",
        "because": f"Why nothing is missed.{_BY_LANGUAGE}",
        "from": "The first day of decisions that may rest on it, inclusive.",
        "until": "The last such day, inclusive; at most 366 days after the first.",
    },
    "SwitchedOffText": {
        "jurisdiction": "The jurisdiction whose policies do not count.",
        "policy": "The policy that does not count.",
        "because": f"Why it does not count for the organisation.{_BY_LANGUAGE}",
        "by": "Who decided that, by role or name.",
    },
    "OrganisationText": {
        "organisation": "The name of the organisation that has rules beside the law.",
        "title": _TITLE,
        "accepts": "What the organisation says is looked after elsewhere, by name, with a reason and an end.",
        "must_be_shown": "Facts, `evidence.KIND` and `claims.KIND` that count only where they are not merely stated.",
        "switched_off": "Law that does not count for the organisation; what it covered is then not modelled.",
    },
    "Expectation": {
        "outcome": "The outcome over all jurisdictions.",
        "proceed": "Whether the exchange may happen.",
        "jurisdictions": "The outcome in each.",
        "instruments": "What each instrument makes of the exchange by itself, by policy.",
        "applies": "Whether policies apply: `yes`, `no` or `unknown`.",
        "because": "Rules that certainly stand.",
        "silent": "Rules that certainly do not stand although their policy applies.",
        "beaten": "Rules that would hold, but are exempted.",
        "requirements": "The state of each: `met`, `unmet`, `unknown`, `doubtful`.",
        "duties": "Every duty that is owed, in its words; with its last day as `{duty: …, due: …}`. `[]` for none.",
        "overdue": "Every duty that is overdue, in its words; `[]` for none.",
        "missing": "Every fact that is asked for; `[]` for none.",
        "not_modelled": "Every country, or `country:subject`, that no policy covers; `[]` for none.",
        "conflicts": "The provisions that conflict; `[]` for none.",
        "lanes": "The state of each: `open`, `closed`, `possible`.",
        "factor": "Lines of the account, as `part.line`.",
        "rests_on": "Statements on which the permit rests, perhaps among others.",
        "define": "Definitions, as `policy/name`: `yes`, `no` or `unknown`.",
    },
    "DutyOnDay": {
        "duty": "The duty, in its words.",
        "due": "Its last day.",
    },
    "CaseText": {
        "case": "What the case shows, as a sentence.",
        "as_of": "The day whose law counts, where it is not the day of the file.",
        "change": "Facts that differ from the exchange above; `left out` removes a fact.",
        "expect": "What the decision must say. Only what is named here is compared.",
    },
    "TestText": {
        "test": "The policy under test. In this file, its rules may be named without it.",
        "as_of": "The day whose law counts.",
        "exchange": "The facts that every case begins with.",
        "cases": "Each case changes something and says what the decision must then say.",
    },
}

OPERATORS = {
    "at_least": "This or more. In a set of ordered values, one such member is enough.",
    "at_most": "This or less. In a set of ordered values, one such member is enough.",
    "more_than": "More than this. In a set of ordered values, one such member is enough.",
    "less_than": "Less than this. In a set of ordered values, one such member is enough.",
    "from": "On this day or after it; `as_of` is the day of the decision.",
    "until": "On this day or before it; `as_of` is the day of the decision.",
    "within": "No longer ago than this. For a date after the day of the decision, the test fails.",
    "older_than": "Longer ago than this. For a date after the day of the decision, the test fails.",
    "has": "Holds any of these.",
    "has_all": "Holds all of these.",
    "only": "Holds nothing outside these; `only: []` is empty.",
    "in": "Is in the register on the day; of several registers, in any one.",
    "not": "This test does not hold.",
    "fact": "Another fact of the same type: is the same as it; under an operator, compares with it, a set with a set.",
    "registered": "Whether the id is in the register. Only the service knows it.",
    "all_of": "All of these hold.",
    "any_of": "Any of these holds.",
    "none_of": "None of these holds.",
}
