"""The calls that both clients share: for each the request, and the reading of its answer. Nothing here waits or sends."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

from . import answers
from .accounts import AccountEntry, AssetAccounts, RollForward
from .answers import Answer, Committed, CounterRead
from .attempts import Call, Came
from .benefits import BenefitBalance, BenefitLine
from .errors import Malformed, Refused
from .explanation import Explanation
from .pages import Filter, Pages, query
from .promises import Promise
from .reviews import Awaited, Recorded, Review, SignOff, SignOffsGiven, Then, Verdict
from .rights import RightsLine, RightsOpening
from .shapes import member
from .shapes import read as shaped
from .statistics import Concentration, Statistics

RECEIPT = "fifthfactor/receipt/1"
MOST_PAGES = 1_000  # of the list of withdrawals


def evaluate(exchange: Mapping[str, Any], include: Iterable[str], lang: str) -> Call[Answer]:
    """Decide an exchange."""
    day = exchange.get("as_of")

    def read(came: Came) -> Answer:
        found = answers.answer(came.document())
        if day is not None and found.as_of != day:
            raise Malformed("the answer is about the law of another day")
        return found

    return Call("POST", "/v1/evaluate" + _query(include, lang), read, _json(exchange))


def evaluate_batch(exchanges: Sequence[Mapping[str, Any]], include: Iterable[str], lang: str) -> Call[list[Answer | Refused]]:
    """Decide several exchanges together."""
    body = b'{"exchanges":[' + b",".join(map(_json, exchanges)) + b"]}"
    path = "/v1/evaluate/batch" + _query(include, lang)
    return Call("POST", path, lambda came: answers.batch(came.document(), len(exchanges)), body)


def decision(id: str) -> Call[dict[str, Any]]:
    """Read the record of a decision."""

    def read(came: Came) -> dict[str, Any]:
        document = came.document()
        record = document.get("record")
        if not isinstance(record, dict) or record.get("id") != id:
            raise Malformed("the answer is not the requested record")
        return document

    return Call("GET", f"/v1/decisions/{_part(id)}", read)


def receipt(id: str) -> Call[bytes]:
    """Read the receipt of a decision, as it is passed on."""

    def read(came: Came) -> bytes:
        if came.document().get("schema") != RECEIPT:
            raise Malformed(f"the answer is not a `{RECEIPT}`")
        return came.body

    return Call("GET", f"/v1/decisions/{_part(id)}/receipt", read)


def withdrawals(cursor: str | None) -> Call[tuple[bytes, str | None]]:
    """Read a page of the signed list of withdrawals: the note, and the cursor of the next page."""

    def read(came: Came) -> tuple[bytes, str | None]:
        document = came.document()
        note: str = member(document, "note", str)
        following: str | None = member(document, "next", str | None)
        return note.encode(), following

    return Call("GET", "/v1/withdrawals" + query({} if cursor is None else {"cursor": cursor}), read)


def decisions(filters: Mapping[str, Filter]) -> Call[dict[str, Any]]:
    """Read a page of decisions."""
    return Call("GET", "/v1/decisions" + query(filters), Came.document)


def each_decision(filters: Mapping[str, Filter]) -> Pages[Recorded]:
    """Read every page of decisions."""
    return Pages("/v1/decisions", "decisions", Recorded, filters)


def explanation(id: str, parts: Iterable[str], lang: str) -> Call[Explanation]:
    """Explain a decision."""

    def read(came: Came) -> Explanation:
        found = answers.explanation(came.document(), came.verdict)
        if found.id != id or (lang and found.lang != lang):
            raise Malformed("the explanation is of another decision, or in another language")
        return found

    return Call("GET", f"/v1/decisions/{_part(id)}/explanation" + _query(parts, lang), read)


def reviews() -> Pages[Review]:
    """Read every page of the reviews that wait."""
    return Pages("/v1/reviews", "reviews", Review)


def review(id: str) -> Call[Review]:
    """Read the review of one decision from its record."""
    return Call("GET", f"/v1/decisions/{_part(id)}", lambda came: answers.review(came.document(), id))


def sign_offs(decision: str) -> Call[tuple[SignOff, ...]]:
    """Read the sign-offs of a decision."""
    path = f"/v1/decisions/{_part(decision)}/sign-offs"
    return Call("GET", path, lambda came: answers.sign_offs(came.document(), decision))


def sign_off(
    decision: str, verdict: Verdict, provisions: Iterable[str], requirement: str, reason: str, until: date | None = None
) -> Call[SignOffsGiven]:
    """Sign off provisions of a decision, or refuse to. Raises ValueError if not either provisions or a requirement are named."""
    asked = tuple(provisions)
    if isinstance(provisions, str) or bool(asked) == bool(requirement):
        raise ValueError("name either provisions, in a list, or a requirement")
    body = {
        "verdict": verdict,
        "reason": reason,
        **({"provisions": asked} if asked else {"requirement": requirement}),
        **({} if until is None else {"until": until.isoformat()}),
    }

    def read(came: Came) -> SignOffsGiven:
        document = came.document()
        found = SignOffsGiven(
            answers.sign_offs(document, decision),
            member(document, "then", Then),
            member(document, "awaits", tuple[Awaited, ...], ()),
        )
        given = {each.provision for each in found.sign_offs}
        if not given or (asked and given != set(asked)):
            raise Malformed("the answer is not about the provisions that were sent")
        if any((each.verdict, each.until) != (verdict, until) for each in found.sign_offs):
            raise Malformed("the answer has another sign-off than the one that was sent")
        return found

    return Call("POST", f"/v1/decisions/{_part(decision)}/sign-off", read, _json(body))


def commit(decision: str) -> Call[Committed]:
    """Commit a decided exchange."""
    return Call("POST", "/v1/commitments", _committed(decision), _json({"decision": decision}))


def withdraw(commitment: str, reason: str) -> Call[Committed]:
    """Withdraw a commitment."""
    path = f"/v1/commitments/{_part(commitment)}/withdraw"

    def read(came: Came) -> Committed:
        found = answers.commitment(came.document())
        if found.id != commitment:
            raise Malformed("the answer is about another commitment")
        return found

    return Call("POST", path, read, _json({"reason": reason}))


def amend(commitment: str, decision: str, reason: str) -> Call[Committed]:
    """Amend a commitment."""
    path = f"/v1/commitments/{_part(commitment)}/amend"
    return Call("POST", path, _committed(decision), _json({"decision": decision, "reason": reason}))


def end(commitment: str, day: date, reason: str) -> Call[Committed]:
    """End the rights that a commitment granted."""
    path = f"/v1/commitments/{_part(commitment)}/end"

    def read(came: Came) -> Committed:
        found = answers.commitment(came.document())
        if (found.id, found.state) != (commitment, "committed"):
            raise Malformed("the answer is about another commitment")
        return found

    return Call("POST", path, read, _json({"from": day.isoformat(), "reason": reason}))


def open_rights(
    party: str,
    asset: str,
    rights: Iterable[Mapping[str, Any]],
    first: date,
    complete: bool,
    evidence: Iterable[Mapping[str, Any]],
    reason: str,
) -> Call[RightsOpening]:
    """State what a party has of an asset."""
    body = {
        "party": party,
        "asset": asset,
        "rights": [*rights],
        "from": first.isoformat(),
        "complete": complete,
        "evidence": [*evidence],
        "reason": reason,
    }
    return Call("POST", "/v1/rights/openings", lambda came: shaped(RightsOpening, came.document()), _json(body))


def withdraw_opening(id: str, reason: str) -> Call[RightsOpening]:
    """Withdraw an opening of rights."""

    def read(came: Came) -> RightsOpening:
        found = shaped(RightsOpening, came.document())
        if found.id != id or found.withdrawn_at is None:
            raise Malformed("the answer is not that opening, withdrawn")
        return found

    return Call("POST", f"/v1/rights/openings/{_part(id)}/withdraw", read, _json({"reason": reason}))


def rights_openings(party: str | None, asset: str | None) -> Pages[RightsOpening]:
    """Read every page of the openings."""
    named = {name: value for name, value in (("party", party), ("asset", asset)) if value is not None}
    return Pages("/v1/rights/openings", "openings", RightsOpening, named)


def rights(kind: str, id: str, on: date | None, known: date | None, history: bool) -> Pages[RightsLine]:
    """Read every page of the rights in an asset or of a party; `kind` is `assets` or `parties`."""
    days = {name: day.isoformat() for name, day in (("on", on), ("known", known)) if day is not None}
    filters: dict[str, Filter] = {**days, "history": history}
    return Pages(f"/v1/{kind}/{_part(id)}/rights", "lines", RightsLine, filters)


def benefits(filters: Mapping[str, str]) -> Pages[BenefitLine]:
    """Read every page of the lines of what is payable."""
    return Pages("/v1/ledger/benefits", "lines", BenefitLine, filters)


def benefit_balances(filters: Mapping[str, str]) -> Pages[BenefitBalance]:
    """Read every page of the balances of what is payable."""
    return Pages("/v1/ledger/benefits/balances", "balances", BenefitBalance, filters)


def counter(name: str, per: Mapping[str, str]) -> Call[CounterRead]:
    """Read a counter of the ledger."""

    def read(came: Came) -> CounterRead:
        found = answers.counter(came.document())
        if found.counter != name:
            raise Malformed("the answer is about another counter")
        return found

    return Call("GET", f"/v1/counters?{urlencode({'counter': name, **per})}", read)


def open_counter(name: str, per: Mapping[str, str], on: date, counts: Mapping[str, Any], reason: str) -> Call[dict[str, Any]]:
    """State the count of a counter at the beginning of a day."""
    body = {"counter": name, "per": dict(per), "on": on.isoformat(), "counts": dict(counts), "reason": reason}
    return Call("POST", "/v1/ledger/openings", Came.document, _json(body))


def put_entity(kind: str, id: str, content: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Write an entity of a kind beside parties and assets."""
    return put(f"entities/{_part(kind)}", id, content)


