"""Webhooks: only where they may go, signed, again until they arrive, and without anything personal."""

import base64
import hmac
import ipaddress
import json
import socket
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, timedelta
from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from service.settings import SettingRefused
from service.settings.settings_sources import settings_from
from service.watch import daily_rounds, webhook_connections
from service.watch.transactions import writing
from service.watch.webhook_connections import WebhookUnreachable
from service.watch.webhook_delivery import MOST, PAUSES, Deliveries, undelivered
from tests.service.conftest import BOTH_DATABASES, Lines, eventually
from tests.service.watch.test_week import CERTIFICATE, Desk
from tests.service.watch.test_week import opened as opened  # a fixture

KEY = bytes(range(32))


@dataclass
class Receiver:
    """A webhook on this machine: what it was sent, and what it answers next (200 without more)."""

    address: str
    authorities: Path
    answers: list[int] = field(default_factory=list)
    sent: list[tuple[dict[str, str], bytes]] = field(default_factory=list)


@pytest.fixture
def receiver(tmp_path: Path) -> Iterator[Receiver]:
    """A server with a certificate for `localhost`."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    now = datetime.now(UTC)
    made = x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number(), now, now + timedelta(days=1))
    made = made.add_extension(x509.SubjectAlternativeName([x509.DNSName("localhost")]), critical=False)
    made = made.add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
    certificate = tmp_path / "receiver.pem"
    private = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    certificate.write_bytes(made.sign(key, hashes.SHA256()).public_bytes(serialization.Encoding.PEM))
    (tmp_path / "receiver.key").write_bytes(private)
    found = Receiver("", certificate)

    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["content-length"]))
            found.sent.append(({name.lower(): value for name, value in self.headers.items()}, body))
            self.send_response(found.answers.pop(0) if found.answers else 200)
            self.send_header("location", "https://localhost/elsewhere")
            self.send_header("content-length", "0")
            self.end_headers()

        def log_message(self, *_: Any) -> None:
            pass

    server = HTTPServer(("127.0.0.1", 0), Handler)
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(certificate, tmp_path / "receiver.key")
    server.socket = context.wrap_socket(server.socket, server_side=True)
    found.address = f"https://localhost:{server.server_port}/hook?token=abc"
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    yield found
    server.shutdown()
    server.server_close()


@pytest.fixture
def secret(tmp_path: Path) -> Path:
    """The file with the secret."""
    path = tmp_path / "webhook-secret"
    path.write_text(f"whsec_{base64.b64encode(KEY).decode()}\n")
    return path


@BOTH_DATABASES
def test_an_event_is_sent_signed_until_it_arrives(opened: Any, receiver: Receiver, secret: Path) -> None:
    """Under one id, with longer and longer pauses, also if the process dies meanwhile; a redirect is not followed."""
    where = {"webhooks": (receiver.address,), "webhook_secret": secret, "webhook_authorities": receiver.authorities}
    desk: Desk = opened(watch_days=0, webhook_private=True, **where)
    desk.commit("practice-of-dr-li-na", data__kind="certified", evidence__certificate=CERTIFICATE)
    desk.round(date(2027, 3, 2))
    write, deliveries = writing(desk.service), Deliveries(desk.service)
    receiver.answers = [500, 302]
    assert deliveries.deliver(write) == (0, 1)
    assert deliveries.deliver(write) == (0, 0)  # not yet
    desk.now[0] += PAUSES[0]
    assert deliveries.deliver(write) == (0, 1)
    desk.now[0] += PAUSES[1]
    write(lambda transaction: deliveries._take(transaction, set(deliveries._addresses)))  # and then the process dies
    assert deliveries.deliver(write) == (0, 0)
    desk.now[0] += PAUSES[2]
    assert deliveries.any_due()
    assert deliveries.deliver(write) == (1, 0)
    assert not deliveries.any_due()
    assert len(receiver.sent) == 3
    assert len({headers["webhook-id"] for headers, _ in receiver.sent}) == 1
    headers, body = receiver.sent[-1]
    signed = f"{headers['webhook-id']}.{headers['webhook-timestamp']}.".encode() + body
    code = base64.b64encode(hmac.digest(KEY, signed, "sha256")).decode()
    assert headers["webhook-signature"] == f"v1,{code}"
    assert headers["content-type"].startswith("application/cloudevents+json")
    (listed,) = desk.events()
    event = json.loads(body)
    assert {"because", "changes"} <= listed["data"].keys()
    hidden = {name: listed["data"].pop(name) for name in ("because", "changes")}
    assert event == listed
    assert "li-na" not in body.decode()
    assert hidden["because"][0] not in body.decode()


def test_a_running_service_sends_by_itself(
    opened: Any, receiver: Receiver, secret: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """What a round tells arrives, without a call of anybody."""
    monkeypatch.setattr(daily_rounds, "LOOK_SECONDS", 0.02)
    where = {"webhooks": (receiver.address,), "webhook_secret": secret, "webhook_authorities": receiver.authorities}
    desk: Desk = opened(watch_days=0, watch_commitments=True, webhook_private=True, **where)
    id = desk.commit("a", data__kind="new-rule")
    desk.now[0] = datetime(2027, 3, 4, 12, tzinfo=UTC)
    eventually(lambda: receiver.sent)
    assert json.loads(receiver.sent[0][1])["subject"] == id
    eventually(lambda: 'fifthfactor_webhook_attempts_total{result="delivered"} 1.0' in desk.client.get("/metrics").text)


def test_what_is_gone_or_never_answers_is_given_up(opened: Any, receiver: Receiver, secret: Path, lines: Lines) -> None:
    """A 410 at once, everything else after the last attempt; the log says so, without the address's secret."""
    where = {"webhooks": (receiver.address,), "webhook_secret": secret, "webhook_authorities": receiver.authorities}
    desk: Desk = opened(watch_days=0, webhook_private=True, **where)
    for number in range(2):
        desk.commit(f"n{number}", data__kind="new-rule")
    desk.round(date(2027, 3, 4))
    write, deliveries = writing(desk.service), Deliveries(desk.service)
    receiver.answers = [410, *[503] * MOST]
    attempts = 0
    while attempts <= MOST and any(deliveries.deliver(write)):
        attempts += 1
        desk.now[0] += timedelta(days=1)
    assert len(receiver.sent) == MOST + 1
    assert not deliveries.any_due()
    assert deliveries.counts == {"delivered": 0, "failed": MOST - 1, "given-up": 2}
    with desk.service.store.database.looking(1) as connection:
        assert undelivered(connection) == (0, 2)
    assert [each["given_up"] for each in lines.events("webhook_failed")].count(True) == 2
    assert "token" not in lines.getvalue()


