"""`fifthfactor serve`: runs the service until it is stopped."""

import gc
import signal
from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import USUAL_THRESHOLD, Commands, Database, ServicePolicies, settings
from service.cli.output import complain

app = Commands()


@app.add("serve --port 8080 --policies bundled --policies ours --database decisions.db")
def serve(
    host: Annotated[
        str | None,
        typer.Option(help="Address to listen on; an address that other machines can reach needs a key. (default: 127.0.0.1)"),
    ] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on; 0 takes a free one. (default: 8080)")] = None,
    policies: ServicePolicies = None,
    database: Database = None,
    mode: Annotated[
        str | None, typer.Option(help="Which engines decide: checked, bitset, durable, lanes or reference. (default: checked)")
    ] = None,
    workers: Annotated[int | None, typer.Option(help="How many processes answer. (default: 1)")] = None,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="TOML file of settings. (default: FIFTHFACTOR_SETTINGS)")
    ] = None,
) -> int:
    """
    Answer over HTTP, and record every decision.

    Options win over the environment (FIFTHFACTOR_HOST, FIFTHFACTOR_PORT and so on), which wins over a file of settings. Log lines go
    to standard error. Ends with 0 after a signal to stop, with 1 where the policies are not sound, with 2 where it cannot start.
    """
    for each in (signal.SIGHUP, signal.SIGUSR2):  # they would end what starts, and be no failure to whoever started it
        signal.signal(each, signal.SIG_IGN)
    gc.set_threshold(*USUAL_THRESHOLD)  # unlike a short command, a service frees most objects that it makes
    chosen = settings(
        settings=settings_file,
        host=host,
        port=port,
        policies=policies or None,
        database=database,
        mode=mode,
        workers=workers,
    )
    from service.server.start import CannotServe, serve_until_stopped

    try:
        serve_until_stopped(chosen)
    except CannotServe as refused:
        if str(refused):
            complain(str(refused))
        return refused.status
    return 0
