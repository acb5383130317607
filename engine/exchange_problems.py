"""
What is wrong with an exchange that cannot be read: a refusal, with every place that is wrong.
"""

from __future__ import annotations

from dataclasses import dataclass

from engine.multilingual import NO_WORDS, Words

INCOHERENT = "incoherent"  # the code of a problem: with other statements of the exchange it cannot be true


@dataclass(frozen=True, slots=True)
class ExchangeProblem:
    """One thing wrong with an exchange: a JSON Pointer to it, a stable code, and a sentence. `words` is what the vocabulary says of it."""

    pointer: str
    code: str
    detail: str
    words: Words = NO_WORDS

    def told(self, lang: str) -> str:
        """The sentence in a language, as far as there is one."""
        return self.words.in_(lang) or self.detail


class ExchangeRefused(ValueError):
    """The exchange cannot be read. `problems` names each place."""

    def __init__(self, problems: tuple[ExchangeProblem, ...]) -> None:
        super().__init__("; ".join(f"{p.pointer or '/'}: {p.detail}" for p in problems))
        self.problems = problems
