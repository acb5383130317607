"""The calls that both clients share: for each the request, and the reading of its answer. Nothing here waits or sends."""

import json
from collections.abc import Callable, Iterable, Mapping, Sequence
from datetime import date
from typing import Any
from urllib.parse import quote, urlencode

from . import answers, plans
from .accounts import AccountEntry, AssetAccounts, RollForward
from .answers import Answer, Committed, CounterRead
from .attempts import Call, Came
from .benefits import BenefitBalance, BenefitLine
from .errors import Malformed, Refused
from .explanation import Explanation
from .pages import Filter, Pages, query
from .plans import Plan
from .promises import Promise
from .reviews import Recorded
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

    return Call("POST", "/v1/evaluate" + _query(include, lang), read, as_json(exchange))


def evaluate_batch(exchanges: Sequence[Mapping[str, Any]], include: Iterable[str], lang: str) -> Call[list[Answer | Refused]]:
    """Decide several exchanges together."""
    body = b'{"exchanges":[' + b",".join(map(as_json, exchanges)) + b"]}"
    path = "/v1/evaluate/batch" + _query(include, lang)
    return Call("POST", path, lambda came: answers.batch(came.document(), len(exchanges)), body)


def plan(legs: Sequence[Mapping[str, Any]], lang: str) -> Call[Plan]:
    """Decide a plan."""
    return Call(
        "POST", "/v1/plans" + _query((), lang), lambda came: plans.plan(came.document(), len(legs)), as_json({"legs": [*legs]})
    )


def decision(id: str) -> Call[dict[str, Any]]:
    """Read the record of a decision."""

    def read(came: Came) -> dict[str, Any]:
        document = came.document()
        record = document.get("record")
        if not isinstance(record, dict) or record.get("id") != id:
            raise Malformed("the answer is not the requested record")
        return document

    return Call("GET", f"/v1/decisions/{part(id)}", read)


def receipt(id: str) -> Call[bytes]:
    """Read the receipt of a decision, as it is passed on."""

    def read(came: Came) -> bytes:
        if came.document().get("schema") != RECEIPT:
            raise Malformed(f"the answer is not a `{RECEIPT}`")
        return came.body

    return Call("GET", f"/v1/decisions/{part(id)}/receipt", read)


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

    return Call("GET", f"/v1/decisions/{part(id)}/explanation" + _query(parts, lang), read)


def commit(decision: str) -> Call[Committed]:
    """Commit a decided exchange."""
    return Call("POST", "/v1/commitments", _committed(decision), as_json({"decision": decision}))


def withdraw(commitment: str, reason: str) -> Call[Committed]:
    """Withdraw a commitment."""
    path = f"/v1/commitments/{part(commitment)}/withdraw"

    def read(came: Came) -> Committed:
        found = answers.commitment(came.document())
        if found.id != commitment:
            raise Malformed("the answer is about another commitment")
        return found

    return Call("POST", path, read, as_json({"reason": reason}))


def amend(commitment: str, decision: str, reason: str) -> Call[Committed]:
    """Amend a commitment."""
    path = f"/v1/commitments/{part(commitment)}/amend"
    return Call("POST", path, _committed(decision), as_json({"decision": decision, "reason": reason}))


def end(commitment: str, day: date, reason: str) -> Call[Committed]:
    """End the rights that a commitment granted."""
    path = f"/v1/commitments/{part(commitment)}/end"

    def read(came: Came) -> Committed:
        found = answers.commitment(came.document())
        if (found.id, found.state) != (commitment, "committed"):
            raise Malformed("the answer is about another commitment")
        return found

    return Call("POST", path, read, as_json({"from": day.isoformat(), "reason": reason}))


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
    return Call("POST", "/v1/rights/openings", lambda came: shaped(RightsOpening, came.document()), as_json(body))


def withdraw_opening(id: str, reason: str) -> Call[RightsOpening]:
    """Withdraw an opening of rights."""

    def read(came: Came) -> RightsOpening:
        found = shaped(RightsOpening, came.document())
        if found.id != id or found.withdrawn_at is None:
            raise Malformed("the answer is not that opening, withdrawn")
        return found

    return Call("POST", f"/v1/rights/openings/{part(id)}/withdraw", read, as_json({"reason": reason}))


def rights_openings(party: str | None, asset: str | None) -> Pages[RightsOpening]:
    """Read every page of the openings."""
    named = {name: value for name, value in (("party", party), ("asset", asset)) if value is not None}
    return Pages("/v1/rights/openings", "openings", RightsOpening, named)


def rights(kind: str, id: str, on: date | None, known: date | None, history: bool) -> Pages[RightsLine]:
    """Read every page of the rights in an asset or of a party; `kind` is `assets` or `parties`."""
    days = {name: day.isoformat() for name, day in (("on", on), ("known", known)) if day is not None}
    filters: dict[str, Filter] = {**days, "history": history}
    return Pages(f"/v1/{kind}/{part(id)}/rights", "lines", RightsLine, filters)


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
    return Call("POST", "/v1/ledger/openings", Came.document, as_json(body))


def put_entity(kind: str, id: str, content: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Write an entity of a kind beside parties and assets."""
    return put(f"entities/{part(kind)}", id, content)


def entity(kind: str, id: str) -> Call[dict[str, Any]]:
    """Read an entity of a kind beside parties and assets."""
    return get(f"entities/{part(kind)}", id)


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
    path = f"/v1/commitments/{part(commitment)}/promises/{number}/kept"

    def read(came: Came) -> Promise:
        found = shaped(Promise, came.document())
        if (found.commitment, found.number, found.document) != (commitment, number, document) or found.state != "kept":
            raise Malformed("the answer is about another promise, or does not say that it was kept")
        return found

    return Call("POST", path, read, as_json({"evidence": evidence, "dated": dated.isoformat(), "document": document}))


def put(kind: str, id: str, content: Mapping[str, Any]) -> Call[dict[str, Any]]:
    """Write an entity of the register; `kind` is where it stands: `parties`, `assets` or `entities/…`."""
    return Call("PUT", f"/v1/{kind}/{part(id)}", Came.document, as_json(content))


def get(kind: str, id: str) -> Call[dict[str, Any]]:
    """Read an entity of the register."""
    return Call("GET", f"/v1/{kind}/{part(id)}", Came.document)


def _period(filters: Mapping[str, str]) -> dict[str, str]:
    """The filters as parameters: `from` is a word of Python, so it is `since` here."""
    return {"from" if name == "since" else name: value for name, value in filters.items()}


def post_entry(asset: str, entry: Mapping[str, Any]) -> Call[AccountEntry]:
    """Post an entry in the accounts of a data asset."""
    path = f"/v1/assets/{part(asset)}/accounts/entries"
    return Call("POST", path, lambda came: shaped(AccountEntry, came.document()), as_json(entry))


def asset_accounts(asset: str, period: Mapping[str, Any]) -> Call[AssetAccounts]:
    """Read the accounts of a data asset."""
    path = f"/v1/assets/{part(asset)}/accounts"
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


def as_json(value: Mapping[str, Any]) -> bytes:
    """The body of a call."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")


def _query(include: Iterable[str], lang: str) -> str:
    asked = {name: value for name, value in (("include", ",".join(include)), ("lang", lang)) if value}
    return f"?{urlencode(asked, safe=',')}" if asked else ""


def part(id: str) -> str:
    """An id as a part of an address. Raises ValueError."""
    if not id or id in (".", ".."):
        raise ValueError("an id must not be empty, `.` or `..`")
    return quote(id, safe="")
