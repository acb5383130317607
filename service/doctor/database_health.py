"""
The database: an open one goes in; findings on its tables, its clock, its keys, and the work beside the requests come out.

Everything is read in one connection that cannot write. No row is verified here: `fifthfactor log verify` does that.
"""

from datetime import UTC, datetime, timedelta

import sqlalchemy as sa

from service.callers.keys import KeyRing, listed
from service.doctor.diagnosis import Examination
from service.log.search_index import moment_of, newest_moment, unindexed
from service.log.witness_client import Witness
from service.log.witness_server import lines_of
from service.outbox.cursors import cursor_of, lag_of
from service.outbox.delivery import place_at, turn_at
from service.outbox.sink_settings import read as read_sinks
from service.settings import SettingRefused, Settings
from service.store import counter_secret, foreign_parts
from service.store.database import Database
from service.store.kept_checkpoint import LogPutBack
from service.store.log_key import LogKeyRefused, LogRefused
from service.store.log_tree import TreeBroken
from service.store.moments import moment_text
from service.store.postgresql_programs import server_version
from service.store.tables import REVISION, commitment, cosignature, entry, head, watch_delivery
from service.store.upgrade import revision_of_log
from service.watch.events import WAITING
from service.watch.lease import Lease
from service.watch.webhook_connections import digest_of
from service.watch.webhook_delivery import GIVEN_UP

OLDEST_POSTGRESQL = 14
APART_SECONDS, FAR_APART_SECONDS = 5.0, 60.0
EXPIRES_DAYS = 30
GROWTH_DAYS = 7
LATE = timedelta(hours=1)


def examine_database(found: Examination, database: Database, settings: Settings, now: datetime) -> float | None:
    """Examine an open database. The bytes that its log grew by in a day lately; None where that is not known."""
    with database.reading.connect() as connection:
        _versions(found, database, connection)
        there = revision_of_log(database, connection)
        if there != REVISION:
            _other_tables(found, database, there)
            return None
        if parts := foreign_parts.acting_parts(connection):
            found.fault(
                "schema",
                "foreign-part",
                f"the database has {parts[0]}, which no version made",
                "remove it: the service does not start with it",
            )
        records: int = connection.execute(sa.select(head.c.next).where(head.c.name == "record")).scalar_one()
        found.facts["records"] = records
        if behind := unindexed(connection):
            found.warn("schema", "not-indexed", f"{behind:,} records are found by no search", "run `fifthfactor log reindex`")
        _clock(found, database, connection, now)
        _log_key(found, database, connection)
        _api_keys(found, database, connection, settings, now)
        _watch(found, connection, settings, now)
        _webhooks(found, connection, settings, now)
        _sinks(found, connection, settings, now)
        _witnesses(found, connection, settings, now)
        return _growth(found, database, connection, records, now)


def _versions(found: Examination, database: Database, connection: sa.Connection) -> None:
    if database.dialect == "postgresql":
        version = server_version(connection)
        found.versions["postgresql"] = ".".join(map(str, version))
        if version[0] < OLDEST_POSTGRESQL:
            found.fault(
                "versions", "postgresql-old", f"PostgreSQL is {version[0]}", f"use PostgreSQL {OLDEST_POSTGRESQL} or newer"
            )


def _other_tables(found: Examination, database: Database, there: str | None) -> None:
    def order(text: str) -> tuple[int, ...]:
        return tuple(int(each) if each.isdecimal() else 0 for each in text.split("."))

    if there is None and (key := next((each for each in (database.key_path, database.kept.path) if each.exists()), None)):
        found.fault(
            "schema",
            "database-empty",
            f"the database has no tables, and `{key}` of a log is there: this is not the database of that log",
            "correct `FIFTHFACTOR_DATABASE`, or restore a backup; no start begins a new log beside this file",
        )
    elif there is None:
        found.note("schema", "no-tables", "the database has no tables yet", "the first start makes them")
    elif order(there) < order(REVISION):
        found.warn(
            "schema",
            "tables-older",
            f"the tables are of revision {there}, and this version has {REVISION}: its first start completes them",
            "back up first (`fifthfactor database backup`); an older service cannot start afterwards",
        )
    else:
        found.fault(
            "schema",
            "tables-newer",
            f"the tables are of revision {there}, and this version knows {REVISION}",
            "install the newer version",
        )


