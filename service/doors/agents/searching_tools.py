"""The tools that search facts and law, draft tests, and say whose key it is. None of them records anything."""

from typing import Any

from service.client import Provision, Words
from service.doors.agents.arguments import CaseArguments, FactsArguments, LawArguments, NoArguments
from service.doors.agents.asking import Asking, ToolAnswer
from service.doors.agents.deciding_tools import fact_shown
from service.doors.agents.quoting import page

ROOM = 5_000  # bytes of the items of a page
MOST_READ = 300  # provisions that are read for a page


async def find_facts(asking: Asking, sent: FactsArguments) -> ToolAnswer:
    """The facts that people call so. Raises ClientError."""
    found = [fact_shown(each, sent.lang) async for each in asking.client.facts(prefix=sent.prefix, word=sent.word)]
    items, following = page(found, sent.first, ROOM)
    rests_on = {"what": "the vocabulary of the loaded policies; that a fact is there says nothing of this exchange"}
    rest = f"call again with `first: {following}`" if following is not None else ""
    said = (
        f"Facts that are called so: {len(found)}."
        if found
        else "No fact is called so: try another word, or `prefix`, like `exporter.`."
    )
    return ToolAnswer(said, {"facts": items, "next": following}, rests_on, rest)


async def search_law(asking: Asking, sent: LawArguments) -> ToolAnswer:
    """The provisions that have each of the words. Raises ClientError."""
    found: list[dict[str, Any]] = []
    async for each in asking.client.provisions(sent.words, jurisdiction=sent.jurisdiction, policy=sent.policy):
        found.append(_provision(each, sent.lang))
        if len(found) >= min(sent.first + 40, MOST_READ):
            break
    items, following = page(found, sent.first, ROOM)
    rests_on = {
        "what": "the provisions as the authors of the policies wrote them; `status` says how sure they are. Read the source itself"
    }
    rest = f"call again with `first: {following}`, or with more words" if following is not None else ""
    said = f"Provisions with these words, from number {sent.first} on." if items else "No provision has all of these words."
    return ToolAnswer(said, {"provisions": items, "next": following}, rests_on, rest)


async def draft_test(asking: Asking, sent: CaseArguments) -> ToolAnswer:
    """A test case as text. Raises ClientError."""
    found = await asking.client.draft_case(sent.policy, sent.case, sent.outcome, sent.exchange)
    result = {"passes": found.passes, "outcome_now": found.outcome, "yaml_lines": found.yaml.splitlines()}
    rests_on = {"what": "the loaded policies alone, without register and ledger; a person reviews the case before it is kept"}
    said = (
        "The case passes with the loaded policies."
        if found.passes
        else f"The loaded policies come to `{found.outcome}` instead."
    )
    return ToolAnswer(said, result, rests_on, "state fewer facts")


async def whoami(asking: Asking, sent: NoArguments) -> ToolAnswer:
    """Whose key this is."""
    caller = asking.caller
    result = {"caller": caller.caller, "scopes": [*caller.scopes], "party": caller.party}
    return ToolAnswer(f"This is {asking.key_in_words}.", result, {"what": "what the service says of the key"})


def _provision(found: Provision, lang: str) -> dict[str, Any]:
    def told(words: Words) -> str:
        return (words.zh if lang == "zh" else None) or words.en

    shown = {
        "provision": found.id,
        "jurisdiction": found.jurisdiction,
        "instrument": told(found.instrument),
        "citation": told(found.citation),
        "title": told(found.title),
        "effect": found.effect,
        "status": found.status,
        "source": found.source,
    }
    return {**shown, "says": told(found.says)} if found.says else shown
