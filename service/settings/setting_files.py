"""The bytes of a file that a setting names, of a bounded size."""

from pathlib import Path

from service.settings import SettingRefused


def bytes_of(what: str, path: Path, most: int) -> bytes:
    """
    The bytes of a file, `most` at most; `what` it has is named in the plural, as in "the sinks".

    Raises SettingRefused, which never quotes the content: it may hold a password.
    """
    try:
        with path.open("rb") as file:
            content = file.read(most + 1)
    except (OSError, ValueError) as failed:
        raise SettingRefused(f"{what} `{path}` cannot be read: {getattr(failed, 'strerror', None) or failed}") from None
    if len(content) > most:
        raise SettingRefused(f"{what} `{path}` have more than {most} bytes")
    return content
