"""
The pages of the policies: what is loaded, covered, tested, kept and tried beside goes in; pages come out.
"""

import json
import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import engine
from service.console.markdown_text import html_of
from service.console.pages import rendered
from service.console.policy_library import PolicyLibrary, PolicySummary
from service.console.reader import PageReader
from service.policies.case_runs import CaseResults
from service.policies.kept_bundles import StoredBundle
from service.policies.kept_differences import Comparison
from service.policies.shadow import Shadow

POLICIES = 60  # on a page
PROVISIONS = 12  # in full, on a page
CASES, NAMING = 40, 12  # of tests, on their own page, and on that of a provision
FAILED, PROBLEMS = 60, 8  # cases that fail, and what differs in each, that are told
IN_SHORT = 150  # provisions that are listed
CHANGES, MOVES = 80, 60  # of a difference that are shown
PAIRS = 20  # on a page
COUNTRIES = 40  # of a jurisdiction that are named
NOTES = ("refused", "disputed", "unread", "troubled", "erased")  # numbers of records of which an impact tells more

_OPEN = re.compile(r"(.+) \((.+) to (.+)\)")  # an outcome between two others, as an impact has it


@dataclass(frozen=True, slots=True)
class CoveredSubject:
    """What a jurisdiction's policies say of a subject matter: since when it is covered, None where it is not, and by which policies."""

    subject: str
    since: str | None
    partly: bool
    by: Sequence[str]


@dataclass(frozen=True, slots=True)
class ToldExchange:
    """One exchange of a pair: what it shows, the facts that set it apart, its answer; and whether one can begin with it."""

    case: str
    facts: Sequence[tuple[str, str]]
    outcome: str
    says: str
    can_begin: bool


def list_page(library: PolicyLibrary, asked: Mapping[str, str], first: int, reader: PageReader) -> str:
    """The list of instruments. `asked` are the filters of its address, `first` is the number of the first on the page."""
    found = list(_matching(library, asked, reader))
    shown = found[first : first + POLICIES]
    return _page(
        "policies.html",
        "/policies",
        reader,
        filters=asked,
        policies=[(each, reader.book.text(each.title), _marks(each, reader)) for each in shown],
        total=len(found),
        first=first,
        step=POLICIES,
        jurisdictions=sorted({each.jurisdiction for each in library.policies.values()}),
    )


def policy_page(library: PolicyLibrary, policy: str, first: int, reader: PageReader) -> str | None:
    """The page of one instrument: its brief, and a part of its provisions in full. None where there is no such instrument."""
    brief = library.brief(policy, reader.lang) if policy in library.policies else None
    if brief is None:
        return None
    shown = brief.provisions[first : first + PROVISIONS]
    short = [
        (name, library.provisions[f"{policy}/{name}"], library.effects[f"{policy}/{name}"]) for name, _ in brief.provisions
    ]
    return _page(
        "policy.html",
        f"/policies/{policy}",
        reader,
        filters={"first": first} if first else {},
        policy=library.policies[policy],
        heading=reader.book.text(library.policies[policy].title),
        head=html_of(brief.head),
        listed=[
            (name, reader.book.text(each.citation), reader.book.text(each.title), effect, each.status)
            for name, each, effect in short[:IN_SHORT]
        ],
        provisions=[(name, html_of(text)) for name, text in shown],
        total=len(brief.provisions),
        first=first,
        step=PROVISIONS,
        cases=len(library.cases(policy)),
    )


def provision_page(library: PolicyLibrary, policy: str, name: str, reader: PageReader) -> str | None:
    """The page of one provision; None where there is no such provision."""
    id = f"{policy}/{name}"
    brief = library.brief(policy, reader.lang) if id in library.provisions else None
    text = dict(brief.provisions).get(name) if brief else None
    if text is None:
        return None
    provision = library.provisions[id]
    naming = [case for case in library.cases(policy) if _names(case, policy, name)]
    return _page(
        "policy_provision.html",
        f"/policies/{policy}/{name}",
        reader,
        policy=library.policies[policy],
        provision=provision,
        heading=f"{reader.book.text(provision.citation)}: {reader.book.text(provision.title)}",
        instrument=reader.book.text(provision.instrument),
        body=html_of(text.partition("\n")[2]),
        cases=[_case(case, policy, reader) for case in naming[:NAMING]],
        more=max(0, len(naming) - NAMING),
    )


