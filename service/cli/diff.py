"""
`fifthfactor diff OLD NEW`: compares two bundles on many exchanges, and reports the difference in Markdown or JSON.

OLD and NEW are each one folder or several, a git revision or the digest of a bundle. Of a revision the committed bytes are read, by git's
plumbing commands, without a shell, a checkout or a filter. The exchanges come from the tests of both bundles and from files. The records of
a decision log are compared as `fifthfactor impact` does. Nothing is recorded, and no value of a real exchange is printed.
"""

import re
from collections import Counter
from collections.abc import Iterator, Sequence
from itertools import chain, groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli import proof_report
from service.cli.command import AsJson, Commands, Mode, NewPolicies, OldPolicies, RevisionFolders, UsedWrongly, need
from service.cli.log_impact import Processes, Resume, Since, Until, log_impact
from service.cli.output import count, day, print_json, progress, today
from service.cli.stopping import stoppable

if TYPE_CHECKING:
    import engine

FAIL_ON = ("permits-more", "permits-less", "any-outcome", "any-change")
MORE, LESS = ("permits more", "may permit more"), ("permits less", "may permit less")
LINES_SUFFIXES = (".jsonl", ".ndjson")
RULES = (
    "policy",
    "rule",
    "definition",
    "requirement",
    "acceptance",
    "switched-off",
    "must-be-shown",
    "mapping",
)  # listed first in the Markdown
MAX_LISTED = 50  # changes in one list of the Markdown
MAX_DETAILS = 12
MAX_CAUSES = 5


app = Commands()


@app.add("diff HEAD~1 policies --fail-on permits-more", "diff HEAD~1 policies --fail-on permits-more --proof-only")
def diff(
    old: OldPolicies,
    new: NewPolicies,
    policies: RevisionFolders = None,
    exchanges: Annotated[
        list[Path] | None, typer.Option(help="Real exchanges: a folder, a JSON file, or a file of JSON lines. May be repeated.")
    ] = None,
    log: Annotated[str | None, typer.Option(help="Database of a decision log; its records are compared too.")] = None,
    since: Since = None,
    until: Until = None,
    processes: Processes = None,
    resume: Resume = None,
    only: Annotated[str, typer.Option(help="Try only the test files whose name contains this.")] = "",
    proof_only: Annotated[
        bool, typer.Option("--proof-only", help="Prove, and decide no exchange of the tests: some twenty seconds.")
    ] = False,
    as_of: Annotated[str | None, typer.Option(help="Day for exchanges that name none. [today]")] = None,
    mode: Mode = "checked",
    examples: Annotated[
        int, typer.Option(min=0, help="How many examples to show; each kind of change shows at least one.")
    ] = 20,
    fail_on: Annotated[
        str | None, typer.Option(help="End with 1 on one of these: permits-more, permits-less, any-outcome or any-change.")
    ] = None,
    as_json: AsJson = False,
) -> int:
    """
    Report what changes if NEW replaces OLD: what is proven of every exchange, every outcome of the tests that changes, and the rules. The
    report is Markdown, for a review. Needs the extra `analyse`.

    Ends with 0, or with 1 where the difference is what `--fail-on` names: `permits-more`, where it is not proven that no exchange may
    proceed, or may perhaps proceed, that could not before, or where a mapping reads programs' requests otherwise. Where a command is
    stopped it reports what it has.
    """
    import engine
    from service.cli.impact_report import fails, markdown
    from service.cli.revisions import Finder

    need("mode", mode, engine.MODES)
    if fail_on is not None and fail_on not in FAIL_ON:
        raise UsedWrongly(f"`--fail-on` cannot be `{fail_on}`; use one of {', '.join(FAIL_ON)}")
    if log is None and (since or until or processes or resume):
        raise UsedWrongly("`--since`, `--until`, `--processes` and `--resume` belong to `--log`")
    on = day(as_of) if as_of else today()
    finder = Finder(old, new, policies or [], progress, log)
    before, after = finder.side(old, earlier=True), finder.side(new)
    progress("proving")
    try:
        proof = engine.prove(before.bundle, after.bundle)
    except engine.SolverMissing as missing:
        raise UsedWrongly(str(missing)) from None
    progress("")
    tests = [] if proof_only else engine.trials(before.bundle, after.bundle, only)
    if only and not tests:
        raise UsedWrongly(f"no test file has `{only}` in its name")
    impact, how = None, "the tests and the files are decided from the beginning each time"
    with stoppable() as stopping:
        difference = engine.compare(
            before.bundle,
            after.bundle,
            stopping.until(chain(tests, _from_files(exchanges or []))),
            today=on,
            mode=mode,
            progress=lambda number: progress(f"{number:,} exchanges"),
        )
        progress("")
        difference = difference.model_copy(update={"proof": proof})
        if log is not None and not stopping.number:
            comparison = engine.ImpactComparison(before.bundle, after.bundle, mode)
            impact, how = log_impact(log, comparison, since, until, on, processes, resume, stopping)
    compared = bool(difference.tried) or (impact is not None and impact.rows > impact.unread)
    if (
        fail_on not in (None, "any-change", "permits-more")
        and not compared
        and not difference.same_meaning
        and not stopping.number
    ):
        raise UsedWrongly(
            f"there is no exchange to compare, so `--fail-on {fail_on}` can find nothing; name some with `--exchanges`"
        )
    if as_json:
        print_json(
            difference.model_dump(mode="json", by_alias=True)
            | ({"log": impact.model_dump(mode="json", by_alias=True)} if impact else {})
        )
    else:
        print("\n".join(_markdown(difference, before.label, after.label, examples)))
        if impact is not None:
            print("\n".join(("", *markdown(impact, before.label, after.label, examples))))
    if stopping.number:
        tried = sum(difference.tried.values()) + (impact.rows if impact else 0)
        return stopping.told(f"after {count(tried, 'exchange')}, of which this is the report", how)
    return int(_fails(difference, fail_on) or (impact is not None and fails(impact, fail_on)))


