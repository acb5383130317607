"""The queue: everything that waits for a person and nothing else, by age and by duty; who it is assigned to, and what is said of it."""

import asyncio
import json
import re
from dataclasses import replace
from datetime import date, timedelta
from typing import Any

import pytest
import sqlalchemy as sa

import engine
from service.callers import keys, known_persons
from service.callers.caller import LOCAL
from service.log.tree_leaves import ERASURE
from service.policies.live import Live
from service.reviews import queue
from service.reviews.reviewer import Reviewer
from service.store.tables import review_case, review_note
from tests.service.conftest import BOTH_DATABASES, POLICIES
from tests.service.log.test_tree_leaves import happened
from tests.service.reviews.conftest import ISSUER, PEOPLE, Desk
from tests.service.reviews.test_sign_off import APPROVE, TODAY, TOMORROW, found_anew

pytestmark = pytest.mark.usefixtures("audited")


def waiting(desk: Desk, query: str = "", who: str = "bo") -> Any:
    """The queue as somebody reads it."""
    answer = desk.client.get(f"/v1/reviews{query}", headers=desk.bearer(who))
    assert answer.status_code == 200, answer.text
    return answer.json()["reviews"]


def said(desk: Desk, id: str, path: str, body: dict[str, Any], who: str = "bo", **headers: str) -> Any:
    """What somebody says of a review; the answer's response."""
    return desk.client.post(f"/v1/decisions/{id}/review/{path}", json=body, headers={**desk.bearer(who), **headers})


@BOTH_DATABASES
def test_a_decision_on_the_same_facts_takes_the_place_of_an_older_one(desk, service, tmp_path):
    """A newer review waits in its place; one that is no review any more, under other policies, leaves nothing that waits."""
    desk.ask()
    newer = desk.ask()["id"]
    assert [each["id"] for each in waiting(desk)] == [newer]
    (tmp_path / "milder").mkdir()
    (tmp_path / "milder" / "rules.yaml").write_text((POLICIES / "rules.yaml").read_text().replace("10 thousand", "1 million"))
    (tmp_path / "milder" / "vocabulary.yaml").write_text((POLICIES / "vocabulary.yaml").read_text())
    service.policies.live = Live.of(engine.load(tmp_path / "milder"), "checked")
    assert [each["current"] for each in waiting(desk)] == [False]
    assert desk.ask()["outcome"] != "review"
    assert waiting(desk) == []


@BOTH_DATABASES
def test_pages_of_the_queue_have_each_case_once_in_every_order(desk, service):
    """Also where some have no day on which a duty falls due, and where an approval has ended; `second` leaves out what nobody signed."""
    ids = [desk.ask(recipient={"id": f"lab-{each}", "country": "US"})["id"] for each in range(6)]
    desk.sign("ada", ids[4])
    days = [None, "2027-02-01", "2027-01-01", None, "2026-12-01", "2027-02-01"]
    with service.store.database.transaction() as transaction:
        for id, day in zip(ids, days, strict=True):
            transaction.execute(sa.update(review_case).where(review_case.c.decision == id).values(due=day))
    now, later = service.clock(), TODAY + timedelta(days=2)  # when the approval has ended

    def paged(order: queue.Order, day: date, limit: int, **wanted: Any) -> list[str]:
        found: list[str] = []
        place = None
        with service.store.database.reading.connect() as connection:
            while True:
                some = queue.page(connection, service.live, now, day, None, queue.QueueFilter(**wanted), order, place, limit)
                found += [each.id for each in some]
                if not some:
                    return found
                place = queue.place_of(some[-1], order)

    for limit in (1, 2, 10):
        assert paged("oldest", later, limit) == ids
        assert paged("newest", later, limit) == ids[::-1]
        assert paged("due", later, limit) == [ids[each] for each in (4, 2, 1, 5, 0, 3)]
        assert paged("due", TODAY, limit) == [ids[each] for each in (2, 1, 5, 0, 3)]
        assert paged("newest", TODAY, limit, assignee="none", provision="cn.test/art-1") == [
            ids[each] for each in (5, 3, 2, 1, 0)
        ]
        assert paged("oldest", TODAY, limit, kind="second") == paged("oldest", TODAY, limit, provision="CN.TEST/ART-1") == []


