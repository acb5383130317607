"""`fifthfactor receipt verify`: verifies a receipt, without a service and without a connection."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import AsJson, Commands, UsedWrongly

app = Commands("Verify receipts of decisions, without the service.")


@app.callback()
def receipt() -> None:
    """Verify receipts of decisions, without the service."""


@app.add(
    "receipt verify receipt.json --key log.key",
    "receipt verify receipt.json --key log.key --asset ds-1 --sender clinic-5 --recipient lab-2 --purpose service-provision",
)
def verify(
    file: Annotated[Path, typer.Argument(help="File with the receipt; - reads standard input.", metavar="FILE")],
    key: Annotated[
        Path,
        typer.Option(
            help="File with the verifier key of the log, as `log checkpoint --verifier-key` prints it; a line for each key.",
            metavar="FILE",
        ),
    ],
    asset: Annotated[str | None, typer.Option(help="Demand this asset.", metavar="ID")] = None,
    sender: Annotated[str | None, typer.Option(help="Demand this sender.", metavar="ID")] = None,
    recipient: Annotated[str | None, typer.Option(help="Demand this recipient.", metavar="ID")] = None,
    purpose: Annotated[list[str] | None, typer.Option(help="Demand this purpose; may be repeated.", metavar="WORD")] = None,
    withdrawals: Annotated[
        list[Path] | None,
        typer.Option(
            help="File with a page of the signed list of withdrawals; may be repeated, in the order of the pages.",
            metavar="FILE",
        ),
    ] = None,
    used: Annotated[
        Path | None,
        typer.Option(
            help="File with the ids of the commitments that were used here; the one of an accepted receipt is added.",
            metavar="FILE",
        ),
    ] = None,
    witness: Annotated[Path | None, typer.Option(help="File with the verifier keys of witnesses.", metavar="FILE")] = None,
    quorum: Annotated[
        int | None, typer.Option(help="How many of the witnesses must have cosigned. [all]", metavar="NUMBER", min=0)
    ] = None,
    as_json: AsJson = False,
) -> int:
    """
    Verify a receipt with the log's public key, and say what holds. Options demand what a far gateway demands.

    Ends with 1 where the receipt does not hold, or does not meet the demand.
    """
    from service.receipts import terminal

    asked = terminal.CommandOptions(
        file, key, asset, sender, recipient, purpose or (), withdrawals or (), used, witness, quorum, as_json
    )
    try:
        return terminal.verify(asked, datetime.now(UTC))
    except terminal.UsedWrongly as wrong:
        raise UsedWrongly(str(wrong)) from None
