"""
Reviews that wait for a person, the sign-offs that settle them, and the rows of a search of the log.

A sign-off is an approval or a refusal of one provision by one person. The last one for a provision and the same facts counts.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime
from typing import Annotated, Literal, TypedDict

from .answer_parts import Bounds, Outcome
from .documents import AttachedDocument
from .shapes import Named

Verdict = Literal["approve", "refuse"]
ReviewGroup = Literal["yours", "others", "coverage", "again"]


@dataclass(frozen=True, slots=True)
class Signer:
    """A person by her issuer and subject; two are the same if both are. `name` is what the issuer calls her."""

    issuer: str
    subject: str
    name: str | None


@dataclass(frozen=True, slots=True)
class Who:
    """A caller by the id that records name, and the person behind it, None for one that the service does not know."""

    id: str
    person: Signer | None = None


@dataclass(frozen=True, slots=True)
class FirstSigned:
    """A provision that somebody has signed, and that waits for another person."""

    provision: str
    by: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Awaited:
    """A provision that more than one person signs off: how many are needed, and how many have signed."""

    provision: str
    needed: int
    given: int


@dataclass(frozen=True, slots=True)
class Review:
    """
    A decision that waits for a person. `provisions` are those that may be signed off; `beneath` the bounds without their reviews.

    `kinds` says what waits: `review`, `lift`, `reach`, `gap`, or `second`, another person. `due` is the first day on which a duty of it
    falls due. `group` says who has to do something about it: `yours`, `others`, `coverage` or `again`.

    `current` says whether the loaded policies decided it. If not, the exchange must be evaluated again before anything can be signed off.
    Both are None for a review that was read from its record, which does not say it.
    """

    id: str
    recorded_at: datetime
    as_of: date
    exporter_country: str | None
    recipient_country: str | None
    sentence: Annotated[str, Named("answer")]
    beneath: Bounds
    provisions: tuple[str, ...]
    current: bool | None
    group: ReviewGroup | None
    kinds: tuple[str, ...] = ()
    second: tuple[FirstSigned, ...] = ()
    due: date | None = None
    assignee: Who | None = None


@dataclass(frozen=True, slots=True)
class SignOff:
    """
    A sign-off as the service keeps it. `until` is the last day of an approval, `at` when it was given, `by` the caller who gave it.

    `person` is who that is, None for a caller who is no person that the service knows.
    """

    id: str
    decision: str
    provision: str
    verdict: Verdict
    reason: str
    until: date | None
    at: datetime
    by: str
    person: Signer | None = None


@dataclass(frozen=True, slots=True)
class Then:
    """What the same exchange gets if it is evaluated again on the day of the decision. It is not recorded, and never a permit to act."""

    outcome: Outcome
    sentence: Annotated[str, Named("answer")]


@dataclass(frozen=True, slots=True)
class SignOffsGiven:
    """The sign-offs of a call, one per provision, their effect, and the provisions that count once another person has signed too."""

    sign_offs: tuple[SignOff, ...]
    then: Then
    awaits: tuple[Awaited, ...] = ()


@dataclass(frozen=True, slots=True)
class ReviewNote:
    """A comment on a review (`text`), its assignment (`to`, None for nobody any more), or why it was asked for."""

    id: str
    kind: Literal["comment", "assigned", "requested"]
    at: datetime
    by: Who
    text: str | None = None
    to: Who | None = None


@dataclass(frozen=True, slots=True)
class ProvisionAsked:
    """A provision of a review: how many persons have to sign it off, and the ids of the sign-offs that count."""

    provision: str
    kind: str
    needed: int
    given: tuple[str, ...]
    refused: bool


@dataclass(frozen=True, slots=True)
class GapToAccept:
    """A subject matter of a place of which no law speaks. Nobody can sign it off; `accept_coverage` closes it."""

    place: str
    subject: str


@dataclass(frozen=True, slots=True)
class ReviewThread:
    """
    What waits of a review, who signed, and what was said, in order. `own` says whether you asked for it, so that you may not approve it.

    `waits` is False once it is settled, or where a newer decision on the same facts took its place.
    """

    decision: str
    waits: bool
    own: bool
    provisions: tuple[ProvisionAsked, ...]
    gaps: tuple[GapToAccept, ...]
    assignee: Who | None
    notes: tuple[ReviewNote, ...]
    files: tuple[AttachedDocument, ...] = ()


@dataclass(frozen=True, slots=True)
class ChangedOutcome:
    """The outcome with the approval of some provisions beside those that stand; `still` would have to be signed off. It is no permit."""

    provisions: tuple[str, ...]
    outcome: Outcome
    sentence: Annotated[str, Named("answer")]
    still: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignOffPreview:
    """
    What approvals would change, as if all who have to sign had signed: `now`, with each provision alone, and with all.

    `needed` and `given` say by provision how many persons have to sign, and have. `more` provisions are not looked at one by one.
    """

    now: ChangedOutcome
    each: tuple[ChangedOutcome, ...]
    all: ChangedOutcome
    needed: Mapping[str, int] = field(hash=False)
    given: Mapping[str, int] = field(hash=False)
    more: int


@dataclass(frozen=True, slots=True)
class Recorded:
    """
    One row of a search of the log: the summary of a recorded decision. `sequence` is its place in the log, `bundle` the digest of the
    policies. `exporter` and `recipient` are ids, None where they were not sent or were erased.
    """

    sequence: int
    id: str
    recorded_at: datetime
    as_of: date
    outcome: Outcome
    proceed: bool
    hypothetical: bool
    sentence: Annotated[str, Named("answer")]
    exporter: str | None
    recipient: str | None
    exporter_country: str | None
    recipient_country: str | None
    caller: str | None
    bundle: str


Several = str | Sequence[str]  # a filter that takes any of its values


class ReviewFilters(TypedDict, total=False):
    """The filters of what waits: its `order`, what waits, who has to do something, who looks after it, its age in days, its places."""

    order: Literal["oldest", "newest", "due"]
    kind: Literal["review", "lift", "reach", "gap", "second"]
    group: ReviewGroup
    assignee: str
    older_than: int
    exporter_country: str
    recipient_country: str
    provision: str


class EachDecisionFilters(TypedDict, total=False):
    """The filters of a search of the log. One of several values, in a list, takes any of them."""

    outcome: Several
    jurisdiction: Several
    provision: Several
    requirement: Several
    missing: Several
    category: Several
    exporter: Several
    recipient: Several
    exporter_country: Several
    recipient_country: Several
    caller: Several
    bundle: Several
    since: str
    until: str
    proceed: bool
    text: str


class DecisionFilters(EachDecisionFilters, total=False):
    """The same for one page of the search: how many rows it may have, and the `next` of the page before."""

    limit: int
    cursor: str
