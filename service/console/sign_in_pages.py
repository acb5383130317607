"""
Renders the pages on which one signs in and out, and the page for who may not see another one.

What an issuer says is shown as a code at most, never as a sentence of its own: anybody can send an address with a sentence in it.
"""

import re
from dataclasses import dataclass

from service.console.pages import rendered
from service.console.reader import PageReader
from service.languages.words import text_for, text_if_any

_ERROR = re.compile(r"[a-z][a-z_]{0,63}")  # of the issuer, RFC 6749, section 4.1.2.1


@dataclass(frozen=True, slots=True)
class Ways:
    """How one may sign in: the host of the issuer, if there is one, and whether nobody needs to."""

    issuer: str | None
    needed: bool


def sign_in_page(ways: Ways, next: str, token: str, reader: PageReader, wrong: str = "") -> str:
    """The page on which one signs in. `token` is for the form with the key; `wrong` is the word for what was wrong with it."""
    words = reader.words.sign_in
    filters = {"next": next} if next != "/" else {}
    return rendered(
        "sign_in.html",
        reader,
        "/sign-in",
        s=words,
        filters=filters,
        ways=ways,
        next=next,
        token=token,
        wrong=text_for(words, wrong) if wrong else "",
    )


def failed_page(code: str, reader: PageReader) -> str:
    """The page that says why nobody was signed in. `code` is a word of the pages, or an error of the issuer."""
    words = reader.words.sign_in
    why = text_if_any(words, code)
    if not why:
        why = words["refused_there"].format(code) if _ERROR.fullmatch(code) else words["wrong_answer"]
    return rendered("signed_out.html", reader, "/sign-in", s=words, title=words["failed"], texts=[why], also=None)


def signed_out_page(issuer: str | None, address: str | None, reader: PageReader) -> str:
    """The page after signing out. At `address` one signs out at the issuer too."""
    words = reader.words.sign_in
    also = None if address is None or issuer is None else (address, words["also_there"].format(issuer))
    texts = [words["signed_out_text"], *([words["also_there_text"].format(issuer)] if also else [])]
    return rendered("signed_out.html", reader, "/sign-out", s=words, title=words["signed_out"], texts=texts, also=also)


def not_allowed_page(detail: str, reader: PageReader) -> str:
    """The page for who may not see another one; the frame says what she may do if she is signed in."""
    words = reader.words.sign_in
    return rendered("not_allowed.html", reader, "/", s=words, detail=detail)
