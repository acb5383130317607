"""The ledger: commitments, what they add to counters, and what they promise."""

import sqlalchemy as sa

from service.store.tables.shared_metadata import BigInteger, metadata

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
