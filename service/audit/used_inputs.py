"""
The inputs that a record says it used, compared with the rows of that moment: both go in, a description of each difference comes out.

The exchange is read and filled again, as its caller sent it, by the readers that the service itself uses. So it must come out with the same
versions of the register, the same counts, the same pages of the books, the same shares. Approvals must be among those that stand then, and
the caller one who may have asked.
"""

import hashlib
import json
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from functools import lru_cache
from typing import Any

import sqlalchemy as sa

import engine
from service.audit.leaf_effects import end_commitment
from service.audit.replica import Replica
from service.callers import known_persons
from service.callers.caller import LOCAL, Caller
from service.callers.keys import find as find_key
from service.documents import confirmations
from service.documents.stated_documents import documents_with_hash
from service.ledger.counter_book import Book
from service.ledger.counter_marks import bare
from service.ledger.counter_totals import Moment
from service.ledger.exchange_counters import CounterFiller, FilledExchange
from service.log.canonical_json import canonical
from service.log.leaf import erased, with_personal_values
from service.log.record import SCHEMA, exchange_of
from service.log.store import Stored
from service.policies import archive
from service.policies.live import Live
from service.problems import RequestRefused
from service.register import entity_versions, named_exchanges
from service.register.stated_facts import ROLES
from service.reviews import own_requests, standing_sign_off
from service.settings import Settings
from service.store.moments import moment_text
from service.store.tables import (
    bundle,
    commitment,
    document_confirmation,
    entity,
    person,
    session,
    sign_off,
)

# The settings of a leaf by which it is decided what a record uses, and who may have asked. The latter are not valid without others.
_USED = ("callers_counts", "ledger_since", "sign_off_persons", "zone")
_ADMITTING = ("authentication", "host", "hosts", "jwt_issuer", "oidc_issuer")
_MOST_WAYS = 12  # earlier decisions on an exchange, and commitments that were to be replaced, that are tried


@dataclass(frozen=True, slots=True)
class NotedInputs:
    """What the log notes at a leaf: the digests of the policies that were activated last, and the last settings."""

    policies: tuple[str, str] | None = None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class CommittedEvaluation:
    """What a commitment leaf says of its evaluation: the decision that was committed, and the commitment that it replaces."""

    decision: Stored | None
    replaces: str | None
    after: int | None


@dataclass(frozen=True, slots=True)
class RecordUsed:
    """A record of which what it used is compared; `committing` if it was made when a decision was committed."""

    stored: Stored
    record: Mapping[str, Any]
    committing: CommittedEvaluation | None

    @classmethod
    def of(cls, stored: Stored, committing: CommittedEvaluation | None) -> "RecordUsed | None":
        """A record; None where an erasure took away what it used, and of another version of this program."""
        if erased(stored.entry.openings):
            return None
        record = with_personal_values(stored.entry.leaf, stored.entry.openings)
        same = record.get("schema") == SCHEMA and record.get("engine", {}).get("version") == engine.__version__
        return cls(stored, record, committing) if same and "noted" in record else None

    @property
    def at(self) -> datetime:
        """When the service began to decide it."""
        return datetime.fromisoformat(self.record["recorded_at"])

    @property
    def noted(self) -> int:
        """The last leaf when its process noted by which policies and settings it decides."""
        return int(self.record["noted"])

    @property
    def permits(self) -> bool:
        """Whether it lets the exchange proceed."""
        return self.record["decision"].get("proceed") is True

    @property
    def as_of(self) -> date:
        """The day whose law decided."""
        return date.fromisoformat(self.record["as_of"])


