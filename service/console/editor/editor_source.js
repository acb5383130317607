// The editor of the page /workbench. What is edited stays in this window: every question to the service brings it along.
import { basicSetup } from "codemirror";
import { yaml } from "@codemirror/lang-yaml";
import { HighlightStyle, syntaxHighlighting } from "@codemirror/language";
import { lintGutter, setDiagnostics } from "@codemirror/lint";
import { unifiedMergeView } from "@codemirror/merge";
import { Compartment, EditorState } from "@codemirror/state";
import { EditorView, hoverTooltip } from "@codemirror/view";
import { tags } from "@lezer/highlight";

const PAUSE = 400; // milliseconds without a change, after which the service is asked
const REST = 1_500; // the same for what takes longest: lint, and the words that are completed
const AGAIN = 5_000; // milliseconds, after which a busy service is asked again
const bench = document.getElementById("workbench");
const { token, source, address } = bench.dataset;
const words = JSON.parse(bench.dataset.words);
const part = (name) => document.getElementById(name);
const named = ({ textContent: name }, { folder } = {}) => (folder ? `${folder}/${name}` : name);
const buttons = new Map(
  [...bench.querySelectorAll(".files li button")].map((each) => [named(each, each.closest("details").dataset), each]),
);
const files = new Map(); // by name: what is served, and the editor's state
const drafts = new Map(); // by name: texts that were kept and not opened since
let file = "";
let view = null;
let changes = 0; // counts them: an answer to an earlier question is not shown
let comparing = false;
let working = false;
let timer = 0;

// --- what the service is asked

function edits() {
  const found = Object.fromEntries(drafts);
  for (const [name, each] of files) {
    const text = each.state.doc.toString();
    if (text !== each.served) {
      found[name] = each.windows ? text.replaceAll("\n", "\r\n") : text;
    }
  }
  return found;
}

async function ask(question) {
  const body = new URLSearchParams({ token, asked: JSON.stringify({ file, edits: edits(), ...question }) });
  const answer = await fetch(address, { method: "POST", body, headers: { Accept: "application/json" } });
  const said = await answer.json().catch(() => ({}));
  if (!answer.ok) {
    throw Object.assign(new Error(said.detail || words.no_answer), { busy: answer.status === 503 });
  }
  part("moved").hidden = said.source === source;
  return said;
}

function changed() {
  changes += 1;
  keep();
  part("decision").setAttribute("aria-busy", "true");
  part("status").textContent = words.checking;
  clearTimeout(timer);
  timer = setTimeout(check, PAUSE);
}

function check() {
  return work(async (asked) => {
    const found = await ask({ do: "check" });
    if (asked === changes) {
      showFindings(found);
      await decide(asked);
      timer = asked === changes ? setTimeout(lint, REST) : timer;
    }
  });
}

function lint() {
  return work(async (asked) => {
    const found = await ask({ do: "lint" });
    if (asked === changes) {
      showFindings(found);
    }
  });
}

// One at a time; what was changed meanwhile is asked about afterwards.
async function work(task) {
  if (working) {
    return;
  }
  working = true;
  const asked = changes;
  try {
    await task(asked);
  } catch (failed) {
    if (asked === changes) {
      say(failed.message || words.no_answer);
      timer = failed.busy ? setTimeout(check, AGAIN) : timer;
    }
  } finally {
    working = false;
    if (asked !== changes) {
      clearTimeout(timer);
      timer = setTimeout(check, PAUSE);
    }
  }
}

async function decide(asked) {
  const exchange = part("exchange").value;
  const shown = exchange.trim() ? await ask({ do: "decide", exchange, as_of: part("as_of").value || null }) : {};
  if (asked === changes) {
    showDecision(shown);
  }
}

// --- what is shown

function say(text) {
  part("status").textContent = text;
  showDecision({ problems: [text] });
}

function made(name, text, type) {
  const found = document.createElement(name);
  found.textContent = text;
  if (type) {
    found.className = type;
  }
  return found;
}

function showFindings({ findings, more, sound }) {
  const count = (severity) => findings.filter((each) => each.severity === severity).length;
  part("status").textContent = sound
    ? words.sound.replace("{}", count("warning") + more)
    : words.unsound.replace("{}", count("error") + more);
  const here = findings.filter((each) => each.file === file);
  if (view) {
    const at = ([line, character]) => {
      const found = view.state.doc.line(Math.min(line + 1, view.state.doc.lines));
      return Math.min(found.from + character, found.to);
    };
    const told = here.map((each) => ({
      from: at(each.start), to: Math.max(at(each.end), at(each.start)), severity: each.severity, message: each.message, source: each.code,
    }));
    view.dispatch(setDiagnostics(view.state, told));
  }
  part("findings").replaceChildren(
    ...findings.slice(0, 60).map((each) => {
      const item = document.createElement("li");
      const open = made("button", `${each.file}:${each.start[0] + 1}`, "id");
      open.type = "button";
      open.addEventListener("click", () => show(each.file, each.start[0] + 1));
      item.append(made("b", words[each.severity]), " ", made("span", each.message), " ", open);
      item.dataset.severity = each.severity;
      return item;
    }),
  );
}

