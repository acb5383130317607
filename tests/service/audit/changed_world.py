"""
A small world in a database, and changes to it that last a moment: rows that are written beside the service, which acts, and put back.

`World.made` fills a database. `for_a_moment` makes a change, lets somebody act, and puts every row that the change touched back as it was.
"""

import asyncio
import json
import shutil
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from functools import partial
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa
from starlette.testclient import TestClient

import engine
from service.audit.deep_verification import DeepVerification, snapshot
from service.callers import keys, sessions
from service.callers.caller import SCOPES
from service.callers.person import Person
from service.callers.sessions import Lifetime, SessionGrant
from service.log.verification import verify
from service.server.app import create_app
from service.service import Service
from service.settings import SettingRefused, Settings
from service.store.database import Database, DatabaseRefused
from service.store.row_seals import NOTED
from service.store.tables import metadata
from service.store.upgrade import existing
from service.telemetry import log_lines
from tests.service.conftest import Lines

POLICIES = Path(__file__).parent / "policies"
ORGANISATION = Path(__file__).parent / "organisation"
CONTRACT = b"the contract"
ISSUER = "https://id.example.org"
LIN, YUE = (Person(ISSUER, subject, name) for subject, name in (("7f3a", "Lin"), ("9c01", "Yue")))
JSON = {"content-type": "application/json"}
AFTER = timedelta(minutes=2)  # an act comes so much later than what the world is made of
USUAL = Lifetime(timedelta(hours=8), timedelta(minutes=30))
USUAL_SETTINGS: Mapping[str, Any] = {"ledger_since": "2020-01-01", "oidc_issuer": ISSUER, "oidc_client_id": "console"}

Rows = dict[str, dict[tuple[Any, ...], dict[str, Any]]]


def exchange(exporter: str, recipient: str = "lab", people: int = 100, **more: Any) -> dict[str, Any]:
    """An exchange whose recipient is stated to be on no list."""
    return {
        "exporter": {"id": exporter, "country": "CN"},
        "recipient": {"id": recipient, "lists": []},
        "data": {"people": people, **more.pop("data", {})},
        "terms": {"components": []},
        **more,
    }


def paper(exporter: str) -> dict[str, Any]:
    """An exchange on paper, under a contract."""
    terms = {"dated": "2026-01-01", "covers": True, "hash": f"sha256:{sha256(CONTRACT).hexdigest()}"}
    return exchange(exporter, evidence={"contract": terms}, terms={"components": ["paper"]})


def supply(granter: str, holder: str, asset: str, **terms: Any) -> dict[str, Any]:
    """An exchange by which a party grants another the right to operate an asset."""
    within = {
        "purposes": ["research"],
        "territory": ["worldwide"],
        "term": "1 year",
        "exclusive": False,
        "sublicensable": False,
    }
    rights = {"conveyed": ["operate"], "held": ["operate"]}
    return exchange(granter, holder, data={"id": asset}, rights=rights, terms={"components": [], **within, **terms})


