"""The reviewer's pages: what they say, that nothing in a record is taken for HTML, and how they are in a real browser."""

import asyncio
import json
import re
from concurrent.futures import ThreadPoolExecutor
from datetime import date
from functools import cache
from itertools import pairwise
from typing import Any

import pytest
from playwright.sync_api import Page, expect

import engine
from service.callers import entrance
from service.callers.caller import Caller
from service.console.list_limits import Listed, fit_lists
from service.console.pages import STYLE, decision_page
from service.console.reader import PageReader
from service.languages.words import wording
from tests.service.conftest import EXCHANGE, ROOT, body, running
from tests.service.console.browser import Site, faults, launched
from tests.service.doors.odrl.test_decided_contracts import changed

COUNTRIES = [
    "AR",
    "AU",
    "BR",
    "CA",
    "CH",
    "CN",
    "DE",
    "FR",
    "GB",
    "ID",
    "IN",
    "JP",
    "KE",
    "KR",
    "MX",
    "NG",
    "SG",
    "TH",
    "US",
    "VN",
    "ZA",
]
SCRIPT = "<script>document.title='taken'</script>"
SENT = {name: value for name, value in EXCHANGE.items() if name != "evidence"}
# A hospital in Guangzhou and a university in Boston, 12,000 patients; and a brand that writes to customers in Japan.
PARTIES: dict[str, Any] = {
    "exporter": {"country": "CN", "kind": "company", "zone": "none", "cn_ciio": False},
    "recipient": {"country": "JP", "kind": "company", "relation": "unrelated", "listed_on": []},
    "act": {"kind": "provide", "trigger": "own", "evades": False, "bars": [], "security_concern": False},
    "purpose": {"is": ["marketing"]},
    "safeguards": {"basis": ["consent"]},
    "evidence": {
        "cn-export-notice": {"dated": "2026-09-01", "covers": True},
        "cn-separate-consent": {"dated": "2026-09-01", "covers": True},
        "cn-export-need": {"dated": "2026-09-01", "covers": True},
        "cn-impact-assessment": {"dated": "2026-09-01", "covers": True},
    },
}
DATA = {
    "kind": "dataset", "personal": True, "state": "identified", "categories": ["contact"], "grades": ["general"],
    "people": {"ordinary": 60_000, "sensitive": 0}, "people_in": ["CN"], "collected_in": ["CN"], "stored_in": ["CN"], "controls": [],
    "lawful_source": True,
}  # fmt: skip
BRAND = {**PARTIES, "data": DATA, "counts": {each: {"ordinary": 60_000, "sensitive": 0} for each in ("cn", "cn_all")}}
HOSPITAL = {
    **PARTIES,
    "exporter": {**PARTIES["exporter"], "id": SCRIPT, "kind": "hospital"},
    "recipient": {**PARTIES["recipient"], "id": "boston-institute", "country": "US", "kind": "university"},
    "data": {**DATA, "categories": ["health"], "people": {"ordinary": 0, "sensitive": 12_000}},
    "counts": {each: {"ordinary": 0, "sensitive": 12_000} for each in ("cn", "cn_all")},
    "purpose": {"is": ["medical-research"], "end_use": ["civil"]},
}
ONE_FACT = {"exporter": {"country": "CN"}}
LONGEST = {
    **HOSPITAL,
    "exporter": {**HOSPITAL["exporter"], "id": "W" * 256},
    "recipient": {**HOSPITAL["recipient"], "id": "\u5bf6" * 256},
    "data": {**HOSPITAL["data"], "id": "W" * 256, "people_in": COUNTRIES, "stored_in": COUNTRIES},
    "evidence": {name: {**each, "attested_by": "W" * 250} for name, each in HOSPITAL["evidence"].items()},
}
SHORT = {"exporter": {"country": "CN"}, "recipient": {"country": "US"}, "data": {"personal": True}}


