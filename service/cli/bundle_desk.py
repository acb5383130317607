"""
The commands on bundle files: build, sign, verify, show, and making a key.

Each prints for people, or JSON for programs, and returns the exit code: 0 done, 1 a finding, 2 used wrongly (UsedWrongly,
KeyRefused, SourceRefused).
"""

import json
import sys
from contextlib import closing
from hashlib import sha256
from pathlib import Path
from typing import Any

import sqlalchemy as sa

import engine
from service.cli.commands import UsedWrongly, count, painted
from service.cli.files import put
from service.policies import archive, dsse, kept, loading, statement, trusted_keys
from service.store.database import DatabaseRefused, plain
from service.store.upgrade import look


def build(paths: list[Path], output: Path) -> int:
    """Write the bundle of some folders; 1 where they do not hold."""
    if not loading.is_bundle(output):
        raise UsedWrongly(f"{output} cannot be the bundle's file; name one like policies.bundle")
    try:
        bundle = engine.load(paths or [engine.bundled_policies()])
        packed = archive.write(bundle.sources)
    except (FileNotFoundError, archive.ArchiveRefused) as wrong:
        raise UsedWrongly(str(wrong)) from None
    except engine.BundleRefused as refused:
        return _unsound(refused)
    put(output, packed)
    print(f"{output}: {count(len(bundle.sources), 'file')}, {count(len(packed), 'byte')}, sha256 {sha256(packed).hexdigest()}")
    return 0


def keygen(name: str) -> int:
    """Write a new key pair."""
    private, public = Path(f"{name}.key"), Path(f"{name}.pub")
    key = trusted_keys.generate(private, public)
    print(f"{private} signs; keep it secret\n{public} verifies, key id {key.public.id}")
    return 0


def sign(file: Path, key: Path) -> int:
    """Sign a bundle file; a signature of another key on the same statement stays. 1 where the policies do not hold."""
    signer = trusted_keys.private_key(key)
    try:
        loaded = loading.load(_a_file(file), engine.Settings())
    except engine.BundleRefused as refused:
        return _unsound(refused)
    payload = statement.about(file.name, loaded.archive, loaded.bundle)
    envelope = dsse.Envelope(statement.PAYLOAD_TYPE, payload, ())
    place = loading.beside(file)
    if place.exists():
        try:
            there = dsse.read(loading.read(place, dsse.MAX_BYTES))
        except dsse.EnvelopeRefused as refused:
            raise UsedWrongly(f"{place} cannot be added to: {refused}; delete it first") from None
        if (there.payload_type, there.payload) == (envelope.payload_type, envelope.payload):
            envelope = there
    put(place, envelope.signed_also_by(signer).written())
    print(f"{place}: signed with key id {signer.public.id}")
    return 0


def verify(file: Path, trusted: list[Path], as_json: bool) -> int:
    """Whether a bundle is signed by one of some keys, and holds."""
    with_keys = trusted_keys.public_keys(trusted)
    raw = loading.read(_a_file(file), archive.MAX_BYTES)
    try:
        meant, signers = loading.verified(file, raw, with_keys)
        loaded = loading.load(file, engine.Settings(), with_keys)
    except loading.SourceRefused as refused:
        return _answer({"verified": False, "reason": str(refused)}, f"{painted('red', 'not verified')}: {refused}", 1, as_json)
    except engine.BundleRefused as refused:
        return _unsound(refused)
    digests = loaded.bundle.digests
    # Another version of the engine may print the same rules otherwise, so this is told and not refused.
    note = (
        "" if meant.meaning == digests.meaning else f"; it meant {meant.meaning[:12]} to the engine {meant.engine} that signed"
    )
    return _answer(
        {"verified": True, "signed_by": list(loaded.signers), "sha256": sha256(raw).hexdigest(), **_digests(loaded.bundle)},
        f"{painted('green', 'verified')}: signed by {', '.join(key.id[:16] for key in signers)};"
        f" source {digests.source[:12]}, meaning {digests.meaning[:12]}{note}",
        0,
        as_json,
    )


def show(file: Path, unpack: Path | None, as_json: bool) -> int:
    """What is in a bundle file; with `unpack`, its files in a folder. 1 where the policies do not hold."""
    try:
        loaded = loading.load(_a_file(file), engine.Settings())
    except engine.BundleRefused as refused:
        return _unsound(refused)
    bundle, place = loaded.bundle, loading.beside(file)
    if unpack:
        _unpack(bundle.sources, unpack)
    try:
        signed = [id for id, _ in dsse.read(loading.read(place, dsse.MAX_BYTES)).signatures] if place.exists() else []
    except dsse.EnvelopeRefused as refused:
        raise UsedWrongly(f"{place} cannot be read: {refused}") from None
    document = {
        "file": str(file),
        "sha256": sha256(loaded.archive).hexdigest(),
        "digests": _digests(bundle),
        "signatures": signed,
        "files": {name: len(data) for name, data in sorted(bundle.sources.items())},
    }
    lines = [
        f"sha256   {document['sha256']}",
        f"source   {bundle.digests.source}",
        f"meaning  {bundle.digests.meaning}",
        f"signed   {', '.join(signed) + ' (not verified)' if signed else 'no'}",
        *(f"{len(data):>9,}  {name}" for name, data in sorted(bundle.sources.items())),
    ]
    return _answer(document, "\n".join(lines), 0, as_json)


def export(digest: str, database: str, output: Path) -> int:
    """Write a bundle that a log keeps; 1 where it does not."""
    if not loading.is_bundle(output):
        raise UsedWrongly(f"{output} cannot be the bundle's file; name one like policies.bundle")
    try:
        with closing(look(database)) as opened, opened.reading.connect() as connection:
            found, data = kept.archived(connection, digest)
    except DatabaseRefused as refused:
        raise UsedWrongly(str(refused)) from None
    except sa.exc.SQLAlchemyError as failed:
        raise UsedWrongly(f"the log cannot be read: {plain(failed)}") from None
    except kept.NotKept as missing:
        print(f"error: {missing}", file=sys.stderr)
        return 1
    put(output, data)
    print(f"{output}: source {found.source}, meaning {found.meaning}, first used {found.first_used_at}")
    return 0


def _unpack(files: dict[str, bytes], folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
        if any(folder.iterdir()):
            raise UsedWrongly(f"{folder} is not empty; name a new folder")
        for name, data in files.items():
            place = folder / name  # archive.read refuses a name that leads out of the folder
            place.parent.mkdir(parents=True, exist_ok=True)
            place.write_bytes(data)
    except OSError as error:
        raise UsedWrongly(f"cannot write into {folder}: {error.strerror}") from None


def _a_file(path: Path) -> Path:
    if not loading.is_bundle(path):
        raise UsedWrongly(f"{path} is no bundle file; make one with `fifthfactor bundle build`")
    return path


def _unsound(refused: engine.BundleRefused) -> int:
    print(f"{refused}\n\n{count(len(refused.diagnostics), 'finding')}; the policies do not hold", file=sys.stderr)
    return 1


def _digests(bundle: engine.Bundle) -> dict[str, str]:
    return {"meaning": bundle.digests.meaning, "source": bundle.digests.source}


def _answer(document: dict[str, Any], text: str, code: int, as_json: bool) -> int:
    print(json.dumps(document, ensure_ascii=False, indent=2) if as_json else text)
    return code
