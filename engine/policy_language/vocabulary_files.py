"""Several located trees in, one Vocabulary out, with every finding."""

from __future__ import annotations

from engine.policy_language.book_facts import read_books
from engine.policy_language.diagnostic import Findings
from engine.policy_language.document_measures import read_measures
from engine.policy_language.dpv_terms import check_dpv
from engine.policy_language.everyday_words import check_words, everyday_names
from engine.policy_language.tree import Node
from engine.policy_language.typed_facts import TypedFacts
from engine.policy_language.value_sets import ValueSets
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, ComputedLine, FactorLine, Vocabulary
from engine.policy_language.vocabulary_references import IDS, check_calendar, check_references, read_ids, read_register
from engine.policy_language.written_vocabulary import join


def load(trees: list[Node], findings: Findings) -> Vocabulary:
    """The vocabulary of some files; an error or a word defined twice is a finding."""
    words = join(trees, findings)
    read = ValueSets(words)
    values = read.read()
    check_dpv(words, read)
    facts, families = TypedFacts(words, values).read()
    lists = words.text.registers
    registers = {name: read_register(words, values, name, text) for name, text in lists.items() if text.of != IDS}
    for name, written in words.text.calendars.items():
        check_calendar(words, name, written)
    types = {name: fact.type for name, fact in facts.items()}
    vocabulary = Vocabulary(
        facts=facts,
        families=families,
        family_titles={name: words.text.facts[name].title for name in families},
        values=values,
        units=words.text.units,
        registers={name: register for name, register in registers.items() if register},
        calendars=words.text.calendars,
        kinds={group: getattr(words.text, group) for group in DOCUMENT_GROUPS},
        requirements=words.text.requirements,
        counters=words.text.counters,
        books=read_books(words.text, words.spans, types, words.findings),
        entities=words.text.entities,
        promises=words.text.promises,
        shares=words.text.shares,
        jurisdictions=words.text.jurisdictions,
        subjects=words.text.subjects,
        touches=tuple(words.text.touches),
        coherence=words.text.coherence,
        phrases=words.text.phrases,
        lanes=words.text.lanes,
        questions=words.text.questions,
        factor={
            part: (
                text.title,
                {
                    n: FactorLine(line.title, line.fact, line.take == "highest", line.beside == "yes")
                    for n, line in text.lines.items()
                },
            )
            for part, text in words.text.factor.items()
        },
        computed={
            part: {
                n: ComputedLine(line.title, line.take, (line.of, *([line.to] if line.to else [])))
                for n, line in text.computes.items()
            }
            for part, text in words.text.factor.items()
            if text.computes
        },
        nodes=words.nodes,
        spans=words.spans,
        statistics=words.text.statistics,
        authzen=words.text.authzen,
        settlement=words.text.settlement,
        plans=words.text.plans,
        transfer_registers=words.text.transfer_registers,
        measures=read_measures(words, types | {f"{name}.total": types[members[0]] for name, members in families.items()}),
        presets=words.text.presets,
        ids={name: read_ids(words, name, text) for name, text in lists.items() if text.of == IDS},
        said=everyday_names(words.said, values),
    )
    check_words(words, vocabulary)
    check_references(words, vocabulary)
    return vocabulary
