"""
A finding: what is wrong in a file, where, and what to do.

A Span is a part of one line of one file; a Diagnostic says what is wrong there and what to do. A check goes on after a finding, so
the author sees all findings together, each once, in file order.
"""

from __future__ import annotations

import difflib
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from engine.version import SEMANTICS

# Every finding has one of these codes. The page `policies/CODES.md` lists them.
CODES = {
    "accepted-covered": "an organisation accepts what a jurisdiction covers (a warning)",
    "accepted-nothing": "a comment accepts a finding that is not there (a warning)",
    "alias": "anchors and aliases are refused: a small file could expand to millions of values",
    "always-true": "a `coherence` entry would refuse every exchange that states its facts",
    "bad-date": "a date is written year-month-day",
    "bad-due": "`due` is a period after a date, a day of the year after a date, a day, or the earliest of these",
    "bad-id": "a name has letters, digits, `.` and `-`; a fact is `group.fact`",
    "bad-key": "a key must be a plain word",
    "bad-counter": "a counter of money counts one sum of money and names the fact in whose currency it is",
    "bad-window": "a counter's window is a calendar year, a preceding period, or the period of an entity that it is kept per",
    "bad-shares": "the shares of a ledger fill a family of ratios that nobody else states, each member with whose share it is",
    "bad-rest": "a value that means none of the others stands out of place",
    "bad-value": "the value does not fit its place or the type of its fact",
    "bare-claim": "a provision lifts on a claim alone, which no document and no other fact can contradict (a warning)",
    "bare-number": "a long number without separators is hard to read (a warning)",
    "beyond-the-exchange": "a `coherence` entry tests the day, a register, a counter, or whether a document counts",
    "counted-for-nobody": "a counter is kept per recipient alone, over exporters that do not know of one another (a warning)",
    "covered-and-silent": "no test case reaches the law on a subject matter that a jurisdiction covers (a warning)",
    "cited-otherwise": "a citation names another article than the id, the paraphrase or the other language (a warning)",
    "comma-in-number": "a comma ends a number in braces: what follows is a value of its own",
    "cycle": "definitions, exemptions or values form a circle",
    "does-not-bind": "coverage names a policy, or a provision, that only advises or only lifts",
    "doubt": "an unsure provision cannot open a lane; an entry cannot be less sure than its register",
    "dpv-term": "`dpv:` names a term that the Data Privacy Vocabulary does not have, or two where one is enough",
    "duplicate-id": "a name is given twice",
    "duplicate-key": "a key appears twice in one mapping",
    "empty-condition": "a condition tests nothing",
    "empty-file": "the file is empty",
    "file-too-large": "a file has at most one mebibyte",
    "fixed-set": "no value can be added to this set, or under this value",
    "force": "an instrument of this force cannot do this (law decides, soft law advises)",
    "free-text": "a value set is closed: it lists every value that there is",
    "guarded": "an organisation accepts what nobody can accept",
    "hidden-character": "a character ends a line that looks like one line, or turns the letters around it round",
    "house": "an organisation has a jurisdiction of its own that covers no country, and binds like a contract at most",
    "ill-typed": "the type of the fact does not fit its use, such as a comparison with a fact of another type",
    "lift-from-memory": "a provision marked `from-memory` lifts nothing; it opens a review (a warning)",
    "missing-key": "the document lacks a key that it needs",
    "never-in-force": "the period of a rule does not overlap the period of its policy",
    "never-together": "a rule and a rule that it exempts are never in force on the same day",
    "needs-documents": "what a claim needs where it lifts is a condition of facts, and tests no document and no claim",
    "never-true": "no exchange meets a `coherence` entry, so it refuses nothing (a warning)",
    "no-effect": "a rule has neither an effect nor `exempts`",
    "needs-version": "a file needs a later version of Fifth Factor than this one",
    "no-needs": "a claim does not say what it needs where it lifts (a warning, but for claims that come with the project)",
    "no-policy-speaks": "a subject matter is covered, and no policy is named that speaks of it",
    "no-policy": "no file begins with `policy:`",
    "not-free": "whether a law leaves data free depends on a fact that the vocabulary does not mark `frees: yes`",
    "no-reach": "a jurisdiction says how far its law reaches, and no file says what that becomes",
    "no-rest": "a value has values below it, and none of them says that it is none of the others",
    "not-utf-8": "the file is not UTF-8 text",
    "not-yaml": "the text is not YAML",
    "off-by-one": "a threshold is one off a round number: `at` and `above` say which side of it is meant",
    "one-rule": "only one provision of all policies asks for a fact (a warning)",
    "only-a-field": "a rule that lifts tests a field of a document, but not whether the document counts (a warning)",
    "only-on-a-ban": "a provision that bans, requires or reviews asks for `only`, so one more value escapes it (a warning)",
    "other-jurisdiction": "a rule exempts, satisfies and requires, and coverage names, only what belongs to its own jurisdiction",
    "said-twice": "two `coherence` entries refuse the same exchanges (a warning)",
    "said-otherwise": "a text names another number, length or day than the provision, the other language or its source (a warning)",
    "same-fact": "a fact is compared with itself",
    "placeholder": "a text stands for one that is still to be written",
    "preset-frees": "a preset states what could free an exchange by itself: a document, a claim, or a fact that `frees`",
    "reach-not-said": "an unsure review beside requirements, in a policy that does not say where its reach is in doubt (a warning)",
    "odd-money": "a sum has more digits after the point than its currency has, or a currency that there is not (a warning)",
    "quoted": "an answer stands in quotes, as if it were a text (a warning)",
    "reach-in-doubt": "`reach_in_doubt` of a policy that requires nothing, or beside a review that says the same",
    "semantics": "the bundle names a version of the semantics that this engine does not decide under, or two versions",
    "several-documents": "a file holds one document",
    "several-effects": "a rule has one effect; only `exempts` may be added to it",
    "silent": "no decision would say that something is switched off",
    "stale": "the day by which a provision must be checked against its source has passed, or an acceptance has ended (a warning)",
    "stray-duties": "`duties` belong to a ground or a requirement; elsewhere use `oblige`",
    "stray-sign-off": "`sign_off_by` needs a provision that can be signed off: a review, or a lift that may be in doubt",
    "stray-travels": "`travels` needs an effect that binds or lifts",
    "table-gap": "a place of a table, or a number among steps, lies in no cell",
    "table-overlap": "a place of a table, or a number among steps, lies in two cells",
    "tag": "YAML tags are refused; the vocabulary gives a value its type",
    "too-deep": "a file is nested too deeply or holds too many values, or a chain of definitions or exemptions is too long",
    "too-many-facts": "the vocabulary has more facts than a caller can answer (a warning)",
    "twice": "a condition is written twice in one list (a warning)",
    "two-jurisdictions": "a country is in two jurisdictions",
    "two-documents": "a field of one document is compared with a field of another",
    "two-parents": "a value lies under two others that are not exact: whoever sends one of them may be the other too",
    "unknown-calendar": "the vocabulary has no such calendar of working days",
    "unknown-definition": "a condition or a test names a definition that does not exist",
    "unknown-document": "a file begins with `policy:`, `vocabulary:`, `organisation:`, `mapping:` or `test:`",
    "unknown-fact": "an exchange has no such fact",
    "unknown-group": "there is no group of this name",
    "unknown-jurisdiction": "the jurisdictions file has no such jurisdiction",
    "unknown-key": "the document has no such key",
    "unknown-kind": "the vocabulary has no such kind of evidence or claim",
    "unknown-lane": "a lane must be in the vocabulary, and needs `advise`",
    "unknown-operator": "there is no such operator",
    "unknown-policy": "no file holds a policy with this id",
    "unknown-register": "the vocabulary has no such register",
    "unknown-requirement": "the vocabulary has no such requirement",
    "unknown-rule": "`exempts`, or a test, names neither a rule nor a requirement",
    "unknown-subject": "a jurisdiction covers a subject matter that the vocabulary lacks",
    "unknown-type": "there is no such type or value set",
    "unknown-value": "the value set has no such value",
    "unknown-unit": "the vocabulary has no such base unit",
    "unknown-value-set": "the vocabulary has no such value set",
    "untested": "a provision needs a test in which it applies and a test in which it does not (a warning)",
    "untranslated": "a title or question is missing in a language (a warning)",
    "unmeasured": "a kind of document must say what is held against no fact",
    "unused-definition": "no condition uses a definition (a warning)",
    "unused-group": "nothing uses the name of a list (a warning)",
    "unused-word": "the vocabulary has a word that nothing uses (a warning)",
    "wrong-operator": "the operator does not fit the fact's type",
    "wrong-cell": "a cell of coverage contradicts another one, or what its subject matter may be",
    "wrong-shape": "a list, a mapping or a single value is expected, and something else is written",
}

