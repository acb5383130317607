"""
Code actions: the diagnostics at a place go in, what mends them comes out.

A misspelt name is replaced by one that it may stand for. A warning is accepted by a comment, and what is proven is said to be known. A
provision that no test shows, and a finding with a witness, become a case. An exchange (JSON) becomes a test of a policy.
"""

import re
from collections.abc import Iterator
from datetime import date
from pathlib import Path

from lsprotocol import types

import engine
from service.language_server.diagnostics import SOURCE
from service.language_server.loaded_policies import LoadedPolicies
from service.language_server.policy_files import PolicyFiles
from service.language_server.positions import Positions, uri_of

_MEANT = re.compile(r"^did you mean (.*)\?$", re.MULTILINE)
_QUOTED = re.compile(r"`([^`]+)`")
MOST_POLICIES = 8  # of which one exchange is proposed as a test


class Actions:
    """What can be done in one file."""

    def __init__(self, policies: LoadedPolicies, files: PolicyFiles, places: Positions, today: date) -> None:
        self.policies = policies
        self.files = files
        self.places = places
        self.today = today

    def of(self, file: str, uri: str, diagnostics: list[types.Diagnostic]) -> Iterator[types.CodeAction]:
        """The actions for some diagnostics of a file."""
        for each in diagnostics:
            if each.source != SOURCE:
                continue
            yield from _replacements(uri, each)
            policy = self._policy(file)
            if each.data and isinstance(each.data, dict) and each.data.get("witness") and policy:
                yield from self._witness(each, policy, each.data["witness"])
            if each.code == "untested" and policy:
                yield from self._stub(file, policy, each)
            if each.code in engine.FINDINGS:
                yield from self._known(file, uri, each)
            elif each.severity == types.DiagnosticSeverity.Warning:
                yield self._accept(file, uri, each)

    def of_exchange(self, path: Path, text: str) -> Iterator[types.CodeAction]:
        """A test of each policy that an exchange concerns, as a file beside it."""
        try:
            exchange = engine.parse_exchange(self.policies.bundle, text.encode())
        except engine.ExchangeRefused:
            return
        decision = self.policies.pdp.decide(exchange, as_of=self.today, today=self.today, id="exchange")
        concerned = [each.instrument for part in decision.jurisdictions for each in part.instruments]
        for policy in concerned[:MOST_POLICIES]:
            written = engine.case_of(self.policies.pdp, policy, exchange, self.today, path.stem.replace("-", " "))
            if written:
                target = path.with_name(f"{path.stem}.{policy}.test.yaml")
                yield _action(
                    f"Write a test of {policy} from this exchange", types.CodeActionKind.Refactor, _new(target, written)
                )

    def _policy(self, file: str) -> str:
        """The policy that a file is or tests."""
        names = self.policies.names(self.places.sources)
        return next((use.name.id for use in names.definitions(file) if use.name.kind == "policy"), "")

    def _witness(self, each: types.Diagnostic, policy: str, witness: object) -> Iterator[types.CodeAction]:
        """The witness of a finding as a case of the policy, expected to come out as it does today."""
        assert isinstance(witness, dict)
        exchange = engine.accept_exchange(self.policies.bundle, witness)
        day = date.fromisoformat(witness["as_of"]) if "as_of" in witness else self.today
        title = each.message.splitlines()[0]
        test = next((name for name in self.files.tests_of(policy) if name in dict(self.policies.bundle.tests)), "")
        written = engine.case_of(self.policies.pdp, policy, exchange, day, title, file=test)
        if written and test:
            edit = self._append(test, written)
            yield _action("Add the witness to the tests", types.CodeActionKind.QuickFix, edit, each)
        elif written:
            new = _new(self._test_file(policy), written)
            yield _action("Write a test from the witness", types.CodeActionKind.QuickFix, new, each)

    def _stub(self, file: str, policy: str, each: types.Diagnostic) -> Iterator[types.CodeAction]:
        """A case that names the rule, to be completed with what makes it stand."""
        rule = next(iter(_QUOTED.findall(each.message)), "")
        title = next(
            (r.provision.title.en for r in self.policies.bundle.rules.rules if r.provision.id == f"{policy}/{rule}"), rule
        )
        case = f"  - case: {title}\n    change: {{}}\n    expect:\n      because: [{rule}]\n"
        test = next(self.files.tests_of(policy), "")
        if test:
            edit = self._append(test, case)
        else:
            path = self.files.path(file)
            path = path.with_name(f"{path.stem}.test.yaml")
            edit = _new(path, f"test: {policy}\nas_of: {self.today}\nexchange: {{}}\ncases:\n{case}")
        yield _action(f"Begin a case for `{rule}`", types.CodeActionKind.QuickFix, edit, each)

    def _test_file(self, policy: str) -> Path:
        """Where the tests of a policy belong."""
        file = next(r.provision.file for r in self.policies.bundle.rules.rules if r.provision.policy == policy)
        path = self.files.path(file)
        return path.with_name(f"{path.stem}.test.yaml")

    def _append(self, test: str, case: str) -> types.WorkspaceEdit:
        """A case after the last one of a test file."""
        lines = self.places.lines(test)
        ends = not lines or lines[-1].endswith("\n")
        end = (
            types.Position(len(lines), 0)
            if ends
            else self.places.range(engine.Span(test, len(lines), len(lines[-1]) + 1, 0)).start
        )
        text = f"\n{case}" if ends else f"\n\n{case}"
        return types.WorkspaceEdit(changes={uri_of(self.files.path(test)): [types.TextEdit(types.Range(end, end), text)]})

    def _known(self, file: str, uri: str, each: types.Diagnostic) -> Iterator[types.CodeAction]:
        """What `analyse` finds of a provision, as known for a year, below the id of the provision."""
        names = self.policies.names(self.places.sources)
        above = [self.places.range(use.at).start for use in names.definitions(file) if use.name.kind == "rule"]
        at = max((start for start in above if start.line <= each.range.start.line), key=lambda start: start.line, default=None)
        id = self.places.lines(file)[at.line] if at else ""
        if (
            at is None
            or "{" in id
            or any("known:" in line for line in self.places.lines(file)[at.line : each.range.start.line + 1])
        ):
            return
        start, indent = types.Position(at.line + 1, 0), " " * id.index("id:")
        until = self.today.replace(year=self.today.year + 1, day=min(self.today.day, 28))
        text = "".join(f"{indent}{line}\n" for line in ("known:", f"  finding: {each.code}", "  why: why", f"  until: {until}"))
        edit = types.WorkspaceEdit(changes={uri: [types.TextEdit(types.Range(start, start), text)]})
        yield _action(f"Say that `{each.code}` is known", types.CodeActionKind.QuickFix, edit, each)

    def _accept(self, file: str, uri: str, each: types.Diagnostic) -> types.CodeAction:
        start = types.Position(each.range.start.line, 0)
        line = self.places.lines(file)[start.line]
        indent = line[: len(line) - len(line.lstrip())]
        edit = types.TextEdit(types.Range(start, start), f"{indent}# accepted {each.code}: why\n")
        return _action(
            f"Accept `{each.code}` here", types.CodeActionKind.QuickFix, types.WorkspaceEdit(changes={uri: [edit]}), each
        )


