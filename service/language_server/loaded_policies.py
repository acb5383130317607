"""
The policies that an editor is helped by: sources go in, the last bundle that was sound comes out, with what `check` finds today.

While a file is wrong there is no bundle of it. Then the last good one goes on helping; at the start, one without the files that are wrong.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import engine

MOST_ROUNDS = 4  # in which files that are wrong are left out; leaving one out may make another wrong


@dataclass(frozen=True)
class LoadedPolicies:
    """A sound bundle, with what is made of it once for the editor."""

    bundle: engine.Bundle
    trees: engine.TreeCache

    @cached_property
    def schemas(self) -> dict[str, dict[str, Any]]:
        return engine.editor_schemas(self.bundle)

    @cached_property
    def relevance(self) -> engine.Relevance:
        return engine.Relevance(self.bundle)

    @cached_property
    def pdp(self) -> engine.PDP:
        """Made with the first case that is evaluated: it takes most of a second."""
        return engine.PDP(self.bundle)

    @cached_property
    def _names(self) -> engine.NamePlaces:
        return engine.NamePlaces(self.bundle, self.schemas, {}, self.trees.read)

    def names(self, sources: Mapping[str, bytes]) -> engine.NamePlaces:
        """The names in files that may be newer than the bundle."""
        self._names.sources = sources
        return self._names


@dataclass
class PolicyLoader:
    """Loads sources again and again. `latest` is the last good bundle, None before there is one."""

    trees: engine.TreeCache = field(default_factory=engine.TreeCache)
    latest: LoadedPolicies | None = None
    settings: engine.PolicySettings = field(default_factory=engine.PolicySettings)

    def load(self, sources: Mapping[str, bytes]) -> tuple[tuple[engine.Diagnostic, ...], LoadedPolicies | None]:
        """What `check` finds in the sources, and their bundle where that is no error."""
        try:
            bundle = engine.load_sources(dict(sources), self.settings, read=self.trees.read)
        except engine.BundleRefused as refused:
            if self.latest is None:
                self._load_without(sources, refused)
            return refused.diagnostics, None
        return bundle.warnings, LoadedPolicies(bundle, self.trees)

    def keep(self, loaded: LoadedPolicies) -> None:
        """A good bundle is the latest, once the first completion need not wait for its schemas."""
        _ = loaded.schemas
        self.latest = loaded

    def refused(self, sources: Mapping[str, bytes]) -> tuple[engine.Diagnostic, ...]:
        """The errors in sources that are only tried."""
        try:
            engine.load_sources(dict(sources), self.settings, read=self.trees.read)
        except engine.BundleRefused as refused:
            return refused.diagnostics
        return ()

    def syntax(self, name: str, data: bytes) -> tuple[engine.Diagnostic, ...]:
        """What is wrong with a file as YAML. It takes milliseconds."""
        findings = engine.Findings()
        self.trees.read(name, data, findings)
        return findings.errors

    def _load_without(self, sources: Mapping[str, bytes], refused: engine.BundleRefused) -> None:
        left = dict(sources)
        for _ in range(MOST_ROUNDS):
            left = {name: data for name, data in left.items() if name not in {each.at.file for each in refused.diagnostics}}
            try:
                self.keep(LoadedPolicies(engine.load_sources(left, self.settings, read=self.trees.read), self.trees))
            except engine.BundleRefused as again:
                refused = again
            else:
                return
