"""
Policies that are loaded, with what they were loaded from: by a process for itself, or by a parent for its workers.

Workers are forked from a parent that has loaded the policies, so that they share the memory of what never changes, and start at once. A
worker that starts later, after the files have changed, loads them itself: others may have loaded the new ones meanwhile, and older
policies than those that decided before are refused.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Self

from service.policies import reload_triggers
from service.policies.live import Live
from service.policies.loading import LoadedBundle
from service.policies.reloading import Origin
from service.settings import Settings


@dataclass(frozen=True, slots=True)
class PreparedPolicies:
    """Loaded policies and what decides by them. `states` are those of their paths before they were read."""

    origin: Origin
    loaded: LoadedBundle
    live: Live
    states: Mapping[Path, reload_triggers.State]

    @classmethod
    def of(cls, settings: Settings) -> Self:
        """The policies that the settings name. Raises SettingRefused, engine.BundleRefused, engine.EngineUnavailable."""
        origin = Origin.of(settings.policies, settings, settings.mode)
        states = {path: reload_triggers.state(path) for path in origin.paths}
        loaded, live = origin.start()
        return cls(origin, loaded, live, states)

    def unchanged(self) -> bool:
        """Whether no file was written since."""
        return all(reload_triggers.state(path) == state for path, state in self.states.items())
