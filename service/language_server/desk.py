"""
The desk of the page `/workbench`: what its authors' browsers ask goes in, what the language server says of their edited files comes out.

It works in a process of its own: one line of JSON on the standard input asks, one line on the standard output answers. The files come from
the served policies, the edits with every question, so a desk that ended loses nothing. Nothing is written.
"""

import difflib
import json
import os
import re
import resource
import sys
import time
from collections import OrderedDict
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date
from typing import Any

from lsprotocol import types
from pygls.workspace.position_codec import PositionCodec

import engine
from service.language_server import completion, diagnostics, hover
from service.language_server.diagnostics import FINDERS, FileFinding
from service.language_server.loaded_policies import LoadedPolicies, PolicyLoader
from service.language_server.positions import Positions

MEMORY = 4 << 30  # bytes of address space
MOST_AUTHORS = 4  # at one desk; the policies of each take a tenth of a gigabyte
AWAY = 600.0  # seconds after which an author makes room for another
MOST_SHOWN = 300  # findings, of which the rest is counted
TOOK = 5  # by how much everything else on the machine goes first

Edits = Mapping[str, str]
_LINES = re.compile(r"[^\n]*\n|[^\n]+")  # as Git counts them


@dataclass
class Author:
    """One who edits: the last good policies with her edits, and what was found for the last of these."""

    loader: PolicyLoader
    seen: float = 0.0
    edits: dict[str, str] | None = None
    found: tuple[engine.Diagnostic, ...] = ()
    loaded: LoadedPolicies | None = None
    by_finders: dict[str, tuple[FileFinding, ...]] = field(default_factory=dict)


