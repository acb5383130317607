"""`fifthfactor log show`: explains one recorded decision."""

from functools import partial
from typing import Annotated

import typer

from service.cli.command import AsJson, Commands, Database, Lang, UsedWrongly, address, need
from service.cli.output import complain, print_decision, print_json, safe, text_in

app = Commands()


@app.add("log show 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")
def show(
    id: Annotated[str, typer.Argument(help="Id of a decision.")],
    database: Database = None,
    as_json: AsJson = False,
    lang: Lang = "en",
) -> int:
    """
    Show a recorded decision, provision by provision, as the policies that decided it judge its exchange.

    Ends with 1 where it does not exist.
    """
    import engine
    from service.decisions.replay import CannotReplay, kept_decider, whole_decision
    from service.log.leaf import with_personal_values
    from service.log.record_views import record_json
    from service.log.store import find
    from service.policies.kept_bundles import NotKept, load_kept
    from service.store.upgrade import reading

    need("language", lang, engine.LANGUAGES)
    with reading(address(database)) as connection:
        stored = find(connection, id)
        if stored is None:
            complain(f"no decision has the id `{safe(id)}`")
            return 1
        if as_json:
            print_json(record_json(stored))
            return 0
        record = with_personal_values(stored.entry.leaf, stored.entry.openings)
        try:
            decision = whole_decision(stored, partial(kept_decider, connection), lang)
            # In Chinese some names come from the policies.
            policies = load_kept(connection, **record["bundle"]) if lang == "zh" else None
        except (NotKept, CannotReplay) as not_kept:
            raise UsedWrongly(f"showing the decision needs the policies that decided (`--json` does not): {not_kept}") from None
    asked_by = f" for {safe(record['asked_by'])}" if record.get("asked_by") else ""
    print(f"{record['id']}, number {stored.sequence} in the log, recorded {record['recorded_at']}{asked_by}\n")
    if record.get("denied"):
        asked = "The exchange may proceed, but the program that asked" if record.get("mapping") else "The access request"
        print(f"{asked} was answered with no: {safe(record['denied'])}.\n")
    print_decision(engine.Decision.model_validate(decision), text_in(policies, lang), whole=True)
    return 0
