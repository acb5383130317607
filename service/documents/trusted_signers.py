"""
The signers whom the operator trusts to sign documents: a TOML file goes in, their keys come out with what each may sign, and until when.

    ["Notary of the lab"]
    key = "notary.pub"                              # an Ed25519 public key in PEM, beside this file
    documents = ["evidence.cn-standard-contract"]   # without it: every document under `evidence.`, and no claim
    until = 2027-12-31                              # the last day on which its signatures count

Without a file nobody is trusted. The file is read at the start.
"""

import hashlib
import json
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import date
from pathlib import Path
from typing import Annotated, Any, Self

from pydantic import BaseModel, Field, StringConstraints, TypeAdapter, ValidationError

from service.policies.signing_keys import KeyRefused, public_key
from service.settings import SettingRefused
from service.settings.setting_files import bytes_of
from service.transparency.ed25519 import PublicKey

MOST_BYTES = 64 * 1024
MOST_SIGNERS = 100
MOST_DOCUMENTS = 50  # that one signer may sign, by name

_EVIDENCE = "evidence."
_DocumentName = Annotated[str, StringConstraints(pattern=r"^(evidence|claims)\.[a-z0-9][a-z0-9-]{0,119}$")]


class _Entry(BaseModel, frozen=True, strict=True, extra="forbid"):
    key: Annotated[str, StringConstraints(min_length=1, max_length=1_000)]
    documents: Annotated[list[_DocumentName], Field(min_length=1, max_length=MOST_DOCUMENTS)] | None = None
    until: date


_File = TypeAdapter(dict[Annotated[str, StringConstraints(min_length=1, max_length=100, strip_whitespace=False)], _Entry])


@dataclass(frozen=True, slots=True)
class TrustedSigner:
    """A signer by name and key. `documents` are the names that it may sign; None for everything under `evidence.`."""

    name: str
    key: PublicKey
    documents: frozenset[str] | None
    until: date

    def may_sign(self, document: str) -> bool:
        """Whether its signature counts on a document of this name."""
        return document.startswith(_EVIDENCE) if self.documents is None else document in self.documents


class TrustedSigners:
    """The trusted signers of a service. `digest` moves when a key, what it may sign or its last day does; it is empty without signers."""

    def __init__(self, signers: tuple[TrustedSigner, ...] = ()) -> None:
        self._signers = signers
        written = json.dumps(self.recorded(), separators=(",", ":"))
        self.digest = hashlib.sha256(written.encode()).hexdigest()[:16] if signers else ""

    def __iter__(self) -> Iterator[TrustedSigner]:
        return iter(self._signers)

    def __bool__(self) -> bool:
        return bool(self._signers)

    def recorded(self) -> list[dict[str, Any]]:
        """As the settings in the log have them: by the ids of their keys, without a name."""
        told = (
            {
                "key": each.key.id,
                "documents": None if each.documents is None else sorted(each.documents),
                "until": each.until.isoformat(),
            }
            for each in self._signers
        )
        return sorted(told, key=lambda each: str(each["key"]))

    @classmethod
    def read(cls, path: Path | None) -> Self:
        """The signers in a file; none without one. Raises SettingRefused, which names the place and quotes no key."""
        if path is None:
            return cls()
        entries = _entries(path)
        found: dict[str, TrustedSigner] = {}
        for name, entry in entries.items():
            try:
                key = public_key(path.parent / entry.key)
            except KeyRefused as refused:
                raise SettingRefused(f"the signer `{name}` in `{path}`: {refused}") from None
            if key.id in found:
                raise SettingRefused(f"the signers `{found[key.id].name}` and `{name}` in `{path}` have the same key")
            documents = None if entry.documents is None else frozenset(entry.documents)
            found[key.id] = TrustedSigner(name, key, documents, entry.until)
        return cls(tuple(found.values()))


def _entries(path: Path) -> Mapping[str, _Entry]:
    content = bytes_of("the signers", path, MOST_BYTES)
    try:
        entries = _File.validate_python(tomllib.loads(content.decode()))
    except ValidationError as refused:
        first = refused.errors(include_url=False, include_input=False)[0]
        where = ".".join(str(part) for part in first["loc"] if part != "[key]")
        raise SettingRefused(f"`{where}` in `{path}` is wrong: {first['msg']}") from None
    except (ValueError, RecursionError):  # TOMLDecodeError and UnicodeDecodeError are among them
        raise SettingRefused(f"the signers `{path}` are not TOML in UTF-8, each name once") from None
    if len(entries) > MOST_SIGNERS:
        raise SettingRefused(f"the signers `{path}` are more than {MOST_SIGNERS}")
    for name in entries:
        if not name.isprintable() or name != name.strip():
            raise SettingRefused(f"a name of a signer in `{path}` is blank at an end, or has a character that cannot be shown")
    return entries
