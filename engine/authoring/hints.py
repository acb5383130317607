"""
What an editor shows beside a key or an operator: one or two sentences for each.

A key's is written below its field, in the model of its document; `of_keys` reads it there. `OPERATORS` has a line for every operator and
group of `policy_language.operators`. A test holds both to be complete.
"""

from __future__ import annotations

import ast
import inspect
import sys
from collections.abc import Mapping
from functools import cache
from types import ModuleType
from typing import Any, get_args

from engine.policy_language.document_text import DocumentText, Text

_BY_LANGUAGE = " A text, or one by language (`en`, `zh`)."

OPERATORS = {
    "at_least": "This or more. In a set of ordered values, one such member is enough.",
    "at_most": "This or less. In a set of ordered values, one such member is enough.",
    "more_than": "More than this. In a set of ordered values, one such member is enough.",
    "less_than": "Less than this. In a set of ordered values, one such member is enough.",
    "from": "On this day or after it; `as_of` is the day of the decision.",
    "until": "On this day or before it; `as_of` is the day of the decision.",
    "within": "No longer ago than this. For a date after the day of the decision, the test fails.",
    "older_than": "Longer ago than this. For a date after the day of the decision, the test fails.",
    "has": "Holds any of these.",
    "has_all": "Holds all of these.",
    "made": "Beside `has`: such a document bears a date of which this test holds.",
    "only": "Holds nothing outside these; `only: []` is empty.",
    "in": "Is in the register on the day; of several registers, in any one.",
    "not": "This test does not hold.",
    "fact": "Another fact of the same type: is the same as it; under an operator, compares with it, a set with a set.",
    "registered": "Whether the id is in the register. Only the service knows it.",
    "all_of": "All of these hold.",
    "any_of": "Any of these holds.",
    "none_of": "None of these holds.",
}


def shapes_of(document: Any) -> set[type[DocumentText]]:
    """The model of a document and those of its parts."""
    if not isinstance(document, type) or not issubclass(document, DocumentText):
        return {shape for inner in get_args(document) for shape in shapes_of(inner)}
    return {document} | {shape for field in document.model_fields.values() for shape in shapes_of(field.annotation)}


def of_keys(shape: type[DocumentText]) -> dict[str, str]:
    """By the keys of a document, or of a part of one, what stands below their fields; the nearest class that says it decides."""
    below: dict[str, str] = {}
    for each in reversed(shape.__mro__):
        below |= _below_fields(sys.modules[each.__module__]).get(each.__name__, {}) if issubclass(each, DocumentText) else {}
    return {
        field.alias or name: below[name] + (_BY_LANGUAGE if _holds_text(field.annotation) else "")
        for name, field in shape.model_fields.items()
        if name in below
    }


@cache
def _below_fields(module: ModuleType) -> Mapping[str, dict[str, str]]:
    """By class and field, the text below the field. Pydantic can read it too, at each start and for each class; that takes 50 ms."""
    return {
        each.name: {
            field.target.id: inspect.cleandoc(text.value.value)
            for field, text in zip(each.body, each.body[1:], strict=False)
            if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name)
            if isinstance(text, ast.Expr) and isinstance(text.value, ast.Constant) and isinstance(text.value.value, str)
        }
        for each in ast.parse(inspect.getsource(module)).body
        if isinstance(each, ast.ClassDef)
    }


def _holds_text(annotation: Any) -> bool:
    return annotation is Text or any(each is Text for each in get_args(annotation))