class UsedInputs:
    """
    Compares records with the rows that a replica has come to. `source` is the database of the log, which keeps the policies.

    `decided` has the last records by which each exchange may be committed; see `note`.
    """

    def __init__(
        self, replica: Replica, source: sa.Connection, decided: dict[bytes, deque[int]], most_ways: int = _MOST_WAYS
    ) -> None:
        self._decided = decided
        self._most_ways = most_ways
        self._replica = replica
        self._connection = replica.rows
        self._source = source
        self._book = Book()
        self._lives: dict[tuple[str, ...], Live | None] = {}

    def differs(self, used: RecordUsed, noted: NotedInputs) -> str:
        """What the record did not have from these rows, and from what its process noted, in a few words; "" if all of it."""
        named = used.record["bundle"]
        if noted.policies != (named["source"], named["meaning"]):
            return "its policies"
        return next(self._under(used, _settings(noted.settings)), "")

    def note(self, used: RecordUsed) -> None:
        """A record was compared. If it permits, somebody may commit it later."""
        if used.permits:
            request = bare(exchange_of(used.record), used.record.get("counted", {}))
            self._decided.setdefault(_exchange(request), deque(maxlen=_MOST_WAYS)).append(used.stored.sequence)

    def _under(self, used: RecordUsed, settings: Settings) -> Iterator[str]:
        if self._caller(used, settings):
            yield "its caller"
        live = self._live(used, settings)
        if live is None:
            return
        yield from self._request(used, live, settings)
        if self._signed(used, live, settings):
            yield "its sign-offs"
        if self._shown(used, live):
            yield "what was shown"

    # --- who asked ------------------------------------------------------------------------------------------------------

    def _caller(self, used: RecordUsed, settings: Settings) -> bool:
        """Whether nobody with this id could have asked."""
        id = str(used.record.get("asked_by"))
        kind, _, rest = id.partition(":")
        if id == LOCAL.id:
            required = settings.key_required or bool(settings.oidc_issuer)
            return required or self._connection.execute(sa.text("SELECT 1 FROM caller LIMIT 1")).first() is not None
        if kind == "key":
            key = find_key(self._connection, rest)
            # A commitment that no longer holds is recorded as a decision of whoever asked to commit.
            needed = {"evaluate", "commit"} if used.committing is None else {"commit"}
            if key is None or not key.good(used.at) or needed.isdisjoint(key.scopes):
                return True
            exporter = used.record["request"].get("exporter")
            return key.party is not None and (not isinstance(exporter, dict) or exporter.get("id") != key.party)
        if kind == "person":
            hers = (session.c.person == rest, session.c.expires_at > moment_text(used.at))
            scopes = self._connection.execute(sa.select(session.c.scopes).where(*hers)).scalars()
            return not any({"evaluate", "commit"} & set(each.split()) for each in scopes)
        return False

    # --- the exchange ---------------------------------------------------------------------------------------------------

    def _request(self, used: RecordUsed, live: Live, settings: Settings) -> Iterator[str]:
        record = used.record
        marks = record.get("counted", {})
        request: Mapping[str, Any] = dict(bare(exchange_of(record), marks))
        if used.committing is not None and used.committing.decision is not None and self._other_exchange(used, request):
            yield "the exchange of its decision"
        known = dict(request)
        register = known.pop(engine.REGISTER, {})
        today = settings.day_of(used.at)
        reads = not any(each.get("alike") for each in register.values())
        try:
            body = named_exchanges.read(live, canonical(known), self._connection, today, reads)
            exchange = body.accept()
        except engine.ExchangeRefused:
            yield "the register"
            return
        again = exchange.document.get(engine.REGISTER, {})
        elsewhere = self._of_access_request(register, again, request, used.as_of)
        if elsewhere is None:
            yield "the register"
            return
        register = {name: said for name, said in register.items() if name not in elsewhere}
        if not _same(again, register) and not self._erased_since(register, again):
            yield "the register"
            return
        moment = Moment.of(used.as_of, used.at, today)
        try:
            # With what the register said: where that was erased since, it is as the record has it.
            exchange = engine.parse_exchange(live.bundle, canonical(dict(request)))
            differs = ""
            for committing in self._ways(used, request):
                filled = self._filled(committing, live, exchange, moment, settings)
                differs = _differs(filled, record, marks)
                if not differs:
                    return
            yield differs
        except (engine.ExchangeRefused, RequestRefused):
            yield "its counts"

    def _of_access_request(
        self, register: Mapping[str, Any], again: Mapping[str, Any], request: Mapping[str, Any], day: date
    ) -> frozenset[str] | None:
        """
        The names of entities that only an access request names, so that an exchange does not look them up; None where the register says
        otherwise of one. Those without a version are of another store than the register.
        """
        names = frozenset(name for name in register if name not in again and name.partition(".")[0] not in ROLES)
        for name in names:
            said = register[name]
            group = request.get(name.partition(".")[0])
            id = said.get("id") or (group.get("id") if isinstance(group, dict) else None)
            if said.get("version") is None or said.get("alike") or not isinstance(id, str):
                continue
            now = entity_versions.speaking(self._connection, said["kind"], id, day.isoformat())
            if now is None or now.version != said["version"] or now.state != "held":
                return None
            stated = _words({**now.content.facts, "evidence": now.content.evidence, "claims": now.content.claims})
            if not _words(said.get("states", {})) <= stated:
                return None
        return names

    def _ways(self, used: RecordUsed, request: Mapping[str, Any]) -> Iterator[CommittedEvaluation | None]:
        """
        How a record may have come about: as it says; or since a decision on the same exchange, an earlier one, could not be committed any
        more, in place of a commitment or by itself. Then the record is of what came out instead, which is no permit, and does not say of
        what.
        """
        yield used.committing
        if used.committing is not None or used.permits:
            return
        earlier: Sequence[int] = self._decided.get(_exchange(request)) or ()
        running = sa.select(commitment.c.id).where(commitment.c.state == "committed").order_by(commitment.c.sequence.desc())
        replaced = self._connection.execute(running.limit(self._most_ways)).scalars().all() if earlier else ()
        for sequence in [each for each in reversed(earlier) if each < used.stored.sequence][: self._most_ways]:
            yield CommittedEvaluation(None, None, sequence)
        for old in replaced:
            yield CommittedEvaluation(None, old, earlier[-1])

    def _other_exchange(self, used: RecordUsed, request: Mapping[str, Any]) -> bool:
        """Whether a commitment is of another exchange than the decision that was committed."""
        assert used.committing is not None
        stored = used.committing.decision
        if stored is None or erased(stored.entry.openings):
            return False
        decided = with_personal_values(stored.entry.leaf, stored.entry.openings)
        before = dict(bare(exchange_of(decided), decided.get("counted", {})))
        return not _same(*({**_stated(each), "as_of": ""} for each in (before, request)))

    def _erased_since(self, register: Mapping[str, Any], again: Mapping[str, Any]) -> bool:
        """Whether what is said otherwise of entities is only of some that were erased since, as the leaves have their versions."""
        for name in {*register, *again}:
            said = register.get(name, {})
            if _same(said, again.get(name, {})):
                continue
            gone = (entity.c.kind == said.get("kind"), entity.c.version == said.get("version"), entity.c.state == "erased")
            if self._connection.execute(sa.select(entity.c.id).where(*gone).limit(1)).first() is None:
                return False
        return True

    def _filled(
        self, committing: CommittedEvaluation | None, live: Live, exchange: engine.Exchange, moment: Moment, settings: Settings
    ) -> FilledExchange:
        counts = CounterFiller(settings, self._book)
        if committing is None:
            rows: Any = self._replica
            if counts.silent(rows, live, exchange.document) and counts.unused(rows, live):
                sent = counts.sent(live, exchange.document)
                return counts.fill(None, live, exchange, moment) if sent else FilledExchange(exchange, {}, {})
            return counts.fill(self._connection, live, exchange, moment)
        if committing.replaces is None:
            return counts.fill(self._connection, live, exchange, moment, after=committing.after)
        with self._connection.begin_nested() as nested:
            # It ends with the commitment, whose leaf comes after the record.
            end_commitment(self._connection, committing.replaces, "superseded", "")
            try:
                return counts.fill(self._connection, live, exchange, moment, after=committing.after)
            finally:
                nested.rollback()

    # --- what persons said ----------------------------------------------------------------------------------------------

    def _signed(self, used: RecordUsed, live: Live, settings: Settings) -> bool:
        """Whether a record rests on an approval that did not stand."""
        parts = used.record.get("signed_off", ())
        if not parts:
            return False
        today = settings.day_of(used.at)
        said = standing_sign_off.said_of(self._connection, live, used.record["request"])
        issuer = settings.jwt_issuer or None
        asker = self._asker(str(used.record["asked_by"]), issuer)
        counting = own_requests.Counting(self._connection, issuer).for_caller(said, asker)
        for part in parts:
            approval = engine.Approval.told(part)
            # As many persons as signed, if more did than the settings ask for.
            asked = replace(live, persons=max(live.persons, len(approval.also) + 1))
            if not self._stands(approval, standing_sign_off.approvals_on(asked, counting, max(used.as_of, today))):
                return True
        return False

    def _stands(self, approval: engine.Approval, standing: Sequence[engine.Approval]) -> bool:
        """Whether an approval stands, or its decision or its person was erased since."""
        if approval in standing:
            return True
        gone = sa.or_(sign_off.c.facts.is_(None), person.c.erased_at.is_not(None))
        joined = sa.select(sign_off.c.id).select_from(sign_off.outerjoin(person, person.c.id == sign_off.c.person))
        return self._connection.execute(joined.where(sign_off.c.id == approval.id, gone)).first() is not None

    def _asker(self, id: str, issuer: str | None) -> Caller | None:
        if id == LOCAL.id:
            return LOCAL
        return Caller(id, frozenset(), person=known_persons.behind(self._connection, id, issuer))

    def _shown(self, used: RecordUsed, live: Live) -> bool:
        """Whether something counted as shown that nobody confirmed or signed, or that was withdrawn."""
        shown = used.record.get("shown", {})
        if not shown:
            return False
        documents = documents_with_hash(live.bundle, used.record["request"])
        bound = {name: document.binding for name, document in documents.items() if name in shown}
        given = confirmations.not_withdrawn(self._connection, bound.values())
        for name, each in shown.items():
            here = (document_confirmation.c.id == each["id"], document_confirmation.c.verdict != confirmations.WITHDRAW)
            row = self._connection.execute(sa.select(document_confirmation).where(*here)).one_or_none()
            # What is signed counts no longer than its signer may sign.
            if row is None or (row.until is not None and row.until < each["until"]):
                return True
            # What an erasure took its binding from since may have stood.
            if row.binding is not None and all(one["id"] != row.id for one in given.get(bound.get(name, ""), ())):
                return True
        return False

    # --- the policies ---------------------------------------------------------------------------------------------------

    def _live(self, used: RecordUsed, settings: Settings) -> Live | None:
        """The policies of a record; None where this version cannot load them."""
        named = used.record["bundle"]
        key = (named["source"], named["meaning"], str(settings.sign_off_persons))
        if key not in self._lives:
            here = (bundle.c.source == named["source"], bundle.c.meaning == named["meaning"])
            row = self._source.execute(sa.select(bundle).where(*here)).one_or_none()
            made = None if row is None else _live_of(row.trust, row.norms, bytes(row.archive), settings.sign_off_persons)
            self._lives = {key: made, **dict(list(self._lives.items())[:1])}
        return self._lives[key]


