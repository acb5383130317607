"""
Policies in several folders and bundle files: all of them decide together, and none hides another.

Against real commands and a real server, which loads each of them anew when it changes.
"""

import json
import os
import shutil
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import Any

import pytest
from typer.testing import CliRunner

import engine
from service.cli.main import app
from service.decisions.replay import kept_decider, whole_decision
from service.log.store import find
from service.policies import archive, kept_bundles, loading
from service.policies.loading import SourceRefused
from service.policies.signing_keys import public_keys
from service.settings import SettingRefused, Settings
from service.settings.settings_sources import settings_from
from service.store.upgrade import reading
from tests.service.conftest import POLICIES, ROOT, Server, eventually, running
from tests.service.policies.test_reloading import UNWATCHED, ask, cli, put, rewrite

OURS = """\
policy: cn.ours
title: {en: Our own provisions, zh: 本单位规定}
jurisdiction: CN
instrument:
  issuer: Nobody
  number: None
  force: law
in_force: {from: 2024-01-01}
applies:
  exporter.country: CN

rules:
  - id: art-1
    title: Nothing goes to Kenya
    cite: Art. 1
    says: No data go to Kenya.
    source: none
    status: confirmed
    when:
      recipient.country: KE
    prohibit: Send nothing there.
"""
KENYA = {"exporter": {"country": "CN"}, "recipient": {"country": "KE"}, "data": {"people": 5}, "as_of": "2024-06-01"}


def write(file: Path, text: str = OURS) -> Path:
    """A file in a folder of its own; the folder."""
    file.parent.mkdir(parents=True, exist_ok=True)
    put(file, text)
    return file.parent


@pytest.fixture
def theirs(tmp_path: Path) -> Path:
    """A folder `policies` that may be changed: the vocabulary, and what reviews large numbers."""
    folder = tmp_path / "theirs" / "policies"
    shutil.copytree(POLICIES, folder)
    return folder


@pytest.fixture
def ours(tmp_path: Path) -> Path:
    """A folder of our own: what prohibits."""
    return write(tmp_path / "ours" / "own" / "rules.yaml").parent


@pytest.fixture
def also(tmp_path: Path) -> Path:
    """Another folder `policies`, of which no file has the name of another."""
    return write(tmp_path / "also" / "policies" / "more" / "rules.yaml", OURS.replace("cn.ours", "cn.also")).parent


@pytest.fixture
def exchange(tmp_path: Path) -> Path:
    """A file of an exchange that only the second folder prohibits."""
    file = tmp_path / "exchange.json"
    file.write_text(json.dumps(KENYA))
    return file


def run(*arguments: object, **environment: str) -> tuple[int, str, str]:
    """A command: its exit code, and what it printed."""
    done = CliRunner().invoke(app, [*map(str, arguments)], env=environment)
    return done.exit_code, done.stdout, done.stderr


def outcome(*arguments: object) -> str:
    """What `evaluate` comes to."""
    _, printed, said = run("evaluate", *arguments, "--json")
    assert printed, said
    decided: str = json.loads(printed)["outcome"]
    return decided


# --- commands --------------------------------------------------------------------------------------------------------


def test_policies_of_two_folders_decide_together(theirs, ours, exchange):
    """The order makes no difference, and each keeps the digest that it has by itself."""
    assert outcome(exchange, "--policies", theirs) == "permitted"
    assert outcome(exchange, "--policies", theirs, "--policies", ours) == "prohibited"
    assert outcome(exchange, "--policies", ours, "--policies", theirs) == "prohibited"
    names = set(engine.load([theirs, ours]).sources)
    assert names == {"policies/rules.yaml", "policies/vocabulary.yaml", "ours/own/rules.yaml"}
    both, alone = engine.load([theirs, ours]).digests, engine.load(theirs).digests
    assert both == engine.load([ours, theirs]).digests
    assert both.folders == {"policies": alone.source, "ours": engine.source_digest({"ours/own/rules.yaml": OURS.encode()})}
    assert alone.folders == {"policies": alone.source}


