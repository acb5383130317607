"""
Beginning with a preset: what it states goes in, an exchange with those facts that a person confirms comes out.

The command line and the pages share this. What an exchange states itself is never changed.
"""

from collections.abc import Collection, Mapping
from typing import TYPE_CHECKING, Any

from service.drafts.answers import stated_value, with_fact

if TYPE_CHECKING:
    import engine


def preset_named(bundle: "engine.Bundle", id: str) -> "engine.Preset | None":
    """A preset by its id; None where there is none."""
    return next((each for each in bundle.presets() if each.id == id), None)


def left_to_confirm(document: Mapping[str, Any], preset: "engine.Preset") -> list[tuple[str, Any]]:
    """What a preset states and an exchange does not, by fact."""
    return [(fact, stated_value(preset.exchange, fact)) for fact in preset.to_confirm if stated_value(document, fact) is None]


def with_confirmed(document: Mapping[str, Any], preset: "engine.Preset", facts: Collection[str]) -> dict[str, Any]:
    """The exchange with what a preset states of the facts that are confirmed."""
    found = dict(document)
    for fact, value in left_to_confirm(document, preset):
        if fact in facts:
            found = with_fact(found, fact, value)
    return found
