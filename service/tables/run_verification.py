"""
Verifying a run from its manifest and its output alone, and proving one row of it.

Faults are sentences. A proof of a row holds its outcome and the hashes that lead from it to the root in the manifest.
"""

from collections.abc import Iterator
from hashlib import sha256
from pathlib import Path
from typing import Any

from pydantic import ConfigDict, Field, ValidationError

import engine.tables
from service.tables import TableRefused
from service.tables.manifest import PROOF, RunManifest, RunText
from service.tables.row_tree import BUCKETS, RowEntries, RowTree, differing_buckets, row_bytes, row_entry, row_path, row_tree
from service.tables.table_input import TablePart, file_digest, reading
from service.tables.table_output import WrittenRow, read_back
from service.transparency.merkle_tree import ProofRefused, leaf_hash, root_of_inclusion

_ROWS = 16_384
MOST_NAMED = 5  # keys of rows that may be those that were changed


class RowProof(RunText):
    """The proof of a row: its key, its outcome, its place and the hashes beside it, in its bucket and over the buckets."""

    schema_: str = Field(default=PROOF, alias="schema")
    key: str
    outcome: dict[str, Any]
    bucket: int = Field(ge=0, lt=BUCKETS)
    index: int = Field(ge=0)
    size: int = Field(ge=1)
    in_bucket: list[str]
    over_buckets: list[str]
    root: str

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    def verify(self, manifest: RunManifest) -> None:
        """Raises ProofRefused where the row is not one of the run."""
        try:
            outcome = engine.tables.outcome_digest(self.outcome).hex()
        except ValueError as wrong:
            raise ProofRefused(f"the outcome of the proof is none: {wrong}") from None
        try:
            within, above = ([bytes.fromhex(each) for each in hashes] for hashes in (self.in_bucket, self.over_buckets))
        except ValueError:
            raise ProofRefused("a hash of the proof is not hexadecimal") from None
        if int.from_bytes(sha256(self.key.encode()).digest()[:2]) >> 4 != self.bucket:
            raise ProofRefused("the row is not in the bucket of its key")
        bucket = root_of_inclusion(self.index, self.size, leaf_hash(row_bytes(self.key, outcome)), within)
        root = root_of_inclusion(self.bucket, BUCKETS, leaf_hash(bucket), above)
        if root.hex() != manifest.tree.root:
            raise ProofRefused("the row does not lead to the root of the run")


def read_proof(path: Path) -> RowProof:
    """The proof in a file. Raises TableRefused."""
    try:
        return RowProof.model_validate_json(path.read_bytes())
    except OSError as failed:
        raise TableRefused(f"cannot read {path}: {failed.strerror}") from None
    except ValidationError as wrong:
        raise TableRefused(f"{path} is no proof of a row: {wrong.errors()[0]['msg']}") from None


def run_faults(manifest: RunManifest, folder: Path) -> Iterator[str]:
    """The faults of a run whose output lies in a folder: a sentence for each; none if it is what was decided."""
    entries = RowEntries()
    try:
        outcomes: dict[str, int] = {}
        unreadable = False
        for part in manifest.parts:
            path = folder / Path(part.output).name
            if part.output == "-":
                yield "the output went to standard output; put it into a file named in the manifest to verify it"
                return
            try:
                if file_digest(path) != part.output_sha256:
                    yield f"`{part.output}` does not have the bytes that were written"
                rows = 0
                for row in _rows(path, manifest.format):
                    entries.add(row_entry(row.key, row.digest.hex()))
                    word = row.cells()["outcome"]
                    outcomes[word] = outcomes.get(word, 0) + 1
                    rows += 1
                if rows != part.rows:
                    yield f"`{part.output}` has {rows:,} rows, and {part.rows:,} were written"
            except (OSError, TableRefused, ValueError) as failed:
                unreadable = True
                yield f"`{part.output}` cannot be read: {failed}"
        tree = row_tree(entries)
        if not unreadable and tree.root.hex() != manifest.tree.root:
            yield f"the rows do not lead to the root of the run: {_differing(manifest, tree, entries)}"
        if not unreadable and outcomes != manifest.outcomes:
            yield "the rows do not have the outcomes that were counted"
    finally:
        entries.close()


def _differing(manifest: RunManifest, tree: RowTree, entries: RowEntries) -> str:
    """Which rows are not those of the run, as closely as the manifest tells: the rows in buckets that have changed."""
    said = "a row was changed, added or removed"
    buckets = differing_buckets(tree.heads, manifest.tree.heads) if manifest.tree.heads is not None else frozenset()
    if not buckets:
        return said
    keys = [place[2:].decode() for place, _ in entries if int.from_bytes(place[:2]) in buckets]
    if not keys:
        return f"{said}: one was removed, and none is left beside it"
    named = ", ".join(f"`{each[:80]}`" for each in keys[:MOST_NAMED])
    more = f" and {len(keys) - MOST_NAMED:,} more" if len(keys) > MOST_NAMED else ""
    removed = ", and for what was removed beside them" if tree.rows < manifest.rows else ""
    return f"{said}: look at {named}{more}{removed}"


def prove_row(manifest: RunManifest, folder: Path, key: str) -> RowProof:
    """The proof of the row of a key. Raises TableRefused where there is none, or the output is not what was written."""
    entries = RowEntries()
    try:
        found = None
        for part in manifest.parts:
            for row in _rows(folder / Path(part.output).name, manifest.format):
                entries.add(row_entry(row.key, row.digest.hex()))
                found = row if row.key == key and found is None else found
        path = row_path(entries, key)
    except (OSError, ValueError) as failed:
        raise TableRefused(f"the output cannot be read: {failed}") from None
    finally:
        entries.close()
    if path is None or found is None:
        raise TableRefused(f"no row of the run has the key `{key[:100]}`")
    proof = RowProof(
        key=key,
        outcome=found.cells() | {"as_of": engine.tables.cell_text(found.cells()["as_of"]) or None},
        bucket=path.bucket,
        index=path.index,
        size=path.size,
        in_bucket=[each.hex() for each in path.in_bucket],
        over_buckets=[each.hex() for each in path.over_buckets],
        root=manifest.tree.root,
    )
    try:
        proof.verify(manifest)
    except ProofRefused as refused:
        raise TableRefused(f"the row cannot be proven: {refused}") from None
    return proof


def _rows(path: Path, form: str) -> Iterator[WrittenRow]:
    """The rows of an output."""
    with reading(TablePart(path.name, form, path), _ROWS) as source:
        for chunk in source.chunks:
            yield from read_back(chunk, form)
