"""The tables with which the history begins: those of version 0.12.0. Databases of versions before it are not read."""

from collections.abc import Callable
from typing import Any

import sqlalchemy as sa
from alembic import op

revision = "0.12.0"
down_revision = None

Columns = Callable[..., list[sa.Column[Any]]]


def of_type(type_: sa.types.TypeEngine[Any]) -> Columns:
    """What makes columns of a type, which are not null; `of` names the column of another table that they refer to."""

    def columns(*names: str, of: str = "", **more: bool) -> list[sa.Column[Any]]:
        told: dict[str, Any] = {"nullable": False, "autoincrement": False, **more}
        return [sa.Column(name, type_, *([sa.ForeignKey(of)] if of else []), **told) for name in names]

    return columns


text, long_text, octets = of_type(sa.String()), of_type(sa.Text()), of_type(sa.LargeBinary())
small_number, truth = of_type(sa.Integer()), of_type(sa.Boolean())
number = of_type(sa.BigInteger().with_variant(sa.Integer, "sqlite"))


def upgrade() -> None:
    """Make the tables, and the rows of `head`."""
    op.create_table(
        "caller",
        *text("id", primary_key=True),
        *text("name", "scopes"),
        *octets("secret_hash"),
        *text("created_at", "created_by"),
        *text("expires_on", "revoked_at", "revoked_by", "party", "person", nullable=True),
    )
    op.create_table(
        "person",
        *text("id", primary_key=True),
        *text("issuer", "subject", "name", nullable=True),
        *text("known_at"),
        *text("erased_at", nullable=True),
        sa.UniqueConstraint("issuer", "subject"),
    )
    op.create_table(
        "session",
        *text("id", primary_key=True),
        *octets("secret_hash"),
        *text("person", "key", nullable=True),
        *text("scopes"),
        *text("party", nullable=True),
        *text("sign_in", nullable=True, unique=True),
        *text("created_at", "seen_at"),
        *text("expires_at", index=True),
        *text("ended_at", nullable=True),
        sa.Index("session_of_person", "person"),
    )
    op.create_table(
        "idempotency",
        *text("caller", "key", primary_key=True),
        *text("digest"),
        *small_number("status"),
        *text("media_type"),
        *text("location", "etag", "subject", nullable=True),
        *octets("body", nullable=True),
        *number("first_record", "last_record", nullable=True),
        *text("created_at"),
        sa.Index("idempotency_by_age", "created_at"),
        sa.Index("idempotency_by_record", "first_record"),
        sa.Index("idempotency_by_subject", "subject"),
    )
    op.create_table("about", *text("name", primary_key=True), *text("value"))
    op.create_table(
        "head", *text("name", primary_key=True), *number("next"), *octets("frontier", "tail", "seal", nullable=True)
    )
    op.create_table(
        "record",
        *number("sequence", primary_key=True),
        *text("id", unique=True),
        *octets("leaf", "leaf_hash"),
        *number("leaf_index"),
    )
    op.create_table(
        "personal",
        *number("sequence", primary_key=True, of="record.sequence"),
        *text("pointer", primary_key=True),
        *octets("salt", "value", nullable=True),
        *text("erased_at", nullable=True),
    )
    op.create_table("tree_leaf", *number("index", primary_key=True), *text("kind"), *octets("leaf"))
    op.create_table(
        "leaf_opening",
        *number("leaf", primary_key=True),
        *text("name", primary_key=True),
        *text("subject", nullable=True),
        *octets("salt", "value", nullable=True),
        *text("erased_at", nullable=True),
        sa.Index("leaf_opening_by_subject", "subject"),
    )
    op.create_table("tree_tile", *number("index", primary_key=True), *octets("hashes"))
    op.create_table("tree_node", *small_number("level", primary_key=True), *number("index", primary_key=True), *octets("hash"))
    op.create_table("witnessed", *text("origin", primary_key=True), *number("size"), *octets("root"), *text("at"))
    op.create_table("cosignature", *text("witness", primary_key=True), *number("size"), *octets("root"), *text("line", "at"))
    op.create_table(
        "subject_seal",
        *text("subject", primary_key=True),
        *number("leaf"),
        *octets("code"),
    )
    op.create_table(
        "sign_off",
        *number("number", primary_key=True),
        *text("id", unique=True),
        *text("decision", "provision", "meaning"),
        *text("facts", nullable=True),
        *text("verdict"),
        *long_text("reason"),
        *text("until", nullable=True),
        *text("given_at", "given_by"),
        *text("person", "anchor", nullable=True),
        sa.Index("sign_off_anchor", "anchor"),
        sa.Index("sign_off_decision", "decision"),
        sa.Index("sign_off_facts", "facts"),
    )
    op.create_table(
        "review_case",
        *text("facts", primary_key=True),
        *text("decision", unique=True),
        *number("sequence", "moment"),
        *text("state"),
        *text("until", nullable=True),
        *text("kinds"),
        *long_text("provisions"),
        *text("due", "assignee", nullable=True),
        *long_text("askers"),
        sa.Index("review_case_by_age", "state", "moment"),
        sa.Index("review_case_by_due", "state", "due", "moment"),
        sa.Index("review_case_by_end", "state", "until"),
    )
    op.create_table(
        "review_note",
        *number("number", primary_key=True),
        *text("id", unique=True),
        *text("decision", index=True),
        *text("kind"),
        *long_text("text", nullable=True),
        *text("assignee", nullable=True),
        *text("at", "by"),
        *text("person", nullable=True),
    )
    op.create_table(
        "entry",
        *number("sequence", primary_key=True, of="record.sequence"),
        *number("moment"),
        *text("id", "as_of", "outcome"),
        *truth("proceed", "hypothetical"),
        *text("answer"),
        *number("exporter", "recipient", nullable=True),
        *text("exporter_country", "recipient_country", "caller", nullable=True),
        *text("bundle", "words"),
        sa.Index("entry_by_moment", "moment", "sequence"),
    )
    op.create_table("term", *number("id", primary_key=True), *text("kind", "value"), sa.UniqueConstraint("kind", "value"))
    op.create_table("entry_term", *number("term", "moment", "sequence", primary_key=True), sqlite_with_rowid=False)
    op.create_table(
        "saved_search",
        *text("id", primary_key=True),
        *text("caller", "name"),
        *long_text("parameters"),
        *text("saved_at"),
        sa.UniqueConstraint("caller", "name"),
    )
    op.create_table(
        "bundle",
        *text("source", "meaning", primary_key=True),
        *text("trust", "norms", "engine", "first_used_at"),
        *octets("archive"),
    )
    op.create_table(
        "bundle_version",
        *text("folder", primary_key=True),
        *number("version"),
        *text("source", "activated_at"),
        *text("allowed", nullable=True),
    )
    op.create_table(
        "shadow_difference",
        *number("sequence", primary_key=True, of="record.sequence"),
        *text("id", "at", "shadow_source", "shadow_meaning", "live_outcome"),
        *truth("live_proceed"),
        *text("shadow_outcome"),
        *truth("shadow_proceed"),
        *text("only_live", "only_shadow"),
        sa.Index("shadow_difference_by_shadow", "shadow_source", "shadow_meaning", "sequence"),
    )
    op.create_table(
        "entity",
        *text("kind", "id", primary_key=True),
        *small_number("version", primary_key=True),
        *text("state"),
        *text("valid_from", "valid_until", nullable=True),
        *long_text("aliases", "facts", "documents", "travels"),
        *text("attested_by", "note", nullable=True),
        *text("recorded_at", "recorded_by"),
        *small_number("shape", nullable=True),
    )
    op.create_table(
        "entity_alias", *text("kind", "alias", primary_key=True), *text("id"), sa.Index("entity_alias_of", "kind", "id")
    )
    op.create_table(
        "entity_spelling",
        *text("kind", "folded", "name", primary_key=True),
        *text("id"),
        sa.Index("entity_spelling_of", "kind", "id"),
    )
    op.create_table(
        "commitment",
        *text("id", primary_key=True),
        *text("decision", "evaluation", unique=True),
        *number("sequence", unique=True),
        *text("exporter", nullable=True, index=True),
        *text("as_of", "committed_at", "state"),
        *text("replaces", nullable=True, unique=True, of="commitment.id"),
        *text("counting"),
        sa.Index("commitment_by_state", "state"),
    )
    op.create_table(
        "commitment_event",
        *text("commitment", primary_key=True, of="commitment.id"),
        *small_number("number", primary_key=True),
        *text("kind", "at", "by"),
        *text("reason", nullable=True),
        *text("other", nullable=True, of="commitment.id"),
    )
    op.create_table(
        "movement",
        *text("commitment", primary_key=True, of="commitment.id"),
        *text("fact", "meaning", primary_key=True),
        *text("counter", "key", "day"),
        *number("low"),
        *number("high", nullable=True),
        *number("sequence"),
        *truth("live"),
        *text("data_set", "same_as", nullable=True),
        sa.Index("movement_counted", "meaning", "key", "day"),
        sa.Index("movement_data_set", "data_set"),
        sa.Index("movement_later", "meaning", "sequence", "fact", "live", "low", "high", "commitment"),
        sa.Index("movement_sequence", "sequence"),
    )
    op.create_table(
        "tally", *text("meaning", "key", "day", "fact", primary_key=True), *number("largest", "least", "most", "endless")
    )
    op.create_table(
        "tally_month",
        *text("meaning", "key", "month", "fact", primary_key=True),
        *number("largest", "least", "most", "endless"),
    )
    op.create_table(
        "opening",
        *text("id", "fact", primary_key=True),
        *text("counter", "meaning", "key", "day"),
        *number("low"),
        *number("high", nullable=True),
        *text("at", "by"),
        *text("reason", nullable=True),
        sa.Index("opening_counted", "counter", "key", "day"),
    )
    op.create_table(
        "promise",
        *text("commitment", primary_key=True, of="commitment.id"),
        *small_number("number", primary_key=True),
        *text("name", "meaning"),
        *text("by", "to", nullable=True),
        *text("due"),
        *text("kept_on", "evidence", "document", "reported_at", "reported_by", nullable=True),
        sa.Index("promise_by", "by", "due"),
        sa.Index("promise_due", "due"),
        sa.Index("promise_open", "kept_on", "due"),
    )
    op.create_table("counted", *text("counting", "meaning", primary_key=True), *text("last"))
    op.create_table(
        "right_line",
        *text("source", primary_key=True),
        *small_number("number", primary_key=True),
        *text("book", "asset"),
        *text("granter", "holder", nullable=True),
        *text("conveyed"),
        *long_text("purposes", "territory", nullable=True),
        *text("first"),
        *text("until", nullable=True),
        *truth("exclusive", "onward", nullable=True),
        *number("sequence", nullable=True),
        *text("at"),
        *text("ended", "ended_at", "voided_at", nullable=True),
        sa.Index("right_line_exclusive", "granter", "asset", "exclusive"),
        sa.Index("right_line_from", "granter", "asset", "source", "number"),
        sa.Index("right_line_of_asset", "asset", "source", "number"),
        sa.Index("right_line_to", "holder", "asset", "source", "number"),
    )
    op.create_table(
        "right_opening",
        *text("id", primary_key=True),
        *number("leaf"),
        *text("book", "asset", "party"),
        *truth("complete"),
        *text("day"),
        *long_text("evidence"),
        *text("reason", "at", "by"),
        *text("withdrawn_at", "withdrawn_by", "withdrawn_reason", nullable=True),
        sa.Index("right_opening_of_asset", "asset", "party"),
        sa.Index("right_opening_of_party", "party"),
    )
    op.create_table(
        "settlement",
        *text("commitment", primary_key=True, of="commitment.id"),
        *text("day", index=True),
        *text("state"),
        *text("price", nullable=True),
    )
    op.create_table(
        "benefit",
        *number("number", primary_key=True),
        *text("commitment", index=True, of="commitment.id"),
        *text("kind", "day", "role", "account"),
        *text("place", nullable=True),
        *text("share", "currency"),
        *small_number("scale"),
        *number("units"),
        sa.Index("benefit_account", "account", "currency", "day"),
        sa.Index("benefit_day", "day", "number"),
    )
    op.create_table(
        "flow",
        *text("commitment", primary_key=True, of="commitment.id"),
        *text("meaning", "month", "pair", "venue", "grade", "sector", "kind", "lanes", "currency"),
        *text("supplier", "recipient", nullable=True),
        *number(
            "people_least",
            "people_most",
            "people_endless",
            "exclusive",
            "terms_unknown",
            "exclusive_price_high",
            "exclusive_price_middle",
            "exclusive_price_low",
            "price_high",
            "price_middle",
            "price_low",
            "source_country_known",
            "source_country_high",
            "source_country_middle",
            "source_country_low",
            "public_known",
            "public_high",
            "public_middle",
            "public_low",
        ),
        *truth("live"),
        sa.Index("flow_by_recipient", "recipient"),
        sa.Index("flow_by_supplier", "supplier"),
    )
    op.create_table(
        "flow_sum",
        *text("meaning", "dimensions", "period", "first_value", "second_value", "lane", "currency", primary_key=True),
        *number(
            "exchanges",
            "people_least",
            "people_most",
            "people_endless",
            "exclusive",
            "terms_unknown",
            "exclusive_price_high",
            "exclusive_price_middle",
            "exclusive_price_low",
            "price_high",
            "price_middle",
            "price_low",
            "source_country_known",
            "source_country_high",
            "source_country_middle",
            "source_country_low",
            "public_known",
            "public_high",
            "public_middle",
            "public_low",
        ),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "flow_party",
        *text("meaning", "dimension", "value", "side", "period", "party", "currency", primary_key=True),
        *number("exchanges", "price_high", "price_middle", "price_low"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "asset_entry",
        *text("id", primary_key=True),
        *text("asset"),
        *small_number("number"),
        *text("kind"),
        *text("of", nullable=True, of="asset_entry.id"),
        *text("day"),
        *text("amount", "currency", "treatment", nullable=True),
        *small_number("months", nullable=True),
        *text("evidence", "reason", nullable=True),
        *text("at", "by"),
        sa.UniqueConstraint("asset", "number"),
    )
    op.create_table(
        "watched",
        *text("commitment", primary_key=True, of="commitment.id"),
        *text("meaning", "told_until"),
        *text("next_day", nullable=True),
        *number("sign_offs"),
        *truth("erased"),
        *long_text("grounds"),
    )
    op.create_table(
        "watch_event",
        *number("number", primary_key=True),
        *text("id", unique=True),
        *number("leaf"),
        *text("at", "day", "kind"),
        *text("commitment", of="commitment.id"),
        *text("decision", "cause", "since"),
        *text("outcome", nullable=True),
        *long_text("document"),
        sa.UniqueConstraint("commitment", "cause", "since"),
    )
    op.create_table("watch_lease", *text("name", primary_key=True), *text("holder", "until", "done", nullable=True))
    op.create_table(
        "watch_delivery",
        *number("event", primary_key=True, of="watch_event.number"),
        *text("address", primary_key=True),
        *small_number("attempts"),
        *text("next_at", "state"),
        sa.Index("watch_delivery_due", "state", "next_at"),
    )
    op.create_table(
        "document",
        *text("id", primary_key=True),
        *text("sha256", nullable=True, unique=True),
        *small_number("size"),
        *text("media_type"),
        *octets("content", nullable=True),
        *text("kept_at", "kept_by"),
    )
    op.create_table(
        "attached_document",
        *text("id", primary_key=True),
        *text("decision", index=True),
        *text("name"),
        *text("document", nullable=True, index=True),
        *text("attached_at", "attached_by"),
    )
    op.create_table(
        "document_confirmation",
        *number("number", primary_key=True),
        *text("id", unique=True),
        *text("attached"),
        *text("decision", index=True),
        *text("name"),
        *text("binding", nullable=True, index=True),
        *text("verdict", "reason"),
        *text("until", "person", nullable=True),
        *text("given_at", "given_by"),
        *long_text("envelope", nullable=True),
    )
    op.create_table(
        "draft",
        *text("id", primary_key=True),
        *text("owner"),
        *small_number("version"),
        *text("document"),
        *text("before", "was", nullable=True),
        *text("skipped"),
        *text("asking", nullable=True),
        *text("trial_of", nullable=True, index=True),
        *text("decision", "commitment", nullable=True),
        *text("changed_at", index=True),
        sa.Index("draft_of_owner", "owner", "changed_at"),
    )
    op.execute("INSERT INTO head (name, next) VALUES ('leaf', 0), ('record', 0), ('sorted', 0)")
