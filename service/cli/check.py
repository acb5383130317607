"""`fifthfactor check`: reports every finding of every file, at its line."""

from collections.abc import Sequence
from typing import TYPE_CHECKING, Annotated

import typer

from service.cli.analyse import analysis
from service.cli.command import Commands, Paths, need
from service.cli.output import (
    FORMATS,
    count,
    digests,
    fill,
    finding_document,
    painted,
    print_findings,
    print_json,
    print_sarif,
    today,
)

if TYPE_CHECKING:
    import engine

app = Commands()


@app.add("check policies", "check policies --analyse nz/")
def check(
    paths: Paths = None,
    form: Annotated[str, typer.Option("--format", help="How to print: text, json, or sarif for code review.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; short for --format json.")] = False,
    every: Annotated[bool, typer.Option("--all", help="Print the findings that may only follow from others, too.")] = False,
    strict: Annotated[bool, typer.Option("--strict", help="Count warnings as findings.")] = False,
    analysed: Annotated[
        str | None,
        typer.Option("--analyse", metavar="FILE", help="Report what `analyse` finds, too, in files whose name contains this."),
    ] = None,
) -> int:
    """
    Check policies, and report every finding of every file at its line, and every subject matter of which nothing was read.

    Findings in other files that may only follow from one are counted, and printed with --all.

    Of files of tests it checks the values and the names. Ends with 0 where all is sound, with 1 where there is a finding.
    """
    import engine
    from service.cli.files import load

    form = "json" if as_json else form
    need("format", form, FORMATS)
    bundle = None
    in_tests: tuple[engine.Diagnostic, ...] = ()
    proven: tuple[engine.Diagnostic, ...] = ()
    try:
        bundle = load(paths or [])
        in_tests = engine.test_findings(bundle)
        if analysed is not None:
            proven = tuple(each.diagnostic() for each in analysis(bundle, today(), analysed).findings)
        findings, sources = tuple(sorted((*bundle.warnings, *in_tests, *proven))), bundle.sources
    except engine.BundleRefused as refused:
        findings, sources = refused.diagnostics, refused.sources
    failed = bundle is None or bool(in_tests or proven) or (strict and bool(findings))
    if form == "json":
        listed = [finding_document(each) for each in findings]
        empty = engine.empty_cells(bundle) if bundle else {}
        print_json({"sound": not failed, "findings": listed, "empty": empty, "bundle": digests(bundle)})
    elif form == "sarif":
        print_sarif(findings, paths or [], int(failed), engine.CODES | engine.FINDINGS if proven else None)
    else:
        print_findings([each for each in findings if every or not each.follows], sources)
        if not every:
            print("".join(f"{each} (--all prints them)\n\n" for each in engine.following(findings)), end="")
        if bundle and (empty := engine.empty_cells(bundle)):
            print(
                f"nothing was read on {count(sum(map(len, empty.values())), 'subject matter')}, where each exchange is reviewed:"
            )
            print("\n".join(fill(f"{place}: {', '.join(subjects)}", "  ") for place, subjects in empty.items()))
        print(_summary(bundle) if bundle else _refusal(findings))
        if in_tests:
            files = {each.at.file for each in in_tests}
            print(painted("red", f"{count(len(in_tests), 'finding')} in {count(len(files), 'file')} of tests"))
    return int(failed)


def _summary(bundle: "engine.Bundle") -> str:
    provisions = len({rule.provision.id for rule in bundle.rules.rules})
    mappings = f"{count(len(bundle.mappings), 'mapping')}, " if bundle.mappings else ""
    return (
        f"{painted('green', 'sound')}: {count(len(bundle.sources), 'file')}, {count(provisions, 'provision')},"
        f" {count(len(bundle.facts), 'fact')}, {mappings}bundle {bundle.digests.meaning[:12]}"
    )


def _refusal(findings: "Sequence[engine.Diagnostic]") -> str:
    files = {each.at.file for each in findings}
    return painted("red", f"{count(len(findings), 'finding')} in {count(len(files), 'file')}; nothing was loaded")
