"""What `fifthfactor test` tells of a case: how it came out and why, as text, JSON and JUnit XML."""

from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from itertools import groupby
from typing import TYPE_CHECKING, Any
from xml.etree import ElementTree

from service.cli.output import count, fill, painted

if TYPE_CHECKING:
    import engine

FEW = 2  # conditions of a reason, and reasons, that are told of a case that fails; `--why` tells all
MANY = 3  # failed cases that turn on one condition, which is then told


def failure_lines(result: "engine.Result") -> Iterator[str]:
    """A case that failed: each difference, with the first of the conditions on which it turns."""
    yield f"{painted('red', 'failed')} {result.file}:{result.line} {result.case}"
    for number, problem in enumerate(result.problems):
        yield fill(problem, "    ")
        reasons = result.reasons[number] if number < len(result.reasons) else ()
        yield from reason_lines(reasons[:FEW], FEW)
        if len(reasons) > FEW:
            yield f"      and {count(len(reasons) - FEW, 'provision')} more: `--why`"


def why_lines(
    result: "engine.Result", found: "Sequence[tuple[engine.ExpectationLine, tuple[engine.Reason, ...]]]"
) -> Iterator[str]:
    """How a case came out, and of everything that it expects every condition on which it turns."""
    word = painted("red", "failed") if result.problems else painted("green", "passed")
    yield f"{word} {result.file}:{result.line} {result.case}"
    yield from (fill(problem, "    ") for problem in result.problems)
    for expected, reasons in found:
        yield fill(": ".join(filter(None, expected)), "  ")
        yield from reason_lines(reasons, None)


def reason_lines(reasons: "Iterable[engine.Reason]", most: int | None) -> Iterator[str]:
    """Each reason, and its conditions one a line: how it reads, where it stands, what it says and what the exchange says."""
    for reason in reasons:
        if reason.says:
            yield fill(f"{reason.says} ({reason.at})", "      ")
        for test in reason.tests[:most]:
            line = f"{test.truth:8}{test.at or reason.at}  {test.test} [{test.value}]" + (
                f" in `{test.define}`" if test.define else ""
            )
            yield fill(line, " " * 6, " " * 16)
        if most is not None and len(reason.tests) > most:
            yield f"      and {count(len(reason.tests) - most, 'condition')} more: `--why`"


def shared_lines(results: "Iterable[engine.Result]") -> Iterator[str]:
    """The condition on which most of several failed cases turn."""
    failed = [result for result in results if result.problems]
    turns: Counter[tuple[str, str]] = Counter()
    for result in failed:
        tests = [(test.at, f"{test.test} [{test.value}]") for of in result.reasons for reason in of for test in reason.tests]
        turns.update([*dict.fromkeys(each for each in tests if each[0])])
    for (at, said), number in turns.most_common(1):
        if number >= MANY and 2 * number > len(failed):
            yield fill(f"{number:,} of {len(failed):,} failed cases turn on {at}  {said}")


def result_document(result: "engine.Result") -> dict[str, Any]:
    """How a case came out, as JSON."""
    return {
        "file": result.file,
        "line": result.line,
        "policy": result.suite,
        "case": result.case,
        "problems": list(result.problems),
        "why": [reason_documents(each) for each in result.reasons],
    }


def reason_documents(reasons: "Iterable[engine.Reason]") -> list[dict[str, Any]]:
    return [{"says": each.says, "at": each.at, "tests": [test._asdict() for test in each.tests]} for each in reasons]


def junit(results: "Sequence[tuple[engine.Result, float]]") -> bytes:
    """JUnit XML: a test suite for each file, in which a failed case has its problems."""
    failed = sum(1 for result, _ in results if result.problems)
    whole = ElementTree.Element("testsuites", tests=str(len(results)), failures=str(failed))
    for file, group in groupby(results, key=lambda each: each[0].file):
        cases = list(group)
        failures = sum(1 for result, _ in cases if result.problems)
        taken = sum(seconds for _, seconds in cases)
        suite = ElementTree.SubElement(
            whole, "testsuite", name=file, tests=str(len(cases)), failures=str(failures), time=f"{taken:.3f}"
        )
        for result, seconds in cases:
            case = ElementTree.SubElement(
                suite,
                "testcase",
                name=result.case,
                classname=result.suite,
                file=file,
                line=str(result.line),
                time=f"{seconds:.3f}",
            )
            if result.problems:
                failure = ElementTree.SubElement(case, "failure", message=result.problems[0])
                failure.text = "\n".join(failure_lines(result))
    return bytes(ElementTree.tostring(whole, "utf-8", xml_declaration=True)) + b"\n"
