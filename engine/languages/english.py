"""
Decisions in English.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date

from engine.decision import (
    AdvicePart,
    BeatenPart,
    BoundsPart,
    CarriedPart,
    DutyPart,
    EnginePart,
    InstrumentPart,
    JurisdictionPart,
    LanePart,
    MeansPart,
    NotModelledPart,
    ReasonPart,
    RequirementPart,
    StatementPart,
)
from engine.languages.english_titles import (
    COUNTRY,
    VERB,
    WHERE,
    is_or_are,
    is_plural,
    place_in_sentence,
    where_sentence,
    with_article,
)
from engine.languages.grammar import MOST_OF_A_GROUP
from engine.languages.language import Language
from engine.values import MOST_LISTED, Duration, Number
from engine.values.outcome_levels import Level

# The words for a comparison, and for its opposite.
_COMPARISONS = {
    "at_least": ("at least", "less than"),
    "at_most": ("at most", "more than"),
    "more_than": ("more than", "at most"),
    "less_than": ("less than", "at least"),
    "within": ("within the last", "not within the last"),
    "older_than": ("older than", "not older than"),
}
_FEW = {("at most", "0"): "no", ("less than", "1"): "no", ("more than", "0"): "some", ("at least", "1"): "some"}
_MONTHS = (
    "January", "February", "March", "April", "May", "June",
    "July", "August", "September", "October", "November", "December",
)  # fmt: skip
_DAYS = {"at_least": ("on or after", "before"), "at_most": ("on or before", "after")}
_NAMED = 3  # places that a sentence names


# One word for one code.
class English(Language):
    code = "en"
    # Putting together

    def listed(self, texts: Sequence[str], more: int) -> str:
        return "; ".join(texts) + (f"; and {more:,} more" if more else "")

    def one_after_another(self, sentences: Sequence[str]) -> str:
        return " ".join(sentences)

    def joined(self, names: Sequence[str]) -> str:
        return " and ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def either(self, names: Sequence[str]) -> str:
        return " or ".join([", ".join(names[:-1]), names[-1]] if len(names) > 1 else names)

    def both(self, tests: Sequence[str]) -> str:
        return " and ".join(tests)

    def alternatives(self, tests: Sequence[str]) -> str:
        return "either " + ", or ".join(tests)

    def clause(self, text: str) -> str:
        return text.rstrip(".")

    def small(self, title: str) -> str:
        # An acronym stays as it is.
        return title[:1].lower() + title[1:] if title[1:2].islower() else title

    def instrument(self, title: str) -> str:
        return title

    def citation(self, text: str) -> str:
        return text

    def source(self, instrument: str, citation: str) -> str:
        return f"{instrument}, {citation}"

    def cited(self, text: str, sources: Sequence[str]) -> str:
        return f"{text} ({'; '.join(sources)})"

    # Values and titles

    def day(self, day: date) -> str:
        return day.isoformat()

    def day_in_words(self, day: date) -> str:
        return f"{day.day} {_MONTHS[day.month - 1]} {day.year}"

    def duration(self, length: Duration, calendar: str) -> str:
        return str(length)

    def span(self, low: Number, high: Number | None) -> str:
        return f"{low:,} or more" if high is None else f"{low:,} to {high:,}"

    def sums(self, low: str, high: str | None) -> str:
        return f"{low} or more" if high is None else f"{low} to {high}"

    def no_value(self, known: bool) -> str:
        return "none" if known else self.word("truth", "unknown")

    def other_members(self, alone: bool) -> str:
        return "each of them" if alone else "all others"

    def lies_elsewhere(self, place: str, title: str, country: str, stated: str, choices: Sequence[str]) -> str:
        here, listed = place_in_sentence(stated), ", ".join(choices)
        if not country:
            return f"`{place}` ({title}) is no answer in {here}, where everybody is in one of these places: {listed}"
        said = f"`{place}` ({title}) lies in {place_in_sentence(country)}, not in {here}"
        return (
            f"{said}; of places there, {listed} can be sent"
            if choices
            else f"{said}; no place is told apart there, so leave it out"
        )

    # What a refusal proposes

    def titled(self, text: str, titles: Sequence[str]) -> str:
        return f"{text} ({', '.join(titles)})" if titles else text

    def one_of_these(self, title: str, members: Sequence[str]) -> str:
        listed = ", ".join(f"`{each}`" for each in members[:MOST_OF_A_GROUP])
        return f"one of the {len(members)} of “{title}”: {listed}{', …' if len(members) > MOST_OF_A_GROUP else ''}"

    def no_value_of(self, word: str, of: str, values: Sequence[str], meant: Sequence[str], fact: str) -> str:
        if len(values) > MOST_LISTED:
            said = f"`{word}` is not one of the {len(values)} values of `{of}`"
            return f"{said}; {_meant(meant)}" if meant else f"{said}; `fifthfactor facts {fact}` lists them"
        said = f"`{word}` is not one of {', '.join(f'`{each}`' for each in values)}"
        return f"{said}; {_meant(meant)}" if meant else said

    def no_fact(self, name: str, meant: Sequence[str]) -> str:
        said = f"an exchange has no fact `{name}`"
        return f"{said}; {_meant(meant)}" if meant else f"{said}; leave it out, or look for one with `fifthfactor facts WORD`"

    def write_so(self, said: str, forms: Sequence[str]) -> str:
        return f"{said}; write {' or '.join(forms)}" if forms else said

    # Tests

    def test(self, name: str, op: str, kind: str, targets: Sequence[str], negated: bool, listed: bool) -> str:
        target, denied = self.either(targets), "not " if negated else ""
        only = "only " if op == "only" else ""
        if op == "only" and not targets:
            return self.headed(name, "some" if negated else "none")
        if op in ("is", "in", "has", "only"):
            target = self.either([place_in_sentence(each) for each in targets])
            if where := WHERE.fullmatch(name) or COUNTRY.fullmatch(name):
                return where_sentence(where.groupdict(), denied, only, target)
            if name.startswith("how "):
                return self.headed(name, f"{denied}{only}{target}")
            if op == "has":
                verbs = ("include", "do not include") if is_plural(name) else ("includes", "does not include")
                return f"{name} {verbs[negated]} {target}"
            return f"{name} {is_or_are(name)} {denied}{only}{'among ' if op == 'in' else ''}{target}"
        words = (_DAYS if kind == "date" and op in _DAYS else _COMPARISONS)[op][negated]
        if kind == "count" and is_plural(name):
            few = _FEW.get((words, target))
            return f"{few or words.replace('less', 'fewer') + ' ' + target} {name}"
        return f"{name} {is_or_are(name)} {words} {target}"

    def yes_no(self, name: str, yes: bool) -> str:
        verb = VERB.search(name)
        if verb is None:
            return self.headed(name, self.truth(yes))
        return name if yes else f"{name[: verb.end()]}{'' if verb[0] == 'can' else ' '}not{name[verb.end() :]}"

    def same(self, name: str, other: str, negated: bool) -> str:
        return f"{name} {is_or_are(name)} {'not ' if negated else ''}the same as {other}"

    def of_sets(self, name: str, op: str, other: str, negated: bool) -> str:
        verb, rest = {"only": ("stay", "within"), "has_all": ("cover", "all of"), "has": ("overlap", "with")}[op]
        if negated:
            return f"{name} {'do' if is_plural(name) else 'does'} not {verb} {rest} {other}"
        return f"{name} {verb}{'' if is_plural(name) else 's'} {rest} {other}"

    def shown(self, name: str, claim: bool, negated: bool) -> str:
        return f"{name} {is_or_are(name)} {'not ' if negated else ''}{'relied on and shown' if claim else 'shown'}"

    def in_register(self, name: str, known: bool) -> str:
        return f"{name} is {'' if known else 'not '}in the register"

    # What the register says otherwise

    def contradicted(self, facts: str, book: str) -> str:
        return f" The {book or 'register'} contradicts what was stated: {facts}."

    def disputed(self, level: Level, facts: str, reasons: str, book: str) -> str:
        stop = {
            Level.REQUIREMENTS_UNMET: "Do not proceed yet",
            Level.REVIEW: "Do not proceed before a person has looked at it",
        }.get(level, "Do not proceed")
        why = f" So this may apply: {reasons}." if reasons else ""
        said = f"the {book or 'register'} contradicts what was stated, and the stricter of both counts"
        return f"{stop}: {said}: {facts}.{why}"

    def disputed_line(self, kind: str, entity: str, version: int | None, title: str, value: str) -> str:
        by = f"{kind or 'entity'} of `{entity}`{f', version {version}' if version else ''}"
        return self.headed(title, f"{value} ({by})")

    # The answer

    def permitted(self, places: Sequence[str]) -> str:
        return f"This may go ahead{self._under(places)}."

    def permitted_with_duties(self, places: Sequence[str], number: int, duties: str) -> str:
        return f"This may go ahead{self._under(places)}, with {_count(number, 'duty', 'duties')}: {duties}."

    def headed_by(self, law: str, subject: str, statement: str) -> str:
        return f"{law} on {subject} (coverage {statement})"

    def unmet(self, number: int, needed: str) -> str:
        return f"Do not proceed yet: {_count(number, 'thing is', 'things are')} required and not shown: {needed}."

    def review(self, reasons: str, questions: Sequence[str]) -> str:
        first = f" First answer: {' '.join(questions)}" if questions else ""
        return f"Do not proceed before a person has looked at it: {reasons}.{first}"

    def no_exemption(self, for_good: bool) -> str:
        nothing = " Nothing makes this exchange lawful as it is."
        return nothing if for_good else " No exemption helps; the exchange itself would have to change."

    def not_applicable(self, left_alone: str) -> str:
        said = f": {left_alone}" if left_alone else ""
        return f"No law that is modelled here speaks of this exchange, and that is not a permit{said}."

    def left_alone(self, place: str, subject: str, because: str) -> str:
        return f"the law of {place} on {subject} does not reach it{f' ({because})' if because else ''}"

    def undecided(self, places: Sequence[str], low: Level, high: Level, questions: Sequence[str], more: int) -> str:
        under = f" under the law of {self._few(places, 'other place')}" if places else ""
        levels = f"anything from {self.level(low.word)} to {self.level(high.word)}"
        if not questions:
            return f"Not decided{under}: it can be {levels}."
        also = f" {_count(more, 'more fact is', 'more facts are')} open."
        return f"Not decided{under}: the answers below can make it {levels}. {' '.join(questions)}{also if more else ''}"

    def elsewhere(self, places: Sequence[str], others: Sequence[str], beside: bool) -> str:
        number = f"{len(places)} {'other ' if beside else ''}places"
        law = f"the law of {self.joined(places) if len(places) <= _NAMED else number}"
        said = self.joined([*([law] if places else []), *others])
        return f"{said[:1].upper()}{said[1:]} may apply through facts that are not given."

    def _few(self, names: Sequence[str], what: str) -> str:
        """The first of some names, and how many more there are."""
        more = len(names) - _NAMED
        return self.joined([*names[:_NAMED], *([_count(more, what, f"{what}s")] if more > 0 else [])])

    def to_everyone(self, stays_open: Sequence[str]) -> str:
        said = " The recipient is the public, anywhere: what the law says of any party counts."
        return f"{said} What nobody can find out of everybody stays open: {self.joined(stays_open)}." if stays_open else said

    def _under(self, places: Sequence[str]) -> str:
        return f" under the law of {self.joined(places)}" if places else ""

    # What came with the data

    def carried_beside(self, state: str, condition: str, origin: str) -> str:
        state = "not known to be met" if state == "unknown" else state
        return f" A condition that came with the data (from {origin}) is {state}: {condition}."

    def carried_violated(self, prohibited: bool, condition: str, origin: str) -> str:
        stop = "Do not proceed" if prohibited else "Do not proceed before a person has looked at it"
        return f"{stop}: this exchange does not meet a condition that came with the data (from {origin}): {condition}."

    # Plans

    def plan_held_back(self, leg: str, answer: str, others: int) -> str:
        more = f" {_count(others, 'other leg holds', 'other legs hold')} it back as well." if others else ""
        return f"Leg {leg} holds this plan back. {answer}{more}"

    def plan_whole(self, first: str, leg: str, outcome: str, sources: Sequence[str]) -> str:
        together = f"From the exporter of leg {first} to the recipient of leg {leg}"
        by = f" ({'; '.join(sources)})" if sources else ""
        return f"{together} this is {outcome}{by}." if outcome else f"{together} facts decide whether it may go ahead{by}."

    # Why a person must look

    def otherwise(self, outcome: str) -> str:
        what = "the exchange is prohibited" if outcome == "prohibited" else "a person must review the exchange"
        return f"Where none of its provisions speaks, {what}"

    def not_modelled(self, place: str, subject: str, roles: Sequence[str], since: date | None = None) -> str:
        about = f" on {subject}" if subject else ""
        before = f" before {self.day(since)}" if since else ""
        return f"the law of {place}{about} is not modelled here{before}, and {self._present(roles)} there"

    # Beside the answer

    def conflict(self, source: str, what: str, law: str, refusing: str, compels: bool, refuses: bool) -> str:
        does, refused = "compels" if compels else "may compel", "is" if refuses else "may be"
        return f"{source} {does} it ({what}); it {refused} refused under {law}: {refusing}."

    def open_lane(self, lanes: Sequence[str], low: Level) -> str:
        opened = "Lanes are open" if len(lanes) > 1 else "A lane is open"
        return f"{opened} ({self.joined(lanes)}), but a lane lifts no law: the outcome stays {self.level(low.word)}."

    def ask_besides(self, said: Sequence[str], question: str) -> str:
        return f"Besides {self.joined([f'“{each}”' for each in said])}, {self.small(question)}"

    def ask_narrower(self, title: str, meant: Sequence[str], choices: Sequence[str], several: bool) -> str:
        said = self.joined([f"“{each}”" for each in meant])
        if not choices:
            return f"What exactly is meant by {said} ({title})?"
        if several:
            return f"What exactly is meant by {said} ({title})? Name all of these that apply: {'; '.join(choices)}."
        return f"What exactly is meant by {said} ({title}): {'; '.join(choices)}?"

    # Remedies

    def change(self, title: str, old: str, new: str, alike: bool) -> str:
        also = ", or another value that the rules treat alike" if alike else ""
        return f"Change: {title},{f' from {old}' if old else ''} to {new}{also}."

    def obtain(self, title: str, step: str, fields: Sequence[tuple[str, str]]) -> str:
        said = [self.texts["field_values"][field].format(value) for field, value in fields]
        return f"{self.texts['steps'][step]}: {title}, {self.joined(said)}."

    # Why an outcome ends

    def has_come(self, title: str, day: date) -> str:
        return f"{with_article(title)} ({day}) has come"

    def has_passed(self, title: str, day: date) -> str:
        return f"{with_article(title)} ({day}) has passed"

    def has_run(self, title: str, length: str, day: date) -> str:
        return f"{length} {'has' if length.startswith('1 ') else 'have'} passed since {with_article(title)} ({day})"

    # A decision line by line, for a person at a desk

    def outcome_line(self, outcome: str, bounds: BoundsPart, as_of: date) -> str:
        between = f" ({self.level(bounds.lowest)} to {self.level(bounds.highest)})" if outcome == "undetermined" else ""
        return f"{self.level(outcome)}{between}, as of {as_of}"

    def jurisdiction_line(self, part: JurisdictionPart) -> str:
        return self.headed(part.title, self.level(part.outcome))

    def instrument_line(self, part: InstrumentPart) -> str:
        return self.headed(part.title, self.level(part.outcome))

    def reason_line(self, part: ReasonPart) -> str:
        about = f"{', '.join(self.kind(part.force, part.mark))}; {self.word('effect', part.effect)}"
        text = f"{part.title} - {part.instrument}, {part.citation} ({about}) at {part.at}"
        return self.certainly(part.standing == "certain", text)

    def because_line(self, tests: Sequence[str]) -> str:
        return f"because {'; '.join(tests)}"

    def beaten_line(self, part: BeatenPart) -> str:
        doubt = " (in doubt, so a person must look at it)" if part.doubtful else ""
        return f"{part.provision}, exempted by {self.joined(part.by)}{doubt}"

    def requirement_line(self, part: RequirementPart) -> str:
        met = f" (met by {', '.join(part.met_by)})" if part.met_by else f" - {part.how}"
        return self.headed(self.word("requirement", part.state), f"{part.title}{met}")

    def means_line(self, part: MeansPart, lacking: Sequence[str]) -> str:
        ends = "leads to a permit" if part.to_yes else "leaves a review" if part.doubtful else ""
        wanted = f"lacks {self.listed(lacking, more=0)}" if lacking else "lacks nothing"
        return f"{part.title} ({part.citation}): {wanted}{f'; {ends}' if ends else ''}"

    def duty_line(self, part: DutyPart) -> str:
        due = f", by {part.due}" if part.due else ""
        late = f", {self.word('overdue', part.overdue)}" if part.overdue != "no" else ""
        keep = f", keep the proof for {part.keep}" if part.keep else ""
        return self.certainly(part.certain, self.headed(part.who, f"{part.duty} ({part.under}{due}{late}{keep})"))

    def statement_line(self, title: str, part: StatementPart) -> str:
        alone = part.without not in ("permitted", "permitted_with_obligations")
        without = f"without it perhaps {self.level(part.without)}" if alone else "decides only together with others"
        return f"{title} ({self.word('statement', part.source)}): {without}"

    def ordinary_facts(self, count: int) -> str:
        return f"{count} ordinary {'fact' if count == 1 else 'facts'} (`--json` lists them)"

    def carried_line(self, part: CarriedPart) -> str:
        source = f"{part.instrument}, {part.citation}; from {part.from_}"
        return self.headed(self.word("carried", part.state), f"{part.condition} ({source})")

    def advice_line(self, part: AdvicePart) -> str:
        return f"{part.advice} ({part.provision}, {part.citation}; {', '.join(self.kind(part.force, part.mark))})"

    def lane_line(self, part: LanePart) -> str:
        about = f"{part.provision}, {part.citation}; {', '.join(self.kind(part.force, part.mark))}"
        text = self.headed(self.word("lane", part.state), f"{part.title} ({about})")
        if part.state == "possible":
            return f"{text}; facts are missing (`--json` lists what would open it)"
        if part.closed_by:
            text += f"; closed by {', '.join(part.closed_by)}"
        all_ = "all of these hold: " if len(part.opens_when) > 1 else ""
        return text + (f"; opens when {all_}{'; '.join(part.opens_when)}" if part.opens_when else "")

    def account_line(self, account: str, title: str, value: str) -> str:
        return self.headed(f"{account}, {title}", value)

    def ratio(self, of: str, to: str, ratio: str, within: str) -> str:
        return f"{of} is {ratio} times {to}{f': {within}' if within else ''}"

    def no_ratio(self, of: str, to: str, within: str) -> str:
        return f"there is no ratio of {of} to {to}{f': {within}' if within else ''}"

    def highest(self, value: str, signals: Sequence[str], more: bool) -> str:
        others = ", and perhaps others, so it may be higher" if more else ""
        return f"{value}, the highest of {len(signals)} {'signal' if len(signals) == 1 else 'signals'} ({', '.join(signals)}){others}"

    def validity(self, document: str, state: str, last: date | None, day: date) -> str:
        return f"{document}: {state} on {day}{f' (last day {last})' if last else ''}"

    def right(self, right: str, reach: Sequence[str], by: str, sure: bool) -> str:
        return f"{right} ({', '.join(reach)}; by {by}{'' if sure else ', not proven'})"

    def grant(self, id: str, reach: Sequence[str]) -> str:
        return f"{id} ({', '.join(reach)})"

    def rights_held(self, rights: Sequence[str], more: int, complete: bool) -> str:
        told = self.listed(rights, more=more) if rights else "the book shows none"
        return told if complete else f"{told}; the book may lack some"

    def rights_conveyed(self, rights: Sequence[str], reach: Sequence[str]) -> str:
        return f"{self.joined(rights)} ({', '.join(reach)})" if rights else "none"

    def rights_beyond(self, limits: Sequence[str], more: bool) -> str:
        if not limits:
            return "not known"
        return f"{self.joined(limits)}{', and perhaps others' if more else ''}"

    def rights_granted(self, grants: Sequence[str], more: int, certain: bool) -> str:
        return f"{'by' if certain else 'perhaps by'} {self.listed(grants, more=more)}"

    def reach_line(self, place: str, subject: str, certain: bool) -> str:
        return self.certainly(certain, f"{self.headed(place or 'an unknown country', subject)}, so a person must look at it")

    def gap_line(self, place: str, subject: str, part: NotModelledPart) -> str:
        law = self.headed(place or "an unknown country", subject or "every subject matter")
        reviewed = ", so a person must look at it" if part.reviewed else ""
        return self.certainly(part.certain, f"{law} ({self._present(part.touched_as)} there){reviewed}")

    def engines_line(self, part: EnginePart, bundle: str) -> str:
        agreed = self.word("engines", "yes" if part.agreed else "no")
        return f"{self.joined(part.engines)} ({agreed}), version {part.version}, bundle {bundle}"

    def _present(self, roles: Sequence[str]) -> str:
        """`the exporter and the people concerned are`."""
        verb = "are" if len(roles) > 1 or "people" in roles else "is"
        return f"{self.joined([f'the {self.role(role)}' for role in roles])} {verb}"


def _count(number: int, one: str, many: str) -> str:
    return f"{number} {one if number == 1 else many}"


def _meant(forms: Sequence[str]) -> str:
    """What a sender may mean."""
    return f"did you mean {' or '.join(forms)}?"
