"""
The commands for authors and callers on a desk: check, lint, test, evaluate, explain, plan, compile.

Each prints for people, or JSON for programs, and returns the exit code: 0 holds or proceed, 1 a finding or not to proceed, 2 used
wrongly. Nothing here is recorded; only the service keeps a log.
"""

import json
import sys
import textwrap
import time
from collections import Counter
from datetime import date, datetime
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

import engine
from service.cli import sarif
from service.cli.processes import in_processes
from service.policies import loading as bundle_sources

TONES = {"green": "32", "red": "31", "yellow": "33", "bold": "1"}


class UsedWrongly(Exception):
    """What was asked cannot be done as asked; the message says what to do."""


FORMATS = ("text", "json", "sarif")


def check(paths: list[Path], form: str, strict: bool) -> int:
    """Check policies; every finding of every file at once, as one of FORMATS."""
    if form not in FORMATS:
        raise UsedWrongly(f"there is no format `{form}`; use one of {', '.join(FORMATS)}")
    try:
        bundle = _load(paths)
        findings: tuple[engine.Diagnostic, ...] = bundle.warnings
        sources = bundle.sources
    except engine.BundleRefused as refused:
        bundle, findings, sources = None, refused.diagnostics, refused.sources
    failed = bundle is None or (strict and bool(findings))
    if form == "json":
        _print_json({"sound": not failed, "findings": [_finding(d) for d in findings], "bundle": _digests(bundle)})
        return int(failed)
    if form == "sarif":
        _print_json(sarif.document(findings, paths or [engine.bundled_policies()], Path.cwd(), int(failed)))
        return int(failed)
    texts = {name: data.decode("utf-8", "replace") for name, data in sources.items()}
    for finding in findings:
        print(finding.render(texts, colour=sys.stdout.isatty()) + "\n")
    if bundle is None:
        print(
            painted(
                "red",
                f"{count(len(findings), 'finding')} in {count(len({d.at.file for d in findings}), 'file')}; nothing was loaded",
            )
        )
    else:
        provisions = len({rule.provision.id for rule in bundle.rules.rules})
        print(
            f"{painted('green', 'sound')}: {count(len(sources), 'file')}, {count(provisions, 'provision')},"
            f" {count(len(bundle.facts()), 'fact')}, bundle {bundle.digests.meaning[:12]}"
        )
    return int(failed)


def day(written: str | None) -> date:
    """A day as it was written, else today where this runs."""
    try:
        return date.fromisoformat(written) if written else datetime.now().astimezone().date()
    except ValueError:
        raise UsedWrongly(f"`{written}` is not a date; write it like 2024-03-22") from None


def lint(paths: list[Path], form: str, as_of: str | None, without: list[str]) -> int:
    """Everything that is sound and not as it should be, but for the codes in `without`, as one of FORMATS."""
    if form not in FORMATS:
        raise UsedWrongly(f"there is no format `{form}`; use one of {', '.join(FORMATS)}")
    for code in without:
        if code not in engine.CODES:
            raise UsedWrongly(f"there is no code `{code}`")
    bundle = load_or_stop(paths)
    findings = tuple(finding for finding in engine.lint(bundle, day(as_of)) if finding.code not in without)
    if form == "json":
        _print_json({"findings": [_finding(d) for d in findings], "bundle": _digests(bundle)})
    elif form == "sarif":
        _print_json(sarif.document(findings, paths or [engine.bundled_policies()], Path.cwd(), int(bool(findings))))
    else:
        texts = {name: data.decode("utf-8", "replace") for name, data in bundle.sources.items()}
        for finding in findings:
            print(finding.render(texts, colour=sys.stdout.isatty()) + "\n")
        for code, number in sorted(Counter(finding.code for finding in findings).items()):
            print(f"{code}: {number:,}")
        if not findings:
            print(painted("green", "nothing to mend"))
    return int(bool(findings))


