"""
The policy decision point: one bundle, the engines of its mode, and a decision for each exchange.

Every engine of the mode first judges the exchange, once (`judging`). The decision is then written from the judgement (`telling`).

In the mode `checked`, two engines that share only the checked rules evaluate every exchange, and their verdicts are compared. A
disagreement or a failing engine is never a permit: the outcome is the strictest of `review` and the engines' outcomes (semantics 5.4).
"""

from engine.pdp.comparison import EnginesFailed
from engine.pdp.judging import MODES, need_engines
from engine.pdp.telling import INCLUDES, PARTS, PDP, SEARCHED

__all__ = ["INCLUDES", "MODES", "PARTS", "PDP", "SEARCHED", "EnginesFailed", "need_engines"]
