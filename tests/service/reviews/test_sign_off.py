"""Sign-offs over HTTP: what may be signed off and what not, what comes of it, and what is kept of it."""

import asyncio
import json
import threading
from datetime import UTC, datetime, timedelta

import pytest
import sqlalchemy as sa

import engine
from service.decisions.review_case_backfill import take_in_earlier_cases
from service.log import review_cases
from service.log.leaf import with_personal_values
from service.policies.live import Live
from service.reviews import sign_off, standing_sign_off
from service.store.tables import sign_off as rows
from tests.service.api.test_explanation import alike
from tests.service.conftest import BOTH_DATABASES, EXCHANGE, POLICIES, sealed_again
from tests.service.log.test_tree_leaves import happened, opened

pytestmark = pytest.mark.usefixtures("audited")

TODAY = datetime.now(UTC).date()
TOMORROW = (TODAY + timedelta(days=1)).isoformat()
FACTS = {name: value for name, value in EXCHANGE.items() if name not in ("as_of", "evidence")}
APPROVE = {"provisions": ["cn.test/art-1"], "verdict": "approve", "reason": "counsel looked at it", "until": TOMORROW}


@pytest.fixture
def sign(client):
    """Send a sign-off of a decision; the answer's response."""

    def send(id, **changes):
        content = json.dumps({name: value for name, value in {**APPROVE, **changes}.items() if value is not None})
        headers = {"content-type": "application/json"}
        return client.post(f"/v1/decisions/{id}/sign-off", content=content, headers=headers)

    return send


def found_anew(service):
    """Have the cases of all records found anew, as after an upgrade."""
    asyncio.run(service.store.do(review_cases.begin_again))
    asyncio.run(take_in_earlier_cases(service))


def decided(evaluate, **changes):
    """The decision on the exchange under today's law, without evidence."""
    return evaluate(json.dumps({**FACTS, **changes}).encode()).json()


def test_a_review_that_is_signed_off_is_off_for_the_same_facts(client, evaluate, sign):
    """The next evaluation may go ahead, says on whose sign-off, and its record says it too."""
    first = decided(evaluate)
    assert first["outcome"] == "review"
    assert "signed_off" not in first
    answer = sign(first["id"])
    assert answer.status_code == 201
    [given] = answer.json()["sign_offs"]
    assert answer.json()["then"]["outcome"] == "permitted"
    again = decided(evaluate)
    assert (again["proceed"], again["outcome"]) == (True, "permitted")
    assert again["signed_off"] == [
        {"accepts": "review", "by": "local", "provision": "cn.test/art-1", "sign_off": given["id"], "until": TOMORROW}
    ]
    assert client.get(f"/v1/decisions/{again['id']}").json()["record"]["decision"]["signed_off"] == again["signed_off"]
    batch = {"exchanges": [FACTS]}
    [result] = client.post("/v1/evaluate/batch", json=batch).json()["results"]
    assert result["decision"]["outcome"] == "permitted"


def test_a_signature_and_its_refusal_are_of_every_spelling_of_an_id(evaluate, sign):
    """What looks alike is the same party: neither is asked twice, and no spelling goes round a refusal."""

    def spelt(id):
        return decided(evaluate, exporter={**FACTS["exporter"], "id": id})

    first = spelt("Acme")
    assert first["outcome"] == "review"
    assert sign(first["id"]).status_code == 201
    for id in ("Acme", "acme", "\u0410CME", "ac\u200bme "):
        assert spelt(id)["outcome"] == "permitted", id
    assert spelt("another")["outcome"] == "review"
    assert sign(spelt("ACME")["id"], verdict="refuse", until=None).status_code == 201
    assert [spelt(id)["outcome"] for id in ("Acme", "acme")] == ["review", "review"]


def test_what_rests_on_a_sign_off_is_committed_while_that_stands(client, evaluate, sign):
    """It is decided again with its sign-offs; once these are taken back, it has moved."""
    sign(decided(evaluate)["id"])
    first, second = decided(evaluate), decided(evaluate)
    done = client.post("/v1/commitments", json={"decision": first["id"]})
    assert done.status_code == 201, done.text
    record = client.get(f"/v1/decisions/{done.json()['evaluation']}").json()["record"]
    assert record["decision"]["signed_off"] == first["signed_off"]
    sign(first["id"], verdict="refuse", until=None)
    moved = client.post("/v1/commitments", json={"decision": second["id"]})
    assert (moved.status_code, moved.json()["decision"]["outcome"]) == (409, "review")


