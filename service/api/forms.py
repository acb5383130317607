"""The forms of the pages: the bytes that a browser sends go in, the fields of a form that a page of this service made come out."""

from collections.abc import Mapping, Sequence
from urllib.parse import parse_qs

from fastapi import Request

from service.api.request_bodies import body
from service.callers.caller import Caller
from service.drafts import form_token
from service.problems import RequestRefused
from service.service import Service

Fields = Mapping[str, Sequence[str]]

_KIND = "application/x-www-form-urlencoded"
_MOST_FIELDS = 1_000


async def fields_of(service: Service, request: Request, caller: Caller, limit: int) -> Fields:
    """The members of a form of at most `limit` bytes that a page of this service sent. Raises RequestRefused."""
    raw = await body(request, limit, _KIND)
    try:
        fields = parse_qs(raw.decode(), keep_blank_values=True, max_num_fields=_MOST_FIELDS, errors="strict")
    except (UnicodeDecodeError, ValueError):
        raise RequestRefused("bad-request", "the form cannot be read") from None
    if any("\x00" in each for values in fields.values() for each in values):
        raise RequestRefused("bad-request", "the form cannot be read")
    form_token.check(service, caller.id, first(fields, "token"))
    return fields


def first(fields: Fields, name: str) -> str:
    """The first value of a field, "" if it was not sent."""
    return next(iter(fields.get(name, ())), "")
