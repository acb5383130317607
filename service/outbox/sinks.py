"""
What a sink is: events go in, and when the call returns, the receiver has them.

A sink knows no cursor and no database. Whoever delivers (service.outbox.delivery) gives it events in the order of the log, and moves the
cursor only after `send` has returned. After a failure or a kill the same events come again, so a receiver may get an event twice and never
misses one.
"""

from collections.abc import Sequence
from datetime import date
from typing import Protocol, runtime_checkable

from service.outbox.stream_event import StreamEvent

SEND_SECONDS = 20.0  # within them a call of `send` returns or raises: then another process may take its turn


class SinkUnreachable(Exception):
    """
    The receiver does not have all of the events; the message is a few words without an address, a secret or a value.

    `arrived`: so many of them, from the first one on, it has for certain.
    """

    def __init__(self, reason: str, arrived: int = 0) -> None:
        super().__init__(reason)
        self.arrived = arrived


class SinkSlow(SinkUnreachable):
    """Some of the events arrived within the time of a call, and the others were not sent: no failure, the next call has them."""


class Sink(Protocol):
    """Where events are sent. One thread uses it at a time. Nothing is connected to before the first call of `send`."""

    @property
    def name(self) -> str:
        """The name in the settings."""

    def send(self, events: Sequence[StreamEvent]) -> None:
        """
        Send events, in the order of their sequence; those with the same key arrive in this order.

        When it returns, the receiver has all of them. Raises SinkUnreachable.
        """

    def close(self) -> None:
        """Let go of connections and files. May be called twice."""


@runtime_checkable
class DailySink(Protocol):
    """A sink that wants to know when a day is over, though no event came after it."""

    def over(self, today: date) -> None:
        """Everything that the log held before this day (UTC) was sent. Raises SinkUnreachable."""
