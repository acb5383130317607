"""
Only the deliveries of a service, in a process of its own: `python -m tests.outbox_run.deliverer log.db sinks.yaml 1.0`.

The last number is how long a process that was killed holds its turn, in seconds. A service holds it so long that a run with many kills and
few events would mostly wait. The key of a log on a server is where the service looks for it too.
"""

from __future__ import annotations

import asyncio
import os
import sys
from pathlib import Path

from service.outbox.deliveries import SinkThread
from service.outbox.delivery import Delivery
from service.outbox.sink_opening import open_sink
from service.outbox.sink_settings import read
from service.service import Service
from service.settings import Settings
from service.watch.events import source_of
from service.watch.transactions import writing


async def deliver(service: Service, seconds: float) -> None:
    """Send until killed."""
    write, source = writing(service, asyncio.get_running_loop()), source_of(service.store.database.log_key().origin)
    for each in read(service.settings.sinks):
        sink = open_sink(each, source, service.clock)
        SinkThread(service, Delivery(service, each, sink, write, seconds), resting=False).start()
    await asyncio.Event().wait()


if __name__ == "__main__":
    database, sinks, turn = sys.argv[1:]
    policies = Path(__file__).parents[1] / "service" / "bundle" / "policies"
    key = Path(os.environ["FIFTHFACTOR_LOG_KEY"]) if "FIFTHFACTOR_LOG_KEY" in os.environ else None
    opened = Service.open(Settings(watch=False, database=database, log_key=key, sinks=Path(sinks), policies=(policies,)))
    asyncio.run(deliver(opened, float(turn)))
