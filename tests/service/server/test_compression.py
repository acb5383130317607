"""Answers are compressed for whoever accepts it, and for nobody else."""

import gzip
import json
from collections.abc import Callable
from typing import Any

import pytest

from service.server.compression import LEAST_BYTES, accepts_gzip
from tests.service.conftest import body

JSON = {"content-type": "application/json"}


def test_an_answer_is_compressed_for_who_accepts_it(client: Any) -> None:
    """The bytes are the same once unpacked, and fewer on the way."""
    plain = client.get("/v1/facts", headers={"accept-encoding": "identity"})
    assert "content-encoding" not in plain.headers
    with client.stream("GET", "/v1/facts", headers={"accept-encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
        assert (answer.headers["content-encoding"], answer.headers["vary"]) == ("gzip", "Accept-Encoding")
        assert int(answer.headers["content-length"]) == len(packed) < len(plain.content)
    assert gzip.decompress(packed) == plain.content


def test_a_batch_is_compressed_as_it_is_sent(client: Any) -> None:
    """Also an answer that is sent in pieces."""
    sent = b'{"exchanges":[%b]}' % b",".join([body()] * 3)
    with client.stream("POST", "/v1/evaluate/batch", content=sent, headers={**JSON, "accept-encoding": "gzip"}) as answer:
        packed = b"".join(answer.iter_raw())
        assert answer.headers["content-encoding"] == "gzip"
    assert len(json.loads(gzip.decompress(packed))["results"]) == 3


def test_a_short_answer_stays_as_it_is(client: Any) -> None:
    """It would not get shorter."""
    answer = client.get("/livez", headers={"accept-encoding": "gzip"})
    assert len(answer.content) < LEAST_BYTES
    assert "content-encoding" not in answer.headers


def test_an_answer_with_a_strong_tag_stays_as_it_is(client: Any) -> None:
    """A strong `ETag` names these bytes."""
    entity = {"facts": {"country": "CN"}, "aliases": [f"{number:064}" for number in range(16)]}
    put = client.put("/v1/parties/clinic-7", content=json.dumps(entity), headers={**JSON, "accept-encoding": "gzip"})
    assert (put.status_code, "etag" in put.headers, "content-encoding" in put.headers) == (201, True, False), put.text
    assert len(put.content) > LEAST_BYTES


@pytest.mark.parametrize(
    ("accepted", "compressed"),
    [
        ("gzip", True),
        ("deflate, GZIP;q=0.5", True),
        ("x-gzip", True),
        ("", False),
        ("br, deflate", False),
        ("gzip;q=0", False),
        ("gzip; q=0.000, br", False),
        ("notgzip", False),
    ],
)
def test_what_a_caller_accepts(accepted: str, compressed: bool) -> None:
    """A coding is named by its whole name, and `q=0` refuses it (RFC 9110, section 12.5.3)."""
    assert accepts_gzip(accepted) is compressed


def test_an_answer_kept_for_retries_is_the_same_for_both(evaluate: Callable[..., Any]) -> None:
    """The key of a call does not hang on how its answer is packed."""
    first = evaluate(**{"idempotency-key": "one", "accept-encoding": "gzip"})
    again = evaluate(**{"idempotency-key": "one", "accept-encoding": "identity"})
    assert (again.headers["idempotency-replayed"], again.content) == ("true", first.content)
