"""`POST /add-checkpoint`: this service as a witness, which cosigns the checkpoints of other logs."""

from typing import Any

from fastapi import FastAPI, Request, Response

from service.api.operations import operation
from service.api.request_bodies import Plain, body
from service.problems import Kind, RequestRefused
from service.service import Service
from service.store.moments import moment_text
from service.store.writer import NotRecorded
from service.transparency.signed_note import MAX_NOTE_BYTES
from service.transparency.witness import SIZE_TYPE, AddCheckpoint
from service.transparency.witness import WitnessRequestRefused as NoRequest

_SENTENCE = {"schema": {"type": "string"}}
_ANSWERS: dict[int, dict[str, Any]] = {
    200: {"description": "The cosignature, a line of a signed note", "content": {"text/plain": _SENTENCE}},
    409: {"description": "The size that was cosigned last", "content": {SIZE_TYPE: _SENTENCE}},
}
_REFUSED: dict[int, Kind] = {403: "forbidden", 404: "not-found", 409: "another-checkpoint", 422: "proof-refused"}


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""

    async def add_checkpoint(request: Request) -> Response:
        """
        C2SP tlog-witness. The log must be one of those in FIFTHFACTOR_WITNESS_LOGS, and its signature is what admits the call.

        Before a checkpoint is cosigned, its tree is shown to go on from the one that was cosigned last.
        """
        cosigning = service.cosigning
        if cosigning is None:
            raise RequestRefused("not-found", "this service is no witness of other logs")
        content = await body(request, min(service.settings.body_limit, MAX_NOTE_BYTES), None)
        try:
            asked = AddCheckpoint.parse(content)
        except NoRequest as refused:
            raise RequestRefused("bad-request", str(refused)) from None
        now = service.clock()
        time, moment = int(now.timestamp()), moment_text(now)
        answered = cosigning.refusal(asked, time)
        if answered is None:
            try:
                answered = await service.store.do(lambda each: cosigning.answer_in(each, asked, moment, time))
            except NotRecorded:
                raise RequestRefused("not-ready", "the log cannot be written", headers={"Retry-After": "1"}) from None
        if answered.status in _REFUSED and answered.media_type != SIZE_TYPE:
            raise RequestRefused(_REFUSED[answered.status], answered.body.decode().rstrip())
        # As a header, since a `charset` is added to the media type of a text, and witnesses answer the bare one.
        return Response(answered.body, answered.status, headers={"Content-Type": answered.media_type})

    app.router.add_api_route(
        "/add-checkpoint",
        add_checkpoint,
        methods=["POST"],
        response_class=Response,
        route_class_override=Plain,
        **operation(
            "addCheckpoint",
            "log",
            "Cosign the checkpoint of another log",
            *_REFUSED.values(),
            "not-ready",
            "body-too-large",
            "body-too-slow",
            "busy",
            answers=_ANSWERS,
        ),
    )
