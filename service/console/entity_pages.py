"""
The pages of the register: versions of entities go in, a page of a list or of one entity comes out.

What an entity states is told in the words of the loaded vocabulary. What the vocabulary does not know is shown as it was written.
"""

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from service.console.list_limits import short
from service.console.pages import rendered
from service.console.reader import PageReader
from service.console.request_facts import LONGEST
from service.languages.words import text_for, text_if_any
from service.register.alike_assets import AlikeAsset
from service.register.entity import ASSET, PARTY, Content, Version
from service.register.stated_facts import DOCUMENTS, PARTY_ROLES, StatableFacts

LINES = 100  # of facts, of one entity
CHANGES = 12  # of a version that a page tells
_IN_A_LIST = 3  # facts of an entity in a list
# The facts that say in short what an entity is, by its kind; without the role, as a party's are written.
_FIRST: Mapping[str, Sequence[str]] = {
    PARTY: ("country", "kind", "locality"),
    ASSET: ("data.kind", "data.categories", "data.people"),
}


@dataclass(frozen=True, slots=True)
class StatedLine:
    """Something that an entity states: its name as it is written, its title, and its value in words."""

    name: str
    title: str
    value: str


@dataclass(frozen=True, slots=True)
class ChangedLine:
    """What differs between a version and the one before it; None where one of them does not state it."""

    title: str
    before: str | None
    after: str | None


@dataclass(frozen=True, slots=True)
class VersionShown:
    """A version with what changed in it; `more` changes are not told. The first version of an entity changes nothing."""

    version: Version
    changes: Sequence[ChangedLine]
    more: int
    first: bool


def list_page(
    found: Sequence[Version],
    kinds: Sequence[str],
    asked: Mapping[str, str],
    paged: bool,
    following: str | None,
    states: StatableFacts,
    reader: PageReader,
) -> str:
    """The list of entities. `asked` are the filters of its address, `following` is the cursor of the next page."""
    return rendered(
        "register_list.html",
        reader,
        "/register",
        w=reader.words.register,
        filters=asked,
        entities=[(each, _in_short(each, states, reader)) for each in found],
        kinds=kinds,
        kind_title=lambda kind: kind_title(kind, reader),
        with_=lambda name, value: {**asked, name: value},
        paged=paged,
        next=following,
    )


def entity_page(
    latest: Version,
    shown: Version,
    history: Sequence[Version],
    most: int,
    alike: Sequence[AlikeAsset],
    asked: Mapping[str, str],
    states: StatableFacts,
    reader: PageReader,
) -> str:
    """
    The page of one entity: the version that is `shown`, and its history, of which at most so many versions are told.

    `alike` are other assets that may be the same. `history` has one version more where there are older ones: the last one that is told is
    compared with it.
    """
    lines = list(_facts(shown, states, reader))
    told = [
        _version(each, history[place + 1] if place + 1 < len(history) else None, states, reader)
        for place, each in enumerate(history[:most])
    ]
    names = [shown.id, *shown.content.aliases]
    return rendered(
        "register_entity.html",
        reader,
        f"/register/{latest.kind}/{latest.id}",
        w=reader.words.register,
        filters=asked,
        entity=shown,
        latest=latest,
        names=names if shown.state == "held" else (),
        kind_name=kind_title(latest.kind, reader),
        facts=lines[:LINES],
        more=max(0, len(lines) - LINES),
        documents={
            group: [line for line in _documents(shown.content, reader) if line.name.startswith(f"{group}.")]
            for group in DOCUMENTS
        },
        history=told,
        alike=alike,
        older=history[most - 1].version if len(history) > most else None,
        is_party=latest.kind == PARTY,
        is_asset=latest.kind == ASSET,
    )


def kind_title(kind: str, reader: PageReader) -> str:
    """The title of a kind of entities: those of this service, those that the vocabulary declares, or its name."""
    words = reader.words.register
    declared = reader.bundle.vocabulary.entities.get(kind)
    return text_if_any(words, f"kind_{kind}") or (declared.title.in_(reader.lang) if declared else "") or kind


def _in_short(version: Version, states: StatableFacts, reader: PageReader) -> str:
    """The first facts of an entity, those that say what it is before others."""
    first = _FIRST.get(version.kind, ())
    lines = {line.name: line for line in _facts(version, states, reader)}
    names = [*(name for name in first if name in lines), *(name for name in lines if name not in first)]
    told = (reader.language.pair(lines[name].title, short(lines[name].value, 60)) for name in names[:_IN_A_LIST])
    return "; ".join(told)


def _facts(version: Version, states: StatableFacts, reader: PageReader) -> Iterator[StatedLine]:
    """What an entity states beside its documents, line by line."""
    if not states.declares(version.kind):
        for name, value in version.facts.items():
            yield StatedLine(name, name, short(json.dumps(value, ensure_ascii=False), LONGEST))
        return
    for path, value in states.flat(version.kind, version.facts):
        name = ".".join(path)
        fact = _fact(version.kind, name, reader)
        yield StatedLine(name, reader.title(fact), short(reader.told(fact, value), LONGEST))


def _fact(kind: str, name: str, reader: PageReader) -> str:
    """The name that a fact of an entity has in an exchange. A party's facts are written without the role."""
    if kind != PARTY:
        return name
    return next((fact for role in PARTY_ROLES if (fact := f"{role}.{name}") in reader.titles), name)


def _documents(content: Content, reader: PageReader) -> Iterator[StatedLine]:
    for group in DOCUMENTS:
        for kind, document in getattr(content, group).items():
            name = f"{group}.{kind}"
            yield StatedLine(name, reader.title(name), short(reader.told(name, document), LONGEST))


def _version(version: Version, before: Version | None, states: StatableFacts, reader: PageReader) -> VersionShown:
    if before is None:
        return VersionShown(version, (), 0, version.version == 1)
    old, new = (_everything(each, states, reader) for each in (before, version))
    changes = [
        ChangedLine(title, old.get(title), new.get(title))
        for title in dict.fromkeys((*old, *new))
        if old.get(title) != new.get(title)
    ]
    return VersionShown(version, changes[:CHANGES], max(0, len(changes) - CHANGES), False)


def _everything(version: Version, states: StatableFacts, reader: PageReader) -> dict[str, str]:
    """All that a version states, each with its title."""
    words, content = reader.words.register, version.content
    lines = {
        words["state"]: text_for(words, f"state_{version.state}"),
        words["valid_from"]: content.valid_from,
        words["valid_until"]: content.valid_until,
        words["aliases"]: "; ".join(content.aliases),
        words["attested_by"]: content.attested_by,
        words["note"]: content.note,
        words["asset_title"]: content.title,
        words["holder"]: content.holder,
        words["hash"]: content.hash,
        words["travels"]: "; ".join(f"{each.provision} ({each.from_})" for each in content.travels),
    }
    found = {title: value for title, value in lines.items() if value}
    for line in (*_facts(version, states, reader), *_documents(content, reader)):
        found[line.title if line.title not in found else f"{line.title} ({line.name})"] = line.value
    return {title: short(value, LONGEST) for title, value in found.items()}
