"""`fifthfactor doctor`: examines the settings, files, database and policies of a service, and says what to do."""

import os
from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any
from urllib.parse import urlsplit

import typer

from service.cli.command import AsJson, Commands, Database, ServicePolicies, UsedWrongly
from service.cli.output import count, painted, print_json, safe

if TYPE_CHECKING:
    from service.doctor.diagnosis import Examination

app = Commands()
TONES = {"fault": "red", "warning": "yellow", "note": "bold"}


@app.add("doctor", "doctor --json", "doctor --strict --clock https://time.example.org")
def doctor(
    database: Database = None,
    policies: ServicePolicies = None,
    settings_file: Annotated[
        Path | None, typer.Option("--settings", help="TOML file of settings. (default: FIFTHFACTOR_SETTINGS)")
    ] = None,
    clock: Annotated[
        str | None, typer.Option(help="An https:// address whose clock is compared; without it no other machine is asked.")
    ] = None,
    without_policies: Annotated[
        bool, typer.Option("--without-policies", help="Do not load the policies, which takes seconds.")
    ] = False,
    strict: Annotated[bool, typer.Option("--strict", help="End with 1 where there is a warning, too.")] = False,
    as_json: AsJson = False,
) -> int:
    """
    Examine a service by its settings: versions, permissions, disk, tables, clock, keys, policies, watch, webhooks, witnesses.

    Each finding says what to do. Nothing is written, and no secret is printed. The service may run, or not. Ends with 0 where there is no
    fault, with 1 where there is one, with 2 where the command is used wrongly.
    """
    from service.doctor.examination import examine

    if clock is not None and (urlsplit(clock).scheme != "https" or not urlsplit(clock).hostname):
        raise UsedWrongly("`--clock` takes an https:// address")
    given: dict[str, Any] = {"database": database, "policies": policies or None, "settings": settings_file}
    found = examine(os.environ, clock_of=clock, load_policies=not without_policies, **given)
    if as_json:
        print_json({**asdict(found), "counts": dict(found.counts)})
    else:
        _print(found)
    counts = found.counts
    return int(bool(counts["fault"] or (strict and counts["warning"])))


def _print(found: "Examination") -> None:
    print("  ".join(f"{name} {safe(version)}" for name, version in found.versions.items()))
    for each in found.findings:
        print(f"{painted(TONES[each.severity], each.severity)}[{each.code}]: {safe(each.says)}")
        print(f"  {safe(each.do)}")
    counts = found.counts
    print(f"{count(counts['fault'], 'fault')}, {count(counts['warning'], 'warning')}, {count(counts['note'], 'note')}")
