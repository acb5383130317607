"""A decision as lines: the same sections in each language, values by their titles where the bundle is there."""

from __future__ import annotations

from typing import Any

import engine
from tests.engine.explaining.test_chinese import decide, law, load

RULE = {"id": "r", "when": [{"data.kinds": {"has": ["map", "sound"]}}, {"data.personal": "yes"}], "review": "look"}
FACTS: dict[str, Any] = {"data__kinds": ["map", "sound"], "data__personal": "yes", "data__price": "2000 USD"}


def lines(decision: engine.Decision, text: engine.PlainText) -> dict[str, str]:
    return {title: "\n".join(found) for title, found in text.sections(decision)}


def test_values_stand_by_their_titles_where_the_bundle_is_there() -> None:
    """Without it they are as they were sent; what the test says already is not said again."""
    made = load(law(rules=[RULE]))
    decision = decide(made, "en", **FACTS)
    because = "because the exporter is in Aland; kinds of data include maps or sounds [{}]; the data are personal"
    assert because.format("maps and sounds") in lines(decision, engine.PlainText(bundle=made))["Why"]
    assert "kinds of data include maps or sounds [map, sound]" in lines(decision, engine.PlainText())["Why"]


def test_each_language_has_the_same_sections() -> None:
    """In the same order, under titles of its own."""
    made = load(law(rules=[RULE]))
    told = {
        lang: list(lines(decide(made, lang, **FACTS), engine.PlainText(language, made)))
        for lang, language in engine.LANGUAGES.items()
    }
    keys = {
        lang: [name for title in titles for name, its in engine.LANGUAGES[lang].sections.items() if its == title]
        for lang, titles in told.items()
    }
    assert len(keys["en"]) > 3
    assert keys["en"] == keys["zh"]
