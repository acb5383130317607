"""How often a probe looks and tries, whatever often it is asked for."""

import asyncio

from service.decisions import readiness
from service.decisions.readiness import Readiness
from service.log.record_trial import try_a_record
from tests.service.conftest import BOTH_DATABASES


@BOTH_DATABASES
def test_a_record_is_tried_less_often_where_a_trial_leaves_dead_rows(service, monkeypatch):
    """It is looked up each second all the same; after a write that failed, the next probe does both at once."""
    now, looked, tried = [0.0], [], []
    look_up = Readiness._look_up

    def looking(probing):
        looked.append(now[0])
        look_up(probing)

    def trying(*asked):
        tried.append(now[0])
        try_a_record(*asked)

    monkeypatch.setattr(readiness, "monotonic", lambda: now[0])
    monkeypatch.setattr(Readiness, "_look_up", looking)
    monkeypatch.setattr("service.log.store.try_a_record", trying)

    async def probe(times):
        for now[0] in times:
            assert await probing.probe() == 0

    probing = Readiness(service)
    asyncio.run(probe([0.0, 0.5, 1.0, 1.5, 9.5, 10.0, 10.5, 11.0]))
    assert looked == [0.0, 1.0, 9.5, 10.5]
    assert tried == ([0.0, 10.0] if service.store.database.dialect == "postgresql" else [0.0, 1.0, 9.5, 10.5])
    service.store.writer.counts.failing = True
    asyncio.run(probe([11.25]))
    assert looked[-1] == tried[-1] == 11.25
