"""`fifthfactor mapping try`: what a mapping makes of a request, and what the decision would be; without a service."""

import json
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.command import AsJson, Commands, Lang, Policies, UsedWrongly, need
from service.cli.output import complain, painted, print_decision, print_json, safe, shortened, text_in, today
from service.cli.wanted_facts import wanted_facts

if TYPE_CHECKING:
    import engine
    from service.mappings.entity_file import FileEntities
    from service.mappings.request_reading import ReadRequest

MOST_UNREAD = 20
WITH_WAYS = ("requirements_unmet", "prohibited")  # outcomes to whose requirements ways are looked for

app = Commands("Try how the requests of a gateway or another program are read.")


@app.callback()
def mapping() -> None:
    """Try how the requests of a gateway or another program are read."""


@app.add("mapping try reports input.json --policies bundled --policies ours --register parties.json", name="try")
def try_(
    name: Annotated[str, typer.Argument(help="Name of the mapping.", metavar="NAME")],
    file: Annotated[
        Path,
        typer.Argument(help="File with what the program sends, with or without `input` around it; - reads standard input."),
    ],
    policies: Policies = None,
    register: Annotated[
        list[Path] | None,
        typer.Option(
            help="File with parties, data and other entities, as the register imports it; may be repeated.", metavar="FILE"
        ),
    ] = None,
    as_json: AsJson = False,
    lang: Lang = "en",
) -> int:
    """
    Show which place of a request states which fact, and what the decision would be. Nothing is recorded.

    Ends with 0 where the program would be told yes, with 1 where no, with 2 where the request is refused.
    """
    import engine
    from service.cli.files import load_or_stop
    from service.mappings.entity_store import EntityNotValid, KnownEntities
    from service.mappings.mapped_decisions import not_carried, why_denied
    from service.mappings.request_reading import RequestReading, absent, unread
    from service.problems import RequestRefused
    from service.register.stated_facts import StatableFacts

    need("language", lang, engine.LANGUAGES)
    bundle = load_or_stop(policies or [], tests=False)
    found = {each: mapped for each, mapped in bundle.mappings.items() if mapped.door in engine.REQUEST_DOORS}
    need("mapping of requests", name, found)
    mapped, states = found[name], StatableFacts(bundle)
    assert isinstance(mapped.text, engine.RequestMappingText)
    sent, at = _input(file)
    reading = RequestReading(bundle, states, mapped, at)
    try:
        read = reading.read(sent, KnownEntities(_entities(register or [], states)), today(), reads=True)
    except EntityNotValid as reason:
        print(f"{painted('red', 'no')}: {safe(str(reason))}")
        return 1
    except RequestRefused as refused:
        for place in refused.errors or ():
            complain(f"{place.pointer or 'the input'}: {safe(place.detail)}")
        raise UsedWrongly("the request is refused, and its program gets no answer that it could take for a yes") from None
    ignored = [at + pointer for pointer in unread(mapped.text, read.operation, sent)]
    missing = [at + pointer for pointer in absent(mapped.text, read.operation, sent)]
    if read.exchange is None:
        if as_json:
            print_json(_document(mapped, read, ignored, missing) | {"allow": True, "reason": read.why_not})
        else:
            print(f"{safe(read.operation)}: {painted('green', 'yes')}, it moves no data. {read.why_not}")
        return 0
    pdp = engine.PDP(bundle)
    judgement = pdp.judge(read.exchange, as_of=today())
    decision = pdp.tell(judgement, today=today(), id="desk", lang=lang).document()
    if decision.outcome in WITH_WAYS:
        decision = pdp.tell(judgement, today=today(), id="desk", include=("ways",), lang=lang).document()
    why = why_denied(not_carried(bundle, mapped, judgement)) if decision.proceed else ""
    allow = decision.proceed and not why
    if as_json:
        told = decision.model_dump(mode="json", by_alias=True)
        print_json(
            _document(mapped, read, ignored, missing) | {"allow": allow, "reason": why or decision.answer, "decision": told}
        )
        return int(not allow)
    _print_reading(read, mapped, ignored, missing)
    print_decision(decision, text_in(bundle, lang), False)
    for line in wanted_facts(decision):
        print(safe(line))
    print(
        f"\n{safe(name)} is told: {painted('green', 'yes') if allow else painted('red', 'no')}{f', since {why}' if why else ''}"
    )
    return int(not allow)


def _input(file: Path) -> tuple[dict[str, Any], str]:
    """What a program sends, and the pointer to it. Raises UsedWrongly."""
    import engine
    from service.cli.files import read

    try:
        document = engine.read_object(read(file, engine.MAX_BYTES + 1), engine.MAX_BYTES, "request")
    except engine.ExchangeRefused as refused:
        raise UsedWrongly(f"{file}: {refused.problems[0].detail}") from None
    inner = document.get("input")
    return (inner, "/input") if document.keys() == {"input"} and isinstance(inner, dict) else (document, "")


def _entities(files: Sequence[Path], states: Any) -> "FileEntities":
    """The entities of some files. Raises UsedWrongly."""
    from service.cli.files import read as read_file
    from service.mappings.entity_file import FileEntities
    from service.register.entity import EntityRefused
    from service.register.import_export import gather_entities, read

    found = []
    for file in files:
        try:
            found += gather_entities(read(read_file(file), "csv" if file.suffix == ".csv" else "json", states))
        except EntityRefused as refused:
            place = refused.places[0]
            raise UsedWrongly(f"{file}: {place.pointer or 'the file'}: {place.detail}") from None
    return FileEntities(found)


def _print_reading(
    read: "ReadRequest", mapped: "engine.RequestMapping", ignored: Sequence[str], missing: Sequence[str]
) -> None:
    """Which place states which fact, and what the register has."""
    print(f"{painted('bold', safe(read.operation))} (mapping {mapped.name}, {mapped.digest[:12]})\n")
    rows = [
        (each.fact, shortened(each.value), each.pointer or "the mapping", each.fact in read.by_client)
        for each in read.statements
    ]
    wide = [max((len(each) for each in column), default=0) for column in ([row[0] for row in rows], [row[1] for row in rows])]
    for fact, value, pointer, client in rows:
        print(f"  {fact:{wide[0]}}  {safe(value):{wide[1]}}  {safe(pointer)}{'  a client can set it' if client else ''}")
    print("\nof the register:")
    for key, entity in read.entities.items():
        states = entity.get("states")
        found = f"states {safe(shortened(states))}" if states else "states nothing"
        kind = entity["kind"]
        print(f"  {key}: {kind}, {found}" if entity.get("known", True) else f"  {key}: no {kind} with this id")
    if not read.entities:
        print("  nothing")
    if missing:
        print(f"\nstated nothing, as not there: {safe(', '.join(missing))}")
    if ignored:
        more = f" and {len(ignored) - MOST_UNREAD} more" if len(ignored) > MOST_UNREAD else ""
        print(f"\nnot read: {safe(', '.join(ignored[:MOST_UNREAD]))}{more}")
    print()


def _document(
    mapped: "engine.RequestMapping", read: "ReadRequest", ignored: Sequence[str], missing: Sequence[str]
) -> dict[str, Any]:
    """The same as JSON."""
    statements = [
        {"fact": each.fact, "value": each.value, "pointer": each.pointer, "from_client": each.fact in read.by_client}
        for each in read.statements
    ]
    return {
        "mapping": {"name": mapped.name, "digest": mapped.digest},
        "operation": read.operation,
        "states": statements,
        "register": json.loads(json.dumps(read.entities)),
        "not_there": list(missing),
        "not_read": list(ignored),
    }
