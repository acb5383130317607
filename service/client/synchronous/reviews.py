# Made from `asynchronous/reviews.py`: change that file, then run RECORD=1 pytest tests/service/test_synchronous_client.py
"""Reviews that wait for a person, and her sign-offs."""

from collections.abc import Iterable, Iterator
from datetime import date
from typing import Literal, Unpack

from .. import calls
from ..calls import call
from ..pages import Pages
from ..reviews import Review, ReviewFilters, ReviewNote, ReviewThread, Signer, SignOff, SignOffPreview, SignOffsGiven
from .connection import Connection


class Reviews(Connection):
    """The methods about reviews."""

    def reviews(self, **filters: Unpack[ReviewFilters]) -> Iterator[Review]:
        """The reviews that wait for a person, newest first, or those that match filters. The time-out is that of a page."""
        return self._each(Pages(Review, "reviews", "reviews", query=filters))

    def review(self, id: str) -> Review:
        """The review of one decision: what may be signed off of it. `provisions` is empty if its outcome is not a review."""
        return self._call(calls.review(id))

    def approve(
        self, decision: str, provisions: Iterable[str] = (), *, requirement: str = "", reason: str, until: date
    ) -> SignOffsGiven:
        """Sign off provisions of a decision, or a requirement that is met only in doubt. `until` is the last day of the approval."""
        return self._call(calls.sign_off(decision, "approve", provisions, requirement, reason, until))

    def refuse(self, decision: str, provisions: Iterable[str] = (), *, requirement: str = "", reason: str) -> SignOffsGiven:
        """Refuse to sign off. This withdraws the approvals that were given before for the same provisions and facts."""
        return self._call(calls.sign_off(decision, "refuse", provisions, requirement, reason))

    def sign_offs(self, decision: str) -> tuple[SignOff, ...]:
        """Every sign-off of a decision, in order; the last one for each provision counts. The time-out is that of a page."""
        same = {"decision": decision}
        pages = Pages(SignOff, "sign_offs", "decisions", decision, "sign-offs", same=same, most=calls.MOST_PAGES)
        return tuple(self._each(pages))

    def review_thread(self, decision: str) -> ReviewThread:
        """What waits of a review, who signed, to whom it is assigned, and what was said."""
        return self._call(call(ReviewThread, "GET", "decisions", decision, "review", same={"decision": decision}))

    def assign_review(self, decision: str, to: Literal["me"] | Signer | None) -> ReviewNote:
        """Assign a review to yourself, to a person whom the service knows, or to nobody any more (None)."""
        person = {"issuer": to.issuer, "subject": to.subject} if isinstance(to, Signer) else to
        path = ("decisions", decision, "review", "assign")
        return self._call(call(ReviewNote, "POST", *path, sent={"to": person}, same={"kind": "assigned"}))

    def comment_review(self, decision: str, text: str, file: str | None = None) -> ReviewNote:
        """Comment on a review in plain text, with a file by the hash of its bytes (`keep_document`), kept until the decision is erased."""
        sent = {"text": text} | ({} if file is None else {"file": file})
        path = ("decisions", decision, "review", "comments")
        return self._call(call(ReviewNote, "POST", *path, sent=sent, same={"kind": "comment"}))

    def preview_sign_off(self, decision: str, provisions: Iterable[str] = ()) -> SignOffPreview:
        """What approving some provisions would change, or all that may be signed off. Nothing is recorded; it is no permit."""
        sent = calls.named(provisions)
        return self._call(call(SignOffPreview, "POST", "decisions", decision, "sign-off", "preview", sent=sent))
