"""TLS in the service itself: real certificates by openssl, a client that verifies them, and what happens when they change."""

import asyncio
import http.client
import json
import shlex
import signal
import socket
import ssl
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import closing, suppress
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from service.server import tls_certificate
from service.server.tls_certificate import CertificateFiles, Certificates
from tests.service.conftest import Server, body, eventually, running
from tests.service.server.test_overload import held
from tests.service.server.test_server import refused

OPENSSL = "/usr/bin/openssl"
pytestmark = pytest.mark.skipif(not Path(OPENSSL).exists(), reason="the certificates are made by openssl")


KEY = "-newkey ec -pkeyopt ec_paramgen_curve:P-256 -nodes"


def openssl(folder: Path, arguments: str) -> None:
    """Run openssl in a folder."""
    subprocess.run([OPENSSL, *shlex.split(arguments)], cwd=folder, check=True, capture_output=True)


class Authority:
    """An authority of its own, and the files of a certificate that it certifies for this machine."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        usage = "-addext keyUsage=critical,keyCertSign"
        openssl(folder, f"req -x509 {KEY} -days 30 -subj /CN=authority {usage} -keyout ca.key -out ca.pem")
        self.certificate, self.key = folder / "tls.pem", folder / "tls.key"

    def certify(self, serial: int, days: str = "-days 10") -> tuple[Path, Path]:
        """A new pair of files."""
        (self.folder / "names").write_text("subjectAltName=DNS:localhost,IP:127.0.0.1\n")
        openssl(self.folder, f"req {KEY} -subj /CN=fifthfactor -keyout new.key -out new.csr")
        signed = f"-CA ca.pem -CAkey ca.key -set_serial {serial} -extfile names {days}"
        openssl(self.folder, f"x509 -req -in new.csr {signed} -out new.pem")
        return self.folder / "new.pem", self.folder / "new.key"

    def serve(self, serial: int) -> None:
        """Put a new pair in the place of the one that is served."""
        self.put(*self.certify(serial))

    def put(self, certificate: Path, key: Path) -> None:
        """Put a pair in the place of the one that is served: each file by a rename, the certificate first."""
        certificate.replace(self.certificate)
        key.replace(self.key)

    def client(self) -> ssl.SSLContext:
        """A client that trusts this authority and no other."""
        return ssl.create_default_context(cafile=str(self.folder / "ca.pem"))

    def environment(self, **more: str) -> dict[str, str]:
        """The settings of a service that serves it."""
        return {"FIFTHFACTOR_TLS_CERTIFICATE": str(self.certificate), "FIFTHFACTOR_TLS_KEY": str(self.key), **more}

    def serial(self, port: int, host: str = "localhost", **more: ssl.TLSVersion) -> int:
        """The number of the certificate that a new connection gets. A client sends the name of a host, and no address."""
        context = self.client()
        for name, value in more.items():
            setattr(context, name, value)
        with (
            socket.create_connection(("127.0.0.1", port), 60) as plain,
            context.wrap_socket(plain, server_hostname=host) as secured,
        ):
            found = secured.getpeercert()
            assert found
            return int(str(found["serialNumber"]), 16)


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    """An authority with a certificate of number 1 that can be served."""
    folder = tmp_path / "tls"
    folder.mkdir()
    made = Authority(folder)
    made.serve(1)
    return made


@pytest.fixture
def secured(tmp_path: Path, authority: Authority) -> Iterator[Server]:
    """A server that speaks TLS."""
    with running(tmp_path / "log.db", environment=authority.environment()) as server:
        yield server


def connection(server: Server, authority: Authority) -> http.client.HTTPSConnection:
    """A connection that stays open."""
    return http.client.HTTPSConnection("localhost", server.port, context=authority.client(), timeout=60)


def ask(over: http.client.HTTPSConnection) -> dict[str, object]:
    """Send an exchange over a connection; the answer."""
    over.request("POST", "/v1/evaluate", body(), {"content-type": "application/json"})
    answer = over.getresponse()
    assert answer.status == 200
    found: dict[str, object] = json.loads(answer.read())
    return found


def figures(over: http.client.HTTPSConnection) -> dict[str, float]:
    """The figures without labels."""
    over.request("GET", "/metrics")
    lines = over.getresponse().read().decode().splitlines()
    return {
        name: float(value) for name, _, value in (line.partition(" ") for line in lines if "{" not in line and line[0] != "#")
    }


def test_a_client_that_verifies_gets_its_answer(secured, authority):
    """By name and by address; who trusts another authority gets none, and plain HTTP is no way in."""
    assert secured.address.startswith("https://127.0.0.1:")
    with closing(connection(secured, authority)) as over:
        assert ask(over)["outcome"]
    assert authority.serial(secured.port, "localhost") == authority.serial(secured.port, "127.0.0.1") == 1
    with pytest.raises(ssl.SSLCertVerificationError), socket.create_connection(("127.0.0.1", secured.port)) as plain:
        ssl.create_default_context().wrap_socket(plain, server_hostname="localhost")
    with socket.create_connection(("127.0.0.1", secured.port), 60) as plain:
        plain.sendall(b"GET /livez HTTP/1.1\r\nhost: localhost\r\n\r\n")
        with suppress(ConnectionResetError):
            assert b"alive" not in plain.recv(1000)
    assert secured.stop() == 0
    assert all(line.startswith("{") for line in secured.log), secured.log


def test_a_new_certificate_loses_no_connection(secured, authority, tmp_path):
    """What is open goes on, also a request that waits for the disk meanwhile; what begins afterwards has the new certificate."""
    pair = authority.certify(2)
    with closing(connection(secured, authority)) as over, closing(connection(secured, authority)) as waiting:
        first = ask(over)["id"]
        answers: list[dict[str, object]] = []
        sending = threading.Thread(target=lambda: answers.append(ask(waiting)))
        with held(str(tmp_path / "log.db")):
            sending.start()
            authority.put(*pair)
            eventually(lambda: figures(over) and authority.serial(secured.port) == 2)  # an idle connection would be closed
            assert not answers
        sending.join(60)
        assert answers[0]["outcome"]
        assert ask(over)["id"] != first
    assert authority.serial(secured.port, "127.0.0.1") == 2  # a client that sends no name
    [line] = secured.events("certificate_reloaded")
    assert line["before"] != line["after"]


@pytest.mark.parametrize("wrong", ["the key of another", "no certificate", "expired", "passphrase", "gone"])
def test_a_wrong_pair_is_refused_and_the_old_one_goes_on(secured, authority, wrong):
    """With a line that says why, and a figure; a right one afterwards is taken."""
    old = authority.key.read_bytes()
    if wrong == "the key of another":
        authority.certify(2)[1].replace(authority.key)
    elif wrong == "no certificate":
        authority.certificate.write_text("-----BEGIN CERTIFICATE-----\nnothing\n-----END CERTIFICATE-----\n")
    elif wrong == "passphrase":
        openssl(authority.folder, "pkey -in tls.key -aes128 -passout pass:secret -out new.key")
        (authority.folder / "new.key").replace(authority.key)
    elif wrong == "gone":
        authority.key.unlink()
    else:
        authority.put(*authority.certify(2, days="-not_before 20200101000000Z -not_after 20200201000000Z"))
    says = {
        "the key of another": "is not that of the certificate",
        "no certificate": "are no usable pair",
        "expired": "it is valid from 2020-01-01",
        "passphrase": "the key has a passphrase",
        "gone": "cannot be read: No such file or directory",
    }[wrong]
    eventually(lambda: any(says in each["reason"] for each in secured.events("certificate_refused")))
    assert authority.serial(secured.port) == 1
    assert not any("PRIVATE" in line or old.decode().splitlines()[1] in line for line in secured.log)
    pair = authority.certify(3)
    with closing(connection(secured, authority)) as over:
        before = figures(over)
        assert before["fifthfactor_tls_certificate_refused"] == 1
        authority.put(*pair)
        eventually(lambda: figures(over)["fifthfactor_tls_certificate_refused"] == 0)
        assert authority.serial(secured.port) == 3
        until = "fifthfactor_tls_certificate_expiry_timestamp_seconds"
        assert 0 < before[until] <= figures(over)[until] <= time.time() + 11 * 86_400


def test_what_was_refused_is_taken_as_soon_as_it_can_be(authority, monkeypatch):
    """A certificate that is valid only from later on, though no file changes any more; one line says that it was refused."""
    monkeypatch.setattr(tls_certificate, "LOOK_SECONDS", 0.01)
    monkeypatch.setattr(tls_certificate, "AGAIN_SECONDS", 0.02)
    now, read = [datetime.now(UTC)], []
    said: list[str] = []

    def clock() -> datetime:
        read.append(now[0])
        return now[0]

    say: Any = SimpleNamespace(error=lambda event, **more: said.append(event), info=lambda event, **more: said.append(event))
    certificates = Certificates(CertificateFiles(authority.certificate, authority.key, "1.2"), say, clock)
    before = certificates.served.sha256

    async def look(until: Callable[[], bool]) -> None:
        looking = asyncio.create_task(certificates.work())
        await asyncio.to_thread(eventually, until)
        looking.cancel()
        await asyncio.gather(looking, return_exceptions=True)

    later = now[0] + timedelta(hours=1)
    begins, ends = (f"{each:%Y%m%d%H%M%S}Z" for each in (later, later + timedelta(days=10)))
    authority.put(*authority.certify(2, days=f"-not_before {begins} -not_after {ends}"))
    asyncio.run(look(lambda: len(read) >= 3))
    assert (certificates.served.sha256, certificates.refused, said) == (before, True, ["certificate_refused"])
    now[0] = later + timedelta(seconds=1)
    asyncio.run(look(lambda: certificates.served.sha256 != before))
    assert (certificates.refused, said[1:]) == (False, ["certificate_reloaded"])


def test_a_signal_has_the_files_read_again(tmp_path, authority):
    """By each of several workers, also where nothing changed; and each gets what is new."""
    with running(tmp_path / "log.db", "--workers", "2", environment=authority.environment()) as server:
        server.process.send_signal(signal.SIGHUP)
        eventually(lambda: len(server.events("certificate_unchanged")) == 2)
        authority.serve(2)
        eventually(lambda: len(server.events("certificate_reloaded")) == 2)
        assert {authority.serial(server.port) for _ in range(12)} == {2}
        assert server.stop() == 0


def test_the_oldest_version_can_be_set(tmp_path, authority):
    """With 1.3, a client that knows only 1.2 gets no connection; after a reload too."""
    with running(tmp_path / "log.db", environment=authority.environment(FIFTHFACTOR_TLS_MINIMUM="1.3")) as server:
        for serial in (1, 2):
            assert authority.serial(server.port) == serial
            with pytest.raises((ssl.SSLError, ConnectionResetError)):
                authority.serial(server.port, maximum_version=ssl.TLSVersion.TLSv1_2)
            authority.serve(2)
            eventually(lambda: server.events("certificate_reloaded"))


def test_a_service_without_a_usable_pair_does_not_start(tmp_path, authority):
    """One setting without the other, a key of another, a file that is not there."""
    environment = authority.environment()
    alone = {"FIFTHFACTOR_TLS_KEY": environment["FIFTHFACTOR_TLS_KEY"]}
    authority.certify(2)[1].replace(authority.key)
    for given, sentence in (
        (alone, "set both FIFTHFACTOR_TLS_CERTIFICATE and FIFTHFACTOR_TLS_KEY, or none"),
        (environment, "is not that of the certificate"),
        ({**environment, "FIFTHFACTOR_TLS_CERTIFICATE": "nowhere.pem"}, "`nowhere.pem` cannot be read"),
    ):
        code, said = refused(tmp_path / "log.db", environment=given)
        assert (code, sentence in said) == (2, True), said
