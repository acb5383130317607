"""
Refusals, as RFC 9457 problem documents.

The part of the service that refuses says what is wrong. All refusals get one shape, with a type that a program can
distinguish and a detail that a person can act on.
"""

from collections.abc import Collection, Iterable, Mapping, Sequence
from http import HTTPStatus
from typing import Any, Literal
from urllib.parse import quote

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.responses import Response

import engine

MEDIA_TYPE = "application/problem+json"
PLACES_SHOWN = 100
_SHOWN = 40  # characters of an unknown name

Kind = Literal[
    "exchange-refused",
    "batch-refused",
    "access-refused",
    "contract-refused",
    "mapping-refused",
    "register-refused",
    "bad-request",
    "unauthenticated",
    "forbidden",
    "own-request",
    "sign-off-refused",
    "not-found",
    "policies-refused",
    "method-not-allowed",
    "not-signable",
    "not-attachable",
    "not-confirmable",
    "signature-refused",
    "body-too-slow",
    "cannot-replay",
    "changed-meanwhile",
    "not-committable",
    "not-erasable",
    "decision-moved",
    "commitment-ended",
    "not-endable",
    "promise-kept",
    "stage-reached",
    "not-answerable",
    "agreement-refused",
    "not-payable",
    "no-receipt",
    "no-contract",
    "idempotency-erased",
    "body-too-large",
    "batch-too-large",
    "unsupported-media-type",
    "misdirected",
    "idempotency-mismatch",
    "another-checkpoint",
    "proof-refused",
    "rate-limited",
    "internal",
    "not-recorded",
    "busy",
    "not-ready",
    "not-installed",
    "seal-broken",
    "draining",
]

# kind: (status, title)
KINDS: Mapping[Kind, tuple[int, str]] = {
    "exchange-refused": (400, "The body cannot be read as an exchange"),
    "batch-refused": (400, "The body cannot be read as a batch"),
    "access-refused": (400, "The body cannot be read as an access request"),
    "contract-refused": (400, "The body cannot be read as a contract"),
    "mapping-refused": (400, "The body cannot be read by the mapping of its program"),
    "register-refused": (400, "The register cannot take the body"),
    "bad-request": (400, "The request is malformed"),
    "unauthenticated": (401, "The caller is not known"),
    "forbidden": (403, "The caller may not do this"),
    "own-request": (403, "Nobody approves what she asked for herself"),
    "sign-off-refused": (400, "The body cannot be read as a sign-off"),
    "not-found": (404, "There is nothing here"),
    "policies-refused": (422, "The policies cannot be loaded; the last good ones still decide"),
    "method-not-allowed": (405, "This address does not accept the method"),
    "not-signable": (409, "This cannot be signed off"),
    "not-attachable": (409, "The document cannot be attached"),
    "not-confirmable": (409, "The document cannot be confirmed"),
    "signature-refused": (409, "The signature does not show the document"),
    "body-too-slow": (408, "The body did not arrive in time"),
    "cannot-replay": (409, "The decision cannot be replayed here"),
    "changed-meanwhile": (412, "The entity is not in the state that the request expects"),
    "not-committable": (409, "The decision cannot be committed"),
    "not-erasable": (409, "The personal values are still needed"),
    "decision-moved": (409, "The decision no longer holds"),
    "commitment-ended": (409, "The commitment has ended already"),
    "not-endable": (409, "The rights cannot be ended so"),
    "promise-kept": (409, "The promise was kept already"),
    "stage-reached": (409, "The exchange is further already"),
    "not-answerable": (409, "The report cannot be answered so"),
    "agreement-refused": (409, "The agreement is not in the state for this"),
    "not-payable": (409, "Nothing of this is payable so"),
    "no-receipt": (409, "There is no receipt of this decision"),
    "no-contract": (409, "No contract can be written of this"),
    "idempotency-erased": (410, "The first answer was erased"),
    "body-too-large": (413, "The body is too large"),
    "batch-too-large": (413, "The batch is too large"),
    "unsupported-media-type": (415, "The body is not sent in an accepted format"),
    "misdirected": (421, "The request is addressed to another host"),
    "idempotency-mismatch": (422, "The idempotency key belongs to another call"),
    "another-checkpoint": (409, "The witness cosigned another checkpoint"),
    "proof-refused": (422, "The proof does not show that the log only grew"),
    "rate-limited": (429, "Too many calls"),
    "internal": (500, "The service failed, so there is no answer"),
    "not-recorded": (503, "The decision could not be recorded, so there is no answer"),
    "busy": (503, "Too many requests are waiting"),
    "not-installed": (503, "A part of the service is not installed here"),
    "not-ready": (503, "The service is not ready"),
    "seal-broken": (503, "The rows that this rests on were changed by other means than the service"),
    "draining": (503, "The service is stopping"),
}


