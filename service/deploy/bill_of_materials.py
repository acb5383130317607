"""
The bill of materials of the image, in CycloneDX: what the lock file says goes in, compared with what is installed.

    python service/deploy/bill_of_materials.py IMAGE FILE

The bill is written from the lock file. Its distributions must be those that the Python of the image finds, no more, no fewer, in the same
versions; else nothing is written and the program ends with 1. The packages of Debian are those that its own list in the image names.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

ROOT = Path(__file__).resolve().parents[2]
PYTHON = "/opt/venv/bin/python"
# Run in the image: which markers hold there (PEP 508), which distributions Python finds, and the packages that Debian's list names.
LISTED = """
import json, os, platform, sys
from importlib.metadata import distributions
from pathlib import Path
version = platform.python_version()
release = dict(line.split("=", 1) for line in Path("/etc/os-release").read_text().splitlines() if "=" in line)
status = Path("/var/lib/dpkg/status")
print(json.dumps({
    "markers": {
        "implementation_name": sys.implementation.name, "implementation_version": version, "os_name": os.name, "extra": "",
        "platform_machine": platform.machine(), "platform_python_implementation": platform.python_implementation(),
        "platform_release": platform.release(), "platform_system": platform.system(), "platform_version": platform.version(),
        "python_full_version": version, "python_version": version.rpartition(".")[0], "sys_platform": sys.platform,
    },
    "installed": [[each.metadata["Name"], each.version] for each in distributions()],
    "debian": status.read_text() if status.is_file() else "",
    "release": release.get("VERSION_ID", "").strip('"'),
}))
"""


@dataclass(frozen=True, slots=True)
class LockedDistribution:
    """A distribution of the lock file, with the SHA-256 of each of its files."""

    name: str
    version: str
    digests: tuple[str, ...]


def locked(text: str, markers: Mapping[str, str] | None) -> Iterator[LockedDistribution]:
    """The distributions of a lock file that go into an environment with these markers; all of them, if none are given."""
    for line in text.replace("\\\n", " ").splitlines():
        stated, *_ = line.partition("--hash")
        if not stated.strip() or stated.startswith("#"):
            continue
        requirement = Requirement(stated)
        (pinned,) = requirement.specifier
        if requirement.marker is None or markers is None or requirement.marker.evaluate(dict(markers)):
            digests = tuple(re.findall(r"--hash=sha256:([0-9a-f]{64})", line))
            yield LockedDistribution(canonicalize_name(requirement.name), pinned.version, digests)


def differences(expected: Sequence[tuple[str, str]], installed: Sequence[Sequence[str]]) -> list[str]:
    """A sentence for each distribution that is on one side only, or in another version; none if both sides are the same."""
    wanted: dict[str, str] = dict(expected)
    found: dict[str, str] = {canonicalize_name(name): version for name, version in installed}
    return [
        *(f"{name} {wanted[name]} is locked and not installed" for name in sorted(wanted.keys() - found)),
        *(f"{name} {found[name]} is installed and not locked" for name in sorted(found.keys() - wanted)),
        *(
            f"{name} is locked in the version {wanted[name]} and installed in {found[name]}"
            for name in sorted(wanted.keys() & found)
            if wanted[name] != found[name]
        ),
    ]


def debian_packages(status: str) -> Iterator[tuple[str, str, str]]:
    """Name, version and architecture of each package that is installed, of a list of dpkg."""
    for paragraph in status.strip().split("\n\n"):
        members = dict(re.findall(r"^([A-Za-z-]+): (.*)$", paragraph, re.MULTILINE))
        if members.get("Status", "").endswith(" installed"):
            yield members["Package"], members["Version"], members["Architecture"]


def main(image: str, file: Path) -> int:
    """Compare and write. Returns the exit code."""
    listed = _listed(image)
    project = tomllib.loads((ROOT / "pyproject.toml").read_text("utf-8"))["project"]
    distributions = list(locked((ROOT / "requirements.lock").read_text("utf-8"), listed["markers"]))
    own = (canonicalize_name(project["name"]), project["version"])
    if wrong := differences([own, *((each.name, each.version) for each in distributions)], listed["installed"]):
        print(*(f"error: {each}" for each in wrong), sep="\n", file=sys.stderr)
        return 1
    # Where it is not installed by itself, the wheel of the project carries it (wheel_hook.py).
    everywhere = list(locked((ROOT / "requirements.lock").read_text("utf-8"), None))
    within = [each for each in everywhere if each.name == "durable-rules" and each not in distributions]
    packages = list(debian_packages(listed["debian"]))
    file.write_text(_written(own, distributions, within, packages, listed["release"]), "utf-8")
    carried = "".join(f", {each.name} within the project's own" for each in within)
    print(f"{file}: {len(distributions)} distributions as locked{carried}, and {len(packages)} packages of Debian")
    return 0


def _listed(image: str) -> dict[str, Any]:
    def buildah(*arguments: str) -> str:
        return subprocess.run(["buildah", *arguments], check=True, stdout=subprocess.PIPE, text=True).stdout.strip()

    # Buildah would raise the limits of a process, which may be refused to it.
    limits = [f"--ulimit={name}={_limit(name)}" for name in ("nofile", "nproc")]
    container = buildah("from", "--pull=never", *limits, image)
    try:
        answer: dict[str, Any] = json.loads(buildah("run", "--isolation=chroot", container, "--", PYTHON, "-c", LISTED))
        return answer
    finally:
        buildah("rm", container)


def _limit(name: str) -> str:
    import resource

    of = {"nofile": resource.RLIMIT_NOFILE, "nproc": resource.RLIMIT_NPROC}[name]
    return ":".join(str(each) for each in resource.getrlimit(of))


def _written(
    own: tuple[str, str],
    distributions: Sequence[LockedDistribution],
    within: Sequence[LockedDistribution],
    packages: Sequence[tuple[str, str, str]],
    release: str,
) -> str:
    from cyclonedx.model import ExternalReference, ExternalReferenceType, HashAlgorithm, HashType, Property, XsUri
    from cyclonedx.model.bom import Bom
    from cyclonedx.model.component import Component, ComponentType
    from cyclonedx.output.json import JsonV1Dot6
    from cyclonedx.schema import SchemaVersion
    from cyclonedx.validation.json import JsonStrictValidator
    from packageurl import PackageURL

    def component(name: str, version: str, kind: str = "pypi", digests: Sequence[str] = (), **more: Any) -> Component:
        purl = PackageURL(kind, "debian" if kind == "deb" else None, name, version, more.pop("qualifiers", None))
        hashes = [HashType(alg=HashAlgorithm.SHA_256, content=each) for each in digests]
        # One for each file: the installation took one of them, and checked it by its hash.
        files = [
            ExternalReference(type=ExternalReferenceType.DISTRIBUTION, url=XsUri(str(purl)), hashes=[each]) for each in hashes
        ]
        return Component(
            name=name,
            version=version,
            purl=purl,
            bom_ref=str(purl),
            type=ComponentType.LIBRARY,
            external_references=files,
            **more,
        )

    bill = Bom()
    bill.metadata.component = Component(
        name=own[0], version=own[1], type=ComponentType.APPLICATION, bom_ref="fifthfactor", purl=PackageURL("pypi", None, *own)
    )
    for each in distributions:
        bill.components.add(component(each.name, each.version, digests=each.digests))
    for each in within:
        inside = Property(name="fifthfactor:part-of", value="fifthfactor")
        bill.components.add(component(each.name, each.version, digests=each.digests, properties=[inside]))
    for name, version, architecture in packages:
        qualifiers = {"arch": architecture, "distro": f"debian-{release}"}
        bill.components.add(component(name, version, "deb", qualifiers=qualifiers))
    bill.register_dependency(bill.metadata.component, bill.components)
    text: str = JsonV1Dot6(bill).output_as_string(indent=1)
    if error := JsonStrictValidator(SchemaVersion.V1_6).validate_str(text):
        raise ValueError(f"this is not CycloneDX 1.6: {error}")
    return text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], Path(sys.argv[2])))
