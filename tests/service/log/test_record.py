"""
The records of real decisions: what is put together from canonical pieces is what the models and the library would write.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta, timezone
from hashlib import sha256
from io import StringIO
from statistics import median
from types import MappingProxyType
from typing import Any

import pytest
import rfc8785
import sqlalchemy as sa
from hypothesis import given
from hypothesis import strategies as st
from starlette.testclient import TestClient

import engine
from service.log.canonical_json import NotCanonical, canonical, canonical_object, joined
from service.log.leaf import WHOLE, Opening, SealedRecord, faults, opened, seal, with_personal_values
from service.log.record import (
    EngineVersion,
    FoundBy,
    PolicyDigests,
    Record,
    RecordedDecision,
    RecordedVerdict,
    RecordWriter,
    answered,
)
from service.log.record_summary import Summary
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.store import tables
from service.telemetry import log_lines
from tests.service.log.test_canonical_json import texts

DAY = date(2026, 11, 24)
NOW = datetime(2026, 11, 24, 12, 30, 0, 123456, UTC)
ID = "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"
FILES = ("order-16.test", "gdpr-chapter-v.test", "data-security-program.test", "authorised-operation.test", "scenarios.test")
MOST_OF_A_FILE = 40
BUNDLE = engine.load(engine.bundled_policies())
DIGESTS = PolicyDigests(meaning=BUNDLE.digests.meaning, source=BUNDLE.digests.source)
WRITER = RecordWriter(DIGESTS, EngineVersion.of_this_one())


@pytest.fixture(scope="module")
def pdp() -> engine.PDP:
    """One engine; what is written does not depend on which."""
    return engine.PDP(BUNDLE, "bitset")


def decided(pdp: engine.PDP, exchange: engine.Exchange, day: date, today: date = DAY, **more: Any) -> engine.WrittenDecision:
    """The answer to an exchange."""
    return pdp.answer(pdp.judge(exchange, as_of=day), today=today, id=ID, **more)


def recorded(decision: engine.WrittenDecision, exchange: engine.Exchange, now: datetime = NOW) -> tuple[bytes, SealedRecord]:
    """The answer and the log entry, as the service makes them."""
    members = WRITER.write(RecordedDecision.of(decision), now, "gateway")
    return answered(decision), seal({"id": ID, "request": exchange.document}, exchange.personal, written=members)


def check(answer: bytes, entry: SealedRecord, exchange: engine.Exchange) -> dict[str, Any]:
    """Hold an entry to the library and to the model; its record."""
    assert rfc8785.dumps(json.loads(entry.leaf)) == entry.leaf
    for opening in entry.openings:
        assert rfc8785.dumps(json.loads(opening.value or b"")) == opening.value
    assert faults(ID, entry.leaf, entry.leaf_hash, entry.openings) == ()
    record: dict[str, Any] = opened(entry.leaf, entry.openings)
    assert Record.model_validate(record).model_dump(mode="json", by_alias=True, exclude_unset=True) == record
    sent = json.loads(answer)
    engine.Answer.model_validate(sent)
    sent.pop("explanation", None)
    assert sent == record["decision"]
    assert with_personal_values(entry.leaf, entry.openings) == {**record, "request": exchange.document}
    assert record["bundle"] == record["decision"]["bundle"]
    return record


def exchanges(file: str) -> Iterator[tuple[engine.Exchange, date]]:
    """The exchanges of a file of tests, with the days of their law."""
    for trial in engine.trials(BUNDLE, BUNDLE, file)[:MOST_OF_A_FILE]:
        exchange = engine.parse_exchange(BUNDLE, trial.raw)
        yield exchange, trial.as_of or exchange.as_of or DAY


@pytest.mark.parametrize("file", FILES)
def test_the_record_of_a_real_decision_is_canonical_and_of_its_model(pdp, file):
    """The authors' own test exchanges, settled and undetermined: each leaf is what the library writes of the parsed record."""
    outcomes = set()
    for exchange, day in exchanges(file):
        decision = decided(pdp, exchange, day)
        outcomes.add(check(*recorded(decision, exchange), exchange)["decision"]["outcome"])
    assert len(outcomes) > 1


def test_what_is_included_is_canonical_too_and_not_recorded(pdp):
    """Every part of the explanation, in every language."""
    exchange, day = next(exchanges("order-16.test"))
    for lang in engine.LANGUAGES:
        decision = decided(pdp, exchange, day, day, parts=engine.PARTS, lang=lang)
        explained = decision.members["explanation"].encode()
        assert rfc8785.dumps(json.loads(explained)) == explained
        answer, entry = recorded(decision, exchange)
        assert json.loads(answer)["explanation"].keys() >= set(engine.PARTS) - {"rests_on"}
        assert "explanation" not in check(answer, entry, exchange)["decision"]


