"""
Statements that are compiled once a process, and not once for each database.

What SQLAlchemy makes of a statement it keeps beside the engine that ran it. The tests open thousands of databases, each with an engine of
its own, and to make the text of a statement takes ten times as long as to run it.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy.engine import Dialect, Engine
from sqlalchemy.util import LRUCache

_MANY = 5_000


class _Shared(LRUCache[Any, Any]):
    """Compiled statements by their keys, in which a dialect stands for all dialects that write the same text."""

    def get(self, key: Any, default: Any = None) -> Any:
        return super().get(_like(key), default)

    def __getitem__(self, key: Any) -> Any:
        return super().__getitem__(_like(key))

    def __setitem__(self, key: Any, value: Any) -> None:
        super().__setitem__(_like(key), value)


def once() -> None:
    """From now on the databases of this process share their compiled statements."""
    shared = _Shared(_MANY)
    Engine._compiled_cache = property(lambda engine: shared, lambda engine, own: None)  # type: ignore[assignment]


def _like(key: Any) -> Any:
    dialect, *rest = key
    assert isinstance(dialect, Dialect)
    version = getattr(dialect, "server_version_info", None)
    return (type(dialect), dialect.paramstyle, version, *rest)
