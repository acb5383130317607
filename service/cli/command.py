"""
What commands share: how a command is declared and how it ends, and the options that several have.

Exit codes: 0 done (it holds, it may proceed), 1 a finding (policies that do not hold, an exchange that may not proceed, a decision that
is not there), 2 used wrongly (an option, a setting, a file, a port or a database), 130 interrupted. A command returns the first two; what
it raises of the third becomes one sentence on standard error. What a command needs is imported inside it, so that `--help` stays fast.
"""

import gc
import os
import sys
from collections.abc import Callable, Collection
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from typer.core import TyperCommand

if TYPE_CHECKING:
    from service.settings import Settings

DONE, FINDING, USED_WRONGLY, INTERRUPTED = 0, 1, 2, 130
USUAL_THRESHOLD = gc.get_threshold()
BY = "command-line"  # who writes what the command line writes


class UsedWrongly(Exception):
    """What was asked cannot be done as asked; the message says what to do."""


class Commands(typer.Typer):
    """Commands that end as this module says. Those of a file are added to the others by `main`, those of a group under its name."""

    def __init__(self, help: str | None = None) -> None:
        super().__init__(
            help=help, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
        )

    def add(self, example: str, name: str | None = None) -> Callable[[Callable[..., int]], Callable[..., int]]:
        """Make a command of a function, which returns the exit code; its help ends with the example."""
        return self.command(name, cls=_Command, epilog=f"\b\nExample: fifthfactor {example}")


class _Command(TyperCommand):
    def invoke(self, ctx: Any) -> Any:
        raise typer.Exit(_ended(lambda: super(_Command, self).invoke(ctx)))


def _ended(work: Callable[[], int]) -> int:
    """The exit code of a command that is done, wrongly used or interrupted."""
    # Policies stay until the end: to look through them for cycles after every 700 new objects is a quarter of a command's time.
    gc.set_threshold(20_000, 10, 10)
    try:
        return work()
    except KeyboardInterrupt:
        return INTERRUPTED
    except UsedWrongly as wrong:
        sentence = str(wrong)
    except _refusals() as refused:
        sentence = str(refused)
    print(f"error: {sentence}", file=sys.stderr)
    return USED_WRONGLY


def _refusals() -> tuple[type[Exception], ...]:
    """What the rooms below refuse with one sentence; looked up only when something was raised."""
    from engine import EngineUnavailable
    from service.policies.loading import SourceRefused
    from service.policies.signing_keys import KeyRefused
    from service.settings import SettingRefused
    from service.store.database import DatabaseRefused
    from service.store.writer import NotRecorded

    return EngineUnavailable, SourceRefused, KeyRefused, SettingRefused, DatabaseRefused, NotRecorded


def policies_at(text: str) -> Path:
    """The folder or file that an option names."""
    import engine

    return engine.policies_at(text)


Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Folders or files of policies; `bundled` names the bundled ones. [the bundled ones]",
        parser=policies_at,
        metavar="PATHS",
    ),
]
Policies = Annotated[
    list[Path] | None,
    typer.Option(
        "--policies",
        help="Folder or file of policies; may be given again, and `bundled` names the bundled ones. [the bundled ones]",
        parser=policies_at,
        metavar="PATH",
    ),
]
ServicePolicies = Annotated[  # of commands that stand beside the service
    list[Path] | None,
    typer.Option(
        "--policies",
        help="Folder or file of policies; may be given again, and `bundled` names the bundled ones."
        " [FIFTHFACTOR_POLICIES, or the bundled ones]",
        parser=policies_at,
        metavar="PATH",
    ),
]
AsOf = Annotated[str | None, typer.Option(help="Day whose law counts, like 2024-03-22. [the exchange's, or today]")]
Mode = Annotated[str, typer.Option(help="Which engines decide: checked, bitset, durable or reference.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Lang = Annotated[str, typer.Option(help="Language of the sentences: en, or zh for Chinese.")]
Exchange = Annotated[Path, typer.Argument(help="JSON file of an exchange; - reads standard input.")]
Database = Annotated[
    str | None,
    typer.Option("--database", help="File of the decision log, or postgresql://… [FIFTHFACTOR_DATABASE, or fifthfactor.db]"),
]


def need(kind: str, name: str, known: Collection[str]) -> None:
    """Whether a name is one of those known. Raises UsedWrongly."""
    if name not in known:
        raise UsedWrongly(f"there is no {kind} `{name}`; use one of {', '.join(known)}")


def settings(**given: Any) -> "Settings":
    """The settings of the service, with options in their place. Raises SettingRefused."""
    from service.settings import Settings

    return Settings.from_environment(os.environ, **given)


def address(database: str | None) -> str:
    """The database that an option names, else the one of the settings. Raises SettingRefused."""
    return settings(database=database).database
