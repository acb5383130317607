"""`fifthfactor log …`: reads the decision log while the service runs; `erase` and `reindex` write to it."""

from service.cli.command import Commands
from service.cli.log import checkpoint, erase, export, reindex, search, show, tail, verify

app = Commands(help="Follow, search, show, export and verify the decisions in the log.")
for each in (tail, search, show, export, verify, checkpoint, erase, reindex):
    app.add_typer(each.app)