def test_what_was_approved_waits_again_once_the_approval_ended(desk, service):
    """Before its end it is listed among what ends soon; on the day after, it waits."""
    id = desk.ask()["id"]
    desk.sign("ada", id)
    with service.store.database.reading.connect() as connection:
        now = queue.read(connection, service.live, TODAY, None)
        later = queue.read(connection, service.live, TODAY + timedelta(days=2), None)
    assert ([each.id for each in now.waiting], [str(each.ends) for each in now.ending]) == ([], [TOMORROW])
    assert ([each.id for each in later.waiting], later.ending) == ([id], ())


def test_what_waits_for_a_second_person_says_who_signed(desk, service):
    """It is of a kind of its own beside that of the review."""
    service.policies.live = replace(service.live, persons=2)
    id = desk.ask()["id"]
    given = desk.sign("ada", id).json()["sign_offs"][0]
    [review] = waiting(desk, "?kind=second")
    assert (review["kinds"], review["second"]) == (["review", "second"], [{"provision": "cn.test/art-1", "by": [given["by"]]}])
    desk.sign("bo", id)
    assert waiting(desk) == []


def test_a_refusal_and_an_erasure_end_the_waiting(desk, service):
    """Asked again, what was refused does not wait again; a case of erased values is deleted with its digest."""
    id = desk.ask()["id"]
    desk.sign("bo", id, verdict="refuse", until=None)
    assert waiting(desk) == []
    desk.ask()
    assert waiting(desk) == []
    other = desk.ask(recipient={"id": "another", "country": "US"})["id"]
    assert [each["id"] for each in waiting(desk)] == [other]
    asyncio.run(service.store.erase(other))
    assert waiting(desk) == []
    with service.store.database.reading.connect() as connection:
        assert other not in connection.execute(sa.select(review_case.c.decision)).scalars().all()


def test_what_cannot_be_settled_by_a_person_does_not_wait(desk):
    """A missing fact, a permit and a refusal are no reviews."""
    desk.ask(data={})
    desk.ask(data={"people": 5})
    assert waiting(desk) == []


def test_a_gap_that_an_acceptance_would_close_waits_and_cannot_be_signed_off(client, service, tmp_path):
    """No policy covers the exporter's country: it is listed as a gap, with the place and the subject matter."""
    client.post("/v1/evaluate", json={"exporter": {"country": "KE"}, "recipient": {"country": "US"}, "data": {"people": 5}})
    found = client.get("/v1/reviews").json()["reviews"]
    assert [(each["kinds"], each["provisions"]) for each in found] == [(["gap"], [])]
    thread = client.get(f"/v1/decisions/{found[0]['id']}/review").json()
    assert (thread["waits"], [each["place"] for each in thread["gaps"]], thread["provisions"]) == (True, ["KE"], [])
    refused = client.post(f"/v1/decisions/{found[0]['id']}/sign-off", json=APPROVE)
    assert refused.status_code == 409


def test_the_queue_is_read_by_age_and_filtered(desk, service):
    """The oldest first or the newest; by countries, provision, age and whom it is assigned to; a page goes on where the last ended."""
    ids = [
        desk.ask(recipient={"id": f"lab-{each}", "country": country})["id"] for each, country in enumerate(("US", "KE", "US"))
    ]
    assert [each["id"] for each in waiting(desk, "?order=oldest")] == ids
    assert [each["id"] for each in waiting(desk)] == ids[::-1]
    assert [each["id"] for each in waiting(desk, "?order=due")] == ids
    assert [each["id"] for each in waiting(desk, "?recipient_country=KE&exporter_country=CN")] == [ids[1]]
    assert len(waiting(desk, "?provision=cn.test/art-1&older_than=0")) == 3
    assert waiting(desk, "?older_than=1") == waiting(desk, "?provision=none") == waiting(desk, "?kind=lift") == []
    first = desk.client.get("/v1/reviews?order=oldest&limit=2", headers=desk.bearer("bo")).json()
    desk.sign("bo", ids[1])
    second = desk.client.get(f"/v1/reviews?order=oldest&limit=2&cursor={first['next']}", headers=desk.bearer("bo")).json()
    assert ([each["id"] for each in second["reviews"]], second["next"]) == ([ids[2]], None)
    for wrong in ("?order=odd", "?kind=odd", "?older_than=-1", f"?limit=2&cursor={first['next']}"):
        assert desk.client.get(f"/v1/reviews{wrong}", headers=desk.bearer("bo")).status_code == 400


