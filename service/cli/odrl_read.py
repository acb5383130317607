"""`fifthfactor odrl read`: what a contract in ODRL states, and what of it was not understood; nothing is decided."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import AsJson, Commands, Lang, Policies, need, settings
from service.cli.output import complain, fill, painted, print_json, safe

if TYPE_CHECKING:
    from service.doors.odrl.read_contracts import ContractRead, ContractTerm

app = Commands()


@app.add("odrl read agreement.json", "odrl read policy.ttl --json")
def read(
    file: Annotated[Path, typer.Argument(help="An offer or an agreement: JSON-LD, or Turtle in a file that ends with .ttl.")],
    policies: Policies = None,
    lang: Lang = "en",
    as_json: AsJson = False,
) -> int:
    """
    Read a contract: the facts that it states with the place of each, what was not understood, and what is asked.

    Ends with 0 where it was read, with 1 where it is no contract that can be read.
    """
    import engine
    from service.cli.files import load_or_stop
    from service.cli.files import read as bytes_of
    from service.doors.odrl import contract_reading, json_ld
    from service.doors.odrl.read_contracts import policy_in, reading_document
    from service.problems import RequestRefused

    need("language", lang, engine.LANGUAGES)
    raw = bytes_of(file, json_ld.MOST_BYTES + 1)
    bundle = load_or_stop(policies or [], tests=False)
    try:
        reading = contract_reading.read(policy_in(raw, file.suffix.lower() == ".ttl"), bundle, settings().tzinfo)
    except RequestRefused as refused:
        for place in refused.errors or ():
            complain(safe(f"{file}{f':{place.pointer}' if place.pointer else ''}: {place.detail}"))
        if not refused.errors:
            complain(safe(f"{file}: {refused.detail}"))
        return 1
    document = reading_document(reading, bundle, lang)
    if as_json:
        print_json(document.model_dump(mode="json"))
    else:
        _show(document)
    return 0


def _show(read: "ContractRead") -> None:
    name = read.contract
    print(safe(f"{painted('bold', name.type)} {name.id}".rstrip()))
    _part("It states", [(each.fact, f"{_told(each.value)}  [{each.pointer or 'the document'}]") for each in read.facts])
    _part("Not understood, and asked", _told_terms(read.not_understood))
    _part("Never met", _told_terms(read.never_met))
    _part("No condition", _told_terms(read.no_condition))
    _part("Asked next", [(each.fact, each.question or each.title) for each in read.asked])


def _part(title: str, lines: "list[tuple[str, str]]") -> None:
    if lines:
        print(f"\n{title}")
        for name, said in lines:
            print(fill(safe(f"{name}: {said}"), "  "))


def _told_terms(terms: "tuple[ContractTerm, ...]") -> "list[tuple[str, str]]":
    return [(each.pointer or "the document", each.why) for each in terms]


def _told(value: object) -> str:
    if isinstance(value, bool):
        return "yes" if value else "no"
    return (", ".join(map(str, value)) or "none of these") if isinstance(value, list) else str(value)
