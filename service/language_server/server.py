"""
The language server: what an editor asks over standard input and output, answered by the modules beside this one.

Short questions are answered in the loop. Loading, searching and evaluating run in threads beside it, so that an editor never waits for them
to complete a word.
"""

from asyncio import to_thread
from collections.abc import Callable, Sequence
from datetime import date
from functools import partial
from pathlib import Path
from typing import Any

from lsprotocol import types
from pygls.exceptions import JsonRpcInvalidParams
from pygls.lsp.server import LanguageServer

import engine
from service.language_server import completion, hover, lenses, navigation
from service.language_server.actions import Actions
from service.language_server.diagnostics import Diagnosis
from service.language_server.loaded_policies import LoadedPolicies, PolicyLoader
from service.language_server.policy_files import PolicyFiles, folders_of
from service.language_server.positions import Positions, path_of

_Placed = types.DefinitionParams | types.ReferenceParams | types.PrepareRenameParams | types.RenameParams
TRIGGERS = [" ", "{", "[", ".", "/", ":"]


class PolicyServer(LanguageServer):
    """A server for one editor window."""

    def __init__(self, given: Sequence[Path], today: Callable[[], date]) -> None:
        super().__init__("fifthfactor", engine.__version__)
        self.given = given
        self.today = today
        self.files = PolicyFiles()
        self.loader = PolicyLoader()
        self.lenses = lenses.Lenses()
        self.diagnosis = Diagnosis(
            self.files, self.loader, self.positions, self.text_document_publish_diagnostics, self.refresh_lenses, today
        )

    def positions(self) -> Positions:
        """The files as they stand now; what is asked in a thread goes on with them while the editor changes others."""
        return Positions(self.workspace.position_codec, dict(self.files.sources))

    def refresh_lenses(self) -> None:
        """Ask the editor to ask for the lenses again."""
        workspace = self.client_capabilities.workspace
        if workspace is not None and workspace.code_lens is not None and workspace.code_lens.refresh_support:
            self.workspace_code_lens_refresh(None)

    def begin(self) -> None:
        """Read the folders of the workspace, and search them."""
        roots = [path for each in self.workspace.folders.values() if (path := path_of(each.uri))]
        if not roots and self.workspace.root_path:
            roots = [Path(self.workspace.root_path)]
        self.take(list(self.given) or [folder for root in roots for folder in folders_of(root)])

    def take(self, folders: list[Path]) -> None:
        """Answer for these folders from now on."""
        self.files.take(folders)
        self.read_files()

    def read_files(self) -> None:
        """Read the files on the disk anew, and search them."""
        try:
            self.files.read()
        except (OSError, engine.NameTaken) as failed:
            self.window_show_message(types.ShowMessageParams(types.MessageType.Error, str(failed)))
        self.diagnosis.changed()

    def at(self, uri: str) -> tuple[LoadedPolicies, str] | None:
        """The last good policies and the name of a file; None where there are none yet, or the file belongs to no folder of them."""
        path = path_of(uri)
        file = self.files.name(path) if path else ""
        return (self.loader.latest, file) if self.loader.latest and file in self.files.sources else None

    def named(self, params: _Placed) -> tuple[LoadedPolicies, engine.NameUse] | None:
        """The name at a position, with the last good policies."""
        here = self.at(params.text_document.uri)
        use = navigation.use_at(here[0], self.positions(), here[1], params.position) if here else None
        return (here[0], use) if here and use else None


def serve(given: Sequence[Path], today: Callable[[], date]) -> None:
    """Answer an editor over standard input and output until it ends. Without folders of policies, those of the workspace count."""
    ls = PolicyServer(given, today)
    _files(ls)
    _questions(ls)
    _names(ls)
    _work(ls)
    ls.start_io()


def _files(ls: PolicyServer) -> None:
    @ls.feature(types.INITIALIZED)
    def begin(params: types.InitializedParams) -> None:
        ls.begin()

    @ls.feature(types.TEXT_DOCUMENT_DID_OPEN)
    def opened(params: types.DidOpenTextDocumentParams) -> None:
        put(params.text_document.uri)

    @ls.feature(types.TEXT_DOCUMENT_DID_CHANGE)
    def changed(params: types.DidChangeTextDocumentParams) -> None:
        put(params.text_document.uri)

    def put(uri: str) -> None:
        path = path_of(uri)
        if path and not ls.files.folders:  # a file that was opened without a folder
            ls.take(folders_of(path.parent))
        if path and ls.files.name(path):
            ls.files.put(path, ls.workspace.get_text_document(uri).source)
            ls.diagnosis.changed(ls.files.name(path))

    @ls.feature(types.TEXT_DOCUMENT_DID_CLOSE)
    def closed(params: types.DidCloseTextDocumentParams) -> None:
        path = path_of(params.text_document.uri)
        if path:
            ls.files.drop(path)
            ls.diagnosis.changed()

    @ls.feature(types.WORKSPACE_DID_CHANGE_WATCHED_FILES)
    def watched(params: types.DidChangeWatchedFilesParams) -> None:
        ls.read_files()

    @ls.feature(types.WORKSPACE_DID_CHANGE_WORKSPACE_FOLDERS)
    def moved(params: types.DidChangeWorkspaceFoldersParams) -> None:
        ls.begin()

    @ls.feature(types.SHUTDOWN)
    def end(params: None) -> None:
        ls.diagnosis.close()


