"""
What would have to be stated so that a decision can become a permit: a decision with its ways goes in, lines that name facts come out.

The answer of a decision says this in the words of the law. Whoever fills a register or a mapping needs the names.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import engine

MOST_WAYS = 3  # of one requirement
MOST_QUESTIONS = 5
A_DOCUMENT = '{"dated": "2026-10-01", "covers": true}'


def wanted_facts(decision: "engine.Decision") -> Iterator[str]:
    """Lines that name what is asked of an exchange that may not proceed; none of one that may."""
    if decision.proceed:
        return
    if decision.missing:
        facts = decision.missing[0].facts
        yield from ("", "find out:")
        yield from _columns([(each.fact, each.question) for each in facts[:MOST_QUESTIONS]], "  ")
        if len(facts) > MOST_QUESTIONS:
            yield f"  and {len(facts) - MOST_QUESTIONS} more"
    documents = False
    for part in decision.ways or ():
        head = f"asked for: {part.title} ({part.requirement})" if part.requirement else f"way out of {', '.join(part.under)}"
        yield from ("", f"{head}{', one of' if len(part.ways) > 1 else ''}")
        for way in part.ways[:MOST_WAYS]:
            lacking = list(_lacking(way.needs))
            documents = documents or any(fact.startswith(("evidence.", "claims.")) for fact, _ in lacking)
            yield from _columns(lacking, "  - ", "    ")
        if len(part.ways) > MOST_WAYS:
            yield f"  and {len(part.ways) - MOST_WAYS} more ways"
        if part.says:
            yield f"  {part.says}"
    if documents:
        yield ""
        yield f"evidence and claims are stated like {A_DOCUMENT}"


def _lacking(tree: "engine.NeedPart | None") -> Iterator[tuple[str, str]]:
    """The facts that a part of a way lacks or leaves unknown, with what is asked of them; of alternatives, the one with fewest."""
    if tree is None or tree.state == "have":
        return
    if tree.any_of is not None:
        yield from min((list(_lacking(each)) for each in tree.any_of), key=len)
    elif tree.all_of is not None:
        yield from dict.fromkeys(each for part in tree.all_of for each in _lacking(part))
    elif tree.fact:
        yield tree.fact, tree.says or ""


def _columns(rows: list[tuple[str, str]], first: str, rest: str = "") -> Iterator[str]:
    wide = max((len(fact) for fact, _ in rows), default=0)
    for number, (fact, says) in enumerate(rows):
        yield f"{rest if number and rest else first}{fact:{wide}}  {says}".rstrip()
