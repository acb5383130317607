"""
TLS of the service: the files of a certificate and of its key go in, what new connections are served with comes out.

The files are read again when they change on the disk, and after a SIGHUP. What was refused is tried again now and then: a certificate may
be valid from a little later on, or a file be handed over only after it was written. Connections that are open go on as they began: only
what begins afterwards has the new certificate.

- INVARIANT (all or nothing): the certificate and the key are replaced together, and only by a pair that belongs together and whose
  certificate is valid now. Otherwise the pair before goes on, and a line says why.
- INVARIANT (no prompt, no secret): a key with a passphrase is refused, and no line holds anything of a key.
"""

import asyncio
import ssl
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from datetime import datetime
from hashlib import sha256
from pathlib import Path
from time import monotonic
from typing import Any, Self

from structlog.typing import FilteringBoundLogger

from service.settings import Settings

LOOK_SECONDS = 1.0  # between looks at the files
AGAIN_SECONDS = 10.0  # between attempts to take what was refused
MOST_BYTES = 1024 * 1024
_TRIES = 3  # where the files change while they are read
_VERSIONS = {"1.2": ssl.TLSVersion.TLSv1_2, "1.3": ssl.TLSVersion.TLSv1_3}

_FileState = tuple[tuple[int, int, int], ...]  # of both files: their numbers, when they were written, their sizes


class CertificateRefused(Exception):
    """The certificate or its key cannot be used; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class CertificateFiles:
    """The files of a certificate and of its key, and the oldest version of TLS that is spoken."""

    certificate: Path
    key: Path
    minimum: str

    def state(self) -> _FileState:
        """By which a change is noticed; a link that leads elsewhere is one."""
        found = []
        for file in (self.certificate, self.key):
            with suppress(OSError):
                status = file.stat()
                found.append((status.st_ino, status.st_mtime_ns, status.st_size))
        return tuple(found)

    def read(self) -> "ServedCertificate":
        """What the files hold now. Raises CertificateRefused."""
        for _ in range(_TRIES):
            pem = _read(self.certificate)
            context = self._context()
            if _read(self.certificate) == pem:
                return _served(context, pem, self.certificate)
        raise CertificateRefused(f"the certificate `{self.certificate}` changes while it is read")

    def _context(self) -> ssl.SSLContext:
        _read(self.key)  # which says what is wrong with the file better than the library
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = _VERSIONS[self.minimum]
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self.certificate, self.key, _no_passphrase)
        except ssl.SSLError as refused:
            raise CertificateRefused(_reason(refused, self)) from None
        except OSError as refused:
            raise CertificateRefused(f"the certificate and its key cannot be read: {refused.strerror}") from None
        return context


@dataclass(frozen=True, slots=True)
class ServedCertificate:
    """A certificate that is served: the digest of its bytes, and until when it is valid."""

    context: ssl.SSLContext
    sha256: str
    begins: datetime
    until: datetime

    def valid(self, now: datetime) -> bool:
        """Whether it is valid now."""
        return self.begins <= now < self.until


class Certificates:
    """The certificate that is served now. `work` belongs to one event loop; `ask` may be called in a signal's handler."""

    def __init__(self, files: CertificateFiles, say: FilteringBoundLogger, clock: Callable[[], datetime]) -> None:
        """Raises CertificateRefused."""
        self.refused = False  # what is in the files now
        self._files, self._say, self._clock = files, say, clock
        self._seen = files.state()  # before the files are read
        self._asked = False
        self._again = 0.0  # when what was refused is tried again
        self._told = ""  # why it was, as the last line says
        self.served = files.read()
        # Each connection begins with the first context, and takes the present one before anything is sent.
        self.context = self.served.context
        self.context.sni_callback = self._choose

    @classmethod
    def open(cls, settings: Settings, say: FilteringBoundLogger, clock: Callable[[], datetime]) -> Self | None:
        """The certificate of the settings, None if there is none. Raises CertificateRefused."""
        if settings.tls_certificate is None or settings.tls_key is None:
            return None
        files = CertificateFiles(settings.tls_certificate, settings.tls_key, settings.tls_minimum)
        opened = cls(files, say, clock)
        if not opened.served.valid(clock()):
            say.error("certificate_not_valid", sha256=opened.served.sha256, until=opened.served.until.isoformat())
        return opened

    def ask(self) -> None:
        """Have the files read again soon, whether they changed or not."""
        self._asked = True

    async def work(self) -> None:
        """Read the files again when they changed or when it is asked for, until cancelled."""
        while True:
            await asyncio.sleep(LOOK_SECONDS)
            asked, self._asked = self._asked, False
            state = await asyncio.to_thread(self._files.state)
            if asked or state != self._seen:
                self._seen, self._told = state, ""
                await asyncio.to_thread(self._renew)
            elif self.refused and monotonic() >= self._again:
                await asyncio.to_thread(self._renew)

    def _renew(self) -> None:
        before, now = self.served, self._clock()
        try:
            found = self._files.read()
            if before.valid(now) and not found.valid(now):
                raise CertificateRefused(f"it is valid from {found.begins.isoformat()} until {found.until.isoformat()} only")
        except CertificateRefused as refused:
            self.refused, self._again = True, monotonic() + AGAIN_SECONDS
            if str(refused) != self._told:
                self._told, until = str(refused), before.until.isoformat()
                self._say.error("certificate_refused", reason=self._told, live=before.sha256, live_until=until)
            return
        self.served, self.refused = found, False
        if found.sha256 == before.sha256:
            self._say.info("certificate_unchanged", sha256=found.sha256, until=found.until.isoformat())
        else:
            self._say.info("certificate_reloaded", before=before.sha256, after=found.sha256, until=found.until.isoformat())

    def _choose(self, connection: Any, name: str | None, context: ssl.SSLContext) -> None:
        """A connection begins. This is called whether the client names a host or not."""
        connection.context = self.served.context


def _read(file: Path) -> bytes:
    """The bytes of a file in PEM. Raises CertificateRefused."""
    try:
        with file.open("rb") as opened:
            content = opened.read(MOST_BYTES + 1)
    except OSError as refused:
        raise CertificateRefused(f"the file `{file}` cannot be read: {refused.strerror}") from None
    if len(content) > MOST_BYTES or b"-----BEGIN " not in content:
        raise CertificateRefused(f"the file `{file}` is not a PEM file of at most {MOST_BYTES >> 10} KiB")
    return content


def _served(context: ssl.SSLContext, pem: bytes, file: Path) -> ServedCertificate:
    from cryptography import x509  # some megabytes, and most services have a proxy before them

    try:
        found = x509.load_pem_x509_certificate(pem)
    except ValueError:
        raise CertificateRefused(f"the file `{file}` does not begin with a certificate that can be read") from None
    return ServedCertificate(context, sha256(pem).hexdigest(), found.not_valid_before_utc, found.not_valid_after_utc)


def _no_passphrase() -> str:
    raise CertificateRefused("the key has a passphrase: give one without, in a file that only the service can read")


def _reason(refused: ssl.SSLError, files: CertificateFiles) -> str:
    match refused.reason:
        case "KEY_VALUES_MISMATCH" | "KEY_TYPE_MISMATCH":
            return f"the key `{files.key}` is not that of the certificate `{files.certificate}`"
        case reason:
            return f"the certificate `{files.certificate}` and the key `{files.key}` are no usable pair: {reason or 'not readable'}"
