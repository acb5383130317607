"""
The digests of a bundle: of what its checked rules and words mean, and of the bytes of its files.

Rules, words and files go in; hex SHA-256 comes out. What the digest of the meaning prints of each is never changed: the record of a
decision names that digest. Source: semantics 5.5.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from engine.policy_language.coherence import Never
from engine.policy_language.mapping_facts import AnyMapping
from engine.policy_language.vocabulary import Vocabulary
from engine.policy_language.written_effects import PolicySettings
from engine.rules import Calendar, Rule, RuleSet


@dataclass(frozen=True, slots=True)
class Digests:
    """
    `meaning`: the checked rules and words. `source`: the bytes of the files. Hex SHA-256.

    `folders` has the digest of each folder by itself, by its name: what `source` would be of that folder alone. A file that was given by
    itself counts as a folder.
    """

    meaning: str
    source: str
    folders: dict[str, str] = field(hash=False)


def source_digest(sources: Mapping[str, bytes]) -> str:
    """The digest `source` of some files: of their names and bytes."""
    return _digest(f"{name}\0{len(data)}\0".encode() + data for name, data in sorted(sources.items()))


def _digest(pieces: Iterable[bytes]) -> str:
    digest = hashlib.sha256()
    for piece in pieces:
        digest.update(piece)
    return digest.hexdigest()


def meaning_digest(
    rules: RuleSet,
    vocabulary: Vocabulary,
    nevers: Iterable[Never],
    settings: PolicySettings,
    mappings: Mapping[str, AnyMapping],
) -> str:
    """The digest of the printed rules, words and mappings. Places, comments and layout do not change it."""
    values = [
        (
            v.name,
            [(value, sorted(line)) for value, line in sorted(v.lineage.items())],
            sorted(v.rank.items()),
            sorted(v.exact),
            sorted(v.country.items()),
            sorted(v.complete),
            sorted(v.rest),
            v.nothing,
        )
        for _, v in sorted(vocabulary.values.items())
    ]
    words = [
        [repr(fact) for _, fact in sorted(vocabulary.facts.items())],
        values,
        sorted((name, repr(jurisdiction)) for name, jurisdiction in vocabulary.jurisdictions.items()),
        sorted((name, repr(counter)) for name, counter in vocabulary.counters.items()),
        [repr(touch) for touch in vocabulary.touches],
        [sorted((name, repr(text)) for name, text in kinds.items()) for kinds in vocabulary.kinds.values()],
        sorted((name, repr(text)) for name, text in vocabulary.lanes.items()),
        sorted((name, repr(text)) for name, text in vocabulary.subjects.items()),
        sorted(
            (name, repr(register.title), register.source, register.status) for name, register in vocabulary.registers.items()
        ),
        sorted((name, repr(text.title), text.source, text.status) for name, text in vocabulary.calendars.items()),
        sorted((name, each.title, sorted(each.titles.items())) for name, each in vocabulary.values.items()),
        sorted(
            (part, repr(title), sorted((n, repr(line)) for n, line in lines.items()))
            for part, (title, lines) in vocabulary.factor.items()
        ),
    ]
    if vocabulary.books:
        words.append([repr(book) for _, book in sorted(vocabulary.books.items())])
        words.append([(name, each.everything) for name, each in sorted(vocabulary.values.items()) if each.everything])
    computed = sorted((part, sorted((n, repr(line)) for n, line in each.items())) for part, each in vocabulary.computed.items())
    beside = sorted(
        f"{part}.{name}" for part, (_, lines) in vocabulary.factor.items() for name, line in lines.items() if line.beside
    )
    follows = sorted((name, repr(fact.follows)) for name, fact in vocabulary.facts.items() if fact.follows)
    since = sorted((name, sorted(each.since.items())) for name, each in vocabulary.values.items() if each.since)
    words += [each for each in (computed, beside, follows, since) if each]  # an older bundle has none
    if vocabulary.units:
        words.append([f"{name}: {text.of} {text.times}" for name, text in sorted(vocabulary.units.items())])
        words.append([f"{name}: {fact.type.units.name}" for name, fact in sorted(vocabulary.facts.items()) if fact.type.units])
    if vocabulary.promises:
        words.append(sorted((name, repr(promise)) for name, promise in vocabulary.promises.items()))
    if vocabulary.shares:
        words.append(sorted((name, repr(text)) for name, text in vocabulary.shares.items()))
    if vocabulary.entities:
        words.append(sorted((kind, repr(text)) for kind, text in vocabulary.entities.items()))
    if vocabulary.organisations:
        words.append([repr(organisation) for organisation in vocabulary.organisations])
    if vocabulary.measures:
        words.append(sorted(vocabulary.measures.items()))
    if vocabulary.statistics is not None:
        words.append(json.dumps(vocabulary.statistics.model_dump(), sort_keys=True))
    if vocabulary.authzen is not None:
        words.append(json.dumps(vocabulary.authzen.model_dump(), sort_keys=True))
    if vocabulary.settlement is not None:
        said = vocabulary.settlement.model_dump()  # an older bundle has no book of benefits
        words.append(
            json.dumps({key: each for key, each in said.items() if each or key in ("parties", "free")}, sort_keys=True)
        )
    if vocabulary.plans is not None:
        words.append(json.dumps(vocabulary.plans.model_dump(), sort_keys=True))
    if mappings:
        words.append(sorted(f"{name}: {mapping.digest}" for name, mapping in mappings.items()))
    printed = [
        printed_settings(settings),
        *(f"{key}: {condition!r}" for key, condition in sorted(rules.definitions.items())),
        *(repr(rule) for rule in rules.rules),
        *(repr(requirement) for _, requirement in sorted(rules.requirements.items())),
        *(repr(floor) for floor in rules.floors),
        *(repr(each) for each in rules.not_reached),
        *map(repr, nevers),
        *(f"{name}: {sorted(entries.items())!r}" for name, entries in sorted(rules.registers.items())),
        *(f"{name}: {members!r}" for name, members in sorted(rules.families.items())),
        *(f"{name}: {printed_days(calendar)}" for name, calendar in sorted(rules.calendars.items())),
        *map(repr, words),
        *printed_persons(rules.rules),
    ]
    return _digest(line.encode() + b"\n" for line in printed)


def printed_persons(rules: Iterable[Rule]) -> list[str]:
    """The provisions that more than one person signs off, printed, and how many do; none in an older bundle."""
    return sorted({f"sign-off {each.provision.id}: {each.provision.persons}" for each in rules if each.provision.persons > 1})


def printed_settings(settings: PolicySettings) -> str:
    """Settings printed without the name of a class: a digest outlives names."""
    return f"Settings(trust={settings.trust!r}, norms={settings.norms!r})"


def printed_days(calendar: Calendar) -> str:
    """A calendar printed with its days sorted: the order of a set may differ between two processes."""
    sets = (calendar.weekend, calendar.holidays, calendar.workdays)
    return f"{calendar.known_from} {calendar.known_until} {[sorted(map(str, each)) for each in sets]}"
