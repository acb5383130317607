"""`fifthfactor analyse`: reports what can be proven to be odd about policies, each with an exchange that shows it."""

import json
from collections import Counter
from collections.abc import Callable, Iterator, Sequence
from datetime import date
from typing import TYPE_CHECKING, Annotated, Any

import typer

from service.cli.command import Commands, Paths, UsedWrongly, need
from service.cli.output import (
    FORMATS,
    count,
    day,
    digests,
    finding_document,
    painted,
    print_json,
    print_sarif,
    progress,
    today,
)

if TYPE_CHECKING:
    import engine

app = Commands()


@app.add(
    "analyse policies",
    "analyse policies --file nz/ --only never-stands --only always-holds",
    "analyse policies --file cn/ --cases",
    "analyse policies --format sarif > analysis.sarif",
)
def analyse(
    paths: Paths = None,
    form: Annotated[str, typer.Option("--format", help="How to print: text, json, or sarif for code review.")] = "text",
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON; short for --format json.")] = False,
    as_of: Annotated[str | None, typer.Option(help="The day from which on provisions are to stand. [today]")] = None,
    only: Annotated[list[str] | None, typer.Option(help="Look only for this finding; may be repeated.")] = None,
    file: Annotated[str, typer.Option(help="Look only at files whose name contains this, such as `ours/`.")] = "",
    cases: Annotated[bool, typer.Option("--cases", help="Print the witnesses as cases of tests, to paste.")] = False,
    lang: Annotated[str, typer.Option(help="The language of the sentences: en or zh.")] = "en",
) -> int:
    """
    Report what can be proven of sound policies and hardly is meant: provisions that never stand, or stand only in the past; exemptions that
    lift nothing; conditions that always or never hold in their place; provisions that another one implies; what is required and cannot be
    met, or is forbidden; subject matters that never go free from a country; steps with a gap.

    A finding is proven of every exchange, or comes with an exchange that the engines decided so: it goes into `evaluate` as it is, and
    `--cases` writes it as a case of a test that passes. What is neither is counted. Where policies never speak of what coverage says that
    they cover, a row of the coverage is proposed. `known:` beside a rule says that a finding is known, why, and until when. Needs the extra
    `analyse`. Ends with 0 where there is no new finding, with 1 where there is one.
    """
    import engine
    from service.cli.files import load_or_stop

    form = "json" if as_json else form
    need("format", form, FORMATS)
    need("language", lang, tuple(engine.LANGUAGES))
    codes = only or []
    for code in codes:
        if code not in engine.FINDINGS:
            raise UsedWrongly(f"there is no finding `{code}`; {engine.did_you_mean(code, engine.FINDINGS)}".rstrip("; "))
    bundle = load_or_stop(paths or [])
    try:
        found = analysis(bundle, day(as_of) if as_of else today(), file, codes, _tell)
    finally:
        progress("")
    failed = int(bool(found.findings))
    if form == "json":
        print_json(
            {
                "findings": _documents(found.findings, bundle, lang),
                "not_shown": _documents(found.not_shown, bundle, lang),
                "known": found.known,
                "witnesses": {"confirmed": found.witnesses, "open": found.open, "refused": found.refused},
                "bundle": digests(bundle),
            }
        )
    elif form == "sarif":
        print_sarif([each.diagnostic(lang) for each in found.findings], paths or [], failed, engine.FINDINGS)
    else:
        _print(found, bundle, cases, lang)
    return failed


def analysis(
    bundle: "engine.Bundle", on: date, file: str = "", only: Sequence[str] = (), tell: Callable[[str], None] = lambda part: None
) -> "engine.Analysis":
    """What is found in files whose name contains `file`. Raises UsedWrongly where there is no such file, or no solver."""
    import engine

    if not any(file in each for each in bundle.sources):
        raise UsedWrongly(f"no file of the policies has `{file}` in its name")
    try:
        return engine.analyse(bundle, on, only=only, file=file, progress=tell)
    except engine.SolverMissing as missing:
        raise UsedWrongly(str(missing)) from None


def _tell(part: str) -> None:
    progress(f"looking at: {part}")


def _written(findings: "Sequence[engine.Finding]", bundle: "engine.Bundle", lang: str) -> list[tuple[str, str]]:
    """Of each finding the case that its witness makes, and the file to paste it into; "" of both where there is none."""
    import engine

    if all(each.witness is None for each in findings):  # then no engine is made
        return [("", "")] * len(findings)
    pdp = engine.PDP(bundle)
    return [engine.case_of_finding(pdp, each, lang) for each in findings]


def _documents(findings: "Sequence[engine.Finding]", bundle: "engine.Bundle", lang: str) -> list[dict[str, Any]]:
    written = _written(findings, bundle, lang)
    return [_document(each, case, into, lang) for each, (case, into) in zip(findings, written, strict=True)]


def _document(finding: "engine.Finding", case: str, into: str, lang: str) -> dict[str, Any]:
    found = finding_document(finding.diagnostic(lang))
    return {name: found[name] for name in ("code", "message", "file", "line", "column", "length")} | {
        "place": finding.place,
        "beside": finding.beside,
        "subject": finding.subject,
        "used_by": list(finding.used_by),
        "state": finding.state,
        "witness": finding.witness,
        "case": case,
        "into": into,
        "row": finding.row.in_(lang) if finding.row else "",
    }


def _print(found: "engine.Analysis", bundle: "engine.Bundle", cases: bool, lang: str) -> None:
    texts = {name: data.decode("utf-8", "replace") for name, data in bundle.sources.items()}
    for finding in found.findings:
        print(finding.diagnostic(lang).render(texts))
        if finding.witness is not None:
            print(f"   = witness: {json.dumps(finding.witness, ensure_ascii=False)}")
        if finding.row is not None:
            print(f"   = a row to paste in its place, when you have read the law:\n{finding.row.in_(lang)}", end="")
        print()
    for code, number in sorted(Counter(each.code for each in found.findings).items()):
        print(f"{code}: {number:,}")
    beside = [
        *([f"{count(found.known, 'finding')} known"] if found.known else []),
        *([f"{count(len(found.not_shown), 'finding')} not shown either way"] if found.not_shown else []),
        f"witnesses: {found.witnesses:,} confirmed, {found.open:,} open, {found.refused:,} refused",
    ]
    if not found.findings:
        print(painted("green", "no new finding"))
    print("; ".join(beside))
    shown = [each for each in found.findings if each.witness is not None]
    if cases:
        for line in _cases(_written(shown, bundle, lang)):
            print(line)
    elif shown:
        print(f"{count(len(shown), 'case')} to paste into tests: --cases")


def _cases(written: Sequence[tuple[str, str]]) -> Iterator[str]:
    """The cases that pass as policies are, those of a test file together; each other one is a file of its own."""
    files: dict[str, list[str]] = {}
    for case, into in written:
        files.setdefault(into, []).append(case)
    if any(case for case, _ in written):
        yield "cases to paste; each passes as policies are, so change what it expects where policies are to say something else:"
    for into in sorted(files):
        for number, case in enumerate(each for each in files[into] if each):
            if not into or not number:
                yield f"# {into or 'a new file'}"
            yield case
    unsaid = sum(not case for case, _ in written)
    if unsaid:
        yield f"no case can state the witness of {count(unsaid, 'finding')}"
