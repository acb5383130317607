"""The tree of the log over HTTP and at a terminal: checkpoints, tiles, entries and proofs, verified with their own formats alone."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa

from service.log.leaf import seal
from service.log.proofs import log_tree, verifier_key
from service.log.tree_leaves import LogEvent, append
from service.store.tables import record
from service.transparency.checkpoint import Checkpoint, open_checkpoint
from service.transparency.merkle_tree import leaf_hash
from service.transparency.signed_note import Note, SignatureType, SignerKey
from service.transparency.tiles import EntryBundle, Tile, VerifiedTiles, entries_of
from service.transparency.tlog_proof import TlogProof
from tests.service.cli.test_log import path, run
from tests.service.conftest import BOTH_DATABASES

__all__ = ["path"]


def checkpoint_of(client: Any, service: Any) -> Checkpoint:
    """The checkpoint that the service gives, verified with the log's key."""
    key = verifier_key(service.store.database.log_key())
    checkpoint, signatures = open_checkpoint(Note.parse(client.get("/checkpoint").content), key.name, [key])
    assert len(signatures) == 1
    return checkpoint


def grown(service: Any, leaves: int) -> None:
    """Leaves that are not records."""
    each = LogEvent("test", "2026-01-01", {}, {"by": "nobody"})
    asyncio.run(service.store.do(lambda transaction: append(transaction, *[each] * leaves)))


def test_a_decision_is_proven_by_what_was_sent_alone(client, service, evaluate):
    """Leaf hash of the record, proof, and the key of the log: nothing else is needed. It is there once the answer is."""
    id = evaluate().json()["id"]
    hash_of_leaf = bytes.fromhex(client.get(f"/v1/decisions/{id}").json()["log"]["leaf_hash"])
    proof = TlogProof.parse(client.get(f"/v1/decisions/{id}/proof").content)
    key = verifier_key(service.store.database.log_key())
    checkpoint, _ = proof.verify(hash_of_leaf, key.name, [key])
    assert checkpoint == checkpoint_of(client, service)
    assert client.get("/v1/decisions/nothing/proof").status_code == 404


@BOTH_DATABASES
def test_the_whole_log_is_read_from_its_tiles_and_every_entry_has_its_hash(client, service, evaluate):
    """Over several tiles; every hash leads to the root of the signed checkpoint."""
    first = evaluate().json()["id"]
    grown(service, 600)
    last = evaluate().json()["id"]
    checkpoint = checkpoint_of(client, service)

    def read_tile(tile: Tile) -> bytes:
        return bytes(client.get(f"/{tile.path}").content)

    tiles = VerifiedTiles(checkpoint.size, checkpoint.root, read_tile)
    ids = []
    for at in range(0, checkpoint.size, 256):
        bundle = EntryBundle(at // 256, min(256, checkpoint.size - at))
        for index, leaf in enumerate(entries_of(client.get(f"/{bundle.path}").content, bundle), at):
            assert leaf_hash(leaf) == tiles.node(0, index)
            ids += [document["id"] for document in [json.loads(leaf)] if document["schema"] == "fifthfactor/record/3"]
    assert ids == [first, last]


@pytest.mark.parametrize(
    "missing", ["/tile/0/001", "/tile/0/000.p/200", "/tile/1/000.p/1", "/tile/x/000", "/tile/entries/000", "/tile/0/0"]
)
def test_a_tile_that_is_not_there_is_not_found(client, evaluate, missing):
    """Beyond the size of the tree, or no path of a tile."""
    assert client.get(f"/tile/{missing}").status_code == 404


def test_a_record_that_is_too_long_is_proven_by_the_leaf_with_its_digest(client, service):
    """The leaf comes with the proof."""
    long = seal({"schema": "x", "id": "long", "request": {}, "decision": {}, "more": "x" * 70_000}, ())
    asyncio.run(service.store.append(long))
    proof = TlogProof.parse(client.get("/v1/decisions/long/proof").content)
    assert proof.extra is not None
    key = verifier_key(service.store.database.log_key())
    proof.verify(leaf_hash(proof.extra), key.name, [key])


@BOTH_DATABASES
def test_nothing_is_proven_that_was_changed(client, service, evaluate, lines):
    """A record with another leaf, and a tree with another frontier."""
    id = evaluate().json()["id"]
    with service.store.database.writing.begin() as connection:
        connection.execute(sa.update(record).values(leaf=b"{}"))
    answer = client.get(f"/v1/decisions/{id}/proof")
    assert (answer.status_code, answer.json()["type"]) == (503, "urn:fifthfactor:problem:not-ready")
    assert "not the one in the tree" in lines.events("log_not_proven")[0]["reason"]
    with service.store.database.writing.begin() as connection:
        connection.exec_driver_sql("UPDATE head SET seal = frontier WHERE name = 'leaf'")
    assert client.get("/checkpoint").status_code == 503


@BOTH_DATABASES
def test_a_kept_checkpoint_shows_that_the_log_only_grew(client, service, path, evaluate, tmp_path: Path):
    """As long as the log begins with what it was; another log, or an older copy, does not."""
    evaluate()
    kept, key = tmp_path / "kept", tmp_path / "key"
    code, text, _ = run(path, "log", "checkpoint")
    assert (code, text) == (0, client.get("/checkpoint").text)
    kept.write_text(text)
    key.write_text(run(path, "log", "checkpoint", "--verifier-key")[1])
    grown(service, 300)
    compared = ("log", "verify", "--checkpoint", str(kept), "--key", str(key))
    assert run(path, *compared)[0] == 0
    signed = verifier_key(service.store.database.log_key())
    with log_tree(service.store.database) as tree:
        now = tree.sealed
        for size, root, finding in (
            (2, b"0" * 32, "the first 2 leaves do not lead to the root of the checkpoint"),
            (now.size + 1, b"0" * 32, "the checkpoint has"),
        ):
            signer = SignerKey(signed.name, SignatureType.NOTE, tree.key.private)
            kept.write_bytes(Checkpoint(signed.name, size, root).signed(signer).to_bytes())
            code, text, _ = run(path, *compared)
            assert (code, finding in text) == (1, True)
    kept.write_text(text)
    assert run(path, *compared)[0] == 2
    assert run(path, "log", "verify", "--key", str(key))[0] == 2
