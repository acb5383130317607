"""
A bundle: the checked policies, words and tests of some folders, with two digests (semantics 5.5).

Reading is all or nothing: one error in any file refuses the whole bundle, and every finding is reported. One key says what a file
is: `vocabulary:`, `policy:`, `organisation:`, `mapping:` or `test:`.
"""

from __future__ import annotations

import gc
import re
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from functools import cached_property
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeAlias

from engine.books.page import BookPage
from engine.exchange import Exchange
from engine.exchange_input.contradictions import Coherence, check_entries
from engine.exchange_input.exchange_reader import ExchangeReader
from engine.exchange_input.exchange_shape import in_present_shape as shaped
from engine.policy_language import tree
from engine.policy_language.authzen_facts import check_access
from engine.policy_language.bundle_digests import Digests, meaning_digest, source_digest
from engine.policy_language.case_text import TestText
from engine.policy_language.check import check
from engine.policy_language.coherence import check_coherence
from engine.policy_language.consequences import causes_first, following
from engine.policy_language.diagnostic import Diagnostic, Findings, Span
from engine.policy_language.everyday_words import EverydayWords
from engine.policy_language.fact_catalogue import FactEntry, catalogue
from engine.policy_language.mapping_facts import AnyMapping, MappingFiles, mapped_json
from engine.policy_language.needed_version import needs_later
from engine.policy_language.overlay import organisations
from engine.policy_language.policy_in_full import again, in_full
from engine.policy_language.presets import Preset, check_presets, presets
from engine.policy_language.public_recipient import for_everyone
from engine.policy_language.rule_tables import written_out
from engine.policy_language.settlement_facts import check_settlement
from engine.policy_language.short_forms import ShortForms, short_forms
from engine.policy_language.source_files import by_folder, gather_sources, source_files
from engine.policy_language.transfer_columns import check_transfer_registers
from engine.policy_language.vocabulary import Vocabulary
from engine.policy_language.vocabulary_files import load as load_vocabulary
from engine.policy_language.written_effects import PolicySettings
from engine.rules import Duty, RuleSet
from engine.version import SEMANTICS, VERSION

KINDS = ("vocabulary", "policy", "organisation", "mapping", "test")
BEGIN_WITH = "begin the file with `policy:`, `vocabulary:`, `organisation:`, `mapping:` or `test:`"
TreeReader: TypeAlias = Callable[[str, bytes, Findings], tree.Node | None]
_KEY_OF_TESTS = re.compile(rf"({'|'.join(TestText.model_fields)}):(?: |$)")


