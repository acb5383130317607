"""What a caller wants of an answer, whoever gives it: parts of the explanation, and a language."""

from dataclasses import dataclass

import engine


@dataclass(frozen=True, slots=True)
class AnswerOptions:
    """How a caller wants to be answered: with parts of the explanation, of engine.PARTS, and in one of engine.LANGUAGES."""

    include: frozenset[str] = frozenset()
    lang: str = "en"

    @property
    def long(self) -> bool:
        """Whether the exchange is evaluated many times for the answer."""
        return not self.include.isdisjoint(engine.SEARCHED)
