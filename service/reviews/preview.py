"""
What an approval would change, shown before it is given: the decision on the same facts with each approval alone, and with all. Nothing is
recorded.
"""

from collections.abc import Sequence
from datetime import timedelta
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field

import engine
from service.callers.context import Reviewing
from service.callers.sending import Sending
from service.log.store import Stored
from service.problems import RequestRefused
from service.reviews import sign_off
from service.reviews.sign_off import Name
from service.reviews.standing_sign_off import Row, approvals_on, persons_needed, signatures

MOST_PREVIEWED = 20  # provisions, each of which is judged once
DAYS = 180  # of the approval that is looked at, where nothing else is said

_NOBODY = "preview"


class PreviewRequest(Sending):
    """Of which provisions the approval is looked at; without them, of all that may be signed off."""

    model_config = ConfigDict(title="SignOffPreview")

    provisions: Annotated[tuple[Name, ...], Field(min_length=1, max_length=MOST_PREVIEWED)] | None = None


class ChangeShown(BaseModel, frozen=True):
    """The decision on the same facts with the approval of some provisions beside those that stand. It is recorded nowhere."""

    provisions: tuple[str, ...]
    outcome: str
    answer: str
    still: tuple[str, ...] = Field(description="the provisions that a person would still have to sign off")


class PreviewShown(BaseModel, frozen=True):
    """What approvals would change, as if all persons who have to sign had signed."""

    now: ChangeShown = Field(description="the decision as approvals stand")
    each: tuple[ChangeShown, ...] = Field(description="with one provision more")
    all: ChangeShown = Field(description="with all of them")
    needed: dict[str, int] = Field(description="how many persons have to sign, by provision")
    given: dict[str, int] = Field(description="how many have signed, by provision")
    more: int = Field(description="how many provisions are not looked at one by one")


def preview(
    context: Reviewing, stored: Stored, said: Sequence[Row], provisions: Sequence[str] | None = None, lang: str = "en"
) -> PreviewShown:
    """
    The preview of a recorded decision, for some provisions or for all that may be signed off.

    `said` has the sign-offs of the same facts that count in it (`GivenSignOffs.counting`). Raises RequestRefused if the decision
    cannot be made again, or if one of the provisions cannot be signed off.
    """
    live, today = context.live, context.today
    judgement = sign_off.judged(live, stored, context.judge_again)
    if not judgement.agreed:
        raise RequestRefused("not-signable", sign_off.DISAGREED)
    standing = approvals_on(live, said, today)
    signed = {each.provision: each for each in standing}
    asked = tuple(dict.fromkeys(provisions)) if provisions else tuple(each for each in judgement.signable if each not in signed)
    for each in provisions or ():
        if each not in judgement.signable:
            raise RequestRefused("not-signable", f"`{each[:100]}` cannot be signed off")
    chosen = asked[:MOST_PREVIEWED]
    until = max(today, judgement.as_of) + timedelta(days=DAYS)

    def change(names: Sequence[str]) -> ChangeShown:
        given = {**signed, **{name: engine.Approval(name, _NOBODY, _NOBODY, until) for name in names}}
        found = judgement
        if given:
            found = live.pdp.judge(judgement.exchange, as_of=judgement.as_of, signed=list(given.values()))
        written = live.pdp.answer(found, today=found.as_of, id=stored.entry.id, lang=lang)
        open_ = found.outcome.word in sign_off.OPEN
        still = tuple(name for name in found.signable if name not in given) if open_ else ()
        return ChangeShown(provisions=tuple(names), outcome=written.outcome, answer=written.answer, still=still)

    last = change(asked)
    each_alone = [last] if len(chosen) == 1 == len(asked) else [change((name,)) for name in chosen]
    given = {under.provision: len(under.given) for under in signatures(live, said, today)}
    names = (*asked, *signed)
    return PreviewShown(
        now=change(()),
        each=tuple(each_alone),
        all=last,
        needed={name: persons_needed(live, name) for name in names},
        given={name: given.get(name, 0) for name in names},
        more=len(asked) - len(chosen),
    )