def tests_page(
    library: PolicyLibrary,
    policy: str,
    first: int,
    token: str,
    reader: PageReader,
    run: CaseResults | None = None,
    wrong: str = "",
) -> str | None:
    """
    The cases of one instrument; None where there is no such instrument. `token` is for the form that runs them, "" for whoever may not.

    With `run`, how they came out; `wrong` says why they were not run.
    """
    if policy not in library.policies:
        return None
    cases = library.cases(policy)
    results = run.results if run else ()
    return _page(
        "policy_tests.html",
        f"/policies/{policy}/-/tests",
        reader,
        filters={"first": first} if first else {},
        policy=library.policies[policy],
        instrument=reader.book.text(library.policies[policy].title),
        cases=[] if run else [_case(case, policy, reader) for case in cases[first : first + CASES]],
        total=len(cases),
        first=first,
        step=CASES,
        token=token,
        run=run,
        wrong=wrong,
        failed=[each for each in results if each.problems],
        passed=[each for each in results if not each.problems],
        most_failed=FAILED,
        most_problems=PROBLEMS,
        after=run.first + len(results) if run else 0,
    )


def coverage_page(library: PolicyLibrary, reader: PageReader) -> str:
    """Which jurisdictions cover which subject matters, by which policies, and what is left out."""
    vocabulary = library.bundle.vocabulary
    found = []
    for code, text in sorted(vocabulary.jurisdictions.items()):
        covers = [
            CoveredSubject(
                subject,
                None if each.partly == "yes" else each.from_.isoformat() if each.from_ else "",
                each.partly == "yes",
                [by for by in each.by if by.partition("/")[0] in library.policies],
            )
            for subject, each in text.covers.items()
        ]
        countries = [text.countries] if isinstance(text.countries, str) else list(text.countries)
        gaps = [subject for subject in vocabulary.subjects if subject not in text.covers] if countries else []
        if covers or countries:
            found.append((code, countries[:COUNTRIES], max(0, len(countries) - COUNTRIES), covers, gaps))
    return _page("policy_coverage.html", "/policies/coverage", reader, jurisdictions=found)


def pairs_page(library: PolicyLibrary, pairs: Mapping[str, engine.CasePair], first: int, token: str, reader: PageReader) -> str:
    """The pairs of exchanges whose answers differ because of a provision. `token` is for the forms that begin with one, "" for none."""
    shown = list(pairs.values())[first : first + PAIRS]
    return _page(
        "policy_pairs.html",
        "/policies/frameworks",
        reader,
        filters={"first": first} if first else {},
        pairs=[
            (pair, library.provisions[pair.of], [_told(pair, number, library, reader) for number in range(len(pair.cases))])
            for pair in shown
        ],
        total=len(pairs),
        first=first,
        step=PAIRS,
        token=token,
    )


def versions_page(
    kept: Sequence[StoredBundle],
    total: int,
    first: int,
    step: int,
    live: tuple[str, str],
    choices: Sequence[StoredBundle],
    reader: PageReader,
) -> str:
    """The policies that decided here. `choices` are those that can be compared, `live` are the digests of those that decide now."""
    return _page(
        "policy_versions.html",
        "/policies/versions",
        reader,
        filters={"first": first} if first else {},
        kept=kept,
        total=total,
        first=first,
        step=step,
        live=live,
        choices=choices,
    )


def difference_page(
    comparison: Comparison, asked: Mapping[str, str], old: StoredBundle, new: StoredBundle, reader: PageReader
) -> str:
    """What differs between two versions, as far as it is found."""
    found = comparison.found or {}
    return _page(
        "policy_difference.html",
        "/policies/difference",
        reader,
        filters=asked,
        comparison=comparison,
        old=old,
        new=new,
        found=found,
        changes=(found.get("changes") or [])[:CHANGES],
        more_changes=max(0, len(found.get("changes") or []) - CHANGES) + found.get("more_changes", 0),
        moves=(found.get("moves") or [])[:MOVES],
        more_moves=max(0, len(found.get("moves") or []) - MOVES) + found.get("more_moves", 0),
        all_moves=len(found.get("moves") or []) + found.get("more_moves", 0),
    )


def impact_page(
    comparison: Comparison, asked: Mapping[str, str], old: StoredBundle, new: StoredBundle, reader: PageReader
) -> str:
    """Which of the newest records would come out differently under the new version, as far as it is found."""
    found = comparison.found or {}
    return _page(
        "policy_impact.html",
        "/policies/impact",
        reader,
        filters=asked,
        comparison=comparison,
        old=old,
        new=new,
        found=found,
        notes=[(name, found[name]) for name in NOTES if found.get(name)],
        outcome=lambda told: _outcome(told, reader),
    )


