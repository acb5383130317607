"""The pages of the policies: instruments and provisions, coverage, cases, versions and their difference, and the shadow."""

import html
import re
import shutil
import sys
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.callers import entrance
from service.callers.caller import Caller
from service.console.markdown_text import html_of
from service.console.policy_library import PolicyLibrary, library_of
from service.console.policy_pages import impact_page, shadow_page
from service.console.reader import PageReader
from service.languages.words import wording
from service.policies import case_runs, difference_process, kept_bundles
from service.policies.kept_bundles import StoredBundle
from service.policies.kept_differences import Comparison, KeptDifferences
from service.policies.paired_exchanges import pairs_of
from service.server.app import create_app
from service.service import Service
from service.settings import Settings
from service.tables import coded_log, impact_process
from service.telemetry import log_lines
from tests.service.conftest import EXCHANGE, POLICIES, Lines, copied


@pytest.fixture
def database(tables: Path, tmp_path: Path) -> str:
    """One kind of database is enough here: the statements that these pages read by are those of the endpoints."""
    return copied(tables, tmp_path)


WITH_CASES = {
    "v.yaml": b"""
vocabulary: v
facts:
  exporter.country: {type: country, title: country, ask: Where?}
values:
  country: {title: country, values: {CN: China}}
jurisdictions:
  CN: {title: China}
""",
    "r.yaml": b"""
policy: cn.one
title: One
jurisdiction: CN
instrument: {issuer: N, number: N, force: law}
in_force: {from: 2024-01-01}
applies:
  exporter.country: CN
rules:
  - id: a
    title: A
    cite: Art. 1
    says: A.
    source: none
    status: confirmed
    prohibit: No.
""",
    "r.test.yaml": b"""test: cn.one
as_of: 2026-11-24
exchange: {exporter.country: CN}
cases:
  - case: It is barred
    expect: {outcome: prohibited, because: [a]}
""",
    "s.test.yaml": b"""test: cn.one.two
as_of: 2026-11-24
exchange: {exporter.country: CN}
cases:
  - case: Of another
    expect: {outcome: prohibited}
""",
}


def text_of(page: str) -> str:
    """What a page says, in one line."""
    return re.sub(r"\s+", " ", re.sub(r"<[^>]+>", " ", page.partition("<main")[2]))


@pytest.fixture
def policy(service: Service) -> str:
    """A policy that is loaded."""
    return next(iter(library_of(service.live).policies))


def test_the_list_finds_instruments(client: TestClient, service: Service, policy: str) -> None:
    """By jurisdiction, and by words of their titles or names; each leads to its page."""
    page = client.get("/policies").text
    assert set(re.findall(r'href="/policies/([^/"?]+\.[^/"?]+)"', page)) == set(library_of(service.live).policies)
    assert f'href="/policies/{policy}"' in client.get(f"/policies?text={policy}").text
    assert f'href="/policies/{policy}"' not in client.get("/policies?text=no+such+thing").text


def test_an_instrument_says_what_it_holds(client: TestClient, service: Service, policy: str) -> None:
    """Every provision with its citation, what it says, and how sure it is; each has a page of its own with the cases that name it."""
    library = library_of(service.live)
    page = client.get(f"/policies/{policy}").text
    for id, provision in library.provisions.items():
        if provision.policy == policy:
            assert f'href="/policies/{id}"' in page
            own = client.get(f"/policies/{id}")
            assert own.status_code == 200
            said = text_of(own.text)
            assert provision.citation.en in said
            assert f"{provision.file}:{provision.line}" in said
            assert f'href="/log?provision={id.replace("/", "%2F")}"' in own.text
    for lang in ("en", "zh"):
        assert client.get(f"/policies/{policy}?lang={lang}").status_code == 200


def test_a_brief_in_parts_is_the_whole_brief(service: Service, policy: str) -> None:
    """The same lines as `fifthfactor brief` writes."""
    written = engine.instrument(service.live.bundle, policy)
    assert written is not None
    head, provisions = engine.brief_parts(service.live.bundle, written)
    whole = engine.brief(service.live.bundle, written)
    assert whole.startswith(head)
    assert [text for _, text in provisions] == [text for _, text in provisions if text in whole]
    assert [name for name, _ in provisions] == [rule.id for rule in written.text.rules]
    assert engine.instrument(service.live.bundle, "no.such") is None


