"""
The key of a log: the file that it lies in goes in, what signs its checkpoints and seals its tree comes out.

The file holds one Ed25519 key in PEM and is readable by its owner only. The key of a database file lies beside it; that of a database
on a server lies where the operator says.

- INVARIANT (one key for a log): a key is made for a log without leaves only, and never where there is a key already. The first leaf
  names it. A key that is made has the suffix `.new` until the commit of that leaf, so a start that was interrupted goes on with it,
  and a log that was emptied afterwards is not begun a second time.
"""

import hmac
import os
from contextlib import suppress
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from service.ed25519 import NotEd25519, PrivateKey

OF_A_SERVER = Path("fifthfactor.log-key")
_SEAL_DOMAIN = b"fifthfactor/log-seal/1"
_TABLE_DOMAIN = b"fifthfactor/table-digest/1"


class LogRefused(Exception):
    """The log cannot be written as it is; the message is one sentence for the operator."""


class LogKeyRefused(LogRefused):
    """The key of a log is missing, or another one, or cannot be made; the message is one sentence for the operator."""


@dataclass(frozen=True, slots=True)
class LogKey:
    """The key of one log, and what is derived from it: the keys of its seals and of its digests of tables."""

    private: PrivateKey
    _of_seals: bytes
    _of_tables: bytes

    @staticmethod
    def of(private: PrivateKey) -> "LogKey":
        """The key of a log that the private key signs for."""
        return LogKey(private, *(hmac.digest(private.raw, domain, sha256) for domain in (_SEAL_DOMAIN, _TABLE_DOMAIN)))

    @property
    def origin(self) -> str:
        """The name of the log on its checkpoints. It is made from the first key of the log, so no two logs share it."""
        return f"fifthfactor/log/{self.private.public.id[:32]}"

    def seal(self, message: bytes) -> bytes:
        """The 32 bytes of the code by which the holders of the key know their own message again (HMAC-SHA-256)."""
        return hmac.digest(self._of_seals, message, sha256)

    def table_code(self) -> hmac.HMAC:
        """A code to be fed with the rows of a table. Without the key it confirms no guess at a row."""
        return hmac.new(self._of_tables, digestmod=sha256)


def beside(database: Path) -> Path:
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


def new_key(path: Path) -> LogKey:
    """A key for a log without leaves; call `accept` once its first leaf is durable. Raises LogKeyRefused."""
    if path.exists():
        raise LogKeyRefused(
            f"the key `{path}` belongs to another log, and this log has no leaf: move the key away to begin a new log"
        )
    made = _new(path)
    with suppress(FileNotFoundError, LogKeyRefused):
        return _read(made)  # of a start that was interrupted
    key = PrivateKey.generated()
    try:
        made.unlink(missing_ok=True)
        descriptor = os.open(made, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
        with os.fdopen(descriptor, "wb") as file:
            file.write(key.to_pem())
            file.flush()
            os.fsync(file.fileno())
        _sync_folder(path)
    except OSError as failed:
        raise LogKeyRefused(f"the log's key `{path}` cannot be made: {failed.strerror}") from None
    return LogKey.of(key)


def accept(path: Path) -> None:
    """Give a new key its name, now that the first leaf of its log is durable. Raises LogKeyRefused."""
    try:
        with suppress(FileNotFoundError):  # another process has done it
            _new(path).rename(path)
        _sync_folder(path)
    except OSError as failed:
        raise LogKeyRefused(f"the log's key `{path}` cannot be named: {failed.strerror}") from None


def _new(path: Path) -> Path:
    return path.with_name(path.name + ".new")


def _read(path: Path) -> LogKey:
    """Raises FileNotFoundError and LogKeyRefused."""
    try:
        return LogKey.of(PrivateKey.from_pem(path.read_bytes()))
    except FileNotFoundError:
        raise
    except OSError as failed:
        raise LogKeyRefused(f"the log's key `{path}` cannot be read: {failed.strerror}") from None
    except NotEd25519 as error:
        raise LogKeyRefused(f"the log's key `{path}` {error}") from None


def _sync_folder(path: Path) -> None:
    opened = os.open(path.parent, os.O_RDONLY)
    try:
        os.fsync(opened)
    finally:
        os.close(opened)
