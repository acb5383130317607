"""
Code lenses: above a case, how it comes out; above a rule, how many cases hold it, whether it can stand, and what implies it.

A case is evaluated when its lens is clicked. What came out stays until its file is changed.
"""

from collections.abc import Iterator

from lsprotocol import types

import engine
from service.language_server.diagnostics import FileFinding
from service.language_server.loaded_policies import LoadedPolicies
from service.language_server.policy_files import PolicyFiles
from service.language_server.positions import Positions, uri_of

EVALUATE = "fifthfactor.evaluateCase"
NEVER = {"never-stands": "never stands", "past-only": "stands in the past only", "always-exempted": "is always exempted"}
IMPLIED = ("implied", "same-provision")
SHOW_REFERENCES = "fifthfactor.showReferences"  # of the extension: VS Code takes positions of its own kind


class Lenses:
    """The lenses of files, with the cases that were evaluated so far."""

    def __init__(self) -> None:
        self._outcomes: dict[tuple[str, int], tuple[bytes, engine.CaseOutcome]] = {}

    def of(
        self,
        policies: LoadedPolicies,
        files: PolicyFiles,
        places: Positions,
        file: str,
        proven: tuple[FileFinding, ...] | None = None,
    ) -> list[types.CodeLens]:
        """The lenses of one file; `proven` is what the analysis says of it, None where it has not looked."""
        return list(self._of(policies, files, places, file, proven))

    def _of(
        self,
        policies: LoadedPolicies,
        files: PolicyFiles,
        places: Positions,
        file: str,
        proven: tuple[FileFinding, ...] | None,
    ) -> Iterator[types.CodeLens]:
        data = places.sources[file]
        root = policies.trees.read(file, data, engine.Findings())
        kind = engine.kind_of_text(data.decode("utf-8", "replace"))
        uri = uri_of(files.path(file))
        if root is None:
            return
        if kind == "test":
            for number, _, span in engine.case_places(root):
                title = self._title(file, number, data)
                yield types.CodeLens(places.range(span), types.Command(title, EVALUATE, arguments=[uri, number]))
        if kind == "policy":
            yield from _rules(policies, files, places, file, proven)

    def keep(self, file: str, number: int, data: bytes, outcome: engine.CaseOutcome) -> str:
        """Keep how a case came out, and say it."""
        self._outcomes[file, number] = data, outcome
        return _said(outcome)

    def _title(self, file: str, number: int, data: bytes) -> str:
        found = self._outcomes.get((file, number))
        return _said(found[1]) if found and found[0] == data else "evaluate"


def evaluate(policies: LoadedPolicies, file: str, data: bytes, number: int) -> engine.CaseOutcome:
    """How one case of a test file comes out, as the file stands in the editor."""
    root = policies.trees.read(file, data, engine.Findings())
    if root is None:
        return engine.CaseOutcome("", "", ("the file cannot be read",))
    return engine.case_outcome(policies.bundle, policies.pdp, file, root, number)


def _rules(
    policies: LoadedPolicies,
    files: PolicyFiles,
    places: Positions,
    file: str,
    proven: tuple[FileFinding, ...] | None,
) -> Iterator[types.CodeLens]:
    """Above each rule, how many cases expect that it stands, how many that it does not, and what is proven of it."""
    names = policies.names(places.sources)
    rules = [use for use in names.definitions(file) if use.name.kind == "rule"]
    shown: dict[str, list[engine.NameUse]] = {use.name.id: [] for use in rules}
    for use in names.uses(*(use.name for use in rules)):
        shown[use.name.id].append(use)
    for use in rules:
        cases = [each for each in shown[use.name.id] if each.path[:1] == ("cases",)]
        because = sum(each.path[3:4] == ("because",) for each in cases)
        silent = sum(each.path[3:4] == ("silent",) for each in cases)
        title = f"{because} {'case' if because == 1 else 'cases'} for it, {silent} against it"
        title += _of_rule([each for each in proven if each.diagnostic.at.line == use.at.line]) if proven is not None else ""
        at = places.range(use.at)
        locations = [types.Location(uri_of(files.path(each.at.file)), places.range(each.at)) for each in cases]
        yield types.CodeLens(
            at, types.Command(title, SHOW_REFERENCES, arguments=[uri_of(files.path(file)), at.start, locations])
        )


def _of_rule(found: list[FileFinding]) -> str:
    """What is proven of a rule, in few words; the diagnostics at its line say it in full."""
    codes = {each.diagnostic.code for each in found}
    stands = next((said for code, said in NEVER.items() if code in codes), "can stand")
    implied = [each.beside for each in found if each.diagnostic.code in IMPLIED and each.beside]
    return f" · {stands}" + (f" · implied by {', '.join(implied)}" if implied else "")


def _said(outcome: engine.CaseOutcome) -> str:
    if outcome.problems:
        return f"✗ {outcome.outcome or 'refused'}: {outcome.problems[0]}"
    return f"✓ {outcome.outcome}"
