"""The server over HTTP: an address in, a process that listens there until it is stopped."""

import json
import sys

import uvicorn

from service.doors.agents.asking import KeyHolders
from service.doors.agents.http_guard import HttpGuard
from service.doors.agents.protocol import AgentServer, http_app
from service.settings.setting_values import is_loopback

MOST_CALLS = 128  # at once; whoever comes after them gets 503
OWN_NAMES = ("127.0.0.1", "localhost", "[::1]")


class ListeningServer(uvicorn.Server):
    """One that says where it listens, once it does."""

    async def startup(self, sockets: "list[object] | None" = None) -> None:  # type: ignore[override]
        """Say it on standard error, as the service does."""
        await super().startup(sockets)  # type: ignore[arg-type]
        for each in self.servers:
            for socket in each.sockets:
                host, port = socket.getsockname()[:2]
                shown = f"[{host}]" if ":" in host else host
                print(json.dumps({"event": "started", "address": f"http://{shown}:{port}/mcp"}), file=sys.stderr, flush=True)


def guarded(holders: KeyHolders, key: str, version: str, host: str, names: list[str]) -> HttpGuard:
    """The application that is served on a host. On one that other machines reach, no call has the key of the process."""
    local = is_loopback(host)
    hosts = [*OWN_NAMES, *names] if local else (names or [host])
    return HttpGuard(http_app(AgentServer(holders, key if local else "", version), hosts, []), holders, demanded=not local)


def serve_http(holders: KeyHolders, key: str, version: str, host: str, port: int, names: list[str]) -> None:
    """Serve until a signal to stop."""
    app = guarded(holders, key, version, host, names)
    # With h11, for httptools takes the body of a request that offers another protocol for the next request.
    config = uvicorn.Config(
        app,
        host=host,
        port=port,
        http="h11",
        ws="none",
        log_level="warning",
        server_header=False,
        timeout_keep_alive=5,
        limit_concurrency=MOST_CALLS,
    )
    ListeningServer(config).run()
