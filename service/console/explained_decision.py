"""
The decision of a record with its reasons, for a page.

A record has the answer. Why the decision is as it is, is told again from the recorded exchange.
"""

import json
from typing import Any

from service.console.reader import Part
from service.decisions.replay import CannotReplay, ReopenedRecord, ReplayConditions, Replayer
from service.log.store import Stored

PARTS = ("reasons", "requirements", "ways", "duties", "coverage", "factor")


def explained(record: Part, stored: Stored, replaying: Replayer, lang: str) -> dict[str, Any]:
    """
    The recorded answer and its explanation in a language, as one document; lists that are in both are those of the explanation.

    What the record says in this language is shown as it was recorded. Raises CannotReplay, RequestRefused.
    """
    recorded: dict[str, Any] = record["decision"]
    told, why = _told(_again(stored, replaying), record["id"], lang)
    return {**(recorded if record.get("lang", "en") == lang else told), **why}


def explained_otherwise(id: str, stored: Stored, replaying: Replayer, otherwise: ReplayConditions, lang: str) -> dict[str, Any]:
    """What is decided of a record's exchange by other policies or on another day, explained. Raises CannotReplay, RequestRefused."""
    told, why = _told(replaying.reopened(stored, otherwise), id, lang)
    return {**told, **why}


def provisions(stored: Stored, replaying: Replayer, lang: str) -> list[dict[str, Any]]:
    """The provisions that stand, and those that may. Raises CannotReplay, RequestRefused."""
    told = json.loads(_again(stored, replaying).explanation(("reasons", "possible"), lang))
    return [*told["reasons"], *told["possible"]]


def _told(again: ReopenedRecord, id: str, lang: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The answer of a record that was judged again, and the parts of its explanation."""
    written = again.pdp.answer(again.judgement, today=again.today, id=id, parts=PARTS, lang=lang)
    told: dict[str, Any] = json.loads(written.canonical())
    why: dict[str, Any] = told.pop("explanation")
    return told, {name: part for name, part in why.items() if name not in ("schema", "id", "lang")}


def _again(stored: Stored, replaying: Replayer) -> ReopenedRecord:
    """The record judged again, by a version that comes to the same verdict. Raises CannotReplay, RequestRefused."""
    again = replaying.reopened(stored)
    if not again.same_verdict:
        told = "this version comes to another verdict, so it cannot tell why the recorded one was given"
        raise CannotReplay(told, "version")
    return again
