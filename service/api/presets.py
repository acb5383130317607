"""`/v1/presets`: everyday exchanges to begin with, from the loaded vocabulary."""

from typing import Any

from fastapi import FastAPI, Request, Response
from pydantic import Field

from service.api.operations import Shown, operation
from service.callers.caller import caller_of
from service.log.record import PolicyDigests
from service.service import Service


class TitleShown(Shown):
    """A text in each language that it has."""

    en: str
    zh: str | None = None


class PresetShown(Shown):
    """An everyday exchange to begin with. Whoever begins with it confirms each fact, and answers what is asked."""

    id: str
    title: TitleShown
    says: TitleShown = Field(description="what exchange it is, in a sentence")
    exchange: dict[str, Any] = Field(description="what is nearly always so in it; its sets are open, so that they are asked")
    to_confirm: tuple[str, ...] = Field(
        description="the facts that it states; none is known to be so until somebody confirms it"
    )


class PresetsShown(Shown):
    """The everyday exchanges of the loaded vocabulary."""

    bundle: PolicyDigests
    presets: tuple[PresetShown, ...]


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""

    @app.get(
        "/v1/presets",
        response_model=PresetsShown,
        **operation("listPresets", "facts", "Everyday exchanges to begin with", needs="evaluate"),
    )
    def presets(request: Request) -> Response:
        """
        A dozen everyday exchanges, each with the facts that are nearly always so in it.

        They are to be confirmed: no preset states a document, a claim, or what could free an exchange by itself.
        """
        caller_of(request.scope, "evaluate", of_party=True)
        live = service.live
        shown = PresetsShown(
            bundle=live.digests,
            presets=tuple(
                PresetShown(
                    id=each.id,
                    title=TitleShown(en=each.title.en, zh=each.title.zh or None),
                    says=TitleShown(en=each.says.en, zh=each.says.zh or None),
                    exchange=dict(each.exchange),
                    to_confirm=each.to_confirm,
                )
                for each in live.bundle.presets()
            ),
        )
        return Response(shown.model_dump_json(exclude_none=True), media_type="application/json")
