"""
What the columns of an inventory state: their names and what somebody says of them go in, the facts of each come out.

A column states the fact that is called so, in English or Chinese (`words:` of the vocabulary), or what a mapping says of it. A name that
may mean several facts states none. It is told with these facts, those of the recipient first, since an inventory lists to whom data go.
"""

import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

import engine
from engine.tables import FactColumn, FactPlaces, TableMapping
from service.tables.inventory_file import InventoryRefused

MOST_PROPOSED = 8
_ID = "id"  # the kind of type whose values are names that somebody gives
_BETWEEN_WORDS = re.compile(r"[\s_-]+")


@dataclass(frozen=True, slots=True)
class InventoryColumn:
    """A column: the facts that it states; if there is none, why, and what it may mean."""

    name: str
    facts: tuple[FactColumn, ...] = ()
    why: str = ""
    may_mean: tuple[str, ...] = ()

    @property
    def unclear(self) -> bool:
        """Whether somebody has to say which fact it states, or that it states none."""
        return bool(self.may_mean)

    @property
    def told(self) -> str:
        """Why it states no fact, with what it may mean."""
        return f"{self.why}: {', '.join(self.may_mean)}" if self.may_mean else self.why


class FactlessTable(InventoryRefused):
    """No column of a table states a fact; `columns` has what each of them may mean."""

    def __init__(self, columns: Sequence[InventoryColumn]) -> None:
        self.columns = tuple(columns)
        told = (f"column `{each.name}`: {each.told}" for each in columns)
        super().__init__(["no column states a fact: say with --column or --map what they state", *told])


def mapping_with(bundle: engine.Bundle, columns: Sequence[str], mapping: TableMapping, said: Iterable[str]) -> TableMapping:
    """
    A mapping with what is said of columns beside it: `COLUMN=FACT`, or `COLUMN=` where the column states nothing.

    A cell is then a value by its name or its title. Raises InventoryRefused with all that is wrong.
    """
    places = FactPlaces(bundle)
    there = {each.casefold(): each for each in columns}
    states = {each.fact: each.column for each in mapping.columns} | dict.fromkeys(mapping.constants, "")
    told = {each.column for each in mapping.columns} | mapping.ignored
    stated: list[FactColumn] = []
    ignored: set[str] = set()
    faults: list[str] = []
    for each in said:
        column, equals, fact = (part.strip() for part in each.rpartition("="))
        column = " ".join(column.split())
        name = there.get(column.casefold(), "")
        if not (equals and column):
            faults.append(f"--column `{each}`: write COLUMN=FACT, or COLUMN= where it states nothing")
        elif not name:
            has = ", ".join(f"`{name}`" for name in columns[:MOST_PROPOSED])
            meant = engine.did_you_mean(column, columns) or f"it has {has}"
            faults.append(f"--column `{each}`: the table has no column `{column}`; {meant}")
        elif name in told or name in ignored or (not fact and any(other.column == name for other in stated)):
            faults.append(f"--column `{each}`: what `{name}` states is said already")
        elif not fact:
            ignored.add(name)
        elif wrong := places.misnamed(fact):
            faults.append(f"--column `{each}`: {wrong}")
        elif fact in states:
            other = f"the column `{states[fact]}`" if states[fact] else "every row, under `constants`"
            faults.append(f"--column `{each}`: `{fact}` is stated by {other}")
        else:
            states[fact] = name
            stated.append(_by_titles(places, name, fact))
    if faults:
        raise InventoryRefused(faults)
    return replace(mapping, columns=(*mapping.columns, *stated), ignored=mapping.ignored | ignored)


def proposals(columns: Sequence[InventoryColumn]) -> list[str]:
    """
    What may be said of each unclear column: the first fact that it may mean, or that it states none where another column states that one.

    The first column comes last, since it mostly has the names of rows.
    """
    taken = {fact.fact for each in columns for fact in each.facts}
    said: dict[str, str] = {}
    for each in (*columns[1:], *columns[:1]):
        if each.unclear:
            said[each.name] = "" if each.may_mean[0] in taken else each.may_mean[0]
            taken.add(said[each.name])
    return [f"{each.name}={said[each.name]}" for each in columns if each.unclear]


