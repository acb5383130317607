"""
What the clients leave out of the OpenAPI document, by the reason. Whatever is neither held by a method nor named here fails, and so does
what is named here and is held, or is no more.
"""

OPERATIONS = {
    "programs that speak AuthZEN have a client for it; the same exchange is asked about by `evaluate`": (
        "evaluateAccess",
        "evaluateAccesses",
        "searchSubjects",
        "searchResources",
        "searchActions",
        "askForReview",
        "readAccessRequest",
        "getAccessConfiguration",
    ),
    "gateways and programs that ask an Open Policy Agent have a client for it; the same exchange is asked about by `evaluate`": (
        "decideMapped",
        "allowMapped",
    ),
    "gateways ask it about requests of their clients": ("checkRequest",),
    "the operator does it, at the command line": (
        "eraseDecision",
        "listKeys",
        "createKey",
        "revokeKey",
        "listPersons",
        "erasePerson",
        "listSessions",
        "endSession",
    ),
    "programs that speak RDF have libraries for it": ("readDpv", "getDecisionDpv", "getDpvTransfers"),
    "a person looks at it on its page": ("getShadow",),
    "it is a file of the whole register, which a person carries over": ("importRegister", "exportRegister"),
    "what watches over the service asks it": ("checkAlive", "checkReady", "getMetrics"),
    "verifiers and witnesses of logs ask it, by the words of C2SP": ("getEntries", "getTile", "addCheckpoint"),
    "`watch_events` gives the same events; the stream has no end, and a call has a time-out": ("followWatchEvents",),
    "tools read it at its address": ("getExchangeSchema", "getDecisionSchema", "getRecordSchema", "getOpenApi"),
    "it is the first page of a browser": ("getStart",),
}

PARAMETERS = {
    "the client turns the pages, and the service knows the best size of one": ("*/limit",),
    "a table is for people; the JSON has the same": ("*/format",),
    "without it, the explanation is whole": ("explainDecision/limit", "explainDecision/cursor"),
    "the method turns the pages": ("listWithdrawals/cursor",),
    "the iterator says where it was, and comes back": ("followEvents/Last-Event-ID", "followEvents/seconds"),
    "it is always the same word, which need not be sent": ("decidePlan/schema",),
}

IN_DOCUMENT = "it is in `document`, as it was answered"
MEMBERS = {
    IN_DOCUMENT: (
        *(
            f"Answer/{name}"
            for name in ("beneath", "besides", "besides_possible", "bundle", "carried", "conflicts", "disputed")
        ),
        *(f"Answer/{name}" for name in ("elsewhere", "engine", "hypothetical", "items", "jurisdictions", "lanes")),
        *(f"Answer/{name}" for name in ("contract", "must_be_shown", "receipt", "stands_on", "verdict", "withheld")),
        *(f"Committed/{name}" for name in ("as_of", "committed_at", "counters", "evaluation", "events", "moved")),
        *(f"Committed/{name}" for name in ("references", "replaced_by", "replaces", "stages")),
        *(f"CounterRead/{name}" for name in ("opening", "other_currencies", "period", "window")),
        *(
            f"Fact/{name}"
            for name in ("change", "dpv", "family", "follows", "lies_in", "narrower", "personal", "register_only", "some")
        ),
        *(f"Plan/{name}" for name in ("bounds", "contradictions", "holds_until", "hypothetical", "recorded", "rests_on")),
        *(f"Plan/{name}" for name in ("unlinked", "wholes")),
    ),
    "`number` of the last event says it": ("listEvents/position",),
    "`bundle` gives it": (
        *("listFacts/bundle", "listFactsForExchange/bundle", "listPresets/bundle"),
        *("CaseDraft/bundle", "decideRecipients/bundle", "searchProvisions/bundle"),
    ),
    "it is the day of the exchange, or today; a brief that proceeds is of today": (
        *(f"decideRecipients/{name}" for name in ("as_of", "hypothetical", "recorded")),
    ),
    "it is the day that was asked for, or today": (
        *(f"listRightsOf{one}/{day}" for one in ("Asset", "Party") for day in ("on", "known")),
    ),
    "the explanation is asked for without pages": ("Explanation/next",),
}

# Methods that give a part of what is answered, so that their answers are not compared.
PARTLY = {
    "may_proceed": "it is the `proceed` of the answer",
    "review": "it is read from the record, which `decision` gives",
}