def test_other_facts_are_reviewed_as_before(evaluate, sign):
    """One more person, another recipient, or a member more, and the approval does not apply."""
    assert sign(decided(evaluate)["id"]).status_code == 201
    assert decided(evaluate, data={"people": 12_001})["outcome"] == "review"
    assert decided(evaluate, recipient={"id": "another", "country": "US"})["outcome"] == "review"
    assert decided(evaluate)["outcome"] == "permitted"
    assert decided(evaluate, as_of=TOMORROW)["outcome"] == "permitted"  # another day is the same facts


def test_an_approval_ends(evaluate, sign):
    """On the day after its last it counts for nothing, and one that has ended already is refused."""
    assert sign(decided(evaluate)["id"]).status_code == 201
    assert decided(evaluate, as_of=(TODAY + timedelta(days=2)).isoformat())["outcome"] == "review"
    yesterday = (TODAY - timedelta(days=1)).isoformat()
    refused = sign(decided(evaluate, data={"people": 20_000})["id"], until=yesterday)
    assert (refused.status_code, refused.json()["detail"]) == (409, "the last day, `until`, has passed already")


def test_a_refusal_takes_an_approval_back_and_both_are_kept(client, evaluate, sign):
    """The last one counts; who gave each, why, and until when is told in order."""
    first = decided(evaluate)
    sign(first["id"])
    answer = sign(first["id"], verdict="refuse", reason="the contract fell through", until=None)
    assert answer.json()["then"]["outcome"] == "review"
    assert decided(evaluate)["outcome"] == "review"
    kept = client.get(f"/v1/decisions/{first['id']}/sign-offs").json()["sign_offs"]
    assert [(each["verdict"], each["reason"], each["until"], each["by"]) for each in kept] == [
        ("approve", "counsel looked at it", TOMORROW, "local"),
        ("refuse", "the contract fell through", None, "local"),
    ]


def test_a_refusal_stands_where_older_policies_come_back(client, evaluate, sign, service, tmp_path):
    """Approved, approved and refused under changed policies: with the first ones loaded again the last word is still no."""
    first, text = service.live, (POLICIES / "rules.yaml").read_text()
    sign(decided(evaluate)["id"])
    (tmp_path / "changed").mkdir()
    (tmp_path / "changed" / "rules.yaml").write_text(text.replace("10 thousand", "9 thousand"))
    (tmp_path / "changed" / "vocabulary.yaml").write_text((POLICIES / "vocabulary.yaml").read_text())
    service.policies.live = Live.of(engine.load(tmp_path / "changed"), "checked")
    again = decided(evaluate)
    assert again["outcome"] == "review"
    assert sign(again["id"]).json()["then"]["outcome"] == "permitted"
    service.policies.live = first
    assert decided(evaluate)["outcome"] == "permitted"  # both approvals stand, each for what the provision meant
    assert client.get("/v1/reviews").json()["reviews"] == []
    service.policies.live = Live.of(engine.load(tmp_path / "changed"), "checked")
    sign(decided(evaluate)["id"], verdict="refuse", until=None)
    service.policies.live = first
    assert decided(evaluate)["outcome"] == "review"


def test_a_review_waits_until_each_of_its_provisions_is_approved_as_it_stands(client, evaluate, sign, service, tmp_path):
    """One approval of two leaves it open, and so does one of a provision that has changed; one refusal closes it."""
    two = (POLICIES / "rules.yaml").read_text()
    two += two[two.index("  - id: art-1") :].replace("art-1", "art-2").replace("Art. 1", "Art. 2")
    for name, text in (("two", two), ("changed", two.replace("10 thousand", "9 thousand"))):
        (tmp_path / name).mkdir()
        (tmp_path / name / "rules.yaml").write_text(text)
        (tmp_path / name / "vocabulary.yaml").write_text((POLICIES / "vocabulary.yaml").read_text())

    def waiting():
        return [each["id"] for each in client.get("/v1/reviews").json()["reviews"]]

    service.policies.live = Live.of(engine.load(tmp_path / "two"), "checked")
    id = decided(evaluate)["id"]
    sign(id)
    assert waiting() == [id]
    newer = decided(evaluate)
    assert (newer["outcome"], waiting()) == ("review", [newer["id"]])
    sign(newer["id"], provisions=["cn.test/art-2"])
    assert waiting() == []
    service.policies.live = Live.of(engine.load(tmp_path / "changed"), "checked")
    changed = decided(evaluate)
    assert (changed["outcome"], waiting()) == ("review", [changed["id"]])
    sign(changed["id"], verdict="refuse", until=None)
    assert waiting() == []


