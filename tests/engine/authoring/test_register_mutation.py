"""
An entry of a register is taken away or moved by a day, and what no case notices is named.
"""

from __future__ import annotations

import engine

WORDS = """\
vocabulary: words
values:
  land: {title: land, values: {AA: {title: Aland}, BB: {title: Bland}}}
facts:
  x.land: {type: land, title: land, ask: Which land?}
registers:
  SAFE:
    title: safe
    of: land
    source: a list
    status: confirmed
    entries:
      AA: {from: 2020-01-01, until: 2025-12-31}
      BB: {}
jurisdictions:
  JJ: {title: Jland}
"""
LAW = """\
policy: jj.law
title: a law
jurisdiction: JJ
instrument: {issuer: somebody, force: law}
in_force: {from: 2010-01-01}
applies: always
rules:
  - {id: art-1, title: one, cite: one, says: one, source: one, status: confirmed, when: {x.land: {in: SAFE}}, prohibit: no}
"""
CASES = {
    "the day before the first": "as_of: 2019-12-31, change: {}, expect: {silent: [art-1]}",
    "the first day": "as_of: 2020-01-01, change: {}, expect: {because: [art-1]}",
    "the last day": "as_of: 2025-12-31, change: {}, expect: {because: [art-1]}",
    "the day after the last": "as_of: 2026-01-01, change: {}, expect: {silent: [art-1]}",
    "the other land": "change: {x.land: BB}, expect: {because: [art-1]}",
}


def undefended(*without: str) -> list[tuple[str, int]]:
    """What no case notices, with its line."""
    cases = "".join(f"  - {{case: {name}, {case}}}\n" for name, case in CASES.items() if name not in without)
    test = f"test: jj.law\nas_of: 2026-11-24\nexchange: {{x.land: AA}}\ncases:\n{cases}"
    bundle = engine.load_sources({"words.yaml": WORDS.encode(), "law.yaml": LAW.encode(), "law.test.yaml": test.encode()})
    mutants = list(engine.register_mutants(bundle))
    court = engine.MutationTester(bundle, mutants)
    return [(mutant.sentence, mutant.line) for mutant in mutants if not court.notices(mutant)]


def test_cases_on_each_side_of_every_day_defend_a_register() -> None:
    """Each entry and each of its days has a case."""
    assert undefended() == []


def test_without_a_case_its_day_is_undefended() -> None:
    """Each case defends one move of one day, or an entry."""
    line = WORDS.splitlines().index("      AA: {from: 2020-01-01, until: 2025-12-31}") + 1
    assert undefended("the day before the first") == [("SAFE: that AA is in it from 2020-01-01, not 2019-12-31", line)]
    assert undefended("the last day") == [("SAFE: that AA is in it until 2025-12-31, not 2025-12-30", line)]
    assert undefended("the other land") == [("SAFE: that BB is in it", line + 1)]
