"""Tables and steps: what they are written out to, and that a small mistake in one is refused in its first line."""

from __future__ import annotations

from dataclasses import replace

import pytest

import engine
from engine.authoring.name_uses import Name, names_defined
from engine.policy_language.diagnostic import Findings
from engine.policy_language.tree import read
from tests.engine.policy_language.test_language import SHARED, findings

HEAD = """
policy: p
title: a law
jurisdiction: AA
instrument: {issuer: a ministry, force: law}
in_force: {from: 2020-01-01}
applies: {exporter.country: AA}
rules:
"""
SAID = "title: a rule, cite: Art. 1, says: what it says"
MARKS = "source: made up, status: confirmed"
STEPS = f"""{HEAD}
  - steps: data.files
    source: made up
    status: confirmed
    unless: [data.shared: yes]
    cells:
      - {{id: few, {SAID}, allows: yes}}
      - {{at: 1_000, id: more, {SAID}, review: look}}
      - {{above: 1 million, id: most, {SAID}, when: {{data.personal: yes}}, require: contract}}
"""
STEPS_AS_RULES = f"""{HEAD}
  - {{id: few, {SAID}, {MARKS}, when: {{data.files: {{less_than: 1_000}}}}, unless: [data.shared: yes], allows: yes}}
  - id: more
    title: a rule
    cite: Art. 1
    says: what it says
    source: made up
    status: confirmed
    when: [data.files: {{at_least: 1_000, at_most: 1 million}}]
    unless: [data.shared: yes]
    review: look
  - id: most
    title: a rule
    cite: Art. 1
    says: what it says
    source: made up
    status: confirmed
    when: [data.files: {{more_than: 1 million}}, data.personal: yes]
    unless: [data.shared: yes]
    require: contract
"""
TABLE = f"""{HEAD}
  - table:
      recipient.country: [AA, {{in: NEIGHBOURS}}, others]
      data.files: [0, 100]
    source: made up
    status: confirmed
    cells:
      - {{at: {{recipient.country: AA}}, id: home, {SAID}, allows: yes}}
      - {{at: [{{recipient.country: others}}, {{data.files: 100, recipient.country: {{in: NEIGHBOURS}}}}], id: far, {SAID}, review: look}}
      - {{at: {{recipient.country: {{in: NEIGHBOURS}}, data.files: 0}}, empty: the law begins with a hundred files}}
"""
TABLE_AS_RULES = f"""{HEAD}
  - {{id: home, {SAID}, {MARKS}, when: {{recipient.country: AA}}, allows: yes}}
  - id: far
    title: a rule
    cite: Art. 1
    says: what it says
    source: made up
    status: confirmed
    when:
      any_of:
        - all_of: [recipient.country: {{not: AA}}, recipient.country: {{not: {{in: NEIGHBOURS}}}}]
        - all_of: [recipient.country: {{in: NEIGHBOURS}}, data.files: {{at_least: 100}}]
    review: look
"""
SET_TABLE = f"""{HEAD}
  - table:
      recipient.country: [BB, others]
      data.categories: [health, others]
    source: made up
    status: confirmed
    cells:
      - {{at: {{recipient.country: BB}}, id: near, {SAID}, review: look}}
      - {{at: {{recipient.country: others, data.categories: health}}, id: far, {SAID}, review: look}}
      - {{at: {{recipient.country: others, data.categories: others}}, id: rest, {SAID}, advise: look}}
"""
SET_TABLE_AS_RULES = f"""{HEAD}
  - {{id: near, {SAID}, {MARKS}, when: {{recipient.country: BB}}, review: look}}
  - {{id: far, {SAID}, {MARKS}, when: {{recipient.country: {{not: BB}}, data.categories: {{has: health}}}}, review: look}}
  - {{id: rest, {SAID}, {MARKS}, when: {{recipient.country: {{not: BB}}, data.categories: {{not: {{only: health}}}}}}, advise: look}}
"""
IN_FEWER_WORDS = f"""{HEAD.replace("applies:", "defaults: {source: made up, status: unsure}" + chr(10) + "applies:")}
  - steps: data.files
    status: confirmed
    unless: {{data.shared: yes}}
    cells:
      - empty: the law begins with five files
      - {{at: 5, id: some, {SAID}, document: contract, satisfies: contract}}
      - {{at: 6, id: more, {SAID}, source: another, unless: {{data.personal: no}}, require: {{document: certificate}}}}
  - {{id: freed, {SAID}, status: confirmed, when: {{recipient.country: AA}}, exempts: [large]}}
groups:
  large: [some, more]
"""
IN_FULL = f"""{HEAD}
  - id: some
    title: a rule
    cite: Art. 1
    says: what it says
    source: made up
    status: confirmed
    when: [data.files: {{at_least: 5, less_than: 6}}, evidence: {{has: contract}}]
    unless: [data.shared: yes]
    satisfies: contract
  - id: more
    title: a rule
    cite: Art. 1
    says: what it says
    source: another
    status: confirmed
    when: [data.files: {{at_least: 6}}]
    unless: [data.shared: yes, data.personal: no]
    require: aa.certificate
  - {{id: freed, {SAID}, {MARKS}, when: {{recipient.country: AA}}, exempts: [some, more]}}
  - id: more-certificate
    title: certificate
    cite: Art. 1
    says: what it says
    source: another
    status: confirmed
    when: [evidence: {{has: certificate}}]
    satisfies: aa.certificate
"""
REQUIREMENT = """
vocabulary: required
requirements:
  aa.certificate: {title: certificate, how: HOW, jurisdiction: AA}
"""
SLIPS: dict[str, tuple[str, ...]] = {
    "a threshold one too high": ("at: 1_000,", "at: 1_001,", "`1_001` is one off 1_000"),
    "a threshold one too low": ("above: 1 million", "above: 999_999", "`999_999` is one off 1_000_000"),
    "a step that begins twice": ("above: 1 million", "at: 1_000", "two steps begin with `at: 1_000`"),
    "steps out of order": (
        "at: 1_000,",
        "at: 2 million,",
        "stands after `at: 2 million`, so the two overlap",
        "above: 1 million",
    ),
    "a step that says where it ends": ("id: more,", "id: more, at_most: 1 million,", "a step ends where the next one begins"),
    "a first step with a threshold": ("{id: few,", "{at: 10, id: few,", "nothing is said of `data.files` below `10`"),
    "a step without a threshold": ("{above: 1 million, ", "{", "this step does not say where it begins"),
    "a gap by another test": ("{data.personal: yes}", "{data.files: {at_least: 2 million}}", "tested beside its own axis"),
}