def test(paths: list[Path], only: str, as_json: bool) -> int:
    """Run the authors' tests; ends with `N passed, N failed`."""
    bundle = load_or_stop(paths)
    started = time.monotonic()
    results = []
    files = [file for file, _ in bundle.tests if only in file]
    for result in chain.from_iterable(in_processes(partial(_results, bundle, engine.PDP(bundle)), files)):
        results.append(result)
        if result.problems and not as_json:
            print(f"{painted('red', 'failed')} {result.file}:{result.line} {result.case}")
            for problem in result.problems:
                print(textwrap.indent(textwrap.fill(problem, 110), "    "))
        elif sys.stderr.isatty() and not as_json:
            print(f"\r{len(results)} cases", end="", file=sys.stderr, flush=True)
    failed = sum(1 for result in results if result.problems)
    if as_json:
        _print_json(
            [{"file": r.file, "line": r.line, "policy": r.suite, "case": r.case, "problems": list(r.problems)} for r in results]
        )
        return int(failed > 0)
    if sys.stderr.isatty():
        print("\r", end="", file=sys.stderr)
    if not results:
        raise UsedWrongly(
            f"no test file's name contains `{only}`"
            if only
            else "there are no test files here; a test file begins with `test:`"
        )
    print(f"{time.monotonic() - started:.1f} s")
    print(f"{len(results) - failed} passed, {failed} failed")
    return int(failed > 0)


def _results(bundle: engine.Bundle, pdp: engine.PDP, file: str) -> list[engine.Result]:
    return list(engine.run(bundle, file, pdp))


def evaluate(file: Path, paths: list[Path], as_of: str | None, mode: str, as_json: bool, lang: str) -> int:
    """Decide one exchange; the decision document, or its first lines."""
    return _tell(file, paths, as_of, mode, as_json, lang, whole=False)


def explain(file: Path, paths: list[Path], as_of: str | None, mode: str, as_json: bool, lang: str) -> int:
    """Decide one exchange and tell it whole, provision by provision."""
    return _tell(file, paths, as_of, mode, as_json, lang, whole=True)


def plan(file: Path, paths: list[Path], as_of: str | None, mode: str, as_json: bool) -> int:
    """Decide the legs of a plan in order; the plan's decision, or the first lines of each leg."""
    _need_mode(mode)
    bundle = load_or_stop(paths)
    try:
        legs = engine.read_plan(bundle, _read(file))
    except engine.ExchangeRefused as refused:
        raise UsedWrongly(f"the plan in {file} cannot be read:\n{_problems(refused)}") from None
    day, today = _day(as_of, next((leg.exchange.as_of for leg in legs if leg.exchange.as_of), None))
    decision = engine.decide_plan(engine.PDP(bundle, mode), legs, as_of=day, today=today, id="desk")
    if as_json:
        print(decision.model_dump_json(by_alias=True, indent=2))
    else:
        print(
            "\n\n".join(
                [
                    textwrap.fill(decision.answer, 110),
                    *(f"Leg {leg.leg}\n{_head(leg.decision, engine.PlainText())}" for leg in decision.legs),
                ]
            )
        )
        if decision.holds_until and decision.holds_until.holds_until:
            print(f"\nThis holds until {decision.holds_until.holds_until}.")
    return 0 if decision.proceed else 1


def compile_(paths: list[Path], to: str, as_json: bool) -> int:
    """Print what durable-rules is given: bare, as JSON by ruleset, or with what it means."""
    if to != "durable":
        raise UsedWrongly(f"policies are not compiled to `{to}`; use durable")
    rulesets = engine.rulesets(load_or_stop(paths))
    if as_json:
        _print_json({ruleset["ruleset"]: ruleset["definition"] for ruleset in rulesets})
        return 0
    for ruleset in rulesets:
        where = ", ".join(ruleset["asked_where"])
        asked = f"asked where one of these may apply: {where}" if where else "always asked"
        print(f"{painted('bold', ruleset['ruleset'])}, {count(len(ruleset['rules']), 'rule')}; {asked}")
        for rule in ruleset["rules"]:
            print(f"  {rule['rule']} derives {', '.join(rule['derives'])}")
            for test in rule["where"]:
                print(f"       {test['test']:<12} {test['means']}")
        print()
    return 0


