"""Whether counters, kinds of entities and promises name facts that fit: the ledger relies on it."""

from __future__ import annotations

import re
from collections.abc import Collection
from zoneinfo import ZoneInfo

from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.tree import Node, locate
from engine.policy_language.vocabulary import QUANTITY, Vocabulary
from engine.policy_language.vocabulary_text import CounterText

COUNTER_WINDOW = re.compile(
    r"^(calendar year( and the one before)?( in (?P<zone>[A-Za-z]+(/[A-Za-z_]+)*))?|preceding \d{1,4} (day|week|month|year)s?"
    r"|period of [a-z][a-z0-9-]*)$"
)
PERIOD = re.compile(r"^period of (.+)$")


def check_counters(vocabulary: Vocabulary, rules: Collection[str], unread: Collection[str], findings: Findings) -> None:
    """Check what each counter counts, where, and in which window: the ledger relies on it."""
    for name, counter in vocabulary.counters.items():
        node = vocabulary.nodes["counters", name]
        if not _is_window(counter.window):
            at = locate(node, ("window",))[0].span
            findings.error(
                at,
                "bad-window",
                f"`{counter.window}` is not a window",
                help="write `preceding 12 months`, `period of KIND`, or `calendar year in UTC` with an existing time zone",
            )
        for number, fact in enumerate((counter.counts.removeprefix("distinct "), *counter.per)):
            if fact != "exchanges" and fact not in vocabulary.facts and fact not in vocabulary.families:
                at = locate(node, ("counts",) if number == 0 else ("per", number - 1))[0].span
                help = did_you_mean(fact, [*vocabulary.facts, *vocabulary.families])
                findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", "cannot be counted", help)
        for number, rule in enumerate(counter.leaves_out):
            if rule not in rules and rule.partition("/")[0] not in unread:
                at = locate(node, ("leaves_out", number))[0].span
                help = did_you_mean(rule, rules)
                findings.error(at, "unknown-rule", f"there is no rule `{rule}`", "nothing to leave out", help)
        _check_period(vocabulary, name, counter, node, findings)
        _check_money(vocabulary, name, counter, node, findings)
        _check_counted_twice(vocabulary, name, counter, node, findings)
        kept = vocabulary.facts.get(counter.kept) if counter.kept else None
        if counter.kept and (kept is None or kept.type.kind != "yes/no" or not kept.register_only):
            at = locate(node, ("kept",))[0].span
            help = "name a fact of the type `yes/no` with `from: register-only`"
            findings.error(at, "bad-counter", f"`{counter.kept}` cannot say whether a ledger keeps `{name}`", help=help)


def _check_period(vocabulary: Vocabulary, name: str, counter: CounterText, node: Node, findings: Findings) -> None:
    """Check that a counter whose window is the period of an entity is kept per this entity."""
    kind = PERIOD.match(counter.window)
    if kind is None:
        return
    if kind[1] not in vocabulary.entities or counter.per != [f"{kind[1]}.id"]:
        at = locate(node, ("window",))[0].span
        help = f"declare `{kind[1]}` under `entities:`, and write `per: [{kind[1]}.id]`"
        findings.error(at, "bad-window", f"`{name}` is not kept per entity of the kind `{kind[1]}`", help=help)


def _check_money(vocabulary: Vocabulary, name: str, counter: CounterText, node: Node, findings: Findings) -> None:
    """Check that a counter of money, and no other, says in whose currency its sum is."""
    types = vocabulary.type_of
    named = {"counts": counter.counts, "currency": counter.currency}
    money = [word for word, fact in named.items() if fact and (type := types(fact)) and type.kind == "money" and not type.many]
    counted = types(name)
    if len(money) == 1 or (counter.currency and not money) or (money and (counted is None or counted.kind != "money")):
        at = locate(node, ("counts",))[0].span
        help = "a counter of money counts one fact of the type `money`, is one itself, and names another under `currency:`"
        findings.error(at, "bad-counter", f"`{name}` is no counter of money", help=help)
    of = types(counter.counts or "")
    if of is not None and of.kind == QUANTITY:
        at = locate(node, ("counts",))[0].span
        help = "count people, ids, exchanges or money"
        findings.error(at, "bad-counter", f"`{counter.counts}` is a quantity, which no counter adds up", help=help)


