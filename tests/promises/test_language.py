"""
Policies that were written for version 1.0 load in every later version, and decide as their own cases say.

`RECORD=1 pytest tests/promises` keeps the bundled policies of this version, which is right only until it is out.
"""

import lzma
import os
from pathlib import Path

import pytest

import engine
from service.policies import archive

KEPT = sorted(Path(__file__).parent.glob("policies-*.bundle.xz"))
OF_THIS_VERSION = Path(__file__).with_name(f"policies-{engine.__version__}.bundle.xz")
ONE_IN = 25  # files of tests; `fifthfactor test policies` decides all of those that the policies have now


def test_policies_are_kept() -> None:
    """The test below reads something; with RECORD=1 the bundled policies of this version are written."""
    if os.environ.get("RECORD"):
        written = archive.write(engine.load(engine.bundled_policies()).sources)
        OF_THIS_VERSION.write_bytes(lzma.compress(written, preset=9 | lzma.PRESET_EXTREME))
    assert KEPT


@pytest.mark.parametrize("file", KEPT, ids=lambda each: each.name)
def test_policies_of_then_decide_now_as_they_did(file: Path) -> None:
    """No word of theirs is refused, and what their cases expect is what is decided."""
    bundle = engine.load_sources(archive.read(lzma.decompress(file.read_bytes())))
    pdp = engine.PDP(bundle)
    names = [name for name, _ in bundle.tests]
    results = [each for name in names[::ONE_IN] for each in engine.run(bundle, only=name, pdp=pdp)]
    assert [each for each in results if each.problems] == []
    assert len(results) > 100