# The errors that came with a later version of the semantics. They are none in a bundle of a version before (semantics 5.5).
SINCE = {
    "free-text": 2,
    "no-policy-speaks": 2,
    "no-rest": 2,
    "not-free": 3,
    "guarded": 3,
    "no-needs": 3,
    "placeholder": 3,
    "reach-in-doubt": 3,
    "two-parents": 2,
    "wrong-cell": 3,
}


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """A place in a file: 1-based line and column, length in characters (at least 1)."""

    file: str
    line: int
    column: int
    length: int = 1

    def __str__(self) -> str:
        return f"{self.file}:{self.line}:{self.column}"

    @property
    def place(self) -> str:
        """The file and the line."""
        return f"{self.file}:{self.line}"


@dataclass(frozen=True, slots=True, order=True)
class Diagnostic:
    """
    One finding: where it is, what is wrong, and what to do. `code` is stable; `CODES` explains it.

    `follows`: it may be there only because of a finding in another file (`consequences`).
    """

    at: Span
    code: str
    message: str
    label: str = ""
    help: str = ""
    severity: str = "error"
    follows: bool = False

    def render(self, texts: Mapping[str, str], colour: bool = False) -> str:
        """The finding with an excerpt of its line, underlined. `texts` maps file names to their text."""

        def paint(code: str, text: str) -> str:
            return f"\x1b[{code}m{text}\x1b[0m" if colour else text

        tone = "1;31" if self.severity == "error" else "1;33"
        number = str(self.at.line)
        gutter = " " * len(number)
        out = [f"{paint(tone, f'{self.severity}[{self.code}]')}: {self.message}", f"{gutter} --> {self.at}"]
        lines = texts.get(self.at.file, "").splitlines()
        if 0 < self.at.line <= len(lines):
            whole = lines[self.at.line - 1].replace("\t", " ")
            # Of a long line, show only the part around the place.
            start = max(0, self.at.column - 100) if len(whole) > 200 else 0
            line, column = whole[start : start + 200], self.at.column - start
            room = max(1, len(line) - column + 1)
            underline = " " * (column - 1) + "^" * min(max(1, self.at.length), room)
            out += [
                f"{gutter} |",
                f"{number} | {line}",
                f"{gutter} | {paint(tone, f'{underline} {self.label}'.rstrip())}",
            ]
        if self.help:
            out.append(f"{gutter} = help: {self.help}")
        return "\n".join(out)


