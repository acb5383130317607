"""A draft whose permit a law counts, though no rule reads the count: the page asks for the ids, so that it can be committed."""

from copy import deepcopy
from pathlib import Path

from tests.service.api.described import PERMITTED
from tests.service.api.test_described import application
from tests.service.console.test_ask import Browser, begun


def test_a_permit_asks_for_the_ids_by_which_it_is_counted(tmp_path: Path) -> None:
    """Without them it is recorded and not committed; what is given of them is stated, and nothing else."""
    document = deepcopy(PERMITTED)
    del document["exporter"]["id"], document["recipient"]["id"]
    del document["terms"]
    with application(tmp_path) as client:
        browser = Browser(client)
        begun(browser, document)
        assert 'name="id exporter.id"' in browser.page, browser.said[:600]
        named = {"id exporter.id": " clinic ", "id recipient.id": "lab", "id exporter.country": "DE"}
        assert browser.send(do="ids", **named) == 200
        stated = browser.document
        assert stated["exporter"] == {**document["exporter"], "id": "clinic"}
        assert stated["recipient"] == {**document["recipient"], "id": "lab"}
        assert 'name="id exporter.id"' not in browser.page
        assert browser.send(do="decide") == 200
        assert browser.send(do="commit") == 200
        assert "is committed as" in browser.said


def test_a_review_asks_for_them_too_because_a_signature_is_bound_to_them(tmp_path: Path) -> None:
    """Once it is signed they could not be stated without losing the signature."""
    document = {
        **deepcopy(PERMITTED),
        "exporter": {**PERMITTED["exporter"], "country": "DE", "targets": ["DE"], "sectors": ["finance"]},
    }
    document["data"] |= {"people_in": ["DE"], "collected_in": ["DE"], "stored_in": ["DE"], "controls": []}
    document["safeguards"] = {"basis": ["contract"]}
    document["purpose"] |= {"end_use": ["civil"]}
    document["recipient"]["role"] = "processor"
    document["evidence"] = {"eu-explicit-consent": {"dated": "2026-01-02", "covers": True}}
    del document["exporter"]["id"], document["recipient"]["id"], document["terms"]
    with application(tmp_path) as client:
        browser = Browser(client)
        begun(browser, document)
        assert "Outcome Subject to review" in browser.said
        assert 'name="id exporter.id"' in browser.page
