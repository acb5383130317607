"""
The cells of the coverage: what each kind of them makes of an exchange, and how a wrong one is refused (semantics 4.3).
"""

from __future__ import annotations

from typing import Any

import pytest

import engine
from engine.policy_language.coverage_text import CoverText, SubjectText
from engine.policy_language.fact_text import FactText
from tests.engine.deciding.ice import BY, SURE, UNSURE, gaps, judged, sources, span, world

UNREAD = f"unread: the Krill Act, {SURE}"
PARTLY = "partly: yes, by: [aq.law]"


@pytest.mark.parametrize(
    ("cells", "outcome", "found"),
    [
        (f"krill: {BY}", "permitted", []),
        (f"krill: {{{PARTLY}}}", "review", ["AQ/krill gap"]),
        (f"krill: {{{PARTLY}, {UNREAD}}}", "review", ["AQ/krill unread"]),
        (f"krill: {{under: personal, {SURE}}}", "permitted", []),
        (f"krill: {{free: yes, {SURE}}}", "permitted", []),
        (f"krill: {{{UNREAD}}}", "review", ["AQ/krill unread"]),
        (f"krill: {{unread: the Krill Act, {UNSURE}}}", "review", ["AQ/krill unread"]),
        (f"krill: {{under: personal, {UNSURE}}}", "review", ["AQ/krill doubtful"]),
        (f"krill: {{free: yes, {UNSURE}}}", "review", ["AQ/krill doubtful"]),
        ("", "review", ["AQ/krill gap"]),
        ("krill: {from: 2026-07-01, by: [aq.law]}", "review", ["AQ/krill gap"]),
        (f"krill: {{from: 2026-07-01, free: yes, {SURE}}}", "review", ["AQ/krill gap"]),
    ],
)
def test_each_kind_of_cell_permits_or_asks_for_a_review(cells: str, outcome: str, found: list[str]) -> None:
    """Law that speaks, a wider law and freedom permit; what was not read, not covered or is in doubt is a review."""
    judgement = judged(world(cells))
    assert (span(judgement), gaps(judgement)) == (outcome, found)


@pytest.mark.parametrize(("trust", "outcome"), [("confirmed", "review"), ("from-memory", "permitted")])
def test_a_cell_from_memory_is_relied_on_only_where_trust_is_lowered(trust: str, outcome: str) -> None:
    """What somebody remembers settles nothing, unless the setting says that memory is enough."""
    assert span(judged(world(f"krill: {{free: yes, {SURE.replace('confirmed', 'from-memory')}}}", trust=trust))) == outcome


def test_under_a_wider_subject_nothing_is_settled_where_the_data_are_not_of_it() -> None:
    """Krill of nobody has no law where krill stands under personal data, until `also` names the law on data about nobody."""
    under = f"under: personal, {SURE}"
    alone = judged(world(f"krill: {{{under}}}"), data__personal="no")
    assert (span(alone), gaps(alone)) == ("review", ["AQ/krill gap"])
    also = world(f"krill: {{{under}, also: {{subject: non-personal, source: another page}}}}")
    assert [span(judged(also, data__personal=each)) for each in ("no", "yes", "unknown")] == ["permitted"] * 3


def test_under_takes_over_the_review_of_the_wider_subject() -> None:
    """Where the wider law was not read, what stands under it was not read either."""
    found = judged(world(f"krill: {{under: personal, {SURE}}}", personal=f"{{{UNREAD}}}"))
    assert (span(found), gaps(found)) == ("review", ["AQ/personal unread", "AQ/krill unread"])


def test_under_does_not_take_a_floor_that_was_signed() -> None:
    """Who signs for the wider subject matter has not signed for the narrower one."""
    made = world(f"krill: {{under: personal, {SURE}}}", personal=f"{{{UNREAD}}}")
    assert gaps(judged(made, ["gap/AQ/personal"])) == ["AQ/krill unread"]
    assert span(judged(made, ["gap/AQ/personal"])) == "review"
    assert span(judged(made, ["gap/AQ/personal", "gap/AQ/krill"])) == "permitted"


@pytest.mark.parametrize(
    ("use", "outcome", "found"),
    [
        ("civil", "permitted", []),
        ("military", "review", ["AQ/krill gap"]),
        ("left out", "permitted to review", ["AQ/krill gap ?"]),
        ("unknown", "permitted to review", ["AQ/krill gap ?"]),
    ],
)
def test_freedom_with_a_condition_asks_for_it(use: str, outcome: str, found: list[str]) -> None:
    """A peaceful end use is free, another one is a gap, and one that is not told is asked for."""
    made = world(f"krill: {{free: yes, when: {{purpose.end_use: civil}}, {SURE}}}")
    judgement = judged(made, purpose__end_use=use)
    assert (span(judgement), gaps(judgement)) == (outcome, found)
    assert list(judgement.open_facts) == (["purpose.end_use"] if found and found[0].endswith("?") else [])
    assert judgement.signable == (("gap/AQ/krill",) if use == "military" else ())


def test_a_doubtful_cell_can_be_signed_off() -> None:
    """A review that comes of doubt in what was read is one that a person may end."""
    made = world(f"krill: {{under: personal, {UNSURE}}}")
    assert judged(made).signable == ("gap/AQ/krill",)
    assert span(judged(made, ["gap/AQ/krill"])) == "permitted"


def test_a_grade_of_one_law_is_not_asked_elsewhere() -> None:
    """AQ knows no graded data and has no cell for them; in BV, whose law knows them, they are a gap."""
    made = world("")
    assert gaps(judged(made, data__categories=["grade"])) == []
    assert span(judged(made, data__categories=["grade"])) == "permitted"
    at_home = {"exporter__country": "BV", "data__people_in": ["BV"], "data__collected_in": ["BV"]}
    assert gaps(judged(made, data__categories=["grade"], **at_home)) == ["BV/grade gap"]
    assert span(judged(made, data__categories=["grade"], **at_home)) == "review"


