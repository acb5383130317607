"""The loaded policies: facts to ask for, exchanges to begin with, and law that is looked after elsewhere."""

from collections.abc import AsyncIterator, Iterable, Mapping
from datetime import date
from typing import Any

from ..answer_parts import Outcome
from ..calls import call
from ..pages import Pages
from ..policies import AcceptanceMade, Caller, CaseDraft, Coverage, Fact, KeptBundle, Preset, Presets, Provision
from .connection import Connection


class Policies(Connection):
    """The methods about the loaded policies, and what the caller may do with them."""

    async def caller(self) -> Caller:
        """Whose key the client has, and what it may do."""
        return await self._call(call(Caller, "GET", "caller"))

    async def bundle(self) -> dict[str, Any]:
        """Which policies decide: their digests, who signed them, since when, and the last ones that were refused."""
        return await self._call(call(dict, "GET", "bundle"))

    async def reload_bundle(self) -> dict[str, Any]:
        """Load all policies again, or change nothing if there is an error in them. `changed` says whether they are others now."""
        return await self._call(call(dict, "POST", "bundle", "reload"))

    def bundles(self) -> AsyncIterator[KeptBundle]:
        """The policies that decided here, the latest first."""
        return self._each(Pages(KeptBundle, "bundles", "bundles"))

    async def kept_bundle(self, digest: str) -> dict[str, Any]:
        """The bundle file of policies that decided here, by a digest of them."""
        return await self._call(call(dict, "GET", "bundles", digest))

    def facts(self, *, prefix: str | None = None, word: str | None = None, decision: str | None = None) -> AsyncIterator[Fact]:
        """The facts of an exchange, by how their names begin or what people call them; of a `decision`, only those that matter for it."""
        return self._each(Pages(Fact, "facts", "facts", query={"prefix": prefix, "word": word, "for": decision}))

    def facts_for(
        self, exchange: Mapping[str, Any], *, prefix: str | None = None, word: str | None = None
    ) -> AsyncIterator[Fact]:
        """The facts that matter for an exchange, which is not recorded: first those that are open, the best to ask for first."""
        return self._each(Pages(Fact, "facts", "facts", query={"prefix": prefix, "word": word}, sent=exchange))

    def provisions(
        self, text: str | None = None, *, jurisdiction: str | None = None, policy: str | None = None
    ) -> AsyncIterator[Provision]:
        """The provisions of the policies that have every word of a text; of one jurisdiction or policy, if it is named."""
        query = {"text": text, "jurisdiction": jurisdiction, "policy": policy}
        return self._each(Pages(Provision, "provisions", "provisions", query=query))

    async def draft_case(self, policy: str, case: str, outcome: Outcome, exchange: Mapping[str, Any]) -> CaseDraft:
        """A test file of a policy with one case: an exchange, and the outcome that is expected. Nothing is written."""
        sent = {"policy": policy, "case": case, "outcome": outcome, "exchange": exchange}
        return await self._call(call(CaseDraft, "POST", "cases", sent=sent))

    async def presets(self) -> tuple[Preset, ...]:
        """Exchanges to begin with, for what happens often."""
        return (await self._call(call(Presets, "GET", "presets"))).presets

    async def coverage(self) -> Coverage:
        """For which subject matters of which countries decisions wait because a law was not read."""
        return await self._call(call(Coverage, "GET", "reviews", "coverage"))

    async def accept_coverage(
        self, cells: Iterable[tuple[str, str]], *, by: str, because: str, until: date, write: bool = False
    ) -> AcceptanceMade:
        """
        Say by name that subject matters of countries (`("KE", "personal")`) are looked after elsewhere until a day.

        With `write` the service puts it into the organisation's folder, if it has a setting for it. Otherwise somebody has to copy `yaml`.
        """
        named = [{"country": country, "subject": subject} for country, subject in cells]
        sent = {"cells": named, "by": by, "because": because, "until": until.isoformat(), "write": write}
        return await self._call(call(AcceptanceMade, "POST", "reviews", "coverage", sent=sent))
