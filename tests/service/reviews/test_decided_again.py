"""What a decision would be now, once all have signed or other policies are loaded: it is said on its pages, with a button that decides."""

import re
from dataclasses import replace

import pytest

import engine
from service.callers import keys
from service.languages.words import wording
from service.policies.live import Live
from tests.service.conftest import POLICIES
from tests.service.console.test_ask import Browser, begun
from tests.service.reviews.test_sign_off import FACTS

pytestmark = pytest.mark.usefixtures("audited")

TITLES = {"en": "Decided now, it would be", "zh": "如现在决定，结果为"}


def page(desk, path, who):
    """A page as somebody sees it."""
    answer = desk.client.get(path, headers=desk.bearer(who))
    assert answer.status_code == 200, answer.text
    return answer.text


def pressed(desk, id, who, seen):
    """The answer to the button that decides again, with the token of a page that was seen."""
    token = re.search(r'name="token" value="([0-9a-f]+)"', seen)
    sent = {"token": token[1] if token else ""}
    return desk.client.post(f"/log/{id}/again", data=sent, headers=desk.bearer(who), follow_redirects=False)


def test_after_the_last_signature_the_decision_says_what_it_would_be_now(desk):
    """On both of its pages, in both languages; the button records a new decision, which may proceed, and nothing waits any more."""
    id = desk.ask()["id"]
    first = desk.client.get(f"/v1/decisions/{id}", headers=desk.bearer("gateway")).json()["record"]
    assert TITLES["en"] not in page(desk, f"/log/{id}", "gateway")
    desk.sign("ada", id)
    for lang, title in TITLES.items():
        for path in (f"/log/{id}", f"/review/{id}"):
            seen = page(desk, f"{path}?lang={lang}", "gateway")
            assert (title in seen, f'action="/log/{id}/again' in seen) == (True, True)
    answer = pressed(desk, id, "gateway", seen)
    assert answer.status_code == 303
    new = answer.headers["location"].partition("?")[0]
    decided = desk.client.get(f"/v1/decisions/{new.removeprefix('/log/')}", headers=desk.bearer("gateway")).json()["record"]
    assert (decided["decision"]["outcome"], decided["asked_by"]) == ("permitted", first["asked_by"])
    assert TITLES["en"] not in page(desk, f"/log/{id}", "gateway")  # a newer decision took its place


def test_who_signed_sees_that_it_would_not_count_for_her(desk):
    """She has no button; if she decides again all the same, her own approval does not count."""
    id = desk.ask()["id"]
    desk.sign("ada", id)
    for who in ("ada at home", "ada"):
        seen = page(desk, f"/review/{id}", who)
        assert (TITLES["en"] in seen, f'action="/log/{id}/again' in seen) == (True, False)
    new = pressed(desk, id, "ada", seen).headers["location"].removeprefix("/log/")
    record = desk.client.get(f"/v1/decisions/{new}", headers=desk.bearer("ada")).json()["record"]
    assert record["decision"]["outcome"] == "review"


def test_a_signature_of_two_is_not_the_last(desk, service):
    """Before the second person has signed, nothing would be otherwise, so nothing is said."""
    service.policies.live = replace(service.live, persons=2)
    id = desk.ask()["id"]
    desk.sign("ada", id)
    assert TITLES["en"] not in page(desk, f"/log/{id}", "gateway")
    desk.sign("bo", id)
    assert TITLES["en"] in page(desk, f"/log/{id}", "gateway")


def test_what_other_policies_decided_says_what_it_would_be_by_those_of_now(desk, service, tmp_path):
    """Also where it would be a review again: then it has to be decided again before anybody signs."""
    id = desk.ask()["id"]
    (tmp_path / "now").mkdir()
    for name in ("rules.yaml", "vocabulary.yaml"):
        (tmp_path / "now" / name).write_text((POLICIES / name).read_text().replace("10 thousand", "11 thousand"))
    service.policies.live = Live.of(engine.load(tmp_path / "now"), "checked")
    seen = page(desk, f"/review/{id}", "bo")
    assert (TITLES["en"] in seen, f'action="/log/{id}/again' in seen) == (True, True)


def test_deciding_again_needs_the_right_to_ask_and_the_token_of_the_page(desk, service):
    """A reader may not, and a form of another page changes nothing."""
    id = desk.ask()["id"]
    desk.sign("ada", id)
    assert pressed(desk, id, "gateway", "").status_code == 403
    assert pressed(desk, id, "ada", page(desk, f"/review/{id}", "bo")).status_code == 403
    with service.store.database.transaction() as transaction:
        desk.made["reviewer"] = keys.create(transaction, "reviewer", ["read", "review"], None, "test", service.clock())[1]
    seen = page(desk, f"/review/{id}", "reviewer")
    assert (TITLES["en"] in seen, f'action="/log/{id}/again' in seen) == (True, False)
    assert pressed(desk, id, "reviewer", seen).status_code == 403
    assert [each["id"] for each in desk.client.get("/v1/decisions", headers=desk.bearer("bo")).json()["decisions"]] == [id]


def test_a_draft_that_was_signed_is_evaluated_again_and_can_then_be_committed(desk, service):
    """One walk: asked, recorded, signed by another person, evaluated again with her signature, committed."""
    scopes = ["read", "evaluate", "commit"]
    with service.store.database.transaction() as transaction:
        desk.made["clerk"] = keys.create(transaction, "clerk", scopes, None, "test", service.clock())[1]
    browser = Browser(desk.client, **desk.bearer("clerk"))
    begun(browser, FACTS)
    path = browser.path
    assert browser.send(do="decide") == 200
    (decided,) = desk.client.get("/v1/decisions", headers=desk.bearer("gateway")).json()["decisions"]
    button = wording("en").drafts["with_signatures"]
    assert button not in browser.said
    desk.sign("ada", decided["id"])
    browser.open(path)
    assert button in browser.said
    assert browser.send(do="decide-again") == 200
    assert (browser.path, button in browser.said) == (path, False)
    assert browser.send(do="commit") == 200
    assert "committed" in browser.said
