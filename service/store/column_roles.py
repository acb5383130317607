"""
What each column of each table is to the log: what the tree is over, what can be made from it again, or neither.

- `leaf`: the bytes of a leaf, or what opens a commitment in one. `log verify` checks it against the root that was sealed.
- `derived`: made again from the leaves by `log verify --deep`, which names a row that says otherwise.
- `secret`: random, and in no leaf. It lies there sealed under the log's key, and another one is refused.
- `sealed`: in no leaf, but each row has a seal of its own, and nobody is answered by another one. `log verify --deep` names it.
- `cache`: a copy that may be lost, or a statistic. No decision rests on it.

INVARIANT (every column): a column that is not declared here fails a test.
"""

from collections.abc import Mapping
from enum import StrEnum
from types import MappingProxyType

import sqlalchemy as sa

from service.store import tables


class ColumnRole(StrEnum):
    """What a column is to the log."""

    LEAF = "leaf"
    DERIVED = "derived"
    SECRET = "secret"
    SEALED = "sealed"
    CACHE = "cache"


_LEAF, _DERIVED, _SECRET, _SEALED, _CACHE = ColumnRole

# The role of most columns of a table, and the columns that have another one.
_ROLES: Mapping[sa.Table, tuple[ColumnRole, Mapping[str, ColumnRole]]] = {
    tables.caller: (_DERIVED, {}),
    tables.person: (_DERIVED, {}),
    tables.session: (_CACHE, {}),  # no decision rests on it, and whoever loses hers signs in again
    tables.idempotency: (_SEALED, {}),  # service.store.answer_seals
    tables.about: (
        _SECRET,
        {"name": _CACHE},
    ),  # of its values only the sealed secret of the counters is one; the others are caches
    tables.head: (_DERIVED, {"seal": _LEAF}),
    tables.record: (_DERIVED, {"leaf": _LEAF}),
    tables.personal: (_DERIVED, {"salt": _LEAF, "value": _LEAF}),
    tables.coded_block: (_CACHE, {}),  # for what-ifs over the log, whose reports are of no weight in it
    tables.tree_leaf: (_DERIVED, {"leaf": _LEAF}),
    tables.leaf_opening: (_DERIVED, {"salt": _LEAF, "value": _LEAF}),
    tables.tree_tile: (_DERIVED, {}),
    tables.tree_node: (_DERIVED, {}),
    tables.subject_seal: (_DERIVED, {}),
    tables.sign_off: (_DERIVED, {}),
    tables.review_case: (_CACHE, {}),  # what waits, found from records and sign-offs; no decision rests on it
    tables.review_note: (_DERIVED, {}),
    tables.entry: (_DERIVED, {}),
    tables.term: (_DERIVED, {}),
    tables.entry_term: (_DERIVED, {}),
    tables.saved_search: (_CACHE, {}),  # in no leaf, and nothing rests on it
    tables.bundle: (_DERIVED, {}),
    tables.bundle_version: (_DERIVED, {}),
    tables.shadow_difference: (_CACHE, {}),
    tables.entity: (_DERIVED, {}),
    tables.entity_alias: (_DERIVED, {}),
    tables.entity_spelling: (_DERIVED, {}),
    tables.commitment: (_DERIVED, {}),
    tables.commitment_event: (_DERIVED, {}),
    tables.commitment_reference: (_DERIVED, {}),
    tables.movement: (_DERIVED, {}),
    tables.counter_sum: (_DERIVED, {}),
    tables.opening: (_DERIVED, {}),
    tables.promise: (_DERIVED, {}),
    tables.promise_report: (_DERIVED, {}),
    tables.counted: (_DERIVED, {}),
    tables.right_line: (_DERIVED, {}),
    tables.right_opening: (_DERIVED, {}),
    tables.settlement: (_DERIVED, {}),
    tables.benefit: (_DERIVED, {}),
    tables.agreement: (_DERIVED, {}),
    tables.agreement_party: (_DERIVED, {}),
    tables.agreement_event: (_DERIVED, {}),
    tables.agreement_use: (_DERIVED, {}),
    tables.benefit_event: (_DERIVED, {}),
    tables.income_report: (_DERIVED, {}),
    tables.flow: (_DERIVED, {}),
    tables.flow_sum: (_DERIVED, {}),
    tables.flow_party: (_DERIVED, {}),
    tables.asset_entry: (_DERIVED, {}),
    tables.accounts_closed: (_DERIVED, {}),
    tables.watched: (_CACHE, {}),  # what the watch need not decide again
    tables.watch_event: (_DERIVED, {}),
    tables.watch_lease: (_CACHE, {}),
    tables.witnessed: (_DERIVED, {}),
    tables.cosignature: (_CACHE, {}),  # each is verified by the key of its witness
    tables.watch_delivery: (_CACHE, {}),
    tables.sink_cursor: (_CACHE, {}),  # where sinks are in the log; no decision rests on it
    tables.document: (_DERIVED, {}),
    tables.attached_document: (_DERIVED, {}),
    tables.document_confirmation: (_DERIVED, {}),
    tables.draft: (_CACHE, {}),  # no decision rests on it: what is decided is recorded with its exchange
}


def _of_columns() -> Mapping[str, Mapping[str, ColumnRole]]:
    return {
        table.name: {column.name: others.get(column.name, role) for column in table.columns}
        for table, (role, others) in _ROLES.items()
    }


COLUMN_ROLES: Mapping[str, Mapping[str, ColumnRole]] = MappingProxyType(_of_columns())
