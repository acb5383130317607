"""
A log with so many decisions, each a sound record and a leaf of the log's tree.

Some hundred exchanges of the policies' tests are decided as the service decides them. Each decision is recorded many times, each time under
an id and a moment of its own and with commitments that open. What is there at the start is put in as the measurements do it
(`many_decisions`): 20,000 rows a transaction, over three years; only the searches do not find it by words, which would take as long again.
What comes while the service delivers goes through `Store.append_many`: the writer, the commits and the lock of a running service.
"""

from __future__ import annotations

import asyncio
import random
import time
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import sqlalchemy as sa
from uuid_utils import uuid7

from service.log.leaf import Opening, SealedRecord, commitment
from service.service import Service
from service.settings import Settings
from service.store.moments import moment_text
from service.store.tables import head
from service.transparency.merkle_tree import leaf_hash
from tests.bench.many_decisions import NOW, Template, copied, templates

DIFFERENT = 400  # decisions; the smallest of twice as many, since records of tens of kilobytes fill the disk
AT_ONCE = 100  # records of one commit
APART = timedelta(microseconds=1)


def different(service: Service) -> list[Template]:
    """Decisions to be recorded again and again, between parties of their own."""
    made = templates(service, 2 * DIFFERENT)
    return sorted(
        made, key=lambda each: len(each.entry.leaf) + sum(len(opening.value or b"") for opening in each.entry.openings)
    )[:DIFFERENT]


def exporter(of: Template) -> str:
    """The exporter's id of a decision, "" where it has none."""
    party = of.sent.get("exporter")
    return str(party.get("id", "")) if isinstance(party, dict) else ""


def recorded(of: Template, at: datetime) -> SealedRecord:
    """A record of a decision under an id and a moment of its own."""
    old, new = of.entry.id.encode(), str(uuid7())
    value, sealed = of.parts
    changed = value.replace(old, new.encode())
    moment = moment_text(at).encode()
    leaf = of.entry.leaf.replace(old, new.encode()).replace(moment_text(NOW).replace(".000000", "").encode(), moment)
    openings = []
    for each in of.entry.openings:
        if each.pointer == "decision" and each.salt is not None:
            leaf = leaf.replace(sealed, commitment(each.salt, changed).encode())
            openings.append(Opening(each.pointer, each.salt, changed))
        else:
            openings.append(each)
    assert of.entry.summary is not None
    return SealedRecord(new, leaf, leaf_hash(leaf), tuple(openings), replace(of.entry.summary, recorded_at=at))


def begin(database: str, many: int, exporters: Path) -> None:
    """Record so many decisions in a new log, and write the exporter of each to a file, a line each, in the order of the log."""
    service = Service.open(Settings(watch=False, database=database))
    try:
        made = different(service)
        names = [exporter(each) for each in made]
        copies = copied(service.store.database, made, many, time.perf_counter())
        with service.store.database.transaction() as transaction:
            transaction.execute(sa.update(head).where(head.c.name == "sorted").values(next=many))
        exporters.write_text("".join(f"{names[each.template]}\n" for each in copies))
    finally:
        service.close()


def go_on(database: str, many: int, seed: int, exporters: Path, pause: float) -> None:
    """Record so many more, with a pause after each commit, and add their exporters to the file."""
    service = Service.open(Settings(watch=False, database=database))
    try:
        made, chance = different(service), random.Random(seed)
        names = [exporter(each) for each in made]

        async def append() -> None:
            done = 0
            while done < many:
                some = [chance.randrange(len(made)) for _ in range(min(AT_ONCE, many - done))]
                now = datetime.now(UTC)
                await service.store.append_many([recorded(made[each], now + n * APART) for n, each in enumerate(some)])
                with exporters.open("a") as file:
                    file.writelines(f"{names[each]}\n" for each in some)
                done += len(some)
                await asyncio.sleep(pause)

        asyncio.run(append())
    finally:
        service.close()
