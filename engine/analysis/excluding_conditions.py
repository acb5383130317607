"""
Why a provision never stands: the fewest of its written conditions, and of those of its policy's `applies`, that exclude one another.
"""

from __future__ import annotations

from collections.abc import Iterator

from engine.analysis.analysed_bundle import AnalysedBundle
from engine.analysis.idle_conditions import use_of
from engine.analysis.written_conditions import WrittenCondition
from engine.policy_language.check import EVERYWHERE
from engine.policy_language.conditions import Use
from engine.policy_language.tree import locate
from engine.rules import Rule


def excluding(analysed: AnalysedBundle, rule: Rule) -> list[WrittenCondition]:
    """The conditions, in the order in which they are written; none where they do not exclude one another by themselves."""
    instrument, _, _ = analysed.texts[rule.provision.id]
    policy, node, use = rule.provision.policy, analysed.node(rule.provision.id), use_of(rule)
    always = instrument.text.applies == EVERYWHERE
    applies = None if always else analysed.written.when(locate(instrument.root, ("applies",))[0], policy, Use.APPLIES)
    written = [
        applies,
        analysed.written.when(node.get("when"), policy, use),
        analysed.written.unless(node.get("unless"), policy, use),
    ]
    left = [each for condition in written if condition is not None for each in _demanded(analysed, condition)]
    if analysed.asked.possible(*(literal for literal, _ in left)):
        return []
    for each in tuple(left):
        others = [other[0] for other in left if other is not each]
        if others and not analysed.asked.possible(*others):
            left.remove(each)
    return [condition for _, condition in left]


def _demanded(analysed: AnalysedBundle, condition: WrittenCondition) -> Iterator[tuple[int, WrittenCondition]]:
    """What a condition demands, as a literal each with what is written."""
    if condition.kind == "all" and not condition.definition:
        for part in condition.parts:
            yield from _demanded(analysed, part)
    elif condition.kind == "none":
        for part in condition.parts:
            yield -analysed.asked.condition(part.means).must, part
    else:
        yield analysed.asked.condition(condition.means).may, condition
