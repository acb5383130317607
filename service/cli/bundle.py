"""
The commands `fifthfactor bundle …`.

As in `cli.py`, what a command needs is imported inside it. Exit codes: 0 done, 1 a finding (policies that do not hold, a
signature that does not), 2 used wrongly.
"""

import sys
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(
    help="Build, sign and verify bundles: all policies in one file, as they were when somebody answered for them.",
    no_args_is_help=True,
)

File = Annotated[Path, typer.Argument(help="The bundle file.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON.")]


@app.command(epilog="Example: fifthfactor bundle build policies -o policies.bundle")
def build(
    paths: Annotated[list[Path] | None, typer.Argument(help="Folders or files of policies. [the bundled ones]")] = None,
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path("policies.bundle"),
) -> None:
    """
    Put all policies, words and tests into one file. The same sources give the same bytes.

    Ends with 1, and writes nothing, where the policies do not hold.
    """
    from service.cli import bundle_desk

    _run(lambda: bundle_desk.build(paths or [], output))


@app.command(epilog="Example: fifthfactor bundle keygen release")
def keygen(name: Annotated[str, typer.Argument(help="What the files are called: NAME.key and NAME.pub.")]) -> None:
    """
    Make an Ed25519 key: NAME.key signs and is kept secret, NAME.pub verifies. No file is written over.
    """
    from service.cli import bundle_desk

    _run(lambda: bundle_desk.keygen(name))


@app.command(epilog="Example: fifthfactor bundle sign policies.bundle --key release.key")
def sign(file: File, key: Annotated[Path, typer.Option(help="The private key, in PEM.")]) -> None:
    """
    Sign a bundle whose policies hold; the signatures stand in FILE.dsse.json, several keys one after another.
    """
    from service.cli import bundle_desk

    _run(lambda: bundle_desk.sign(file, key))


@app.command(epilog="Example: fifthfactor bundle verify policies.bundle --key release.pub")
def verify(
    file: File,
    key: Annotated[list[Path], typer.Option(help="A public key that is trusted, in PEM; may be given again.")],
    as_json: AsJson = False,
) -> None:
    """
    Whether one of the keys signed this bundle, and its policies hold.

    Ends with 0 where both are so, else with 1.
    """
    from service.cli import bundle_desk

    _run(lambda: bundle_desk.verify(file, key, as_json))


@app.command(epilog="Example: fifthfactor bundle show policies.bundle --unpack folder")
def show(
    file: File,
    unpack: Annotated[Path | None, typer.Option(help="Write the files into this folder, which must be new or empty.")] = None,
    as_json: AsJson = False,
) -> None:
    """
    Tell what is in a bundle, and whose signatures stand beside it, unverified.
    """
    from service.cli import bundle_desk

    _run(lambda: bundle_desk.show(file, unpack, as_json))


@app.command(epilog="Example: fifthfactor bundle export 3f9a01c2 --database decisions.db -o then.bundle")
def export(
    digest: Annotated[
        str, typer.Argument(help="The digest `source` or `meaning` of a record, or its first digits, 8 at least.")
    ],
    database: Annotated[
        str, typer.Option(envvar="FIFTHFACTOR_DATABASE", help="The decision log: its file, or postgresql://…", show_envvar=True)
    ] = "fifthfactor.db",
    output: Annotated[Path, typer.Option("--output", "-o", help="The file to write.")] = Path("policies.bundle"),
) -> None:
    """
    Write policies that decided once, as the log keeps them, into a bundle file.

    Ends with 1 where the log does not have them.
    """
    from service.cli import bundle_desk

    _run(lambda: bundle_desk.export(digest, database, output))


def _run(command: Callable[[], int]) -> None:
    from service.cli.commands import UsedWrongly
    from service.policies.loading import SourceRefused
    from service.policies.trusted_keys import KeyRefused

    try:
        raise typer.Exit(command())
    except (UsedWrongly, KeyRefused, SourceRefused) as wrong:
        print(f"error: {wrong}", file=sys.stderr)
        raise typer.Exit(2) from None
