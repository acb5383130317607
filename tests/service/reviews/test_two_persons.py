"""Two persons where the provision or a setting says so, and nobody for what she asked for herself."""

import asyncio
import json
from dataclasses import replace
from datetime import timedelta

import httpx
import pytest
import sqlalchemy as sa

import engine
from service.callers import keys, known_persons
from service.callers.person import Person
from service.languages.words import wording
from service.policies.live import Live
from service.store.tables import caller, person
from tests.service.conftest import BOTH_DATABASES, POLICIES
from tests.service.reviews.conftest import ISSUER, PEOPLE
from tests.service.reviews.test_sign_off import APPROVE, FACTS, TODAY, TOMORROW

pytestmark = pytest.mark.usefixtures("audited")

LATER = (TODAY + timedelta(days=9)).isoformat()


@pytest.fixture
def two(service):
    """The setting asks for two persons."""
    service.policies.live = replace(service.live, persons=2)


def test_an_approval_counts_once_two_persons_have_signed(desk, two, service):
    """One signature changes nothing; with the second the exchange may go ahead, and both are named until the earlier last day."""
    id = desk.ask()["id"]
    first = desk.sign("ada", id, until=LATER)
    assert (first.status_code, first.json()["then"]["outcome"]) == (201, "review")
    assert first.json()["awaits"] == [{"provision": "cn.test/art-1", "needed": 2, "given": 1}]
    assert first.json()["sign_offs"][0]["person"] == {"issuer": ISSUER, "subject": "ada", "name": "Ada"}
    assert desk.ask()["outcome"] == "review"
    second = desk.sign("bo", id)
    assert (second.json()["then"]["outcome"], second.json()["awaits"]) == ("permitted", [])
    answer = desk.ask()
    [part] = answer["signed_off"]
    one, other = first.json()["sign_offs"][0], second.json()["sign_offs"][0]
    assert (part["sign_off"], part["by"], part["until"]) == (other["id"], other["by"], TOMORROW)
    assert part["also"] == [{"sign_off": one["id"], "by": one["by"], "until": LATER}]
    assert desk.ask(as_of=TOMORROW)["outcome"] == "permitted"
    assert desk.ask(as_of=LATER)["outcome"] == "review"
    replayed = desk.client.get(f"/v1/decisions/{answer['id']}/replay", headers=desk.bearer("ada")).json()
    assert (replayed["holds"], replayed["same"]) == (True, "bytes")


def test_two_keys_of_one_person_are_one_signature(desk, two):
    """Her later one replaces hers; a program's key is nobody and cannot be the second."""
    id = desk.ask()["id"]
    desk.sign("ada", id)
    assert desk.sign("ada at home", id).json()["awaits"][0]["given"] == 1
    assert desk.ask()["outcome"] == "review"
    refused = desk.sign("program", id)
    assert (refused.status_code, "no person" in refused.json()["detail"]) == (409, True)


@BOTH_DATABASES
@pytest.mark.parametrize("issuer", [ISSUER + "/", ISSUER.replace("https", "HTTPS"), ISSUER.upper().replace("HTTPS", "https")])
def test_another_spelling_of_an_issuer_makes_no_second_person(desk, two, service, issuer):
    """Whoever typed the issuer of her key otherwise than it names itself: she is still one of two, and does not approve her own request."""
    with service.store.database.transaction() as transaction:
        scopes, now = ["evaluate", "read", "review"], service.clock()
        _, key = keys.create(transaction, "typed", scopes, None, "test", now, person=Person(issuer, "ada"))
    typed = {"authorization": f"Bearer {key}"}
    id = desk.ask()["id"]
    assert desk.sign("ada", id).status_code == 201
    again = desk.client.post(f"/v1/decisions/{id}/sign-off", json=APPROVE, headers=typed)
    assert (again.status_code, again.json()["awaits"][0]["given"]) == (201, 1)
    assert desk.ask()["outcome"] == "review"
    own = desk.client.post("/v1/evaluate", json=FACTS, headers=typed).json()["id"]
    assert desk.sign("ada", own).json()["type"].endswith(":own-request")


def test_a_refusal_by_anybody_clears_both_signatures(desk, two):
    """Afterwards both have to sign again."""
    id = desk.ask()["id"]
    desk.sign("ada", id)
    desk.sign("bo", id)
    assert desk.ask()["outcome"] == "permitted"
    assert desk.sign("cy", id, verdict="refuse", until=None).status_code == 201
    desk.sign("ada", id)
    assert desk.ask()["outcome"] == "review"
    desk.sign("bo", id)
    assert desk.ask()["outcome"] == "permitted"


def test_a_third_signature_with_an_earlier_end_shortens_the_approval(desk, two):
    """The last two signatures count, and the earlier of their last days."""
    id = desk.ask()["id"]
    desk.sign("ada", id, until=LATER)
    desk.sign("bo", id, until=LATER)
    assert desk.ask(as_of=LATER)["outcome"] == "permitted"
    desk.sign("cy", id, until=TOMORROW)
    assert desk.ask(as_of=LATER)["outcome"] == "review"


