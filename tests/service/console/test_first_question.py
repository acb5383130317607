"""
The first question of whoever owns data, walked with a clock: may these data cross the border? Three exchanges, from nothing to a recorded
decision that a second person opens. The clicks, keystrokes, seconds and bytes are printed.

The answers are those of a compliance officer who knows her own organisation; what she does not know she leaves open.
"""

import json
import re
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Any

import pytest
from playwright.sync_api import BrowserContext, Page, Response, expect

from service.languages.words import wording
from tests.service.conftest import ROOT, running
from tests.service.console.browser import _POLICY, MILLISECONDS, Site, faults, launched
from tests.service.console.test_review import people

WORDS = wording("en").drafts
NONE = ("-",)
MOST_QUESTIONS = 30
MOST_BYTES = 100_000

# What the officer knows of every exchange, by the fact that is asked for: values to choose, or a number.
KNOWN: Mapping[str, Any] = {
    "data.personal": "yes", "data.state": "identified", "data.kind": "dataset", "data.grades": NONE, "data.controls": NONE,
    "act.bars": NONE, "act.kind": "provide", "act.trigger": "own",
    "act.ai_service": "none", "purpose.end_use": "civil", "exporter.role": "controller",
    "exporter.kind": "other-company", "exporter.sectors": "commerce", "exporter.cn_ciio": "no", "exporter.zone": "none",
    "exporter.targets": NONE, "recipient.kind": "other-company", "recipient.role": "controller", "recipient.listed_on": NONE,
    "recipient.us_ties": NONE,
}  # fmt: skip


@dataclass(frozen=True)
class Flow:
    """An exchange as the officer has it in mind: where from, where to, which data, what she knows of it, and the outcome."""

    name: str
    exporter: str
    recipient: str
    category: str
    outcome: str
    known: Mapping[str, Any]


FLOWS = (
    Flow(
        "staff data, Shanghai to Munich", "China", "Germany", "employee", "Requirements unmet",
        {
            "data.people_in": "CN", "recipient.relation": "same-group", "purpose.is": "hr", "counts.cn.ordinary": 800,
            "counts.cn.sensitive": 0, "counts.cn_all.ordinary": 800, "counts.cn_all.sensitive": 0, "counts.cn_group.ordinary": 800,
            "counts.cn_group.sensitive": 0, "data.people.sensitive": 0, "data.people.ordinary": 800,
        },
    ),
    Flow(
        "location data of an advertising firm, United States to Hong Kong", "United States", "Hong Kong", "location", "Prohibited",
        {
            "data.people_in": "US", "recipient.relation": "unrelated", "act.us_deal": "data-sale", "recipient.organised_in": "HK",
            "recipient.us_share.adversary": "1", "recipient.controlled_from": "HK",
            "exporter.organised_in": "US",
        },
    ),
    Flow(
        "anonymised images, Nairobi to a laboratory in China", "Kenya", "China", "clinical", "Subject to review",
        {
            "data.people_in": NONE, "data.personal": "no", "exporter.sectors": "health", "data.state": "anonymised",
            "data.kind": "training-dataset",
            "exporter.kind": "hospital", "recipient.kind": "university", "exporter.organised_in": "KE", "recipient.organised_in": "CN",
        },
    ),
)  # fmt: skip


@dataclass
class Walk:
    """What a person does in a window, counted: clicks, keystrokes, seconds of waiting for the machine, and the bytes of pages."""

    page: Page
    clicks: int = 0
    keys: int = 0
    seconds: float = 0.0
    sizes: list[int] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.page.on("response", self._received)

    def _received(self, answer: Response) -> None:
        if answer.request.is_navigation_request() and answer.status != 303:
            with suppress(Exception):
                self.sizes.append(len(answer.body()))

    def click(self, target: Any) -> None:
        """A click that leaves the page as it is, but for what it folds out or ticks."""
        self.clicks += 1
        target.click()

    def follow(self, target: Any) -> None:
        """A click, and the wait for the page that it opens: until that is there, the page before answers all that is asked."""
        self.clicks += 1
        began = time.perf_counter()
        with self.page.expect_navigation():
            target.click()
        self.seconds += time.perf_counter() - began

    def write(self, target: Any, text: str) -> None:
        """A click into a field, and what is typed there."""
        self.clicks += 1
        self.keys += len(text)
        target.fill(text)

    def pick(self, target: Any, label: str) -> None:
        """Choose from a list that opens, by the first letters of a country's name."""
        self.clicks += 1
        self.keys += min(len(label), 6)
        target.select_option(label=label)

    def choose(self, value: str) -> None:
        """A value among the choices of the question, or in its list."""
        here = self.page.locator(f'.question input[name=value][value="{value}"]')
        if here.count():
            self.clicks += 1
            here.check()
        elif self.page.locator(".question select").count():
            self.clicks += 2
            self.page.locator(".question select").select_option(value)
        else:
            self.write(self.page.locator(".question input:not([type=hidden])").first, value)


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Site]:
    """One for all flows: the bundled policies, and a browser."""
    options = ("--policies", str(ROOT / "policies"), "--mode", "bitset")
    with running(tmp_path_factory.mktemp("first") / "log.db", *options) as server, launched() as browser:
        yield Site(server.address, browser)