@pytest.mark.parametrize(
    "command",
    [
        ("check", "{theirs}", "{ours}"),
        ("lint", "{theirs}", "{ours}", "--json"),
        ("test", "{theirs}", "{ours}"),
        ("docs", "cn.ours", "--policies", "{theirs}", "--policies", "{ours}"),
        ("schema", "exchange", "--policies", "{theirs}", "--policies", "{ours}"),
        ("compile", "{theirs}", "{ours}"),
        ("bundle", "build", "{theirs}", "{ours}", "-o", "{output}"),
        ("evaluate", "{exchange}", "--policies", "{theirs}", "--policies", "{ours}"),
        ("explain", "{exchange}", "--policies", "{theirs}", "--policies", "{ours}"),
        ("plan", "{exchange}", "--policies", "{theirs}", "--policies", "{ours}"),
        ("register", "list", "--database", "{database}"),
        ("register", "export", "--format", "csv", "--database", "{database}", "--policies", "{theirs}", "--policies", "{ours}"),
        ("review", "list", "--database", "{database}", "--policies", "{theirs}", "--policies", "{ours}"),
        ("fmt", "--check", "{theirs}", "{ours}"),
    ],
    ids=lambda command: " ".join(command[:2]),
)
def test_every_command_that_takes_policies_takes_several_and_refuses_what_would_hide(
    command, theirs, ours, also, exchange, tmp_path
):
    """Two folders of one name are an error that names both, wherever the policies are loaded into one bundle."""
    database = tmp_path / "log.db"
    cli("database", "upgrade", "--database", database)
    there = {"theirs": theirs, "ours": ours, "exchange": exchange, "output": tmp_path / "x.bundle", "database": database}
    if command[0] == "plan":
        exchange.write_text(json.dumps({"legs": [{"exchange": KENYA}, {"exchange": KENYA}]}))
    arguments = [each.format(**there) for each in command]
    code, _, said = run(*arguments)
    assert (code in (0, 1) or "no test files" in said, "Traceback" in said) == (True, False), said
    code, _, said = run(*(each.format(**{**there, "ours": also}) for each in command))
    loads = "{ours}" in command and command[0] != "fmt"
    assert (code == 2 and f"{theirs} and {also} would both be `policies` in the bundle" in said) == loads, said
    if loads:
        assert "give your own folder another one, such as your company's" in said


def test_a_folder_given_twice_or_inside_another_is_read_once(theirs, ours, exchange, tmp_path):
    """By what it really is, also through a link; nothing is said twice, and nothing is wrong."""
    (tmp_path / "link").symlink_to(theirs)
    once = engine.load(theirs).digests
    for again in (theirs, theirs / ".." / "policies", tmp_path / "link", theirs / "rules.yaml"):
        assert engine.load([theirs, again]).digests == once
        assert loading.load([theirs, again], engine.PolicySettings()).bundle.digests == once
    code, _, said = run("check", theirs, theirs)
    assert (code, said) == (0, "")


def test_two_files_of_one_name_from_two_folders_hide_nothing(tmp_path, theirs):
    """Given by themselves too: of `a/x.yaml` and `b/x.yaml` neither is left out in silence."""
    files = [write(tmp_path / each / "x.yaml") / "x.yaml" for each in ("a", "b")]
    with pytest.raises(engine.NameTaken, match=r"a/x\.yaml and .*b/x\.yaml would both be `x\.yaml`"):
        engine.load([theirs, *files])


def test_a_folder_without_a_file_takes_nothing_away_in_silence(theirs, tmp_path, exchange):
    """Where a folder was not mounted its prohibitions would be gone; that it is empty is an error."""
    (tmp_path / "empty").mkdir()
    code, _, said = run("evaluate", exchange, "--policies", theirs, "--policies", tmp_path / "empty")
    assert (code, said) == (
        2,
        f"error: the folder `{tmp_path / 'empty'}` holds no YAML file; put its policies there, or leave it out\n",
    )


