"""`fifthfactor doctor`: every finding is provoked, nothing is written, no secret is printed, and a broken part hides no other."""

import http.client
import json
import os
import re
import shutil
import sqlite3
import sys
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
import sqlalchemy as sa

import engine
from service.callers import keys
from service.doctor import database_health as of_databases
from service.doctor import machine
from service.doctor.diagnosis import Examination
from service.doctor.examination import examine
from service.log.store import Store
from service.policies.reloading import Origin
from service.store import log_key, tables
from service.store.database import Database
from service.store.log_key import key_file, witness_key
from service.store.tables import REVISION
from service.transparency.ed25519 import PrivateKey
from service.watch.webhook_connections import digest_of
from tests.service.cli.test_database import command, with_records
from tests.service.conftest import BOTH_DATABASES, POLICIES, body, copied, running
from tests.service.database_files import database_files
from tests.service.log.test_store import append, entry
from tests.service.server.test_server import ask
from tests.service.server.test_tls import Authority

NOW = datetime(2026, 12, 1, 12, tzinfo=UTC)
PASSWORD = "a-password-that-nobody-reads"


@pytest.fixture(autouse=True)
def somebody(monkeypatch):
    """Somebody who is not root, on a disk with room."""
    monkeypatch.setattr(os, "geteuid", lambda: 1000)
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=1 << 40))
    monkeypatch.delenv("FIFTHFACTOR_LOG_KEY", raising=False)


@pytest.fixture
def log(tmp_path, tables) -> Path:
    """A database with some records, as a service leaves it; its folder is its owner's."""
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    log = Path(copied(tables, folder))
    log.chmod(0o600)
    key_file(log).chmod(0o600)
    with_records(log)
    return log


def examined(log: Path | str, now: datetime | None = None, load_policies: bool = False, **settings: str) -> Examination:
    """What is found with these settings, each a text as in an environment."""
    environment = {"FIFTHFACTOR_DATABASE": str(log), "FIFTHFACTOR_POLICIES": str(POLICIES)}
    environment |= {f"FIFTHFACTOR_{name.upper()}": value for name, value in settings.items()}
    return examine(environment, lambda: now or datetime.now(UTC), load_policies=load_policies)


def codes(found: Examination) -> set[str]:
    """The codes of what was found."""
    return {each.code for each in found.findings}


def change(log: Path, statement: str, *values: object) -> None:
    """Change a row of a database by hand."""
    with sqlite3.connect(log) as connection:
        connection.execute(statement, values)


def test_a_service_in_order_has_no_finding(log):
    """And the report says what there is."""
    found = examined(log, load_policies=True)
    assert codes(found) == {"not-translated"}  # one title of the tests' policies
    assert found.facts["records"] == 3
    assert found.versions["tables"] == REVISION
    assert {"python", "sqlite", "fifthfactor", "durable-rules"} <= found.versions.keys()
    assert found.versions["durable-rules"][0].isdigit()  # also where our own wheel carries it and no distribution has its name


def test_nothing_is_written(log, tmp_path):
    """Not a byte of the database, its key and its checkpoint; and a database that is not there is not made."""
    before = database_files(log)
    examined(log, load_policies=True)
    assert database_files(log) == before
    assert codes(examined(tmp_path / "none.db")) == {"no-database"}
    assert not (tmp_path / "none.db").exists()


# --- configuration ----------------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("settings", "code", "says"),
    [
        ({"prot": "8080"}, "setting-refused", "did you mean `FIFTHFACTOR_PORT`"),
        ({"port": "many"}, "setting-refused", "FIFTHFACTOR_PORT"),
        ({"jwks_url": "https://idp.example/jwks"}, "setting-refused", "set all three of"),
        ({"rate_burst": "5"}, "setting-without-effect", "FIFTHFACTOR_RATE_BURST"),
        ({"webhook_private": "yes"}, "setting-without-effect", "there is no webhook"),
        ({"session_hours": "1", "session_idle_minutes": "90"}, "setting-without-effect", "before it could be idle"),
        ({"log_key": "x"}, "setting-without-effect", "lies beside it"),
        ({"shadow": str(POLICIES)}, "shadow-is-the-same", "it tells nothing"),
        ({"witnesses": "nowhere"}, "file-missing", "`nowhere` does not exist"),
        ({"document_signers": "nowhere.toml"}, "file-missing", "`nowhere.toml` does not exist"),
        ({"oidc_issuer": "https://idp.example", "oidc_client_id": "x", "oidc_client_secret": PASSWORD}, "secret-by-value", "by its value"),
        ({"database": f"postgresql://u:{PASSWORD}@127.0.0.1:1/x"}, "secret-by-value", "holds a password"),
        ({"database": f"postgresql://u@127.0.0.1:1/x?password={PASSWORD}"}, "secret-by-value", "holds a password"),
    ],
)  # fmt: skip
def test_what_is_wrong_with_the_settings(log, settings, code, says):
    """What a start refuses, what has no effect, what is not there; a secret is never in it."""
    found = examined(log, **settings) if "database" not in settings else examined(settings["database"])
    assert any(each.code == code and says in each.says for each in found.findings), found.findings
    assert all(each.do for each in found.findings)
    assert PASSWORD not in str(found)


