"""`fifthfactor exposure`: which running commitments a change of the register, of a provision or of the policies would touch."""

import csv
import json
import time
from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, TextIO

import typer

from service.cli.command import INTERRUPTED, AsJson, Commands, Database, UsedWrongly, address, need, policies_at
from service.cli.output import complain, count, csv_cell, day, pace, print_json, progress, safe, today

if TYPE_CHECKING:
    from service.ledger.exposure import ExposureTotals, PartExposure, TouchedCommitment
    from service.ledger.exposure_questions import Question

FORMATS = ("csv", "jsonl")
CAUSES = 5  # of one move
EXAMPLES = 3  # commitments that are named of those that cannot be told

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
        str, typer.Option(help="With --policies: which engines decide: bitset, checked, durable or reference.")
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
    from service.cli.unfinished import UnfinishedWork
    from service.ledger.exposure import Exposure, ExposureTotals, PartExposure

    need("format", form, FORMATS)
    if sum(each is not None for each in (entity, provision, policies or None)) != 1:
        raise UsedWrongly("name one change: `--entity KIND/ID`, `--provision ID`, or `--policies` with other policies")
    if as_of and not policies:
        raise UsedWrongly("`--as-of` belongs to `--policies`")
    url = address(database)
    asked, named = _question(url, entity, provision, policies or [], as_of, mode)
    unfinished = UnfinishedWork(resume, {**named, "database": _shown(url)})
    looking = Exposure(url, asked)
    totals, after, interrupted = ExposureTotals(), -1, False
    every: list[TouchedCommitment] = []
    finished = unfinished.begin()
    began = time.monotonic()
    try:
        with writing(output) as file:
            write = _writer(file, form) if output else lambda part: None

            def take(part: PartExposure) -> None:
                totals.take(part)
                write(part)
                room = len(part.touched) if as_json else show - len(every)
                every.extend(part.touched[: max(0, room)])

            for document in finished:
                part = _read(document, resume)
                take(part)
                after = part.last
            before = totals.looked
            left, parts = (0, []) if _same(named) else looking.prepare(after)
            if before:
                complain(f"{before:,} commitments were looked at before; {left:,} are left")
            try:
                for part in in_processes(looking.part, parts, processes=processes):
                    take(part)
                    unfinished.add(part.document())
                    progress(pace(totals.looked - before, left, "commitment", time.monotonic() - began))
            except KeyboardInterrupt:
                interrupted = True
            progress("")
    finally:
        looking.close()
    if not interrupted:
        unfinished.finish()
    if provision and not totals.touched:
        _check_provision(asked, provision)
    if as_json:
        print_json(_document(named, totals, every, interrupted))
    else:
        _print(named, totals, every, show)
    if interrupted:
        hint = "the same command goes on from there" if resume else "with `--resume FILE` an interrupted command can go on"
        complain(f"interrupted after {count(totals.looked, 'commitment')}: {hint}")
        return INTERRUPTED
    return 0


# --- the question ----------------------------------------------------------------------------------------------------


def _question(
    url: str, entity: str | None, provision: str | None, policies: list[Path], as_of: str | None, mode: str
) -> "tuple[Question, dict[str, Any]]":
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