def test_the_word_bundled_names_the_bundled_policies(tmp_path, monkeypatch):
    """Beside others; a folder of that name is `./bundled`, and without the word the bundled ones are not added."""
    monkeypatch.chdir(tmp_path)
    bundled = engine.bundled_policies()
    own = OURS.replace("cn.ours", "cn.own-test")
    write(tmp_path / "extra" / "own.yaml", own)
    code, _, said = run("bundle", "build", "bundled", "extra", "-o", "all.bundle")
    assert code == 0, said
    names = set(loading.load(tmp_path / "all.bundle", engine.PolicySettings()).bundle.sources)
    assert names == {*engine.gather_sources(engine.source_files([bundled])), "extra/own.yaml"}
    write(tmp_path / "bundled" / "own.yaml", own)
    assert engine.policies_at("bundled") == bundled
    assert engine.policies_at("./bundled") == Path("bundled")


def test_installed_the_bundled_policies_have_the_name_and_the_digest_of_the_checkout(tmp_path, ours):
    """The wheel holds them inside the package; a signature and a record of one hold for the other, and their name is taken in both."""
    shutil.copytree(ROOT / "engine", tmp_path / "engine", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copytree(ROOT / "policies", tmp_path / "engine" / "_policies", ignore=shutil.ignore_patterns("*.md", ".schemas"))
    asks = "import engine, sys; print(engine.load([engine.bundled_policies(), *map(engine.policies_at, sys.argv[1:])]).digests.source)"

    def source(*beside: Path) -> subprocess.CompletedProcess[str]:
        command = [sys.executable, "-c", asks, *map(str, beside)]
        environment = {**os.environ, "PYTHONPATH": str(tmp_path)}
        return subprocess.run(command, cwd=tmp_path, env=environment, capture_output=True, text=True, check=False)

    assert source().stdout.strip() == engine.load(engine.bundled_policies()).digests.source
    clash = source(write(tmp_path / "mine" / "policies" / "own.yaml"))
    assert "would both be `policies` in the bundle" in clash.stderr
    assert "give your own folder another one, such as your company's" in clash.stderr


def test_diff_reads_a_revision_of_several_folders(tmp_path, theirs, ours, also, monkeypatch):
    """All of them as they were committed together; folders of two repositories are not compared as one."""
    from tests.service.cli.test_diff_sources import git

    git(tmp_path, "init", "-q")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "-qm", "first")
    first = engine.load([theirs, ours]).digests.source[:12]
    rewrite(theirs, "10 thousand", "20 thousand")
    (ours / "own" / "rules.yaml").write_text(OURS.replace("recipient.country: KE", "recipient.country: US"))
    git(tmp_path, "commit", "-qam", "second")
    monkeypatch.chdir(tmp_path)
    both = ("--policies", theirs, "--policies", ours)
    code, printed, said = run("diff", "HEAD~1", "HEAD", *both)
    assert code == 0, said
    assert "`cn.ours/art-1`" in printed
    assert "`cn.test/art-1`" in printed
    digest = engine.load([theirs, ours]).digests.source[:12]
    assert run("diff", "HEAD~1", digest, *both)[0] == 0
    clashing = ("--policies", theirs, "--policies", also)
    code, _, said = run("diff", "HEAD~1", "HEAD", *clashing)
    assert (code, "would both be `policies`" in said) == (2, True), said
    (ours / "own" / "rules.yaml").write_text(OURS)
    code, printed, said = run("diff", "HEAD", os.pathsep.join(map(str, (theirs, ours))), *both)  # all of them, as they lie
    assert (code, "`cn.ours/art-1`" in printed, "`cn.test/art-1`" in printed) == (0, True, False), said
    assert run("diff", first, "HEAD", *both)[0] == 0
    (other := tmp_path.parent / f"{tmp_path.name}-other").mkdir()
    git(other, "init", "-q")
    code, _, said = run("diff", "HEAD~1", "HEAD", "--policies", theirs, "--policies", write(other / "p" / "x.yaml"))
    assert (code, "are not in one git repository" in said) == (2, True), said


