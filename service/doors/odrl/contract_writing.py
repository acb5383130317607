"""
A permit that stands goes in, an ODRL 2.2 policy in JSON-LD comes out: a `Set` of a decision, an `Agreement` of a commitment.

The policy permits the assignee to use the asset, and all of its constraints must hold: the purposes, the place, the last day, the term,
and what the profile names by facts. The mapping of contracts says which facts those are, under `written`. Whatever is not certain makes it
narrower. Duties are obligations of the policy, since a DSP `permission` has only an action and constraints, and a law's duty with a last
day is no condition of the first use.

- INVARIANT (never an offer): nothing else is written here, and nothing of an exchange that may not proceed.
"""

import json
from base64 import b64encode
from collections.abc import Iterator, Mapping
from typing import Any, Literal

import engine
from service.decisions.standing_permits import StandingPermit
from service.doors.odrl import policy_names
from service.doors.odrl.policy_names import ODRL, iri_of_fact, iri_of_id, iri_of_provision, iri_of_value
from service.doors.odrl.term_values import TermReader
from service.problems import RequestRefused

Form = Literal["odrl", "dsp"]
Written = dict[str, Any]

# What each policy names or limits: a mapping that says of one of them no fact would let the policy permit more.
NAMED = ("target", "assigner", "assignee", "elapsedTime")
LIMITED = (ODRL + "purpose", ODRL + "spatial", iri_of_fact(""))  # the last: what our own profile names by facts
CODES = ("country", "territory")  # sets whose values others know as they are: codes of countries

_MONTHS, _HOURS = 12, 24


def policy(permit: StandingPermit, log: str, receipt: bytes | None = None, form: Form = "odrl") -> Written:
    """
    The policy of a permit. `log` is the name of the log that has the decision, and `receipt` the receipt of a committed one.

    Raises RequestRefused where the exchange does not name what a policy must name.
    """
    dsp, committed = form == "dsp", permit.commitment
    if dsp and committed is None:
        raise _none(
            "only an exchange that is committed has an agreement, and DSP has no other form for it: commit the decision"
        )
    terms = _terms(permit.bundle)
    rule = _parties(permit, terms)
    written: Written = {
        "@context": [policy_names.DSP_CONTEXT, policy_names.DSP_BESIDE]
        if dsp
        else [policy_names.ODRL_CONTEXT, policy_names.CONTEXT],
        "@id": iri_of_id("policy", permit.decision) if committed is None else iri_of_id("agreement", committed.id),
        "@type": "Set" if committed is None else "Agreement",
        "profile": policy_names.PROFILE,
        **({"odrl:conflict": {"@id": "odrl:prohibit"}} if dsp else {"conflict": "prohibit"}),
    }
    if committed is not None:
        written |= rule
    permitted = {"action": "use", "constraint": list(_limits(permit, terms, dsp))}
    written["permission"] = [permitted if dsp else {**rule, **permitted}]
    passed_on = {"action": _word("distribute", dsp)}  # always an exchange of its own, whatever the terms say
    written["prohibition"] = [passed_on if dsp else {**rule, **passed_on}]
    if owed := list(_obligations(permit, rule, dsp)):
        written["obligation"] = owed
    if dsp and committed is not None:
        written["timestamp"] = _moment(committed.committed_at.isoformat())
    return {**written, **_reasons(permit, terms, log), **({} if receipt is None else {"ff:receipt": _bytes(receipt)})}


def _terms(bundle: engine.Bundle) -> TermReader:
    """The terms of the policies that decided. Raises RequestRefused where they leave out what limits a policy."""
    if any(each.door == "odrl" for each in bundle.mappings.values()):
        terms = TermReader(bundle)
        told = all(_fact(terms, word) for word in NAMED)
        if told and all(any(name.startswith(each) for name, _ in terms.written) for each in LIMITED):
            return terms
    raise _none(
        "the policies that decided do not say by which facts a contract is limited (`written` in the mapping `odrl`):"
        " evaluate the exchange with policies that do"
    )


def _fact(terms: TermReader, word: str) -> str:
    """The fact that a term of ODRL states; "" where the mappings say none."""
    term = terms.of(word)
    return (term.fact or "") if term else ""