@BOTH_DATABASES
def test_a_review_is_assigned_to_a_person_and_comments_are_kept(desk, service):
    """To oneself, to a person whom the service knows, to nobody any more; all of it is in leaves, in order."""
    id = desk.ask()["id"]
    person = {"issuer": ISSUER, "subject": "bo"}
    assert said(desk, id, "assign", {"to": "me"}, "ada").json()["to"]["person"]["subject"] == "ada"
    assert [each["id"] for each in waiting(desk, "?assignee=me", "ada at home")] == [id]
    assert said(desk, id, "assign", {"to": person}, "ada").status_code == 201
    assert (waiting(desk, "?assignee=me", "ada"), len(waiting(desk, "?assignee=me", "bo"))) == ([], 1)
    assert said(desk, id, "assign", {"to": {**person, "subject": "nobody"}}).status_code == 404
    comment = said(desk, id, "comments", {"text": "  the contract is with counsel\nuntil Friday "})
    assert (comment.status_code, comment.json()["text"]) == (201, "the contract is with counsel\nuntil Friday")
    assert said(desk, id, "assign", {"to": None}).json()["to"] is None
    assert len(waiting(desk, "?assignee=none")) == 1
    thread = desk.client.get(f"/v1/decisions/{id}/review", headers=desk.bearer("cy")).json()
    assert [each["kind"] for each in thread["notes"]] == ["assigned", "assigned", "comment", "assigned"]
    assert thread["notes"][2]["by"]["person"] == {"issuer": ISSUER, "subject": "bo", "name": "Bo"}
    again = desk.ask()["id"]
    said(desk, again, "assign", {"to": "me"})
    assert waiting(desk, "?assignee=me")[0]["id"] == again


def test_an_assignment_stays_where_the_same_facts_are_asked_again(desk):
    """The newer decision waits with whoever had the older one."""
    said(desk, desk.ask()["id"], "assign", {"to": "me"})
    newer = desk.ask()["id"]
    assert [each["id"] for each in waiting(desk, "?assignee=me")] == [newer]


@pytest.mark.parametrize(
    "body",
    [
        {"text": ""},
        {"text": "  "},
        {"text": "a\u0000b"},
        {"text": "a\u001b[31m"},
        {"text": "a\u202eb"},
        {"text": "x" * 4_001},
        {},
    ],
)
def test_a_comment_is_plain_text_of_a_bounded_length(desk, body):
    """Control characters, such that turn the direction of text, an empty text and a long one are refused."""
    assert said(desk, desk.ask()["id"], "comments", body).status_code == 400


@pytest.mark.parametrize(
    "text", ["经律师审阅，\u3000可以传输。", "\U0001f469\u200d\u2695\ufe0f agrees", "\U0001a4b3", "a\u00a0b\tc\nd"]
)
@BOTH_DATABASES
def test_a_comment_may_be_in_any_script(desk, text):
    """With wide spaces, joined signs, and characters of which this Python does not know yet."""
    assert said(desk, desk.ask()["id"], "comments", {"text": text}).json()["text"] == text


def test_a_comment_that_is_sent_again_is_kept_once(desk, service):
    """With an `Idempotency-Key` the second call gets the first answer."""
    id = desk.ask()["id"]
    first, second = (said(desk, id, "comments", {"text": "seen"}, **{"Idempotency-Key": "a"}) for _ in range(2))
    assert (first.json(), second.headers["idempotency-replayed"]) == (second.json(), "true")
    with service.store.database.reading.connect() as connection:
        assert connection.execute(sa.select(sa.func.count()).select_from(review_note)).scalar_one() == 1


