"""Records in DPV written to mislead: what is unknown never comes out as no, and a set that may hold more says so."""

import json

import pytest

import engine
from service.cli.files import load
from service.doors.dpv.document_reading import read_document
from service.problems import RequestRefused

CONTEXT = {
    "dpv": "https://w3id.org/dpv#",
    "pd": "https://w3id.org/dpv/pd#",
    "loc": "https://w3id.org/dpv/loc#",
    "ex": "http://example.org/",
}
NOT_PERSONAL = {"dpv:hasData": {"@id": "dpv:NonPersonalData"}}


@pytest.fixture(scope="module")
def bundle() -> engine.Bundle:
    """The bundled policies."""
    return load([engine.bundled_policies()], tests=False)


def records(bundle, **said):
    """What is read of one record that says this."""
    document = {"@context": CONTEXT, "@id": "ex:r", "@type": "dpv:DataTransferRecord", **said}
    return read_document(json.dumps(document).encode(), "application/ld+json", bundle).records


@pytest.mark.parametrize(
    "said",
    [
        {"dpv:hasPersonalData": ["Health"]},
        {"dpv:hasDataSubject": {"@id": "dpv:Child"}},
        {"dpv:hasPersonaldata": {"@id": "pd:HealthRecord"}},
        {"dpv:hasPersonalDataProcess": {"@id": "ex:p"}},
    ],
    ids=["a text", "a data subject", "a property that DPV does not have", "a part that is not described"],
)
def test_data_are_not_said_to_be_no_personal_data_beside_something_that_says_otherwise(bundle, said):
    """`data.personal: false` permits much: it stands only where nothing in the record speaks against it."""
    for record in records(bundle, **NOT_PERSONAL, **said):
        assert record.exchange.get("data", {}).get("personal") is not False


def test_a_storage_condition_without_a_country_leaves_the_places_open(bundle):
    """The data may be stored elsewhere too."""
    conditions = [{"@id": "ex:s", "dpv:hasCountry": {"@id": "loc:DE"}}, {"@id": "ex:t"}]
    (record,) = records(bundle, **{"dpv:hasStorageCondition": conditions})
    assert "unknown" in record.exchange["data"]["stored_in"]


def test_what_a_prohibition_says_is_no_record(bundle):
    """A purpose that is prohibited is not the purpose of anything."""
    prohibited = {"@id": "ex:z", "@type": "dpv:Prohibition", "dpv:hasPurpose": {"@id": "dpv:Marketing"}}
    read = records(bundle, **{"dpv:hasProhibition": prohibited, "dpv:hasPurpose": {"@id": "dpv:ServiceProvision"}})
    assert [each.exchange["purpose"]["is"] for each in read if "purpose" in each.exchange] == [["service-provision"]]


@pytest.mark.parametrize(
    "said",
    [
        {"hasPersonalData": {"@id": "pd:Health"}},
        {"_:x": {"@id": "pd:Health"}},
        {"@hasPersonalData": {"@id": "pd:Health"}},
        {"dpv:hasPersonalData": None},
        {"dpv:hasPersonalData": [None]},
        {"dpv:hasPersonalData": {"@value": None}},
        {"dpv:hasPersonalData": {"@list": [None]}},
        {"dpv:hasPersonalData": {"@value": "Health", "@language": "not a language"}},
        {"dpv:hasPersonalData": {"@id": "pd:Health record"}},
        {"dpv:hasPersonalData": {"@language": "en"}},
        {"@graph": ["pd:Health"]},
        {"@graph": [{"@value": "pd:Health"}]},
        {"@nest": ["pd:Health"]},
        {"@context": {**CONTEXT, "mine": None}, "mine": {"@id": "pd:Health"}},
    ],
    ids=lambda said: json.dumps(said)[:60],
)
def test_what_the_reader_of_json_ld_would_leave_out_is_refused(bundle, said):
    """Otherwise what was sent and not read would be taken for what was not said."""
    with pytest.raises(RequestRefused) as refused:
        records(bundle, **NOT_PERSONAL, **said)
    assert refused.value.kind == "bad-request"
