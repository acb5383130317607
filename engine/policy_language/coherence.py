"""
What cannot be true together: the section `coherence:` of a vocabulary to checked conditions.

Only what an exchange itself states can contradict it, so a test that reads the day or a counter is refused here. A document that is not
shown leaves its tests unknown, and what is unknown contradicts nothing. A set may be compared with a fact of one value, so that an entry
can say "collected nowhere but in the exporter's country". Source: semantics 1.5.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.policy_language.conditions import Conditions
from engine.policy_language.diagnostic import Findings
from engine.policy_language.operators import Use
from engine.policy_language.tree import Mapping, Node, key_named
from engine.policy_language.vocabulary import Vocabulary
from engine.register_facts import IN_REGISTER
from engine.rules import AS_OF, Atom, Condition, atoms
from engine.values.multilingual import Words


@dataclass(frozen=True, slots=True)
class Never:
    """
    One entry: an exchange of which `condition` is certainly true is refused, and `says` is the reason.

    It is not refused where `unless` is certainly true too: then the exchange itself says what makes it possible.
    """

    id: str
    condition: Condition
    unless: Condition | None
    says: Words


def check_coherence(vocabulary: Vocabulary, findings: Findings) -> tuple[Never, ...]:
    """The entries of a vocabulary, by id. They are valid only if `findings` has no error."""
    conditions = Conditions(vocabulary, {}, findings, single=True)  # no definitions: those belong to policies
    found = []
    for name, text in sorted(vocabulary.coherence.items()):
        node = vocabulary.nodes["coherence", name]
        assert isinstance(node, Mapping)
        never, unless = (_lowered(node.get(key), conditions) for key in ("never", "unless_said"))
        assert never is not None, "the model requires it"
        found.append(Never(name, never, unless, text.says.words))
    return tuple(found)


def _lowered(node: Node | None, conditions: Conditions) -> Condition | None:
    if node is None:
        return None
    condition = conditions.lower(node, "", Use.APPLIES)
    for atom in dict.fromkeys(atoms(condition)):
        name = atom.fact.partition(".")[0] if atom.op == "counts" else atom.fact
        if _reads_the_day(atom):
            said = f"this test of `{name}` depends on the day; what cannot be true together does not"
            help = f"test `{atom.fact}.covers`" if atom.op == "counts" else "compare it with values or with other facts"
        elif any(_is_counter(fact, conditions.vocabulary) for fact in (atom.fact, atom.other)):
            said, help = (
                "a counter is kept of many exchanges, so it contradicts nothing in one",
                "test the fact that is counted",
            )
        elif atom.fact.endswith(IN_REGISTER):
            name = atom.fact.removesuffix(IN_REGISTER)
            said, help = f"whether the register has `{name}` is not what an exchange states", "test another fact"
        else:
            continue
        at = key_named(node, name) or node
        conditions.findings.error(at.span, "beyond-the-exchange", said, help=help)
    return condition


def _reads_the_day(atom: Atom) -> bool:
    return bool(atom.register) or atom.op in ("counts", "within", "older_than") or AS_OF in (atom.fact, *atom.operands)


def _is_counter(fact: str, vocabulary: Vocabulary) -> bool:
    """Whether a fact is a counter, or the total of a family of counters."""
    member, *_ = vocabulary.families.get(fact.removesuffix(".total"), (fact,))
    return member in vocabulary.facts and bool(vocabulary.facts[member].counts)
