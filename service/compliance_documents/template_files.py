"""
The templates that come with the program: the files of a folder go in, the templates by name come out, in the order of their names. So do
the terms of the laws that they name.

They are read once. `unknown_names` says what a template names and some policies do not have: a draft shows such a fact as not stated.
"""

from collections.abc import Collection, Iterator, Mapping
from functools import cache
from pathlib import Path
from types import MappingProxyType

import engine
from service.compliance_documents.template_text import (
    COMMITMENT,
    COMMITMENT_MEMBERS,
    RECORD_MEMBERS,
    BothText,
    SectionText,
    TemplateText,
    TermsText,
)

HERE = Path(__file__).parent
_DOCUMENTS = ("evidence", "claims")


@cache
def templates() -> Mapping[str, TemplateText]:
    """The templates by name. Raises engine.InvalidDocument where a file is none."""
    found = {path.stem: engine.read_document(TemplateText, path.name, path.read_bytes()) for path in _files("templates")}
    _named_as_they_say({name: text.document for name, text in found.items()})
    for text in found.values():
        for terms in (text.terms, *(section.terms for section in text.sections if section.terms)):
            if terms not in laws_terms():
                raise engine.InvalidDocument(f"{text.document}.yaml: there are no terms called `{terms}`")
    return MappingProxyType(found)


@cache
def laws_terms() -> Mapping[str, TermsText]:
    """The terms of laws by name. Raises engine.InvalidDocument where a file is none."""
    found = {path.stem: engine.read_document(TermsText, path.name, path.read_bytes()) for path in _files("terms")}
    _named_as_they_say({name: text.terms for name, text in found.items()})
    return MappingProxyType(found)


@cache
def instrument_names() -> Mapping[str, BothText]:
    """The full names of instruments, by policy, of all laws: a document of one law may cite another."""
    return MappingProxyType({policy: name for terms in laws_terms().values() for policy, name in terms.instruments.items()})


def _files(folder: str) -> Iterator[Path]:
    yield from sorted((HERE / folder).glob("*.yaml"))


def _named_as_they_say(names: Mapping[str, str]) -> None:
    for stem, name in names.items():
        if stem != name:
            raise engine.InvalidDocument(f"{stem}.yaml: what it holds is called `{name}`, and its file is not")


def titles_for(standing: Collection[str], lang: str) -> list[tuple[str, str]]:
    """The names and titles of the documents; first those for which one of the standing rules asks, each given by its key."""
    provisions = {key.partition("~")[0] for key in standing}
    asked = sorted(templates().items(), key=lambda each: provisions.isdisjoint(each[1].asked_by))
    return [(name, text.title.in_(lang)) for name, text in asked]


def unknown_names(text: TemplateText, bundle: engine.Bundle) -> Iterator[str]:
    """What a template names and a bundle does not have, each with where it stands."""
    provisions = {rule.provision.id for rule in bundle.rules.rules}
    yield from (f"asked_by: {name}" for name in text.asked_by if name not in provisions)
    named = [name for each in text.warns for name in each.if_stated]
    yield from (f"warns: {name}" for name in named if not known_source(name, bundle))
    doubted = [name for each in text.doubts for name in each.where]
    yield from (f"doubts: {name}" for name in doubted if bundle.vocabulary.type_of(name) is None)
    for number, section in enumerate(text.sections):
        yield from (f"sections[{number}]: {name}" for name in _unknown_in(section, bundle))


def unknown_terms(text: TermsText, bundle: engine.Bundle) -> Iterator[str]:
    """What the terms of a law name and a bundle does not have, each with where it stands."""
    policies = {rule.provision.policy for rule in bundle.rules.rules}
    yield from (f"called: {name}" for name in text.called if not known_source(name, bundle))
    yield from (f"instruments: {name}" for name in text.instruments if name not in policies)


def known_source(source: str, bundle: engine.Bundle) -> bool:
    """Whether a bundle has what a field is filled from."""
    vocabulary = bundle.vocabulary
    group, _, rest = source.partition(".")
    if source.startswith(engine.GROUNDS):
        return source.removeprefix(engine.GROUNDS) in vocabulary.requirements
    if source.startswith(engine.RECORD):
        return source.removeprefix(engine.RECORD) in RECORD_MEMBERS
    if source.startswith(COMMITMENT):
        return source.removeprefix(COMMITMENT) in COMMITMENT_MEMBERS
    if group in _DOCUMENTS:
        return rest in vocabulary.kinds[group]
    return source in vocabulary.families or vocabulary.type_of(source) is not None


def _unknown_in(section: SectionText, bundle: engine.Bundle) -> Iterator[str]:
    known = bundle.vocabulary.jurisdictions
    places = [section.of] if section.of else []
    yield from (name for name in section.where if bundle.vocabulary.type_of(name) is None)
    for table in section.tables:
        places += table.of or ()
        yield from (name for name in table.without if name not in bundle.vocabulary.requirements)
    yield from (name for name in places if name not in known)
    for field in section.fields:
        yield from (source for source in field.sources if not known_source(source, bundle))
