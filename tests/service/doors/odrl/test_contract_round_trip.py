"""What is written passes through a JSON-LD processor and through RDF without losing or changing anything."""

import json
from collections.abc import Iterator
from typing import Any

import pytest
from pyld import jsonld

from service.doors.odrl import policy_names
from tests.service.doors.odrl.decided_contracts import (
    OWING,
    committed,
    contract_desk,
    decided,
    expanded,
    granted,
    options,
    policy_of,
)
from tests.service.ledger.desk import Desk

KINDS = (
    "permit",
    "permit with duties",
    "agreement",
    "agreement with duties",
    "agreement of DSP",
    "agreement of DSP with duties",
)


@pytest.fixture(scope="module")
def policies(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """A policy of each kind."""
    with contract_desk(tmp_path_factory.mktemp("round-trip")) as desk:
        yield dict(zip(KINDS, _policies(desk), strict=True))


def _policies(desk: Desk) -> Iterator[Any]:
    grant, owing = granted(desk, "visits/1"), decided(desk, OWING)
    yield policy_of(desk, grant)
    yield policy_of(desk, owing)
    made = [committed(desk, id)["id"] for id in (grant, owing)]
    for form in ("odrl", "dsp"):
        for id in made:
            yield policy_of(desk, id, "commitments", form)


def plain(value: Any) -> Any:
    """A document of which a list of one is that one, and `type` and `uid` have their names in JSON-LD."""
    match value:
        case dict():
            names = {"type": "@type", "uid": "@id", "@value": "@value"}
            return {names.get(name, name): plain(each) for name, each in value.items() if name != "@context"}
        case [one]:
            return plain(one)
        case list():
            return sorted(map(plain, value), key=lambda each: json.dumps(each, sort_keys=True))
    return value


@pytest.mark.parametrize("kind", KINDS)
def test_expanding_and_compacting_gives_the_same_document(policies: dict[str, Any], kind: str) -> None:
    """Every member has a meaning, so none is dropped; and the context gives each its name back."""
    policy = policies[kind]
    compacted = jsonld.compact(jsonld.expand(policy, options()), policy["@context"], options())
    assert expanded(compacted) == expanded(policy)
    assert plain(compacted) == plain(policy)


@pytest.mark.parametrize("kind", KINDS)
def test_a_policy_is_the_same_after_rdf_and_back(policies: dict[str, Any], kind: str) -> None:
    """The canonical N-Quads of the policy are those of what comes back, and each literal and IRI is in them."""
    policy = policies[kind]
    quads = jsonld.normalize(policy, options(algorithm="URDNA2015", format="application/n-quads"))
    back = jsonld.from_rdf(quads, options(format="application/n-quads", useNativeTypes=False))
    again = jsonld.normalize(back, options(algorithm="URDNA2015", format="application/n-quads"))
    assert again == quads
    assert quads.count("\n") > 60


def words(value: Any) -> set[str]:
    """The words of our namespace on a policy or on a rule."""
    return {policy_names.WORDS + name.removeprefix("ff:") for name in value if name.startswith("ff:")}


@pytest.mark.parametrize("kind", KINDS)
def test_every_word_of_ours_is_one_that_limits_nothing(policies: dict[str, Any], kind: str) -> None:
    """Whoever reads a policy passes over these words alone, at their places, and asks for any other."""
    policy = policies[kind]
    assert set() < words(policy) <= policy_names.POLICY_WORDS
    for duty in policy.get("obligation", ()):
        assert set() < words(duty) <= policy_names.DUTY_WORDS
    assert not any(words(rule) for rule in (*policy["permission"], *policy["prohibition"]))
