"""
What an unfinished run keeps beside its output: which parts are done, so that it goes on with the next one.

A part is done once its output has its name and its state is on the disk. A part whose input or output has changed is decided again. A run
with other settings does not go on.
"""

import json
import shutil
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass, field
from hashlib import sha256
from pathlib import Path
from typing import Any

from service.log.canonical_json import canonical
from service.store.durable_file import put
from service.tables import TableRefused
from service.tables.table_input import file_digest


@dataclass(frozen=True, slots=True)
class PartState:
    """A part that is done. `outcomes` has how many rows have each outcome, `missing` in how many each fact is missing."""

    input: str
    input_sha256: str
    output: str
    output_sha256: str
    rows: int
    outcomes: dict[str, int] = field(default_factory=dict)
    missing: dict[str, int] = field(default_factory=dict)
    distinct: int = 0
    without_key: int = 0
    problems: int = 0


class RunState:
    """The folder of an unfinished run."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def begin(self, settings: Mapping[str, Any], today: str, restart: bool) -> str:
        """
        Begin, or go on; the day that is `today` for this run: that of its beginning.

        Raises TableRefused where a run with other settings is unfinished.
        """
        digest = sha256(canonical(dict(settings))).hexdigest()
        noted = self.folder / "run.json"
        if noted.exists() and any(self.folder.glob("[0-9]*.json")) and not restart:
            before = json.loads(noted.read_bytes())
            if before.get("settings") != digest:
                raise TableRefused(
                    f"{self.folder} has a run that is not finished and was begun with other settings, policies or a mapping;"
                    " finish it as it was begun, or begin anew with --restart"
                )
            return str(before["today"])
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        put(noted, canonical({"settings": digest, "today": today}))
        return today

    def done(self, number: int, input_sha256: str, output: Path) -> PartState | None:
        """The state of a part, if it is done and neither its input nor its output has changed."""
        try:
            state = PartState(**json.loads(self.file(number, "json").read_bytes()))
            sound = state.input_sha256 == input_sha256 and state.output_sha256 == file_digest(output)
        except (OSError, ValueError, TypeError):
            return None
        return state if sound else None

    def note(self, number: int, state: PartState) -> None:
        """Note that a part is done."""
        put(self.file(number, "json"), canonical(asdict(state)))

    def file(self, number: int, kind: str) -> Path:
        """A file of a part: `json`, `entries`, `problems` or `sample`."""
        return self.folder / f"{number:06}.{kind}"

    def end(self) -> None:
        """The run is finished."""
        shutil.rmtree(self.folder, ignore_errors=True)

    def lines(self, number: int, kind: str) -> Iterator[bytes]:
        """The lines of a file of a part; none where there is none."""
        path = self.file(number, kind)
        if path.exists():
            with path.open("rb") as file:
                yield from file