@dataclass
class World:
    """A database with its key; `names` has the ids and secrets of what is in it."""

    url: str
    key: Path
    folder: Path
    names: dict[str, str] = field(default_factory=dict)
    older: Rows = field(default_factory=dict)  # as they were before the last that happened to each
    first: Rows = field(default_factory=dict)  # as they were after a first start, with other policies and settings

    @classmethod
    def made(cls, url: str, key: Path, folder: Path) -> "World":
        """Fill a new database."""
        world = cls(url, key, folder)
        with world.service(callers_counts="trust", policies=folder_of_lax_policies(world, "2 million")):
            world.first = world.rows()
        with world.service() as (service, client):
            _fill(world, service, client)
        return world

    @contextmanager
    def service(self, later: timedelta = timedelta(), **settings: Any) -> Iterator[tuple[Service, TestClient]]:
        """A service on the database, whose clock stands still, and a client of it."""
        now = datetime.now(UTC) + later
        ours = {
            "watch": False,
            "policies": (POLICIES, ORGANISATION),
            "database": self.url,
            "log_key": self.key,
            "mode": "bitset",
        }
        given = Settings(**{**ours, **USUAL_SETTINGS, **settings})
        service = Service.open(given, say=log_lines.logger(Lines()), clock=lambda: now)
        with closing(service), TestClient(create_app(given, service), base_url="http://127.0.0.1:8080") as client:
            client.follow_redirects = False
            yield service, client

    def headers(self, key: str = "boss") -> dict[str, str]:
        """What a caller with a key sends."""
        return {**JSON, "authorization": f"Bearer {self.names[key]}"}

    def found(self) -> list[str]:
        """Everything that a deep verification finds."""
        with existing(self.url, self.key) as database, snapshot(database) as connection:
            _, faults = verify(connection, lambda done, all: None, database.log_key())
            if faults:
                return [each.fault for each in faults]
            return [str(each) for each in DeepVerification(connection, database).findings()]

    def rows(self) -> Rows:
        """Every row, by its table and its key."""
        found: Rows = {}
        with closing(Database.open(self.url, self.key)) as database, database.reading.connect() as connection:
            for table in metadata.sorted_tables:
                for row in connection.execute(sa.select(table)).mappings():
                    found.setdefault(table.name, {})[tuple(row[each.name] for each in table.primary_key)] = dict(row)
        return found

    def write(self, *statements: str) -> None:
        """Write into the database beside the service; `:NAME` stands for what has this name."""
        with (
            closing(Database.open(self.url, self.key)) as database,
            database.writing.connect() as connection,
            connection.begin(),
        ):
            if database.dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            for each in statements:
                if database.dialect == "postgresql":
                    each = each.replace("CAST(value AS TEXT)", "convert_from(value, 'UTF8')").replace("AS BLOB)", "AS BYTEA)")
                text = sa.text(each)
                connection.execute(text, {name: self.names[name] for name in text._bindparams})

    def put_older(self, *names: str, seals: tuple[str, ...]) -> None:
        """Put older rows of some tables back, with the seals of the subjects whose names begin so, and no others."""
        now = self.rows()
        was = {name: self.older.get(name, {}) for name in names}
        is_ = {name: now.get(name, {}) for name in names}
        for rows, of in ((was, self.older), (is_, now)):
            rows["subject_seal"] = {key: row for key, row in of["subject_seal"].items() if str(key[0]).startswith(seals)}
        self.put_back(was, is_)

    def put_first(self, name: str, kind: str) -> None:
        """Put back what was noted first under a name, with its seal, and hide the later leaves of its kind."""
        now, first = self.rows(), self.first
        for table, key in (("about", (name,)), ("subject_seal", (NOTED.subject(name),))):
            self.put_back({table: {key: first[table][key]}}, {table: {key: now[table][key]}})
        leaves = {index for (index,), row in now["tree_leaf"].items() if row["kind"] == kind} - {
            index for (index,) in first["tree_leaf"]
        }
        assert leaves
        self.write(*(f"UPDATE tree_leaf SET kind = 'hidden' WHERE \"index\" = {index}" for index in leaves))

    def put_back(self, before: Rows, changed: Rows) -> None:
        """Give each row that was changed the values that it had before, whatever became of it since."""
        with (
            closing(Database.open(self.url, self.key)) as database,
            database.writing.connect() as connection,
            connection.begin(),
        ):
            if database.dialect == "sqlite":
                connection.exec_driver_sql("PRAGMA defer_foreign_keys = ON")
            for table in metadata.sorted_tables:
                was, is_ = before.get(table.name, {}), changed.get(table.name, {})
                for key in {*was, *is_}:
                    if was.get(key) == is_.get(key):
                        continue
                    here = [column == value for column, value in zip(table.primary_key, key, strict=True)]
                    held = connection.execute(sa.select(table).where(*here)).first() is not None
                    if key not in was:
                        connection.execute(sa.delete(table).where(*here))
                    elif held:
                        connection.execute(sa.update(table).where(*here).values(was[key]))
                    else:
                        connection.execute(sa.insert(table).values(was[key]))


Act = Callable[[World], str]


def for_a_moment(world: World, change: Callable[[], None], act: Act, undo: Callable[[], None] | None = None) -> str:
    """What comes of an act while a change lasts: `permitted`, `denied`, or `refused` by a service that does not act."""
    before = world.rows()
    change()
    changed = before if undo else world.rows()
    result = act(world)
    if undo:
        undo()
    else:
        assert changed != before, "the change touches no row"
    world.put_back(before, changed)
    return result


