"""`fifthfactor plan`: several exchanges, decided in order and not recorded."""

from pathlib import Path
from typing import Annotated

import typer

from service.cli.command import AsJson, AsOf, Commands, Mode, Policies, UsedWrongly, need
from service.cli.output import day, fill, head, lines_in, problems, today

app = Commands()


@app.add("plan plan.json")
def plan(
    file: Annotated[Path, typer.Argument(help='JSON of a plan: {"legs": [{"exchange": …}, …]}; - reads standard input.')],
    policies: Policies = None,
    as_of: AsOf = None,
    mode: Mode = "checked",
    as_json: AsJson = False,
) -> int:
    """
    Decide several exchanges in order, with the conditions that travel from leg to leg, without recording them.

    Ends with 0 where every leg may proceed, with 1 where one may not, with 2 where the plan cannot be read.
    """
    import engine
    from service.cli.files import load_or_stop, read

    need("mode", mode, engine.MODES)
    bundle = load_or_stop(policies or [])
    try:
        legs = engine.read_plan(bundle, read(file))
    except engine.ExchangeRefused as refused:
        raise UsedWrongly(f"the plan in {file} cannot be read:\n{problems(refused)}") from None
    first = next((leg.exchange.as_of for leg in legs if leg.exchange.as_of), None)
    on = day(as_of) if as_of else first or today()
    decision = engine.decide_plan(engine.PDP(bundle, mode), legs, as_of=on, today=today(), id="desk")
    if as_json:
        print(decision.model_dump_json(by_alias=True, indent=2))
    else:
        lines = lines_in(None, "en")
        print("\n\n".join([fill(decision.answer), *(f"Leg {leg.leg}\n{head(leg.decision, lines)}" for leg in decision.legs)]))
        if decision.holds_until and decision.holds_until.holds_until:
            print(f"\nThis holds until {decision.holds_until.holds_until}.")
    return int(not decision.proceed)
