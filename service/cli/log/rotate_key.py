"""`fifthfactor log rotate-key`: gives the log another key."""

from service.cli.command import BY, Commands, Database, address, log_key

app = Commands()


@app.add("log rotate-key --database decisions.db > log.key", name="rotate-key")
def rotate_key(database: Database = None) -> int:
    """
    Give the log another key, and print the verifier key of the new one. The service may run.

    The key before stays beside it, with the suffix `.before`, and signs checkpoints too. Move it away once all who verify have the
    new verifier key. Copy the new key to a safe place.
    """
    from contextlib import closing

    from service.log.key_changes import rotate_key as rotate
    from service.store.upgrade import open_any
    from service.telemetry.log_lines import audit, logger

    with closing(open_any(address(database), log_key())) as opened:
        verifier = rotate(opened, BY)
    audit(logger(), "log-key-rotated", caller=BY)
    print(verifier.text())
    return 0