def entity(kind: str, id: str) -> Call[dict[str, Any]]:
    """Read an entity of a kind beside parties and assets."""
    return get(f"entities/{_part(kind)}", id)


def statistics(by: Iterable[str], filters: Mapping[str, str]) -> Call[Statistics]:
    """Read what flowed where."""
    path = "/v1/statistics" + query({"by": ",".join(by), **_period(filters)})
    return Call("GET", path, lambda came: shaped(Statistics, came.document()))


def concentration(by: Iterable[str], filters: Mapping[str, str]) -> Call[Concentration]:
    """Read how concentrated it is."""
    path = "/v1/statistics/concentration" + query({"by": ",".join(by), **_period(filters)})
    return Call("GET", path, lambda came: shaped(Concentration, came.document()))


def promises(filters: Mapping[str, Filter]) -> Pages[Promise]:
    """Read every page of promises."""
    return Pages("/v1/ledger/promises", "promises", Promise, filters)


def keep(commitment: str, number: int, evidence: str, dated: date, document: str) -> Call[Promise]:
    """Report that a promise was kept."""
    path = f"/v1/commitments/{_part(commitment)}/promises/{number}/kept"

    def read(came: Came) -> Promise:
        found = shaped(Promise, came.document())
        if (found.commitment, found.number, found.document) != (commitment, number, document) or found.state != "kept":
            raise Malformed("the answer is about another promise, or does not say that it was kept")
        return found

    return Call("POST", path, read, _json({"evidence": evidence, "dated": dated.isoformat(), "document": document}))


