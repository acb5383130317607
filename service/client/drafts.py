"""Drafts: exchanges of which much is not known yet, which a person goes on with on the pages of the service."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class DraftMade:
    """A draft: `address` is the path of the page on which a person goes on with it, `outcome` is how it stands. It is no decision."""

    id: str
    address: str
    outcome: str
