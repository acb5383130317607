"""
What changes a draft: the draft as it is and what its owner wants go in, the draft as it shall be comes out. Nothing is written here.

A draft that states another exchange keeps the one before, so that the change can be undone. What it states must be readable.
"""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import engine
from service.callers.context import ReadingAll
from service.drafts import draft_documents, draft_store
from service.drafts.answers import with_fact, with_none, without_fact
from service.drafts.draft_judgement import DraftContext, DraftJudge, JudgedDraft
from service.drafts.draft_store import Draft
from service.problems import RequestRefused


def check_owner(context: DraftContext, draft: Draft) -> None:
    """Raises RequestRefused if somebody else made a draft."""
    if draft.owner != context.caller.id:
        raise RequestRefused("forbidden", "only who made a draft may change it; go on in a copy")


def new_draft(context: DraftContext, document: Mapping[str, Any]) -> Draft:
    """A new draft of the caller."""
    return Draft(draft_store.new_id(), context.caller.id, document)


def copy_draft(context: DraftContext, draft: Draft) -> Draft:
    """A copy of a draft that belongs to the caller."""
    return replace(new_draft(context, draft.document), skipped=draft.skipped)


def try_remedy(context: DraftContext, draft: Draft, remedied: Mapping[str, Any]) -> Draft:
    """A trial of a remedy: what the draft would state with it."""
    return replace(new_draft(context, remedied), before=draft.document, skipped=draft.skipped, trial_of=draft.id)


def take_trial(draft: Draft | None, trial: Draft) -> Draft:
    """A draft with what a trial of it states. Raises RequestRefused where the draft is gone or decided."""
    if draft is None or draft.decision:
        raise RequestRefused("changed-meanwhile", "the draft of this trial is decided or erased")
    return replace(draft, document=trial.document, before=draft.document, was=None, asking=None)


def undo(draft: Draft, before: Mapping[str, Any]) -> Draft:
    """A draft as it was before its last change."""
    return replace(draft, document=before, before=None, was=None, asking=None)


def reopen_unknown(draft: Draft) -> Draft:
    """A draft in which what its owner did not know is asked once more."""
    return replace(draft, skipped=(), asking=None, was=None)


def ask_again(draft: Draft, fact: str) -> Draft:
    """A draft without a fact, for which it is asked again."""
    left, skipped = without_fact(draft.document, fact), tuple(each for each in draft.skipped if each != fact)
    return replace(draft, document=left, before=draft.document, was=None, asking=fact, skipped=skipped)


def ask_alone(draft: Draft, fact: str) -> Draft:
    """A draft whose owner is asked for a fact alone that was asked for with others."""
    return replace(draft, asking=fact, was=None)


def skip(draft: Draft, question: engine.QuestionPart, fact: str) -> Draft:
    """A draft whose owner does not know the answer to a question."""
    return replace(draft, skipped=(*draft.skipped, *(question.facts or [fact])), asking=None, was=None)


def state_exchange(
    context: ReadingAll, asking: DraftJudge, draft: Draft, document: Mapping[str, Any], lang: str, was: str | None = None
) -> Draft:
    """A draft that states another exchange; `was` is how it stood before. Raises RequestRefused where it cannot be read."""
    asking.check(context, document, lang)
    return replace(draft, document=document, before=draft.document, was=was, asking=None)


def tick_documents(
    context: ReadingAll,
    asking: DraftJudge,
    asked: JudgedDraft,
    offered: Sequence[str],
    chosen: Sequence[str],
    days: Mapping[str, str],
) -> Draft:
    """A draft with the documents that are ticked of those offered, each with its day. Raises RequestRefused."""
    shown = [name for name in offered if name in asked.documents]
    document = draft_documents.ticked(asked.draft.document, shown, chosen, {name: days[name] for name in shown})
    return state_exchange(context, asking, asked.draft, document, asked.lang, str(asked.standing))


def name_counted_ids(context: ReadingAll, asking: DraftJudge, asked: JudgedDraft, ids: Mapping[str, str]) -> Draft:
    """A draft with the ids by which a law counts it, as far as they are given. Raises RequestRefused."""
    document = asked.draft.document
    for fact in asked.counted_by:
        if given := ids.get(fact, "").strip():
            document = with_fact(document, fact, given)
    return state_exchange(context, asking, asked.draft, document, asked.lang)


def answer_facts(context: ReadingAll, asking: DraftJudge, asked: JudgedDraft, values: Mapping[str, Any]) -> Draft:
    """A draft with the values of some facts. Raises RequestRefused."""
    document = asked.draft.document
    for fact, value in values.items():
        document = with_fact(document, fact, value)
    return state_exchange(context, asking, asked.draft, document, asked.lang, str(asked.standing))


def deny_group(context: ReadingAll, asking: DraftJudge, asked: JudgedDraft, question: engine.QuestionPart) -> Draft:
    """A draft in which nothing is so of what a question asks about several facts. Raises RequestRefused."""
    document = with_none(asked.draft.document, question)
    return state_exchange(context, asking, asked.draft, document, asked.lang, str(asked.standing))
