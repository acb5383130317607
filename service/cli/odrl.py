"""`fifthfactor odrl …`: contracts in ODRL, at a terminal."""

from service.cli import odrl_evaluate, odrl_read
from service.cli.command import Commands

app = Commands(help="Contracts in ODRL 2.2, as data spaces write them.")
app.add_typer(odrl_read.app)
app.add_typer(odrl_evaluate.app)
