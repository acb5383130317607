"""`fifthfactor exposure`: which running commitments a change of the register, of a provision or of the policies would touch."""

import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.command import AsJson, Commands, Database, UsedWrongly, address, need, policies_at, settings
from service.cli.exposure_report import document, print_totals, same_meaning, writer
from service.cli.output import complain, count, day, pace, print_json, progress, today
from service.cli.resumable_runs import UnfinishedWork, goes_on, shown
from service.cli.stopping import stoppable

if TYPE_CHECKING:
    from service.ledger.exposure import PartExposure, TouchedCommitment
    from service.ledger.exposure_questions import ExposureQuestion

FORMATS = ("csv", "jsonl")

app = Commands()


@app.add(
    "exposure --entity party/clinic-7",
    "exposure --provision cn.order-16/art-8",
    "exposure --policies new-policies --resume exposure.state --output moved.csv",
)
def exposure(
    entity: Annotated[
        str | None, typer.Option(help="An entry of the register, as KIND/ID: party/clinic-7 or asset/scans-2.")
    ] = None,
    provision: Annotated[str | None, typer.Option(help="The id of a provision, like cn.order-16/art-8.")] = None,
    policies: Annotated[
        list[Path] | None,
        typer.Option(
            help="Folder or file of other policies; may be repeated; `bundled` names the bundled policies.",
            parser=policies_at,
            metavar="PATH",
        ),
    ] = None,
    as_of: Annotated[str | None, typer.Option(help="With --policies: the day on which both decide. [today]")] = None,
    mode: Annotated[
        str, typer.Option(help="With --policies: which engines decide: bitset, checked, durable, lanes or reference.")
    ] = "bitset",
    database: Database = None,
    processes: Annotated[int | None, typer.Option(min=1, max=256, help="How many processes. [one for each processor]")] = None,
    resume: Annotated[
        Path | None,
        typer.Option(help="File that keeps what is done. After an interruption the same command goes on from there."),
    ] = None,
    output: Annotated[Path | None, typer.Option("--output", "-o", help="File to write every touched commitment to.")] = None,
    form: Annotated[str, typer.Option("--format", help="How to write it: csv, or jsonl for JSON lines.")] = "csv",
    show: Annotated[int, typer.Option(min=0, help="Most lines of each list; the others are counted.")] = 10,
    as_json: AsJson = False,
) -> int:
    """
    Show which running commitments a change would touch, which parties and assets they name, and to which counters they add.

    A commitment runs until it is withdrawn or replaced. An entry or a provision touches the commitments whose record rests on it. Other
    policies decide each commitment again, beside the present ones, and touch those whose outcome moves. Nothing is recorded.
    """
    from service.cli.files import writing
    from service.cli.processes import in_processes
    from service.ledger.exposure import Exposure, ExposureTotals, PartExposure

    need("format", form, FORMATS)
    if sum(each is not None for each in (entity, provision, policies or None)) != 1:
        raise UsedWrongly("name one change: `--entity KIND/ID`, `--provision ID`, or `--policies` with other policies")
    if as_of and not policies:
        raise UsedWrongly("`--as-of` belongs to `--policies`")
    url = address(database)
    asked, named = _question(url, entity, provision, policies or [], as_of, mode)
    unfinished = UnfinishedWork(resume, {**named, "database": shown(url)})
    looking = Exposure(url, asked)
    totals, after = ExposureTotals(), -1
    every: list[TouchedCommitment] = []
    finished = unfinished.begin()
    began = time.monotonic()
    try:
        with writing(output) as file, stoppable() as stopping:
            write = writer(file, form) if output else lambda part: None

            def take(part: PartExposure) -> None:
                totals.take(part)
                write(part)
                room = len(part.touched) if as_json else show - len(every)
                every.extend(part.touched[: max(0, room)])

            for found in finished:
                part = _read(found, resume)
                take(part)
                after = part.last
            before = totals.looked
            left, parts = (0, []) if same_meaning(named) else looking.prepare(after)
            if before:
                complain(f"{before:,} commitments were looked at before; {left:,} are left")
            for part in stopping.until(in_processes(looking.part, parts, processes=processes)):
                take(part)
                unfinished.add(part.document())
                progress(pace(totals.looked - before, left, "commitment", time.monotonic() - began))
            interrupted = bool(stopping.number) and totals.looked - before < left
            progress("")
    finally:
        looking.close()
    if not interrupted:
        unfinished.finish()
    if provision and not totals.touched:
        _check_provision(asked, provision)
    if as_json:
        print_json(document(named, totals, every, interrupted))
    else:
        print_totals(named, totals, every, show)
    if interrupted:
        hint = goes_on(resume)
        return stopping.told(f"after {count(totals.looked, 'commitment')}, of which this is the report", hint)
    return 0


