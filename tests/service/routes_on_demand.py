"""
Routes that are completed when they are first used, so that an application begins in a tenth of the time.

The tests make thousands of applications, each of a hundred routes, and use two or three routes of each. Completing a route makes the
models of its parameters and answers. Here it happens in `lazily` only: before a route is called, or something asks what is known of it
besides its path and methods, such as the OpenAPI document. Servers in processes of their own complete all their routes at the start.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from fastapi.routing import APIRoute
from starlette.routing import Route

_COMPLETE = APIRoute.__init__
_LATER = "_completed_by"


def on_demand() -> None:
    """From now on the routes of this process are completed when they are first used."""
    APIRoute.__init__ = _begin  # type: ignore[method-assign]
    APIRoute.__getattr__ = _attribute  # type: ignore[attr-defined]


def _begin(self: APIRoute, path: str, endpoint: Callable[..., Any], **more: Any) -> None:
    """What matching needs; the rest is made by `_attribute`."""
    # Starlette adds HEAD to GET, and FastAPI does not.
    Route.__init__(self, path, endpoint, name=more.get("name"), include_in_schema=more.get("include_in_schema", True))
    self.methods = {each.upper() for each in more.get("methods") or ("GET",)}
    del self.app
    self.__dict__[_LATER] = lambda: _COMPLETE(self, path, endpoint, **more)


def _attribute(self: APIRoute, name: str) -> Any:
    """An attribute that is not there yet: complete the route, and keep what its own class has set since."""
    complete = self.__dict__.pop(_LATER, None)
    if complete is None:
        raise AttributeError(name)
    since = dict(self.__dict__)
    complete()
    self.__dict__.update(since)
    return getattr(self, name)