@BOTH_DATABASES
def test_comments_are_erased_with_the_decision(desk, service):
    """The text is gone from the row and from beside the leaf, and nothing can be said of the decision any more."""
    id = desk.ask()["id"]
    said(desk, id, "comments", {"text": "Wang Fang called"})
    asyncio.run(service.store.erase(id))
    thread = desk.client.get(f"/v1/decisions/{id}/review", headers=desk.bearer("bo")).json()
    assert ([each["text"] for each in thread["notes"]], thread["waits"]) == ([None], False)
    erasure = happened(service.store)[-1]
    assert (erasure["kind"], [name for _, name in erasure["openings"]]) == (ERASURE, ["text"])
    assert said(desk, id, "comments", {"text": "again"}).status_code == 409


def test_only_reviewers_speak_and_read(desk, service):
    """Every address of a review needs the scope `review`."""
    id = desk.ask()["id"]

    with service.store.database.transaction() as transaction:
        reader = keys.create(transaction, "reader", ["read", "evaluate"], None, "test", service.clock())[1]
    headers = {"Authorization": f"Bearer {reader}"}
    for path, body in (("review/comments", {"text": "a"}), ("review/assign", {"to": "me"}), ("sign-off/preview", {})):
        assert desk.client.post(f"/v1/decisions/{id}/{path}", json=body, headers=headers).status_code == 403
    assert desk.client.get(f"/v1/decisions/{id}/review", headers=headers).status_code == 403


def test_what_an_approval_would_change_is_shown_before_it_is_given(desk, service):
    """Now, with each provision, with all, and how many persons have to sign; nothing is recorded, and what cannot be signed is refused."""
    id = desk.ask()["id"]
    before = service.store.records

    def preview(body, of=id):
        return desk.client.post(f"/v1/decisions/{of}/sign-off/preview", json=body, headers=desk.bearer("bo"))

    found = preview({}).json()
    assert (found["now"]["outcome"], found["now"]["still"]) == ("review", ["cn.test/art-1"])
    assert [(each["provisions"], each["outcome"], each["still"]) for each in found["each"]] == [
        (["cn.test/art-1"], "permitted", [])
    ]
    assert (found["all"]["outcome"], found["needed"], found["given"]) == (
        "permitted",
        {"cn.test/art-1": 1},
        {"cn.test/art-1": 0},
    )
    assert service.store.records == before
    assert preview({"provisions": ["cn.test/art-9"]}).status_code == 409
    assert preview({"provisions": "all"}).status_code == 400
    assert preview({}, "nothing").status_code == 404
    desk.sign("ada", id)
    assert preview({}).json()["now"]["outcome"] == "permitted"


@BOTH_DATABASES
def test_the_cases_of_older_records_are_taken_in_beside_the_requests(desk, service):
    """From the newest down, with what was signed of them; it ends, and finds the same as was there."""
    ids = [desk.ask(recipient={"id": f"lab-{each}", "country": "US"})["id"] for each in range(25)]
    desk.sign("ada", ids[3])
    desk.sign("ada", ids[4], verdict="refuse", until=None)
    before = [each["id"] for each in waiting(desk, "?limit=100")]
    found_anew(service)
    assert [each["id"] for each in waiting(desk, "?limit=100")] == before
    assert len(before) == 23


def test_a_person_is_told_by_the_name_she_has_now(desk, service):
    """Her issuer calls her otherwise: her earlier comments show the new name, since the row of the person has it."""
    id = desk.ask()["id"]
    said(desk, id, "comments", {"text": "seen"})
    with service.store.database.transaction() as transaction:
        known_persons.known(transaction, replace(PEOPLE["bo"], name="Bo Li"), service.clock())
    thread = json.loads(desk.client.get(f"/v1/decisions/{id}/review", headers=desk.bearer("ada")).text)
    assert thread["notes"][0]["by"]["person"]["name"] == "Bo Li"


