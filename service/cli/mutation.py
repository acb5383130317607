"""
`fifthfactor test --mutate`: changes the law one thing at a time, and lists the changes that no test notices.

A mutant is the law with one thing changed. The report goes by provision, the worst first: where more could be lifted, then where most is
undefended. With a solver, what no exchange tells from the law does not count, and all else comes with a test to paste.
"""

import time
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from functools import partial
from itertools import chain
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple, TypeAlias

from service.cli.command import UsedWrongly
from service.cli.output import complain, count, fill, print_json, progress
from service.cli.stopping import BEGINS_ANEW, Stopping, stoppable

if TYPE_CHECKING:
    import engine

Change: TypeAlias = "engine.Mutant | engine.CellMutant"
CHUNK = 4  # changes that a process tries at a time
PROVISIONS = 20  # that are listed, unless all are


class Undefended(NamedTuple):
    """A change that no test notices, with what a solver says of it."""

    mutant: Change
    proof: "engine.MutantProof | None" = None

    @property
    def equivalent(self) -> bool:
        """Whether it is proven that no exchange tells it from the law."""
        return self.proof is not None and self.proof.shown == "equivalent"


class Report(NamedTuple):
    """The changes that were tried, those that no test notices, and those of them that no exchange tells from the law."""

    tried: Sequence[Change]
    undefended: Sequence[Undefended]
    equivalent: Sequence[Undefended]
    missing: str  # what to install, where there is no solver

    @property
    def counted(self) -> int:
        """How many changes count."""
        return len(self.tried) - len(self.equivalent)

    @property
    def share(self) -> float:
        """How many per cent of them a test notices."""
        return 100 * (1 - len(self.undefended) / max(1, self.counted))