def test_a_provision_asks_for_two_persons_itself(desk, service, tmp_path):
    """Its meaning says so too: what one person approved before does not count any more."""
    id = desk.ask()["id"]
    desk.sign("ada", id)
    assert desk.ask()["outcome"] == "permitted"
    text = (POLICIES / "rules.yaml").read_text()
    at = text.index("    review:")
    (tmp_path / "two").mkdir()
    (tmp_path / "two" / "rules.yaml").write_text(text[:at] + "    sign_off_by: 2 persons\n" + text[at:])
    (tmp_path / "two" / "vocabulary.yaml").write_text((POLICIES / "vocabulary.yaml").read_text())
    changed = engine.load(tmp_path / "two")
    assert changed.digests.meaning != service.live.digests.meaning
    service.policies.live = Live.of(changed, "checked")
    again = desk.ask()
    assert again["outcome"] == "review"
    assert desk.sign("bo", again["id"]).json()["awaits"][0]["given"] == 1
    assert desk.sign("ada", again["id"]).json()["then"]["outcome"] == "permitted"


def test_nobody_approves_what_she_asked_for_herself(desk):
    """Not by another key of hers, and not on a colleague's decision on the same facts; she may refuse it."""
    mine = desk.ask("ada")
    for who in ("ada", "ada at home"):
        refused = desk.sign(who, mine["id"])
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:fifthfactor:problem:own-request")
    assert desk.sign("bo", mine["id"]).status_code == 201
    assert desk.ask("cy")["outcome"] == "permitted"
    assert desk.sign("ada", mine["id"], verdict="refuse", until=None).status_code == 201
    again = desk.ask("cy")
    assert (again["outcome"], desk.sign("cy", again["id"]).status_code) == ("review", 403)
    assert desk.sign("ada at home", again["id"]).status_code == 403
    assert desk.sign("bo", again["id"]).status_code == 201


def test_a_programs_key_does_not_approve_its_own_request(desk):
    """The same caller is known by the id of its key; another program may."""
    id = desk.ask("program")["id"]
    assert desk.sign("program", id).status_code == 403
    assert desk.sign("gateway", id).status_code == 201


def test_without_keys_nobody_can_be_told_apart(evaluate, client):
    """On an open desk one person asks and signs, as before; once there are keys, an old request of this machine is nobody's."""
    id = evaluate(json.dumps(FACTS).encode()).json()["id"]
    assert client.post(f"/v1/decisions/{id}/sign-off", json=APPROVE).status_code == 201


@pytest.mark.parametrize("other", [{}, {"verdict": "refuse", "until": None}], ids=["approves", "refuses"])
@BOTH_DATABASES
def test_two_who_sign_at_once_leave_what_one_after_the_other_would(desk, two, service, other):
    """Both are kept, and what stands is what the order in the log says: a permit only of two approvals with no refusal after them."""
    id = desk.ask()["id"]

    async def together():
        transport = httpx.ASGITransport(desk.client.app)
        async with httpx.AsyncClient(transport=transport, base_url="http://127.0.0.1:8080") as http:
            calls = [("ada", {}), ("bo", other)]
            return await asyncio.gather(
                *(
                    http.post(
                        f"/v1/decisions/{id}/sign-off",
                        json={k: v for k, v in {**APPROVE, **changes}.items() if v is not None},
                        headers=desk.bearer(who),
                    )
                    for who, changes in calls
                )
            )

    answers = asyncio.run(together())
    assert [each.status_code for each in answers] == [201, 201] or other
    listed = desk.client.get(f"/v1/decisions/{id}/sign-offs", headers=desk.bearer("cy")).json()["sign_offs"]
    assert len(listed) == sum(each.status_code == 201 for each in answers)
    assert desk.ask()["outcome"] == ("review" if other else "permitted")


def test_what_a_person_approved_does_not_count_in_what_she_asks_for(desk):
    """By whichever of her keys she asks: she could approve first and ask afterwards. For anybody else it counts."""
    id = desk.ask()["id"]
    assert desk.sign("ada", id).status_code == 201
    assert desk.ask()["outcome"] == "permitted"
    assert [desk.ask(who)["outcome"] for who in ("ada", "ada at home")] == ["review", "review"]
    assert desk.ask("bo")["outcome"] == "permitted"
    assert desk.ask("ada")["outcome"] == "review"  # whatever was answered before


def test_of_two_signatures_neither_is_the_asker_s(desk, two):
    """With hers left out one is too few."""
    id = desk.ask()["id"]
    desk.sign("ada", id)
    desk.sign("bo", id)
    assert [desk.ask(who)["outcome"] for who in ("gateway", "ada", "bo", "cy")] == [
        "permitted",
        "review",
        "review",
        "permitted",
    ]


