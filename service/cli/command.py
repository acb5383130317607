"""
What commands share: how a command is declared, how it ends, and the options that several commands have.

| exit code | meaning |
|---|---|
| 0 | done: the policies are sound, the exchange may proceed |
| 1 | a finding: policies that are not sound, an exchange that may not proceed, a decision that does not exist |
| 2 | used wrongly: an option, a setting, a file, a port or a database |
| 130 | interrupted by Ctrl-C |
| 143 | stopped by SIGTERM: a long command says what it has and how to go on (`stopping`) |

A command returns 0 or 1. An error that it raises becomes one sentence on standard error, and the command ends with 2. A command imports
what it needs inside its function, so that `--help` stays fast.
"""

import gc
import os
import shlex
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
_TYPED = "fifthfactor.typed"
BY = "command-line"  # the author of everything that a command writes


class UsedWrongly(Exception):
    """The command was used wrongly; the message says what to do."""


class Commands(typer.Typer):
    """The commands of one file or of one group. `main` adds them to the command line, those of a group under its name."""

    def __init__(self, help: str | None = None) -> None:
        super().__init__(
            help=help, no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False, rich_markup_mode=None
        )

    def add(self, example: str, *more: str, name: str | None = None) -> Callable[[Callable[..., int]], Callable[..., int]]:
        """Make a command of a function that returns the exit code; the help of the command ends with the examples."""
        lines = "\n".join(f"Example: fifthfactor {each}" for each in (example, *more))
        return self.command(name, cls=_Command, epilog=f"\b\n{lines}")


def typed_with(context: typer.Context, *options: str) -> str:
    """The command as it was typed, with more options, as a line for a shell."""
    typed: list[str] = context.meta[_TYPED]
    end = typed.index("--") if "--" in typed else len(typed)
    group = [context.parent.info_name or ""] if context.parent and context.parent.parent else []
    return shlex.join(["fifthfactor", *group, context.info_name or "", *typed[:end], *options, *typed[end:]])


class _Command(TyperCommand):
    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        ctx.meta[_TYPED] = [*args]
        return super().parse_args(ctx, args)

    def invoke(self, ctx: Any) -> Any:
        raise typer.Exit(_ended(lambda: super(_Command, self).invoke(ctx)))


def _ended(work: Callable[[], int]) -> int:
    """The exit code of a command that is done, was used wrongly or was interrupted."""
    # Policies stay in memory until the end. Searching them for cycles after every 700 new objects takes a quarter of a command's time.
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
    """The errors of the rooms below whose message is one sentence; imported only after something was raised."""
    from engine import EngineUnavailable
    from service.policies.loading import SourceRefused
    from service.policies.signing_keys import KeyRefused
    from service.settings import SettingRefused
    from service.store.database import DatabaseRefused
    from service.store.writer import NotRecorded

    return EngineUnavailable, SourceRefused, KeyRefused, SettingRefused, DatabaseRefused, NotRecorded


def policies_at(text: str) -> Path:
    """The folder or file that an argument or option names."""
    import engine

    return engine.policies_at(text)


Paths = Annotated[
    list[Path] | None,
    typer.Argument(
        help="Folders or files of policies; `bundled` names the bundled policies. [bundled]",
        parser=policies_at,
        metavar="PATHS",
    ),
]
Policies = Annotated[
    list[Path] | None,
    typer.Option(
        "--policies",
        help="Folder or file of policies; may be repeated; `bundled` names the bundled policies. [bundled]",
        parser=policies_at,
        metavar="PATH",
    ),
]
ServicePolicies = Annotated[  # for commands that use the settings of the service
    list[Path] | None,
    typer.Option(
        "--policies",
        help="Folder or file of policies; may be repeated; `bundled` names the bundled policies."
        " [FIFTHFACTOR_POLICIES, or bundled]",
        parser=policies_at,
        metavar="PATH",
    ),
]
AsOf = Annotated[str | None, typer.Option(help="Day whose law counts, like 2024-03-22. [the exchange's, or today]")]
OldPolicies = Annotated[
    str,
    typer.Argument(
        help="The policies as they are: a folder, `bundled`, several of these like `bundled:ours`, a git revision (REV or"
        " REV:path), or a bundle's digest."
    ),
]
NewPolicies = Annotated[str, typer.Argument(help="The policies that would replace them, named in the same way.")]
RevisionFolders = Annotated[
    list[Path] | None,
    typer.Option(
        "--policies",
        help="Where the policies of a revision or digest are; may be repeated. [the side that is a folder, or bundled]",
        parser=policies_at,
        metavar="PATH",
    ),
]
Mode = Annotated[str, typer.Option(help="Which engines decide: checked, bitset, durable, lanes or reference.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]
Lang = Annotated[str, typer.Option(help="Language of the sentences: en, or zh for Chinese.")]
Exchange = Annotated[
    Path, typer.Argument(help="JSON file with an exchange; - reads standard input; FILE::CASE is a case of a test.")
]
Database = Annotated[
    str | None,
    typer.Option("--database", help="File of the decision log, or postgresql://… [FIFTHFACTOR_DATABASE, or fifthfactor.db]"),
]


def need(kind: str, name: str, known: Collection[str]) -> None:
    """Check that a name is one of those known. Raises UsedWrongly."""
    if name not in known:
        raise UsedWrongly(f"there is no {kind} `{name}`; use one of {', '.join(known)}")


def settings(**given: Any) -> "Settings":
    """The settings of the service; the options given win. Raises SettingRefused."""
    from service.settings.settings_sources import settings_from

    return settings_from(os.environ, **given)


def address(database: str | None) -> str:
    """The database that an option names, else the one of the settings. Raises SettingRefused."""
    return settings(database=database).database


def log_key() -> Path | None:
    """The file of the log's key that the settings name, for a database on a server. Raises SettingRefused."""
    return settings().log_key
