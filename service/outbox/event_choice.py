"""Which events a reader wants, and what stands in them beside the closed list."""

from dataclasses import dataclass, field

from service.outbox.event_members import FACT
from service.outbox.stream_event import CLASSES, EventClass

_OF_LEAVES = frozenset({"caller", "reason", "evidence", "because", "changes"})


@dataclass(frozen=True, slots=True)
class EventChoice:
    """The classes of the events, and the members that the reader asked for by name."""

    classes: frozenset[EventClass] = frozenset(CLASSES)
    members: tuple[str, ...] = ()
    opens_records: bool = field(init=False)
    opens_leaves: bool = field(init=False)

    def __post_init__(self) -> None:
        opens = any(each in ("exchange", "answer") or each.startswith(FACT) for each in self.members)
        object.__setattr__(self, "opens_records", opens)
        object.__setattr__(self, "opens_leaves", not _OF_LEAVES.isdisjoint(self.members))