def waiting(desk, who="bo"):
    """What waits, by decision, with what is signed of it already."""
    listed = desk.client.get("/v1/reviews", headers=desk.bearer(who)).json()["reviews"]
    return {each["id"]: {part["provision"]: len(part["by"]) for part in each["second"]} for each in listed}


def test_her_own_request_waits_for_another_person(desk):
    """Though she has approved the same facts before; once another person has signed it waits no more, and may proceed."""
    first = desk.ask()["id"]
    desk.sign("ada", first)
    assert waiting(desk) == {}
    mine = desk.ask("ada at home")["id"]
    assert waiting(desk) == {mine: {}}
    thread = desk.client.get(f"/v1/decisions/{mine}/review", headers=desk.bearer("bo")).json()
    assert (thread["waits"], [each["given"] for each in thread["provisions"]]) == (True, [[]])
    ahead = desk.client.post(f"/v1/decisions/{mine}/sign-off/preview", json={}, headers=desk.bearer("bo")).json()
    assert (ahead["now"]["outcome"], ahead["all"]["outcome"]) == ("review", "permitted")
    assert desk.sign("ada", mine).status_code == 403
    assert desk.sign("bo", mine).json()["then"]["outcome"] == "permitted"
    assert waiting(desk) == {}
    assert desk.ask("ada")["outcome"] == "permitted"


def test_her_signature_does_not_count_in_her_own_request_where_two_have_to_sign(desk, two):
    """What the other person signed counts there; a third one is the second."""
    first = desk.ask()["id"]
    desk.sign("bo", first)
    desk.sign("ada", first)
    mine = desk.ask("ada")["id"]
    assert waiting(desk, "cy") == {mine: {"cn.test/art-1": 1}}
    assert desk.sign("cy", mine).json()["then"]["outcome"] == "permitted"
    assert waiting(desk, "cy") == {}
    assert [desk.ask(who)["outcome"] for who in ("ada", "gateway", "bo")] == ["permitted", "permitted", "permitted"]


def test_a_refusal_that_she_overruled_for_others_waits_for_another_person(desk):
    """Her approval after it does not count for herself, so somebody else has to decide again."""
    id = desk.ask()["id"]
    desk.sign("bo", id, verdict="refuse", until=None)
    desk.sign("ada", id)
    assert desk.ask()["outcome"] == "permitted"
    mine = desk.ask("ada")
    assert (mine["outcome"], waiting(desk)) == ("review", {mine["id"]: {}})


def erased(desk, service, name):
    """A person is erased, after her keys were revoked."""
    with service.store.database.transaction() as transaction:
        who = PEOPLE[name]
        id = transaction.execute(
            sa.select(person.c.id).where(person.c.issuer == who.issuer, person.c.subject == who.subject)
        ).scalar_one()
        for key in transaction.execute(sa.select(caller.c.id).where(caller.c.person == id)).scalars().all():
            keys.revoke(transaction, id=key, by="test", now=service.clock())
        assert known_persons.forget(service.store.writer, transaction, id, "test", service.clock())


def comes(desk, service, key, name):
    """A new key of a person, who is new to the service if it does not know her."""
    with service.store.database.transaction() as transaction:
        scopes = ["evaluate", "read", "review"]
        desk.made[key] = keys.create(transaction, key, scopes, None, "test", service.clock(), person=PEOPLE[name])[1]


@BOTH_DATABASES
def test_who_was_erased_and_comes_back_does_not_approve_what_she_asked_for(desk, service):
    """Nothing tells who she was, so nobody who was not known before the erasure approves it; whoever was known does."""
    mine = desk.ask("ada")["id"]
    erased(desk, service, "ada")
    comes(desk, service, "ada again", "ada")
    comes(desk, service, "new", "dee")
    for who in ("ada again", "new"):
        refused = desk.sign(who, mine)
        assert (refused.status_code, refused.json()["type"]) == (403, "urn:fifthfactor:problem:own-request")
        page = desk.client.get("/review?group=others", headers=desk.bearer(who)).text
        assert wording("en").reviews["own_erased"] in page
        page = desk.client.get(f"/review/{mine}", headers=desk.bearer(who)).text
        assert wording("en").reviews["own_perhaps"] in page
    assert desk.sign("bo", mine).status_code == 201
    assert desk.ask("ada again")["outcome"] == "permitted"


def test_what_an_erased_person_approved_does_not_count_for_who_comes_after(desk, service):
    """She may be the same person; for whoever was known before, it counts."""
    id = desk.ask()["id"]
    desk.sign("ada", id)
    erased(desk, service, "ada")
    comes(desk, service, "ada again", "ada")
    assert [desk.ask(who)["outcome"] for who in ("gateway", "bo")] == ["permitted", "permitted"]
    mine = desk.ask("ada again")
    assert (mine["outcome"], waiting(desk)) == ("review", {mine["id"]: {}})
    assert desk.sign("ada again", mine["id"]).status_code == 403
    assert desk.sign("cy", mine["id"]).json()["then"]["outcome"] == "permitted"
