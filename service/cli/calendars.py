"""
`fifthfactor calendars`: writes the calendars of working days from the package `holidays`, which knows the holidays of the world.

In: the calendars of a bundle, each with its title, its source and the period that it covers. Out: the text of a vocabulary file with
the days filled in. Only authors run this. Decisions read the file, never the package.
"""

import json
import textwrap
from collections.abc import Iterable
from datetime import date, timedelta
from itertools import groupby
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.command import Commands, Paths, UsedWrongly

if TYPE_CHECKING:
    import engine

HEAD = """\
# yaml-language-server: $schema=../.schemas/vocabulary.json
vocabulary: calendars

# Working days by place, for periods like `10 working days in CN`: every day but those of the weekend and the holidays, and the
# days worked in their stead. Nothing is known of days outside `known_from` and `known_until`: what depends on them is unknown.
# This file is written by `fifthfactor calendars --write policies/vocabulary/calendars.yaml`, from the package that knows a place
# by the name in `library`; behind a colon stands one kind of its holidays, where not those that everybody has off. To add a place,
# write its entry without the days. A year is known once its holidays are announced: then move `known_until` on. A calendar that is
# kept by hand has no `library`, and a file of its own.

calendars:
"""
WEEK = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")


app = Commands()


@app.add("calendars --write policies/vocabulary/calendars.yaml")
def calendars(
    paths: Paths = None,
    write: Annotated[Path | None, typer.Option(help="File to write. [standard output]")] = None,
) -> int:
    """
    Write the calendars of working days again, from the package `holidays`.

    Each calendar that has a `library` gets its days from `known_from` to `known_until`.
    """
    from service.cli.files import load_or_stop, put

    bundle = load_or_stop(paths or [])
    whole = text(bundle)
    if write is None:
        print(whole, end="")
        return 0
    by_hand = [name for name, each in bundle.vocabulary.calendars.items() if not each.library]
    if write.exists() and any(bundle.vocabulary.nodes["calendars", name].span.file.endswith(write.name) for name in by_hand):
        raise UsedWrongly(f"{write} holds calendars without `library`: {', '.join(by_hand)}; move them to another file")
    put(write, whole.encode())
    return 0


def text(bundle: "engine.Bundle") -> str:
    """The vocabulary file of every calendar that has a `library`. Raises UsedWrongly where the package does not know its days."""
    import engine

    entries = "".join(_entry(bundle, name) for name in sorted(bundle.vocabulary.calendars))
    return engine.lay_out("calendars.yaml", (HEAD + (entries or "  {}\n")).encode()).decode()


def _entry(bundle: "engine.Bundle", name: str) -> str:
    calendar = bundle.vocabulary.calendars[name]
    if not calendar.library:
        return ""
    holidays, workdays = days(name, calendar.library, calendar.weekend, calendar.known_from, calendar.known_until)
    title = ", ".join(f"{tongue}: {json.dumps(words, ensure_ascii=False)}" for tongue, words in calendar.title if words)
    return (
        f"  {name}:\n"
        f"    title: {{{title}}}\n"
        f"    source: {json.dumps(calendar.source, ensure_ascii=False)}\n"
        f"    status: {calendar.status}\n"
        f"    weekend: [{', '.join(calendar.weekend)}]\n"
        f"    known_from: {calendar.known_from}\n"
        f"    known_until: {calendar.known_until}\n"
        f"    library: {calendar.library}\n" + _list("holidays", holidays) + _list("workdays", workdays)
    )


def days(name: str, library: str, weekend: Iterable[str], first: date, last: date) -> tuple[list[date], list[date]]:
    """The holidays outside weekends, and the days of weekends that are worked, from `first` to `last`."""
    try:
        import holidays
    except ImportError:
        raise UsedWrongly(
            "the package `holidays` is not installed; install it (`pip install fifthfactor[calendars]`)"
        ) from None
    years = range(first.year, last.year + 1)
    place, _, category = library.partition(":")
    country, _, part = place.partition("-")
    try:
        known = (
            holidays.financial_holidays(country, years=years)
            if len(country) > 2
            else holidays.country_holidays(
                country, subdiv=part or None, years=years, categories=(category,) if category else None
            )
        )
    except ValueError:
        raise UsedWrongly(f"`{name}`: the package `holidays` knows no holidays `{category}` of `{place}`") from None
    except NotImplementedError:
        raise UsedWrongly(f"`{name}`: the package `holidays` knows no place `{library}`") from None
    guessed = [day for day, said in known.items() if "estimated" in said and first <= day <= last]
    if guessed:
        raise UsedWrongly(
            f"`{name}`: the holiday of {min(guessed)} is not announced yet; set `known_until` to a day before that year"
        )
    if {WEEK[day] for day in known.weekend} != set(weekend):
        raise UsedWrongly(
            f"`{name}`: in the package `holidays` the weekend is {', '.join(WEEK[day] for day in sorted(known.weekend))}"
        )
    off: list[date] = []
    on: list[date] = []
    for number in range((last - first).days + 1):
        day = first + timedelta(days=number)
        rests = WEEK[day.weekday()] in weekend
        if known.is_working_day(day) is rests:
            (on if rests else off).append(day)
    return off, on


def _list(key: str, found: list[date]) -> str:
    """A list of days, each year on lines of its own."""
    if not found:
        return f"    {key}: []\n"
    lines = [
        line
        for _, year in groupby(found, lambda day: day.year)
        for line in textwrap.wrap(", ".join(map(str, year)) + ",", 122, initial_indent=" " * 6, subsequent_indent=" " * 6)
    ]
    return f"    {key}: [\n" + "\n".join(lines) + "\n    ]\n"
