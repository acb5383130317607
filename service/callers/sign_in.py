"""
One attempt to sign in: what the browser keeps of it, and the values that are derived from that.

The browser keeps a cookie with a random text, the moment, the page to go to, and a seal under the log's key. `state`, `nonce` and the code
verifier of PKCE are codes under the same key over the random text: whoever has no cookie of this service cannot come back with a state
that it accepts, and the verifier is in no browser. Nothing is written before somebody has signed in, so strangers cannot fill a table.

Sources: RFC 9700, section 2.1 (state, PKCE); OpenID Connect Core 1.0, section 3.1.2.1 (nonce).
"""

import base64
import binascii
import hashlib
import hmac
import re
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from urllib.parse import unquote, urlsplit

MINUTES = 10  # that an attempt may take
MOST_OF_AN_ADDRESS = 1_500
_DOMAIN = b"fifthfactor/sign-in/1\x00"
_COOKIE = re.compile(r"([A-Za-z0-9_-]{43})\.([0-9]{1,12})\.([A-Za-z0-9_-]{0,2100})\.([0-9a-f]{64})")

Seal = Callable[[bytes], bytes]


@dataclass(frozen=True, slots=True)
class SignInAttempt:
    """An attempt. `next` is the page to go to when it succeeds."""

    cookie: str
    next: str
    state: str
    nonce: str
    verifier: str
    form_token: str

    @property
    def digest(self) -> str:
        """By what no attempt signs in twice."""
        return hashlib.sha256(self.state.encode()).hexdigest()

    def is_of(self, state: str) -> bool:
        """Whether this attempt has a state."""
        return hmac.compare_digest(self.state.encode(), state.encode())

    def sent_form(self, token: str) -> bool:
        """Whether a form with this token belongs to the page of this attempt."""
        return hmac.compare_digest(self.form_token.encode(), token.encode())


class SignInAttempts:
    """The attempts at a service. `seal` is a code under a secret key."""

    def __init__(self, seal: Seal, clock: Callable[[], datetime]) -> None:
        self._seal = seal
        self._clock = clock

    def begin(self, next: str) -> SignInAttempt:
        """A new attempt."""
        kept = f"{secrets.token_urlsafe(32)}.{int(self._clock().timestamp())}.{_encoded(next)}"
        return self._attempt(kept, next)

    def read(self, cookie: str) -> SignInAttempt | None:
        """The attempt of a cookie; None where this service did not make it, or made it too long ago."""
        found = _COOKIE.fullmatch(cookie)
        if found is None:
            return None
        kept = cookie.rpartition(".")[0]
        if not hmac.compare_digest(self._code("cookie", kept), found[4]):
            return None
        seconds = self._clock().timestamp() - int(found[2])
        if not -1 <= seconds <= MINUTES * 60:
            return None
        try:
            return self._attempt(kept, base64.urlsafe_b64decode(found[3] + "=" * (-len(found[3]) % 4)).decode())
        except (binascii.Error, UnicodeDecodeError):
            return None

    def _attempt(self, kept: str, next: str) -> SignInAttempt:
        random = kept.partition(".")[0]
        derived = (self._code(each, random) for each in ("state", "nonce", "verifier", "form"))
        return SignInAttempt(f"{kept}.{self._code('cookie', kept)}", next, *derived)

    def _code(self, what: str, text: str) -> str:
        return self._seal(_DOMAIN + f"{what}\x00{text}".encode()).hex()


def local_page(address: str, is_page: Callable[[str], bool]) -> str | None:
    """
    An address if it is one of a page of this service, as a path with a query; None for everything else.

    It begins with exactly one slash and has neither a scheme, a host, a fragment, a backslash, a space nor a control character.
    """
    if not 0 < len(address) <= MOST_OF_AN_ADDRESS or not address.isascii() or not address.isprintable():
        return None
    if not address.startswith("/") or address.startswith("//") or any(each in address for each in "\\# "):
        return None
    try:
        parts = urlsplit(address)
    except ValueError:
        return None
    path = unquote(parts.path)
    if parts.scheme or parts.netloc or not path.isprintable() or "\\" in path or "//" in path:
        return None
    return address if is_page(path) and not {".", ".."} & set(path.split("/")) else None


def _encoded(text: str) -> str:
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")  # what a cookie may hold without quotes
