"""
The bytes of documents: what a caller sends goes in, the hash that the service computed and the media type that it saw come out.

A document is kept once, whoever sends it. The media type is told by the content, never by the sender. Only kinds are taken that a browser
can be kept from running: PDF, PNG, JPEG and plain text.
"""

import hashlib
import re
import secrets
from dataclasses import dataclass
from datetime import datetime, timedelta

import sqlalchemy as sa
from pydantic import BaseModel, Field

from service.callers.context import ReadingAll
from service.limits import UNATTACHED_DOCUMENT_HOURS
from service.log.document_erasure import erase_unattached, subject_of_document
from service.log.tree_leaves import LogEvent, append
from service.problems import RequestRefused
from service.store.moments import moment_text
from service.store.tables import document

PDF, PNG, JPEG, TEXT = "application/pdf", "image/png", "image/jpeg", "text/plain"
ENDINGS = {PDF: "pdf", PNG: "png", JPEG: "jpg", TEXT: "txt"}  # of the names of files

_PNG = b"\x89PNG\r\n\x1a\n"
_SHA256 = re.compile("[0-9a-f]{64}")
_LAYOUT = frozenset("\t\n\r\f")


class DocumentInfo(BaseModel, frozen=True):
    """The bytes of a document, as the service saw them."""

    sha256: str = Field(description="the SHA-256 of its bytes, as hexadecimal digits: state it as the `hash` of the document")
    size: int = Field(description="how many bytes it has")
    media_type: str = Field(description="what its content is: PDF, PNG, JPEG or plain text")


@dataclass(frozen=True, slots=True)
class InspectedBytes:
    """What was seen of bytes before they are kept."""

    info: DocumentInfo
    content: bytes


def see(content: bytes) -> InspectedBytes:
    """The hash and the media type of some bytes. It takes a while for many. Raises RequestRefused for what is not taken."""
    media_type = media_type_of(content)
    if media_type is None:
        kinds = "a PDF, a PNG or JPEG image, or plain text in UTF-8"
        raise RequestRefused("unsupported-media-type", f"a document is {kinds}; the content of this one is none of them")
    sha256 = hashlib.sha256(content).hexdigest()
    return InspectedBytes(DocumentInfo(sha256=sha256, size=len(content), media_type=media_type), content)


def media_type_of(content: bytes) -> str | None:
    """The media type of some bytes by their content; None if it is none of those that are taken."""
    match content:
        case b"":
            return None
        case _ if content.startswith((b"%PDF-1.", b"%PDF-2.")):
            return PDF
        case _ if content.startswith(_PNG) and content[12:16] == b"IHDR":
            return PNG
        case _ if content.startswith(b"\xff\xd8\xff"):
            return JPEG
        case _ if _is_text(content):
            return TEXT
    return None


def keep(transaction: sa.Connection, seen: InspectedBytes, now: datetime, by: str) -> str:
    """
    Keep the bytes of a document, in a writing transaction; returns the id of its row. Bytes that are kept already stay as they are.

    Documents that nobody attached to a decision within a day are erased meanwhile.
    """
    at, info = moment_text(now), seen.info
    erase_unattached(transaction, now - timedelta(hours=UNATTACHED_DOCUMENT_HOURS), at)
    known = transaction.execute(sa.select(document.c.id).where(document.c.sha256 == info.sha256)).scalar_one_or_none()
    if known is not None:
        return str(known)
    id = secrets.token_hex(8)
    row = {"id": id, **info.model_dump(), "content": seen.content, "kept_at": at, "kept_by": by}
    transaction.execute(sa.insert(document).values(row))
    shown = {"id": id, "size": info.size, "media_type": info.media_type}
    hidden = {"sha256": info.sha256, "by": by}
    append(transaction, LogEvent("document-kept", at, shown, hidden, subject_of_document(id), frozenset({"sha256"})))
    return id


def read(context: ReadingAll, sha256: str, connection: sa.Connection) -> InspectedBytes:
    """The bytes with a hash. Raises RequestRefused if they are not kept."""
    found = find(connection, sha256) if _SHA256.fullmatch(sha256) else None
    if found is None:
        raise RequestRefused("not-found", "no bytes with this hash are kept")
    return found


def find(connection: sa.Connection, sha256: str) -> InspectedBytes | None:
    """The bytes with a hash, None if they are not kept."""
    columns = (document.c.sha256, document.c.size, document.c.media_type, document.c.content)
    row = connection.execute(sa.select(*columns).where(document.c.sha256 == sha256)).one_or_none()
    if row is None or row.content is None:
        return None
    return InspectedBytes(DocumentInfo(sha256=row.sha256, size=row.size, media_type=row.media_type), bytes(row.content))


def is_kept(connection: sa.Connection, sha256: str) -> bool:
    """Whether the bytes with a hash are kept; they are not read."""
    query = sa.select(document.c.id).where(document.c.sha256 == sha256, document.c.content.is_not(None))
    return connection.execute(query).first() is not None


def _is_text(content: bytes) -> bool:
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        return False
    unprintable = (each for each in set(text) - _LAYOUT if each < " " or "\x7f" <= each < "\xa0" or "\ud800" <= each < "\ue000")
    return bool(text) and next(unprintable, None) is None
