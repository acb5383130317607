"""
What a page shows of a decision, each list in the order in which a reader needs it: the strictest first.

The input is a decision with its explanation. Members that it lacks are left out.
"""

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from service.console.reader import PageReader, Part
from service.console.request_facts import order

EFFECTS = (
    "prohibit",
    "review",
    "require",
    "compels",
    "oblige",
    "exempts",
    "satisfies",
)  # effects that block an exchange come first
LEVELS = (
    "prohibited",
    "review",
    "requirements_unmet",
    "permitted_with_obligations",
    "permitted",
    "not_applicable",
)  # the strictest first
STATES = ("unmet", "doubtful", "unknown", "met")
CARRIED = ("violated", "unknown", "observe", "met")


def by_strictness(decision: Part, reasons: Sequence[Part]) -> list[Part]:
    """
    The provisions that stand for certain, then those that may; of each kind the strictest effect first.

    Of the same effect, those that ask for what is unmet come first.
    """
    effect = order(EFFECTS)
    asking = {provision for part in unmet(decision) for provision in part["under"]}
    return sorted(
        reasons,
        key=lambda part: (
            part.get("standing") == "possible",
            effect(str(part.get("effect", ""))),
            part.get("provision") not in asking,
        ),
    )


def jurisdictions(decision: Part) -> list[Part]:
    """
    The outcomes by jurisdiction, the strictest first; without law that only facts which are not given could bring in, which has one line.
    """
    level = order(LEVELS)
    elsewhere = (decision.get("elsewhere") or {}).get("places") or ()

    def bounds(part: Part) -> tuple[int, int]:
        found = part.get("bounds") or {}
        return level(str(found.get("highest", part.get("outcome")))), level(str(found.get("lowest", part.get("outcome"))))

    return sorted(
        (part for part in decision.get("jurisdictions") or () if part.get("jurisdiction") not in elsewhere), key=bounds
    )


def unmet(decision: Part) -> list[Part]:
    """What is required and not shown, by alternative."""
    how = {part["requirement"]: part.get("how") for part in requirements(decision)}
    whole = {part["requirement"]: part for part in decision.get("ways") or () if part.get("requirement")}
    return [
        {
            **part,
            "ways": [
                [{"how": how.get(one["requirement"]), **one, **_means(one, whole)} for one in way] for way in part["ways"]
            ],
        }
        for part in decision.get("unmet") or ()
    ]


def _means(one: Part, whole: Mapping[str, Part]) -> Part:
    """The ways to a requirement: all, where the decision has them, else the first ones, as its answer has them."""
    found = whole.get(one["requirement"])
    if found is None:
        return {"means": one.get("by") or (), "excluded": 0}
    means = [{**way, "needs": list(_needs(way["needs"] or {}, 0))} for way in found["ways"]]
    return {"means": means, "more": 0, "excluded": found["left_out"]}


def _needs(tree: Part, depth: int) -> Iterator[Part]:
    """The lines of what a way needs: its documents and claims, and the facts that are not so; of alternatives each deeper."""
    for part in tree.get("any_of") or ():
        lines = list(_needs(part, depth + 1))
        yield from ({**line, "either": number == 0} for number, line in enumerate(lines))
    for part in tree.get("all_of") or ():
        yield from _needs(part, depth)
    if tree.get("fact") and (tree["state"] != "have" or tree["fact"].startswith(("evidence.", "claims."))):
        yield {**tree, "depth": min(depth, 2)}


def ways_out(decision: Part) -> list[Part]:
    """What prohibits, with the ways out of it; where there is none it says so."""
    return [
        {**part, "means": [{**way, "needs": list(_needs(way["needs"] or {}, 0))} for way in part["ways"]]}
        for part in decision.get("ways") or ()
        if not part.get("requirement")
    ]


def requirements(decision: Part) -> list[Part]:
    """Every requirement; those that are not met first."""
    state = order(STATES)
    return sorted(decision.get("requirements") or (), key=lambda part: state(str(part.get("state"))))


def duties(decision: Part, certain: bool) -> list[Part]:
    """The duties that are owed for certain, or those that may be; those that are overdue first, then those that are due soonest."""
    return sorted(
        (
            part
            for part in decision.get("duties") or decision.get("owed") or ()
            if (part.get("certain") is not False) is certain
        ),
        key=lambda part: (part.get("overdue") != "yes", part.get("due") or "9999"),
    )


def carried(decision: Part) -> list[Part]:
    """The conditions that came with the data, those that are violated first."""
    state = order(CARRIED)
    return sorted(decision.get("carried") or (), key=lambda part: state(str(part.get("state"))))


def silent(decision: Part, reader: PageReader) -> list[str]:
    """The law that does not speak of the exchange and so opens a review: place and subject matter."""
    coverage = decision.get("coverage")
    if coverage is None:
        found = [(part["place"], part["subject"]) for part in decision.get("gaps") or () if part.get("reviewed")]
    else:
        parts = [part for part in coverage.get("not_modelled") or () if part.get("reviewed")]
        found = [(part["country"], part["subject"]) for part in [*parts, *(coverage.get("reach") or ())]]
    return list(dict.fromkeys(reader.language.pair(reader.place(place), reader.subject(subject)) for place, subject in found))


def account(decision: Part, reader: PageReader) -> Iterator[tuple[str, list[tuple[str, str]]]]:
    """The parts of the account of which something is stated, in the vocabulary's order, each with its lines."""
    found: Mapping[str, Any] = (decision.get("factor") or {}).get("account") or {}
    known = reader.bundle.vocabulary.factor
    for name in sorted(found, key=order(known)):
        lines = found[name]
        stated = [
            (str(line.get("title", key)), reader.told(str(line.get("fact", "")), line.get("value")))
            for key, line in ((key, lines[key]) for key in sorted(lines, key=order(known[name][1] if name in known else ())))
            if line.get("value") is not None
        ]
        # A party's id is withheld and occurs in several parts. Alone it does not make a part stated.
        if any(line.get("value") not in (None, "personal") for line in lines.values()):
            yield reader.account(name), stated


def computed(decision: Part, reader: PageReader) -> list[tuple[str, list[tuple[str, str]]]]:
    """The groups of what was computed, each with its title and its lines in sentences; of a price also what is payable."""
    factor = decision.get("factor") or {}
    groups = (factor.get("computed") or {}).values()
    found = [(group["title"], [(line["title"], line["says"]) for line in group["lines"]]) for group in groups]
    settled = factor.get("settlement")
    if settled:
        payable = [(f"{line['title']} {line.get('party') or ''}".strip(), line["amount"]) for line in settled.get("lines", [])]
        found.append((reader.language.sections["settlement"], [(settled.get("price") or "", settled["says"]), *payable]))
    return found