def _fails(difference: "engine.Difference", fail_on: str | None) -> bool:
    """Whether the difference is what `--fail-on` names."""
    directions = {move.direction for move in difference.moves}
    match fail_on:
        case "permits-more":
            proven = difference.proof is not None and difference.proof.nothing_more
            return not proven or not directions.isdisjoint(MORE) or _reads_otherwise(difference)
        case "permits-less":
            return not directions.isdisjoint(LESS)
        case "any-outcome":
            return bool(directions - {"same outcome"})
        case "any-change":
            return bool(directions) or not difference.same_meaning
        case _:
            return False


def _reads_otherwise(difference: "engine.Difference") -> bool:
    """Whether programs' requests are read otherwise: one that was refused or decided may be allowed, whatever is proven of exchanges."""
    return any(change.what == "mapping" and (change.details or change.change != "changed") for change in difference.changes)


# --- real exchanges --------------------------------------------------------------------------------------------------


def _from_files(paths: Sequence[Path]) -> "Iterator[engine.TrialExchange]":
    """The exchanges of folders and files: one in a `.json` file, one in each line of any other file."""
    import engine

    for path in paths:
        if not path.exists():
            raise UsedWrongly(f"there is no file or folder {path}")
        suffixes = (".json", *LINES_SUFFIXES)
        files = sorted(file for file in path.rglob("*") if file.suffix in suffixes) if path.is_dir() else [path]
        if not files:
            raise UsedWrongly(f"{path} holds no file that ends in {', '.join(suffixes)}")
        for file in files:
            try:
                if file.suffix == ".json":
                    yield engine.TrialExchange(file.stem, str(file), "file", file.read_bytes())
                else:
                    yield from _lines(file)
            except OSError as error:
                raise UsedWrongly(f"cannot read {file}: {error.strerror}") from None


def _lines(file: Path) -> "Iterator[engine.TrialExchange]":
    import engine

    with file.open("rb") as handle:
        for number, line in enumerate(handle, 1):
            if line.strip():
                yield engine.TrialExchange(f"line {number}", f"{file}:{number}", "file", line)


# --- the report ------------------------------------------------------------------------------------------------------


