"""
The first files of a law, a house or a fact: a name goes in, a few sound files with a green test come out.

What they say stands in `policies/templates`, since it is content. What a name leaves open is filled in here, and every file is laid out.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from datetime import date
from string import Template

from engine.authoring.layout import lay_out
from engine.bundle import Bundle
from engine.policy_language.diagnostic import did_you_mean
from engine.policy_language.source_files import bundled_policies

TEMPLATES = "templates"
_SUFFIX = ".in"
_ID = re.compile(r"[a-z][a-z0-9]*(-[a-z0-9]+)*")
_FACT = re.compile(r"[a-z][a-z0-9_]*(\.[a-z][a-z0-9_]*)+")
# How the first rule reads a fact of each type, and two values, of which the rule stands for the first.
TYPES = {
    "yes/no": ("yes", "yes", "no"),
    "count": ("{at_least: 1}", "1", "0"),
    "ratio": ("{more_than: 0}", "0.5", "0"),
}


class NotBegun(ValueError):
    """Nothing can be begun under this name; the message is a sentence that says why."""


def first_law(bundle: Bundle, country: str, day: date, schemas: str) -> dict[str, bytes]:
    """The files of a country that has no law so far, by their names in its folder. Raises NotBegun."""
    countries = bundle.vocabulary.values["country"]
    if country not in countries.values:
        raise NotBegun(f"there is no country `{country}`; {did_you_mean(country, countries.values)}".rstrip("; "))
    at = bundle.vocabulary.spans.get(("jurisdictions", country))
    if at is not None:
        raise NotBegun(
            f"the law of `{country}` is there already, at {at}; write a further instrument beside the files that it has"
        )
    title = countries.titles[country]
    words = {
        "id": country.lower(),
        "code": country,
        "title": title.en,
        "title_zh": title.zh or title.en,
        "elsewhere": next(each for each in countries.values if each != country),
        "day": day.isoformat(),
    }
    return _filled("law", words, schemas)


def first_house(bundle: Bundle, name: str, title: str, title_zh: str, day: date, schemas: str) -> dict[str, bytes]:
    """The files of an organisation, by their names in its folder. Raises NotBegun."""
    if not _ID.fullmatch(name):
        raise NotBegun(f"`{name}` is no name of a folder of rules: use small letters, digits and `-`, like `acme`")
    if ("jurisdictions", name.upper()) in bundle.vocabulary.spans:
        raise NotBegun(f"`{name.upper()}` is a jurisdiction already; choose another name")
    words = {"id": name, "code": name.upper(), "title": title, "title_zh": title_zh, "day": day.isoformat()}
    return _filled("house", words, schemas)


def first_fact(
    bundle: Bundle, folder: str, fact: str, type: str, title: tuple[str, str], ask: tuple[str, str], day: date, schemas: str
) -> dict[str, bytes]:
    """A fact of a folder of the bundle, with the first rule that reads it; title and question in English and Chinese. Raises NotBegun."""
    if not _FACT.fullmatch(fact):
        raise NotBegun(f"`{fact}` is no name of a fact: it is `group.fact`, in small letters, like `data.quality`")
    if bundle.vocabulary.type_of(fact) is not None:
        raise NotBegun(f"there is a fact `{fact}` already")
    if type not in TYPES:
        raise NotBegun(f"a first rule is written for {', '.join(f'`{each}`' for each in TYPES)}, not for `{type}`")
    owners = [
        name for (group, name), at in bundle.vocabulary.spans.items() if group == "jurisdictions" and _in(at.file, folder)
    ]
    if len(owners) != 1:
        raise NotBegun(f"`{folder}` names {len(owners)} jurisdictions; a fact is begun in a folder that names one")
    (code,) = owners
    house = next((each for each in bundle.vocabulary.organisations if _in(each.file, folder)), None)
    id = fact.replace(".", "-").replace("_", "-")
    words = {
        "id": f"{code.lower()}-{id}",
        "policy": f"{code.lower()}.{id}",
        "code": code,
        "fact": fact,
        "type": type,
        "day": day.isoformat(),
        "force": "contract" if house else "law",
        "issuer": bundle.vocabulary.jurisdictions[code].title.en,
        **dict(
            zip(("title", "title_zh", "ask", "ask_zh", "where", "so", "otherwise"), (*title, *ask, *TYPES[type]), strict=True)
        ),
    }
    named = {"fact": f"{id}-words", "rule": id}
    split = ((name.partition("."), data) for name, data in _filled("fact", words, schemas).items())
    return {f"{named[stem]}.{suffix}": data for (stem, _, suffix), data in split}


def _in(file: str, folder: str) -> bool:
    return file.startswith(f"{folder}/")


def _filled(kind: str, words: Mapping[str, str], schemas: str) -> dict[str, bytes]:
    """The templates of a kind with words filled in, laid out. A quote in a word would end the text that it stands in."""
    for word in words.values():
        if '"' in word or "\\" in word or not word.isprintable() or not word.strip():
            raise NotBegun(f"`{word}` cannot stand in a text: write printable characters, without quotation marks")
    found = {}
    for file in sorted((bundled_policies() / TEMPLATES / kind).glob(f"*{_SUFFIX}")):
        name = file.name.removesuffix(_SUFFIX)
        found[name] = lay_out(name, Template(file.read_text("utf-8")).substitute(words).encode(), schemas)
    return found
