"""
Some engines evaluate one exchange; their verdicts come out, and every place where two of them differ.

An engine that fails gives no verdict, and that is told like a difference. What follows from either is decided by `judging`.
"""

from __future__ import annotations

import itertools
from collections.abc import Callable, Hashable, Sequence
from datetime import date
from functools import cached_property, partial

from engine.backends.reference import Reference
from engine.exchange import Exchange
from engine.rules import Atom, Condition, Truth
from engine.verdict import ConditionReading, Engine, Verdict


class EnginesFailed(RuntimeError):
    """No engine could evaluate the exchange; there is no decision."""


def compared(
    engines: Sequence[Engine], evaluate: Callable[[Engine], Verdict], read: Sequence[str]
) -> tuple[dict[str, Verdict], list[str]]:
    """
    Each engine's verdict by its name, and in what they differ, also in the definitions `read`; nothing if they agree.

    Raises EnginesFailed if no engine gave a verdict.
    """
    verdicts: dict[str, Verdict] = {}
    trouble: list[str] = []
    heard: list[Truth] = []
    for engine in engines:
        try:
            verdict = evaluate(engine)
            reads = verdict.defined.several(read) if len(engines) > 1 else []
            for name, first in itertools.islice(verdicts.items(), 1):
                if not verdict.agrees(first) or reads != heard:
                    trouble += [f"{name} / {engine.name}: {text}" for text in first.differences(verdict)]
            if not verdicts:
                heard = reads
            verdicts[engine.name] = verdict
        except Exception as error:  # noqa: BLE001 - an engine that fails for any reason ends in a review, never in a permit
            # Record only the kind of error: its message may quote a personal value, and this text goes into the decision and the log.
            trouble.append(f"{engine.name} failed: {type(error).__name__}")
    if not verdicts:
        raise EnginesFailed("; ".join(trouble))
    return verdicts, trouble


class ReadingOnDemand:
    """How tests read on an exchange, by the reference engine, which evaluates the exchange once, on first use."""

    def __init__(self, reference: Reference, exchange: Exchange, as_of: date) -> None:
        self._ask = partial(reference.evaluate, exchange, as_of)

    @cached_property
    def _reading(self) -> ConditionReading:
        reading = self._ask().truth
        assert reading is not None
        return reading

    def __call__(self, condition: Condition, /) -> Truth:
        return self._reading(condition)

    def reader(self, atoms: Sequence[Atom]) -> Callable[[int], Truth]:
        return self._reading.reader(atoms)

    def seen(self, *rules: int) -> Hashable:
        return self._reading.seen(*rules)
