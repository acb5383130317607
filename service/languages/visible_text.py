"""Text that a person writes in her own words, all of which is seen: in any script, without characters that only a screen obeys."""

import re

# Control characters but the tabulator and the end of a line, and marks and overrides of direction, as a class of a pattern.
OBEYED = r"\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u202a-\u202e\u2066-\u2069"
# A text of which something can be seen, as a pattern for schemas.
PATTERN = rf"^[^{OBEYED}]*[^\s{OBEYED}][^{OBEYED}]*$"
_OBEYED = re.compile(f"[{OBEYED}]")


def is_plain(text: str) -> bool:
    """Whether a text has none of these characters."""
    return _OBEYED.search(text) is None


def shown(text: str) -> str:
    """The text with a mark in the place of each of them."""
    return _OBEYED.sub("\ufffd", text)
