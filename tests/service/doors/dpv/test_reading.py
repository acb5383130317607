"""Records in DPV read as facts: what is understood, what is broader, and what stays unknown."""

import json

import pytest

import engine
from service.doors.graphs import JSON_LD, GraphRefused
from tests.service.doors.dpv.conftest import bundled, reading, readings, stated


def test_what_exists_in_both_becomes_facts_with_the_place_of_each():
    """A record in JSON-LD: purposes, data, people, roles, basis, frequency and storage, each with a JSON Pointer."""
    found = reading(
        json.dumps(
            {
                "@context": {
                    "dpv": "https://w3id.org/dpv#", "pd": "https://w3id.org/dpv/pd#", "loc": "https://w3id.org/dpv/loc#",
                    "purposes": {"@id": "dpv:hasPurpose", "@type": "@id"},
                },
                "@id": "https://example.org/r",
                "purposes": ["dpv:ServiceProvision", "dpv:ScientificResearch"],
                "dpv:hasPersonalData": {"@type": ["pd:Genetic", "dpv:PseudonymisedData"]},
                "dpv:hasDataSubject": {"@type": "dpv:Employee", "dpv:hasCountry": [{"@id": "loc:DE"}, {"@id": "loc:FR"}]},
                "dpv:hasDataExporter": {
                    "@type": "dpv:DataController", "dpv:hasIdentifier": "clinic-7", "dpv:hasCountry": {"@id": "loc:DE"},
                },
                "dpv:hasDataImporter": {"@type": "dpv:DataProcessor", "dpv:hasCountry": {"@id": "loc:IN"}},
                "dpv:hasLegalBasis": {"@id": "dpv:Consent"},
                "dpv:hasFrequency": {"@id": "dpv:SingularFrequency"},
                "dpv:hasStorageCondition": {"@type": "dpv:StorageLocation", "dpv:hasLocation": {"@id": "loc:DE"}},
            }
        ),
        JSON_LD,
    )  # fmt: skip
    assert found.exchange == {
        "exporter": {"id": "clinic-7", "country": "DE", "role": "controller"},
        "recipient": {"country": "IN", "role": "processor"},
        "data": {
            "personal": True, "state": "pseudonymised", "categories": ["employee", "genetic"], "people_in": ["DE", "FR"],
            "stored_in": ["DE"],
        },
        "act": {"frequency": "once"},
        "purpose": {"is": ["research", "service-provision"]},
        "safeguards": {"basis": ["consent"]},
    }  # fmt: skip
    assert found.not_understood == ()
    places = {each.fact: each.pointers for each in found.facts}
    assert places["purpose.is"] == ("/purposes/1", "/purposes/0")
    assert places["data.stored_in"] == ("/dpv:hasStorageCondition/dpv:hasLocation",)
    assert places["exporter.country"] == ("/dpv:hasDataExporter/dpv:hasCountry",)
    assert places["data.state"] == ("/dpv:hasPersonalData",)
    engine.accept_exchange(bundled(), found.exchange)


