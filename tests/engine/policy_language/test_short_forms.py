"""Short forms mean what they stand for: a bundle with them has the digest of the bundle in which everything is written out."""

from __future__ import annotations

from pathlib import Path

import pytest

import engine

HERE = Path(__file__).parent
WORDS = {
    f"_shared/{name}.yaml": (HERE / f"{name}.yaml").read_bytes() for name in ("vocabulary", "neighbour", "licence", "advice")
}
HEAD = "policy: {id}\ntitle: a law\njurisdiction: AA\ninstrument: {{issuer: a ministry, force: law}}\nin_force: {{from: 2020-01-01}}\n"
ALWAYS = "applies: {exporter.country: AA}\n"
LAW = HEAD.format(id="p")
OTHER = HEAD.format(id="q") + ALWAYS

# What is short, and the same in full.
ALIKE: dict[str, tuple[str, str]] = {
    "defaults": (
        """defaults: {source: a work, status: unsure, verify_by: 2030-01-01}
rules:
  - {id: a, title: a, cite: Art. 1, says: it, review: look}
  - {id: b, title: b, cite: Art. 2, says: it, source: the text, status: confirmed, satisfies: contract}
""",
        """rules:
  - {id: a, title: a, cite: Art. 1, says: it, source: a work, status: unsure, verify_by: 2030-01-01, review: look}
  - {id: b, title: b, cite: Art. 2, says: it, source: the text, status: confirmed, verify_by: 2030-01-01, satisfies: contract}
""",
    ),
    "groups of rules and of duties": (
        """define: {signed: {evidence: {has: contract}}}
groups:
  both: [a, b]
  after: [{duty: tell them, who: exporter, done_when: signed}, {duty: keep it, who: exporter}]
rules:
  - {id: a, title: a, cite: Art. 1, says: it, source: a, status: confirmed, review: look}
  - {id: b, title: b, cite: Art. 2, says: it, source: a, status: confirmed, review: look}
  - {id: c, title: c, cite: Art. 3, says: it, source: a, status: confirmed, when: {data.personal: no}, exempts: [both]}
  - {id: d, title: d, cite: Art. 4, says: it, source: a, status: confirmed, when: signed, satisfies: contract, duties: [after]}
""",
        """define: {signed: {evidence: {has: contract}}}
rules:
  - {id: a, title: a, cite: Art. 1, says: it, source: a, status: confirmed, review: look}
  - {id: b, title: b, cite: Art. 2, says: it, source: a, status: confirmed, review: look}
  - {id: c, title: c, cite: Art. 3, says: it, source: a, status: confirmed, when: {data.personal: no}, exempts: [a, b]}
  - id: d
    title: d
    cite: Art. 4
    says: it
    source: a
    status: confirmed
    when: signed
    satisfies: contract
    duties: [{duty: tell them, who: exporter, done_when: signed}, {duty: keep it, who: exporter}]
""",
    ),
    "groups of values": (
        """groups: {ill: [health, genome], papers: [contract, certificate]}
rules:
  - {id: a, title: a, cite: Art. 1, says: it, source: a, status: confirmed, when: {data.category: {not: [weather, ill]}}, review: look}
  - {id: b, title: b, cite: Art. 2, says: it, source: a, status: confirmed, unless: {evidence: {has: papers}}, review: look}
""",
        """rules:
  - id: a
    title: a
    cite: Art. 1
    says: it
    source: a
    status: confirmed
    when: {data.category: {not: [weather, health, genome]}}
    review: look
  - id: b
    title: b
    cite: Art. 2
    says: it
    source: a
    status: confirmed
    unless: [{evidence: {has: [contract, certificate]}}]
    review: look
""",
    ),
    "documents and claims that are shown": (
        """rules:
  - {id: a, title: a, cite: Art. 1, says: it, source: a, status: confirmed, document: contract, satisfies: contract}
  - id: b
    title: b
    cite: Art. 2
    says: it
    source: a
    status: confirmed
    when: {data.personal: no}
    claim: [necessity]
    exempts: [contract]
""",
        """rules:
  - id: a
    title: a
    cite: Art. 1
    says: it
    source: a
    status: confirmed
    when: {evidence: {has: contract}}
    satisfies: contract
  - id: b
    title: b
    cite: Art. 2
    says: it
    source: a
    status: confirmed
    when: [{data.personal: no}, {claims: {has: necessity}}]
    exempts: [contract]
""",
    ),
}


def meaning(**files: str) -> str:
    """The digest of what some files mean, beside the shared words."""
    bundle = engine.load_sources({**WORDS, **{f"{name}.yaml": text.encode() for name, text in files.items()}})
    assert not bundle.warnings
    return bundle.digests.meaning


@pytest.mark.parametrize("name", ALIKE)
def test_what_is_short_means_what_it_stands_for(name: str) -> None:
    """The checked rules are the same, to the byte, so every engine decides alike."""
    short, full = ALIKE[name]
    assert meaning(p=LAW + ALWAYS + short) == meaning(p=LAW + ALWAYS + full)


