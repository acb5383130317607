"""
Incidents: two engines disagree on an exchange, or an engine fails (semantics 5.4).

The decision is then not a permit. Each incident gets one log line with everything needed to reproduce it, and is counted. The
exchange is in the record of the decision and not in the line, since it may hold personal values. A leg of a plan is in no record.
"""

from datetime import date

from structlog.typing import FilteringBoundLogger

import engine
from service.problems import RequestRefused


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

    def _tell(
        self, pdp: engine.PDP, request_id: str, id: str | None, as_of: date, disagreement: list[str], record: str | None
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
