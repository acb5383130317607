"""`GET /v1/decisions/{id}/proof` and `GET /tile/entries/…`: what is in the tree of the log, for those who may read the log."""

from functools import partial

from fastapi import Response

from service.api.operations import DECISION_ID
from service.api.router import Call, Router
from service.api.tree import BYTES, PATH, TEXT, entry_bundle, octets, plain_text
from service.callers.context import Reading, ReadingAll
from service.decisions import log_access

router = Router("log")


@router.get(
    "/tile/entries/{path:path}",
    "getEntries",
    "The entries under a tile",
    "not-found",
    parameters=[PATH],
    answers=BYTES,
    response_class=Response,
)
def entries(context: ReadingAll, call: Call[None]) -> Response:
    """The leaves of the tree, up to 256, each after its length in two bytes."""
    place = entry_bundle(call.request)
    return octets(call.service.read_tree(lambda tree: tree.entries(place)))


@router.get(
    "/v1/decisions/{id}/proof",
    "getProof",
    "The proof that a decision is in the log",
    "not-found",
    parameters=[DECISION_ID],
    answers=TEXT,
    response_class=Response,
)
def proof(context: Reading, call: Call[None]) -> Response:
    """
    The path from the leaf of the record to the root of a checkpoint, as a C2SP tlog-proof.

    If the record is too long to be a leaf, the extra data are the leaf, which holds its digest.
    """
    return plain_text(call.service.read_tree(partial(log_access.proof, context, call.path["id"])).to_bytes())
