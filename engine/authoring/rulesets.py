"""
The rulesets of durable-rules, in words: for `fifthfactor compile --to durable`.

A bundle goes in; every ruleset comes out as plain data, with what its rules derive and what their tests ask in an author's words.
"""

from __future__ import annotations

import json
from typing import Any

from engine.backends.durable import Durable
from engine.backends.durable.ruleset_listing import AskedTest
from engine.bundle import Bundle
from engine.explaining.phrasebook import Phrasebook


def rulesets(bundle: Bundle) -> list[dict[str, Any]]:
    """
    The rulesets of a bundle in the order in which they are asked.

    A ruleset is asked where one of the policies in `asked_where` may apply; where there are none, always. `definition` is the JSON
    from which durable-rules makes the ruleset. Raises EngineUnavailable.
    """
    book = Phrasebook(bundle)
    return [
        {
            "ruleset": ruleset.name,
            "asked_where": list(ruleset.policies),
            "rules": [
                {
                    "rule": rule.name,
                    "derives": list(rule.derives),
                    "where": [{"test": _test(asked), "means": _words(book, asked)} for asked in rule.tests],
                }
                for rule in ruleset.rules
            ],
            "definition": json.loads(ruleset.definition),
        }
        for ruleset in Durable(bundle.rules).rulesets()
    ]


def _test(asked: AskedTest) -> str:
    return f"{asked.test.prop} {asked.test.op} {asked.test.value}"


def _words(book: Phrasebook, asked: AskedTest) -> str:
    about = asked.about
    if isinstance(about, str):
        return about
    return book.phrase(about.atom, about.denied)
