"""Bundle files: built, signed, verified by the command line; what was meddled with is refused."""

import base64
import json
import re
import stat
from hashlib import sha256
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import engine
from service.cli.main import app
from service.policies import archive, dsse, loading, signing_keys, statement
from tests.service.conftest import POLICIES

SETTINGS = engine.PolicySettings()


def run(*arguments: object, code: int = 0) -> Any:
    """Run `fifthfactor bundle …`; it must end with the code."""
    result = CliRunner().invoke(app, ["bundle", *map(str, arguments)])
    assert result.exit_code == code, f"{result.output}{result.exception!r}"
    return result


@pytest.fixture
def bundle(tmp_path: Path) -> Path:
    """A bundle file of the small policies."""
    file = tmp_path / "small.bundle"
    run("build", POLICIES, "-o", file)
    return file


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """A private key, whose public one is beside it."""
    run("keygen", tmp_path / "release")
    return tmp_path / "release.key"


def signed(bundle: Path, key: Path) -> dict[str, Any]:
    """Sign, and read the envelope."""
    run("sign", bundle, "--key", key)
    envelope: dict[str, Any] = json.loads(loading.signature_file(bundle).read_bytes())
    return envelope


def meddle(bundle: Path, **changes: Any) -> None:
    """Change members of the envelope."""
    place = loading.signature_file(bundle)
    place.write_text(json.dumps({**json.loads(place.read_bytes()), **changes}))


def refused(bundle: Path, public: Path, why: str) -> None:
    """The command line and the service's loader refuse it, and say why."""
    assert re.search(why, run("verify", bundle, "--key", public, code=1).stdout)
    with pytest.raises(loading.SourceRefused, match=why):
        loading.load(bundle, SETTINGS, signing_keys.public_keys([public]))


def test_the_same_sources_give_the_same_bytes_and_the_same_bundle(tmp_path, bundle):
    """Wherever and whenever they are built, and with the digests of the folder."""
    copy = tmp_path / "elsewhere" / "policies"
    copy.mkdir(parents=True)
    for file in sorted(POLICIES.iterdir(), reverse=True):
        (copy / file.name).write_bytes(file.read_bytes())
    run("build", copy, "-o", tmp_path / "again.bundle")
    assert (tmp_path / "again.bundle").read_bytes() == bundle.read_bytes()
    assert loading.load(bundle, SETTINGS).bundle.digests == engine.load(POLICIES).digests
    assert loading.load(POLICIES, SETTINGS).archive == bundle.read_bytes()


def test_policies_that_do_not_hold_are_not_built(tmp_path):
    """Their findings are told, the code is 1, and there is no file."""
    (tmp_path / "bad").mkdir()
    (tmp_path / "bad" / "rules.yaml").write_text("policy: x\n")
    assert "bad/rules.yaml:1:1" in run("build", tmp_path / "bad", "-o", tmp_path / "bad.bundle", code=1).stderr
    assert not (tmp_path / "bad.bundle").exists()


def test_the_built_bundle_can_be_taken_apart(tmp_path, bundle):
    """Into a new folder, byte for byte; a folder that holds something is left alone."""
    run("show", bundle, "--unpack", tmp_path / "out")
    for file in POLICIES.iterdir():
        assert (tmp_path / "out" / "policies" / file.name).read_bytes() == file.read_bytes()
    run("show", bundle, "--unpack", tmp_path / "out", code=2)
    shown = json.loads(run("show", bundle, "--json").stdout)
    assert shown["sha256"] == sha256(bundle.read_bytes()).hexdigest()
    assert shown["digests"]["source"] == engine.load(POLICIES).digests.source
    assert shown["signatures"] == []


@pytest.mark.parametrize(
    "name",
    [
        "../up.yaml",
        "/root.yaml",
        "a/../../b.yaml",
        "a//b.yaml",
        "./a.yaml",
        "a\\..\\b.yaml",
        "a\0.yaml",
        "a\n.yaml",
        "run.sh",
        ".yaml/x",
    ],
)
def test_a_name_that_leads_elsewhere_is_refused(name):
    """When written and when read."""
    with pytest.raises(archive.ArchiveRefused, match="cannot be named"):
        archive.write({name: b"policy: x"})
    with pytest.raises(archive.ArchiveRefused):
        archive.read(json.dumps({"files": {name: "policy: x"}, "schema": archive.SCHEMA}, separators=(",", ":")).encode())