@pytest.fixture(scope="module")
def keys(site: Site) -> dict[str, str]:
    """Of the two persons."""
    return people(site.address)


def signed_in(site: Site, context: BrowserContext, key: str) -> Page:
    """A window in which somebody has signed in with her key."""
    context.set_default_timeout(MILLISECONDS)
    page = context.new_page()
    page.on("console", lambda message: site.complaints.append(message.text))
    page.add_init_script(_POLICY)
    page.goto(f"{site.address}/sign-in")
    page.locator("input[name=key]").fill(key)
    with page.expect_navigation():
        page.locator("form:has(input[name=key]) button").click()
    return page


def answered(walk: Walk, known: Mapping[str, Any]) -> list[str]:
    """Answer one question after the other, as long as there is one; returns what the page said that each answer changed."""
    page = walk.page
    said: list[str] = []
    while page.locator(".question").count():
        assert len(said) < MOST_QUESTIONS
        fact = page.locator(".question input[name=fact]").get_attribute("value") or ""
        question = page.locator("#h-question").inner_text()
        assert not re.search(r"\b[Ss]end\b|empty list", question), question
        expect(page.get_by_role("button", name=WORDS["unknown"])).to_be_visible()
        value = known.get(fact)
        together = page.get_by_role("button", name=WORDS["none_of_it"]).count() == 1
        if value is None:
            walk.follow(page.get_by_role("button", name=WORDS["unknown"]))
        elif together:
            walk.follow(page.get_by_role("button", name=WORDS["none_of_it" if value == NONE else "some_of_it"]))
        elif isinstance(value, int):
            walk.write(page.locator("#low"), str(value))
            walk.follow(page.get_by_role("button", name=WORDS["answer"], exact=True))
        else:
            for each in value if isinstance(value, Sequence) and not isinstance(value, str) else (value,):
                walk.choose(each)
            walk.follow(page.get_by_role("button", name=WORDS["answer"], exact=True))
        expect(page.get_by_role("alert")).to_have_count(0)
        moved = page.locator("#question .moved")
        said.append(moved.inner_text() if moved.count() else "")
        assert page.evaluate("document.activeElement.id") == "question"  # where she goes on, by the keyboard too
        assert page.url.endswith("#question")
    return said


# What a page says first while facts are open; the second, where it is refused whatever they are.
FIRST_WORDS = re.compile("Not decided yet|As far as it is stated, it may not go ahead")


def test_the_first_question_from_nothing_to_a_second_person(
    site: Site, keys: dict[str, str], capsys: pytest.CaptureFixture[str]
) -> None:
    """
    She states two countries and a kind of data, answers, sees what each answer changes, tries a remedy where there is one, and records.

    A review is handed over; the second person opens the address that was sent.
    """
    site.complaints.clear()
    told = []
    with site.browser.new_context() as first, site.browser.new_context() as second:
        mine, other = signed_in(site, first, keys["Ada"]), signed_in(site, second, keys["Bo"])
        for flow in FLOWS:
            walk = Walk(mine)
            mine.goto(f"{site.address}/ask")
            walk.pick(mine.locator('select[name="exporter.country"]'), flow.exporter)
            walk.pick(mine.locator('select[name="recipient.country"]'), flow.recipient)
            walk.click(mine.locator('details:has(input[name="data.categories"]) summary'))
            walk.click(mine.locator(f'input[name="data.categories"][value="{flow.category}"]'))
            walk.follow(mine.get_by_role("button", name=WORDS["begin"]).first)
            expect(mine.get_by_role("heading", level=1)).to_contain_text(FIRST_WORDS)
            said = answered(walk, {**KNOWN, **flow.known})
            assert any(each.startswith("Your last answer changed the outcome.") for each in said)
            expect(mine.locator(".lead .strip dd").first).to_have_text(flow.outcome)
            if tries := mine.get_by_role("button", name=WORDS["try"]).count():
                walk.follow(mine.get_by_role("button", name=WORDS["try"]).first)
                expect(mine.locator(".stamp")).to_have_text(WORDS["trial"])
                walk.follow(mine.get_by_role("link", name=WORDS["back"]))
            address = mine.url.partition("#")[0]
            walk.follow(mine.get_by_role("button", name=WORDS["record"]))
            expect(mine.get_by_role("heading", name=WORDS["recorded"])).to_be_visible()
            if flow.outcome == "Subject to review":
                walk.follow(mine.get_by_role("link", name=WORDS["review_list"]))
                expect(mine.locator("table.queue tbody tr")).to_have_count(1)
            other.goto(address)
            other.get_by_role("link", name=WORDS["to_decision"]).click()
            expect(other.locator(".lead")).to_contain_text(flow.recipient)
            assert max(walk.sizes) < MOST_BYTES
            told.append(
                f"{flow.name}: {len(said)} questions, {walk.clicks} clicks, {walk.keys} keystrokes, {tries} remedies,"
                f" {walk.seconds:.1f} s of waiting, {len(walk.sizes)} pages of {sum(walk.sizes) / 1000:.0f} kB"
            )
        assert faults(mine) == faults(other) == []
    assert site.complaints == []
    with capsys.disabled():
        print("", *told, sep="\n")


