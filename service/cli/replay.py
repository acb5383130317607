"""`fifthfactor replay`: decides recorded decisions again, and compares; with `--all` every decision of the log."""

from dataclasses import asdict
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.command import AsJson, Commands, Database, UsedWrongly, address, policies_at
from service.cli.log.filters import moment_given
from service.cli.output import painted, print_json, safe, shortened

if TYPE_CHECKING:
    import engine
    from service.decisions.replay import Replay
    from service.log.record import PolicyDigests

ONE_IN = 100  # records whose bounds agree: one of so many is decided again

app = Commands()


@app.add("replay 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071", "replay --all --since 2026-11-01", "replay --all --bounds")
def replay(
    ids: Annotated[list[str] | None, typer.Argument(help="Ids of decisions.", show_default=False)] = None,
    every: Annotated[bool, typer.Option("--all", help="Replay every decision of the log, and print a summary.")] = False,
    since: Annotated[str | None, typer.Option(help="With --all: the first day or moment of the records; UTC.")] = None,
    until: Annotated[
        str | None, typer.Option(help="With --all: the last day of the records, or the first moment after them.")
    ] = None,
    after: Annotated[
        int, typer.Option(help="With --all: only records with a higher number, where an interrupted replay goes on.")
    ] = -1,
    processes: Annotated[
        int | None, typer.Option(min=1, max=256, help="With --all: how many processes replay. [one for each processor]")
    ] = None,
    bounds: Annotated[
        bool,
        typer.Option(
            "--bounds",
            help="With --all: compare only outcomes and bounds, many records at once. Sentences, questions, remedies, duties and lists "
            "of provisions are then compared only in a sample, and where bounds differ or cannot be found that way.",
        ),
    ] = False,
    sample: Annotated[
        int, typer.Option(min=1, help="With --bounds: of so many records whose bounds agree, one is decided again in full.")
    ] = ONE_IN,
    seed: Annotated[int | None, typer.Option(help="With --bounds: chooses the sample. [by chance, and printed]")] = None,
    database: Database = None,
    policies: Annotated[
        list[Path] | None,
        typer.Option(
            help="The policies that decided; may be repeated. [those that the database keeps]",
            parser=policies_at,
            metavar="PATH",
        ),
    ] = None,
    as_json: AsJson = False,
) -> int:
    """
    Decide recorded decisions again, on their day and by their policies, and compare. The same engine must give the same bytes.

    A decision that was made under other semantics may come out otherwise; what comes out now is shown, and is no fault.

    With --all every difference is named, and a summary counts the decisions that are the same and those that cannot be replayed.

    Ends with 1 where a decision differs or does not exist.
    """
    if not bounds and (seed is not None or sample != ONE_IN):
        raise UsedWrongly("`--sample` and `--seed` belong to `--bounds`")
    if every is bool(ids):
        raise UsedWrongly("name the ids of decisions, or replay the whole log with `--all`")
    if every:
        from service.cli.replay_all import replay_all

        begin = moment_given(since, end=False) if since else None
        end = moment_given(until, end=True) if until else None
        one_in = sample if bounds else 0
        return replay_all(address(database), policies, begin, end, after, processes, as_json, one_in, seed)
    if since or until or after >= 0 or processes or bounds:
        raise UsedWrongly("`--since`, `--until`, `--after`, `--processes` and `--bounds` belong to `--all`")
    from service.cli.files import load_or_stop
    from service.decisions.replay import CannotReplay, decider, kept_decider
    from service.decisions.replay import replay as decide_again
    from service.log.store import find
    from service.store.upgrade import reading

    given = load_or_stop(policies) if policies else None
    ready: dict[tuple[PolicyDigests, str], engine.PDP] = {}
    found: list[dict[str, Any]] = []
    with reading(address(database)) as connection:

        def deciders(bundle: "PolicyDigests", mode: str) -> "engine.PDP":
            if (bundle, mode) not in ready:
                made = decider(given, bundle, mode) if given else kept_decider(connection, bundle, mode)
                ready.clear()  # two in memory would need twice as much as a service
                ready[bundle, mode] = made
            return ready[bundle, mode]

        for id in ids or ():
            try:
                stored = find(connection, id)
                if stored is None:
                    raise CannotReplay("no decision has this id", "missing")
                replayed = decide_again(stored, deciders)
            except CannotReplay as cannot:
                found.append({"id": id, "holds": False, "error": str(cannot)})
                if not as_json:
                    print(f"{safe(id)}: {painted('red', 'not replayed')}: {cannot}")
                continue
            found.append(asdict(replayed))
            if not as_json:
                _print_replay(replayed)
    if as_json:
        print_json(found)
    return int(not all(each["holds"] for each in found))


def _print_replay(replayed: "Replay") -> None:
    said = {"bytes": "the same, byte for byte", "meaning": "the same in meaning, with other bytes", "nothing": "different"}
    versions = f"engine {replayed.recorded_by}"
    if replayed.recorded_by != replayed.replayed_by:
        versions += f", replayed by {replayed.replayed_by}"
    tone = "green" if replayed.holds else "red"
    print(f"{replayed.id}: {painted(tone, said[replayed.same])} ({versions}, policies {replayed.bundle[:12]})")
    if replayed.recorded_under != replayed.replayed_under:
        print(f"  decided under semantics {replayed.recorded_under}; under {replayed.replayed_under} it may come out otherwise")
    if replayed.refused:
        print(f"  the exchange would be refused now: {replayed.refused}")
    if replayed.erased:
        print(f"  erased and left out, so the bytes cannot be compared: {', '.join(replayed.erased)}")
    for each in replayed.differences:
        print(f"  {each.pointer}: recorded {shortened(each.recorded)}, now {shortened(each.replayed)}")
