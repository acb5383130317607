"""What is proven of a difference, as `fifthfactor diff` and `impact` write it: a sentence, a table of pairs, and an exchange of each."""

import json
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from service.cli.output import count

if TYPE_CHECKING:
    import engine

MOST_NAMED = 5  # provisions and jurisdictions of one exchange
MOST_INSTRUMENTS = 20


def verdict(proof: "engine.DifferenceProof") -> str:
    """Whether more is permitted, in one sentence."""
    if proof.nothing_more:
        return "Nothing more is permitted: that is proven of every exchange, complete or not."
    if any(pair.permits_more and pair.answer == "witness" for pair in proof.pairs):
        return "More is permitted: the exchanges below show it."
    return "It is not proven that nothing more is permitted, and no exchange was found that shows it."


def places(proof: "engine.DifferenceProof") -> str:
    """Which jurisdictions may move at all."""
    if proof.beside:
        return f"Not in the proof, and different: {', '.join(proof.beside)}. While that differs nothing is proven."
    return moving(proof.moving)


def moving(places: Sequence[str]) -> str:
    """The same of jurisdictions by name."""
    if not places:
        return "No jurisdiction comes to another outcome for an exchange that both accept; that is proven."
    named = ", ".join(f"`{each}`" for each in places)
    return f"Only {named} may come to another outcome; of every other jurisdiction it is proven that it does not."


def markdown(proof: "engine.DifferenceProof", examples: int) -> Iterator[str]:
    """The part of a report for a review."""
    yield from ("", "### Proof", "", f"**{verdict(proof)}** {places(proof)}")
    yield from _instruments(proof)
    if not proof.pairs:
        return
    yield from ("", "| from | to | | |", "|---|---|---|---|")
    for pair in proof.pairs:
        more = "**permits more**" if pair.permits_more else ""
        answer = "an exchange" if pair.answer == "witness" else "not shown either way"
        after = "perhaps a permit" if pair.new == "perhaps" else _side(pair.new)
        yield f"| {_side(pair.old)} | {after} | {more} | {answer} |"
    shown = [pair for pair in proof.pairs if pair.permits_more and pair.exchange is not None]
    for pair in shown[: max(1, examples)]:
        yield from ("", f"{_pair(pair)}{_why(pair)}:", "", f"`{json.dumps(pair.exchange, ensure_ascii=False)}`")
    if any(pair.exchange is not None and pair not in shown[: max(1, examples)] for pair in proof.pairs):
        yield from ("", "`--json` has the exchange of every pair.")


def _instruments(proof: "engine.DifferenceProof") -> Iterator[str]:
    """The instruments that move by themselves with their direction, and how many are proven not to, or not shown either way."""
    shown = [each for each in proof.instruments if each.exchange is not None]
    yield ""
    if shown:
        yield "Instruments by themselves (`proof.instruments` of `--json` has an exchange of each, in this order):"
    else:
        yield "Instruments by themselves:"
    yield ""
    yield from (f"- `{each.instrument}`: {_direction(each)}" for each in shown[:MOST_INSTRUMENTS])
    if len(shown) > MOST_INSTRUMENTS:
        yield f"- … and {len(shown) - MOST_INSTRUMENTS:,} more"
    if proof.unmoved_instruments:
        yield f"- {count(proof.unmoved_instruments, 'instrument')}: proven to be neither more lenient nor stricter"
    if len(proof.instruments) > len(shown):
        yield f"- {count(len(proof.instruments) - len(shown), 'instrument')}: not shown either way"


def _direction(moved: "engine.MovedInstrumentPart") -> str:
    answers = {"**more lenient**": moved.more_lenient, "stricter": moved.stricter}
    told = " and ".join(direction for direction, answer in answers.items() if answer == "witness")
    return f"{told}; the other direction is not shown either way" if "open" in answers.values() else told


def _side(word: str) -> str:
    import engine

    words = {"refused": "refused at the door", "perhaps": "certainly refused"}
    return words.get(word) or engine.LANGUAGES["en"].level(word)


def _pair(pair: "engine.ProvenPairPart") -> str:
    if pair.new == "perhaps":
        return "Certainly refused → perhaps a permit"
    return f"{_side(pair.old).capitalize()} → {_side(pair.new)}"


def _why(pair: "engine.ProvenPairPart") -> str:
    told = [f"`{name}`" for name in (*pair.jurisdictions, *pair.provisions)[:MOST_NAMED]]
    told += [f"the acceptance `{name}` makes it so" for name in pair.accepted]
    return f" ({', '.join(told)})" if told else ""