def _questions(ls: PolicyServer) -> None:
    @ls.feature(types.TEXT_DOCUMENT_COMPLETION, types.CompletionOptions(trigger_characters=TRIGGERS))
    def complete(params: types.CompletionParams) -> types.CompletionList:
        here = ls.at(params.text_document.uri)
        if here is None:  # while the policies are read for the first time, the editor asks again
            return types.CompletionList(ls.loader.latest is None, [])
        return completion.complete(here[0], ls.positions(), here[1], params.position)

    @ls.feature(types.TEXT_DOCUMENT_HOVER)
    async def told(params: types.HoverParams) -> types.Hover | None:
        here = ls.at(params.text_document.uri)
        return await to_thread(hover.hover, here[0], ls.positions(), here[1], params.position) if here else None

    @ls.feature(types.TEXT_DOCUMENT_CODE_ACTION)
    def actions(params: types.CodeActionParams) -> list[types.CodeAction]:
        policies, path = ls.loader.latest, path_of(params.text_document.uri)
        if policies is None or path is None:
            return []
        possible = Actions(policies, ls.files, ls.positions(), ls.today())
        if path.suffix == ".json":
            return list(possible.of_exchange(path, ls.workspace.get_text_document(params.text_document.uri).source))
        here = ls.at(params.text_document.uri)
        return list(possible.of(here[1], params.text_document.uri, list(params.context.diagnostics))) if here else []

    @ls.feature(types.TEXT_DOCUMENT_FORMATTING)
    def lay_out(params: types.DocumentFormattingParams) -> list[types.TextEdit] | None:
        document = ls.workspace.get_text_document(params.text_document.uri)
        try:
            laid = engine.lay_out(document.filename or "", document.source.encode()).decode()
        except engine.NotLaidOut:
            return None
        whole = types.Range(types.Position(0, 0), types.Position(len(document.lines), 0))
        return [types.TextEdit(whole, laid)] if laid != document.source else []


def _names(ls: PolicyServer) -> None:
    @ls.feature(types.TEXT_DOCUMENT_DEFINITION)
    def definition(params: types.DefinitionParams) -> types.Location | None:
        named = ls.named(params)
        return navigation.definition(named[0], ls.files, ls.positions(), named[1]) if named else None

    @ls.feature(types.TEXT_DOCUMENT_REFERENCES)
    async def references(params: types.ReferenceParams) -> list[types.Location]:
        named = ls.named(params)
        if named is None:
            return []
        declared = params.context.include_declaration
        return await to_thread(navigation.references, named[0], ls.files, ls.positions(), named[1], declared)

    @ls.feature(types.TEXT_DOCUMENT_PREPARE_RENAME)
    def renamed(params: types.PrepareRenameParams) -> types.Range | None:
        named = ls.named(params)
        return ls.positions().range(named[1].at) if named and named[1].name.kind in navigation.RENAMED else None

    @ls.feature(types.TEXT_DOCUMENT_RENAME, types.RenameOptions(prepare_provider=True))
    async def rename(params: types.RenameParams) -> types.WorkspaceEdit | None:
        named = ls.named(params)
        if named is None:
            return None
        work = partial(navigation.rename, ls.loader, named[0], ls.files, ls.positions(), named[1], params.new_name)
        try:
            return await to_thread(work)
        except navigation.RenameRefused as refused:
            raise JsonRpcInvalidParams(str(refused)) from None


def _work(ls: PolicyServer) -> None:
    @ls.feature(types.TEXT_DOCUMENT_CODE_LENS)
    async def shown(params: types.CodeLensParams) -> list[types.CodeLens]:
        here = ls.at(params.text_document.uri)
        if here is None:
            return []
        return await to_thread(ls.lenses.of, here[0], ls.files, ls.positions(), here[1], ls.diagnosis.proven(here[1]))

    @ls.command(lenses.EVALUATE)
    async def evaluate(uri: str, number: int) -> dict[str, Any] | None:
        here = ls.at(uri)
        if here is None:
            return None
        policies, file = here
        data = ls.files.sources[file]
        outcome = await to_thread(lenses.evaluate, policies, file, data, number)
        said = ls.lenses.keep(file, number, data, outcome)
        ls.refresh_lenses()
        return {"outcome": outcome.outcome, "answer": outcome.answer, "problems": list(outcome.problems), "said": said}
