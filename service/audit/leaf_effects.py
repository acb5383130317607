"""
What each kind of leaf does to rows: the rows that all leaves before it made, and the leaf, go in; the rows after it come out.

This is written here a second time, apart from the code that writes leaves and rows together, so that an error of that code shows as a
difference. Records are not among these leaves; their rows are compared with their own bytes.

A leaf is given with its index as `leaf`, and with its openings in place of its commitments: None in place of what was erased, and then
`erased_at`. That of an entity has its id also after an erasure.
"""

import json
from collections.abc import Callable, Mapping
from typing import Any

import sqlalchemy as sa

import engine
from service.log.canonical_json import canonical
from service.log.document_erasure import subject_of_document
from service.log.receipt_leaf import FACTS
from service.log.store import subject_of_decision
from service.store import tables
from service.store.counter_secret import LOST

Leaf = Mapping[str, Any]
Effect = Callable[[sa.Connection, Leaf], None]

_STATES = {"withdrawn": "withdrawn", "amended": "superseded"}  # of a commitment, after such an event
_STAGES = frozenset({"listed", "signed", "delivered", "settled"})
_QUOTING = frozenset({"because", "changes"})  # what may quote the exchange, in what the watch told
_IN_COLUMNS = frozenset({"id", "leaf", "at", "day", "commitment", "decision", "cause", "since"})  # of an event of the watch
_BESIDE_A_DOCUMENT = frozenset({"schema", "kind", "event", "document", "erased_at", *_QUOTING, *_IN_COLUMNS})
_ERASED: Leaf = {"state": "erased", "aliases": "[]", "facts": "{}", "documents": '{"claims":{},"evidence":{}}', "travels": "[]"}
# The openings of a leaf that are erased together with what it speaks of, which is a decision unless `subject` says otherwise.
_OF_SUBJECT: Mapping[str, frozenset[str]] = {
    "benefit-event": frozenset({"sha256", "reason"}),
    "commitment-event": frozenset({"reason"}),
    "commitment-reference": frozenset({"text"}),
    "document-attached": frozenset({"bytes"}),
    "document-confirmation": frozenset({"binding"}),
    "document-kept": frozenset({"sha256"}),
    "document-signature": frozenset({"binding", "envelope", "keys"}),
    "income-report": frozenset({"sha256"}),
    "income-report-reversed": frozenset({"reason"}),
    "person": frozenset({"issuer", "subject", "name"}),
    "promise-answered": frozenset({"reason"}),
    "promise-settled": frozenset({"reason"}),
    "receipt": frozenset(FACTS),
    "register": frozenset({"id", "content"}),
    "review-comment": frozenset({"text"}),
    "review-requested": frozenset({"text"}),
    "rights-opening": frozenset({"party"}),
    "sign-off": frozenset({"facts", "anchor"}),
    "watch-event": _QUOTING,
}


def apply(rows: sa.Connection, leaf: Leaf) -> None:
    """Make the rows what they are after a leaf. A leaf of a kind that speaks of no row is passed over."""
    effect = EFFECTS.get(str(leaf.get("kind")))
    if effect is not None:
        effect(rows, leaf)


def subjects(rows: sa.Connection, leaf: Leaf) -> Mapping[str, str]:
    """What each opening of a leaf is erased with, of those that are. The rows have the leaf."""
    kind = str(leaf.get("kind"))
    match kind:
        case "agreement-version":
            parties = (f"party_{number}" for number in range(leaf["parties"]))
            return {name: f"entity/party/{leaf[name]}" for name in parties if leaf.get(name) is not None}
        case "person":
            of = f"person/{leaf['person']}"
        case "document-kept":
            of = subject_of_document(leaf["id"])
        case "register":
            of = f"entity/{leaf['entity_kind']}/{leaf['id']}"
        case "rights-opening":
            of = f"entity/party/{leaf['party']}"
        case "commitment-event" if leaf.get("reason") is None:
            return {}
        case "watch-event" | "commitment-reference" | "commitment-event":
            told_of = _held(rows, tables.commitment, id=leaf["commitment"])
            of = subject_of_decision("" if told_of is None else told_of.evaluation)
        case _ if kind in _OF_SUBJECT:
            of = subject_of_decision(leaf["decision"])
        case _:
            return {}
    return dict.fromkeys(_OF_SUBJECT[kind], of)


