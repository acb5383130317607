"""`fifthfactor evaluate`: decides one exchange, and records nothing."""

from datetime import date
from pathlib import Path
from typing import TYPE_CHECKING

from service.cli.command import AsJson, AsOf, Commands, Exchange, Lang, Mode, Policies, UsedWrongly, need
from service.cli.output import day, print_decision, text_in, today

if TYPE_CHECKING:
    import engine

app = Commands()


@app.add("evaluate exchange.json --as-of 2024-03-22")
def evaluate(
    file: Exchange,
    policies: Policies = None,
    as_of: AsOf = None,
    mode: Mode = "checked",
    as_json: AsJson = False,
    lang: Lang = "en",
) -> int:
    """
    Decide one exchange. Nothing is recorded.

    Ends with 0 where it may proceed, with 1 where it may not, with 2 where the exchange cannot be read.
    """
    return decide(file, policies or [], as_of, mode, as_json, lang, whole=False)


def decide(file: Path, paths: list[Path], as_of: str | None, mode: str, as_json: bool, lang: str, whole: bool) -> int:
    """Decide one exchange and print the decision, in short or whole; 1 where it may not proceed. Raises UsedWrongly."""
    import engine
    from service.cli.files import load_or_stop, read_exchange

    need("mode", mode, engine.MODES)
    need("language", lang, engine.LANGUAGES)
    of_test = "::" in str(file)
    bundle = load_or_stop(paths, tests=of_test)
    exchange, of_case = _case(bundle, str(file)) if of_test else (read_exchange(bundle, file, lang), None)
    on = day(as_of) if as_of else of_case or exchange.as_of or today()
    include = ("ways",) if whole else ()
    decision = engine.PDP(bundle, mode).decide(exchange, as_of=on, today=today(), id="desk", lang=lang, include=include)
    if as_json:
        print(decision.model_dump_json(by_alias=True, indent=2))
    else:
        print_decision(decision, text_in(bundle, lang), whole)
    return int(not decision.proceed)


def _case(bundle: "engine.Bundle", name: str) -> "tuple[engine.Exchange, date]":
    """The exchange and the day of the one case of a test that a name like `FILE::CASE` means. Raises UsedWrongly."""
    import engine
    from service.cli.test_run import cases_named

    cases = cases_named(bundle, name)
    if len(cases) > 1:
        raise UsedWrongly(f"{name} may be any of: {'; '.join(f'line {each.line}, {each.case}' for each in cases)}")
    if isinstance(cases[0], engine.Result):
        raise UsedWrongly("\n".join(cases[0].problems))
    return cases[0].exchange, cases[0].as_of
