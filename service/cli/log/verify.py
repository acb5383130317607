"""`fifthfactor log verify`: verifies that every record is what was recorded."""

from collections.abc import Callable
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import AsJson, Commands, Database, UsedWrongly, address, log_key
from service.cli.log.decided_run import verify_run
from service.cli.log.offline_verification import is_database, verify_carried
from service.cli.log.rows import warn_of_unindexed
from service.cli.output import complain, painted, print_json, progress
from service.cli.stopping import BEGINS_ANEW, Stopped, stoppable

if TYPE_CHECKING:
    from service.log.verification import Fault as LogFault
    from service.transparency.checkpoint import Checkpoint
    from service.transparency.signed_note import VerifierKey

app = Commands()


@app.add(
    "log verify --database decisions.db",
    "log verify --deep",
    "log verify tiles --checkpoint monday.checkpoint --key log.key",
    "log verify --run decisions.manifest.json",
    "log verify --run decisions.manifest.json --row 4711 > row.proof.json",
)
def verify(
    place: Annotated[
        Path | None,
        typer.Argument(help="Folder of `log export --tiles`, file of `log export --proofs`, or database file. [the database]"),
    ] = None,
    database: Database = None,
    as_json: AsJson = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="File with a checkpoint that was kept: the log must begin with what it was then. Needs --key."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="File with the verifier key of the log, as `log checkpoint` prints it.")
    ] = None,
    deep: Annotated[
        bool,
        typer.Option("--deep", help="Make every other row again from the leaves, and compare: register, ledger, keys, index."),
    ] = False,
    witness_key: Annotated[
        Path | None, typer.Option(help="File with the verifier key of a witness, who must have cosigned the checkpoint.")
    ] = None,
    run: Annotated[
        Path | None, typer.Option(help="Manifest of `decide`: verify that its output is what was decided, row by row.")
    ] = None,
    row: Annotated[str | None, typer.Option(help="With --run: print the proof of the row with this key.")] = None,
    row_proof: Annotated[
        Path | None, typer.Option(help="With --run: verify the proof of a row in a file, by the manifest alone.")
    ] = None,
) -> int:
    """
    Verify every record: its bytes, its hash, its commitments, its number, its entry in the index, and the tree of the log.

    With the log's key the tree is also compared with the last checkpoint, which is kept beside the key. A folder or an export is
    verified with nothing but the verifier key of the log.
    Ends with 1 where there is a fault.
    """
    if run is not None:
        return verify_run(run, row, row_proof, database, as_json)
    if row is not None or row_proof is not None:
        raise UsedWrongly("name the manifest of the run with `--run`")
    from service.cli.files import read
    from service.log.proofs import CheckpointInvalid, kept_checkpoint
    from service.transparency.signed_note import MAX_NOTE_BYTES

    carried = place is not None and not is_database(place)
    if place is not None and database is not None:
        raise UsedWrongly("name one place to verify")
    if witness_key is not None and checkpoint is None and not carried:
        raise UsedWrongly("`--witness-key` belongs to a `--checkpoint`")
    if (checkpoint is not None or carried) and key is None:
        raise UsedWrongly("name the file with the verifier key of the log with `--key`")
    if key is not None and checkpoint is None and not carried:
        raise UsedWrongly("`--key` belongs to a `--checkpoint`")
    kept = []
    if checkpoint is not None and key is not None:
        try:
            keys = [read(each, MAX_NOTE_BYTES).decode(errors="replace") for each in (key, witness_key) if each is not None]
            kept = [kept_checkpoint(read(checkpoint, MAX_NOTE_BYTES), *keys)]
        except CheckpointInvalid as invalid:
            raise UsedWrongly(f"`{checkpoint}` is not a checkpoint of this key: {invalid}") from None
    if place is not None and key is not None and carried:
        witness = None if witness_key is None or checkpoint is not None else _verifier(witness_key)
        return verify_carried(place, _verifier(key), kept[0] if kept else None, witness, as_json)
    database = database if place is None else str(place)
    with stoppable() as stopping:

        def told(words: str, number: int) -> None:
            progress(words, number)
            stopping.check(words)

        try:
            records, faults = _verified(database, kept, deep, told)
        except Stopped:
            return stopping.told(f"after {stopping.done}", f"nothing is known of the whole log; {BEGINS_ANEW}")
    if as_json:
        print_json({"sound": not faults, "records": records, "faults": [asdict(each) for each in faults]})
    else:
        for each in faults:
            where = "the log" if each.sequence is None else f"record {each.sequence} {each.id or ''}"
            print(f"{painted('red', 'fault')} in {where}: {each.fault}")
        print(f"{records:,} records, {len(faults) or 'no'} fault{'s' if len(faults) != 1 else ''}")
    return int(bool(faults))


def _verified(
    database: str | None, kept: "list[Checkpoint]", deep: bool, told: Callable[[str, int], None]
) -> "tuple[int, list[LogFault]]":
    """The number of records, and the faults; `told` is how far it is."""
    from service.audit.deep_verification import DeepVerification, snapshot
    from service.log.search_index import unindexed
    from service.log.verification import Fault, put_back
    from service.log.verification import verify as verify_all
    from service.store.log_key import LogKeyRefused
    from service.store.upgrade import existing

    with existing(address(database), log_key()) as opened, opened.reading.connect() as connection:
        other = put_back(opened, connection)
        secret = None
        try:
            secret = opened.log_key()
        except LogKeyRefused as refused:
            complain(f"the seal of the tree is not verified: {refused}")
        records, faults = verify_all(connection, lambda done, all: told(f"{done:,} of {all:,} records", done), secret, kept)
        faults += other
        if deep and not faults:
            with snapshot(opened) as state:
                comparison = DeepVerification(state, opened, lambda what, number: told(f"{number:,} {what}", number))
                faults += [Fault(None, None, str(each)) for each in comparison.findings()]
            if comparison.without_key:
                complain("without the log's key neither the seals of rows nor what records used are compared")
            if comparison.records_not_compared:
                complain(f"of {comparison.records_not_compared:,} records it is not compared what they used")
        elif deep:
            complain("the other rows are not compared, since the log itself has faults")
        progress("")
        warn_of_unindexed(unindexed(connection))
    return records, faults


def _verifier(file: Path) -> "VerifierKey":
    from service.cli.files import read
    from service.transparency.signed_note import MAX_NOTE_BYTES, KeyTextRefused, VerifierKey

    try:
        return VerifierKey.parse(read(file, MAX_NOTE_BYTES).decode(errors="replace").strip())
    except KeyTextRefused as refused:
        raise UsedWrongly(f"`{file}` holds no verifier key: {refused}") from None
