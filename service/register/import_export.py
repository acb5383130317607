"""
The register in bulk: files become entities, each of them checked, and entities become files.

The endpoints and the command line share this. A file is imported as a whole or not at all.
"""

import json
from collections.abc import Iterable, Iterator
from typing import Any

import engine
from service.problems import PLACES_SHOWN, ProblemPlace
from service.register import spreadsheet
from service.register.entity import MOST_BYTES as MOST_OF_ONE
from service.register.entity import EntityRefused, EntityToWrite, Version
from service.register.entity_versions import MOST_ENTRIES
from service.register.stated_facts import StatableFacts

SCHEMA = "fifthfactor/register/1"
MOST_BYTES = 16 * 1024 * 1024
FORMATS = ("json", "csv")
MEDIA_TYPES = {"json": "application/json", "csv": "text/csv"}


def export_entities(versions: Iterable[Version], form: str, states: StatableFacts) -> str:
    """Entities in a form in which they can be imported again."""
    return to_csv(versions, states) if form == "csv" else to_json(versions)


def to_json(versions: Iterable[Version]) -> str:
    """Entities as a document that can be imported again. Each is on its own line, so that two exports can be compared."""
    encode = json.JSONEncoder(ensure_ascii=False, sort_keys=True).encode
    lines = [encode({"kind": each.kind, "id": each.id, **each.content.document()}) for each in versions]
    body = ",\n".join(lines)
    return f'{{"schema": "{SCHEMA}", "entities": [\n{body}\n]}}\n'


def to_csv(versions: Iterable[Version], states: StatableFacts) -> str:
    """Entities as a table that can be imported again."""
    return spreadsheet.entities_csv([EntityToWrite(each.kind, each.id, each.content) for each in versions], states)


def read(raw: bytes, form: str, states: StatableFacts) -> Iterator[EntityToWrite | EntityRefused]:
    """
    The entities of a file, one by one, each checked by itself, with a Wrong for each that is not right.

    Raises Wrong if the file as a whole is not right, or holds more than MOST_ENTRIES entities.
    """
    entries = spreadsheet.read(raw, states) if form == "csv" else spreadsheet.entries(_documents(raw))
    for count, entry in enumerate(entries):
        if count >= MOST_ENTRIES:
            raise EntityRefused(
                [ProblemPlace(pointer="", code="too-many", detail=f"at most {MOST_ENTRIES} entities are imported at once")]
            )
        if isinstance(entry, EntityRefused):
            yield entry
        elif len(json.dumps(entry.content.document())) > MOST_OF_ONE:
            yield EntityRefused(
                [ProblemPlace(pointer=entry.place, code="too-large", detail=f"has more than {MOST_OF_ONE:,} bytes")]
            )
        else:
            wrong = states.places(entry)
            yield EntityRefused(wrong) if wrong else entry


def gather_entities(found: Iterator[EntityToWrite | EntityRefused]) -> list[EntityToWrite]:
    """All entities. Raises Wrong with the places of those that are not right."""
    entries: list[EntityToWrite] = []
    places: list[ProblemPlace] = []
    for each in found:
        if isinstance(each, EntityRefused):
            places += each.places
        else:
            entries.append(each)
        if len(places) >= PLACES_SHOWN:
            break
    if places:
        raise EntityRefused(places)
    return entries


def _documents(raw: bytes) -> list[Any]:
    try:
        document = engine.read_object(raw, MOST_BYTES, "register")
    except engine.ExchangeRefused as refused:
        raise EntityRefused.of(refused) from None
    places = [
        ProblemPlace(
            pointer=f"/{name[:80]}", code="unknown-key", detail=f'the body is {{"schema": "{SCHEMA}", "entities": [ … ]}}'
        )
        for name in document
        if name not in ("schema", "entities")
    ]
    if document.get("schema", SCHEMA) != SCHEMA:
        places.append(ProblemPlace(pointer="/schema", code="wrong-value", detail=f"must be `{SCHEMA}`"))
    entities = document.get("entities")
    if not isinstance(entities, list):
        places.append(ProblemPlace(pointer="/entities", code="wrong-type", detail="must be a list of entities"))
    if places:
        raise EntityRefused(places)
    assert isinstance(entities, list)
    return entities
