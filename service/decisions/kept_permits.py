"""
How long a caller may keep a permit: a judged exchange goes in, and the moment until which its answer may be used again.

A permit may be kept where nothing that the service keeps can change it: then only the day and the policies can, and a caller sees both. The
day ends what is kept: today the outcome is the one that was judged, so `holds_until` is never earlier than the end of today.

- INVARIANT (never a wrong permit): where it is in doubt whether something could change the permit, it may not be kept.
- INVARIANT (no later than today): a permit of one day is kept on that day only, by the zone of the service.
"""

from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta, tzinfo
from functools import lru_cache
from typing import Self

from pydantic import Field

import engine
from service.callers.caller import Caller
from service.decisions.exchange_judge import JudgedExchange
from service.decisions.ledger_counts import LedgerCounts
from service.settings import Settings
from service.store.kept_reads import KeptReads


class KeepableAnswer(engine.Answer):
    """The answer to an exchange, and until when its caller may keep it."""

    keep_until: datetime | None = Field(
        default=None,
        description="the moment until which this permit may be used again for the same exchange, under the same key, while no answer names"
        " other policies in `bundle`; null where it may not be kept",
    )


@dataclass(frozen=True, slots=True)
class KeepingTime:
    """For how long a service lets its callers keep a permit; nothing with `most` of zero."""

    most: timedelta
    zone: tzinfo

    @classmethod
    def of(cls, settings: Settings, shadowed: bool) -> Self:
        """By the settings. Nothing is kept where one engine decides alone, and where a shadow is to see every exchange."""
        doubtful = shadowed or settings.mode != "checked"
        return cls(timedelta(seconds=0 if doubtful else settings.keep_at_most), settings.tzinfo)

    def allows(self, reads: KeptReads) -> bool:
        """Whether a permit may be kept for which this was read: not where anything was that could change it."""
        return bool(self.most) and not reads.other

    def of_caller(self, now: datetime, caller: Caller, reads: KeptReads) -> datetime | None:
        """Until when a caller may keep a permit that stands alone. A caller who belongs to a party keeps none."""
        return self.until(now) if self.allows(reads) and caller.party is None else None

    def until(self, now: datetime) -> datetime | None:
        """The moment until which a permit that is given now may be kept, in whole seconds and UTC; None where that is now already."""
        until = _until(now.replace(microsecond=0), self.most, self.zone)
        return until if until > now else None


@lru_cache(maxsize=16)
def _until(now: datetime, most: timedelta, zone: tzinfo) -> datetime:
    """So long after a second, or the moment at which its day ends in a zone. Where midnight comes twice, it is the first."""
    day = now.astimezone(zone).date()
    if day == date.max:
        return now + most
    return min(now + most, datetime.combine(day + timedelta(days=1), time.min, zone)).astimezone(UTC)


def stands_alone(judged: JudgedExchange, exchange: engine.Exchange, ledger: LedgerCounts) -> bool:
    """
    Whether a judgement is a permit without duties on today's law, and remains one whatever the service keeps besides the policies.

    `exchange` is as it was sent. Where it is `apart`, the ledger fills in shares, and says which counters it keeps. With all that it counts
    unknown, the exchange is judged once more: what is permitted then is permitted with each value.
    """
    live, judgement = judged.live, judged.judgement
    if judgement is not judged.unsigned or judged.shown:
        return False
    if not _free(judgement, judged.today) or not ledger.apart(live, exchange):
        return False
    counting = live.counting
    counted = {*counting.facts, *(each.fact for each in counting.shares), *(each.kept for each in counting.counters)} - {""}
    if not counted:
        return True
    unknown = judgement.exchange.with_values(dict.fromkeys(counted, engine.Missing.UNKNOWN))
    try:
        return _free(live.pdp.judge(unknown, as_of=judged.today), judged.today)
    except engine.EnginesFailed:
        return False


def _free(judgement: engine.Judgement, today: date) -> bool:
    """
    Whether a judgement is a permit without duties, certain or possible, by the policies alone.

    It rests on no approval, on no acceptance, on nothing that was shown or registered, and no condition came with the data.
    """
    exchange = judgement.exchange
    return (
        judgement.proceeds(today)
        and judgement.agreed
        and not judgement.verdict.owed
        and not judgement.carried
        and not judgement.signed
        and not judgement.outcome.coverage.accepted
        and not judgement.outcome.coverage.signed
        and not exchange.carried
        and not exchange.shown_until
        and not exchange.register
    )


def with_keep_until(answer: bytes, until: datetime | None) -> bytes:
    """An answer, a JSON object in bytes, with the member `keep_until`."""
    told = b"null" if until is None else b'"%bZ"' % until.isoformat()[: len("2026-11-25T12:00:00")].encode()
    return b'%b,"keep_until":%b}' % (answer.removesuffix(b"}"), told)
