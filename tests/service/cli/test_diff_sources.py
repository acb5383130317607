"""`fifthfactor diff`: where OLD and NEW are found: in folders, in the history of a repository, by their digests."""

from __future__ import annotations

import json
import subprocess
from pathlib import Path

import pytest

import engine
from tests.service.cli.differing_bundles import NEW, OLD, folder, run

# Finding OLD and NEW


def git(place: Path, *arguments: str) -> str:
    """Run git in a folder, as somebody who has no settings."""
    settings = ("-c", "user.name=Tests", "-c", "user.email=tests@example.org", "-c", "commit.gpgsign=false")
    done = subprocess.run(["git", "-C", str(place), *settings, *arguments], check=True, capture_output=True, text=True)
    return done.stdout.strip()


@pytest.fixture
def repository(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository whose folder `law/policies` was once OLD, and is NEW now; the command runs in its root."""
    root = tmp_path / "repository"
    place = folder(root / "law" / "policies", OLD)
    git(root, "init", "--quiet", "--initial-branch", "main")
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "old: the first")
    for name, text in NEW.items():
        (place / name).write_text(text)
    git(root, "add", "--all")
    git(root, "commit", "--quiet", "--message", "new")
    monkeypatch.chdir(root)
    return root


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("HEAD~1", "law/policies"),
        ("main~1:law/policies", "main:law/policies"),
        ("main~1:./law/policies", "main:law/policies/"),
        (":/old: the first", "law/policies"),
    ],
)
def test_a_git_revision_is_read_as_it_was_committed(repository: Path, old: str, new: str) -> None:
    """The place in the repository is where the other side lies, or is named after a colon."""
    found = json.loads(run(old, new, "--json").stdout)
    assert (found["old"], found["new"]) == tuple(
        {"meaning": digests.meaning, "source": digests.source}
        for digests in (
            engine.load_sources({f"policies/{name}": text.encode() for name, text in sources.items()}).digests
            for sources in (OLD, NEW)
        )
    )
    assert found["moves"][0]["direction"] == "permits more"


def test_the_repository_around_the_policies_is_asked_and_no_other(
    repository: Path, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Wherever the command runs, and whatever a hook's environment says."""
    monkeypatch.chdir(here)
    monkeypatch.setenv("GIT_DIR", str(here / "no-repository"))
    done = run("HEAD~1", "HEAD", "--policies", repository / "law" / "policies", "--fail-on", "permits-more")
    assert done.exit_code == 1, done.output
    assert "## Policies: `HEAD~1 (" in done.stdout


def test_what_lies_elsewhere_in_a_repository_is_said(repository: Path) -> None:
    """A place without policies, a place outside, and a link that git holds no bytes for."""
    assert "there are no policies under `law/other`" in run("HEAD:law/other", "law/policies").stderr
    assert "is outside the repository" in run("HEAD:../other", "law/policies").stderr
    (repository / "law" / "policies" / "more.yaml").symlink_to("law.yaml")
    git(repository, "add", "--all")
    git(repository, "commit", "--quiet", "--message", "a link")
    done = run("HEAD", "HEAD~1:law/policies", "--policies", "law/policies")
    assert done.exit_code == 2
    assert "`law/policies/more.yaml` in" in done.stderr
    assert "is a symbolic link" in done.stderr


@pytest.mark.parametrize(("kind", "digits"), [("meaning", 64), ("source", 8)])
def test_a_digest_is_looked_for_in_the_history_of_the_policies(repository: Path, kind: str, digits: int) -> None:
    """A decision names its policies by digest, and a prefix of eight digits finds them."""
    old = engine.load_sources({f"policies/{name}": text.encode() for name, text in OLD.items()}).digests
    found = json.loads(run(getattr(old, kind)[:digits].upper(), "--policies", "law/policies", "main", "--json").stdout)
    assert found["old"] == {"meaning": old.meaning, "source": old.source}


def test_a_digest_of_the_policies_at_hand_needs_no_history(here: Path) -> None:
    """The folder itself is looked at first."""
    digest = engine.load(here / "new").digests.source
    assert "Both mean the same" in run(digest, "new").stdout


def test_a_digest_that_is_nowhere_is_said_with_where_it_was_looked_for(repository: Path) -> None:
    """Two folders, and the commits that touch the policies."""
    done = run("0123456789abcdef", "law/policies")
    assert done.exit_code == 2
    assert "no policies with the digest `0123456789abcdef` are in" in done.stderr
    assert "the last 2 commits that touch `law/policies`" in done.stderr
