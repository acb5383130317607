"""
Check and read the part `settlement` of a vocabulary, which says which facts make a price money that is payable.

The price must be money, the shares a family of ratios. Each role must be one of the family's members, and the fact of its parties an id
or a set of ids. What the book of benefits reads and fills must be of the type that it needs. Each error is a finding at its line.
"""

from __future__ import annotations

from engine.books.benefit_filling import VALUES
from engine.books.settlement import SettlementFacts
from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.ledger_text import SettlementText
from engine.policy_language.tree import locate
from engine.policy_language.vocabulary import Vocabulary
from engine.values import BadValue, Type
from engine.values.multilingual import NO_WORDS


def settlement_facts(vocabulary: Vocabulary) -> SettlementFacts | None:
    """The part `settlement` of a checked vocabulary by its facts; None where it has none."""
    text = vocabulary.settlement
    if text is None:
        return None
    filled = {what: fact for fact, what in text.fills.items()}
    return SettlementFacts(
        price=text.price,
        shares={each.removeprefix(f"{text.shares}."): each for each in vocabulary.families[text.shares]},
        parties=text.parties,
        free=text.free,
        accounts=frozenset(text.accounts),
        countries=text.countries,
        name=text.book or "",
        title=text.title.words if text.title else NO_WORDS,
        by=text.by or "",
        agreement=text.agreement or "",
        made_from=text.made_from or "",
        data=text.data or "",
        sources={fact: frozenset(kinds) for fact, kinds in text.sources.items()},
        **filled,
    )


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
        for role, fact in text.countries.items():
            if members is not None and role not in roles:
                said = f"`{text.shares}` has no member `{role}`"
                self.wrong(("countries", role), "unknown-value", said, did_you_mean(role, roles), key=True)
            self.known(("countries", role), fact)
        for number, role in enumerate(text.accounts):
            if members is not None and role not in roles:
                said = f"`{text.shares}` has no member `{role}`"
                self.wrong(("accounts", str(number)), "unknown-value", said, did_you_mean(role, roles))
        for fact, word in text.free.items():
            tested = self.known(("free", fact), fact, key=True)
            try:
                if tested is not None:
                    tested.accept(word)
            except BadValue as bad:
                self.wrong(("free", fact), "bad-value", str(bad), bad.help)

        self.check_book(text)

    def check_book(self, text: SettlementText) -> None:
        """The facts that the book of benefits reads and fills, where there is one."""
        for key, many in (("by", False), ("agreement", False), ("data", False), ("made_from", True)):
            fact = getattr(text, key)
            type = None if fact is None else self.known((key,), fact)
            if type is not None and (type.kind, type.many) != ("id", many):
                said = f"`{fact}` is of type `{type.name}`, which does not fit the book of benefits"
                self.wrong((key,), "ill-typed", said, f"a {'set of id' if many else 'id'} is needed here")
        for fact, words in text.sources.items():
            type = self.known(("sources", fact), fact, key=True)
            for number, word in enumerate(words):
                try:
                    if type is not None:
                        type.accept(word)
                except BadValue as bad:
                    self.wrong(("sources", fact, str(number)), "bad-value", str(bad), bad.help)
        kinds = {"named": "yes/no", "overdue": "count", "settlement": "value"}
        missing = kinds.keys() - text.fills.values() if text.book else {}
        for what in sorted(missing):
            said = f"no fact of `{text.book}` is filled with `{what}`"
            self.wrong(("book",), "missing-key", said, f"name one under `fills:`, like `benefits.{what}: {what}`")
        for fact, what in text.fills.items():
            type = self.known(("fills", fact), fact, key=True)
            values = set(type.values.values) if type and type.values else set()
            if type is not None and (type.kind != kinds[what] or (what == "settlement" and values != set(VALUES))):
                said = f"`{fact}` is of type `{type.name}`, which does not fit the book of benefits"
                needed = (
                    f"values {', '.join(f'`{each}`' for each in VALUES)}" if what == "settlement" else f"type `{kinds[what]}`"
                )
                self.wrong(("fills", fact), "ill-typed", said, f"{needed} are needed here")

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
