"""`fifthfactor log verify --run`: verifies the output of `decide`, and proves one row of it."""

from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.command import UsedWrongly, address, log_key
from service.cli.output import count, painted, print_json, safe

if TYPE_CHECKING:
    from service.tables.manifest import RunLog


def verify_run(manifest: Path, row: str | None, row_proof: Path | None, database: str | None, as_json: bool) -> int:
    """
    Verify a run by its manifest and the output beside it; or print the proof of a `row`; or verify the proof in a file. With a `database`
    the leaf that the manifest names is compared, too.

    1 where there is a fault. Raises UsedWrongly.
    """
    if row is not None and row_proof is not None:
        raise UsedWrongly("name a row to be proven with --row, or a proof to be verified with --row-proof")
    try:
        import engine.tables  # noqa: F401 (it says what is not installed)
        from service.tables import TableRefused
        from service.tables.manifest import read_manifest
        from service.tables.run_leaf import leaf_faults
        from service.tables.run_verification import prove_row, read_proof, run_faults
    except ModuleNotFoundError as missing:
        raise UsedWrongly(str(missing)) from None
    from service.store.upgrade import existing
    from service.transparency.merkle_tree import ProofRefused

    try:
        found = read_manifest(manifest)
        if row is not None:
            print_json(prove_row(found, manifest.parent, row).model_dump(mode="json", by_alias=True))
            return 0
        if row_proof is not None:
            proof = read_proof(row_proof)
            try:
                proof.verify(found)
            except ProofRefused as refused:
                print(f"{painted('red', 'fault')}: {refused}")
                return 1
            told = str(proof.outcome.get("outcome"))
            print(f"the row `{safe(proof.key[:100])}` is one of the run, with the outcome {safe(told[:40])}")
            return 0
        faults = list(run_faults(found, manifest.parent))
        if database is not None:
            with existing(address(database), log_key()) as opened, opened.reading.connect() as connection:
                faults += leaf_faults(connection, found)
    except TableRefused as refused:
        raise UsedWrongly(str(refused)) from None
    if as_json:
        print_json({"sound": not faults, "rows": found.rows, "faults": faults})
    else:
        for each in faults:
            print(f"{painted('red', 'fault')}: {safe(each)}")
        print(f"{count(found.rows, 'row')}, {len(faults) or 'no'} fault{'s' if len(faults) != 1 else ''}")
        print("the run is in no log" if found.log is None else _leaf(found.log, compared=database is not None))
    return int(bool(faults))


def _leaf(log: "RunLog", compared: bool) -> str:
    where = f"the run is leaf {log.leaf:,} of the log {safe(log.origin)}, since {log.at}"
    return where if compared else f"{where}; `--database` compares the leaf"
