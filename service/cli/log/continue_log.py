"""`fifthfactor log continue`: continues the log of a database that does not match its last checkpoint, or whose key is lost."""

from typing import Annotated

import typer

from service.cli.command import BY, Commands, Database, UsedWrongly, address, log_key
from service.cli.output import complain

app = Commands()


@app.add(
    'log continue --reason "restored Monday\'s backup after the disk failed"',
    'log continue --lost-key --reason "the key was on the same disk"',
    name="continue",
)
def continue_log(
    reason: Annotated[str, typer.Option(help="Why, in a sentence. Only a commitment to it is in the leaf.")],
    database: Database = None,
    lost_key: Annotated[bool, typer.Option("--lost-key", help="The log's key is lost.")] = False,
) -> int:
    """
    Go on from an older database that was put back, or from a copy that takes over, under another name of the log.

    The leaves stay. The next leaf names the log before, what was found of it, and what its last checkpoint says. Prints the new
    verifier key. Stop the service first. Ends with 2 where the tree is not sealed by the log's key.
    """
    from contextlib import closing

    from service.audit.repair import repair as put_right
    from service.log.key_changes import continue_log as go_on
    from service.store.upgrade import open_any
    from service.telemetry.log_lines import audit, logger

    if not reason.strip():
        raise UsedWrongly("say why with `--reason`")
    with closing(open_any(address(database), log_key())) as opened:
        done = go_on(opened, reason, BY, lost_key=lost_key, verifying=lambda: complain("verifying the tree of the log"))
        # The seals of rows were by the lost key: they are made again once the rows were compared with the leaves.
        left = put_right(opened, BY, reason).left if lost_key else ()
    for each in left:
        complain(f"not put right: {each}")
    audit(logger(), "log-continued", caller=BY, leaves=done.found)
    if done.kept is not None and done.kept.size > done.found:
        complain(
            f"{done.kept.size - done.found} leaves of the log before are lost: it had {done.kept.size}, here are {done.found}"
        )
    print(done.verifier.text())
    return 0
