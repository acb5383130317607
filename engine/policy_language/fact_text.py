"""
Facts and their values as authors write them: what an exchange may state, the sets of values that facts take, and units.

`typed_facts` and `value_sets` decide what they mean.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Annotated, Any, Literal

from pydantic import Field, StringConstraints, model_validator

from engine.policy_language.document_text import DocumentText, Prose, Text, YesNo


class FollowsText(DocumentText):
    """What a fact of yes or no follows from: whether a set, which is another fact, has a value."""

    fact: str
    """A fact that is a set of values, and is asked."""
    yes_where_it_has: str | None = None
    """The value with which the set makes this fact yes; without it the fact is no."""
    no_where_it_has: str | None = None
    """The value with which the set makes this fact no; without it the fact is yes."""

    @model_validator(mode="after")
    def _one_of_two(self) -> FollowsText:
        if (self.yes_where_it_has is None) == (self.no_where_it_has is None):
            raise ValueError("say one of `yes_where_it_has` and `no_where_it_has`")
        return self


class FactText(DocumentText):
    """A fact of an exchange. `by` makes it a family: one fact for each value of a value set (semantics 1.7, 2.1, 4.3, 4.6)."""

    type: str
    """Its type: one of the basic types, a value set, or `set of` one."""
    title: Text
    """What it is called."""
    ask: Text | None = None
    """The question that the exporter is asked to find it out."""
    dpv: str | None = None
    """The term of the Data Privacy Vocabulary that says of data or an exchange that this is so."""
    change: Literal["yes", "upwards", "no"] = "no"
    """Whether the exporter can change it, so that a remedy may change it; `upwards`: only to a later value of its ordered set."""
    some: YesNo = "no"
    """Whether the set is never empty: `[]` is then refused."""
    plain: str | None = None
    """The value that is sent in place of `[]` where nothing out of the ordinary applies; the refusal names it."""
    brings: dict[str, dict[str, str]] = {}
    """What a remedy that moves to a value changes as well, by value and fact, since it cannot be so there."""
    personal: YesNo = "no"
    """Whether its value may be personal. A personal value is kept apart from the record."""
    from_: Literal["register", "register-only"] | None = Field(None, alias="from")
    """`register`: an organisation's own register may state it. `register-only`: nobody else may."""
    by: str | None = None
    """A value set; the fact is then a family, with one fact for each value."""
    units: list[str] | dict[str, list[str]] = []
    """Of a quantity, the base units that it is measured in, for each member of a family; without them, any unit will do."""
    lies_in: str | None = None
    """The fact names a place: the fact that names its country."""
    frees: YesNo = "no"
    """`yes`: whether a law leaves data free may depend on it (`free:` in coverage)."""
    binds: YesNo = "no"
    """`yes`: a sign-off is bound to it even where it was left out, as to ids and countries."""
    follows: FollowsText | None = None
    """The set that it follows from. It is then never asked, and stating it otherwise than the set is refused."""
    public: Literal["open"] | None = None
    """`open`: of a fact of the recipient, that it stays open and is not asked where the recipient is the public."""

    def __repr_args__(self) -> Iterator[tuple[str | None, Any]]:
        # Digests are made from this text. What neither frees nor binds reads as before there were these marks.
        unread = (("frees", "no"), ("binds", "no"), ("binds", "yes"))
        yield from (
            each
            for each in super().__repr_args__()
            if each not in unread and each[0] not in ("plain", "brings", "public", "units")
        )


class UnitText(DocumentText):
    """A unit of quantities: a base unit, or so many `times` the base unit that it is a unit `of` (semantics 1.2)."""

    title: Text
    """What it is called."""
    of: str | None = None
    """The base unit that it is turned into; without it, this is a base unit."""
    times: Annotated[str, StringConstraints(pattern=r"^([1-9]\d{0,29}(\.\d{1,12})?|0\.\d{0,11}[1-9])$")] = "1"
    """How many of the base unit it is, as a decimal number."""
    also: list[Prose] = []
    """Other spellings, in any language. A sender who writes one of them is told of this unit."""

    @model_validator(mode="after")
    def _of_a_base(self) -> UnitText:
        if (self.of is None) == ("times" in self.model_fields_set):
            raise ValueError("`of` and `times` go together; a base unit has neither")
        return self


class ValueText(DocumentText):
    """A value (semantics 1.6, 2.1, 2.5)."""

    title: Text | None = None
    """What it is called."""
    also: list[Prose] = []
    """Other spellings, in any language. A sender who writes one of them is told of this value."""
    under: str | list[str] | None = None
    """The value, or values, that it is a kind of."""
    in_: str | None = Field(None, alias="in")
    """The country in which this place lies."""
    exact: YesNo = "no"
    """Whether this value, when it is sent, means none of the values under it."""
    rest: YesNo = "no"
    """Whether this value means none of the other values that lie under the same one."""
    nothing: YesNo = "no"
    """Whether this value says that no other of its set applies; in a set it stands alone."""
    everything: YesNo = "no"
    """Whether this value says that all others of its set apply; in a set it stands alone."""
    since: int | None = None
    """The shape of exchanges that first knows the value, like 2; a set that was stated in an earlier one is open."""
    dpv: str | None = None
    """The term of the Data Privacy Vocabulary that means the same, like `pd:Health`."""
    dpv_broader: str | None = None
    """Where no term means the same: one that means more. It is written for this value, and never read as it."""


class ValueSetText(DocumentText):
    """A set of values."""

    title: Text
    """What it is called."""
    includes: str | None = None
    """A value set whose values are values of this one too."""
    ordered: YesNo = "no"
    """Whether the values are ranked, the lowest first."""
    open: YesNo = "no"
    """Gone: in semantics 1 such a set took any text. List every value."""
    inside: str | None = None
    """The values are places: the value set of the countries in which they lie."""
    complete: list[str] = []
    """The countries of which these are all the places, so that everybody there is in one of them."""
    values: list[str] | dict[str, ValueText | str]
    """A list, or a mapping of each value to its title or to what it lies `under`."""


class MoreValueText(DocumentText):
    """A value that is added to a set defined elsewhere; to every rule that does not name it, it is the value that it lies under."""

    title: Text | None = None
    """What it is called."""
    under: str
    """The value of the set that it is a kind of; rules that do not name it read it as that value."""
    rest: YesNo = "no"
    """Whether this value means none of the other values that are added under the same one."""
    since: int | None = None
    """The shape of exchanges that first knows the value, like 2; a set that was stated in an earlier one is open."""
    dpv: str | None = None
    """The term of the Data Privacy Vocabulary that means the same, like `pd:Health`."""
    dpv_broader: str | None = None
    """Where no term means the same: one that means more. It is written for this value, and never read as it."""
