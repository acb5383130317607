"""
The reader of a page: the language, and the bundle that gives facts, values and places their titles.

What the loaded vocabulary does not know is shown as it is in the record.
"""

from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

import engine
from service.callers.caller import LOCAL
from service.callers.caller_names import CallerName
from service.languages.names import Wording
from service.languages.words import text_if_any, wording

Part = Mapping[str, Any]

CARRIED = "carried"  # the conditions that came with the data, which an exchange names beside its facts


@dataclass(frozen=True)
class PageReader:
    """
    The reader of a page: the language, the bundle that gives the titles of facts, and the names of the callers on the page.

    `public` has the ids of the decisions on the page whose recipient is the public.
    """

    bundle: engine.Bundle
    lang: str
    callers: Mapping[str, CallerName] = field(default_factory=dict)
    public: Collection[str] = ()

    @cached_property
    def book(self) -> engine.Phrasebook:
        return engine.Phrasebook(self.bundle, self.language)

    @cached_property
    def titles(self) -> Mapping[str, str]:
        families = self.bundle.vocabulary.family_titles.items()
        found = {name: entry.title.in_(self.lang) for name, entry in self.bundle.facts.items()}
        return found | {name: title.in_(self.lang) for name, title in families}

    @cached_property
    def language(self) -> engine.Language:
        return engine.LANGUAGES[self.lang]

    @property
    def words(self) -> Wording:
        """The texts of the pages in the language of the reader."""
        return wording(self.lang)

    def code(self, kind: str, code: Any) -> str:
        """A code of a record in words. An unknown code is shown with spaces."""
        return self.language.word(kind, str(code))

    def label(self, kind: str, code: Any) -> str:
        """The same words, with a capital first letter."""
        return capital(self.code(kind, code))

    def told(self, fact: str, value: Any) -> str:
        """A value by its titles in the loaded vocabulary, conditions that came with the data by their texts; or as it was sent."""
        if fact == CARRIED and isinstance(value, list):
            named = [str(each.get("provision", "")) for each in value if isinstance(each, dict)]
            return " ".join(engine.condition_text(self.bundle, each, self.lang) or each for each in named)
        try:
            return self.book.told(fact, value)
        except (LookupError, ValueError, TypeError, AttributeError):
            return self.language.as_sent(value)

    def disputed(self, part: Part) -> str:
        """A fact that the register states otherwise, with both values and the entity."""
        stated, registered = (self.told(part["fact"], part.get(name)) for name in ("stated", "registered"))
        contradiction = self.language.contradiction(stated, registered)
        return self.language.disputed_line(
            part.get("kind", ""), part["entity"], part.get("version"), self.title(part["fact"]), contradiction
        )

    def caller(self, id: str | None) -> str:
        """A caller by the name that it has, or by its id."""
        if not id:
            return self.words.pages["nobody"]
        named = self.callers.get(id)
        if named is not None:
            return self.words.pages["caller_key"].format(named.name) if named.is_key else named.name
        return self.words.pages["caller_local"] if id == LOCAL.id else id

    def title(self, fact: str) -> str:
        """The title of a fact, or of a group that is stated as a whole; its name if the loaded vocabulary has no title."""
        return self.titles.get(fact) or self.group(fact)

    def group(self, name: str) -> str:
        """The title of a group of facts: those whose names begin with the same word."""
        return text_if_any(self.words.pages, f"group_{name}") or name

    def source(self, part: Part) -> str:
        """The instrument of a provision, and the place in it."""
        instrument, citation = (str(part.get(name) or "") for name in ("instrument", "citation"))
        return self.language.source(instrument, citation) if instrument and citation else instrument or citation

    def statement(self, name: Any) -> str:
        """The title of a statement on which a permit rests, or its name if the loaded vocabulary has no title."""
        try:
            return self.book.statement(str(name))
        except LookupError:
            return str(name)

    def subject(self, name: Any) -> str:
        """The title of a subject matter; `all` stands for every one."""
        try:
            return self.words.pages["all_subjects"] if name == "all" else self.book.subject(str(name))
        except LookupError:
            return str(name)

    def place(self, code: Any) -> str:
        """The name of a country or jurisdiction; `unknown` stands for a country that is not known."""
        try:
            return self.words.pages["unknown_country"] if code == "unknown" else self.book.place(str(code))
        except LookupError:
            return str(code)

    def promise(self, name: str) -> str:
        """The title of what is promised, or its name if the loaded policies no longer have it."""
        promised = self.bundle.vocabulary.promises.get(name)
        return promised.title.in_(self.lang) if promised else name

    def account(self, part: str) -> str:
        """The title of a part of the account."""
        try:
            return self.book.account(part)
        except LookupError:
            return part.replace("-", " ")


def capital(text: str) -> str:
    """A text with a capital first letter."""
    return text[:1].upper() + text[1:]