def test_one_answer_says_that_all_others_of_a_family_are_nought(site: Site, keys: dict[str, str]) -> None:
    """Of eight questions on as many categories one is left; each number that was stated so can be answered again."""
    stated = {
        "exporter": {"country": "US"},
        "recipient": {"country": "HK", "listed_on": [], "organised_in": ["HK"], "controlled_from": ["HK"]},
        "data": {"categories": ["location"], "personal": True, "state": "identified", "kind": "dataset", "people_in": ["US"]},
        "act": {"us_deal": "data-sale"},
    }
    with site.browser.new_context() as context:
        page = signed_in(site, context, keys["Bo"])
        page.goto(f"{site.address}/ask")
        page.get_by_text(WORDS["json"]).click()
        page.locator("#json").fill(json.dumps(stated))
        with page.expect_navigation():
            page.get_by_role("button", name=WORDS["json_begin"]).click()
        fact = page.locator(".question input[name=fact]")
        for _ in range(MOST_QUESTIONS):
            if (fact.get_attribute("value") or "").startswith("data.us_people."):
                break
            with page.expect_navigation():
                page.get_by_role("button", name=WORDS["unknown"]).click()
        expect(page.locator("#h-question")).to_contain_text("people of the United States")  # all eight in one question
        with page.expect_navigation():
            page.get_by_role("button", name=WORDS["some_of_it"]).click()
        asked = (fact.get_attribute("value") or "").rpartition(".")[2]
        page.locator("#low").fill("7")
        expect(page.locator("label", has=page.locator("input[name=rest]"))).to_contain_text("And 0 in each of the")
        page.locator("input[name=rest]").check()
        with page.expect_navigation():
            page.get_by_role("button", name=WORDS["answer"], exact=True).click()
        expect(page.locator("#question .moved")).to_be_visible()
        people_of = json.loads(page.locator("textarea#json").input_value())["data"]["us_people"]
    assert people_of.pop(asked) == 7
    assert set(people_of.values()) == {0}
    assert len(people_of) > 5


def test_what_was_said_is_kept_and_not_asked_again(site: Site, keys: dict[str, str]) -> None:
    """
    A list is asked for what it has besides; what says too little is said closer, and never lost; what follows is shown, and not asked.
    """
    stated = {
        "exporter": {"country": "DE"},
        "recipient": {"country": "US"},
        "data": {"kind": "dataset", "categories": ["contact", "financial", "identity", "unknown"]},
    }
    with site.browser.new_context() as context:
        page = signed_in(site, context, keys["Ada"])
        page.goto(f"{site.address}/ask")
        page.get_by_text(WORDS["json"]).click()
        page.locator("#json").fill(json.dumps(stated))
        page.get_by_role("button", name=WORDS["json_begin"]).click()
        personal = page.locator("table.stated tr", has_text="The data are personal")
        expect(personal).to_contain_text("yes")
        expect(personal.get_by_role("button")).to_have_count(0)
        heading = page.locator("#h-question")
        expect(heading).to_contain_text("Besides “contact”, which categories")
        expect(heading).not_to_contain_text("national identification number")  # it is among the choices
        first = [page.locator(".question input[name=value]").nth(n).get_attribute("value") for n in range(3)]
        assert first == ["contact", "national-number", "other-identity"]
        expect(page.locator("#documents")).to_have_count(0)  # none is asked for yet
        page.set_viewport_size({"width": 390, "height": 900})
        cell = personal.locator("td").first.bounding_box()
        assert cell
        assert cell["width"] > 90  # words are not broken
        page.set_viewport_size({"width": 1280, "height": 900})
        expect(page.locator('.question input[value="contact"]')).to_be_checked()
        page.get_by_role("button", name=WORDS["answer"], exact=True).click()
        expect(page.get_by_role("alert")).to_have_text(WORDS["no_narrower_given"])
        for value in ("payment", "national-number"):
            page.locator(f'.question input[value="{value}"]').check()
        with page.expect_navigation():
            page.get_by_role("button", name=WORDS["answer"], exact=True).click()
        expect(page.locator("#question .moved")).to_be_visible()
        data = json.loads(page.locator("textarea#json").input_value())["data"]
    assert sorted(data.pop("categories")) == ["contact", "national-number", "payment"]
    assert data == {"kind": "dataset"}
