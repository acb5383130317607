"""
The command line, made once a process: Typer reads the signatures of its sixty-five commands anew each time one is called.
"""

from __future__ import annotations

from functools import cache

import typer.main
import typer.testing

from service.cli.main import app


def once() -> None:
    """From now on this process makes the commands once."""
    made = cache(typer.main.get_command)
    typer.main.get_command = made
    vars(typer.testing)["_get_command"] = made
    made(app)