def acted(later: timedelta = AFTER, **settings: Any) -> Callable[[Callable[[World, TestClient], Any]], Act]:
    """An act of a service that starts for it: whoever asks sends a request, and its answer says what came of it."""

    def made(ask: Callable[[World, TestClient], Any]) -> Act:
        def act(world: World) -> str:
            try:
                with world.service(later, **settings) as (_, client):
                    answer = ask(world, client)
            except (DatabaseRefused, SettingRefused):
                return "refused"
            if answer.status_code >= 500:
                return "refused"
            if not answer.is_success:
                return "denied"
            told = answer.json() if "json" in answer.headers["content-type"] else {}
            return "permitted" if told.get("proceed", True) else "denied"

        return act

    return made


def asked(sent: Mapping[str, Any], key: str = "boss", later: timedelta = AFTER, **settings: Any) -> Act:
    """Somebody asks whether an exchange may proceed."""
    return acted(later, **settings)(
        lambda world, client: client.post("/v1/evaluate", content=json.dumps(sent), headers=world.headers(key))
    )


def folder_of_lax_policies(world: World, most: str = "1 million") -> Path:
    """Policies by which many people and listed recipients are allowed."""
    folder = world.folder / f"lax {most}"
    if not folder.exists():
        shutil.copytree(POLICIES, folder)
        rules = folder / "rules.yaml"
        rules.write_text(rules.read_text().replace("1 thousand", most))
    return folder


