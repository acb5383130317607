"""The extension for VS Code has what the editor needs of it, and starts the server."""

from __future__ import annotations

import json
import re
import shutil
import subprocess
from pathlib import Path

import pytest

import engine

FOLDER = Path(__file__).parents[3] / "service" / "language_server" / "vscode"
MANIFEST = json.loads((FOLDER / "package.json").read_text())
NODE = shutil.which("node")

# Stands in for VS Code: it has one YAML file open, and says how the server would be started.
ACTIVATE = """
const Module = require("node:module");
const document = { languageId: "yaml", getText: () => process.argv[2] };
const said = {};
const vscode = {
  commands: { registerCommand: (name) => name },
  workspace: {
    workspaceFolders: [{ uri: { fsPath: process.argv[3] } }],
    textDocuments: [document],
    getConfiguration: () => ({ get: (name) => JSON.parse(process.argv[4])[name] }),
    createFileSystemWatcher: (files) => files,
    onDidOpenTextDocument: (handler) => handler,
  },
};
class LanguageClient {
  constructor(id, name, server, client) { Object.assign(said, { server, selector: client.documentSelector }); }
  async start() { said.started = true; }
}
const stand_ins = { vscode, "vscode-languageclient/node": { LanguageClient } };
const load = Module._load;
Module._load = (name, ...rest) => stand_ins[name] || load(name, ...rest);
require(process.argv[1]).activate({ subscriptions: [] }).then(() => console.log(JSON.stringify(said)));
"""


def test_every_package_is_pinned_by_its_hash_and_named_without_an_address() -> None:
    """The lock holds the extension's own version and that of each package below it."""
    lock = json.loads((FOLDER / "package-lock.json").read_text())
    own = lock["packages"].pop("")
    assert own["dependencies"] == MANIFEST["dependencies"]
    assert all(each["integrity"].startswith("sha512-") for each in lock["packages"].values())
    assert not any("resolved" in each for each in lock["packages"].values())
    assert set(MANIFEST["dependencies"]) <= {name.removeprefix("node_modules/") for name in lock["packages"]}


def test_both_manifests_say_the_same() -> None:
    """That of the package and that of the archive, in the version of the engine; the files that they name are there."""
    archive = (FOLDER / "extension.vsixmanifest").read_text()
    identity = dict(re.findall(r'(Id|Version|Publisher)="([^"]*)"', archive.partition("<Identity")[2].partition("/>")[0]))
    assert identity == {"Id": MANIFEST["name"], "Version": MANIFEST["version"], "Publisher": MANIFEST["publisher"]}
    assert engine.__version__.startswith(MANIFEST["version"])
    assert f'Value="{MANIFEST["engines"]["vscode"]}"' in archive
    named = re.findall(r'Path="extension/([^"]*)"', archive)
    assert all((FOLDER / each).is_file() for each in [*named, MANIFEST["main"]])
    makefile = (FOLDER.parents[2] / "Makefile").read_text()
    assert "npm ci" in makefile.partition("\neditor:")[2].partition("\n\n")[0]


@pytest.mark.skipif(NODE is None, reason="needs Node.js")
def test_it_starts_the_server_for_a_file_of_policies_and_for_no_other(tmp_path: Path) -> None:
    """The command line of the folder's own environment comes first; settings come before both."""

    def activated(text: str, **settings: object) -> dict[str, object]:
        asked = [str(NODE), "-e", ACTIVATE, str(FOLDER / "extension.js"), text, str(tmp_path), json.dumps(settings)]
        done = subprocess.run(asked, capture_output=True, text=True, check=True)
        return json.loads(done.stdout)  # type: ignore[no-any-return]

    assert activated("services:\n  web: {}\n") == {}
    found = activated("# a comment\npolicy: aa.law\n")
    assert found["server"] == {"command": "fifthfactor", "args": ["lsp"], "options": {"cwd": str(tmp_path)}}
    assert found["started"] is True
    own = tmp_path / ".venv" / "bin" / "fifthfactor"
    own.parent.mkdir(parents=True)
    own.touch()
    server = activated("test: aa.law\n", policies=["bundled", "acme"])["server"]
    assert server == {"command": str(own), "args": ["lsp", "bundled", "acme"], "options": {"cwd": str(tmp_path)}}
    named = activated("test: aa.law\n", command="/opt/fifthfactor")["server"]
    assert isinstance(named, dict)
    assert named["command"] == "/opt/fifthfactor"
