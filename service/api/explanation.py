"""
`GET /v1/decisions/{id}/explanation`: why a recorded decision is as it is, by part, in either language.

The exchange of the record is judged again, on its day and by its policies. While the engine is the same, the bytes are those that the
answer itself would have had.
"""

import json

from fastapi import Response
from pydantic import Field
from starlette.concurrency import run_in_threadpool

import engine
from service.api import paging
from service.api.operations import DECISION_ID
from service.api.parameters import parameter
from service.api.request_bodies import INCLUDE, language, parts
from service.api.router import Call, Router
from service.callers.context import Reading
from service.decisions.replay import Replayer
from service.log.canonical_json import canonical

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


router = Router("log")


@router.get(
    "/v1/decisions/{id}/explanation",
    "explainDecision",
    "Explain a decision",
    "not-found",
    "cannot-replay",
    parameters=[DECISION_ID, INCLUDE, _LANG, *paging.parameters(None, MOST_POSSIBLE, "provisions of `possible`")],
    answers={200: {"headers": {"Verdict": _VERDICT}}},
)
async def explanation(context: Reading, call: Call[None]) -> ExplanationShown | Response:
    """
    Explains a recorded decision: its reasons, requirements, duties, coverage and account, or the parts that `include` names.

    The header `Verdict` says whether this version comes to the recorded verdict: `same` or `other`.
    """
    id, sent = call.path["id"], call.query
    page = paging.Asked.in_query(sent, MOST_POSSIBLE, MOST_POSSIBLE)
    include = parts(sent.get("include")) or BY_DEFAULT
    lang = language(sent["lang"]) if "lang" in sent else None
    # Its policies may have to be loaded first.
    again = await run_in_threadpool(call.shared(Replayer).reopened_of, context, id)
    written = await call.service.turns.run(context.caller.id, lambda: again.explanation(include, lang), long=True)
    if sent.keys() & {"limit", "cursor"}:
        document = json.loads(written)
        places = list(enumerate(document.get("possible", ())))
        shown, document["next"] = page.cut(places, lambda each: str(each[0]), id)
        if "possible" in document:
            document["possible"] = [provision for _, provision in shown]
        written = canonical(document).decode()
    verdict = "same" if again.same_verdict else "other"
    return Response(written, media_type="application/json", headers={"Verdict": verdict})
