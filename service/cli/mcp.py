"""`fifthfactor mcp`: serves tools to agents that are language models, as a client of a running service."""

import os
from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import Commands, UsedWrongly

app = Commands()
MOST_KEY_FILE = 4096  # bytes
WILDCARDS = ("0.0.0.0", "::", "")  # which are no names that a client can ask for


@app.add(
    "mcp --service http://127.0.0.1:8080 --key-file agent.key",
    "mcp --http --port 8090 --service https://decide.example.org",
    "mcp --http --host 0.0.0.0 --allow-host agents.example.org --service http://127.0.0.1:8080",
)
def mcp(
    service: Annotated[str, typer.Option(help="Address of the running service.")] = "http://127.0.0.1:8080",
    key_file: Annotated[
        Path | None, typer.Option(help="File with the key of the service that calls use. [the key in FIFTHFACTOR_KEY]")
    ] = None,
    http: Annotated[bool, typer.Option("--http", help="Serve over HTTP at /mcp instead of standard input and output.")] = False,
    host: Annotated[
        str,
        typer.Option(help="Address to listen on with --http. From one that other machines reach, every call must send a key."),
    ] = "127.0.0.1",
    port: Annotated[int, typer.Option(min=0, max=65535, help="Port to listen on with --http; 0 takes a free one.")] = 8090,
    allow_host: Annotated[
        list[str] | None, typer.Option(help="A name under which clients reach this server; may be repeated. [this machine's]")
    ] = None,
) -> int:
    """
    Serve tools to language-model agents by the Model Context Protocol: decide, what is missing, ways to yes, explain, search.

    It asks a running service with a key, and never its database. What the key may not do, no tool offers. Ends when the client does.
    """
    import httpx

    import engine
    from service.doors.installed import missing

    if lacking := missing("agents", "mcp"):
        raise UsedWrongly(lacking)
    from service.doors.agents.asking import KeyHolders

    holders, key = KeyHolders(service), _key(key_file)
    try:
        httpx.URL(service)
        holders.check(key)
    except (ValueError, httpx.InvalidURL) as wrong:
        raise UsedWrongly(f"--service or the key: {wrong}") from None
    if http and host in WILDCARDS and not allow_host:
        raise UsedWrongly("with this --host, say by --allow-host under which name clients reach the server")
    if http:
        from service.doors.agents.http_server import serve_http

        serve_http(holders, key, engine.__version__, host, port, allow_host or [])
    else:
        from service.doors.agents.protocol import run_stdio

        run_stdio(holders, key, engine.__version__)
    return 0


def _key(file: Path | None) -> str:
    """The key of the process; "" where it has none. Raises UsedWrongly."""
    if file is None:
        return os.environ.get("FIFTHFACTOR_KEY", "").strip()
    try:
        with file.open("rb") as opened:
            read = opened.read(MOST_KEY_FILE + 1)
    except OSError as failed:
        raise UsedWrongly(f"the key file cannot be read: {failed.strerror}") from None
    key = read.decode("ascii", "replace").strip()
    if not key or len(read) > MOST_KEY_FILE or not key.isprintable() or "\ufffd" in key or " " in key:
        raise UsedWrongly("the key file must have one key and nothing else")
    return key