@pytest.mark.parametrize(
    ("said", "fact", "value"),
    [
        ("dpv:hasPurpose dpv:DirectMarketing", "purpose.is", ["marketing", "unknown"]),  # a kind of marketing, and perhaps more
        ("dpv:hasPurpose dpv:ResearchAndDevelopment", "purpose.is", None),  # means more than research
        ("dpv:hasPurpose dpv:PublicBenefit", "purpose.is", None),
        ("dpv:hasPersonalData pd:Health", "data.categories", ["health"]),  # several of ours are written so: the broadest is read
        ("dpv:hasPersonalData pd:FacialPrint", "data.categories", ["face"]),
        ("dpv:hasPersonalData pd:EmailAddress", "data.categories", ["contact", "unknown"]),
        ("dpv:hasPersonalData dpv:PersonalData", "data.categories", None),
        ("dpv:hasPersonalData pd:Health, dpv:PersonalData", "data.categories", ["health", "unknown"]),
        ("dpv:hasDataSubject dpv:Child ; dpv:hasPersonalData pd:Health", "data.categories", ["health", "unknown"]),
        ("dpv:hasPersonalData dpv:ContextuallyAnonymisedData", "data.state", "pseudonymised"),  # not anonymised
        ("dpv:hasPersonalData [ a pd:Health, dpv:PseudonymisedData ], pd:Contact", "data.state", None),  # only some of them are
        ("dpv:hasData dpv:NonPersonalData", "data.personal", False),
        ("dpv:hasData dpv:NonPersonalData, pd:Health", "data.personal", None),
        ("dpv:hasLegalBasis dpv:Contract", "safeguards.basis", None),  # any contract, and ours is one with the person
        ("dpv:hasLegalBasis eu-gdpr:A6-1-b", "safeguards.basis", ["contract"]),
        ("dpv:hasLegalBasis dpv:UninformedConsent", "safeguards.basis", None),
        ("dpv:hasLegalBasis eu-gdpr:A9-2-a", "safeguards.basis", None),  # a condition for special categories, not the basis
        ("dpv:hasLegalBasis eu-gdpr:A49-1-a", "safeguards.basis", None),  # a ground of the transfer, not the basis
        ("dpv:hasTechnicalMeasure dpv:Encryption", "safeguards.measures", None),  # it does not say who has the keys
        ("dpv:hasFrequency dpv:SporadicFrequency", "act.frequency", None),
        ("dpv:hasFrequency dpv:OftenFrequency", "act.frequency", "repeated"),
        ("dpv:hasProcessing dpv:Transfer", "act.kind", None),
        ("dpv:hasPurpose dpv:Marketing ; dpv:hasLocation loc:US", "data.stored_in", None),  # the place of what?
        ("dpv:hasStorageCondition [ dpv:hasLocation loc:US ]", "data.stored_in", ["US"]),
        ("dpv:hasStorageCondition [ dpv:hasLocation loc:US, loc:EU ]", "data.stored_in", ["US", "unknown"]),
        ("dpv:hasDataExporter [ a dpv:DataController, dpv:JointDataControllers ]", "exporter.role", "joint-controller"),
        ("dpv:hasDataExporter [ a dpv:DataController, dpv:DataProcessor ]", "exporter.role", None),
        ("dpv:hasDataExporter [ a dpv:Hospital ]", "exporter.kind", None),  # ours is a hospital that is no university
        ("dpv:hasDataExporter [ dpv:hasCountry loc:DE, loc:FR ]", "exporter.country", None),
        ("dpv:hasRecipient [ a dpv:DataSubProcessor ]", "recipient.role", "processor"),
        ("dpv:hasRecipient [ dpv:hasCountry loc:IN ], [ dpv:hasCountry loc:IN ]", "recipient.country", None),  # two recipients
        ("dpv:hasDataController ex:a ; dpv:hasDataExporter ex:a", "exporter.role", "controller"),
        ("dpv:hasDataProcessor ex:a ; dpv:hasDataExporter ex:a ; dpv:hasRecipient ex:b", "exporter.role", "processor"),
        ("dpv:hasPurpose dpv:Marketing ; dpv:hasPersonalDataCategory pd:Health", "purpose.is", ["marketing", "unknown"]),
        ("dpv:hasPurpose ex:ours", "purpose.is", None),
        ("dpv:hasLegalBasis dpv:Consent ; dpv:hasConsentStatus dpv:ConsentWithdrawn", "safeguards.basis", None),
        ("dpv:hasLegalBasis [ a dpv:Consent ; dpv:hasConsentStatus dpv:ConsentRefused ]", "safeguards.basis", None),
        ("dpv:hasDataSubject [ dpv:hasCountry loc:DE ; dpv:hasLocation loc:CN ]", "data.people_in", ["CN", "DE"]),
        ("dpv:hasPersonalData [ a pd:Health ; dpv:hasPersonalData pd:Genetic ]", "data.categories", ["health", "unknown"]),
        ("dpv:hasFrequency dpv:SingularFrequency ; dpv:hasData [ a pd:Health ; dpv:hasFrequency ex:x ]", "act.frequency", None),
    ],
)  # fmt: skip
def test_a_term_is_never_read_as_a_value_that_means_less(said, fact, value):
    """What means the same or less is read; what means more leaves the fact unknown, and a set open."""
    found = reading(f"ex:r a dpv:DataTransferRecord ; {said} .")
    assert stated(found.exchange, fact) == value