def text_of(page: str) -> str:
    """What a page says, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


def test_a_decision_begins_with_its_answer(client, evaluate):
    """
    Before it stands who sends what to whom. Then come outcome, day, reasons with their citation, the facts with personal values in clear,
    and its place in the log.
    """
    decision = evaluate(json.dumps(SENT).encode()).json()
    answer = client.get(f"/log/{decision['id']}")
    assert (answer.status_code, answer.headers["content-type"]) == (200, "text/html; charset=utf-8")
    said = text_of(answer.text)
    exchange, answer_said, rest = said.partition(decision["answer"])
    assert answer_said
    sent = [
        "From practice-of-dr-li-na China",
        "To lab-of-dr-smith United States",
        "What People in this exchange: 12,000",
        "For what",
    ]
    assert [part in exchange for part in sent] == [True] * 4
    found = [
        rest.index("Subject to review"),
        rest.index("2024-06-01"),
        rest.index("Asks for a review"),
        rest.rindex("The facts as sent"),
    ]
    assert found == sorted(found)
    reason = said[said.index("Asks for a review") :]
    assert reason.index("Data of ten thousand people") < reason.index("Art. 1") < reason.index("is reviewed.")
    for part in ("practice-of-dr-li-na", "2024-06-01", "12,000", decision["bundle"]["source"], "Place in the log 0"):
        assert part in said
    assert f"<h1>{decision['answer']}</h1>" in answer.text


def test_nothing_in_a_record_is_taken_for_html(client, evaluate):
    """Whatever stands in an id is shown as it was sent, in the list and on the page."""
    sent = {**SENT, "exporter": {"id": SCRIPT, "country": "CN"}, "recipient": {"id": '"><img src=x>', "country": "US"}}
    id = evaluate(json.dumps(sent).encode()).json()["id"]
    for path in (f"/log/{id}", "/log", "/log?exporter=%3Cscript%3E"):
        page = client.get(path).text
        assert "<script" not in page
        assert "<img" not in page
    assert "&lt;script&gt;" in client.get(f"/log/{id}").text
    assert "&lt;script&gt;" in client.get("/log?exporter=%3Cscript%3E").text


def test_what_would_turn_the_text_around_is_marked(client, evaluate):
    """Nor does what controls a terminal come through; letters of any language do."""
    sent = {**SENT, "exporter": {"id": "\u202etset\x1b[31m", "country": "CN"}, "recipient": {"id": "中文 حسن", "country": "US"}}
    id = evaluate(json.dumps(sent).encode()).json()["id"]
    for path in (f"/log/{id}", "/log"):
        page = client.get(path).text
        assert "\ufffdtset\ufffd[31m" in page
        assert "中文 حسن" in page
        assert not {"\u202e", "\x1b"} & set(page)


@pytest.mark.parametrize("query", ["outcome=foo", "proceed=perhaps", "colour=red", "since=noon"])
def test_a_filter_that_is_not_understood_is_said(client, query):
    """As the endpoint refuses it, a page does."""
    answer = client.get(f"/log?{query}")
    assert (answer.status_code, "The filters cannot be read" in answer.text) == (400, True)


def test_what_was_erased_is_said_to_be(client, evaluate, service):
    """The value is gone from the page, and its place says so."""
    id = evaluate().json()["id"]
    before = client.get(f"/log/{id}").text
    assert "Wang Fang" in before
    with ThreadPoolExecutor(1) as thread:  # the browser of other tests here may have an event loop in this thread
        thread.submit(asyncio.run, service.store.erase(id)).result()
    after = client.get(f"/log/{id}").text
    assert "Wang Fang" not in after
    assert "practice-of-dr-li-na" not in after
    assert text_of(after).count("erased") == 5  # the parties stand at the top and among the facts
    assert "commitment" not in after


def test_a_permit_shows_what_it_rests_on(client, evaluate):
    """Each statement by its title, where it is from, and the worst that may come without it; in both languages."""
    decision = evaluate(body()).json()
    assert "evidence.cn-standard-contract" in [part["fact"] for part in decision["rests_on"]]
    for lang, said in (
        ("en", "What the permit rests on Statement Without it perhaps"),
        ("zh", "许可所依据的陈述 陈述 如无此项，结果可能为"),
    ):
        shown = text_of(client.get(f"/log/{decision['id']}?lang={lang}").text)
        assert said in shown
    assert "标准合同 evidence.cn-standard-contract · 由请求方陈述 须经人工审查" in shown
    refused = evaluate(json.dumps(SENT).encode()).json()
    assert "What the permit rests on" not in text_of(client.get(f"/log/{refused['id']}").text)


def test_sign_offs_stand_on_the_page(client, evaluate):
    """With verdict, reason, name and last day; and an open review says how to give one."""
    sent = {name: value for name, value in SENT.items() if name != "as_of"}
    id = evaluate(json.dumps(sent).encode()).json()["id"]
    assert f"/review/{id}" in client.get(f"/log/{id}").text
    given = {"provisions": ["cn.test/art-1"], "verdict": "approve", "reason": "read <b>it</b>", "until": "2999-01-01"}
    assert client.post(f"/v1/decisions/{id}/sign-off", json=given).status_code == 201
    page = client.get(f"/log/{id}").text
    assert "read &lt;b&gt;it&lt;/b&gt;" in page
    assert '<a href="#sign-offs">approved</a>' in page.partition('class="columns"')[0]  # beside the answer
    assert "2999-01-01" in page
    resting = evaluate(json.dumps(sent).encode()).json()["id"]
    assert "The decision rests on" in client.get(f"/log/{resting}").text


def test_the_account_shows_what_is_computed_apart():
    """What follows from the facts stands in sentences before what was stated; of what nothing is stated there is no card."""
    pdp, day = engine.PDP(bundled(), "bitset"), date(2026, 11, 25)
    sent = {**HOSPITAL, "terms": {"price": "60000 CNY", "value": "80000 CNY"}}
    exchange = engine.parse_exchange(bundled(), json.dumps(sent).encode())
    told = json.loads(pdp.explain(pdp.judge(exchange, as_of=day), today=day, id="1", parts=["factor"]))
    for lang, computed, stated, sentence in (
        ("en", "Data factor account, as computed", "Data factor account, as stated", "60000 CNY is 0.75 times 80000 CNY"),
        ("zh", "数据要素账户（计算所得）", "数据要素账户（所述内容）", "60000 CNY is 0.75 times 80000 CNY"),
    ):
        said = text_of(decision_page({"record": {"id": "1", "decision": told}}, [], PageReader(bundled(), lang)))
        first, _, second = said[said.index(computed) :].partition(stated)
        assert sentence in first
        assert "60000 CNY" in second
        assert "uthorised operation" not in said


def test_an_unknown_decision_is_a_page_too(client):
    """A 404 that a person can read, which leads back to the list."""
    answer = client.get("/log/nothing?lang=zh")
    assert (answer.status_code, answer.headers["content-type"]) == (404, "text/html; charset=utf-8")
    assert wording("zh").pages["not_found"] in answer.text
    assert 'href="/log?lang=zh"' in answer.text


def test_only_the_pages_let_in_a_style(client):
    """Their policy allows their own style sheet and nothing else; that of every other answer allows nothing."""
    for path in ("/log", "/log/nothing"):
        policy = client.get(path).headers.get_list("content-security-policy")
        assert len(policy) == 1
        assert policy[0].startswith("default-src 'none'; style-src 'self';")
    assert client.get("/livez").headers.get_list("content-security-policy") == ["default-src 'none'; frame-ancestors 'none'"]
    assert client.get("/log/style.css").headers["content-type"] == "text/css; charset=utf-8"


def test_the_list_is_filtered_by_its_address(client, evaluate):
    """A filter keeps the others, a day is meant whole, a page leads to the next."""
    for number in range(60):
        evaluate(body(exporter={"id": f"clinic-{number}", "country": "CN"}))
    review = evaluate(json.dumps(SENT).encode()).json()["id"]
    first = client.get("/log").text
    assert first.count('role="rowheader"') == 50
    [older] = re.findall(r'href="(/log\?[^"]*cursor=[^"]*)"', first)
    assert client.get(older.replace("&amp;", "&")).text.count('role="rowheader"') == 11
    found = client.get("/log?outcome=review").text
    assert found.count('role="rowheader"') == 1
    assert f'href="/log/{review}"' in found
    assert 'href="/log?outcome=review&amp;exporter_country=CN"' in found
    assert client.get("/log?until=2020-01-01").text.count('role="rowheader"') == 0
    assert client.get("/log?exporter_country=cn&recipient_country=US").text.count('role="rowheader"') == 50
    for wrong in ("?nothing=1", "?since=soon", "?cursor=x", f"?exporter={'x' * 400}"):
        assert client.get(f"/log{wrong}").status_code == 400


@pytest.mark.parametrize("filters", ["until=9999-12-31", "since=0001-01-01T00:00%2B14:00", "since=yesterday", "outcom=review"])
def test_a_filter_that_means_nothing_is_a_page_too(client, filters):
    """A day after the last one, a moment before the first, what is no day, and what is no filter."""
    answer = client.get(f"/log?{filters}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")


def test_who_may_not_read_sees_nothing(client, monkeypatch):
    """The pages ask for the scope `read`, like the log itself; signing off asks for `review`."""
    monkeypatch.setattr(entrance, "LOCAL", Caller("gateway", frozenset({"evaluate"})))
    for path in ("/log", "/log/nothing", "/log/nothing/provisions", "/v1/reviews", "/v1/decisions/nothing/sign-offs"):
        assert client.get(path).status_code == 403
    monkeypatch.setattr(entrance, "LOCAL", Caller("reader", frozenset({"read"})))
    assert client.get("/log").status_code == 200
    assert client.post("/v1/decisions/nothing/sign-off", json={}).status_code == 403


def test_a_record_of_another_shape_is_shown_as_far_as_it_goes(service):
    """Members that it has not are left out; what it has that is not known does no harm."""
    reader = PageReader(service.live.bundle, "en")
    decision = {
        "outcome": "prohibited",
        "answer": "No.",
        "reasons": [{"provision": "x/y", "effect": "forbids"}],
        "later": {"a": [1]},
    }
    for record in (
        {},
        {"id": "1"},
        {"id": "1", "decision": {}},
        {"id": "1", "decision": decision, "request": {"odd": {"fact": 1}}},
    ):
        assert "</html>" in decision_page({"record": record}, [], reader)
    carried = [
        {
            "from": "leg 1",
            "condition": "Delete it",
            "state": "violated",
            "provision": "x/z",
            "instrument": "a law",
            "citation": "1",
        }
    ]
    assert "Delete it" in decision_page({"record": {"id": "1", "decision": {"carried": carried}}}, [], reader)
    page = decision_page({"record": {"id": "1", "decision": decision, "request": {"odd": {"fact": 1}}}}, [], reader)
    for part in ("No.", "Prohibited", "forbids", "odd.fact"):
        assert part in page
    page = decision_page({"record": {"id": "1", "decision": {"outcome": "prohibited"}}}, [], reader, "the policies are gone")
    assert "the policies are gone" in page
    assert wording("en").pages["why_none"] not in page


def test_what_to_do_is_grouped_by_alternative(service):
    """Of several ways one is enough; the choices of a question have titles; what does not fit is counted."""
    reader = PageReader(service.live.bundle, "en")
    way = [{"requirement": "contract", "title": "the contract", "how": "sign it"}]
    unmet = [{"under": ["cn.test/art-1"], "ways": [way, [{**way[0], "title": "the certificate"}]]}]
    questions = [{"fact": "x", "question": "Which?", "type": "y", "values": [{"value": "a", "title": "the first"}], "more": 9}]
    decision = {"outcome": "requirements_unmet", "unmet": unmet, "questions": questions, "more": {"questions": 5, "unmet": 2}}
    said = text_of(decision_page({"record": {"id": "1", "decision": decision}}, [], reader))
    assert "One of these is enough: The contract sign it The certificate sign it required by cn.test/art-1" in said
    assert "2 more are not on this page" in said
    assert "Which? x the first and 9 more" in said
    assert "5 more facts can still change the outcome" in said


def test_all_provisions_have_a_page(client, evaluate):
    """With their tests and the facts they read; a place that is no number is refused, an unknown decision is not found."""
    id = evaluate(json.dumps(SENT).encode()).json()["id"]
    assert f'href="/log/{id}/provisions#p-1"' in client.get(f"/log/{id}").text
    page = client.get(f"/log/{id}/provisions")
    assert (page.status_code, 'id="p-1"' in page.text) == (200, True)
    said = text_of(page.text)
    assert "This page shows 1 to 1 of 1." in said
    assert "Data of ten thousand people" in said
    assert re.search(r"Test Sent Result .* 12,000 yes", said)
    assert client.get(f"/log/{id}/provisions?first=x").status_code == 400
    assert client.get(f"/log/{id}/provisions?first=99").status_code == 200
    assert client.get("/log/nothing/provisions").status_code == 404


def test_lists_take_turns_for_the_room():
    """Each list opens a line before any opens its second; one that does not fit is closed, and what it leaves out is counted."""
    lists = {"low": Listed([1, 1, 1, 1], 3, 9), "high": Listed([5, 5], 2, 9, lambda line: line), "none": Listed([], 3, 9)}
    shown = fit_lists(lists, 8)
    assert [(name, list(each.open), list(each.folded)) for name, each in shown.items()] == [
        ("low", [1, 1, 1], [1]),
        ("high", [5], [5]),
        ("none", [], []),
    ]
    assert [bool(each) for each in shown.values()] == [True, True, False]
    large = Listed(["x" * 1_000] * 20, 1, 9, more=2).folded(1)
    assert (len(large.folded), large.more, large.hidden) == (4, 17, 21)


# --- in a browser -----------------------------------------------------------------------------------------------------


def sheets(page: Page) -> int:
    """On how many A4 sheets a page prints."""
    return len(re.findall(rb"/Type\s*/Page\b", page.pdf(prefer_css_page_size=True)))


@cache
def bundled() -> engine.Bundle:
    """The bundled policies."""
    return engine.load(engine.bundled_policies())


def full_record(text: str) -> dict[str, Any]:
    """A record whose decision has more in each list than a page opens."""
    way = [{"requirement": "r", "title": text[:90], "how": text[:240]}] * 2
    law = {"instrument": text[:70], "citation": text[:40], "force": "law", "mark": "unsure"}
    decision = {
        "outcome": "review",
        "proceed": False,
        "answer": text[:900],
        "unmet": [{"under": ["p/1", "p/2"], "ways": [way] * 5}] * 4,
        "questions": [{"fact": "f", "question": text[:300], "values": [{"value": "v", "title": text[:40]}] * 12}] * 3,
        "duties": [{"duty": text[:160], "who": "exporter", "under": text[:90], "due": "2027-01-01", "arises": "exchange"}] * 60,
        "carried": [{"state": "violated", "condition": text[:300], "from": "x" * 99, "provision": "p/1", **law}] * 20,
        "conflicts": [{"kind": "conflict", "text": text[:200], "provisions": ["p/1"]}] * 9,
        "jurisdictions": [
            {"title": text[:40], "outcome": "review", "instruments": [{"title": text[:70], "outcome": "review"}] * 4}
        ]
        * 40,
        "reasons": [
            {
                "provision": f"p/{number}",
                "effect": "review",
                "title": text[:157],
                "says": text[:485],
                "requires": ["r"] * 5,
                **law,
            }
            for number in range(60)
        ],
        "possible_count": 300,
        "requirements": [{"requirement": "r", "title": text[:90], "how": text[:240], "state": "unmet"}] * 60,
        "advice": [{"advice": text[:200], "provision": "p", **law}] * 40,
        "factor": {"lanes": [{"title": text[:80], "state": "closed", "opens_when": [text[:200]] * 6, **law}] * 40},
        "coverage": {"not_modelled": [{"country": f"{n}", "subject": "all", "reviewed": True} for n in range(40)]},
        "engine": {"version": "1", "mode": "checked", "agreed": False, "disagreement": [text[:120]] * 3},
    }
    facts = {name.split(".")[1]: "W" * 256 for name in bundled().facts if name.startswith("exporter.")}
    return {
        "id": "1",
        "decision": decision,
        "denied": text[:200],
        "mapping": {"name": "gateway", "operation": text[:900], "digest": "a" * 64, "from_client": [*bundled().facts]},
        "contract": {"id": f"urn:{'W' * 900}", "form": "json-ld", "digest": "b" * 64},
        "request": dict.fromkeys(("exporter", "recipient", "data"), facts),
    }


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    """One for all tests of this module."""
    folder = tmp_path_factory.mktemp("site")
    with (
        running(folder / "log.db", "--policies", str(ROOT / "policies"), "--mode", "bitset") as server,
        launched() as browser,
    ):
        found = Site(server.address, browser)
        request = browser.new_context().request
        sent = {
            "brand": BRAND,
            "hospital": HOSPITAL,
            "short": SHORT,
            "one fact": ONE_FACT,
            "nothing": {},
            "longest names": LONGEST,
        }
        found.ids = {
            name: request.post(f"{server.address}/v1/evaluate", data={**each, "as_of": "2026-11-25"}).json()["id"]
            for name, each in sent.items()
        }
        yield found


def test_the_pages_fit_and_nothing_is_complained_of(site, tmp_path):
    """At the width of a phone and of a desk, in both schemes, with everything folded out, nothing scrolls sideways."""
    site.complaints.clear()
    decisions = (f"/{site.ids['brand']}", f"/{site.ids['hospital']}?lang=zh", f"/{site.ids['brand']}/provisions")
    for name in ("", "?lang=zh&outcome=prohibited", *decisions, "/nothing"):
        page = site.open(f"/log{name}")
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        for width, scheme in ((360, "light"), (360, "dark"), (1280, "dark"), (1280, "light")):
            page.set_viewport_size({"width": width, "height": 800})
            page.emulate_media(color_scheme=scheme)
            assert page.evaluate("document.documentElement.scrollWidth") == width, name
            assert len(page.screenshot(path=tmp_path / f"{width}-{scheme}.png")) > 5_000
        assert len({file.read_bytes() for file in tmp_path.iterdir()}) == 4
        page.emulate_media(media="print")
        assert page.locator(".contents, .filters").locator("visible=true").count() == 0
        page.close()
    # That there is no such decision is a failed request to the browser's console, and no fault of the page.
    assert [text for text in site.complaints if "404" not in text] == []


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_axe_finds_nothing_serious(site, scheme, lang):
    """On every page with what is folded opened; and nothing that a page asks for is refused by its content policy."""
    site.complaints.clear()
    decision = f"/log/{site.ids['hospital']}"
    found = {}
    paths = ("/", "/log", decision, f"{decision}/provisions", "/ledger/rights", "/ledger/rights?asset=a")
    for path, page in site.each(paths, lang, width=390 if scheme == "dark" else 1280, scheme=scheme):
        page.evaluate("document.querySelectorAll('details').forEach(each => each.open = true)")
        found[path] = faults(page)
    assert {path: each for path, each in found.items() if each} == {}
    assert site.complaints == []


def test_figures_of_the_overview_lead_to_what_they_count(site):
    """By outcome and by flow; on a phone nothing scrolls sideways, and the map is the one that is drawn for it."""
    page = site.open("/", width=360)
    assert page.evaluate("document.documentElement.scrollWidth") == 360
    assert len(page.content().encode()) < 100_000
    expect(page.get_by_role("navigation", name="Pages of this service").get_by_role("link", name="Overview")).to_have_attribute(
        "aria-current", "page"
    )
    for place in (".totals a", "section:has(#h-flows) td a", "section:has(#h-asked) td a"):
        link = page.locator(place).first
        count = int(link.inner_text().split()[0])
        address = link.get_attribute("href")
        listed = site.open(address)
        assert listed.get_by_role("row").count() == 1 + count, address
        listed.close()
    assert page.locator("svg.strip-chart rect").count() == page.locator(".totals li").count()
    for style, shown in (("on-phone", 2), ("at-desk", 0)):
        assert page.locator(f"svg.{style} .arc").count() == 2
        assert page.locator(f"svg.{style} .head").locator("visible=true").count() == shown
    page.close()


def test_a_fault_is_found(site):
    """So that a page without faults says something: a picture without words, a style and a script that the policy refuses."""
    site.complaints.clear()
    page = site.open("/log")
    page.evaluate("document.querySelector('main').innerHTML = '<img src=\"data:,\"><p style=\"color: #999\">x</p>'")
    assert [each.partition(":")[0] for each in faults(page)] == ["image-alt"]
    assert any("content policy: style-src-attr" in each for each in site.complaints)
    page.close()


def test_any_decision_prints_on_two_sheets(site):
    """With what is folded still folded, in one language or the other; and no page has more than 100 kB."""
    printed = {}
    for (name, id), lang in zip(site.ids.items(), ("en", "zh") * 3, strict=True):
        page = site.open(f"/log/{id}?lang={lang}")
        assert len(page.content().encode()) < 100_000
        printed[name] = sheets(page)
        page.emulate_media(media="print")
        assert page.locator("details:not([open]) > :not(summary)").locator("visible=true").count() == 0
        page.close()
    assert {name: number for name, number in printed.items() if number > 2} == {}


def test_a_decision_that_fills_every_list_prints_on_two_sheets(site):
    """The longest texts, more lines in each list than a page opens, and the largest documents."""
    for lang, text in (("en", "Interim measures on data flows and other things. "), ("zh", "数据出境安全评估与影响")):
        html = decision_page({"record": full_record(text * 20)}, [], PageReader(bundled(), lang))
        assert len(html.encode()) < 100_000
        page = site.browser.new_page()
        page.set_content(html, wait_until="commit")
        page.add_style_tag(content=STYLE.decode())
        assert sheets(page) == 2
        page.close()


def test_a_page_is_walked_by_keyboard(site):
    """The first stop skips to the content; what is folded opens with Enter; where one is can be seen."""
    page = site.open(f"/log/{site.ids['hospital']}")
    page.keyboard.press("Tab")
    expect(page.get_by_role("link", name="Skip to the content")).to_be_focused()
    page.keyboard.press("Enter")
    expect(page.locator("main")).to_be_focused()
    summary = page.locator("summary").first
    for _ in range(60):
        page.keyboard.press("Tab")
        if page.evaluate("document.activeElement.tagName") == "SUMMARY":
            break
    assert page.evaluate("getComputedStyle(document.activeElement).outlineStyle") == "solid"
    page.keyboard.press("Enter")
    assert page.evaluate("document.activeElement.parentElement.open")
    assert summary.count() == 1
    page.close()


def test_headings_and_tables_are_marked_up(site):
    """One first heading, none that skips a level, each header cell with its scope, each section with its name."""
    page = site.open(f"/log/{site.ids['short']}")
    levels = page.evaluate("[...document.querySelectorAll('h1,h2,h3,h4')].map(each => +each.tagName[1])")
    assert levels[0] == 1
    assert levels.count(1) == 1
    assert all(after - before <= 1 for before, after in pairwise(levels))
    assert page.locator("th:not([scope])").count() == 0
    assert page.locator("section:not([aria-labelledby])").count() == 0
    assert (
        page.evaluate("[...document.querySelectorAll('[id]')].map(e => e.id).filter((id, at, all) => all.indexOf(id) !== at)")
        == []
    )
    assert (
        page.evaluate("[...document.querySelectorAll('a[href^=\"#\"]')].filter(e => !document.querySelector(e.hash)).length")
        == 0
    )
    page.close()


def test_filters_are_links_and_a_row_leads_to_its_decision(site):
    """By outcome with a click, by country with the form; the way back is in the page."""
    page = site.open("/log")
    expect(page.get_by_role("row")).to_have_count(7)
    page.get_by_role("link", name="Requirements unmet").click()
    expect(page).to_have_url(re.compile(r"/log\?outcome=requirements_unmet$"))
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_label("Recipient's country").fill("us")
    page.get_by_label("Recipient's country").press("Enter")
    expect(page).to_have_url(re.compile(r"outcome=requirements_unmet&.*recipient"))
    expect(page.get_by_role("row")).to_have_count(2)
    page.get_by_role("row").nth(1).click(position={"x": 900, "y": 30})
    expect(page).to_have_url(re.compile(site.ids["hospital"] + "$"))
    expect(page.get_by_role("heading", level=1)).to_contain_text("security assessment")
    page.get_by_role("link", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-Hans")
    page.get_by_role("link", name="第五要素").click()
    expect(page).to_have_url(re.compile(r"/\?lang=zh$"))
    page.close()


def test_scripts_in_a_record_do_nothing(site):
    """The id of an exporter that is a script is text in the page, and the title stays ours."""
    page = site.open(f"/log/{site.ids['hospital']}")
    assert page.locator("script").count() == 0
    assert "taken" not in page.title()
    expect(page.get_by_text(SCRIPT)).to_have_count(2)
    expect(page.get_by_text(SCRIPT).first).to_be_visible()
    page.close()


@pytest.mark.parametrize("address", ["", "/provisions"])
def test_a_decision_has_no_filters(client, evaluate, address):
    """An address with a parameter that its page does not have is answered as wrong, and not as if it had none."""
    id = evaluate(body()).json()["id"]
    assert client.get(f"/log/{id}{address}?lang=zh").status_code == 200
    assert client.get(f"/log/{id}{address}?outcome=review").status_code == 400


def test_an_example_is_asked_about_and_decided_in_a_browser(site):
    """From the start to the recorded decision, by the forms alone; every page fits a phone, and a browser takes every form."""
    site.complaints.clear()
    page = site.open("/ask?lang=zh")
    page.set_viewport_size({"width": 390, "height": 800})
    page.get_by_role("button", name="肯尼亚").click()
    expect(page.locator("#question h2")).to_be_visible()
    before = page.locator("#question h2").inner_text()
    page.locator("#question input:visible").first.check()
    page.get_by_role("button", name="回答", exact=True).press("Enter")
    expect(page.locator("#question h2")).not_to_have_text(before)
    assert page.evaluate("document.documentElement.scrollWidth") == 390
    page.get_by_role("button", name="不清楚").click()
    expect(page.get_by_text("您表示不清楚的")).to_be_visible()
    page.get_by_role("button", name="记录决定").click()
    page.get_by_role("link", name="查看决定及全部理由").click()
    page.wait_for_url("**/log/*")
    expect(page.locator("h1")).to_be_visible()
    page.close()
    assert site.complaints == []


def test_a_contract_is_uploaded_and_a_draft_begun_in_a_browser(site, tmp_path):
    """A file is chosen; the page says what was read and what was not understood, fits a phone, and its button begins the draft."""
    site.complaints.clear()
    moon = {"leftOperand": "https://example.com/ns/moonPhase", "operator": "eq", "rightOperand": "full"}
    chosen = tmp_path / "offer.json"
    chosen.write_text(json.dumps(changed(constraint=moon)), "utf-8")
    page = site.open("/ask")
    page.get_by_label("The file, at most").set_input_files(chosen)
    page.get_by_role("button", name="Read the contract").click()
    expect(page.get_by_role("heading", level=1)).to_have_text("What the contract says")
    expect(page.get_by_text("Purposes the terms allow: provision of a service /permission/0/constraint/0")).to_be_visible()
    unread = page.get_by_role("region", name="Not understood")
    expect(unread.get_by_text("moonPhase is not a term that is known here moonPhase")).to_be_visible()
    expect(unread.get_by_text("/permission/0/constraint/3")).to_be_visible()
    assert faults(page) == []
    for width in (360, 1280):
        page.set_viewport_size({"width": width, "height": 800})
        assert page.evaluate("document.documentElement.scrollWidth") == width
    page.get_by_role("button", name="Begin with these facts").press("Enter")
    expect(page.locator("#question h2")).to_be_visible()
    assert re.fullmatch(r".*/ask/[\w-]{22}", page.url.partition("#")[0])
    expect(page.get_by_text("lab-2").first).to_be_visible()
    page.close()
    assert site.complaints == []
