"""
The sinks of a service: a YAML file goes in, the settings of each sink come out. A wrong file stops the start with one sentence.

    - name: warehouse
      kind: webhook
      address: https://warehouse.example.com/events
      secret: warehouse.secret          # a file beside this one; no secret stands in the file itself
      from: beginning
      events: [decision, commitment]
      members: [exporter]

Nothing is sent that is not in service.outbox.event_members, and what is personal only where `members` names it.
"""

import hashlib
import json
import re
from abc import ABC, abstractmethod
from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Literal, Self
from urllib.parse import urlsplit

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    TypeAdapter,
    ValidationError,
    ValidationInfo,
    field_validator,
    model_validator,
)

import engine
from service.outbox.event_members import FACT, ON_REQUEST
from service.outbox.stream_event import CLASSES, EventClass
from service.settings import SettingRefused
from service.settings.setting_files import bytes_of

MOST_BYTES = 64 * 1024
MOST_SINKS = 20
MOST_MEMBERS = 100
_FACT = re.compile(r"exchange(\.[a-z0-9_-]{1,100}){2,12}")  # a fact has a group and a name
_NUMBER = re.compile(r"\d{1,18}")

Start = Literal["now", "beginning"] | int | date


class SinkSettings(BaseModel, ABC):
    """What every sink has."""

    model_config = ConfigDict(frozen=True, extra="forbid", populate_by_name=True)

    name: str = Field(
        pattern=r"^[a-z0-9][a-z0-9-]{0,39}$", description="its name, by which the log is followed; another name begins anew"
    )
    start: Start = Field(
        default="now",
        alias="from",
        description="where it begins when it is new: `now`, `beginning`, a day (UTC), or the number of a leaf of the log",
    )
    events: tuple[EventClass, ...] = Field(default=CLASSES, min_length=1, description="which events it gets; all unless said")
    members: tuple[str, ...] = Field(
        default=(), max_length=MOST_MEMBERS, description="what stands in its events beside the closed list, each by name"
    )
    most: int = Field(default=500, ge=1, le=5_000, description="how many events it gets at once at most")

    @property
    def receiver(self) -> str:
        """A digest of where its events go. It shows no address, which may hold a secret."""
        return hashlib.sha256(json.dumps([self.name, *self._goes_to()]).encode()).hexdigest()

    @abstractmethod
    def _goes_to(self) -> Sequence[str]:
        """Its kind, and where it sends."""

    @field_validator("start", mode="before")
    @classmethod
    def _place(cls, written: Any) -> Any:
        return start_of(written) if isinstance(written, str) else written

    @field_validator("members")
    @classmethod
    def _known(cls, members: tuple[str, ...]) -> tuple[str, ...]:
        for each in members:
            if each not in ON_REQUEST and not _FACT.fullmatch(each):
                raise ValueError(
                    f"there is no member `{each[:100]}`: use {', '.join(ON_REQUEST)}, or a fact like `{FACT}data.id`"
                )
        return tuple(dict.fromkeys(members))

    @field_validator(
        "secret", "folder", "headers", "authorities", "certificate", "key", "password", mode="after", check_fields=False
    )
    @classmethod
    def _beside_the_file(cls, path: Any, info: ValidationInfo) -> Any:
        if isinstance(path, Path) and "\0" in str(path):
            raise ValueError("no file has a name with this character")
        return info.context / path if isinstance(path, Path) and isinstance(info.context, Path) else path


class WebhookSettings(SinkSettings):
    """A webhook: CloudEvents by HTTP, signed."""

    kind: Literal["webhook"]
    address: str = Field(description="its address, https://…")
    secret: Path = Field(description="file with the secret that signs what is sent, like `whsec_…`")
    batched: bool = Field(default=True, description="whether several events go in one request")
    private: bool = Field(default=False, description="whether it may be on this machine, in private networks or on a link")
    authorities: Path | None = Field(default=None, description="PEM file of the authorities that may certify it")

    def _goes_to(self) -> Sequence[str]:
        return self.kind, self.address

    @field_validator("address")
    @classmethod
    def _safe_to_send_to(cls, address: str) -> str:
        return safe_address(address)


class FilesSettings(SinkSettings):
    """Files by day: JSON Lines in a folder."""

    kind: Literal["files"]
    folder: Path = Field(description="the folder; it is made where it is missing")

    def _goes_to(self) -> Sequence[str]:
        return self.kind, str(self.folder)


class OtlpSettings(SinkSettings):
    """A collector of OpenTelemetry: logs by OTLP over HTTP."""

    kind: Literal["otlp"]
    address: str = Field(
        description="the address of the logs, like https://collector.example.com/v1/logs; with `private` also http://…"
    )
    headers: Path | None = Field(
        default=None, description="file with further headers of each request, `Name: value`, one a line"
    )
    private: bool = Field(default=False, description="whether it may be on this machine, in private networks or on a link")
    authorities: Path | None = Field(default=None, description="PEM file of the authorities that may certify it")

    def _goes_to(self) -> Sequence[str]:
        return self.kind, self.address

    @model_validator(mode="after")
    def _safe_to_send_to(self) -> Self:
        safe_address(self.address, plain=self.private)
        return self


