"""
Sign-offs: what persons approved or refused, kept for good, and which approvals stand for an exchange.

A sign-off is given for a recorded decision. It is bound to the meaning of its provision, to the facts of the exchange, and to a last day.
Rows are only added; the last row for a provision and the same facts counts. The engine says, from the recorded facts, what may be signed
off. So nobody can sign off a requirement, a prohibition or a gap. Source: semantics 4.6.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self
from weakref import WeakKeyDictionary

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from uuid_utils import uuid7

import engine
from service.log import tree_leaves
from service.log.leaf import clear
from service.log.record import shown_until
from service.log.store import Stored, subject_of_decision
from service.log.tree_leaves import Happening
from service.policies.live import Live
from service.problems import RequestRefused, wrong_members
from service.store.database import Database
from service.store.moments import moment_text
from service.store.tables import personal, sign_off

MOST_PROVISIONS = 50
MOST_TRIES = 5  # to keep a sign-off, while other sign-offs of the same facts keep coming
ERASED = "personal values of this decision were erased, so nobody can say which facts would be signed off"
DISAGREED = "the engines disagree on this exchange, and no person can sign off a disagreement"
WHY_NOT: Mapping[engine.Unsignable, str] = {
    "disagreement": DISAGREED,
    "no-provision": "the policies have no provision `{}`",
    "conflict": "`{}` stands in a conflict between sovereigns, which cannot be signed off",
    "possible": "`{}` only may stand, and a signature never takes the place of a missing fact",
    "doubted": "what `{}` lifts in doubt is in doubt for another reason too, so its approval would change nothing",
    "prohibits": "`{}` prohibits, and a prohibition cannot be signed off",
    "requires": "`{}` requires, and a requirement cannot be signed off; show what it requires",
    "obliges": "`{}` obliges, and a duty that is overdue cannot be signed off; perform the duty",
    "nothing": "`{}` asks for no review of this exchange, and no lift by it is in doubt",
}
MOST_FACTS = 10  # named in a refusal
CHANGEABLE = ("possible", "doubted", "nothing")  # why not, as long as no other approval stands
REVIEW = "review"
SIGNED = ("review", "satisfies", "exempts")  # the effects that a sign-off may concern
OPEN = (REVIEW, "undetermined")  # the outcomes that a sign-off may change

_MEANINGS: WeakKeyDictionary[Live, dict[str, str | None]] = WeakKeyDictionary()

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SignOffAsked(BaseModel):
    """A sign-off as it is sent: for provisions, or for a requirement that is met or lifted only in doubt."""

    model_config = ConfigDict(frozen=True, extra="forbid", title="SignOff")

    provisions: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST_PROVISIONS)] | None = Field(
        default=None, description="ids of the provisions whose review is signed off, or whose doubtful lift is accepted"
    )
    requirement: Name | None = Field(
        default=None, description="instead of `provisions`: a requirement that is met, or not owed, only in doubt"
    )
    verdict: Literal["approve", "refuse"]
    reason: Annotated[str, StringConstraints(min_length=1, max_length=4_000, strip_whitespace=True)]
    until: date | None = Field(default=None, description="the last day of an approval")

    @model_validator(mode="after")
    def _whole(self) -> Self:
        if (self.provisions is None) == (self.requirement is None):
            raise ValueError("name either `provisions` or a `requirement`")
        if self.verdict == "approve" and self.until is None:
            raise ValueError("an approval has a last day; add `until`")
        if "\x00" in self.reason or "\x00" in "".join((*(self.provisions or ()), self.requirement or "")):
            raise ValueError("leave out the character U+0000")
        return self


class SignOff(BaseModel):
    """A sign-off as it is kept."""

    model_config = ConfigDict(frozen=True)

    id: str
    decision: str = Field(description="the decision that it was given for")
    provision: str
    verdict: Literal["approve", "refuse"]
    reason: str
    until: date | None = Field(description="the last day of an approval")
    at: datetime = Field(description="when it was given, in UTC")
    by: str = Field(description="who gave it")


@dataclass(frozen=True, slots=True)
class Signed:
    """
    What a sign-off is bound to: the meanings of the provisions, and the facts.

    `judgement` is that of the exchange, without approvals, on the day of the decision. `refused` says for each provision that cannot be
    signed off under it why not: approvals that stand may have changed that.
    """

    facts: str
    meanings: Mapping[str, str]
    judgement: engine.Judgement
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Draft:
    """
    A sign-off that is ready to be kept: its rows, the approvals that will stand with it, and the decision that the same facts then get.

    `then` is this decision, on the day of the old one. It is recorded nowhere.
    """

    stored: Stored
    facts: str
    rows: Sequence[Mapping[str, Any]]
    stand: Sequence[engine.Approval]
    then: engine.Written


class Overtaken(Exception):
    """Another sign-off of the same facts came after a draft was made, so other approvals stand. The draft must be made again."""


def read(raw: bytes) -> SignOffAsked:
    """A sign-off from the bytes of a body. Raises RequestRefused."""
    try:
        return SignOffAsked.model_validate_json(raw)
    except ValidationError as refused:
        places = wrong_members(refused, SignOffAsked)
        raise RequestRefused("sign-off-refused", "the body is not a valid sign-off", errors=places) from None


def bind(live: Live, stored: Stored, asked: SignOffAsked, today: date) -> Signed:
    """
    What a sign-off of a recorded decision is bound to. Raises RequestRefused, with the reason, if it cannot be signed off.

    The exchange is judged again, once and without approvals, on the day of the decision.
    """
    if asked.until is not None and asked.until < today:
        raise _not("the last day, `until`, has passed already")
    judgement = _judged(live, stored)
    if not judgement.agreed:
        raise _not(DISAGREED)
    if asked.requirement is not None:
        chosen: Sequence[str] = _lifting(live, asked.requirement, judgement)
        if not chosen:
            raise _not(f"`{_short(asked.requirement)}` is not in doubt here, and a requirement itself cannot be signed off")
    else:
        chosen = tuple(dict.fromkeys(asked.provisions or ()))
    refused = {}
    for each in chosen:
        if why := judgement.unsignable(each):
            refused[each] = WHY_NOT[why].format(_short(each)) + _first(judgement.awaited(live.bundle.rules, each))
            if why not in CHANGEABLE:
                raise _not(refused[each])
    if judgement.outcome.word not in OPEN:
        raise _not(next(iter(refused.values()), f"the exchange stays `{judgement.outcome.word}`, whatever is signed off"))
    meanings = {each: _meaning(live, each) for each in chosen}
    facts = engine.facts_digest(live.bundle, judgement.exchange.document)
    return Signed(facts, {name: each for name, each in meanings.items() if each}, judgement, refused)


def offered(record: Mapping[str, Any]) -> tuple[str, ...] | None:
    """
    The provisions of a record that a person may sign off, as the record names them; None where it does not.

    Older records also name provisions that only may stand. Nobody can sign these off any more, so they are left out.
    """
    if "signable" not in record:
        return None
    if "verdict" in record:
        return tuple(record["signable"])
    reasons = [each for each in record["decision"]["reasons"] if each["effect"] in SIGNED]
    certain, possible = ({r["provision"] for r in reasons if r["standing"] == word} for word in ("certain", "possible"))
    return tuple(each for each in record["signable"] if each not in possible - certain)


def signable(live: Live, stored: Stored) -> tuple[str, ...]:
    """The provisions of a recorded decision that may be signed off. Raises RequestRefused if it cannot be decided again."""
    judgement = _judged(live, stored)
    return judgement.signable if judgement.outcome.word in OPEN else ()


def draft(
    live: Live,
    stored: Stored,
    signed: Signed,
    asked: SignOffAsked,
    said: Sequence[Mapping[str, Any]],
    today: date,
    moment: datetime,
    by: str,
) -> Draft:
    """
    A sign-off by a person at a moment, ready to be kept. `said` has the earlier sign-offs of the same facts (from `said_of`).

    Raises RequestRefused, with the reason, for a provision that cannot be signed off even with the approvals that stand, and for the
    refusal of one of which nothing was ever said.
    """
    rows = [
        {
            "id": str(uuid7()),
            "decision": stored.entry.id,
            "provision": provision,
            "meaning": meaning,
            "facts": signed.facts,
            "verdict": asked.verdict,
            "reason": asked.reason,
            "until": asked.until.isoformat() if asked.until else None,
            "given_at": moment_text(moment),
            "given_by": by,
        }
        for provision, meaning in signed.meanings.items()
    ]
    stand = _standing(live, (*said, *rows), today)
    judgement = signed.judgement
    if stand:
        judgement = live.pdp.judge(judgement.exchange, as_of=judgement.as_of, signed=stand)
    before = {row["provision"] for row in said}
    counted = {part.provision for part in judgement.signed_off}
    for provision, why in signed.refused.items():
        if provision not in (counted if asked.verdict == "approve" else before):
            raise _not(why)
    then = live.pdp.tell(judgement, today=judgement.as_of, id=stored.entry.id)
    return Draft(stored, signed.facts, rows, stand, then)


def keep(transaction: sa.Connection, live: Live, draft: Draft, today: date) -> list[SignOff]:
    """
    Keep a sign-off, one row for each provision, inside a writing transaction. Its lock keeps the numbers without gaps.

    Raises Overtaken if the approvals that now stand are not those of the draft, and RequestRefused if values of the decision were
    erased in the meantime. Both undo what was kept.
    """
    sequence = draft.stored.sequence
    erased = sa.select(personal.c.sequence).where(personal.c.sequence == sequence, personal.c.erased_at.is_not(None))
    if transaction.execute(erased.limit(1)).first() is not None:
        raise _not(ERASED)
    last: int | None = transaction.execute(sa.select(sa.func.max(sign_off.c.number))).scalar_one()
    first = 0 if last is None else last + 1
    rows = [{"number": first + place, **row} for place, row in enumerate(draft.rows)]
    transaction.execute(sa.insert(sign_off), rows)
    tree_leaves.append(transaction, *map(_happening, rows))
    if standing_for(transaction, live, draft.facts, today) != draft.stand:
        raise Overtaken
    return [_kept(row) for row in rows]


def _happening(row: Mapping[str, Any]) -> Happening:
    """A sign-off as a leaf. The facts are a digest over personal values, so they are erased with the decision."""
    shown = ("number", "id", "decision", "provision", "meaning", "verdict", "until")
    return Happening(
        "sign-off",
        row["given_at"],
        {name: row[name] for name in shown},
        {"facts": row["facts"], "reason": row["reason"], "by": row["given_by"]},
        subject_of_decision(row["decision"]),
        frozenset({"facts"}),
    )


def contested() -> RequestRefused:
    """The refusal of a sign-off that was overtaken at every try."""
    detail = "others are signing off the same facts; try again in a moment"
    return RequestRefused("busy", detail, headers={"Retry-After": "1"})


def given(connection: sa.Connection, decision: str) -> list[SignOff]:
    """The sign-offs given for a decision, in order."""
    if "\x00" in decision:
        return []
    rows = connection.execute(sa.select(sign_off).where(sign_off.c.decision == decision).order_by(sign_off.c.number))
    return [_kept(row) for row in rows.mappings()]


def standing(connection: sa.Connection, live: Live, exchange: engine.Exchange, day: date) -> list[engine.Approval]:
    """The approvals that stand for the facts of an exchange on a day: given last, for the present meaning of the provision, not ended."""
    return standing_for(connection, live, engine.facts_digest(live.bundle, exchange.document), day)


def standing_for(connection: sa.Connection, live: Live, facts: str, day: date) -> list[engine.Approval]:
    """The approvals that stand for facts, by their digest; see `standing`."""
    return _standing(live, said_of(connection, facts), day)


def any_given(database: Database) -> bool:
    """Whether anything was ever signed off."""
    return database.has_rows(sign_off)


def said_of(connection: sa.Connection, facts: str) -> list[Mapping[str, Any]]:
    """All sign-offs of facts, which are given by their digest, in order."""
    rows = connection.execute(sa.select(sign_off).where(sign_off.c.facts == facts).order_by(sign_off.c.number))
    return [dict(row) for row in rows.mappings()]


def closed(connection: sa.Connection, live: Live, decision: str, facts: str, provisions: Sequence[str], day: date) -> bool:
    """
    Whether a review no longer waits on a day: one of its provisions was refused, or an approval stands for each of them.

    `provisions` are those that can be signed off. Sign-offs of this decision and of the same facts count.
    """
    said = sa.select(sign_off.c.provision, sign_off.c.verdict)
    said = said.where(sa.or_(sign_off.c.decision == decision, sign_off.c.facts == facts)).order_by(sign_off.c.number)
    last = {row.provision: row.verdict for row in connection.execute(said)}
    if any(last.get(each) == "refuse" for each in provisions):
        return True
    return {each.provision for each in standing_for(connection, live, facts, day)}.issuperset(provisions)


def _standing(live: Live, said: Iterable[Mapping[str, Any]], day: date) -> list[engine.Approval]:
    """The approvals that stand on a day, from all sign-offs in order."""
    approved: dict[str, dict[str, Mapping[str, Any]]] = {}
    for row in said:
        of_provision = approved.setdefault(row["provision"], {})
        if row["verdict"] == "approve":
            of_provision[row["meaning"]] = row
        else:
            of_provision.clear()  # approvals of earlier meanings too: the provision may mean the same again
    return [
        engine.Approval(provision, row["id"], row["given_by"], date.fromisoformat(row["until"]))
        for provision, by_meaning in approved.items()
        for meaning, row in by_meaning.items()
        if meaning == _meaning(live, provision) and row["until"] >= day.isoformat()
    ]


def _judged(live: Live, stored: Stored) -> engine.Judgement:
    """
    The exchange of a record under the policies that are loaded, judged without approvals on the day of its decision. Raises RequestRefused.
    """
    entry = stored.entry
    if any(opening.value is None for opening in entry.openings):
        raise _not(ERASED)
    record = clear(entry.leaf, entry.openings)
    if "decision" not in record or "request" not in record:
        raise _not("the record holds no decision")
    if record.get("bundle", {}).get("meaning") != live.bundle.digests.meaning:
        raise _not("the policies have changed since this decision; evaluate the exchange again, and sign off the new decision")
    try:
        exchange = engine.parse_exchange(live.bundle, json.dumps(record["request"]).encode())
    except engine.ExchangeRefused:
        raise _not("the recorded exchange cannot be read any more; evaluate the exchange again") from None
    if record["decision"].get("engine", {}).get("agreed") is False:
        raise _not(DISAGREED)
    try:
        return live.pdp.judge(exchange.as_shown(shown_until(record)), as_of=date.fromisoformat(record["as_of"]))
    except engine.EnginesFailed:
        raise _not("no engine could decide this exchange again") from None


def _meaning(live: Live, provision: str) -> str | None:
    """The digest of a provision's meaning, remembered as long as the bundle is live: making it takes longer than a database query."""
    known = _MEANINGS.setdefault(live, {})
    if provision not in known:
        known[provision] = engine.meaning_of(live.bundle, provision)
    return known[provision]


