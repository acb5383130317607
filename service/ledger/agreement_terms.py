"""
The terms of an agreement on benefit: who pays whom which part of what, until when, up to which sum.

What a caller sends goes in; the terms as a row keeps them come out, in which parties are numbers. Ratios are exact: decimals or fractions.
Of a price as of an income no more can be given away than there is. Tax is stated beside, in no base and no sum, and nothing is computed.
"""

from collections.abc import Iterator, Sequence
from datetime import date
from decimal import Decimal
from fractions import Fraction
from typing import Annotated, Literal

from pydantic import Field, StringConstraints

import engine
from service.callers.sending import Reason, Sending
from service.ledger.agreement_book import AgreementTerms, Share
from service.ledger.rights_openings import Id, Line, RightsEvidencePart, Term
from service.policies.live import Live
from service.problems import ProblemPlace, RequestRefused

MOST_SHARES = 64  # of an agreement
MOST_CURRENCIES = 8  # in which a cap names a sum
DAYS_UNTIL_DUE = 30  # where an agreement says nothing; the reading is ours

Ratio = Annotated[str, StringConstraints(pattern=r"^(0\.\d{1,12}|1(\.0{1,12})?|[1-9]\d{0,11}/[1-9]\d{0,11})$")]
Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z]{3}$")]
Amount = Annotated[str, StringConstraints(pattern=r"^\d{1,15}(\.\d{1,4})?$")]
Caps = Annotated[dict[Currency, Amount], Field(min_length=1, max_length=MOST_CURRENCIES)]

PAYER = "the id of the party that pays, as the register or the exchanges have it; null if its name is erased"
UNTIL = "its last day; null where it has none"
DAYS = "the days from an exchange until what it makes payable is due"
TAX = "what is agreed on tax: it is stated beside, and in no base and no sum"
CAP = "the most that the payee gets by the agreement in all, by currency; in another currency nobody knows what is left"
RATIO = "the part, exact: `0.25` or `1/3`"
SURVIVES = "whether it goes on after the grant for which it was agreed has ended or was withdrawn"


class ShareSent(Sending):
    """
    What one party pays by an agreement: a part of the price of its exchanges, or of its income, which is what is left for it of a price.

    It names a payee, a role, or both. A `commission` is taken before the other shares; a `component` is the part of a factor.
    """

    payer: Id = Field(description="the id of the party that pays")
    payee: Id | None = Field(default=None, description="the id of the party that is paid; nobody, if only a role is")
    role: Term | None = Field(default=None, description="the role, as shares of a price have it", examples=["provider"])
    kind: Literal["share", "commission", "component"] = Field(default="share", description="what it is paid for")
    factor: Literal["land", "labour", "capital", "technology"] | None = Field(
        default=None, description="of a component, the factor"
    )
    ratio: Ratio = Field(description=RATIO, examples=["1/3"])
    of: Literal["price", "income"] = Field(description="of what it is a part")
    cap: Caps | None = Field(default=None, description=CAP, examples=[{"USD": "50000.00"}])
    until: date | None = Field(default=None, strict=False, description=UNTIL)
    survives: bool = Field(default=False, description=SURVIVES)
    country: str | None = Field(
        default=None, pattern="^[A-Z]{2}$", description="the country for which a role is paid (ISO 3166-1)"
    )


class SharePart(ShareSent):
    """What one party pays by an agreement. A name that was erased is null."""

    payer: str | None = Field(description=PAYER)  # type: ignore[assignment]
    cap: dict[str, str] | None = Field(default=None, description=CAP)


class PricingSent(Sending):
    """How the price comes about: fixed, by unit, by period, or a share of the recipient's income."""

    kind: Literal["fixed", "per-unit", "subscription", "share-of-income"] = Field(description="how the price comes about")
    amount: Annotated[str, StringConstraints(pattern=r"^\d{1,15}(\.\d{1,4})? [A-Z]{3}$")] | None = Field(
        default=None, description="all of it, by unit or by period", examples=["100.00 CNY"]
    )
    unit: Line | None = Field(default=None, description="of what it is the price", examples=["call"])
    period: Term | None = Field(default=None, description="how long a period is", examples=["1 month"])
    ratio: Ratio | None = Field(default=None, description="the share of the recipient's income")


class TermsSent(Sending):
    """What is agreed. Parties are paid in the currency of each exchange; nothing is converted."""

    shares: list[ShareSent] = Field(min_length=1, max_length=MOST_SHARES, description="who pays whom which part")
    days: int = Field(default=DAYS_UNTIL_DUE, ge=0, le=36_600, description=DAYS)
    until: date | None = Field(default=None, strict=False, description=UNTIL)
    pricing: PricingSent | None = Field(default=None, description="how the price comes about")
    tax: Line | None = Field(default=None, description=TAX)
    reason: Reason = Field(description="where this comes from")