def _differs(filled: FilledExchange, record: Mapping[str, Any], marks: Mapping[str, Any]) -> str:
    """In what an exchange that was filled again is not the one of its record; "" if in nothing."""
    if not _same(filled.marks, marks):
        return "its counts"
    if not _same({fact: list(ids) for fact, ids in filled.overdue.items()}, record.get("overdue", {})):
        return "the promises"
    document, asked = filled.exchange.document, exchange_of(record)
    if document.get(engine.SHARES) != asked.get(engine.SHARES):
        return "the shares"
    return "" if _same(document, asked) else "the books"


def _same(one: Mapping[str, Any], other: Mapping[str, Any]) -> bool:
    """Whether two JSON documents are the same."""
    return canonical(dict(one)) == canonical(dict(other))


def _words(document: Any, name: str = "") -> frozenset[tuple[str, str]]:
    """The values in a JSON document, each with the last name that leads to it."""
    if isinstance(document, dict):
        return frozenset().union(*(_words(value, key) for key, value in document.items() if key != "id"))
    return frozenset({(name, json.dumps(document, sort_keys=True))})


def _stated(document: Mapping[str, Any]) -> dict[str, Any]:
    """A document without the groups in which nothing is stated: those of counters that were filled in and taken out again."""
    plain = {name: _stated(value) if isinstance(value, dict) else value for name, value in document.items()}
    return {name: value for name, value in plain.items() if value != {}}


def _exchange(request: Mapping[str, Any]) -> bytes:
    """A digest of what an exchange states, but for its day."""
    return hashlib.sha256(canonical({**_stated(request), "as_of": ""})).digest()


def _settings(noted: Mapping[str, Any]) -> Settings:
    """The settings of a leaf, as far as they matter here."""
    used, admitting = ({name: noted[name] for name in some if name in noted} for some in (_USED, _ADMITTING))
    return Settings(**used).model_copy(update=admitting)


@lru_cache(maxsize=4)
def _live_of(trust: str, norms: str, archived: bytes, persons: int) -> Live | None:
    """The policies of `_loaded` with what decides by them, made once in a process as well."""
    loaded = _loaded(trust, norms, archived)
    return None if loaded is None else Live.of(loaded, "reference", persons)


@lru_cache(maxsize=4)
def _loaded(trust: str, norms: str, archived: bytes) -> engine.Bundle | None:
    """Kept policies, ready to read by; None where this version cannot load them. Loaded once in a process, since this takes long."""
    try:
        settings = engine.PolicySettings(trust=trust, norms=norms)
        return engine.load_sources(archive.read(archived), settings, engine.SEMANTICS, replay=True)
    except (archive.ArchiveRefused, engine.BundleRefused):
        return None
