"""
Loading policies from folders, YAML files, and bundle files with their signatures beside them, all into one bundle.

Input: paths, the settings of the engine, the trusted keys. Output: a checked bundle and the archive that keeps it. If keys are set, each
path must be a signed bundle file, and each is verified by itself. An unsigned or wrongly signed one is refused, and so is a folder, since
folders have no signatures. INVARIANT (nothing is hidden): two folders with the same name are refused.
"""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from pathlib import Path

import engine
from service.policies import archive, dsse, statement
from service.transparency.ed25519 import PublicKey

SIGNATURES = ".dsse.json"  # added to the whole name of the bundle file


class SourceRefused(Exception):
    """Policies cannot be loaded from a path; the message is one sentence."""


@dataclass(frozen=True, slots=True)
class FolderSignatures:
    """The ids of the trusted keys that signed a folder, and the version with which they signed it, None without one."""

    keys: tuple[str, ...]
    version: int | None


@dataclass(frozen=True, slots=True)
class LoadedBundle:
    """A checked bundle, and what was signed of each of its folders (nothing if no keys are set)."""

    bundle: engine.Bundle
    signed: Mapping[str, FolderSignatures]

    @property
    def versions(self) -> dict[str, int | None]:
        """The signed version of each folder."""
        return {folder: each.version for folder, each in self.signed.items()}

    @property
    def archive(self) -> bytes:
        """The archive of the bundle, written anew: it is as large as all its sources, and seldom needed."""
        return archive.write(self.bundle.sources)


def signature_file(path: Path) -> Path:
    """The file with the signatures of a bundle file."""
    return path.with_name(path.name + SIGNATURES)


def is_bundle(path: Path) -> bool:
    """Whether a path is meant as a bundle file: neither a folder nor YAML."""
    return not path.is_dir() and path.suffix not in archive.SUFFIXES


def load(paths: Path | Sequence[Path], settings: engine.PolicySettings, keys: Sequence[PublicKey] = ()) -> LoadedBundle:
    """
    The bundle of folders, bundle files and YAML files.

    Raises SourceRefused if one cannot be read or is not signed as required, or if one folder would hide another;
    engine.BundleRefused if the policies do not hold.
    """
    files, signed = sources(paths, settings, keys)
    bundle = engine.load_sources(files, settings, tests=False)
    try:
        archive.check(files)
    except archive.ArchiveRefused as refused:
        raise SourceRefused(f"the policies {_listed(_places(paths))} cannot be kept: {refused}") from None
    return LoadedBundle(bundle, signed)


def sources(
    paths: Path | Sequence[Path], settings: engine.PolicySettings, keys: Sequence[PublicKey] = ()
) -> tuple[dict[str, bytes], dict[str, FolderSignatures]]:
    """
    The files in folders, bundle files and YAML files, by name, and what was signed of each folder of a bundle file.

    Raises SourceRefused.
    """
    places = _places(paths)
    for path in places:
        _check(path, alone=len(places) == 1, signed=bool(keys))
    packed: list[engine.SourceFile] = []
    signed: dict[str, FolderSignatures] = {}
    for path in filter(is_bundle, places):
        raw = read(path, archive.MAX_BYTES)
        by = _signed(path, raw, settings, keys) if keys else None
        files = _unpacked(path, raw)
        packed += (engine.SourceFile(name, path, data) for name, data in files.items())
        if by:
            signed |= dict.fromkeys(engine.by_folder(files), by)
    loose = [path for path in places if not is_bundle(path)]
    try:
        return engine.gather_sources(chain(packed, engine.source_files(loose))), signed
    except engine.NameTaken as taken:
        raise SourceRefused(str(taken)) from None
    except (OSError, ValueError) as refused:
        reason = getattr(refused, "strerror", None) or refused
        raise SourceRefused(f"the policies {_listed(loose)} cannot be read: {reason}") from None


def signed_folders(path: Path, raw: bytes, keys: Sequence[PublicKey]) -> dict[str, tuple[int | None, str]]:
    """The signed version and the digest of each folder in a bundle file. Raises SourceRefused."""
    meant, _ = verified(path, raw, keys)
    parts = engine.by_folder(_unpacked(path, raw))
    return {folder: (meant.version, engine.source_digest(files)) for folder, files in parts.items()}


def verified(path: Path, raw: bytes, keys: Sequence[PublicKey]) -> tuple[statement.BundlePredicate, tuple[PublicKey, ...]]:
    """What the signed statement beside a bundle file says of it, and the keys that signed. Raises SourceRefused."""
    envelope = signature_file(path)
    if not envelope.exists():
        raise SourceRefused(f"`{path}` is not signed: there is no {envelope.name} beside it")
    try:
        payload, signers = dsse.verify(dsse.read(read(envelope, dsse.MAX_BYTES)), statement.PAYLOAD_TYPE, keys)
        return statement.read(payload, raw), signers
    except (dsse.EnvelopeRefused, statement.StatementRefused) as refused:
        raise SourceRefused(f"the signature of `{path}` does not hold: {refused}") from None


def read(path: Path, limit: int) -> bytes:
    """The bytes of a file, at most one more than the limit. Raises SourceRefused."""
    try:
        with path.open("rb") as file:
            return file.read(limit + 1)
    except OSError as error:
        raise SourceRefused(f"`{path}` cannot be read: {error.strerror}") from None


def _check(path: Path, alone: bool, signed: bool) -> None:
    """Check a path of policies. `alone`: it is the only path; `signed`: every path must be signed. Raises SourceRefused."""
    if not path.exists():
        raise SourceRefused(f"the policies `{path}` cannot be read: there is no such file or folder")
    if signed and not is_bundle(path):
        raise SourceRefused(f"`{path}` is not signed, and keys are set; build and sign a bundle of it (`fifthfactor bundle`)")
    if not alone and path.is_dir() and not any(file.suffix in archive.SUFFIXES for file in path.rglob("*.y*ml")):
        # Without this refusal, a folder that is not mounted would silently take its prohibitions away.
        raise SourceRefused(f"the folder `{path}` holds no YAML file; put its policies there, or leave it out")


def _signed(path: Path, raw: bytes, settings: engine.PolicySettings, keys: Sequence[PublicKey]) -> FolderSignatures:
    """By which keys, and with which version, a bundle file was signed for these settings. Raises SourceRefused."""
    meant, signers = verified(path, raw, keys)
    if (meant.trust, meant.norms) != (settings.trust, settings.norms):
        raise SourceRefused(
            f"`{path}` was signed for trust `{meant.trust}` and norms `{meant.norms}`, but the settings are `{settings.trust}` and"
            f" `{settings.norms}`: sign the bundle again under these settings, or change the settings"
        )
    return FolderSignatures(tuple(key.id for key in signers), meant.version)


def _unpacked(path: Path, raw: bytes) -> dict[str, bytes]:
    try:
        return archive.read(raw)
    except archive.ArchiveRefused as refused:
        raise SourceRefused(f"`{path}` cannot be read as a bundle: {refused}") from None


def _places(paths: Path | Sequence[Path]) -> list[Path]:
    """Each path once; paths to the same file or folder count as one."""
    places: dict[Path, Path] = {}
    for path in [paths] if isinstance(paths, Path) else paths:
        places.setdefault(path.resolve(), path)
    return list(places.values())


def _listed(paths: Iterable[Path]) -> str:
    return ", ".join(f"`{path}`" for path in paths)