@pytest.mark.parametrize("changed", [*WHOLE, "/exporter/id"])
def test_each_commitment_opens_and_fails_to_open_when_its_value_or_its_salt_is_changed(pdp, changed):
    """Of the request and of the decision as wholes, and of a personal value within."""
    sent = {"exporter": {"id": "practice-of-dr-li-na", "country": "CN"}, "recipient": {"country": "US"}}
    exchange = engine.parse_exchange(BUNDLE, json.dumps(sent).encode())
    _, entry = recorded(decided(pdp, exchange, DAY), exchange)
    assert sorted(each.pointer for each in entry.openings) == ["/exporter/id", "decision", "found_by", "request"]
    assert faults(ID, entry.leaf, entry.leaf_hash, entry.openings) == ()
    assert b"practice-of-dr-li-na" not in b"".join(
        [entry.leaf, *(o.value or b"" for o in entry.openings if o.pointer in WHOLE)]
    )
    changes: tuple[dict[str, Any], ...] = ({"value": canonical({"proceed": True})}, {"salt": bytes(32)})
    for change in changes:
        tampered = tuple(replace(each, **change) if each.pointer == changed else each for each in entry.openings)
        assert f"the value of `{changed}` does not open its commitment" in faults(ID, entry.leaf, entry.leaf_hash, tampered)
    without = tuple(each for each in entry.openings if each.pointer != changed)
    assert "do not match one to one" in " ".join(faults(ID, entry.leaf, entry.leaf_hash, without))


def test_a_leaf_has_the_verdict_and_neither_request_nor_decision(pdp):
    """The compact verdict is that of the engines: which rules stand, the requirements asked for, and every bound."""
    for exchange, day in list(exchanges("order-16.test"))[::8]:
        decision = decided(pdp, exchange, day)
        _, entry = recorded(decision, exchange)
        leaf = json.loads(entry.leaf)
        assert all(leaf[name].keys() == {"commitment"} for name in WHOLE)
        verdict, outcome = decision.judgement.verdict, decision.judgement.outcome
        truths = list(verdict.standing().items())
        standing = [key for key, truth in truths if truth.name == "YES"]
        advice = {rule.key for rule in BUNDLE.rules.rules if rule.effect == "advise"}
        assert leaf["verdict"]["stands"] == [key for key in standing if key not in advice]
        assert leaf["verdict"]["advises"] == [key for key in standing if key in advice]
        possible = int(leaf["verdict"]["possible"], 16)
        assert {key for n, (key, _) in enumerate(truths) if possible >> n & 1} == {k for k, t in truths if t.name == "UNKNOWN"}
        assert leaf["verdict"]["bounds"][""] == [outcome.bounds.low.word, outcome.bounds.high.word]
        assert leaf["verdict"]["bounds"].keys() == {"", *outcome.jurisdictions}


@pytest.mark.parametrize("name", WHOLE)
def test_a_request_or_a_decision_that_is_gone_is_a_fault(pdp, name):
    """Only personal values are ever erased, so nobody can empty a record and have the log verify."""
    exchange, day = next(exchanges("order-16.test"))
    _, entry = recorded(decided(pdp, exchange, day), exchange)
    emptied = tuple(Opening(name, None, None) if each.pointer == name else each for each in entry.openings)
    found = faults(entry.id, entry.leaf, entry.leaf_hash, emptied)
    assert any(f"the {name} is gone" in fault for fault in found)


def test_the_summary_of_a_leaf_is_that_of_its_decision(pdp):
    """A new index finds a record by what the old one did, though an answer does not list every law."""
    many = 0
    for trial in engine.trials(BUNDLE, BUNDLE)[::60]:
        exchange = engine.parse_exchange(BUNDLE, trial.raw)
        decision = decided(pdp, exchange, trial.as_of or exchange.as_of or DAY)
        _, entry = recorded(decision, exchange)
        made = Summary.of(RecordedDecision.of(decision), NOW, "gateway", DIGESTS.source)
        read = Summary.of_leaf(entry.leaf, {each.pointer: each.value for each in entry.openings})
        assert read.words == made.words
        assert replace(read, named={}) == replace(made, named={})
        many += len(made.named["jurisdiction"]) > 8
    assert many


def rows(connection: sa.Connection, table: sa.Table) -> dict[int, int]:
    """The bytes of the values in each record's rows of a table."""
    found: dict[int, int] = {}
    for row in connection.execute(sa.select(table)):
        size = sum(len(each if isinstance(each, bytes) else str(each).encode()) for each in row if each is not None)
        found[row.sequence] = found.get(row.sequence, 0) + size
    return found


