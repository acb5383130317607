"""Files with a secret that the settings of a sink name: a path goes in, the password or the headers come out. No error quotes them."""

import re
from collections.abc import Mapping
from pathlib import Path

from service.settings import SettingRefused

MOST_BYTES = 16 * 1024
# The names that RFC 9110 allows, and values without control characters.
_HEADER = re.compile(r"([!#$%&'*+.^_`|~0-9A-Za-z-]{1,100}):[ \t]*([\x21-\x7e](?:[\x20-\x7e]*[\x21-\x7e])?)[ \t]*")
_OURS = frozenset(
    ("connection", "content-encoding", "content-length", "content-type", "host", "transfer-encoding", "user-agent")
)


def password_in(sink: str, path: Path) -> str:
    """The one line of a file. Raises SettingRefused."""
    lines = _text(sink, path).splitlines()
    if len(lines) != 1 or not lines[0]:
        raise SettingRefused(f"the sink `{sink}`: the file `{path}` must have the password on one line, and nothing else")
    return lines[0]


def headers_in(sink: str, path: Path) -> Mapping[str, str]:
    """The headers of a file, `Name: value`, one a line; names in small letters. Raises SettingRefused."""
    found: dict[str, str] = {}
    for number, line in enumerate(_text(sink, path).splitlines(), 1):
        read = _HEADER.fullmatch(line)
        if read is None:
            raise SettingRefused(f"the sink `{sink}`: line {number} of `{path}` is not a header like `Name: value`")
        name = read[1].lower()
        if name in _OURS or name in found:
            raise SettingRefused(f"the sink `{sink}`: line {number} of `{path}` has a header that is set already")
        found[name] = read[2]
    return found


def _text(sink: str, path: Path) -> str:
    try:
        with path.open("rb") as file:
            content = file.read(MOST_BYTES + 1)
        if len(content) > MOST_BYTES:
            raise SettingRefused(f"the sink `{sink}`: the file `{path}` has more than {MOST_BYTES} bytes")
        return content.decode()
    except OSError as failed:
        raise SettingRefused(f"the sink `{sink}`: the file `{path}` cannot be read: {failed.strerror}") from None
    except UnicodeDecodeError:
        raise SettingRefused(f"the sink `{sink}`: the file `{path}` is not UTF-8") from None
