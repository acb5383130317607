"""
A bundle as all parts of the analysis see it: its formula and the questions to it, and its policies as they are written.

`finding` makes a finding of a code, at its place. Rules are asked for by their provision: one provision may have become several rules.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import date
from functools import cached_property

from engine.analysis.asked_formula import AskedFormula
from engine.analysis.finding import Finding, FindingState
from engine.analysis.formula import Formula
from engine.analysis.prover import Example, OpenQuestion, Prover, WitnessDecider, WitnessVerdict
from engine.analysis.written_conditions import WrittenConditions
from engine.bundle import Bundle
from engine.languages import in_each
from engine.policy_language.diagnostic import Span
from engine.policy_language.policy_text import RuleText
from engine.policy_language.tree import Mapping as MappingNode
from engine.policy_language.tree import locate
from engine.policy_language.written_policies import Instrument, instrument
from engine.rules import Rule, Truth
from engine.values.multilingual import Words


def named(rules: Iterable[Rule]) -> str:
    """The provisions of rules by name, each with where it is written: the slip may be in any of them."""
    each = (rule.provision for rule in rules)
    return " / ".join(dict.fromkeys(f"`{provision.id}` ({provision.file}:{provision.line})" for provision in each))


class WrittenInstruments(Mapping[str, Instrument]):
    """The policies of a bundle by name, as they are written; each is read when it is first wanted. `files` has the file of each."""

    def __init__(self, bundle: Bundle) -> None:
        self.files = {rule.provision.policy: rule.provision.file for rule in bundle.rules.rules}
        self._bundle = bundle
        self._read: dict[str, Instrument] = {}

    def __getitem__(self, policy: str) -> Instrument:
        if policy not in self._read:
            found = instrument(self._bundle, policy)
            if found is None:
                raise KeyError(policy)
            self._read[policy] = found
        return self._read[policy]

    def __iter__(self) -> Iterator[str]:
        return iter(self.files)

    def __len__(self) -> int:
        return len(self.files)


class AnalysedBundle:
    """
    One bundle on the day of its analysis.

    Only what stands in files whose name contains `file` is looked at, beside all that the others say. `rules` are those of provisions in
    them that an author wrote, `every` those of all files. `confirmed` and `open` count the witnesses that the engines confirmed, and those
    that were not found; `refused` the exchanges that were tried for either and that the engines did not confirm.
    """

    def __init__(self, bundle: Bundle, today: date, file: str = "") -> None:
        self.bundle = bundle
        self.today = today
        self.file = file
        self.formula = Formula.of(bundle)
        self.instruments = WrittenInstruments(bundle)
        self.written = WrittenConditions(bundle, self.instruments)
        self.from_today = self.formula.exchange.day.from_(today)
        self.every = tuple(rule for rule in bundle.rules.rules if not rule.otherwise and rule.effect != "doubts")
        self.rules = tuple(rule for rule in self.every if file in rule.provision.file)
        self.asked = AskedFormula(self.formula, self.rules)
        self.never: set[str] = set()  # the rules that were found to stand in no exchange, by key
        self.confirmed = self.open = self.refused = 0

    @cached_property
    def prover(self) -> Prover:
        """Finds witnesses; made with the first one."""
        return Prover(self.formula, WitnessDecider(self.bundle))

    def text(self, provision: str) -> tuple[Instrument, int, RuleText]:
        """The policy of a provision, the number of the provision in it, and its text."""
        policy, _, name = provision.partition("/")
        instrument = self.instruments[policy]
        number = next(number for number, rule in enumerate(instrument.text.rules) if rule.id == name)
        return instrument, number, instrument.text.rules[number]

    def node(self, provision: str) -> MappingNode:
        """The tree of a provision."""
        instrument, number, _ = self.text(provision)
        found = locate(instrument.root, ("rules", number))[0]
        assert isinstance(found, MappingNode)
        return found

    def place(self, provision: str) -> Span:
        """Where the id of a provision is written."""
        instrument, number, _ = self.text(provision)
        return instrument.at("rules", number, "id")

    def coverage(self, jurisdiction: str, subject: str = "") -> Span:
        """Where a jurisdiction says what it covers, or what it says of a subject matter."""
        node = self.bundle.vocabulary.nodes.get(("jurisdictions", jurisdiction))
        if node is None or not subject:
            return self.bundle.vocabulary.spans["jurisdictions", jurisdiction]
        return locate(node, ("covers", subject))[1]

    def finding(
        self,
        code: str,
        at: Span,
        place: str,
        parts: Mapping[str, str | Words],
        *,
        said: str = "",
        state: FindingState = "proven",
        beside: str = "",
        subject: str = "",
        used_by: Iterable[str] = (),
        witness: Example | None = None,
        row: Words | None = None,
    ) -> Finding:
        """A finding in words; `parts` fill the sentence besides the place."""
        words = in_each(
            lambda language: language.finding(
                said or code,
                {"place": place} | {k: v if isinstance(v, str) else v.in_(language.code) for k, v in parts.items()},
            )
        )
        shown = None if witness is None else witness.exchange
        return Finding(code, at, place, words, state, beside, subject, tuple(used_by), shown, row)

    def witness(self, literals: Sequence[int], confirm: Callable[[WitnessVerdict], bool]) -> Example | None:
        """The smallest exchange that has all of some literals and that the engines confirm; counted."""
        found = self.prover.ask((self.formula.exchange.complete, *literals), confirm)
        if isinstance(found, Example):
            self.confirmed += 1
            self.refused += found.refused
            return found
        self.open += 1
        self.refused += found.tried if isinstance(found, OpenQuestion) else 0
        return None

    def stands(self, seen: WitnessVerdict, rule: Rule) -> bool:
        """Whether a rule certainly stands on a witness."""
        return seen.stands(rule.key) is Truth.YES
