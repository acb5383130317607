"""
`fifthfactor bundle …`: build, sign, verify, show and export bundle files, make keys, and let older policies decide again.

Exit codes: 0 done; 1 a finding (the policies are not sound, the signature does not hold, the log does not keep the bundle); 2 used wrongly.
"""

from hashlib import sha256
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.command import AsJson, Commands, Database, Paths, UsedWrongly, address, policies_at
from service.cli.output import complain, count, painted, print_json

if TYPE_CHECKING:
    import engine

app = Commands(
    help="Build, sign and verify bundles. A bundle is one file with all policies, which a person signs and answers for."
)

File = Annotated[Path, typer.Argument(help="The bundle file.")]
Beside = Annotated[
    list[Path] | None,
    typer.Option(
        help="Policies whose words these use: folder, file or bundle file; may be repeated; `bundled` names the bundled policies.",
        parser=policies_at,
        metavar="PATH",
    ),
]
Output = Annotated[Path, typer.Option("--output", "-o", help="The file to write.")]


@app.add("bundle build policies -o policies.bundle")
def build(paths: Paths = None, output: Output = Path("policies.bundle"), beside: Beside = None) -> int:
    """
    Put all policies, words and tests into one file. The same sources give the same bytes.

    Ends with 1, and writes nothing, where the policies are not sound. What is named by `--beside` is checked with them and is not put
    into the file.
    """
    import engine
    from service.cli.files import load, put
    from service.policies import archive, loading

    _need_a_file_name(output)
    own = paths or [engine.bundled_policies()]
    try:
        load([*own, *(beside or [])])
        files, _ = loading.sources(own, engine.PolicySettings())
        packed = archive.write(files)
    except archive.ArchiveRefused as wrong:
        raise UsedWrongly(str(wrong)) from None
    except engine.BundleRefused as refused:
        return _unsound(refused, beside)
    put(output, packed)
    print(f"{output}: {count(len(files), 'file')}, {count(len(packed), 'byte')}, sha256 {sha256(packed).hexdigest()}")
    return 0


@app.add("bundle keygen release")
def keygen(name: Annotated[str, typer.Argument(help="Name of the two files: NAME.key and NAME.pub.")]) -> int:
    """
    Make an Ed25519 key: NAME.key signs and stays secret, NAME.pub verifies. Existing files are never overwritten.
    """
    from service.policies import signing_keys

    private, public = Path(f"{name}.key"), Path(f"{name}.pub")
    key = signing_keys.generate(private, public)
    print(f"{private} signs; keep it secret\n{public} verifies, key id {key.public.id}")
    return 0


@app.add("bundle sign policies.bundle --key release.key", "bundle sign policies.bundle --key release.key --version 12")
def sign(
    file: File,
    key: Annotated[Path, typer.Option(help="File of the private key, in PEM.")],
    version: Annotated[
        int | None,
        typer.Option(
            help="A whole number, higher than that of the last bundle of these policies."
            " [the moment as YYYYMMDDhhmmss in UTC, or one more than in FILE.dsse.json]",
            min=1,
        ),
    ] = None,
    beside: Beside = None,
) -> int:
    """
    Sign a bundle. The signature goes into FILE.dsse.json beside it; several keys may sign one after another.

    A service refuses a version that is not higher than that of other policies of the same folder which decided before. Ends with 1 where
    the policies are not sound.
    """
    import engine
    from service.cli.files import put
    from service.policies import dsse, loading, signing_keys, statement

    if version and version > statement.HIGHEST_VERSION:
        raise UsedWrongly(f"`--version` is at most {statement.HIGHEST_VERSION}")

    signer = signing_keys.private_key(key)
    try:
        raw, files, bundle = _opened(file, beside)
    except engine.BundleRefused as refused:
        return _unsound(refused, beside)
    place = loading.signature_file(file)
    there, latest = None, None
    if place.exists():
        try:
            there = dsse.read(loading.read(place, dsse.MAX_BYTES))
        except dsse.EnvelopeRefused as refused:
            raise UsedWrongly(f"cannot add a signature to {place}: {refused}; delete the file first") from None
        latest = statement.version_in(there.payload)

    def about(version: int) -> "dsse.Envelope":
        return dsse.Envelope(statement.PAYLOAD_TYPE, statement.statement_of(file.name, raw, files, bundle, version), ())

    envelope = about(version or latest or _of_now())
    if there and (there.payload_type, there.payload) == (envelope.payload_type, envelope.payload):
        envelope = there  # signatures of other keys on the same statement stay
    elif latest and not version:
        envelope = about(max(_of_now(), latest + 1))
    put(place, envelope.signed_also_by(signer).written())
    print(f"{place}: version {statement.version_in(envelope.payload)}, signed with key id {signer.public.id}")
    return 0


