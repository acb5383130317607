"""What Compose and systemd give the service are settings that it takes; secrets are files, and nothing but the data can be written."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

import pytest
import sqlalchemy as sa
import yaml

from service.settings.settings_sources import settings_from
from tests.pages import blocks
from tests.service.conftest import ROOT

DEPLOY = ROOT / "service" / "deploy"
SECRET = re.compile("password|secret|token", re.IGNORECASE)


@pytest.fixture
def compose() -> dict[str, Any]:
    """The file of Compose."""
    read: dict[str, Any] = yaml.safe_load((DEPLOY / "compose.yaml").read_text("utf-8"))
    return read


def filled(value: str) -> str:
    """A value with the defaults that Compose fills in; what has none is a host name."""
    return re.sub(r"\$\{\w+(?::-([^}]*)|:\?[^}]*)\}", lambda found: found[1] or "gate.example.org", value)


def test_compose_gives_settings_that_the_service_takes(compose: dict[str, Any], tmp_path: Path) -> None:
    """The address of the database has no password; the file that the secret is mounted as has it."""
    given = {name: filled(str(value)) for name, value in compose["services"]["fifthfactor"]["environment"].items()}
    assert given["FIFTHFACTOR_DATABASE_PASSWORD_FILE"] == "/run/secrets/database-password"
    (tmp_path / "database-password").write_text("p@ss/w:rd\n")
    given["FIFTHFACTOR_DATABASE_PASSWORD_FILE"] = str(tmp_path / "database-password")
    settings = settings_from({**given, "FIFTHFACTOR_HOST": "0.0.0.0"})
    address, database = sa.make_url(settings.database), compose["services"]["database"]
    assert (address.host, address.password) == ("database", "p@ss/w:rd")
    assert (address.username, address.database) == (
        database["environment"]["POSTGRES_USER"],
        database["environment"]["POSTGRES_DB"],
    )
    assert Path(str(settings.log_key)).is_relative_to("/data")


def test_compose_has_every_secret_in_a_file_and_every_root_read_only(compose: dict[str, Any]) -> None:
    """No secret by value; both services write into their volumes and into memory only, and the database is reached by nobody else."""
    for service in compose["services"].values():
        assert service["read_only"] is True
        assert {volume.partition(":")[0] for volume in service["volumes"]} <= compose["volumes"].keys()
        assert {name for name in service["environment"] if SECRET.search(name) and not name.endswith("_FILE")} == set()
        assert set(service["secrets"]) <= compose["secrets"].keys()
    assert all(each.keys() == {"file"} for each in compose["secrets"].values())
    assert "ports" not in compose["services"]["database"]
    assert compose["services"]["fifthfactor"]["depends_on"]["database"]["condition"] == "service_healthy"
    assert "healthcheck" in compose["services"]["database"]
    assert "healthcheck" not in compose["services"]["fifthfactor"], "the image has its own"
    for each in compose["secrets"].values():
        assert any(f"> {Path(each['file']).name})" in block.text for block in blocks("service/docs/containers.md"))


def test_systemd_gives_settings_that_the_service_takes() -> None:
    """The variables of the unit, and the settings that the page writes into the file."""
    lines = (DEPLOY / "fifthfactor.service").read_text("utf-8").splitlines()
    given = dict(line.removeprefix("Environment=").split("=", 1) for line in lines if line.startswith("Environment="))
    settings = settings_from({name: value for name, value in given.items() if name.startswith("FIFTHFACTOR_")})
    values = {line.partition("=")[0]: line.partition("=")[2] for line in lines if "=" in line and not line.startswith("#")}
    assert Path(settings.database).is_relative_to(f"/var/lib/{values['StateDirectory']}")
    assert "--settings /etc/fifthfactor/settings.toml" in values["ExecStart"]
    (file,) = [
        block.text.partition("<<'END'\n")[2].partition("END\n")[0]
        for block in blocks("service/docs/containers.md")
        if "settings.toml" in block.text
    ]
    assert "hosts = " in file
    for stop in ("ProtectSystem=strict", "NoNewPrivileges=yes", "CapabilityBoundingSet=", "RestrictNamespaces=yes"):
        assert stop in lines
