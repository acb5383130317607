"""`fifthfactor events …`: the events of the log, the sinks that they are sent to, and how far each is."""

import json
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.command import AsJson, Commands, Database, UsedWrongly, address, need, settings
from service.cli.output import count, duration, print_json, safe

if TYPE_CHECKING:
    from collections.abc import Callable
    from datetime import datetime

    from structlog.typing import FilteringBoundLogger

    from service.log.store import Store
    from service.outbox.sink_settings import AnySink, Start

app = Commands(help="List the events of the log, and send them to the sinks of FIFTHFACTOR_SINKS.")

From = Annotated[str, typer.Option("--from", help="Where to begin: beginning, now, a day (UTC), or the number of a leaf.")]
NONE = "there are no sinks: name a file with some in FIFTHFACTOR_SINKS, one like `- {name: archive, kind: files, folder: events}` a line"
SinkName = Annotated[str | None, typer.Option("--sink", help="Only the sink of this name.")]


@dataclass(frozen=True, slots=True)
class _Log:
    """An open log in a process that only delivers."""

    store: "Store"
    say: "FilteringBoundLogger"
    clock: "Callable[[], datetime]"


@app.add("events list --from 2026-03-31 --kind decision", name="list")
def list_(
    start: From = "beginning",
    kind: Annotated[str | None, typer.Option(help="Only decision, commitment or watch.")] = None,
    limit: Annotated[int, typer.Option(min=1, help="How many at most.")] = 100,
    database: Database = None,
    as_json: AsJson = False,
) -> int:
    """
    List events in the order of the log: number, time, what it is and of what. With --json each is a CloudEvent on a line.

    No event names a party, a key or a value of an exchange.
    """
    from service.outbox.event_feed import choice_of
    from service.outbox.log_reader import LogReader
    from service.outbox.places import place_of
    from service.outbox.stream_event import CLASSES
    from service.store.upgrade import existing
    from service.watch.events import source_of

    place = _place(start)
    if kind is not None:
        need("class of events", kind, CLASSES)
    chosen = settings(database=database)
    with existing(chosen.database, chosen.log_key) as log, log.reading.connect() as connection:
        source, reader, left = source_of(log.log_key().origin), LogReader(), limit
        position = place_of(connection, place)
        while left > 0:
            batch = reader.read(connection, position, min(left, 500), choice_of(kind))  # type: ignore[arg-type]
            for each in batch.events:
                if as_json:
                    print(json.dumps(each.cloud_event(source), ensure_ascii=False))
                    continue
                said = (
                    each.data.get("outcome") or each.data.get("event") or each.data.get("after") or each.data.get("why") or ""
                )
                name = each.type.removeprefix("org.fifthfactor.").removesuffix(".v1")
                print(f"{each.sequence:>9} {each.time[:19]}Z {name} {safe(each.subject)} {safe(str(said))}".rstrip())
            left -= len(batch.events)
            position = batch.position
            if position >= batch.size:
                break
    return 0


@app.add("events sinks --json")
def sinks(database: Database = None, as_json: AsJson = False) -> int:
    """
    List the sinks: where each is in the log, how far behind, why its last attempt failed, and which process sends to it until when.

    A process that was killed keeps its turn until then; the next one sends afterwards. Ends with 1 where the last attempt of one failed, or
    a running service sends to another receiver under its name.
    """
    from service.outbox import sink_settings
    from service.outbox.deliveries import standings
    from service.service import now_utc
    from service.store.upgrade import reading

    chosen = sink_settings.read(settings().sinks)
    if not chosen:
        print(NONE if not as_json else "[]")
        return 0
    with reading(address(database)) as connection:
        found = standings(connection, chosen, now_utc())
    if as_json:
        print_json([each.shown() for each in found])
    for each in () if as_json else found:
        print(each.settings.name, each.settings.kind, _said(each))
    return int(any(each.other is not None or (each.cursor is not None and each.cursor.attempts > 0) for each in found))


