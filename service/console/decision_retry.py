"""
A recorded decision, compared with a new one on the same facts under other policies or the law of another day.

The policies are those that decided, those that decide now, and those that the database keeps. Nothing is recorded.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date

import sqlalchemy as sa

from service.console.decision_comparison import DecisionSide, differences
from service.console.pages import rendered
from service.console.reader import PageReader
from service.log.record import PolicyDigests
from service.policies import kept_bundles

RECORDED, LIVE = "recorded", "live"
MOST_KEPT = 12


@dataclass(frozen=True, slots=True)
class PolicyChoice:
    """Policies to decide by: their value in an address, their title, and their digests, None for those that decided."""

    value: str
    title: str
    digests: PolicyDigests | None


def policy_choices(connection: sa.Connection, live: PolicyDigests, reader: PageReader) -> list[PolicyChoice]:
    """The policies that a record can be decided by again, the latest of those kept."""
    words = reader.words.pages
    found = [PolicyChoice(RECORDED, words["again_recorded"], None), PolicyChoice(LIVE, words["again_live"], live)]
    for each in kept_bundles.list_bundles(connection)[:MOST_KEPT]:
        digests = PolicyDigests(meaning=each.meaning, source=each.source)
        title = f"{each.source[:8]} · {words['again_kept'].format(each.first_used_at[:10])} · {each.trust}, {each.norms}"
        found.append(PolicyChoice(f"{each.source[:16]}-{each.meaning[:16]}", title, digests))
    return found


def retry_page(
    first: DecisionSide, second: DecisionSide, choices: Sequence[PolicyChoice], chosen: str, as_of: date, reader: PageReader
) -> str:
    """The page of a record beside the same facts decided again."""
    record = first.record
    return rendered(
        "again.html",
        reader,
        f"/log/{record['id']}/again",
        filters={"as_of": as_of.isoformat(), "policies": chosen},
        title=reader.words.pages["again_title"],
        record=record,
        bundles=choices,
        chosen=chosen,
        as_of=as_of.isoformat(),
        erased=sum(fact.erased for fact in first.facts),
        show_facts=False,
        **differences(first, second, reader),
    )
