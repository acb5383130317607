"""
The lists of the page of a decision: how many lines each opens, so that any decision prints on two sheets.

The heights are estimates in printed lines of the style sheet. A test prints the pages and counts the sheets.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from service.console import decision_sections
from service.console.list_limits import Folded, Listed, fit_lists, height, short
from service.console.outcome_history import HistoryLine
from service.console.reader import PageReader, Part
from service.console.request_facts import LONGEST, FactShown, in_turn
from service.console.request_origin import ClientFact, client_facts, contract_of, mapping_of, printed_lines

SHEETS = 126  # printed lines of two sheets
FIXED = 38  # of them for the titles, for what is always folded, and for the foot
PROVISIONS, TESTS = 15, 16  # that a page shows, and of each provision on their own page
WAYS = 3  # of meeting a requirement that are open
NAME, VALUES = 90, 4  # characters of a value, and values, in a column before the answer
CHOICES = 8  # of a question that are open
SHORT, WHOLE = 110, LONGEST  # characters of a text of others that are open, and that are shown at all
NEAREST = 35  # characters before and within the line of the nearest way
LONG = 200  # characters of an author's text that are open

MOST: Mapping[str, int] = {
    "name": NAME,
    "values": VALUES,
    "ways": WAYS,
    "choices": CHOICES,
    "short": SHORT,
    "long": LONG,
    "whole": WHOLE,
    "provisions": PROVISIONS,
    "tests": TESTS,
}  # as the templates name them


def lists(
    record: Part,
    decision: Part,
    facts: Sequence[FactShown],
    parties: Sequence[tuple[str, Sequence[str]]],
    sign_offs: Sequence[Part],
    became: Sequence[HistoryLine],
    reader: PageReader,
) -> dict[str, Folded]:
    """The lists of a decision, each with its open and its folded lines; `parties` are the columns that stand before the answer."""
    more = decision.get("more") or {}
    reasons = decision_sections.by_strictness(decision, decision.get("reasons") or [])
    certain = [part for part in reasons if part.get("standing") != "possible"]
    disputed = [reader.disputed(part) for part in decision.get("disputed") or ()]
    found = {
        "questions": Listed(decision.get("questions") or (), 3, 15, _question, more.get("questions", 0)),
        "unmet": Listed(decision_sections.unmet(decision), 4, 15, _unmet, more.get("unmet", 0)),
        "certain": Listed(certain, 6, PROVISIONS, _provision),
        "sign_offs": Listed(list(reversed(sign_offs)), 2, 12, lambda part: 2.6 + height(short(part.get("reason"), LONG))),
        "became": Listed(became, 6, 40, lambda line: height(f"{line.text} {short(line.reason or '', SHORT)}", columns=70)),
        "duties": Listed(decision_sections.duties(decision, certain=True), 4, 24, _duty),
        "jurisdictions": Listed(decision_sections.jurisdictions(decision), 4, 60, _jurisdiction),
        "carried": Listed(decision_sections.carried(decision), 3, 12, _condition),
        "disputed": Listed(disputed, 3, 12, lambda text: height(short(text, WHOLE))),
        "conflicts": Listed(decision.get("conflicts") or (), 2, 12, lambda part: 1 + height(_text(part))),
        "rests_on": Listed(
            decision.get("rests_on") or (), 4, 24, lambda part: 2.4, more.get("rests_on", 0) + more.get("ordinary_facts", 0)
        ),
        "silent": Listed(decision_sections.silent(decision, reader), 3, 30, height),
        "signed_off": Listed(decision.get("signed_off") or (), 2, 8, lambda part: 2.4),
        "signable": Listed(record.get("signable") or (), 3, 20, lambda name: 2.6),
        "facts": Listed(in_turn(facts), 40, 80, _fact),
        "client_facts": Listed(client_facts(record, reader), 6, 60, _client_fact),
        # What is always folded.
        "perhaps_owed": Listed(decision_sections.duties(decision, certain=False), 0, 16),
        "requirements": Listed(decision_sections.requirements(decision), 0, 40),
        "beaten": Listed(decision.get("beaten") or (), 0, 20),
        "advice": Listed(decision.get("advice") or (), 0, 20),
        "lanes": Listed((decision.get("factor") or {}).get("lanes") or (), 0, 24),
    }
    said = 1.25 * height(decision.get("answer"), record.get("denied"), columns=70)
    stated = max(height(*(short(each, NAME) for each in values[:VALUES]), columns=22) for _, values in parties)
    origin = printed_lines(mapping_of(record, reader), contract_of(record))
    return fit_lists(found, SHEETS - FIXED - said - stated - origin)


def _question(part: Part) -> float:
    return height(short(part.get("question"), WHOLE), "; ".join(each["title"] for each in part.get("values", ())[:CHOICES]))


def _client_fact(fact: ClientFact) -> float:
    return height(f"{fact.title} {fact.name}", columns=60)


def _unmet(part: Part) -> float:
    ways: Sequence[Sequence[Mapping[str, Any]]] = part["ways"]
    told = sum(
        height(one.get("title"), short(one.get("how") or "", LONG), columns=88) + _nearest(one)
        for way in ways[:WAYS]
        for one in way
    )
    # Before several ways stands a line of its own, after them the line that counts the others, and last what requires them.
    return told + (len(ways) > 1) + (len(ways) > WAYS) + 2 * bool(part.get("under"))


def _nearest(part: Part) -> float:
    """The line of the nearest way to a requirement, and the one that unfolds them all."""
    for way in part.get("means") or ():
        wanted = "; ".join(need["says"] for need in way["needs"] if need["state"] != "have")
        return 1.5 + height(f"{' ' * NEAREST}{way['title']} ({way['citation']}) {wanted}", columns=84)
    return 0


def _provision(part: Part) -> float:
    said = " ".join(str(part.get(name, "")) for name in ("effect", "title", "instrument", "citation"))
    return 0.5 + height(said, columns=84)


def _duty(part: Part) -> float:
    return height(part.get("duty"), f"{part.get('who')} {part.get('under')} {part.get('keep')}", columns=76)


def _condition(part: Part) -> float:
    return 1 + height(short(part.get("condition"), WHOLE))


def _jurisdiction(part: Part) -> float:
    return 1.5 * (1 + min(3, len(part.get("instruments") or ())))


def _fact(fact: FactShown) -> float:
    chips = 12 * (fact.personal + fact.registered)
    title, value = height(fact.title, columns=46), height(short(fact.value) + " " * chips, columns=40)
    return 0.1 + max(title, value)


def _text(part: Any) -> str:
    return str(part.get("text")) if isinstance(part, Mapping) else str(part)
