"""Hover: a name at a place goes in; what it means, how many tests hold it and where else it is used come out, in Markdown."""

from collections import Counter
from collections.abc import Iterator
from itertools import takewhile
from typing import Any

from lsprotocol import types

import engine
from service.language_server.loaded_policies import LoadedPolicies
from service.language_server.positions import Positions

MOST_PLACES = 5
MOST_LINES = 20  # of a definition
TESTED = {"because": "stands", "silent": "does not stand", "beaten": "is exempted"}  # what a case shows of a rule


def hover(policies: LoadedPolicies, places: Positions, file: str, position: types.Position) -> types.Hover | None:
    """What an editor shows of the name, key or value at a position."""
    names = policies.names(places.sources)
    line, column = places.place(file, position)
    use = names.at(file, line, column)
    if use is not None:
        meaning = [*_meaning(policies.bundle, use.name)] or [f"`{use.name.id}`", _written(names, places, use.name)]
        said = "\n\n".join(each for each in (*meaning, *_uses(names, use.name)) if each)
        return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, said), places.range(use.at)) if said else None
    told = names.told(file, line, column)
    if told is None:
        return None
    return types.Hover(types.MarkupContent(types.MarkupKind.Markdown, told[0]), places.range(told[1]))


def _meaning(bundle: engine.Bundle, name: engine.Name) -> Iterator[str]:
    """What a name means, from the words of the bundle."""
    vocabulary = bundle.vocabulary
    match name.kind:
        case "fact":
            entry = bundle.facts.get(name.id)
            yield f"**{vocabulary.title(name.id).en}** `{name.id}`"
            if entry is not None:
                yield from (
                    each for each in (entry.title.zh, entry.ask.en if entry.ask else "", f"Type: {entry.type}.") if each
                )
        case "evidence" | "claims":
            kind = vocabulary.kinds[name.kind].get(name.id)
            if kind is not None:
                yield f"**{kind.title.en}** `{name.kind}.{name.id}`"
                yield from (each for each in (kind.title.zh, kind.ask.en if kind.ask else "") if each)
        case "requirement":
            requirement = vocabulary.requirements[name.id]
            yield f"**{requirement.title.en}** `{name.id}` ({requirement.jurisdiction})"
            yield from (each for each in (requirement.title.zh, requirement.how.en if requirement.how else "") if each)
        case "rule":
            rule = next((each for each in bundle.rules.rules if each.provision.id == name.id), None)
            if rule is not None:
                told = rule.provision
                yield f"**{told.title.en}** `{name.id}`"
                yield f"{told.instrument.en}, {told.citation.en}; {told.status}."
                yield told.says.en
        case "register":
            register = vocabulary.registers.get(name.id)
            if register is not None:
                yield f"**{register.title.en}** `{name.id}`"
                yield f"{len(register.entries)} entries of `{register.of.name}`; {register.source}, {register.status}."
        case "jurisdiction" | "lane" | "phrase":
            sections = {"jurisdiction": vocabulary.jurisdictions, "lane": vocabulary.lanes, "phrase": vocabulary.phrases}
            titled: Any = sections[name.kind].get(name.id)
            if titled is not None:
                yield f"**{titled.title.en}** `{name.id}`"
        case "policy":
            instrument = next((r.provision.instrument.en for r in bundle.rules.rules if r.provision.policy == name.id), "")
            yield f"**{instrument}** `{name.id}`" if instrument else f"`{name.id}`"
        case kind if kind.startswith("value of "):
            values = vocabulary.values.get(kind.removeprefix("value of "))
            if values is not None and name.id in values.lineage:
                title = values.titles.get(name.id)
                yield f"**{title.en}** `{name.id}`" if title else f"`{name.id}`: a value of `{values.name}`"
                above = sorted(values.lineage[name.id] - {name.id})
                yield f"Lies under {', '.join(f'`{each}`' for each in above)}." if above else ""


def _written(names: engine.NamePlaces, places: Positions, name: engine.Name) -> str:
    """The lines that define a name, such as the condition of a definition."""
    span = names.defined(name)
    if span is None:
        return ""
    lines = [each.rstrip() for each in places.lines(span.file)[span.line - 1 :]]
    below = [each for each in takewhile(lambda line: not line or line[: span.column].isspace(), lines[1:]) if each]
    return "\n".join(["```yaml", *(each[span.column - 1 :] for each in (lines[0], *below[:MOST_LINES])), "```"])


def _uses(names: engine.NamePlaces, name: engine.Name) -> Iterator[str]:
    """How many tests hold it, and where else it is used."""
    tests: Counter[str] = Counter()
    cases: dict[str, set[tuple[str, object]]] = {}
    elsewhere: Counter[str] = Counter()
    for use in names.uses(name):
        match use.path:
            case ("cases", number, "expect", str(key), *_):
                tests[key] += 1
                cases.setdefault(key, set()).add((use.at.file, number))
            case ("cases", number, *_):
                cases.setdefault("states", set()).add((use.at.file, number))
            case ("exchange", *_):
                cases.setdefault("states", set()).add((use.at.file, -1))
            case _ if not use.defines:
                elsewhere[use.at.file] += 1
    if name.kind == "rule":
        shown = [f"in {_count(len(cases[key]), 'case')} it {said}" for key, said in TESTED.items() if key in cases]
        yield f"Tests: {', '.join(shown)}." if shown else "No test names it."
    elif cases:
        held = len(set().union(*(found for key, found in cases.items() if key != "states")))
        stated = len({file for file, _ in cases.get("states", ())})
        said = [f"{_count(held, 'case')} expect something of it"] * bool(held)
        said += [f"{_count(stated, 'test file')} state it"] * bool(stated)
        yield f"Tests: {', '.join(said)}."
    elif name.kind == "definition":
        yield "No test expects a value of it."
    if elsewhere:
        listed = ", ".join(f"`{file}`" for file, _ in elsewhere.most_common(MOST_PLACES))
        more = f" and {len(elsewhere) - MOST_PLACES} more" if len(elsewhere) > MOST_PLACES else ""
        yield f"Used {_count(elsewhere.total(), 'time')} in {listed}{more}."
    else:
        yield "No policy uses it."


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"
