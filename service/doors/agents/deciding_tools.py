"""The tools that decide, and those that say what is missing, what would help and why: arguments in, what the service says of them out."""

from collections.abc import Mapping
from typing import Any

from service.client import Fact, Refused
from service.doors.agents.arguments import (
    BeginArguments,
    DecisionArguments,
    ExchangeArguments,
    ExplainArguments,
    RecipientsArguments,
)
from service.doors.agents.asking import Asking, ToolAnswer
from service.doors.agents.quoting import page

MOST_OPEN = 8  # facts to ask for in one answer
MOST_VALUES = 20  # of a fact
LONG_LIST, FEW_VALUES = 60, 4  # of a list as long as that of all countries, so few show how they are written
# What an answer says of the engines and of itself is in `rests_on`. An agent keeps no permit: each of its acts is to be in the log.
_BESIDE = ("schema", "id", "bundle", "engine", "verdict", "rests_on", "also_rests_on", "explanation", "answer", "keep_until")
_NOT_RECORDED = "nothing of this is recorded, and nothing of it permits"


async def begin(asking: Asking, sent: BeginArguments) -> ToolAnswer:
    """The everyday exchanges, or one of them. Raises ClientError, ValueError."""
    presets = await asking.client.presets()
    rests_on = {"what": "the presets of the loaded policies; every fact in one is a guess until the user confirms it"}
    if sent.preset is None:
        listed = [{"preset": each.id, "title": each.title.en, "says": each.says.en} for each in presets]
        return ToolAnswer(f"{len(listed)} everyday exchanges to begin with.", {"presets": listed}, rests_on)
    found = next((each for each in presets if each.id == sent.preset), None)
    if found is None:
        raise ValueError(f"there is no preset with this id; there are {', '.join(each.id for each in presets)}")
    result = {"exchange": found.exchange, "ask_the_user_to_confirm": [*found.to_confirm], "says": found.says.en}
    return ToolAnswer(f"{found.title.en}: confirm each fact with the user before you use it.", result, rests_on)


async def missing(asking: Asking, sent: ExchangeArguments) -> ToolAnswer:
    """The facts that are open for an exchange, the best to ask for first. Raises ClientError."""
    asked: list[dict[str, Any]] = []
    more = 0
    async for each in asking.client.facts_for(sent.exchange):
        if each.state != "open":
            break
        if len(asked) < MOST_OPEN:
            stated = _stated(sent.exchange, each.name)
            asked.append(fact_shown(each, sent.lang) | ({} if stated is None else {"says_too_little": stated}))
        else:
            more += 1
    rests_on = {
        "what": "the exchange as sent, under the loaded policies",
        "key": asking.key_in_words,
        "recorded": _NOT_RECORDED,
    }
    if not asked:
        said = "No fact is open that could change the outcome: `decide` the exchange."
    else:
        said = f"Open facts: {len(asked) + more}. Ask the user for the first: {asked[0]['fact']}."
    return ToolAnswer(
        said, {"open": asked, "more_open": more}, rests_on, "state the first answers and call again" if more else ""
    )


async def decide(asking: Asking, sent: ExchangeArguments) -> ToolAnswer:
    """The recorded decision on an exchange. Raises ClientError."""
    answer = await asking.client.evaluate(sent.exchange, lang=sent.lang)
    document = answer.document
    result = {"proceed": answer.proceed, "decision": answer.id}
    result |= {
        name: value for name, value in document.items() if name not in _BESIDE and name not in result and value not in ([], {})
    }
    rests_on: dict[str, Any] = {
        "statements": [dict(each) for each in document.get("rests_on") or ()],
        "also": [*answer.also_rests_on],
        **_of_policies(document),
        "recorded": f"as decision {answer.id}, under {asking.key_in_words}",
    }
    return ToolAnswer(answer.sentence, result, rests_on, "`explain` this decision, part by part")