def test_diff_shows_what_a_new_version_of_the_law_changes_beneath_our_own(tmp_path, theirs, acme):
    """Both sides are several folders as they lie; what is prohibited at home stays so whatever the law does."""
    newer = tmp_path / "newer" / "policies"
    shutil.copytree(theirs, newer)
    rewrite(newer, "10 thousand", "20 thousand")
    files = []
    for country in ("KE", "US"):
        sent = tmp_path / f"to-{country}.json"
        sent.write_text(json.dumps({**KENYA, "recipient": {"country": country}, "data": {"people": 15000}}))
        files += ["--exchanges", sent]
    sides = [os.pathsep.join((str(law), str(acme))) for law in (theirs, newer)]
    code, printed, said = run("diff", *sides, *files, "--json", "--fail-on", "permits-more")
    assert code == 1, said
    moves = json.loads(printed)["moves"]
    assert {each["exchange"]["name"]: each["direction"] for each in moves} == {"to-US": "permits more", "to-KE": "same outcome"}
    alone = json.loads(run("diff", theirs, newer, *files, "--json")[1])["moves"]
    assert {each["direction"] for each in alone} == {"permits more"}


def test_diff_names_what_an_organisation_accepts_and_switches_off(tmp_path, theirs, acme):
    """They are changes of the rules, by name, not a change that has no words."""
    words = theirs / "more.yaml"
    words.write_text("vocabulary: more\nsubjects:\n  any: {title: {en: any data, zh: 数据}, when: {recipient.country: US}}\n")
    more = tmp_path / "more" / "acme"
    shutil.copytree(acme, more)
    accepts = "accepts:\n  - {id: us, country: US, subjects: [any], by: me, because: counsel looked, from: 2026-01-01, until: 2026-12-31}\n"
    (more / "acme.yaml").write_text((acme / "acme.yaml").read_text() + accepts + "must_be_shown: [recipient.country]\n")
    sides = [os.pathsep.join((str(theirs), str(folder))) for folder in (acme, more)]
    code, printed, said = run("diff", *sides)
    assert code == 0, said
    assert "- acceptance `acme/us`, any of US" in printed
    assert "- must-be-shown `recipient.country`" in printed
    shorter = tmp_path / "shorter" / "acme"
    shutil.copytree(more, shorter)
    (shorter / "acme.yaml").write_text((more / "acme.yaml").read_text().replace("2026-12-31", "2026-06-30"))
    assert "until: 2026-12-31 → 2026-06-30" in run("diff", sides[1], os.pathsep.join((str(theirs), str(shorter))))[1]


# --- settings --------------------------------------------------------------------------------------------------------


def test_the_setting_takes_several(tmp_path):
    """In the environment between separators, in a file as a list, as options again and again; one is one."""
    bundled = engine.bundled_policies()
    assert Settings().policies == ()
    variable = {"FIFTHFACTOR_POLICIES": os.pathsep.join(("bundled", "ours")), "FIFTHFACTOR_SHADOW": "next"}
    found = settings_from(variable)
    assert (found.policies, found.shadow) == ((bundled, Path("ours")), (Path("next"),))
    (tmp_path / "settings.toml").write_text('policies = ["a", "bundled"]\nshadow = "b"\n')
    found = settings_from({}, settings=tmp_path / "settings.toml")
    assert (found.policies, found.shadow) == ((Path("a"), bundled), (Path("b"),))
    assert settings_from(variable, policies=[Path("c"), Path("d")]).policies == (Path("c"), Path("d"))
    (tmp_path / "settings.toml").write_text("policies = 7\n")
    with pytest.raises(SettingRefused, match=r"`policies` in `.*settings\.toml` cannot be `7`"):
        settings_from({}, settings=tmp_path / "settings.toml")


# --- bundle files and keys -------------------------------------------------------------------------------------------


def test_a_bundle_file_stands_beside_a_folder_where_no_keys_are_set(theirs, ours, exchange, tmp_path):
    """What is in the file and in the folder has names of its own; what would hide is named with the file it is in."""
    file = tmp_path / "theirs.bundle"
    cli("bundle", "build", theirs, "-o", file)
    assert outcome(exchange, "--policies", file, "--policies", ours) == "prohibited"
    code, _, said = run("evaluate", exchange, "--policies", file, "--policies", theirs)
    assert code == 2
    assert f"{file} and {theirs} would both be `policies`" in said


