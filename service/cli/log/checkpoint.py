"""`fifthfactor log checkpoint`: prints the signed checkpoint of the log, or the key that it is verified with."""

from typing import Annotated

import typer

from service.cli.command import Commands, Database, UsedWrongly, address, log_key

app = Commands()


@app.add("log checkpoint > monday.checkpoint")
def checkpoint(
    database: Database = None,
    verifier_key: Annotated[bool, typer.Option("--verifier-key", help="Print the verifier key instead.")] = False,
) -> int:
    """
    Print size and root of the log's tree, signed by the log's key: a C2SP signed note. The service may run.

    Keep it in another place. `log verify --checkpoint` shows later that the log still begins with what it was then.
    """
    from service.log.proofs import log_tree
    from service.log.proofs import verifier_key as key_of
    from service.store.log_key import LogRefused
    from service.store.upgrade import existing

    with existing(address(database), log_key()) as opened:
        try:
            with log_tree(opened) as tree:
                print(key_of(tree.key).text() if verifier_key else tree.checkpoint().to_bytes().decode(), end="")
        except LogRefused as refused:
            raise UsedWrongly(str(refused)) from None
    if verifier_key:
        print()
    return 0
