"""What commands print: counts, colours, progress, JSON, findings and decisions."""

import json
import os
import sys
import textwrap
from collections.abc import Mapping, Sequence
from dataclasses import asdict
from datetime import UTC, date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.cli.command import UsedWrongly, need, settings

if TYPE_CHECKING:
    import engine

FORMATS = ("text", "json", "sarif")  # of findings
TONES = {"green": "32", "red": "31", "yellow": "33", "bold": "1"}
WIDTH = 110
FORMULA = ("=", "+", "-", "@", "\t", "\r", "\n")  # what begins a formula in a spreadsheet


def count(number: int, noun: str) -> str:
    """A number and its noun, such as `3 files`."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def painted(tone: str, text: str) -> str:
    """A text in a colour where standard output is a terminal, and else as it is."""
    return f"\x1b[{TONES[tone]}m{text}\x1b[0m" if sys.stdout.isatty() else text


def safe(text: str) -> str:
    """A text with `\ufffd` in place of characters that would move the cursor of a terminal."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def complain(text: str) -> None:
    """Print on standard error, so that standard output stays clean for a pipe."""
    print(text, file=sys.stderr)


def progress(text: str, number: int = 0) -> None:
    """Where standard error is a terminal, show progress on one line; with a number, only at every hundredth."""
    if sys.stderr.isatty() and number % 100 == 0:
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def pace(done: int, all: int, noun: str, seconds: float) -> str:
    """How far a long work is, how fast it goes and how long it will still take: `1,200 of 5,000 records, 300 a second, 13 s left`."""
    rate = done / seconds if seconds > 0 else 0.0
    left = f", {duration((all - done) / rate)} left" if rate else ""
    return f"{done:,} of {count(all, noun)}, {rate:,.0f} a second{left}"


def duration(seconds: float) -> str:
    """A length of time in words, such as `13 s`, `4 min` or `2 h 10 min`."""
    whole = round(seconds)
    if whole < 120:
        return f"{whole} s"
    minutes = round(whole / 60)
    return f"{minutes} min" if minutes < 120 else f"{minutes // 60} h {minutes % 60} min"


def shortened(value: Any) -> str:
    """A value as JSON, cut where it is long."""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 100 else f"{text[:97]}..."


def print_json(value: Any) -> None:
    """Print JSON, indented."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def csv_cell(value: Any) -> Any:
    """A value for CSV, with an apostrophe where a spreadsheet would take it for a formula."""
    match value:
        case None:
            return ""
        case bool():
            return "true" if value else "false"
        case str() if value.startswith(FORMULA):
            return f"'{value}"
        case _:
            return value


def today() -> date:
    """Today in the time zone of the settings, as a service has it; in that of this machine where none is set. Raises SettingRefused."""
    if any(os.environ.get(each) for each in ("FIFTHFACTOR_ZONE", "FIFTHFACTOR_SETTINGS")):
        found = settings()
        if "zone" in found.model_fields_set:
            return found.day_of(datetime.now(UTC))
    return datetime.now().astimezone().date()


def day(written: str) -> date:
    """The day that a text names. Raises UsedWrongly."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise UsedWrongly(f"`{written}` is not a date; write it like 2024-03-22") from None


# --- findings --------------------------------------------------------------------------------------------------------


def print_findings(findings: "Sequence[engine.Diagnostic]", sources: dict[str, bytes]) -> None:
    """Print each finding with its line of the file."""
    texts = {name: data.decode("utf-8", "replace") for name, data in sources.items()}
    for finding in findings:
        print(finding.render(texts, colour=sys.stdout.isatty()) + "\n")


def print_sarif(
    findings: "Sequence[engine.Diagnostic]", paths: Sequence[Path], status: int, explained: Mapping[str, str] | None = None
) -> None:
    """Print findings as SARIF, with addresses relative to the current folder; `explained` has their codes, those of `check` if None."""
    import engine
    from service.cli import sarif

    folders = paths or [engine.bundled_policies()]
    print_json(sarif.document(findings, folders, Path.cwd(), status, explained or engine.CODES))


def finding_document(finding: "engine.Diagnostic") -> dict[str, Any]:
    """A finding as JSON."""
    at = finding.at
    return {
        "code": finding.code,
        "severity": finding.severity,
        "message": finding.message,
        "label": finding.label,
        "help": finding.help,
        "file": at.file,
        "line": at.line,
        "column": at.column,
        "length": at.length,
        "follows": finding.follows,
    }


def digests(bundle: "engine.Bundle | None") -> dict[str, Any] | None:
    """The digests of a bundle as JSON."""
    return asdict(bundle.digests) if bundle else None


def problems(refused: "engine.ExchangeRefused", lang: str = "en") -> str:
    """The problems of a document, one line each, in a language as far as they are told in it."""
    return "\n".join(f"  {problem.pointer or '/'}: {problem.told(lang)}" for problem in refused.problems)


# --- a decision ------------------------------------------------------------------------------------------------------


def text_in(bundle: "engine.Bundle | None", lang: str) -> "engine.PlainText":
    """The writer of plain text in a language; titles of values come from the bundle. Raises UsedWrongly."""
    import engine

    need("language", lang, engine.LANGUAGES)
    return engine.PlainText(engine.LANGUAGES[lang], bundle)


def head(decision: "engine.Decision", text: "engine.PlainText") -> str:
    """Whether to proceed, the outcome, and the answer."""
    tone = "green" if decision.proceed else "yellow" if decision.outcome in ("undetermined", "review") else "red"
    word = painted(tone, text.proceed(decision).upper())
    return f"{word}  {text.outcome(decision)}\n{text.filled(decision.answer)}"


def print_decision(decision: "engine.Decision", text: "engine.PlainText", whole: bool) -> None:
    """Print the head of a decision, and with `whole` all its sections."""
    print(head(decision, text))
    for title, found in text.sections(decision) if whole else ():
        print(f"\n{painted('bold', title)}")
        print("\n".join(text.filled(line, "  ", "      ") for line in found))
    if whole:
        print(f"\n{text.language.disclaimer}")


def fill(text: str, indent: str = "", further: str = "") -> str:
    """A text broken into lines that fit a terminal; lines after the first may be indented further."""
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=further or indent, break_on_hyphens=False)
