"""The tools that change something: commit, sign off, register. They are offered only to keys with the scope for it."""

from service.doors.agents.arguments import CommitArguments, PartyArguments, SignOffArguments
from service.doors.agents.asking import Asking, ToolAnswer


async def commit(asking: Asking, sent: CommitArguments) -> ToolAnswer:
    """Report that a decided exchange happens. Raises ClientError."""
    found = await asking.client.commit(sent.decision)
    result = {"commitment": found.id, "decision": found.decision, "state": found.state}
    rests_on = {
        "decision": sent.decision,
        "what": "the exchange was decided again when it was committed",
        "key": asking.key_in_words,
    }
    return ToolAnswer(f"Committed as {found.id}.", result, rests_on)


async def sign_off(asking: Asking, sent: SignOffArguments) -> ToolAnswer:
    """Approve or refuse provisions of a decision. Raises ClientError, ValueError."""
    last = sent.last_day
    if sent.verdict == "approve" and last is None:
        raise ValueError("an approval needs `until`, its last day: ask the person who approves")
    if sent.verdict == "approve" and last is not None:
        given = await asking.client.approve(sent.decision, sent.provisions, reason=sent.reason, until=last)
    else:
        given = await asking.client.refuse(sent.decision, sent.provisions, reason=sent.reason)
    result = {"sign_offs": [{"provision": each.provision, "verdict": each.verdict} for each in given.sign_offs]}
    rests_on = {
        "decision": sent.decision,
        "what": f"what the person behind {asking.key_in_words} said",
        "key": asking.key_in_words,
    }
    return ToolAnswer("Recorded. Decide the exchange again to see what it comes to now.", result, rests_on)


async def register_party(asking: Asking, sent: PartyArguments) -> ToolAnswer:
    """Write a new party. Raises ClientError."""
    found = await asking.client.put_party(sent.id, {"facts": sent.facts}, version=0)
    result = {"id": sent.id, "version": found.get("version")}
    rests_on = {"what": f"what was stated by {asking.key_in_words}", "key": asking.key_in_words}
    return ToolAnswer("The party is registered; exchanges may name it by its id.", result, rests_on)