def test_what_cannot_be_read_or_written_is_said(log, tmp_path, monkeypatch):
    """A file without the right to read it, a folder without the right to write in it."""
    ours = tmp_path / "ours"
    shutil.copytree(POLICIES, ours)
    asked = os.access
    monkeypatch.setattr(os, "access", lambda path, mode: Path(path) not in (ours, log, log.parent) and asked(path, mode))
    found = examined(log, policies=str(ours), acceptances=str(ours))
    assert {"file-unreadable", "folder-not-writable", "database-not-writable"} <= codes(found)


# --- the machine ------------------------------------------------------------------------------------------------------


def test_what_is_open_to_others_is_said(log, tmp_path, monkeypatch):
    """The database, the log's key, secrets, their folder, policies that nobody signs; and root, who may do everything."""
    secret, ours = tmp_path / "secret", tmp_path / "ours"
    secret.write_text("whsec_" + "A" * 44 + "\n")
    secret.chmod(0o640)
    shutil.copytree(POLICIES, ours)
    ours.chmod(0o777)
    log.chmod(0o644)
    key_file(log).chmod(0o644)
    log.parent.chmod(0o777)
    monkeypatch.setattr(os, "geteuid", lambda: 0)
    found = examined(log, policies=str(ours), webhooks="https://x.example/", webhook_secret=str(secret))
    assert {"file-open-to-others", "folder-open-to-others", "policies-open-to-others", "runs-as-root"} <= codes(found)
    opened = [each.says for each in found.findings if each.code == "file-open-to-others"]
    assert [str(path) for path in (key_file(log), secret, log) if any(f"`{path}`" in each for each in opened)] == [
        str(key_file(log)), str(secret), str(log),
    ]  # fmt: skip
    log.parent.chmod(0o700)


def test_a_folder_that_is_not_there_is_said(tmp_path):
    """Of the database, and so of its key."""
    assert "folder-missing" in codes(examined(tmp_path / "none" / "log.db"))


@pytest.mark.parametrize(
    ("free", "code"), [(100 << 20, "disk-full"), (300 << 20, "disk-full"), (9 << 30, "disk-soon-full"), (1 << 40, None)]
)
def test_the_room_on_the_disk_is_compared_with_the_growth_of_the_log(log, monkeypatch, free, code):
    """Of three hundred megabytes nothing is left in a day, of nine gigabytes in less than a month; and so of temporary files."""
    monkeypatch.setattr(shutil, "disk_usage", lambda path: SimpleNamespace(free=free))
    monkeypatch.setattr(of_databases, "_growth", lambda *_: float(1 << 29))
    found = codes(examined(log))
    assert found & {"disk-full", "disk-soon-full"} == ({code} if code else set())
    assert ("no-room-for-temporary-files" in found) is (free < 256 << 20)


def test_the_growth_is_that_of_the_last_week(tmp_path):
    """By the records of seven days, and the bytes of a record."""
    log = tmp_path / "log.db"
    with running(log) as server:
        for _ in range(20):
            ask(server, "POST", "/v1/evaluate", body())
        server.stop()
    found = examined(log)
    assert found.facts["records_a_day"] == round(20 / 7)
    assert found.facts["database_bytes"] == log.stat().st_size
    assert examined(log, datetime.now(UTC) + timedelta(days=30)).facts["records_a_day"] == 0


