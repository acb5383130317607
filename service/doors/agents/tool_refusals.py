"""What an agent is told where there is no answer: the errors of the client in, a kind, a sentence and what to do next out."""

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationError

from service.client import ClientError, Malformed, Refused, Unavailable
from service.doors.agents.asking import MayNot

MOST_PLACES = 8
NO_PERMIT = "There is no answer, so there is no permit."
_NEXT: Mapping[str, str] = {
    "exchange-refused": "correct the places that are named and call again; `find_facts` finds names and values",
    "bad-request": "correct what is named and call again",
    "batch-too-large": "send it in parts",
    "body-too-large": "send less",
    "unauthenticated": "the service does not know this key: ask the user for another one, and call nothing until then",
    "forbidden": "this key may not do this: tell the user what it would need, and do not try another way",
    "own-request": "another person must approve it: tell the user",
    "not-found": "check the id; an id comes from an answer of this connection",
    "rate-limited": "wait a minute before you call again",
    "busy": "wait a few seconds and call again",
    "not-ready": "the service cannot answer now: tell the user, and try again later",
    "cannot-replay": "the policies of that decision are not here any more: decide the exchange again",
    "not-committable": "evaluate the exchange as it is today, and commit that decision if it proceeds",
    "decision-moved": "the decision no longer holds: decide the exchange again",
    "changed-meanwhile": "it is there already, or was changed: tell the user",
}


class Refusal:
    """Why there is no answer: its kind, a sentence, the places that are wrong, and what to do."""

    def __init__(self, kind: str, detail: str, do: str, places: list[dict[str, str]] | None = None) -> None:
        self.kind, self.detail, self.do, self.places = kind, detail, do, places or []

    def document(self) -> dict[str, Any]:
        """As an agent gets it."""
        found: dict[str, Any] = {"error": self.kind, "detail": self.detail, "do": self.do, "permit": False}
        return {**found, "places": self.places} if self.places else found


def of_error(error: Exception) -> Refusal:
    """The refusal that an error of the client, of the arguments or of the key comes to."""
    match error:
        case Refused():
            places = [{"at": each.pointer, "says": each.detail} for each in error.errors[:MOST_PLACES]]
            do = _NEXT.get(error.kind, "tell the user what the service said")
            return Refusal(error.kind, error.detail or error.title, do, places)
        case Unavailable():
            return Refusal(
                "unavailable", f"{error}. {NO_PERMIT}", "tell the user that the service cannot be reached; try again later"
            )
        case Malformed():
            return Refusal("malformed", f"{error}. {NO_PERMIT}", "tell the user: something else than the service answered")
        case MayNot():
            return Refusal("forbidden", str(error), _NEXT["forbidden"])
        case ValidationError():
            return _of_arguments(error)
        case ClientError() | ValueError():
            return Refusal("bad-arguments", str(error), "correct the arguments and call again")
    return Refusal("internal", f"the tool failed. {NO_PERMIT}", "tell the user; the log of the server says more")


def unknown_tool(name: str, known: list[str]) -> Refusal:
    """There is no such tool."""
    return Refusal("unknown-tool", f"there is no tool `{name}`", f"use one of: {', '.join(known)}")


def _of_arguments(error: ValidationError) -> Refusal:
    """Each argument that is wrong, at its place. What was sent is not repeated."""
    places = [
        {"at": "/" + "/".join(str(step) for step in each["loc"]), "says": each["msg"].removeprefix("Value error, ")}
        for each in error.errors(include_url=False, include_input=False, include_context=False)[:MOST_PLACES]
    ]
    return Refusal(
        "bad-arguments", f"{error.error_count()} of the arguments are wrong", "correct the places and call again", places
    )
