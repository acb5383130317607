"""Completion: a place in a file goes in, the words and keys that may stand there come out, what the author means first."""

from lsprotocol import types

import engine
from service.language_server.loaded_policies import LoadedPolicies
from service.language_server.positions import Positions

MOST = 200  # proposals at a time; with each letter the editor asks again
FIRST_KEYS = {
    "policy": "one instrument, with its rules",
    "test": "cases that show what a policy does",
    "vocabulary": "words: facts, values, requirements, jurisdictions",
    "organisation": "whose folder this is",
    "mapping": "how what another program sends becomes facts",
}


def complete(policies: LoadedPolicies, places: Positions, file: str, position: types.Position) -> types.CompletionList:
    """What may stand at a position of a file."""
    text = places.sources[file].decode("utf-8", "replace")
    kind = engine.kind_of_text(text)
    if not kind:
        items = [
            types.CompletionItem(f"{key}: ", detail=told, kind=types.CompletionItemKind.Module)
            for key, told in FIRST_KEYS.items()
        ]
        return types.CompletionList(False, items)
    line, column = places.place(file, position)
    place = engine.open_place(policies.schemas[kind], text, line, column)
    if place is None:
        return types.CompletionList(False, [])
    lines = places.lines(file)
    whole = lines[line - 1] if line <= len(lines) else ""
    typed = whole[place.start - 1 : column - 1].lower()
    fitting = [each for each in policies.relevance.ordered(place) if _fits(each, typed)]
    at = places.range(engine.Span(file, place.line, place.start, place.end - place.start)) if whole else None
    colon = "" if whole[place.end - 1 :].lstrip().startswith(":") else ": "
    items = [_item(each, number, at, typed, colon) for number, each in enumerate(fitting[:MOST])]
    return types.CompletionList(len(fitting) > MOST, items)


def _fits(proposal: engine.Proposal, typed: str) -> bool:
    """Whether what is typed so far stands in the word in this order, or in its title."""
    letters = iter(proposal.word.lower())
    return all(letter in letters for letter in typed) or typed in f"{proposal.title} {proposal.told}".lower()


def _item(each: engine.Proposal, number: int, at: types.Range | None, typed: str, colon: str) -> types.CompletionItem:
    text = f"{each.word}{colon}" if each.is_key else each.word
    return types.CompletionItem(
        label=each.word,
        detail=each.title or None,
        documentation=types.MarkupContent(types.MarkupKind.Markdown, each.told) if each.told else None,
        kind=types.CompletionItemKind.Property if each.is_key else types.CompletionItemKind.Value,
        sort_text=f"{number:04}",
        filter_text=f"{typed} {each.word}" if typed and typed not in each.word.lower() else each.word,
        text_edit=types.TextEdit(at, text) if at else None,
        insert_text=None if at else text,
    )
