"""The calls about reviews that both clients share: for each the request, and the reading of its answer."""

from collections.abc import Callable, Iterable, Mapping
from datetime import date
from typing import Literal

from . import answers
from .attempts import Call, Came
from .calls import as_json, part
from .errors import Malformed
from .pages import Filter, Pages
from .reviews import Awaited, Review, ReviewNote, ReviewThread, Signer, SignOff, SignOffPreview, SignOffsGiven, Then, Verdict
from .shapes import member
from .shapes import read as shaped


def reviews(filters: Mapping[str, Filter]) -> Pages[Review]:
    """Read every page of the reviews that wait."""
    return Pages("/v1/reviews", "reviews", Review, filters)


def review_thread(decision: str) -> Call[ReviewThread]:
    """Read what was said and signed of a review."""

    def read(came: Came) -> ReviewThread:
        found = shaped(ReviewThread, came.document())
        if found.decision != decision:
            raise Malformed("the answer is about another review")
        return found

    return Call("GET", f"/v1/decisions/{part(decision)}/review", read)


def assign_review(decision: str, to: Literal["me"] | Signer | None) -> Call[ReviewNote]:
    """Assign a review."""
    person = {"issuer": to.issuer, "subject": to.subject} if isinstance(to, Signer) else to
    path = f"/v1/decisions/{part(decision)}/review/assign"
    return Call("POST", path, _note("assigned"), as_json({"to": person}))


def comment_review(decision: str, text: str, file: str | None = None) -> Call[ReviewNote]:
    """Comment on a review, with a file by the hash of its bytes."""
    path = f"/v1/decisions/{part(decision)}/review/comments"
    return Call("POST", path, _note("comment"), as_json({"text": text} | ({} if file is None else {"file": file})))


def preview_sign_off(decision: str, provisions: Iterable[str]) -> Call[SignOffPreview]:
    """Look at what approvals would change."""
    asked = tuple(provisions)
    if isinstance(provisions, str):
        raise ValueError("name the provisions in a list")
    path = f"/v1/decisions/{part(decision)}/sign-off/preview"
    body = {"provisions": asked} if asked else {}
    return Call("POST", path, lambda came: shaped(SignOffPreview, came.document()), as_json(body))


def review(id: str) -> Call[Review]:
    """Read the review of one decision from its record."""
    return Call("GET", f"/v1/decisions/{part(id)}", lambda came: answers.review(came.document(), id))


def sign_offs(decision: str) -> Call[tuple[SignOff, ...]]:
    """Read the sign-offs of a decision."""
    path = f"/v1/decisions/{part(decision)}/sign-offs"
    return Call("GET", path, lambda came: answers.sign_offs(came.document(), decision))


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
        document = came.document()
        found = SignOffsGiven(
            answers.sign_offs(document, decision),
            member(document, "then", Then),
            member(document, "awaits", tuple[Awaited, ...], ()),
        )
        given = {each.provision for each in found.sign_offs}
        if not given or (asked and given != set(asked)):
            raise Malformed("the answer is not about the provisions that were sent")
        if any((each.verdict, each.until) != (verdict, until) for each in found.sign_offs):
            raise Malformed("the answer has another sign-off than the one that was sent")
        return found

    return Call("POST", f"/v1/decisions/{part(decision)}/sign-off", read, as_json(body))


def _note(kind: str) -> Callable[[Came], ReviewNote]:
    def read(came: Came) -> ReviewNote:
        found = shaped(ReviewNote, came.document())
        if found.kind != kind:
            raise Malformed("the answer is another note than the one that was sent")
        return found

    return read
