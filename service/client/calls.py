"""
The calls of the clients: for each the request, and the reading of its answer. Nothing here waits or sends.

Most are `call`s: a method, an address, what is sent, the dataclass of the answer, and what the answer must say again. The others
follow, each with what is peculiar to its answer.
"""

import json
from collections.abc import Iterable, Mapping, Sequence
from datetime import date
from hashlib import sha256
from typing import Any, Literal, TypeVar
from urllib.parse import quote, urlencode

from . import answers, plans
from .answers import Answer, ReferenceKind
from .attempts import BYTES, DOCX, JSON, LINKED, MARKDOWN, TEXT, TURTLE, Call, Came
from .documents import DocumentSignature, KeptDocument
from .errors import Malformed, Refused
from .explanation import Explanation
from .plans import Plan
from .recipients import RecipientBrief, briefs
from .reviews import Review, SignOffsGiven, Verdict
from .shapes import member
from .shapes import read as shaped

Shape = TypeVar("Shape")
Method = Literal["GET", "POST", "PUT", "DELETE"]

RECEIPT = "fifthfactor/receipt/1"
MOST_PAGES = 1_000  # of a list that a method gives as a whole
_NOTHING: Mapping[str, Any] = {}


def call(
    shape: type[Shape],
    method: Method,
    *path: str,
    query: Mapping[str, Any] = _NOTHING,
    sent: Mapping[str, Any] | None = None,
    same: Mapping[str, Any] = _NOTHING,
    headers: Mapping[str, str] = _NOTHING,
) -> Call[Shape]:
    """
    A call at `/v1/…`. Its answer is read into a dataclass, or stays as it is for `dict`; `same` is what it must say. Raises ValueError.

    What is None in `query` is not sent.
    """

    def read(came: Came) -> Shape:
        document: Any = came.document()
        return agreeing(document if shape is dict else shaped(shape, document), same)

    return Call(method, at(*path, query=query), read, None if sent is None else as_json(sent), headers=headers)


def referring(references: Iterable[tuple[ReferenceKind, str]]) -> dict[str, Any]:
    """The member of a body with the references of a commitment; nothing where there are none."""
    sent = [{"kind": kind, "number": number} for kind, number in references]
    return {"references": sent} if sent else {}


def agreeing(found: Shape, same: Mapping[str, Any]) -> Shape:
    """What was found, if it says again what it must. Raises Malformed."""
    for name, value in same.items():
        if (found.get(name) if isinstance(found, dict) else getattr(found, name)) != value:
            raise Malformed(f"the answer is about another `{name}` than the call")
    return found


def at(*path: str, query: Mapping[str, Any] = _NOTHING) -> str:
    """
    An address under `/v1`, of words and ids. A sequence in the query is sent as a parameter for each of its values. Raises ValueError.
    """
    if any(not piece or piece in (".", "..") for piece in path):
        raise ValueError("an id must not be empty, `.` or `..`")
    sought = [
        (name, str(each).lower() if isinstance(each, bool) else str(each))
        for name, value in query.items()
        for each in ([] if value is None else [value] if isinstance(value, str | int | date) else value)
    ]
    return "/v1/" + "/".join(quote(piece, safe="") for piece in path) + (f"?{urlencode(sought)}" if sought else "")


def as_json(value: Mapping[str, Any]) -> bytes:
    """The body of a call."""
    return json.dumps(value, ensure_ascii=False, allow_nan=False).encode("utf-8")


def plain(*path: str, takes: str = TEXT) -> Call[bytes]:
    """Read what is passed on as it is."""
    return Call("GET", at(*path), lambda came: came.body, takes=takes)


def policy(kind: Literal["decisions", "commitments"], id: str, form: str) -> Call[dict[str, Any]]:
    """Read what was decided as an ODRL policy, or the report that is in its place."""
    takes = f"{LINKED}, {JSON}" if kind == "decisions" else LINKED
    return Call("GET", at(kind, id, "odrl", query={"form": form}), lambda came: dict(came.document()), takes=takes)


def contract(sent: Mapping[str, Any] | str) -> Call[dict[str, Any]]:
    """Read a contract: an object of JSON-LD, or a text in Turtle."""
    body, sends = (sent.encode(), TURTLE) if isinstance(sent, str) else (as_json(sent), LINKED)
    return Call("POST", at("odrl", "read"), lambda came: dict(came.document()), body, sends)


def checkpoint(witnessed: bool) -> Call[bytes]:
    """Read a checkpoint of the log. Its address has no version: logs everywhere have it there."""
    return Call("GET", "/checkpoint/witnessed" if witnessed else "/checkpoint", lambda came: came.body, takes=TEXT)


def based_on(version: int | None) -> Mapping[str, str]:
    """The headers of a write that is refused if the entity has another version; 0 is one that is not there."""
    if version is None:
        return {}
    return {"If-Match": f'"{version}"'} if version else {"If-None-Match": "*"}


def named(provisions: Iterable[str]) -> Mapping[str, Any]:
    """What is sent where provisions are named, or none for all. Raises ValueError."""
    if isinstance(provisions, str):
        raise ValueError("name the provisions in a list")
    asked = tuple(provisions)
    return {"provisions": asked} if asked else {}


def evaluate(exchange: Mapping[str, Any], include: Iterable[str], lang: str) -> Call[Answer]:
    """Decide an exchange."""
    day = exchange.get("as_of")

    def read(came: Came) -> Answer:
        found = answers.answer(came.document())
        if day is not None and found.as_of != day:
            raise Malformed("the answer is about the law of another day")
        return found

    return Call("POST", at("evaluate", query=_wanted(include, lang)), read, as_json(exchange))


