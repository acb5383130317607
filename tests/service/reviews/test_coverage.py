"""The law that was not read: for what decisions wait, and how an organisation accepts it, over HTTP and on the page."""

import re
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from starlette.testclient import TestClient

import engine
from service.callers import keys
from service.server.app import create_app
from service.service import Service
from service.settings import SettingRefused, Settings
from service.settings.settings_sources import settings_from
from service.store import durable_file
from service.telemetry import log_lines
from tests.engine.deciding.ice import sources
from tests.service.conftest import copied
from tests.service.reviews.conftest import clock
from tests.service.reviews.test_signed_gaps import FACTS

TODAY = datetime.now(UTC).date()
UNTIL = (TODAY + timedelta(days=90)).isoformat()
KRILL = {"country": "AQ", "subject": "krill"}
ASKED = {"cells": [KRILL], "by": "Grace Hopper, General Counsel", "because": 'counsel: "yes" #1 looks at it', "until": UNTIL}
WHALES = {"data": {**FACTS["data"], "categories": ["krill", "whale"]}}


@pytest.fixture
def folders(tmp_path):
    """The law of a world of ice, and the folder of an organisation."""
    for folder, files in {
        "law": sources(""),
        "acme": {"own.yaml": b"organisation: acme\ntitle: {en: Acme, zh: \xe9\x98\xbf}\n"},
    }.items():
        (tmp_path / folder).mkdir()
        for name, content in files.items():
            (tmp_path / folder / name).write_bytes(content)
    return tmp_path


@pytest.fixture
def ice(folders, tables, lines):
    """A service that may write acceptances into the folder of the organisation."""
    both = (folders / "law", folders / "acme")
    settings = Settings(watch=False, policies=both, acceptances=both[1], database=copied(tables, folders))
    opened = Service.open(settings, say=log_lines.logger(lines), clock=clock)
    yield opened
    opened.close()


@pytest.fixture
def asker(ice):
    """The application of this service."""
    with TestClient(create_app(ice.settings, ice), base_url="http://127.0.0.1:8080") as client:
        yield client


def evaluated(client, **changes):
    """A decision on the exchange."""
    return client.post("/v1/evaluate", json={**FACTS, **changes}).json()


def accept(client, **changes):
    """An acceptance; the answer's response."""
    return client.post("/v1/reviews/coverage", json={**ASKED, **changes})


def files(folders):
    """The files in the organisation's folder."""
    return sorted(each.name for each in (folders / "acme").iterdir())


def test_what_waits_for_law_that_was_not_read_is_grouped_by_country_and_subject(asker):
    """Each cell has its number of decisions, and how many of them wait for no other signature; what nobody may accept is none."""
    first = evaluated(asker)["id"]
    evaluated(asker, **WHALES)
    evaluated(asker, data={**FACTS["data"], "categories": ["krill", "secret"]})
    found = asker.get("/v1/reviews/coverage").json()
    cells = {(each["country"], each["subject"]): (each["decisions"], each["alone"]) for each in found["cells"]}
    assert cells == {("AQ", "krill"): (3, 2), ("AQ", "whale"): (1, 0)}
    assert (found["more"], found["writes"]) == (False, True)
    assert found["cells"][0]["example"] == first


def test_law_that_nobody_can_sign_for_is_found_in_the_record(asker, ice):
    """Of a country without any law, while another may be touched: its cells are the subject matters that the data certainly are of."""
    data = {name: value for name, value in FACTS["data"].items() if name != "collected_in"} | {"people_in": ["HM"]}
    evaluated(asker, exporter={"id": "isle", "country": "HM"}, data={**data, "collected_in": ["unknown"]})
    [review] = asker.get("/v1/reviews").json()["reviews"]
    assert (review["group"], review["provisions"]) == ("coverage", [])
    found = asker.get("/v1/reviews/coverage").json()["cells"]
    assert {(each["country"], each["subject"], each["alone"]) for each in found} == {("HM", "krill", 0), ("HM", "personal", 0)}


