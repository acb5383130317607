"""
The signed list of withdrawals: the commitments that ended early and whose receipts could still be shown, in pages.

A page is a C2SP signed note under the log's key, with the text:

    fifthfactor/withdrawals/1
    <origin: the name of the log>
    issued <moment>
    expires <moment>
    since <moment>
    after <place, or - on the first page>
    next <place, or - on the last page>
    <id of the commitment> <withdrawn or superseded> <moment>
    …

The list has every commitment that was made at or after `since` and ended before `issued`. The pages of one list follow one another:
`after` is the `next` of the page before. So nobody can leave out a page, or its end, and no checkpoint can be taken for a page.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from types import MappingProxyType
from typing import Final

from ..transparency.signed_note import Note, NoteRefused, SignatureType, SignerKey, VerifierKey, verify_note
from ..transparency.text_encodings import from_decimal

SCHEMA: Final = "fifthfactor/withdrawals/1"
STATES: Final = ("withdrawn", "superseded")

_NONE = "-"
_HEAD = ("issued", "expires", "since", "after", "next")


class WithdrawalsInvalid(ValueError):
    """These bytes are no page of a list of withdrawals, or pages do not belong together; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Ended:
    """A commitment that ended: `state` is withdrawn, or superseded if another one replaces it."""

    commitment: str
    state: str
    at: datetime


@dataclass(frozen=True, slots=True)
class WithdrawalsPage:
    """A page of the list; `after` and `next` are places in it, None before the first and after the last page."""

    origin: str
    issued: datetime
    expires: datetime
    since: datetime
    after: int | None
    next: int | None
    ended: tuple[Ended, ...]

    def signed(self, key: SignerKey) -> Note:
        """The page as a note, signed by the log."""
        text = self.text()
        return Note(text, (key.signed(text),))

    def text(self) -> str:
        """The text of the note."""
        places = (_NONE if place is None else str(place) for place in (self.after, self.next))
        values = (*map(_moment_text, (self.issued, self.expires, self.since)), *places)
        head = [SCHEMA, self.origin, *(f"{name} {value}" for name, value in zip(_HEAD, values, strict=True))]
        return "".join(f"{line}\n" for line in (*head, *(f"{e.commitment} {e.state} {_moment_text(e.at)}" for e in self.ended)))

    @staticmethod
    def parse(text: str) -> "WithdrawalsPage":
        """The page in the text of a note. Who signed it is not looked at. Raises WithdrawalsInvalid."""
        schema, origin, *rest = text.removesuffix("\n").split("\n") if text.count("\n") > 1 + len(_HEAD) else ("", "")
        if schema != SCHEMA:
            raise WithdrawalsInvalid(f"the note is not a page of the shape `{SCHEMA}`")
        head, lines = [line.split(" ") for line in rest[: len(_HEAD)]], [line.split(" ") for line in rest[len(_HEAD) :]]
        if [words[0] for words in head] != list(_HEAD) or any(len(words) != 2 for words in head):
            raise WithdrawalsInvalid("a page does not say when it was issued, when it expires, and where it stands in the list")
        if any(len(words) != 3 or words[1] not in STATES for words in lines):
            raise WithdrawalsInvalid("a line of a page is not the id of a commitment, its state and a moment")
        issued, expires, since, after, following = (words[1] for words in head)
        ended = tuple(Ended(id, state, _moment(at)) for id, state, at in lines)
        return WithdrawalsPage(
            origin, _moment(issued), _moment(expires), _moment(since), _place(after), _place(following), ended
        )


@dataclass(frozen=True, slots=True)
class Withdrawals:
    """A whole list of one log, verified: the commitments that ended, by id. It speaks of those made since a moment, as of `issued`."""

    origin: str
    issued: datetime
    expires: datetime
    since: datetime
    ended: Mapping[str, Ended] = field(default_factory=lambda: MappingProxyType({}))


def verified_withdrawals(notes: Sequence[bytes], log_keys: Iterable[VerifierKey]) -> Withdrawals:
    """
    The list in all its pages, in their order, each signed by the log of one of these keys. Raises WithdrawalsInvalid.

    It expires with the page that expires first, and was issued when its oldest page was.
    """
    keys = tuple(log_keys)
    pages: list[WithdrawalsPage] = []
    for data in notes:
        try:
            note = Note.parse(data)
            page = WithdrawalsPage.parse(note.text)
            verify_note(note, [key for key in keys if key.name == page.origin and key.type is SignatureType.NOTE])
        except NoteRefused as refused:
            raise WithdrawalsInvalid(f"a page is not signed by the log: {refused}") from None
        pages.append(page)
    if not pages or len({page.origin for page in pages}) > 1:
        raise WithdrawalsInvalid("the pages are not those of one log")
    if [page.after for page in pages] != [None, *(page.next for page in pages[:-1])] or pages[-1].next is not None:
        raise WithdrawalsInvalid("the pages are not the whole list in its order: a page is missing, or stands in another place")
    return Withdrawals(
        pages[0].origin,
        min(page.issued for page in pages),
        min(page.expires for page in pages),
        max(page.since for page in pages),
        MappingProxyType({each.commitment: each for page in pages for each in page.ended}),
    )


def _moment_text(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


def _moment(text: str) -> datetime:
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise WithdrawalsInvalid("a page has a moment that cannot be read") from None
    if found.tzinfo is None:
        raise WithdrawalsInvalid("a moment of a page names no time zone")
    return found


def _place(text: str) -> int | None:
    place = from_decimal(text)
    if place is None and text != _NONE:
        raise WithdrawalsInvalid("a page does not say where it stands in the list")
    return place
