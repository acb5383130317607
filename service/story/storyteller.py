"""
Telling the story: the script goes in; each chapter comes out with its calls, as they were sent and answered.

The story has a database of its own in a folder that its caller makes, a clock that only it has, and a log whose key and name are its own,
so no receipt of it passes for one of a service. Its calls go to the application as those of any caller do, without a socket. What the
script says of an answer is compared: a story that comes out otherwise is not told.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from io import StringIO
from pathlib import Path
from time import perf_counter
from typing import Any

import httpx
from pydantic import BaseModel, ConfigDict

from service.policies.prepared_policies import PreparedPolicies
from service.receipts.receipt import Receipt, ReceiptInvalid
from service.service import Service
from service.settings import Settings
from service.store import log_key
from service.story.script import PictureKind, Script, ScriptCall, ScriptChapter, ScriptPicture, filled, member, script
from service.telemetry import log_lines
from service.transparency.signed_note import VerifierKey

ORIGIN = "story"  # begins the name of the log
OPERATOR = "exchange"  # the caller who sees everything
VERIFY = "fifthfactor receipt verify receipt.json --key log.key"
_BETWEEN_CALLS = timedelta(minutes=1)
_HOUR = 9

Application = Callable[[Service], Any]


class StoryBroken(Exception):
    """An answer is not what the script says. The message names the chapter, the call and both."""


@dataclass(slots=True)
class StoryClock:
    """The clock of a story: it stands until the story moves it, and never goes back."""

    now: datetime = datetime(2026, 1, 1, tzinfo=UTC)

    def __call__(self) -> datetime:
        return self.now

    def move(self, to: datetime) -> None:
        """Move the clock to a moment, or by a minute where that has passed."""
        self.now = max(to, self.now + _BETWEEN_CALLS)


class _Told(BaseModel):
    model_config = ConfigDict(frozen=True)


class ToldCall(_Told):
    """
    A call as it was sent, and its answer: `says` names the text that tells what it does, `shown` has what a reader sees first, by JSON
    pointer. A `command` stands for what is done without the service.
    """

    caller: str
    says: str
    method: str = ""
    address: str = ""
    command: str = ""
    body: Any = None
    status: int = 0
    answer: Any = None
    shown: Mapping[str, Any]


class ToldPicture(_Told):
    """The answers from which a picture is drawn."""

    kind: PictureKind
    answers: tuple[Any, ...]


class ToldChapter(_Told):
    """A chapter as it was told, at a moment of the story's clock."""

    id: str
    at: datetime
    calls: tuple[ToldCall, ...]
    pictures: tuple[ToldPicture, ...]


class ToldStory(_Told):
    """The story as it was told: its chapters, the key that verifies its log, and the seconds that it took."""

    chapters: tuple[ToldChapter, ...]
    verifier_key: str
    seconds: float


