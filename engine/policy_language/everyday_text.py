"""What people call things, and everyday exchanges to begin with, as authors write them."""

from __future__ import annotations

from typing import Annotated, Any

from pydantic import Field, model_validator

from engine.policy_language.document_text import DocumentText, Prose, Text


class SaidText(DocumentText):
    """What people call something, in each language. One word may be said of several things."""

    en: list[Prose] = []
    """English words; a refusal proposes what they are said of, and a search finds it."""
    zh: list[Prose] = []
    """Chinese words."""

    @model_validator(mode="after")
    def _some(self) -> SaidText:
        if not self.en and not self.zh:
            raise ValueError("write at least one word, under `en` or `zh`")
        return self


class PresetText(DocumentText):
    """
    An everyday exchange to begin with: the facts that are nearly always so in it, as a test writes them. They are to be confirmed.

    None of them frees by itself: there is no document, no claim, and nothing that `frees`; and each set stays open.
    """

    title: Text
    """What it is called."""
    says: Text
    """What exchange it is, in a sentence."""
    exchange: Annotated[dict[str, Any], Field(min_length=1)]
    """The facts that are nearly always so, by their dotted names. Sets stay open. No document and no claim."""
