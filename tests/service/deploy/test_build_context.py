"""What goes into the build of the image: what the package needs, and no database, key, secret, environment or build."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.service.conftest import ROOT
from tests.service.deploy.canaries import CANARIES, KINDS, checkout_with_canaries, listed_files
from tests.service.deploy.ignored_files import goes_in

# Not in the image: it is built with them, or they are another program's.
LEFT_OUT = ("service/deploy/", "service/language_server/vscode/")


@pytest.mark.parametrize("kind", KINDS)
def test_no_canary_goes_into_the_build(kind: str) -> None:
    """A file of each kind in the root, in each package, and in this folder: none of them."""
    names = set(KINDS[kind])
    assert not [each for each in CANARIES if any(each.endswith(name) for name in names) and goes_in(each)]


def test_a_checkout_with_all_of_them_gives_the_files_of_the_package_and_no_others(tmp_path: Path) -> None:
    """The whole context, listed: files under version control of the three packages, and the three files that a build reads."""
    checkout = checkout_with_canaries(ROOT, tmp_path)
    context = {each.relative_to(checkout).as_posix() for each in checkout.rglob("*") if each.is_file()}
    context = {each for each in context if goes_in(each)}
    package = {each for each in listed_files(ROOT) if each.startswith(("engine/", "policies/", "service/"))}
    package -= {each for each in package if each.startswith(LEFT_OUT) or each.endswith((".md", "/pyproject.toml"))}
    assert context == package | {"README.md", "pyproject.toml", "requirements.lock", "service/deploy/wheel_hook.py"}


def test_a_canary_beside_the_patterns_would_be_seen() -> None:
    """The test above can fail: what no pattern names goes in."""
    assert goes_in("service/settings/settings_sources.py")
    assert goes_in("engine/notes.txt")
    assert goes_in("policies/cn/state-secrets.yaml")
    assert not goes_in("notes.txt")
