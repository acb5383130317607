"""
The manifest of a run: by what it was decided, from which bytes to which, the root over its rows, and how many rows have each outcome.

It lies beside the output as canonical JSON. With it and the output alone a row can be proven, and a changed row is found.
"""

from pathlib import Path
from typing import Any, Final, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from service.log.canonical_json import canonical
from service.tables import TableRefused

SCHEMA: Final = "fifthfactor/run/1"
PROOF = "fifthfactor/row-proof/1"
MAX_BYTES = 64 * 1024 * 1024
_HEX = r"^[0-9a-f]{64}$"

CountersFrom = Literal["stated", "summed", "snapshot"]


class RunText(BaseModel):
    """A document of a run: closed keys."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


class DecidedBy(RunText):
    """The policies, the program and the day that decided. `as_of` is the day of the rows that state none."""

    meaning: str = Field(description="the digest of what the policies mean")
    source: str = Field(description="the digest of the files of the policies")
    semantics: int = Field(ge=0, description="the version of the semantics")
    engine: str = Field(description="the version of the engine")
    program: str = Field(description="what decided rows: `lanes` all at once, else the mode of the ordinary engines")
    as_of: str = Field(description="the day of the rows that state none")
    today: str = Field(description="the day on which rows may proceed")
    mapping: str | None = Field(default=None, description="SHA-256 of the mapping file")
    counters: CountersFrom = Field(default="stated", description="where the counters of rows are from")
    register_of: str | None = Field(default=None, description="which register filled in facts; null where none did")


class RunPart(RunText):
    """A part: what was read, what was written, how many rows."""

    input: str = Field(description="the name of what was read")
    input_sha256: str = Field(description="SHA-256 of what was read")
    output: str = Field(description="the name of what was written")
    output_sha256: str = Field(description="SHA-256 of what was written")
    rows: int = Field(ge=0, description="how many rows it has")
    problems: int = Field(ge=0, description="how many of its rows cannot be read")


class RunKey(RunText):
    """What names a row: a column, or else its part and its number in it."""

    column: str | None = Field(default=None, description="the column that names a row; null where its part and its number do")


class RunTree(RunText):
    """The Merkle root over all rows (`service.tables.row_tree`)."""

    buckets: int = Field(ge=0, description="into how many buckets rows are divided by their keys")
    root: str = Field(pattern=_HEX, description="the root over the buckets")
    heads: str | None = Field(
        default=None,
        pattern=r"^([0-9a-f]{7})*$",
        max_length=7 * 4096,
        description="of each bucket that has rows its number and the first digits of its root, which tell where rows were changed",
    )


class RunFaults(RunText):
    """What is wrong with the run as a whole: rows without a key, keys that occur twice, and rows on which the engines differ."""

    rows_without_key: int = Field(default=0, ge=0, description="rows whose key is empty")
    keys_twice: list[str] = Field(default=[], description="some keys that occur twice")
    keys_twice_count: int = Field(default=0, ge=0, description="how many keys occur twice")
    engines_differ: list[str] = Field(default=[], description="keys of rows on which the engines differ")

    @property
    def any(self) -> bool:
        return bool(self.rows_without_key or self.keys_twice_count or self.engines_differ)


class RunLog(RunText):
    """In which log the run is a leaf, and since when."""

    origin: str = Field(description="the name of the log")
    leaf: int = Field(ge=0, description="the number of the leaf")
    at: str = Field(description="when it was appended")


class RunCommits(RunText):
    """How many rows were committed, how many could proceed and were not, and SHA-256 of the file that names them."""

    committed: int = Field(ge=0, description="rows that were committed")
    refused: int = Field(ge=0, description="rows that the table let proceed, and that were not committed")
    sha256: str = Field(pattern=_HEX, description="SHA-256 of the file with a line for each of these rows")


class RunManifest(RunText):
    """The manifest of a run. `log` says in which log the run is a leaf; null: it is in no log. `commits` is null where no row was to be."""

    schema_: Literal["fifthfactor/run/1"] = Field(default=SCHEMA, alias="schema", description="what this document is")
    decided_by: DecidedBy = Field(description="by what the rows were decided")
    format: str = Field(description="the format of the output")
    parts: list[RunPart] = Field(description="the parts, in their order")
    rows: int = Field(ge=0, description="how many rows there are")
    outcomes: dict[str, int] = Field(description="how many rows have each outcome")
    distinct: int | None = Field(
        default=None,
        description="how many rows differ in what is read, counted anew for every some ten thousand rows of a part",
    )
    missing: dict[str, int] | None = Field(default=None, description="in how many rows each fact is missing")
    problems: int = Field(ge=0, description="how many rows cannot be read")
    problems_sha256: str = Field(pattern=_HEX, description="SHA-256 of the file with their problems")
    key: RunKey = Field(description="what names a row")
    tree: RunTree = Field(description="the tree over the rows")
    faults: RunFaults = Field(default=RunFaults(), description="what is wrong with the run as a whole")
    explained: int = Field(default=0, ge=0, description="how many rows have a short answer")
    commits: RunCommits | None = Field(default=None, description="what was committed; null where nothing was to be")
    log: RunLog | None = Field(default=None, description="where the run is a leaf; null where it is in no log")

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, populate_by_name=True)

    def written(self) -> bytes:
        return canonical(self.members()) + b"\n"

    def members(self) -> dict[str, Any]:
        """As JSON. What earlier manifests do not say is left out of them, so that their digests stay what they are."""
        told = self.model_dump(mode="json", by_alias=True)
        for document, name in ((told, "distinct"), (told, "missing"), (told["tree"], "heads")):
            if document[name] is None:
                del document[name]
        return told


def read_manifest(path: Path) -> RunManifest:
    """The manifest in a file. Raises TableRefused."""
    try:
        with path.open("rb") as file:
            raw = file.read(MAX_BYTES + 1)
        if len(raw) > MAX_BYTES:
            raise TableRefused(f"{path} has more than {MAX_BYTES:,} bytes and is no manifest")
        return RunManifest.model_validate_json(raw)
    except OSError as failed:
        raise TableRefused(f"cannot read {path}: {failed.strerror}") from None
    except ValidationError as wrong:
        where = ".".join(map(str, wrong.errors()[0]["loc"])) or "the document"
        raise TableRefused(f"{path} is no manifest of a run: {where}: {wrong.errors()[0]['msg']}") from None
