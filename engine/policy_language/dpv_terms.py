"""
The terms of the Data Privacy Vocabulary 2.3 (dpv, pd, eu-gdpr), and the check that a vocabulary names no other.

The table beside this module has of each term its sort, the terms that it is an instance of, and the broader ones. It has names only.
"""

from __future__ import annotations

import csv
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from types import MappingProxyType

from engine.policy_language.diagnostic import Span, did_you_mean
from engine.policy_language.value_sets import ValueSets
from engine.policy_language.vocabulary import DOCUMENT_GROUPS
from engine.policy_language.written_vocabulary import WrittenVocabulary

VERSION = "2.3"
RDF_TYPE = "rdf:type"  # the step of a path to the class of a thing
NAMESPACES: Mapping[str, str] = MappingProxyType(
    {"dpv": "https://w3id.org/dpv#", "pd": "https://w3id.org/dpv/pd#", "eu-gdpr": "https://w3id.org/dpv/legal/eu/gdpr#"}
)
_TABLE = Path(__file__).with_name(f"dpv-{VERSION}.csv")


@dataclass(frozen=True, slots=True)
class DpvTerm:
    """One term, like `pd:Health`: whether it relates two things, what it is an instance of (`kinds`), and what means more (`broader`)."""

    name: str
    is_property: bool
    kinds: tuple[str, ...]
    broader: tuple[str, ...]

    @property
    def iri(self) -> str:
        """Its name in full."""
        prefix, _, local = self.name.partition(":")
        return NAMESPACES[prefix] + local


@lru_cache(maxsize=1)
def dpv_terms() -> Mapping[str, DpvTerm]:
    """Each term by its name."""
    with _TABLE.open(encoding="utf-8", newline="") as file:
        rows = list(csv.DictReader(file))
    return MappingProxyType(
        {
            row["term"]: DpvTerm(
                row["term"], row["sort"] == "property", tuple(row["kinds"].split()), tuple(row["broader"].split())
            )
            for row in rows
        }
    )


def check_dpv(words: WrittenVocabulary, values: ValueSets) -> None:
    """Report each term that DPV does not have, and each entry with a term that means the same and one that means more."""
    for at, same, broader in _named(words, values):
        if same and broader:
            said = f"`{same}` means the same, so `{broader}` is not needed"
            words.findings.error(at, "dpv-term", said, help="drop `dpv_broader`, or drop `dpv` if it does not mean the same")
        for term in filter(None, (same, broader)):
            if term not in dpv_terms():
                said = f"the Data Privacy Vocabulary {VERSION} has no term `{term}`"
                words.findings.error(at, "dpv-term", said, help=did_you_mean(term, dpv_terms()) or "drop it")


def _named(words: WrittenVocabulary, values: ValueSets) -> Iterator[tuple[Span, str | None, str | None]]:
    """Each entry that names a term: its place, the term that means the same, and the one that means more."""
    for name, fact in words.text.facts.items():
        yield words.spans["facts", name], fact.dpv, None
    for name, found in values.values.items():
        for value in found.values:
            same, broader = found.dpv.get(value), found.dpv_broader.get(value)
            if same or broader:
                yield values.place_of(name, value), same, broader
    for group in DOCUMENT_GROUPS:
        for kind, text in getattr(words.text, group).items():
            yield words.spans[group, kind], text.dpv, text.dpv_broader
