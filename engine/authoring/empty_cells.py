"""
Empty cells of the coverage: the subject matters on which a jurisdiction's files say nothing.

A bundle goes in, and per jurisdiction the subject matters come out whose cell of the coverage is empty. There an exchange is reviewed
(semantics 4.3).
"""

from __future__ import annotations

from collections.abc import Mapping

from engine.bundle import Bundle


def empty_cells(bundle: Bundle) -> Mapping[str, tuple[str, ...]]:
    """The subject matters that each jurisdiction of countries leaves empty, in the vocabulary's order; one that leaves none is left out."""
    subjects = bundle.vocabulary.subjects
    found = {
        name: tuple(each for each, known in subjects.items() if each not in text.covers and name in (known.only_in or [name]))
        for name, text in sorted(bundle.vocabulary.jurisdictions.items())
        if text.countries
    }
    return {name: empty for name, empty in found.items() if empty}
