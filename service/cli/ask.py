"""
`fifthfactor ask`: a conversation that asks for one fact after another, until the outcome is settled.

Each question is the best next one. Every answer is read as the exchange itself is, so what cannot be true is said at once, and asked again.
The exchange is saved after each answer: an interrupted session resumes.
"""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.command import Commands, Lang, Policies, UsedWrongly, need
from service.cli.output import fill, painted, print_decision, problems, text_in, today

if TYPE_CHECKING:
    import engine

app = Commands()
SKIPPED, QUIT, HELP, SOME = ("", "unknown"), ("quit", "q"), "?", "some"


@app.add("ask", "ask exchange.json --lang zh", "ask --preset payroll")
def ask(
    file: Annotated[Path, typer.Argument(help="The exchange: read if it exists, and saved after each answer.")] = Path(
        "exchange.json"
    ),
    preset: Annotated[
        str, typer.Option(help="An everyday exchange to begin with, like `payroll`; what the file states stays as it is.")
    ] = "",
    policies: Policies = None,
    lang: Lang = "en",
) -> int:
    """
    Ask for the facts of an exchange one by one, and show what each answer changes. Nothing is recorded in a log.

    With a preset, it begins with what is nearly always so in such an exchange, prints it, and asks whether it is so here.

    An empty answer skips a question, `?` explains it, `quit` ends. Ends with 0 where the exchange may proceed, else with 1.
    """
    import engine
    from service.cli.files import load_or_stop, read

    need("language", lang, engine.LANGUAGES)
    bundle = load_or_stop(policies or [], tests=False)
    talk = _Conversation(bundle, file, read(file, engine.MAX_BYTES + 1) if file.exists() else b"{}", lang)
    if preset:
        known = {each.id: each for each in bundle.presets()}
        need("preset", preset, known)
        talk.begin_with(known[preset])
    talk.go_on()
    decision = talk.pdp.decide(talk.exchange, as_of=talk.day, today=today(), id="desk", lang=lang)
    print()
    print_decision(decision, text_in(bundle, lang), whole=False)
    print(f"\n{file}")
    return int(not decision.proceed)


