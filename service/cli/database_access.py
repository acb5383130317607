"""A database and the policies that decide, opened by the settings of the service, for commands that work on decisions beside it."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

from service.cli.command import BY, UsedWrongly, settings
from service.cli.output import safe

if TYPE_CHECKING:
    from service.callers.context import Context
    from service.log.store import Stored
    from service.policies.live import Live
    from service.service import Service
    from service.settings import Settings
    from service.store.database import Database

Door = TypeVar("Door", bound="Context")


@dataclass(frozen=True, slots=True)
class Desk:
    """An open database, the policies that decide, the settings, and today in the time zone of the service."""

    database: "Database"
    live: "Live"
    settings: "Settings"
    today: date

    @classmethod
    def of(cls, service: "Service") -> "Desk":
        """That of an open service."""
        return cls(service.store.database, service.live, service.settings, service.today)

    def context(self, door: type[Door]) -> Door:
        """Who writes here, let in by a door now. It is no person that the service knows."""
        from service.callers.caller import Caller
        from service.service import now_utc

        return door(Caller(BY, frozenset({door.scope, *door.also})), self.live, now_utc(), self.settings, "")

    def stored(self, id: str) -> "Stored":
        """The record of a decision. Raises UsedWrongly."""
        from service.log.store import find

        with self.database.reading.connect() as connection:
            stored = find(connection, id)
        if stored is None:
            raise UsedWrongly(f"no decision has the id `{safe(id[:100])}`")
        return stored


@contextmanager
def open_desk(url: str | None, policies: list[Path] | None) -> Iterator[Desk]:
    """Open the database and the policies by the settings of the service. Raises UsedWrongly, SettingRefused, DatabaseRefused."""
    import engine
    from service.policies.reloading import Origin
    from service.service import now_utc
    from service.store.upgrade import existing

    chosen = settings(database=url, policies=policies or None)
    try:
        _, live = Origin.of(chosen.policies, chosen, chosen.mode).start()
    except engine.BundleRefused as refused:
        raise UsedWrongly(str(refused)) from None
    with existing(chosen.database, chosen.log_key) as database:
        yield Desk(database, live, chosen, chosen.day_of(now_utc()))


@contextmanager
def open_service(url: str | None, policies: list[Path] | None, **more: Any) -> Iterator["Service"]:
    """
    Open the service over a database that is there, without a server. `more` are settings that win over those of the environment.

    Raises SettingRefused, DatabaseRefused, engine.BundleRefused.
    """
    from service.log.store import Store
    from service.service import Service
    from service.store.upgrade import open_present

    chosen = settings(database=url, policies=policies or None, **more)
    open_present(chosen.database).close()  # so that a mistyped name creates no database
    Store.open(chosen.database, log_key=chosen.log_key).close()  # the tables of this version
    service = Service.open(chosen)
    try:
        yield service
    finally:
        service.close()
