"""How access requests (AuthZEN) are read as exchanges, as authors write it. `authzen_facts` decides what it means."""

from __future__ import annotations

from typing import Annotated

from pydantic import Field

from engine.policy_language.document_text import DocumentText


class AttributesText(DocumentText):
    """Which attribute of an access request (AuthZEN) states which fact."""

    under: str | None = None
    """An attribute that `facts` does not name states the fact of the same name in this group."""
    facts: dict[str, str] = {}
    """What each attribute states: a fact, a family, a group of facts like `evidence`, or `as_of`."""
    names: dict[str, str] = {}
    """Attributes that hold an entity's id, each with the type of the entity. Every id of an entity counts as its first id."""


class EntityText(AttributesText):
    """One type of subject or resource."""

    entity: str | None = None
    """What the register calls such entities, where it does not use the name of the type."""
    type: str | None = None
    """The fact that the name of the type states."""
    id: str | None = None
    """The fact that the id states. For an entity in the register, its first id counts."""


class ActionText(AttributesText):
    """One action."""

    name: str | None = None
    """The fact that the name of the action states."""


class ContextText(AttributesText):
    """The context of a request."""

    entities: dict[str, EntityText] = {}
    """Attributes that stand for an entity: its id, or `{id: …, properties: …}`."""


class AuthZenText(DocumentText):
    """
    How access requests (AuthZEN Authorization API 1.0) are read as exchanges.

    A type of subject or resource, or an action, that is not named here is never permitted.
    """

    subjects: Annotated[dict[str, EntityText], Field(min_length=1)]
    """Types of subjects, and what their ids and properties state."""
    actions: Annotated[dict[str, ActionText], Field(min_length=1)]
    """Actions, and what their names and properties state."""
    resources: Annotated[dict[str, EntityText], Field(min_length=1)]
    """Types of resources, and what their ids and properties state."""
    context: ContextText = ContextText()
    """What the context of a request states."""
