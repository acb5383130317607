"""Which of these recipients may take it: for each the answer of an evaluation, in brief, and nothing that is recorded."""

import json
import random
from collections.abc import Iterator, Sequence
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from starlette.testclient import TestClient

import engine
from service.limits import RECIPIENTS
from service.service import Service
from tests.chance import seed, some
from tests.engine.test_everyday_exchanges import EXCHANGES
from tests.service.api.test_fuzz import FACTS, FOLDERS, ONE_APPLICATION, application, exchanges
from tests.service.callers.test_callers import make, opened
from tests.service.conftest import EXCHANGE, Lines

OTHERS = {name: value for name, value in EXCHANGE.items() if name != "recipient"}
LAW = ("gdpr-chapter-v", "order-16", "uk-gdpr", "padfa", "court-order")  # whose tests lend exchanges and recipients


@pytest.fixture(scope="module")
def bundled(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Service]]:
    """One application with the bundled policies."""
    with application(engine.bundled_policies(), tmp_path_factory.mktemp("bundled") / "log.db") as opened:
        yield opened


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[TestClient, Service]]:
    """One with the policies of these tests."""
    with application(FOLDERS["small"], tmp_path_factory.mktemp("small") / "log.db") as opened:
        yield opened


def ask(client: TestClient, exchange: Any, recipients: Any, **headers: str) -> Any:
    """What the service answers about some recipients."""
    return client.post("/v1/recipients", json={"exchange": exchange, "recipients": recipients}, headers=headers)


def agree(client: TestClient, exchange: dict[str, Any], recipients: Sequence[dict[str, Any] | str]) -> list[str]:
    """Ask about recipients at once and about each by itself; the outcomes, which are the same. One refusal is the other's."""
    answer = ask(client, exchange, recipients)
    each = [client.post("/v1/evaluate", json={**exchange, "recipient": recipient}) for recipient in recipients]
    if answer.status_code == 400:
        assert all(one.status_code == 400 for one in each), answer.text
        return []
    assert answer.status_code == 200, answer.text
    outcomes = []
    for brief, one in zip(answer.json()["results"], each, strict=True):
        assert ("problem" in brief) == (one.status_code == 400), (brief, one.text)
        if "problem" in brief:
            assert len(brief["problem"]["errors"]) == len(one.json()["errors"])
            continue
        told, whole = brief["decision"], one.json()
        assert (told["outcome"], told["proceed"]) == (whole["outcome"], whole["proceed"])
        assert told["bounds"] == whole["bounds"]
        asked = [(question["fact"], question["question"]) for question in whole["questions"][:1]]
        assert [(told["question"]["fact"], told["question"]["question"])] == asked if asked else "question" not in told
        titles = {part["title"] for unmet in whole["unmet"] for way in unmet["ways"] for part in way}
        assert titles <= {*told["unmet"]}, (titles, told)
        if whole["proceed"]:
            assert (told["unmet"], told["prohibited_by"]) == ([], [])
        outcomes.append(told["outcome"])
    return outcomes


@settings(ONE_APPLICATION, max_examples=40)
@given(sent=exchanges(FACTS["small"]), others=st.lists(exchanges(FACTS["small"]), min_size=1, max_size=4))
def test_random_recipients_get_the_answer_of_an_evaluation(
    small: tuple[TestClient, Service], sent: bytes, others: list[bytes]
) -> None:
    """Outcome, bounds, `proceed` and the next question; and a refusal where an evaluation refuses."""
    try:
        document = json.loads(sent, parse_constant=lambda _: None)
        parties = [json.loads(each, parse_constant=lambda _: None).get("recipient", {}) for each in others]
    except ValueError:
        return
    parties = [each for each in parties if isinstance(each, dict)]
    if parties:
        document.pop("recipient", None)
        agree(small[0], document, parties)


