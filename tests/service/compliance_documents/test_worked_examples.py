"""Worked examples of each document in both languages, as files beside this one, for somebody who knows such documents to read."""

import os
import re

import pytest

from service.compliance_documents.markdown_file import markdown
from tests.service.compliance_documents.conftest import HERE, Desk

EXAMPLES = {
    "optician-munich-pune": ("transfer-impact-assessment", "scc-annexes", "record-of-processing"),
    "retailer-shanghai-penang": ("pi-impact-assessment", "cn-contract-appendix", "record-of-processing"),
}
_ID = re.compile(r"\b[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[0-9a-f]{4}-[0-9a-f]{12}\b")
_DIGEST = re.compile(r"\b[0-9a-f]{64}\b")


@pytest.fixture(scope="module")
def decisions(desk: Desk) -> dict[str, str]:
    """The decision of each worked case."""
    return {name: desk.case(name) for name in EXAMPLES}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize(("case", "name"), [(case, name) for case, names in EXAMPLES.items() for name in names])
def test_the_worked_examples_are_as_they_were_read(
    desk: Desk, decisions: dict[str, str], case: str, name: str, lang: str
) -> None:
    """A changed word shows here. `RECORD=1` writes them again; ids and digests are numbered, since each run has its own."""
    found = numbered(markdown(desk.draft(decisions[case], name, lang)))
    path = HERE / "examples" / f"{case}.{name}.{lang}.md"
    if os.environ.get("RECORD"):
        path.parent.mkdir(exist_ok=True)
        path.write_text(found)
    assert found == path.read_text()


def numbered(text: str) -> str:
    """A text with its ids and digests numbered in their order."""
    for pattern, name in ((_ID, "id"), (_DIGEST, "digest")):
        for number, each in enumerate(dict.fromkeys(pattern.findall(text)), 1):
            text = text.replace(each, f"{name}-{number}")
    return text