def shadow_page(
    shadow: Shadow | None, moves: Sequence[Any], rows: Sequence[Any], paged: bool, following: str | None, reader: PageReader
) -> str:
    """What the shadow would change. `rows` are the differences on the page, `following` is the cursor of the next."""
    lists = [(row, *(list(json.loads(text)) for text in (row.only_live, row.only_shadow))) for row in rows]
    return _page(
        "policy_shadow.html", "/policies/shadow", reader, shadow=shadow, moves=moves, rows=lists, paged=paged, next=following
    )


def _told(pair: engine.CasePair, number: int, library: PolicyLibrary, reader: PageReader) -> ToldExchange:
    """One exchange of a pair as the page tells it: what its author expects of the answer, which a test holds to."""
    case, counts, words = pair.cases[number], number == 0, reader.words.policies
    rules = [rule for rule in library.bundle.rules.rules if rule.provision.id == pair.of]
    match pair.differs:
        case "lane":
            lanes = library.bundle.vocabulary.lanes
            said = [
                words["lane_open" if counts else "lane_closed"].format(reader.book.text(lanes[rule.lane].title))
                for rule in rules
                if rule.lane
            ]
        case "duty":
            said = [reader.book.text(duty.text) for rule in rules for duty in rule.duties] if counts else [words["no_duty"]]
        case "advice" | "context":
            said = (
                [reader.book.text(rule.message) for rule in rules if rule.effect == "advise"]
                if counts
                else [words["no_advice"]]
            )
        case _:
            said = [text for rule in rules if (text := reader.book.text(rule.message))] if counts else []
    facts = [each for fact in pair.apart for each in _facts(case, fact, reader)]
    return ToldExchange(
        case.case, facts, case.expect.outcome or "", said[0] if said else "", engine.REGISTER not in case.exchange
    )


def _facts(case: engine.PairedCase, fact: str, reader: PageReader) -> Iterator[tuple[str, str]]:
    """A fact of an exchange and its value, in words; of the register each fact that it states."""
    if fact == engine.REGISTER:
        for states in case.facts.get(fact, {}).values():
            yield from ((reader.title(name), reader.told(name, value)) for name, value in states.items())
        return
    value = engine.fact_at(case.exchange, fact)
    yield reader.title(fact), reader.words.policies["left_out"] if value is None else reader.told(fact, value)


def _page(template: str, path: str, reader: PageReader, **members: Any) -> str:
    return rendered(template, reader, path, w=reader.words.policies, **members)


def _outcome(told: str, reader: PageReader) -> tuple[str, str]:
    """The code of an outcome that an impact tells in English, "" where it is none, and the outcome in the language of the reader."""
    words = reader.words.policies
    codes = {engine.LANGUAGES["en"].level(code): code for code in (*(level.word for level in engine.Level), "undetermined")}
    between = _OPEN.fullmatch(told)
    if between and all(each in codes for each in between.groups()):
        word, low, high = (reader.language.level(codes[each]) for each in between.groups())
        return codes[between[1]], words["impact_between"].format(word, low, high)
    if told in codes:
        return codes[told], reader.label("outcome", codes[told])
    return "", {"refused": words["unreadable"], "failed": words["failed"]}.get(told, told)


def _matching(library: PolicyLibrary, asked: Mapping[str, str], reader: PageReader) -> Iterator[PolicySummary]:
    words = asked.get("text", "").casefold().split()
    for each in library.policies.values():
        named = f"{each.id} {reader.book.text(each.title)} {each.title.in_('en')}".casefold()
        if asked.get("jurisdiction") in (None, each.jurisdiction) and all(word in named for word in words):
            yield each


def _marks(policy: PolicySummary, reader: PageReader) -> list[tuple[str, str, int]]:
    return [(code, reader.code("mark", code), count) for code, count in sorted(policy.marks.items())]


def _names(case: engine.WrittenCase, policy: str, name: str) -> bool:
    """Whether the expectation of a case names a provision, with its policy or without it."""
    lists = (case.expect.get(each) or () for each in ("because", "silent", "beaten"))
    return any(name == one or one == f"{policy}/{name}" for some in lists for one in some)


def _case(case: engine.WrittenCase, policy: str, reader: PageReader) -> dict[str, Any]:
    """A case as a page tells it: what is expected of the outcome, and which provisions stand or are silent."""
    lists = {
        each: [one if "/" in one else f"{policy}/{one}" for one in case.expect.get(each) or ()][:12]
        for each in ("because", "silent")
    }
    return {
        "case": case.case,
        "at": f"{case.file}:{case.line}",
        "as_of": case.as_of.isoformat(),
        "outcome": case.expect.get("outcome"),
        **lists,
        "others": len(set(case.expect) - {"outcome", "because", "silent"}),
    }
