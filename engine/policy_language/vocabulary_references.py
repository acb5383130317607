"""Whether the words of a vocabulary that name one another exist and fit: registers, calendars, jurisdictions, the account, statistics."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from datetime import date
from typing import get_args

from engine.policy_language.coverage_text import CoverText
from engine.policy_language.diagnostic import did_you_mean
from engine.policy_language.document_text import Status
from engine.policy_language.tree import locate
from engine.policy_language.vocabulary import WEEK, Register, Vocabulary
from engine.policy_language.vocabulary_text import DERIVED, CalendarText, RegisterText
from engine.policy_language.written_vocabulary import WrittenVocabulary
from engine.rules import RegisterEntry
from engine.values import BadValue, Type, ValueSet

STATUSES = get_args(Status)  # from sure to unsure
MOST_YEARS = 100  # of a calendar: its days are counted one by one
IDS = "id"  # of which a register may list entries, beside the value sets
CALENDAR = re.compile(r"[A-Z]{2}")
# The kinds of the facts that statistics use for something else than to tell exchanges apart.
STATISTICS_KINDS = {
    "people": "count",
    "price": "money",
    "source_country_share": "ratio",
    "public_share": "ratio",
    "exclusive": "yes/no",
    "supplier": "id",
    "recipient": "id",
}
_COMPUTED_OF = {
    "ratio": "name a sum of money",
    "limit": "name a sum of money",
    "highest": "name a set of ordered values",
    "validity": "name a kind of evidence, as `evidence.KIND`",
    "total": "name a family of ratios",
}


def read_ids(words: WrittenVocabulary, name: str, text: RegisterText) -> dict[str, RegisterEntry]:
    """A register of ids: each with the days on which it is listed."""
    found: dict[str, RegisterEntry] = {}
    words.no_value_twice(("registers", name), "entries", text.entries)
    for written in text.entries:
        at = locate(words.nodes["registers", name], ("entries", written))[1]
        entry = text.entries[written] if isinstance(text.entries, dict) else None
        try:
            id = str(Type("id").read(written))
        except BadValue as bad:
            words.findings.error(at, "bad-value", str(bad), "not an id", bad.help)
            continue
        if id in found:
            words.findings.error(at, "duplicate-id", f"`{id}` appears twice in `{name}`", help="keep one of the two")
        found[id] = RegisterEntry(entry.from_ if entry else None, entry.until if entry else None)
    if not found:
        words.findings.error(words.spans["registers", name], "wrong-shape", "this list is empty", help="name at least one id")
    return found


def read_register(words: WrittenVocabulary, values: Mapping[str, ValueSet], name: str, text: RegisterText) -> Register | None:
    span = words.spans["registers", name]
    of = values.get(text.of)
    if of is None:
        words.findings.error(
            span,
            "unknown-value-set",
            f"`of: {text.of}` is not a value set",
            help=did_you_mean(text.of, values),
        )
        return None
    entries: dict[str, tuple[RegisterEntry, ...]] = {}
    written = text.entries
    words.no_value_twice(("registers", name), "entries", written)
    for value in written:
        if value not in of.lineage:
            at = locate(words.nodes["registers", name], ("entries", value))[1]
            words.findings.error(at, "unknown-value", f"`{value}` is not a value of `{of.name}`", help=of.did_you_mean(value))
        entry = written[value] if isinstance(written, dict) else None
        if entry and entry.status and STATUSES.index(entry.status) > STATUSES.index(text.status):
            words.findings.error(
                locate(words.nodes["registers", name], ("entries", value))[1],
                "doubt",
                f"`{value}` is marked {entry.status}, less sure than its register",
                help="move it to a register with that mark, and use that register in a rule with that mark",
            )
        entries[value] = (RegisterEntry(entry.from_ if entry else None, entry.until if entry else None),)
    return Register(text.title, of, text.source, text.status, entries)


def check_calendar(words: WrittenVocabulary, name: str, text: CalendarText) -> None:
    """Report days that a calendar does not know, or that contradict one another."""
    node = words.nodes["calendars", name]
    if not CALENDAR.fullmatch(name):
        at = words.spans["calendars", name]
        words.findings.error(
            at, "bad-id", f"`{name}` cannot be the name of a calendar", help="use two capital letters, like `CN`"
        )
    if text.known_until.year - text.known_from.year > MOST_YEARS:
        at = words.spans["calendars", name]
        said = f"`{name}` covers more than {MOST_YEARS} years"
        words.findings.error(at, "bad-value", said, help="set an earlier `known_until`; holidays are announced year by year")
    seen: set[date] = set()
    for part, number, day in (
        *(("holidays", number, day) for number, day in enumerate(text.holidays)),
        *(("workdays", number, day) for number, day in enumerate(text.workdays)),
    ):
        at = locate(node, (part, number))[0].span
        if not text.known_from <= day <= text.known_until:
            said = f"`{day}` lies outside `known_from` and `known_until`"
            words.findings.error(at, "bad-value", said, help="change one of them, or drop the day")
        elif day in seen:
            words.findings.error(at, "duplicate-id", f"`{day}` appears twice in `{name}`", help="keep one of the two")
        elif part == "workdays" and WEEK[day.weekday()] not in text.weekend:
            said = f"`{day}` is a working day already: {day:%A} is not in `weekend`"
            words.findings.error(at, "bad-value", said, help="drop the day, or correct `weekend`")
        seen.add(day)


def _check_questions(words: WrittenVocabulary, vocabulary: Vocabulary) -> None:
    """Report each fact that a question cannot stand for: it is unknown, it is asked with others already, or it is never nothing."""
    grouped: dict[str, str] = {}
    for name, group in vocabulary.questions.items():
        at = words.spans["questions", name]
        for place in group.facts:
            member = vocabulary.facts.get(vocabulary.families.get(place, (place,))[0])
            if member is None:
                help = did_you_mean(place, [*vocabulary.facts, *vocabulary.families])
                words.findings.error(at, "unknown-fact", f"an exchange has no fact `{place}`", help=help)
            elif member.none is None or member.follows or member.register_only:
                told = f"no value of `{place}` says that there is nothing of it, so no question stands for it and others"
                words.findings.error(at, "ill-typed", told, help="drop it: here stand sets that may be empty, and numbers")
            if grouped.setdefault(place, name) != name:
                told = f"`{place}` stands in `{grouped[place]}` too, and is asked once"
                words.findings.error(at, "duplicate-id", told, help="keep one of the two")


def check_references(words: WrittenVocabulary, vocabulary: Vocabulary) -> None:
    """Check every name of another word in the vocabulary."""

    def known(kind: str, name: str, names: Iterable[str], at: tuple[str, str], code: str) -> None:
        listed = list(names)
        if name not in listed:
            words.findings.error(words.spans[at], code, f"`{name}` is not a {kind}", help=did_you_mean(name, listed))

    for name, requirement in vocabulary.requirements.items():
        known(
            "jurisdiction",
            requirement.jurisdiction,
            vocabulary.jurisdictions,
            ("requirements", name),
            "unknown-jurisdiction",
        )
    for name, jurisdiction in vocabulary.jurisdictions.items():
        for subject, cover in jurisdiction.covers.items():
            known("subject", subject, vocabulary.subjects, ("jurisdictions", name), "unknown-subject")
            for wider in cover.wider:
                known("subject", wider, vocabulary.subjects, ("jurisdictions", name), "unknown-subject")
            if said := _wrong_cell(vocabulary, name, subject, cover):
                at = locate(words.nodes["jurisdictions", name], ("covers", subject))[1]
                words.findings.error(at, "wrong-cell", *said)
        if isinstance(jurisdiction.countries, str):
            known(
                "register",
                jurisdiction.countries,
                vocabulary.registers,
                ("jurisdictions", name),
                "unknown-register",
            )
    for subject, text in vocabulary.subjects.items():
        for name in text.only_in:
            known("jurisdiction", name, vocabulary.jurisdictions, ("subjects", subject), "unknown-jurisdiction")
    countries = vocabulary.values.get("country")
    for name, jurisdiction in vocabulary.jurisdictions.items():
        for number, code in enumerate(jurisdiction.countries if isinstance(jurisdiction.countries, list) else ()):
            if countries and code not in countries.lineage:
                at = locate(words.nodes["jurisdictions", name], ("countries", number))[0].span
                words.findings.error(at, "unknown-value", f"`{code}` is not a country", help=countries.did_you_mean(code))
    for number, touch in enumerate(vocabulary.touches):
        fact = vocabulary.facts.get(touch.fact)
        if fact and fact.type.values is not countries:
            at = locate(words.nodes["touches", str(number)], ("fact",))[0].span
            words.findings.error(at, "ill-typed", f"`{touch.fact}` is of type `{fact.type.name}`, not a country")
        if touch.fact not in vocabulary.facts:
            at = locate(words.nodes["touches", str(number)], ("fact",))[0].span
            words.findings.error(
                at,
                "unknown-fact",
                f"an exchange has no fact `{touch.fact}`",
                help=did_you_mean(touch.fact, vocabulary.facts),
            )
    _check_questions(words, vocabulary)
    for part, (_, lines) in vocabulary.factor.items():
        for line in lines.values():
            if vocabulary.type_of(line.fact) is None and line.fact not in vocabulary.families:
                at = words.spans["factor", part]
                words.findings.error(
                    at,
                    "unknown-fact",
                    f"an exchange has no fact `{line.fact}`",
                    help=did_you_mean(line.fact, vocabulary.facts),
                )
        for name, computed in vocabulary.computed.get(part, {}).items():
            if name in lines:
                at = words.spans["factor", part]
                words.findings.error(
                    at, "duplicate-id", f"`{part}` has a line `{name}` already", help="name what is computed otherwise"
                )
            for source in computed.facts:
                if not _computable(vocabulary, computed.take, source):
                    words.findings.error(
                        words.spans["factor", part],
                        "ill-typed",
                        f"`{computed.take}` cannot be computed of `{source}`",
                        help=_COMPUTED_OF[computed.take],
                    )
    _check_statistics(words, vocabulary)
    _check_plans(words, vocabulary)
    for name in words.text.counters:
        if name not in vocabulary.families and name not in vocabulary.facts:
            words.findings.error(
                words.spans["counters", name],
                "unknown-fact",
                f"there is no fact with the name of the counter `{name}`",
                help="add it under `facts:`",
            )


def _check_statistics(words: WrittenVocabulary, vocabulary: Vocabulary) -> None:
    """Check that each fact of the statistics is there, and of a type that they can use."""
    statistics = words.text.statistics
    for place, name in enumerate(statistics.registers if statistics else ()):
        register = vocabulary.registers.get(name)
        if register is None or register.of is not vocabulary.values.get("country"):
            at = locate(words.nodes["statistics", ""], ("registers", place))[0].span
            help = did_you_mean(name, vocabulary.registers)
            words.findings.error(at, "unknown-value", f"there is no register of countries `{name}`", help=help)
    for use, fact in (statistics.facts if statistics else {}).items():
        at = locate(words.nodes["statistics", ""], (use,))[0].span
        members = vocabulary.families.get(fact, (fact,)) if use == "people" else (fact,)
        if members[0] not in vocabulary.facts:
            help = did_you_mean(fact, [*vocabulary.facts, *vocabulary.families])
            words.findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", help=help)
            continue
        type = vocabulary.facts[members[0]].type
        kind = STATISTICS_KINDS.get(use, "value")
        if type.kind != kind or (type.many and use not in ("grade", "sector", "venue", "kind", "purpose")):
            words.findings.error(at, "ill-typed", f"`{fact}` is of type `{type.name}`, which `{use}` cannot use")


def _check_plans(words: WrittenVocabulary, vocabulary: Vocabulary) -> None:
    """Check that each fact by which the legs of a plan are compared is there, and that `derived` has the values that are read of it."""
    plans = words.text.plans
    if plans is None:
        return
    at = locate(words.nodes["plans", ""], ())[0].span
    named = [plans.derived, plans.data, *plans.aggregated, *plans.places, *plans.party, *plans.party.values(), *plans.asks]
    for fact in named:
        if fact not in vocabulary.facts:
            help = did_you_mean(fact, list(vocabulary.facts))
            words.findings.error(at, "unknown-fact", f"an exchange has no fact `{fact}`", help=help)
    if plans.people not in vocabulary.families and plans.people not in vocabulary.facts:
        words.findings.error(at, "unknown-fact", f"an exchange has no fact `{plans.people}`")
    derived = vocabulary.facts.get(plans.derived)
    if derived is not None and (derived.type.values is None or set(derived.type.values.values) != set(DERIVED)):
        words.findings.error(
            at, "ill-typed", f"`{plans.derived}` must have the values {', '.join(f'`{each}`' for each in DERIVED)}"
        )


def _computable(vocabulary: Vocabulary, take: str, fact: str) -> bool:
    """Whether the account can compute something of a fact, a kind of document or a family in a way."""
    if take == "total":
        members = vocabulary.families.get(fact, ())
        return bool(members) and all(vocabulary.facts[member].type.kind == "ratio" for member in members)
    if take == "validity":
        return fact.removeprefix("evidence.") in vocabulary.kinds["evidence"] and fact.startswith("evidence.")
    known = vocabulary.type_of(fact)
    if known is None:
        return False
    return known.kind == "money" if take in ("ratio", "limit") else bool(known.many and known.ordered)


def _wrong_cell(vocabulary: Vocabulary, jurisdiction: str, subject: str, cover: CoverText) -> tuple[str, str, str] | None:
    """What is wrong with a cell beside the others of its jurisdiction: a sentence, a remark, and what to do."""
    text = vocabulary.subjects.get(subject)
    if text is None:
        return None
    if text.only_in and jurisdiction not in text.only_in:
        said = f"`{subject}` is a subject matter only of the law of {', '.join(text.only_in)}"
        return said, "", "drop the cell, or name the jurisdiction under `only_in:`"
    if text.guarded == "yes" and cover.kind in ("free", "under"):
        return (
            f"`{subject}` is never free, nor under another subject matter",
            "",
            "name the policies that speak of it, or a law that was not read",
        )
    covers = vocabulary.jurisdictions[jurisdiction].covers
    for wider in cover.wider:
        if wider == subject or (wider in covers and covers[wider].kind == "under"):
            return f"`{wider}` stands under another subject matter itself", "", "name the subject matter whose law governs both"
        if wider not in covers:
            return f"nothing is said of `{wider}` in `{jurisdiction}`", "", f"add a cell for `{wider}` first"
    return None
