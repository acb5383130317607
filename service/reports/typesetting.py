"""
A report as a PDF: a document goes in, the bytes of a tagged PDF (PDF/UA-1) come out, the same bytes for the same document and moment.

It is set by typst, which is an extra of the installation (`pdf`). Nothing is fetched: the layout and the font come with the program, and
what others wrote goes in as data. Characters that the font has not are written as their numbers, and the report says which.
"""

import json
import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime
from importlib.util import find_spec
from pathlib import Path
from threading import BoundedSemaphore
from typing import Any

from service.languages.words import wording
from service.reports.report_document import Cell, Chart, Copied, Facts, ReportDocument, Section, Table
from service.reports.report_font import coverage

MISSING = "the package `typst` is not installed; `pip install 'fifthfactor[pdf]'` adds it"
MEDIA_TYPE = "application/pdf"
MOST_ROWS = 2_000  # of a table
SECONDS = 60
AT_ONCE = 2  # processes
_WAIT = 20.0  # seconds for one of them
_NAMED = 20  # characters that cannot be shown, named in a report
_PROCESS = Path(__file__).parent / "typeset_process.py"
_CONTROLS = re.compile("[\x00-\x1f\x7f-\x9f\u061c\u200b-\u200f\u2028-\u202e\u2060-\u206f\ufeff]")
_RUN = re.compile(r"[^\s\u2e80-\ua4cf\uf900-\uffef]{%d,}")
_BREAK = "\u200b"
_REPLACED = "\u25a1"  # in the place of a control character; the font has no other mark for it
_turns = BoundedSemaphore(AT_ONCE)


class NoPdf(Exception):
    """A report that cannot be set as a PDF here; the message is one sentence without a full stop."""


def unavailable() -> str:
    """Why no PDF can be made in this installation; empty where one can."""
    return "" if find_spec("typst") else MISSING


def pdf(document: ReportDocument, moment: datetime) -> bytes:
    """The PDF of a document, made at a moment. It takes up to some seconds, so call it in a thread. Raises NoPdf."""
    if why := unavailable():
        raise NoPdf(why)
    writer = _Writer(document)
    text = json.dumps(writer.whole(), ensure_ascii=False)
    stamp = int(moment.astimezone(UTC).timestamp())
    if not _turns.acquire(timeout=_WAIT):
        raise NoPdf("other reports are being made; try again in a moment")
    try:
        # -I: neither the current folder nor a variable adds modules to the process.
        done = subprocess.run(
            [sys.executable, "-I", str(_PROCESS)],
            input=f"{stamp}\n{text}".encode(),
            capture_output=True,
            timeout=SECONDS,
            check=False,
            env={"SOURCE_DATE_EPOCH": str(stamp)},
        )
    except (subprocess.TimeoutExpired, OSError):
        raise NoPdf("it took too long, or no process could be started; ask for a shorter period") from None
    finally:
        _turns.release()
    if done.returncode or not done.stdout.startswith(b"%PDF-"):
        lines = done.stderr.decode(errors="replace").strip().splitlines()
        raise NoPdf(f"it could not be set: {lines[-1][:200]}" if lines else "it could not be set")
    return done.stdout


@dataclass
class _Writer:
    """Writes a document as the layout reads it, and notes what the font cannot show."""

    document: ReportDocument
    unshown: dict[str, None] = field(default_factory=dict)

    def whole(self) -> dict[str, Any]:
        document, words = self.document, wording(self.document.lang).reports
        sections = [self._section(each) for each in document.sections]
        head = self._pairs(document.head)
        title, about = self.text(document.title), self.text(document.about)
        foot = [document.foot]
        if self.unshown:
            named = words["comma"].join(f"U+{ord(each):04X}" for each in [*self.unshown][:_NAMED])
            more = len(self.unshown) > _NAMED
            foot.insert(0, words["unreadable_more" if more else "unreadable"].format(len(self.unshown), named))
        return {
            "lang": document.lang,
            "title": title,
            "about": about,
            "made": document.made,
            "wide": document.wide,
            "organisation": self.text(document.organisation),
            "chart": None if document.chart is None else self._chart(document.chart),
            "head": head,
            "sections": sections,
            "foot": " ".join(foot),
            "page_of": words["page_of"].split("{}"),
        }

    def text(self, text: str, run: int = 34) -> str:
        """A text of which every character can be shown; a run without a space may be broken after so many characters."""
        plain = _CONTROLS.sub(_REPLACED, text)
        unshown = {each for each in set(plain) if each not in coverage()}
        shown = "".join(self._number(each) if each in unshown else each for each in plain) if unshown else plain
        return re.sub(_RUN.pattern % run, lambda found: _broken(found.group(), run // 2), shown)

    def _number(self, character: str) -> str:
        self.unshown.setdefault(character)
        return f"[U+{ord(character):04X}]"

    def _section(self, section: Section) -> dict[str, Any]:
        return {"title": self.text(section.title), "blocks": list(self._blocks(section))}

    def _blocks(self, section: Section) -> Iterator[dict[str, Any]]:
        for block in section.blocks:
            match block:
                case str():
                    yield {"kind": "text", "text": self.text(block)}
                case Facts():
                    yield {"kind": "facts", "pairs": self._pairs(block)}
                case Copied(text=text):
                    yield {"kind": "copied", "lines": [self.text(line, 120) for line in text.split("\n")]}
                case Chart():
                    yield self._chart(block)
                case Table():
                    yield self._table(block)

    def _chart(self, chart: Chart) -> dict[str, Any]:
        return {
            "kind": "chart",
            "title": self.text(chart.title),
            "codes": [{"code": code, "word": self.text(word)} for code, word in chart.codes],
            "bars": [
                {
                    "name": self.text(bar.name),
                    "total": f"{bar.total:,}",
                    "parts": [[code, count / chart.most] for code, count in bar.parts],
                }
                for bar in chart.bars
            ],
            "after": self.text(chart.after),
        }

    def _table(self, table: Table) -> dict[str, Any]:
        run = 12 if len(table.columns) > 7 else 18
        return {
            "kind": "table",
            "title": self.text(table.title),
            "columns": [{"title": self.text(each.title), "width": each.width, "number": each.number} for each in table.columns],
            "rows": [[self._cell(each, run) for each in row] for row in table.rows[:MOST_ROWS]],
            "after": self.text(table.after),
        }

    def _cell(self, cell: Cell, run: int) -> dict[str, Any]:
        return {"lines": [self.text(each, run) for each in cell.lines], "tone": cell.tone}

    def _pairs(self, facts: Facts) -> list[tuple[str, str]]:
        return [(self.text(name), self.text(value, 70)) for name, value in facts.pairs]


def _broken(run: str, every: int) -> str:
    return _BREAK.join(run[start : start + every] for start in range(0, len(run), every))
