"""What the tests of policies reach, as text, JSON and Cobertura XML."""

from collections.abc import Collection, Iterable, Iterator, Sequence
from typing import TYPE_CHECKING, Any, NamedTuple
from xml.etree import ElementTree

from service.cli.output import count, fill

if TYPE_CHECKING:
    import engine

STANDS = {("yes",): "never stands", ("no",): "always stands", ("yes", "no"): "only may stand"}
READS = {("yes",): "never yes", ("no",): "never no", ("yes", "no"): "never yes and never no"}


def coverage_lines(policies: "Sequence[engine.PolicyCoverage]") -> Iterator[str]:
    """Of each policy the shares, and what is never so. That something is never unknown is only counted, and so is a policy with nothing."""
    whole = 0
    for policy in policies:
        places = [(STANDS, place) for place in policy.provisions] + [(READS, place) for place in policy.conditions]
        never = [(place, words.get(tuple(each for each in place.never if each != "unknown"))) for words, place in places]
        lines = [fill(f"{place.at} {said}: {place.name}", "    ") for place, said in never if said]
        lines += [f"    never reached: {', '.join(policy.never)}"] if policy.never else []
        whole += not lines
        if lines or len(policies) == 1:
            yield f"{policy.policy}: {count(policy.cases, 'case')}; {_shares(policy.provisions, policy.conditions)}"
            yield from lines
    if len(policies) > 1:
        yield f"{whole:,} of {len(policies):,} policies have nothing that is never so"
        provisions, conditions = (
            [place for policy in policies for place in getattr(policy, kind)] for kind in ("provisions", "conditions")
        )
        yield f"in all: {_shares(provisions, conditions)}"


def _shares(provisions: "Sequence[engine.CoveredPlace]", conditions: "Sequence[engine.CoveredPlace]") -> str:
    """How many of the provisions stand, do not and may stand in a case; how many of the conditions are yes, no and unknown."""
    told = []
    for noun, places, words in (
        ("provisions", provisions, ("stand", "do not", "may stand")),
        ("conditions", conditions, ("are yes", "no", "unknown")),
    ):
        shares = []
        for truth, word in zip(("yes", "no", "unknown"), words, strict=True):
            of = [place for place in places if truth in place.of]
            shares.append(f"{sum(truth not in place.never for place in of):,} of {len(of):,} {word}")
        told.append(f"{noun}: {', '.join(shares)}")
    return "; ".join(told)


def coverage_document(policies: "Iterable[engine.PolicyCoverage]") -> list[dict[str, Any]]:
    """The same as JSON, with what is never unknown."""
    return [
        {
            "policy": each.policy,
            "cases": each.cases,
            "provisions": [_place(place) for place in each.provisions],
            "conditions": [_place(place) for place in each.conditions],
            "outcomes": {word: word not in each.never for word in each.outcomes},
        }
        for each in policies
    ]


def _place(place: "engine.CoveredPlace") -> dict[str, Any]:
    return {"name": place.name, "at": place.at, **{truth: truth not in place.never for truth in place.of}}


class _LineCoverage(NamedTuple):
    """Of a line: whether something there is yes or stands, in how many ways it reads, and in how many it may."""

    hit: bool = False
    reached: int = 0
    ways: int = 0


def cobertura(policies: "Sequence[engine.PolicyCoverage]") -> bytes:
    """Cobertura XML: a line is a provision or a condition; its branches are the ways in which it may read."""
    files: dict[str, dict[int, _LineCoverage]] = {}
    for place in (each for policy in policies for each in (*policy.provisions, *policy.conditions)):
        file, _, line = place.at.rpartition(":")
        lines = files.setdefault(file, {})
        before, ways = lines.get(int(line), _LineCoverage()), len(place.of)
        hit = before.hit or "yes" not in place.never
        lines[int(line)] = _LineCoverage(hit, before.reached + ways - len(place.never), before.ways + ways)
    rates = _rates([each for lines in files.values() for each in lines.values()])
    whole = ElementTree.Element("coverage", {**rates, "version": "1", "timestamp": "0"})
    package = ElementTree.SubElement(ElementTree.SubElement(whole, "packages"), "package", {"name": "policies", **rates})
    classes = ElementTree.SubElement(package, "classes")
    for file, lines in sorted(files.items()):
        of_file = ElementTree.SubElement(classes, "class", {"name": file, "filename": file, **_rates(lines.values())})
        ElementTree.SubElement(of_file, "methods")
        inside = ElementTree.SubElement(of_file, "lines")
        for number, (hit, reached, ways) in sorted(lines.items()):
            share = f"{100 * reached // ways}% ({reached}/{ways})"
            found = {"number": str(number), "hits": str(int(hit)), "branch": "true", "condition-coverage": share}
            ElementTree.SubElement(inside, "line", found)
    return bytes(ElementTree.tostring(whole, "utf-8", xml_declaration=True)) + b"\n"


def _rates(lines: Collection[_LineCoverage]) -> dict[str, str]:
    hit, reached, ways = (sum(each[place] for each in lines) for place in range(3))
    line_rate, branch_rate = hit / len(lines) if lines else 1, reached / ways if ways else 1
    return {"line-rate": f"{line_rate:.4f}", "branch-rate": f"{branch_rate:.4f}", "complexity": "0"}