def test_cases_are_told_and_not_decided(client: TestClient, service: Service) -> None:
    """With what is expected of each; a service loads its policies without their tests, and reads the cases from the same bytes."""
    library = PolicyLibrary(service.live.bundle)
    assert service.live.bundle.tests == ()
    for policy in library.policies:
        cases = library.cases(policy)
        page = text_of(client.get(f"/policies/{policy}/-/tests").text)
        assert wording("en").policies["tests_none"] in page if not cases else all(case.case[:40] in page for case in cases[:3])
    written = engine.load_sources(WITH_CASES)
    [case] = engine.written_cases(written, "cn.one")
    assert (case.case, case.file, case.line, case.as_of) == ("It is barred", "r.test.yaml", 5, date(2026, 11, 24))
    assert case.expect == {"outcome": "prohibited", "because": ["a"]}


WRONG = b"""test: cn.one
as_of: 2026-11-24
exchange: {exporter.country: CN}
cases:
  - case: It is barred
    expect: {outcome: prohibited, because: [a]}
  - case: It is <b>free</b>
    expect: {outcome: permitted}
  - case: It cannot be read
    change: {exporter.country: XX}
    expect: {outcome: permitted}
  - case: It is barred again
    expect: {outcome: prohibited}
"""


@pytest.fixture
def trying(database: str, tmp_path: Path, lines: Lines) -> Iterator[TestClient]:
    """A service of policies with cases, of which some fail."""
    folder = tmp_path / "with cases"
    folder.mkdir()
    for name, text in {**WITH_CASES, "r.test.yaml": WRONG}.items():
        (folder / name).write_bytes(text)
    settings = Settings(watch=False, policies=folder, database=database)
    opened = Service.open(settings, say=log_lines.logger(lines))
    with TestClient(create_app(settings, opened), base_url="http://127.0.0.1:8080") as client:
        yield client
    opened.close()


def run_cases(client: TestClient, policy: str = "cn.one", lang: str = "en", **fields: str) -> Any:
    """What the button to run the cases answers."""
    page = client.get(f"/policies/{policy}/-/tests").text
    sent = {"token": page.partition('name="token" value="')[2][:64], "first": "0", **fields}
    return client.post(f"/policies/{policy}/-/tests?lang={lang}", data=sent, headers={"sec-fetch-site": "same-origin"})


def test_the_cases_of_a_policy_are_run(trying: TestClient) -> None:
    """As `fifthfactor test` does it: which passed, which failed and what differs; nothing is recorded."""
    bundle = engine.load_sources({**WITH_CASES, "r.test.yaml": WRONG})
    expected = list(engine.run(bundle, "r.test.yaml"))
    assert list(engine.run_policy(bundle, "cn.one", engine.PDP(bundle))) == expected
    answer = run_cases(trying)
    assert answer.status_code == 200
    page, words = text_of(answer.text), wording("en").policies
    assert f"{words['run_failed'].format(2)} {words['run_told'].format(1, 4, 4)}" in page
    for result in expected:
        assert all(html.escape(problem)[:60] in answer.text for problem in result.problems)
        assert f":{result.line}" in page
    assert "&lt;b&gt;free" in answer.text
    assert len(answer.content) < 100_000
    assert wording("zh").policies["run_failed"].format(2) in run_cases(trying, lang="zh").text
    assert trying.get("/v1/decisions").json()["decisions"] == []
    assert words["run_passed"] in run_cases(trying, "cn.one", first="3").text