@dataclass(frozen=True)
class Bundle:
    """
    Checked rules and words. `tests` are the names and located trees of the test files. `sources` maps a file name to its bytes,
    `duties` maps a key to its duty. `semantics` is the version of the semantics that the bundle is written for. `forms` are the short
    forms of its files. `mappings` say, by their names, how what other programs send becomes facts. `read` is what read the trees, where
    it was not `tree.read`, and reads them again for who asks.
    """

    rules: RuleSet
    vocabulary: Vocabulary
    settings: PolicySettings
    digests: Digests
    coherence: Coherence
    reader: ExchangeReader
    tests: tuple[tuple[str, tree.Node], ...]
    sources: dict[str, bytes]
    warnings: tuple[Diagnostic, ...]
    duties: dict[str, Duty]
    semantics: int
    forms: ShortForms
    mappings: Mapping[str, AnyMapping] = field(default_factory=dict, repr=False)
    read: TreeReader | None = field(default=None, repr=False, compare=False)

    def of_everyone(self) -> Bundle:
        """The same bundle with the rules as they read where the recipient is the public (semantics 1.2)."""
        open_ = {fact.name for fact in self.vocabulary.facts.values() if fact.open_of_public}
        rules = for_everyone(self.rules, self.vocabulary.recipient, open_)
        return replace(self, rules=rules, duties=rules.duties())

    def written(self, policy: str, file: str) -> tree.Node | None:
        """The tree of a policy in a file, in full; what the reach of a jurisdiction became stands in no file of its own."""
        root = self.forms.reach.get(policy) or (self.read or tree.read)(file, self.sources[file], Findings())
        return None if root is None else written_out(again(root, self.forms), self.vocabulary, Findings())

    def test(self, file: str) -> tree.Node | None:
        """The tree of a test file, in full; None where it cannot be read."""
        root = (self.read or tree.read)(file, self.sources[file], Findings())
        return None if root is None else self.forms.test(root)

    @cached_property
    def provisions(self) -> Mapping[str, str]:
        """The policy of each provision, by the provision's id."""
        return {rule.provision.id: rule.provision.policy for rule in self.rules.rules}

    @cached_property
    def facts(self) -> Mapping[str, FactEntry]:
        """The facts an exchange may have, by their names. They are made once."""
        return catalogue(self.vocabulary)

    def mapped_exchange(self, flat: Mapping[str, Any]) -> dict[str, Any]:
        """The JSON of an exchange from dotted facts as a mapping states them. Raises BadValue where a number is none."""
        return mapped_json(self.vocabulary, flat)

    @property
    def words(self) -> EverydayWords:
        """What people call facts, values and documents."""
        return self.reader.words

    def presets(self) -> tuple[Preset, ...]:
        """The everyday exchanges to begin with."""
        return presets(self.vocabulary)

    def exchange_schema(self) -> dict[str, Any]:
        """The JSON Schema of an exchange under this bundle's vocabulary."""
        return self.reader.schema()


def parse_exchange(bundle: Bundle, raw: bytes) -> Exchange:
    """Read the bytes of an exchange, strictly. Raises ExchangeRefused with every problem."""
    return bundle.reader.read(raw)


def in_present_shape(bundle: Bundle, document: Mapping[str, Any]) -> dict[str, Any]:
    """An exchange, as JSON, in the present shape, to be added to: what a set of an earlier one did not know yet is open (semantics 2.1)."""
    bare = {name: value for name, value in document.items() if name != "schema"}
    found: dict[str, Any] = shaped(bundle.vocabulary, bare, document.get("schema"))
    return found


def accept_exchange(bundle: Bundle, document: Mapping[str, Any]) -> Exchange:
    """Read an exchange from a JSON object that `read_object` returned. Raises ExchangeRefused with every problem."""
    return bundle.reader.accept(document)


def counted(
    bundle: Bundle,
    exchange: Exchange,
    counted: Collection[str],
    raised: Collection[str] = (),
    stated: Collection[str] = (),
    asks: Mapping[str, tuple[str, ...]] = MappingProxyType({}),
) -> Exchange:
    """
    The exchange with some counters from the ledger, as a record has it: they are in the exchange, and their source is told beside it.

    `counted` are those from the ledger alone, `raised` those that were stated and that it raised, `stated` those that stand as they were
    stated; `asks` has what it lacks, by the counter.
    """
    return bundle.reader.own_counts.counted(exchange, counted, raised, stated, asks)


def with_books(bundle: Bundle, exchange: Exchange, pages: Mapping[str, BookPage]) -> Exchange:
    """The exchange with what some books say of it, in its document too; `pages` are those of its exporter and asset, by book."""
    return bundle.reader.with_books(exchange, pages)


def with_shares(bundle: Bundle, exchange: Exchange, said: Mapping[str, Any]) -> Exchange:
    """The exchange with what a ledger says of its shares, as JSON, in its document too. Raises ValueError."""
    return bundle.reader.with_shares(exchange, said)


class BundleRefused(ValueError):
    """The folders hold no valid bundle. `str()` gives the rendered findings, and of those that follow from others the number."""

    def __init__(self, diagnostics: tuple[Diagnostic, ...], sources: dict[str, bytes]) -> None:
        self.diagnostics = diagnostics
        self.sources = sources
        texts = {name: data.decode("utf-8", "replace") for name, data in sources.items()}
        told = [each.render(texts) for each in diagnostics if not each.follows]
        super().__init__("\n\n".join((*told, *following(diagnostics))))


