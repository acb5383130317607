"""
Check the registers of transfers of a vocabulary, and say what a column of one shows.

A vocabulary and the checked rules go in; each register of an unknown jurisdiction, each unknown provision that it takes, and each column
of what no exchange states is a finding at its line. The registers decide nothing, so no digest of a meaning has them.
"""

from __future__ import annotations

from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.ledger_text import RECORDED
from engine.policy_language.tree import locate
from engine.policy_language.vocabulary import DOCUMENT_GROUPS, Vocabulary
from engine.rules import RuleSet

GROUNDS = "grounds."
RECORD = "record."


def check_transfer_registers(vocabulary: Vocabulary, rules: RuleSet, findings: Findings) -> None:
    """Check every register of transfers."""
    provisions = {rule.provision.id for rule in rules.rules}
    for name, register in vocabulary.transfer_registers.items():
        node = vocabulary.nodes["transfer_registers", name]
        if register.jurisdiction not in vocabulary.jurisdictions:
            at = locate(node, ("jurisdiction",))[0].span
            help = did_you_mean(register.jurisdiction, vocabulary.jurisdictions)
            findings.error(at, "unknown-jurisdiction", f"`{register.jurisdiction}` is not a jurisdiction", help=help)
        for number, provision in enumerate(register.takes):
            if provision not in provisions:
                at = locate(node, ("takes", number))[0].span
                help = did_you_mean(provision, provisions) or "write `policy/id`"
                findings.error(at, "unknown-rule", f"there is no rule `{provision}`", help=help)
        for column, text in register.columns.items():
            for number, source in enumerate(text.sources):
                if not _shows(vocabulary, source):
                    path = ("columns", column, "from") if isinstance(text.from_, str) else ("columns", column, "from", number)
                    at = locate(node, path)[0].span
                    help = did_you_mean(source, _names(vocabulary))
                    findings.error(at, "unknown-fact", f"an exchange has no fact `{source}`", help=help)


def _shows(vocabulary: Vocabulary, source: str) -> bool:
    """Whether a column can show this of an exchange."""
    if source.startswith(GROUNDS):
        return source.removeprefix(GROUNDS) in vocabulary.requirements
    if source.startswith(RECORD):
        return source.removeprefix(RECORD) in RECORDED
    group, _, kind = source.partition(".")
    if group in DOCUMENT_GROUPS and kind in vocabulary.kinds[group]:
        return True
    return source in vocabulary.families or vocabulary.type_of(source) is not None


def _names(vocabulary: Vocabulary) -> list[str]:
    """What a column may show, for suggestions."""
    return [
        *vocabulary.facts,
        *vocabulary.families,
        *(f"{group}.{kind}" for group in DOCUMENT_GROUPS for kind in vocabulary.kinds[group]),
        *(f"{GROUNDS}{name}" for name in vocabulary.requirements),
        *(f"{RECORD}{name}" for name in RECORDED),
    ]
