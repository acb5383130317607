"""
Check the part `settlement` of a vocabulary, which says which facts make a price money that is payable.

The price must be money, the shares a family of ratios. Each role must be one of the family's members, and the fact of its parties an id
or a set of ids. Each error is a finding at its line.
"""

from __future__ import annotations

from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.ledger_text import SettlementText
from engine.policy_language.tree import locate
from engine.policy_language.vocabulary import Vocabulary
from engine.values import BadValue, Type


def check_settlement(vocabulary: Vocabulary, findings: Findings) -> None:
    """Check the part `settlement`, if the vocabulary has one."""
    if vocabulary.settlement is not None:
        _SettlementChecker(vocabulary, findings).check(vocabulary.settlement)


class _SettlementChecker:
    def __init__(self, vocabulary: Vocabulary, findings: Findings) -> None:
        self.vocabulary = vocabulary
        self.findings = findings

    def check(self, text: SettlementText) -> None:
        facts = self.vocabulary.facts
        price = self.known(("price",), text.price)
        if price is not None and (price.kind, price.many) != ("money", False):
            self.wrong(
                ("price",), "ill-typed", f"`{text.price}` is of type `{price.name}`, not `money`", "name a fact of type `money`"
            )
        members = self.vocabulary.families.get(text.shares)
        if members is None:
            help = did_you_mean(text.shares, self.vocabulary.families) or "name a fact with `by:`"
            self.wrong(("shares",), "unknown-fact", f"there is no family of facts `{text.shares}`", help)
        elif (type := facts[members[0]].type).kind != "ratio":
            said = f"`{text.shares}` is of type `{type.name}`, not `ratio`"
            self.wrong(("shares",), "ill-typed", said, "name a family of ratios")
        roles = [member.removeprefix(f"{text.shares}.") for member in members or ()]
        for role, fact in text.parties.items():
            if members is not None and role not in roles:
                said = f"`{text.shares}` has no member `{role}`"
                self.wrong(("parties", role), "unknown-value", said, did_you_mean(role, roles), key=True)
            named = self.known(("parties", role), fact)
            if named is not None and named.kind != "id":
                said = f"`{fact}` is of type `{named.name}`, which names no party"
                self.wrong(("parties", role), "ill-typed", said, "name an `id` or a `set of id`")
        for fact, word in text.free.items():
            tested = self.known(("free", fact), fact, key=True)
            try:
                if tested is not None:
                    tested.accept(word)
            except BadValue as bad:
                self.wrong(("free", fact), "bad-value", str(bad), bad.help)

    def known(self, where: tuple[str, ...], fact: str, key: bool = False) -> Type | None:
        """The type of a fact; a name that is none is a finding."""
        found = self.vocabulary.facts.get(fact)
        if found is None:
            said = f"an exchange has no fact `{fact}`"
            self.wrong(where, "unknown-fact", said, did_you_mean(fact, self.vocabulary.facts), key=key)
        return found.type if found else None

    def wrong(self, where: tuple[str, ...], code: str, said: str, help: str, key: bool = False) -> None:
        at = locate(self.vocabulary.nodes["settlement", ""], where)
        self.findings.error(at[1] if key else at[0].span, code, said, help=help)