@app.add("bundle verify policies.bundle --key release.pub")
def verify(
    file: File,
    key: Annotated[list[Path], typer.Option(help="File of a trusted public key, in PEM; may be repeated.")],
    beside: Beside = None,
    as_json: AsJson = False,
) -> int:
    """
    Verify that one of the keys signed this bundle, and that its policies are sound.

    Ends with 0 where both are so, else with 1.
    """
    import engine
    from service.policies import archive, loading, signing_keys

    trusted = signing_keys.public_keys(key)
    raw = loading.read(_a_file(file), archive.MAX_BYTES)
    try:
        meant, signers = loading.verified(file, raw, trusted)
        raw, files, bundle = _opened(file, beside)
    except loading.SourceRefused as refused:
        return _answer({"verified": False, "reason": str(refused)}, f"{painted('red', 'not verified')}: {refused}", 1, as_json)
    except engine.BundleRefused as refused:
        return _unsound(refused, beside)
    source, meaning = engine.source_digest(files), bundle.digests.meaning
    # Another version of the engine may give the same rules another digest, so a difference is reported and not refused.
    note = (
        "" if meant.meaning == meaning else f"; the engine {meant.engine} that signed it read the meaning {meant.meaning[:12]}"
    )
    return _answer(
        {
            "verified": True,
            "signed_by": [each.id for each in signers],
            "version": meant.version,
            "sha256": sha256(raw).hexdigest(),
            "meaning": meaning,
            "source": source,
        },
        f"{painted('green', 'verified')}: {'without a version' if meant.version is None else f'version {meant.version}'},"
        f" signed by {', '.join(each.id[:16] for each in signers)};"
        f" source {source[:12]}, meaning {meaning[:12]}{note}",
        0,
        as_json,
    )


@app.add("bundle show policies.bundle --unpack folder")
def show(
    file: File,
    unpack: Annotated[Path | None, typer.Option(help="Write the files into this folder, which must be new or empty.")] = None,
    beside: Beside = None,
    as_json: AsJson = False,
) -> int:
    """
    Show what a bundle holds, and which keys signed it. The signatures are not verified.

    Ends with 1 where the policies are not sound.
    """
    import engine
    from service.policies import dsse, loading, statement

    try:
        raw, files, bundle = _opened(file, beside)
    except engine.BundleRefused as refused:
        return _unsound(refused, beside)
    place = loading.signature_file(file)
    if unpack:
        _unpack(files, unpack)
    try:
        envelope = dsse.read(loading.read(place, dsse.MAX_BYTES)) if place.exists() else None
    except dsse.EnvelopeRefused as refused:
        raise UsedWrongly(f"{place} cannot be read: {refused}") from None
    signed = [id for id, _ in envelope.signatures] if envelope else []
    version = statement.version_in(envelope.payload) if envelope else None
    source = engine.source_digest(files)
    folders = {folder: bundle.digests.folders[folder] for folder in engine.by_folder(files)}
    document = {
        "file": str(file),
        "sha256": sha256(raw).hexdigest(),
        "digests": {"meaning": bundle.digests.meaning, "source": source, "folders": folders},
        "signatures": signed,
        "version": version,
        "files": {name: len(data) for name, data in sorted(files.items())},
    }
    lines = [
        f"sha256   {document['sha256']}",
        f"source   {source}",
        *(f"folder   {digest}  {folder}" for folder, digest in folders.items() if len(folders) > 1),
        f"meaning  {bundle.digests.meaning}",
        f"signed   {', '.join(signed) + ' (not verified)' if signed else 'no'}",
        *([f"version  {version} (not verified)"] if version else []),
        *(f"{len(data):>9,}  {name}" for name, data in sorted(files.items())),
    ]
    return _answer(document, "\n".join(lines), 0, as_json)


