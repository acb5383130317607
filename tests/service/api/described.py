"""
One call of each operation, in an order in which each succeeds: what the examples of the OpenAPI document are recorded from.

`{decision}` and the like in an address stand for what an earlier answer gave.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from hashlib import sha256
from typing import Any

from starlette.testclient import TestClient

from tests.service.tables.small_manifest import MANIFEST

MOST_ITEMS, MOST_MEMBERS, MOST_TEXT, MOST_DEPTH = 2, 30, 300, 9  # of an example


@dataclass(frozen=True)
class Step:
    """
    One call. `notes` says which member of the answer is noted, and under what name. `status` is that of its success.

    `raw` is a body that is not JSON. `by` is the noted key that is sent, if it is another than the last one.
    """

    operation: str
    method: str
    address: str
    body: Any = None
    notes: Mapping[str, str] = field(default_factory=dict)
    status: int = 200
    raw: bytes = b""
    by: str = ""


SENT: dict[str, Any] = {
    "exporter": {"country": "CN"},
    "recipient": {"country": "US"},
    "data": {"personal": True, "people": {"sensitive": 12_000}},
}
OFFER: dict[str, Any] = {
    "@context": "http://www.w3.org/ns/odrl.jsonld",
    "@type": "Offer",
    "@id": "urn:uuid:6bcea82e-c509-443d-ba8c-8eef25984c07",
    "assigner": "clinic-7",
    "target": "visits-2026",
    "permission": [{"action": "use", "constraint": [{"leftOperand": "spatial", "operator": "eq", "rightOperand": "US"}]}],
}
OPEN = {**SENT, "exporter": {"id": "clinic-7", "country": "CN"}}  # nobody lets it through, so no law asks to keep it
OFFER = {
    "@context": "http://www.w3.org/ns/odrl.jsonld",
    "@type": "Offer",
    "@id": "urn:uuid:6bcea82e-c509-443d-ba8c-8eef25984c07",
    "assigner": "clinic-7",
    "target": "visits-2026",
    "permission": [{"action": "use", "constraint": [{"leftOperand": "spatial", "operator": "eq", "rightOperand": "SG"}]}],
}
CHOICE = {"exchange": {"exporter": {"country": "CN"}, "data": SENT["data"]}, "recipients": ["clinic-9", {"country": "US"}]}
REVIEWED = {**SENT, "exporter": {"id": "clinic-7", "country": "CN"}, "act": {"bars": ["suspension"]}}
PERMITTED: dict[str, Any] = {
    "exporter": {
        "id": "clinic-5", "country": "IN", "kind": "company", "sectors": ["commerce"], "role": "controller", "targets": ["IN"],
    },
    "recipient": {"id": "lab-2", "country": "AE", "kind": "company", "listed_on": [], "relation": "unrelated", "role": "controller"},
    "act": {"kind": "provide", "frequency": "repeated", "trigger": "own", "bars": [], "security_concern": False},
    "data": {
        "kind": "dataset", "personal": True, "state": "identified", "categories": ["contact"], "people_in": ["IN"], "grades": [],
        "collected_in": ["AE"], "stored_in": ["AE"], "people": {"ordinary": 500, "sensitive": 0}, "lawful_source": True,
    },
    "purpose": {"is": ["service-provision"]},
    "terms": {
        "price": "60000 INR", "share": {"provider": "0.6", "operator": "0.4", "rest": "0"}, "parties": {"provider": ["clinic-5"]},
    },
}  # fmt: skip
TRINO: dict[str, Any] = {
    "context": {"identity": {"user": "alice", "groups": ["analysts"]}, "softwareStack": {"trinoVersion": "434"}},
    "action": {"resource": {"table": {"catalogName": "hive", "schemaName": "clinic", "tableName": "visits"}}},
}
SHARING: dict[str, Any] = {
    "shares": [
        {"payer": "lab-2", "payee": "clinic-5", "ratio": "1/4", "of": "income", "survives": True, "cap": {"INR": "500000.00"}},
        {"payer": "lab-2", "role": "public", "ratio": "0.02", "of": "price"},
    ],
    "pricing": {"kind": "per-unit", "amount": "2.50 INR", "unit": "call"},
    "reason": "contract 2026-17",
}
DPV: dict[str, Any] = {
    "@context": {"dpv": "https://w3id.org/dpv#", "pd": "https://w3id.org/dpv/pd#", "loc": "https://w3id.org/dpv/loc#"},
    "@id": "https://example.org/records/7",
    "@type": "dpv:DataTransferRecord",
    "dpv:hasPurpose": {"@id": "dpv:ServiceProvision"},
    "dpv:hasPersonalData": {"@id": "pd:EmailAddress"},
    "dpv:hasDataExporter": {"@type": "dpv:DataController", "dpv:hasCountry": {"@id": "loc:DE"}},
    "dpv:hasRecipient": {"@type": "dpv:DataProcessor", "dpv:hasCountry": {"@id": "loc:IN"}},
}
GRANTING: dict[str, Any] = {
    **PERMITTED,
    "data": {**PERMITTED["data"], "id": "ds-7"},
    "rights": {"conveyed": ["use"]},
    "terms": {
        "purposes": ["service-provision"], "territory": ["worldwide"], "term": "perpetual", "exclusive": False, "sublicensable": False,
    },
}  # fmt: skip
EARNING: dict[str, Any] = {
    "shares": [{"payer": "clinic-5", "payee": "fund-1", "role": "provider", "ratio": "1/4", "of": "price"}],
    "pricing": {"kind": "per-unit", "amount": "2.50 INR", "unit": "call"},
    "reason": "contract 2026-11",
}
OPENED = {"digest": "{digest}", "evidence": [{"kind": "contract", "dated": "2026-05-01"}], "reason": "contract 2026-17"}
EARNING_SALE = {**GRANTING, "terms": {**GRANTING["terms"], "agreement": "{earning}"}}
REPORTS = "/v1/commitments/{earner}/reports"
OPENING = {
    "party": "clinic-5",
    "asset": "ds-7",
    "rights": [
        {"right": "use", "purposes": ["service-provision"], "territory": ["worldwide"], "term": "perpetual", "onward": True}
    ],
    "from": "2026-01-01",
    "complete": True,
    "evidence": [{"kind": "own-production", "dated": "2025-12-01"}],
    "reason": "register of the group, 2026",
}
PROMISING = {
    **PERMITTED,
    "terms": {"training_by": "2099-12-31", "training_places": 40, "training_host": "institute-9", "training_for": ["AE"]},
}
SUBJECT, ACTION, RESOURCE = (
    {"type": "organization", "id": "hospital-3"},
    {"name": "transfer"},
    {"type": "dataset", "id": "ds-1"},
)
ACCESS = {"subject": SUBJECT, "action": ACTION, "resource": RESOURCE}
SEVERAL = {"subject": SUBJECT, "action": ACTION, "evaluations": [{"resource": RESOURCE}]}
AMENDED = {"decision": "{decision}", "reason": "more people than planned"}
PARTY = {"facts": {"country": "CN", "kind": "company"}, "valid_from": "2026-01-01", "attested_by": "data protection officer"}
ASSET = {
    "facts": {"data": {"personal": True, "people": {"sensitive": 12_000}}},
    "title": "Visits to clinics, 2025",
    "holder": "hospital-3",
}
VESSEL = {"note": "a research vessel", "aliases": ["imo-9000001"]}
FILE = {"schema": "fifthfactor/register/1", "entities": [{"kind": "party", "id": "lab-9", "facts": {"country": "US"}}]}
CONTRACT = b"A contract between clinic-5 and lab-2, of 1 May 2026.\n"
HASH = sha256(CONTRACT).hexdigest()
DECISION, COMMITMENT = "/v1/decisions/{decision}", "/v1/commitments/{commitment}"
LINE = "/v1/ledger/benefits/0"
AGREEMENT = "/v1/agreements/{agreement}"
REPORTED = {"evidence": "bank-statement", "document": "ab" * 32}
SHOWN = {**REPORTED, "dated": "{today}"}

STEPS = (
    Step("getStart", "GET", "/"),
    Step("checkAlive", "GET", "/livez"),
    Step("checkReady", "GET", "/readyz"),
    Step("getMetrics", "GET", "/metrics"),
    Step("getOpenApi", "GET", "/openapi.json"),
    Step("getExchangeSchema", "GET", "/v1/schemas/exchange"),
    Step("getDecisionSchema", "GET", "/v1/schemas/decision"),
    Step("getRecordSchema", "GET", "/v1/schemas/record"),
    Step("evaluate", "POST", "/v1/evaluate", SENT),
    Step("decideContract", "POST", "/v1/odrl/decide", {"contract": OFFER, "exchange": SENT}),
    Step("evaluateBatch", "POST", "/v1/evaluate/batch", {"exchanges": [SENT]}),
    Step("decidePlan", "POST", "/v1/plans", {"legs": [{"exchange": SENT}]}),
    Step("makeDraft", "POST", "/v1/drafts", SENT, status=201),
    Step("decideRecipients", "POST", "/v1/recipients", CHOICE),
    Step("searchProvisions", "GET", "/v1/provisions?text=standard%20contract&limit=2"),
    Step("draftCase", "POST", "/v1/cases", {"policy": "cn.gba-macau", "case": "It is reviewed", "outcome": "review", "exchange": SENT}),
    Step("getCaller", "GET", "/v1/caller"),
    Step("listFacts", "GET", "/v1/facts?prefix=exporter.&limit=2"),
    Step("listPresets", "GET", "/v1/presets"),
    Step("listFactsForExchange", "POST", "/v1/facts?limit=2", SENT),
    Step("putParty", "PUT", "/v1/parties/hospital-3", PARTY, status=201),
    Step("getParty", "GET", "/v1/parties/hospital-3?as_of=2026-06-01"),
    Step("listPartyVersions", "GET", "/v1/parties/hospital-3/history"),
    Step("listParties", "GET", "/v1/parties?limit=10"),
    Step("putAsset", "PUT", "/v1/assets/ds-1", ASSET, status=201),
    Step("postAccountEntry", "POST", "/v1/assets/ds-1/accounts/entries", {
        "kind": "bought", "on": "2026-01-05", "amount": "3600.00", "currency": "CNY", "treatment": "intangible", "months": 36,
        "evidence": "sha256:9f86d081", "reason": "invoice 7",
    }, status=201),
    Step("getAssetAccounts", "GET", "/v1/assets/ds-1/accounts?from=2026-01-01&until=2026-10-31"),
    Step("getAccounts", "GET", "/v1/ledger/accounts?from=2026-01-01&until=2026-10-31"),
    Step("closeAccounts", "POST", "/v1/ledger/accounts/close", {
        "entity": "hospital-3", "until": "2026-03-31", "reason": "the statements of the first quarter were approved",
    }, status=201),
    Step("getAsset", "GET", "/v1/assets/ds-1"),
    Step("listAssetVersions", "GET", "/v1/assets/ds-1/history"),
    Step("listAssets", "GET", "/v1/assets"),
    Step("putEntity", "PUT", "/v1/entities/vessel/v-1", VESSEL, status=201),
    Step("getEntity", "GET", "/v1/entities/vessel/imo-9000001"),
    Step("listEntityVersions", "GET", "/v1/entities/vessel/v-1/history"),
    Step("listEntities", "GET", "/v1/entities/vessel"),
    Step("importRegister", "POST", "/v1/register/import", FILE),
    Step("exportRegister", "GET", "/v1/register/export?kind=party"),
    Step("getAccessConfiguration", "GET", "/.well-known/authzen-configuration"),
    Step("evaluateAccess", "POST", "/access/v1/evaluation", ACCESS),
    Step("evaluateAccesses", "POST", "/access/v1/evaluations", SEVERAL),
    Step("searchSubjects", "POST", "/access/v1/search/subject", {**ACCESS, "subject": {"type": "organization"}}),
    Step("searchResources", "POST", "/access/v1/search/resource", {**ACCESS, "resource": {"type": "dataset"}}),
    Step("searchActions", "POST", "/access/v1/search/action", {"subject": SUBJECT, "resource": RESOURCE}),
    Step("decideMapped", "POST", "/v1/data/trino", {"input": {**TRINO, "action": {**TRINO["action"], "operation": "SelectFromColumns"}}}),
    Step("allowMapped", "POST", "/v1/data/trino/allow", {"input": {**TRINO, "action": {**TRINO["action"], "operation": "FilterTables"}}}),
    Step("deleteParty", "DELETE", "/v1/parties/hospital-3"),
    Step("deleteAsset", "DELETE", "/v1/assets/ds-1?erase=true"),
    Step("deleteEntity", "DELETE", "/v1/entities/vessel/v-1"),
    Step("evaluate", "POST", "/v1/evaluate", REVIEWED, {"decision": "id"}),
    Step("searchDecisions", "GET", "/v1/decisions?outcome=review&limit=1"),
    Step("getDecision", "GET", DECISION),
    Step("explainDecision", "GET", f"{DECISION}/explanation?include=requirements,duties"),
    Step("getDecisionDpv", "GET", f"{DECISION}/dpv"),
    Step("draftComplianceDocument", "GET", f"{DECISION}/compliance-documents/cn-contract-appendix"),
    Step("readDpv", "POST", "/v1/dpv/read", DPV),
    Step("getDpvTransfers", "GET", "/v1/dpv/transfers/gdpr-30?from=2026-01-01&until=2026-10-31"),
    Step("replayDecision", "GET", f"{DECISION}/replay"),
    Step("getProof", "GET", f"{DECISION}/proof"),
    Step("getReceipt", "GET", f"{DECISION}/receipt"),
    Step("readContract", "POST", "/v1/odrl/read", OFFER),
    Step("getDecisionPolicy", "GET", f"{DECISION}/odrl"),
    Step("getReceiptProof", "GET", f"{DECISION}/receipt/tlog-proof"),
    Step("getReceiptCose", "GET", f"{DECISION}/receipt/cose"),
    Step("getCheckpoint", "GET", "/checkpoint"),
    Step("getTile", "GET", "/tile/0/000.p/1"),
    Step("getEntries", "GET", "/tile/entries/000.p/1"),
    Step("listFacts", "GET", "/v1/facts?for={decision}&limit=2"),
    Step("listReviews", "GET", "/v1/reviews"),
    Step("listCoverage", "GET", "/v1/reviews/coverage"),
    Step("acceptCoverage", "POST", "/v1/reviews/coverage", {
        "cells": [{"country": "CR", "subject": "personal"}],
        "by": "Grace Hopper, General Counsel",
        "because": "counsel in San José looks at every transfer",
        "until": "{today}",
    }),
    Step("previewSignOff", "POST", f"{DECISION}/sign-off/preview", {"provisions": ["orders.suspension/stands"]}),
    Step("assignReview", "POST", f"{DECISION}/review/assign", {"to": "me"}, status=201),
    Step("commentReview", "POST", f"{DECISION}/review/comments", {"text": "counsel has the order"}, status=201),
    Step("readReview", "GET", f"{DECISION}/review"),
    Step("signOff", "POST", f"{DECISION}/sign-off", {
        "provisions": ["orders.suspension/stands"],
        "verdict": "approve",
        "reason": "counsel read the order; it binds another branch of the recipient",
        "until": "2099-12-31",
    }, status=201),
    Step("listSignOffs", "GET", f"{DECISION}/sign-offs"),
    Step("evaluate", "POST", "/v1/evaluate", OPEN, {"decision": "id"}),
    Step("eraseDecision", "POST", f"{DECISION}/erase"),
    Step("evaluate", "POST", "/v1/evaluate", PERMITTED, {"decision": "id"}),
    Step("commit", "POST", "/v1/commitments", {
        "decision": "{decision}", "references": [{"kind": "order", "number": "PO-7781"}],
    }, {"commitment": "id"}, 201),
    Step("addReferences", "POST", f"{COMMITMENT}/references", {"references": [{"kind": "contract", "number": "2026-17"}]}),
    Step("reachStage", "POST", f"{COMMITMENT}/stages", {"stage": "signed", "on": "{today}", "evidence": "cd" * 32}),
    Step("getCommitment", "GET", COMMITMENT),
    Step("listBenefits", "GET", "/v1/ledger/benefits"),
    Step("listBenefitBalances", "GET", "/v1/ledger/benefits/balances?party=clinic-5"),
    Step("reportBenefitPaid", "POST", f"{LINE}/paid", {**SHOWN, "amount": "24000.00"}),
    Step("disputeBenefit", "POST", f"{LINE}/dispute", {"part": 0, "reason": "nothing came"}),
    Step("settleBenefit", "POST", f"{LINE}/settle", {"part": 0, "paid": False, "reason": "the bank sent it back"}),
    Step("reportBenefitPaid", "POST", f"{LINE}/paid", {**SHOWN, "amount": "24000.00"}),
    Step("confirmBenefit", "POST", f"{LINE}/confirm", {"part": 1}),
    Step("refundCommitment", "POST", f"{COMMITMENT}/refund", {**SHOWN, "amount": "10000.00"}),
    Step("getBenefit", "GET", LINE),
    Step("listCommitments", "GET", "/v1/commitments?state=committed&limit=1"),
    Step("getStatistics", "GET", "/v1/statistics?by=month,venue"),
    Step("getConcentration", "GET", "/v1/statistics/concentration?by=kind"),
    Step("listWatchEvents", "GET", "/v1/watch/events?limit=10"),
    Step("followWatchEvents", "GET", "/v1/watch/stream?seconds=0"),
    Step("listEvents", "GET", "/v1/events?limit=2"),
    Step("followEvents", "GET", "/v1/events/stream?seconds=0"),
    Step("evaluate", "POST", "/v1/evaluate", PERMITTED, {"decision": "id"}),
    Step("amendCommitment", "POST", f"{COMMITMENT}/amend", AMENDED, {"commitment": "id"}, 201),
    Step("openRights", "POST", "/v1/rights/openings", OPENING, {"opening": "id"}, 201),
    Step("getRightsOpening", "GET", "/v1/rights/openings/{opening}"),
    Step("listRightsOpenings", "GET", "/v1/rights/openings?asset=ds-7"),
    Step("evaluate", "POST", "/v1/evaluate", GRANTING, {"decision": "id"}),
    Step("commit", "POST", "/v1/commitments", {"decision": "{decision}"}, {"grant": "id"}, 201),
    Step("getCommitmentPolicy", "GET", "/v1/commitments/{grant}/odrl?form=dsp"),
    Step("listRightsOfAsset", "GET", "/v1/assets/ds-7/rights?on=2099-01-01&limit=2"),
    Step("listRightsOfParty", "GET", "/v1/parties/lab-2/rights?history=true"),
    Step("proposeAgreement", "POST", "/v1/assets/ds-7/agreements", EARNING, {"earning": "id", "digest": "digest"}, 201),
    Step("openAgreement", "POST", "/v1/agreements/{earning}/open", OPENED),
    Step("evaluate", "POST", "/v1/evaluate", EARNING_SALE, {"decision": "id"}),
    Step("commit", "POST", "/v1/commitments", {"decision": "{decision}"}, {"earner": "id"}, 201),
    Step("reportIncome", "POST", REPORTS, {**REPORTED, "from": "{today}", "until": "{today}", "units": "400"}, {}, 201),
    Step("listIncomeReports", "GET", REPORTS),
    Step("reverseIncomeReport", "POST", f"{REPORTS}/0/reverse", {"reason": "calls of another product"}),
    Step("proposeAgreement", "POST", "/v1/assets/ds-7/agreements", SHARING, {"agreement": "id"}, 201),
    Step("listAgreementsOfAsset", "GET", "/v1/assets/ds-7/agreements?on=2099-01-01"),
    Step("amendAgreement", "POST", f"{AGREEMENT}/amend", {**SHARING, "days": 60}, {"digest": "digest"}),
    Step("openAgreement", "POST", f"{AGREEMENT}/open", OPENED),
    Step("getAgreement", "GET", AGREEMENT),
    Step("endAgreement", "POST", f"{AGREEMENT}/end", {"from": "2098-12-31", "reason": "terminated by both"}, {"digest": "digest"}),
    Step("endCommitment", "POST", "/v1/commitments/{grant}/end", {"from": "2098-12-31", "reason": "terminated by both"}),
    Step("withdrawRightsOpening", "POST", "/v1/rights/openings/{opening}/withdraw", {"reason": "opened for another asset"}),
    Step("withdrawCommitment", "POST", f"{COMMITMENT}/withdraw", {"reason": "the lab closed"}),
    Step("noteRun", "POST", "/v1/runs", MANIFEST, status=201),
    Step("listWithdrawals", "GET", "/v1/withdrawals"),
    Step("evaluate", "POST", "/v1/evaluate", PROMISING, {"decision": "id"}),
    Step("commit", "POST", "/v1/commitments", {"decision": "{decision}"}, {"commitment": "id"}, 201),
    Step("listPromises", "GET", "/v1/ledger/promises?party=clinic-5&state=due"),
    Step("getPromisesByCountry", "GET", "/v1/ledger/promises/countries?party=clinic-5"),
    Step("keepPromise", "POST", f"{COMMITMENT}/promises/0/kept", {
        "evidence": "training-record", "amount": 15, "dated": "{today}", "document": "ab" * 32,
    }),
    Step("openCounter", "POST", "/v1/ledger/openings", {
        "counter": "counts.cn",
        "per": {"exporter.id": "clinic-5"},
        "on": "2026-11-01",
        "counts": {"counts.cn.ordinary": {"at_least": 4000, "at_most": 5000}, "counts.cn.sensitive": 120},
        "reason": "register of transfers, 31 October",
    }, status=201),
    Step("getCounter", "GET", "/v1/counters?counter=counts.cn&exporter.id=clinic-5"),
    Step("recount", "POST", "/v1/ledger/recount"),
    Step("getLiveBundle", "GET", "/v1/bundle", None, {"bundle": "source"}),
    Step("listBundles", "GET", "/v1/bundles"),
    Step("getBundle", "GET", "/v1/bundles/{bundle}"),
    Step("reloadBundle", "POST", "/v1/bundle/reload"),
    Step("createKey", "POST", "/v1/keys", {
        "name": "operator", "scopes": ["administer"], "expires_on": "2099-12-31",
        "person": {"issuer": "https://id.example.org", "subject": "7f3a", "name": "Lin Yue"},
    }, {"key": "id"}, 201),
    Step("createKey", "POST", "/v1/keys", {"name": "gateway", "scopes": ["evaluate", "read"]}, {"gateway": "key"}, 201),
    Step("createKey", "POST", "/v1/keys", {
        "name": "desk",
        "scopes": ["read", "review"],
        "person": {"issuer": "https://id.example.org", "subject": "7f3a"},
    }, {"desk": "key"}, 201),
    Step("createKey", "POST", "/v1/keys", {"name": "lab", "scopes": ["read", "commit"], "party": "lab-2"}, {"lab": "key"}, 201),
    Step("answerPromiseReport", "POST", f"{COMMITMENT}/promises/0/reports/0/answer", {
        "answer": "disputed", "reason": "ten of the fifteen did not come",
    }, by="lab"),
    Step("settlePromiseDispute", "POST", f"{COMMITMENT}/promises/0/reports/0/settle", {
        "settled": "dropped", "reason": "the list of those present has five names",
    }),
    Step("acceptAgreement", "POST", f"{AGREEMENT}/accept", {"digest": "{digest}"}, by="lab"),
    Step("keepDocument", "POST", "/v1/documents", status=201, raw=CONTRACT, by="gateway"),
    Step("readDocument", "GET", f"/v1/documents/{HASH}", by="gateway"),
    Step("evaluate", "POST", "/v1/evaluate", {
        **PERMITTED,
        "evidence": {"cn-standard-contract": {"dated": "2026-05-01", "covers": True, "hash": HASH}},
    }, {"decision": "id"}, by="gateway"),
    Step("attachDocument", "POST", f"{DECISION}/documents", {
        "name": "evidence.cn-standard-contract",
        "sha256": HASH,
    }, status=201, by="gateway"),
    Step("confirmDocument", "POST", f"{DECISION}/documents/evidence.cn-standard-contract/confirm", {
        "sha256": HASH,
        "reason": "the text, its day and both parties are as stated",
        "until": "2099-12-31",
    }, status=201, by="desk"),
    Step("listDecisionDocuments", "GET", f"{DECISION}/documents", by="desk"),
    Step("withdrawDocument", "POST", f"{DECISION}/documents/evidence.cn-standard-contract/withdraw", {
        "reason": "the contract was terminated",
    }, status=201, by="desk"),
    Step("listKeys", "GET", "/v1/keys"),
    Step("listPersons", "GET", "/v1/persons"),
    Step("revokeKey", "POST", "/v1/keys/{key}/revoke"),
)  # fmt: skip
# Nobody signs in by calls alone, so these answers are written here.
_SESSION = {
    "id": "3f9c02ab17de",
    "caller": "person:5d1c9be07a2f4e83",
    "name": "Lin Yue",
    "scopes": ["read", "review"],
    "party": None,
    "created_at": "2026-11-24T09:30:00.123456Z",
    "seen_at": "2026-11-24T09:41:07.654321Z",
    "expires_at": "2026-11-24T17:30:00.123456Z",
    "ended_at": None,
}
SIGNED_IN: dict[str, dict[str, Any]] = {
    "listSessions": {"answer": {"sessions": [_SESSION], "next": None}},
    "endSession": {"answer": {**_SESSION, "ended_at": "2026-11-24T09:42:00.000001Z"}},
    "erasePerson": {"answer": {"id": "5d1c9be07a2f4e83"}},
}
# A statement names the log, and each log has a name of its own, so this call is written here; tests/service/documents makes it.
DOCUMENT_SIGNED: dict[str, dict[str, Any]] = {
    "attachDocumentSignature": {
        "request": {
            "payloadType": "application/vnd.fifthfactor.document-statement+json",
            "payload": "eyJleHBvcnRlciI6eyJjb3VudHJ5IjoiSU4iLCJpZCI6ImNsaW5pYy01In0sIOKApn0=",
            "signatures": [{"keyid": "", "sig": "4ISjQdGDxRZo0PbrFPAHNgnU0nTKgSbVHu28LlMgSQFRrlzJGmCj"}],
        },
        "answer": {
            "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6073",
            "decision": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
            "name": "evidence.cn-standard-contract",
            "until": "2027-06-30",
            "at": "2026-11-24T09:30:00.123456Z",
            "by": "key:3f9c02ab17de",
            "signers": [{"name": "Notary of the lab", "key": "5d" * 32, "until": "2027-12-31"}],
            "counts_until": "2027-06-30",
            "why_not": None,
        },
    }
}
# A shadow is a process of its own, so its answer is written here.
# What a witness answers, and what a log has of it.
_LINE = "— fifthfactor/witness/4f5a9c… AAAAAGj…\n"
WITNESSED = {
    "addCheckpoint": {"answer": _LINE},
    "getWitnessedCheckpoint": {"answer": f"fifthfactor/log/1b2c…\n42\nCsUY…\n\n— fifthfactor/log/1b2c… 8Fq…\n{_LINE}"},
}
# Only with a mapping for a gateway, of which none comes with the policies.
GATEWAY = {"checkRequest": {"answer": {"allow": True, "decision": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"}}}
# Only with the setting `access_requests`.
_TASK = "https://pdp.example.com/access/v1/requests/019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071"
_PENDING = {
    "task": {
        "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
        "status": "pending",
        "status_endpoint": _TASK,
        "expires_at": "2026-12-24T09:30:00Z",
    }
}
ACCESS_REQUESTS: dict[str, dict[str, Any]] = {
    "askForReview": {
        "request": {
            "subject": {"type": "organization", "id": "clinic-7"},
            "action": {"name": "transfer"},
            "resource": {"type": "dataset", "id": "visits-2"},
            "context": {"business_justification": "needed for the audit"},
            "denial": {"evaluation_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6070", "expires_at": "2026-11-25T09:30:00Z"},
        },
        "answer": _PENDING,
    },
    "readAccessRequest": {
        "answer": {
            "task": {**_PENDING["task"], "status": "approved"},
            "result": {
                "mode": "reevaluate",
                "approval": {"id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6072", "approved_until": "2027-06-30T23:59:59Z"},
            },
        }
    },
}
SHADOW = {
    "shadow": {"meaning": "ab" * 32, "source": "cd" * 32},
    "refused": None,
    "counts": {"compared": 120, "differing": 1, "dropped": 0, "failed": 0, "refused": 0},
    "moves": [
        {"outcome": "permitted", "proceed": True, "shadow_outcome": "review", "shadow_proceed": False, "decisions": 1},
    ],
    "differences": [
        {
            "sequence": 41,
            "id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
            "at": "2026-11-24T09:30:00.123456Z",
            "outcome": "permitted",
            "proceed": True,
            "shadow_outcome": "review",
            "shadow_proceed": False,
            "only_live": [],
            "only_shadow": ["cn.order-16/art-8"],
        },
    ],
    "next": None,
}  # fmt: skip


def calls(client: TestClient) -> list[tuple[Step, Any, Any]]:
    """Make every call; each step with the body that was sent and the answer, whose status is as it should be."""
    noted = {"today": datetime.now(UTC).date().isoformat()}
    found = []
    for step in STEPS:
        address, body = _filled(step.address, noted), _filled(step.body, noted)
        headers = {"Authorization": f"Bearer {noted[step.by]}"} if step.by else {}
        sent: dict[str, Any] = {"content": step.raw} if step.raw else {"json": body}
        answer = client.request(step.method, address, headers=headers, **sent)
        assert answer.status_code == step.status, (step.operation, answer.text[:500])
        kind = answer.headers["content-type"]
        told: Any = (
            answer.json() if "json" in kind else answer.text if kind.startswith("text/") else ""
        )  # bytes have no example
        if step.operation == "createKey" and "Authorization" not in client.headers:  # from now on every call needs one
            client.headers["Authorization"] = f"Bearer {told['key']}"
        noted |= {name: told[member] for name, member in step.notes.items()}
        found.append((step, body, told))
    return found


def shortened(value: Any, depth: int = 0) -> Any:
    """An example of a size that a person reads: of long lists, texts and objects only the beginning."""
    match value:
        case dict() if depth > MOST_DEPTH:
            return {}
        case dict():
            return {name: shortened(each, depth + 1) for name, each in list(value.items())[:MOST_MEMBERS]}
        case list():
            return [shortened(each, depth + 1) for each in value[:MOST_ITEMS]]
        case str() if len(value) > MOST_TEXT:
            return value[:MOST_TEXT] + " …"
    return value


def outline(value: dict[str, Any]) -> dict[str, Any]:
    """An example of a long document: its members, those with members of their own left empty."""
    return {name: type(each)() if isinstance(each, dict | list) else each for name, each in value.items()}


def _filled(value: Any, noted: Mapping[str, str]) -> Any:
    match value:
        case str():
            return value.format(**noted) if "{" in value else value
        case dict():
            return {name: _filled(each, noted) for name, each in value.items()}
    return value
