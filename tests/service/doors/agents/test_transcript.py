"""
An agent takes the payroll of a company in India from the first question to a permit, through tools alone.

The agent is a program that asks its user whatever the tools say is open, and knows nothing itself. What it called and what came back is
shown on the page; `RECORD=1 pytest tests/service/doors/agents/test_transcript.py` writes it there again.
"""

import copy
import json
import os
import re
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from tests.service.callers.test_callers import make
from tests.service.conftest import ROOT, copied, running
from tests.service.doors.agents.agent_desk import Called, Desk, at_a_desk
from tests.service.set_day import SET_DAY

PAGE = ROOT / "service" / "docs" / "agents.md"
BEGIN, END = "<!-- recorded: transcript -->\n", "<!-- end -->"
DAY = "2026-12-01"  # whose law it is: the questions are others from 14 May 2027, when much of India's law begins
MOST_ROUNDS = 6
MOST_LINE = 300

# What the user answers, by the fact that she is asked for. She is asked for nothing else, and the agent has nothing from elsewhere.
USER: Mapping[str, Any] = {
    "exporter.country": "IN",
    "recipient.country": "GB",
    "exporter.role": "controller",
    "exporter.kind": "other-company",
    "exporter.sectors": ["commerce"],
    "exporter.targets": [],
    "recipient.relation": "unrelated",
    "recipient.listed_on": [],
    "data.kind": "dataset",
    "data.personal": True,
    "data.state": "identified",
    "data.categories": ["employee"],
    "data.people_in": ["IN"],
    "data.people.sensitive": 0,
    "data.grades": [],
    "data.controls": [],
    "act.kind": "provide",
    "act.bars": [],
    "act.trigger": "own",
    "purpose.is": ["hr"],
    "purpose.end_use": ["civil"],
}


@dataclass
class Talk:
    """What the agent said and heard, line by line."""

    lines: list[str] = field(default_factory=list)

    def heard(self, tool: str, sent: str, came: Called, *more: str) -> None:
        """A call, and what came back in a sentence and some members."""
        self.lines += [f"agent> {tool}({sent})", *_wrapped("tools> " + str(came.content["sentence"]))]
        for name in more:
            value = came.content["result"].get(name, came.content["rests_on"].get(name))
            self.lines += _wrapped(f"       {name}: {json.dumps(value, ensure_ascii=False)}")

    def asked(self, facts: list[str]) -> None:
        """What the user was asked, and said."""
        for fact in facts:
            self.lines.append(f"user>  {fact} = {json.dumps(USER[fact])}")


def _wrapped(line: str) -> list[str]:
    """A line of the transcript, cut where a reader has seen enough."""
    return [line if len(line) <= MOST_LINE else line[:MOST_LINE] + " …"]


def put(exchange: dict[str, Any], fact: str, value: Any) -> None:
    """State a fact."""
    *path, last = fact.split(".")
    for step in path:
        exchange = exchange.setdefault(step, {})
    exchange[last] = value


async def agent(desk: Desk, talk: Talk) -> dict[str, Any]:
    """From the first question to a decision that proceeds; the exchange that proceeded."""
    came = await desk.call("begin")
    talk.heard("begin", "", came)
    assert "payroll" in [each["preset"] for each in came.result["presets"]]
    came = await desk.call("begin", preset="payroll")
    talk.heard("begin", 'preset="payroll"', came, "ask_the_user_to_confirm")
    exchange: dict[str, Any] = {}
    confirmed = [fact for fact in came.result["ask_the_user_to_confirm"] if fact in USER]
    talk.lines.append(f"agent> asks the user to confirm each, and leaves out what she does not know: {', '.join(confirmed)}")
    for fact in (*confirmed, "exporter.country", "recipient.country"):
        put(exchange, fact, USER[fact])
    talk.asked(["exporter.country", "recipient.country", "data.categories", "purpose.is"])
    came = await desk.call("decide", exchange=exchange)
    talk.heard("decide", "exchange=…", came, "proceed", "outcome", "recorded")
    assert came.result["proceed"] is False
    for _ in range(MOST_ROUNDS):
        came = await desk.call("missing", exchange=exchange)
        asked = [each["fact"] for each in came.result["open"]]
        talk.heard("missing", "exchange=…", came)
        if not asked:
            break
        unknown = [fact for fact in asked if fact not in USER]
        assert not unknown, f"the user was asked for {unknown}"
        for each in came.result["open"]:
            assert each["question"]
            put(exchange, each["fact"], USER[each["fact"]])
        talk.asked(asked)
    whole = {name: value for name, value in exchange.items() if name != "recipient"}
    others = [copy.deepcopy(exchange["recipient"]) | {"country": code} for code in ("GB", "CN", "US")]
    came = await desk.call("which_recipients", exchange=whole, recipients=others)
    talk.heard("which_recipients", 'exchange=… without its recipient, recipients=the same in "GB", "CN", "US"', came)
    for each in came.result["recipients"]:
        talk.lines.append(
            f"       {each['recipient']['country']}: {each['outcome']}, would proceed: {json.dumps(each['would_proceed'])}"
        )
    came = await desk.call("decide", exchange=exchange)
    talk.heard("decide", "exchange=…", came, "proceed", "outcome", "statements", "also", "recorded")
    assert came.result["proceed"] is True
    return exchange


def told(lines: list[str]) -> str:
    """The transcript without what is of one run alone."""
    text = "\n".join(lines)
    text = re.sub(r"decision [0-9a-f-]{36}, under key:\w+", "decision …, under the agent's key", text)
    text = re.sub(r"\b\d{2,}(?= more facts| everyday)|(?<=Open facts: )\d{2,}", "…", text)  # they move with every fact and law
    return f"```text\n{text}\n```\n"


def test_an_agent_takes_a_payroll_from_the_first_question_to_a_permit(tables: Path, tmp_path: Path) -> None:
    """Every answer came from the user, and the page shows what was said on that day."""
    talk = Talk()

    async def say(desk: Desk) -> dict[str, Any]:
        return await agent(desk, talk)

    database = copied(tables, tmp_path)
    key = make(database, "evaluate", "read")
    with running(database, policies=False, folder=tmp_path, environment={SET_DAY: DAY}) as server:
        exchange = at_a_desk(server.address, key, say)
    stated = {f"{group}.{fact}" for group, facts in exchange.items() for fact in facts}
    assert stated <= {*USER, "data.people"}
    shown = PAGE.read_text()
    before, rest = shown.split(BEGIN)
    _, after = rest.split(END, 1)
    written = f"{before}{BEGIN}{told(talk.lines)}{END}{after}"
    if os.environ.get("RECORD"):
        PAGE.write_text(written)
    assert written == PAGE.read_text(), "run RECORD=1 pytest tests/service/doors/agents/test_transcript.py"