@pytest.mark.parametrize(
    "change",
    [
        lambda raw: raw + b"\n",
        lambda raw: b" " + raw,
        lambda raw: raw.replace(b'{"files":{', b'{"files":{"policies/rules.yaml":"policy: y",', 1),  # a name twice
        lambda raw: raw.replace(b'"schema"', b'"more":1,"schema"', 1),
        lambda raw: raw.replace(b"policy", b"p\\u006flicy", 1),
        lambda raw: raw.replace(b"bundle/1", b"bundle/2"),
        lambda raw: raw.replace(b"policy", b"\\ud800", 1),
        lambda raw: raw.replace(b"policy", b"\xff", 1),
        lambda raw: raw[:-1],
        lambda raw: b"[" * 100_000,
        lambda raw: b"[]",
        lambda raw: b'{"files":{"a.yaml":{}},"schema":"fifthfactor/bundle/1"}',
        lambda raw: b"PK\x03\x04",
        lambda raw: b"",
    ],
)
def test_only_what_build_writes_is_read(bundle, change):
    """There is one archive for one set of sources; everything else is refused in a sentence."""
    changed = change(bundle.read_bytes())
    with pytest.raises(archive.ArchiveRefused):
        archive.read(changed)
    bundle.write_bytes(changed)
    assert "error: " in run("show", bundle, code=2).stderr


def test_an_archive_is_bounded(monkeypatch, tmp_path):
    """In its bytes, its files and each of them; an oversize file is not read whole."""
    with pytest.raises(archive.ArchiveRefused, match="larger than 32 MiB"):
        archive.read(b" " * (archive.MAX_BYTES + 1))
    with pytest.raises(archive.ArchiveRefused, match="at most 5,000"):
        archive.write({f"{number}.yaml": b"" for number in range(5_001)})
    with pytest.raises(archive.ArchiveRefused, match="larger than 1 MiB"):
        archive.write({"a.yaml": b" " * (archive.MAX_FILE_BYTES + 1)})
    with pytest.raises(archive.ArchiveRefused, match="not UTF-8"):
        archive.write({"a.yaml": b"\xff"})
    large = tmp_path / "large.bundle"
    with large.open("wb") as file:
        file.truncate(1 << 40)
    assert "larger than" in run("show", large, code=2).stderr


@pytest.mark.parametrize(
    "sources", [{"a/b.sh": b"x"}, {"a.yaml": b"\xff"}, {f"{number}.yaml": b"\x01" * 200_000 for number in range(30)}]
)
def test_sources_that_make_no_archive_are_refused_without_writing_one(sources):
    """By `check` as by `write`; what may be too large is written to know."""
    for refuses in (archive.check, archive.write):
        with pytest.raises(archive.ArchiveRefused):
            refuses(sources)


def test_the_longest_text_that_json_can_make_of_sources_is_known(monkeypatch):
    """So `check` lets nothing pass that `write` refuses: whatever the limit, where it passes the archive is within it."""
    for sources in (
        {"a.yaml": b"\x01" * 500},
        {f'{name}".yaml': b'\\"\n' for name in range(50)},
        {"a.yaml": "\U0001f600".encode() * 99},
    ):
        size = len(archive.write(sources))
        monkeypatch.setattr(archive, "MAX_BYTES", size - 1)
        with pytest.raises(archive.ArchiveRefused, match="together"):
            archive.check(sources)
        monkeypatch.undo()


def test_a_key_is_kept_from_others_and_never_written_over(tmp_path, key):
    """The private file is its owner's alone, both are PEM, a second key of that name is refused."""
    assert stat.S_IMODE(key.stat().st_mode) == 0o600
    assert key.read_text().startswith("-----BEGIN PRIVATE KEY-----")
    assert key.with_suffix(".pub").read_text().startswith("-----BEGIN PUBLIC KEY-----")
    before = key.read_bytes()
    run("keygen", tmp_path / "release", code=2)
    assert key.read_bytes() == before


