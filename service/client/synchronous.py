"""The client for programs without asyncio. Every method blocks until there is an answer, and ends within the time-out."""

import ssl
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from datetime import date
from types import TracebackType
from typing import Any, Literal, Self

import httpx

from . import calls, document_calls, review_calls
from .accounts import AccountEntry, AssetAccounts, RollForward
from .answers import Answer, Committed, CounterRead
from .attempts import RETRIES, TIMEOUT_SECONDS, Again, Attempts, Call, Gathered, Options, Read, came, failure
from .benefits import BenefitBalance, BenefitLine, filters
from .deadline import Transport, within
from .documents import AttachedDocument, DecisionDocument, DocumentConfirmation, DocumentSignature, KeptDocument
from .errors import Malformed, Refused
from .explanation import Explanation
from .pages import Filter, Item, Pages
from .plans import Plan
from .promises import Promise
from .reviews import Recorded, Review, ReviewNote, ReviewThread, Signer, SignOff, SignOffPreview, SignOffsGiven
from .rights import RightsLine, RightsOpening
from .statistics import Concentration, Statistics


class Client:
    """
    Asks one service. Use it as `with Client(address) as client:`, or close it. Threads may share it.

    `key` is an API key; if not given, FIFTHFACTOR_KEY of the environment. `timeout` is the longest time of a call in seconds, over all
    its attempts. `tls` says how the service's certificate is checked; if not given, by the authorities of the machine. The client follows
    no redirects and uses no proxies or credentials of the environment. Every method raises Refused, Unavailable or Malformed where there
    is no answer.
    """

    def __init__(
        self,
        address: str = "http://127.0.0.1:8080",
        *,
        key: str | None = None,
        timeout: float = TIMEOUT_SECONDS,
        retries: int = RETRIES,
        tls: ssl.SSLContext | None = None,
    ) -> None:
        self._options = Options.of(address, key, timeout, retries)
        self._http = httpx.Client(transport=Transport(tls or ssl.create_default_context()), trust_env=False, timeout=None)

    def __repr__(self) -> str:
        return f"Client({self._options.address!r})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, value: BaseException | None, trace: TracebackType | None) -> None:
        self.close()

    def close(self) -> None:
        """Close its connections."""
        self._http.close()

    def evaluate(self, exchange: Mapping[str, Any], *, include: Iterable[str] = (), lang: str = "") -> Answer:
        """The recorded decision on an exchange. The service's README explains `include` and `lang`."""
        return self._call(calls.evaluate(exchange, include, lang))

    def may_proceed(self, exchange: Mapping[str, Any]) -> bool:
        """
        Whether an exchange may happen: True only if the service said so, False in every other case.

        A failure is not raised. False may mean a refusal, a service that cannot be reached, or a mistake in the exchange: use
        `evaluate` to know which.
        """
        try:
            return self.evaluate(exchange).proceed is True
        except Exception:  # noqa: BLE001 - an error is not a permit
            return False

    def evaluate_batch(
        self, exchanges: Sequence[Mapping[str, Any]], *, include: Iterable[str] = (), lang: str = ""
    ) -> list[Answer | Refused]:
        """For each exchange, in order, its decision or its refusal. A refusal is returned, not raised."""
        return self._call(calls.evaluate_batch(exchanges, include, lang))

    def plan(self, legs: Sequence[Mapping[str, Any]], *, lang: str = "") -> Plan:
        """The decision on exchanges in order and as a whole, which is not recorded. A leg has `exchange`, and may have `id` and `after`."""
        return self._call(calls.plan(legs, lang))

    def decision(self, id: str) -> dict[str, Any]:
        """The record of a decision, and its place in the log."""
        return self._call(calls.decision(id))

    def receipt(self, id: str) -> bytes:
        """The receipt of a decision, to be passed on as it is."""
        return self._call(calls.receipt(id))

    def withdrawals(self) -> tuple[bytes, ...]:
        """The signed list of withdrawals, a note for each page. The time-out is that of a page."""
        notes, cursor = [], None
        for _ in range(calls.MOST_PAGES):
            note, cursor = self._call(calls.withdrawals(cursor))
            notes.append(note)
            if cursor is None:
                return tuple(notes)
        raise Malformed("the pages of the answer have no end")

    def decisions(self, **filters: Filter) -> dict[str, Any]:
        """A page of decisions that match the filters. A filter of several values, in a list, takes any of them."""
        return self._call(calls.decisions(filters))

    def each_decision(self, **filters: Filter) -> Iterator[Recorded]:
        """Every decision that matches the filters, newest first. The time-out is that of a page."""
        return self._each(calls.each_decision(filters))

    def explanation(self, id: str, parts: Iterable[str] = (), *, lang: str = "") -> Explanation:
        """Why a recorded decision is as it is, by the parts that are named; the service's pages list the parts."""
        return self._call(calls.explanation(id, parts, lang))

    def reviews(self, **filters: Filter) -> Iterator[Review]:
        """
        The reviews that wait for a person, newest first, or those that match filters. The time-out is that of a page.

        The filters are `order`, `kind`, `assignee`, `older_than`, `exporter_country`, `recipient_country` and `provision`.
        """
        return self._each(review_calls.reviews(filters))

    def review(self, id: str) -> Review:
        """
        The review of one decision: what may be signed off of it. `provisions` is empty if its outcome is not a review.
        """
        return self._call(review_calls.review(id))

    def approve(
        self, decision: str, provisions: Iterable[str] = (), *, requirement: str = "", reason: str, until: date
    ) -> SignOffsGiven:
        """Sign off provisions of a decision, or a requirement that is met only in doubt. `until` is the last day of the approval."""
        return self._call(review_calls.sign_off(decision, "approve", provisions, requirement, reason, until))

    def refuse(self, decision: str, provisions: Iterable[str] = (), *, requirement: str = "", reason: str) -> SignOffsGiven:
        """Refuse to sign off. This withdraws the approvals that were given before for the same provisions and facts."""
        return self._call(review_calls.sign_off(decision, "refuse", provisions, requirement, reason))

    def sign_offs(self, decision: str) -> tuple[SignOff, ...]:
        """Every sign-off that was given for a decision, in order. The last one for each provision counts."""
        return self._call(review_calls.sign_offs(decision))

    def review_thread(self, decision: str) -> ReviewThread:
        """What waits of a review, who signed, to whom it is assigned, and what was said."""
        return self._call(review_calls.review_thread(decision))

    def assign_review(self, decision: str, to: Literal["me"] | Signer | None) -> ReviewNote:
        """Assign a review to yourself, to a person whom the service knows, or to nobody any more (None)."""
        return self._call(review_calls.assign_review(decision, to))

    def comment_review(self, decision: str, text: str, file: str | None = None) -> ReviewNote:
        """Comment on a review in plain text, with a file by the hash of its bytes (`keep_document`), kept until the decision is erased."""
        return self._call(review_calls.comment_review(decision, text, file))

    def preview_sign_off(self, decision: str, provisions: Iterable[str] = ()) -> SignOffPreview:
        """What approving some provisions would change, or all that may be signed off. Nothing is recorded; it is no permit."""
        return self._call(review_calls.preview_sign_off(decision, provisions))

    def keep_document(self, content: bytes) -> KeptDocument:
        """Keep the bytes of a document. Those that belong to no decision a day later are erased."""
        return self._call(document_calls.keep(content))

    def document_content(self, sha256: str) -> bytes:
        """The bytes of a document, checked against their hash. Nobody has looked for malware in them."""
        return self._call(document_calls.content_of(sha256))

    def documents(self, decision: str) -> Iterator[DecisionDocument]:
        """The documents that the exchange of a decision presents, with what is attached, confirmed and signed."""
        return self._each(document_calls.documents(decision))

    def attach_document(self, decision: str, name: str, sha256: str) -> AttachedDocument:
        """Attach bytes that are kept to a document of a decision, whose exchange states their hash. They show nothing yet."""
        return self._call(document_calls.attach(decision, name, sha256))

    def confirm_document(self, decision: str, name: str, sha256: str, *, reason: str, until: date) -> DocumentConfirmation:
        """Confirm that you opened the bytes with this hash, and that they are what the exchange states. Only a person may."""
        return self._call(document_calls.confirm(decision, name, sha256, reason, until))

    def withdraw_document(self, decision: str, name: str, *, reason: str) -> DocumentConfirmation:
        """Withdraw what was confirmed and signed of a document, by whomever, also for other decisions that state the same."""
        return self._call(document_calls.withdraw(decision, name, reason))

    def sign_document(self, decision: str, name: str, envelope: bytes) -> DocumentSignature:
        """Attach a signed statement (a DSSE envelope) to a document whose bytes are attached. The service must trust its signer."""
        return self._call(document_calls.sign(decision, name, envelope))

    def commit(self, decision: str) -> Committed:
        """Commit a decided exchange: it happens."""
        return self._call(calls.commit(decision))

    def withdraw(self, commitment: str, reason: str) -> Committed:
        """Withdraw a commitment: the exchange does not happen."""
        return self._call(calls.withdraw(commitment, reason))

    def amend(self, commitment: str, decision: str, reason: str) -> Committed:
        """Amend a commitment: `decision` is the one on the exchange as it really happened."""
        return self._call(calls.amend(commitment, decision, reason))

    def end(self, commitment: str, first_day_without: date, reason: str) -> Committed:
        """End the rights that a commitment granted, from a day on. It stays committed."""
        return self._call(calls.end(commitment, first_day_without, reason))

    def open_rights(
        self,
        party: str,
        asset: str,
        rights: Iterable[Mapping[str, Any]],
        *,
        first: date,
        complete: bool,
        evidence: Iterable[Mapping[str, Any]] = (),
        reason: str,
    ) -> RightsOpening:
        """
        State what a party has of an asset, from the day `first` on.

        `complete`: the book then has everything that the party has of the asset.
        """
        return self._call(calls.open_rights(party, asset, rights, first, complete, evidence, reason))

    def withdraw_opening(self, id: str, reason: str) -> RightsOpening:
        """Withdraw an opening: what it stated never counted."""
        return self._call(calls.withdraw_opening(id, reason))

    def rights_openings(self, *, party: str | None = None, asset: str | None = None) -> Iterator[RightsOpening]:
        """Openings, also those that were withdrawn, the oldest first. The time-out is that of a page."""
        return self._each(calls.rights_openings(party, asset))

    def rights_of_asset(
        self, id: str, *, on: date | None = None, known: date | None = None, history: bool = False
    ) -> Iterator[RightsLine]:
        """
        The rights in an asset that stand on a day, by what was known at the end of another; `history`: also those that do not stand.

        Days that are left out are today, and now. The time-out is that of a page.
        """
        return self._each(calls.rights("assets", id, on, known, history))

    def rights_of_party(
        self, id: str, *, on: date | None = None, known: date | None = None, history: bool = False
    ) -> Iterator[RightsLine]:
        """The rights that a party has, and those that it granted; as `rights_of_asset`."""
        return self._each(calls.rights("parties", id, on, known, history))

    def benefits(
        self,
        *,
        party: str = "",
        role: str = "",
        currency: str = "",
        first: date | None = None,
        last: date | None = None,
        commitment: str = "",
    ) -> Iterator[BenefitLine]:
        """What commitments make payable to whom, line by line, from `first` to `last`. The time-out is that of a page."""
        return self._each(calls.benefits(filters(party, role, currency, first, last, commitment)))

    def benefit_balances(
        self, *, party: str = "", role: str = "", currency: str = "", first: date | None = None, last: date | None = None
    ) -> Iterator[BenefitBalance]:
        """The balances of these lines by account, currency and month. The time-out is that of a page."""
        return self._each(calls.benefit_balances(filters(party, role, currency, first, last)))

    def counter(self, name: str, per: Mapping[str, str]) -> CounterRead:
        """A counter of the ledger as of today; `per` has the facts that it is kept per, with their values."""
        return self._call(calls.counter(name, per))

    def open_counter(
        self, name: str, per: Mapping[str, str], *, on: date, counts: Mapping[str, Any], reason: str
    ) -> dict[str, Any]:
        """State what a counter was at the beginning of a day; from that day on the ledger is complete for it."""
        return self._call(calls.open_counter(name, per, on, counts, reason))

    def put_entity(self, kind: str, id: str, entity: Mapping[str, Any]) -> dict[str, Any]:
        """Write an entity of another kind, like `authorisation`. `entity` replaces everything stated before."""
        return self._call(calls.put_entity(kind, id, entity))

    def entity(self, kind: str, id: str) -> dict[str, Any]:
        """Read an entity of another kind, like `authorisation`."""
        return self._call(calls.entity(kind, id))

    def statistics(self, by: Iterable[str] = ("month",), **filters: str) -> Statistics:
        """
        What flowed where, by `month`, `pair`, `venue`, `grade`, `sector` or `kind`. A filter has the name of a dimension, or is `since`
        or `until`, the first and the last month, like `2026-01`.
        """
        return self._call(calls.statistics(by, filters))

    def concentration(self, by: Iterable[str] = ("kind",), **filters: str) -> Concentration:
        """The largest parties' shares and the Herfindahl index by `venue`, `sector`, `kind` and the like; `since` and `until` are years."""
        return self._call(calls.concentration(by, filters))

    def promises(self, **filters: Filter) -> Iterator[Promise]:
        """The promises of committed exchanges, by their last days; filtered by `party` or `state`. The time-out is that of a page."""
        return self._each(calls.promises(filters))

    def keep_promise(self, commitment: str, number: int, *, evidence: str, dated: date, document: str) -> Promise:
        """Report that a promise was kept: the kind and day of the document that shows it, and its SHA-256 in hexadecimal."""
        return self._call(calls.keep(commitment, number, evidence, dated, document))

    def put_party(self, id: str, party: Mapping[str, Any]) -> dict[str, Any]:
        """Write a party of the register. `party` replaces everything stated before."""
        return self._call(calls.put("parties", id, party))

    def party(self, id: str) -> dict[str, Any]:
        """Read a party of the register."""
        return self._call(calls.get("parties", id))

    def put_asset(self, id: str, asset: Mapping[str, Any]) -> dict[str, Any]:
        """Write a data asset of the register. `asset` replaces everything stated before."""
        return self._call(calls.put("assets", id, asset))

    def asset(self, id: str) -> dict[str, Any]:
        """Read a data asset of the register."""
        return self._call(calls.get("assets", id))

    def post_entry(self, asset: str, entry: Mapping[str, Any]) -> AccountEntry:
        """Post an entry in the accounts of a data asset; the page on the accounts says what an entry has."""
        return self._call(calls.post_entry(asset, entry))

    def asset_accounts(
        self, asset: str, *, first: date | None = None, until: date | None = None, known: date | None = None
    ) -> AssetAccounts:
        """The accounts of a data asset in a period; by default, this year up to today."""
        return self._call(calls.asset_accounts(asset, calls.period(first, until, known)))

    def accounts(self, *, first: date | None = None, until: date | None = None, known: date | None = None) -> RollForward:
        """The roll-forward of all data assets in a period, by class and currency."""
        return self._call(calls.accounts(calls.period(first, until, known)))

    def _each(self, pages: Pages[Item]) -> Iterator[Item]:
        while pages.more:
            yield from self._call(pages.call())

    def _call(self, call: Call[Read]) -> Read:
        attempts = Attempts(call, self._options)
        while True:
            try:
                return self._attempt(attempts)
            except Again as failed:
                time.sleep(attempts.pause(failed))

    def _attempt(self, attempts: Attempts[Read]) -> Read:
        call = attempts.call
        gathered = Gathered(attempts)
        try:
            with (
                within(attempts.left),
                self._http.stream(
                    call.method,
                    self._options.address + call.path,
                    content=call.body,
                    headers=self._options.headers(attempts),
                    follow_redirects=False,
                ) as response,
            ):
                for piece in response.iter_raw():
                    gathered.add(piece)
        except httpx.HTTPError as failed:
            raise failure(failed) from None
        return attempts.read(came(response, gathered.body()))
