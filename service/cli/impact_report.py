"""How many rows move, as `fifthfactor impact` writes it: text for a terminal, or Markdown for a review; and whether that is to fail."""

from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from service.cli.output import count, safe

if TYPE_CHECKING:
    import engine

MORE = ("permits more", "may permit more")
MOST_DUTIES = 5  # of one group
FAIL_ON = {
    "permits-more": {"permits more", "may permit more"},
    "permits-less": {"permits less", "may permit less"},
}


def fails(found: "engine.Impact", fail_on: str | None) -> bool:
    """Whether rows move as `--fail-on` names. A row on which engines fail or differ is not known to be harmless."""
    if fail_on is None:
        return False
    directions = {each.direction for each in found.outcomes}
    named = FAIL_ON.get(fail_on)
    moves = not directions.isdisjoint(named) if named else bool(directions - {"same outcome"})
    return moves or found.troubled > 0


def text(found: "engine.Impact", old: str, new: str, show: int) -> Iterator[str]:
    """The report for a terminal; of each list at most `show` lines."""
    yield f"{safe(old)} → {safe(new)}"
    yield _summary(found)
    if found.outcomes:
        yield from ("", "Outcomes")
        yield from (f"{each.rows:>12,}  {each.old} → {each.new}, {each.direction}" for each in found.outcomes)
    for title, counted in _lists(found):
        if counted:
            yield from ("", title)
            yield from (f"{each.rows:>12,}  {safe(each.name)}" for each in counted[:show])
            if len(counted) > show:
                yield f"{'':>12}  … and {len(counted) - show:,} more"
    if found.groups:
        yield from ("", "Largest groups")
    for group in found.groups[:show]:
        yield f"{group.rows:>12,}  {group.old} → {group.new}, {group.direction}; {_where(group)}; {group.month}"
        yield f"{'':>14}such as {safe(group.example)}"
        yield from (f"{'':>14}would owe: {safe(each)}" for each in _duties(group))
    if len(found.groups) > show:
        yield f"{'':>12}  … and {count(len(found.groups) - show, 'smaller group')}"
    for title, rows in (("Not compared", found.unread_rows), ("Engines in trouble", found.troubles)):
        if rows:
            yield from ("", title)
            yield from (f"{'':>12}  {safe(each.row)}: {safe(each.problem)}" for each in rows)
    if notes := _notes(found):
        yield from ("", *notes)


def markdown(found: "engine.Impact", old: str, new: str, show: int) -> Iterator[str]:
    """The report for a review; of each list at most `show` lines."""
    import engine

    yield from (f"## Impact: {_code(old)} → {_code(new)}", "", _summary(found))
    if found.outcomes:
        yield from ("", "### Outcomes", "", "| from | to | | rows |", "|---|---|---|---:|")
        for each in found.outcomes:
            strong = f"**{each.direction}**" if each.direction in MORE else each.direction
            yield f"| {each.old} | {each.new} | {strong} | {each.rows:,} |"
    for title, counted in _lists(found):
        if counted:
            yield from ("", f"### {title}", "", "| | rows |", "|---|---:|")
            yield from (f"| {_code(each.name)} | {each.rows:,} |" for each in counted[:show])
            if len(counted) > show:
                yield f"| … and {len(counted) - show:,} more | |"
    if found.groups:
        yield from ("", "### Largest groups", "", "| rows | from | to | | by | month | example | would owe |")
        yield "|---:|---|---|---|---|---|---|---|"
    for group in found.groups[:show]:
        duties = "<br>".join(map(_cell, _duties(group)))
        strong = f"**{group.direction}**" if group.direction in MORE else group.direction
        yield (
            f"| {group.rows:,} | {group.old} | {group.new} | {strong} | {_cell(_where(group))} | {group.month} |"
            f" {_code(group.example)} | {duties} |"
        )
    if len(found.groups) > show:
        yield from ("", f"… and {count(len(found.groups) - show, 'smaller group')}")
    for title, rows in (("Not compared", found.unread_rows), ("Engines in trouble", found.troubles)):
        if rows:
            yield from ("", f"### {title}", "")
            yield from (f"- {_code(each.row)}: {_cell(each.problem)}" for each in rows)
    yield ""
    yield (
        f"Meaning {_code(found.old.meaning[:12])} → {_code(found.new.meaning[:12])}, what moves decided in the mode"
        f" {_code(found.mode)}. {' '.join((*_notes(found), engine.LANGUAGES['en'].disclaimer))}"
    )


def _summary(found: "engine.Impact") -> str:
    if found.same_meaning:
        return "Both mean the same: no row moves."
    compared = found.rows - found.unread
    so_far = "" if found.complete else " Stopped before the end."
    return f"{found.moved:,} of {count(compared, 'row')} move ({count(found.distinct, 'different exchange')}).{so_far}"


def _lists(found: "engine.Impact") -> "Sequence[tuple[str, Sequence[engine.RowCountPart]]]":
    return (("Jurisdictions", found.jurisdictions), ("Instruments", found.instruments), ("Months", found.months))


def _where(group: "engine.MoveGroupPart") -> str:
    """The jurisdictions and the instruments of a group."""
    told = [", ".join(each) for each in (group.jurisdictions, group.instruments) if each]
    return ": ".join(told) or "the whole exchange"


def _duties(group: "engine.MoveGroupPart") -> list[str]:
    """The duties that most rows of a group would owe, with the number of rows where not all of them do."""
    told = [
        each.name + (f" ({count(each.rows, 'row')})" if each.rows < group.rows else "") for each in group.duties[:MOST_DUTIES]
    ]
    more = len(group.duties) - MOST_DUTIES
    return [*told, f"… and {more:,} more"] if more > 0 else told


def _notes(found: "engine.Impact") -> list[str]:
    """What else is to be known."""
    told = (
        (found.refused, "refused at the door of the new policies"),
        (found.disputed, "with facts of which a register says otherwise, each decided by the ordinary engines"),
        (found.unread, "not compared, since neither side can read them"),
        (found.troubled, "on which engines failed or differ: let a person look at them"),
        (found.erased, "without the personal values that were erased"),
    )
    return [f"{count(number, 'row')} {words}." for number, words in told if number]


def _code(text: str) -> str:
    return f"`{_cell(text).replace('`', chr(39))}`"


def _cell(text: str) -> str:
    return safe(text).replace("|", "\\|")
