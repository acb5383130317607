"""
The tables of the database, as SQLAlchemy Core describes them: one module for the tables of a room.

The migrations make the same tables; a test compares the two. SQLite and PostgreSQL hold the same types: moments are ISO text in UTC with
microseconds and a `Z`, days are ISO text, documents are JSON text. Here they are together, so that whoever reads one has them all in
`metadata`.
"""

from service.store.tables.agreement_tables import agreement, agreement_event, agreement_party, agreement_use
from service.store.tables.book_tables import (
    accounts_closed,
    asset_entry,
    benefit,
    benefit_event,
    income_report,
    right_line,
    right_opening,
    settlement,
)
from service.store.tables.caller_tables import caller, idempotency, person, session
from service.store.tables.commitment_tables import (
    commitment,
    commitment_event,
    commitment_reference,
    counted,
    counter_sum,
    movement,
    opening,
    promise,
    promise_report,
)
from service.store.tables.document_tables import attached_document, document, document_confirmation
from service.store.tables.draft_tables import draft
from service.store.tables.log_tables import (
    HEADS,
    about,
    coded_block,
    cosignature,
    head,
    leaf_opening,
    personal,
    record,
    subject_seal,
    tree_leaf,
    tree_node,
    tree_tile,
    witnessed,
)
from service.store.tables.outbox_tables import sink_cursor
from service.store.tables.policy_tables import bundle, bundle_version, shadow_difference
from service.store.tables.register_tables import entity, entity_alias, entity_spelling
from service.store.tables.review_tables import review_case, review_note, sign_off
from service.store.tables.search_tables import entry, entry_term, saved_search, term
from service.store.tables.shared_metadata import REVISION, BigInteger, metadata
from service.store.tables.statistics_tables import FLOW_MEASURES, MONEY_PARTS, flow, flow_party, flow_sum
from service.store.tables.watch_tables import watch_delivery, watch_event, watch_lease, watched

__all__ = [
    "FLOW_MEASURES",
    "HEADS",
    "MONEY_PARTS",
    "REVISION",
    "BigInteger",
    "about",
    "accounts_closed",
    "agreement",
    "agreement_event",
    "agreement_party",
    "agreement_use",
    "asset_entry",
    "attached_document",
    "benefit",
    "benefit_event",
    "bundle",
    "bundle_version",
    "caller",
    "coded_block",
    "commitment",
    "commitment_event",
    "commitment_reference",
    "cosignature",
    "counted",
    "counter_sum",
    "document",
    "document_confirmation",
    "draft",
    "entity",
    "entity_alias",
    "entity_spelling",
    "entry",
    "entry_term",
    "flow",
    "flow_party",
    "flow_sum",
    "head",
    "idempotency",
    "income_report",
    "leaf_opening",
    "metadata",
    "movement",
    "opening",
    "person",
    "personal",
    "promise",
    "promise_report",
    "record",
    "review_case",
    "review_note",
    "right_line",
    "right_opening",
    "saved_search",
    "session",
    "settlement",
    "shadow_difference",
    "sign_off",
    "sink_cursor",
    "subject_seal",
    "term",
    "tree_leaf",
    "tree_node",
    "tree_tile",
    "watch_delivery",
    "watch_event",
    "watch_lease",
    "watched",
    "witnessed",
]
