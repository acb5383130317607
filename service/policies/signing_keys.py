"""
The keys of signed policies in PEM files.

A private key is PKCS #8, a public key is SubjectPublicKeyInfo; both are Ed25519. No message quotes a key.
"""

import os
from collections.abc import Iterable
from pathlib import Path

from service.transparency.ed25519 import NotEd25519, PrivateKey, PublicKey

MAX_BYTES = 64 * 1024


class KeyRefused(Exception):
    """A key file cannot be read or written; the message is one sentence."""


def generate(private: Path, public: Path) -> PrivateKey:
    """A new key in two new files, the private one readable by its owner only. Raises KeyRefused, also if a file exists."""
    key = PrivateKey.generated()
    _create(private, key.to_pem(), 0o600)
    try:
        _create(public, key.public.to_pem(), 0o644)
    except KeyRefused:
        private.unlink()
        raise
    return key


def private_key(path: Path) -> PrivateKey:
    """The private key in a PEM file. Raises KeyRefused."""
    data = _read(path)
    try:
        return PrivateKey.from_pem(data)
    except NotEd25519 as error:
        raise KeyRefused(f"{path} {error}; make one with `fifthfactor bundle keygen`") from None


def public_key(path: Path) -> PublicKey:
    """The public key in a PEM file. Raises KeyRefused."""
    data = _read(path)
    if b"PRIVATE KEY" in data:
        raise KeyRefused(
            f"{path} holds a private key; name the public key here, and keep the private key where bundles are signed"
        )
    try:
        return PublicKey.from_pem(data)
    except NotEd25519 as error:
        raise KeyRefused(f"{path} {error}") from None


def public_keys(paths: Iterable[Path]) -> tuple[PublicKey, ...]:
    """The public keys in some PEM files. Raises KeyRefused."""
    return tuple(map(public_key, paths))


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