def test_a_group_may_be_used_in_another_file() -> None:
    """There its rules, and the definitions of its duties, are those of the policy that names it."""
    rule = "title: a, says: it, source: a, status: confirmed"
    first = (
        ALWAYS
        + f"define: {{told: {{evidence: {{has: contract}}}}}}\nrules:\n  - {{id: a, cite: Art. 1, {rule}, review: look}}\n"
    )
    listed = "groups: {all: [a], after: [{duty: tell them, who: exporter, done_when: told}]}\n"
    second = (
        OTHER
        + f"rules:\n  - {{id: b, cite: Art. 2, {rule}, when: {{data.personal: no}}, satisfies: contract, exempts: [%s]%s}}\n"
    )
    duty = ", duties: [{duty: tell them, who: exporter, done_when: p/told}]"
    assert meaning(p=LAW + first + listed, q=second % ("p/all", ", duties: [p/after]")) == meaning(
        p=LAW + first, q=second % ("p/a", duty)
    )


def test_a_required_document_is_a_requirement_with_its_ground() -> None:
    """Both take their words from the document; the ground is as sure, and as old, as the rule that requires it."""
    rule = "title: a, cite: Art. 1, says: it, source: a, status: confirmed, in_force: {from: 2021-01-01}"
    words = "vocabulary: more\nevidence:\n  aa-log: {title: {en: entry in the log, zh: 日志记录}}\n"
    short = f"rules:\n  - {{id: r, {rule}, when: {{data.personal: yes}}, require: {{document: aa-log}}}}\n"
    required = """requirements:
  aa.log:
    title: {en: entry in the log, zh: 日志记录}
    how: {en: "Show this document: entry in the log.", zh: 请提供该文件：日志记录。}
    jurisdiction: AA
"""
    full = f"""rules:
  - {{id: r, {rule}, when: {{data.personal: yes}}, require: aa.log}}
  - id: r-aa-log
    title: {{en: entry in the log, zh: 日志记录}}
    cite: Art. 1
    says: it
    source: a
    status: confirmed
    in_force: {{from: 2021-01-01}}
    when: {{evidence: {{has: aa-log}}}}
    satisfies: aa.log
"""
    assert meaning(p=LAW + ALWAYS + short, words=words) == meaning(p=LAW + ALWAYS + full, words=words + required)


def test_a_definition_of_a_jurisdiction_is_one_of_each_policy_that_uses_it() -> None:
    """A policy that names it, alone or through another definition or policy, has it as its own; any other has not."""
    shared = "define: {away: {recipient.country: {not: AA}}, sent-away: [away, {data.personal: yes}]}"
    words = WORDS["_shared/vocabulary.yaml"].decode()
    with_shared = words.replace("{title: Aland, countries: [AA]}", f"{{title: Aland, countries: [AA], {shared}}}")
    assert with_shared != words
    rule = "title: a, cite: Art. 1, says: it, source: a, status: confirmed, review: look"
    rest = f"applies: sent-away\nrules:\n  - {{id: r, {rule}, when: q/away}}\n"
    other = OTHER + f"%srules:\n  - {{id: r, {rule}}}\n"
    own = "define:\n  away: {recipient.country: {not: AA}}\n"
    sources = {**WORDS, "_shared/vocabulary.yaml": with_shared.encode(), "p.yaml": (LAW + rest).encode()}
    bundle = engine.load_sources({**sources, "q.yaml": (other % "").encode()})
    assert not bundle.warnings
    assert bundle.digests.meaning == meaning(p=LAW + own + "  sent-away: [away, {data.personal: yes}]\n" + rest, q=other % own)
    with pytest.raises(engine.BundleRefused, match="`away` is a definition of `AA` already"):
        engine.load_sources({**sources, "q.yaml": (other % own).encode()})
    idle = engine.load_sources({**sources, "p.yaml": (LAW + ALWAYS + f"rules:\n  - {{id: r, {rule}}}\n").encode()})
    assert [each.code for each in idle.warnings] == ["unused-definition", "unused-definition"]


def test_a_jurisdiction_says_once_when_its_law_was_read() -> None:
    """Each cell that tells what was read has the days of the jurisdiction, unless it has its own; a cell of policies has none."""
    cell = "{unread: a law, read: its title, source: a work, status: confirmed%s}"
    covers = "covers: {personal: {from: 2020-01-01, by: [p]}, hidden: %s}"
    head = "vocabulary: more\njurisdictions:\n  CC: {title: Celand, %s}\n"
    policy = (
        LAW.replace("AA", "CC")
        + "applies: always\nrules:\n  - {id: a, title: a, cite: a, says: a, source: a, status: confirmed, review: a}\n"
    )
    days = ", read_on: 2026-01-01, verify_by: %s"
    defaults = "defaults: {read_on: 2026-01-01, verify_by: 2027-01-01}, "
    for own, whole in (("", "2027-01-01"), (", verify_by: 2028-01-01", "2028-01-01")):
        short, full = defaults + covers % (cell % own), covers % (cell % (days % whole))
        assert meaning(p=policy, words=head % short) == meaning(p=policy, words=head % full)


