"""The pages of reviews in a real browser: the queue, one review, and a morning of reviews with two persons."""

import re
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, expect

from tests.engine.deciding.ice import sources
from tests.service.conftest import POLICIES, running
from tests.service.console.browser import Site, faults, launched
from tests.service.reviews.conftest import ISSUER
from tests.service.reviews.test_signed_gaps import FACTS

RULES = """
  - id: art-2
    title: {en: Data that go to the United States need the eyes of two persons, zh: 向美国提供数据的，须由两人审核}
    cite: Art. 2
    says:
      en: Whoever provides data of ten thousand people or more to the United States has two persons look at the recipient.
      zh: 向美国提供一万人以上数据的，由两人审核接收方。
    source: none
    status: confirmed
    when:
      recipient.country: US
      data.people: {at_least: 10 thousand}
    unless:
      - evidence: {has: cn-standard-contract}
    review: Look at the recipient.
    sign_off_by: 2 persons
"""
EVERYTHING = ["evaluate", "read", "review"]
ANSWER_SECONDS = 20  # of a page, at most, on a machine that does other work; the figures are in the log of the test


def policies(folder: Path) -> Path:
    """The small policies with a provision that two persons sign off."""
    folder.mkdir()
    (folder / "rules.yaml").write_text((POLICIES / "rules.yaml").read_text() + RULES)
    (folder / "vocabulary.yaml").write_text((POLICIES / "vocabulary.yaml").read_text())
    return folder


def people(address: str) -> dict[str, str]:
    """Keys: of a gateway that asks, and of two persons."""
    with httpx.Client(base_url=address, timeout=60) as http:
        first = http.post("/v1/keys", json={"name": "ops", "scopes": ["administer", *EVERYTHING]}).json()["key"]
        http.headers["Authorization"] = f"Bearer {first}"
        keys = {"gateway": first}
        for name in ("Ada", "Bo"):
            who = {"issuer": ISSUER, "subject": name.lower(), "name": name}
            made = http.post("/v1/keys", json={"name": name, "scopes": EVERYTHING, "person": who}).json()
            keys[name] = made["key"]
    return keys


def asked(address: str, key: str, number: int, **changes: Any) -> str:
    """The id of a decision on exchange of this number."""
    sent = {
        "exporter": {"id": f"clinic-{number}", "country": "CN"},
        "recipient": {"id": f"lab-{number}", "country": "US" if number % 4 == 0 else "KE"},
        "data": {"people": 12_000 + number},
        **changes,
    }
    answer = httpx.post(f"{address}/v1/evaluate", json=sent, headers={"Authorization": f"Bearer {key}"}, timeout=60)
    return str(answer.json()["id"])


class Desk(Site):
    """A site with the keys of those who work there."""

    def __init__(self, address: str, browser: Any, keys: dict[str, str]) -> None:
        super().__init__(address, browser)
        self.keys = keys

    def as_(self, name: str, path: str = "/review", **more: Any) -> Page:
        """A page as somebody sees it."""
        return self.open(path, key=self.keys[name], **more)

    def ask(self, number: int, who: str = "gateway", **changes: Any) -> str:
        """The id of a decision that somebody asked for."""
        return asked(self.address, self.keys[who], number, **changes)


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """One for all tests of this module."""
    folder = tmp_path_factory.mktemp("desk")
    options = ("--policies", str(policies(folder / "policies")), "--mode", "bitset")
    with running(folder / "log.db", *options) as server, launched() as browser:
        yield Desk(server.address, browser, people(server.address))


def test_the_pages_of_reviews_fit_and_nothing_is_complained_of(desk: Desk) -> None:
    """At the width of a phone and of a desk, in both languages and schemes; axe finds nothing serious; each has less than 100 kB."""
    id = desk.ask(400)
    desk.ask(401, exporter={"country": "KE"})
    desk.complaints.clear()
    for path in ("/review?", "/review?group=all", f"/review/{id}?"):
        for lang, width, scheme in (("en", 1280, "light"), ("zh", 390, "dark"), ("en", 390, "light"), ("zh", 1280, "dark")):
            page = desk.as_("Ada", f"{path}&lang={lang}", width=width, scheme=scheme)
            expect(page.locator("main")).to_contain_text("ops")  # who asked, by the name of the key
            expect(page.locator("main")).not_to_contain_text("key:")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (path, lang, width)
            assert desk.loaded is not None
            assert len(desk.loaded.body()) < 100_000
            assert faults(page) == []
            page.close()
    assert desk.complaints == []