def end_commitment(rows: sa.Connection, id: str, state: str, at: str) -> None:
    """A commitment no longer stands: it counts nowhere, and granted nothing."""
    _update(rows, tables.commitment, {"id": id}, state=state)
    _update(rows, tables.movement, {"commitment": id}, live=False)
    _update(rows, tables.flow, {"commitment": id}, live=False)
    _update(rows, tables.right_line, {"source": id}, voided_at=at)


# --- rows --------------------------------------------------------------------------------------------------------------


def _insert(rows: sa.Connection, table: sa.Table, leaf: Leaf, **other: Any) -> None:
    """A new row: each column has the member of the leaf with its name, unless it is said otherwise."""
    rows.execute(sa.insert(table), {each.name: other.get(each.name, leaf.get(each.name)) for each in table.columns})


def _update(rows: sa.Connection, table: sa.Table, of: Leaf, **values: Any) -> None:
    rows.execute(sa.update(table).where(*_here(table, of)).values(values))


def _delete(rows: sa.Connection, table: sa.Table, **of: Any) -> None:
    rows.execute(sa.delete(table).where(*_here(table, of)))


def _held(rows: sa.Connection, table: sa.Table, **of: Any) -> Any:
    return rows.execute(sa.select(table).where(*_here(table, of))).one_or_none()


def _here(table: sa.Table, of: Leaf) -> list[sa.ColumnElement[bool]]:
    return [table.c[name] == value for name, value in of.items()]


def _note(rows: sa.Connection, name: str, value: str) -> None:
    _delete(rows, tables.about, name=name)
    _insert(rows, tables.about, {"name": name, "value": value})


# --- who may call ------------------------------------------------------------------------------------------------------


def _key_made(rows: sa.Connection, leaf: Leaf) -> None:
    told = {"scopes": " ".join(leaf["scopes"]), "secret_hash": bytes.fromhex(leaf["secret_hash"])}
    _insert(rows, tables.caller, leaf, **told, id=leaf["key"], created_at=leaf["at"], created_by=leaf["by"])


def _person(rows: sa.Connection, leaf: Leaf) -> None:
    id, who = leaf["person"], {name: leaf.get(name) for name in ("issuer", "subject", "name", "erased_at")}
    if _held(rows, tables.person, id=id) is None:
        _insert(rows, tables.person, who, id=id, known_at=leaf["at"])
    else:
        _update(rows, tables.person, {"id": id}, **who)


def _session_begun(rows: sa.Connection, leaf: Leaf) -> None:
    """Without its secret and without when it was seen: nobody is admitted by these rows."""
    told = {"id": leaf["session"], "scopes": " ".join(leaf["scopes"]), "secret_hash": b""}
    _insert(rows, tables.session, leaf, **told, created_at=leaf["at"], seen_at=leaf["at"], expires_at=leaf["until"])


# --- policies, and other logs ------------------------------------------------------------------------------------------


def _bundle_activated(rows: sa.Connection, leaf: Leaf) -> None:
    if _held(rows, tables.bundle, source=leaf["source"], meaning=leaf["meaning"]) is None:
        _insert(rows, tables.bundle, leaf, first_used_at=leaf["at"], archive=b"")
    for folder, signed in leaf.get("versions", {}).items():
        row = _held(rows, tables.bundle_version, folder=folder)
        if row is None or signed["version"] > row.version:
            _delete(rows, tables.bundle_version, folder=folder)
            _insert(rows, tables.bundle_version, signed, folder=folder, activated_at=leaf["at"])
        elif signed["source"] == row.source:
            _update(rows, tables.bundle_version, {"folder": folder}, allowed=None)
    versions = [canonical(leaf["versions"]).decode()] if "versions" in leaf else []
    _note(rows, "active_bundle", " ".join([leaf["source"], leaf["meaning"], leaf["engine"], *versions]))


