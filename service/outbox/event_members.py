"""
The closed list of members from which the `data` of an event is made.

ALWAYS are those of every event: ids of decision and commitment, outcome, jurisdictions, provisions, counts, digests, days. Everything else
stands in an event only where a sink names it, member by member: what was sent cannot be taken back. What was erased is in no later reading.
"""

from types import MappingProxyType

from service.outbox.stream_event import EventClass

ALWAYS: MappingProxyType[EventClass, tuple[str, ...]] = MappingProxyType(
    {
        "decision": (
            "decision", "day", "outcome", "proceed", "hypothetical", "jurisdictions", "provisions", "counts", "policies", "meaning",
            "record",
        ),
        "commitment": (
            "commitment", "decision", "evaluation", "event", "number", "other", "replaces", "day",
        ),
        "watch": (
            "commitment", "decision", "event", "cause", "since", "day", "before", "after", "causes", "provisions", "remedy", "why",
            "counters",
        ),
    }
)  # fmt: skip

# What a sink may ask for by name, and what each of them is.
ON_REQUEST: MappingProxyType[str, str] = MappingProxyType(
    {
        "exporter": "the exporter's id, of a decision",
        "recipient": "the recipient's id, of a decision",
        "caller": "the id of the key or of the person's session that asked for a decision, or did what happened to a commitment",
        "exchange": "the whole exchange of a decision, with what was not erased of its personal values",
        "answer": "the whole answer of a decision, with its sentences",
        "reason": "the reason that was given for what happened to a commitment",
        "evidence": "the SHA-256 of what shows a stage of a commitment",
        "because": "of an event of the watch: what changes, in sentences",
        "changes": "of an event of the watch: the changes in `remedy` with their values",
    }
)
FACT = "exchange."  # with the name of a fact behind it: one value of the exchange, like `exchange.recipient.country`
