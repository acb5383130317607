"""
The rows of a past moment, for those who read rows: while a replica reads leaves, what it lacks for them is kept up beside it.

The service's own readers (register, ledger, sign-offs, callers) work on `connection` as on the database, at the place of the log that the
replica has come to. Sums of counters are a view here, so no row holds them that could be wrong.
"""

import json
from dataclasses import dataclass
from typing import Any

import sqlalchemy as sa

import engine
from service.audit.replica import Leaf, Replica, make_tables, run
from service.store import counter_secret
from service.store.log_key import LogKey
from service.store.tables import about, entity_alias, entity_spelling, personal, record, session

_SUMS = """
CREATE VIEW {view} AS SELECT meaning, "key", {place}, fact,
  max(CASE WHEN live THEN low ELSE 0 END) AS largest,
  sum(CASE WHEN live THEN low ELSE 0 END) AS least,
  sum(CASE WHEN live AND same_as IS NULL THEN coalesce(high, 0) ELSE 0 END) AS most,
  sum(CASE WHEN live AND same_as IS NULL AND high IS NULL THEN 1 ELSE 0 END) AS endless
FROM movement GROUP BY 1, 2, 3, 4
"""
_VIEWS = {"tally": "day", "tally_month": "substr(day, 1, 7) AS month"}
_BESIDE = (session, entity_alias, entity_spelling, about, record, personal)


@dataclass(eq=False)
class PastRows:
    """The rows of a replica and those beside it. `source` is the database of the log; call `close` before the replica is compared."""

    replica: Replica
    source: sa.Connection
    key: LogKey

    def __post_init__(self) -> None:
        self.connection = self.replica.rows
        make_tables(self.connection, *_BESIDE)
        run(self.connection, (_SUMS.format(view=view, place=place) for view, place in _VIEWS.items()))
        counter_secret.give_key(self.connection.info, lambda _: self.key)
        if rows := [dict(each) for each in self.source.execute(sa.select(about)).mappings()]:
            self.connection.execute(sa.insert(about), rows)

    def close(self) -> None:
        """Take away what is beside the replica."""
        run(self.connection, [f"DROP VIEW {view}" for view in _VIEWS] + [f'DROP TABLE "{table.name}"' for table in _BESIDE])

    def applied(self, leaf: Leaf) -> None:
        """A leaf was applied to the replica."""
        match leaf.get("kind"):
            case "register" if leaf["id"] is not None and leaf["content"] is not None:
                self._named(leaf["entity_kind"], leaf["id"], leaf["version"], leaf["content"], leaf["state"])
            case "session-begun":
                self._begun(leaf)
            case "session-ended":
                self.connection.execute(sa.delete(session).where(session.c.id == leaf["session"]))
            case "sign-off" | "document-attached":
                self._decision(leaf["decision"])

    def _named(self, kind: str, id: str, version: int, content: Any, state: str) -> None:
        """The names of an entity: those of its newest version that was held."""
        if state != "held":
            return
        for table in (entity_alias, entity_spelling):
            self.connection.execute(sa.delete(table).where(table.c.kind == kind, table.c.id == id))
        aliases = [str(each) for each in json.loads(content["aliases"])]
        names = [(id, engine.folded_id(id)), *((each, engine.folded_id(each)) for each in aliases)]
        for alias in aliases:
            self.connection.execute(sa.insert(entity_alias).values(kind=kind, alias=alias, id=id))
        for name, folded in dict(names).items():
            self.connection.execute(sa.insert(entity_spelling).values(kind=kind, folded=folded, name=name, id=id))

    def _begun(self, leaf: Leaf) -> None:
        """A session, without its secret and without when it was seen: nobody is admitted by these rows."""
        of = {"person": leaf.get("person"), "key": leaf.get("key")}
        times = {"created_at": leaf["at"], "seen_at": leaf["at"], "expires_at": leaf["until"]}
        row = {"id": leaf["session"], "secret_hash": b"", "scopes": " ".join(leaf["scopes"]), **of, **times}
        self.connection.execute(sa.insert(session).values(row))

    def _decision(self, id: str) -> None:
        """The record of a decision, of which others are read when they rest on what was said of it."""
        row = self.source.execute(sa.select(record).where(record.c.id == id)).mappings().one_or_none()
        if row is None or self.connection.execute(sa.select(record.c.id).where(record.c.id == id)).first():
            return
        self.connection.execute(sa.insert(record), dict(row))
        beside = self.source.execute(sa.select(personal).where(personal.c.sequence == row["sequence"])).mappings()
        if rows := [dict(each) for each in beside]:
            self.connection.execute(sa.insert(personal), rows)

    def has_rows(self, table: sa.Table) -> bool:
        """Whether a table has a row, as a database says it."""
        return self.connection.execute(sa.select(sa.literal(1)).select_from(table).limit(1)).first() is not None
