"""
The tools, each with what a key needs for it: which of them a key is offered, and one by its name.

A tool is a function of a client and of its arguments. It asks the service and writes the answer; it decides nothing.
"""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Any

from service.client import Caller
from service.doors.agents import acting_tools, deciding_tools, searching_tools
from service.doors.agents.arguments import (
    BeginArguments,
    CaseArguments,
    CommitArguments,
    DecisionArguments,
    ExchangeArguments,
    ExplainArguments,
    FactsArguments,
    LawArguments,
    NoArguments,
    PartyArguments,
    RecipientsArguments,
    SignOffArguments,
    ToolArguments,
)
from service.doors.agents.asking import Asking, ToolAnswer


@dataclass(frozen=True, slots=True)
class AgentTool:
    """
    One tool. `needs` are the scopes that a key must have, and `of_party` says whether a key that belongs to a party may use it. `records`:
    it adds to the log; `acts`: it changes what happens outside, so only a user's own wish is a reason to call it.
    """

    name: str
    title: str
    about: str
    takes: type[ToolArguments]
    run: Callable[[Asking, Any], Awaitable[ToolAnswer]]
    needs: tuple[str, ...] = ("evaluate",)
    of_party: bool = True
    records: bool = False
    acts: bool = False

    def offered(self, caller: Caller) -> bool:
        """Whether a key may use it."""
        return set(self.needs) <= set(caller.scopes) and (self.of_party or caller.party is None)

    def schema(self) -> dict[str, Any]:
        """The schema of its arguments."""
        found = self.takes.model_json_schema()
        found.pop("title", None)
        found.pop("description", None)
        for each in found.get("properties", {}).values():
            each.pop("title", None)
        return found


TOOLS: tuple[AgentTool, ...] = (
    AgentTool(
        "begin",
        "Begin with an everyday exchange",
        "Lists everyday exchanges (payroll, backup, …); with `preset`, gives one with the facts that the user must confirm. Records"
        " nothing.",
        BeginArguments,
        deciding_tools.begin,
    ),
    AgentTool(
        "missing",
        "What is missing",
        "The open facts of an exchange, the best to ask for first, each with its question and values. Records nothing.",
        ExchangeArguments,
        deciding_tools.missing,
    ),
    AgentTool(
        "decide",
        "Decide an exchange",
        "Decides an exchange and RECORDS it under this key. Only `proceed: true` permits. Says what is unmet and how to meet it,"
        " next questions, and what a permit rests on.",
        ExchangeArguments,
        deciding_tools.decide,
        records=True,
    ),
    AgentTool(
        "ways_to_yes",
        "Ways to yes",
        "For a decision that does not proceed: verified changes and ways that would let it, and open lanes. Records nothing.",
        DecisionArguments,
        deciding_tools.ways_to_yes,
        needs=("evaluate", "read"),
    ),
    AgentTool(
        "explain",
        "Explain a decision",
        "One part of the explanation of a recorded decision, such as `reasons` or `duties`, item by item. Records nothing.",
        ExplainArguments,
        deciding_tools.explain,
        needs=("read",),
    ),
    AgentTool(
        "which_recipients",
        "Which recipients may take it",
        "Decides an exchange without its recipient for several recipients at once, in brief for each. Records nothing, so it permits"
        " nothing: `decide` the one that is chosen.",
        RecipientsArguments,
        deciding_tools.which_recipients,
        needs=("evaluate", "read"),
        of_party=False,
    ),
    AgentTool(
        "find_facts",
        "Find facts",
        "Finds facts by what people call them or by prefix: name, question, type and values. Records nothing.",
        FactsArguments,
        searching_tools.find_facts,
    ),
    AgentTool(
        "search_law",
        "Search the law",
        "Finds provisions of the policies by words: title, citation, effect, and how sure its author is. Records nothing.",
        LawArguments,
        searching_tools.search_law,
        needs=("read",),
        of_party=False,
    ),
    AgentTool(
        "draft_test",
        "Draft a policy test",
        "Writes a test case in YAML from an exchange and the outcome that is expected, and says whether it passes now. Writes no file.",
        CaseArguments,
        searching_tools.draft_test,
        of_party=False,
    ),
    AgentTool(
        "whoami", "Whose key this is", "The scopes of this key and its party.", NoArguments, searching_tools.whoami, needs=()
    ),
    AgentTool(
        "commit",
        "Commit a decided exchange",
        "Reports that a decided exchange really happens; counters and duties follow. Only when the user asked for just this.",
        CommitArguments,
        acting_tools.commit,
        needs=("commit",),
        records=True,
        acts=True,
    ),
    AgentTool(
        "sign_off",
        "Sign off or refuse",
        "Gives or refuses a person's approval of provisions of a decision, under this key. Only when that person asked for just this.",
        SignOffArguments,
        acting_tools.sign_off,
        needs=("review",),
        of_party=False,
        records=True,
        acts=True,
    ),
    AgentTool(
        "register_party",
        "Register a party",
        "Writes a new party into the register; one that is there is not changed. Only when the user asked for just this.",
        PartyArguments,
        acting_tools.register_party,
        needs=("administer",),
        of_party=False,
        records=True,
        acts=True,
    ),
)


def offered(caller: Caller) -> list[AgentTool]:
    """The tools that a key is offered."""
    return [each for each in TOOLS if each.offered(caller)]


def named(name: str) -> AgentTool | None:
    """The tool of a name."""
    return next((each for each in TOOLS if each.name == name), None)
