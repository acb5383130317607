"""
The errors that a client raises in place of an answer. None of them is a permit.

Messages hold no value of an exchange and no key.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One error in the body that was sent: a JSON Pointer to it, a code and a sentence."""

    pointer: str
    code: str
    detail: str


class ClientError(Exception):
    """There is no answer. The base of all errors of the client."""


class Unavailable(ClientError):
    """No answer in time: there is no connection, or the service is too slow or too busy. `status` is that of the last answer, if any."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class Malformed(ClientError):
    """The answer is not a complete and consistent answer of the service. Perhaps a proxy sent it."""


class Refused(ClientError):
    """
    The service refused the call. The fields are those of its problem document (RFC 9457).

    `kind` is the end of the type, like `exchange-refused`. `errors` are the wrong places, if the document names any.
    """

    def __init__(
        self, status: int, kind: str, title: str, detail: str, request_id: str = "", errors: tuple[Place, ...] = ()
    ) -> None:
        super().__init__(f"{status} {kind}: {detail}" + "".join(f"\n  {each.pointer}: {each.detail}" for each in errors))
        self.status = status
        self.kind = kind
        self.title = title
        self.detail = detail
        self.request_id = request_id
        self.errors = errors
