"""
The manifest of a run: by what it was decided, from which bytes to which, the root over its rows, and how many rows have each outcome.

It lies beside the output as canonical JSON. With it and the output alone a row can be proven, and a changed row is found.
"""

from pathlib import Path
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.log.canonical_json import canonical
from service.tables.table_input import TableRefused

SCHEMA = "fifthfactor/run/1"
PROOF = "fifthfactor/row-proof/1"
MAX_BYTES = 64 * 1024 * 1024
_HEX = r"^[0-9a-f]{64}$"


class RunText(BaseModel):
    """A document of a run: closed keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)


class DecidedBy(RunText):
    """The policies, the program and the day that decided. `as_of` is the day of the rows that state none."""

    meaning: str
    source: str
    semantics: int
    engine: str
    program: str
    as_of: str
    today: str
    mapping: str | None = Field(default=None, description="SHA-256 of the mapping file")
    counters: Literal["stated", "summed", "snapshot"] = "stated"
    register_of: str | None = Field(default=None, description="which register filled in facts; null where none did")


class RunPart(RunText):
    """A part: what was read, what was written, how many rows."""

    input: str
    input_sha256: str
    output: str
    output_sha256: str
    rows: int
    problems: int


class RunKey(RunText):
    """What names a row: a column, or else its part and its number in it."""

    column: str | None = None


class RunTree(RunText):
    """The Merkle root over all rows (`service.tables.row_tree`)."""

    buckets: int
    root: str = Field(pattern=_HEX)


class RunFaults(RunText):
    """What is wrong with the run as a whole: rows without a key, keys that occur twice, and rows on which the engines differ."""

    rows_without_key: int = 0
    keys_twice: list[str] = []
    keys_twice_count: int = 0
    engines_differ: list[str] = []

    @property
    def any(self) -> bool:
        return bool(self.rows_without_key or self.keys_twice_count or self.engines_differ)


class RunLog(RunText):
    """In which log the run is a leaf, and since when."""

    origin: str
    leaf: int = Field(ge=0)
    at: str


class RunCommits(RunText):
    """How many rows were committed, how many could proceed and were not, and SHA-256 of the file that names them."""

    committed: int = Field(ge=0)
    refused: int = Field(ge=0)
    sha256: str = Field(pattern=_HEX)


class RunManifest(RunText):
    """The manifest of a run. `log` says in which log the run is a leaf; null: it is in no log. `commits` is null where no row was to be."""

    schema_: str = Field(default=SCHEMA, alias="schema")
    decided_by: DecidedBy
    format: str
    parts: list[RunPart]
    rows: int
    outcomes: dict[str, int]
    problems: int
    problems_sha256: str = Field(pattern=_HEX)
    key: RunKey
    tree: RunTree
    faults: RunFaults = RunFaults()
    explained: int = 0
    commits: RunCommits | None = None
    log: RunLog | None = None

    model_config = ConfigDict(extra="forbid", frozen=True, populate_by_name=True)

    def written(self) -> bytes:
        return canonical(self.model_dump(mode="json", by_alias=True)) + b"\n"


def read_manifest(path: Path) -> RunManifest:
    """The manifest in a file. Raises TableRefused."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise TableRefused(f"{path} has more than {MAX_BYTES:,} bytes and is no manifest")
        found = RunManifest.model_validate_json(raw)
    except OSError as failed:
        raise TableRefused(f"cannot read {path}: {failed.strerror}") from None
    except ValidationError as wrong:
        where = ".".join(map(str, wrong.errors()[0]["loc"])) or "the document"
        raise TableRefused(f"{path} is no manifest of a run: {where}: {wrong.errors()[0]['msg']}") from None
    if found.schema_ != SCHEMA:
        raise TableRefused(f"{path} is no manifest of a run: its schema is not `{SCHEMA}`")
    return found