@pytest.mark.random
def test_recipients_of_the_policies_tests_get_the_answer_of_an_evaluation(bundled: tuple[TestClient, Service]) -> None:
    """Of bundled policies, with everything that the authors' cases state, in chance pairs of an exchange and recipients of others."""
    client, service = bundled
    chance = random.Random(seed(11))
    loaded = engine.load(engine.bundled_policies())
    found = [json.loads(trial.raw) for file in LAW for trial in engine.trials(loaded, loaded, file) if trial.raw]
    found = [each for each in found if isinstance(each.get("recipient"), dict) and engine.REGISTER not in each]
    outcomes: list[str] = []
    before = service.store.records
    for sent in some(chance.sample(found, 12), 12):
        document = {name: value for name, value in sent.items() if name not in ("recipient", "as_of", engine.BOOKS)}
        outcomes += agree(client, document, [sent["recipient"], *(each["recipient"] for each in chance.sample(found, 3))])
    assert len(set(outcomes)) > 2
    assert service.store.records > before  # the evaluations beside, and nothing else
    assert service.store.records - before == len(outcomes)


def test_everyday_recipients_are_told_apart(bundled: tuple[TestClient, Service]) -> None:
    """Of a payroll of India some countries may take it and some may not, and who may is who may by an evaluation."""
    sent, _, _ = EXCHANGES["Indian payroll to Britain"]
    exchange = {name: value for name, value in sent.items() if name != "recipient"}
    recipients = [
        {**sent["recipient"], "country": code, "organised_in": [code], "controlled_from": [code]}
        for code in ("GB", "CN", "KE", "US")
    ]
    assert "permitted" in agree(bundled[0], exchange, recipients)


def test_the_public_gets_the_answer_of_an_evaluation_among_others(bundled: tuple[TestClient, Service]) -> None:
    """Beside a recipient who may take it, the public may not: what the law says of any party counts."""
    sent, _, _ = EXCHANGES["Indian payroll to Britain"]
    exchange = {name: value for name, value in sent.items() if name != "recipient"}
    party, *public = agree(bundled[0], exchange, [sent["recipient"], "the public", "worldwide"])
    assert party == "permitted"
    assert public[0] == public[1] != "permitted"


def test_the_public_is_permitted_what_any_party_is(small: tuple[TestClient, Service]) -> None:
    """Where the law that is loaded asks nothing about the recipient."""
    assert agree(small[0], OTHERS, ["the public", {"country": "KE"}]) == ["permitted", "permitted"]


def test_a_party_that_is_registered_under_a_word_for_the_public_is_not_meant_by_it(client: TestClient) -> None:
    """As in an evaluation, which takes the word as no id: else what is lifted for that party would be lifted for all."""
    assert client.put("/v1/parties/worldwide", json={"facts": {"country": "US"}}).status_code == 201
    assert client.post("/v1/evaluate", json={**OTHERS, "named": {"recipient": "worldwide"}}).status_code == 400
    word, public = ask(client, OTHERS, ["worldwide", "the public"]).json()["results"]
    assert word == public


def test_nothing_is_recorded_and_the_answer_says_so(client: TestClient, service: Service) -> None:
    """No record, and no id that could be committed."""
    answer = ask(client, OTHERS, [{"country": "US"}, {"country": "KE"}]).json()
    assert answer["recorded"] is False
    assert [set(each) for each in answer["results"]] == [{"decision"}, {"decision"}]
    assert service.store.records == 0
    assert "id" not in json.dumps(answer["results"]).split('"')


def test_a_recipient_of_the_register_is_named_by_its_id(client: TestClient) -> None:
    """What the register says of it counts; an id that it has not is refused alone, at its place."""
    assert client.put("/v1/parties/lab-2", json={"facts": {"country": "US"}}).status_code == 201
    named, stated, unknown = ask(client, OTHERS, ["lab-2", {"country": "US"}, "lab-3"]).json()["results"]
    assert named["decision"] == stated["decision"]
    assert unknown["problem"]["errors"][0]["pointer"] == "/recipients/2"
    assert unknown["problem"]["instance"].endswith("#/recipients/2")


