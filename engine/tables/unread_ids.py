"""
Ids that decide nothing: rows that differ in them alone are decided once.

A bundle goes in, with others that read the same rows, and what documents some rows present. Out come the facts of ids that nothing reads
in these rows: no condition, nothing that cannot be true together, no document that says whom or what it is for. That an id is stated still
counts. Which one it is counts where the door of exchanges would refuse it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Sequence
from typing import Any

from engine.bundle import Bundle
from engine.policy_language.public_recipient import EVERYONE
from engine.register_facts import IN_REGISTER
from engine.rules import atoms
from engine.tables.column_mapping import SPOKEN
from engine.values import MAX_TEXT, BadValue, Type

_PLAIN = re.compile(rf"[!-~]{{1,{MAX_TEXT}}}(?:\n[!-~]{{1,{MAX_TEXT}}})*")  # letters, digits and signs that everybody sees
_SPOKEN = frozenset({SPOKEN, *EVERYONE})


class UnreadIds:
    """The ids that neither a bundle nor `others` read. They are read all the same where a register, a ledger or a book is asked."""

    def __init__(self, bundle: Bundle, *others: Bundle) -> None:
        self._others = tuple(map(UnreadIds, others))
        rules, words = bundle.rules, bundle.vocabulary
        conditions = [*rules.definitions.values(), *(rule.condition for rule in rules.rules)]
        conditions += [duty.done_when for duty in bundle.duties.values() if duty.done_when]
        read = {name for each in conditions for atom in atoms(each) for name in (atom.fact, atom.other) if name}
        read |= bundle.coherence.mentioned
        read = {name.removesuffix(IN_REGISTER) for name in read}
        self._types = {
            name: fact.type
            for name, fact in words.facts.items()
            if fact.type.kind == "id" and not fact.type.many and name not in read
        }
        self._fields = {
            name: frozenset(field for field, measured in words.measures.items() if measured == name) for name in self._types
        }

    def among(self, fields: Collection[str]) -> frozenset[str]:
        """The facts whose ids nothing reads, where documents state these `fields`."""
        found = frozenset(name for name, read in self._fields.items() if read.isdisjoint(fields))
        return found.intersection(*(each.among(fields) for each in self._others))

    def are_plain(self, values: Sequence[Any]) -> bool:
        """Whether all values are quickly seen to be ids like any other; where they are not, each is to be looked at by itself."""
        try:
            text = "\n".join(values)
        except TypeError:
            return False
        return bool(_PLAIN.fullmatch(text)) and _SPOKEN.isdisjoint(map(str.casefold, values))

    def is_plain(self, name: str, value: Any) -> bool:
        """Whether a value is an id like any other: each door takes it, and it is neither unknown nor the public."""
        if not isinstance(value, str) or value == SPOKEN or value.casefold() in EVERYONE:
            return False
        return _accepted(self._types[name], value) and all(each.is_plain(name, value) for each in self._others)


def _accepted(type: Type, value: str) -> bool:
    try:
        type.accept(value)
    except BadValue:
        return False
    return True