def _markdown(difference: "engine.Difference", old: str, new: str, examples: int) -> Iterator[str]:
    """The report for a review: first the outcomes that change, then the rules."""
    import engine

    yield f"## Policies: {_code(old)} → {_code(new)}"
    yield ""
    yield _summary(difference)
    if difference.proof is not None and not difference.same_meaning:
        yield from proof_report.markdown(difference.proof, examples)
    if _reads_otherwise(difference):
        yield from (
            "",
            "**Requests of programs are read otherwise (mappings, below). No proof speaks of that: one may be allowed more.**",
        )
    yield from _outcomes(difference, examples)
    rules = [change for change in difference.changes if change.what in RULES]
    yield from _changes("Rules", rules)
    yield from _changes("Words", [change for change in difference.changes if change.what not in RULES])
    yield from _bullets(
        "Not compared", [f"{_named(each.exchange)}: {_text(each.problem)}" for each in difference.unread], MAX_LISTED
    )
    yield from _bullets(
        "Engines in trouble", [f"{_named(each.exchange)}: {each.problem}" for each in difference.disagreements], MAX_LISTED
    )
    yield ""
    yield (
        f"Meaning {_code(difference.old.meaning[:12])} → {_code(difference.new.meaning[:12])},"
        f" decided in the mode {_code(difference.mode)}. {engine.LANGUAGES['en'].disclaimer}"
    )


def _summary(difference: "engine.Difference") -> str:
    by_direction = Counter(move.direction for move in difference.moves)
    others = sum(by_direction[direction] for direction in ("stricter", "milder", "read now", "no longer read"))
    told = [
        text.format(number, "was" if number == 1 else "were")
        for number, text in (
            (by_direction["permits more"], "**{} permitted that {} not**"),
            (by_direction["may permit more"], "**{} perhaps permitted that could not be**"),
            (by_direction["permits less"], "{} no longer permitted"),
            (by_direction["may permit less"], "{} no longer perhaps permitted"),
            (others, "{} with another outcome"),
            (by_direction["same outcome"], "{} with the same outcome for other reasons"),
        )
        if number
    ]
    places = {"test": "{} of tests", "file": "{} from files"}
    where = " and ".join(places[source].format(count(number, "exchange")) for source, number in difference.tried.items())
    changes = Counter(change.change for change in difference.changes if change.details or change.change != "changed")
    counted = ", ".join(f"{changes[change]} {change}" for change in ("added", "dropped", "changed") if changes[change])
    worded = "Only wording changes." if difference.changes else "No rule changes."
    rules = f"Rules and words: {counted}." if counted else worded
    if difference.same_meaning:
        return "Both mean the same: no outcome changes."
    if not difference.tried:
        return f"No exchange was decided under both, so only the policies are compared. {rules}"
    return f"Of {where}: {', '.join(told) or 'no outcome changes'}. {rules}"


def _outcomes(difference: "engine.Difference", examples: int) -> Iterator[str]:
    """A table of the outcomes that change, and under it examples of each row, at least one."""
    rows = [
        (direction, list(moves))
        for (direction, _, _), moves in groupby(
            difference.moves, key=lambda move: (move.direction, move.old.told, move.new.told)
        )
    ]
    if not rows:
        return
    yield from ("", "### Outcomes", "", "| from | to | | exchanges | by |", "|---|---|---|---:|---|")
    for direction, moves in rows:
        old, new = moves[0].old.told, moves[0].new.told
        yield f"| {old} | {new} | {_strong(direction)} | {len(moves):,} | {_causes(moves)} |"
    left = examples
    for direction, moves in rows:
        shown = moves[: max(1, left)]
        left -= len(shown)
        old, new = moves[0].old.told, moves[0].new.told
        yield from ("", f"{old} → {new}, {direction}:" if old != new else f"{old}, {direction}:", "")
        yield from (f"- {_named(move.exchange)}: {_why(move)}" for move in shown)
        if len(moves) > len(shown):
            yield f"- … and {len(moves) - len(shown):,} more"


def _strong(direction: str) -> str:
    return f"**{direction}**" if direction in MORE else direction


