"""`fifthfactor log witness`: a witness that is a file."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import Commands, UsedWrongly
from service.cli.output import complain

app = Commands()


@app.add(
    "log witness --state witness.json > witness.key",
    "log witness request --state witness.json --key log.key > cosigned.checkpoint",
)
def witness(
    state: Annotated[
        Path,
        typer.Option(help="The file with the key of the witness and what it cosigned last; it is made if it is not there."),
    ],
    request: Annotated[
        Path | None, typer.Argument(help="What `log checkpoint --since` printed. [print the verifier key]")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="File with the verifier key of the log.")] = None,
) -> int:
    """
    Cosign a log's checkpoint, after its tree was shown to go on from the one that was cosigned last. Needs no network and no database.

    Prints the checkpoint with the cosignature, or without a request the verifier key of the witness. Keep the file where the
    operator of the log cannot change it. Ends with 1 where the checkpoint is not cosigned.
    """
    from datetime import UTC, datetime

    from service.cli.files import read
    from service.log.file_witness import StateRefused, cosign, verifier_key
    from service.transparency.signed_note import MAX_NOTE_BYTES, KeyTextRefused, SignatureLine, VerifierKey
    from service.transparency.witness import SIZE_TYPE, AddCheckpoint, WitnessRequestRefused

    try:
        if request is None:
            print(verifier_key(state).text())
            return 0
        if key is None:
            raise UsedWrongly("name the file with the verifier key of the log with `--key`")
        log = VerifierKey.parse(read(key, MAX_NOTE_BYTES).decode(errors="replace").strip())
        asked = AddCheckpoint.parse(read(request, MAX_NOTE_BYTES))
        answered = cosign(state, asked, log, int(datetime.now(UTC).timestamp()))
    except KeyTextRefused as refused:
        raise UsedWrongly(f"`{key}` holds no verifier key of a log: {refused}") from None
    except WitnessRequestRefused as refused:
        raise UsedWrongly(f"`{request}` is not what `log checkpoint --since` prints: {refused}") from None
    except StateRefused as refused:
        raise UsedWrongly(str(refused)) from None
    said = answered.body.decode().rstrip()
    if answered.status == 200:
        print(asked.note.signed_by(SignatureLine.parse(said)).to_bytes().decode(), end="")
        return 0
    last = f"it has cosigned {said} leaves: ask with `fifthfactor log checkpoint --since {said}`"
    complain(f"the witness does not cosign: {last if answered.media_type == SIZE_TYPE else said}")
    return 1
