"""The log of an earlier version is read as events too."""

from service.log.store import Store
from service.outbox.event_choice import EventChoice
from service.outbox.event_members import ON_REQUEST
from service.outbox.log_reader import LogReader
from tests.service.store.test_kept_database import archive as archive  # a fixture
from tests.service.store.test_kept_database import kept as kept  # a fixture


def test_every_record_of_an_earlier_version_is_an_event(kept: str) -> None:
    """None is unreadable, with and without the members that are asked for by name."""
    with Store.open(kept) as store, store.database.reading.connect() as connection:
        plain, asked = (
            LogReader().read(connection, 0, 10_000, EventChoice(members=members)).events for members in ((), tuple(ON_REQUEST))
        )
        records = len(list(store.scan()))
    decisions = [each for each in plain if each.kind == "decision"]
    assert len(decisions) == records > 0
    assert all(each.data["outcome"] != "unreadable" for each in decisions)
    assert {"decision", "commitment"} <= {each.kind for each in plain}
    assert [each.sequence for each in plain] == [each.sequence for each in asked]