def _causes(moves: "Sequence[engine.MovePart]") -> str:
    """The rules that stand on one side only, the most frequent first; other causes only where there is no such rule."""
    found = Counter((cause.kind, cause.name, cause.text) for move in moves for cause in move.causes)
    rules = {cause: number for cause, number in found.items() if cause[0] == "rule"} or found
    ranked = sorted(rules.items(), key=lambda each: (-each[1], each[0]))
    told = [
        f"{_cause(kind, name)} {text}" + (f" ({number:,})" if number > 1 or len(moves) > 1 else "")
        for (kind, name, text), number in ranked[:MAX_CAUSES]
    ]
    return "; ".join(told + [f"{len(ranked) - MAX_CAUSES} more"] * (len(ranked) > MAX_CAUSES)).replace("|", "\\|")


def _cause(kind: str, name: str) -> str:
    return _code(name) if kind == "rule" else f"{kind} {_text(name) if kind == 'duty' else _code(name)}"


def _why(move: "engine.MovePart") -> str:
    told = [f"{_cause(cause.kind, cause.name)} {cause.text}" for cause in move.causes]
    if len(told) > 2 * MAX_CAUSES:
        told = [*told[: 2 * MAX_CAUSES], f"{len(told) - 2 * MAX_CAUSES} more"]
    for side, which in ((move.old, "old"), (move.new, "new")):
        told += [f"the {which} policies cannot read {_text(place)}" for place in side.problems[:MAX_CAUSES]]
    return "; ".join(told) or "the same rules stand"


def _named(exchange: "engine.ExchangePart") -> str:
    as_of = f", as of {exchange.as_of}" if exchange.as_of else ""
    return f"{_text(exchange.name)} ({_code(exchange.at)}{as_of})"


def _changes(heading: str, changes: "Sequence[engine.PolicyChangePart]") -> Iterator[str]:
    """What was added, dropped or changed, and what has only another wording."""
    told: dict[str, list[str]] = {"added": [], "dropped": [], "changed": []}
    worded = []
    for change in changes:
        name = f"{change.what} {_code(change.name)}" + (f", {_text(change.title)}" if change.title else "")
        if change.under:
            more = f" and {len(change.under) - MAX_CAUSES:,} more" if len(change.under) > MAX_CAUSES else ""
            name += f", under {', '.join(map(_code, change.under[:MAX_CAUSES]))}{more}"
        wording = f"wording: {', '.join(change.wording)}"
        if change.change == "changed" and not change.details:
            worded.append(f"{change.what} {_code(change.name)} ({', '.join(change.wording)})")
            continue
        shown = ""
        if change.moves is not None:
            shown = f": moves {count(change.moves, 'exchange')}" if change.moves else ": **no exchange here shows it**"
        if change.change != "changed":
            about = "; ".join(change.details)
            told[change.change].append(f"{name}{f' ({about})' if about else ''}{shown}")
            continue
        details = [*change.details[:MAX_DETAILS], *([wording] if change.wording else [])]
        if len(change.details) > MAX_DETAILS:
            details.append(f"… and {len(change.details) - MAX_DETAILS:,} more")
        told["changed"].append("\n".join([f"{name}{shown}", *(f"  - {_detail(each)}" for each in details)]))
    if any(told.values()) or worded:
        yield from ("", f"### {heading}")
    for how, lines in told.items():
        yield from _bullets(how.capitalize(), lines, MAX_LISTED, level="")
    if worded:
        yield from (
            "",
            f"Only the wording changes: {'; '.join(worded[:MAX_LISTED])}" + (" …" if len(worded) > MAX_LISTED else ""),
        )


def _bullets(heading: str, lines: Sequence[str], most: int, level: str = "### ") -> Iterator[str]:
    if lines:
        yield from ("", f"{level}{heading}{'' if level else ':'}", "")
        yield from (f"- {line}" for line in lines[:most])
        if len(lines) > most:
            yield f"- … and {len(lines) - most:,} more"


def _text(text: str) -> str:
    """An author's text in Markdown, escaped so that nothing in it becomes a link, a tag or a cell."""
    return re.sub(r"([\\`*\[\]<|])", r"\\\1", " ".join(text.split()))


def _detail(text: str) -> str:
    """A sentence with names in backticks and an author's text, escaped but for the backticks."""
    return re.sub(r"([\\*\[\]<|])", r"\\\1", " ".join(text.split()))


def _code(text: str) -> str:
    return f"`{text.replace('`', chr(39))}`"
