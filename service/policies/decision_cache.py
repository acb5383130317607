"""
Decisions that were made before: the same exchange on the same day, under the same policies, is decided once.

A decision is a function of the exchange's document, of the day and of the policies. So its answer is kept under a digest of the document
and the day, and an exchange that comes again gets the same bytes, with an id of its own.

- INVARIANT (nothing personal): an answer is kept under a digest that is keyed with a secret of the process, without the exchange and
  without the ids of its parties; of the exchange it has only the counts that were filled in, and the digest of its facts that the
  queue of reviews has too.
- INVARIANT (bounded): what is kept has a bound in bytes; what was not used for longest goes first. Of some answers that were found last,
  the texts are kept unpacked too.
- INVARIANT (no error hides): one in 128 answers that are found is not given. The exchange is decided again, and the two are compared.
"""

import json
import secrets
import zlib
from collections import OrderedDict
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from hashlib import blake2b
from types import MappingProxyType
from typing import Any, Self
from uuid import uuid4

from pydantic_core import to_json

import engine
from service.log.record import RecordedDecision
from service.log.review_cases import ReviewCase

MOST_BYTES = 9 * 2**20
BESIDE_TEXTS = 800  # bytes that an answer takes beside its texts, as measured
MOST_ALIKE = 8_192  # bytes of the first answer that is kept: those that follow are compressed with it, for they are alike
MOST_APART = 256  # answers that were found last, whose texts stay unpacked: about 13 kB each
AGAIN_EVERY = 128  # answers that are found: rarer than one in a hundred, so that 99 of 100 are as fast as a kept one is
PARTIES = {"exporter": (), "recipient": ()}  # the ids of the parties, in the names of an answer
# In the place of the id of an answer that is kept. No text of an answer is a caller's, so none can be this.
NO_ID = str(uuid4())
_NO_ID = NO_ID.encode()

_NOTHING: Mapping[str, Any] = MappingProxyType({})
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(frozen=True, slots=True)
class CachedDecision:
    """
    An answer without its id, and what its record needs. `highest` is the strictest outcome that it leaves possible.

    `packed` has the texts: the answer, the members of its record, its sentence and its names without the ids of the parties; and, as
    canonical JSON, the source of each counter that was filled in. They are compressed with those in `alike`. `counts` has the value of each
    such counter in the exchange. `personal` are pointers to the personal values of the exchange. `case` is what the decision is to the
    queue of reviews. `stands_alone`: it is a permit without duties, whatever the service keeps besides the policies.
    """

    as_of: date
    outcome: str
    proceed: bool
    hypothetical: bool
    signable: tuple[str, ...]
    highest: engine.Level
    packed: bytes
    alike: bytes
    personal: tuple[str, ...]
    counts: Mapping[str, Any]
    case: ReviewCase
    stands_alone: bool = False

    @classmethod
    def of(cls, made: "NewDecision", texts: bytes, alike: bytes) -> Self:
        """An answer to an exchange. `texts` are those that `texts_of` gives."""
        written = made.written
        return cls(
            written.as_of,
            written.outcome,
            written.proceed,
            written.hypothetical,
            written.signable,
            written.judgement.outcome.bounds.high,
            _pack(b"%b\0%b" % (texts, made.sources), alike),
            alike,
            made.exchange.personal,
            {fact: _at(made.exchange.document, fact) for fact in made.counted} or _NOTHING,
            made.case,
            made.stands_alone,
        )

    @property
    def size(self) -> int:
        """The bytes that it takes, about."""
        return BESIDE_TEXTS + len(self.packed)

    @property
    def texts(self) -> bytes:
        """Its texts, as `texts_of` gave them."""
        return _unpack(self.packed, self.alike).rpartition(b"\0")[0]

    def under(self, id: str, parties: Mapping[str, tuple[str, ...]]) -> tuple[bytes, RecordedDecision, bytes]:
        """
        The answer to an exchange with these parties, under an id, and what is recorded of it.

        Last come the sources of the counters that were filled in, as canonical JSON; nothing where none was.
        """
        texts = _texts(self.packed, self.alike)
        recorded = RecordedDecision(
            id,
            texts.decision.replace(_NO_ID, id.encode()),
            texts.verdict,
            texts.found_by,
            self.as_of,
            self.outcome,
            self.proceed,
            self.hypothetical,
            texts.sentence,
            {**texts.names, **PARTIES, **parties},
        )
        return texts.answer.replace(_NO_ID, id.encode()), recorded, texts.sources

    def filled(self, document: Mapping[str, Any]) -> Mapping[str, Any]:
        """The document of an exchange with its counters filled in."""
        return engine.with_facts_set(document, self.counts) if self.counts else document