def test_libraries_that_are_missing_old_or_broken_are_said(log, monkeypatch):
    """A library of the service, SQLite, the durable rules that were built wrongly."""
    monkeypatch.setattr(machine, "LIBRARIES", ("no-such-library",))
    monkeypatch.setattr(sqlite3, "sqlite_version_info", (3, 30, 0))
    monkeypatch.setitem(sys.modules, "durable_rules_engine", None)
    assert {"library-missing", "sqlite-old", "durable-rules-broken"} <= codes(examined(log))


# --- the database -----------------------------------------------------------------------------------------------------


def test_a_database_that_is_none_is_said(log, tmp_path):
    """A file of something else, a database of another program, of another version, of a server that does not answer."""
    (tmp_path / "text.db").write_text("no database at all, but some text that is long enough to be read as one\n" * 20)
    assert "database-unreachable" in codes(examined(tmp_path / "text.db"))
    with sqlite3.connect(tmp_path / "other.db") as other:
        other.execute("CREATE TABLE record (id)")
    assert "database-refused" in codes(examined(tmp_path / "other.db"))
    found = examined(f"postgresql://nobody:{PASSWORD}@127.0.0.1:1/none")
    assert "database-unreachable" in codes(found)
    assert "configuration" in found.examined
    assert "policies" not in found.examined
    assert PASSWORD not in str(found)
    assert "database-refused" in codes(examined("mysql://x/y"))
    for version, code in (("0.16.0", "tables-older"), ("9.0.0", "tables-newer")):
        change(log, "UPDATE alembic_version SET version_num = ?", version)
        assert code in codes(examined(log))
    (tmp_path / "empty.db").touch()
    assert "no-tables" in codes(examined(tmp_path / "empty.db"))
    (tmp_path / "empty.db.log-key").touch()
    assert "database-empty" in codes(examined(tmp_path / "empty.db"))
    (tmp_path / "empty.db").unlink()
    assert "database-missing" in codes(examined(tmp_path / "empty.db"))


def test_a_part_of_somebody_else_and_records_without_an_index_are_said(log):
    """A trigger on our table, and a log whose first entries are gone."""
    change(log, "DELETE FROM entry WHERE sequence = 0")
    assert "not-indexed" in codes(examined(log))
    change(log, "CREATE TRIGGER x AFTER INSERT ON record BEGIN SELECT 1; END")
    assert "foreign-part" in codes(examined(log))


@BOTH_DATABASES
def test_both_databases_are_examined(database, tmp_path, postgresql, monkeypatch):
    """Of a server the clock is compared, and its version named; its disk is not seen from here."""
    with running(database, folder=tmp_path) as server:
        ask(server, "POST", "/v1/evaluate", body())
        server.stop()
    if "://" not in database:
        assert not examined(database).counts["fault"]
        return
    more: dict[str, Any] = {"log_key": str(log_key.OF_A_SERVER)}
    found = examined(database, **more)
    assert "disk-of-a-server" in codes(found)
    assert "postgresql" in found.versions
    assert [each for each in found.findings if each.area in ("clock", "keys", "schema")] == []
    assert "clocks-apart" in codes(examined(database, datetime.now(UTC) - timedelta(seconds=20), **more))
    found = examined(database, datetime.now(UTC) - timedelta(minutes=5), **more)
    assert [each.severity for each in found.findings if each.code == "clocks-apart"] == ["fault"]
    monkeypatch.setattr(of_databases, "OLDEST_POSTGRESQL", 99)
    assert "postgresql-old" in codes(examined(database, **more))


def test_a_record_that_is_later_than_now_is_said(tmp_path):
    """The clock of this machine goes back, or that of another went ahead."""
    log = tmp_path / "log.db"
    with running(log) as server:
        ask(server, "POST", "/v1/evaluate", body())
        server.stop()
    assert "record-of-tomorrow" not in codes(examined(log))
    assert "record-of-tomorrow" in codes(examined(log, datetime.now(UTC) - timedelta(days=1)))


class Told:
    """A machine that tells its time over HTTPS."""

    at: datetime | None = NOW

    def __init__(self, host: str, port: int | None, timeout: float) -> None:
        assert host == "time.example.org"

    def request(self, method: str, path: str) -> None:
        """It is asked for nothing but the head."""
        assert method == "HEAD"
        if self.at is None:
            raise OSError("no route")

    def getresponse(self) -> SimpleNamespace:
        """Its time."""
        assert self.at
        return SimpleNamespace(headers={"date": format_datetime(self.at, usegmt=True)})

    def close(self) -> None:
        """Nothing."""