function showDecision(said) {
  const box = part("decision");
  box.removeAttribute("aria-busy");
  if (said.unsound) {
    box.replaceChildren(made("p", words.no_decision));
  } else if (said.problems) {
    box.replaceChildren(...said.problems.map((each) => made("p", each, "wrong")));
  } else if (said.outcome) {
    const head = document.createElement("p");
    head.append(made("span", said.head, `chip o-${said.outcome}`));
    const told = said.sections.flatMap(([title, lines]) => {
      const list = document.createElement("ul");
      list.append(...lines.map((each) => made("li", each)));
      return [made("h3", title), list];
    });
    box.replaceChildren(head, made("p", said.answer), ...told);
  } else {
    box.replaceChildren(made("p", words.no_exchange, "minor"));
  }
}

// --- the editor

const comparison = new Compartment();

async function complete(context) {
  const word = context.matchBefore(/[\w./-]*/);
  if (!context.explicit && (!word || word.from === word.to)) {
    return null;
  }
  const line = context.state.doc.lineAt(context.pos);
  const asked = { do: "complete", line: line.number - 1, character: context.pos - line.from };
  const { items, more } = await ask(asked).catch(() => ({ items: [] }));
  if (context.aborted || !items.length) {
    return null;
  }
  const from = items[0].start ? line.from + items[0].start[1] : word.from;
  const typed = context.state.sliceDoc(from, context.pos).toLowerCase();
  const rank = ({ label }) => (label.toLowerCase().startsWith(typed) ? 0 : label.toLowerCase().includes(typed) ? 1 : 2);
  items.sort((one, other) => rank(one) - rank(other)); // words that begin so come first; else they stay in order
  return {
    from,
    filter: false,
    options: items.map((each) => ({
      label: each.label, detail: each.detail, info: each.about || undefined,
      apply: (editor, _, start) => {
        const here = editor.state.doc.lineAt(editor.state.selection.main.head);
        const end = each.end ? Math.max(here.from + each.end[1], editor.state.selection.main.head) : editor.state.selection.main.head;
        editor.dispatch({ changes: { from: start, to: Math.min(end, here.to), insert: each.text }, selection: { anchor: start + each.text.length } });
      },
    })),
    validFor: more ? undefined : /^$/,
  };
}

const hover = hoverTooltip(async (editor, pos) => {
  const line = editor.state.doc.lineAt(pos);
  const { html } = await ask({ do: "hover", line: line.number - 1, character: pos - line.from }).catch(() => ({}));
  if (!html) {
    return null;
  }
  const dom = made("div", "", "told");
  dom.innerHTML = html; // the service made it of Markdown, without markup of others
  return { pos, create: () => ({ dom }) };
});

const colours = HighlightStyle.define([
  { tag: tags.comment, color: "var(--soft)", fontStyle: "italic" },
  { tag: [tags.propertyName, tags.definition(tags.propertyName)], color: "var(--link)" },
  { tag: [tags.string, tags.content, tags.attributeValue], color: "var(--ink)" },
  { tag: [tags.number, tags.keyword, tags.meta, tags.labelName], color: "var(--review)" },
  { tag: [tags.punctuation, tags.separator, tags.bracket], color: "var(--soft)" },
]);
const dark = matchMedia("(prefers-color-scheme: dark)");
const theme = EditorView.theme({
  "&": { height: "100%", color: "var(--ink)", backgroundColor: "var(--sheet)", fontSize: ".875rem" },
  "&.cm-focused": { outline: "2px solid var(--focus)" },
  ".cm-scroller": { fontFamily: "var(--mono)", lineHeight: "1.55" },
  ".cm-content": { caretColor: "var(--ink)" },
  "& .cm-cursor": { borderLeftColor: "var(--ink)" },
  ".cm-gutters": { color: "var(--soft)", backgroundColor: "var(--wash)", borderRight: "1px solid var(--line)" },
  ".cm-activeLine": { backgroundColor: "transparent" },
  ".cm-activeLineGutter": { backgroundColor: "var(--line)" },
  "& .cm-tooltip": { color: "var(--ink)", backgroundColor: "var(--sheet)", border: "1px solid var(--line)", maxWidth: "34rem" },
  "& .cm-tooltip-autocomplete ul li[aria-selected]": { color: "var(--sheet)", backgroundColor: "var(--link)" },
  ".cm-completionDetail": { fontStyle: "normal", opacity: "1" },
  ".told": { padding: ".4rem .7rem" },
  ".told p": { margin: ".3rem 0" },
  "& .cm-deletedChunk": { backgroundColor: "var(--stop-wash)" },
  "& .cm-changedLine": { backgroundColor: "var(--go-wash)" },
});