def put(kind: str, id: str, content: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Write an entity of the register; `kind` is where it stands: `parties`, `assets` or `entities/…`."""
    return Call("PUT", f"/v1/{kind}/{_part(id)}", Came.document, _json(content))


def get(kind: str, id: str) -> Call[dict[str, Any]]:
    """Read an entity of the register."""
    return Call("GET", f"/v1/{kind}/{_part(id)}", Came.document)


def _period(filters: Mapping[str, str]) -> dict[str, str]:
    """The filters as parameters: `from` is a word of Python, so it is `since` here."""
    return {"from" if name == "since" else name: value for name, value in filters.items()}


def post_entry(asset: str, entry: Mapping[str, Any]) -> Call[AccountEntry]:
    """Post an entry in the accounts of a data asset."""
    path = f"/v1/assets/{_part(asset)}/accounts/entries"
    return Call("POST", path, lambda came: shaped(AccountEntry, came.document()), _json(entry))


def asset_accounts(asset: str, period: Mapping[str, Any]) -> Call[AssetAccounts]:
    """Read the accounts of a data asset."""
    path = f"/v1/assets/{_part(asset)}/accounts"
    return Call("GET", path + query(period), lambda came: shaped(AssetAccounts, came.document()))


def accounts(period: Mapping[str, Any]) -> Call[RollForward]:
    """Read the roll-forward of all data assets."""
    return Call("GET", "/v1/ledger/accounts" + query(period), lambda came: shaped(RollForward, came.document()))


def period(first: date | None, until: date | None, known: date | None) -> dict[str, str]:
    """The parameters of a period."""
    return {name: day.isoformat() for name, day in (("from", first), ("until", until), ("known", known)) if day is not None}


def _committed(decision: str) -> Callable[[Came], Committed]:
    def read(came: Came) -> Committed:
        found = answers.commitment(came.document())
        if found.decision != decision or found.state != "committed":
            raise Malformed("the answer is not a commitment of that decision")
        return found

    return read


def _json(value: Mapping[str, Any]) -> bytes:
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")


def _query(include: Iterable[str], lang: str) -> str:
    asked = {name: value for name, value in (("include", ",".join(include)), ("lang", lang)) if value}
    return f"?{urlencode(asked, safe=',')}" if asked else ""


def _part(id: str) -> str:
    if not id or id in (".", ".."):
        raise ValueError("an id must not be empty, `.` or `..`")
    return quote(id, safe="")
