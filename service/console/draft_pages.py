"""
Renders the pages on which an exchange is asked about: the start, a draft with its question and its answer, and what follows a decision.

No page has a fact in an address: everything that is stated is sent in a form.
"""

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import engine
from service.console import decision_sections
from service.console.draft_form import QuestionForm
from service.console.pages import UNDETERMINED, rendered, stamp, tone
from service.console.reader import CARRIED, PageReader, Part, capital
from service.console.request_facts import FactShown, facts_of, grouped, in_short
from service.decisions.present_outcome import PresentOutcome
from service.documents.stated_documents import documents_of
from service.drafts.draft_judgement import DraftOutcome, JudgedDraft
from service.drafts.draft_store import Draft
from service.drafts.own_words import name_of
from service.drafts.preset_confirmation import left_to_confirm
from service.languages.words import text_for

MOST_REASONS = 6
MOST_ENTITIES = 200  # of the register, for each role
MOST_CONTRACT = 262_144  # bytes of a contract that is uploaded


@dataclass(frozen=True, slots=True)
class Beginning:
    """
    What an exchange may begin with: the forms of the first facts, the entities of the register by role, presets, and examples.

    `more` is true where the register has more entities than are listed.
    """

    forms: Sequence[QuestionForm]
    entities: Mapping[str, Sequence[str]]
    examples: Sequence[Part]
    more: bool = False
    presets: Sequence[engine.Preset] = ()


@dataclass(frozen=True, slots=True)
class Viewer:
    """
    Who looks at a page of drafts: the token for her forms, and whether she may change the draft, begin one, commit what is decided, and
    open the queue of reviews.
    """

    token: str
    owner: bool = True
    asks: bool = True
    commits: bool = True
    reviews: bool = True


def start_page(
    beginning: Beginning, drafts: Sequence[Draft], days: int, viewer: Viewer, reader: PageReader, wrong: str = ""
) -> str:
    """The page on which one begins. `wrong` says why what was sent is no exchange; `days` is how long a draft is kept."""
    return rendered(
        "ask.html",
        reader,
        "/ask",
        a=reader.words.drafts,
        beginning=beginning,
        examples=[title_of(each, reader) for each in beginning.examples],
        presets=[(each.id, capital(each.title.in_(reader.lang)), each.says.in_(reader.lang)) for each in beginning.presets],
        drafts=[(each, title_of(each.document, reader)) for each in drafts],
        days=days,
        most_entities=MOST_ENTITIES,
        contract_kilobytes=MOST_CONTRACT // 1_024,
        viewer=viewer,
        wrong=wrong,
    )


def confirm_page(preset: engine.Preset, viewer: Viewer, reader: PageReader) -> str:
    """The page on which a person confirms what a preset states, fact by fact, before anything is stated."""
    facts = [
        (fact, capital(reader.title(fact)), capital(reader.told(fact, value))) for fact, value in left_to_confirm({}, preset)
    ]
    return rendered(
        "ask_preset.html", reader, "/ask", a=reader.words.drafts, preset=preset, facts=facts, viewer=viewer,
        title=capital(preset.title.in_(reader.lang)), says=preset.says.in_(reader.lang),
    )  # fmt: skip


def words_page(found: Sequence[tuple[str, Sequence[engine.WordPlace]]], viewer: Viewer, reader: PageReader) -> str:
    """The page on which a person ticks what her words say, place by place, before anything is stated."""
    words = [
        (
            word,
            [
                (name_of(each), capital(reader.title(each.fact)), capital(reader.told(each.fact, _alone(each, reader))))
                for each in places
            ],
        )
        for word, places in found
    ]
    return rendered("ask_words.html", reader, "/ask", a=reader.words.drafts, words=words, viewer=viewer)


def _alone(said: engine.WordPlace, reader: PageReader) -> Any:
    """A value as its fact has it."""
    type = reader.bundle.vocabulary.type_of(said.fact)
    return [said.value] if type is not None and type.many else said.value


def draft_page(
    asked: JudgedDraft,
    form: QuestionForm | None,
    viewer: Viewer,
    reader: PageReader,
    wrong: str = "",
    sent: Mapping[str, str] | None = None,
) -> str:
    """
    The page of a draft: its answer so far, its next question, what would make it lawful, and what it states.

    `wrong` says why an answer was not taken, and `sent` is what was sent then.
    """
    draft, answer = asked.draft, asked.answer
    explained = answer.get("explanation") or {}
    reasons = [
        each
        for each in decision_sections.by_strictness(answer, explained.get("reasons") or ())
        if each["standing"] == "certain"
    ]
    return rendered(
        "ask_draft.html",
        reader,
        f"/ask/{draft.id}",
        **_stated(draft, asked.judged.filled.exchange.document, reader),
        a=reader.words.drafts,
        draft=draft,
        d=answer,
        tone="open" if draft.trial_of else tone(answer),
        stamp=stamp(answer),
        documents=_documents(asked, reader),
        counted_by=[(fact, capital(reader.title(fact))) for fact in asked.counted_by],
        form=form,
        left=len(asked.open),
        skipped=[capital(reader.title(fact)) for fact in draft.skipped],
        skipped_open=any(fact in asked.judged.judgement.open_facts for fact in draft.skipped),
        tried=[f"{capital(each.title)} ({each.value})" for each in _tried(draft, reader)],
        remedies=list(enumerate(asked.remedies)),
        jurisdictions=decision_sections.jurisdictions(answer),
        unmet=decision_sections.unmet(answer),
        owed=decision_sections.duties(answer, certain=True),
        perhaps_owed=decision_sections.duties(answer, certain=False),
        reasons=reasons[:MOST_REASONS],
        more_reasons=len(reasons) - MOST_REASONS,
        changed=_changed(DraftOutcome.read(draft.was), asked.standing, reader),
        viewer=viewer,
        wrong=wrong,
        sent=sent or {},
    )


