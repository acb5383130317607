"""
`GET /v1/decisions/{id}/explanation`: why a recorded decision is as it is, by part, in either language.

The exchange of the record is judged again, on its day and by its policies. While the engine is the same, the bytes are those that the
answer itself would have had.
"""

import json

from fastapi import FastAPI, Request, Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

import engine
from service.api import paging
from service.api.operations import DecisionId, operation
from service.api.parameters import parameter, single
from service.api.sent import INCLUDE, language, parts
from service.callers.caller import caller_of
from service.decisions.replay import CannotReplay, Reopened, Replaying
from service.ledger import party_view
from service.log.canonical_json import canonical
from service.problems import RequestRefused
from service.service import Service

BY_DEFAULT = ("reasons", "requirements", "duties", "coverage", "factor")
MOST_POSSIBLE = 500  # provisions of a page
_LANG = parameter(
    "lang", "the language of the sentences; without it that of the answer", {"type": "string", "enum": list(engine.LANGUAGES)}
)
_VERDICT = {
    "description": "whether this version comes to the recorded verdict",
    "schema": {"type": "string", "enum": ["same", "other"]},
}


class ExplanationShown(engine.Explanation):
    """The parts of the explanation that were asked for, and where the list `possible` goes on if it comes in pages."""

    next: str | None = Field(
        default=None, description=f"{paging.NEXT}. Only with `limit` or `cursor`, which cut the list `possible` into pages"
    )


def add(app: FastAPI, service: Service) -> None:
    """Put the endpoint on the application."""
    replaying = Replaying.shared(app, service)

    @app.get(
        "/v1/decisions/{id}/explanation",
        response_model=ExplanationShown,
        **operation(
            "explainDecision",
            "log",
            "Explain a decision",
            "not-found",
            "cannot-replay",
            needs="read",
            parameters=[INCLUDE, _LANG, *paging.parameters(None, MOST_POSSIBLE, "provisions of `possible`")],
            answers={200: {"headers": {"Verdict": _VERDICT}}},
        ),
    )
    async def explanation(id: DecisionId, request: Request) -> Response:
        """
        Explains a recorded decision: its reasons, requirements, duties, coverage and account, or the parts that `include` names.

        The header `Verdict` says whether this version comes to the recorded verdict: `same` or `other`.
        """
        caller = caller_of(request.scope, "read", of_party=True)
        asked, page = single(request), paging.Asked.of(request, MOST_POSSIBLE, MOST_POSSIBLE)
        include = parts(asked.get("include")) or BY_DEFAULT
        lang = language(asked["lang"]) if "lang" in asked else None

        def reopened() -> Reopened:
            stored = service.stored(id)
            party_view.check_record(stored, caller)
            return replaying.reopened(stored)

        try:
            again = await run_in_threadpool(reopened)  # its policies may have to be loaded first
            written = await service.turns.run(caller.id, lambda: again.explanation(include, lang), long=True)
        except CannotReplay as cannot:
            raise RequestRefused("cannot-replay", str(cannot)) from None
        if asked.keys() & {"limit", "cursor"}:
            document = json.loads(written)
            places = list(enumerate(document.get("possible", ())))
            shown, document["next"] = page.cut(places, lambda each: str(each[0]), id)
            if "possible" in document:
                document["possible"] = [provision for _, provision in shown]
            written = canonical(document).decode()
        verdict = "same" if again.same_verdict else "other"
        return Response(written, media_type="application/json", headers={"Verdict": verdict})