def under_contract(
    contract: Mapping[str, Any] | str, exchange: Mapping[str, Any], include: Iterable[str], lang: str
) -> Call[Answer]:
    """Decide an exchange under a contract."""
    sent = {"contract": contract, "exchange": exchange}
    return Call(
        "POST", at("odrl", "decide", query=_wanted(include, lang)), lambda came: answers.answer(came.document()), as_json(sent)
    )


def evaluate_batch(exchanges: Sequence[Mapping[str, Any]], include: Iterable[str], lang: str) -> Call[list[Answer | Refused]]:
    """Decide several exchanges together."""
    body = b'{"exchanges":[' + b",".join(map(as_json, exchanges)) + b"]}"
    path = at("evaluate", "batch", query=_wanted(include, lang))
    return Call("POST", path, lambda came: answers.batch(came.document(), len(exchanges)), body)


def recipients(
    exchange: Mapping[str, Any], recipients: Sequence[str | Mapping[str, Any]], lang: str
) -> Call[list[RecipientBrief | Refused]]:
    """Decide which recipients may take an exchange."""
    sent = {"exchange": exchange, "recipients": [*recipients]}
    path = at("recipients", query=_wanted((), lang))
    return Call("POST", path, lambda came: briefs(came.document(), len(recipients)), as_json(sent))


def plan(legs: Sequence[Mapping[str, Any]], lang: str) -> Call[Plan]:
    """Decide a plan."""
    path = at("plans", query=_wanted((), lang))
    return Call("POST", path, lambda came: plans.plan(came.document(), len(legs)), as_json({"legs": [*legs]}))


def explanation(id: str, parts: Iterable[str], lang: str) -> Call[Explanation]:
    """Explain a decision."""

    def read(came: Came) -> Explanation:
        found = answers.explanation(came.document(), came.verdict)
        if found.id != id or (lang and found.lang != lang):
            raise Malformed("the explanation is of another decision, or in another language")
        return found

    return Call("GET", at("decisions", id, "explanation", query=_wanted(parts, lang)), read)


def decision(id: str) -> Call[dict[str, Any]]:
    """Read the record of a decision."""

    def read(came: Came) -> dict[str, Any]:
        document = came.document()
        answers.record(document, id)
        return document

    return Call("GET", at("decisions", id), read)


def receipt(id: str) -> Call[bytes]:
    """Read the receipt of a decision, as it is passed on."""

    def read(came: Came) -> bytes:
        if came.document().get("schema") != RECEIPT:
            raise Malformed(f"the answer is not a `{RECEIPT}`")
        return came.body

    return Call("GET", at("decisions", id, "receipt"), read)


def withdrawals(cursor: str | None) -> Call[tuple[bytes, str | None]]:
    """Read a page of the signed list of withdrawals: the note, and the cursor of the next page."""

    def read(came: Came) -> tuple[bytes, str | None]:
        document = came.document()
        note: str = member(document, "note", str)
        following: str | None = member(document, "next", str | None)
        return note.encode(), following

    return Call("GET", at("withdrawals", query={"cursor": cursor}), read)


def review(id: str) -> Call[Review]:
    """Read the review of one decision from its record."""
    return Call("GET", at("decisions", id), lambda came: answers.review(came.document(), id))


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
        found = shaped(SignOffsGiven, came.document())
        given = {each.provision for each in found.sign_offs}
        if not given or (asked and given != set(asked)):
            raise Malformed("the answer is not about the provisions that were sent")
        for each in found.sign_offs:
            agreeing(each, {"decision": decision, "verdict": verdict, "until": until})
        return found

    return Call("POST", at("decisions", decision, "sign-off"), read, as_json(body))


def keep_document(content: bytes) -> Call[KeptDocument]:
    """Keep the bytes of a document."""
    same = {"sha256": sha256(content).hexdigest(), "size": len(content)}
    return Call("POST", at("documents"), lambda came: agreeing(shaped(KeptDocument, came.document()), same), content, BYTES)


def document_content(hash: str) -> Call[bytes]:
    """Read the bytes with a hash."""

    def read(came: Came) -> bytes:
        if sha256(came.body).hexdigest() != hash:
            raise Malformed("the answer has other bytes than those of this hash")
        return came.body

    return Call("GET", at("documents", hash), read, takes=BYTES)


def compliance_document(id: str, name: str, form: Literal["markdown", "docx"], lang: str) -> Call[bytes]:
    """Read a draft of a document as a file."""
    path = at("decisions", id, "compliance-documents", name, query={"form": form, "lang": lang or None})
    return Call("GET", path, lambda came: came.body, takes=DOCX if form == "docx" else MARKDOWN)


def sign_document(decision: str, name: str, envelope: bytes) -> Call[DocumentSignature]:
    """Attach a signed statement to a document of a decision."""
    path = ("decisions", decision, "documents", name, "signature")

    def read(came: Came) -> DocumentSignature:
        found = agreeing(shaped(DocumentSignature, came.document()), {"decision": decision, "name": name})
        if not found.signers:
            raise Malformed("the answer names no signer")
        return found

    return Call("POST", at(*path), read, envelope)


def _wanted(include: Iterable[str], lang: str) -> Mapping[str, str | None]:
    return {"include": ",".join(include) or None, "lang": lang or None}
