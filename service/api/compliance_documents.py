"""
`GET /v1/decisions/{id}/compliance-documents/{name}`: a document that a law asks a person to write, drafted from the record of a decision.
Nothing here decides or changes anything.
"""

from collections.abc import Callable, Mapping
from typing import Any

from fastapi import Response

import engine
from service.api.operations import DECISION_ID, in_path
from service.api.parameters import word
from service.api.router import Call, Router
from service.callers.context import Reading
from service.compliance_documents import docx_file, markdown_file
from service.compliance_documents.draft_document import DraftDocument
from service.compliance_documents.drafting import draft
from service.compliance_documents.template_files import templates
from service.decisions.replay import Replayer

_FORMS: Mapping[str, tuple[str, Callable[[DraftDocument], bytes]]] = {
    "markdown": (markdown_file.MEDIA_TYPE, lambda made: markdown_file.markdown(made).encode()),
    "docx": (docx_file.MEDIA_TYPE, docx_file.docx),
}
_ENDINGS = {"markdown": "md", "docx": "docx"}
_NAME = in_path("name", "the document", {"type": "string", "enum": list(templates())})
_FORM = word("form", "the form of the file", tuple(_FORMS), default="markdown")
_LANG = word("lang", "the language of the document", tuple(engine.LANGUAGES), default="en")
_CONTENT: dict[str, Any] = {
    markdown_file.MEDIA_TYPE: {"schema": {"type": "string"}},
    docx_file.MEDIA_TYPE: {"schema": {"type": "string", "format": "binary"}},
}

router = Router("log")


@router.get(
    "/v1/decisions/{id}/compliance-documents/{name}",
    "draftComplianceDocument",
    "A compliance document drafted from a decision",
    "not-found",
    "not-installed",
    parameters=[DECISION_ID, _NAME, _FORM, _LANG],
    answers={200: {"description": "the draft, as a file to save", "content": _CONTENT}},
    response_class=Response,
)
def drafted(context: Reading, call: Call[None]) -> Response:
    """
    Drafts an assessment, the annexes of a contract or a record of processing from the record, the register and the ledger.

    Each entry says where it comes from, and what a person must write is marked and listed. Of a decision that permits nothing the draft
    says so. `docx` needs the extra `docx`.
    """
    form, lang = _FORM.of(call.query) or "markdown", _LANG.of(call.query) or "en"
    made = draft(context, call.path["id"], call.path["name"], lang, call.shared(Replayer), call.service)
    media_type, write = _FORMS[form]
    headers = {
        "Content-Disposition": f'attachment; filename="{made.name}-{lang}.{_ENDINGS[form]}"',
        "Cache-Control": "no-store",
    }
    return Response(write(made), media_type=media_type, headers=headers)
