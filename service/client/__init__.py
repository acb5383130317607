"""
The client: exchanges out, answers in, for programs that ask the service before they send data.

`Client` and `AsyncClient` have the same methods: one is written in `asynchronous`, and `synchronous` is made from it. INVARIANT (never a
wrong permit): `Answer.proceed` is True only if the service said so in a complete, consistent answer that came in time. In every other case
a call raises, or `may_proceed` returns False.

The client imports neither the server nor the engine. It needs only httpx. Its modules import each other by relative names, because they
are `service.client` in the checkout and `fifthfactor_client` when they are installed alone.
"""

from .accounts import AccountEntry, AssetAccounts, ClosedPeriod, RollForward
from .agreements import Acceptance, AgreedPricing, AgreedShare, Agreement, AgreementOpened, AgreementVersion
from .answer_parts import Bounds, Choice, Gap, Means, Need, Owed, Question, SignedOff, Unmet, Way
from .answers import Answer, Committed, Count, CounterRead
from .asynchronous import AsyncClient
from .benefits import (
    BenefitBalance,
    BenefitLine,
    BenefitMonth,
    BenefitPart,
    IncomeReport,
    IncomeReports,
    NotDivided,
    NotReported,
    Refund,
    UnreportedPrice,
)
from .documents import AttachedDocument, DecisionDocument, DocumentConfirmation, DocumentSignature, KeptDocument, TrustedKey
from .drafts import DraftMade
from .errors import ClientError, Malformed, Place, Refused, Unavailable
from .explanation import Explanation
from .may_leave import MayNotLeave, RefusedRow, may_leave
from .plans import Plan, PlannedLeg
from .policies import AcceptanceMade, Caller, CaseDraft, Coverage, Fact, KeptBundle, Preset, Provision, Uncovered, Words
from .promises import CountedPromises, Promise, PromisedForCountries, PromiseNumbers, PromiseReport
from .recipients import NextFact, Prohibiting, RecipientBrief
from .reviews import (
    GapToAccept,
    Recorded,
    Review,
    ReviewNote,
    ReviewThread,
    Signer,
    SignOff,
    SignOffPreview,
    SignOffsGiven,
    Then,
)
from .rights import OpenedRight, RightReach, RightsEvidence, RightsLine, RightsOpening
from .statistics import Concentration, Statistics
from .stream import StreamEvent
from .synchronous import Client
from .watch import WatchEvent

__all__ = [
    "Acceptance",
    "AcceptanceMade",
    "AccountEntry",
    "AgreedPricing",
    "AgreedShare",
    "Agreement",
    "AgreementOpened",
    "AgreementVersion",
    "Answer",
    "AssetAccounts",
    "AsyncClient",
    "AttachedDocument",
    "BenefitBalance",
    "BenefitLine",
    "BenefitMonth",
    "BenefitPart",
    "Bounds",
    "Caller",
    "CaseDraft",
    "Choice",
    "Client",
    "ClientError",
    "ClosedPeriod",
    "Committed",
    "Concentration",
    "Count",
    "CountedPromises",
    "CounterRead",
    "Coverage",
    "DecisionDocument",
    "DocumentConfirmation",
    "DocumentSignature",
    "DraftMade",
    "Explanation",
    "Fact",
    "Gap",
    "GapToAccept",
    "IncomeReport",
    "IncomeReports",
    "KeptBundle",
    "KeptDocument",
    "Malformed",
    "MayNotLeave",
    "Means",
    "Need",
    "NextFact",
    "NotDivided",
    "NotReported",
    "OpenedRight",
    "Owed",
    "Place",
    "Plan",
    "PlannedLeg",
    "Preset",
    "Prohibiting",
    "Promise",
    "PromiseNumbers",
    "PromiseReport",
    "PromisedForCountries",
    "Provision",
    "Question",
    "RecipientBrief",
    "Recorded",
    "Refund",
    "Refused",
    "RefusedRow",
    "Review",
    "ReviewNote",
    "ReviewThread",
    "RightReach",
    "RightsEvidence",
    "RightsLine",
    "RightsOpening",
    "RollForward",
    "SignOff",
    "SignOffPreview",
    "SignOffsGiven",
    "SignedOff",
    "Signer",
    "Statistics",
    "StreamEvent",
    "Then",
    "TrustedKey",
    "Unavailable",
    "Uncovered",
    "Unmet",
    "UnreportedPrice",
    "WatchEvent",
    "Way",
    "Words",
    "may_leave",
]
