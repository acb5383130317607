"""
What `fifthfactor analyse` may find of a provision, and how an author says that a finding is known: `known:` beside the rule.

The rules do not have it, so that it changes no decision and no digest of what policies mean.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from engine.policy_language.document_text import Day, DocumentText, Text

FindingCode: TypeAlias = Literal[
    "always-exempted",
    "always-holds",
    "always-met",
    "always-overdue",
    "cannot-be-met",
    "demanded-and-forbidden",
    "implied",
    "never-holds",
    "never-lifts",
    "never-stands",
    "nothing-goes-free",
    "nothing-speaks",
    "past-only",
    "same-provision",
    "steps-gap",
    "steps-overlap",
]

FINDINGS: dict[str, str] = {
    "always-exempted": "wherever the provision holds, an exemption lifts it",
    "always-holds": "where all else that its provision tests is as it wants it, the condition holds by itself",
    "always-met": "what the provision requires is met wherever it stands",
    "always-overdue": "the last day of the duty is over on each day on which the provision can stand",
    "cannot-be-met": "on some day from today on no ground can meet what the provision requires",
    "demanded-and-forbidden": "what the provision demands cannot be done without a ban of the same jurisdiction",
    "implied": "another provision with the same effect stands wherever this one does, and asks or gives as much",
    "known-ended": "the day until which a finding was known has passed",
    "known-nothing": "`known:` names a finding that is not there",
    "never-holds": "where all else that its provision tests is as it wants it, the condition or branch cannot hold",
    "never-lifts": "wherever the exemption stands, what it exempts does not hold anyway",
    "never-stands": "on no day is there an exchange in which the provision stands",
    "nothing-goes-free": "from the jurisdiction no exchange of the subject matter is permitted, whatever is shown",
    "nothing-speaks": "policies are said to cover the subject matter, and none of them speaks of any exchange of the category from there",
    "past-only": "the provision stands on no day from some past day on, and its own period does not say so",
    "same-provision": "another provision with the same effect stands in exactly the same exchanges",
    "steps-gap": "between two steps of one scale lies a number of which none speaks",
    "steps-overlap": "two steps of one scale both stand at some number",
}
"""Every code that `analyse` gives, with what it means; those of `known:` itself are among them."""


class KnownText(DocumentText):
    """A finding of the analysis that the author knows."""

    finding: FindingCode
    """The code of the finding, as `fifthfactor analyse` gives it."""
    why: Text
    """Why the provision stands as it does all the same."""
    until: Day
    """The day until which that is known; from the next day on it is a finding again."""
