"""The packages of the extra `tables`: whether they are there, as a sentence."""

from importlib.util import find_spec

MISSING = "the packages that read tables are not installed; `pip install 'fifthfactor[tables]'` adds them"


class ExtraMissing(ModuleNotFoundError):
    """A package of the extra is missing; the message says how to add it."""


def need_extra() -> None:
    """Raises ExtraMissing where a package of the extra `tables` is not installed."""
    arro3 = find_spec("arro3") is not None and all(find_spec(f"arro3.{each}") for each in ("core", "compute", "io"))
    if not arro3 or find_spec("numpy") is None:
        raise ExtraMissing(MISSING)
