"""A small vocabulary and one law for the tests of tables: what they decide is quickly decided by hand."""

from __future__ import annotations

from datetime import date

import engine

DAY = date(2026, 11, 24)
VOCABULARY = b"""
vocabulary: tables
measures: {for: recipient.id}
facts:
  exporter.id: {type: id, title: exporter, personal: yes}
  exporter.country: {type: country, title: country}
  recipient.id: {type: id, title: recipient}
  recipient.country: {type: country, title: country of the recipient}
  data.personal: {type: yes/no, title: personal}
  data.categories: {type: set of category, title: categories}
  data.people: {type: count, title: people}
  data.share: {type: ratio, title: share}
  data.collected: {type: date, title: day of collection}
  counts.people: {type: count, title: people this year}
values:
  country: {title: country, values: {CN: China, DE: Germany, US: United States}}
  category: {title: category, values: [health, genetic, weather]}
evidence:
  contract: {title: a contract}
requirements:
  xx.contract: {title: a contract, how: sign one, jurisdiction: XX}
counters:
  counts.people: {counts: distinct data.people, per: [exporter.id], window: preceding 12 months}
coherence:
  nobody-counted:
    never: {data.personal: no, data.people: {at_least: 1}}
    says: data that are not personal count nobody
jurisdictions:
  XX: {title: somewhere}
"""
POLICY = b"""
policy: xx.law
title: Law
jurisdiction: XX
instrument: {issuer: nobody, number: none, force: law}
in_force: {from: 2020-01-01}
applies: {exporter.country: CN}
rules:
  - id: genes
    title: Genes stay
    cite: Art. 1
    says: Genes stay.
    source: none
    status: confirmed
    when: {data.categories: {has: genetic}}
    prohibit: They may not leave.
  - id: people
    title: A contract for people
    cite: Art. 2
    says: Personal data need a contract.
    source: none
    status: confirmed
    when: {data.personal: yes}
    require: xx.contract
  - id: signed
    title: A contract that counts
    cite: Art. 3
    says: A contract is one.
    source: none
    status: confirmed
    when: {evidence: {has: contract}}
    satisfies: xx.contract
  - id: many
    title: Many people
    cite: Art. 4
    says: Nobody sends many.
    source: none
    status: confirmed
    when: {counts.people: {at_least: 1_000}}
    prohibit: Too many.
"""


def bundle() -> engine.Bundle:
    return engine.load_sources({"p/vocabulary.yaml": VOCABULARY, "p/law.yaml": POLICY})