REACHED = """vocabulary: reach
reached_from_abroad:
  title: {en: "Reach of {law}", zh: "{law}的适用"}
  applies: {exporter.country: {not: "{jurisdiction}"}}
  rule:
    id: from-abroad
    title: {en: "Whether {law} reaches those who serve {place}", zh: "{law}是否适用于{place}"}
    review: {en: "See whether {law} reaches this exporter.", zh: "请核查{law}。"}
jurisdictions:
  CC:
    title: {en: Celand, zh: 西兰}
"""
REACH = """    reach:
      law: {en: the act, zh: 该法}
      issuer: a parliament
      in_force: {from: 2021-01-01}
      cite: s. 1
      says: Section 1 names controllers.
      source: a work
      status: unsure
"""


def test_the_reach_of_a_jurisdiction_is_a_policy() -> None:
    """It has the words of the jurisdiction in the places of one text, and stands where the jurisdiction says it."""
    full = """policy: cc.reach
title: {en: Reach of the act, zh: 该法的适用}
jurisdiction: CC
instrument: {issuer: a parliament, force: law}
in_force: {from: 2021-01-01}
applies: {exporter.country: {not: CC}}
rules:
  - id: from-abroad
    title: {en: Whether the act reaches those who serve Celand, zh: 该法是否适用于西兰}
    cite: s. 1
    says: Section 1 names controllers.
    source: a work
    status: unsure
    review: {en: See whether the act reaches this exporter., zh: 请核查该法。}
"""
    words = WORDS["_shared/vocabulary.yaml"].decode().replace("values: [AA, BB, NO]", "values: [AA, BB, CC, NO]")
    sources = {**WORDS, "_shared/vocabulary.yaml": words.encode()}
    short = engine.load_sources({**sources, "reach.yaml": (REACHED + REACH).encode()})
    assert not short.warnings
    long = engine.load_sources({**sources, "reach.yaml": REACHED.encode(), "cc.yaml": full.encode()})
    assert short.digests.meaning == long.digests.meaning
    rule = next(each for each in short.rules.rules if each.provision.policy == "cc.reach")
    assert (rule.provision.file, rule.provision.line) == ("reach.yaml", 13)
    written = engine.instrument(short, "cc.reach")
    assert written is not None
    assert written.text.title.zh == "该法的适用"


def test_an_id_is_on_a_list_from_its_first_day_to_its_last() -> None:
    """Two engines agree on each day; whoever names no id leaves it open, and nobody is on a list of which all days are over."""
    policy = (
        LAW
        + ALWAYS
        + """rules:
  - {id: known, title: a, cite: Art. 1, says: it, source: a, status: confirmed, when: {data.label: {in: KNOWN}}, review: look}
  - {id: some, title: a, cite: Art. 2, says: it, source: a, status: confirmed, when: {data.labels: {has: {in: KNOWN}}}, review: look}
"""
    )
    cases = """test: p
as_of: 2026-06-30
exchange: {exporter.country: AA, recipient.country: BB, data.label: acme, data.labels: [acme]}
cases:
  - {case: On its last day it is listed, expect: {because: [known, some]}}
  - {case: On the next day it is not, as_of: 2026-07-01, expect: {silent: [known, some]}}
  - case: One without days is listed on each
    as_of: 2027-07-01
    change: {data.label: beta, data.labels: [beta, gamma]}
    expect: {because: [known, some]}
  - {case: One that nobody listed is not, change: {data.label: gamma, data.labels: [gamma]}, expect: {silent: [known, some]}}
  - case: One that is not named is asked for
    change: {data.label: left out, data.labels: left out}
    expect: {missing: [data.categories, data.label, data.labels, data.personal, data.shared]}
"""
    bundle = engine.load_sources({**WORDS, "p.yaml": policy.encode(), "p.test.yaml": cases.encode()})
    results = list(engine.run(bundle))
    assert [each.problems for each in results] == [()] * 5


def test_a_test_names_a_group_of_rules() -> None:
    """What a case expects of a group it expects of each of its rules."""
    short, _ = ALIKE["groups of rules and of duties"]
    cases = """test: p
as_of: 2026-06-30
exchange: {exporter.country: AA, recipient.country: BB, data.personal: yes}
cases:
  - {case: Both stand, expect: {because: [both]}}
  - {case: Both are exempted, change: {data.personal: no}, expect: {because: [c], beaten: [p/both]}}
  - {case: Of one that does not stand the group says so, change: {data.personal: no}, expect: {because: [both]}}
"""
    bundle = engine.load_sources({**WORDS, "p.yaml": (LAW + ALWAYS + short).encode(), "p.test.yaml": cases.encode()})
    both, beaten, wrong = engine.run(bundle)
    assert not both.problems
    assert not beaten.problems
    assert len(wrong.problems) == 2
