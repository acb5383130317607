"""Vocabulary files as authors write them, joined into one, with the place of each word."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from engine.policy_language.coverage_text import TouchText
from engine.policy_language.diagnostic import Findings, Span
from engine.policy_language.fact_text import MoreValueText
from engine.policy_language.read_document import read_parts
from engine.policy_language.tree import Node, locate
from engine.policy_language.vocabulary_text import ONCE, VocabularyText

SECTIONS = (
    "facts", "values", "units", "registers", "calendars", "evidence", "claims", "requirements", "counters", "books", "entities",
    "promises", "shares", "jurisdictions", "subjects", "phrases", "coherence", "lanes", "questions", "factor", "transfer_registers",
    "presets",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class WrittenVocabulary:
    """
    The words of all files. `nodes` and `spans` have the tree and the place of each entry by its section and name.

    `more` has the values that files add to the sets of others, `said` what people call something, by what it is and its name. What is
    wrong becomes one of `findings`.
    """

    text: VocabularyText
    more: dict[str, dict[str, MoreValueText]]
    nodes: dict[tuple[str, str], Node]
    spans: dict[tuple[str, str], Span]
    findings: Findings
    said: dict[str, dict[str, list[str]]]

    def no_value_twice(self, where: tuple[str, str], key: str, written: Iterable[str]) -> None:
        """Report each value that a list names twice; a mapping cannot name one twice."""
        seen: set[str] = set()
        for number, value in enumerate(written):
            if value in seen:
                at = locate(self.nodes[where], (key, number))[0].span
                self.findings.error(at, "duplicate-id", f"`{value}` appears twice in `{where[1]}`", help="keep one of the two")
            seen.add(value)


def join(trees: list[Node], findings: Findings) -> WrittenVocabulary:
    """Join vocabulary files into one; an error or a word defined twice is a finding."""
    merged: dict[str, dict[str, Any]] = {section: {} for section in SECTIONS}
    nodes: dict[tuple[str, str], Node] = {}
    spans: dict[tuple[str, str], Span] = {}
    more: dict[str, dict[str, MoreValueText]] = {}
    called: dict[str, dict[str, list[str]]] = {}
    touches: list[tuple[TouchText, Node]] = []
    read: dict[str, Span] = {}
    once: dict[str, Any] = dict.fromkeys(ONCE)
    for tree in trees:
        text = read_parts(VocabularyText, tree, findings)
        if text is None:
            continue
        at = locate(tree, ("vocabulary",))[0].span
        if text.vocabulary in read:
            said = f"the vocabulary `{text.vocabulary}` is written twice"
            findings.error(at, "duplicate-id", said, f"first at {read[text.vocabulary]}", "give each its own name")
            continue
        read[text.vocabulary] = at
        touches += [(touch, locate(tree, ("touches", number))[0]) for number, touch in enumerate(text.touches)]
        for section in SECTIONS:
            for name, entry in getattr(text, section).items():
                node, span = locate(tree, (section, name))
                if name in merged[section]:
                    first = spans[section, name]
                    findings.error(
                        span, "duplicate-id", f"`{name}` is defined twice", f"first at {first}", "keep one of the two"
                    )
                    continue
                merged[section][name] = entry
                nodes[section, name], spans[section, name] = node, span
        for name, values in text.more_values.items():
            spans.setdefault(("more_values", name), locate(tree, ("more_values", name))[1])
            for value, added in values.items():
                span = locate(tree, ("more_values", name, value))[1]
                if value in more.setdefault(name, {}):
                    first = spans["more_values", f"{name}/{value}"]
                    findings.error(
                        span, "duplicate-id", f"`{value}` is added twice", f"first at {first}", "keep one of the two"
                    )
                    continue
                more[name][value], spans["more_values", f"{name}/{value}"] = added, span
        for kind, names in text.words.items():
            for name, each in names.items():
                spans.setdefault(("words", f"{kind}/{name}"), locate(tree, ("words", kind, name))[1])
                called.setdefault(kind, {}).setdefault(name, []).extend((*each.en, *each.zh))
        for section in ONCE:
            if getattr(text, section) is None:
                continue
            node, span = locate(tree, (section,))
            if once[section] is None:
                once[section], nodes[section, ""], spans[section, ""] = getattr(text, section), node, span
            else:
                said = f"`{section}` is written twice"
                findings.error(span, "duplicate-id", said, f"first at {spans[section, '']}", "keep one of the two")
    # Sorted by content, so that their numbers do not depend on the names of files.
    touches.sort(key=lambda each: repr(each[0]))
    nodes |= {("touches", str(number)): node for number, (_, node) in enumerate(touches)}
    parts: dict[str, Any] = {**merged, "vocabulary": "all", "touches": [touch for touch, _ in touches], **once}
    whole = VocabularyText.model_construct(**parts)
    return WrittenVocabulary(whole, more, nodes, spans, findings, called)
