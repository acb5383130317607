"""
`fifthfactor review …`: the reviews that wait for a person, at a terminal.

The commands work directly on the database. The service may run meanwhile. They use the policies of the service, which decide what can
be signed off. Whoever signs here signs as `command-line`, which is no person that the service knows.
"""

import dataclasses
import json
import textwrap
from contextlib import suppress
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import typer

from service.cli.command import AsJson, Commands, Database, Lang, ServicePolicies, UsedWrongly, need
from service.cli.database_access import Desk, open_desk
from service.cli.output import complain, print_decision, safe, text_in

app = Commands(help="List, show, approve and refuse the reviews that wait for a person.")

Id = Annotated[str, typer.Argument(help="Id of the decision.")]
Named = Annotated[list[str] | None, typer.Option("--provision", help="Provision to sign off; may be repeated. [all]")]
Requirement = Annotated[
    str | None, typer.Option(help="Instead of provisions: a requirement that is met, or lifted, only in doubt.")
]
Reason = Annotated[str, typer.Option(help="The reason. It is kept, and shown with the decision.")]


@app.add("review list --database decisions.db", name="list")
def list_(
    database: Database = None,
    policies: ServicePolicies = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many reviews to list.")] = 20,
    as_json: AsJson = False,
) -> int:
    """List the decisions that wait for a person, newest first. Ends with 0."""
    from service.callers.context import Reviewing
    from service.reviews import review_list
    from service.reviews.queue import QueueFilter

    with open_desk(database, policies) as desk, desk.database.reading.connect() as connection:
        context = desk.context(Reviewing)
        reviewer = review_list.reviewer_of(context, connection)
        found, following = review_list.cases_page(context, reviewer, QueueFilter(), "newest", None, limit, connection)
        waiting = len(review_list.whole(context, connection).waiting)
    if as_json:
        shown = [dataclasses.asdict(each) for each in found]
        reviews = [{name: value for name, value in each.items() if name != "facts"} for each in shown]
        print(json.dumps({"reviews": reviews, "waiting": waiting}, indent=2, ensure_ascii=False, default=str))
        return 0
    for each in found:
        print(f"{each.id}  {each.recorded_at:%Y-%m-%d %H:%M}  {each.exporter_country or '?'} → {each.recipient_country or '?'}")
        print(textwrap.fill(each.answer, 100, initial_indent="    ", subsequent_indent="    ", max_lines=3, placeholder=" …"))
        said = f"to sign off: {', '.join(each.provisions[:6])}{', …' if len(each.provisions) > 6 else ''}"
        print(f"    {said if each.provisions else 'nothing to sign off: the law of a country is not modelled'}\n")
    if not found:
        print("no review waits")
    if following is not None:
        print("there are more; list them with a larger --limit")
    return 0


@app.add("review show 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")
def show(
    id: Id,
    database: Database = None,
    policies: ServicePolicies = None,
    lang: Lang = "en",
) -> int:
    """Show a decision, its sign-offs, and the provisions that can be signed off. Ends with 0."""
    import engine
    from service.decisions.replay import CannotReplay, kept_decider, whole_decision
    from service.problems import RequestRefused
    from service.reviews import sign_off

    need("language", lang, engine.LANGUAGES)
    with open_desk(database, policies) as desk:
        stored = desk.stored(id)
        with desk.database.reading.connect() as connection:
            given = sign_off.sign_offs_of(connection, id)
            try:
                decided = whole_decision(stored, partial(kept_decider, connection), lang)
            except CannotReplay as cannot:
                raise UsedWrongly(str(cannot)) from None
        try:
            names: tuple[str, ...] = sign_off.signable(desk.live, stored)
            why_not = "" if names else "this decision has nothing to sign off"
        except RequestRefused as refused:
            names, why_not = (), refused.detail
    decision = engine.Decision.model_validate(decided)
    print_decision(decision, text_in(desk.live.bundle, lang), whole=True)
    print("\nSign-offs")
    for each in given:
        until = f", until {each.until}" if each.until else ""
        print(f"  {each.at:%Y-%m-%d %H:%M} {safe(_named(each))}: {each.verdict} {each.provision}{until}")
        print(textwrap.fill(safe(" ".join(each.reason.split())), 106, initial_indent="      ", subsequent_indent="      "))
    print("\n".join(f"  can be signed off: {name}" for name in names) or f"  {why_not}")
    return 0


