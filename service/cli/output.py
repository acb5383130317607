"""What commands print: counts, colours, progress, JSON, findings, and a decision as it is read at a desk."""

import json
import sys
import textwrap
from collections.abc import Sequence
from datetime import date, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from service.cli.command import UsedWrongly, need

if TYPE_CHECKING:
    import engine
    from service.console.telling import Lines

FORMATS = ("text", "json", "sarif")  # of findings
TONES = {"green": "32", "red": "31", "yellow": "33", "bold": "1"}
WIDTH = 110


def count(number: int, noun: str) -> str:
    """A number of things, in words."""
    return f"{number:,} {noun}{'' if number == 1 else 's'}"


def painted(tone: str, text: str) -> str:
    """A text in a colour, where standard output is a terminal."""
    return f"\x1b[{TONES[tone]}m{text}\x1b[0m" if sys.stdout.isatty() else text


def safe(text: str) -> str:
    """A text without what would move the cursor of a terminal."""
    return "".join(each if each.isprintable() else "\ufffd" for each in text)


def complain(text: str) -> None:
    """A line on standard error, so that what is piped stays clean."""
    print(text, file=sys.stderr)


def progress(text: str, number: int = 0) -> None:
    """Where standard error is a terminal, one line that is written over; of a number only every hundredth."""
    if sys.stderr.isatty() and number % 100 == 0:
        print(f"\r\x1b[K{text}", end="", file=sys.stderr, flush=True)


def print_json(value: Any) -> None:
    """JSON for programs, indented for people."""
    print(json.dumps(value, ensure_ascii=False, indent=2))


def today() -> date:
    """The day it is where this runs."""
    return datetime.now().astimezone().date()


def day(written: str) -> date:
    """A day as it was written. Raises UsedWrongly."""
    try:
        return date.fromisoformat(written)
    except ValueError:
        raise UsedWrongly(f"`{written}` is not a date; write it like 2024-03-22") from None


# --- findings --------------------------------------------------------------------------------------------------------


def print_findings(findings: "Sequence[engine.Diagnostic]", sources: dict[str, bytes]) -> None:
    """Each finding with the line it is about."""
    texts = {name: data.decode("utf-8", "replace") for name, data in sources.items()}
    for finding in findings:
        print(finding.render(texts, colour=sys.stdout.isatty()) + "\n")


def print_sarif(findings: "Sequence[engine.Diagnostic]", paths: Sequence[Path], status: int) -> None:
    """Findings for code review, with addresses from the folder that this runs in."""
    import engine
    from service.cli import sarif

    print_json(sarif.document(findings, paths or [engine.bundled_policies()], Path.cwd(), status))


def finding_document(finding: "engine.Diagnostic") -> dict[str, Any]:
    """A finding for programs."""
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
    }


def digests(bundle: "engine.Bundle | None") -> dict[str, str] | None:
    """The digests of a bundle, for programs."""
    return {"meaning": bundle.digests.meaning, "source": bundle.digests.source} if bundle else None


def problems(refused: "engine.ExchangeRefused") -> str:
    """What is wrong with a document that was sent, a line a place."""
    return "\n".join(f"  {problem.pointer or '/'}: {problem.detail}" for problem in refused.problems)


# --- a decision ------------------------------------------------------------------------------------------------------


def lines_in(bundle: "engine.Bundle | None", lang: str) -> "Lines":
    """The lines of a language; Chinese takes names from the bundle. Raises UsedWrongly."""
    import engine
    from service.console.telling import Chinese, English

    need("language", lang, engine.LANGUAGES)
    return Chinese(engine.Phrasebook(bundle, engine.LANGUAGES[lang])) if bundle and lang == "zh" else English()


def head(decision: "engine.Decision", lines: "Lines") -> str:
    """What to do, and why in short."""
    tone = "green" if decision.proceed else "yellow" if decision.outcome in ("undetermined", "review") else "red"
    word = painted(tone, lines.verdict(decision.proceed))
    return f"{word}  {lines.outcome(decision)}\n{lines.fill(decision.answer)}"


def print_decision(decision: "engine.Decision", lines: "Lines", whole: bool) -> None:
    """What to do, and where it is told whole, all of it."""
    from service.console.telling import sections

    print(head(decision, lines))
    for title, found in sections(decision, lines) if whole else ():
        print(f"\n{painted('bold', title)}")
        print("\n".join(lines.fill(line, "  ", "      ") for line in found))
    if whole:
        print(f"\n{lines.DISCLAIMER}")


def fill(text: str, indent: str = "") -> str:
    """A text in lines that fit a terminal."""
    return textwrap.fill(text, WIDTH, initial_indent=indent, subsequent_indent=indent)