def test_an_acceptance_is_put_in_place_and_decides(asker, folders, ice):
    """The YAML says what was asked for, whatever it holds; a second one is added to it; the author's file stays as it was."""
    id = evaluated(asker)["id"]
    own = (folders / "acme" / "own.yaml").read_bytes()
    answer = accept(asker, write=True)
    assert (answer.status_code, answer.json()["written"]) == (201, "acme/acceptances.yaml")
    assert files(folders) == ["acceptances.yaml", "own.yaml"]
    [accepted] = ice.live.bundle.vocabulary.accepts
    assert (accepted.id, accepted.organisation) == ("aq-krill", "acme.acceptances")
    assert (accepted.by.in_("en"), accepted.because.in_("zh")) == (ASKED["by"], ASKED["because"])
    assert (accepted.from_, accepted.until.isoformat()) == (TODAY, UNTIL)
    again = evaluated(asker)
    assert (again["outcome"], again["proceed"]) == ("permitted", True)
    assert evaluated(asker, **WHALES)["outcome"] == "review"
    assert accept(asker, write=True, cells=[KRILL, {"country": "AQ", "subject": "whale"}]).status_code == 201
    assert [each.id for each in ice.live.bundle.vocabulary.accepts] == ["aq-krill", "aq-krill-2", "aq-whale"]
    assert evaluated(asker, **WHALES)["outcome"] == "permitted"
    assert (folders / "acme" / "own.yaml").read_bytes() == own
    whole = engine.load([folders / "law", folders / "acme"])
    assert whole.digests == ice.live.bundle.digests
    assert asker.get("/v1/reviews").json()["reviews"] == []
    assert asker.get(f"/v1/decisions/{id}").json()["record"]["decision"]["outcome"] == "review"


def test_without_write_nothing_is_written(asker, folders):
    """The YAML can be copied into the organisation's document, where it is as good."""
    answer = accept(asker)
    assert (answer.status_code, answer.json()["written"]) == (200, None)
    assert files(folders) == ["own.yaml"]
    assert evaluated(asker)["outcome"] == "review"
    own = folders / "acme" / "own.yaml"
    own.write_text(own.read_text() + "\n" + answer.json()["yaml"])
    [accepted] = engine.load([folders / "law", folders / "acme"]).vocabulary.accepts
    assert (accepted.subjects, accepted.by.in_("en")) == (("krill",), ASKED["by"])


@pytest.mark.parametrize(
    "wrong",
    [
        {"cells": [{"country": "AQ", "subject": "secrets"}]},
        {"cells": [{"country": "XX", "subject": "krill"}]},
        {"cells": [{"country": "AQ", "subject": "all"}]},
        {"cells": []},
        {"by": "…"},
        {"because": "TODO"},
        {"because": "a\x1bb"},
        {"until": (TODAY - timedelta(days=1)).isoformat()},
        {"until": (TODAY + timedelta(days=367)).isoformat()},
        {"until": None},
    ],
)
def test_what_nobody_can_accept_is_refused(asker, folders, wrong):
    """A secret, what is not there, a name or a reason that says nothing, and a day that is over or too far away."""
    assert accept(asker, write=True, **wrong).status_code == 400
    assert files(folders) == ["own.yaml"]


def test_policies_that_would_not_hold_are_not_written(asker, folders, ice):
    """The file is checked with all that is on the disk, and everything stays as it was."""
    (folders / "acme" / "broken.yaml").write_text("policy: acme.broken\n")
    before = ice.live.digests
    answer = accept(asker, write=True)
    assert (answer.status_code, answer.json()["type"]) == (422, "urn:fifthfactor:problem:policies-refused")
    assert {each["position"]["file"] for each in answer.json()["errors"]} == {"acme/broken.yaml"}
    assert (files(folders), ice.live.digests) == (["broken.yaml", "own.yaml"], before)