def test_another_clock_is_asked_only_if_it_is_named(log, monkeypatch):
    """Its time is compared, and a machine that does not tell it is a note."""
    monkeypatch.setattr(http.client, "HTTPSConnection", Told)
    environment = {"FIFTHFACTOR_DATABASE": str(log)}

    def with_clock(now: datetime) -> set[str]:
        return codes(examine(environment, lambda: now, clock_of="https://time.example.org/", load_policies=False))

    assert "clocks-apart" not in with_clock(NOW)
    assert "clocks-apart" in with_clock(NOW + timedelta(seconds=10))
    monkeypatch.setattr(Told, "at", None)
    assert "clock-not-told" in with_clock(NOW)
    assert command("doctor", "--clock", "http://time.example.org")[0] == 2


# --- keys -------------------------------------------------------------------------------------------------------------


def test_a_log_key_that_is_missing_another_or_of_a_newer_log_is_said(log, tmp_path):
    """And a checkpoint that is not there."""
    key = key_file(log)
    kept = key.read_bytes()
    checkpoint = key.with_name(key.name + ".checkpoint")
    checkpoint.rename(tmp_path / "checkpoint")
    assert "no-checkpoint" in codes(examined(log))
    (tmp_path / "checkpoint").rename(checkpoint)
    shutil.copy(log, tmp_path / "older.db")
    key.unlink()
    assert "log-key-missing" in codes(examined(log))
    key.write_bytes(PrivateKey.generated().to_pem())
    assert "log-key-other" in codes(examined(log))
    key.write_bytes(kept)
    older = tmp_path / "older.db"
    shutil.copy(key, key_file(older))
    with Store.open(log) as store:
        append(store, entry(77))
    shutil.copy(checkpoint, f"{key_file(older)}.checkpoint")
    assert "log-put-back" in codes(examined(older))


def made_key(log: Path, expires_on: date, now: datetime = NOW) -> None:
    """An API key that is good until a day."""
    with Database.open(str(log)).transaction() as transaction:
        keys.create(transaction, name="gateway", scopes=("evaluate",), by="test", now=now, expires_on=expires_on)


def test_api_keys_that_end_soon_and_none_at_all_are_said(log):
    """Where callers need one."""
    assert "no-key" in codes(examined(log, authentication="required"))
    made_key(log, date(2026, 12, 20))
    found = examined(log, NOW, authentication="required")
    assert "no-key" not in codes(found)
    [soon] = [each for each in found.findings if each.code == "key-expires"]
    assert "19 more days" in soon.says
    assert "no-key" in codes(examined(log, NOW + timedelta(days=60), authentication="required"))


def test_secrets_and_signers_that_cannot_be_used_are_said(log, tmp_path):
    """And signers whose last day comes, or is over. What is in a file of secrets is never shown."""
    secret = tmp_path / "secret"
    secret.write_text(PASSWORD)
    secret.chmod(0o600)
    found = examined(log, webhooks="https://x.example/", webhook_secret=str(secret))
    assert "secret-refused" in codes(found)
    assert PASSWORD not in str(found)
    signers, key = tmp_path / "signers.toml", PrivateKey.generated()
    (tmp_path / "notary.pub").write_bytes(key.public.to_pem())
    for until, code in (("2026-12-10", "signer-expires"), ("2026-11-10", "signer-over")):
        signers.write_text(f'[notary]\nkey = "notary.pub"\nuntil = {until}\n')
        assert code in codes(examined(log, NOW, document_signers=str(signers)))
    signers.write_text("[notary]\n")
    assert "signers-refused" in codes(examined(log, NOW, document_signers=str(signers)))


# --- policies, and the work beside the requests -------------------------------------------------------------------------


