"""Signed policies do not go back: at the start, at a reload, and only by an administrator's word."""

import json
import re
import shutil
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
from starlette.testclient import TestClient
from typer.testing import CliRunner

from service.cli.main import app
from service.log.canonical_json import canonical
from service.policies import dsse, loading, signing_keys, statement
from service.server.app import create_app
from service.service import Service
from service.settings import SettingRefused, Settings
from service.store.tables import leaf_opening, tree_leaf
from service.telemetry import log_lines
from service.transparency.ed25519 import PrivateKey
from tests.service.conftest import BOTH_DATABASES, POLICIES, Lines

Signer = Callable[..., Path]


def cli(*arguments: object, code: int = 0) -> str:
    """What a command says; it must end with the code."""
    result = CliRunner().invoke(app, [*map(str, arguments)])
    assert result.exit_code == code, result.output
    return result.output


@pytest.fixture
def key(tmp_path: Path) -> Path:
    """The key that signs, whose public half the service trusts."""
    cli("bundle", "keygen", tmp_path / "release")
    return tmp_path / "release.key"


@pytest.fixture
def sign(tmp_path: Path, key: Path) -> Signer:
    """Put the policies with a limit of so many thousand people into the bundle file, signed with a version."""

    def signed(thousands: int, version: int | None) -> Path:
        folder, file = tmp_path / "policies", tmp_path / "mine" / "small.bundle"
        file.parent.mkdir(exist_ok=True)
        shutil.rmtree(folder, ignore_errors=True)
        shutil.copytree(POLICIES, folder)
        rules = folder / "rules.yaml"
        rules.write_text(rules.read_text().replace("at_least: 10 thousand", f"at_least: {thousands} thousand"))
        cli("bundle", "build", folder, "-o", file)
        cli("bundle", "sign", file, "--key", key, "--version", version or 1)
        if version is None:
            without_version(file, signing_keys.private_key(key))
        return file

    return signed


def without_version(file: Path, key: PrivateKey) -> None:
    """Sign a bundle as it was done before there were versions."""
    said = json.loads(dsse.read(loading.signature_file(file).read_bytes()).payload)
    del said["predicate"]["version"]
    envelope = dsse.Envelope(statement.PAYLOAD_TYPE, canonical(said), ())
    loading.signature_file(file).write_bytes(envelope.signed_also_by(key).written())


class Instance:
    """A service that decides by the bundle file, on one database."""

    def __init__(self, database: str, lines: Lines, file: Path, key: Path) -> None:
        self.settings = Settings(watch=False, policies=file, database=database, bundle_keys=(key.with_suffix(".pub"),))
        self.lines = lines

    def open(self) -> Service:
        """Start it."""
        return Service.open(self.settings, say=log_lines.logger(self.lines))

    def starts(self) -> dict[str, Any]:
        """Start it and stop it; what it shows of its one folder."""
        service = self.open()
        with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
            shown: dict[str, Any] = client.get("/v1/bundle").json()["folders"]["policies"]
        return shown

    def refuses(self, why: str) -> None:
        """A start is refused, with one sentence."""
        with pytest.raises(SettingRefused, match=why):
            self.open()

    def leaves(self, kind: str) -> list[dict[str, Any]]:
        """The leaves of a kind."""
        service = self.open()
        with service.store.database.reading.connect() as connection:
            rows = connection.execute(
                sa.select(tree_leaf.c.leaf).where(tree_leaf.c.kind == kind).order_by(tree_leaf.c.index)
            ).all()
        service.close()
        return [json.loads(leaf) for (leaf,) in rows]


@BOTH_DATABASES
def test_older_policies_are_refused_until_an_administrator_allows_them(audited, database, lines, sign, key):
    """Higher versions decide, lower ones do not; a permission is for one content, is a leaf, and ends with the newest."""
    file = sign(10, 7)
    here = Instance(database, lines, file, key)
    assert here.starts()["version"] == 7
    sign(20, 9)
    assert here.starts()["version"] == 9
    sign(10, 8)
    here.refuses(
        "the policies `policies` have version 8, and version 9 decided from .* on: sign them again with a higher version"
    )
    public = key.with_suffix(".pub")
    allow = ("bundle", "allow-older", file, "--key", public, "--reason", "9 refuses too much", "--database", database)
    assert "policies: version 8 may decide again, although version 9 decided" in cli(*allow)
    cli(*allow)  # a second time adds no second leaf
    assert here.starts()["version"] == 8
    (allowed,) = here.leaves("older-bundle-allowed")
    assert allowed["folders"]["policies"].items() >= {"version": 8, "instead_of": 9}.items()
    assert here.leaves("bundle-activated")[-1]["versions"]["policies"]["version"] == 8
    sign(30, 8)
    here.refuses("have version 8, and version 9 decided")  # other content of the same version
    sign(20, 9)
    assert here.starts()["version"] == 9
    sign(10, 8)
    here.refuses("have version 8, and version 9 decided")  # the permission has ended
    sign(10, 10)
    assert here.starts()["version"] == 10
    assert "not older than those that decided" in cli(*allow, code=1)
    assert len(here.leaves("older-bundle-allowed")) == 1
    assert cli("log", "verify", "--database", database)


