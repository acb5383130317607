"""`fifthfactor log verify`: verifies that every record is what was recorded."""

from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import AsJson, Commands, Database, UsedWrongly, address, log_key
from service.cli.log.rows import warn_of_unindexed
from service.cli.output import complain, painted, print_json, progress

app = Commands()


@app.add("log verify --database decisions.db")
def verify(
    database: Database = None,
    as_json: AsJson = False,
    checkpoint: Annotated[
        Path | None,
        typer.Option(help="File with an earlier checkpoint: the log must begin with what it was then. Needs --key."),
    ] = None,
    key: Annotated[
        Path | None, typer.Option(help="File with the verifier key of the log, as `log checkpoint` prints it.")
    ] = None,
    witness_key: Annotated[
        Path | None, typer.Option(help="File with the verifier key of a witness, who must have cosigned the checkpoint.")
    ] = None,
) -> int:
    """
    Verify every record: its bytes, its hash, its commitments, its number, its entry in the index, and the tree of the log.

    With the log's key the tree is also compared with the last checkpoint, which is kept beside the key.
    Ends with 1 where there is a fault.
    """
    from service.cli.files import read
    from service.log.index import unindexed
    from service.log.proofs import CheckpointInvalid, kept_checkpoint
    from service.log.verification import put_back
    from service.log.verification import verify as verify_all
    from service.store.log_key import LogKeyRefused
    from service.store.upgrade import existing
    from service.transparency.signed_note import MAX_NOTE_BYTES

    kept = []
    if witness_key is not None and checkpoint is None:
        raise UsedWrongly("`--witness-key` belongs to a `--checkpoint`")
    if (checkpoint is None) != (key is None):
        raise UsedWrongly("`--checkpoint` and `--key` belong together")
    if checkpoint is not None and key is not None:
        try:
            keys = [read(each, MAX_NOTE_BYTES).decode(errors="replace") for each in (key, witness_key) if each is not None]
            kept = [kept_checkpoint(read(checkpoint, MAX_NOTE_BYTES), *keys)]
        except CheckpointInvalid as invalid:
            raise UsedWrongly(f"`{checkpoint}` is not a checkpoint of this key: {invalid}") from None
    with existing(address(database), log_key()) as opened, opened.reading.connect() as connection:
        secret = None
        try:
            secret = opened.log_key()
        except LogKeyRefused as refused:
            complain(f"the seal of the tree is not verified: {refused}")
        records, faults = verify_all(connection, lambda done, all: progress(f"{done:,} of {all:,} records", done), secret, kept)
        faults += put_back(opened, connection)
        progress("")
        warn_of_unindexed(unindexed(connection))
    if as_json:
        print_json({"sound": not faults, "records": records, "faults": [asdict(each) for each in faults]})
    else:
        for each in faults:
            place = "the log" if each.sequence is None else f"record {each.sequence} {each.id or ''}"
            print(f"{painted('red', 'fault')} in {place}: {each.fault}")
        print(f"{records:,} records, {len(faults) or 'no'} fault{'s' if len(faults) != 1 else ''}")
    return int(bool(faults))
