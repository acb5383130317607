"""`fifthfactor plan`: decides several exchanges in order, and records nothing."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import AsJson, AsOf, Commands, Lang, Mode, Policies, UsedWrongly, need
from service.cli.output import day, head, problems, text_in, today

app = Commands()


@app.add("plan plan.json --lang zh")
def plan(
    file: Annotated[Path, typer.Argument(help='JSON of a plan: {"legs": [{"exchange": …}, …]}; - reads standard input.')],
    policies: Policies = None,
    as_of: AsOf = None,
    mode: Mode = "checked",
    as_json: AsJson = False,
    lang: Lang = "en",
) -> int:
    """
    Decide several exchanges in order and as a whole, with the conditions that travel from leg to leg. Nothing is recorded.

    Ends with 0 where the plan may proceed, with 1 where it may not, with 2 where the plan cannot be read.
    """
    import engine
    from service.cli.files import load_or_stop, read
    from service.languages.words import wording

    need("mode", mode, engine.MODES)
    need("language", lang, engine.LANGUAGES)
    bundle = load_or_stop(policies or [], tests=False)
    try:
        legs = engine.read_plan(bundle, read(file))
    except engine.ExchangeRefused as refused:
        raise UsedWrongly(f"the plan in {file} cannot be read:\n{problems(refused, lang)}") from None
    first = next((leg.exchange.as_of for leg in legs if leg.exchange.as_of), None)
    on = day(as_of) if as_of else first or today()
    decision = engine.decide_plan(engine.PDP(bundle, mode), legs, as_of=on, today=today(), id="desk", lang=lang)
    if as_json:
        print(decision.model_dump_json(by_alias=True, indent=2))
    else:
        text = text_in(bundle, lang)
        told = (f"{_capital(text.language.leg(leg.leg))}\n{head(leg.decision, text)}" for leg in decision.legs)
        between = [*(part.says for part in decision.wholes), *(part.says for part in decision.contradictions)]
        between += [part.question for part in decision.unlinked]
        listed = ["\n".join(text.filled(each, "- ", "  ") for each in between)] if between else []
        print("\n\n".join([text.filled(decision.answer), *listed, *told]))
        until = decision.holds_until
        if until and until.holds_until:
            then = text.language.level(until.then or "undetermined")
            print(f"\n{text.filled(wording(lang).pages['holds_until_day'].format(until.holds_until, then))}")
    return int(not decision.proceed)


def _capital(text: str) -> str:
    return text[:1].upper() + text[1:]