def test_policies_that_do_not_decide_are_said(log, tmp_path, monkeypatch):
    """Not sound, not there, not signed, without an engine; the shadow's too. What lacks a language is a warning."""
    ours = tmp_path / "ours"
    shutil.copytree(POLICIES, ours)
    (ours / "wrong.yaml").write_text("policy: x\nnothing: else\n")
    found = examined(log, load_policies=True, policies=str(ours))
    [refused] = [each for each in found.findings if each.code == "policies-refused"]
    assert "ours/wrong.yaml:1: " in refused.says
    found = examined(log, load_policies=True, shadow=str(ours))
    assert any("of the shadow are not sound" in each.says for each in found.findings)
    (tmp_path / "key.pub").write_bytes(PrivateKey.generated().public.to_pem())
    assert "policies-unreadable" in codes(examined(log, load_policies=True, bundle_keys=str(tmp_path / "key.pub")))
    assert "policies-unreadable" in codes(examined(log, load_policies=True, mode="guessing"))

    def unavailable(*_: object) -> None:
        raise engine.EngineUnavailable("the mode `checked` needs durable-rules")

    monkeypatch.setattr(Origin, "start", unavailable)
    assert "engine-unavailable" in codes(examined(log, load_policies=True))


def test_texts_that_lack_a_language_are_said(log, tmp_path):
    """As `lint` finds them."""
    ours = tmp_path / "ours"
    shutil.copytree(POLICIES, ours)
    [before] = lacking(examined(log, load_policies=True, policies=str(ours)))
    [written, *_] = [each for each in sorted(ours.rglob("*.yaml")) if re.search(r", zh: [^}]*}", each.read_text())]
    written.write_text(re.sub(r", zh: [^}]*}", "}", written.read_text(), count=1))
    [after] = lacking(examined(log, load_policies=True, policies=str(ours)))
    assert (before.split()[0], after.split()[0]) == ("1", "2")


def lacking(found: Examination) -> list[str]:
    """What is said of texts that lack a language."""
    return [each.says for each in found.findings if each.code == "not-translated"]


def put(log: Path, table: sa.Table, **row: object) -> None:
    """Put a row into a table by hand."""
    with sqlite3.connect(log) as connection:
        connection.execute("PRAGMA foreign_keys = OFF")
        names = ", ".join(f'"{name}"' for name in row)
        connection.execute(f'INSERT INTO "{table.name}" ({names}) VALUES ({", ".join("?" * len(row))})', list(row.values()))


def commitment_row(log: Path) -> None:
    """A commitment that runs."""
    row = {each.name: "x" if isinstance(each.type, sa.String) else 0 for each in tables.commitment.c if not each.nullable}
    put(log, tables.commitment, **(row | {"state": "committed"}))


def test_a_watch_that_does_not_come_round_is_said(log):
    """Never, or not since the day before yesterday, or turned off; where nothing runs it has nothing to do."""
    assert not {"watch-late", "watch-off"} & codes(examined(log, NOW))
    commitment_row(log)
    assert "watch-late" in codes(examined(log, NOW))
    put(log, tables.watch_lease, name="round", done="2026-11-29 abc 30")
    assert "watch-late" in codes(examined(log, NOW))
    change(log, "UPDATE watch_lease SET done = '2026-11-30 abc 30'")
    assert "watch-late" not in codes(examined(log, NOW))
    assert "watch-off" in codes(examined(log, NOW, watch_commitments="no"))


def test_webhooks_that_do_not_take_their_events_are_said(log, tmp_path):
    """Given up, late, and for an address that is not set any more."""
    secret = tmp_path / "secret"
    secret.write_text("whsec_" + "A" * 44 + "\n")
    secret.chmod(0o600)
    settings: dict[str, Any] = {"webhooks": "https://x.example/", "webhook_secret": str(secret)}
    mine = digest_of("https://x.example/")
    put(log, tables.watch_delivery, event=1, address="gone", attempts=1, next_at="2026-11-01", state="waiting")
    put(log, tables.watch_delivery, event=2, address=mine, attempts=3, next_at="2026-11-01", state="waiting")
    put(log, tables.watch_delivery, event=3, address=mine, attempts=10, next_at="2026-11-01", state="given-up")
    assert {"webhook-gone", "webhook-late", "webhook-given-up"} <= codes(examined(log, NOW, **settings))


