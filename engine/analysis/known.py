"""
Which findings an author knows: findings go in, and those come out that are new, with what `known:` says and is not so.

`known:` stands beside the rule; for what is written under `applies` or `define` it stands at the head of the policy, and for what goes
nowhere in the cell of the coverage.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from engine.analysis.analysed_bundle import AnalysedBundle
from engine.analysis.finding import Finding
from engine.policy_language.diagnostic import Span
from engine.policy_language.known_findings import KnownText


@dataclass(frozen=True, slots=True)
class _Saying:
    """What an author says to know, where she says it, and of which place."""

    known: KnownText
    at: Span
    place: str


def told_apart(analysed: AnalysedBundle, found: Sequence[Finding], whole: bool) -> tuple[list[Finding], int]:
    """The findings that are new, and how many are known; if `whole`, what is known and not found is a finding too."""
    sayings = [each for each in _sayings(analysed) if analysed.file in each.at.file]
    left, used = list(found), set[int]()
    for saying in sayings:
        mine = [each for each in left if each.code == saying.known.finding and _places(analysed, each) & {saying.place}]
        if mine:
            used.add(id(saying))
            if analysed.today <= saying.known.until:
                left = [each for each in left if each not in mine]
    known = len(found) - len(left)
    for saying in sayings:
        if id(saying) not in used and whole:
            left.append(analysed.finding("known-nothing", saying.at, saying.place, {"what": saying.known.finding}))
        elif id(saying) in used and analysed.today > saying.known.until:
            parts = {"what": saying.known.finding, "day": saying.known.until.isoformat()}
            left.append(analysed.finding("known-ended", saying.at, saying.place, parts))
    return left, known


def _places(analysed: AnalysedBundle, finding: Finding) -> set[str]:
    """Where an author may say that she knows a finding."""
    if finding.code in ("nothing-goes-free", "nothing-speaks"):
        return {f"{finding.place} {finding.subject}"}
    if finding.place in analysed.bundle.provisions:
        return {finding.place}
    return {finding.place.partition("/")[0], *(each for each in finding.used_by if len(finding.used_by) == 1)}


def _sayings(analysed: AnalysedBundle) -> Iterator[_Saying]:
    for policy in (name for name, file in analysed.instruments.files.items() if analysed.file in file):
        instrument = analysed.instruments[policy]
        for each in _listed(instrument.text.known):
            yield _Saying(each, instrument.at("known"), policy)
        for number, rule in enumerate(instrument.text.rules):
            for each in _listed(rule.known):
                yield _Saying(each, instrument.at("rules", number, "known"), f"{policy}/{rule.id}")
    for name, text in analysed.bundle.vocabulary.jurisdictions.items():
        for subject, cell in text.covers.items():
            for each in _listed(cell.known):
                yield _Saying(each, analysed.coverage(name, subject), f"{name} {subject}")


def _listed(known: KnownText | list[KnownText] | None) -> list[KnownText]:
    return [] if known is None else known if isinstance(known, list) else [known]
