"""`fifthfactor odrl …`: contracts in ODRL, at a terminal."""

from service.cli import odrl_evaluate, odrl_read
from service.cli.command import Commands

app = Commands(help="Contracts in ODRL 2.2, as data spaces write them.")
for each in (odrl_read, odrl_evaluate):
    app.add_typer(each.app)
