"""The decision cache: the same bytes as without it, nothing personal in it, a bound, and no error that hides in it."""

import gc
import json
import zlib
from dataclasses import replace
from datetime import date
from typing import Any

import pytest

import engine
from service.callers.caller import LOCAL
from service.decisions.answer_options import AnswerOptions
from service.decisions.decider import Decider
from service.log.leaf import WHOLE, opened
from service.log.record import RecordedDecision, answered
from service.log.review_cases import ReviewCase
from service.policies import decision_cache
from service.policies.decision_cache import DecisionCache, NewDecision
from tests.service.conftest import BOTH_DATABASES, EXCHANGE, PERSONAL, POLICIES, body

DAY = date(2026, 11, 24)
ID = "01930000-0000-7000-8000-000000000000"
CASE = ReviewCase("facts")


@pytest.fixture
def evaluate(client):
    """Send an exchange; the answer's document."""

    def send(content: bytes, **params: str):
        answer = client.post("/v1/evaluate", content=content, params=params, headers={"content-type": "application/json"})
        assert answer.status_code == 200, answer.text
        return answer.json()

    return send


def plain(answer: dict[str, Any]) -> dict[str, Any]:
    """An answer without its id."""
    return {name: value for name, value in answer.items() if name != "id"}


@BOTH_DATABASES
def test_what_is_found_is_what_was_decided_under_an_id_of_its_own(evaluate, service):
    """Answer and record; another language, day or statement is another answer."""
    cache = service.live.decisions
    first, second = evaluate(body()), evaluate(body())
    assert cache.found == 1
    assert plain(first) == plain(second)
    assert first["id"] != second["id"]
    records = [service.store.read(each["id"]).entry for each in (first, second)]
    one, other = (opened(each.leaf, each.openings) for each in records)
    assert one["verdict"] == other["verdict"]
    assert {**one["decision"], "id": ""} == {**other["decision"], "id": ""}
    assert other["decision"]["id"] == other["id"] == second["id"]
    assert sorted(each.pointer for each in records[1].openings) == sorted((*PERSONAL, *WHOLE))
    assert records[0].summary == records[1].summary
    for changed in (body(as_of="2024-06-02"), body(data={"people": 11999}), body(recipient={"id": "lab-2", "country": "US"})):
        evaluate(changed)
    evaluate(body(), lang="zh")
    evaluate(body(), include="reasons")
    assert cache.found == 1


@BOTH_DATABASES
def test_what_is_found_is_the_same_case_for_the_queue(service):
    """As if it had been decided now; another exchange is another case."""
    decider, cache = Decider(service), service.live.decisions

    def case(raw: bytes) -> Any:
        return decider.answer(service.live, raw, AnswerOptions(), service.clock(), "1", LOCAL).entry.case

    new, kept = case(body()), case(body())
    assert cache.found == 1
    cache.forget()
    assert new == kept == case(body())
    assert case(body(data={"people": 11_998})) not in (None, kept)


@BOTH_DATABASES
def test_the_law_of_today_is_looked_up_each_day(evaluate, service):
    """An exchange without a day is decided anew when the day changes."""
    sent = body(as_of=None).replace(b'"as_of": null, ', b"")
    cache, pdp = service.live.decisions, service.live.pdp
    assert cache.key(json.loads(sent), DAY, "en") != cache.key(json.loads(sent), date(2026, 11, 25), "en")
    assert cache.key(EXCHANGE, DAY, "en") == cache.key(EXCHANGE, date(2026, 11, 25), "en")  # hypothetical on both
    assert cache.key(EXCHANGE, date(2024, 6, 1), "en") != cache.key(EXCHANGE, DAY, "en")
    assert evaluate(sent)["hypothetical"] is False
    assert pdp.bundle is service.live.bundle