def _clock(found: Examination, database: Database, connection: sa.Connection, now: datetime) -> None:
    if database.dialect == "postgresql":
        server: datetime = connection.exec_driver_sql("SELECT clock_timestamp()").scalar_one()
        clocks_apart(found, server.astimezone(UTC), now, "the database's server")
    newest = newest_moment(connection)
    if newest is not None and newest > now + timedelta(seconds=FAR_APART_SECONDS):
        found.fault(
            "clock",
            "record-of-tomorrow",
            f"the newest record is of {moment_text(newest)}, which is later than now",
            "set the clock of this machine, or of the one that wrote it",
        )


def clocks_apart(found: Examination, other: datetime, now: datetime, whose: str) -> None:
    """Compare the clock of this machine with another one."""
    apart = abs((other - now).total_seconds())
    told = f"the clock of {whose} and that of this machine are {apart:,.0f} seconds apart"
    if apart > FAR_APART_SECONDS:
        found.fault("clock", "clocks-apart", told, "let both follow a time server (NTP): days of laws and keys depend on them")
    elif apart > APART_SECONDS:
        found.warn("clock", "clocks-apart", told, "let both follow a time server (NTP)")


def _log_key(found: Examination, database: Database, connection: sa.Connection) -> None:
    try:
        database.sealed(connection)
    except LogKeyRefused as refused:
        found.fault("keys", "log-key-missing", str(refused), "put the log's own key there, from the safe place of its copy")
    except TreeBroken as broken:
        found.fault("keys", "log-key-other", str(broken), "put the log's own key there; `fifthfactor log verify` says more")
    except LogPutBack as other:
        found.fault("keys", "log-put-back", str(other), "do what the sentence says")
    except LogRefused as refused:
        found.fault("keys", "log-refused", str(refused), "`fifthfactor log verify` says more")
    else:
        try:
            counter_secret.open_secret(connection)
        except LogKeyRefused as refused:
            found.fault("keys", "counter-secret-broken", str(refused), "the service does not start without it")
        if not database.kept.path.exists():
            found.warn(
                "keys",
                "no-checkpoint",
                f"no checkpoint is kept in `{database.kept.path}`",
                "start the service once; if one was there, put it back",
            )


def _api_keys(found: Examination, database: Database, connection: sa.Connection, settings: Settings, now: datetime) -> None:
    keys = [each for each in listed(connection) if each.revoked_at is None]
    today = now.date()
    for each in keys:
        if each.expires_on is None:
            continue
        left = (datetime.fromisoformat(each.expires_on).date() - today).days
        if 0 <= left <= EXPIRES_DAYS:
            found.warn(
                "keys",
                "key-expires",
                f"the API key `{each.id}` is good for {left} more days",
                "give its owner another one (`fifthfactor keys create`)",
            )
    good = KeyRing(database, lambda: now).any_good()
    if settings.key_required and not good and not settings.jwks_url and not settings.oidc_issuer:
        found.fault(
            "keys", "no-key", "callers need a key and there is none that is good", "make one with `fifthfactor keys create`"
        )


def _watch(found: Examination, connection: sa.Connection, settings: Settings, now: datetime) -> None:
    running = connection.execute(
        sa.select(sa.func.count()).select_from(commitment).where(commitment.c.state == "committed")
    ).scalar_one()
    if not running:
        return
    if not settings.watch_commitments:
        found.warn(
            "watch",
            "watch-off",
            f"{running:,} commitments run, and the watch is turned off",
            "set `FIFTHFACTOR_WATCH_COMMITMENTS`, or run `fifthfactor watch` each day",
        )
        return
    done = Lease.of("round").done(connection)
    today = settings.day_of(now)
    if done is None or done[:10] < (today - timedelta(days=1)).isoformat():
        found.fault(
            "watch",
            "watch-late",
            f"the last whole round of the watch was {f'for {done[:10]}' if done else 'never'}, and {running:,} commitments run",
            "see the log lines `watch_round_failed` and `watch_not_decided`; `fifthfactor watch` does a round",
        )


