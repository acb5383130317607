"""
The commands for authors and callers on a desk: check, test, evaluate, explain, plan, compile.

Each prints for people, or JSON for programs, and returns the exit code: 0 holds or proceed, 1 a finding or not to proceed, 2 used
wrongly. Nothing here is recorded; only the service keeps a log.
"""

import json
import sys
import textwrap
import time
from collections.abc import Iterable, Iterator
from datetime import date, datetime
from pathlib import Path
from typing import Any

import engine
from service import sarif

DISCLAIMER = "Engineering research, not legal advice."
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


def test(paths: list[Path], only: str, as_json: bool) -> int:
    """Run the authors' tests; ends with `N passed, N failed`."""
    bundle = load_or_stop(paths)
    started = time.monotonic()
    results = []
    for result in engine.run(bundle, only):
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


def evaluate(file: Path, paths: list[Path], as_of: str | None, mode: str, as_json: bool) -> int:
    """Decide one exchange; the decision document, or its first lines."""
    decision = _decide(file, paths, as_of, mode)
    if as_json:
        print(decision.model_dump_json(by_alias=True, indent=2))
    else:
        print(_head(decision))
    return 0 if decision.proceed else 1


def explain(file: Path, paths: list[Path], as_of: str | None, mode: str, as_json: bool) -> int:
    """Decide one exchange and tell it whole, provision by provision."""
    decision = _decide(file, paths, as_of, mode)
    if as_json:
        print(decision.model_dump_json(by_alias=True, indent=2))
    else:
        print("\n".join([_head(decision), *_body(decision.model_dump(mode="json", by_alias=True)), "", DISCLAIMER]))
    return 0 if decision.proceed else 1


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
                [textwrap.fill(decision.answer, 110), *(f"Leg {leg.leg}\n{_head(leg.decision)}" for leg in decision.legs)]
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
        return engine.load(paths or [engine.bundled_policies()])
    except FileNotFoundError as missing:
        raise UsedWrongly(str(missing)) from None


def load_or_stop(paths: list[Path]) -> engine.Bundle:
    try:
        return _load(paths)
    except engine.BundleRefused as refused:
        raise UsedWrongly(f"{refused}\n\nthe policies do not hold; mend them first (`fifthfactor check`)") from None


def _decide(file: Path, paths: list[Path], as_of: str | None, mode: str) -> engine.Decision:
    _need_mode(mode)
    bundle = load_or_stop(paths)
    try:
        exchange = engine.parse_exchange(bundle, _read(file))
    except engine.ExchangeRefused as refused:
        raise UsedWrongly(f"the exchange in {file} cannot be read:\n{_problems(refused)}") from None
    day, today = _day(as_of, exchange.as_of)
    return engine.PDP(bundle, mode).decide(exchange, as_of=day, today=today, id="desk")


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


def _head(decision: engine.Decision) -> str:
    tone = "green" if decision.proceed else "yellow" if decision.outcome in ("undetermined", "review") else "red"
    outcome = decision.outcome.replace("_", " ")
    if decision.outcome == "undetermined":
        outcome += f" ({decision.bounds.lowest} to {decision.bounds.highest})".replace("_", " ")
    word = painted(tone, "PROCEED" if decision.proceed else "DO NOT PROCEED")
    return f"{word}  {outcome}, as of {decision.as_of}\n{textwrap.fill(decision.answer, 110)}"


