"""The tree over rows: any order gives one root, a changed row another, and each row is proven against it."""

from __future__ import annotations

import json
import random
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from service.log.canonical_json import canonical
from service.tables import TableRefused
from service.tables.manifest import read_manifest
from service.tables.row_tree import BUCKETS, RowEntries, bucket_of, read_entries, row_bytes, row_entry, row_path, row_tree
from service.tables.run_verification import RowProof, prove_row, run_faults
from service.transparency.merkle_tree import EMPTY_ROOT, Frontier, ProofRefused, leaf_hash
from tests.service.tables.small_tables import rows, run, write_csv

ROWS = rows(120)
KEYS = st.lists(st.text(st.characters(exclude_categories=["Cs"]), max_size=8), unique=True, max_size=40)


def root(keys: list[str], most: int = 1_000) -> bytes:
    entries = RowEntries(most)
    for key in keys:
        entries.add(row_entry(key, sha256(key.encode()).hexdigest()))
    try:
        return row_tree(entries).root
    finally:
        entries.close()


@given(KEYS, st.integers(1, 9), st.randoms())
@settings(max_examples=30, deadline=None)
def test_order_and_what_is_kept_in_memory_never_matter(keys: list[str], most: int, chance: random.Random) -> None:
    """Rows that wait in files come in the same order as those in memory."""
    shuffled = list(keys)
    chance.shuffle(shuffled)
    assert root(keys) == root(shuffled, most)


def test_the_root_is_what_the_definition_says() -> None:
    """Worked out once more from the definition, with the tree of the log."""
    keys = [f"k{number}" for number in range(3_000)]
    buckets: dict[int, list[str]] = {}
    for key in keys:
        buckets.setdefault(int(sha256(key.encode()).hexdigest()[:3], 16), []).append(key)
    roots = []
    for number in range(BUCKETS):
        leaves = [
            leaf_hash(canonical({"key": key, "outcome": sha256(key.encode()).hexdigest()}))
            for key in sorted(buckets.get(number, []), key=str.encode)
        ]
        roots.append(Frontier().appended(leaves).root())
    assert EMPTY_ROOT in roots
    assert root(keys) == Frontier().appended([leaf_hash(each) for each in roots]).root()
    assert bucket_of("k1") == int(sha256(b"k1").hexdigest()[:3], 16)


@pytest.mark.parametrize("key", ["a", 'with "quotes"', "back\\slash", "ключ", "𝛼", "line\nbreak", ""])
def test_the_bytes_of_a_row_are_canonical_json(key: str) -> None:
    """Whatever the key is."""
    assert row_bytes(key, "0" * 64) == canonical({"key": key, "outcome": "0" * 64})


def test_entries_are_read_as_they_were_written(tmp_path: Path) -> None:
    """And a file that is cut short is not taken for a shorter one."""
    entries = RowEntries()
    for number in range(50):
        entries.add(row_entry(f"k{number}", "0" * 64))
    entries.write(tmp_path / "entries")
    with (tmp_path / "entries").open("rb") as file:
        assert list(read_entries(file)) == list(entries)
    (tmp_path / "entries").write_bytes((tmp_path / "entries").read_bytes()[:-1])
    with (tmp_path / "entries").open("rb") as file, pytest.raises(ValueError, match="cut short"):
        list(read_entries(file))


def test_every_row_is_proven_and_no_other(tmp_path: Path) -> None:
    """A proof stands by itself with the manifest; another outcome, key or place is refused."""
    manifest = run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / "out.parquet")
    for key in ("n-0", "n-57", "n-119"):
        proof = prove_row(manifest, tmp_path, key)
        RowProof.model_validate_json(proof.model_dump_json(by_alias=True)).verify(manifest)
        told = proof.model_dump(by_alias=True)
        for changed in (
            {"outcome": {**proof.outcome, "proceed": not proof.outcome["proceed"]}},
            {"outcome": {**proof.outcome, "proceed": str(proof.outcome["proceed"]).lower()}},
            {"outcome": {**proof.outcome, "note": "permitted"}},
            {"key": "n-1"},
            {"bucket": (proof.bucket + 1) % BUCKETS},
            {"index": proof.index + 1},
            {"over_buckets": proof.over_buckets[::-1]},
            {"over_buckets": ["zz"]},
        ):
            with pytest.raises(ProofRefused):
                RowProof.model_validate({**told, **changed}).verify(manifest)
    with pytest.raises(TableRefused, match="no row of the run has the key"):
        prove_row(manifest, tmp_path, "n-120")


def test_the_path_of_a_row_is_short() -> None:
    """Twelve hashes over the buckets, and those of one bucket."""
    entries = [row_entry(f"k{number}", "0" * 64) for number in range(20_000)]
    found = row_path(sorted(entries), "k77")
    assert found is not None
    assert len(found.over_buckets) == 12
    assert len(found.in_bucket) <= 5


@pytest.mark.parametrize("form", ["jsonl", "csv"])
def test_a_changed_row_is_found(tmp_path: Path, form: str) -> None:
    """A permit in the place of a refusal; a row that is gone, a row that was added; and an output that was only written anew is told."""
    manifest = run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / f"out.{form}")
    assert read_manifest(tmp_path / "out.manifest.json") == manifest
    path = tmp_path / f"out.{form}"
    whole = path.read_text("utf-8")
    lines = whole.splitlines(keepends=True)
    head = lines[:1] if form == "csv" else []
    body = lines[len(head) :]
    at = next(number for number, line in enumerate(body) if "prohibited" in line)
    for changed in (
        [*body[:at], body[at].replace("prohibited", "permitted"), *body[at + 1 :]],
        body[:-1],
        [*body, body[-1].replace("n-119", "n-120")],
    ):
        path.write_text("".join([*head, *changed]), "utf-8")
        faults = list(run_faults(manifest, tmp_path))
        assert any(each.startswith("the rows do not lead to the root of the run: a row was changed") for each in faults)
    path.write_text("".join([*head, *body[::-1]]), "utf-8")
    assert list(run_faults(manifest, tmp_path)) == [f"`out.{form}` does not have the bytes that were written"]
    path.unlink()
    assert "cannot be read" in next(iter(run_faults(manifest, tmp_path)))


def test_a_manifest_that_is_none_is_refused(tmp_path: Path) -> None:
    """Another document, another schema, a member too many."""
    run(write_csv(tmp_path / "in.csv", ROWS), tmp_path / "out.jsonl")
    path = tmp_path / "out.manifest.json"
    told = json.loads(path.read_bytes())
    for changed in ({}, {**told, "schema": "fifthfactor/run/2"}, {**told, "more": 1}, {**told, "rows": "many"}):
        path.write_text(json.dumps(changed))
        with pytest.raises(TableRefused, match="no manifest of a run"):
            read_manifest(path)
