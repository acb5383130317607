"""
The settings of the service.

They come from environment variables `FIFTHFACTOR_…` and from the options of `fifthfactor serve`, which win. Every one
has a default, so that nothing needs to be set; a wrong one stops the start with one sentence.
"""

import difflib
import ipaddress
from collections.abc import Mapping
from datetime import UTC, tzinfo
from pathlib import Path
from typing import Any, Literal, Self
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from service.store.database import file_of

PREFIX = "FIFTHFACTOR_"


class SettingRefused(Exception):
    """A setting is wrong; the message is one sentence for the operator."""


class Settings(BaseModel):
    """All settings; the README's table has a line for each."""

    model_config = ConfigDict(frozen=True, extra="forbid")

    policies: Path | None = Field(default=None, description="folder of policies; the bundled ones if not set")
    database: str = Field(default="fifthfactor.db", description="file of the decision log, or postgresql://…")
    host: str = Field(default="127.0.0.1", description="address to listen on; only this machine's own")
    port: int = Field(default=8080, ge=0, le=65_535, description="port to listen on; 0 takes a free one")
    mode: str = Field(default="checked", description="which engines decide; the engine knows which there are")
    zone: str = Field(default="UTC", description="time zone whose today is the day of an exchange that names none")
    body_limit: int = Field(default=256 * 1024, ge=1024, le=256 * 1024, description="largest body of a request, in bytes")
    batch_limit: int = Field(default=1000, ge=1, le=1000, description="most exchanges in a batch")
    batch_body_limit: int = Field(
        default=4 * 1024 * 1024, ge=1024, le=16 * 1024 * 1024, description="largest body of a batch, in bytes"
    )
    public_url: str = Field(default="", description="address that callers know the service by; the request's own if not set")
    trust: Literal["confirmed", "from-memory"] = Field(default="confirmed", description="lowest mark that lifts without review")
    norms: Literal["bind", "advise"] = Field(default="bind", description="whether norms bind, or only advise")

    @classmethod
    def from_environment(cls, environment: Mapping[str, str], **given: Any) -> Self:
        """Settings from the environment, with those given (and not None) in their place. Raises SettingRefused."""
        found: dict[str, Any] = {}
        for variable, value in environment.items():
            if not variable.startswith(PREFIX):
                continue
            name = variable.removeprefix(PREFIX).lower()
            if name not in cls.model_fields:
                raise SettingRefused(f"there is no setting `{variable}`{_nearest(variable, cls)}")
            found[name] = value
        found |= {name: value for name, value in given.items() if value is not None}
        try:
            return cls.model_validate(found)
        except ValidationError as refused:
            raise SettingRefused(_sentence(refused, given)) from None

    @field_validator("database", mode="before")
    @classmethod
    def _written(cls, database: Any) -> Any:
        return str(database) if isinstance(database, Path) else database

    @field_validator("database")
    @classmethod
    def _an_address(cls, database: str) -> str:
        file = file_of(database)
        if "\x00" in database or (file is not None and not file.name):
            raise ValueError("name a file, or a server like postgresql://user@host/name")
        return database

    @field_validator("host")
    @classmethod
    def _loopback(cls, host: str) -> str:
        if not is_loopback(host):
            raise ValueError(
                "callers cannot be told apart yet, so only this machine's own addresses are listened on"
                " (127.0.0.1, ::1, localhost)"
            )
        return host

    @field_validator("public_url")
    @classmethod
    def _for_callers(cls, url: str) -> str:
        if not url:
            return url
        try:
            parts = urlsplit(url)
            sound = parts.port is None or parts.port > 0
        except ValueError:
            sound = False
        if (
            not sound
            or not parts.hostname
            or parts.query
            or parts.fragment
            or "@" in parts.netloc
            or url.endswith(("/", "?", "#"))
        ):
            raise ValueError("it must be like https://pdp.example.com, without a query, and without a slash at its end")
        if parts.scheme != "https" and not (parts.scheme == "http" and is_loopback(parts.hostname)):
            raise ValueError("it must begin with https://; http:// is for this machine's own addresses only")
        return url

    @field_validator("zone")
    @classmethod
    def _known_zone(cls, zone: str) -> str:
        try:
            time_zone(zone)
        except (LookupError, ValueError, OSError):
            raise ValueError("it must name a time zone, such as UTC or Asia/Shanghai") from None
        return zone


def is_loopback(host: str) -> bool:
    """Whether a host is this machine itself: 127.0.0.0/8, ::1 or `localhost`."""
    if host.lower() == "localhost":
        return True
    try:
        address = ipaddress.ip_address(host)
    except ValueError:
        return False
    return address.is_loopback and (address.version == 4 or address == ipaddress.IPv6Address("::1"))


def time_zone(name: str) -> tzinfo:
    """The zone of a name; UTC needs no table of zones on the machine."""
    return UTC if name == "UTC" else ZoneInfo(name)


def _nearest(variable: str, settings: type[Settings]) -> str:
    near = difflib.get_close_matches(variable, [PREFIX + name.upper() for name in settings.model_fields], 1)
    return f"; did you mean `{near[0]}`?" if near else ""


def _sentence(refused: ValidationError, given: Mapping[str, Any]) -> str:
    first = refused.errors(include_url=False)[0]
    name = str(first["loc"][0])
    spelled = f"--{name.replace('_', '-')}" if given.get(name) is not None else PREFIX + name.upper()
    reason = first["msg"].removeprefix("Value error, ").removeprefix("Input ")
    # An address may hold a password, so it is not said again.
    shown = "what it is" if "://" in str(first["input"]) else f"`{first['input']}`"
    return f"`{spelled}` cannot be {shown}: {reason}"