def _webhooks(found: Examination, connection: sa.Connection, settings: Settings, now: datetime) -> None:
    here = watch_delivery.c
    counted = sa.select(here.state, here.address, sa.func.count().label("count"), sa.func.max(here.attempts).label("attempts"))
    known = {digest_of(each) for each in settings.webhooks}
    for row in connection.execute(counted.group_by(here.state, here.address)):
        if row.state == GIVEN_UP:
            found.warn(
                "webhooks",
                "webhook-given-up",
                f"{row.count:,} events were given up for a webhook",
                "mend the receiver; it can read them at `/v1/watch/events`",
            )
        elif row.state == WAITING and row.address not in known:
            found.warn(
                "webhooks",
                "webhook-gone",
                f"{row.count:,} events wait for a webhook that is not set any more",
                "set `FIFTHFACTOR_WEBHOOKS` to its address again, or leave them",
            )
        elif row.state == WAITING and row.attempts >= 2:
            found.warn(
                "webhooks",
                "webhook-late",
                f"{row.count:,} events wait for a webhook, after up to {row.attempts} attempts",
                "see the log lines `webhook_failed`; they name the host and the reason",
            )


def _sinks(found: Examination, connection: sa.Connection, settings: Settings, now: datetime) -> None:
    if settings.sinks is None or not settings.sinks.is_file():
        return
    try:
        sinks = read_sinks(settings.sinks)
    except SettingRefused as refused:
        found.fault("webhooks", "sinks-refused", str(refused), "correct the file; the service does not start with it")
        return
    for each in sinks:
        other = place_at(each).held(connection, now)
        if other is not None:
            found.fault(
                "webhooks",
                "sink-receiver-other",
                f"the sink `{each.name}` is sent to another receiver than that of these settings, until {other.until} or longer",
                "give both services the same settings, or this sink another name; after an intended change wait a minute",
            )
        cursor = cursor_of(connection, each.name)
        lag = None if cursor is None else lag_of(connection, cursor, now)
        if cursor is not None and lag is not None and lag.seconds > LATE.total_seconds():
            why = f" after {cursor.attempts} attempts" if cursor.attempts else ""
            holder = turn_at(each.name).held(connection, now)
            who = f"{holder.named} sends to it, and its turn ends {holder.until}" if holder else "no process sends to it now"
            found.warn(
                "webhooks",
                "sink-late",
                f"the sink `{each.name}` is {lag.leaves:,} leaves behind{why}; {who}",
                "see the log lines of this sink, and mend its receiver",
            )


def _witnesses(found: Examination, connection: sa.Connection, settings: Settings, now: datetime) -> None:
    if settings.witnesses is None or not settings.witnesses.is_file():
        return
    try:
        witnesses = list(map(Witness.parse, lines_of(settings.witnesses)))
    except Exception as refused:  # noqa: BLE001 - each of its errors is one sentence
        found.fault(
            "witnesses",
            "witnesses-refused",
            f"`{settings.witnesses}` has a line that is no witness: {refused}",
            "correct it; the service does not start with it",
        )
        return
    size: int = connection.execute(sa.select(head.c.next).where(head.c.name == "leaf")).scalar_one()
    given = {
        row.witness: row for row in connection.execute(sa.select(cosignature.c.witness, cosignature.c.size, cosignature.c.at))
    }
    for each in witnesses:
        row = given.get(each.verifier.text())
        if row is None:
            found.warn(
                "witnesses",
                "witness-silent",
                f"the witness `{each.verifier.name}` has never cosigned",
                "see the log lines `witness_failed`",
            )
        elif row.size < size and row.at < moment_text(now - LATE):
            found.warn(
                "witnesses",
                "witness-late",
                f"the witness `{each.verifier.name}` cosigned last at {row.at}, {size - row.size:,} leaves ago",
                "see the log lines `witness_failed`",
            )


def _growth(found: Examination, database: Database, connection: sa.Connection, records: int, now: datetime) -> float | None:
    size = database_size(database, connection)
    found.facts["database_bytes"] = size
    since = moment_of(now - timedelta(days=GROWTH_DAYS))
    lately: int = connection.execute(sa.select(sa.func.count()).select_from(entry).where(entry.c.moment >= since)).scalar_one()
    found.facts["records_a_day"] = round(lately / GROWTH_DAYS)
    return size / records * lately / GROWTH_DAYS if records and lately else None


def database_size(database: Database, connection: sa.Connection) -> int:
    """The bytes of a database, with what waits in its write-ahead log."""
    if database.path is not None:
        parts = (database.path, database.path.with_name(database.path.name + "-wal"))
        return sum(each.stat().st_size for each in parts if each.exists())
    return int(connection.exec_driver_sql("SELECT pg_database_size(current_database())").scalar_one())