def _under(url: str, paths: list[Path], as_of: str | None, mode: str) -> "tuple[Question, dict[str, Any]]":
    """The question about other policies, which are read under the settings of the present ones. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop
    from service.ledger.exposure_questions import UnderPolicies
    from service.policies import kept
    from service.policies.live import Live
    from service.store.upgrade import reading

    need("mode", mode, engine.MODES)
    on = day(as_of) if as_of else today()
    try:
        with reading(url) as connection:
            active = kept.active(connection)
            present = kept.load_kept(connection, active.source, active.meaning)
    except kept.NotKept as not_kept:
        raise UsedWrongly(f"there is nothing to compare with: {not_kept}") from None
    other = load_or_stop(paths, tests=False, settings=kept.settings_of(active))
    named = {
        "policies": {"present": present.digests.meaning, "other": other.digests.meaning, "as_of": on.isoformat(), "mode": mode}
    }
    return UnderPolicies(Live.of(present, mode), Live.of(other, mode), on), named


def _check_provision(asked: "Question", provision: str) -> None:
    """A provision that no record names and the active policies do not have is a mistake. Raises UsedWrongly."""
    import engine
    from service.ledger.exposure_questions import OnProvision

    assert isinstance(asked, OnProvision)
    if asked.known and provision not in asked.known:
        meant = engine.did_you_mean(provision, sorted(asked.known))
        raise UsedWrongly(f"no running commitment and no active policy has the provision `{provision}`; {meant}".rstrip("; "))


def _shown(url: str) -> str:
    """The database in the file of an unfinished work, without a password."""
    from service.store.database import file_of

    file = file_of(url)
    return str(file.absolute()) if file else url.rpartition("@")[2]


def _read(document: dict[str, Any], path: Path | None) -> "PartExposure":
    from service.ledger.exposure import PartExposure

    try:
        return PartExposure.read(document)
    except (LookupError, TypeError):
        raise UsedWrongly(f"{path} was written by another version; remove it") from None


# --- the answer ------------------------------------------------------------------------------------------------------


def _writer(file: TextIO, form: str) -> Any:
    """Writes the touched commitments of a part as lines."""
    if form == "jsonl":
        return lambda part: file.writelines(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in part.touched)
    table = csv.writer(file, lineterminator="\n")
    columns = ("commitment", "decision", "evaluation", "as_of", "how", "old", "new", "parties", "assets", "adds")
    table.writerow(columns)
    return lambda part: table.writerows([csv_cell(_flat(getattr(each, name))) for name in columns] for each in part.touched)


def _flat(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return "; ".join(each if isinstance(each, str) else f"{each.fact} {_amount(each.low, each.high)}" for each in value)


def _amount(low: int, high: int | None) -> str:
    return f"{low} or more" if high is None else str(low) if low == high else f"{low} to {high}"


def _document(
    named: dict[str, Any], totals: "ExposureTotals", every: "list[TouchedCommitment]", interrupted: bool
) -> dict[str, Any]:
    return {
        "schema": "fifthfactor/exposure/1",
        "change": named,
        "complete": not interrupted,
        **totals.document(),
        "commitments": [asdict(each) for each in every],
    }


def _print(named: dict[str, Any], totals: "ExposureTotals", every: "list[TouchedCommitment]", show: int) -> None:
    counters = (
        f"{fact}: {count(each.commitments, 'commitment')} for {count(len(each.keys), 'key')},"
        f" {'no upper end' if each.most is None else f'at most {each.most:,} in all'}"
        for fact, each in sorted(totals.counters.items())
    )
    lines = (f"{each.commitment}  {each.as_of}  {'; '.join(map(safe, each.how[:CAUSES]))}" for each in every)
    sections = (
        [f"{totals.touched:,} of {count(totals.looked, 'running commitment')} {_touched_by(named)}", *_by_how(totals)],
        _section("Parties", _frequent(totals.parties), len(totals.parties), show),
        _section("Assets", _frequent(totals.assets), len(totals.assets), show),
        _section("Counters", counters, len(totals.counters), show),
        _section("Commitments", lines, totals.touched, show),
        ["Both policies mean the same, so nothing can come out otherwise."] if _same(named) else list(_besides(totals)),
    )
    print("\n\n".join("\n".join(lines) for lines in sections if lines))


def _same(named: dict[str, Any]) -> bool:
    """Whether other policies mean the same as the present ones."""
    asked = named.get("policies")
    return asked is not None and asked["present"] == asked["other"]


def _touched_by(named: dict[str, Any]) -> str:
    match named:
        case {"entity": {"kind": kind, "id": id}}:
            return f"rest on the {kind} `{safe(id)}` of the register, or name it"
        case {"policies": {"as_of": on}}:
            return f"would come out otherwise under the other policies, as of {on}"
        case _:
            return f"rest on the provision {safe(named['provision'])}, or may"


def _by_how(totals: "ExposureTotals") -> Iterator[str]:
    """How the commitments are touched, the most frequent first."""
    import engine

    level = engine.LANGUAGES["en"].level
    yield from (f"{number:>10,}  {how}" for how, number in totals.how.most_common())
    for (old, new), number in totals.moves.most_common():
        words = (each if each in ("refused", "failed") else level(each) for each in (old, new))
        yield f"{number:>10,}  {' → '.join(words)}"
        causes = totals.causes[old, new]
        yield from (f"{'':>12}{cause} ({times:,})" for cause, times in causes.most_common(CAUSES))
        if len(causes) > CAUSES:
            yield f"{'':>12}… and {len(causes) - CAUSES:,} more"


def _frequent(named: Counter[str]) -> Iterator[str]:
    yield from (f"{safe(name)} ({count(number, 'commitment')})" for name, number in named.most_common())


def _section(title: str, lines: Iterable[str], number: int, show: int) -> list[str]:
    """A title, the first lines, and how many more there are; nothing where there are none."""
    more = [f"  … and {number - show:,} more"] if number > show else []
    return [f"{title}: {number:,}", *(f"  {line}" for line in islice(lines, show)), *more] if number else []


def _besides(totals: "ExposureTotals") -> Iterator[str]:
    """What else is to be known."""
    from service.ledger.exposure_questions import ALREADY, NOT_KEPT, OTHER_GROUNDS

    for ids, why in (
        (totals.erased, "cannot be told, since values were erased"),
        (totals.unreadable, "cannot be read; `fifthfactor log verify` says what is wrong"),
    ):
        if ids:
            named = ", ".join(ids[:EXAMPLES]) + (", …" if len(ids) > EXAMPLES else "")
            yield f"{count(len(ids), 'commitment')} {why}: {named}"
    for note, words in (
        (OTHER_GROUNDS, "would come out the same, on other provisions or requirements"),
        (ALREADY, "would not be permitted by the present policies either"),
        (NOT_KEPT, "may rest on it too: the policies that decided them are not kept"),
    ):
        if number := totals.noted[note]:
            yield f"{count(number, 'commitment')} {words}"
    for counter, number in totals.recounted.most_common():
        yield f"the counter {counter}, to which {count(number, 'commitment')} add, would count otherwise: they must be recounted"