@BOTH_DATABASES
def test_nothing_personal_is_kept(evaluate, service):
    """Not in a key, and not in anything that an answer holds."""
    evaluate(body())
    cache = service.live.decisions
    assert cache.bytes
    # What an answer holds of the bundle has no value of an exchange, so the walk ends there.
    seen, waiting = {id(service.live.bundle), id(service.live.pdp)}, [cache._kept]
    texts = []
    while waiting:
        each = waiting.pop()
        if id(each) in seen or isinstance(each, type | engine.Bundle):
            continue
        seen.add(id(each))
        if isinstance(each, decision_cache.CachedDecision):
            texts.append(each.texts.decode())
        texts += [each] if isinstance(each, str) else [each.decode("latin-1")] if isinstance(each, bytes) else []
        waiting += gc.get_referents(each)
    assert len(texts) > 5
    for value in PERSONAL.values():
        assert not any(value in text for text in texts)


def made(written: engine.WrittenDecision, exchange: engine.Exchange) -> NewDecision:
    return NewDecision(written, RecordedDecision.of(written), answered(written), exchange, CASE)


def test_what_is_kept_has_a_bound():
    """The answer that was not used for longest goes first."""
    bundle = engine.load(POLICIES)
    pdp = engine.PDP(bundle)
    cache = DecisionCache(most_bytes=20_000)
    keys = []
    for people in range(40):
        exchange = engine.parse_exchange(bundle, json.dumps({**EXCHANGE, "data": {"people": people}}).encode())
        written = pdp.answer(pdp.judge(exchange, as_of=DAY), today=DAY, id=ID)
        keys.append(cache.key(exchange.document, DAY, "en"))
        assert cache.keep(keys[-1], made(written, exchange)) is None
        assert cache.find(keys[0]) is not None
        assert cache.bytes <= 20_000
    assert cache.find(keys[-1]) is not None
    assert cache.find(keys[1]) is None


def test_an_error_in_what_is_kept_is_found(evaluate, service, lines, monkeypatch):
    """Now and then an exchange is decided again; an answer that differs is a disagreement, and nothing that was kept is given again."""
    monkeypatch.setattr(decision_cache, "AGAIN_EVERY", 3)
    cache = service.live.decisions
    right = evaluate(body())
    [key] = cache._kept
    assert right["outcome"] == "permitted"
    kept = cache._kept[key]
    texts = kept.texts.replace(json.dumps(right["answer"], ensure_ascii=False).encode(), b'"Go ahead."')
    cache._kept[key] = replace(kept, packed=zlib.compress(texts + b"\0"))
    assert [evaluate(body())["answer"] for _ in range(2)] == ["Go ahead."] * 2
    found = evaluate(body())
    assert (found["outcome"], found["proceed"]) == ("review", False)
    assert found["engine"]["agreed"] is False
    assert "decided otherwise before" in found["engine"]["disagreement"][0]
    assert [each["disagreement"] for each in lines.events("incident")] == [found["engine"]["disagreement"]]
    assert not cache._kept
    assert plain(evaluate(body())) == plain(right)


@pytest.mark.parametrize("mode", ["bitset", "checked"])
def test_the_policies_own_exchanges_get_the_same_bytes(mode):
    """Every 20th test exchange of the bundled policies, decided twice and found once."""
    bundle = engine.load(engine.bundled_policies())
    pdp = engine.PDP(bundle, mode)
    cache = DecisionCache()
    found = 0
    for trial in engine.trials(bundle, bundle)[::20]:
        try:
            exchange = engine.parse_exchange(bundle, trial.raw)
        except engine.ExchangeRefused:
            continue
        as_of = exchange.as_of or DAY
        written = pdp.answer(pdp.judge(exchange, as_of=as_of), today=DAY, id=ID)
        key = cache.key(exchange.document, DAY, "en")
        assert cache.keep(key, made(written, exchange)) is None
        kept = cache.find(key)
        if kept is None:
            assert written.carried or not cache.found % decision_cache.AGAIN_EVERY
            continue
        answer, recorded, counted = kept.under(ID, pdp.naming.parties(exchange.document))
        assert answer == answered(written)
        assert not counted
        assert kept.texts == decision_cache.texts_of(RecordedDecision.of(written), answered(written))
        assert recorded == RecordedDecision.of(written)
        assert kept.signable == written.signable
        found += 1
    assert found > 150
