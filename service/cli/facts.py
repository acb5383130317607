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
_NONE = {"en": "In a table and in JSON, “none of these” is `{}`.", "zh": "在表格和 JSON 中，“以上都不是”写作 `{}`。"}


@app.add("facts salary", "facts exporter. --lang zh", "facts --for exchange.json")
def facts(
    word: Annotated[
        str,
        typer.Argument(help="What people call it, in English or Chinese; or what its name, title or question has in it."),
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
    Find facts: the name, the question that asks for it, and its values; of a word, the values that say it. Without a word, all facts.

    Ends with 1 where there is none.
    """
    import engine
    from service.cli.files import load_or_stop

    need("language", lang, engine.LANGUAGES)
    wanted = word.casefold()
    bundle = load_or_stop(policies or [], tests=False)
    said = bundle.words.values_of(word) if word else {}
    entries = _open(bundle, exchange, lang) if exchange else list(bundle.facts.values())
    # What the word means comes before what has it in its sentences.
    meant = [each for each in entries if each.name in said or any(each.name.startswith(f"{name}.") for name in said)]
    texts = [each for each in entries if any(wanted in text.casefold() for text in _texts(each, lang))]
    found = list({each.name: each for each in (*meant, *texts)}.values())
    if as_json:
        print_json([{**each.model_dump(mode="json"), "says": said.get(each.name, [])} for each in found])
    elif not found:
        near = " or ".join(f"`{each}`" for each in bundle.words.alike(word))
        complain(
            f"no {'open ' if exchange else ''}fact is called `{word}`, nor has it in its name, title or question"
            + (f"; did you mean {near}?" if near else "")
        )
    else:
        for each in found:
            _show(each, bundle, said.get(each.name, []), lang, whole=each.name == word or len(found) == 1)
    return int(not found)


def _texts(entry: "engine.FactEntry", lang: str) -> tuple[str, ...]:
    """Where a word is looked for."""
    return entry.name, entry.title.in_(lang), entry.ask.in_(lang) if entry.ask else ""


def _show(entry: "engine.FactEntry", bundle: "engine.Bundle", says: list[str], lang: str, *, whole: bool) -> None:
    """A fact on some lines: its question, the values that the word says, and its values; of a `whole` one all, with their titles."""
    type = bundle.vocabulary.type_of(entry.name)
    titles = type.values.titles if type and type.values else {}

    def told(value: str) -> str:
        return f"{value} ({titles[value].in_(lang)})" if value in titles else value

    print(f"{painted('bold', entry.name)}  {entry.type}: {entry.title.in_(lang)}")
    if entry.ask:
        print(fill(entry.ask.in_(lang), "    "))
    if nothing := _nothing(entry, bundle):
        print(fill(_NONE[lang].format(nothing), "    "))
    for value in says:
        print(fill(f"→ {told(value)}", "    "))
    if whole and not says:
        for value in entry.values:
            print(fill(told(value), "    "))
    elif entry.values and not says:
        more = f", and {len(entry.values) - MOST_VALUES} more" if len(entry.values) > MOST_VALUES else ""
        print(fill(", ".join(entry.values[:MOST_VALUES]) + more, "    "))


def _nothing(entry: "engine.FactEntry", bundle: "engine.Bundle") -> str:
    """How the JSON of a set says that none of its values applies; "" of what is no set, or must name one, and of a document."""
    fact = bundle.vocabulary.facts.get(entry.name)
    if fact is None or not fact.type.many:
        return ""
    word = fact.plain or (fact.type.values.nothing if fact.type.values else "")
    return "[]" if not fact.some else f'["{word}"]' if word else ""


def _open(bundle: "engine.Bundle", file: Path, lang: str) -> "list[engine.FactEntry]":
    """The facts that may change the outcome of an exchange, the best to ask for first. Raises UsedWrongly."""
    import engine
    from service.cli.files import read_exchange

    exchange = read_exchange(bundle, file, lang)
    judgement = engine.PDP(bundle, "bitset").judge(exchange, as_of=exchange.as_of or today())
    return [bundle.facts[name] for name in judgement.open_facts if name in bundle.facts]