def change_law(paths: Sequence[Path], only: str, at_least: float, every: bool, as_json: bool) -> int:
    """Try every mutant; 1 where the tests notice less than `at_least` per cent, or miss a wider lift. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop
    from service.cli.processes import in_processes

    began = time.monotonic()
    bundle = load_or_stop(paths)
    laws = [*engine.mutants(bundle, only), *engine.register_mutants(bundle, only)]
    cells = list(engine.cell_mutants(bundle, only))
    mutants: list[Change] = [*laws, *cells]
    if not mutants:
        raise UsedWrongly(f"no file of policies has `{only}` in its name" if only else "there is no policy to change")
    noticed: list[bool] = []
    try:
        court = _in_session(bundle, laws)
        seen = in_processes(partial(_noticed, court, laws), range(len(laws)), CHUNK)
        if cells:
            seen = chain(
                seen, in_processes(partial(_cell_noticed, engine.CellMutationTester(bundle), cells), range(len(cells)), CHUNK)
            )
        with stoppable() as stopping:
            for number, each in enumerate(stopping.until(seen), 1):
                noticed.append(each)
                progress(f"{number:,} of {len(mutants):,} changes")
            tried = mutants[: len(noticed)]
            left = [mutant for mutant, seen_ in zip(tried, noticed, strict=True) if not seen_]
            missing, asked = _asked(bundle, left, stopping)
    except ValueError as failing:
        raise UsedWrongly(f"the tests have to pass first (`fifthfactor test`): {failing}") from None
    finally:
        progress("")
    found = Report(tried, [e for e in asked if not e.equivalent], [e for e in asked if e.equivalent], missing)
    if as_json:
        print_json(_document(found))
    else:
        print("\n".join(_lines(found, every)))
        complain(f"{time.monotonic() - began:.0f} s")
    if stopping.number:
        has = f"after {len(noticed):,} of {count(len(mutants), 'change')}, of which this is the report"
        return stopping.told(has, f"{BEGINS_ANEW}; `--only NAME` changes some files")
    return int(found.share < at_least or any(each.mutant.widens for each in found.undefended))


def _asked(bundle: "engine.Bundle", left: Sequence[Change], stopping: Stopping) -> tuple[str, list[Undefended]]:
    """What a solver says of the changes that no test notices; and what to install, where there is none."""
    import engine
    from service.cli.processes import in_processes

    laws = [each for each in left if isinstance(each, engine.Mutant)]
    missing, proofs = "", list[engine.MutantProof]()
    try:
        engine.need_solver()
    except engine.SolverMissing as lacking:
        missing = str(lacking)
    if laws and not missing:
        asking = in_processes(partial(_proof, engine.MutantProver(bundle, laws), laws), range(len(laws)), CHUNK)
        for number, proof in enumerate(stopping.until(asking), 1):
            proofs.append(proof)
            progress(f"{number:,} of {count(len(laws), 'change')} asked about")
    of_laws = [Undefended(mutant, proof) for mutant, proof in zip(laws, proofs, strict=False)]
    rest: list[Change] = [*laws[len(proofs) :], *(each for each in left if not isinstance(each, engine.Mutant))]
    return missing, [*of_laws, *(Undefended(each) for each in rest)]


def _in_session(bundle: "engine.Bundle", mutants: "Sequence[engine.Mutant]") -> "engine.MutationTester":
    """A court for these mutants, after all its own cases pass. Raises ValueError where one fails."""
    import engine
    from service.cli.processes import in_processes

    court = engine.MutationTester(bundle, mutants)
    for number, problem in enumerate(in_processes(partial(_problem, court), range(len(court.own)), CHUNK), 1):
        if problem:
            raise ValueError(problem)
        progress(f"{number:,} of {count(len(court.own), 'case')} pass")
    return court


def _problem(court: "engine.MutationTester", number: int) -> str:
    return court.problem(court.own[number])


def _noticed(court: "engine.MutationTester", mutants: "Sequence[engine.Mutant]", number: int) -> bool:
    return court.notices(mutants[number])


def _cell_noticed(court: "engine.CellMutationTester", cells: "Sequence[engine.CellMutant]", number: int) -> bool:
    return court.notices(cells[number])


def _proof(prover: "engine.MutantProver", mutants: "Sequence[engine.Mutant]", number: int) -> "engine.MutantProof":
    return prover.proof(mutants[number])


def _document(found: Report) -> dict[str, object]:
    return {
        "changes": len(found.tried),
        "noticed": found.counted - len(found.undefended),
        "equivalent": len(found.equivalent),
        "per_cent": round(found.share, 2),
        "undefended": [
            {
                "policy": each.mutant.policy,
                "at": f"{each.mutant.file}:{each.mutant.line}",
                "sentence": each.mutant.sentence,
                "widens": each.mutant.widens,
                "shown": each.proof.shown if each.proof else "not asked",
                "case": each.proof.case if each.proof else "",
                "into": each.proof.file if each.proof else "",
            }
            for each in _worst_first(found.undefended)
        ],
    }


def _worst_first(undefended: Iterable[Undefended]) -> list[Undefended]:
    return [each for group in _by_provision(undefended) for each in group]


def _by_provision(undefended: Iterable[Undefended]) -> list[list[Undefended]]:
    """By the place of what is changed: first where most could be lifted, then where most is undefended."""
    groups: dict[tuple[str, int], list[Undefended]] = {}
    for each in undefended:
        groups.setdefault((each.mutant.file, each.mutant.line), []).append(each)
    for group in groups.values():
        group.sort(key=lambda each: not each.mutant.widens)
    return sorted(groups.values(), key=lambda group: (-sum(e.mutant.widens for e in group), -len(group)))


def _lines(found: Report, every: bool) -> Iterator[str]:
    groups = _by_provision(found.undefended)
    for group in groups if every else groups[:PROVISIONS]:
        mutant = group[0].mutant
        wider = sum(each.mutant.widens for each in group)
        lifts = f", of which {wider:,} could lift more" if wider else ""
        yield f"{mutant.file}:{mutant.line}: {count(len(group), 'change')} that no test notices{lifts}"
        for each in group:
            yield fill(f"{each.mutant.sentence}{' (lifts more)' if each.mutant.widens else ''}", "  ")
            if each.proof and each.proof.case:
                yield f"    a test that notices it, for {each.proof.file or 'a new file'}, if the law says so:"
                yield each.proof.case.rstrip("\n")
            elif each.proof and each.proof.shown == "not shown":
                yield "    it is not shown whether any exchange tells it from the law"
        yield ""
    if left := 0 if every else sum(map(len, groups[PROVISIONS:])):
        yield f"{count(left, 'further change')} in {count(len(groups) - PROVISIONS, 'further place')}; --all lists them, and so does --json"
        yield ""
    if wider := sum(each.mutant.widens for each in found.undefended):
        yield f"{count(wider, 'sentence')} could lift more and no test would notice, which fails whatever the share"
    made = Counter(mutant.policy for mutant in found.tried)
    made.subtract(each.mutant.policy for each in found.equivalent)
    left_of = Counter(each.mutant.policy for each in found.undefended)
    for policy in sorted(made):
        yield f"{policy}: {made[policy] - left_of[policy]:,} of {made[policy]:,}"
    yield f"{found.counted - len(found.undefended):,} of {count(found.counted, 'change')} are noticed, {found.share:.1f} %"
    if found.equivalent:
        yield f"{count(len(found.equivalent), 'change')} that no exchange tells from the law: not counted"
    if found.missing and found.undefended:
        yield f"a solver would leave out what no exchange tells from the law, and propose a test for the rest: {found.missing}"