def test_every_term_that_is_not_understood_is_named_with_its_place_and_why():
    """A misspelt one gets the nearest; the number is that of the different terms."""
    found = reading(
        "ex:r dpv:hasPurpose dpv:Marketing, dpv:Maketing, ex:ours ; dpv:hasRisk ex:x ; dpv:hasLocation loc:US ; "
        "dpv:hasTechnicalMeasure dpv:Encryption ; dpv:hasOrganisationalMeasure dpv:Encryption ."
    )
    why = {each.term: each.why for each in found.not_understood}
    assert "did you mean `dpv:Marketing`" in why["dpv:Maketing"]
    assert why["dpv:hasLocation"].startswith("it does not say of what it is the place")
    assert set(why) == {"dpv:Maketing", "https://example.org/ours", "dpv:hasRisk", "dpv:hasLocation", "dpv:Encryption"}
    assert len(found.terms_not_understood) == 5
    assert {each.pointer for each in found.not_understood} == {"https://example.org/r"}


def test_properties_of_other_vocabularies_are_named_and_not_read():
    """A misspelt prefix is found there too."""
    found = reading(
        "ex:r dpv:hasPurpose dpv:Marketing ; <dvp:hasPurpose> dpv:Sale ; <http://purl.org/dc/terms/title> 'records' ."
    )
    assert found.exchange == {"purpose": {"is": ["marketing"]}}
    assert found.others == ("dvp:hasPurpose", "http://purl.org/dc/terms/title")
    assert found.not_understood == ()


def test_a_ground_of_the_general_regulation_is_a_document_of_which_nothing_else_is_known():
    """It is presented, without day or end, so that it lifts nothing yet. Where a ground may be any of several, each is unknown."""
    found = reading("ex:r dpv:hasLegalBasis eu-gdpr:A46-2-b, eu-gdpr:A46-2-c, eu-gdpr:A49-1-e, eu-gdpr:A45-3 .")
    assert found.exchange["evidence"] == {
        "eu-bcr": {},
        **dict.fromkeys(("eu-scc-m1", "eu-scc-m2", "eu-scc-m3", "eu-scc-m4", "eu-scc-old"), "unknown"),
    }
    assert found.exchange["claims"] == {"legal-claims": {}}
    assert {each.term for each in found.not_understood} == {"eu-gdpr:A46-2-c", "eu-gdpr:A45-3"}


def test_a_record_with_one_part_is_one_record_and_one_with_several_parts_is_several():
    """What the whole says is said of each part too."""
    parts = "ex:p dpv:hasPersonalData pd:Health . ex:q dpv:hasPersonalData pd:Genetic ."
    one = reading(f"ex:r dpv:hasPurpose dpv:Marketing ; dpv:hasProcess ex:p . {parts.split(' . ')[0]} .")
    assert (one.record, one.exchange["purpose"], one.exchange["data"]["categories"]) == (
        "https://example.org/r", {"is": ["marketing"]}, ["health"]
    )  # fmt: skip
    several = readings(f"ex:r dpv:hasPurpose dpv:Marketing ; dpv:hasProcess ex:p, ex:q . {parts}")
    assert [each.record for each in several] == ["https://example.org/p", "https://example.org/q"]
    assert [each.exchange["data"]["categories"] for each in several] == [["health"], ["genetic"]]
    assert all(each.exchange["purpose"] == {"is": ["marketing"]} for each in several)


def test_a_prohibition_is_no_record_of_what_is_done():
    """Neither by itself nor beside a record, which lists it among what was not understood."""
    rule = "ex:p a dpv:Prohibition ; dpv:hasPurpose dpv:ServiceProvision ."
    with pytest.raises(GraphRefused):
        readings(rule)
    found = reading(f"ex:r dpv:hasPurpose dpv:Marketing ; dpv:hasProhibition ex:p . {rule}")
    assert found.exchange == {"purpose": {"is": ["marketing"]}}
    assert [each.term for each in found.not_understood] == ["dpv:hasProhibition"]


def test_what_a_graph_inside_of_the_document_says_is_said():
    """Nothing that a document says of a record is left out."""
    context = {"dpv": "https://w3id.org/dpv#"}
    inner = {"@id": "urn:g", "@graph": [{"@id": "urn:r", "dpv:hasPurpose": {"@id": "dpv:ServiceProvision"}}]}
    document = {"@context": context, "@graph": [{"@id": "urn:r", "dpv:hasPurpose": {"@id": "dpv:Marketing"}}, inner]}
    assert reading(json.dumps(document), JSON_LD).exchange == {"purpose": {"is": ["marketing", "service-provision"]}}


def test_a_document_without_a_record_says_what_is_missing():
    """The sentence names the namespace, which is what is wrong most often."""
    with pytest.raises(GraphRefused) as refused:
        readings("ex:r <https://www.w3.org/ns/dpv#hasPurpose> dpv:Marketing .")
    assert "https://w3id.org/dpv#" in refused.value.detail
