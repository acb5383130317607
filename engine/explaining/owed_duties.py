"""
What stays owed after an exchange: each duty as a decision tells it, and until when it binds whoever keeps the proof.

A duty may say how long its proof is kept (`keep`, semantics 3.6): a length of time, or words from which no day can be read.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from engine.decision import DutyPart
from engine.explaining.encoding import encode
from engine.rules import Duty
from engine.values import BadValue, Duration, read_duration


@dataclass(frozen=True, slots=True)
class OwedDuty:
    """A duty that is owed or may be owed. `done`: it certainly is done. `length` is None where `part.keep` is no length of time."""

    part: DutyPart
    done: bool
    length: Duration | None

    def kept_until(self, since: date) -> date | None:
        """The last day on which the proof must be kept, if it is kept from a day on; None where no day can be read."""
        return None if self.length is None else self.length.after(since)


@dataclass(frozen=True, slots=True)
class DutyLine:
    """
    A duty as it is told: its JSON as a whole, its JSON in an answer, the key by which an answer sorts duties, and whose law it is.

    What a refusal brings comes first, then what is most urgent.
    """

    part: DutyPart
    whole: str
    short: str
    order: tuple[bool, bool, bool, str]
    place: str

    @classmethod
    def of(cls, part: DutyPart, place: str) -> DutyLine:
        return cls(
            part, encode(part.model_dump(mode="json")), short_duty(part), (part.arises != "refusal", *urgency(part)), place
        )


def short_duty(part: DutyPart) -> str:
    """A duty as an answer tells it, as JSON."""
    told: dict[str, object] = {"duty": part.duty, "who": part.who}
    if not part.certain:
        told["certain"] = False
    if part.overdue != "no":
        told["overdue"] = part.overdue
    if part.due:
        told["due"] = part.due.isoformat()
    return encode(told)


def urgency(part: DutyPart) -> tuple[bool, bool, str]:
    """What is overdue first, then what is owed for certain, then what is due soonest."""
    return part.overdue == "no", not part.certain, part.due.isoformat() if part.due else "9999"


def length_of(duty: Duty) -> Duration | None:
    """How long the proof of a duty is kept; None if it says nothing, or words, or working days."""
    try:
        length = read_duration(duty.keep) if duty.keep else None
    except BadValue:
        return None
    return None if length is None or length.working_days else length
