"""
`fifthfactor review`: the reviews that wait for a person, at a terminal.

It works on the database itself, beside a service that may be running, and under the policies that the service has: what can be
signed off is asked of them.
"""

import getpass
import os
import textwrap
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from datetime import date
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

app = typer.Typer(
    help="The reviews that wait for a person: list them, show one, approve or refuse it.",
    no_args_is_help=True,
    rich_markup_mode=None,
)

Id = Annotated[str, typer.Argument(help="Id of the decision.")]
Url = Annotated[str | None, typer.Option("--database", help="File of the log, or postgresql://…. (default: fifthfactor.db)")]
UnderPolicies = Annotated[Path | None, typer.Option("--policies", help="Folder of policies. (default: the bundled ones)")]
Named = Annotated[list[str] | None, typer.Option("--provision", help="A provision to sign off; may be repeated. [all]")]
Requirement = Annotated[str | None, typer.Option(help="Instead: a requirement that is met, or lifted, only in doubt.")]
Reason = Annotated[str, typer.Option(help="Why; it is kept, and shown to whoever reads the decision.")]
By = Annotated[str | None, typer.Option(help="Who signs. [the user of this terminal]")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command("list", epilog="Example: fifthfactor review list --database decisions.db")
def list_(
    database: Url = None,
    policies: UnderPolicies = None,
    limit: Annotated[int, typer.Option(min=1, max=100, help="How many to list.")] = 20,
    as_json: AsJson = False,
) -> None:
    """List the decisions that wait for a person, newest first. Ends with 0."""
    from service.reviews import queue

    with _open(database, policies) as (opened, live, settings), opened.reading.connect() as connection:
        page = queue.waiting(connection, live, _today(settings), limit)
    if as_json:
        print(page.model_dump_json(indent=2))
        return
    for each in page.reviews:
        print(f"{each.id}  {each.recorded_at:%Y-%m-%d %H:%M}  {each.exporter_country or '?'} → {each.recipient_country or '?'}")
        print(textwrap.fill(each.answer, 100, initial_indent="    ", subsequent_indent="    ", max_lines=3, placeholder=" …"))
        print(f"    to sign off: {', '.join(each.provisions[:6])}{', …' if len(each.provisions) > 6 else ''}\n")
    if not page.reviews:
        print("no review waits")
    if page.next:
        print("there are more; see a larger --limit")


@app.command(epilog="Example: fifthfactor review show 019ab3c4-5d6e-7f80-9a1b-2c3d4e5f6071")
def show(
    id: Id,
    database: Url = None,
    policies: UnderPolicies = None,
    lang: Annotated[str, typer.Option(help="Language: en, or zh.")] = "en",
) -> None:
    """Show a decision, what of it can be signed off, and the sign-offs given. Ends with 0."""
    import engine
    from service.cli.log_desk import safe
    from service.console.telling import Chinese, English, sections
    from service.problems import Refused
    from service.reviews import sign_offs

    with _open(database, policies) as (opened, live, _):
        stored = _stored(opened, id)
        from service.log.leaf import clear

        record = clear(stored.entry.leaf, stored.entry.openings)
        with opened.reading.connect() as connection:
            given = sign_offs.given(connection, id)
        try:
            names: tuple[str, ...] = sign_offs.signable(live, stored)
            why_not = "" if names else "there is nothing to sign off"
        except Refused as refused:
            names, why_not = (), refused.detail
        lines = Chinese(engine.Phrasebook(live.bundle, engine.LANGUAGES["zh"])) if lang == "zh" else English()
        decision = engine.Decision.model_validate(record["decision"])
        print(f"{lines.verdict(decision.proceed)}  {lines.outcome(decision)}\n{lines.fill(decision.answer)}")
        for title, found in sections(decision, lines):
            print(f"\n{title}\n" + "\n".join(lines.fill(line, "  ", "      ") for line in found))
        print("\nSign-offs")
        for each in given:
            until = f", until {each.until}" if each.until else ""
            print(f"  {each.at:%Y-%m-%d %H:%M} {safe(each.by)}: {each.verdict} {each.provision}{until}")
            print(textwrap.fill(safe(" ".join(each.reason.split())), 106, initial_indent="      ", subsequent_indent="      "))
        print("\n".join(f"  can be signed off: {name}" for name in names) or f"  {why_not}")


@app.command(epilog="Example: fifthfactor review approve ID --reason 'read the contract' --until 2027-06-30")
def approve(
    id: Id,
    reason: Reason,
    until: Annotated[str, typer.Option(help="The last day of the approval, like 2027-06-30.")],
    provision: Named = None,
    requirement: Requirement = None,
    by: By = None,
    database: Url = None,
    policies: UnderPolicies = None,
) -> None:
    """
    Sign off the reviews of a decision, and accept what it lifts only in doubt, for the same facts until a last day.

    Ends with 0 where it is kept, with 1 where it cannot be signed off.
    """
    _sign(id, "approve", provision, requirement, reason, until, by, database, policies)


@app.command(epilog="Example: fifthfactor review refuse ID --reason 'the recipient resells data'")
def refuse(
    id: Id,
    reason: Reason,
    provision: Named = None,
    requirement: Requirement = None,
    by: By = None,
    database: Url = None,
    policies: UnderPolicies = None,
) -> None:
    """
    Refuse to sign off a decision, or take an approval back.

    Ends with 0 where it is kept, with 1 where there is nothing to sign off.
    """
    _sign(id, "refuse", provision, requirement, reason, None, by, database, policies)


def _sign(
    id: str,
    verdict: str,
    provisions: list[str] | None,
    requirement: str | None,
    reason: str,
    until: str | None,
    by: str | None,
    database: str | None,
    policies: Path | None,
) -> None:
    import json

    from service.problems import Refused
    from service.reviews import sign_offs

    with _open(database, policies) as (opened, live, settings):
        stored = _stored(opened, id)
        today = _today(settings)
        try:
            if requirement is None and not provisions:
                provisions = list(sign_offs.signable(live, stored)[: sign_offs.MOST_PROVISIONS])
                if not provisions:
                    raise Refused("not-signable", "there is nothing to sign off in this decision")
            body = {
                "provisions": provisions or None,
                "requirement": requirement,
                "verdict": verdict,
                "reason": reason,
                "until": until,
            }
            asked = sign_offs.read(json.dumps(body).encode())
            given, then = _kept(opened, live, stored, asked, today, by or getpass.getuser())
        except Refused as refused:
            said = "; ".join(map(_told, refused.errors or ())) or refused.detail
            _stop(f"error: {said}", 1 if refused.kind == "not-signable" else 2)
        for each in given:
            print(f"{'approved' if verdict == 'approve' else 'refused'}: {each.provision}")
        print(f"the same facts come to `{then.outcome}` now")


def _kept(opened: Any, live: Any, stored: Any, asked: Any, today: date, by: str) -> tuple[list[Any], Any]:
    """The sign-offs that are kept, and what the same facts come to then. Raises Refused."""
    from service.reviews import sign_offs
    from service.service import now_utc

    signed = sign_offs.bind(live, stored, asked, today)
    for _ in range(sign_offs.MOST_TRIES):
        with opened.reading.connect() as connection:
            said = sign_offs.said_of(connection, signed.facts)
        draft = sign_offs.draft(live, stored, signed, asked, said, today, now_utc(), by)
        with suppress(sign_offs.Overtaken), opened.writing.connect() as transaction, transaction.begin():
            opened.lock(transaction)
            return sign_offs.keep(transaction, live, draft, today), draft.then
    raise sign_offs.contested()


def _told(place: Any) -> str:
    """What is wrong with an option; what is wrong with several together has no name."""
    name = place.pointer.removeprefix("/").partition("/")[0].removesuffix("s")
    return f"`--{name}`: {place.detail}" if name else place.detail


@contextmanager
def _open(url: str | None, policies: Path | None) -> Iterator[Any]:
    """The database, what decides, and the settings; what is wrong with them ends the command."""
    import sqlalchemy as sa

    import engine
    from service.policies.reloading import Origin
    from service.settings import SettingRefused, Settings
    from service.store.database import DatabaseRefused, plain
    from service.store.upgrade import look

    try:
        settings = Settings.from_environment(os.environ, database=url, policies=policies)
        _, live = Origin.of(settings.policies, settings, settings.mode).start()
        opened = look(settings.database)
    except (SettingRefused, DatabaseRefused, engine.BundleRefused) as refused:
        _stop(f"error: {refused}", 2)
    try:
        yield opened, live, settings
    except sa.exc.DBAPIError as failed:
        _stop(f"error: the log cannot be used: {plain(failed)}", 2)
    finally:
        opened.close()


def _today(settings: Any) -> date:
    from service.service import now_utc
    from service.settings import time_zone

    return now_utc().astimezone(time_zone(settings.zone)).date()


def _stored(opened: Any, id: str) -> Any:
    from service.log.store import find

    with opened.reading.connect() as connection:
        stored = find(connection, id)
    if stored is None:
        _stop(f"error: no decision `{id[:100]}` is recorded there", 2)
    return stored


def _stop(message: str, status: int) -> NoReturn:
    typer.echo(message, err=True)
    raise typer.Exit(status)
