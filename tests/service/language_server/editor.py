"""An editor for the tests: it starts the language server as a process and speaks the protocol with it, one question at a time."""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Callable, Coroutine
from pathlib import Path
from typing import Any, TypeVar

from lsprotocol import types
from pygls.lsp.client import LanguageClient

T = TypeVar("T")
PATIENCE = 120


class Editor:
    """One window with a folder. `text` and `diagnostics` are what its files show."""

    def __init__(self, folder: Path, *arguments: str) -> None:
        self.folder = folder
        self.loop = asyncio.new_event_loop()
        self.client = LanguageClient("tests", "1")
        self.text: dict[str, str] = {}
        self.diagnostics: dict[str, list[types.Diagnostic]] = {}
        self.published = asyncio.Event()
        self.client.feature(types.TEXT_DOCUMENT_PUBLISH_DIAGNOSTICS)(lambda params: self._show(params))
        self.client.feature(types.WORKSPACE_CODE_LENS_REFRESH)(lambda params: None)
        command = [sys.executable, "-m", "service.cli", "lsp", *arguments]
        self.run(self.client.start_io(*command))
        code_lens = types.CodeLensWorkspaceClientCapabilities(refresh_support=True)
        capabilities = types.ClientCapabilities(workspace=types.WorkspaceClientCapabilities(code_lens=code_lens))
        named = types.WorkspaceFolder(folder.as_uri(), folder.name)
        self.run(self.client.initialize_async(types.InitializeParams(capabilities, workspace_folders=[named])))
        self.client.initialized(types.InitializedParams())

    def run(self, work: Coroutine[Any, Any, T]) -> T:
        return self.loop.run_until_complete(asyncio.wait_for(work, PATIENCE))

    def close(self) -> None:
        """End the server as an editor does; one that does not end is killed."""
        try:
            self.run(self.client.shutdown_async(None))
            self.client.exit(None)
            self.run(self.client.stop())
        finally:
            server = self.client._server
            if server is not None and server.returncode is None:
                server.kill()
            self.loop.close()

    def uri(self, file: str) -> str:
        return (self.folder / file).as_uri()

    def open(self, file: str, text: str | None = None) -> None:
        self.text[file] = (self.folder / file).read_text() if text is None else text
        item = types.TextDocumentItem(self.uri(file), "yaml", 1, self.text[file])
        self.client.text_document_did_open(types.DidOpenTextDocumentParams(item))

    def write(self, file: str, text: str) -> None:
        """Type: the file is not saved."""
        self.text[file] = text
        whole = types.TextDocumentContentChangeWholeDocument(text)
        document = types.VersionedTextDocumentIdentifier(uri=self.uri(file), version=2)
        self.client.text_document_did_change(types.DidChangeTextDocumentParams(document, [whole]))

    def replace(self, file: str, old: str, new: str) -> None:
        assert self.text[file].count(old) == 1
        self.write(file, self.text[file].replace(old, new))

    def wait(self, file: str, shown: Callable[[list[types.Diagnostic]], bool]) -> list[types.Diagnostic]:
        """Wait until the diagnostics of a file are as they should be."""

        async def until() -> None:
            while not shown(self.diagnostics.get(self.uri(file), [])):
                self.published.clear()
                await self.published.wait()

        self.run(until())
        return self.diagnostics.get(self.uri(file), [])

    def at(self, file: str, mark: str) -> dict[str, Any]:
        """The place behind a mark in a file, in the form of every question about a place."""
        before = self.text[file].partition(mark)[0] + mark
        line = before.count("\n")
        position = types.Position(line, len(before.rpartition("\n")[2]))
        return {"text_document": types.TextDocumentIdentifier(self.uri(file)), "position": position}

    def complete(self, file: str, mark: str) -> list[str]:
        found = self.run(self.client.text_document_completion_async(types.CompletionParams(**self.at(file, mark))))
        assert isinstance(found, types.CompletionList)
        return [each.label for each in sorted(found.items, key=lambda item: item.sort_text or item.label)]

    def hover(self, file: str, mark: str) -> str:
        found = self.run(self.client.text_document_hover_async(types.HoverParams(**self.at(file, mark))))
        if found is None:
            return ""
        assert isinstance(found.contents, types.MarkupContent)
        return found.contents.value

    def lenses(self, file: str) -> list[types.CodeLens]:
        document = types.TextDocumentIdentifier(self.uri(file))
        found = self.run(self.client.text_document_code_lens_async(types.CodeLensParams(document)))
        return list(found or [])

    def actions(self, file: str, *diagnostics: types.Diagnostic) -> dict[str, types.CodeAction]:
        """The actions for some diagnostics, by their titles."""
        place = diagnostics[0].range if diagnostics else types.Range(types.Position(0, 0), types.Position(0, 0))
        context = types.CodeActionContext(list(diagnostics))
        document = types.TextDocumentIdentifier(self.uri(file))
        found = self.run(self.client.text_document_code_action_async(types.CodeActionParams(document, place, context)))
        return {each.title: each for each in found or [] if isinstance(each, types.CodeAction)}

    def _show(self, params: types.PublishDiagnosticsParams) -> None:
        self.diagnostics[params.uri] = list(params.diagnostics)
        self.published.set()
