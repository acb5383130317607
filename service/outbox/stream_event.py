"""
An event of the decision stream: what every sink is sent, and what `/v1/events` lists.

`sequence` is the number of its leaf in the log. It orders all events, and a reader goes on after it. `key` is the hash by which the ledger
knows the exporter, None where there is none; what has the same key is sent in the order of the log. `data` has members of a closed list:
service.outbox.event_members.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, get_args

EventClass = Literal["decision", "commitment", "watch"]
CLASSES: tuple[EventClass, ...] = get_args(EventClass)
DECISION = "org.fifthfactor.decision.v1"
COMMITMENT = "org.fifthfactor.commitment.v1"
SPECIFICATION = "1.0"
_DIGITS = 19  # of the largest number of a leaf: texts of this length are in the order of the numbers


@dataclass(frozen=True, slots=True)
class StreamEvent:
    """An event. `id` is the same whenever it is read, `type` is its CloudEvents type, `time` is ISO text in UTC."""

    sequence: int
    id: str
    kind: EventClass
    type: str
    subject: str
    time: str
    key: str | None
    data: Mapping[str, Any] = field(hash=False)

    def cloud_event(self, source: str) -> dict[str, Any]:
        """
        The event in CloudEvents 1.0, with the extensions `sequence` and, where it has a key, `partitionkey`.

        `source` is that of the log: service.watch.events.source_of.
        """
        keyed = {} if self.key is None else {"partitionkey": self.key}
        return {
            "specversion": SPECIFICATION,
            "id": self.id,
            "source": source,
            "type": self.type,
            "subject": self.subject,
            "time": self.time,
            "datacontenttype": "application/json",
            "sequence": f"{self.sequence:0{_DIGITS}}",
            **keyed,
            "data": dict(self.data),
        }