def test_a_wrong_key_file_is_told_in_a_sentence(tmp_path, bundle, key):
    """A private key for verifying, a public one for signing, no key, no file; and nothing of the key is printed."""
    for arguments in (
        ("verify", bundle, "--key", key),
        ("sign", bundle, "--key", key.with_suffix(".pub")),
        ("sign", bundle, "--key", bundle),
        ("verify", bundle, "--key", tmp_path / "none"),
    ):
        said = run(*arguments, code=2).stderr
        assert said.startswith("error: ")
        assert key.read_text().splitlines()[1] not in said


def test_the_encoding_that_is_signed_is_the_specifications():
    """The example of DSSE's protocol.md."""
    assert (
        dsse.pae("http://example.com/HelloWorld", b"hello world") == b"DSSEv1 29 http://example.com/HelloWorld 11 hello world"
    )
    assert dsse.pae("", "é".encode()) == b"DSSEv1 0  2 \xc3\xa9"


def test_a_signature_is_a_statement_about_the_archive(bundle, key):
    """In-toto Statement v1 in a DSSE envelope, which anybody can check with the library alone."""
    from cryptography.hazmat.primitives.serialization import load_pem_public_key

    envelope = signed(bundle, key)
    payload = base64.b64decode(envelope["payload"])
    told = json.loads(payload)
    digests = engine.load(POLICIES).digests
    assert told["_type"] == "https://in-toto.io/Statement/v1"
    assert told["subject"] == [{"name": "small.bundle", "digest": {"sha256": sha256(bundle.read_bytes()).hexdigest()}}]
    assert (told["predicate"]["meaning"], told["predicate"]["source"]) == (digests.meaning, digests.source)
    kind = envelope["payloadType"]
    message = f"DSSEv1 {len(kind)} {kind} {len(payload)} ".encode() + payload
    public: Any = load_pem_public_key(key.with_suffix(".pub").read_bytes())
    public.verify(base64.b64decode(envelope["signatures"][0]["sig"]), message)
    shown = json.loads(run("verify", bundle, "--key", key.with_suffix(".pub"), "--json").stdout)
    assert shown["verified"]
    assert shown["signed_by"] == [envelope["signatures"][0]["keyid"]]


def test_an_unsigned_bundle_is_refused_where_keys_are_set(bundle, key):
    """As is one whose list of signatures is empty, and a folder; without keys all are taken."""
    public = key.with_suffix(".pub")
    refused(bundle, public, "is not signed")
    signed(bundle, key)
    meddle(bundle, signatures=[])
    refused(bundle, public, "holds no signature")
    with pytest.raises(loading.SourceRefused, match="is not signed"):
        loading.load(POLICIES, SETTINGS, signing_keys.public_keys([public]))
    loading.load(bundle, SETTINGS)


def test_what_was_changed_after_signing_is_refused(bundle, key):
    """The archive, the statement, its type, a signature; the key id changes nothing."""
    public = key.with_suffix(".pub")
    envelope = signed(bundle, key)
    raw = bundle.read_bytes()

    bundle.write_bytes(archive.write({**archive.read(raw), "policies/new.yaml": b"policy: cn.new"}))
    refused(bundle, public, "another bundle, or the bundle was changed")
    bundle.write_bytes(raw)

    told = json.loads(base64.b64decode(envelope["payload"]))
    told["predicate"]["meaning"] = "0" * 64
    meddle(bundle, payload=base64.b64encode(json.dumps(told).encode()).decode())
    refused(bundle, public, "none of the trusted keys")
    meddle(bundle, **{**envelope, "payloadType": "application/json"})
    refused(bundle, public, "type is not")
    bad = [{**envelope["signatures"][0], "sig": base64.b64encode(b"\0" * 64).decode()}]
    meddle(bundle, **{**envelope, "signatures": bad})
    refused(bundle, public, "none of the trusted keys")
    meddle(bundle, **{**envelope, "signatures": [{"sig": "%%%"}]})
    refused(bundle, public, "not a DSSE envelope")
    loading.signature_file(bundle).write_bytes(b"{}")
    refused(bundle, public, "not a DSSE envelope")


