"""
What a client raises in place of an answer. None of it is a permit.

Messages hold no value of an exchange and no key.
"""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Place:
    """One thing that is wrong in what was sent: a JSON Pointer to it, a code, a sentence."""

    pointer: str
    code: str
    detail: str


class ClientError(Exception):
    """There is no answer. The base of all that a client raises of its own."""


class Unavailable(ClientError):
    """No answer in time: no connection, too slow, or the service has too much to do. `status` is that of the last answer, if any."""

    def __init__(self, reason: str, status: int | None = None) -> None:
        super().__init__(reason)
        self.status = status


class Malformed(ClientError):
    """Something came that is no whole and consistent answer of the service; perhaps of somebody in between."""


class Refused(ClientError):
    """
    The service refuses: its problem document (RFC 9457), field by field.

    `kind` is the end of its type, like `exchange-refused`; `errors` are the places that are wrong, where it names some.
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
