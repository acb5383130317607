"""What `fifthfactor log verify PLACE` does with a folder of tiles or an export: it needs no database and no service."""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.command import UsedWrongly
from service.cli.output import complain, painted, print_json, progress

if TYPE_CHECKING:
    from service.transparency.checkpoint import Checkpoint
    from service.transparency.signed_note import VerifierKey

_DATABASE = b"SQLite format 3\x00"


def is_database(place: Path) -> bool:
    """Whether a file is a database. Raises UsedWrongly."""
    from service.cli.files import read

    return place.is_file() and read(place, len(_DATABASE)) == _DATABASE


def verify_carried(
    place: Path, key: "VerifierKey", kept: "Checkpoint | None", witness: "VerifierKey | None", as_json: bool
) -> int:
    """Verify a folder or an export; the exit code. Raises UsedWrongly."""
    from service.log.proven_export import verify_export
    from service.log.tile_folder import verify_tiles

    if place.is_dir():
        found = verify_tiles(
            place, key, [] if kept is None else [kept], witness, lambda done, all: progress(f"{done:,} of {all:,} leaves", done)
        )
        if found.unknown:
            complain(f"signatures of the checkpoint that are not verified, since their keys are not known: {found.unknown}")
        return _told(
            found.faults, f"{found.size:,} leaves", {"leaves": found.size, "unknown_signatures": found.unknown}, as_json
        )
    try:
        with place.open("rb") as lines:
            check = verify_export(iter(lines), key, kept, witness, lambda done: progress(f"{done:,} records", done))
    except OSError as failed:
        raise UsedWrongly(f"cannot read {place}: {failed.strerror}") from None
    if check.unproven:
        complain(f"{check.unproven:,} of the records have no proof: their bytes are verified, and not that the log holds them")
    counts = {"records": check.records, "unproven": check.unproven}
    return _told(check.faults, f"{check.records:,} records", counts, as_json)


def _told(faults: Sequence[str], what: str, counts: dict[str, int], as_json: bool) -> int:
    progress("")
    if as_json:
        print_json({"sound": not faults, **counts, "faults": list(faults)})
    else:
        for each in faults:
            print(f"{painted('red', 'fault')}: {each}")
        print(f"{what}, {len(faults) or 'no'} fault{'s' if len(faults) != 1 else ''}")
    return int(bool(faults))
