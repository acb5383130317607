"""
Two bundles that differ, for the tests of `fifthfactor diff`: made-up words and a law, as texts, and what is done with them.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

from typer.testing import CliRunner

import engine
from service.cli.main import app

TODAY = date(2026, 11, 24)

WORDS = """\
vocabulary: words

facts:
  exporter.id: {type: id, title: exporter's identifier, personal: yes}
  exporter.country: {type: country, title: exporter's country}
  recipient.country: {type: country, title: recipient's country}
  data.people: {type: count, title: people}
  data.kinds: {type: set of kind, title: kinds of data}
  data.made_on: {type: date, title: day it was made}
  counts.sent: {type: count, title: people sent}

values:
  country: {title: country, values: {AA: Aland, BB: Beland, CC: Celand}}
  town: {title: town, inside: country, complete: [AA], values: {none: {}, one: {in: AA}, two: {also: [Duo], in: BB}}}
  kind: {title: kind, values: {report: {}, image: {}, scan: {under: image}, photo: {under: image, rest: yes}}}

registers:
  FRIENDS:
    title: friendly countries
    of: country
    source: made up
    status: confirmed
    entries: {BB: {from: 2024-01-01}}

calendars:
  AA:
    title: working days in Aland
    source: made up
    status: confirmed
    weekend: [sun]
    known_from: 2024-01-01
    known_until: 2024-12-31
    holidays: [2024-01-01]

evidence:
  contract: {title: contract}
claims:
  need: {title: need}

requirements:
  a.contract:
    title: a contract
    how: Conclude it.
    jurisdiction: AA
    duties:
      - {duty: File the contract., who: exporter, due: {within: 10 days, after: evidence.contract.dated}}

counters:
  counts.sent: {counts: distinct data.people, per: [exporter.id], window: calendar year in UTC, leaves_out: [a.law/ground]}

jurisdictions:
  AA: {title: Aland, countries: [AA], covers: {all: {from: 2020-01-01, by: [a.law]}, images: {from: 2024-01-01, by: [a.law]}}}

subjects:
  all: {title: all data, when: {exporter.country: AA}}
  images: {title: images, when: {data.kinds: {has: image}}}

touches:
  - {fact: exporter.country, as: exporter}

coherence:
  nobody-pictured:
    never: {data.people: {at_most: 0}, data.kinds: {has: image}}
    unless_said: {recipient.country: CC}
    says: an image shows somebody

lanes:
  fast: {title: the fast lane}

factor:
  volume: {title: volume, lines: {people: {title: people, fact: data.people}}}
"""

LAW = """\
policy: a.law
title: The Law of Aland
jurisdiction: AA
instrument: {issuer: a ministry, force: law}
in_force: {from: 2020-01-01}
applies:
  exporter.country: AA

define:
  abroad:
    recipient.country: {not: AA}

rules:
  - id: art-1
    title: Many people need a contract
    cite: Art. 1
    says: Data of many people leave under a contract.
    source: made up
    status: confirmed
    when:
      - abroad
      - data.people: {at_least: 10 thousand}
    require: a.contract

  - id: ground
    title: A contract is one
    cite: Art. 1(2)
    says: The contract meets Article 1.
    source: made up
    status: confirmed
    when:
      - evidence: {has: contract}
    satisfies: a.contract

  - id: art-2
    title: Images are looked at
    cite: Art. 2
    says: Images are reviewed.
    source: made up
    status: confirmed
    in_force: {from: 2024-01-01}
    when:
      - data.kinds: {has: image}
    review: Look at the images.
"""

CASES = """\
test: a.law
as_of: 2024-06-01
exchange:
  exporter.country: AA
  recipient.country: BB
  data.people: 10
  data.kinds: [report]
cases:
  - case: A few people need nothing
    expect: {outcome: permitted}
  - case: Ten thousand people need a contract
    change: {data.people: 10 thousand}
    expect: {outcome: requirements_unmet}
  - case: A contract is shown
    change: {data.people: 10 thousand, evidence.contract: {dated: 2024-05-30, covers: yes}}
    expect: {outcome: permitted_with_obligations}
  - case: A million people need a contract, and friends need none
    change: {data.people: 1 million}
    expect: {outcome: requirements_unmet}
  - case: Elsewhere nobody knows how many
    change: {recipient.country: CC, data.people: {at_least: 20 thousand}}
    expect: {outcome: requirements_unmet}
  - case: Images are looked at
    change: {data.kinds: [image]}
    expect: {outcome: review}
  - case: Images to Celand | are [looked] at
    as_of: 2026-06-01
    change: {recipient.country: CC, data.kinds: [image]}
    expect: {outcome: review}
"""

ADDED = """
  - id: art-3
    title: Friends need no contract
    cite: Art. 3
    says: Article 1 does not hold for friends.
    source: made up
    status: confirmed
    when:
      - recipient.country: {in: FRIENDS}
    exempts: [a.contract]

  - id: art-4
    title: No scans to Celand
    cite: Art. 4
    says: Images do not go to Celand.
    source: made up
    status: confirmed
    when:
      - recipient.country: CC
      - data.kinds: {has: image}
    prohibit: Images do not go to Celand.
"""

OLD = {"words.yaml": WORDS, "law.yaml": LAW, "law.test.yaml": CASES}
NEW = {
    **OLD,
    "law.yaml": LAW.replace("10 thousand", "100 thousand").replace("{from: 2024-01-01}", "{from: 2025-01-01}") + ADDED,
}

FEW = {**OLD, "law.test.yaml": CASES[: CASES.index("  - case: A contract")]}


def bundle(sources: dict[str, str]) -> engine.Bundle:
    """A bundle from texts."""
    return engine.load_sources({name: text.encode() for name, text in sources.items()})


def difference(old: dict[str, str], new: dict[str, str], *more: engine.TrialExchange) -> engine.Difference:
    """What the test exchanges and some others show."""
    before, after = bundle(old), bundle(new)
    return engine.compare(before, after, [*engine.trials(before, after), *more], today=TODAY)


def folder(place: Path, sources: dict[str, str]) -> Path:
    """A folder of texts."""
    place.mkdir(parents=True)
    for name, text in sources.items():
        (place / name).write_text(text)
    return place


def run(*arguments: object) -> Any:
    """`fifthfactor diff` in this process."""
    return CliRunner().invoke(app, ["diff", *map(str, arguments)])
