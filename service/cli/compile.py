"""`fifthfactor compile`: prints the rulesets into which policies are compiled for durable-rules."""

from typing import Annotated

import typer

from service.cli.command import Commands, Paths, UsedWrongly
from service.cli.output import count, painted, print_json

app = Commands()


@app.add("compile policies --to durable", name="compile")
def compile_(
    paths: Paths = None,
    to: Annotated[str, typer.Option(help="What to compile to: durable.")] = "durable",
    as_json: Annotated[bool, typer.Option("--json", help="Print the JSON as durable-rules gets it.")] = False,
) -> int:
    """
    Print the rulesets into which policies are compiled for durable-rules: what each rule derives, and what it tests.
    """
    import engine
    from service.cli.files import load_or_stop

    if to != "durable":
        raise UsedWrongly(f"policies are not compiled to `{to}`; use durable")
    rulesets = engine.rulesets(load_or_stop(paths or []))
    if as_json:
        print_json({ruleset["ruleset"]: ruleset["definition"] for ruleset in rulesets})
        return 0
    for ruleset in rulesets:
        where = ", ".join(ruleset["asked_where"])
        asked = f"asked where one of these may apply: {where}" if where else "always asked"
        print(f"{painted('bold', ruleset['ruleset'])}, {count(len(ruleset['rules']), 'rule')}; {asked}")
        for rule in ruleset["rules"]:
            print(f"  {rule['rule']} derives {', '.join(rule['derives'])}")
            for test in rule["where"]:
                print(f"       {test['test']:<12} {test['means']}")
        print()
    return 0
