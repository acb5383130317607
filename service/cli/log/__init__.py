"""`fifthfactor log …`: the decision log, read while the service runs; `erase` and `reindex` write to it."""

from service.cli.command import Commands
from service.cli.log import erase, export, reindex, search, show, tail, verify

app = Commands(help="Read the decision log: follow it, search it, show, export and verify what is in it.")
for each in (tail, search, show, export, verify, erase, reindex):
    app.add_typer(each.app)
