"""The part of a decision on coverage: which law was read and speaks of the exchange, and where law is silent (semantics 4.3)."""

from __future__ import annotations

from datetime import date
from typing import Literal

from engine.decision.decision_part import Part


class NotModelledPart(Part):
    """
    A country or subject matter for which the bundle has no policies. `reviewed` is true if it opens a review.

    `why` is "not_modelled", "unread" (the law that `law` names was not read) or "doubtful" (what was read is in doubt). `read` and `source`
    are what was read, and where; `covered_from` is the day from which it is covered. `sign_off` are the names under which a person who
    has read the law may sign it off for this exchange, and `says` is all of it in a line.
    """

    country: str
    subject: str
    touched_as: list[str]
    certain: bool
    reviewed: bool
    why: Literal["not_modelled", "unread", "doubtful"] = "not_modelled"
    says: str = ""
    law: str = ""
    read: str = ""
    source: str = ""
    covered_from: date | None = None
    sign_off: list[str] = []


class ReachPart(Part):
    """
    Data that are a country's to judge, whoever sends them, although none of its policies applies; that is reviewed.

    `sign_off` is the name under which a person may sign it off for this exchange, null where it is not certain.
    """

    country: str
    subject: str
    certain: bool
    sign_off: str | None = None


class NotReachedPart(Part):
    """A subject matter that the law of a touched jurisdiction leaves alone; `says` is the reason that a policy gives, if one does."""

    jurisdiction: str
    subject: str
    policy: str = ""
    citation: str = ""
    says: str = ""


class AcceptedPart(Part):
    """A subject matter of a country that an organisation says is looked after elsewhere. The decision rests on it."""

    country: str
    subject: str
    acceptance: str
    organisation: str
    by: str
    because: str
    until: date


class SwitchedOffPart(Part):
    """A jurisdiction, or one policy, that an organisation has switched off; its law counts as not modelled."""

    organisation: str
    jurisdiction: str = ""
    policy: str = ""
    by: str
    because: str


class StandsOnPart(Part):
    """
    What was read of a jurisdiction's law on a subject matter, where this settles it for the exchange.

    `by` are the policies that speak of it; or it is `under` wider subject matters, or `free`. `read`, `source`, `read_on` and `status` say
    what was read, where and when, and how sure it is.
    """

    jurisdiction: str
    subject: str
    by: list[str] = []
    under: list[str] = []
    free: bool = False
    read: str = ""
    source: str = ""
    read_on: date | None = None
    status: str = ""


class CoveragePart(Part):
    jurisdictions: list[str]
    stands_on: list[StandsOnPart] = []
    not_modelled: list[NotModelledPart] = []
    reach: list[ReachPart] = []
    not_reached: list[NotReachedPart] = []
    accepted: list[AcceptedPart] = []
    switched_off: list[SwitchedOffPart] = []
    notes: list[str] = []