def test_a_running_service_refuses_older_policies(in_file, lines, sign, key):
    """The last good ones decide on, the answer says what to do; the same content again is not older, with whatever version."""
    file = sign(10, 7)
    here = Instance(in_file.settings.database, lines, file, key)
    service = here.open()
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        before = client.get("/v1/bundle").json()["source"]
        for thousands, version in ((20, 6), (20, 7), (20, None)):
            sign(thousands, version)
            answer = client.post("/v1/bundle/reload")
            assert (answer.status_code, client.get("/v1/bundle").json()["source"]) == (422, before)
            assert re.search("version 7.* decided from .*: sign them again with a higher version", answer.json()["detail"])
        sign(10, 12)
        assert client.post("/v1/bundle/reload").json()["changed"] is False
        sign(20, 11)
        assert "version 12 decided" in client.post("/v1/bundle/reload").json()["detail"]
        sign(10, 1)
        assert client.post("/v1/bundle/reload").status_code == 200
        sign(20, 13)
        assert client.post("/v1/bundle/reload").json()["changed"] is True
    assert [leaf["versions"]["policies"]["version"] for leaf in here.leaves("bundle-activated")[1:]] == [7, 12, 1, 13]


@BOTH_DATABASES
def test_without_a_version_policies_decide_while_there_was_none(audited, database, lines, sign, key):
    """As they were signed before there were versions; what is not signed has none and is not compared."""
    file = sign(10, None)
    here = Instance(database, lines, file, key)
    assert here.starts()["version"] is None
    sign(20, None)
    assert here.starts()["version"] is None
    assert [leaf.get("versions") for leaf in here.leaves("bundle-activated")] == [None, None]
    sign(20, 5)
    assert here.starts()["version"] == 5
    sign(10, None)
    here.refuses("were signed without a version, and version 5 decided")
    here.settings = here.settings.model_copy(update={"bundle_keys": ()})
    assert here.starts()["version"] is None  # nothing is verified, so nothing that is signed is read


def test_the_reason_of_a_permission_is_hidden_in_its_leaf(in_file, lines, sign, key):
    """It is free text."""
    here = Instance(in_file.settings.database, lines, sign(10, 7), key)
    here.starts()
    file, public = sign(20, 6), key.with_suffix(".pub")
    allow = ("bundle", "allow-older", file, "--key", public, "--database", in_file.settings.database, "--reason")
    assert "must say why" in cli(*allow, " ", code=2)
    cli(*allow, "as Mr Wei asked")
    assert "Wei" not in json.dumps(here.leaves("older-bundle-allowed"))
    with in_file.store.database.reading.connect() as connection:
        values = connection.execute(sa.select(leaf_opening.c.value).where(leaf_opening.c.name == "reason")).scalars()
        assert b'"as Mr Wei asked"' in [bytes(each) for each in values]
    file.write_bytes(file.read_bytes().replace(b"20 thousand", b"30 thousand"))
    assert "does not hold" in cli(*allow, "again", code=1)


def test_a_version_is_the_moment_or_one_more_than_before(sign, key):
    """Whoever names none gets a higher one each time, and the same one for the same policies."""
    file = sign(10, 7)

    def version(*more: object) -> int:
        cli("bundle", "sign", file, "--key", key, *more)
        found = statement.version_in(dsse.read(loading.signature_file(file).read_bytes()).payload)
        assert found
        return found

    assert version() == 7  # the same policies, as another key would sign them too
    assert version("--version", 8) == 8
    loading.signature_file(file).unlink()
    moment = version()
    assert re.fullmatch(r"20\d{12}", str(moment))
    folder = file.parent.parent / "policies"
    (folder / "more.yaml").write_text((folder / "rules.yaml").read_text().replace("cn.test", "cn.more"))
    cli("bundle", "build", folder, "-o", file)
    assert version() > moment
    assert version("--version", 2**53 - 1) == 2**53 - 1
    assert "is at most 9007199254740991" in cli("bundle", "sign", file, "--key", key, "--version", 2**53, code=2)