def _body(d: dict[str, Any]) -> Iterator[str]:
    yield from _section("Jurisdictions", (f"{j['title']}: {j['outcome'].replace('_', ' ')}" for j in d["jurisdictions"]))
    yield from _section("Why", (line for reason in d["reasons"] for line in _reason(reason)))
    yield from _section(
        "Beaten",
        (
            f"{b['provision']} by {', '.join(b['by'])}{' (in doubt, so it is reviewed)' if b['doubtful'] else ''}"
            for b in d["beaten"]
        ),
    )
    yield from _section(
        "Requirements",
        (
            f"{r['state']}: {r['title']}" + (f" (met by {', '.join(r['met_by'])})" if r["met_by"] else f" - {r['how']}")
            for r in d["requirements"]
        ),
    )
    yield from _section("Duties", (_duty(duty) for duty in d["duties"]))
    yield from _section("To find out", (f"{q['question']} [{q['fact']}]" for part in d["missing"][:1] for q in part["facts"]))
    yield from _section("Conflicts and notices", (c["text"] for c in d["conflicts"]))
    yield from _section("Advice", (f"{a['advice']} ({a['provision']}, {a['citation']}; {a['force']})" for a in d["advice"]))
    yield from _section("Lanes", (_lane(lane) for lane in d["factor"]["lanes"]))
    stated = [
        (part, name, line)
        for part, lines in d["factor"]["account"].items()
        for name, line in lines.items()
        if line["value"] is not None
    ]
    yield from _section(
        "Data factor account", (f"{part}, {line['title']}: {_value(line['value'])}" for part, _, line in stated)
    )
    yield from _section(
        "Not modelled",
        (
            f"{g['country']}: {g['subject']} (touched as {', '.join(g['touched_as'])})"
            + ("" if g["certain"] else ", perhaps")
            + (", so reviewed" if g["reviewed"] else "")
            for g in d["coverage"]["not_modelled"]
        ),
    )
    yield from _section("About what is covered", iter(d["coverage"]["notes"]))
    engine_part = d["engine"]
    agreed = "agreed" if engine_part["agreed"] else "DISAGREED"
    yield from _section(
        "Decided by",
        iter(
            [
                f"{' and '.join(engine_part['engines'])} ({agreed}), version {engine_part['version']}, bundle {d['bundle']['meaning'][:12]}"
            ]
        ),
    )


def _section(title: str, lines: Iterable[str]) -> Iterator[str]:
    found = list(lines)
    if found:
        yield f"\n{painted('bold', title)}"
        yield from (textwrap.fill(line, 110, initial_indent="  ", subsequent_indent="      ") for line in found)


def _reason(reason: dict[str, Any]) -> Iterator[str]:
    sure = "" if reason["standing"] == "certain" else "perhaps: "
    mark = "" if reason["mark"] == "confirmed" else f", {reason['mark']}"
    kind = f"{reason['force']}{mark}; {reason['effect']}"
    yield f"{sure}{reason['title']} - {reason['instrument']}, {reason['citation']} ({kind}) at {reason['at']}"
    facts = [f"{e['test']} [{_value(e['value'])}]" for e in reason["evidence"] if e["truth"] == "yes"]
    if facts:
        yield "    because " + "; ".join(facts)


def _duty(duty: dict[str, Any]) -> str:
    due = f", by {duty['due']}" if duty["due"] else ""
    late = {"yes": ", OVERDUE", "unknown": ", perhaps overdue"}.get(duty["overdue"], "")
    keep = f", keep for {duty['keep']}" if duty["keep"] else ""
    return f"{'' if duty['certain'] else 'perhaps: '}{duty['who']}: {duty['duty']} ({duty['under']}{due}{late}{keep})"


def _lane(lane: dict[str, Any]) -> str:
    text = f"{lane['state']}: {lane['title']} ({lane['provision']}, {lane['citation']}; {lane['force']})"
    if lane["state"] == "possible":
        return f"{text}; facts are missing (`--json` has what would open it)"
    if lane["closed_by"]:
        text += f"; closed by {', '.join(lane['closed_by'])}"
    return text + (f"; opens when {'; '.join(lane['opens_when'])}" if lane["opens_when"] else "")


def _value(value: Any) -> str:
    match value:
        case None:
            return "not stated"
        case bool():
            return "yes" if value else "no"
        case list():
            return ", ".join(map(str, value)) or "none"
        case dict():
            return ", ".join(f"{key} {_value(inner)}" for key, inner in value.items())
    return str(value)


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