@contextmanager
def gc_paused() -> Iterator[None]:
    """
    Switch off Python's garbage collector while a bundle is made.

    Loading makes half a million objects, and all of them stay. The collector would search them again and again, and take two thirds of
    the loading time.
    """
    searching = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if searching:
            gc.enable()


def load(paths: Path | Sequence[Path], settings: PolicySettings | None = None) -> Bundle:
    """
    Load a bundle from folders or files.

    Findings carry paths relative to the folder's parent, such as `policies/cn/order-16.yaml`. Raises BundleRefused with every error,
    FileNotFoundError if a path does not exist, NameTaken if two files would have the same name.
    """
    return load_sources(gather_sources(source_files([paths] if isinstance(paths, Path) else paths)), settings)


@gc_paused()
def load_sources(
    sources: dict[str, bytes],
    settings: PolicySettings | None = None,
    semantics: int = SEMANTICS,
    *,
    replay: bool = False,
    tests: bool = True,
    read: TreeReader | None = None,
) -> Bundle:
    """
    Load a bundle from file names and bytes. Raises BundleRefused. `read` reads the trees, such as that of a TreeCache.

    Without `tests` the files of tests, which decide nothing, are not read: that is nearly half of the work. They stay among the sources.
    The vocabulary then has no nodes: only who writes policies reads them afterwards.

    A bundle that names no version of the semantics is one of `semantics`. A bundle of an earlier version loads for a `replay` only. Then
    what it says means what it would mean now; just the errors that came later do not refuse it (semantics 5.5).
    """
    settings = settings or PolicySettings()
    findings = Findings()
    trees: dict[str, list[tree.Node]] = {kind: [] for kind in KINDS}
    found_tests = []
    too_new = False
    for name, data in sorted(sources.items()):
        if not tests and _only_tests(data):
            continue
        root = (read or tree.read)(name, data, findings)
        if needs_later(root, findings):
            too_new = True
            continue
        kind = _kind(name, root, findings)
        if root is not None and kind:
            trees[kind].append(root)
            if kind == "test":
                found_tests.append((name, root))
    if too_new:
        raise BundleRefused(tuple(each for each in findings.errors if each.code == "needs-version"), sources)
    if not trees["policy"] and not findings.errors:
        findings.error(
            Span(next(iter(sorted(sources)), "."), 1, 1),
            "no-policy",
            "there is no policy here",
            help="name a folder with a `policy:` file and the vocabulary",
        )
    findings.semantics = _semantics(trees["vocabulary"], semantics, 1 if replay else SEMANTICS, findings)
    forms = short_forms(trees["policy"], trees["vocabulary"], findings)
    trees["policy"], trees["vocabulary"] = in_full(trees["policy"], trees["vocabulary"], forms, findings)
    found_tests = [(name, forms.test(root)) for name, root in found_tests]
    forms.check_used(findings)
    vocabulary = load_vocabulary(trees["vocabulary"], findings)
    check_access(vocabulary, findings)
    check_settlement(vocabulary, findings)
    trees["policy"] = [written_out(each, vocabulary, findings) for each in trees["policy"]]
    found = organisations(trees["organisation"], trees["policy"], vocabulary, findings)
    vocabulary = replace(vocabulary, organisations=found)
    nevers = check_coherence(vocabulary, findings)
    rules = check(trees["policy"], vocabulary, settings, findings, _tested(trees["test"]))
    check_transfer_registers(vocabulary, rules, findings)
    mappings = MappingFiles(trees["mapping"], vocabulary, findings)
    mappings.check_rules(rules)
    if not findings.errors:
        check_entries(nevers, vocabulary, rules, findings)
    if findings.errors:
        raise BundleRefused(causes_first(findings.errors, sources), sources)
    # The trees were read to find what is wrong. They are half of what loading takes, and go before the rest is made.
    trees.clear()
    if not tests:
        vocabulary = replace(vocabulary, nodes={})
    coherence = Coherence(nevers, vocabulary, rules)
    grounds = frozenset(rule.key for rule in rules.rules if rule.effect == "satisfies")
    travelling = frozenset(rule.provision.id for rule in rules.rules if rule.travels)
    reader = ExchangeReader(vocabulary, frozenset(rules.requirements), grounds, travelling, coherence.contradictions)
    check_presets(vocabulary, reader.accept, findings)
    mappings.check_values(reader.accept)
    if findings.errors:
        raise BundleRefused(causes_first(findings.errors, sources), sources)
    digests = Digests(
        meaning_digest(rules, vocabulary, nevers, settings, mappings.found),
        source_digest(sources),
        {folder: source_digest(files) for folder, files in by_folder(sources).items()},
    )
    duties, semantics = rules.duties(), findings.semantics
    return Bundle(
        rules,
        vocabulary,
        settings,
        digests,
        coherence,
        reader,
        tuple(found_tests),
        sources,
        findings.all,
        duties,
        semantics,
        forms,
        dict(sorted(mappings.found.items())),
        read,
    )