def _replacements(uri: str, each: types.Diagnostic) -> Iterator[types.CodeAction]:
    """The names that a misspelt one may stand for, the likeliest first."""
    meant = _MEANT.search(each.message)
    for number, word in enumerate(_QUOTED.findall(meant.group(1)) if meant else ()):
        edit = types.WorkspaceEdit(changes={uri: [types.TextEdit(each.range, word)]})
        action = _action(f"Write `{word}`", types.CodeActionKind.QuickFix, edit, each)
        action.is_preferred = number == 0
        yield action


def _new(path: Path, text: str) -> types.WorkspaceEdit:
    """A new file; the editor refuses one that is there."""
    uri, start = uri_of(path), types.Position(0, 0)
    return types.WorkspaceEdit(
        document_changes=[
            types.CreateFile(uri, options=types.CreateFileOptions(overwrite=False, ignore_if_exists=False)),
            types.TextDocumentEdit(
                types.OptionalVersionedTextDocumentIdentifier(uri), [types.TextEdit(types.Range(start, start), text)]
            ),
        ]
    )


def _action(
    title: str, kind: types.CodeActionKind, edit: types.WorkspaceEdit, of: types.Diagnostic | None = None
) -> types.CodeAction:
    return types.CodeAction(title, kind=kind, edit=edit, diagnostics=[of] if of else None)