def _older_bundle_allowed(rows: sa.Connection, leaf: Leaf) -> None:
    for folder, allowed in leaf["folders"].items():
        _update(rows, tables.bundle_version, {"folder": folder}, allowed=allowed["source"])


def _cosigned(rows: sa.Connection, leaf: Leaf) -> None:
    _delete(rows, tables.witnessed, origin=leaf["origin"])
    _insert(rows, tables.witnessed, leaf, root=bytes.fromhex(leaf["root"]))


# --- the register ------------------------------------------------------------------------------------------------------


def _register(rows: sa.Connection, leaf: Leaf) -> None:
    kind, id, content = leaf["entity_kind"], leaf["id"], leaf["content"]
    told = _ERASED if content is None else content
    _insert(rows, tables.entity, leaf, **told, kind=kind, recorded_at=leaf["at"], recorded_by=leaf["by"])
    if content is None or leaf["state"] != "held":
        return
    # An entity answers to the names of its newest version that was held.
    for table in (tables.entity_alias, tables.entity_spelling):
        _delete(rows, table, kind=kind, id=id)
    aliases = [str(each) for each in json.loads(content["aliases"])]
    for alias in aliases:
        _insert(rows, tables.entity_alias, {"kind": kind, "alias": alias, "id": id})
    for name in dict.fromkeys((id, *aliases)):
        _insert(rows, tables.entity_spelling, {"kind": kind, "folded": engine.folded_id(name), "name": name, "id": id})


# --- the ledger --------------------------------------------------------------------------------------------------------


def _commitment_event(rows: sa.Connection, leaf: Leaf) -> None:
    id, event = leaf["commitment"], leaf["event"]
    _insert(rows, tables.commitment_event, leaf, kind=event)
    if event in _STATES:
        end_commitment(rows, id, _STATES[event], leaf["at"])
    elif event == "ended":
        _update(rows, tables.right_line, {"source": id}, ended=leaf["from"], ended_at=leaf["at"])
    elif event in _STAGES:
        _update(rows, tables.commitment, {"id": id}, stage=event)
    elif event == "recounted":
        _update(rows, tables.commitment, {"id": id}, counting=leaf["counting"])
        _update(rows, tables.movement, {"commitment": id}, live=False)
        for fact, meaning in leaf["counts"]:
            _update(rows, tables.movement, {"commitment": id, "fact": fact, "meaning": meaning}, live=True)


def _movements(rows: sa.Connection, leaf: Leaf) -> None:
    for each in leaf["movements"]:
        _insert(rows, tables.movement, each, commitment=leaf["commitment"], sequence=leaf["sequence"], live=True)


def _counter_opening(rows: sa.Connection, leaf: Leaf) -> None:
    for count in leaf["counts"]:
        _insert(rows, tables.opening, leaf, **count)


def _counting(rows: sa.Connection, leaf: Leaf) -> None:
    if leaf["before"] is not None:
        _update(rows, tables.counted, {"counting": leaf["counting"]}, last=leaf["last"])
        return
    for meaning in ("", *leaf["meanings"]):
        _insert(rows, tables.counted, leaf, meaning=meaning)


def _counting_forgotten(rows: sa.Connection, leaf: Leaf) -> None:
    for counting in leaf["countings"]:
        _delete(rows, tables.counted, counting=counting)


def _counters_lost(rows: sa.Connection, leaf: Leaf) -> None:
    _delete(rows, tables.counted, counting=LOST)
    _insert(rows, tables.counted, leaf, counting=LOST, meaning=str(leaf["records"]))


def _promises(rows: sa.Connection, leaf: Leaf) -> None:
    _delete(rows, tables.promise, commitment=leaf["commitment"])
    for each in leaf["promises"]:
        _insert(rows, tables.promise, each, commitment=leaf["commitment"], disputed=each.get("disputed", 0))