def _load(paths: list[Path]) -> engine.Bundle:
    try:
        if len(paths) == 1 and paths[0].exists() and bundle_sources.is_bundle(paths[0]):
            return bundle_sources.load(paths[0], engine.Settings()).bundle
        return engine.load(paths or [engine.bundled_policies()])
    except (FileNotFoundError, bundle_sources.SourceRefused) as missing:
        raise UsedWrongly(str(missing)) from None


def load_or_stop(paths: list[Path]) -> engine.Bundle:
    try:
        return _load(paths)
    except engine.BundleRefused as refused:
        raise UsedWrongly(f"{refused}\n\nthe policies do not hold; mend them first (`fifthfactor check`)") from None


def _tell(file: Path, paths: list[Path], as_of: str | None, mode: str, as_json: bool, lang: str, whole: bool) -> int:
    _need_mode(mode)
    if lang not in engine.LANGUAGES:
        raise UsedWrongly(f"there is no language `{lang}`; use one of {', '.join(engine.LANGUAGES)}")
    bundle = load_or_stop(paths)
    try:
        exchange = engine.parse_exchange(bundle, _read(file))
    except engine.ExchangeRefused as refused:
        raise UsedWrongly(f"the exchange in {file} cannot be read:\n{_problems(refused)}") from None
    day, today = _day(as_of, exchange.as_of)
    decision = engine.PDP(bundle, mode).decide(exchange, as_of=day, today=today, id="desk", lang=lang)
    if as_json:
        print(decision.model_dump_json(by_alias=True, indent=2))
    else:
        print_decision(decision, engine.PlainText(engine.LANGUAGES[lang], bundle), whole)
    return 0 if decision.proceed else 1


def _need_mode(mode: str) -> None:
    if mode not in engine.MODES:
        raise UsedWrongly(f"there is no mode `{mode}`; use one of {', '.join(engine.MODES)}")


def _day(as_of: str | None, sent: date | None) -> tuple[date, date]:
    """The day whose law counts, and today."""
    today = datetime.now().astimezone().date()
    try:
        return date.fromisoformat(as_of) if as_of else sent or today, today
    except ValueError:
        raise UsedWrongly(f"`{as_of}` is not a date; write it like 2024-03-22") from None


def _problems(refused: engine.ExchangeRefused) -> str:
    return "\n".join(f"  {problem.pointer or '/'}: {problem.detail}" for problem in refused.problems)


def _read(file: Path) -> bytes:
    try:
        return sys.stdin.buffer.read() if str(file) == "-" else file.read_bytes()
    except OSError as error:
        raise UsedWrongly(f"cannot read {file}: {error.strerror}") from None


def print_decision(decision: engine.Decision, text: engine.PlainText, whole: bool) -> None:
    """Print a decision: what to do, and where it is told whole, all of it."""
    print(_head(decision, text))
    for title, found in text.sections(decision) if whole else ():
        print(f"\n{painted('bold', title)}")
        print("\n".join(text.filled(line, "  ", "      ") for line in found))
    if whole:
        print(f"\n{text.language.disclaimer}")


def _head(decision: engine.Decision, text: engine.PlainText) -> str:
    tone = "green" if decision.proceed else "yellow" if decision.outcome in ("undetermined", "review") else "red"
    word = painted(tone, text.proceed(decision).upper())
    return f"{word}  {text.outcome(decision)}\n{text.filled(decision.answer)}"


def _finding(finding: engine.Diagnostic) -> dict[str, Any]:
    place = {"file": finding.at.file, "line": finding.at.line, "column": finding.at.column, "length": finding.at.length}
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "label": finding.label,
        "help": finding.help,
        **place,
    }


def _digests(bundle: engine.Bundle | None) -> dict[str, str] | None:
    return {"meaning": bundle.digests.meaning, "source": bundle.digests.source} if bundle else None


def _print_json(value: Any) -> None:
    print(json.dumps(value, ensure_ascii=False, indent=2))


def count(number: int, noun: str) -> str:
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def painted(tone: str, text: str) -> str:
    return f"\x1b[{TONES[tone]}m{text}\x1b[0m" if sys.stdout.isatty() else text


def progress(text: str) -> None:
    """Where standard error is a terminal, one line that is written over."""
    if sys.stderr.isatty():
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)
