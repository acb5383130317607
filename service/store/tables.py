"""
The tables of the database, as SQLAlchemy Core describes them.

The migrations make the same tables; a test compares the two. SQLite and PostgreSQL hold the same types: moments are ISO text in UTC with
microseconds and a `Z`, days are ISO text, documents are JSON text.
"""

import sqlalchemy as sa

BigInteger = sa.BigInteger().with_variant(sa.Integer, "sqlite")  # SQLite's row number is an INTEGER

# The newest of the migrations, which make these tables. Each is named by the version that brought it.
REVISION = "1.0.0"

metadata = sa.MetaData()

# --- who may call -----------------------------------------------------------------------------------------------------

caller = sa.Table(
    "caller",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("scopes", sa.String, nullable=False),
    sa.Column("secret_hash", sa.LargeBinary, nullable=False),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("created_by", sa.String, nullable=False),
    sa.Column("expires_on", sa.String),
    sa.Column("revoked_at", sa.String),
    sa.Column("revoked_by", sa.String),
    sa.Column("party", sa.String),  # to which it belongs; null for an operator's key
    sa.Column("person", sa.String),  # to whom it belongs; null if it is a program's
)
# The persons to whom keys belong, and who signed in. Who she is is null after an erasure.
person = sa.Table(
    "person",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("issuer", sa.String),
    sa.Column("subject", sa.String),
    sa.Column("name", sa.String),
    sa.Column("known_at", sa.String, nullable=False),
    sa.Column("erased_at", sa.String),
    sa.UniqueConstraint("issuer", "subject"),
)
# Those who signed in at the pages. A session belongs to a person or to a key. `sign_in` is a digest by which no sign-in counts twice.
session = sa.Table(
    "session",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("secret_hash", sa.LargeBinary, nullable=False),
    sa.Column("person", sa.String),
    sa.Column("key", sa.String),
    sa.Column("scopes", sa.String, nullable=False),
    sa.Column("party", sa.String),
    sa.Column("sign_in", sa.String, unique=True),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("seen_at", sa.String, nullable=False),  # to the minute or so, so that not every page writes
    sa.Column("expires_at", sa.String, nullable=False, index=True),
    sa.Column("ended_at", sa.String),
    sa.Index("session_of_person", "person"),
)

# --- calls that can be repeated ---------------------------------------------------------------------------------------

