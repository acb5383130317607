"""
What became of many decisions: the newest are asked and committed over HTTP, and the rows that this made are copied for older ones.

A copy has the day, the ids and the keyed hashes of its own decision. Of every five copies one keeps the parties of its model. Where the
service keeps sums beside the rows (counters, statistics), the sums are made from all rows.
"""

from __future__ import annotations

import hashlib
import json
import random
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, timedelta
from typing import Any

import sqlalchemy as sa
from starlette.testclient import TestClient

from service.audit.counter_rows import counter_sums
from service.ledger import flow_sums
from service.service import Service
from service.store import row_seals, tables
from service.store.log_tree import growth_of
from service.store.moments import moment_text
from tests.bench.many_decisions import NOW, Copy, Template, put, told

JSON = {"content-type": "application/json"}
CONTRACT = b"A contract of 1 May 2026.\n"
HASH = hashlib.sha256(CONTRACT).hexdigest()
OF_COMMITMENTS = ("commitment", "commitment_event", "movement", "promise", "right_line", "settlement", "benefit", "flow")
VARIANTS = 5  # parties of the copies of one commitment
EVENTS, DIFFERENCES, ENTITIES, DOCUMENTS = 20_000, 20_000, 50_000, 20_000  # at a million decisions
KINDS = ("moved", "expected", "averted", "due", "overdue", "undecidable")

Rows = dict[str, list[dict[str, Any]]]


class Desk:
    """Who talks to the service over HTTP; `ids` has the decisions that were asked, by the place of their template."""

    def __init__(self, client: TestClient) -> None:
        self.client = client
        self.ids: dict[int, str] = {}
        self.commitments: dict[int, str] = {}  # by the place of the template
        self.reviews: list[str] = []  # that wait
        self.signed: list[str] = []

    def post(self, path: str, body: Any, *allowed: int) -> Any:
        """Send a body; the answer, None for a refusal that is allowed."""
        answer = self.client.post(path, content=json.dumps(body), headers=JSON)
        if answer.status_code in allowed:
            return None
        assert answer.status_code < 300, f"{path}: {answer.text}"
        return answer.json()

    def ask(self, place: int, template: Template, *, commit: bool) -> None:
        """Ask for a decision, and commit it where it may proceed."""
        answer = self.post("/v1/evaluate", template.sent, 400, 422)
        if answer is None:
            return
        self.ids[place] = answer["id"]
        if answer["proceed"] and commit:
            made = self.post("/v1/commitments", {"decision": answer["id"]}, 409, 422)
            if made is not None:
                self.commitments[place] = made["id"]
        elif answer["outcome"] == "review" and template.entry.case is not None and template.entry.case.provisions:
            if len(self.signed) < 40 and len(self.reviews) >= 20:
                sign_off = {"provisions": list(template.entry.case.provisions), "verdict": "approve"}
                more = {"reason": "counsel has read it", "until": "2027-05-31"}
                if self.post(f"/v1/decisions/{answer['id']}/sign-off", {**sign_off, **more}, 409, 422):
                    self.signed.append(answer["id"])
            else:
                self.reviews.append(answer["id"])
                self.post(f"/v1/decisions/{answer['id']}/review/comments", {"text": "counsel has the order"})

    def presented(self) -> str:
        """A decision on an exchange that presents a document, whose bytes are attached."""
        assert self.client.post(
            "/v1/documents", content=CONTRACT, headers={"content-type": "application/octet-stream"}
        ).is_success
        shown = {"cn-standard-contract": {"dated": "2026-05-01", "covers": True, "hash": HASH}}
        exchange = {
            "exporter": {"id": "exporter-00007", "country": "CN"},
            "recipient": {"id": "recipient-00007", "country": "US"},
            "data": {"personal": True, "people": {"sensitive": 12000}},
            "evidence": shown,
        }
        id: str = self.post("/v1/evaluate", exchange)["id"]
        self.post(f"/v1/decisions/{id}/documents", {"name": "evidence.cn-standard-contract", "sha256": HASH})
        return id


def supplies(many: int) -> Iterator[dict[str, Any]]:
    """Exchanges that convey rights in assets at a price, with a promise: they may proceed, and move every book of the ledger."""
    chance = random.Random(13)
    for number in range(many):
        exporter = f"exporter-{chance.randrange(200):05d}"
        yield {
            "exporter": {"id": exporter, "country": "IN", "kind": "company", "role": "controller", "targets": ["IN"]}
            | {"sectors": [chance.choice(("science", "finance", "health"))]},
            "recipient": {"id": f"recipient-{chance.randrange(2_000):05d}", "country": "AE", "kind": "company"}
            | {"listed_on": [], "relation": "unrelated", "role": "controller"},
            "act": {"kind": "provide", "frequency": "repeated", "trigger": "own", "bars": [], "security_concern": False},
            "data": {"id": f"asset-{number % 400:04d}", "kind": "dataset", "personal": True, "state": "identified"}
            | {"categories": ["contact"], "people_in": ["IN"], "collected_in": ["AE"], "stored_in": ["AE"], "grades": []}
            | {"people": {"ordinary": chance.randrange(9_000), "sensitive": 0}, "lawful_source": True},
            "rights": {"held": ["operate"], "conveyed": ["operate"]},
            "terms": {"venue": "direct", "price": f"{chance.randrange(1, 90_000)} INR"}
            | {"exclusive": False, "sublicensable": True, "purposes": ["service-provision"], "territory": ["worldwide"]}
            | {
                "term": "2 years",
                "share": {"provider": "0.9", "public": "0.1", "rest": "0"},
                "parties": {"provider": [exporter]},
            }
            | {"training_by": (NOW.date() + timedelta(days=chance.randrange(20, 700))).isoformat()}
            | {"training_places": 40, "training_host": "institute-9"},
            "purpose": {"is": ["service-provision"]},
        }


