"""What a door needs beside the service itself: packages of an extra, which not every installation has."""

from importlib.util import find_spec

from service.problems import RequestRefused


def missing(extra: str, *packages: str) -> str:
    """Which package of an extra is not installed, and what adds it, in a sentence; "" where all are there."""
    lacking = next((each for each in packages if find_spec(each) is None), "")
    return f"the package `{lacking}` is not installed; `pip install 'fifthfactor[{extra}]'` adds it" if lacking else ""


def require(extra: str, *packages: str) -> None:
    """Raises RequestRefused (503) where a package of an extra is not installed."""
    if sentence := missing(extra, *packages):
        raise RequestRefused("not-installed", sentence)
