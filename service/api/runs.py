"""`POST /v1/runs`: a table that was decided elsewhere becomes one leaf of this log, by its manifest. No row of it is sent."""

import sqlalchemy as sa

from service.api.router import Call, Router
from service.callers.context import EvaluatingAll
from service.log.canonical_json import NotCanonical
from service.problems import RequestRefused
from service.tables.manifest import RunManifest
from service.tables.run_leaf import note_run

MOST_BYTES = 4 * 1024 * 1024  # of a manifest: some ten thousand parts

router = Router("log")


@router.post("/v1/runs", "noteRun", "Note the run of a table", body=RunManifest, limit=MOST_BYTES, status=201, nulls=True)
def noted(context: EvaluatingAll, call: Call[RunManifest], transaction: sa.Connection) -> RunManifest:
    """
    Appends one leaf with the digest of a manifest, the root over its rows, and by which policies and program they were decided.

    The answer is the manifest with its place in the log: keep it instead of the one that was sent. The leaf shows that the manifest was
    there at that time, and that it was not replaced later. It does not show that the rows were decided as they should.
    """
    if call.sent.log is not None:
        raise RequestRefused("bad-request", "the run is in a log already: `log` says in which")
    try:
        found = note_run(transaction, call.sent, context.caller.id, context.now, call.service.store.database.log_key().origin)
    except NotCanonical:
        raise RequestRefused("bad-request", "a number is beyond 2^53 - 1, so that the manifest has no canonical form") from None
    assert found.log is not None
    call.note(leaf=found.log.leaf)
    return found
