"""
Writes the ways to a requirement in words: a line of an answer, and whole, with what each needs as a tree.

Documents are told by what a company calls them, with who issues them and where they are filed; claims by their titles; facts as the tests
of them. A line has the documents and claims of the alternative that lacks least, and the facts of it that are lacking or unknown.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from itertools import chain

from engine.deciding.judgement import Judgement
from engine.decision import MeansPart, NeedPart, WaysPart
from engine.explaining.case import WayLine
from engine.explaining.encoding import encode
from engine.explaining.phrasebook import Phrasebook
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, stated_in
from engine.policy_language.vocabulary_text import KindText
from engine.questions.combined_ways import WaysToPermit
from engine.questions.ways import Having, Tree, Way, Ways, WaysRead, WayTest, lacking, prohibiting
from engine.rules import Rule

REMEMBERED = 4_096  # lines
MAX_NEEDS = 5  # that a line tells
WORST: Sequence[Having] = ("lack", "unknown", "have")


class WayWriter:
    """Writes the ways of one bundle in one language."""

    def __init__(self, ways: Ways, book: Phrasebook) -> None:
        self.book = book
        self.ways = ways
        self._lines: dict[Way, WayLine] = {}

    def lines(self, read: WaysRead, requirement: str, under: Sequence[Rule], most: int) -> tuple[list[WayLine], int]:
        """The first ways to a requirement that some rules ask for, and how many there are."""
        found = read.to(requirement, under)
        return [self._line(way) for way in found[:most]], len(found)

    def all(self, read: WaysRead, judgement: Judgement, to_permit: WaysToPermit) -> list[WaysPart]:
        """All ways to what is not met, and out of what prohibits."""
        out_of = [(rule, read.out_of(rule)) for rule in prohibiting(judgement)]
        to = [(name, under, read.to(name, under)) for name, under in lacking(judgement).items()]
        to_yes = to_permit.among(chain(*(ways for _, ways in out_of), *(ways for _, _, ways in to)))
        parts = [self._out_of(read, rule, ways, to_yes) for rule, ways in out_of]
        return [*parts, *(self._to(read, name, under, ways, to_yes) for name, under, ways in to)]

    def _to(
        self, read: WaysRead, requirement: str, under: Sequence[Rule], found: Sequence[Way], to_yes: Collection[int]
    ) -> WaysPart:
        text = self.book.text
        wanted = self.ways.bundle.rules.requirements[requirement]
        return WaysPart(
            requirement=requirement,
            title=text(wanted.title),
            how=text(wanted.how),
            under=list(dict.fromkeys(rule.provision.id for rule in under)),
            ways=[self._part(read, way, way.node in to_yes) for way in found],
            left_out=len(self.ways.links(requirement, under).ways) - len(found),
            says="" if found else self.book.language.no_way(),
        )

    def _out_of(self, read: WaysRead, rule: Rule, found: Sequence[Way], to_yes: Collection[int]) -> WaysPart:
        return WaysPart(
            title=self.book.text(rule.message or rule.provision.title),
            under=[rule.provision.id],
            ways=[self._part(read, way, way.node in to_yes) for way in found],
            left_out=len(self.ways.exempting(rule).ways) - len(found),
            says="" if found else self.book.language.no_exemption(read.for_good(rule)).strip(),
        )

    def _part(self, read: WaysRead, way: Way, to_yes: bool) -> MeansPart:
        provision, tree = way.rule.provision, read.tree(way.node)
        return MeansPart(
            way=provision.id,
            kind=way.kind,
            title=self.book.text(provision.title),
            citation=self.book.source(provision),
            mark=provision.status,
            doubtful=way.rule.doubtful,
            lacks=len(way.lack),
            unknown=len(way.unknown),
            to_yes=to_yes,
            needs=self._tree(tree) if tree is not None else None,
        )

    def _tree(self, tree: Tree) -> NeedPart:
        if not isinstance(tree, WayTest):
            parts = [self._tree(part) for part in tree.parts]
            return NeedPart(all_of=parts) if tree.op == "all_of" else NeedPart(any_of=parts)
        name = stated_in(tree.atom.fact)
        kind = self._kind(name) if name == tree.atom.fact else None
        told = {"issued_by": self.book.text(kind.issued_by) if kind and kind.issued_by else None}
        told |= {"filed_with": self.book.text(kind.filed_with) if kind and kind.filed_with else None}
        return NeedPart(fact=name, says=self._says([tree]), state=tree.state, **told)

    def _line(self, way: Way) -> WayLine:
        found = self._lines.get(way)
        if found is None:
            provision = way.rule.provision
            needs = list(self._needs(way))
            told = {
                "way": provision.id,
                "title": self.book.text(provision.title),
                "citation": self.book.text(provision.citation),
                **({"doubtful": True} if way.rule.doubtful else {}),
                "needs": needs[:MAX_NEEDS],
                **({"more": len(needs) - MAX_NEEDS} if len(needs) > MAX_NEEDS else {}),
            }
            while len(self._lines) >= REMEMBERED:
                del self._lines[next(iter(self._lines))]
            found = self._lines[way] = WayLine(told, len(encode(told).encode()) + 1)
        return found

    def _needs(self, way: Way) -> Iterator[dict[str, str]]:
        """What a way needs, each fact and document once; what is lacking comes first, and facts that are there are left out."""
        grouped: dict[str, list[WayTest]] = {}
        for test in way.needs:
            grouped.setdefault(stated_in(test.atom.fact), []).append(test)
        for worst in WORST:
            for name, tests in grouped.items():
                state = min((test.state for test in tests), key=WORST.index)
                kind = self._kind(name)
                if state == worst and (kind is not None or state != "have"):
                    told = {"fact": name, "says": self._says([test for test in tests if test.state == state]), "state": state}
                    if kind is not None and state == "lack":
                        told |= {"issued_by": self.book.text(kind.issued_by)} if kind.issued_by else {}
                        told |= {"filed_with": self.book.text(kind.filed_with)} if kind.filed_with else {}
                    yield told

    def _says(self, tests: Sequence[WayTest]) -> str:
        """Tests of one fact or document in words: the document by its everyday name, where it is the document that counts."""
        name = stated_in(tests[0].atom.fact)
        kind = self._kind(name)
        if kind is not None and any(test.atom.op == "counts" and test.wanted for test in tests):
            return self.book.text(kind.called or kind.title)
        said = dict.fromkeys(self.book.phrase(test.atom, negated=not test.wanted) for test in tests)
        return self.book.language.both(list(said))

    def _kind(self, name: str) -> KindText | None:
        group, _, kind = name.partition(".")
        return self.ways.bundle.vocabulary.kinds[group].get(kind) if group in DOCUMENT_GROUPS else None