def test_a_file_that_is_cut_off_is_never_put_in_place(asker, folders, monkeypatch):
    """The process may end at any time: until the new file takes the place of the old one, the old one is there as it was."""
    assert accept(asker, write=True).status_code == 201
    before = (folders / "acme" / "acceptances.yaml").read_bytes()
    monkeypatch.setattr(Path, "rename", lambda self, target: (_ for _ in ()).throw(OSError(28, "full")))
    with pytest.raises(OSError, match="full"):
        durable_file.put(folders / "acme" / "acceptances.yaml", b"half")
    assert (folders / "acme" / "acceptances.yaml").read_bytes() == before
    assert (folders / "acme" / "acceptances.yaml").stat().st_mode & 0o044


def test_writing_needs_the_scope_of_an_administrator(asker, folders, ice):
    """A reviewer may have the YAML shown, and nobody without the scope `review` that."""
    made = {}
    with ice.store.database.transaction() as transaction:
        for name, scopes in {"reviewer": ["read", "review"], "reader": ["read"]}.items():
            made[name] = keys.create(transaction, name, scopes, None, "test", ice.clock())[1]
    bearer = {name: {"Authorization": f"Bearer {key}"} for name, key in made.items()}
    answers = {
        (who, write): asker.post("/v1/reviews/coverage", json={**ASKED, "write": write}, headers=bearer[who]).status_code
        for who in made
        for write in (True, False)
    }
    assert answers == {("reviewer", True): 403, ("reviewer", False): 200, ("reader", True): 403, ("reader", False): 403}
    assert files(folders) == ["own.yaml"]
    assert asker.get("/v1/reviews/coverage", headers=bearer["reviewer"]).json()["writes"] is False


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_the_page_accepts_and_then_what_waited_is_decided_again(asker, folders, lang):
    """One form for several cells; after it the queue offers to decide again what waited, and what may proceed waits no more."""
    evaluated(asker)
    other = evaluated(asker, **WHALES)["id"]
    page = asker.get(f"/review/coverage?lang={lang}").text
    assert re.findall(r'name="cell" value="([^"]*)"', page) == ["AQ/krill", "AQ/whale"]
    [token] = re.findall(r'name="token" value="([^"]*)"', page)
    form = {"token": token, "cell": "AQ/krill", "by": "Grace", "because": "read <it> herself", "until": UNTIL, "do": "show"}

    def sent(path="/review/coverage", **changes):
        return asker.post(f"{path}?lang={lang}", data={**form, **changes}, follow_redirects=False)

    shown = sent()
    assert (shown.status_code, "because: read &lt;it&gt; herself" in shown.text, files(folders)) == (200, True, ["own.yaml"])
    wrong: list[dict[str, Any]] = [{"cell": []}, {"by": ""}, {"because": "…"}, {"until": "soon"}]
    for lacks in wrong:
        refused = sent(do="write", **lacks)
        assert (refused.status_code, 'role="alert"' in refused.text) == (400, True)
    assert sent(do="write", token="0" * 64).status_code == 403
    done = sent(do="write")
    assert (done.status_code, files(folders)) == (303, ["acceptances.yaml", "own.yaml"])
    page = asker.get(done.headers["location"]).text
    assert ('role="status"' in page, "Grace" in page, "read &lt;it&gt; herself" in page) == (True, True, True)
    assert {each["group"] for each in asker.get("/v1/reviews").json()["reviews"]} == {"again"}
    page = asker.get(f"/review?lang={lang}&group=again").text
    ids = re.findall(r'name="id" value="([^"]*)"', page)
    answer = sent("/review", id=ids)
    assert (len(ids), answer.status_code, answer.headers["location"].endswith("again=1")) == (2, 303, True)
    assert [each["id"] for each in asker.get("/v1/reviews").json()["reviews"]] == [other]
    assert asker.get(answer.headers["location"]).status_code == 200


def test_the_folder_for_acceptances_is_one_of_the_policies(folders):
    """Otherwise what is written there would decide nothing; of signed policies nothing can be written."""
    for wrong in ({"acceptances": folders / "elsewhere"}, {"acceptances": folders / "acme", "bundle_keys": (folders / "key",)}):
        with pytest.raises(SettingRefused, match="FIFTHFACTOR_ACCEPTANCES"):
            settings_from({}, policies=(folders / "law", folders / "acme"), **wrong)