ELSEWHERE = """\
vocabulary: elsewhere

facts:
  parcel.weight:
    type: count
    title: {en: weight of the parcel, zh: 包裹重量}
    ask: {en: How heavy is it?, zh: 有多重？}

jurisdictions:
  KE:
    title: {en: Kenya, zh: 肯尼亚}
    countries: []
"""
HEAVY = """\
policy: ke.ours
title: {en: Parcels, zh: 包裹}
jurisdiction: KE
instrument:
  issuer: Nobody
  number: None
  force: law
in_force: {from: 2024-01-01}
applies:
  parcel.weight: {at_least: 1}

rules:
  - id: art-1
    title: Heavy parcels are looked at
    cite: Art. 1
    says: A heavy parcel is reviewed.
    source: none
    status: confirmed
    when:
      parcel.weight: {at_least: 10}
    review: Look at it.
"""


def test_where_keys_are_set_each_must_be_a_signed_bundle_file(theirs, ours, tmp_path):
    """A folder beside a signed file is refused, and so is a file that is not signed; two signed ones decide together."""
    release, first, second = tmp_path / "release", tmp_path / "first.bundle", tmp_path / "second.bundle"
    write(tmp_path / "parcels" / "words.yaml", ELSEWHERE)
    cli("bundle", "keygen", release)
    cli("bundle", "build", theirs, "-o", first)
    cli("bundle", "build", write(tmp_path / "parcels" / "rules.yaml", HEAVY), "-o", second)
    cli("bundle", "sign", first, "--key", f"{release}.key")
    keys = public_keys([Path(f"{release}.pub")])
    assert loading.load([first], engine.PolicySettings(), keys).versions.keys() == {"policies"}
    for beside, why in (
        (ours, "is not signed, and keys are set; build and sign a bundle of it"),
        (second, "is not signed: there is no second.bundle.dsse.json beside it"),
    ):
        with pytest.raises(SourceRefused, match=why):
            loading.load([first, beside], engine.PolicySettings(), keys)
    cli("bundle", "sign", second, "--key", f"{release}.key")
    both = loading.load([first, second], engine.PolicySettings(), keys)
    assert {folder: by.keys for folder, by in both.signed.items()} == {"policies": (keys[0].id,), "parcels": (keys[0].id,)}
    assert {rule.provision.id for rule in both.bundle.rules.rules} == {"cn.test/art-1", "ke.ours/art-1"}
    assert archive.read(both.archive) == both.bundle.sources


HOUSE = """\
policy: acme.exports
title: {en: House rules on exports, zh: 本公司出境规定}
jurisdiction: ACME
instrument: {issuer: Acme, number: No. 1, force: contract}
in_force: {from: 2024-01-01}
applies: always

rules:
  - id: kenya
    title: Nothing goes to Kenya
    cite: Rule 1
    says: No data go to Kenya.
    source: none
    status: confirmed
    when:
      recipient.country: KE
    prohibit: Send nothing there.
"""
HOUSE_WORDS = "vocabulary: acme\n\njurisdictions:\n  ACME:\n    title: {en: the house of Acme, zh: 本公司}\n"


@pytest.fixture
def acme(tmp_path: Path) -> Path:
    """An organisation's own folder: not sound without the words of the law."""
    write(tmp_path / "acme" / "words.yaml", HOUSE_WORDS)
    write(tmp_path / "acme" / "acme.yaml", "organisation: acme\ntitle: {en: Acme, zh: 本公司}\n")
    return write(tmp_path / "acme" / "rules.yaml", HOUSE)


