"""
The summary of a record: what a list shows of it, and the words that a search finds it by.

A summary is made together with the decision, from what the engine names, and before the writing lock is taken. For an index that is made
anew it is made from the record's leaf.
"""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from service.log.record import RecordedDecision

PARTIES = ("exporter", "recipient")
NAMED = ("jurisdiction", "provision", "requirement", "missing", "category", *PARTIES, "exporter_country", "recipient_country")
UNREADABLE = "unreadable"  # the outcome shown for bytes that are not a record; `log verify` says what is wrong with them
_BEGINNING = datetime(1970, 1, 1, tzinfo=UTC)


@dataclass(frozen=True, slots=True)
class Summary:
    """
    One record in short. `named` has the words of each kind in NAMED; `bundle` is the digest of the policies' bytes.

    `words` are all words that a search finds the record by, as kind and word, each once.

    A party's id may be personal. The index holds each id only once, and it is erased with the record's personal values.
    """

    recorded_at: datetime
    as_of: str
    outcome: str
    proceed: bool
    hypothetical: bool
    answer: str
    caller: str | None
    bundle: str
    named: Mapping[str, tuple[str, ...]]
    words: tuple[tuple[str, str], ...] = field(init=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "words", self._words())

    @classmethod
    def of(cls, written: RecordedDecision, recorded_at: datetime, caller: str, bundle: str, denied: bool = False) -> Summary:
        """The summary of a decision to be recorded. `denied`: the caller was answered no although the exchange may proceed."""
        return cls(
            recorded_at,
            written.as_of.isoformat(),
            written.outcome,
            written.proceed and not denied,
            written.hypothetical,
            written.answer,
            caller,
            bundle,
            written.named,
        )

    @classmethod
    def of_leaf(cls, leaf: bytes, openings: Mapping[str, bytes | None]) -> Summary:
        """The summary of a record in the log. `openings` has its personal values as JSON, by pointer, None for an erased value."""
        try:
            record = json.loads(leaf)
            whole = ((name, openings.get(name)) for name in ("request", "decision", "found_by"))
            return _of_record(record | {name: json.loads(value) for name, value in whole if value}, openings)
        except (ValueError, LookupError, TypeError, AttributeError):
            return cls(_BEGINNING, "", UNREADABLE, False, False, "", None, "", {})

    def one(self, kind: str) -> str | None:
        """The one word of a kind, or None."""
        return next(iter(self.named.get(kind, ())), None)

    def _words(self) -> tuple[tuple[str, str], ...]:
        """Only words that every database can hold: PostgreSQL has no text with a NUL in it."""
        words = [("outcome", self.outcome), ("proceed", yes_or_no(self.proceed)), ("bundle", self.bundle)]
        if self.caller is not None:
            words.append(("caller", self.caller))
        words += [(kind, word) for kind in NAMED for word in self.named.get(kind, ())]
        starts, ends = (self.named.get(f"{party}_country", ()) for party in PARTIES)
        words += [("countries", pair(start, end)) for start in starts for end in ends]
        return tuple(dict.fromkeys([word for word in words if "\x00" not in word[1]]))


def pair(start: str, end: str) -> str:
    """The word for an exporter's and a recipient's country together."""
    return f"{start}>{end}"


def yes_or_no(value: bool) -> str:
    """The word for whether an exchange may proceed."""
    return "yes" if value else "no"


def _of_record(record: dict[str, Any], openings: Mapping[str, bytes | None]) -> Summary:
    decision, request = record["decision"], record["request"]
    # An answer may list fewer jurisdictions than the verdict has.
    verdict = record["verdict"]
    highest = {name: bounds[1] for name, bounds in verdict["bounds"].items() if name}
    named: dict[str, list[str]] = {
        "provision": list(dict.fromkeys(key.partition("~")[0] for key in verdict["stands"])),
        "requirement": [name for name, state in verdict["requirements"].items() if state != "met"],
        "jurisdiction": [name for name, word in highest.items() if word != "not_applicable"],
        **_places_and_parties(record["found_by"], request, openings),
    }
    return Summary(
        datetime.fromisoformat(record["recorded_at"]),
        record["as_of"],
        decision["outcome"],
        decision["proceed"] and "denied" not in record,
        decision["hypothetical"],
        decision["answer"],
        record["asked_by"],
        record["bundle"]["source"],
        {kind: tuple(words) for kind, words in named.items()},
    )


def _places_and_parties(
    found_by: Mapping[str, Any], request: Mapping[str, Any], openings: Mapping[str, bytes | None]
) -> dict[str, list[str]]:
    """
    The words of the kinds that the vocabulary names the facts of.

    What `found_by` does not name is read from the facts that usually hold it.
    """
    named: dict[str, list[str]] = {kind: found_by.get(kind, []) for kind in ("category", "missing")}
    for party in PARTIES:
        pointer = found_by.get(f"{party}_at", f"/{party}/id")
        opened = openings.get(pointer) if pointer else None
        named[party] = _word(json.loads(opened) if opened else _at(request, pointer or ""))
        country = f"{party}_country"
        named[country] = found_by[country] if country in found_by else _word(_at(request, f"/{party}/country"))
    return named


def unusual(named: Mapping[str, tuple[str, ...]], request: Mapping[str, Any]) -> dict[str, Any]:
    """The member `found_by` of a record: the words of a decision that its other members do not say. No value is personal."""
    usual = _places_and_parties({}, request, {})
    found: dict[str, Any] = {kind: list(named[kind]) for kind in ("category", "missing") if named.get(kind)}
    for party in PARTIES:
        at, country = named.get(f"{party}_at", ()), f"{party}_country"
        if (at and at[0] != f"/{party}/id") or list(named.get(party, ())) != usual[party]:
            found[f"{party}_at"] = at[0] if at else None
        if list(named.get(country, ())) != usual[country]:
            found[country] = list(named.get(country, ()))
    return found


def _at(document: Any, pointer: str) -> Any:
    """The value at a JSON Pointer of plain names; None where there is none."""
    if not pointer:
        return None
    for step in pointer.split("/")[1:]:
        document = document.get(step) if isinstance(document, Mapping) else None
    return document


def _word(value: Any) -> list[str]:
    return [value] if isinstance(value, str) and value != "unknown" else []
