"""
The digests of a bundle: they change with its meaning, and not with how it is written.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from typing import Any

import pytest

import engine
from tests.engine.test_decision import LABELS, MORE, NOSY, ROOT, bundle


def digests(change: Any = None, *policies: dict[str, Any], **more: Any) -> engine.Digests:
    made = bundle(*(policies or (LABELS,)), **more)
    return made.digests if change is None else engine.load_sources(change(dict(made.sources))).digests


def renamed(sources: dict[str, bytes]) -> dict[str, bytes]:
    return {f"elsewhere/{99 - n}-{name}": data for n, (name, data) in enumerate(sorted(sources.items()))}


def commented(sources: dict[str, bytes]) -> dict[str, bytes]:
    return {name: b"# A comment.\n\n" + data.replace(b"\n", b"\n\n") + b"\n# The end.\n" for name, data in sources.items()}


def laid_out_anew(sources: dict[str, bytes]) -> dict[str, bytes]:
    return {**sources, "p.yaml": json.dumps(json.loads(sources["p.yaml"])).encode()}


def keys_turned_round(sources: dict[str, bytes]) -> dict[str, bytes]:
    text = json.loads(sources["p.yaml"])
    text["rules"] = [{key: rule[key] for key in reversed(rule)} for rule in text["rules"]]
    return {**sources, "p.yaml": json.dumps({key: text[key] for key in reversed(text)}).encode()}


def with_a_test(sources: dict[str, bytes]) -> dict[str, bytes]:
    return {**sources, "p.test.yaml": b"test: p\nas_of: 2026-06-15\ncases:\n  - {case: a case, expect: {outcome: review}}\n"}


@pytest.mark.parametrize("change", [renamed, commented, laid_out_anew, keys_turned_round, with_a_test])
def test_the_meaning_stays_where_only_the_writing_changes(change: Any) -> None:
    """Comments, layout, the order of keys, file names and tests change the digest of the source, not that of the meaning."""
    before, after = digests(), digests(change)
    assert before.meaning == after.meaning
    assert before.source != after.source


def test_a_copy_has_the_same_digests() -> None:
    """The same bytes under the same names are the same bundle."""
    assert digests() == digests(dict)


CHANGES = {
    "a number": {"id": "n", "when": {"data.files": "11"}, "review": "look"},
    "an operator": {"id": "n", "when": {"data.files": {"at_least": "10"}}, "review": "look"},
    "an effect": {"id": "n", "when": {"data.files": "10"}, "prohibit": "look"},
    "a citation": {"id": "n", "when": {"data.files": "10"}, "review": "look", "cite": "Art. 2"},
    "a title": {"id": "n", "when": {"data.files": "10"}, "review": "look", "title": "another"},
    "a mark": {"id": "n", "when": {"data.files": "10"}, "review": "look", "status": "from-memory"},
    "a window": {"id": "n", "when": {"data.files": "10"}, "review": "look", "in_force": {"until": "2030-01-01"}},
    "an unless": {"id": "n", "when": {"data.files": "10"}, "unless": [{"data.sold": "yes"}], "review": "look"},
    "a name": {"id": "m", "when": {"data.files": "10"}, "review": "look"},
    "a word of a duty": {"id": "n", "when": {"data.files": "10"}, "oblige": {"duty": "look", "who": "exporter"}},
}
PLAIN = {"id": "n", "when": {"data.files": "10"}, "review": "look"}


@pytest.mark.parametrize("name", CHANGES)
def test_the_meaning_changes_with_what_a_rule_says(name: str) -> None:
    """Whatever a decision could depend on, or would print, is in the digest of the meaning."""
    changed = digests(None, {"rules": [CHANGES[name]]}).meaning
    assert changed != digests(None, {"rules": [PLAIN]}).meaning


WORDS = {
    "a register's entry": (b"EE: {}", b"EE: {until: 2030-01-01}"),
    "a fact's title": (b"title: birthday", b"title: day of birth"),
    "who may read it": (b"type: date, title: birthday, personal: yes", b"type: date, title: birthday"),
    "a line of the account": (b"take: highest", b"take: all"),
}


@pytest.mark.parametrize("name", WORDS)
def test_the_meaning_changes_with_the_words(name: str) -> None:
    """The vocabulary is part of the meaning."""
    old, new = WORDS[name]
    assert old in MORE
    assert digests(None, LABELS, more=MORE.replace(old, new)).meaning != digests().meaning


TITLES = {
    "a kind of evidence": (b"certificate: {title: certificate}", b"certificate: {title: attestation}"),
    "a lane": (b"fast: {title: fast lane}", b"fast: {title: quick lane}"),
    "a subject": (b"title: personal data", b"title: data on people"),
    "a value set": (b"title: medical categories", b"title: categories of medicine"),
}


@pytest.mark.parametrize("name", TITLES)
def test_the_meaning_changes_with_every_title(name: str) -> None:
    """Titles are in the digest of the meaning (5.5), since a decision prints them."""
    old, new = TITLES[name]
    before = bundle(LABELS)
    assert old in before.sources["words.yaml"]
    changed = {**before.sources, "words.yaml": before.sources["words.yaml"].replace(old, new, 1)}
    assert engine.load_sources(changed).digests.meaning != before.digests.meaning


def test_the_meaning_changes_with_the_settings() -> None:
    """What a deployment chooses about doubt and force is part of the meaning."""
    found = [digests().meaning, digests(trust="from-memory").meaning, digests(norms="advise").meaning]
    assert len(set(found)) == 3


def test_the_meaning_does_not_hang_on_the_order_of_files_with_touches() -> None:
    """Two vocabulary files that both say what touches a country mean the same under any names."""
    touch = b"vocabulary: touch\ntouches:\n  - {fact: data.people_in, as: storage}\n"
    before = bundle(LABELS).sources
    first, last = ({**before, name: touch} for name in ("a.yaml", "z.yaml"))
    assert engine.load_sources(first).digests.meaning == engine.load_sources(last).digests.meaning


CHILD = """
from datetime import date
from tests.engine import test_decision as t
made = t.bundle(t.LABELS, {"policy": "q", "rules": t.NOSY})
print(made.digests.meaning)
for label in ("need", "unknown", "bar"):
    facts = {"data__label": label, "data__categories": ["health", "weather", "contact"], "data__people_in": ["BB", "CC", "DD"]}
    print(t.decide(made, **facts, **t.SECRETS).model_dump_json(by_alias=True))
"""


def test_nothing_hangs_on_the_hash_seed() -> None:
    """Digests and decisions are the same bytes in every process, however it hashes."""
    told = set()
    for seed in ("0", "1", "4242"):
        environment = {**os.environ, "PYTHONHASHSEED": seed, "PYTHONPATH": str(ROOT)}
        child = subprocess.run(
            [sys.executable, "-c", CHILD], env=environment, cwd=ROOT, capture_output=True, text=True, check=True
        )
        told.add(child.stdout)
    [output] = told
    assert output.startswith(digests(None, LABELS, {"policy": "q", "rules": NOSY}).meaning)
    assert len(output.splitlines()) == 4