@app.add("review approve ID --reason 'read the contract' --until 2027-06-30")
def approve(
    id: Id,
    reason: Reason,
    until: Annotated[str, typer.Option(help="The last day of the approval, like 2027-06-30.")],
    provision: Named = None,
    requirement: Requirement = None,
    database: Database = None,
    policies: ServicePolicies = None,
) -> int:
    """
    Approve the reviews and doubtful lifts of a decision, for the same facts, until a last day.

    Ends with 0 where the approval is kept, with 1 where the decision cannot be signed off.
    """
    return _sign(id, "approve", provision, requirement, reason, until, database, policies)


@app.add("review refuse ID --reason 'the recipient resells data'")
def refuse(
    id: Id,
    reason: Reason,
    provision: Named = None,
    requirement: Requirement = None,
    database: Database = None,
    policies: ServicePolicies = None,
) -> int:
    """
    Refuse to sign off a decision, or take an approval back.

    Ends with 0 where the refusal is kept, with 1 where the decision has nothing to sign off.
    """
    return _sign(id, "refuse", provision, requirement, reason, None, database, policies)


def _sign(
    id: str,
    verdict: str,
    provisions: list[str] | None,
    requirement: str | None,
    reason: str,
    until: str | None,
    database: str | None,
    policies: list[Path] | None,
) -> int:
    from service.limits import SIGN_OFF_PROVISIONS
    from service.problems import RequestRefused
    from service.reviews import sign_off

    with open_desk(database, policies) as desk:
        stored = desk.stored(id)
        try:
            if requirement is None and not provisions:
                provisions = list(sign_off.signable(desk.live, stored)[:SIGN_OFF_PROVISIONS])
                if not provisions:
                    raise RequestRefused("not-signable", "this decision has nothing to sign off")
            body = {
                "provisions": provisions or None,
                "requirement": requirement,
                "verdict": verdict,
                "reason": reason,
                "until": until,
            }
            asked = sign_off.read(json.dumps(body).encode())
            given, draft = _kept(desk, stored, asked)
        except RequestRefused as refused:
            complain(f"error: {'; '.join(map(_told, refused.errors or ())) or refused.detail}")
            return 1 if refused.kind in ("not-signable", "own-request") else 2
    for each in given:
        print(f"{'approved' if verdict == 'approve' else 'refused'}: {each.provision}")
    for wanted in draft.awaits:
        print(f"another person has to sign too: {wanted.provision}")
    print(f"the outcome for the same facts is now `{draft.then.outcome}`")
    return 0


def _kept(desk: Desk, stored: Any, asked: Any) -> tuple[list[Any], Any]:
    """Keep the sign-offs, and decide the same facts with them. Raises RequestRefused."""
    from service.callers.context import Reviewing
    from service.reviews import sign_off

    for _ in range(sign_off.MOST_TRIES):
        context = desk.context(Reviewing)
        signed = sign_off.bind(context, stored, asked)
        with desk.database.reading.connect() as connection:
            before = sign_off.earlier_sign_offs(context, stored, connection)
        draft = sign_off.draft(context, stored, signed, asked, before)
        with suppress(sign_off.SignOffOvertaken), desk.database.transaction() as transaction:
            return sign_off.keep(context, draft, transaction), draft
    raise sign_off.contested_refusal()


def _named(given: Any) -> str:
    """The person who signed; where the service knows none, the id of the caller."""
    return given.by if given.person is None else f"{given.person.name or given.person.subject} ({given.person.issuer})"


def _told(place: Any) -> str:
    """What is wrong with an option, after its name; a problem of several options together has no name before it."""
    name = place.pointer.removeprefix("/").partition("/")[0].removesuffix("s")
    return f"`--{name}`: {place.detail}" if name else place.detail