@pytest.mark.parametrize(
    ("address", "public"),
    [
        *((each, False) for each in ("127.0.0.1", "10.1.2.3", "192.168.1.1", "172.16.0.1", "169.254.169.254", "0.0.0.0")),
        *((each, False) for each in ("::1", "fe80::1", "fc00::1", "::ffff:10.0.0.1", "64:ff9b::7f00:1", "2002:7f00:1::")),
        *((each, False) for each in ("64:ff9b:1::a00:1", "fec0::1", "::127.0.0.1", "::ffff:0:10.0.0.1", "192.88.99.1")),
        *((each, False) for each in ("4000::1", "5f00::1", "100:0:0:1::1", "3fff::1", "2001:db8::1", "192.0.0.9")),
        *((each, False) for each in ("100.64.0.1", "224.0.0.1", "255.255.255.255", "ff02::1", "::")),
        *((each, True) for each in ("93.184.216.34", "2606:2800:220:1::", "64:ff9b::5db8:d822")),
    ],
)
def test_an_address_is_public_or_not(address: str, public: bool) -> None:
    """Also where IPv6 carries IPv4."""
    assert webhook_connections.is_public(ipaddress.ip_address(address)) is public


def test_a_name_is_judged_by_the_address_that_is_connected_to(receiver: Receiver, monkeypatch: pytest.MonkeyPatch) -> None:
    """A name that resolves to this machine is refused unless it is allowed, and a certificate is for the name."""
    real, port = socket.getaddrinfo, int(receiver.address.split(":")[2].split("/")[0])

    def here(host: str, *rest: Any, **more: Any) -> Any:
        return real("127.0.0.1", *rest, **more)

    monkeypatch.setattr(socket, "getaddrinfo", here)
    with pytest.raises(WebhookUnreachable, match="not public"):
        webhook_connections.post(receiver.address, b"{}", {}, private=False, authorities=receiver.authorities)
    assert webhook_connections.post(receiver.address, b"{}", {}, private=True, authorities=receiver.authorities) == 200
    with pytest.raises(WebhookUnreachable):
        webhook_connections.post(
            f"https://hooks.example.com:{port}/", b"{}", {}, private=True, authorities=receiver.authorities
        )
    assert len(receiver.sent) == 1


@pytest.mark.parametrize(
    "address", ["http://hooks.example.com/", "https://u:p@hooks.example.com/", "https://", "ftp://x/", "https://x/#y"]
)
def test_an_address_that_is_not_safe_is_no_setting(address: str, secret: Path) -> None:
    """Nor is an address without a secret to sign by."""
    with pytest.raises(SettingRefused):
        settings_from({"FIFTHFACTOR_WEBHOOKS": address, "FIFTHFACTOR_WEBHOOK_SECRET": str(secret)})
    with pytest.raises(SettingRefused, match="FIFTHFACTOR_WEBHOOK_SECRET"):
        settings_from({"FIFTHFACTOR_WEBHOOKS": "https://hooks.example.com/"})
