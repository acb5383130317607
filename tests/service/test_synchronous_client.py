"""
The synchronous client is the asynchronous one without its waiting: made from it word by word, and checked in.

`RECORD=1 pytest tests/service/test_synchronous_client.py` makes it again.
"""

import os
import re
import subprocess
import sys

import pytest

from tests.service.conftest import ROOT

ASYNCHRONOUS = ROOT / "service" / "client" / "asynchronous"
SYNCHRONOUS = ASYNCHRONOUS.with_name("synchronous")
MODULES = sorted(each.name for each in ASYNCHRONOUS.glob("*.py"))

INSTEAD = {
    "for asyncio programs. Every method is awaited": "for programs without asyncio. Every method blocks until there is an answer",
    "service, from one event loop.": "service. Threads may share it.",
    "\n    Its methods are awaited; those that give an iterator are for `async for`.\n": "",
    "AsyncClient": "Client",
    "AsyncIterator": "Iterator",
    "__aenter__": "__enter__",
    "__aexit__": "__exit__",
    "aclose": "close",
    "aiter_raw": "iter_raw",
    "anext": "next",
    "async_deadline": "deadline",
    "async ": "",
    "await ": "",
}
_WORDS = re.compile("|".join(rf"(?<!\w){re.escape(words)}" for words in INSTEAD))


def synchronous(text: str, name: str) -> str:
    """A module of the asynchronous client without its waiting."""
    made = f"# Made from `asynchronous/{name}`: change that file, then run RECORD=1 pytest tests/service/test_synchronous_client.py\n"
    made += _WORDS.sub(lambda found: INSTEAD[found[0]], text)
    for tidy in (["check", "--fix-only", "--unsafe-fixes", "--select", "I,UP028,C414,C416"], ["format"]):
        command = [sys.executable, "-m", "ruff", *tidy, "--quiet", "--stdin-filename", str(SYNCHRONOUS / name), "-"]
        made = subprocess.run(command, cwd=ROOT, input=made, capture_output=True, text=True, check=True).stdout
    return made


@pytest.mark.parametrize("name", MODULES)
def test_the_synchronous_client_is_made_from_the_asynchronous_one(name):
    """Each module as it lies there."""
    made = synchronous((ASYNCHRONOUS / name).read_text(), name)
    if os.environ.get("RECORD"):
        (SYNCHRONOUS / name).write_text(made)
    assert made == (SYNCHRONOUS / name).read_text(), "run RECORD=1 pytest tests/service/test_synchronous_client.py"


def test_nothing_is_left_of_the_waiting():
    """Each word and sentence that is replaced is one that a module has, and none of them stays; no module is made from nothing."""
    sources, made = ([(folder / name).read_text() for name in MODULES] for folder in (ASYNCHRONOUS, SYNCHRONOUS))
    assert [words for words in INSTEAD if not any(words in text for text in sources)] == []
    assert [words for words in INSTEAD if any(words in text.partition("\n")[2] for text in made)] == []
    assert not any(re.search(r"\b(async|await|asyncio\.)\b", text.partition("\n")[2]) for text in made)
    assert sorted(each.name for each in SYNCHRONOUS.glob("*.py")) == MODULES


def test_what_is_changed_by_hand_is_found():
    """A module with a word more is not what is made."""
    name = "connection.py"
    assert synchronous((ASYNCHRONOUS / name).read_text() + "# a word\n", name) != (SYNCHRONOUS / name).read_text()
