"""
Where the settings come from: options, an environment and a file go in; the settings come out, or one sentence that says what is wrong.

They come from the options of `fifthfactor serve`, from environment variables `FIFTHFACTOR_…`, and from a TOML file; the first of these
wins.
"""

import difflib
import re
import tomllib
from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from service.settings import SettingRefused, Settings
from service.settings.setting_files import bytes_of

PREFIX = "FIFTHFACTOR_"
FILE = "FIFTHFACTOR_SETTINGS"  # names the file

_OF_OTHERS = frozenset(
    (FILE, "FIFTHFACTOR_KEY", "FIFTHFACTOR_INHERITED")
)  # read by service.client and service.server.generations
_LINKS = ("tcp://", "udp://")  # Kubernetes says so where a service listens, under a name that may be ours
_ALIKE = 0.8
_MOST_BYTES = 64 * 1024
_PLACE = re.compile(r"line \d+, column \d+|end of document")


def settings_from(environment: Mapping[str, str], **given: Any) -> Settings:
    """
    Settings from the given values that are not None, then from the environment, then from the file.

    `settings` names the file, or else FIFTHFACTOR_SETTINGS in the environment. Raises SettingRefused.
    """
    file = given.pop("settings", None) or environment.get(FILE)
    if file is not None and not str(file):
        raise SettingRefused(f"`{FILE}` names no file: name one, or leave it unset")
    found: dict[str, Any] = _read(Path(file)) if file else {}
    spelled = {name: f"`{name}` in `{file}`" for name in found}
    for name in found:
        if name not in Settings.model_fields:
            raise SettingRefused(f"`{name}` in `{file}` is not a setting{_nearest(name, Settings.model_fields)}")
    for variable, value in environment.items():
        if not variable.startswith(PREFIX):
            if (meant := _meant(variable)) and not value.startswith(_LINKS):
                raise SettingRefused(f"there is no setting `{variable}`; did you mean `{meant}`?")
            continue
        if variable in _OF_OTHERS:
            continue
        if variable != variable.upper():
            raise SettingRefused(f"there is no setting `{variable}`; did you mean `{variable.upper()}`?")
        name = variable.removeprefix(PREFIX).lower()
        if name not in Settings.model_fields:
            variables = (PREFIX + each.upper() for each in Settings.model_fields)
            raise SettingRefused(f"there is no setting `{variable}`{_nearest(variable, variables)}")
        found[name] = value
        spelled[name] = f"`{variable}`"
    for name, value in given.items():
        if value is not None:
            found[name] = value
            spelled[name] = f"`--{name.replace('_', '-')}`"
    try:
        return Settings.model_validate(found)
    except ValidationError as refused:
        raise SettingRefused(_sentence(refused, spelled)) from None


def _read(file: Path) -> dict[str, Any]:
    """The content of a file of settings. Raises SettingRefused, which never quotes the content: it may hold a password."""
    content = bytes_of("the settings", file, _MOST_BYTES)
    try:
        return tomllib.loads(content.decode("utf-8"))
    except UnicodeDecodeError:
        raise SettingRefused(f"the settings `{file}` are not UTF-8") from None
    except tomllib.TOMLDecodeError as refused:
        place = _PLACE.search(str(refused))
        raise SettingRefused(f"the settings `{file}` are not TOML{f': see {place[0]}' if place else ''}") from None


def _meant(variable: str) -> str | None:
    """The variable of a setting that is meant by one which does not begin as it should; what it says would be passed over in silence."""
    plain = _plain(variable)
    for name in Settings.model_fields:
        meant = PREFIX + name.upper()
        if plain == _plain(meant):
            return meant
        head = variable.upper().removesuffix("_" + name.upper())
        if head != variable.upper() and difflib.SequenceMatcher(None, head, PREFIX[:-1]).ratio() >= _ALIKE:
            return meant
    return None


def _plain(variable: str) -> str:
    return "".join(filter(str.isalnum, variable.upper()))


def _nearest(name: str, names: Iterable[str]) -> str:
    near = difflib.get_close_matches(name, list(names), 1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _sentence(refused: ValidationError, spelled: Mapping[str, str]) -> str:
    first = refused.errors(include_url=False)[0]
    if not first["loc"]:  # an error of several settings together
        return first["msg"].removeprefix("Value error, ")
    name = str(first["loc"][0])
    reason = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    # An address, or a table given in its place, may hold a password, so it is not quoted.
    hidden = (
        name == "oidc_client_secret"
        or "://" in str(first["input"])
        or (name == "database" and not isinstance(first["input"], str))
    )
    setting = spelled.get(name, name)
    return f"{setting} has a wrong value: {reason}" if hidden else f"{setting} cannot be `{first['input']}`: {reason}"
