"""The rows of the register: versions, the days they speak for, the names that are taken, and what an erasure leaves."""

import asyncio

import pytest
import sqlalchemy as sa

from service.log.store import Store
from service.register import entity_versions
from service.register.entity import EntityRefused, EntityToWrite, read_content
from service.register.entity_versions import Condition, NotHeld, VersionConflict
from service.store.moments import now_text
from tests.service.conftest import BOTH_DATABASES
from tests.service.database_files import database_files


class Register:
    """The register of one database, to be written and read from a test."""

    def __init__(self, store: Store) -> None:
        self.store = store

    def write(self, *entries: EntityToWrite, condition: Condition = entity_versions.ALWAYS):
        """Write entities; each with whether it is a new version."""
        return self.do(lambda c: entity_versions.write(c, self.store.database, entries, now_text(), "tester", condition))

    def do(self, work):
        return asyncio.run(self.store.do(work))

    def on(self, day: str, name: str = "lab", kind: str = "party"):
        """The version that speaks for a day."""
        with self.store.database.reading.connect() as connection:
            return entity_versions.speaking(connection, kind, name, day)

    def history(self, name: str = "lab", kind: str = "party"):
        with self.store.database.reading.connect() as connection:
            return entity_versions.history(connection, kind, name)

    def list(self, kind=None, day=None):
        with self.store.database.reading.connect() as connection:
            return [each.id for each in entity_versions.list_entities(connection, kind, ("", ""), 100, day)]


@pytest.fixture
def register(database):
    """A register in a database of its own."""
    with Store.open(database) as store:
        yield Register(store)


def party(id: str = "lab", **content) -> EntityToWrite:
    return EntityToWrite("party", id, read_content(content))


def test_a_change_is_a_new_version_and_what_says_nothing_new_is_none(register):
    """The history keeps every version, newest first."""
    assert [new for _, new in register.write(party(facts={"country": "CN"}))] == [True]
    assert [new for _, new in register.write(party(facts={"country": "CN"}))] == [False]
    register.write(party(facts={"country": "HK"}))
    assert [(each.version, each.facts) for each in register.history()] == [(2, {"country": "HK"}), (1, {"country": "CN"})]


@BOTH_DATABASES
def test_a_version_speaks_from_its_first_day_until_a_later_version_does(register):
    """A day has the newest version that begins on or before it, so an end that is brought forward cannot be got round."""
    register.write(party(valid_from="2024-01-01", valid_until="2030-12-31", facts={"country": "CN"}))
    register.write(party(valid_from="2025-01-01", valid_until="2025-06-30", facts={"country": "HK"}))
    assert register.on("2023-12-31") is None
    assert register.on("2024-12-31").version == 1
    assert register.on("2025-01-01").version == 2
    assert register.on("2026-01-01").version == 2
    assert register.list("party", "2025-06-30") == ["lab"]
    assert register.list("party", "2026-01-01") == []


def test_a_withdrawal_is_a_version_for_every_day(register):
    """It cannot be withdrawn twice, and may come back by a new version; its names stay its own."""
    register.write(party(aliases=["laboratory"], facts={"country": "CN"}))
    gone = register.do(
        lambda c: entity_versions.withdraw(c, register.store.database, "party", "laboratory", now_text(), "tester")
    )
    assert (gone.id, gone.version, gone.state) == ("lab", 2, "withdrawn")
    assert register.on("1999-01-01").state == "withdrawn"
    assert register.list() == []
    with pytest.raises(NotHeld):
        register.do(lambda c: entity_versions.withdraw(c, register.store.database, "party", "lab", now_text(), "tester"))
    with pytest.raises(EntityRefused):
        register.write(party("other", aliases=["laboratory"]))
    assert register.write(party(facts={"country": "CN"}))[0][0].version == 3


def test_a_name_leads_to_one_entity_of_a_kind(register):
    """An alias is no other's alias or id, and an id is nobody's alias; another kind has names of its own."""
    register.write(party(aliases=["l1", "l2"]), party("clinic"))
    for entry in (party("l1"), party("third", aliases=["clinic"]), party("third", aliases=["l2"]), party(aliases=["lab"])):
        with pytest.raises(EntityRefused):
            register.write(entry)
    with pytest.raises(EntityRefused) as twice:
        register.write(party("new", aliases=["free"]), party("newer", aliases=["free"]))
    assert [place.code for place in twice.value.places] == ["id-taken"]
    assert register.history("new") == []
    register.write(EntityToWrite("asset", "l1", read_content({})))
    register.write(party(aliases=["l2"]))
    assert register.write(party("l1"))[0][1]
    assert register.on("2024-01-01", "l2").id == "lab"


def test_conditions_hold_back_a_write(register):
    """One that is not at the version its writer has seen, that is there already, or that is not there yet."""
    register.write(party(facts={"country": "CN"}))
    for condition in (Condition(versions=frozenset((2,))), Condition(absent=True)):
        with pytest.raises(VersionConflict):
            register.write(party(facts={"country": "HK"}), condition=condition)
    with pytest.raises(VersionConflict):
        register.write(party("new"), condition=Condition(held=True))
    assert register.write(party(facts={"country": "HK"}), condition=Condition(versions=frozenset((1,))))[0][1]


def test_an_erasure_leaves_that_there_was_something(register, database):
    """Neither ids nor facts are left in any row, nor in the file."""
    register.write(party("practice-of-dr-li-na", aliases=["li-na"], facts={"kind": "hospital-of-li"}, attested_by="Wang Fang"))
    register.write(party("practice-of-dr-li-na", aliases=["li-na"], facts={"kind": "clinic-of-li"}))

    def erase(transaction: sa.Connection):
        register.store.writer.erased()
        return entity_versions.erase(transaction, "party", "li-na", "tester")

    left = register.do(erase)
    assert [(each.version, each.state, each.content.document()) for each in left] == [(2, "erased", {}), (1, "erased", {})]
    assert register.history("practice-of-dr-li-na") == []
    assert register.history("li-na") == []
    assert register.history(left[0].id) == left
    assert register.write(party("practice-of-dr-li-na"))[0][0].version == 1
    if "://" not in database:
        for path, bytes in database_files(database).items():
            for word in (b"Wang Fang", b"hospital-of-li", b"clinic-of-li", b"li-na\x00"):
                assert word not in bytes.replace(b"practice-of-dr-li-na", b""), path


@BOTH_DATABASES
def test_many_are_written_at_once(register):
    """More than fit one query, with names of their own."""
    entries = [party(f"p{number:04}", aliases=[f"a{number}"], facts={"n": number}) for number in range(1000)]
    assert all(new for _, new in register.write(*entries))
    assert not any(new for _, new in register.write(*entries))
    with register.store.database.reading.connect() as connection:
        assert entity_versions.entries_of(entity_versions.every_entity(connection, None)) == entries