def shown_in_navigation(desk: Desk, who: str = "bo", path: str = "/log") -> str:
    """The number beside the link to the queue, on a page."""
    page = desk.client.get(path, headers={**desk.bearer(who), "accept": "text/html"}).text
    found = re.search(r'href="/review"[^>]*>Review(?: <span class="count">([^<]*)<)?', page)
    assert found
    return found[1] or ""


@BOTH_DATABASES
def test_the_navigation_says_how_many_wait(desk, service):
    """On every page, to whoever may review; of very many it says that there are more, and reads no more rows than these."""
    assert shown_in_navigation(desk) == ""
    ids = [desk.ask(recipient={"id": f"lab-{each}", "country": "US"})["id"] for each in range(3)]
    assert [shown_in_navigation(desk, path=path) for path in ("/", "/log", "/review", f"/log/{ids[0]}")] == ["3"] * 4
    desk.sign("ada", ids[0])
    assert shown_in_navigation(desk) == "2"
    with service.store.database.transaction() as transaction:
        transaction.execute(sa.update(review_case).where(review_case.c.decision == ids[0]).values(until="2020-01-01"))
        desk.made["reader"] = keys.create(transaction, "reader", ["read"], None, "test", service.clock())[1]
        row = transaction.execute(sa.select(review_case).where(review_case.c.decision == ids[1])).mappings().one()
        more = [{**row, "facts": f"{each}", "decision": f"{each}"} for each in range(200)]
        transaction.execute(sa.insert(review_case), more)
    assert shown_in_navigation(desk, "reader") == ""
    assert shown_in_navigation(desk) == "99+"
    with service.store.database.transaction() as transaction:
        transaction.execute(sa.delete(review_case).where(sa.func.length(review_case.c.facts) < 5))


def test_what_waits_is_counted_by_indexes(service):
    """However many records there are, the frame of a page reads no more of them than it counts."""
    plans: list[str] = []

    def explain(connection: Any, cursor: Any, statement: str, parameters: Any, context: Any, many: bool) -> None:
        raw = connection.connection.driver_connection
        plans.extend(row[3] for row in raw.execute(f"EXPLAIN QUERY PLAN {statement}", parameters))

    sa.event.listen(service.store.database.reading, "before_cursor_execute", explain)
    try:
        with service.store.database.reading.connect() as connection:
            reviewer = Reviewer.of(connection, LOCAL, service.live, None)
            plans.clear()
            assert queue.for_frame(connection, service.live, TODAY, None, reviewer) == 0
    finally:
        sa.event.remove(service.store.database.reading, "before_cursor_execute", explain)
    assert len([each for each in plans if each.startswith("SEARCH review_case USING INDEX")]) == 2
    assert not [each for each in plans if each.startswith("SCAN") or "TEMP B-TREE FOR ORDER" in each]


def test_the_queue_is_grouped_by_who_can_do_something(desk, service, tmp_path):
    """What she can sign, what others can, and what has to be decided again first; the navigation counts the first alone."""
    mine, other = desk.ask("bo")["id"], desk.ask(recipient={"id": "lab-2", "country": "US"})["id"]
    signed = desk.ask(recipient={"id": "lab-3", "country": "US"})["id"]
    service.policies.live = replace(service.live, persons=2)
    desk.sign("bo", signed)
    assert {each["id"]: each["group"] for each in waiting(desk)} == {mine: "others", other: "yours", signed: "others"}
    assert [each["id"] for each in waiting(desk, "?group=yours")] == [other]
    assert {each["id"] for each in waiting(desk, "?group=others")} == {mine, signed}
    assert {each["group"] for each in waiting(desk, who="program")} == {"others"}
    assert [shown_in_navigation(desk, who) for who in ("bo", "ada", "program")] == ["1", "3", ""]
    for lang, said in (("en", "You can sign"), ("zh", "您可签核")):
        page = desk.client.get(f"/review?lang={lang}", headers=desk.bearer("bo")).text
        assert (said in page, f"/review/{other}" in page, f"/review/{mine}" in page) == (True, True, False)
        page = desk.client.get(f"/review?lang={lang}&group=others", headers=desk.bearer("bo")).text
        assert (f"/review/{other}" in page, f"/review/{mine}" in page, f"/review/{signed}" in page) == (False, True, True)
    assert desk.client.get("/v1/reviews?group=odd", headers=desk.bearer("bo")).status_code == 400
    (tmp_path / "others").mkdir()
    for name in ("rules.yaml", "vocabulary.yaml"):
        text = (POLICIES / name).read_text().replace("10 thousand", "11 thousand")
        (tmp_path / "others" / name).write_text(text)
    service.policies.live = Live.of(engine.load(tmp_path / "others"), "checked")
    assert {each["group"] for each in waiting(desk)} == {"again"}
    assert shown_in_navigation(desk) == ""