def _fill(world: World, service: Service, client: TestClient) -> None:
    now = service.clock()

    def do(work: Callable[[sa.Connection], Any]) -> Any:
        return asyncio.run(service.store.do(work))

    def key(name: str, *scopes: str, **more: Any) -> None:
        given = {"expires_on": None, "by": "test", "now": now, **more}
        made, world.names[name] = do(partial(keys.create, name=name, scopes=scopes, **given))
        world.names[f"{name}_id"] = made.id

    lax = engine.load([folder_of_lax_policies(world), ORGANISATION]).digests
    world.names |= {"lax_source": lax.source, "lax": f"{lax.source} {lax.meaning} {engine.__version__}"}
    key("boss", *SCOPES)
    key("gateway", "evaluate")
    key("reader", "read")
    key("revoked", "evaluate")
    key("reading_revoked", "read")
    key("expired", "evaluate", expires_on=date(2026, 1, 1))
    key("of_lab", "evaluate", party="lab")
    key("lin", "evaluate", "review", "read", person=LIN)
    key("also_lin", "evaluate", person=LIN)
    key("yue", "evaluate", "review", "read", person=YUE)
    world.names["added"] = f"ff_abcdefabcdef_{world.names['of_lab'].split('_', 2)[2]}"
    world.names["forged"] = f"ff_{world.names['boss_id']}_{world.names['of_lab'].split('_', 2)[2]}"
    key("program", "evaluate")
    for name, scopes in (("ended", ("read",)), ("narrow", ("evaluate",))):
        begun, cookie = do(lambda at: sessions.begin(at, SessionGrant(scopes=scopes, person=LIN), USUAL, now + AFTER))  # noqa: B023
        world.names |= {f"{name}_session": begun.id, f"{name}_cookie": cookie}

    def call(method: str, path: str, body: Any = None, key: str = "boss") -> Any:
        content = b"" if body is None else json.dumps(body).encode()
        answer = client.request(method, path, content=content, headers=world.headers(key))
        assert answer.is_success, answer.text
        return answer.json() if answer.content else None

    def evaluated(sent: Any, key: str = "boss") -> str:
        id: str = call("POST", "/v1/evaluate", sent, key)["id"]
        return id

    def committed(sent: Any) -> str:
        id: str = call("POST", "/v1/commitments", {"decision": evaluated(sent)})["id"]
        return id

    def sign(sent: Any, key: str, verdict: str = "approve", until: date = date(2099, 1, 1)) -> None:
        body = {"provisions": ["cn.test/looked-at"], "verdict": verdict, "reason": "looked"}
        more = {"until": until.isoformat()} if verdict == "approve" else {}
        call("POST", f"/v1/decisions/{evaluated(sent)}/sign-off", body | more, key)

    def confirmed(exporter: str, until: date) -> str:
        """Somebody confirms the contract of an exchange that a program asked for."""
        id = evaluated(paper(exporter), "program")
        path = f"/v1/decisions/{id}/documents"
        call("POST", path, {"name": "evidence.contract", "sha256": kept}, "program")
        sent = {"sha256": kept, "reason": "looked", "until": until.isoformat()}
        call("POST", f"{path}/evidence.contract/confirm", sent, "yue")
        return f"{path}/evidence.contract"

    def opened(party: str, asset: str, right: str) -> str:
        """A party has a right in an asset, and no other."""
        given = {"right": right, "purposes": ["research"], "territory": ["worldwide"], "term": "perpetual", "onward": True}
        sent = {"party": party, "asset": asset, "rights": [given], "from": "2026-01-01", "complete": True}
        evidence = {"evidence": [{"kind": "contract"}], "reason": "registered"}
        id: str = call("POST", "/v1/rights/openings", {**sent, **evidence})["id"]
        return id

    answer = client.post("/v1/documents", content=CONTRACT, headers=world.headers("program"))
    assert answer.is_success, answer.text
    kept = answer.json()["sha256"]
    today = now.date()
    blue = {"facts": {"lists": ["blue"]}}
    call("PUT", "/v1/parties/lab", {"facts": {"country": "KE"}})
    call("PUT", "/v1/parties/bad-lab", {**blue, "aliases": ["bl-2"]})
    call("PUT", "/v1/parties/relisted", {"facts": {"lists": []}})
    call("PUT", "/v1/parties/gone", {"facts": {"country": "KE"}})
    call("PUT", "/v1/parties/unstamped", {"facts": {"country": "KE"}})
    committed(exchange("clinic", people=450))
    sign(exchange("signer", people=600), "lin")
    doubted = confirmed("doubted", date(2099, 1, 1))
    for party, asset, right in (("met", "weather", "operate"), ("poor", "tides", "use"), ("other", "snow", "operate")):
        world.names[f"{party}_opening"] = opened(party, asset, right)
    world.names["snowy_opening"] = opened("snowy", "snow", "operate")
    world.names["short_right"] = committed(supply("met", "ending", "weather"))
    world.older = world.rows()

    for name in ("revoked", "reading_revoked"):
        do(partial(keys.revoke, id=world.names[f"{name}_id"], by="test", now=now))
    do(lambda transaction: sessions.end(transaction, world.names["ended_session"], now))
    call("PUT", "/v1/parties/relisted", {"facts": {"lists": ["blue"]}})
    call("DELETE", "/v1/parties/gone")
    world.names["clinic_last"] = committed(exchange("clinic", people=450))
    world.names["waiting"] = evaluated(exchange("clinic", people=90))
    committed(exchange("clinic", people=50))
    ended = committed(exchange("again", people=495, data={"id": "d-1"}))
    call("POST", f"/v1/commitments/{ended}/withdraw", {"reason": "not sent"})
    world.names["withdrawn"] = ended
    for id in ("d-2", "d-3"):
        committed(exchange("again", people=490, data={"id": id}))
    world.names["first_of_all"] = committed(exchange("chain", people=490, data={"id": "c-1"}))
    world.names["again"] = committed(exchange("chain", people=490, data={"id": "c-2", "same_people_as": "c-1"}))
    world.names["beside"] = committed(exchange("chain", people=30, data={"id": "c-3"}))
    call("POST", f"/v1/commitments/{world.names['first_of_all']}/withdraw", {"reason": "not sent"})
    promised = {"components": ["training"], "by": (today + timedelta(days=1)).isoformat()}
    world.names["promised"] = committed({**exchange("promiser"), "terms": promised})

    call("POST", f"{doubted}/withdraw", {"reason": "it was not signed"}, "yue")
    confirmed("briefly", today)
    confirmed("yues_own", date(2099, 1, 1))
    call("POST", f"/v1/rights/openings/{world.names['snowy_opening']}/withdraw", {"reason": "it was wrong"})
    world.names["bound"] = committed(supply("met", "first", "weather", exclusive=True))
    sign(exchange("signer", people=600), "yue", "refuse")
    sign(exchange("signed", people=600), "lin")
    sign(exchange("short", people=600), "lin", until=today)


def copy_of(world: World, folder: Path, server: Any) -> World:
    """A copy of a world, with a copy of its key and no checkpoint beside it."""
    key = folder / "copy.db.log-key"
    shutil.copy(world.key, key)
    if server is not None:
        return World(server.copy(world.url), key, world.folder, world.names, world.older, world.first)
    shutil.copy(world.url, folder / "copy.db")
    return World(str(folder / "copy.db"), key, world.folder, world.names, world.older, world.first)
