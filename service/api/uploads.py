"""
The forms of pages that may hold a file: a bounded body goes in, its fields and the bytes of its file come out.

Starlette's parser (python-multipart) reads a body that is whole and in memory already; no part of it is written to a disk.
"""

from collections.abc import AsyncGenerator, Mapping
from dataclasses import dataclass
from urllib.parse import parse_qsl

from fastapi import Request
from starlette.datastructures import UploadFile
from starlette.formparsers import MultiPartException, MultiPartParser

from service.api.request_bodies import body
from service.problems import RequestRefused

URLENCODED, MULTIPART = "application/x-www-form-urlencoded", "multipart/form-data"
MOST_FIELDS = 20
MOST_BESIDE = 32 * 1024  # bytes beside the file


@dataclass(frozen=True, slots=True)
class SentForm:
    """The fields of a form, each once, and the bytes of its file, None without one."""

    fields: Mapping[str, str]
    file: bytes | None


class _InMemory(MultiPartParser):
    """Keeps a file in memory, whatever its size: the body that it comes from is bounded."""

    spool_max_size = 0  # no limit


async def form(request: Request, most_of_a_file: int) -> SentForm:
    """A form with at most one file. Raises RequestRefused."""
    kind = request.headers.get("content-type", "").partition(";")[0].strip().lower()
    if kind == URLENCODED:
        raw = await body(request, MOST_BESIDE, None)
        try:
            pairs = parse_qsl(raw.decode(), keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
        except ValueError:
            raise unreadable() from None
        return SentForm(_fields(pairs), None)
    if kind != MULTIPART:
        raise RequestRefused("unsupported-media-type", f"send a form as `{URLENCODED}` or `{MULTIPART}`")
    raw = await body(request, most_of_a_file + MOST_BESIDE, None)

    async def whole() -> AsyncGenerator[bytes, None]:
        yield raw

    parser = _InMemory(request.headers, whole(), max_files=1, max_fields=MOST_FIELDS, max_part_size=MOST_BESIDE)
    try:
        found = await parser.parse()
    except (MultiPartException, ValueError, LookupError):
        raise unreadable() from None
    files = [value for _, value in found.multi_items() if isinstance(value, UploadFile)]
    content = await files[0].read() if files else None
    await found.close()
    if content is not None and len(content) > most_of_a_file:
        raise RequestRefused("body-too-large", f"a document may have at most {most_of_a_file} bytes")
    return SentForm(_fields([(name, value) for name, value in found.multi_items() if isinstance(value, str)]), content)


def unreadable() -> RequestRefused:
    """The refusal of a form that cannot be read."""
    return RequestRefused("bad-request", "the form cannot be read")


def _fields(pairs: list[tuple[str, str]]) -> dict[str, str]:
    fields = dict(pairs)
    if len(fields) < len(pairs) or any("\x00" in each for pair in pairs for each in pair):
        raise unreadable()
    return fields
