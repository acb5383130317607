"""A case in YAML states the exchange that it was written from, and is pasted as it is."""

from __future__ import annotations

from datetime import date
from pathlib import Path

import engine
from engine.authoring.testing import build, prepare

POLICIES = Path(__file__).parents[2] / "service" / "bundle" / "policies"
EVERY = 60  # of the bundled policies' cases one in so many is written again
DAY = date(2026, 11, 24)


def test_every_exchange_of_a_test_is_written_again() -> None:
    """Beside its own file and as a file of its own; what is written is read as the same exchange."""
    bundle = engine.load(engine.bundled_policies())
    cases = [each for file, _ in bundle.tests[::9] for each in prepare(bundle, file)][::EVERY]
    assert cases
    for case in cases:
        for file in (case.file, ""):
            assert engine.case_yaml(bundle, case.exchange, case.as_of, case.case, {}, file=file, policy=case.suite), case


def test_what_is_written_is_pasted_as_it_is() -> None:
    """Alone it is a whole file, which runs; under the cases of a file it says what differs."""
    sources = {file.name: file.read_bytes() for file in POLICIES.glob("*.yaml")}
    bundle = engine.load_sources(sources)
    facts = {"exporter.country": "CN", "data.people": "150 thousand"}
    exchange = build(
        bundle, {**facts, "evidence.cn-standard-contract": {"covers": "yes", "dated": "2026-11-01", "people": "99_999"}}
    )
    written = engine.case_yaml(bundle, exchange, DAY, "It is: so", {"applies": {"cn.test": False}}, policy="cn.test")
    assert (
        written
        == """\
test: cn.test
as_of: 2026-11-24
exchange:
  exporter.country: CN
  data.people: 150 thousand
  evidence.cn-standard-contract: {covers: yes, dated: 2026-11-01, people: 99_999}
cases:
  - case: "It is: so"
    expect:
      applies: {cn.test: no}
"""
    )
    bundle = engine.load_sources({**sources, "one.test.yaml": written.encode()})
    (result,) = engine.run(bundle)
    assert (result.case, result.problems) == ("It is: so", ("whether `cn.test` applies is yes, not no",))
    moved = build(bundle, {**facts, "exporter.country": "US"})
    assert (
        engine.case_yaml(bundle, moved, date(2026, 1, 1), "Moved", {"proceed": False}, file="one.test.yaml")
        == """\
  - case: Moved
    as_of: 2026-01-01
    change:
      exporter.country: US
      evidence.cn-standard-contract: left out
    expect:
      proceed: no
"""
    )


def test_an_exchange_that_no_case_states_is_not_written() -> None:
    """A test cannot say that an id only looks like one of the register."""
    bundle = engine.load(POLICIES)
    entity = {"alike": True, "states": {"recipient": {"country": "US"}}}
    exchange = bundle.reader.accept({"recipient": {"id": "ACME"}, "register": {"recipient.id": entity}})
    assert engine.case_yaml(bundle, exchange, DAY, "Alike", {}) == ""
