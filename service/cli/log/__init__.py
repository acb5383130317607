"""`fifthfactor log …`: reads the log while the service runs; `erase`, `reindex`, `repair`, `rotate-key` and `continue` write to it."""

from service.cli.command import Commands
from service.cli.log import (
    checkpoint,
    continue_log,
    erase,
    export,
    reindex,
    repair,
    rotate_key,
    search,
    show,
    tail,
    verify,
    witness,
)

app = Commands(help="Follow, search, show, export and verify the decisions in the log.")
for each in (tail, search, show, export, verify, checkpoint, witness, rotate_key, continue_log, erase, reindex, repair):
    app.add_typer(each.app)
