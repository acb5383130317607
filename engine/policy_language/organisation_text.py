"""An organisation as authors write it: what it accepts, switches off and wants shown. `overlay` decides what it means."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from engine.policy_language.document_text import Day, DocumentText, FileText, Id, Text


class AcceptanceText(DocumentText):
    """A subject matter of a country that the organisation says is looked after elsewhere, for at most 366 days."""

    id: Id
    """The name of the acceptance in this organisation."""
    country: str | Annotated[list[str], Field(min_length=1)]
    """The country, or countries, whose law is looked after elsewhere."""
    subjects: Annotated[list[str], Field(min_length=1)]
    """The subject matters that are accepted, and no others."""
    by: Text
    """Who accepts, by role or name."""
    because: Text
    """Why nothing is missed."""
    from_: Day = Field(alias="from")
    """The first day of decisions that may rest on it, inclusive."""
    until: Day
    """The last such day, inclusive; at most 366 days after the first."""


class SwitchedOffText(DocumentText):
    """A jurisdiction or a policy that does not count for this organisation; what it covered is not modelled."""

    jurisdiction: str | None = None
    """The jurisdiction whose policies do not count."""
    policy: str | None = None
    """The policy that does not count."""
    because: Text
    """Why it does not count for the organisation."""
    by: Text
    """Who decided that, by role or name."""


class OrganisationText(FileText):
    """An organisation that has rules beside the law. Everything else in the same folder is its own too."""

    model_config = ConfigDict(
        json_schema_extra={
            "$id": "urn:fifthfactor:organisation:1",
            "examples": [
                {
                    "organisation": "acme",
                    "title": "Acme Group",
                    "accepts": [
                        {
                            "id": "us-personal",
                            "country": "US",
                            "subjects": ["personal"],
                            "by": "General Counsel",
                            "because": "State law is reviewed by counsel in the United States.",
                            "from": "2026-01-01",
                            "until": "2026-12-31",
                        }
                    ],
                    "must_be_shown": ["evidence.cn-standard-contract"],
                    "switched_off": [
                        {"policy": "us.padfa", "by": "General Counsel", "because": "No company of the group is a data broker."}
                    ],
                }
            ],
        }
    )

    organisation: Id
    """The name of the organisation that has rules beside the law."""
    title: Text
    """What it is called."""
    accepts: list[AcceptanceText] = []
    """What the organisation says is looked after elsewhere, by name, with a reason and an end."""
    must_be_shown: list[str] = []
    """Facts, `evidence.KIND` and `claims.KIND` that count only where they are not merely stated."""
    switched_off: list[SwitchedOffText] = []
    """Law that does not count for the organisation; what it covered is then not modelled."""
