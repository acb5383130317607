"""The settlement of an exchange under a vocabulary: both go in, and what `engine.books.settlement` makes of them comes out."""

from __future__ import annotations

from engine.books.settlement import Settlement
from engine.books.settlement import settle as settled
from engine.exchange import Exchange
from engine.policy_language.settlement_facts import settlement_facts
from engine.policy_language.vocabulary import Vocabulary
from engine.values import Money


def settle(vocabulary: Vocabulary, exchange: Exchange, price: Money | None = None) -> Settlement | None:
    """
    The settlement of an exchange; None where the vocabulary has none, or where the exchange has nothing to settle.

    `price` is divided in the place of the price of the exchange, by the same agreements.
    """
    words = settlement_facts(vocabulary)
    return None if words is None else settled(words, exchange.value, exchange.benefits, price)