@pytest.fixture
def two(service, tmp_path):
    """Policies with two reviews of the same exchanges."""
    text = (POLICIES / "rules.yaml").read_text()
    text += text[text.index("  - id: art-1") :].replace("art-1", "art-2").replace("Art. 1", "Art. 2")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "rules.yaml").write_text(text)
    (tmp_path / "two" / "vocabulary.yaml").write_text((POLICIES / "vocabulary.yaml").read_text())
    service.policies.live = Live.of(engine.load(tmp_path / "two"), "checked")


def overtaking(monkeypatch, times):
    """Let what was said of some facts be read too early, so many times: before anything was said."""
    real = standing_sign_off.said_of
    early: list[str] = []

    def said_of(connection, live, document):
        if threading.current_thread().name != "writer" and len(early) < times:
            early.append(document)
            return []
        return real(connection, live, document)

    monkeypatch.setattr(standing_sign_off, "said_of", said_of)


def test_who_was_overtaken_is_answered_with_what_stands(client, evaluate, sign, two, monkeypatch):
    """Somebody else approved the other provision meanwhile: what the facts come to is found out again."""
    first = decided(evaluate)
    assert sign(first["id"]).json()["then"]["outcome"] == "review"
    overtaking(monkeypatch, sign_off.MOST_TRIES - 1)
    answer = sign(first["id"], provisions=["cn.test/art-2"])
    assert (answer.status_code, answer.json()["then"]["outcome"]) == (201, "permitted")
    kept = client.get(f"/v1/decisions/{first['id']}/sign-offs").json()["sign_offs"]
    assert [each["provision"] for each in kept] == ["cn.test/art-1", "cn.test/art-2"]


def test_who_is_overtaken_all_the_time_may_try_again(client, evaluate, sign, two, monkeypatch):
    """After some tries nothing is kept, and that is said."""
    first = decided(evaluate)
    sign(first["id"])
    overtaking(monkeypatch, 1_000)
    answer = sign(first["id"], provisions=["cn.test/art-2"])
    assert (answer.status_code, answer.headers["retry-after"]) == (503, "1")
    assert answer.json()["type"] == "urn:fifthfactor:problem:busy"
    assert len(client.get(f"/v1/decisions/{first['id']}/sign-offs").json()["sign_offs"]) == 1


@pytest.mark.parametrize(("verdict", "until", "times"), [("approve", TOMORROW, 2), ("refuse", None, 1)])
def test_nothing_is_decided_under_the_lock(evaluate, sign, monkeypatch, verdict, until, times):
    """The exchange is judged once without approvals, and once more where some will stand; never by the writer."""
    id = decided(evaluate)["id"]
    threads: list[str] = []
    real = engine.PDP.judge

    def judge(self, exchange, **more):
        threads.append(threading.current_thread().name)
        return real(self, exchange, **more)

    monkeypatch.setattr(engine.PDP, "judge", judge)
    assert sign(id, verdict=verdict, until=until).status_code == 201
    assert len(threads) == times
    assert "writer" not in threads


def test_an_approval_may_be_taken_back_on_the_decision_that_rests_on_it(evaluate, sign):
    """Whoever sees what an approval permitted need not look for the review it was given for."""
    sign(decided(evaluate)["id"])
    resting = decided(evaluate)
    answer = sign(resting["id"], verdict="refuse", until=None)
    assert answer.status_code == 201, answer.text
    assert decided(evaluate)["outcome"] == "review"


@pytest.mark.parametrize(
    ("changes", "detail"),
    [
        ({"provisions": ["cn.test/art-9"]}, "the policies have no provision `cn.test/art-9`"),
        ({"provisions": None, "requirement": "cn.assessment"}, "a requirement itself cannot be signed off"),
    ],
)
def test_what_cannot_be_signed_off_is_refused_with_the_reason(evaluate, sign, changes, detail):
    """Nothing is kept of it."""
    answer = sign(decided(evaluate)["id"], **changes)
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:fifthfactor:problem:not-signable")
    assert detail in answer.json()["detail"]
    assert decided(evaluate)["outcome"] == "review"


def test_a_permit_has_nothing_to_sign_off(evaluate, sign):
    """Where the provision does not stand it cannot be signed off."""
    answer = sign(evaluate().json()["id"])
    assert (answer.status_code, "asks for no review" in answer.json()["detail"]) == (409, True)


