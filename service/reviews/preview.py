"""
What an approval would change, shown before it is given: the decision on the same facts with each approval alone, and with all. Nothing is
recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta

import engine
from service.log.store import Stored
from service.policies.live import Live
from service.problems import RequestRefused
from service.reviews import sign_offs
from service.reviews.approvals import Row, approved, persons_needed, signatures

MOST_PREVIEWED = 20  # provisions, each of which is judged once
DAYS = 180  # of the approval that is looked at, where nothing else is said

_NOBODY = "preview"


@dataclass(frozen=True, slots=True)
class ChangedOutcome:
    """
    The decision with the approval of some provisions beside those that stand: its outcome, its answer in a sentence, and the provisions
    that a person would still have to sign off.
    """

    provisions: tuple[str, ...]
    outcome: str
    answer: str
    still: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class SignOffPreview:
    """
    `now` is the decision as approvals stand, `each` that with one provision more, `all` that with all of them.

    `needed` says for each provision how many persons have to sign, `given` how many have. What more persons must sign counts here as
    if all had.
    """

    now: ChangedOutcome
    each: tuple[ChangedOutcome, ...]
    all: ChangedOutcome
    needed: dict[str, int]
    given: dict[str, int]
    more: int  # provisions beyond the first MOST_PREVIEWED


def preview(
    live: Live, stored: Stored, said: Sequence[Row], today: date, provisions: Sequence[str] | None = None, lang: str = "en"
) -> SignOffPreview:
    """
    The preview of a recorded decision, for some provisions or for all that may be signed off.

    `said` has the sign-offs of the same facts that count in it (from `own_requests.Counting`). Raises RequestRefused if the decision
    cannot be made again, or if one of the provisions cannot be signed off.
    """
    judgement = sign_offs.judged(live, stored)
    if not judgement.agreed:
        raise RequestRefused("not-signable", sign_offs.DISAGREED)
    standing = approved(live, said, today)
    signed = {each.provision: each for each in standing}
    asked = tuple(dict.fromkeys(provisions)) if provisions else tuple(each for each in judgement.signable if each not in signed)
    for each in provisions or ():
        if each not in judgement.signable:
            raise RequestRefused("not-signable", f"`{each[:100]}` cannot be signed off")
    chosen = asked[:MOST_PREVIEWED]
    until = max(today, judgement.as_of) + timedelta(days=DAYS)

    def change(names: Sequence[str]) -> ChangedOutcome:
        given = {**signed, **{name: engine.Approval(name, _NOBODY, _NOBODY, until) for name in names}}
        found = judgement
        if given:
            found = live.pdp.judge(judgement.exchange, as_of=judgement.as_of, signed=list(given.values()))
        written = live.pdp.answer(found, today=found.as_of, id=stored.entry.id, lang=lang)
        open_ = found.outcome.word in sign_offs.OPEN
        still = tuple(name for name in found.signable if name not in given) if open_ else ()
        return ChangedOutcome(tuple(names), written.outcome, written.answer, still)

    last = change(asked)
    each_alone = [last] if len(chosen) == 1 == len(asked) else [change((name,)) for name in chosen]
    given = {under.provision: len(under.given) for under in signatures(live, said, today)}
    names = (*asked, *signed)
    return SignOffPreview(
        change(()),
        tuple(each_alone),
        last,
        {name: persons_needed(live, name) for name in names},
        {name: given.get(name, 0) for name in names},
        len(asked) - len(chosen),
    )
