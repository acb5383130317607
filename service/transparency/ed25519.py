"""
Ed25519 keys and signatures (RFC 8032, pure Ed25519).

Only this module uses the library `cryptography`, and it takes no other kind of key. Keys are bytes here: raw ones of 32 bytes, or
PEM, where a private key is PKCS #8 and a public key is SubjectPublicKeyInfo. Whoever keeps them in files reads and writes the
files. No message quotes a key.
"""

from dataclasses import dataclass
from hashlib import sha256

from cryptography.exceptions import InvalidSignature, UnsupportedAlgorithm
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey, Ed25519PublicKey

KEY_BYTES = 32
SIGNATURE_BYTES = 64


class NotEd25519(ValueError):
    """These bytes are no key of the kind that was asked for; the message is the rest of a sentence that begins with their place."""


@dataclass(frozen=True, slots=True)
class PublicKey:
    """A key that signatures are checked with; `id` is the SHA-256 of its DER, in hex."""

    id: str
    _key: Ed25519PublicKey

    @staticmethod
    def from_raw(raw: bytes) -> "PublicKey":
        """The key with these 32 bytes. Raises NotEd25519."""
        if len(raw) != KEY_BYTES:
            raise NotEd25519("holds no Ed25519 public key, which has 32 bytes")
        return _public(Ed25519PublicKey.from_public_bytes(raw))

    @staticmethod
    def from_pem(pem: bytes) -> "PublicKey":
        """The key in PEM. Raises NotEd25519."""
        try:
            key = serialization.load_pem_public_key(pem)
        except (ValueError, UnsupportedAlgorithm):
            raise NotEd25519("holds no public key in PEM") from None
        if not isinstance(key, Ed25519PublicKey):
            raise NotEd25519("holds a key that is not an Ed25519 key")
        return _public(key)

    @property
    def raw(self) -> bytes:
        """The key as 32 bytes."""
        return self._key.public_bytes_raw()

    def to_pem(self) -> bytes:
        """The key in PEM."""
        return self._key.public_bytes(serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo)

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

    @staticmethod
    def generated() -> "PrivateKey":
        """A new key, from the operating system's random numbers."""
        return _private(Ed25519PrivateKey.generate())

    @staticmethod
    def from_raw(seed: bytes) -> "PrivateKey":
        """The key with these 32 bytes, which RFC 8032 calls the private key and others call the seed. Raises NotEd25519."""
        if len(seed) != KEY_BYTES:
            raise NotEd25519("holds no Ed25519 private key, which has 32 bytes")
        return _private(Ed25519PrivateKey.from_private_bytes(seed))

    @staticmethod
    def from_pem(pem: bytes) -> "PrivateKey":
        """The key in PEM, not encrypted. Raises NotEd25519."""
        try:
            key = serialization.load_pem_private_key(pem, password=None)
        except TypeError:
            raise NotEd25519("holds an encrypted key, and only keys that are not encrypted are read") from None
        except (ValueError, UnsupportedAlgorithm):
            raise NotEd25519("holds no private key in PEM") from None
        if not isinstance(key, Ed25519PrivateKey):
            raise NotEd25519("holds a key that is not an Ed25519 key")
        return _private(key)

    @property
    def raw(self) -> bytes:
        """The key as 32 bytes."""
        return self._key.private_bytes_raw()

    def to_pem(self) -> bytes:
        """The key in PEM, not encrypted."""
        return self._key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()
        )

    def sign(self, message: bytes) -> bytes:
        """The 64 bytes of the signature."""
        return self._key.sign(message)


def _public(key: Ed25519PublicKey) -> PublicKey:
    der = key.public_bytes(serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo)
    return PublicKey(sha256(der).hexdigest(), key)


def _private(key: Ed25519PrivateKey) -> PrivateKey:
    return PrivateKey(_public(key.public_key()), key)