def test_a_record_with_its_index_rows_takes_at_most_six_kilobytes(tmp_path):
    """The middle one of a hundred of the policies' test exchanges; none takes more than twice as much."""
    moment = datetime(2026, 11, 24, 12, tzinfo=UTC)
    settings = Settings(watch=False, database=str(tmp_path / "log.db"), mode="bitset")
    service = Service.open(settings, say=log_lines.logger(StringIO()), clock=lambda: moment)
    # By their digests, so that a new case of the policies changes few of the hundred.
    trials = sorted(engine.trials(BUNDLE, BUNDLE), key=lambda trial: sha256(trial.raw).digest())
    sent = []
    for trial in trials[:100]:
        day = {"as_of": trial.as_of.isoformat()} if trial.as_of else {}
        exchange = {name: part for name, part in json.loads(trial.raw).items() if name != engine.REGISTER}
        sent.append({**exchange, **day})
    with TestClient(create_app(settings, service), base_url="http://localhost") as client:
        results = client.post("/v1/evaluate/batch", json={"exchanges": sent}).json()["results"]
        assert ["decision" in each for each in results] == [True] * 100
        with service.store.database.reading.connect() as connection:
            sizes = [rows(connection, table) for table in (tables.record, tables.personal, tables.entry)]
    assert [len(each) for each in sizes] == [100] * 3
    totals = sorted(sum(each[number] for each in sizes) for number in range(100))
    assert median(totals) <= 6_000, totals
    assert totals[-1] <= 12_000


@pytest.mark.parametrize(
    "id", ["数据集—甲", "Ω", "甲\u2028 \x7f", "\ufb33", "\U0001f600", "\U00020000", 'a"b\\c/d', "https://a.example/é"]
)
def test_text_of_any_script_is_written_as_the_library_writes_it(pdp, id):
    """In a value that is told, and in personal ones, which are committed to."""
    sent = {
        "data": {"id": id, "personal": True, "people": {"ordinary": 5}},
        "exporter": {"id": id, "country": "CN"},
        "recipient": {"country": "US"},
        "evidence": {"cn-standard-contract": {"dated": "2026-01-01", "covers": True, "attested_by": id}},
    }
    exchange = engine.parse_exchange(BUNDLE, json.dumps(sent).encode())
    answer, entry = recorded(decided(pdp, exchange, DAY), exchange)
    record = check(answer, entry, exchange)
    assert record["request"]["data"]["id"] == id
    assert len([each for each in entry.openings if each.pointer.startswith("/")]) == 2


@pytest.mark.parametrize(
    "now",
    [
        NOW,
        NOW.replace(microsecond=0),
        NOW.replace(microsecond=500_000),
        NOW.replace(microsecond=1),
        datetime(2026, 11, 25, 7, 0, tzinfo=timezone(timedelta(hours=8))),
    ],
)
def test_the_moment_is_written_as_the_model_writes_it(pdp, now):
    """In UTC, with as many digits as there are."""
    exchange = engine.parse_exchange(BUNDLE, b"{}")
    decision = decided(pdp, exchange, DAY)
    entry = recorded(decision, exchange, now)[1]
    record = opened(entry.leaf, entry.openings)
    modelled = Record(
        id=ID,
        recorded_at=now.astimezone(UTC),
        asked_by="gateway",
        as_of=DAY,
        request={},
        decision=engine.Answer.model_validate_json(decision.json()),
        verdict=RecordedVerdict.model_validate_json(decision.verdict),
        found_by=FoundBy.model_validate_json(RecordedDecision.of(decision).found_by),
        bundle=DIGESTS,
        engine=EngineVersion.of_this_one(),
    ).document()
    assert record == {**modelled, "schema": "fifthfactor/record/3"}


def with_member(decision: engine.WrittenDecision, name: str, text: str) -> engine.WrittenDecision:
    """A decision with a member written otherwise."""
    return replace(decision, members=MappingProxyType({**decision.members, name: text}))


def test_keys_beyond_the_first_plane_are_sorted_by_the_library(pdp):
    """Where the order of code points is not that of RFC 8785, the pieces are not trusted."""
    exchange = engine.parse_exchange(BUNDLE, b"{}")
    odd = with_member(decided(pdp, exchange, DAY), "more", '{"\ufb33":1,"\U0001f600":2}')
    [written] = [each.value or b"" for each in recorded(odd, exchange)[1].openings if each.pointer == "decision"]
    assert rfc8785.dumps(json.loads(written)) == written
    assert '{"\U0001f600":2,"\ufb33":1}'.encode() in written


def test_half_a_character_has_no_bytes(pdp):
    """It is refused as what it is."""
    exchange = engine.parse_exchange(BUNDLE, b"{}")
    decision = decided(pdp, exchange, DAY)
    with pytest.raises(NotCanonical):
        recorded(with_member(decision, "answer", '"\ud800"'), exchange)


values = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53) + 1, 2**53 - 1) | texts,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner, max_size=4),
    max_leaves=12,
)


@given(st.dictionaries(st.sampled_from(list(Record.model_fields)), values, min_size=1, max_size=6))
def test_an_object_of_canonical_members_is_what_the_library_writes(document):
    """Whatever its members hold of what is in a record: text, whole numbers, lists and objects."""
    members = {name: canonical(value) for name, value in document.items()}
    assert canonical_object(members) == rfc8785.dumps(document)
    assert json.loads(joined(members)) == json.loads(rfc8785.dumps(document))
    assert list(json.loads(joined(members))) == list(document)
