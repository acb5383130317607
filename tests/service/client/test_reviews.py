"""Missing facts, reviews, sign-offs and explanations by their own names, from a real server; and what is not an answer about them."""

from datetime import UTC, datetime, timedelta
from operator import methodcaller
from typing import Any

import pytest

from service.client import Malformed, Refused, SignOff
from tests.service.client.conftest import KINDS, answering, ask, sends
from tests.service.conftest import EXCHANGE

UNTIL = datetime.now(UTC).date() + timedelta(days=1)
ARTICLE = "cn.test/art-1"


def facts(kind: str, **changes: Any) -> dict[str, Any]:
    """An exchange of today that is reviewed; each kind of client has its own."""
    return {"exporter": {"country": "CN"}, "recipient": {"id": kind, "country": "US"}, "data": {"people": 12000}, **changes}


@pytest.mark.parametrize("kind", KINDS)
def test_missing_facts_are_asked_for_until_nothing_is_missing(server, kind):
    """Each question is answered where its fact belongs; then the outcome is settled."""
    exchange: dict[str, Any] = {"exporter": {"country": "CN"}}
    answer = ask(kind, server.address, methodcaller("evaluate", exchange))
    asked = []
    while answer.questions:
        question = answer.questions[0]
        asked.append((question.fact, question.type))
        exchange = question.answered(exchange, "none" if question.type == "document" else 100)
        answer = ask(kind, server.address, methodcaller("evaluate", exchange))
    assert ("data.people", "count") in asked
    assert (answer.outcome, answer.proceed, answer.bounds.highest) == ("permitted", True, "permitted")
    assert exchange["data"] == {"people": 100}


@pytest.mark.parametrize("kind", KINDS)
def test_a_review_is_signed_off_and_the_approval_is_withdrawn(server, kind):
    """What waits, what may be signed off, who signed, and what comes of it each time."""
    address = server.address
    first = ask(kind, address, methodcaller("evaluate", facts(kind)))
    review = ask(kind, address, methodcaller("review", first.id))
    assert (first.outcome, review.provisions, review.beneath.highest) == ("review", (ARTICLE,), "permitted")
    [waiting] = [each for each in ask(kind, address, methodcaller("reviews")) if each.id == first.id]
    assert waiting.current is True
    assert (waiting.sentence, waiting.recorded_at, waiting.provisions) == (
        review.sentence,
        review.recorded_at,
        review.provisions,
    )
    assert (review.exporter_country, review.recipient_country) == (waiting.exporter_country, waiting.recipient_country)

    given = ask(kind, address, methodcaller("approve", first.id, [ARTICLE], reason="counsel read it", until=UNTIL))
    assert (given.then.outcome, given.sign_offs[0].by) == ("permitted", "local")
    approved = ask(kind, address, methodcaller("evaluate", facts(kind)))
    assert (approved.proceed, approved.signed_off[0].sign_off) == (True, given.sign_offs[0].id)
    assert approved.signed_off[0].until == UNTIL
    assert first.id not in [each.id for each in ask(kind, address, methodcaller("reviews"))]

    withdrawn = ask(kind, address, methodcaller("refuse", first.id, [ARTICLE], reason="it fell through"))
    assert withdrawn.then.outcome == "review"
    assert ask(kind, address, methodcaller("may_proceed", facts(kind))) is False
    kept: tuple[SignOff, ...] = ask(kind, address, methodcaller("sign_offs", first.id))
    assert [(each.verdict, each.until) for each in kept] == [("approve", UNTIL), ("refuse", None)]

    with pytest.raises(Refused) as refused:
        ask(kind, address, methodcaller("approve", first.id, ["cn.test/none"], reason="read it", until=UNTIL))
    assert refused.value.kind == "not-signable"
    for wrong in ({"provisions": "cn.test/art-1"}, {}, {"provisions": [ARTICLE], "requirement": "x"}):
        with pytest.raises(ValueError, match="name either provisions"):
            ask(kind, address, methodcaller("refuse", first.id, reason="read it", **wrong))


@pytest.mark.parametrize("kind", KINDS)
def test_a_decision_is_explained_by_parts(server, kind):
    """The parts that are named and no others, in the language that is named; all of them can be read."""
    answer = ask(kind, server.address, lambda client: client.evaluate(EXCHANGE, include=["reasons"]))
    found = ask(kind, server.address, lambda client: client.explanation(answer.id, ["coverage", "reasons"], lang="zh"))
    assert (found.id, found.lang, found.verdict) == (answer.id, "zh", "same")
    assert (found.coverage.jurisdictions, found.requirements, found.trace) == (("CN",), None, None)
    assert found.document["lang"] == "zh"
    assert answer.explanation.reasons is not None
    assert answer.explanation.coverage is None
    whole = ask(kind, server.address, lambda client: client.explanation(answer.id, ["all"]))
    assert whole.factor.lanes == ()
    assert {rule.rule for rule in whole.trace.rules} == {ARTICLE}
    with pytest.raises(Refused):
        ask(kind, server.address, lambda client: client.explanation(answer.id, ["poetry"]))