def test_cases_for_which_there_was_no_time_are_run_next(trying: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A run has at least one case, and says where it stopped."""
    monkeypatch.setattr(case_runs, "SECONDS", 0.0)
    words, page = wording("en").policies, run_cases(trying).text
    assert words["run_told"].format(1, 1, 4) in page
    assert '<input type="hidden" name="first" value="1">' in page
    assert words["run_told"].format(2, 2, 4) in run_cases(trying, first="1").text
    assert '<input type="hidden" name="first"' not in run_cases(trying, first="3").text


def test_cases_are_run_one_policy_at_a_time_and_for_who_may_ask(trying: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """A second run is refused while one goes on; so is a form without its token, and whoever may only read has no button."""
    runs = []

    def second(*_: Any) -> Iterator[engine.Result]:
        runs.append(run_cases(trying))
        yield engine.Result("r.test.yaml", 1, "cn.one", "a", ())

    monkeypatch.setattr(engine, "run_policy", second)
    assert run_cases(trying).status_code == 200
    assert (runs[0].status_code, "in a moment" in runs[0].text) == (503, True)
    monkeypatch.undo()
    assert run_cases(trying).status_code == 200
    for wrong in ({"token": "0" * 64}, {"first": "9"}, {"first": "x"}):
        assert run_cases(trying, **wrong).status_code == (403 if "token" in wrong else 404 if wrong["first"] == "9" else 400)
    assert run_cases(trying, "no.such").status_code in (403, 404)
    monkeypatch.setattr(entrance, "LOCAL", Caller("reader", frozenset({"read"})))
    assert 'name="token"' not in trying.get("/policies/cn.one/-/tests").text
    assert trying.post("/policies/cn.one/-/tests", data={"token": "x"}).status_code == 403


def test_coverage_names_what_is_not_covered(client: TestClient, service: Service) -> None:
    """Each jurisdiction with countries, the policies that speak of its subject matters, and those of which none does."""
    page = client.get("/policies/coverage").text
    for code, text in service.live.bundle.vocabulary.jurisdictions.items():
        if text.covers:
            assert f'id="{code}"' in page
            for cover in text.covers.values():
                assert all(f'href="/policies/{by}"' in page for by in cover.by)


def test_each_system_shows_two_exchanges_and_both_answers(tmp_path: Path, lines: Lines) -> None:
    """The row leads to the provision and tells the facts that differ and each answer; with one of the exchanges a draft begins."""
    settings = Settings(watch=False, policies=engine.bundled_policies(), database=str(tmp_path / "log.db"), mode="bitset")
    service = Service.open(settings, say=log_lines.logger(lines))
    with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
        pages = [client.get(f"/policies/frameworks?first={first}").text for first in range(0, 100, 20)]
        pairs = pairs_of(service.live)
        assert [of for page in pages for of in re.findall(r'<a href="/policies/([^"/]+/[^"/]+)"', page)] == list(pairs)
        assert max(len(page.encode()) for page in pages) < 100_000
        (page,) = (each for each in pages if 'value="contract.deepseek/military"' in each)
        row = text_of("<main" + page.partition('href="/policies/contract.deepseek/military"')[2].partition("</tr>")[0])
        assert re.search(
            r"the outcome .* Prohibited The licence of the model forbids .* licence: DeepSeek .* Requirements unmet", row
        )
        zh = client.get("/policies/frameworks?lang=zh&first=60").text
        assert "就此提问" in zh
        assert "Ask about it" not in zh
        token = re.findall(r'name="token" value="([^"]+)"', page)[0]
        sent = {"token": token, "from": "pair", "pair": "contract.deepseek/military", "place": "0"}
        draft = client.post("/ask", data=sent)
        assert draft.status_code == 200
        assert "DeepSeek" in draft.text
        assert client.get("/policies/frameworks?other=1").status_code == 400
    service.close()


def test_without_pairs_the_page_says_so(client: TestClient) -> None:
    """These policies come with none."""
    assert "No pairs of exchanges" in client.get("/policies/frameworks").text


@pytest.fixture
def two_versions(database: str, tmp_path: Path, lines: Lines) -> Iterator[tuple[TestClient, Service]]:
    """A service that was restarted with changed policies, after three decisions of which two would come out differently."""
    changed = tmp_path / "policies"
    shutil.copytree(POLICIES, changed)
    for path in changed.rglob("*.yaml"):
        written = path.read_text()
        if "title: Data of ten thousand people" in written:
            written = written.replace("title: Data of ten thousand people", "title: Data of so many people")
            path.write_text(written.replace("at_least: 10 thousand", "at_least: 20 thousand"))
    for policies in (POLICIES, changed):
        service = Service.open(Settings(watch=False, policies=policies, database=database), say=log_lines.logger(lines))
        with TestClient(create_app(service.settings, service), base_url="http://127.0.0.1:8080") as client:
            if policies == changed:
                yield client, service
            else:
                for people in (12_000, 12_000, 50_000):
                    sent = {**EXCHANGE, "data": {"people": people}, "evidence": {}}
                    assert client.post("/v1/evaluate", json=sent).json()["outcome"] == "review"


def test_two_versions_are_compared_in_a_process_of_its_own(two_versions: tuple[TestClient, Service]) -> None:
    """The page says that it is under way, and later what differs; what was found is kept."""
    client, _ = two_versions
    page = client.get("/policies/versions").text
    names = list(dict.fromkeys(re.findall(r'value="([0-9a-f]{64}-[0-9a-f]{64})"', page)))
    assert len(names) == 2
    assert wording("en").policies["decides_now"] in page
    new, old = names
    address = f"/policies/difference?old={old}&new={new}"
    first = client.get(address)
    assert (first.status_code, wording("en").policies["compare_running"] in first.text) == (202, True)
    until = time.monotonic() + 120
    while (found := client.get(address)).status_code == 202:
        assert time.monotonic() < until
        time.sleep(0.2)
    said = text_of(found.text)
    assert "Data of so many people" in said
    assert client.get(address).status_code == 200
    assert client.get(f"/policies/difference?old={old}&new={'0' * 64}").status_code == 400


def test_the_records_that_would_come_out_differently_are_told_in_both_languages(
    two_versions: tuple[TestClient, Service],
) -> None:
    """By a process of its own: how many, in which groups, with a decision as an example; the pages of the versions lead there."""
    client, service = two_versions
    new, old = dict.fromkeys(re.findall(r'value="([0-9a-f]{64}-[0-9a-f]{64})"', client.get("/policies/versions").text))
    assert 'formaction="/policies/impact"' in client.get("/policies/versions").text
    address = f"/policies/impact?old={old}&new={new}"
    assert client.get(address).status_code == 202
    until = time.monotonic() + 120
    while (found := client.get(address)).status_code == 202:
        assert time.monotonic() < until
        time.sleep(0.2)
    for lang, page in (("en", found.text), ("zh", client.get(f"{address}&lang=zh").text)):
        words, said = wording(lang).policies, text_of(page)
        assert words["impact_text"].format(3, 2, 2) in said
        assert words["impact_all"] in said
        assert words["direction_permits_more"] in said
        assert {words["impact_outcomes"], words["impact_month"], words["impact_groups"]} <= set(re.findall(r"[^<>]+", page))
        assert engine.LANGUAGES[lang].level("review").capitalize() in said
        assert "cn.test" in said
    [example] = set(re.findall(r'href="/log/([0-9a-f-]{36})"', found.text))
    assert "12,000" in text_of(client.get(f"/log/{example}").text)
    assert client.get("/policies/impact?old=a&new=b").status_code == 400
    assert wording("en").policies["same"] in text_of(_shown(service, Comparison("done", {"same": True})))
    assert "fifthfactor impact 2222222222222222 4444444444444444 --over log" in text_of(_shown(service, Comparison("failed")))


def _shown(service: Service, comparison: Comparison) -> str:
    old, new = (
        StoredBundle(source * 64, meaning * 64, "", "", "", "2026-11-24T10:00:00Z", 1) for source, meaning in ("12", "34")
    )
    return impact_page(comparison, {}, old, new, PageReader(service.live.bundle, "en"))


def test_an_impact_ends_with_the_newest_records_where_there_is_no_time(
    two_versions: tuple[TestClient, Service], monkeypatch: pytest.MonkeyPatch
) -> None:
    """The page names the command that compares all records; what is open lies between two outcomes in the reader's language."""
    _, service = two_versions
    database = str(service.settings.database)
    with service.store.database.reading.connect() as connection:
        new, old = (kept_bundles.load_kept(connection, each.source) for each in kept_bundles.list_bundles(connection))
    monkeypatch.setattr(impact_process, "BATCH", 1)
    found = impact_process.newest_impact(database, old, new, 0.0, date(2026, 11, 24))
    assert (found.rows, found.moved, found.complete) == (1, 0, False)
    found = impact_process.newest_impact(database, old, new, 60.0, date(2026, 11, 24))
    assert (found.rows, found.moved, found.complete) == (3, 2, True)
    monkeypatch.setattr(coded_log.CodedLog, "prepare", lambda log: [0, 0])
    monkeypatch.setattr(impact_process, "BATCH", 2)
    found = impact_process.newest_impact(database, old, new, 0.0, date(2026, 11, 24))
    assert (found.rows, found.moved, found.complete) == (3, 2, False)
    told = impact_process.impact_json(found)
    told["outcomes"][0]["new"] = "not decided (permitted to prohibited)"
    page = text_of(_shown(service, Comparison("done", told)))
    assert "--over log" in page
    assert "not decided (permitted to prohibited)" in page


def test_a_comparison_decides_as_long_as_there_is_time(service: Service) -> None:
    """What there is no time for is counted."""
    bundle = engine.load(POLICIES)
    files = dict(bundle.sources)
    name, data = next((name, data) for name, data in files.items() if b"title: Data of ten thousand people" in data)
    other = engine.load_sources({**files, name: data.replace(b"title: Data of ten thousand people", b"title: Other")})
    found = difference_process.difference_json(bundle, other, 0.0, date(2026, 11, 24))
    assert (found["tried"], found["same"]) == (0, False)
    assert found["not_tried"] == len(engine.trials(bundle, other))
    assert any("Other" in str(change) for change in found["changes"])
    assert difference_process.difference_json(bundle, bundle, 5.0, date(2026, 11, 24))["same"]


def test_one_comparison_runs_at_a_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """A second one waits; one that fails says so."""
    compared = KeptDifferences("sqlite:///nothing")
    begun: list[Any] = []
    monkeypatch.setattr(compared, "_compare", lambda pair, today: begun.append(pair))
    today = date(2026, 11, 24)
    assert compared.of(("a", "a"), ("b", "b"), today) == Comparison("running")
    assert compared.of(("a", "a"), ("b", "b"), today) == Comparison("running")
    assert compared.of(("b", "b"), ("c", "c"), today) == Comparison("waiting")
    monkeypatch.undo()
    monkeypatch.setattr(sys, "executable", shutil.which("false"))
    broken = KeptDifferences("/no/such/database.db")
    broken._compare((("a", "a"), ("b", "b")), today)
    assert broken.of(("a", "a"), ("b", "b"), today) == Comparison("failed")


def test_without_a_shadow_the_page_says_how_to_set_one(client: TestClient) -> None:
    """It names the setting."""
    assert "FIFTHFACTOR_SHADOW" in client.get("/policies/shadow").text


def test_what_a_shadow_would_change_leads_to_the_decisions(service: Service) -> None:
    """How many move from which outcome to which, and each decision with the provisions that stand on one side only."""
    counts = SimpleNamespace(compared=9, differing=1, dropped=0, failed=0)
    shadow: Any = SimpleNamespace(refused=None, digests=service.live.digests, counts=counts)
    row = SimpleNamespace(
        id="0199", at="2026-11-24T10:00:00.000000Z", live_outcome="permitted", live_proceed=True, shadow_outcome="prohibited",
        shadow_proceed=False, only_live="[]", only_shadow='["cn.test/art-1"]',
    )  # fmt: skip
    moves = [("permitted", True, "prohibited", False, 1)]
    for lang, word in (("en", "may not proceed"), ("zh", "不得进行")):
        page = shadow_page(shadow, moves, [row], False, "following", PageReader(service.live.bundle, lang))
        assert 'href="/log/0199' in page
        assert "cn.test/art-1" in page
        assert "cursor=following" in page
        assert word in text_of(page)


def test_markdown_of_a_text_is_no_html() -> None:
    """Tags, links and images of a text stay text; lists and emphasis are read."""
    made = str(html_of("- **a** <script>x</script> [b](javascript:x) ![c](http://d) &lt; `e`\n\n<b>f</b>\n"))
    assert "<li>" in made
    assert "<strong>a</strong>" in made
    assert not any(part in made for part in ("<script", "<a ", "<img", "<b>"))


@pytest.mark.parametrize(
    "path", ["?nothing=1", "?jurisdiction=XX", "?first=-1", "/coverage?x=1", "/versions?first=x", "/shadow?cursor=x",
     "/difference", "/difference?old=a&new=b"]
)  # fmt: skip
def test_a_wrong_address_is_refused_as_a_page(client: TestClient, path: str) -> None:
    """As wrong, and not as if nothing had been asked."""
    answer = client.get(f"/policies{path}")
    assert (answer.status_code, answer.headers["content-type"]) == (400, "text/html; charset=utf-8")


@pytest.mark.parametrize("path", ["no.such", "no.such/art-1", "no.such/-/tests", "%3Cscript%3E"])
def test_what_is_not_loaded_is_said_not_to_be(client: TestClient, path: str) -> None:
    """A policy or a provision."""
    assert client.get(f"/policies/{path}").status_code == 404


def test_who_may_not_read_sees_no_policies(client: TestClient, monkeypatch: pytest.MonkeyPatch) -> None:
    """The pages need the scope `read`, and serve no party's key."""
    for caller in (Caller("gateway", frozenset({"evaluate"})), Caller("partner", frozenset({"read"}), party="clinic")):
        monkeypatch.setattr(entrance, "LOCAL", caller)
        for path in ("", "/coverage", "/versions", "/difference", "/impact", "/shadow", "/a.b", "/a.b/c", "/a.b/-/tests"):
            assert client.get(f"/policies{path}").status_code == 403
