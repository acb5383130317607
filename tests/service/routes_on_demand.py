"""
Routes that are completed when they are first used, so that an application begins in a tenth of the time.

The tests make thousands of applications, each of a hundred routes, and use two or three routes of each. Completing a route makes the
models of its parameters and answers. Here it happens only before a route is called, or when something asks what is known of it besides
what it was given, such as the OpenAPI document. What depends on its path or on the shape of its answer alone is made once a process.
Servers that start from nothing complete all their routes at the start.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import cache
from typing import Any

import fastapi.routing
import fastapi.utils
import starlette.routing
from fastapi.datastructures import DefaultPlaceholder
from fastapi.routing import APIRoute

_COMPLETE = APIRoute.__init__
_LATER = "_completed_with"
# What a route keeps as it was given; the model of its answers only where one was given.
_AS_GIVEN = frozenset({"openapi_extra", "response_class", "response_model"})


def on_demand() -> None:
    """From now on the routes of this process are completed when they are first used."""
    APIRoute.__init__ = _begin  # type: ignore[method-assign]
    APIRoute.__getattr__ = _attribute  # type: ignore[attr-defined]
    compiled = cache(starlette.routing.compile_path)
    starlette.routing.compile_path = compiled
    vars(fastapi.routing).update(compile_path=compiled, create_model_field=cache(fastapi.utils.create_model_field))


def _begin(self: APIRoute, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
    """What matching needs; the rest is made by `_attribute`."""
    self.path, self.endpoint, self.include_in_schema = path, endpoint, more.get("include_in_schema", True)
    self.name = more.get("name") or starlette.routing.get_name(endpoint)
    self.path_regex, self.path_format, self.param_convertors = starlette.routing.compile_path(path)
    self.methods = {each.upper() for each in more.get("methods") or ("GET",)}
    self.__dict__[_LATER] = more


def _attribute(self: APIRoute, name: str) -> Any:
    """An attribute that is not there yet: complete the route, and keep what its own class has set since."""
    more = self.__dict__.get(_LATER)
    if more is None:
        raise AttributeError(name)
    if name in _AS_GIVEN and name in more and not isinstance(more[name], DefaultPlaceholder):
        return more[name]
    del self.__dict__[_LATER]
    since = dict(self.__dict__)
    _COMPLETE(self, self.path, self.endpoint, **more)
    self.__dict__.update(since)
    return getattr(self, name)