class Desk:
    """The served policies, and those who edit them."""

    def __init__(self) -> None:
        self.served: dict[str, bytes] = {}
        self.settings = engine.PolicySettings()
        self.trees = engine.TreeCache()
        self.authors: OrderedDict[str, Author] = OrderedDict()

    def take(self, served: Mapping[str, str], settings: engine.PolicySettings) -> None:
        """Other policies are served from now on."""
        self.served = {name: _data(text) for name, text in served.items()}
        self.settings, self.trees = settings, engine.TreeCache()
        self.authors.clear()

    def answer(self, asked: Mapping[str, Any]) -> dict[str, Any]:
        """What one question is answered with."""
        edits: dict[str, str] = asked["edits"]
        unknown = next((name for name in edits if name not in self.served), None)
        if unknown is not None:
            return {"wrong": f"`{unknown}` is no file of the served policies"}
        if asked["do"] == "patch":
            return {"patch": "".join(self._patch(edits))}
        author = self._author(asked["author"], time.monotonic())
        if author is None:
            return {"full": True}
        quick = (
            asked["do"] in ("complete", "hover") and author.loader.latest is not None
        )  # with each letter: the last good ones do
        if author.edits != edits and not quick:
            author.found, author.loaded = author.loader.load(self._sources(edits))
            author.edits, author.by_finders = edits, {}
            if author.loaded is not None and author.loader.latest is None:
                author.loader.keep(author.loaded)
        match asked["do"]:
            case "check":
                return self._found(author, asked["file"])
            case "lint":
                self._lint(author, asked["file"], date.fromisoformat(asked["today"]))
                return self._found(author, asked["file"])
            case "decide":
                return self._decide(author, asked)
            case "complete":
                return self._complete(author, edits, asked["file"], types.Position(asked["line"], asked["character"]))
            case "hover":
                return self._hover(author, edits, asked["file"], types.Position(asked["line"], asked["character"]))
        return {"wrong": "there is no such question"}

    def _author(self, name: str, now: float) -> Author | None:
        if name not in self.authors:
            if len(self.authors) >= MOST_AUTHORS:
                first = next(iter(self.authors))
                if now < self.authors[first].seen + AWAY:
                    return None
                del self.authors[first]
            self.authors[name] = Author(PolicyLoader(self.trees, settings=self.settings))
        self.authors.move_to_end(name)
        found = self.authors[name]
        found.seen = now
        return found

    def _sources(self, edits: Edits) -> dict[str, bytes]:
        return self.served | {name: text.encode() for name, text in edits.items()}

    def _positions(self, edits: Edits) -> Positions:
        return Positions(PositionCodec(), self._sources(edits))

    def _lint(self, author: Author, file: str, today: date) -> None:
        """What takes longest, once the decision is there: what the finders say of a file, and what words are completed by."""
        if author.loaded is None:
            return
        if file in self.served and file not in author.by_finders:
            found = (each for finder in FINDERS for each in finder(author.loaded.bundle, file, today))
            author.by_finders[file] = tuple(found)
        if author.loader.latest is not author.loaded:
            author.loader.keep(author.loaded)

    def _found(self, author: Author, file: str) -> dict[str, Any]:
        """What is wrong in all files, as far as it is found."""
        positions = self._positions(author.edits or {})
        listed = [FileFinding(each) for each in author.found] + [*author.by_finders.get(file, ())]
        once = {(each.diagnostic.at, each.diagnostic.code, each.diagnostic.message): each for each in listed}
        # Errors before warnings, and the shown file before others; else causes stay before what follows from them.
        ordered = sorted(once.values(), key=lambda each: (each.diagnostic.severity, each.diagnostic.at.file != file))
        shown = [_shown(each, positions) for each in ordered[:MOST_SHOWN]]
        return {"sound": author.loaded is not None, "findings": shown, "more": max(0, len(ordered) - MOST_SHOWN)}

    def _decide(self, author: Author, asked: Mapping[str, Any]) -> dict[str, Any]:
        """The decision of an exchange by the edited policies; never by others."""
        if author.loaded is None:
            return {"unsound": True}
        policies, lang, today = author.loaded, asked["lang"], date.fromisoformat(asked["today"])
        try:
            exchange = engine.stated_exchange(policies.bundle, asked["exchange"].encode())
        except engine.ExchangeRefused as refused:
            return {"problems": [f"{each.pointer or '/'}: {each.told(lang)}" for each in refused.problems]}
        as_of = date.fromisoformat(asked["as_of"]) if asked["as_of"] else exchange.as_of or today
        decision = policies.pdp.decide(exchange, as_of=as_of, today=today, id="workbench", lang=lang)
        text = engine.PlainText(engine.LANGUAGES[lang], policies.bundle)
        return {
            "outcome": decision.outcome,
            "proceed": decision.proceed,
            "head": f"{text.proceed(decision)}: {text.outcome(decision)}",
            "answer": decision.answer,
            "sections": list(text.sections(decision)),
        }

    def _complete(self, author: Author, edits: Edits, file: str, position: types.Position) -> dict[str, Any]:
        policies = author.loader.latest
        if policies is None or file not in self.served:
            return {"items": []}
        found = completion.complete(policies, self._positions(edits), file, position)
        return {"items": [_item(each) for each in found.items], "more": found.is_incomplete}

    def _hover(self, author: Author, edits: Edits, file: str, position: types.Position) -> dict[str, Any]:
        policies = author.loader.latest
        found = hover.hover(policies, self._positions(edits), file, position) if policies and file in self.served else None
        return {"markdown": found.contents.value} if found and isinstance(found.contents, types.MarkupContent) else {}

    def _patch(self, edits: Edits) -> Iterator[str]:
        """The edits as a unified diff against the served files, with paths as Git has them."""
        for name, text in sorted(edits.items()):
            before, after = (_LINES.findall(each) for each in (self.served[name].decode("utf-8", "replace"), text))
            lines = difflib.unified_diff(before, after, f"a/{name}", f"b/{name}")
            yield from (each if each.endswith("\n") else f"{each}\n\\ No newline at end of file\n" for each in lines)


def _data(text: str) -> bytes:
    return text.encode("utf-8", "surrogateescape")


def _shown(finding: FileFinding, positions: Positions) -> dict[str, Any]:
    told = diagnostics.protocol_diagnostic(positions, finding)
    return {
        "file": finding.diagnostic.at.file,
        "severity": finding.diagnostic.severity,
        "code": finding.diagnostic.code,
        "message": told.message,
        **_range(told.range),
    }


def _range(of: types.Range) -> dict[str, Any]:
    return {"start": [of.start.line, of.start.character], "end": [of.end.line, of.end.character]}


def _item(each: types.CompletionItem) -> dict[str, Any]:
    edit = each.text_edit
    about = each.documentation.value if isinstance(each.documentation, types.MarkupContent) else ""
    placed = {"text": edit.new_text, **_range(edit.range)} if isinstance(edit, types.TextEdit) else {"text": each.insert_text}
    return {"label": each.label, "detail": each.detail or "", "about": about, **placed}


def main() -> None:
    """Answer until nothing more is asked."""
    resource.setrlimit(resource.RLIMIT_AS, (MEMORY, MEMORY))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.nice(TOOK)
    desk = Desk()
    for line in sys.stdin.buffer:
        asked = json.loads(line)
        if "served" in asked:
            desk.take(asked["served"], engine.PolicySettings(**asked["settings"]))
        print(json.dumps(desk.answer(asked)), flush=True)


if __name__ == "__main__":
    main()
