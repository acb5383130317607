"""
What the law of a jurisdiction says on each subject matter, of one exchange on one day (semantics 4.3).

In: for each jurisdiction and subject matter the definitions that say whether the law speaks, and their truth on the exchange. Out: whether
it speaks, why and how surely it is silent, and which subject matters it does not reach.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from typing import Literal, NamedTuple, TypeAlias

from engine.policy_language.coverage_text import CoverText
from engine.rules import NotReached, Spoken, Truth
from engine.verdict import Definitions

NO, YES = Truth.NO, Truth.YES
Kind: TypeAlias = Literal["gap", "unread", "doubtful"]


@dataclass(frozen=True, slots=True)
class UnreachedSubject:
    """A subject matter that a jurisdiction has policies on, none of which applies. `because` is what a policy says of that, if one does."""

    jurisdiction: str
    subject: str
    because: NotReached | None


class SubjectLaw(NamedTuple):
    """
    The law of one jurisdiction on one subject matter, covered from a day on, or not.

    `by` are the definitions of which one holds where the law speaks of it or an organisation accepts it, `own` are those of the law
    itself. `left` is what its policies say that they leave alone, `leaving` are its definitions. `wider` are the subject matters under
    which it stands, and `either` says that data are of one of these in any case. `rest` is what its policies leave alone.
    """

    covered_from: date | None
    by: tuple[str, ...]
    own: tuple[str, ...]
    left: tuple[NotReached, ...]
    leaving: tuple[str, ...]
    kind: str
    wider: tuple[str, ...]
    either: bool
    rest: Kind

    @classmethod
    def of(
        cls,
        spoken: Spoken,
        left: Iterable[NotReached],
        cell: CoverText | None,
        trust: str,
        contrary: Callable[[Sequence[str]], bool],
    ) -> SubjectLaw:
        mine = tuple(key for key in spoken.by if not key.startswith("accepted/"))
        named = {key.split("/")[1] for key in mine if key.startswith("speaks/")}
        own = tuple(each for each in left if each.policy in named)
        kind = "gap" if cell is None else "doubtful" if cell.in_doubt(trust) else cell.kind
        wider = cell.wider if cell is not None else ()
        leaving = tuple(each.key for each in own)
        rest: Kind = "unread" if cell is not None and cell.unread else "gap"
        return cls(spoken.covered_from, spoken.by, mine, own, leaving, kind, wider, contrary(wider), rest)


@dataclass(frozen=True, slots=True)
class CoveredLaw:
    """What the policies of covered jurisdictions say of an exchange, on a day."""

    laws: Mapping[str, Mapping[str, SubjectLaw]]
    defined: Definitions
    day: date
    of_all: Mapping[str, str]

    def covers(self, law: SubjectLaw) -> bool:
        return law.covered_from is not None and law.covered_from <= self.day

    def says(self, jurisdiction: str, subject: str) -> Truth:
        """Whether the law itself speaks of a subject matter that is covered."""
        law = self.laws.get(jurisdiction, {}).get(subject)
        return self._some(law.own) if law is not None and self.covers(law) else NO

    def silences(
        self, jurisdiction: str, subject: str, about: Mapping[str, Truth], truth: Truth, reached: Truth, reviewed: Truth
    ) -> Iterator[tuple[Kind | Literal["reach"], Truth]]:
        """
        Why a law may be silent on a subject matter, and how surely it is. `truth` is how surely the data are of it, `reached` whether they
        are this law's to judge whoever sends them, `reviewed` whether it is asked at all. What stands under a wider subject matter is
        silent as this one is.
        """
        law = self.laws.get(jurisdiction, {}).get(subject)
        kind = law.kind if law is not None else "gap"
        if law is None or kind in ("gap", "unread", "doubtful"):
            yield ("unread" if kind == "unread" else "doubtful" if kind == "doubtful" else "gap"), truth
        elif kind == "under":
            open_ = ~self._surely(law.own) if self.covers(law) else YES
            governed = YES if law.either else max(about.get(name, NO) for name in law.wider)
            yield "gap", min(truth, ~governed)
            for name in law.wider:
                yield from self.silences(jurisdiction, name, about, min(truth, open_, about.get(name, NO)), reached, reviewed)
        elif not self.covers(law):
            yield law.rest, truth
        elif kind == "free":
            yield "gap", min(truth, reviewed, ~self._surely(law.own))
        else:
            yield "reach", min(reached, truth, self.silent(law))

    def silent(self, law: SubjectLaw) -> Truth:
        """Whether no policy applies, and none says that its law leaves the data alone."""
        return ~max(self._surely(law.by), self._surely(law.leaving))

    def frees(self, jurisdiction: str, subject: str) -> bool:
        """
        Whether a jurisdiction would certainly permit if everything that is not known left a subject matter free.

        What leaves it free is not known, so the outcome is a permit at the least, and a review where it does not.
        """
        laws = self.laws[jurisdiction]
        law = laws[subject]
        if law.kind != "free" and not any(laws[name].kind == "free" for name in law.wider if name in laws):
            return False
        for name, each in laws.items():
            said = YES if each.kind in ("free", "under") else self._some(each.by)
            if self.covers(each) and max(~self.defined[f"subject/{name}"], said) is not YES:
                return False
        return True

    def elsewhere(self, subject: str) -> bool:
        """Whether some jurisdiction has law on a subject matter, and may be silent."""
        having = (laws[subject] for laws in self.laws.values() if subject in laws)
        return any(each.kind == "by" and self.covers(each) and self.silent(each) is not NO for each in having)

    def not_reached(self, jurisdictions: Iterable[str], about: Iterable[tuple[str, Truth]]) -> Iterator[UnreachedSubject]:
        """The subject matters of which the touched jurisdictions have policies, and none of them applies for certain."""
        subjects = [subject for subject, truth in about if truth is YES]
        for jurisdiction in jurisdictions:
            laws = self.laws.get(jurisdiction, {})
            for subject in subjects:
                law = laws.get(subject)
                if law is not None and law.kind == "by" and law.own and self._some(law.by) is NO:
                    says = (each for each in law.left if self.defined[each.key] is YES)
                    yield UnreachedSubject(jurisdiction, subject, next(says, None))

    def _some(self, definitions: Sequence[str]) -> Truth:
        """Whether one of some definitions holds."""
        return max([self.defined[key] for key in definitions], default=NO)

    def _surely(self, definitions: Sequence[str]) -> Truth:
        """Whether one of some definitions holds, whoever the recipient is."""
        return self._some([self.of_all.get(key, key) for key in definitions])


def strongest(found: Iterable[tuple[Kind | Literal["reach"], Truth]]) -> list[tuple[Kind | Literal["reach"], Truth]]:
    """Each reason for a silence once, with how surely it is one; none that is certainly not."""
    reasons: dict[Kind | Literal["reach"], Truth] = {}
    for kind, truth in found:
        reasons[kind] = max(reasons.get(kind, NO), truth)
    return [(kind, truth) for kind, truth in reasons.items() if truth is not NO]
