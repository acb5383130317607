"""`GET /checkpoint` and `GET /tile/…`: the tree of the log, for whoever verifies it. Its hashes tell nothing, so no key is needed."""

from fastapi import FastAPI, Request, Response

from service.api.operations import in_path, operation
from service.log.proofs import LogTree, NotInTree
from service.log.witness_client import last_cosigned, with_cosignatures
from service.problems import RequestRefused
from service.service import Service
from service.transparency.tiles import EntryBundle, Tile, TileRefused, parsed_path

TEXT = {200: {"description": "C2SP text", "content": {"text/plain": {"schema": {"type": "string"}}}}}
BYTES = {
    200: {"description": "Bytes", "content": {"application/octet-stream": {"schema": {"type": "string", "format": "binary"}}}}
}
PATH = in_path("path", "index and width, as C2SP tlog-tiles writes them, like `x001/234` or `000.p/7`")


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application, after that of the entries, which has an address under theirs."""

    # These are not `async`: reading waits for the disk, so each call runs in a thread.
    @app.get(
        "/checkpoint",
        response_class=Response,
        **operation("getCheckpoint", "log", "The signed checkpoint of the log", "not-ready", answers=TEXT),
    )
    def checkpoint() -> Response:
        """
        Size and root of the log's tree, as a C2SP signed note. It covers every record whose answer was sent before.

        It has the cosignatures that witnesses gave for this size so far.
        """
        return plain_text(service.read_tree(lambda tree: with_cosignatures(tree).to_bytes()))

    @app.get(
        "/checkpoint/witnessed",
        response_class=Response,
        **operation(
            "getWitnessedCheckpoint",
            "log",
            "The last checkpoint that a witness cosigned",
            "not-found",
            "not-ready",
            answers=TEXT,
        ),
    )
    def witnessed_checkpoint() -> Response:
        """The largest checkpoint with a cosignature, and its cosignatures."""
        return plain_text(service.read_tree(_last_cosigned))

    @app.get(
        "/tile/{level}/{path:path}",
        response_class=Response,
        **operation(
            "getTile",
            "log",
            "A tile of the log's tree",
            "not-found",
            "not-ready",
            parameters=(in_path("level", "the level of the tile, from 0"), PATH),
            answers=BYTES,
        ),
    )
    def tile(request: Request) -> Response:
        """Up to 256 hashes of the tree, 32 bytes each. A full tile never changes."""
        place = _placed(request)
        assert isinstance(place, Tile)
        return octets(service.read_tree(lambda tree: tree.tile(place)))


def entry_bundle(request: Request) -> EntryBundle:
    """The entries that an address names. Raises RequestRefused."""
    place = _placed(request)
    assert isinstance(place, EntryBundle)
    return place


def plain_text(found: bytes) -> Response:
    """The answer with a text of the tree."""
    return Response(found, media_type="text/plain; charset=utf-8")


def octets(found: bytes) -> Response:
    """The answer with bytes of the tree."""
    return Response(found, media_type="application/octet-stream")


def _placed(request: Request) -> Tile | EntryBundle:
    try:
        return parsed_path(request.scope["path"].removeprefix("/"))
    except TileRefused:
        raise RequestRefused("not-found", "this is not the path of a tile") from None


def _last_cosigned(tree: LogTree) -> bytes:
    note = last_cosigned(tree)
    if note is None:
        raise NotInTree("no witness has cosigned a checkpoint of this log")
    return note.to_bytes()
