# Made from `asynchronous/documents.py`: change that file, then run RECORD=1 pytest tests/service/test_synchronous_client.py
"""Documents of a decision: kept, attached, confirmed, signed."""

from collections.abc import Iterator
from datetime import date

from .. import calls
from ..calls import call
from ..documents import AttachedDocument, DecisionDocument, DocumentConfirmation, DocumentSignature, KeptDocument
from ..pages import Pages
from .connection import Connection


class Documents(Connection):
    """The methods about documents."""

    def keep_document(self, content: bytes) -> KeptDocument:
        """Keep the bytes of a document. Those that belong to no decision a day later are erased."""
        return self._call(calls.keep_document(content))

    def document_content(self, sha256: str) -> bytes:
        """The bytes of a document, checked against their hash. Nobody has looked for malware in them."""
        return self._call(calls.document_content(sha256))

    def documents(self, decision: str) -> Iterator[DecisionDocument]:
        """The documents that the exchange of a decision presents, with what is attached, confirmed and signed."""
        return self._each(Pages(DecisionDocument, "documents", "decisions", decision, "documents"))

    def attach_document(self, decision: str, name: str, sha256: str) -> AttachedDocument:
        """Attach bytes that are kept to a document of a decision, whose exchange states their hash. They show nothing yet."""
        sent = {"name": name, "sha256": sha256}
        return self._call(call(AttachedDocument, "POST", "decisions", decision, "documents", sent=sent, same=sent))

    def confirm_document(self, decision: str, name: str, sha256: str, *, reason: str, until: date) -> DocumentConfirmation:
        """Confirm that you opened the bytes with this hash, and that they are what the exchange states. Only a person may."""
        path = ("decisions", decision, "documents", name, "confirm")
        sent = {"sha256": sha256, "reason": reason, "until": until.isoformat()}
        same = {"decision": decision, "name": name, "verdict": "confirm", "until": until}
        return self._call(call(DocumentConfirmation, "POST", *path, sent=sent, same=same))

    def withdraw_document(self, decision: str, name: str, *, reason: str) -> DocumentConfirmation:
        """Withdraw what was confirmed and signed of a document, by whomever, also for other decisions that state the same."""
        path = ("decisions", decision, "documents", name, "withdraw")
        same = {"name": name, "verdict": "withdraw"}  # it may be for another decision that states the same
        return self._call(call(DocumentConfirmation, "POST", *path, sent={"reason": reason}, same=same))

    def sign_document(self, decision: str, name: str, envelope: bytes) -> DocumentSignature:
        """Attach a signed statement (a DSSE envelope) to a document whose bytes are attached. The service must trust its signer."""
        return self._call(calls.sign_document(decision, name, envelope))
