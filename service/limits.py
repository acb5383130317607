"""
The numbers and periods of the service that no setting turns: how many, how large and how long, each with what it bounds.

What an operator may turn is in `service.settings`. What belongs to one algorithm or one file format stays in its module.
"""

# Requests
PLAN_LEGS = 8  # of one plan; each pair of legs of a chain may be a whole, which is judged too
RECIPIENTS = 100  # of one call that asks which of them may take it
RECIPIENTS_BYTES = 4 * 1024 * 1024  # that the exchange of such a call has, once for each recipient
LARGE_REQUESTS_UNDER_WAY = 8  # batches and the like that are being received or decided; each holds its body
LARGE_REQUESTS_OF_ONE = 4  # of one caller
SHUTDOWN_SECONDS = 10  # that requests under way get to end
WORKER_CLOSING_SECONDS = 20  # that a worker may then take to write the waiting records

# What persons write
SIGN_OFF_DAYS = 366  # of an approval that is given on a page
SIGN_OFF_PROVISIONS = 50  # of one sign-off
ACCEPTANCE_DAYS = 366  # between the first and the last day of an acceptance
ACCEPTANCE_CELLS = 50  # of one call
COMMENT_CHARACTERS = 4_000
REVIEW_NOTES = 1_000  # of one decision
REVIEW_FILES = 50  # attached to the review of one decision
DRAFTS_OF_ONE = 500  # of one caller
SAVED_SEARCHES_OF_ONE = 50  # of one caller

# Access requests (AuthZEN)
DENIAL_HOURS = 24  # for so long a denial can be followed by a request
TASK_DAYS = 30  # for so long a request waits
JUSTIFICATION_CHARACTERS = 1_000

# What is kept, and what is read
UNATTACHED_DOCUMENT_HOURS = 24  # for so long a document is kept that belongs to no decision
ENDED_SESSION_DAYS = 1  # for so long the row of a session stays after its time is over
ASSET_ENTRIES = 1_000  # in the accounts of one asset
REPORT_DAYS = 3_660  # of the period of a report