def test_what_only_may_stand_is_refused_with_the_fact_that_is_missing(evaluate, sign):
    """An approval of it would be a guess: the fact is asked for, and nothing of the approval is kept."""
    open_ = decided(evaluate, data={})
    assert (open_["outcome"], open_["questions"][0]["fact"]) == ("undetermined", "data.people")
    answer = sign(open_["id"])
    assert (answer.status_code, answer.json()["type"]) == (409, "urn:fifthfactor:problem:not-signable")
    assert answer.json()["detail"] == (
        "`cn.test/art-1` only may stand, and a signature never takes the place of a missing fact; find out first: `data.people`"
    )
    again = decided(evaluate, data={})
    assert (again["outcome"], "signed_off" in again) == ("undetermined", False)


def test_a_requirement_that_only_may_be_met_in_doubt_is_refused_with_the_fact_that_is_missing(
    evaluate, sign, service, tmp_path
):
    """So it is where the requirement is named in place of its grounds; once the fact is known, it can be signed off."""
    ground = """\
  - {id: art-2, title: two, cite: Art. 2, says: so, source: none, status: confirmed, require: cn.paper}
  - {id: art-3, title: three, cite: Art. 3, says: so, source: none, status: unsure, when: {recipient.country: US}, satisfies: cn.paper}
"""
    paper = "requirements:\n  cn.paper: {jurisdiction: CN, title: a paper, how: write it}\n"
    (tmp_path / "rules.yaml").write_text((POLICIES / "rules.yaml").read_text() + ground)
    (tmp_path / "vocabulary.yaml").write_text((POLICIES / "vocabulary.yaml").read_text() + paper)
    service.policies.live = Live.of(engine.load(tmp_path), "checked")
    asked = {"provisions": None, "requirement": "cn.paper"}
    few = {"data": {"people": 1}}
    answer = sign(decided(evaluate, recipient={}, **few)["id"], **asked)
    assert (answer.status_code, answer.json()["detail"].partition("; ")[2]) == (409, "find out first: `recipient.country`")
    answer = sign(decided(evaluate, **few)["id"], **asked)
    assert (answer.status_code, answer.json()["then"]["outcome"]) == (201, "permitted")


def test_what_stands_only_with_another_approval_is_signed_off_after_it(client, evaluate, sign, service, tmp_path):
    """A doubtful exemption that another doubtful one puts in doubt: alone its approval would do nothing, afterwards it frees."""
    law = "cite: Art. 2, says: so, source: none, in_force: {from: 2024-01-01}"
    chain = f"""\
  - {{id: bar, title: two, {law}, status: confirmed, prohibit: no}}
  - {{id: lift, title: two, {law}, status: unsure, exempts: [bar]}}
  - {{id: unless, title: two, {law}, status: confirmed, exempts: [lift]}}
  - {{id: doubt, title: two, {law}, status: unsure, exempts: [unless]}}
"""
    (tmp_path / "rules.yaml").write_text((POLICIES / "rules.yaml").read_text() + chain)
    (tmp_path / "vocabulary.yaml").write_text((POLICIES / "vocabulary.yaml").read_text())
    service.policies.live = Live.of(engine.load(tmp_path), "checked")
    few = {"data": {"people": 1}}
    first = decided(evaluate, **few)
    refused = sign(first["id"], provisions=["cn.test/lift"])
    assert (refused.status_code, "in doubt for another reason" in refused.json()["detail"]) == (409, True)
    assert sign(first["id"], provisions=["cn.test/doubt"]).json()["then"]["outcome"] == "review"
    assert sign(first["id"], provisions=["cn.test/lift"]).json()["then"]["outcome"] == "permitted"
    assert decided(evaluate, **few)["outcome"] == "permitted"
    assert sign(first["id"], provisions=["cn.test/doubt"], verdict="refuse", until=None).status_code == 201
    again = decided(evaluate, **few)
    # No fact could close it, so the bounds stay apart and the word is `review`.
    assert (again["outcome"], "signed_off" in again, again["bounds"]["highest"]) == ("review", False, "prohibited")
    assert sign(again["id"], provisions=["cn.test/lift"], verdict="refuse", until=None).status_code == 201


