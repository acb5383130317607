"""
A signed statement on a document, verified from its leaf alone: by the public keys that the leaf names, apart from the code that wrote it.

Whether the operator trusted these keys is in the leaf `settings` before it, by their ids.
"""

import json
from collections.abc import Iterator, Mapping
from datetime import date
from typing import Any

from service.policies import dsse
from service.transparency.ed25519 import NotEd25519, PublicKey

_PAYLOAD_TYPE = "application/vnd.fifthfactor.document-statement+json"


def faults(leaf: Mapping[str, Any]) -> Iterator[str]:
    """A sentence where a leaf is of a signed statement that does not hold; an erased one is passed over."""
    if leaf.get("kind") == "document-signature" and leaf["envelope"] is not None and not holds(leaf):
        yield f"the signed statement `{leaf['id']}` is not signed by the keys that its leaf names, or says otherwise"


def holds(leaf: Mapping[str, Any]) -> bool:
    """Whether each of the keys signed the envelope, and the statement in it is on the leaf's document and has its last day."""
    try:
        keys = [PublicKey.from_raw(bytes.fromhex(each)) for each in leaf["keys"]]
        payload, signers = dsse.verify(dsse.read(leaf["envelope"].encode()), _PAYLOAD_TYPE, keys)
        statement = json.loads(payload)
        return (
            len(signers) == len(keys)
            and statement["name"] == leaf["name"]
            and date.fromisoformat(statement["until"]).isoformat() == leaf["until"]
        )
    except (dsse.EnvelopeRefused, NotEd25519, ValueError, TypeError, KeyError, AttributeError):
        return False
