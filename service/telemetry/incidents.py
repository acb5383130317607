"""
Incidents: two engines disagree on an exchange, or an engine fails (semantics 5.4).

The decision is then not a permit. Each incident gets one log line with everything needed to reproduce it, and is counted. The
exchange is in the record of the decision and not in the line, since it may hold personal values. A leg of a plan is in no record. What is
recorded and judged again, for a sign-off, a replay or a counter, is an incident as well.
"""

from collections.abc import Callable, Sequence
from datetime import date

from structlog.typing import FilteringBoundLogger

import engine
from service.problems import RequestRefused

# Judges the exchange of a record again, by its id. Raises EnginesFailed.
JudgeAgain = Callable[[str, engine.PDP, engine.Exchange, date, Sequence[engine.Approval]], engine.Judgement]


def judge_again(
    id: str, pdp: engine.PDP, exchange: engine.Exchange, as_of: date, signed: Sequence[engine.Approval]
) -> engine.Judgement:
    """Judge again where no service runs whose log would have an incident; whoever asks sees what comes out."""
    return pdp.judge(exchange, as_of=as_of, signed=signed)


class Incidents:
    """Logs and counts the incidents of one process."""

    def __init__(self, say: FilteringBoundLogger) -> None:
        self.seen = 0
        self._say = say

    def disagreement(
        self, pdp: engine.PDP, request_id: str, decision: engine.WrittenDecision | engine.Decision, recorded: bool = True
    ) -> None:
        """The engines disagree, or one failed and another answered."""
        record = f"/v1/decisions/{decision.id}" if recorded else None
        self._tell(pdp, request_id, decision.id, decision.as_of, list(decision.engine.disagreement), record)

    def failure(
        self, pdp: engine.PDP, request_id: str, id: str | None, as_of: date, failed: engine.EnginesFailed
    ) -> RequestRefused:
        """
        No engine answered, so there is no decision and no record; the refusal to answer comes out. `id` is None where nothing was to be
        decided.
        """
        self._tell(pdp, request_id, id, as_of, str(failed).split("; "), None)
        return RequestRefused("internal", "no engine could decide; the log has the details under this request id")

    def judge_again(
        self,
        request_id: str | None,
        id: str,
        pdp: engine.PDP,
        exchange: engine.Exchange,
        as_of: date,
        signed: Sequence[engine.Approval],
    ) -> engine.Judgement:
        """
        Judge the exchange of a record again. Where the engines disagree, or none answers, the line names the record. Raises EnginesFailed.

        `request_id` is None for what no request asks for.
        """
        record = f"/v1/decisions/{id}"
        try:
            judgement = pdp.judge(exchange, as_of=as_of, signed=signed)
        except engine.EnginesFailed as failed:
            self._tell(pdp, request_id, id, as_of, str(failed).split("; "), record)
            raise
        if not judgement.agreed:
            self._tell(pdp, request_id, id, as_of, list(judgement.engine.disagreement), record)
        return judgement

    def _tell(
        self, pdp: engine.PDP, request_id: str | None, id: str | None, as_of: date, disagreement: list[str], record: str | None
    ) -> None:
        self.seen += 1
        self._say.error(
            "incident",
            request_id=request_id,
            decision_id=id,
            as_of=as_of.isoformat(),
            disagreement=disagreement,
            record=record,
            meaning=pdp.bundle.digests.meaning,
            source=pdp.bundle.digests.source,
            mode=pdp.mode,
            engine=engine.__version__,
        )
