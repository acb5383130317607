"""What an exchange adds to the statistics: each word as it is known, and no word guessed."""

from datetime import date
from decimal import Decimal
from typing import Any

import pytest

import engine
from engine.values import Money, Range

LAW = b"""
policy: cn.test
title: Test provisions
jurisdiction: CN
instrument: {issuer: Nobody, number: None, force: norm}
in_force: {from: 2024-01-01}
applies:
  exporter.country: CN
rules:
  - id: space
    title: Inside a space
    cite: Art. 1
    says: Exchanges inside a space are eased.
    source: none
    status: confirmed
    when: {terms.venue: space}
    advise: Use the space.
    lane: space
"""
WORDS = b"""
vocabulary: flow-tests
facts:
  exporter.id: {type: id, title: exporter, personal: yes}
  exporter.country: {type: country, title: from}
  recipient.country: {type: country, title: to}
  terms.venue: {type: venue, title: venue}
  data.grades: {type: set of grade, title: grades}
  exporter.sectors: {type: set of sector, title: sectors}
  data.people: {type: count, by: kind, title: people}
  terms.price: {type: money, title: price}
  terms.share: {type: ratio, by: role, title: share}
  terms.exclusive: {type: yes/no, title: exclusive}
registers:
  landlocked: {title: landlocked, of: country, source: none, status: confirmed, entries: [KE]}
  late: {title: late, of: country, source: none, status: confirmed, entries: {CN: {from: 2026-11-25}, KE: {until: 2026-11-24}}}
values:
  country: {title: country, values: [CN, KE]}
  venue: {title: venue, values: [exchange, space]}
  grade: {title: grade, ordered: yes, values: [general, important, core]}
  sector: {title: sector, values: [finance, health]}
  kind: {title: kind, values: [ordinary, sensitive]}
  role: {title: role, values: [provider, public]}
jurisdictions:
  CN: {title: China}
lanes:
  space: {title: the space}
statistics:
  source: exporter.country
  destination: recipient.country
  venue: terms.venue
  grade: data.grades
  sector: exporter.sectors
  people: data.people
  registers: [landlocked, late]
  price: terms.price
  public_share: terms.share.public
  exclusive: terms.exclusive
  supplier: exporter.id
"""
BUNDLE = engine.load_sources({"law.yaml": LAW, "words.yaml": WORDS})
FLOWS, PDP = engine.Flows(BUNDLE), engine.PDP(BUNDLE, mode="reference")
DAY = date(2026, 11, 25)


def flow(**sent: Any) -> engine.Flow:
    """The flow of an exchange; a fact's name has `__` for its dots."""
    document: dict[str, Any] = {}
    for name, value in sent.items():
        document = engine.with_fact_set(document, name.replace("__", "."), value)
    exchange = engine.accept_exchange(BUNDLE, document)
    return FLOWS.of(exchange, PDP.judge(exchange, as_of=DAY).verdict, DAY)


def test_a_whole_exchange_is_told_in_the_words_of_the_vocabulary() -> None:
    """Each member of a set is a word, of the grades only the highest; the shares are parts of the price, and lanes are those open."""
    found = flow(
        exporter={"id": "clinic", "country": "CN", "sectors": ["health", "finance"]},
        recipient__country="KE",
        data={"grades": ["general", "important"], "people": {"ordinary": 20, "sensitive": 3}},
        terms={"venue": "space", "price": "0.0003 CNY", "exclusive": True, "share": {"public": "0.333333333333"}},
    )
    assert (found.pair, found.venue, found.grade, found.sector) == ("CN>KE", "space", "important", "finance health")
    assert (found.kind, found.lanes, found.exclusive, found.supplier) == ("?", "space", "yes", "clinic")
    assert (found.people, found.price) == (Range.exact(23), Money(Decimal("0.0003"), "CNY"))
    assert found.public_share == Decimal("0.0000999999999999")
    assert (found.source_country_share, found.recipient) == (None, None)
    assert (found.source_register, found.destination_register, found.reached) == ("late", "landlocked", "1-999")


def test_nothing_that_was_not_said_is_told() -> None:
    """An exchange that says nothing is unknown in every word, has any number of people, and no price."""
    found = flow()
    assert (found.pair, found.venue, found.grade, found.sector, found.exclusive) == ("?>?", "?", "?", "?", "?")
    assert (found.people, found.price, found.public_share, found.supplier) == (Range(Decimal(0), None), None, None, None)
    assert (found.purpose, found.source_register, found.destination_register, found.reached) == ("?", "?", "?", "?")
    assert flow(exporter__sectors=[]).sector == ""


@pytest.mark.parametrize(("members", "grade"), [(["general"], "?"), (["core"], "core")])
def test_of_grades_that_may_not_be_all_only_the_highest_of_all_is_certain(members: list[str], grade: str) -> None:
    """Where a higher one may be missing, the grade is not known."""
    assert flow(data__grades=[*members, "unknown"]).grade == grade


def test_a_price_that_is_not_known_has_no_shares() -> None:
    """A share alone is no sum of money, and one above the whole is none either."""
    assert flow(terms__share={"public": "0.5"}).public_share is None
    assert flow(terms={"price": "5 CNY", "share": {"public": "1.5"}}).public_share is None


def test_the_meaning_moves_with_what_a_flow_says() -> None:
    """Another fact for a word is another meaning, other policies are not, and without statistics there is none."""

    def meaning(old: bytes, new: bytes) -> str:
        changed = {"law.yaml": LAW.replace(old, new), "words.yaml": WORDS.replace(old, new)}
        return engine.Flows(engine.load_sources(changed)).meaning

    assert meaning(b"source: exporter.country", b"source: recipient.country") != FLOWS.meaning
    assert meaning(b"[general, important, core]", b"[general, core, important]") != FLOWS.meaning
    assert meaning(b"Use the space.", b"Prefer the space.") == FLOWS.meaning
    assert meaning(WORDS[WORDS.index(b"statistics:") :], b"") == ""


@pytest.mark.parametrize(
    ("line", "said"),
    [
        (b"  registers: [lost]", "there is no register of countries `lost`"),
        (b"  venue: terms.venu", "an exchange has no fact `terms.venu`"),
        (b"  venue: terms.price", "`terms.price` is of type `money`, which `venue` cannot use"),
        (b"  price: data.people.ordinary", "`data.people.ordinary` is of type `count`, which `price` cannot use"),
        (b"  source: exporter.sectors", "`exporter.sectors` is of type `set of sector`, which `source` cannot use"),
    ],
)
def test_a_fact_that_the_statistics_cannot_use_is_a_finding(line: bytes, said: str) -> None:
    """The author is told which fact, when the policies are checked."""
    use, (before, written) = line.partition(b":")[0], WORDS.split(b"statistics:\n")
    words = before + b"statistics:\n"
    words += b"\n".join(line if each.startswith(use + b":") else each for each in written.split(b"\n"))
    with pytest.raises(engine.BundleRefused) as refused:
        engine.load_sources({"law.yaml": LAW, "words.yaml": words})
    assert [each.message for each in refused.value.diagnostics] == [said]