def test_the_page_of_coverage_fits_and_its_form_shows_what_to_write(desk: Desk, tmp_path: Path) -> None:
    """At both widths, in both languages; the form says what it lacks by itself, and the YAML has the person, the reason and the end."""
    (tmp_path / "ice").mkdir()
    for name, content in sources("").items():
        (tmp_path / "ice" / name).write_bytes(content)
    with running(tmp_path / "log.db", "--policies", str(tmp_path / "ice"), "--mode", "bitset") as server:
        httpx.post(f"{server.address}/v1/evaluate", json=FACTS, timeout=60)
        site = Site(server.address, desk.browser)
        page = site.open("/review?group=all")
        expect(page.locator("table.queue tbody .line")).to_have_text(
            "The ice: data on krill"
        )  # what nobody can sign is named all the same
        page.close()
        for lang, width, scheme in (("en", 1280, "light"), ("zh", 390, "dark")):
            page = site.open(f"/review/coverage?lang={lang}", width=width, scheme=scheme)
            page.get_by_role("checkbox").check()
            page.locator("#by").fill("Grace Hopper")
            page.locator("#because").fill("counsel looks at it")
            page.locator("button[value=show]").click()
            expect(page.locator("pre")).to_contain_text("by: Grace Hopper")
            expect(page.locator("pre")).to_contain_text("subjects: [krill]")
            assert page.evaluate("document.documentElement.scrollWidth <= window.innerWidth"), (lang, width)
            assert faults(page) == []
            page.close()
        assert site.complaints == []


def test_what_each_approval_changes_is_shown_and_two_persons_sign(desk: Desk) -> None:
    """Before it is given; the first signature is named, and the second one frees the exchange. A name is never typed."""
    id = desk.ask(404)
    page = desk.as_("Ada", f"/review/{id}")
    expect(page.get_by_text("If you approve all 2")).to_be_visible()
    expect(page.locator(".would").first).to_contain_text("1 more to decide")
    expect(page.locator("input[type=text]")).to_have_count(0)
    page.get_by_label("Reason").fill("read the contract")
    page.get_by_role("button", name=re.compile("^Approve")).click()
    expect(page.get_by_role("status")).to_contain_text("once another person has approved too")
    page = desk.as_("Bo", f"/review/{id}")
    expect(page.get_by_text("Has approved: Ada")).to_be_visible()
    expect(page.locator("[title='https://id.example.org']", has_text="Ada").first).to_be_visible()
    page.get_by_label("Reason").fill("so did I")
    page.get_by_role("button", name=re.compile("^Approve")).click()
    expect(page.get_by_role("status")).to_contain_text("Your approval is recorded.")
    page = desk.as_("Bo", f"/review/{id}")
    expect(page.get_by_text("Nothing of this decision waits in the queue.")).to_be_visible()


def test_who_asked_sees_why_she_may_not_approve(desk: Desk) -> None:
    """There is no button to approve and no last day; she may refuse, with a reason."""
    id = desk.ask(405, who="Ada")
    page = desk.as_("Ada", f"/review/{id}")
    expect(page.get_by_text("You asked for this decision, so another person has to approve it.")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)
    page.get_by_label("Reason").fill("withdrawn")
    page.get_by_role("button", name="Refuse").click()
    expect(page.get_by_role("status")).to_contain_text("Your refusal is recorded.")


def test_a_program_sees_that_two_persons_have_to_sign(desk: Desk) -> None:
    """Its key belongs to nobody, so its signature would not count."""
    page = desk.as_("gateway", f"/review/{desk.ask(408, who='Bo')}")
    expect(page.get_by_text("you came in as a program")).to_be_visible()
    expect(page.get_by_role("button", name=re.compile("^Approve"))).to_have_count(0)