def test_sinks_that_are_behind_are_said(log, tmp_path):
    """A file that is wrong, and a sink that is behind by an hour of the log."""
    sinks = tmp_path / "sinks.yaml"
    sinks.write_text("- name: days\n  kind: none\n")
    assert "sinks-refused" in codes(examined(log, NOW, sinks=str(sinks)))
    (tmp_path / "days").mkdir()
    sinks.write_text(f"- name: days\n  kind: files\n  folder: {tmp_path}/days\n")
    assert not {"sinks-refused", "sink-late"} & codes(examined(log, NOW, sinks=str(sinks)))
    put(log, tables.sink_cursor, name="days", position=0, attempts=4, sent=0, failures=4, at="2026-12-01T00:00:00.000000Z")
    later = datetime.now(UTC) + timedelta(hours=2)
    [late] = [each for each in examined(log, later, sinks=str(sinks)).findings if each.code == "sink-late"]
    assert "after 4 attempts" in late.says


def test_a_certificate_that_ends_or_cannot_be_used_is_said(log, tmp_path):
    """A file that is none, and one whose last day comes or is over."""
    certificate, key = Authority(tmp_path).certify(1)
    key.chmod(0o600)
    settings: dict[str, Any] = {"tls_certificate": str(certificate), "tls_key": str(key)}
    now = datetime.now(UTC)
    [soon] = [each for each in examined(log, now, **settings).findings if each.code == "certificate-expires"]
    assert soon.severity == "warning"
    over = examined(log, now + timedelta(days=40), **settings)
    assert [each.severity for each in over.findings if each.code == "certificate-expires"] == ["fault"]
    certificate.write_text("nothing")
    assert "certificate-refused" in codes(examined(log, now, **settings))


def test_witnesses_that_do_not_cosign_are_said(log, tmp_path):
    """A line that is no witness, one that never answered, one that answered long ago."""
    witnesses = tmp_path / "witnesses"
    witnesses.write_text("nobody\n")
    assert "witnesses-refused" in codes(examined(log, NOW, witnesses=str(witnesses)))
    witness = witness_key(tmp_path / "other").verifier.text()
    witnesses.write_text(f"{witness} https://witness.example.org\n")
    assert "witness-silent" in codes(examined(log, NOW, witnesses=str(witnesses)))
    put(log, tables.cosignature, witness=witness, size=1, root=b"", line="x", at="2026-11-30T00:00:00.000000Z")
    assert "witness-late" in codes(examined(log, NOW, witnesses=str(witnesses)))


def test_a_part_that_cannot_be_examined_hides_no_other(log, monkeypatch):
    """Whatever goes wrong in one is a finding without its message, which may quote a value."""

    def ill(*_: object) -> None:
        raise RuntimeError(PASSWORD)

    monkeypatch.setattr(machine, "examine_permissions", ill)
    found = examined(log, load_policies=True)
    [failed] = [each for each in found.findings if each.code == "examination-failed"]
    assert failed.area == "permissions"
    assert PASSWORD not in str(found)
    assert found.facts["policies"]


# --- the command ------------------------------------------------------------------------------------------------------


def test_the_command_ends_with_what_it_found(tmp_path):
    """0 without a fault, 1 with one, 2 used wrongly; --strict counts warnings; --json has everything."""
    folder = tmp_path / "kept"
    folder.mkdir(mode=0o700)
    log = folder / "log.db"
    with_records(log)
    options = ("--database", str(log), "--policies", str(POLICIES))
    code, output, _ = command("doctor", *options, "--json")
    told = json.loads(output)
    assert code == 0, output
    assert told["counts"]["fault"] == 0
    assert command("doctor", *options, "--strict", FIFTHFACTOR_RATE_BURST="5")[0] == 1
    log.chmod(0o644)
    code, output, _ = command("doctor", *options, "--without-policies")
    assert code == 1
    assert f"fault[file-open-to-others]: others may read or write `{log}` (644): the database\n  `chmod 600 {log}`\n" in output
    assert command("doctor", "--no-such-option")[0] == 2


def test_a_secret_of_the_counters_that_is_not_the_one_sealed_is_said(log):
    """No start takes it; put back from a backup it is good again."""
    with sqlite3.connect(log) as raw:
        (kept,) = raw.execute("SELECT value FROM about WHERE name = 'sealed_ledger_secret'").fetchone()
    change(log, "UPDATE about SET value = '00' WHERE name = 'sealed_ledger_secret'")
    assert "counter-secret-broken" in codes(examined(log))
    change(log, "UPDATE about SET value = ? WHERE name = 'sealed_ledger_secret'", kept)
    assert "counter-secret-broken" not in codes(examined(log))
