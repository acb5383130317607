"""
Which findings are causes, and which only follow from them.

The findings of a load and its files go in; the same findings come out, causes first. Where a file cannot be read, or a part of it is left
out, every other file that uses a word of it has a finding too. Such a one follows: what it misses is written in a file that has a finding
of another kind.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import replace

from engine.policy_language.diagnostic import Diagnostic

OF_POLICIES = (
    "unknown-definition",
    "unknown-rule",
    "unknown-policy",
)  # what policies write; all else is a word of a vocabulary
MISSING = re.compile("unknown-(?!key|operator|document|type)")  # the codes of what is used and is not there
NAMED = re.compile("`([^`]+)`")


def causes_first(findings: Iterable[Diagnostic], sources: Mapping[str, bytes]) -> tuple[Diagnostic, ...]:
    """The findings in file order, and after them those that follow from others."""
    every = tuple(findings)
    broken = {each.at.file for each in every if not MISSING.match(each.code)}
    texts = {file: sources[file].decode("utf-8", "replace") for file in sorted(broken) if file in sources}
    kinds = {file: re.search(r"(?m)^vocabulary\b", text) is None for file, text in texts.items()}
    known: dict[tuple[str, str], bool] = {}
    causes, consequences = [], []
    for each in every:
        name = NAMED.search(each.message) if MISSING.match(each.code) else None
        writing = [file for file, kind in kinds.items() if file != each.at.file and kind is (each.code in OF_POLICIES)]
        if name and any(_written(name[1], file, texts[file], known) for file in writing):
            consequences.append(replace(each, follows=True))
        else:
            causes.append(each)
    return (*causes, *consequences)


def following(findings: Iterable[Diagnostic]) -> Iterator[str]:
    """A sentence on the findings that follow from others, where there are any."""
    places = [each.at.file for each in findings if each.follows]
    if places:
        files = len(set(places))
        yield (
            f"{len(places):,} more finding{'s' * (len(places) > 1)} in {files:,} file{'s' * (files > 1)}"
            " may follow from what is above: mend that first"
        )


def _written(name: str, file: str, text: str, known: dict[tuple[str, str], bool]) -> bool:
    """Whether a file writes what a name means, or the family or the document that it is a part of."""
    if (name, file) not in known:
        policy, _, short = name.rpartition("/")
        parts = short.split(".")
        wider = {".".join(parts[:-1]) or short, parts[1] if len(parts) == 3 else short}  # a family; the kind of a document
        ways = "|".join(map(re.escape, sorted({short, *wider})))
        found = rf"(?m)^\s*(?:- )?(?:{ways})(?![\w.-])|(?:[\s{{,])(?:(?:{ways})\s*:|(?:id|policy|vocabulary):\s*(?:{ways})(?![\w.-]))"
        known[name, file] = policy in text and re.search(found, text) is not None
    return known[name, file]
