"""`fifthfactor facts`: finds facts, with the question that asks for each and the values that it takes."""

from typing import Annotated

import typer

from service.cli.command import AsJson, Commands, Lang, Policies, need
from service.cli.output import complain, fill, painted, print_json

app = Commands()
MOST_VALUES = 24  # that are printed


@app.add("facts country", "facts exporter. --lang zh")
def facts(
    word: Annotated[
        str, typer.Argument(help="What the name, the title or the question has in it, or how the name begins.")
    ] = "",
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
    found = [
        each
        for each in load_or_stop(policies or [], tests=False).facts()
        if any(wanted in text.casefold() for text in (each.name, each.title.in_(lang), each.ask.in_(lang) if each.ask else ""))
    ]
    if as_json:
        print_json([each.model_dump(mode="json") for each in found])
    elif not found:
        complain(f"no fact has `{word}` in its name, title or question")
    else:
        for each in found:
            print(f"{painted('bold', each.name)}  {each.type}: {each.title.in_(lang)}")
            if each.ask:
                print(fill(each.ask.in_(lang), "    "))
            if each.values:
                more = f", and {len(each.values) - MOST_VALUES} more" if len(each.values) > MOST_VALUES else ""
                print(fill(", ".join(each.values[:MOST_VALUES]) + more, "    "))
    return int(not found)