def _parties(permit: StandingPermit, terms: TermReader) -> Written:
    """The asset and the parties. Raises RequestRefused where one is not named: the policy would then be of any."""
    exchange = permit.exchange
    named = {"target": "asset", "assigner": "party", "assignee": "party"}
    if exchange.everyone:
        if permit.commitment is not None:
            raise _none("the recipient is the public, and an agreement has one assignee")
        del named["assignee"]
    found: Written = {}
    for member, kind in named.items():
        fact = _fact(terms, member)
        id = exchange.value(fact)
        if not isinstance(id, str):
            raise _none(
                f"the exchange does not state `{fact}`, and a policy without its {member} would permit more: evaluate it with it"
            )
        found[member] = iri_of_id(kind, id)
    return found


def _limits(permit: StandingPermit, terms: TermReader, dsp: bool) -> Iterator[Written]:
    found: list[Written] = []
    for operand, fact in terms.written:  # two limits of one operand must both hold
        if values := _values(permit, fact):
            found.append(_any_of(_word(operand.removeprefix(ODRL), dsp), values))
    yield from (each for number, each in enumerate(found) if each not in found[:number])
    yield _constraint(_word("dateTime", dsp), "lteq", _day(permit.last_day.isoformat()))
    term = permit.exchange.value(_fact(terms, "elapsedTime"))
    if isinstance(term, engine.Duration) and not term.perpetual:
        if term.working_days:
            raise _none("the term is one of working days, for which ODRL has no form: state it in days or months")
        yield _constraint(_word("elapsedTime", dsp), "lteq", {"@value": _duration(term), "@type": "xsd:duration"})


def _values(permit: StandingPermit, fact: str) -> list[Any]:
    """The values of a fact as right operands, of an open set those that are known; none where it is not stated, or limits nothing."""
    value, type = permit.exchange.value(fact), permit.bundle.vocabulary.type_of(fact)
    if type is None or type.values is None or isinstance(value, engine.Missing):
        return []
    members = sorted(value.members) if isinstance(value, engine.SetOf) else [str(value)]
    if type.values.everything in members:
        return []
    if type.values.name in CODES:
        return [*members]
    return [{"@id": _iri_of(type.values, each)} for each in members]


def _iri_of(values: engine.ValueSet, value: str) -> str:
    """The name of a value: that of the Data Privacy Vocabulary where it means the same, otherwise one of ours."""
    term = values.dpv.get(value, "")
    return term if term.startswith("dpv:") else iri_of_value(values.name, value)


def _any_of(operand: str, values: list[Any]) -> Written:
    if len(values) == 1:
        return _constraint(operand, "eq", values[0])
    return _constraint(operand, "isAnyOf", values)


def _constraint(operand: str, operator: str, value: Any) -> Written:
    return {"leftOperand": operand, "operator": operator, "rightOperand": value}


def _word(word: str, dsp: bool) -> str:
    """A word of ODRL, which DSP's context has under its prefix alone."""
    return f"odrl:{word}" if dsp and ":" not in word else word


def _duration(term: engine.Duration) -> str:
    """A term as XML Schema writes a duration."""
    years, months = divmod(term.months, _MONTHS)
    days, hours = divmod(term.hours, _HOURS)
    day = "".join(f"{number}{unit}" for number, unit in ((years, "Y"), (months, "M"), (days, "D")) if number)
    return f"P{day}" + (f"T{hours}H" if hours or not day else "")


def _obligations(permit: StandingPermit, rule: Written, dsp: bool) -> Iterator[Written]:
    """What is owed, and may be; and the conditions that came with the data, which bind whoever has them next."""
    parties = {"exporter": rule.get("assigner"), "recipient": rule.get("assignee")}
    for number, duty in enumerate(_arising(permit), 1):
        due = _constraint(_word("dateTime", dsp), "lteq", _day(duty["due"])) if duty.get("due") else None
        yield _without_nothing(
            {
                "@id": f"{iri_of_id('policy', permit.decision)}:duty:{number}",
                "action": "ff:fulfil",
                "assignee": parties.get(duty["who"]),
                "constraint": [due] if due else None,
                "dct:description": _text(permit, duty["duty"]),
                "ff:owedBy": duty["who"],
                "ff:under": duty["under"],
                "ff:citation": duty.get("citation"),
                "ff:certain": duty["certain"],
                "ff:overdue": duty["overdue"],
            }
        )
    for number, carried in enumerate(permit.explanation.get("carried") or (), 1):
        yield _without_nothing(
            {
                "@id": f"{iri_of_id('policy', permit.decision)}:condition:{number}",
                "action": "ff:observe",
                "assignee": rule.get("assignee"),
                "dct:description": _text(permit, carried["condition"]),
                "ff:provision": {"@id": iri_of_provision(carried["provision"])},
                "ff:citation": carried.get("citation"),
                "ff:certain": carried["certain"],
                "ff:state": carried["state"],
            }
        )


