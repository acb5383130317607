"""
Mutation tests of the coverage: one cell is changed, and a mutant that no test case notices comes out.

A bundle goes in, its changed cells come out: what is free or stands under another subject matter was not read, what was not read is free or
stands under the law on another one, what is covered in part is covered in full, and one policy of several does not speak. A changed cell
that no case notices is a sentence on the law that no test defends. Cells are changed in the checked rules and in the words beside them.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import date

from engine.authoring.mutation_cases import departs
from engine.authoring.prepared_case import PreparedCase
from engine.authoring.testing import cases
from engine.backends.bitset import Bitset
from engine.backends.reference.levels import on_floor, permits
from engine.backends.reference.three_values import KnownFacts, truth
from engine.bundle import Bundle
from engine.deciding.combine import Combiner
from engine.policy_language.coverage_text import CoverText
from engine.policy_language.declared_coverage import asked_of, governed, of_either_subject
from engine.rules import Condition, Floor, Spoken, Truth
from engine.values.outcome_levels import BOUNDS, Level
from engine.verdict import Definitions, Verdict

READ = {"read": "a change", "source": "a change", "read_on": date.min, "status": "confirmed", "verify_by": date.max}


@dataclass(frozen=True, slots=True)
class CellMutant:
    """
    One changed cell: its jurisdiction, subject matter and place, what no test defends if none notices, and the bundle with it.

    `widens`: what the law was not read to free, the changed cell frees. `without` is the policy that does not speak any more, if it is one.
    """

    jurisdiction: str
    subject: str
    file: str
    line: int
    sentence: str
    bundle: Bundle
    widens: bool
    without: str = ""

    @property
    def policy(self) -> str:
        """What the report lists the cell under."""
        return f"coverage of {self.jurisdiction}"


def cell_mutants(bundle: Bundle, only: str = "") -> Iterator[CellMutant]:
    """Every changed cell of the jurisdictions whose file's name contains `only`, in file order."""
    spans = {name: bundle.vocabulary.spans["jurisdictions", name] for name in bundle.vocabulary.jurisdictions}
    for name, at in sorted(spans.items(), key=lambda each: (each[1].file, each[1].line)):
        text = bundle.vocabulary.jurisdictions[name]
        if not text.countries or not text.covers or only not in at.file:
            continue
        for subject, known in bundle.vocabulary.subjects.items():
            if known.only_in and name not in known.only_in:
                continue
            for sentence, cell, without in _changed(bundle, name, subject):
                made = _with_cell(bundle, name, subject, cell)
                before = text.covers.get(subject)
                partly = before is not None and before.partly == "yes"
                widens = cell is not None and (cell.kind != "by" or (partly and cell.partly == "no"))
                yield CellMutant(name, subject, at.file, at.line, f"{subject}: {sentence}", made, widens, without)


def _changed(bundle: Bundle, jurisdiction: str, subject: str) -> Iterator[tuple[str, CoverText | None, str]]:
    """What a cell might say instead, each with what would then be wrong, and the policy that it leaves out, if it is one."""
    covers = bundle.vocabulary.jurisdictions[jurisdiction].covers
    cell, guarded = covers.get(subject), bundle.vocabulary.subjects[subject].guarded == "yes"
    if cell is not None and cell.kind in ("free", "under") and not cell.in_doubt(bundle.settings.trust):
        yield f"it could be unread, and not {cell.kind}", None, ""
        if cell.kind == "free" and cell.when is not None:
            yield "it could be free whatever is asked", cell.model_copy(update={"when": None}), ""
    elif cell is None or cell.kind != "by":
        if not guarded:
            yield "it could be free", CoverText.model_validate({"free": "yes", **READ}), ""
            # Under its own contrary it would be the gap that it is.
            contrary = bundle.vocabulary.subjects[subject].other_than
            whole = (name for name, each in covers.items() if each.kind == "by" and each.partly == "no")
            if wider := next((name for name in whole if name not in (subject, contrary)), None):
                yield f"it could stand under {wider}", CoverText.model_validate({"under": wider, **READ}), ""
    elif cell.partly == "yes":
        yield "it could be covered in full", cell.model_copy(update={"partly": "no", "from_": date.min}), ""
    if cell is not None and len(cell.by) > 1:
        for policy in cell.by:
            yield (
                f"{policy} could say nothing of it",
                cell.model_copy(update={"by": [each for each in cell.by if each != policy]}),
                policy,
            )


def _with_cell(bundle: Bundle, jurisdiction: str, subject: str, cell: CoverText | None) -> Bundle:
    """The bundle with one cell changed, or taken away."""
    text = bundle.vocabulary.jurisdictions[jurisdiction]
    covers = {name: each for name, each in text.covers.items() if name != subject} | ({subject: cell} if cell else {})
    words = {**bundle.vocabulary.jurisdictions, jurisdiction: text.model_copy(update={"covers": covers})}
    definitions: dict[str, Condition] = dict(bundle.rules.definitions)
    floors = tuple(
        _floor(bundle, floor, covers, subject, definitions) if floor.jurisdiction == jurisdiction else floor
        for floor in bundle.rules.floors
    )
    rules = replace(bundle.rules, floors=floors, definitions=definitions)
    return replace(bundle, rules=rules, vocabulary=replace(bundle.vocabulary, jurisdictions=words))


