"""The bill of materials is of what is locked for the image, and each difference from what is installed is a finding."""

from __future__ import annotations

from service.deploy.bill_of_materials import LockedDistribution, debian_packages, differences, locked
from tests.service.conftest import ROOT

LINUX = {
    "sys_platform": "linux",
    "python_full_version": "3.13.5",
    "python_version": "3.13",
    "platform_python_implementation": "CPython",
}
LOCK = """
one==1.0 \\
    --hash=sha256:{a} \\
    --hash=sha256:{b}
colorama==0.4 ; sys_platform == 'win32' \\
    --hash=sha256:{a}
Two_Words==2.0rc1 ; python_full_version >= '3.12' \\
    --hash=sha256:{b}
""".format(a="a" * 64, b="b" * 64)
DPKG = """Package: libc6
Status: install ok installed
Architecture: amd64
Version: 2.41-12
Description: GNU C Library
 with a line more

Package: perl-base
Status: deinstall ok config-files
Architecture: amd64
Version: 5.40.1-6
"""


def test_what_is_locked_is_read_with_its_hashes_and_markers() -> None:
    """Names in their one spelling, and only those for the image."""
    one = LockedDistribution("one", "1.0", ("a" * 64, "b" * 64))
    assert list(locked(LOCK, LINUX)) == [one, LockedDistribution("two-words", "2.0rc1", ("b" * 64,))]
    assert [each.name for each in locked(LOCK, LINUX | {"sys_platform": "win32"})] == ["one", "colorama", "two-words"]


def test_the_lock_file_of_the_project_is_read() -> None:
    """Each distribution has a hash; what is for another system or another Python is not among them."""
    found = {each.name: each for each in locked((ROOT / "requirements.lock").read_text("utf-8"), LINUX)}
    assert {"fastapi", "sqlalchemy", "uvloop", "typst"} <= found.keys()
    assert found.keys() & {"colorama", "durable-rules"} == set()
    assert all(each.digests for each in found.values())


def test_each_difference_is_a_sentence() -> None:
    """One for what is missing, one for what is there besides, one for another version; spellings of a name are one name."""
    expected = [("fifthfactor", "1.0"), ("one", "1.0"), ("two-words", "2.0rc1"), ("three", "3")]
    installed = [["fifthfactor", "1.0"], ["one", "1.1"], ["Two.Words", "2.0rc1"], ["pip", "25.1"]]
    assert differences(expected, installed) == [
        "three 3 is locked and not installed",
        "pip 25.1 is installed and not locked",
        "one is locked in the version 1.0 and installed in 1.1",
    ]
    assert differences(expected[:1], installed[:1]) == []


def test_packages_of_debian_are_those_that_are_installed() -> None:
    """What was taken out of the image is not in its bill."""
    assert list(debian_packages(DPKG)) == [("libc6", "2.41-12", "amd64")]
    assert list(debian_packages("")) == []
