"""A text of a draft as one line of plain text, which any file can hold: no control characters, no line breaks, no half characters."""

import re

from service.languages.visible_text import shown

_NO_CHARACTERS = re.compile("[\ufffe\uffff\ud800-\udfff]")  # XML has none of them


def plain_line(text: str) -> str:
    """The text in one line, with a mark in the place of each character that is no text."""
    return _NO_CHARACTERS.sub("\ufffd", shown(" ".join(text.split())))
