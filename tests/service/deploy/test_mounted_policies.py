"""
Policies in a volume of Kubernetes: its files are links into a folder that is named after a moment, and one link changes them all at once.

The volume is made here as the kubelet makes it (`pkg/volume/util/atomic_writer.go`).
"""

from __future__ import annotations

import shutil
from itertools import count
from pathlib import Path
from typing import Any

import pytest

import engine
from tests.service.conftest import POLICIES, Server, eventually, running
from tests.service.policies.test_reloading import LARGE, ask

pytestmark = pytest.mark.usefixtures("little_to_search")


def mount(volume: Path, moment: str, source: Path) -> None:
    """Put the files of a folder into a volume, in place of those that are there."""
    behind = volume / f"..{moment}"
    shutil.copytree(source, behind)
    before = volume.joinpath("..data").resolve() if (volume / "..data").is_symlink() else None
    (volume / "..data_tmp").symlink_to(behind.name)
    (volume / "..data_tmp").rename(volume / "..data")
    for each in behind.iterdir():
        if not (volume / each.name).is_symlink():
            (volume / each.name).symlink_to(Path("..data") / each.name)
    for each in volume.iterdir():
        if each.is_symlink() and each.name != "..data" and not (behind / each.name).exists():
            each.unlink()
    if before:
        shutil.rmtree(before)


def changed(folder: Path, old: str, new: str) -> Path:
    """A copy of the small policies with another text in their rules."""
    shutil.copytree(POLICIES, folder)
    rules = folder / "rules.yaml"
    rules.write_text(rules.read_text().replace(old, new))
    return folder


@pytest.fixture
def volume(tmp_path: Path) -> Path:
    """A volume with the small policies."""
    made = tmp_path / "etc" / "company"
    made.mkdir(parents=True)
    mount(made, "2026_11_30_10_00_00.123", POLICIES)
    return made


def test_each_file_is_read_once_and_named_by_the_volume(volume):
    """Not by the moment, which each node of a cluster has for itself: the digests of all pods are the same."""
    named = {each.name for each in engine.source_files([volume])}
    assert named == {f"company/{each.relative_to(POLICIES).as_posix()}" for each in POLICIES.rglob("*.y*ml")}
    first = engine.load(volume).digests
    mount(volume, "2026_11_30_11_00_00.456", POLICIES)
    assert engine.load(volume).digests == first
    plain = volume.parent.parent / "company"
    shutil.copytree(POLICIES, plain)
    assert engine.load(plain).digests == first


@pytest.mark.parametrize("after", [0, 1])
def test_a_volume_that_changes_while_it_is_read_is_read_again(volume, tmp_path, monkeypatch, after):
    """The folder behind it is deleted then, and what is left of it in between would be policies that lack some files."""
    newer = changed(tmp_path / "newer", "at_least: 10 thousand", "at_least: 20 thousand")
    opened, opens = Path.open, count()

    def mounting(path: Path, *how: Any, **more: Any) -> Any:
        if next(opens) == after:
            monkeypatch.setattr(Path, "open", opened)
            mount(volume, "2026_11_30_11_00_00.456", newer)
        return opened(path, *how, **more)

    monkeypatch.setattr(Path, "open", mounting)
    found = {each.name: each.data for each in engine.source_files([volume])}
    assert found == {f"company/{each.relative_to(newer)}": each.read_bytes() for each in newer.rglob("*.y*ml")}


def test_a_folder_in_a_volume_is_read_too(volume, tmp_path):
    """The items of a ConfigMap may lie in folders, and these are links."""
    deeper = tmp_path / "deeper"
    shutil.copytree(POLICIES, deeper / "rules")
    mount(volume, "2026_11_30_11_00_00.456", deeper)
    assert {each.name.partition("/")[2].partition("/")[0] for each in engine.source_files([volume])} == {"rules"}


def test_a_service_takes_what_the_volume_holds_now(volume, tmp_path):
    """Without a restart, and once for all files."""
    with running(tmp_path / "log.db", "--policies", str(volume)) as server:
        assert outcome(server) == "review"
        mount(volume, "2026_11_30_11_00_00.456", changed(tmp_path / "newer", "at_least: 10 thousand", "at_least: 20 thousand"))
        eventually(lambda: outcome(server) == "permitted")
        assert ask(server, "/v1/bundle")[1]["source"] == engine.load(volume).digests.source
        assert not server.events("policies_refused")
        assert server.stop() == 0


def outcome(server: Server) -> Any:
    """What comes of the large exchange."""
    return ask(server, "/v1/evaluate", LARGE)[1]["outcome"]