def type_of(kind: Kind) -> str:
    """The type of a kind of problem, as its document names it."""
    return f"urn:fifthfactor:problem:{kind}"


class Position(BaseModel, frozen=True):
    """A place in a file of policies; line and column count from 1."""

    file: str
    line: int
    column: int


class ProblemPlace(BaseModel, frozen=True):
    """One thing that is wrong, and where."""

    pointer: str = Field(description="JSON Pointer (RFC 6901) into the body; empty for the body as a whole")
    code: str
    detail: str
    position: Position | None = Field(default=None, description="the place of a finding in the policies")


def detail_of(found: engine.Diagnostic) -> str:
    """What a finding says, and what to do."""
    return f"{found.message}; {found.help}" if found.help else found.message


def places_of(found: Iterable[engine.Diagnostic]) -> tuple[ProblemPlace, ...]:
    """Findings in the policies as a problem lists them."""
    return tuple(
        ProblemPlace(
            pointer="",
            code=each.code,
            detail=detail_of(each),
            position=Position(file=each.at.file, line=each.at.line, column=each.at.column),
        )
        for each in found
    )


def no_such(what: str, name: str, known: Collection[str]) -> str:
    """The sentence about a name that is none of those that are known; it proposes the nearest and lists all."""
    name = name[:_SHOWN]
    meant = engine.did_you_mean(name, known)
    listed = f"there are {', '.join(f'`{each}`' for each in known)}" if known else "there are none here"
    return f"there is no {what} `{name}`; {meant} {listed}" if meant else f"there is no {what} `{name}`; {listed}"


def wrong_members(failed: ValidationError, model: type[BaseModel]) -> tuple[ProblemPlace, ...]:
    """What is wrong with a body that is not of its model, place by place. An unknown member is told what it may mean."""
    errors = failed.errors(include_url=False, include_input=False, include_context=False)[:PLACES_SHOWN]
    return tuple(_wrong_member(each["loc"], each["type"], each["msg"], model) for each in errors)


def _wrong_member(path: tuple[int | str, ...], kind: str, detail: str, model: type[BaseModel]) -> ProblemPlace:
    pointer = "".join("/" + str(step).replace("~", "~0").replace("/", "~1")[:120] for step in path)
    if kind == "extra_forbidden":
        known = [field.alias or name for name, field in model.model_fields.items()]
        return ProblemPlace(pointer=pointer, code="unknown-key", detail=no_such("member", str(path[-1]), known))
    return ProblemPlace(pointer=pointer, code=kind.replace("_", "-"), detail=detail.removeprefix("Value error, "))


class Problem(BaseModel):
    """A refusal (RFC 9457)."""

    model_config = ConfigDict(
        frozen=True,
        json_schema_extra={
            "examples": [
                {
                    "type": "urn:fifthfactor:problem:exchange-refused",
                    "title": "The body cannot be read as an exchange",
                    "status": 400,
                    "detail": "1 place in the body is wrong",
                    "instance": "/v1/evaluate",
                    "request_id": "019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071",
                    "errors": [
                        {
                            "pointer": "/recipient/contry",
                            "code": "unknown-fact",
                            "detail": "an exchange has no fact `recipient.contry`; did you mean `recipient.country`?",
                        }
                    ],
                }
            ]
        },
    )

    type: str = Field(description="the kind of problem: `about:blank`, or a type that the README lists")
    title: str
    status: int
    detail: str
    instance: str = Field(description="the path of the request; for an exchange in a batch, followed by its place in the body")
    request_id: str = Field(description="the X-Request-ID of the answer; the service's log lines carry it")
    errors: tuple[ProblemPlace, ...] | None = Field(default=None, description=f"what is wrong; at most {PLACES_SHOWN} places")
    parameter: str | None = Field(default=None, description="the parameter of the query that is wrong, where it is one")
    checks: dict[str, Any] | None = Field(
        default=None, description="what the readiness check found, where the service is not ready"
    )
    decision: dict[str, Any] | None = Field(
        default=None, description="the new decision, where a decision moved: its `id`, `outcome` and `answer`"
    )


