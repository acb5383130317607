"""A located tree to the document that it is. Each error becomes a finding at its place."""

from __future__ import annotations

from typing import Any, TypeVar, get_args

from pydantic import ValidationError

from engine.policy_language.diagnostic import Findings, did_you_mean
from engine.policy_language.document_text import DocumentText
from engine.policy_language.tree import Mapping, Node, locate, plain
from engine.policy_language.tree import read as read_tree
from engine.policy_language.vocabulary_text import ONCE

M = TypeVar("M", bound=DocumentText)


class InvalidDocument(ValueError):
    """A document that comes with the program cannot be used; `str()` gives the rendered findings."""


def read_document(model: type[M], file: str, data: bytes) -> M:
    """A YAML file that comes with the program, as `model`. Raises InvalidDocument, with every error at its place."""
    findings = Findings()
    node = read_tree(file, data, findings)
    found = None if node is None else read_model(model, node, findings)
    if found is None or findings.errors:
        text = {file: data.decode("utf-8", "replace")}
        raise InvalidDocument("\n\n".join(each.render(text) for each in findings.errors) or f"{file}: there is no document")
    return found


def read_model(model: type[M], node: Node, findings: Findings) -> M | None:
    """Read a tree as `model`. Each error becomes a finding at its place, and the result is None."""
    try:
        return model.model_validate(plain(node))
    except ValidationError as failed:
        errors = failed.errors(include_url=False, include_input=False)
        for number, error in enumerate(errors):
            # If no member of a union fits, each member reports an error; only the member with the right shape says what is wrong.
            branch = error["type"].endswith("_type") and error["loc"] and not _is_step(node, error["loc"])
            rivals = errors[:number] if all(e["type"].endswith("_type") for e in errors) else errors
            if not (branch and any(e is not error and e["loc"][: len(error["loc"]) - 1] == error["loc"][:-1] for e in rivals)):
                _report(model, node, error, findings)
        return None


def read_parts(model: type[M], node: Node, findings: Findings) -> M | None:
    """Read a tree of sections with named entries. An entry with an error becomes a finding and is left out; the others are read."""
    whole = read_model(model, node, findings)
    sections = plain(node)
    if whole is not None or not isinstance(sections, dict):
        return whole
    try:
        model.model_validate(sections)
    except ValidationError as failed:
        for error in failed.errors(include_url=False, include_input=False):
            section = sections.get(str(error["loc"][0])) if error["loc"] else None
            if isinstance(section, dict) and len(error["loc"]) > 1 and error["loc"][0] not in ONCE:  # read whole
                section.pop(error["loc"][1], None)
            elif error["loc"]:
                sections.pop(str(error["loc"][0]), None)
    try:
        return model.model_validate(sections)
    except ValidationError:
        return None  # every error is already a finding


def _is_step(root: Node, path: tuple[str | int, ...]) -> bool:
    """Whether the last step of `path` is a key or place of the tree, not the name of a union's member."""
    parent, _ = locate(root, path[:-1])
    last = path[-1]
    return isinstance(last, int) or (isinstance(parent, Mapping) and parent.get(last) is not None)


def _report(model: type[DocumentText], root: Node, error: Any, findings: Findings) -> None:
    path = tuple(error["loc"])
    where, span = locate(root, path)
    # A last step that names a member of a union is not a word of the author.
    named = path[:-1] if len(path) > 1 and not _is_step(root, path) and error["type"].endswith("_type") else path
    last = str(named[-1]) if named else ""
    match error["type"]:
        case "missing":
            findings.error(span, "missing-key", f"`{last}` is missing here", help=f"add `{last}:`")
        case "extra_forbidden":
            keys = _keys(model, path[:-1])
            help = did_you_mean(last, keys) or (f"the keys here are {', '.join(f'`{k}`' for k in keys)}" if keys else "")
            findings.error(span, "unknown-key", f"there is no key `{last}` here", "not a key", help)
        case "string_type" | "dict_type" | "list_type" | "model_type" | "model_attributes_type":
            kinds = {"string_type": "text", "list_type": "a list"}
            findings.error(where.span, "wrong-shape", f"`{last}` must be {kinds.get(error['type'], 'a mapping')}")
        case "string_too_short":
            key = last if len(path) < 2 or last not in ("en", "zh") or _is_step(root, path) else str(path[-2])
            findings.error(span, "bad-value", f"`{key}` is empty", help=f"write a text after `{key}:`")
        case "value_error":
            findings.error(where.span, "bad-value", str(error["ctx"]["error"]))
        case "literal_error":
            said = plain(where)
            expected = str(error["ctx"]["expected"]).replace("'", "`")
            place = bool(named) and isinstance(named[-1], int)  # an entry of a list has no key
            message = f"`{said}` is not {expected}" if place else f"`{last}` must be {expected}, not `{said}`"
            findings.error(where.span, "bad-value", message)
        case "date_from_datetime_parsing" | "date_parsing" | "date_type":
            findings.error(where.span, "bad-date", f"`{plain(where)}` is not a date", help="write it like `2024-03-22`")
        case "string_pattern_mismatch":
            findings.error(
                where.span,
                "bad-id",
                f"`{plain(where)}` is not a name",
                help="use letters, digits, `.` and `-`, like `cn.order-16`",
            )
        case _:
            message = error["msg"][0].lower() + error["msg"][1:]
            findings.error(where.span, "bad-value", f"`{last}`: {message}" if last else message)


def _keys(model: type[DocumentText], path: tuple[int | str, ...]) -> list[str]:
    """The keys of the model that stands at `path` below `model`."""
    here: Any = model
    for step in path:
        found = None
        for candidate in _models(here):
            for name, item in candidate.model_fields.items():
                if step in (name, item.alias):
                    found = item.annotation
        if found is not None:
            here = found
    return sorted({item.alias or name for candidate in _models(here) for name, item in candidate.model_fields.items()})


def _models(annotation: Any) -> list[type[DocumentText]]:
    if isinstance(annotation, type) and issubclass(annotation, DocumentText):
        return [annotation]
    return [model for inner in get_args(annotation) for model in _models(inner)]
