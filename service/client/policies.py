"""What the loaded policies offer: facts to state, exchanges to begin with, and law that is looked after elsewhere."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Annotated, Any, Literal

from .answer_parts import Outcome
from .shapes import WHOLE

Scope = Literal["evaluate", "commit", "read", "review", "administer"]


@dataclass(frozen=True, slots=True)
class KeptBundle:
    """Policies that decided, by their digests, from `first_used_at` on. `engine` is the version that read them."""

    meaning: str
    source: str
    trust: str
    norms: str
    engine: str
    first_used_at: datetime
    bytes: int


@dataclass(frozen=True, slots=True)
class Words:
    """A text in English, and in Chinese if there is one."""

    en: str
    zh: str | None = None


@dataclass(frozen=True, slots=True)
class Fact:
    """
    A fact that an exchange may state. `state` says whether it is `open` for the exchange that was asked for.

    `says` are the values that the word means which was asked for. `document` has the rest: narrower values, and what the fact is marked as.
    """

    name: str
    type: str
    title: Words
    document: Annotated[Mapping[str, Any], WHOLE] = field(repr=False, compare=False)
    ask: Words | None = None
    values: tuple[str, ...] = ()
    kind: Literal["fact", "evidence", "claims"] = "fact"
    state: Literal["open", "stated"] | None = None
    says: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Provision:
    """
    A provision of the policies. `effect` is what it does to an exchange, `status` how sure its author is of it; `says` are its words, where
    its author quotes them.
    """

    id: str
    policy: str
    jurisdiction: str
    instrument: Words
    title: Words
    citation: Words
    effect: str
    force: str
    status: str
    source: str
    says: Words | None = None


@dataclass(frozen=True, slots=True)
class CaseDraft:
    """A draft of a test file. `outcome` is the one to which the policies come now; `passes` says whether it is the one expected."""

    yaml: str
    outcome: Outcome
    passes: bool


@dataclass(frozen=True, slots=True)
class Preset:
    """An exchange to begin with. The facts `to_confirm` are guesses: ask whoever knows before you act on the answer."""

    id: str
    title: Words
    says: Words
    exchange: Mapping[str, Any] = field(hash=False)
    to_confirm: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Presets:
    """The presets of the loaded policies."""

    presets: tuple[Preset, ...]


@dataclass(frozen=True, slots=True)
class Uncovered:
    """A country's subject matter for which `decisions` wait, `alone` of them for nothing else. `example` is the oldest of them."""

    country: str
    subject: str
    decisions: int
    alone: int
    example: str


@dataclass(frozen=True, slots=True)
class Coverage:
    """What waits because a law was not read. `more` is left out; `writes` says whether the caller may have an acceptance written."""

    cells: tuple[Uncovered, ...]
    more: bool
    writes: bool


@dataclass(frozen=True, slots=True)
class AcceptanceMade:
    """The entries for `accepts:` of the organisation's document, and the file that has them, None where they are to be copied."""

    yaml: str
    written: str | None


@dataclass(frozen=True, slots=True)
class Caller:
    """Whose key a client has: the caller's id, what it may do, and the id of the party to which it belongs, None for an operator's."""

    caller: str
    scopes: tuple[Scope, ...]
    party: str | None = None