def _promise_kept(rows: sa.Connection, leaf: Leaf) -> None:
    """Until version 0.16 one report showed the whole of a promise."""
    here = {"commitment": leaf["commitment"], "number": leaf["number"]}
    kept = {"kept_on": leaf["kept_on"], "evidence": leaf["evidence"], "document": leaf["sha256"]}
    _update(rows, tables.promise, here, **kept, reported_at=leaf["at"], reported_by=leaf["by"])


def _promise_reported(rows: sa.Connection, leaf: Leaf) -> None:
    told = {"of": leaf["origin"], "number": leaf["report"], "document": leaf["sha256"]}
    _insert(rows, tables.promise_report, {**leaf, **told, "answer": None})
    _promise_moved(rows, leaf)


def _promise_answered(rows: sa.Connection, leaf: Leaf) -> None:
    said = {"answer": leaf["answer"], "answered_at": leaf["at"], "answered_by": leaf["by"], "reason": leaf["reason"]}
    _update(rows, tables.promise_report, {"of": leaf["origin"], "number": leaf["report"]}, **said)
    _promise_moved(rows, leaf)


def _promise_settled(rows: sa.Connection, leaf: Leaf) -> None:
    said = {"settled": leaf["settled"], "settled_at": leaf["at"], "settled_by": leaf["by"], "ruling": leaf["reason"]}
    _update(rows, tables.promise_report, {"of": leaf["origin"], "number": leaf["report"]}, **said)
    _promise_moved(rows, leaf)


def _promise_moved(rows: sa.Connection, leaf: Leaf) -> None:
    """A promise is kept by the report, in the order of their days, with which what was reported reaches what was promised."""
    here = {"commitment": leaf["commitment"], "number": leaf["number"]}
    promised = _held(rows, tables.promise, **here).promised
    reports = rows.execute(
        sa.select(tables.promise_report)
        .where(tables.promise_report.c.of == leaf["origin"])
        .order_by(tables.promise_report.c.dated, tables.promise_report.c.number)
    ).all()
    left, last = promised, None
    for each in reports:
        if last is None and each.settled != "dropped":
            left = None if left is None or each.amount is None else left - each.amount
            last = each if left is None or left <= 0 else None
    disputed = sum(each.answer == "disputed" and each.settled is None for each in reports)
    kept = (None,) * 5 if last is None else (last.dated, last.evidence, last.document, last.at, last.by)
    names = ("kept_on", "evidence", "document", "reported_at", "reported_by")
    _update(rows, tables.promise, here, disputed=disputed, **dict(zip(names, kept, strict=True)))


def _granted(rows: sa.Connection, leaf: Leaf, source: str, sequence: int | None) -> None:
    for line in leaf["lines"]:
        _insert(rows, tables.right_line, line, source=source, sequence=sequence, at=leaf["at"])


def _rights_opening(rows: sa.Connection, leaf: Leaf) -> None:
    _insert(rows, tables.right_opening, leaf, asset=leaf["asset_hash"], party=leaf["party_hash"])
    _granted(rows, leaf, leaf["id"], None)


def _rights_opening_withdrawn(rows: sa.Connection, leaf: Leaf) -> None:
    what = {"withdrawn_at": leaf["at"], "withdrawn_by": leaf["by"], "withdrawn_reason": leaf["reason"]}
    _update(rows, tables.right_opening, {"id": leaf["opening"]}, **what)
    _update(rows, tables.right_line, {"source": leaf["opening"]}, voided_at=leaf["at"])


def _agreement_version(rows: sa.Connection, leaf: Leaf) -> None:
    id, version, hashes = leaf["agreement"], leaf["version"], leaf["hashes"]
    shares = [leaf[f"share_{number}"] for number in range(leaf["shares"])]
    terms = canonical({**leaf["terms"], "shares": shares}).decode()
    _insert(rows, tables.agreement, leaf, id=id, asset=leaf["asset_hash"], terms=terms, until=leaf["terms"]["until"])
    payers = {each["payer"] for each in shares}
    for number, party in enumerate(hashes):
        told = {"agreement": id, "version": version, "number": number, "party": party, "pays": number in payers}
        _insert(rows, tables.agreement_party, told)


