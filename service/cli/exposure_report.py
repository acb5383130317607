"""What a change would touch, as `fifthfactor exposure` writes it: text, one JSON document, or a line for each commitment."""

import csv
import json
from collections import Counter
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict
from itertools import islice
from typing import TYPE_CHECKING, Any, TextIO

from service.cli.output import count, csv_cell, safe

if TYPE_CHECKING:
    from service.ledger.exposure import ExposureTotals, PartExposure, TouchedCommitment

CAUSES = 5  # of one move
EXAMPLES = 3  # commitments that are named of those that cannot be told
COLUMNS = ("commitment", "decision", "evaluation", "as_of", "how", "old", "new", "parties", "assets", "adds")


def writer(file: TextIO, form: str) -> "Callable[[PartExposure], None]":
    """Writes the touched commitments of a part as lines."""
    if form == "jsonl":
        return lambda part: file.writelines(json.dumps(asdict(each), ensure_ascii=False) + "\n" for each in part.touched)
    table = csv.writer(file, lineterminator="\n")
    table.writerow(COLUMNS)
    return lambda part: table.writerows([csv_cell(_flat(getattr(each, name))) for name in COLUMNS] for each in part.touched)


def _flat(value: Any) -> Any:
    if not isinstance(value, tuple):
        return value
    return "; ".join(each if isinstance(each, str) else f"{each.fact} {_amount(each.low, each.high)}" for each in value)


def _amount(low: int, high: int | None) -> str:
    return f"{low} or more" if high is None else str(low) if low == high else f"{low} to {high}"


def document(
    named: dict[str, Any], totals: "ExposureTotals", every: "list[TouchedCommitment]", interrupted: bool
) -> dict[str, Any]:
    """Everything as JSON; `named` is the change."""
    return {
        "schema": "fifthfactor/exposure/1",
        "change": named,
        "complete": not interrupted,
        **totals.document(),
        "commitments": [asdict(each) for each in every],
    }


def _most(most: int | str | None) -> str:
    return "no upper end" if most is None else f"at most {most if isinstance(most, str) else f'{most:,}'} in all"


def print_totals(named: dict[str, Any], totals: "ExposureTotals", every: "list[TouchedCommitment]", show: int) -> None:
    """Print the totals, then lists of at most `show` lines."""
    counters = (
        f"{fact}: {count(each.commitments, 'commitment')} for {count(len(each.keys), 'key')}, {_most(totals.most(fact))}"
        for fact, each in sorted(totals.counters.items())
    )
    lines = (f"{each.commitment}  {each.as_of}  {'; '.join(map(safe, each.how[:CAUSES]))}" for each in every)
    sections = (
        [f"{totals.touched:,} of {count(totals.looked, 'running commitment')} {_touched_by(named)}", *_by_how(totals)],
        _section("Parties", _frequent(totals.parties), len(totals.parties), show),
        _section("Assets", _frequent(totals.assets), len(totals.assets), show),
        _section("Counters", counters, len(totals.counters), show),
        _section("Commitments", lines, totals.touched, show),
        ["Both policies mean the same, so nothing can come out otherwise."] if same_meaning(named) else list(_besides(totals)),
    )
    print("\n\n".join("\n".join(lines) for lines in sections if lines))


def same_meaning(named: dict[str, Any]) -> bool:
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