function stateOf(text) {
  return EditorState.create({
    doc: text,
    extensions: [
      basicSetup, yaml(), syntaxHighlighting(colours), theme, EditorView.darkTheme.of(dark.matches), EditorView.lineWrapping,
      lintGutter(), hover, comparison.of([]), EditorState.languageData.of(() => [{ autocomplete: complete }]),
      EditorView.contentAttributes.of({ "aria-label": words.editor, tabindex: "0" }),
      EditorView.updateListener.of((update) => {
        files.get(file).state = update.state;
        if (update.docChanged) {
          mark(file);
          changed();
        }
      }),
    ],
  });
}

function mark(name) {
  const each = files.get(name);
  const edited = drafts.has(name) || Boolean(each && each.state.doc.toString() !== each.served);
  buttons.get(name)?.classList.toggle("edited", edited);
  part("patch").disabled = !Object.keys(edits()).length;
}

function compare() {
  const original = files.get(file).served;
  view.dispatch({ effects: comparison.reconfigure(comparing ? unifiedMergeView({ original, mergeControls: false }) : []) });
  part("compare").setAttribute("aria-pressed", String(comparing));
}

async function show(name, line) {
  if (!files.has(name)) {
    const answer = await fetch(`/workbench/file?name=${encodeURIComponent(name)}`).catch(() => null);
    if (!answer?.ok) {
      say(words.no_answer);
      return;
    }
    const text = await answer.text();
    const windows = text.includes("\r\n");
    const plain = (written) => written.replaceAll("\r\n", "\n");
    files.set(name, { served: plain(text), windows, state: stateOf(plain(drafts.get(name) ?? text)) });
    drafts.delete(name);
  }
  file = name;
  if (view) {
    view.setState(files.get(name).state);
  } else {
    const host = part("editor");
    host.hidden = false;
    // In a root of its own the editor's styles are no `style` element, which the page's content policy would refuse.
    const root = host.attachShadow({ mode: "open" });
    view = new EditorView({ state: files.get(name).state, parent: root, root });
  }
  compare();
  if (line) {
    const at = view.state.doc.line(Math.min(line, view.state.doc.lines)).from;
    view.dispatch({ selection: { anchor: at }, effects: EditorView.scrollIntoView(at, { y: "center" }) });
  }
  view.focus();
  for (const [other, button] of buttons) {
    button.toggleAttribute("aria-current", other === name);
  }
  part("name").textContent = name;
  part("compare").disabled = part("revert").disabled = false;
  mark(name);
  changed();
}

// --- what is kept, and what is taken away

function keep() {
  const kept = { edits: edits(), exchange: part("exchange").value, as_of: part("as_of").value, file };
  try {
    sessionStorage.setItem("workbench", JSON.stringify(kept));
  } catch {
    // A window that keeps nothing is one in which nothing comes back after a reload.
  }
}

function restore() {
  let kept = null;
  try {
    kept = JSON.parse(sessionStorage.getItem("workbench"));
  } catch {
    kept = null;
  }
  for (const [name, text] of Object.entries(kept?.edits ?? {})) {
    if (buttons.has(name)) {
      drafts.set(name, text);
      mark(name);
    }
  }
  part("exchange").value = kept?.exchange ?? "";
  part("as_of").value = kept?.as_of ?? "";
  return buttons.has(kept?.file) ? kept.file : "";
}

async function takePatch() {
  try {
    const { patch } = await ask({ do: "patch" });
    const link = document.createElement("a");
    link.href = URL.createObjectURL(new Blob([patch], { type: "text/x-diff" }));
    link.download = "policies.patch";
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 10_000);
  } catch (failed) {
    say(failed.message);
  }
}

function filter() {
  const wanted = part("filter").value.trim().toLowerCase();
  for (const folder of bench.querySelectorAll(".files details")) {
    const items = [...folder.querySelectorAll("li")];
    for (const item of items) {
      item.hidden = Boolean(wanted) && !named(item.firstElementChild, folder.dataset).toLowerCase().includes(wanted);
    }
    folder.hidden = items.every((item) => item.hidden);
    folder.open = Boolean(wanted) && !folder.hidden;
  }
}

for (const [name, button] of buttons) {
  button.addEventListener("click", () => show(name));
}
part("filter").addEventListener("input", filter);
part("exchange").addEventListener("input", changed);
part("as_of").addEventListener("input", changed);
part("patch").addEventListener("click", takePatch);
part("compare").addEventListener("click", () => {
  comparing = !comparing;
  compare();
});
part("revert").addEventListener("click", () => {
  view.dispatch({ changes: { from: 0, to: view.state.doc.length, insert: files.get(file).served } });
});
bench.hidden = false;
const last = restore();
if (last) {
  show(last);
} else {
  changed();
}