def meaning(text: str) -> str:
    return engine.load_sources({**SHARED, "p.yaml": text.encode()}).digests.meaning


@pytest.mark.parametrize(
    ("short", "long"),
    [(STEPS, STEPS_AS_RULES), (TABLE, TABLE_AS_RULES), (SET_TABLE, SET_TABLE_AS_RULES)],
    ids=["steps", "table", "table of a set"],
)
def test_what_is_short_means_what_is_long(short: str, long: str) -> None:
    """Steps and tables mean, byte for byte, what the same rules mean that are written out."""
    assert meaning(short) == meaning(long)


def test_cells_share_what_a_policy_says_once() -> None:
    """A cell has the defaults of its policy, its documents and its groups, as a rule has; its head goes before the defaults."""
    short = engine.load_sources({**SHARED, "p.yaml": IN_FEWER_WORDS.encode()})
    how = short.rules.requirements["aa.certificate"].how.en
    required = {"required.yaml": REQUIREMENT.replace("HOW", f"'{how}'").encode()}
    long = engine.load_sources({**SHARED, **required, "p.yaml": IN_FULL.encode()})
    assert short.rules.rules == tuple(
        replace(rule, provision=replace(rule.provision, line=mine.provision.line)) if rule.provision.policy == "p" else rule
        for rule, mine in zip(long.rules.rules, short.rules.rules, strict=True)
    )


def test_a_provision_has_the_line_of_its_cell() -> None:
    """Whoever is told of a provision finds the cell and not the table."""
    bundle = engine.load_sources({**SHARED, "p.yaml": STEPS.encode()})
    mine = [rule.provision for rule in bundle.rules.rules if rule.provision.policy == "p"]
    lines = {provision.id: STEPS.splitlines()[provision.line - 1] for provision in mine}
    assert lines.keys() == {"p/few", "p/more", "p/most"}
    assert all(f"id: {name.removeprefix('p/')}," in line for name, line in lines.items())


def test_an_editor_finds_where_a_cell_is_named() -> None:
    """The id of a cell is the name of a rule, as in a rule that stands alone."""
    root = read("p.yaml", TABLE.encode(), Findings())
    assert root is not None
    assert {Name("rule", "p/home"), Name("rule", "p/far")} <= set(names_defined(root))


@pytest.mark.parametrize("slip", SLIPS)
def test_a_slip_in_steps_is_refused_in_one_line(slip: str) -> None:
    """No threshold is off by one, and no steps have a gap or an overlap: the first finding says so, at the line of the slip."""
    old, new, said, *later = SLIPS[slip]
    assert STEPS.count(old) == 1
    wrong = STEPS.replace(old, new)
    first = findings({**SHARED, "p.yaml": wrong.encode()})[0]
    assert said in first.message
    assert (later or [new.strip("{} ,") or "id: most"])[0] in wrong.splitlines()[first.at.line - 1]


def test_the_largest_table_is_bounded() -> None:
    """A table of more places than anybody reads is refused before its places are counted."""
    axis = ", ".join(map(str, range(0, 5_000, 50)))
    cell = f"{{at: {{data.files: 0}}, id: r, {SAID}, {MARKS}, review: look}}"
    text = f"{HEAD}\n  - table: {{data.files: [{axis}], data.rate: [{axis}]}}\n    cells: [{cell}]\n"
    assert [each.message for each in findings({**SHARED, "p.yaml": text.encode()})] == ["the table has more than 2,000 cells"]


def test_cells_are_laid_out() -> None:
    """`fmt` puts the place of a cell before its rule, an empty line between cells, and the cells after what they share."""
    marks, rule = (
        "    source: made up\n    status: confirmed\n",
        "        title: a rule\n        cite: Art. 1\n        says: what\n        review: look\n",
    )
    wanted = f"{HEAD.lstrip()}  - steps: data.files\n{marks}    cells:\n      - id: few\n{rule}\n      - at: 5\n        id: many\n{rule}"
    wanted = wanted.replace("{exporter.country: AA}\nrules:", "\n  exporter.country: AA\n\nrules:").replace(": \n", ":\n")
    mixed = wanted.replace("      - at: 5\n        id: many\n", "      - id: many\n        at: 5\n").replace(marks, "") + marks
    assert mixed != wanted
    assert engine.lay_out("p.yaml", mixed.encode()).decode() == wanted