class KafkaSettings(SinkSettings):
    """A topic of Kafka."""

    kind: Literal["kafka"]
    servers: tuple[Annotated[str, Field(pattern=r"^[^\s:@/,]{1,253}:[0-9]{1,5}$")], ...] = Field(
        min_length=1, max_length=20, description="its first servers, each HOST:PORT"
    )
    topic: str = Field(pattern=r"^[A-Za-z0-9._-]{1,249}$", description="the topic, which must exist")
    tls: bool = Field(default=True, description="whether connections are encrypted")
    authorities: Path | None = Field(default=None, description="PEM file of the authorities that may certify the servers")
    certificate: Path | None = Field(
        default=None, description="PEM file with the certificate by which the service shows who it is"
    )
    key: Path | None = Field(default=None, description="PEM file with the private key of this certificate")
    user: str | None = Field(default=None, min_length=1, max_length=250, description="the name by which the service signs in")
    password: Path | None = Field(default=None, description="file with the password that belongs to it")
    mechanism: Literal["SCRAM-SHA-512", "SCRAM-SHA-256", "PLAIN"] = Field(
        default="SCRAM-SHA-512", description="how it signs in; `PLAIN` only with `tls`"
    )

    def _goes_to(self) -> Sequence[str]:
        return self.kind, self.topic, *sorted(self.servers)

    @model_validator(mode="after")
    def _together(self) -> Self:
        if (self.user is None) != (self.password is None):
            raise ValueError("give both `user` and `password`, or none of them")
        if (self.certificate is None) != (self.key is None):
            raise ValueError("give both `certificate` and `key`, or none of them")
        if not self.tls and (self.authorities or self.certificate):
            raise ValueError("`authorities`, `certificate` and `key` need `tls`")
        if self.user and self.mechanism == "PLAIN" and not self.tls:
            raise ValueError("`PLAIN` sends the password as it is, so it needs `tls`")
        return self


AnySink = Annotated[WebhookSettings | FilesSettings | OtlpSettings | KafkaSettings, Field(discriminator="kind")]
_FILE = TypeAdapter(Annotated[tuple[AnySink, ...], Field(max_length=MOST_SINKS)])


def read(path: Path | None) -> tuple[AnySink, ...]:
    """The sinks in a file, none without one. Paths in it are relative to its folder. Raises SettingRefused, which quotes no value."""
    if path is None:
        return ()
    content = bytes_of("the sinks", path, MOST_BYTES)
    try:
        written = engine.plain_yaml(path.name, content) or []
        if not isinstance(written, list):
            raise SettingRefused(f"`{path}` is wrong: it is a list of sinks, and each begins with `- name:`")
        found = _FILE.validate_python(written, context=path.absolute().parent)
    except engine.NotYaml as refused:
        raise SettingRefused(f"the sinks `{path}` cannot be read: {refused}") from None
    except ValidationError as refused:
        first = refused.errors(include_url=False, include_input=False)[0]
        reason = first["msg"].removeprefix("Value error, ")
        where = " ".join(str(part + 1) if isinstance(part, int) else f"`{part}`" for part in first["loc"])
        raise SettingRefused(f"sink {where} in `{path}` is wrong: {reason}") from None
    names = [each.name for each in found]
    for name in names:
        if names.count(name) > 1:
            raise SettingRefused(f"two sinks in `{path}` have the name `{name}`: a sink's name is its place in the log")
    folders = [each.folder for each in found if isinstance(each, FilesSettings)]
    if len(set(folders)) < len(folders):
        raise SettingRefused(f"two sinks in `{path}` have the same folder: give each its own")
    return found


def start_of(written: str) -> Start:
    """Where a reader begins, as it is written: `now`, `beginning`, a number or a day. Raises ValueError."""
    if written in ("now", "beginning"):
        return written  # type: ignore[return-value]
    if _NUMBER.fullmatch(written):
        return int(written)
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise ValueError("give `now`, `beginning`, a day like 2026-03-31, or the number of a leaf") from None


def safe_address(address: str, *, plain: bool | None = None) -> str:
    """
    An address that events may be sent to: https, without a user and without a fragment. Raises ValueError.

    `plain`: http too. Whoever sends then makes sure that the address is not public. None where http is never spoken.
    """
    try:
        parts = urlsplit(address)
        sound = parts.scheme in ("https", "http") and bool(parts.hostname) and (parts.port is None or parts.port > 0)
        (parts.hostname or "").encode("idna")  # what no name server is asked for, as `a..b`
    except ValueError:
        sound = False
    if not sound or "@" in parts.netloc or "#" in address or not address.isascii() or not address.isprintable():
        raise ValueError("give an https:// address without a user and without a fragment")
    if parts.scheme == "http" and not plain:
        raise ValueError(
            "give an https:// address; `authorities` names a PEM file of those that may certify it"
            if plain is None
            else "give an https:// address; http:// only with `private: yes`, for a receiver on this machine or network"
        )
    return address