def _agreement_event(rows: sa.Connection, leaf: Leaf) -> None:
    _insert(rows, tables.agreement_event, leaf, kind=leaf["event"])
    if leaf["stands_on"] is not None:
        version = {"id": leaf["agreement"], "version": leaf["version"]}
        _update(rows, tables.agreement, version, stood_at=leaf["at"], stood_on=leaf["stands_on"])


def _settlement(rows: sa.Connection, leaf: Leaf) -> None:
    _insert(rows, tables.settlement, leaf)
    _payable(rows, leaf)


def _payable(rows: sa.Connection, leaf: Leaf) -> None:
    of = {"commitment": leaf["commitment"], "kind": "payable", "day": leaf["day"]}
    for line in leaf["lines"]:
        units = int(line["units"])
        standing = {"net": units, "paid": 0, "confirmed": 0, "disputed": 0}
        _insert(rows, tables.benefit, line, **of, **standing, units=units, base=_whole(line.get("base")))


def _settlement_reversed(rows: sa.Connection, leaf: Leaf) -> None:
    payable = _here(tables.benefit, {"commitment": leaf["commitment"], "kind": "payable"})
    lines = rows.execute(sa.select(tables.benefit).where(*payable).order_by(tables.benefit.c.number)).all()
    for number, line in enumerate(lines, leaf["first"]):
        of_line = sa.or_(tables.benefit.c.number == line.number, tables.benefit.c.of == line.number)
        base = rows.execute(sa.select(sa.func.sum(tables.benefit.c.base)).where(of_line)).scalar_one()
        change = {"number": number, "of": line.number, "units": -line.net, "base": None if base is None else -base}
        _line_changed(rows, leaf, "reversed", change)


def _line_changed(rows: sa.Connection, leaf: Leaf, kind: str, change: Leaf) -> None:
    line = _held(rows, tables.benefit, number=change["of"])._mapping
    of_line = dict.fromkeys(("due", "net", "paid", "confirmed", "disputed"))
    amounts = {"units": int(change["units"]), "base": _whole(change["base"])}
    _insert(rows, tables.benefit, {**line, **of_line, **change}, kind=kind, day=leaf["day"], **amounts)
    _update(rows, tables.benefit, {"number": change["of"]}, net=line["net"] + amounts["units"])


def _benefit_event(rows: sa.Connection, leaf: Leaf) -> None:
    units = _whole(leaf["units"])
    _insert(rows, tables.benefit_event, leaf, kind=leaf["event"], units=units)
    for change in leaf["lines"] or ():
        _line_changed(rows, leaf, "refunded", change)
    if leaf["line"] is None:
        return
    part = {"line": leaf["line"], "part": leaf["part"], "kind": "paid"}
    report, line = _held(rows, tables.benefit_event, **part), _held(rows, tables.benefit, number=leaf["line"])
    amount = -report.units if report.back else report.units
    moved: Mapping[str, tuple[int, int, int]] = {
        "paid": (amount, 0, 0),
        "confirmed": (0, amount, 0),
        "disputed": (-amount, 0, report.units),
        "found-paid": (amount, amount, -report.units),
        "found-unpaid": (0, 0, -report.units),
    }
    names = ("paid", "confirmed", "disputed")
    standing = {name: getattr(line, name) + each for name, each in zip(names, moved[leaf["event"]], strict=True)}
    _update(rows, tables.benefit, {"number": leaf["line"]}, **standing)


def _income_report(rows: sa.Connection, leaf: Leaf) -> None:
    _insert(rows, tables.income_report, leaf)
    _payable(rows, leaf)


def _income_report_reversed(rows: sa.Connection, leaf: Leaf) -> None:
    _update(rows, tables.income_report, {"commitment": leaf["commitment"], "number": leaf["number"]}, reversed_at=leaf["at"])
    for change in leaf["lines"]:
        _line_changed(rows, leaf, "reversed", change)


def _whole(told: str | None) -> int | None:
    return None if told is None else int(told)