def read_columns(
    bundle: engine.Bundle, places: FactPlaces, names: Iterable[str], mapping: TableMapping
) -> tuple[InventoryColumn, ...]:
    """What each column states. No two state one fact: where two are called so, neither does, unless a mapping says it of one."""
    columns = tuple(_column(bundle, places, name, mapping) for name in names)
    said = {each.fact: each.column for each in mapping.columns}
    of: dict[str, list[str]] = {}
    for column in columns:
        for each in column.facts:
            of.setdefault(each.fact, []).append(column.name)

    def apart(column: InventoryColumn) -> InventoryColumn:
        same = [each.fact for each in column.facts if len(of[each.fact]) > 1 and said.get(each.fact) != column.name]
        if not same:
            return column
        if other := said.get(same[0]):
            return InventoryColumn(column.name, why=f"`{same[0]}` is stated by `{other}`", may_mean=tuple(same))
        names = " and ".join(f"`{each}`" for each in of[same[0]])
        return InventoryColumn(column.name, why=f"{names} are both called `{same[0]}`", may_mean=tuple(same))

    return tuple(apart(column) for column in columns)


def _column(bundle: engine.Bundle, places: FactPlaces, name: str, mapping: TableMapping) -> InventoryColumn:
    if facts := mapping.by_column().get(name):
        return InventoryColumn(name, tuple(facts))
    if name in mapping.ignored or name == mapping.key:
        return InventoryColumn(name, why="states nothing")
    if name in places.names and "." in name:
        wrong = places.misnamed(name)
        return InventoryColumn(name, why=wrong) if wrong else InventoryColumn(name, (_by_titles(places, name, name),))
    meant = [each.name for each in bundle.words.meanings(name) if not each.of]
    facts_meant = [each for each in meant if each in bundle.vocabulary.facts]
    if len(facts_meant) == 1 and not places.misnamed(facts_meant[0]):
        return InventoryColumn(name, (_by_titles(places, name, facts_meant[0]),))
    may_mean = [*_first(bundle, facts_meant), *_first(bundle, _in_groups(bundle, meant))] or _first(
        bundle, _holding(bundle, name)
    )
    if may_mean := [each for each in dict.fromkeys(may_mean) if not places.misnamed(each)]:
        many = len(may_mean)
        why = (
            f"may mean one of {many} facts, such as"
            if many > MOST_PROPOSED
            else f"may mean {'several facts' if many > 1 else 'a fact'}"
        )
        return InventoryColumn(name, why=why, may_mean=tuple(may_mean[:MOST_PROPOSED]))
    return InventoryColumn(name, why="states nothing that the vocabulary has a word for")


def _in_groups(bundle: engine.Bundle, meant: Sequence[str]) -> Iterator[str]:
    """The facts of the groups that are meant."""
    for group in (each for each in meant if each not in bundle.vocabulary.facts):
        yield from (each for each in bundle.vocabulary.facts if each.startswith(f"{group}."))


def _holding(bundle: engine.Bundle, name: str) -> Iterator[str]:
    """The facts that hold values of the set that is called so."""
    called = _spelt(name)
    for each, values in bundle.vocabulary.values.items():
        if called in (_spelt(each), _spelt(values.title)):
            yield from bundle.words.facts_of(each)


def _spelt(name: str) -> str:
    return _BETWEEN_WORDS.sub(" ", name.casefold())


def _first(bundle: engine.Bundle, facts: Iterable[str]) -> list[str]:
    """Facts by what a column of an inventory is likely to say: what people have a word for, an identifier, one value, the recipient's."""
    vocabulary = bundle.vocabulary

    def unlikely(name: str) -> tuple[bool, ...]:
        type = vocabulary.facts[name].type
        of_recipient = name.startswith(f"{vocabulary.recipient}.")
        return not vocabulary.said.get(name), type.kind != _ID, type.many, not of_recipient

    return sorted(facts, key=unlikely)


def _by_titles(places: FactPlaces, column: str, fact: str) -> FactColumn:
    type = places.type(fact)
    return FactColumn(column, fact, titles=type is not None and type.values is not None)