def _lifting(live: Live, requirement: str, judgement: engine.Judgement) -> list[str]:
    """The provisions that meet or lift a requirement in doubt; where nobody may sign these off, those that only may do so."""
    found = [
        rule.provision.id
        for rule in live.bundle.rules.rules
        if rule.doubtful and requirement in (*rule.satisfies, *rule.excuses)
    ]
    why = {name: judgement.unsignable(name) for name in found}
    return [name for name in why if why[name] is None] or [name for name in why if why[name] != "nothing"]


def _first(facts: Sequence[str]) -> str:
    """What has to be found out before a sign-off, at the end of a sentence."""
    named = [f"`{fact}`" for fact in facts[:MOST_FACTS]]
    more = [f"{len(facts) - MOST_FACTS} more"] if len(facts) > MOST_FACTS else []
    return f"; find out first: {', '.join([*named, *more])}" if facts else ""


def _not(why: str) -> RequestRefused:
    return RequestRefused("not-signable", why)


def _short(text: str) -> str:
    return text[:100]


def _kept(row: Any) -> SignOff:
    return SignOff(
        id=row["id"],
        decision=row["decision"],
        provision=row["provision"],
        verdict=row["verdict"],
        reason=row["reason"],
        until=row["until"],
        at=row["given_at"],
        by=row["given_by"],
    )
