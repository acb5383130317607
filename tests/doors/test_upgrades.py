"""Two services on one PostgreSQL behind nginx, upgraded one after the other as the page says: not one request is refused or lost."""

import asyncio
import json
import os
import signal
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

from tests.doors.gateways import NGINX
from tests.doors.gateways import running as program
from tests.free_port import free_port
from tests.service.conftest import Server, body, eventually, running
from tests.service.databases import PostgreSQL
from tests.service.load import Load, during, post
from tests.service.server.test_server import ask, sound

SETTINGS = """
worker_processes 1;
events {{ worker_connections 256; }}
http {{
  access_log off;
{folders}
  upstream fifthfactor {{
    server 127.0.0.1:{first}{first_down};
    server 127.0.0.1:{second}{second_down};
    keepalive 8;
  }}
  server {{
    listen 127.0.0.1:{port};
    keepalive_timeout 0;
    location / {{
      proxy_pass http://fifthfactor;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $host;
    }}
  }}
}}
"""


class Balancer:
    """nginx before two services; one may be taken out."""

    def __init__(self, folder: Path, ports: tuple[int, int]) -> None:
        self.folder, self.ports, self.port = folder, ports, free_port()
        self.command = [NGINX, "-c", str(folder / "nginx.conf"), "-p", str(folder), "-e", str(folder / "nginx.errors")]
        self.options = ["-g", f"daemon off; pid {folder}/nginx.pid;"]

    def write(self, out: int | None = None) -> None:
        """The settings, with one service `down`, or none."""
        kinds = ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
        down = ["", ""]
        if out is not None:
            down[out] = " down"
        text = SETTINGS.format(
            folders="".join(f"  {kind}_temp_path {self.folder}/{kind};\n" for kind in kinds),
            first=self.ports[0],
            second=self.ports[1],
            first_down=down[0],
            second_down=down[1],
            port=self.port,
        )
        (self.folder / "nginx.conf").write_text(text)

    def reload(self, out: int | None = None) -> None:
        """Change the settings while it runs; what it sent before is finished by the processes of before."""
        before = self.workers()
        self.write(out)
        master = int((self.folder / "nginx.pid").read_text())
        os.kill(master, signal.SIGHUP)
        eventually(lambda: not self.workers() & before)

    def workers(self) -> set[int]:
        """Its processes that answer."""
        master = (self.folder / "nginx.pid").read_text().strip()
        if not master:  # the file is there before its number
            return set()
        return set(map(int, Path(f"/proc/{master}/task/{master}/children").read_text().split()))

    @contextmanager
    def running(self) -> Iterator[None]:
        """It runs."""
        self.write()
        with program([*self.command, *self.options], self.port, {}, self.folder):
            eventually(lambda: (self.folder / "nginx.pid").exists() and self.workers())
            yield


def test_two_services_on_one_postgresql_are_upgraded_one_after_the_other(tmp_path):
    """`down`, reload, stop, start anew, ready, reload; then the other. Each answer is a record, and each service answered."""
    ports = free_port(), free_port()
    with PostgreSQL.running() as postgresql, ExitStack() as closing:
        url = postgresql.new()

        def start(number: int) -> Server:
            return closing.enter_context(running(url, "--port", str(ports[number]), folder=tmp_path))

        services = [start(0), start(1)]
        balancer = Balancer(tmp_path, ports)
        closing.enter_context(balancer.running())
        load = Load(balancer.port, [post("/v1/evaluate", body())], 6, pause=0.01)

        def upgrade() -> None:
            for number in (0, 1):
                balancer.reload(out=number)
                assert services[number].stop() == 0
                services[number] = start(number)
                assert ask(services[number], "GET", "/readyz")[0] == 200
                balancer.reload()

        async def upgrading() -> None:
            await asyncio.sleep(0.3)
            await asyncio.to_thread(upgrade)
            await asyncio.sleep(0.3)

        during(load, upgrading)
        assert load.refused == 0
        assert load.statuses == {200: len(load.asked)}
        answered = [len(each.events("request")) for each in services]
        assert all(answered)
        assert all(each.stop() == 0 for each in services)
        assert sound(url) == {json.loads(each.body)["id"] for each in load.asked}
    assert subprocess.run([NGINX, "-v"], capture_output=True, check=True).returncode == 0
