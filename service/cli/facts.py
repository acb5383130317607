"""`fifthfactor facts`: finds facts, with the question that asks for each and the values that it takes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import AsJson, Commands, Lang, Policies, need
from service.cli.output import complain, fill, painted, print_json, today

if TYPE_CHECKING:
    import engine

app = Commands()
MOST_VALUES = 24  # that are printed


@app.add("facts country", "facts exporter. --lang zh", "facts --for exchange.json")
def facts(
    word: Annotated[
        str, typer.Argument(help="What the name, the title or the question has in it, or how the name begins.")
    ] = "",
    exchange: Annotated[
        Path | None,
        typer.Option("--for", help="File of an exchange: only the facts that are open for it, the best to ask for first."),
    ] = None,
    policies: Policies = None,
    lang: Lang = "en",
    as_json: AsJson = False,
) -> int:
    """
    Find facts: the name, the question that asks for it, and its values. Without a word, all facts.

    Ends with 1 where there is none.
    """
    import engine
    from service.cli.files import load_or_stop

    need("language", lang, engine.LANGUAGES)
    wanted = word.casefold()
    bundle = load_or_stop(policies or [], tests=False)
    found = [
        each
        for each in (_open(bundle, exchange, lang) if exchange else bundle.facts())
        if any(wanted in text.casefold() for text in (each.name, each.title.in_(lang), each.ask.in_(lang) if each.ask else ""))
    ]
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
    elif not found:
        complain(f"no {'open ' if exchange else ''}fact has `{word}` in its name, title or question")
    else:
        for each in found:
            print(f"{painted('bold', each.name)}  {each.type}: {each.title.in_(lang)}")
            if each.ask:
                print(fill(each.ask.in_(lang), "    "))
            if each.values:
                more = f", and {len(each.values) - MOST_VALUES} more" if len(each.values) > MOST_VALUES else ""
                print(fill(", ".join(each.values[:MOST_VALUES]) + more, "    "))
    return int(not found)


def _open(bundle: "engine.Bundle", file: Path, lang: str) -> "list[engine.FactEntry]":
    """The facts that may change the outcome of an exchange, the best to ask for first. Raises UsedWrongly."""
    import engine
    from service.cli.files import read_exchange

    exchange = read_exchange(bundle, file, lang)
    judgement = engine.PDP(bundle, "bitset").judge(exchange, as_of=exchange.as_of or today())
    known = {each.name: each for each in bundle.facts()}
    return [known[name] for name in judgement.open_facts if name in known]