async def ways_to_yes(asking: Asking, sent: DecisionArguments) -> ToolAnswer:
    """What would let a refused exchange go ahead. Raises ClientError."""
    found = (await asking.client.explanation(sent.decision, ("remedies", "ways", "factor"), lang=sent.lang)).document
    lanes = [
        {name: each[name] for name in ("lane", "title", "state", "opens_when", "closed_by") if each.get(name)}
        for each in (found.get("factor") or {}).get("lanes") or []
    ]
    result = {"remedies": found.get("remedies"), "ways": found.get("ways") or [], "lanes": lanes}
    rests_on = {
        "decision": sent.decision,
        "what": "each change was decided again, and verified; whether it is true is for the user to say",
    }
    said = "Changes that were verified, ways to each requirement, and lanes of facilitation."
    return ToolAnswer(said, result, rests_on, "`explain` with part `ways` or `remedies`")


async def explain(asking: Asking, sent: ExplainArguments) -> ToolAnswer:
    """One part of an explanation; a list comes in pages. Raises ClientError."""
    found = (await asking.client.explanation(sent.decision, (sent.part,), lang=sent.lang)).document
    part = found.get(sent.part)
    rests_on = {"decision": sent.decision, "what": "the exchange of the record, judged again by the policies of that decision"}
    if part is None:
        return ToolAnswer(f"This decision has nothing under `{sent.part}`.", {sent.part: None}, rests_on)
    if isinstance(part, list):
        items, following = page(part, sent.first, room=5_000)
        said = f"{len(part)} items under `{sent.part}`, from number {sent.first} on."
        rest = f"call again with `first: {following}`" if following is not None else ""
        return ToolAnswer(said, {sent.part: items, "next": following}, rests_on, rest)
    return ToolAnswer(f"The part `{sent.part}` of the explanation.", {sent.part: part}, rests_on, "other parts say more")


async def which_recipients(asking: Asking, sent: RecipientsArguments) -> ToolAnswer:
    """What an exchange comes to with each of several recipients. Raises ClientError."""
    found = await asking.client.recipients(sent.exchange, sent.recipients, lang=sent.lang)
    told: list[dict[str, Any]] = []
    questions: dict[str, str] = {}  # each once: most recipients share theirs
    may = 0
    for recipient, each in zip(sent.recipients, found, strict=True):
        if isinstance(each, Refused):
            places = [f"{place.pointer}: {place.detail}" for place in each.errors[:3]]
            told.append({"recipient": recipient, "refused": each.detail, "places": places})
            continue
        may += each.proceed
        brief: dict[str, Any] = {"recipient": recipient, "outcome": each.outcome, "would_proceed": each.proceed}
        if each.unmet:
            brief["unmet"] = [*each.unmet[:3]]
        if each.prohibited_by:
            brief["prohibited_by"] = [f"{one.provision} ({one.citation})" for one in each.prohibited_by[:2]]
        if each.question:
            brief["ask_next"] = each.question.fact
            questions[each.question.fact] = each.question.question
        told.append(brief)
    rests_on = {"what": "each recipient as sent, the register and the ledger as they are now", "recorded": _NOT_RECORDED}
    said = f"{may} of {len(found)} would proceed now; `decide` the exchange with the one that is chosen."
    return ToolAnswer(said, {"recipients": told, "questions": questions}, rests_on, "send fewer recipients at once")


def fact_shown(fact: Fact, lang: str) -> dict[str, Any]:
    """A fact as an agent reads it."""
    chinese = lang == "zh"
    ask = fact.ask and ((fact.ask.zh if chinese else None) or fact.ask.en)
    found: dict[str, Any] = {
        "fact": fact.name,
        "question": ask or (fact.title.zh if chinese else None) or fact.title.en,
        "type": fact.type,
    }
    if fact.says:
        found["says"] = [*fact.says]
    if fact.values:
        most = MOST_VALUES if len(fact.values) <= LONG_LIST else FEW_VALUES
        found["values"] = [*fact.values[:most]]
        if len(fact.values) > most:
            found["more_values"] = len(fact.values) - most
    return found


def _stated(exchange: Mapping[str, Any], fact: str) -> Any:
    """What an exchange states of a fact, None where it states nothing: if the fact is open all the same, this says too little."""
    found: Any = exchange
    for step in fact.split("."):
        found = found.get(step) if isinstance(found, Mapping) else None
    return found


def _of_policies(document: Mapping[str, Any]) -> dict[str, Any]:
    """The policies and the day of an answer."""
    bundle = document.get("bundle")
    meaning = bundle.get("meaning", "") if isinstance(bundle, Mapping) else ""
    return {"policies": str(meaning)[:16], "day": document.get("as_of")}
