"""`fifthfactor unattributed`: lists the commitments of which nobody is recorded as the one by whom they count."""

from contextlib import closing
from dataclasses import asdict

from service.cli.command import AsJson, Commands, Database, ServicePolicies, address, log_key, settings
from service.cli.output import complain, count

app = Commands()


@app.add("unattributed", "unattributed --database fifthfactor.db --json")
def unattributed(database: Database = None, policies: ServicePolicies = None, as_json: AsJson = False) -> int:
    """
    List the commitments that do not say by whom a law counts them, each with the facts that it lacks.

    Policies before may not have asked for it. Each counts for every party to which it may belong. Amend it with a decision that says whose
    it was, or withdraw it. Ends with 1 as long as there is one.
    """
    import json

    from service.cli.files import load_or_stop
    from service.ledger import unattributed_commitments as ledger
    from service.policies.live import Live
    from service.store.upgrade import open_present

    live = Live.of(load_or_stop([*settings(policies=policies).policies], tests=False), "bitset")
    with closing(open_present(address(database), log_key())) as store, store.reading.connect() as connection:
        found = [*ledger.unattributed(connection, live)]
    if as_json:
        print(json.dumps([{**asdict(each), "as_of": each.as_of.isoformat()} for each in found], indent=1))
    else:
        for each in found:
            print(f"{each.commitment}  {each.as_of}  does not say {', '.join(each.lacks)}")
    if found:
        complain(
            f"{count(len(found), 'commitment')} of nobody knows whom: amend each with a decision that says whose it was, or withdraw it"
        )
        return 1
    complain("every commitment says by whom it counts")
    return 0
