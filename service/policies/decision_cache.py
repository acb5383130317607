"""
Decisions that were made before: the same exchange on the same day, under the same policies, is decided once.

A decision is a function of the exchange's document, of the day and of the policies. So its answer is kept under a digest of the document
and the day, and an exchange that comes again gets the same bytes, with an id of its own.

- INVARIANT (nothing personal): an answer is kept under a digest that is keyed with a secret of the process, without the exchange and
  without the ids of its parties; of the exchange it has only the counts that were filled in.
- INVARIANT (bounded): what is kept has a bound in bytes; what was not used for longest goes first.
- INVARIANT (no error hides): every hundredth answer that is found is not given. The exchange is decided again, and the two are compared.
"""

import json
import secrets
from collections import OrderedDict
from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import date
from hashlib import blake2b
from json.encoder import encode_basestring as quote
from types import MappingProxyType
from typing import Any

import engine

MOST_BYTES = 16 * 2**20
BESIDE_TEXTS = 3_500  # bytes that an answer takes beside its texts, as measured
AGAIN_EVERY = 100  # answers that are found
PARTIES = {"exporter": (), "recipient": ()}  # the ids of the parties, in the names of an answer

_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class KeptAnswer:
    """
    An answer without its id, and what else its record needs. `bytes` is what it takes, about.

    `personal` are pointers to the personal values of the exchange. `counted` has the source of each counter that was filled in, `counts`
    its value in the exchange.
    """

    written: engine.Written
    personal: tuple[str, ...]
    counted: Mapping[str, Mapping[str, Any]]
    counts: Mapping[str, Any]
    bytes: int

    def filled(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """The document of an exchange with its counters filled in."""
        for fact, count in self.counts.items():
            document = engine.put(document, fact, count)
        return document

    def of(self, id: str, parties: Mapping[str, tuple[str, ...]]) -> engine.Written:
        """The answer to an exchange with these parties, under an id."""
        written = self.written
        return replace(written, id=id, members={**written.members, "id": quote(id)}, named={**written.named, **parties})


class DecisionCache:
    """The answers that were given under one bundle. It belongs to one event loop. `found` counts those that were found."""

    def __init__(self, most_bytes: int | None = None) -> None:
        self._most = MOST_BYTES if most_bytes is None else most_bytes
        self._secret = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, KeptAnswer] = OrderedDict()
        self.bytes = 0
        self.found = 0

    def key(self, document: Mapping[str, Any], today: date, lang: str) -> bytes:
        """The key of the answer to an exchange. The law is that of the day in the document, or of `today`."""
        day = document.get("as_of")
        whole = f"{today.isoformat() if day is None else ''}\0{day == today.isoformat()}\0{lang}\0{_encode(document)}"
        return blake2b(whole.encode("utf-8", "surrogatepass"), key=self._secret, digest_size=24).digest()

    def find(self, key: bytes) -> KeptAnswer | None:
        """The answer under a key. None where there is none, and now and then where there is one."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self.found += 1
        self._kept.move_to_end(key)
        return None if self.found % AGAIN_EVERY == 0 else kept

    def keep(
        self,
        key: bytes,
        written: engine.Written,
        exchange: engine.Exchange,
        counted: Mapping[str, Mapping[str, Any]] = MappingProxyType({}),
    ) -> engine.Written | None:
        """
        Keep the answer to an exchange. If another one was kept before, all are dropped, and that one is returned.

        An answer on which engines disagree is not kept, nor one with conditions that came with the data, because their origin is free text.
        """
        before = self._kept.get(key)
        if before is not None:
            if _meaning(before.written) == _meaning(written):
                return None
            self.forget()
            return before.written
        private = bool(exchange.personal) and not {"/" + fact.replace(".", "/") for fact in counted}.isdisjoint(
            exchange.personal
        )
        if written.engine.agreed and not written.carried and not private:
            size = BESIDE_TEXTS + len(written.verdict) + sum(len(text.encode()) for text in written.members.values())
            light = written.light()
            light = replace(light, id="", named={**light.named, **PARTIES})
            counts = {fact: _at(exchange.document, fact) for fact in counted}
            self._kept[key] = KeptAnswer(light, exchange.personal, counted, counts, size)
            self.bytes += size
            while self.bytes > self._most:
                self.bytes -= self._kept.popitem(last=False)[1].bytes
        return None

    def forget(self) -> None:
        """Drop all answers."""
        self._kept.clear()
        self.bytes = 0


def _at(document: Mapping[str, Any], fact: str) -> Any:
    """The value of a fact in the document of an exchange."""
    value: Any = document
    for step in fact.split("."):
        value = value[step]
    return value


def _meaning(written: engine.Written) -> dict[str, str]:
    return {name: text for name, text in written.members.items() if name != "id"}