idempotency = sa.Table(
    "idempotency",
    metadata,
    sa.Column("caller", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("digest", sa.String, nullable=False),
    sa.Column("status", sa.Integer, nullable=False),
    sa.Column("media_type", sa.String, nullable=False),
    sa.Column("location", sa.String),
    sa.Column("etag", sa.String),
    sa.Column("subject", sa.String),
    sa.Column("body", sa.LargeBinary),  # null after a value in it was erased
    sa.Column("first_record", BigInteger),
    sa.Column("last_record", BigInteger),
    sa.Column("created_at", sa.String, nullable=False),
    sa.Column("seal", sa.LargeBinary),  # service.store.answer_seals
    sa.Index("idempotency_by_age", "created_at"),
    sa.Index("idempotency_by_record", "first_record"),
    sa.Index("idempotency_by_subject", "subject"),
)

# --- the decision log -------------------------------------------------------------------------------------------------

about = sa.Table(
    "about",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("value", sa.String, nullable=False),
)
head = sa.Table(
    "head",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("next", BigInteger, nullable=False),
    sa.Column("frontier", sa.LargeBinary),  # of the tree, in the row `leaf`: service.store.log_tree
    sa.Column("tail", sa.LargeBinary),
    sa.Column("seal", sa.LargeBinary),
    sa.Column(
        "admitting", BigInteger
    ),  # in the row `leaf`, of the last leaf that let somebody in or out: service.store.log_tree
)
HEADS = frozenset({"record", "leaf", "sorted"})  # the names in `head`
record = sa.Table(
    "record",
    metadata,
    sa.Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
    sa.Column("leaf_hash", sa.LargeBinary, nullable=False),
    sa.Column("leaf_index", BigInteger, nullable=False),
)
personal = sa.Table(
    "personal",
    metadata,
    sa.Column("sequence", BigInteger, sa.ForeignKey(record.c.sequence), primary_key=True, autoincrement=False),
    sa.Column("pointer", sa.String, primary_key=True),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary),
    sa.Column("erased_at", sa.String),
)
# The exchanges of some records that follow each other: service.log.coded_blocks. Outside the records, and made from them
# again; the erasure of one of the records removes the row.
coded_block = sa.Table(
    "coded_block",
    metadata,
    sa.Column("first", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("records", sa.Integer, nullable=False),
    sa.Column("words", sa.String, nullable=False),
    sa.Column("content", sa.LargeBinary, nullable=False),
)

# --- the tree of the log ----------------------------------------------------------------------------------------------

# The leaves that are not the bytes of a record: `leaf_index` says which leaf a record is.
tree_leaf = sa.Table(
    "tree_leaf",
    metadata,
    sa.Column("index", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("leaf", sa.LargeBinary, nullable=False),
)
# What opens the commitments in such a leaf. What is erased has neither salt nor value, and no `subject`, which may be personal.
leaf_opening = sa.Table(
    "leaf_opening",
    metadata,
    sa.Column("leaf", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("subject", sa.String),
    sa.Column("salt", sa.LargeBinary),
    sa.Column("value", sa.LargeBinary),
    sa.Column("erased_at", sa.String),
    sa.Index("leaf_opening_by_subject", "subject"),
)
# The hashes of 256 leaves each. Those that do not fill a tile yet are the `tail` in `head`, so a commit touches no further page.
tree_tile = sa.Table(
    "tree_tile",
    metadata,
    sa.Column("index", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hashes", sa.LargeBinary, nullable=False),
)
# The nodes of the levels 8, 16, 24 …: each is the root over 256 nodes of the level before.
tree_node = sa.Table(
    "tree_node",
    metadata,
    sa.Column("level", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("index", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("hash", sa.LargeBinary, nullable=False),
)

# The checkpoint of each other log that this service cosigned last, as a witness. The leaves `cosigned` say the same.
witnessed = sa.Table(
    "witnessed",
    metadata,
    sa.Column("origin", sa.String, primary_key=True),
    sa.Column("size", BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)
# The last cosignature that each witness of this log gave, and over which tree. `witness` is its verifier key, `line` is as it sent it.
cosignature = sa.Table(
    "cosignature",
    metadata,
    sa.Column("witness", sa.String, primary_key=True),
    sa.Column("size", BigInteger, nullable=False),
    sa.Column("root", sa.LargeBinary, nullable=False),
    sa.Column("line", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)

# The seal of each subject: a code over the rows that speak of it, and the number of the last leaf that there was (row_seals).
subject_seal = sa.Table(
    "subject_seal",
    metadata,
    sa.Column("subject", sa.String, primary_key=True),
    sa.Column("leaf", BigInteger, nullable=False),
    sa.Column("code", sa.LargeBinary, nullable=False),
)

# --- sign-offs --------------------------------------------------------------------------------------------------------

sign_off = sa.Table(
    "sign_off",
    metadata,
    sa.Column("number", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("decision", sa.String, nullable=False),
    sa.Column("provision", sa.String, nullable=False),
    sa.Column("meaning", sa.String, nullable=False),
    sa.Column("facts", sa.String),  # null after an erasure: the digest could confirm guesses
    sa.Column("verdict", sa.String, nullable=False),
    sa.Column("reason", sa.Text, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("given_at", sa.String, nullable=False),
    sa.Column("given_by", sa.String, nullable=False),
    sa.Column("person", sa.String),  # who gave it; null for a caller who is none that the service knows
    sa.Column("anchor", sa.String),  # by which later exchanges find it; null after an erasure
    sa.Index("sign_off_decision", "decision"),
    sa.Index("sign_off_facts", "facts"),
    sa.Index("sign_off_anchor", "anchor"),
)

# One row for each set of facts that a review was recorded of, by its newest decision: what waits is found by it. No decision rests on it.
# `state` is `waits`, `approved` until the last day `until`, `refused`, or `over`: the newest decision is no review. `kinds` and
# `provisions` say what waits, `due` is the first day on which a duty falls due, `askers` are the callers who asked.
review_case = sa.Table(
    "review_case",
    metadata,
    sa.Column("facts", sa.String, primary_key=True),
    sa.Column("decision", sa.String, nullable=False, unique=True),
    sa.Column("sequence", BigInteger, nullable=False),
    sa.Column("moment", BigInteger, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("kinds", sa.String, nullable=False),
    sa.Column("provisions", sa.Text, nullable=False),
    sa.Column("due", sa.String),
    sa.Column("assignee", sa.String),
    sa.Column("askers", sa.Text, nullable=False),
    sa.Index("review_case_by_age", "state", "moment"),
    sa.Index("review_case_by_end", "state", "until"),
    sa.Index("review_case_by_due", "state", "due", "moment"),
)
# What was said of a review beside its sign-offs: a comment, or to whom it is assigned (null: to nobody any more).
review_note = sa.Table(
    "review_note",
    metadata,
    sa.Column("number", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("decision", sa.String, nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("text", sa.Text),  # of a comment; null after an erasure
    sa.Column("assignee", sa.String),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("person", sa.String),
)

# --- what the log is searched by --------------------------------------------------------------------------------------

# One row for each record. `moment` is when it was recorded, in microseconds since 1970; every search is in this order, newest first.
# `words` has the numbers of its words, separated by commas. `entry_term` has a row for each word, for all records below the number
# `sorted` of `head`.
entry = sa.Table(
    "entry",
    metadata,
    sa.Column("sequence", BigInteger, sa.ForeignKey(record.c.sequence), primary_key=True, autoincrement=False),
    sa.Column("moment", BigInteger, nullable=False),
    sa.Column("id", sa.String, nullable=False),
    sa.Column("as_of", sa.String, nullable=False),
    sa.Column("outcome", sa.String, nullable=False),
    sa.Column("proceed", sa.Boolean, nullable=False),
    sa.Column("hypothetical", sa.Boolean, nullable=False),
    sa.Column("answer", sa.String, nullable=False),
    sa.Column("exporter", BigInteger),  # a term: an id is kept in one place, where it can be erased
    sa.Column("recipient", BigInteger),
    sa.Column("exporter_country", sa.String),
    sa.Column("recipient_country", sa.String),
    sa.Column("caller", sa.String),
    sa.Column("bundle", sa.String, nullable=False),
    sa.Column("words", sa.String, nullable=False),
    sa.Index("entry_by_moment", "moment", "sequence"),
)
term = sa.Table(
    "term",
    metadata,
    sa.Column("id", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("value", sa.String, nullable=False),
    sa.UniqueConstraint("kind", "value"),
)
entry_term = sa.Table(
    "entry_term",
    metadata,
    sa.Column("term", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("moment", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("sequence", BigInteger, primary_key=True, autoincrement=False),
    sqlite_with_rowid=False,
)

# The searches that callers saved, each with the parameters of its address as JSON.
saved_search = sa.Table(
    "saved_search",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("caller", sa.String, nullable=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("parameters", sa.Text, nullable=False),
    sa.Column("saved_at", sa.String, nullable=False),
    sa.UniqueConstraint("caller", "name"),
)

# --- bundles ----------------------------------------------------------------------------------------------------------

bundle = sa.Table(
    "bundle",
    metadata,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("meaning", sa.String, primary_key=True),
    sa.Column("trust", sa.String, nullable=False),
    sa.Column("norms", sa.String, nullable=False),
    sa.Column("engine", sa.String, nullable=False),
    sa.Column("first_used_at", sa.String, nullable=False),
    sa.Column("archive", sa.LargeBinary, nullable=False),
)
# The highest version that decided, of each folder that was signed with one: service.policies.rollback.
bundle_version = sa.Table(
    "bundle_version",
    metadata,
    sa.Column("folder", sa.String, primary_key=True),
    sa.Column("version", BigInteger, nullable=False),
    sa.Column("source", sa.String, nullable=False),
    sa.Column("activated_at", sa.String, nullable=False),
    sa.Column("allowed", sa.String),  # the digest of older content that an administrator let decide again
)
shadow_difference = sa.Table(
    "shadow_difference",
    metadata,
    sa.Column("sequence", BigInteger, sa.ForeignKey(record.c.sequence), primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("shadow_source", sa.String, nullable=False),
    sa.Column("shadow_meaning", sa.String, nullable=False),
    sa.Column("live_outcome", sa.String, nullable=False),
    sa.Column("live_proceed", sa.Boolean, nullable=False),
    sa.Column("shadow_outcome", sa.String, nullable=False),
    sa.Column("shadow_proceed", sa.Boolean, nullable=False),
    sa.Column("only_live", sa.String, nullable=False),
    sa.Column("only_shadow", sa.String, nullable=False),
)
sa.Index(
    "shadow_difference_by_shadow",
    shadow_difference.c.shadow_source,
    shadow_difference.c.shadow_meaning,
    shadow_difference.c.sequence,
)
# --- the register -----------------------------------------------------------------------------------------------------

entity = sa.Table(
    "entity",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("valid_from", sa.String),
    sa.Column("valid_until", sa.String),
    sa.Column("aliases", sa.Text, nullable=False),
    sa.Column("facts", sa.Text, nullable=False),
    sa.Column("documents", sa.Text, nullable=False),
    sa.Column("travels", sa.Text, nullable=False),
    sa.Column("attested_by", sa.String),
    sa.Column("note", sa.String),
    sa.Column("recorded_at", sa.String, nullable=False),
    sa.Column("recorded_by", sa.String, nullable=False),
    sa.Column("shape", sa.Integer),  # of the exchanges in which it is stated; null after an erasure
    sa.Column("title", sa.String),  # of an asset, as all to the next one
    sa.Column("holder", sa.String),
    sa.Column("hash", sa.String),
    sa.Index("entity_by_hash", "hash"),
)
entity_alias = sa.Table(
    "entity_alias",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("alias", sa.String, primary_key=True),
    sa.Column("id", sa.String, nullable=False),
)
sa.Index("entity_alias_of", entity_alias.c.kind, entity_alias.c.id)
# Each name of each entity, folded: what looks like it is found by it (semantics 1.9).
entity_spelling = sa.Table(
    "entity_spelling",
    metadata,
    sa.Column("kind", sa.String, primary_key=True),
    sa.Column("folded", sa.String, primary_key=True),
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("id", sa.String, nullable=False),
    sa.Index("entity_spelling_of", "kind", "id"),
)
# --- the ledger -------------------------------------------------------------------------------------------------------

commitment = sa.Table(
    "commitment",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("decision", sa.String, nullable=False, unique=True),
    sa.Column("evaluation", sa.String, nullable=False, unique=True),
    sa.Column("sequence", BigInteger, nullable=False, unique=True),
    sa.Column("exporter", sa.String, index=True),
    sa.Column("as_of", sa.String, nullable=False),
    sa.Column("committed_at", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("replaces", sa.String, sa.ForeignKey("commitment.id"), unique=True),
    sa.Column("counting", sa.String, nullable=False),
    sa.Column("stage", sa.String),  # the last stage that it reached; null before the first
    sa.Index("commitment_by_state", "state"),
    sa.Index("commitment_by_stage", "stage", "sequence"),
)
commitment_event = sa.Table(
    "commitment_event",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("reason", sa.String),
    sa.Column("other", sa.String, sa.ForeignKey("commitment.id")),
    sa.Column("day", sa.String),  # of a stage
    sa.Column("evidence", sa.String),  # of a stage: the SHA-256 of what shows it
)
# The numbers of orders, contracts and invoices by which others know a commitment. The text is null after an erasure.
commitment_reference = sa.Table(
    "commitment_reference",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("text", sa.String),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Index("commitment_reference_by_text", "text"),
)
movement = sa.Table(
    "movement",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("fact", sa.String, primary_key=True),
    sa.Column("meaning", sa.String, primary_key=True),
    sa.Column("counter", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("day", sa.String, nullable=False),
    sa.Column("low", BigInteger, nullable=False),
    sa.Column("high", BigInteger),
    sa.Column("sequence", BigInteger, nullable=False),
    sa.Column("live", sa.Boolean, nullable=False),
    sa.Column("data_set", sa.String),  # a keyed hash; null where the exchange does not name its data set
    sa.Column("same_as", sa.String),  # that of an earlier data set with the same people; null where none is named
)
sa.Index("movement_counted", movement.c.meaning, movement.c.key, movement.c.day)
sa.Index("movement_sequence", movement.c.sequence)
# Has all that is summed of what was committed later than a record, so that the rows themselves are not read.
sa.Index(
    "movement_later",
    *(movement.c[name] for name in ("meaning", "sequence", "fact", "live", "low", "high", "commitment")),
)
sa.Index("movement_data_set", movement.c.data_set)
# The sums of the movements that count, of a counter of one key, updated together with them. There is a row for each month, with the sums of
# its days, one for each year, with those of its months, and one with those of all years (`all`). `sums` is JSON: by the day, month or year,
# and by the fact, [largest, least, most, endless]; `below` has the digest of the row of each year, or of each month of a year. A movement
# that names an earlier data set adds nobody to `most`.
counter_sum = sa.Table(
    "counter_sum",
    metadata,
    sa.Column("meaning", sa.String, primary_key=True),
    sa.Column("key", sa.String, primary_key=True),
    sa.Column("period", sa.String, primary_key=True),
    sa.Column("sums", sa.Text, nullable=False),
    sa.Column("below", sa.Text, nullable=False),
)
opening = sa.Table(
    "opening",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("fact", sa.String, primary_key=True),
    sa.Column("counter", sa.String, nullable=False),
    sa.Column("meaning", sa.String, nullable=False),
    sa.Column("key", sa.String, nullable=False),
    sa.Column("day", sa.String, nullable=False),
    sa.Column("low", BigInteger, nullable=False),
    sa.Column("high", BigInteger),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("reason", sa.String),
)
sa.Index("opening_counted", opening.c.counter, opening.c.key, opening.c.day)
# What was promised by commitments, until a last day, and when it was kept. A promise of a commitment that ended is void. `promised` is how
# much, null where one report shows the whole; `disputed` how many reports on it are in dispute. Its reports are those of `origin`, a
# commitment and a name: the promise itself where it is null, otherwise the one of an earlier commitment that it takes the place of.
promise = sa.Table(
    "promise",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("meaning", sa.String, nullable=False),
    sa.Column("by", sa.String),  # keyed hashes of the parties; null where not known
    sa.Column("to", sa.String),
    sa.Column("due", sa.String, nullable=False),
    sa.Column("kept_on", sa.String),  # the day of the document that shows it
    sa.Column("evidence", sa.String),
    sa.Column("document", sa.String),  # SHA-256 of the document, hexadecimal
    sa.Column("reported_at", sa.String),
    sa.Column("reported_by", sa.String),
    sa.Column("promised", BigInteger),
    sa.Column("disputed", sa.Integer, nullable=False),
    sa.Column("origin", sa.String),
    sa.Index("promise_by", "by", "due"),
    sa.Index("promise_to", "to", "due"),
    sa.Index("promise_due", "due"),
    sa.Index("promise_open", "kept_on", "due"),
)
# A report that some of a promise was kept; what the party that it was made to said of it; and how a dispute over it was settled. `of` is
# the origin of the promise, `decision` that of the commitment in whose name it was reported.
promise_report = sa.Table(
    "promise_report",
    metadata,
    sa.Column("of", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("decision", sa.String, nullable=False),
    sa.Column("dated", sa.String, nullable=False),
    sa.Column("amount", BigInteger),
    sa.Column("evidence", sa.String, nullable=False),
    sa.Column("document", sa.String, nullable=False),  # SHA-256 of the document, hexadecimal
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("answer", sa.String),
    sa.Column("answered_at", sa.String),
    sa.Column("answered_by", sa.String),
    sa.Column("reason", sa.Text),  # of the answer
    sa.Column("settled", sa.String),
    sa.Column("settled_at", sa.String),
    sa.Column("settled_by", sa.String),
    sa.Column("ruling", sa.Text),  # the reason of the settlement
    sa.Index("promise_report_of_decision", "decision"),
)
# The meanings under which commitments were counted, and until which day. Without commitments there is nothing to read.
counted = sa.Table(
    "counted",
    metadata,
    sa.Column("counting", sa.String, primary_key=True),
    sa.Column("meaning", sa.String, primary_key=True),
    sa.Column("last", sa.String, nullable=False),
)

# --- the book of rights -----------------------------------------------------------------------------------------------

# A right that a commitment granted, or that an opening states. `source` is the commitment or the opening. Parties and assets are keyed
# hashes. `granter` is null where it is not known, and of an opening. `ended` is the first day on which the line no longer stands.
right_line = sa.Table(
    "right_line",
    metadata,
    sa.Column("source", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("book", sa.String, nullable=False),
    sa.Column("asset", sa.String, nullable=False),
    sa.Column("granter", sa.String),
    sa.Column("holder", sa.String),
    sa.Column("conveyed", sa.String, nullable=False),
    sa.Column("purposes", sa.Text),
    sa.Column("territory", sa.Text),
    sa.Column("first", sa.String, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("exclusive", sa.Boolean),
    sa.Column("onward", sa.Boolean),
    sa.Column("sequence", BigInteger),  # of the record that was committed; null for an opening
    sa.Column("at", sa.String, nullable=False),
    sa.Column("ended", sa.String),
    sa.Column("ended_at", sa.String),
    sa.Column("voided_at", sa.String),
    sa.Index("right_line_of_asset", "asset", "source", "number"),
    sa.Index("right_line_to", "holder", "asset", "source", "number"),
    sa.Index("right_line_from", "granter", "asset", "source", "number"),
    sa.Index("right_line_exclusive", "granter", "asset", "exclusive"),
)
# What a party had before. Its rights are lines; `leaf` has the names of the party and the asset beside it.
right_opening = sa.Table(
    "right_opening",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("leaf", BigInteger, nullable=False),
    sa.Column("book", sa.String, nullable=False),
    sa.Column("asset", sa.String, nullable=False),
    sa.Column("party", sa.String, nullable=False),
    sa.Column("complete", sa.Boolean, nullable=False),
    sa.Column("day", sa.String, nullable=False),
    sa.Column("evidence", sa.Text, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("withdrawn_at", sa.String),
    sa.Column("withdrawn_by", sa.String),
    sa.Column("withdrawn_reason", sa.String),
    sa.Index("right_opening_of_asset", "asset", "party"),
    sa.Index("right_opening_of_party", "party"),
)
# The settlement of each commitment that speaks of a price or of shares: divided, or the reason why not.
settlement = sa.Table(
    "settlement",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("day", sa.String, nullable=False, index=True),
    sa.Column("state", sa.String, nullable=False),
    sa.Column("price", sa.String),
    sa.Column("accounts", sa.String),
)
# What is payable, line by line. What was booked never changes: what is reversed or refunded is a row of its own, which says `of` which
# line it is. `units` are minor units of the currency, with `scale` digits after the point. `account` is the keyed hash of a party, or
# `role:ROLE` where the role names none; `place` is the pointer to the party's id in the request of the commitment's evaluation. `payer` is
# the account of who owes it; `base` has the units of which it is a share; a line of a step up the chain has its number.
# How a line stands: `net` units are payable after reversals and refunds, so many of them count as `paid`, are `confirmed`, `disputed`.
benefit = sa.Table(
    "benefit",
    metadata,
    sa.Column("number", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), nullable=False, index=True),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("day", sa.String, nullable=False),
    sa.Column("role", sa.String, nullable=False),
    sa.Column("account", sa.String, nullable=False),
    sa.Column("place", sa.String),
    sa.Column("share", sa.String, nullable=False),
    sa.Column("currency", sa.String, nullable=False),
    sa.Column("scale", sa.Integer, nullable=False),
    sa.Column("units", BigInteger, nullable=False),
    sa.Column("payer", sa.String),
    sa.Column("asset", sa.String),
    sa.Column("basis", sa.String),
    sa.Column("base", BigInteger),
    sa.Column("due", sa.String),
    sa.Column("step", sa.Integer),
    sa.Column("agreement", sa.String),
    sa.Column("country", sa.String),
    sa.Column("of", BigInteger, index=True),
    *(sa.Column(name, BigInteger) for name in ("net", "paid", "confirmed", "disputed")),
    sa.Index("benefit_account", "account", "currency", "day"),
    sa.Index("benefit_day", "day", "number"),
    sa.Index("benefit_payer", "payer", "due"),
)
# What happened to the lines of a commitment: reports that something was paid, each a `part` of its line, what was confirmed, disputed and
# settled of it, and refunds of the price, which are of no line. Of a report `back` says that the payee paid it back.
benefit_event = sa.Table(
    "benefit_event",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("leaf", BigInteger, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("line", BigInteger, sa.ForeignKey("benefit.number"), index=True),
    sa.Column("part", sa.Integer),
    sa.Column("units", BigInteger),
    sa.Column("back", sa.Boolean),
    sa.Column("day", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)
# What was earned by a commitment in a period, or how many units were delivered: what its price follows from. Its lines are `booked` rows of
# the book of benefits from `line` on.
income_report = sa.Table(
    "income_report",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("leaf", BigInteger, nullable=False),
    sa.Column("first", sa.String, nullable=False),
    sa.Column("last", sa.String, nullable=False),
    sa.Column("reported", sa.String, nullable=False),
    sa.Column("price", sa.String, nullable=False),
    sa.Column("line", BigInteger),
    sa.Column("booked", sa.Integer, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("reversed_at", sa.String),
)
# --- agreements on benefit --------------------------------------------------------------------------------------------

# A version of an agreement on benefit: `terms` is JSON that names parties by their numbers. It stands since `stood_at`, for exchanges of
# the day `stood_on` and later, until a later version stands. `until` is its last day. The asset is a keyed hash.
agreement = sa.Table(
    "agreement",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("leaf", BigInteger, nullable=False),
    sa.Column("asset", sa.String, nullable=False),
    sa.Column("change", sa.String, nullable=False),
    sa.Column("terms", sa.Text, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("stood_at", sa.String),
    sa.Column("stood_on", sa.String),
    sa.Index("agreement_of_asset", "asset", "id"),
)
# The parties that a version names, as keyed hashes, and whether each pays by it. The leaf has their names as `party_NUMBER`.
agreement_party = sa.Table(
    "agreement_party",
    metadata,
    sa.Column("agreement", sa.String, primary_key=True),
    sa.Column("version", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("party", sa.String, nullable=False),
    sa.Column("pays", sa.Boolean, nullable=False),
    sa.Index("agreement_of_party", "party", "agreement"),
)
# Who accepted a version, and by whom it was opened with what was shown.
agreement_event = sa.Table(
    "agreement_event",
    metadata,
    sa.Column("agreement", sa.String, primary_key=True),
    sa.Column("number", sa.Integer, primary_key=True, autoincrement=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("party", sa.String),
    sa.Column("evidence", sa.Text),
    sa.Column("reason", sa.String),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
)
# The agreement that a committed exchange named, with its asset and its parties as the lines of the books of rights have them.
agreement_use = sa.Table(
    "agreement_use",
    metadata,
    sa.Column("commitment", sa.String, primary_key=True),
    sa.Column("agreement", sa.String, nullable=False, index=True),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("asset", sa.String, nullable=False),
    sa.Column("granter", sa.String),
    sa.Column("holder", sa.String),
    sa.Index("agreement_use_of_holder", "holder", "asset"),
)
# --- statistics of what was committed ---------------------------------------------------------------------------------

# Sums of money are kept in three parts that are summed apart: service.ledger.exact_sums.
MONEY_PARTS = ("high", "middle", "low")
_PRICE = tuple(f"price_{part}" for part in MONEY_PARTS)
_EXCLUSIVE = ("exclusive", "terms_unknown", *(f"exclusive_price_{part}" for part in MONEY_PARTS))
_SHARES = tuple(f"{share}_{each}" for share in ("source_country", "public") for each in ("known", *MONEY_PARTS))
FLOW_MEASURES = (
    "people_least",
    "people_most",
    "people_endless",
    *_EXCLUSIVE,
    *_PRICE,
    *_SHARES,
)  # what is summed, beside the exchanges


def _numbers(*names: str) -> list[sa.Column[int]]:
    return [sa.Column(name, BigInteger, nullable=False) for name in names]


# The line of each commitment. `meaning` says how the vocabulary reads it; the parties are keyed hashes.
flow = sa.Table(
    "flow",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("meaning", sa.String, nullable=False),
    sa.Column("month", sa.String, nullable=False),
    sa.Column("pair", sa.String, nullable=False),
    sa.Column("venue", sa.String, nullable=False),
    sa.Column("grade", sa.String, nullable=False),
    sa.Column("sector", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("lanes", sa.String, nullable=False),
    sa.Column("currency", sa.String, nullable=False),
    sa.Column("supplier", sa.String),
    sa.Column("recipient", sa.String),
    *_numbers(*FLOW_MEASURES),
    sa.Column("live", sa.Boolean, nullable=False),
    # Null in a line that was written before there were these.
    *(sa.Column(name, sa.String) for name in ("purpose", "source_register", "destination_register", "reached")),
    sa.Index("flow_by_supplier", "supplier"),
    sa.Index("flow_by_recipient", "recipient"),
)
# The sums of the lines of running commitments in a month or a year, by at most two dimensions: service.ledger.flow_sums. A row with a
# `lane` has the number of the exchanges that used it, and nothing else.
flow_sum = sa.Table(
    "flow_sum",
    metadata,
    sa.Column("meaning", sa.String, primary_key=True),
    sa.Column("dimensions", sa.String, primary_key=True),
    sa.Column("period", sa.String, primary_key=True),
    sa.Column("first_value", sa.String, primary_key=True),
    sa.Column("second_value", sa.String, primary_key=True),
    sa.Column("lane", sa.String, primary_key=True),
    sa.Column("currency", sa.String, primary_key=True),
    *_numbers("exchanges", *FLOW_MEASURES),
    sqlite_with_rowid=False,
)
# The same of each party on each side, by one dimension and year, or in all by month.
flow_party = sa.Table(
    "flow_party",
    metadata,
    sa.Column("meaning", sa.String, primary_key=True),
    sa.Column("dimension", sa.String, primary_key=True),
    sa.Column("value", sa.String, primary_key=True),
    sa.Column("side", sa.String, primary_key=True),
    sa.Column("period", sa.String, primary_key=True),
    sa.Column("party", sa.String, primary_key=True),
    sa.Column("currency", sa.String, primary_key=True),
    *_numbers("exchanges", *_PRICE),
    sqlite_with_rowid=False,
)
# The entries of the accounts of data assets. `asset` is a keyed hash, `number` the place of the entry among those of its asset.
asset_entry = sa.Table(
    "asset_entry",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("asset", sa.String, nullable=False),
    sa.Column("number", sa.Integer, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("of", sa.String, sa.ForeignKey("asset_entry.id")),
    sa.Column("day", sa.String, nullable=False),
    sa.Column("amount", sa.String),
    sa.Column("currency", sa.String),
    sa.Column("treatment", sa.String),
    sa.Column("months", sa.Integer),
    sa.Column("evidence", sa.String),
    sa.Column("reason", sa.String),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
    sa.Column("uses", BigInteger),
    sa.Column("indefinite", sa.Boolean),
    sa.Column("residual", sa.String),
    sa.Column("part", sa.String),
    sa.Column("proceeds", sa.String),
    sa.Column("entity", sa.String),  # a keyed hash of the party that carries the asset
    sa.Column("standard", sa.String),
    sa.Column("commitment", sa.String),
    sa.Column("voucher_year", sa.Integer),
    sa.Column("voucher", sa.Integer),
    sa.UniqueConstraint("asset", "number"),
    sa.Index("asset_entry_voucher", "entity", "voucher_year", "voucher", unique=True),
)
# The periods that legal entities have closed: all days up to `until`. `entity` is a keyed hash.
accounts_closed = sa.Table(
    "accounts_closed",
    metadata,
    sa.Column("entity", sa.String, primary_key=True),
    sa.Column("until", sa.String, primary_key=True),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("by", sa.String, nullable=False),
)

# --- the watch over commitments -------------------------------------------------------------------------------------------------

# What the watch has decided a commitment by, and until which day: then only what has moved since is decided again.
watched = sa.Table(
    "watched",
    metadata,
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), primary_key=True),
    sa.Column("meaning", sa.String, nullable=False),
    sa.Column("told_until", sa.String, nullable=False),
    sa.Column("next_day", sa.String),
    sa.Column("sign_offs", BigInteger, nullable=False),
    sa.Column("erased", sa.Boolean, nullable=False),
    sa.Column("grounds", sa.Text, nullable=False),
)
# What the watch has told. What may be personal is beside the leaf, in its openings.
watch_event = sa.Table(
    "watch_event",
    metadata,
    sa.Column("number", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("leaf", BigInteger, nullable=False),
    sa.Column("at", sa.String, nullable=False),
    sa.Column("day", sa.String, nullable=False),
    sa.Column("kind", sa.String, nullable=False),
    sa.Column("commitment", sa.String, sa.ForeignKey("commitment.id"), nullable=False),
    sa.Column("decision", sa.String, nullable=False),
    sa.Column("cause", sa.String, nullable=False),
    sa.Column("since", sa.String, nullable=False),
    sa.Column("outcome", sa.String),
    sa.Column("document", sa.Text, nullable=False),
    sa.UniqueConstraint("commitment", "cause", "since"),
)
# The process whose turn it is, until when, and what it did last.
watch_lease = sa.Table(
    "watch_lease",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("holder", sa.String),
    sa.Column("until", sa.String),
    sa.Column("done", sa.String),
)
# The events that a webhook has not accepted yet. `address` is a digest: an address may hold a secret.
watch_delivery = sa.Table(
    "watch_delivery",
    metadata,
    sa.Column("event", BigInteger, sa.ForeignKey("watch_event.number"), primary_key=True, autoincrement=False),
    sa.Column("address", sa.String, primary_key=True),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.String, nullable=False),
    sa.Column("state", sa.String, nullable=False),
    sa.Index("watch_delivery_due", "state", "next_at"),
)

# --- the decision stream ----------------------------------------------------------------------------------------------

# Where each sink is: the leaves of the log below `position` are behind it. After a failure `attempts` says how often in a row, `failure`
# why in a few words, and `next_at` when it is tried again. `sent` and `failures` count since the row was made.
sink_cursor = sa.Table(
    "sink_cursor",
    metadata,
    sa.Column("name", sa.String, primary_key=True),
    sa.Column("position", BigInteger, nullable=False),
    sa.Column("attempts", sa.Integer, nullable=False),
    sa.Column("next_at", sa.String),
    sa.Column("failure", sa.String),
    sa.Column("sent", BigInteger, nullable=False),
    sa.Column("failures", BigInteger, nullable=False),
    sa.Column("at", sa.String, nullable=False),
)

# --- documents --------------------------------------------------------------------------------------------------------

# The bytes behind the hashes that exchanges state. The id is random, since leaves have it. After an erasure hash and bytes are null.
document = sa.Table(
    "document",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("sha256", sa.String, unique=True),
    sa.Column("size", sa.Integer, nullable=False),
    sa.Column("media_type", sa.String, nullable=False),
    sa.Column("content", sa.LargeBinary),
    sa.Column("kept_at", sa.String, nullable=False),
    sa.Column("kept_by", sa.String, nullable=False),
)
# To which document of which decision they belong; `name` is its name in the exchange. `document` is null after an erasure.
attached_document = sa.Table(
    "attached_document",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("decision", sa.String, nullable=False, index=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("document", sa.String, index=True),
    sa.Column("attached_at", sa.String, nullable=False),
    sa.Column("attached_by", sa.String, nullable=False),
)
# What persons confirmed, what is signed, and what was withdrawn. `binding` is a digest over what is bound; it is null after an erasure, and
# so is `envelope`, which a signed statement has in place of a person.
document_confirmation = sa.Table(
    "document_confirmation",
    metadata,
    sa.Column("number", BigInteger, primary_key=True, autoincrement=False),
    sa.Column("id", sa.String, nullable=False, unique=True),
    sa.Column("attached", sa.String, nullable=False),
    sa.Column("decision", sa.String, nullable=False, index=True),
    sa.Column("name", sa.String, nullable=False),
    sa.Column("binding", sa.String, index=True),
    sa.Column("verdict", sa.String, nullable=False),
    sa.Column("reason", sa.String, nullable=False),
    sa.Column("until", sa.String),
    sa.Column("person", sa.String),
    sa.Column("given_at", sa.String, nullable=False),
    sa.Column("given_by", sa.String, nullable=False),
    sa.Column("envelope", sa.Text),
)

# --- exchanges that are not decided yet -------------------------------------------------------------------------------

draft = sa.Table(
    "draft",
    metadata,
    sa.Column("id", sa.String, primary_key=True),
    sa.Column("owner", sa.String, nullable=False),
    sa.Column("version", sa.Integer, nullable=False),
    sa.Column("document", sa.String, nullable=False),  # the exchange so far; empty once it is decided
    sa.Column("before", sa.String),  # the exchange before the last change
    sa.Column("was", sa.String),  # the outcome before the last change
    sa.Column("skipped", sa.String, nullable=False),
    sa.Column("asking", sa.String),
    sa.Column("trial_of", sa.String, index=True),
    sa.Column("decision", sa.String),
    sa.Column("commitment", sa.String),
    sa.Column("changed_at", sa.String, nullable=False, index=True),
    sa.Index("draft_of_owner", "owner", "changed_at"),
)