def _said(standing: Any) -> str:
    from service.outbox.delivery import ELSEWHERE

    held = f"; {safe(standing.holder.named)} sends, its turn ends {standing.holder.until}" if standing.holder else ""
    if standing.other:
        held += f"; the name is held until {standing.other.until}, and longer while it runs: {ELSEWHERE}"
    if standing.cursor is None or standing.lag is None:
        return f"has not begun{held}"
    lag, cursor = standing.lag, standing.cursor
    behind = f"{lag.leaves:,} behind, for {duration(lag.seconds)}" if lag.leaves else "up to date"
    failed = f"; {count(cursor.attempts, 'attempt')} failed: {safe(cursor.failure or '')}" if cursor.attempts else ""
    return f"at {cursor.position:,}, {behind}, {count(cursor.sent, 'event')} sent{failed}{held}"


@app.add("events deliver", "events deliver --once --sink warehouse")
def deliver(
    once: Annotated[bool, typer.Option("--once", help="Send what is there, and end.")] = False,
    sink: SinkName = None,
    database: Database = None,
) -> int:
    """
    Send events to the sinks.

    The service does it by itself; it may run meanwhile: one process sends to a sink at a time. Without --once, until you stop it. A
    process of its own takes no time from those that answer, and goes as fast as it can.

    Ends with 1 where with --once something could not be sent.
    """
    from service.outbox.deliveries import SinkDeliveries
    from service.outbox.delivery import ELSEWHERE, ReceiverOther
    from service.watch.lease import LeaseLost
    from service.watch.transactions import writing

    chosen = _sinks(sink)
    with _opened(database) as log:
        deliveries = SinkDeliveries(log, chosen)
        if not once:
            return _until_stopped(deliveries)
        failed = False
        for each in deliveries.made(writing(log)):
            busy = ""
            try:
                while each.step():
                    pass
                each.close()
            except ReceiverOther:
                busy = ELSEWHERE
            except LeaseLost:
                busy = "another process sends to it"
            failed = failed or each.failures > 0 or bool(busy)
            said = busy or f"{count(each.sent, 'event')} sent"
            print(f"{each.name}: {said}{f', {each.failures:,} attempts failed' if each.failures else ''}")
        return int(failed)


@app.add("events move warehouse --from beginning")
def move(
    name: Annotated[str, typer.Argument(help="Name of the sink.")],
    start: From,
    database: Database = None,
) -> int:
    """
    Let a sink go on from another place of the log. What was sent is sent again, or what was not sent is passed over.

    It goes on at the receiver of these settings, also where a running service sends to another one.
    """
    import asyncio

    from service.outbox.delivery import put

    place = _place(start)
    (found,) = _sinks(name)
    with _opened(database) as log:
        cursor = asyncio.run(log.store.do(lambda transaction: put(transaction, found, place, log.clock())))
    print(f"{cursor.name} goes on at {cursor.position:,}")
    return 0


def _until_stopped(deliveries: Any) -> int:
    import asyncio
    import signal

    async def work() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with deliveries.running(resting=False):
            await stop.wait()

    asyncio.run(work())
    return 0


@contextmanager
def _opened(database: str | None) -> Iterator[_Log]:
    """The log of a database that is there. Raises DatabaseRefused."""
    from service.log.store import Store
    from service.service import now_utc
    from service.store.upgrade import open_present
    from service.telemetry import log_lines

    chosen = settings(database=database)
    open_present(chosen.database, chosen.log_key).close()  # so that a mistyped name creates no database
    with Store.open(chosen.database, log_key=chosen.log_key) as store:
        yield _Log(store, log_lines.logger(), now_utc)


def _sinks(name: str | None) -> "tuple[AnySink, ...]":
    """The sinks of the settings, or the one of a name. Raises UsedWrongly, SettingRefused."""
    from service.outbox import sink_settings

    found = sink_settings.read(settings().sinks)
    if not found:
        raise UsedWrongly(NONE)
    if name is not None:
        need("sink", name, [each.name for each in found])
    return tuple(each for each in found if name in (None, each.name))


def _place(written: str) -> "Start":
    from service.outbox.sink_settings import start_of

    try:
        return start_of(written)
    except ValueError as wrong:
        raise UsedWrongly(f"`--from` cannot be `{safe(written[:40])}`: {wrong}") from None