def test_an_approval_from_before_of_what_only_may_stand_does_not_count(client, evaluate, sign, service, audited):
    """It stays listed, and can be taken back; the exchange is as open as without it."""
    open_ = decided(evaluate, data={})
    assert sign(decided(evaluate)["id"]).status_code == 201
    request = client.get(f"/v1/decisions/{open_['id']}").json()["record"]["request"]
    with service.store.database.writing.begin() as connection:
        facts = engine.facts_digest(service.live.bundle, request)
        connection.execute(sa.update(rows).values(facts=facts, decision=open_["id"]))
    sealed_again(service)
    audited.append("the leaves say otherwise than the row `sign_off` (number 0) in `decision`, `facts`")
    again = decided(evaluate, data={})
    assert (again["outcome"], again["bounds"], "signed_off" in again) == ("undetermined", open_["bounds"], False)
    assert client.get(f"/v1/decisions/{again['id']}/replay").json()["same"] == "bytes"
    [listed] = client.get(f"/v1/decisions/{open_['id']}/sign-offs").json()["sign_offs"]
    assert (listed["provision"], listed["verdict"]) == ("cn.test/art-1", "approve")
    assert sign(again["id"], verdict="refuse", until=None).status_code == 201


def test_only_what_certainly_stands_is_offered(client, evaluate, sign, service, tmp_path):
    """Of two reviews the one that a missing fact leaves open is in no list."""
    text = (POLICIES / "rules.yaml").read_text()
    text += (
        text[text.index("  - id: art-1") :]
        .replace("art-1", "art-2")
        .replace("data.people: {at_least: 10 thousand}", "recipient.country: US")
    )
    (tmp_path / "rules.yaml").write_text(text)
    (tmp_path / "vocabulary.yaml").write_text((POLICIES / "vocabulary.yaml").read_text())
    service.policies.live = Live.of(engine.load(tmp_path), "checked")
    found = decided(evaluate, data={})
    assert found["outcome"] == "review"
    stored = service.store.read(found["id"])
    record = with_personal_values(stored.entry.leaf, stored.entry.openings)
    assert record["signable"] == ["cn.test/art-2"]
    assert found["beneath"] == {"lowest": "permitted", "highest": "review"}
    found_anew(service)
    reviews = client.get("/v1/reviews").json()["reviews"]
    assert [(each["id"], each["provisions"]) for each in reviews] == [(found["id"], ["cn.test/art-2"])]
    answer = sign(found["id"], provisions=["cn.test/art-2"])
    assert (answer.status_code, answer.json()["then"]["outcome"]) == (201, "undetermined")
    assert client.get("/v1/reviews").json()["reviews"] == []


@pytest.mark.parametrize(
    ("changes", "pointer"),
    [
        ({"provisions": []}, "/provisions"),
        ({"provisions": None}, ""),
        ({"requirement": "cn.assessment"}, ""),
        ({"until": None}, ""),
        ({"until": "soon"}, "/until"),
        ({"verdict": "perhaps"}, "/verdict"),
        ({"reason": " "}, "/reason"),
        ({"by": "somebody else"}, "/by"),
    ],
)
def test_a_body_that_is_not_as_described_is_refused_at_its_place(evaluate, sign, changes, pointer):
    """With the JSON Pointer, and never with what was sent."""
    answer = sign(decided(evaluate)["id"], **changes)
    assert (answer.status_code, answer.json()["type"]) == (400, "urn:fifthfactor:problem:sign-off-refused")
    assert pointer in [each["pointer"] for each in answer.json()["errors"]]


def test_an_unknown_decision_has_no_sign_offs(client, sign):
    """Neither to be given nor to be read."""
    assert sign("nothing").status_code == 404
    assert client.get("/v1/decisions/nothing/sign-offs").status_code == 404


@BOTH_DATABASES
def test_erased_facts_cannot_be_signed_off_and_end_their_approvals(evaluate, sign, service):
    """The digest that might confirm what was erased is gone, and with it what it bound."""
    first = decided(evaluate)
    assert sign(first["id"]).status_code == 201
    asyncio.run(service.store.erase(first["id"]))
    answer = sign(first["id"])
    assert (answer.status_code, "erased" in answer.json()["detail"]) == (409, True)
    assert decided(evaluate)["outcome"] == "review"
    with service.store.database.reading.connect() as connection:
        assert connection.execute(sa.select(rows.c.facts)).scalars().all() == [None]
    _, _, signed, erasure = happened(service.store)
    assert (signed["kind"], signed["verdict"], "reason" in signed) == ("sign-off", "approve", False)
    assert [name for _, name in erasure["openings"]] == ["anchor", "facts"]
    assert ("facts", None) in opened(service.store)


