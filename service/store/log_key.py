"""
The key of a log: the file that it lies in goes in, what signs its checkpoints and seals its tree comes out.

The file holds one Ed25519 key in PEM and is readable by its owner only. The key of a database file lies beside it; that of a database
on a server lies where the operator says. A log is named after its first key. A key that came after it has the name in a line of its
own, before the PEM.

- INVARIANT (one key for a log): a key is made for a log without leaves, or by a command that replaces the key. A leaf names each. A key
  that is made has the suffix `.new` until the commit of that leaf, so what was interrupted goes on with it, and a log that was emptied
  afterwards is not begun a second time.
- The key that was replaced has the suffix `.before`. As long as it is there and the log keeps its name, it signs checkpoints too.
"""

import hmac
import os
from contextlib import suppress
from dataclasses import dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from service.store.durable_file import put, put_once, sync_folder
from service.transparency.checkpoint import Checkpoint
from service.transparency.ed25519 import NotEd25519, PrivateKey
from service.transparency.merkle_tree import Frontier
from service.transparency.signed_note import Note, SignatureType, SignerKey, VerifierKey

OF_A_SERVER = Path("fifthfactor.log-key")
_SEAL_DOMAIN = b"fifthfactor/log-seal/1"
_ORIGIN = b"origin: "
_BLOCK = 64  # of SHA-256, in bytes


class LogRefused(Exception):
    """The log cannot be written as it is; the message is one sentence for the operator."""


class LogKeyRefused(LogRefused):
    """The key of a log is missing, or another one, or cannot be made; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class _Hmac:
    """HMAC-SHA-256 under one key of at most 64 bytes; the hashes over the key are made once, since every decision waits for some codes."""

    key: bytes
    inner: Any = field(compare=False, repr=False)
    outer: Any = field(compare=False, repr=False)

    @staticmethod
    def of(key: bytes) -> "_Hmac":
        inner, outer = (sha256(bytes(byte ^ pad for byte in key.ljust(_BLOCK, b"\0"))) for pad in (0x36, 0x5C))
        return _Hmac(key, inner, outer)

    def digest(self, message: bytes) -> bytes:
        inner, outer = self.inner.copy(), self.outer.copy()
        inner.update(message)
        outer.update(inner.digest())
        code: bytes = outer.digest()
        return code


@dataclass(frozen=True, slots=True)
class LogKey:
    """
    The key of one log, and what is derived from it: the keys of its seals and of its digests of tables.

    `origin` is the name of the log on its checkpoints; `before` is the key that signs them too, for those who do not have the new one.
    """

    private: PrivateKey
    origin: str
    before: PrivateKey | None
    _seals: "_Hmac"

    @staticmethod
    def of(private: PrivateKey, origin: str | None = None, before: PrivateKey | None = None) -> "LogKey":
        """The key of a log that the private key signs for; without `origin` that of a log that is named after this key."""
        # Named after the first key of the log, so no two logs share a name.
        return LogKey(
            private,
            origin or f"fifthfactor/log/{private.public.id[:32]}",
            before,
            _Hmac.of(hmac.digest(private.raw, _SEAL_DOMAIN, sha256)),
        )

    @property
    def verifier(self) -> VerifierKey:
        """The key that others verify checkpoints with."""
        return VerifierKey(self.origin, SignatureType.NOTE, self.private.public)

    def checkpoint(self, frontier: Frontier) -> Note:
        """The signed checkpoint of a tree."""
        keys = (self.private,) if self.before is None else (self.private, self.before)
        signers = (SignerKey(self.origin, SignatureType.NOTE, each) for each in keys)
        return Checkpoint(self.origin, frontier.size, frontier.root()).signed(*signers)

    def seal(self, message: bytes) -> bytes:
        """The 32 bytes of the code by which the holders of the key know their own message again (HMAC-SHA-256)."""
        return self._seals.digest(message)


def key_file(database: Path) -> Path:
    """Where the key of a database file lies."""
    return database.with_name(database.name + ".log-key")


def existing_key(path: Path) -> LogKey:
    """The key of a log that has leaves. Raises LogKeyRefused."""
    try:
        return _read(path)
    except FileNotFoundError:
        pass
    try:
        key = _read(_new(path))
    except FileNotFoundError:
        raise LogKeyRefused(
            f"the log's key `{path}` is missing: put it back from where you keep a copy; without it nothing is recorded, and no"
            " second key is made"
        ) from None
    accept(path)
    return key


def awaited_key(path: Path) -> LogKey | None:
    """The key that was made to replace the one at the path and is not named yet. Raises LogKeyRefused."""
    try:
        return _read(_new(path))
    except FileNotFoundError:
        return None


def new_key(path: Path) -> LogKey:
    """A key for a log without leaves; call `accept` once its first leaf is durable. Raises LogKeyRefused."""
    for each in (path, checkpoint_of(path), _witness(path), _before(path)):
        if each.exists():
            raise LogKeyRefused(
                f"`{each}` belongs to another log, and this one has no leaf: put the database of that log back, or a copy of it; to"
                " begin a new log, move this file away"
            )
    with suppress(FileNotFoundError, LogKeyRefused):
        return _read(_new(path))  # of a start that was interrupted
    return _made(path, PrivateKey.generated().to_pem())


def named_key(path: Path, name: str) -> LogKey:
    """A key for a log that is not begun yet, whose origin begins with a name of its own; opening the log takes it. Raises LogKeyRefused."""
    private = PrivateKey.generated()
    origin = f"{name}/{private.public.id[:32]}"
    return _made(path, _ORIGIN + origin.encode() + b"\n" + private.to_pem())


def replacing_key(path: Path, origin: str | None = None) -> LogKey:
    """
    A key to replace the one at the path, for the log of this origin or for one that is named after the new key.

    Call `accept` once the leaf that names it is durable. Raises LogKeyRefused.
    """
    with suppress(FileNotFoundError):
        before, _ = _parsed(_before(path))
        if not path.exists() or before.public.id != _parsed(path)[0].public.id:
            raise LogKeyRefused(f"the key before this one is still in `{_before(path)}`: move it away first")
        _before(path).unlink()  # two processes named a key at once
    line = b"" if origin is None else _ORIGIN + origin.encode() + b"\n"
    return _made(path, line + PrivateKey.generated().to_pem())


def accept(path: Path) -> None:
    """
    Give a new key its name, now that the leaf that names it is durable. A key that it replaces gets the suffix `.before`.

    There is a key at the path all the time. Another process may do the same at once. Raises LogKeyRefused.
    """
    try:
        if _new(path).exists():
            with suppress(FileNotFoundError, FileExistsError):
                os.link(path, _before(path))
        with suppress(FileNotFoundError):
            _new(path).rename(path)
        sync_folder(path)
    except OSError as failed:
        raise LogKeyRefused(f"the log's key `{path}` cannot be named: {failed.strerror}") from None


def witness_key(path: Path) -> SignerKey:
    """The key by which a service cosigns the checkpoints of other logs; it is made beside the log's key. Raises LogKeyRefused."""
    own = _witness(path)
    try:
        if not own.exists():
            put_once(own, PrivateKey.generated().to_pem())
        private, _ = _parsed(own)
    except OSError as failed:
        raise LogKeyRefused(f"the key of the witness `{own}` cannot be made: {failed.strerror}") from None
    return SignerKey(f"fifthfactor/witness/{private.public.id[:32]}", SignatureType.COSIGNATURE, private)


