"""
A witness without a service: a request that somebody carries goes in, a cosigned checkpoint comes out.

Its key, and the checkpoint of each log that it cosigned last, are in one file. It needs no database and no network.

INVARIANT (one history): the file is on the disk, with the new checkpoint in it, before the cosignature leaves. One process at a time
reads and replaces it. Who puts an older file back makes the witness forget.
"""

import json
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from service.store.durable_file import alone_in, put, put_once
from service.transparency.checkpoint import Checkpoint
from service.transparency.ed25519 import PrivateKey
from service.transparency.signed_note import KeyTextRefused, SignatureType, SignerKey, VerifierKey
from service.transparency.witness import AddCheckpoint, WitnessAnswer, answer

SCHEMA = "fifthfactor/witness/1"


class StateRefused(Exception):
    """The file of a witness cannot be used; the message is one sentence."""


def verifier_key(state: Path) -> VerifierKey:
    """The key of the witness in a file, which is made if it is not there. Raises StateRefused."""
    with _held(state) as found:
        return _signer(found, state).verifier


def cosign(state: Path, request: AddCheckpoint, log: VerifierKey, time: int) -> WitnessAnswer:
    """What the witness answers to the request of a log, at a time in seconds since 1970. Raises StateRefused."""
    with _held(state) as found:
        origin = request.checkpoint.origin
        kept = found["logs"].get(origin)
        try:
            last = None if kept is None else Checkpoint(origin, int(kept["size"]), bytes.fromhex(kept["root"]))
        except (ValueError, KeyError, TypeError):
            raise StateRefused(f"`{state}` does not say what was cosigned last") from None
        keys = [log] if log.name == origin else []
        answered = answer(request, keys, last, _signer(found, state), time)
        if answered.cosigned is not None:
            new = {"size": answered.cosigned.size, "root": answered.cosigned.root.hex()}
            _write(put, state, {**found, "logs": {**found["logs"], origin: new}})
        return answered


def _signer(found: dict[str, Any], state: Path) -> SignerKey:
    try:
        key = SignerKey.parse(found["key"])
    except (KeyError, TypeError, KeyTextRefused):
        raise StateRefused(f"`{state}` holds no key of a witness") from None
    if key.type is not SignatureType.COSIGNATURE:
        raise StateRefused(f"`{state}` holds a key that does not cosign")
    return key


@contextmanager
def _held(state: Path) -> Iterator[dict[str, Any]]:
    """The content of the file, which no other process replaces meanwhile. It is made if it is not there. Raises StateRefused."""
    try:
        with alone_in(state.absolute().parent):
            if not state.exists():
                private = PrivateKey.generated()
                name = f"fifthfactor/witness/{private.public.id[:32]}"
                key = SignerKey(name, SignatureType.COSIGNATURE, private).text()
                _write(put_once, state, {"schema": SCHEMA, "key": key, "logs": {}})
            found = json.loads(state.read_bytes())
            if not isinstance(found, dict) or found.get("schema") != SCHEMA or not isinstance(found.get("logs"), dict):
                raise ValueError
            yield found
    except OSError as failed:
        raise StateRefused(f"`{state}` cannot be used: {failed.strerror}") from None
    except ValueError:
        raise StateRefused(f"`{state}` is not the file of a witness") from None


def _write(how: Callable[[Path, bytes], None], state: Path, content: dict[str, Any]) -> None:
    how(state.absolute(), json.dumps(content, indent=1).encode() + b"\n")
