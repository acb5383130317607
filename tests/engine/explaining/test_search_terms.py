"""What a decision names beside its law: who takes part, and which categories its data are."""

import json
from datetime import date
from functools import cache
from typing import Any

import engine

DAY = date(2026, 11, 24)


@cache
def pdp() -> engine.PDP:
    """The bundled policies, decided by one engine."""
    return engine.PDP(engine.load(engine.bundled_policies()), "bitset")


def named(**sent: Any) -> dict[str, tuple[str, ...]]:
    """What the decision on an exchange names."""
    exchange = engine.parse_exchange(pdp().bundle, json.dumps(sent).encode())
    return dict(pdp().write(exchange, as_of=DAY, today=DAY, id="test").named)


def test_the_parties_are_named_by_id_and_country():
    """As the vocabulary says where they stand."""
    found = named(exporter={"id": "org-1", "country": "CN"}, recipient={"country": "US"}, data={"personal": False})
    assert [found[kind] for kind in ("exporter", "recipient", "exporter_country", "recipient_country")] == [
        *(("org-1",), (), ("CN",), ("US",))
    ]


def test_categories_are_subjects_that_are_certain_and_words_that_were_sent():
    """A subject matter that only may be is none."""
    sent = {"personal": True, "state": "identified", "categories": ["health", "contact"]}
    found = named(exporter={"country": "CN"}, recipient={"country": "US"}, data=sent)
    assert found["category"] == ("personal", "health", "contact")


def test_what_is_not_known_is_not_named():
    """Nothing stands for it."""
    found = named(exporter={"country": "unknown", "id": "unknown"}, data={"categories": ["unknown"]})
    assert [found[kind] for kind in ("exporter", "exporter_country", "category")] == [(), (), ()]
