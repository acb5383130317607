// Starts `fifthfactor lsp` for the first file of policies that is opened, and hands VS Code's questions to it.
"use strict";

const fs = require("node:fs");
const path = require("node:path");
const vscode = require("vscode");
const { LanguageClient } = require("vscode-languageclient/node");

const POLICIES = /^(policy|test|vocabulary|organisation):/m;
let client;

function command(folder) {
  const named = vscode.workspace.getConfiguration("fifthfactor").get("command");
  if (named) {
    return named;
  }
  const own = [".venv/bin/fifthfactor", ".venv/Scripts/fifthfactor.exe"].map((file) => path.join(folder, file));
  return own.find((file) => fs.existsSync(file)) || "fifthfactor";
}

async function start() {
  const folder = vscode.workspace.workspaceFolders?.[0]?.uri.fsPath;
  if (client || !folder) {
    return;
  }
  const policies = vscode.workspace.getConfiguration("fifthfactor").get("policies") || [];
  const server = { command: command(folder), args: ["lsp", ...policies], options: { cwd: folder } };
  client = new LanguageClient("fifthfactor", "Fifth Factor", server, {
    documentSelector: [
      { scheme: "file", language: "yaml" },
      { scheme: "file", language: "json" },
    ],
    synchronize: { fileEvents: vscode.workspace.createFileSystemWatcher("**/*.{yaml,yml}") },
  });
  await client.start();
}

async function stop() {
  const running = client;
  client = undefined;
  await running?.stop();
}

function showReferences(uri, at, locations) {
  const position = (each) => new vscode.Position(each.line, each.character);
  const range = (each) => new vscode.Range(position(each.start), position(each.end));
  const places = locations.map((each) => new vscode.Location(vscode.Uri.parse(each.uri), range(each.range)));
  return vscode.commands.executeCommand("editor.action.showReferences", vscode.Uri.parse(uri), position(at), places);
}

function activate(context) {
  const startFor = (document) => (document.languageId === "yaml" && POLICIES.test(document.getText()) ? start() : undefined);
  context.subscriptions.push(
    vscode.commands.registerCommand("fifthfactor.showReferences", showReferences),
    vscode.commands.registerCommand("fifthfactor.restart", async () => {
      await stop();
      await start();
    }),
    vscode.workspace.onDidOpenTextDocument(startFor),
  );
  return Promise.all(vscode.workspace.textDocuments.map(startFor));
}

module.exports = { activate, deactivate: stop };