class Findings:
    """The findings of one load, in file order, each once. `semantics` is the version whose errors count."""

    def __init__(self, semantics: int = SEMANTICS) -> None:
        self.semantics = semantics
        self._found: set[Diagnostic] = set()

    def error(self, at: Span, code: str, message: str, label: str = "", help: str = "") -> None:
        if self.semantics >= SINCE.get(code, 1):
            self._add(Diagnostic(at, code, message, label, help))

    def warn(self, at: Span, code: str, message: str, label: str = "", help: str = "") -> None:
        self._add(Diagnostic(at, code, message, label, help, severity="warning"))

    def add(self, findings: Iterable[Diagnostic]) -> None:
        """Findings of another collection."""
        self._found.update(findings)

    def _add(self, finding: Diagnostic) -> None:
        assert finding.code in CODES, f"the code {finding.code} is not explained"
        self._found.add(finding)

    @property
    def all(self) -> tuple[Diagnostic, ...]:
        return tuple(sorted(self._found))

    @property
    def errors(self) -> tuple[Diagnostic, ...]:
        return tuple(d for d in self.all if d.severity == "error")


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """A suggestion for a misspelt name, or the empty string if no known name is similar."""
    near = difflib.get_close_matches(word, list(known), n=2, cutoff=0.6)
    return f"did you mean {' or '.join(f'`{name}`' for name in near)}?" if near else ""
