"""The page of a decision says how it was asked: by which mapping and operation, what a client could set, and under which contract."""

from collections.abc import Iterator
from hashlib import sha256
from typing import Any

import pytest

import engine
from service.console.pages import decision_page
from service.console.reader import PageReader
from service.languages.words import wording
from service.log.canonical_json import canonical
from tests.service.cli.test_log import run
from tests.service.console.test_console import text_of
from tests.service.doors.odrl.decided_contracts import contract_desk
from tests.service.doors.odrl.test_decided_contracts import OFFER, beside, changed
from tests.service.doors.odrl.test_decided_contracts import ask as ask_under
from tests.service.doors.opa.conftest import HERE, REGISTER
from tests.service.doors.opa.test_questions import reading
from tests.service.ledger.desk import Desk

OWING = {"operation": "read", "reader": "lab-5"}  # may proceed, with a duty that the program does not carry out


@pytest.fixture(scope="module")
def desk(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Desk]:
    """A service with the bundled policies, mappings of programs and a register that they read."""
    policies = [engine.bundled_policies(), HERE / "mappings"]
    with contract_desk(tmp_path_factory.mktemp("origin"), policies=policies) as desk:
        sent = desk.post("/v1/register/import", {"schema": "fifthfactor/register/1", "entities": REGISTER})
        assert sent.status_code == 200, sent.text
        yield desk


def asked(desk: Desk, mapping: str, sent: Any) -> str:
    """The id of what is decided for a program."""
    return str(desk.post(f"/v1/data/{mapping}", {"input": sent}).json()["decision_id"])


def said(desk: Desk, id: str, lang: str = "en") -> str:
    """What the page of a decision says."""
    page = desk.client.get(f"/log/{id}?lang={lang}")
    assert page.status_code == 200
    return text_of(page.text)


def test_a_mapped_request_names_its_mapping_its_operation_and_what_a_client_could_set(desk: Desk) -> None:
    """The facts have their titles, in the language of the reader; the mapping its title as long as it is the same."""
    id = asked(desk, "reports", reading(headers={"x-people": "500"}))
    digest = desk.record(id)["mapping"]["digest"]
    text = said(desk, id)
    assert "How it was asked Another program asked GET /reports/{report} Read by the mapping" in text
    assert f"reports Digest of the mapping {digest}" in text
    of_client = text.partition("A client could set ")[2]
    reader = PageReader(desk.service.live.bundle, "zh")
    assert "data.people.ordinary" in of_client[:200]
    assert "purpose.is" in of_client[:200]
    chinese = said(desk, id, "zh")
    words = wording("zh").pages
    assert f"{words['mapped_operation']} GET /reports/{{report}}" in chinese
    assert f"{reader.title('purpose.is')} purpose.is" in chinese.partition(words["mapped_client"])[2]


def test_where_a_client_can_set_nothing_the_page_says_so(desk: Desk) -> None:
    """Whoever runs the program vouches for what it states."""
    id = asked(desk, "carrying", OWING)
    text = said(desk, id)
    assert f"A client could set {wording('en').pages['mapped_client_none']}" in text
    assert wording("en").pages["denied_mapped"] not in text, "the program carries the duty out, and was answered yes"


def test_a_program_that_was_answered_no_although_the_exchange_may_proceed_is_told_of(desk: Desk) -> None:
    """On the page in both languages, and at a terminal: it was no access request, and the exchange itself may proceed."""
    id = asked(desk, "owing", OWING)
    why = "duties are owed that the program does not carry out: ph.data-privacy-act/s-21.1"
    assert f"The exchange may proceed, but the program that asked was answered with no: {why}" in said(desk, id)
    assert f"{wording('zh').pages['denied_mapped']} {why}" in said(desk, id, "zh")
    assert "Why the answer is no" not in said(desk, id)
    code, told, _ = run(desk.service.settings.database, "log", "show", id)
    assert code == 0
    assert f"The exchange may proceed, but the program that asked was answered with no: {why}." in told
    assert "access request" not in told


def test_a_decision_under_a_contract_names_it_until_it_is_erased(desk: Desk) -> None:
    """Its own name, its form and its digest; once the personal values are erased, the page only says that there was one."""
    id = str(ask_under(desk, OFFER, beside()).json()["id"])
    digest = sha256(canonical(OFFER)).hexdigest()
    under = wording("en").pages["contract_under"]
    assert f"{under} {OFFER['@id']} JSON-LD SHA-256 of the contract {digest}" in said(desk, id)
    assert digest in said(desk, id, "zh").partition(wording("zh").pages["contract_digest"])[2]
    assert desk.post(f"/v1/decisions/{id}/erase").status_code == 200
    text = said(desk, id)
    assert f"{under} erased" in text
    assert digest not in text
    assert OFFER["@id"] not in text.partition(under)[2]


def test_a_contract_without_a_name_is_known_by_its_digest(desk: Desk) -> None:
    """And a name is text, whatever it is."""
    offer = changed()
    del offer["@id"]
    id = str(ask_under(desk, offer, beside()).json()["id"])
    digest = sha256(canonical(offer)).hexdigest()
    assert f"It has no name of its own. JSON-LD SHA-256 of the contract {digest}" in said(desk, id)
    contract = {"id": "urn:<script>alert(1)</script>", "form": "turtle", "digest": "0" * 64}
    page = decision_page({"record": {"id": "1", "contract": contract}}, [], PageReader(desk.service.live.bundle, "en"))
    assert "<script>alert" not in page
    assert "Turtle" in page


def test_a_decision_that_was_asked_for_directly_has_no_such_part(desk: Desk) -> None:
    """The part is there only where there is something to say; members of another shape do no harm."""
    id = str(desk.post("/v1/evaluate", {"exporter": {"country": "CN"}}).json()["id"])
    assert wording("en").pages["asked_how"] not in said(desk, id)
    reader = PageReader(desk.service.live.bundle, "en")
    others: tuple[Any, ...] = ("text", [], {}, None)
    for odd in others:
        page = decision_page({"record": {"id": "1", "mapping": odd, "contract": odd}}, [], reader)
        assert 'id="asked"' not in page
