"""`fifthfactor log …`: reads the decision log while the service runs; `erase`, `reindex` and `repair` write to it."""

from service.cli.command import Commands
from service.cli.log import checkpoint, erase, export, reindex, repair, search, show, tail, verify

app = Commands(help="Follow, search, show, export and verify the decisions in the log.")
for each in (tail, search, show, export, verify, checkpoint, erase, reindex, repair):
    app.add_typer(each.app)
