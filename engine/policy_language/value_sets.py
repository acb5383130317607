"""
The value sets of a vocabulary: what lies under what, what other files add, which places lie in which country.

Whatever could let a value escape a test of the law is a finding: a value that is under no other, a circle, a broad value for which nobody
can say that it is none of the narrower ones.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence

from engine.policy_language.diagnostic import Span, did_you_mean
from engine.policy_language.document_text import Text
from engine.policy_language.fact_text import MoreValueText, ValueSetText, ValueText
from engine.policy_language.tree import locate
from engine.policy_language.written_vocabulary import WrittenVocabulary
from engine.values import MAX_TEXT, ValueSet

UNSENDABLE = ("unknown", "left out")  # words that say there is no value


class ValueSets:
    """The value sets of one vocabulary, read from its words."""

    def __init__(self, words: WrittenVocabulary) -> None:
        self.words = words
        self.values: dict[str, ValueSet] = {}

    def read(self) -> dict[str, ValueSet]:
        """Each value set by its name."""
        for name, text in self.words.text.values.items():
            self.values[name] = self.value_set(name, text)
        for name, text in self.words.text.values.items():
            self.places(name, text)
        for name in self.words.more.keys() - self.words.text.values.keys():
            help = did_you_mean(name, self.words.text.values) or "define a new set under `values:`"
            at = self.words.spans["more_values", name]
            self.words.findings.error(at, "unknown-value-set", f"there is no value set `{name}` to add to", help=help)
        return self.values

    def value_set(self, name: str, text: ValueSetText) -> ValueSet:
        parents: dict[str, tuple[str, ...]] = {}
        exact = set()
        if text.open == "yes":
            said, help = f"`{name}` takes any text, so a misspelt value would count", "list every value, and drop `open: yes`"
            self.words.findings.error(self.words.spans["values", name], "free-text", said, help=help)
        nothing: list[str] = []
        also = {}
        country = {}
        everything: list[str] = []
        entries: list[tuple[str, ValueText | MoreValueText]] = []
        written = self.written(name, text)
        for value in written:
            entry = written[value]
            if isinstance(entry, str):
                entry = ValueText(title=Text(en=entry, zh=None))
            under = entry.under or []
            parents[value] = (under,) if isinstance(under, str) else tuple(under)
            if len(parents[value]) > 1 and not all(_stands_alone(written.get(parent)) for parent in parents[value]):
                said = f"`{value}` lies under {' and '.join(f'`{parent}`' for parent in parents[value])}"
                help = "keep the one that it is a kind of; a rule that means the other as well names both"
                self.words.findings.error(self.place_of(name, value), "two-parents", said, help=help)
            if entry.exact == "yes":
                exact.add(value)
            if entry.nothing == "yes":
                nothing.append(value)
            if entry.everything == "yes":
                everything.append(value)
            entries.append((value, entry))
            also[value] = [*entry.also, *self.within(name, value), *self.said(name, text, value)]
            for spelling in entry.also:
                if spelling in written:
                    said = f"`{spelling}` is a value itself, so nobody writes it for `{value}`"
                    self.words.findings.error(self.place_of(name, value), "duplicate-id", said, help="drop it from `also`")
            if entry.in_:
                country[value] = entry.in_
        span = self.words.spans["values", name]
        for value, added in self.added(name, text):
            parents[value] = (added.under,)
            also[value] = self.said(name, text, value)
            entries.append((value, added))
        rest = {value for value, entry in entries if entry.rest == "yes"}
        for value in parents.keys() - set(written):  # what another file adds under a place lies in its country
            for place in [each for each in written if each in country and _lies_under(value, each, parents)]:
                country[value] = country[place]
        self.words.no_value_twice(("values", name), "values", text.values)
        for value, above in parents.items():
            at = self.place_of(name, value)
            if value in UNSENDABLE or not 0 < len(value) <= MAX_TEXT:
                self.words.findings.error(
                    at, "bad-id", f"an exchange cannot send `{value[:40]}`", "not a value", "give it another name"
                )
            for parent in above:
                if parent not in parents and parent not in self.words.more.get(name, ()):
                    self.words.findings.error(
                        span, "unknown-value", f"`{value}` lies under `{parent}`, which is not a value of `{name}`"
                    )
            if _lies_under(value, value, parents):
                self.words.findings.error(at, "cycle", f"`{value}` lies under itself", help="break the circle of `under`")
        if not any(_lies_under(value, value, parents) for value in parents):
            self.everything_can_be_said(name, parents, exact, rest)
        self.stand_alone(name, "nothing", "nothing applies", nothing, parents)
        self.stand_alone(name, "everything", "everything applies", everything, parents)
        return ValueSet(
            name,
            parents,
            ordered=text.ordered == "yes",
            exact=frozenset(exact),
            rest=frozenset(rest),
            titles={value: entry.title.words for value, entry in entries if entry.title},
            title=text.title.en,
            also=also,
            inside=text.inside or "",
            country=country,
            complete=frozenset(text.complete),
            nothing=nothing[0] if nothing else "",
            everything=everything[0] if everything else "",
            since={value: entry.since for value, entry in entries if entry.since is not None},
            dpv={value: entry.dpv for value, entry in entries if entry.dpv},
            dpv_broader={value: entry.dpv_broader for value, entry in entries if entry.dpv_broader},
        )

    def written(self, name: str, text: ValueSetText) -> Mapping[str, ValueText | str]:
        """The values of a set as they are written, first those of the set that it includes."""
        own = text.values if isinstance(text.values, dict) else {value: ValueText() for value in text.values}
        if text.includes is None:
            return own
        included = self.words.text.values.get(text.includes)
        if included is None or included.includes is not None or included.ordered == "yes":
            said = f"`{text.includes}` is not a value set whose values another can have too"
            help = did_you_mean(text.includes, self.words.text.values)
            self.words.findings.error(self.words.spans["values", name], "unknown-value-set", said, help=help)
            return own
        theirs = included.values if isinstance(included.values, dict) else {value: ValueText() for value in included.values}
        for value in own.keys() & theirs.keys():
            said = f"`{value}` is a value of `{text.includes}` already"
            self.words.findings.error(self.place_of(name, value), "duplicate-id", said, help="keep one of the two")
        return {**theirs, **own}

    def said(self, name: str, text: ValueSetText, value: str) -> list[str]:
        """What people call a value, in this set and in the one that it includes."""
        return [word for each in (name, text.includes or "") for word in self.words.said.get(each, {}).get(value, ())]

    def stand_alone(
        self, name: str, key: str, says: str, marked: Sequence[str], parents: Mapping[str, tuple[str, ...]]
    ) -> None:
        """Report values that say that nothing, or everything, applies where they cannot."""
        for value in marked:
            at = locate(self.words.nodes["values", name], ("values", value, key))[0].span
            if value != marked[0]:
                said = f"`{marked[0]}` says already that {says}"
                self.words.findings.error(at, "bad-value", said, help=f"mark one value of a set with `{key}: yes`")
            elif parents[value] or any(value in above for above in parents.values()):
                said = f"`{value}` says that {says}, so it is no kind of another value, and none is a kind of it"
                self.words.findings.error(at, "bad-value", said, help=f"drop `under`, or `{key}`")

    def within(self, name: str, country: str) -> Iterator[str]:
        """The spellings of the places in a country: who writes one of them for the country means this one."""
        for text in self.words.text.values.values():
            for place, entry in text.values.items() if text.inside == name and isinstance(text.values, dict) else ():
                if isinstance(entry, ValueText) and entry.in_ == country:
                    titles = [each for each in (entry.title.en, entry.title.zh) if each] if entry.title else []
                    yield from (place, *titles, *entry.also)

    def places(self, name: str, text: ValueSetText) -> None:
        """Report places that lie nowhere, and countries in which not everybody could say where she is (semantics 1.6)."""
        values, at = self.values[name], self.words.spans["values", name]
        around = self.values.get(text.inside or "")
        if around is None:
            if text.inside:
                help = did_you_mean(text.inside, self.values)
                self.words.findings.error(at, "unknown-value-set", f"`inside: {text.inside}` is not a value set", help=help)
            elif values.country or values.complete:
                said = f"values of `{name}` lie in countries, but the set lies inside no set"
                self.words.findings.error(at, "missing-key", said, help="add `inside:` with the value set of the countries")
            return
        if values.rank:
            self.words.findings.error(at, "ill-typed", f"`{name}` has places, which have no order", help="drop `ordered`")
        if any(len(line) > 1 for line in around.lineage.values()):
            said = f"`{name}` lies inside `{around.name}`, in which values lie under others"
            self.words.findings.error(at, "ill-typed", said, help="places lie inside a set without `under`")
        for value, country in values.country.items():
            if country not in around.lineage:
                said = f"`{value}` lies in `{country}`, which is not a value of `{around.name}`"
                self.words.findings.error(self.place_of(name, value), "unknown-value", said, help=around.did_you_mean(country))
        for value, line in values.lineage.items():
            if any(values.country.get(above) != values.country.get(value) for above in line & values.lineage.keys()):
                said = f"`{value}` lies in another country than what it lies under"
                self.words.findings.error(self.place_of(name, value), "bad-value", said, help="correct `in` or `under`")
        inhabited = frozenset(values.country.values())
        for country in sorted(values.complete - inhabited):
            self.words.findings.error(
                at, "unknown-value", f"no value of `{name}` lies in `{country}`", help="drop it from `complete`"
            )
        if len(values.country) == len(values.values):
            for country in sorted(inhabited - values.complete):
                said = f"who is in `{country}`, but in none of its places, has nothing to say"
                help = "add a value without `in`, or name the country under `complete` if these are all its places"
                self.words.findings.error(at, "bad-value", said, help=help)

    def place_of(self, name: str, value: str) -> Span:
        """Where a value is written: in its set, or where another file adds it."""
        written = locate(self.words.nodes["values", name], ("values", value))[1]
        return self.words.spans.get(("more_values", f"{name}/{value}"), written)

    def everything_can_be_said(
        self, name: str, parents: Mapping[str, tuple[str, ...]], exact: Collection[str], rest: Collection[str]
    ) -> None:
        """Report each value for which nobody can say that it is none of the values under it, and each that says so out of place."""
        under: dict[str, list[str]] = {}
        for value, above in parents.items():
            for parent in above:
                under.setdefault(parent, []).append(value)
        for value in parents:
            below = under.get(value, [])
            # What is missing below a value of the set is missing where values were added.
            added = bool(below) and below[0] in self.words.more.get(name, ())
            at = self.place_of(name, below[0] if added else value)
            saying = [each for each in below if each in rest]
            if value in rest and ((below and not added) or not parents[value]):
                why = "has values below it" if below else "lies under no other value"
                self.words.findings.error(at, "bad-rest", f"`{value}` is marked `rest` and {why}", help="drop `rest: yes`")
            elif value in exact and saying:
                said = f"`{value}` is exact, so it means none of the values below it, as `{saying[0]}` does"
                self.words.findings.error(at, "bad-rest", said, help=f"drop `exact: yes`, or drop `{saying[0]}`")
            elif len(saying) > 1:
                said = f"`{saying[0]}` and `{saying[1]}` both say that `{value}` is none of the others below it"
                self.words.findings.error(at, "bad-rest", said, help="keep one of the two")
            elif below and value not in exact and not saying:
                said = f"nobody can say `{value}` and none of {', '.join(f'`{each}`' for each in below[:4])}"
                help = f"add a value `under: {value}` with `rest: yes`" + (
                    "" if added else f", or mark `{value}` as `exact: yes`"
                )
                self.words.findings.error(at, "no-rest", said, "has values below it", help)

    def added(self, name: str, text: ValueSetText) -> Iterator[tuple[str, MoreValueText]]:
        """
        The values that other files add to a set; each that cannot be added is a finding.

        INVARIANT (to the law, an added value is the one that it lies under): that one has no narrower value in the set itself. So every
        test of the law reads the two alike, and none that was settled becomes lenient. A value beside the law's own, under none of them,
        would escape every list of them.
        """
        entries = text.values if isinstance(text.values, dict) else {}
        marked = {value: entry for value, entry in entries.items() if isinstance(entry, ValueText)}
        above = {value: entry.under or [] for value, entry in marked.items()}
        exact = {value for value, entry in marked.items() if "yes" in (entry.exact, entry.nothing)}
        broad = {parent for under in above.values() for parent in ([under] if isinstance(under, str) else under)}
        used = {touch.fact for touch in self.words.text.touches}
        fixed = ""
        if text.ordered == "yes":
            fixed = "is ordered, and a rank cannot be added"
        elif any(fact.by == name for fact in self.words.text.facts.values()):
            fixed = "names the members of a family, and a member cannot be added"
        elif any(
            self.words.text.facts[fact].type.removeprefix("set of ") == name for fact in used & self.words.text.facts.keys()
        ):
            fixed = "names the countries that an exchange touches, and these are what coverage says"
        known = [*text.values, *self.words.more.get(name, {})]
        for value, added in self.words.more.get(name, {}).items():
            at = self.words.spans["more_values", f"{name}/{value}"]
            if fixed:
                self.words.findings.error(
                    at, "fixed-set", f"`{name}` {fixed}", help="define a value set and a fact of your own"
                )
            elif value in text.values:
                self.words.findings.error(
                    at, "duplicate-id", f"`{value}` is a value of `{name}` already", help="give yours another name"
                )
            elif added.under not in known:
                said = f"`{value}` lies under `{added.under}`, which is not a value of `{name}`"
                self.words.findings.error(at, "unknown-value", said, help=did_you_mean(added.under, known))
            elif added.under in exact | broad:
                why = "says that it is none that is narrower" if added.under in exact else "has narrower values"
                help = "put it under a value that may be narrower and has no narrower ones"
                self.words.findings.error(
                    at, "fixed-set", f"`{added.under}` {why}", f"nothing can be added under `{added.under}`", help
                )
            else:
                yield value, added


def _stands_alone(entry: ValueText | str | None) -> bool:
    """Whether whoever sends a value says that it is none of those below it, and nobody can send a wider one."""
    return isinstance(entry, ValueText) and entry.exact == "yes" and not entry.under


def _lies_under(value: str, above: str, parents: Mapping[str, tuple[str, ...]]) -> bool:
    """Whether one value lies under another, by however many steps."""
    seen: set[str] = set()
    todo = list(parents.get(value, ()))
    while todo:
        parent = todo.pop()
        if parent not in seen:
            seen.add(parent)
            todo += parents.get(parent, ())
    return above in seen