@pytest.mark.parametrize("kind", KINDS)
def test_every_page_of_a_search_is_read(server, kind):
    """Page after page, each decision once, and only those that match."""
    mine = [ask(kind, server.address, methodcaller("evaluate", facts(kind, data={"people": n}))) for n in (1, 2, 20000)]
    search = {"exporter_country": "CN", "outcome": ["review", "permitted"], "limit": 1}
    rows = ask(kind, server.address, methodcaller("each_decision", **search))
    assert [row.id for row in rows if row.id in {each.id for each in mine}] == [each.id for each in reversed(mine)]
    assert len({row.id for row in rows}) == len(rows) > 2
    first = ask(kind, server.address, methodcaller("decisions", **search))
    assert [row["id"] for row in first["decisions"]] == [rows[0].id]
    assert {row.proceed for row in ask(kind, server.address, methodcaller("each_decision", proceed=False))} == {False}


SIGNED = {
    "id": "s1",
    "decision": "d1",
    "provision": "p",
    "verdict": "approve",
    "reason": "read it",
    "until": UNTIL.isoformat(),
    "at": "2026-11-24T09:30:00Z",
    "by": "me",
}
THEN = {"outcome": "permitted", "answer": "It may"}
EXPLAINED = {"schema": "fifthfactor/explanation/1", "id": "d1", "lang": "en"}
SAME = "Verdict: same\r\n"


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(
    ("call", "came", "header"),
    [
        (methodcaller("sign_offs", "d1"), {"sign_offs": [{**SIGNED, "decision": "d2"}]}, ""),
        (methodcaller("sign_offs", "d1"), {"sign_offs": None}, ""),
        (methodcaller("refuse", "d1", ["p"], reason="read it"), {"sign_offs": [SIGNED], "then": THEN}, ""),
        (methodcaller("approve", "d1", ["q"], reason="read it", until=UNTIL), {"sign_offs": [SIGNED], "then": THEN}, ""),
        (methodcaller("approve", "d1", ["p"], reason="read it", until=UNTIL), {"sign_offs": [SIGNED]}, ""),
        (methodcaller("approve", "d1", requirement="q", reason="read it", until=UNTIL), {"sign_offs": [], "then": THEN}, ""),
        (methodcaller("review", "d1"), {"record": {"id": "d1", "schema": "fifthfactor/record/4"}}, ""),
        (methodcaller("review", "d1"), {"record": {"id": "d2", "schema": "fifthfactor/record/3"}}, ""),
        (methodcaller("explanation", "d1"), EXPLAINED, ""),
        (methodcaller("explanation", "d1"), EXPLAINED, "Verdict: perhaps\r\n"),
        (methodcaller("explanation", "d2"), EXPLAINED, SAME),
        (methodcaller("explanation", "d1", lang="zh"), EXPLAINED, SAME),
        (methodcaller("explanation", "d1"), {**EXPLAINED, "duties": {}}, SAME),
        (methodcaller("reviews"), {"reviews": []}, ""),
        (methodcaller("reviews"), {"reviews": [{"id": "d1"}], "next": None}, ""),
        (methodcaller("reviews"), {"reviews": [], "next": "again"}, ""),
    ],
)
def test_an_answer_about_something_else_is_an_error(malicious, kind, call, came, header):
    """Another decision, another verdict, another language, pages without an end: nothing of it is taken for an answer."""
    with pytest.raises(Malformed):
        ask(kind, malicious(sends(answering(came, more=header))).address, call)


@pytest.mark.parametrize("kind", KINDS)
def test_what_these_tests_spoil_can_be_read(malicious, kind):
    """So that what is refused above shows something."""
    given = {"sign_offs": [SIGNED], "then": THEN}
    good = malicious(sends(answering(given)))
    assert (
        ask(kind, good.address, methodcaller("approve", "d1", ["p"], reason="read it", until=UNTIL)).then.sentence == "It may"
    )
    explained = malicious(sends(answering(EXPLAINED, more=SAME)))
    assert ask(kind, explained.address, methodcaller("explanation", "d1")).verdict == "same"
    ended = malicious(sends(answering({"reviews": [], "next": "again"})), sends(answering({"reviews": [], "next": None})))
    assert ask(kind, ended.address, methodcaller("reviews")) == []
    assert b"/v1/reviews?cursor=again " in ended.heard[1]
