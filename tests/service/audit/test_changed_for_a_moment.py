"""
What somebody writes into the database beside the service, and puts back after the service has acted on it.

Each change of the table below would get a permit that is wrong, or let somebody in. Either the service does not act on what was changed,
or the deep verification names it afterwards, from the leaves alone.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest

from service.store import log_key
from tests.service.audit.changed_world import (
    ORGANISATION,
    Act,
    World,
    acted,
    asked,
    copy_of,
    exchange,
    folder_of_lax_policies,
    for_a_moment,
    paper,
    supply,
)
from tests.service.databases import KINDS

TOO_MANY = asked(exchange("clinic", people=100))
LISTED = asked(exchange("nobody", "bad-lab"))
LISTED_BY_ALIAS = asked(exchange("nobody", "bl-2"))
RELISTED = asked(exchange("nobody", "relisted"))
GONE = asked(exchange("nobody", "gone"))
ALIKE = asked(exchange("nobody", "BAD-LAB"), "gateway")
REFUSED = asked(exchange("signer", people=600))
OTHERS = asked(exchange("other", people=600))
SHORT = asked(exchange("short", people=600), later=timedelta(days=2))
OWN = asked(exchange("signed", people=600), "also_lin")
CHAINED = asked(exchange("chain", people=490))
SAME = asked(exchange("again", people=490, data={"id": "d-4", "same_people_as": "d-1"}))
OVERDUE = asked({**exchange("promiser"), "terms": {"components": ["training"], "by": "2099-01-01"}}, later=timedelta(days=3))
DOUBTED = asked(paper("doubted"))
BRIEFLY = asked(paper("briefly"), later=timedelta(days=2))
YUES_OWN = asked(paper("yues_own"), "yue")
STAMPED = asked(exchange("nobody", "unstamped", terms={"components": ["stamp"]}))
BOUND = asked(supply("met", "second", "weather"))
BEYOND = asked(supply("poor", "second", "tides"))
SNOWY = asked(supply("snowy", "second", "snow"))
STATED = exchange("clinic", people=100, counts={"year": 500})
COUNT_STATED = asked(STATED, callers_counts="trust")


def LAX(world: World) -> str:
    """A service with other policies decides."""
    return asked(exchange("clinic", people=100), policies=(folder_of_lax_policies(world), ORGANISATION))(world)


def FIRST(world: World) -> str:
    """A service decides by the policies of the first start."""
    return asked(exchange("clinic", people=100), policies=folder_of_lax_policies(world, "2 million"))(world)


def _by(key: str, **more: Any) -> Act:
    return asked(exchange("nobody"), key, **more)


def READ(key: str) -> Act:
    """Somebody reads the log with a key."""
    return acted()(lambda world, client: client.get("/v1/decisions", headers=world.headers(key)))


NO_KEY = acted(oidc_issuer="", oidc_client_id="")(lambda world, client: client.get("/v1/decisions"))


@acted()
def COMMITTED(world: World, client: Any) -> Any:
    """A decision of before is committed, which the counter no longer allows."""
    return client.post("/v1/commitments", json={"decision": world.names["waiting"]}, headers=world.headers())


def _page(cookie: str) -> Act:
    """A browser with a cookie asks for a page."""

    @acted()
    def shown(world: World, client: Any) -> Any:
        sent = {"cookie": f"fifthfactor-session={world.names[cookie]}", "accept": "text/html"}
        return client.get("/log", headers=sent)

    return shown


@dataclass(frozen=True)
class Change:
    """A change of rows, and the act that it is made for."""

    name: str
    act: Act
    statements: tuple[str, ...] = ()
    older: tuple[str, ...] = ()  # tables of which older rows are put back
    seals: tuple[str, ...] = ()  # with the seals of the subjects whose names begin so
    first: tuple[str, str] | None = None  # what is noted as at the first start: its name, and the kind of the later leaves
    after: tuple[str, ...] = ()  # what is taken away afterwards of what the act left

    def make(self, world: World) -> None:
        world.write(*self.statements)
        if self.older:
            world.put_older(*self.older, seals=self.seals)
        if self.first:
            world.put_first(*self.first)


def _of(act: Act, **changes: str | tuple[str, ...]) -> list[Change]:
    return [Change(name.replace("_", " "), act, (each,) if isinstance(each, str) else each) for name, each in changes.items()]


_CLINIC = "(SELECT key FROM movement WHERE commitment = :clinic_last)"
_PROMISER = '(SELECT "by" FROM promise WHERE commitment = :promised)'
_NEW_OPENING = (
    "INSERT INTO opening SELECT 'x', fact, counter, meaning, key, '2099-01-01', 450, 450, day, 'x', NULL FROM movement"
    " WHERE commitment = :clinic_last"
)
CHANGES = [
    *_of(
        TOO_MANY,
        a_sum_is_lowered=f"UPDATE counter_sum SET sums = replace(sums, '950', '0') WHERE key = {_CLINIC}",
        only_the_upper_end_of_a_sum_is_lowered=(
            f"UPDATE counter_sum SET sums = replace(sums, '[450,950,950,0]', '[50,50,100,0]') WHERE key = {_CLINIC}"
        ),
        a_sum_is_taken_away=f"DELETE FROM counter_sum WHERE key = {_CLINIC}",
        a_sum_is_taken_away_with_its_seal=(
            f"DELETE FROM subject_seal WHERE subject LIKE 'counter/%/' || {_CLINIC}",
            f"DELETE FROM counter_sum WHERE key = {_CLINIC}",
        ),
        a_sum_is_of_another_period=f"UPDATE counter_sum SET period = '2001' WHERE period = 'all' AND key = {_CLINIC}",
        a_sum_is_of_another_year=f"UPDATE counter_sum SET sums = replace(sums, '\"20', '\"10') WHERE key = {_CLINIC}",
        a_sum_is_of_another_key=f"UPDATE counter_sum SET key = 'ab' WHERE key = {_CLINIC}",
        a_sum_is_of_another_meaning=f"UPDATE counter_sum SET meaning = 'ab' WHERE key = {_CLINIC}",
        a_sum_is_of_another_fact=f"UPDATE counter_sum SET sums = replace(sums, 'counts.year', 'counts.month') WHERE key = {_CLINIC}",
        a_counter_is_opened_today=_NEW_OPENING.replace("'2099-01-01'", "'2026-12-31'") + " AND :clinic_last <> ''",
        nothing_was_ever_committed="DELETE FROM counted",
    ),
    *_of(
        COMMITTED,
        a_sum_is_lowered_for_a_commitment=f"UPDATE counter_sum SET sums = replace(sums, '950', '0') WHERE key = {_CLINIC}",
        the_recorded_exchange_is_smaller=(
            "UPDATE personal SET value = CAST(replace(CAST(value AS TEXT), '90', '10') AS BLOB) WHERE pointer = 'request'"
            " AND sequence = (SELECT sequence FROM record WHERE id = :waiting)"
        ),
    ),
    *_of(
        SAME,
        what_was_withdrawn_counts_again="UPDATE movement SET live = true WHERE commitment = :withdrawn",
        an_earlier_data_set_has_another_name=(
            "UPDATE movement SET data_set = (SELECT data_set FROM movement WHERE commitment = :withdrawn)"
            " WHERE data_set IS NOT NULL"
        ),
    ),
    *_of(
        OVERDUE,
        a_promise_is_kept=f"UPDATE counter_sum SET sums = replace(sums, 'overdue', 'kept') WHERE key = {_PROMISER}",
        nothing_is_overdue=f"UPDATE counter_sum SET sums = replace(sums, '1', '0') WHERE key = {_PROMISER}",
        a_promise_is_due_later=f"UPDATE counter_sum SET sums = replace(sums, '\"20', '\"90') WHERE key = {_PROMISER}",
        a_promise_is_of_another=f"UPDATE counter_sum SET key = 'ab' WHERE key = {_PROMISER}",
        a_promise_is_taken_away=f"DELETE FROM counter_sum WHERE key = {_PROMISER}",
        a_promise_is_taken_away_with_its_seal=(
            f"DELETE FROM subject_seal WHERE subject LIKE 'counter/%/' || {_PROMISER}",
            f"DELETE FROM counter_sum WHERE key = {_PROMISER}",
        ),
    ),
    Change("the promises are put back as they were before", OVERDUE, older=("counter_sum",), seals=("counter/",)),
    *_of(
        SAME,
        the_first_of_the_people_are_more="UPDATE movement SET low = 490, live = true WHERE commitment = :withdrawn",
    ),
    *_of(
        CHAINED,
        nobody_was_said_to_be_counted="UPDATE movement SET same_as = NULL WHERE commitment = :again",
        somebody_else_was_counted="UPDATE movement SET live = false WHERE commitment = :again",
        those_counted_are_of_another_window="UPDATE movement SET day = '2001-01-01' WHERE commitment = :again",
        those_counted_before_count="UPDATE movement SET live = true WHERE commitment = :first_of_all",
        others_count_for_them=(
            "UPDATE movement SET data_set = (SELECT same_as FROM movement WHERE commitment = :again), sequence = 0, low = 490"
            " WHERE commitment = :beside"
        ),
    ),
    *_of(
        DOUBTED,
        a_withdrawal_is_taken_back="DELETE FROM document_confirmation WHERE verdict = 'withdraw'",
        a_withdrawal_confirms="UPDATE document_confirmation SET verdict = 'confirm', until = '2099-01-01' WHERE verdict = 'withdraw'",
        a_withdrawal_is_of_another_document="UPDATE document_confirmation SET binding = 'ab' WHERE verdict = 'withdraw'",
        a_withdrawal_is_of_another_decision="UPDATE document_confirmation SET decision = 'ab' WHERE verdict = 'withdraw'",
    ),
    Change("what was confirmed is put back as it was before", DOUBTED, older=("document_confirmation",), seals=("confirmed/",)),
    *_of(
        BRIEFLY, what_was_confirmed_ends_later="UPDATE document_confirmation SET until = '2099-01-01' WHERE verdict = 'confirm'"
    ),
    *_of(
        YUES_OWN,
        somebody_else_confirmed=(
            "UPDATE document_confirmation SET person = (SELECT person FROM caller WHERE id = :lin_id) WHERE verdict = 'confirm'"
        ),
    ),
    *_of(
        STAMPED,
        a_party_has_another_document=(
            'UPDATE entity SET documents = \'{"claims":{},"evidence":{"stamp":{"dated":"2026-01-01","covers": true}}}\''
            " WHERE id = 'unstamped'"
        ),
    ),
    *_of(
        BOUND,
        an_exclusive_right_is_not="UPDATE right_line SET exclusive = false WHERE source = :bound",
        an_exclusive_right_ended="UPDATE right_line SET ended = '2026-01-01', ended_at = '2026-01-01' WHERE source = :bound",
        an_exclusive_right_begins_later="UPDATE right_line SET first = '2099-01-01' WHERE source = :bound",
        an_exclusive_right_never_stood="UPDATE right_line SET voided_at = '2026-01-01' WHERE source = :bound",
        an_exclusive_right_is_taken_away="DELETE FROM right_line WHERE source = :bound",
        an_exclusive_right_and_its_seal_are_taken_away=(
            "DELETE FROM right_line WHERE source = :bound",
            "DELETE FROM subject_seal WHERE subject = 'grants/' || :bound",
        ),
        an_exclusive_right_is_in_another_asset="UPDATE right_line SET asset = 'ab' WHERE source = :bound",
    ),
    Change(
        "the book is put back as it was before a right was granted",
        BOUND,
        older=("right_line", "right_opening"),
        seals=("grants/",),
    ),
    *_of(BEYOND, a_right_is_another_one="UPDATE right_line SET conveyed = 'operate' WHERE source = :poor_opening"),
    *_of(
        SNOWY,
        a_withdrawn_right_stands="UPDATE right_line SET voided_at = NULL WHERE source = :snowy_opening",
        a_withdrawn_opening_stands=(
            "UPDATE right_line SET voided_at = NULL WHERE source = :snowy_opening",
            "UPDATE right_opening SET withdrawn_at = NULL WHERE id = :snowy_opening",
        ),
    ),
    Change(
        "an opening is put back as it was before it was withdrawn",
        SNOWY,
        older=("right_line", "right_opening"),
        seals=("grants/",),
    ),
    *_of(
        LISTED,
        a_party_stands_on_no_list="UPDATE entity SET facts = '{\"lists\":[]}' WHERE id = 'bad-lab'",
        a_party_states_nothing="UPDATE entity SET facts = '{}' WHERE id = 'bad-lab'",
        a_party_has_another_id=(
            "UPDATE entity SET id = 'x' WHERE id = 'bad-lab'",
            "UPDATE entity_spelling SET id = 'x', name = 'x', folded = 'x' WHERE name = 'bad-lab'",
        ),
        a_party_is_taken_away=("DELETE FROM entity WHERE id = 'bad-lab'", "DELETE FROM entity_spelling WHERE id = 'bad-lab'"),
        a_party_speaks_later_and_another_now=(
            "UPDATE entity SET valid_from = '2099-01-01' WHERE id = 'bad-lab'",
            "INSERT INTO entity SELECT kind, id, 2, state, NULL, NULL, aliases, '{\"lists\":[]}', documents, travels, attested_by,"
            " note, recorded_at, recorded_by, shape, title, holder, hash FROM entity WHERE id = 'bad-lab'",
        ),
        a_party_answers_to_an_id="INSERT INTO entity_alias VALUES ('party', 'bad-lab', 'lab')",
    ),
    *_of(
        LISTED_BY_ALIAS,
        an_alias_is_of_another="UPDATE entity_alias SET id = 'lab' WHERE alias = 'bl-2'",
        an_alias_is_taken_away=(
            "DELETE FROM entity_alias WHERE alias = 'bl-2'",
            "DELETE FROM entity_spelling WHERE name = 'bl-2'",
        ),
    ),
    *_of(
        RELISTED,
        the_newest_version_is_taken_away="DELETE FROM entity WHERE id = 'relisted' AND version = 2",
        an_older_version_speaks="UPDATE entity SET valid_from = '2099-01-01' WHERE id = 'relisted' AND version = 2",
    ),
    *_of(
        GONE,
        what_was_withdrawn_is_held="UPDATE entity SET state = 'held' WHERE id = 'gone'",
        a_withdrawal_is_taken_away="DELETE FROM entity WHERE id = 'gone' AND version = 2",
    ),
    *_of(ALIKE, a_spelling_is_taken_away="DELETE FROM entity_spelling WHERE name = 'bad-lab'"),
    *_of(
        REFUSED,
        a_refusal_is_taken_away="DELETE FROM sign_off WHERE verdict = 'refuse'",
        a_refusal_approves="UPDATE sign_off SET verdict = 'approve', until = '2099-01-01' WHERE verdict = 'refuse'",
        a_refusal_is_of_other_facts="UPDATE sign_off SET facts = 'ab', anchor = 'ab' WHERE verdict = 'refuse'",
        a_refusal_is_of_another_provision="UPDATE sign_off SET provision = 'cn.test/many' WHERE verdict = 'refuse'",
        a_refusal_came_before="UPDATE sign_off SET number = -1 WHERE verdict = 'refuse'",
    ),
    *_of(SHORT, an_approval_ends_later="UPDATE sign_off SET until = '2099-01-01' WHERE verdict = 'approve'"),
    *_of(
        OWN,
        an_approval_is_by_somebody_else="UPDATE sign_off SET given_by = 'key:abcdefabcdef', person = NULL",
        a_key_is_of_nobody="UPDATE caller SET person = NULL WHERE id = :also_lin_id",
        a_key_is_of_another="UPDATE caller SET person = (SELECT person FROM caller WHERE id = :yue_id) WHERE id = :also_lin_id",
    ),
    *_of(_by("revoked"), a_revoked_key_is_good="UPDATE caller SET revoked_at = NULL, revoked_by = NULL WHERE id = :revoked_id"),
    *_of(
        _by("expired"),
        an_expired_key_is_good="UPDATE caller SET expires_on = NULL WHERE id = :expired_id",
        an_expired_key_ends_later="UPDATE caller SET expires_on = '2099-01-01' WHERE id = :expired_id",
    ),
    *_of(_by("reader"), a_key_has_another_scope="UPDATE caller SET scopes = 'evaluate' WHERE id = :reader_id"),
    *_of(
        _by("of_lab"),
        a_key_is_of_no_party="UPDATE caller SET party = NULL WHERE id = :of_lab_id",
        a_key_is_of_another_party="UPDATE caller SET party = 'nobody' WHERE id = :of_lab_id",
    ),
    *_of(
        _by("forged"),
        a_key_has_another_secret=(
            "UPDATE caller SET secret_hash = (SELECT secret_hash FROM caller WHERE id = :of_lab_id) WHERE id = :boss_id"
        ),
    ),
    *_of(_page("ended_cookie"), a_session_runs_again="UPDATE session SET ended_at = NULL WHERE id = :ended_session"),
    *_of(_page("narrow_cookie"), a_session_has_another_scope="UPDATE session SET scopes = 'read' WHERE id = :narrow_session"),
    *_of(
        COUNT_STATED,
        settings_are_already_noted=(
            'UPDATE about SET value = replace(value, \'"callers_counts":"combine"\', \'"callers_counts":"trust"\')'
            " WHERE name = 'settings'"
        ),
    ),
    Change("older sums are put back", TOO_MANY, older=("counter_sum", "counted"), seals=("counter/",)),
    Change("an older version of a party is put back", RELISTED, older=("entity",), seals=("entity/",)),
    Change("a party is put back as it was before it was withdrawn", GONE, older=("entity",), seals=("entity/",)),
    Change(
        "a key is put back as it was before it was revoked", _by("revoked"), older=("caller",), seals=("key/", "admissions/")
    ),
    Change(
        "a session is put back as it was before it ended",
        _page("ended_cookie"),
        older=("session",),
        seals=("person/", "admissions/"),
    ),
    Change(
        "a key is put back as it was before it was revoked, to read",
        READ("reading_revoked"),
        older=("caller",),
        seals=("key/", "admissions/"),
    ),
    Change(
        "a key is put back, and the head of the tree names an earlier leaf",
        READ("reading_revoked"),
        ("UPDATE head SET admitting = 1 WHERE name = 'leaf'",),
        older=("caller",),
        seals=("key/", "admissions/"),
    ),
    *_of(
        READ("added"),
        a_key_is_added=(
            "INSERT INTO caller SELECT 'abcdefabcdef', name, 'read', secret_hash, created_at, created_by, NULL, NULL, NULL, NULL, NULL"
            " FROM caller WHERE id = :of_lab_id"
        ),
    ),
    *_of(READ("reading_revoked"), a_revoked_key_reads="UPDATE caller SET revoked_at = NULL WHERE id = :reading_revoked_id"),
    *_of(
        NO_KEY, no_key_was_ever_made="DELETE FROM caller", no_key_has_a_seal=("DELETE FROM caller", "DELETE FROM subject_seal")
    ),
    Change("the sign-offs are put back as they were before a refusal", REFUSED, older=("sign_off",), seals=("sign-offs/",)),
    Change("the settings of the first start are noted", COUNT_STATED, first=("settings", "settings")),
    Change("the policies of the first start are noted", FIRST, first=("active_bundle", "bundle-activated")),
    Change(
        "the active policies are already noted",
        LAX,
        ("UPDATE about SET value = :lax WHERE name = 'active_bundle'",),
        after=("DELETE FROM bundle WHERE source = :lax_source",),
    ),
    *_of(
        TOO_MANY,
        the_secret_of_the_counters_is_another=(
            "DELETE FROM about WHERE name = 'sealed_ledger_secret'",
            "INSERT INTO about VALUES ('ledger_secret', '" + "ab" * 32 + "')",
        ),
        the_sealed_secret_is_changed="UPDATE about SET value = replace(value, '0', '1') WHERE name = 'sealed_ledger_secret'",
    ),
]


@pytest.fixture(scope="module")
def worlds(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> Callable[[str], World]:
    """The filled world on each kind of database, made once."""
    made: dict[str, World] = {}

    def of(kind: str) -> World:
        if kind not in made:
            folder = tmp_path_factory.mktemp(f"world-{kind}")
            if kind == "sqlite":
                url = str(folder / "log.db")
                made[kind] = World.made(url, Path(url + ".log-key"), folder)
            else:
                url = request.getfixturevalue("postgresql").new()
                made[kind] = World.made(url, log_key.OF_A_SERVER, folder)
        return made[kind]

    return of


@pytest.fixture(params=KINDS)
def world(request: pytest.FixtureRequest, tmp_path: Path, worlds: Callable[[str], World]) -> World:
    """A copy of the world, of each kind of database."""
    server = None if request.param == "sqlite" else request.getfixturevalue("postgresql")
    return copy_of(worlds(request.param), tmp_path, server)


def test_the_world_is_sound(world: World) -> None:
    """Otherwise whatever is found below would be found without a change."""
    assert world.found() == []


def test_nothing_is_permitted_without_a_change(world: World) -> None:
    """Each act is denied as things are, and leaves nothing to be found."""
    for act in {id(each.act): each.act for each in CHANGES}.values():
        assert (act(world) == "denied") is (act not in (COUNT_STATED, LAX, FIRST)), act
    assert world.found() == []


def _on_databases() -> Iterator[Any]:
    """Each change on SQLite, and the first one that an act is made for on PostgreSQL; `make fuzz` makes them all there."""
    acts = set()
    for change in CHANGES:
        yield pytest.param("sqlite", change, id=f"sqlite-{change.name}")
        marks = [pytest.mark.fuzz] if change.act in acts else []
        yield pytest.param("postgresql", change, id=f"postgresql-{change.name}", marks=marks)
        acts.add(change.act)


@pytest.mark.parametrize(("world", "change"), list(_on_databases()), indirect=["world"])
def test_a_change_for_a_moment_is_refused_or_found(world: World, change: Change) -> None:
    """The service does not act on it, or the deep verification names what it acted on."""
    result = for_a_moment(world, lambda: change.make(world), change.act)
    world.write(*change.after)
    assert result in ("permitted", "refused"), "the change has no effect"
    found = [] if result == "refused" else world.found()
    assert result == "refused" or found != []


# The rows from which the sums of promises were made: they are compared with the leaves, and no decision reads them.
WITHOUT_EFFECT = _of(
    OVERDUE,
    a_row_of_a_promise_is_kept="UPDATE promise SET kept_on = '2026-01-01'",
    a_row_of_a_promise_is_due_later="UPDATE promise SET due = '2099-01-01'",
    a_row_of_a_promise_is_of_another="UPDATE promise SET \"by\" = 'ab'",
    a_row_of_a_promise_is_taken_away="DELETE FROM promise",
    a_promising_commitment_ended="UPDATE commitment SET state = 'withdrawn' WHERE id = :promised",
)


@pytest.mark.parametrize("world", ["sqlite"], indirect=True)
@pytest.mark.parametrize("change", WITHOUT_EFFECT, ids=[each.name for each in WITHOUT_EFFECT])
def test_a_row_that_no_decision_reads_changes_none(world: World, change: Change) -> None:
    """What is decided rests on the sums."""
    assert for_a_moment(world, lambda: change.make(world), change.act) == "denied"


SUMMED = (
    "CREATE TRIGGER ours AFTER UPDATE ON counter_sum BEGIN UPDATE counter_sum SET sums = '{}'; END",
    "CREATE FUNCTION nothing() RETURNS trigger AS $$ BEGIN new.sums = '{}'; RETURN new; END $$"
    " LANGUAGE plpgsql; CREATE TRIGGER ours BEFORE UPDATE ON counter_sum FOR EACH ROW EXECUTE FUNCTION nothing()",
)
VIEWED = ("ALTER TABLE counter_sum RENAME TO was", "CREATE VIEW counter_sum AS SELECT * FROM was")
TABLE, COLUMN = ("CREATE TABLE ours (id INTEGER)",), ("ALTER TABLE entity ADD COLUMN ours TEXT",)
# What is added on each kind of database, and whether it may act on what the service reads and writes.
PARTS: dict[str, tuple[tuple[str, ...], tuple[str, ...], bool]] = {
    "a trigger": (SUMMED[:1], SUMMED[1:], True),
    "a view in the place of a table": (VIEWED, VIEWED, True),
    "a table": (TABLE, TABLE, False),
    "a column": (COLUMN, COLUMN, False),
}


@pytest.mark.parametrize("part", PARTS)
def test_what_is_not_ours_in_a_database_is_named_and_does_not_act(world: World, part: str) -> None:
    """A trigger or a view is refused at a start; whatever is not ours is named by the deep verification."""
    sqlite, postgresql, acts = PARTS[part]
    world.write(*(postgresql if "://" in world.url else sqlite))
    found = world.found()
    assert [each for each in found if "is not ours" in each]
    assert TOO_MANY(world) == ("refused" if acts else "denied")