@pytest.mark.parametrize(
    ("sent", "pointers"),
    [
        ({"exchange": EXCHANGE, "recipients": ["a"]}, ["/exchange/recipient"]),
        ({"exchange": {"named": {"recipient": "a"}}, "recipients": ["a"]}, ["/exchange/named/recipient"]),
        ({"exchange": {}, "recipients": []}, ["/recipients"]),
        ({"exchange": [], "recipients": "a", "more": 1}, ["/more", "/exchange", "/recipients"]),
        ({"exchange": {"exporter": {"contry": "CN"}}, "recipients": ["a"]}, ["/exchange/exporter/contry"]),
        ({"exchange": {"named": []}, "recipients": ["a"]}, ["/exchange/named"]),
    ],
)
def test_what_is_no_question_is_refused_at_its_place(client: TestClient, sent: Any, pointers: list[str]) -> None:
    """As a whole, since no recipient is at fault."""
    answer = client.post("/v1/recipients", json=sent)
    assert (answer.status_code, [each["pointer"] for each in answer.json()["errors"]]) == (400, pointers)


def test_a_recipient_that_is_wrong_is_refused_alone(client: TestClient) -> None:
    """At its place in the body; the others have their answers."""
    answer = ask(client, OTHERS, [{"contry": "US"}, 3, {"country": "US"}]).json()["results"]
    assert [each["problem"]["errors"][0]["pointer"] for each in answer[:2]] == ["/recipients/0/contry", "/recipients/1"]
    assert "decision" in answer[2]


def test_too_many_recipients_and_too_large_an_exchange_are_refused(client: TestClient) -> None:
    """Whoever asks for more sends it in parts."""
    assert ask(client, OTHERS, [{}] * (RECIPIENTS + 1)).status_code == 413
    large = {**OTHERS, "evidence": {"cn-standard-contract": {"attested_by": "x" * 60_000}}}
    assert ask(client, large, [{}] * 80).status_code == 413


def test_another_day_proceeds_nowhere(client: TestClient) -> None:
    """The law of another day permits nothing today."""
    answer = ask(client, {"as_of": "2024-06-01", "exporter": {"country": "US"}}, [{"country": "KE"}]).json()
    assert (answer["hypothetical"], answer["as_of"]) == (True, "2024-06-01")
    assert answer["results"][0]["decision"]["proceed"] is False


@pytest.mark.parametrize(("scopes", "status"), [(("evaluate",), 403), (("read",), 403), (("evaluate", "read"), 200)])
def test_it_takes_a_key_that_evaluates_and_reads(database: str, lines: Lines, scopes: tuple[str, ...], status: int) -> None:
    """The answers say what the register told."""
    key = make(database, *scopes)
    with opened(database, lines) as client:
        assert ask(client, OTHERS, [{"country": "US"}], authorization=f"Bearer {key}").status_code == status


def test_the_engines_judge_who_may_take_it_whatever_the_pass_says(
    client: TestClient, service: Service, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A pass that permits everything permits nobody whom an evaluation refuses."""
    permitted = engine.Bounds(engine.Level.PERMITTED, engine.Level.PERMITTED)
    everybody = engine.Brief("permitted", permitted, (), ())
    monkeypatch.setattr(engine, "briefs", lambda pdp, exchanges: [everybody] * len(exchanges))
    exchange, recipients = {"exporter": {"country": "CN"}, "data": {"people": 12_000}}, [{"country": "US"}, {"country": "KE"}]
    told = [each["decision"]["proceed"] for each in ask(client, exchange, recipients).json()["results"]]
    whole = [client.post("/v1/evaluate", json={**exchange, "recipient": each}).json()["proceed"] for each in recipients]
    assert told == whole
    assert False in whole


def test_a_sign_off_that_stands_counts_as_in_an_evaluation(bundled: tuple[TestClient, Service]) -> None:
    """What a person approved is approved for these facts here too."""
    client, _ = bundled
    sent, outcome, _ = EXCHANGES["Dutch machine data to India"]
    assert outcome == "review"
    decision = client.post("/v1/evaluate", json=sent).json()
    names = [each["sign_off"] for each in (*decision.get("besides", ()), *decision["gaps"]) if each.get("sign_off")]
    client.post(
        f"/v1/decisions/{decision['id']}/sign-off",
        json={"verdict": "approve", "provisions": names, "reason": "read by counsel", "until": "2026-12-31"},
    )
    exchange = {name: value for name, value in sent.items() if name != "recipient"}
    agree(client, exchange, [sent["recipient"], {**sent["recipient"], "country": "KE"}])
