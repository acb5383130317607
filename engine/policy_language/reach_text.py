"""
How far a jurisdiction's law reaches exporters abroad, as authors write it: one entry for each jurisdiction, one rule for all.

`jurisdiction_reach` makes a policy of each entry.
"""

from __future__ import annotations

from engine.policy_language.document_text import Condition, Day, DocumentText, Id, Prose, Status, Text, Window, Windows


class ReachText(DocumentText):
    """Of one jurisdiction: what was read of its law's reach over exporters abroad. It becomes the policy `JURISDICTION.reach`."""

    law: Text
    """The law, as it stands in a sentence: `the Data Protection Act`."""
    place: Text | None = None
    """Where its people are, as it stands in a sentence; by default the title of the jurisdiction."""
    issuer: Prose
    """Who issued the law."""
    in_force: Window | Windows
    """When the law is in force: one period or a list, both ends inclusive."""
    cite: Text
    """The provisions that were read, like `Arts. 19 to 21`."""
    says: Text
    """What they say of where those are whom the law binds, in your own words."""
    source: Prose
    """Where it was read: the text itself, or a work that quotes it, with its date."""
    status: Status
    """How sure it is: `confirmed` (read in a source), `from-memory`, or `unsure`."""
    verify_by: Day | None = None
    """The day by which it should be read again."""


class ReachedRuleText(DocumentText):
    """The rule that the reach of every jurisdiction becomes. In its texts `{law}` and `{place}` stand for those of the jurisdiction."""

    id: Id
    """The name of the rule."""
    title: Text
    """The rule in one sentence."""
    review: Text
    """What a person must look at."""


class ReachedText(DocumentText):
    """The policy that the reach of every jurisdiction becomes: `{law}`, `{place}` and `{jurisdiction}` stand for those of each one."""

    title: Text
    """The title of the policy."""
    applies: Condition
    """When the reach of a law matters to an exchange."""
    rule: ReachedRuleText
    """Its one rule."""