def _check_counted_twice(vocabulary: Vocabulary, name: str, counter: CounterText, node: Node, findings: Findings) -> None:
    """Check how an exchange says that people are counted twice: only where different people are counted (semantics 2.8)."""
    type = vocabulary.type_of(counter.same) if counter.same else None
    if counter.same and counter.same not in vocabulary.facts:
        help = did_you_mean(counter.same, vocabulary.facts)
        at = locate(node, ("same",))[0].span
        findings.error(at, "unknown-fact", f"an exchange has no fact `{counter.same}`", "cannot be stated", help)
    elif type is not None and (type.kind != "id" or type.many):
        at = locate(node, ("same",))[0].span
        findings.error(at, "ill-typed", f"`{counter.same}` is of type `{type.name}`, not `id`")
    if counter.record and counter.record not in vocabulary.kinds["evidence"]:
        said = f"there is no kind of evidence `{counter.record}`"
        at = locate(node, ("record",))[0].span
        findings.error(at, "unknown-kind", said, help=did_you_mean(counter.record, vocabulary.kinds["evidence"]))
    for key in ("same", "record"):
        if getattr(counter, key) and not counter.counts.startswith("distinct "):
            at = locate(node, (key,))[0].span
            help = f"write `counts: distinct FACT`, or leave `{key}` out"
            findings.error(at, "bad-counter", f"`{name}` does not count different people", help=help)


def check_entities(vocabulary: Vocabulary, findings: Findings) -> None:
    """Check what the kinds of entities state: facts of an exchange that no party and no asset is named by."""
    for kind, text in vocabulary.entities.items():
        node = vocabulary.nodes["entities", kind]
        id = vocabulary.facts.get(f"{kind}.id")
        if kind in ("party", "asset") or id is None or id.type.kind != "id" or id.type.many:
            help = f"add a fact `{kind}.id` of the type `id`; `party` and `asset` are kinds of their own"
            at = vocabulary.spans["entities", kind]
            findings.error(at, "unknown-fact", f"an exchange cannot name an entity of the kind `{kind}`", help=help)
        for number, fact in enumerate(text.states):
            if fact not in vocabulary.facts:
                at = locate(node, ("states", number))[0].span
                help = did_you_mean(fact, vocabulary.facts)
                findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", "cannot be stated", help)


def check_promises(vocabulary: Vocabulary, findings: Findings) -> None:
    """Check the facts and documents of each promise: the ledger relies on their types."""
    facts, documents = vocabulary.facts, vocabulary.kinds["evidence"]
    for name, promise in vocabulary.promises.items():
        node = vocabulary.nodes["promises", name]
        wanted: dict[tuple[str, ...], tuple[str, str]] = {
            ("due",): (promise.due, "date"),
            ("by",): (promise.by, "id"),
            ("to",): (promise.to, "id"),
            ("fills",): (promise.fills, "count"),
            ("beside",): (promise.beside, ""),
        }
        wanted |= {(key,): (fact, "count") for key in ("number", "disputed") if (fact := getattr(promise, key))}
        wanted |= {("terms", term): (fact, "") for term, fact in promise.terms.items()}
        for path, (fact, kind) in wanted.items():
            at = locate(node, path)[0].span
            if fact not in facts:
                help = did_you_mean(fact, facts)
                findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", "cannot be promised", help)
            elif kind and (facts[fact].type.kind != kind or facts[fact].type.many):
                findings.error(at, "ill-typed", f"`{fact}` is of type `{facts[fact].type.name}`, not `{kind}`")
        for number, document in enumerate(promise.evidence):
            if document not in documents:
                at = locate(node, ("evidence", number))[0].span
                said = f"there is no kind of evidence `{document}`"
                findings.error(at, "unknown-kind", said, help=did_you_mean(document, documents))


def _is_window(text: str) -> bool:
    """Whether a counter can use this window; the machine must know its time zone."""
    match = COUNTER_WINDOW.match(text)
    try:
        return match is not None and (match["zone"] in (None, "UTC") or bool(ZoneInfo(match["zone"])))
    except (LookupError, ValueError, OSError):
        return False
