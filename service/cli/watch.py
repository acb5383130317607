"""`fifthfactor watch`: decides again what was committed, and tells what moves."""

from datetime import date
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import Commands, Database, ServicePolicies, UsedWrongly
from service.cli.output import count, day, progress, safe

if TYPE_CHECKING:
    from service.service import Service
    from service.watch.round import RoundDone

app = Commands()


@app.add("watch --once", "watch --once --today 2027-01-01 --days 0")
def watch(
    once: Annotated[bool, typer.Option("--once", help="Do one round and end.")] = False,
    today: Annotated[str | None, typer.Option(help="Day of the round, like 2024-03-22; with --once. [today]")] = None,
    days: Annotated[int | None, typer.Option(help="How many days ahead to look. [FIFTHFACTOR_WATCH_DAYS, or 30]")] = None,
    policies: ServicePolicies = None,
    database: Database = None,
) -> int:
    """
    Decide again what was committed, and tell where the outcome has moved or will.

    The service does it by itself, each day and with new policies. It may run meanwhile: one process does a round at a time. A round that
    is interrupted goes on where it stopped. Without --once, rounds are done until you stop it.

    Ends with 1 where the round told something new, with 2 where another process is at work.
    """
    from service.cli.database_access import open_service

    if today is not None and not once:
        raise UsedWrongly("`--today` is the day of one round: add `--once`")
    on = day(today) if today else None
    with open_service(database, policies, watch_days=days, watch=not once) as service:
        if once:
            return _once(service, on)
        return _until_stopped(service)


def _once(service: "Service", on: date | None) -> int:
    from service.watch.events import last_number, page
    from service.watch.lease import LeaseLost
    from service.watch.round import run
    from service.watch.transactions import writing
    from service.watch.webhook_delivery import Deliveries

    write, deliveries = writing(service), Deliveries(service)
    with service.store.database.reading.connect() as connection:
        before = last_number(connection)
    try:
        done = run(service, write, on or service.today, progress=_progress)
    except LeaseLost as lost:
        killed = f"; if it was killed, try again after {lost.until[:19]}Z" if lost.until else ""
        raise UsedWrongly(f"another process is doing a round: try again when it is done{killed}") from None
    progress("")
    with service.store.database.reading.connect() as connection:
        while found := page(connection, before, 500):
            for each in found:
                outcome = (
                    each.document["after"]
                    or each.document.get("why")
                    or ("is overdue" if each.kind == "overdue" else "falls due")
                )
                print(f"{each.since} {each.kind} {safe(each.commitment)}: {safe(outcome)} ({safe(each.cause)})")
            before = found[-1].number
    print(_said(done))
    if service.settings.webhooks:
        arrived, failed = deliveries.deliver(write)
        print(f"webhooks: {count(arrived, 'event')} delivered" + (f", {failed:,} to be sent again" if failed else ""))
    return int(done.told > 0 or done.failed > 0)


def _until_stopped(service: "Service") -> int:
    import asyncio
    import signal

    from service.watch.daily_rounds import deliver_now_and_then, watch_now_and_then

    async def work() -> None:
        stop, loop = asyncio.Event(), asyncio.get_running_loop()
        for number in (signal.SIGINT, signal.SIGTERM):
            loop.add_signal_handler(number, stop.set)
        async with service.running():
            await asyncio.gather(watch_now_and_then(service, stop, _progress), deliver_now_and_then(service, stop))

    asyncio.run(work())
    return 0


def _progress(done: "RoundDone") -> None:
    progress("" if done.whole else f"{done.looked_at:,} of {count(done.running, 'commitment')}, {count(done.told, 'event')}")


def _said(done: "RoundDone") -> str:
    failed = f", {count(done.failed, 'commitment')} not decided" if done.failed else ""
    return f"{count(done.running, 'commitment')} watched, {done.decided:,} decided again, {count(done.told, 'event')}{failed}"