class RequestRefused(Exception):
    """A request that is answered with a problem document."""

    def __init__(
        self,
        kind: Kind,
        detail: str,
        *,
        errors: tuple[ProblemPlace, ...] | None = None,
        parameter: str | None = None,
        checks: dict[str, Any] | None = None,
        decision: dict[str, Any] | None = None,
        headers: Mapping[str, str] | None = None,
    ) -> None:
        super().__init__(kind)
        self.kind = kind
        self.detail = detail
        self.errors = errors
        self.parameter = parameter
        self.checks = checks
        self.decision = decision
        self.headers = headers

    def problem(self, path: str, request_id: str, place: str = "") -> Problem:
        """The document. `place` is a JSON Pointer to the part of the body that is refused; empty for the whole body."""
        status, title = KINDS[self.kind]
        return Problem(
            type=type_of(self.kind),
            title=title,
            status=status,
            detail=self.detail,
            instance=_reference(path) + (f"#{place}" if place else ""),
            request_id=request_id,
            errors=None if self.errors is None else self.errors[:PLACES_SHOWN],
            parameter=self.parameter,
            checks=self.checks,
            decision=self.decision,
        )

    def response(self, path: str, request_id: str) -> Response:
        """The answer."""
        return _answer(self.problem(path, request_id), self.headers)


def wrong_places(count: int) -> str:
    """How many places in a body are wrong, in words."""
    if count >= PLACES_SHOWN:
        return f"at least {PLACES_SHOWN} places in the body are wrong; {PLACES_SHOWN} are listed"
    return "1 place in the body is wrong" if count == 1 else f"{count} places in the body are wrong"


def refused_at(kind: Kind, places: Sequence[ProblemPlace]) -> RequestRefused:
    """The refusal of a body, whose detail says what is wrong at the first of the places."""
    more = f"; and {len(places) - 1} more" if len(places) > 1 else ""
    at = f"`{places[0].pointer}` " if places[0].pointer else ""
    return RequestRefused(kind, f"{at}{places[0].detail}{more}", errors=tuple(places[:PLACES_SHOWN]))


def not_readable(what: str) -> RequestRefused:
    """The answer where the database gives no answer."""
    return RequestRefused("not-ready", f"the {what} cannot be read", headers={"Retry-After": "1"})


def wrong_value(pointer: str, detail: str) -> RequestRefused:
    """The answer to a body with one wrong value."""
    return RequestRefused("bad-request", detail, errors=(ProblemPlace(pointer=pointer, code="wrong-value", detail=detail),))


def plain(status: int, path: str, request_id: str, headers: Mapping[str, str] | None = None) -> Response:
    """The answer for a status that needs no detail."""
    phrase = HTTPStatus(status).phrase
    return _answer(
        Problem(
            type="about:blank",
            title=phrase,
            status=status,
            detail=phrase,
            instance=_reference(path),
            request_id=request_id,
        ),
        headers,
    )


def _answer(problem: Problem, headers: Mapping[str, str] | None) -> Response:
    return Response(
        problem.model_dump_json(exclude_none=True), problem.status, media_type=MEDIA_TYPE, headers=dict(headers or {})
    )


def _reference(path: str) -> str:
    """A path as a URI reference of bounded length."""
    return quote(path[:200], safe="/:@!$&'()*+,;=~-._", errors="replace")