@dataclass(frozen=True, slots=True)
class NewDecision:
    """
    A decision that was made now: as it was written, as it is recorded, and its answer in bytes.

    `exchange` is the exchange with its counters, `counted` are those that were filled in, and `sources` has the source of each, as
    canonical JSON. `case` is what the decision is to the queue of reviews, `stands_alone` as above.
    """

    written: engine.WrittenDecision
    recorded: RecordedDecision
    answer: bytes
    exchange: engine.Exchange
    case: ReviewCase
    counted: Collection[str] = ()
    sources: bytes = b""
    stands_alone: bool = False


class DecisionCache:
    """The answers that were given under one bundle. It belongs to one event loop. `found` counts those that were found."""

    def __init__(self, most_bytes: int | None = None) -> None:
        self._most = MOST_BYTES if most_bytes is None else most_bytes
        self._secret = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, CachedDecision] = OrderedDict()
        self._alike = b""
        self.bytes = 0
        self.found = 0

    def key(self, document: Mapping[str, Any], today: date, lang: str) -> bytes:
        """The key of the answer to an exchange. The law is that of the day in the document, or of `today`."""
        day = document.get("as_of")
        whole = f"{today.isoformat() if day is None else ''}\0{day == today.isoformat()}\0{lang}\0".encode()
        return blake2b(whole + to_json(document), key=self._secret, digest_size=24).digest()

    def find(self, key: bytes) -> CachedDecision | None:
        """The answer under a key. None where there is none, and now and then where there is one."""
        kept = self._kept.get(key)
        if kept is None:
            return None
        self.found += 1
        self._kept.move_to_end(key)
        return None if self.found % AGAIN_EVERY == 0 else kept

    def keep(self, key: bytes, made: NewDecision) -> CachedDecision | None:
        """
        Keep the answer to an exchange. If another one was kept before, all are dropped, and that one is returned.

        An answer on which engines disagree is not kept, nor one with conditions that came with the data, because their origin is free text.
        Raises NotCanonical.
        """
        before = self._kept.get(key)
        private = not {"/" + fact.replace(".", "/") for fact in made.counted}.isdisjoint(made.exchange.personal)
        if before is None and (not made.written.engine.agreed or made.written.carried or private):
            return None
        texts = texts_of(made.recorded, made.answer)
        if before is not None:
            if before.texts == texts:
                return None
            self.forget()
            return before
        kept = CachedDecision.of(made, texts, self._alike)
        self._kept[key] = kept
        if not self._alike:
            self._alike = texts[-MOST_ALIKE:]
        self.bytes += kept.size
        while self.bytes > self._most:
            self.bytes -= self._kept.popitem(last=False)[1].size
        return None

    def forget(self) -> None:
        """Drop all answers."""
        self._kept.clear()
        self._alike = b""
        self.bytes = 0


def texts_of(recorded: RecordedDecision, answer: bytes) -> bytes:
    """The texts of an answer that are kept, one after another with a zero byte between, with NO_ID in the place of its id."""
    named = _encode({name: values for name, values in recorded.named.items() if name not in PARTIES})
    members = (recorded.decision, recorded.verdict, recorded.found_by)
    texts = b"\0".join((answer, *members, recorded.answer.encode(), named.encode()))
    return texts.replace(recorded.id.encode(), _NO_ID)


@dataclass(frozen=True, slots=True)
class _Texts:
    """The texts of an answer, apart. Its answer and the decision in its record have NO_ID in the place of the id."""

    answer: bytes
    decision: bytes
    verdict: bytes
    found_by: bytes
    sentence: str
    names: Mapping[str, tuple[str, ...]]
    sources: bytes


@lru_cache(maxsize=MOST_APART)
def _texts(packed: bytes, alike: bytes) -> _Texts:
    answer, decision, verdict, found_by, sentence, named, sources = _unpack(packed, alike).split(b"\0")
    names = {name: tuple(values) for name, values in json.loads(named).items()}
    return _Texts(answer, decision, verdict, found_by, sentence.decode(), names, sources)


def _unpack(packed: bytes, alike: bytes) -> bytes:
    reading = zlib.decompressobj(zdict=alike)
    return reading.decompress(packed) + reading.flush()


def _pack(texts: bytes, alike: bytes) -> bytes:
    packing = zlib.compressobj(1, zdict=alike)
    return packing.compress(texts) + packing.flush()


def _at(document: Mapping[str, Any], fact: str) -> Any:
    """The value of a fact in the document of an exchange."""
    value: Any = document
    for step in fact.split("."):
        value = value[step]
    return value
