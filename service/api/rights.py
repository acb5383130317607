"""
`/v1/assets/{id}/rights` and `/v1/parties/{id}/rights`: read the book of rights. `/v1/rights/openings`: state what a party had before.
"""

from collections.abc import Iterator, Mapping
from datetime import date
from functools import partial
from typing import Annotated, Any, Literal

from fastapi import FastAPI, Path, Request, Response
from pydantic import BaseModel, Field

from service.api import paging
from service.api.commitments import Reason, Sending, read
from service.api.csv_tables import CONTENT, FORMAT, as_csv, csv_answer, next_page
from service.api.operations import in_path, json_body, operation, schema_of
from service.api.parameters import parameter, single, wrong
from service.api.sent import Plain
from service.callers.caller import caller_of
from service.decisions.idempotency import KeptAnswer, once
from service.ledger import party_view
from service.ledger.rights_openings import MOST_RIGHTS, EvidencePart, Line, RightPart, RightsOpening, RightsOpenings
from service.ledger.rights_readings import RightsAsked, RightsLinePart, RightsPart, RightsReadings
from service.problems import RequestRefused
from service.service import Service

_PAGE, _MOST = 100, 1_000
_MOST_OF_AN_ID = 256
_DAY = {"type": "string", "format": "date"}
_ID = {"type": "string", "minLength": 1, "maxLength": _MOST_OF_AN_ID}
_ABOUT_PARTY = "the party's id, as the register or the exchanges have it"
_ABOUT_ASSET = "the asset's id, as the register or the exchanges have it"
_READING = [
    parameter("on", "the day on which the rights stand; today if it is left out", _DAY),
    parameter("known", "the book as it was at the end of this day; as it is now if it is left out", _DAY),
    parameter("history", "with `true`, lines that do not stand on the day, too", {"type": "string", "enum": ["true", "false"]}),
    FORMAT,
    *paging.parameters(_PAGE, _MOST, "lines"),
]

Id = Annotated[str, Field(min_length=1, max_length=_MOST_OF_AN_ID, pattern=r"^[^\x00-\x1f\x7f]+$")]


class RightsOpeningSent(Sending):
    """What a party has of an asset, from a day on."""

    party: Id = Field(description=_ABOUT_PARTY)
    asset: Id = Field(description=_ABOUT_ASSET)
    rights: list[RightPart] = Field(max_length=MOST_RIGHTS, description="the rights; none only if `complete`")
    from_: date = Field(alias="from", description="the first day on which the party has these rights")
    complete: bool = Field(description="whether the book then has everything that the party has of the asset")
    evidence: list[EvidencePart] = Field(max_length=16, description="what was shown")
    reason: Reason = Field(description="where this comes from")
    book: Line | None = Field(default=None, description="the book of the vocabulary, where there are several")


class WithdrawOpeningSent(Sending):
    """Why an opening is withdrawn."""

    reason: Reason = Field(description="why it is withdrawn")


