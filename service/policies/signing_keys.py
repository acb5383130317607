"""
Ed25519 keys in PEM files.

Only this module uses the library `cryptography`. A private key is PKCS #8, a public key is SubjectPublicKeyInfo. Other kinds of keys
are refused. No message quotes a key.
"""

import os
from collections.abc import Iterable
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

MAX_BYTES = 64 * 1024


class KeyRefused(Exception):
    """A key file cannot be read or written; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are checked with; `id` is the SHA-256 of its DER, in hex."""

    id: str
    _key: Ed25519PublicKey

    def signed(self, signature: bytes, message: bytes) -> bool:
        """Whether this key's owner signed the message."""
        try:
            self._key.verify(signature, message)
        except InvalidSignature:
            return False
        return True


@dataclass(frozen=True, slots=True)
class PrivateKey:
    """A key that signs."""

    public: PublicKey
    _key: Ed25519PrivateKey

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature (RFC 8032, pure Ed25519)."""
        return self._key.sign(message)


def generate(private: Path, public: Path) -> PrivateKey:
    """A new key in two new files, the private one readable by its owner only. Raises KeyRefused, also if a file exists."""
    key = Ed25519PrivateKey.generate()
    secret = key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption())
    shown = key.public_key().public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)
    _create(private, secret, 0o600)
    try:
        _create(public, shown, 0o644)
    except KeyRefused:
        private.unlink()
        raise
    return PrivateKey(_public(key.public_key()), key)


def private_key(path: Path) -> PrivateKey:
    """The private key in a PEM file. Raises KeyRefused."""
    data = _read(path)
    try:
        key = serialization.load_pem_private_key(data, password=None)
    except TypeError:
        raise KeyRefused(f"the key in {path} is encrypted; use a key that is not encrypted") from None
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused(f"{path} holds no private key in PEM; make one with `fifthfactor bundle keygen`") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise KeyRefused(f"the key in {path} is not an Ed25519 key")
    return PrivateKey(_public(key.public_key()), key)


def public_key(path: Path) -> PublicKey:
    """The public key in a PEM file. Raises KeyRefused."""
    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise KeyRefused(
            f"{path} holds a private key; name the public key here, and keep the private key where bundles are signed"
        )
    try:
        key = serialization.load_pem_public_key(data)
    except (ValueError, UnsupportedAlgorithm):
        raise KeyRefused(f"{path} holds no public key in PEM") from None
    if not isinstance(key, Ed25519PublicKey):
        raise KeyRefused(f"the key in {path} is not an Ed25519 key")
    return _public(key)


def public_keys(paths: Iterable[Path]) -> tuple[PublicKey, ...]:
    """The public keys in some PEM files. Raises KeyRefused."""
    return tuple(map(public_key, paths))


def _public(key: Ed25519PublicKey) -> PublicKey:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(sha256(der).hexdigest(), key)


def _read(path: Path) -> bytes:
    try:
        with path.open("rb") as file:
            return file.read(MAX_BYTES)
    except OSError as error:
        raise KeyRefused(f"cannot read the key {path}: {error.strerror}") from None


def _create(path: Path, data: bytes, mode: int) -> None:
    try:
        # O_EXCL: a key is never overwritten, and a link in its place is not followed.
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, mode)
        with os.fdopen(descriptor, "wb") as file:
            file.write(data)
            file.flush()
            os.fsync(file.fileno())
    except FileExistsError:
        raise KeyRefused(f"{path} exists already, and a key is never overwritten") from None
    except OSError as error:
        raise KeyRefused(f"cannot write the key {path}: {error.strerror}") from None
