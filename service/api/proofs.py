"""`GET /checkpoint`, `GET /tile/…` and `GET /v1/decisions/{id}/proof`: the tree of the log, for those who verify it themselves."""

from collections.abc import Callable

import sqlalchemy as sa
from fastapi import FastAPI, Request, Response

from service.api.operations import DecisionId, in_path, operation
from service.callers.caller import caller_of
from service.ledger import party_view
from service.log.cosignatures import last_cosigned, with_cosignatures
from service.log.proofs import LogTree, NotInTree, log_tree
from service.problems import RequestRefused
from service.service import Service
from service.store.log_key import LogRefused
from service.transparency.tiles import EntryBundle, Tile, TileRefused, parsed_path

_TEXT = {200: {"description": "C2SP text", "content": {"text/plain": {"schema": {"type": "string"}}}}}
_BYTES = {
    200: {"description": "Bytes", "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
_PATH = in_path("path", "index and width, as C2SP tlog-tiles writes them, like `x001/234` or `000.p/7`")


def _last_cosigned(tree: LogTree) -> bytes:
    note = last_cosigned(tree)
    if note is None:
        raise NotInTree("no witness has cosigned a checkpoint of this log")
    return note.to_bytes()


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""

    def shown(show: Callable[[LogTree], bytes], media_type: str = "text/plain; charset=utf-8") -> Response:
        try:
            with log_tree(service.store.database) as tree:
                return Response(show(tree), media_type=media_type)
        except NotInTree as absent:
            raise RequestRefused("not-found", str(absent)) from None
        except LogRefused as refused:
            service.say.error("log_not_proven", reason=str(refused))
            raise RequestRefused("not-ready", "the tree of the log cannot be shown", headers={"Retry-After": "1"}) from None
        except sa.exc.SQLAlchemyError:
            raise RequestRefused("not-ready", "the log cannot be read", headers={"Retry-After": "1"}) from None

    def placed(path: str) -> Tile | EntryBundle:
        try:
            return parsed_path(path)
        except TileRefused:
            raise RequestRefused("not-found", "this is not the path of a tile") from None

    # These are not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get(
        "/checkpoint",
        response_class=Response,
        **operation("getCheckpoint", "log", "The signed checkpoint of the log", "not-ready", answers=_TEXT),
    )
    def checkpoint() -> Response:
        """
        Size and root of the log's tree, as a C2SP signed note. It covers every record whose answer was sent before.

        It has the cosignatures that witnesses gave for this size so far.
        """
        return shown(lambda tree: with_cosignatures(tree).to_bytes())

    @app.get(
        "/checkpoint/witnessed",
        response_class=Response,
        **operation(
            "getWitnessedCheckpoint",
            "log",
            "The last checkpoint that a witness cosigned",
            "not-found",
            "not-ready",
            answers=_TEXT,
        ),
    )
    def witnessed_checkpoint() -> Response:
        """The largest checkpoint with a cosignature, and its cosignatures."""
        return shown(_last_cosigned)

    @app.get(
        "/tile/entries/{path:path}",
        response_class=Response,
        **operation(
            "getEntries", "log", "The entries under a tile", "not-found", needs="read", parameters=(_PATH,), answers=_BYTES
        ),
    )
    def entries(request: Request) -> Response:
        """The leaves of the tree, up to 256, each after its length in two bytes."""
        caller_of(request.scope, "read")
        place = placed(request.scope["path"].removeprefix("/"))
        assert isinstance(place, EntryBundle)
        return shown(lambda tree: tree.entries(place), "application/octet-stream")

    @app.get(
        "/tile/{level}/{path:path}",
        response_class=Response,
        **operation(
            "getTile",
            "log",
            "A tile of the log's tree",
            "not-found",
            "not-ready",
            parameters=(in_path("level", "the level of the tile, from 0"), _PATH),
            answers=_BYTES,
        ),
    )
    def tile(request: Request) -> Response:
        """Up to 256 hashes of the tree, 32 bytes each. A full tile never changes."""
        place = placed(request.scope["path"].removeprefix("/"))
        assert isinstance(place, Tile)
        return shown(lambda tree: tree.tile(place), "application/octet-stream")

    @app.get(
        "/v1/decisions/{id}/proof",
        response_class=Response,
        **operation("getProof", "log", "The proof that a decision is in the log", "not-found", needs="read", answers=_TEXT),
    )
    def proof(id: DecisionId, request: Request) -> Response:
        """
        The path from the leaf of the record to the root of a checkpoint, as a C2SP tlog-proof.

        If the record is too long to be a leaf, the extra data are the leaf, which holds its digest.
        """
        caller = caller_of(request.scope, "read", of_party=True)
        if caller.party is not None:
            party_view.check_decision(service.stored(id), caller)
        return shown(lambda tree: tree.proof(id).to_bytes())