# --- the question ----------------------------------------------------------------------------------------------------


def _question(
    url: str, entity: str | None, provision: str | None, policies: list[Path], as_of: str | None, mode: str
) -> "tuple[ExposureQuestion, dict[str, Any]]":
    """The question, and how it is named in JSON. Raises UsedWrongly."""
    from service.ledger.exposure_questions import OnEntity, OnProvision

    if entity is not None:
        kind, id = _entity(url, entity)
        return OnEntity(kind, id), {"entity": {"kind": kind, "id": id}}
    if provision is not None:
        return OnProvision(provision), {"provision": provision}
    return _under(url, policies, as_of, mode)


def _entity(url: str, named: str) -> tuple[str, str]:
    """The kind and the id of an entity that is named by its id or an alias. Raises UsedWrongly."""
    from service.register import entity_versions
    from service.register.stated_facts import ROLES
    from service.store.upgrade import reading

    kind, slash, id = named.partition("/")
    if not slash or not id:
        raise UsedWrongly(f"`{named}` does not name an entity; write KIND/ID, like party/clinic-7")
    need("kind", kind, sorted(set(ROLES.values())))
    with reading(url) as connection:
        newest = entity_versions.newest(connection, kind, id)
    return kind, newest.id if newest else id


def _under(url: str, paths: list[Path], as_of: str | None, mode: str) -> "tuple[ExposureQuestion, dict[str, Any]]":
    """The question about other policies, which are read under the settings of the present ones. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop
    from service.ledger.exposure_questions import UnderPolicies
    from service.policies import kept_bundles
    from service.policies.live import Live
    from service.store.upgrade import reading

    need("mode", mode, engine.MODES)
    on = day(as_of) if as_of else today()
    try:
        with reading(url) as connection:
            active = kept_bundles.active_bundle(connection)
            present = kept_bundles.load_kept(connection, active.source, active.meaning)
    except kept_bundles.NotKept as not_kept:
        raise UsedWrongly(f"there is nothing to compare with: {not_kept}") from None
    other = load_or_stop(paths, tests=False, settings=kept_bundles.settings_of(active))
    named = {
        "policies": {"present": present.digests.meaning, "other": other.digests.meaning, "as_of": on.isoformat(), "mode": mode}
    }
    persons = settings(database=url).sign_off_persons
    return UnderPolicies(Live.of(present, mode, persons), Live.of(other, mode, persons), on), named


def _check_provision(asked: "ExposureQuestion", provision: str) -> None:
    """A provision that no record names and the active policies do not have is a mistake. Raises UsedWrongly."""
    import engine
    from service.ledger.exposure_questions import OnProvision

    assert isinstance(asked, OnProvision)
    if asked.known and provision not in asked.known:
        meant = engine.did_you_mean(provision, sorted(asked.known))
        raise UsedWrongly(f"no running commitment and no active policy has the provision `{provision}`; {meant}".rstrip("; "))


def _read(found: dict[str, Any], path: Path | None) -> "PartExposure":
    from service.ledger.exposure import PartExposure

    try:
        return PartExposure.read(found)
    except (LookupError, TypeError):
        raise UsedWrongly(f"{path} was written by another version; remove it") from None