@app.add("bundle export 3f9a01c2 --database decisions.db -o then.bundle")
def export(
    digest: Annotated[
        str, typer.Argument(help="The digest `source` or `meaning` from a record, or at least its first 8 digits.")
    ],
    database: Database = None,
    output: Output = Path("policies.bundle"),
) -> int:
    """
    Write policies that decided in the past from the log into a bundle file.

    Ends with 1 where the log does not have them.
    """
    from service.cli.files import put
    from service.policies import kept_bundles
    from service.store.upgrade import reading

    _need_a_file_name(output)
    try:
        with reading(address(database)) as connection:
            found, data = kept_bundles.archive_of(connection, digest)
    except kept_bundles.NotKept as missing:
        complain(f"error: {missing}")
        return 1
    put(output, data)
    print(f"{output}: source {found.source}, meaning {found.meaning}, first used {found.first_used_at}")
    return 0


@app.add('bundle allow-older policies.bundle --key release.pub --reason "version 12 refuses every export"')
def allow_older(
    file: File,
    reason: Annotated[str, typer.Option(help="Why the older policies are to decide again.")],
    key: Annotated[
        list[Path] | None,
        typer.Option(help="File of a trusted public key, in PEM; may be repeated. [FIFTHFACTOR_BUNDLE_KEYS]"),
    ] = None,
    database: Database = None,
) -> int:
    """
    Let signed policies decide again that are older than those that decided before, and record this in the log. The service may run.

    The permission is for the content of this bundle only. It ends when the newest policies, or newer ones, decide. Ends with 1 where the
    signature does not hold, or where the policies are not older.
    """
    from datetime import UTC, datetime

    from service.cli.command import BY, log_key, settings
    from service.policies import archive, loading, rollback, signing_keys
    from service.store.upgrade import open_present, writing
    from service.telemetry.log_lines import audit, logger

    if not reason.strip():
        raise UsedWrongly("`--reason` must say why")
    trusted = signing_keys.public_keys(key or settings().bundle_keys)
    if not trusted:
        raise UsedWrongly("name the public keys that the service trusts, with `--key` or FIFTHFACTOR_BUNDLE_KEYS")
    raw = loading.read(_a_file(file), archive.MAX_BYTES)
    try:
        folders = loading.signed_folders(file, raw, trusted)
    except loading.SourceRefused as refused:
        complain(f"error: {refused}")
        return 1
    url = address(database)
    open_present(url).close()  # so that a mistyped name creates no database
    with writing(url, log_key()) as transaction:
        older = rollback.allow(transaction, folders, BY, reason.strip(), datetime.now(UTC))
    if not older:
        complain("error: these policies are not older than those that decided, so they need no permission")
        return 1
    for folder, instead in older.items():
        version, source = folders[folder]
        audit(logger(), "older-bundle-allowed", caller=BY, folder=folder, version=version, source=source)
        print(f"{folder}: version {version or 'none'} may decide again, although version {instead} decided")
    return 0


def _of_now() -> int:
    """The version of a bundle that is signed now."""
    from datetime import UTC, datetime

    return int(datetime.now(UTC).strftime("%Y%m%d%H%M%S"))


def _need_a_file_name(output: Path) -> None:
    from service.policies.loading import is_bundle

    if not is_bundle(output):
        raise UsedWrongly(f"{output} cannot be a bundle file; name one like policies.bundle")


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


def _opened(file: Path, beside: list[Path] | None) -> "tuple[bytes, dict[str, bytes], engine.Bundle]":
    """
    The bytes of a bundle file, the files in it, and the bundle of these and of the policies beside them.

    Raises SourceRefused, engine.BundleRefused.
    """
    import engine
    from service.cli.files import load
    from service.policies import archive, loading

    raw = loading.read(_a_file(file), archive.MAX_BYTES)
    files, _ = loading.sources(file, engine.PolicySettings())
    return raw, files, load([file, *(beside or [])])


def _a_file(path: Path) -> Path:
    from service.policies import loading

    if not loading.is_bundle(path):
        raise UsedWrongly(f"{path} is not a bundle file; make one with `fifthfactor bundle build`")
    return path


def _unsound(refused: "engine.BundleRefused", beside: list[Path] | None) -> int:
    alone = "" if beside else "; if they use the words of other policies, name these with `--beside`"
    complain(f"{refused}\n\n{count(len(refused.diagnostics), 'finding')}; the policies are not sound{alone}")
    return 1


def _answer(document: dict[str, Any], text: str, code: int, as_json: bool) -> int:
    print_json(document) if as_json else print(text)
    return code
