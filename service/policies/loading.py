"""
Where the service takes its policies from: a folder, or a bundle file with its signatures beside it.

Goes in: a path, the settings of the engine, the keys that are trusted. Comes out: a checked bundle and the archive that keeps it.
Where keys are set, an unsigned bundle is refused as a wrongly signed one is, and so is a folder, which nothing signs.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import engine
from service.policies import archive, dsse, statement
from service.policies.trusted_keys import PublicKey

SIGNATURES = ".dsse.json"  # what follows the bundle's whole name


class SourceRefused(Exception):
    """The policies cannot be taken from there; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class Loaded:
    """A checked bundle, its archive, and the keys that signed it, by id (none where none were asked for)."""

    bundle: engine.Bundle
    archive: bytes
    signers: tuple[str, ...] = ()


def beside(path: Path) -> Path:
    """Where the signatures of a bundle file are."""
    return path.with_name(path.name + SIGNATURES)


def is_bundle(path: Path) -> bool:
    """Whether a path is meant as a bundle file: neither a folder nor YAML."""
    return not path.is_dir() and path.suffix not in archive.SUFFIXES


def load(path: Path, settings: engine.Settings, keys: Sequence[PublicKey] = ()) -> Loaded:
    """
    The bundle of a folder, a bundle file or one YAML file.

    Raises SourceRefused where it cannot be read or is not signed as asked, engine.BundleRefused where the policies do not hold.
    """
    if not path.exists():
        raise SourceRefused(f"the policies `{path}` cannot be read: there is no such file or folder")
    if not is_bundle(path):
        if keys:
            raise SourceRefused(
                f"`{path}` is not signed, and keys are set; build and sign a bundle of it (`fifthfactor bundle`)"
            )
        try:
            bundle = engine.load(path, settings)
        except (OSError, ValueError) as refused:
            if isinstance(refused, engine.BundleRefused):
                raise
            raise SourceRefused(
                f"the policies `{path}` cannot be read: {getattr(refused, 'strerror', None) or refused}"
            ) from None
        return Loaded(bundle, _archived(path, bundle))
    raw = read(path, archive.MAX_BYTES)
    signers: tuple[PublicKey, ...] = ()
    if keys:
        meant, signers = verified(path, raw, keys)
        if (meant.trust, meant.norms) != (settings.trust, settings.norms):
            raise SourceRefused(
                f"`{path}` was signed to be read with trust `{meant.trust}` and norms `{meant.norms}`, not `{settings.trust}` and"
                f" `{settings.norms}`: sign it anew under these settings, or set the others"
            )
    return Loaded(_bundle(path, raw, settings), raw, tuple(key.id for key in signers))


def verified(path: Path, raw: bytes, keys: Sequence[PublicKey]) -> tuple[statement.Meant, tuple[PublicKey, ...]]:
    """What the signatures beside a bundle file say of it, and which keys signed. Raises SourceRefused."""
    envelope = beside(path)
    if not envelope.exists():
        raise SourceRefused(f"`{path}` is not signed: there is no {envelope.name} beside it")
    try:
        payload, signers = dsse.verify(dsse.read(read(envelope, dsse.MAX_BYTES)), statement.PAYLOAD_TYPE, keys)
        return statement.read(payload, raw), signers
    except (dsse.EnvelopeRefused, statement.StatementRefused) as refused:
        raise SourceRefused(f"the signature of `{path}` does not hold: {refused}") from None


def read(path: Path, limit: int) -> bytes:
    """The bytes of a file, of which one more than the limit at most. Raises SourceRefused."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise SourceRefused(f"`{path}` cannot be read: {error.strerror}") from None


def _bundle(path: Path, raw: bytes, settings: engine.Settings) -> engine.Bundle:
    try:
        return engine.load_sources(archive.read(raw), settings)
    except archive.ArchiveRefused as refused:
        raise SourceRefused(f"`{path}` cannot be read as a bundle: {refused}") from None


def _archived(path: Path, bundle: engine.Bundle) -> bytes:
    try:
        return archive.write(bundle.sources)
    except archive.ArchiveRefused as refused:
        raise SourceRefused(f"the policies `{path}` cannot be kept: {refused}") from None