def test_each_folder_is_signed_by_itself(theirs, acme, tmp_path):
    """With what it stands beside, it is checked and named, and not signed; the law may be replaced beneath it."""
    release, law, own = tmp_path / "release", tmp_path / "law.bundle", tmp_path / "acme.bundle"
    cli("bundle", "keygen", release)
    cli("bundle", "build", theirs, "-o", law)
    code, _, said = run("bundle", "build", acme, "-o", own)
    assert (code, "if they use the words of other policies, name these with `--beside`" in said, own.exists()) == (
        1,
        True,
        False,
    )
    cli("bundle", "build", acme, "--beside", theirs, "-o", own)
    assert set(archive.read(own.read_bytes())) == {"acme/words.yaml", "acme/acme.yaml", "acme/rules.yaml"}
    assert run("bundle", "sign", own, "--key", f"{release}.key")[0] == 1
    cli("bundle", "sign", own, "--key", f"{release}.key", "--beside", law)
    cli("bundle", "sign", law, "--key", f"{release}.key")
    keys = public_keys([Path(f"{release}.pub")])
    meant, _ = loading.verified(own, own.read_bytes(), keys)
    both = loading.load([law, own], engine.PolicySettings(), keys)
    digests = both.bundle.digests
    assert {folder: by.keys for folder, by in both.signed.items()} == {"policies": (keys[0].id,), "acme": (keys[0].id,)}
    assert (meant.source, meant.meaning) == (digests.folders["acme"], digests.meaning)
    assert meant.beside == {"policies": digests.folders["policies"]} == {"policies": engine.load(theirs).digests.source}
    assert loading.verified(law, law.read_bytes(), keys)[0].beside == {}
    shown = json.loads(run("bundle", "show", own, "--beside", law, "--json")[1])
    assert shown["digests"]["source"] == digests.folders["acme"]
    assert set(shown["files"]) == set(archive.read(own.read_bytes()))

    rewrite(theirs, "10 thousand", "20 thousand")
    cli("bundle", "build", theirs, "-o", law)
    with pytest.raises(SourceRefused, match=r"the signature of `.*law\.bundle` does not hold"):
        loading.load([law, own], engine.PolicySettings(), keys)
    cli("bundle", "sign", law, "--key", f"{release}.key")
    after = loading.load([law, own], engine.PolicySettings(), keys).bundle.digests
    assert (after.folders["acme"], after.folders["policies"]) == (digests.folders["acme"], engine.load(theirs).digests.source)
    code, said, _ = run("bundle", "verify", own, "--key", f"{release}.pub", "--beside", law)
    assert (code, "that signed it read the meaning" in said) == (0, True)
    own.write_bytes(own.read_bytes().replace(b"Kenya", b"Congo"))
    with pytest.raises(SourceRefused, match=r"the signature of `.*acme\.bundle` does not hold"):
        loading.load([law, own], engine.PolicySettings(), keys)


# --- a real server ---------------------------------------------------------------------------------------------------


def decided(server: Server) -> tuple[str, str]:
    """The outcome of the exchange that only the second folder prohibits, and the digest of the policies that decided."""
    answer = ask(server, "/v1/evaluate", json.dumps(KENYA).encode())[1]
    return answer["outcome"], answer["bundle"]["source"]


def digest(*folders: Path) -> str:
    """The digest of the files as they are."""
    return engine.load(folders).digests.source


def test_a_server_decides_by_both_folders_and_loads_each_anew(tmp_path, theirs, ours):
    """Both folders count, are watched and are kept; the last good policies go on where either is wrong or empty."""
    database = tmp_path / "log.db"
    with running(database, "--policies", str(theirs), "--policies", str(ours)) as server:
        first = digest(theirs, ours)
        assert decided(server) == ("prohibited", first)
        rewrite(theirs, "10 thousand", "20 thousand")
        eventually(lambda: decided(server) == ("prohibited", digest(theirs, ours)))
        second = digest(theirs, ours)
        write(ours / "own" / "rules.yaml", OURS.replace("prohibit: Send nothing there.", "review: Ask first."))
        eventually(lambda: decided(server) == ("review", digest(theirs, ours)))
        third = digest(theirs, ours)
        refusals = len(server.events("policies_refused"))
        write(ours / "rules.yaml")
        eventually(lambda: len(server.events("policies_refused")) > refusals)
        assert "the policies are not sound" in server.events("policies_refused")[-1]["reason"]
        (ours / "rules.yaml").unlink()
        (ours / "own" / "rules.yaml").unlink()
        eventually(lambda: "holds no YAML file" in server.events("policies_refused")[-1]["reason"])
        assert decided(server) == ("review", third)
        assert server.stop() == 0
    with reading(str(database)) as connection:
        assert {each.source for each in kept_bundles.list_bundles(connection)} == {first, second, third}
        assert kept_bundles.load_kept(connection, first).digests.source == first


