# Made from `asynchronous/decisions.py`: change that file, then run RECORD=1 pytest tests/service/test_synchronous_client.py
"""Exchanges out, decisions in; and the log of them."""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any, Literal, Unpack

from .. import calls
from ..answers import Answer
from ..calls import call
from ..drafts import DraftMade
from ..errors import Refused
from ..explanation import Explanation
from ..pages import Pages
from ..plans import Plan
from ..recipients import RecipientBrief
from ..reviews import DecisionFilters, EachDecisionFilters, Recorded
from .connection import Connection


class Decisions(Connection):
    """The methods about decisions."""

    def evaluate(self, exchange: Mapping[str, Any], *, include: Iterable[str] = (), lang: str = "") -> Answer:
        """
        The recorded decision on an exchange; with `keep_permits`, a permit that was given to the same before, as long as it may be kept.
        The service's README explains `include` and `lang`.
        """
        return self._permit(calls.evaluate(exchange, include, lang))

    def decide_under_contract(
        self, contract: Mapping[str, Any] | str, exchange: Mapping[str, Any], *, include: Iterable[str] = (), lang: str = ""
    ) -> Answer:
        """
        The recorded decision on an exchange under a contract in ODRL: JSON-LD, or Turtle as a text. `exchange` states what the contract
        leaves out. What was read of the contract is in `document["contract"]`.
        """
        return self._call(calls.under_contract(contract, exchange, include, lang))

    def may_proceed(self, exchange: Mapping[str, Any]) -> bool:
        """
        Whether an exchange may happen: True only if the service said so, False in every other case.

        A failure is not raised. False may mean a refusal, a service that cannot be reached, or a mistake in the exchange: use
        `evaluate` to know which.
        """
        try:
            return (self.evaluate(exchange)).proceed is True
        except Exception:  # noqa: BLE001 - an error is not a permit
            return False

    def evaluate_batch(
        self, exchanges: Sequence[Mapping[str, Any]], *, include: Iterable[str] = (), lang: str = ""
    ) -> list[Answer | Refused]:
        """For each exchange, in order, its decision or its refusal. A refusal is returned, not raised."""
        return self._call(calls.evaluate_batch(exchanges, include, lang))

    def recipients(
        self, exchange: Mapping[str, Any], recipients: Sequence[str | Mapping[str, Any]], *, lang: str = ""
    ) -> list[RecipientBrief | Refused]:
        """
        Which recipients may take an exchange that has none: for each, in order, what it comes to or its refusal. Nothing is recorded.

        A recipient is an id of the register, or what an exchange has under `recipient`.
        """
        return self._call(calls.recipients(exchange, recipients, lang))

    def plan(self, legs: Sequence[Mapping[str, Any]], *, lang: str = "") -> Plan:
        """The decision on exchanges in order and as a whole, which is not recorded. A leg has `exchange`, and may have `id` and `after`."""
        return self._call(calls.plan(legs, lang))

    def make_draft(self, exchange: Mapping[str, Any]) -> DraftMade:
        """A draft of an exchange, which a person goes on with on the pages of the service. Nothing is recorded."""
        return self._call(call(DraftMade, "POST", "drafts", sent=exchange))

    def decision(self, id: str) -> dict[str, Any]:
        """The record of a decision, and its place in the log."""
        return self._call(calls.decision(id))

    def decisions(self, **filters: Unpack[DecisionFilters]) -> dict[str, Any]:
        """A page of decisions that match the filters. A filter of several values, in a list, takes any of them."""
        return self._call(call(dict, "GET", "decisions", query=filters))

    def each_decision(self, **filters: Unpack[EachDecisionFilters]) -> Iterator[Recorded]:
        """Every decision that matches the filters, newest first. The time-out is that of a page."""
        return self._each(Pages(Recorded, "decisions", "decisions", query=filters))

    def explanation(self, id: str, parts: Iterable[str] = (), *, lang: str = "") -> Explanation:
        """Why a recorded decision is as it is, by the parts that are named; the service's pages list the parts."""
        return self._call(calls.explanation(id, parts, lang))

    def read_contract(self, contract: Mapping[str, Any] | str) -> dict[str, Any]:
        """
        What an offer or an agreement in ODRL states, and what of it was not understood. Nothing is decided, and nothing is recorded.

        `contract` is an object of JSON-LD, or a text in Turtle.
        """
        return self._call(calls.contract(contract))

    def decision_policy(self, id: str, *, form: Literal["odrl", "dsp"] = "odrl") -> dict[str, Any]:
        """
        A permit as an ODRL policy in JSON-LD. Of an exchange that may not proceed it is a report, which has no `@type` and permits nothing.
        """
        return self._call(calls.policy("decisions", id, form))

    def compliance_document(
        self, id: str, name: str, *, form: Literal["markdown", "docx"] = "markdown", lang: str = ""
    ) -> bytes:
        """A document that a law asks a person to write, drafted from a decision. The service's pages list the names."""
        return self._call(calls.compliance_document(id, name, form, lang))

    def replay(self, id: str) -> dict[str, Any]:
        """Whether this version of the service decides a recorded exchange as it was recorded, and every difference if it does not."""
        return self._call(call(dict, "GET", "decisions", id, "replay", same={"id": id}))