def test_a_review_is_assigned_and_commented_in_the_browser(desk: Desk) -> None:
    """To oneself and to another; a comment is shown as it was written, and nothing in it is taken for HTML."""
    id = desk.ask(409)
    page = desk.as_("Ada", f"/review/{id}")
    page.get_by_role("button", name="Take it").click()
    expect(page.get_by_text("Assigned to Ada.")).to_be_visible()
    page.get_by_label("To a person").select_option(label="Bo")
    page.get_by_role("button", name="Assign", exact=True).click()
    expect(page.get_by_text("Assigned to Bo.")).to_be_visible()
    page.get_by_label("Your comment").fill("<b>bold</b>\nsecond line")
    page.get_by_role("button", name="Comment", exact=True).click()
    expect(page.locator(".said")).to_have_text("<b>bold</b>\nsecond line")
    mine = desk.as_("Bo", "/review?assignee=me")
    expect(mine.locator("table.queue tbody tr")).to_have_count(1)


def test_what_a_form_lacks_is_said_and_what_was_written_is_kept(desk: Desk) -> None:
    """An approval without a day in reach is not recorded; a form of another site is refused."""
    id = desk.ask(410)
    page = desk.as_("Ada", f"/review/{id}")
    page.get_by_label("Reason").fill("looked at it")
    page.locator("#until").evaluate("each => { each.max = ''; each.value = '2999-01-01' }")
    page.get_by_role("button", name=re.compile("^Approve")).click()
    expect(page.get_by_role("alert")).to_contain_text("Give the last day of the approval")
    expect(page.get_by_label("Reason")).to_have_value("looked at it")
    sent = httpx.post(
        f"{desk.address}/review/{id}",
        data={"do": "comment", "text": "x", "token": "0" * 64},
        headers={"Authorization": f"Bearer {desk.keys['Ada']}"},
    )
    assert sent.status_code == 403
    for path in ("/review?kind=odd", "/review?nothing=1", "/review?cursor=odd", f"/review/{id}?done=odd"):
        assert httpx.get(desk.address + path, headers={"Authorization": f"Bearer {desk.keys['Ada']}"}).status_code == 400
    assert httpx.get(f"{desk.address}/review/none", headers={"Authorization": f"Bearer {desk.keys['Ada']}"}).status_code == 404


def test_a_morning_of_eight_reviews_with_two_persons(desk: Desk, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """
    Ada goes through all eight in a row, and Bo through those that need a second person. At the end nothing waits.

    Each review is two actions: write the reason, approve; the next one opens by itself. The figures are printed.
    """
    options = ("--policies", str(policies(tmp_path / "policies")), "--mode", "bitset")
    browser = desk.browser
    with running(tmp_path / "log.db", *options) as server:
        desk = Desk(server.address, browser, people(server.address))
        ids = [desk.ask(number) for number in range(1, 9)]
        two = [id for number, id in enumerate(ids, 1) if number % 4 == 0]
        clicks, began, seconds = 0, time.perf_counter(), []

        def morning(who: str, expected: int) -> None:
            nonlocal clicks
            page = desk.as_(who)
            page.get_by_role("link", name="Begin with the first").click()
            clicks += 1
            for _ in range(expected):
                at = time.perf_counter()
                page.get_by_label("Reason").fill("read the contract and the recipient's answers")
                with page.expect_navigation():  # the page before says of an approval that it is recorded, too
                    page.get_by_role("button", name=re.compile("^Approve")).click()
                clicks += 1
                expect(page.get_by_role("status")).to_contain_text("Your approval is recorded")
                seconds.append(time.perf_counter() - at)
            page.close()

        morning("Ada", 8)
        left = desk.as_("Bo", "/review?kind=second")
        assert left.locator("table.queue tbody tr").count() == len(two) == 2
        morning("Bo", 2)
        done = desk.as_("Bo")
        expect(done.get_by_text("Nothing waits for a person.")).to_be_visible()
        whole = time.perf_counter() - began
        assert desk.complaints == []
        assert max(seconds) < ANSWER_SECONDS
        with httpx.Client(base_url=server.address, headers={"Authorization": f"Bearer {desk.keys['Bo']}"}) as http:
            assert http.get("/v1/reviews").json()["reviews"] == []
            for id in two:
                given = http.get(f"/v1/decisions/{id}/sign-offs").json()["sign_offs"]
                assert {each["person"]["name"] for each in given} == {"Ada", "Bo"}
    with capsys.disabled():
        per = sorted(seconds)[len(seconds) // 2]
        print(f"\n8 reviews, 10 signatures, 2 persons: {whole:.1f} s, {clicks} clicks, {per:.2f} s from reason to the next")
