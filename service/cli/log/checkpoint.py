"""`fifthfactor log checkpoint`: prints the signed checkpoint of the log, or the key that it is verified with."""

from typing import Annotated

import typer

from service.cli.command import Commands, Database, UsedWrongly, address, log_key

app = Commands()


@app.add("log checkpoint > monday.checkpoint", "log checkpoint --since 0 > request")
def checkpoint(
    database: Database = None,
    verifier_key: Annotated[bool, typer.Option("--verifier-key", help="Print the verifier key instead.")] = False,
    since: Annotated[
        int | None,
        typer.Option(min=0, help="Print a request to a witness instead, which cosigned this size last; 0 for a new witness."),
    ] = None,
    witness_key: Annotated[
        bool, typer.Option("--witness-key", help="Print the verifier key of this service as a witness of other logs instead.")
    ] = False,
) -> int:
    """
    Print size and root of the log's tree, signed by the log's key: a C2SP signed note. The service may run.

    Keep it in another place. `log verify --checkpoint` shows later that the log still begins with what it was then.
    """
    from service.log.proofs import NotInTree, log_tree
    from service.log.witness_client import request_since, with_cosignatures
    from service.store.log_key import LogRefused
    from service.store.log_key import witness_key as key_of_witness
    from service.store.upgrade import existing

    if verifier_key + witness_key + (since is not None) > 1:
        raise UsedWrongly("use one of `--verifier-key`, `--witness-key` and `--since`")
    with existing(address(database), log_key()) as opened:
        try:
            if witness_key:
                print(key_of_witness(opened.key_path).verifier.text())
                return 0
            with log_tree(opened) as tree:
                if verifier_key:
                    print(tree.key.verifier.text())
                elif since is not None:
                    print(request_since(tree, since).to_bytes().decode(), end="")
                else:
                    print(with_cosignatures(tree).to_bytes().decode(), end="")
        except (LogRefused, NotInTree) as refused:
            raise UsedWrongly(str(refused)) from None
    return 0
