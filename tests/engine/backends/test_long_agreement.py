"""The long run of random agreement: begun with the session by `tests/conftest.py`, in processes beside the other tests."""

import pytest

from tests.chance import BUNDLES, COMPLETED, EXCHANGES
from tests.engine.backends.agreement import COMPLETIONS


@pytest.mark.timeout(900)
def test_the_engines_agree_and_are_safe(agreement_run: tuple[int, str]) -> None:
    """Every engine gives one verdict, field by field; and whatever is not known turns out to be, the outcome stays in its bounds."""
    status, told = agreement_run
    assert status == 0, told
    pairs, completions = BUNDLES * EXCHANGES, BUNDLES * COMPLETED
    assert f"{pairs:,} pairs, 0 wrong; {completions * COMPLETIONS:,} completions, 0 unsafe" in told
