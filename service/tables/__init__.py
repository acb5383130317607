"""
Runs: tables in files, decided part by part, with a manifest by which each row can be proven. Nothing here is a commitment.

Only manifests and their leaves are read without the extra `tables`; the rest of this room needs it.
"""


class TableRefused(ValueError):
    """A table cannot be read, or a run cannot be made; the message is one sentence."""
