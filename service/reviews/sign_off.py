"""
Sign-offs: what persons approve or refuse, kept for good.

A sign-off is given for a recorded decision. It is bound to the meaning of its provision, to the facts of the exchange, and to a last day.
Rows are only added; `standing_sign_off` says which of them stand. The engine says, from the recorded facts, what may be signed off. So
nobody can sign off a requirement or a prohibition. Nobody approves what she asked for herself (`own_requests`). Source: semantics 4.6.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime
from typing import Annotated, Any, Literal, Self

import sqlalchemy as sa
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError, model_validator
from uuid_utils import uuid7

import engine
from service.callers import known_persons
from service.callers.context import ReadingAll, Reviewing
from service.callers.person import Person
from service.callers.sending import Sending
from service.limits import SIGN_OFF_PROVISIONS
from service.log import review_cases, tree_leaves
from service.log.leaf import with_personal_values
from service.log.record import exchange_of, shown_until
from service.log.store import Stored, record_of, subject_of_decision
from service.log.tree_leaves import LogEvent
from service.policies.live import Live
from service.problems import RequestRefused, wrong_members
from service.reviews import own_requests, standing_sign_off
from service.reviews.own_requests import Counting
from service.reviews.standing_sign_off import Row, approvals_on, meaning_of, signatures
from service.store.moments import moment_text
from service.store.row_seals import SIGN_OFFS, changing
from service.store.tables import person, personal, sign_off
from service.telemetry.incidents import JudgeAgain, judge_again

MOST_TRIES = 5  # to keep a sign-off, while other sign-offs of the same facts keep coming
ERASED = "personal values of this decision were erased, so nobody can say which facts would be signed off"
DISAGREED = "the engines disagree on this exchange, and no person can sign off a disagreement"
WHY_NOT: Mapping[engine.Unsignable, str] = {
    "disagreement": DISAGREED,
    "no-provision": "the policies have no provision `{}`",
    "possible": "`{}` only may stand, and a signature never takes the place of a missing fact",
    "doubted": "what `{}` lifts in doubt is in doubt for another reason too, so its approval would change nothing",
    "prohibits": "`{}` prohibits, and a prohibition cannot be signed off",
    "requires": "`{}` requires, and a requirement cannot be signed off; show what it requires",
    "obliges": "`{}` obliges, and a duty that is overdue cannot be signed off; perform the duty",
    "guarded": "nobody signs for `{}`: data of this kind stay a review",
    "nothing": "`{}` asks for no review of this exchange, and no lift by it is in doubt",
}
MOST_FACTS = 10  # named in a refusal
CHANGEABLE = ("possible", "doubted", "nothing")  # why not, as long as no other approval stands
REVIEW = "review"
OPEN = (REVIEW, "undetermined", "requirements_unmet")  # the outcomes beside which a review may be signed off

# Sign-offs with the persons who gave them.
WITH_PERSONS = sa.select(sign_off, person.c.issuer, person.c.subject, person.c.name).select_from(
    sign_off.outerjoin(person, person.c.id == sign_off.c.person)
)

Name = Annotated[str, StringConstraints(min_length=1, max_length=200)]


class SignOffRequest(Sending):
    """A sign-off as it is sent: for provisions, or for a requirement that is met or lifted only in doubt."""

    model_config = ConfigDict(title="SignOff")

    provisions: Annotated[tuple[Name, ...], Field(min_length=1, max_length=SIGN_OFF_PROVISIONS)] | None = Field(
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
        if engine.is_placeholder(self.reason):
            raise ValueError("say in words what you looked at, and why it is so")
        if "\x00" in self.reason or "\x00" in "".join((*(self.provisions or ()), self.requirement or "")):
            raise ValueError("leave out the character U+0000")
        return self


class Signer(BaseModel, frozen=True):
    """A person by her issuer and subject, and the name that the issuer gave."""

    issuer: str
    subject: str
    name: str | None


class SignOff(BaseModel, frozen=True):
    """A sign-off as it is kept."""

    id: str
    decision: str = Field(description="the decision that it was given for")
    provision: str
    verdict: Literal["approve", "refuse"]
    reason: str
    until: date | None = Field(description="the last day of an approval")
    at: datetime = Field(description="when it was given, in UTC")
    by: str = Field(description="the id of the caller who gave it")
    person: Signer | None = Field(
        default=None, description="the person who gave it; null for a caller who is no person that the service knows"
    )


class Awaited(BaseModel, frozen=True):
    """A provision that more than one person signs off: how many are needed, and how many have signed."""

    provision: str
    needed: int
    given: int


@dataclass(frozen=True, slots=True)
class SignOffBinding:
    """
    What a sign-off is bound to: the meanings of the provisions, and the facts. By `anchor` later exchanges with these facts find it.

    `judgement` is that of the exchange, without approvals, on the day of the decision. `refused` says for each provision that cannot be
    signed off under it why not: approvals that stand may have changed that.
    """

    facts: str
    anchor: str
    meanings: Mapping[str, str]
    judgement: engine.Judgement
    refused: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class SignOffDraft:
    """
    A sign-off that is ready to be kept: its rows, the approvals that will stand with it, and the decision that the same facts then get.

    `then` is this decision, on the day of the old one. It is recorded nowhere. `awaits` are the provisions of the sign-off that still
    wait for the signature of another person.
    """

    stored: Stored
    facts: str
    rows: Sequence[Mapping[str, Any]]
    stand: Sequence[engine.Approval]
    then: engine.WrittenDecision
    awaits: Sequence[Awaited] = ()


@dataclass(frozen=True, slots=True)
class GivenSignOffs:
    """All sign-offs of the same facts, in order, and those of them that count in the decision (`own_requests.Counting`)."""

    said: Sequence[Row]
    counting: Sequence[Row]


class SignOffOvertaken(Exception):
    """Another sign-off of the same facts came after a draft was made, so other approvals stand. The draft must be made again."""


def read(raw: bytes) -> SignOffRequest:
    """A sign-off from the bytes of a body. Raises RequestRefused."""
    try:
        return SignOffRequest.model_validate_json(raw)
    except ValidationError as refused:
        places = wrong_members(refused, SignOffRequest)
        raise RequestRefused("sign-off-refused", "the body is not a valid sign-off", errors=places) from None


def bind(context: Reviewing, stored: Stored, asked: SignOffRequest) -> SignOffBinding:
    """
    What a sign-off of a recorded decision is bound to. Raises RequestRefused, with the reason, if it cannot be signed off.

    The exchange is judged again, once and without approvals, on the day of the decision.
    """
    live = context.live
    if asked.until is not None and asked.until < context.today:
        raise _not("the last day, `until`, has passed already")
    judgement = judged(live, stored, context.judge_again)
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
            refused[each] = WHY_NOT[why].format(_short(each)) + _first(live.pdp.awaited(judgement, each))
            if why not in CHANGEABLE:
                raise _not(refused[each])
    if judgement.outcome.word not in OPEN:
        raise _not(next(iter(refused.values()), f"the exchange stays `{judgement.outcome.word}`, whatever is signed off"))
    meanings = {each: meaning_of(live, each) for each in chosen}
    facts = engine.facts_digest(live.bundle, judgement.exchange.document)
    anchor = engine.anchor_of(live.bundle, judgement.exchange.document)
    return SignOffBinding(facts, anchor, {name: each for name, each in meanings.items() if each}, judgement, refused)


def signable(live: Live, stored: Stored) -> tuple[str, ...]:
    """The provisions of a recorded decision that may be signed off. Raises RequestRefused if it cannot be decided again."""
    judgement = judged(live, stored, judge_again)
    return judgement.signable if judgement.outcome.word in OPEN else ()


def earlier_sign_offs(context: Reviewing, stored: Stored, connection: sa.Connection) -> GivenSignOffs:
    """The sign-offs of the facts of a record that was not erased."""
    said = standing_sign_off.said_of_stored(connection, context.live, stored)
    return GivenSignOffs(said, Counting(connection, context.token_issuer).for_decision(said, stored))


def draft(
    context: Reviewing, stored: Stored, signed: SignOffBinding, asked: SignOffRequest, before: GivenSignOffs
) -> SignOffDraft:
    """
    A sign-off by a caller, ready to be kept. `before` are the earlier sign-offs of the same facts.

    Raises RequestRefused, with the reason, for a provision that cannot be signed off even with the approvals that stand, for the refusal
    of one of which nothing was ever said, and for an approval by nobody in particular where two persons have to sign.
    """
    live, today, caller = context.live, context.today, context.caller
    rows = [
        {
            "id": str(uuid7()),
            "decision": stored.entry.id,
            "provision": provision,
            "meaning": meaning,
            "facts": signed.facts,
            "anchor": signed.anchor,
            "verdict": asked.verdict,
            "reason": asked.reason,
            "until": asked.until.isoformat() if asked.until else None,
            "given_at": moment_text(context.now),
            "given_by": caller.id,
        }
        for provision, meaning in signed.meanings.items()
    ]
    who = {"issuer": caller.person.issuer, "subject": caller.person.subject} if caller.person else {}
    after = (*before.counting, *({**row, **who} for row in rows))
    stand = approvals_on(live, after, today)
    awaits = [
        Awaited(provision=each.provision, needed=each.needed, given=len(each.given))
        for each in signatures(live, after, today)
        if each.provision in signed.meanings and not each.complete
    ]
    if asked.verdict == "approve" and caller.person is None and any(each.needed > 1 for each in awaits):
        raise _not("two persons have to sign this off, and the caller is no person that the service knows")
    judgement = signed.judgement
    if stand:
        judgement = live.pdp.judge(judgement.exchange, as_of=judgement.as_of, signed=stand)
    spoken_of = {row["provision"] for row in before.said}
    counted = {part.provision for part in judgement.signed_off}
    for provision, why in signed.refused.items():
        if provision not in (counted if asked.verdict == "approve" else spoken_of):
            raise _not(why)
    then = live.pdp.tell(judgement, today=judgement.as_of, id=stored.entry.id)
    return SignOffDraft(stored, signed.facts, rows, stand, then, awaits if asked.verdict == "approve" else ())


def keep(context: Reviewing, draft: SignOffDraft, transaction: sa.Connection) -> list[SignOff]:
    """
    Keep a sign-off, one row for each provision, inside a writing transaction. Its lock keeps the numbers without gaps.

    The context is that of the draft. Raises Overtaken if the approvals that now stand are not those of the draft, and
    RequestRefused if values of the decision were erased in the meantime, or if who approves asked for it herself. All undo what was kept.
    """
    sequence = draft.stored.sequence
    erased = sa.select(personal.c.sequence).where(personal.c.sequence == sequence, personal.c.erased_at.is_not(None))
    if transaction.execute(erased.limit(1)).first() is not None:
        raise _not(ERASED)
    live, today, caller, token_issuer = context.live, context.today, context.caller, context.token_issuer
    if any(row["verdict"] == "approve" for row in draft.rows):
        own_requests.check(transaction, draft.stored, draft.facts, caller, token_issuer)
    who = known_persons.known(transaction, caller.person, context.now) if caller.person else None
    last: int | None = transaction.execute(sa.select(sa.func.max(sign_off.c.number))).scalar_one()
    first = 0 if last is None else last + 1
    rows = [{"number": first + place, **row, "person": who} for place, row in enumerate(draft.rows)]
    with changing(transaction, SIGN_OFFS, draft.stored.entry.id):
        transaction.execute(sa.insert(sign_off), rows)
        tree_leaves.append(transaction, *map(_happening, rows))
    said = standing_sign_off.said_of_stored(transaction, live, draft.stored)
    counting = Counting(transaction, token_issuer)
    if approvals_on(live, counting.for_decision(said, draft.stored), today) != draft.stand:
        raise SignOffOvertaken
    newest = counting.for_id(said, review_cases.newest_asker(transaction, draft.facts))
    review_cases.settle(transaction, draft.facts, *standing_approvals(live, said, newest, today))
    return [_kept(row, caller.person) for row in rows]


def standing_approvals(
    live: Live, said: Sequence[Row], counting: Sequence[Row], day: date
) -> tuple[dict[str, str], frozenset[str]]:
    """
    The last day of each approval that stands, and the provisions that were refused last. `said` are all sign-offs of the same facts,
    `counting` those that count in the newest decision on them.
    """
    last = {row["provision"]: row["verdict"] for row in said}
    refused = frozenset(provision for provision, verdict in last.items() if verdict == "refuse")
    return {each.provision: each.until.isoformat() for each in approvals_on(live, counting, day)}, refused


def _happening(row: Mapping[str, Any]) -> LogEvent:
    """A sign-off as a leaf. Facts and anchor are digests over personal values, so they are erased with the decision."""
    shown = ("number", "id", "decision", "provision", "meaning", "verdict", "until")
    who = {"person": row["person"]} if row["person"] else {}
    return LogEvent(
        "sign-off",
        row["given_at"],
        {name: row[name] for name in shown} | who,
        {"facts": row["facts"], "anchor": row["anchor"], "reason": row["reason"], "by": row["given_by"]},
        subject_of_decision(row["decision"]),
        frozenset({"facts", "anchor"}),
    )


def contested_refusal() -> RequestRefused:
    """The refusal of a sign-off that was overtaken at every try."""
    detail = "others are signing off the same facts; try again in a moment"
    return RequestRefused("busy", detail, headers={"Retry-After": "1"})


def sign_offs_of(connection: sa.Connection, decision: str) -> list[SignOff]:
    """The sign-offs given for a decision, in order."""
    if "\x00" in decision:
        return []
    rows = connection.execute(WITH_PERSONS.where(sign_off.c.decision == decision).order_by(sign_off.c.number))
    return [shown(row) for row in rows.mappings()]


def of_decision(context: ReadingAll, decision: str, connection: sa.Connection) -> list[SignOff]:
    """The same of a decision that must be recorded. Raises RequestRefused."""
    record_of(connection, decision)
    return sign_offs_of(connection, decision)


def sign_offs_between(connection: sa.Connection, since: datetime, until: datetime, most: int) -> list[SignOff]:
    """At most so many sign-offs given from a moment on and before another, newest first: they are read from the newest back."""
    within = (sign_off.c.given_at >= moment_text(since), sign_off.c.given_at < moment_text(until))
    rows = connection.execute(WITH_PERSONS.where(*within).order_by(sign_off.c.number.desc()).limit(most)).mappings()
    return [shown(row) for row in rows]


def shown(row: Any) -> SignOff:
    """A row of WITH_PERSONS as a sign-off."""
    return _kept(row, None if row["issuer"] is None else Person(row["issuer"], row["subject"], row["name"]))


def check_whole(stored: Stored) -> None:
    """Raises RequestRefused if values of a record were erased."""
    if any(opening.value is None for opening in stored.entry.openings):
        raise _not(ERASED)


def judged(live: Live, stored: Stored, judge: JudgeAgain) -> engine.Judgement:
    """
    The exchange of a record under the policies that are loaded, judged without approvals on the day of its decision. Raises RequestRefused.
    """
    entry = stored.entry
    check_whole(stored)
    record = with_personal_values(entry.leaf, entry.openings)
    if "decision" not in record or "request" not in record:
        raise _not("the record holds no decision")
    if record.get("bundle", {}).get("meaning") != live.bundle.digests.meaning:
        raise _not("the policies have changed since this decision; evaluate the exchange again, and sign off the new decision")
    try:
        exchange = engine.parse_exchange(live.bundle, json.dumps(exchange_of(record)).encode())
    except engine.ExchangeRefused:
        raise _not("the recorded exchange cannot be read any more; evaluate the exchange again") from None
    if record["decision"].get("engine", {}).get("agreed") is False:
        raise _not(DISAGREED)
    try:
        return judge(entry.id, live.pdp, exchange.as_shown(shown_until(record)), date.fromisoformat(record["as_of"]), ())
    except engine.EnginesFailed:
        raise _not("no engine could decide this exchange again") from None


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


def _kept(row: Any, who: Person | None) -> SignOff:
    return SignOff(
        id=row["id"],
        decision=row["decision"],
        provision=row["provision"],
        verdict=row["verdict"],
        reason=row["reason"],
        until=row["until"],
        at=row["given_at"],
        by=row["given_by"],
        person=None if who is None else Signer(issuer=who.issuer, subject=who.subject, name=who.name),
    )
