"""
The rounds of a running service: one for each day, and one after new policies have begun to decide.

Every process of a service looks whether a round is due; the lease lets one of them do it. It decides between the requests of this process
and pauses after each decision. It stops between two decisions when the service stops. Beside the rounds, webhooks get what they are due.
"""

import asyncio
import time
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager, suppress

from service.service import Service
from service.telemetry.log_lines import described
from service.watch.lease import Lease, LeaseLost
from service.watch.round import RoundDone, run, sign
from service.watch.round_progress import RoundProgress
from service.watch.transactions import writing
from service.watch.webhook_delivery import Deliveries

LOOK_SECONDS = 5.0
AGAIN_SECONDS = 60.0  # after another process was found at work, or the database did not answer
PAUSE_SECONDS = 0.002


@asynccontextmanager
async def run_rounds(service: Service) -> AsyncIterator[None]:
    """Do rounds while the service runs, unless the settings turn them off."""
    if not service.settings.watch_commitments:
        yield
        return
    stop = asyncio.Event()
    progress = RoundProgress()
    progress.register(service.metrics)
    rounds = watch_now_and_then(service, stop, progress=progress)
    tasks = [asyncio.create_task(each) for each in (rounds, deliver_now_and_then(service, stop))]
    try:
        yield
    finally:
        stop.set()
        await asyncio.gather(*tasks)


async def deliver_now_and_then(service: Service, stop: asyncio.Event) -> None:
    """Send events to webhooks when they are due, until `stop` is set."""
    if not service.settings.webhooks:
        return
    deliveries, write = Deliveries(service), writing(service, asyncio.get_running_loop())
    service.metrics.tell(
        "counter",
        "fifthfactor_webhook_attempts_total",
        "Attempts to send an event of the watch to a webhook, by what came of them.",
        lambda: [({"result": result}, number) for result, number in deliveries.counts.items()],
    )

    def work() -> None:
        if deliveries.any_due():
            deliveries.deliver(write, stop.is_set)

    while not stop.is_set():
        try:
            await asyncio.to_thread(work)
        except Exception as failed:  # noqa: BLE001 - no error may prevent the next attempt
            service.say.error("webhooks_failed", **described(failed))
        await _pause(stop)


async def watch_now_and_then(
    service: Service,
    stop: asyncio.Event,
    tell: Callable[[RoundDone], None] = lambda done: None,
    progress: RoundProgress | None = None,
) -> None:
    """Do each round that is due, until `stop` is set. `tell` is called in a thread while a round is under way, and at its end."""
    last, wait = "", 0.0
    rounds = progress or RoundProgress()

    def moved(done: RoundDone) -> None:
        rounds.moved(done)
        tell(done)

    while not stop.is_set():
        if wait > 0:
            wait -= LOOK_SECONDS
        elif (wanted := sign(service, service.today)) != last:
            rounds.due()
            try:
                done = await _round(service, wanted, stop, moved)
            except LeaseLost:
                wait = AGAIN_SECONDS
            except Exception as failed:  # noqa: BLE001 - no error may prevent the next round
                service.say.error("watch_round_failed", **described(failed))
                rounds.failed_rounds += 1
                wait = AGAIN_SECONDS
            else:
                if done:
                    last = wanted
                    rounds.done()
        await _pause(stop)


async def _round(service: Service, wanted: str, stop: asyncio.Event, tell: Callable[[RoundDone], None]) -> bool:
    """Do the round that is wanted, unless another process did it; whether it is done."""
    write = writing(service, asyncio.get_running_loop())

    def work() -> RoundDone | None:
        with service.store.database.reading.connect() as connection:
            if Lease.of("round").done(connection) == wanted:
                return None
        today = service.today
        return run(service, write, today, progress=tell, stopped=stop.is_set, pause=lambda: time.sleep(PAUSE_SECONDS))

    done = await asyncio.to_thread(work)
    if done is None:
        return True
    if done.running:
        service.say.info(
            "watch_round",
            running=done.running,
            decided=done.decided,
            told=done.told,
            failed=done.failed,
            whole=done.whole,
        )
    tell(done)
    return done.whole


async def _pause(stop: asyncio.Event) -> None:
    with suppress(TimeoutError):
        await asyncio.wait_for(stop.wait(), LOOK_SECONDS)
