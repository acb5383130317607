"""
Twelve everyday exchanges at the door: each is accepted within two tries, if what the refusal proposes is taken.

`first_attempts.yaml` has both tries. Whatever the second one says otherwise than the first has to stand in the refusal, at its place.
"""

import json
import re
import time
from collections.abc import Iterator
from datetime import date
from pathlib import Path
from typing import Any

import pytest
import yaml

import engine

BUNDLE = engine.load(engine.bundled_policies())
ATTEMPTS = {
    each["about"]: each for each in yaml.safe_load((Path(__file__).with_name("first_attempts.yaml")).read_text("utf-8"))
}
Leaf = tuple[tuple[str, ...], Any]


def sent(document: dict[str, Any]) -> bytes:
    """The bytes of an exchange."""
    return json.dumps(document, ensure_ascii=False, default=str).encode()


def leaves(value: Any, path: tuple[str, ...] = ()) -> Iterator[Leaf]:
    """Each value of a document with the steps to it; a member of a list stands at the list."""
    match value:
        case dict():
            for name, inner in value.items():
                yield from leaves(inner, (*path, name))
        case list():
            for each in value:
                yield from leaves(each, path)
        case _:
            yield path, value


def refusal(document: dict[str, Any]) -> tuple[engine.ExchangeProblem, ...]:
    """What is wrong with an exchange; nothing where it is accepted."""
    try:
        engine.parse_exchange(BUNDLE, sent(document))
    except engine.ExchangeRefused as refused:
        return refused.problems
    return ()


def places(problems: tuple[engine.ExchangeProblem, ...]) -> list[str]:
    """The places that are wrong, without the numbers of members of lists."""
    return [re.sub(r"/\d+$", "", each.pointer) for each in problems]


@pytest.mark.parametrize("about", ATTEMPTS)
def test_an_everyday_exchange_is_accepted_within_two_tries(about: str) -> None:
    """The second try takes what the refusal of the first proposes, and leaves out only what the refusal named."""
    first, second = ATTEMPTS[about]["first"], ATTEMPTS[about]["second"]
    problems = refusal(first)
    assert refusal(second) == ()
    told = " ".join(each.detail for each in problems)
    before, after = list(leaves(first)), list(leaves(second))
    for path, value in after:
        if (path, value) in before:
            continue
        if path[0] == "evidence" or isinstance(value, int):  # a day, a number or a truth is the sender's own
            known = any(f'"{step}"' in told or f"`{step}`" in told or f".{step}`" in told for step in path[-2:])
        else:
            known = f"`{value}`" in told or f'"{value}"' in told or any(value == other for _, other in before)
        assert known, (path, value, told)
    for path, value in before:
        if (path, value) not in after:
            assert any(("/" + "/".join(path)).startswith(place) for place in places(problems)), (path, value)


@pytest.mark.parametrize("about", ATTEMPTS)
def test_a_refusal_proposes_at_every_place_and_lists_no_beginning_of_a_list(about: str) -> None:
    """All places at once, in the order in which they were sent, each with a proposal in English and in Chinese."""
    first = ATTEMPTS[about]["first"]
    problems = refusal(first)
    for each in problems:
        assert re.search(r"did you mean |; write |leave it out", each.detail), each
        assert re.search("是否指|请写作|请删去", each.told("zh")), each.told("zh")
        assert "`, …" not in each.detail
        assert len(each.detail) < 700
    order = ["/" + "/".join(path) for path, _ in leaves(first)]
    found = [next(n for n, leaf in enumerate(order) if leaf.startswith(place)) for place in places(problems)]
    assert found == sorted(found)


@pytest.mark.parametrize("about", ATTEMPTS)
def test_what_is_accepted_is_decided_and_permits_nothing_yet(about: str) -> None:
    """So little is known that nothing may proceed; there is a next question."""
    exchange = engine.parse_exchange(BUNDLE, sent(ATTEMPTS[about]["second"]))
    judgement = engine.PDP(BUNDLE, "bitset").judge(exchange, as_of=date(2026, 11, 30))
    assert judgement.outcome.word not in ("permitted", "permitted_with_obligations")
    assert judgement.open_facts


def test_none_of_the_first_tries_was_right() -> None:
    """They are what people write, not what the door takes."""
    assert len(ATTEMPTS) == 12
    assert all(refusal(each["first"]) for each in ATTEMPTS.values())


FLOODS: dict[str, dict[str, Any]] = {
    "names that are no facts": {f"unheard{n}": "some text" for n in range(1000)},
    "facts that are none": {"data": {f"unheard{n}": "some text" for n in range(1000)}},
    "words that are no values": {"data": {"categories": [f"zebra crossing number {n}" for n in range(512)]}},
    "words in place of a group": {"data": [f"zebra crossing number {n}" for n in range(5000)]},
    "a group of names that are no facts": {"sender": {f"unheard{n}": {"x": "y"} for n in range(1000)}},
    "groups by many names": {
        name: {"country": "UK", "x": 1} for name in ("sender", "from", "source", "origin", "to", "importer")
    },
}


@pytest.mark.parametrize("flood", FLOODS)
def test_a_flood_of_what_is_wrong_is_refused_quickly(flood: str) -> None:
    """At most a hundred places are named, and what may be meant is looked for at the first of them only."""
    refusal({"exporter": {"country": "UK"}})  # the words are read once
    began = time.process_time()
    problems = refusal(FLOODS[flood])
    assert time.process_time() - began < 3
    assert 0 < len(problems) <= 100
    assert sum("did you mean" in each.detail for each in problems) <= 20
