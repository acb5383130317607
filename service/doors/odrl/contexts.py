"""
JSON-LD contexts: those that are shipped, and what a document may say in a context of its own.

No context is fetched: one that is named and not shipped is refused. A context of the document's own may add prefixes and terms. A name that
a shipped context defines keeps its meaning: whoever writes `"prohibition": "ex:note"` hides a prohibition from who reads the document.
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple

from service.doors.odrl.contract_refusals import refused, shown

FOLDER = Path(__file__).parent / "contexts"
# A name that no context defines gets this namespace, so that nothing of a document is dropped unseen.
BARE = "x-undefined-name:"
MOST_CONTEXTS = 12  # in one list
MOST_TERMS = 200  # in one context of a document

_ABSOLUTE = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:\S+")
_OPTIONS = frozenset({"@version", "@vocab", "@base", "@language", "@protected"})
_MEMBERS = frozenset({"@id", "@type", "@container", "@protected"})
_ALIASES = frozenset({"@id", "@type"})  # keywords that may have another name


class ShippedContext(NamedTuple):
    """A context in this package: its address, its file, where the text is from, and its licence."""

    url: str
    file: str
    source: str
    licence: str
    guarded: bool = True  # whether a document may give none of its names another meaning


@cache
def shipped() -> Mapping[str, ShippedContext]:
    """The contexts in this package, by address."""
    listed = json.loads((FOLDER / "contexts.json").read_text("utf-8"))
    return {each["url"]: ShippedContext(**each) for each in listed}


@cache
def _text(file: str) -> str:
    return (FOLDER / file).read_text("utf-8")


def load(url: str) -> dict[str, Any]:
    """A shipped context, as a document of the caller's own. Raises RequestRefused for any other address."""
    known = shipped().get(url)
    if known is None:
        raise not_shipped(url)
    document: dict[str, Any] = json.loads(_text(known.file))
    return document


def not_shipped(url: str, at: str = "") -> Exception:
    """The refusal of a context that would have to be fetched."""
    there = ", ".join(f"`{each}`" for each in shipped())
    return refused(
        "remote-context", f"the context {shown(url)} is not among those known here, and none is fetched: use {there}", at
    )


def check(context: Any, at: str) -> None:
    """Refuse a context that is unknown, too large, or gives a known name another meaning. `at` is its place. Raises RequestRefused."""
    if isinstance(context, list):
        if len(context) > MOST_CONTEXTS:
            raise refused("large-context", f"a document names at most {MOST_CONTEXTS} contexts in one place", at)
        for number, each in enumerate(context):
            if isinstance(each, list):
                raise refused("bad-context", "a list of contexts has no list in it", f"{at}/{number}")
            check(each, f"{at}/{number}")
    elif isinstance(context, str):
        if context not in shipped():
            raise not_shipped(context, at)
    elif isinstance(context, dict):
        _check_terms(context, at)
    else:
        raise refused("bad-context", "a context is an address, an object or a list of them; it is not taken back by `null`", at)


def _check_terms(context: Mapping[str, Any], at: str) -> None:
    if len(context) > MOST_TERMS:
        raise refused("large-context", f"a context defines at most {MOST_TERMS} names", at)
    for name, meaning in context.items():
        place = f"{at}/{_escaped(name)}"
        if name.startswith("@"):
            _check_option(name, meaning, place)
        else:
            _check_term(name, meaning, context, place)


def _check_option(name: str, value: Any, at: str) -> None:
    if name not in _OPTIONS:
        raise refused("bad-context", f"a context of the document's own has no {shown(name)}", at)
    if name in ("@vocab", "@base") and not (isinstance(value, str) and _ABSOLUTE.fullmatch(value)):
        raise refused("bad-context", f"`{name}` is an absolute address", at)


def _check_term(name: str, meaning: Any, context: Mapping[str, Any], at: str) -> None:
    """A new name may mean what it wants; a known name means what a shipped context says."""
    members = meaning if isinstance(meaning, dict) else {"@id": meaning}
    if unknown := next((each for each in members if each not in _MEMBERS), ""):
        raise refused("bad-context", f"the definition of {shown(name)} has no {shown(unknown)}", at)
    if members.get("@container") not in (None, "@set", "@list", ["@set"], ["@list"]):
        raise refused("bad-context", f"the definition of {shown(name)} has a container that is not read here", at)
    if members.get("@type") in ("@json", "@none"):
        raise refused("bad-context", f"the definition of {shown(name)} has a type that is not read here", at)
    iri = members.get("@id")
    if not isinstance(iri, str) or not iri:
        raise refused("bad-context", f"the definition of {shown(name)} says what it means by `@id`", at)
    if iri.startswith("@") and iri not in _ALIASES:
        raise refused("bad-context", f"{shown(name)} cannot be another name of {shown(iri)}", at)
    known = known_names().get(name)
    if known and _whole(iri, context) not in known:
        raise refused(
            "renamed-term",
            f"{shown(name)} means {' or '.join(map(shown, sorted(known)))}; a context may not give it another meaning",
            at,
        )


def _whole(iri: str, context: Mapping[str, Any], depth: int = 0) -> str:
    """An IRI with its prefix written out, as far as the context or a shipped one defines it."""
    prefix, colon, rest = iri.partition(":")
    if colon and not rest.startswith("//") and depth < 4:
        own = context.get(prefix)
        own = own.get("@id") if isinstance(own, dict) else own
        if isinstance(own, str) and own != iri:
            return _whole(own, context, depth + 1) + rest
        if prefixes := [each for each in known_names().get(prefix, ()) if each.endswith(("/", "#"))]:
            return prefixes[0] + rest
    return iri


@cache
def known_names() -> Mapping[str, frozenset[str]]:
    """Every name that a shipped context defines, with each meaning that one gives it."""
    found: dict[str, set[str]] = {}
    for url in (each.url for each in shipped().values() if each.guarded):
        context = load(url)["@context"]
        for name, iri, prefixes in _definitions(context, {}):
            prefix, colon, rest = iri.partition(":")
            found.setdefault(name, set()).add(prefixes[prefix] + rest if colon and prefix in prefixes else iri)
    # The draft's examples name the address of the context as the prefix; a name that does not end like a prefix is none.
    found["odrl"].add("http://www.w3.org/ns/odrl.jsonld")
    found["cx-policy"].add("https://w3id.org/catenax/policy/")  # before 2025
    return {name: frozenset(meanings) for name, meanings in found.items()}


def _definitions(context: Any, prefixes: Mapping[str, str]) -> Iterator[tuple[str, str, Mapping[str, str]]]:
    """The names in a context and in those within it, with the prefixes that hold there."""
    for part in context if isinstance(context, list) else [context]:
        if not isinstance(part, dict):
            continue
        here = {**prefixes, **{name: iri for name, iri in part.items() if isinstance(iri, str) and iri.endswith(("/", "#"))}}
        for name, meaning in part.items():
            iri = meaning.get("@id") if isinstance(meaning, dict) else meaning
            if not name.startswith("@") and isinstance(iri, str):
                yield name, iri, here
            if isinstance(meaning, dict) and "@context" in meaning:
                yield from _definitions(meaning["@context"], here)


def _escaped(name: str) -> str:
    return name.replace("~", "~0").replace("/", "~1")[:120]
