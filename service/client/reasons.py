"""
What an explanation says of each law and provision: outcomes, reasons, requirements, duties, conflicts, and what a permit rests on.

Each class has the members of the part of that name in the service's explanation. A provision has its citation, its `force`, and a `mark`
that says how sure its authors are: confirmed, from-memory or unsure.
"""

from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Literal

from .answer_parts import Bounds, Level, Outcome, Truth
from .shapes import Named


@dataclass(frozen=True, slots=True)
class Instrument:
    """What one instrument makes of the exchange by itself; `instrument` is the id of its policy."""

    instrument: str
    title: str
    outcome: Outcome
    bounds: Bounds


@dataclass(frozen=True, slots=True)
class Jurisdiction:
    """The outcome under the law of one jurisdiction, and of each instrument that weighs in it, the strictest first."""

    jurisdiction: str
    title: str
    outcome: Outcome
    bounds: Bounds
    instruments: tuple[Instrument, ...] = ()


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """The jurisdictions that only facts which are not given could bring in, in a line, with the question on `fact`, which tells of most."""

    places: tuple[str, ...]
    says: str
    fact: str | None = None
    question: str | None = None


@dataclass(frozen=True, slots=True)
class Evidence:
    """One test of a provision, and the fact that it tests. `value` is as sent, None if nothing was sent, "personal" if withheld."""

    fact: str
    test: str
    truth: Truth
    value: Any = None


@dataclass(frozen=True, slots=True)
class Reason:
    """A provision that applies, or may apply: `standing` is "certain" or "possible". `evidence` are the facts that make it stand."""

    provision: str
    citation: str
    instrument: str
    jurisdiction: str
    force: str
    mark: str
    effect: str
    title: str
    says: str
    standing: Literal["certain", "possible"]
    source: str
    at: str
    message: str = ""
    requires: tuple[str, ...] = ()
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True, slots=True)
class Beaten:
    """A provision that would apply without an exemption. A doubtful exemption lifts nothing; it opens a review."""

    provision: str
    by: tuple[str, ...]
    certain: bool
    doubtful: bool


@dataclass(frozen=True, slots=True)
class Advice:
    """What a provision of soft law advises."""

    provision: str
    citation: str
    force: str
    mark: str
    advice: str
    lane: str = ""


@dataclass(frozen=True, slots=True)
class Conflict:
    """
    One law compels what another refuses, or (`kind` "notice") a lane is open while the exchange may not go ahead.

    `provisions` begins with the one that compels, then come those that refuse. If one of the two only may, `certain` is false, and `asks`
    is the fact that decides.
    """

    kind: Literal["conflict", "notice"]
    text: str
    provisions: tuple[str, ...]
    certain: bool = True
    asks: str | None = None


@dataclass(frozen=True, slots=True)
class Carried:
    """
    A condition that came with the data, from the leg or exchange `origin`. `state` is "observe" if nothing can be tested.

    If it is "unknown", `asks` names the facts to find out. `violated` is the outcome of a violation.
    """

    origin: Annotated[str, Named("from")]
    provision: str
    instrument: str
    citation: str
    mark: str
    condition: str
    state: Literal["observe", "met", "unknown", "violated"]
    certain: bool
    violated: Annotated[Level | None, Named("else")] = None
    asks: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Requirement:
    """A requirement of a provision that applies: its state, how to meet it, and the provisions that meet it or require it."""

    requirement: str
    title: str
    state: Literal["met", "unmet", "unknown", "doubtful"]
    how: str
    met_by: tuple[str, ...] = ()
    required_by: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Duty:
    """A duty that is owed. `due` is its last day, if that is known."""

    duty: str
    who: str
    under: str
    certain: bool
    overdue: Truth
    arises: Literal["exchange", "refusal"]
    citation: str = ""
    due: date | None = None
    keep: str = ""


@dataclass(frozen=True, slots=True)
class Statement:
    """
    A statement on which a permit rests, where it is from, and the worst outcome that may come without it alone.

    `ordinary` is true of a fact by which nothing was lifted and that counts nothing.
    """

    fact: str
    source: Literal["stated", "registered", "shown", "counted", "signed", "accepted"]
    without: Level
    ordinary: bool = False


@dataclass(frozen=True, slots=True)
class Disputed:
    """A fact that the register states otherwise than the sender. The stricter of both values counts; a personal one is "personal"."""

    fact: str
    entity: str
    stated: Any = None
    registered: Any = None
    kind: str = ""
    version: int | None = None