@dataclass(slots=True)
class StoryDesk:
    """Where a story is told: the application, its clock, the keys of its callers, and what was kept of the answers."""

    client: httpx.AsyncClient
    clock: StoryClock
    verifier_key: VerifierKey
    script: Script
    keys: dict[str, str] = field(default_factory=dict)
    kept: dict[str, Any] = field(default_factory=dict)

    async def begin(self) -> None:
        """Make a key for each caller. Whoever has `administer` is made last, since from the first key on nobody is let in without one."""
        first: dict[str, str] = {}
        for name, caller in sorted(self.script.callers.items(), key=lambda each: "administer" not in each[1].scopes):
            sent: dict[str, Any] = {"name": name, "scopes": caller.scopes}
            if caller.party is not None:
                sent["party"] = caller.party
            headers = {"Authorization": f"Bearer {next(iter(first.values()))}"} if first else {}
            made = await self.client.post("/v1/keys", json=sent, headers=headers)
            if made.status_code != 201:
                raise StoryBroken(f"the key of {name} was not made: {made.text}")
            first[name] = made.json()["key"]
        self.keys |= first

    async def tell(self, chapter: ScriptChapter) -> ToldChapter:
        """Tell a chapter. Raises StoryBroken."""
        self.clock.move(datetime.fromisoformat(chapter.on).replace(hour=_HOUR, tzinfo=UTC))
        at = self.clock.now
        calls = []
        for number, call in enumerate(chapter.calls, 1):
            try:
                calls.append(await self._verified(call) if call.receipt else await self._called(call))
            except StoryBroken as broken:
                raise StoryBroken(f"chapter `{chapter.id}`, call {number}: {broken}") from None
            self.clock.move(self.clock.now)
        pictures = [ToldPicture(kind=each.kind, answers=await self._drawn(each)) for each in chapter.pictures]
        return ToldChapter(id=chapter.id, at=at, calls=tuple(calls), pictures=tuple(pictures))

    async def _called(self, call: ScriptCall) -> ToldCall:
        address, body = filled(call.address, self.kept), self.script.body(call, self.kept)
        response = await self._send(call.caller, call.method, address, body)
        answer = response.json() if response.content else None
        if response.status_code != call.status if call.status else not response.is_success:
            raise StoryBroken(f"{call.method} {address} answered {response.status_code}: {response.text}")
        for pointer, expected in call.must.items():
            found = member(answer, pointer)
            if found != filled(expected, self.kept):
                raise StoryBroken(f"{call.method} {address}: `{pointer}` is {found!r}, not {expected!r}: {response.text}")
        for name, pointer in call.keeps.items():
            self.kept[name] = answer if pointer == "/" else member(answer, pointer)
        return ToldCall(
            caller=call.caller,
            says=call.says,
            method=call.method,
            address=address,
            body=body,
            status=response.status_code,
            answer=answer,
            shown=_shown(answer, call),
        )

    async def _drawn(self, picture: ScriptPicture) -> tuple[Any, ...]:
        return tuple([(await self._send(OPERATOR, "GET", address, None)).json() for address in picture.of])

    async def _verified(self, call: ScriptCall) -> ToldCall:
        """A receipt, verified as a far side does it: with the key of the log, and without the service."""
        try:
            found = Receipt.parse(json.dumps(self.kept[call.receipt or ""]).encode()).verify([self.verifier_key])
        except ReceiptInvalid as invalid:
            raise StoryBroken(f"the receipt does not hold: {invalid}") from None
        told = {
            "log": found.origin,
            "decision": found.decision,
            "outcome": found.outcome,
            "commitment": found.commitment.id if found.commitment else None,
            "asset": found.asset,
            "sender": found.sender,
            "recipient": found.recipient,
        }
        return ToldCall(caller=call.caller, says=call.says, command=VERIFY, answer=told, shown=_shown(told, call))

    async def _send(self, caller: str, method: str, address: str, body: Any) -> httpx.Response:
        headers = {"Authorization": f"Bearer {self.keys[caller]}"}
        return await self.client.request(method, filled(address, self.kept), json=body, headers=headers)


@asynccontextmanager
async def opened(folder: Path, application: Application, prepared: PreparedPolicies | None = None) -> AsyncIterator[StoryDesk]:
    """A desk at which the story is told, in a folder that is empty, with the bundled policies."""
    database = folder / "story.db"
    key = log_key.named_key(log_key.key_file(database), ORIGIN)
    settings = Settings(database=str(database), watch=False, rate_limit=1000, rate_burst=1000, shed_seconds=60)
    clock = StoryClock()
    service = await asyncio.to_thread(
        Service.open, settings, say=log_lines.logger(StringIO()), clock=clock, prepared=prepared, story=True
    )
    app = application(service)
    transport = httpx.ASGITransport(app, client=("127.0.0.1", 1))
    async with app.router.lifespan_context(app), httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
        desk = StoryDesk(client, clock, key.verifier, script())
        await desk.begin()
        yield desk


async def told(desk: StoryDesk, say: Callable[[ToldChapter], None] = lambda chapter: None) -> ToldStory:
    """The whole story, told at a desk; `say` is given each chapter as soon as it is told. Raises StoryBroken."""
    began = perf_counter()
    chapters = []
    for each in desk.script.chapters:
        chapters.append(await desk.tell(each))
        say(chapters[-1])
    key = desk.verifier_key
    return ToldStory(chapters=tuple(chapters), verifier_key=key.text(), seconds=round(perf_counter() - began, 3))


def _shown(answer: Any, call: ScriptCall) -> Mapping[str, Any]:
    return {pointer: member(answer, pointer) for pointer in call.shows}