def _flow(rows: sa.Connection, leaf: Leaf) -> None:
    _delete(rows, tables.flow, commitment=leaf["commitment"])
    _insert(rows, tables.flow, leaf["flow"], commitment=leaf["commitment"], live=True)


def _watch_event(rows: sa.Connection, leaf: Leaf) -> None:
    number: int = rows.execute(sa.select(sa.func.coalesce(sa.func.max(tables.watch_event.c.number) + 1, 0))).scalar_one()
    told = canonical({name: value for name, value in leaf.items() if name not in _BESIDE_A_DOCUMENT}).decode()
    _insert(rows, tables.watch_event, leaf, number=number, kind=leaf["event"], outcome=leaf["after"], document=told)


# --- the kinds ---------------------------------------------------------------------------------------------------------


def _row(table: sa.Table, told: Leaf = {}, **members: str) -> Effect:  # noqa: B006 - nobody writes to it
    """A row is added. `members` are the members of a leaf by the columns that have another name; `told` is the same of every leaf."""
    return lambda rows, leaf: _insert(rows, table, leaf, **told, **{name: leaf[member] for name, member in members.items()})


EFFECTS: Mapping[str, Effect] = {
    "agreement-event": _agreement_event,
    "agreement-named": _row(tables.agreement_use),
    "agreement-version": _agreement_version,
    "accounts-closed": lambda rows, leaf: _insert(rows, tables.accounts_closed, leaf),
    "asset-entry": lambda rows, leaf: _insert(rows, tables.asset_entry, leaf, **leaf["line"], kind=leaf["entry"]),
    "benefit-event": _benefit_event,
    "bundle-activated": _bundle_activated,
    "commitment": _row(tables.commitment, {"state": "committed"}, committed_at="at"),
    "commitment-event": _commitment_event,
    "commitment-reference": _row(tables.commitment_reference, kind="reference"),
    "cosigned": _cosigned,
    "counter-opening": _counter_opening,
    "counters-lost": _counters_lost,
    "counting": _counting,
    "counting-forgotten": _counting_forgotten,
    "document-attached": _row(tables.attached_document, document="bytes", attached_at="at", attached_by="by"),
    "document-confirmation": _row(tables.document_confirmation, given_at="at", given_by="by"),
    "document-kept": _row(tables.document, kept_at="at", kept_by="by"),
    "document-signature": _row(tables.document_confirmation, {"verdict": "signed", "reason": ""}, given_at="at", given_by="by"),
    "flow": _flow,
    "income-report": _income_report,
    "income-report-reversed": _income_report_reversed,
    "key-made": _key_made,
    "key-revoked": lambda rows, leaf: _update(
        rows, tables.caller, {"id": leaf["key"]}, revoked_at=leaf["at"], revoked_by=leaf["by"]
    ),
    "movements": _movements,
    "older-bundle-allowed": _older_bundle_allowed,
    "person": _person,
    "promise-answered": _promise_answered,
    "promise-kept": _promise_kept,
    "promise-reported": _promise_reported,
    "promise-settled": _promise_settled,
    "promises": _promises,
    "register": _register,
    "review-assigned": _row(tables.review_note, {"kind": "assigned"}),
    "review-comment": _row(tables.review_note, {"kind": "comment"}),
    "review-requested": _row(tables.review_note, {"kind": "requested"}),
    "rights-granted": lambda rows, leaf: _granted(rows, leaf, leaf["commitment"], leaf["sequence"]),
    "rights-opening": _rights_opening,
    "rights-opening-withdrawn": _rights_opening_withdrawn,
    "session-begun": _session_begun,
    "session-ended": lambda rows, leaf: _delete(rows, tables.session, id=leaf["session"]),
    "settings": lambda rows, leaf: _note(rows, "settings", canonical(leaf["settings"]).decode()),
    "settlement": _settlement,
    "settlement-reversed": _settlement_reversed,
    "sign-off": _row(tables.sign_off, given_at="at", given_by="by"),
    "watch-event": _watch_event,
}
