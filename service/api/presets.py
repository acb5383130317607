"""`/v1/presets`: everyday exchanges to begin with, from the loaded vocabulary."""

from typing import Any

from pydantic import Field

from service.api.operations import Shown
from service.api.router import Call, Router
from service.callers.context import Evaluating
from service.log.record import PolicyDigests

router = Router("facts")


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


@router.get("/v1/presets", "listPresets", "Everyday exchanges to begin with")
def presets(context: Evaluating, call: Call[None]) -> PresetsShown:
    """
    A dozen everyday exchanges, each with the facts that are nearly always so in it.

    They are to be confirmed: no preset states a document, a claim, or what could free an exchange by itself.
    """
    return PresetsShown(
        bundle=context.live.digests,
        presets=tuple(
            PresetShown(
                id=each.id,
                title=TitleShown(en=each.title.en, zh=each.title.zh or None),
                says=TitleShown(en=each.says.en, zh=each.says.zh or None),
                exchange=dict(each.exchange),
                to_confirm=each.to_confirm,
            )
            for each in context.live.bundle.presets()
        ),
    )