PDF = b"%PDF-1.4 what counsel wrote"


def kept_file(desk: Desk, who: str = "bo") -> str:
    """The hash of a file that somebody sent."""
    headers = {**desk.bearer(who), "content-type": "application/octet-stream"}
    answer = desk.client.post("/v1/documents", content=PDF, headers=headers)
    assert answer.status_code in (200, 201), answer.text
    return str(answer.json()["sha256"])


@BOTH_DATABASES
def test_a_file_is_attached_to_a_review_with_a_comment(desk, service):
    """It is read by whoever reads the log, is no document of the exchange, is kept once, and is erased with the decision."""
    first = desk.ask()
    id, sha256 = first["id"], kept_file(desk)
    for text in ("what counsel wrote", "the same again"):
        assert said(desk, id, "comments", {"text": text, "file": sha256}).status_code == 201
    thread = json.loads(desk.client.get(f"/v1/decisions/{id}/review", headers=desk.bearer("ada")).text)
    assert [each["text"] for each in thread["notes"]] == ["what counsel wrote", "the same again"]
    assert [(each["name"], each["sha256"], each["size"]) for each in thread["files"]] == [("review.1", sha256, len(PDF))]
    assert desk.client.get(f"/v1/documents/{sha256}", headers=desk.bearer("ada")).content == PDF
    listed = desk.client.get(f"/v1/decisions/{id}/documents", headers=desk.bearer("ada")).json()["documents"]
    assert "review.1" not in [each["name"] for each in listed]
    assert desk.client.post(f"/v1/decisions/{id}/sign-off/preview", json={}, headers=desk.bearer("ada")).status_code == 200
    assert desk.ask()["outcome"] == first["outcome"]
    unknown = said(desk, id, "comments", {"text": "another", "file": "0" * 64})
    assert (unknown.status_code, unknown.json()["type"]) == (409, "urn:fifthfactor:problem:not-attachable")
    assert len(json.loads(desk.client.get(f"/v1/decisions/{id}/review", headers=desk.bearer("ada")).text)["notes"]) == 2
    asyncio.run(service.store.erase(id))
    assert desk.client.get(f"/v1/documents/{sha256}", headers=desk.bearer("ada")).status_code == 404


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_takes_a_file_with_a_comment(desk, lang):
    """A comment without one goes through the same form; what is no document is refused, and nothing is kept of it."""
    id = desk.ask()["id"]

    def page() -> str:
        return str(desk.client.get(f"/review/{id}?lang={lang}", headers=desk.bearer("bo")).text)

    [token, *_] = re.findall(r'name="token" value="([0-9a-f]+)"', page())

    def send(text: str, content: bytes, token: str = token) -> int:
        fields = {"token": token, "do": "comment", "text": text}
        files = {"file": ("memo.pdf", content, "application/pdf")}
        address = f"/review/{id}?lang={lang}"
        return int(
            desk.client.post(address, data=fields, files=files, headers=desk.bearer("bo"), follow_redirects=False).status_code
        )

    assert send("without a file", b"") == 303
    assert send("with one", PDF) == 303
    assert send("with a program", b"MZ\x00\x01") == 415
    assert send("with one", PDF, "0" * 64) == 403
    shown = page()
    assert [text in shown for text in ("without a file", "with one", "with a program")] == [True, True, False]
    assert len(re.findall(r'href="/log/documents/([0-9a-f]{64})" download', shown)) == 1
