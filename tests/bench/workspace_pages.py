"""
Every page of the workspace with an address: a filled database goes in; names, addresses and forms come out.

The words, ids and names in the addresses are read from the database: of the newest decisions, of the oldest, and of those that few have.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any
from urllib.parse import urlencode

import sqlalchemy as sa

from service.log.search_query import FIELDS
from service.service import Service
from service.store.tables import attached_document, commitment, entry, movement, review_case, right_line, term
from tests.bench.many_decisions import PERMITTED

AskedPage = tuple[str, str, dict[str, str] | None]  # a name, an address, and the fields of a form, if it is asked for by one


def pages(service: Service, connection: sa.Connection) -> Iterator[AskedPage]:
    """Every page: its name, its address, and the fields of its form where it is asked for by one."""
    yield from _overview_and_log(connection)
    yield from _decisions(connection)
    yield from _reviews(connection)
    yield from _ledger(service, connection)
    yield from _others(connection)
    yield from _reports(service)


def _get(name: str, path: str, **query: Any) -> tuple[str, str, None]:
    return name, path + (f"?{urlencode(query, doseq=True)}" if query else ""), None


def _overview_and_log(connection: sa.Connection) -> Iterator[tuple[str, str, None]]:
    for days in (7, 30, 90):
        yield _get(f"overview, {days} days", "/", days=days)
    yield _get("log", "/log")
    yield _get("log, in Chinese", "/log", lang="zh")
    common, rare = _words(connection)
    for kind, word in common.items():
        yield _get(f"log, a common {kind}", "/log", **{kind: word})
    for kind, word in rare.items():
        yield _get(f"log, a rare {kind}", "/log", **{kind: word})
    yield _get("log, a week long ago", "/log", since="2024-03-01", until="2024-03-07")
    yield _get("log, what may proceed", "/log", proceed="true")
    yield _get("log, three filters", "/log", outcome="review", proceed="false", exporter_country=common["exporter_country"])
    yield _get("log, a text of many", "/log", text="recipient")
    yield _get("log, a text of a party", "/log", text="recipient-01999")
    yield _get("log, a text of none", "/log", text="nowhere to be found")
    yield _get("log, a rare provision and a text", "/log", provision=rare["provision"], text="exporter-00001")


def _words(connection: sa.Connection) -> tuple[dict[str, str], dict[str, str]]:
    """A word of the newest decision, and one of few decisions, of each kind."""
    newest = sa.select(entry).order_by(entry.c.moment.desc()).limit(40)
    numbers = [int(n) for row in connection.execute(newest) for n in row.words.split(",")]
    rows = connection.execute(sa.select(term.c.kind, term.c.value).where(term.c.id.in_(numbers))).all()
    kinds = frozenset(FIELDS)
    common = {kind: value for kind, value in rows if kind in kinds}
    latest = sa.select(term.c.kind, term.c.value).where(term.c.kind.in_(kinds)).order_by(term.c.id)
    rare = {row.kind: row.value for row in connection.execute(latest)}
    return common, {kind: value for kind, value in rare.items() if kind in ("provision", "requirement", "recipient_country")}


def _decisions(connection: sa.Connection) -> Iterator[tuple[str, str, None]]:
    ids = {}
    for outcome in (*PERMITTED, "requirements_unmet", "review", "undetermined", "prohibited"):
        newest = sa.select(entry.c.id).where(entry.c.outcome == outcome).order_by(entry.c.moment.desc()).limit(1)
        if (found := connection.execute(newest).scalar_one_or_none()) is not None:
            ids[outcome] = found
    for outcome, id in ids.items():
        yield _get(f"decision, {outcome}", f"/log/{id}")
    old = connection.execute(sa.select(entry.c.id).order_by(entry.c.moment).offset(5).limit(1)).scalar_one()
    yield _get("decision, three years old", f"/log/{old}")
    first, *_, last = ids.values()
    yield _get("decision, its provisions", f"/log/{last}/provisions")
    yield _get("decision, again by the law of another day", f"/log/{first}/again", as_of="2026-01-15")
    shown = sa.select(attached_document.c.decision).order_by(attached_document.c.attached_at.desc()).limit(1)
    presented = connection.execute(shown).scalar_one()
    yield _get("decision, its documents", f"/log/{presented}/documents")
    yield _get("two decisions side by side", "/log/beside", decision=[first, last])


def _reviews(connection: sa.Connection) -> Iterator[tuple[str, str, None]]:
    yield _get("reviews, the oldest first", "/review")
    for order in ("newest", "due"):
        yield _get(f"reviews, order {order}", "/review", order=order)
    waits = sa.select(review_case).where(review_case.c.state == "waits")
    case = connection.execute(
        waits.where(review_case.c.provisions != "[]").order_by(review_case.c.moment.desc()).limit(1)
    ).one()
    of = connection.execute(sa.select(entry).where(entry.c.sequence == case.sequence)).one()
    yield _get("reviews, a kind", "/review", kind=case.kinds.split(",")[0])
    yield _get("reviews, gaps", "/review", kind="gap")
    yield _get("reviews, waiting for a second person", "/review", kind="second")
    yield _get("reviews, assigned to nobody", "/review", assignee="none")
    yield _get("reviews, older than 30 days", "/review", older_than=30)
    yield _get("reviews, a pair of countries", "/review", exporter_country="CN", recipient_country="US")
    yield _get("reviews, a country of few", "/review", exporter_country=of.exporter_country or "SG")
    yield _get("reviews, a provision", "/review", provision=case.provisions.split('"')[1])
    yield _get("reviews, newest and a kind", "/review", order="newest", kind="lift")
    yield _get("one review", f"/review/{case.decision}")


def _ledger(service: Service, connection: sa.Connection) -> Iterator[tuple[str, str, None]]:
    rows = sa.select(commitment, entry.c.exporter, entry.c.recipient, right_line.c.asset)
    rows = rows.join(entry, entry.c.sequence == commitment.c.sequence).join(right_line, right_line.c.source == commitment.c.id)
    newest = connection.execute(rows.order_by(commitment.c.sequence.desc()).limit(1)).mappings().first()
    if newest is None:
        newest = connection.execute(sa.select(commitment).order_by(commitment.c.sequence.desc()).limit(1)).mappings().one()
    yield _get("ledger", "/ledger")
    yield _get("ledger, an exporter", "/ledger", exporter="exporter-00007")
    yield _get("ledger, an unknown exporter", "/ledger", exporter="nobody")
    yield _get("ledger, a recipient", "/ledger", recipient="recipient-00007")
    yield _get("ledger, an unknown recipient", "/ledger", recipient="nobody")
    for state in ("committed", "withdrawn", "superseded"):
        yield _get(f"ledger, {state}", "/ledger", state=state)
    yield _get("ledger, days long ago", "/ledger", **{"from": "2023-12-01", "until": "2023-12-31"})
    yield _get("ledger, a month without any", "/ledger", **{"from": "2022-01-01", "until": "2022-01-31"})
    for each in service.live.counting.counters:
        yield _get(f"ledger, counter {each.name}", "/ledger", counter=each.name)
    yield _get("ledger, three filters", "/ledger", state="withdrawn", exporter="exporter-00007", **{"from": "2024-01-01"})
    yield _get("one commitment", f"/ledger/commitments/{newest['id']}")
    yield _get("counters", "/ledger/counters")
    for each in service.live.counting.counters:
        yield _get(f"counters of {each.name}", f"/ledger/counters/{each.name}")
    names = [each.name for each in service.live.counting.counters]  # what a share counts has no page
    mine = sa.select(movement.c.counter, movement.c.key).where(movement.c.counter.in_(names))
    moved = mine.order_by(movement.c.sequence.desc()).limit(1)
    if (found := connection.execute(moved).one_or_none()) is not None:
        yield _get("one counter", f"/ledger/counters/{found.counter}/{found.key}")
    yield _get("rights, of an asset", "/ledger/rights", asset="asset-0001")
    yield _get("rights, of an asset, with history", "/ledger/rights", asset="asset-0001", history="true")
    yield _get("rights, of a party", "/ledger/rights", party="exporter-00003")
    yield _get("benefits", "/ledger/benefits")
    yield _get("benefits, of a party", "/ledger/benefits", party="exporter-00003")
    yield _get("benefits, of a role", "/ledger/benefits", role="public")
    yield _get("benefits, of a month", "/ledger/benefits", **{"from": "2025-05-01", "until": "2025-05-31"})
    yield _get("statistics", "/ledger/statistics")
    for name in ("pair", "venue", "kind", "sector", "grade"):
        yield _get(f"statistics, by {name}", "/ledger/statistics", by=name)
    yield _get("statistics, by pair and kind", "/ledger/statistics", by="pair", then="kind")


def _others(connection: sa.Connection) -> Iterator[tuple[str, str, None]]:
    yield _get("register", "/register")
    yield _get("register, parties", "/register", kind="party")
    yield _get("register, withdrawn", "/register", state="withdrawn")
    yield _get("register, erased, which none is", "/register", state="erased")
    yield _get("register, a text of many", "/register", text="recipient")
    yield _get("register, a text of none", "/register", text="nowhere")
    yield _get("one entity", "/register/party/exporter-00003")
    yield _get("one entity, an earlier version", "/register/party/exporter-00003", version=3)
    yield _get("policies", "/policies")
    yield _get("policies, a text", "/policies", text="personal")
    for name in ("coverage", "versions", "shadow"):
        yield _get(f"policies, {name}", f"/policies/{name}")
    yield _get("one policy", "/policies/cn.pipl")
    yield _get("one policy, its tests", "/policies/cn.pipl/-/tests")
    yield _get("one provision", "/policies/cn.pipl/art-38")
    yield _get("asking", "/ask")


def _reports(service: Service) -> Iterator[AskedPage]:
    yield _get("reports, the forms", "/reports")
    month = {"from": "2026-10-01", "until": "2026-10-31"}
    years = {"from": "2023-12-01", "until": "2026-11-27"}
    yield _get("report, a month", "/reports/report", **month)
    yield _get("report, three years", "/reports/report", **years)
    yield _get("report, a jurisdiction, three years", "/reports/report", **years, jurisdiction="CN")
    yield _get("report, a rare jurisdiction, three years", "/reports/report", **years, jurisdiction="RW")
    yield "report, a party, a month", "/reports/report", {**month, "party": "exporter-00003"}
    yield "report, a party, three years", "/reports/report", {**years, "party": "exporter-00003"}
    yield "report, a party of few, three years", "/reports/report", {**years, "party": "recipient-19999"}
    for name in service.live.bundle.vocabulary.transfer_registers:
        yield _get(f"transfers {name}, a month", "/reports/transfers", **month, register=name)
        yield _get(f"transfers {name}, three years", "/reports/transfers", **years, register=name)
        yield f"transfers {name}, a party", "/reports/transfers", {**years, "register": name, "party": "exporter-00003"}
