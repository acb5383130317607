"""
Which documents of an exchange count as shown on a day, and by what (semantics 4.11): by a person's confirmation, or by a signature.

Every decision asks. Where the exchange states no hash, or nothing was ever confirmed or signed, the answer costs no query.
"""

from collections.abc import Collection, Mapping
from datetime import date

import sqlalchemy as sa

import engine
from service.callers.caller import LOCAL, Caller
from service.documents import confirmations, document_signatures
from service.documents.signed_statements import Verifier
from service.documents.stated_documents import StatedDocument, documents_with_hash, states_a_hash
from service.log.record import ShownDocument
from service.store.database import Database

NOTHING: Mapping[str, ShownDocument] = {}


class ShownDocuments:
    """Says what is shown, for the decisions of one database. `verifier` has the signers who are trusted."""

    def __init__(self, database: Database, verifier: Verifier) -> None:
        self._database = database
        self._verifier = verifier

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
        Where callers need no key, nothing that a person confirmed counts: whoever asks may be this person. What is signed counts.
        """
        try:
            if not self.possible(exchange):
                return NOTHING
            documents = documents_with_hash(bundle, exchange).values()
            if transaction is not None:
                return shown_on(transaction, documents, day, asker, self._verifier)
            with self._database.reading.connect() as connection:
                return shown_on(connection, documents, day, asker, self._verifier)
        except sa.exc.SQLAlchemyError:
            return NOTHING


def shown_on(
    connection: sa.Connection, documents: Collection[StatedDocument], day: date, asker: Caller | None, verifier: Verifier
) -> Mapping[str, ShownDocument]:
    """What is shown of some documents of an exchange on a day, by name: of several, what counts longest."""
    if not documents:
        return NOTHING
    given = confirmations.not_withdrawn(connection, [each.binding for each in documents])
    shown: dict[str, ShownDocument] = {}
    if asker is None or asker.id != LOCAL.id:
        confirmed = confirmations.standing_confirmations(given, documents, day, asker.person if asker else None)
        shown = {name: ShownDocument(by="person", id=each.id, until=each.until) for name, each in confirmed.items()}
    for name, signed in document_signatures.standing_signatures(given, documents, day, verifier).items():
        if name not in shown or shown[name].until < signed.until:
            shown[name] = ShownDocument(by="signature", id=signed.id, until=signed.until)
    return shown


def until_days(exchange: engine.Exchange, shown: Mapping[str, ShownDocument]) -> engine.Exchange:
    """The exchange with these documents and claims shown."""
    return exchange.as_shown({name: each.until for name, each in shown.items()}) if shown else exchange
