"""How access requests (AuthZEN) are read as exchanges, as authors write it. `authzen_facts` decides what it means."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.policy_language.document_text import DocumentText


class AttributesText(DocumentText):
    """
    Which attribute of an access request (AuthZEN) states which fact.

    `facts` maps an attribute's name to a place in the exchange: a fact, a family, a group of facts such as `evidence`, or `as_of`. With
    `under`, every other attribute states the fact of the same name in that group. `names` maps each attribute whose values are ids of
    entities to the type of these entities.
    """

    under: str | None = None
    facts: dict[str, str] = {}
    names: dict[str, str] = {}


class EntityText(AttributesText):
    """
    One type of subject or resource.

    `entity` is its name in the register, if that is not the name of the type. `type` and `id` are the facts that the type and the id of
    an entity state.
    """

    entity: str | None = None
    type: str | None = None
    id: str | None = None


class ActionText(AttributesText):
    """One action. `name` is the fact that its name states."""

    name: str | None = None


class ContextText(AttributesText):
    """The context of a request; `entities` are those of its attributes that stand for a stored entity."""

    entities: dict[str, EntityText] = {}


class AuthZenText(DocumentText):
    """
    How access requests (AuthZEN Authorization API 1.0) are read as exchanges.

    A type of subject or resource, or an action, that is not named here is never permitted.
    """

    subjects: Annotated[dict[str, EntityText], Field(min_length=1)]
    actions: Annotated[dict[str, ActionText], Field(min_length=1)]
    resources: Annotated[dict[str, EntityText], Field(min_length=1)]
    context: ContextText = ContextText()