@pytest.mark.parametrize("cells", ["", f"secrets: {{{UNREAD}}}", f"secrets: {{{PARTLY}}}"])
def test_secrets_beside_one_contact_are_never_a_permit(cells: str) -> None:
    """The law on personal data speaks of the contact, which permits no secret; and nobody may sign for it."""
    made = world(cells)
    one: dict[str, Any] = {"data__categories": ["contact", "secret"], "data__people": 1}
    for signed in ((), ("gap/AQ/secrets",)):
        found = judged(made, signed, **one)
        assert (span(found), found.signable, found.signed_off) == ("review", (), ())
    assert span(judged(made, data__categories=["contact"])) == "permitted"


def test_secrets_that_are_not_ruled_out_keep_a_gap_from_being_signed() -> None:
    """Krill may be signed for where it is certain that no secret is among the data, and not while one may be."""
    made = world("")
    assert judged(made, data__categories=["krill"]).signable == ("gap/AQ/krill",)
    assert judged(made, data__categories=["krill", "secret"]).signable == ("gap/AQ/krill",)
    assert judged(made, data__categories=["krill", "unknown"]).signable == ()


def refused(cells: str) -> str:
    """The errors by which a world with some cells is refused."""
    with pytest.raises(engine.BundleRefused) as found:
        engine.load_sources(sources(cells))
    return str(found.value)


@pytest.mark.parametrize(
    ("cell", "said"),
    [
        (f"{{from: 2020-01-01, by: [aq.law], free: yes, {SURE}}}", "`by` and `free` do not go together"),
        (f"{{from: 2020-01-01, by: [aq.law], under: personal, {SURE}}}", "`by` and `under` do not go together"),
        (f"{{under: personal, free: yes, {SURE}}}", "`under` and `free` do not go together"),
        (f"{{under: personal, {UNREAD}}}", "`under` and `unread` do not go together"),
        (f"{{from: 2020-01-01, by: [aq.law], {UNREAD}}}", "`by` and `unread` do not go together"),
        ("{from: 2020-01-01, partly: yes, by: [aq.law]}", "say from which day the subject matter is covered"),
        ("2020-01-01", "no policy speaks of `krill` in `AQ`"),
        ("{by: [aq.law]}", "say from which day the subject matter is covered"),
        (f"{{partly: yes, {UNREAD}}}", "`partly` belongs to `by`"),
        (f"{{partly: yes, free: yes, {SURE}}}", "`partly` belongs to `by`"),
        ("{free: yes}", "say what was read: `read`, `source`, `read_on`, `status` and `verify_by`"),
        (f"{{under: personal, {SURE.replace('status: confirmed', 'from: 2020-01-01')}}}", "say what was read"),
        (f"{{{PARTLY}, unread: the Krill Act}}", "say what was read"),
        (f"{{free: yes, also: {{subject: personal, source: a page}}, {SURE}}}", "`also` belongs to `under`"),
        (f"{{under: personal, when: {{purpose.end_use: civil}}, {SURE}}}", "`when` belongs to `free: yes`"),
        (f"{{free: yes, when: {{act.hurry: no}}, {SURE}}}", "whether `krill` is free in `AQ` cannot depend on `act.hurry`"),
        (f"{{under: whale, {SURE}}}", "nothing is said of `whale` in `AQ`"),
        (f"{{under: krill, {SURE}}}", "`krill` stands under another subject matter itself"),
    ],
)
def test_a_wrong_cell_is_refused(cell: str, said: str) -> None:
    """A cell says one thing, with what was read for it, and depends on nothing that is not asked of everybody."""
    assert said in refused(f"krill: {cell}")


@pytest.mark.parametrize("cell", [f"{{free: yes, {SURE}}}", f"{{under: personal, {SURE}}}"])
def test_a_guarded_subject_is_neither_free_nor_under_another(cell: str) -> None:
    """Nobody may write that a state leaves its secrets alone."""
    assert "`secrets` is never free, nor under another subject matter" in refused(f"secrets: {cell}")


def test_a_cell_of_a_subject_that_the_law_does_not_know_is_refused() -> None:
    """A grade that only BV knows has no cell in AQ."""
    assert "`grade` is a subject matter only of the law of BV" in refused(f"grade: {BY}")


def test_a_subject_matter_says_when_data_are_of_it() -> None:
    """One without a condition and without a contrary would be of nothing."""
    with pytest.raises(ValueError, match="a subject matter has `when`, or `other_than`, or both"):
        SubjectText.model_validate({"title": "nothing"})


def test_what_was_written_before_there_were_such_cells_and_marks_keeps_its_digest() -> None:
    """A cell of policies and a fact without marks are printed as they were; what was read enters the digest of the other cells."""
    by = CoverText.model_validate({"from": "2020-01-01", "by": ["aq.law"]})
    assert repr(by) == "CoverText(from_=datetime.date(2020, 1, 1), partly='no', by=['aq.law'])"
    read = {"read": "all", "source": "a page", "read_on": "2026-06-01", "status": "confirmed", "verify_by": "2027-06-01"}
    assert "read='all'" in repr(CoverText.model_validate({"free": "yes", **read}))
    assert "unread=" in repr(CoverText.model_validate({"partly": "yes", "by": ["aq.law"], "unread": "an act", **read}))
    plain, frees, binds = (
        repr(FactText.model_validate({"type": "yes/no", "title": "a fact", **more}))
        for more in ({}, {"frees": "yes"}, {"binds": "yes"})
    )
    assert "frees" not in plain
    assert plain == binds
    assert "frees='yes'" in frees