class EndAgreementSent(Sending):
    """An end is proposed, and stands once it is accepted or opened as the agreement was."""

    from_: date = Field(alias="from", strict=False, description="the first day on which the agreement no longer stands")
    reason: Reason = Field(description="why it ends")


class AcceptAgreementSent(Sending):
    digest: str = Field(pattern="^[0-9a-f]{64}$", description="the digest of the version that is accepted")


class OpenAgreementSent(AcceptAgreementSent):
    """A version stands by what was shown to the operator. Evidence is kept as it was stated."""

    evidence: list[RightsEvidencePart] = Field(min_length=1, max_length=16, description="what was shown")
    reason: Reason = Field(description="where this comes from")


def read_terms(live: Live, sent: TermsSent, today: date) -> tuple[AgreementTerms, list[str]]:
    """The terms that were sent, and the ids of the parties by their numbers. Raises RequestRefused with each thing that is wrong."""
    if places := [*_wrong(live, sent, today)]:
        raise RequestRefused("bad-request", places[0].detail, errors=tuple(places))
    numbers: dict[str, int] = {}
    for each in sent.shares:
        for party in (each.payer, each.payee):
            if party is not None:
                numbers.setdefault(party, len(numbers))
    shares = tuple(
        Share(
            payer=numbers[each.payer],
            payee=None if each.payee is None else numbers[each.payee],
            role=each.role,
            kind=each.kind,
            factor=each.factor,
            ratio=each.ratio,
            of=each.of,
            cap=each.cap,
            until=None if each.until is None else each.until.isoformat(),
            survives=each.survives,
            country=each.country,
        )
        for each in sent.shares
    )
    pricing = None if sent.pricing is None else sent.pricing.model_dump(exclude_none=True)
    return AgreementTerms(shares, sent.days, None if sent.until is None else sent.until.isoformat(), pricing, sent.tax), [
        *numbers
    ]


def _wrong(live: Live, sent: TermsSent, today: date) -> Iterator[ProblemPlace]:
    roles = _roles(live)
    for number, each in enumerate(sent.shares):
        at = f"/shares/{number}"
        if each.payee is None and each.role is None:
            yield _place(f"{at}/payee", "name a `payee`, a `role`, or both")
        if each.role is not None and each.role not in roles:
            yield _place(f"{at}/role", f"name one of the roles: {', '.join(f'`{role}`' for role in roles) or 'there are none'}")
        if each.payee == each.payer and (each.of, each.kind) != ("price", "share"):
            yield _place(f"{at}/payee", "a party that names itself keeps a share of the price")
        if (each.factor is None) == (each.kind == "component"):
            yield _place(f"{at}/factor", "a component has a `factor`, and nothing else has")
        if each.kind != "share" and each.of != "price":
            yield _place(f"{at}/of", "a commission and a component are parts of the price")
        if not 0 < Fraction(each.ratio) <= 1:
            yield _place(f"{at}/ratio", "a ratio is above nought and at most one")
        for currency, amount in (each.cap or {}).items():
            digits = engine.minor_units().get(currency)
            if digits is None or Decimal(amount).scaleb(digits) % 1:
                yield _place(f"{at}/cap/{currency}", "a sum is in a currency of ISO 4217, no finer than its smallest unit")
        if each.until is not None and each.until < today:
            yield _place(f"{at}/until", "the last day has passed")
    if sent.until is not None and sent.until < today:
        yield _place("/until", "the last day has passed")
    for payer in dict.fromkeys(each.payer for each in sent.shares):
        for of in ("price", "income"):
            parts: Sequence[Fraction] = [
                Fraction(each.ratio)
                for each in sent.shares
                if (each.payer, each.of) == (payer, of) and each.kind != "commission"
            ]
            if sum(parts) > 1 >= max(parts):
                yield _place("/shares", f"the shares that one party pays of its {of} are more than one")
    pricing = sent.pricing
    if pricing is not None and (pricing.ratio is None) == (pricing.kind == "share-of-income"):
        yield _place("/pricing/ratio", "a share of income has a `ratio`, and nothing else has")


def _roles(live: Live) -> tuple[str, ...]:
    """The roles in which parties are paid, as the vocabulary has them."""
    words = live.bundle.vocabulary.settlement
    members = live.bundle.vocabulary.families.get(words.shares, ()) if words is not None else ()
    return tuple(member.rpartition(".")[2] for member in members)


def _place(pointer: str, detail: str) -> ProblemPlace:
    return ProblemPlace(pointer=pointer, code="wrong-value", detail=detail)