class _Conversation:
    def __init__(self, bundle: "engine.Bundle", file: Path, raw: bytes, lang: str) -> None:
        import engine

        self.bundle, self.file = bundle, file
        self.pdp = engine.PDP(bundle, "bitset")
        self.book = engine.Phrasebook(bundle, engine.LANGUAGES[lang])
        self.lang = lang
        self.skipped: set[str] = set()
        self.apart: set[str] = set()  # facts of which there is some, and which are asked one by one
        try:
            self.exchange = engine.parse_exchange(bundle, raw)
        except engine.ExchangeRefused as refused:
            raise UsedWrongly(f"the exchange in {file} cannot be read:\n{problems(refused, lang)}") from None
        self.document = engine.in_present_shape(bundle, json.loads(raw))
        self.day = self.exchange.as_of or today()

    def read(self, document: dict[str, Any]) -> "engine.Exchange":
        import engine

        return engine.parse_exchange(self.bundle, json.dumps(document).encode())

    def begin_with(self, preset: "engine.Preset") -> None:
        """
        State what the preset does and the exchange does not, as far as the person confirms it: all of it, or without some facts.

        Nobody confirms what nobody answers: at the end of the input nothing is stated.
        """
        from service.drafts.preset_confirmation import left_to_confirm, with_confirmed

        facts = left_to_confirm(self.document, preset)
        print(f"{painted('bold', preset.title.in_(self.lang))}: {preset.says.in_(self.lang)}")
        for number, (fact, value) in enumerate(facts, 1):
            title = self.bundle.vocabulary.title(fact).in_(self.lang)
            print(f"  {number:>3}  {title}: {self.book.told(fact, value)}")
        print(fill("To be confirmed. Enter: all of this is so. Numbers, separated by commas: these are not. `quit`: none is."))
        while facts:
            try:
                said = input("> ").strip()
            except EOFError:
                return
            if said in QUIT:
                return
            wrong = [each.strip() for each in said.split(",") if each.strip()]
            if all(each.isascii() and each.isdigit() and 0 < int(each) <= len(facts) for each in wrong):
                confirmed = [fact for number, (fact, _) in enumerate(facts, 1) if str(number) not in wrong]
                self.document = with_confirmed(self.document, preset, confirmed)
                self.exchange = self.read(self.document)
                self.save()
                return
            print("  these are numbers of the list, or nothing")

    def go_on(self) -> None:
        """Ask until the outcome is settled, nothing is left to ask, or the person ends it. What follows from answers is not asked."""
        import engine
        from service.drafts.answers import with_implied

        before = ""
        while True:
            judgement = self.pdp.judge(self.exchange, as_of=self.day)
            stated = with_implied(self.pdp, judgement, self.document)
            if stated != self.document:
                self.document, self.exchange = stated, self.read(stated)
                self.save()
                continue
            low, high = judgement.outcome.bounds.low.word, judgement.outcome.bounds.high.word
            bounds = engine.BoundsPart(lowest=low, highest=high)
            stands = self.book.language.outcome_line(judgement.outcome.word, bounds, judgement.as_of)
            if stands != before:
                print(painted("bold", stands))
            before = stands
            question = next(self.open(judgement), None)
            if question is None or not self.answered(question):
                return

    def open(self, judgement: "engine.Judgement") -> "Iterator[engine.QuestionPart]":
        """The questions that are open and were not skipped."""
        for question in self.pdp.asking(judgement, self.lang, self.skipped | self.apart, listed=False):
            if question.fact not in self.skipped:
                yield question

    def answered(self, question: "engine.QuestionPart") -> bool:
        """Ask until there is an answer that the exchange can have, or the question is skipped; false where the person ends it."""
        import engine
        from service.drafts.answers import GROUP, NONE, value_of, with_none, with_said

        type = self.bundle.vocabulary.type_of(question.fact)
        print()
        print(fill(question.question))
        for number, value in enumerate(question.values, 1):
            print(f"  {number:>3}  {self.book.value(type, value) if type else value}")
        while True:
            try:
                said = input("> ").strip()
            except EOFError:
                return False
            if said in QUIT:
                return False
            if said == HELP:
                print(fill(f"{question.fact}: {_how(question)}", "  "))
                continue
            if said in SKIPPED:
                self.skipped.update(question.facts or [question.fact])
                return True
            if question.type == GROUP and said == SOME:
                self.apart.update(question.facts)
                return True
            try:
                if question.type != GROUP:
                    changed = with_said(self.bundle, self.document, question, value_of(question, said))
                elif said == NONE:
                    changed = with_none(self.document, question)
                else:
                    raise ValueError("that is neither none nor some")
                self.exchange = self.read(changed)
            except engine.ExchangeRefused as refused:
                print(problems(refused, self.lang))
                continue
            except ValueError as wrong:
                print(f"  {wrong}; {_how(question)}")
                continue
            self.document = changed
            self.save()
            return True

    def save(self) -> None:
        from service.cli.files import put

        put(self.file, json.dumps(self.document, ensure_ascii=False, indent=2).encode() + b"\n")


def _how(question: "engine.QuestionPart") -> str:
    """How an answer is written."""
    from service.drafts.answers import answer_kind

    return {
        "several": "one or more of the numbers or values, separated by commas; `none` for none of them",
        "one": "one of the numbers or values",
        "yes/no": "`yes` or `no`",
        "count": "a whole number, or a range like `100-5000`",
        "ratio": "a share like `0.25`",
        "money": "an amount and a currency, like `20000 USD`",
        "quantity": "a number and a unit, like `120 kWh` or `5e24 FLOP`",
        "date": "a day like `2026-11-24`",
        "duration": "a length of time like `3 years`",
        "group": "`none` if there is nothing of it, else `some`: then each part is asked",
        "document": "`none`, or the day of the document, like `2026-11-24`; it then counts as covering this exchange",
        "id": "an id or a value",
    }[answer_kind(question.type, bool(question.values))]
