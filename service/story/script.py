"""
The script of the story: `script.json` goes in, its chapters and their calls come out.

A call has a caller, an address, perhaps a body, and what its answer must be: where an answer is another one the story does not go on. A
body may be one of the script's `bodies` with some members changed. A text `$NAME` stands for a value that an earlier answer gave. The words
are in `en.yaml` and `zh.yaml`, by chapter.
"""

import json
from collections.abc import Mapping
from functools import cache
from pathlib import Path
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field

import engine

HERE = Path(__file__).parent
PictureKind = Literal["chain", "money", "places"]
JsonBody = Mapping[str, Any]


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid")


class ScriptCaller(_Part):
    """Who calls: the scopes of the key, and the party to which it belongs."""

    scopes: tuple[str, ...]
    party: str | None = None


class ScriptCall(_Part):
    """
    One call. `says` names the text that tells what it does. `must` has members of the answer by JSON pointer, `keeps` names values for
    later calls, `shows` is what a reader sees first.

    `receipt` names a kept receipt: it is verified without the service, by the key of the log and nothing else.
    """

    caller: str = Field(default="exchange", alias="as")
    says: str
    call: str = ""
    body: JsonBody | None = None
    of: str | None = None
    changed: Mapping[str, Any] = Field(default_factory=dict, alias="with")
    status: int | None = None  # any that says it was done
    must: Mapping[str, Any] = {}
    keeps: Mapping[str, str] = {}
    shows: tuple[str, ...] = ()
    receipt: str | None = None

    @property
    def method(self) -> str:
        return self.call.partition(" ")[0]

    @property
    def address(self) -> str:
        return self.call.partition(" ")[2]


class ScriptPicture(_Part):
    """What a chapter draws, from the answers of some addresses."""

    kind: PictureKind
    of: tuple[str, ...]


class ScriptChapter(_Part):
    """A chapter: the day on which it is told, its calls, and what it draws."""

    id: str
    on: str
    calls: tuple[ScriptCall, ...]
    pictures: tuple[ScriptPicture, ...] = ()


class Script(_Part):
    """The whole script."""

    callers: Mapping[str, ScriptCaller]
    bodies: Mapping[str, JsonBody]
    chapters: tuple[ScriptChapter, ...]

    def body(self, call: ScriptCall, kept: Mapping[str, Any]) -> Any:
        """The body of a call with the values that were kept; None where it has none."""
        if call.of is None and call.body is None:
            return None
        body = json.loads(json.dumps(self.bodies[call.of] if call.of is not None else call.body))
        for pointer, value in call.changed.items():
            _set(body, pointer.strip("/").split("/"), value)
        return filled(body, kept)


def filled(value: Any, kept: Mapping[str, Any]) -> Any:
    """A value with each `$NAME` in its texts replaced by what was kept under the name."""
    if isinstance(value, str):
        if value.startswith("$") and value[1:] in kept:
            return kept[value[1:]]
        for name, found in sorted(kept.items(), key=lambda each: -len(each[0])):  # the longest first: $LINE2 is not $LINE
            value = value.replace(f"${name}", str(found))
        return value
    if isinstance(value, Mapping):
        return {name: filled(each, kept) for name, each in value.items()}
    if isinstance(value, list):
        return [filled(each, kept) for each in value]
    return value


def member(answer: Any, pointer: str) -> Any:
    """What a JSON pointer finds in an answer; None where there is nothing."""
    here = answer
    for step in pointer.strip("/").split("/"):
        if isinstance(here, list) and step.isdecimal() and int(step) < len(here):
            here = here[int(step)]
        elif isinstance(here, Mapping):
            here = here.get(step)
        else:
            return None
    return here


@cache
def script() -> Script:
    """The script that comes with the service."""
    return Script.model_validate_json((HERE / "script.json").read_bytes())


@cache
def words() -> Mapping[str, Mapping[str, Mapping[str, str]]]:
    """The words of the story by language and chapter."""
    return engine.read_catalogues(HERE, list(engine.LANGUAGES))


def _set(body: Any, steps: list[str], value: Any) -> None:
    *before, last = steps
    for step in before:
        body = body.setdefault(step, {})
    if value is None:
        body.pop(last, None)
    else:
        body[last] = value