def _floor(
    bundle: Bundle, floor: Floor, covers: Mapping[str, CoverText], subject: str, definitions: dict[str, Condition]
) -> Floor:
    """The floor of a jurisdiction whose cell on `subject` has changed, and with it what stands under that subject matter."""
    subjects = bundle.vocabulary.subjects
    before = {each.subject.removeprefix("subject/"): each for each in floor.spoken if each.subject}
    accepted = {name: tuple(key for key in each.by if key.startswith("accepted/")) for name, each in before.items()}
    own = {name: replace(each, by=tuple(k for k in each.by if k not in accepted[name])) for name, each in before.items()}
    own[subject] = _spoken(bundle, floor.jurisdiction, subject, covers.get(subject), definitions)
    for name, cell in covers.items():
        if name in own and cell.kind == "under" and not cell.in_doubt(bundle.settings.trust):
            own[name], definitions[f"under/{floor.jurisdiction}/{name}"] = governed(
                floor.jurisdiction, name, cell, own, subjects
            )
    both = dict(of_either_subject(subjects, {name: each for name, each in own.items() if name in covers}))
    definitions |= {each.by[0]: condition for each, condition in both.items()}
    spoken = (replace(each, by=(*each.by, *accepted[name]), signed=before[name].signed) for name, each in own.items())
    return replace(floor, spoken=(*spoken, *both))


def _spoken(
    bundle: Bundle, jurisdiction: str, subject: str, cell: CoverText | None, definitions: dict[str, Condition]
) -> Spoken:
    """What a changed cell says; one that stands under another subject matter is made with its floor."""
    about = f"subject/{subject}"
    match cell.kind if cell else "gap":
        case "free":
            key = f"free/{jurisdiction}/{subject}"
            definitions[key] = asked_of(bundle.vocabulary, bundle.vocabulary.jurisdictions[jurisdiction])
            return Spoken(about, date.min, (key,))
        case "by" if cell is not None:
            kept = tuple(f"speaks/{name}" for name in cell.by if f"speaks/{name}" in definitions)
            return Spoken(about, cell.from_, kept)
    return Spoken(about, None, ())


class CellMutationTester:
    """
    Whether the authors' cases notice a changed cell: whether an outcome, or what is not modelled, comes out differently.

    A cell changes the floor of its jurisdiction and the definitions that the coverage reads, so only these are read again on a verdict
    that was reached without floors. A case that fails without any change defends nothing.
    """

    def __init__(self, bundle: Bundle) -> None:
        # The quicker back end tells which cases touch which jurisdiction, what they are about, and which policies speak in them.
        combiner, engine = Combiner(bundle), Bitset(bundle.rules)
        self._rules = bundle.rules
        self._without_floors = Bitset(replace(bundle.rules, floors=()))
        speaking = [key for key in bundle.rules.definitions if key.startswith(("speaks/", "subject/"))]
        self._cases: dict[str, list[tuple[PreparedCase, frozenset[str]]]] = {}
        for case in sorted(cases(bundle), key=lambda each: each.as_of):
            verdict = engine.evaluate(case.exchange, case.as_of)
            outcome = combiner.outcome(case.exchange, verdict, case.as_of)
            if departs(case, verdict, outcome):
                continue
            said = frozenset(key for key in speaking if verdict.defined[key] is not Truth.NO)
            for name in outcome.coverage.jurisdictions:
                self._cases.setdefault(name, []).append((case, said))

    def _likeliest_first(self, mutant: CellMutant) -> Iterator[PreparedCase]:
        """The cases of its jurisdiction: first those about the subject matter, in which nobody speaks beside a policy that is left out."""
        cover = mutant.bundle.vocabulary.jurisdictions[mutant.jurisdiction].covers.get(mutant.subject)
        others = frozenset(f"speaks/{name}" for name in cover.by) if cover else frozenset[str]()
        without = f"speaks/{mutant.without}" if mutant.without else f"subject/{mutant.subject}"

        def unlikely(each: tuple[PreparedCase, frozenset[str]]) -> tuple[bool, bool, int, bool]:
            case, said = each
            silent = without not in said
            return silent, f"subject/{mutant.subject}" not in said, len(others & said), case.expect.not_modelled is None

        yield from (case for case, _ in sorted(self._cases.get(mutant.jurisdiction, ()), key=unlikely))

    def notices(self, mutant: CellMutant) -> bool:
        """Whether any case comes out differently."""
        combiner, before = Combiner(mutant.bundle), self._rules.definitions
        definitions = mutant.bundle.rules.definitions
        changed = {key: each for key, each in definitions.items() if each is not before.get(key)}
        for case in self._likeliest_first(mutant):
            verdict = self._under(mutant, changed, case)
            if departs(case, verdict, combiner.outcome(case.exchange, verdict, case.as_of)):
                return True
        return False

    def _under(self, mutant: CellMutant, changed: Mapping[str, Condition], case: PreparedCase) -> Verdict:
        """The verdict on a case with a changed cell."""
        verdict = self._without_floors.evaluate(case.exchange, case.as_of)
        known = KnownFacts(self._rules, case.exchange, case.as_of)
        defined = ChangedDefinitions(verdict.defined)
        for key, condition in changed.items():
            defined.own[key] = truth(condition, known.test, defined)
        bounds = dict(verdict.jurisdictions)
        for floor in mutant.bundle.rules.floors:
            own = bounds.get(floor.jurisdiction, BOUNDS[Level.NOT_APPLICABLE][Level.NOT_APPLICABLE])
            bounds[floor.jurisdiction] = on_floor(own, floor, permits(floor, defined, case.as_of, ()))
        return replace(verdict, defined=defined, jurisdictions=bounds)


class ChangedDefinitions(Definitions):
    """How definitions read of which some, `own`, are not as they were."""

    def __init__(self, before: Definitions) -> None:
        self._before = before
        self.own: dict[str, Truth] = {}

    def __getitem__(self, key: str) -> Truth:
        found = self.own.get(key)
        return self._before[key] if found is None else found

    def __iter__(self) -> Iterator[str]:
        yield from dict.fromkeys((*self._before, *self.own))

    def __len__(self) -> int:
        return len(list(iter(self)))