def test_a_server_names_each_folder_and_replays_what_they_decided_together(tmp_path, theirs, acme):
    """Each with its digest and with who signed it; once the law has changed beneath, an older record still has every folder's bytes."""
    release, law, own = tmp_path / "release", tmp_path / "law.bundle", tmp_path / "acme.bundle"
    cli("bundle", "keygen", release)
    cli("bundle", "build", theirs, "-o", law)
    cli("bundle", "build", acme, "--beside", theirs, "-o", own)
    for file, beside in ((law, ()), (own, ("--beside", law))):
        cli("bundle", "sign", file, "--key", f"{release}.key", *beside)
    before = engine.load([theirs, acme]).digests
    environment = {**UNWATCHED, "FIFTHFACTOR_BUNDLE_KEYS": f"{release}.pub"}
    with running(tmp_path / "log.db", "--policies", str(law), "--policies", str(own), environment=environment) as server:
        _, shown = ask(server, "/v1/bundle")
        assert {name: each["source"] for name, each in shown["folders"].items()} == before.folders
        assert {tuple(each["signed_by"]) for each in shown["folders"].values()} == {tuple(shown["signed_by"])}
        _, decision = ask(server, "/v1/evaluate", json.dumps(KENYA).encode())
        assert (decision["outcome"], decision["bundle"]["source"]) == ("prohibited", before.source)
        rewrite(theirs, "10 thousand", "20 thousand")
        cli("bundle", "build", theirs, "-o", law)
        cli("bundle", "sign", law, "--key", f"{release}.key")
        assert ask(server, "/v1/bundle/reload", method="POST")[1]["changed"]
        assert ask(server, "/v1/bundle")[1]["folders"]["acme"]["source"] == before.folders["acme"]
        assert ask(server, "/v1/bundle")[1]["folders"]["policies"]["source"] != before.folders["policies"]
        _, replayed = ask(server, f"/v1/decisions/{decision['id']}/replay")
        assert (replayed["same"], replayed["bundle"]) == ("bytes", before.source)
    with reading(str(tmp_path / "log.db")) as connection:
        assert kept_bundles.load_kept(connection, before.source).digests == before
        stored = find(connection, decision["id"])
        assert stored
        assert whole_decision(stored, partial(kept_decider, connection), "en")["bundle"]["folders"] == before.folders


def test_a_server_takes_several_from_the_environment_and_shadows_several(tmp_path, theirs, ours):
    """The setting as the option, the shadow as the policies: what the second folder adds is a difference."""
    environment = {
        **UNWATCHED,
        "FIFTHFACTOR_POLICIES": os.pathsep.join((str(theirs), str(theirs))),
        "FIFTHFACTOR_SHADOW": os.pathsep.join((str(theirs), str(ours))),
    }
    with running(tmp_path / "log.db", environment=environment, policies=False) as server:
        assert decided(server) == ("permitted", digest(theirs))
        eventually(lambda: ask(server, "/v1/shadow")[1]["counts"]["compared"] == 1)
        shadow: dict[str, Any] = ask(server, "/v1/shadow")[1]
        assert (shadow["shadow"]["source"], shadow["counts"]["differing"]) == (digest(theirs, ours), 1)
        write(ours / "own" / "rules.yaml", OURS.replace("prohibit: Send nothing there.", "review: Ask first."))
        ask(server, "/v1/bundle/reload", method="POST")
        eventually(lambda: ask(server, "/v1/shadow")[1]["shadow"]["source"] == digest(theirs, ours))


def test_a_server_does_not_start_where_one_folder_would_hide_another(tmp_path, theirs, also):
    """Both are named, and what to do; a folder that is not there is named too."""
    server = Server(tmp_path / "log.db", "--policies", str(theirs), "--policies", str(also))
    assert server.stop(0) == 2
    assert server.log[-1].startswith(f"error: {theirs} and {also} would both be `policies` in the bundle")
    server = Server(tmp_path / "log.db", "--policies", str(theirs), "--policies", "nowhere")
    assert server.stop(0) == 2
    assert server.log[-1] == "error: the policies `nowhere` cannot be read: there is no such file or folder\n"
