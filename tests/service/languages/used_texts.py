"""Which texts of a catalogue the templates and the code use: by name, or by the first part of a name that is put together."""

import ast
from collections.abc import Iterator
from pathlib import Path

from jinja2 import Environment, nodes

from tests.service.conftest import ROOT

TEMPLATES = ROOT / "service" / "console" / "templates"
# The group of a variable in all templates, and of `w` by the first letters of the template.
VARIABLES = {
    "t": "pages", "l": "ledger", "b": "books", "a": "drafts", "r": "report_pages", "o": "overview", "s": "sign_in",
    "sign_in_words": "sign_in", "dw": "documents", "words": "documents",
}  # fmt: skip
W = {"operation": "operations", "register_": "register", "polic": "policies", "review_": "reviews", "workbench": "workbench"}
OTHERS = {("overview.html", "words"), ("ask_words.html", "words")}  # these are no texts

Use = tuple[str, str, str]  # group, name, and where; a name that ends with `*` is the first part of one


def in_templates() -> Iterator[Use]:
    """What the templates name. A text whose name is all in a variable is not among these."""
    environment = Environment(autoescape=True)
    for file in sorted(TEMPLATES.glob("*.html")):
        tree = environment.parse(file.read_text("utf-8"))
        own = {each.target.name for each in tree.find_all(nodes.Assign) if isinstance(each.target, nodes.Name)}
        read: list[nodes.Getattr | nodes.Getitem] = [*tree.find_all(nodes.Getattr), *tree.find_all(nodes.Getitem)]
        for each in read:
            if not isinstance(each.node, nodes.Name) or each.node.name in own or (file.name, each.node.name) in OTHERS:
                continue
            group = _group(each.node.name, file.name)
            if group is None:
                continue
            where = f"{file.name}:{each.lineno}"
            if isinstance(each, nodes.Getattr):
                yield group, each.attr, where
            elif isinstance(each.arg, nodes.Const) and isinstance(each.arg.value, str):
                yield group, each.arg.value, where
            elif isinstance(each.arg, nodes.Concat) and isinstance(each.arg.nodes[0], nodes.Const):
                yield group, f"{each.arg.nodes[0].value}*", where


def in_code(groups: set[str]) -> Iterator[Use]:
    """The words of the code that may be names, in modules that read a group; and the first parts of names that are put together."""
    for file in sorted((ROOT / "service").rglob("*.py")):
        if file.parent.name == "languages":
            continue
        found = list(ast.walk(ast.parse(file.read_text("utf-8"))))
        reads = groups & {each.attr for each in found if isinstance(each, ast.Attribute)}
        where = file.relative_to(ROOT).as_posix()
        for each in found:
            if isinstance(each, ast.Constant) and isinstance(each.value, str):
                yield from ((group, each.value, where) for group in reads)
            elif isinstance(each, ast.Call) and isinstance(each.func, ast.Name) and each.func.id in ("text_for", "text_if_any"):
                of = each.args[0].attr if isinstance(each.args[0], ast.Attribute) else ""
                for group in {of} & groups or reads:
                    match each.args[1]:
                        case ast.JoinedStr(values=[ast.Constant(value=str(stem)), *_]):
                            yield group, f"{stem}*", where


def _group(variable: str, template: str) -> str | None:
    if variable == "w":
        return next((group for start, group in W.items() if Path(template).name.startswith(start)), None)
    return VARIABLES.get(variable)