def copy_ledger(service: Service, copies: Sequence[Copy], desk: Desk, most: int) -> list[tuple[str, Copy]]:
    """Commit the copies of decisions that were committed, at most so many, spread over the years; the ids with their decisions."""
    database = service.store.database
    with database.reading.connect() as connection:
        models = {place: _rows_of(connection, id) for place, id in desk.commitments.items()}
        number = connection.execute(sa.select(sa.func.coalesce(sa.func.max(tables.benefit.c.number), -1))).scalar_one() + 1
    chosen = [each for each in copies if each.template in models]
    chosen = chosen[:: max(1, len(chosen) // max(1, most))][:most]
    made: list[tuple[str, Copy]] = []
    for first in range(0, len(chosen), 20_000):
        found: dict[str, list[tuple[Any, ...]]] = {name: [] for name in OF_COMMITMENTS}
        flows = []
        for place, each in enumerate(chosen[first : first + 20_000], first):
            id = f"c{each.id[1:]}"
            for name, row in _copied(models[each.template], id, each, place):
                if name == "benefit":
                    row["number"], number = number, number + 1
                if name == "flow" and row["live"]:
                    flows.append(row)
                found[name].append(tuple(row.values()))
            made.append((id, each))
        with database.transaction() as transaction:
            for name, rows in found.items():
                put(transaction, tables.metadata.tables[name], rows)
            flow_sums.add(transaction, flows)
        told(f"{len(made):,} of {len(chosen):,} commitments")
    with database.transaction() as transaction:
        transaction.execute(sa.delete(tables.counter_sum))
        put(transaction, tables.counter_sum, [tuple(each.values()) for each in counter_sums(transaction)])
        row_seals.seal_again(transaction, growth_of(transaction).key())
    return made


def _rows_of(connection: sa.Connection, id: str) -> Rows:
    """What a commitment has in each table."""
    found: Rows = {}
    for name in OF_COMMITMENTS:
        table = tables.metadata.tables[name]
        key = {"commitment": "id", "right_line": "source"}.get(name, "commitment")
        rows = connection.execute(sa.select(table).where(table.c[key] == id)).mappings()
        found[name] = [dict(row) for row in rows]
    return found


def _copied(model: Rows, id: str, of: Copy, place: int) -> Iterator[tuple[str, dict[str, Any]]]:
    """The rows of a model for another commitment. One in ten was withdrawn."""
    day, at = of.at.date().isoformat(), moment_text(of.at + timedelta(hours=1))
    gone, later = place % 10 == 9, moment_text(of.at + timedelta(days=9))
    variant, moved = place % VARIANTS, of.at.date() - NOW.date()

    def hashed(value: str | None) -> str | None:
        if value is None or not variant or value.startswith("role:"):
            return value
        return hashlib.sha256(f"{value} {variant}".encode()).hexdigest()

    def on(value: str | None) -> str | None:
        return value and (date.fromisoformat(value) + moved).isoformat()

    own: Mapping[str, dict[str, Callable[[Any], Any]]] = {
        "commitment": {"id": lambda _: id, "decision": lambda _: of.id, "evaluation": lambda _: of.id, "as_of": lambda _: day}
        | {"sequence": lambda _: of.sequence, "exporter": hashed, "committed_at": lambda _: at}
        | {"state": lambda _: "withdrawn" if gone else "committed"},
        "commitment_event": {"at": lambda _: at},
        "movement": {"key": hashed, "day": lambda _: day, "sequence": lambda _: of.sequence, "live": lambda _: not gone},
        "promise": {"by": hashed, "to": hashed, "due": on},
        "right_line": {"source": lambda _: id, "asset": hashed, "granter": hashed, "holder": hashed, "first": on, "until": on}
        | {"sequence": lambda _: of.sequence, "at": lambda _: at, "voided_at": lambda _: later if gone else None},
        "settlement": {"day": lambda _: day},
        "benefit": {"day": lambda _: day, "account": hashed},
        "flow": {"month": lambda _: day[:7], "supplier": hashed, "recipient": hashed, "live": lambda _: not gone},
    }
    for name, rows in model.items():
        for row in rows:
            new = {column: own[name][column](value) if column in own[name] else value for column, value in row.items()}
            if "commitment" in new:
                new["commitment"] = id
            if name == "promise" and new["due"] < NOW.date().isoformat() and place % 20:
                new |= {"kept_on": new["due"], "evidence": "record", "reported_at": at, "reported_by": "key:caller-1"}
            yield name, new
    if gone:
        number = len(model["commitment_event"])
        told = {"kind": "withdrawn", "at": later, "by": "key:caller-1", "reason": "the project ended", "other": None}
        yield "commitment_event", {"commitment": id, "number": number, **told}


def copy_others(service: Service, desk: Desk, presented: str, copies: Sequence[Copy], made: Sequence[tuple[str, Copy]]) -> None:
    """Events of the watch, differences of a shadow, entities of the register, kept policies and documents, as so long a log has."""
    database, chance, share = service.store.database, random.Random(17), len(copies) / 1_000_000
    with database.transaction() as transaction:
        rows = list(_events(made, chance, max(5, int(EVENTS * share))))
        put(transaction, tables.watch_event, rows)
        live = service.live.digests
        chosen = chance.sample(copies, min(len(copies), max(5, int(DIFFERENCES * share))))
        put(transaction, tables.shadow_difference, sorted(_difference(each, live.source, live.meaning) for each in chosen))
        _bundles(transaction, 24)
        _documents(transaction, presented, chance.sample(copies, min(len(copies), max(5, int(DOCUMENTS * share)))))
    _register(desk, service, max(5, int(ENTITIES * share)))


def _events(made: Sequence[tuple[str, Copy]], chance: random.Random, many: int) -> Iterator[tuple[Any, ...]]:
    document = json.dumps({"before": "permitted", "after": "review", "causes": ["law"], "provisions": [], "remedy": {}})
    for number in range(1, min(many, len(made)) + 1):
        id, of = made[(number * 7) % len(made)]
        at = NOW - timedelta(days=1_000) + timedelta(days=1_000) * number / many
        day, kind = at.date().isoformat(), chance.choice(KINDS)
        outcome = None if kind in ("due", "overdue") else "review"
        yield (number, f"event-{number}", 0, moment_text(at), day, kind, id, of.id, f"cause {number}", day, outcome, document)


def _difference(of: Copy, source: str, meaning: str) -> tuple[Any, ...]:
    shadow = hashlib.sha256(b"shadow").hexdigest()
    changed = ("permitted", True, "review", False, "[]", '["cn.pipl/art-38"]')
    return (of.sequence, of.id, moment_text(of.at), shadow, shadow, *changed)


def _bundles(transaction: sa.Connection, many: int) -> None:
    """Policies that decided before: as many bytes as those that decide now, under digests of their own."""
    row = dict(transaction.execute(sa.select(tables.bundle)).mappings().first() or {})
    for number in range(many):
        digest = hashlib.sha256(f"earlier {number}".encode()).hexdigest()
        used = moment_text(NOW - timedelta(days=40 * (number + 1)))
        transaction.execute(
            sa.insert(tables.bundle).values({**row, "source": digest, "meaning": digest, "first_used_at": used})
        )


def _documents(transaction: sa.Connection, presented: str, chosen: Sequence[Copy]) -> None:
    """Documents of other decisions: rows without bytes, as after an erasure."""
    row = dict(transaction.execute(sa.select(tables.document)).mappings().one())
    link = dict(transaction.execute(sa.select(tables.attached_document)).mappings().one())
    documents, links = [], []
    for number, of in enumerate(chosen):
        digest = hashlib.sha256(f"document {number}".encode()).hexdigest()
        at = moment_text(of.at)
        documents.append(tuple({**row, "id": f"document-{number}", "sha256": digest, "content": b"a", "kept_at": at}.values()))
        own = {"id": f"attached-{number}", "decision": of.id, "document": f"document-{number}", "attached_at": at}
        links.append(tuple({**link, **own}.values()))
    put(transaction, tables.document, documents)
    put(transaction, tables.attached_document, links)


def _register(desk: Desk, service: Service, many: int) -> None:
    """Parties and assets; one of each is stated over HTTP in several versions, the others are copies of it."""
    for version in range(12):
        facts = {"country": "IN", "kind": "company", "targets": ["IN"] if version % 2 else []}
        sent = {
            "facts": facts,
            "valid_from": "2026-01-01",
            "attested_by": "data protection officer",
            "note": f"review {version}",
        }
        answer = desk.client.put("/v1/parties/exporter-00003", json=sent)
        assert answer.is_success, answer.text
    asset = {"data": {"personal": True, "people": {"sensitive": 12000}}, "rights": {"held": ["hold", "use"]}}
    assert desk.client.put("/v1/assets/asset-0001", json={"facts": asset}).is_success
    with service.store.database.transaction() as transaction:
        for kind, prefix, share in (("party", "recipient", 7), ("asset", "asset", 3)):
            newest = sa.select(tables.entity).where(tables.entity.c.kind == kind).order_by(tables.entity.c.version.desc())
            model = dict(transaction.execute(newest.limit(1)).mappings().one())
            rows = [
                tuple(
                    {**model, "id": f"{prefix}-{100_000 + n}", "version": v, "state": "held" if n % 9 else "withdrawn"}.values()
                )
                for n in range(many * share // 10)
                for v in range(1, 2 + n % 3)
            ]
            put(transaction, tables.entity, rows)