class RightsOpeningList(BaseModel):
    """A page of openings, the oldest first."""

    openings: list[RightsOpening] = Field(description="the openings")
    next: str | None = Field(description=paging.NEXT)


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoints on the application."""
    readings = RightsReadings(service)
    openings = RightsOpenings(service)

    def reading(request: Request, of: Literal["asset", "party"]) -> Response:
        caller = caller_of(request.scope, "read", of_party=True)
        sent = single(request)
        page = paging.Asked.of(request, _PAGE, _MOST)
        id = _id(request.path_params["id"])
        on = _day(sent, "on") or readings.today
        known, history, wants_csv = _day(sent, "known"), _yes(sent, "history"), as_csv(sent)
        list_name, filters = f"rights of {of}", (id, on, known, history)
        after = page.after(list_name, str, str, int, filters=filters)
        asked = RightsAsked(
            on=on,
            asset=id if of == "asset" else None,
            party=party_view.of_exporter(id if of == "party" else None, caller),
            known=known,
            history=history,
            after=None if after is None else (after[0], after[1], after[2]),
            limit=page.limit,
        )
        found, following = service.read(lambda connection: readings.page(connection, asked), "ledger")
        cursor = None if following is None else paging.written(list_name, *following, filters=filters)
        if wants_csv:
            return csv_answer(tuple(RightsLinePart.model_fields), map(_row, found), next_page(request, cursor))
        return _answer(RightsPart(on=asked.on, known=asked.known, lines=found, next=cursor))

    @app.get(
        "/v1/assets/{id:path}/rights",
        response_model=RightsPart,
        **operation(
            "listRightsOfAsset",
            "ledger",
            "Who may do what with an asset on a day",
            needs="read",
            parameters=[in_path("id", _ABOUT_ASSET), *_READING],
            answers={200: {"content": CONTENT}},
        ),
    )
    def of_asset(request: Request) -> Response:
        """
        The rights in an asset that stand on a day: whose they are, since and until when, by which chain, and what is missing.

        A caller who belongs to a party gets what this party has, and what it granted.
        """
        return reading(request, "asset")

    @app.get(
        "/v1/parties/{id:path}/rights",
        response_model=RightsPart,
        **operation(
            "listRightsOfParty",
            "ledger",
            "What a party has, and what it granted",
            needs="read",
            parameters=[in_path("id", _ABOUT_PARTY), *_READING],
            answers={200: {"content": CONTENT}},
        ),
    )
    def of_party(request: Request) -> Response:
        """The rights that a party has on a day, and those that it granted."""
        return reading(request, "party")

    async def begin(request: Request) -> Response:
        """Records what a party has of an asset, with what was shown for it. It counts as registered: nobody here looks at the evidence."""
        caller = caller_of(request.scope, "administer")
        raw, sent = await read(request, RightsOpeningSent)
        begun = partial(
            openings.begin,
            party=sent.party,
            asset=sent.asset,
            rights=sent.rights,
            first=sent.from_,
            complete=sent.complete,
            evidence=sent.evidence,
            reason=sent.reason,
            caller=caller,
            name=sent.book,
        )
        return await once(service, request, caller, raw, lambda transaction: KeptAnswer(_bytes(begun(transaction)), 201))

    async def withdraw(request: Request) -> Response:
        """Withdraws an opening: what it stated never counted. Grants that hang on it are no longer proven."""
        caller = caller_of(request.scope, "administer")
        raw, sent = await read(request, WithdrawOpeningSent)
        id = request.path_params["id"]
        return await once(
            service,
            request,
            caller,
            raw,
            lambda transaction: KeptAnswer(_bytes(openings.withdraw(transaction, id, sent.reason, caller))),
        )

    app.router.add_api_route(
        "/v1/rights/openings",
        begin,
        methods=["POST"],
        status_code=201,
        response_model=RightsOpening,
        route_class_override=Plain,
        **operation(
            "openRights",
            "ledger",
            "State what a party has of an asset",
            "not-found",
            needs="administer",
            body=json_body(schema_of(RightsOpeningSent)),
            repeatable=True,
        ),
    )
    app.router.add_api_route(
        "/v1/rights/openings/{id}/withdraw",
        withdraw,
        methods=["POST"],
        response_model=RightsOpening,
        route_class_override=Plain,
        **operation(
            "withdrawRightsOpening",
            "ledger",
            "Withdraw an opening of rights",
            "not-found",
            "not-endable",
            needs="administer",
            parameters=[in_path("id", "the id of the opening")],
            body=json_body(schema_of(WithdrawOpeningSent)),
            repeatable=True,
        ),
    )

    @app.get(
        "/v1/rights/openings",
        response_model=RightsOpeningList,
        **operation(
            "listRightsOpenings",
            "ledger",
            "What parties had before",
            needs="read",
            parameters=[
                parameter("party", _ABOUT_PARTY, _ID),
                parameter("asset", _ABOUT_ASSET, _ID),
                *paging.parameters(_PAGE, _PAGE, "openings"),
            ],
        ),
    )
    def listing(request: Request) -> Response:
        """Openings, also those that were withdrawn; of a party or an asset, if the query names one."""
        caller_of(request.scope, "read")
        page, sent = paging.Asked.of(request, _PAGE, _PAGE), single(request)
        party, asset = (_id(sent[name]) if name in sent else None for name in ("party", "asset"))
        after = page.after("rights openings", str, filters=(party, asset)) or [""]
        found, following = service.read(
            lambda connection: openings.page(connection, party, asset, after[0], page.limit), "ledger"
        )
        cursor = None if following is None else paging.written("rights openings", following, filters=(party, asset))
        return _answer(RightsOpeningList(openings=found, next=cursor))

    @app.get(
        "/v1/rights/openings/{id}",
        response_model=RightsOpening,
        **operation("getRightsOpening", "ledger", "An opening of rights", "not-found", needs="read"),
    )
    def one(id: Annotated[str, Path(description="the id of the opening")], request: Request) -> Response:
        """An opening, with what was shown for it."""
        caller_of(request.scope, "read")
        return _answer(service.read(lambda connection: openings.one(connection, id), "ledger"))


def _id(text: str) -> str:
    """The id of a party or an asset. Raises RequestRefused."""
    if not 0 < len(text) <= _MOST_OF_AN_ID or "\x00" in text:
        raise RequestRefused("bad-request", f"an id has 1 to {_MOST_OF_AN_ID} characters")
    return text


def _day(sent: Mapping[str, str], name: str) -> date | None:
    """The day in a parameter; None where it is left out. Raises RequestRefused."""
    if name not in sent:
        return None
    try:
        day = date.fromisoformat(sent[name])
    except ValueError:
        day = None
    if day is None or day.isoformat() != sent[name]:
        raise wrong(name, f"`{name}` takes a day, like 2026-11-25")
    return day


def _yes(sent: Mapping[str, str], name: str) -> bool:
    """Whether a parameter says `true`. Raises RequestRefused."""
    if sent.get(name, "false") not in ("true", "false"):
        raise wrong(name, f"`{name}` takes `true` or `false`")
    return sent.get(name) == "true"


def _row(line: RightsLinePart) -> Iterator[Any]:
    """A line as the cells of a table: lists with semicolons, and of how far it reaches the chains."""
    for name, value in line.model_dump(mode="json").items():
        if name == "reaches":
            yield "; ".join(" < ".join(each["chain"]) + ("" if each["sure"] else " (not proven)") for each in value)
        else:
            yield "; ".join(value) if isinstance(value, list) else value


def _answer(document: BaseModel) -> Response:
    return Response(_bytes(document), media_type="application/json")


def _bytes(document: BaseModel) -> bytes:
    """The bytes of a document; what is not known stands there as null."""
    return document.model_dump_json(by_alias=True).encode()
