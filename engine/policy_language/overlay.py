"""
Read and check what organisations write beside the law: located trees in, organisations out.

An organisation may be stricter than the law, and never laxer but for what it accepts and switches off by name. So every name must
exist, an acceptance ends, and what is switched off must be missed: a law that covers no country would go without a trace.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from typing import NamedTuple

from engine.policy_language.diagnostic import Findings, Span, did_you_mean
from engine.policy_language.document_text import Text
from engine.policy_language.organisation import Acceptance, Organisation, SwitchedOff
from engine.policy_language.organisation_text import AcceptanceText, OrganisationText
from engine.policy_language.read_document import read_model
from engine.policy_language.tree import Node, locate, plain
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary

LONGEST_DAYS = 366  # between the first and the last day of an acceptance (semantics 4.3)
ADVISING = ("soft", "aspiration")
BUNDLED_NAME = "policies"  # the folder, in a bundle, of the policies that come with the project
BUNDLED_WORDS = f"{BUNDLED_NAME}/vocabulary/"  # their words; another folder may be called `policies` too


class _Policy(NamedTuple):
    jurisdiction: str
    force: str


def organisations(
    trees: Sequence[Node], policies: Sequence[Node], vocabulary: Vocabulary, findings: Findings
) -> tuple[Organisation, ...]:
    """
    Read the documents of organisations, and check what stands in the same folders. Each error is a finding at its place.

    INVARIANT (an organisation lifts no law): every policy in its folder is of a jurisdiction that the folder itself names, which covers
    no country, and binds like a contract at most. Exemptions and grounds never leave their jurisdiction, so they reach its own rules only.
    """
    folders = {folder_of(tree.span.file) for tree in trees}
    _check_house(folders, [tree for tree in policies if folder_of(tree.span.file) in folders], vocabulary, findings)
    return _Reader(_written(policies), vocabulary, findings).read(trees)


def folder_of(file: str) -> str:
    """The folder that a file of a bundle was given with; a file that was given by itself is its own."""
    return file.partition("/")[0]


def _check_house(folders: Collection[str], policies: Iterable[Node], vocabulary: Vocabulary, findings: Findings) -> None:
    own = {
        name for (kind, name), span in vocabulary.spans.items() if kind == "jurisdictions" and folder_of(span.file) in folders
    }
    for name in own & vocabulary.jurisdictions.keys():
        text = vocabulary.jurisdictions[name]
        if text.countries or text.covers:
            at = locate(vocabulary.nodes["jurisdictions", name], ("countries" if text.countries else "covers",))[1]
            said = f"`{name}` is an organisation's own, and covers no country"
            help = "write the law of a country in a folder of its own, or accept the gap under `accepts:`"
            findings.error(at, "house", said, help=help)
    for tree in policies:
        at = locate(tree, ("jurisdiction",))[0].span
        jurisdiction = plain(locate(tree, ("jurisdiction",))[0])
        if isinstance(jurisdiction, str) and jurisdiction in vocabulary.jurisdictions and jurisdiction not in own:
            said = f"an organisation's policy cannot be of the jurisdiction `{jurisdiction}`, which its folder does not name"
            help = "name one of your own under `jurisdictions:`; write law in a folder without an `organisation:` document"
            findings.error(at, "house", said, help=help)
        force = locate(tree, ("instrument", "force"))[0]
        if plain(force) in ("law", "order"):
            said = f"an organisation's policy cannot be of force `{plain(force)}`"
            help = "write `contract`, which may prohibit and require"
            findings.error(force.span, "house", said, help=help)


def _written(policies: Iterable[Node]) -> dict[str, _Policy]:
    """What decides whether a policy may be switched off, by its id; `check` reports what is wrong with a policy itself."""

    def text(tree: Node, *path: str) -> str:
        found = plain(locate(tree, path)[0])
        return found if isinstance(found, str) else ""

    return {text(tree, "policy"): _Policy(text(tree, "jurisdiction"), text(tree, "instrument", "force")) for tree in policies}


class _Reader:
    def __init__(self, policies: Mapping[str, _Policy], vocabulary: Vocabulary, findings: Findings) -> None:
        self.policies = policies
        self.vocabulary = vocabulary
        self.findings = findings

    def read(self, trees: Sequence[Node]) -> tuple[Organisation, ...]:
        found: dict[str, Organisation] = {}
        for tree in trees:
            text = read_model(OrganisationText, tree, self.findings)
            if text is None:
                continue
            if text.organisation in found:
                at = locate(tree, ("organisation",))[0].span
                said = f"the organisation `{text.organisation}` is written twice"
                self.findings.error(at, "duplicate-id", said, help="join the two, or give each its own id")
                continue
            found[text.organisation] = Organisation(
                text.organisation,
                text.title.words,
                tuple(self._accepts(text, tree)),
                tuple(self._must_be_shown(text, tree)),
                tuple(self._switched_off(text, tree)),
                tree.span.file,
                tree.span.line,
            )
        return tuple(each for _, each in sorted(found.items()))

    def _accepts(self, text: OrganisationText, tree: Node) -> Iterator[Acceptance]:
        countries = self.vocabulary.values.get("country")
        ids: set[str] = set()
        for number, each in enumerate(text.accepts):
            node = locate(tree, ("accepts", number))[0]
            self._once(each.id, ids, node, "id")
            one = isinstance(each.country, str)
            listed = [each.country] if isinstance(each.country, str) else each.country
            seen: set[str] = set()
            for place, country in enumerate(listed):
                path = ("country",) if one else ("country", place)
                known = countries.lineage if countries else ()
                self._known("country", country, known, locate(node, path)[0].span, "unknown-value")
                self._once(country, seen, node, *path)
            subjects: set[str] = set()
            for place, subject in enumerate(each.subjects):
                at = locate(node, ("subjects", place))[0].span
                self._known("subject matter", subject, self.vocabulary.subjects, at, "unknown-subject")
                if (known_subject := self.vocabulary.subjects.get(subject)) and known_subject.guarded == "yes":
                    said = f"nobody can accept `{subject}`"
                    self.findings.error(at, "guarded", said, help="leave it out: a person looks at each exchange")
                self._once(subject, subjects, node, "subjects", place)
            self._ends(each, node)
            self._said(each.by, locate(node, ("by",))[0].span)
            self._said(each.because, locate(node, ("because",))[0].span)
            yield Acceptance(
                each.id,
                text.organisation,
                tuple(listed),
                tuple(each.subjects),
                each.by.words,
                each.because.words,
                each.from_,
                each.until,
                node.span.file,
                node.span.line,
            )

    def _ends(self, text: AcceptanceText, node: Node) -> None:
        at = locate(node, ("until",))[0].span
        if text.until < text.from_:
            said = "`until` lies before `from`, so nothing is accepted"
            self.findings.error(at, "bad-value", said, help="correct one of the two")
        elif (text.until - text.from_).days > LONGEST_DAYS:
            said = f"`until` lies more than {LONGEST_DAYS} days after `from`"
            self.findings.error(at, "bad-value", said, help="choose an earlier day, and look at it again then")

    def _said(self, text: Text, at: Span) -> None:
        """Report a name or a reason that is still to be written."""
        if text.is_placeholder():
            self.findings.error(
                at, "placeholder", "this stands for a text that is still to be written", help="say who, and why"
            )

    def _must_be_shown(self, text: OrganisationText, tree: Node) -> Iterator[str]:
        vocabulary = self.vocabulary
        documents = [f"{group}.{kind}" for group in DOCUMENT_GROUPS for kind in vocabulary.kinds[group]]
        known = {name: (name,) for name in (*vocabulary.facts, *documents)} | dict(vocabulary.families)
        seen: set[str] = set()
        for number, name in enumerate(text.must_be_shown):
            at = locate(tree, ("must_be_shown", number))[0].span
            self._once(name, seen, tree, "must_be_shown", number)
            if name not in known:
                help = did_you_mean(name, known) or "name a fact, `evidence.KIND` or `claims.KIND`"
                said = f"`{name}` is neither a fact nor a kind of document or claim"
                self.findings.error(at, "unknown-fact", said, "cannot be shown", help)
            yield from known.get(name, ())

    def _switched_off(self, text: OrganisationText, tree: Node) -> Iterator[SwitchedOff]:
        seen: set[str] = set()
        for number, each in enumerate(text.switched_off):
            node = locate(tree, ("switched_off", number))[0]
            if (each.jurisdiction is None) == (each.policy is None):
                said = "one `jurisdiction` or one `policy` is switched off"
                self.findings.error(node.span, "wrong-shape", said, help="name one of the two; write an entry for each")
                continue
            if each.policy is not None:
                key, name = "policy", each.policy
                at = locate(node, (key,))[0].span
                self._known(key, name, self.policies, at, "unknown-policy")
            else:
                key, name = "jurisdiction", str(each.jurisdiction)
                at = locate(node, (key,))[0].span
                self._known(key, name, self.vocabulary.jurisdictions, at, "unknown-jurisdiction")
            self._once(name, seen, node, key)
            off = SwitchedOff(
                text.organisation,
                each.jurisdiction or "",
                each.policy or "",
                each.by.words,
                each.because.words,
                node.span.file,
                node.span.line,
            )
            self._missed(off, at)
            yield off

    def _missed(self, off: SwitchedOff, at: Span) -> None:
        """Report what would go without a trace: coverage says that law of a country is missing, and nothing says it of other law."""
        for name, policy in self.policies.items():
            if not off.covers(name, policy.jurisdiction) or policy.force in ADVISING:
                continue
            jurisdiction = self.vocabulary.jurisdictions.get(policy.jurisdiction)
            if jurisdiction and not jurisdiction.countries:
                said = f"`{policy.jurisdiction}` covers no country, so no decision would say that `{name}` is switched off"
                help = "switch off what covers a country, or what only advises"
                self.findings.error(at, "silent", said, help=help)
                return

    def _known(self, kind: str, name: str, known: Iterable[str], at: Span, code: str) -> None:
        names = list(known)
        if name not in names:
            self.findings.error(at, code, f"there is no {kind} `{name}`", help=did_you_mean(name, names))

    def _once(self, name: str, seen: set[str], node: Node, *path: str | int) -> None:
        if name in seen:
            at = locate(node, path)[0].span
            self.findings.error(at, "duplicate-id", f"`{name}` appears twice", help="keep one of the two")
        seen.add(name)