@dataclass(frozen=True, slots=True)
class DocumentShown:
    """
    A document or claim that may be ticked: its name, what a company calls it, who issues it and where it is filed (`how`), its day if it is
    stated, and whether its file is there.
    """

    name: str
    title: str
    how: str
    dated: str | None
    hashed: bool


def _documents(asked: JudgedDraft, reader: PageReader) -> list[DocumentShown]:
    """The documents that may be ticked, those that are stated first."""
    told = documents_of(asked.draft.document)
    found = []
    for name, need in asked.documents.items():
        terms = told.get(name)
        how = "; ".join(need[key] for key in ("issued_by", "filed_with") if need.get(key))
        title = capital(need.get("says") or reader.title(name))
        dated = None if terms is None else str(terms.get("dated", ""))
        found.append(DocumentShown(name, title, how, dated, bool(terms and terms.get("hash"))))
    return found


def _changed(was: DraftOutcome | None, now: DraftOutcome, reader: PageReader) -> str:
    """What the last answer changed, in a sentence; "" where nothing was answered."""
    if was is None:
        return ""
    words = reader.words.drafts
    if (was.outcome, was.lowest, was.highest) != (now.outcome, now.lowest, now.highest):
        return words["was"].format(_told(was, reader), _told(now, reader))
    settled = was.open - now.open
    return (
        words["was_settled_one"] if settled == 1 else words["was_settled"].format(settled) if settled > 1 else words["was_same"]
    )


def _told(standing: DraftOutcome, reader: PageReader) -> str:
    """How a draft stands: its outcome, or between which it is."""
    if standing.outcome != UNDETERMINED:
        return reader.code("outcome", standing.outcome)
    return reader.words.pages["between"].format(*(reader.code("outcome", each) for each in (standing.lowest, standing.highest)))


def broken_page(draft: Draft, viewer: Viewer, reader: PageReader, wrong: str) -> str:
    """The page of a draft whose exchange cannot be read: `wrong` says why, and the owner can undo or correct it."""
    return rendered(
        "ask_draft.html",
        reader,
        f"/ask/{draft.id}",
        **_stated(draft, draft.document, reader),
        a=reader.words.drafts,
        draft=draft,
        broken=True,
        tone="open",
        viewer=viewer,
        wrong=wrong,
    )


def decided_page(
    draft: Draft, record: Part, viewer: Viewer, reader: PageReader, wrong: str = "", now: PresentOutcome | None = None
) -> str:
    """The page of a draft that is decided: the answer, what it would be `now`, and what to do with it."""
    decision = record["decision"]
    return rendered(
        "ask_decided.html",
        reader,
        f"/ask/{draft.id}",
        a=reader.words.drafts,
        draft=draft,
        d=decision,
        tone=tone(decision),
        stamp=stamp(decision),
        now=now,
        parties=in_short(facts_of(record, {}, reader), reader),
        viewer=viewer,
        wrong=wrong,
    )


def title_of(document: Part, reader: PageReader) -> str:
    """An exchange in a few words: from where to where, and which data. Empty where nothing of this is stated."""
    found = dict(in_short(facts_of({"request": document}, {}, reader), reader))
    named = document.get("named") or {}
    named = {text_for(reader.words.pages, line): named[role] for line, role in _ROLES.items() if named.get(role)}
    ends = [
        str(named.get(reader.words.pages[line]) or next(iter(found[reader.words.pages[line]]), ""))
        for line in ("from", "to_whom")
    ]
    what = str(named.get(reader.words.pages["what"]) or next(iter(found[reader.words.pages["what"]]), ""))
    unsaid = reader.words.pages["not_stated"]
    route = f"{ends[0] or capital(unsaid)} → {ends[1] or unsaid}" if any(ends) else ""
    return reader.language.pair(route, what) if route and what else route or what


_ROLES = {"from": "exporter", "to_whom": "recipient", "what": "data"}


def _stated(draft: Draft, document: Part, reader: PageReader) -> dict[str, Any]:
    """What a draft states: in short, and each fact. What the register adds is shown too, but cannot be answered again."""
    told = _told_of({name: each for name, each in document.items() if name != "named"}, draft.document)
    facts = facts_of({"request": told}, {}, reader)
    return {
        "parties": in_short(facts, reader),
        "facts": grouped(facts, reader),
        # Conditions that came with the data are nothing that is asked: whoever took them out would be free of them.
        "own": {
            each.name for each in facts if not each.registered and each.name != CARRIED and _has(draft.document, each.name)
        },
        "json": json.dumps(draft.document, ensure_ascii=False, indent=1),
    }


def _tried(draft: Draft, reader: PageReader) -> list[FactShown]:
    """What a trial states and its draft does not."""
    if not draft.trial_of or draft.before is None:
        return []
    before = facts_of({"request": draft.before}, {}, reader)
    return [each for each in facts_of({"request": draft.document}, {}, reader) if each not in before]


def _told_of(document: Part, own: Any) -> dict[str, Any]:
    """What says something of a document: without counters that say no more than "0 or more", as far as the owner did not say so herself."""
    found: dict[str, Any] = {}
    for name, each in document.items():
        stated = own.get(name) if isinstance(own, Mapping) else None
        if isinstance(each, Mapping) and each != _NO_COUNT and (inner := _told_of(each, stated)):
            found[name] = inner
        elif not isinstance(each, Mapping) or stated is not None:
            found[name] = each
    return found


_NO_COUNT = {"at_least": 0}


def _has(document: Any, fact: str) -> bool:
    for step in fact.split("."):
        if not isinstance(document, Mapping) or step not in document:
            return False
        document = document[step]
    return True