def _semantics(trees: Iterable[tree.Node], unnamed: int, oldest: int, findings: Findings) -> int:
    """The version of the semantics that the vocabulary names, else `unnamed`."""
    named: dict[str, Span] = {}
    for root in trees:
        node = tree.locate(root, ("semantics",))[0]
        if isinstance(node, tree.Scalar):
            named.setdefault(node.text, node.span)
    if not named:
        return unnamed
    (text, at), *others = named.items()
    for other, where in others:
        said = f"the bundle names the semantics {text} and {other}"
        findings.error(where, "semantics", said, f"first at {at}", "name one version, in one file")
    if text in map(str, range(oldest, SEMANTICS + 1)):
        return int(text)
    if text.isdecimal() and int(text) > SEMANTICS:
        said = f"these policies are written for the semantics {text}, and Fifth Factor {VERSION} decides under {SEMANTICS}"
        help = f"install a version that decides under {text}; under {SEMANTICS} they could mean something else"
    else:
        said = f"this engine does not decide under the semantics {text}"
        help = f"write `semantics: {SEMANTICS}`, and mend what `fifthfactor check` then finds"
    findings.error(at, "semantics", said, help=help)
    return SEMANTICS


def _only_tests(data: bytes) -> bool:
    """
    Whether a file is one of tests beyond doubt: one plain block, of which every line that is not indented begins with a key of tests.

    Whatever else stands there, such as a document in brackets, a second document, or a key in quotes, may hide a policy and is read.
    """
    try:
        lines = data.decode().splitlines()
    except UnicodeDecodeError:
        return False
    keys = [line for line in lines if line.strip() and line[0] not in " #"]
    return bool(keys) and keys[0].startswith("test:") and all(map(_KEY_OF_TESTS.match, keys))


def _kind(name: str, root: tree.Node | None, findings: Findings) -> str:
    if root is None:
        if not any(d.at.file == name for d in findings.errors):
            findings.error(Span(name, 1, 1), "empty-file", "the file is empty", help="delete it, or begin with `policy:`")
        return ""
    found = [kind for kind in KINDS if isinstance(root, tree.Mapping) and root.get(kind) is not None]
    if len(found) != 1:
        findings.error(
            root.span,
            "unknown-document",
            "this is not a Fifth Factor document",
            help=BEGIN_WITH,
        )
        return ""
    return found[0]


def _tested(trees: Iterable[tree.Node]) -> frozenset[str]:
    """The definitions for which some test expects a value."""
    return frozenset(
        name.text
        for root in trees
        if isinstance(root, tree.Mapping) and isinstance(cases := root.get("cases"), tree.Sequence)
        for case in cases.items
        if isinstance(defined := tree.locate(case, ("expect", "define"))[0], tree.Mapping)
        for name, _ in defined.entries
    )