def _arising(permit: StandingPermit) -> list[Mapping[str, Any]]:
    return [each for each in permit.explanation.get("duties") or () if each["arises"] == "exchange"]


def _reasons(permit: StandingPermit, terms: TermReader, log: str) -> Written:
    """What the policy rests on: the decision and where it is recorded, the provisions, and the statements."""
    record, said = permit.record, permit.record["decision"]
    explained = permit.explanation
    found: Written = {
        "dct:description": _text(permit, said["answer"]),
        "ff:decision": {
            "@id": iri_of_id("decision", permit.decision),
            "ff:outcome": said["outcome"],
            "ff:asOf": _day(record["as_of"]),
            "ff:recordedAt": _moment_of(record["recorded_at"]),
            "ff:log": log,
            "ff:record": permit.sequence,
            "ff:leafHash": permit.leaf_hash.hex(),
            "ff:policies": said["bundle"]["source"],
            "ff:meaning": said["bundle"]["meaning"],
            "ff:engine": said["engine"]["version"],
        },
        "ff:lastDay": _day(permit.last_day.isoformat()),
        "ff:provision": [
            _without_nothing(
                {
                    "@id": iri_of_provision(each["provision"]),
                    "dct:title": _text(permit, each["title"]),
                    "ff:citation": each["citation"],
                    "ff:instrument": each["instrument"],
                    "ff:jurisdiction": each["jurisdiction"],
                    "ff:force": each["force"],
                    "ff:effect": each["effect"],
                }
            )
            for each in explained.get("reasons") or ()
            if each["standing"] == "certain"
        ],
        "ff:readLaw": [
            {"ff:jurisdiction": each["jurisdiction"], "ff:subject": each["subject"], "ff:by": each["by"]}
            for each in explained.get("coverage", {}).get("stands_on", ())
        ],
        "ff:restsOn": [
            {"ff:fact": each["fact"], "ff:source": each["source"], "ff:without": each["without"]}
            for each in explained.get("rests_on") or ()
        ],
    }
    group = _fact(terms, "elapsedTime").partition(".")[0]
    found["ff:term"] = [
        {"ff:fact": fact, "ff:value": _stated(value)}
        for fact, value in sorted(permit.exchange.values.items())
        if fact.startswith(f"{group}.") and not permit.bundle.facts[fact].personal and not isinstance(value, engine.Missing)
    ]
    if (committed := permit.commitment) is not None:
        found["ff:commitment"] = {
            "@id": iri_of_id("commitment", committed.id),
            "ff:committedAt": _moment_of(committed.committed_at.isoformat()),
            "ff:begins": _day(permit.day.isoformat()),
        }
    return {name: value for name, value in found.items() if value not in ([], "", None)}


def _text(permit: StandingPermit, text: str) -> Any:
    return {"@value": text, "@language": permit.record.get("lang", "en")} if text else None


def _day(text: str) -> Written:
    return {"@value": text, "@type": "xsd:date"}


def _moment(text: str) -> str:
    return text.replace("+00:00", "Z")


def _moment_of(text: str) -> Written:
    return {"@value": _moment(text), "@type": "xsd:dateTime"}


def _stated(value: engine.Value) -> Any:
    """A value as an exchange states it; what is neither a value nor a list of values, as JSON in a text."""
    found = engine.to_json(value)
    return json.dumps(found, ensure_ascii=False, sort_keys=True) if isinstance(found, dict) else found


def _bytes(content: bytes) -> Written:
    return {"@value": b64encode(content).decode(), "@type": "xsd:base64Binary"}


def _without_nothing(members: Written) -> Written:
    return {name: value for name, value in members.items() if value not in (None, "", [])}


def _none(detail: str) -> RequestRefused:
    return RequestRefused("no-contract", detail)
