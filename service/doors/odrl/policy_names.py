"""
The names of what this service writes into contracts, and what they name: ids, values, facts and provisions as IRIs, and back.

An id that is an IRI of the web, a URN or a DID stays as it is. Any other gets a URN of ours, so that no prefix of a context can turn it
into another name. `value_of` and `id_of` read our own names back; they name nothing else.
"""

import re
from typing import Any, Final
from urllib.parse import quote, unquote

import engine

OURS: Final = "urn:fifthfactor:"
PROFILE: Final = OURS + "odrl-profile:1"  # the ODRL profile: what the words below mean
WORDS: Final = OURS + "odrl:"  # what a policy says that ODRL has no word for
# What this service says of a policy, and of an obligation in it, beside what ODRL has a word for: it describes the decision.
POLICY_WORDS: Final = frozenset(
    WORDS + each for each in ("decision", "lastDay", "provision", "readLaw", "restsOn", "term", "commitment", "receipt")
)
DUTY_WORDS: Final = frozenset(
    WORDS + each for each in ("owedBy", "under", "citation", "certain", "overdue", "provision", "state")
)

ODRL: Final = "http://www.w3.org/ns/odrl/2/"
ODRL_CONTEXT: Final = "http://www.w3.org/ns/odrl.jsonld"
DSP_CONTEXT: Final = "https://w3id.org/dspace/2025/1/odrl-profile.jsonld"
XSD: Final = "http://www.w3.org/2001/XMLSchema#"

# Beside ODRL's own context.
CONTEXT: Final[dict[str, Any]] = {
    "@version": 1.1,
    "ff": WORDS,
    "dct": "http://purl.org/dc/terms/",
    "dpv": engine.DPV_NAMESPACES["dpv"],
    "xsd": XSD,
}
DSP_BESIDE: Final[dict[str, Any]] = {**CONTEXT, "timestamp": "https://w3id.org/dspace/2025/1/timestamp"}

_STANDS = re.compile(r"(?:https?://|urn:|did:)[A-Za-z0-9\-._~:/?#\[\]@!$&'()*+,;=%]+")
_MOST = 2_000  # characters of an id that stays as it is


def iri_of_id(kind: str, id: str) -> str:
    """The IRI of a party, an asset, a decision: its id if that is an IRI already, otherwise a URN of ours."""
    if len(id) <= _MOST and _STANDS.fullmatch(id) and not id.startswith(OURS):
        return id
    return f"{OURS}{kind}:{quote(id, safe='')}"


def id_of(kind: str, iri: str) -> str:
    """The id that an IRI names: what `iri_of_id` was given."""
    named = f"{OURS}{kind}:"
    return unquote(iri.removeprefix(named)) if iri.startswith(named) else iri


def iri_of_value(set_name: str, value: str) -> str:
    """The IRI of a value of a set of the vocabulary."""
    return f"{OURS}{set_name}:{quote(value, safe='')}"


def value_of(iri: str) -> tuple[str, str] | None:
    """The set and the value that an IRI of ours names; None where it names none."""
    set_name, _, value = iri.removeprefix(OURS).partition(":")
    return (set_name, unquote(value)) if iri.startswith(OURS) and value else None


def iri_of_fact(fact: str) -> str:
    """The left operand that stands for a fact of an exchange."""
    return f"{OURS}fact:{fact}"


def iri_of_provision(name: str) -> str:
    """The IRI of a provision, by its name in the policies."""
    return f"{OURS}provision:{quote(name, safe='/')}"
