"""
Decisions that were made before: the same exchange on the same day, under the same bundle, is decided once.

A decision is a function of the exchange's document, of what was counted, of the day and of the bundle. So it is kept under a digest of
these, and an exchange that comes again gets the same verdict and the same bytes.

- INVARIANT (nothing personal): a decision is kept under a digest keyed with a secret of the process, and without its exchange and the
  ids of its parties.
- INVARIANT (bounded): what is kept has a bound in bytes; what was not used for longest goes first.
- INVARIANT (no error hides): every hundredth decision that is found is made afresh and compared. Where the two differ, this is a
  disagreement, which is never a permit, and all that was kept is dropped.
"""

from __future__ import annotations

import json
import secrets
from collections import OrderedDict
from dataclasses import dataclass, field, replace
from datetime import date
from hashlib import blake2b
from json.encoder import encode_basestring as quote

from engine.backends.bitset import Bitset
from engine.deciding.judgement import Judgement
from engine.exchange import Exchange
from engine.explaining.search_terms import PARTIES
from engine.explaining.written import Written
from engine.pdp import PDP
from engine.registered import COUNTED

MOST_BYTES = 24 * 2**20
JUDGEMENT_BYTES, ANSWER_BYTES = 14_000, 3_000  # of one that is kept, as measured; of an answer beside its text
FRESH_EVERY = 100  # decisions that are found

_NOTHING = Exchange({}, {})
_encode = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"), allow_nan=False).encode


@dataclass(slots=True)
class _Kept:
    """A judgement without its exchange, and its answers by whether they are hypothetical and by language."""

    judgement: Judgement
    answers: dict[tuple[bool, str], Written] = field(default_factory=dict)
    bytes: int = JUDGEMENT_BYTES


class DecisionCache:
    """
    The decisions of a decision point, made once. Only one thread may call it at a time.

    A decision on conditions that came with the data is not kept, because their origin is free text; nor is one on which engines disagree,
    nor any of a mode whose first engine is not `bitset`.
    """

    def __init__(self, pdp: PDP, most_bytes: int = MOST_BYTES) -> None:
        self._pdp = pdp
        self._keeps = isinstance(pdp.engines[0], Bitset)
        self._most = most_bytes
        self._secret = secrets.token_bytes(32)
        self._kept: OrderedDict[bytes, _Kept] = OrderedDict()
        self.bytes = 0
        self.found = self.asked = 0

    def judge(self, exchange: Exchange, *, as_of: date) -> Judgement:
        """The judgement on an exchange without approvals; see PDP.judge. Raises EnginesFailed."""
        self.asked += 1
        if not self._keeps or exchange.carried:
            return self._pdp.judge(exchange, as_of=as_of)
        key = self._key(exchange, as_of)
        kept = self._kept.get(key)
        if kept is None:
            fresh = self._pdp.judge(exchange, as_of=as_of)
            return self._keep(key, fresh) if fresh.agreed else fresh
        self.found += 1
        self._kept.move_to_end(key)
        if self.found % FRESH_EVERY == 0:
            fresh = self._pdp.judge(exchange, as_of=as_of)
            if self._pdp.digest(fresh) != self._pdp.digest(kept.judgement) or fresh.agreed is False:
                self.forget()
                return self._pdp.disagreeing(fresh, kept.judgement, "the same exchange was decided otherwise before")
        return replace(kept.judgement, exchange=self._pdp.shown(exchange))

    def answer(self, judgement: Judgement, *, today: date, id: str, lang: str = "en") -> Written:
        """The answer to a judged exchange, without parts of the explanation; see PDP.answer."""
        kept = self._kept.get(judgement.kept_under) if judgement.kept_under else None
        if kept is None:
            return self._pdp.answer(judgement, today=today, id=id, lang=lang)
        form = (judgement.as_of != today, lang)
        written = kept.answers.get(form)
        if written is None:
            written = self._pdp.answer(judgement, today=today, id=id, lang=lang)
            unnamed = {kind: () if kind in PARTIES else names for kind, names in written.named.items()}
            kept.answers[form] = replace(written, judgement=kept.judgement, named=unnamed)
            size = ANSWER_BYTES + sum(len(text.encode()) for text in written.members.values()) + len(written.verdict)
            kept.bytes += size
            self._grow(size)
            return written
        return replace(
            written,
            id=id,
            judgement=judgement,
            members={**written.members, "id": quote(id)},
            named={**written.named, **self._pdp.naming.parties(judgement.exchange)},
        )

    def forget(self) -> None:
        """Drop all decisions."""
        self._kept.clear()
        self.bytes = 0

    def _keep(self, key: bytes, judgement: Judgement) -> Judgement:
        # Engines that agree give one verdict.
        first = next(iter(judgement.verdicts.items()))
        self._kept[key] = _Kept(replace(judgement, exchange=_NOTHING, verdicts=dict([first]), kept_under=key))
        self._grow(JUDGEMENT_BYTES)
        return replace(judgement, kept_under=key)

    def _grow(self, by: int) -> None:
        self.bytes += by
        while self.bytes > self._most and self._kept:
            _, oldest = self._kept.popitem(last=False)
            self.bytes -= oldest.bytes

    def _key(self, exchange: Exchange, as_of: date) -> bytes:
        counted = [fact for fact, source in exchange.sources.items() if source == COUNTED]
        whole = f"{as_of.isoformat()}\0{_encode(counted)}\0{_encode(exchange.document)}"
        return blake2b(whole.encode("utf-8", "surrogatepass"), key=self._secret, digest_size=24).digest()