def own_witness(path: Path) -> VerifierKey | None:
    """The key by which others verify what this service cosigns; None where it never did. Raises LogKeyRefused."""
    return witness_key(path).verifier if _witness(path).exists() else None


def retire_witness(path: Path) -> None:
    """Put the key of the witness away, since its memory is not to be relied on; a start makes another one. Raises OSError."""
    with suppress(FileNotFoundError):
        _witness(path).rename(_before(_witness(path)))
        sync_folder(path)


def checkpoint_of(path: Path) -> Path:
    """Where the last checkpoint of the log with this key is kept."""
    return path.with_name(path.name + ".checkpoint")


def _made(path: Path, content: bytes) -> LogKey:
    try:
        put(_new(path), content)
        return _read(_new(path))
    except OSError as failed:
        raise LogKeyRefused(f"the log's key `{path}` cannot be made: {failed.strerror}") from None


def _new(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _witness(path: Path) -> Path:
    return path.with_name(path.name + ".witness")


def _before(path: Path) -> Path:
    return path.with_name(path.name + ".before")


def _read(path: Path) -> LogKey:
    """Raises FileNotFoundError and LogKeyRefused."""
    private, origin = _parsed(path)
    found = LogKey.of(private, origin)
    with suppress(FileNotFoundError):
        before, named = _parsed(_before(path))
        if LogKey.of(before, named).origin == found.origin and before.public.id != private.public.id:
            return LogKey.of(private, found.origin, before)
    return found


def _parsed(path: Path) -> tuple[PrivateKey, str | None]:
    """The key in a file, and the origin if it has one. Raises FileNotFoundError and LogKeyRefused."""
    try:
        content = path.read_bytes()
        first, _, rest = content.partition(b"\n")
        if first.startswith(_ORIGIN):
            return PrivateKey.from_pem(rest), first.removeprefix(_ORIGIN).decode()
        return PrivateKey.from_pem(content), None
    except FileNotFoundError:
        raise
    except OSError as failed:
        raise LogKeyRefused(f"the log's key `{path}` cannot be read: {failed.strerror}") from None
    except UnicodeDecodeError:
        raise LogKeyRefused(f"the log's key `{path}` has a name that is not a text") from None
    except NotEd25519 as error:
        raise LogKeyRefused(f"the log's key `{path}` {error}") from None
