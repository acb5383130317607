"""
Drafts of test cases: an exchange and the outcome that somebody expects go in, a whole test file of a policy comes out.

The policies alone decide it, as they decide the cases beside them: no register, no ledger. Nothing is written to a disk.
"""

from dataclasses import dataclass
from datetime import date

import engine
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """The text of a case, the outcome that the policies come to now, and whether that is the one that was expected."""

    yaml: str
    outcome: str
    passes: bool


def draft_case(live: Live, policy: str, case: str, expected: str, exchange: engine.Exchange, as_of: date) -> CaseDraft:
    """
    A case of a policy under the law of a day. Raises RequestRefused where there is no such policy, or no case can state the exchange, and
    engine.EnginesFailed.
    """
    policies = sorted({rule.provision.policy for rule in live.bundle.rules.rules})
    if policy not in policies:
        said = "; ".join(filter(None, ("no policy has this id", engine.did_you_mean(policy, policies))))
        place = ProblemPlace(pointer="/policy", code="unknown-policy", detail=said)
        raise RequestRefused("bad-request", "the case is of no policy", errors=(place,))
    text = engine.case_yaml(live.bundle, exchange, as_of, case, {"outcome": expected}, policy=policy)
    if not text:
        raise RequestRefused("bad-request", "no test case can state this exchange")
    outcome = live.pdp.judge(exchange, as_of=as_of).outcome.word
    return CaseDraft(text, outcome, outcome == expected)