def test_a_key_id_is_no_proof(tmp_path, bundle, key):
    """The trusted key's id over a stranger's signature is refused; a lying id over a good signature is not looked at."""
    run("keygen", tmp_path / "stranger")
    envelope = signed(bundle, tmp_path / "stranger.key")
    trusted = signing_keys.public_key(key.with_suffix(".pub"))
    refused(bundle, key.with_suffix(".pub"), "none of the trusted keys")
    meddle(bundle, signatures=[{**envelope["signatures"][0], "keyid": trusted.id}])
    refused(bundle, key.with_suffix(".pub"), "none of the trusted keys")
    for lie in ({"keyid": "nobody"}, {"keyid": ""}, {}):
        meddle(bundle, signatures=[{"sig": envelope["signatures"][0]["sig"], **lie}])
        run("verify", bundle, "--key", tmp_path / "stranger.pub")


def test_one_good_signature_of_several_is_enough(tmp_path, bundle, key):
    """Two sign one after another, either key verifies; a third signature is junk; signing twice adds nothing."""
    run("keygen", tmp_path / "second")
    signed(bundle, key)
    envelope = signed(bundle, tmp_path / "second.key")
    assert signed(bundle, tmp_path / "second.key") == envelope
    assert len(envelope["signatures"]) == 2
    meddle(bundle, signatures=[{"sig": "AAAA"}, *envelope["signatures"]])
    for public in ("release.pub", "second.pub"):
        run("verify", bundle, "--key", tmp_path / public)
    run("keygen", tmp_path / "third")
    refused(bundle, tmp_path / "third.pub", "none of the trusted keys")
    run("verify", bundle, "--key", tmp_path / "third.pub", "--key", tmp_path / "second.pub")
    meddle(bundle, signatures=[{"sig": "AAAA"}] * 33)
    refused(bundle, tmp_path / "second.pub", "at most 32 signatures")


@pytest.mark.parametrize(
    "change",
    [
        {"_type": "https://in-toto.io/Statement/v0.1"},
        {"predicateType": "https://slsa.dev/provenance/v1"},
        {"subject": []},
        {"subject": [{"name": "x", "digest": {}}]},
        {"predicate": {}},
    ],
)
def test_a_statement_about_something_else_is_refused(bundle, key, change):
    """Well signed by a trusted key, and yet no statement about this bundle."""
    told = {**json.loads(base64.b64decode(signed(bundle, key)["payload"])), **change}
    envelope = dsse.Envelope(statement.PAYLOAD_TYPE, json.dumps(told).encode(), ())
    loading.signature_file(bundle).write_bytes(envelope.signed_also_by(signing_keys.private_key(key)).written())
    refused(bundle, key.with_suffix(".pub"), "not a statement about a bundle|another bundle")


def test_url_safe_base64_is_read_too(bundle, key):
    """The specification lets whoever signs choose."""
    envelope = signed(bundle, key)
    told = json.dumps({**json.loads(base64.b64decode(envelope["payload"])), "of": "???>>>~~~"}).encode()
    again = json.loads(dsse.Envelope(statement.PAYLOAD_TYPE, told, ()).signed_also_by(signing_keys.private_key(key)).written())
    [signature] = again["signatures"]
    safe = {**signature, "sig": signature["sig"].replace("+", "-").replace("/", "_")}
    payload = again["payload"].replace("+", "-").replace("/", "_")
    assert payload != again["payload"]
    meddle(bundle, payload=payload, signatures=[safe])
    result = run("verify", bundle, "--key", key.with_suffix(".pub"))
    assert "signed by" in result.stdout, result.stdout


def test_the_other_commands_take_a_bundle_file(bundle):
    """As they take a folder; a file that is none is a sentence."""
    result = CliRunner().invoke(app, ["check", str(bundle)])
    assert (result.exit_code, engine.load(POLICIES).digests.meaning[:12] in result.stdout) == (0, True)
    result = CliRunner().invoke(app, ["diff", str(POLICIES), str(bundle)])
    assert result.exit_code == 0, result.output
    bundle.write_bytes(b"PK")
    for command in (["check", str(bundle)], ["diff", str(POLICIES), str(bundle)]):
        result = CliRunner().invoke(app, command)
        assert (result.exit_code, "it is not a bundle" in result.stderr) == (2, True)
