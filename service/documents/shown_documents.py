"""
Which documents of an exchange count as shown on a day, and by what (semantics 4.11).

Every decision asks. Where the exchange states no hash, or nothing was ever confirmed, the answer costs no query.
"""

from collections.abc import Mapping
from datetime import date

import sqlalchemy as sa

import engine
from service.callers.caller import LOCAL, Caller
from service.documents import confirmations
from service.documents.stated_documents import stated, states_a_hash
from service.log.record import ShownDocument
from service.store.database import Database

NOTHING: Mapping[str, ShownDocument] = {}


class Showing:
    """Says what is shown, for the decisions of one database."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def possible(self, exchange: Mapping[str, object]) -> bool:
        """Whether a document of an exchange may be shown. Raises sqlalchemy.exc.SQLAlchemyError."""
        return states_a_hash(exchange) and confirmations.any_given(self._database)

    def shown(
        self,
        bundle: engine.Bundle,
        exchange: Mapping[str, object],
        day: date,
        transaction: sa.Connection | None,
        asker: Caller | None,
    ) -> Mapping[str, ShownDocument]:
        """
        The documents and claims that are shown on a day, by name; none if the database cannot be read, since they are unknown then.

        They are looked up in `transaction`, if one is under way. `asker` asks for the decision; None where nobody does, as in the watch.
        Where callers need no key, nothing that a person confirmed counts: whoever asks may be this person.
        """
        if asker is not None and asker.id == LOCAL.id:
            return NOTHING
        try:
            if not self.possible(exchange):
                return NOTHING
            if transaction is not None:
                return self._confirmed(transaction, bundle, exchange, day, asker)
            with self._database.reading.connect() as connection:
                return self._confirmed(connection, bundle, exchange, day, asker)
        except sa.exc.SQLAlchemyError:
            return NOTHING

    def _confirmed(
        self,
        connection: sa.Connection,
        bundle: engine.Bundle,
        exchange: Mapping[str, object],
        day: date,
        asker: Caller | None,
    ) -> Mapping[str, ShownDocument]:
        documents = stated(bundle, exchange).values()
        found = confirmations.standing(connection, documents, day, asker.person if asker else None)
        return {name: ShownDocument(by="person", id=each.id, until=each.until) for name, each in found.items()}


def until_days(exchange: engine.Exchange, shown: Mapping[str, ShownDocument]) -> engine.Exchange:
    """The exchange with these documents and claims shown."""
    return exchange.as_shown({name: each.until for name, each in shown.items()}) if shown else exchange
