"""An organisation as authors write it: what it accepts, switches off and wants shown. `overlay` decides what it means."""

from __future__ import annotations

from typing import Annotated

from pydantic import ConfigDict, Field

from engine.policy_language.document_text import Day, DocumentText, Id, Text


class AcceptanceText(DocumentText):
    """A subject matter of a country that the organisation says is looked after elsewhere, for at most 366 days."""

    id: Id
    country: str | Annotated[list[str], Field(min_length=1)]
    subjects: Annotated[list[str], Field(min_length=1)]
    by: Text
    because: Text
    from_: Day = Field(alias="from")
    until: Day


class SwitchedOffText(DocumentText):
    """A jurisdiction or a policy that does not count for this organisation; what it covered is not modelled."""

    jurisdiction: str | None = None
    policy: str | None = None
    because: Text
    by: Text


class OrganisationText(DocumentText):
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
    title: Text
    accepts: list[AcceptanceText] = []
    must_be_shown: list[str] = []
    switched_off: list[SwitchedOffText] = []
