"""`fifthfactor lint`: reports what is sound and still should be improved."""

from collections import Counter
from typing import Annotated

import typer

from service.cli.command import Commands, Paths, UsedWrongly, need
from service.cli.output import (
    FORMATS,
    day,
    digests,
    finding_document,
    painted,
    print_findings,
    print_json,
    print_sarif,
    today,
)

app = Commands()


@app.add("lint policies --without lift-from-memory")
def lint(
    paths: Paths = None,
    form: Annotated[str, typer.Option("--format", help="How to print: text, json, or sarif for code review.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; short for --format json.")] = False,
    as_of: Annotated[str | None, typer.Option(help="Report sources whose `verify_by` is before this day. [today]")] = None,
    only: Annotated[str, typer.Option(help="Report only findings in files whose name contains this, such as `ours/`.")] = "",
    without: Annotated[list[str] | None, typer.Option(help="Leave out the findings with this code; may be repeated.")] = None,
) -> int:
    """
    Report what is sound and still should be improved.

    These are facts and words that nothing uses, provisions that no test shows, coverage that no test reaches, sources that must be read
    again, provisions from memory that would lift, lifts on a bare claim, bans that one more value escapes, facts that one provision alone
    asks for, texts that lack a language or are still to be written, and texts that name another number, day or article than the law. A
    comment `# accepted CODE: why` accepts a finding. Ends with 0 where there is no finding, with 1 where there is one.
    """
    import engine
    from service.cli.files import load_or_stop

    form = "json" if as_json else form
    need("format", form, FORMATS)
    left_out = without or []
    for code in left_out:
        if code not in engine.CODES:
            raise UsedWrongly(f"there is no code `{code}`; {engine.did_you_mean(code, engine.CODES)}".rstrip("; "))
    bundle = load_or_stop(paths or [])
    read_on = day(as_of) if as_of else today()
    findings = tuple(each for each in engine.lint(bundle, read_on, only) if each.code not in left_out)
    if form == "json":
        print_json({"findings": [finding_document(each) for each in findings], "bundle": digests(bundle)})
    elif form == "sarif":
        print_sarif(findings, paths or [], int(bool(findings)))
    else:
        print_findings(findings, bundle.sources)
        for code, number in sorted(Counter(finding.code for finding in findings).items()):
            print(f"{code}: {number:,}")
        if not findings:
            print(painted("green", "no finding"))
    return int(bool(findings))
