"""
What the chart's schema says of the settings of the service, made from the settings themselves.

A setting is the chart's own (`OWN`), or names a file that a Secret or a ConfigMap brings (`files`), or is given by its value
(`settings`) or by a key of a Secret (`fromSecret`). A secret is never given by its value.
"""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any, Literal, get_args, get_origin

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from service.settings import Settings

# The chart sets these by values of its own.
OWN = frozenset((
    "acceptances", "database", "drain_seconds", "host", "hosts", "log_key", "policies", "port", "shadow", "tls_certificate", "tls_key",
    "workers",
))  # fmt: skip
# These hold a secret, so no ConfigMap has them.
SECRET_FILES = frozenset(("database_password_file", "oidc_client_secret_file", "webhook_secret"))
_LIMITS = {"ge": "minimum", "le": "maximum", "min_length": "minLength", "max_length": "maxLength"}
_NAMES: dict[Any, str] = {bool: "boolean", int: "integer", float: "number", str: "string"}
_REFERENCE = {"type": "string", "minLength": 1, "maxLength": 253}
_KEY = {"type": "string", "pattern": "^[-._a-zA-Z0-9]{1,253}$"}


def definitions() -> dict[str, Any]:
    """The definitions `settings`, `fromSecret` and `files` of the schema."""
    own = {name: field for name, field in Settings.model_fields.items() if name not in OWN}
    files = {name: field for name, field in own.items() if Path in _types(field)}
    values = {name: field for name, field in own.items() if name not in files}
    from_secret = {
        "type": "object",
        "additionalProperties": False,
        "required": ["secret", "key"],
        "properties": {"secret": _REFERENCE, "key": _KEY},
    }
    return {
        "settings": _object({name: _value(field) for name, field in values.items() if SecretStr not in _types(field)}),
        "fromSecret": _object({name: {"$ref": "#/definitions/secretKey"} for name, field in values.items() if _is_text(field)}),
        "secretKey": from_secret,
        "files": _object({name: _file(name, field) for name, field in files.items()}),
    }


def _object(properties: dict[str, Any]) -> dict[str, Any]:
    return {"type": "object", "additionalProperties": False, "properties": dict(sorted(properties.items()))}


def _is_text(field: FieldInfo) -> bool:
    return field.annotation is str or bool(_types(field) & {SecretStr, tuple[str, ...]})


def _types(field: FieldInfo) -> set[Any]:
    return {field.annotation, *get_args(field.annotation)}


def _file(name: str, field: FieldInfo) -> dict[str, Any]:
    several = get_origin(field.annotation) is tuple
    places: dict[str, Any] = {"secret": _REFERENCE} | ({} if name in SECRET_FILES else {"configMap": _REFERENCE})
    keys = {"type": "array", "minItems": 1, "maxItems": 100 if several else 1, "uniqueItems": True, "items": _KEY}
    return {
        "type": "object",
        "additionalProperties": False,
        "required": ["keys"],
        "oneOf": [{"required": [place]} for place in places],
        "properties": {**places, "keys": keys},
    }


def _value(field: FieldInfo) -> dict[str, Any]:
    limits = {
        schema: getattr(each, limit) for each in field.metadata for limit, schema in _LIMITS.items() if hasattr(each, limit)
    }
    kind = field.annotation
    if get_origin(kind) is Literal:
        return {"enum": list(get_args(kind))}
    if get_origin(kind) is tuple:
        # Twice `not`: Helm quotes what does not match a pattern, and an address may hold a secret.
        return {
            "type": "array",
            "maxItems": 100,
            "items": {"type": "string", "not": {"not": {"pattern": "^https://[^@#\\s]+$"}}},
        }
    if date in get_args(kind):
        return {"type": "string", "pattern": "^(never|[0-9]{4}-[0-9]{2}-[0-9]{2})$"}
    return {"type": _NAMES[kind], **limits}