def test_what_an_approval_rests_on_is_not_erased(client, evaluate, sign):
    """Until it has ended; a refusal in its place ends it."""
    first = decided(evaluate)
    assert sign(first["id"]).status_code == 201
    answer = client.post(f"/v1/decisions/{first['id']}/erase")
    assert (answer.status_code, [each["code"] for each in answer.json()["errors"]]) == (409, ["signed-off"])
    assert "the approval of `cn.test/art-1` stands until" in answer.json()["errors"][0]["detail"]
    assert decided(evaluate)["outcome"] == "permitted"
    refused = decided(evaluate)["id"]
    assert sign(refused, verdict="refuse", until=None).status_code == 201
    answer = client.post(f"/v1/decisions/{refused}/erase")  # without the refusal the approval would count again
    assert (answer.status_code, "ends an approval that was given until" in answer.json()["errors"][0]["detail"]) == (409, True)
    for id in (first["id"], refused):
        assert client.post(f"/v1/decisions/{id}/erase").json()["erased"] > 0


def test_an_approval_is_of_what_the_provision_means(evaluate, sign, service, audited):
    """A row of another meaning does not count, as after a change of the policies."""
    assert sign(decided(evaluate)["id"]).status_code == 201
    with service.store.database.writing.begin() as connection:
        connection.execute(sa.update(rows).values(meaning="0" * 64))
    sealed_again(service)
    audited.append("the leaves say otherwise than the row `sign_off` (number 0) in `meaning`")
    assert decided(evaluate)["outcome"] == "review"


def test_reasons_and_facts_stay_out_of_the_log_lines(evaluate, sign, lines):
    """What a reviewer writes may name people."""
    sign(decided(evaluate)["id"], reason="Wang Fang said so")
    assert "Wang Fang" not in lines.getvalue()
    assert lines.events("request")[-1]["verdict"] == "approve"


def test_what_waits_is_listed_until_somebody_looks_at_it(client, evaluate, sign):
    """Newest first, once for each facts; a verdict closes every decision on the same facts."""
    decided(evaluate)
    again = decided(evaluate)
    other = decided(evaluate, recipient={"id": "another", "country": "US"})
    evaluate()  # a permit
    found = client.get("/v1/reviews").json()
    assert [each["id"] for each in found["reviews"]] == [other["id"], again["id"]]
    [_, review] = found["reviews"]
    assert review["provisions"] == ["cn.test/art-1"]
    assert review["beneath"] == {"lowest": "permitted", "highest": "permitted"}
    assert (review["current"], review["exporter_country"], found["next"]) == (True, "CN", None)
    first = client.get("/v1/reviews?limit=1").json()
    assert [each["id"] for each in first["reviews"]] == [other["id"]]
    assert client.get(f"/v1/reviews?limit=1&cursor={first['next']}").json()["reviews"][0]["id"] == again["id"]
    sign(again["id"], verdict="refuse", until=None)
    assert [each["id"] for each in client.get("/v1/reviews").json()["reviews"]] == [other["id"]]


@pytest.mark.parametrize("query", ["limit=0", "limit=many", "cursor=x"])
def test_a_list_of_reviews_is_asked_for_rightly(client, query):
    """What is not understood is refused."""
    assert client.get(f"/v1/reviews?{query}").status_code == 400


def test_a_decision_of_other_policies_must_be_made_again_first(evaluate, sign, service, monkeypatch):
    """Nobody can tell what its provisions meant by looking at those that are loaded."""
    id = decided(evaluate)["id"]
    other = engine.load(POLICIES, engine.PolicySettings(trust="from-memory"))
    service.policies.live = Live.of(other, "checked")
    answer = sign(id)
    assert (answer.status_code, "the policies have changed" in answer.json()["detail"]) == (409, True)


@pytest.mark.parametrize("lang", engine.LANGUAGES)
def test_a_decision_that_rests_on_a_sign_off_is_replayed_and_explained_with_it(client, evaluate, sign, lang):
    """Byte for byte, even after the approval was taken back."""
    sign(decided(evaluate)["id"])
    before = alike(client, FACTS, "all", lang)
    assert {each["source"] for each in before["rests_on"]} >= {"signed"}
    sign(before["id"], verdict="refuse", until=None)
    assert decided(evaluate)["outcome"] == "review"
    found = client.get(f"/v1/decisions/{before['id']}/replay").json()
    assert (found["holds"], found["same"]) == (True, "bytes")
    assert client.get(f"/v1/decisions/{before['id']}/explanation?include=all").json() == before
