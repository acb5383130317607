"""The documents authors write: each schema is versioned and carries an example that its model takes."""

from __future__ import annotations

import pytest

from engine.policy_language.case_text import TestText
from engine.policy_language.document_text import DocumentText
from engine.policy_language.organisation_text import OrganisationText
from engine.policy_language.policy_text import PolicyText
from engine.policy_language.vocabulary_text import VocabularyText

DOCUMENTS: dict[str, type[DocumentText]] = {
    "policy": PolicyText,
    "vocabulary": VocabularyText,
    "organisation": OrganisationText,
    "test": TestText,
}


@pytest.mark.parametrize("name", DOCUMENTS)
def test_a_schema_has_a_version_and_an_example_that_holds(name: str) -> None:
    """The `$id` names the document and its version; the example reads as the document."""
    model = DOCUMENTS[name]
    schema = model.model_json_schema()
    assert schema["$id"] == f"urn:fifthfactor:{name}:1"
    assert schema["examples"]
    for example in schema["examples"]:
        assert getattr(model.model_validate(example), name) == example[name]
