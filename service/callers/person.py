"""
A person: whoever an issuer of identities names by a subject.

Two callers are the same person if their issuer and their subject are the same, however they come in: by a key that belongs to the person,
by a token, or by signing in. Two spellings of one issuer (`one_spelling`) are the same.
Source: OpenID Connect Core 1.0, section 2, on `iss` and `sub`.
"""

import re
from dataclasses import dataclass, field

MOST_OF_AN_ISSUER = 512  # characters
MOST_OF_A_NAME = 200

_ISSUER = re.compile(r"https?://[!-~]{1,500}")
_SUBJECT = re.compile(r"[!-~]{1,255}")


@dataclass(frozen=True, slots=True)
class Person:
    """A person by her `issuer` and `subject`. `name` is what the issuer calls her, None if it did not say; it tells nobody apart."""

    issuer: str
    subject: str
    name: str | None = field(default=None, compare=False)

    @property
    def shown(self) -> str:
        """Her name, or her subject if she has none."""
        return self.name or self.subject


def one_spelling(issuer: str) -> str:
    """
    The address of an issuer in one spelling: without a slash at its end, with its scheme and host in small letters.

    OpenID Connect compares issuers letter by letter, so a token of another spelling is refused. But whoever types an issuer for a key may
    leave out the slash, and would make a second person of one.
    """
    scheme, _, rest = issuer.partition("://")
    host, slash, path = rest.partition("/")
    return f"{scheme.lower()}://{host.lower()}{slash}{path}".rstrip("/")


def is_person(issuer: str, subject: str) -> bool:
    """Whether an issuer and a subject can name a person: the address of the issuer, and 1 to 255 visible ASCII characters."""
    return len(issuer) <= MOST_OF_AN_ISSUER and bool(_ISSUER.fullmatch(issuer)) and bool(_SUBJECT.fullmatch(subject))
