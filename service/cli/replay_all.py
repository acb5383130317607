"""
The whole log decided again, for `fifthfactor replay --all`: progress, each finding by name, and a summary.

What was done is summarised after an interruption too, with the number to go on from.
"""

import secrets
import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.cli.command import FINDING
from service.cli.output import count, duration, pace, painted, print_json, progress, safe, shortened
from service.cli.processes import in_processes
from service.cli.stopping import stoppable

if TYPE_CHECKING:
    from datetime import datetime

    from service.decisions.log_replay import PartResult, RecordResult
    from service.decisions.recorded_bounds import ReplaySample

MOST_TOLD = 1_000  # findings in the JSON; the text names each
SEEDS = 2**32
EXAMPLES = 3  # records that are named of those that cannot be replayed for one reason
WORDS = {
    "bytes": "the same, byte for byte",
    "meaning": "the same in meaning, by another version of the engine",
    "without-erased": "the same, without the values that were erased",
    "bounds": "the same in outcome and bounds, by lanes",
    "other-semantics": "decided under other semantics, and come out otherwise now",
    "erased": "not replayed: they rest on values that were erased",
    "policies": "not replayed: their policies are not here",
    "version": "not replayed: this version does not know their form",
    "different": "different",
    "unsound": "not sound: what is stored is not what was recorded",
    "refused": "no longer accepted by the engine that decided them",
    "failed": "that no engine could decide",
    "missing": "missing: there is no record of the number",
    "lanes": "confirmed by the engines, and not by lanes",
}


@dataclass(slots=True)
class _Done:
    """What was replayed so far: the next number, how many records by result, the findings, and examples of what is no finding."""

    next: int
    counts: Counter[str] = field(default_factory=Counter)
    findings: list[dict[str, Any]] = field(default_factory=list)
    examples: dict[str, list[str]] = field(default_factory=dict)

    def take(self, part: "PartResult", as_json: bool) -> None:
        from service.decisions.log_replay import FINDINGS

        self.next = part.upto
        self.counts.update(part.counts)
        for each in part.told:
            if each.result not in FINDINGS:
                named = self.examples.setdefault(each.result, [])
                if len(named) < EXAMPLES:
                    named.append(each.id or "")
            elif not as_json:
                progress("")
                _print_finding(each)
            elif len(self.findings) < MOST_TOLD:
                self.findings.append(asdict(each))

    @property
    def found(self) -> int:
        """The number of findings."""
        from service.decisions.log_replay import FINDINGS

        return sum(self.counts[each] for each in FINDINGS)


def replay_all(
    url: str,
    policies: list[Path] | None,
    since: "datetime | None",
    until: "datetime | None",
    after: int,
    processes: int | None,
    as_json: bool,
    one_in: int,
    seed: int | None,
) -> int:
    """
    Replay the records of a log; 1 where one differs. Raises UsedWrongly, DatabaseRefused.

    With `one_in`, bounds are compared by lanes first, and one in so many records is decided again all the same, by the seed.
    """
    from service.cli.files import load_or_stop
    from service.decisions.log_replay import LogReplay
    from service.decisions.recorded_bounds import ReplaySample

    sample = ReplaySample(secrets.randbelow(SEEDS) if seed is None else seed, one_in) if one_in else None
    replaying = LogReplay(url, load_or_stop(policies) if policies else None, since, until, sample)
    try:
        numbers = replaying.prepare(after)
        done = _Done(numbers.start)
        began = time.monotonic()
        with stoppable() as stopping:
            for part in stopping.until(in_processes(replaying.part, replaying.parts(numbers), processes=processes)):
                done.take(part, as_json)
                at = done.next - numbers.start
                progress(pace(at, len(numbers), "record", time.monotonic() - began))
        progress("")
    finally:
        replaying.close()
    seconds, left = time.monotonic() - began, numbers.stop - done.next
    if as_json:
        print_json(_document(done, numbers, seconds, sample))
    else:
        _print_summary(done, seconds, sample)
    if left:
        of = count(len(numbers), "record")
        return stopping.told(f"after {len(numbers) - left:,} of {of}", f"go on with --after {done.next - 1}")
    return FINDING if done.found else 0


def _document(done: _Done, numbers: range, seconds: float, sample: "ReplaySample | None") -> dict[str, Any]:
    """
    The summary as JSON. `next` is the number of the first record that was not replayed. `sample` is null where all were decided again.
    """
    import engine

    return {
        "schema": "fifthfactor/log-replay/1",
        "holds": not done.found,
        "complete": done.next == numbers.stop,
        "engine": engine.__version__,
        "semantics": engine.SEMANTICS,
        "first": numbers.start,
        "next": done.next,
        "records": done.counts.total(),
        "seconds": round(seconds, 3),
        "sample": sample and asdict(sample),
        "counts": {result: done.counts[result] for result in WORDS},
        "findings": done.findings,
        "findings_left_out": done.found - len(done.findings),
        "examples": done.examples,
    }


def _print_summary(done: _Done, seconds: float, sample: "ReplaySample | None") -> None:
    records = done.counts.total()
    rate = f", {records / seconds:,.0f} a second" if seconds else ""
    print(f"{count(records, 'record')} replayed in {duration(seconds)}{rate}")
    for result, words in WORDS.items():
        if number := done.counts[result]:
            named = done.examples.get(result)
            shown = f" ({', '.join(map(safe, named))}{', …' if number > len(named) else ''})" if named else ""
            print(f"{number:>12,} {words}{shown}")
    if sample:
        print(
            f"bounds were compared first; of those that agree one in {sample.one_in:,} was decided again (--seed {sample.seed})"
        )
    verdict = painted("red", count(done.found, "finding")) if done.found else painted("green", "no finding")
    print(verdict)


def _print_finding(found: "RecordResult") -> None:
    named = f"record {found.number}" + (f" {safe(found.id)}" if found.id else "")
    print(f"{painted('red', 'finding')} in {named}: {found.detail or 'another decision comes out'}")
    for each in found.differences:
        print(f"  {each.pointer}: recorded {shortened(each.recorded)}, now {shortened(each.replayed)}")
