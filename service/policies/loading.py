"""
Where policies are taken from: folders, YAML files, and bundle files with their signatures beside them, all in one bundle.

Goes in: paths, the settings of the engine, the keys that are trusted. Comes out: a checked bundle and the archive that keeps it.
Where keys are set, each path must be a signed bundle file: an unsigned one is refused as a wrongly signed one is, and so is a folder,
which nothing signs. INVARIANT (nothing is hidden): of two files with one name neither is taken.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import engine
from service.policies import archive, dsse, statement
from service.policies.signing_keys import PublicKey

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


def load(paths: Path | Sequence[Path], settings: engine.PolicySettings, keys: Sequence[PublicKey] = ()) -> Loaded:
    """
    The bundle of folders, bundle files and YAML files.

    Raises SourceRefused where one cannot be read or is not signed as asked, or where one file would hide another;
    engine.BundleRefused where the policies do not hold.
    """
    files, signers = sources(paths, settings, keys)
    bundle = engine.load_sources(files, settings)
    try:
        return Loaded(bundle, archive.write(files), signers)
    except archive.ArchiveRefused as refused:
        raise SourceRefused(f"the policies {_listed(_places(paths))} cannot be kept: {refused}") from None


def sources(
    paths: Path | Sequence[Path], settings: engine.PolicySettings, keys: Sequence[PublicKey] = ()
) -> tuple[dict[str, bytes], tuple[str, ...]]:
    """The files in folders, bundle files and YAML files, by name, and who signed them, by key id. Raises SourceRefused."""
    places = _places(paths)
    for path in places:
        _check(path, alone=len(places) == 1, signed=bool(keys))
    packed = [(path, read(path, archive.MAX_BYTES)) for path in places if is_bundle(path)]
    signers = dict.fromkeys(key.id for path, raw in packed if keys for key in _signers(path, raw, settings, keys))
    loose = [path for path in places if not is_bundle(path)]
    try:
        return engine.gathered(chain(_unpacked(packed), engine.source_files(loose))), tuple(signers)
    except engine.NameTaken as taken:
        raise SourceRefused(str(taken)) from None
    except (OSError, ValueError) as refused:
        reason = getattr(refused, "strerror", None) or refused
        raise SourceRefused(f"the policies {_listed(loose)} cannot be read: {reason}") from None


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


def _check(path: Path, alone: bool, signed: bool) -> None:
    """Whether policies may be taken from a path, `alone` or beside others, where all must be `signed`. Raises SourceRefused."""
    if not path.exists():
        raise SourceRefused(f"the policies `{path}` cannot be read: there is no such file or folder")
    if signed and not is_bundle(path):
        what = "a bundle of it" if alone else "one bundle of all of them"
        raise SourceRefused(f"`{path}` is not signed, and keys are set; build and sign {what} (`fifthfactor bundle`)")
    if not alone and path.is_dir() and not any(file.suffix in archive.SUFFIXES for file in path.rglob("*.y*ml")):
        # Left unsaid, a folder that is not mounted would take its prohibitions away.
        raise SourceRefused(f"the folder `{path}` holds no YAML file; put its policies there, or leave it out")


def _signers(path: Path, raw: bytes, settings: engine.PolicySettings, keys: Sequence[PublicKey]) -> tuple[PublicKey, ...]:
    """Which keys signed a bundle file to be read under these settings. Raises SourceRefused."""
    meant, signers = verified(path, raw, keys)
    if (meant.trust, meant.norms) != (settings.trust, settings.norms):
        raise SourceRefused(
            f"`{path}` was signed to be read with trust `{meant.trust}` and norms `{meant.norms}`, not `{settings.trust}` and"
            f" `{settings.norms}`: sign it anew under these settings, or set the others"
        )
    return signers


def _unpacked(packed: Iterable[tuple[Path, bytes]]) -> Iterator[tuple[str, str, bytes]]:
    for path, raw in packed:
        try:
            files = archive.read(raw)
        except archive.ArchiveRefused as refused:
            raise SourceRefused(f"`{path}` cannot be read as a bundle: {refused}") from None
        yield from ((name, f"`{name}` in {path}", data) for name, data in files.items())


def _places(paths: Path | Sequence[Path]) -> list[Path]:
    """Each place once, by what it really is."""
    places: dict[Path, Path] = {}
    for path in [paths] if isinstance(paths, Path) else paths:
        places.setdefault(path.resolve(), path)
    return list(places.values())


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join(f"`{path}`" for path in paths)
